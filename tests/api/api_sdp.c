/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An SDP handler with the page's two callbacks and nothing else: it is the responsible party for all aspects of SDP,
 * in both roles. It adds its SDP as text where it offers and as PJSIP's struct where it answers: both are ways that
 * code written against the page may go.
 */
#include "api_record.h"

#include <pjmedia/sdp.h>

static unsigned version;

static int incoming(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_msg_body *body = rdata->msg_info.msg->body;
    const pj_str_t *call = api_call_id(session), *method = api_method(rdata->msg_info.msg);
    int status =
        rdata->msg_info.msg->type == PJSIP_RESPONSE_MSG ? rdata->msg_info.msg->line.status.code : 0;
    static const char mark[] = "x-refuse";

    if (!body || !body->data) {
        api_record("sdp incoming nothing");
        return -1;
    }
    api_record("sdp incoming %.*s %d %.*s", (int)method->slen, method->ptr, status, (int)call->slen,
               call->ptr);
    return memmem(body->data, body->len, mark, strlen(mark)) ? -1 : 0;
}

static void offer_as_text(struct pjsip_tx_data *tdata, const char *sdp)
{
    const struct ast_sip_body body = {"application", "sdp", sdp};

    if (ast_sip_add_body(tdata, &body)) {
        api_record("sdp no body");
    }
}

static void answer_as_struct(struct pjsip_tx_data *tdata, const char *sdp)
{
    pjmedia_sdp_session *parsed;
    pj_str_t text;

    pj_strdup2_with_null(tdata->pool, &text, sdp);
    if (pjmedia_sdp_parse(tdata->pool, text.ptr, text.slen, &parsed) ||
        pjsip_create_sdp_body(tdata->pool, parsed, &tdata->msg->body)) {
        api_record("sdp no struct");
    }
}

static void outgoing(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    const pj_str_t *call = api_call_id(session), *method = api_method(tdata->msg);
    int request = tdata->msg->type == PJSIP_REQUEST_MSG;
    char sdp[512];

    version++;
    snprintf(sdp, sizeof(sdp),
             "v=0\r\n"
             "o=page 77 %u IN IP4 127.0.0.1\r\n"
             "s=the page\r\n"
             "c=IN IP4 127.0.0.1\r\n"
             "t=0 0\r\n"
             "m=audio 46000 RTP/AVP 0\r\n"
             "a=rtpmap:0 PCMU/8000\r\n"
             "a=x-page:%s\r\n",
             version, request ? "request" : "response");
    api_record("sdp outgoing %.*s %d %.*s", (int)method->slen, method->ptr,
               request ? 0 : tdata->msg->line.status.code, (int)call->slen, call->ptr);
    if (request) {
        offer_as_text(tdata, sdp);
    } else {
        answer_as_struct(tdata, sdp);
    }
}

static const struct ast_sip_session_sdp_handler handler = {
    .handle_incoming_sdp = incoming,
    .add_outgoing_sdp = outgoing,
};

static int init(void)
{
    if (ast_sip_session_register_sdp_handler(&handler)) {
        return -1;
    }
    api_record("sdp twice %d", ast_sip_session_register_sdp_handler(&handler));
    return 0;
}

static void done(void)
{
    ast_sip_session_unregister_sdp_handler(&handler);
}

AST_SIP_MODULE(.name = "api_sdp",
               .description = "Test: an SDP handler with the page's two callbacks", .init = init,
               .close = done);
