/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: lines that a stranger can cause as often as he likes. Each place in the code writes a few of them a second; of
 * those beyond, only the number is told, as soon as the second is over: by the next line of that place, or by the SIP
 * thread. No lock is taken and no memory: what a place knows is its own static struct.
 */
#include <sipsession/log.h>

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>

#include "base/base.h"

/* state: the second in the upper half, how many lines were wanted in it in the lower one */
#define COUNT_MASK 0xffffffffu

/* Places that have something to tell when their second is over; each at most once. */
static struct ast_log_limit *waiting;

static unsigned (*clock_of_test)(void);

void base_log_limit_clock(unsigned (*seconds)(void))
{
    clock_of_test = seconds;
}

static unsigned this_second(void)
{
    struct timespec now;

    if (clock_of_test) {
        return clock_of_test();
    }
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (unsigned)now.tv_sec;
}

static unsigned second_of(uint64_t state)
{
    return (unsigned)(state >> 32);
}

static unsigned count_of(uint64_t state)
{
    return (unsigned)(state & COUNT_MASK);
}

static uint64_t load(const struct ast_log_limit *limit)
{
    return __atomic_load_n(&limit->state, __ATOMIC_RELAXED);
}

static int change(struct ast_log_limit *limit, uint64_t *from, uint64_t to)
{
    return __atomic_compare_exchange_n(&limit->state, from, to, 0, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}

static void enqueue(struct ast_log_limit *limit)
{
    struct ast_log_limit *first;

    if (__atomic_exchange_n(&limit->queued, 1, __ATOMIC_ACQUIRE)) {
        return;
    }
    first = __atomic_load_n(&waiting, __ATOMIC_RELAXED);
    do {
        limit->next = first;
    } while (!__atomic_compare_exchange_n(&waiting, &first, limit, 0, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
}

/* What is varied in the lines stands as %s: they were not written, and nobody kept them. */
static void tell(const struct ast_log_limit *limit, uint64_t state)
{
    if (count_of(state) > limit->lines) {
        ast_log((enum ast_log_level)limit->level, "... and %u more like \"%s\"",
                count_of(state) - limit->lines, limit->format);
    }
}

/* 1: a line may be written. */
static int admit(struct ast_log_limit *limit)
{
    const unsigned now = this_second();
    uint64_t old = load(limit), made;

    do {
        if (second_of(old) != now) {
            made = (uint64_t)now << 32 | 1;
        } else {
            made = count_of(old) < COUNT_MASK ? old + 1 : old;
        }
    } while (!change(limit, &old, made));
    if (second_of(old) != now) {
        tell(limit, old);
    }
    if (count_of(made) == limit->lines + 1) {
        enqueue(limit);
    }
    return count_of(made) <= limit->lines;
}

void ast_log_limited(struct ast_log_limit *limit, enum ast_log_level level, const char *format, ...)
{
    int saved_errno = errno;
    va_list args;

    if (!ast_log_enabled(level) || !admit(limit)) {
        return;
    }
    errno = saved_errno;
    va_start(args, format);
    base_log_line(level, format, args);
    va_end(args);
}

int base_log_tell(int all)
{
    struct ast_log_limit *limit;

    if (!__atomic_load_n(&waiting, __ATOMIC_RELAXED)) {
        return -1;
    }
    limit = __atomic_exchange_n(&waiting, NULL, __ATOMIC_ACQUIRE);
    while (limit) {
        struct ast_log_limit *next = limit->next;
        uint64_t state = load(limit);
        int is_over = all || second_of(state) != this_second();

        __atomic_store_n(&limit->queued, 0, __ATOMIC_RELEASE); /* from here on it may be queued */
        if (is_over && change(limit, &state, state & ~(uint64_t)COUNT_MASK)) {
            tell(limit, state);
        } else if (count_of(load(limit)) > limit->lines) {
            enqueue(limit);
        }
        limit = next;
    }
    return __atomic_load_n(&waiting, __ATOMIC_RELAXED) ? 1000 : -1;
}
