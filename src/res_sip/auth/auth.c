/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what an endpoint's requests may authenticate themselves with. Passwords are hashed here
 * and forgotten; nothing is checked here.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include <sipsession/log.h>

#include "res_sip/auth/auth.h"

static int fits(int algorithm, enum ast_sip_credential_kind kind, const char *secret)
{
    return kind == (enum ast_sip_credential_kind)(AST_SIP_CREDENTIAL_MD5 + algorithm) &&
           strlen(secret) == sip_digest_length(algorithm) &&
           strspn(secret, "0123456789abcdef") == strlen(secret);
}

/* 0; -1: the secret is none for the algorithm, logged. */
static int set_secret(struct ast_sip_auth *auth, const char *endpoint,
                      enum ast_sip_credential_kind kind, const char *secret)
{
    if (kind != AST_SIP_CREDENTIAL_PASSWORD) {
        if (!fits(auth->algorithm, kind, secret)) {
            ast_error("endpoint '%s': no %s digest, which is %u hex digits", endpoint,
                      sip_digest_name(auth->algorithm), sip_digest_length(auth->algorithm));
            return -1;
        }
        memcpy(auth->ha1, secret, strlen(secret) + 1);
        return 0;
    }
    if (sip_digest_ha1(auth->algorithm, auth->username, auth->realm, secret, auth->ha1) != 0) {
        ast_error("endpoint '%s': OpenSSL makes no %s", endpoint, sip_digest_name(auth->algorithm));
        return -1;
    }
    return 0;
}

int ast_sip_endpoint_add_auth(struct ast_sip_endpoint *endpoint, const struct ast_sip_auth *auth,
                              enum ast_sip_credential_kind kind, const char *secret)
{
    struct ast_sip_auth **end = &endpoint->auths;
    struct ast_sip_auth *made;

    if (auth->algorithm < 0 || auth->algorithm >= AST_SIP_DIGEST_ALGORITHMS) {
        ast_error("endpoint '%s': there is no digest algorithm %d", endpoint->name,
                  auth->algorithm);
        return -1;
    }
    made = calloc(1, sizeof(*made));
    if (!made || !(made->realm = strdup(auth->realm)) ||
        !(made->username = strdup(auth->username))) {
        ast_error("endpoint '%s': no memory", endpoint->name);
        sip_auths_free(made);
        return -1;
    }
    made->algorithm = auth->algorithm;
    made->nonce_lifetime = auth->nonce_lifetime;
    if (set_secret(made, endpoint->name, kind, secret) != 0) {
        sip_auths_free(made);
        return -1;
    }
    while (*end) {
        end = &(*end)->next;
    }
    *end = made;
    return 0;
}
