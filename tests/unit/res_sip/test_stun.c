/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * STUN Binding requests on a SIP port, with the vectors of RFC 5769.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "res_sip/transport/transport.h"

#define ID              "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
#define REQUEST(length) "\0\1\0" length "\x21\x12\xa4\x42" ID

static pj_sockaddr source(const char *host)
{
    pj_str_t text = pj_str((char *)host);
    pj_sockaddr address;

    assert_int_equal(pj_sockaddr_init(strchr(host, ':') ? pj_AF_INET6() : pj_AF_INET(), &address,
                                      &text, 32853),
                     PJ_SUCCESS);
    return address;
}

/* In memory of just its size, so that a look beyond it is found. */
static size_t answer_to(const char *data, size_t length, const char *host, char *out)
{
    pj_sockaddr address = source(host);
    char *copy = malloc(length ? length : 1);
    size_t size;

    memcpy(copy, data, length);
    size = sip_stun_answer(copy, length, &address, out);
    free(copy);
    return size;
}

/* RFC 5769 2.2: the answer's address there. */
static void test_ipv4(void **state)
{
    static const char wanted[] =
        "\1\1\0\x0c\x21\x12\xa4\x42" ID "\0\x20\0\x08\0\1\xa1\x47\xe1\x12\xa6\x43";
    char out[SIP_STUN_ANSWER];

    (void)state;
    assert_int_equal(answer_to(REQUEST("\0"), 20, "192.0.2.1", out), sizeof(wanted) - 1);
    assert_memory_equal(out, wanted, sizeof(wanted) - 1);
}

/* RFC 5769 2.3 */
static void test_ipv6(void **state)
{
    static const char wanted[] = "\1\1\0\x18\x21\x12\xa4\x42" ID "\0\x20\0\x14\0\2\xa1\x47"
                                 "\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9";
    char out[SIP_STUN_ANSWER];

    (void)state;
    assert_int_equal(answer_to(REQUEST("\0"), 20, "2001:db8:1234:5678:11:2233:4455:6677", out),
                     sizeof(wanted) - 1);
    assert_memory_equal(out, wanted, sizeof(wanted) - 1);
}

/* SOFTWARE, and a USERNAME that is padded: nothing of it matters here. */
static void test_attributes(void **state)
{
    static const char request[] = REQUEST("\x10") "\x80\x22\0\4abcd\0\6\0\3abc ";
    char out[SIP_STUN_ANSWER];

    (void)state;
    assert_int_equal(answer_to(request, 36, "192.0.2.1", out), 32);
    assert_memory_equal(out, "\1\1", 2);
}

/* 420 with what is not known (RFC 5389 7.3.1), of which at most four are named. */
static void test_unknown(void **state)
{
    static const char request[] = REQUEST("\x08") "\0\3\0\4\0\0\0\6";
    static const char wanted[] =
        "\1\x11\0\x10\x21\x12\xa4\x42" ID "\0\x09\0\4\0\0\4\x14\0\x0a\0\2\0\3\0\0";
    static const char many[] = REQUEST("\x18") "\0\x31\0\0\0\x32\0\0\0\x33\0\0\0\x34\0\0\0\x35\0\0"
                                               "\0\x36\0\0";
    char out[SIP_STUN_ANSWER];

    (void)state;
    assert_int_equal(answer_to(request, 28, "192.0.2.1", out), sizeof(wanted) - 1);
    assert_memory_equal(out, wanted, sizeof(wanted) - 1);
    assert_int_equal(answer_to(many, 44, "192.0.2.1", out), 40);
    assert_memory_equal(out + 28, "\0\x0a\0\x08\0\x31\0\x32\0\x33\0\x34", 12);
}

static void test_malformed(void **state)
{
    static const struct {
        const char *data;
        size_t length;
    } cases[] = {
        {"", 0},
        {"\0\1\0\0", 4},
        {REQUEST("\0"), 19},
        {REQUEST("\0") "\0", 21},
        {REQUEST("\4"), 20},                   /* longer than it is */
        {REQUEST("\0") "\x80\x22\0\0", 24},    /* shorter */
        {"\0\1\0\0\x21\x12\xa4\x43" ID, 20},   /* RFC 3489: no cookie */
        {"\1\1\0\0\x21\x12\xa4\x42" ID, 20},   /* an answer */
        {"\0\x11\0\0\x21\x12\xa4\x42" ID, 20}, /* an indication */
        {"\0\3\0\0\x21\x12\xa4\x42" ID, 20},   /* TURN */
        {REQUEST("\4") "\x80\x22\0\4", 24},    /* an attribute too long */
        {REQUEST("\x08") "\x80\x22\xff\xfd"
                         "abcd",
         28}, /* likewise, when padded */
        {REQUEST("\4") "\x80\x22\xff\xff", 24},
    };
    char out[SIP_STUN_ANSWER];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(answer_to(cases[i].data, cases[i].length, "192.0.2.1", out), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv4),       cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_attributes), cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
