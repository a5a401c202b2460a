/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: the one source that we are to the peer: SSRC, sequence and a clock that goes on whatever the
 * stream does (echo, audio, silence). Pure but for the random starts (RFC 3550 5.1).
 */
#include "media/media.h"

void media_sender_start(struct media_sender *sender, unsigned clock_rate, uint64_t now)
{
    if (!sender->started) {
        sender->started = true;
        sender->ssrc = media_random32();
        sender->sequence = (uint16_t)media_random32();
        sender->timestamp = media_random32();
        sender->moment = now;
    } else if (sender->clock_rate != clock_rate) {
        /* Another codec with another clock: from here on it ticks at the new rate. */
        sender->timestamp = media_sender_timestamp(sender, now);
        sender->moment = now;
    }
    sender->clock_rate = clock_rate;
}

uint32_t media_sender_timestamp(const struct media_sender *sender, uint64_t now)
{
    return sender->timestamp +
           (now > sender->moment ? media_units(now - sender->moment, sender->clock_rate) : 0);
}

void media_sender_note(struct media_sender *sender, uint32_t timestamp, uint64_t now,
                       unsigned octets)
{
    /* Not for what is late, nor for the further packets of a telephone-event: theirs is its start's. */
    if (!sender->sent || (int32_t)(timestamp - sender->timestamp) > 0) {
        sender->timestamp = timestamp;
        sender->moment = now;
    }
    sender->sent = true;
    sender->packets++;
    sender->octets += octets;
}
