/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arithmetic of digest authentication, by the examples of RFC 2617, 7616 and others' hands. */
#include <string.h>

#include "../base/failmalloc.h"
#include "harness.h"
#include "res_sip/auth/auth.h"

static pjsip_digest_credential credential(const char *nonce, const char *uri, const char *nc,
                                          const char *cnonce, const char *qop)
{
    pjsip_digest_credential made;

    memset(&made, 0, sizeof(made));
    made.nonce = sip_str(nonce);
    made.uri = sip_str(uri);
    made.nc = sip_str(nc);
    made.cnonce = sip_str(cnonce);
    made.qop = sip_str(qop);
    return made;
}

static const char *respond(int algorithm, const char *user, const char *realm, const char *password,
                           const char *method, const pjsip_digest_credential *of)
{
    static char out[SIP_DIGEST_SIZE];
    const pj_str_t name = sip_str(method);
    char ha1[SIP_DIGEST_SIZE];

    assert_int_equal(sip_digest_ha1(algorithm, user, realm, password, ha1), 0);
    assert_int_equal(sip_digest_response(algorithm, ha1, &name, of, out), 0);
    return out;
}

/* RFC 7616 3.9.1, as RFC 8760 2 has it for SIP: MD5 and SHA-256. */
static void test_rfc7616(void **state)
{
    const pjsip_digest_credential of =
        credential("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "/dir/index.html", "00000001",
                   "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "auth");

    (void)state;
    assert_string_equal(respond(AST_SIP_DIGEST_MD5, "Mufasa", "http-auth@example.org",
                                "Circle of Life", "GET", &of),
                        "8ca523f5e9506fed4657c9700eebdbec");
    assert_string_equal(respond(AST_SIP_DIGEST_SHA256, "Mufasa", "http-auth@example.org",
                                "Circle of Life", "GET", &of),
                        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

/* FIPS 180-4's own example. */
static void test_hash(void **state)
{
    const pj_str_t text = sip_str("abc");
    char out[SIP_DIGEST_SIZE];

    (void)state;
    assert_int_equal(sip_digest(AST_SIP_DIGEST_SHA512_256, &text, 1, out), 0);
    assert_string_equal(out, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
}

/*
 * The values of RFC 7616 3.9.2, whose own hashes were made with SHA-512 cut short, which is another
 * hash: what Python's hashlib makes of them with SHA-512/256.
 */
static void test_sha512_256(void **state)
{
    const pjsip_digest_credential of =
        credential("5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", "/doe.json", "00000001",
                   "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm", "auth");

    (void)state;
    assert_string_equal(respond(AST_SIP_DIGEST_SHA512_256, "J\xc3\xa4s\xc3\xb8n Doe",
                                "api@example.org", "Secret, or not?", "GET", &of),
                        "7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c");
}

/* RFC 2617 3.5, and the same without qop as in RFC 2069. */
static void test_rfc2617(void **state)
{
    pjsip_digest_credential of = credential("dcd98b7102dd2f0e8b11d0f600bfb0c093", "/dir/index.html",
                                            "00000001", "0a4f113b", "auth");

    (void)state;
    assert_string_equal(respond(AST_SIP_DIGEST_MD5, "Mufasa", "testrealm@host.com",
                                "Circle Of Life", "GET", &of),
                        "6629fae49393a05397450978507c4ef1");
    of.qop.slen = 0;
    assert_string_equal(respond(AST_SIP_DIGEST_MD5, "Mufasa", "testrealm@host.com",
                                "Circle Of Life", "GET", &of),
                        "670fd8c2df070c60b045671b8b24ff02");
}

static int find(const char *name)
{
    return sip_digest_find(name, strlen(name));
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(find(""), AST_SIP_DIGEST_MD5);
    assert_int_equal(find("md5"), AST_SIP_DIGEST_MD5);
    assert_int_equal(find("SHA-256"), AST_SIP_DIGEST_SHA256);
    assert_int_equal(find("sha-512-256"), AST_SIP_DIGEST_SHA512_256);
    assert_int_equal(find("MD5-sess"), -1);
    assert_int_equal(find("SHA-512"), -1);
    assert_int_equal(find("MD"), -1);
    assert_int_equal(sip_digest_length(AST_SIP_DIGEST_MD5), 32);
    assert_int_equal(sip_digest_length(AST_SIP_DIGEST_SHA512_256), 64);
}

static void test_same_secret(void **state)
{
    pj_str_t text = sip_str("abcd");

    (void)state;
    assert_true(sip_same_secret("abcd", &text));
    assert_false(sip_same_secret("abce", &text));
    assert_false(sip_same_secret("abc", &text));
    text.slen = 0;
    assert_false(sip_same_secret("abcd", &text));
}

static int same(const char *one, const char *other)
{
    const pj_str_t left = sip_str(one), right = sip_str(other);
    int result = sip_same_target(&left, &right);

    assert_int_equal(sip_same_target(&right, &left), result);
    return result;
}

/* RFC 7616 3.4.6: a digest is for one target; proxies and clients change what lies around it. */
static void test_same_target(void **state)
{
    (void)state;
    assert_true(same("sip:100@example.org", "sip:100@example.org"));
    assert_true(same("sip:100@example.org", "SIP:100@EXAMPLE.org:5060;transport=tcp?a=b"));
    assert_true(same("sip:example.org", "sip:example.org;lr"));
    assert_true(same("sip:a@[2001:db8::1]:5060", "sip:a@[2001:DB8::1];lr"));
    assert_true(same("tel:+4930123;phone-context=x", "tel:+4930123"));
    assert_true(same("sip:1;x=2@h", "sip:1;x=2@h:1"));
    assert_false(same("sip:100@example.org", "sip:101@example.org"));
    assert_false(same("sip:abc@example.org", "sip:ABC@example.org"));
    assert_false(same("sip:100@example.org", "sip:100@example.com"));
    assert_false(same("sip:100@example.org", "sips:100@example.org"));
    assert_false(same("sip:100@example.org", "sip:example.org"));
    assert_false(same("sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]"));
    assert_false(same("sip:a@[2001", "sip:a@[2002"));
    assert_false(same("tel:+4930123", "tel:+4930124"));
    assert_false(same("sip:1;x=2@h", "sip:1;x=3@h"));
    assert_false(same("", ""));
    assert_false(same("", "sip:a"));
    assert_true(same(":@", ":@"));
}

/* As much is hashed for one secret as for another. */
static void test_work(void **state)
{
    const pjsip_digest_credential of = credential("n", "sip:a@b", "00000001", "c", "auth");
    const pj_str_t method = sip_str("INVITE");
    char ha1[SIP_DIGEST_SIZE], out[SIP_DIGEST_SIZE];
    unsigned long long first, second;

    (void)state;
    assert_int_equal(sip_digest_ha1(AST_SIP_DIGEST_SHA256, "u", "r", "p", ha1), 0);
    first = sip_digest_octets;
    assert_int_equal(sip_digest_response(AST_SIP_DIGEST_SHA256, ha1, &method, &of, out), 0);
    second = sip_digest_octets;
    memset(ha1, 'f', 64);
    assert_int_equal(sip_digest_response(AST_SIP_DIGEST_SHA256, ha1, &method, &of, out), 0);
    assert_true(second - first > 64);
    assert_int_equal(sip_digest_octets - second, second - first);
}

/* ---- what programs give ---- */

static void test_wrong_calls(void **state)
{
    struct ast_sip_endpoint *endpoint = ast_sip_endpoint_create("x");
    struct ast_sip_auth auth = {.algorithm = 3, .realm = (char *)"r", .username = (char *)"u"};

    (void)state;
    assert_int_equal(ast_sip_endpoint_add_auth(endpoint, &auth, AST_SIP_CREDENTIAL_PASSWORD, "p"),
                     -1);
    auth.algorithm = AST_SIP_DIGEST_MD5;
    assert_int_equal(ast_sip_endpoint_add_auth(endpoint, &auth, AST_SIP_CREDENTIAL_MD5, "12"), -1);
    assert_int_equal(ast_sip_endpoint_add_auth(endpoint, &auth, AST_SIP_CREDENTIAL_SHA256,
                                               "0123456789abcdef0123456789abcdef"),
                     -1);
    assert_null(endpoint->auths);
    ast_sip_endpoint_unref(endpoint);
}

static int add_one(void *data)
{
    struct ast_sip_auth auth = {.algorithm = AST_SIP_DIGEST_SHA256,
                                .realm = (char *)"r",
                                .username = (char *)"u"};

    return ast_sip_endpoint_add_auth(data, &auth, AST_SIP_CREDENTIAL_PASSWORD, "p");
}

static void test_no_memory(void **state)
{
    struct ast_sip_endpoint *endpoint = ast_sip_endpoint_create("x");

    (void)state;
    assert_int_equal(failmalloc_each(add_one, endpoint, 0), 3);
    assert_null(endpoint->auths->next);
    ast_sip_endpoint_unref(endpoint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc7616),     cmocka_unit_test(test_hash),
        cmocka_unit_test(test_sha512_256),  cmocka_unit_test(test_rfc2617),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_same_secret),
        cmocka_unit_test(test_work),        cmocka_unit_test(test_same_target),
        cmocka_unit_test(test_wrong_calls), cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
