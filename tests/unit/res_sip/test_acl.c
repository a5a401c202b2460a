/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access lists: which addresses a network has, the order of rules, several lists, failing memory.
 */
#include <stdlib.h>
#include <string.h>

#include "../base/failmalloc.h"
#include "harness.h"
#include "res_sip/core.h"

static pj_sockaddr address(const char *text)
{
    pj_str_t host = sip_str(text);
    pj_sockaddr made;

    assert_int_equal(pj_sockaddr_init(strchr(text, ':') ? PJ_AF_INET6 : PJ_AF_INET, &made, &host,
                                      5060),
                     PJ_SUCCESS);
    return made;
}

static struct sip_network network(const char *text, unsigned prefix)
{
    struct sip_network made = {.address = address(text), .prefix = prefix};

    return made;
}

static int has(const char *net, unsigned prefix, const char *host)
{
    struct sip_network of = network(net, prefix);
    pj_sockaddr one = address(host);

    return sip_network_has(&of, &one);
}

static void test_networks(void **state)
{
    (void)state;
    assert_true(has("192.0.2.0", 24, "192.0.2.0"));
    assert_true(has("192.0.2.0", 24, "192.0.2.255"));
    assert_false(has("192.0.2.0", 24, "192.0.3.0"));
    assert_true(has("192.0.2.128", 25, "192.0.2.128"));
    assert_false(has("192.0.2.128", 25, "192.0.2.127"));
    assert_true(has("192.0.2.4", 30, "192.0.2.7"));
    assert_false(has("192.0.2.4", 30, "192.0.2.8"));
    assert_true(has("192.0.2.1", 32, "192.0.2.1"));
    assert_false(has("192.0.2.1", 32, "192.0.2.0"));
    assert_true(has("0.0.0.0", 0, "255.255.255.255"));
    assert_false(has("0.0.0.0", 0, "2001:db8::1"));
    assert_false(has("::", 0, "192.0.2.1"));
    assert_true(has("::", 0, "2001:db8::1"));
    assert_true(has("2001:db8::", 32, "2001:db8:ffff::1"));
    assert_false(has("2001:db8::", 32, "2001:db9::1"));
    assert_true(has("2001:db8::", 33, "2001:db8:7fff::1"));
    assert_false(has("2001:db8::", 33, "2001:db8:8000::1"));
    assert_true(has("2001:db8::1", 128, "2001:db8::1"));
    assert_false(has("2001:db8::1", 128, "2001:db8::2"));
    assert_false(has("2001:db8::1", 127, "2001:db8::3"));
}

/* An address of IPv4 that a socket of IPv6 shows. */
static void test_mapped(void **state)
{
    (void)state;
    assert_true(has("192.0.2.0", 24, "::ffff:192.0.2.9"));
    assert_false(has("192.0.2.0", 24, "::ffff:192.0.3.9"));
    assert_true(has("::ffff:192.0.2.0", 120, "192.0.2.9"));
    assert_true(has("::ffff:192.0.2.0", 123, "::ffff:192.0.2.31"));
    assert_false(has("::ffff:192.0.2.0", 123, "192.0.2.32"));
    assert_false(has("::", 0, "::ffff:192.0.2.9"));
}

static struct ast_sip_acl *lists;

static int teardown(void **state)
{
    (void)state;
    sip_acl_free(lists);
    lists = NULL;
    return 0;
}

static void add(struct ast_sip_acl *acl, const char *net, unsigned prefix, int permit)
{
    struct sip_network of = network(net, prefix);

    assert_int_equal(sip_acl_add(acl, &of, permit), 0);
}

static const char *refusing(const char *host)
{
    pj_sockaddr one = address(host);
    const struct ast_sip_acl *acl = sip_acl_refusing(lists, &one);

    return acl ? acl->name : "";
}

static void test_last_rule_wins(void **state)
{
    struct ast_sip_acl *acl;

    (void)state;
    assert_string_equal(refusing("192.0.2.1"), ""); /* no list */
    acl = sip_acl_append(&lists, "a");
    assert_string_equal(refusing("192.0.2.1"), ""); /* no rule */
    add(acl, "0.0.0.0", 0, 0);
    add(acl, "192.0.2.0", 24, 1);
    add(acl, "192.0.2.7", 32, 0);
    assert_string_equal(refusing("192.0.2.1"), "");
    assert_string_equal(refusing("192.0.2.7"), "a");
    assert_string_equal(refusing("198.51.100.1"), "a");
    assert_string_equal(refusing("2001:db8::1"), ""); /* nothing was said of IPv6 */
    add(acl, "0.0.0.0", 0, 1);
    assert_string_equal(refusing("192.0.2.7"), "");
}

static void test_all_lists_must_permit(void **state)
{
    (void)state;
    add(sip_acl_append(&lists, "a"), "10.0.0.0", 8, 0);
    add(sip_acl_append(&lists, "b"), "192.0.2.0", 24, 0);
    assert_string_equal(refusing("10.1.1.1"), "a");
    assert_string_equal(refusing("192.0.2.1"), "b");
    assert_string_equal(refusing("198.51.100.1"), "");
}

static int build(void *data)
{
    struct sip_network of = network("192.0.2.0", 24);
    struct ast_sip_acl *made = NULL, *acl = sip_acl_append(&made, "x");
    int result = -1;

    (void)data;
    if (acl && sip_acl_add(acl, &of, 0) == 0 && sip_acl_add(acl, &of, 1) == 0) {
        assert_int_equal(acl->count, 2);
        assert_string_equal(acl->name, "x");
        result = 0;
    }
    sip_acl_free(made);
    return result;
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(failmalloc_each(build, NULL, 0), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_mapped),
        cmocka_unit_test_teardown(test_last_rule_wins, teardown),
        cmocka_unit_test_teardown(test_all_lists_must_permit, teardown),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
