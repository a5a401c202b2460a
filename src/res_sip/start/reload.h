/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: another configuration while everything runs. What depends on the configuration beyond
 * asking sip_get_config is a row of reload.c with three functions:
 *
 *   prepare(config)      Makes what the new configuration needs, everything that can fail. It is
 *                        indexed (sip_config_endpoint) and not in force. 0; -1 logged: the reload
 *                        is refused, and nothing of it is to be seen.
 *   abandon()            Frees what prepare made, whether that succeeded or not.
 *   commit(old, config)  Switches over; cannot fail. config is in force now, old goes behind all
 *                        commits: nothing may point into it then.
 *
 * All three happen within one task: no message comes in between.
 */
#ifndef RES_SIP_RELOAD_H
#define RES_SIP_RELOAD_H

#include "res_sip/core.h"

struct sip_reload_part {
    const char *name;
    int (*prepare)(struct sip_config *config);
    void (*abandon)(void);
    void (*commit)(struct sip_config *old, struct sip_config *config);
};

/* start.c: what PJSIP itself keeps of the configuration is as this says from now on. */
void sip_endpt_reload(const struct sip_global_config *global);

#endif
