/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: RTCP of a stream: when to report, what, and what the peer's reports tell. On the media
 * thread. A session of two: the interval is the minimum one of RFC 3550 6.2, spread as 6.3.1 says.
 */
#include <string.h>

#include "media/media.h"

#define INTERVAL_MIN (5 * MEDIA_NS)

void media_rtcp_start(struct media_stream *stream)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";
    struct media_rtcp *const rtcp = &stream->rtcp;
    uint8_t octets[MEDIA_CNAME_SIZE - 1];

    memset(rtcp, 0, sizeof(*rtcp));
    media_random(octets, sizeof(octets));
    for (size_t i = 0; i < sizeof(octets); i++) {
        rtcp->cname[i] = letters[octets[i] % 64];
    }
}

uint64_t media_rtcp_interval(bool first)
{
    const uint64_t least = first ? INTERVAL_MIN / 2 : INTERVAL_MIN;
    /* between 0.5 and 1.5 times, over e - 3/2 = 1.21828, which makes up for reconsideration */
    const uint64_t spread = least / 2 + (uint64_t)(least / 1000000) * (media_random32() % 1000000);

    return spread * 100000 / 121828;
}

static void fill_block(struct media_stream *stream, struct media_rtcp_block *block, uint64_t now)
{
    struct media_source *const source = &stream->source;
    const struct media_rtcp *const rtcp = &stream->rtcp;

    block->ssrc = source->ssrc;
    block->fraction_lost = media_source_fraction_lost(source);
    block->lost = media_source_lost(source);
    block->max_sequence = media_source_extended_max(source);
    block->jitter = source->jitter >> 4;
    if (rtcp->last_sr && rtcp->remote_ssrc == source->ssrc) {
        block->lsr = rtcp->last_sr;
        block->dlsr = media_units(now - rtcp->last_sr_at, 65536);
    }
}

void media_rtcp_send(struct ast_rtp *rtp, bool bye, uint64_t now)
{
    struct media_stream *const stream = &rtp->stream;
    struct media_rtcp *const rtcp = &stream->rtcp;
    const struct media_sender *const sender = &stream->sender;
    struct media_rtcp_report report;
    uint8_t buffer[MEDIA_RTCP_SIZE];

    if (!media_address_usable(&stream->send_rtcp)) {
        return;
    }
    memset(&report, 0, sizeof(report));
    report.ssrc = sender->ssrc;
    report.cname = rtcp->cname;
    report.bye = bye;
    /* Who sent anything within two intervals is a sender (6.4). */
    report.sender = sender->packets != rtcp->packets_before_that;
    if (report.sender) {
        report.ntp = media_ntp(now);
        report.timestamp = media_sender_timestamp(sender, now);
        report.packets = sender->packets;
        report.octets = sender->octets;
    }
    if (stream->source.known && stream->source.received != stream->source.received_prior) {
        report.has_block = true;
        fill_block(stream, &report.block, now);
    }
    rtcp->packets_before_that = rtcp->packets_before;
    rtcp->packets_before = sender->packets;
    rtcp->sent = true;
    (void)sendto(rtp->rtcp.fd, buffer, media_rtcp_write(buffer, &report),
                 MSG_DONTWAIT | MSG_NOSIGNAL, &stream->send_rtcp.any,
                 media_address_length(&stream->send_rtcp));
}

/* RFC 3550 6.4.1: now minus when our report was made, minus what it lay with the peer; 1/65536 s */
static void measure_rtt(struct media_rtcp *rtcp, const struct media_rtcp_block *block, uint64_t now)
{
    if (block->lsr == 0) {
        return;
    }
    const uint32_t rtt = (uint32_t)(media_ntp(now) >> 16) - block->lsr - block->dlsr;

    if (rtt < 60u * 65536) { /* else it is nonsense, or about a report of long ago */
        const uint64_t us = (uint64_t)rtt * 1000000 / 65536;

        rtcp->rtt_us = us ? (uint32_t)us : 1;
    }
}

void media_rtcp_received(struct ast_rtp *rtp, const uint8_t *data, size_t size,
                         const union media_address *from, uint64_t now)
{
    struct media_stream *const stream = &rtp->stream;
    struct media_rtcp *const rtcp = &stream->rtcp;
    const bool locked = stream->learn.state == MEDIA_LEARN_LOCKED;
    const bool from_learned = locked && media_address_same_host(from, &stream->learn.locked);
    struct media_rtcp_report report;

    if (!stream->started ||
        (!from_learned && !media_address_same_host(from, &stream->remote_rtcp)) ||
        media_rtcp_parse(data, size, stream->sender.ssrc, &report)) {
        return;
    }
    if (stream->symmetric && from_learned && media_address_usable(&stream->send_rtcp)) {
        stream->send_rtcp = *from;
    }
    if (report.sender) {
        rtcp->remote_ssrc = report.ssrc;
        rtcp->last_sr = (uint32_t)(report.ntp >> 16);
        rtcp->last_sr_at = now;
    }
    if (report.has_block) {
        measure_rtt(rtcp, &report.block, now);
    }
}
