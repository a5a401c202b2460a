/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of headers: lists, parameters, identities; what is broken, hostile or too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sipsession/address.h>

static struct ast_sip_address address;

/* What a list has, as "display|uri|params" of each, "-" for what is broken. */
static const char *list(const char *text)
{
    static char out[1000];
    char copy[500];
    pj_str_t rest = {copy, (pj_ssize_t)strlen(text)};
    size_t at = 0;
    int result;

    memcpy(copy, text, strlen(text));
    out[0] = '\0';
    while ((result = ast_sip_address_next(&rest, &address)) != 0) {
        at += (size_t)(result == 1
                           ? snprintf(out + at, sizeof(out) - at, "%s%.*s|%.*s|%.*s",
                                      at ? " & " : "", (int)address.display.slen,
                                      address.display.ptr, (int)address.uri.slen, address.uri.ptr,
                                      (int)address.params.slen, address.params.ptr)
                           : snprintf(out + at, sizeof(out) - at, "%s-", at ? " & " : ""));
    }
    return out;
}

static void test_lists(void **state)
{
    static const char *const table[][2] = {
        {"", ""},
        {" \t ", ""},
        {"<sip:a@b>", "|sip:a@b|"},
        {"sip:a@b", "|sip:a@b|"},
        {"sip:a@b;x=1", "|sip:a@b|;x=1"},
        {"<sip:a@b;x=1>;y=2", "|sip:a@b;x=1|;y=2"},
        {"\"A\" <sip:a@b>", "A|sip:a@b|"},
        {"\"\" <sip:a@b>", "|sip:a@b|"},
        {"A B  <sip:a@b> ; y", "A B|sip:a@b|; y"},
        {"\"A, \\\"B\\\" <x>\" <sip:a@b>", "A, \\\"B\\\" <x>|sip:a@b|"},
        {"<sip:a@b>, <tel:+49>", "|sip:a@b| & |tel:+49|"},
        {"<sip:a,b@c>,<sip:d@e>;x=\"1,2\",sip:f@g",
         "|sip:a,b@c| & |sip:d@e|;x=\"1,2\" & |sip:f@g|"},
        {",,<sip:a@b>,", "- & - & |sip:a@b|"},
        {"<<<>>>", "-"},
        {"a=\"b<sip:a@b>\",c <sip:d@e>", "- & c|sip:d@e|"},
        {"<sip:a@b>;x=\"y, <sip:c@d>", "-"},
        {"\"open <sip:a@b>, <sip:c@d>", "-"},
        {"\"A\" b <sip:a@b>", "-"},
        {"\"A\"", "-"},
        {"<sip:a@b", "-"},
        {"<sip:a@b> x", "-"},
        {"<sip:a b@c>", "-"},
        {"<nothing>", "-"},
        {"<:x>", "-"},
        {"*", "-"},
        {"x<sip:a@b>", "x|sip:a@b|"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        if (strcmp(list(table[i][0]), table[i][1]) != 0) {
            fail_msg("%s: %s", table[i][0], list(table[i][0]));
        }
    }
}

static void test_params(void **state)
{
    static const char *const table[][3] = {
        {";a=1;b=2", "b", "2"},
        {";A=1", "a", "1"},
        {"; a = 1 ; b", "a", "1"},
        {";a;b", "b", ""},
        {";a=\"x;b=3\";b=2", "b", "2"},
        {";a=\"q\"", "a", "q"},
        {";a=\"", "a", NULL},
        {";b=\"\\\";b=4", "b", NULL},
        {";ab=1", "a", NULL},
        {";a=1", "ab", NULL},
        {"", "a", NULL},
        {";;=;a=1=2", "a", "1=2"},
        {"a=1", "a", NULL},
        {";a=\"\"", "a", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        pj_str_t params = {(char *)table[i][0], (pj_ssize_t)strlen(table[i][0])};
        pj_str_t value = {NULL, 0};
        int found = ast_sip_address_param(&params, table[i][1], &value);

        if (found != (table[i][2] != NULL) || (found && pj_strcmp2(&value, table[i][2]) != 0)) {
            fail_msg("%s of %s: %d %.*s", table[i][1], table[i][0], found, (int)value.slen,
                     value.ptr);
        }
    }
}

static void test_parties(void **state)
{
    static const struct {
        const char *text, *name, *number;
        int presentation;
    } table[] = {
        {"\"A \\\"B\\\" C\" <sip:a%20b@c>", "A \"B\" C", "a b", AST_PARTY_ALLOWED},
        {"<SIPS:a:pw@c;user=phone?x=y>", "", "a", AST_PARTY_ALLOWED},
        {"<tel:+4930;phone-context=x>", "", "+4930", AST_PARTY_ALLOWED},
        {"Bob <sip:host>", "Bob", "", AST_PARTY_ALLOWED},
        {"<sip:host>", NULL, NULL, 0},
        {"<sip:@>", NULL, NULL, 0},
        {"<mailto:a@b>", NULL, NULL, 0},
        {"<sipx:a@b>", NULL, NULL, 0},
        {"\"Anonymous\" <sip:anonymous@anonymous.invalid>", "Anonymous", "anonymous",
         AST_PARTY_RESTRICTED},
        {"<sip:c8@anonymous.invalid>", "", "c8", AST_PARTY_RESTRICTED},
        {"<sip:Anonymous@h>", "", "Anonymous", AST_PARTY_RESTRICTED},
        {"\"Zo\xc3\xab\" <sip:%C3%A4@h>", "Zo\xc3\xab", "\xc3\xa4", AST_PARTY_ALLOWED},
        {"\"Zo\xeb\xff\" <sip:%00%0d%FF%4@h>", "Zo??", "???%4", AST_PARTY_ALLOWED},
        {"\"\xed\xa0\x80\xc0\xaf\" <sip:a@h>", "?????", "a", AST_PARTY_ALLOWED},
        {"\"a\\\" <sip:a@h>", NULL, NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        pj_str_t rest = {(char *)table[i].text, (pj_ssize_t)strlen(table[i].text)};
        struct ast_party_id id = {.name = "untouched"};
        int result =
            ast_sip_address_next(&rest, &address) == 1 ? ast_sip_address_party(&address, &id) : -1;

        if (table[i].name == NULL) {
            assert_int_equal(result, -1);
            assert_string_equal(id.name, "untouched");
        } else if (result != 0 || strcmp(id.name, table[i].name) != 0 ||
                   strcmp(id.number, table[i].number) != 0 ||
                   id.presentation != table[i].presentation) {
            fail_msg("%s: %d %s|%s|%d", table[i].text, result, id.name, id.number, id.presentation);
        }
    }
}

/* Cut between characters, at every length. */
static void test_long(void **state)
{
    char text[900];

    (void)state;
    for (int shift = 0; shift < 4; ++shift) {
        struct ast_party_id id;
        pj_str_t rest = {text, 0};
        int length = sprintf(text, "\"%.*s", shift, "xxx");

        for (int i = 0; i < 150; ++i) {
            memcpy(text + length, "\xf0\x9f\x98\x80", 4);
            length += 4;
        }
        length += sprintf(text + length, "\" <sip:");
        memset(text + length, '7', 200);
        length += 200;
        length += sprintf(text + length, "@h>");
        rest.slen = length;
        assert_int_equal(ast_sip_address_next(&rest, &address), 1);
        assert_int_equal(ast_sip_address_party(&address, &id), 0);
        assert_int_equal(strlen(id.name), shift + (127 - shift) / 4 * 4);
        assert_null(strchr(id.name, '?'));
        assert_int_equal(strlen(id.number), 127);
    }
    text[0] = '<';
    memset(text + 1, 'x', sizeof(text) - 1); /* no end */
    assert_int_equal(ast_sip_address_next(&(pj_str_t){text, sizeof(text)}, &address), -1);
}

static void test_print(void **state)
{
    struct ast_party_id id = {.name = "A \"B\" \\\r\nC", .number = "a b@c"};
    char out[AST_SIP_ADDRESS_SIZE], host[300];
    int length;

    (void)state;
    length = ast_sip_address_print(&id, "h:5", out, sizeof(out));
    assert_int_equal(length, strlen(out));
    assert_string_equal(out, "\"A \\\"B\\\" \\\\C\" <sip:a%20b%40c@h:5>");
    assert_int_equal(ast_sip_address_print(&id, "h:5", out, strlen(out)), -1);
    assert_true(ast_sip_address_print(&id, "h:5", out, strlen(out) + 1) > 0);
    id.name[0] = '\0';
    assert_true(ast_sip_address_print(&id, "h", out, sizeof(out)) > 0);
    assert_string_equal(out, "<sip:a%20b%40c@h>");
    id.number[0] = '\0';
    assert_true(ast_sip_address_print(&id, "h", out, sizeof(out)) > 0);
    assert_string_equal(out, "<sip:h>");
    /* the longest there is */
    memset(id.name, '"', sizeof(id.name) - 1);
    memset(id.number, ' ', sizeof(id.number) - 1);
    id.name[sizeof(id.name) - 1] = id.number[sizeof(id.number) - 1] = '\0';
    memset(host, 'h', 255);
    host[255] = '\0';
    length = ast_sip_address_print(&id, host, out, sizeof(out));
    assert_int_equal(length, strlen(out));
    strcat(host, "h");
    assert_int_equal(ast_sip_address_print(&id, host, out, sizeof(out)), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists), cmocka_unit_test(test_params), cmocka_unit_test(test_parties),
        cmocka_unit_test(test_long),  cmocka_unit_test(test_print),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
