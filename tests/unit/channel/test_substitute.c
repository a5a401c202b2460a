/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Variables, functions and expressions in texts. */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ast_channel *channel;

static int set_up(void **state)
{
    (void)state;
    channel = fake_channel("demo", "12345");
    ast_channel_set_variable(channel, "X", "abcdef");
    ast_channel_set_variable(channel, "NAME", "X");
    ast_channel_set_variable(channel, "EVIL", "${X}$[1+1]");
    ast_channel_set_variable(channel, "EMPTY", "");
    ast_channel_set_variable(channel, "EXTEN", "not this one");
    chan_variables_set(&pbx_globals, "G", "global");
    chan_variables_set(&pbx_globals, "X", "hidden");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ast_channel_unref(channel);
    chan_variables_clear(&pbx_globals);
    return 0;
}

static void assert_text(const char *text, const char *expected)
{
    char out[PBX_TEXT_SIZE];

    pbx_substitute(channel, text, out, sizeof(out));
    if (strcmp(out, expected) != 0) {
        fail_msg("%s: %s", text, out);
    }
}

static void test_variables(void **state)
{
    (void)state;
    assert_text("", "");
    assert_text("plain $ text } ]", "plain $ text } ]");
    assert_text("${X}", "abcdef");
    assert_text("<${X}>${X}", "<abcdef>abcdef");
    assert_text("${G} ${NONE}.", "global .");
    assert_text("${${NAME}}", "abcdef");
    assert_text("${NA${EMPTY}ME}", "X");
    assert_text("${EVIL}", "${X}$[1+1]"); /* what was put in is not looked at again */
    assert_text("${EXTEN} ${CONTEXT} ${PRIORITY} ${CHANNEL} ${HANGUPCAUSE}",
                "12345 demo 1 Fake/alice-00000001 0");
    assert_text("${UNIQUEID}", ast_channel_get_uniqueid(channel));
    assert_text("${", "${");
    assert_text("${X", "${X");
    assert_text("a ${${X} b", "a ${${X} b");
    assert_text("${}", "");
}

static void test_parts(void **state)
{
    (void)state;
    assert_text("${X:0}", "abcdef");
    assert_text("${X:1}", "bcdef");
    assert_text("${X:1:2}", "bc");
    assert_text("${X:-2}", "ef");
    assert_text("${X:-2:1}", "e");
    assert_text("${X:1:-1}", "bcde");
    assert_text("${X:0:-6}", "");
    assert_text("${X:0:-7}", "");
    assert_text("${X:6}", "");
    assert_text("${X:99}", "");
    assert_text("${X:-99}", "abcdef");
    assert_text("${X:2:99}", "cdef");
    assert_text("${X:2:0}", "");
    assert_text("${EXTEN:1}", "2345");
    assert_text("${X:99999999999999999999}", "");
    assert_text("${X:-99999999999999999999:99999999999999999999}", "abcdef");
    assert_text("${CALLERID(num):1}", "00");
    assert_text("${X:${CALLERID(num):2}:2}", "ab");
    assert_text("${X:a}", "abcdef");
    assert_text("${X::3}", "abc");
}

static void test_functions(void **state)
{
    (void)state;
    assert_text("${CALLERID(num)} ${CALLERID(number)} ${CALLERID(name)}", "100 100 Alice");
    assert_text("${CALLERID(all)}", "\"Alice\" <100>");
    assert_text("${CALLERID(pres)}", "allowed");
    assert_text("${CALLERID(what)}", "");
    assert_text("${LEN(${X})}", "6");
    assert_text("${LEN()}", "0");
    assert_text("${ISNULL(${EMPTY})}${EXISTS(${X})}", "11");
    assert_text("${IF($[${EXTEN} = 12345]?yes:no)}", "yes");
    assert_text("${IF(0?yes:no)} ${IF(0?yes)}.", "no .");
    assert_text("${GLOBAL(X)}", "hidden");
    assert_text("${CHANNEL(state)} ${CHANNEL(name)}", "Ring Fake/alice-00000001");
    assert_text("${NOSUCH(1)}", "");
    assert_text("${LEN(a:b)}", "3");
    assert_text("${LEN(abc}", "3");
}

static void test_expressions(void **state)
{
    (void)state;
    assert_text("$[1 + 1]", "2");
    assert_text("$[${EXTEN} + 1]", "12346");
    assert_text("a$[\"${X}\" = \"abcdef\"]b", "a1b");
    assert_text("${X:$[1 + 1]}", "cdef");
    assert_text("$[${LEN(${X})} > 5 & 1]", "1");
    assert_text("$[1 +]", "");
    assert_text("$[1", "$[1");
}

static void test_write(void **state)
{
    (void)state;
    assert_int_equal(pbx_write(channel, "CALLERID(num)", "200"), 0);
    assert_int_equal(pbx_write(channel, "CALLERID(name)", "Bob"), 0);
    assert_text("${CALLERID(all)}", "\"Bob\" <200>");
    assert_int_equal(pbx_write(channel, "CALLERID(all)", "\"Carol C.\" <300>"), 0);
    assert_text("${CALLERID(name)}/${CALLERID(num)}", "Carol C./300");
    assert_int_equal(pbx_write(channel, "CALLERID(all)", "<301>"), 0);
    assert_text("${CALLERID(name)}/${CALLERID(num)}", "/301");
    assert_int_equal(pbx_write(channel, "CALLERID(all)", "302"), 0);
    assert_text("${CALLERID(name)}/${CALLERID(num)}", "/302");
    assert_int_equal(pbx_write(channel, "CALLERID(pres)", "prohib_not_screened"), 0);
    assert_int_equal(ast_channel_get_caller(channel)->presentation, AST_PARTY_RESTRICTED);
    assert_int_equal(pbx_write(channel, "CALLERID(pres)", "what"), -1);
    assert_int_equal(pbx_write(channel, "CALLERID(what)", "1"), -1);
    assert_int_equal(pbx_write(channel, "CALLERID(tag)", "t"), 0);
    assert_text("${CALLERID(tag)}", "t");
    assert_int_equal(pbx_write(channel, "GLOBAL(H)", "1"), 0);
    assert_text("${H}", "1");
    assert_int_equal(pbx_write(channel, "LEN(x)", "1"), -1);
    assert_int_equal(pbx_write(channel, "NOSUCH(x)", "1"), -1);
    assert_int_equal(pbx_write(channel, "CALLERID(", "1"), -1);
    assert_int_equal(pbx_write(channel, "", "1"), -1);
    assert_int_equal(pbx_write(channel, "_Y", "1"), 0);
    assert_text("${Y}", "1");
    assert_int_equal(channel->variables.first->inherit, 1);
}

static void test_long_caller(void **state)
{
    char text[1024];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(pbx_write(channel, "CALLERID(num)", text), 0);
    assert_int_equal(strlen(ast_channel_get_caller(channel)->number), AST_PARTY_TEXT_SIZE - 1);
}

/* What does not fit is cut, at every level. */
static void test_limits(void **state)
{
    char big[PBX_TEXT_SIZE * 2], text[PBX_TEXT_SIZE], out[PBX_TEXT_SIZE], small[8];

    (void)state;
    memset(big, 'y', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    ast_channel_set_variable(channel, "BIG", big);
    pbx_substitute(channel, "${BIG}${BIG}", out, sizeof(out));
    assert_int_equal(strlen(out), sizeof(out) - 1);
    pbx_substitute(channel, "$[${BIG}]", out, sizeof(out));
    assert_int_equal(strlen(out), sizeof(out) - 1);
    pbx_substitute(channel, "12345678${X}", small, sizeof(small));
    assert_string_equal(small, "1234567");
    text[0] = '\0';
    for (int i = 0; i < 20; ++i) {
        strcat(text, "${");
    }
    strcat(text, "X");
    for (int i = 0; i < 20; ++i) {
        strcat(text, "}");
    }
    assert_text(text, "");
}

static void test_no_channel(void **state)
{
    char out[64];

    (void)state;
    assert_string_equal(pbx_substitute(NULL, "${G}${EXTEN}${CALLERID(num)}", out, sizeof(out)),
                        "global");
}

static void test_check(void **state)
{
    static const char *const good[] = {"",
                                       "plain (text] $",
                                       "${X}",
                                       "${X:1:2}",
                                       "${CALLERID(num):1}",
                                       "$[${X} + 1]",
                                       "$[\"${X}\" = \"\"]",
                                       "${IF($[${X}]?a:b)}",
                                       "${${X}(1)}"};
    static const char *const wrong[][2] = {
        {"${X", "expected a }"},
        {"$[1", "expected a ]"},
        {"${X$[1}", "expected a ]"},
        {"${}", "expected a variable's name"},
        {"${CALERID(num)}", "there is no function CALERID here, the nearest is CALLERID"},
        {"${LEN(x}", "expected a )"},
        {"${LEN(x)y}", "expected a }"},
        {"$[1 +]", "expected a value"},
        {"$[\"${X}\" =~ \"^1\"]", "the operator =~ is not supported here"},
        {"${X:$[1 1]}", "expected an operator"}};
    char why[160];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); ++i) {
        if (pbx_check_text(good[i], why, sizeof(why)) != 0) {
            fail_msg("%s: %s", good[i], why);
        }
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i) {
        assert_int_equal(pbx_check_text(wrong[i][0], why, sizeof(why)), -1);
        if (strncmp(why, wrong[i][1], strlen(wrong[i][1])) != 0) {
            fail_msg("%s: %s", wrong[i][0], why);
        }
    }
}

static void test_random(void **state)
{
    static const char *const parts[] = {"${",     "}",
                                        "$[",     "]",
                                        "X",      ":",
                                        "1",      "-",
                                        "(",      ")",
                                        "LEN(",   "IF(",
                                        "?",      "$",
                                        "{",      "[",
                                        "\"",     " ",
                                        "EXTEN",  "+",
                                        "NAME",   "CALLERID(num)",
                                        "${X}",   "${X:1:2}",
                                        "$[1+2]", "\\",
                                        ",",      "99999999999"};

    (void)state;
    srand(3);
    for (int i = 0; i < 100000; ++i) {
        char text[512] = "", out[64], why[160];

        for (int p = rand() % 14; p >= 0; --p) {
            strcat(text, parts[(size_t)rand() % (sizeof(parts) / sizeof(parts[0]))]);
        }
        pbx_substitute(channel, text, out, sizeof(out));
        assert_true(strlen(out) < sizeof(out));
        pbx_check_text(text, why, sizeof(why));
    }
}

/* Whom the peer is shown, and how the call was diverted. */
static void test_parties(void **state)
{
    (void)state;
    assert_text("${CONNECTEDLINE(num)}|${REDIRECTING(count)}|${REDIRECTING(reason)}", "|0|unknown");
    assert_int_equal(pbx_write(channel, "CONNECTEDLINE(all)", "\"Sales\" <100>"), 0);
    assert_int_equal(pbx_write(channel, "CONNECTEDLINE(pres,i)", "prohib"), 0);
    assert_text("${CONNECTEDLINE(name)}|${CONNECTEDLINE(num)}|${CONNECTEDLINE(pres)}",
                "Sales|100|prohib");
    assert_int_equal(pbx_write(channel, "CONNECTEDLINE(what)", "1"), -1);
    assert_int_equal(pbx_write(channel, "REDIRECTING(from-num)", "200"), 0);
    assert_int_equal(pbx_write(channel, "REDIRECTING(orig-name)", "First"), 0);
    assert_int_equal(pbx_write(channel, "REDIRECTING(reason)", "cfb"), 0);
    assert_int_equal(pbx_write(channel, "REDIRECTING(orig-reason)", "no-answer"), 0);
    assert_text("${REDIRECTING(from-num)}|${REDIRECTING(orig-name)}|${REDIRECTING(to-num)}|"
                "${REDIRECTING(reason)}|${REDIRECTING(orig-reason)}|${REDIRECTING(count)}",
                "200|First||cfb|cfnr|1");
    assert_int_equal(pbx_write(channel, "REDIRECTING(count)", "7"), 0);
    assert_int_equal(pbx_write(channel, "REDIRECTING(count)", "101"), -1);
    assert_int_equal(pbx_write(channel, "REDIRECTING(reason)", "two words"), -1);
    assert_int_equal(pbx_write(channel, "REDIRECTING(reason)", ""), -1);
    assert_int_equal(pbx_write(channel, "REDIRECTING(reason)", "x-of-our-own"), 0);
    assert_int_equal(pbx_write(channel, "REDIRECTING(from-what)", "1"), -1);
    assert_text("${REDIRECTING(count)}|${REDIRECTING(reason)}|${REDIRECTING(what)}",
                "7|x-of-our-own|");
    assert_int_equal(ast_channel_set_redirecting(channel, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_variables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_functions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_expressions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parties, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_caller, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_check, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random, set_up, tear_down),
    };

    ast_log_set_level(AST_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
