/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: sources and sinks of audio at work: a frame read, encoded and sent each packet time; what
 * comes decoded and written. On the media thread; coders are made when the first frame needs them.
 */
#include <sipsession/log.h>

#include "media/media.h"

/* When the thread comes this many packet times late, what was missed is left out. */
#define LATE_MOST 10

void media_audio_drop_coders(struct media_stream *stream)
{
    media_coder_destroy(stream->encoder);
    media_coder_destroy(stream->decoder);
    stream->encoder = NULL;
    stream->decoder = NULL;
}

bool media_audio_wants_tick(const struct media_stream *stream)
{
    return stream->started && stream->mode == MEDIA_AUDIO && stream->binding->audio->read &&
           !stream->ended_reading;
}

static void end_reading(struct media_stream *stream)
{
    stream->ended_reading = true;
    media_event_finished(stream->binding);
}

static bool need_encoder(struct media_stream *stream)
{
    if (!stream->encoder) {
        stream->encoder = media_coder_create(stream->params.codec, stream->params.ptime, true);
    }
    return stream->encoder != NULL;
}

/* Encodes what was read and sends it as the packet of this packet time */
static void send_frame(struct media_thread *thread, struct ast_rtp *rtp, const short *samples,
                       unsigned count, uint32_t timestamp)
{
    struct media_stream *const stream = &rtp->stream;
    uint8_t buffer[MEDIA_RTP_HEADER + MEDIA_MAX_PAYLOAD];
    struct media_packet packet = {.payload_type = (uint8_t)stream->params.tx_payload_type,
                                  .marker = !stream->talking,
                                  .timestamp = timestamp};
    const int length = media_coder_encode(stream->encoder, samples, count,
                                          buffer + MEDIA_RTP_HEADER, MEDIA_MAX_PAYLOAD);

    if (length <= 0) {
        return;
    }
    packet.length = (unsigned)length;
    stream->talking = true;
    media_send(rtp, buffer, &packet, thread->now);
}

static void read_and_send(struct media_thread *thread, struct ast_rtp *rtp)
{
    struct media_stream *const stream = &rtp->stream;
    const struct ast_codec *const codec = stream->params.codec;
    const unsigned count = codec->sample_rate / 1000 * stream->params.ptime;
    short *const samples = media_buffers_samples(thread->buffers);
    unsigned filled;

    if (count > MEDIA_MAX_SAMPLES || !need_encoder(stream)) {
        ast_warning_limited("media: port %u: %s can not be encoded", rtp->port, codec->name);
        end_reading(stream);
        return;
    }
    filled =
        stream->binding->audio->read(stream->binding->data, samples, count, codec->sample_rate);
    base_assert(filled <= count);
    /* The clock runs with the packets, not with when this thread came to them. */
    if (!stream->talking) {
        stream->next_timestamp = media_sender_timestamp(&stream->sender, thread->now);
    }
    if (filled > 0 && media_stream_may_send(stream)) {
        for (unsigned i = filled; i < count; i++) {
            samples[i] = 0;
        }
        send_frame(thread, rtp, samples, count, stream->next_timestamp);
    }
    stream->next_timestamp += codec->clock_rate / 1000 * stream->params.ptime;
    if (filled < count) {
        end_reading(stream);
    }
}

void media_audio_tick(struct media_thread *thread, struct ast_rtp *rtp)
{
    struct media_stream *const stream = &rtp->stream;
    const uint64_t packet_time = stream->params.ptime * 1000000ull;

    if (!media_audio_wants_tick(stream)) {
        stream->tick_at = 0;
        return;
    }
    if (stream->dtmf_tx.active) {
        stream->talking = false; /* a digit takes the place of audio, which goes on behind it */
    } else {
        read_and_send(thread, rtp);
    }
    if (stream->ended_reading) {
        stream->tick_at = 0;
        return;
    }
    stream->tick_at += packet_time;
    if (stream->tick_at + LATE_MOST * packet_time < thread->now) {
        stream->tick_at = thread->now + packet_time;
        stream->talking = false;
    }
}

void media_audio_write(struct media_thread *thread, struct ast_rtp *rtp, const uint8_t *payload,
                       unsigned length)
{
    struct media_stream *const stream = &rtp->stream;
    const struct ast_codec *const codec = stream->params.codec;
    short *const samples = media_buffers_samples(thread->buffers);
    int count;

    if (!stream->binding->audio->write) {
        return;
    }
    if (!stream->decoder) {
        stream->decoder = media_coder_create(codec, stream->params.ptime, false);
    }
    count = stream->decoder
                ? media_coder_decode(stream->decoder, payload, length, samples, MEDIA_MAX_SAMPLES)
                : -1;
    if (count <= 0) {
        stream->discarded++;
        return;
    }
    stream->binding->audio->write(stream->binding->data, samples, (unsigned)count,
                                  codec->sample_rate);
}
