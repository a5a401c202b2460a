/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what arrives, before PJSIP's parsers: the guard and the overload are asked here.
 */
#ifndef RES_SIP_WIRE_H
#define RES_SIP_WIRE_H

#include "res_sip/core.h"

/*
 * A datagram that transport received; whole: it is all that was sent. 1: PJSIP may have it, and
 * sip_wire_done is to be called when it has; 0: it was refused or dropped, and counted.
 */
int sip_wire_datagram(pjsip_transport *transport, const char *data, size_t length, int whole,
                      const pj_sockaddr *source);
void sip_wire_done(void);
/* 1: the message that PJSIP is working on has a Content-Encoding. */
int sip_wire_has_encoding(void);
/* A message of this source was refused or dropped: counts, and says why to whoever debugs. */
void sip_wire_count(const pj_sockaddr *source, const char *why);
/* Hooks into PJSIP's transport manager. */
void sip_wire_start(void);

#endif
