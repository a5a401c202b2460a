/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: our own authenticator: Authorization headers of requests against what their endpoint has
 * (RFC 3261 22, RFC 7616, RFC 8760). What is done with the result is the distributor's business.
 *
 * A name that does not exist costs the same work as a wrong password: where there is no credential,
 * a random one is used, and nothing ends early.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <sipsession/log.h>

#include "res_sip/access/access.h"
#include "res_sip/auth/auth.h"

#define NONCE_SETS 4096 /* some 400 KiB for 16384 nonces that were used */

/* Of several headers the last one of these decides: nothing hides what counts. */
enum verdict {
    NOTHING,
    WRONG, /* with a nonce that this source was not given: it does not count */
    STALE,
    FAILED, /* wrong, and counts */
    GOOD
};

/* What came of a header, and why. */
struct result {
    enum verdict verdict;
    const char *why;
    pj_str_t username;
    int ours; /* the nonce was given to this very source */
};

static struct sip_nonces *nonces;
static struct ast_sip_endpoint *nobody, *next_nobody;
static char dummies[AST_SIP_DIGEST_ALGORITHMS][SIP_DIGEST_SIZE]; /* hashes of what nobody knows */

/* The credential of a user in a realm by an algorithm; NULL: there is none. */
static const struct ast_sip_auth *find(const struct ast_sip_endpoint *endpoint,
                                       const pjsip_digest_credential *credential, int algorithm)
{
    const struct ast_sip_auth *auth, *found = NULL;

    for (auth = endpoint->auths; auth; auth = auth->next) {
        if (auth->algorithm == algorithm && pj_strcmp2(&credential->realm, auth->realm) == 0 &&
            pj_strcmp2(&credential->username, auth->username) == 0) {
            found = auth;
        }
    }
    return found;
}

/* nc is 8 hex digits (RFC 7616 3.4). 0: it is not. */
static unsigned read_count(const pj_str_t *text)
{
    char digits[9] = "";
    int i;

    for (i = 0; i < 8 && text->slen == 8; i++) {
        if (!isxdigit((unsigned char)text->ptr[i])) {
            return 0;
        }
        digits[i] = text->ptr[i];
    }
    return (unsigned)strtoul(digits, NULL, 16);
}

/* How often the nonce was used, by what the header says; 0: its form is not allowed, and why. */
static unsigned check_form(const pjsip_digest_credential *credential, const char **why)
{
    unsigned count;

    if (credential->qop.slen == 0) {
        if (sip_get_config()->authentication.without_qop) {
            return 1; /* RFC 2069: each nonce is good once */
        }
        *why = "no qop";
        return 0;
    }
    if (pj_stricmp2(&credential->qop, "auth") != 0) {
        *why = "another qop than auth";
        return 0;
    }
    count = read_count(&credential->nc);
    if (count == 0 || credential->cnonce.slen == 0) {
        *why = "no nc, or no cnonce";
        return 0;
    }
    return count;
}

/*
 * The digest is of the URI that the header names: it must be the one that the request is for (RFC
 * 7616 3.4.6), else it would be good for any. Both are compared as they were written.
 */
static int is_for(const pjsip_rx_data *rdata, const pj_str_t *uri)
{
    const char *line = rdata->msg_info.msg_buf, *end = line + rdata->msg_info.len;
    const char *begin = memchr(line, ' ', (size_t)(end - line));
    const char *behind = begin ? memchr(begin + 1, ' ', (size_t)(end - begin - 1)) : NULL;
    pj_str_t target;

    if (!sip_get_config()->authentication.check_uri) {
        return 1;
    }
    if (!behind) {
        return 0;
    }
    target.ptr = (char *)begin + 1;
    target.slen = behind - target.ptr;
    return sip_same_target(&target, uri);
}

/*
 * A failure counts only with a nonce that this very source was given: others could have written its
 * address. So that it is no way to guess without being counted, such a request is told nothing of
 * its password: its nonce is stale, right or wrong (more than RFC 7616 3.3 allows).
 */
static int is_guess(const pjsip_rx_data *rdata, const struct result *result)
{
    return !result->ours && sip_access_counts(rdata);
}

/* What the nonce of a right digest is worth. */
static void check_nonce(const struct ast_sip_auth *auth, const struct sip_nonce *nonce,
                        unsigned count, struct result *result)
{
    result->verdict = STALE;
    if (nonce->age > (pj_uint64_t)auth->nonce_lifetime * 1000000) {
        result->why = "expired";
        return;
    }
    switch (sip_nonce_use(nonces, nonce->issued, count)) {
    case SIP_NONCE_GOOD:
        result->verdict = GOOD;
        break;
    case SIP_NONCE_REPLAYED:
        sip_counters.auth_replayed++;
        result->why = "replayed";
        break;
    case SIP_NONCE_FORGOTTEN:
        result->why = "forgotten";
        break;
    }
}

static void check_header(const struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata,
                         const pjsip_authorization_hdr *header, struct result *result)
{
    const pjsip_digest_credential *credential = &header->credential.digest;
    int named = sip_digest_find(credential->algorithm.ptr, (size_t)credential->algorithm.slen);
    int algorithm = named < 0 ? AST_SIP_DIGEST_MD5 : named;
    const struct ast_sip_auth *auth = find(endpoint, credential, algorithm);
    const char *wrong = NULL;
    char expected[SIP_DIGEST_SIZE];
    struct sip_nonce nonce = {0};
    unsigned count = check_form(credential, &wrong);
    int right, known;

    right =
        sip_digest_response(algorithm, auth ? auth->ha1 : dummies[algorithm],
                            &rdata->msg_info.msg->line.req.method.name, credential, expected) == 0;
    right &= sip_same_secret(expected, &credential->response);
    known = sip_nonce_read(nonces, sip_now(), &credential->nonce, &rdata->pkt_info.src_addr,
                           &nonce) == 0;
    result->username = credential->username;
    result->ours = known && nonce.same_source;
    if (named >= 0 && auth && right && !wrong && !is_for(rdata, &credential->uri)) {
        wrong = "for another URI";
    }
    if (is_guess(rdata, result)) {
        result->verdict = STALE;
        result->why = known ? "another address's" : "unknown";
    } else if (named < 0 || !auth || !right || wrong) {
        result->verdict = result->ours ? FAILED : WRONG;
        result->why = wrong ? wrong : "wrong credentials";
    } else if (!known) { /* of another server, or of us before a restart */
        result->verdict = STALE;
        result->why = "unknown";
    } else {
        check_nonce(auth, &nonce, count, result);
    }
}

/* What decides of a request's Authorization headers. */
static struct result check(const struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    struct result best = {.verdict = NOTHING};
    const pjsip_hdr *header;
    unsigned count = 0;

    for (header = msg->hdr.next; header != &msg->hdr && best.verdict != GOOD;
         header = header->next) {
        if (header->type == PJSIP_H_AUTHORIZATION && count++ < SIP_MAX_AUTHORIZATIONS) {
            struct result result = {.verdict = NOTHING};

            check_header(endpoint, rdata, (const pjsip_authorization_hdr *)header, &result);
            if (result.verdict > best.verdict) {
                best = result;
            }
        }
    }
    return best;
}

static int is_wrong(const struct result *result)
{
    return result->verdict == WRONG || result->verdict == FAILED;
}

static void tell(const struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata,
                 const struct result *result)
{
    char method[32], username[64];

    if (result->verdict == GOOD) {
        sip_counters.auth_good++;
        sip_access_succeeded(rdata);
    } else if (result->verdict == STALE) {
        sip_counters.auth_stale++;
        ast_debug("res_sip: the nonce of %s from %s:%d is %s",
                  sip_event_text(&result->username, username, sizeof(username)),
                  rdata->pkt_info.src_name, rdata->pkt_info.src_port, result->why);
    } else if (is_wrong(result)) {
        sip_counters.auth_failed++;
        sip_access_event("event=auth_failed source=%s:%d endpoint=%s method=%s username=\"%s\" "
                         "reason=\"%s\"",
                         rdata->pkt_info.src_name, rdata->pkt_info.src_port,
                         endpoint == nobody ? "-" : endpoint->name,
                         sip_event_text(&rdata->msg_info.msg->line.req.method.name, method,
                                        sizeof(method)),
                         sip_event_text(&result->username, username, sizeof(username)),
                         result->why);
        if (result->verdict == FAILED) {
            sip_access_failed(rdata);
        }
    }
}

static int requires_authentication(struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata)
{
    return endpoint->auths && !(endpoint->allow_unauthenticated_options &&
                                rdata->msg_info.msg->line.req.method.id == PJSIP_OPTIONS_METHOD);
}

static enum ast_sip_check_auth_result check_authentication(struct ast_sip_endpoint *endpoint,
                                                           pjsip_rx_data *rdata,
                                                           pjsip_tx_data *tdata)
{
    struct result result = check(endpoint, rdata);
    char nonce[SIP_NONCE_SIZE];

    tell(endpoint, rdata, &result);
    if (result.verdict == GOOD) {
        return AST_SIP_AUTHENTICATION_SUCCESS;
    }
    sip_nonce_make(nonces, sip_now(), &rdata->pkt_info.src_addr, nonce);
    sip_challenge_add(tdata, endpoint->auths, nonce, result.verdict == STALE);
    sip_counters.auth_challenged++;
    return is_wrong(&result) ? AST_SIP_AUTHENTICATION_FAILED : AST_SIP_AUTHENTICATION_CHALLENGE;
}

struct ast_sip_authenticator sip_own_authenticator = {requires_authentication,
                                                      check_authentication};

struct ast_sip_endpoint *ast_sip_get_artificial_endpoint(void)
{
    base_assert_sip_thread();
    return nobody;
}

/* 0; -1 logged. */
static int make_dummies(void)
{
    unsigned char octets[SIP_DIGEST_SIZE / 2];
    int i;

    for (i = 0; i < AST_SIP_DIGEST_ALGORITHMS; i++) {
        if (getrandom(octets, sizeof(octets), 0) != (ssize_t)sizeof(octets)) {
            ast_error_limited("res_sip: no random numbers: %m");
            return -1;
        }
        sip_hex(dummies[i], octets, sip_digest_length(i) / 2);
    }
    return 0;
}

/* The endpoint of strangers: the default realm and algorithms, and credentials of no use. NULL:
 * logged. */
static struct ast_sip_endpoint *make_nobody(const struct sip_global_config *global)
{
    struct ast_sip_endpoint *made = ast_sip_endpoint_create("");
    unsigned i;

    for (i = 0; made && i < global->algorithm_count; i++) {
        const struct ast_sip_auth auth = {.algorithm = global->algorithms[i],
                                          .realm = global->default_realm,
                                          .username = (char *)""};

        if (ast_sip_endpoint_add_auth(made, &auth,
                                      (enum ast_sip_credential_kind)(AST_SIP_CREDENTIAL_MD5 +
                                                                     auth.algorithm),
                                      dummies[auth.algorithm]) != 0) {
            ast_sip_endpoint_unref(made);
            return NULL;
        }
    }
    if (!made) {
        ast_error_limited("res_sip: no memory");
    }
    return made;
}

int sip_authenticate_start(const struct sip_config *config)
{
    nonces = sip_nonces_create(NONCE_SETS);
    if (!nonces || make_dummies() != 0) {
        return -1;
    }
    nobody = make_nobody(&config->global);
    return nobody ? 0 : -1;
}

/* ---- reload: nonces that were given stay good ---- */

int sip_authenticate_prepare(struct sip_config *config)
{
    next_nobody = make_nobody(&config->global);
    return next_nobody ? 0 : -1;
}

void sip_authenticate_abandon(void)
{
    ast_sip_endpoint_unref(next_nobody);
    next_nobody = NULL;
}

void sip_authenticate_commit(struct sip_config *old, struct sip_config *config)
{
    (void)old;
    (void)config;
    ast_sip_endpoint_unref(nobody);
    nobody = next_nobody;
    next_nobody = NULL;
}

void sip_authenticate_stop(void)
{
    ast_sip_endpoint_unref(nobody);
    nobody = NULL;
    sip_nonces_destroy(nonces);
    nonces = NULL;
    explicit_bzero(dummies, sizeof(dummies));
}
