/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the same INVITE that comes by another way, through a proxy that forks (RFC
 * 3261 8.2.2.2). The sessions of peers' INVITEs are found by their Call-ID.
 */
#include <pj/hash.h>

#include "res_sip_session/session.h"

#define BUCKETS 16383

static pj_hash_table_t *by_call_id;
static pj_pool_t *pool;

int session_merged_start(void)
{
    pool = pjsip_endpt_create_pool(ast_sip_get_pjsip_endpoint(), "call-ids", 4096, 4096);
    by_call_id = pool != NULL ? pj_hash_create(pool, BUCKETS) : NULL;
    return by_call_id != NULL ? 0 : -1;
}

void session_merged_stop(void)
{
    by_call_id = NULL;
    if (pool != NULL) {
        pj_pool_release(pool);
        pool = NULL;
    }
}

static struct ast_sip_session_private *find(const pj_str_t *call_id)
{
    return pj_hash_get(by_call_id, call_id->ptr, (unsigned)call_id->slen, NULL);
}

void session_merged_add(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;
    const pj_str_t *call_id = &priv->dlg->call_id->id;

    if (find(call_id) == NULL) { /* another call of the same Call-ID stays the one that is found */
        pj_hash_set_np(by_call_id, call_id->ptr, (unsigned)call_id->slen, 0, priv->call_id_entry,
                       priv);
        priv->is_by_call_id = 1;
    }
}

void session_merged_remove(struct ast_sip_session *session)
{
    struct ast_sip_session_private *priv = session->priv;

    if (priv->is_by_call_id && by_call_id != NULL) {
        pj_hash_set_np(by_call_id, priv->dlg->call_id->id.ptr,
                       (unsigned)priv->dlg->call_id->id.slen, 0, priv->call_id_entry, NULL);
        priv->is_by_call_id = 0;
    }
}

int session_is_merged(const pjsip_rx_data *rdata)
{
    const struct ast_sip_session_private *other = find(&rdata->msg_info.cid->id);

    return other != NULL && other->dlg->remote.first_cseq == rdata->msg_info.cseq->cseq &&
           pj_stricmp(&other->dlg->remote.info->tag, &rdata->msg_info.from->tag) == 0;
}
