/* SPDX-License-Identifier: GPL-2.0-or-later */
/* res_sip_session: packages of INFO (RFC 6086): who gets an INFO, and where Recv-Info stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../base/failmalloc.h"
#include "peer.h"

static void hang_up(void)
{
    peer_hang_up();
    peer_wait(peer_none_left);
}

/* ---- packages ---- */

static int status = 200;
static unsigned first_seen, second_seen;

static int on_first(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    ++first_seen;
    if (status == 1) { /* answers itself */
        ast_sip_session_send_response(session, 488, rdata);
        return 0;
    }
    return status;
}

static int on_second(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    (void)session;
    (void)rdata;
    ++second_seen;
    return 200;
}

static const struct ast_sip_info_package first = {.name = "first", .incoming = on_first};
static const struct ast_sip_info_package second = {.name = "Second", .incoming = on_second};

static int setup_packages(void **state)
{
    status = 200;
    first_seen = second_seen = 0;
    assert_int_equal(ast_sip_session_register_info_package(&first), 0);
    assert_int_equal(ast_sip_session_register_info_package(&second), 0);
    return peer_answering_begin(state);
}

static int teardown_packages(void **state)
{
    ast_sip_session_unregister_info_package(&first);
    ast_sip_session_unregister_info_package(&second);
    return peer_answering_end(state);
}

static const char *info(const char *headers, const char *response)
{
    peer_next_cseq();
    peer_request("INFO", headers, NULL);
    return peer_expect(response);
}

static int has_header(const char *message, const char *name)
{
    char start[64];

    snprintf(start, sizeof(start), "\r\n%s:", name);
    return strstr(message, start) != NULL;
}

/* ---- the tests ---- */

static void test_none(void **state)
{
    const char *message;

    (void)state;
    peer_request("INVITE", "", peer_offer);
    message = peer_expect("SIP/2.0 200");
    assert_false(has_header(message, "Recv-Info"));
    assert_null(strstr(peer_header(message, "Allow"), "INFO"));
    peer_request("ACK", "", NULL);
    peer_wait(peer_is_confirmed);
    info("", "SIP/2.0 405");
    info("Info-Package: first\r\n", "SIP/2.0 405");
    ast_sip_session_register_method("INFO"); /* somebody takes the older INFO */
    message = info("Info-Package: first\r\n", "SIP/2.0 469 Bad Info Package");
    ast_sip_session_unregister_method("INFO");
    assert_true(has_header(message, "Recv-Info"));
    assert_string_equal(peer_header(message, "Recv-Info"), "");
    hang_up();
}

static void test_packages(void **state)
{
    const char *message;

    (void)state;
    peer_request("INVITE", "Recv-Info: other\r\n", peer_offer);
    message = peer_expect("SIP/2.0 200");
    assert_string_equal(peer_header(message, "Recv-Info"), "first, Second");
    assert_non_null(strstr(peer_header(message, "Allow"), "INFO"));
    peer_request("ACK", "", NULL);
    peer_wait(peer_is_confirmed);
    assert_int_equal(ast_sip_session_peer_takes_info_package(peer_held, "other"), 1);

    info("Info-Package: first\r\n", "SIP/2.0 200");
    info("Info-Package: FIRST;a=b\r\n", "SIP/2.0 200");
    assert_int_equal(first_seen, 2);
    info("Info-Package: second\r\n", "SIP/2.0 200");
    assert_int_equal(second_seen, 1);
    message = info("Info-Package: third\r\n", "SIP/2.0 469");
    assert_string_equal(peer_header(message, "Recv-Info"), "first, Second");
    info("Info-Package: firs\r\n", "SIP/2.0 469");
    info("Info-Package: first2\r\n", "SIP/2.0 469");
    info("Info-Package: first, second\r\n", "SIP/2.0 469");
    info("Info-Package: first\r\nInfo-Package: second\r\n", "SIP/2.0 400");
    info("Info-Package:\r\n", "SIP/2.0 469");
    assert_int_equal(first_seen, 2);
    assert_int_equal(second_seen, 1);
    hang_up();
}

static void test_statuses(void **state)
{
    (void)state;
    peer_call_up("", peer_offer, NULL);
    status = 603;
    info("Info-Package: first\r\n", "SIP/2.0 603");
    status = 1; /* answered by the package; 1 itself is no status */
    info("Info-Package: first\r\n", "SIP/2.0 488");
    status = 183;
    info("Info-Package: first\r\n", "SIP/2.0 500");
    status = 0; /* neither answered nor suspended */
    info("Info-Package: first\r\n", "SIP/2.0 500");
    hang_up();
}

static void test_legacy_of_nobody(void **state)
{
    const char *message;

    (void)state;
    peer_call_up("", peer_offer, NULL);
    info("", "SIP/2.0 200");
    peer_next_cseq();
    peer_request("INFO", "", peer_offer);
    message = peer_expect("SIP/2.0 415");
    assert_true(has_header(message, "Accept"));
    hang_up();
}

static void test_peer_that_knows_nothing(void **state)
{
    const char *message;

    (void)state;
    peer_request("INVITE", "", peer_offer);
    message = peer_expect("SIP/2.0 200");
    assert_false(has_header(message, "Recv-Info"));
    peer_request("ACK", "", NULL);
    peer_wait(peer_is_confirmed);
    hang_up();
}

static void test_unreliable_ringing(void **state)
{
    const char *message;

    (void)state;
    peer_answer = 180;
    peer_request("INVITE", "Recv-Info:\r\n", peer_offer);
    message = peer_expect("SIP/2.0 180");
    peer_answer = 200;
    assert_false(has_header(message, "Recv-Info"));
    ast_sip_session_send_response(peer_held, 200, NULL);
    message = peer_expect("SIP/2.0 200");
    assert_string_equal(peer_header(message, "Recv-Info"), "first, Second");
    peer_request("ACK", "", NULL);
    peer_wait(peer_is_confirmed);
    hang_up();
}

static void test_changes(void **state)
{
    const char *message;

    (void)state;
    peer_call_up("Recv-Info: other\r\n", peer_offer, NULL);
    ast_sip_session_unregister_info_package(&first);
    message = info("Info-Package: first\r\n", "SIP/2.0 469");
    assert_string_equal(peer_header(message, "Recv-Info"), "Second");
    peer_next_cseq();
    peer_request("UPDATE", "", NULL);
    assert_false(has_header(peer_expect("SIP/2.0 200"), "Recv-Info"));
    peer_next_cseq();
    peer_request("UPDATE", "Recv-Info: x\r\n", NULL);
    assert_string_equal(peer_header(peer_expect("SIP/2.0 200"), "Recv-Info"), "Second");
    ast_sip_session_unregister_info_package(&second);
    ast_sip_session_send_reinvite(peer_held);
    message = peer_expect("INVITE"); /* we did take some: now none (RFC 6086 5.2) */
    assert_true(has_header(message, "Recv-Info"));
    assert_string_equal(peer_header(message, "Recv-Info"), "");
    peer_response("200 OK", "", peer_offer);
    peer_expect("ACK");
    info("", "SIP/2.0 405");
    hang_up();
}

static void test_bad_registrations(void **state)
{
    static const struct ast_sip_info_package same = {.name = "FIRST", .incoming = on_first},
                                             none = {.name = "a b", .incoming = on_first},
                                             lacks = {.name = "third"};

    (void)state;
    assert_int_equal(ast_sip_session_register_info_package(&first), -1);
    assert_int_equal(ast_sip_session_register_info_package(&same), -1);
    assert_int_equal(ast_sip_session_register_info_package(&none), -1);
    assert_int_equal(ast_sip_session_register_info_package(&lacks), -1);
    ast_sip_session_unregister_info_package(&same); /* not that one */
    peer_call_up("", peer_offer, NULL);
    info("Info-Package: first\r\n", "SIP/2.0 200");
    hang_up();
}

static int register_one(void *data)
{
    int result = ast_sip_session_register_info_package(data);

    if (result == 0) {
        failmalloc_set(0);
        ast_sip_session_unregister_info_package(data);
    }
    return result;
}

/* Without memory nothing is registered, and INFO is no method of ours. */
static void test_no_memory(void **state)
{
    (void)state;
    failmalloc_set(1);
    assert_int_equal(register_one((void *)&first), -1);
    assert_true(failmalloc_fired());
    failmalloc_set(0);
    peer_call_up("", peer_offer, NULL);
    info("Info-Package: first\r\n", "SIP/2.0 405");
    assert_int_equal(register_one((void *)&first), 0);
    hang_up();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_packages, teardown_packages)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_none, peer_answering_begin, peer_answering_end),
        cmocka_unit_test_setup_teardown(test_no_memory, peer_answering_begin, peer_answering_end),
        TEST(test_packages),
        TEST(test_statuses),
        TEST(test_legacy_of_nobody),
        TEST(test_peer_that_knows_nothing),
        TEST(test_unreliable_ringing),
        TEST(test_changes),
        TEST(test_bad_registrations),
    };

    return cmocka_run_group_tests(tests, peer_group_start, peer_group_stop);
}
