/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: an SDP handler may end the session in any of its callbacks, whatever was going
 * on: the session is valid until the callback returns, its streams are, and nothing is worked on
 * any more behind it. With AddressSanitizer this finds what is used after it is gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"

#define HEAD  "v=0\r\no=peer 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
#define AUDIO "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
#define TWO   HEAD AUDIO AUDIO /* one is looked at behind the one that ended it */

/* Callbacks of the handler, then those of an extension; of the first three the result counts. */
enum where {
    NOWHERE,
    INCOMING,
    OUTGOING,
    REQUEST_IN,
    APPLY,
    ROLLBACK,
    STREAM_END,
    RESPONSE_IN,
    REQUEST_OUT,
    RESPONSE_OUT,
    BEGIN,
    CONFIRMED,
    EARLY,
    PLACES
};

static enum where where; /* the session is ended there, once */
static int at_once;      /* cut off, as when its transport fails; else as anybody does */
static int result;       /* of that callback */
static struct ast_sip_endpoint *endpoint;
static unsigned begun, ended;

static int end_here(struct ast_sip_session *session, enum where here)
{
    if (where != here) {
        return 0;
    }
    where = NOWHERE;
    if (at_once) {
        inv_drop(session->inv_session, 500);
    } else {
        ast_sip_session_terminate(session, 486);
    }
    return result;
}

static int on_incoming(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                       const struct pjmedia_sdp_session *remote, int offer)
{
    (void)offer;
    assert_true(ast_sip_session_stream_index(stream) < remote->media_count);
    return end_here(session, INCOMING);
}

static int on_outgoing(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                       pj_pool_t *pool, struct pjmedia_sdp_media **media)
{
    peer_write_audio(session, stream, pool, media);
    return end_here(session, OUTGOING);
}

static void on_apply(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                     const struct pjmedia_sdp_session *local,
                     const struct pjmedia_sdp_session *remote)
{
    (void)local;
    (void)remote;
    (void)stream;
    end_here(session, APPLY);
}

static void on_rollback(struct ast_sip_session *session, struct ast_sip_session_stream *stream)
{
    (void)stream;
    end_here(session, ROLLBACK);
}

static void on_stream_end(struct ast_sip_session *session, struct ast_sip_session_stream *stream)
{
    (void)stream;
    end_here(session, STREAM_END);
}

static const struct ast_sip_session_sdp_handler handler = {
    .media = "audio",
    .stream_incoming = on_incoming,
    .stream_outgoing = on_outgoing,
    .stream_apply = on_apply,
    .stream_rollback = on_rollback,
    .stream_end = on_stream_end,
};

static int answer; /* of the first INVITE */

static int on_invite(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    if (rdata->msg_info.to->tag.slen == 0) {
        peer_hold(session);
        ast_sip_session_send_response(session, answer, rdata);
    }
    return 0;
}

static int on_request_in(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    (void)rdata;
    return end_here(session, REQUEST_IN) == 1;
}

static void on_response_in(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    (void)rdata;
    end_here(session, RESPONSE_IN);
}

static void on_request_out(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    (void)tdata;
    end_here(session, REQUEST_OUT);
}

static void on_response_out(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    (void)tdata;
    end_here(session, RESPONSE_OUT);
}

static void on_confirmed(struct ast_sip_session *session)
{
    end_here(session, CONFIRMED);
}

static void on_early(struct ast_sip_session *session,
                     const struct ast_sip_session_early_dialog *early)
{
    (void)early;
    end_here(session, EARLY);
}

static void on_begin(struct ast_sip_session *session)
{
    begun++;
    end_here(session, BEGIN);
}

static void on_end(struct ast_sip_session *session)
{
    (void)session;
    ended++;
}

static struct ast_sip_session_extension extension = {.method = "INVITE",
                                                     .priority = 1,
                                                     .incoming_request = on_invite,
                                                     .session_begin = on_begin,
                                                     .session_end = on_end};
static struct ast_sip_session_extension hooks = {.incoming_request = on_request_in,
                                                 .incoming_response = on_response_in,
                                                 .outgoing_request = on_request_out,
                                                 .outgoing_response = on_response_out,
                                                 .session_confirmed = on_confirmed,
                                                 .early_dialog = on_early};

/* Answers what the service sends for a while; then nothing of the call is left. */
static void tidy_up(void)
{
    char copy[8000];

    for (int silent = 0; !peer_none_left() && silent < 8; ++silent) {
        const char *message = peer_receive();

        if (message != NULL && strncmp(message, "SIP/2.0", 7) != 0 &&
            strncmp(message, "ACK", 3) != 0) {
            snprintf(copy, sizeof(copy), "%s", message);
            peer_respond(copy, "200 OK", strstr(copy, "CANCEL") != NULL ? "" : "A", "", NULL);
            silent = 0;
        }
    }
    if (!peer_none_left()) { /* 2xx without ACK, CANCEL without 487: it would take its time */
        inv_drop(peer_held->inv_session, 500);
    }
    peer_wait(peer_none_left);
    assert_int_equal(begun, ended);
    ast_sip_session_unref(peer_held);
    peer_held = NULL;
}

/* Each place, softly and at once; those that have a result, with each. */
static void everywhere(void (*run)(void))
{
    static const int results[] = {0, 1, -1};
    const unsigned cases = PLACES * PJ_ARRAY_SIZE(results) * 2;

    for (unsigned i = 0; i < cases; ++i) {
        enum where place = (enum where)(i / 2 / PJ_ARRAY_SIZE(results));

        result = results[i / 2 % PJ_ARRAY_SIZE(results)];
        if (place == NOWHERE || (place > REQUEST_IN && result != 0)) {
            continue;
        }
        at_once = i % 2 == 1;
        if (at_once && place == RESPONSE_OUT) {
            continue; /* nothing fails before the response is sent */
        }
        answer = 200;
        begun = ended = 0;
        peer_new_call();
        where = place;
        run();
        where = NOWHERE;
        tidy_up();
    }
}

static void see(unsigned count)
{
    for (unsigned i = 0; i < count; ++i) {
        peer_receive();
    }
}

static void first_invite(void)
{
    peer_request("INVITE", "", TWO);
    see(8);
}

static void early_media(void)
{
    answer = 183;
    first_invite();
    if (peer_held != NULL && ast_sip_session_get_state(peer_held) == AST_SIP_SESSION_STATE_EARLY) {
        ast_sip_session_send_response(peer_held, 200, NULL);
    }
    see(8);
}

static void late_offer(void)
{
    peer_request("INVITE", "", NULL);
    see(8);
    peer_request("ACK", "", TWO);
    see(8);
}

/* A reliable 183, and a PRACK with the answer to its offer, or with an offer (RFC 3262 5). */
static void prack(const char *offer)
{
    enum where wanted = where;
    char rack[100];

    where = NOWHERE;
    answer = 183;
    peer_request("INVITE", "Require: 100rel\r\n", offer);
    snprintf(rack, sizeof(rack), "RAck: %s 1 INVITE\r\n",
             peer_header(peer_expect("SIP/2.0 183"), "RSeq"));
    where = wanted;
    peer_next_cseq();
    peer_request("PRACK", rack, offer != NULL ? TWO : HEAD AUDIO);
    see(8);
}

static void prack_with_an_offer(void)
{
    prack(TWO);
}

static void prack_with_an_answer(void)
{
    prack(NULL);
}

/* The place waits until the call is up. */
static void call_up(void)
{
    enum where wanted = where;

    where = NOWHERE;
    peer_request("INVITE", "", TWO);
    peer_expect("SIP/2.0 200");
    peer_request("ACK", "", NULL);
    peer_wait(peer_is_confirmed);
    where = wanted;
}

static void reinvite(void)
{
    call_up();
    peer_next_cseq();
    peer_request("INVITE", "", HEAD AUDIO "m=audio 0 RTP/AVP 0\r\n" AUDIO);
    see(8);
}

static void bad_reinvite(void)
{
    call_up();
    peer_next_cseq();
    peer_request("INVITE", "", HEAD AUDIO); /* fewer than before: refused, and rolled back */
    see(8);
}

static void update(void)
{
    call_up();
    peer_next_cseq();
    peer_request("UPDATE", "", TWO AUDIO);
    see(8);
}

static void our_reinvite(const char *status, const char *sdp)
{
    char invite[8000];

    call_up();
    if (ast_sip_session_send_reinvite(peer_held) != 0) {
        return;
    }
    for (unsigned i = 0; i < 15; ++i) {
        const char *message = peer_receive();

        if (message != NULL && strncmp(message, "INVITE", 6) == 0) {
            snprintf(invite, sizeof(invite), "%s", message);
            peer_respond(invite, status, "A", "", sdp);
        }
    }
}

static void our_reinvite_answered(void)
{
    our_reinvite("200 OK", TWO);
}

static void our_reinvite_refused(void)
{
    our_reinvite("488 No", NULL);
}

static void our_reinvite_with_a_bad_answer(void)
{
    our_reinvite("200 OK", HEAD AUDIO);
}

/* A call of ours, whose branches answer as a text says: the tags A and B before the status. */
static void our_call(int without_offer, const char *const *answers)
{
    struct ast_sip_session_outgoing options;
    char uri[100], invite[8000] = "", contact[200];

    ast_sip_session_outgoing_init(&options);
    snprintf(uri, sizeof(uri), "sip:a@127.0.0.1:%u", peer_port());
    snprintf(contact, sizeof(contact), "Contact: <sip:peer@127.0.0.1:%u>\r\n", peer_port());
    options.endpoint = endpoint;
    options.uri = uri;
    options.without_offer = without_offer;
    peer_held = ast_sip_session_create_outgoing(&options);
    assert_non_null(peer_held);
    if (ast_sip_session_send_invite(peer_held) != 0) {
        return;
    }
    for (unsigned i = 0; i < 20 && invite[0] == '\0'; ++i) {
        const char *message = peer_receive();

        if (message != NULL && strncmp(message, "INVITE", 6) == 0) {
            snprintf(invite, sizeof(invite), "%s", message);
        }
    }
    for (; invite[0] != '\0' && *answers != NULL; ++answers) {
        char tag[2] = {(*answers)[0], '\0'};

        peer_respond(invite, *answers + 2, tag, contact,
                     strstr(*answers, "Media") != NULL ? (*answers)[0] == 'A' ? HEAD AUDIO : TWO
                                                       : NULL);
        see(10);
    }
}

static void our_call_answered(void)
{
    static const char *const answers[] = {"A 200 Media", NULL};

    our_call(0, answers);
}

static void our_call_that_is_forked(void)
{
    static const char *const answers[] = {"A 183 Media", "C 183 Other", "A 183 Media",
                                          "C 183 Media", "A 200 Media", NULL};

    our_call(0, answers);
}

static void our_call_without_an_offer(void)
{
    static const char *const answers[] = {"A 180 Ringing", "B 200 Media", NULL};

    our_call(1, answers);
}

static void our_call_with_a_bad_answer(void)
{
    static const char *const answers[] = {"B 183 Media", "B 200 Media", NULL};

    our_call(0, answers);
}

#define TEST(name)                                                                                 \
    static void test_##name(void **s)                                                              \
    {                                                                                              \
        (void)s;                                                                                   \
        everywhere(name);                                                                          \
    }

TEST(first_invite)
TEST(early_media)
TEST(late_offer)
TEST(prack_with_an_offer)
TEST(prack_with_an_answer)
TEST(reinvite)
TEST(bad_reinvite)
TEST(update)
TEST(our_reinvite_answered)
TEST(our_reinvite_refused)
TEST(our_reinvite_with_a_bad_answer)
TEST(our_call_answered)
TEST(our_call_that_is_forked)
TEST(our_call_without_an_offer)
TEST(our_call_with_a_bad_answer)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_invite),
        cmocka_unit_test(test_early_media),
        cmocka_unit_test(test_late_offer),
        cmocka_unit_test(test_prack_with_an_offer),
        cmocka_unit_test(test_prack_with_an_answer),
        cmocka_unit_test(test_reinvite),
        cmocka_unit_test(test_bad_reinvite),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_our_reinvite_answered),
        cmocka_unit_test(test_our_reinvite_refused),
        cmocka_unit_test(test_our_reinvite_with_a_bad_answer),
        cmocka_unit_test(test_our_call_answered),
        cmocka_unit_test(test_our_call_that_is_forked),
        cmocka_unit_test(test_our_call_without_an_offer),
        cmocka_unit_test(test_our_call_with_a_bad_answer),
    };
    int failed;

    peer_start();
    endpoint = ast_sip_endpoint_create("peer");
    assert_int_equal(ast_sip_session_register_sdp_handler(&handler), 0);
    assert_int_equal(ast_sip_session_register_extension(&extension), 0);
    assert_int_equal(ast_sip_session_register_extension(&hooks), 0);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    ast_sip_session_unregister_extension(&hooks);
    ast_sip_session_unregister_extension(&extension);
    ast_sip_session_unregister_sdp_handler(&handler);
    ast_sip_endpoint_unref(endpoint);
    peer_stop();
    return failed;
}
