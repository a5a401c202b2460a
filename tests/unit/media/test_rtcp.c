/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTCP's octets: compared with ones that RFC 3550's figures give, and read against broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "media/media.h"

static const struct media_rtcp_report full = {
    .ssrc = 0x01020304,
    .sender = true,
    .ntp = 0x1112131415161718,
    .timestamp = 0x21222324,
    .packets = 0x31323334,
    .octets = 0x41424344,
    .has_block = true,
    .block = {.ssrc = 0x51525354,
              .fraction_lost = 0x61,
              .lost = -2,
              .max_sequence = 0x71727374,
              .jitter = 0x81828384,
              .lsr = 0x91929394,
              .dlsr = 0xa1a2a3a4},
    .bye = true,
    .cname = "abcdefghijklmnop",
};

static void octets(void **state)
{
    static const uint8_t expected[] = {0x81, 200,  0,    12,   1,    2,    3,    4,    0x11, 0x12,
                                       0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24,
                                       0x31, 0x32, 0x33, 0x34, 0x41, 0x42, 0x43, 0x44, 0x51, 0x52,
                                       0x53, 0x54, 0x61, 0xff, 0xff, 0xfe, 0x71, 0x72, 0x73, 0x74,
                                       0x81, 0x82, 0x83, 0x84, 0x91, 0x92, 0x93, 0x94, 0xa1, 0xa2,
                                       0xa3, 0xa4, 0x81, 202,  0,    6,    1,    2,    3,    4,
                                       1,    16,   'a',  'b',  'c',  'd',  'e',  'f',  'g',  'h',
                                       'i',  'j',  'k',  'l',  'm',  'n',  'o',  'p',  0,    0,
                                       0x81, 203,  0,    1,    1,    2,    3,    4};
    uint8_t out[MEDIA_RTCP_SIZE];

    (void)state;
    assert_int_equal(media_rtcp_write(out, &full), sizeof(expected));
    assert_memory_equal(out, expected, sizeof(expected));
}

static void round_trip(void **state)
{
    uint8_t out[MEDIA_RTCP_SIZE];
    const unsigned size = media_rtcp_write(out, &full);
    struct media_rtcp_report in;

    (void)state;
    assert_int_equal(media_rtcp_parse(out, size, full.block.ssrc, &in), 0);
    assert_int_equal(in.ssrc, full.ssrc);
    assert_true(in.sender && in.has_block && in.bye);
    assert_true(in.ntp == full.ntp);
    assert_memory_equal(&in.block, &full.block, sizeof(in.block));
    assert_int_equal(media_rtcp_parse(out, size, 4711, &in), 0); /* a block about somebody else */
    assert_false(in.has_block);
}

static void receiver_report(void **state)
{
    const struct media_rtcp_report report = {.ssrc = 9, .cname = "x"};
    uint8_t out[MEDIA_RTCP_SIZE];
    const unsigned size = media_rtcp_write(out, &report);
    struct media_rtcp_report in;

    (void)state;
    assert_int_equal(size, 8 + 12); /* "x" and the zero that ends the list, in whole words */
    assert_int_equal(out[1], 201);
    assert_int_equal(media_rtcp_parse(out, size, 1, &in), 0);
    assert_false(in.sender || in.has_block || in.bye);
}

static void broken_ones(void **state)
{
    uint8_t good[MEDIA_RTCP_SIZE], bad[MEDIA_RTCP_SIZE];
    const unsigned size = media_rtcp_write(good, &full);
    struct media_rtcp_report in;

    (void)state;
    for (unsigned cut = 0; cut < size; cut++) {
        /* whole packets are left at two places */
        assert_int_equal(media_rtcp_parse(good, cut, 1, &in), cut == 52 || cut == 80 ? 0 : -1);
    }
    memcpy(bad, good, size);
    bad[0] = 0x41; /* version */
    assert_int_equal(media_rtcp_parse(bad, size, 1, &in), -1);
    bad[0] = 0xa1; /* padding in the first */
    assert_int_equal(media_rtcp_parse(bad, size, 1, &in), -1);
    bad[0] = 0x9f; /* 31 blocks that are not there */
    assert_int_equal(media_rtcp_parse(bad, size, 1, &in), -1);
    bad[0] = 0x81;
    bad[1] = 202; /* the first must be a report */
    assert_int_equal(media_rtcp_parse(bad, size, 1, &in), -1);
    bad[1] = 200;
    bad[80] = 0x9f; /* a BYE of 31 */
    assert_int_equal(media_rtcp_parse(bad, size, 1, &in), -1);
}

static void noise(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t data[128];
        struct media_rtcp_report in;
        const size_t size = media_random32() % (sizeof(data) + 1);

        media_random(data, size);
        if (size > 4) { /* so that more than the first look is tried */
            data[0] = (uint8_t)(0x80 | (data[0] & 0x03));
            data[1] = (uint8_t)(200 + data[1] % 2);
            data[2] = 0;
            data[3] = (uint8_t)(data[3] % 32);
        }
        (void)media_rtcp_parse(data, size, 1, &in);
    }
}

static void intervals(void **state)
{
    uint64_t sum = 0;

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        const uint64_t first = media_rtcp_interval(true), later = media_rtcp_interval(false);

        assert_in_range(first, 1026 * 1000000ull, 3079 * 1000000ull);
        assert_in_range(later, 2052 * 1000000ull, 6157 * 1000000ull);
        sum += later;
    }
    assert_in_range(sum / 10000, 4000 * 1000000ull, 4200 * 1000000ull); /* 5 s / 1.21828 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(octets),          cmocka_unit_test(round_trip),
        cmocka_unit_test(receiver_report), cmocka_unit_test(broken_ones),
        cmocka_unit_test(noise),           cmocka_unit_test(intervals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
