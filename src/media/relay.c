/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: packets of one source sent on as ours. Numbers move by an offset, as a translator's would
 * (RFC 3550 7.1), so that the receiver sees the loss, the order and the pauses that there were.
 */
#include "media/media.h"

static void map_anew(struct media_relay *relay, struct media_sender *sender,
                     const struct media_packet *packet, uint64_t now)
{
    relay->mapped = true;
    relay->ssrc = packet->ssrc;
    relay->sequence_offset = (uint16_t)(sender->sequence - packet->sequence);
    relay->timestamp_offset = media_sender_timestamp(sender, now) - packet->timestamp;
    relay->first = packet->sequence;
    relay->newest = packet->sequence;
}

bool media_relay_map(struct media_relay *relay, struct media_sender *sender,
                     struct media_packet *packet, bool restart, uint64_t now)
{
    if (!relay->mapped || restart || relay->ssrc != packet->ssrc) {
        map_anew(relay, sender, packet, now);
        packet->marker |= sender->sent; /* something new behind something old (RFC 3551 4.1) */
    } else if ((int16_t)(packet->sequence - relay->first) < 0) {
        return false; /* its number was given to another packet */
    }
    if ((int16_t)(packet->sequence - relay->newest) > 0) {
        relay->newest = packet->sequence;
        /* keep the oldest that may pass within half of the number space behind the newest */
        if ((uint16_t)(relay->newest - relay->first) > 0x4000) {
            relay->first = (uint16_t)(relay->newest - 0x4000);
        }
    }
    packet->sequence = (uint16_t)(packet->sequence + relay->sequence_offset);
    packet->timestamp += relay->timestamp_offset;
    packet->ssrc = sender->ssrc;
    if ((int16_t)(packet->sequence - sender->sequence) >= 0) {
        sender->sequence = (uint16_t)(packet->sequence + 1);
    }
    return true;
}

void media_relay_inserted(struct media_relay *relay)
{
    relay->sequence_offset++;
    relay->first = (uint16_t)(relay->newest + 1);
}
