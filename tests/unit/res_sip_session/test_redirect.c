/* SPDX-License-Identifier: GPL-2.0-or-later */
/* res_sip_session: which targets of redirections are called, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "res_sip_session/session.h"

static pj_caching_pool caching;
static pjsip_endpoint *endpt;
static pj_pool_t *pool;
static struct session_redirect *targets;

static pjsip_uri *parse(const char *text)
{
    pj_str_t copy;
    pjsip_uri *uri;

    pj_strdup2_with_null(pool, &copy, text);
    uri = pjsip_parse_uri(pool, copy.ptr, (pj_size_t)copy.slen, 0);
    assert_non_null(uri);
    return uri;
}

static unsigned add(const char *contacts)
{
    char text[4000];
    pjsip_msg *msg;

    snprintf(text, sizeof(text),
             "SIP/2.0 302 Moved\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@h>;tag=1\r\n"
             "To: <sip:b@h>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n",
             contacts);
    msg = pjsip_parse_msg(pool, text, strlen(text), NULL);
    assert_non_null(msg);
    return redirect_add(targets, msg);
}

static void check_next(const char *expected)
{
    const pjsip_uri *uri = redirect_next(targets);
    char text[300];
    int length;

    if (expected == NULL) {
        assert_null(uri);
        return;
    }
    assert_non_null(uri);
    length = pjsip_uri_print(PJSIP_URI_IN_REQ_URI, uri, text, sizeof(text) - 1);
    assert_true(length > 0);
    text[length] = '\0';
    assert_string_equal(text, expected);
}

static int setup(void **state)
{
    (void)state;
    pool = pj_pool_create(&caching.factory, "test", 4000, 4000, NULL);
    targets = redirect_create(&caching.factory, parse("sip:first@127.0.0.1"));
    assert_non_null(targets);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    redirect_destroy(targets);
    pj_pool_release(pool);
    return 0;
}

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(
        add("Contact: <sip:low@h>;q=0.1, <sip:none@h>, <sip:mid@h>;q=0.5\r\n"
            "Contact: <sip:mid2@h>;q=0.5, <sip:zero@h>;q=0.001, <sip:one@h>;q=1.0\r\n"),
        6);
    check_next("sip:none@h");
    check_next("sip:one@h");
    check_next("sip:mid@h");
    assert_int_equal(add("Contact: <sip:better@h>;q=0.8\r\n"), 1); /* of a later 3xx */
    check_next("sip:better@h");
    check_next("sip:mid2@h");
    check_next("sip:low@h");
    check_next("sip:zero@h");
    check_next(NULL);
}

static void test_never_twice(void **state)
{
    (void)state;
    assert_int_equal(add("Contact: <sip:first@127.0.0.1>, <SIP:first@127.0.0.1>\r\n"), 0);
    assert_int_equal(add("Contact: <sip:b@Host.Example;x=1>, <sip:b@host.example;X=1>\r\n"), 1);
    /* RFC 3261 19.1.4: user parts mind case, a port is not its default */
    assert_int_equal(add("Contact: <sip:B@host.example;x=1>, <sip:b@host.example:5060;x=1>\r\n"),
                     2);
    assert_int_equal(add("Contact: <sip:b@host.example;x=1;method=INVITE?Subject=y>\r\n"), 0);
    check_next("sip:b@Host.Example;x=1");
    check_next("sip:B@host.example;x=1");
    check_next("sip:b@host.example:5060;x=1");
    check_next(NULL);
    assert_int_equal(add("Contact: <sip:b@host.example;x=1>\r\n"), 0);
}

static void test_what_we_cannot_call(void **state)
{
    (void)state;
    assert_int_equal(add("Contact: <tel:+4930>, <sips:a@h>, <mailto:a@h>, <urn:service:sos>\r\n"),
                     0);
    assert_int_equal(add("Contact: <sip:a@h;transport=tls>, <sip:a@h;transport=ws>\r\n"), 0);
    assert_int_equal(add("Contact: <sip:a@h;method=REFER>\r\n"), 0);
    assert_int_equal(add("Contact: *\r\n"), 0);
    assert_int_equal(add(""), 0);
    assert_int_equal(add("Contact: \"Name\" <sip:a@h;transport=TCP>;q=0.2\r\n"), 1);
    check_next("sip:a@h;transport=TCP");
}

static void test_many(void **state)
{
    unsigned added = 0;

    (void)state;
    for (unsigned i = 0; i < 100; ++i) {
        char contact[100];

        snprintf(contact, sizeof(contact), "Contact: <sip:%u@h>\r\n", i);
        added += add(contact);
    }
    assert_int_equal(added, 19); /* and the first */
}

static int begin(void **state)
{
    (void)state;
    pj_init();
    pj_caching_pool_init(&caching, NULL, 0);
    return pjsip_endpt_create(&caching.factory, NULL, &endpt) == PJ_SUCCESS ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    pjsip_endpt_destroy(endpt);
    pj_caching_pool_destroy(&caching);
    pj_shutdown();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_order),
        TEST(test_never_twice),
        TEST(test_what_we_cannot_call),
        TEST(test_many),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
