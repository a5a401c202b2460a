/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: which message carries an offer and which one its answer (RFC 3264, RFC 6337
 * table 1), for responses and ACK. What an SDP says is offer_answer.c's business. PJSIP's invite
 * session is shown no SDP at all: the body is taken off a message when it was looked at here.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* ---- bodies ---- */

/* RFC 3261 20.11: the disposition of a body, and whether it must be understood. */
static void read_disposition(const pjsip_msg *msg, int *is_session, int *is_required)
{
    const pj_str_t name = {(char *)"Content-Disposition", 19};
    const pj_str_t optional = {(char *)"optional", 8};
    const pjsip_generic_string_hdr *hdr = pjsip_msg_find_hdr_by_name(msg, &name, NULL);
    const char *semicolon;
    pj_str_t type;

    *is_session = 1;
    *is_required = 1;
    if (hdr == NULL) {
        return;
    }
    type = hdr->hvalue;
    semicolon = pj_strchr(&type, ';');
    if (semicolon != NULL) {
        type.slen = semicolon - type.ptr;
    }
    pj_strtrim(&type);
    *is_session = pj_stricmp2(&type, "session") == 0;
    *is_required = semicolon == NULL || pj_stristr(&hdr->hvalue, &optional) == NULL;
}

const pjmedia_sdp_session *session_sdp_of(pjsip_rx_data *rdata)
{
    int is_session;
    int is_required;

    if (rdata->msg_info.msg->body == NULL) {
        return NULL;
    }
    read_disposition(rdata->msg_info.msg, &is_session, &is_required);
    return is_session ? pjsip_rdata_get_sdp_info(rdata)->sdp : NULL;
}

int session_has_foreign_body(pjsip_rx_data *rdata)
{
    int is_session;
    int is_required;

    if (rdata->msg_info.msg->body == NULL) {
        return 0;
    }
    read_disposition(rdata->msg_info.msg, &is_session, &is_required);
    return is_required && (!is_session || pjsip_rdata_get_sdp_info(rdata)->body.ptr == NULL);
}

int session_has_idle_body(pjsip_rx_data *rdata)
{
    int is_session;
    int is_required;

    if (rdata->msg_info.msg->body == NULL) {
        return 0;
    }
    read_disposition(rdata->msg_info.msg, &is_session, &is_required);
    return !is_required && (!is_session || pjsip_rdata_get_sdp_info(rdata)->body.ptr == NULL);
}

static void hide_body(pjsip_rx_data *rdata)
{
    rdata->msg_info.msg->body = NULL;
}

/* ---- the two ways of an exchange ---- */

int session_take_answer(struct ast_sip_session *session, pjsip_rx_data *rdata,
                        const pjmedia_sdp_session *answer)
{
    struct session_sdp *sdp = &session->priv->sdp;

    sdp->offer_in = SESSION_OFFER_NONE;
    if (session_sdp_incoming(session, rdata, answer, 0) != 0 ||
        inv_take_answer(session, answer) != 0) {
        inv_cancel_offer(session->inv_session);
        session_sdp_rollback(session);
        sdp->bad_answer = 1;
        return -1;
    }
    return 0;
}

int session_answer_offer(struct ast_sip_session *session, pjsip_rx_data *rdata,
                         const pjmedia_sdp_session *offer, pjsip_tx_data *tdata)
{
    pjsip_inv_session *inv = session->inv_session;
    pjsip_tx_data *scratch = NULL;
    pjmedia_sdp_session *answer;
    int result = -1;

    if (inv_take_offer(inv, offer) != 0) {
        return -1;
    }
    /* A handler of whole SDPs writes into a message, which an ACK or PRACK of PJSIP's is not yet.
     */
    if (tdata == NULL &&
        pjsip_dlg_create_request(session->priv->dlg, pjsip_get_ack_method(),
                                 rdata->msg_info.cseq->cseq, &scratch) == PJ_SUCCESS) {
        tdata = scratch;
    }
    if (tdata != NULL && session_sdp_incoming(session, rdata, offer, 1) == 0 &&
        session_sdp_outgoing(session, tdata, offer, &answer) == 0) {
        result = inv_set_answer(session, answer);
    }
    if (result != 0) {
        inv_cancel_offer(inv);
        session_sdp_rollback(session);
    }
    if (scratch != NULL) {
        pjsip_tx_data_dec_ref(scratch);
    }
    return result;
}

void session_offer_failed(struct ast_sip_session *session)
{
    struct session_sdp *sdp = &session->priv->sdp;

    if (sdp->offer_in != SESSION_OFFER_NONE) {
        sdp->offer_in = SESSION_OFFER_NONE;
        inv_cancel_offer(session->inv_session);
        session_sdp_rollback(session);
    }
}

/* ---- answers to the offer in our INVITE, by each branch of it ---- */

static void free_answers(struct session_sdp *sdp)
{
    while (sdp->answers != NULL) {
        struct session_answer *next = sdp->answers->next;

        free(sdp->answers->tag);
        free(sdp->answers->text);
        free(sdp->answers);
        sdp->answers = next;
    }
}

void session_exchange_start(struct ast_sip_session *session, int with_offer)
{
    struct session_sdp *sdp = &session->priv->sdp;

    free_answers(sdp);
    sdp->invite_offered = with_offer;
    sdp->refused_all = 0;
    sdp->answer_due = 0;
    sdp->offer_in = with_offer ? SESSION_OFFER_INVITE : SESSION_OFFER_NONE;
}

void session_exchange_destroy(struct ast_sip_session *session)
{
    free_answers(&session->priv->sdp);
}

static char *copy_of(const pj_str_t *text)
{
    char *copy = malloc((size_t)text->slen + 1);

    if (copy != NULL) {
        if (text->slen > 0) { /* a To without a tag has no pointer either */
            memcpy(copy, text->ptr, (size_t)text->slen);
        }
        copy[text->slen] = '\0';
    }
    return copy;
}

/* The one of a branch becomes the first: it is in force. NULL: the branch has not answered. */
static struct session_answer *find_answer(struct session_sdp *sdp, const pj_str_t *tag)
{
    struct session_answer **at = &sdp->answers;

    while (*at != NULL && pj_stricmp2(tag, (*at)->tag) != 0) {
        at = &(*at)->next;
    }
    return *at;
}

static void put_first(struct session_sdp *sdp, struct session_answer *answer)
{
    struct session_answer **at = &sdp->answers;

    while (*at != NULL && *at != answer) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = answer->next;
    }
    answer->next = sdp->answers;
    sdp->answers = answer;
}

/* Without memory the branch counts as one that has not answered: it may answer again. */
static void remember_answer(struct session_sdp *sdp, pjsip_rx_data *rdata, int reliable)
{
    const pj_str_t *tag = &rdata->msg_info.to->tag;
    const pj_str_t *body = &pjsip_rdata_get_sdp_info(rdata)->body;
    struct session_answer *answer = find_answer(sdp, tag);
    char *text = copy_of(body);

    if (answer == NULL) {
        answer = calloc(1, sizeof(*answer));
        if (answer != NULL && (answer->tag = copy_of(tag)) == NULL) {
            free(answer);
            answer = NULL;
        }
    }
    if (answer == NULL) {
        free(text);
        return;
    }
    free(answer->text);
    answer->text = text;
    answer->reliable = reliable;
    put_first(sdp, answer);
}

static int is_same_text(const struct session_answer *answer, const pj_str_t *text)
{
    return answer->text != NULL && pj_strcmp2(text, answer->text) == 0;
}

/*
 * Our offer stands once more, for another branch, or for a branch that changes its mind before its
 * answer is final (RFC 6337 3.1.1).
 */
static int offer_again(struct ast_sip_session *session, pj_pool_t *pool)
{
    struct session_sdp *sdp = &session->priv->sdp;
    const pj_str_t text = {sdp->local, (pj_ssize_t)sdp->local_length};
    pjmedia_sdp_session *offer;
    pj_str_t copy;

    if (sdp->local == NULL || !inv_offer_is_possible(session->inv_session)) {
        return -1;
    }
    pj_strdup_with_null(pool, &copy, &text);
    if (pjmedia_sdp_parse(pool, copy.ptr, (pj_size_t)copy.slen, &offer) != PJ_SUCCESS) {
        return -1;
    }
    return inv_set_offer(session->inv_session, offer);
}

void session_exchange_restart(struct ast_sip_session *session)
{
    struct session_sdp *sdp = &session->priv->sdp;
    pj_pool_t *pool;

    free_answers(sdp);
    if (!sdp->invite_offered || sdp->offer_in != SESSION_OFFER_NONE) {
        return;
    }
    pool = pjsip_endpt_create_pool(ast_sip_get_pjsip_endpoint(), "offer", 2000, 2000);
    if (pool != NULL && offer_again(session, pool) == 0) {
        sdp->offer_in = SESSION_OFFER_INVITE;
    }
    if (pool != NULL) {
        pj_pool_release(pool);
    }
}

/* The branch that won answered before another one did: its answer is in force again. */
static void go_back_to(struct ast_sip_session *session, pjsip_rx_data *rdata,
                       struct session_answer *answer)
{
    pj_pool_t *pool = rdata->tp_info.pool;
    pjmedia_sdp_session *remote;
    pj_str_t text;

    if (answer->text == NULL) {
        return;
    }
    pj_strdup2_with_null(pool, &text, answer->text);
    if (session->priv->sdp.whole == NULL &&
        pjmedia_sdp_parse(pool, text.ptr, (pj_size_t)text.slen, &remote) == PJ_SUCCESS &&
        offer_again(session, pool) == 0 && session_take_answer(session, rdata, remote) == 0) {
        put_first(&session->priv->sdp, answer);
    }
}

static void take_another_answer(struct ast_sip_session *session, pjsip_rx_data *rdata,
                                const pjmedia_sdp_session *remote, int reliable)
{
    struct session_sdp *sdp = &session->priv->sdp;
    struct session_answer *known = find_answer(sdp, &rdata->msg_info.to->tag);
    int is_final = rdata->msg_info.msg->line.status.code >= 200;

    if (known != NULL && known != sdp->answers && is_final &&
        (remote == NULL || known->reliable ||
         is_same_text(known, &pjsip_rdata_get_sdp_info(rdata)->body))) {
        go_back_to(session, rdata, known);
        return;
    }
    if (remote == NULL || (known != NULL && known->reliable)) {
        return; /* what comes behind an answer is no answer (RFC 6337 3.1.1) */
    }
    if (known != NULL && is_same_text(known, &pjsip_rdata_get_sdp_info(rdata)->body)) {
        known->reliable = reliable;
        return;
    }
    if (offer_again(session, rdata->tp_info.pool) == 0 &&
        session_take_answer(session, rdata, remote) == 0) {
        remember_answer(sdp, rdata, reliable);
    }
}

/* ---- responses to our INVITE ---- */

static void take_first_answer(struct ast_sip_session *session, pjsip_rx_data *rdata,
                              const pjmedia_sdp_session *remote, int reliable)
{
    int is_final = rdata->msg_info.msg->line.status.code >= 200;

    if (remote != NULL) {
        if (session_take_answer(session, rdata, remote) == 0) {
            remember_answer(&session->priv->sdp, rdata, reliable);
        } else if (!is_final) {
            ast_sip_session_terminate(session, PJSIP_SC_NOT_ACCEPTABLE_HERE);
        }
    } else if (is_final) {
        session_offer_failed(session);
    }
}

/* RFC 3261 13.2.2.4: what cannot be accepted is answered all the same, and the session ends. */
static void take_offer(struct ast_sip_session *session, pjsip_rx_data *rdata,
                       const pjmedia_sdp_session *remote)
{
    struct session_sdp *sdp = &session->priv->sdp;

    if (session_answer_offer(session, rdata, remote, NULL) == 0 ||
        session_sdp_refuse_all(session, remote) == 0) {
        sdp->answer_due = 1;
    }
    if (!sdp->agreed || sdp->refused_all) {
        sdp->bad_answer = 1;
    }
    if (rdata->msg_info.msg->line.status.code < 200 && sdp->bad_answer) {
        ast_sip_session_terminate(session, PJSIP_SC_NOT_ACCEPTABLE_HERE);
    }
}

/* The branch that won offered before another one did: its offer, and our answer, are in force
 * again.
 */
static void go_back_to_offer(struct ast_sip_session *session, pjsip_rx_data *rdata,
                             struct session_answer *offer)
{
    pj_pool_t *pool = rdata->tp_info.pool;
    pjmedia_sdp_session *remote;
    pj_str_t text;

    if (offer->text == NULL || session->priv->sdp.whole != NULL) {
        return;
    }
    pj_strdup2_with_null(pool, &text, offer->text);
    if (pjmedia_sdp_parse(pool, text.ptr, (pj_size_t)text.slen, &remote) == PJ_SUCCESS &&
        session_answer_offer(session, rdata, remote, NULL) == 0) {
        put_first(&session->priv->sdp, offer);
    }
}

/* Our INVITE had no offer: each branch makes one, once (RFC 3261 13.2.1, RFC 6337 2.2). */
static void take_offer_of_branch(struct ast_sip_session *session, pjsip_rx_data *rdata,
                                 const pjmedia_sdp_session *remote, int reliable)
{
    struct session_sdp *sdp = &session->priv->sdp;
    struct session_answer *known = find_answer(sdp, &rdata->msg_info.to->tag);

    if (!inv_offer_is_possible(session->inv_session)) {
        return;
    }
    if (known == NULL && remote != NULL && reliable) {
        remember_answer(sdp, rdata, 1);
        take_offer(session, rdata, remote);
    } else if (known != NULL && known != sdp->answers &&
               rdata->msg_info.msg->line.status.code >= 200) {
        go_back_to_offer(session, rdata, known);
    }
}

static void on_invite_response(struct ast_sip_session *session, pjsip_rx_data *rdata,
                               const pjmedia_sdp_session *remote)
{
    struct session_sdp *sdp = &session->priv->sdp;
    int code = rdata->msg_info.msg->line.status.code;
    int reliable = code >= 200 || pjsip_100rel_is_reliable(rdata);

    if (sdp->offer_in == SESSION_OFFER_INVITE) {
        take_first_answer(session, rdata, remote, reliable);
    } else if (sdp->invite_offered) {
        take_another_answer(session, rdata, remote, reliable);
    } else {
        take_offer_of_branch(session, rdata, remote, reliable);
    }
}

void session_exchange_on_response(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    const pjsip_method *method = &rdata->msg_info.cseq->method;
    struct session_sdp *sdp = &session->priv->sdp;
    int code = rdata->msg_info.msg->line.status.code;
    const pjmedia_sdp_session *remote;

    if (method->id != PJSIP_INVITE_METHOD && !session_is_update(method) &&
        !session_is_prack(method)) {
        return;
    }
    remote = session_sdp_of(rdata);
    if (method->id == PJSIP_INVITE_METHOD) {
        if (code > 100 && code < 300) {
            on_invite_response(session, rdata, remote);
        }
    } else if (code / 100 == 2 && pjsip_rdata_get_tsx(rdata) == session->priv->refresh_tsx &&
               (sdp->offer_in == SESSION_OFFER_UPDATE || sdp->offer_in == SESSION_OFFER_PRACK)) {
        if (remote != NULL) {
            session_take_answer(session, rdata, remote);
        } else {
            session_offer_failed(session);
        }
    }
    hide_body(rdata);
}

/* ---- ACK ---- */

void session_exchange_on_ack(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    const pjmedia_sdp_session *remote = session_sdp_of(rdata);

    if (session->priv->sdp.offer_in == SESSION_OFFER_RESPONSE) {
        if (remote != NULL) {
            session_take_answer(session, rdata, remote);
        } else {
            session_offer_failed(session); /* RFC 3264 4 */
        }
    }
    hide_body(rdata);
}
