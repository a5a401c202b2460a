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

static pj_status_t service_on_tx(pjsip_tx_data *tdata)
{
    struct ast_sip_session *session = session_of_dialog(pjsip_tdata_get_dlg(tdata));

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

/* Returns PJ_TRUE for what is answered here for sure, so that the dialog does not answer 500
 * itself. */
static pj_bool_t usage_on_rx_request(pjsip_rx_data *rdata)
{
    struct ast_sip_session *session = session_of_dialog(pjsip_rdata_get_dlg(rdata));

    if (session != NULL && rdata->msg_info.msg->line.req.method.id == PJSIP_ACK_METHOD) {
        session_on_ack(session, rdata);
    }
    return PJ_FALSE;
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

static void usage_on_tsx_state(pjsip_transaction *tsx, pjsip_event *event)
{
    struct ast_sip_session *session = session_of_dialog(pjsip_tsx_get_dlg(tsx));

    if (session == NULL) {
        return;
    }
    if (tsx->role == PJSIP_ROLE_UAC) {
        if (tsx->state >= PJSIP_TSX_STATE_COMPLETED && tsx->status_code >= 300 &&
            event->body.tsx_state.prev_state < PJSIP_TSX_STATE_COMPLETED &&
            !session_try_again(session, tsx, event)) {
            session_on_failure(session, tsx);
        }
    } else if (tsx->state == PJSIP_TSX_STATE_TRYING &&
               event->body.tsx_state.type == PJSIP_EVENT_RX_MSG) {
        session_on_request(session, tsx, event->body.tsx_state.src.rdata);
    } else if (tsx->state == PJSIP_TSX_STATE_TERMINATED && tsx->status_code >= 400 &&
               session->priv->response_code / 100 == 2 &&
               session->priv->state == AST_SIP_SESSION_STATE_CONFIRMED &&
               inv_has_taken(session->inv_session, tsx)) {
        session_on_lost_ack(session); /* of a re-INVITE; PJSIP sees to the first one */
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

int session_start(void)
{
    if (inv_start(ast_sip_get_pjsip_endpoint()) != 0 || session_merged_start() != 0) {
        return -1;
    }
    if (ast_sip_register_service(&session_usage) != 0) {
        session_merged_stop();
        return -1;
    }
    if (ast_sip_register_service(&service) != 0) {
        ast_sip_unregister_service(&session_usage);
        session_merged_stop();
        return -1;
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
    ast_sip_unregister_service(&service);
    ast_sip_unregister_service(&session_usage);
    session_merged_stop();
    session_sdp_release_scratch();
    session_info_packages_stop();
    session_extensions_destroy();
    session_capabilities_destroy();
}
