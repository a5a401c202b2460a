/* SPDX-License-Identifier: GPL-2.0-or-later */
/* message: what is UTF-8, and what is not (RFC 3629). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "utf8.h"

/* In memory of its exact size, so that a sanitizer sees who reads beyond. */
static int check(const char *text, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);
    int result;

    memcpy(copy, text, length);
    result = utf8_is_text(copy, length);
    free(copy);
    return result;
}

static void test_good(void **state)
{
    static const char *const good[] = {
        "",
        "plain\r\ntext\t",
        "\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); ++i) {
        if (!check(good[i], strlen(good[i]))) {
            fail_msg("text %zu was refused", i);
        }
    }
}

static void test_bad(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x90\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "good\xc3",
        "\xc3\xc3\xa4",
        "\xe2\x82\x20",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
        if (check(bad[i], strlen(bad[i]))) {
            fail_msg("text %zu was taken", i);
        }
    }
    assert_false(check("a\0b", 3));
}

/* Every sequence of one to three octets, against what its number must be. */
static void test_all_of_three(void **state)
{
    unsigned taken = 0;

    (void)state;
    for (unsigned code = 0; code < 0x1000000; ++code) {
        const char octets[3] = {(char)(code >> 16), (char)(code >> 8), (char)code};
        unsigned char first = (unsigned char)octets[0];

        /* those that begin with three octets' mark only: the others are made of shorter ones */
        if (first >= 0xe0 && first < 0xf0) {
            taken += (unsigned)utf8_is_text(octets, 3);
        }
    }
    assert_int_equal(taken, 0x10000 - 0x800 - 0x800); /* U+0800 to U+FFFF without surrogates */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_all_of_three),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
