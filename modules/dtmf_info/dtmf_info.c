/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dtmf_info: digits in INFO requests, as gateways and phones send them without a package of RFC
 * 6086: what that calls the legacy use. In: to the channel. Out: for endpoints whose dtmf_mode says
 * so.
 */
#include <stdio.h>
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/media.h>
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

#include "body.h"

#define ACCEPT "application/dtmf-relay, application/dtmf"

static int has_package(const pjsip_rx_data *rdata)
{
    const pj_str_t name = pj_str((char *)"Info-Package");

    return pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &name, NULL) != NULL;
}

static int is_type(const pjsip_msg_body *body, const char *subtype)
{
    return pj_stricmp2(&body->content_type.type, "application") == 0 &&
           pj_stricmp2(&body->content_type.subtype, subtype) == 0;
}

/* ---- in ---- */

/* 1: telephone-event was agreed on, which brings the digits already. */
static int hears_events(const struct ast_channel *channel)
{
    const struct ast_rtp *rtp = ast_channel_get_rtp(channel);
    const struct ast_rtp_params *params = rtp != NULL ? ast_rtp_get_params(rtp) : NULL;

    return params != NULL && params->rx_event_payload_type >= 0;
}

/* A phone may send a digit both ways: then it must not count twice. */
static int is_wanted(const struct ast_sip_session *session)
{
    int mode = session->endpoint->dtmf_mode;

    if (mode == AST_SIP_DTMF_INFO) {
        return 1;
    }
    return mode != AST_SIP_DTMF_NONE && !hears_events(session->channel);
}

static void take(struct ast_sip_session *session, const struct dtmf_info_digit *digit)
{
    if (session->channel == NULL || ast_channel_get_state(session->channel) == AST_CHANNEL_GONE ||
        digit->digit == '!') {
        return;
    }
    if (!is_wanted(session)) {
        ast_debug("%s: digit %c in INFO is not taken", ast_channel_get_name(session->channel),
                  digit->digit);
        return;
    }
    ast_channel_dtmf(session->channel, digit->digit, digit->duration_ms);
}

static int on_info(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_msg_body *body = rdata->msg_info.msg->body;
    struct dtmf_info_digit digit;
    int result;

    if (body == NULL || has_package(rdata)) {
        return AST_SIP_SESSION_CONTINUE;
    }
    if (is_type(body, "dtmf-relay")) {
        result = dtmf_info_parse_relay(body->data, body->len, &digit);
    } else if (is_type(body, "dtmf")) {
        result = dtmf_info_parse_plain(body->data, body->len, &digit);
    } else {
        return AST_SIP_SESSION_CONTINUE; /* another extension's, maybe */
    }
    if (result != 0) {
        ast_sip_session_send_response(session, PJSIP_SC_BAD_REQUEST, rdata);
        return AST_SIP_SESSION_STOP;
    }
    /* The answer first: the digit may end the call. */
    ast_sip_session_send_response(session, PJSIP_SC_OK, rdata);
    take(session, &digit);
    return AST_SIP_SESSION_STOP;
}

/* Nobody took it: without a body it asks for nothing (RFC 2976 2.2). */
static int on_info_last(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_msg_body *body = rdata->msg_info.msg->body;

    if (has_package(rdata)) {
        return AST_SIP_SESSION_CONTINUE;
    }
    ast_sip_session_send_response(session,
                                  body == NULL || body->len == 0 ? PJSIP_SC_OK
                                                                 : PJSIP_SC_UNSUPPORTED_MEDIA_TYPE,
                                  rdata);
    return AST_SIP_SESSION_STOP;
}

/* RFC 3261 21.4.13: what we would take. */
static void on_info_response(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    (void)session;
    if (tdata->msg->line.status.code == PJSIP_SC_UNSUPPORTED_MEDIA_TYPE &&
        pjsip_msg_find_hdr(tdata->msg, PJSIP_H_ACCEPT, NULL) == NULL) {
        ast_sip_add_header(tdata, "Accept", ACCEPT);
    }
}

/* ---- out ---- */

/* 1: digits to this endpoint go in INFO. */
static int goes_in_info(const struct ast_sip_session *session, const struct ast_channel *channel)
{
    const struct ast_rtp *rtp = ast_channel_get_rtp(channel);
    const struct ast_rtp_params *params = rtp != NULL ? ast_rtp_get_params(rtp) : NULL;

    switch (session->endpoint->dtmf_mode) {
    case AST_SIP_DTMF_INFO:
        return 1;
    case AST_SIP_DTMF_AUTO_INFO:
        return params == NULL || params->tx_event_payload_type < 0;
    default:
        return 0;
    }
}

static int send_digit(struct ast_channel *channel, char digit, unsigned duration_ms)
{
    struct ast_sip_session *session = ast_sip_channel_session(channel);
    struct ast_sip_body body = {.type = "application", .subtype = "dtmf-relay"};
    pjsip_tx_data *tdata;
    char text[64];

    if (session == NULL || !goes_in_info(session, channel)) {
        return 1;
    }
    snprintf(text, sizeof(text), "Signal=%c\r\nDuration=%u\r\n", digit, duration_ms);
    body.body_text = text;
    if (ast_sip_session_create_request(session, "INFO", &tdata) != 0) {
        return -1;
    }
    if (ast_sip_add_body(tdata, &body) != 0) {
        pjsip_tx_data_dec_ref(tdata);
        return -1;
    }
    return ast_sip_session_send_request(session, tdata);
}

static struct ast_channel_sender sender = {.name = "dtmf_info", .digit = send_digit};

/* ---- the module ---- */

static struct ast_sip_session_extension digits = {.method = "INFO",
                                                  .name = "dtmf_info",
                                                  .incoming_request = on_info,
                                                  .outgoing_response = on_info_response};
static struct ast_sip_session_extension others = {.method = "INFO",
                                                  .name = "dtmf_info (other bodies)",
                                                  .priority = AST_SIP_SESSION_PRIORITY_LAST - 10,
                                                  .incoming_request = on_info_last};

static void end(void)
{
    ast_channel_unregister_sender(&sender);
    ast_sip_session_unregister_extension(&others);
    ast_sip_session_unregister_extension(&digits);
    ast_sip_session_unregister_method("INFO");
}

static int init(void)
{
    if (ast_sip_session_register_method("INFO") != 0) {
        return -1;
    }
    if (ast_sip_session_register_extension(&digits) != 0 ||
        ast_sip_session_register_extension(&others) != 0 ||
        ast_channel_register_sender(&sender) != 0) {
        end();
        return -1;
    }
    return 0;
}

AST_SIP_MODULE(.name = "dtmf_info", .description = "Digits in INFO requests", .init = init,
               .close = end);
