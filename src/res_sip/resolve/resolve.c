/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: names of servers become addresses (RFC 3263), by c-ares behind PJSIP's hook for an
 * external resolver; PJSIP's own resolver is not used (docs/pjsip.md). Everything is asynchronous
 * on the SIP thread: a name server that is slow or lies keeps its own request waiting, for a
 * bounded time, and nothing else.
 *
 * One lookup: NAPTR, SRV, then the addresses of each server in turn (locate.c says in which order),
 * until there are enough. What was found before an error counts.
 */
#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include <pj/rand.h>
#include <sipsession/log.h>

#include "res_sip/resolve/locate.h"
#include "res_sip/resolve/resolve.h"
#include "res_sip/transport/transport.h"

#define MAX_SOCKETS 16

/* A name server may know many names that it says nothing of. Who asks has 64*T1, 32 s, in all. */
#define ASK_FOR 16000000u /* microseconds, until no further question begins */

/* A lookup under way; freed when its callback was called. */
struct lookup {
    char host[LOCATE_NAME_SIZE];
    unsigned port;
    int allowed; /* bits of enum locate_protocol */
    int named;   /* the one that the URI says; 0: none */
    int fallback;
    void *token;
    pjsip_resolver_callback *done;
    struct locate_naptr naptr[LOCATE_MAX_NAPTR];
    unsigned naptr_count, naptr_at;
    struct locate_srv srv[LOCATE_MAX_SRV];
    unsigned srv_count, srv_at;
    int protocol_at;   /* the next protocol whose SRV is asked for without NAPTR */
    pj_uint64_t until; /* what was found by then has to do */
    pjsip_server_addresses found;
};

static ares_channel channel, prepared;
static int channel_is_open, is_prepared;
static struct sip_watch watches[MAX_SOCKETS]; /* fd -1: free */
static pj_timer_entry timer;

static void begin(struct lookup *lookup);
static void next_srv(struct lookup *lookup);
static void next_address(struct lookup *lookup);

/* ---- c-ares and the loop ---- */

static void set_timer(void)
{
    struct timeval tv;
    const struct timeval *next = ares_timeout(channel, NULL, &tv);
    pj_time_val delay;

    if (timer.id) {
        pjsip_endpt_cancel_timer(sip_endpt, &timer);
        timer.id = 0;
    }
    if (next) {
        delay.sec = next->tv_sec;
        delay.msec = next->tv_usec / 1000 + 1;
        pj_time_val_normalize(&delay);
        timer.id = pjsip_endpt_schedule_timer(sip_endpt, &timer, &delay) == PJ_SUCCESS;
    }
}

static void on_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    (void)heap;
    entry->id = 0;
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer();
}

static void on_ready(struct sip_watch *watch)
{
    /* a socket that is not ready after all says so */
    ares_process_fd(channel, watch->fd, watch->writes ? watch->fd : ARES_SOCKET_BAD);
    set_timer();
}

/* c-ares opens and closes sockets; over TCP it has something to write when it is connected. */
static void on_socket(void *data, ares_socket_t fd, int readable, int writable)
{
    struct sip_watch *free_watch = NULL;

    (void)data;
    for (unsigned i = 0; i < MAX_SOCKETS; i++) {
        if (watches[i].fd == fd) {
            if (!readable && !writable) {
                sip_loop_unwatch(&watches[i]);
                watches[i].fd = -1;
            } else {
                sip_loop_watch_writing(&watches[i], writable);
            }
            return;
        }
        if (watches[i].fd < 0 && !free_watch) {
            free_watch = &watches[i];
        }
    }
    if ((readable || writable) && free_watch) {
        free_watch->fd = fd;
        free_watch->writes = writable;
        if (sip_loop_watch(free_watch) != 0) {
            free_watch->fd = -1;
        }
    }
}

struct ares_channeldata *sip_resolve_channel(void)
{
    return channel_is_open ? channel : NULL;
}

void sip_resolve_arm(void)
{
    set_timer();
}

/* ---- the end of a lookup ---- */

static void finish(struct lookup *lookup)
{
    const int count = (int)lookup->found.count;

    if (count == 0) {
        ast_warning_limited("res_sip: no address for %s", lookup->host);
    }
    lookup->done(count > 0 ? PJ_SUCCESS : PJ_ERESOLVE, lookup->token,
                 count > 0 ? &lookup->found : NULL);
    free(lookup);
}

/* Its channel goes: with everything, or since a reload has put another one in its place. */
static void on_channel_gone(struct lookup *lookup)
{
    if (channel_is_open) {
        begin(lookup);
    } else {
        finish(lookup);
    }
}

/* ---- addresses ---- */

static pjsip_transport_type_e type_of(int protocol, int family)
{
    pjsip_transport_type_e type = protocol == LOCATE_UDP   ? PJSIP_TRANSPORT_UDP
                                  : protocol == LOCATE_TCP ? PJSIP_TRANSPORT_TCP
                                                           : PJSIP_TRANSPORT_TLS;

    return family == pj_AF_INET6() ? (pjsip_transport_type_e)(type | PJSIP_TRANSPORT_IPV6) : type;
}

static void add_address(pjsip_server_addresses *found, const pj_sockaddr *address, int protocol,
                        unsigned port)
{
    pjsip_server_address_record *entry;

    if (found->count == PJSIP_MAX_RESOLVED_ADDRESSES) {
        return;
    }
    entry = &found->entry[found->count++];
    pj_bzero(entry, sizeof(*entry));
    entry->type = type_of(protocol, address->addr.sa_family);
    entry->priority = found->count;
    entry->addr = *address;
    entry->addr_len = (int)pj_sockaddr_get_len(address);
    if (port == 0) {
        port = (unsigned)pjsip_transport_get_default_port_for_type(entry->type);
    }
    pj_sockaddr_set_port(&entry->addr, (pj_uint16_t)port);
}

/* Where there is a transport for it. */
static int is_reachable(int protocol, int family)
{
    return sip_transport_of_type(type_of(protocol, family)) != NULL;
}

static void take_addresses(struct lookup *lookup, const struct ares_addrinfo *result, int protocol,
                           unsigned port)
{
    const struct ares_addrinfo_node *node;

    for (node = result->nodes; node; node = node->ai_next) {
        pj_sockaddr address;

        if ((node->ai_family != AF_INET && node->ai_family != AF_INET6) ||
            !is_reachable(protocol, node->ai_family)) {
            continue;
        }
        pj_bzero(&address, sizeof(address));
        memcpy(&address, node->ai_addr, (size_t)node->ai_addrlen);
        if (pj_sockaddr_has_addr(&address)) {
            add_address(&lookup->found, &address, protocol, port);
        }
    }
}

static void on_srv_address(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
    struct lookup *lookup = data;
    const struct locate_srv *srv = &lookup->srv[lookup->srv_at++];

    (void)timeouts;
    if (status == ARES_SUCCESS) {
        take_addresses(lookup, result, (int)srv->protocol, srv->port);
    }
    ares_freeaddrinfo(result);
    if (status == ARES_EDESTRUCTION) {
        on_channel_gone(lookup);
        return;
    }
    next_address(lookup);
}

static void on_address(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
    struct lookup *lookup = data;
    int protocol = LOCATE_UDP;

    (void)timeouts;
    if (status == ARES_EDESTRUCTION) {
        ares_freeaddrinfo(result);
        on_channel_gone(lookup);
        return;
    }
    while (protocol < LOCATE_TLS && !(protocol & lookup->allowed)) {
        protocol <<= 1;
    }
    if (status == ARES_SUCCESS) {
        take_addresses(lookup, result, protocol, lookup->port);
    }
    ares_freeaddrinfo(result);
    finish(lookup);
}

static void ask_addresses(struct lookup *lookup, const char *name, int protocols,
                          ares_addrinfo_callback callback)
{
    struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT, .ai_socktype = SOCK_DGRAM};
    int ipv4 = 0, ipv6 = 0;

    for (int protocol = LOCATE_UDP; protocol <= LOCATE_TLS; protocol <<= 1) {
        ipv4 |= (protocol & protocols) && is_reachable(protocol, pj_AF_INET());
        ipv6 |= (protocol & protocols) && is_reachable(protocol, pj_AF_INET6());
    }
    hints.ai_family = ipv4 && ipv6 ? AF_UNSPEC : ipv6 ? AF_INET6 : AF_INET;
    ares_getaddrinfo(channel, name, NULL, &hints, callback, lookup);
}

/* The servers of the SRV records in their order. */
static void next_address(struct lookup *lookup)
{
    if (sip_now() > lookup->until) {
        finish(lookup);
    } else if (lookup->srv_at < lookup->srv_count &&
               lookup->found.count < PJSIP_MAX_RESOLVED_ADDRESSES) {
        const struct locate_srv *srv = &lookup->srv[lookup->srv_at];

        ask_addresses(lookup, srv->target, (int)srv->protocol, on_srv_address);
    } else if (lookup->found.count > 0) {
        finish(lookup);
    } else {
        next_srv(lookup);
    }
}

/* ---- SRV ---- */

static unsigned random_bits(void *unused)
{
    (void)unused;
    return (unsigned)pj_rand();
}

static void take_srv(struct lookup *lookup, const unsigned char *answer, int length, int protocol)
{
    struct ares_srv_reply *list = NULL, *at;

    lookup->srv_count = lookup->srv_at = 0;
    if (ares_parse_srv_reply(answer, length, &list) != ARES_SUCCESS) {
        return;
    }
    for (at = list; at && lookup->srv_count < LOCATE_MAX_SRV; at = at->next) {
        struct locate_srv *srv = &lookup->srv[lookup->srv_count];

        if (strlen(at->host) >= sizeof(srv->target)) {
            continue;
        }
        *srv = (struct locate_srv){.priority = at->priority,
                                   .weight = at->weight,
                                   .port = at->port,
                                   .protocol = (enum locate_protocol)protocol};
        strcpy(srv->target, at->host);
        lookup->srv_count++;
    }
    ares_free_data(list);
    locate_sort_srv(lookup->srv, &lookup->srv_count, random_bits, NULL);
}

static void on_srv(void *data, int status, int timeouts, unsigned char *answer, int length)
{
    struct lookup *lookup = data;
    const int protocol = lookup->protocol_at;

    (void)timeouts;
    if (status == ARES_EDESTRUCTION) {
        on_channel_gone(lookup);
        return;
    }
    lookup->srv_count = lookup->srv_at = 0;
    if (status == ARES_SUCCESS) {
        take_srv(lookup, answer, length, protocol);
    }
    next_address(lookup);
}

/* The SRV records that NAPTR named, else those of each protocol, else the host itself (RFC
 * 3263 4.2). */
static void next_srv(struct lookup *lookup)
{
    char name[LOCATE_NAME_SIZE + 16];

    if (lookup->naptr_count > 0) {
        if (lookup->naptr_at < lookup->naptr_count) {
            const struct locate_naptr *naptr = &lookup->naptr[lookup->naptr_at++];

            lookup->protocol_at = (int)naptr->protocol;
            ares_query(channel, naptr->replacement, ns_c_in, ns_t_srv, on_srv, lookup);
        } else {
            finish(lookup);
        }
        return;
    }
    do {
        lookup->protocol_at = lookup->protocol_at == 0 ? LOCATE_UDP : lookup->protocol_at << 1;
    } while (lookup->protocol_at <= LOCATE_TLS && !(lookup->protocol_at & lookup->allowed));
    if (lookup->protocol_at <= LOCATE_TLS &&
        locate_srv_name((enum locate_protocol)lookup->protocol_at, lookup->host, name,
                        sizeof(name)) == 0) {
        ares_query(channel, name, ns_c_in, ns_t_srv, on_srv, lookup);
    } else {
        ask_addresses(lookup, lookup->host, lookup->allowed, on_address);
    }
}

/* ---- NAPTR ---- */

static void on_naptr(void *data, int status, int timeouts, unsigned char *answer, int length)
{
    struct lookup *lookup = data;
    struct ares_naptr_reply *list = NULL, *at;

    (void)timeouts;
    if (status == ARES_EDESTRUCTION) {
        on_channel_gone(lookup);
        return;
    }
    if (status == ARES_SUCCESS && ares_parse_naptr_reply(answer, length, &list) == ARES_SUCCESS) {
        for (at = list; at && lookup->naptr_count < LOCATE_MAX_NAPTR; at = at->next) {
            struct locate_naptr *naptr = &lookup->naptr[lookup->naptr_count];
            const int protocol =
                locate_naptr_protocol((const char *)at->service, (const char *)at->flags,
                                      (const char *)at->regexp, lookup->allowed);

            if (protocol && strlen(at->replacement) < sizeof(naptr->replacement)) {
                naptr->order = at->order;
                naptr->preference = at->preference;
                naptr->protocol = (enum locate_protocol)protocol;
                strcpy(naptr->replacement, at->replacement);
                lookup->naptr_count++;
            }
        }
        ares_free_data(list);
        locate_sort_naptr(lookup->naptr, lookup->naptr_count);
    }
    next_srv(lookup);
}

/* ---- PJSIP's hook ---- */

/* An address in figures, "[...]" or not, needs no lookup. */
static int is_address(const pjsip_host_info *target, pj_sockaddr *address)
{
    const pj_str_t *host = &target->addr.host;
    pj_in6_addr ipv6;
    pj_in_addr ipv4;

    /* PJLIB writes to its output on failure, too. */
    pj_bzero(address, sizeof(*address));
    if (pj_inet_pton(pj_AF_INET(), host, &ipv4) == PJ_SUCCESS) {
        address->addr.sa_family = pj_AF_INET();
        address->ipv4.sin_addr = ipv4;
        return 1;
    }
    if (pj_inet_pton(pj_AF_INET6(), host, &ipv6) == PJ_SUCCESS) {
        address->addr.sa_family = pj_AF_INET6();
        address->ipv6.sin6_addr = ipv6;
        return 1;
    }
    return 0;
}

/* RFC 3263 4.1: what the URI says of the transport; 0: nothing. */
static int named_protocol(const pjsip_host_info *target)
{
    switch (target->type & ~PJSIP_TRANSPORT_IPV6) {
    case PJSIP_TRANSPORT_UDP:
        return LOCATE_UDP;
    case PJSIP_TRANSPORT_TCP:
        return LOCATE_TCP;
    case PJSIP_TRANSPORT_TLS:
        return LOCATE_TLS;
    default:
        return 0;
    }
}

static int default_protocol(const pjsip_host_info *target)
{
    return target->flag & PJSIP_TRANSPORT_SECURE     ? LOCATE_TLS
           : target->flag & PJSIP_TRANSPORT_RELIABLE ? LOCATE_TCP
                                                     : LOCATE_UDP;
}

static int allowed_protocols(const pjsip_host_info *target)
{
    const int named = named_protocol(target);

    if (named) {
        return named;
    }
    return target->flag & PJSIP_TRANSPORT_SECURE ? LOCATE_TLS : LOCATE_UDP | LOCATE_TCP;
}

/* The first question, or the first again. */
static void begin(struct lookup *lookup)
{
    lookup->naptr_count = lookup->naptr_at = lookup->srv_count = lookup->srv_at = 0;
    lookup->protocol_at = 0;
    lookup->found.count = 0;
    switch (locate_first_question(lookup->named != 0, lookup->port != 0)) {
    case LOCATE_NAPTR:
        ares_query(channel, lookup->host, ns_c_in, ns_t_naptr, on_naptr, lookup);
        break;
    case LOCATE_SRV:
        next_srv(lookup);
        break;
    default:
        lookup->allowed = lookup->named ? lookup->named : lookup->fallback;
        ask_addresses(lookup, lookup->host, lookup->allowed, on_address);
        break;
    }
    set_timer();
}

static void on_resolve(pjsip_resolver_t *resolver, pj_pool_t *pool, const pjsip_host_info *target,
                       void *token, pjsip_resolver_callback *done)
{
    pjsip_server_addresses found = {0};
    struct lookup *lookup;
    pj_sockaddr address;
    const int named = named_protocol(target);

    (void)resolver;
    (void)pool;
    if (is_address(target, &address)) {
        add_address(&found, &address, named ? named : default_protocol(target),
                    (unsigned)target->addr.port);
        found.entry[0].name = target->addr.host;
        done(PJ_SUCCESS, token, &found);
        return;
    }
    lookup = target->addr.host.slen < LOCATE_NAME_SIZE && channel_is_open
                 ? calloc(1, sizeof(*lookup))
                 : NULL;
    if (!lookup) {
        done(PJ_ERESOLVE, token, NULL);
        return;
    }
    base_copy_text(lookup->host, sizeof(lookup->host), target->addr.host.ptr,
                   (size_t)target->addr.host.slen);
    lookup->port = (unsigned)target->addr.port;
    lookup->allowed = allowed_protocols(target);
    lookup->named = named;
    lookup->fallback = default_protocol(target);
    lookup->token = token;
    lookup->done = done;
    lookup->until = sip_now() + ASK_FOR;
    begin(lookup);
}

/* ---- start and stop ---- */

static int failed(int status)
{
    if (status != ARES_SUCCESS) {
        ast_error("res_sip: name lookups: %s", ares_strerror(status));
    }
    return status != ARES_SUCCESS;
}

/* A channel that asks the configured name servers. 0; -1 logged. */
static int open_channel(const struct sip_global_config *global, ares_channel *out)
{
    struct ares_options options = {.flags = ARES_FLAG_EDNS | ARES_FLAG_NOALIASES,
                                   .timeout = 1000,
                                   .tries = 3,
                                   .sock_state_cb = on_socket};
    ares_channel made;

    if (failed(ares_init_options(&made, &options,
                                 ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                     ARES_OPT_SOCK_STATE_CB))) {
        return -1;
    }
    if (global->nameservers && failed(ares_set_servers_ports_csv(made, global->nameservers))) {
        ast_error("res_sip: [dns] servers: '%s' is no list of ADDRESS or ADDRESS:PORT",
                  global->nameservers);
        ares_destroy(made);
        return -1;
    }
    *out = made;
    return 0;
}

int sip_resolve_start(const struct sip_global_config *global)
{
    static pjsip_ext_resolver hook = {.resolve = on_resolve};

    for (unsigned i = 0; i < MAX_SOCKETS; i++) {
        watches[i] = (struct sip_watch){.fd = -1, .ready = on_ready};
    }
    pj_timer_entry_init(&timer, 0, NULL, on_timer);
    if (failed(ares_library_init(ARES_LIB_INIT_ALL))) {
        return -1;
    }
    if (open_channel(global, &channel) != 0) {
        ares_library_cleanup();
        return -1;
    }
    channel_is_open = 1;
    return pjsip_endpt_set_ext_resolver(sip_endpt, &hook) == PJ_SUCCESS ? 0 : -1;
}

void sip_resolve_stop(void)
{
    if (channel_is_open) {
        channel_is_open = 0;
        ares_destroy(channel); /* lookups under way are told */
        ares_library_cleanup();
    }
    if (timer.id) {
        pjsip_endpt_cancel_timer(sip_endpt, &timer);
        timer.id = 0;
    }
}

/* ---- reload ---- */

static int is_same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

int sip_resolve_prepare(struct sip_config *config)
{
    if (is_same(sip_get_config()->global.nameservers, config->global.nameservers)) {
        return 0;
    }
    is_prepared = open_channel(&config->global, &prepared) == 0;
    return is_prepared ? 0 : -1;
}

void sip_resolve_abandon(void)
{
    if (is_prepared) {
        ares_destroy(prepared);
        is_prepared = 0;
    }
}

/* Lookups under way begin anew with the new servers. */
void sip_resolve_commit(struct sip_config *old, struct sip_config *config)
{
    ares_channel gone = channel;

    (void)old;
    (void)config;
    if (!is_prepared) {
        return;
    }
    channel = prepared;
    is_prepared = 0;
    ares_destroy(gone);
    set_timer();
}
