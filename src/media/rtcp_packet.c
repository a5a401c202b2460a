/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: RTCP's octets (RFC 3550 6): SR, RR, SDES, BYE. Pure. Packets of other kinds in a compound
 * are skipped.
 */
#include <string.h>

#include "media/media.h"

enum { TYPE_SR = 200, TYPE_RR = 201, TYPE_SDES = 202, TYPE_BYE = 203 };

#define SDES_CNAME  1
#define HEADER_SIZE 8  /* with the SSRC of who sends it */
#define SENDER_SIZE 20 /* NTP, RTP timestamp, packets, octets */
#define BLOCK_SIZE  24

static uint8_t *put32(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
    return out + 4;
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_header(uint8_t *at, const uint8_t *end, unsigned count, unsigned type)
{
    const unsigned words = (unsigned)(end - at) / 4 - 1;

    at[0] = (uint8_t)(0x80 | count);
    at[1] = (uint8_t)type;
    at[2] = (uint8_t)(words >> 8);
    at[3] = (uint8_t)words;
}

static uint8_t *put_block(uint8_t *out, const struct media_rtcp_block *block)
{
    out = put32(out, block->ssrc);
    out = put32(out, (uint32_t)block->fraction_lost << 24 | ((uint32_t)block->lost & 0xffffff));
    out = put32(out, block->max_sequence);
    out = put32(out, block->jitter);
    out = put32(out, block->lsr);
    return put32(out, block->dlsr);
}

static uint8_t *put_sdes(uint8_t *out, uint32_t ssrc, const char *cname)
{
    uint8_t *const start = out;
    const size_t length = strnlen(cname, MEDIA_CNAME_SIZE - 1);

    out = put32(out + 4, ssrc);
    *out++ = SDES_CNAME;
    *out++ = (uint8_t)length;
    memcpy(out, cname, length);
    out += length;
    /* the list of items ends with a zero octet, and more of them up to the next word (6.5) */
    do {
        *out++ = 0;
    } while ((out - start) % 4 != 0);
    put_header(start, out, 1, TYPE_SDES);
    return out;
}

unsigned media_rtcp_write(uint8_t out[MEDIA_RTCP_SIZE], const struct media_rtcp_report *report)
{
    uint8_t *at = put32(out + 4, report->ssrc);

    if (report->sender) {
        at = put32(at, (uint32_t)(report->ntp >> 32));
        at = put32(at, (uint32_t)report->ntp);
        at = put32(at, report->timestamp);
        at = put32(at, report->packets);
        at = put32(at, report->octets);
    }
    if (report->has_block) {
        at = put_block(at, &report->block);
    }
    put_header(out, at, report->has_block ? 1 : 0, report->sender ? TYPE_SR : TYPE_RR);
    at = put_sdes(at, report->ssrc, report->cname);
    if (report->bye) {
        uint8_t *const start = at;

        at = put32(at + 4, report->ssrc);
        put_header(start, at, 1, TYPE_BYE);
    }
    return (unsigned)(at - out);
}

/* ---- read ---- */

/* Lengths add up, versions are right, the first is a report, padding is in the last only (A.2). */
static bool valid(const uint8_t *data, size_t size)
{
    size_t at = 0;

    if (size < HEADER_SIZE || size % 4 != 0 || (data[1] != TYPE_SR && data[1] != TYPE_RR)) {
        return false;
    }
    while (at < size) {
        if (size - at < 4) {
            return false;
        }
        const size_t length = 4u * (1u + (data[at + 2] << 8 | data[at + 3]));

        if (data[at] >> 6 != 2 || length > size - at ||
            ((data[at] & 0x20) && (at == 0 || at + length != size))) {
            return false;
        }
        at += length;
    }
    return true;
}

static void get_block(const uint8_t *at, struct media_rtcp_block *block)
{
    const uint32_t lost = get32(at + 4);

    block->ssrc = get32(at);
    block->fraction_lost = (uint8_t)(lost >> 24);
    /* 24 bits with a sign: more packets than were sent may arrive (6.4.1) */
    block->lost = (int32_t)(lost & 0xffffff) - (lost & 0x800000 ? 0x1000000 : 0);
    block->max_sequence = get32(at + 8);
    block->jitter = get32(at + 12);
    block->lsr = get32(at + 16);
    block->dlsr = get32(at + 20);
}

/* One SR or RR; the first one of a compound is the one of its sender, later ones have more blocks. */
static bool read_report(const uint8_t *data, size_t length, uint32_t about, bool first,
                        struct media_rtcp_report *report)
{
    const bool sender = data[1] == TYPE_SR;
    const unsigned count = data[0] & 0x1f;
    size_t at = HEADER_SIZE + (sender ? SENDER_SIZE : 0);

    if (length < at + (size_t)count * BLOCK_SIZE) {
        return false;
    }
    if (first) {
        report->ssrc = get32(data + 4);
        report->sender = sender;
        if (sender) {
            report->ntp = (uint64_t)get32(data + 8) << 32 | get32(data + 12);
            report->timestamp = get32(data + 16);
            report->packets = get32(data + 20);
            report->octets = get32(data + 24);
        }
    }
    for (unsigned i = 0; i < count; i++, at += BLOCK_SIZE) {
        if (!report->has_block && get32(data + at) == about) {
            report->has_block = true;
            get_block(data + at, &report->block);
        }
    }
    return true;
}

static bool read_bye(const uint8_t *data, size_t length, struct media_rtcp_report *report)
{
    const unsigned count = data[0] & 0x1f;

    if (length < 4u + 4u * count) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        report->bye |= get32(data + 4 + 4 * (size_t)i) == report->ssrc;
    }
    return true;
}

int media_rtcp_parse(const uint8_t *data, size_t size, uint32_t about,
                     struct media_rtcp_report *report)
{
    struct media_rtcp_report found;
    size_t at = 0;

    if (!valid(data, size)) {
        return -1;
    }
    memset(&found, 0, sizeof(found));
    while (at < size) {
        const size_t length = 4u * (1u + (data[at + 2] << 8 | data[at + 3]));
        const uint8_t type = data[at + 1];
        bool good = true;

        if (type == TYPE_SR || type == TYPE_RR) {
            good = read_report(data + at, length, about, at == 0, &found);
        } else if (type == TYPE_BYE) {
            good = read_bye(data + at, length, &found);
        }
        if (!good) {
            return -1;
        }
        at += length;
    }
    *report = found;
    return 0;
}
