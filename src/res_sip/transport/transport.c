/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the transports of the configuration, opened and found again by name or type. UDP itself
 * is in udp.c, TLS in tls.c, TCP is PJSIP's.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <pjlib.h>

#include <sipsession/log.h>

#include "res_sip/transport/tls.h"
#include "res_sip/transport/transport.h"

/* SYNs that are repeated: a server that is dead makes way for the next one (RFC 3263 4.3) after 7 s,
 * not after the system's two minutes. */
#define CONNECT_ATTEMPTS 2
#define UNREAD_TIME      4 /* times timer B: longer than that no connection waits for its peer to read */

static struct sip_transport *transports; /* in the order of the configuration */

struct sip_transport *sip_transports(void)
{
    return transports;
}

const struct sip_transport *sip_transport_of_type(pjsip_transport_type_e type)
{
    const struct sip_transport *transport = transports;

    while (transport && transport->type != type) {
        transport = transport->next;
    }
    return transport;
}

const struct sip_transport *sip_transport_of_name(const char *name)
{
    const struct sip_transport *transport = transports;

    while (transport && strcmp(transport->config->name, name) != 0) {
        transport = transport->next;
    }
    return transport;
}

static const struct sip_transport *find_in(const struct sip_transport *list,
                                           const pjsip_transport *wanted)
{
    while (list && (list->udp ? list->udp != wanted : list->tcp != wanted->factory)) {
        list = list->next;
    }
    return list;
}

const struct sip_transport *sip_transport_of(const pjsip_transport *wanted)
{
    const struct sip_transport *found = find_in(transports, wanted);

    return found ? found : find_in(sip_transports_retired(), wanted);
}

int sip_transport_is_retired(const pjsip_transport *transport)
{
    return sip_transports_retired() && find_in(sip_transports_retired(), transport);
}

const char *sip_transport_parameter(pjsip_transport_type_e type)
{
    unsigned flag = pjsip_transport_get_flag_from_type(type);

    if (flag & PJSIP_TRANSPORT_DATAGRAM) {
        return NULL;
    }
    return flag & PJSIP_TRANSPORT_SECURE ? "tls" : "tcp";
}

static void add_option(pj_sockopt_params *params, int level, int name, int *value)
{
    base_assert(params->cnt < PJ_ARRAY_SIZE(params->options));
    params->options[params->cnt].level = level;
    params->options[params->cnt].optname = name;
    params->options[params->cnt].optval = value;
    params->options[params->cnt].optlen = sizeof(*value);
    params->cnt++;
}

void sip_transport_options(struct sip_transport *transport, pj_sockopt_params *params,
                           pj_qos_params *qos)
{
    const struct sip_transport_config *config = transport->config;

    transport->options.on = 1;
    transport->options.idle = (int)config->tcp_keepalive;
    transport->options.interval = (int)config->tcp_keepalive_interval;
    transport->options.count = (int)config->tcp_keepalive_count;
    /* A phone that is out of reach for a minute keeps its connection; for longer, nobody waits for
     * what it has not taken (RFC 3261 17). */
    transport->options.unread = UNREAD_TIME * (int)sip_get_config()->global.timer_b;
    params->cnt = 0;
    add_option(params, IPPROTO_TCP, TCP_NODELAY, &transport->options.on);
    transport->options.attempts = CONNECT_ATTEMPTS;
    add_option(params, IPPROTO_TCP, TCP_SYNCNT, &transport->options.attempts);
    add_option(params, IPPROTO_TCP, TCP_USER_TIMEOUT, &transport->options.unread);
    if (config->tcp_keepalive) {
        add_option(params, SOL_SOCKET, SO_KEEPALIVE, &transport->options.on);
        add_option(params, IPPROTO_TCP, TCP_KEEPIDLE, &transport->options.idle);
        add_option(params, IPPROTO_TCP, TCP_KEEPINTVL, &transport->options.interval);
        add_option(params, IPPROTO_TCP, TCP_KEEPCNT, &transport->options.count);
    }
    if (config->tos) {
        qos->flags |= PJ_QOS_PARAM_HAS_DSCP;
        qos->dscp_val = (pj_uint8_t)(config->tos >> 2);
    }
    if (config->cos) {
        qos->flags |= PJ_QOS_PARAM_HAS_SO_PRIO;
        qos->so_prio = (pj_uint8_t)config->cos;
    }
    if (config->bind.addr.sa_family == PJ_AF_INET6) { /* so that 0.0.0.0 may be bound too */
        add_option(params, IPPROTO_IPV6, IPV6_V6ONLY, &transport->options.on);
    }
}

static void set(int fd, int level, int name, int value)
{
    if (setsockopt(fd, level, name, &value, sizeof(value)) != 0) {
        ast_debug("res_sip: option %d of a connection cannot be set: %m", name);
    }
}

void sip_transport_mark(const struct sip_transport *transport, pjsip_transport *connection)
{
    const struct sip_transport_config *config = transport->config;
    pj_sock_t fd = pjsip_tcp_transport_get_socket(connection);

    if (fd == PJ_INVALID_SOCKET) {
        return;
    }
    sip_udp_set_qos((int)fd, config);
    set((int)fd, SOL_SOCKET, SO_KEEPALIVE, config->tcp_keepalive > 0);
    if (config->tcp_keepalive) {
        set((int)fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)config->tcp_keepalive);
        set((int)fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)config->tcp_keepalive_interval);
        set((int)fd, IPPROTO_TCP, TCP_KEEPCNT, (int)config->tcp_keepalive_count);
    }
}

/* PJSIP would ask for the host's name and block. */
void sip_transport_publish(const struct sip_transport_config *config, pjsip_host_port *name,
                           char *text, size_t size)
{
    pj_sockaddr route;

    if (pj_sockaddr_has_addr(&config->bind) ||
        pj_getdefaultipinterface(config->bind.addr.sa_family, &route) != PJ_SUCCESS) {
        return;
    }
    pj_sockaddr_print(&route, text, (int)size, 0);
    name->host = sip_str(text);
}

static int start_tcp(struct sip_transport *transport)
{
    const struct sip_transport_config *config = transport->config;
    pjsip_tcp_transport_cfg cfg;
    char published[PJ_INET6_ADDRSTRLEN], name[PJ_INET6_ADDRSTRLEN + 10], error[PJ_ERR_MSG_SIZE];
    pj_status_t status;

    pjsip_tcp_transport_cfg_default(&cfg, config->bind.addr.sa_family);
    cfg.bind_addr = config->bind;
    cfg.reuse_addr = PJ_TRUE;
    sip_transport_options(transport, &cfg.sockopt_params, &cfg.qos_params);
    sip_transport_publish(config, &cfg.addr_name, published, sizeof(published));
    status = pjsip_tcp_transport_start3(sip_endpt, &cfg, &transport->tcp);
    if (status != PJ_SUCCESS) {
        ast_error("res_sip: transport '%s': cannot bind TCP %s: %s", config->name,
                  pj_sockaddr_print(&config->bind, name, sizeof(name), 3),
                  sip_error(status, error, sizeof(error)));
        return -1;
    }
    return 0;
}

static int open_udp(struct sip_transport *transport)
{
    if (sip_udp_start(transport->config, &transport->udp) != 0) {
        return -1;
    }
    transport->type = transport->udp->key.type;
    transport->address = transport->udp->local_addr;
    return 0;
}

static int open_stream(struct sip_transport *transport)
{
    int tls = transport->config->protocol == SIP_TRANSPORT_TLS;

    if ((tls ? sip_tls_start(transport) : start_tcp(transport)) != 0) {
        return -1;
    }
    transport->type = transport->tcp->type;
    transport->address = transport->config->bind; /* PJSIP's has the published one */
    pj_sockaddr_set_port(&transport->address, (pj_uint16_t)transport->tcp->addr_name.port);
    return 0;
}

static int open_one(struct sip_transport *transport)
{
    static const char *const names[] = {"UDP", "TCP", "TLS"};
    const struct sip_transport_config *config = transport->config;
    char name[PJ_INET6_ADDRSTRLEN + 10];

    if ((config->protocol == SIP_TRANSPORT_UDP ? open_udp(transport) : open_stream(transport)) !=
        0) {
        return -1;
    }
    ast_notice("transport '%s': listening on %s %s", config->name, names[config->protocol],
               pj_sockaddr_print(&transport->address, name, sizeof(name), 3));
    return 0;
}

void sip_transports_check(const struct sip_config *config)
{
    const struct sip_transport *transport;

    if (config->global.disable_tcp_switch) {
        return;
    }
    for (transport = transports; transport; transport = transport->next) {
        int ipv6 = (transport->type & PJSIP_TRANSPORT_IPV6) != 0;

        if (transport->udp &&
            !sip_transport_of_type(ipv6 ? PJSIP_TRANSPORT_TCP6 : PJSIP_TRANSPORT_TCP)) {
            ast_warning("transport '%s': no TCP transport beside it: requests too large for UDP "
                        "leave by UDP nevertheless (RFC 3261 18.1.1)",
                        transport->config->name);
        }
    }
}

struct sip_transport *sip_transport_open(const struct sip_transport_config *config)
{
    struct sip_transport *transport = calloc(1, sizeof(*transport));

    if (!transport) {
        ast_error_limited("res_sip: transport '%s': no memory", config->name);
        return NULL;
    }
    transport->config = config;
    if (open_one(transport) != 0) {
        free(transport);
        return NULL;
    }
    return transport;
}

void sip_transport_add(struct sip_transport *transport)
{
    struct sip_transport **end = &transports;

    while (*end) {
        end = &(*end)->next;
    }
    *end = transport;
}

void sip_transport_take_out(struct sip_transport *transport)
{
    struct sip_transport **at = &transports;

    while (*at != transport) {
        at = &(*at)->next;
    }
    *at = transport->next;
    transport->next = NULL;
}

int sip_transports_start(const struct sip_config *config)
{
    const struct sip_transport_config *one;

    for (one = config->transports; one; one = one->next) {
        struct sip_transport *transport = sip_transport_open(one);

        if (!transport) {
            return -1;
        }
        sip_transport_add(transport);
    }
    sip_transports_check(config);
    sip_transports_retire_start();
    sip_tls_watch();
    return 0;
}

void sip_transports_forget(void)
{
    while (transports) {
        struct sip_transport *next = transports->next;

        free(transports);
        transports = next;
    }
}

int sip_transport_selector(const struct ast_sip_endpoint *endpoint, pjsip_tpselector *selector)
{
    const struct sip_transport *transport;
    pjsip_tpselector result = {.type = PJSIP_TPSELECTOR_NONE};

    base_assert_sip_thread();
    if (endpoint && endpoint->transport) {
        transport = sip_transport_of_name(endpoint->transport);
        if (!transport) {
            ast_error_limited("endpoint '%s': there is no transport '%s'", endpoint->name,
                              endpoint->transport);
            return -1;
        }
        if (transport->udp) {
            result.type = PJSIP_TPSELECTOR_TRANSPORT;
            result.u.transport = transport->udp;
        } else {
            result.type = PJSIP_TPSELECTOR_LISTENER;
            result.u.listener = transport->tcp;
        }
    }
    *selector = result;
    return 0;
}
