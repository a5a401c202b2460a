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

struct table {
    struct network *slots;
    unsigned slot_mask;
    /* of IPv4 and IPv6 that are in use, the longest first */
    unsigned char prefixes[2][PREFIXES];
    unsigned prefix_count[2];
};

static struct table *in_force, *prepared;

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
static struct network *find_slot(const struct table *table, const struct network *key)
{
    unsigned i = hash(key) & table->slot_mask;

    while (table->slots[i].endpoint && !is_same(&table->slots[i], key)) {
        i = (i + 1) & table->slot_mask;
    }
    return &table->slots[i];
}

static void note_prefix(struct table *table, unsigned family, unsigned char prefix)
{
    unsigned char *list = table->prefixes[family == 6];
    unsigned *count = &table->prefix_count[family == 6], i = 0;

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

static void add(struct table *table, const struct sip_identify_config *config,
                const struct sip_network *match)
{
    struct network key, *slot;

    if (set_key(&key, &match->address, match->prefix) != 0) {
        ast_warning("identify '%s': a network of an unknown kind is left out", config->name);
        return;
    }
    slot = find_slot(table, &key);
    if (slot->endpoint) {
        if (strcmp(slot->endpoint, config->endpoint) != 0) {
            ast_warning("identify '%s': a network of it is endpoint '%s' already", config->name,
                        slot->endpoint);
        }
        return;
    }
    *slot = key;
    slot->endpoint = config->endpoint;
    note_prefix(table, key.family, key.prefix);
}

/* 1 when the endpoint exists; a request that matches would be nobody's otherwise. */
static int is_endpoint(const struct sip_config *config, const struct sip_identify_config *one)
{
    if (!one->endpoint || !sip_config_endpoint(config, one->endpoint)) {
        ast_warning("identify '%s': there is no endpoint '%s'", one->name,
                    one->endpoint ? one->endpoint : "");
        return 0;
    }
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
    const struct table *table = in_force;
    unsigned i;

    for (i = 0; i < table->prefix_count[ipv6]; i++) {
        struct network key;

        if (set_key(&key, &rdata->pkt_info.src_addr, table->prefixes[ipv6][i]) == 0) {
            const struct network *slot = find_slot(table, &key);

            if (slot->endpoint) {
                return allowed(ast_sip_get_endpoint(slot->endpoint));
            }
        }
    }
    return NULL;
}

static struct ast_sip_endpoint_identifier identifier = {.identify_endpoint = identify};

static void destroy(struct table *table)
{
    if (table) {
        free(table->slots);
        free(table);
    }
}

/* NULL: no memory, logged. */
static struct table *create(const struct sip_config *config)
{
    struct table *table = calloc(1, sizeof(*table));
    const struct sip_identify_config *one;
    unsigned count = 0, size = 8, i;

    for (one = config->identifies; one; one = one->next) {
        count += one->match_count;
    }
    while (size < 2 * count) {
        size *= 2;
    }
    if (!table || !(table->slots = calloc(size, sizeof(table->slots[0])))) {
        ast_error("res_sip: no memory for %u networks", count);
        destroy(table);
        return NULL;
    }
    table->slot_mask = size - 1;
    for (one = config->identifies; one; one = one->next) {
        unsigned matches = is_endpoint(config, one) ? one->match_count : 0;

        for (i = 0; i < matches; i++) {
            add(table, one, &one->match[i]);
        }
    }
    return table;
}

int sip_identify_ip_start(const struct sip_config *config)
{
    in_force = create(config);
    return in_force ? ast_sip_register_endpoint_identifier_with_name(&identifier, "ip") : -1;
}

void sip_identify_ip_stop(void)
{
    destroy(in_force);
    in_force = NULL;
}

int sip_identify_ip_prepare(const struct sip_config *config)
{
    prepared = create(config);
    return prepared ? 0 : -1;
}

void sip_identify_ip_abandon(void)
{
    destroy(prepared);
    prepared = NULL;
}

void sip_identify_ip_commit(void)
{
    destroy(in_force);
    in_force = prepared;
    prepared = NULL;
}
