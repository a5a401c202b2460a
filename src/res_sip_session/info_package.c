/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: packages of INFO (RFC 6086): Recv-Info says which we take, Info-Package whose an
 * INFO is. The core's own extensions of INVITE, UPDATE and INFO do it; what is in a package is its
 * owner's.
 *
 * Recv-Info is in the INVITEs and UPDATEs that we send as soon as a package was ever registered,
 * empty when all have gone again; and in our reliable answers to those that said Recv-Info
 * themselves (a peer that does not know the framework is not told of it). A list that changes
 * reaches a session with its next such message.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sipsession/log.h>

#include "res_sip_session/session.h"

#define MOST_PACKAGES 32

static const struct ast_sip_info_package *packages[MOST_PACKAGES];
static unsigned package_count;
static char *list; /* "one, two": the value of Recv-Info; owned; NULL: empty */
static int in_use; /* a package was registered since the start */
static int takes;  /* INFO is one of our methods on account of the packages */

static const pj_str_t info_package_name = {(char *)"Info-Package", 12};
static const pj_str_t recv_info_name = {(char *)"Recv-Info", 9};

/* ---- registry ---- */

static unsigned find(const char *name, size_t length)
{
    unsigned i = 0;

    while (i < package_count && (strncasecmp(packages[i]->name, name, length) != 0 ||
                                 packages[i]->name[length] != '\0')) {
        ++i;
    }
    return i;
}

/* 0; -1: no memory, the list is as it was. */
static int write_list(void)
{
    size_t size = 1;
    char *text;

    for (unsigned i = 0; i < package_count; ++i) {
        size += strlen(packages[i]->name) + 2;
    }
    text = malloc(size);
    if (text == NULL) {
        return -1;
    }
    text[0] = '\0';
    for (unsigned i = 0; i < package_count; ++i) {
        strcat(text, i > 0 ? ", " : "");
        strcat(text, packages[i]->name);
    }
    free(list);
    list = text;
    return 0;
}

/* No package is left: INFO is no method of ours any more, as far as packages go. */
static void forget_all(void)
{
    free(list);
    list = NULL;
    package_count = 0;
    if (takes) {
        takes = 0;
        ast_sip_session_unregister_method("INFO");
    }
}

int ast_sip_session_register_info_package(const struct ast_sip_info_package *package)
{
    base_assert_sip_thread();
    if (package == NULL || package->name == NULL || !session_is_token(package->name) ||
        package->incoming == NULL) {
        ast_error("A package of INFO needs a name that is a token, and a callback");
        return -1;
    }
    if (find(package->name, strlen(package->name)) < package_count) {
        ast_error("The package %s of INFO is registered already", package->name);
        return -1;
    }
    if (package_count == MOST_PACKAGES) {
        ast_error("No room for the package %s of INFO", package->name);
        return -1;
    }
    if (!takes && ast_sip_session_register_method("INFO") != 0) {
        return -1;
    }
    takes = 1;
    packages[package_count++] = package;
    if (write_list() != 0) {
        ast_error("No memory for the package %s of INFO", package->name);
        if (--package_count == 0) {
            forget_all();
        }
        return -1;
    }
    in_use = 1;
    return 0;
}

void ast_sip_session_unregister_info_package(const struct ast_sip_info_package *package)
{
    unsigned at = 0;

    base_assert_sip_thread();
    while (at < package_count && packages[at] != package) {
        ++at;
    }
    if (at == package_count) {
        return;
    }
    --package_count;
    memmove(&packages[at], &packages[at + 1], (package_count - at) * sizeof(packages[0]));
    if (package_count == 0) {
        forget_all();
    } else if (write_list() != 0) {
        /* The old list stays: an INFO of the one that went gets 469. */
        ast_error_limited("No memory for the list of packages of INFO");
    }
}

/* ---- what we say ---- */

static void add_recv_info(pjsip_tx_data *tdata)
{
    if (pjsip_msg_find_hdr_by_name(tdata->msg, &recv_info_name, NULL) == NULL) {
        ast_sip_add_header(tdata, "Recv-Info", list != NULL ? list : "");
    }
}

static void on_outgoing_request(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    (void)session;
    if (in_use) {
        add_recv_info(tdata);
    }
}

/* RFC 6086 5.2: 2xx, and those 18x that are acknowledged. */
static int is_reliable(const pjsip_msg *msg)
{
    static const pj_str_t rseq = {(char *)"RSeq", 4};

    return msg->line.status.code / 100 == 2 ||
           (msg->line.status.code < 200 && pjsip_msg_find_hdr_by_name(msg, &rseq, NULL) != NULL);
}

static void on_invite_response(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    if (session->priv->peer.packages_in_invite && is_reliable(tdata->msg)) {
        add_recv_info(tdata);
    }
}

static void on_update_response(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    if (session->priv->peer.packages_in_update && is_reliable(tdata->msg)) {
        add_recv_info(tdata);
    }
}

/* ---- INFO ---- */

/* Sends the status, the package's or our own. */
static int respond(struct ast_sip_session *session, int status, pjsip_rx_data *rdata)
{
    ast_sip_session_send_response(session, status, rdata);
    return AST_SIP_SESSION_STOP;
}

static int call_package(const struct ast_sip_info_package *package, struct ast_sip_session *session,
                        pjsip_rx_data *rdata)
{
    int status = package->incoming(session, rdata);

    if (status == 0) {
        return session_is_answered(session, rdata) ? AST_SIP_SESSION_STOP : AST_SIP_SESSION_PENDING;
    }
    if (status != PJSIP_SC_OK && (status < 300 || status > 699)) {
        ast_error_limited("The package %s answers INFO with %d: sending 500", package->name,
                          status);
        status = PJSIP_SC_INTERNAL_SERVER_ERROR;
    }
    return respond(session, status, rdata);
}

/* Whether INFO is a method of ours at all, for packages or for an extension. */
static int is_allowed(void)
{
    static const pj_str_t info = {(char *)"INFO", 4};

    return pjsip_endpt_has_capability(ast_sip_get_pjsip_endpoint(), PJSIP_H_ALLOW, NULL, &info);
}

static int on_info(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    const pjsip_generic_string_hdr *header =
        pjsip_msg_find_hdr_by_name(msg, &info_package_name, NULL);
    size_t length = 0;
    unsigned at;

    if (header == NULL || !is_allowed()) {
        return AST_SIP_SESSION_CONTINUE; /* the older use of INFO (RFC 6086 4.2.3), or 405 */
    }
    if (pjsip_msg_find_hdr_by_name(msg, &info_package_name, header->next) != NULL) {
        return respond(session, PJSIP_SC_BAD_REQUEST, rdata); /* RFC 6086 4.2.1: of one package */
    }
    while (length < (size_t)header->hvalue.slen &&
           strchr("; \t\r\n", header->hvalue.ptr[length]) == NULL) {
        ++length;
    }
    at = length > 0 ? find(header->hvalue.ptr, length) : package_count;
    if (at == package_count) {
        return respond(session, PJSIP_SC_BAD_INFO_PACKAGE, rdata); /* RFC 6086 4.2.2 */
    }
    return call_package(packages[at], session, rdata);
}

/*
 * An INFO without Info-Package that no extension took, while INFO is in our Allow for the packages'
 * sake: without a body it asks for nothing (RFC 2976 2.2), what it brings else is not understood.
 */
static int on_info_last(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_msg_body *body = rdata->msg_info.msg->body;

    if (!takes) {
        return AST_SIP_SESSION_CONTINUE;
    }
    return respond(session,
                   body == NULL || body->len == 0 ? PJSIP_SC_OK : PJSIP_SC_UNSUPPORTED_MEDIA_TYPE,
                   rdata);
}

/* RFC 6086 4.2.2: 469 says what we do take. */
static void on_info_response(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    (void)session;
    if (tdata->msg->line.status.code == PJSIP_SC_BAD_INFO_PACKAGE) {
        add_recv_info(tdata);
    }
}

/* RFC 3261 21.4.13: a 415 lists what is taken; nobody did, so nothing is. */
static void on_info_response_last(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    (void)session;
    if (tdata->msg->line.status.code == PJSIP_SC_UNSUPPORTED_MEDIA_TYPE &&
        pjsip_msg_find_hdr(tdata->msg, PJSIP_H_ACCEPT, NULL) == NULL) {
        ast_sip_add_header(tdata, "Accept", "");
    }
}

/* ---- start and stop ---- */

static struct ast_sip_session_extension extensions[] = {
    {.method = "INFO",
     .name = "packages of INFO",
     .priority = AST_SIP_SESSION_PRIORITY_FIRST,
     .incoming_request = on_info,
     .outgoing_response = on_info_response},
    {.method = "INFO",
     .name = "INFO of nobody",
     .priority = AST_SIP_SESSION_PRIORITY_LAST,
     .incoming_request = on_info_last,
     .outgoing_response = on_info_response_last},
    {.method = "INVITE",
     .name = "packages of INFO (INVITE)",
     .outgoing_request = on_outgoing_request,
     .outgoing_response = on_invite_response},
    {.method = "UPDATE",
     .name = "packages of INFO (UPDATE)",
     .outgoing_request = on_outgoing_request,
     .outgoing_response = on_update_response},
};

int session_info_packages_start(void)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(extensions); ++i) {
        if (ast_sip_session_register_extension(&extensions[i]) != 0) {
            session_info_packages_stop();
            return -1;
        }
    }
    return 0;
}

void session_info_packages_stop(void)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(extensions); ++i) {
        ast_sip_session_unregister_extension(&extensions[i]);
    }
    forget_all();
    in_use = 0;
}
