/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: sessions that we begin, and the requests that we send in them.
 */
#include <stdio.h>
#include <string.h>

#include <sipsession/address.h>
#include <sipsession/location.h>
#include <sipsession/log.h>

#include "res_sip_session/session.h"

#define MOST_REDIRECTIONS 10

void ast_sip_session_outgoing_init(struct ast_sip_session_outgoing *outgoing)
{
    memset(outgoing, 0, sizeof(*outgoing));
}

/* Who calls: the caller given, else the endpoint's callerid. */
static const struct ast_party_id *find_caller(const struct ast_sip_session_outgoing *outgoing)
{
    return outgoing->caller.name[0] == '\0' && outgoing->caller.number[0] == '\0'
               ? &outgoing->endpoint->callerid
               : &outgoing->caller;
}

/* The URI may be in angle brackets; PJSIP wants it alone in the request line and bracketed in To.
 */
static const pjsip_uri *parse_target(pj_pool_t *pool, const char *text, pj_str_t *target)
{
    pjsip_uri *uri;
    char *copy;

    copy = pj_pool_alloc(pool, strlen(text) + 1);
    strcpy(copy, text);
    uri = pjsip_parse_uri(pool, copy, strlen(copy), 0);
    if (uri == NULL || (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri))) {
        ast_error_limited("'%s' is not a SIP URI: expected sip:user@host", text);
        return NULL;
    }
    pj_strdup2_with_null(pool, target, text);
    return pjsip_uri_get_uri(uri);
}

/* A telephone number, global or local, with visual separators (RFC 3966 3). */
static int is_number(const pj_str_t *user)
{
    pj_ssize_t at = user->slen > 0 && user->ptr[0] == '+';
    int digits = 0;

    for (; at < user->slen; ++at) {
        if (user->ptr[at] >= '0' && user->ptr[at] <= '9') {
            digits = 1;
        } else if (user->ptr[at] == '\0' || strchr("-.()*#", user->ptr[at]) == NULL) {
            return 0;
        }
    }
    return digits;
}

/* RFC 3261 19.1.1: says of a URI that its user is a telephone number, when it is one. */
static void say_phone(pj_pool_t *pool, const pjsip_uri *target, pj_str_t *text)
{
    pjsip_sip_uri *uri = (pjsip_sip_uri *)target;
    char printed[AST_SIP_ADDRESS_SIZE];
    int length;

    if (!is_number(&uri->user) || uri->user_param.slen > 0) {
        return;
    }
    uri->user_param = pj_str("phone");
    length = pjsip_uri_print(PJSIP_URI_IN_OTHER, uri, printed, sizeof(printed) - 1);
    if (length > 0) {
        printed[length] = '\0';
        pj_strdup2_with_null(pool, text, printed);
    }
}

const struct ast_sip_endpoint *session_endpoint_for_contact(const struct ast_sip_endpoint *endpoint,
                                                            const struct ast_party_id *caller,
                                                            struct ast_sip_endpoint *copy)
{
    if (!sip_get_config()->global.use_callerid_contact || caller->number[0] == '\0' ||
        (caller->presentation != AST_PARTY_ALLOWED && !endpoint->trust_id_outbound) ||
        (endpoint->contact_user != NULL && endpoint->contact_user[0] != '\0')) {
        return endpoint;
    }
    *copy = *endpoint;
    copy->contact_user = (char *)caller->number;
    return copy;
}

/* Without a URI a call goes to where the endpoint is, on the path to there; 0, -1 logged. */
static int find_target(struct ast_sip_session_outgoing *outgoing,
                       const struct ast_sip_contact **found)
{
    const struct ast_sip_contact *contact;

    if (outgoing->uri != NULL && outgoing->uri[0] != '\0') {
        *found = NULL;
        return 0;
    }
    contact = ast_sip_endpoint_contact(outgoing->endpoint);
    if (contact == NULL) {
        ast_notice_limited("Endpoint %s cannot be reached: it has no contact",
                           outgoing->endpoint->name);
        return -1;
    }
    outgoing->uri = contact->uri;
    *found = contact;
    return 0;
}

int session_find_flow(const struct ast_sip_contact *contact, struct sip_flow *flow)
{
    flow->transport = NULL;
    return contact == NULL || contact->flow == NULL ? 0 : sip_flow_find(contact->flow, flow);
}

int session_routes_to(const struct ast_sip_endpoint *endpoint,
                      const struct ast_sip_contact *contact, pj_pool_t *pool,
                      pjsip_route_hdr *routes)
{
    return sip_outbound_route(pool, endpoint, routes) != 0 ||
                   (contact != NULL && contact->path != NULL &&
                    sip_contact_route(pool, contact->path, routes) != 0)
               ? -1
               : 0;
}

void session_leave_flow(struct ast_sip_session *session)
{
    pjsip_tpselector selector;

    session->priv->flows.instance = NULL;
    if (session->priv->flow.addr.sa_family != 0 &&
        sip_transport_selector(session->endpoint, &selector) == 0) {
        session->priv->flow.addr.sa_family = 0;
        pjsip_dlg_set_transport(session->priv->dlg, &selector);
    }
}

/* To of a URI with parameters is in angle brackets (RFC 3261 20.10). */
static pj_str_t bracketed(pj_pool_t *pool, const pj_str_t *uri)
{
    pj_str_t text = *uri;

    if (memchr(uri->ptr, '<', (size_t)uri->slen) == NULL) {
        text.ptr = pj_pool_alloc(pool, (size_t)uri->slen + 3);
        text.slen = snprintf(text.ptr, (size_t)uri->slen + 3, "<%.*s>", (int)uri->slen, uri->ptr);
    }
    return text;
}

static pjsip_dialog *make_dialog(const struct ast_sip_session_outgoing *outgoing,
                                 const struct ast_sip_contact *to, const struct sip_flow *flow,
                                 pj_pool_t *pool, pj_sockaddr *address)
{
    const struct ast_party_id *caller = find_caller(outgoing);
    const struct ast_sip_endpoint *endpoint;
    struct ast_sip_endpoint copy, contact_copy;
    pjsip_transport_type_e type;
    pjsip_tpselector selector;
    pjsip_route_hdr route;
    char from[AST_SIP_ADDRESS_SIZE];
    const pjsip_uri *uri;
    pjsip_dialog *dlg;
    pj_str_t contact;
    pj_str_t target;
    pj_str_t remote;
    pj_str_t local;

    uri = parse_target(pool, outgoing->uri, &target);
    if (uri != NULL && outgoing->endpoint->user_eq_phone) {
        say_phone(pool, uri, &target);
    }
    endpoint =
        sip_symmetric_endpoint(outgoing->endpoint, to != NULL ? to->transport : NULL, uri, &copy);
    if (uri == NULL || sip_local_address(NULL, endpoint, uri, address, &type) != 0 ||
        sip_make_contact(pool, NULL, session_endpoint_for_contact(endpoint, caller, &contact_copy),
                         uri, &contact) != 0 ||
        sip_transport_selector(endpoint, &selector) != 0 ||
        session_print_from(outgoing->endpoint, caller, address, from, sizeof(from)) < 0) {
        return NULL;
    }
    if (flow->transport != NULL) {
        selector.type = PJSIP_TPSELECTOR_TRANSPORT;
        selector.u.transport = flow->transport;
    }
    local = pj_str(from);
    remote = bracketed(pool, &target);
    if (pjsip_dlg_create_uac(pjsip_ua_instance(), &local, &contact, &remote, &target, &dlg) !=
        PJ_SUCCESS) {
        ast_error_limited("Cannot make a dialog from %s to %s", from, outgoing->uri);
        return NULL;
    }
    pjsip_dlg_inc_lock(dlg);
    if (pjsip_dlg_set_transport(dlg, &selector) != PJ_SUCCESS ||
        session_routes_to(outgoing->endpoint, to, dlg->pool, &route) != 0 ||
        (!pj_list_empty(&route) && pjsip_dlg_set_route_set(dlg, &route) != PJ_SUCCESS)) {
        ast_error_limited("Cannot use the transport or the proxy of endpoint %s",
                          outgoing->endpoint->name);
        pjsip_dlg_dec_lock(dlg); /* destroys it */
        return NULL;
    }
    return dlg;
}

/* ---- the time of an INVITE ---- */

void session_stop_invite_timer(struct ast_sip_session *session)
{
    pj_timer_entry *entry = &session->priv->invite_timer;

    if (entry->id != 0) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), entry);
        entry->id = 0;
    }
}

/* Nobody has answered in the time that the caller gave it (deadline.c has the longest). */
static void on_invite_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct ast_sip_session *session = entry->user_data;

    (void)heap;
    entry->id = 0;
    ast_notice_limited("Session %s: no answer in time: giving it up", session->priv->dlg->obj_name);
    ast_sip_session_terminate(session, PJSIP_SC_REQUEST_TIMEOUT);
}

static void start_invite_timer(struct ast_sip_session *session, unsigned ms)
{
    pj_timer_entry *entry = &session->priv->invite_timer;
    const pj_time_val delay = {(long)(ms / 1000), (long)(ms % 1000)};

    session_stop_invite_timer(session);
    if (ms == 0) {
        return;
    }
    pj_timer_entry_init(entry, 1, session, on_invite_timer);
    if (pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), entry, &delay) != PJ_SUCCESS) {
        entry->id = 0;
    }
}

static unsigned char redirections(const struct ast_sip_session_outgoing *outgoing)
{
    if (outgoing->redirections != 0) {
        return (unsigned char)(outgoing->redirections < 0 ? 0
                               : outgoing->redirections > MOST_REDIRECTIONS
                                   ? MOST_REDIRECTIONS
                                   : outgoing->redirections);
    }
    return outgoing->endpoint->redirect_method == AST_SIP_REDIRECT_URI_PJSIP ? MOST_REDIRECTIONS
                                                                             : 0;
}

static void take_options(struct ast_sip_session *session,
                         const struct ast_sip_session_outgoing *outgoing)
{
    session->channel = outgoing->channel;
    session->priv->redirections = redirections(outgoing);
    session->priv->without_offer = outgoing->without_offer != 0;
    session->priv->invite_timeout_ms = outgoing->timeout_ms;
}

/* ---- the session ---- */

struct ast_sip_session *ast_sip_session_create_outgoing(
    const struct ast_sip_session_outgoing *options)
{
    struct ast_sip_session_outgoing called = *options, *outgoing = &called;
    struct ast_sip_session *session = NULL;
    pjsip_inv_session *inv;
    pj_sockaddr address;
    const struct ast_sip_contact *contact;
    struct sip_flow flow;
    pjsip_dialog *dlg;
    pj_pool_t *pool;

    base_assert_sip_thread();
    if (outgoing->endpoint == NULL) {
        ast_error_limited("An outgoing session needs an endpoint");
        return NULL;
    }
    if (find_target(outgoing, &contact) != 0 || session_find_flow(contact, &flow) != 0) {
        return NULL;
    }
    pool = pjsip_endpt_create_pool(ast_sip_get_pjsip_endpoint(), "outgoing", 1000, 1000);
    if (pool == NULL) {
        return NULL;
    }
    dlg = make_dialog(outgoing, contact, &flow, pool, &address);
    if (dlg == NULL) {
        goto out;
    }
    if (pjsip_inv_create_uac(dlg, NULL, inv_options(outgoing->endpoint), &inv) != PJ_SUCCESS) {
        ast_error_limited("Cannot make a session to %s", outgoing->uri);
    } else if ((session = session_create(outgoing->endpoint, dlg, inv, 1)) == NULL) {
        inv_drop(inv, PJSIP_SC_SERVICE_UNAVAILABLE);
    } else {
        pj_sockaddr_set_port(&address, 0);
        session->priv->address = address;
        session->priv->caller = *find_caller(outgoing);
        if (flow.transport != NULL) {
            session->priv->flow = flow.address;
        }
        session_take_flow(session, contact);
        take_options(session, outgoing);
        sip_dialog_set_endpoint(dlg, outgoing->endpoint);
        ast_sip_session_ref(session); /* the caller's */
        session_begin(session);
    }
    pjsip_dlg_dec_lock(dlg); /* destroys it when there is no session */
out:
    pj_pool_release(pool);
    return session;
}

/* The INVITE that begins a session says that we understand 199 (RFC 6228 4). */
static void announce_199(pjsip_tx_data *tdata)
{
    pjsip_supported_hdr *hdr = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_SUPPORTED, NULL);

    if (hdr == NULL) {
        hdr = pjsip_supported_hdr_create(tdata->pool);
        pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)hdr);
    }
    if (hdr->count < PJSIP_GENERIC_ARRAY_MAX_COUNT) {
        hdr->values[hdr->count++] = pj_str("199");
    }
}

/* The initial INVITE, with our offer unless the peer is to make one. */
static int send_invite(struct ast_sip_session *session)
{
    pjsip_inv_session *inv = session->inv_session;
    pjmedia_sdp_session *offer;
    pjsip_tx_data *tdata;

    if (inv_make_invite(inv, &tdata) != 0) {
        return -1;
    }
    announce_199(tdata);
    if (session->priv->flow.addr.sa_family != 0) {
        const struct sip_flow flow = {session->priv->dlg->tp_sel.u.transport, session->priv->flow};

        sip_flow_direct(&flow, tdata); /* the dialog holds the transport */
    }
    if (session->priv->without_offer) {
        session_exchange_start(session, 0);
        return inv_send(inv, tdata);
    }
    if (session_sdp_outgoing(session, tdata, NULL, &offer) != 0 || inv_set_offer(inv, offer) != 0) {
        pjsip_tx_data_dec_ref(tdata);
        session_sdp_rollback(session);
        return -1;
    }
    session_exchange_start(session, 1);
    session_sdp_set_body(session, tdata);
    return inv_send(inv, tdata);
}

int ast_sip_session_send_invite(struct ast_sip_session *session)
{
    int result;

    base_assert_sip_thread();
    if (session->priv->state != AST_SIP_SESSION_STATE_NEW || !session->priv->outgoing ||
        session->priv->ending) {
        ast_error_limited("Session %s has no INVITE to send", session->priv->dlg->obj_name);
        return -1;
    }
    ast_sip_session_ref(session);
    start_invite_timer(session, session->priv->invite_timeout_ms);
    result = send_invite(session);
    if (result != 0) {
        inv_drop(session->inv_session, PJSIP_SC_SERVICE_UNAVAILABLE);
    }
    ast_sip_session_unref(session);
    return result;
}

int ast_sip_session_create_request(struct ast_sip_session *session, const char *method,
                                   struct pjsip_tx_data **tdata)
{
    pj_str_t name = pj_str((char *)method);
    pjsip_method parsed;
    pjsip_tx_data *made;

    base_assert_sip_thread();
    pjsip_method_init_np(&parsed, &name);
    if (session->priv->state < AST_SIP_SESSION_STATE_EARLY ||
        session->priv->state >= AST_SIP_SESSION_STATE_ENDING || session_is_core_method(&parsed)) {
        ast_error_limited("No %s can be made in a session that is %s", method,
                          ast_sip_session_state_name(session->priv->state));
        return -1;
    }
    if (pjsip_dlg_create_request(session->priv->dlg, &parsed, -1, &made) != PJ_SUCCESS) {
        ast_error_limited("Cannot make %s", method);
        return -1;
    }
    *tdata = made;
    return 0;
}

int ast_sip_session_send_request(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    base_assert_sip_thread();
    if (pjsip_dlg_send_request(session->priv->dlg, tdata, -1, NULL) != PJ_SUCCESS) {
        ast_warning_limited("Cannot send %s in session %s", pjsip_tx_data_get_info(tdata),
                            session->priv->dlg->obj_name);
        return -1;
    }
    return 0;
}
