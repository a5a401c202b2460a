/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reason: values of the Reason header, as they should be and as they should not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "value.h"

/* All values of a header as "protocol/cause/text|...", read from memory of its exact size. */
static const char *read_all(const char *text)
{
    static char out[1000];
    size_t length = strlen(text), used = 0;
    char *copy = malloc(length > 0 ? length : 1);
    const char *at = copy;
    struct reason_value value;

    memcpy(copy, text, length);
    out[0] = '\0';
    while (reason_next(&at, copy + length, &value)) {
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%s/%d/%s|", value.protocol,
                                 value.cause, value.text);
    }
    assert_ptr_equal(at, copy + length);
    free(copy);
    return out;
}

static void test_read(void **state)
{
    static const struct {
        const char *text, *values;
    } table[] = {
        {"Q.850;cause=17", "Q.850/17/|"},
        {"SIP ;cause=200 ;text=\"Call completed elsewhere\"", "SIP/200/Call completed elsewhere|"},
        {"q.850 ; text=\"x\" ; cause = 21 ;x", "q.850/21/x|"},
        {"SIP;cause=200, Q.850;cause=16", "SIP/200/|Q.850/16/|"},
        {"SIP;text=\"a, b;cause=3 \\\" \\\\\";cause=600,Q.850;cause=1",
         "SIP/600/a, b;cause=3 \" \\|Q.850/1/|"},
        {"Q.850", "Q.850/-1/|"},
        {"Q.850;cause=1000", "Q.850/-1/|"},
        {"Q.850;cause=-1", "Q.850/-1/|"},
        {"Q.850;cause=1x", "Q.850/-1/|"},
        {"Q.850;causes=4;acause=5", "Q.850/-1/|"},
        {"Q.850;text=plain;cause=4", "Q.850/4/plain|"},
        {"X.Int;reasoncode=0x00000000;add-info=05CC.0001.0001", "X.Int/-1/|"},
        {"", ""},
        {",,", ""},
        {";cause=4", ""},
        {"Q.850;", ""},
        {"Q.850;cause=", ""},
        {"Q.850 cause=4", ""},
        {"Q.850;cause=4\"", ""},
        {"broken;;, Q.850;cause=3", "Q.850/3/|"},
        {"SIP;text=\"no end, Q.850;cause=3", "SIP/-1/no end, Q.850;cause=3|"},
        {"SIP;text=\"\\", "SIP/-1/\\|"},
        {"a-protocol-of-many-letters;cause=1", "a-protocol-of-m/1/|"},
        {"SIP;cause=1;text=\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
         "SIP/1/012345678901234567890123456789012345678901234567890123456789012|"},
        {"SIP;text=\"a\tb\"", "SIP/-1/a b|"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        if (strcmp(read_all(table[i].text), table[i].values) != 0) {
            fail_msg("'%s' is '%s', not '%s'", table[i].text, read_all(table[i].text),
                     table[i].values);
        }
    }
}

static void test_print(void **state)
{
    char out[40];

    (void)state;
    assert_int_equal(reason_print(out, sizeof(out), "Q.850", 16, ""), 14);
    assert_string_equal(out, "Q.850;cause=16");
    assert_int_equal(reason_print(out, sizeof(out), "SIP", 408, "a \"b\" \\\n"), 32);
    assert_string_equal(out, "SIP;cause=408;text=\"a \\\"b\\\" \\\\ \"");
    /* Whatever the room, nothing is written beyond it. */
    for (size_t size = 1; size < sizeof(out); ++size) {
        int length;

        memset(out, 'x', sizeof(out));
        length = reason_print(out, size, "SIP", 408, "a \"b\"");
        assert_true(length == -1 || (size_t)length < size);
        assert_int_equal(out[size], 'x');
    }
}

static void test_what_is_written_is_read(void **state)
{
    char out[192];

    (void)state;
    assert_true(reason_print(out, sizeof(out), "SIP", 503, "one, \"two\"; \\ three") > 0);
    assert_string_equal(read_all(out), "SIP/503/one, \"two\"; \\ three|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_what_is_written_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
