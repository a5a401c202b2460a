/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the URIs of the two sides of a dialog may change while it lives (RFC 4916). A
 * URI that took the first one's place has a pool of its own, so that a peer that changes its name
 * all the time costs nothing. Tags never change.
 */
#include <string.h>

#include <sipsession/address.h>
#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* Addresses that are longer are never the same. */
#define MAX_ADDRESS 1000

/* Puts a URI in the place of the one in force; takes the pool that it is in. */
static void put(struct session_party *party, pjsip_fromto_hdr *info, pjsip_uri *uri,
                pj_pool_t *pool)
{
    if (party->pool == NULL) {
        party->first = info->uri;
    }
    info->uri = uri;
    if (party->pool != NULL) {
        pj_pool_release(party->pool);
    }
    party->pool = pool;
}

static void put_back(struct session_party *party, pjsip_fromto_hdr *info)
{
    if (party->pool != NULL) {
        info->uri = party->first;
        pj_pool_release(party->pool);
        party->pool = NULL;
    }
}

void session_parties_release(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;

    put_back(&priv->local, priv->dlg->local.info);
    put_back(&priv->remote, priv->dlg->remote.info);
}

static pj_pool_t *make_pool(const struct ast_sip_session *session)
{
    return pj_pool_create(session->priv->dlg->pool->factory, "party", 1000, 1000, NULL);
}

/* From of a request that was made already. */
static void set_in_message(pjsip_tx_data *tdata, const pjsip_uri *uri)
{
    pjsip_fromto_hdr *from = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_FROM, NULL);

    if (from != NULL) {
        from->uri = pjsip_uri_clone(tdata->pool, uri);
        pjsip_tx_data_invalidate_msg(tdata);
    }
}

int ast_sip_session_set_from(struct ast_sip_session *session, struct pjsip_tx_data *tdata,
                             const struct ast_party_id *id)
{
    struct ast_sip_session_private *priv = session->priv;
    pjsip_fromto_hdr *info = priv->dlg->local.info;
    char text[AST_SIP_ADDRESS_SIZE];
    pjsip_uri *uri;
    pj_pool_t *pool;
    int length;

    base_assert_sip_thread();
    if (priv->state == AST_SIP_SESSION_STATE_ENDED) {
        return -1;
    }
    if (id == NULL) {
        put_back(&priv->local, info);
        if (tdata != NULL) {
            set_in_message(tdata, info->uri);
        }
        return 0;
    }
    length = session_print_from(session->endpoint, id, &priv->address, text, sizeof(text));
    pool = length > 0 ? make_pool(session) : NULL;
    if (pool == NULL) {
        return -1;
    }
    uri = pjsip_parse_uri(pool, text, (pj_size_t)length, PJSIP_PARSE_URI_AS_NAMEADDR);
    if (uri != NULL) { /* it points into text */
        uri = pjsip_uri_clone(pool, uri);
    }
    if (uri == NULL) {
        ast_error_limited("Session %s cannot be From %s", priv->dlg->obj_name, text);
        pj_pool_release(pool);
        return -1;
    }
    put(&priv->local, info, uri, pool);
    if (tdata != NULL) {
        set_in_message(tdata, uri);
    }
    return 0;
}

/* 1: two URIs, their names too, are written alike. */
static int is_same(const pjsip_uri *left, const pjsip_uri *right)
{
    char a[MAX_ADDRESS], b[MAX_ADDRESS];
    int length = pjsip_uri_print(PJSIP_URI_IN_FROMTO_HDR, left, a, sizeof(a));

    return length > 0 && pjsip_uri_print(PJSIP_URI_IN_FROMTO_HDR, right, b, sizeof(b)) == length &&
           memcmp(a, b, (size_t)length) == 0;
}

int ast_sip_session_take_from(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    struct ast_sip_session_private *priv = session->priv;
    pjsip_fromto_hdr *info = priv->dlg->remote.info;
    const pjsip_uri *uri;
    pj_pool_t *pool;

    base_assert_sip_thread();
    if (priv->state == AST_SIP_SESSION_STATE_ENDED ||
        rdata->msg_info.msg->type != PJSIP_REQUEST_MSG || rdata->msg_info.from == NULL ||
        pjsip_rdata_get_dlg(rdata) != priv->dlg) {
        return -1;
    }
    uri = rdata->msg_info.from->uri;
    if (is_same(info->uri, uri)) {
        return 0;
    }
    pool = make_pool(session);
    if (pool == NULL) {
        return -1;
    }
    put(&priv->remote, info, pjsip_uri_clone(pool, uri), pool);
    return 1;
}
