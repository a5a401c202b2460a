/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the registry of extensions, and their dispatch. A table is made at each
 * registration: for every method the lists of those that want it, in order, so that a message costs
 * one look-up and no string compare for the methods that PJSIP numbers. A table in use lives until
 * its user is done; an extension that was unregistered meanwhile is skipped, so unregistering is
 * safe anywhere.
 */
#include <stdlib.h>
#include <string.h>

#include <pj/ctype.h>
#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* A registered extension; lives as long as a table names it. */
struct node {
    struct ast_sip_session_extension *extension;
    unsigned refs;
    unsigned order; /* of registration, among those of one priority */
    int alive;
};

enum notice { NOTICE_BEGIN, NOTICE_CONFIRMED, NOTICE_END, NOTICE_EARLY, NOTICE_RETRY, NOTICES };

#define LISTS (SESSION_HOOKS + NOTICES)

/* Who is called for one method. */
struct row {
    pjsip_method_e id;
    pj_str_t name; /* borrowed from the extension */
    unsigned count[SESSION_HOOKS];
    struct node **list[SESSION_HOOKS];
};

/* Row 0 is for the methods that nobody named, and for the notices. */
struct table {
    unsigned refs;
    unsigned node_count;
    struct node **nodes; /* all of them, in order; a reference each */
    unsigned notice_count[NOTICES];
    struct node **notice[NOTICES];
    unsigned row_count;
    struct row *rows;
    struct node **storage; /* of all the lists */
};

static struct table *current;
static unsigned registrations;

static void table_unref(struct table *table)
{
    if (table == NULL || --table->refs > 0) {
        return;
    }
    for (unsigned i = 0; i < table->node_count; ++i) {
        if (--table->nodes[i]->refs == 0) {
            free(table->nodes[i]);
        }
    }
    free(table->nodes);
    free(table->rows);
    free(table->storage);
    free(table);
}

static int wants(const struct ast_sip_session_extension *ext, unsigned list)
{
    switch (list) {
    case SESSION_INCOMING_REQUEST:
        return ext->incoming_request != NULL;
    case SESSION_INCOMING_RESPONSE:
        return ext->incoming_response != NULL;
    case SESSION_OUTGOING_REQUEST:
        return ext->outgoing_request != NULL;
    case SESSION_OUTGOING_RESPONSE:
        return ext->outgoing_response != NULL;
    case SESSION_HOOKS + NOTICE_BEGIN:
        return ext->session_begin != NULL;
    case SESSION_HOOKS + NOTICE_CONFIRMED:
        return ext->session_confirmed != NULL;
    case SESSION_HOOKS + NOTICE_EARLY:
        return ext->early_dialog != NULL;
    case SESSION_HOOKS + NOTICE_RETRY:
        return ext->retry_invite != NULL;
    default:
        return ext->session_end != NULL;
    }
}

static int row_matches(const struct row *row, const char *method)
{
    return method == NULL || (row->name.ptr != NULL && pj_strcmp2(&row->name, method) == 0);
}

/* One row for each method that an extension names, besides row 0. */
static void fill_rows(struct table *table)
{
    table->rows[0].id = PJSIP_OTHER_METHOD;
    table->row_count = 1;
    for (unsigned i = 0; i < table->node_count; ++i) {
        const char *method = table->nodes[i]->extension->method;
        unsigned known = 1;

        if (method == NULL) {
            continue;
        }
        while (known < table->row_count && !row_matches(&table->rows[known], method)) {
            ++known;
        }
        if (known == table->row_count) {
            pj_str_t name = pj_str((char *)method);
            pjsip_method parsed;

            pjsip_method_init_np(&parsed, &name);
            table->rows[known].id = parsed.id;
            table->rows[known].name = name;
            ++table->row_count;
        }
    }
}

static void fill_lists(struct table *table)
{
    struct node **next = table->storage;

    for (unsigned r = 0; r < table->row_count; ++r) {
        for (unsigned hook = 0; hook < SESSION_HOOKS; ++hook) {
            table->rows[r].list[hook] = next;
            for (unsigned i = 0; i < table->node_count; ++i) {
                const struct ast_sip_session_extension *ext = table->nodes[i]->extension;

                if (wants(ext, hook) && row_matches(&table->rows[r], ext->method)) {
                    *next++ = table->nodes[i];
                }
            }
            table->rows[r].count[hook] = (unsigned)(next - table->rows[r].list[hook]);
        }
    }
    for (unsigned notice = 0; notice < NOTICES; ++notice) {
        table->notice[notice] = next;
        for (unsigned i = 0; i < table->node_count; ++i) {
            if (wants(table->nodes[i]->extension, SESSION_HOOKS + notice)) {
                *next++ = table->nodes[i];
            }
        }
        table->notice_count[notice] = (unsigned)(next - table->notice[notice]);
    }
}

static int node_compare(const void *left, const void *right)
{
    const struct node *a = *(struct node *const *)left;
    const struct node *b = *(struct node *const *)right;

    if (a->extension->priority != b->extension->priority) {
        return a->extension->priority < b->extension->priority ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

/* A table of the living nodes of the current one, and one more (or NULL). NULL: no memory. */
static struct table *table_create(struct node *more)
{
    unsigned most = (current != NULL ? current->node_count : 0) + 1;
    struct table *table = calloc(1, sizeof(*table));

    if (table == NULL) {
        return NULL;
    }
    table->refs = 1;
    table->nodes = calloc(most, sizeof(*table->nodes));
    table->rows = calloc(most + 1, sizeof(*table->rows));
    table->storage = calloc((size_t)(most + 1) * LISTS * most, sizeof(*table->storage));
    if (table->nodes == NULL || table->rows == NULL || table->storage == NULL) {
        table_unref(table);
        return NULL;
    }
    for (unsigned i = 0; current != NULL && i < current->node_count; ++i) {
        if (current->nodes[i]->alive) {
            table->nodes[table->node_count++] = current->nodes[i];
        }
    }
    if (more != NULL) {
        table->nodes[table->node_count++] = more;
    }
    for (unsigned i = 0; i < table->node_count; ++i) {
        ++table->nodes[i]->refs;
    }
    qsort(table->nodes, table->node_count, sizeof(*table->nodes), node_compare);
    fill_rows(table);
    fill_lists(table);
    return table;
}

static struct node *find_node(const struct ast_sip_session_extension *extension)
{
    for (unsigned i = 0; current != NULL && i < current->node_count; ++i) {
        if (current->nodes[i]->extension == extension && current->nodes[i]->alive) {
            return current->nodes[i];
        }
    }
    return NULL;
}

/* RFC 3261 25.1: token */
int session_is_token(const char *text)
{
    static const char marks[] = "-.!%*_+`'~";

    for (const char *c = text; *c != '\0'; ++c) {
        if (!pj_isalnum((unsigned char)*c) && strchr(marks, *c) == NULL) {
            return 0;
        }
    }
    return *text != '\0';
}

static const char *extension_name(const struct ast_sip_session_extension *extension)
{
    if (extension->name != NULL) {
        return extension->name;
    }
    return extension->method != NULL ? extension->method : "(all methods)";
}

int ast_sip_session_register_extension(struct ast_sip_session_extension *extension)
{
    struct node *node;
    struct table *table;

    base_assert_sip_thread();
    if (extension == NULL || (extension->method != NULL && !session_is_token(extension->method))) {
        ast_error("An extension of sessions must name a method of RFC 3261 or none");
        return -1;
    }
    if (find_node(extension) != NULL) {
        ast_error("The extension %s is registered already", extension_name(extension));
        return -1;
    }
    node = calloc(1, sizeof(*node));
    if (node == NULL) {
        return -1;
    }
    node->extension = extension;
    node->alive = 1;
    node->order = registrations++;
    table = table_create(node);
    if (table == NULL) {
        free(node);
        return -1;
    }
    table_unref(current);
    current = table;
    return 0;
}

void ast_sip_session_unregister_extension(struct ast_sip_session_extension *extension)
{
    struct node *node = find_node(extension);
    struct table *table;

    base_assert_sip_thread();
    if (node == NULL) {
        return;
    }
    node->alive = 0; /* from here on nobody calls it, whatever table is in use */
    table = table_create(NULL);
    if (table != NULL) { /* without memory the old table stays: it skips the dead */
        table_unref(current);
        current = table;
    }
}

void session_extensions_destroy(void)
{
    table_unref(current);
    current = NULL;
}

static const struct row *find_row(const struct table *table, const pjsip_method *method)
{
    for (unsigned i = 1; i < table->row_count; ++i) {
        const struct row *row = &table->rows[i];

        if (row->id == method->id &&
            (method->id != PJSIP_OTHER_METHOD || pj_strcmp(&row->name, &method->name) == 0)) {
            return row;
        }
    }
    return &table->rows[0];
}

/* The one who stopped a request must have answered it (the page: "it is required that this method
 * sends a response"). */
static void enforce_answer(struct ast_sip_session *session, pjsip_rx_data *rdata,
                           const struct ast_sip_session_extension *extension)
{
    const pj_str_t *method = &rdata->msg_info.msg->line.req.method.name;

    if (rdata->msg_info.msg->line.req.method.id == PJSIP_ACK_METHOD ||
        session_is_answered(session, rdata)) {
        return;
    }
    ast_error_limited("The extension %s stopped %.*s without a final response: sending 500",
                      extension_name(extension), (int)method->slen, method->ptr);
    if (ast_sip_session_send_response(session, PJSIP_SC_INTERNAL_SERVER_ERROR, rdata) != 0) {
        ast_sip_session_terminate(session, PJSIP_SC_INTERNAL_SERVER_ERROR);
    }
}

/* Where the hooks of a request that waits go on: behind the one that suspended it. */
struct session_hooks {
    struct table *table; /* a reference */
    const struct row *row;
    unsigned next;
};

void session_hooks_free(struct session_hooks *at)
{
    if (at != NULL) {
        table_unref(at->table);
        free(at);
    }
}

static struct session_hooks *hooks_create(struct table *table, const struct row *row, unsigned next)
{
    struct session_hooks *at = malloc(sizeof(*at));

    if (at != NULL) {
        ++table->refs;
        *at = (struct session_hooks){.table = table, .row = row, .next = next};
    }
    return at;
}

/* Calls the hooks from a position on. 0; 1: one stopped the request, or suspended it. */
static int run_hooks(struct ast_sip_session *session, pjsip_rx_data *rdata, struct table *table,
                     const struct row *row, unsigned from)
{
    for (unsigned i = from; i < row->count[SESSION_INCOMING_REQUEST]; ++i) {
        struct node *node = row->list[SESSION_INCOMING_REQUEST][i];
        int result = node->alive ? node->extension->incoming_request(session, rdata) : 0;

        if (session->priv->deferring != NULL &&
            session_deferred_keep(session, result, hooks_create(table, row, i + 1))) {
            return 1;
        }
        if (result != 0) {
            if (node->alive) {
                enforce_answer(session, rdata, node->extension);
            }
            return 1;
        }
    }
    return 0;
}

int session_hook_request(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    struct table *table = current;
    int stopped;

    if (table == NULL) {
        return 0;
    }
    ++table->refs;
    stopped =
        run_hooks(session, rdata, table, find_row(table, &rdata->msg_info.msg->line.req.method), 0);
    table_unref(table);
    return stopped;
}

int session_hook_resume(struct ast_sip_session *session, pjsip_rx_data *rdata,
                        struct session_hooks *at)
{
    int stopped = run_hooks(session, rdata, at->table, at->row, at->next);

    session_hooks_free(at);
    return stopped;
}

static void call_hook(enum session_hook hook, const struct ast_sip_session_extension *extension,
                      struct ast_sip_session *session, void *message)
{
    if (hook == SESSION_INCOMING_RESPONSE) {
        extension->incoming_response(session, message);
    } else if (hook == SESSION_OUTGOING_REQUEST) {
        extension->outgoing_request(session, message);
    } else {
        extension->outgoing_response(session, message);
    }
}

void session_hook(enum session_hook hook, const pjsip_method *method,
                  struct ast_sip_session *session, void *message)
{
    struct table *table = current;
    const struct row *row;

    if (table == NULL) {
        return;
    }
    row = find_row(table, method);
    ++table->refs;
    for (unsigned i = 0; i < row->count[hook]; ++i) {
        if (row->list[hook][i]->alive) {
            call_hook(hook, row->list[hook][i]->extension, session, message);
        }
    }
    table_unref(table);
}

static void notify(enum notice notice, struct ast_sip_session *session)
{
    struct table *table = current;

    if (table == NULL) {
        return;
    }
    ++table->refs;
    for (unsigned i = 0; i < table->notice_count[notice]; ++i) {
        const struct ast_sip_session_extension *extension = table->notice[notice][i]->extension;

        if (!table->notice[notice][i]->alive) {
            continue;
        }
        if (notice == NOTICE_BEGIN) {
            extension->session_begin(session);
        } else if (notice == NOTICE_CONFIRMED) {
            extension->session_confirmed(session);
        } else {
            extension->session_end(session);
        }
    }
    table_unref(table);
}

void session_hook_begin(struct ast_sip_session *session)
{
    notify(NOTICE_BEGIN, session);
}

void session_hook_confirmed(struct ast_sip_session *session)
{
    notify(NOTICE_CONFIRMED, session);
}

void session_hook_end(struct ast_sip_session *session)
{
    notify(NOTICE_END, session);
}

void session_hook_early(struct ast_sip_session *session,
                        const struct ast_sip_session_early_dialog *early)
{
    struct table *table = current;

    if (table == NULL) {
        return;
    }
    ++table->refs;
    for (unsigned i = 0; i < table->notice_count[NOTICE_EARLY]; ++i) {
        if (table->notice[NOTICE_EARLY][i]->alive) {
            table->notice[NOTICE_EARLY][i]->extension->early_dialog(session, early);
        }
    }
    table_unref(table);
}

int session_hook_retry(struct ast_sip_session *session, pjsip_rx_data *rdata, pjsip_tx_data *tdata)
{
    struct table *table = current;
    int wanted = 0;

    if (table == NULL) {
        return 0;
    }
    ++table->refs;
    for (unsigned i = 0; i < table->notice_count[NOTICE_RETRY] && !wanted; ++i) {
        if (table->notice[NOTICE_RETRY][i]->alive) {
            wanted =
                table->notice[NOTICE_RETRY][i]->extension->retry_invite(session, rdata, tdata) != 0;
        }
    }
    table_unref(table);
    return wanted;
}
