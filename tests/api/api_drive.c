/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives sessions for a test. A command is a request of the method DRIVE outside of any session, so
 * that no session notices: `X-Do: NAME [CALL-ID [ARGUMENT...]]`. Its answer has the outcome in
 * X-Result. What happens later (outcome of a refresh, a request that was suspended, the end of a
 * session) is a line in the file of api_record.
 */
#include "api_record.h"

#define MAX_WORDS 12

struct known {
    struct known *next;
    struct ast_sip_session *session; /* borrowed: from its begin to its end */
};

/* A request that waits. */
struct waiting {
    struct waiting *next;
    struct ast_sip_session_deferred *deferred;
};

static struct known *sessions;
static struct waiting *suspended;
static unsigned begun, ended;
static char defer_method[32]; /* requests of this method are suspended */

static const char *name_of(const struct ast_sip_session *session)
{
    static char name[256];
    const pj_str_t *call = api_call_id(session);

    snprintf(name, sizeof(name), "%.*s", (int)call->slen, call->ptr);
    return name;
}

static struct ast_sip_session *find(const char *call_id)
{
    for (struct known *at = sessions; at && call_id; at = at->next) {
        if (strcmp(name_of(at->session), call_id) == 0) {
            return at->session;
        }
    }
    return NULL;
}

/* ---- what sessions do ---- */

static void on_begin(struct ast_sip_session *session)
{
    struct known *known = calloc(1, sizeof(*known));

    begun++;
    if (known) {
        known->session = session;
        known->next = sessions;
        sessions = known;
    }
    api_record("begin %s", name_of(session));
}

static void on_confirmed(struct ast_sip_session *session)
{
    api_record("confirmed %s", name_of(session));
}

static void on_end(struct ast_sip_session *session)
{
    ended++;
    api_record("end %d %s", ast_sip_session_get_end_status(session), name_of(session));
    for (struct known **at = &sessions; *at; at = &(*at)->next) {
        if ((*at)->session == session) {
            struct known *gone = *at;

            *at = gone->next;
            free(gone);
            return;
        }
    }
}

static void on_early(struct ast_sip_session *session,
                     const struct ast_sip_session_early_dialog *early)
{
    static const char *const states[] = {"alive", "gone", "won", "lost"};

    api_record("early %s %s %d %s", early->tag, states[early->state], early->status,
               name_of(session));
}

static int on_request(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pj_str_t *method = api_method(rdata->msg_info.msg);
    struct waiting *waiting;

    if (pj_strcmp2(method, defer_method) != 0) {
        return AST_SIP_SESSION_CONTINUE;
    }
    waiting = calloc(1, sizeof(*waiting));
    if (waiting) {
        waiting->deferred = ast_sip_session_defer(session, rdata);
    }
    api_record("deferred %.*s %s %s", (int)method->slen, method->ptr,
               waiting && waiting->deferred ? "0" : "-1", name_of(session));
    if (!waiting || !waiting->deferred) {
        free(waiting);
        return AST_SIP_SESSION_CONTINUE;
    }
    waiting->next = suspended;
    suspended = waiting;
    return AST_SIP_SESSION_PENDING;
}

static struct ast_sip_session_extension extension = {.name = "drive",
                                                     .incoming_request = on_request,
                                                     .session_begin = on_begin,
                                                     .session_end = on_end,
                                                     .session_confirmed = on_confirmed,
                                                     .early_dialog = on_early};

/* ---- commands ---- */

struct command {
    int count;
    char *word[MAX_WORDS];
    struct ast_sip_session *session;
    char result[512];
};

static int has_word(const struct command *command, const char *word)
{
    for (int i = 1; i < command->count; i++) {
        if (strcmp(command->word[i], word) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The number behind NAME=, or a fallback. */
static int number_of(const struct command *command, const char *name, int fallback)
{
    size_t length = strlen(name);

    for (int i = 1; i < command->count; i++) {
        if (strncmp(command->word[i], name, length) == 0 && command->word[i][length] == '=') {
            return atoi(command->word[i] + length + 1);
        }
    }
    return fallback;
}

static const char *text_of(const struct command *command, const char *name, const char *fallback)
{
    size_t length = strlen(name);

    for (int i = 1; i < command->count; i++) {
        if (strncmp(command->word[i], name, length) == 0 && command->word[i][length] == '=') {
            return command->word[i] + length + 1;
        }
    }
    return fallback;
}

static const char *word(const struct command *command, int index)
{
    return index < command->count ? command->word[index] : "";
}

static void say(struct command *command, int value)
{
    snprintf(command->result, sizeof(command->result), "%d", value);
}

static void do_count(struct command *command)
{
    snprintf(command->result, sizeof(command->result), "%u %u %u", ast_sip_session_count(), begun,
             ended);
}

static void do_list(struct command *command)
{
    size_t used = 0;

    for (struct known *at = sessions; at && used < sizeof(command->result); at = at->next) {
        used +=
            (size_t)snprintf(command->result + used, sizeof(command->result) - used, "%s %s ",
                             name_of(at->session),
                             ast_sip_session_state_name(ast_sip_session_get_state(at->session)));
    }
}

static void do_call(struct command *command)
{
    struct ast_sip_endpoint *endpoint = ast_sip_get_endpoint(text_of(command, "as", "anonymous"));
    struct ast_sip_session_outgoing outgoing;
    struct ast_sip_session *session;

    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = endpoint;
    outgoing.uri = word(command, 1);
    outgoing.without_offer = has_word(command, "late");
    outgoing.redirections = number_of(command, "redirections", 0);
    outgoing.timeout_ms = (unsigned)number_of(command, "timeout", 0);
    session = endpoint ? ast_sip_session_create_outgoing(&outgoing) : NULL;
    snprintf(command->result, sizeof(command->result), "%s", session ? name_of(session) : "none");
    if (session) {
        if (ast_sip_session_send_invite(session)) {
            snprintf(command->result, sizeof(command->result), "failed");
        }
        ast_sip_session_unref(session);
    }
    if (endpoint) {
        ast_sip_endpoint_unref(endpoint);
    }
}

static void on_refresh_request(struct ast_sip_session *session, struct pjsip_tx_data *tdata,
                               void *data)
{
    const pj_str_t *method = api_method(tdata->msg);

    api_record("refresh request %.*s %ld %s", (int)method->slen, method->ptr, (long)data,
               name_of(session));
}

static int on_refresh_offer(struct ast_sip_session *session,
                            const struct pjmedia_sdp_session *offer, void *data)
{
    api_record("refresh offer %u %ld %s", offer->media_count, (long)data, name_of(session));
    return 0;
}

static int give_up_offer(struct ast_sip_session *session, const struct pjmedia_sdp_session *offer,
                         void *data)
{
    on_refresh_offer(session, offer, data);
    return 1;
}

static void on_refresh_result(struct ast_sip_session *session,
                              const struct ast_sip_session_refresh_result *result, void *data)
{
    api_record("refresh result %d %s %ld %s", result->status, result->rdata ? "rdata" : "none",
               (long)data, name_of(session));
}

static void do_refresh(struct command *command)
{
    struct ast_sip_session_refresh refresh;
    unsigned id = 0;
    int result;

    ast_sip_session_refresh_init(&refresh);
    if (has_word(command, "invite")) {
        refresh.method = AST_SIP_SESSION_REFRESH_INVITE;
    } else if (has_word(command, "update")) {
        refresh.method = AST_SIP_SESSION_REFRESH_UPDATE;
    }
    refresh.without_offer = has_word(command, "without-offer");
    refresh.on_request = on_refresh_request;
    refresh.on_offer = has_word(command, "give-up") ? give_up_offer : on_refresh_offer;
    refresh.on_result = on_refresh_result;
    refresh.data = (void *)(long)number_of(command, "token", 0);
    result = ast_sip_session_refresh(command->session, &refresh, &id);
    snprintf(command->result, sizeof(command->result), "%d %u", result, id);
}

static void do_refresh_cancel(struct command *command)
{
    say(command,
        ast_sip_session_refresh_cancel(command->session, (unsigned)atoi(word(command, 2))));
}

static void do_reinvite(struct command *command)
{
    say(command, ast_sip_session_send_reinvite(command->session));
}

static void do_hold(struct command *command)
{
    const char *how = word(command, 2);
    enum ast_sip_session_hold hold = strcmp(how, "sendonly") == 0   ? AST_SIP_SESSION_HOLD_SENDONLY
                                     : strcmp(how, "inactive") == 0 ? AST_SIP_SESSION_HOLD_INACTIVE
                                                                    : AST_SIP_SESSION_HOLD_NONE;

    say(command, ast_sip_session_set_hold(command->session, hold));
}

static void do_get_hold(struct command *command)
{
    say(command, (int)ast_sip_session_get_hold(command->session));
}

static void do_add(struct command *command)
{
    say(command, ast_sip_session_add_stream(command->session, word(command, 2)));
}

static void do_remove(struct command *command)
{
    say(command, ast_sip_session_remove_stream(command->session, (unsigned)atoi(word(command, 2))));
}

static void do_terminate(struct command *command)
{
    ast_sip_session_terminate(command->session, atoi(word(command, 2)));
    say(command, 0);
}

static void do_respond(struct command *command)
{
    say(command, ast_sip_session_send_response(command->session, atoi(word(command, 2)), NULL));
}

static void do_state(struct command *command)
{
    snprintf(command->result, sizeof(command->result), "%s",
             ast_sip_session_state_name(ast_sip_session_get_state(command->session)));
}

static void do_send(struct command *command)
{
    struct pjsip_tx_data *tdata;

    say(command, ast_sip_session_create_request(command->session, word(command, 2), &tdata)
                     ? -1
                     : ast_sip_session_send_request(command->session, tdata));
}

static void do_early(struct command *command)
{
    const struct ast_sip_session_early_dialog *early;
    size_t used = 0;

    for (unsigned i = 0; (early = ast_sip_session_get_early_dialog(command->session, i)) &&
                         used < sizeof(command->result);
         i++) {
        used +=
            (size_t)snprintf(command->result + used, sizeof(command->result) - used, "%s%s/%d/%d",
                             i ? " " : "", early->tag, (int)early->state, early->status);
    }
}

static void do_allows(struct command *command)
{
    say(command, ast_sip_session_peer_allows(command->session, word(command, 2)));
}

static void do_supports(struct command *command)
{
    say(command, ast_sip_session_peer_supports(command->session, word(command, 2)));
}

/* ---- requests that wait ---- */

static void do_defer(struct command *command)
{
    snprintf(defer_method, sizeof(defer_method), "%s", word(command, 1));
    say(command, 0);
}

/* resume [STATUS]: the oldest one; with a status it is answered so and stopped */
static void do_resume(struct command *command)
{
    struct waiting **at = &suspended, *waiting;
    int code = atoi(word(command, 1)), result = AST_SIP_SESSION_CONTINUE;

    if (!*at) {
        say(command, -1);
        return;
    }
    while ((*at)->next) {
        at = &(*at)->next;
    }
    waiting = *at;
    *at = NULL;
    say(command, 0);
    if (code) {
        say(command,
            ast_sip_session_send_response(ast_sip_session_deferred_session(waiting->deferred), code,
                                          ast_sip_session_deferred_rdata(waiting->deferred)));
        result = AST_SIP_SESSION_STOP;
    }
    ast_sip_session_resume(waiting->deferred, result);
    free(waiting);
}

static void do_suspended(struct command *command)
{
    int count = 0;

    for (struct waiting *at = suspended; at; at = at->next) {
        count++;
    }
    say(command, count);
}

/* ---- the end that waits ---- */

static void do_defer_end(struct command *command)
{
    say(command,
        ast_sip_session_defer_termination(command->session, (unsigned)atoi(word(command, 2))));
}

static void do_end_deferral(struct command *command)
{
    ast_sip_session_end_deferral(command->session);
    say(command, 0);
}

static void do_cancel_end(struct command *command)
{
    say(command, ast_sip_session_cancel_termination(command->session));
}

/* ---- memory ---- */

/* Octets in use in a pool; of the sanitizers' pools, which do not count them, pieces. */
static size_t used(pj_pool_t *pool)
{
#if PJ_POOL_DEBUG
    size_t pieces = 0;

    for (const struct pj_pool_mem *at = pool->first_mem; at; at = at->next) {
        pieces++;
    }
    return pieces;
#else
    return pj_pool_get_used_size(pool);
#endif
}

/* What lives as long as the dialog. */
static void do_memory(struct command *command)
{
    const pjsip_inv_session *inv = command->session->inv_session;

    snprintf(command->result, sizeof(command->result), "%zu",
             used(inv->dlg->pool) + used(inv->pool_prov) + used(inv->pool_active));
}

/* ---- cookies ---- */

static void cookie_destroy(void *data)
{
    api_record("cookie destroyed %s", (char *)data);
    free(data);
}

static struct ast_sip_session_cookie cookies[] = {{.name = "drive", .destroy = cookie_destroy},
                                                  {.name = "drive two", .destroy = cookie_destroy}};

static void do_set_cookie(struct command *command)
{
    char *data = command->count > 3 ? strdup(command->word[3]) : NULL;
    int result =
        ast_sip_session_set_cookie(command->session, &cookies[atoi(word(command, 2)) & 1], data);

    if (result) {
        free(data);
    }
    say(command, result);
}

static void do_get_cookie(struct command *command)
{
    const char *data =
        ast_sip_session_get_cookie(command->session, &cookies[atoi(word(command, 2)) & 1]);

    snprintf(command->result, sizeof(command->result), "%s", data ? data : "none");
}

/* ---- which command ---- */

static const struct {
    const char *name;
    int with_session;
    void (*run)(struct command *command);
} commands[] = {
    {"count", 0, do_count},
    {"list", 0, do_list},
    {"call", 0, do_call},
    {"refresh", 1, do_refresh},
    {"refresh-cancel", 1, do_refresh_cancel},
    {"reinvite", 1, do_reinvite},
    {"hold", 1, do_hold},
    {"get-hold", 1, do_get_hold},
    {"add", 1, do_add},
    {"remove", 1, do_remove},
    {"terminate", 1, do_terminate},
    {"respond", 1, do_respond},
    {"state", 1, do_state},
    {"send", 1, do_send},
    {"early", 1, do_early},
    {"allows", 1, do_allows},
    {"supports", 1, do_supports},
    {"defer", 0, do_defer},
    {"resume", 0, do_resume},
    {"suspended", 0, do_suspended},
    {"defer-end", 1, do_defer_end},
    {"end-deferral", 1, do_end_deferral},
    {"cancel-end", 1, do_cancel_end},
    {"memory", 1, do_memory},
    {"set-cookie", 1, do_set_cookie},
    {"get-cookie", 1, do_get_cookie},
};

static void run(struct command *command)
{
    for (size_t i = 0; i < PJ_ARRAY_SIZE(commands); i++) {
        if (strcmp(word(command, 0), commands[i].name) != 0) {
            continue;
        }
        if (commands[i].with_session) {
            command->session = find(word(command, 1));
            if (!command->session) {
                snprintf(command->result, sizeof(command->result), "none");
                return;
            }
            ast_sip_session_ref(command->session);
        }
        commands[i].run(command);
        ast_sip_session_unref(command->session);
        return;
    }
    snprintf(command->result, sizeof(command->result), "what?");
}

static pj_bool_t on_rx_request(pjsip_rx_data *rdata)
{
    static const pj_str_t method = {(char *)"DRIVE", 5}, name = {(char *)"X-Result", 8};
    struct command command = {0};
    pjsip_generic_string_hdr *header;
    pjsip_hdr list;
    pj_str_t value;
    char text[512], *save = NULL;

    if (pj_strcmp(&rdata->msg_info.msg->line.req.method.name, &method) != 0) {
        return PJ_FALSE;
    }
    if (ast_sip_get_header(rdata->msg_info.msg, "X-Do", text, sizeof(text)) == 0) {
        for (char *at = strtok_r(text, " ", &save); at && command.count < MAX_WORDS;
             at = strtok_r(NULL, " ", &save)) {
            command.word[command.count++] = at;
        }
        run(&command);
    }
    pj_list_init(&list);
    value = pj_str(command.result);
    header = pjsip_generic_string_hdr_create(rdata->tp_info.pool, &name, &value);
    pj_list_push_back(&list, header);
    pjsip_endpt_respond_stateless(ast_sip_get_pjsip_endpoint(), rdata, 200, NULL, &list, NULL);
    return PJ_TRUE;
}

static pjsip_module service = {
    .name = {(char *)"api-drive", 9},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_TSX_LAYER - 1,
    .on_rx_request = on_rx_request,
};

static int init(void)
{
    return ast_sip_session_register_extension(&extension) ||
                   ast_sip_session_register_cookie(&cookies[0]) ||
                   ast_sip_session_register_cookie(&cookies[1]) ||
                   ast_sip_register_service(&service)
               ? -1
               : 0;
}

static void done(void)
{
    while (suspended) {
        struct waiting *waiting = suspended;

        suspended = waiting->next;
        ast_sip_session_resume(waiting->deferred, AST_SIP_SESSION_CONTINUE);
        free(waiting);
    }
    ast_sip_unregister_service(&service);
    ast_sip_session_unregister_extension(&extension);
    ast_sip_session_unregister_cookie(&cookies[1]);
    ast_sip_session_unregister_cookie(&cookies[0]);
    while (sessions) {
        struct known *known = sessions;

        sessions = known->next;
        free(known);
    }
}

AST_SIP_MODULE(.name = "api_drive", .description = "Test: sessions driven by commands",
               .init = init, .close = done);
