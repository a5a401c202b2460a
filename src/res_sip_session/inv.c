/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the glue to PJSIP's invite session: its states and its messages. This file,
 * inv_offer.c (the negotiator) and inv_uac.c (an INVITE that is sent again) alone read or write the
 * members of pjsip_inv_session; PJSIP's status codes end here.
 *
 * PJSIP's invite session runs the transaction of the INVITE, CANCEL and BYE. It is shown no SDP and
 * no request that changes a session (exchange.c, modify.c see to those), so that it answers nothing
 * by itself.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

void inv_log_failure(const char *what, pj_status_t status)
{
    char text[PJ_ERR_MSG_SIZE];

    pj_strerror(status, text, sizeof(text));
    ast_warning_limited("Cannot %s: %s", what, text);
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
        if (!session->priv->sdp.agreed || session->priv->sdp.bad_answer ||
            (session->priv->ending && inv->pending_bye == NULL)) {
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

int inv_start(pjsip_endpoint *endpt)
{
    static const pjsip_inv_callback callbacks = {
        .on_state_changed = on_state_changed,
        .on_new_session = on_new_session,
    };
    pj_status_t status = pjsip_inv_usage_init(endpt, &callbacks);

    if (status == PJ_SUCCESS) {
        status = pjsip_100rel_init_module(endpt);
    }
    if (status != PJ_SUCCESS) {
        inv_log_failure("start PJSIP's invite sessions", status);
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

unsigned inv_wishes(const struct ast_sip_endpoint *endpoint, const pjsip_rx_data *rdata)
{
    const pjsip_supported_hdr *supported = rdata->msg_info.supported;

    if (endpoint->rel100 == AST_SIP_100REL_PEER_SUPPORTED && supported != NULL) {
        for (unsigned i = 0; i < supported->count; ++i) {
            if (pj_stricmp2(&supported->values[i], "100rel") == 0) {
                return PJSIP_INV_REQUIRE_100REL;
            }
        }
    }
    return 0;
}

int inv_can_answer(const pjsip_inv_session *inv)
{
    return inv->invite_tsx != NULL && inv->invite_tsx->role == PJSIP_ROLE_UAS &&
           inv->invite_tsx->status_code < 200 && inv->state != PJSIP_INV_STATE_DISCONNECTED;
}

int inv_has_our_invite(const pjsip_inv_session *inv)
{
    return inv->invite_tsx != NULL && inv->invite_tsx->role == PJSIP_ROLE_UAC &&
           inv->invite_tsx->status_code < 200;
}

int inv_has_unacked(const pjsip_inv_session *inv)
{
    return inv->invite_tsx != NULL && inv->invite_tsx->role == PJSIP_ROLE_UAS &&
           inv->invite_tsx->status_code / 100 == 2;
}

int inv_is_confirmed(const pjsip_inv_session *inv)
{
    return inv->state == PJSIP_INV_STATE_CONFIRMED;
}

int inv_has_early_dialog(const pjsip_inv_session *inv)
{
    return inv->dlg->state == PJSIP_DIALOG_STATE_ESTABLISHED &&
           (inv->state == PJSIP_INV_STATE_EARLY || inv->state == PJSIP_INV_STATE_CONNECTING);
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

int inv_is_reliable(const pjsip_inv_session *inv)
{
    return (inv->options & PJSIP_INV_REQUIRE_100REL) != 0;
}

int inv_make_answer(pjsip_inv_session *inv, pjsip_rx_data *rdata, pjsip_tx_data *base, int code,
                    pjsip_tx_data **tdata)
{
    pjsip_tx_data *made;
    pj_status_t status;

    /* PJSIP clones its last answer; ours is to be cloned, which no hook has touched. */
    if (base != NULL) {
        pjsip_tx_data_add_ref(base);
    }
    if (inv->last_answer != NULL) {
        pjsip_tx_data_dec_ref(inv->last_answer);
    }
    inv->last_answer = base;
    status = base == NULL ? pjsip_inv_initial_answer(inv, rdata, code, NULL, NULL, &made)
                          : pjsip_inv_answer(inv, code, NULL, NULL, &made);
    if (status != PJ_SUCCESS) {
        inv_log_failure("make a response", status);
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
        inv_log_failure("make an INVITE", status);
        return -1;
    }
    *tdata = made;
    return 0;
}

int inv_make_update(pjsip_inv_session *inv, pjsip_tx_data **tdata)
{
    pjsip_tx_data *made;
    pj_status_t status = pjsip_inv_update(inv, NULL, NULL, &made);

    if (status != PJ_SUCCESS) {
        inv_log_failure("make an UPDATE", status);
        return -1;
    }
    *tdata = made;
    return 0;
}

int inv_cancel_reinvite(pjsip_inv_session *inv)
{
    pjsip_tx_data *tdata = NULL;
    pj_status_t status;

    if (inv->state != PJSIP_INV_STATE_CONFIRMED || !inv_has_our_invite(inv)) {
        return -1;
    }
    status = pjsip_inv_cancel_reinvite(inv, &tdata);
    if (status == PJ_SUCCESS && tdata != NULL) { /* NULL: after the first provisional response */
        status = pjsip_inv_send_msg(inv, tdata);
    }
    if (status != PJ_SUCCESS) {
        inv_log_failure("cancel a re-INVITE", status);
        return -1;
    }
    return 0;
}

void inv_take_reinvite(pjsip_inv_session *inv, pjsip_transaction *tsx)
{
    inv->invite_tsx = tsx;
    if (inv->last_answer != NULL) {
        pjsip_tx_data_dec_ref(inv->last_answer);
        inv->last_answer = NULL;
    }
    if (inv->state == PJSIP_INV_STATE_CONNECTING) {
        /* The peer has our 2xx, or it could not send this (RFC 5407 3.1.4). */
        inv->state = PJSIP_INV_STATE_CONFIRMED;
        on_state_changed(inv, NULL);
    }
}

pjsip_transaction *inv_invite_tsx(const pjsip_inv_session *inv)
{
    return inv->invite_tsx;
}

int inv_knows_no_sdp(const pjsip_inv_session *inv)
{
    return inv->neg == NULL;
}

void inv_hide(pjsip_dialog *dlg, struct ast_sip_session *session)
{
    session->priv->hidden = 1;
    dlg->mod_data[pjsip_inv_usage_instance()->id] = NULL;
}

void inv_show(pjsip_dialog *dlg, struct ast_sip_session *session)
{
    if (session->priv->hidden) {
        session->priv->hidden = 0;
        dlg->mod_data[pjsip_inv_usage_instance()->id] = session->inv_session;
    }
}

int inv_on_prack(pjsip_inv_session *inv, pjsip_rx_data *rdata)
{
    return pjsip_100rel_on_rx_prack(inv, rdata) == PJ_SUCCESS ? 0 : -1;
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
        inv_log_failure("end a session", status);
        return -1;
    }
    return 0;
}

int inv_send(pjsip_inv_session *inv, pjsip_tx_data *tdata)
{
    pj_status_t status = pjsip_inv_send_msg(inv, tdata);

    if (status != PJ_SUCCESS) {
        inv_log_failure("send a message of a session", status);
        return -1;
    }
    return 0;
}
