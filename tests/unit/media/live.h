/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A media room that runs, with the test as its SIP thread, and peers with real sockets on 127.0.0.0/8.
 */
#ifndef LIVE_H
#define LIVE_H

#include "media/media.h"

/* outside of the ports that the system gives to those who name none */
#define LIVE_PORT_START 28000u
#define LIVE_PORT_END   28999u

/* Starts the room; the calling thread is the SIP thread until live_stop. 0, or -1. */
int live_start(unsigned threads);
void live_stop(void);

/* Runs tasks for a while; and until a condition holds, 5 s at most (whether it did) */
void live_run(unsigned ms);
bool live_until(bool (*condition)(void));

struct live_peer {
    int rtp, rtcp;
    struct sockaddr_in rtp_address, rtcp_address;
    unsigned port; /* of the stream, to send to */
    uint16_t sequence;
    uint32_t timestamp, ssrc;
    uint8_t payload_type;
};

/* Two sockets on an address ("127.0.0.2") with ports of the system's choice */
void live_peer_open(struct live_peer *peer, const char *address);
void live_peer_close(struct live_peer *peer);
/* Sends the next packet: sequence and timestamp (160 units) go on */
void live_send(struct live_peer *peer, const void *payload, size_t size);
void live_send_packet(struct live_peer *peer, const struct media_packet *packet,
                      const void *payload);
void live_send_raw(struct live_peer *peer, const void *data, size_t size);
void live_send_rtcp(struct live_peer *peer, const void *data, size_t size);
/* The next packet that comes within a second: octets, or -1. payload of the packet: data + packet->offset */
int live_receive(struct live_peer *peer, uint8_t *data, size_t size, struct media_packet *packet);
int live_receive_rtcp(struct live_peer *peer, uint8_t *data, size_t size, unsigned wait_ms);
/* Nothing comes within a tenth of a second */
bool live_silent(struct live_peer *peer);

/* A stream on 127.0.0.1, not started */
struct ast_rtp *live_stream(const struct ast_rtp_events *events, int symmetric);
/* Parameters towards a peer: the codec, its number (0 of a dynamic one: 96) and telephone-event 101 both ways */
void live_params(struct ast_rtp_params *params, const char *codec, const struct live_peer *peer);

#endif
