/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: who sent a message: P-Asserted-Identity (RFC 3325), Remote-Party-ID, From;
 * Privacy (RFC 3323); and who we say that we are. What is made of it is the modules' business.
 */
#include <stdio.h>
#include <string.h>

#include <sipsession/address.h>
#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* Values of a header, and octets of a URI, that are looked at; no honest peer sends more. */
#define MAX_VALUES 4
#define MAX_URI    1000

/* ---- who they are ---- */

static int param_is(const pj_str_t *params, const char *name, const char *value)
{
    pj_str_t found;

    return ast_sip_address_param(params, name, &found) && pj_stricmp2(&found, value) == 0;
}

/* RFC 3323 4.2, RFC 3325 9.3: the priv-values that hide who calls. */
static int wants_privacy(const pjsip_msg *msg)
{
    static const char *const hiding[] = {"id", "user", "header", "full"};
    const pj_str_t name = pj_str("Privacy");
    const pjsip_generic_string_hdr *hdr = pjsip_msg_find_hdr_by_name(msg, &name, NULL);
    const char *at = hdr != NULL ? hdr->hvalue.ptr : NULL;
    const char *end = hdr != NULL ? at + hdr->hvalue.slen : NULL;

    while (at != NULL && at < end) {
        pj_str_t word;
        const char *stop = at;

        while (stop < end && *stop != ';' && *stop != ',') {
            ++stop;
        }
        pj_strset3(&word, (char *)at, (char *)stop);
        pj_strtrim(&word);
        for (unsigned i = 0; i < PJ_ARRAY_SIZE(hiding); ++i) {
            if (pj_stricmp2(&word, hiding[i]) == 0) {
                return 1;
            }
        }
        at = stop + 1;
    }
    return 0;
}

/* The first of a header's addresses that names somebody, or NULL. */
static const struct ast_sip_address *first_party(const pjsip_msg *msg, const char *name,
                                                 struct ast_sip_address addresses[MAX_VALUES],
                                                 struct ast_party_id *id)
{
    unsigned count = ast_sip_addresses_of(msg, name, addresses, MAX_VALUES);

    for (unsigned i = 0; i < count; ++i) {
        if (ast_sip_address_party(&addresses[i], id) == 0) {
            return &addresses[i];
        }
    }
    return NULL;
}

/* What a trusted peer says. 0; -1: nothing. */
static int trusted_identity(const pjsip_msg *msg, struct ast_party_id *id)
{
    struct ast_sip_address addresses[MAX_VALUES];
    const struct ast_sip_address *address;

    if (first_party(msg, "P-Asserted-Identity", addresses, id) != NULL) {
        id->presentation = AST_PARTY_ALLOWED; /* Privacy alone says otherwise */
        id->screened = 1;
        return 0;
    }
    address = first_party(msg, "Remote-Party-ID", addresses, id);
    if (address == NULL) {
        return -1;
    }
    if (param_is(&address->params, "privacy", "full") ||
        param_is(&address->params, "privacy", "name") ||
        param_is(&address->params, "privacy", "uri")) {
        id->presentation = AST_PARTY_RESTRICTED;
    }
    id->screened = param_is(&address->params, "screen", "yes");
    return 0;
}

/* From of a request, To of a response. 0, -1. */
static int plain_identity(const pjsip_rx_data *rdata, struct ast_party_id *id)
{
    const pjsip_fromto_hdr *party =
        rdata->msg_info.msg->type == PJSIP_REQUEST_MSG ? rdata->msg_info.from : rdata->msg_info.to;
    struct ast_sip_address address = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    char text[MAX_URI];
    const pjsip_uri *uri;
    int length;

    if (party == NULL) {
        return -1;
    }
    uri = pjsip_uri_get_uri(party->uri);
    length = pjsip_uri_print(PJSIP_URI_IN_FROMTO_HDR, uri, text, sizeof(text) - 1);
    if (length <= 0) {
        return -1;
    }
    address.uri.ptr = text;
    address.uri.slen = length;
    if (party->uri != uri) {
        address.display = ((const pjsip_name_addr *)party->uri)->display;
    }
    return ast_sip_address_party(&address, id);
}

int ast_sip_session_get_identity(struct pjsip_rx_data *rdata, struct ast_party_id *id)
{
    const struct ast_sip_endpoint *endpoint;
    struct ast_sip_session *session;
    struct ast_party_id found;

    base_assert_sip_thread();
    if (rdata == NULL || id == NULL) {
        return -1;
    }
    endpoint = ast_pjsip_rdata_get_endpoint(rdata);
    session = session_of_dialog(pjsip_rdata_get_dlg(rdata));
    if (endpoint == NULL && session != NULL) {
        endpoint = session->endpoint; /* a response */
    }
    if ((endpoint == NULL || !endpoint->trust_id_inbound ||
         trusted_identity(rdata->msg_info.msg, &found) != 0) &&
        plain_identity(rdata, &found) != 0) {
        return -1;
    }
    if (wants_privacy(rdata->msg_info.msg)) {
        found.presentation = AST_PARTY_RESTRICTED;
    }
    *id = found;
    return 0;
}

/* ---- who we are ---- */

const struct ast_party_id *ast_sip_session_get_caller(const struct ast_sip_session *session)
{
    return &session->priv->caller;
}

int ast_sip_session_identity_host(const struct ast_sip_session *session, char *out, size_t size)
{
    const char *host = session->endpoint->from_domain;
    char own[PJ_INET6_ADDRSTRLEN + 10];

    if (host == NULL) {
        host = pj_sockaddr_print(&session->priv->address, own, sizeof(own), 2);
    }
    if (host == NULL || strlen(host) >= size) {
        return -1;
    }
    strcpy(out, host);
    return 0;
}

/* An identity that is there, and that somebody asked not to be shown. */
static int is_restricted(const struct ast_party_id *id)
{
    return id->presentation != AST_PARTY_ALLOWED && (id->name[0] != '\0' || id->number[0] != '\0');
}

/* from_user is written as in a URI; of what cannot be read there nothing is taken. */
static void take_user(struct ast_party_id *id, const char *user)
{
    char text[PJSIP_MAX_URL_SIZE];
    struct ast_sip_address address = {{NULL, 0}, {text, 0}, {NULL, 0}};
    struct ast_party_id found;

    address.uri.slen = snprintf(text, sizeof(text), "sip:%.*s@x", (int)sizeof(text) - 10, user);
    if (ast_sip_address_party(&address, &found) == 0) {
        memcpy(id->number, found.number, sizeof(id->number));
    }
}

int session_print_from(const struct ast_sip_endpoint *endpoint, const struct ast_party_id *caller,
                       const pj_sockaddr *address, char *out, size_t size)
{
    /* RFC 3323 4.1.1.3; to who is trusted, and told by no other header, the identity goes in From.
     */
    int anonymous = is_restricted(caller) &&
                    (!endpoint->trust_id_outbound || endpoint->send_pai || endpoint->send_rpid);
    struct ast_party_id shown = *caller;
    char host[PJ_INET6_ADDRSTRLEN + 10];
    int length;

    if (anonymous) {
        strcpy(shown.name, "Anonymous");
    }
    if (endpoint->from_user != NULL) {
        take_user(&shown, endpoint->from_user);
    } else if (anonymous || shown.number[0] == '\0') {
        strcpy(shown.number, "anonymous");
    }
    pj_sockaddr_print(address, host, sizeof(host), 2);
    if (anonymous && endpoint->from_user == NULL) {
        strcpy(host, "anonymous.invalid");
    }
    length =
        ast_sip_address_print(&shown, endpoint->from_domain != NULL ? endpoint->from_domain : host,
                              out, size);
    if (length < 0) {
        ast_error_limited("The from_domain of endpoint %s is too long", endpoint->name);
    }
    return length;
}
