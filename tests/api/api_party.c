/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identities from a test, in headers of an INFO: X-Do: `call URI` places a call as the endpoint of
 * X-Endpoint, from X-Caller, diverted as X-Redirecting says; `connected NAME|NUMBER|PRESENTATION`
 * says on the channel of the call placed last whom its peer is connected with; `terminate` ends
 * that call. What a channel's peer turns out to be is recorded.
 */
#include "api_record.h"

static struct ast_sip_session *placed; /* a reference; the call placed last */

/* Takes the next field of NAME|NUMBER|... off. */
static const char *field(char **rest)
{
    char *found = strsep(rest, "|");

    return found ? found : "";
}

static void read_party(char **rest, struct ast_party_id *id)
{
    snprintf(id->name, sizeof(id->name), "%s", field(rest));
    snprintf(id->number, sizeof(id->number), "%s", field(rest));
    id->presentation = atoi(field(rest));
}

struct job {
    char endpoint[80];
    char uri[512];
    char caller[200];
    char redirecting[400];
};

/* FROM-NAME|FROM-NUMBER|PRES|ORIG-NAME|ORIG-NUMBER|PRES|REASON|ORIG-REASON|COUNT */
static void set_redirecting(struct ast_channel *channel, char *text)
{
    struct ast_party_redirecting redirecting;

    if (!*text) {
        return;
    }
    memset(&redirecting, 0, sizeof(redirecting));
    read_party(&text, &redirecting.from);
    read_party(&text, &redirecting.orig);
    snprintf(redirecting.reason, sizeof(redirecting.reason), "%s", field(&text));
    snprintf(redirecting.orig_reason, sizeof(redirecting.orig_reason), "%s", field(&text));
    redirecting.count = (unsigned)atoi(field(&text));
    ast_channel_set_redirecting(channel, &redirecting);
}

static int call_task(void *data)
{
    struct job *job = data;
    struct ast_sip_session_outgoing outgoing;
    struct ast_sip_session *session;
    char *rest = job->caller;

    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = ast_sip_get_endpoint(job->endpoint);
    outgoing.uri = job->uri;
    outgoing.redirections = 3;
    read_party(&rest, &outgoing.caller);
    session = ast_sip_session_create_outgoing(&outgoing);
    ast_sip_endpoint_unref(outgoing.endpoint);
    if (session && ast_sip_channel_create(session) == 0) {
        set_redirecting(session->channel, job->redirecting);
        ast_sip_session_unref(placed);
        placed = ast_sip_session_ref(session);
        api_record("sent %d", ast_sip_session_send_invite(session));
    }
    ast_sip_session_unref(session);
    free(job);
    return 0;
}

static void place_call(pjsip_msg *msg, const char *uri)
{
    struct job *job = calloc(1, sizeof(*job));

    if (!job) {
        return;
    }
    snprintf(job->uri, sizeof(job->uri), "%s", uri);
    ast_sip_get_header(msg, "X-Endpoint", job->endpoint, sizeof(job->endpoint));
    ast_sip_get_header(msg, "X-Caller", job->caller, sizeof(job->caller));
    ast_sip_get_header(msg, "X-Redirecting", job->redirecting, sizeof(job->redirecting));
    if (ast_sip_push_task(call_task, job)) {
        free(job);
    }
}

static int terminate_task(void *data)
{
    PJ_UNUSED_ARG(data);
    ast_sip_session_terminate(placed, 0);
    return 0;
}

static int control(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    char what[300], *rest = what + 10;

    if (ast_sip_get_header(rdata->msg_info.msg, "X-Do", what, sizeof(what))) {
        return 0;
    }
    if (strncmp(what, "call ", 5) == 0) {
        place_call(rdata->msg_info.msg, what + 5);
    } else if (strncmp(what, "connected ", 10) == 0 && placed && placed->channel) {
        struct ast_party_id id;

        memset(&id, 0, sizeof(id));
        read_party(&rest, &id);
        ast_channel_set_connected(placed->channel, &id, 1);
    } else if (strcmp(what, "terminate") == 0 && placed) {
        ast_sip_push_task(terminate_task, NULL);
    }
    ast_sip_session_send_response(session, 200, rdata);
    return AST_SIP_SESSION_STOP;
}

static void end(struct ast_sip_session *session)
{
    if (session == placed) {
        placed = NULL;
        ast_sip_session_unref(session);
    }
}

static struct ast_sip_session_extension info_extension = {.method = "INFO",
                                                          .incoming_request = control,
                                                          .name = "party"};
static struct ast_sip_session_extension life_extension = {.session_end = end,
                                                          .name = "party (life)"};

static void caller(struct ast_channel *channel)
{
    const struct ast_party_id *id = ast_channel_get_caller(channel);

    api_record("peer %s|%s|%d", id->name, id->number, id->presentation);
}

static struct ast_channel_observer observer = {.caller = caller};

static int init(void)
{
    ast_register_channel_observer(&observer);
    return ast_sip_session_register_extension(&info_extension) ||
                   ast_sip_session_register_extension(&life_extension)
               ? -1
               : 0;
}

static void done(void)
{
    ast_sip_session_unregister_extension(&life_extension);
    ast_sip_session_unregister_extension(&info_extension);
    ast_unregister_channel_observer(&observer);
}

AST_SIP_MODULE(.name = "api_party", .description = "Test: identities of calls that are placed",
               .init = init, .close = done);
