/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_timer, the pure part: what RFC 4028 says of one session. No PJSIP function, no clock and
 * no I/O: what a message says comes in as numbers, time in ms, and out come the numbers to write,
 * the verdict on a request, and what to do now. session_timer.c does it.
 */
#ifndef SESSION_TIMER_TIMER_H
#define SESSION_TIMER_TIMER_H

#include <sipsession/res_sip.h>
#include <stdint.h>

#define TIMER_LEAST_MIN_SE 90 /* RFC 4028 5 */

/* A build for scenario tests makes seconds shorter, so that they need not wait 90 of them. */
#ifndef SESSION_TIMER_SECOND_MS
#define SESSION_TIMER_SECOND_MS 1000
#endif

enum timer_refresher { TIMER_REFRESHER_NONE, TIMER_REFRESHER_UAC, TIMER_REFRESHER_UAS };

/* What a message says about session timers, or is to say */
struct timer_headers {
    int supported;                  /* Supported: timer */
    int required;                   /* Require: timer */
    unsigned expires;               /* Session-Expires; 0: none */
    enum timer_refresher refresher; /* its parameter */
    unsigned min_se;                /* Min-SE; 0: none */
};

struct timer {
    enum ast_sip_timers mode; /* the endpoint's options */
    unsigned min_se;
    unsigned expires;
    unsigned heard_min_se; /* the largest Min-SE of the peer's 422s and requests; 0: none */
    unsigned sent_expires; /* in our last session refresh request; 0: none */
    unsigned interval;     /* in force, in s; 0: the session has no timer */
    int ours;              /* we refresh, not the peer */
    uint64_t refresh_at;
    uint64_t expires_at; /* when it is ended: a bit before the interval is over */
};

enum timer_action {
    TIMER_NOTHING, /* there is no timer */
    TIMER_WAIT,    /* until the time given */
    TIMER_REFRESH, /* refresh the session; comes again later when that does not help */
    TIMER_EXPIRED  /* end the session; the timer is off now */
};

/* min_se is at least 90, expires at least min_se, as the configuration sees to. */
void timer_init(struct timer *timer, enum ast_sip_timers mode, unsigned min_se, unsigned expires);

/* ---- session refresh requests of the peer: INVITE, re-INVITE, UPDATE after the answer ---- */

/* 0: go on; 420, 421 or 422: refuse it. The answer of 422 has timer_least as its Min-SE. */
int timer_check(struct timer *timer, const struct timer_headers *request);
/* Min-SE for 422 */
unsigned timer_least(const struct timer *timer, const struct timer_headers *request);
/* Our 2xx to it leaves now: what it says, and what is in force from now on */
void timer_answer(struct timer *timer, const struct timer_headers *request, uint64_t now,
                  struct timer_headers *answer);

/* ---- ours ---- */

/* What an INVITE (initial or not) or an UPDATE after the answer says */
void timer_request(struct timer *timer, int initial, struct timer_headers *request);
/* Its 2xx came */
void timer_answered(struct timer *timer, int initial, const struct timer_headers *answer,
                    uint64_t now);
/* A 422 came, with its Min-SE or 0. 1: a request made now asks for a longer interval; 0: not. */
int timer_too_small(struct timer *timer, unsigned min_se);

/* ---- time ---- */

/* What to do now; until is set with TIMER_WAIT. */
enum timer_action timer_step(struct timer *timer, uint64_t now, uint64_t *until);

/* ---- the headers' text (text.c) ---- */

/* The value of Session-Expires (RFC 4028 4). 0; -1: it is none, and nothing was written. */
int timer_parse_expires(const char *text, unsigned *expires, enum timer_refresher *refresher);
/* The value of Min-SE (RFC 4028 5). As above. */
int timer_parse_min_se(const char *text, unsigned *min_se);

#endif
