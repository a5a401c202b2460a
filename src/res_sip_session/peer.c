/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: what the peer of a session said last about itself: Allow, Supported (RFC 3261
 * 20.5, 20.37) and Recv-Info (RFC 6086 5). A message without one of these headers says nothing
 * about it. Lists of names are kept as text, each name between commas: ",INVITE,ACK,".
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* What is beyond is not remembered: 32 names of 30 octets, say. */
#define LIST_SIZE 1024

struct list {
    char text[LIST_SIZE];
    size_t length;
};

static void list_init(struct list *list)
{
    list->text[0] = ',';
    list->text[1] = '\0';
    list->length = 1;
}

/* A name that is no token is none. */
static void list_add(struct list *list, const char *name, size_t length)
{
    if (length == 0 || length + 2 > LIST_SIZE - list->length) {
        return;
    }
    memcpy(list->text + list->length, name, length);
    list->text[list->length + length] = '\0';
    if (!session_is_token(list->text + list->length)) {
        list->text[list->length] = '\0';
        return;
    }
    list->length += length;
    list->text[list->length++] = ',';
    list->text[list->length] = '\0';
}

/* Remembers a list, when it is another one than before. Without memory the old one stays. */
static void keep(char **kept, const struct list *list)
{
    char *copy;

    if (*kept != NULL && strcmp(*kept, list->text) == 0) {
        return;
    }
    copy = strdup(list->text);
    if (copy == NULL) {
        ast_error_limited("No memory for what a peer supports");
        return;
    }
    free(*kept);
    *kept = copy;
}

static void learn_array(char **kept, const pjsip_msg *msg, pjsip_hdr_e type)
{
    const pjsip_generic_array_hdr *header = pjsip_msg_find_hdr(msg, type, NULL);
    struct list list;

    if (header == NULL) {
        return;
    }
    list_init(&list);
    for (; header != NULL; header = pjsip_msg_find_hdr(msg, type, header->next)) {
        for (unsigned i = 0; i < header->count; ++i) {
            list_add(&list, header->values[i].ptr, (size_t)header->values[i].slen);
        }
    }
    keep(kept, &list);
}

/* The end of an element of a list, a quoted string in its parameters being one piece. */
static const char *element_end(const char *at, const char *end)
{
    int quoted = 0;

    for (; at < end && (quoted || *at != ','); ++at) {
        if (quoted && *at == '\\' && at + 1 < end) {
            ++at;
        } else if (*at == '"') {
            quoted = !quoted;
        }
    }
    return at;
}

/* RFC 6086 9.2: Info-package-list; parameters are nobody's yet. */
static void add_packages(struct list *list, const pj_str_t *value)
{
    const char *end = value->ptr + value->slen;
    const char *next;

    for (const char *at = value->ptr; at < end; at = next + 1) {
        const char *last;

        next = element_end(at, end);
        while (at < next && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) {
            ++at;
        }
        for (last = at; last < next && strchr("; \t\r\n", *last) == NULL; ++last) {
        }
        list_add(list, at, (size_t)(last - at));
    }
}

/* 1: the message said something. */
static int learn_packages(char **kept, const pjsip_msg *msg)
{
    const pj_str_t name = pj_str((char *)"Recv-Info");
    const pjsip_generic_string_hdr *header = pjsip_msg_find_hdr_by_name(msg, &name, NULL);
    struct list list;

    if (header == NULL) {
        return 0;
    }
    list_init(&list);
    for (; header != NULL; header = pjsip_msg_find_hdr_by_name(msg, &name, header->next)) {
        add_packages(&list, &header->hvalue);
    }
    keep(kept, &list);
    return 1;
}

/* Messages that may carry the three headers (RFC 3261 table 2, RFC 6086 table 1). */
static int may_teach(const pjsip_msg *msg, const pjsip_method *method)
{
    if (msg->type == PJSIP_RESPONSE_MSG &&
        (msg->line.status.code < 101 || msg->line.status.code > 299)) {
        return 0;
    }
    return method->id == PJSIP_INVITE_METHOD || method->id == PJSIP_ACK_METHOD ||
           session_is_update(method) || pjsip_method_cmp(method, pjsip_get_prack_method()) == 0;
}

void session_peer_learn(struct ast_sip_session *session, const pjsip_rx_data *rdata)
{
    struct session_peer *peer = &session->priv->peer;
    const pjsip_msg *msg = rdata->msg_info.msg;
    const pj_str_t *tag =
        msg->type == PJSIP_REQUEST_MSG ? &rdata->msg_info.from->tag : &rdata->msg_info.to->tag;
    const pjsip_method *method = &rdata->msg_info.cseq->method;
    pj_uint32_t hash;
    int said;

    if (!may_teach(msg, method)) {
        return;
    }
    hash = pj_hash_calc_tolower(0, NULL, tag);
    if (hash != peer->tag) { /* another branch of a fork, so somebody else */
        session_peer_forget(session);
        peer->tag = hash;
    }
    learn_array(&peer->allow, msg, PJSIP_H_ALLOW);
    learn_array(&peer->supported, msg, PJSIP_H_SUPPORTED);
    said = learn_packages(&peer->packages, msg);
    if (msg->type == PJSIP_REQUEST_MSG && session_is_update(method)) {
        peer->packages_in_update = said;
    } else if (msg->type == PJSIP_REQUEST_MSG && method->id == PJSIP_INVITE_METHOD) {
        peer->packages_in_invite = said;
    }
}

void session_peer_forget(struct ast_sip_session *session)
{
    struct session_peer *peer = &session->priv->peer;

    free(peer->allow);
    free(peer->supported);
    free(peer->packages);
    memset(peer, 0, sizeof(*peer));
}

static int has(const char *kept, const char *name,
               int (*compare)(const char *left, const char *right, size_t length))
{
    size_t length = strlen(name);

    if (strchr(name, ',') != NULL) {
        return 0; /* not one name */
    }
    for (const char *at = kept; at != NULL && length > 0 && at[1] != '\0';
         at = strchr(at + 1, ',')) {
        if (compare(at + 1, name, length) == 0 && at[1 + length] == ',') {
            return 1;
        }
    }
    return 0;
}

int ast_sip_session_peer_allows(const struct ast_sip_session *session, const char *method)
{
    return has(session->priv->peer.allow, method, strncmp);
}

int ast_sip_session_peer_supports(const struct ast_sip_session *session, const char *tag)
{
    return has(session->priv->peer.supported, tag, strncasecmp);
}

int ast_sip_session_peer_takes_info_package(const struct ast_sip_session *session, const char *name)
{
    return has(session->priv->peer.packages, name, strncasecmp);
}
