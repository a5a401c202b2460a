/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: whose certificate it is (B9 of docs/pjsip.md), and the addresses of an SDP that leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include <pjlib.h>

#include "res_sip/transport/tls.h"
#include "res_sip/transport/transport.h"

/* A subjectAltName whose octets need not be what a tool would write. */
static void add_name(X509 *certificate, int type, const void *octets, int length)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *text = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

    ASN1_STRING_set(text, octets, length);
    GENERAL_NAME_set0_value(name, type, text);
    sk_GENERAL_NAME_push(names, name);
    assert_int_equal(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0), 1);
    GENERAL_NAMES_free(names);
}

static int is_of(int type, const void *octets, int length, const char *host, int wildcards)
{
    X509 *certificate = X509_new();
    int result;

    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"common.example", -1, -1, 0);
    if (length) {
        add_name(certificate, type, octets, length);
    }
    result = sip_tls_is_of(certificate, host, wildcards);
    X509_free(certificate);
    return result;
}

#define NAME(type, text, host, wildcards) is_of(type, text, sizeof(text) - 1, host, wildcards)

static void test_names(void **state)
{
    (void)state;
    assert_true(NAME(GEN_DNS, "good.example", "good.example", 0));
    assert_true(NAME(GEN_DNS, "Good.Example", "gooD.example", 0));
    assert_false(NAME(GEN_DNS, "good.example", "evil.example", 0));
    assert_false(NAME(GEN_DNS, "good.example", "a.good.example", 1));
    assert_false(NAME(GEN_DNS, "*.example", "good.example", 0));
    assert_true(NAME(GEN_DNS, "*.good.example", "a.good.example", 1));
    assert_false(NAME(GEN_DNS, "*.good.example", "a.b.good.example", 1));
    assert_false(NAME(GEN_DNS, "a*.good.example", "ab.good.example", 1));
    assert_true(is_of(GEN_DNS, "", 0, "common.example", 0)); /* no names but the common one */
    assert_false(NAME(GEN_DNS, "good.example", "common.example", 0));
}

static void test_names_with_an_octet_0(void **state)
{
    (void)state;
    assert_false(NAME(GEN_DNS, "good.example\0.evil", "good.example", 0));
    assert_false(NAME(GEN_DNS, "good.example\0", "good.example", 0));
    assert_false(NAME(GEN_URI, "sip:good.example\0.evil", "good.example", 0));
    assert_false(NAME(GEN_URI, "sip:good.example\0", "good.example", 0));
}

static void test_uris(void **state)
{
    (void)state;
    assert_true(NAME(GEN_URI, "sip:good.example", "good.example", 0));
    assert_true(NAME(GEN_URI, "SIP:good.example", "GOOD.example", 0));
    assert_false(NAME(GEN_URI, "sips:good.example", "good.example", 0)); /* RFC 5922 7.1 */
    assert_false(NAME(GEN_URI, "sip:user@good.example", "good.example", 0)); /* RFC 5922 7.1 */
    assert_false(NAME(GEN_URI, "http:good.example", "good.example", 0));
    assert_false(NAME(GEN_URI, "sip:*.example", "good.example", 1));
    assert_false(NAME(GEN_URI, "sip:", "", 0));
}

static void test_addresses(void **state)
{
    static const unsigned char four[] = {192, 0, 2, 7};
    static const unsigned char six[] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

    (void)state;
    assert_true(is_of(GEN_IPADD, four, 4, "192.0.2.7", 0));
    assert_false(is_of(GEN_IPADD, four, 4, "192.0.2.8", 0));
    assert_true(is_of(GEN_IPADD, six, 16, "2001:db8::1", 0));
    assert_false(is_of(GEN_IPADD, six, 16, "2001:db8::2", 0));
    assert_false(NAME(GEN_DNS, "192.0.2.7", "192.0.2.7", 0));
}

/* ---- external_media_address ---- */

static struct sip_transport_config config;
static struct sip_transport transport = {.config = &config};

static void check_sdp(const char *external, const char *sdp, const char *expected)
{
    char out[500];
    size_t length;

    config.external.media_address = (char *)external;
    length = sip_nat_sdp(&transport, sdp, strlen(sdp), out, sizeof(out));
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(out, expected, length);
}

static void test_sdp(void **state)
{
    const pj_str_t own = {(char *)"192.0.2.1", 9};
    char small[20];

    (void)state;
    pj_sockaddr_init(pj_AF_INET(), &transport.address, &own, 5060);
    check_sdp("203.0.113.9",
              "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n"
              "m=audio 4000 RTP/AVP 0\r\na=rtcp:4001 IN IP4 192.0.2.1\r\n",
              "v=0\r\no=- 1 1 IN IP4 203.0.113.9\r\ns=-\r\nc=IN IP4 203.0.113.9\r\n"
              "m=audio 4000 RTP/AVP 0\r\na=rtcp:4001 IN IP4 203.0.113.9\r\n");
    /* nothing of ours, another family, and what only looks like an address */
    check_sdp("203.0.113.9", "c=IN IP4 192.0.2.10\r\n", "");
    check_sdp("203.0.113.9", "c=IN IP4 0.0.0.0\r\nc=IN IP6 ::1\r\ns=IN IP4 192.0.2.1\r\n", "");
    check_sdp("2001:db8::9", "c=IN IP4 192.0.2.1\r\n", "");
    check_sdp("203.0.113.9", "c=\no=\na=rtcp:\nc=IN IP4 ", "");
    check_sdp("203.0.113.9", "c=IN IP4 192.0.2.1", "c=IN IP4 203.0.113.9");
    check_sdp("203.0.113.9", "c=IN IP4 192.0.2.1/127\n", "c=IN IP4 203.0.113.9/127\n");
    assert_int_equal(sip_nat_sdp(&transport, "c=IN IP4 192.0.2.1", 18, small, sizeof(small)), 0);
}

static int start(void **state)
{
    (void)state;
    pj_log_set_level(0);
    return pj_init();
}

static int stop(void **state)
{
    (void)state;
    pj_shutdown();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names), cmocka_unit_test(test_names_with_an_octet_0),
        cmocka_unit_test(test_uris),  cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_sdp),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
