/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the peer changes the session: re-INVITE (RFC 3261 14.2), UPDATE (RFC 3311 5.2),
 * PRACK (RFC 3262 3). Whether that may be now is the verdict of refresh_queue.c. PJSIP's invite
 * session never sees these requests unanswered.
 */
#include <stdio.h>

#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* ---- re-INVITE ---- */

/* A 2xx before this INVITE waits for its ACK still: it goes on waiting, beside the new one. */
static int keep_unacked(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;

    if (!inv_has_unacked(session->inv_session)) {
        return 0;
    }
    for (unsigned i = 0; i < SESSION_MAX_UNACKED; ++i) {
        if (priv->unacked[i] == NULL) {
            priv->unacked[i] = inv_invite_tsx(session->inv_session);
            return 0;
        }
    }
    return -1;
}

int session_is_late_ack(struct ast_sip_session *session, const pjsip_rx_data *rdata)
{
    for (unsigned i = 0; i < SESSION_MAX_UNACKED; ++i) {
        pjsip_transaction *tsx = session->priv->unacked[i];

        if (tsx != NULL && tsx->cseq == rdata->msg_info.cseq->cseq) {
            session->priv->unacked[i] = NULL;
            pjsip_tsx_stop_retransmit(tsx);
            /* It stays to absorb retransmissions of its INVITE (RFC 6026 7.1). */
            pjsip_tsx_terminate_async2(tsx, tsx->status_code, NULL, pjsip_cfg()->tsx.td);
            return 1;
        }
    }
    return 0;
}

int session_forget_unacked(struct ast_sip_session *session, const pjsip_transaction *tsx)
{
    for (unsigned i = 0; i < SESSION_MAX_UNACKED; ++i) {
        if (session->priv->unacked[i] == tsx) {
            session->priv->unacked[i] = NULL;
            return tsx->status_code >= 400;
        }
    }
    return 0;
}

static int verdict_on(struct ast_sip_session *session, int is_invite, pjsip_rx_data *rdata)
{
    struct refresh_view view;

    if (session_has_foreign_body(rdata)) {
        return PJSIP_SC_UNSUPPORTED_MEDIA_TYPE;
    }
    session_refresh_view(session, &view);
    return refresh_verdict(&view, is_invite, session_sdp_of(rdata) != NULL);
}

void session_on_reinvite(struct ast_sip_session *session, pjsip_transaction *tsx,
                         pjsip_rx_data *rdata)
{
    struct ast_sip_session_private *priv = session->priv;
    const pjmedia_sdp_session *offer = session_sdp_of(rdata);
    int code = verdict_on(session, 1, rdata);

    if (code == 0 && keep_unacked(session) != 0) {
        code = PJSIP_SC_INTERNAL_SERVER_ERROR;
    }
    if (code != 0) {
        session_refuse_request(session, code, rdata);
        return;
    }
    session_forget_answer(session);
    inv_take_reinvite(session->inv_session, tsx);
    priv->response_code = 0;
    priv->sdp_made = 0;
    priv->invite = rdata;
    if (offer != NULL && (inv_take_offer(session->inv_session, offer) != 0 ||
                          session_sdp_incoming(session, rdata, offer, 1) != 0)) {
        session_refuse_media(session);
        inv_cancel_offer(session->inv_session);
    } else {
        session_answer_invite(session, PJSIP_SC_OK);
    }
    priv->invite = NULL;
    if (inv_can_answer(session->inv_session)) { /* we could not make any answer */
        ast_sip_session_terminate(session, PJSIP_SC_INTERNAL_SERVER_ERROR);
    }
}

void session_refuse_pending(struct ast_sip_session *session)
{
    session_deferred_end(session); /* resumed behind our BYE, a re-INVITE would be accepted */
    if (inv_is_confirmed(session->inv_session) && inv_can_answer(session->inv_session)) {
        session_answer_invite(session, PJSIP_SC_REQUEST_TERMINATED);
    }
}

/* ---- UPDATE and PRACK: a 200, with our answer when there was an offer ---- */

static int accept_request(struct ast_sip_session *session, pjsip_transaction *tsx,
                          pjsip_rx_data *rdata)
{
    const pjmedia_sdp_session *offer = session_sdp_of(rdata);
    pjsip_dialog *dlg = session->priv->dlg;
    pjsip_tx_data *tdata;

    if (pjsip_dlg_create_response(dlg, rdata, PJSIP_SC_OK, NULL, &tdata) != PJ_SUCCESS) {
        return PJSIP_SC_INTERNAL_SERVER_ERROR;
    }
    if (offer != NULL) {
        if (session_answer_offer(session, rdata, offer, tdata) != 0) {
            pjsip_tx_data_dec_ref(tdata);
            return PJSIP_SC_NOT_ACCEPTABLE_HERE;
        }
        session_sdp_set_body(session, tdata);
    }
    if (pjsip_dlg_send_response(dlg, tsx, tdata) != PJ_SUCCESS) {
        ast_warning_limited("Session %s: a response could not be sent", dlg->obj_name);
    }
    return 0;
}

void session_on_update(struct ast_sip_session *session, pjsip_transaction *tsx,
                       pjsip_rx_data *rdata)
{
    int code = verdict_on(session, 0, rdata);

    if (code == 0) {
        code = accept_request(session, tsx, rdata);
    }
    if (code != 0) {
        session_refuse_request(session, code, rdata);
    }
}

/* RFC 3262 7.2: response-num, CSeq-num, method; all three must be those that were sent last. */
static int rack_matches(const struct ast_sip_session_private *priv, const pjsip_msg *msg)
{
    const pj_str_t name = {(char *)"RAck", 4};
    const pjsip_generic_string_hdr *hdr = pjsip_msg_find_hdr_by_name(msg, &name, NULL);
    unsigned rseq;
    unsigned cseq;
    char method[8];
    char text[48];

    if (priv->rseq == 0 || hdr == NULL || hdr->hvalue.slen >= (pj_ssize_t)sizeof(text)) {
        return 0;
    }
    base_copy_text(text, sizeof(text), hdr->hvalue.ptr, (size_t)hdr->hvalue.slen);
    return sscanf(text, "%10u %10u %7s", &rseq, &cseq, method) == 3 && rseq == priv->rseq &&
           (pj_int32_t)cseq == priv->rseq_cseq && pj_ansi_strcmp(method, "INVITE") == 0;
}

void session_note_reliable(struct ast_sip_session *session, const pjsip_msg *msg)
{
    const pj_str_t name = {(char *)"RSeq", 4};
    const pjsip_generic_string_hdr *rseq = pjsip_msg_find_hdr_by_name(msg, &name, NULL);
    const pjsip_cseq_hdr *cseq = pjsip_msg_find_hdr(msg, PJSIP_H_CSEQ, NULL);

    if (rseq != NULL && cseq != NULL) {
        session->priv->rseq = (pj_uint32_t)pj_strtoul(&rseq->hvalue);
        session->priv->rseq_cseq = cseq->cseq;
    }
}

/* The SDP of a PRACK: the answer to our offer in the response, or a new offer (RFC 3262 5). */
static int take_prack(struct ast_sip_session *session, pjsip_transaction *tsx, pjsip_rx_data *rdata)
{
    const pjmedia_sdp_session *remote = session_sdp_of(rdata);
    struct session_sdp *sdp = &session->priv->sdp;

    if (session_has_foreign_body(rdata)) {
        return PJSIP_SC_UNSUPPORTED_MEDIA_TYPE;
    }
    if (sdp->offer_in == SESSION_OFFER_RESPONSE) {
        if (remote == NULL) {
            session_offer_failed(session);
            sdp->bad_answer = 1;
        } else {
            session_take_answer(session, rdata, remote);
        }
        rdata->msg_info.msg->body = NULL;
    } else if (remote != NULL && !inv_offer_is_possible(session->inv_session)) {
        return PJSIP_SC_REQUEST_PENDING;
    }
    return accept_request(session, tsx, rdata);
}

void session_on_prack(struct ast_sip_session *session, pjsip_transaction *tsx, pjsip_rx_data *rdata)
{
    int code;

    if (!rack_matches(session->priv, rdata->msg_info.msg)) {
        session_refuse_request(session, PJSIP_SC_CALL_TSX_DOES_NOT_EXIST, rdata);
        return;
    }
    session->priv->rseq = 0;
    code = take_prack(session, tsx, rdata);
    if (code != 0) {
        session_refuse_request(session, code, rdata);
    }
    if (session->priv->state == AST_SIP_SESSION_STATE_ENDED) { /* by a handler */
        return;
    }
    /* Whatever became of its offer, the response was received: the next one may leave. */
    inv_on_prack(session->inv_session, rdata);
    if (session->priv->sdp.bad_answer) {
        ast_sip_session_terminate(session, PJSIP_SC_NOT_ACCEPTABLE_HERE);
    }
}
