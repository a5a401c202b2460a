/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: all addresses of a host, of whatever kind: those of the servers that its SRV records
 * name (RFC 3263 4.2), where there are none its own. For who wants to know an address again, not to
 * send to it. Asynchronous on the SIP thread, as resolve.c.
 */
#include <ares.h>
#include <arpa/nameser.h>
#include <stdlib.h>
#include <string.h>

#include "res_sip/resolve/locate.h"
#include "res_sip/resolve/resolve.h"

#define MOST_SERVERS LOCATE_MAX_SRV

/* A lookup under way; freed when its callback was called. */
struct host_lookup {
    char host[LOCATE_NAME_SIZE];
    char servers[MOST_SERVERS][LOCATE_NAME_SIZE];
    unsigned server_count, server_at;
    int services;    /* SRV records are asked for */
    int protocol_at; /* whose; beyond LOCATE_TLS: all are known */
    struct sip_host_addresses found;
    void (*done)(void *data, const struct sip_host_addresses *found);
    void *data;
};

static void begin(struct host_lookup *lookup);
static void next(struct host_lookup *lookup);

/* There is no such name, or it has no such records: that is an answer. */
static int is_answer(int status)
{
    return status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA;
}

static void finish(struct host_lookup *lookup, int stopping)
{
    lookup->done(lookup->data, stopping ? NULL : &lookup->found);
    free(lookup);
}

/* The channel goes: with everything, or since a reload has put another one in its place. */
static void on_channel_gone(struct host_lookup *lookup)
{
    if (sip_resolve_channel()) {
        begin(lookup);
    } else {
        finish(lookup, 1);
    }
}

static void take_address(struct sip_host_addresses *found, const struct ares_addrinfo_node *node)
{
    pj_sockaddr address;

    if ((node->ai_family != AF_INET && node->ai_family != AF_INET6) ||
        found->count == SIP_HOST_ADDRESSES) {
        return;
    }
    pj_bzero(&address, sizeof(address));
    memcpy(&address, node->ai_addr, (size_t)node->ai_addrlen);
    if (!pj_sockaddr_has_addr(&address)) {
        return;
    }
    pj_sockaddr_set_port(&address, 0);
    found->address[found->count++] = address;
    if (node->ai_ttl >= 0 && (unsigned)node->ai_ttl < found->ttl) {
        found->ttl = (unsigned)node->ai_ttl;
    }
}

static void on_addresses(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
    struct host_lookup *lookup = data;
    const struct ares_addrinfo_node *node = status == ARES_SUCCESS ? result->nodes : NULL;

    (void)timeouts;
    for (; node; node = node->ai_next) {
        take_address(&lookup->found, node);
    }
    ares_freeaddrinfo(result);
    lookup->found.incomplete |= !is_answer(status);
    if (status == ARES_EDESTRUCTION) {
        on_channel_gone(lookup);
    } else {
        next(lookup);
    }
}

/* RFC 2782: the target "." says that there is no such service. */
static void take_servers(struct host_lookup *lookup, const unsigned char *answer, int length)
{
    struct ares_srv_reply *list = NULL, *at;

    if (ares_parse_srv_reply(answer, length, &list) != ARES_SUCCESS) {
        return;
    }
    for (at = list; at && lookup->server_count < MOST_SERVERS; at = at->next) {
        if (*at->host && strcmp(at->host, ".") != 0 && strlen(at->host) < LOCATE_NAME_SIZE) {
            strcpy(lookup->servers[lookup->server_count++], at->host);
        }
    }
    ares_free_data(list);
}

static void on_servers(void *data, int status, int timeouts, unsigned char *answer, int length)
{
    struct host_lookup *lookup = data;

    (void)timeouts;
    if (status == ARES_EDESTRUCTION) {
        on_channel_gone(lookup);
        return;
    }
    lookup->found.incomplete |= !is_answer(status);
    if (status == ARES_SUCCESS) {
        take_servers(lookup, answer, length);
    }
    next(lookup);
}

/* The next question, or the end. */
static void next(struct host_lookup *lookup)
{
    char name[LOCATE_NAME_SIZE + 16];

    while (lookup->protocol_at <= LOCATE_TLS) {
        enum locate_protocol protocol = (enum locate_protocol)lookup->protocol_at;

        lookup->protocol_at <<= 1;
        if (locate_srv_name(protocol, lookup->host, name, sizeof(name)) == 0) {
            ares_query(sip_resolve_channel(), name, ns_c_in, ns_t_srv, on_servers, lookup);
            return;
        }
    }
    if (lookup->server_count == 0) {
        strcpy(lookup->servers[lookup->server_count++], lookup->host);
    }
    if (lookup->server_at < lookup->server_count) {
        const struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NOSORT,
                                                  .ai_family = AF_UNSPEC,
                                                  .ai_socktype = SOCK_DGRAM};

        ares_getaddrinfo(sip_resolve_channel(), lookup->servers[lookup->server_at++], NULL, &hints,
                         on_addresses, lookup);
        return;
    }
    finish(lookup, 0);
}

static void begin(struct host_lookup *lookup)
{
    memset(&lookup->found, 0, sizeof(lookup->found));
    lookup->found.ttl = SIP_HOST_TTL;
    lookup->server_count = lookup->server_at = 0;
    lookup->protocol_at = lookup->services ? LOCATE_UDP : LOCATE_TLS << 1;
    next(lookup);
}

int sip_resolve_host(const char *host, int services,
                     void (*done)(void *data, const struct sip_host_addresses *found), void *data)
{
    struct host_lookup *lookup = sip_resolve_channel() && strlen(host) < LOCATE_NAME_SIZE
                                     ? calloc(1, sizeof(*lookup))
                                     : NULL;

    base_assert_sip_thread();
    if (!lookup) {
        return -1;
    }
    strcpy(lookup->host, host);
    lookup->services = services;
    lookup->done = done;
    lookup->data = data;
    begin(lookup);
    sip_resolve_arm();
    return 0;
}
