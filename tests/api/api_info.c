/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packages of INFO (RFC 6086): "test-ok" answers 200 and records what came, "test-refuse" answers
 * 488, "test-later" suspends the INFO and answers 202 from a task. An INFO of test-ok with `X-Do:
 * drop` unregisters test-refuse; with `X-Do: send NAME` an INFO of the package NAME is sent when
 * the peer takes it.
 */
#include "api_record.h"

static int on_refuse(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    PJ_UNUSED_ARG(session);
    PJ_UNUSED_ARG(rdata);
    return 488;
}

static const struct ast_sip_info_package refuse = {.name = "test-refuse", .incoming = on_refuse};

static void send_info(struct ast_sip_session *session, const char *name)
{
    struct ast_sip_body body = {.type = "text", .subtype = "plain", .body_text = "hello"};
    pjsip_tx_data *tdata;

    if (!ast_sip_session_peer_takes_info_package(session, name)) {
        api_record("peer takes no %s", name);
        return;
    }
    if (ast_sip_session_create_request(session, "INFO", &tdata) == 0) {
        ast_sip_add_header(tdata, "Info-Package", name);
        ast_sip_add_header(tdata, "Content-Disposition", "Info-Package");
        ast_sip_add_body(tdata, &body);
        ast_sip_session_send_request(session, tdata);
    }
}

static int on_ok(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_msg_body *body = rdata->msg_info.msg->body;
    char what[64];

    api_record("test-ok %.*s", body ? (int)body->len : 0, body ? (const char *)body->data : "");
    if (ast_sip_get_header(rdata->msg_info.msg, "X-Do", what, sizeof(what)) == 0) {
        if (strcmp(what, "drop") == 0) {
            ast_sip_session_unregister_info_package(&refuse);
        } else if (strncmp(what, "send ", 5) == 0) {
            send_info(session, what + 5);
        }
    }
    return 200;
}

static const struct ast_sip_info_package ok = {.name = "test-ok", .incoming = on_ok};

static int answer_later(void *data)
{
    struct ast_sip_session_deferred *deferred = data;

    ast_sip_session_send_response(ast_sip_session_deferred_session(deferred), 202,
                                  ast_sip_session_deferred_rdata(deferred));
    ast_sip_session_resume(deferred, AST_SIP_SESSION_STOP);
    return 0;
}

static int on_later(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    struct ast_sip_session_deferred *deferred = ast_sip_session_defer(session, rdata);

    if (deferred == NULL) {
        return 500;
    }
    if (ast_sip_push_task(answer_later, deferred) != 0) {
        ast_sip_session_resume(deferred, AST_SIP_SESSION_STOP);
    }
    return 0;
}

static const struct ast_sip_info_package later = {.name = "test-later", .incoming = on_later};

static int init(void)
{
    return ast_sip_session_register_info_package(&ok) != 0 ||
                   ast_sip_session_register_info_package(&refuse) != 0 ||
                   ast_sip_session_register_info_package(&later) != 0
               ? -1
               : 0;
}

static void done(void)
{
    ast_sip_session_unregister_info_package(&later);
    ast_sip_session_unregister_info_package(&refuse);
    ast_sip_session_unregister_info_package(&ok);
}

AST_SIP_MODULE(.name = "api_info", .description = "Test: packages of INFO", .init = init,
               .close = done);
