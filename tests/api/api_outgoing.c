/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that a test asks for, in an INFO's X-Dial header: "ENDPOINT URI WORD ...", the words being
 * redirections=N, timeout=MS and without_offer. X-Hang-Up ends the last one, X-Reinvite and X-Info
 * send that in it. What is heard of them is written down. A 422 is tried again with the Min-SE that
 * it asks for.
 */
#include "api_record.h"

static struct ast_sip_session *last;

static int is_ours(const struct ast_sip_session *session)
{
    return ast_sip_session_is_outgoing(session);
}

static void on_request(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    const pj_str_t *method = api_method(tdata->msg);

    if (is_ours(session)) {
        api_record("request %.*s", (int)method->slen, method->ptr);
        ast_sip_add_header(tdata, "X-Hook", "once");
        if (tdata->msg->line.req.method.id == PJSIP_INVITE_METHOD) {
            ast_sip_add_header(tdata, "X-Interval", "90");
        }
    }
}

static void on_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pj_str_t *method = api_method(rdata->msg_info.msg);

    if (is_ours(session)) {
        api_record("response %d %.*s", rdata->msg_info.msg->line.status.code, (int)method->slen,
                   method->ptr);
    }
}

static void on_early(struct ast_sip_session *session,
                     const struct ast_sip_session_early_dialog *early)
{
    static const char *const states[] = {"alive", "gone", "won", "lost"};

    PJ_UNUSED_ARG(session);
    api_record("early %s %s %d", early->tag, states[early->state], early->status);
}

static int on_retry(struct ast_sip_session *session, struct pjsip_rx_data *rdata,
                    struct pjsip_tx_data *tdata)
{
    const pj_str_t name = pj_str("X-Interval");
    pjsip_generic_string_hdr *hdr = pjsip_msg_find_hdr_by_name(tdata->msg, &name, NULL);
    char least[20];

    PJ_UNUSED_ARG(session);
    api_record("refused %d", rdata->msg_info.msg->line.status.code);
    if (rdata->msg_info.msg->line.status.code != 422 || !hdr ||
        ast_sip_get_header(rdata->msg_info.msg, "Min-SE", least, sizeof(least))) {
        return 0;
    }
    pj_strdup2(tdata->pool, &hdr->hvalue, least);
    return 1;
}

static void on_confirmed(struct ast_sip_session *session)
{
    if (is_ours(session)) {
        api_record("confirmed");
    }
}

static void on_end(struct ast_sip_session *session)
{
    if (is_ours(session)) {
        api_record("end %d", ast_sip_session_get_end_status(session));
    }
}

static void on_info_done(void *token, pjsip_event *event)
{
    PJ_UNUSED_ARG(token);
    api_record("info done %d", event->body.tsx_state.tsx->status_code);
}

static void send_info(void)
{
    pjsip_tx_data *tdata;

    if (last && ast_sip_session_create_request(last, "INFO", &tdata) == 0) {
        ast_sip_send_request(tdata, last->inv_session->dlg, NULL, NULL, on_info_done);
    }
}

static void read_words(char *rest, struct ast_sip_session_outgoing *outgoing)
{
    char *word;

    while ((word = strsep(&rest, " "))) {
        if (strncmp(word, "redirections=", 13) == 0) {
            outgoing->redirections = atoi(word + 13);
        } else if (strncmp(word, "timeout=", 8) == 0) {
            outgoing->timeout_ms = (unsigned)atoi(word + 8);
        } else if (strcmp(word, "without_offer") == 0) {
            outgoing->without_offer = 1;
        }
    }
}

static int dial_task(void *data)
{
    struct ast_sip_session_outgoing outgoing;
    char *text = data, *rest = text;

    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = ast_sip_get_endpoint(strsep(&rest, " "));
    outgoing.uri = strsep(&rest, " ");
    if (strcmp(outgoing.uri, "-") == 0) {
        outgoing.uri = NULL; /* to where it is registered */
    }
    read_words(rest, &outgoing);
    ast_sip_session_unref(last);
    last = outgoing.endpoint ? ast_sip_session_create_outgoing(&outgoing) : NULL;
    api_record("dialled %d", last ? ast_sip_session_send_invite(last) : -2);
    ast_sip_endpoint_unref(outgoing.endpoint);
    free(text);
    return 0;
}

static int other_task(void *data)
{
    const char *what = data;

    if (!last) {
        return -1;
    }
    if (*what == 'h') {
        ast_sip_session_terminate(last, 0);
    } else if (*what == 'r') {
        ast_sip_session_send_reinvite(last);
    } else {
        send_info();
    }
    return 0;
}

static int control(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    static char hang_up[] = "h", reinvite[] = "r", info[] = "i";
    const pjsip_msg *msg = rdata->msg_info.msg;
    char what[600], *copy;

    if (ast_sip_get_header(msg, "X-Dial", what, sizeof(what)) == 0) {
        copy = strdup(what);
        if (copy && ast_sip_push_task(dial_task, copy)) {
            free(copy);
        }
    } else if (ast_sip_get_header(msg, "X-Hang-Up", what, sizeof(what)) == 0) {
        ast_sip_push_task(other_task, hang_up);
    } else if (ast_sip_get_header(msg, "X-Reinvite", what, sizeof(what)) == 0) {
        ast_sip_push_task(other_task, reinvite);
    } else if (ast_sip_get_header(msg, "X-Info", what, sizeof(what)) == 0) {
        ast_sip_push_task(other_task, info);
    } else {
        return 0;
    }
    ast_sip_session_send_response(session, 200, rdata);
    return AST_SIP_SESSION_STOP;
}

static struct ast_sip_session_extension control_extension = {.method = "INFO",
                                                             .incoming_request = control,
                                                             .name = "outgoing control"};
static struct ast_sip_session_extension watch_extension = {.incoming_response = on_response,
                                                           .outgoing_request = on_request,
                                                           .name = "outgoing",
                                                           .session_confirmed = on_confirmed,
                                                           .session_end = on_end,
                                                           .early_dialog = on_early,
                                                           .retry_invite = on_retry};

static int init(void)
{
    return ast_sip_session_register_extension(&control_extension) ||
                   ast_sip_session_register_extension(&watch_extension)
               ? -1
               : 0;
}

static void done(void)
{
    ast_sip_session_unref(last);
    last = NULL;
    ast_sip_session_unregister_extension(&watch_extension);
    ast_sip_session_unregister_extension(&control_extension);
}

AST_SIP_MODULE(.name = "api_outgoing", .description = "Test: outgoing calls", .init = init,
               .close = done);
