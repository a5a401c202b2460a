/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: an SDP put together from handlers of streams (RFC 3264): order and places of m=
 * sections, refused ones, our origin and its version, roll-back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"

#define HEAD  "v=0\r\no=peer 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
#define AUDIO "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
#define VIDEO "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"

/* ---- a handler of audio streams that notes what it is asked ---- */

static char log_text[1000];
static int refuse;            /* stream_incoming says -1 */
static const char *direction; /* of what we write */

static void note(const char *what, const struct ast_sip_session_stream *stream)
{
    size_t at = strlen(log_text);

    snprintf(log_text + at, sizeof(log_text) - at, "%s%u ", what,
             ast_sip_session_stream_index(stream));
}

static int on_incoming(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                       const struct pjmedia_sdp_session *remote, int offer)
{
    (void)session;
    assert_true(ast_sip_session_stream_index(stream) < remote->media_count);
    if (refuse) {
        return -1;
    }
    note(offer ? "offer" : "answer", stream);
    return 0;
}

static int on_outgoing(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                       pj_pool_t *pool, struct pjmedia_sdp_media **media)
{
    peer_write_audio(session, stream, pool, media);
    note("write", stream);
    (*media)->attr[(*media)->attr_count++] = pjmedia_sdp_attr_create(pool, direction, NULL);
    return 0;
}

static void on_apply(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                     const struct pjmedia_sdp_session *local,
                     const struct pjmedia_sdp_session *remote)
{
    (void)session;
    (void)local;
    (void)remote;
    note("apply", stream);
}

static void on_rollback(struct ast_sip_session *session, struct ast_sip_session_stream *stream)
{
    (void)session;
    note("rollback", stream);
}

static void on_stream_end(struct ast_sip_session *session, struct ast_sip_session_stream *stream)
{
    (void)session;
    note("end", stream);
}

static const struct ast_sip_session_sdp_handler handler = {
    .media = "audio",
    .stream_incoming = on_incoming,
    .stream_outgoing = on_outgoing,
    .stream_apply = on_apply,
    .stream_rollback = on_rollback,
    .stream_end = on_stream_end,
};

/* ---- whoever calls is answered ---- */

static int on_invite(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    if (rdata->msg_info.to->tag.slen == 0) {
        peer_hold(session);
        ast_sip_session_send_response(session, 200, rdata);
    }
    return 0;
}

static struct ast_sip_session_extension extension = {.method = "INVITE",
                                                     .incoming_request = on_invite};

static int setup(void **state)
{
    (void)state;
    refuse = 0;
    direction = "sendrecv";
    log_text[0] = '\0';
    return peer_begin(&handler, &extension);
}

static int teardown(void **state)
{
    (void)state;
    return peer_end(&handler, &extension);
}

static const char *call_up(const char *sdp, const char *answer)
{
    return peer_call_up("", sdp, answer);
}

static const char *reinvite(const char *sdp)
{
    static char message[8000];

    peer_next_cseq();
    peer_request("INVITE", "", sdp);
    strcpy(message, peer_expect("SIP/2.0 "));
    peer_request("ACK", "", NULL);
    peer_expect_silence(20);
    return message;
}

/* The id and the version of o= */
static void origin(const char *message, unsigned long *id, unsigned long *version)
{
    const char *line = strstr(message, "o=- ");

    assert_non_null(line);
    assert_int_equal(sscanf(line, "o=- %lu %lu IN IP4 127.0.0.1", id, version), 2);
}

static void test_places_are_kept(void **state)
{
    const char *message = call_up(HEAD VIDEO AUDIO VIDEO, NULL);
    const char *first, *second, *third;

    (void)state;
    first = strstr(message, "m=video 0 RTP/AVP 96");
    second = strstr(message, "m=audio 5000 RTP/AVP 0");
    assert_non_null(first);
    assert_non_null(second);
    third = strstr(second, "m=video 0 RTP/AVP 96");
    assert_non_null(third);
    assert_true(first < second && second < third);
    assert_string_equal(log_text, "offer1 write1 apply1 ");
    peer_hang_up();
    peer_wait(peer_none_left);
    assert_string_equal(log_text, "offer1 write1 apply1 end1 ");
}

static void test_nothing_that_anybody_takes(void **state)
{
    const char *message;

    (void)state;
    peer_request("INVITE", "", HEAD VIDEO);
    message = peer_expect("SIP/2.0 488");
    assert_non_null(strstr(message, "Warning: 304 "));
    peer_request("ACK", "", NULL);
    peer_wait(peer_none_left);
    refuse = 1;
    peer_new_call();
    peer_request("INVITE", "", HEAD AUDIO);
    message = peer_expect("SIP/2.0 488");
    assert_non_null(strstr(message, "Warning: 305 "));
    peer_request("ACK", "", NULL);
    peer_wait(peer_none_left);
    assert_string_equal(log_text, "");
}

static void test_more_streams_than_we_keep(void **state)
{
    const char *message = call_up(HEAD AUDIO VIDEO VIDEO VIDEO VIDEO VIDEO VIDEO VIDEO, NULL);
    unsigned count = 0;

    (void)state;
    for (const char *at = message; (at = strstr(at, "\r\nm=")) != NULL; at += 4) {
        ++count;
    }
    assert_int_equal(count, 8);
    peer_hang_up();
}

static void test_version_goes_up_when_the_sdp_changes(void **state)
{
    unsigned long id, version, id2, version2;

    (void)state;
    origin(call_up(HEAD AUDIO, NULL), &id, &version);
    origin(reinvite(HEAD AUDIO), &id2, &version2);
    assert_int_equal(id, id2);
    assert_int_equal(version, version2); /* the same SDP */
    direction = "recvonly";
    origin(reinvite(HEAD AUDIO "a=sendonly\r\n"), &id2, &version2);
    assert_int_equal(id, id2);
    assert_int_equal(version + 1, version2);
    assert_int_equal(ast_sip_session_send_reinvite(peer_held), 0); /* ours, unchanged */
    origin(peer_expect("INVITE"), &id2, &version2);
    assert_int_equal(version + 1, version2);
    peer_response("200 OK", "", HEAD AUDIO);
    peer_expect("ACK");
    peer_hang_up();
}

static void test_a_refused_exchange_changes_nothing(void **state)
{
    unsigned long id, version, id2, version2;

    (void)state;
    origin(call_up(HEAD AUDIO, NULL), &id, &version);
    log_text[0] = '\0';
    direction = "sendonly";
    assert_int_equal(ast_sip_session_send_reinvite(peer_held), 0);
    peer_expect("INVITE");
    peer_response("488 Not Acceptable Here", "", NULL);
    peer_expect("ACK");
    peer_expect_silence(20);
    assert_string_equal(log_text, "write0 rollback0 ");
    direction = "sendrecv";
    log_text[0] = '\0';
    origin(reinvite(HEAD AUDIO), &id2, &version2);
    assert_string_equal(log_text, "offer0 write0 apply0 ");
    assert_int_equal(version2, version + 2); /* the refused one was said, too */
    peer_hang_up();
}

static void test_a_refused_offer_of_the_peer_changes_nothing(void **state)
{
    (void)state;
    call_up(HEAD AUDIO, NULL);
    log_text[0] = '\0';
    refuse = 1;
    assert_non_null(strstr(reinvite(HEAD AUDIO AUDIO), "SIP/2.0 488"));
    assert_string_equal(log_text, "rollback0 ");
    refuse = 0;
    log_text[0] = '\0';
    assert_non_null(strstr(reinvite(HEAD AUDIO), "SIP/2.0 200")); /* the second one never was */
    assert_string_equal(log_text, "offer0 write0 apply0 ");
    peer_hang_up();
}

static void test_streams_come_and_go(void **state)
{
    const char *message;

    (void)state;
    call_up(HEAD AUDIO, NULL);
    log_text[0] = '\0';
    message = reinvite(HEAD AUDIO AUDIO);
    assert_string_equal(log_text, "offer0 offer1 write0 write1 apply0 apply1 ");
    log_text[0] = '\0';
    message = reinvite(HEAD "m=audio 0 RTP/AVP 0\r\n" AUDIO);
    assert_non_null(strstr(message, "m=audio 0 RTP/AVP 0"));
    assert_string_equal(log_text, "offer1 write1 end0 apply1 ");
    log_text[0] = '\0';
    message = reinvite(HEAD AUDIO AUDIO); /* the place is used again */
    assert_null(strstr(message, "m=audio 0 "));
    message = reinvite(HEAD AUDIO); /* fewer than before (RFC 3264 8) */
    assert_non_null(strstr(message, "SIP/2.0 488"));
    assert_true(peer_is_confirmed());
    peer_hang_up();
}

static void test_late_offer(void **state)
{
    const char *message = call_up(NULL, HEAD AUDIO);

    (void)state;
    assert_non_null(strstr(message, "m=audio 5000 RTP/AVP 0"));
    assert_string_equal(log_text, "write0 answer0 apply0 ");
    peer_hang_up();
}

static void test_late_offer_with_a_bad_answer(void **state)
{
    (void)state;
    peer_request("INVITE", "", NULL);
    peer_expect("SIP/2.0 200");
    peer_request("ACK", "", HEAD AUDIO AUDIO); /* two streams, we offered one */
    peer_expect("BYE");
    peer_response("200 OK", "", NULL);
    peer_wait(peer_none_left);
    assert_string_equal(log_text, "write0 end0 ");
}

static void test_late_offer_without_an_answer(void **state)
{
    (void)state;
    peer_request("INVITE", "", NULL);
    peer_expect("SIP/2.0 200");
    peer_request("ACK", "", NULL);
    peer_expect("BYE");
    peer_response("200 OK", "", NULL);
    peer_wait(peer_none_left);
}

static void test_unregistering_ends_streams(void **state)
{
    (void)state;
    call_up(HEAD AUDIO, NULL);
    log_text[0] = '\0';
    ast_sip_session_unregister_sdp_handler(&handler);
    assert_string_equal(log_text, "end0 ");
    assert_true(peer_is_confirmed());
    peer_hang_up();
    peer_wait(peer_none_left);
    assert_string_equal(log_text, "end0 ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_places_are_kept),
        TEST(test_nothing_that_anybody_takes),
        TEST(test_more_streams_than_we_keep),
        TEST(test_version_goes_up_when_the_sdp_changes),
        TEST(test_a_refused_exchange_changes_nothing),
        TEST(test_a_refused_offer_of_the_peer_changes_nothing),
        TEST(test_streams_come_and_go),
        TEST(test_late_offer),
        TEST(test_late_offer_with_a_bad_answer),
        TEST(test_late_offer_without_an_answer),
        TEST(test_unregistering_ends_streams),
    };

    return cmocka_run_group_tests(tests, peer_group_start, peer_group_stop);
}
