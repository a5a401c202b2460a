/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message: MESSAGE requests outside of calls (RFC 3428 7): which of them are taken, and how they
 * are answered. They come identified and authenticated (ast_sip_register_service). No dialog is
 * made of one, and no Contact is in an answer (RFC 3428 4).
 */
#include <stdio.h>
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/res_sip_session.h>

#include "message.h"

#define RETRY_AFTER 5 /* seconds, with 503 */
#define NAME_SIZE   80
#define SENDER_SIZE 600
#define MAX_URI     1100
#define MAX_FIELD   8000

/* ---- answers ---- */

static void add_header(pjsip_tx_data *tdata, const char *name, const char *value)
{
    ast_sip_add_header(tdata, name, value);
}

/* What goes with a refusal (RFC 3261 21.4.13, 21.4.15, 21.5.4). */
static void explain(pjsip_tx_data *tdata, int status, const char *tags)
{
    char seconds[16];

    switch (status) {
    case PJSIP_SC_UNSUPPORTED_MEDIA_TYPE:
        add_header(tdata, "Accept", "text/plain, text/*");
        add_header(tdata, "Accept-Encoding", "identity");
        break;
    case PJSIP_SC_BAD_EXTENSION:
        add_header(tdata, "Unsupported", tags);
        break;
    case PJSIP_SC_SERVICE_UNAVAILABLE:
        snprintf(seconds, sizeof(seconds), "%d", RETRY_AFTER);
        add_header(tdata, "Retry-After", seconds);
        break;
    default:
        break;
    }
}

/* A refusal needs no memory of the request: it is the same again (RFC 3261 8.2.7). */
static void refuse(pjsip_rx_data *rdata, int status, const char *tags)
{
    pjsip_endpoint *endpt = ast_sip_get_pjsip_endpoint();
    pjsip_response_addr address;
    pjsip_tx_data *tdata;

    if (pjsip_endpt_create_response(endpt, rdata, status, NULL, &tdata) != PJ_SUCCESS) {
        return;
    }
    explain(tdata, status, tags);
    if (pjsip_get_response_addr(tdata->pool, rdata, &address) != PJ_SUCCESS ||
        pjsip_endpt_send_response(endpt, &address, tdata, NULL, NULL) != PJ_SUCCESS) {
        pjsip_tx_data_dec_ref(tdata);
    }
}

/* The transaction takes retransmissions from here on: a message is not worked on twice. 0, -1. */
static int accept_request(pjsip_rx_data *rdata)
{
    pjsip_transaction *tsx;
    pjsip_tx_data *tdata;

    if (pjsip_endpt_create_response(ast_sip_get_pjsip_endpoint(), rdata, PJSIP_SC_ACCEPTED, NULL,
                                    &tdata) != PJ_SUCCESS) {
        return -1;
    }
    if (pjsip_tsx_create_uas2(NULL, rdata, NULL, &tsx) != PJ_SUCCESS) {
        pjsip_tx_data_dec_ref(tdata);
        return -1;
    }
    pjsip_tsx_recv_msg(tsx, rdata);
    pjsip_tsx_send_msg(tsx, tdata); /* what cannot be sent is asked for again */
    return 0;
}

/* ---- what is in a request ---- */

/* The option tags of Require that we do not have (RFC 3261 8.2.2.3), as a list. 1: there are. */
static int unsupported_tags(const pjsip_msg *msg, char *tags, size_t size)
{
    pjsip_endpoint *endpt = ast_sip_get_pjsip_endpoint();
    size_t length = 0;

    tags[0] = '\0';
    for (const pjsip_hdr *hdr = msg->hdr.next; hdr != &msg->hdr; hdr = hdr->next) {
        const pjsip_require_hdr *require = (const pjsip_require_hdr *)hdr;

        for (unsigned i = 0; hdr->type == PJSIP_H_REQUIRE && i < require->count; ++i) {
            const pj_str_t *tag = &require->values[i];

            if (!pjsip_endpt_has_capability(endpt, PJSIP_H_SUPPORTED, NULL, tag) &&
                length + (size_t)tag->slen + 3 < size) {
                length += (size_t)snprintf(tags + length, size - length, "%s%.*s",
                                           length > 0 ? ", " : "", (int)tag->slen, tag->ptr);
            }
        }
    }
    return length > 0;
}

static int is_secret(const pjsip_hdr *hdr)
{
    return hdr->type == PJSIP_H_AUTHORIZATION || hdr->type == PJSIP_H_PROXY_AUTHORIZATION;
}

/* The header fields for MESSAGE_DATA. 0; -1: no memory. */
static int copy_fields(const pjsip_msg *msg, struct message *message)
{
    char name[NAME_SIZE], text[MAX_FIELD + 64]; /* more than PJSIP is told of */

    for (const pjsip_hdr *hdr = msg->hdr.next; hdr != &msg->hdr; hdr = hdr->next) {
        int length = is_secret(hdr) ? 0 : pjsip_hdr_print_on((void *)hdr, text, MAX_FIELD);
        const char *value;

        if (length <= 0 || hdr->name.slen >= (pj_ssize_t)sizeof(name)) {
            continue;
        }
        text[length] = '\0';
        value = strchr(text, ':');
        if (value == NULL) {
            continue;
        }
        value += 1 + strspn(value + 1, " \t");
        snprintf(name, sizeof(name), "%.*s", (int)hdr->name.slen, hdr->name.ptr);
        if (message_add_field(message, name, value, strlen(value)) != 0) {
            return -1;
        }
    }
    return 0;
}

/* PJSIP's own printing of media types does not look at the room (its parameters). */
static void print_type(const pjsip_media_type *type, char *out, size_t size)
{
    const pjsip_param *param;
    int length = snprintf(out, size, "%.*s/%.*s", (int)type->type.slen, type->type.ptr,
                          (int)type->subtype.slen, type->subtype.ptr);

    for (param = type->param.next; param != &type->param && length < (int)size;
         param = param->next) {
        length += snprintf(out + length, size - (size_t)length, ";%.*s%s%.*s",
                           (int)param->name.slen, param->name.ptr, param->value.slen > 0 ? "=" : "",
                           (int)param->value.slen, param->value.ptr);
    }
    if (length >= (int)size) { /* no honest peer has so much to say of text */
        snprintf(out, size, "text/plain");
    }
}

static int copy_body(const pjsip_msg *msg, struct message *message)
{
    const pjsip_msg_body *body = msg->body;
    char type[NAME_SIZE * 2];

    if (body == NULL || body->len == 0) {
        return 0;
    }
    print_type(&body->content_type, type, sizeof(type));
    if (message_set_text(&message->type, type) != 0) {
        return -1;
    }
    message->body = strndup(body->data, body->len);
    return message->body != NULL ? 0 : -1;
}

static int copy_to(const pjsip_msg *msg, struct message *message)
{
    char uri[MAX_URI];
    int length = pjsip_uri_print(PJSIP_URI_IN_REQ_URI, pjsip_uri_get_uri(msg->line.req.uri), uri,
                                 sizeof(uri) - 1);

    if (length <= 0) {
        return 0;
    }
    uri[length] = '\0';
    return message_set_text(&message->to, uri);
}

/* The host of From; "" for a URI without one. */
static void copy_host(const pjsip_rx_data *rdata, char *host, size_t size)
{
    const pjsip_uri *uri = pjsip_uri_get_uri(rdata->msg_info.from->uri);
    const pjsip_sip_uri *sip = (const pjsip_sip_uri *)uri;
    int is_ipv6;

    snprintf(host, size, "invalid"); /* of tel */
    if (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri)) {
        return;
    }
    is_ipv6 = pj_strchr(&sip->host, ':') != NULL;
    snprintf(host, size, "%s%.*s%s", is_ipv6 ? "[" : "", (int)sip->host.slen, sip->host.ptr,
             is_ipv6 ? "]" : "");
}

/* Who sent it: its `callerid` where it has one, unless somebody who is trusted says otherwise. */
static void find_caller(const struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata,
                        struct ast_party_id *caller)
{
    const struct ast_party_id *own = &endpoint->callerid;
    struct ast_party_id found;
    int is_found = ast_sip_session_get_identity(rdata, &found) == 0;

    if (is_found && (found.screened || own->number[0] == '\0')) {
        *caller = found;
    } else {
        *caller = *own;
        if (is_found && found.presentation == AST_PARTY_RESTRICTED) {
            caller->presentation = AST_PARTY_RESTRICTED;
        }
    }
}

/* Everything that outlives the request. 0; -1: no memory. */
static int read_message(pjsip_rx_data *rdata, struct message_arrival *arrival)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    struct message *message = message_create();
    const struct message_field *expires, *date;

    arrival->message = message;
    if (message == NULL || copy_fields(msg, message) != 0 || copy_body(msg, message) != 0 ||
        copy_to(msg, message) != 0) {
        return -1;
    }
    message->id = arrival->caller;
    copy_host(rdata, message->host, sizeof(message->host));
    expires = message_field(message, "Expires");
    date = message_field(message, "Date");
    arrival->end = message_end(expires != NULL ? expires->value : NULL,
                               date != NULL ? date->value : NULL, time(NULL));
    return 0;
}

/* ---- the request ---- */

/* Whose order counts: the endpoint's, and of a trunk each of those behind it. */
static void print_sender(const struct message_arrival *arrival, const pjsip_rx_data *rdata,
                         char *out, size_t size)
{
    char host[MESSAGE_HOST_SIZE];

    copy_host(rdata, host, sizeof(host));
    snprintf(out, size, "%.200s %.128s@%.255s", arrival->endpoint->name, arrival->caller.number,
             host);
}

/* 200, or the status to refuse it with. */
static int check(pjsip_rx_data *rdata, const struct message_arrival *arrival, const char *sender,
                 char *tags, size_t size)
{
    const pjsip_msg *msg = rdata->msg_info.msg;

    if (pjsip_tsx_detect_merged_requests(rdata) != NULL) {
        return PJSIP_SC_LOOP_DETECTED; /* RFC 3261 8.2.2.2: it came by another way already */
    }
    if (unsupported_tags(msg, tags, size)) {
        return PJSIP_SC_BAD_EXTENSION;
    }
    if (!ast_pbx_exists_for(arrival->context, arrival->exten, arrival->caller.number)) {
        return PJSIP_SC_NOT_FOUND;
    }
    if (!message_queue_has_room(sender)) {
        return PJSIP_SC_SERVICE_UNAVAILABLE;
    }
    return message_check_content(msg, 0, MESSAGE_MAX_BODY);
}

static void on_message(struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata)
{
    const char *context =
        endpoint->message_context != NULL ? endpoint->message_context : endpoint->context;
    struct message_arrival arrival = {.endpoint = ast_sip_endpoint_ref(endpoint)};
    char sender[SENDER_SIZE], tags[500];
    int status = PJSIP_SC_NOT_FOUND;

    find_caller(endpoint, rdata, &arrival.caller);
    print_sender(&arrival, rdata, sender, sizeof(sender));
    ast_pbx_request_exten(rdata, arrival.exten, sizeof(arrival.exten));
    if (strlen(context) < sizeof(arrival.context)) {
        snprintf(arrival.context, sizeof(arrival.context), "%s", context);
        status = check(rdata, &arrival, sender, tags, sizeof(tags));
    }
    if (status == PJSIP_SC_OK &&
        (read_message(rdata, &arrival) != 0 || accept_request(rdata) != 0)) {
        status = PJSIP_SC_SERVICE_UNAVAILABLE;
    }
    if (status == PJSIP_SC_OK) { /* the answer first: what the dialplan does takes its time */
        message_queue_add(sender, &arrival);
        return;
    }
    ast_debug("A message of endpoint %s to %s@%s is refused: %d", endpoint->name, arrival.exten,
              context, status);
    refuse(rdata, status, tags);
    message_arrival_free(&arrival);
}

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    struct ast_sip_endpoint *endpoint = ast_pjsip_rdata_get_endpoint(rdata);

    if (pj_strcmp2(&rdata->msg_info.msg->line.req.method.name, "MESSAGE") != 0 ||
        pjsip_rdata_get_dlg(rdata) != NULL || endpoint == NULL) {
        return PJ_FALSE;
    }
    on_message(endpoint, rdata);
    return PJ_TRUE;
}

static pjsip_module service = {
    .name = {(char *)"mod-message", 11},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    .on_rx_request = on_request,
};

int message_outside_start(void)
{
    return ast_sip_register_service(&service);
}

void message_outside_stop(void)
{
    ast_sip_unregister_service(&service);
    message_queue_stop();
}
