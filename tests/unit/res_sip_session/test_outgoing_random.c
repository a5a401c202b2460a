/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: our INVITE, and a peer that answers anything in any order: every session ends,
 * once, and every branch's last word is one that it may have. The same flows in each run, unless
 * SIPSESSION_SEED says another number to begin with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sipsession/log.h>

#include "peer.h"

#define CALLS 400
#define STEPS 14

static unsigned seed;

static unsigned any(unsigned count)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % count;
}

/* ---- what the sessions are told ---- */

static unsigned begun;
static unsigned ended;
static unsigned won;
static struct ast_sip_session *held;
static struct ast_sip_endpoint *endpoint;

static void on_begin(struct ast_sip_session *session)
{
    (void)session;
    ++begun;
}

static void on_end(struct ast_sip_session *session)
{
    (void)session;
    ++ended;
}

static void on_early(struct ast_sip_session *session,
                     const struct ast_sip_session_early_dialog *early)
{
    won += early->state == AST_SIP_SESSION_EARLY_WON;
    assert_true(won <= 1);
    if (any(40) == 0) {
        ast_sip_session_terminate(session, 0);
    }
}

static int on_retry(struct ast_sip_session *session, struct pjsip_rx_data *rdata,
                    struct pjsip_tx_data *tdata)
{
    (void)rdata;
    (void)tdata;
    if (any(20) == 0) {
        ast_sip_session_terminate(session, 0);
    }
    return any(2) == 0;
}

static void on_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    (void)rdata;
    if (any(40) == 0) {
        ast_sip_session_terminate(session, 0);
    }
}

static void on_tx(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    (void)session;
    ast_sip_add_header(tdata, "X-Hook", "once");
}

static struct ast_sip_session_extension extension = {.session_begin = on_begin,
                                                     .session_end = on_end,
                                                     .early_dialog = on_early,
                                                     .retry_invite = on_retry,
                                                     .outgoing_request = on_tx,
                                                     .incoming_response = on_response};

static int stream_incoming(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                           const struct pjmedia_sdp_session *remote, int offer)
{
    (void)session;
    (void)stream;
    (void)remote;
    (void)offer;
    return any(10) == 0 ? -1 : 0;
}

static const struct ast_sip_session_sdp_handler handler = {.media = "audio",
                                                           .stream_incoming = stream_incoming,
                                                           .stream_outgoing = peer_write_audio};

/* ---- what the peer says ---- */

#define KEPT 4

static char invite[8000];         /* the last one */
static char requests[KEPT][8000]; /* others of the last that came */
static unsigned request_count;

static void listen_once(void)
{
    const char *message = peer_receive();

    if (message == NULL || strncmp(message, "SIP/2.0", 7) == 0) {
        return;
    }
    if (strncmp(message, "INVITE ", 7) == 0) {
        assert_null(strstr(strstr(message, "X-Hook: once") + 1, "X-Hook: once"));
        snprintf(invite, sizeof(invite), "%s", message);
    } else if (strncmp(message, "ACK ", 4) != 0) {
        snprintf(requests[request_count++ % KEPT], sizeof(requests[0]), "%s", message);
    }
}

static const char *any_sdp(void)
{
    static char text[400];
    static const char *const formats[] = {"m=audio 4000 RTP/AVP 0\r\n",
                                          "m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\n",
                                          "m=audio 0 RTP/AVP 0\r\n",
                                          "m=video 4000 RTP/AVP 99\r\n",
                                          "",
                                          "m=audio 4000\r\n"};

    if (any(3) == 0) {
        return NULL;
    }
    snprintf(text, sizeof(text),
             "v=0\r\no=peer %u %u IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n%s",
             any(3), any(3), formats[any(2) == 0 ? 0 : any(6)]);
    return text;
}

static const char *any_headers(void)
{
    static char text[1200];
    int at = 0;

    text[0] = '\0';
    if (any(8) != 0) {
        at += snprintf(text + at, sizeof(text) - (size_t)at,
                       "Contact: <sip:%c@127.0.0.1:%u>;q=0.%u\r\n", 'a' + (int)any(5), peer_port(),
                       any(10));
    }
    if (any(3) == 0) {
        at += snprintf(text + at, sizeof(text) - (size_t)at, "Require: 100rel\r\nRSeq: %u\r\n",
                       1 + any(3));
    }
    if (any(3) == 0) {
        at += snprintf(text + at, sizeof(text) - (size_t)at,
                       "%s-Authenticate: Digest realm=\"r%u\", nonce=\"n%u\"%s\r\n",
                       any(2) == 0 ? "WWW" : "Proxy", any(3), any(3),
                       any(2) == 0 ? ", stale=true" : "");
    }
    if (any(4) == 0) {
        at += snprintf(text + at, sizeof(text) - (size_t)at,
                       "Record-Route: <sip:127.0.0.1:%u;lr>\r\n", peer_port());
    }
    if (any(4) == 0) {
        snprintf(text + at, sizeof(text) - (size_t)at,
                 "Allow: INVITE, ACK, BYE, UPDATE, PRACK\r\nSupported: 100rel\r\n");
    }
    return text;
}

static void say_anything(const char *request)
{
    static const char *const lines[] = {"100 Trying",  "180 Ringing",  "183 Progress",
                                        "199 Gone",    "200 OK",       "202 Accepted",
                                        "302 Moved",   "300 Choose",   "401 Who",
                                        "407 Who",     "422 Interval", "420 Bad",
                                        "481 None",    "486 Busy",     "487 Cancelled",
                                        "491 Pending", "500 Error",    "503 Overload",
                                        "603 Declined"};
    static const char *const tags[] = {"A", "B", "C", "D", ""};
    unsigned line = any(3) == 0 ? any(5) : any((unsigned)PJ_ARRAY_SIZE(lines));

    peer_respond(request, lines[line], tags[any(5)], any_headers(), any_sdp());
}

static void do_anything(void)
{
    pjsip_tx_data *tdata;

    switch (any(12)) {
    case 0:
        ast_sip_session_terminate(held, 0);
        break;
    case 1:
        ast_sip_session_send_reinvite(held);
        break;
    case 2:
        if (ast_sip_session_get_state(held) >= AST_SIP_SESSION_STATE_EARLY &&
            ast_sip_session_get_state(held) < AST_SIP_SESSION_STATE_ENDING &&
            ast_sip_session_create_request(held, "INFO", &tdata) == 0) {
            ast_sip_session_send_request(held, tdata);
        }
        break;
    case 3:
    case 4:
        if (request_count > 0) {
            say_anything(requests[any(request_count < KEPT ? request_count : KEPT)]);
        }
        break;
    case 5:
        break; /* time goes by */
    default:
        say_anything(invite);
        break;
    }
    for (unsigned i = any(6); i > 0; --i) {
        listen_once();
    }
}

/* The peer comes to its senses: all that is open gets its end. */
static void finish(void)
{
    unsigned turns = 0;

    ast_sip_session_terminate(held, 0);
    while (ast_sip_session_count() > 0 && turns++ < 3000) {
        unsigned before = request_count;

        listen_once();
        if (turns % 20 == 0) {
            peer_respond(invite, "487 Request Terminated", "A", "", NULL);
        }
        if (request_count != before) {
            peer_respond(requests[before % KEPT], "200 OK", "A", "", NULL);
        }
    }
}

static void one_call(unsigned number)
{
    struct ast_sip_session_outgoing options;
    char uri[100];

    seed = number * 2654435761u;
    won = request_count = 0;
    ast_sip_session_outgoing_init(&options);
    snprintf(uri, sizeof(uri), "sip:a@127.0.0.1:%u", peer_port());
    options.endpoint = endpoint;
    options.uri = uri;
    options.redirections = (int)any(6) - 1;
    options.without_offer = any(4) == 0;
    options.timeout_ms = any(4) == 0 ? 10 : 0;
    peer_new_call();
    held = ast_sip_session_create_outgoing(&options);
    assert_non_null(held);
    assert_int_equal(ast_sip_session_send_invite(held), 0);
    snprintf(invite, sizeof(invite), "%s", peer_expect("INVITE "));
    for (unsigned step = 0; step < STEPS && ast_sip_session_count() > 0; ++step) {
        do_anything();
    }
    finish();
    if (ast_sip_session_count() != 0 || begun != ended) {
        fail_msg("the call of seed %u did not end: it is %s", number,
                 ast_sip_session_state_name(ast_sip_session_get_state(held)));
    }
    ast_sip_session_unref(held);
    held = NULL;
}

static void test_anything(void **state)
{
    const char *text = getenv("SIPSESSION_SEED");
    unsigned first = text != NULL ? (unsigned)strtoul(text, NULL, 10) : 1;

    (void)state;
    for (unsigned i = 0; i < CALLS; ++i) {
        one_call(first + i);
    }
    assert_int_equal(begun, CALLS);
}

static int start_peer(void **state)
{
    (void)state;
    ast_log_set_level(AST_LOG_ERROR);
    peer_start();
    pjsip_cfg()->tsx.t1 = 5;
    pjsip_tsx_set_timers(5, 20, 25, 100);
    endpoint = ast_sip_endpoint_create("peer");
    ast_sip_endpoint_add_credential(endpoint, AST_SIP_CREDENTIAL_PASSWORD, NULL, "me", "secret");
    ast_sip_session_register_sdp_handler(&handler);
    return ast_sip_session_register_extension(&extension);
}

static int stop_peer(void **state)
{
    (void)state;
    ast_sip_session_unregister_extension(&extension);
    ast_sip_session_unregister_sdp_handler(&handler);
    ast_sip_endpoint_unref(endpoint);
    peer_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_anything)};

    return cmocka_run_group_tests(tests, start_peer, stop_peer);
}
