/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the source address of a request names an endpoint, by `type=identify` with `match`. The
 * longest prefix that matches wins. One look into a hash table for each prefix length in use, and
 * one for the addresses of names (identify_name.c); no list is walked.
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

/* A hash table; it has no slots before something is to be in it. */
struct table {
    struct network *slots;
    unsigned mask;
    unsigned count;
};

/* What is configured in figures. */
struct networks {
    struct table table;
    /* of IPv4 and IPv6 that are in use, the longest first */
    unsigned char prefixes[2][PREFIXES];
    unsigned prefix_count[2];
};

static struct networks in_force, prepared;
static struct table named; /* whole addresses */

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
    unsigned i = hash(key) & table->mask;

    while (table->slots[i].endpoint && !is_same(&table->slots[i], key)) {
        i = (i + 1) & table->mask;
    }
    return &table->slots[i];
}

static void clear(struct table *table)
{
    free(table->slots);
    *table = (struct table){.slots = NULL};
}

/* Makes room for so many more, half of the slots at most. 0; -1 logged, all as it was. */
static int make_room(struct table *table, unsigned more)
{
    struct table grown = {.mask = table->slots ? table->mask : 7, .count = table->count};
    unsigned i;

    while (grown.mask + 1 < 2 * (table->count + more)) {
        grown.mask = 2 * grown.mask + 1;
    }
    if (table->slots && grown.mask == table->mask) {
        return 0;
    }
    grown.slots = calloc(grown.mask + 1, sizeof(grown.slots[0]));
    if (!grown.slots) {
        ast_error("res_sip: no memory for %u networks", table->count + more);
        return -1;
    }
    for (i = 0; table->slots && i <= table->mask; i++) {
        if (table->slots[i].endpoint) {
            *find_slot(&grown, &table->slots[i]) = table->slots[i];
        }
    }
    free(table->slots);
    *table = grown;
    return 0;
}

static void note_prefix(struct networks *networks, unsigned family, unsigned char prefix)
{
    unsigned char *list = networks->prefixes[family == 6];
    unsigned *count = &networks->prefix_count[family == 6], i = 0;

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

/* There is room. 1: it is in the table now. */
static int add(struct table *table, const struct sip_identify_config *config,
               const struct sip_network *match)
{
    struct network key, *slot;

    if (set_key(&key, &match->address, match->prefix) != 0) {
        ast_warning("identify '%s': a network of an unknown kind is left out", config->name);
        return 0;
    }
    slot = find_slot(table, &key);
    if (slot->endpoint) {
        if (strcmp(slot->endpoint, config->endpoint) != 0) {
            ast_warning("identify '%s': a network of it is endpoint '%s' already", config->name,
                        slot->endpoint);
        }
        return 0;
    }
    *slot = key;
    slot->endpoint = config->endpoint;
    table->count++;
    return 1;
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

/* The endpoint's name, or NULL. */
static const char *look(const struct table *table, const pj_sockaddr *address, unsigned prefix)
{
    struct network key;

    return table->slots && set_key(&key, address, prefix) == 0 ? find_slot(table, &key)->endpoint
                                                               : NULL;
}

static struct ast_sip_endpoint *identify(pjsip_rx_data *rdata)
{
    const pj_sockaddr *source = &rdata->pkt_info.src_addr;
    int ipv6 = source->addr.sa_family == PJ_AF_INET6;
    unsigned whole = ipv6 ? 128 : 32, i;
    const char *endpoint = look(&in_force.table, source, whole);

    if (!endpoint) { /* an address in figures comes before a name, and that before networks */
        endpoint = look(&named, source, whole);
    }
    for (i = 0; i < in_force.prefix_count[ipv6] && !endpoint; i++) {
        endpoint = look(&in_force.table, source, in_force.prefixes[ipv6][i]);
    }
    return endpoint ? allowed(ast_sip_get_endpoint(endpoint)) : NULL;
}

/* ---- the addresses of names ---- */

void sip_identify_ip_forget_names(void)
{
    clear(&named);
}

void sip_identify_ip_add_name(const struct sip_identify_config *config,
                              const pj_sockaddr *addresses, unsigned count)
{
    unsigned i;

    if (count == 0 || !is_endpoint(sip_get_config(), config) || make_room(&named, count) != 0) {
        return;
    }
    for (i = 0; i < count; i++) {
        const struct sip_network whole = {.address = addresses[i],
                                          .prefix = pj_sockaddr_get_addr_len(&addresses[i]) * 8};

        add(&named, config, &whole);
    }
}

/* ---- start and stop ---- */

static struct ast_sip_endpoint_identifier identifier = {.identify_endpoint = identify};

static void clear_networks(struct networks *networks)
{
    clear(&networks->table);
    networks->prefix_count[0] = networks->prefix_count[1] = 0;
}

/* 0; -1 logged, with a part of them there. */
static int fill(struct networks *networks, const struct sip_config *config)
{
    const struct sip_identify_config *one;
    unsigned i;

    for (one = config->identifies; one; one = one->next) {
        unsigned matches = is_endpoint(config, one) ? one->match_count : 0;

        if (make_room(&networks->table, matches) != 0) {
            return -1;
        }
        for (i = 0; i < matches; i++) {
            if (add(&networks->table, one, &one->match[i])) {
                note_prefix(networks, one->match[i].address.addr.sa_family == PJ_AF_INET6 ? 6 : 4,
                            (unsigned char)one->match[i].prefix);
            }
        }
    }
    return 0;
}

int sip_identify_ip_start(const struct sip_config *config)
{
    return fill(&in_force, config) == 0 && sip_identify_name_start(config) == 0
               ? ast_sip_register_endpoint_identifier_with_name(&identifier, "ip")
               : -1;
}

void sip_identify_ip_stop(void)
{
    sip_identify_name_stop();
    clear(&named);
    clear_networks(&in_force);
}

/* ---- reload ---- */

int sip_identify_ip_prepare(const struct sip_config *config)
{
    return fill(&prepared, config) == 0 ? sip_identify_name_prepare(config) : -1;
}

void sip_identify_ip_abandon(void)
{
    clear_networks(&prepared);
    sip_identify_name_abandon();
}

void sip_identify_ip_commit(void)
{
    clear_networks(&in_force);
    in_force = prepared;
    memset(&prepared, 0, sizeof(prepared));
    sip_identify_name_commit();
}
