/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * caller_id: who calls, and who answers. An incoming call's identity goes to its channel; ours goes
 * out in P-Asserted-Identity (RFC 3325), Remote-Party-ID and Privacy (RFC 3323), as the endpoint's
 * options want it. From itself is the core's. policy.c decides; here are only messages.
 */
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

#include "policy.h"

/* ---- incoming ---- */

/* 1: a header of this name names somebody. */
static int names_somebody(const pjsip_msg *msg, const char *name)
{
    struct ast_sip_address addresses[4];
    unsigned count = ast_sip_addresses_of(msg, name, addresses, PJ_ARRAY_SIZE(addresses));
    struct ast_party_id id;

    for (unsigned i = 0; i < count; ++i) {
        if (ast_sip_address_party(&addresses[i], &id) == 0) {
            return 1;
        }
    }
    return 0;
}

static int on_invite(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    struct ast_party_id found, caller;
    int known;

    if (session->channel == NULL || ast_sip_session_is_outgoing(session) ||
        rdata->msg_info.to->tag.slen > 0) {
        return AST_SIP_SESSION_CONTINUE;
    }
    known = ast_sip_session_get_identity(rdata, &found) == 0;
    caller_choose(session->endpoint, known ? &found : NULL,
                  session->endpoint->trust_id_inbound &&
                      (names_somebody(msg, "P-Asserted-Identity") ||
                       names_somebody(msg, "Remote-Party-ID")),
                  &caller);
    ast_channel_set_caller(session->channel, &caller);
    return AST_SIP_SESSION_CONTINUE;
}

/* ---- outgoing ---- */

/* Whom the peer is shown: the channel's connected party, else who we said that calls. NULL: nobody.
 */
static const struct ast_party_id *find_shown(const struct ast_sip_session *session)
{
    const struct ast_party_id *id;

    if (session->channel != NULL) {
        id = ast_channel_get_connected(session->channel);
        if (id->number[0] != '\0') {
            return id;
        }
    }
    return ast_sip_session_is_outgoing(session) ? ast_sip_session_get_caller(session) : NULL;
}

static void add(struct pjsip_tx_data *tdata, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        ast_sip_add_header(tdata, name, value);
    }
}

static void show(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    struct caller_headers headers;
    struct caller_shown shown;
    char host[256];

    shown.endpoint = session->endpoint;
    shown.id = find_shown(session);
    if (shown.id == NULL || ast_sip_session_identity_host(session, host, sizeof(host)) != 0) {
        return;
    }
    shown.host = host;
    shown.calling = ast_sip_session_is_outgoing(session);
    shown.in_from = tdata->msg->type == PJSIP_REQUEST_MSG &&
                    ast_sip_session_get_state(session) == AST_SIP_SESSION_STATE_NEW;
    caller_write(&shown, &headers);
    add(tdata, "P-Asserted-Identity", headers.pai);
    add(tdata, "Remote-Party-ID", headers.rpid);
    add(tdata, "Privacy", headers.privacy);
}

/* The connected identity goes with what tells of it: 18x and 2xx. */
static void show_in_response(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    int code = tdata->msg->line.status.code;

    if (code > 100 && code < 300) {
        show(session, tdata);
    }
}

/* ---- registration ---- */

static struct ast_sip_session_extension extensions[] = {
    {.method = "INVITE",
     .name = "caller_id (caller)",
     .priority = AST_SIP_SESSION_PRIORITY_IDENTITY,
     .incoming_request = on_invite},
    {.method = "INVITE",
     .name = "caller_id",
     .outgoing_request = show,
     .outgoing_response = show_in_response},
    {.method = "UPDATE",
     .name = "caller_id (UPDATE)",
     .outgoing_request = show,
     .outgoing_response = show_in_response},
};

static void unregister(unsigned count)
{
    while (count > 0) {
        ast_sip_session_unregister_extension(&extensions[--count]);
    }
}

static int init(void)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(extensions); ++i) {
        if (ast_sip_session_register_extension(&extensions[i]) != 0) {
            unregister(i);
            return -1;
        }
    }
    return 0;
}

static void done(void)
{
    unregister(PJ_ARRAY_SIZE(extensions));
}

AST_SIP_MODULE(.name = "caller_id",
               .description = "Who calls and who answers: P-Asserted-Identity, Remote-Party-ID",
               .init = init, .close = done);
