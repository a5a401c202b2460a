/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the messages of a session's dialog, in both directions: hooks, and who sees to
 * what. Incoming ones come here before PJSIP's invite usage acts on them: a request has had its
 * answer by then (or is hidden from PJSIP, service.c), and PJSIP leaves transactions alone that are
 * not in state Trying any more.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

int session_is_update(const pjsip_method *method)
{
    return method->id == PJSIP_OTHER_METHOD && pj_strcmp2(&method->name, "UPDATE") == 0;
}

int session_is_prack(const pjsip_method *method)
{
    return pjsip_method_cmp(method, pjsip_get_prack_method()) == 0;
}

int session_is_core_method(const pjsip_method *method)
{
    return method->id == PJSIP_INVITE_METHOD || method->id == PJSIP_ACK_METHOD ||
           method->id == PJSIP_BYE_METHOD || method->id == PJSIP_CANCEL_METHOD ||
           session_is_update(method) || session_is_prack(method);
}

/* Methods that exist (RFC 3261 21.4.6 against 21.5.2): 405 for these, 501 for others. */
static int is_known_method(const pjsip_method *method)
{
    static const char *const known[] = {"INFO",   "REFER",     "MESSAGE",
                                        "NOTIFY", "SUBSCRIBE", "PUBLISH"};

    if (method->id != PJSIP_OTHER_METHOD) {
        return 1;
    }
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(known); ++i) {
        if (pj_strcmp2(&method->name, known[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* RFC 3261 8.2.1: a method that no extension took. */
static void answer_unowned(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;
    int code = is_known_method(method) ? PJSIP_SC_METHOD_NOT_ALLOWED : PJSIP_SC_NOT_IMPLEMENTED;

    if (method->id == PJSIP_OPTIONS_METHOD) {
        code = PJSIP_SC_OK; /* RFC 3261 11.2 */
    }
    ast_sip_session_send_response(session, code, rdata);
}

void session_handle_request(struct ast_sip_session *session, pjsip_transaction *tsx,
                            pjsip_rx_data *rdata)
{
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;

    if (method->id == PJSIP_INVITE_METHOD) {
        session_on_reinvite(session, tsx, rdata);
    } else if (session_is_update(method)) {
        session_on_update(session, tsx, rdata);
    } else if (session_is_prack(method)) {
        session_on_prack(session, tsx, rdata);
    } else if (method->id == PJSIP_BYE_METHOD) {
        session_refuse_pending(session);
    } else if (method->id == PJSIP_CANCEL_METHOD) {
        session_deferred_cancel(session, rdata->msg_info.cseq->cseq);
    } else {
        answer_unowned(session, rdata);
    }
}

/* RFC 5407 2: our BYE has left. */
static int is_mortal(const struct ast_sip_session *session)
{
    return session->priv->state == AST_SIP_SESSION_STATE_ENDING &&
           inv_is_confirmed(session->inv_session);
}

void session_on_request(struct ast_sip_session *session, pjsip_transaction *tsx,
                        pjsip_rx_data *rdata)
{
    if (is_mortal(session) && tsx->method.id != PJSIP_BYE_METHOD &&
        tsx->method.id != PJSIP_CANCEL_METHOD) {
        session_refuse_request(session, PJSIP_SC_CALL_TSX_DOES_NOT_EXIST, rdata);
        return;
    }
    if (tsx->method.id != PJSIP_BYE_METHOD && tsx->method.id != PJSIP_CANCEL_METHOD &&
        session_refuse_required(session, tsx, rdata)) {
        return; /* a BYE is always obeyed */
    }
    ast_sip_session_ref(session);
    session_peer_learn(session, rdata);
    if (session_hook_request(session, rdata) == 0 && tsx->status_code < 200 &&
        session->priv->state != AST_SIP_SESSION_STATE_ENDED) {
        session_handle_request(session, tsx, rdata);
    }
    session_refresh_kick(session);
    ast_sip_session_unref(session);
}

void session_on_ack(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    int late = session_is_late_ack(session, rdata);

    if (!late && !inv_awaits_ack(session->inv_session, rdata->msg_info.cseq->cseq)) {
        return; /* it came again */
    }
    ast_sip_session_ref(session);
    session_peer_learn(session, rdata);
    session_hook_request(session, rdata); /* nobody can stop an ACK */
    if (!late && session->priv->state != AST_SIP_SESSION_STATE_ENDED) {
        session_exchange_on_ack(session, rdata);
    }
    session_refresh_kick(session);
    ast_sip_session_unref(session);
}

void session_on_response(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    if (session_early_is_repeat(session, rdata)) {
        rdata->msg_info.msg->body = NULL; /* PJSIP discards the rest of it */
        return;
    }
    ast_sip_session_ref(session);
    session_peer_learn(session, rdata);
    session_hook(SESSION_INCOMING_RESPONSE, &rdata->msg_info.cseq->method, session, rdata);
    if (inv_is_first_invite(session->inv_session, pjsip_rdata_get_tsx(rdata))) {
        session_early_response(session, rdata);
    }
    if (session->priv->state != AST_SIP_SESSION_STATE_ENDED) {
        session_exchange_on_response(session, rdata);
        session_deadline_renew(session);
    }
    ast_sip_session_unref(session);
}

void session_on_lost_ack(struct ast_sip_session *session)
{
    ast_notice_limited("Session %s: no ACK came for our 2xx: ending the call (RFC 3261 13.3.1.4)",
                       session->priv->dlg->obj_name);
    session_termination_stop(session);
    ast_sip_session_terminate(session, 0);
}

/* ---- what leaves ---- */

/* Kept on a message while it lives: that its hooks ran, and what they added. In tdata->pool. */
struct tx_mark {
    int code;                /* status code of the response when they ran; 0: a request */
    pjsip_hdr *first, *last; /* the headers that they appended; NULL: none */
};

static int code_of(const pjsip_tx_data *tdata)
{
    return tdata->msg->type == PJSIP_RESPONSE_MSG ? tdata->msg->line.status.code : 0;
}

/* PJSIP makes some final responses out of a provisional one: what was added to that one goes first.
 */
static void take_back(struct tx_mark *mark)
{
    pjsip_hdr *hdr = mark->first;

    while (hdr != NULL) {
        pjsip_hdr *next = hdr == mark->last ? NULL : hdr->next;

        pj_list_erase(hdr);
        hdr = next;
    }
    mark->first = mark->last = NULL;
}

/* Our text, in what has an SDP, and in an ACK or PRACK that PJSIP made without one. */
static void put_sdp(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    struct session_sdp *sdp = &session->priv->sdp;
    const pjsip_msg *msg = tdata->msg;

    if (msg->type == PJSIP_REQUEST_MSG &&
        (msg->line.req.method.id == PJSIP_ACK_METHOD || session_is_prack(&msg->line.req.method))) {
        if (sdp->answer_due) {
            sdp->answer_due = 0;
            session_sdp_set_body(session, tdata);
        } else if (msg->line.req.method.id != PJSIP_ACK_METHOD) {
            session_refresh_in_prack(session, tdata);
        }
    } else if (session_sdp_has_body(msg)) {
        session_sdp_set_body(session, tdata);
    }
    if (msg->type == PJSIP_RESPONSE_MSG && msg->line.status.code < 200) {
        session_note_reliable(session, msg);
    }
}

void session_mark_sent(pjsip_tx_data *copy)
{
    copy->mod_data[session_usage.id] = PJ_POOL_ZALLOC_T(copy->pool, struct tx_mark);
}

void session_on_tx(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    struct tx_mark *mark = tdata->mod_data[session_usage.id];
    pjsip_msg *msg = tdata->msg;
    const pjsip_cseq_hdr *cseq;
    pjsip_hdr *before;

    if (mark != NULL && mark->code == code_of(tdata)) {
        return; /* sent again, or with credentials */
    }
    if (mark == NULL) {
        mark = PJ_POOL_ZALLOC_T(tdata->pool, struct tx_mark);
        tdata->mod_data[session_usage.id] = mark;
    } else {
        take_back(mark);
    }
    mark->code = code_of(tdata);
    put_sdp(session, tdata);

    cseq = pjsip_msg_find_hdr(msg, PJSIP_H_CSEQ, NULL);
    before = msg->hdr.prev;
    ast_sip_session_ref(session);
    if (msg->type == PJSIP_REQUEST_MSG) {
        session_hook(SESSION_OUTGOING_REQUEST, &msg->line.req.method, session, tdata);
    } else if (cseq != NULL) {
        ++session->priv->responding;
        session_hook(SESSION_OUTGOING_RESPONSE, &cseq->method, session, tdata);
        --session->priv->responding;
    }
    ast_sip_session_unref(session);
    if (msg->hdr.prev != before) {
        mark->first = before->next;
        mark->last = msg->hdr.prev;
    }
}
