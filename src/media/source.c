/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: a synchronization source that sends to us: its sequence (RFC 3550 A.1, without the probation:
 * learn.c looks at where packets come from), loss (A.3) and jitter (A.8). Pure and in integers.
 */
#include <string.h>

#include "media/media.h"

#define SEQ_MOD      65536u
#define MAX_DROPOUT  3000
#define MAX_MISORDER 100

static void begin(struct media_source *source, const struct media_packet *packet)
{
    memset(source, 0, sizeof(*source));
    source->known = true;
    source->ssrc = packet->ssrc;
    source->base_sequence = packet->sequence;
    source->max_sequence = packet->sequence;
    source->bad_sequence = SEQ_MOD + 1;
    source->received = 1;
}

enum media_source_result media_source_update(struct media_source *source,
                                             const struct media_packet *packet)
{
    if (!source->known || source->ssrc != packet->ssrc) {
        begin(source, packet);
        return MEDIA_SOURCE_RESTART;
    }
    const uint16_t delta = (uint16_t)(packet->sequence - source->max_sequence);

    if (delta > 0 && delta < MAX_DROPOUT) {
        if (packet->sequence < source->max_sequence) {
            source->cycles += SEQ_MOD;
        }
        source->max_sequence = packet->sequence;
        source->received++;
        return MEDIA_SOURCE_NEXT;
    }
    if (delta == 0 || delta > SEQ_MOD - MAX_MISORDER) {
        source->received++;
        return MEDIA_SOURCE_OLD;
    }
    /* A jump. Two packets in sequence there: the peer restarted without telling us. */
    if (packet->sequence == source->bad_sequence) {
        begin(source, packet);
        return MEDIA_SOURCE_RESTART;
    }
    source->bad_sequence = (packet->sequence + 1u) & (SEQ_MOD - 1);
    return MEDIA_SOURCE_BAD;
}

void media_source_arrival(struct media_source *source, uint32_t timestamp, uint32_t arrival)
{
    const uint32_t transit = arrival - timestamp;

    if (source->has_transit) {
        const uint32_t change = transit - source->transit;
        uint32_t d = change & 0x80000000u ? 0u - change : change;

        /* A timestamp that leaps is no jitter: some senders restart theirs with a new talkspurt. */
        if (d > 0x00ffffffu) {
            d = 0;
        }
        source->jitter += d - ((source->jitter + 8) >> 4);
    }
    source->transit = transit;
    source->has_transit = true;
}

uint32_t media_source_extended_max(const struct media_source *source)
{
    return source->cycles + source->max_sequence;
}

static uint32_t expected(const struct media_source *source)
{
    return source->known ? media_source_extended_max(source) - source->base_sequence + 1 : 0;
}

int32_t media_source_lost(const struct media_source *source)
{
    const int64_t lost = (int64_t)expected(source) - source->received;

    if (lost > 0x7fffff) {
        return 0x7fffff;
    }
    return lost < -0x800000 ? -0x800000 : (int32_t)lost;
}

uint8_t media_source_fraction_lost(struct media_source *source)
{
    const uint32_t all = expected(source);
    const uint32_t expected_interval = all - source->expected_prior;
    const int64_t lost_interval =
        (int64_t)expected_interval - (source->received - source->received_prior);

    source->expected_prior = all;
    source->received_prior = source->received;
    if (expected_interval == 0 || lost_interval <= 0) {
        return 0;
    }
    const uint64_t fraction = ((uint64_t)lost_interval << 8) / expected_interval;

    return fraction > 255 ? 255 : (uint8_t)fraction;
}
