/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * refer: the application Transfer: our REFER in an answered call, the NOTIFYs that come of it, and
 * 302 to a call that is not answered yet (RFC 3515 2.4, RFC 3261 21.3.3).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sipsession/channel.h>
#include <sipsession/log.h>

#include "refer.h"
#include "refer_to.h"

#define URI_SIZE 600
/* How long the first NOTIFY may take: timer N of RFC 6665 4.1.2.4, in ms. */
#define FIRST_NOTIFY 32000
/* The longest that a peer may let us wait for the next one, in seconds. */
#define MOST_EXPIRES 600

/* A REFER of ours, until its subscription has ended. */
struct order {
    PJ_DECL_LIST_MEMBER(struct order);
    struct refer_dialog *dialog; /* a use of it */
    struct ast_channel *channel; /* that runs Transfer; borrowed; NULL: it waits no more */
    unsigned cseq;
    int is_first;
    int waits;           /* for the ACK: nothing was sent yet */
    int no_subscription; /* Refer-Sub: false is asked for */
    pj_timer_entry timer;
    char uri[URI_SIZE];
};

static struct order orders = {.prev = &orders, .next = &orders};

/* The call that is being answered with 302, and where to. */
static struct {
    const struct ast_sip_session *session;
    const char *uri;
} redirection;

static void destroy(struct order *order)
{
    if (order->channel != NULL) {
        ast_application_set_data(order->channel, NULL);
    }
    refer_forget(order);
    refer_timer_stop(&order->timer);
    pj_list_erase(order);
    refer_dialog_release(order->dialog);
    free(order);
}

static void set_result(struct ast_channel *channel, const char *status, int code)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", code);
    ast_channel_set_variable(channel, "TRANSFERSTATUS", status);
    ast_channel_set_variable(channel, "TRANSFERSTATUSPROTOCOL", text);
    ast_verbose("%s: Transfer: %s %d", ast_channel_get_name(channel), status, code);
}

/* The dialplan goes on. */
static void finish(struct order *order, const char *status, int code)
{
    struct ast_channel *channel = order->channel;

    if (channel != NULL) {
        order->channel = NULL;
        ast_application_set_data(channel, NULL);
        set_result(channel, status, code);
        ast_application_done(channel, AST_APPLICATION_DONE);
    }
}

/* As finish, and nothing more is expected. */
static void conclude(struct order *order, const char *status, int code)
{
    struct ast_channel *channel = order->channel;

    destroy(order);
    if (channel != NULL) {
        set_result(channel, status, code);
        ast_application_done(channel, AST_APPLICATION_DONE);
    }
}

/* ---- the REFER ---- */

static void on_time(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    (void)heap;
    entry->id = 0;
    conclude(entry->user_data, "FAILURE", PJSIP_SC_REQUEST_TIMEOUT);
}

/* 0; -1: no timer, and the order is gone. */
static int expect_notify(struct order *order, unsigned milliseconds)
{
    refer_timer_stop(&order->timer);
    if (refer_timer_start(&order->timer, milliseconds) != 0) {
        conclude(order, "FAILURE", PJSIP_SC_INTERNAL_SERVER_ERROR);
        return -1;
    }
    return 0;
}

static void on_response(void *owner, int status, pjsip_rx_data *rdata)
{
    struct order *order = owner;
    char text[32];

    if (status / 100 != 2) {
        int unknown = status == PJSIP_SC_METHOD_NOT_ALLOWED || status == PJSIP_SC_NOT_IMPLEMENTED;

        conclude(order, unknown ? "UNSUPPORTED" : "FAILURE", status);
        return;
    }
    if (rdata != NULL) { /* another one than that of the first try when credentials were wanted */
        order->cseq = (unsigned)rdata->msg_info.cseq->cseq;
        if (order->no_subscription &&
            refer_header(rdata->msg_info.msg, "Refer-Sub", NULL, text, sizeof(text)) == 1 &&
            refer_sub_parse(text) == 0) {
            conclude(order, "SUCCESS", status);
            return;
        }
    }
    if (order->timer.id == 0) { /* no NOTIFY was faster */
        expect_notify(order, FIRST_NOTIFY);
    }
}

static void add_headers(const struct order *order, pjsip_tx_data *tdata)
{
    char text[URI_SIZE + 8];
    int length;

    snprintf(text, sizeof(text), "<%s>", order->uri);
    ast_sip_add_header(tdata, "Refer-To", text);
    length =
        pjsip_uri_print(PJSIP_URI_IN_OTHER, pjsip_uri_get_uri(order->dialog->dlg->local.info->uri),
                        text + 1, sizeof(text) - 3);
    if (length > 0) {
        text[0] = '<';
        strcpy(text + 1 + length, ">");
        ast_sip_add_header(tdata, "Referred-By", text);
    }
    if (order->no_subscription) { /* RFC 4488 4 */
        ast_sip_add_header(tdata, "Refer-Sub", "false");
        ast_sip_add_header(tdata, "Supported", "norefersub");
    }
}

/* 0; -1: it cannot be sent. */
static int send_refer(struct order *order)
{
    struct refer_dialog *dialog = order->dialog;
    pjsip_tx_data *tdata;

    order->waits = 0;
    if (order->no_subscription && !ast_sip_session_peer_supports(dialog->session, "norefersub")) {
        order->no_subscription = 0;
    }
    if (refer_create_request(dialog, "REFER", &tdata) != 0) {
        return -1;
    }
    add_headers(order, tdata);
    order->cseq = (unsigned)dialog->dlg->local.cseq;
    order->is_first = dialog->sent++ == 0;
    return refer_send(dialog, tdata, on_response, order);
}

/* ---- NOTIFY ---- */

static struct order *find(const struct refer_dialog *dialog, const struct refer_event *event)
{
    for (struct order *at = orders.next; at != &orders; at = at->next) {
        if (at->dialog == dialog && !at->waits &&
            (event->has_id ? at->cseq == event->id : at->is_first)) {
            return at;
        }
    }
    return NULL;
}

/* What a NOTIFY says. 0, or the status to refuse it with. */
static int read_notify(const pjsip_msg *msg, struct refer_state *state, struct refer_status *status)
{
    const pjsip_msg_body *body = msg->body;
    char text[256];

    status->code = 0;
    if (refer_header(msg, "Subscription-State", NULL, text, sizeof(text)) != 1 ||
        refer_state_parse(text, state) != 0) {
        return PJSIP_SC_BAD_REQUEST;
    }
    if (body == NULL || body->len == 0) {
        return state->terminated ? 0 : PJSIP_SC_BAD_REQUEST; /* RFC 3515 2.4.5 */
    }
    if (pj_stricmp2(&body->content_type.type, "message") != 0 ||
        pj_stricmp2(&body->content_type.subtype, "sipfrag") != 0) {
        return PJSIP_SC_UNSUPPORTED_MEDIA_TYPE;
    }
    return refer_sipfrag_parse(body->data, body->len, status) == 0 ? 0 : PJSIP_SC_BAD_REQUEST;
}

static void obey_notify(struct order *order, const struct refer_state *state,
                        const struct refer_status *status)
{
    unsigned seconds = state->has_expires ? state->expires : REFER_EXPIRES;
    const char *result = status->code / 100 == 2 ? "SUCCESS" : "FAILURE";

    if (state->terminated) { /* without a final status nobody knows how it went */
        conclude(order, result, status->code);
        return;
    }
    if (expect_notify(order, 1000 * (seconds > MOST_EXPIRES ? MOST_EXPIRES : seconds) + 1000) ==
            0 &&
        status->code >= 200) {
        finish(order, result, status->code);
    }
}

int refer_on_notify(struct refer_dialog *dialog, pjsip_dialog *dlg, pjsip_rx_data *rdata)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    struct refer_status status;
    struct refer_state state;
    struct refer_event event;
    struct order *order;
    char text[256];
    unsigned count = refer_header(msg, "Event", "o", text, sizeof(text));
    int kind = count == 1 ? refer_event_parse(text, &event) : -1;
    int code;

    if (kind > 0) {
        return 0;
    }
    order = kind == 0 && dialog != NULL ? find(dialog, &event) : NULL;
    if (order == NULL) {
        refer_respond(dlg, rdata,
                      kind == 0 ? PJSIP_SC_CALL_TSX_DOES_NOT_EXIST : PJSIP_SC_BAD_REQUEST, NULL,
                      NULL);
        return 1;
    }
    code = read_notify(msg, &state, &status);
    if (code != 0) {
        refer_respond(dlg, rdata, code, code == PJSIP_SC_UNSUPPORTED_MEDIA_TYPE ? "Accept" : NULL,
                      "message/sipfrag");
        return 1;
    }
    refer_respond(dlg, rdata, PJSIP_SC_OK, NULL, NULL);
    obey_notify(order, &state, &status);
    return 1;
}

/* ---- the application ---- */

/*
 * The URI of Transfer's first argument: `PJSIP/` before it is taken away, a name alone is an
 * extension of ours. 0, -1.
 */
static int make_uri(const struct ast_sip_session *session, const char *text, size_t length,
                    char *uri)
{
    const pjsip_sip_uri *us = pjsip_uri_get_uri(session->inv_session->dlg->local.contact->uri);
    int with_scheme, with_host, written;

    while (length > 0 && (*text == ' ' || *text == '<')) {
        ++text;
        --length;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '>')) {
        --length;
    }
    if (length > 6 && strncasecmp(text, "PJSIP/", 6) == 0) {
        text += 6;
        length -= 6;
    }
    with_scheme = (length > 4 && strncasecmp(text, "sip:", 4) == 0) ||
                  (length > 5 && strncasecmp(text, "sips:", 5) == 0);
    with_host = with_scheme || memchr(text, '@', length) != NULL;
    written = snprintf(uri, URI_SIZE, "%s%.*s", with_scheme ? "" : "sip:", (int)length, text);
    if (!with_host && written > 0 && written < URI_SIZE) {
        int v6 = memchr(us->host.ptr, ':', (size_t)us->host.slen) != NULL;

        written += snprintf(uri + written, (size_t)(URI_SIZE - written), "@%s%.*s%s:%d",
                            v6 ? "[" : "", (int)us->host.slen, us->host.ptr, v6 ? "]" : "",
                            us->port != 0 ? us->port : 5060);
    }
    return length > 0 && written < URI_SIZE ? 0 : -1;
}

static int is_uri(const char *uri)
{
    pj_pool_t *pool = pjsip_endpt_create_pool(ast_sip_get_pjsip_endpoint(), "transfer", 1000, 1000);
    struct refer_target target;
    char text[URI_SIZE + 8];
    int good;

    if (pool == NULL) {
        return 0;
    }
    snprintf(text, sizeof(text), "<%s>", uri);
    good = refer_to_parse(pool, text, &target) == 0;
    pj_pool_release(pool);
    return good;
}

/* The call is not answered yet: 302, and that is its end. */
static enum ast_application_result redirect(struct ast_channel *channel,
                                            struct ast_sip_session *session, const char *uri)
{
    int result;

    if (ast_sip_session_is_outgoing(session)) {
        set_result(channel, "UNSUPPORTED", 0);
        return AST_APPLICATION_DONE;
    }
    set_result(channel, "SUCCESS", PJSIP_SC_MOVED_TEMPORARILY);
    redirection.session = session;
    redirection.uri = uri;
    result = ast_sip_session_send_response(session, PJSIP_SC_MOVED_TEMPORARILY, NULL);
    redirection.session = NULL;
    if (result != 0) {
        set_result(channel, "FAILURE", 0);
        return AST_APPLICATION_DONE;
    }
    return AST_APPLICATION_HANGUP;
}

void refer_application_response(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    char text[URI_SIZE + 8];
    void *contact;

    if (session != redirection.session ||
        tdata->msg->line.status.code != PJSIP_SC_MOVED_TEMPORARILY) {
        return;
    }
    while ((contact = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CONTACT, NULL)) != NULL) {
        pj_list_erase(contact);
    }
    snprintf(text, sizeof(text), "<%s>", redirection.uri);
    ast_sip_add_header(tdata, "Contact", text);
}

static enum ast_application_result refer(struct ast_channel *channel,
                                         struct ast_sip_session *session, const char *uri,
                                         int no_subscription)
{
    struct refer_dialog *dialog = refer_dialog_of(session);
    struct order *order = dialog != NULL ? calloc(1, sizeof(*order)) : NULL;

    if (order == NULL) {
        set_result(channel, "FAILURE", PJSIP_SC_INTERNAL_SERVER_ERROR);
        return AST_APPLICATION_DONE;
    }
    order->dialog = dialog;
    refer_dialog_use(dialog);
    order->no_subscription = no_subscription;
    strcpy(order->uri, uri);
    pj_timer_entry_init(&order->timer, 0, order, on_time);
    pj_list_push_back(&orders, order);
    order->waits = ast_sip_session_get_state(session) != AST_SIP_SESSION_STATE_CONFIRMED;
    if (!order->waits && send_refer(order) != 0) {
        destroy(order);
        set_result(channel, "FAILURE", PJSIP_SC_INTERNAL_SERVER_ERROR);
        return AST_APPLICATION_DONE;
    }
    order->channel = channel;
    ast_application_set_data(channel, order);
    return AST_APPLICATION_RUNNING;
}

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    struct ast_sip_session *session = ast_sip_channel_session(channel);
    size_t length = strcspn(args, ",");
    int no_subscription;
    char uri[URI_SIZE];

    if (ast_channel_get_state(channel) == AST_CHANNEL_GONE) {
        return AST_APPLICATION_HANGUP;
    }
    ast_channel_set_variable(channel, "TRANSFERSTATUS", NULL);
    ast_channel_set_variable(channel, "TRANSFERSTATUSPROTOCOL", NULL);
    if (session == NULL) {
        set_result(channel, "UNSUPPORTED", 0);
        return AST_APPLICATION_DONE;
    }
    no_subscription = args[length] == ',' && strchr(args + length, 'n') != NULL;
    if (make_uri(session, args, length, uri) != 0 || !is_uri(uri)) {
        ast_warning_limited("%s: Transfer(%s): expected a SIP URI or an extension",
                            ast_channel_get_name(channel), args);
        set_result(channel, "FAILURE", 0);
        return AST_APPLICATION_DONE;
    }
    return ast_channel_get_state(channel) == AST_CHANNEL_UP
               ? refer(channel, session, uri, no_subscription)
               : redirect(channel, session, uri);
}

/* The subscription goes on: what comes of it late is still answered. */
static void stop(struct ast_channel *channel)
{
    struct order *order = ast_application_get_data(channel);

    if (order != NULL) {
        order->channel = NULL;
    }
}

static const struct ast_application application = {
    .name = "Transfer",
    .synopsis = "Have the peer call somebody else: REFER, or 302 before the answer",
    .start = start,
    .stop = stop,
};

/* ---- what happens to the session ---- */

void refer_application_confirmed(struct ast_sip_session *session)
{
    for (struct order *at = orders.next; at != &orders; at = at->next) {
        if (at->waits && at->dialog->session == session) {
            if (send_refer(at) != 0) {
                conclude(at, "FAILURE", PJSIP_SC_INTERNAL_SERVER_ERROR);
            }
            return;
        }
    }
}

void refer_application_session_end(struct ast_sip_session *session)
{
    struct order *next;

    for (struct order *at = orders.next; at != &orders; at = next) {
        next = at->next;
        if (at->dialog->session != session) {
            continue;
        }
        if (at->channel != NULL && ast_sip_channel_session(at->channel) != session) {
            finish(at, "FAILURE", 0); /* the channel has another peer by now */
        }
        if (at->waits) {
            destroy(at);
        }
    }
}

int refer_application_start(void)
{
    return ast_register_application(&application);
}

unsigned refer_application_count(void)
{
    return (unsigned)pj_list_size(&orders);
}

void refer_application_stop(void)
{
    ast_unregister_application(&application);
    while (!pj_list_empty(&orders)) {
        destroy(orders.next);
    }
}
