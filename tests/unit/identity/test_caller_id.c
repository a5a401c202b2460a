/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who a caller is taken for, and what is told of an identity to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"

static struct ast_sip_endpoint endpoint;
static struct ast_party_id found;

static void set(struct ast_party_id *id, const char *name, const char *number, int presentation)
{
    memset(id, 0, sizeof(*id));
    snprintf(id->name, sizeof(id->name), "%s", name);
    snprintf(id->number, sizeof(id->number), "%s", number);
    id->presentation = presentation;
}

static void assert_caller(int known, int asserted, const char *name, const char *number,
                          int presentation)
{
    struct ast_party_id caller;

    caller_choose(&endpoint, known ? &found : NULL, asserted, &caller);
    assert_string_equal(caller.name, name);
    assert_string_equal(caller.number, number);
    assert_int_equal(caller.presentation, presentation);
    assert_string_equal(caller.tag, endpoint.callerid_tag != NULL ? endpoint.callerid_tag : "");
}

static void test_choose(void **state)
{
    (void)state;
    memset(&endpoint, 0, sizeof(endpoint));
    endpoint.callerid.presentation = AST_PARTY_UNAVAILABLE;
    assert_caller(0, 0, "", "", AST_PARTY_UNAVAILABLE);
    set(&found, "Peer", "111", AST_PARTY_ALLOWED);
    assert_caller(1, 0, "Peer", "111", AST_PARTY_ALLOWED);
    set(&endpoint.callerid, "Name", "", AST_PARTY_ALLOWED);
    assert_caller(1, 0, "Peer", "111", AST_PARTY_ALLOWED);
    set(&found, "", "111", AST_PARTY_ALLOWED);
    assert_caller(1, 0, "Name", "111", AST_PARTY_ALLOWED);
    found.presentation = AST_PARTY_RESTRICTED;
    assert_caller(1, 0, "", "111", AST_PARTY_RESTRICTED);
    endpoint.callerid_tag = (char *)"tag";
    set(&endpoint.callerid, "Name", "222", AST_PARTY_ALLOWED);
    assert_caller(1, 0, "Name", "222", AST_PARTY_RESTRICTED); /* it asked for privacy */
    assert_caller(1, 1, "", "111", AST_PARTY_RESTRICTED);
    found.presentation = AST_PARTY_ALLOWED;
    assert_caller(1, 0, "Name", "222", AST_PARTY_ALLOWED);
    assert_caller(0, 0, "Name", "222", AST_PARTY_ALLOWED);
    endpoint.callerid.presentation = AST_PARTY_RESTRICTED;
    assert_caller(1, 0, "Name", "222", AST_PARTY_RESTRICTED);
}

static void test_write(void **state)
{
    static const char full[] = "\"A \\\"B\\\"\" <sip:1%202@h>";
    struct caller_headers headers;
    struct ast_party_id id;
    struct caller_shown shown = {.endpoint = &endpoint, .id = &id, .host = "h", .calling = 1};

    (void)state;
    memset(&endpoint, 0, sizeof(endpoint));
    set(&id, "A \"B\"", "1 2", AST_PARTY_ALLOWED);
    caller_write(&shown, &headers);
    assert_string_equal(headers.pai, "");
    assert_string_equal(headers.rpid, "");
    assert_null(headers.privacy);
    endpoint.send_pai = endpoint.send_rpid = 1;
    caller_write(&shown, &headers);
    assert_string_equal(headers.pai, full);
    assert_string_equal(headers.rpid,
                        "\"A \\\"B\\\"\" <sip:1%202@h>;party=calling;privacy=off;screen=no");
    assert_null(headers.privacy);
    /* not to be shown */
    id.presentation = AST_PARTY_RESTRICTED;
    id.screened = 1;
    shown.calling = 0;
    caller_write(&shown, &headers);
    assert_string_equal(headers.pai, "");
    assert_string_equal(headers.rpid, "");
    assert_null(headers.privacy);
    endpoint.trust_id_outbound = 1;
    caller_write(&shown, &headers);
    assert_string_equal(headers.pai, full);
    assert_string_equal(headers.rpid,
                        "\"A \\\"B\\\"\" <sip:1%202@h>;party=called;privacy=full;screen=yes");
    assert_string_equal(headers.privacy, "id");
    endpoint.send_pai = endpoint.send_rpid = 0;
    caller_write(&shown, &headers);
    assert_null(headers.privacy);
    shown.in_from = 1;
    caller_write(&shown, &headers);
    assert_string_equal(headers.privacy, "user;id");
    /* nobody */
    endpoint.send_pai = 1;
    set(&id, "Name", "", AST_PARTY_ALLOWED);
    caller_write(&shown, &headers);
    assert_string_equal(headers.pai, "");
    /* the longest */
    endpoint.send_rpid = 1;
    memset(id.name, '"', sizeof(id.name) - 1);
    memset(id.number, ' ', sizeof(id.number) - 1);
    caller_write(&shown, &headers);
    assert_string_equal(strstr(headers.rpid, ";party"), ";party=called;privacy=off;screen=no");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_choose), cmocka_unit_test(test_write)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
