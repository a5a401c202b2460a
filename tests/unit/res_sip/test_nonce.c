/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nonces under simulated time: their life, whose they are, and that no count is good twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/failmalloc.h"
#include "harness.h"
#include "res_sip/auth/auth.h"

#define SECOND 1000000u

static struct sip_nonces *nonces;

static int setup(void **state)
{
    (void)state;
    nonces = sip_nonces_create(16);
    assert_non_null(nonces);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sip_nonces_destroy(nonces);
    return 0;
}

static pj_sockaddr address(const char *text)
{
    pj_str_t host = sip_str(text);
    pj_sockaddr made;

    assert_int_equal(pj_sockaddr_init(strchr(text, ':') ? PJ_AF_INET6 : PJ_AF_INET, &made, &host,
                                      1234),
                     PJ_SUCCESS);
    return made;
}

static void make(pj_uint64_t now, const char *source, char out[SIP_NONCE_SIZE])
{
    pj_sockaddr from = address(source);

    sip_nonce_make(nonces, now, &from, out);
    assert_int_equal(strlen(out), SIP_NONCE_SIZE - 1);
}

static int take(pj_uint64_t now, const char *text, const char *source, struct sip_nonce *nonce)
{
    pj_sockaddr from = address(source);
    const pj_str_t it = sip_str(text);

    return sip_nonce_read(nonces, now, &it, &from, nonce);
}

static void test_life(void **state)
{
    char text[SIP_NONCE_SIZE];
    struct sip_nonce nonce;

    (void)state;
    make(7 * SECOND, "192.0.2.1", text);
    assert_int_equal(take(7 * SECOND, text, "192.0.2.1", &nonce), 0);
    assert_int_equal(nonce.age, 0);
    assert_true(nonce.same_source);
    assert_int_equal(take(39 * SECOND, text, "192.0.2.1", &nonce), 0);
    assert_int_equal(nonce.age, 32 * SECOND);
    assert_int_equal(take(6 * SECOND, text, "192.0.2.1", &nonce), 0); /* a clock that goes back */
    assert_int_equal(nonce.age, 0);
}

static void test_whose(void **state)
{
    char text[SIP_NONCE_SIZE];
    struct sip_nonce nonce;

    (void)state;
    make(0, "192.0.2.1", text);
    assert_int_equal(take(0, text, "192.0.2.2", &nonce), 0);
    assert_false(nonce.same_source);
    make(0, "2001:db8::1", text);
    assert_int_equal(take(0, text, "2001:db8::1", &nonce), 0);
    assert_true(nonce.same_source);
    assert_int_equal(take(0, text, "2001:db8::2", &nonce), 0);
    assert_false(nonce.same_source);
}

/* Nothing but what we made is ours: no digit of it can be another. */
static void test_forged(void **state)
{
    char text[SIP_NONCE_SIZE], wrong[SIP_NONCE_SIZE];
    struct sip_nonces *other = sip_nonces_create(1);
    struct sip_nonce nonce = {.issued = 42};
    pj_sockaddr from = address("192.0.2.1");
    pj_str_t it;
    size_t i;

    (void)state;
    make(SECOND, "192.0.2.1", text);
    for (i = 0; i < SIP_NONCE_SIZE - 1; i++) {
        memcpy(wrong, text, sizeof(wrong));
        wrong[i] = wrong[i] == '0' ? '1' : '0';
        assert_int_equal(take(SECOND, wrong, "192.0.2.1", &nonce), -1);
    }
    wrong[0] = 'X';
    assert_int_equal(take(SECOND, wrong, "192.0.2.1", &nonce), -1);
    assert_int_equal(take(SECOND, "", "192.0.2.1", &nonce), -1);
    text[SIP_NONCE_SIZE - 2] = '\0';
    assert_int_equal(take(SECOND, text, "192.0.2.1", &nonce), -1);
    assert_int_equal(nonce.issued, 42); /* untouched */
    assert_non_null(other);
    sip_nonce_make(other, SECOND, &from, text);
    it = sip_str(text);
    assert_int_equal(sip_nonce_read(nonces, SECOND, &it, &from, &nonce), -1);
    sip_nonces_destroy(other);
}

static void test_no_two_the_same(void **state)
{
    char texts[100][SIP_NONCE_SIZE];
    struct sip_nonce one, other;
    unsigned i;

    (void)state;
    for (i = 0; i < 100; i++) {
        make(5, "192.0.2.1", texts[i]); /* all at once */
    }
    for (i = 1; i < 100; i++) {
        assert_int_equal(take(5, texts[i - 1], "192.0.2.1", &one), 0);
        assert_int_equal(take(5, texts[i], "192.0.2.1", &other), 0);
        assert_true(one.issued < other.issued);
    }
}

static void test_counts(void **state)
{
    (void)state;
    assert_int_equal(sip_nonce_use(nonces, 1000, 0), SIP_NONCE_REPLAYED);
    assert_int_equal(sip_nonce_use(nonces, 1000, 1), SIP_NONCE_GOOD);
    assert_int_equal(sip_nonce_use(nonces, 1000, 1), SIP_NONCE_REPLAYED);
    assert_int_equal(sip_nonce_use(nonces, 1000, 2), SIP_NONCE_GOOD);
    assert_int_equal(sip_nonce_use(nonces, 1000, 5), SIP_NONCE_GOOD);
    /* UDP brings them in another order */
    assert_int_equal(sip_nonce_use(nonces, 1000, 4), SIP_NONCE_GOOD);
    assert_int_equal(sip_nonce_use(nonces, 1000, 3), SIP_NONCE_GOOD);
    assert_int_equal(sip_nonce_use(nonces, 1000, 3), SIP_NONCE_REPLAYED);
    assert_int_equal(sip_nonce_use(nonces, 1000, 4), SIP_NONCE_REPLAYED);
    assert_int_equal(sip_nonce_use(nonces, 1000, 5), SIP_NONCE_REPLAYED);
    assert_int_equal(sip_nonce_use(nonces, 1000, 1), SIP_NONCE_REPLAYED);
    /* but not from long ago */
    assert_int_equal(sip_nonce_use(nonces, 1000, 70), SIP_NONCE_GOOD);
    assert_int_equal(sip_nonce_use(nonces, 1000, 7), SIP_NONCE_GOOD);
    assert_int_equal(sip_nonce_use(nonces, 1000, 6), SIP_NONCE_REPLAYED);
    assert_int_equal(sip_nonce_use(nonces, 1000, 0xffffffffu), SIP_NONCE_GOOD);
    assert_int_equal(sip_nonce_use(nonces, 1000, 0xffffffffu), SIP_NONCE_REPLAYED);
    assert_int_equal(sip_nonce_use(nonces, 1000, 0xfffffffeu), SIP_NONCE_GOOD);
    assert_int_equal(sip_nonce_use(nonces, 1000, 71), SIP_NONCE_REPLAYED);
}

/* Each count of each nonce against a table without bounds: what was good once never is again. */
static void test_against_a_model(void **state)
{
    static unsigned char used[400][200];
    unsigned good = 0, i;

    (void)state;
    memset(used, 0, sizeof(used));
    srand(7);
    for (i = 0; i < 100000; i++) {
        /* nonces come and go: of those issued up to now, one of the last 30 */
        unsigned newest = 30 + i / 300, issued = newest - (unsigned)rand() % 30;
        unsigned count = 1 + (unsigned)rand() % 199;

        if (sip_nonce_use(nonces, issued, count) == SIP_NONCE_GOOD) {
            assert_false(used[issued][count]);
            used[issued][count] = 1;
            good++;
        }
    }
    assert_true(good > 3000);
}

/* A full table forgets the oldest, and what is forgotten does not begin anew. */
static void test_bounded(void **state)
{
    struct sip_nonces *few = sip_nonces_create(1);
    unsigned i;

    (void)state;
    assert_non_null(few);
    for (i = 1; i <= 4; i++) {
        assert_int_equal(sip_nonce_use(few, 100 * i, 1), SIP_NONCE_GOOD);
    }
    assert_int_equal(sip_nonce_use(few, 50, 1), SIP_NONCE_FORGOTTEN); /* older than all */
    assert_int_equal(sip_nonce_use(few, 500, 1), SIP_NONCE_GOOD);     /* 100 goes */
    assert_int_equal(sip_nonce_use(few, 100, 2), SIP_NONCE_FORGOTTEN);
    assert_int_equal(sip_nonce_use(few, 99, 1), SIP_NONCE_FORGOTTEN);
    assert_int_equal(sip_nonce_use(few, 200, 2), SIP_NONCE_GOOD);
    assert_int_equal(sip_nonce_use(few, 250, 1), SIP_NONCE_GOOD); /* 200 goes */
    assert_int_equal(sip_nonce_use(few, 200, 3), SIP_NONCE_FORGOTTEN);
    assert_int_equal(sip_nonce_use(few, 500, 1), SIP_NONCE_REPLAYED);
    sip_nonces_destroy(few);
}

static int create(void *data)
{
    struct sip_nonces *made = sip_nonces_create(4);

    (void)data;
    sip_nonces_destroy(made);
    return made ? 0 : -1;
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(failmalloc_each(create, NULL, 0), 2);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_life),    TEST(test_whose),
        TEST(test_forged),  TEST(test_no_two_the_same),
        TEST(test_counts),  TEST(test_against_a_model),
        TEST(test_bounded), TEST(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
