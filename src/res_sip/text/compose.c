/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the MESSAGE request of a text message (RFC 3428 4): no Contact, From as the endpoint
 * allows it, TCP for what is too long for UDP. Nothing is sent here.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include <sipsession/address.h>
#include <sipsession/log.h>

#include "res_sip/message/message.h"
#include "res_sip/text/text.h"
#include "res_sip/transport/transport.h"

/* Room for what is added when it is sent: Via, Max-Forwards, and an answer to a challenge. */
#define ROOM_VIA         200
#define ROOM_CREDENTIALS 450
/* PJSIP prints media types without looking at the room (A5); the guard lets in no longer ones. */
#define MAX_TYPE 256

void ast_sip_message_init(struct ast_sip_message *message)
{
    *message = (struct ast_sip_message){.content_type = "text/plain", .body = ""};
}

/* ---- header fields ---- */

int ast_sip_message_header_allowed(const char *name)
{
    /* Long and compact forms (RFC 3261 7.3.3). */
    static const char *const ours[] = {"Via",
                                       "v",
                                       "From",
                                       "f",
                                       "To",
                                       "t",
                                       "Call-ID",
                                       "i",
                                       "CSeq",
                                       "Contact",
                                       "m",
                                       "Route",
                                       "Record-Route",
                                       "Path",
                                       "Service-Route",
                                       "Max-Forwards",
                                       "Content-Length",
                                       "l",
                                       "Content-Type",
                                       "c",
                                       "Content-Encoding",
                                       "e",
                                       "Transfer-Encoding",
                                       "Authorization",
                                       "Proxy-Authorization",
                                       "WWW-Authenticate",
                                       "Proxy-Authenticate",
                                       "Authentication-Info",
                                       "Require",
                                       "Proxy-Require",
                                       "Supported",
                                       "k",
                                       "Unsupported",
                                       "Allow",
                                       "User-Agent",
                                       "Server",
                                       "Privacy",
                                       "P-Asserted-Identity",
                                       "P-Preferred-Identity",
                                       "Remote-Party-ID",
                                       "Identity",
                                       "y",
                                       "MIME-Version",
                                       "RSeq",
                                       "RAck",
                                       "Event",
                                       "o"};
    const char *at = name;

    while (isalnum((unsigned char)*at) || (*at && strchr("-.!%*_+`'~", *at))) {
        at++;
    }
    if (at == name || *at) {
        return 0;
    }
    for (size_t i = 0; i < PJ_ARRAY_SIZE(ours); i++) {
        if (strcasecmp(ours[i], name) == 0) {
            return 0;
        }
    }
    return 1;
}

static int add_headers(pjsip_tx_data *tdata, const struct ast_sip_message *message)
{
    const struct ast_sip_variable *header;

    for (header = message->headers; header; header = header->next) {
        if (!ast_sip_message_header_allowed(header->name)) {
            ast_error_limited("A message cannot be given the header field '%s'", header->name);
            return -1;
        }
        if (ast_sip_add_header(tdata, header->name, header->value) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- addresses ---- */

/* A name-addr as PJSIP has it, in the message's pool; NULL: it is none. */
static pjsip_uri *parse_address(pj_pool_t *pool, const char *text)
{
    pj_str_t copy;

    pj_strdup2_with_null(pool, &copy, text);
    return pjsip_parse_uri(pool, copy.ptr, (pj_size_t)copy.slen, PJSIP_PARSE_URI_AS_NAMEADDR);
}

/* Our host as the request has it already. */
static const char *host_of(const pjsip_fromto_hdr *from, char *out, size_t size)
{
    const pjsip_sip_uri *uri = pjsip_uri_get_uri(from->uri);
    int is_ipv6 = pj_strchr(&uri->host, ':') != NULL;

    snprintf(out, size, "%s%.*s%s", is_ipv6 ? "[" : "", (int)uri->host.slen, uri->host.ptr,
             is_ipv6 ? "]" : "");
    return out;
}

/* Whom a peer that trusts us is told of (RFC 3325 9.1). */
static void add_identity(pjsip_tx_data *tdata, const struct ast_sip_endpoint *endpoint,
                         const struct ast_sip_message *message, const char *host)
{
    const struct ast_party_id *id = message->from;
    int restricted = id->presentation == AST_PARTY_RESTRICTED;
    char text[AST_SIP_ADDRESS_SIZE];

    if (endpoint->send_pai && id->number[0] && (!restricted || endpoint->trust_id_outbound) &&
        ast_sip_address_print(id, host, text, sizeof(text)) > 0) {
        ast_sip_add_header(tdata, "P-Asserted-Identity", text);
    }
    if (restricted && endpoint->trust_id_outbound) {
        ast_sip_add_header(tdata, "Privacy", "id");
    }
}

/* Who it is from, as far as the endpoint says nothing else. 0; -1 logged. */
static int set_from(pjsip_tx_data *tdata, const struct ast_sip_endpoint *endpoint,
                    const struct ast_sip_message *message)
{
    pjsip_fromto_hdr *from = PJSIP_MSG_FROM_HDR(tdata->msg);
    const char *user = endpoint->from_user, *domain = endpoint->from_domain;
    char text[AST_SIP_ADDRESS_SIZE], own[300];
    struct ast_party_id id = *message->from;
    const char *host = domain && *domain    ? domain
                       : message->from_host ? message->from_host
                                            : host_of(from, own, sizeof(own));
    pjsip_uri *uri;

    add_identity(tdata, endpoint, message, host);
    if (id.presentation == AST_PARTY_RESTRICTED && !endpoint->trust_id_outbound) {
        strcpy(id.name, "Anonymous"); /* RFC 3323 4.1.1.3 */
        strcpy(id.number, "anonymous");
        host = domain && *domain ? domain : "anonymous.invalid";
    }
    if (user && *user) {
        base_copy_text(id.number, sizeof(id.number), user, strlen(user));
    } else if (!id.number[0]) {
        user = sip_get_config()->global.default_from_user;
        base_copy_text(id.number, sizeof(id.number), user, strlen(user));
    }
    uri = ast_sip_address_print(&id, host, text, sizeof(text)) > 0
              ? parse_address(tdata->pool, text)
              : NULL;
    if (!uri || !PJSIP_URI_SCHEME_IS_SIP(uri)) {
        ast_warning_limited("A message cannot be from '%s' at '%s'", id.number, host);
        return -1;
    }
    from->uri = uri;
    return 0;
}

static int set_to(pjsip_tx_data *tdata, const char *text)
{
    pj_str_t rest = {(char *)text, (pj_ssize_t)strlen(text)};
    struct ast_sip_address address;
    pjsip_uri *uri = NULL;

    if (ast_sip_address_next(&rest, &address) == 1 && rest.slen == 0) {
        uri = parse_address(tdata->pool, text);
    }
    if (!uri || (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri) &&
                 !PJSIP_URI_SCHEME_IS_TEL(uri))) {
        ast_warning_limited("A message cannot be to '%s': expected a URI", text);
        return -1;
    }
    PJSIP_MSG_TO_HDR(tdata->msg)->uri = uri;
    return 0;
}

/* ---- the body ---- */

static int set_body(pjsip_tx_data *tdata, const struct ast_sip_message *message)
{
    static const pj_str_t name = {(char *)"Content-Type", 12};
    pj_str_t type, text = {(char *)message->body, (pj_ssize_t)message->length};
    pjsip_ctype_hdr *parsed;
    pjsip_msg_body *body;
    int length;

    if (strlen(message->content_type) > MAX_TYPE) {
        ast_warning_limited("A message cannot be of a type of more than %d octets", MAX_TYPE);
        return -1;
    }
    pj_strdup2_with_null(tdata->pool, &type, message->content_type);
    parsed = pjsip_parse_hdr(tdata->pool, &name, type.ptr, (pj_size_t)type.slen, &length);
    if (!parsed || parsed->type != PJSIP_H_CONTENT_TYPE || parsed->media.type.slen == 0 ||
        parsed->media.subtype.slen == 0 || (size_t)length != strlen(message->content_type)) {
        ast_warning_limited("A message cannot be of the type '%s'", message->content_type);
        return -1;
    }
    body = pjsip_msg_body_create(tdata->pool, &parsed->media.type, &parsed->media.subtype, &text);
    if (!body) {
        return -1;
    }
    pjsip_media_type_cp(tdata->pool, &body->content_type, &parsed->media); /* with parameters */
    tdata->msg->body = body;
    return 0;
}

/* ---- the transport ---- */

/* The URI that decides where it goes at first (RFC 3261 8.1.2). */
static pjsip_sip_uri *next_hop(pjsip_tx_data *tdata)
{
    pjsip_route_hdr *route = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_ROUTE, NULL);

    return pjsip_uri_get_uri(route ? route->name_addr.uri : tdata->msg->line.req.uri);
}

/* Octets of the request as it will go out; -1: it is too long for us. */
static int measure(const struct ast_sip_endpoint *endpoint, pjsip_tx_data *tdata)
{
    char text[PJSIP_MAX_PKT_LEN + 2 * MAX_TYPE]; /* more than PJSIP is told of (A0.2) */
    int length = (int)pjsip_msg_print(tdata->msg, text, PJSIP_MAX_PKT_LEN);
    int room = ROOM_VIA + (int)strlen(sip_get_config()->global.user_agent) +
               (endpoint->credentials ? ROOM_CREDENTIALS : 0);

    return length > 0 && length + room < PJSIP_MAX_PKT_LEN ? length + room : -1;
}

/* 1: it would go by UDP. */
static int goes_by_udp(const struct ast_sip_endpoint *endpoint, const pjsip_sip_uri *hop)
{
    const struct sip_transport *own =
        endpoint->transport ? sip_transport_of_name(endpoint->transport) : NULL;

    if (own) {
        return (pjsip_transport_get_flag_from_type(own->type) & PJSIP_TRANSPORT_DATAGRAM) != 0;
    }
    return !PJSIP_URI_SCHEME_IS_SIPS(hop) &&
           (hop->transport_param.slen == 0 || pj_stricmp2(&hop->transport_param, "udp") == 0);
}

/* RFC 3428 8: what is too long for UDP takes TCP. 0; -1 logged: there is none. */
static int choose_transport(const struct ast_sip_endpoint *endpoint, pjsip_tx_data *tdata)
{
    pjsip_sip_uri *hop = next_hop(tdata);
    int length = measure(endpoint, tdata);

    if (length < 0) {
        ast_warning_limited("A message to endpoint '%s' is too long to be sent", endpoint->name);
        return -1;
    }
    if (length <= TEXT_MAX_UDP || !goes_by_udp(endpoint, hop)) {
        return 0;
    }
    if (endpoint->transport || (!sip_transport_of_type(PJSIP_TRANSPORT_TCP) &&
                                !sip_transport_of_type(PJSIP_TRANSPORT_TCP6))) {
        ast_warning_limited(
            "A message of %d octets to endpoint '%s' would go over UDP, where %d are "
            "allowed (RFC 3428 8), and there is no TCP transport for it",
            length, endpoint->name, TEXT_MAX_UDP);
        return -1;
    }
    hop->transport_param = sip_str("tcp");
    return 0;
}

int sip_text_compose(const struct ast_sip_endpoint *endpoint, const struct ast_sip_contact *contact,
                     const struct ast_sip_message *message, pjsip_tx_data **tdata)
{
    pjsip_tx_data *made;
    void *header;

    if (ast_sip_create_request("MESSAGE", endpoint, NULL, contact, &made) != 0) {
        return -1;
    }
    header = pjsip_msg_find_hdr(made->msg, PJSIP_H_CONTACT, NULL);
    if (header) {
        pj_list_erase(header); /* RFC 3428 4: there is none */
    }
    if ((message->from && set_from(made, endpoint, message) != 0) ||
        (message->to && set_to(made, message->to) != 0) || add_headers(made, message) != 0 ||
        set_body(made, message) != 0 || sip_add_outbound_route(made, endpoint) != 0 ||
        choose_transport(endpoint, made) != 0) {
        pjsip_tx_data_dec_ref(made);
        return -1;
    }
    pjsip_tx_data_invalidate_msg(made);
    *tdata = made;
    return 0;
}
