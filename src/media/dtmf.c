/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: digits as telephone-event (RFC 4733), heard and sent. Pure, time passed in.
 */
#include <string.h>

#include "media/media.h"

static const char digit_of[16] = {'0', '1', '2', '3', '4', '5', '6', '7',
                                  '8', '9', '*', '#', 'A', 'B', 'C', 'D'};

#define EVENT_END    0x80
#define VOLUME       10 /* -10 dBm0 */
#define MAX_DURATION 0xffffu

/* ---- heard ---- */

static void report(struct media_dtmf_rx *rx, struct media_dtmf_digit *digit)
{
    digit->digit = digit_of[rx->event];
    digit->duration = rx->duration;
    rx->active = false;
    rx->reported = true;
}

/* RFC 4733 2.5.1.3: an event too long for its duration field goes on as a new segment of the same one */
static bool next_segment(const struct media_dtmf_rx *rx, uint8_t event, uint32_t timestamp)
{
    return rx->active && rx->event == event && timestamp == rx->segment + MAX_DURATION;
}

unsigned media_dtmf_receive(struct media_dtmf_rx *rx, const uint8_t *payload, unsigned length,
                            uint32_t timestamp, uint64_t now, struct media_dtmf_digit digits[2])
{
    unsigned ended = 0;

    if (length < 4 || payload[0] >= sizeof(digit_of)) {
        return 0; /* not a digit: flash and the like */
    }
    const uint8_t event = payload[0];
    const uint32_t duration = (uint32_t)(payload[2] << 8 | payload[3]);

    if (next_segment(rx, event, timestamp)) {
        rx->before += MAX_DURATION;
        rx->segment = timestamp;
    } else if (!rx->active || timestamp != rx->segment) {
        if ((rx->active || rx->reported) && (int32_t)(timestamp - rx->segment) <= 0) {
            return 0; /* late, or the end once more */
        }
        if (rx->active) { /* a new one began, and all ends of the last were lost */
            report(rx, &digits[ended++]);
        }
        rx->active = true;
        rx->event = event;
        rx->timestamp = timestamp;
        rx->segment = timestamp;
        rx->before = 0;
        rx->duration = 0;
    }
    if (rx->before + duration > rx->duration) { /* packets may overtake each other */
        rx->duration = rx->before + duration;
    }
    rx->heard = now;
    if (payload[1] & EVENT_END) {
        report(rx, &digits[ended++]);
    }
    return ended;
}

unsigned media_dtmf_expire(struct media_dtmf_rx *rx, uint64_t now, struct media_dtmf_digit *digit)
{
    if (!rx->active || now - rx->heard < MEDIA_DTMF_LOST) {
        return 0;
    }
    report(rx, digit);
    return 1;
}

/* ---- sent ---- */

#define END_PACKETS 3
#define PAUSE_MS    60

int media_dtmf_event(char digit)
{
    const char upper = digit >= 'a' && digit <= 'd' ? (char)(digit - 'a' + 'A') : digit;
    const char *at = memchr(digit_of, upper, sizeof(digit_of));

    return at ? (int)(at - digit_of) : -1;
}

void media_dtmf_begin(struct media_dtmf_tx *tx, const struct media_dtmf_queued *digit,
                      unsigned clock_rate, uint32_t timestamp)
{
    const uint32_t total = clock_rate / 1000 * digit->duration_ms;

    memset(tx, 0, sizeof(*tx));
    tx->active = true;
    tx->event = digit->event;
    tx->timestamp = timestamp;
    tx->total = total > MAX_DURATION ? MAX_DURATION : total;
}

bool media_dtmf_next(struct media_dtmf_tx *tx, unsigned units, uint8_t payload[4], bool *marker)
{
    if (tx->ends == END_PACKETS) {
        /* What separates it from the next digit. */
        if (--tx->pause == 0) {
            tx->active = false;
        }
        return false;
    }
    *marker = tx->duration == 0;
    tx->duration += units;
    if (tx->duration >= tx->total) {
        tx->duration = tx->total;
        tx->ends++;
        if (tx->ends == END_PACKETS) {
            tx->pause = PAUSE_MS / 20;
        }
    }
    payload[0] = tx->event;
    payload[1] = (uint8_t)((tx->ends ? EVENT_END : 0) | VOLUME);
    payload[2] = (uint8_t)(tx->duration >> 8);
    payload[3] = (uint8_t)tx->duration;
    return true;
}
