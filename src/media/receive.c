/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: packets from the sockets to the streams. On the media thread; one batch of a socket at a
 * time, so that no flood on one port keeps the others waiting.
 */
#include <errno.h>
#include <stdlib.h>

#include "media/media.h"

#define PAYLOAD_CN 13 /* RFC 3389 */

struct media_buffers {
    struct mmsghdr in[MEDIA_BATCH];
    struct iovec in_data[MEDIA_BATCH];
    union media_address from[MEDIA_BATCH];
    struct mmsghdr out[MEDIA_BATCH];
    struct iovec out_data[MEDIA_BATCH];
    unsigned out_count;
    short samples[MEDIA_MAX_SAMPLES];
    uint8_t data[MEDIA_BATCH][MEDIA_PACKET_SIZE];
};

struct media_buffers *media_buffers_create(void)
{
    struct media_buffers *const buffers = calloc(1, sizeof(*buffers));

    for (unsigned i = 0; buffers && i < MEDIA_BATCH; i++) {
        buffers->in_data[i].iov_base = buffers->data[i];
        buffers->in_data[i].iov_len = MEDIA_PACKET_SIZE;
        buffers->in[i].msg_hdr.msg_iov = &buffers->in_data[i];
        buffers->in[i].msg_hdr.msg_iovlen = 1;
        buffers->in[i].msg_hdr.msg_name = &buffers->from[i];
        buffers->in[i].msg_hdr.msg_namelen = sizeof(buffers->from[i]);
        buffers->out[i].msg_hdr.msg_iov = &buffers->out_data[i];
        buffers->out[i].msg_hdr.msg_iovlen = 1;
    }
    return buffers;
}

void media_buffers_destroy(struct media_buffers *buffers)
{
    free(buffers);
}

short *media_buffers_samples(struct media_buffers *buffers)
{
    return buffers->samples;
}

/* ---- echo ---- */

static void echo(struct media_thread *thread, struct media_stream *stream, uint8_t *data,
                 struct media_packet packet, bool restart)
{
    struct media_buffers *const buffers = thread->buffers;
    const bool event = packet.payload_type != stream->params.rx_payload_type;
    const int payload_type =
        event ? stream->params.tx_event_payload_type : stream->params.tx_payload_type;

    if (payload_type < 0 || !media_stream_may_send(stream) ||
        !media_relay_map(&stream->relay, &stream->sender, &packet, restart, thread->now)) {
        return;
    }
    /* The new header goes right before the payload: CSRCs and extensions are not ours to repeat. */
    uint8_t *const start = data + packet.offset - MEDIA_RTP_HEADER;
    const unsigned i = buffers->out_count++;

    packet.payload_type = (uint8_t)payload_type;
    media_packet_write(start, &packet);
    buffers->out_data[i].iov_base = start;
    buffers->out_data[i].iov_len = MEDIA_RTP_HEADER + packet.length;
    buffers->out[i].msg_hdr.msg_name = &stream->send_rtp;
    buffers->out[i].msg_hdr.msg_namelen = media_address_length(&stream->send_rtp);
    media_sender_note(&stream->sender, packet.timestamp, thread->now, packet.length);
    stream->tx_packets++;
    stream->tx_octets += packet.length;
    stream->spoke = thread->now;
}

static void flush(struct media_buffers *buffers, int fd)
{
    unsigned sent = 0;

    while (sent < buffers->out_count) {
        const int count = sendmmsg(fd, buffers->out + sent, buffers->out_count - sent,
                                   MSG_DONTWAIT | MSG_NOSIGNAL);

        if (count > 0) {
            sent += (unsigned)count;
        } else if (errno == EAGAIN) {
            break; /* the socket's buffer is full: what is left is lost, as in any full queue */
        } else if (errno != EINTR) {
            sent++; /* this one can not be sent */
        }
    }
    buffers->out_count = 0;
}

/* ---- one packet ---- */

static bool wanted_type(const struct media_stream *stream, uint8_t payload_type)
{
    return payload_type == stream->params.rx_payload_type ||
           payload_type == stream->params.rx_event_payload_type || payload_type == PAYLOAD_CN;
}

/* Whether a packet is one of this stream's: its type, where it comes from, its sequence */
static bool accept_packet(struct media_thread *thread, struct ast_rtp *rtp,
                          const struct media_packet *packet, const union media_address *from,
                          enum media_source_result *result)
{
    struct media_stream *const stream = &rtp->stream;
    const struct media_source *const source = &stream->source;
    const uint16_t delta = (uint16_t)(packet->sequence - source->max_sequence);
    const bool continues =
        source->known && source->ssrc == packet->ssrc && delta > 0 && delta < 3000;

    if (!wanted_type(stream, packet->payload_type) ||
        !media_learn_accept(&stream->learn, from, packet->sequence, continues, thread->now)) {
        return false;
    }
    *result = media_source_update(&stream->source, packet);
    if (*result == MEDIA_SOURCE_BAD) {
        return false;
    }
    if (stream->symmetric) {
        stream->send_rtp = stream->learn.locked;
    }
    return true;
}

static void note_arrival(struct media_thread *thread, struct ast_rtp *rtp,
                         const struct media_packet *packet, enum media_source_result result)
{
    struct media_stream *const stream = &rtp->stream;

    stream->rx_packets++;
    stream->rx_octets += packet->length;
    stream->heard = thread->now;
    if (stream->timed_out) {
        stream->timed_out = false;
        stream->timeout_at = thread->now + stream->params.timeout_ms * 1000000ull;
        media_stream_schedule(thread, rtp);
    }
    /* Packets of one telephone-event share a timestamp: they say nothing of jitter. */
    if (result != MEDIA_SOURCE_OLD && packet->payload_type == stream->params.rx_payload_type) {
        media_source_arrival(&stream->source, packet->timestamp,
                             media_units(thread->now, stream->params.codec->clock_rate));
    }
}

static void receive_rtp(struct media_thread *thread, struct ast_rtp *rtp, uint8_t *data,
                        size_t size, const union media_address *from)
{
    struct media_stream *const stream = &rtp->stream;
    enum media_source_result result;
    struct media_packet packet;

    if (!stream->started) {
        return;
    }
    if (media_packet_parse(data, size, &packet) ||
        !accept_packet(thread, rtp, &packet, from, &result)) {
        stream->discarded++;
        return;
    }
    note_arrival(thread, rtp, &packet, result);
    if (!(stream->params.direction & AST_RTP_RECVONLY)) {
        return;
    }
    const bool audio = packet.payload_type == stream->params.rx_payload_type;

    if (!audio && packet.payload_type == stream->params.rx_event_payload_type) {
        media_dtmf_heard(thread, rtp, data + packet.offset, &packet);
    } else if (!audio) {
        return;
    }
    if (stream->mode == MEDIA_ECHO) {
        echo(thread, stream, data, packet, result == MEDIA_SOURCE_RESTART);
    } else if (stream->mode == MEDIA_AUDIO && audio && result != MEDIA_SOURCE_OLD) {
        media_audio_write(thread, rtp, data + packet.offset, packet.length);
    }
}

void media_receive(struct media_thread *thread, struct media_socket *socket)
{
    struct media_buffers *const buffers = thread->buffers;
    struct ast_rtp *const rtp = socket->rtp;
    const int count = recvmmsg(socket->fd, buffers->in, MEDIA_BATCH, MSG_DONTWAIT, NULL);

    for (int i = 0; i < count; i++) {
        struct msghdr *const header = &buffers->in[i].msg_hdr;
        const size_t size = buffers->in[i].msg_len;

        if (header->msg_flags & MSG_TRUNC) {
            rtp->stream.discarded++;
        } else if (socket->is_rtcp) {
            media_rtcp_received(rtp, buffers->data[i], size, &buffers->from[i], thread->now);
        } else {
            receive_rtp(thread, rtp, buffers->data[i], size, &buffers->from[i]);
        }
        header->msg_namelen = sizeof(buffers->from[i]);
    }
    if (buffers->out_count) {
        flush(buffers, rtp->rtp.fd);
    }
}
