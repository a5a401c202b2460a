/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: requests of ours: made (create_request.c), sent and waited for (send_request.c).
 */
#ifndef RES_SIP_REQUEST_H
#define RES_SIP_REQUEST_H

#include "res_sip/core.h"

int sip_send_request_start(void);
/* PJSIP's endpoint is gone. */
void sip_send_request_stop(void);

#endif
