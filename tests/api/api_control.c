/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands from a test, in an INFO's X-Do header: register and unregister a worker extension in every way there is,
 * send a re-INVITE, place a call, end a session. The worker lives in memory that is freed as soon as it is
 * unregistered: a callback that came later would show.
 */
#include "api_record.h"

static struct ast_sip_session_extension *worker;
static int self_destruct;

static void drop_worker(void)
{
    if (worker) {
        ast_sip_session_unregister_extension(worker);
        memset(worker, 0xAA, sizeof(*worker));
        free(worker);
        worker = NULL;
        api_record("worker gone");
    }
}

static int drop_task(void *data)
{
    PJ_UNUSED_ARG(data);
    drop_worker();
    return 0;
}

static int worker_request(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pj_str_t *method = api_method(rdata->msg_info.msg);

    PJ_UNUSED_ARG(session);
    api_record("worker request %.*s", (int)method->slen, method->ptr);
    if (self_destruct && pj_strcmp2(method, "INFO") == 0) {
        self_destruct = 0;
        drop_worker();
    }
    return 0;
}

static void worker_response(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    PJ_UNUSED_ARG(session);
    ast_sip_add_header(tdata, "X-Worker", "1");
}

static void worker_outgoing(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    PJ_UNUSED_ARG(session);
    ast_sip_add_header(tdata, "X-Worker", "1");
}

static void worker_end(struct ast_sip_session *session)
{
    const pj_str_t *call = api_call_id(session);

    api_record("worker end %.*s", (int)call->slen, call->ptr);
}

static void make_worker(void)
{
    if (worker) {
        return;
    }
    worker = calloc(1, sizeof(*worker));
    if (!worker) {
        return;
    }
    worker->incoming_request = worker_request;
    worker->outgoing_response = worker_response;
    worker->outgoing_request = worker_outgoing;
    worker->session_end = worker_end;
    worker->name = "worker";
    /* before the control extension: its own INFO is seen first */
    worker->priority = -10;
    api_record("worker registered %d", ast_sip_session_register_extension(worker));
}

/* ---- work on sessions that does not belong into a callback of theirs: a task each ---- */

struct job {
    struct ast_sip_session *session;
    char uri[200];
};

static struct job *job_for(struct ast_sip_session *session, const char *uri)
{
    struct job *job = calloc(1, sizeof(*job));

    if (job) {
        job->session = ast_sip_session_ref(session);
        snprintf(job->uri, sizeof(job->uri), "%s", uri);
    }
    return job;
}

static void job_free(struct job *job)
{
    ast_sip_session_unref(job->session);
    free(job);
}

static int reinvite_task(void *data)
{
    struct job *job = data;

    api_record("reinvite %d", ast_sip_session_send_reinvite(job->session));
    job_free(job);
    return 0;
}

static int terminate_task(void *data)
{
    struct job *job = data;

    ast_sip_session_terminate(job->session, 0);
    ast_sip_session_terminate(job->session, 0); /* more often does no harm */
    job_free(job);
    return 0;
}

static int call_task(void *data)
{
    struct job *job = data;
    struct ast_sip_session_outgoing outgoing;
    struct ast_sip_session *session;

    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = job->session->endpoint;
    outgoing.uri = job->uri;
    snprintf(outgoing.caller.name, sizeof(outgoing.caller.name), "Test \"Module\"");
    snprintf(outgoing.caller.number, sizeof(outgoing.caller.number), "4711");
    session = ast_sip_session_create_outgoing(&outgoing);
    api_record("call %s", session ? "made" : "refused");
    if (session) {
        api_record("call sent %d", ast_sip_session_send_invite(session));
        ast_sip_session_unref(session);
    }
    job_free(job);
    return 0;
}

static void later(int (*task)(void *data), struct ast_sip_session *session, const char *uri)
{
    struct job *job = job_for(session, uri);

    if (job && ast_sip_push_task(task, job)) {
        job_free(job);
    }
}

static int control(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    char what[300];

    if (ast_sip_get_header(rdata->msg_info.msg, "X-Do", what, sizeof(what))) {
        return 0;
    }
    if (strcmp(what, "register") == 0) {
        make_worker();
    } else if (strcmp(what, "unregister") == 0) {
        drop_worker();
    } else if (strcmp(what, "unregister-later") == 0) {
        ast_sip_push_task(drop_task, NULL);
    } else if (strcmp(what, "unregister-self-next") == 0) {
        self_destruct = 1;
    } else if (strcmp(what, "reinvite") == 0) {
        later(reinvite_task, session, "");
    } else if (strcmp(what, "terminate") == 0) {
        later(terminate_task, session, "");
    } else if (strncmp(what, "call ", 5) == 0) {
        later(call_task, session, what + 5);
    }
    /* nobody else takes an INFO */
    ast_sip_session_send_response(session, 200, rdata);
    return AST_SIP_SESSION_STOP;
}

/* A re-INVITE of ours and its answer, and what calls that we placed hear. */
static void responses(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pj_str_t *call = api_call_id(session), *method = api_method(rdata->msg_info.msg);

    api_record("response %d %.*s %.*s", rdata->msg_info.msg->line.status.code, (int)method->slen,
               method->ptr, (int)call->slen, call->ptr);
}

static struct ast_sip_session_extension control_extension = {.method = "INFO",
                                                             .incoming_request = control,
                                                             .name = "control"};
static struct ast_sip_session_extension responses_extension = {.incoming_response = responses};

static int init(void)
{
    return ast_sip_session_register_extension(&control_extension) ||
                   ast_sip_session_register_extension(&responses_extension)
               ? -1
               : 0;
}

static void done(void)
{
    drop_worker();
    ast_sip_session_unregister_extension(&responses_extension);
    ast_sip_session_unregister_extension(&control_extension);
}

AST_SIP_MODULE(.name = "api_control", .description = "Test: commands in INFO requests",
               .init = init, .close = done);
