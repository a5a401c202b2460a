/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dtmf_info: bodies as they are seen in the field, and as they should not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "body.h"

typedef int parser(const char *text, size_t length, struct dtmf_info_digit *digit);

/* In memory of its exact size, so that a sanitizer sees who reads beyond. */
static int parse(parser *with, const char *text, struct dtmf_info_digit *digit)
{
    size_t length = strlen(text);
    char *copy = malloc(length > 0 ? length : 1);
    int result;

    memcpy(copy, text, length);
    result = with(copy, length, digit);
    free(copy);
    return result;
}

static void test_relay(void **state)
{
    static const struct {
        const char *text;
        char digit;
        unsigned duration_ms;
    } good[] = {
        {"Signal=5\r\nDuration=160\r\n", '5', 160},
        {"Signal= 1\r\nDuration= 200\r\n", '1', 200},
        {"signal=*\nduration=80", '*', 80},
        {"Duration=50\r\nSignal=#", '#', 50},
        {"Signal=10\r\nDuration=250\r\n", '*', 250},
        {"Signal=11", '#', DTMF_INFO_DEFAULT_MS},
        {"Signal=12", 'A', DTMF_INFO_DEFAULT_MS},
        {"Signal=d", 'D', DTMF_INFO_DEFAULT_MS},
        {"Signal=16", '!', DTMF_INFO_DEFAULT_MS},
        {"Signal=flash", '!', DTMF_INFO_DEFAULT_MS},
        {"\r\n Signal = 7 \r\n\r\nX-Volume=3\r\nDuration=0\r\n", '7', DTMF_INFO_DEFAULT_MS},
        {"Signal=1\rDuration=9999", '1', DTMF_INFO_MAX_MS},
    };
    static const char *const bad[] = {
        "",
        "\r\n",
        "Signal=",
        "Signal",
        "Duration=100",
        "Signal=x",
        "Signal=17",
        "Signal=12345678901",
        "Signal=-1",
        "Signal=55x",
        "Signal=1\r\nDuration=x",
        "Signal=1\r\nDuration=-5",
        "Signal=1\r\nnonsense",
        "Signal=1\r\nDuration=99999999999999999999",
    };
    struct dtmf_info_digit digit;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); ++i) {
        if (parse(dtmf_info_parse_relay, good[i].text, &digit) != 0 ||
            digit.digit != good[i].digit || digit.duration_ms != good[i].duration_ms) {
            fail_msg("'%s' is not %c, %u ms", good[i].text, good[i].digit, good[i].duration_ms);
        }
    }
    digit.digit = 'u';
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
        if (parse(dtmf_info_parse_relay, bad[i], &digit) != -1 || digit.digit != 'u') {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
}

static void test_plain(void **state)
{
    struct dtmf_info_digit digit;

    (void)state;
    assert_int_equal(parse(dtmf_info_parse_plain, "4", &digit), 0);
    assert_int_equal(digit.digit, '4');
    assert_int_equal(digit.duration_ms, DTMF_INFO_DEFAULT_MS);
    assert_int_equal(parse(dtmf_info_parse_plain, " #\r\n", &digit), 0);
    assert_int_equal(digit.digit, '#');
    assert_int_equal(parse(dtmf_info_parse_plain, "10", &digit), 0);
    assert_int_equal(digit.digit, '*');
    assert_int_equal(parse(dtmf_info_parse_plain, "", &digit), -1);
    assert_int_equal(parse(dtmf_info_parse_plain, "17", &digit), -1);
    assert_int_equal(parse(dtmf_info_parse_plain, "12 3", &digit), -1);
    assert_int_equal(parse(dtmf_info_parse_plain, "Signal=1", &digit), -1);
}

/* Any octets at all: no crash, and what is taken is a digit. */
static void test_noise(void **state)
{
    static const char letters[] = "Signal=Duration= \r\n0159*#AZ\0\xff";
    char text[40];
    unsigned seed = 1;

    (void)state;
    for (int round = 0; round < 200000; ++round) {
        struct dtmf_info_digit digit;
        size_t length = (seed = seed * 1103515245 + 12345) >> 16 & 31;

        for (size_t i = 0; i < length; ++i) {
            seed = seed * 1103515245 + 12345;
            text[i] = letters[(seed >> 16) % sizeof(letters)];
        }
        if (dtmf_info_parse_relay(text, length, &digit) == 0) {
            assert_non_null(strchr("0123456789*#ABCD!", digit.digit));
        }
        if (dtmf_info_parse_plain(text, length, &digit) == 0) {
            assert_non_null(strchr("0123456789*#ABCD!", digit.digit));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relay),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
