/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the glue to PJSIP's SDP negotiator (RFC 3264), which the invite session owns.
 * All that goes into it comes from here; PJSIP's invite session itself is never shown an SDP.
 */
#include <pjmedia/errno.h>
#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* The pools of the exchange go with the inv session's end, while our session may still hold it. */
static int is_over(const pjsip_inv_session *inv)
{
    return inv->state == PJSIP_INV_STATE_DISCONNECTED;
}

static pjmedia_sdp_neg_state neg_state(const pjsip_inv_session *inv)
{
    return inv->neg != NULL && !is_over(inv) ? pjmedia_sdp_neg_get_state(inv->neg)
                                             : PJMEDIA_SDP_NEG_STATE_NULL;
}

const pjmedia_sdp_session *inv_pending_offer(const pjsip_inv_session *inv)
{
    const pjmedia_sdp_session *offer = NULL;

    if (neg_state(inv) == PJMEDIA_SDP_NEG_STATE_REMOTE_OFFER) {
        pjmedia_sdp_neg_get_neg_remote(inv->neg, &offer);
    }
    return offer;
}

int inv_has_local_offer(const pjsip_inv_session *inv)
{
    return neg_state(inv) == PJMEDIA_SDP_NEG_STATE_LOCAL_OFFER;
}

int inv_offer_is_possible(const pjsip_inv_session *inv)
{
    return !is_over(inv) && (inv->neg == NULL || neg_state(inv) == PJMEDIA_SDP_NEG_STATE_DONE);
}

/* A negotiator whose only exchange was cancelled has nothing that an offer could change: PJSIP
 * asserts there. */
static int is_fresh(const pjsip_inv_session *inv)
{
    const struct ast_sip_session *session = session_of_dialog(inv->dlg);

    return inv->neg == NULL || (neg_state(inv) == PJMEDIA_SDP_NEG_STATE_DONE && session != NULL &&
                                !session->priv->sdp.agreed);
}

int inv_set_offer(pjsip_inv_session *inv, const pjmedia_sdp_session *sdp)
{
    pj_status_t status = PJMEDIA_SDPNEG_EINSTATE;

    if (is_fresh(inv) && !is_over(inv)) {
        status = pjmedia_sdp_neg_create_w_local_offer(inv->pool, sdp, &inv->neg);
    } else if (neg_state(inv) == PJMEDIA_SDP_NEG_STATE_DONE) {
        status =
            pjmedia_sdp_neg_modify_local_offer2(inv->pool_prov, inv->neg, inv->sdp_neg_flags, sdp);
    }
    if (status != PJ_SUCCESS) {
        inv_log_failure("make an offer", status);
        return -1;
    }
    return 0;
}

int inv_take_offer(pjsip_inv_session *inv, const pjmedia_sdp_session *sdp)
{
    pj_status_t status = PJMEDIA_SDPNEG_EINSTATE;

    if (inv->neg == NULL && !is_over(inv)) {
        status = pjmedia_sdp_neg_create_w_remote_offer(inv->pool, NULL, sdp, &inv->neg);
    } else if (neg_state(inv) == PJMEDIA_SDP_NEG_STATE_DONE) {
        status = pjmedia_sdp_neg_set_remote_offer(inv->pool_prov, inv->neg, sdp);
    }
    if (status != PJ_SUCCESS) {
        inv_log_failure("take an offer", status);
        return -1;
    }
    return 0;
}

/* Both sides are there. What was agreed moves into the pool that stays. */
static int negotiate(struct ast_sip_session *session)
{
    pjsip_inv_session *inv = session->inv_session;
    const pjmedia_sdp_session *local;
    const pjmedia_sdp_session *remote;
    pj_pool_t *agreed = inv->pool_prov;
    pj_status_t status;

    pjsip_inv_add_ref(inv); /* a handler may end the session, and with it the pools */
    status = pjmedia_sdp_neg_negotiate(inv->pool_prov, inv->neg, 0);

    if (status != PJ_SUCCESS) {
        inv_log_failure("agree on media", status);
        session_sdp_rollback(session);
    } else if (pjmedia_sdp_neg_get_active_local(inv->neg, &local) == PJ_SUCCESS &&
               pjmedia_sdp_neg_get_active_remote(inv->neg, &remote) == PJ_SUCCESS) {
        inv->pool_prov = inv->pool_active;
        inv->pool_active = agreed;
        session_sdp_agreed(session, local, remote);
    }
    pj_pool_reset(inv->pool_prov);
    pjsip_inv_dec_ref(inv);
    return status == PJ_SUCCESS ? 0 : -1;
}

int inv_set_answer(struct ast_sip_session *session, const pjmedia_sdp_session *sdp)
{
    pjsip_inv_session *inv = session->inv_session;
    pj_status_t status = PJMEDIA_SDPNEG_EINSTATE;

    if (neg_state(inv) == PJMEDIA_SDP_NEG_STATE_REMOTE_OFFER) {
        status = pjmedia_sdp_neg_set_local_answer(inv->pool_prov, inv->neg, sdp);
    }
    if (status != PJ_SUCCESS) {
        inv_log_failure("answer an offer", status);
        return -1;
    }
    return negotiate(session);
}

int inv_take_answer(struct ast_sip_session *session, const pjmedia_sdp_session *sdp)
{
    pjsip_inv_session *inv = session->inv_session;
    pj_status_t status = PJMEDIA_SDPNEG_EINSTATE;

    if (neg_state(inv) == PJMEDIA_SDP_NEG_STATE_LOCAL_OFFER) {
        status = pjmedia_sdp_neg_set_remote_answer(inv->pool_prov, inv->neg, sdp);
    }
    if (status != PJ_SUCCESS) {
        inv_log_failure("take an answer", status);
        return -1;
    }
    return negotiate(session);
}

void inv_cancel_offer(pjsip_inv_session *inv)
{
    pjmedia_sdp_neg_state state = neg_state(inv);

    if (state == PJMEDIA_SDP_NEG_STATE_LOCAL_OFFER || state == PJMEDIA_SDP_NEG_STATE_REMOTE_OFFER) {
        pjmedia_sdp_neg_cancel_offer(inv->neg);
        pj_pool_reset(inv->pool_prov);
    }
}
