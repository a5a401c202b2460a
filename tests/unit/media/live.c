/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See live.h. */
#include "live.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

static struct base_task_queue *tasks;

static int push(int (*task)(void *data), void *data)
{
    return base_task_queue_push(tasks, task, data);
}

int live_start(unsigned threads)
{
    struct media_config config;

    pj_log_set_level(1);
    pj_init();
    base_thread_enter();
    tasks = base_task_queue_create();
    media_config_init(&config);
    config.threads = threads;
    config.port_start = LIVE_PORT_START;
    config.port_end = LIVE_PORT_END;
    return tasks ? media_start(&config, push) : -1;
}

void live_stop(void)
{
    media_stop();
    while (base_task_queue_length(tasks) > 0) {
        base_task_queue_run(tasks, 100);
    }
    base_task_queue_destroy(tasks);
    tasks = NULL;
    base_thread_leave();
    pj_shutdown();
}

static void wait_task(int ms)
{
    struct pollfd wait = {.fd = base_task_queue_fd(tasks), .events = POLLIN};

    if (poll(&wait, 1, ms) > 0) {
        base_task_queue_run(tasks, 100);
    }
}

void live_run(unsigned ms)
{
    const uint64_t end = media_now() + ms * 1000000ull;

    for (uint64_t now = media_now(); now < end; now = media_now()) {
        wait_task((int)((end - now) / 1000000 + 1));
    }
}

bool live_until(bool (*condition)(void))
{
    const uint64_t end = media_now() + 5 * MEDIA_NS;

    while (!condition()) {
        if (media_now() > end) {
            return false;
        }
        wait_task(20);
    }
    return true;
}

static int open_socket(const char *address, struct sockaddr_in *name)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof(*name);

    memset(name, 0, sizeof(*name));
    name->sin_family = AF_INET;
    assert_int_equal(inet_pton(AF_INET, address, &name->sin_addr), 1);
    assert_int_equal(bind(fd, (struct sockaddr *)name, sizeof(*name)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)name, &length), 0);
    return fd;
}

void live_peer_open(struct live_peer *peer, const char *address)
{
    memset(peer, 0, sizeof(*peer));
    peer->rtp = open_socket(address, &peer->rtp_address);
    peer->rtcp = open_socket(address, &peer->rtcp_address);
    peer->ssrc = 0x11223344;
    peer->sequence = 65530; /* it wraps soon */
    peer->timestamp = 0xffffff00;
}

void live_peer_close(struct live_peer *peer)
{
    close(peer->rtp);
    close(peer->rtcp);
}

static void send_to(int fd, unsigned port, const void *data, size_t size)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    assert_int_equal(sendto(fd, data, size, 0, (struct sockaddr *)&to, sizeof(to)), size);
}

void live_send_raw(struct live_peer *peer, const void *data, size_t size)
{
    send_to(peer->rtp, peer->port, data, size);
}

void live_send_rtcp(struct live_peer *peer, const void *data, size_t size)
{
    send_to(peer->rtcp, peer->port + 1, data, size);
}

void live_send_packet(struct live_peer *peer, const struct media_packet *packet,
                      const void *payload)
{
    uint8_t data[MEDIA_PACKET_SIZE];

    media_packet_write(data, packet);
    memcpy(data + MEDIA_RTP_HEADER, payload, packet->length);
    live_send_raw(peer, data, MEDIA_RTP_HEADER + packet->length);
}

void live_send(struct live_peer *peer, const void *payload, size_t size)
{
    const struct media_packet packet = {.payload_type = peer->payload_type,
                                        .sequence = peer->sequence++,
                                        .timestamp = peer->timestamp,
                                        .ssrc = peer->ssrc,
                                        .length = (unsigned)size};

    peer->timestamp += 160;
    live_send_packet(peer, &packet, payload);
}

static int receive(int fd, uint8_t *data, size_t size, unsigned wait_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    if (poll(&wait, 1, (int)wait_ms) <= 0) {
        return -1;
    }
    return (int)recv(fd, data, size, 0);
}

int live_receive(struct live_peer *peer, uint8_t *data, size_t size, struct media_packet *packet)
{
    const int got = receive(peer->rtp, data, size, 1000);

    if (got >= 0) {
        assert_int_equal(media_packet_parse(data, (size_t)got, packet), 0);
    }
    return got;
}

int live_receive_rtcp(struct live_peer *peer, uint8_t *data, size_t size, unsigned wait_ms)
{
    return receive(peer->rtcp, data, size, wait_ms);
}

bool live_silent(struct live_peer *peer)
{
    uint8_t data[MEDIA_PACKET_SIZE];

    return receive(peer->rtp, data, sizeof(data), 100) < 0;
}

struct ast_rtp *live_stream(const struct ast_rtp_events *events, int symmetric)
{
    struct ast_rtp_options options;
    struct ast_rtp *rtp = NULL;

    ast_rtp_options_init(&options);
    pj_sockaddr_init(pj_AF_INET(), &options.address, NULL, 0);
    options.address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    options.symmetric = symmetric;
    options.events = events;
    assert_int_equal(ast_rtp_create(&rtp, &options), 0);
    return rtp;
}

static void to_pj(pj_sockaddr *out, const struct sockaddr_in *address)
{
    pj_sockaddr_init(pj_AF_INET(), out, NULL, ntohs(address->sin_port));
    out->ipv4.sin_addr.s_addr = address->sin_addr.s_addr;
}

void live_params(struct ast_rtp_params *params, const char *codec, const struct live_peer *peer)
{
    ast_rtp_params_init(params);
    params->codec = ast_codec_find(codec);
    params->tx_payload_type = params->codec->payload_type < 0 ? 96 : params->codec->payload_type;
    params->rx_payload_type = params->tx_payload_type;
    params->tx_event_payload_type = 101;
    params->rx_event_payload_type = 101;
    params->event_clock_rate = 8000;
    to_pj(&params->remote_rtp, &peer->rtp_address);
    to_pj(&params->remote_rtcp, &peer->rtcp_address);
}
