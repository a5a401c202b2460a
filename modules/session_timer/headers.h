/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session_timer: the headers of RFC 4028 in PJSIP's messages. */
#ifndef SESSION_TIMER_HEADERS_H
#define SESSION_TIMER_HEADERS_H

#include <pjsip.h>

#include "timer.h"

/* 1 when Supported or Require (type) holds "timer". */
int headers_has_tag(const pjsip_msg *msg, pjsip_hdr_e type);
/* Adds "timer" to Supported or Require, once. */
void headers_add_tag(pjsip_tx_data *tdata, pjsip_hdr_e type);
/* What a message says. A header that is not written well is none. */
void headers_read(const pjsip_msg *msg, struct timer_headers *headers);
void headers_write(pjsip_tx_data *tdata, const struct timer_headers *headers);
/* Takes all headers of a name out. */
void headers_remove(pjsip_msg *msg, const char *name);

#endif
