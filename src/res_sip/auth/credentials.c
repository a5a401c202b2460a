/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: our side of authentication (RFC 3261 22, RFC 8760): the credentials of an endpoint, and
 * which challenges of a peer are answered with them. PJSIP makes the answers; here it is told
 * which, and how often. No request is sent here.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/auth/auth.h"
#include "res_sip/message/message.h"

/* A request that meets more challenges than this ends with its 401 or 407. */
#define MAX_CHALLENGES 5

/* A dialog keeps what it knows of this many realms. */
#define MAX_REALMS 8

/* ---- credentials of an endpoint ---- */

static size_t secret_length(enum ast_sip_credential_kind kind)
{
    return kind == AST_SIP_CREDENTIAL_MD5 ? 32 : 64;
}

int ast_sip_endpoint_add_credential(struct ast_sip_endpoint *endpoint,
                                    enum ast_sip_credential_kind kind, const char *realm,
                                    const char *username, const char *secret)
{
    struct ast_sip_credential **end = &endpoint->credentials;
    struct ast_sip_credential *made;

    if (kind != AST_SIP_CREDENTIAL_PASSWORD &&
        (!realm || strlen(secret) != secret_length(kind) ||
         strspn(secret, "0123456789abcdef") != strlen(secret))) {
        ast_error("endpoint '%s': a digest needs its realm, and %zu hex digits", endpoint->name,
                  secret_length(kind));
        return -1;
    }
    made = calloc(1, sizeof(*made));
    if (!made || !(made->username = strdup(username)) || !(made->secret = strdup(secret)) ||
        (realm && !(made->realm = strdup(realm)))) {
        ast_error("endpoint '%s': no memory", endpoint->name);
        sip_credentials_free(made);
        return -1;
    }
    made->kind = kind;
    while (*end) {
        end = &(*end)->next;
    }
    *end = made;
    return 0;
}

static void to_pjsip(const struct ast_sip_credential *credential, int algorithm,
                     pjsip_cred_info *out)
{
    static const pjsip_auth_algorithm_type algorithms[] = {PJSIP_AUTH_ALGORITHM_MD5,
                                                           PJSIP_AUTH_ALGORITHM_SHA256,
                                                           PJSIP_AUTH_ALGORITHM_SHA512_256};

    memset(out, 0, sizeof(*out));
    out->realm = sip_str(credential->realm ? credential->realm : "*");
    out->scheme = sip_str("digest");
    out->username = sip_str(credential->username);
    out->data = sip_str(credential->secret);
    out->data_type = credential->kind == AST_SIP_CREDENTIAL_PASSWORD ? PJSIP_CRED_DATA_PLAIN_PASSWD
                                                                     : PJSIP_CRED_DATA_DIGEST;
    out->algorithm_type = algorithms[algorithm];
}

/* A digest is of its algorithm; a password is a credential of each one that it may be used with. */
static int is_for(const struct ast_sip_credential *credential, int algorithm)
{
    if (credential->kind != AST_SIP_CREDENTIAL_PASSWORD) {
        return credential->kind == AST_SIP_CREDENTIAL_MD5 + algorithm;
    }
    return credential->algorithms == 0 || (credential->algorithms & 1u << algorithm);
}

void sip_auth_set(pjsip_auth_clt_sess *auth, const struct ast_sip_endpoint *endpoint)
{
    const struct ast_sip_credential *credential = endpoint ? endpoint->credentials : NULL;
    pjsip_cred_info infos[16 * AST_SIP_DIGEST_ALGORITHMS];
    int count = 0;

    for (; credential; credential = credential->next) {
        for (int i = 0; i < AST_SIP_DIGEST_ALGORITHMS; i++) {
            if (is_for(credential, i) && count < (int)PJ_ARRAY_SIZE(infos)) {
                to_pjsip(credential, i, &infos[count++]);
            }
        }
    }
    if (count > 0) {
        pjsip_auth_clt_set_credentials(auth, count, infos); /* copies them into its pool */
        explicit_bzero(infos, sizeof(infos));
    }
}

/* ---- challenges ---- */

static int is_challenge(const pjsip_hdr *hdr)
{
    return hdr->type == PJSIP_H_WWW_AUTHENTICATE || hdr->type == PJSIP_H_PROXY_AUTHENTICATE;
}

static int same_realm(const pjsip_hdr *left, const pjsip_hdr *right)
{
    const pjsip_www_authenticate_hdr *a = (const pjsip_www_authenticate_hdr *)left;
    const pjsip_www_authenticate_hdr *b = (const pjsip_www_authenticate_hdr *)right;

    return left->type == right->type &&
           pj_stricmp(&a->challenge.common.realm, &b->challenge.common.realm) == 0;
}

static int is_of_realm(const pjsip_cred_info *info, const pj_str_t *realm)
{
    return pj_stricmp(&info->realm, realm) == 0 || pj_strcmp2(&info->realm, "*") == 0;
}

static int has_credential(const pjsip_auth_clt_sess *auth, const pj_str_t *realm,
                          pjsip_auth_algorithm_type algorithm)
{
    for (unsigned i = 0; i < auth->cred_cnt; ++i) {
        const pjsip_cred_info *info = &auth->cred_info[i];

        if (is_of_realm(info, realm) && info->algorithm_type == algorithm) {
            return 1;
        }
    }
    return 0;
}

/* RFC 2617 3.2.1: qop-options; none is "auth" for us. */
static int takes_auth(const pj_str_t *qop)
{
    pj_str_t rest = *qop;

    while (rest.slen > 0) {
        const char *comma = memchr(rest.ptr, ',', (size_t)rest.slen);
        pj_str_t word = {rest.ptr, comma ? comma - rest.ptr : rest.slen};

        rest.ptr += comma ? word.slen + 1 : word.slen;
        rest.slen -= comma ? word.slen + 1 : word.slen;
        pj_strtrim(&word);
        if (pj_stricmp2(&word, "auth") == 0) {
            return 1;
        }
    }
    return qop->slen == 0;
}

static const pjsip_cached_auth *find_cached(const pjsip_auth_clt_sess *auth, const pj_str_t *realm,
                                            pjsip_auth_algorithm_type algorithm)
{
    const pjsip_cached_auth *cached = auth->cached_auth.next;

    while (cached != &auth->cached_auth) {
        if (pj_stricmp(&cached->realm, realm) == 0 &&
            cached->challenge_algorithm_type == algorithm) {
            return cached;
        }
        cached = cached->next;
    }
    return NULL;
}

/* 1: PJSIP will keep something for a challenge, which it does before it looks for a credential. */
static int takes_memory(const pjsip_auth_clt_sess *auth, const pjsip_hdr *hdr)
{
    const pjsip_digest_challenge *digest =
        &((const pjsip_www_authenticate_hdr *)hdr)->challenge.digest;
    const pjsip_auth_algorithm *algorithm =
        pjsip_auth_get_algorithm_by_iana_name(&digest->algorithm);

    return algorithm && !find_cached(auth, &digest->realm, algorithm->algorithm_type);
}

/* PJSIP takes a password for any algorithm; 1: it would for this challenge, whose algorithm it may
 * not be used with. */
static int may_not_answer(const pjsip_auth_clt_sess *auth, const pjsip_hdr *hdr)
{
    const pjsip_digest_challenge *digest =
        &((const pjsip_www_authenticate_hdr *)hdr)->challenge.digest;
    const pjsip_auth_algorithm *algorithm =
        pjsip_auth_get_algorithm_by_iana_name(&digest->algorithm);
    unsigned i = 0;

    while (i < auth->cred_cnt && (auth->cred_info[i].data_type != PJSIP_CRED_DATA_PLAIN_PASSWD ||
                                  !is_of_realm(&auth->cred_info[i], &digest->realm))) {
        i++;
    }
    return i < auth->cred_cnt && algorithm &&
           !has_credential(auth, &digest->realm, algorithm->algorithm_type);
}

/* The algorithm of a challenge that we have what it takes to answer, or NULL. */
static const pjsip_auth_algorithm *usable(const pjsip_auth_clt_sess *auth, const pjsip_hdr *hdr)
{
    const pjsip_www_authenticate_hdr *challenge = (const pjsip_www_authenticate_hdr *)hdr;
    const pjsip_digest_challenge *digest = &challenge->challenge.digest;
    const pjsip_auth_algorithm *algorithm;

    if (pj_stricmp2(&challenge->scheme, "digest") != 0 || !takes_auth(&digest->qop)) {
        return NULL;
    }
    algorithm = pjsip_auth_get_algorithm_by_iana_name(&digest->algorithm);
    if (!algorithm || !pjsip_auth_is_algorithm_supported(algorithm->algorithm_type) ||
        !has_credential(auth, &digest->realm, algorithm->algorithm_type)) {
        return NULL;
    }
    return algorithm;
}

/* What the request has already answered the realm with, or NULL. */
static const pjsip_authorization_hdr *find_sent(const pjsip_tx_data *request, const pjsip_hdr *hdr)
{
    const pjsip_www_authenticate_hdr *challenge = (const pjsip_www_authenticate_hdr *)hdr;
    pjsip_hdr_e type =
        hdr->type == PJSIP_H_WWW_AUTHENTICATE ? PJSIP_H_AUTHORIZATION : PJSIP_H_PROXY_AUTHORIZATION;
    const pjsip_authorization_hdr *sent = pjsip_msg_find_hdr(request->msg, type, NULL);

    while (sent && pj_stricmp(&sent->credential.common.realm, &challenge->challenge.common.realm)) {
        const void *next = sent->next;

        sent = next != &request->msg->hdr ? pjsip_msg_find_hdr(request->msg, type, next) : NULL;
    }
    return sent;
}

/* Whether PJSIP will answer a usable challenge: not when it is the same again (RFC 3261 22.1). */
static int will_answer(const pjsip_auth_clt_sess *auth, const pjsip_tx_data *request,
                       const pjsip_hdr *hdr, const pjsip_auth_algorithm *algorithm)
{
    const pjsip_digest_challenge *digest =
        &((const pjsip_www_authenticate_hdr *)hdr)->challenge.digest;
    const pjsip_authorization_hdr *sent = find_sent(request, hdr);
    const pjsip_cached_auth *cached;

    if (!sent) {
        return 1;
    }
    if (!digest->stale && pj_strcmp(&digest->nonce, &sent->credential.digest.nonce) == 0) {
        return 0;
    }
    cached = find_cached(auth, &digest->realm, algorithm->algorithm_type);
    return !cached || cached->stale_cnt + 1 < PJSIP_MAX_STALE_COUNT;
}

/* Takes out the challenges of keep's realm but keep itself; all of them when keep is NULL. */
static void drop_challenges(pjsip_msg *msg, const pjsip_hdr *keep)
{
    pjsip_hdr *hdr = msg->hdr.next;

    while (hdr != &msg->hdr) {
        pjsip_hdr *next = hdr->next;

        if (is_challenge(hdr) && hdr != keep && (!keep || same_realm(hdr, keep))) {
            pj_list_erase(hdr);
        }
        hdr = next;
    }
}

/* Leaves those that PJSIP is to answer, and no more than it may keep. 1: it will answer one. */
static int answer_each(const pjsip_auth_clt_sess *auth, const pjsip_tx_data *request,
                       pjsip_msg *msg)
{
    size_t kept = pj_list_size(&auth->cached_auth);
    pjsip_hdr *hdr = msg->hdr.next;
    int answered = 0;

    while (hdr != &msg->hdr) {
        const pjsip_auth_algorithm *algorithm = is_challenge(hdr) ? usable(auth, hdr) : NULL;
        pjsip_hdr *next;

        if (algorithm) {
            drop_challenges(msg, hdr);
        }
        next = hdr->next;
        if (is_challenge(hdr) && !algorithm && may_not_answer(auth, hdr)) {
            pj_list_erase(hdr);
        } else if (is_challenge(hdr) && takes_memory(auth, hdr) && ++kept > MAX_REALMS) {
            pj_list_erase(hdr);
        } else if (algorithm) {
            answered |= will_answer(auth, request, hdr, algorithm);
        }
        hdr = next;
    }
    return answered;
}

int sip_auth_prepare(const pjsip_auth_clt_sess *auth, pjsip_tx_data *request, pjsip_rx_data *rdata)
{
    struct sip_sent *sent = sip_sent_of(request, 1);
    pjsip_msg *msg = rdata->msg_info.msg;

    if (++sent->challenges > MAX_CHALLENGES) {
        ast_notice_limited("%.*s was challenged more than %d times: giving it up",
                           (int)request->msg->line.req.method.name.slen,
                           request->msg->line.req.method.name.ptr, MAX_CHALLENGES);
        drop_challenges(msg, NULL);
        return 0;
    }
    return answer_each(auth, request, msg);
}

void sip_auth_ignore(pjsip_rx_data *rdata)
{
    drop_challenges(rdata->msg_info.msg, NULL);
}

static int is_answer(const pjsip_hdr *hdr)
{
    return hdr->type == PJSIP_H_AUTHORIZATION || hdr->type == PJSIP_H_PROXY_AUTHORIZATION;
}

void sip_auth_forget(pjsip_tx_data *request)
{
    struct sip_sent *sent = sip_sent_of(request, 0);
    pjsip_hdr *hdr = request->msg->hdr.next;

    while (hdr != &request->msg->hdr) {
        pjsip_hdr *next = hdr->next;

        if (is_answer(hdr)) {
            pj_list_erase(hdr);
        }
        hdr = next;
    }
    if (sent) {
        sent->challenges = 0;
    }
}

void sip_auth_fork(pjsip_auth_clt_sess *made, const pjsip_auth_clt_sess *first)
{
    for (unsigned i = 0; i < made->cred_cnt && i < first->cred_cnt; i++) {
        made->cred_info[i].algorithm_type = first->cred_info[i].algorithm_type;
    }
}

void sip_auth_copy(pjsip_tx_data *ack, const pjsip_tx_data *invite)
{
    for (const pjsip_hdr *hdr = invite->msg->hdr.next; hdr != &invite->msg->hdr; hdr = hdr->next) {
        if (is_answer(hdr)) {
            pjsip_msg_add_hdr(ack->msg, pjsip_hdr_clone(ack->pool, hdr));
        }
    }
}
