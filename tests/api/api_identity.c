/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks for the identity in each incoming INVITE and puts what it got into the responses: X-Identity:
 * RESULT|NAME|NUMBER|PRESENTATION.
 */
#include "api_record.h"

/* The tests that use it make one call at a time. */
static char found[3 * AST_PARTY_TEXT_SIZE];

static int incoming(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    struct ast_party_id id;
    int result;

    PJ_UNUSED_ARG(session);
    memset(&id, 'x', sizeof(id));
    result = ast_sip_session_get_identity(rdata, &id);
    if (result) {
        snprintf(found, sizeof(found), "%d|||", result);
    } else {
        snprintf(found, sizeof(found), "%d|%s|%s|%d", result, id.name, id.number, id.presentation);
    }
    return 0;
}

static void outgoing(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    PJ_UNUSED_ARG(session);
    ast_sip_add_header(tdata, "X-Identity", found);
}

static struct ast_sip_session_extension extension = {.method = "INVITE",
                                                     .incoming_request = incoming,
                                                     .outgoing_response = outgoing};

static int init(void)
{
    return ast_sip_session_register_extension(&extension);
}

static void done(void)
{
    ast_sip_session_unregister_extension(&extension);
}

AST_SIP_MODULE(.name = "api_identity", .description = "Test: the identity of each caller",
               .init = init, .close = done);
