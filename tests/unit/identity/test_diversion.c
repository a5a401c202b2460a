/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diversion read and written: counters, order, privacy, what no peer should send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "entry.h"

static struct ast_party_redirecting redirecting;

static int read_all(const char *text)
{
    struct ast_sip_address addresses[DIVERSION_MOST];
    pj_str_t rest = {(char *)text, (pj_ssize_t)strlen(text)};
    unsigned count = 0;
    int result;

    while (count < DIVERSION_MOST &&
           (result = ast_sip_address_next(&rest, &addresses[count])) != 0) {
        count += result == 1;
    }
    return diversion_read_all(addresses, count, &redirecting);
}

static void test_read(void **state)
{
    char many[1000] = "";

    (void)state;
    assert_int_equal(read_all("\"Bob\" <sip:200@h>;reason=user-busy"), 0);
    assert_string_equal(redirecting.from.name, "Bob");
    assert_string_equal(redirecting.from.number, "200");
    assert_string_equal(redirecting.orig.number, "200");
    assert_string_equal(redirecting.reason, "user-busy");
    assert_int_equal(redirecting.count, 1);
    assert_int_equal(redirecting.from.presentation, AST_PARTY_ALLOWED);

    assert_int_equal(
        read_all("<sip:300@h>;reason=\"no-answer\";counter=3;privacy=full;screen=yes, "
                 "<<>>, <sip:h>, <tel:200>;counter=02;reason=unconditional;privacy=\"off\""),
        0);
    assert_string_equal(redirecting.from.number, "300");
    assert_string_equal(redirecting.reason, "no-answer");
    assert_int_equal(redirecting.from.presentation, AST_PARTY_RESTRICTED);
    assert_int_equal(redirecting.from.screened, 1);
    assert_string_equal(redirecting.orig.number, "200");
    assert_string_equal(redirecting.orig_reason, "unconditional");
    assert_int_equal(redirecting.orig.presentation, AST_PARTY_ALLOWED);
    assert_int_equal(redirecting.count, 5);

    /* reasons that are no token or too long are none; wrong counters count once */
    assert_int_equal(read_all("<sip:1@h>;reason=\"two words\";counter=x"), 0);
    assert_string_equal(redirecting.reason, "");
    assert_int_equal(redirecting.count, 1);
    assert_int_equal(read_all(
                         "<sip:1@h>;reason=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;counter=0"),
                     0);
    assert_string_equal(redirecting.reason, "");
    assert_int_equal(redirecting.count, 1);
    assert_int_equal(read_all("<sip:1@h>;counter=9999999999"), 0);
    assert_int_equal(redirecting.count, 1);
    assert_int_equal(read_all("<sip:1@h>;counter=999"), 0);
    assert_int_equal(redirecting.count, DIVERSION_MOST_COUNT);
    for (int i = 0; i < 12; ++i) {
        strcat(many, "<sip:1@h>;counter=99,");
    }
    assert_int_equal(read_all(many), 0);
    assert_int_equal(redirecting.count, DIVERSION_MOST_COUNT);
    assert_int_equal(read_all(""), -1);
    assert_int_equal(read_all("<mailto:a@b>, <sip:h>;counter=3"), -1);
}

static void assert_written(int trusted, const char *first, const char *second)
{
    struct diversion_entry entries[2];
    unsigned count = diversion_entries(&redirecting, entries);
    char text[DIVERSION_VALUE_SIZE];

    assert_int_equal(count, (first != NULL) + (second != NULL));
    if (first != NULL) {
        assert_int_equal(diversion_write(&entries[0], "h", trusted, text), strlen(first));
        assert_string_equal(text, first);
    }
    if (second != NULL) {
        assert_int_equal(diversion_write(&entries[1], "h", trusted, text), strlen(second));
        assert_string_equal(text, second);
    }
}

static void test_write(void **state)
{
    (void)state;
    memset(&redirecting, 0, sizeof(redirecting));
    assert_written(0, NULL, NULL);
    strcpy(redirecting.orig.number, "100");
    assert_written(0, "<sip:100@h>;reason=unknown;privacy=off;screen=no", NULL);
    strcpy(redirecting.from.number, "200");
    strcpy(redirecting.from.name, "Bob");
    strcpy(redirecting.reason, "user-busy");
    strcpy(redirecting.orig_reason, "no-answer");
    redirecting.from.screened = 1;
    redirecting.count = 1;
    assert_written(0, "\"Bob\" <sip:200@h>;reason=user-busy;privacy=off;screen=yes", NULL);
    redirecting.count = 4;
    assert_written(0, "\"Bob\" <sip:200@h>;reason=user-busy;counter=3;privacy=off;screen=yes",
                   "<sip:100@h>;reason=no-answer;privacy=off;screen=no");
    redirecting.orig.presentation = AST_PARTY_RESTRICTED;
    assert_written(1, "\"Bob\" <sip:200@h>;reason=user-busy;counter=3;privacy=off;screen=yes",
                   "<sip:100@h>;reason=no-answer;privacy=full;screen=no");
    assert_written(
        0, "\"Bob\" <sip:200@h>;reason=user-busy;counter=3;privacy=off;screen=yes",
        "\"Anonymous\" <sip:anonymous@anonymous.invalid>;reason=no-answer;privacy=full;screen=no");
    strcpy(redirecting.orig.number, "200");
    assert_written(0, "\"Bob\" <sip:200@h>;reason=user-busy;counter=4;privacy=off;screen=yes",
                   NULL);
}

/* What was written is read as the same. */
static void test_there_and_back(void **state)
{
    struct diversion_entry entry, back;
    char text[DIVERSION_VALUE_SIZE];
    struct ast_sip_address address;
    pj_str_t rest = {text, 0};

    (void)state;
    memset(&entry, 0, sizeof(entry));
    memset(entry.party.name, '"', AST_PARTY_TEXT_SIZE - 1);
    memset(entry.party.number, ';', AST_PARTY_TEXT_SIZE - 1);
    memset(entry.reason, 'r', sizeof(entry.reason) - 1);
    entry.count = 100;
    entry.party.presentation = AST_PARTY_RESTRICTED;
    rest.slen = diversion_write(&entry, "h", 1, text);
    assert_true(rest.slen > 0);
    assert_int_equal(ast_sip_address_next(&rest, &address), 1);
    assert_int_equal(diversion_read(&address, &back), 0);
    assert_string_equal(back.party.name, entry.party.name);
    assert_string_equal(back.party.number, entry.party.number);
    assert_string_equal(back.reason, entry.reason);
    assert_int_equal(back.count, 100);
    assert_int_equal(back.party.presentation, AST_PARTY_RESTRICTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_write),
                                       cmocka_unit_test(test_there_and_back)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
