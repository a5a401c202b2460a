/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: a new INVITE becomes a session. Its offer goes to the SDP handlers first, then
 * the extensions see it, the channel driver first and last of all.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* Answers outside of any dialog: the INVITE never became a session. */
static void refuse(pjsip_rx_data *rdata, int code)
{
    pjsip_endpt_respond_stateless(ast_sip_get_pjsip_endpoint(), rdata, code, NULL, NULL, NULL);
}

/* RFC 3261 8.2.3 */
static void refuse_body(pjsip_rx_data *rdata)
{
    pjsip_endpoint *endpt = ast_sip_get_pjsip_endpoint();
    const pjsip_hdr *accept = pjsip_endpt_get_capability(endpt, PJSIP_H_ACCEPT, NULL);
    pjsip_hdr headers;

    pj_list_init(&headers);
    if (accept != NULL) {
        pj_list_push_back(&headers, pjsip_hdr_shallow_clone(rdata->tp_info.pool, accept));
    }
    pjsip_endpt_respond_stateless(endpt, rdata, PJSIP_SC_UNSUPPORTED_MEDIA_TYPE, NULL, &headers,
                                  NULL);
}

static int requires(const pjsip_msg *msg, const pj_str_t *tag)
{
    const pjsip_hdr *at = (const pjsip_hdr *)&msg->hdr;

    for (at = at->next; at != (const pjsip_hdr *)&msg->hdr; at = at->next) {
        const pjsip_require_hdr *require = (const pjsip_require_hdr *)at;

        for (unsigned i = 0; at->type == PJSIP_H_REQUIRE && i < require->count; ++i) {
            if (pj_stricmp(&require->values[i], tag) == 0) {
                return 1;
            }
        }
    }
    return 0;
}

/* `100rel = no`: PJSIP would take what it has a module for (RFC 3262 3, RFC 3261 8.2.2.3). */
static void refuse_100rel(pjsip_rx_data *rdata, const pj_str_t *tag)
{
    pjsip_unsupported_hdr *unsupported = pjsip_unsupported_hdr_create(rdata->tp_info.pool);
    pjsip_hdr headers;

    unsupported->count = 1;
    unsupported->values[0] = *tag;
    pj_list_init(&headers);
    pj_list_push_back(&headers, unsupported);
    pjsip_endpt_respond_stateless(ast_sip_get_pjsip_endpoint(), rdata, PJSIP_SC_BAD_EXTENSION, NULL,
                                  &headers, NULL);
}

/* RFC 3261 8.2: Contact, Require, body. 0: fine; -1: refused. */
static int verify(pjsip_rx_data *rdata, unsigned *options)
{
    const pj_str_t timer = {(char *)"timer", 5}, rel100 = {(char *)"100rel", 6};
    pjsip_endpoint *endpt = ast_sip_get_pjsip_endpoint();
    pjsip_tx_data *tdata = NULL;
    pjsip_response_addr where;
    pj_status_t status;

    if (!(*options & PJSIP_INV_SUPPORT_100REL) && !(*options & PJSIP_INV_REQUIRE_100REL) &&
        requires(rdata->msg_info.msg, &rel100)) {
        refuse_100rel(rdata, &rel100);
        return -1;
    }
    /* What is required of session timers is an extension's matter; PJSIP's own timers stay off. */
    if (session_takes_option_tag(&timer)) {
        *options |= PJSIP_INV_SUPPORT_TIMER;
    }
    status = pjsip_inv_verify_request(rdata, options, NULL, NULL, endpt, &tdata);
    *options &= ~(unsigned)(PJSIP_INV_SUPPORT_TIMER | PJSIP_INV_REQUIRE_TIMER);
    if (status == PJ_SUCCESS) {
        return 0;
    }
    if (tdata == NULL) {
        refuse(rdata, PJSIP_SC_INTERNAL_SERVER_ERROR);
    } else if (pjsip_get_response_addr(tdata->pool, rdata, &where) != PJ_SUCCESS ||
               pjsip_endpt_send_response(endpt, &where, tdata, NULL, NULL) != PJ_SUCCESS) {
        pjsip_tx_data_dec_ref(tdata);
    }
    return -1;
}

/* Makes dialog, invite session and session; on success the dialog is locked once. NULL: answered.
 */
static struct ast_sip_session *make_session(struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata,
                                            unsigned options)
{
    struct ast_sip_session *session;
    pjsip_transport_type_e type;
    pjsip_tpselector selector;
    pjsip_inv_session *inv;
    pj_sockaddr address;
    pjsip_dialog *dlg;
    pj_str_t contact;

    if (sip_local_address(rdata, endpoint, NULL, &address, &type) != 0 ||
        sip_make_contact(rdata->tp_info.pool, rdata, endpoint, NULL, &contact) != 0 ||
        pjsip_dlg_create_uas_and_inc_lock(pjsip_ua_instance(), rdata, &contact, &dlg) !=
            PJ_SUCCESS) {
        refuse(rdata, PJSIP_SC_INTERNAL_SERVER_ERROR);
        return NULL;
    }
    if (sip_symmetric_selector(rdata, endpoint, &selector)) {
        pjsip_dlg_set_transport(dlg, &selector);
    }
    if (pjsip_inv_create_uas(dlg, rdata, NULL, options, &inv) != PJ_SUCCESS) {
        pjsip_dlg_respond(dlg, rdata, PJSIP_SC_INTERNAL_SERVER_ERROR, NULL, NULL, NULL);
        pjsip_dlg_dec_lock(dlg);
        return NULL;
    }
    session = session_create(endpoint, dlg, inv, 0);
    if (session == NULL) {
        pjsip_dlg_respond(dlg, rdata, PJSIP_SC_SERVICE_UNAVAILABLE, NULL, NULL, NULL);
        inv_drop(inv, PJSIP_SC_SERVICE_UNAVAILABLE);
        pjsip_dlg_dec_lock(dlg);
        return NULL;
    }
    pj_sockaddr_set_port(&address, 0);
    session->priv->address = address;
    sip_dialog_set_endpoint(dlg, endpoint);
    session_merged_add(session);
    session_peer_learn(session, rdata);
    return session;
}

void session_on_new_invite(pjsip_rx_data *rdata)
{
    struct ast_sip_endpoint *endpoint = ast_pjsip_rdata_get_endpoint(rdata);
    const pjmedia_sdp_session *offer;
    struct ast_sip_session *session;
    unsigned options;
    pjsip_dialog *dlg;

    if (endpoint == NULL) { /* the distributor lets nobody through whom it does not know */
        refuse(rdata, PJSIP_SC_FORBIDDEN);
        return;
    }
    if (session_is_merged(rdata)) {
        refuse(rdata, PJSIP_SC_LOOP_DETECTED);
        return;
    }
    if (session_has_idle_body(rdata)) {
        rdata->msg_info.msg->body = NULL;
    }
    options = inv_options(endpoint);
    if (verify(rdata, &options) != 0) {
        return;
    }
    if (session_has_foreign_body(rdata)) {
        refuse_body(rdata);
        return;
    }
    if (session_sdp_of(rdata) == NULL) {
        rdata->msg_info.msg->body = NULL; /* nothing that need be understood (RFC 3261 20.11) */
    }
    options |= inv_wishes(endpoint, rdata);
    session = make_session(endpoint, rdata, options);
    if (session == NULL) {
        return;
    }
    dlg = session->priv->dlg;
    ast_sip_session_ref(session);
    session_set_state(session, AST_SIP_SESSION_STATE_INCOMING);
    session->priv->invite = rdata;
    session_begin(session);

    offer = inv_pending_offer(session->inv_session);
    if (offer != NULL && session_sdp_incoming(session, rdata, offer, 1) != 0) {
        session_refuse_media(session);
    } else if (session_hook_request(session, rdata) == 0) {
        session_answer_trying(session);
    }
    session->priv->invite = NULL;
    ast_sip_session_unref(session);
    pjsip_dlg_dec_lock(dlg);
}
