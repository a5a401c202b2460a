/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: the fixed header of RTP (RFC 3550 5.1). Pure: octets in, values out.
 */
#include "media/media.h"

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

int media_packet_parse(const uint8_t *data, size_t size, struct media_packet *packet)
{
    if (size < MEDIA_RTP_HEADER || size > MEDIA_PACKET_SIZE || data[0] >> 6 != 2) {
        return -1;
    }
    size_t offset = MEDIA_RTP_HEADER + 4u * (data[0] & 0x0f); /* CSRC list */
    size_t end = size;

    if (data[0] & 0x10) { /* an extension: its length is in words behind its first one */
        if (offset + 4 > end) {
            return -1;
        }
        offset += 4 + 4u * get16(data + offset + 2);
    }
    if (offset > end) {
        return -1;
    }
    if (data[0] & 0x20) { /* padding: the last octet counts itself */
        const uint8_t padding = data[size - 1];

        if (padding == 0 || padding > end - offset) {
            return -1;
        }
        end -= padding;
    }
    packet->marker = data[1] >> 7;
    packet->payload_type = data[1] & 0x7f;
    packet->sequence = get16(data + 2);
    packet->timestamp = get32(data + 4);
    packet->ssrc = get32(data + 8);
    packet->offset = (unsigned)offset;
    packet->length = (unsigned)(end - offset);
    return 0;
}

void media_packet_write(uint8_t *out, const struct media_packet *packet)
{
    out[0] = 0x80;
    out[1] = (uint8_t)((packet->marker ? 0x80 : 0) | packet->payload_type);
    out[2] = (uint8_t)(packet->sequence >> 8);
    out[3] = (uint8_t)packet->sequence;
    for (unsigned i = 0; i < 4; i++) {
        out[4 + i] = (uint8_t)(packet->timestamp >> (24 - 8 * i));
        out[8 + i] = (uint8_t)(packet->ssrc >> (24 - 8 * i));
    }
}
