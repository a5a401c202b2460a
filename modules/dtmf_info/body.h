/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dtmf_info: the two bodies that carry a digit, as text. No SIP here. */
#ifndef DTMF_INFO_BODY_H
#define DTMF_INFO_BODY_H

#include <stddef.h>

#define DTMF_INFO_DEFAULT_MS 100
#define DTMF_INFO_MAX_MS     5000

struct dtmf_info_digit {
    char digit; /* 0-9 * # A-D; '!' for a hook flash, which is no digit */
    unsigned duration_ms;
};

/* application/dtmf-relay: lines of Signal= and Duration=. 0; -1: no signal, or a broken line. */
int dtmf_info_parse_relay(const char *text, size_t length, struct dtmf_info_digit *digit);
/* application/dtmf: the digit alone. 0, -1. */
int dtmf_info_parse_plain(const char *text, size_t length, struct dtmf_info_digit *digit);

#endif
