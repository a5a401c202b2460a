/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: requests with a callback for their end, in a dialog or outside of any. A challenge is no
 * end where it can be answered. What is in them is the caller's.
 */
#include <stdlib.h>

#include <sipsession/log.h>

#include "res_sip/auth/auth.h"
#include "res_sip/message/message.h"
#include "res_sip/request/request.h"

/* A request on its way. */
struct pending {
    void (*callback)(void *token, pjsip_event *event); /* NULL: nobody waits */
    void *token;
    pjsip_tx_data *tdata;   /* a reference */
    pjsip_transaction *tsx; /* of a dialog: the one that it is in now, borrowed */
    /* Outside of dialogs: what challenges are answered with, made at the first one. */
    struct ast_sip_endpoint *endpoint; /* a reference; NULL: it has no credentials */
    pj_pool_t *pool;
    pjsip_auth_clt_sess auth;
    int sending;              /* the call that sends it has not returned */
    pjsip_transaction *ended; /* it ended meanwhile; a reference of its group lock */
};

static void on_tsx_state(pjsip_transaction *tsx, pjsip_event *event);

static pjsip_module sender = {
    .name = SIP_STR("mod-sip-sender"),
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    .on_tsx_state = on_tsx_state,
};

static struct pending *pending_create(pjsip_tx_data *tdata)
{
    struct pending *pending = calloc(1, sizeof(*pending));

    if (pending) {
        pending->tdata = tdata;
        pjsip_tx_data_add_ref(tdata);
        sip_sent_of(tdata, 1)->pending = pending;
    }
    return pending;
}

static void pending_free(struct pending *pending)
{
    sip_sent_of(pending->tdata, 1)->pending = NULL;
    pjsip_tx_data_dec_ref(pending->tdata);
    if (pending->pool) {
        pjsip_auth_clt_deinit(&pending->auth);
        pj_pool_release(pending->pool);
    }
    ast_sip_endpoint_unref(pending->endpoint);
    free(pending);
}

/* It has its final response, or will never have one. While it is being sent the caller is told by
 * the result. */
static void finish(struct pending *pending, pjsip_event *event)
{
    if (pending->sending) {
        pending->ended = event->body.tsx_state.tsx;
        pj_grp_lock_add_ref(pending->ended->grp_lock);
        return;
    }
    if (pending->callback) {
        pending->callback(pending->token, event);
    }
    pending_free(pending);
}

/* The challenge that an event brings, or NULL. */
static pjsip_rx_data *challenge_of(const pjsip_transaction *tsx, const pjsip_event *event)
{
    return (tsx->status_code == PJSIP_SC_UNAUTHORIZED ||
            tsx->status_code == PJSIP_SC_PROXY_AUTHENTICATION_REQUIRED) &&
                   tsx->state == PJSIP_TSX_STATE_COMPLETED &&
                   event->body.tsx_state.type == PJSIP_EVENT_RX_MSG
               ? event->body.tsx_state.src.rdata
               : NULL;
}

/* ---- in a dialog ---- */

/*
 * In the dialog of a session PJSIP's invite usage answers challenges, and has done so when we come;
 * in any other dialog it is done here. 1: the request is on its way again.
 */
static int answer_in_dialog(struct pending *pending, pjsip_transaction *tsx, pjsip_event *event)
{
    pjsip_rx_data *rdata = challenge_of(tsx, event);
    pjsip_dialog *dlg = pjsip_tsx_get_dlg(tsx);
    pjsip_tx_data *again;

    if (!rdata || !dlg || pjsip_dlg_get_inv_session(dlg) ||
        !sip_auth_prepare(&dlg->auth_sess, pending->tdata, rdata) ||
        pjsip_auth_clt_reinit_req(&dlg->auth_sess, rdata, pending->tdata, &again) != PJ_SUCCESS) {
        return 0;
    }
    return pjsip_dlg_send_request(dlg, again, -1, NULL) == PJ_SUCCESS;
}

/* Each transaction of a request is seen first when it begins; with credentials it has another one.
 */
static void on_tsx_state(pjsip_transaction *tsx, pjsip_event *event)
{
    struct sip_sent *sent;
    struct pending *pending;

    if (sender.id < 0 || tsx->role != PJSIP_ROLE_UAC || !tsx->last_tx) {
        return;
    }
    sent = sip_sent_of(tsx->last_tx, 0);
    pending = sent ? sent->pending : NULL;
    if (!pending) {
        return;
    }
    if (!tsx->mod_data[sender.id]) {
        tsx->mod_data[sender.id] = &sender; /* seen */
        pending->tsx = tsx;
    }
    if (tsx != pending->tsx ||
        (tsx->status_code < 200 && tsx->state < PJSIP_TSX_STATE_TERMINATED)) {
        return;
    }
    if (!answer_in_dialog(pending, tsx, event)) {
        finish(pending, event);
    }
}

static pj_status_t send_in_dialog(pjsip_tx_data *tdata, pjsip_dialog *dlg)
{
    if (!pjsip_dlg_has_usage(dlg, &sender)) {
        pj_status_t status = pjsip_dlg_add_usage(dlg, &sender, NULL);

        if (status != PJ_SUCCESS) {
            pjsip_tx_data_dec_ref(tdata);
            return status;
        }
    }
    return pjsip_dlg_send_request(dlg, tdata, -1, NULL);
}

/* ---- outside of any ---- */

static void on_final(void *token, pjsip_event *event);

static int make_auth(struct pending *pending)
{
    if (pending->pool) {
        return 0;
    }
    pending->pool = pjsip_endpt_create_pool(sip_endpt, "auth", 1000, 1000);
    if (!pending->pool) {
        return -1;
    }
    pjsip_auth_clt_init(&pending->auth, sip_endpt, pending->pool, 0);
    sip_auth_set(&pending->auth, pending->endpoint);
    return 0;
}

/* 1: the request is on its way again, with credentials. */
static int answer_alone(struct pending *pending, pjsip_rx_data *rdata)
{
    pjsip_tx_data *again;
    pj_status_t status;

    if (make_auth(pending) != 0 || !sip_auth_prepare(&pending->auth, pending->tdata, rdata) ||
        pjsip_auth_clt_reinit_req(&pending->auth, rdata, pending->tdata, &again) != PJ_SUCCESS) {
        return 0;
    }
    ++PJSIP_MSG_CSEQ_HDR(again->msg)->cseq; /* RFC 3261 22.2 */
    pending->sending = 1;
    status = pjsip_endpt_send_request(sip_endpt, again, -1, pending, on_final);
    pending->sending = 0;
    if (pending->ended && status != PJ_SUCCESS) {
        pj_grp_lock_dec_ref(pending->ended->grp_lock);
        pending->ended = NULL;
    }
    return status == PJ_SUCCESS;
}

/* A call that sends has returned, and the request had ended by then. */
static void finish_late(struct pending *pending)
{
    pjsip_transaction *tsx = pending->ended;
    pjsip_event event;

    pending->ended = NULL;
    PJSIP_EVENT_INIT_TSX_STATE(event, tsx, PJSIP_EVENT_TRANSPORT_ERROR, NULL,
                               PJSIP_TSX_STATE_CALLING);
    finish(pending, &event);
    pj_grp_lock_dec_ref(tsx->grp_lock);
}

static void on_final(void *token, pjsip_event *event)
{
    struct pending *pending = token;
    pjsip_rx_data *rdata = challenge_of(event->body.tsx_state.tsx, event);

    if (!rdata || !pending->endpoint || !answer_alone(pending, rdata)) {
        finish(pending, event);
    } else if (pending->ended) {
        finish_late(pending);
    }
}

static pj_status_t send_alone(pjsip_tx_data *tdata, struct ast_sip_endpoint *endpoint,
                              struct pending *pending)
{
    pjsip_tpselector selector;

    if (sip_transport_selector(endpoint, &selector) != 0 ||
        sip_add_outbound_route(tdata, endpoint) != 0) {
        pjsip_tx_data_dec_ref(tdata);
        return PJ_ENOTFOUND;
    }
    if (endpoint && endpoint->credentials) {
        pending->endpoint = ast_sip_endpoint_ref(endpoint);
    }
    if (tdata->tp_sel.type == PJSIP_TPSELECTOR_NONE) { /* else its contact said it */
        pjsip_tx_data_set_transport(tdata, &selector);
    }
    return pjsip_endpt_send_request(sip_endpt, tdata, -1, pending, on_final);
}

/* The sending call has returned: whoever ended meanwhile is told now. 0, -1. */
static int after_send(struct pending *pending, pj_status_t status)
{
    char error[PJ_ERR_MSG_SIZE];

    pending->sending = 0;
    if (status != PJ_SUCCESS) {
        ast_error_limited("res_sip: a request could not be sent: %s",
                          sip_error(status, error, sizeof(error)));
        if (pending->ended) {
            pj_grp_lock_dec_ref(pending->ended->grp_lock);
        }
        pending_free(pending);
        return -1;
    }
    if (pending->ended) {
        finish_late(pending);
    }
    return 0;
}

int ast_sip_send_request(pjsip_tx_data *tdata, pjsip_dialog *dlg, struct ast_sip_endpoint *endpoint,
                         void *token, void (*callback)(void *token, pjsip_event *event))
{
    struct pending *pending;
    pj_status_t status;

    base_assert_sip_thread();
    if (tdata->msg->line.req.method.id == PJSIP_ACK_METHOD) {
        ast_error_limited("res_sip: an ACK has no answer to wait for");
        pjsip_tx_data_dec_ref(tdata);
        return -1;
    }
    pending = pending_create(tdata);
    if (!pending) {
        pjsip_tx_data_dec_ref(tdata);
        return -1;
    }
    pending->token = token;
    pending->callback = callback;
    pending->sending = 1;
    status = dlg ? send_in_dialog(tdata, dlg) : send_alone(tdata, endpoint, pending);
    return after_send(pending, status);
}

int sip_send_request_start(void)
{
    if (sip_module_register(&sender) != 0) {
        return -1;
    }
    sip_sent_keep(sender.id);
    return 0;
}

void sip_send_request_stop(void)
{
    sip_sent_keep(-1);
}
