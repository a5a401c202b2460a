/* SPDX-License-Identifier: GPL-2.0-or-later */
/* WAV files: what is read, what is refused and why, the cache, and what a player makes of one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "media/media.h"

static char path[64];

static int begin(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/test_wav_%d.wav", (int)getpid());
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    media_wav_forget_all();
    return 0;
}

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value & 0xffff);
    put16(at + 2, value >> 16);
}

/* A file of 44 octets and a sine of 500 Hz */
static size_t make(uint8_t *file, unsigned rate, unsigned count)
{
    memset(file, 0, 44);
    memcpy(file, "RIFF", 4);
    put32(file + 4, 36 + 2 * count);
    memcpy(file + 8, "WAVEfmt ", 8);
    put32(file + 16, 16);
    put16(file + 20, 1);
    put16(file + 22, 1);
    put32(file + 24, rate);
    put32(file + 28, 2 * rate);
    put16(file + 32, 2);
    put16(file + 34, 16);
    memcpy(file + 36, "data", 4);
    put32(file + 40, 2 * count);
    for (unsigned i = 0; i < count; i++) {
        put16(file + 44 + 2 * (size_t)i,
              (unsigned short)(short)lrint(10000 * sin(2 * M_PI * 500 * i / rate)));
    }
    return 44 + 2 * (size_t)count;
}

static void write_file(const uint8_t *file, size_t size)
{
    FILE *const out = fopen(path, "w");

    assert_int_equal(fwrite(file, 1, size, out), size);
    fclose(out);
}

static void parsed(void **state)
{
    uint8_t file[2048];
    const size_t size = make(file, 8000, 400);
    struct media_wav *wav = NULL;
    char why[128];

    (void)state;
    assert_int_equal(media_wav_parse(file, size, &wav, why, sizeof(why)), 0);
    assert_int_equal(wav->rate, 8000);
    assert_int_equal(wav->count, 400);
    assert_int_equal(wav->samples[0], 0);
    assert_int_equal(wav->samples[4], 10000);
    assert_int_equal(wav->samples[12], -10000);
    media_wav_unref(wav);
    /* other chunks before the data, one of odd length; something behind it */
    uint8_t more[2048];

    memcpy(more, file, 36);
    memcpy(more + 36, "LIST\x03\0\0\0abc\0", 12);
    memcpy(more + 48, file + 36, size - 36);
    memcpy(more + 12 + size, "junk", 4);
    assert_int_equal(media_wav_parse(more, size + 16, &wav, why, sizeof(why)), 0);
    assert_int_equal(wav->count, 400);
    assert_int_equal(wav->samples[4], 10000);
    media_wav_unref(wav);
}

static void refused_because(size_t offset, unsigned value, unsigned octets, const char *expected)
{
    uint8_t *const file = malloc(44 + 800);
    const size_t size = make(file, 8000, 400);
    struct media_wav *wav = NULL;
    char why[128] = "";

    for (unsigned i = 0; i < octets; i++) {
        file[offset + i] = (uint8_t)(value >> (8 * i));
    }
    assert_int_equal(media_wav_parse(file, size, &wav, why, sizeof(why)), -1);
    assert_null(wav);
    assert_non_null(strstr(why, expected));
    free(file);
}

static void refused(void **state)
{
    (void)state;
    refused_because(0, 'X', 1, "no WAV file");
    refused_because(8, 'X', 1, "no WAV file");
    refused_because(20, 6, 2, "its format is 6");  /* A-law */
    refused_because(16, 15, 4, "its format is 0"); /* a format chunk that is too short */
    refused_because(22, 2, 2, "2 channels");
    refused_because(34, 8, 2, "8 bits");
    refused_because(24, 44100, 4, "44100 Hz");
    refused_because(40, 801, 4, "it is cut");
    refused_because(40, 0xffffffff, 4, "it is cut");
    refused_because(40, 799, 4, "no whole samples");
    refused_because(40, 0, 4, "no whole samples");
    refused_because(12, 'X', 1, "its format is missing");
    refused_because(36, 'X', 1, "it has no data");
    refused_because(16, 0xfffffff0, 4, "it is cut");
}

/* Cut anywhere, or with any octet of its head changed: read or refused, never read beyond. */
static void broken_anyhow(void **state)
{
    char why[128];
    struct media_wav *wav = NULL;

    (void)state;
    for (size_t size = 0; size < 64; size++) {
        uint8_t whole[64];
        uint8_t *const file = malloc(size + 1);

        make(whole, 16000, 10);
        memcpy(file, whole, size);
        assert_int_equal(media_wav_parse(file, size, &wav, why, sizeof(why)), size == 64 ? 0 : -1);
        free(file);
    }
    for (unsigned round = 0; round < 44 * 256; round++) {
        uint8_t *const file = malloc(64);

        make(file, 16000, 10);
        file[round / 256] = (uint8_t)round;
        if (media_wav_parse(file, 64, &wav, why, sizeof(why)) == 0) {
            media_wav_unref(wav);
        }
        free(file);
    }
}

static void loaded_and_cached(void **state)
{
    uint8_t file[2048];
    struct media_wav *first = NULL, *second = NULL, *third = NULL;

    (void)state;
    write_file(file, make(file, 8000, 400));
    assert_int_equal(media_wav_load(path, &first), 0);
    assert_int_equal(media_wav_load(path, &second), 0);
    assert_ptr_equal(first, second);
    write_file(file, make(file, 16000, 500)); /* it changed */
    assert_int_equal(media_wav_load(path, &third), 0);
    assert_ptr_not_equal(first, third);
    assert_int_equal(third->rate, 16000);
    assert_int_equal(first->rate, 8000); /* who plays the old one goes on with it */
    media_wav_unref(first);
    media_wav_unref(second);
    media_wav_unref(third);
}

static void not_loaded(void **state)
{
    struct media_wav *wav = NULL;

    (void)state;
    assert_int_equal(media_wav_load("/tmp/there/is/none.wav", &wav), -1);
    assert_int_equal(media_wav_load("/tmp", &wav), -1);
    write_file((const uint8_t *)"RIFF", 4);
    assert_int_equal(media_wav_load(path, &wav), -1);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* it does not wait for a writer */
    assert_int_equal(media_wav_load(path, &wav), -1);
    assert_null(wav);
}

/* ---- the player ---- */

static unsigned releases;

static void on_released(void *data)
{
    assert_ptr_equal(data, path);
    releases++;
}

static const struct ast_audio events = {.released = on_released};

static unsigned play(struct media_wav_player *player, unsigned rate, unsigned count, short *out)
{
    const unsigned made = media_wav_player_audio.read(player, out, count, rate);

    assert_true(made <= count);
    return made;
}

/* Plays half a second of the file at another rate: a sine of the same frequency and height, without an echo
 * of the other half of the spectrum, and of the same length. */
static void played_at(unsigned file_rate, unsigned rate)
{
    static uint8_t file[44 + 2 * 8000];
    static short out[24000 + 960];
    struct media_wav *wav = NULL;
    struct media_wav_player *player;
    unsigned made = 0, got;
    double c = 0, s = 0, all = 0;
    char why[128];

    assert_int_equal(media_wav_parse(file, make(file, file_rate, file_rate / 2), &wav, why,
                                     sizeof(why)),
                     0);
    player = media_wav_player_create(wav, &events, path);
    media_wav_unref(wav);
    while ((got = play(player, rate, rate / 50, out + made)) == rate / 50) {
        made += got;
        assert_true(made <= rate / 2 + rate / 50);
    }
    made += got;
    assert_in_range(made, rate / 2 - 2, rate / 2 + 2);
    for (unsigned i = 0; i < made; i++) {
        c += out[i] * cos(2 * M_PI * 500 * i / rate);
        s += out[i] * sin(2 * M_PI * 500 * i / rate);
        all += (double)out[i] * out[i];
    }
    assert_in_range(2 * s / made, 9900, 10100); /* in phase: the filter's delay is taken out */
    assert_true(fabs(2 * c / made) < 200);
    assert_true(2 * (c * c + s * s) / made / all > 0.998);
    releases = 0;
    media_wav_player_audio.released(player);
    assert_int_equal(releases, 1);
}

static void played(void **state)
{
    (void)state;
    played_at(8000, 8000);
    played_at(8000, 16000);
    played_at(8000, 48000);
    played_at(16000, 16000);
    played_at(16000, 8000);
    played_at(16000, 48000);
}

/* The codec changes in the middle. */
static void played_at_two_rates(void **state)
{
    static uint8_t file[44 + 2 * 8000];
    short out[960];
    struct media_wav *wav = NULL;
    struct media_wav_player *player;
    unsigned long long ms = 0;
    char why[128];

    (void)state;
    assert_int_equal(media_wav_parse(file, make(file, 8000, 8000), &wav, why, sizeof(why)), 0);
    player = media_wav_player_create(wav, NULL, NULL);
    media_wav_unref(wav);
    for (unsigned i = 0;; i++) {
        const unsigned rate = i % 10 < 5 ? 8000 : 48000;

        if (play(player, rate, rate / 50, out) < rate / 50) {
            break;
        }
        ms += 20;
    }
    assert_in_range(ms, 940, 1010);
    media_wav_player_destroy(player);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsed),
        cmocka_unit_test(refused),
        cmocka_unit_test(broken_anyhow),
        cmocka_unit_test_setup_teardown(loaded_and_cached, begin, end),
        cmocka_unit_test_setup_teardown(not_loaded, begin, end),
        cmocka_unit_test(played),
        cmocka_unit_test(played_at_two_rates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
