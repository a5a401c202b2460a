/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: where the peer of a dialog is reached, its remote target, changes with the
 * Contact of a re-INVITE, UPDATE or the like (RFC 3261 12.2). PJSIP would copy each new one into
 * the dialog's pool, which keeps it as long as the call lives. Here it is taken before PJSIP sees
 * it, into a pool of its own, so that a peer that moves all the time costs nothing; PJSIP finds
 * that nothing has changed then.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* Before PJSIP's transactions, and behind what rewrites Contacts of peers beyond a NAT. */
#define PRIORITY_RESPONSES (PJSIP_MOD_PRIORITY_TSX_LAYER - 1)
/* Behind the distributor, which may refuse the Contact; before dialogs. */
#define PRIORITY_REQUESTS (PJSIP_MOD_PRIORITY_UA_PROXY_LAYER - 1)

static void take(struct ast_sip_session *session, const pjsip_rx_data *rdata)
{
    struct session_target *target = &session->priv->target;
    pjsip_dialog *dlg = session->priv->dlg;
    const pjsip_contact_hdr *contact =
        pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_CONTACT, NULL);
    pj_pool_t *pool;

    if (contact == NULL || contact->uri == NULL || dlg->remote.contact == NULL ||
        pjsip_uri_cmp(PJSIP_URI_IN_REQ_URI, dlg->remote.contact->uri, contact->uri) == PJ_SUCCESS) {
        return;
    }
    pool = pj_pool_create(dlg->pool->factory, "target", 1000, 1000, NULL);
    if (pool == NULL) {
        return; /* PJSIP does it */
    }
    target->contact = pjsip_hdr_clone(pool, contact);
    dlg->remote.contact = target->contact;
    dlg->target = target->contact->uri;
    if (target->pool != NULL) {
        pj_pool_release(target->pool);
    }
    target->pool = pool;
}

void session_target_release(struct ast_sip_session *session)
{
    struct session_target *target = &session->priv->target;
    pjsip_dialog *dlg = session->priv->dlg;

    if (target->pool == NULL) {
        return;
    }
    if (dlg->remote.contact == target->contact) { /* others may go on in the dialog */
        dlg->remote.contact = pjsip_hdr_clone(dlg->pool, target->contact);
        dlg->target = dlg->remote.contact->uri;
    }
    pj_pool_release(target->pool);
    target->pool = NULL;
}

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    struct ast_sip_session *session;
    pjsip_dialog *dlg;

    if (rdata->msg_info.to->tag.slen == 0 ||
        !pjsip_method_creates_dialog(&rdata->msg_info.cseq->method)) {
        return PJ_FALSE;
    }
    dlg = pjsip_ua_find_dialog(&rdata->msg_info.cid->id, &rdata->msg_info.to->tag,
                               &rdata->msg_info.from->tag, PJ_FALSE);
    session = session_of_dialog(dlg);
    /* Out of order: PJSIP refuses it with 500 (RFC 3261 12.2.2). */
    if (session != NULL && rdata->msg_info.cseq->cseq > dlg->remote.cseq) {
        take(session, rdata);
    }
    return PJ_FALSE;
}

/* The first 2xx is PJSIP's: it makes the dialog. */
static pj_bool_t on_response(pjsip_rx_data *rdata)
{
    struct ast_sip_session *session;
    pjsip_transaction *tsx;
    pj_str_t key;

    if (rdata->msg_info.msg->line.status.code / 100 != 2 ||
        !pjsip_method_creates_dialog(&rdata->msg_info.cseq->method) ||
        pjsip_tsx_create_key(rdata->tp_info.pool, &key, PJSIP_ROLE_UAC,
                             &rdata->msg_info.cseq->method, rdata) != PJ_SUCCESS) {
        return PJ_FALSE;
    }
    tsx = pjsip_tsx_layer_find_tsx2(&key, PJ_FALSE);
    session = tsx != NULL && tsx->state < PJSIP_TSX_STATE_COMPLETED
                  ? session_of_dialog(pjsip_tsx_get_dlg(tsx))
                  : NULL;
    if (session != NULL && session->priv->state == AST_SIP_SESSION_STATE_CONFIRMED) {
        take(session, rdata);
    }
    return PJ_FALSE;
}

pjsip_module session_target_requests = {
    .name = {(char *)"mod-session-target", 18},
    .id = -1,
    .priority = PRIORITY_REQUESTS,
    .on_rx_request = on_request,
};

pjsip_module session_target_responses = {
    .name = {(char *)"mod-session-target-2xx", 22},
    .id = -1,
    .priority = PRIORITY_RESPONSES,
    .on_rx_response = on_response,
};
