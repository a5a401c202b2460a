/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoints and the configuration in force: references, names, defaults. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "res_sip/core.h"

static void test_defaults(void **state)
{
    struct ast_sip_endpoint *endpoint = ast_sip_endpoint_create("alice");

    (void)state;
    assert_non_null(endpoint);
    assert_string_equal(endpoint->name, "alice");
    assert_string_equal(endpoint->context, "default");
    assert_string_equal(endpoint->sdp_owner, "-");
    assert_int_equal(endpoint->timers_min_se, 90);
    assert_int_equal(endpoint->timers_sess_expires, 1800);
    assert_int_equal(endpoint->force_rport, 1);
    assert_int_equal(endpoint->trust_id_inbound, 0);
    assert_int_equal(endpoint->rewrite_contact, 0);
    assert_int_equal(endpoint->identify_by, AST_SIP_IDENTIFY_BY_USERNAME | AST_SIP_IDENTIFY_BY_IP);
    ast_sip_endpoint_unref(endpoint);
}

static void test_references(void **state)
{
    struct ast_sip_endpoint *endpoint = ast_sip_endpoint_create("alice");

    (void)state;
    assert_ptr_equal(ast_sip_endpoint_ref(endpoint), endpoint);
    ast_sip_endpoint_unref(endpoint);
    assert_string_equal(endpoint->name, "alice");
    ast_sip_endpoint_unref(endpoint);
    ast_sip_endpoint_unref(NULL);
}

static void test_get(void **state)
{
    struct sip_config *config = sip_config_create();
    struct ast_sip_endpoint *endpoint;
    unsigned i;

    (void)state;
    assert_null(ast_sip_get_endpoint("e1"));
    for (i = 0; i < 1000; i++) {
        char name[20];

        snprintf(name, sizeof(name), "e%u", i);
        test_add_endpoint(config, name);
    }
    assert_int_equal(sip_config_use(config), 0);
    assert_ptr_equal(sip_get_config(), config);
    for (i = 0; i < 1000; i++) {
        char name[20];

        snprintf(name, sizeof(name), "e%u", i);
        endpoint = ast_sip_get_endpoint(name);
        assert_non_null(endpoint);
        assert_string_equal(endpoint->name, name);
        ast_sip_endpoint_unref(endpoint);
    }
    assert_null(ast_sip_get_endpoint("E1")); /* case matters */
    assert_null(ast_sip_get_endpoint("e1000"));
    assert_null(ast_sip_get_endpoint(""));
    /* one that is held outlives its configuration */
    endpoint = ast_sip_get_endpoint("e7");
    assert_int_equal(sip_config_use(NULL), 0);
    assert_null(sip_get_config());
    assert_null(ast_sip_get_endpoint("e7"));
    assert_string_equal(endpoint->name, "e7");
    ast_sip_endpoint_unref(endpoint);
}

static void test_config_defaults(void **state)
{
    struct sip_config *config = sip_config_create();

    (void)state;
    assert_non_null(config);
    assert_string_equal(config->global.endpoint_identifier_order, "ip,username,anonymous");
    assert_int_equal(config->global.max_forwards, 70);
    assert_int_equal(config->global.timer_t1, 500);
    assert_int_equal(config->global.timer_b, 32000);
    assert_int_equal(config->global.disable_tcp_switch, 1);
    assert_int_equal(config->global.debug, 0);
    assert_null(config->transports);
    sip_config_destroy(config);
    sip_config_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_config_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
