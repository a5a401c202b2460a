/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the source address of a request names an endpoint, by `type=identify` with `match`. The
 * longest prefix that matches wins. One look into a hash table for each prefix length in use; no
 * list is walked.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/identify/identify.h"

#define PREFIXES 129 /* 0 to 128 */

struct network {
    const char *endpoint; /* the configuration's; NULL: an empty slot */
    unsigned char address[16];
    unsigned char family; /* 4 or 6 */
    unsigned char prefix;
};

static struct network *slots;
static unsigned slot_mask;
static unsigned char prefixes[2]
                             [PREFIXES]; /* of IPv4 and IPv6 that are in use, the longest first */
static unsigned prefix_count[2];

/* The first `prefix` bits of a key stay, the others become 0. */
static void mask(unsigned char address[16], unsigned prefix)
{
    unsigned octet = prefix / 8, bits = prefix % 8;

    if (bits) {
        address[octet] &= (unsigned char)(0xff << (8 - bits));
        octet++;
    }
    if (octet < 16) {
        memset(address + octet, 0, 16 - octet);
    }
}

/* 0, -1: no such family. */
static int set_key(struct network *key, const pj_sockaddr *address, unsigned prefix)
{
    memset(key, 0, sizeof(*key));
    key->prefix = (unsigned char)prefix;
    if (address->addr.sa_family == PJ_AF_INET && prefix <= 32) {
        key->family = 4;
        memcpy(key->address, &address->ipv4.sin_addr, 4);
    } else if (address->addr.sa_family == PJ_AF_INET6 && prefix <= 128) {
        key->family = 6;
        memcpy(key->address, &address->ipv6.sin6_addr, 16);
    } else {
        return -1;
    }
    mask(key->address, prefix);
    return 0;
}

static unsigned hash(const struct network *key)
{
    unsigned value = 2166136261u ^ key->prefix;
    size_t i;

    for (i = 0; i < sizeof(key->address); i++) {
        value = (value ^ key->address[i]) * 16777619u;
    }
    return value ^ (value >> 15);
}

static int is_same(const struct network *one, const struct network *other)
{
    return one->family == other->family && one->prefix == other->prefix &&
           memcmp(one->address, other->address, sizeof(one->address)) == 0;
}

/* The network's slot, or the empty one where it would go. */
static struct network *find_slot(const struct network *key)
{
    unsigned i = hash(key) & slot_mask;

    while (slots[i].endpoint && !is_same(&slots[i], key)) {
        i = (i + 1) & slot_mask;
    }
    return &slots[i];
}

static void note_prefix(unsigned family, unsigned char prefix)
{
    unsigned char *list = prefixes[family == 6];
    unsigned *count = &prefix_count[family == 6], i = 0;

    while (i < *count && list[i] > prefix) {
        i++;
    }
    if (i < *count && list[i] == prefix) {
        return;
    }
    memmove(&list[i + 1], &list[i], *count - i);
    list[i] = prefix;
    (*count)++;
}

static void add(const struct sip_identify_config *config, const struct sip_network *match)
{
    struct network key, *slot;

    if (set_key(&key, &match->address, match->prefix) != 0) {
        ast_warning("identify '%s': a network of an unknown kind is left out", config->name);
        return;
    }
    slot = find_slot(&key);
    if (slot->endpoint) {
        if (strcmp(slot->endpoint, config->endpoint) != 0) {
            ast_warning("identify '%s': a network of it is endpoint '%s' already", config->name,
                        slot->endpoint);
        }
        return;
    }
    *slot = key;
    slot->endpoint = config->endpoint;
    note_prefix(key.family, key.prefix);
}

/* 1 when the endpoint exists; a request that matches would be nobody's otherwise. */
static int is_endpoint(const struct sip_identify_config *config)
{
    struct ast_sip_endpoint *endpoint =
        config->endpoint ? ast_sip_get_endpoint(config->endpoint) : NULL;

    if (!endpoint) {
        ast_warning("identify '%s': there is no endpoint '%s'", config->name,
                    config->endpoint ? config->endpoint : "");
        return 0;
    }
    ast_sip_endpoint_unref(endpoint);
    return 1;
}

/* The endpoint, when it lets itself be found by its address (`identify_by`). */
static struct ast_sip_endpoint *allowed(struct ast_sip_endpoint *endpoint)
{
    if (endpoint && !(endpoint->identify_by & AST_SIP_IDENTIFY_BY_IP)) {
        ast_sip_endpoint_unref(endpoint);
        return NULL;
    }
    return endpoint;
}

static struct ast_sip_endpoint *identify(pjsip_rx_data *rdata)
{
    int ipv6 = rdata->pkt_info.src_addr.addr.sa_family == PJ_AF_INET6;
    unsigned i;

    for (i = 0; i < prefix_count[ipv6]; i++) {
        struct network key;

        if (set_key(&key, &rdata->pkt_info.src_addr, prefixes[ipv6][i]) == 0) {
            const struct network *slot = find_slot(&key);

            if (slot->endpoint) {
                return allowed(ast_sip_get_endpoint(slot->endpoint));
            }
        }
    }
    return NULL;
}

static struct ast_sip_endpoint_identifier identifier = {.identify_endpoint = identify};

int sip_identify_ip_start(const struct sip_config *config)
{
    const struct sip_identify_config *one;
    unsigned count = 0, size = 8, i;

    for (one = config->identifies; one; one = one->next) {
        count += one->match_count;
    }
    while (size < 2 * count) {
        size *= 2;
    }
    slots = calloc(size, sizeof(slots[0]));
    if (!slots) {
        ast_error("res_sip: no memory for %u networks", count);
        return -1;
    }
    slot_mask = size - 1;
    for (one = config->identifies; one; one = one->next) {
        unsigned matches = is_endpoint(one) ? one->match_count : 0;

        for (i = 0; i < matches; i++) {
            add(one, &one->match[i]);
        }
    }
    return ast_sip_register_endpoint_identifier_with_name(&identifier, "ip");
}

void sip_identify_ip_stop(void)
{
    free(slots);
    slots = NULL;
    prefix_count[0] = prefix_count[1] = 0;
}
