/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages as the dialplan sees them: fields, how long they are worth reading, arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "failmalloc.h"
#include "message.h"

static void test_fields(void **state)
{
    struct message *message = message_create();

    (void)state;
    assert_int_equal(message_add_field(message, "Subject", "one", 3), 0);
    assert_int_equal(message_add_field(message, "subject", "two", 3), 0);
    assert_int_equal(message_add_field(message, "X-Cut", "abc", 2), 0);
    assert_string_equal(message_field(message, "SUBJECT")->value, "one");
    assert_string_equal(message_field(message, "x-cut")->value, "ab");
    assert_int_equal(message_field(message, "subject")->outgoing, 0);
    assert_null(message_field(message, "X-None"));
    assert_int_equal(message_set_field(message, "SuBJect", "three"), 0);
    assert_string_equal(message_field(message, "subject")->value, "three");
    assert_int_equal(message_field(message, "subject")->outgoing, 1);
    assert_int_equal(message_set_field(message, "subject", ""), 0);
    assert_null(message_field(message, "subject"));
    assert_string_equal(message_field(message, "x-cut")->value, "ab");
    message_destroy(message);
    message_destroy(NULL);
}

/* What a peer wrote is one line of text. */
static void test_hostile_values(void **state)
{
    struct message *message = message_create();

    (void)state;
    message_add_field(message, "A", "a\r\n\tB: c\x7f", 9);
    message_add_field(message, "B", "\xff\xfe ok", 5);
    message_add_field(message, "C", "\xc3\xa4", 2);
    message_add_field(message, "D", "x\0y", 3);
    assert_string_equal(message_field(message, "A")->value, "a   B: c ");
    assert_string_equal(message_field(message, "B")->value, "?? ok");
    assert_string_equal(message_field(message, "C")->value, "\xc3\xa4");
    assert_string_equal(message_field(message, "D")->value, "x");
    message_destroy(message);
}

static void test_as_many_as_there_may_be(void **state)
{
    struct message *message = message_create();
    char name[16];

    (void)state;
    for (int i = 0; i < MESSAGE_MAX_SET; ++i) {
        snprintf(name, sizeof(name), "X-%d", i);
        assert_int_equal(message_set_field(message, name, "v"), 0);
    }
    assert_int_equal(message_set_field(message, "X-More", "v"), -1);
    assert_int_equal(message_set_field(message, "X-0", "new"), -1);
    assert_string_equal(message_field(message, "X-0")->value, "v");
    message_destroy(message);
}

static void test_end(void **state)
{
    const time_t noon = 1289649540; /* Sat, 13 Nov 2010 11:59:00 GMT */

    (void)state;
    assert_int_equal(message_end(NULL, NULL, noon), 0);
    assert_int_equal(message_end("60", NULL, noon), noon + 60);
    assert_int_equal(message_end("60", "Sat, 13 Nov 2010 11:58:00 GMT", noon), noon);
    assert_int_equal(message_end("60", "Sat, 13 Nov 2010 13:00:00 GMT", noon), noon + 60);
    for (unsigned i = 0; i < 5; ++i) {
        static const char *const dates[] = {"", "Sat, 13 Nov 2010", "13 Nov 2010 11:58:00 GMT",
                                            "Sat, 13 Nov 2010 11:58:00 CET",
                                            "Sat, 13 Nov 2010 11:58:00 GMT x"};

        assert_int_equal(message_end("60", dates[i], noon), noon + 60);
    }
    for (unsigned i = 0; i < 6; ++i) {
        static const char *const expires[] = {"", "0", "x", "-1", "6x", "99999999999999999999"};

        assert_int_equal(message_end(expires[i], NULL, noon), 0);
    }
    assert_int_equal(message_end("4294967295", NULL, noon), noon + 4294967295L);
}

static void check_from(const char *text, const char *name, const char *number, const char *host)
{
    struct ast_party_id id;
    char found[MESSAGE_HOST_SIZE];

    assert_int_equal(message_parse_from(text, &id, found, sizeof(found)), 0);
    assert_string_equal(id.name, name);
    assert_string_equal(id.number, number);
    assert_string_equal(found, host);
}

static void test_from(void **state)
{
    static const char *const wrong[] = {"",    "a b",        "sip:", "<sip:a@b",
                                        "\"x", "<http://x>", "a,b",  "<sip:a@b>, <sip:c@d>",
                                        "a@b", "sip:@"};
    struct ast_party_id id = {.number = "kept"};
    char host[8] = "kept", text[400];

    (void)state;
    check_from("100", "", "100", "");
    check_from("sip:a@b.example", "", "a", "b.example");
    check_from("sips:a@b.example:5070;x=y?h=1", "", "a", "b.example:5070");
    check_from("\"A, \\\"B\\\"\" <sip:a%20b@[::1]:5060>;tag=1", "A, \"B\"", "a b", "[::1]:5060");
    check_from("Ann <tel:+1>", "Ann", "+1", "");
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i) {
        assert_int_equal(message_parse_from(wrong[i], &id, host, sizeof(host)), -1);
    }
    assert_int_equal(message_parse_from("sip:a@12345678", &id, host, sizeof(host)), -1);
    memset(text, 'a', sizeof(text));
    memcpy(text, "sip:a@", 6);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(message_parse_from(text, &id, host, sizeof(host)), -1);
    assert_int_equal(message_parse_from(text + 6, &id, host, sizeof(host)), -1);
    assert_string_equal(id.number, "kept");
    assert_string_equal(host, "kept");
}

static void test_split(void **state)
{
    char text[] = " pjsip:a , \"B, \\\",\" <sip:b@c;x=1,2> ,d", few[] = "a", many[] = "a,b,c,d";
    char empty[] = "";
    char *parts[3];

    (void)state;
    assert_int_equal(message_split(text, parts, 3), 0);
    assert_string_equal(parts[0], "pjsip:a");
    assert_string_equal(parts[1], "\"B, \\\",\" <sip:b@c;x=1,2>");
    assert_string_equal(parts[2], "d");
    assert_int_equal(message_split(few, parts, 3), 0);
    assert_string_equal(parts[0], "a");
    assert_string_equal(parts[2], "");
    assert_int_equal(message_split(many, parts, 3), -1);
    assert_int_equal(message_split(empty, parts, 3), 0);
    assert_string_equal(parts[0], "");
}

static int work(void *data)
{
    struct message *message = message_create();
    int result = message == NULL || message_set_text(&message->body, "text") != 0 ||
                         message_add_field(message, "A", "1", 1) != 0 ||
                         message_set_field(message, "B", "2") != 0 ||
                         message_set_field(message, "A", "3") != 0
                     ? -1
                     : 0;

    (void)data;
    message_destroy(message);
    return result;
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(failmalloc_each(work, NULL, 0), 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_hostile_values),
        cmocka_unit_test(test_as_many_as_there_may_be),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_from),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
