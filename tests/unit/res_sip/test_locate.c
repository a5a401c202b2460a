/* SPDX-License-Identifier: GPL-2.0-or-later */
/* res_sip: the pure part of locating servers: what is asked, and the order of what is tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "res_sip/resolve/locate.h"

static void first_question(void **state)
{
    (void)state;
    assert_int_equal(locate_first_question(0, 0), LOCATE_NAPTR);
    assert_int_equal(locate_first_question(1, 0), LOCATE_SRV);
    assert_int_equal(locate_first_question(0, 1), LOCATE_ADDRESS);
    assert_int_equal(locate_first_question(1, 1), LOCATE_ADDRESS);
}

static void naptr_of_sip(void **state)
{
    const int all = LOCATE_UDP | LOCATE_TCP | LOCATE_TLS;

    (void)state;
    assert_int_equal(locate_naptr_protocol("SIP+D2U", "s", "", all), LOCATE_UDP);
    assert_int_equal(locate_naptr_protocol("sip+d2t", "S", "", all), LOCATE_TCP);
    assert_int_equal(locate_naptr_protocol("SIPS+D2T", "s", "", all), LOCATE_TLS);
    assert_int_equal(locate_naptr_protocol("SIP+D2U", "s", "", LOCATE_TLS), 0);
    assert_int_equal(locate_naptr_protocol("SIP+D2U", "u", "", all), 0);
    assert_int_equal(locate_naptr_protocol("SIP+D2U", "s", "!.*!x!", all), 0);
    assert_int_equal(locate_naptr_protocol("E2U+sip", "s", "", all), 0);
}

static void naptr_in_order(void **state)
{
    struct locate_naptr records[] = {{.order = 20, .preference = 1, .replacement = "c"},
                                     {.order = 10, .preference = 20, .replacement = "b"},
                                     {.order = 10, .preference = 10, .replacement = "a"}};

    (void)state;
    locate_sort_naptr(records, 3);
    assert_string_equal(records[0].replacement, "a");
    assert_string_equal(records[1].replacement, "b");
    assert_string_equal(records[2].replacement, "c");
}

static unsigned seed;

static unsigned next_random(void *unused)
{
    (void)unused;
    seed = seed * 1103515245u + 12345u;
    return seed >> 8;
}

static void test_srv_by_priority_and_weight(void **state)
{
    unsigned first_is_heavy = 0, first_is_zero = 0;

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        struct locate_srv records[] = {
            {.priority = 2, .weight = 100, .target = "backup"},
            {.priority = 1, .weight = 0, .target = "zero"},
            {.priority = 1, .weight = 75, .target = "heavy"},
            {.priority = 1, .weight = 25, .target = "light"},
        };
        unsigned count = 4;

        locate_sort_srv(records, &count, next_random, NULL);
        assert_int_equal(count, 4);
        assert_string_equal(records[3].target, "backup");
        first_is_heavy += strcmp(records[0].target, "heavy") == 0;
        first_is_zero += strcmp(records[0].target, "zero") == 0;
    }
    assert_in_range(first_is_heavy, 7000, 8000); /* 75 of 100, and a little for the zero */
    assert_in_range(first_is_zero, 20, 400);
}

static void srv_that_says_no(void **state)
{
    struct locate_srv none = {.target = "."};
    struct locate_srv empty = {.target = ""};
    unsigned count = 1;

    (void)state;
    locate_sort_srv(&none, &count, next_random, NULL);
    assert_int_equal(count, 0);
    count = 1;
    locate_sort_srv(&empty, &count, next_random, NULL);
    assert_int_equal(count, 0);
    count = 0;
    locate_sort_srv(NULL, &count, next_random, NULL);
    assert_int_equal(count, 0);
}

static void names(void **state)
{
    char name[32];

    (void)state;
    assert_int_equal(locate_srv_name(LOCATE_UDP, "example.com", name, sizeof(name)), 0);
    assert_string_equal(name, "_sip._udp.example.com");
    assert_int_equal(locate_srv_name(LOCATE_TLS, "a.example", name, sizeof(name)), 0);
    assert_string_equal(name, "_sips._tcp.a.example");
    assert_int_equal(locate_srv_name(LOCATE_TCP, "a-name-that-is-too-long.example", name,
                                     sizeof(name)),
                     -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_question),   cmocka_unit_test(naptr_of_sip),
        cmocka_unit_test(naptr_in_order),   cmocka_unit_test(test_srv_by_priority_and_weight),
        cmocka_unit_test(srv_that_says_no), cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
