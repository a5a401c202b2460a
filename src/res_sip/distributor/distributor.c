/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: between PJSIP's transactions and everything above: a request that begins something is
 * let through when it is known who sent it. Nothing here acts on what a request wants.
 *
 * Requests within a dialog of ours pass: who knows its Call-ID and both tags takes part in it (RFC
 * 3261 12.2.2); unless the configuration wants them to be authenticated, too. Retransmissions end
 * in PJSIP's transactions before they come here.
 */
#include <sipsession/log.h>

#include "res_sip/access/access.h"
#include "res_sip/auth/auth.h"
#include "res_sip/distributor/distributor.h"
#include "res_sip/message/message.h"
#include "res_sip/transport/transport.h"

static pj_bool_t on_request(pjsip_rx_data *rdata);

static pjsip_module distributor = {
    .name = SIP_STR("mod-sip-distributor"),
    .id = -1,
    .priority = SIP_PRIORITY_DISTRIBUTOR,
    .on_rx_request = on_request,
};

/* The reference behind the endpoint of the message that is being worked on. */
static struct ast_sip_endpoint *held;

void sip_distributor_release(void)
{
    if (held) {
        ast_sip_endpoint_unref(held);
        held = NULL;
    }
}

void sip_dialog_set_endpoint(pjsip_dialog *dlg, struct ast_sip_endpoint *endpoint)
{
    base_assert_sip_thread();
    dlg->mod_data[sip_endpoint_slot] = endpoint;
    sip_auth_set(&dlg->auth_sess, endpoint);
    sip_nat_expect(endpoint);
}

/* Answers also from behind a NAT when the peer did not ask for it (RFC 3581, `force_rport`). */
static void force_rport(pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint)
{
    if (endpoint && endpoint->force_rport && rdata->msg_info.via->rport_param < 0) {
        rdata->msg_info.via->rport_param = rdata->pkt_info.src_port;
    }
}

static void give_endpoint(pjsip_rx_data *rdata, struct ast_sip_endpoint *endpoint)
{
    rdata->endpt_info.mod_data[sip_endpoint_slot] = endpoint;
    force_rport(rdata, endpoint);
    sip_nat_rewrite(rdata, endpoint);
}

/* The dialog of ours that a request is in, or NULL. */
static pjsip_dialog *find_dialog(const pjsip_rx_data *rdata)
{
    const pj_str_t *call_id = &rdata->msg_info.cid->id;
    const pj_str_t *to_tag = &rdata->msg_info.to->tag;
    const pj_str_t no_tag = {NULL, 0};
    pjsip_dialog *dlg;

    if (to_tag->slen == 0 || rdata->msg_info.msg->line.req.method.id == PJSIP_REGISTER_METHOD) {
        return NULL;
    }
    dlg = pjsip_ua_find_dialog(call_id, to_tag, &rdata->msg_info.from->tag, PJ_FALSE);
    if (!dlg) { /* ours, and its first answer was overtaken by this request */
        dlg = pjsip_ua_find_dialog(call_id, to_tag, &no_tag, PJ_FALSE);
    }
    return dlg;
}

/*
 * CANCEL is never challenged (RFC 3261 22.1) and has no To tag: what it cancels decides (9.2).
 * TRUE: answered.
 */
static pj_bool_t on_cancel(pjsip_rx_data *rdata)
{
    pjsip_transaction *invite;
    pjsip_dialog *dlg;
    pj_str_t key;

    if (pjsip_tsx_create_key(rdata->tp_info.pool, &key, PJSIP_ROLE_UAS, pjsip_get_invite_method(),
                             rdata) != PJ_SUCCESS) {
        return PJ_TRUE;
    }
    invite = pjsip_tsx_layer_find_tsx2(&key, PJ_FALSE);
    if (!invite && !sip_access_check(rdata)) {
        return PJ_TRUE;
    }
    if (!invite) {
        sip_respond(rdata, PJSIP_SC_CALL_TSX_DOES_NOT_EXIST, NULL, NULL);
        return PJ_TRUE;
    }
    dlg = pjsip_tsx_get_dlg(invite);
    if (!dlg) { /* it was refused before there was a dialog: nothing is left to cancel */
        sip_respond(rdata, PJSIP_SC_OK, NULL, NULL);
        return PJ_TRUE;
    }
    give_endpoint(rdata, dlg->mod_data[sip_endpoint_slot]);
    return PJ_FALSE;
}

static void respond_stopping(pjsip_rx_data *rdata)
{
    pjsip_hdr list;

    pj_list_init(&list);
    pj_list_push_back(&list, pjsip_retry_after_hdr_create(rdata->tp_info.pool, 30));
    sip_respond(rdata, PJSIP_SC_SERVICE_UNAVAILABLE, NULL, &list);
}

/* RFC 5031: urn:service:sos and its kin name what is wanted, not where it is. */
static int is_service(const pjsip_uri *uri)
{
    const pjsip_other_uri *other = (const pjsip_other_uri *)uri;

    return pj_stricmp2(pjsip_uri_get_scheme(uri), "urn") == 0 &&
           pj_strnicmp2(&other->content, "service:", 8) == 0;
}

/* What the message itself forbids, once it is known who sent it (RFC 3261 8.2.2.1, 16.3). 0, or a
 * status. */
static int refuse(const pjsip_rx_data *rdata)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    const pjsip_uri *uri = msg->line.req.uri;

    if (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri) &&
        !PJSIP_URI_SCHEME_IS_TEL(uri) && !is_service(uri)) {
        return PJSIP_SC_UNSUPPORTED_URI_SCHEME;
    }
    if (rdata->msg_info.max_fwd && rdata->msg_info.max_fwd->ivalue == 0 &&
        msg->line.req.method.id != PJSIP_OPTIONS_METHOD) {
        return PJSIP_SC_TOO_MANY_HOPS;
    }
    return rdata->msg_info.to->tag.slen && msg->line.req.method.id != PJSIP_REGISTER_METHOD
               ? PJSIP_SC_CALL_TSX_DOES_NOT_EXIST
               : 0;
}

static void send_response(pjsip_rx_data *rdata, pjsip_tx_data *tdata)
{
    pjsip_response_addr address;

    if (pjsip_get_response_addr(tdata->pool, rdata, &address) != PJ_SUCCESS ||
        pjsip_endpt_send_response(sip_endpt, &address, tdata, NULL, NULL) != PJ_SUCCESS) {
        pjsip_tx_data_dec_ref(tdata);
    }
}

/* 1: the endpoint's credentials are good. 0: it was answered. */
static int check_credentials(struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata)
{
    enum ast_sip_check_auth_result result;
    pjsip_tx_data *tdata;

    if (pjsip_endpt_create_response(sip_endpt, rdata, PJSIP_SC_UNAUTHORIZED, NULL, &tdata) !=
        PJ_SUCCESS) {
        return 0;
    }
    result = ast_sip_check_authentication(endpoint, rdata, tdata);
    if (result == AST_SIP_AUTHENTICATION_SUCCESS &&
        endpoint == ast_sip_get_artificial_endpoint()) { /* nobody's are: it was no challenge */
        result = sip_own_authenticator.check_authentication(endpoint, rdata, tdata);
    }
    if (result == AST_SIP_AUTHENTICATION_CHALLENGE || result == AST_SIP_AUTHENTICATION_FAILED) {
        send_response(rdata, tdata);
        return 0;
    }
    pjsip_tx_data_dec_ref(tdata);
    if (result == AST_SIP_AUTHENTICATION_ERROR) {
        sip_respond(rdata, PJSIP_SC_INTERNAL_SERVER_ERROR, NULL, NULL);
        return 0;
    }
    return endpoint != ast_sip_get_artificial_endpoint();
}

/* 1: the endpoint's credentials are good, or it needs none. 0: it was answered. */
static int authenticate(struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata)
{
    return !ast_sip_requires_authentication(endpoint, rdata) || check_credentials(endpoint, rdata);
}

/* Operators want to know of strangers, of whom there are many: one line a second. */
static void tell_of_stranger(const pjsip_rx_data *rdata)
{
    static struct ast_log_limit limit =
        AST_LOG_LIMIT(AST_LOG_NOTICE, 1, "a request of nobody we know");

    ast_log_limited(&limit, AST_LOG_NOTICE, "a request of nobody we know, from %s:%d",
                    rdata->pkt_info.src_name, rdata->pkt_info.src_port);
}

/* Nobody's request, or one from where its endpoint may not be: no answer tells which. */
static void on_stranger(pjsip_rx_data *rdata)
{
    struct ast_sip_endpoint *nobody = ast_sip_get_artificial_endpoint();

    if (sip_get_config()->access.ban_strangers) {
        sip_access_failed(rdata);
    }
    force_rport(rdata, nobody); /* where the answer goes would tell, too */
    check_credentials(nobody, rdata);
}

/* 1: a request of an endpoint may come from where it does. */
static int is_permitted(const struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata)
{
    return sip_access_from(sip_get_config()->acl, endpoint, rdata) &&
           sip_access_from(endpoint->acl, endpoint, rdata);
}

/* 1: what it names as Contact is where we may send to. */
static int has_permitted_contacts(const struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata)
{
    return sip_access_contacts(sip_get_config()->contact_acl, endpoint, rdata) &&
           sip_access_contacts(endpoint->contact_acl, endpoint, rdata);
}

/* The endpoint that sent a request, and may from there; a new reference. NULL: it was answered. */
static struct ast_sip_endpoint *identify(pjsip_rx_data *rdata)
{
    struct ast_sip_endpoint *endpoint = ast_sip_identify_endpoint(rdata);

    if (!endpoint) {
        sip_counters.unidentified++;
        tell_of_stranger(rdata);
        sip_access_unidentified(rdata);
    } else if (is_permitted(endpoint, rdata)) {
        return endpoint;
    }
    ast_sip_endpoint_unref(endpoint);
    on_stranger(rdata);
    return NULL;
}

/* A request that begins something. TRUE: answered here. */
static pj_bool_t on_beginning(pjsip_rx_data *rdata)
{
    struct ast_sip_endpoint *endpoint = identify(rdata);
    int code;

    if (!endpoint) {
        return PJ_TRUE;
    }
    sip_distributor_release();
    held = endpoint;
    give_endpoint(rdata, endpoint);
    if (!authenticate(endpoint, rdata)) {
        return PJ_TRUE;
    }
    code = has_permitted_contacts(endpoint, rdata) ? refuse(rdata) : PJSIP_SC_FORBIDDEN;
    if (code) {
        sip_respond(rdata, code, NULL, NULL);
        return PJ_TRUE;
    }
    if (sip_is_stopping()) {
        respond_stopping(rdata);
        return PJ_TRUE;
    }
    return PJ_FALSE;
}

/* A request within a dialog. TRUE: answered here, or an ACK that does not count. */
static pj_bool_t on_dialog(pjsip_dialog *dlg, pjsip_rx_data *rdata)
{
    struct ast_sip_endpoint *endpoint = dlg->mod_data[sip_endpoint_slot];
    int is_ack = rdata->msg_info.msg->line.req.method.id == PJSIP_ACK_METHOD;

    give_endpoint(rdata, endpoint);
    if (!endpoint) {
        return PJ_FALSE;
    }
    endpoint = sip_endpoint_now(endpoint);
    if (!is_permitted(endpoint, rdata)) {
        if (!is_ack) {
            on_stranger(rdata);
        }
        return PJ_TRUE;
    }
    if (is_ack) {
        return PJ_FALSE; /* it can be neither challenged nor refused */
    }
    if (sip_get_config()->authentication.in_dialog && !authenticate(endpoint, rdata)) {
        return PJ_TRUE;
    }
    if (!has_permitted_contacts(endpoint, rdata)) { /* it would be the target from now on */
        sip_respond(rdata, PJSIP_SC_FORBIDDEN, NULL, NULL);
        return PJ_TRUE;
    }
    return PJ_FALSE;
}

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    pjsip_dialog *dlg;

    if (rdata->msg_info.msg->line.req.method.id == PJSIP_CANCEL_METHOD) {
        return on_cancel(rdata);
    }
    dlg = find_dialog(rdata);
    if (dlg) {
        return on_dialog(dlg, rdata);
    }
    if (rdata->msg_info.msg->line.req.method.id == PJSIP_ACK_METHOD) {
        return PJ_TRUE; /* of an answer that had no transaction */
    }
    if (sip_transport_is_retired(rdata->tp_info.transport) &&
        rdata->tp_info.transport->flag & PJSIP_TRANSPORT_DATAGRAM) {
        return PJ_TRUE; /* as if nobody listened there; a connection was made before that */
    }
    if (!sip_access_check(rdata)) {
        return PJ_TRUE;
    }
    return on_beginning(rdata);
}

int sip_distributor_start(void)
{
    held = NULL;
    if (sip_module_register(&distributor) != 0) {
        return -1;
    }
    sip_endpoint_slot = distributor.id;
    return 0;
}
