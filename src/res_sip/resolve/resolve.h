/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: names of servers (RFC 3263).
 */
#ifndef RES_SIP_RESOLVE_H
#define RES_SIP_RESOLVE_H

#include "res_sip/core.h"

/* After the transports; stop is safe without start. */
int sip_resolve_start(const struct sip_global_config *global);
void sip_resolve_stop(void);
int sip_resolve_prepare(struct sip_config *config); /* these three: reload.h */
void sip_resolve_abandon(void);
void sip_resolve_commit(struct sip_config *old, struct sip_config *config);

#endif
