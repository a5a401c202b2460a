/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: we change the session, by re-INVITE or UPDATE. What is done when is decided by
 * the pure machine of refresh_queue.c; here its facts are gathered and its actions done.
 */
#include <string.h>

#include <pj/os.h>
#include <pj/rand.h>
#include <sipsession/log.h>

#include "res_sip_session/session.h"

static unsigned random_bits(void *unused)
{
    (void)unused;
    return (unsigned)pj_rand() << 16 ^ (unsigned)pj_rand();
}

static uint64_t now_ms(void)
{
    pj_time_val now;

    pj_gettickcount(&now);
    return (uint64_t)PJ_TIME_VAL_MSEC(now);
}

void session_refresh_view(const struct ast_sip_session *session, struct refresh_view *view)
{
    const struct ast_sip_session_private *priv = session->priv;
    const pjsip_inv_session *inv = session->inv_session;
    int first_done = priv->sdp.agreed && inv_offer_is_possible(inv);

    memset(view, 0, sizeof(*view));
    view->confirmed = inv_is_confirmed(inv);
    view->early = inv_has_early_dialog(inv);
    view->our_invite = inv_has_our_invite(inv);
    view->their_invite = inv_can_answer(inv) || session_deferred_has(session, 1);
    view->unacked = inv_has_unacked(inv);
    for (unsigned i = 0; i < SESSION_MAX_UNACKED; ++i) {
        view->unacked |= priv->unacked[i] != NULL;
    }
    view->our_offer = priv->sdp.offer_in != SESSION_OFFER_NONE || inv_has_local_offer(inv);
    view->their_update = session_deferred_has(session, 0);
    /* What waits (deferred.c) may have an offer, and counts from its arrival. */
    view->their_offer =
        inv_pending_offer(inv) != NULL || view->their_update || session_deferred_has(session, 1);
    view->our_update = refresh_queue_is_busy(&priv->refreshes) && !view->our_invite;
    view->peer_takes_update = ast_sip_session_peer_allows(session, "UPDATE");
    /* What we answered unreliably is not agreed on before the 2xx (RFC 3311 5.1). */
    view->early_offer_ok =
        first_done && priv->rseq == 0 &&
        (priv->outgoing ? priv->sdp.answers == NULL || priv->sdp.answers->reliable
                        : priv->sdp_made && inv_is_reliable(inv));
}

/* ---- sending ---- */

/* A refresh that was to leave the media alone offers what is in force (RFC 4028 7.4). */
static int make_offer(struct ast_sip_session *session, const struct refresh_action *action,
                      pjsip_tx_data *tdata, pjmedia_sdp_session **offer)
{
    if (action->refresh.without_offer && session_sdp_again(session, offer) == 0) {
        return 0;
    }
    return session_sdp_outgoing(session, tdata, NULL, offer);
}

static int send_request(struct ast_sip_session *session, const struct refresh_action *action)
{
    struct session_sdp *sdp = &session->priv->sdp;
    pjsip_inv_session *inv = session->inv_session;
    pjmedia_sdp_session *offer;
    pjsip_tx_data *tdata;

    if ((action->as_update ? inv_make_update(inv, &tdata) : inv_make_invite(inv, &tdata)) != 0) {
        return -1;
    }
    if (!action->as_update) {
        session_exchange_start(session, 0);
    }
    if (action->with_offer) {
        if (make_offer(session, action, tdata, &offer) != 0 ||
            (action->refresh.on_offer != NULL &&
             action->refresh.on_offer(session, offer, action->refresh.data) != 0) ||
            session->priv->ending || inv_set_offer(inv, offer) != 0) {
            pjsip_tx_data_dec_ref(tdata);
            session_sdp_rollback(session);
            return -1;
        }
        session_sdp_set_body(session, tdata);
        sdp->offer_in = action->as_update ? SESSION_OFFER_UPDATE : SESSION_OFFER_INVITE;
        sdp->invite_offered |= !action->as_update;
    }
    if (action->refresh.on_request != NULL) {
        action->refresh.on_request(session, tdata, action->refresh.data);
    }
    session->priv->refresh_starts = 1;
    if (inv_send(inv, tdata) != 0) {
        session->priv->refresh_starts = 0;
        session->priv->refresh_tsx = NULL;
        session_offer_failed(session);
        return -1;
    }
    return 0;
}

static void tell(struct ast_sip_session *session, const struct refresh_action *action,
                 pjsip_rx_data *rdata)
{
    struct ast_sip_session_refresh_result result = {.status = action->status, .rdata = rdata};

    if (action->refresh.on_result != NULL) {
        action->refresh.on_result(session, &result, action->refresh.data);
    }
}

void session_refresh_in_prack(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    struct ast_sip_session_private *priv = session->priv;
    struct refresh_action action;
    struct refresh_view view;
    pjmedia_sdp_session *offer;

    if (priv->refreshes.count == 0 || !priv->outgoing) {
        return;
    }
    session_refresh_view(session, &view);
    view.peer_takes_update = view.early_offer_ok; /* a PRACK does here what an UPDATE would */
    for (;;) {
        refresh_queue_step(&priv->refreshes, &view, now_ms(), &action);
        if (action.kind != REFRESH_ACTION_RESULT) {
            break;
        }
        tell(session, &action, NULL);
    }
    if (action.kind != REFRESH_ACTION_SEND) {
        session_refresh_kick(session);
        return;
    }
    if (!action.with_offer || session_sdp_outgoing(session, tdata, NULL, &offer) != 0 ||
        inv_set_offer(session->inv_session, offer) != 0) {
        session_sdp_rollback(session);
        refresh_queue_sent(&priv->refreshes, 0);
        return;
    }
    session_sdp_set_body(session, tdata);
    priv->sdp.offer_in = SESSION_OFFER_PRACK;
    priv->refresh_starts = 1;
    refresh_queue_sent(&priv->refreshes, 1);
}

/* ---- the machine ---- */

static void set_timer(struct ast_sip_session *session, uint64_t until)
{
    pj_timer_entry *timer = &session->priv->refresh_timer;
    uint64_t now = now_ms();
    pj_time_val delay = {0, until > now ? (long)(until - now) : 0};

    pj_time_val_normalize(&delay);
    if (timer->id != 0) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), timer);
    }
    timer->id = 1;
    if (pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), timer, &delay) != PJ_SUCCESS) {
        timer->id = 0;
        ast_error_limited("No memory for a timer");
    }
}

/* Does what the machine says until it waits. rdata: the final response that is on the stack, or
 * NULL. */
static void drive(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    struct refresh_queue *queue = &session->priv->refreshes;
    struct refresh_action action;
    struct refresh_view view;

    ast_sip_session_ref(session);
    do {
        session_refresh_view(session, &view);
        refresh_queue_step(queue, &view, now_ms(), &action);
        switch (action.kind) {
        case REFRESH_ACTION_SEND:
            refresh_queue_sent(queue, send_request(session, &action) == 0);
            break;
        case REFRESH_ACTION_CANCEL:
            inv_cancel_reinvite(session->inv_session);
            break;
        case REFRESH_ACTION_RESULT:
            tell(session, &action, rdata);
            rdata = NULL;
            break;
        case REFRESH_ACTION_END_SESSION:
            session_termination_stop(session);
            ast_sip_session_terminate(session, action.status); /* PJSIP may have sent BYE already */
            break;
        case REFRESH_ACTION_WAIT:
            set_timer(session, action.until);
            break;
        default:
            break;
        }
    } while (action.kind != REFRESH_ACTION_NONE && action.kind != REFRESH_ACTION_WAIT);
    ast_sip_session_unref(session);
}

static int drive_task(void *data)
{
    struct ast_sip_session *session = data;

    session->priv->refresh_kicked = 0;
    drive(session, NULL);
    ast_sip_session_unref(session);
    return 0;
}

static void on_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    (void)heap;
    entry->id = 0;
    session_refresh_kick(entry->user_data);
}

void session_refresh_start(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;

    refresh_queue_init(&priv->refreshes, priv->outgoing, random_bits, NULL);
    pj_timer_entry_init(&priv->refresh_timer, 0, session, on_timer);
}

void session_refresh_kick(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;

    if (priv->refreshes.count == 0 || priv->refresh_kicked) {
        return;
    }
    priv->refresh_kicked = 1;
    if (ast_sip_push_task(drive_task, ast_sip_session_ref(session)) != 0) {
        priv->refresh_kicked = 0;
        ast_sip_session_unref(session);
    }
}

void session_refresh_end(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;

    if (priv->refresh_timer.id != 0) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &priv->refresh_timer);
        priv->refresh_timer.id = 0;
    }
    priv->refresh_tsx = NULL;
    refresh_queue_ended(&priv->refreshes);
    if (priv->refreshes.count > 0) {
        drive(session, NULL);
    }
    refresh_queue_release(&priv->refreshes);
}

/* ---- its transactions ---- */

void session_refresh_on_start(struct ast_sip_session *session, pjsip_transaction *tsx)
{
    struct ast_sip_session_private *priv = session->priv;

    /* The first time, or sent again with credentials by PJSIP. */
    if (priv->refresh_starts || (priv->refresh_tsx != NULL &&
                                 pjsip_method_cmp(&priv->refresh_tsx->method, &tsx->method) == 0)) {
        priv->refresh_starts = 0;
        priv->refresh_tsx = tsx;
    }
}

static int retry_after(const pjsip_event *event)
{
    const pjsip_retry_after_hdr *hdr;

    if (event->body.tsx_state.type != PJSIP_EVENT_RX_MSG) {
        return -1;
    }
    hdr = pjsip_msg_find_hdr(event->body.tsx_state.src.rdata->msg_info.msg, PJSIP_H_RETRY_AFTER,
                             NULL);
    return hdr != NULL && hdr->ivalue >= 0 ? hdr->ivalue : -1;
}

void session_refresh_on_final(struct ast_sip_session *session, pjsip_transaction *tsx,
                              const pjsip_event *event)
{
    struct ast_sip_session_private *priv = session->priv;

    if (priv->refresh_tsx != tsx || tsx->status_code < 200) {
        return;
    }
    priv->refresh_tsx = NULL;
    session_offer_failed(session); /* unless it was answered */
    refresh_queue_final(&priv->refreshes, tsx->status_code, retry_after(event), now_ms());
    drive(session, event->body.tsx_state.type == PJSIP_EVENT_RX_MSG
                       ? event->body.tsx_state.src.rdata
                       : NULL);
}

/* ---- what the public header offers ---- */

void ast_sip_session_refresh_init(struct ast_sip_session_refresh *refresh)
{
    memset(refresh, 0, sizeof(*refresh));
}

int ast_sip_session_refresh(struct ast_sip_session *session,
                            const struct ast_sip_session_refresh *refresh, unsigned *id)
{
    struct ast_sip_session_private *priv = session->priv;
    unsigned added;

    base_assert_sip_thread();
    if (priv->state == AST_SIP_SESSION_STATE_NEW || priv->ending ||
        priv->state >= AST_SIP_SESSION_STATE_ENDING ||
        (added = refresh_queue_add(&priv->refreshes, refresh)) == 0) {
        ast_warning_limited("Session %s, which is %s, cannot be refreshed", priv->dlg->obj_name,
                            ast_sip_session_state_name(priv->state));
        return -1;
    }
    session_refresh_kick(session);
    if (id != NULL) {
        *id = added;
    }
    return 0;
}

int ast_sip_session_refresh_cancel(struct ast_sip_session *session, unsigned id)
{
    base_assert_sip_thread();
    if (refresh_queue_cancel(&session->priv->refreshes, id) != 0) {
        return -1;
    }
    session_refresh_kick(session);
    return 0;
}

int ast_sip_session_send_reinvite(struct ast_sip_session *session)
{
    struct ast_sip_session_refresh refresh;

    ast_sip_session_refresh_init(&refresh);
    refresh.method = AST_SIP_SESSION_REFRESH_INVITE;
    return ast_sip_session_refresh(session, &refresh, NULL);
}

int ast_sip_session_set_hold(struct ast_sip_session *session, enum ast_sip_session_hold hold)
{
    struct session_sdp *sdp = &session->priv->sdp;
    struct ast_sip_session_refresh refresh;

    base_assert_sip_thread();
    if (sdp->hold == hold) {
        return 0;
    }
    ast_sip_session_refresh_init(&refresh);
    if (session->priv->state == AST_SIP_SESSION_STATE_CONFIRMED &&
        ast_sip_session_refresh(session, &refresh, NULL) != 0) {
        return -1;
    }
    sdp->hold = hold;
    return 0;
}

enum ast_sip_session_hold ast_sip_session_get_hold(const struct ast_sip_session *session)
{
    return session->priv->sdp.hold;
}
