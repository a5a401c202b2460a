/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the early dialogs of an INVITE of ours (RFC 3261 12.1, 13.2.2): which branches
 * there are, and what became of each. PJSIP keeps one dialog and follows the branch that spoke
 * last; here they are only told apart and told of.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* Further branches are not listened to until they answer. */
#define MAX_EARLY 16

#define SC_EARLY_DIALOG_TERMINATED 199 /* RFC 6228 */

/* The last reliable response of a branch (RFC 3262). */
struct reliable {
    pj_int32_t cseq; /* of the INVITE; 0: there was none */
    pj_uint32_t rseq;
};

struct session_early {
    unsigned count;
    struct ast_sip_session_early_dialog branch[MAX_EARLY];
    struct reliable reliable[MAX_EARLY]; /* of the branch with the same index */
};

static void copy_tag(const pj_str_t *tag, char out[AST_SIP_SESSION_TAG_SIZE])
{
    base_copy_text(out, AST_SIP_SESSION_TAG_SIZE, tag->ptr, (size_t)tag->slen);
}

/* Tags of PJSIP's dialogs are compared without regard to case, so here, too. */
static struct ast_sip_session_early_dialog *find(const struct ast_sip_session *session,
                                                 const pj_str_t *tag)
{
    struct session_early *early = session->priv->early;
    char wanted[AST_SIP_SESSION_TAG_SIZE];

    copy_tag(tag, wanted);
    for (unsigned i = 0; early != NULL && i < early->count; ++i) {
        if (strcasecmp(early->branch[i].tag, wanted) == 0) {
            return &early->branch[i];
        }
    }
    return NULL;
}

static struct reliable *reliable_of(const struct ast_sip_session *session,
                                    const struct ast_sip_session_early_dialog *branch)
{
    struct session_early *early = session->priv->early;

    return &early->reliable[branch - early->branch];
}

static pj_uint32_t rseq_of(const pjsip_rx_data *rdata)
{
    const pj_str_t name = pj_str("RSeq");
    const pjsip_generic_string_hdr *hdr =
        pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &name, NULL);

    return hdr != NULL ? (pj_uint32_t)pj_strtoul(&hdr->hvalue) : 0;
}

int session_early_is_repeat(const struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    const struct ast_sip_session_early_dialog *branch;
    const struct reliable *last;

    if (rdata->msg_info.cseq->method.id != PJSIP_INVITE_METHOD ||
        rdata->msg_info.msg->line.status.code >= 200 || !pjsip_100rel_is_reliable(rdata)) {
        return 0;
    }
    branch = find(session, &rdata->msg_info.to->tag);
    last = branch != NULL ? reliable_of(session, branch) : NULL;
    return last != NULL && last->cseq == rdata->msg_info.cseq->cseq &&
           rseq_of(rdata) != last->rseq + 1;
}

static struct ast_sip_session_early_dialog *find_or_add(struct ast_sip_session *session,
                                                        const pj_str_t *tag)
{
    struct ast_sip_session_private *priv = session->priv;
    struct ast_sip_session_early_dialog *found = find(session, tag);

    if (found != NULL) {
        return found;
    }
    if (priv->early == NULL) {
        priv->early = calloc(1, sizeof(*priv->early));
    }
    if (priv->early == NULL || priv->early->count == MAX_EARLY) {
        return NULL;
    }
    found = &priv->early->branch[priv->early->count++];
    copy_tag(tag, found->tag);
    found->status = 0;
    return found;
}

static void tell(struct ast_sip_session *session, struct ast_sip_session_early_dialog *branch,
                 enum ast_sip_session_early_state state, int status)
{
    if (branch->state == state && branch->status == status) {
        return;
    }
    branch->state = state;
    branch->status = status;
    ast_debug("Session %s: branch %s: state %d, status %d", session->priv->dlg->obj_name,
              branch->tag, state, status);
    session_hook_early(session, branch);
}

/* Whoever is told may end the session, and with it the list. */
static void tell_others(struct ast_sip_session *session, const char *winner,
                        enum ast_sip_session_early_state state)
{
    for (unsigned i = 0; session->priv->early != NULL && i < session->priv->early->count; ++i) {
        struct ast_sip_session_early_dialog *branch = &session->priv->early->branch[i];

        if (branch->state == AST_SIP_SESSION_EARLY_ALIVE &&
            (winner == NULL || strcmp(branch->tag, winner) != 0)) {
            tell(session, branch, state, branch->status);
        }
    }
}

void session_early_response(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    const pj_str_t *tag = &rdata->msg_info.to->tag;
    int code = rdata->msg_info.msg->line.status.code;
    struct ast_sip_session_early_dialog *branch;
    char winner[AST_SIP_SESSION_TAG_SIZE];

    if (code <= 100 || code >= 300 || tag->slen == 0 ||
        (branch = find_or_add(session, tag)) == NULL) {
        return;
    }
    if (code < 200 && pjsip_100rel_is_reliable(rdata)) {
        struct reliable *last = reliable_of(session, branch);

        last->cseq = rdata->msg_info.cseq->cseq;
        last->rseq = rseq_of(rdata);
    }
    if (code == SC_EARLY_DIALOG_TERMINATED) {
        tell(session, branch, AST_SIP_SESSION_EARLY_GONE, code);
    } else if (code < 200) {
        tell(session, branch, AST_SIP_SESSION_EARLY_ALIVE, code);
    } else {
        copy_tag(tag, winner);
        tell(session, branch, AST_SIP_SESSION_EARLY_WON, code);
        tell_others(session, winner, AST_SIP_SESSION_EARLY_LOST);
    }
}

void session_early_lost(struct ast_sip_session *session, const pjsip_rx_data *rdata)
{
    struct ast_sip_session_early_dialog *branch = find_or_add(session, &rdata->msg_info.to->tag);

    if (branch != NULL) {
        tell(session, branch, AST_SIP_SESSION_EARLY_LOST, rdata->msg_info.msg->line.status.code);
    }
}

void session_early_over(struct ast_sip_session *session)
{
    tell_others(session, NULL, AST_SIP_SESSION_EARLY_GONE);
}

int session_early_is_full(const struct ast_sip_session *session, const pj_str_t *tag)
{
    return session->priv->early != NULL && session->priv->early->count == MAX_EARLY &&
           find(session, tag) == NULL;
}

void session_early_destroy(struct ast_sip_session *session)
{
    free(session->priv->early);
    session->priv->early = NULL;
}

const struct ast_sip_session_early_dialog *ast_sip_session_get_early_dialog(
    const struct ast_sip_session *session, unsigned index)
{
    const struct session_early *early = session->priv->early;

    base_assert_sip_thread();
    return early != NULL && index < early->count ? &early->branch[index] : NULL;
}
