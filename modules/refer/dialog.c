/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * refer: the dialogs that subscriptions live in, and the transactions of the requests that we send
 * there. See the rules in refer.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/res_sip.h>

#include "refer.h"

/* A request under way; tsx->mod_data[sender.id] until its final response. */
struct request {
    PJ_DECL_LIST_MEMBER(struct request);
    struct refer_dialog *dialog; /* a use of it */
    pjsip_transaction *tsx;
    refer_done *done;
    void *owner; /* NULL: it was forgotten */
    int sending; /* the call that sends it is on the stack */
    int failed;  /* ... and it has failed there */
    int retried; /* with credentials */
};

static struct refer_dialog dialogs = {.prev = &dialogs, .next = &dialogs};
static struct request requests = {.prev = &requests, .next = &requests};

static void usage_on_tsx_state(pjsip_transaction *tsx, pjsip_event *event);
static void sender_on_tsx_state(pjsip_transaction *tsx, pjsip_event *event);

/* Behind PJSIP's invite usage: what that one answers is none of ours. */
static pjsip_module usage = {
    .name = {(char *)"mod-refer-usage", 15},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_DIALOG_USAGE + 1,
    .on_tsx_state = usage_on_tsx_state,
};

static pjsip_module sender = {
    .name = {(char *)"mod-refer-sender", 16},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    .on_tsx_state = sender_on_tsx_state,
};

/* ---- life ---- */

struct refer_dialog *refer_dialog_find(const pjsip_dialog *dlg)
{
    return dlg != NULL && usage.id >= 0 ? dlg->mod_data[usage.id] : NULL;
}

struct refer_dialog *refer_dialog_of(struct ast_sip_session *session)
{
    pjsip_dialog *dlg = session->inv_session->dlg;
    struct refer_dialog *dialog = refer_dialog_find(dlg);

    if (dialog != NULL) {
        return dialog;
    }
    dialog = calloc(1, sizeof(*dialog));
    if (dialog == NULL || pjsip_dlg_add_usage(dlg, &usage, dialog) != PJ_SUCCESS) {
        ast_error_limited("refer: no memory for a subscription");
        free(dialog);
        return NULL;
    }
    pjsip_dlg_inc_session(dlg, &usage);
    dialog->dlg = dlg;
    dialog->session = session;
    dialog->endpoint = ast_sip_endpoint_ref(session->endpoint);
    dialog->uses = 1;
    pj_list_push_back(&dialogs, dialog);
    return dialog;
}

void refer_dialog_use(struct refer_dialog *dialog)
{
    dialog->uses++;
}

static void destroy(struct refer_dialog *dialog)
{
    pjsip_dialog *dlg = dialog->dlg;

    dlg->mod_data[usage.id] = NULL;
    pj_list_erase(dialog);
    ast_sip_endpoint_unref(dialog->endpoint);
    free(dialog);
    pjsip_dlg_dec_session(dlg, &usage); /* the dialog may be gone behind this */
}

void refer_dialog_release(struct refer_dialog *dialog)
{
    if (--dialog->uses == 0) {
        destroy(dialog);
    }
}

void refer_dialog_session_ended(struct refer_dialog *dialog)
{
    if (dialog->session != NULL) {
        dialog->session = NULL;
        refer_dialog_release(dialog);
    }
}

/* ---- requests that we send ---- */

int refer_create_request(struct refer_dialog *dialog, const char *method, pjsip_tx_data **tdata)
{
    pj_str_t name = pj_str((char *)method);
    pjsip_method parsed;
    pjsip_tx_data *made;

    pjsip_method_init_np(&parsed, &name);
    if (pjsip_dlg_create_request(dialog->dlg, &parsed, -1, &made) != PJ_SUCCESS) {
        ast_error_limited("refer: cannot make a %s", method);
        return -1;
    }
    if (pjsip_msg_find_hdr(made->msg, PJSIP_H_CONTACT, NULL) == NULL) {
        pjsip_msg_add_hdr(made->msg, pjsip_hdr_clone(made->pool, dialog->dlg->local.contact));
    }
    *tdata = made;
    return 0;
}

static void free_request(struct request *request)
{
    pj_list_erase(request);
    refer_dialog_release(request->dialog);
    free(request);
}

/* One transaction; takes tdata. 0, -1. */
static int send_once(struct request *request, pjsip_tx_data *tdata)
{
    pjsip_dialog *dlg = request->dialog->dlg;
    pjsip_cseq_hdr *cseq = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CSEQ, NULL);
    pjsip_transaction *tsx;
    pj_status_t status;

    cseq->cseq = dlg->local.cseq++;
    pjsip_tx_data_invalidate_msg(tdata);
    status = pjsip_tsx_create_uac(&sender, tdata, &tsx);
    if (status != PJ_SUCCESS) {
        pjsip_tx_data_dec_ref(tdata);
        return -1;
    }
    pjsip_tsx_set_transport(tsx, &dlg->tp_sel);
    tsx->mod_data[sender.id] = request;
    request->tsx = tsx;
    request->sending = 1;
    status = pjsip_tsx_send_msg(tsx, NULL);
    request->sending = 0;
    if (status != PJ_SUCCESS) {
        pjsip_tx_data_dec_ref(tdata);
        if (!request->failed) {
            tsx->mod_data[sender.id] = NULL;
            tsx->tsx_user = NULL;
            pjsip_tsx_terminate(tsx, PJSIP_SC_SERVICE_UNAVAILABLE);
        }
        return -1;
    }
    return request->failed ? -1 : 0;
}

int refer_send(struct refer_dialog *dialog, pjsip_tx_data *tdata, refer_done *done, void *owner)
{
    struct request *request = calloc(1, sizeof(*request));

    if (request == NULL) {
        pjsip_tx_data_dec_ref(tdata);
        return -1;
    }
    request->dialog = dialog;
    request->done = done;
    request->owner = owner;
    refer_dialog_use(dialog);
    pj_list_push_back(&requests, request);
    if (send_once(request, tdata) != 0) {
        ast_warning_limited("refer: a request could not be sent");
        free_request(request);
        return -1;
    }
    return 0;
}

void refer_forget(const void *owner)
{
    for (struct request *at = requests.next; at != &requests; at = at->next) {
        if (at->owner == owner) {
            at->owner = NULL;
        }
    }
}

/* RFC 3261 22.2: once, with what the dialog has for its realm. 1: it was sent again. */
static int answer_challenge(struct request *request, pjsip_transaction *tsx, pjsip_rx_data *rdata)
{
    pjsip_tx_data *again;

    if (request->retried || rdata == NULL ||
        (tsx->status_code != PJSIP_SC_UNAUTHORIZED &&
         tsx->status_code != PJSIP_SC_PROXY_AUTHENTICATION_REQUIRED) ||
        pjsip_auth_clt_reinit_req(&request->dialog->dlg->auth_sess, rdata, tsx->last_tx, &again) !=
            PJ_SUCCESS) {
        return 0;
    }
    request->retried = 1;
    return send_once(request, again) == 0;
}

static void sender_on_tsx_state(pjsip_transaction *tsx, pjsip_event *event)
{
    struct request *request = sender.id >= 0 ? tsx->mod_data[sender.id] : NULL;
    pjsip_rx_data *rdata =
        event->body.tsx_state.type == PJSIP_EVENT_RX_MSG ? event->body.tsx_state.src.rdata : NULL;

    if (request == NULL || tsx->state < PJSIP_TSX_STATE_COMPLETED || tsx != request->tsx) {
        return;
    }
    tsx->mod_data[sender.id] = NULL;
    tsx->tsx_user = NULL;
    if (request->sending) { /* refer_send tells */
        request->failed = 1;
        return;
    }
    if (answer_challenge(request, tsx, rdata)) {
        return;
    }
    if (request->owner != NULL) {
        request->done(request->owner, tsx->status_code, rdata);
    }
    free_request(request);
}

/* ---- requests that come when the session has ended ---- */

static void usage_on_tsx_state(pjsip_transaction *tsx, pjsip_event *event)
{
    pjsip_dialog *dlg = pjsip_tsx_get_dlg(tsx);
    struct refer_dialog *dialog = refer_dialog_find(dlg);
    pjsip_rx_data *rdata;

    if (dialog == NULL || dialog->session != NULL || tsx->role != PJSIP_ROLE_UAS ||
        tsx->state != PJSIP_TSX_STATE_TRYING || tsx->status_code >= 200 ||
        event->body.tsx_state.type != PJSIP_EVENT_RX_MSG) {
        return;
    }
    rdata = event->body.tsx_state.src.rdata;
    if (pj_strcmp2(&tsx->method.name, "SUBSCRIBE") == 0 && refer_on_subscribe(dialog, dlg, rdata)) {
        return;
    }
    if (pj_strcmp2(&tsx->method.name, "NOTIFY") == 0 && refer_on_notify(dialog, dlg, rdata)) {
        return;
    }
    /* The dialog goes on for its subscriptions alone (RFC 5057 4.2). */
    refer_respond(dlg, rdata, PJSIP_SC_CALL_TSX_DOES_NOT_EXIST, NULL, NULL);
}

/* ---- small things ---- */

int refer_respond(pjsip_dialog *dlg, pjsip_rx_data *rdata, int code, const char *name,
                  const char *value)
{
    pjsip_tx_data *tdata;

    if (pjsip_dlg_create_response(dlg, rdata, code, NULL, &tdata) != PJ_SUCCESS) {
        ast_warning_limited("refer: cannot answer with %d", code);
        return -1;
    }
    if (name != NULL) {
        ast_sip_add_header(tdata, name, value);
    }
    if (pjsip_dlg_send_response(dlg, pjsip_rdata_get_tsx(rdata), tdata) != PJ_SUCCESS) {
        ast_warning_limited("refer: cannot answer with %d", code);
        return -1;
    }
    return 0;
}

static int has_name(const pjsip_hdr *hdr, const char *name)
{
    return name != NULL && pj_stricmp2(&hdr->name, name) == 0;
}

unsigned refer_header(const pjsip_msg *msg, const char *name, const char *compact, char *out,
                      size_t size)
{
    unsigned count = 0;

    for (const pjsip_hdr *hdr = msg->hdr.next; hdr != &msg->hdr; hdr = hdr->next) {
        if (!has_name(hdr, name) && !has_name(hdr, compact)) {
            continue;
        }
        if (count++ == 0) {
            char text[2000];
            int length = pjsip_hdr_print_on((void *)hdr, text, sizeof(text) - 1);
            const char *value;

            text[length > 0 ? length : 0] = '\0';
            value = strchr(text, ':');
            value = value != NULL ? value + 1 + strspn(value + 1, " \t") : "";
            snprintf(out, size, "%s", strlen(value) < size ? value : "");
        }
    }
    return count;
}

int refer_timer_start(pj_timer_entry *timer, unsigned milliseconds)
{
    pj_time_val delay = {(long)(milliseconds / 1000), (long)(milliseconds % 1000)};

    if (pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), timer, &delay) != PJ_SUCCESS) {
        ast_error_limited("refer: no timer");
        return -1;
    }
    timer->id = 1;
    return 0;
}

void refer_timer_stop(pj_timer_entry *timer)
{
    if (timer->id == 1) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), timer);
        timer->id = 0;
    }
}

/* ---- start and stop ---- */

int refer_dialogs_start(void)
{
    if (ast_sip_register_service(&usage) != 0) {
        return -1;
    }
    if (ast_sip_register_service(&sender) != 0) {
        ast_sip_unregister_service(&usage);
        return -1;
    }
    return 0;
}

/* Transactions outlive this module: they forget it. */
void refer_dialogs_stop(void)
{
    while (!pj_list_empty(&requests)) {
        struct request *request = requests.next;
        pjsip_transaction *tsx = request->tsx;

        tsx->mod_data[sender.id] = NULL;
        tsx->tsx_user = NULL;
        pjsip_tsx_terminate(tsx, PJSIP_SC_SERVICE_UNAVAILABLE);
        free_request(request);
    }
    while (!pj_list_empty(&dialogs)) {
        destroy(dialogs.next);
    }
    ast_sip_unregister_service(&sender);
    ast_sip_unregister_service(&usage);
}
