/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rates and bans of sources under simulated time, in a table that stays as small as it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/failmalloc.h"
#include "harness.h"
#include "res_sip/access/access.h"

#define MS     1000u
#define SECOND 1000000u

static struct sip_sources *sources;
static pj_uint64_t now;

static void start(unsigned rate, unsigned burst, unsigned failures, unsigned sets)
{
    const struct sip_access_config config = {
        .rate = rate, .burst = burst, .ban_failures = failures, .ban_period = 60, .ban_time = 600};

    sources = sip_sources_create(&config, sets);
    assert_non_null(sources);
    now = 1000 * (pj_uint64_t)SECOND;
}

static int teardown(void **state)
{
    (void)state;
    sip_sources_destroy(sources);
    sources = NULL;
    return 0;
}

static pj_sockaddr address(const char *text)
{
    pj_str_t host = sip_str(text);
    pj_sockaddr made;

    assert_int_equal(pj_sockaddr_init(strchr(text, ':') ? PJ_AF_INET6 : PJ_AF_INET, &made, &host,
                                      (pj_uint16_t)(rand() % 65536)), /* the port does not count */
                     PJ_SUCCESS);
    return made;
}

static enum sip_access ask(const char *from)
{
    pj_sockaddr source = address(from);

    return sip_sources_request(sources, now, &source);
}

static int failed(const char *from)
{
    pj_sockaddr source = address(from);

    return sip_sources_failed(sources, now, &source);
}

static void succeed(const char *from)
{
    pj_sockaddr source = address(from);

    sip_sources_succeeded(sources, now, &source);
}

static void test_rate(void **state)
{
    unsigned i, good = 0;

    (void)state;
    start(10, 5, 0, 4);
    for (i = 0; i < 5; i++) {
        assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_GOOD);
    }
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_FAST_NOW);
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_FAST); /* told once */
    assert_int_equal(ask("192.0.2.2"), SIP_ACCESS_GOOD); /* somebody else */
    now += 100 * MS;
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_GOOD);
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_FAST);
    now += 10 * SECOND;
    for (i = 0; i < 1000; i++) { /* one each ms for a second, after 5 that were saved */
        good += ask("192.0.2.1") == SIP_ACCESS_GOOD;
        now += MS;
    }
    assert_in_range(good, 14, 15);
}

static void test_told_again_later(void **state)
{
    (void)state;
    start(1, 1, 0, 4);
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_GOOD);
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_FAST_NOW);
    now += 11 * SECOND;
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_GOOD);
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_FAST_NOW);
}

static void test_off(void **state)
{
    unsigned i;

    (void)state;
    start(0, 50, 0, 4);
    for (i = 0; i < 1000; i++) {
        assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_GOOD);
        assert_int_equal(failed("192.0.2.1"), 0);
    }
}

static void test_ban(void **state)
{
    (void)state;
    start(0, 50, 3, 4);
    assert_int_equal(failed("192.0.2.1"), 0);
    assert_int_equal(failed("192.0.2.1"), 0);
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_GOOD);
    assert_int_equal(failed("192.0.2.1"), 1);
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_BANNED);
    assert_int_equal(ask("192.0.2.2"), SIP_ACCESS_GOOD);
    now += 599 * (pj_uint64_t)SECOND;
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_BANNED);
    now += SECOND;
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_GOOD);
    assert_int_equal(failed("192.0.2.1"), 0); /* it begins anew */
}

static void test_failures_are_forgiven(void **state)
{
    (void)state;
    start(0, 50, 3, 4);
    failed("192.0.2.1");
    failed("192.0.2.1");
    succeed("192.0.2.1");
    assert_int_equal(failed("192.0.2.1"), 0);
    assert_int_equal(failed("192.0.2.1"), 0);
    now += 61 * SECOND; /* ban_period */
    assert_int_equal(failed("192.0.2.1"), 0);
    assert_int_equal(failed("192.0.2.1"), 0);
    assert_int_equal(failed("192.0.2.1"), 1);
}

/* One peer has a /64 of IPv6 as a whole. */
static void test_ipv6(void **state)
{
    (void)state;
    start(0, 50, 2, 4);
    assert_int_equal(failed("2001:db8:1:2::1"), 0);
    assert_int_equal(failed("2001:db8:1:2:ffff::9"), 1);
    assert_int_equal(ask("2001:db8:1:2:3::1"), SIP_ACCESS_BANNED);
    assert_int_equal(ask("2001:db8:1:3::1"), SIP_ACCESS_GOOD);
    failed("::ffff:192.0.2.1");
    assert_int_equal(failed("192.0.2.1"), 1);
    assert_int_equal(ask("::ffff:192.0.2.1"), SIP_ACCESS_BANNED);
}

/* Others, however many, do not lift a ban. */
static void test_bounded(void **state)
{
    unsigned i;

    (void)state;
    start(10, 1, 2, 2);
    failed("192.0.2.1");
    assert_int_equal(failed("192.0.2.1"), 1);
    for (i = 0; i < 100000; i++) {
        char other[32];

        snprintf(other, sizeof(other), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        assert_int_equal(ask(other), SIP_ACCESS_GOOD);
    }
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_BANNED);
}

static int unidentified(const char *from, unsigned count)
{
    pj_sockaddr source = address(from);

    return sip_sources_unidentified(sources, now, &source, count, 5);
}

/* Once in each period, and only beyond the count. */
static void test_unidentified(void **state)
{
    unsigned i, told = 0;

    (void)state;
    start(0, 1, 0, 4);
    for (i = 0; i < 5; i++) {
        assert_int_equal(unidentified("192.0.2.1", 5), 0);
    }
    assert_int_equal(unidentified("192.0.2.2", 5), 0); /* somebody else */
    assert_int_equal(unidentified("192.0.2.1", 5), 1);
    assert_int_equal(unidentified("192.0.2.1", 5), 0);
    now += 5 * SECOND + 1; /* its period is over */
    for (i = 0; i < 5; i++) {
        assert_int_equal(unidentified("192.0.2.1", 5), 0);
    }
    assert_int_equal(unidentified("192.0.2.1", 5), 1);
    for (i = 0; i < 60000; i++) { /* a minute, one each ms: one in each period */
        told += (unsigned)unidentified("192.0.2.9", 5);
        now += MS;
    }
    assert_in_range(told, 11, 12);
    for (i = 0; i < 100; i++) {
        assert_int_equal(unidentified("192.0.2.3", 0), 0);
    }
}

/* Addresses that are made up are no event each, take no memory, and lift no ban. */
static void test_unidentified_is_bounded(void **state)
{
    unsigned i;

    (void)state;
    start(0, 1, 2, 2);
    failed("192.0.2.1");
    assert_int_equal(failed("192.0.2.1"), 1);
    for (i = 0; i < 100000; i++) {
        char other[32];

        snprintf(other, sizeof(other), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        assert_int_equal(unidentified(other, 1), 0);
    }
    assert_int_equal(ask("192.0.2.1"), SIP_ACCESS_BANNED);
}

static int create(void *data)
{
    const struct sip_access_config config = {.rate = 1, .burst = 1};
    struct sip_sources *made = sip_sources_create(&config, 4);

    (void)data;
    sip_sources_destroy(made);
    return made ? 0 : -1;
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(failmalloc_each(create, NULL, 0), 2);
}

#define TEST(function) cmocka_unit_test_teardown(function, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rate),      TEST(test_told_again_later),      TEST(test_off),
        TEST(test_ban),       TEST(test_failures_are_forgiven), TEST(test_ipv6),
        TEST(test_bounded),   TEST(test_unidentified),          TEST(test_unidentified_is_bounded),
        TEST(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
