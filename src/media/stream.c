/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: a stream on its media thread: what was wanted becomes so, and its timers.
 */
#include <string.h>

#include <sipsession/log.h>

#include "media/media.h"

/* The letter, read under the lock and acted on without it */
struct letter {
    bool start, set_mode, destroy;
    uint8_t mode;
    struct media_binding *binding;
    struct media_stats_request *stats;
    struct ast_rtp_params params;
};

void media_stream_init(struct media_stream *stream)
{
    memset(stream, 0, sizeof(*stream));
    stream->heap_index = -1;
}

bool media_stream_may_send(const struct media_stream *stream)
{
    return stream->started && (stream->params.direction & AST_RTP_SENDONLY) &&
           media_address_usable(&stream->send_rtp);
}

void media_stream_stats(const struct media_stream *stream, struct ast_rtp_stats *stats)
{
    const int32_t lost = media_source_lost(&stream->source);

    memset(stats, 0, sizeof(*stats));
    stats->tx_packets = stream->tx_packets;
    stats->tx_octets = stream->tx_octets;
    stats->rx_packets = stream->rx_packets;
    stats->rx_octets = stream->rx_octets;
    stats->rx_lost = lost > 0 ? (unsigned)lost : 0;
    stats->rx_discarded = stream->discarded;
    stats->rtt_us = stream->rtcp.rtt_us;
    if (stream->started) {
        stats->jitter_us = (unsigned)((uint64_t)(stream->source.jitter >> 4) * 1000000 /
                                      stream->params.codec->clock_rate);
    }
}

/* ---- started, or changed ---- */

static void set_remote(struct media_stream *stream, const struct ast_rtp_params *params, bool first,
                       uint64_t now)
{
    union media_address rtp, rtcp;

    media_address_from_pj(&rtp, &params->remote_rtp);
    media_address_from_pj(&rtcp, &params->remote_rtcp);
    if (first || !media_address_equal(&rtp, &stream->learn.expected)) {
        media_learn_reset(&stream->learn, &rtp, now);
        stream->send_rtp = rtp;
    }
    if (first || !media_address_equal(&rtcp, &stream->remote_rtcp)) {
        stream->remote_rtcp = rtcp;
        stream->send_rtcp = rtcp;
    }
}

static void start(struct media_stream *stream, const struct ast_rtp_params *params, uint64_t now)
{
    const bool first = !stream->started;
    const bool other_codec =
        first || stream->params.codec != params->codec || stream->params.ptime != params->ptime;

    set_remote(stream, params, first, now);
    stream->params = *params;
    stream->started = true;
    if (other_codec) {
        media_audio_drop_coders(stream);
        stream->source.has_transit = false;
        stream->source.jitter = 0;
    }
    media_sender_start(&stream->sender, params->codec->clock_rate, now);
    if (first) {
        media_rtcp_start(stream);
    }
    if (!media_address_usable(&stream->send_rtcp)) {
        stream->rtcp_at = 0;
    } else if (stream->rtcp_at == 0) {
        stream->rtcp_at = now + media_rtcp_interval(!stream->rtcp.sent);
    }
    stream->heard = now;
    stream->timed_out = false;
    stream->timeout_at = params->timeout_ms ? now + params->timeout_ms * 1000000ull : 0;
    stream->spoke = now;
    stream->keepalive_at = params->keepalive_ms ? now + params->keepalive_ms * 1000000ull : 0;
}

static void set_mode(struct media_thread *thread, struct media_stream *stream,
                     const struct letter *letter)
{
    if (stream->binding) {
        media_event_release(thread, stream->binding);
    }
    media_audio_drop_coders(stream);
    stream->mode = letter->mode;
    stream->binding = letter->binding;
    stream->ended_reading = false;
    stream->talking = false;
    stream->tick_at = 0;
    stream->relay.mapped = false;
}

static void destroy(struct media_thread *thread, struct ast_rtp *rtp)
{
    struct media_stream *const stream = &rtp->stream;

    /* Who never sent anything does not say goodbye (RFC 3550 6.3.7). */
    if (stream->started && (stream->sender.sent || stream->rtcp.sent)) {
        media_rtcp_send(rtp, true, thread->now);
    }
    if (stream->binding) {
        media_event_release(thread, stream->binding);
    }
    media_audio_drop_coders(stream);
    media_heap_set(thread, rtp, 0);
    media_stream_init(stream);
}

static void answer_stats(struct media_thread *thread, const struct media_stream *stream,
                         struct media_stats_request *request)
{
    while (request) {
        struct media_stats_request *const next = request->next;

        media_stream_stats(stream, &request->stats);
        media_event_told(thread, request);
        request = next;
    }
}

static void read_letter(struct ast_rtp *rtp, struct letter *letter)
{
    struct media_want *const want = &rtp->want;

    letter->start = want->start;
    letter->set_mode = want->set_mode;
    letter->destroy = want->destroy;
    letter->mode = want->mode;
    letter->binding = want->binding;
    letter->stats = want->stats;
    if (want->start) {
        letter->params = want->params;
    }
    rtp->stream.generation = want->generation;
    rtp->stream.symmetric = want->symmetric;
    want->start = false;
    want->set_mode = false;
    want->binding = NULL;
    want->stats = NULL;
}

void media_stream_apply(struct media_thread *thread, struct ast_rtp *rtp)
{
    struct media_stream *const stream = &rtp->stream;
    struct letter letter;

    read_letter(rtp, &letter);
    pthread_mutex_unlock(&thread->lock);
    if (letter.start) {
        start(stream, &letter.params, thread->now);
    }
    if (letter.set_mode) {
        set_mode(thread, stream, &letter);
    }
    answer_stats(thread, stream, letter.stats);
    if (letter.destroy) {
        destroy(thread, rtp);
        pthread_mutex_lock(&thread->lock);
        media_pool_put(rtp, thread->now);
        pthread_mutex_unlock(&thread->lock);
        return; /* somebody else's from here on */
    }
    media_dtmf_start(thread, rtp);
    if (stream->tick_at == 0 && media_audio_wants_tick(stream)) {
        stream->tick_at = thread->now;
    }
    media_stream_schedule(thread, rtp);
}

/* ---- timers ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return b != 0 && (a == 0 || b < a) ? b : a;
}

void media_stream_schedule(struct media_thread *thread, struct ast_rtp *rtp)
{
    struct media_stream *const stream = &rtp->stream;
    uint64_t at = sooner(stream->tick_at, stream->rtcp_at);

    at = sooner(at, stream->timeout_at);
    at = sooner(at, stream->keepalive_at);
    at = sooner(at, stream->dtmf_at);
    at = sooner(at, stream->dtmf_lost_at);
    media_heap_set(thread, rtp, at);
}

static bool due(uint64_t at, uint64_t now)
{
    return at != 0 && at <= now;
}

static void check_timeout(struct media_thread *thread, struct ast_rtp *rtp)
{
    struct media_stream *const stream = &rtp->stream;
    const uint64_t at = stream->heard + stream->params.timeout_ms * 1000000ull;

    if (at > thread->now) {
        stream->timeout_at = at;
        return;
    }
    stream->timeout_at = 0; /* receive.c sets it again when RTP comes */
    stream->timed_out = true;
    media_event_timeout(rtp);
}

static void check_keepalive(struct media_thread *thread, struct ast_rtp *rtp)
{
    struct media_stream *const stream = &rtp->stream;
    const uint64_t interval = stream->params.keepalive_ms * 1000000ull;

    if (stream->spoke + interval <= thread->now) {
        media_send_keepalive(thread, rtp);
        stream->spoke = thread->now;
    }
    stream->keepalive_at = stream->spoke + interval;
}

void media_stream_timers(struct media_thread *thread, struct ast_rtp *rtp)
{
    struct media_stream *const stream = &rtp->stream;
    const uint64_t now = thread->now;

    if (due(stream->tick_at, now)) {
        media_audio_tick(thread, rtp);
    }
    if (due(stream->dtmf_at, now)) {
        media_dtmf_tick(thread, rtp);
    }
    if (due(stream->dtmf_lost_at, now)) {
        media_dtmf_check_lost(thread, rtp);
    }
    if (due(stream->rtcp_at, now)) {
        media_rtcp_send(rtp, false, now);
        stream->rtcp_at = now + media_rtcp_interval(false);
    }
    if (due(stream->timeout_at, now)) {
        check_timeout(thread, rtp);
    }
    if (due(stream->keepalive_at, now)) {
        check_keepalive(thread, rtp);
    }
}
