/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: outbound registrations.
 */
#ifndef RES_SIP_REGISTRATION_H
#define RES_SIP_REGISTRATION_H

#include "res_sip/core.h"

/* After all that sends; the first REGISTER goes out when the loop runs. Forget is safe without
 * start; before names are no longer looked up. */
int sip_registrations_start(const struct sip_config *config);
void sip_registrations_forget(void);
int sip_registrations_prepare(struct sip_config *config); /* these three: reload.h */
void sip_registrations_abandon(void);
void sip_registrations_commit(struct sip_config *old, struct sip_config *config);

#endif
