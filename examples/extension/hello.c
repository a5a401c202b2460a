/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A first extension. It adds a header to the INVITEs that we send, stores one of the INVITEs that we get in a variable
 * of the channel (${HELLO_COLOUR} in the dialplan), and declines calls that carry another one. README.md says how to
 * build and load it.
 */
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

/* An INVITE came: a new call, or a re-INVITE of one that is up. */
static int on_invite(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    char value[100];

    if (ast_sip_get_header(rdata->msg_info.msg, "X-No-Thanks", value, sizeof(value)) == 0) {
        ast_sip_session_send_response(session, PJSIP_SC_DECLINE, rdata);
        return AST_SIP_SESSION_STOP; /* answered: nobody else sees this INVITE */
    }
    if (session->channel != NULL &&
        ast_sip_get_header(rdata->msg_info.msg, "X-Colour", value, sizeof(value)) == 0) {
        ast_channel_set_variable(session->channel, "HELLO_COLOUR", value);
    }
    return AST_SIP_SESSION_CONTINUE;
}

/* An INVITE of ours is about to leave: what is added here is in it once, however often it is sent. */
static void on_our_invite(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    (void)session;
    ast_sip_add_header(tdata, "X-Hello", "from an extension");
}

static struct ast_sip_session_extension extension = {
    .method = "INVITE",
    .incoming_request = on_invite,
    .outgoing_request = on_our_invite,
};

static int hello_init(void)
{
    return ast_sip_session_register_extension(&extension);
}

static void hello_close(void)
{
    ast_sip_session_unregister_extension(&extension);
}

AST_SIP_MODULE(.name = "hello", .description = "a first extension", .init = hello_init,
               .close = hello_close);
