/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the life and death of a session. Its memory is its own (not the dialog's pool),
 * so that it goes as soon as the session ended and nobody holds it, while PJSIP keeps the dialog
 * for late retransmissions.
 */
#include <stdlib.h>

#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* A session and its private part are one allocation. */
struct whole_session {
    struct ast_sip_session session;
    struct ast_sip_session_private priv;
};

static struct ast_sip_session_private sessions = {.prev = &sessions, .next = &sessions};
static unsigned session_total;

static const char *const state_names[] = {
    [AST_SIP_SESSION_STATE_NEW] = "new",
    [AST_SIP_SESSION_STATE_CALLING] = "calling",
    [AST_SIP_SESSION_STATE_INCOMING] = "incoming",
    [AST_SIP_SESSION_STATE_EARLY] = "early",
    [AST_SIP_SESSION_STATE_CONNECTING] = "connecting",
    [AST_SIP_SESSION_STATE_CONFIRMED] = "confirmed",
    [AST_SIP_SESSION_STATE_ENDING] = "ending",
    [AST_SIP_SESSION_STATE_ENDED] = "ended",
};

static void session_destroy(struct ast_sip_session *session)
{
    pjsip_dialog *dlg = session->priv->dlg;

    dlg->mod_data[session_usage.id] = NULL;
    sip_dialog_set_endpoint(dlg, NULL);
    pj_list_erase(session->priv);
    session_early_destroy(session);
    session_exchange_destroy(session);
    session_sdp_destroy(&session->priv->sdp);
    session_parties_release(session);
    session_target_release(session);
    redirect_destroy(session->priv->redirect);
    ast_sip_endpoint_unref(session->endpoint);
    free((struct whole_session *)session);
    pjsip_dlg_dec_session(dlg, &session_usage); /* the dialog may be gone behind this */
}

struct ast_sip_session *session_create(struct ast_sip_endpoint *endpoint, pjsip_dialog *dlg,
                                       pjsip_inv_session *inv, int outgoing)
{
    struct whole_session *whole = calloc(1, sizeof(*whole));

    if (whole == NULL || pjsip_dlg_add_usage(dlg, &session_usage, &whole->session) != PJ_SUCCESS ||
        pjsip_dlg_add_usage(dlg, &session_after_usage, NULL) != PJ_SUCCESS) {
        ast_error_limited("No memory for a session");
        dlg->mod_data[session_usage.id] = NULL; /* whoever ends the dialog finds no session there */
        free(whole);
        return NULL;
    }
    pjsip_dlg_inc_session(dlg, &session_usage);
    whole->session.endpoint = ast_sip_endpoint_ref(endpoint);
    whole->session.inv_session = inv;
    whole->session.priv = &whole->priv;
    whole->priv.session = &whole->session;
    whole->priv.dlg = dlg;
    whole->priv.refs = 1;
    whole->priv.outgoing = outgoing;
    pj_list_push_back(&sessions, &whole->priv);
    ++session_total;
    sip_overload_session(1);
    session_refresh_start(&whole->session);
    session_deadline_start(&whole->session);
    return &whole->session;
}

struct ast_sip_session *session_of_dialog(pjsip_dialog *dlg)
{
    struct ast_sip_session *session;

    if (dlg == NULL || session_usage.id < 0) { /* PJSIP ends its dialogs after us */
        return NULL;
    }
    session = pjsip_dlg_get_mod_data(dlg, session_usage.id);
    return session != NULL && session->priv->state != AST_SIP_SESSION_STATE_ENDED ? session : NULL;
}

struct ast_sip_session *ast_sip_session_ref(struct ast_sip_session *session)
{
    base_assert_sip_thread();
    ++session->priv->refs;
    return session;
}

void ast_sip_session_unref(struct ast_sip_session *session)
{
    base_assert_sip_thread();
    if (session == NULL) {
        return;
    }
    base_assert(session->priv->refs > 0);
    if (--session->priv->refs == 0) {
        session_destroy(session);
    }
}

void session_set_state(struct ast_sip_session *session, enum ast_sip_session_state state)
{
    struct ast_sip_session_private *priv = session->priv;

    if (priv->state == AST_SIP_SESSION_STATE_ENDED || priv->state == state) {
        return;
    }
    ast_debug("Session %s: %s -> %s", priv->dlg->obj_name, state_names[priv->state],
              state_names[state]);
    priv->state = state;
    session_deadline_renew(session);
    if (state >= AST_SIP_SESSION_STATE_CONNECTING) {
        session_stop_invite_timer(session);
    }
}

void session_begin(struct ast_sip_session *session)
{
    if (!session->priv->begun) {
        session->priv->begun = 1;
        session_hook_begin(session);
    }
}

void session_ended(struct ast_sip_session *session, int status)
{
    struct ast_sip_session_private *priv = session->priv;

    if (priv->state == AST_SIP_SESSION_STATE_ENDED) {
        return;
    }
    session_set_state(session, AST_SIP_SESSION_STATE_ENDED);
    priv->end_status = status;
    --session_total;
    sip_overload_session(-1);
    session_deadline_stop(session);
    session_termination_stop(session);
    session_merged_remove(session);
    session_deferred_end(session);
    session_refresh_end(session);
    session_stop_invite_timer(session);
    if (priv->begun) {
        session_hook_end(session);
    }
    session_cookies_end(session);
    session_peer_forget(session);
    session_sdp_end(session);
    session_forget_answer(session);
    ast_sip_session_unref(session);
}

int ast_sip_session_media_address(const struct ast_sip_session *session, pj_sockaddr *address)
{
    const char *wanted = session->endpoint->media_address;
    pj_sockaddr own;
    pj_str_t text;

    if (wanted != NULL) {
        text = pj_str((char *)wanted);
        if (pj_sockaddr_parse(pj_AF_UNSPEC(), 0, &text, &own) == PJ_SUCCESS) {
            pj_sockaddr_set_port(&own, 0);
            *address = own;
            return 0;
        }
        ast_warning_limited("The media_address %s of endpoint %s is no address", wanted,
                            session->endpoint->name);
    }
    if (session->priv->address.addr.sa_family == 0) {
        return -1;
    }
    *address = session->priv->address;
    return 0;
}

enum ast_sip_session_state ast_sip_session_get_state(const struct ast_sip_session *session)
{
    return session->priv->state;
}

const char *ast_sip_session_state_name(enum ast_sip_session_state state)
{
    return (unsigned)state < PJ_ARRAY_SIZE(state_names) ? state_names[state] : "?";
}

int ast_sip_session_offers_in_response(const struct ast_sip_session *session)
{
    base_assert_sip_thread();
    return session->priv->sdp.making_response;
}

int ast_sip_session_is_outgoing(const struct ast_sip_session *session)
{
    return session->priv->outgoing;
}

int ast_sip_session_get_end_status(const struct ast_sip_session *session)
{
    return session->priv->end_status;
}

unsigned ast_sip_session_count(void)
{
    return session_total;
}

/* Calls see for each session that has not ended; see may end it. */
static void for_each(void (*see)(struct ast_sip_session *session, const void *data),
                     const void *data)
{
    struct ast_sip_session_private *next;

    for (struct ast_sip_session_private *priv = sessions.next; priv != &sessions; priv = next) {
        ast_sip_session_ref(priv->session);
        if (priv->state != AST_SIP_SESSION_STATE_ENDED) {
            see(priv->session, data);
        }
        next = priv->next;
        ast_sip_session_unref(priv->session);
    }
}

static void terminate_one(struct ast_sip_session *session, const void *data)
{
    (void)data;
    session_termination_stop(session);
    ast_sip_session_terminate(session, PJSIP_SC_SERVICE_UNAVAILABLE);
}

void session_terminate_all(void)
{
    for_each(terminate_one, NULL);
}

static void drop_one(struct ast_sip_session *session, const void *data)
{
    (void)data;
    inv_drop(session->inv_session, PJSIP_SC_SERVICE_UNAVAILABLE);
}

void session_drop_all(void)
{
    for_each(drop_one, NULL);
}

static void forget_handler(struct ast_sip_session *session, const void *data)
{
    struct session_sdp *sdp = &session->priv->sdp;

    if (sdp->whole == data) {
        sdp->whole = NULL;
    }
    for (unsigned i = 0; i < sdp->stream_count; ++i) {
        struct ast_sip_session_stream *stream = sdp->streams[i];

        if (stream->handler == data) {
            if (stream->handler->stream_end != NULL) {
                stream->handler->stream_end(session, stream);
            }
            stream->handler = NULL;
        }
    }
}

void session_sdp_forget_handler(const struct ast_sip_session_sdp_handler *handler)
{
    for_each(forget_handler, handler);
}
