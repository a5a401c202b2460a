/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expressions: the field's operators, numbers and strings, and what is none. */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_table(void **state)
{
    static const struct {
        const char *text, *result;
    } table[] = {
        {"", ""},
        {"  ", ""},
        {"1", "1"},
        {"007", "007"},
        {"007 + 0", "7"},
        {"abc", "abc"},
        {"\"a b\"", "\"a b\""},
        {"1 + 2 * 3", "7"},
        {"(1 + 2) * 3", "9"},
        {"10 - 3 - 2", "5"},
        {"2 * 3 % 4", "2"},
        {"7 / 2", "3.5"},
        {"1 / 3", "0.333333333333333333"},
        {"0.1 + 0.2", "0.3"},
        {"-3 + 5", "2"},
        {"- -3", "3"},
        {"5--3", "8"},
        {"!1", "0"},
        {"!0", "1"},
        {"!\"\"", "0"}, /* quotes are text */
        {"!abc", "0"},
        {"-abc", "0"},
        {"1 = 1", "1"},
        {"1 == 1.0", "1"},
        {"\"1\" = 1", "0"},
        {"abc = abc", "1"},
        {"abc = abd", "0"},
        {"abc < abd", "1"},
        {"\"\" = \"\"", "1"},
        {"9 < 10", "1"},
        {"9a < 10a", "0"},
        {"2 <= 2", "1"},
        {"2 >= 3", "0"},
        {"2 != 3", "1"},
        {"3 > 2 > 0", "1"},
        {"1 | 2", "1"},
        {"0 | 2", "2"},
        {"0 | abc", "abc"},
        {"0 | 0", "0"},
        {"1 & 2", "1"},
        {"1 & 0", "0"},
        {"abc & def", "abc"},
        {"1 & 0 | 5", "5"},
        {"0 | 1 & 2", "1"},
        {"1 + 1 = 2 & 3 = 3", "1"},
        {"5 / 0", "2147483647"},
        {"5 % 0", "0"},
        {"5.5 % 2", "1.5"},
        {"a + 1", "1"},
        {"1 - a", "1"},
        {"a * 2", "0"},
        {"0049123 = 49123", "1"},
        {"192.168.1.1 = 192.168.1.2", "0"},
        {"sip:x", NULL},
        {"1 +", NULL},
        {"+ 1", NULL},
        {"= 1", NULL},
        {"1 2", NULL},
        {"a b", NULL},
        {"(1", NULL},
        {"1)", NULL},
        {"()", NULL},
        {"\"a", NULL},
        {"a =~ b", NULL},
        {"1 ? 2 :: 3", NULL},
        {"a ~~ b", NULL},
        {"LEN(a)", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        char out[64] = "?", why[160];
        int result = pbx_expr_evaluate(table[i].text, out, sizeof(out), why, sizeof(why));

        if (table[i].result == NULL ? result == 0
                                    : result != 0 || strcmp(out, table[i].result) != 0) {
            fail_msg("%s: %d, %s", table[i].text, result, result == 0 ? out : why);
        }
    }
}

static void test_true(void **state)
{
    (void)state;
    assert_false(pbx_is_true(""));
    assert_false(pbx_is_true("0"));
    assert_false(pbx_is_true("0.0"));
    assert_false(pbx_is_true("-0"));
    assert_true(pbx_is_true("1"));
    assert_true(pbx_is_true("0.5"));
    assert_true(pbx_is_true("-1"));
    assert_true(pbx_is_true("no"));
    assert_true(pbx_is_true("\"\""));
    assert_true(pbx_is_true("-"));
}

static void test_failure(void **state)
{
    char out[8] = "?";

    (void)state;
    assert_int_equal(pbx_expr("1 +", out, sizeof(out)), -1);
    assert_string_equal(out, "");
    assert_int_equal(pbx_expr("abcdefghij", out, sizeof(out)), 0);
    assert_string_equal(out, "abcdefg");
}

static void test_depth(void **state)
{
    char text[4096], out[16], why[160];

    (void)state;
    memset(text, '(', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(pbx_expr_evaluate(text, out, sizeof(out), why, sizeof(why)), -1);
    assert_string_equal(why, "it is nested too deep");
    memset(text, '!', sizeof(text) - 1);
    assert_int_equal(pbx_expr_evaluate(text, out, sizeof(out), why, sizeof(why)), -1);
    memset(text, '9', sizeof(text) - 1); /* a number of so many digits is text */
    assert_int_equal(pbx_expr_evaluate(text, out, sizeof(out), why, sizeof(why)), 0);
}

/* Random texts: nothing but an answer or a reason comes of them. */
static void test_random(void **state)
{
    static const char *const parts[] = {
        "1", "0",  "2.5",  "abc", "\"x y\"", "(",  ")",
        "+", "-",  "*",    "/",   "%",       "!",  "|",
        "&", "=",  "!=",   "<=",  ">=",      "<",  ">",
        " ", "\"", "~",    ":",   "?",       "\t", "99999999999999999999999",
        ".", "..", "\xff", "$",   "="};
    unsigned good = 0;

    (void)state;
    srand(7);
    for (int i = 0; i < 100000; ++i) {
        char text[512] = "", out[16], why[160] = "";

        for (int p = rand() % 12; p >= 0; --p) {
            strcat(text, parts[(size_t)rand() % (sizeof(parts) / sizeof(parts[0]))]);
        }
        if (pbx_expr_evaluate(text, out, sizeof(out), why, sizeof(why)) == 0) {
            ++good;
            assert_true(strlen(out) < sizeof(out));
        } else {
            assert_true(strlen(why) > 0);
        }
    }
    assert_true(good > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table), cmocka_unit_test(test_true),   cmocka_unit_test(test_failure),
        cmocka_unit_test(test_depth), cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
