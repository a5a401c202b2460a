/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: where a redirection sends a text message (RFC 3261 8.1.3.4). Nothing is sent here.
 */
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/text/text.h"

#define MAX_TARGETS 20 /* contacts of a message, all together */
#define URI_SIZE    1024

/* As a request URI has it: what a peer says of methods and header fields is left out (RFC 3261
 * 19.1.1, table 1). 0; -1: a message cannot go there. */
static int print_target(pj_pool_t *pool, const pjsip_contact_hdr *contact, char *uri, size_t size)
{
    const pjsip_uri *found =
        contact->star || !contact->uri ? NULL : pjsip_uri_get_uri(contact->uri);
    pjsip_sip_uri *made;
    int length;

    if (!found || (!PJSIP_URI_SCHEME_IS_SIP(found) && !PJSIP_URI_SCHEME_IS_SIPS(found))) {
        return -1;
    }
    made = pjsip_uri_clone(pool, found);
    if (made->host.slen == 0 ||
        (made->method_param.slen > 0 && pj_strcmp2(&made->method_param, "MESSAGE") != 0)) {
        return -1;
    }
    made->method_param.slen = 0;
    pj_list_init(&made->header_param);
    length = pjsip_uri_print(PJSIP_URI_IN_REQ_URI, made, uri, size - 1);
    if (length <= 0) {
        return -1;
    }
    uri[length] = '\0';
    return 0;
}

/* 1: it is among the contacts, tried or not. *count: how many there are. */
static int is_known(const struct ast_sip_contact *contact, const char *uri, unsigned *count)
{
    int known = 0;

    for (*count = 0; contact; contact = contact->next) {
        known |= strcmp(contact->uri, uri) == 0;
        ++*count;
    }
    return known;
}

/* Puts one before those that are left, by its q among those that came with it. */
static void insert(struct ast_sip_contact **list, const struct ast_sip_contact *rest,
                   struct ast_sip_contact **first, struct ast_sip_contact *made)
{
    struct ast_sip_contact **at = list;

    while (*at != (*first ? *first : rest)) {
        at = &(*at)->next;
    }
    while (*at != rest && (*at)->q >= made->q) {
        at = &(*at)->next;
    }
    made->next = *at;
    if (!*first || *at == *first) {
        *first = made;
    }
    *at = made;
}

struct ast_sip_contact *sip_text_redirect(const pjsip_msg *msg, struct ast_sip_contact **list,
                                          const struct ast_sip_contact *rest)
{
    pj_pool_t *pool = pjsip_endpt_create_pool(sip_endpt, "redirect", 1000, 1000);
    struct ast_sip_contact *first = NULL;
    char uri[URI_SIZE];

    for (const pjsip_hdr *hdr = msg->hdr.next; pool && hdr != &msg->hdr; hdr = hdr->next) {
        const pjsip_contact_hdr *contact = (const pjsip_contact_hdr *)hdr;
        struct ast_sip_contact *made;
        unsigned count;

        if (hdr->type != PJSIP_H_CONTACT || print_target(pool, contact, uri, sizeof(uri)) != 0 ||
            is_known(*list, uri, &count) || count >= MAX_TARGETS) {
            continue;
        }
        made = ast_sip_contact_create(uri);
        if (made) { /* PJSIP cannot tell q=0 from none, which means 1 */
            made->q = contact->q1000 > 0 ? contact->q1000 : 1000;
            insert(list, rest, &first, made);
        }
    }
    if (pool) {
        pj_pool_release(pool);
    }
    return first;
}
