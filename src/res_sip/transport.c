/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the transports of the configuration, opened and found again by name or type. UDP itself is in udp.c, TCP is
 * PJSIP's.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <pjlib.h>

#include <sipsession/log.h>

#include "res_sip/sip.h"

static struct sip_transport *transports; /* in the order of the configuration */

const struct sip_transport *sip_transports(void)
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

/* Options of a listener and of each of its connections; the values must outlive the call that uses them. */
struct socket_options {
    int on, idle;
};

static void add_option(pj_sockopt_params *params, int level, int name, int *value)
{
    base_assert(params->cnt < PJ_ARRAY_SIZE(params->options));
    params->options[params->cnt].level = level;
    params->options[params->cnt].optname = name;
    params->options[params->cnt].optval = value;
    params->options[params->cnt].optlen = sizeof(*value);
    params->cnt++;
}

static void set_options(pjsip_tcp_transport_cfg *cfg, const struct sip_transport_config *config,
                        struct socket_options *values)
{
    values->on = 1;
    values->idle = (int)config->tcp_keepalive;
    add_option(&cfg->sockopt_params, IPPROTO_TCP, TCP_NODELAY, &values->on);
    if (config->tcp_keepalive) {
        add_option(&cfg->sockopt_params, SOL_SOCKET, SO_KEEPALIVE, &values->on);
        add_option(&cfg->sockopt_params, IPPROTO_TCP, TCP_KEEPIDLE, &values->idle);
    }
    if (config->tos) {
        cfg->qos_params.flags = PJ_QOS_PARAM_HAS_DSCP;
        cfg->qos_params.dscp_val = (pj_uint8_t)(config->tos >> 2);
    }
    if (config->bind.addr.sa_family == PJ_AF_INET6) { /* so that 0.0.0.0 may be bound too */
        add_option(&cfg->sockopt_params, IPPROTO_IPV6, IPV6_V6ONLY, &values->on);
    }
}

/* The address to be told to peers when we are bound to all: PJSIP would ask for the host's name and block. */
static void publish(pjsip_tcp_transport_cfg *cfg, char *text, size_t size)
{
    pj_sockaddr route;

    if (pj_sockaddr_has_addr(&cfg->bind_addr) ||
        pj_getdefaultipinterface(cfg->af, &route) != PJ_SUCCESS) {
        return;
    }
    pj_sockaddr_print(&route, text, (int)size, 0);
    cfg->addr_name.host = sip_str(text);
}

static int start_tcp(const struct sip_transport_config *config, pjsip_tpfactory **factory)
{
    pjsip_tcp_transport_cfg cfg;
    struct socket_options values;
    char published[PJ_INET6_ADDRSTRLEN], name[PJ_INET6_ADDRSTRLEN + 10], error[PJ_ERR_MSG_SIZE];
    pj_status_t status;

    pjsip_tcp_transport_cfg_default(&cfg, config->bind.addr.sa_family);
    cfg.bind_addr = config->bind;
    cfg.reuse_addr = PJ_TRUE;
    set_options(&cfg, config, &values);
    publish(&cfg, published, sizeof(published));
    status = pjsip_tcp_transport_start3(sip_endpt, &cfg, factory);
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

static int open_tcp(struct sip_transport *transport)
{
    if (start_tcp(transport->config, &transport->tcp) != 0) {
        return -1;
    }
    transport->type = transport->tcp->type;
    transport->address = transport->config->bind; /* PJSIP's has the published one */
    pj_sockaddr_set_port(&transport->address, (pj_uint16_t)transport->tcp->addr_name.port);
    return 0;
}

static int open_one(struct sip_transport *transport)
{
    const struct sip_transport_config *config = transport->config;
    int udp = config->protocol == SIP_TRANSPORT_UDP;
    char name[PJ_INET6_ADDRSTRLEN + 10];

    if ((udp ? open_udp(transport) : open_tcp(transport)) != 0) {
        return -1;
    }
    ast_notice("transport '%s': listening on %s %s", config->name, udp ? "UDP" : "TCP",
               pj_sockaddr_print(&transport->address, name, sizeof(name), 3));
    return 0;
}

/* C14 of docs/pjsip.md: a request too large for UDP goes by TCP only where there is TCP. */
static void check_tcp_beside_udp(const struct sip_config *config)
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

int sip_transports_start(const struct sip_config *config)
{
    const struct sip_transport_config *one;
    struct sip_transport **last = &transports;

    for (one = config->transports; one; one = one->next) {
        struct sip_transport *transport = calloc(1, sizeof(*transport));

        if (!transport) {
            ast_error("res_sip: transport '%s': no memory", one->name);
            return -1;
        }
        transport->config = one;
        *last = transport;
        last = &transport->next;
        if (open_one(transport) != 0) {
            return -1;
        }
    }
    check_tcp_beside_udp(config);
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
            ast_error("endpoint '%s': there is no transport '%s'", endpoint->name,
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
