/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_timer: session timers (RFC 4028) as an extension. It reads and writes the headers, keeps
 * the time, refreshes and ends sessions; what the RFC wants is decided in timer.c. Installed
 * headers only.
 *
 * A refresh has no on_result: what comes of it is seen in the responses, like those of anybody's
 * re-INVITE and UPDATE, which refresh a session as well. So nothing of this module is called after
 * its end.
 */
#include <stdio.h>
#include <stdlib.h>

#include <pj/os.h>

#include <sipsession/log.h>
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

#include "headers.h"

#define LONGEST_WAIT_MS     3600000UL /* a timer may wake up for nothing */
#define LONGEST_EXCHANGE_MS 32000     /* 64*T1: then a request of ours is no excuse any more */

/* A request of the peer that we have not finally answered */
struct asked {
    int pending;
    pj_int32_t cseq;
    int counts; /* it is a session refresh request */
    struct timer_headers headers;
};

/* The cookie of a session */
struct timed {
    struct ast_sip_session *session; /* borrowed: the cookie goes before it does */
    struct timer timer;
    pj_timer_entry entry;
    unsigned refresh_id;      /* the last that we asked for; 0: none */
    uint64_t under_way_since; /* an INVITE or UPDATE of ours without a final response; 0: none */
    int update_counts;        /* our last UPDATE was a session refresh request */
    struct asked invite, update;
};

static void destroy(void *data);

static struct ast_sip_session_cookie cookie = {.name = "session_timer", .destroy = destroy};

/* The refusal that is on its way out, which the hook for responses completes; 0: none is. */
static struct {
    int code;
    unsigned min_se;
} refusal;

enum { IDLE, ARMED };

static unsigned armed; /* how many timers run */

static uint64_t now_ms(void)
{
    pj_time_val now;

    pj_gettickcount(&now);
    return (uint64_t)now.sec * 1000 + (uint64_t)now.msec;
}

/* ---- time ---- */

static void disarm(struct timed *timed)
{
    if (timed->entry.id == ARMED) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &timed->entry);
        timed->entry.id = IDLE;
        --armed;
    }
}

static void arm(struct timed *timed, uint64_t wait_ms)
{
    unsigned long wait = wait_ms < LONGEST_WAIT_MS ? (unsigned long)wait_ms : LONGEST_WAIT_MS;
    pj_time_val delay = {(long)(wait / 1000), (long)(wait % 1000)};

    disarm(timed);
    timed->entry.id = ARMED;
    ++armed;
    if (pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), &timed->entry, &delay) !=
        PJ_SUCCESS) {
        timed->entry.id = IDLE;
        --armed;
        ast_error_limited("session_timer: no timer: a session with '%s' is not watched",
                          timed->session->endpoint->name);
    }
}

static void refresh(struct timed *timed, uint64_t now)
{
    struct ast_sip_session_refresh wanted;

    if (timed->under_way_since != 0 && now - timed->under_way_since < LONGEST_EXCHANGE_MS) {
        return; /* whatever it is for, its success refreshes the session */
    }
    if (timed->refresh_id != 0) {
        ast_sip_session_refresh_cancel(timed->session, timed->refresh_id); /* if it still waits */
    }
    ast_sip_session_refresh_init(&wanted);
    wanted.method = AST_SIP_SESSION_REFRESH_AUTO; /* RFC 4028 7.4: UPDATE without an offer */
    wanted.without_offer = 1;
    if (ast_sip_session_refresh(timed->session, &wanted, &timed->refresh_id) != 0) {
        timed->refresh_id = 0;
    }
}

static void expire(struct ast_sip_session *session)
{
    /* RFC 4028 10: with BYE */
    const struct ast_sip_session_reason reason = {.protocol = "SIP",
                                                  .cause = PJSIP_SC_REQUEST_TIMEOUT,
                                                  .text = "Session timer expired"};

    ast_notice_limited("The timer of a session with '%s' expired: ending it (RFC 4028 10)",
                       session->endpoint->name);
    ast_sip_session_terminate_with_reason(session, PJSIP_SC_REQUEST_TIMEOUT, &reason);
}

/* Does what the timer asks for now, and waits for what comes next. timed may be gone afterwards. */
static void run(struct timed *timed)
{
    struct ast_sip_session *session = timed->session;
    uint64_t until, now = now_ms();

    for (;;) {
        switch (timer_step(&timed->timer, now, &until)) {
        case TIMER_NOTHING:
            disarm(timed);
            return;
        case TIMER_WAIT:
            arm(timed, until - now);
            return;
        case TIMER_REFRESH:
            refresh(timed, now);
            break;
        case TIMER_EXPIRED:
            disarm(timed);
            ast_sip_session_ref(session);
            expire(session);
            ast_sip_session_unref(session);
            return;
        }
    }
}

static void on_time(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct timed *timed = entry->user_data;

    (void)heap;
    entry->id = IDLE;
    --armed;
    run(timed);
}

/* ---- the cookie ---- */

static void destroy(void *data)
{
    struct timed *timed = data;

    disarm(timed);
    free(timed);
}

/* NULL: the session has ended, or no memory. */
static struct timed *timed_of(struct ast_sip_session *session)
{
    const struct ast_sip_endpoint *endpoint = session->endpoint;
    struct timed *timed = ast_sip_session_get_cookie(session, &cookie);

    if (timed != NULL) {
        return timed;
    }
    timed = calloc(1, sizeof(*timed));
    if (timed == NULL) {
        return NULL;
    }
    timed->session = session;
    timer_init(&timed->timer, (enum ast_sip_timers)endpoint->timers, endpoint->timers_min_se,
               endpoint->timers_sess_expires);
    pj_timer_entry_init(&timed->entry, IDLE, timed, on_time);
    if (ast_sip_session_set_cookie(session, &cookie, timed) != 0) {
        free(timed);
        return NULL;
    }
    return timed;
}

/* ---- the peer's requests ---- */

static const pjsip_method *method_of(const pjsip_msg *msg)
{
    const pjsip_cseq_hdr *cseq;

    if (msg->type == PJSIP_REQUEST_MSG) {
        return &msg->line.req.method;
    }
    cseq = pjsip_msg_find_hdr(msg, PJSIP_H_CSEQ, NULL);
    return &cseq->method; /* a message without CSeq never gets here */
}

static int is_invite(const pjsip_msg *msg)
{
    return method_of(msg)->id == PJSIP_INVITE_METHOD;
}

static int is_update(const pjsip_msg *msg)
{
    return pj_strcmp2(&method_of(msg)->name, "UPDATE") == 0;
}

static int is_answered(const struct ast_sip_session *session)
{
    return ast_sip_session_get_state(session) >= AST_SIP_SESSION_STATE_CONNECTING;
}

static int refuse(struct ast_sip_session *session, pjsip_rx_data *rdata, int code, unsigned min_se)
{
    refusal.code = code;
    refusal.min_se = min_se;
    ast_sip_session_send_response(session, code, rdata);
    refusal.code = 0;
    return AST_SIP_SESSION_STOP;
}

static int on_request(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    struct timer_headers headers;
    struct timed *timed;
    struct asked *asked;
    int code, counts;

    if (!is_invite(msg) && !is_update(msg)) {
        return AST_SIP_SESSION_CONTINUE;
    }
    headers_read(msg, &headers);
    if (session->endpoint->timers == AST_SIP_TIMERS_NO) {
        return headers.required ? refuse(session, rdata, PJSIP_SC_BAD_EXTENSION, 0)
                                : AST_SIP_SESSION_CONTINUE;
    }
    timed = timed_of(session);
    if (timed == NULL) {
        return AST_SIP_SESSION_CONTINUE;
    }
    /* Before the answer an UPDATE changes the offer; the time begins with the 2xx to the INVITE. */
    counts = is_invite(msg) || is_answered(session);
    if (!counts) {
        headers.expires = 0;
    }
    code = timer_check(&timed->timer, &headers);
    if (code != 0) {
        return refuse(session, rdata, code, timer_least(&timed->timer, &headers));
    }
    asked = is_invite(msg) ? &timed->invite : &timed->update;
    if (!asked->pending) { /* else the core refuses this one */
        asked->pending = 1;
        asked->cseq = rdata->msg_info.cseq->cseq;
        asked->counts = counts;
        asked->headers = headers;
    }
    return AST_SIP_SESSION_CONTINUE;
}

static void complete_refusal(pjsip_tx_data *tdata)
{
    char text[16];

    switch (refusal.code) {
    case PJSIP_SC_BAD_EXTENSION: /* RFC 3261 8.2.2.3 */
        ast_sip_add_header(tdata, "Unsupported", "timer");
        break;
    case PJSIP_SC_EXTENSION_REQUIRED: /* RFC 3261 21.4.16 */
        headers_add_tag(tdata, PJSIP_H_REQUIRE);
        break;
    default: /* RFC 4028 6 */
        snprintf(text, sizeof(text), "%u", refusal.min_se);
        ast_sip_add_header(tdata, "Min-SE", text);
        break;
    }
}

static void on_our_response(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    int code = tdata->msg->line.status.code;
    const pjsip_cseq_hdr *cseq = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CSEQ, NULL);
    struct timer_headers headers = {0};
    struct timed *timed;
    struct asked *asked;

    if (method_of(tdata->msg)->id == PJSIP_OPTIONS_METHOD && code / 100 == 2 &&
        session->endpoint->timers != AST_SIP_TIMERS_NO) {
        headers_add_tag(tdata, PJSIP_H_SUPPORTED); /* RFC 3261 11.2 */
    }
    if (code < 200 || (!is_invite(tdata->msg) && !is_update(tdata->msg))) {
        return;
    }
    if (refusal.code == code) {
        complete_refusal(tdata);
        return;
    }
    timed = ast_sip_session_get_cookie(session, &cookie);
    if (timed == NULL) {
        return;
    }
    asked = is_invite(tdata->msg) ? &timed->invite : &timed->update;
    if (!asked->pending || asked->cseq != cseq->cseq) {
        return;
    }
    asked->pending = 0;
    if (code >= 300) {
        return;
    }
    if (asked->counts) {
        timer_answer(&timed->timer, &asked->headers, now_ms(), &headers);
    } else {
        headers.supported = 1;
    }
    headers_write(tdata, &headers);
    run(timed);
}

/* ---- ours ---- */

static void on_our_request(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    struct timer_headers headers = {0};
    struct timed *timed;

    if (method_of(tdata->msg)->id == PJSIP_ACK_METHOD ||
        session->endpoint->timers == AST_SIP_TIMERS_NO) {
        return;
    }
    if (!is_invite(tdata->msg) && !is_update(tdata->msg)) {
        headers_add_tag(tdata, PJSIP_H_SUPPORTED); /* RFC 4028 7.1: in every request but ACK */
        return;
    }
    timed = timed_of(session);
    if (timed == NULL) {
        return;
    }
    timed->under_way_since = now_ms();
    if (is_update(tdata->msg)) {
        timed->update_counts = is_answered(session);
    }
    if (is_invite(tdata->msg) || timed->update_counts) {
        timer_request(&timed->timer, !is_answered(session), &headers);
    } else {
        headers.supported = 1;
    }
    headers_write(tdata, &headers);
}

static void on_response(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    int code = msg->line.status.code;
    struct timed *timed = ast_sip_session_get_cookie(session, &cookie);
    struct timer_headers headers;

    if (code < 200 || timed == NULL || (!is_invite(msg) && !is_update(msg))) {
        return;
    }
    timed->under_way_since = 0;
    if (is_update(msg) && !timed->update_counts) {
        return;
    }
    headers_read(msg, &headers);
    if (code == PJSIP_SC_SESSION_TIMER_TOO_SMALL) {
        timer_too_small(&timed->timer, headers.min_se);
    } else if (code < 300) {
        timer_answered(&timed->timer, !is_answered(session), &headers, now_ms());
        run(timed);
    }
}

/* RFC 4028 7.3: the first INVITE again, for a longer interval. Later ones the core sends again. */
static int on_retry(struct ast_sip_session *session, pjsip_rx_data *rdata, pjsip_tx_data *tdata)
{
    struct timed *timed = ast_sip_session_get_cookie(session, &cookie);
    struct timer_headers headers;

    if (timed == NULL ||
        rdata->msg_info.msg->line.status.code != PJSIP_SC_SESSION_TIMER_TOO_SMALL) {
        return 0;
    }
    headers_read(rdata->msg_info.msg, &headers);
    if (!timer_too_small(&timed->timer, headers.min_se)) {
        return 0;
    }
    timer_request(&timed->timer, 1, &headers);
    headers_remove(tdata->msg, "Session-Expires");
    headers_remove(tdata->msg, "Min-SE");
    headers_write(tdata, &headers);
    timed->under_way_since = now_ms();
    return 1;
}

static struct ast_sip_session_extension extension = {
    .incoming_request = on_request,
    .incoming_response = on_response,
    .outgoing_request = on_our_request,
    .outgoing_response = on_our_response,
    .name = "session_timer",
    /* What is refused needs no channel. */
    .priority = AST_SIP_SESSION_PRIORITY_FIRST - 10,
    .retry_invite = on_retry,
};

static int session_timer_init(void)
{
    if (ast_sip_session_register_cookie(&cookie) != 0) {
        return -1;
    }
    if (ast_sip_session_register_option_tag("timer") != 0) {
        ast_sip_session_unregister_cookie(&cookie);
        return -1;
    }
    if (ast_sip_session_register_extension(&extension) != 0) {
        ast_sip_session_unregister_option_tag("timer");
        ast_sip_session_unregister_cookie(&cookie);
        return -1;
    }
    return 0;
}

static void session_timer_close(void)
{
    ast_sip_session_unregister_extension(&extension);
    ast_sip_session_unregister_option_tag("timer");
    ast_sip_session_unregister_cookie(&cookie); /* the timers of all sessions stop */
}

/* A peer that waits for our refreshes would end its call without them (RFC 4028 10). */
static unsigned session_timer_in_use(void)
{
    return armed;
}

AST_SIP_MODULE(.name = "session_timer", .description = "session timers (RFC 4028)",
               .init = session_timer_init, .close = session_timer_close,
               .in_use = session_timer_in_use);
