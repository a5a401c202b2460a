/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: a request of ours was refused, and goes out again: with credentials (RFC 3261
 * 22), to where a redirection says (8.1.3.4), over another flow (next_flow.c), or as an extension
 * has changed it (8.1.3.5). The offer of the INVITE stays what it is meanwhile.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* How often extensions may have one INVITE sent again. */
#define MAX_RETRIES 5

static int is_challenge(const pjsip_transaction *tsx)
{
    return tsx->status_code == PJSIP_SC_UNAUTHORIZED ||
           tsx->status_code == PJSIP_SC_PROXY_AUTHENTICATION_REQUIRED;
}

/* Where the INVITE goes next, and our Contact for that. 0; -1: nowhere. */
static int next_target(struct ast_sip_session *session, pj_pool_t *pool, const pjsip_uri **uri,
                       pj_str_t *contact)
{
    struct ast_sip_session_private *priv = session->priv;
    struct ast_sip_endpoint copy;
    const pjsip_uri *target;

    while (priv->redirect != NULL && priv->redirections > 0 &&
           (target = redirect_next(priv->redirect)) != NULL) {
        if (sip_make_contact(pool, NULL,
                             session_endpoint_for_contact(session->endpoint, &session->priv->caller,
                                                          &copy),
                             target, contact) == 0) {
            *uri = target;
            return 0;
        }
    }
    return -1;
}

/* A 3xx, or a target that failed: the next one, if there is any. 1: on its way. */
static int follow(struct ast_sip_session *session, pjsip_transaction *tsx)
{
    struct ast_sip_session_private *priv = session->priv;
    pj_pool_t *pool = pjsip_endpt_create_pool(priv->dlg->endpt, "target", 1000, 1000);
    pjsip_route_hdr routes; /* a Path leads to one contact only (RFC 3327 5.4) */
    const pjsip_uri *uri;
    pj_str_t contact;
    int sent = 0;

    while (pool != NULL && !sent && inv_is_first_invite(session->inv_session, tsx) &&
           session_routes_to(session->endpoint, NULL, pool, &routes) == 0 &&
           next_target(session, pool, &uri, &contact) == 0) {
        --priv->redirections;
        session_exchange_restart(session);
        session_leave_flow(session); /* it leads to where we were sent away from */
        sent =
            inv_send_again(session->inv_session, tsx,
                           &(struct inv_way){.uri = uri, .contact = &contact, .routes = &routes}) ==
            0;
    }
    if (pool != NULL) {
        pj_pool_release(pool);
    }
    return sent;
}

/* Remembers what a 3xx names. */
static void take_contacts(struct ast_sip_session *session, const pjsip_transaction *tsx,
                          const pjsip_rx_data *rdata)
{
    struct ast_sip_session_private *priv = session->priv;

    if (priv->redirections == 0) {
        return;
    }
    if (priv->redirect == NULL) {
        priv->redirect = redirect_create(priv->dlg->pool->factory, tsx->last_tx->msg->line.req.uri);
    }
    if (priv->redirect != NULL) {
        redirect_add(priv->redirect, rdata->msg_info.msg);
    }
}

/* An extension changed the INVITE, and it goes out again. 1: on its way. */
static int ask_extensions(struct ast_sip_session *session, pjsip_transaction *tsx,
                          pjsip_rx_data *rdata)
{
    struct ast_sip_session_private *priv = session->priv;

    if (priv->retries >= MAX_RETRIES || !session_hook_retry(session, rdata, tsx->last_tx)) {
        return 0;
    }
    ++priv->retries;
    session_exchange_restart(session);
    return !priv->ending && inv_is_first_invite(session->inv_session, tsx) &&
           inv_send_again(session->inv_session, tsx, NULL) == 0;
}

/* RFC 3261 21.3: the Contacts of 305 and 380 are no targets of an INVITE. */
static int is_redirection(const pjsip_transaction *tsx)
{
    return tsx->status_code == PJSIP_SC_MULTIPLE_CHOICES ||
           tsx->status_code == PJSIP_SC_MOVED_PERMANENTLY ||
           tsx->status_code == PJSIP_SC_MOVED_TEMPORARILY;
}

/* RFC 3263 4.3: a server that is silent, or says 503, is not the only one of its name. */
static int try_next_server(struct ast_sip_session *session, pjsip_transaction *tsx)
{
    if ((tsx->status_code != PJSIP_SC_REQUEST_TIMEOUT &&
         tsx->status_code != PJSIP_SC_SERVICE_UNAVAILABLE) ||
        !inv_has_next_server(session->inv_session)) {
        return 0;
    }
    session_exchange_restart(session);
    return inv_send_to_next_server(session->inv_session, tsx) == 0;
}

static int try_invite_again(struct ast_sip_session *session, pjsip_transaction *tsx,
                            pjsip_rx_data *rdata)
{
    if (rdata != NULL && is_redirection(tsx)) {
        take_contacts(session, tsx, rdata);
    } else if (rdata != NULL && tsx->status_code / 100 != 3 && !is_challenge(tsx) &&
               ask_extensions(session, tsx, rdata)) {
        return 1;
    }
    if (session->priv->ending) {
        return 0;
    }
    return try_next_server(session, tsx) || session_try_next_flow(session, tsx, rdata) ||
           (tsx->status_code / 100 != 6 && follow(session, tsx));
}

int session_try_again(struct ast_sip_session *session, pjsip_transaction *tsx,
                      const pjsip_event *event)
{
    pjsip_rx_data *rdata =
        event->body.tsx_state.type == PJSIP_EVENT_RX_MSG ? event->body.tsx_state.src.rdata : NULL;
    int first = inv_is_first_invite(session->inv_session, tsx);
    int result = 0;

    if (tsx->last_tx == NULL) {
        return 0;
    }
    ast_sip_session_ref(session);
    if (first) {
        session_early_over(session);
    }
    if (first && session->priv->ending) { /* maybe since an extension heard of that */
        result = 0;
    } else if (rdata != NULL && is_challenge(tsx) &&
               sip_auth_prepare(&session->priv->dlg->auth_sess, tsx->last_tx, rdata)) {
        result = 1;
        if (first) {
            session_exchange_restart(session);
        }
    } else if (first) {
        result = try_invite_again(session, tsx, rdata);
    }
    ast_sip_session_unref(session);
    return result;
}
