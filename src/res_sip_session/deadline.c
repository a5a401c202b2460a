/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: every state of a session has a deadline, so that none is left over. PJSIP's
 * transactions bound what waits for a message (RFC 3261 17); here is what they leave open. A call
 * that is answered has none: session timers (RFC 4028) and the silence of its media are its ends.
 *
 * One timer a session, armed lazily: it looks at the state when it fires.
 */
#include <pj/os.h>
#include <sipsession/log.h>

#include "res_sip_session/session.h"

struct session_deadlines session_deadlines = {
    .unsent_ms = 60 * 1000,
    .provisional_ms = 180 * 1000,
    .repeat_ms = 60 * 1000,
    .answer_ms = 30 * 60 * 1000,
};

static unsigned ending_ms(void)
{
    return 64 * pjsip_cfg()->tsx.t1 + 4000; /* a transaction, and the answer to it */
}

static uint64_t now_ms(void)
{
    pj_time_val now;

    pj_gettickcount(&now);
    return (uint64_t)PJ_TIME_VAL_MSEC(now);
}

/* How long the state that was just entered, or renewed, may last. 0: as long as it likes. */
static unsigned most_ms(const struct ast_sip_session *session)
{
    switch (session->priv->state) {
    case AST_SIP_SESSION_STATE_NEW:
        return session_deadlines.unsent_ms;
    case AST_SIP_SESSION_STATE_CALLING:
    case AST_SIP_SESSION_STATE_INCOMING:
    case AST_SIP_SESSION_STATE_EARLY:
        return session->priv->outgoing ? session_deadlines.provisional_ms
                                       : session_deadlines.repeat_ms;
    case AST_SIP_SESSION_STATE_ENDING:
        return ending_ms();
    default:
        return 0;
    }
}

static void arm(struct ast_sip_session_private *priv, uint64_t now)
{
    const uint64_t at = priv->deadline_at;
    pj_time_val delay = {0, at > now ? (long)(at - now) : 0};

    pj_time_val_normalize(&delay);
    if (priv->deadline.id != 0) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &priv->deadline);
    }
    priv->deadline.id = pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), &priv->deadline,
                                                   &delay) == PJ_SUCCESS;
    priv->deadline_armed_at = at;
}

/* An INVITE that rings for long: proxies on its way are told to go on (RFC 3261 13.3.1.1). */
static void ring_on(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;

    if (now_ms() - priv->begun_at >= session_deadlines.answer_ms) {
        ast_notice_limited("Session %s was not answered in time", priv->dlg->obj_name);
        ast_sip_session_terminate(session, PJSIP_SC_REQUEST_TIMEOUT);
        return;
    }
    session_answer_invite(session, priv->response_code > PJSIP_SC_TRYING ? priv->response_code
                                                                         : PJSIP_SC_QUEUED);
    session_deadline_renew(session);
}

static void expire(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;

    switch (priv->state) {
    case AST_SIP_SESSION_STATE_NEW:
        inv_drop(session->inv_session, PJSIP_SC_REQUEST_TIMEOUT);
        break;
    case AST_SIP_SESSION_STATE_INCOMING:
    case AST_SIP_SESSION_STATE_EARLY:
    case AST_SIP_SESSION_STATE_CALLING:
        if (!priv->outgoing) {
            ring_on(session);
        } else {
            ast_notice_limited("Session %s: no answer for %u s", priv->dlg->obj_name,
                               session_deadlines.provisional_ms / 1000);
            ast_sip_session_terminate(session, PJSIP_SC_REQUEST_TIMEOUT);
        }
        break;
    case AST_SIP_SESSION_STATE_ENDING:
        ast_warning_limited("Session %s does not end: it is cut off", priv->dlg->obj_name);
        inv_drop(session->inv_session, PJSIP_SC_REQUEST_TIMEOUT);
        break;
    default:
        break;
    }
}

static void on_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct ast_sip_session *session = entry->user_data;
    struct ast_sip_session_private *priv = session->priv;
    const uint64_t now = now_ms();

    (void)heap;
    entry->id = 0;
    if (priv->deadline_at == 0) {
        return;
    }
    if (now < priv->deadline_at) {
        arm(priv, now);
        return;
    }
    ast_sip_session_ref(session);
    expire(session);
    ast_sip_session_unref(session);
}

void session_deadline_renew(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;
    const unsigned most = most_ms(session);
    const uint64_t now = most != 0 ? now_ms() : 0;

    priv->deadline_at = most != 0 ? now + most : 0;
    /* What is armed for about that time, or before, will do: it looks again. */
    if (most != 0 && (priv->deadline.id == 0 || priv->deadline_armed_at > priv->deadline_at)) {
        arm(priv, now);
    }
}

void session_deadline_start(struct ast_sip_session *session)
{
    pj_timer_entry_init(&session->priv->deadline, 0, session, on_timer);
    session->priv->begun_at = now_ms();
    session_deadline_renew(session);
}

void session_deadline_stop(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;

    priv->deadline_at = 0;
    if (priv->deadline.id != 0) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &priv->deadline);
        priv->deadline.id = 0;
    }
}
