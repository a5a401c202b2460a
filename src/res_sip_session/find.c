/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the session of a dialog that somebody names: Replaces (RFC 3891), Target-Dialog,
 * Join. PJSIP keeps the dialogs; here is only how ids compare.
 */
#include <string.h>

#include "res_sip_session/session.h"

/* PJSIP compares tags without case, and Call-IDs with it (RFC 3261 7.3.1, 20.8). */
static struct ast_sip_session *find(const char *call_id, const char *local_tag,
                                    const char *remote_tag)
{
    const pj_str_t id = pj_str((char *)call_id);
    const pj_str_t local = pj_str((char *)local_tag);
    const pj_str_t remote = pj_str((char *)remote_tag);

    /* There is one SIP thread: a dialog that is found is not taken away meanwhile, and needs no
     * lock. */
    return session_of_dialog(pjsip_ua_find_dialog(&id, &local, &remote, PJ_FALSE));
}

struct ast_sip_session *ast_sip_session_find(const char *call_id, const char *local_tag,
                                             const char *remote_tag)
{
    struct ast_sip_session *session;

    base_assert_sip_thread();
    if (call_id == NULL || local_tag == NULL || local_tag[0] == '\0') {
        return NULL;
    }
    session =
        remote_tag != NULL && remote_tag[0] != '\0' ? find(call_id, local_tag, remote_tag) : NULL;
    /* RFC 3891 3: a tag of zero is also the one that a peer of RFC 2543 did not send. */
    if (session == NULL &&
        (remote_tag == NULL || remote_tag[0] == '\0' || strcmp(remote_tag, "0") == 0)) {
        session = find(call_id, local_tag, "");
        if (session != NULL && session->priv->state < AST_SIP_SESSION_STATE_EARLY) {
            session = NULL; /* no dialog yet: nobody has answered */
        }
    }
    return session;
}
