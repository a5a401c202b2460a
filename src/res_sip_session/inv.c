/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the glue to PJSIP's invite session. No other file reads or writes the members of
 * pjsip_inv_session; PJSIP's status codes end here.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

static void log_failure(const char *what, pj_status_t status)
{
    char text[PJ_ERR_MSG_SIZE];

    pj_strerror(status, text, sizeof(text));
    ast_warning("Cannot %s: %s", what, text);
}

/* PJSIP's states to ours; ended is told by session_ended alone. */
static void on_state_changed(pjsip_inv_session *inv, pjsip_event *event)
{
    struct ast_sip_session *session = session_of_dialog(inv->dlg);

    (void)event;
    if (session == NULL) {
        return;
    }
    ast_sip_session_ref(session);
    switch (inv->state) {
    case PJSIP_INV_STATE_CALLING:
        session_set_state(session, AST_SIP_SESSION_STATE_CALLING);
        break;
    case PJSIP_INV_STATE_INCOMING:
        session_set_state(session, AST_SIP_SESSION_STATE_INCOMING);
        break;
    case PJSIP_INV_STATE_EARLY:
        session_set_state(session, AST_SIP_SESSION_STATE_EARLY);
        break;
    case PJSIP_INV_STATE_CONNECTING:
        session_set_state(session, AST_SIP_SESSION_STATE_CONNECTING);
        break;
    case PJSIP_INV_STATE_CONFIRMED:
        session_forget_answer(session);
        session_set_state(session, AST_SIP_SESSION_STATE_CONFIRMED);
        session_hook_confirmed(session);
        /*
         * No answer to our offer, or a bad one; or it crossed our CANCEL. What is confirmed is
         * ended with BYE (RFC 3261 13.2.1, 15).
         */
        if (!session->priv->sdp.agreed || session->priv->sdp.bad_answer || session->priv->ending) {
            ast_sip_session_terminate(session, PJSIP_SC_NOT_ACCEPTABLE_HERE);
        }
        break;
    case PJSIP_INV_STATE_DISCONNECTED:
        session_ended(session, inv->cause);
        break;
    default:
        break;
    }
    if (session->priv->ending) {
        session_set_state(session, AST_SIP_SESSION_STATE_ENDING);
    }
    ast_sip_session_unref(session);
}

/* A fork of ours; PJSIP makes the inv session itself, and its messages go on in the session that we
 * have. */
static void on_new_session(pjsip_inv_session *inv, pjsip_event *event)
{
    (void)inv;
    (void)event;
}

static void on_media_update(pjsip_inv_session *inv, pj_status_t status)
{
    struct ast_sip_session *session = session_of_dialog(inv->dlg);
    const pjmedia_sdp_session *local;
    const pjmedia_sdp_session *remote;

    if (session == NULL) {
        return;
    }
    if (status == PJ_SUCCESS && !session->priv->sdp.bad_answer &&
        pjmedia_sdp_neg_get_active_local(inv->neg, &local) == PJ_SUCCESS &&
        pjmedia_sdp_neg_get_active_remote(inv->neg, &remote) == PJ_SUCCESS) {
        session->priv->sdp.agreed = 1;
        session_sdp_agreed(session, local, remote);
        return;
    }
    if (status != PJ_SUCCESS) {
        log_failure("agree on media", status);
        session->priv->sdp.bad_answer = !inv_can_answer(inv);
    }
    session_sdp_rollback(session);
}

/*
 * The peer offers, in a re-INVITE (which on_rx_reinvite answers) or in an UPDATE or PRACK (which
 * PJSIP answers at once, with 488 when we set no answer here).
 */
static void on_rx_offer(pjsip_inv_session *inv, struct pjsip_inv_on_rx_offer_cb_param *param)
{
    struct ast_sip_session *session = session_of_dialog(inv->dlg);
    pjsip_rx_data *rdata = (pjsip_rx_data *)param->rdata; /* const in this struct of PJSIP alone */
    const pjsip_msg *msg = rdata->msg_info.msg;
    pjmedia_sdp_session *answer;
    pjsip_tx_data *scratch;

    if (session == NULL || msg->type != PJSIP_REQUEST_MSG ||
        msg->line.req.method.id == PJSIP_INVITE_METHOD ||
        session_sdp_incoming(session, rdata, param->offer, 1) != 0) {
        return;
    }
    /* A handler of whole SDPs writes into a message; PJSIP makes the real one later, session_on_tx
     * puts our SDP there. */
    if (pjsip_endpt_create_response(inv->dlg->endpt, rdata, PJSIP_SC_OK, NULL, &scratch) !=
        PJ_SUCCESS) {
        session_sdp_rollback(session);
        return;
    }
    if (session_sdp_outgoing(session, scratch, param->offer, &answer) != 0 ||
        pjsip_inv_set_sdp_answer(inv, answer) != PJ_SUCCESS) {
        session_sdp_rollback(session);
    }
    pjsip_tx_data_dec_ref(scratch);
}

static pj_status_t on_rx_reinvite(pjsip_inv_session *inv, const pjmedia_sdp_session *offer,
                                  pjsip_rx_data *rdata)
{
    struct ast_sip_session *session = session_of_dialog(inv->dlg);

    if (session == NULL) {
        return PJ_EINVALIDOP;
    }
    session_on_reinvite(session, offer, rdata);
    return PJ_SUCCESS; /* we answered */
}

int inv_start(pjsip_endpoint *endpt)
{
    static const pjsip_inv_callback callbacks = {
        .on_state_changed = on_state_changed,
        .on_new_session = on_new_session,
        .on_rx_offer2 = on_rx_offer,
        .on_rx_reinvite = on_rx_reinvite,
        .on_media_update = on_media_update,
    };
    pj_status_t status = pjsip_inv_usage_init(endpt, &callbacks);

    if (status == PJ_SUCCESS) {
        status = pjsip_100rel_init_module(endpt);
    }
    if (status != PJ_SUCCESS) {
        log_failure("start PJSIP's invite sessions", status);
        return -1;
    }
    return 0;
}

unsigned inv_options(const struct ast_sip_endpoint *endpoint)
{
    switch (endpoint->rel100) {
    case AST_SIP_100REL_NO:
        return 0;
    case AST_SIP_100REL_REQUIRED:
        return PJSIP_INV_REQUIRE_100REL;
    default:
        return PJSIP_INV_SUPPORT_100REL;
    }
}

static pjmedia_sdp_neg_state neg_state(const pjsip_inv_session *inv)
{
    return inv->neg != NULL ? pjmedia_sdp_neg_get_state(inv->neg) : PJMEDIA_SDP_NEG_STATE_NULL;
}

const pjmedia_sdp_session *inv_pending_offer(const pjsip_inv_session *inv)
{
    const pjmedia_sdp_session *offer = NULL;

    if (neg_state(inv) == PJMEDIA_SDP_NEG_STATE_REMOTE_OFFER) {
        pjmedia_sdp_neg_get_neg_remote(inv->neg, &offer);
    }
    return offer;
}

int inv_has_local_offer(const pjsip_inv_session *inv)
{
    return neg_state(inv) == PJMEDIA_SDP_NEG_STATE_LOCAL_OFFER;
}

int inv_can_answer(const pjsip_inv_session *inv)
{
    return inv->invite_tsx != NULL && inv->invite_tsx->role == PJSIP_ROLE_UAS &&
           inv->invite_tsx->status_code < 200 && inv->state != PJSIP_INV_STATE_DISCONNECTED;
}

int inv_has_taken(const pjsip_inv_session *inv, const pjsip_transaction *tsx)
{
    return inv->invite_tsx != NULL && inv->invite_tsx == tsx;
}

int inv_awaits_ack(const pjsip_inv_session *inv, pj_int32_t cseq)
{
    return inv->invite_tsx != NULL && inv->invite_tsx->role == PJSIP_ROLE_UAS &&
           inv->invite_tsx->status_code / 100 == 2 && inv->invite_tsx->cseq == cseq;
}

int inv_can_reinvite(const pjsip_inv_session *inv)
{
    return inv->state == PJSIP_INV_STATE_CONFIRMED && inv->invite_tsx == NULL &&
           neg_state(inv) == PJMEDIA_SDP_NEG_STATE_DONE;
}

int inv_is_reliable(const pjsip_inv_session *inv)
{
    return (inv->options & PJSIP_INV_REQUIRE_100REL) != 0;
}

int inv_cannot_take(const pjsip_inv_session *inv, const pjsip_method *method)
{
    if (pjsip_method_cmp(method, pjsip_get_prack_method()) == 0) {
        return !inv_is_reliable(inv);
    }
    return session_is_update(method) && inv->neg == NULL;
}

int inv_make_answer(pjsip_inv_session *inv, pjsip_rx_data *rdata, pjsip_tx_data *base, int code,
                    const pjmedia_sdp_session *sdp, pjsip_tx_data **tdata)
{
    pjsip_tx_data *made;
    pj_status_t status;

    if (base == NULL) {
        status = pjsip_inv_initial_answer(inv, rdata, code, NULL, sdp, &made);
    } else {
        /* PJSIP clones its last answer; ours is to be cloned, which no hook has touched. */
        pjsip_tx_data_add_ref(base);
        if (inv->last_answer != NULL) {
            pjsip_tx_data_dec_ref(inv->last_answer);
        }
        inv->last_answer = base;
        status = pjsip_inv_answer(inv, code, NULL, sdp, &made);
    }
    if (status != PJ_SUCCESS) {
        log_failure("make a response", status);
        return -1;
    }
    *tdata = made;
    return 0;
}

int inv_make_invite(pjsip_inv_session *inv, pjsip_tx_data **tdata)
{
    pjsip_tx_data *made;
    pj_status_t status;

    status = inv->state == PJSIP_INV_STATE_NULL ? pjsip_inv_invite(inv, &made)
                                                : pjsip_inv_reinvite(inv, NULL, NULL, &made);
    if (status != PJ_SUCCESS) {
        log_failure("make an INVITE", status);
        return -1;
    }
    *tdata = made;
    return 0;
}

void inv_drop(pjsip_inv_session *inv, int code)
{
    pjsip_inv_terminate(inv, code, PJ_TRUE);
}

int inv_end(pjsip_inv_session *inv, int code)
{
    pjsip_tx_data *tdata = NULL;
    pj_status_t status;

    if (inv->state == PJSIP_INV_STATE_NULL && inv->invite_tsx == NULL) {
        inv_drop(inv, code);
        return 0;
    }
    if (inv_was_refused(inv)) { /* a hook hung up when it heard of that: PJSIP ends it next */
        inv->cancelling = PJ_TRUE;
        return 0;
    }
    status = pjsip_inv_end_session(inv, code, NULL, &tdata);
    if (status == PJ_SUCCESS &&
        tdata != NULL) { /* NULL: CANCEL waits for a provisional response (RFC 3261 9.1) */
        status = pjsip_inv_send_msg(inv, tdata);
    }
    if (status != PJ_SUCCESS) {
        log_failure("end a session", status);
        return -1;
    }
    return 0;
}

int inv_set_offer(pjsip_inv_session *inv, const pjmedia_sdp_session *sdp)
{
    pj_status_t status = pjsip_inv_set_local_sdp(inv, sdp);

    if (status != PJ_SUCCESS) {
        log_failure("make an offer", status);
        return -1;
    }
    return 0;
}

int inv_send(pjsip_inv_session *inv, pjsip_tx_data *tdata)
{
    pj_status_t status = pjsip_inv_send_msg(inv, tdata);

    if (status != PJ_SUCCESS) {
        log_failure("send a message of a session", status);
        return -1;
    }
    return 0;
}
