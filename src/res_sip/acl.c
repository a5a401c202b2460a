/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: lists of addresses that are let in or kept out. Pure: who asks, and what becomes of the
 * answer, is not known here.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/core.h"

void sip_acl_free(struct ast_sip_acl *acl)
{
    while (acl) {
        struct ast_sip_acl *next = acl->next;

        free(acl->name);
        free(acl->rules);
        free(acl);
        acl = next;
    }
}

struct ast_sip_acl *sip_acl_append(struct ast_sip_acl **list, const char *name)
{
    struct ast_sip_acl *made = calloc(1, sizeof(*made));

    if (!made || !(made->name = strdup(name))) {
        free(made);
        return NULL;
    }
    while (*list) {
        list = &(*list)->next;
    }
    *list = made;
    return made;
}

int sip_acl_add(struct ast_sip_acl *acl, const struct sip_network *network, int permit)
{
    struct sip_acl_rule *grown = realloc(acl->rules, (acl->count + 1) * sizeof(*grown));

    if (!grown) {
        return -1;
    }
    acl->rules = grown;
    grown[acl->count].network = *network;
    grown[acl->count].permit = permit;
    acl->count++;
    return 0;
}

/* The octets of an address; one of IPv4 that is written as IPv6 (::ffff:a.b.c.d) is one of IPv4. */
static const unsigned char *octets_of(const pj_sockaddr *address, unsigned *length)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const unsigned char *octets = pj_sockaddr_get_addr(address);

    *length = pj_sockaddr_get_addr_len(address);
    if (*length == 16 && memcmp(octets, mapped, sizeof(mapped)) == 0) {
        *length = 4;
        return octets + sizeof(mapped);
    }
    return octets;
}

int sip_network_has(const struct sip_network *network, const pj_sockaddr *address)
{
    unsigned length, other_length, whole = network->prefix / 8, bits = network->prefix % 8;
    const unsigned char *octets = octets_of(address, &length);
    const unsigned char *other = octets_of(&network->address, &other_length);

    if (other_length == 4 && network->address.addr.sa_family == PJ_AF_INET6) {
        if (network->prefix < 96) {
            return 0; /* it covers more than what is mapped: nobody's address looks like that */
        }
        whole = (network->prefix - 96) / 8;
    }
    return length == other_length && memcmp(octets, other, whole) == 0 &&
           (bits == 0 || ((octets[whole] ^ other[whole]) & (0xff00 >> bits) & 0xff) == 0);
}

/* The last rule that knows the address decides; none: it is let in. */
static int allows(const struct ast_sip_acl *acl, const pj_sockaddr *address)
{
    unsigned i = acl->count;

    while (i-- > 0) {
        if (sip_network_has(&acl->rules[i].network, address)) {
            return acl->rules[i].permit;
        }
    }
    return 1;
}

const struct ast_sip_acl *sip_acl_refusing(const struct ast_sip_acl *list,
                                           const pj_sockaddr *address)
{
    while (list && allows(list, address)) {
        list = list->next;
    }
    return list;
}
