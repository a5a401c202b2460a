/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources and sinks of audio on streams that run, the promises of their end, and RTCP as it is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    rtp = live_stream(NULL, 0);
    peer.port = ast_rtp_port(rtp);
    live_params(&params, "ulaw", &peer);
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

/* ---- a source that counts, and a sink that counts what it gets ---- */

struct counter {
    unsigned left; /* frames until the end */
    atomic_uint reads, writes, samples;
    atomic_int last;
    unsigned finished, released;
};

static unsigned read_counter(void *data, short *samples, unsigned count, unsigned rate)
{
    struct counter *const counter = data;

    assert_int_equal(rate, 8000);
    counter->reads++;
    if (counter->left == 0) {
        return 0;
    }
    counter->left--;
    for (unsigned i = 0; i < count; i++) {
        samples[i] = 1000;
    }
    return counter->left ? count : count / 2;
}

static void write_counter(void *data, const short *samples, unsigned count, unsigned rate)
{
    struct counter *const counter = data;

    assert_int_equal(rate, 8000);
    counter->writes++;
    counter->samples += count;
    counter->last = samples[count - 1];
}

static void on_finished(void *data)
{
    struct counter *const counter = data;

    assert_true(base_thread_is_sip());
    assert_int_equal(counter->released, 0);
    counter->finished++;
}

static void on_released(void *data)
{
    struct counter *const counter = data;

    assert_true(base_thread_is_sip());
    counter->released++;
}

static const struct ast_audio both = {read_counter, write_counter, on_finished, on_released};
static const struct ast_audio sink = {NULL, write_counter, on_finished, on_released};

static struct counter one, two;

static bool one_finished(void)
{
    return one.finished == 1;
}

static bool one_released(void)
{
    return one.released == 1;
}

static bool two_released(void)
{
    return two.released == 1;
}

static void reset(void)
{
    memset(&one, 0, sizeof(one));
    memset(&two, 0, sizeof(two));
}

/* Frames leave one packet time after another, to the end; then it says so, once. */
static void source_plays_to_its_end(void **state)
{
    uint8_t data[MEDIA_PACKET_SIZE];
    struct media_packet packet, last = {0};

    (void)state;
    reset();
    one.left = 25;
    assert_int_equal(ast_rtp_set_audio(rtp, &both, &one), 0);
    live_run(50);
    assert_int_equal(one.reads, 0); /* not started yet */
    const uint64_t start = media_now();

    ast_rtp_start(rtp, &params);
    for (unsigned i = 0; i < 25; i++) {
        assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 172);
        assert_int_equal(packet.marker, i == 0);
        assert_int_equal(data[12], 0xce);                   /* 1000 in mu-law */
        assert_int_equal(data[171], i == 24 ? 0xff : 0xce); /* the end of the last is silence */
        if (i > 0) {
            assert_int_equal(packet.sequence, (uint16_t)(last.sequence + 1));
            assert_int_equal(packet.timestamp, last.timestamp + 160);
        }
        last = packet;
    }
    /* 24 packet times, without drift */
    assert_in_range(media_now() - start, 478 * 1000000ull, 1500 * 1000000ull);
    assert_true(live_until(one_finished));
    assert_true(live_silent(&peer));
    assert_int_equal(one.reads, 25);
    assert_int_equal(one.released, 0);
    ast_rtp_set_idle(rtp);
    assert_true(live_until(one_released));
    live_run(50);
    assert_int_equal(one.finished, 1);
    assert_int_equal(one.released, 1);
}

static void packet_time_of_60(void **state)
{
    uint8_t data[MEDIA_PACKET_SIZE];
    struct media_packet packet;
    uint32_t before;

    (void)state;
    reset();
    one.left = 100;
    params.ptime = 65;
    ast_rtp_start(rtp, &params);
    assert_int_equal(ast_rtp_get_params(rtp)->ptime, 60);
    assert_int_equal(ast_rtp_set_audio(rtp, &both, &one), 0);
    assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 12 + 480);
    before = packet.timestamp;
    assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 12 + 480);
    assert_int_equal(packet.timestamp, before + 480);
}

static bool ten_writes(void)
{
    return one.writes == 10;
}

static void sink_gets_what_comes(void **state)
{
    uint8_t payload[160];

    (void)state;
    reset();
    memset(payload, 0xce, sizeof(payload));
    ast_rtp_start(rtp, &params);
    assert_int_equal(ast_rtp_set_audio(rtp, &sink, &one), 0);
    for (unsigned i = 0; i < 10; i++) {
        live_send(&peer, payload, sizeof(payload));
        if (i == 5) {
            peer.sequence--; /* once more: it is heard once */
            live_send(&peer, payload, sizeof(payload));
        }
    }
    assert_true(live_until(ten_writes));
    live_run(50);
    assert_int_equal(one.writes, 10);
    assert_int_equal(one.samples, 1600);
    assert_in_range(one.last, 950, 1050);
    assert_int_equal(one.finished, 0);
}

/* One after the other, so fast that the media thread may never see the first: each is released, once. */
static void replaced_sources_are_released(void **state)
{
    (void)state;
    reset();
    one.left = two.left = 1000000;
    ast_rtp_start(rtp, &params);
    assert_int_equal(ast_rtp_set_audio(rtp, &both, &one), 0);
    assert_int_equal(ast_rtp_set_audio(rtp, &both, &two), 0);
    assert_true(live_until(one_released));
    live_run(60);
    assert_true(two.reads > 0);
    assert_int_equal(two.released, 0);
    ast_rtp_destroy(rtp);
    rtp = NULL;
    assert_true(live_until(two_released));
    const unsigned reads = two.reads;

    live_run(60);
    assert_int_equal(two.reads, reads);
    assert_int_equal(one.released, 1);
    assert_int_equal(two.released, 1);
    assert_int_equal(one.finished + two.finished, 0);
}

/* It came to its end, but was replaced before that was told: it is not told any more. */
static void finished_is_not_told_of_the_replaced(void **state)
{
    const struct timespec pause = {0, 50 * 1000000};

    (void)state;
    reset();
    one.left = 1;
    ast_rtp_start(rtp, &params);
    assert_int_equal(ast_rtp_set_audio(rtp, &both, &one), 0);
    for (unsigned i = 0; i < 100 && one.reads == 0; i++) {
        nanosleep(&pause, NULL);
    }
    nanosleep(&pause, NULL); /* the task waits */
    ast_rtp_set_echo(rtp);
    assert_true(live_until(one_released));
    assert_int_equal(one.reads, 1);
    assert_int_equal(one.finished, 0);
}

static void never_started_never_seen(void **state)
{
    (void)state;
    reset();
    assert_int_equal(ast_rtp_set_audio(rtp, &sink, &one), 0);
    ast_rtp_destroy(rtp);
    rtp = NULL;
    assert_true(live_until(one_released));
}

/* The room stops with the stream in use: what was promised is kept. */
static void released_at_the_stop(void **state)
{
    (void)state;
    reset();
    one.left = 1000;
    assert_int_equal(live_start(2), 0);
    live_peer_open(&peer, "127.0.0.1");
    rtp = live_stream(NULL, 0);
    live_params(&params, "ulaw", &peer);
    ast_rtp_start(rtp, &params);
    assert_int_equal(ast_rtp_set_audio(rtp, &both, &one), 0);
    live_run(50);
    live_stop();
    assert_int_equal(one.released, 1);
    live_peer_close(&peer);
}

static void codec_without_coder(void **state)
{
    (void)state;
    reset();
    live_params(&params, "g729", &peer);
    params.rx_payload_type = params.tx_payload_type = 18;
    /* known before: refused */
    ast_rtp_start(rtp, &params);
    assert_int_equal(ast_rtp_set_audio(rtp, &both, &one), -1);
    /* only known later: the source is told that it is over */
    live_params(&params, "ulaw", &peer);
    ast_rtp_start(rtp, &params);
    one.left = 1000;
    assert_int_equal(ast_rtp_set_audio(rtp, &both, &one), 0);
    live_params(&params, "g729", &peer);
    ast_rtp_start(rtp, &params);
    assert_true(live_until(one_finished));
    assert_int_equal(one.released, 0);
}

/* A digit takes the place of the audio, which goes on behind it with the time that passed. */
static void digit_within_audio(void **state)
{
    uint8_t data[MEDIA_PACKET_SIZE];
    struct media_packet packet = {0}, last = {0};
    unsigned events = 0, marked = 0;

    (void)state;
    reset();
    one.left = 1000;
    ast_rtp_start(rtp, &params);
    assert_int_equal(ast_rtp_set_audio(rtp, &both, &one), 0);
    assert_true(live_receive(&peer, data, sizeof(data), &last) > 0);
    assert_int_equal(ast_rtp_send_dtmf(rtp, '7', 100), 0);
    for (unsigned i = 0; i < 30; i++) {
        assert_true(live_receive(&peer, data, sizeof(data), &packet) > 0);
        assert_int_equal(packet.sequence, (uint16_t)(last.sequence + 1));
        if (packet.payload_type == 101) {
            events++;
            assert_int_equal(packet.length, 4);
            assert_int_equal(data[12], 7);
            assert_int_equal(packet.marker, events == 1);
        } else {
            marked += packet.marker;
            assert_true((int32_t)(packet.timestamp - last.timestamp) > 0);
        }
        last = packet;
    }
    assert_int_equal(events, 7);
    assert_int_equal(marked, 1);
}

/* ---- RTCP ---- */

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static struct ast_rtp_stats stats;
static bool told;

static void on_stats(void *data, const struct ast_rtp_stats *now)
{
    (void)data;
    stats = *now;
    told = true;
}

static bool was_told(void)
{
    return told;
}

/* The peer sends ten packets and a report, hears the echo; the report that it gets is right in every field. */
static void reports(void **state)
{
    uint8_t data[MEDIA_PACKET_SIZE], payload[160] = {0};
    const struct media_rtcp_report from_peer = {.ssrc = peer.ssrc,
                                                .sender = true,
                                                .ntp = 0x0102030405060708,
                                                .cname = "peer"};
    struct media_packet packet;
    uint64_t sent_at;
    int size;

    (void)state;
    ast_rtp_start(rtp, &params);
    ast_rtp_set_echo(rtp);
    for (unsigned i = 0; i < 10; i++) {
        live_send(&peer, payload, sizeof(payload));
        peer.sequence += i == 4; /* one is lost */
        assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 172);
    }
    sent_at = media_now();
    live_send_rtcp(&peer, data, media_rtcp_write(data, &from_peer));
    size = live_receive_rtcp(&peer, data, sizeof(data), 4000);
    const uint64_t lay = (media_now() - sent_at) / 1000; /* us */

    assert_true(size >= 28 + 24 + 8);
    assert_int_equal(data[0], 0x81);
    assert_int_equal(data[1], 200);
    assert_int_equal(get32(data + 4), packet.ssrc);
    assert_in_range(get32(data + 8), (uint64_t)time(NULL) + 2208988800u - 2,
                    (uint64_t)time(NULL) + 2208988800u + 1);
    /* its RTP time is the last packet's and what passed since */
    assert_in_range(get32(data + 16) - packet.timestamp, lay * 8 / 1000 - 1600,
                    lay * 8 / 1000 + 1600);
    assert_int_equal(get32(data + 20), 10);
    assert_int_equal(get32(data + 24), 1600);
    assert_int_equal(get32(data + 28), peer.ssrc);
    assert_int_equal(data[32], 256 / 11);
    assert_int_equal(get32(data + 32) & 0xffffff, 1);
    assert_int_equal(get32(data + 36), 0x10000 + (uint16_t)(peer.sequence - 1));
    assert_true(get32(data + 40) < 8000);
    assert_int_equal(get32(data + 44), 0x03040506);
    assert_in_range((uint64_t)get32(data + 48) * 1000000 / 65536, lay > 200000 ? lay - 200000 : 0,
                    lay + 1000);
    assert_int_equal(data[52], 0x81);
    assert_int_equal(data[53], 202);
    assert_int_equal(get32(data + 56), packet.ssrc);
    assert_int_equal(data[60], 1); /* CNAME */
    assert_int_equal(data[61], 16);

    /* our report comes back after 50 ms, of which it lay 30 with the peer: the round trip is 20 */
    const struct media_rtcp_report back = {.ssrc = peer.ssrc,
                                           .has_block = true,
                                           .block = {.ssrc = packet.ssrc,
                                                     .lsr = get32(data + 8) << 16 |
                                                            get32(data + 12) >> 16,
                                                     .dlsr = 65536 * 30 / 1000},
                                           .cname = "peer"};
    live_run(50);
    live_send_rtcp(&peer, data, media_rtcp_write(data, &back));
    live_run(30);
    assert_int_equal(ast_rtp_get_stats(rtp, on_stats, NULL), 0);
    told = false;
    assert_true(live_until(was_told));
    assert_in_range(stats.rtt_us, 18000, 250000);

    /* the end: what went before once more, and BYE */
    ast_rtp_destroy(rtp);
    rtp = NULL;
    size = live_receive_rtcp(&peer, data, sizeof(data), 1000);
    assert_true(size > 8);
    assert_int_equal(data[size - 8], 0x81);
    assert_int_equal(data[size - 7], 203);
    assert_int_equal(get32(data + size - 4), packet.ssrc);
}

/* Who never sent anything says nothing at its end; without an address nothing is sent. */
static void no_bye_without_anything(void **state)
{
    uint8_t data[MEDIA_PACKET_SIZE];

    (void)state;
    ast_rtp_start(rtp, &params);
    live_run(300);
    ast_rtp_destroy(rtp);
    rtp = NULL;
    assert_int_equal(live_receive_rtcp(&peer, data, sizeof(data), 400), -1);
}

static void no_rtcp_when_not_agreed(void **state)
{
    uint8_t data[MEDIA_PACKET_SIZE], payload[160] = {0};
    struct media_packet packet;

    (void)state;
    memset(&params.remote_rtcp, 0, sizeof(params.remote_rtcp));
    ast_rtp_start(rtp, &params);
    ast_rtp_set_echo(rtp);
    live_send(&peer, payload, sizeof(payload));
    assert_int_equal(live_receive(&peer, data, sizeof(data), &packet), 172);
    assert_int_equal(live_receive_rtcp(&peer, data, sizeof(data), 3200), -1);
    ast_rtp_destroy(rtp);
    rtp = NULL;
    assert_int_equal(live_receive_rtcp(&peer, data, sizeof(data), 400), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(source_plays_to_its_end, begin, end),
        cmocka_unit_test_setup_teardown(packet_time_of_60, begin, end),
        cmocka_unit_test_setup_teardown(sink_gets_what_comes, begin, end),
        cmocka_unit_test_setup_teardown(replaced_sources_are_released, begin, end),
        cmocka_unit_test_setup_teardown(finished_is_not_told_of_the_replaced, begin, end),
        cmocka_unit_test_setup_teardown(never_started_never_seen, begin, end),
        cmocka_unit_test(released_at_the_stop),
        cmocka_unit_test_setup_teardown(codec_without_coder, begin, end),
        cmocka_unit_test_setup_teardown(digit_within_audio, begin, end),
        cmocka_unit_test_setup_teardown(reports, begin, end),
        cmocka_unit_test_setup_teardown(no_bye_without_anything, begin, end),
        cmocka_unit_test_setup_teardown(no_rtcp_when_not_agreed, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
