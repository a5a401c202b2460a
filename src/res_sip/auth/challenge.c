/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the challenges in a 401 (RFC 3261 22.1, RFC 7616 3.3, RFC 8760 2.3). What they are good
 * for is checked elsewhere.
 */
#include <string.h>

#include "res_sip/auth/auth.h"

/* 1: an earlier one has the same realm and algorithm, for another user. */
static int is_again(const struct ast_sip_auth *first, const struct ast_sip_auth *auth)
{
    for (; first != auth; first = first->next) {
        if (first->algorithm == auth->algorithm && strcmp(first->realm, auth->realm) == 0) {
            return 1;
        }
    }
    return 0;
}

void sip_challenge_add(pjsip_tx_data *tdata, const struct ast_sip_auth *auths, const char *nonce,
                       int stale)
{
    const struct ast_sip_auth *auth;
    pj_str_t shared;

    pj_strdup2(tdata->pool, &shared, nonce);
    for (auth = auths; auth; auth = auth->next) {
        pjsip_www_authenticate_hdr *header;

        if (is_again(auths, auth)) {
            continue;
        }
        header = pjsip_www_authenticate_hdr_create(tdata->pool);
        header->scheme = sip_str("Digest");
        pj_strdup2(tdata->pool, &header->challenge.digest.realm, auth->realm);
        header->challenge.digest.nonce = shared;
        header->challenge.digest.algorithm = sip_str(sip_digest_name(auth->algorithm));
        header->challenge.digest.qop = sip_str("auth");
        header->challenge.digest.stale = stale;
        pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)header);
    }
}
