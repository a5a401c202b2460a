/* SPDX-License-Identifier: GPL-2.0-or-later */
/* History-Info read and written: indices, headers within URIs, privacy, what no peer should send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "entry.h"

static struct history_entry entry;
static struct ast_sip_address address;

static int read_one(const char *text)
{
    static char copy[2000];
    pj_str_t rest = {copy, snprintf(copy, sizeof(copy), "%s", text)};

    return ast_sip_address_next(&rest, &address) == 1 ? history_read(&address, &entry) : -1;
}

static void assert_entry(const char *uri, const char *index, const char *target, const char *reason,
                         const char *privacy)
{
    assert_string_equal(entry.uri, uri);
    assert_string_equal(entry.index, index);
    assert_string_equal(entry.target, target);
    assert_string_equal(entry.reason, reason);
    assert_string_equal(entry.privacy, privacy);
}

static void test_read(void **state)
{
    char text[1500], copied[HISTORY_ENTRY_SIZE];

    (void)state;
    assert_int_equal(read_one("<sip:bob@example.com>;index=1"), 0);
    assert_entry("sip:bob@example.com", "1", "", "", "");
    assert_int_equal(read_one(
                         "\"B\" <sip:bob@h;user=phone?Reason=SIP%3Bcause%3D302%3Btext%3D%22x%22"
                         "&privacy=history>;index=1.2.10;mp=1.2"),
                     0);
    assert_entry("sip:bob@h;user=phone", "1.2.10", "mp=1.2", "SIP;cause=302;text=\"x\"", "history");
    assert_true(history_copy(&address, copied, sizeof(copied)) > 0);
    assert_string_equal(copied, "<sip:bob@h;user=phone?Reason=SIP%3Bcause%3D302%3Btext%3D%22x%22"
                                "&privacy=history>;index=1.2.10;mp=1.2");
    assert_int_equal(history_copy(&address, copied, strlen(copied)), -1);
    assert_int_equal(read_one("<sip:h?XReason=a&Reason=b>;index=1;rc=1;mp=2"), 0);
    assert_entry("sip:h", "1", "rc=1", "b", "");
    assert_int_equal(read_one("<sip:h?Reason>;index=1;np=x"), 0);
    assert_entry("sip:h", "1", "", "", "");
    assert_int_equal(read_one("<sip:h?Reason=%0d%0aX%3A%00&Privacy=%4>;index=1"), 0);
    assert_entry("sip:h", "1", "", "??X:?", "%4");
    assert_int_equal(read_one("<sip:h?>;index=1"), 0);
    assert_int_equal(read_one("<sip:h?&&&>;index=1"), 0);
    assert_entry("sip:h", "1", "", "", "");
    assert_int_equal(read_one("<sip:h>;index=1;x=\"\xc3\xa4\""), 0);
    assert_int_equal(history_copy(&address, copied, sizeof(copied)), -1); /* what does not print */
    /* no index, or none */
    assert_int_equal(read_one("<sip:h>"), -1);
    assert_int_equal(read_one("<sip:h>;index"), -1);
    assert_int_equal(read_one("<sip:h>;index=1."), -1);
    assert_int_equal(read_one("<sip:h>;index=.1"), -1);
    assert_int_equal(read_one("<sip:h>;index=1..1"), -1);
    assert_int_equal(read_one("<sip:h>;index=a"), -1);
    assert_int_equal(read_one("<sip:h>;index=1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1"), -1);
    /* long ones are cut */
    snprintf(text, sizeof(text), "<sip:%0300d@h?Reason=%0500d>;index=1", 1, 2);
    assert_int_equal(read_one(text), 0);
    assert_int_equal(strlen(entry.uri), sizeof(entry.uri) - 1);
    assert_int_equal(strlen(entry.reason), sizeof(entry.reason) - 1);
}

static void test_is_for(void **state)
{
    (void)state;
    assert_int_equal(read_one("<sip:bob@h;user=phone?Reason=x>;index=1"), 0);
    assert_int_equal(history_is_for(&entry, "sip:bob@h"), 1);
    assert_int_equal(history_is_for(&entry, "sip:bob@h;transport=tcp"), 1);
    assert_int_equal(history_is_for(&entry, "sip:bob@h2"), 0);
    assert_int_equal(history_is_for(&entry, "sip:bo@h"), 0);
}

static void assert_written(const struct ast_party_redirecting *redirecting, int trusted,
                           const char *wanted)
{
    char text[HISTORY_SIZE];

    assert_int_equal(history_write_all(redirecting, "h", trusted, "sip:new@target", text),
                     strlen(wanted));
    assert_string_equal(text, wanted);
}

static void test_write(void **state)
{
    struct ast_party_redirecting redirecting;
    char text[HISTORY_SIZE], target[HISTORY_SIZE];

    (void)state;
    memset(&redirecting, 0, sizeof(redirecting));
    assert_written(&redirecting, 0, "<sip:new@target>;index=1");
    redirecting.count = 1;
    strcpy(redirecting.from.number, "2 0");
    strcpy(redirecting.reason, "user-busy");
    assert_written(
        &redirecting, 0,
        "<sip:2%200@h?Reason=SIP%3Bcause%3D486>;index=1, <sip:new@target>;index=1.1;mp=1");
    redirecting.count = 2;
    strcpy(redirecting.orig.number, "100");
    redirecting.orig.presentation = AST_PARTY_RESTRICTED;
    strcpy(redirecting.orig_reason, "no-answer");
    strcpy(redirecting.reason, "of-our-own");
    assert_written(&redirecting, 1,
                   "<sip:100@h?Reason=SIP%3Bcause%3D408&Privacy=history>;index=1, "
                   "<sip:2%200@h>;index=1.1;mp=1, <sip:new@target>;index=1.1.1;mp=1.1");
    assert_written(&redirecting, 0,
                   "<sip:anonymous@anonymous.invalid?Reason=SIP%3Bcause%3D408&Privacy=history>;"
                   "index=1, <sip:2%200@h>;index=1.1;mp=1, <sip:new@target>;index=1.1.1;mp=1.1");
    strcpy(redirecting.orig_reason, "");
    redirecting.from.number[0] = '\0';
    assert_written(&redirecting, 1,
                   "<sip:100@h?Privacy=history>;index=1, <sip:new@target>;index=1.1;mp=1");
    /* too long for one message */
    memset(target, 'x', sizeof(target) - 1);
    target[sizeof(target) - 1] = '\0';
    for (size_t length = HISTORY_SIZE - 80; length < HISTORY_SIZE - 1; ++length) {
        target[length] = '\0';
        history_write_all(&redirecting, "h", 1, target, text);
        target[length] = 'x';
    }
    assert_int_equal(history_write_all(&redirecting, "h", 1, target, text), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_is_for),
                                       cmocka_unit_test(test_write)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
