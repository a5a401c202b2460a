/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is out, at each allocation in turn: told or survived, and nothing is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/failmalloc.h"
#include "live.h"

static unsigned released, told;

static unsigned read_some(void *data, short *samples, unsigned count, unsigned rate)
{
    (void)data;
    (void)rate;
    memset(samples, 0, count * sizeof(*samples));
    return count;
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

static void on_told(void *data, const struct ast_rtp_stats *stats)
{
    (void)data;
    (void)stats;
    told++;
}

static const struct ast_audio audio = {.read = read_some,
                                       .write = write_nothing,
                                       .released = on_released};

static int push(int (*task)(void *data), void *data)
{
    (void)task;
    (void)data;
    return -1; /* so that all is said at the stop */
}

/* One stream's whole life, with a packet and a digit on the way */
static int use_stream(struct ast_rtp *rtp, struct live_peer *peer)
{
    static const uint8_t payload[160];
    struct ast_rtp_params params;
    unsigned given = 0, asked = 0;

    released = told = 0;
    live_params(&params, "opus", peer);
    params.rx_payload_type = 0;
    ast_rtp_start(rtp, &params);
    given = ast_rtp_set_audio(rtp, &audio, NULL) == 0;
    asked = ast_rtp_get_stats(rtp, on_told, NULL) == 0;
    peer->port = ast_rtp_port(rtp);
    live_send(peer, payload, sizeof(payload));
    peer->payload_type = 101;
    live_send(peer, "\x05\x8a\x03\x20", 4);
    peer->payload_type = 0;
    usleep(60000);
    ast_rtp_destroy(rtp);
    media_stop();
    assert_int_equal(released, given);
    assert_int_equal(told, asked);
    return given && asked ? 0 : -1;
}

static int live_one_life(void *data)
{
    struct live_peer *const peer = data;
    struct media_config config;
    struct ast_rtp_options options;
    struct ast_rtp *rtp = NULL;

    media_config_init(&config);
    config.port_start = LIVE_PORT_START;
    config.port_end = LIVE_PORT_END;
    if (media_start(&config, push)) {
        return -1;
    }
    ast_rtp_options_init(&options);
    pj_sockaddr_init(pj_AF_INET(), &options.address, NULL, 0);
    options.address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (ast_rtp_create(&rtp, &options)) {
        assert_null(rtp);
        media_stop();
        return -1;
    }
    return use_stream(rtp, peer);
}

static void stream(void **state)
{
    struct live_peer peer;

    (void)state;
    pj_log_set_level(1);
    pj_init();
    live_peer_open(&peer, "127.0.0.1");
    /* Some are of the media thread, which does without: an event or a frame is lost. */
    assert_in_range(failmalloc_each(live_one_life, &peer, 1), 8, 40);
    live_peer_close(&peer);
    pj_shutdown();
}

static int load_file(void *data)
{
    struct media_wav *wav = NULL;
    struct media_wav_player *player;

    if (media_wav_load(data, &wav)) {
        assert_null(wav);
        return -1;
    }
    player = media_wav_player_create(wav, NULL, NULL);
    media_wav_unref(wav);
    media_wav_forget_all();
    if (!player) {
        return -1;
    }
    media_wav_player_destroy(player);
    return 0;
}

static void file(void **state)
{
    static const uint8_t octets[48] =
        "RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0"
        "\2\0\x10\0data\4\0\0\0\1\0\2";
    char path[64];
    FILE *out;

    (void)state;
    snprintf(path, sizeof(path), "/tmp/test_memory_%d.wav", (int)getpid());
    out = fopen(path, "w");
    assert_int_equal(fwrite(octets, 1, sizeof(octets), out), sizeof(octets));
    fclose(out);
    /* the file, the two parts of a WAV, the cache's entry (it may be missing), the player */
    assert_int_equal(failmalloc_each(load_file, path, 1), 5);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream),
        cmocka_unit_test(file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
