/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the REGISTER of an outbound registration (RFC 3261 10.2): whom it goes to, what is in
 * it, what its answer says. When it is sent is decided elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/registration/registration_request.h"
#include "res_sip/transport/transport.h"

#define ADDRESS_SIZE 600

int sip_registration_target(const struct sip_registration *registration, pj_pool_t *pool,
                            pjsip_host_info *out)
{
    const struct sip_registration_config *config = registration->config;
    const char *proxy = config->registrar->outbound_proxy;
    const char *target = proxy && *proxy ? proxy : config->server_uri;
    const struct sip_transport *transport =
        config->transport ? sip_transport_of_name(config->transport) : NULL;
    pjsip_host_info info;
    pj_str_t text;
    pjsip_uri *uri;

    pj_strdup2_with_null(pool, &text, target);
    uri = pjsip_parse_uri(pool, text.ptr, (pj_size_t)text.slen, 0);
    if (!uri || (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri)) ||
        pjsip_get_dest_info(uri, NULL, pool, &info) != PJ_SUCCESS) {
        ast_error("registration '%s': '%s' is no SIP URI", config->name, target);
        return -1;
    }
    if (transport) { /* it goes there, so that nothing else needs to be looked for */
        info.type = transport->type;
        info.flag = pjsip_transport_get_flag_from_type(transport->type);
    }
    *out = info;
    return 0;
}

/* ---- our Contact ---- */

/* Where requests reach us, as the server that is asked sees it. */
static int make_place(const struct sip_registration *registration, pj_pool_t *pool,
                      pj_str_t *contact)
{
    const pjsip_server_address_record *server = &registration->servers.entry[registration->at];
    struct ast_sip_endpoint direct = *registration->config->registrar;
    char host[PJ_INET6_ADDRSTRLEN];
    pjsip_sip_uri target;

    pjsip_sip_uri_init(&target, PJ_FALSE);
    target.host = sip_str(pj_sockaddr_print(&server->addr, host, sizeof(host), 0));
    target.port = pj_sockaddr_get_port(&server->addr);
    target.transport_param = sip_str(pjsip_transport_get_type_name(
        (pjsip_transport_type_e)(server->type & ~PJSIP_TRANSPORT_IPV6)));
    direct.outbound_proxy = NULL; /* server is where the proxy is */
    return sip_make_contact(pool, NULL, &direct, (const pjsip_uri *)&target, contact);
}

/* "<sip:user@host;line=TOKEN>;params" */
static int make_contact(const struct sip_registration *registration, pj_pool_t *pool,
                        pj_str_t *contact)
{
    const char *params = registration->config->contact_header_params;
    char text[2 * ADDRESS_SIZE];
    pj_str_t place;
    int length;

    if (make_place(registration, pool, &place) != 0) {
        return -1;
    }
    base_assert(place.slen > 0 && place.ptr[place.slen - 1] == '>');
    length = snprintf(text, sizeof(text), "%.*s%s%s>%s%s", (int)place.slen - 1, place.ptr,
                      *registration->line ? ";line=" : "", registration->line,
                      params && *params ? ";" : "", params ? params : "");
    if (length >= (int)sizeof(text)) {
        ast_error("registration '%s': its Contact is too long", registration->config->name);
        return -1;
    }
    pj_strdup2_with_null(pool, contact, text);
    return 0;
}

/* One that ends takes the Contact away that it has made, whatever there is now to be reached by. */
static int choose_contact(struct sip_registration *registration, pj_pool_t *pool, pj_str_t *contact)
{
    char *copy;

    if (registration->own && registration->contact) {
        *contact = pj_str(registration->contact);
        return 0;
    }
    if (make_contact(registration, pool, contact) != 0) {
        return -1;
    }
    copy = strdup(contact->ptr);
    if (!copy) {
        return -1;
    }
    free(registration->contact);
    registration->contact = copy;
    return 0;
}

/* ---- the request ---- */

static void add_headers(const struct sip_registration *registration, pjsip_tx_data *tdata)
{
    const struct sip_registration_config *config = registration->config;

    pjsip_msg_add_hdr(tdata->msg,
                      (pjsip_hdr *)pjsip_expires_hdr_create(tdata->pool, registration->expires));
    if (config->support_path || config->support_outbound) { /* RFC 3327 5.1, RFC 5626 4.2.1 */
        ast_sip_add_header(tdata, "Supported",
                           !config->support_outbound ? "path"
                           : config->support_path    ? "path, outbound"
                                                     : "outbound");
    }
    if (config->user_agent && *config->user_agent) {
        ast_sip_add_header(tdata, "User-Agent", config->user_agent);
    }
}

/* The server is known already: PJSIP has nothing to look up and no other one to try. */
static void set_server(const struct sip_registration *registration, pjsip_tx_data *tdata)
{
    pjsip_server_address_record *server = &tdata->dest_info.addr.entry[0];

    *server = registration->servers.entry[registration->at];
    tdata->dest_info.addr.count = 1;
    tdata->dest_info.cur_addr = 0;
}

static int create(struct sip_registration *registration, pj_pool_t *pool, pjsip_tx_data **tdata)
{
    const struct sip_registration_config *config = registration->config;
    pjsip_host_info target;
    char address[ADDRESS_SIZE];
    pj_str_t uri = pj_str(config->server_uri), us, contact, call_id = pj_str(registration->call_id);
    pj_status_t status;

    if (snprintf(address, sizeof(address), "<%s>", config->client_uri) >= (int)sizeof(address)) {
        ast_error("registration '%s': its client_uri is too long", config->name);
        return -1;
    }
    us = pj_str(address);
    if (sip_registration_target(registration, pool, &target) != 0 ||
        choose_contact(registration, pool, &contact) != 0) {
        return -1;
    }
    status = pjsip_endpt_create_request(sip_endpt, pjsip_get_register_method(), &uri, &us, &us,
                                        &contact, &call_id, ++registration->cseq, NULL, tdata);
    if (status != PJ_SUCCESS) {
        char error[PJ_ERR_MSG_SIZE];

        ast_error("registration '%s': no REGISTER can be made: %s", config->name,
                  sip_error(status, error, sizeof(error)));
        return -1;
    }
    pj_strdup((*tdata)->pool, &(*tdata)->dest_info.name, &target.addr.host);
    set_server(registration, *tdata);
    add_headers(registration, *tdata);
    return 0;
}

int sip_registration_send(struct sip_registration *registration,
                          void (*callback)(void *token, pjsip_event *event))
{
    pj_pool_t *pool = pjsip_endpt_create_pool(sip_endpt, "register", 1000, 1000);
    pjsip_tx_data *tdata;
    int result = -1;

    if (pool && create(registration, pool, &tdata) == 0) {
        result = ast_sip_send_request(tdata, NULL, registration->config->registrar, registration,
                                      callback);
    }
    if (pool) {
        pj_pool_release(pool);
    }
    return result;
}

/* ---- the answer ---- */

static const pjsip_contact_hdr *next_contact(const pjsip_msg *msg, const pjsip_contact_hdr *after)
{
    const void *from = after ? after->next : NULL;

    return from == &msg->hdr ? NULL : pjsip_msg_find_hdr(msg, PJSIP_H_CONTACT, from);
}

/* Our binding among all of the address of record (RFC 3261 10.2.4). A sole one is ours, although
 * somebody on the way may have rewritten it. NULL: it is not there. */
static const pjsip_contact_hdr *find_binding(const pjsip_msg *answer, const pjsip_msg *request)
{
    const pjsip_contact_hdr *ours = next_contact(request, NULL), *at;
    unsigned count = 0;

    for (at = next_contact(answer, NULL); at; at = next_contact(answer, at)) {
        if (!at->star && at->uri && ours && ours->uri &&
            pjsip_uri_cmp(PJSIP_URI_IN_CONTACT_HDR, pjsip_uri_get_uri(at->uri),
                          pjsip_uri_get_uri(ours->uri)) == PJ_SUCCESS) {
            return at;
        }
        count++;
    }
    at = next_contact(answer, NULL);
    return count == 1 && !at->star ? at : NULL;
}

static unsigned granted(const pjsip_msg *answer, const pjsip_msg *request)
{
    const pjsip_contact_hdr *binding = find_binding(answer, request);
    const pjsip_expires_hdr *expires = pjsip_msg_find_hdr(answer, PJSIP_H_EXPIRES, NULL);

    if (binding && binding->expires != PJSIP_EXPIRES_NOT_SPECIFIED) {
        return binding->expires;
    }
    return expires ? expires->ivalue : REGISTRATION_NOT_SAID;
}

void sip_registration_read(const pjsip_event *event, struct registration_answer *answer)
{
    const pjsip_transaction *tsx = event->body.tsx_state.tsx;
    const pjsip_min_expires_hdr *least;
    const pjsip_retry_after_hdr *later;
    const pjsip_msg *msg;

    *answer =
        (struct registration_answer){.status = tsx->status_code, .expires = REGISTRATION_NOT_SAID};
    if (event->body.tsx_state.type != PJSIP_EVENT_RX_MSG) {
        answer->is_ours = 1;
        return;
    }
    msg = event->body.tsx_state.src.rdata->msg_info.msg;
    least = pjsip_msg_find_hdr(msg, PJSIP_H_MIN_EXPIRES, NULL);
    later = pjsip_msg_find_hdr(msg, PJSIP_H_RETRY_AFTER, NULL);
    answer->min_expires = least ? least->ivalue : 0;
    answer->retry_after = later && later->ivalue > 0 ? (unsigned)later->ivalue : 0;
    if (answer->status / 100 == 2 && tsx->last_tx) {
        answer->expires = granted(msg, tsx->last_tx->msg);
    }
}
