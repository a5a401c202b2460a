/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: how a session is ended from here: a final response, CANCEL or BYE, as its state
 * asks for (RFC 3261 9, 13, 15). PJSIP keeps BYE back until the ACK of a 2xx has come, or will not
 * come any more. A hang-up may be made to wait, for a transfer.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

static int final_code(const struct ast_sip_session *session, int response_code)
{
    if (session->priv->state >= AST_SIP_SESSION_STATE_CONNECTING) {
        return PJSIP_SC_OK; /* it was a good call */
    }
    if (session->priv->outgoing) {
        return PJSIP_SC_REQUEST_TERMINATED; /* RFC 3261 15.1.2 */
    }
    return response_code >= 300 && response_code <= 699 ? response_code : PJSIP_SC_DECLINE;
}

/* 1: nothing is to be done, now. */
static int is_late(struct ast_sip_session *session, int response_code)
{
    struct ast_sip_session_private *priv = session->priv;

    /* Bad answers are found with the ACK, when the end may have been asked for before: a BYE is
     * still owed then. */
    if (priv->state == AST_SIP_SESSION_STATE_ENDED ||
        (priv->ending && priv->state != AST_SIP_SESSION_STATE_CONFIRMED)) {
        return 1;
    }
    if (priv->termination_deferred) {
        priv->termination_asked = 1;
        priv->termination_code = response_code;
        return 1;
    }
    return 0;
}

static int terminate_task(void *data)
{
    struct ast_sip_session *session = data;

    session->priv->end_pushed = 0;
    ast_sip_session_terminate(session, session->priv->end_code);
    ast_sip_session_unref(session);
    return 0;
}

/*
 * A hook of a response that is being sent ends the session: another final response would overtake
 * that one in its transaction, which PJSIP does not allow. The end comes right behind it.
 */
static void terminate_behind_response(struct ast_sip_session *session, int response_code)
{
    struct ast_sip_session_private *priv = session->priv;

    if (priv->end_pushed) {
        return;
    }
    priv->end_code = response_code;
    priv->end_pushed = ast_sip_push_task(terminate_task, ast_sip_session_ref(session)) == 0;
    if (!priv->end_pushed) {
        ast_sip_session_unref(session);
    }
}

void ast_sip_session_terminate(struct ast_sip_session *session, int response_code)
{
    struct ast_sip_session_private *priv = session->priv;
    int code;
    int result;

    base_assert_sip_thread();
    if (is_late(session, response_code)) {
        return;
    }
    if (priv->responding > 0) {
        terminate_behind_response(session, response_code);
        return;
    }
    ast_sip_session_ref(session);
    code = final_code(session, response_code);
    priv->ending = 1;
    if (!priv->outgoing && priv->state < AST_SIP_SESSION_STATE_CONNECTING) {
        result = session_answer_invite(session, code);
    } else {
        session_refuse_pending(session);
        result = inv_end(session->inv_session, code);
    }
    if (result != 0) {
        inv_drop(session->inv_session, code);
    } else {
        session_set_state(session, AST_SIP_SESSION_STATE_ENDING);
    }
    ast_sip_session_unref(session);
}

void ast_sip_session_terminate_with_reason(struct ast_sip_session *session, int response_code,
                                           const struct ast_sip_session_reason *reason)
{
    if (session->priv->reason.protocol[0] == '\0') { /* the first to say why is right */
        session->priv->reason = *reason;
    }
    ast_sip_session_terminate(session, response_code);
}

const struct ast_sip_session_reason *ast_sip_session_get_reason(
    const struct ast_sip_session *session)
{
    return session->priv->reason.protocol[0] != '\0' ? &session->priv->reason : NULL;
}

/* ---- a hang-up that waits ---- */

void session_termination_stop(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;

    priv->termination_deferred = 0;
    if (priv->deferral.id != 0) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &priv->deferral);
        priv->deferral.id = 0;
    }
}

static void on_deferral_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    (void)heap;
    entry->id = 0;
    ast_sip_session_end_deferral(entry->user_data);
}

int ast_sip_session_defer_termination(struct ast_sip_session *session, unsigned most_ms)
{
    struct ast_sip_session_private *priv = session->priv;
    pj_time_val delay = {0, (long)most_ms};

    base_assert_sip_thread();
    if (priv->state != AST_SIP_SESSION_STATE_CONFIRMED || priv->ending ||
        priv->termination_deferred) {
        return -1;
    }
    pj_time_val_normalize(&delay);
    pj_timer_entry_init(&priv->deferral, 1, session, on_deferral_timer);
    if (pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), &priv->deferral, &delay) !=
        PJ_SUCCESS) {
        priv->deferral.id = 0;
        return -1;
    }
    priv->termination_deferred = 1;
    return 0;
}

void ast_sip_session_end_deferral(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;

    base_assert_sip_thread();
    if (priv->termination_deferred) {
        session_termination_stop(session);
        if (priv->termination_asked) {
            priv->termination_asked = 0;
            ast_sip_session_terminate(session, priv->termination_code);
        }
    }
}

int ast_sip_session_cancel_termination(struct ast_sip_session *session)
{
    int asked = session->priv->termination_asked;

    base_assert_sip_thread();
    session_termination_stop(session);
    session->priv->termination_asked = 0;
    return asked;
}
