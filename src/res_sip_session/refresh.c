/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: a session's media changes while it is up, by the peer's re-INVITE or by ours
 * (RFC 3261 14).
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

void session_on_reinvite(struct ast_sip_session *session, const pjmedia_sdp_session *offer,
                         pjsip_rx_data *rdata)
{
    struct ast_sip_session_private *priv = session->priv;

    ast_sip_session_ref(session);
    session_forget_answer(session);
    priv->response_code = 0;
    priv->sdp_made = 0;
    priv->invite = rdata;
    if (offer != NULL && session_sdp_incoming(session, rdata, offer, 1) != 0) {
        session_refuse_media(session);
    } else {
        session_answer_invite(session, PJSIP_SC_OK);
    }
    priv->invite = NULL;
    if (inv_can_answer(session->inv_session)) { /* we could not make any answer */
        ast_sip_session_terminate(session, PJSIP_SC_INTERNAL_SERVER_ERROR);
    }
    ast_sip_session_unref(session);
}

int ast_sip_session_send_reinvite(struct ast_sip_session *session)
{
    base_assert_sip_thread();
    if (session->priv->ending || session->priv->state == AST_SIP_SESSION_STATE_ENDED ||
        !inv_can_reinvite(session->inv_session)) {
        ast_warning("Session %s cannot send a re-INVITE now", session->priv->dlg->obj_name);
        return -1;
    }
    return session_send_offer(session);
}
