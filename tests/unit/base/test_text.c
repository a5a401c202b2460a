/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copying text, and the nearest name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

static void check_copy(size_t size, const char *text, const char *expected)
{
    char out[32];

    memset(out, '#', sizeof(out));
    assert_ptr_equal(base_copy_text(out, size, text, strlen(text)), out);
    assert_string_equal(out, expected);
    assert_int_equal(out[size], '#');
}

static void test_copy_fits(void **state)
{
    char out[4] = "###";

    (void)state;
    check_copy(8, "", "");
    check_copy(8, "1234567", "1234567");
    check_copy(8, "12345678", "1234567");
    check_copy(1, "12345678", "");
    base_copy_text(out, 0, "x", 1);
    assert_string_equal(out, "###");
    base_copy_text(out, sizeof(out), NULL, 0);
    assert_string_equal(out, "");
    base_copy_text(out, sizeof(out), "abcdef", 2); /* length decides, not the NUL */
    assert_string_equal(out, "ab");
}

static void test_copy_never_splits_a_character(void **state)
{
    (void)state;
    check_copy(5, "abc\xc3\xbc", "abc");
    check_copy(6, "abc\xc3\xbc", "abc\xc3\xbc");
    check_copy(4, "a\xe2\x82\xac", "a");
    check_copy(5, "a\xe2\x82\xac", "a\xe2\x82\xac");
    check_copy(4, "\xf0\x9f\x98\x80", "");
    check_copy(5, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
    check_copy(4, "\x80\x80\x80\x80\x80", "\x80\x80\x80"); /* no UTF-8: cut where it must be */
    check_copy(3, "a\xff\xff", "a\xff");
}

static const char *near(const char *name)
{
    static const char *const names[] = {"allow",         "disallow",    "context", "transport",
                                        "rtp_symmetric", "rtp_timeout", "100rel",  "type"};

    return base_nearest_name(name, names, sizeof(names) / sizeof(names[0]));
}

static void test_nearest_finds_slips(void **state)
{
    static const char *const short_names[] = {"nob"};

    (void)state;
    assert_string_equal(near("alow"), "allow");
    assert_string_equal(near("dissalow"), "disallow");
    assert_string_equal(near("contxet"), "context");
    assert_string_equal(near("tarnsport"), "transport");
    assert_string_equal(near("rtp-symmetric"), "rtp_symmetric");
    assert_string_equal(near("RTP_TIMOUT"), "rtp_timeout");
    assert_string_equal(near("tpye"), "type");
    assert_string_equal(base_nearest_name("onb", short_names, 1), "nob"); /* a swap is one edit */
    assert_null(base_nearest_name("xyb", short_names, 1));
}

static void test_nearest_finds_nothing_far(void **state)
{
    char long_name[200];

    (void)state;
    assert_null(near(""));
    assert_null(near("voicemail"));
    assert_null(near("x"));
    assert_null(near("zzzz"));
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_null(near(long_name));
    assert_null(base_nearest_name("allow", NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_fits),
        cmocka_unit_test(test_copy_never_splits_a_character),
        cmocka_unit_test(test_nearest_finds_slips),
        cmocka_unit_test(test_nearest_finds_nothing_far),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
