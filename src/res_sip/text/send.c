/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: a text message on its way: to one contact after the other, until one of them answers for
 * good. Challenges and servers' addresses are send_request.c's and below.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/text/text.h"

/*
 *  1. It lives from ast_sip_message_send until the callback, or until nothing is under way any more
 *     if it was forgotten.
 *  2. At most one request of it is under way; while `sending`, its call has not returned, and its
 *     end is only noted.
 */
struct ast_sip_message_sending {
    pj_pool_t *pool; /* of the message and of this */
    struct sip_text_target target;
    const struct ast_sip_contact *contact; /* that is tried next; of the target */
    struct ast_sip_message message;
    void *token;
    void (*callback)(void *token, int status); /* NULL: nobody waits */
    int sending;
    int status; /* of the request that has ended; 0: it has not */
};

static char *copy_text(pj_pool_t *pool, const char *text)
{
    pj_str_t copy;

    if (!text) {
        return NULL;
    }
    pj_strdup2_with_null(pool, &copy, text);
    return copy.ptr;
}

static void copy_message(pj_pool_t *pool, const struct ast_sip_message *from,
                         struct ast_sip_message *to)
{
    struct ast_sip_variable **end = (struct ast_sip_variable **)&to->headers;
    const struct ast_sip_variable *header;

    *to = (struct ast_sip_message){.from_host = copy_text(pool, from->from_host),
                                   .to = copy_text(pool, from->to),
                                   .content_type = copy_text(pool, from->content_type),
                                   .length = from->length};
    if (from->from) {
        to->from = pj_pool_alloc(pool, sizeof(*from->from));
        memcpy((void *)to->from, from->from, sizeof(*from->from));
    }
    to->body = pj_pool_alloc(pool, from->length + 1);
    memcpy((char *)to->body, from->body, from->length);
    for (header = from->headers; header; header = header->next) {
        *end = PJ_POOL_ZALLOC_T(pool, struct ast_sip_variable);
        (*end)->name = copy_text(pool, header->name);
        (*end)->value = copy_text(pool, header->value);
        end = &(*end)->next;
    }
}

static void destroy(struct ast_sip_message_sending *sending)
{
    sip_text_target_free(&sending->target);
    pj_pool_release(sending->pool);
}

static void conclude(struct ast_sip_message_sending *sending)
{
    void (*callback)(void *token, int status) = sending->callback;
    void *token = sending->token;
    int status = sending->status;

    destroy(sending);
    if (callback) {
        callback(token, status);
    }
}

/* Another contact may be where this one is not (RFC 3261 16.7, RFC 5626 7; a transport's error is a
 * 503). */
static int asks_next(int status)
{
    return status == PJSIP_SC_REQUEST_TIMEOUT || status == PJSIP_SC_SERVICE_UNAVAILABLE ||
           status == PJSIP_SC_FLOW_FAILED;
}

static void on_answer(void *token, pjsip_event *event);

/* Sends to the contacts that are left, until one takes it. 0: a request is under way; -1: none is,
 * status says why. */
static int try(struct ast_sip_message_sending *sending)
{
    while (sending->contact) {
        const struct ast_sip_contact *contact = sending->contact;
        pjsip_tx_data *tdata;
        int result;

        sending->contact = contact->next;
        sending->status = 0;
        if (sip_text_compose(sending->target.endpoint, contact, &sending->message, &tdata) != 0) {
            sending->status = PJSIP_SC_SERVICE_UNAVAILABLE;
            continue;
        }
        sending->sending = 1;
        result = ast_sip_send_request(tdata, NULL, sending->target.endpoint, sending, on_answer);
        sending->sending = 0;
        if (result != 0) {
            sending->status = PJSIP_SC_SERVICE_UNAVAILABLE;
        } else if (sending->status == 0) {
            return 0;
        }
        if (!asks_next(sending->status)) {
            break;
        }
    }
    return -1;
}

/* `follow_redirect_methods = message`: 300, 301 and 302 lead elsewhere; 305 and 380 name no target
 * that this request could go to (RFC 3261 21.3). 1: there is somebody to ask. */
static int is_redirected(struct ast_sip_message_sending *sending, const pjsip_event *event)
{
    struct ast_sip_contact *first;

    if (!(sending->target.endpoint->follow_redirect_methods & AST_SIP_FOLLOW_MESSAGE) ||
        sending->status < PJSIP_SC_MULTIPLE_CHOICES ||
        sending->status > PJSIP_SC_MOVED_TEMPORARILY ||
        event->body.tsx_state.type != PJSIP_EVENT_RX_MSG) {
        return 0;
    }
    first = sip_text_redirect(event->body.tsx_state.src.rdata->msg_info.msg,
                              &sending->target.contacts, sending->contact);
    if (first) {
        sending->contact = first;
    }
    return first != NULL;
}

static void on_answer(void *token, pjsip_event *event)
{
    struct ast_sip_message_sending *sending = token;

    sending->status = event->body.tsx_state.tsx->status_code;
    if (sending->sending) {
        return;
    }
    if ((!asks_next(sending->status) && !is_redirected(sending, event)) || sip_is_stopping() ||
        try(sending) != 0) {
        conclude(sending);
    }
}

enum ast_sip_message_result ast_sip_message_send(const char *destination,
                                                 const struct ast_sip_message *message, void *token,
                                                 void (*callback)(void *token, int status),
                                                 struct ast_sip_message_sending **sending)
{
    struct ast_sip_message_sending *made;
    struct sip_text_target target;
    enum ast_sip_message_result result;
    pj_pool_t *pool;

    base_assert_sip_thread();
    result = sip_text_find(destination, &target);
    if (result != AST_SIP_MESSAGE_SENT) {
        return result;
    }
    pool = pjsip_endpt_create_pool(sip_endpt, "text", 2000, 2000);
    if (!pool) {
        sip_text_target_free(&target);
        return AST_SIP_MESSAGE_FAILED;
    }
    made = PJ_POOL_ZALLOC_T(pool, struct ast_sip_message_sending);
    made->pool = pool;
    made->target = target;
    made->contact = target.contacts;
    made->token = token;
    made->callback = callback;
    copy_message(pool, message, &made->message);
    if (try(made) != 0) {
        destroy(made);
        return AST_SIP_MESSAGE_FAILED;
    }
    if (sending) {
        *sending = made;
    }
    return AST_SIP_MESSAGE_SENT;
}

void ast_sip_message_forget(struct ast_sip_message_sending *sending)
{
    base_assert_sip_thread();
    sending->callback = NULL;
}
