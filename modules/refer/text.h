/* SPDX-License-Identifier: GPL-2.0-or-later */
/* refer: the small texts of RFC 3515 and RFC 6665: sipfrag, Event, Subscription-State. Pure. */
#ifndef REFER_TEXT_H
#define REFER_TEXT_H

#include <stddef.h>

#define REFER_REASON_SIZE 64

/* A status line: all that we need of a sipfrag (RFC 3420). */
struct refer_status {
    int code;
    char reason[REFER_REASON_SIZE]; /* printable; cut */
};

/* Reads a body of message/sipfrag. 0; -1: it has no status line. */
int refer_sipfrag_parse(const char *body, size_t length, struct refer_status *status);

/* Sets a status; the reason is cleaned and cut. reason need not end with NUL. */
void refer_status_set(struct refer_status *status, int code, const char *reason, size_t length);

/* What an Event of package refer says (RFC 3515 2.4.6). */
struct refer_event {
    int has_id;
    unsigned id; /* CSeq of the REFER */
};

/* 0; 1: it is another package; -1: it is broken. */
int refer_event_parse(const char *value, struct refer_event *event);

/* What a Subscription-State says (RFC 6665 4.1.3, 8.2.3). */
struct refer_state {
    int terminated;
    int has_expires;
    unsigned expires; /* seconds; a day at most */
};

/* 0; -1: it is broken. */
int refer_state_parse(const char *value, struct refer_state *state);

/* A number in decimal; cut at 2^31 - 1. 0; -1: it is none. */
int refer_number(const char *text, unsigned *number);

/* Refer-Sub (RFC 4488 4): 1 true, 0 false, -1 broken. */
int refer_sub_parse(const char *value);

#endif
