/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the arithmetic of digest authentication (RFC 7616, RFC 8760), by OpenSSL. Text in, hex
 * digits out: no message, no user and no configuration is known here. Any thread.
 */
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <sipsession/log.h>

#include "res_sip/auth/auth.h"

unsigned long long sip_digest_octets;

/* In the order of enum ast_sip_digest_algorithm. */
static const struct {
    const char *name, *openssl;
    unsigned octets;
} algorithms[AST_SIP_DIGEST_ALGORITHMS] = {{"MD5", "MD5", 16},
                                           {"SHA-256", "SHA256", 32},
                                           {"SHA-512-256", "SHA512-256", 32}};

static EVP_MD *methods[AST_SIP_DIGEST_ALGORITHMS]; /* fetched once: that costs more than a hash */
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void fetch(void)
{
    size_t i;

    for (i = 0; i < AST_SIP_DIGEST_ALGORITHMS; i++) {
        methods[i] = EVP_MD_fetch(NULL, algorithms[i].openssl, NULL);
        if (!methods[i]) { /* MD5 in FIPS mode, e.g. */
            ast_warning("res_sip: OpenSSL has no %s: nobody can authenticate with it",
                        algorithms[i].name);
        }
    }
}

const char *sip_digest_name(int algorithm)
{
    return algorithms[algorithm].name;
}

unsigned sip_digest_length(int algorithm)
{
    return 2 * algorithms[algorithm].octets;
}

int sip_digest_find(const char *name, size_t length)
{
    int i;

    if (length == 0) {
        return AST_SIP_DIGEST_MD5; /* RFC 7616 3.3 */
    }
    for (i = 0; i < AST_SIP_DIGEST_ALGORITHMS; i++) {
        if (strlen(algorithms[i].name) == length &&
            strncasecmp(algorithms[i].name, name, length) == 0) {
            return i;
        }
    }
    return -1;
}

void sip_hex(char *out, const unsigned char *octets, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        out[2 * i] = "0123456789abcdef"[octets[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[octets[i] & 15];
    }
    out[2 * count] = '\0';
}

int sip_digest(int algorithm, const pj_str_t *texts, unsigned count, char out[SIP_DIGEST_SIZE])
{
    unsigned char octets[EVP_MAX_MD_SIZE];
    unsigned long long hashed = 0;
    unsigned i, length = 0;
    EVP_MD_CTX *context;
    int good;

    base_assert(algorithm >= 0 && algorithm < AST_SIP_DIGEST_ALGORITHMS);
    pthread_once(&fetched, fetch);
    context = methods[algorithm] ? EVP_MD_CTX_new() : NULL;
    good = context && EVP_DigestInit_ex(context, methods[algorithm], NULL);
    for (i = 0; good && i < count; i++) {
        good =
            (i == 0 || EVP_DigestUpdate(context, ":", 1)) &&
            (texts[i].slen <= 0 || EVP_DigestUpdate(context, texts[i].ptr, (size_t)texts[i].slen));
        hashed += (unsigned long long)(texts[i].slen > 0 ? texts[i].slen : 0) + 1;
    }
    __atomic_fetch_add(&sip_digest_octets, hashed, __ATOMIC_RELAXED);
    good = good && EVP_DigestFinal_ex(context, octets, &length) &&
           length == algorithms[algorithm].octets;
    EVP_MD_CTX_free(context); /* cleans it */
    if (!good) {
        return -1;
    }
    sip_hex(out, octets, length);
    OPENSSL_cleanse(octets, sizeof(octets));
    return 0;
}

int sip_digest_ha1(int algorithm, const char *username, const char *realm, const char *password,
                   char out[SIP_DIGEST_SIZE])
{
    const pj_str_t texts[] = {sip_str(username), sip_str(realm), sip_str(password)};

    return sip_digest(algorithm, texts, 3, out);
}

int sip_digest_response(int algorithm, const char *ha1, const pj_str_t *method,
                        const pjsip_digest_credential *credential, char out[SIP_DIGEST_SIZE])
{
    const pj_str_t a2[] = {*method, credential->uri};
    char ha2[SIP_DIGEST_SIZE];
    pj_str_t texts[6];
    unsigned count = 0;

    if (sip_digest(algorithm, a2, 2, ha2) != 0) {
        return -1;
    }
    texts[count++] = sip_str(ha1);
    texts[count++] = credential->nonce;
    if (credential->qop.slen) { /* RFC 7616 3.4.1; without it RFC 2069 */
        texts[count++] = credential->nc;
        texts[count++] = credential->cnonce;
        texts[count++] = credential->qop;
    }
    texts[count++] = sip_str(ha2);
    return sip_digest(algorithm, texts, count, out);
}

int sip_same_secret(const char *one, const pj_str_t *other)
{
    size_t length = strlen(one);

    /* the length is the algorithm's, which is no secret */
    return other->slen == (pj_ssize_t)length && CRYPTO_memcmp(one, other->ptr, length) == 0;
}

/* What a URI is about: scheme, user and host, without port, parameters and headers. */
struct target {
    pj_str_t scheme, user, host;
};

static pj_str_t part(const char *begin, const char *end)
{
    pj_str_t text = {(char *)begin, end - begin};

    return text;
}

static void split(const pj_str_t *uri, struct target *target)
{
    const char *at = uri->ptr, *end = uri->ptr + uri->slen, *mark;

    mark = memchr(at, ':', (size_t)(end - at));
    target->scheme = part(at, mark ? mark : at);
    at = mark ? mark + 1 : at;
    mark = memchr(at, '@', (size_t)(end - at)); /* elsewhere it is escaped (RFC 3261 25.1) */
    target->user = part(at, mark ? mark : at);
    at = mark ? mark + 1 : at;
    mark = at;
    while (mark < end && *mark != ';' && *mark != '?' && (*mark != ':' || *at == '[') &&
           (mark == at || mark[-1] != ']')) {
        mark++;
    }
    target->host = part(at, mark);
}

int sip_same_target(const pj_str_t *one, const pj_str_t *other)
{
    struct target left, right;

    if (one->slen <= 0 || other->slen <= 0) {
        return 0;
    }
    split(one, &left);
    split(other, &right);
    return pj_stricmp(&left.scheme, &right.scheme) == 0 &&
           pj_strcmp(&left.user, &right.user) == 0 && pj_stricmp(&left.host, &right.host) == 0;
}
