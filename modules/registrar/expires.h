/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: how long Contacts want to stay, out of the message's text. Pure.
 */
#ifndef REGISTRAR_EXPIRES_H
#define REGISTRAR_EXPIRES_H

#include <stddef.h>

/*
 * PJSIP takes `expires=x` and `expires=4294967296` for 0, which would take a binding out. The
 * seconds of each Contact in order: RULES_NO_EXPIRES without the parameter, 3600 for one that is no
 * number (RFC 3261 20.10), at most 2^32-1. Returns how many there are; -1: one is no address, or
 * there are more than `most`.
 */
int expires_read(const char *text, size_t length, long long *expires, unsigned most);

#endif
