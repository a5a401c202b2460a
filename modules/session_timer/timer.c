/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session_timer, the pure part: negotiation and time (see timer.h). No call of PJSIP, no clock and
 * no I/O may come in here.
 */
#include "timer.h"

#include <string.h>

#define RETRY_S 5 /* between a refresh that came to nothing and the next, at least */

static unsigned max(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static unsigned min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static uint64_t ms(unsigned seconds)
{
    return (uint64_t)seconds * SESSION_TIMER_SECOND_MS;
}

void timer_init(struct timer *timer, enum ast_sip_timers mode, unsigned min_se, unsigned expires)
{
    memset(timer, 0, sizeof(*timer));
    timer->mode = mode;
    timer->min_se = max(min_se, TIMER_LEAST_MIN_SE);
    timer->expires = max(expires, timer->min_se);
}

/* 1: we want a timer whether the peer does its part or not. */
static int insists(const struct timer *timer)
{
    return timer->mode == AST_SIP_TIMERS_ALWAYS || timer->mode == AST_SIP_TIMERS_REQUIRED;
}

static void start(struct timer *timer, unsigned interval, int ours, uint64_t now)
{
    unsigned third = interval / 3;

    timer->interval = interval;
    timer->ours = ours;
    timer->refresh_at = now + ms(interval) / 2; /* RFC 4028 7.2 */
    /* RFC 4028 10, for both sides: slightly before the session expiration */
    timer->expires_at = now + ms(interval - min(32, third));
}

static void stop(struct timer *timer)
{
    timer->interval = 0;
    timer->ours = 0;
}

/* ---- the peer's requests ---- */

unsigned timer_least(const struct timer *timer, const struct timer_headers *request)
{
    return max(timer->min_se, request->min_se);
}

int timer_check(struct timer *timer, const struct timer_headers *request)
{
    if (timer->mode == AST_SIP_TIMERS_NO) {
        return request->required ? 420 : 0;
    }
    if (!request->supported && !request->required) {
        /* RFC 4028 8.1, 9: who does not know timers would not understand a 422. */
        return timer->mode == AST_SIP_TIMERS_REQUIRED ? 421 : 0;
    }
    if (request->expires != 0 && request->expires < timer_least(timer, request)) {
        return 422;
    }
    timer->heard_min_se = max(timer->heard_min_se, request->min_se);
    return 0;
}

/* RFC 4028 9: never more than was asked for, never less than the Min-SE. */
static unsigned answered_interval(const struct timer *timer, const struct timer_headers *request)
{
    if (request->expires != 0) {
        return min(request->expires, max(timer->expires, request->min_se));
    }
    return max(timer->interval != 0 ? timer->interval : timer->expires, request->min_se);
}

/* RFC 4028 9, table 2 */
static enum timer_refresher answered_refresher(const struct timer *timer,
                                               const struct timer_headers *request)
{
    if (!request->supported && !request->required) {
        return TIMER_REFRESHER_UAS;
    }
    if (request->expires != 0 && request->refresher != TIMER_REFRESHER_NONE) {
        return request->refresher;
    }
    if (timer->interval != 0) { /* as it was */
        return timer->ours ? TIMER_REFRESHER_UAS : TIMER_REFRESHER_UAC;
    }
    /* Who asks for a timer without saying who refreshes, does; who did not ask need not. */
    return request->expires != 0 ? TIMER_REFRESHER_UAC : TIMER_REFRESHER_UAS;
}

/* Whether a 2xx has a Session-Expires */
static int is_wanted(const struct timer *timer, const struct timer_headers *request)
{
    int knows = request->supported || request->required;

    if (request->expires >= TIMER_LEAST_MIN_SE) {
        return 1; /* the peer asks, or a proxy in its name */
    }
    return insists(timer) || (knows && timer->interval != 0);
}

void timer_answer(struct timer *timer, const struct timer_headers *request, uint64_t now,
                  struct timer_headers *answer)
{
    struct timer_headers seen = *request;

    memset(answer, 0, sizeof(*answer));
    if (timer->mode == AST_SIP_TIMERS_NO) {
        return;
    }
    answer->supported = 1;
    if (!is_wanted(timer, &seen)) {
        stop(timer);
        return;
    }
    if (seen.expires < TIMER_LEAST_MIN_SE) {
        seen.expires = 0; /* of a proxy that does not know RFC 4028 4 */
    }
    answer->expires = answered_interval(timer, &seen);
    answer->refresher = answered_refresher(timer, &seen);
    answer->required = seen.supported || seen.required; /* RFC 4028 9: MUST for uac, else SHOULD */
    start(timer, answer->expires, answer->refresher == TIMER_REFRESHER_UAS, now);
}

/* ---- our requests ---- */

void timer_request(struct timer *timer, int initial, struct timer_headers *request)
{
    unsigned least = max(timer->min_se, timer->heard_min_se);

    memset(request, 0, sizeof(*request));
    if (timer->mode == AST_SIP_TIMERS_NO) {
        return;
    }
    request->supported = 1;
    request->required = timer->mode == AST_SIP_TIMERS_REQUIRED;
    timer->sent_expires = 0;
    if (timer->interval != 0) { /* RFC 4028 7.4: the roles stay */
        request->expires = max(timer->interval, least);
        request->refresher = timer->ours ? TIMER_REFRESHER_UAC : TIMER_REFRESHER_UAS;
    } else if (initial || insists(timer)) { /* RFC 4028 7.1: the UAS chooses */
        request->expires = max(timer->expires, least);
    } else {
        return;
    }
    /* 90 needs no saying, unless the peer has said something (RFC 4028 5, 7.4) */
    if (least > TIMER_LEAST_MIN_SE || timer->heard_min_se != 0) {
        request->min_se = least;
    }
    timer->sent_expires = request->expires;
}

void timer_answered(struct timer *timer, int initial, const struct timer_headers *answer,
                    uint64_t now)
{
    if (timer->mode == AST_SIP_TIMERS_NO) {
        return;
    }
    if (initial) {
        timer->heard_min_se = 0; /* RFC 4028 7.4: the proxies of this dialog may say more */
    }
    if (answer->expires != 0) {
        start(timer, max(answer->expires, TIMER_LEAST_MIN_SE),
              answer->refresher != TIMER_REFRESHER_UAS, now);
    } else if (insists(timer) && timer->sent_expires != 0) {
        start(timer, timer->sent_expires, 1, now); /* RFC 4028 7.2: as if it were refresher=uac */
    } else {
        stop(timer);
    }
}

int timer_too_small(struct timer *timer, unsigned min_se)
{
    if (timer->mode == AST_SIP_TIMERS_NO) {
        return 0;
    }
    timer->heard_min_se = max(timer->heard_min_se, min_se);
    return timer->sent_expires != 0 && min_se > timer->sent_expires;
}

/* ---- time ---- */

enum timer_action timer_step(struct timer *timer, uint64_t now, uint64_t *until)
{
    uint64_t left;

    if (timer->interval == 0) {
        return TIMER_NOTHING;
    }
    if (now >= timer->expires_at) {
        stop(timer);
        return TIMER_EXPIRED;
    }
    if (timer->ours && now >= timer->refresh_at) {
        left = (timer->expires_at - now) / 2;
        timer->refresh_at = now + (left > ms(RETRY_S) ? left : ms(RETRY_S));
        return TIMER_REFRESH;
    }
    *until = timer->ours && timer->refresh_at < timer->expires_at ? timer->refresh_at
                                                                  : timer->expires_at;
    return TIMER_WAIT;
}
