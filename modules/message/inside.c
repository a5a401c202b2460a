/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message: texts within a call, as MESSAGE requests in its dialog (RFC 3428): from the peer to the
 * channel, and from the dialplan to the peer.
 */
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/res_sip_session.h>

#include "message.h"
#include "utf8.h"

#define ACCEPT "text/plain"

/* RFC 3428 8: what is sent without knowing the way is no longer than this. */
#define MAX_SENT 1300
/* What we take: others may know the way. */
#define MAX_TAKEN 2048

/* ---- in ---- */

/* The status to refuse a message with; 200: it is fine. */
static int check(const struct ast_sip_session *session, const pjsip_msg *msg)
{
    if (session->channel == NULL || ast_channel_get_state(session->channel) == AST_CHANNEL_GONE) {
        return PJSIP_SC_TEMPORARILY_UNAVAILABLE; /* nobody is there to read it */
    }
    return message_check_content(msg, 1, MAX_TAKEN);
}

static int on_message(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_msg_body *body = rdata->msg_info.msg->body;
    int status = check(session, rdata->msg_info.msg);
    char text[MAX_TAKEN + 1];

    /* The answer first: what the channel does with it may end the call. */
    ast_sip_session_send_response(session, status, rdata);
    if (status == PJSIP_SC_OK && body != NULL && body->len > 0 && session->channel != NULL) {
        memcpy(text, body->data, body->len);
        text[body->len] = '\0';
        ast_channel_text(session->channel, text);
    }
    return AST_SIP_SESSION_STOP;
}

/* RFC 3261 21.4.13: what we would take. */
static void on_message_response(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    (void)session;
    if (tdata->msg->line.status.code == PJSIP_SC_UNSUPPORTED_MEDIA_TYPE) {
        ast_sip_add_header(tdata, "Accept", ACCEPT);
        ast_sip_add_header(tdata, "Accept-Encoding", "identity");
    }
}

/* ---- out ---- */

static int send_text(struct ast_channel *channel, const char *text)
{
    struct ast_sip_session *session = ast_sip_channel_session(channel);
    struct ast_sip_body body = {.type = "text", .subtype = "plain", .body_text = text};
    size_t length = strlen(text);
    pjsip_tx_data *tdata;

    /* A peer that has named its methods, and not this one, would refuse it. */
    if (session == NULL || (ast_sip_session_peer_allows(session, "INVITE") &&
                            !ast_sip_session_peer_allows(session, "MESSAGE"))) {
        return 1;
    }
    if (length > MAX_SENT || !utf8_is_text(text, length)) {
        ast_warning_limited(
            "%s: a text of %zu octets is not sent: expected UTF-8, %d octets at most",
            ast_channel_get_name(channel), length, MAX_SENT);
        return -1;
    }
    if (ast_sip_session_create_request(session, "MESSAGE", &tdata) != 0) {
        return -1;
    }
    if (ast_sip_add_body(tdata, &body) != 0) {
        pjsip_tx_data_dec_ref(tdata);
        return -1;
    }
    return ast_sip_session_send_request(session, tdata);
}

/* 1: a challenge to a request without credentials, which we have: it goes out again. */
static int goes_again(const struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    int code = rdata->msg_info.msg->line.status.code;
    const pjsip_transaction *tsx = pjsip_rdata_get_tsx(rdata);

    if ((code != PJSIP_SC_UNAUTHORIZED && code != PJSIP_SC_PROXY_AUTHENTICATION_REQUIRED) ||
        session->endpoint->credentials == NULL || tsx == NULL || tsx->last_tx == NULL) {
        return 0;
    }
    return pjsip_msg_find_hdr(tsx->last_tx->msg, PJSIP_H_AUTHORIZATION, NULL) == NULL &&
           pjsip_msg_find_hdr(tsx->last_tx->msg, PJSIP_H_PROXY_AUTHORIZATION, NULL) == NULL;
}

static void on_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    int code = rdata->msg_info.msg->line.status.code;

    if (code >= 200 && session->channel != NULL && !goes_again(session, rdata)) {
        ast_channel_text_sent(session->channel, code / 100 == 2 ? 0 : -1);
    }
}

static struct ast_channel_sender sender = {.name = "message", .text = send_text};

/* ---- start and stop ---- */

static struct ast_sip_session_extension extension = {.method = "MESSAGE",
                                                     .name = "message",
                                                     .incoming_request = on_message,
                                                     .incoming_response = on_response,
                                                     .outgoing_response = on_message_response};

void message_inside_stop(void)
{
    ast_channel_unregister_sender(&sender);
    ast_sip_session_unregister_extension(&extension);
    ast_sip_session_unregister_method("MESSAGE");
}

int message_inside_start(void)
{
    if (ast_sip_session_register_method("MESSAGE") != 0) {
        return -1;
    }
    if (ast_sip_session_register_extension(&extension) != 0 ||
        ast_channel_register_sender(&sender) != 0) {
        message_inside_stop();
        return -1;
    }
    return 0;
}
