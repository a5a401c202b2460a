/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: responses. The answer to an INVITE takes the SDP handlers' SDP along where it
 * needs one; every other request is answered at once from its rdata.
 */
#include <pj/rand.h>
#include <sipsession/log.h>

#include "res_sip_session/session.h"

void session_forget_answer(struct ast_sip_session *session)
{
    if (session->priv->base_answer != NULL) {
        pjsip_tx_data_dec_ref(session->priv->base_answer);
        session->priv->base_answer = NULL;
    }
}

/*
 * Makes the answer that is never sent (see session.h), while the INVITE is on the stack. PJSIP
 * keeps a reference of its own as its last answer.
 */
static int make_base(struct ast_sip_session *session)
{
    if (session->priv->base_answer != NULL) {
        return 0;
    }
    if (session->priv->invite == NULL) {
        ast_error_limited("No INVITE is pending in session %s", session->priv->dlg->obj_name);
        return -1;
    }
    return inv_make_answer(session->inv_session, session->priv->invite, NULL, PJSIP_SC_TRYING,
                           &session->priv->base_answer);
}

/*
 * 1 when a response carries SDP: 2xx, and 183 with the answer to an offer. An unreliable
 * provisional response never carries an offer; the first reliable one must, when the INVITE had
 * none (RFC 3262 5). What a reliable one has said is not said again (RFC 6337 3.1.1).
 */
static int needs_sdp(const struct ast_sip_session *session, int code)
{
    int reliable = inv_is_reliable(session->inv_session);

    if (session->priv->sdp_made && reliable) {
        return 0;
    }
    if (code / 100 == 2) {
        return 1;
    }
    if (session->priv->sdp_made || inv_pending_offer(session->inv_session) != NULL) {
        return code == PJSIP_SC_PROGRESS;
    }
    return reliable && code > PJSIP_SC_TRYING && code < 200;
}

/* Why the offer, or our own, comes to nothing: Warning of a 488 (RFC 3261 13.3.1.3), or when a 503
 * may be asked again (21.5.4). */
static void add_reason(struct ast_sip_session *session, pjsip_tx_data *tdata, int code)
{
    const pjmedia_sdp_session *offer = inv_pending_offer(session->inv_session);
    int warning = offer != NULL ? session_sdp_warning(offer) : 304;
    const pj_str_t host = *pjsip_endpt_name(ast_sip_get_pjsip_endpoint());
    pj_str_t text =
        pj_str(warning == 304 ? "Media type not available" : "Incompatible media format");

    if (code == PJSIP_SC_SERVICE_UNAVAILABLE) {
        pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)pjsip_retry_after_hdr_create(
                                          tdata->pool, (int)sip_overload_retry_after()));
    } else {
        pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)pjsip_warning_hdr_create(tdata->pool, warning,
                                                                            &host, &text));
    }
}

void session_refuse_media(struct ast_sip_session *session)
{
    int code =
        session->priv->sdp.no_room ? PJSIP_SC_SERVICE_UNAVAILABLE : PJSIP_SC_NOT_ACCEPTABLE_HERE;
    pjsip_tx_data *tdata;

    if (!inv_can_answer(session->inv_session)) {
        return; /* a handler has ended the session */
    }
    if (make_base(session) != 0 || inv_make_answer(session->inv_session, NULL,
                                                   session->priv->base_answer, code, &tdata) != 0) {
        ast_sip_session_terminate(session, code);
        return;
    }
    add_reason(session, tdata, code);
    session->priv->response_code = code;
    inv_send(session->inv_session, tdata);
}

/*
 * Our SDP for a response: the answer to the peer's offer, and with it the exchange is complete; or
 * our own offer. draft: what a handler of whole SDPs writes into.
 */
static int make_sdp(struct ast_sip_session *session, pjsip_tx_data *draft)
{
    pjsip_inv_session *inv = session->inv_session;
    const pjmedia_sdp_session *offer = inv_pending_offer(inv);
    pjmedia_sdp_session *sdp;
    int result;

    session->priv->sdp.making_response = offer == NULL;
    result = session_sdp_outgoing(session, draft, offer, &sdp);
    session->priv->sdp.making_response = 0;
    if (result != 0) {
        return -1;
    }
    if (offer != NULL) {
        return inv_set_answer(session, sdp);
    }
    if (inv_set_offer(inv, sdp) != 0) {
        return -1;
    }
    session->priv->sdp.offer_in = SESSION_OFFER_RESPONSE;
    return 0;
}

static int make_response(struct ast_sip_session *session, int code, pjsip_tx_data **tdata)
{
    struct ast_sip_session_private *priv = session->priv;
    int with_sdp = needs_sdp(session, code);
    pjsip_tx_data *made;

    /* A 2xx while the INVITE is here needs no copy for later answers. */
    if (priv->base_answer == NULL && priv->invite != NULL && code / 100 == 2) {
        if (inv_make_answer(session->inv_session, priv->invite, NULL, code, &made) != 0) {
            return -1;
        }
    } else if (make_base(session) != 0 ||
               inv_make_answer(session->inv_session, NULL, priv->base_answer, code, &made) != 0) {
        return -1;
    }
    if (with_sdp && !priv->sdp_made) {
        if (make_sdp(session, made) != 0) {
            pjsip_tx_data_dec_ref(made);
            return -1;
        }
        priv->sdp_made = 1;
    }
    if (with_sdp) {
        session_sdp_set_body(session, made);
    }
    *tdata = made;
    return 0;
}

int session_answer_invite(struct ast_sip_session *session, int code)
{
    struct ast_sip_session_private *priv = session->priv;
    pjsip_tx_data *tdata;
    int result;

    if (priv->state == AST_SIP_SESSION_STATE_ENDED || !inv_can_answer(session->inv_session)) {
        ast_warning_limited("Session %s has no INVITE to answer with %d", priv->dlg->obj_name,
                            code);
        return -1;
    }
    ast_sip_session_ref(session);
    result = make_response(session, code, &tdata);
    if (result == 0 && !inv_can_answer(session->inv_session)) { /* a handler has answered it */
        pjsip_tx_data_dec_ref(tdata);
        result = -1;
    } else if (result == 0) {
        priv->response_code = code;
        result = inv_send(session->inv_session, tdata);
    } else if (code / 100 == 2 && inv_can_answer(session->inv_session)) {
        session_sdp_rollback(session);
        session_refuse_media(session);
        inv_cancel_offer(session->inv_session);
    }
    ast_sip_session_unref(session);
    return result;
}

void session_answer_trying(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;

    if (priv->state == AST_SIP_SESSION_STATE_ENDED || !inv_can_answer(session->inv_session)) {
        return;
    }
    if (priv->response_code == 0) {
        session_answer_invite(session, PJSIP_SC_TRYING);
    } else {
        make_base(session);
    }
}

int session_is_answered(const struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    const pjsip_transaction *tsx = pjsip_rdata_get_tsx(rdata);

    return session->priv->state == AST_SIP_SESSION_STATE_ENDED ||
           (tsx != NULL && tsx->status_code >= 200);
}

/* RFC 3261 8.2.1, 11.2: what we can do goes with 405, and with the answer to OPTIONS. */
static void add_capabilities(pjsip_tx_data *tdata, pjsip_rx_data *rdata)
{
    static const pjsip_hdr_e types[] = {PJSIP_H_ALLOW, PJSIP_H_SUPPORTED, PJSIP_H_ACCEPT};
    int code = tdata->msg->line.status.code;
    int options =
        rdata->msg_info.msg->line.req.method.id == PJSIP_OPTIONS_METHOD && code == PJSIP_SC_OK;

    for (unsigned i = 0; i < PJ_ARRAY_SIZE(types); ++i) {
        const pjsip_hdr *hdr =
            pjsip_endpt_get_capability(ast_sip_get_pjsip_endpoint(), types[i], NULL);

        if (hdr != NULL &&
            (options || (code == PJSIP_SC_METHOD_NOT_ALLOWED && types[i] == PJSIP_H_ALLOW)) &&
            pjsip_msg_find_hdr(tdata->msg, types[i], NULL) == NULL) {
            pjsip_msg_add_hdr(tdata->msg, pjsip_hdr_shallow_clone(tdata->pool, hdr));
        }
    }
}

/* Any request but an INVITE that PJSIP's invite session has taken. */
static int answer_request(struct ast_sip_session *session, int code, pjsip_rx_data *rdata)
{
    pjsip_transaction *tsx = pjsip_rdata_get_tsx(rdata);
    pjsip_tx_data *tdata;

    if (tsx == NULL || tsx->role != PJSIP_ROLE_UAS || tsx->status_code >= 200 ||
        pjsip_tsx_get_dlg(tsx) != session->priv->dlg) {
        ast_warning_limited("The request is no longer to be answered with %d", code);
        return -1;
    }
    if (pjsip_dlg_create_response(session->priv->dlg, rdata, code, NULL, &tdata) != PJ_SUCCESS) {
        ast_warning_limited("Cannot make the response %d", code);
        return -1;
    }
    add_capabilities(tdata, rdata);
    if (pjsip_dlg_send_response(session->priv->dlg, tsx, tdata) != PJ_SUCCESS) {
        ast_warning_limited("Cannot send the response %d", code);
        return -1;
    }
    return 0;
}

/* RFC 3261 8.2.3, 14.2, 20.43 */
static void add_explanation(pjsip_tx_data *tdata, int code)
{
    const pj_str_t *host = pjsip_endpt_name(ast_sip_get_pjsip_endpoint());
    const pj_str_t text = {(char *)"Incompatible media format", 25};
    const pjsip_hdr *accept;

    if (code == PJSIP_SC_INTERNAL_SERVER_ERROR) {
        pjsip_msg_add_hdr(tdata->msg,
                          (pjsip_hdr *)pjsip_retry_after_hdr_create(tdata->pool, pj_rand() % 11));
    } else if (code == PJSIP_SC_UNSUPPORTED_MEDIA_TYPE) {
        accept = pjsip_endpt_get_capability(ast_sip_get_pjsip_endpoint(), PJSIP_H_ACCEPT, NULL);
        if (accept != NULL) {
            pjsip_msg_add_hdr(tdata->msg, pjsip_hdr_shallow_clone(tdata->pool, accept));
        }
    } else if (code == PJSIP_SC_NOT_ACCEPTABLE_HERE) {
        pjsip_msg_add_hdr(tdata->msg,
                          (pjsip_hdr *)pjsip_warning_hdr_create(tdata->pool, 305, host, &text));
    }
}

void session_refuse_request(struct ast_sip_session *session, int code, pjsip_rx_data *rdata)
{
    pjsip_transaction *tsx = pjsip_rdata_get_tsx(rdata);
    pjsip_tx_data *tdata;

    if (tsx == NULL || tsx->status_code >= 200 ||
        pjsip_dlg_create_response(session->priv->dlg, rdata, code, NULL, &tdata) != PJ_SUCCESS) {
        ast_warning_limited("Cannot make the response %d", code);
        return;
    }
    add_explanation(tdata, code);
    if (pjsip_dlg_send_response(session->priv->dlg, tsx, tdata) != PJ_SUCCESS) {
        ast_warning_limited("Cannot send the response %d", code);
    }
}

int ast_sip_session_send_response(struct ast_sip_session *session, int response_code,
                                  struct pjsip_rx_data *rdata)
{
    base_assert_sip_thread();
    if (session == NULL || response_code < 100 || response_code > 699) {
        ast_error_limited("A response code is between 100 and 699, not %d", response_code);
        return -1;
    }
    if (rdata != NULL && (rdata->msg_info.cseq->method.id != PJSIP_INVITE_METHOD ||
                          !inv_has_taken(session->inv_session, pjsip_rdata_get_tsx(rdata)))) {
        /* A re-INVITE that the hooks still look at can be refused; its media is not agreed yet. */
        if (rdata->msg_info.cseq->method.id == PJSIP_INVITE_METHOD && response_code / 100 == 2) {
            ast_error_limited(
                "The core itself accepts a re-INVITE, when no extension has refused it");
            return -1;
        }
        return answer_request(session, response_code, rdata);
    }
    return session_answer_invite(session, response_code);
}
