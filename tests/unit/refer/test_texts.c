/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What REFER, NOTIFY and Replaces say, read from text: the parsers of the modules refer and
 * replaces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <pjlib-util.h>
#include <pjsip.h>

#include "refer_to.h"
#include "text.h"
#include "value.h"

static pj_caching_pool caching;
static pjsip_endpoint *endpoint;
static pj_pool_t *pool;

static int start_pjsip(void **state)
{
    (void)state;
    pj_log_set_level(0);
    if (pj_init() != PJ_SUCCESS || pjlib_util_init() != PJ_SUCCESS) {
        return -1;
    }
    pj_caching_pool_init(&caching, NULL, 0);
    pool = pj_pool_create(&caching.factory, "test", 4000, 4000, NULL);
    return pjsip_endpt_create(&caching.factory, "test", &endpoint) == PJ_SUCCESS ? 0 : -1;
}

static int stop_pjsip(void **state)
{
    (void)state;
    pj_pool_release(pool);
    pjsip_endpt_destroy(endpoint);
    pj_caching_pool_destroy(&caching);
    pj_shutdown();
    return 0;
}

/* ---- Refer-To ---- */

static void test_refer_to(void **state)
{
    static const struct {
        const char *value, *uri, *user, *host;
        int port;
        const char *replaces;
    } table[] = {
        {"<sip:bob@h>", "sip:bob@h", "bob", "h", 0, ""},
        {"sip:bob@h", "sip:bob@h", "bob", "h", 0, ""},
        {"  sip:bob@h ", "sip:bob@h", "bob", "h", 0, ""},
        {"sip:bob@h;x=y", "sip:bob@h", "bob", "h", 0, ""},
        {"\"Bob, <the> \\\"one\\\"\" <sip:bob@h:5070>;x=\"a,b\"", "sip:bob@h:5070", "bob", "h",
         5070, ""},
        {"Bob the one <sip:bob@h>", "sip:bob@h", "bob", "h", 0, ""},
        {"<sips:b%6fb@h;transport=tcp>", "sips:bob@h;transport=tcp", "bob", "h", 0, ""},
        {"<SIP:bob@[::1]:5060>", "sip:bob@[::1]:5060", "bob", "::1", 5060, ""},
        {"<sip:h>", "sip:h", "", "h", 0, ""},
        {"<sip:bob@h;method=INVITE>", "sip:bob@h", "bob", "h", 0, ""},
        {"<sip:a?b@h>", "sip:a?b@h", "a?b", "h", 0, ""},
        {"<sip:b@h?Replaces=x%40y%3Bto-tag%3D1%3Bfrom-tag%3D2>", "sip:b@h", "b", "h", 0,
         "x@y;to-tag=1;from-tag=2"},
        {"<sip:b@h?Via=x&replaces=x%3bto-tag=1%3bfrom-tag=2%3Bearly-only&From=me>", "sip:b@h", "b",
         "h", 0, "x;to-tag=1;from-tag=2;early-only"},
        {"<sip:b@h?Subject=hello&body=x>", "sip:b@h", "b", "h", 0, ""},
        {"<sip:b@h?>", "sip:b@h", "b", "h", 0, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        struct refer_target target;
        int status = refer_to_parse(pool, table[i].value, &target);

        if (status != 0) {
            fail_msg("%s: %d", table[i].value, status);
        }
        assert_string_equal(target.uri, table[i].uri);
        assert_string_equal(target.user, table[i].user);
        assert_string_equal(target.host, table[i].host);
        assert_int_equal(target.port, table[i].port);
        assert_string_equal(target.replaces, table[i].replaces);
    }
}

static void test_bad_refer_to(void **state)
{
    static const struct {
        const char *value;
        int status;
    } table[] = {
        {"", 400},
        {" ", 400},
        {"bob", 400},
        {"<>", 400},
        {"<sip:bob@h", 400},
        {"sip:bob@h>", 400},
        {"\"Bob <sip:bob@h>", 400},
        {"\"Bob\" sip:bob@h", 400},
        {"\"Bob\\", 400},
        {"<sip:bob@h>,<sip:al@h>", 400},
        {"sip:bob@h,sip:al@h", 400},
        {"<sip:bob@h>x", 400},
        {"<sip:bob@h>;x=\"", 400},
        {"<sip:bob@h>;<", 400},
        {"sip:bob@h?Replaces=x", 400},
        {"<sip:bob@h%>", 400},
        {"<sip:bob@h%4>", 400},
        {"<sip:b ob@h>", 400},
        {"<sip:b\xc3\xa4@h>", 400},
        {"<sip:>", 400},
        {"<sip:@>", 400},
        {"<sip:bob@>", 400},
        {"<sip:bob@h:99999999>", 400},
        {"<sip:bob@[[::1]>", 400},
        {"<sip:bob@[::g]>", 400},
        {"<sip:b%25b@h>", 400},
        {"<sip:b@h;user=x%0d%0aVia:y>", 400}, /* PJSIP would write it as it is */
        {"<sip:b@h;maddr=x%0d%0aVia:y>", 400},
        {"<tel:+49>", 416},
        {"<http://h/>", 416},
        {"<x-y:z>", 416},
        {"<sip:bob@h;method=BYE>", 603},
        {"<sip:bob@h;method=invite>", 603},
        {"<sip:b@h?Replaces=x>", 400},
        {"<sip:b@h?Replaces=>", 400},
        {"<sip:b@h?Replaces>", 400},
        {"<sip:b@h?=x>", 400},
        {"<sip:b@h?Replaces=x%3Bto-tag=1%3Bfrom-tag=2&Replaces=x%3Bto-tag=1%3Bfrom-tag=2>", 400},
        {"<sip:b@h?Replaces=x%3Bto-tag=1%3Bfrom-tag=2%0d%0aVia:x>", 400},
        {"<sip:b@h?Replaces=x%3Bto-tag=1%3Bfrom-tag=2%00>", 400},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        struct refer_target target = {.port = 4711};
        int status = refer_to_parse(pool, table[i].value, &target);

        if (status != table[i].status) {
            fail_msg("%s: %d", table[i].value, status);
        }
        assert_int_equal(target.port, 4711);
    }
}

/* What does not fit is refused, or counts as absent where it is no more than a hint. */
static void test_long_refer_to(void **state)
{
    struct refer_target target;
    char text[1200];
    size_t length;

    (void)state;
    for (length = 1; length < 1000; ++length) {
        memset(text, 'a', sizeof(text));
        memcpy(text, "<sip:", 5);
        strcpy(text + 5 + length, "@h>");
        if (refer_to_parse(pool, text, &target) == 0) {
            assert_true(strlen(target.uri) == length + 6);
            assert_int_equal(strlen(target.user), length < sizeof(target.user) ? length : 0);
        } else {
            assert_true(length + 6 >= sizeof(target.uri) - 8);
        }
        pj_pool_reset(pool);
    }
}

/* ---- Replaces ---- */

static void test_replaces(void **state)
{
    static const struct {
        const char *text, *call_id, *to_tag, *from_tag;
        int early_only;
    } table[] = {
        {"a@b;to-tag=1;from-tag=2", "a@b", "1", "2", 0},
        {"a;from-tag=2;to-tag=1", "a", "1", "2", 0},
        {" a ; to-tag = 1 ;\tFROM-TAG=2 ; early-only", "a", "1", "2", 1},
        {"{x}<y>:[/]?;to-tag=1.-;from-tag=%;Early-Only;x=\"a;b\\\"\";y", "{x}<y>:[/]?", "1.-", "%",
         1},
        {"a;to-tag=0;from-tag=0;h=[::1]", "a", "0", "0", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        struct replaces_value value;

        if (replaces_parse(table[i].text, &value) != 0) {
            fail_msg("%s", table[i].text);
        }
        assert_string_equal(value.call_id, table[i].call_id);
        assert_string_equal(value.to_tag, table[i].to_tag);
        assert_string_equal(value.from_tag, table[i].from_tag);
        assert_int_equal(value.early_only, table[i].early_only);
    }
}

static void test_bad_replaces(void **state)
{
    static const char *const table[] = {
        "",
        ";",
        "a",
        "a;to-tag=1",
        "a;from-tag=1",
        "a;to-tag;from-tag=1",
        "a;to-tag=;from-tag=1",
        "a;to-tag=1;to-tag=1;from-tag=1",
        "a;to-tag=1;from-tag=1;from-tag=2",
        "a;to-tag=1 from-tag=2",
        "a b;to-tag=1;from-tag=2",
        "a;to-tag=1;from-tag=2,b;to-tag=1;from-tag=2",
        "a;to-tag=1;from-tag=2;",
        "a;to-tag=1;from-tag=2;x=",
        "a;to-tag=1;from-tag=2;x=\"",
        "a;to-tag=1;from-tag=2;x=\"\n\"",
        "a;to-tag=1;from-tag=2;early-only=1,",
        "a\r\n;to-tag=1;from-tag=2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        struct replaces_value value = {.early_only = 7};

        if (replaces_parse(table[i], &value) == 0) {
            fail_msg("%s", table[i]);
        }
        assert_int_equal(value.early_only, 7);
    }
}

static void test_long_replaces(void **state)
{
    struct replaces_value value;
    char text[800];

    (void)state;
    for (int length = 1; length < 300; ++length) {
        snprintf(text, sizeof(text), "%0*d;to-tag=1;from-tag=2", length, 1);
        assert_int_equal(replaces_parse(text, &value),
                         length < (int)sizeof(value.call_id) ? 0 : -1);
        snprintf(text, sizeof(text), "a;to-tag=%0*d;from-tag=2", length, 1);
        assert_int_equal(replaces_parse(text, &value), length < (int)sizeof(value.to_tag) ? 0 : -1);
    }
}

/* ---- sipfrag ---- */

static void test_sipfrag(void **state)
{
    static const struct {
        const char *body;
        int code;
        const char *reason;
    } table[] = {
        {"SIP/2.0 200 OK\r\n", 200, "OK"},
        {"SIP/2.0 200 OK", 200, "OK"},
        {"sip/2.0 486 Busy Here\nVia: x\r\n", 486, "Busy Here"},
        {"\r\n\r\nSIP/2.0 100 Trying\r\n", 100, "Trying"},
        {"SIP/2.0 699\r\n", 699, ""},
        {"SIP/2.0 180 ", 180, ""},
        {"SIP/2.0 180 a\tb\x01\xc3\xa4", 180, "ab"},
        {"", -1, NULL},
        {"SIP/2.0", -1, NULL},
        {"SIP/2.0 20", -1, NULL},
        {"SIP/2.0 2000 OK", -1, NULL},
        {"SIP/2.0 099 OK", -1, NULL},
        {"SIP/2.0 700 OK", -1, NULL},
        {"SIP/2.0 abc OK", -1, NULL},
        {"Via: x\r\n", -1, NULL},
        {"INVITE sip:x SIP/2.0\r\n", -1, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        struct refer_status status = {.code = -1};
        int result = refer_sipfrag_parse(table[i].body, strlen(table[i].body), &status);

        if (status.code != table[i].code || (result == 0) != (table[i].code > 0)) {
            fail_msg("%s: %d", table[i].body, status.code);
        }
        if (result == 0) {
            assert_string_equal(status.reason, table[i].reason);
        }
    }
}

/* Nothing behind its length is looked at, and a long reason is cut. */
static void test_sipfrag_lengths(void **state)
{
    struct refer_status status;
    char body[300] = "SIP/2.0 200 ";

    (void)state;
    assert_int_equal(refer_sipfrag_parse("SIP/2.0 200 OKAY", 14, &status), 0);
    assert_string_equal(status.reason, "OK");
    assert_int_equal(refer_sipfrag_parse("SIP/2.0 2000", 11, &status), 0);
    memset(body + 12, 'x', 200);
    assert_int_equal(refer_sipfrag_parse(body, strlen(body), &status), 0);
    assert_int_equal(strlen(status.reason), REFER_REASON_SIZE - 1);
}

/* ---- Event, Subscription-State, Refer-Sub ---- */

static void test_event(void **state)
{
    static const struct {
        const char *value;
        int result, has_id;
        unsigned id;
    } table[] = {
        {"refer", 0, 0, 0},
        {" Refer ; x=\"a;b\" ", 0, 0, 0},
        {"refer;id=93809824", 0, 1, 93809824},
        {"refer ; y ; ID = 7", 0, 1, 7},
        {"refer;id=abc", 0, 1, 0},
        {"refer;id=99999999999999", 0, 1, 2147483647},
        {"refer;id=\"5\"", 0, 1, 0},
        {"presence", 1, 0, 0},
        {"refers", 1, 0, 0},
        {"a-package-with-a-very-long-name-that-is-not-ours;id=1", 1, 0, 0},
        {"", -1, 0, 0},
        {";id=1", -1, 0, 0},
        {"refer,presence", -1, 0, 0},
        {"refer;", -1, 0, 0},
        {"refer;id=\"", -1, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        struct refer_event event = {0, 0};

        if (refer_event_parse(table[i].value, &event) != table[i].result ||
            event.has_id != table[i].has_id || event.id != table[i].id) {
            fail_msg("%s: %d %u", table[i].value, event.has_id, event.id);
        }
    }
}

static void test_state(void **state)
{
    struct refer_state found;

    (void)state;
    assert_int_equal(refer_state_parse("active;expires=60", &found), 0);
    assert_true(!found.terminated && found.has_expires && found.expires == 60);
    assert_int_equal(refer_state_parse("Terminated ; reason=noresource", &found), 0);
    assert_true(found.terminated && !found.has_expires);
    assert_int_equal(refer_state_parse("pending;expires=4294967296", &found), 0);
    assert_int_equal(found.expires, 86400);
    assert_int_equal(refer_state_parse("active;expires=-1", &found), 0);
    assert_int_equal(found.has_expires, 0);
    assert_int_equal(refer_state_parse("", &found), -1);
    assert_int_equal(refer_state_parse("active;", &found), -1);
    assert_int_equal(refer_state_parse("active,terminated", &found), -1);
}

static void test_refer_sub(void **state)
{
    (void)state;
    assert_int_equal(refer_sub_parse("true"), 1);
    assert_int_equal(refer_sub_parse(" False ;x=y"), 0);
    assert_int_equal(refer_sub_parse(""), -1);
    assert_int_equal(refer_sub_parse("maybe"), -1);
    assert_int_equal(refer_sub_parse("false,true"), -1);
    assert_int_equal(refer_sub_parse("falsefalse"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refer_to),      cmocka_unit_test(test_bad_refer_to),
        cmocka_unit_test(test_long_refer_to), cmocka_unit_test(test_replaces),
        cmocka_unit_test(test_bad_replaces),  cmocka_unit_test(test_long_replaces),
        cmocka_unit_test(test_sipfrag),       cmocka_unit_test(test_sipfrag_lengths),
        cmocka_unit_test(test_event),         cmocka_unit_test(test_state),
        cmocka_unit_test(test_refer_sub),
    };

    return cmocka_run_group_tests(tests, start_pjsip, stop_pjsip);
}
