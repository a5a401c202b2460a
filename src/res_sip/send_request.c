/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: requests with a callback for their end, in a dialog or outside of any. What is in them is the caller's.
 */
#include <stdlib.h>

#include <sipsession/log.h>

#include "res_sip/sip.h"

/* A request on its way. */
struct pending {
    void (*callback)(void *token, pjsip_event *event); /* NULL: nobody waits */
    void *token;
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

/* It has its final response, or will never have one. While it is being sent the caller is told by the result. */
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
    free(pending);
}

/* Of a request in a dialog. */
static void on_tsx_state(pjsip_transaction *tsx, pjsip_event *event)
{
    struct pending *pending;

    if (sender.id < 0 || tsx->role != PJSIP_ROLE_UAC || !tsx->mod_data[sender.id]) {
        return;
    }
    if (tsx->status_code < 200 && tsx->state < PJSIP_TSX_STATE_TERMINATED) {
        return;
    }
    pending = tsx->mod_data[sender.id];
    tsx->mod_data[sender.id] = NULL;
    finish(pending, event);
}

/* Of a request outside of any. */
static void on_final(void *token, pjsip_event *event)
{
    finish(token, event);
}

static pj_status_t send_in_dialog(pjsip_tx_data *tdata, pjsip_dialog *dlg, struct pending *pending)
{
    if (!pjsip_dlg_has_usage(dlg, &sender)) {
        pj_status_t status = pjsip_dlg_add_usage(dlg, &sender, NULL);

        if (status != PJ_SUCCESS) {
            pjsip_tx_data_dec_ref(tdata);
            return status;
        }
    }
    return pjsip_dlg_send_request(dlg, tdata, sender.id, pending);
}

/* Through the endpoint's outbound proxy, unless the caller has a route of its own. */
static int add_route(pjsip_tx_data *tdata, const struct ast_sip_endpoint *endpoint)
{
    pjsip_route_hdr list;

    if (pjsip_msg_find_hdr(tdata->msg, PJSIP_H_ROUTE, NULL)) {
        return 0;
    }
    if (sip_outbound_route(tdata->pool, endpoint, &list) != 0) {
        return -1;
    }
    if (!pj_list_empty(&list)) {
        pjsip_route_hdr *route = list.next;

        pj_list_erase(route);
        pjsip_msg_insert_first_hdr(tdata->msg, (pjsip_hdr *)route);
    }
    return 0;
}

static pj_status_t send_alone(pjsip_tx_data *tdata, const struct ast_sip_endpoint *endpoint,
                              struct pending *pending)
{
    pjsip_tpselector selector;

    if (sip_transport_selector(endpoint, &selector) != 0 || add_route(tdata, endpoint) != 0) {
        pjsip_tx_data_dec_ref(tdata);
        return PJ_ENOTFOUND;
    }
    pjsip_tx_data_set_transport(tdata, &selector);
    return pjsip_endpt_send_request(sip_endpt, tdata, -1, pending, on_final);
}

/* The sending call has returned: whoever ended meanwhile is told now. 0, -1. */
static int after_send(struct pending *pending, pj_status_t status)
{
    pjsip_transaction *tsx = pending->ended;
    char error[PJ_ERR_MSG_SIZE];

    pending->sending = 0;
    if (status != PJ_SUCCESS) {
        ast_error("res_sip: a request could not be sent: %s",
                  sip_error(status, error, sizeof(error)));
        free(pending);
    } else if (tsx) {
        pjsip_event event;

        PJSIP_EVENT_INIT_TSX_STATE(event, tsx, PJSIP_EVENT_TRANSPORT_ERROR, NULL,
                                   PJSIP_TSX_STATE_CALLING);
        finish(pending, &event);
    }
    if (tsx) {
        pj_grp_lock_dec_ref(tsx->grp_lock);
    }
    return status == PJ_SUCCESS ? 0 : -1;
}

int ast_sip_send_request(pjsip_tx_data *tdata, pjsip_dialog *dlg, struct ast_sip_endpoint *endpoint,
                         void *token, void (*callback)(void *token, pjsip_event *event))
{
    struct pending *pending;
    pj_status_t status;

    base_assert_sip_thread();
    if (tdata->msg->line.req.method.id == PJSIP_ACK_METHOD) {
        ast_error("res_sip: an ACK has no answer to wait for");
        pjsip_tx_data_dec_ref(tdata);
        return -1;
    }
    pending = calloc(1, sizeof(*pending));
    if (!pending) {
        pjsip_tx_data_dec_ref(tdata);
        return -1;
    }
    pending->token = token;
    pending->callback = callback;
    pending->sending = 1;
    status = dlg ? send_in_dialog(tdata, dlg, pending) : send_alone(tdata, endpoint, pending);
    return after_send(pending, status);
}

int sip_send_request_start(void)
{
    return sip_module_register(&sender);
}
