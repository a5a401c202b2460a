/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: time and chance. The one clock of this room is the monotonic one; NTP time in sender
 * reports is that clock moved by an offset taken once, so that it never jumps (RFC 3550 4).
 */
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "media/media.h"

#define NTP_1970 2208988800ull /* seconds from 1900 to 1970 */

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * MEDIA_NS + (uint64_t)now.tv_nsec;
}

uint64_t media_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t media_ntp(uint64_t now)
{
    static atomic_ullong offset; /* who comes first sets it; 0: not yet */
    unsigned long long known = atomic_load_explicit(&offset, memory_order_relaxed);

    if (!known) {
        const unsigned long long measured =
            read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);

        if (atomic_compare_exchange_strong(&offset, &known, measured)) {
            known = measured;
        }
    }
    const uint64_t wall = now + known;

    return ((wall / MEDIA_NS + NTP_1970) << 32) | (((wall % MEDIA_NS) << 32) / MEDIA_NS);
}

uint32_t media_units(uint64_t ns, unsigned rate)
{
    /* Seconds and the rest apart: the product of all would overflow within days. */
    return (uint32_t)((ns / MEDIA_NS) * rate + (ns % MEDIA_NS) * rate / MEDIA_NS);
}

void media_random(void *out, size_t size)
{
    static _Thread_local uint8_t pool[256];
    static _Thread_local size_t left;
    uint8_t *octets = out;

    while (size > 0) {
        if (left == 0) {
            /* Up to 256 octets come whole and at once, when the system has started (getrandom(2)). */
            while (getrandom(pool, sizeof(pool), 0) != (ssize_t)sizeof(pool)) {
            }
            left = sizeof(pool);
        }
        const size_t take = size < left ? size : left;

        left -= take;
        memcpy(octets, pool + left, take);
        memset(pool + left, 0, take);
        octets += take;
        size -= take;
    }
}

uint32_t media_random32(void)
{
    uint32_t value;

    media_random(&value, sizeof(value));
    return value;
}
