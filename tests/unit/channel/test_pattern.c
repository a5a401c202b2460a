/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns: what they match, and which one is asked first. */
#include "fake.h"

#include <stdlib.h>
#include <string.h>

static struct pbx_pattern *compile(const char *text)
{
    char why[160];
    struct pbx_pattern *pattern = pbx_pattern_create(text + 1, why, sizeof(why));

    if (pattern == NULL) {
        fail_msg("%s: %s", text, why);
    }
    return pattern;
}

static void test_match(void **state)
{
    static const struct {
        const char *pattern, *digits;
        int match, can;
    } table[] = {
        {"_X", "0", 1, 1},
        {"_X", "9", 1, 1},
        {"_X", "a", 0, 0},
        {"_X", "", 0, 1},
        {"_X", "00", 0, 0},
        {"_Z", "0", 0, 0},
        {"_Z", "1", 1, 1},
        {"_N", "1", 0, 0},
        {"_N", "2", 1, 1},
        {"_x", "5", 1, 1},
        {"_z", "5", 1, 1},
        {"_n", "5", 1, 1},
        {"_1XX", "100", 1, 1},
        {"_1XX", "10", 0, 1},
        {"_1XX", "200", 0, 0},
        {"_1XX", "1000", 0, 0},
        {"_X.", "1", 0, 1},
        {"_X.", "12", 1, 1},
        {"_X.", "1abc", 1, 1},
        {"_X!", "1", 1, 1},
        {"_X!", "123", 1, 1},
        {"_X!", "a", 0, 0},
        {"_.", "anything", 1, 1},
        {"_.", "", 0, 1},
        {"_!", "", 1, 1},
        {"_[13-5]00", "100", 1, 1},
        {"_[13-5]00", "200", 0, 0},
        {"_[13-5]00", "400", 1, 1},
        {"_[a-c]x", "b7", 1, 1},
        {"_[1-]2", "-2", 0, 0}, /* dashes of what is dialled are no digits */
        {"_NXX-XXXX", "5551234", 1, 1},
        {"_NXX-XXXX", "555-1234", 1, 1},
        {"_+49.", "+4930", 1, 1},
        {"_alice", "alice", 1, 1},
        {"_alice", "bob", 0, 0},
        {"_*1X", "*12", 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        struct pbx_pattern *pattern = compile(table[i].pattern);
        int match = pbx_pattern_match(pattern, table[i].digits, PBX_MATCH);
        int can = pbx_pattern_match(pattern, table[i].digits, PBX_CAN_MATCH);

        if (match != table[i].match || can != table[i].can) {
            fail_msg("%s with %s: %d %d", table[i].pattern, table[i].digits, match, can);
        }
        pbx_pattern_destroy(pattern);
    }
}

/* Each is asked before the one behind it. */
static void test_order(void **state)
{
    static const char *const ordered[] = {
        "_1234", "_123X", "_12[34]X", "_12[3-5]X", "_12[4-6]X", "_12N",  "_12ZX", "_12Z",
        "_12XX", "_12X.", "_12X!",    "_12X",      "_12.",      "_12!",  "_12",   "_[12]3",
        "_N00",  "_NX",   "_Z",       "_XXXX",     "_XXX.",     "_XXX!", "_XXX",  "_XX",
        "_X.",   "_X!",   "_X",       "_[0-9a-f]", "_.",        "_!",
    };

    (void)state;
    for (size_t i = 0; i + 1 < sizeof(ordered) / sizeof(ordered[0]); ++i) {
        for (size_t j = i; j < sizeof(ordered) / sizeof(ordered[0]); ++j) {
            struct pbx_pattern *a = compile(ordered[i]), *b = compile(ordered[j]);
            int order = pbx_pattern_compare(a, b), back = pbx_pattern_compare(b, a);

            if ((i == j && (order != 0 || back != 0)) || (i < j && (order >= 0 || back <= 0))) {
                fail_msg("%s and %s: %d %d", ordered[i], ordered[j], order, back);
            }
            pbx_pattern_destroy(a);
            pbx_pattern_destroy(b);
        }
    }
}

static void test_same(void **state)
{
    struct pbx_pattern *a = compile("_9XX"), *b = compile("_9-[0-9]x");

    (void)state;
    assert_int_equal(pbx_pattern_compare(a, b), 0);
    pbx_pattern_destroy(a);
    pbx_pattern_destroy(b);
}

static void test_wrong(void **state)
{
    static const char *const wrong[] = {"",      "-",   "[12", "1]", "[]",
                                        "[9-1]", "1.2", "1!2", "..", "X!."};
    char why[160];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i) {
        assert_null(pbx_pattern_create(wrong[i], why, sizeof(why)));
        assert_int_equal(strncmp(why, "expected", 8), 0);
    }
}

/* A total order, also for nonsense. */
static void test_random(void **state)
{
    static const char alphabet[] = "XZN.![]0129-ab*";

    (void)state;
    srand(1);
    for (int i = 0; i < 20000; ++i) {
        struct pbx_pattern *made[3] = {NULL, NULL, NULL};
        char why[160];

        for (int p = 0; p < 3; ++p) {
            char text[8] = "";

            for (int c = rand() % 7; c > 0; --c) {
                text[c - 1] = alphabet[(size_t)rand() % (sizeof(alphabet) - 1)];
            }
            made[p] = pbx_pattern_create(text, why, sizeof(why));
        }
        if (made[0] != NULL && made[1] != NULL && made[2] != NULL) {
            int ab = pbx_pattern_compare(made[0], made[1]),
                bc = pbx_pattern_compare(made[1], made[2]);

            assert_int_equal(ab > 0, pbx_pattern_compare(made[1], made[0]) < 0);
            if (ab < 0 && bc < 0) {
                assert_true(pbx_pattern_compare(made[0], made[2]) < 0);
            }
        }
        for (int p = 0; p < 3; ++p) {
            if (made[p] != NULL && pbx_pattern_match(made[p], "0129", PBX_MATCH)) {
                assert_true(pbx_pattern_match(made[p], "0129", PBX_CAN_MATCH));
            }
            pbx_pattern_destroy(made[p]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match), cmocka_unit_test(test_order),  cmocka_unit_test(test_same),
        cmocka_unit_test(test_wrong), cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
