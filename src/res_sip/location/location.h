/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: AORs and their contacts.
 */
#ifndef RES_SIP_LOCATION_H
#define RES_SIP_LOCATION_H

#include "res_sip/core.h"

/* ---- aor.c, location.c ---- */

unsigned sip_aor_bucket(const char *name);
/* The configured contacts. 0, -1 logged. */
int sip_location_start(const struct sip_config *config);
void sip_location_stop(void);
int sip_location_prepare(struct sip_config *config); /* these three: reload.h */
void sip_location_abandon(void);
void sip_location_commit(struct sip_config *old, struct sip_config *config);

#endif
