/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reason: the values of a Reason header (RFC 3326 2) as text. No SIP here. */
#ifndef REASON_VALUE_H
#define REASON_VALUE_H

#include <stddef.h>

struct reason_value {
    char protocol[16]; /* "SIP", "Q.850" ...; cut when longer */
    int cause;         /* -1: it has none */
    char text[64];     /* without its quotes; cut when longer */
};

/*
 * Takes the next value from *at, which stands before `end`, and moves *at behind it and its comma.
 * What is broken is passed over up to the next comma outside of quotes. 1: a value; 0: the end, and
 * value is untouched.
 */
int reason_next(const char **at, const char *end, struct reason_value *value);

/* Writes one value; text may be "". Its length; -1: no room. */
int reason_print(char *out, size_t size, const char *protocol, int cause, const char *text);

#endif
