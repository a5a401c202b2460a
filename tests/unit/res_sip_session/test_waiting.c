/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: what waits: requests that an extension suspends, hang-ups that are deferred, and
 * the deadlines of the states.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"

/* ---- an extension that suspends what it is told to, and one behind it that counts ---- */

static const char *suspend; /* the method; NULL: none */
static struct ast_sip_session_deferred *handle;
static unsigned begins, ends, seen_behind;

static int on_request(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;

    if (peer_held == NULL) {
        peer_held = ast_sip_session_ref(session);
    }
    if (suspend != NULL && pj_strcmp2(&method->name, suspend) == 0) {
        handle = ast_sip_session_defer(session, rdata);
        return handle != NULL ? AST_SIP_SESSION_PENDING : 0;
    }
    return 0;
}

static int on_request_behind(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;

    seen_behind += method->id != PJSIP_CANCEL_METHOD;
    if (method->id == PJSIP_INVITE_METHOD && rdata->msg_info.to->tag.slen == 0) {
        ast_sip_session_send_response(session, 200, NULL);
    } else if (pj_strcmp2(&method->name, "INFO") == 0) {
        ast_sip_session_send_response(session, 200, rdata);
        return AST_SIP_SESSION_STOP;
    }
    return 0;
}

static void on_begin(struct ast_sip_session *session)
{
    (void)session;
    ++begins;
}

static void on_end(struct ast_sip_session *session)
{
    (void)session;
    ++ends;
}

static struct ast_sip_session_extension first = {.name = "suspends",
                                                 .incoming_request = on_request,
                                                 .session_begin = on_begin,
                                                 .session_end = on_end};
static struct ast_sip_session_extension behind = {.name = "behind",
                                                  .priority = 1,
                                                  .incoming_request = on_request_behind};

static int setup(void **state)
{
    (void)state;
    suspend = NULL;
    handle = NULL;
    peer_held = NULL;
    begins = ends = seen_behind = 0;
    session_deadlines = (struct session_deadlines){60000, 180000, 60000, 1800000};
    peer_new_call();
    assert_int_equal(ast_sip_session_register_sdp_handler(&peer_page_handler), 0);
    assert_int_equal(ast_sip_session_register_extension(&behind), 0);
    return ast_sip_session_register_extension(&first);
}

static int teardown(void **state)
{
    (void)state;
    peer_wait(peer_none_left);
    assert_int_equal(begins, ends);
    ast_sip_session_unref(peer_held);
    ast_sip_session_unregister_extension(&first);
    ast_sip_session_unregister_extension(&behind);
    ast_sip_session_unregister_sdp_handler(&peer_page_handler);
    return 0;
}

static void call_up(void)
{
    peer_call_up("", peer_offer, NULL);
}

static void hang_up(void)
{
    suspend = NULL;
    peer_hang_up();
}

static void resume(int result)
{
    struct ast_sip_session_deferred *deferred = handle;

    handle = NULL;
    ast_sip_session_resume(deferred, result);
}

/* ---- requests that wait ---- */

static void test_an_invite_waits_and_goes_on(void **state)
{
    (void)state;
    suspend = "INVITE";
    peer_request("INVITE", "", peer_offer);
    peer_expect("SIP/2.0 100");
    peer_expect_silence(50);
    assert_int_equal(seen_behind, 0);
    assert_ptr_equal(ast_sip_session_deferred_session(handle), peer_held);
    resume(AST_SIP_SESSION_CONTINUE);
    peer_expect("SIP/2.0 200");
    assert_int_equal(seen_behind, 1);
    peer_request("ACK", "", NULL);
    peer_wait(peer_is_confirmed);
    hang_up();
}

static void test_an_invite_waits_and_is_refused(void **state)
{
    (void)state;
    suspend = "INVITE";
    peer_request("INVITE", "", peer_offer);
    peer_expect("SIP/2.0 100");
    ast_sip_session_send_response(peer_held, 480, ast_sip_session_deferred_rdata(handle));
    peer_expect("SIP/2.0 480");
    resume(AST_SIP_SESSION_STOP);
    peer_request("ACK", "", NULL);
    assert_int_equal(seen_behind, 0);
}

static void test_a_stop_without_an_answer_is_500(void **state)
{
    (void)state;
    call_up();
    suspend = "INFO";
    peer_next_cseq();
    peer_request("INFO", "", NULL);
    peer_expect_silence(30);
    resume(AST_SIP_SESSION_STOP);
    peer_expect("SIP/2.0 500");
    hang_up();
}

static void test_cancel_ends_an_invite_that_waits(void **state)
{
    (void)state;
    suspend = "INVITE";
    peer_request("INVITE", "", peer_offer);
    peer_expect("SIP/2.0 100");
    peer_request("CANCEL", "", NULL);
    peer_expect("SIP/2.0 487");
    peer_request("ACK", "", NULL);
    peer_wait(peer_none_left);
    assert_null(ast_sip_session_deferred_session(handle));
    resume(AST_SIP_SESSION_CONTINUE); /* owed, and does nothing */
    assert_int_equal(seen_behind, 0);
}

static void test_every_method_waits(void **state)
{
    static const char *const methods[] = {"INFO", "UPDATE", "INVITE"};

    (void)state;
    call_up();
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(methods); ++i) {
        suspend = methods[i];
        peer_next_cseq();
        peer_request(methods[i], "", i > 0 ? peer_offer : NULL);
        if (i == 2) {
            peer_expect("SIP/2.0 100");
        }
        peer_expect_silence(30);
        assert_non_null(handle);
        resume(AST_SIP_SESSION_CONTINUE);
        assert_int_equal(strstr(peer_expect("SIP/2.0 200"), "o=us 7 7") != NULL, i > 0);
    }
    peer_request("ACK", "", NULL);
    hang_up();
}

static void test_others_go_on_meanwhile(void **state)
{
    (void)state;
    call_up();
    suspend = "UPDATE";
    peer_next_cseq();
    peer_request("UPDATE", "", peer_offer);
    peer_expect_silence(30);
    suspend = NULL;
    peer_next_cseq();
    peer_request("INVITE", "", peer_offer); /* RFC 3311 5.2, 3261 14.2: one peer_offer at a time */
    peer_expect("SIP/2.0 500");
    peer_request("ACK", "", NULL);
    peer_next_cseq();
    peer_request("INFO", "", NULL);
    peer_expect("SIP/2.0 200");
    assert_int_equal(ast_sip_session_send_reinvite(peer_held), 0);
    peer_expect_silence(30); /* ours waits, too */
    resume(AST_SIP_SESSION_CONTINUE);
    peer_expect("SIP/2.0 200"); /* the UPDATE's */
    peer_expect("INVITE");
    peer_response("200 OK", "", peer_offer);
    peer_expect("ACK");
    hang_up();
}

static void test_bye_answers_what_waits(void **state)
{
    (void)state;
    call_up();
    suspend = "INVITE";
    peer_next_cseq();
    peer_request("INVITE", "", peer_offer);
    peer_expect("SIP/2.0 100");
    suspend = NULL;
    peer_next_cseq();
    peer_request("BYE", "", NULL);
    peer_expect("SIP/2.0 487"); /* RFC 3261 15.1.2 */
    peer_wait(peer_none_left);
    resume(AST_SIP_SESSION_CONTINUE);
}

static void test_bye_cannot_wait(void **state)
{
    (void)state;
    call_up();
    suspend = "BYE";
    peer_next_cseq();
    peer_request("BYE", "", NULL);
    peer_expect("SIP/2.0 200");
    assert_null(handle);
}

/* ---- hang-ups that wait ---- */

static void test_a_hangup_waits(void **state)
{
    (void)state;
    call_up();
    assert_int_equal(ast_sip_session_defer_termination(peer_held, 60000), 0);
    assert_int_equal(ast_sip_session_defer_termination(peer_held, 60000), -1);
    ast_sip_session_terminate(peer_held, 0);
    peer_expect_silence(30);
    assert_int_equal(ast_sip_session_cancel_termination(peer_held), 1);
    assert_int_equal(ast_sip_session_cancel_termination(peer_held), 0);
    assert_int_equal(ast_sip_session_defer_termination(peer_held, 60000), 0);
    ast_sip_session_terminate(peer_held, 0);
    ast_sip_session_end_deferral(peer_held);
    peer_expect("BYE");
    peer_response("200 OK", "", NULL);
}

static void test_a_hangup_waits_no_longer_than_that(void **state)
{
    (void)state;
    call_up();
    assert_int_equal(ast_sip_session_defer_termination(peer_held, 50), 0);
    ast_sip_session_terminate(peer_held, 0);
    peer_expect("BYE");
    peer_response("200 OK", "", NULL);
}

static void test_the_peer_hangs_up_first(void **state)
{
    (void)state;
    call_up();
    assert_int_equal(ast_sip_session_defer_termination(peer_held, 50), 0);
    ast_sip_session_terminate(peer_held, 0);
    hang_up();
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_defer_termination(peer_held, 50), -1);
}

static void test_a_reason_is_kept(void **state)
{
    const struct ast_sip_session_reason why = {.protocol = "SIP", .cause = 408, .text = "slow"};
    const struct ast_sip_session_reason later = {.protocol = "SIP", .cause = 500};

    (void)state;
    call_up();
    assert_null(ast_sip_session_get_reason(peer_held));
    ast_sip_session_terminate_with_reason(peer_held, 0, &why);
    ast_sip_session_terminate_with_reason(peer_held, 0, &later);
    assert_int_equal(ast_sip_session_get_reason(peer_held)->cause, 408);
    peer_expect("BYE");
    peer_response("200 OK", "", NULL);
}

/* ---- deadlines ---- */

static void test_a_call_that_rings_for_long(void **state)
{
    (void)state;
    suspend = "INVITE";
    session_deadlines.repeat_ms = 60;
    session_deadlines.answer_ms = 250;
    peer_request("INVITE", "", peer_offer);
    peer_expect("SIP/2.0 100");
    ast_sip_session_send_response(peer_held, 180, NULL);
    peer_expect("SIP/2.0 180");
    peer_expect("SIP/2.0 180"); /* said again (RFC 3261 13.3.1.1) */
    peer_expect("SIP/2.0 180");
    peer_expect("SIP/2.0 408");
    peer_request("ACK", "", NULL);
    peer_wait(peer_none_left);
    resume(AST_SIP_SESSION_CONTINUE);
}

static struct ast_sip_session *place_call(void)
{
    struct ast_sip_session_outgoing outgoing;
    struct ast_sip_endpoint *endpoint = ast_sip_get_endpoint("anonymous");
    struct ast_sip_session *session;
    char uri[100];

    snprintf(uri, sizeof(uri), "sip:peer@127.0.0.1:%u", peer_port());
    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = endpoint;
    outgoing.uri = uri;
    session = ast_sip_session_create_outgoing(&outgoing);
    ast_sip_endpoint_unref(endpoint);
    assert_non_null(session);
    return session;
}

static void test_a_call_that_is_never_sent(void **state)
{
    (void)state;
    session_deadlines.unsent_ms = 50;
    peer_held = place_call();
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_send_invite(peer_held), -1);
}

static void test_a_call_that_nobody_answers(void **state)
{
    (void)state;
    session_deadlines.provisional_ms = 80;
    peer_held = place_call();
    assert_int_equal(ast_sip_session_send_invite(peer_held), 0);
    peer_expect("INVITE");
    peer_response("180 Ringing", "", NULL);
    peer_expect("CANCEL");
    peer_response("200 OK", "", NULL);
    peer_response_to_invite("487 Request Terminated");
    peer_expect("ACK");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_an_invite_waits_and_goes_on),
        TEST(test_an_invite_waits_and_is_refused),
        TEST(test_a_stop_without_an_answer_is_500),
        TEST(test_cancel_ends_an_invite_that_waits),
        TEST(test_every_method_waits),
        TEST(test_others_go_on_meanwhile),
        TEST(test_bye_answers_what_waits),
        TEST(test_bye_cannot_wait),
        TEST(test_a_hangup_waits),
        TEST(test_a_hangup_waits_no_longer_than_that),
        TEST(test_the_peer_hangs_up_first),
        TEST(test_a_reason_is_kept),
        TEST(test_a_call_that_rings_for_long),
        TEST(test_a_call_that_is_never_sent),
        TEST(test_a_call_that_nobody_answers),
    };

    return cmocka_run_group_tests(tests, peer_group_start, peer_group_stop);
}
