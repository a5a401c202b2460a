/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: requests that wait for an extension. The message is copied, its transaction is
 * kept, and everything else goes on. Whatever ends the request meanwhile (time, CANCEL, the end of
 * the session) answers it, and the later resume does nothing.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip_session/session.h"

#define INVITE_WAITS_MS 180000 /* RFC 3261 16.6: as long as a proxy's timer C */
#define MARGIN_MS       2000

struct ast_sip_session_deferred {
    struct ast_sip_session_deferred *next; /* of the session's */
    struct ast_sip_session *session;       /* a reference; NULL: the request is over */
    pjsip_rx_data *rdata;                  /* ours */
    pjsip_transaction *tsx;                /* a reference of its lock */
    struct session_hooks *at;              /* ours; NULL until the hook has returned */
    pj_timer_entry timer;
};

static int is_initial(const struct ast_sip_session_deferred *deferred)
{
    return deferred->rdata->msg_info.to->tag.slen == 0;
}

/* Takes it off its session: the request is over, or goes on. The caller takes the reference. */
static struct ast_sip_session *detach(struct ast_sip_session_deferred *deferred)
{
    struct ast_sip_session *session = deferred->session;
    struct ast_sip_session_deferred **at = &session->priv->deferred;

    if (deferred->timer.id != 0) {
        deferred->timer.id = 0;
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &deferred->timer);
    }
    while (*at != NULL && *at != deferred) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = deferred->next;
    }
    deferred->session = NULL;
    return session;
}

static void deferred_free(struct ast_sip_session_deferred *deferred)
{
    if (deferred->session != NULL) {
        ast_sip_session_unref(detach(deferred));
    }
    session_hooks_free(deferred->at);
    pj_grp_lock_dec_ref(deferred->tsx->grp_lock);
    pjsip_rx_data_free_cloned(deferred->rdata);
    free(deferred);
}

/* It is answered from here; the handle stays its owner's. */
static void answer(struct ast_sip_session_deferred *deferred, int code)
{
    struct ast_sip_session *session = detach(deferred);

    if (deferred->tsx->status_code < 200 && !is_initial(deferred)) {
        session_refuse_request(session, code, deferred->rdata);
    } else if (is_initial(deferred)) {
        ast_sip_session_terminate(session, code);
    }
    session_refresh_kick(session);
    ast_sip_session_unref(session);
}

static void on_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct ast_sip_session_deferred *deferred = entry->user_data;
    int is_invite = deferred->tsx->method.id == PJSIP_INVITE_METHOD;

    (void)heap;
    entry->id = 0;
    ast_warning_limited("Session %s: a suspended %.*s was not resumed in time",
                        deferred->session->priv->dlg->obj_name,
                        (int)deferred->tsx->method.name.slen, deferred->tsx->method.name.ptr);
    answer(deferred, is_invite ? PJSIP_SC_REQUEST_TIMEOUT : PJSIP_SC_INTERNAL_SERVER_ERROR);
}

static int start_timer(struct ast_sip_session_deferred *deferred)
{
    int is_invite = deferred->tsx->method.id == PJSIP_INVITE_METHOD;
    long all = 64 * (long)pjsip_cfg()->tsx.t1;
    pj_time_val delay = {0, is_invite             ? INVITE_WAITS_MS
                            : all > 2 * MARGIN_MS ? all - MARGIN_MS
                                                  : all / 2};

    pj_time_val_normalize(&delay);
    pj_timer_entry_init(&deferred->timer, 1, deferred, on_timer);
    return pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), &deferred->timer, &delay) ==
                   PJ_SUCCESS
               ? 0
               : -1;
}

/* The copy belongs to the same transaction and dialog; what was worked out in the other's pool is
 * not. */
static pjsip_rx_data *copy_rdata(const pjsip_rx_data *rdata)
{
    pjsip_rx_data *copy = NULL;

    if (pjsip_rx_data_clone(rdata, 0, &copy) != PJ_SUCCESS) {
        return NULL;
    }
    copy->endpt_info = rdata->endpt_info;
    copy->endpt_info.mod_data[pjsip_inv_usage_instance()->id] = NULL;
    return copy;
}

static int may_wait(const struct ast_sip_session *session, pjsip_rx_data *rdata,
                    const pjsip_transaction *tsx)
{
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;

    return rdata->msg_info.msg->type == PJSIP_REQUEST_MSG && tsx != NULL &&
           tsx->status_code < 200 && session->priv->deferring == NULL &&
           session->priv->state < AST_SIP_SESSION_STATE_ENDING && method->id != PJSIP_BYE_METHOD &&
           method->id != PJSIP_CANCEL_METHOD && method->id != PJSIP_ACK_METHOD &&
           !session_is_prack(method);
}

/* RFC 3261 8.2.6.1: an INVITE is told to wait; the transaction is PJSIP's invite session's, or ours
 * still. */
static void send_trying(struct ast_sip_session *session, pjsip_transaction *tsx,
                        pjsip_rx_data *rdata)
{
    pjsip_tx_data *tdata;

    if (inv_has_taken(session->inv_session, tsx)) {
        session_answer_trying(session);
    } else if (tsx->status_code < 100 &&
               pjsip_dlg_create_response(session->priv->dlg, rdata, PJSIP_SC_TRYING, NULL,
                                         &tdata) == PJ_SUCCESS) {
        pjsip_dlg_send_response(session->priv->dlg, tsx, tdata);
    }
}

struct ast_sip_session_deferred *ast_sip_session_defer(struct ast_sip_session *session,
                                                       struct pjsip_rx_data *rdata)
{
    struct ast_sip_session_deferred *deferred;
    pjsip_transaction *tsx = pjsip_rdata_get_tsx(rdata);

    base_assert_sip_thread();
    if (!may_wait(session, rdata, tsx)) {
        ast_error_limited("This request cannot wait");
        return NULL;
    }
    deferred = calloc(1, sizeof(*deferred));
    if (deferred == NULL || (deferred->rdata = copy_rdata(rdata)) == NULL) {
        ast_error_limited("No memory for a request that waits");
        free(deferred);
        return NULL;
    }
    deferred->tsx = tsx;
    pj_grp_lock_add_ref(tsx->grp_lock);
    deferred->session = ast_sip_session_ref(session);
    deferred->next = session->priv->deferred;
    session->priv->deferred = deferred;
    if (start_timer(deferred) != 0) {
        deferred->timer.id = 0;
        deferred_free(deferred);
        return NULL;
    }
    session->priv->deferring = deferred;
    if (tsx->method.id == PJSIP_INVITE_METHOD) {
        send_trying(session, tsx, rdata);
    }
    return deferred;
}

int session_deferred_keep(struct ast_sip_session *session, int result, struct session_hooks *at)
{
    struct ast_sip_session_deferred *deferred = session->priv->deferring;

    session->priv->deferring = NULL;
    if (result == AST_SIP_SESSION_PENDING && at != NULL && deferred->session != NULL) {
        deferred->at = at;
        return 1;
    }
    if (result != AST_SIP_SESSION_PENDING) {
        ast_error_limited(
            "An extension suspended a request and did not return AST_SIP_SESSION_PENDING");
    }
    session_hooks_free(at);
    if (deferred->session != NULL) {
        ast_sip_session_unref(detach(deferred));
    }
    return 0;
}

struct pjsip_rx_data *ast_sip_session_deferred_rdata(struct ast_sip_session_deferred *deferred)
{
    return deferred->rdata;
}

struct ast_sip_session *ast_sip_session_deferred_session(struct ast_sip_session_deferred *deferred)
{
    return deferred->session;
}

static void go_on(struct ast_sip_session_deferred *deferred, struct ast_sip_session *session,
                  int result)
{
    struct session_hooks *at = deferred->at;
    pjsip_rx_data *rdata = deferred->rdata;
    int stopped = result != AST_SIP_SESSION_CONTINUE;

    if (stopped && !session_is_answered(session, rdata)) {
        ast_error_limited("A suspended request was stopped without a final response: sending 500");
        ast_sip_session_send_response(session, PJSIP_SC_INTERNAL_SERVER_ERROR, rdata);
    }
    if (!stopped && deferred->tsx->status_code < 200) {
        deferred->at = NULL;
        if (session_hook_resume(session, rdata, at) == 0 && !is_initial(deferred) &&
            deferred->tsx->status_code < 200) {
            session_handle_request(session, deferred->tsx, rdata);
        }
    }
}

void ast_sip_session_resume(struct ast_sip_session_deferred *deferred, int result)
{
    struct ast_sip_session *session = deferred->session;

    base_assert_sip_thread();
    if (session != NULL) {
        base_assert(deferred->at != NULL); /* not within the callback that suspended it */
        detach(deferred);
        if (is_initial(deferred)) {
            session->priv->invite = deferred->rdata;
        }
        go_on(deferred, session, result);
        if (is_initial(deferred)) {
            session->priv->invite = NULL;
        }
        session_refresh_kick(session);
        ast_sip_session_unref(session);
    }
    deferred_free(deferred);
}

int session_deferred_has(const struct ast_sip_session *session, int is_invite)
{
    const struct ast_sip_session_deferred *at;

    for (at = session->priv->deferred; at != NULL; at = at->next) {
        if (is_invite ? at->tsx->method.id == PJSIP_INVITE_METHOD && !is_initial(at)
                      : session_is_update(&at->tsx->method)) {
            return 1;
        }
    }
    return 0;
}

void session_deferred_cancel(struct ast_sip_session *session, pj_int32_t cseq)
{
    struct ast_sip_session_deferred *at;

    for (at = session->priv->deferred; at != NULL; at = at->next) {
        if (at->tsx->method.id == PJSIP_INVITE_METHOD && at->tsx->cseq == cseq && !is_initial(at)) {
            answer(at, PJSIP_SC_REQUEST_TERMINATED);
            return;
        }
    }
}

void session_deferred_end(struct ast_sip_session *session)
{
    while (session->priv->deferred != NULL) {
        answer(session->priv->deferred, PJSIP_SC_REQUEST_TERMINATED);
    }
}
