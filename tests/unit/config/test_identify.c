/* SPDX-License-Identifier: GPL-2.0-or-later */
/* type=identify of pjsip.conf: addresses, networks, names, headers, request URIs. */
#include "loaded.h"

static const char *networks(const struct sip_identify_config *identify)
{
    static char text[1000];
    size_t used = 0;
    unsigned i;

    text[0] = '\0';
    for (i = 0; i < identify->match_count; i++) {
        char address[100];

        pj_sockaddr_print(&identify->match[i].address, address, sizeof(address), 0);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s/%u", i ? " " : "", address,
                                 identify->match[i].prefix);
    }
    return text;
}

#define ENDPOINT "[alice]\ntype=endpoint\nallow=ulaw\n"

static void test_identify(void **state)
{
    (void)state;
    check_good(TRANSPORT ENDPOINT
               "[i]\ntype=identify\nendpoint=alice\nmatch=192.0.2.7\nmatch=10.1.2.3/8, "
               "2001:db8::1/32,::1\nmatch=172.16.9.9/255.240.0.0\nmatch=1.2.3.4/0\n"
               "[j]\ntype=identify\nendpoint=alice\nmatch=1.2.3.5/31\nsrv_lookups=no\n"
               "[k]\ntype=identify\nendpoint=alice\nmatch=sip.example.com, 1.2.3.4,a-b.7.xn--x\n"
               "match=localhost\n");
    assert_string_equal(sip->identifies->name, "i");
    assert_string_equal(sip->identifies->endpoint, "alice");
    assert_string_equal(networks(sip->identifies),
                        "192.0.2.7/32 10.0.0.0/8 2001:db8::/32 ::1/128 172.16.0.0/12 0.0.0.0/0");
    assert_int_equal(sip->identifies->name_count, 0);
    assert_int_equal(sip->identifies->srv_lookups, 1);
    assert_string_equal(networks(sip->identifies->next), "1.2.3.4/31");
    assert_int_equal(sip->identifies->next->srv_lookups, 0);
    assert_string_equal(networks(sip->identifies->next->next), "1.2.3.4/32");
    assert_int_equal(sip->identifies->next->next->name_count, 3);
    assert_string_equal(sip->identifies->next->next->names[0], "sip.example.com");
    assert_string_equal(sip->identifies->next->next->names[1], "a-b.7.xn--x");
    assert_string_equal(sip->identifies->next->next->names[2], "localhost");
    assert_null(sip->identifies->next->next->next);
}

static void test_wrong_identify(void **state)
{
    static const char *const wrong[] = {
        "",           "sip..example.com",    "1.2.3.4/33",    "1.2.3.4/x",          "1.2.3.4/",
        "::1/129",    "1.2.3.4/255.0.255.0", "::1/255.0.0.0", "1.2.3.4:50",         "[::1]",
        "1.2.3.4/-1", "1.2.3.256",           "1.2.3",         "sip.example.com/32", ".example.com",
        "-a.example", "a-.example",          "example.com.",  "a example"};
    char text[400], problem[400];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(text, sizeof(text),
                 TRANSPORT ENDPOINT "[i]\ntype=identify\nendpoint=alice\nmatch=1.2.3.4,%s\n",
                 wrong[i]);
        snprintf(
            problem, sizeof(problem),
            "p:10: error: wrong value '1.2.3.4,%s' of option 'match', expected IP addresses, networks or host "
            "names, e.g. 192.0.2.0/24, not '%s'\n",
            wrong[i], wrong[i]);
        check_bad(text, problem);
    }
    check_bad(TRANSPORT "[i]\ntype=identify\n",
              "p:4: error: identify 'i' names no endpoint, expected endpoint = NAME\n"
              "p:4: error: identify 'i' matches nothing, expected match = ADDRESS\n");
    check_bad(
        TRANSPORT ENDPOINT "[i]\ntype=identify\nendpoint=alicia\nmatch=1.2.3.4\n",
        "p:9: error: there is no endpoint 'alicia', expected the name of a section of type=endpoint\n");
    check_bad(
        TRANSPORT "[alice](!)\ntype=endpoint\n[i]\ntype=identify\nendpoint=alice\nmatch=1.2.3.4\n",
        "p:8: error: there is no endpoint 'alice', expected the name of a section of type=endpoint\n");
    check_bad(
        TRANSPORT ENDPOINT "[i]\ntype=identify\nendpoint=alice\nmatch_header=X y\n",
        "p:10: error: wrong value 'X y' of option 'match_header', expected a header, a colon and a "
        "value, e.g. X-Trunk: berlin\n");
    check_bad(
        TRANSPORT ENDPOINT "[i]\ntype=identify\nendpoint=alice\nmatch_header=X: /(/\n",
        "p:10: error: wrong value 'X: /(/' of option 'match_header', expected a regular expression "
        "between the slashes: Unmatched ( or \\(\n");
    check_bad(
        TRANSPORT ENDPOINT "[i]\ntype=identify\nendpoint=alice\nmatch_request_uri=/(/\n",
        "p:10: error: wrong value '/(/' of option 'match_request_uri', expected a regular expression "
        "between the slashes: Unmatched ( or \\(\n");
}

static void test_match(void **state)
{
    (void)state;
    check_good(TRANSPORT ENDPOINT
               "[i]\ntype=identify\nendpoint=alice\nmatch_header=X-Trunk: /^a+$/\n"
               "match_request_uri=sip:line7@example.org\n");
    assert_string_equal(sip->identifies->match_header, "X-Trunk: /^a+$/");
    assert_string_equal(sip->identifies->match_request_uri, "sip:line7@example.org");
}

/* A wrong value leaves the object as it was. */
static void test_wrong_match_changes_nothing(void **state)
{
    struct sip_identify_config identify;
    char why[200];

    (void)state;
    memset(&identify, 0, sizeof(identify));
    assert_int_equal(base_options_set(config_type_identify.table, &identify, "match", "1.2.3.4",
                                      why, sizeof(why)),
                     BASE_OPTION_OK);
    assert_int_equal(base_options_set(config_type_identify.table, &identify, "match",
                                      "5.6.7.8,y,x/", why, sizeof(why)),
                     BASE_OPTION_BAD_VALUE);
    assert_string_equal(networks(&identify), "1.2.3.4/32");
    assert_int_equal(identify.name_count, 0);
    base_options_free(config_type_identify.table, &identify);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_identify),
        TEST(test_wrong_identify),
        TEST(test_match),
        TEST(test_wrong_match_changes_nothing),
    };

    return cmocka_run_group_tests_name("identify", tests, NULL, NULL);
}
