/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what a message that PJSIP has parsed goes through, in this order: edge.c, distributor.c,
 * and behind the services that are registered options.c and fallback.c.
 */
#ifndef RES_SIP_DISTRIBUTOR_H
#define RES_SIP_DISTRIBUTOR_H

#include "res_sip/core.h"

/* Modules of PJSIP, one per file; each returns 0, or -1 logged. */
int sip_edge_start(void);
int sip_distributor_start(void);
int sip_options_start(void);
int sip_fallback_start(void);

/* The endpoint of the message before is no longer needed. */
void sip_distributor_release(void);

#endif
