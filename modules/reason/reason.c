/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reason: the Reason header (RFC 3326, RFC 6432): why a call ends, from the peer to the cause of
 * its channel, and from there to the peer.
 */
#include <string.h>
#include <strings.h>

#include <sipsession/log.h>
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

#include "value.h"

#define ELSEWHERE "Call completed elsewhere"

/* ---- in ---- */

/* The first cause of each kind; 0: none. */
struct heard {
    int q850;
    int sip;
};

static void read_header(const pj_str_t *text, struct heard *heard)
{
    const char *at = text->ptr, *end = text->ptr + text->slen;
    struct reason_value value;

    while (reason_next(&at, end, &value)) {
        if (strcasecmp(value.protocol, "Q.850") == 0) {
            if (heard->q850 == 0 && value.cause >= 1 && value.cause <= 127) {
                heard->q850 = value.cause;
            }
        } else if (strcasecmp(value.protocol, "SIP") == 0) {
            if (heard->sip == 0 && value.cause >= 200 && value.cause <= 699) {
                heard->sip = value.cause;
            }
        }
    }
}

/* What a message says, as a cause of Q.850; 0: nothing. */
static int read_cause(const pjsip_msg *msg)
{
    const pj_str_t name = pj_str((char *)"Reason");
    const pjsip_generic_string_hdr *header = pjsip_msg_find_hdr_by_name(msg, &name, NULL);
    struct heard heard = {0};

    for (; header != NULL; header = pjsip_msg_find_hdr_by_name(msg, &name, header->next)) {
        read_header(&header->hvalue, &heard);
    }
    if (heard.q850 != 0) {
        return heard.q850;
    }
    if (heard.sip == 0) {
        return 0;
    }
    /* RFC 3326 3.1: another branch of a forked INVITE was answered. */
    if (heard.sip == PJSIP_SC_OK && msg->type == PJSIP_REQUEST_MSG &&
        msg->line.req.method.id == PJSIP_CANCEL_METHOD) {
        return AST_CAUSE_ANSWERED_ELSEWHERE;
    }
    return ast_cause_from_sip(heard.sip);
}

/* A channel of the session that has not hung up, or NULL: what has, knows why. */
static struct ast_channel *live_channel(const struct ast_sip_session *session)
{
    return session->channel != NULL && ast_channel_get_state(session->channel) != AST_CHANNEL_GONE
               ? session->channel
               : NULL;
}

static int on_ending(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    struct ast_channel *channel = live_channel(session);
    int cause = read_cause(rdata->msg_info.msg);

    if (channel != NULL && cause != 0) {
        ast_channel_set_cause(channel, cause);
    }
    return AST_SIP_SESSION_CONTINUE;
}

/* RFC 6432. The INVITE may be sent again after a refusal: then the next response counts. */
static void on_invite_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    struct ast_channel *channel = live_channel(session);

    if (channel != NULL && msg->line.status.code >= 200 && ast_sip_session_is_outgoing(session) &&
        ast_sip_session_get_state(session) < AST_SIP_SESSION_STATE_CONNECTING) {
        ast_channel_set_cause(channel, msg->line.status.code >= 300 ? read_cause(msg) : 0);
    }
}

/* Ended from here with a reason that the channel does not know: a session timer, say. */
static void on_end(struct ast_sip_session *session)
{
    const struct ast_sip_session_reason *reason = ast_sip_session_get_reason(session);
    struct ast_channel *channel = live_channel(session);

    if (channel == NULL || reason == NULL || ast_channel_get_cause(channel) != 0) {
        return;
    }
    if (strcasecmp(reason->protocol, "Q.850") == 0) {
        ast_channel_set_cause(channel, reason->cause);
    } else if (strcasecmp(reason->protocol, "SIP") == 0) {
        ast_channel_set_cause(channel, ast_cause_from_sip(reason->cause));
    }
}

/* ---- out ---- */

static void add(pjsip_tx_data *tdata, const char *protocol, int cause, const char *text)
{
    char value[192];

    if (reason_print(value, sizeof(value), protocol, cause, text) > 0) {
        ast_sip_add_header(tdata, "Reason", value);
    }
}

/* The session's own reason, and the channel's cause beside it; one value of each protocol (RFC 3326
 * 2). */
static void say(const struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    const struct ast_sip_session_reason *reason = ast_sip_session_get_reason(session);
    const pj_str_t name = pj_str((char *)"Reason");
    int cause = session->channel != NULL ? ast_channel_get_cause(session->channel) : 0;
    int without_q850 = session->endpoint->suppress_q850_reason_headers;
    int cancel = tdata->msg->type == PJSIP_REQUEST_MSG &&
                 tdata->msg->line.req.method.id == PJSIP_CANCEL_METHOD;

    if (pjsip_msg_find_hdr_by_name(tdata->msg, &name, NULL) != NULL) {
        return; /* somebody else has said it */
    }
    if (reason != NULL && (!without_q850 || strcasecmp(reason->protocol, "Q.850") != 0)) {
        add(tdata, reason->protocol, reason->cause, reason->text);
    } else if (cancel && cause == AST_CAUSE_ANSWERED_ELSEWHERE) {
        add(tdata, "SIP", PJSIP_SC_OK, ELSEWHERE); /* RFC 3326 3.1 */
    }
    if (cause != 0 && !without_q850 &&
        (reason == NULL || strcasecmp(reason->protocol, "Q.850") != 0)) {
        add(tdata, "Q.850", cause, "");
    }
}

static void on_request(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    say(session, tdata);
}

/* RFC 6432: refusals of an INVITE. Who gets 487 has sent CANCEL and knows why. */
static void on_response(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    int code = tdata->msg->line.status.code;

    if (code >= 300 && code != PJSIP_SC_REQUEST_TERMINATED) {
        say(session, tdata);
    }
}

/* ---- the module ---- */

static struct ast_sip_session_extension extensions[] = {
    {.method = "BYE",
     .name = "reason (BYE)",
     .incoming_request = on_ending,
     .outgoing_request = on_request},
    {.method = "CANCEL",
     .name = "reason (CANCEL)",
     .incoming_request = on_ending,
     .outgoing_request = on_request},
    {.method = "INVITE",
     .name = "reason",
     .incoming_response = on_invite_response,
     .outgoing_response = on_response,
     .session_end = on_end},
};

static void end(void)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(extensions); ++i) {
        ast_sip_session_unregister_extension(&extensions[i]);
    }
}

static int init(void)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(extensions); ++i) {
        if (ast_sip_session_register_extension(&extensions[i]) != 0) {
            end();
            return -1;
        }
    }
    return 0;
}

AST_SIP_MODULE(.name = "reason", .description = "Why a call ends: the Reason header", .init = init,
               .close = end);
