/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diversion: how a call was diverted (RFC 5806). What Diversion says of an incoming call goes to
 * its channel (REDIRECTING); what a channel says goes out with the INVITE of an outgoing call; who
 * redirects an INVITE of ours is in the INVITE that follows. entry.c reads and writes; here are
 * only messages.
 */
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

#include "entry.h"

/* ---- incoming ---- */

static void party_of_uri(const pjsip_uri *uri, struct ast_party_id *id)
{
    struct ast_sip_address address = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    char text[PJSIP_MAX_URL_SIZE];
    int length =
        pjsip_uri_print(PJSIP_URI_IN_REQ_URI, pjsip_uri_get_uri((void *)uri), text, sizeof(text));

    address.uri.ptr = text;
    address.uri.slen = length > 0 ? length : 0;
    ast_sip_address_party(&address, id);
}

static int on_invite(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    struct ast_sip_address addresses[DIVERSION_MOST];
    struct ast_party_redirecting redirecting;
    unsigned count;

    if (session->channel == NULL || ast_sip_session_is_outgoing(session) ||
        rdata->msg_info.to->tag.slen > 0) {
        return AST_SIP_SESSION_CONTINUE;
    }
    count = ast_sip_addresses_of(rdata->msg_info.msg, "Diversion", addresses, DIVERSION_MOST);
    if (count > 0 && diversion_read_all(addresses, count, &redirecting) == 0) {
        party_of_uri(rdata->msg_info.msg->line.req.uri, &redirecting.to);
        ast_channel_set_redirecting(session->channel, &redirecting);
    }
    return AST_SIP_SESSION_CONTINUE;
}

/* ---- outgoing ---- */

static void on_outgoing_invite(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    const struct ast_sip_endpoint *endpoint = session->endpoint;
    char value[DIVERSION_VALUE_SIZE], host[256];
    struct diversion_entry entries[2];
    unsigned count;

    if (!endpoint->send_diversion || session->channel == NULL ||
        ast_sip_session_get_state(session) != AST_SIP_SESSION_STATE_NEW) {
        return;
    }
    count = diversion_entries(ast_channel_get_redirecting(session->channel), entries);
    if (count == 0 || ast_sip_session_identity_host(session, host, sizeof(host)) != 0) {
        return;
    }
    for (unsigned i = 0; i < count; ++i) {
        if (diversion_write(&entries[i], host, endpoint->trust_id_outbound, value) > 0) {
            ast_sip_add_header(tdata, "Diversion", value);
        }
    }
}

/* ---- a redirection of our INVITE ---- */

/* Before the entries that are there: the last diversion comes first (RFC 5806 4). */
static void put_first(struct pjsip_tx_data *tdata, const char *value)
{
    const pj_str_t name = pj_str("Diversion");
    pjsip_hdr *first = pjsip_msg_find_hdr_by_name(tdata->msg, &name, NULL);
    pjsip_hdr *made;

    if (ast_sip_add_header(tdata, "Diversion", value) == 0 && first != NULL) {
        made = tdata->msg->hdr.prev;
        pj_list_erase(made);
        pj_list_insert_before(first, made);
    }
}

/* Who redirects, as it says itself, else as we called it. */
static void find_redirector(const struct pjsip_rx_data *rdata, const pjsip_uri *called,
                            struct diversion_entry *entry)
{
    int code = rdata->msg_info.msg->line.status.code;
    struct ast_sip_address address;

    memset(entry, 0, sizeof(*entry));
    if (ast_sip_addresses_of(rdata->msg_info.msg, "Diversion", &address, 1) == 1 &&
        diversion_read(&address, entry) == 0) {
        return;
    }
    party_of_uri(called, &entry->party);
    entry->count = 1;
    if (code == PJSIP_SC_MOVED_TEMPORARILY) {
        strcpy(entry->reason, "unconditional"); /* as RFC 4458 2 has it */
    }
}

/* The channel knows it, too: the last diversion is this one. */
static void remember(struct ast_channel *channel, const struct diversion_entry *entry)
{
    struct ast_party_redirecting redirecting = *ast_channel_get_redirecting(channel);

    if (redirecting.count == 0) {
        redirecting.orig = entry->party;
        memcpy(redirecting.orig_reason, entry->reason, sizeof(redirecting.orig_reason));
    }
    redirecting.from = entry->party;
    memcpy(redirecting.reason, entry->reason, sizeof(redirecting.reason));
    redirecting.count = redirecting.count + entry->count < DIVERSION_MOST_COUNT
                            ? redirecting.count + entry->count
                            : DIVERSION_MOST_COUNT;
    ast_channel_set_redirecting(channel, &redirecting);
}

/*
 * A 3xx to the INVITE that began the session. The core follows it, if it does, by sending the same
 * message elsewhere, after this; so what is put there is there once. If it does not, the message is
 * over.
 */
static void on_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_transaction *tsx = pjsip_rdata_get_tsx(rdata);
    char value[DIVERSION_VALUE_SIZE], host[256];
    struct diversion_entry entry;

    if (rdata->msg_info.msg->line.status.code / 100 != 3 || tsx == NULL || tsx->last_tx == NULL ||
        tsx->last_tx->msg->type != PJSIP_REQUEST_MSG ||
        tsx->last_tx->msg->line.req.method.id != PJSIP_INVITE_METHOD ||
        ast_sip_session_get_state(session) > AST_SIP_SESSION_STATE_EARLY) {
        return;
    }
    find_redirector(rdata, tsx->last_tx->msg->line.req.uri, &entry);
    if (entry.party.number[0] == '\0') {
        return;
    }
    if (session->channel != NULL) {
        remember(session->channel, &entry);
    }
    if (session->endpoint->send_diversion &&
        ast_sip_session_identity_host(session, host, sizeof(host)) == 0 &&
        diversion_write(&entry, host, session->endpoint->trust_id_outbound, value) > 0) {
        put_first(tsx->last_tx, value);
    }
}

/* ---- registration ---- */

static struct ast_sip_session_extension incoming = {.method = "INVITE",
                                                    .name = "diversion (incoming)",
                                                    .priority = AST_SIP_SESSION_PRIORITY_IDENTITY,
                                                    .incoming_request = on_invite};
static struct ast_sip_session_extension outgoing = {.method = "INVITE",
                                                    .name = "diversion",
                                                    .incoming_response = on_response,
                                                    .outgoing_request = on_outgoing_invite};

static int init(void)
{
    if (ast_sip_session_register_extension(&incoming) != 0) {
        return -1;
    }
    if (ast_sip_session_register_extension(&outgoing) != 0) {
        ast_sip_session_unregister_extension(&incoming);
        return -1;
    }
    return 0;
}

static void done(void)
{
    ast_sip_session_unregister_extension(&outgoing);
    ast_sip_session_unregister_extension(&incoming);
}

AST_SIP_MODULE(.name = "diversion", .description = "How calls were diverted: Diversion (RFC 5806)",
               .init = init, .close = done);
