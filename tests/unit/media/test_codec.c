/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of codecs, and what goes through each coder: a tone that comes out as it went in. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/media.h"

static int begin(void **state)
{
    (void)state;
    pj_log_set_level(1);
    pj_init();
    return media_g722_start();
}

static int end(void **state)
{
    (void)state;
    media_g722_stop();
    pj_shutdown();
    return 0;
}

static void table(void **state)
{
    const struct ast_codec *codec;
    unsigned count = 0;

    (void)state;
    for (; (codec = ast_codec_at(count)); count++) {
        assert_ptr_equal(ast_codec_find(codec->name), codec);
        assert_ptr_equal(ast_codec_find_rtpmap(codec->encoding, codec->clock_rate, codec->channels),
                         codec);
        if (codec->payload_type >= 0) {
            assert_ptr_equal(ast_codec_find_payload_type(codec->payload_type), codec);
        }
        assert_true(codec->ptime > 0 && codec->max_ptime >= codec->ptime);
        assert_int_equal(media_codec_fit_ptime(codec, 0), codec->ptime);
        assert_int_equal(media_codec_fit_ptime(codec, codec->ptime), codec->ptime);
        assert_true(media_codec_fit_ptime(codec, 100000) <= codec->max_ptime);
        assert_true(media_codec_fit_ptime(codec, 1) >= 10);
        assert_true(!codec->can_transcode ||
                    codec->sample_rate / 1000 * codec->max_ptime <= MEDIA_MAX_SAMPLES);
        assert_int_equal(codec->can_transcode, media_codec_ops(codec) != NULL);
    }
    assert_int_equal(count, 11);
    assert_null(ast_codec_find("ulaww"));
    assert_non_null(ast_codec_find("ULAW"));
    assert_non_null(ast_codec_find_rtpmap("pcmu", 8000, 1));
    assert_null(ast_codec_find_rtpmap("PCMU", 16000, 1));
    assert_null(ast_codec_find_rtpmap("opus", 48000, 1));
    assert_null(ast_codec_find_payload_type(-1));
    assert_null(ast_codec_find_payload_type(96));
    assert_int_equal(ast_codec_find("g722")->clock_rate, 8000);
    assert_int_equal(ast_codec_find("g722")->sample_rate, 16000);
}

static void packet_times(void **state)
{
    (void)state;
    assert_int_equal(media_codec_fit_ptime(ast_codec_find("gsm"), 30), 20);
    assert_int_equal(media_codec_fit_ptime(ast_codec_find("gsm"), 10), 20);
    assert_int_equal(media_codec_fit_ptime(ast_codec_find("opus"), 30), 20);
    assert_int_equal(media_codec_fit_ptime(ast_codec_find("opus"), 50), 40);
    assert_int_equal(media_codec_fit_ptime(ast_codec_find("opus"), 120), 60);
    assert_int_equal(media_codec_fit_ptime(ast_codec_find("ulaw"), 35), 30);
    assert_int_equal(media_codec_fit_ptime(ast_codec_find("ilbc"), 20), 30);
}

/* Energy of a frequency, as a part of all energy */
static double purity(const short *samples, unsigned count, double step)
{
    double c = 0, s = 0, all = 1;

    for (unsigned i = 0; i < count; i++) {
        c += samples[i] * cos(step * i);
        s += samples[i] * sin(step * i);
        all += (double)samples[i] * samples[i];
    }
    return 2 * (c * c + s * s) / count / all;
}

static void tone_through(const char *name, unsigned ptime, double least)
{
    const struct ast_codec *const codec = ast_codec_find(name);
    const unsigned count = codec->sample_rate / 1000 * ptime;
    struct media_coder *const encoder = media_coder_create(codec, ptime, true);
    struct media_coder *const decoder = media_coder_create(codec, ptime, false);
    const double step = 2 * M_PI * 700 / codec->sample_rate;
    short *const in = calloc(count, sizeof(short));
    short *const out = calloc(MEDIA_MAX_SAMPLES, sizeof(short));
    double in_energy = 0, out_energy = 0;

    assert_non_null(encoder);
    assert_non_null(decoder);
    for (unsigned frame = 0; frame < 1000 / ptime; frame++) {
        uint8_t payload[MEDIA_MAX_PAYLOAD];

        for (unsigned i = 0; i < count; i++) {
            in[i] = (short)lrint(8000 * sin(step * (frame * count + i)));
        }
        const int octets = media_coder_encode(encoder, in, count, payload, sizeof(payload));

        assert_true(octets > 0);
        assert_int_equal(media_coder_decode(decoder, payload, (unsigned)octets, out,
                                            MEDIA_MAX_SAMPLES),
                         (int)count);
        if (frame >= 500 / ptime) {
            assert_true(purity(out, count, step) > least);
            for (unsigned i = 0; i < count; i++) {
                in_energy += (double)in[i] * in[i];
                out_energy += (double)out[i] * out[i];
            }
        }
    }
    assert_true(fabs(10 * log10(out_energy / in_energy)) < 1.5);
    media_coder_destroy(encoder);
    media_coder_destroy(decoder);
    free(in);
    free(out);
}

static void tones(void **state)
{
    (void)state;
    tone_through("ulaw", 20, 0.999);
    tone_through("ulaw", 150, 0.999);
    tone_through("alaw", 20, 0.999);
    tone_through("g722", 20, 0.99);
    tone_through("g722", 30, 0.99);
    tone_through("gsm", 20, 0.9);
    tone_through("gsm", 60, 0.9);
    tone_through("slin", 20, 0.999);
    tone_through("slin16", 40, 0.999);
    tone_through("opus", 20, 0.97);
    tone_through("opus", 10, 0.97);
    tone_through("opus", 60, 0.97);
}

static void pass_through_only(void **state)
{
    (void)state;
    assert_null(media_coder_create(ast_codec_find("g729"), 20, true));
    assert_null(media_coder_create(ast_codec_find("ilbc"), 30, false));
}

/* What a peer sends decides nothing but sound: any octets, any length. */
static void noise_is_decoded_or_refused(void **state)
{
    static const char *const names[] = {"ulaw", "alaw", "g722", "gsm", "slin", "slin16", "opus"};
    short *const out = calloc(MEDIA_MAX_SAMPLES, sizeof(short));

    (void)state;
    for (unsigned n = 0; n < 7; n++) {
        struct media_coder *const decoder = media_coder_create(ast_codec_find(names[n]), 20, false);

        for (unsigned round = 0; round < 3000; round++) {
            const unsigned size = media_random32() % (MEDIA_MAX_PAYLOAD + 100);
            uint8_t *const payload =
                malloc(size + 1); /* of this size: the sanitizer sees the end */

            media_random(payload, size);
            if (size % 33 == 0 && size) {
                payload[0] = (uint8_t)(0xd0 | (payload[0] & 0x0f));
            }
            const int count = media_coder_decode(decoder, payload, size, out, MEDIA_MAX_SAMPLES);

            assert_true(count <= MEDIA_MAX_SAMPLES);
            free(payload);
        }
        media_coder_destroy(decoder);
    }
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(packet_times),
        cmocka_unit_test(tones),
        cmocka_unit_test(pass_through_only),
        cmocka_unit_test(noise_is_decoded_or_refused),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
