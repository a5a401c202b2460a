/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams that run, against real sockets: echo, directions, sources, recycling, exhaustion, garbage. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "live.h"

static struct live_peer peer;
static struct ast_rtp *rtp;
static struct ast_rtp_params params;

static int begin(void **state)
{
    (void)state;
    if (live_start(1)) {
        return -1;
    }
    live_peer_open(&peer, "127.0.0.1");
    rtp = NULL;
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (rtp) {
        ast_rtp_destroy(rtp);
    }
    live_peer_close(&peer);
    live_stop();
    return 0;
}

static void start_stream(const char *codec, const struct ast_rtp_events *events, int symmetric)
{
    rtp = live_stream(events, symmetric);
    live_params(&params, codec, &peer);
    peer.port = ast_rtp_port(rtp);
    peer.payload_type = (uint8_t)params.rx_payload_type;
    ast_rtp_start(rtp, &params);
}

static void fill(uint8_t *payload, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++) {
        payload[i] = (uint8_t)(i * 7 + seed);
    }
}

/* ---- echo ---- */

static void echo_is_identical(void **state)
{
    uint8_t payload[160], data[MEDIA_PACKET_SIZE];
    struct media_packet packet, last = {0};

    (void)state;
    start_stream("ulaw", NULL, 0);
    ast_rtp_set_echo(rtp);
    assert_int_equal(ast_rtp_port(rtp) % 2, 0);
    for (unsigned i = 0; i < 100; i++) { /* the peer's sequence wraps on the way */
        fill(payload, sizeof(payload), i);
        live_send(&peer, payload, sizeof(payload));
        assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 172);
        assert_memory_equal(data + packet.offset, payload, sizeof(payload));
        assert_int_equal(packet.payload_type, 0);
        assert_false(packet.marker);
        assert_int_not_equal(packet.ssrc, peer.ssrc);
        if (i > 0) {
            assert_int_equal(packet.ssrc, last.ssrc);
            assert_int_equal(packet.sequence, (uint16_t)(last.sequence + 1));
            assert_int_equal(packet.timestamp, last.timestamp + 160);
        }
        last = packet;
    }
    /* a marker is kept; a gap in sequence and time stays one */
    const struct media_packet talk = {.payload_type = 0,
                                      .marker = true,
                                      .sequence = (uint16_t)(peer.sequence + 3),
                                      .timestamp = peer.timestamp + 1600,
                                      .ssrc = peer.ssrc,
                                      .length = 10};
    live_send_packet(&peer, &talk, payload);
    assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 22);
    assert_true(packet.marker);
    assert_int_equal(packet.sequence, (uint16_t)(last.sequence + 4));
    assert_int_equal(packet.timestamp, last.timestamp + 160 + 1600);
}

/* Numbers differ on the two sides; CSRCs, extensions and padding are not repeated; events pass. */
static void echo_maps_payload_types(void **state)
{
    static const uint8_t event[4] = {5, 0x8a, 0x03, 0x20};
    uint8_t data[MEDIA_PACKET_SIZE];
    struct media_packet packet;

    (void)state;
    rtp = live_stream(NULL, 0);
    live_params(&params, "slin16", &peer);
    params.rx_payload_type = 118;
    params.tx_payload_type = 97;
    params.rx_event_payload_type = 101;
    params.tx_event_payload_type = 99;
    peer.port = ast_rtp_port(rtp);
    ast_rtp_set_echo(rtp);
    ast_rtp_start(rtp, &params);
    uint8_t odd[12 + 4 + 8 + 6 + 2] = {0x80 | 0x20 | 0x10 | 1, 118, 0, 1};

    odd[12 + 4 + 3] = 1;
    memcpy(odd + 24, "abcdef", 6);
    odd[sizeof(odd) - 1] = 2;
    live_send_raw(&peer, odd, sizeof(odd));
    assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 12 + 6);
    assert_int_equal(packet.payload_type, 97);
    assert_memory_equal(data + 12, "abcdef", 6);
    peer.sequence = 2;
    peer.ssrc = 0;
    peer.payload_type = 101;
    live_send(&peer, event, sizeof(event));
    assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 16);
    assert_int_equal(packet.payload_type, 99);
    assert_memory_equal(data + 12, event, 4);
    peer.payload_type = 50; /* nobody agreed on that */
    live_send(&peer, event, sizeof(event));
    peer.payload_type = 13; /* comfort noise is heard, but not ours to send */
    live_send(&peer, event, 1);
    assert_true(live_silent(&peer));
}

static void modes_and_directions(void **state)
{
    static const int sends[] = {AST_RTP_SENDRECV, AST_RTP_SENDONLY, AST_RTP_RECVONLY,
                                AST_RTP_INACTIVE};
    uint8_t payload[160] = {0}, data[MEDIA_PACKET_SIZE];
    struct media_packet packet;

    (void)state;
    start_stream("ulaw", NULL, 0);
    live_send(&peer, payload, sizeof(payload));
    assert_true(live_silent(&peer)); /* idle */
    ast_rtp_set_echo(rtp);
    for (unsigned i = 0; i < 4; i++) {
        params.direction = sends[i];
        ast_rtp_start(rtp, &params);
        live_send(&peer, payload, sizeof(payload));
        assert_int_equal(live_silent(&peer), sends[i] != AST_RTP_SENDRECV);
        if (i == 0) {
            continue;
        }
    }
    params.direction = AST_RTP_SENDRECV;
    ast_rtp_start(rtp, &params);
    live_send(&peer, payload, sizeof(payload));
    assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 172);
    ast_rtp_set_idle(rtp);
    live_send(&peer, payload, sizeof(payload));
    assert_true(live_silent(&peer));
}

static void another_source_goes_on(void **state)
{
    uint8_t payload[160] = {0}, data[MEDIA_PACKET_SIZE];
    struct media_packet first, second;

    (void)state;
    start_stream("ulaw", NULL, 0);
    ast_rtp_set_echo(rtp);
    live_send(&peer, payload, sizeof(payload));
    assert_int_equal(live_receive(&peer, data, sizeof(data), &first), 172);
    live_run(50);
    peer.ssrc++;
    peer.sequence = 40000;
    peer.timestamp = 5;
    live_send(&peer, payload, sizeof(payload));
    assert_int_equal(live_receive(&peer, data, sizeof(data), &second), 172);
    assert_int_equal(second.ssrc, first.ssrc);
    assert_int_equal(second.sequence, (uint16_t)(first.sequence + 1));
    assert_true(second.marker);
    assert_in_range(second.timestamp - first.timestamp, 8 * 45, 8 * 2000); /* time went on */
}

/* ---- where packets come from ---- */

static void only_the_peer_is_heard(void **state)
{
    uint8_t payload[160] = {0}, data[MEDIA_PACKET_SIZE];
    struct live_peer stranger;
    struct media_packet packet;

    (void)state;
    live_peer_open(&stranger, "127.0.0.2");
    start_stream("ulaw", NULL, 1);
    stranger.port = peer.port;
    ast_rtp_set_echo(rtp);
    live_send(&peer, payload, sizeof(payload));
    assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 172);
    for (unsigned i = 0; i < 20; i++) {
        live_send(&stranger, payload, sizeof(payload));
    }
    assert_true(live_silent(&stranger));
    assert_true(live_silent(&peer));
    live_send(&peer, payload, sizeof(payload));
    assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 172);
    live_peer_close(&stranger);
}

/* A peer behind a NAT sends from elsewhere than its SDP says. */
static void symmetric_goes_to_the_source(int symmetric)
{
    uint8_t payload[160] = {0}, data[MEDIA_PACKET_SIZE];
    struct live_peer behind_nat;
    struct media_packet packet;

    live_peer_open(&behind_nat, "127.0.0.3");
    start_stream("ulaw", NULL, symmetric);
    behind_nat.port = peer.port;
    ast_rtp_set_echo(rtp);
    for (unsigned i = 0; i < 3; i++) {
        live_send(&behind_nat, payload, sizeof(payload));
    }
    assert_true(live_silent(&behind_nat));
    live_send(&behind_nat, payload, sizeof(payload));
    struct live_peer *const hears = symmetric ? &behind_nat : &peer;

    assert_int_equal(live_receive(hears, data, sizeof(data), &packet), 172);
    assert_true(live_silent(symmetric ? &peer : &behind_nat));
    live_peer_close(&behind_nat);
}

static void symmetric_on(void **state)
{
    (void)state;
    symmetric_goes_to_the_source(1);
}

static void symmetric_off(void **state)
{
    (void)state;
    symmetric_goes_to_the_source(0);
}

/* A new offer moves the stream: from then on the new address, and only that, is heard. */
static void moved_by_an_offer(void **state)
{
    uint8_t payload[160] = {0}, data[MEDIA_PACKET_SIZE];
    struct live_peer second;
    struct media_packet packet;

    (void)state;
    live_peer_open(&second, "127.0.0.4");
    start_stream("ulaw", NULL, 1);
    ast_rtp_set_echo(rtp);
    live_send(&peer, payload, sizeof(payload));
    assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 172);
    second.port = peer.port;
    live_params(&params, "ulaw", &second);
    ast_rtp_start(rtp, &params);
    live_send(&second, payload, sizeof(payload));
    assert_int_equal(live_receive(&second, data, sizeof(data), &packet), 172);
    live_send(&peer, payload, sizeof(payload));
    assert_true(live_silent(&peer));
    live_peer_close(&second);
}

/* ---- garbage ---- */

static struct ast_rtp_stats stats;
static bool told;

static void on_stats(void *data, const struct ast_rtp_stats *now)
{
    assert_ptr_equal(data, &stats);
    stats = *now;
    told = true;
}

static bool was_told(void)
{
    return told;
}

static void get_stats(void)
{
    told = false;
    assert_int_equal(ast_rtp_get_stats(rtp, on_stats, &stats), 0);
    assert_true(live_until(was_told));
}

static void flood_of_garbage(void **state)
{
    uint8_t noise[MEDIA_PACKET_SIZE + 400], payload[160] = {0}, data[MEDIA_PACKET_SIZE];
    struct media_packet packet;

    (void)state;
    start_stream("ulaw", NULL, 1);
    ast_rtp_set_echo(rtp);
    live_send(&peer, payload, sizeof(payload));
    assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 172);
    media_random(noise, sizeof(noise));
    for (unsigned i = 0; i < 20000; i++) {
        const size_t size = media_random32() % sizeof(noise);

        media_random(noise, 16);
        noise[0] &= 0x7f; /* never version 2 */
        live_send_raw(&peer, noise, size);
        if (i % 2) {
            live_send_rtcp(&peer, noise, size);
        }
        if (i % 100 == 0) {
            live_run(1);
        }
    }
    live_run(50);
    assert_true(live_silent(&peer));
    live_send(&peer, payload, sizeof(payload)); /* it is as it was */
    assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 172);
    get_stats();
    assert_int_equal(stats.rx_packets, 2);
    assert_int_equal(stats.tx_packets, 2);
    assert_int_equal(stats.tx_octets, 320);
    assert_true(stats.rx_discarded > 1000); /* the socket's buffer loses some of a flood */
    assert_int_equal(stats.rx_lost, 0);
}

static void loss_is_counted(void **state)
{
    uint8_t payload[160] = {0};

    (void)state;
    start_stream("ulaw", NULL, 0);
    for (unsigned i = 0; i < 50; i++) {
        live_send(&peer, payload, sizeof(payload));
        if (i % 10 == 5) {
            peer.sequence++;
            peer.timestamp += 160;
        }
    }
    live_run(50);
    get_stats();
    assert_int_equal(stats.rx_packets, 50);
    assert_int_equal(stats.rx_octets, 8000);
    assert_int_equal(stats.rx_lost, 5);
    assert_int_equal(stats.rx_discarded, 0);
    assert_int_equal(stats.tx_packets, 0);
}

/* Asked, then destroyed: it is told all the same. */
static void stats_of_a_destroyed_stream(void **state)
{
    (void)state;
    rtp = live_stream(NULL, 0);
    told = false;
    assert_int_equal(ast_rtp_get_stats(rtp, on_stats, &stats), 0);
    ast_rtp_destroy(rtp);
    rtp = NULL;
    assert_true(live_until(was_told));
}

/* ---- time-outs ---- */

static unsigned timeouts;

static void on_timeout(void *data)
{
    (void)data;
    timeouts++;
}

static bool timed_out_once(void)
{
    return timeouts == 1;
}

static bool timed_out_twice(void)
{
    return timeouts == 2;
}

static const struct ast_rtp_events timeout_events = {.timeout = on_timeout};

static void timeout_once_until_rtp_comes(void **state)
{
    uint8_t payload[160] = {0};

    (void)state;
    timeouts = 0;
    rtp = live_stream(&timeout_events, 0);
    live_params(&params, "ulaw", &peer);
    params.timeout_ms = 100;
    peer.port = ast_rtp_port(rtp);
    ast_rtp_start(rtp, &params);
    assert_true(live_until(timed_out_once));
    live_run(400);
    assert_int_equal(timeouts, 1);
    for (unsigned i = 0; i < 10; i++) {
        live_send(&peer, payload, sizeof(payload));
        live_run(50);
    }
    assert_int_equal(timeouts, 1);
    assert_true(live_until(timed_out_twice));
    ast_rtp_destroy(rtp); /* what is on its way is not told any more */
    rtp = NULL;
    live_run(50);
    assert_int_equal(timeouts, 2);
}

static void keepalive(void **state)
{
    uint8_t data[MEDIA_PACKET_SIZE];
    struct media_packet first, second;

    (void)state;
    rtp = live_stream(NULL, 0);
    live_params(&params, "ulaw", &peer);
    params.keepalive_ms = 100;
    ast_rtp_start(rtp, &params);
    assert_int_equal(live_receive(&peer, data, sizeof(data), &first), 13);
    assert_int_equal(live_receive(&peer, data, sizeof(data), &second), 13);
    assert_int_equal(first.payload_type, 13);
    assert_int_equal(second.sequence, (uint16_t)(first.sequence + 1));
    assert_in_range(second.timestamp - first.timestamp, 8 * 90, 8 * 2000);
}

/* ---- telephone-events ---- */

static char heard[32];
static unsigned heard_count, heard_ms;

static void on_dtmf(void *data, char digit, unsigned duration_ms)
{
    (void)data;
    heard[heard_count++ % sizeof(heard)] = digit;
    heard_ms = duration_ms;
}

static bool heard_four(void)
{
    return heard_count == 4;
}

static const struct ast_rtp_events dtmf_events = {.dtmf = on_dtmf};

/* Two streams of ours: what one sends the other one hears. */
static void dtmf_from_stream_to_stream(void **state)
{
    struct ast_rtp *other = live_stream(NULL, 0);
    struct ast_rtp_params back;

    (void)state;
    heard_count = 0;
    rtp = live_stream(&dtmf_events, 0);
    live_params(&params, "ulaw", &peer);
    back = params;
    params.remote_rtp.ipv4.sin_port = htons((uint16_t)ast_rtp_port(other));
    back.remote_rtp.ipv4.sin_port = htons((uint16_t)ast_rtp_port(rtp));
    ast_rtp_start(rtp, &params);
    assert_int_equal(ast_rtp_send_dtmf(other, '1', 80), -1); /* not started */
    ast_rtp_start(other, &back);
    assert_int_equal(ast_rtp_send_dtmf(other, 'x', 80), -1);
    assert_int_equal(ast_rtp_send_dtmf(other, '1', 80), 0);
    assert_int_equal(ast_rtp_send_dtmf(other, '1', 80), 0);
    assert_int_equal(ast_rtp_send_dtmf(other, '#', 80), 0);
    assert_int_equal(ast_rtp_send_dtmf(other, 'd', 100), 0);
    assert_true(live_until(heard_four));
    live_run(300);
    assert_int_equal(heard_count, 4);
    assert_memory_equal(heard, "11#D", 4);
    assert_int_equal(heard_ms, 100);
    back.tx_event_payload_type = -1;
    ast_rtp_start(other, &back);
    assert_int_equal(ast_rtp_send_dtmf(other, '1', 80), -1);
    ast_rtp_destroy(other);
}

static void dtmf_whose_ends_are_lost(void **state)
{
    static const uint8_t event[4] = {3, 0x0a, 0x01, 0x40};

    (void)state;
    heard_count = 3;
    start_stream("ulaw", &dtmf_events, 0);
    peer.payload_type = 101;
    live_send(&peer, event, 4);
    assert_true(live_until(heard_four));
    assert_int_equal(heard_ms, 40);
}

/* A peer that sends nothing but digits can not keep the SIP thread busy without end. */
static void flood_of_digits(void **state)
{
    static const uint8_t event[4] = {3, 0x8a, 0x01, 0x40};

    (void)state;
    heard_count = 0;
    start_stream("ulaw", &dtmf_events, 0);
    peer.payload_type = 101;
    for (unsigned i = 0; i < 5000; i++) {
        live_send(&peer, event, 4);
    }
    struct timespec pause = {0, 100000000};

    nanosleep(&pause, NULL); /* the tasks wait */
    live_run(100);
    assert_in_range(heard_count, 1, 16);
}

/* ---- recycling ---- */

static void ports_run_out_and_come_back(void **state)
{
    struct ast_rtp_options options;
    struct ast_rtp *all[10] = {0}, *more = NULL;
    unsigned before[10];

    (void)state;
    ast_rtp_options_init(&options);
    pj_sockaddr_init(pj_AF_INET(), &options.address, NULL, 0);
    options.address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    options.port_start = 29001; /* odd: the pair begins at 29002 */
    options.port_end = 29022;   /* a port without its pair at the end */
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(ast_rtp_create(&all[i], &options), 0);
        before[i] = ast_rtp_port(all[i]);
        assert_in_range(before[i], 29002, 29020);
        assert_int_equal(before[i] % 2, 0);
        for (unsigned j = 0; j < i; j++) {
            assert_int_not_equal(before[i], before[j]);
        }
    }
    assert_int_equal(ast_rtp_create(&more, &options), -1);
    assert_null(more);
    live_params(&params, "ulaw", &peer);
    ast_rtp_start(all[7], &params);
    live_run(300); /* the media thread saw that one */
    for (unsigned i = 5; i < 10; i++) {
        ast_rtp_destroy(all[i]);
    }
    live_run(300);
    for (unsigned i = 5; i < 10; i++) { /* nothing rested, but nothing else is left */
        assert_int_equal(ast_rtp_create(&all[i], &options), 0);
    }
    assert_int_equal(ast_rtp_create(&more, &options), -1);
    for (unsigned i = 0; i < 10; i++) {
        ast_rtp_destroy(all[i]);
    }
    options.port_start = 29003;
    options.port_end = 29004;
    assert_int_equal(ast_rtp_create(&more, &options), -1); /* no pair fits */
    options.port_start = 65534;
    options.port_end = 70000;
    assert_int_equal(ast_rtp_create(&more, &options), -1);
}

/* A port that somebody else has is passed over, odd or even. */
static void ports_of_others(void **state)
{
    struct ast_rtp_options options;
    struct sockaddr_in taken = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int even = socket(AF_INET, SOCK_DGRAM, 0), odd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ast_rtp *more = NULL;

    (void)state;
    taken.sin_port = htons(29102);
    assert_int_equal(bind(even, (struct sockaddr *)&taken, sizeof(taken)), 0);
    taken.sin_port = htons(29105);
    assert_int_equal(bind(odd, (struct sockaddr *)&taken, sizeof(taken)), 0);
    ast_rtp_options_init(&options);
    pj_sockaddr_init(pj_AF_INET(), &options.address, NULL, 0);
    options.address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    options.port_start = 29100;
    options.port_end = 29105;
    assert_int_equal(ast_rtp_create(&rtp, &options), 0);
    assert_int_equal(ast_rtp_port(rtp), 29100);
    assert_int_equal(ast_rtp_create(&more, &options), -1);
    close(even);
    assert_int_equal(ast_rtp_create(&more, &options), 0);
    assert_int_equal(ast_rtp_port(more), 29102);
    ast_rtp_destroy(more);
    close(odd);
}

/* An option of the socket of this process that has a port. */
static int option_of(unsigned port, int level, int name)
{
    for (int fd = 3; fd < 200; fd++) {
        struct sockaddr_in address = {0};
        socklen_t length = sizeof(address);
        int value = -1;

        if (getsockname(fd, (struct sockaddr *)&address, &length) == 0 &&
            address.sin_family == AF_INET && ntohs(address.sin_port) == port) {
            length = sizeof(value);
            assert_int_equal(getsockopt(fd, level, name, &value, &length), 0);
            return value;
        }
    }
    fail_msg("no socket with port %u", port);
    return -1;
}

/* The only pair of a range is handed out again and again: what one call wanted is not the next
 * one's. */
static void marks(void **state)
{
    struct ast_rtp_options options;

    (void)state;
    ast_rtp_options_init(&options);
    pj_sockaddr_init(pj_AF_INET(), &options.address, NULL, 0);
    options.address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    options.port_start = 29200;
    options.port_end = 29201;
    for (unsigned i = 0; i < 4; i++) {
        options.tos = i % 2 ? 0 : 0xb8;
        options.cos = i % 2 ? 0 : 4;
        assert_int_equal(ast_rtp_create(&rtp, &options), 0);
        for (unsigned port = 29200; port < 29202; port++) {
            assert_int_equal(option_of(port, IPPROTO_IP, IP_TOS), options.tos);
            assert_int_equal(option_of(port, SOL_SOCKET, SO_PRIORITY), (int)options.cos);
        }
        ast_rtp_destroy(rtp);
        rtp = NULL;
        live_run(100);
    }
}

static void no_address(void **state)
{
    struct ast_rtp_options options;
    struct ast_rtp *more = NULL;

    (void)state;
    ast_rtp_options_init(&options);
    assert_int_equal(ast_rtp_create(&more, &options), -1);
    pj_sockaddr_init(pj_AF_INET(), &options.address, NULL, 0);
    options.address.ipv4.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1 is not ours */
    assert_int_equal(ast_rtp_create(&more, &options), -1);
}

/* A stream that is taken again knows nothing of its former life. */
static void recycled_is_new(void **state)
{
    uint8_t payload[160] = {0}, data[MEDIA_PACKET_SIZE];
    struct media_packet first, second;
    unsigned port;

    (void)state;
    start_stream("ulaw", &dtmf_events, 0);
    ast_rtp_set_echo(rtp);
    live_send(&peer, payload, sizeof(payload));
    assert_int_equal(live_receive(&peer, data, sizeof(data), &first), 172);
    port = peer.port;
    ast_rtp_destroy(rtp);
    live_run(1400); /* it rested, and was not closed yet */
    rtp = live_stream(NULL, 0);
    assert_int_equal(ast_rtp_port(rtp), port);
    assert_null(ast_rtp_get_params(rtp));
    live_send(&peer, payload, sizeof(payload)); /* not started: dropped */
    live_run(20);
    ast_rtp_start(rtp, &params);
    assert_ptr_equal(ast_rtp_get_params(rtp)->codec, params.codec);
    assert_int_equal(ast_rtp_get_params(rtp)->ptime, 20);
    live_send(&peer, payload, sizeof(payload));
    assert_true(live_silent(&peer)); /* idle */
    ast_rtp_set_echo(rtp);
    live_send(&peer, payload, sizeof(payload));
    assert_int_equal(live_receive(&peer, data, sizeof(data), &second), 172);
    assert_int_not_equal(second.ssrc, first.ssrc);
    get_stats();
    assert_int_equal(stats.rx_packets, 2);
}

static unsigned open_sockets(void)
{
    unsigned count = 0;

    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in name = {0};
        socklen_t length = sizeof(name);

        count += getsockname(fd, (struct sockaddr *)&name, &length) == 0 &&
                 ntohs(name.sin_port) >= LIVE_PORT_START && ntohs(name.sin_port) <= LIVE_PORT_END;
    }
    return count;
}

static bool all_closed(void)
{
    return open_sockets() == 0;
}

/* After a burst of calls nothing stays open. */
static void idle_sockets_are_closed(void **state)
{
    (void)state;
    live_params(&params, "ulaw", &peer);
    for (unsigned i = 0; i < 50; i++) {
        struct ast_rtp *const one = live_stream(NULL, 0);

        ast_rtp_start(one, &params);
        ast_rtp_set_echo(one);
        ast_rtp_destroy(one);
    }
    assert_int_equal(open_sockets(), 100);
    live_run(2000);
    assert_true(live_until(all_closed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(echo_is_identical, begin, end),
        cmocka_unit_test_setup_teardown(echo_maps_payload_types, begin, end),
        cmocka_unit_test_setup_teardown(modes_and_directions, begin, end),
        cmocka_unit_test_setup_teardown(another_source_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(only_the_peer_is_heard, begin, end),
        cmocka_unit_test_setup_teardown(symmetric_on, begin, end),
        cmocka_unit_test_setup_teardown(symmetric_off, begin, end),
        cmocka_unit_test_setup_teardown(moved_by_an_offer, begin, end),
        cmocka_unit_test_setup_teardown(flood_of_garbage, begin, end),
        cmocka_unit_test_setup_teardown(loss_is_counted, begin, end),
        cmocka_unit_test_setup_teardown(stats_of_a_destroyed_stream, begin, end),
        cmocka_unit_test_setup_teardown(timeout_once_until_rtp_comes, begin, end),
        cmocka_unit_test_setup_teardown(keepalive, begin, end),
        cmocka_unit_test_setup_teardown(dtmf_from_stream_to_stream, begin, end),
        cmocka_unit_test_setup_teardown(dtmf_whose_ends_are_lost, begin, end),
        cmocka_unit_test_setup_teardown(flood_of_digits, begin, end),
        cmocka_unit_test_setup_teardown(ports_run_out_and_come_back, begin, end),
        cmocka_unit_test_setup_teardown(ports_of_others, begin, end),
        cmocka_unit_test_setup_teardown(marks, begin, end),
        cmocka_unit_test_setup_teardown(no_address, begin, end),
        cmocka_unit_test_setup_teardown(recycled_is_new, begin, end),
        cmocka_unit_test_setup_teardown(idle_sockets_are_closed, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
