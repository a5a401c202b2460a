/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history_info: where a call was before (RFC 7044). What History-Info says of a call goes to
 * variables of its channel; responses carry it back to a peer that supports it; our INVITEs say
 * whom the call was for before. entry.c reads and writes; here are only messages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

#include "entry.h"

#define OPTION_TAG "histinfo"

/* What the responses of a session carry: the text of a header's value, malloc'ed. */
static struct ast_sip_session_cookie cookie = {.name = "history_info", .destroy = free};

/* ---- incoming ---- */

static void set(struct ast_channel *channel, const char *what, unsigned number, const char *value)
{
    char name[60];

    if (value[0] != '\0') {
        snprintf(name, sizeof(name), "HISTORYINFO_%s_%u", what, number);
        ast_channel_set_variable(channel, name, value);
    }
}

/* HISTORYINFO_COUNT, and HISTORYINFO_URI_1 ... of each entry, the oldest first. */
static void tell_channel(struct ast_channel *channel, const struct ast_sip_address *addresses,
                         unsigned count)
{
    struct history_entry entry;
    unsigned number = 0;
    char text[20];

    for (unsigned i = 0; i < count; ++i) {
        if (history_read(&addresses[i], &entry) != 0) {
            continue;
        }
        ++number;
        set(channel, "URI", number, entry.uri);
        set(channel, "INDEX", number, entry.index);
        set(channel, "TARGET", number, entry.target);
        set(channel, "REASON", number, entry.reason);
        set(channel, "PRIVACY", number, entry.privacy);
    }
    snprintf(text, sizeof(text), "%u", number);
    ast_channel_set_variable(channel, "HISTORYINFO_COUNT", text);
}

/* Appends one entry to the text of a header; what does not fit is left out. */
static void append(char text[HISTORY_SIZE], const char *entry)
{
    size_t length = strlen(text), more = strlen(entry);

    if (length + more + 3 <= HISTORY_SIZE) {
        snprintf(text + length, HISTORY_SIZE - length, "%s%s", length > 0 ? ", " : "", entry);
    }
}

/* RFC 7044 9.1: when the last entry is not for the request URI, whoever gets it adds one. */
static void append_own(char text[HISTORY_SIZE], const struct history_entry *last,
                       const pjsip_rx_data *rdata)
{
    char uri[PJSIP_MAX_URL_SIZE], index[HISTORY_INDEX_SIZE + 4] = "1", entry[HISTORY_ENTRY_SIZE];
    struct history_hop hop = {.uri = uri, .index = index};
    int length = pjsip_uri_print(PJSIP_URI_IN_REQ_URI, rdata->msg_info.msg->line.req.uri, uri,
                                 sizeof(uri) - 1);

    if (length <= 0) {
        return;
    }
    uri[length] = '\0';
    if (last->index[0] != '\0') {
        if (history_is_for(last, uri)) {
            return;
        }
        snprintf(index, sizeof(index), "%s.1", last->index);
    }
    if (history_write(&hop, entry, sizeof(entry)) > 0) {
        append(text, entry);
    }
}

/* What the responses carry back (RFC 7044 9.4), made once. */
static void keep(struct ast_sip_session *session, const pjsip_rx_data *rdata,
                 const struct ast_sip_address *addresses, unsigned count)
{
    struct history_entry last = {.index = ""}, read;
    char entry[HISTORY_ENTRY_SIZE];
    char text[HISTORY_SIZE] = "";
    char *copy;

    for (unsigned i = 0; i < count; ++i) {
        if (history_read(&addresses[i], &read) == 0 &&
            history_copy(&addresses[i], entry, sizeof(entry)) > 0) {
            append(text, entry);
            last = read;
        }
    }
    append_own(text, &last, rdata);
    copy = strdup(text);
    if (copy == NULL || ast_sip_session_set_cookie(session, &cookie, copy) != 0) {
        free(copy);
    }
}

static int on_invite(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    struct ast_sip_address addresses[HISTORY_MOST];
    unsigned count;

    if (ast_sip_session_is_outgoing(session) || rdata->msg_info.to->tag.slen > 0) {
        return AST_SIP_SESSION_CONTINUE;
    }
    count = ast_sip_addresses_of(rdata->msg_info.msg, "History-Info", addresses, HISTORY_MOST);
    if (count > 0 && session->channel != NULL) {
        tell_channel(session->channel, addresses, count);
    }
    if (ast_sip_session_peer_supports(session, OPTION_TAG)) {
        keep(session, rdata, addresses, count);
    }
    return AST_SIP_SESSION_CONTINUE;
}

static void on_outgoing_response(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    const char *text = ast_sip_session_get_cookie(session, &cookie);

    if (text == NULL || tdata->msg->line.status.code == PJSIP_SC_TRYING) {
        return;
    }
    ast_sip_add_header(tdata, "History-Info", text);
    if (tdata->msg->line.status.code >= 200) { /* a re-INVITE's is another story */
        ast_sip_session_set_cookie(session, &cookie, NULL);
    }
}

/* ---- outgoing ---- */

static void on_outgoing_invite(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    static const struct ast_party_redirecting none;
    const struct ast_sip_endpoint *endpoint = session->endpoint;
    char target[PJSIP_MAX_URL_SIZE], host[256], text[HISTORY_SIZE];
    int length;

    if (!endpoint->send_history_info ||
        ast_sip_session_get_state(session) != AST_SIP_SESSION_STATE_NEW ||
        ast_sip_session_identity_host(session, host, sizeof(host)) != 0) {
        return;
    }
    length =
        pjsip_uri_print(PJSIP_URI_IN_REQ_URI, tdata->msg->line.req.uri, target, sizeof(target) - 1);
    if (length <= 0) {
        return;
    }
    target[length] = '\0';
    if (history_write_all(session->channel != NULL ? ast_channel_get_redirecting(session->channel)
                                                   : &none,
                          host, endpoint->trust_id_outbound, target, text) > 0) {
        ast_sip_add_header(tdata, "History-Info", text);
    }
}

/* Where our call came to: the entries of its answer. */
static void on_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    struct ast_sip_address addresses[HISTORY_MOST];
    unsigned count;

    if (session->channel == NULL || !ast_sip_session_is_outgoing(session) ||
        rdata->msg_info.msg->line.status.code / 100 != 2 ||
        ast_sip_session_get_state(session) > AST_SIP_SESSION_STATE_EARLY) {
        return;
    }
    count = ast_sip_addresses_of(rdata->msg_info.msg, "History-Info", addresses, HISTORY_MOST);
    if (count > 0) {
        tell_channel(session->channel, addresses, count);
    }
}

/* ---- registration ---- */

static struct ast_sip_session_extension incoming = {.method = "INVITE",
                                                    .name = "history_info (incoming)",
                                                    .priority = AST_SIP_SESSION_PRIORITY_IDENTITY,
                                                    .incoming_request = on_invite};
static struct ast_sip_session_extension outgoing = {.method = "INVITE",
                                                    .name = "history_info",
                                                    .incoming_response = on_response,
                                                    .outgoing_request = on_outgoing_invite,
                                                    .outgoing_response = on_outgoing_response};

static void done(void)
{
    ast_sip_session_unregister_extension(&outgoing);
    ast_sip_session_unregister_extension(&incoming);
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
    if (ast_sip_session_register_extension(&incoming) != 0 ||
        ast_sip_session_register_extension(&outgoing) != 0) {
        done();
        return -1;
    }
    return 0;
}

AST_SIP_MODULE(.name = "history_info",
               .description = "Where calls were before: History-Info (RFC 7044)", .init = init,
               .close = done);
