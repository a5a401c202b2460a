/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who gets in: identification and its order, challenges, what is refused, OPTIONS, unknown methods.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "res_sip/auth/auth.h"

static int fd;

static int setup(void **state)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);

    (void)state;
    test_add_endpoint(config, "alice");
    test_add_endpoint(config, "bob@example.com");
    test_add_endpoint(config, "carol")->identify_by = AST_SIP_IDENTIFY_BY_IP;
    test_start(config, NULL);
    fd = test_connect(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close(fd);
    test_stop();
    return 0;
}

static void test_options(void **state)
{
    const char *answer;

    (void)state;
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "o1", NULL, NULL), &answer),
                     200);
    assert_non_null(strstr(answer, "\r\nAllow: "));
    assert_non_null(strstr(answer, "OPTIONS"));
    assert_non_null(strstr(answer, "\r\nAccept-Encoding: identity\r\n"));
    assert_non_null(strstr(answer, "\r\nAccept-Language: en\r\n"));
    assert_non_null(strstr(answer, "\r\nServer: sipsession\r\n"));
    assert_null(strstr(answer, "User-Agent"));
    assert_non_null(strstr(answer, ";received=127.0.0.1"));
    assert_non_null(strstr(answer, "To: <sip:100@127.0.0.1>;tag="));
}

static void test_challenge(void **state)
{
    char first[64], second[64];
    const char *answer, *nonce;

    (void)state;
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "mallory", "c1", NULL, NULL), &answer),
                     401);
    assert_non_null(strstr(answer, "WWW-Authenticate: Digest realm=\"sipsession\""));
    assert_non_null(strcasestr(answer, "algorithm=MD5"));
    nonce = strstr(answer, "nonce=\"");
    assert_non_null(nonce);
    assert_int_equal(sscanf(nonce, "nonce=\"%63[0-9a-f]\"", first), 1);
    assert_int_equal(strlen(first), SIP_NONCE_SIZE - 1);
    assert_int_equal(test_ask(fd, test_request("INVITE", "mallory", "c2", NULL, NULL), &answer),
                     401);
    nonce = strstr(answer, "nonce=\"");
    assert_non_null(nonce);
    assert_int_equal(sscanf(nonce, "nonce=\"%63[0-9a-f]\"", second), 1);
    assert_string_not_equal(first, second);
    assert_int_equal(test_counters().unidentified, 2);
}

/* Whatever a stranger sends as credentials, it is challenged again. */
static void test_nothing_satisfies(void **state)
{
    const char *credentials =
        "Authorization: Digest username=\"alice\", realm=\"sipsession\", nonce=\"00\", "
        "uri=\"sip:100@127.0.0.1\", response=\"0123456789abcdef0123456789abcdef\", algorithm=MD5\r\n";

    (void)state;
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "mallory", "n1", credentials, NULL),
                              NULL),
                     401);
}

static void test_user_at_domain(void **state)
{
    (void)state;
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "bob", "u1", NULL, NULL), NULL), 200);
}

/* carol may be found by her address only. */
static void test_identify_by(void **state)
{
    (void)state;
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "carol", "i1", NULL, NULL), NULL), 401);
}

/* "alice%00x" is not alice but refused, and the escape of an ordinary character does not matter. */
static void test_escaped_user(void **state)
{
    (void)state;
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice%00x", "e1", NULL, NULL), NULL),
                     400);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "al%69ce", "e2", NULL, NULL), NULL), 200);
}

static void test_unknown_methods(void **state)
{
    static const struct {
        const char *method;
        int status;
    } cases[] = {{"MESSAGE", 405}, {"SUBSCRIBE", 405}, {"REGISTER", 405}, {"PUBLISH", 405},
                 {"INVITE", 405},  {"REFER", 405},     {"BYE", 481},      {"UPDATE", 481},
                 {"INFO", 481},    {"PRACK", 481},     {"NOTIFY", 481},   {"DANCE", 501},
                 {"options", 501}};
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *answer;
        char id[16];

        snprintf(id, sizeof(id), "m%u", i);
        assert_int_equal(test_ask(fd, test_request(cases[i].method, "alice", id, NULL, NULL),
                                  &answer),
                         cases[i].status);
        assert_int_equal(strstr(answer, "\r\nAllow: ") != NULL, cases[i].status != 481);
    }
}

static void expect_silence(const char *request)
{
    char buffer[1000];

    test_send(fd, request);
    test_catch_up();
    assert_int_equal(test_receive(fd, buffer, sizeof(buffer), 0), -1);
}

static void test_ack_is_never_answered(void **state)
{
    (void)state;
    expect_silence(test_request("ACK", "mallory", "a1", NULL, NULL));
    expect_silence(test_request("ACK", "alice", "a2", NULL, NULL));
}

static void test_cancel_of_unknown(void **state)
{
    (void)state;
    assert_int_equal(test_ask(fd, test_request("CANCEL", "mallory", "k1", NULL, NULL), NULL), 481);
    assert_int_equal(test_ask(fd, test_request("CANCEL", "alice", "k2", NULL, NULL), NULL), 481);
}

static const char *in_dialog(const char *method, const char *from, const char *id)
{
    static char text[2000];
    const char *to;

    snprintf(text, sizeof(text), "%s", test_request(method, from, id, NULL, NULL));
    to = strstr(text, "To: <sip:100@127.0.0.1>");
    assert_non_null(to);
    to += strlen("To: <sip:100@127.0.0.1>");
    memmove((char *)to + 8, to, strlen(to) + 1);
    memcpy((char *)to, ";tag=xyz", 8);
    return text;
}

/* RFC 3261 12.2.2, after it is known who asks. */
static void test_no_such_dialog(void **state)
{
    (void)state;
    assert_int_equal(test_ask(fd, in_dialog("BYE", "alice", "d1"), NULL), 481);
    assert_int_equal(test_ask(fd, in_dialog("INVITE", "alice", "d2"), NULL), 481);
    assert_int_equal(test_ask(fd, in_dialog("BYE", "mallory", "d3"), NULL), 401);
    expect_silence(in_dialog("ACK", "alice", "d4"));
    assert_int_equal(test_ask(fd, in_dialog("REGISTER", "alice", "d5"), NULL), 405);
}

static const char *replaced(const char *request, const char *from, const char *to)
{
    static char text[4000];
    const char *at = strstr(request, from);

    assert_non_null(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - request), request, to, at + strlen(from));
    return text;
}

static void test_uri_scheme(void **state)
{
    const char *request = test_request("OPTIONS", "alice", "s1", NULL, NULL);

    (void)state;
    assert_int_equal(test_ask(fd, replaced(request, " sip:100@127.0.0.1 ", " mailto:a@b.c "), NULL),
                     416);
    request = test_request("OPTIONS", "alice", "s2", NULL, NULL);
    assert_int_equal(test_ask(fd, replaced(request, " sip:100@127.0.0.1 ", " tel:+4930123 "), NULL),
                     200);
    request = test_request("OPTIONS", "mallory", "s3", NULL, NULL);
    assert_int_equal(test_ask(fd, replaced(request, " sip:100@127.0.0.1 ", " mailto:a@b.c "), NULL),
                     401);
}

static void test_max_forwards(void **state)
{
    const char *request = test_request("MESSAGE", "alice", "f1", NULL, NULL);

    (void)state;
    assert_int_equal(test_ask(fd, replaced(request, "Forwards: 70", "Forwards: 0"), NULL), 483);
    request = test_request("OPTIONS", "alice", "f2", NULL, NULL);
    assert_int_equal(test_ask(fd, replaced(request, "Forwards: 70", "Forwards: 0"), NULL), 200);
}

static void test_cseq_method(void **state)
{
    const char *request = test_request("OPTIONS", "alice", "q1", NULL, NULL);
    unsigned long long before = test_counters().malformed;

    (void)state;
    assert_int_equal(test_ask(fd, replaced(request, "CSeq: 1 OPTIONS", "CSeq: 1 INVITE"), NULL),
                     400);
    assert_int_equal(test_counters().malformed, before + 1);
}

/* What cannot be parsed, or lacks what an answer needs, is dropped and counted. */
static void test_dropped(void **state)
{
    static const char *const without[] = {"From: ", "To: ", "Call-ID: ", "CSeq: ", "Via: "};
    unsigned long long before = test_counters().malformed;
    unsigned i;

    (void)state;
    expect_silence("this is no SIP at all, by no means and nowhere near it\r\n\r\n");
    assert_int_equal(test_counters().malformed, before + 1);
    for (i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        const char *request = test_request("OPTIONS", "alice", "x1", NULL, NULL);

        expect_silence(replaced(request, without[i], "X-Other: "));
        assert_int_equal(test_counters().malformed, before + 2 + i);
    }
    expect_silence("\r\n\r\n"); /* keeps a NAT binding open */
    assert_int_equal(test_counters().malformed, before + 1 + i);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "x2", NULL, NULL), NULL), 200);
}

static void test_too_large(void **state)
{
    static char filler[9000];
    unsigned long long before = test_counters().malformed;

    (void)state;
    snprintf(filler, sizeof(filler), "X-Filler: %08500d\r\n", 0);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "l1", filler, NULL), NULL), 513);
    assert_int_equal(test_counters().malformed, before + 1);
}

static void test_content_length(void **state)
{
    const char *request = test_request("OPTIONS", "alice", "t1", NULL, NULL);

    (void)state;
    assert_int_equal(test_ask(fd, replaced(request, "Length: 0", "Length: 10"), NULL), 400);
}

static void set_stopping(void *data)
{
    (void)data;
    sip_set_stopping();
}

static void test_stopping(void **state)
{
    const char *answer;

    (void)state;
    test_call(set_stopping, NULL);
    assert_int_equal(test_ask(fd, test_request("INVITE", "alice", "p1", NULL, NULL), &answer), 503);
    assert_non_null(strstr(answer, "\r\nRetry-After: "));
    assert_int_equal(test_ask(fd, test_request("INVITE", "mallory", "p2", NULL, NULL), NULL), 401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_options, setup, teardown),
        cmocka_unit_test_setup_teardown(test_challenge, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_satisfies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_user_at_domain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identify_by, setup, teardown),
        cmocka_unit_test_setup_teardown(test_escaped_user, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_methods, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ack_is_never_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel_of_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_such_dialog, setup, teardown),
        cmocka_unit_test_setup_teardown(test_uri_scheme, setup, teardown),
        cmocka_unit_test_setup_teardown(test_max_forwards, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cseq_method, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
        cmocka_unit_test_setup_teardown(test_content_length, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stopping, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
