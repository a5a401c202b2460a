/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: how PJSIP reaches us. Two PJSIP modules: the service gets INVITEs outside of
 * dialogs and sees everything that leaves; the dialog usage gets what comes in our dialogs, before
 * PJSIP's own invite usage does.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

static pj_bool_t service_on_rx_request(pjsip_rx_data *rdata)
{
    if (rdata->msg_info.msg->line.req.method.id != PJSIP_INVITE_METHOD ||
        pjsip_rdata_get_dlg(rdata) != NULL) {
        return PJ_FALSE;
    }
    session_on_new_invite(rdata);
    return PJ_TRUE;
}

/* PJSIP's 100rel sends copies of its own, which do not know their dialog. */
static pjsip_dialog *dialog_of(pjsip_tx_data *tdata)
{
    const pjsip_msg *msg = tdata->msg;
    pjsip_dialog *dlg = pjsip_tdata_get_dlg(tdata);
    const pjsip_fromto_hdr *from, *to;
    const pjsip_cid_hdr *call_id;
    const pjsip_cseq_hdr *cseq;

    if (dlg != NULL || msg->type != PJSIP_RESPONSE_MSG || msg->line.status.code <= 100) {
        return dlg;
    }
    cseq = pjsip_msg_find_hdr(msg, PJSIP_H_CSEQ, NULL);
    if (cseq == NULL || cseq->method.id != PJSIP_INVITE_METHOD) {
        return NULL;
    }
    from = pjsip_msg_find_hdr(msg, PJSIP_H_FROM, NULL);
    to = pjsip_msg_find_hdr(msg, PJSIP_H_TO, NULL);
    call_id = pjsip_msg_find_hdr(msg, PJSIP_H_CALL_ID, NULL);
    return from != NULL && to != NULL && call_id != NULL
               ? pjsip_ua_find_dialog(&call_id->id, &to->tag, &from->tag, PJ_FALSE)
               : NULL;
}

static pj_status_t service_on_tx(pjsip_tx_data *tdata)
{
    struct ast_sip_session *session = session_of_dialog(dialog_of(tdata));

    if (session != NULL) {
        if (tdata->msg->type == PJSIP_REQUEST_MSG &&
            tdata->msg->line.req.method.id == PJSIP_ACK_METHOD) {
            inv_add_credentials(session->inv_session, tdata);
        }
        session_on_tx(session, tdata);
    }
    return PJ_SUCCESS;
}

static pjsip_module service = {
    .name = {(char *)"mod-session", 11},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    .on_rx_request = service_on_rx_request,
    .on_tx_request = service_on_tx,
    .on_tx_response = service_on_tx,
};

/*
 * Returns PJ_TRUE for what will be answered here, now or when it is resumed: else the dialog would
 * answer 500 itself.
 */
static pj_bool_t usage_on_rx_request(pjsip_rx_data *rdata)
{
    pjsip_dialog *dlg = pjsip_rdata_get_dlg(rdata);
    struct ast_sip_session *session = session_of_dialog(dlg);
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;

    if (session == NULL) {
        return dlg != NULL && session_is_prack(method); /* usage_on_tsx_state answers */
    }
    if (method->id == PJSIP_ACK_METHOD) {
        session_on_ack(session, rdata);
    }
    return method->id == PJSIP_OPTIONS_METHOD || method->id == PJSIP_OTHER_METHOD;
}

static pj_bool_t usage_on_rx_response(pjsip_rx_data *rdata)
{
    struct ast_sip_session *session = session_of_dialog(pjsip_rdata_get_dlg(rdata));

    /* A 2xx that comes again has no transaction any more; PJSIP sends the ACK again (RFC
     * 3261 13.2.2.4). */
    if (session != NULL && pjsip_rdata_get_tsx(rdata) != NULL) {
        session_on_response(session, rdata);
    }
    return PJ_FALSE;
}

static int is_new_request(const pjsip_transaction *tsx, const pjsip_event *event)
{
    return tsx->role == PJSIP_ROLE_UAS && tsx->state == PJSIP_TSX_STATE_TRYING &&
           event->body.tsx_state.type == PJSIP_EVENT_RX_MSG;
}

/* An ACK of a 2xx with the branch of its INVITE: the transaction got it (RFC 3261 17.1.1.3 forbids
 * it). */
static int is_ack_within(const pjsip_transaction *tsx, const pjsip_event *event)
{
    return tsx->role == PJSIP_ROLE_UAS && tsx->state == PJSIP_TSX_STATE_CONFIRMED &&
           tsx->status_code / 100 == 2 && event->body.tsx_state.type == PJSIP_EVENT_RX_MSG &&
           event->body.tsx_state.src.rdata->msg_info.msg->type == PJSIP_REQUEST_MSG;
}

static int is_lost_ack(struct ast_sip_session *session, const pjsip_transaction *tsx)
{
    const struct ast_sip_session_private *priv = session->priv;

    if (session_forget_unacked(session, tsx)) {
        return 1;
    }
    return tsx->status_code >= 400 && priv->response_code / 100 == 2 &&
           priv->state == AST_SIP_SESSION_STATE_CONFIRMED &&
           inv_has_taken(session->inv_session, tsx);
}

/*
 * RFC 5057 5.1: a 481 or 408 to NOTIFY or SUBSCRIBE ends that subscription alone. PJSIP's invite
 * session would end with it; it leaves a transaction alone that was completed before.
 */
static void shield(const pjsip_transaction *tsx, pjsip_event *event)
{
    if ((tsx->status_code == PJSIP_SC_CALL_TSX_DOES_NOT_EXIST ||
         tsx->status_code == PJSIP_SC_REQUEST_TIMEOUT) &&
        (pj_strcmp2(&tsx->method.name, "NOTIFY") == 0 ||
         pj_strcmp2(&tsx->method.name, "SUBSCRIBE") == 0)) {
        event->body.tsx_state.prev_state = PJSIP_TSX_STATE_COMPLETED;
    }
}

/*
 * A challenge that comes when the session has ended: PJSIP would answer it with an invite session
 * whose memory is gone.
 */
static void ignore_challenge(const pjsip_transaction *tsx, const pjsip_event *event)
{
    if (tsx->role == PJSIP_ROLE_UAC && event->body.tsx_state.type == PJSIP_EVENT_RX_MSG &&
        tsx->state == PJSIP_TSX_STATE_COMPLETED &&
        (tsx->status_code == PJSIP_SC_UNAUTHORIZED ||
         tsx->status_code == PJSIP_SC_PROXY_AUTHENTICATION_REQUIRED)) {
        sip_auth_ignore(event->body.tsx_state.src.rdata);
    }
}

/* Before PJSIP's invite session. */
static void usage_on_tsx_state(pjsip_transaction *tsx, pjsip_event *event)
{
    pjsip_dialog *dlg = pjsip_tsx_get_dlg(tsx);
    struct ast_sip_session *session = session_of_dialog(dlg);

    session_await_late_answer(tsx);
    if (session == NULL) {
        /* Of a response that a refusal of the INVITE overtook (RFC 3262 3) */
        if (is_new_request(tsx, event) && session_is_prack(&tsx->method)) {
            pjsip_dlg_respond(dlg, event->body.tsx_state.src.rdata,
                              PJSIP_SC_CALL_TSX_DOES_NOT_EXIST, NULL, NULL, NULL);
        }
        ignore_challenge(tsx, event);
        return;
    }
    if (tsx->role == PJSIP_ROLE_UAC) {
        if (tsx->state == PJSIP_TSX_STATE_CALLING || tsx->state == PJSIP_TSX_STATE_TRYING) {
            session_refresh_on_start(session, tsx);
        }
        if (tsx->state >= PJSIP_TSX_STATE_COMPLETED && tsx->status_code >= 300 &&
            event->body.tsx_state.prev_state < PJSIP_TSX_STATE_COMPLETED) {
            session_try_again(session, tsx, event);
        }
        if (session_of_dialog(dlg) == NULL) { /* a hook ended it */
            ignore_challenge(tsx, event);
        }
        shield(tsx, event);
        if (session_is_update(&tsx->method) && session_of_dialog(dlg) != NULL &&
            inv_knows_no_sdp(session->inv_session)) {
            inv_hide(dlg, session); /* PJSIP takes it for certain that there was an offer */
        }
    } else if (is_new_request(tsx, event)) {
        session_on_request(session, tsx, event->body.tsx_state.src.rdata);
        if (tsx->state == PJSIP_TSX_STATE_TRYING && tsx->method.id == PJSIP_OTHER_METHOD &&
            session_of_dialog(dlg) != NULL) {
            inv_hide(dlg, session); /* it waits (deferred.c) */
        }
    } else if (is_ack_within(tsx, event)) {
        session_on_ack(session, event->body.tsx_state.src.rdata);
    } else if (tsx->state == PJSIP_TSX_STATE_TERMINATED && tsx->method.id == PJSIP_INVITE_METHOD &&
               is_lost_ack(session, tsx)) {
        session_on_lost_ack(session);
    }
}

pjsip_module session_usage = {
    .name = {(char *)"mod-session-usage", 17},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_DIALOG_USAGE - 1,
    .on_rx_request = usage_on_rx_request,
    .on_rx_response = usage_on_rx_response,
    .on_tsx_state = usage_on_tsx_state,
};

/*
 * RFC 3261 12.2.2, 15.1.2: the session is over, and nobody else in the dialog has answered. Of an
 * INVITE PJSIP's invite session would say that it sees to it, and never would: its transaction has
 * no time either.
 */
static void refuse_behind_the_end(pjsip_dialog *dlg, pjsip_transaction *tsx,
                                  const pjsip_event *event)
{
    if (is_new_request(tsx, event) && tsx->status_code < 200 &&
        tsx->method.id != PJSIP_BYE_METHOD && tsx->method.id != PJSIP_CANCEL_METHOD) {
        pjsip_dlg_respond(dlg, event->body.tsx_state.src.rdata, PJSIP_SC_CALL_TSX_DOES_NOT_EXIST,
                          NULL, NULL, NULL);
    }
}

/* Behind PJSIP's invite session, and behind other usages of the dialog. */
static void after_on_tsx_state(pjsip_transaction *tsx, pjsip_event *event)
{
    pjsip_dialog *dlg = pjsip_tsx_get_dlg(tsx);
    struct ast_sip_session *session = session_of_dialog(dlg);

    if (session == NULL) {
        ignore_challenge(tsx, event);
        refuse_behind_the_end(dlg, tsx, event);
        return;
    }
    inv_show(dlg, session);
    if (tsx->role == PJSIP_ROLE_UAC && tsx->state >= PJSIP_TSX_STATE_COMPLETED) {
        ast_sip_session_ref(session);
        session_refresh_on_final(session, tsx, event);
        if (session->priv->sdp.refused_all) {
            ast_sip_session_terminate(session, PJSIP_SC_NOT_ACCEPTABLE_HERE);
        }
        session_refresh_kick(session);
        ast_sip_session_unref(session);
    }
}

pjsip_module session_after_usage = {
    .name = {(char *)"mod-session-after", 17},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_DIALOG_USAGE + 2,
    .on_tsx_state = after_on_tsx_state,
};

static pjsip_module *const modules[] = {&session_usage, &session_after_usage, &service,
                                        &session_target_requests, &session_target_responses};

static void unregister(size_t count)
{
    while (count > 0) {
        ast_sip_unregister_service(modules[--count]);
    }
}

int session_start(void)
{
    if (inv_start(ast_sip_get_pjsip_endpoint()) != 0 || session_merged_start() != 0) {
        return -1;
    }
    for (size_t i = 0; i < PJ_ARRAY_SIZE(modules); ++i) {
        if (ast_sip_register_service(modules[i]) != 0) {
            unregister(i);
            session_merged_stop();
            return -1;
        }
    }
    if (session_fork_start() != 0 || session_info_packages_start() != 0) {
        session_stop();
        return -1;
    }
    return 0;
}

void session_stop(void)
{
    session_fork_stop();
    unregister(PJ_ARRAY_SIZE(modules));
    session_merged_stop();
    session_sdp_release_scratch();
    session_info_packages_stop();
    session_extensions_destroy();
    session_capabilities_destroy();
}
