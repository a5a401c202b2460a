/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * refer: what a peer's REFER does here. Its target is an extension of ours, to which the channel
 * goes, or somebody else's URI: then we call there, and on the answer the channel moves to that
 * call (RFC 3515, RFC 5589 5 and 6). What is told of it is subscription.c's matter.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sipsession/channel.h>
#include <sipsession/log.h>

#include "../replaces/value.h"
#include "refer.h"
#include "refer_to.h"

#define HEADER_SIZE 512

/* A REFER as it was read. */
struct wish {
    struct refer_target target;
    char refer_to[HEADER_SIZE];
    char referred_by[HEADER_SIZE]; /* "" none */
    int subscribe;                 /* 0: Refer-Sub: false */
};

/* A call that we place for a REFER. */
struct transfer {
    PJ_DECL_LIST_MEMBER(struct transfer);
    struct ast_sip_session *session; /* where the REFER came; a reference, NULL: it has ended */
    struct ast_sip_session *target;  /* the referred call; a reference, NULL: it was answered */
    struct ast_channel *channel;     /* what is transferred; a reference */
    struct ast_channel *spare;       /* the target's until the channel moves there; a reference */
    struct refer_subscription *subscription; /* NULL: nobody wants to know */
    struct ast_channel_watch watch;
    pj_timer_entry timer; /* the peer's time for its BYE */
    char referred_by[HEADER_SIZE];
    char replaces[HEADER_SIZE];
};

static struct transfer transfers = {.prev = &transfers, .next = &transfers};

static void destroy(struct transfer *transfer)
{
    pj_list_erase(transfer);
    refer_timer_stop(&transfer->timer);
    refer_subscription_leave(transfer->subscription);
    ast_channel_unwatch(transfer->channel, &transfer->watch);
    ast_channel_unref(transfer->channel);
    ast_channel_unref(transfer->spare);
    ast_sip_session_unref(transfer->session);
    ast_sip_session_unref(transfer->target);
    free(transfer);
}

static struct transfer *find_by_target(const struct ast_sip_session *target)
{
    for (struct transfer *at = transfers.next; at != &transfers; at = at->next) {
        if (at->target == target) {
            return at;
        }
    }
    return NULL;
}

static struct transfer *find_by_session(const struct ast_sip_session *session)
{
    for (struct transfer *at = transfers.next; at != &transfers; at = at->next) {
        if (at->session == session) {
            return at;
        }
    }
    return NULL;
}

/* ---- the end of a referred call ---- */

static void notify_final(struct transfer *transfer, int code)
{
    const pj_str_t *text = pjsip_get_status_text(code);

    refer_notify_final(transfer->subscription, code, text->ptr, (size_t)text->slen);
}

static void fail(struct transfer *transfer, int code)
{
    notify_final(transfer, code);
    destroy(transfer);
}

/* The peer knows that it went well, and said no BYE. */
static void on_time(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct transfer *transfer = entry->user_data;
    struct ast_sip_session *session = ast_sip_session_ref(transfer->session);

    (void)heap;
    entry->id = 0;
    destroy(transfer);
    ast_sip_session_terminate(session, 0);
    ast_sip_session_unref(session);
}

static void succeed(struct transfer *transfer)
{
    ast_channel_unwatch(transfer->channel, &transfer->watch);
    notify_final(transfer, PJSIP_SC_OK);
    ast_sip_session_unref(transfer->target);
    transfer->target = NULL;
    if (transfer->session == NULL || refer_timer_start(&transfer->timer, REFER_LINGER) != 0) {
        destroy(transfer);
    }
}

/* The channel hangs up before the referred call is answered: nobody is left to be transferred. */
static void on_gone(struct ast_channel *channel, void *data)
{
    struct transfer *transfer = data;
    struct ast_sip_session *target = ast_sip_session_ref(transfer->target);

    if (transfer->session != NULL && transfer->subscription != NULL &&
        ast_sip_channel_session(channel) == transfer->session &&
        ast_sip_session_defer_termination(transfer->session, REFER_DEFERRAL) == 0) {
        refer_subscription_defers(transfer->subscription, transfer->session);
    }
    fail(transfer, PJSIP_SC_REQUEST_TERMINATED);
    ast_sip_session_terminate(target, 0);
    ast_sip_session_unref(target);
}

/* ---- what happens to the two sessions ---- */

void refer_transfer_response(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    const pjsip_status_line *line = &rdata->msg_info.msg->line.status;
    struct transfer *transfer;

    if (line->code > 100 && line->code < 200 && (transfer = find_by_target(session)) != NULL) {
        refer_notify(transfer->subscription, line->code, line->reason.ptr,
                     (size_t)line->reason.slen);
    }
}

void refer_transfer_request(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    const pjsip_to_hdr *to = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_TO, NULL);
    struct transfer *transfer = find_by_target(session);

    if (transfer == NULL || to == NULL || to->tag.slen != 0) {
        return;
    }
    if (transfer->referred_by[0] != '\0') {
        ast_sip_add_header(tdata, "Referred-By", transfer->referred_by);
    }
    if (transfer->replaces[0] != '\0') { /* RFC 5589 7.1 */
        ast_sip_add_header(tdata, "Replaces", transfer->replaces);
        ast_sip_add_header(tdata, "Require", "replaces");
    }
}

/* The session whose channel stands for the referred call: another one when an INVITE has replaced
 * it (RFC 3891). */
static struct ast_sip_session *called(const struct transfer *transfer)
{
    return ast_sip_channel_session(transfer->session != NULL ? transfer->spare : transfer->channel);
}

/* The referred call is answered, and goes on. */
static void answered(struct transfer *transfer, struct ast_sip_session *session)
{
    if (session->channel != transfer->channel &&
        (ast_sip_channel_session(transfer->channel) != transfer->session ||
         ast_sip_channel_move(transfer->session, session) != 0)) {
        fail(transfer, PJSIP_SC_REQUEST_TERMINATED); /* the channel went elsewhere meanwhile */
        ast_sip_session_terminate(session, 0);
        return;
    }
    succeed(transfer);
}

static int look_again(void *data)
{
    struct ast_sip_session *session = data;
    struct transfer *transfer = find_by_target(session);

    if (transfer != NULL && called(transfer) == session &&
        ast_sip_session_get_state(session) == AST_SIP_SESSION_STATE_CONFIRMED) {
        answered(transfer, session);
    }
    ast_sip_session_unref(session);
    return 0;
}

/* A call whose answer has no good SDP is ended right behind this: so it is looked at in a task. */
void refer_transfer_confirmed(struct ast_sip_session *session)
{
    if (find_by_target(session) != NULL &&
        ast_sip_push_task(look_again, ast_sip_session_ref(session)) != 0) {
        ast_sip_session_unref(session);
    }
}

static void target_ended(struct transfer *transfer)
{
    struct ast_sip_session *other = called(transfer);
    int code = ast_sip_session_get_end_status(transfer->target);

    if (other == NULL || other == transfer->target) {
        fail(transfer, code >= 300 ? code : PJSIP_SC_NOT_ACCEPTABLE_HERE);
        return;
    }
    ast_sip_session_ref(other);
    ast_sip_session_unref(transfer->target);
    transfer->target = other;
    if (ast_sip_session_get_state(other) == AST_SIP_SESSION_STATE_CONFIRMED) {
        refer_transfer_confirmed(other);
    }
}

/* The transferor has gone, as it may at once (RFC 5589 6.1): the channel goes to the referred call
 * now. */
static void session_ended(struct transfer *transfer)
{
    if (transfer->target == NULL) {
        destroy(transfer);
        return;
    }
    if (ast_sip_channel_session(transfer->channel) != transfer->session ||
        ast_sip_channel_move(transfer->session, transfer->target) != 0) {
        struct ast_sip_session *target = ast_sip_session_ref(transfer->target);

        fail(transfer, PJSIP_SC_REQUEST_TERMINATED);
        ast_sip_session_terminate(target, 0);
        ast_sip_session_unref(target);
        return;
    }
    ast_sip_session_unref(transfer->session);
    transfer->session = NULL;
}

void refer_transfer_end(struct ast_sip_session *session)
{
    struct transfer *transfer;

    while ((transfer = find_by_session(session)) != NULL) {
        session_ended(transfer);
    }
    transfer = find_by_target(session);
    if (transfer != NULL) {
        target_ended(transfer);
    }
}

/* ---- what a REFER asks for ---- */

static int read_target(pjsip_rx_data *rdata, struct wish *wish)
{
    pj_pool_t *pool = rdata->tp_info.pool;

    if (refer_header(rdata->msg_info.msg, "Refer-To", "r", wish->refer_to,
                     sizeof(wish->refer_to)) != 1) { /* RFC 3515 2.4.2 */
        return PJSIP_SC_BAD_REQUEST;
    }
    return refer_to_parse(pool, wish->refer_to, &wish->target);
}

/* 0, or the status to refuse it with. */
static int read_wish(pjsip_rx_data *rdata, struct wish *wish)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    char text[64];
    unsigned count;
    int code = read_target(rdata, wish);

    if (code != 0) {
        return code;
    }
    wish->referred_by[0] = '\0';
    if (refer_header(msg, "Referred-By", "b", wish->referred_by, sizeof(wish->referred_by)) >
        1) { /* RFC 3892 3 */
        return PJSIP_SC_BAD_REQUEST;
    }
    count = refer_header(msg, "Refer-Sub", NULL, text, sizeof(text));
    wish->subscribe = count == 0 ? 1 : count == 1 ? refer_sub_parse(text) : -1;
    return wish->subscribe >= 0 ? 0 : PJSIP_SC_BAD_REQUEST;
}

/* 0: a transfer is possible now; else why not. */
static int check_session(struct ast_sip_session *session)
{
    enum ast_sip_session_state state = ast_sip_session_get_state(session);
    const struct transfer *pending = find_by_session(session);

    if (state >= AST_SIP_SESSION_STATE_ENDING) { /* RFC 5407 3.3.3 */
        return PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
    }
    if (state < AST_SIP_SESSION_STATE_CONNECTING || (pending != NULL && pending->target != NULL)) {
        return PJSIP_SC_REQUEST_PENDING;
    }
    if (!session->endpoint->allow_transfer) {
        ast_notice_limited("endpoint %s may not transfer calls (allow_transfer)",
                           session->endpoint->name);
        return PJSIP_SC_DECLINE;
    }
    return ast_sip_channel_session(session->channel) == session &&
                   ast_channel_get_state(session->channel) != AST_CHANNEL_GONE
               ? 0
               : PJSIP_SC_DECLINE;
}

/* ---- an extension of ours ---- */

static int port_of(int port, const pjsip_uri *uri)
{
    return port != 0 ? port : PJSIP_URI_SCHEME_IS_SIPS(uri) ? 5061 : 5060;
}

static int is_host(const struct refer_target *target, const pjsip_uri *named)
{
    const pjsip_sip_uri *uri = pjsip_uri_get_uri(named);

    return (PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri)) &&
           pj_stricmp2(&uri->host, target->host) == 0 &&
           port_of(target->port, named) == port_of(uri->port, named);
}

/* The address that the peer reaches us by, or the name that it calls us. */
static int is_us(const pjsip_dialog *dlg, const struct refer_target *target)
{
    return is_host(target, dlg->local.contact->uri) || is_host(target, dlg->local.info->uri);
}

static const char *context_of(const struct ast_sip_session *session)
{
    const char *context = ast_channel_get_variable(session->channel, "TRANSFER_CONTEXT");

    return context != NULL && context[0] != '\0' ? context : session->endpoint->context;
}

/* What the dialplan sees of it; the names are those of the field. */
static void set_variables(struct ast_channel *channel, const struct wish *wish)
{
    ast_channel_set_variable(channel, "BLINDTRANSFER", ast_channel_get_name(channel));
    ast_channel_set_variable(channel, "TRANSFERERNAME", ast_channel_get_name(channel));
    ast_channel_set_variable(channel, "SIPTRANSFER", "yes");
    ast_channel_set_variable(channel, "SIPREFERTOHDR", wish->refer_to);
    ast_channel_set_variable(channel, "SIPREFERREDBYHDR",
                             wish->referred_by[0] != '\0' ? wish->referred_by : NULL);
    ast_channel_set_variable(channel, "SIPREPLACESHDR",
                             wish->target.replaces[0] != '\0' ? wish->target.replaces : NULL);
}

/* 202, as RFC 4488 4 wants it when nobody wants to know. 0, -1. */
static int accept_refer(pjsip_dialog *dlg, pjsip_rx_data *rdata, const struct wish *wish)
{
    return refer_respond(dlg, rdata, PJSIP_SC_ACCEPTED, wish->subscribe ? NULL : "Refer-Sub",
                         "false");
}

static int go_to_extension(struct ast_sip_session *session, struct refer_dialog *dialog,
                           pjsip_rx_data *rdata, const struct wish *wish)
{
    struct ast_channel *channel = session->channel;
    struct refer_subscription *subscription = NULL;
    const char *context = context_of(session);

    if (!ast_pbx_exists(context, wish->target.user)) {
        ast_notice_limited("%s: a transfer to %s, which is no extension of %s",
                           ast_channel_get_name(channel), wish->target.user, context);
        return PJSIP_SC_NOT_FOUND;
    }
    if (accept_refer(dialog->dlg, rdata, wish) != 0) {
        return 0;
    }
    ast_verbose("%s: transferred to %s@%s", ast_channel_get_name(channel), wish->target.user,
                context);
    set_variables(channel, wish);
    if (wish->subscribe) { /* before the extension, which may hang up */
        refer_subscribe(dialog, (unsigned)rdata->msg_info.cseq->cseq, &subscription);
        refer_notify_final(subscription, PJSIP_SC_OK, "OK", 2);
    }
    if (ast_pbx_async_goto(channel, context, wish->target.user, NULL) != 0) {
        ast_warning_limited("%s runs no dialplan to be transferred in",
                            ast_channel_get_name(channel));
    }
    return 0;
}

/* ---- somebody else's URI ---- */

/* We call as whom the peer called. */
static void set_caller(const pjsip_dialog *dlg, struct ast_party_id *caller)
{
    const pjsip_sip_uri *uri = pjsip_uri_get_uri(dlg->local.info->uri);

    if ((PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri)) && uri->user.slen > 0 &&
        (size_t)uri->user.slen < sizeof(caller->number)) {
        memcpy(caller->number, uri->user.ptr, (size_t)uri->user.slen);
        caller->number[uri->user.slen] = '\0';
        caller->presentation = AST_PARTY_ALLOWED;
    }
}

/* A transfer with its outgoing session, whose INVITE is not sent yet. NULL, logged. */
static struct transfer *prepare(struct ast_sip_session *session, const struct wish *wish)
{
    struct ast_sip_session_outgoing outgoing;
    struct ast_sip_session *target;
    struct transfer *transfer;

    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = session->endpoint;
    outgoing.uri = wish->target.uri;
    set_caller(session->inv_session->dlg, &outgoing.caller);
    target = ast_sip_session_create_outgoing(&outgoing);
    transfer = target != NULL ? calloc(1, sizeof(*transfer)) : NULL;
    if (transfer == NULL || ast_sip_channel_create(target) != 0) {
        if (target != NULL) {
            ast_sip_session_terminate(target, 0);
        }
        ast_sip_session_unref(target);
        free(transfer);
        return NULL;
    }
    transfer->session = ast_sip_session_ref(session);
    transfer->target = target;
    transfer->channel = ast_channel_ref(session->channel);
    transfer->spare = ast_channel_ref(target->channel);
    strcpy(transfer->referred_by, wish->referred_by);
    strcpy(transfer->replaces, wish->target.replaces);
    pj_timer_entry_init(&transfer->timer, 0, transfer, on_time);
    transfer->watch.gone = on_gone;
    transfer->watch.data = transfer;
    ast_channel_watch(transfer->channel, &transfer->watch);
    pj_list_push_back(&transfers, transfer);
    return transfer;
}

static void subscribe(struct transfer *transfer, struct refer_dialog *dialog, unsigned cseq)
{
    refer_subscribe(dialog, cseq, &transfer->subscription);
    if (transfer->session->endpoint->refer_blind_progress) {
        refer_notify(transfer->subscription, PJSIP_SC_TRYING, "Trying", 6);
    } else {
        notify_final(transfer, PJSIP_SC_OK);
    }
}

static int call(struct ast_sip_session *session, struct refer_dialog *dialog, pjsip_rx_data *rdata,
                const struct wish *wish)
{
    struct ast_sip_session *target;
    struct transfer *transfer;

    if (strcmp(session->endpoint->name, "anonymous") == 0) {
        ast_notice_limited("a stranger wants us to call %s: refused", wish->target.uri);
        return PJSIP_SC_DECLINE;
    }
    transfer = prepare(session, wish);
    if (transfer == NULL) {
        return PJSIP_SC_SERVICE_UNAVAILABLE;
    }
    target = ast_sip_session_ref(transfer->target);
    if (accept_refer(dialog->dlg, rdata, wish) != 0) {
        destroy(transfer);
        ast_sip_session_terminate(target, 0);
    } else {
        ast_verbose("%s: transferred to %s", ast_channel_get_name(session->channel),
                    wish->target.uri);
        set_variables(session->channel, wish);
        if (wish->subscribe) {
            subscribe(transfer, dialog, (unsigned)rdata->msg_info.cseq->cseq);
        }
        ast_sip_session_send_invite(target); /* its failure is told as its end */
    }
    ast_sip_session_unref(target);
    return 0;
}

/* 0: answered; else the status to refuse it with. */
static int obey(struct ast_sip_session *session, struct refer_dialog *dialog, pjsip_rx_data *rdata,
                const struct wish *wish)
{
    int local = is_us(dialog->dlg, &wish->target);
    struct replaces_value replaces;

    if (wish->target.replaces[0] != '\0' &&
        (local ||
         (replaces_parse(wish->target.replaces, &replaces) == 0 &&
          ast_sip_session_find(replaces.call_id, replaces.to_tag, replaces.from_tag) != NULL))) {
        ast_notice_limited(
            "%s: a transfer to another call of ours needs a bridge, which there is not",
            ast_channel_get_name(session->channel));
        return PJSIP_SC_DECLINE;
    }
    return local ? go_to_extension(session, dialog, rdata, wish)
                 : call(session, dialog, rdata, wish);
}

void refer_on_refer(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    struct refer_dialog *dialog = refer_dialog_of(session);
    struct wish wish;
    int code;

    if (dialog == NULL) {
        refer_respond(session->inv_session->dlg, rdata, PJSIP_SC_INTERNAL_SERVER_ERROR, NULL, NULL);
        return;
    }
    dialog->received++;
    code = read_wish(rdata, &wish);
    if (code == 0) {
        code = check_session(session);
    }
    if (code == 0) {
        code = obey(session, dialog, rdata, &wish);
    }
    if (code != 0) {
        refer_respond(dialog->dlg, rdata, code, NULL, NULL);
    }
}

unsigned refer_transfers_count(void)
{
    return (unsigned)pj_list_size(&transfers);
}

void refer_transfers_stop(void)
{
    while (!pj_list_empty(&transfers)) {
        destroy(transfers.next);
    }
}
