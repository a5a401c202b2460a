/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tone probe, through every codec that we have, against a stream that echoes, and one that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <sipsession/tone.h>

#include "live.h"

static int begin(void **state)
{
    (void)state;
    return live_start(1);
}

static int end(void **state)
{
    (void)state;
    live_stop();
    return 0;
}

static struct ast_tone_probe *probe;

static bool heard_twice(void)
{
    struct ast_tone_result result;

    ast_tone_probe_result(probe, &result);
    return result.markers_heard == 2;
}

/* Two streams of ours, which send to each other */
static void join(struct ast_rtp *a, struct ast_rtp *b, const char *codec)
{
    struct ast_rtp_params params;
    struct live_peer unused;

    memset(&unused, 0, sizeof(unused));
    unused.rtp_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    unused.rtp_address.sin_port = htons((uint16_t)ast_rtp_port(b));
    live_params(&params, codec, &unused);
    memset(&params.remote_rtcp, 0, sizeof(params.remote_rtcp));
    ast_rtp_start(a, &params);
    params.remote_rtp.ipv4.sin_port = htons((uint16_t)ast_rtp_port(a));
    ast_rtp_start(b, &params);
}

static void through(const char *codec, unsigned most_ms, double tolerance)
{
    struct ast_rtp *const client = live_stream(NULL, 0), *const server = live_stream(NULL, 0);
    struct ast_tone_result result;

    probe = ast_tone_probe_create();
    ast_rtp_set_echo(server);
    join(client, server, codec);
    assert_int_equal(ast_tone_probe_attach(probe, client), 0);
    assert_int_equal(ast_tone_probe_attach(probe, client), -1);
    assert_true(live_until(heard_twice));
    ast_tone_probe_result(probe, &result);
    print_message("%-7s %u of %u markers, %u ms, %.2f dBm0\n", codec, result.markers_heard,
                  result.markers_sent, result.delay_ms, result.level_dbm0);
    assert_int_equal(result.heard, 1);
    assert_in_range(result.markers_sent, 2, 3);
    assert_in_range(result.delay_ms, 0, most_ms);
    assert_true(result.level_dbm0 > -13 - tolerance && result.level_dbm0 < -13 + tolerance);
    ast_rtp_destroy(client);
    ast_rtp_destroy(server);
    ast_tone_probe_destroy(probe);
    live_run(50);
}

static void every_codec(void **state)
{
    (void)state;
    through("ulaw", 50, 0.3);
    through("alaw", 50, 0.3);
    through("g722", 55, 1);
    through("gsm", 55, 2);
    through("slin", 50, 0.3);
    through("slin16", 50, 0.3);
    through("opus", 75, 2);
}

/* The other side sends a tone of its own: that is not ours that came back. */
static void another_tone_is_not_ours(void **state)
{
    struct ast_rtp *const a = live_stream(NULL, 0), *const b = live_stream(NULL, 0);
    struct ast_tone_result result;
    struct ast_tone_probe *const deaf = ast_tone_probe_create();

    (void)state;
    join(a, b, "ulaw");
    assert_int_equal(ast_tone_probe_attach(deaf, a), 0);
    live_run(1500);
    ast_tone_probe_result(deaf, &result);
    assert_int_equal(result.heard, 0);
    assert_in_range(result.markers_sent, 1, 2);
    assert_int_equal(result.delay_ms, 0);
    ast_tone_probe_destroy(deaf); /* before the stream */
    ast_rtp_destroy(a);
    ast_rtp_destroy(b);
    live_run(50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_codec, begin, end),
        cmocka_unit_test_setup_teardown(another_tone_is_not_ours, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
