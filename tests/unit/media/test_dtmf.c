/* SPDX-License-Identifier: GPL-2.0-or-later */
/* telephone-event (RFC 4733): what is heard once and only once, and what is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "media/media.h"

#define MS 1000000ull

static struct media_dtmf_rx rx;
static struct media_dtmf_digit digits[2];

static int begin(void **state)
{
    (void)state;
    rx = (struct media_dtmf_rx){0};
    return 0;
}

static unsigned hear(unsigned event, bool end, unsigned duration, uint32_t timestamp, uint64_t now)
{
    const uint8_t payload[4] = {(uint8_t)event, (uint8_t)(end ? 0x8a : 0x0a),
                                (uint8_t)(duration >> 8), (uint8_t)duration};

    return media_dtmf_receive(&rx, payload, 4, timestamp, now, digits);
}

static void heard_once(void **state)
{
    (void)state;
    assert_int_equal(hear(5, false, 160, 1000, 0), 0);
    assert_int_equal(hear(5, false, 320, 1000, 20 * MS), 0);
    assert_int_equal(hear(5, true, 800, 1000, 40 * MS), 1);
    assert_int_equal(digits[0].digit, '5');
    assert_int_equal(digits[0].duration, 800);
    assert_int_equal(hear(5, true, 800, 1000, 40 * MS), 0);
    assert_int_equal(hear(5, true, 800, 1000, 40 * MS), 0);
    assert_int_equal(hear(5, false, 320, 1000, 41 * MS), 0);  /* one that was overtaken */
    assert_int_equal(hear(5, true, 640, 9000, 2000 * MS), 1); /* the same digit once more */
}

static void ends_are_all_that_came(void **state)
{
    (void)state;
    assert_int_equal(hear(11, true, 400, 1000, 0), 1);
    assert_int_equal(digits[0].digit, '#');
    assert_int_equal(hear(11, true, 400, 1000, 0), 0);
}

static void lost_ends(void **state)
{
    (void)state;
    assert_int_equal(hear(1, false, 160, 1000, 0), 0);
    assert_int_equal(hear(2, false, 160, 5000, 500 * MS), 1); /* the next one ends it */
    assert_int_equal(digits[0].digit, '1');
    assert_int_equal(media_dtmf_expire(&rx, 700 * MS, digits), 0);
    assert_int_equal(media_dtmf_expire(&rx, 750 * MS, digits), 1); /* or time does */
    assert_int_equal(digits[0].digit, '2');
    assert_int_equal(media_dtmf_expire(&rx, 9999 * MS, digits), 0);
    assert_int_equal(hear(2, true, 480, 5000, 800 * MS), 0); /* an end that comes very late */
    assert_int_equal(hear(3, false, 160, 20000, 1000 * MS), 0);
    assert_int_equal(hear(4, true, 160, 30000, 1100 * MS), 2); /* one lost, one whole */
    assert_int_equal(digits[0].digit, '3');
    assert_int_equal(digits[1].digit, '4');
}

static void timestamps_wrap(void **state)
{
    (void)state;
    assert_int_equal(hear(7, true, 800, 0xfffffff0, 0), 1);
    assert_int_equal(hear(7, true, 800, 0x00000100, 500 * MS), 1);
    assert_int_equal(hear(7, true, 800, 0xfffffff0, 500 * MS), 0);
}

static void long_event_in_segments(void **state)
{
    (void)state;
    assert_int_equal(hear(9, false, 0xffff, 1000, 0), 0);
    assert_int_equal(hear(9, false, 160, 1000 + 0xffff, 20 * MS), 0);
    assert_int_equal(hear(9, true, 800, 1000 + 0xffff, 40 * MS), 1);
    assert_int_equal(digits[0].duration, 0xffff + 800);
}

static void not_digits(void **state)
{
    const uint8_t cut[3] = {1, 0x80, 0};

    (void)state;
    assert_int_equal(media_dtmf_receive(&rx, cut, 3, 1, 0, digits), 0);
    for (unsigned event = 16; event < 256; event++) {
        assert_int_equal(hear(event, true, 800, 1000 * event, 0), 0);
    }
    assert_false(rx.active);
}

static void codes(void **state)
{
    (void)state;
    assert_int_equal(media_dtmf_event('0'), 0);
    assert_int_equal(media_dtmf_event('*'), 10);
    assert_int_equal(media_dtmf_event('#'), 11);
    assert_int_equal(media_dtmf_event('D'), 15);
    assert_int_equal(media_dtmf_event('a'), 12);
    assert_int_equal(media_dtmf_event('x'), -1);
    assert_int_equal(media_dtmf_event('\0'), -1);
}

/* What is sent is heard: once, with its duration, with three ends of one timestamp. */
static void sent_and_heard(void **state)
{
    const struct media_dtmf_queued digit = {.event = 14, .duration_ms = 100};
    struct media_dtmf_tx tx;
    uint8_t payload[4];
    bool marker = false;
    unsigned packets = 0, ends = 0, markers = 0, heard = 0, pauses = 0;

    (void)state;
    media_dtmf_begin(&tx, &digit, 8000, 4711);
    while (tx.active) {
        marker = false;
        if (!media_dtmf_next(&tx, 160, payload, &marker)) {
            pauses++;
            continue;
        }
        packets++;
        markers += marker;
        assert_true(!marker || packets == 1);
        ends += (payload[1] & 0x80) != 0;
        heard += media_dtmf_receive(&rx, payload, 4, 4711, packets * 20 * MS, digits);
    }
    assert_int_equal(packets, 4 + 3);
    assert_int_equal(ends, 3);
    assert_int_equal(markers, 1);
    assert_int_equal(pauses, 3);
    assert_int_equal(heard, 1);
    assert_int_equal(digits[0].digit, 'C');
    assert_int_equal(digits[0].duration, 800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(heard_once, begin),
        cmocka_unit_test_setup(ends_are_all_that_came, begin),
        cmocka_unit_test_setup(lost_ends, begin),
        cmocka_unit_test_setup(timestamps_wrap, begin),
        cmocka_unit_test_setup(long_event_in_segments, begin),
        cmocka_unit_test_setup(not_digits, begin),
        cmocka_unit_test(codes),
        cmocka_unit_test_setup(sent_and_heard, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
