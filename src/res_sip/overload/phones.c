/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the addresses of registered phones, in a table that is made anew now and then while there
 * is overload, and costs nothing before. A phone is where its contact is, or the first proxy of its
 * Path; names are not looked up.
 */
#include <stdlib.h>
#include <string.h>

#include <pj/hash.h>
#include <sipsession/location.h>
#include <sipsession/log.h>

#include "res_sip/overload/overload.h"

struct address {
    unsigned char family; /* 0: a free place */
    unsigned char octets[16];
};

static struct address *table; /* open addressing, at most half full */
static size_t mask;
static size_t wanted; /* contacts */

static void set_address(struct address *out, const pj_sockaddr *address)
{
    memset(out, 0, sizeof(*out));
    out->family = address->addr.sa_family == PJ_AF_INET6 ? 6 : 4;
    memcpy(out->octets, pj_sockaddr_get_addr(address), pj_sockaddr_get_addr_len(address));
}

/* Its place, or the free one where it would be. */
static struct address *find(const struct address *address)
{
    size_t i = pj_hash_calc(0, address, sizeof(*address)) & mask;

    while (table[i].family && memcmp(&table[i], address, sizeof(*address)) != 0) {
        i = (i + 1) & mask;
    }
    return &table[i];
}

/* The host of "sip:user@host:port;..." or "<sip:host;lr>,..."; empty when there is none. */
static pj_str_t host_of(const char *uri)
{
    const char *scheme = strchr(uri, ':'), *at, *end;
    pj_str_t host = {NULL, 0};

    if (!scheme) {
        return host;
    }
    end = scheme + 1 + strcspn(scheme + 1, ">?,");
    at = memchr(scheme + 1, '@', (size_t)(end - scheme - 1));
    at = at ? at + 1 : scheme + 1;
    if (*at == '[') {
        at++;
        end = at + strcspn(at, "]");
    } else {
        end = at + strcspn(at, ":;>?,");
    }
    pj_strset3(&host, (char *)at, (char *)end);
    return host;
}

static int count_one(const char *aor, const struct ast_sip_contact *contact, void *data)
{
    (void)aor;
    (void)data;
    wanted += contact->expires != 0;
    return 0;
}

static int add_one(const char *aor, const struct ast_sip_contact *contact, void *data)
{
    const pj_str_t host = host_of(contact->path ? contact->path : contact->uri);
    struct address address;
    pj_sockaddr parsed;

    (void)aor;
    (void)data;
    if (contact->expires != 0 && !ast_sip_contact_expired(contact) &&
        (contact->flow ? sip_flow_address(contact->flow, &parsed) : sip_parse_ip(&host, &parsed)) ==
            0) {
        set_address(&address, &parsed);
        *find(&address) = address;
    }
    return 0;
}

void sip_overload_learn_phones(void)
{
    size_t size = 16;

    sip_overload_forget_phones();
    ast_sip_each_contact(count_one, NULL);
    if (wanted == 0) {
        return;
    }
    while (size < wanted * 2) {
        size *= 2;
    }
    table = calloc(size, sizeof(*table));
    if (!table) {
        ast_warning_limited("res_sip: no memory for the addresses of phones: they do not go first");
        return;
    }
    mask = size - 1;
    ast_sip_each_contact(add_one, NULL);
}

int sip_overload_is_phone(const pj_sockaddr *address)
{
    struct address wanted_address;

    if (!table) {
        return 0;
    }
    set_address(&wanted_address, address);
    return find(&wanted_address)->family != 0;
}

void sip_overload_forget_phones(void)
{
    free(table);
    table = NULL;
    wanted = 0;
}
