/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: packets of our own making: audio, telephone-events, keep-alives. On the media thread.
 */
#include <errno.h>
#include <string.h>

#include <sipsession/log.h>

#include "media/media.h"

#define DTMF_TICK_MS 20
#define PAYLOAD_CN   13 /* RFC 3389 */

void media_send(struct ast_rtp *rtp, uint8_t *buffer, struct media_packet *packet, uint64_t now)
{
    struct media_stream *const stream = &rtp->stream;

    packet->ssrc = stream->sender.ssrc;
    packet->sequence = stream->sender.sequence++;
    if (stream->relay.mapped) {
        media_relay_inserted(&stream->relay);
    }
    media_packet_write(buffer, packet);
    /* A full socket buffer or an unreachable peer loses the packet, as the network would. */
    (void)sendto(rtp->rtp.fd, buffer, MEDIA_RTP_HEADER + packet->length,
                 MSG_DONTWAIT | MSG_NOSIGNAL, &stream->send_rtp.any,
                 media_address_length(&stream->send_rtp));
    media_sender_note(&stream->sender, packet->timestamp, now, packet->length);
    stream->tx_packets++;
    stream->tx_octets += packet->length;
    stream->spoke = now;
}

void media_send_keepalive(struct media_thread *thread, struct ast_rtp *rtp)
{
    struct media_stream *const stream = &rtp->stream;
    uint8_t buffer[MEDIA_RTP_HEADER + 1];
    struct media_packet packet = {.payload_type = PAYLOAD_CN, .length = 1};

    if (!media_stream_may_send(stream)) {
        return;
    }
    buffer[MEDIA_RTP_HEADER] = 127; /* comfort noise, as quiet as there is (RFC 3389 3) */
    packet.timestamp = media_sender_timestamp(&stream->sender, thread->now);
    media_send(rtp, buffer, &packet, thread->now);
}

/* ---- telephone-events ---- */

static unsigned event_rate(const struct media_stream *stream)
{
    return stream->params.event_clock_rate ? stream->params.event_clock_rate
                                           : stream->params.codec->clock_rate;
}

/* The oldest digit that the SIP thread left */
static bool take_digit(struct media_thread *thread, struct ast_rtp *rtp,
                       struct media_dtmf_queued *digit)
{
    struct media_want *const want = &rtp->want;
    bool found;

    pthread_mutex_lock(&thread->lock);
    found = want->digit_count > 0;
    if (found) {
        *digit = want->digits[0];
        want->digit_count--;
        memmove(want->digits, want->digits + 1, want->digit_count * sizeof(want->digits[0]));
    }
    pthread_mutex_unlock(&thread->lock);
    return found;
}

void media_dtmf_start(struct media_thread *thread, struct ast_rtp *rtp)
{
    struct media_stream *const stream = &rtp->stream;
    struct media_dtmf_queued digit;

    if (!stream->started || stream->dtmf_tx.active || !take_digit(thread, rtp, &digit)) {
        return;
    }
    media_dtmf_begin(&stream->dtmf_tx, &digit, event_rate(stream),
                     media_sender_timestamp(&stream->sender, thread->now));
    stream->dtmf_at = thread->now;
}

void media_dtmf_tick(struct media_thread *thread, struct ast_rtp *rtp)
{
    struct media_stream *const stream = &rtp->stream;
    struct media_dtmf_tx *const tx = &stream->dtmf_tx;
    uint8_t buffer[MEDIA_RTP_HEADER + 4];
    struct media_packet packet = {.timestamp = tx->timestamp, .length = 4};

    if (media_dtmf_next(tx, event_rate(stream) / 1000 * DTMF_TICK_MS, buffer + MEDIA_RTP_HEADER,
                        &packet.marker) &&
        media_stream_may_send(stream) && stream->params.tx_event_payload_type >= 0) {
        packet.payload_type = (uint8_t)stream->params.tx_event_payload_type;
        media_send(rtp, buffer, &packet, thread->now);
    }
    stream->dtmf_at = tx->active ? stream->dtmf_at + DTMF_TICK_MS * 1000000ull : 0;
    if (!tx->active) {
        media_dtmf_start(thread, rtp);
    }
}

/* ---- telephone-events that are heard ---- */

static void tell(struct ast_rtp *rtp, struct media_dtmf_digit *digit)
{
    digit->duration = (unsigned)((uint64_t)digit->duration * 1000 / event_rate(&rtp->stream));
    media_event_dtmf(rtp, digit);
}

void media_dtmf_heard(struct media_thread *thread, struct ast_rtp *rtp, const uint8_t *payload,
                      const struct media_packet *packet)
{
    struct media_stream *const stream = &rtp->stream;
    struct media_dtmf_digit digits[2];
    const unsigned count = media_dtmf_receive(&stream->dtmf_rx, payload, packet->length,
                                              packet->timestamp, thread->now, digits);

    for (unsigned i = 0; i < count; i++) {
        tell(rtp, &digits[i]);
    }
    const bool waits = stream->dtmf_lost_at != 0;

    if (stream->dtmf_rx.active && !waits) {
        stream->dtmf_lost_at = thread->now + MEDIA_DTMF_LOST;
        media_stream_schedule(thread, rtp);
    }
}

void media_dtmf_check_lost(struct media_thread *thread, struct ast_rtp *rtp)
{
    struct media_stream *const stream = &rtp->stream;
    struct media_dtmf_digit digit;

    stream->dtmf_lost_at = 0;
    if (media_dtmf_expire(&stream->dtmf_rx, thread->now, &digit)) {
        tell(rtp, &digit);
    } else if (stream->dtmf_rx.active) {
        stream->dtmf_lost_at = stream->dtmf_rx.heard + MEDIA_DTMF_LOST;
    }
}
