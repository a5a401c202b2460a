/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: whole sessions against a peer of raw datagrams, with an SDP handler that has the
 * page's two callbacks only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"

/* ---- an SDP handler as the page has it ---- */

static int refuse_sdp;
static unsigned sdp_seen;

static int on_sdp(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    (void)session;
    assert_non_null(rdata->msg_info.msg->body);
    ++sdp_seen;
    return refuse_sdp ? -1 : 0;
}

static struct ast_sip_session_sdp_handler handler; /* peer_page_handler with on_sdp */

/* ---- an extension that answers as it is told ---- */

static int answer;          /* the response to a new INVITE; 0: none yet */
static int stop_silently;   /* return failure without an answer */
static char log_text[2000]; /* what was called, in order */

static void note(const char *kind, const pj_str_t *method, int code)
{
    size_t at = strlen(log_text);

    snprintf(log_text + at, sizeof(log_text) - at, "%s%.*s%s%.0d ", kind, (int)method->slen,
             method->ptr, code != 0 ? "/" : "", code);
}

static int on_request(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;

    note("<", &method->name, 0);
    if (stop_silently) {
        return -1;
    }
    if (method->id == PJSIP_INVITE_METHOD && rdata->msg_info.to->tag.slen == 0) {
        peer_hold(session);
        if (answer != 0) {
            assert_int_equal(ast_sip_session_send_response(session, answer, rdata), 0);
            return answer >= 300;
        }
    }
    return 0;
}

static void on_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    (void)session;
    note("<", &rdata->msg_info.cseq->method.name, rdata->msg_info.msg->line.status.code);
}

static void on_tx_request(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    (void)session;
    note(">", &tdata->msg->line.req.method.name, 0);
    ast_sip_add_header(tdata, "X-Hook", "once");
}

static void on_tx_response(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    const pjsip_cseq_hdr *cseq = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CSEQ, NULL);

    (void)session;
    note(">", &cseq->method.name, tdata->msg->line.status.code);
    ast_sip_add_header(tdata, "X-Hook", "once");
}

static void on_begin(struct ast_sip_session *session)
{
    const pj_str_t name = pj_str("begin");

    (void)session;
    note("", &name, 0);
}

static void on_end(struct ast_sip_session *session)
{
    const pj_str_t name = pj_str("end");

    note("", &name, ast_sip_session_get_end_status(session));
}

static struct ast_sip_session_extension extension = {
    .name = "test",
    .incoming_request = on_request,
    .incoming_response = on_response,
    .outgoing_request = on_tx_request,
    .outgoing_response = on_tx_response,
    .session_begin = on_begin,
    .session_end = on_end,
};

static int setup(void **state)
{
    (void)state;
    answer = 0;
    stop_silently = 0;
    refuse_sdp = 0;
    sdp_seen = 0;
    log_text[0] = '\0';
    handler = peer_page_handler;
    handler.handle_incoming_sdp = on_sdp;
    return peer_begin(&handler, &extension);
}

static int teardown(void **state)
{
    (void)state;
    return peer_end(&handler, &extension);
}

static void call_up(const char *sdp)
{
    answer = 200;
    peer_call_up("", sdp, sdp == NULL ? peer_offer : NULL);
}

static void test_answered_call(void **state)
{
    const char *message;

    (void)state;
    answer = 200;
    peer_request("INVITE", "", peer_offer);
    message = peer_expect("SIP/2.0 200");
    assert_int_equal(peer_count(message, "X-Hook: once"), 1);
    assert_int_equal(peer_count(message, "o=us 7 7"), 1);
    assert_int_equal(sdp_seen, 1);
    peer_request("ACK", "", NULL);
    peer_wait(peer_is_confirmed);
    peer_hang_up();
    peer_wait(peer_none_left);
    assert_string_equal(log_text, "begin <INVITE >INVITE/200 <ACK <BYE >BYE/200 end/200 ");
}

static void test_late_offer(void **state)
{
    (void)state;
    call_up(NULL);
    assert_int_equal(sdp_seen, 1); /* the answer in the ACK */
    peer_hang_up();
}

static int no_stream(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                     const struct pjmedia_sdp_session *remote, int is_offer)
{
    (void)session;
    (void)stream;
    (void)remote;
    (void)is_offer;
    fail_msg("a handler of whole SDPs goes first");
    return -1;
}

static int no_section(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                      pj_pool_t *pool, struct pjmedia_sdp_media **media)
{
    (void)pool;
    (void)media;
    return no_stream(session, stream, NULL, 1);
}

static void test_whole_goes_before_streams(void **state)
{
    static const struct ast_sip_session_sdp_handler streams = {.media = "audio",
                                                               .stream_incoming = no_stream,
                                                               .stream_outgoing = no_section};

    assert_int_equal(ast_sip_session_register_sdp_handler(&streams), 0);
    test_late_offer(state);
    peer_wait(peer_none_left);
    peer_new_call();
    call_up(peer_offer);
    peer_hang_up();
    ast_sip_session_unregister_sdp_handler(&streams);
}

static void test_later_answer_and_no_header_twice(void **state)
{
    const char *message;

    (void)state;
    peer_request("INVITE", "", peer_offer);
    peer_expect("SIP/2.0 100");
    assert_int_equal(ast_sip_session_send_response(peer_held, 180, NULL), 0);
    peer_expect("SIP/2.0 180");
    assert_int_equal(ast_sip_session_send_response(peer_held, 183, NULL), 0);
    message = peer_expect("SIP/2.0 183");
    assert_int_equal(peer_count(message, "o=us 7 7"), 1);
    assert_int_equal(ast_sip_session_send_response(peer_held, 200, NULL), 0);
    message = peer_expect("SIP/2.0 200");
    assert_int_equal(peer_count(message, "X-Hook: once"), 1);
    assert_int_equal(peer_count(message, "o=us 7 7"), 1);
    peer_request("ACK", "", NULL);
    peer_wait(peer_is_confirmed);
    assert_int_equal(ast_sip_session_send_response(peer_held, 200, NULL),
                     -1); /* nothing is pending */
    ast_sip_session_terminate(peer_held, 0);
    ast_sip_session_terminate(peer_held, 0);
    peer_expect("BYE");
    peer_response("200 OK", "", NULL);
    peer_wait(peer_none_left);
}

static void test_refused_by_extension(void **state)
{
    const char *message;

    (void)state;
    answer = 603;
    peer_request("INVITE", "", peer_offer);
    message = peer_expect("SIP/2.0 603");
    assert_int_equal(peer_count(message, "X-Hook: once"), 1);
    peer_request("ACK", "", NULL);
    peer_wait(peer_none_left);
    assert_string_equal(log_text, "begin <INVITE >INVITE/603 end/603 ");
}

static void test_silent_failure_is_500(void **state)
{
    (void)state;
    stop_silently = 1;
    peer_request("INVITE", "", peer_offer);
    peer_expect("SIP/2.0 500");
    peer_request("ACK", "", NULL);
    peer_wait(peer_none_left);
}

static void test_silent_failure_in_dialog_is_500(void **state)
{
    (void)state;
    call_up(peer_offer);
    stop_silently = 1;
    peer_next_cseq();
    peer_request("INFO", "", NULL);
    peer_expect("SIP/2.0 500");
    peer_next_cseq();
    peer_request("BYE", "", NULL);
    peer_expect("SIP/2.0 500");
    assert_true(peer_is_confirmed()); /* a BYE that was stopped ends nothing */
    stop_silently = 0;
    peer_hang_up();
}

static void test_refused_media(void **state)
{
    const char *message;

    (void)state;
    refuse_sdp = 1;
    peer_request("INVITE", "", peer_offer);
    message = peer_expect("SIP/2.0 488");
    assert_int_equal(peer_count(message, "Warning: 30"), 1);
    peer_request("ACK", "", NULL);
    peer_wait(peer_none_left);
}

static void test_cancel(void **state)
{
    const char *message;

    (void)state;
    peer_request("INVITE", "", peer_offer);
    peer_expect("SIP/2.0 100");
    assert_int_equal(ast_sip_session_send_response(peer_held, 180, NULL), 0);
    peer_expect("SIP/2.0 180");
    peer_request("CANCEL", "", NULL);
    message = peer_expect("SIP/2.0 487");
    assert_int_equal(peer_count(message, "X-Hook: once"), 1);
    peer_request("ACK", "", NULL);
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 487);
}

static void test_methods_that_nobody_owns(void **state)
{
    const char *message;

    (void)state;
    call_up(peer_offer);
    peer_next_cseq();
    peer_request("INFO", "", NULL);
    message = peer_expect("SIP/2.0 405");
    assert_int_equal(peer_count(message, "\r\nAllow: "), 1);
    peer_next_cseq();
    peer_request("FROBNICATE", "", NULL);
    peer_expect("SIP/2.0 501");
    peer_next_cseq();
    peer_request("OPTIONS", "", NULL);
    peer_expect("SIP/2.0 200");
    peer_next_cseq();
    peer_request("PRACK", "RAck: 1 1 INVITE\r\n", NULL);
    peer_expect("SIP/2.0 481");
    peer_hang_up();
}

static void test_reinvite_both_ways(void **state)
{
    (void)state;
    call_up(peer_offer);
    peer_next_cseq();
    peer_request("INVITE", "", peer_offer);
    peer_expect("SIP/2.0 200");
    peer_request("ACK", "", NULL);
    assert_int_equal(sdp_seen, 2);
    peer_expect_silence(50);

    assert_int_equal(ast_sip_session_send_reinvite(peer_held), 0);
    assert_int_equal(ast_sip_session_send_reinvite(peer_held), 0); /* it waits: one at a time */
    peer_expect("INVITE");
    peer_expect_silence(50);
    peer_response("488 Not Acceptable Here", "", NULL);
    peer_expect("ACK");
    assert_true(peer_is_confirmed()); /* as it was (RFC 3261 14.1) */
    assert_int_equal(peer_count(peer_expect("INVITE"), "o=us 7 7"), 1);
    peer_response("200 OK", "", peer_offer);
    peer_expect("ACK");
    assert_int_equal(sdp_seen, 3);
    peer_hang_up();
}

static void test_reinvite_with_bad_media_changes_nothing(void **state)
{
    (void)state;
    call_up(peer_offer);
    refuse_sdp = 1;
    peer_next_cseq();
    peer_request("INVITE", "", peer_offer);
    peer_expect("SIP/2.0 488");
    peer_request("ACK", "", NULL);
    refuse_sdp = 0;
    assert_true(peer_is_confirmed());
    peer_next_cseq();
    peer_request("INVITE", "", NULL); /* and one without an offer: we offer */
    assert_int_equal(peer_count(peer_expect("SIP/2.0 200"), "o=us 7 7"), 1);
    peer_request("ACK", "", peer_offer);
    peer_expect_silence(50);
    peer_hang_up();
}

static void test_update(void **state)
{
    (void)state;
    call_up(peer_offer);
    peer_next_cseq();
    peer_request("UPDATE", "", peer_offer);
    assert_int_equal(peer_count(peer_expect("SIP/2.0 200"), "o=us 7 7"), 1);
    refuse_sdp = 1;
    peer_next_cseq();
    peer_request("UPDATE", "", peer_offer);
    peer_expect("SIP/2.0 488");
    refuse_sdp = 0;
    peer_hang_up();
}

static void test_outgoing_call(void **state)
{
    struct ast_sip_session_outgoing outgoing;
    struct ast_sip_endpoint *endpoint = ast_sip_get_endpoint("anonymous");
    char uri[100];

    (void)state;
    snprintf(uri, sizeof(uri), "sip:peer@127.0.0.1:%u", peer_port());
    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = endpoint;
    outgoing.uri = uri;
    strcpy(outgoing.caller.name, "A \"quoted\" name");
    strcpy(outgoing.caller.number, "a b@c");
    peer_held = ast_sip_session_create_outgoing(&outgoing);
    ast_sip_endpoint_unref(endpoint);
    assert_non_null(peer_held);
    assert_int_equal(ast_sip_session_send_invite(peer_held), 0);
    assert_int_equal(ast_sip_session_send_invite(peer_held), -1);
    peer_expect("INVITE");
    peer_response("180 Ringing", "", NULL);
    peer_response("200 OK", "", peer_offer);
    assert_int_equal(peer_count(peer_expect("ACK"), "X-Hook: once"), 1);
    peer_wait(peer_is_confirmed);
    ast_sip_session_terminate(peer_held, 0);
    peer_expect("BYE");
    peer_response("200 OK", "", NULL);
    peer_wait(peer_none_left);
    assert_string_equal(log_text,
                        "begin >INVITE <INVITE/180 <INVITE/200 >ACK >BYE <BYE/200 end/200 ");
}

static struct ast_sip_session *call_out(void)
{
    struct ast_sip_session_outgoing outgoing;
    char uri[100];

    snprintf(uri, sizeof(uri), "sip:peer@127.0.0.1:%u", peer_port());
    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = ast_sip_get_endpoint("anonymous");
    outgoing.uri = uri;
    peer_held = ast_sip_session_create_outgoing(&outgoing);
    ast_sip_endpoint_unref(outgoing.endpoint);
    assert_non_null(peer_held);
    assert_int_equal(ast_sip_session_send_invite(peer_held), 0);
    peer_expect("INVITE");
    return peer_held;
}

/* RFC 4916: who we are in From changes, and goes back; the tag stays. */
static void test_another_from(void **state)
{
    struct ast_party_id id = {.name = "Bob", .number = "600"};
    char tag[100];
    const char *text, *from;

    (void)state;
    call_out();
    peer_response("200 OK", "", peer_offer);
    text = peer_expect("ACK");
    from = strstr(text, "From: ");
    assert_non_null(from);
    snprintf(tag, sizeof(tag), "%.40s", strstr(from, ";tag="));
    peer_wait(peer_is_confirmed);
    for (int i = 0; i < 100; ++i) { /* each costs what the one before gave back */
        assert_int_equal(ast_sip_session_set_from(peer_held, NULL, NULL), 0);
        assert_int_equal(ast_sip_session_set_from(peer_held, NULL, &id), 0);
    }
    ast_sip_session_terminate(peer_held, 0);
    text = peer_expect("BYE");
    from = strstr(text, "From: \"Bob\" <sip:600@127.0.0.1>");
    assert_non_null(from);
    assert_int_equal(strncmp(strstr(from, ";tag="), tag, 40), 0);
    peer_response("200 OK", "", NULL);
    ast_sip_session_ref(peer_held);
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_set_from(peer_held, NULL, &id), -1); /* it has ended */
    ast_sip_session_unref(peer_held);
}

/* An identity that may not be shown (RFC 3323 4.1.1.3). */
static void test_restricted_caller(void **state)
{
    struct ast_sip_session_outgoing outgoing;
    char uri[100];

    (void)state;
    snprintf(uri, sizeof(uri), "sip:peer@127.0.0.1:%u", peer_port());
    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = ast_sip_get_endpoint("anonymous");
    outgoing.uri = uri;
    strcpy(outgoing.caller.name, "Ann");
    strcpy(outgoing.caller.number, "500");
    outgoing.caller.presentation = AST_PARTY_RESTRICTED;
    peer_held = ast_sip_session_create_outgoing(&outgoing);
    ast_sip_endpoint_unref(outgoing.endpoint);
    assert_non_null(peer_held);
    assert_string_equal(ast_sip_session_get_caller(peer_held)->number, "500");
    assert_int_equal(ast_sip_session_send_invite(peer_held), 0);
    assert_non_null(strstr(peer_expect("INVITE"),
                           "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="));
    peer_response("486 Busy Here", "", NULL);
    peer_expect("ACK");
    peer_wait(peer_none_left);
}

static void test_outgoing_cancel(void **state)
{
    (void)state;
    call_out();
    ast_sip_session_terminate(peer_held, 0); /* before any response: CANCEL waits (RFC 3261 9.1) */
    peer_response("100 Trying", "", NULL);
    peer_expect("CANCEL");
    peer_response("200 OK", "", NULL);
    peer_response_to_invite("487 Request Terminated");
    peer_expect("ACK");
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 487);
}

static void test_outgoing_bad_answer(void **state)
{
    (void)state;
    call_out();
    refuse_sdp = 1;
    peer_response("200 OK", "", peer_offer);
    peer_expect("ACK");
    peer_expect("BYE");
    peer_response("200 OK", "", NULL);
    peer_wait(peer_none_left);
}

static void test_outgoing_busy(void **state)
{
    (void)state;
    call_out();
    peer_response("486 Busy Here", "", NULL);
    peer_expect("ACK");
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 486);
}

static void test_outgoing_through_a_proxy(void **state)
{
    struct ast_sip_session_outgoing outgoing;
    char proxy[100];

    (void)state;
    snprintf(proxy, sizeof(proxy), "sip:127.0.0.1:%u;lr", peer_port());
    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = ast_sip_endpoint_create("trunk");
    outgoing.endpoint->outbound_proxy = strdup(proxy);
    outgoing.uri = "sip:100@127.0.0.1:9";
    peer_held = ast_sip_session_create_outgoing(&outgoing);
    ast_sip_endpoint_unref(outgoing.endpoint);
    assert_non_null(peer_held);
    assert_int_equal(ast_sip_session_send_invite(peer_held), 0);
    assert_non_null(
        strstr(peer_expect("INVITE sip:100@127.0.0.1:9 "), "\r\nRoute: <sip:127.0.0.1:"));
    peer_response("486 Busy Here", "", NULL);
    peer_expect("ACK");
}

static void test_bad_outgoing_uri(void **state)
{
    struct ast_sip_session_outgoing outgoing;

    (void)state;
    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = ast_sip_get_endpoint("anonymous");
    outgoing.uri = "nonsense";
    assert_null(ast_sip_session_create_outgoing(&outgoing));
    outgoing.uri = "tel:+123";
    assert_null(ast_sip_session_create_outgoing(&outgoing));
    ast_sip_endpoint_unref(outgoing.endpoint);
}

static void test_unregister_with_a_call_up(void **state)
{
    (void)state;
    call_up(peer_offer);
    ast_sip_session_unregister_extension(&extension);
    ast_sip_session_unregister_sdp_handler(&handler);
    log_text[0] = '\0';
    peer_hang_up();
    peer_wait(peer_none_left);
    assert_string_equal(log_text, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answered_call),
        TEST(test_late_offer),
        TEST(test_whole_goes_before_streams),
        TEST(test_later_answer_and_no_header_twice),
        TEST(test_refused_by_extension),
        TEST(test_silent_failure_is_500),
        TEST(test_silent_failure_in_dialog_is_500),
        TEST(test_refused_media),
        TEST(test_cancel),
        TEST(test_methods_that_nobody_owns),
        TEST(test_reinvite_both_ways),
        TEST(test_reinvite_with_bad_media_changes_nothing),
        TEST(test_update),
        TEST(test_outgoing_call),
        TEST(test_another_from),
        TEST(test_restricted_caller),
        TEST(test_outgoing_cancel),
        TEST(test_outgoing_bad_answer),
        TEST(test_outgoing_busy),
        TEST(test_outgoing_through_a_proxy),
        TEST(test_bad_outgoing_uri),
        TEST(test_unregister_with_a_call_up),
    };

    return cmocka_run_group_tests(tests, peer_group_start, peer_group_stop);
}
