/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: access lists, rates and bans.
 */
#ifndef RES_SIP_ACCESS_H
#define RES_SIP_ACCESS_H

#include "res_sip/core.h"

/* ---- sources.c: pure; times in microseconds ---- */

enum sip_access {
    SIP_ACCESS_GOOD,
    SIP_ACCESS_FAST,     /* more than it may */
    SIP_ACCESS_FAST_NOW, /* the same, which has not been told for a while */
    SIP_ACCESS_BANNED
};

/* Who is one source: an address of IPv4, a network /64 of IPv6, which one peer has as a whole. */
struct sip_source_key {
    unsigned char address[16]; /* unused octets are 0 */
    unsigned char family;      /* 4, 6 */
};

void sip_source_set_key(struct sip_source_key *key, const pj_sockaddr *address);

struct sip_sources;

/* sets: a power of two; eight sources are kept in each. NULL: logged. */
struct sip_sources *sip_sources_create(const struct sip_access_config *config, unsigned sets);
void sip_sources_destroy(struct sip_sources *sources);
/* Other limits from now on; what is known of the sources stays. */
void sip_sources_configure(struct sip_sources *sources, const struct sip_access_config *config);
enum sip_access sip_sources_request(struct sip_sources *sources, pj_uint64_t now,
                                    const pj_sockaddr *address);
/* 1: the source is banned from now on. */
int sip_sources_failed(struct sip_sources *sources, pj_uint64_t now, const pj_sockaddr *address);
void sip_sources_succeeded(struct sip_sources *sources, pj_uint64_t now,
                           const pj_sockaddr *address);

/* A request of nobody we know. 1: the source has sent more than count within period (s), which is
 * said once in each. */
int sip_sources_unidentified(struct sip_sources *sources, pj_uint64_t now,
                             const pj_sockaddr *address, unsigned count, unsigned period);

/* ---- transactions.c ---- */

void sip_transactions_start(void);
/* 0: the source of a request that begins something has too many of them; it was answered. */
int sip_transactions_check(pjsip_rx_data *rdata);

/* ---- access.c ---- */

int sip_access_start(const struct sip_config *config);
void sip_access_stop(void);
int sip_access_prepare(struct sip_config *config); /* these three: reload.h */
void sip_access_abandon(void);
void sip_access_commit(struct sip_config *old, struct sip_config *config);
/* 0: the source is banned, too fast, or has too much under way; what there is to answer was answered. */
int sip_access_check(pjsip_rx_data *rdata);
/* 1: failures of this source are counted, and may get it banned. */
int sip_access_counts(const pjsip_rx_data *rdata);
/* A request had wrong credentials, or right ones. */
void sip_access_failed(pjsip_rx_data *rdata);
void sip_access_succeeded(pjsip_rx_data *rdata);
/* A request is of nobody we know. */
void sip_access_unidentified(pjsip_rx_data *rdata);
/* 0: a list keeps the source out. endpoint: whom it says to be, or NULL. */
int sip_access_from(const struct ast_sip_acl *list, const struct ast_sip_endpoint *endpoint,
                    pjsip_rx_data *rdata);
/* 0: a list keeps one of its Contacts out. */
int sip_access_contacts(const struct ast_sip_acl *list, const struct ast_sip_endpoint *endpoint,
                        pjsip_rx_data *rdata);
/* One line of the log, "access: event=...", unless there are too many. */
void sip_access_event(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A peer's text as a word of such a line; returns out. */
const char *sip_event_text(const pj_str_t *text, char *out, size_t size);

#endif
