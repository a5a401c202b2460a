/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: how long Contacts want to stay and how good they are, out of the message's text. Pure.
 *
 * PJSIP takes `expires=x`, `expires=4294967296` and `Expires: 4294967296` for 0, which would take a
 * binding out; it cannot tell `q=0` from none, and takes `q=1.5` for what it says.
 */
#ifndef REGISTRAR_PARAMS_H
#define REGISTRAR_PARAMS_H

#include <stddef.h>

#include <pjlib.h>

/* What one Contact says. */
struct params {
    /* seconds, at most 2^32-1; RULES_NO_EXPIRES without the parameter, 3600 for one that is no
     * number (RFC 3261 20.10) */
    long long expires;
    int q; /* thousandths (20.10); -1: none, or it is no qvalue */
};

/* Those of each Contact, in order. Returns how many there are; -1: one is no address, or there are
 * more than `most`. */
int params_read(const char *text, size_t length, struct params *params, unsigned most);

/* The URI of the first Contact, borrowed. 0; -1: there is none, or it is no address. */
int params_first_uri(const char *text, size_t length, pj_str_t *uri);

/* Expires of the message, likewise; the first one counts. */
long long params_read_expires(const char *text, size_t length);

#endif
