/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many streams on several media threads, made, changed and destroyed at random while packets come: for
 * the sanitizers. What was promised is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "live.h"

#define STREAMS 40
#define ROUNDS  4000

static unsigned given, released, asked, told, digits;

static unsigned read_silence(void *data, short *samples, unsigned count, unsigned rate)
{
    (void)rate;
    memset(samples, 0, count * sizeof(*samples));
    return media_random32() % 50 ? count : 0 * (data != NULL);
}

static void write_nothing(void *data, const short *samples, unsigned count, unsigned rate)
{
    (void)data;
    (void)samples;
    (void)count;
    (void)rate;
}

static void on_released(void *data)
{
    (void)data;
    released++;
}

static const struct ast_audio audio = {.read = read_silence,
                                       .write = write_nothing,
                                       .released = on_released};

static void on_dtmf(void *data, char digit, unsigned duration_ms)
{
    (void)digit;
    (void)duration_ms;
    assert_ptr_equal(data, NULL);
    digits++;
}

static const struct ast_rtp_events events = {.dtmf = on_dtmf, .timeout = NULL};

static void on_told(void *data, const struct ast_rtp_stats *stats)
{
    (void)data;
    (void)stats;
    told++;
}

static void send_something(struct live_peer *peer, unsigned port)
{
    static const uint8_t event[4] = {1, 0x8a, 0x03, 0x20};
    uint8_t payload[160] = {0};

    peer->port = port;
    peer->payload_type = media_random32() % 4 ? 0 : 101;
    if (peer->payload_type == 0) {
        live_send(peer, payload, sizeof(payload));
    } else {
        peer->timestamp += 1000;
        live_send(peer, event, sizeof(event));
    }
}

static void do_something(struct ast_rtp **rtp, struct live_peer *peer)
{
    static const char *const codecs[] = {"ulaw", "alaw", "g722", "gsm", "opus", "slin16"};
    struct ast_rtp_params params;

    if (!*rtp) {
        *rtp = live_stream(&events, 1);
    }
    switch (media_random32() % 8) {
    case 0:
        ast_rtp_destroy(*rtp);
        *rtp = NULL;
        break;
    case 1:
        live_params(&params, codecs[media_random32() % 6], peer);
        params.rx_payload_type = 0;
        params.timeout_ms = 10;
        ast_rtp_start(*rtp, &params);
        break;
    case 2:
        ast_rtp_set_echo(*rtp);
        break;
    case 3:
        given += ast_rtp_set_audio(*rtp, &audio, NULL) == 0;
        break;
    case 4:
        ast_rtp_set_idle(*rtp);
        break;
    case 5:
        asked += ast_rtp_get_stats(*rtp, on_told, NULL) == 0;
        break;
    case 6:
        (void)ast_rtp_send_dtmf(*rtp, '5', 40);
        break;
    default:
        send_something(peer, ast_rtp_port(*rtp));
        break;
    }
}

static void anything_at_any_time(void **state)
{
    struct ast_rtp *streams[STREAMS] = {NULL};
    struct live_peer peer;

    (void)state;
    assert_int_equal(live_start(3), 0);
    live_peer_open(&peer, "127.0.0.1");
    for (unsigned round = 0; round < ROUNDS; round++) {
        do_something(&streams[media_random32() % STREAMS], &peer);
        if (round % 10 == 0) {
            live_run(1);
        }
    }
    for (unsigned i = 0; i < STREAMS; i++) {
        if (streams[i] && i % 2) { /* the rest is left to the stop */
            ast_rtp_destroy(streams[i]);
        }
    }
    live_run(300);
    live_peer_close(&peer);
    live_stop();
    assert_true(given > 100 && asked > 100 && digits > 0);
    assert_int_equal(released, given);
    assert_int_equal(told, asked);
}

/* The stop finds the SIP thread's queue closed: nothing is lost. */
static int refuse(int (*task)(void *data), void *data)
{
    (void)task;
    (void)data;
    return -1;
}

static void stop_without_a_queue(void **state)
{
    struct media_config config;
    struct ast_rtp *rtp;

    (void)state;
    pj_init();
    media_config_init(&config);
    config.port_start = LIVE_PORT_START;
    config.port_end = LIVE_PORT_END;
    config.threads = 2;
    given = released = asked = told = 0;
    assert_int_equal(media_start(&config, refuse), 0);
    for (unsigned i = 0; i < 10; i++) {
        rtp = live_stream(NULL, 0);
        assert_int_equal(ast_rtp_set_audio(rtp, &audio, NULL), 0);
        assert_int_equal(ast_rtp_get_stats(rtp, on_told, NULL), 0);
    }
    media_stop();
    assert_int_equal(released, 10);
    assert_int_equal(told, 10);
    pj_shutdown();
}

static void bad_configurations(void **state)
{
    struct media_config config;

    (void)state;
    media_config_init(&config);
    config.threads = 0;
    assert_int_equal(media_start(&config, refuse), -1);
    config.threads = MEDIA_MAX_THREADS + 1;
    assert_int_equal(media_start(&config, refuse), -1);
    config.threads = 1;
    config.port_start = 20001;
    config.port_end = 20002;
    assert_int_equal(media_start(&config, refuse), -1);
    config.port_end = 70000;
    assert_int_equal(media_start(&config, refuse), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_at_any_time),
        cmocka_unit_test(stop_without_a_queue),
        cmocka_unit_test(bad_configurations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
