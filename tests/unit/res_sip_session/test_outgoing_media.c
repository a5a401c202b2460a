/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: offers and answers of sessions that we begin, with branches (RFC 6337 3.1.1) and
 * without an offer in the INVITE (RFC 3261 13.2.1). The handler of streams writes down whose SDP is
 * in force, by the id in its o=.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"

static char log_text[2000];
static struct ast_sip_endpoint *endpoint;

static void note(const char *what, unsigned id)
{
    size_t at = strlen(log_text);

    snprintf(log_text + at, sizeof(log_text) - at, "%s%u ", what, id);
}

static int stream_incoming(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                           const struct pjmedia_sdp_session *remote, int offer)
{
    (void)session;
    (void)stream;
    note(offer ? "offer" : "answer", (unsigned)remote->origin.id);
    return 0;
}

static void stream_apply(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                         const struct pjmedia_sdp_session *local,
                         const struct pjmedia_sdp_session *remote)
{
    (void)session;
    (void)stream;
    (void)local;
    note("apply", (unsigned)remote->origin.id);
}

static const struct ast_sip_session_sdp_handler handler = {.media = "audio",
                                                           .stream_incoming = stream_incoming,
                                                           .stream_outgoing = peer_write_audio,
                                                           .stream_apply = stream_apply};

static int setup(void **state)
{
    (void)state;
    log_text[0] = '\0';
    endpoint = ast_sip_endpoint_create("peer");
    return peer_begin(&handler, NULL);
}

static int teardown(void **state)
{
    int result = peer_end(&handler, NULL);

    (void)state;
    ast_sip_endpoint_unref(endpoint);
    return result;
}

/* ---- the calls ---- */

static char invite[8000];
static char contact[100];

static const char *sdp(unsigned id)
{
    static char text[300];

    snprintf(text, sizeof(text),
             "v=0\r\no=peer %u 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
             "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
             id);
    return text;
}

static void call(int without_offer)
{
    struct ast_sip_session_outgoing options;
    char uri[100];

    ast_sip_session_outgoing_init(&options);
    snprintf(uri, sizeof(uri), "sip:a@127.0.0.1:%u", peer_port());
    snprintf(contact, sizeof(contact), "Contact: <sip:peer@127.0.0.1:%u>\r\n", peer_port());
    options.endpoint = endpoint;
    options.uri = uri;
    options.without_offer = without_offer;
    peer_held = ast_sip_session_create_outgoing(&options);
    assert_non_null(peer_held);
    assert_int_equal(ast_sip_session_send_invite(peer_held), 0);
    snprintf(invite, sizeof(invite), "%s", peer_expect("INVITE "));
    assert_int_equal(strstr(invite, "m=audio") == NULL, without_offer);
}

static const char *reliable(unsigned number)
{
    static char text[300];

    snprintf(text, sizeof(text), "%sRequire: 100rel\r\nRSeq: %u\r\n", contact, number);
    return text;
}

static char prack[8000];

static void expect_prack(int with_sdp)
{
    snprintf(prack, sizeof(prack), "%s", peer_expect("PRACK "));
    assert_int_equal(strstr(prack, "m=audio") != NULL, with_sdp);
    peer_respond(prack, "200 OK", "", "", NULL);
}

static void expect_ack(const char *tag, int with_sdp)
{
    char wanted[40];
    const char *ack = peer_expect("ACK ");

    snprintf(wanted, sizeof(wanted), ";tag=%s", tag);
    assert_non_null(strstr(peer_header(ack, "To"), wanted));
    assert_int_equal(strstr(ack, "m=audio") != NULL, with_sdp);
    peer_wait(peer_is_confirmed);
}

static void hang_up(void)
{
    char bye[8000];

    ast_sip_session_terminate(peer_held, 0);
    snprintf(bye, sizeof(bye), "%s", peer_expect("BYE "));
    peer_respond(bye, "200 OK", "", "", NULL);
}

/* ---- the peer offers ---- */

static void test_offer_in_answer(void **state)
{
    (void)state;
    call(1);
    peer_respond(invite, "180 Ringing", "A", contact, NULL);
    peer_respond(invite, "200 OK", "A", contact, sdp(1));
    expect_ack("A", 1);
    assert_string_equal(log_text, "offer1 apply1 ");
    hang_up();
}

static void test_offer_in_reliable_response(void **state)
{
    (void)state;
    call(1);
    peer_respond(invite, "183 Progress", "A", reliable(1), sdp(1));
    expect_prack(1);
    peer_respond(invite, "200 OK", "A", contact, NULL);
    expect_ack("A", 0);
    assert_string_equal(log_text, "offer1 apply1 ");
    hang_up();
}

/* RFC 6337 2.2: an SDP in an unreliable response is no offer. */
static void test_no_offer_in_unreliable_response(void **state)
{
    (void)state;
    call(1);
    peer_respond(invite, "183 Progress", "A", contact, sdp(1));
    peer_respond(invite, "200 OK", "A", contact, sdp(2));
    expect_ack("A", 1);
    assert_string_equal(log_text, "offer2 apply2 ");
    hang_up();
}

static void test_no_offer_at_all(void **state)
{
    (void)state;
    call(1);
    peer_respond(invite, "200 OK", "A", contact, NULL);
    peer_expect("ACK ");
    snprintf(prack, sizeof(prack), "%s", peer_expect("BYE "));
    peer_respond(prack, "200 OK", "", "", NULL);
    peer_wait(peer_none_left);
}

/* Each branch offers; each is answered in its PRACK. */
static void test_offers_of_branches(void **state)
{
    (void)state;
    call(1);
    peer_respond(invite, "183 Progress", "A", reliable(1), sdp(1));
    expect_prack(1);
    peer_respond(invite, "183 Progress", "B", reliable(7), sdp(2));
    expect_prack(1);
    peer_respond(invite, "200 OK", "B", contact, NULL);
    expect_ack("B", 0);
    assert_string_equal(log_text, "offer1 apply1 offer2 apply2 ");
    hang_up();
}

/* The branch that offered first answers: its SDP is in force again. */
static void test_offer_of_first_branch(void **state)
{
    (void)state;
    call(1);
    peer_respond(invite, "183 Progress", "A", reliable(1), sdp(1));
    expect_prack(1);
    peer_respond(invite, "183 Progress", "B", reliable(7), sdp(2));
    expect_prack(1);
    peer_respond(invite, "200 OK", "A", contact, NULL);
    expect_ack("A", 0);
    assert_string_equal(log_text, "offer1 apply1 offer2 apply2 offer1 apply1 ");
    hang_up();
}

/* ---- branches answer ---- */

static void test_answers_of_branches(void **state)
{
    (void)state;
    call(0);
    peer_respond(invite, "183 Progress", "A", contact, sdp(1));
    peer_respond(invite, "183 Progress", "A", contact, sdp(1)); /* says nothing new */
    peer_respond(invite, "183 Progress", "B", contact, sdp(2));
    peer_respond(invite, "200 OK", "A", contact, sdp(1));
    expect_ack("A", 0);
    assert_string_equal(log_text, "answer1 apply1 answer2 apply2 answer1 apply1 ");
    hang_up();
}

static void test_answer_of_a_new_branch(void **state)
{
    (void)state;
    call(0);
    peer_respond(invite, "183 Progress", "A", reliable(1), sdp(1));
    expect_prack(0);
    peer_respond(invite, "183 Progress", "B", reliable(1), sdp(2));
    expect_prack(0);
    peer_respond(invite, "200 OK", "C", contact, sdp(3));
    expect_ack("C", 0);
    assert_string_equal(log_text, "answer1 apply1 answer2 apply2 answer3 apply3 ");
    hang_up();
}

/* The first branch answered reliably, so its 2xx has no SDP; another one spoke since. */
static void test_first_branch_again(void **state)
{
    (void)state;
    call(0);
    peer_respond(invite, "183 Progress", "A", reliable(1), sdp(1));
    expect_prack(0);
    peer_respond(invite, "183 Progress", "B", reliable(1), sdp(2));
    expect_prack(0);
    peer_respond(invite, "200 OK", "A", contact, NULL);
    expect_ack("A", 0);
    assert_string_equal(log_text, "answer1 apply1 answer2 apply2 answer1 apply1 ");
    hang_up();
}

/* The offer stands anew when the INVITE goes somewhere else. */
static void test_answer_after_redirection(void **state)
{
    char headers[200];

    (void)state;
    endpoint->redirect_method = AST_SIP_REDIRECT_URI_PJSIP;
    call(0);
    peer_respond(invite, "183 Progress", "A", reliable(1), sdp(1));
    expect_prack(0);
    snprintf(headers, sizeof(headers), "Contact: <sip:b@127.0.0.1:%u>\r\n", peer_port());
    peer_respond(invite, "302 Moved", "A", headers, NULL);
    snprintf(prack, sizeof(prack), "%s", invite);
    snprintf(invite, sizeof(invite), "%s", peer_expect("INVITE sip:b@"));
    assert_string_equal(strstr(prack, "\r\n\r\n"), strstr(invite, "\r\n\r\n"));
    peer_respond(invite, "200 OK", "B", contact, sdp(2));
    expect_ack("B", 0);
    assert_string_equal(log_text, "answer1 apply1 answer2 apply2 ");
    hang_up();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_offer_in_answer),
        TEST(test_offer_in_reliable_response),
        TEST(test_no_offer_in_unreliable_response),
        TEST(test_no_offer_at_all),
        TEST(test_offers_of_branches),
        TEST(test_offer_of_first_branch),
        TEST(test_answers_of_branches),
        TEST(test_answer_of_a_new_branch),
        TEST(test_first_branch_again),
        TEST(test_answer_after_redirection),
    };

    return cmocka_run_group_tests(tests, peer_group_start, peer_group_stop);
}
