/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: authentication: of requests that come (auth.c, authenticate.c, challenge.c), of ours (credentials.c).
 */
#ifndef RES_SIP_AUTH_H
#define RES_SIP_AUTH_H

#include "res_sip/core.h"

/* ---- credentials.c ---- */

/* Gives an auth session the credentials of an endpoint (may be NULL). */
void sip_auth_set(pjsip_auth_clt_sess *auth, const struct ast_sip_endpoint *endpoint);

/* ---- challenge.c ---- */

/* One WWW-Authenticate for each realm and algorithm among auths. */
void sip_challenge_add(pjsip_tx_data *tdata, const struct ast_sip_auth *auths, const char *nonce,
                       int stale);

/* ---- digest.c: pure; any thread ---- */

#define SIP_DIGEST_SIZE 65 /* the longest digest in hex digits, and a NUL */

/* Octets that were hashed, for a test: as many for a name that exists as for another. */
extern unsigned long long sip_digest_octets;

const char *sip_digest_name(int algorithm);
unsigned sip_digest_length(int algorithm); /* in hex digits */
/* The algorithm of a name, in any case; an empty name is MD5; -1: none of ours. */
int sip_digest_find(const char *name, size_t length);
/* out: twice count hex digits and a NUL. */
void sip_hex(char *out, const unsigned char *octets, size_t count);
/* The hash of texts with colons between them. 0; -1: no memory, or OpenSSL lacks the algorithm. */
int sip_digest(int algorithm, const pj_str_t *texts, unsigned count, char out[SIP_DIGEST_SIZE]);
int sip_digest_ha1(int algorithm, const char *username, const char *realm, const char *password,
                   char out[SIP_DIGEST_SIZE]);
/* What the credential's `response` must be; its form is not looked at. */
int sip_digest_response(int algorithm, const char *ha1, const pj_str_t *method,
                        const pjsip_digest_credential *credential, char out[SIP_DIGEST_SIZE]);
/* 1 when two URIs as they are written have the same scheme, user and host. */
int sip_same_target(const pj_str_t *one, const pj_str_t *other);
/* 1 when they are the same, in a time that does not tell where they differ. */
int sip_same_secret(const char *one, const pj_str_t *other);

/* ---- nonce.c: pure; times in microseconds ---- */

#define SIP_NONCE_SIZE 57

struct sip_nonces;

struct sip_nonce {
    pj_uint64_t issued; /* no two nonces have the same */
    pj_uint64_t age;    /* microseconds */
    int same_source;    /* it was given to the address that asks */
};

enum sip_nonce_use {
    SIP_NONCE_GOOD,
    SIP_NONCE_REPLAYED, /* the nonce was used with this count, or with much higher ones */
    SIP_NONCE_FORGOTTEN /* it may have been used: too many others were since */
};

/* sets: a power of two; four used nonces are kept in each. NULL: logged. */
struct sip_nonces *sip_nonces_create(unsigned sets);
void sip_nonces_destroy(struct sip_nonces *nonces);
void sip_nonce_make(struct sip_nonces *nonces, pj_uint64_t now, const pj_sockaddr *source,
                    char out[SIP_NONCE_SIZE]);
/* 0; -1: it is none of ours. */
int sip_nonce_read(const struct sip_nonces *nonces, pj_uint64_t now, const pj_str_t *text,
                   const pj_sockaddr *source, struct sip_nonce *nonce);
/* Somebody has authenticated with it and this nonce count. */
enum sip_nonce_use sip_nonce_use(struct sip_nonces *nonces, pj_uint64_t issued, unsigned count);

/* ---- auth.c, authenticate.c ---- */

#define SIP_MAX_AUTHORIZATIONS 8 /* headers of a request that are looked at */

/* The authenticator of endpoints' auths, for when no other is registered. */
extern struct ast_sip_authenticator sip_own_authenticator;
int sip_authenticate_start(const struct sip_config *config);
void sip_authenticate_stop(void);
int sip_authenticate_prepare(struct sip_config *config); /* these three: reload.h */
void sip_authenticate_abandon(void);
void sip_authenticate_commit(struct sip_config *old, struct sip_config *config);

#endif
