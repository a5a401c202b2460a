/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: how a session is ended from here: a final response, CANCEL or BYE, as its state
 * asks for (RFC 3261 9, 13, 15). PJSIP keeps BYE back until the ACK of a 2xx has come, or will not
 * come any more.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

static int final_code(const struct ast_sip_session *session, int response_code)
{
    if (session->priv->state >= AST_SIP_SESSION_STATE_CONNECTING) {
        return PJSIP_SC_OK; /* it was a good call */
    }
    if (session->priv->outgoing) {
        return PJSIP_SC_REQUEST_TERMINATED; /* RFC 3261 15.1.2 */
    }
    return response_code >= 300 && response_code <= 699 ? response_code : PJSIP_SC_DECLINE;
}

void ast_sip_session_terminate(struct ast_sip_session *session, int response_code)
{
    struct ast_sip_session_private *priv = session->priv;
    int code;
    int result;

    base_assert_sip_thread();
    /* Bad answers are found with the ACK, when the end may have been asked for before: a BYE is
     * still owed then. */
    if (priv->state == AST_SIP_SESSION_STATE_ENDED ||
        (priv->ending && priv->state != AST_SIP_SESSION_STATE_CONFIRMED)) {
        return;
    }
    ast_sip_session_ref(session);
    code = final_code(session, response_code);
    priv->ending = 1;
    if (!priv->outgoing && priv->state < AST_SIP_SESSION_STATE_CONNECTING) {
        result = session_answer_invite(session, code);
    } else {
        result = inv_end(session->inv_session, code);
    }
    if (result != 0) {
        inv_drop(session->inv_session, code);
    } else {
        session_set_state(session, AST_SIP_SESSION_STATE_ENDING);
    }
    ast_sip_session_unref(session);
}
