/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * refer: the implicit subscription of a REFER that we accepted: NOTIFYs to the peer that asked, one
 * at a time, and its SUBSCRIBE that refreshes or ends it (RFC 3515 2.4.4, RFC 6665 4.2). What
 * happens to the call is transfer.c's matter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pjlib.h>
#include <sipsession/log.h>
#include <sipsession/res_sip.h>

#include "refer.h"

struct refer_subscription {
    PJ_DECL_LIST_MEMBER(struct refer_subscription);
    struct refer_dialog *dialog;        /* a use of it */
    struct refer_subscription **holder; /* NULL: nobody tells it anything more */
    unsigned id;                        /* CSeq of the REFER */
    int is_first;                       /* of its dialog: Event needs no id */
    struct refer_status status;         /* what the next NOTIFY says */
    const char *end;                    /* the reason of its end; NULL: it is active */
    int in_flight;                      /* a NOTIFY waits for its response */
    int again;                          /* ... and another one is due behind it */
    pj_time_val expires;                /* when, in PJSIP's time */
    pj_timer_entry timer;
    struct ast_sip_session *deferred; /* whose end waits for ours; a reference, or NULL */
};

static struct refer_subscription subscriptions = {.prev = &subscriptions, .next = &subscriptions};

/* ---- the end ---- */

static void leave(struct refer_subscription *subscription)
{
    if (subscription->holder != NULL) {
        *subscription->holder = NULL;
        subscription->holder = NULL;
    }
}

static void destroy(struct refer_subscription *subscription)
{
    struct ast_sip_session *deferred = subscription->deferred;

    leave(subscription);
    refer_forget(subscription);
    refer_timer_stop(&subscription->timer);
    pj_list_erase(subscription);
    refer_dialog_release(subscription->dialog);
    free(subscription);
    if (deferred != NULL) {
        ast_sip_session_end_deferral(deferred);
        ast_sip_session_unref(deferred);
    }
}

/* ---- NOTIFY ---- */

static unsigned seconds_left(const struct refer_subscription *subscription)
{
    pj_time_val now, left = subscription->expires;

    pj_gettickcount(&now);
    PJ_TIME_VAL_SUB(left, now);
    return left.sec < 0 ? 0 : (unsigned)left.sec + (left.msec > 0);
}

static void add_headers(const struct refer_subscription *subscription, pjsip_tx_data *tdata)
{
    char text[64];

    if (subscription->is_first) {
        snprintf(text, sizeof(text), "refer");
    } else {
        snprintf(text, sizeof(text), "refer;id=%u", subscription->id);
    }
    ast_sip_add_header(tdata, "Event", text);
    if (subscription->end != NULL) {
        snprintf(text, sizeof(text), "terminated;reason=%s", subscription->end);
    } else {
        snprintf(text, sizeof(text), "active;expires=%u", seconds_left(subscription));
    }
    ast_sip_add_header(tdata, "Subscription-State", text);
}

static int add_sipfrag(const struct refer_subscription *subscription, pjsip_tx_data *tdata)
{
    static const pj_str_t type = {(char *)"message", 7}, subtype = {(char *)"sipfrag", 7};
    char text[REFER_REASON_SIZE + 32];
    pj_str_t body;
    pjsip_param *version;

    snprintf(text, sizeof(text), "SIP/2.0 %d %s\r\n", subscription->status.code,
             subscription->status.reason);
    body = pj_str(text);
    tdata->msg->body = pjsip_msg_body_create(tdata->pool, &type, &subtype, &body);
    version = PJ_POOL_ZALLOC_T(tdata->pool, pjsip_param);
    if (tdata->msg->body == NULL || version == NULL) {
        return -1;
    }
    version->name = pj_str((char *)"version");
    version->value = pj_str((char *)"2.0");
    pj_list_push_back(&tdata->msg->body->content_type.param, version);
    return 0;
}

static void on_response(void *owner, int status, pjsip_rx_data *rdata);

/* 0; -1: it cannot be sent. */
static int send_now(struct refer_subscription *subscription)
{
    pjsip_tx_data *tdata;

    if (refer_create_request(subscription->dialog, "NOTIFY", &tdata) != 0) {
        return -1;
    }
    add_headers(subscription, tdata);
    if (add_sipfrag(subscription, tdata) != 0) {
        pjsip_tx_data_dec_ref(tdata);
        return -1;
    }
    subscription->again = 0;
    subscription->in_flight = 1;
    return refer_send(subscription->dialog, tdata, on_response, subscription);
}

/* Sends what is to be said, or remembers that something is. The subscription may be gone behind
 * this. */
static void notify(struct refer_subscription *subscription)
{
    if (subscription->in_flight) {
        subscription->again = 1;
    } else if (send_now(subscription) != 0) {
        destroy(subscription);
    }
}

static void on_response(void *owner, int status, pjsip_rx_data *rdata)
{
    struct refer_subscription *subscription = owner;

    (void)rdata;
    subscription->in_flight = 0;
    if (status / 100 != 2) { /* RFC 6665 4.2.2: 481, silence and most others end it */
        ast_debug("refer: a NOTIFY was answered with %d: the subscription ends", status);
        destroy(subscription);
    } else if (subscription->again) {
        notify(subscription);
    } else if (subscription->end != NULL) {
        destroy(subscription);
    }
}

/* ---- what transfer.c tells ---- */

static void on_time(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct refer_subscription *subscription = entry->user_data;

    (void)heap;
    entry->id = 0;
    if (subscription->end == NULL) { /* RFC 6665 4.2.2 */
        leave(subscription);
        subscription->end = "timeout";
        notify(subscription);
    }
}

static int set_expires(struct refer_subscription *subscription, unsigned seconds)
{
    refer_timer_stop(&subscription->timer);
    pj_gettickcount(&subscription->expires);
    subscription->expires.sec += (long)seconds;
    return refer_timer_start(&subscription->timer, seconds * 1000);
}

void refer_subscribe(struct refer_dialog *dialog, unsigned cseq, struct refer_subscription **holder)
{
    struct refer_subscription *subscription = calloc(1, sizeof(*subscription));

    *holder = NULL;
    if (subscription == NULL) {
        ast_error_limited("refer: no memory for a subscription");
        return;
    }
    subscription->dialog = dialog;
    refer_dialog_use(dialog);
    subscription->id = cseq;
    subscription->is_first = dialog->received == 1;
    pj_timer_entry_init(&subscription->timer, 0, subscription, on_time);
    pj_list_push_back(&subscriptions, subscription);
    if (set_expires(subscription, REFER_EXPIRES) != 0) {
        destroy(subscription);
        return;
    }
    subscription->holder = holder;
    *holder = subscription;
}

void refer_notify(struct refer_subscription *subscription, int code, const char *reason,
                  size_t length)
{
    if (subscription != NULL && subscription->end == NULL) {
        refer_status_set(&subscription->status, code, reason, length);
        notify(subscription);
    }
}

void refer_notify_final(struct refer_subscription *subscription, int code, const char *reason,
                        size_t length)
{
    if (subscription != NULL && subscription->end == NULL) {
        leave(subscription);
        refer_status_set(&subscription->status, code, reason, length);
        subscription->end = "noresource"; /* RFC 3515 2.4.7 */
        refer_timer_stop(&subscription->timer);
        notify(subscription);
    }
}

void refer_subscription_defers(struct refer_subscription *subscription,
                               struct ast_sip_session *session)
{
    if (subscription->deferred == NULL) {
        subscription->deferred = ast_sip_session_ref(session);
    }
}

void refer_subscription_leave(struct refer_subscription *subscription)
{
    if (subscription != NULL) {
        leave(subscription);
    }
}

/* ---- SUBSCRIBE ---- */

static struct refer_subscription *find(const struct refer_dialog *dialog,
                                       const struct refer_event *event)
{
    for (struct refer_subscription *at = subscriptions.next; at != &subscriptions; at = at->next) {
        if (at->dialog == dialog && at->end == NULL &&
            (event->has_id ? at->id == event->id : at->is_first)) {
            return at;
        }
    }
    return NULL;
}

static void refresh(struct refer_subscription *subscription, pjsip_dialog *dlg,
                    pjsip_rx_data *rdata)
{
    unsigned seconds = REFER_EXPIRES;
    char text[32];

    if (refer_header(rdata->msg_info.msg, "Expires", NULL, text, sizeof(text)) > 0 &&
        refer_number(text, &seconds) != 0) {
        refer_respond(dlg, rdata, PJSIP_SC_BAD_REQUEST, NULL, NULL);
        return;
    }
    if (seconds > REFER_MOST_EXPIRES) {
        seconds = REFER_MOST_EXPIRES;
    }
    snprintf(text, sizeof(text), "%u", seconds);
    refer_respond(dlg, rdata, PJSIP_SC_OK, "Expires", text);
    if (seconds == 0 || set_expires(subscription, seconds) != 0) {
        leave(subscription);
        subscription->end = "timeout"; /* RFC 6665 4.1.2.3, 4.2.1.4 */
        refer_timer_stop(&subscription->timer);
    }
    notify(subscription);
}

int refer_on_subscribe(struct refer_dialog *dialog, pjsip_dialog *dlg, pjsip_rx_data *rdata)
{
    struct refer_subscription *subscription;
    struct refer_event event;
    char text[256];
    unsigned count = refer_header(rdata->msg_info.msg, "Event", "o", text, sizeof(text));
    int kind = count == 1 ? refer_event_parse(text, &event) : -1;

    if (kind > 0) {
        return 0;
    }
    if (kind < 0) {
        refer_respond(dlg, rdata, PJSIP_SC_BAD_REQUEST, NULL, NULL);
        return 1;
    }
    subscription = dialog != NULL ? find(dialog, &event) : NULL;
    if (subscription == NULL) { /* a REFER alone begins one (RFC 3515 2.4.4) */
        refer_respond(dlg, rdata, PJSIP_SC_CALL_TSX_DOES_NOT_EXIST, NULL, NULL);
    } else {
        refresh(subscription, dlg, rdata);
    }
    return 1;
}

unsigned refer_subscriptions_count(void)
{
    return (unsigned)pj_list_size(&subscriptions);
}

void refer_subscriptions_stop(void)
{
    while (!pj_list_empty(&subscriptions)) {
        destroy(subscriptions.next);
    }
}
