/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that a module makes and ends: an INFO with `X-Do: call URI` places one, with a channel;
 * `X-Do: hangup CAUSE` hangs it up; `X-Do: terminate CAUSE TEXT` ends its session with a reason of
 * SIP. The cause of its channel is recorded at its end.
 */
#include "api_record.h"

static struct ast_sip_session *placed;

static void call(const struct ast_sip_session *session, const char *uri)
{
    struct ast_sip_session_outgoing outgoing;

    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = session->endpoint;
    outgoing.uri = uri;
    placed = ast_sip_session_create_outgoing(&outgoing);
    if (placed != NULL && ast_sip_channel_create(placed) == 0) {
        ast_sip_session_send_invite(placed);
    }
}

static void terminate(const char *text)
{
    struct ast_sip_session_reason reason = {.protocol = "SIP", .cause = atoi(text)};
    const char *blank = strchr(text, ' ');

    snprintf(reason.text, sizeof(reason.text), "%s", blank ? blank + 1 : "");
    ast_sip_session_terminate_with_reason(placed, 0, &reason);
}

static int on_info(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    char what[256];

    if (ast_sip_get_header(rdata->msg_info.msg, "X-Do", what, sizeof(what)) != 0) {
        return 0;
    }
    ast_sip_session_send_response(session, 200, rdata);
    if (strncmp(what, "call ", 5) == 0) {
        call(session, what + 5);
    } else if (placed != NULL && strncmp(what, "hangup ", 7) == 0) {
        ast_channel_hangup(placed->channel, atoi(what + 7));
    } else if (placed != NULL && strncmp(what, "terminate ", 10) == 0) {
        terminate(what + 10);
    }
    return 1;
}

static void on_end(struct ast_sip_session *session)
{
    if (session == placed) {
        api_record("cause %d",
                   session->channel != NULL ? ast_channel_get_cause(session->channel) : -1);
        ast_sip_session_unref(placed);
        placed = NULL;
    }
}

static struct ast_sip_session_extension extension = {.method = "INFO",
                                                     .name = "api_reason",
                                                     .priority = 10,
                                                     .incoming_request = on_info,
                                                     .session_end = on_end};

static int init(void)
{
    return ast_sip_session_register_extension(&extension);
}

static void done(void)
{
    ast_sip_session_unregister_extension(&extension);
    ast_sip_session_unref(placed);
    placed = NULL;
}

AST_SIP_MODULE(.name = "api_reason", .description = "Test: calls with reasons", .init = init,
               .close = done);
