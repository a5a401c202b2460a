/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replaces: an INVITE that takes the place of a call that we have (RFC 3891): it is answered, the
 * channel moves to it, and the old call is ended. INVITEs with Replaces that we send are the module
 * refer's.
 */
#include <string.h>

#include <sipsession/channel.h>
#include <sipsession/log.h>
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

#include "value.h"

#define VALUE_SIZE 512

/* How many Replaces headers there are; the first one's value goes to out, "" when it is too long.
 */
static unsigned count_replaces(const pjsip_msg *msg, char *out, size_t size)
{
    unsigned count = 0;

    out[0] = '\0';
    for (const pjsip_hdr *hdr = msg->hdr.next; hdr != &msg->hdr; hdr = hdr->next) {
        count += pj_stricmp2(&hdr->name, "Replaces") == 0;
    }
    if (count == 1 &&
        (ast_sip_get_header(msg, "Replaces", out, size) != 0 || strlen(out) == size - 1)) {
        out[0] = '\0';
    }
    return count;
}

static int is_stranger(const struct ast_sip_endpoint *endpoint)
{
    return strcmp(endpoint->name, "anonymous") == 0;
}

/*
 * RFC 3891 3 leaves to us who may. Whoever knows the ids of a dialog was told them by somebody who
 * takes part in it; a stranger may replace a stranger's call alone, and allow_transfer=no keeps an
 * endpoint's calls where they are.
 */
static int is_allowed(const struct ast_sip_session *session, const struct ast_sip_session *old)
{
    if (strcmp(session->endpoint->name, old->endpoint->name) != 0 &&
        is_stranger(session->endpoint)) {
        return 0;
    }
    return old->endpoint->allow_transfer;
}

/* A dialog that PJSIP keeps for late retransmissions, whose session has ended. */
static int was_there(const struct replaces_value *value)
{
    const pj_str_t call_id = pj_str((char *)value->call_id);
    const pj_str_t local = pj_str((char *)value->to_tag);
    const pj_str_t remote = pj_str((char *)value->from_tag);

    return pjsip_ua_find_dialog(&call_id, &local, &remote, PJ_FALSE) != NULL;
}

/* RFC 3891 3, in its order. 0: old may be replaced; else the status of the refusal. */
static int judge(const struct ast_sip_session *session, const struct ast_sip_session *old,
                 const struct replaces_value *value)
{
    enum ast_sip_session_state state;

    if (old == NULL) {
        return was_there(value) ? PJSIP_SC_DECLINE : PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
    }
    state = ast_sip_session_get_state(old);
    if (old == session || state < AST_SIP_SESSION_STATE_EARLY) {
        return PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
    }
    if (!is_allowed(session, old)) {
        ast_notice_limited("endpoint %s may not replace a call of %s", session->endpoint->name,
                           old->endpoint->name);
        return PJSIP_SC_FORBIDDEN;
    }
    if (state >= AST_SIP_SESSION_STATE_ENDING) {
        return PJSIP_SC_DECLINE;
    }
    if (state == AST_SIP_SESSION_STATE_EARLY) {
        if (!ast_sip_session_is_outgoing(old)) {
            return PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
        }
    } else if (value->early_only) {
        return PJSIP_SC_BUSY_HERE;
    }
    return ast_sip_channel_session(old->channel) == old &&
                   ast_channel_get_state(old->channel) != AST_CHANNEL_GONE
               ? 0
               : PJSIP_SC_DECLINE; /* nothing of it is left but its BYE */
}

/* The new call is answered first: when its media cannot be, the old one goes on (RFC 3891 3). */
static void replace(struct ast_sip_session *session, struct ast_sip_session *old)
{
    static const struct ast_sip_session_reason reason = {.protocol = "SIP",
                                                         .cause = PJSIP_SC_OK,
                                                         .text = "Replaced by another call"};

    ast_sip_session_ref(old);
    if (ast_sip_session_send_response(session, PJSIP_SC_OK, NULL) == 0) {
        if (ast_sip_channel_move(old, session) == 0) {
            ast_sip_session_terminate_with_reason(old, 0, &reason);
        } else {
            ast_sip_session_terminate(session, 0);
        }
    }
    ast_sip_session_unref(old);
}

static int on_invite(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    struct replaces_value value;
    struct ast_sip_session *old;
    char text[VALUE_SIZE];
    unsigned count = count_replaces(rdata->msg_info.msg, text, sizeof(text));
    int code;

    if (count == 0 || rdata->msg_info.to->tag.slen != 0) {
        return AST_SIP_SESSION_CONTINUE;
    }
    if (count > 1 || replaces_parse(text, &value) != 0) {
        code = PJSIP_SC_BAD_REQUEST;
    } else {
        old = ast_sip_session_find(value.call_id, value.to_tag, value.from_tag);
        code = judge(session, old, &value);
        if (code == 0) {
            replace(session, old);
            return AST_SIP_SESSION_STOP;
        }
    }
    ast_verbose("An INVITE with Replaces is refused with %d", code);
    ast_sip_session_send_response(session, code, rdata);
    return AST_SIP_SESSION_STOP;
}

/* RFC 3891 3: nothing but an INVITE can replace a call. */
static int on_any(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;
    char text[VALUE_SIZE];

    if (method->id == PJSIP_INVITE_METHOD || method->id == PJSIP_ACK_METHOD ||
        method->id == PJSIP_CANCEL_METHOD || method->id == PJSIP_BYE_METHOD ||
        count_replaces(rdata->msg_info.msg, text, sizeof(text)) == 0) {
        return AST_SIP_SESSION_CONTINUE;
    }
    ast_sip_session_send_response(session, PJSIP_SC_BAD_REQUEST, rdata);
    return AST_SIP_SESSION_STOP;
}

/* Before the dialplan, and behind whoever may refuse a call. */
#define PRIORITY 900

static struct ast_sip_session_extension extensions[] = {
    {.method = "INVITE", .name = "replaces", .priority = PRIORITY, .incoming_request = on_invite},
    {.name = "replaces (others)", .incoming_request = on_any},
};

static int replaces_init(void)
{
    if (ast_sip_session_register_option_tag("replaces") != 0) {
        return -1;
    }
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(extensions); ++i) {
        if (ast_sip_session_register_extension(&extensions[i]) != 0) {
            while (i > 0) {
                ast_sip_session_unregister_extension(&extensions[--i]);
            }
            ast_sip_session_unregister_option_tag("replaces");
            return -1;
        }
    }
    return 0;
}

static void replaces_close(void)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(extensions); ++i) {
        ast_sip_session_unregister_extension(&extensions[i]);
    }
    ast_sip_session_unregister_option_tag("replaces");
}

AST_SIP_MODULE(.name = "replaces", .description = "calls that take the place of another",
               .init = replaces_init, .close = replaces_close);
