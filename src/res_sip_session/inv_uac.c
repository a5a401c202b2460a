/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the glue to PJSIP's invite session where the INVITE that begins a session of
 * ours is sent again. Besides inv*.c no file reads or writes the members of pjsip_inv_session.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

int inv_is_first_invite(const pjsip_inv_session *inv, const pjsip_transaction *tsx)
{
    if (inv->role != PJSIP_ROLE_UAC || tsx == NULL || tsx->method.id != PJSIP_INVITE_METHOD) {
        return 0;
    }
    if (inv->state == PJSIP_INV_STATE_NULL) { /* it fails while it is being sent */
        return inv->invite_tsx == NULL || inv->invite_tsx == tsx;
    }
    return inv->invite_tsx == tsx &&
           (inv->state == PJSIP_INV_STATE_CALLING || inv->state == PJSIP_INV_STATE_EARLY);
}

int inv_was_refused(const pjsip_inv_session *inv)
{
    return inv->invite_tsx != NULL && inv_is_first_invite(inv, inv->invite_tsx) &&
           inv->invite_tsx->status_code >= 300;
}

pjsip_tx_data *inv_invite_request(const pjsip_inv_session *inv)
{
    return inv->invite_req;
}

/* Our Contact as the new target sees us. */
static void exchange_contact(pjsip_inv_session *inv, pjsip_tx_data *tdata, const pj_str_t *contact)
{
    const pj_str_t name = pj_str("Contact");
    pjsip_hdr *old = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CONTACT, NULL);
    pjsip_contact_hdr *made;
    pj_str_t text;

    if (old == NULL) {
        return;
    }
    pj_strdup_with_null(inv->dlg->pool, &text, contact);
    made = pjsip_parse_hdr(inv->dlg->pool, &name, text.ptr, (pj_size_t)text.slen, NULL);
    if (made != NULL) {
        inv->dlg->local.contact = made;
        pj_list_insert_after(old, pjsip_hdr_clone(tdata->pool, made));
        pj_list_erase(old);
    }
}

/* PJSIP gives an INVITE the dialog's routes only once, when it makes it. */
static void exchange_routes(pjsip_inv_session *inv, pjsip_tx_data *tdata,
                            const pjsip_route_hdr *routes)
{
    pjsip_route_hdr *at;

    pjsip_dlg_set_route_set(inv->dlg, routes);
    while (pjsip_msg_find_remove_hdr(tdata->msg, PJSIP_H_ROUTE, NULL) != NULL) {
    }
    for (at = inv->dlg->route_set.next; at != &inv->dlg->route_set; at = at->next) {
        pjsip_msg_add_hdr(tdata->msg, pjsip_hdr_clone(tdata->pool, at));
    }
}

static void redirect(pjsip_inv_session *inv, pjsip_tx_data *tdata, const struct inv_way *way)
{
    tdata->msg->line.req.uri = pjsip_uri_clone(tdata->pool, way->uri);
    pj_bzero(&tdata->dest_info, sizeof(tdata->dest_info));
    sip_auth_forget(tdata);
    exchange_contact(inv, tdata, way->contact);
    if (way->routes != NULL) {
        exchange_routes(inv, tdata, way->routes);
    }
    if (way->flow != NULL) {
        sip_flow_direct(way->flow, tdata);
    }
}

/* RFC 3261 8.1.3.4, 8.1.3.5: the same message but for CSeq, branch and what is said here. */
static void prepare(pjsip_inv_session *inv, pjsip_tx_data *tdata, const struct inv_way *way)
{
    pjsip_via_hdr *via = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_VIA, NULL);

    pjsip_restore_strict_route_set(tdata);
    if (via != NULL) {
        via->branch_param.slen = 0;
    }
    if (way != NULL) {
        redirect(inv, tdata, way);
    }
    pjsip_tx_data_invalidate_msg(tdata);
}

/* A list of addresses with the names that it borrows. */
static void copy_destination(pjsip_tx_data *copy, const pjsip_tx_data *tdata)
{
    unsigned i;

    copy->dest_info = tdata->dest_info;
    pj_strdup(copy->pool, &copy->dest_info.name, &tdata->dest_info.name);
    for (i = 0; i < copy->dest_info.addr.count; i++) {
        pj_strdup(copy->pool, &copy->dest_info.addr.entry[i].name,
                  &tdata->dest_info.addr.entry[i].name);
    }
}

/*
 * A connection that does not come up still holds what is to be sent by it, for as long as the system
 * tries: PJSIP would not send it again. NULL: no memory.
 */
static pjsip_tx_data *copy_request(const pjsip_tx_data *tdata)
{
    pjsip_tx_data *copy;

    if (pjsip_endpt_create_tdata(ast_sip_get_pjsip_endpoint(), &copy) != PJ_SUCCESS) {
        return NULL;
    }
    copy->msg = pjsip_msg_clone(copy->pool, tdata->msg);
    copy->auth_retry = tdata->auth_retry;
    if (tdata->saved_strict_route != NULL) {
        copy->saved_strict_route = pjsip_hdr_clone(copy->pool, tdata->saved_strict_route);
    }
    copy_destination(copy, tdata);
    session_mark_sent(copy);
    return copy;
}

int inv_send_again(pjsip_inv_session *inv, pjsip_transaction *tsx, const struct inv_way *way)
{
    pjsip_tx_data *tdata = inv->invite_req;
    pj_status_t status;

    if (tdata != NULL && tdata->is_pending) {
        tdata = copy_request(tdata);
    }
    if (tdata == NULL) {
        return -1;
    }
    prepare(inv, tdata, way);
    pjsip_inv_uac_restart(inv, PJ_FALSE);
    pjsip_tx_data_add_ref(tdata);
    status = pjsip_inv_send_msg(inv, tdata);
    if (status != PJ_SUCCESS && (inv->invite_tsx == NULL || inv->invite_tsx == tsx)) {
        char text[PJ_ERR_MSG_SIZE];

        pj_strerror(status, text, sizeof(text));
        ast_warning_limited("Cannot send an INVITE again: %s", text);
        if (inv->state != PJSIP_INV_STATE_DISCONNECTED) { /* as before: the old one has failed */
            inv->state = PJSIP_INV_STATE_CALLING;
            inv->invite_tsx = tsx;
        }
        return -1;
    }
    /* It may have failed at once, and gone somewhere else by now (retry.c). */
    /*
     * PJSIP's invite usage sees the old transaction next. It is none of the session's any more, but
     * a 408 or 481 of it would still count as the dialog's end.
     */
    tsx->status_code = PJSIP_SC_TEMPORARILY_UNAVAILABLE;
    return 0;
}

void inv_add_credentials(pjsip_inv_session *inv, pjsip_tx_data *ack)
{
    const pjsip_transaction *tsx = inv->invite_tsx;

    if (tsx != NULL && tsx->role == PJSIP_ROLE_UAC && tsx->last_tx != NULL &&
        tsx->last_tx->msg->line.req.method.id == PJSIP_INVITE_METHOD) {
        sip_auth_copy(ack, tsx->last_tx);
    }
}

int inv_has_next_server(const pjsip_inv_session *inv)
{
    const pjsip_tx_data *tdata = inv->invite_req;

    return tdata != NULL && tdata->dest_info.cur_addr + 1 < tdata->dest_info.addr.count;
}

int inv_send_to_next_server(pjsip_inv_session *inv, pjsip_transaction *tsx)
{
    ++inv->invite_req->dest_info.cur_addr;
    return inv_send_again(inv, tsx, NULL);
}
