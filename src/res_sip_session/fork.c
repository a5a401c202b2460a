/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: an INVITE of ours was forked, and another branch answers, too (RFC
 * 3261 13.2.2.4). The first 2xx has the session; each later one gets its ACK, and a BYE in a dialog
 * of its own. So does one that comes when the INVITE was refused already.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

/*
 * PJSIP's dialog takes memory each time that another branch speaks, which it keeps: after this many
 * changes only answers are listened to.
 */
#define MAX_CHANGES 200

/*
 * So many answers to one INVITE that are not wanted are ended at a time, each in a dialog of its own
 * until its BYE is through. What is beyond them gets no ACK, and is ended by who sent it (RFC
 * 3261 13.3.1.4).
 */
#define MAX_FORKS 16

/* Before PJSIP's transactions, behind the guard. */
#define PRIORITY_LATE 12

/* An answer that is being ended; in the pool of its dialog. */
struct fork {
    PJ_DECL_LIST_MEMBER(struct fork);
    pjsip_dialog *dlg;
    pjsip_tx_data *invite; /* a reference; NULL: the session is gone */
};

static struct fork forks; /* the head of all */

static pj_bool_t on_rx_response(pjsip_rx_data *rdata);
static pj_bool_t on_late_response(pjsip_rx_data *rdata);
static void on_tsx_state(pjsip_transaction *tsx, pjsip_event *event);

/* The usage of a dialog that lost; its data is the fork. */
static pjsip_module fork_usage = {
    .name = {(char *)"mod-session-fork", 16},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_DIALOG_USAGE,
    .on_rx_response = on_rx_response,
    .on_tsx_state = on_tsx_state,
};

static pjsip_module late_answers = {
    .name = {(char *)"mod-session-late", 16},
    .id = -1,
    .priority = PRIORITY_LATE,
    .on_rx_response = on_late_response,
};

static int is_answer(const pjsip_rx_data *rdata)
{
    return rdata->msg_info.msg->line.status.code / 100 == 2 &&
           rdata->msg_info.cseq->method.id == PJSIP_INVITE_METHOD;
}

static void acknowledge(pjsip_dialog *dlg, const pjsip_rx_data *rdata)
{
    const struct fork *fork = pjsip_dlg_get_mod_data(dlg, fork_usage.id);
    pjsip_tx_data *ack;

    if (pjsip_dlg_create_request(dlg, pjsip_get_ack_method(), rdata->msg_info.cseq->cseq, &ack) !=
        PJ_SUCCESS) {
        ast_warning_limited("Cannot acknowledge the other answer of a forked INVITE");
        return;
    }
    if (fork != NULL && fork->invite != NULL) {
        sip_auth_copy(ack, fork->invite);
    }
    pjsip_dlg_send_request(dlg, ack, -1, NULL);
}

/* ACK each time that the 2xx comes (RFC 3261 13.2.2.4). */
static pj_bool_t on_rx_response(pjsip_rx_data *rdata)
{
    pjsip_dialog *dlg = pjsip_rdata_get_dlg(rdata);

    if (dlg == NULL || !pjsip_dlg_has_usage(dlg, &fork_usage) || !is_answer(rdata)) {
        return PJ_FALSE;
    }
    acknowledge(dlg, rdata);
    return PJ_TRUE;
}

/* What the peer asks for crosses our BYE (RFC 5407 2); its own BYE is obeyed. */
static void on_tsx_state(pjsip_transaction *tsx, pjsip_event *event)
{
    if (tsx->role == PJSIP_ROLE_UAS && tsx->state == PJSIP_TSX_STATE_TRYING &&
        tsx->status_code < 200 && event->body.tsx_state.type == PJSIP_EVENT_RX_MSG) {
        pjsip_dlg_respond(pjsip_tsx_get_dlg(tsx), event->body.tsx_state.src.rdata,
                          tsx->method.id == PJSIP_BYE_METHOD ? PJSIP_SC_OK
                                                             : PJSIP_SC_CALL_TSX_DOES_NOT_EXIST,
                          NULL, NULL, NULL);
    }
}

/* The BYE is answered, or never will be. The session count of the dialog goes. */
static void on_bye_done(void *token, pjsip_event *event)
{
    pjsip_dialog *dlg = token;
    struct fork *fork = fork_usage.id >= 0 && pjsip_dlg_has_usage(dlg, &fork_usage)
                            ? pjsip_dlg_get_mod_data(dlg, fork_usage.id)
                            : NULL;

    (void)event;
    if (fork != NULL) {
        pjsip_dlg_set_mod_data(dlg, fork_usage.id, NULL);
        pj_list_erase(fork);
        if (fork->invite != NULL) {
            pjsip_tx_data_dec_ref(fork->invite);
        }
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
        ast_warning_limited("Cannot end an answer to an INVITE that is not wanted any more");
        on_bye_done(dlg, NULL);
    }
    return 0;
}

static int is_of(const struct fork *fork, const pjsip_rx_data *rdata)
{
    return pj_strcmp(&fork->dlg->call_id->id, &rdata->msg_info.cid->id) == 0 &&
           pj_stricmp(&fork->dlg->local.info->tag, &rdata->msg_info.from->tag) == 0;
}

static unsigned count_forks(const pjsip_rx_data *rdata)
{
    unsigned count = 0;

    for (const struct fork *fork = forks.next; fork != &forks; fork = fork->next) {
        count += is_of(fork, rdata);
    }
    return count;
}

static void add_usage(pjsip_dialog *dlg, pjsip_tx_data *invite)
{
    struct fork *fork = pj_pool_zalloc(dlg->pool, sizeof(*fork));

    fork->dlg = dlg;
    if (pjsip_dlg_add_usage(dlg, &fork_usage, fork) != PJ_SUCCESS) {
        return;
    }
    pj_list_push_back(&forks, fork);
    if (invite != NULL) {
        pjsip_tx_data_add_ref(invite);
        fork->invite = invite;
    }
}

/* A dialog for the answer of another branch. */
static pjsip_dialog *make_fork(pjsip_dialog *first, pjsip_rx_data *rdata)
{
    struct ast_sip_session *session = session_of_dialog(first);
    pjsip_tx_data *invite = session != NULL ? inv_invite_request(session->inv_session) : NULL;
    pjsip_dialog *dlg;

    if (count_forks(rdata) >= MAX_FORKS) {
        return NULL;
    }
    if (pjsip_dlg_fork(first, rdata, &dlg) != PJ_SUCCESS) {
        ast_warning_limited("A later answer of a forked INVITE makes no dialog");
        return NULL;
    }
    sip_auth_fork(&dlg->auth_sess, &first->auth_sess);
    pjsip_dlg_inc_session(dlg, &fork_usage); /* first of all: a dialog without any is destroyed */
    add_usage(dlg, invite);
    if (ast_sip_push_task(send_bye, dlg) != 0) { /* behind the ACK, which is sent when we return */
        on_bye_done(dlg, NULL);
        return NULL;
    }
    return dlg;
}

/*
 * Over TCP and TLS a refusal would end the transaction at once (RFC 3261 17.1.1.2: timer D is zero),
 * and the dialog with it. A proxy sends the 2xx of another branch by them, too: both stay for as
 * long as over UDP. PJSIP sets timer D when its users have heard of the refusal.
 */
void session_await_late_answer(pjsip_transaction *tsx)
{
    const pjsip_dialog *dlg = pjsip_tsx_get_dlg(tsx);

    if (tsx->role == PJSIP_ROLE_UAC && tsx->method.id == PJSIP_INVITE_METHOD &&
        tsx->state == PJSIP_TSX_STATE_COMPLETED && tsx->status_code >= 300 && dlg != NULL &&
        dlg->role == PJSIP_ROLE_UAC && !dlg->uac_has_2xx) {
        tsx->is_reliable = PJ_FALSE;
    }
}

/* 1: it cannot be the answer to a re-INVITE. */
static int is_of_first_invite(const pjsip_dialog *dlg, const pjsip_rx_data *rdata)
{
    return dlg->role == PJSIP_ROLE_UAC &&
           (!dlg->uac_has_2xx || pj_stricmp(&dlg->remote.info->tag, &rdata->msg_info.to->tag) != 0);
}

/* The dialog whose INVITE this is the answer to, when it was refused already; else NULL. */
static pjsip_dialog *refused_dialog(pjsip_rx_data *rdata)
{
    pjsip_transaction *tsx;
    pjsip_dialog *dlg;
    pj_str_t key;

    if (pjsip_tsx_create_key(rdata->tp_info.pool, &key, PJSIP_ROLE_UAC,
                             &rdata->msg_info.cseq->method, rdata) != PJ_SUCCESS) {
        return NULL;
    }
    tsx = pjsip_tsx_layer_find_tsx(&key, PJ_FALSE);
    if (tsx == NULL || tsx->state != PJSIP_TSX_STATE_COMPLETED || tsx->status_code < 300) {
        return NULL;
    }
    dlg = pjsip_tsx_get_dlg(tsx);
    return dlg != NULL && is_of_first_invite(dlg, rdata) ? dlg : NULL;
}

static pjsip_dialog *find_fork(const pjsip_rx_data *rdata)
{
    for (const struct fork *fork = forks.next; fork != &forks; fork = fork->next) {
        if (is_of(fork, rdata) &&
            pj_stricmp(&fork->dlg->remote.info->tag, &rdata->msg_info.to->tag) == 0) {
            return fork->dlg;
        }
    }
    return NULL;
}

/*
 * A proxy did not wait for all branches: the INVITE was refused, and now one of them answers. PJSIP's
 * transaction would take the 2xx for the refusal again. Nobody is there for the call, so it is ended.
 */
static pj_bool_t on_late_response(pjsip_rx_data *rdata)
{
    pjsip_dialog *first, *dlg;

    if (!is_answer(rdata) || (first = refused_dialog(rdata)) == NULL) {
        return PJ_FALSE;
    }
    dlg = find_fork(rdata);
    if (dlg == NULL && rdata->msg_info.to->tag.slen > 0) {
        dlg = make_fork(first, rdata);
    }
    if (dlg != NULL) {
        acknowledge(dlg, rdata);
    }
    return PJ_TRUE;
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
    pj_list_init(&forks);
    if (ast_sip_register_service(&fork_usage) != 0 ||
        ast_sip_register_service(&late_answers) != 0) {
        return -1;
    }
    sip_set_fork_handler(on_fork);
    return 0;
}

void session_fork_stop(void)
{
    sip_set_fork_handler(NULL);
    for (struct fork *fork = forks.next; fork != &forks; fork = fork->next) {
        if (fork->invite != NULL) { /* nobody hears of the end of its BYE any more */
            pjsip_tx_data_dec_ref(fork->invite);
            fork->invite = NULL;
        }
    }
    pj_list_init(&forks);
    if (late_answers.id >= 0) {
        ast_sip_unregister_service(&late_answers);
    }
    if (fork_usage.id >= 0) {
        ast_sip_unregister_service(&fork_usage);
    }
}
