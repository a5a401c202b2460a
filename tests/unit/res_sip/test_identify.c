/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which identifier is asked first, and which network of a source wins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "res_sip/core.h"

static char found[64]; /* the endpoint that the last request came from */

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    struct ast_sip_endpoint *endpoint = ast_pjsip_rdata_get_endpoint(rdata);

    snprintf(found, sizeof(found), "%s", endpoint ? endpoint->name : "(none)");
    return PJ_FALSE;
}

static void register_watcher(void)
{
    test_watch(on_request);
}

/* Asks as `from`; the endpoint that it was taken for, or "" when it was challenged. */
static const char *who(int fd, const char *from)
{
    static unsigned number;
    char id[20];

    snprintf(id, sizeof(id), "w%u", number++);
    found[0] = '\0';
    assert_true(test_ask(fd, test_request("OPTIONS", from, id, NULL, NULL), NULL) > 0);
    return found;
}

static struct sip_config *config_with(const char *order)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);

    free(config->global.endpoint_identifier_order);
    config->global.endpoint_identifier_order = strdup(order);
    test_add_endpoint(config, "alice");
    test_add_endpoint(config, "trunk");
    test_add_endpoint(config, "anonymous");
    test_add_identify(config, "trunk", "127.0.0.0/8");
    return config;
}

static void expect(const char *order, const char *alice, const char *stranger)
{
    int fd;

    test_start(config_with(order), register_watcher);
    fd = test_connect(0);
    assert_string_equal(who(fd, "alice"), alice);
    assert_string_equal(who(fd, "nobody"), stranger);
    close(fd);
    test_stop();
}

static void test_order(void **state)
{
    (void)state;
    expect("ip,username,anonymous", "trunk", "trunk");
    expect("username,ip,anonymous", "alice", "trunk");
    expect(" Username , anonymous,ip", "alice", "anonymous");
    expect("anonymous,username,ip", "anonymous", "anonymous");
    /* those that the option does not name come last, in the order of their registration */
    expect("username", "alice", "trunk");
    expect("", "trunk", "trunk");
}

static struct ast_sip_endpoint *own_identify(pjsip_rx_data *rdata)
{
    (void)rdata;
    return ast_sip_get_endpoint("own");
}

static struct ast_sip_endpoint_identifier own = {own_identify};
static struct ast_sip_endpoint_identifier unnamed = {own_identify};
static struct ast_sip_endpoint_identifier broken = {NULL};

static void register_own(void)
{
    register_watcher();
    assert_int_equal(ast_sip_register_endpoint_identifier_with_name(&own, "own"), 0);
    assert_int_equal(ast_sip_register_endpoint_identifier_with_name(&own, "own"), -1);
    assert_int_equal(ast_sip_register_endpoint_identifier(&broken), -1);
}

static void unregister_own(void *data)
{
    (void)data;
    ast_sip_unregister_endpoint_identifier(&own);
    ast_sip_unregister_endpoint_identifier(&own);
    assert_int_equal(ast_sip_register_endpoint_identifier(&unnamed), 0);
}

static void test_own_identifier(void **state)
{
    struct sip_config *config = config_with("username,own,ip");
    int fd;

    (void)state;
    test_add_endpoint(config, "own");
    test_start(config, register_own);
    fd = test_connect(0);
    assert_string_equal(who(fd, "alice"), "alice");
    assert_string_equal(who(fd, "nobody"), "own");
    test_call(unregister_own, NULL);
    assert_string_equal(who(fd, "nobody"), "trunk"); /* one without a name is asked last */
    close(fd);
    test_stop();
}

static void test_longest_prefix(void **state)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);
    int fd;

    (void)state;
    test_add_endpoint(config, "all");
    test_add_endpoint(config, "net");
    test_add_endpoint(config, "host");
    test_add_identify(config, "all", "0.0.0.0/0");
    test_add_identify(config, "net", "127.0.0.0/30");
    test_add_identify(config, "host", "127.0.0.1/32");
    test_add_identify(config, "nobody", "127.0.0.1/32"); /* no such endpoint: left out */
    test_add_identify(config, "net", "127.0.0.1/32"); /* the same again: the first of both wins */
    test_start(config, register_watcher);
    fd = test_connect(0);
    /* the list is built from its end, so that of the two of 127.0.0.1/32 "net" comes first */
    assert_string_equal(who(fd, "x"), "net");
    close(fd);
    test_stop();
}

static void test_prefix_edges(void **state)
{
    static const struct {
        const char *network;
        int matches;
    } cases[] = {{"127.0.0.1/32", 1}, {"127.0.0.2/32", 0},   {"127.0.0.0/31", 1},
                 {"127.0.0.2/31", 0}, {"126.0.0.0/7", 1},    {"128.0.0.0/1", 0},
                 {"0.0.0.0/1", 1},    {"127.255.0.0/16", 0}, {"::/0", 0}};
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);
        int fd;

        test_add_endpoint(config, "it");
        test_add_identify(config, "it", cases[i].network);
        test_start(config, register_watcher);
        fd = test_connect(0);
        assert_string_equal(who(fd, "x"), cases[i].matches ? "it" : "");
        close(fd);
        test_stop();
    }
}

static void test_ipv6(void **state)
{
    struct sip_config *config = test_config("::1", SIP_TRANSPORT_UDP);
    int fd;

    (void)state;
    test_add_endpoint(config, "far");
    test_add_endpoint(config, "near");
    test_add_identify(config, "far", "::/0");
    test_add_identify(config, "near", "::/121");
    test_start(config, register_watcher);
    fd = test_connect(0);
    assert_string_equal(who(fd, "x"), "near");
    close(fd);
    test_stop();
}

static void test_anonymous_of_domain(void **state)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);
    int fd;

    (void)state;
    test_add_endpoint(config, "anonymous");
    test_add_endpoint(config, "anonymous@example.com");
    test_start(config, register_watcher);
    fd = test_connect(0);
    assert_string_equal(who(fd, "x"), "anonymous@example.com");
    close(fd);
    test_stop();
}

/* Two thousand networks and endpoints: all are found. */
static void test_many(void **state)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);
    unsigned i;
    int fd;

    (void)state;
    for (i = 0; i < 2000; i++) {
        char name[20], network[40];

        snprintf(name, sizeof(name), "e%u", i);
        snprintf(network, sizeof(network), "10.%u.%u.0/24", i / 250, i % 250);
        test_add_endpoint(config, name);
        test_add_identify(config, name, network);
    }
    test_start(config, register_watcher);
    fd = test_connect(0);
    assert_string_equal(who(fd, "e0"), "e0");
    assert_string_equal(who(fd, "e1999"), "e1999");
    assert_string_equal(who(fd, "e2000"), "");
    close(fd);
    test_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),          cmocka_unit_test(test_own_identifier),
        cmocka_unit_test(test_longest_prefix), cmocka_unit_test(test_prefix_edges),
        cmocka_unit_test(test_ipv6),           cmocka_unit_test(test_anonymous_of_domain),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
