/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: messages of ours: what is kept on them, how they are printed, answered, and routed.
 */
#ifndef RES_SIP_MESSAGE_H
#define RES_SIP_MESSAGE_H

#include "res_sip/core.h"

/* ---- sent.c ---- */

/* Kept on each request of ours that was challenged or is waited for; in tdata->pool. */
struct sip_sent {
    void *pending;       /* of send_request.c; NULL: nobody waits */
    unsigned challenges; /* how many it has met */
};
/* The one of a request; make: it is made when there is none yet. */
struct sip_sent *sip_sent_of(pjsip_tx_data *tdata, int make);
/* Where they are kept, in mod_data: the id of a PJSIP module; -1: it is not there. */
void sip_sent_keep(int slot);

/* ---- print.c, trace.c: modules of PJSIP; each returns 0, or -1 logged ---- */

int sip_print_start(struct sip_config *config);
/* After PJSIP's endpoint; safe without start. */
void sip_print_stop(void);
int sip_print_prepare(struct sip_config *config); /* these three: reload.h */
void sip_print_abandon(void);
void sip_print_commit(struct sip_config *old, struct sip_config *config);
int sip_trace_start(const struct sip_global_config *global);
int sip_trace_prepare(struct sip_config *config); /* these three: reload.h */
void sip_trace_abandon(void);
void sip_trace_commit(struct sip_config *old, struct sip_config *config);

/* ---- respond.c ---- */

/* Answers without a transaction, hdr may be NULL; never an ACK. */
void sip_respond(pjsip_rx_data *rdata, int code, const char *reason, const pjsip_hdr *headers);
/* Adds a copy of what we can do under that header (PJSIP_H_ALLOW ...) to the list, if there is any.
 */
void sip_add_capability(pj_pool_t *pool, pjsip_hdr *headers, int type);

/* ---- route.c ---- */

/* The endpoint's outbound proxy as a request's route, unless it has one of its own. 0, -1 logged. */
int sip_add_outbound_route(pjsip_tx_data *tdata, const struct ast_sip_endpoint *endpoint);

#endif
