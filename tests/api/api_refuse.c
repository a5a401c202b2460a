/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An extension that refuses: X-Refuse: CODE is answered so; X-Fail makes it fail without an answer, or with a
 * provisional one only. Another extension behind it records what still gets through.
 */
#include "api_record.h"

static int refuse(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    char code[16];

    if (ast_sip_get_header(msg, "X-Refuse", code, sizeof(code)) == 0) {
        ast_sip_session_send_response(session, atoi(code), rdata);
        return -1;
    }
    if (api_has(msg, "X-Fail", "silent")) {
        return -1;
    }
    if (api_has(msg, "X-Fail", "positive")) {
        return 42;
    }
    if (api_has(msg, "X-Fail", "provisional")) {
        ast_sip_session_send_response(session, 180, rdata);
        return -1;
    }
    return 0;
}

static int behind(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pj_str_t *method = api_method(rdata->msg_info.msg), *call = api_call_id(session);

    api_record("behind %.*s %.*s", (int)method->slen, method->ptr, (int)call->slen, call->ptr);
    return 0;
}

/* With the page's members only, and with a name. */
static struct ast_sip_session_extension unnamed = {.method = "INFO", .incoming_request = refuse};
static struct ast_sip_session_extension named = {.method = "INVITE",
                                                 .incoming_request = refuse,
                                                 .name = "the-refuser"};
static struct ast_sip_session_extension acks = {.method = "ACK",
                                                .incoming_request = refuse,
                                                .name = "the-acker"};
static struct ast_sip_session_extension last = {.incoming_request = behind};

static int init(void)
{
    if (ast_sip_session_register_extension(&unnamed) ||
        ast_sip_session_register_extension(&named) || ast_sip_session_register_extension(&acks) ||
        ast_sip_session_register_extension(&last)) {
        return -1;
    }
    return 0;
}

static void done(void)
{
    ast_sip_session_unregister_extension(&last);
    ast_sip_session_unregister_extension(&acks);
    ast_sip_session_unregister_extension(&named);
    ast_sip_session_unregister_extension(&unnamed);
}

AST_SIP_MODULE(.name = "api_refuse", .description = "Test: an extension that refuses", .init = init,
               .close = done);
