/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: the SIP channel driver, the consumer of res_sip_session: it is an extension like
 * everybody else's, first and last of the INVITE's. It makes a channel for each new session, runs
 * the dialplan on it when no other extension objected, and carries what the channel wants to the
 * session. Rule 3 of channel.h says who holds whom.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sipsession/log.h>
#include <sipsession/media.h>
#include <sipsession/res_sip_session.h>

#include "channel/channel.h"

/* ---- what a channel asks for ---- */

static int answer(struct ast_channel *channel)
{
    struct ast_sip_session *session = channel->tech_data;

    return session != NULL ? ast_sip_session_send_response(session, PJSIP_SC_OK, NULL) : -1;
}

static int indicate(struct ast_channel *channel, enum ast_control control)
{
    static const int codes[] = {[AST_CONTROL_PROCEEDING] = PJSIP_SC_TRYING,
                                [AST_CONTROL_RINGING] = PJSIP_SC_RINGING,
                                [AST_CONTROL_PROGRESS] = PJSIP_SC_PROGRESS};
    struct ast_sip_session *session = channel->tech_data;

    if (session == NULL) {
        return -1;
    }
    if (channel->told & (1u << control)) {
        return 0;
    }
    /* 100 tells nothing after another response, and 180 takes early media away again. */
    if ((control == AST_CONTROL_PROCEEDING && channel->told != 0) ||
        (control == AST_CONTROL_RINGING && (channel->told & (1u << AST_CONTROL_PROGRESS)) &&
         !ast_sip_get_global()->allow_sending_180_after_183)) {
        return 0;
    }
    return ast_sip_session_send_response(session, codes[control], NULL);
}

static void hangup(struct ast_channel *channel)
{
    struct ast_sip_session *session = channel->tech_data;

    if (session != NULL) {
        ast_sip_session_ref(session); /* its end may be told within */
        ast_sip_session_terminate(session, chan_cause_to_status(channel->cause));
        ast_sip_session_unref(session);
    }
}

/* What the endpoint's section says of its channels; the session may be gone. */
static int read_item(struct ast_channel *channel, const char *item, char *out, size_t size)
{
    const struct ast_sip_session *session = channel->tech_data;
    const struct ast_sip_endpoint *endpoint = session != NULL ? session->endpoint : NULL;
    const struct {
        const char *name, *value;
    } items[] = {{"accountcode", endpoint != NULL ? endpoint->accountcode : NULL},
                 {"language", endpoint != NULL ? endpoint->language : NULL},
                 {"tenantid", endpoint != NULL ? endpoint->tenantid : NULL},
                 {"tonezone", endpoint != NULL ? endpoint->tone_zone : NULL}};

    for (unsigned i = 0; i < PJ_ARRAY_SIZE(items); ++i) {
        if (strcasecmp(items[i].name, item) == 0) {
            snprintf(out, size, "%s", items[i].value != NULL ? items[i].value : "");
            return 0;
        }
    }
    return -1;
}

static const struct ast_channel_tech tech = {
    .name = "PJSIP", .answer = answer, .indicate = indicate, .hangup = hangup, .read = read_item};

/* The session's channel when it is one of ours, or NULL. */
static struct ast_channel *channel_of(const struct ast_sip_session *session)
{
    return session->channel != NULL && session->channel->tech == &tech ? session->channel : NULL;
}

/* ---- a new session ---- */

/* Of urn:service:sos.fire (RFC 5031), what is behind urn:service: */
static pj_str_t service_of(const pjsip_other_uri *uri)
{
    static const char prefix[] = "service:";
    const pj_ssize_t length = sizeof(prefix) - 1;
    pj_str_t service = {NULL, 0};

    if (pj_stricmp2(&uri->scheme, "urn") == 0 && uri->content.slen > length &&
        pj_strnicmp2(&uri->content, prefix, length) == 0) {
        pj_strset(&service, uri->content.ptr + length, uri->content.slen - length);
    }
    return service;
}

/* The parser has unescaped the user. */
void ast_pbx_request_exten(const struct pjsip_rx_data *rdata, char *exten, size_t size)
{
    const pjsip_uri *uri = pjsip_uri_get_uri(rdata->msg_info.msg->line.req.uri);
    pj_str_t user = {NULL, 0};

    if (PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri)) {
        user = ((const pjsip_sip_uri *)uri)->user;
    } else if (PJSIP_URI_SCHEME_IS_TEL(uri)) {
        user = ((const pjsip_tel_uri *)uri)->number;
    } else {
        user = service_of((const pjsip_other_uri *)uri);
    }
    exten[0] = '\0';
    user = ast_sip_user_of(&user);
    if (user.slen <= 0) {
        snprintf(exten, size, "s");
        return;
    }
    if ((size_t)user.slen >= size) {
        return;
    }
    for (pj_ssize_t i = 0; i < user.slen; ++i) {
        if ((unsigned char)user.ptr[i] < 0x20 || user.ptr[i] == 0x7f) {
            return;
        }
    }
    memcpy(exten, user.ptr, (size_t)user.slen);
    exten[user.slen] = '\0';
}

static void set_variables(struct ast_channel *channel, const struct ast_sip_endpoint *endpoint)
{
    for (const struct ast_sip_variable *at = endpoint->variables; at != NULL; at = at->next) {
        pbx_write(channel, at->name, at->value);
    }
}

static void set_domain(struct ast_channel *channel, const pjsip_rx_data *rdata)
{
    const pjsip_uri *uri = pjsip_uri_get_uri(rdata->msg_info.msg->line.req.uri);
    char domain[256];

    if (PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri)) {
        const pj_str_t *host = &((const pjsip_sip_uri *)uri)->host;

        base_copy_text(domain, sizeof(domain), host->ptr, (size_t)host->slen);
        ast_channel_set_variable(channel, "SIPDOMAIN", domain);
    }
}

/* A channel for a session, with the two references of rule 3. rdata NULL: an outgoing one. */
static struct ast_channel *create(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    static unsigned last;
    const struct ast_sip_endpoint *endpoint = session->endpoint;
    struct ast_channel_options options = {.tech = &tech,
                                          .state = AST_CHANNEL_DOWN,
                                          .context = endpoint->context,
                                          .exten = "s"};
    struct ast_party_id caller = {.presentation = AST_PARTY_UNAVAILABLE};
    struct ast_channel *channel;
    char name[128], exten[CHAN_NAME_SIZE];

    if (rdata != NULL) {
        ast_sip_session_get_identity(rdata, &caller);
        ast_pbx_request_exten(rdata, exten, sizeof(exten));
        options.state = AST_CHANNEL_RING;
        options.exten = exten;
        options.caller = &caller;
    }
    snprintf(name, sizeof(name), "PJSIP/%.100s-%08x", endpoint->name, last++);
    options.name = name;
    channel = ast_channel_create(&options);
    if (channel == NULL) {
        return NULL;
    }
    if (rdata != NULL) {
        set_domain(channel, rdata);
    } else {
        set_variables(channel, endpoint);
    }
    channel->tech_data = ast_sip_session_ref(session);
    return channel;
}

/* RFC 3261 12.2: what has no tag in To begins a dialog. */
static int is_first_invite(const struct ast_sip_session *session, const pjsip_rx_data *rdata)
{
    return !ast_sip_session_is_outgoing(session) && rdata->msg_info.to->tag.slen == 0;
}

static int on_invite_first(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    if (!is_first_invite(session, rdata) || session->channel != NULL) {
        return AST_SIP_SESSION_CONTINUE;
    }
    session->channel = create(session, rdata);
    if (session->channel == NULL) {
        ast_sip_session_send_response(session, PJSIP_SC_INTERNAL_SERVER_ERROR, rdata);
        return AST_SIP_SESSION_STOP;
    }
    return AST_SIP_SESSION_CONTINUE;
}

/* set_var has the last word on what modules found out of the channel. */
static int on_invite_variables(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    struct ast_channel *channel = channel_of(session);

    if (channel != NULL && is_first_invite(session, rdata)) {
        set_variables(channel, session->endpoint);
    }
    return AST_SIP_SESSION_CONTINUE;
}

/* The extension does not exist: 484 when more digits could make one that does (RFC 3578 is not
 * needed for that). */
static int refuse(struct ast_sip_session *session, const struct ast_channel *channel,
                  pjsip_rx_data *rdata)
{
    const char *overlap = session->endpoint->overlap_context;
    int code = PJSIP_SC_NOT_FOUND;

    if (session->endpoint->allow_overlap && pbx_current() != NULL &&
        pbx_can_match(pbx_current(), overlap != NULL ? overlap : channel->context, channel->exten,
                      channel->caller.number)) {
        code = PJSIP_SC_ADDRESS_INCOMPLETE;
    }
    ast_notice_limited("%s: a call to %s, which is no extension of %s: %d", channel->name,
                       channel->exten, channel->context, code);
    ast_sip_session_send_response(session, code, rdata);
    return AST_SIP_SESSION_STOP;
}

static int on_invite_last(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    struct ast_channel *channel = channel_of(session);
    int result = AST_SIP_SESSION_CONTINUE;

    if (channel == NULL || !is_first_invite(session, rdata) || channel->state == AST_CHANNEL_GONE ||
        ast_sip_session_get_state(session) >
            AST_SIP_SESSION_STATE_EARLY) { /* another extension took the call */
        return result;
    }
    ast_channel_ref(channel);
    if (ast_pbx_start(channel) != 0) {
        result = refuse(session, channel, rdata);
    }
    ast_channel_unref(channel);
    return result;
}

/* ---- sessions that we begin ---- */

int ast_sip_channel_create(struct ast_sip_session *session)
{
    base_assert_sip_thread();
    if (session->channel != NULL ||
        ast_sip_session_get_state(session) >= AST_SIP_SESSION_STATE_ENDING) {
        ast_error_limited("A session of %s has a channel already, or ends",
                          session->endpoint->name);
        return -1;
    }
    session->channel = create(session, NULL);
    return session->channel != NULL ? 0 : -1;
}

static void on_invite_response(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    struct ast_channel *channel = channel_of(session);
    int code = rdata->msg_info.msg->line.status.code;

    if (channel == NULL || channel->state == AST_CHANNEL_UP ||
        !ast_sip_session_is_outgoing(session)) {
        return;
    }
    if (code / 100 == 2) {
        ast_channel_peer_state(channel, AST_CHANNEL_UP);
    } else if (code == PJSIP_SC_RINGING) {
        ast_channel_peer_state(channel, AST_CHANNEL_RINGING);
    }
}

/* ---- a channel goes from one session to another ---- */

struct ast_sip_session *ast_sip_channel_session(const struct ast_channel *channel)
{
    return channel != NULL && channel->tech == &tech ? channel->tech_data : NULL;
}

/* Takes a session's channel away from it; the caller gets the reference. */
static struct ast_channel *detach(struct ast_sip_session *session)
{
    struct ast_channel *channel = session->channel;

    session->channel = NULL;
    channel->tech_data = NULL;
    ast_sip_session_unref(session);
    return channel;
}

/* What a session's state means for its channel. */
static enum ast_channel_state state_of(const struct ast_sip_session *session)
{
    enum ast_sip_session_state state = ast_sip_session_get_state(session);

    if (state >= AST_SIP_SESSION_STATE_CONNECTING) {
        return AST_CHANNEL_UP;
    }
    if (!ast_sip_session_is_outgoing(session)) {
        return AST_CHANNEL_RING;
    }
    return state == AST_SIP_SESSION_STATE_EARLY ? AST_CHANNEL_RINGING : AST_CHANNEL_DOWN;
}

static int can_move(const struct ast_sip_session *from, const struct ast_sip_session *to)
{
    const struct ast_channel *channel = channel_of(from);
    const struct ast_channel *spare = channel_of(to);

    return from != to && channel != NULL && channel->state != AST_CHANNEL_GONE &&
           ast_sip_session_get_state(to) != AST_SIP_SESSION_STATE_ENDED &&
           (to->channel == NULL || (spare != NULL && spare->exec.pbx == NULL));
}

int ast_sip_channel_move(struct ast_sip_session *from, struct ast_sip_session *to)
{
    struct ast_channel *channel, *spare = NULL;
    struct ast_rtp *rtp = NULL, *old;

    base_assert_sip_thread();
    if (!can_move(from, to)) {
        ast_warning_limited("No channel goes from a session of %s to one of %s",
                            from->endpoint->name, to->endpoint->name);
        return -1;
    }
    ast_sip_session_ref(from);
    ast_sip_session_ref(to);
    if (to->channel != NULL) {
        spare = detach(to);
        rtp = spare->rtp;
        ast_channel_set_rtp(spare, NULL);
    }
    channel = detach(from);
    channel->tech_data = ast_sip_session_ref(to);
    to->channel = channel;
    if (channel->state != AST_CHANNEL_UP) {
        channel->state = (short)state_of(to);
        channel->told = 0;
    }
    ast_verbose("%s has another peer now, of endpoint %s", channel->name, to->endpoint->name);
    ast_channel_ref(channel); /* what is told now may end it */
    old = channel->rtp;
    ast_channel_set_rtp(channel, rtp);
    if (old != NULL) {
        ast_rtp_set_idle(old); /* its session goes on for a while */
    }
    ast_channel_unref(channel);
    if (spare != NULL) {
        ast_channel_peer_hangup(spare, 0);
        ast_channel_unref(spare);
    }
    ast_sip_session_unref(to);
    ast_sip_session_unref(from);
    return 0;
}

/* ---- the end ---- */

static void on_session_end(struct ast_sip_session *session)
{
    struct ast_channel *channel = channel_of(session);

    if (channel == NULL) {
        return;
    }
    /* A cause that is there already is what an extension knows: of a Reason header, say. */
    ast_channel_peer_hangup(channel,
                            channel->cause != 0
                                ? channel->cause
                                : ast_cause_from_sip(ast_sip_session_get_end_status(session)));
    ast_channel_set_rtp(channel, NULL);
    ast_channel_unref(detach(session));
}

/* ---- registration ---- */

static struct ast_sip_session_extension extensions[] = {
    {.method = "INVITE",
     .name = "channel",
     .priority = AST_SIP_SESSION_PRIORITY_FIRST,
     .incoming_request = on_invite_first},
    {.method = "INVITE",
     .name = "channel (set_var)",
     .priority = AST_SIP_SESSION_PRIORITY_VARIABLES,
     .incoming_request = on_invite_variables},
    {.method = "INVITE",
     .name = "dialplan",
     .priority = AST_SIP_SESSION_PRIORITY_LAST,
     .incoming_request = on_invite_last,
     .incoming_response = on_invite_response,
     .session_end = on_session_end},
};

static void unregister(unsigned count)
{
    while (count > 0) {
        ast_sip_session_unregister_extension(&extensions[--count]);
    }
}

int chan_sip_start(void)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(extensions); ++i) {
        if (ast_sip_session_register_extension(&extensions[i]) != 0) {
            unregister(i);
            return -1;
        }
    }
    return 0;
}

/* A channel whose session_end will not reach us any more lets go of its session now. */
static void let_go(struct ast_channel *channel, const void *data)
{
    (void)data;
    if (channel->tech == &tech && channel->tech_data != NULL) {
        on_session_end(channel->tech_data);
    }
}

void chan_sip_stop(void)
{
    chan_for_all(let_go, NULL);
    unregister(PJ_ARRAY_SIZE(extensions));
}
