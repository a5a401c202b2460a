/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: an INVITE of ours was forked, and another branch answers, too (RFC
 * 3261 13.2.2.4). The first 2xx has the session; each later one gets its ACK, and a BYE in a dialog
 * of its own.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

/*
 * PJSIP's dialog takes memory each time that another branch speaks, which it keeps: after this many
 * changes only answers are listened to.
 */
#define MAX_CHANGES 200

/*
 * So many answers that are not wanted are ended at a time, each in a dialog of its own until its
 * BYE is through. What is beyond them gets no ACK, and is ended by who sent it (RFC 3261 13.3.1.4).
 */
#define MAX_LOST 16

static pj_bool_t on_rx_response(pjsip_rx_data *rdata);

/* The usage of a dialog that lost; its data is the INVITE, a reference. */
static pjsip_module fork_usage = {
    .name = {(char *)"mod-session-fork", 16},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_DIALOG_USAGE,
    .on_rx_response = on_rx_response,
};

/* ACK each time that the 2xx comes (RFC 3261 13.2.2.4). */
static pj_bool_t on_rx_response(pjsip_rx_data *rdata)
{
    pjsip_dialog *dlg = pjsip_rdata_get_dlg(rdata);
    const pjsip_cseq_hdr *cseq = rdata->msg_info.cseq;
    pjsip_tx_data *invite;
    pjsip_tx_data *ack;

    if (dlg == NULL || !pjsip_dlg_has_usage(dlg, &fork_usage) ||
        cseq->method.id != PJSIP_INVITE_METHOD ||
        rdata->msg_info.msg->line.status.code / 100 != 2) {
        return PJ_FALSE;
    }
    invite = pjsip_dlg_get_mod_data(dlg, fork_usage.id);
    if (pjsip_dlg_create_request(dlg, pjsip_get_ack_method(), cseq->cseq, &ack) != PJ_SUCCESS) {
        ast_warning("Cannot acknowledge the other answer of a forked INVITE");
        return PJ_TRUE;
    }
    if (invite != NULL) {
        sip_auth_copy(ack, invite);
    }
    pjsip_dlg_send_request(dlg, ack, -1, NULL);
    return PJ_TRUE;
}

/* The BYE is answered, or never will be. The session count of the dialog goes. */
static void on_bye_done(void *token, pjsip_event *event)
{
    pjsip_dialog *dlg = token;
    pjsip_tx_data *invite = fork_usage.id >= 0 && pjsip_dlg_has_usage(dlg, &fork_usage)
                                ? pjsip_dlg_get_mod_data(dlg, fork_usage.id)
                                : NULL;

    (void)event;
    if (invite != NULL) {
        pjsip_dlg_set_mod_data(dlg, fork_usage.id, NULL);
        pjsip_tx_data_dec_ref(invite);
    }
    pjsip_dlg_dec_session(dlg, &fork_usage);
}

/* A task. Takes the session count of the dialog. */
static int send_bye(void *data)
{
    pjsip_dialog *dlg = data;
    pjsip_tx_data *bye;

    if (pjsip_dlg_create_request(dlg, pjsip_get_bye_method(), -1, &bye) != PJ_SUCCESS ||
        ast_sip_send_request(bye, dlg, NULL, dlg, on_bye_done) != 0) {
        ast_warning("Cannot end an answer to an INVITE that is not wanted any more");
        on_bye_done(dlg, NULL);
    }
    return 0;
}

/* The dialogs of one local tag are in one list, with its head. */
static int is_one_too_many(const pjsip_dialog *first)
{
    return pj_list_size(first) > MAX_LOST;
}

/* A dialog for the answer of another branch. */
static pjsip_dialog *make_fork(pjsip_dialog *first, pjsip_rx_data *rdata)
{
    struct ast_sip_session *session = session_of_dialog(first);
    pjsip_tx_data *invite = session != NULL ? inv_invite_request(session->inv_session) : NULL;
    pjsip_dialog *dlg;

    if (pjsip_dlg_fork(first, rdata, &dlg) != PJ_SUCCESS) {
        ast_warning("A later answer of a forked INVITE makes no dialog");
        return NULL;
    }
    pjsip_dlg_inc_session(dlg, &fork_usage); /* first of all: a dialog without any is destroyed */
    if (pjsip_dlg_add_usage(dlg, &fork_usage, invite) == PJ_SUCCESS && invite != NULL) {
        pjsip_tx_data_add_ref(invite);
    }
    if (ast_sip_push_task(send_bye, dlg) != 0) { /* behind the ACK, which is sent when we return */
        on_bye_done(dlg, NULL);
        return NULL;
    }
    return dlg;
}

/* A response with a To tag that no dialog of the INVITE has. NULL: it is not listened to. */
static pjsip_dialog *on_fork(pjsip_dialog *first, pjsip_rx_data *rdata)
{
    struct ast_sip_session *session = session_of_dialog(first);
    int code = rdata->msg_info.msg->line.status.code;
    pjsip_dialog *dlg;

    if (rdata->msg_info.to->tag.slen == 0) { /* a dialog would have no remote tag */
        return session != NULL && !first->uac_has_2xx ? first : NULL;
    }
    if (code / 100 == 2 && (session == NULL || first->uac_has_2xx)) {
        if (is_one_too_many(first)) {
            return NULL;
        }
        dlg = make_fork(first, rdata);
        if (dlg != NULL && session != NULL) {
            ast_sip_session_ref(session);
            session_early_lost(session, rdata);
            ast_sip_session_unref(session);
        }
        return dlg;
    }
    if (code < 200 && (session == NULL || first->uac_has_2xx ||
                       session_early_is_full(session, &rdata->msg_info.to->tag) ||
                       ++session->priv->branch_changes > MAX_CHANGES)) {
        return NULL;
    }
    return first; /* PJSIP follows the branch that spoke last, until one has answered */
}

int session_fork_start(void)
{
    if (ast_sip_register_service(&fork_usage) != 0) {
        return -1;
    }
    sip_set_fork_handler(on_fork);
    return 0;
}

void session_fork_stop(void)
{
    sip_set_fork_handler(NULL);
    if (fork_usage.id >= 0) {
        ast_sip_unregister_service(&fork_usage);
    }
}
