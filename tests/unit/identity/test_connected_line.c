/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a peer can be told of whom it is connected with, and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

static void test_same(void **state)
{
    struct ast_party_id a = {.name = "A", .number = "1"}, b = a;

    (void)state;
    assert_true(line_is_same(&a, &b));
    b.screened = 1; /* nobody sees these */
    strcpy(b.tag, "t");
    assert_true(line_is_same(&a, &b));
    b.presentation = AST_PARTY_RESTRICTED;
    assert_false(line_is_same(&a, &b));
    b = a;
    b.name[0] = 'B';
    assert_false(line_is_same(&a, &b));
    b = a;
    b.number[0] = '2';
    assert_false(line_is_same(&a, &b));
}

static void test_can_tell(void **state)
{
    struct ast_sip_endpoint endpoint = {.send_connected_line = 1};
    struct ast_party_id id = {.name = "A", .number = "1"}, nobody = {.name = ""};

    (void)state;
    assert_false(line_can_tell(&endpoint, &id, 0));
    assert_true(line_can_tell(&endpoint, &id, 1));
    assert_false(line_can_tell(&endpoint, &nobody, 1));
    endpoint.send_pai = 1;
    assert_true(line_can_tell(&endpoint, &id, 0));
    id.presentation = AST_PARTY_RESTRICTED;
    assert_false(line_can_tell(&endpoint, &id, 0));
    assert_true(line_can_tell(&endpoint, &id, 1)); /* that it is anonymous now */
    endpoint.trust_id_outbound = 1;
    assert_true(line_can_tell(&endpoint, &id, 0));
    id.number[0] = '\0';
    assert_false(line_can_tell(&endpoint, &id, 0));
    assert_true(line_can_tell(&endpoint, &id, 1));
    endpoint.send_connected_line = 0;
    assert_false(line_can_tell(&endpoint, &id, 1));
}

static void test_choose(void **state)
{
    struct ast_sip_session_refresh refresh = {.without_offer = 7};

    (void)state;
    line_choose(1, &refresh);
    assert_int_equal(refresh.method, AST_SIP_SESSION_REFRESH_UPDATE);
    assert_int_equal(refresh.without_offer, 1);
    line_choose(0, &refresh);
    assert_int_equal(refresh.method, AST_SIP_SESSION_REFRESH_INVITE);
    assert_int_equal(refresh.without_offer, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_can_tell),
                                       cmocka_unit_test(test_choose)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
