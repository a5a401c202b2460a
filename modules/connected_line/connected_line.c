/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connected_line: identities that change in a call (RFC 4916). A peer that turns out to be somebody
 * else is so on its channel (CALLERID); when a channel is connected with somebody else
 * (CONNECTEDLINE), its peer is told by UPDATE or re-INVITE: in From when both sides have
 * "from-change", and in what caller_id writes. policy.c decides; here are only messages.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/address.h>
#include <sipsession/log.h>
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

#include "policy.h"

#define OPTION_TAG "from-change"

/* What a session's peer was told. Made when there is anything to remember. */
struct line {
    int queued;  /* a request waits in the session's queue, which tells what is to be told then */
    int pending; /* a request of ours with a From of its own has no answer yet */
    struct ast_party_id told; /* nobody at first */
    struct ast_party_id
        from; /* who we are in From, as the peer has accepted it; nobody: at first */
};

static struct ast_sip_session_cookie cookie = {.name = "connected_line", .destroy = free};

/* ---- who the peer is ---- */

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

/* A message of the peer says who it is: by what it asserts, or by From when that has changed; an
 * endpoint whose callerid is configured cannot call itself anything else in From. */
static void learn(struct ast_sip_session *session, struct pjsip_rx_data *rdata, int from_changed)
{
    const struct ast_sip_endpoint *endpoint = session->endpoint;
    const struct ast_party_id *known;
    struct ast_party_id found;
    int asserted =
        endpoint->trust_id_inbound && (names_somebody(rdata->msg_info.msg, "P-Asserted-Identity") ||
                                       names_somebody(rdata->msg_info.msg, "Remote-Party-ID"));

    if ((!asserted && (!from_changed || endpoint->callerid.number[0] != '\0')) ||
        ast_sip_session_get_identity(rdata, &found) != 0) {
        return;
    }
    known = ast_channel_get_caller(session->channel);
    memcpy(found.tag, known->tag, sizeof(found.tag));
    if (!line_is_same(known, &found)) {
        ast_channel_peer_identity(session->channel, &found);
    }
}

static int on_request(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    int from_changed;

    if (rdata->msg_info.to->tag.slen == 0 || !session->endpoint->trust_connected_line) {
        return AST_SIP_SESSION_CONTINUE;
    }
    from_changed = ast_sip_session_peer_supports(session, OPTION_TAG) &&
                   ast_sip_session_take_from(session, rdata) == 1;
    if (session->channel != NULL) {
        learn(session, rdata, from_changed);
    }
    return AST_SIP_SESSION_CONTINUE;
}

/* ---- whom it is connected with ---- */

static struct line *find_line(const struct ast_sip_session *session)
{
    return ast_sip_session_get_cookie(session, &cookie);
}

/* NULL: no memory. */
static struct line *make_line(struct ast_sip_session *session)
{
    struct line *line = find_line(session);

    if (line != NULL) {
        return line;
    }
    line = calloc(1, sizeof(*line));
    if (line == NULL || ast_sip_session_set_cookie(session, &cookie, line) != 0) {
        free(line);
        return NULL;
    }
    if (ast_sip_session_is_outgoing(session)) { /* its INVITE said that much */
        line->told = *ast_sip_session_get_caller(session);
    }
    return line;
}

/* Queues a request when the peer can learn by it what it does not know. It is made later, with what
 * is to be told then: several changes at once are one request. */
static void tell(struct ast_sip_session *session)
{
    const struct ast_party_id *id = ast_channel_get_connected(session->channel);
    int from_change = ast_sip_session_peer_supports(session, OPTION_TAG);
    struct ast_sip_session_refresh refresh;
    struct line *line;

    if (!line_can_tell(session->endpoint, id, from_change)) {
        return;
    }
    line = make_line(session);
    if (line == NULL || line->queued || line_is_same(id, &line->told)) {
        return;
    }
    ast_sip_session_refresh_init(&refresh);
    line_choose(ast_sip_session_peer_allows(session, "UPDATE"), &refresh);
    line->queued = ast_sip_session_refresh(session, &refresh, NULL) == 0;
}

static void on_connected(struct ast_channel *channel)
{
    struct ast_sip_session *session = ast_sip_channel_session(channel);
    enum ast_sip_session_state state;

    if (session == NULL || session->channel == NULL) {
        return;
    }
    state = ast_sip_session_get_state(session);
    /* What is not sent yet, or not answered, tells it itself. */
    if (state > AST_SIP_SESSION_STATE_NEW && state < AST_SIP_SESSION_STATE_ENDING &&
        (ast_sip_session_is_outgoing(session) || state >= AST_SIP_SESSION_STATE_CONNECTING)) {
        tell(session);
    }
}

/* RFC 4916 4.1: a response cannot say it in From; a request of ours does when the call is up. */
static void on_confirmed(struct ast_sip_session *session)
{
    if (session->channel != NULL && !ast_sip_session_is_outgoing(session)) {
        tell(session);
    }
}

/* A 2xx of ours said it, when caller_id writes such things for the peer. */
static void on_outgoing_response(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    const struct ast_party_id *id;
    struct line *line;

    if (session->channel == NULL || tdata->msg->line.status.code / 100 != 2) {
        return;
    }
    id = ast_channel_get_connected(session->channel);
    if (line_can_tell(session->endpoint, id, 0) && (line = make_line(session)) != NULL) {
        line->told = *id;
    }
}

/* A re-INVITE or UPDATE of ours, whoever wants it, says who we are now. */
static void on_outgoing_request(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    struct line *line = find_line(session);
    const struct ast_party_id *id;

    if (line == NULL || session->channel == NULL ||
        ast_sip_session_get_state(session) == AST_SIP_SESSION_STATE_NEW) {
        return;
    }
    line->queued = 0;
    id = ast_channel_get_connected(session->channel);
    if (!line_can_tell(session->endpoint, id, 1)) {
        return;
    }
    line->told = *id;
    if (ast_sip_session_peer_supports(session, OPTION_TAG) && !line_is_same(id, &line->from) &&
        ast_sip_session_set_from(session, tdata, id) == 0) {
        line->pending = 1;
    }
}

/* The peer has accepted who we are, or not: then the session is as it was (RFC 3261 14.1), From
 * too. */
static void settle(struct ast_sip_session *session, int code)
{
    struct line *line = find_line(session);

    if (line == NULL || !line->pending || code < 200 || code == PJSIP_SC_UNAUTHORIZED ||
        code == PJSIP_SC_PROXY_AUTHENTICATION_REQUIRED) {
        return;
    }
    line->pending = 0;
    if (code < 300) {
        line->from = line->told;
    } else {
        ast_sip_session_set_from(session, NULL, line->from.number[0] != '\0' ? &line->from : NULL);
    }
}

/* To of a response is what we wrote ourselves: only what is asserted says anything. */
static void on_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    int code = rdata->msg_info.msg->line.status.code;

    settle(session, code);
    if (session->channel != NULL && session->endpoint->trust_connected_line && code > 100 &&
        code < 300) {
        learn(session, rdata, 0);
    }
}

/* ---- registration ---- */

static struct ast_channel_observer observer = {.connected = on_connected};

/* After caller_id, which writes the headers of the same messages. */
static struct ast_sip_session_extension extensions[] = {
    {.method = "INVITE",
     .name = "connected_line",
     .incoming_request = on_request,
     .incoming_response = on_response,
     .outgoing_request = on_outgoing_request,
     .outgoing_response = on_outgoing_response,
     .session_confirmed = on_confirmed},
    {.method = "UPDATE",
     .name = "connected_line (UPDATE)",
     .incoming_request = on_request,
     .incoming_response = on_response,
     .outgoing_request = on_outgoing_request,
     .outgoing_response = on_outgoing_response},
};

static void undo(unsigned extension_count)
{
    while (extension_count > 0) {
        ast_sip_session_unregister_extension(&extensions[--extension_count]);
    }
    ast_sip_session_unregister_option_tag(OPTION_TAG);
    ast_sip_session_unregister_cookie(&cookie);
}

static int init(void)
{
    if (ast_sip_session_register_cookie(&cookie) != 0) {
        return -1;
    }
    if (ast_sip_session_register_option_tag(OPTION_TAG) != 0) {
        ast_sip_session_unregister_cookie(&cookie);
        return -1;
    }
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(extensions); ++i) {
        if (ast_sip_session_register_extension(&extensions[i]) != 0) {
            undo(i);
            return -1;
        }
    }
    ast_register_channel_observer(&observer);
    return 0;
}

static void done(void)
{
    ast_unregister_channel_observer(&observer);
    undo(PJ_ARRAY_SIZE(extensions));
}

AST_SIP_MODULE(.name = "connected_line",
               .description = "Identities that change in a call (RFC 4916)",
               .requires = "caller_id", .init = init, .close = done);
