/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: sessions that we begin: branches, CANCEL, time-outs, redirections, and INVITEs
 * that extensions have sent again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"

/* ---- an SDP handler as the page has it ---- */

static unsigned sdp_made;

static void add_sdp(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    ++sdp_made;
    peer_page_handler.add_outgoing_sdp(session, tdata);
}

static struct ast_sip_session_sdp_handler handler; /* peer_page_handler with add_sdp */

/* ---- an extension that writes down what it is told ---- */

static char log_text[8000];
static struct ast_sip_endpoint *endpoint;
static int retry;      /* what retry_invite returns */
static int hang_up_at; /* the session is ended when this status comes */

static void note(const char *format, ...)
{
    size_t at = strlen(log_text);
    va_list list;

    va_start(list, format);
    vsnprintf(log_text + at, sizeof(log_text) - at, format, list);
    va_end(list);
}

static void on_tx_request(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    (void)session;
    note(">%.*s ", (int)tdata->msg->line.req.method.name.slen,
         tdata->msg->line.req.method.name.ptr);
    ast_sip_add_header(tdata, "X-Hook", "once");
}

static void on_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    int code = rdata->msg_info.msg->line.status.code;

    note("<%d ", code);
    if (code == hang_up_at) {
        ast_sip_session_terminate(session, 0);
    }
}

static void on_early(struct ast_sip_session *session,
                     const struct ast_sip_session_early_dialog *early)
{
    static const char *const states[] = {"alive", "gone", "won", "lost"};

    (void)session;
    note("%s:%s/%d ", early->tag, states[early->state], early->status);
}

static int on_retry(struct ast_sip_session *session, struct pjsip_rx_data *rdata,
                    struct pjsip_tx_data *tdata)
{
    const pj_str_t name = pj_str("X-Changed");
    pjsip_generic_string_hdr *hdr = pjsip_msg_find_hdr_by_name(tdata->msg, &name, NULL);

    (void)session;
    note("retry?%d ", rdata->msg_info.msg->line.status.code);
    if (retry && hdr == NULL) {
        ast_sip_add_header(tdata, "X-Changed", "yes");
    }
    return retry;
}

static void on_end(struct ast_sip_session *session)
{
    note("end/%d ", ast_sip_session_get_end_status(session));
}

static struct ast_sip_session_extension extension = {
    .name = "test",
    .incoming_response = on_response,
    .outgoing_request = on_tx_request,
    .session_end = on_end,
    .early_dialog = on_early,
    .retry_invite = on_retry,
};

static int setup(void **state)
{
    (void)state;
    log_text[0] = '\0';
    sdp_made = 0;
    retry = 0;
    hang_up_at = 0;
    endpoint = ast_sip_endpoint_create("peer");
    handler = peer_page_handler;
    handler.add_outgoing_sdp = add_sdp;
    return peer_begin(&handler, &extension);
}

static int teardown(void **state)
{
    int result = peer_end(&handler, &extension);

    (void)state;
    ast_sip_endpoint_unref(endpoint);
    return result;
}

static char invite[8000];
static char contact[100];

static const char *expect_copy(const char *start)
{
    return peer_expect_copy(start, invite, sizeof(invite));
}

static int cseq_of(const char *message)
{
    return atoi(peer_header(message, "CSeq"));
}

static struct ast_sip_session_outgoing options;
static char uri[100];

static void call_begin(void)
{
    ast_sip_session_outgoing_init(&options);
    snprintf(uri, sizeof(uri), "sip:a@127.0.0.1:%u", peer_port());
    snprintf(contact, sizeof(contact), "Contact: <sip:peer@127.0.0.1:%u>\r\n", peer_port());
    options.endpoint = endpoint;
    options.uri = uri;
}

static void call_send(void)
{
    peer_held = ast_sip_session_create_outgoing(&options);
    assert_non_null(peer_held);
    assert_int_equal(ast_sip_session_send_invite(peer_held), 0);
    expect_copy("INVITE ");
}

static void call(void)
{
    call_begin();
    call_send();
}

static void hang_up(void)
{
    char bye[8000];

    ast_sip_session_terminate(peer_held, 0);
    snprintf(bye, sizeof(bye), "%s", peer_expect("BYE "));
    peer_respond(bye, "200 OK", "", "", NULL);
}

/* ---- branches ---- */

static void test_branches(void **state)
{
    char ack[8000];
    char bye[8000];
    char other[100];

    (void)state;
    call();
    assert_non_null(strstr(peer_header(invite, "Supported"), "199")); /* RFC 6228 4 */
    snprintf(other, sizeof(other), "Contact: <sip:other@127.0.0.1:%u>\r\n", peer_port());
    peer_respond(invite, "180 Ringing", "A", contact, NULL);
    peer_respond(invite, "183 Progress", "B", contact, NULL);
    peer_respond(invite, "180 Ringing", "B", contact, NULL);
    peer_respond(invite, "180 Ringing", "C", contact, NULL);
    peer_respond(invite, "199 Early Dialog Terminated", "A", "", NULL);
    peer_respond(invite, "200 OK", "B", contact, peer_offer);
    snprintf(ack, sizeof(ack), "%s", peer_expect("ACK "));
    assert_non_null(strstr(peer_header(ack, "To"), ";tag=B"));
    peer_wait(peer_is_confirmed);
    peer_respond(invite, "200 OK", "D", other, peer_offer);
    snprintf(ack, sizeof(ack), "%s", peer_expect("ACK "));
    assert_non_null(strstr(peer_header(ack, "To"), ";tag=D"));
    assert_int_equal(strncmp(ack, "ACK sip:other@", 14), 0);
    snprintf(bye, sizeof(bye), "%s", peer_expect("BYE sip:other@"));
    assert_non_null(strstr(peer_header(bye, "To"), ";tag=D"));
    peer_respond(invite, "200 OK", "D", other, peer_offer); /* the ACK was lost */
    snprintf(ack, sizeof(ack), "%s", peer_expect("ACK sip:other@"));
    peer_respond(bye, "200 OK", "", "", NULL);
    assert_true(peer_is_confirmed());
    assert_string_equal(
        log_text, ">INVITE <180 A:alive/180 <183 B:alive/183 <180 B:alive/180 <180 C:alive/180 "
                  "<199 A:gone/199 <200 B:won/200 C:lost/180 >ACK D:lost/200 ");
    assert_string_equal(ast_sip_session_get_early_dialog(peer_held, 1)->tag, "B");
    assert_int_equal(ast_sip_session_get_early_dialog(peer_held, 1)->state,
                     AST_SIP_SESSION_EARLY_WON);
    assert_string_equal(ast_sip_session_get_early_dialog(peer_held, 3)->tag, "D");
    assert_null(ast_sip_session_get_early_dialog(peer_held, 4));
    hang_up();
}

/* A branch that rang first answers after another one rang: ACK and BYE go there. */
static void test_first_branch_wins(void **state)
{
    char bye[8000];
    char headers[300];

    (void)state;
    call();
    snprintf(headers, sizeof(headers),
             "Contact: <sip:A@127.0.0.1:%u>\r\nRecord-Route: <sip:127.0.0.1:%u;lr;x=A>\r\n",
             peer_port(), peer_port());
    peer_respond(invite, "180 Ringing", "A", headers, NULL);
    peer_respond(invite, "180 Ringing", "B", contact, NULL);
    peer_respond(invite, "200 OK", "A", headers, peer_offer);
    assert_non_null(strstr(peer_header(peer_expect("ACK sip:A@"), "Route"), "x=A"));
    peer_wait(peer_is_confirmed);
    ast_sip_session_terminate(peer_held, 0);
    snprintf(bye, sizeof(bye), "%s", peer_expect("BYE sip:A@"));
    assert_non_null(strstr(peer_header(bye, "Route"), "x=A"));
    assert_non_null(strstr(peer_header(bye, "To"), ";tag=A"));
    peer_respond(bye, "200 OK", "", "", NULL);
}

/* PRACK goes to the branch whose response it acknowledges, by its route (RFC 3262 4). */
static void test_prack_of_each_branch(void **state)
{
    char prack[8000];

    (void)state;
    call();
    for (unsigned round = 0; round < 2; ++round) {
        for (char branch = 'A'; branch <= 'C'; ++branch) {
            const char tag[] = {branch, '\0'};
            char headers[400];
            char wanted[100];

            snprintf(
                headers, sizeof(headers),
                "Contact: <sip:%c@127.0.0.1:%u>\r\nRecord-Route: <sip:127.0.0.1:%u;lr;x=%c>\r\n"
                "Require: 100rel\r\nRSeq: %u\r\n",
                branch, peer_port(), peer_port(), branch, 10 * branch + round);
            peer_respond(invite, "180 Ringing", tag, headers, NULL);
            snprintf(wanted, sizeof(wanted), "PRACK sip:%c@", branch);
            snprintf(prack, sizeof(prack), "%s", peer_expect(wanted));
            snprintf(wanted, sizeof(wanted), ";x=%c", branch);
            assert_non_null(strstr(peer_header(prack, "Route"), wanted));
            snprintf(wanted, sizeof(wanted), ";tag=%c", branch);
            assert_non_null(strstr(peer_header(prack, "To"), wanted));
            snprintf(wanted, sizeof(wanted), "%u 1 INVITE", 10 * branch + round);
            assert_int_equal(atoi(peer_header(prack, "RAck")), 10 * branch + (int)round);
            peer_respond(prack, "200 OK", "", "", NULL);
        }
    }
    peer_respond(invite, "486 Busy Here", "A", "", NULL);
    peer_wait(peer_none_left);
    assert_non_null(strstr(log_text, "<486 A:gone/180 B:gone/180 C:gone/180 "));
}

/* RFC 3262 4: a copy, and what comes out of its order, is discarded; nobody sees it. */
static void test_reliable_again(void **state)
{
    char headers[300];
    char prack[8000];

    (void)state;
    call();
    snprintf(headers, sizeof(headers), "%sRequire: 100rel\r\nRSeq: 5\r\n", contact);
    peer_respond(invite, "183 Progress", "A", headers, NULL);
    snprintf(prack, sizeof(prack), "%s", peer_expect("PRACK "));
    peer_respond(invite, "183 Progress", "A", headers, NULL);
    peer_respond(prack, "200 OK", "", "", NULL);
    snprintf(headers, sizeof(headers), "%sRequire: 100rel\r\nRSeq: 7\r\n", contact);
    peer_respond(invite, "180 Ringing", "A", headers, NULL);
    peer_expect_silence(30);
    snprintf(headers, sizeof(headers), "%sRequire: 100rel\r\nRSeq: 6\r\n", contact);
    peer_respond(invite, "182 Queued", "A", headers, NULL);
    snprintf(prack, sizeof(prack), "%s", peer_expect("PRACK "));
    assert_int_equal(atoi(peer_header(prack, "RAck")), 6);
    peer_respond(prack, "200 OK", "", "", NULL);
    peer_respond(invite, "486 Busy Here", "A", "", NULL);
    peer_wait(peer_none_left);
    assert_string_equal(log_text,
                        ">INVITE <183 A:alive/183 >PRACK <200 <182 A:alive/182 >PRACK <200 "
                        "<486 A:gone/182 retry?486 end/486 ");
}

static void test_many_branches(void **state)
{
    (void)state;
    call();
    for (unsigned i = 0; i < 40; ++i) {
        char tag[20];

        snprintf(tag, sizeof(tag), "T%u", i);
        peer_respond(invite, "180 Ringing", tag, contact, NULL);
    }
    peer_expect_silence(20);
    assert_non_null(ast_sip_session_get_early_dialog(peer_held, 15));
    assert_null(ast_sip_session_get_early_dialog(peer_held, 16));
    peer_respond(invite, "200 OK", "T30", contact, peer_offer); /* answers count all the same */
    assert_non_null(strstr(peer_header(peer_expect("ACK "), "To"), ";tag=T30"));
    peer_wait(peer_is_confirmed);
    hang_up();
}

/* PJSIP's memory grows with each of them. */
static void test_many_changes_of_branch(void **state)
{
    (void)state;
    call();
    for (unsigned i = 0; i < 300; ++i) {
        peer_respond(invite, "180 Ringing", i % 2 == 0 ? "X" : "Y", contact, NULL);
        peer_expect_silence(1);
    }
    assert_int_equal(peer_count(log_text, "<180"), 250); /* 200 changes, then one branch alone */
    peer_respond(invite, "200 OK", "Y", contact, peer_offer);
    peer_expect("ACK ");
    peer_wait(peer_is_confirmed);
    hang_up();
}

/* ---- CANCEL and time-outs ---- */

static void test_cancel_before_anything_came(void **state)
{
    char cancel[8000];

    (void)state;
    call();
    ast_sip_session_terminate(peer_held, 0);
    peer_expect_silence(50);
    peer_respond(invite, "180 Ringing", "A", contact, NULL);
    snprintf(cancel, sizeof(cancel), "%s", peer_expect("CANCEL "));
    peer_respond(cancel, "200 OK", "A", "", NULL);
    peer_respond(invite, "487 Request Terminated", "A", "", NULL);
    peer_expect("ACK ");
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 487);
    assert_int_equal(peer_count(log_text, "end/487 "), 1);
}

static void test_cancel_after_ringing(void **state)
{
    char cancel[8000];

    (void)state;
    call();
    peer_respond(invite, "180 Ringing", "A", contact, NULL);
    peer_expect_silence(20);
    ast_sip_session_terminate(peer_held, 0);
    ast_sip_session_terminate(peer_held, 0);
    snprintf(cancel, sizeof(cancel), "%s", peer_expect("CANCEL "));
    assert_int_equal(peer_count(cancel, "X-Hook: once"), 1);
    peer_respond(cancel, "200 OK", "A", "", NULL);
    peer_expect_silence(20);
    peer_respond(invite, "487 Request Terminated", "A", "", NULL);
    peer_expect("ACK ");
    peer_wait(peer_none_left);
}

static void test_cancel_crosses_answer(void **state)
{
    char message[8000];

    (void)state;
    call();
    peer_respond(invite, "180 Ringing", "A", contact, NULL);
    peer_expect_silence(20);
    ast_sip_session_terminate(peer_held, 0);
    peer_respond(invite, "200 OK", "A", contact, peer_offer);
    snprintf(message, sizeof(message), "%s", peer_expect("CANCEL "));
    peer_respond(message, "481 No Such Call", "A", "", NULL);
    peer_expect("ACK ");
    snprintf(message, sizeof(message), "%s", peer_expect("BYE "));
    peer_respond(message, "200 OK", "", "", NULL);
    peer_wait(peer_none_left);
    assert_int_equal(peer_count(log_text, "end/"), 1);
}

static void test_no_answer_in_time(void **state)
{
    char cancel[8000];

    (void)state;
    call_begin();
    options.timeout_ms = 80;
    call_send();
    peer_respond(invite, "180 Ringing", "A", contact, NULL);
    snprintf(cancel, sizeof(cancel), "%s", peer_expect("CANCEL "));
    peer_respond(cancel, "200 OK", "A", "", NULL);
    peer_respond(invite, "487 Request Terminated", "A", "", NULL);
    peer_expect("ACK ");
    peer_wait(peer_none_left);
}

static void test_answer_in_time(void **state)
{
    (void)state;
    call_begin();
    options.timeout_ms = 50;
    call_send();
    peer_respond(invite, "200 OK", "A", contact, peer_offer);
    peer_expect("ACK ");
    peer_wait(peer_is_confirmed);
    peer_expect_silence(100);
    assert_true(peer_is_confirmed());
    hang_up();
}

static void test_never_sent(void **state)
{
    (void)state;
    call_begin();
    peer_held = ast_sip_session_create_outgoing(&options);
    assert_non_null(peer_held);
    ast_sip_session_terminate(peer_held, 0);
    assert_true(peer_none_left());
    assert_int_equal(peer_count(log_text, "end/487 "), 1);
    assert_int_equal(ast_sip_session_send_invite(peer_held), -1);
    peer_expect_silence(20);
}

static void test_silence(void **state)
{
    (void)state;
    pjsip_tsx_set_timers(10, 40, 50, 50);
    call_begin();
    call_send();
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 408);
    assert_int_equal(peer_count(log_text, "end/408 "), 1);
    pjsip_tsx_set_timers(500, 4000, 5000, 32000);
}

/* ---- redirections ---- */

static void redirect(const char *tag, const char *contacts)
{
    char headers[1000];

    snprintf(headers, sizeof(headers), "Contact: %s\r\n", contacts);
    peer_respond(invite, "302 Moved", tag, headers, NULL);
    peer_expect("ACK ");
}

static char *target(const char *user)
{
    static char text[4][100];
    static unsigned next;

    next = (next + 1) % 4;
    snprintf(text[next], sizeof(text[next]), "<sip:%s@127.0.0.1:%u>", user, peer_port());
    return text[next];
}

static void test_not_followed(void **state)
{
    (void)state;
    call();
    redirect("A", target("b"));
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 302);

    log_text[0] = '\0';
    ast_sip_session_unref(peer_held);
    call_begin();
    endpoint->redirect_method = AST_SIP_REDIRECT_URI_PJSIP;
    options.redirections = -1;
    call_send();
    redirect("A", target("b"));
    peer_wait(peer_none_left);
    assert_string_equal(log_text, ">INVITE <302 end/302 ");
}

static void test_followed(void **state)
{
    char contacts[800];
    char first[8000];

    (void)state;
    call_begin();
    endpoint->redirect_method = AST_SIP_REDIRECT_URI_PJSIP;
    call_send();
    snprintf(first, sizeof(first), "%s", invite);
    snprintf(
        contacts, sizeof(contacts),
        "<tel:123>;q=1.0, <sips:x@127.0.0.1>;q=1.0, <sip:x@127.0.0.1;method=BYE>, "
        "<sip:x@127.0.0.1;transport=tls>, %s;q=0.3, %s;q=0.9, <sip:d@127.0.0.1:%u?X-Evil=1>;q=0.5",
        target("c"), target("b"), peer_port());
    peer_respond(invite, "180 Ringing", "R", contact, NULL);
    redirect("A", contacts);
    expect_copy("INVITE sip:b@");
    assert_null(strstr(peer_header(invite, "To"), "tag="));
    assert_int_equal(peer_count(invite, "X-Hook: once"), 1);
    assert_int_equal(peer_count(invite, "\r\nContact: "), 1);
    assert_int_equal(cseq_of(invite), cseq_of(first) + 1);
    assert_string_equal(strstr(invite, "\r\n\r\n"), strstr(first, "\r\n\r\n"));
    assert_int_equal(sdp_made, 1);
    peer_respond(invite, "486 Busy", "B", "", NULL); /* the next one, by q */
    peer_expect("ACK ");
    expect_copy("INVITE sip:d@");
    assert_null(strstr(invite, "X-Evil"));
    snprintf(contacts, sizeof(contacts), "%s, <sip:b@127.0.0.1:%u>, %s", target("a"), peer_port(),
             target("e"));
    redirect("D", contacts); /* a and b were tried */
    expect_copy("INVITE sip:e@");
    peer_respond(invite, "200 OK", "E", contact, peer_offer);
    peer_expect("ACK ");
    peer_wait(peer_is_confirmed);
    assert_string_equal(log_text, ">INVITE <180 R:alive/180 <302 R:gone/180 <486 retry?486 <302 "
                                  "<200 E:won/200 >ACK ");
    hang_up();
}

static void test_loops_and_limits(void **state)
{
    char next[20];

    (void)state;
    call_begin();
    options.redirections = 3;
    call_send();
    for (unsigned i = 0; i < 3; ++i) {
        snprintf(next, sizeof(next), "n%u", i);
        redirect("A", target(next));
        expect_copy("INVITE sip:n");
    }
    redirect("A", target("n4"));
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 302);

    ast_sip_session_unref(peer_held);
    call_begin();
    options.redirections = 10;
    call_send();
    redirect("A", target("a")); /* to itself */
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 302);
}

static void test_global_failure_ends(void **state)
{
    char contacts[300];

    (void)state;
    call_begin();
    options.redirections = 5;
    call_send();
    snprintf(contacts, sizeof(contacts), "%s, %s", target("b"), target("c"));
    redirect("A", contacts);
    expect_copy("INVITE sip:b@");
    peer_respond(invite, "603 Decline", "B", "", NULL);
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 603);
}

/* A target that nobody answers at: the next one, and the old transaction is not the session's end.
 */
static void test_silent_target(void **state)
{
    char contacts[300];

    (void)state;
    pjsip_tsx_set_timers(10, 40, 50, 50);
    call_begin();
    options.redirections = 5;
    call_send();
    snprintf(contacts, sizeof(contacts), "<sip:dead@127.0.0.1:9>, %s", target("c"));
    redirect("A", contacts);
    expect_copy("INVITE sip:c@");
    pjsip_tsx_set_timers(500, 4000, 5000, 32000);
    peer_respond(invite, "481 Gone", "B", "", NULL);
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 481);
}

static void test_no_redirections(void **state)
{
    char headers[200];

    (void)state;
    call_begin();
    options.redirections = 5;
    call_send();
    snprintf(headers, sizeof(headers), "Contact: %s\r\n", target("proxy"));
    peer_respond(invite, "305 Use Proxy", "A", headers, NULL);
    peer_wait(peer_none_left);
    assert_string_equal(log_text, ">INVITE <305 end/305 ");
}

static void test_redirected_when_hung_up(void **state)
{
    (void)state;
    call_begin();
    options.redirections = 5;
    call_send();
    hang_up_at = 302;
    redirect("A", target("b"));
    peer_wait(peer_none_left);
    peer_expect_silence(20);
}

/* ---- sent again by an extension ---- */

static void test_retried(void **state)
{
    char first[8000];
    char via[200];

    (void)state;
    retry = 1;
    call();
    snprintf(first, sizeof(first), "%s", invite);
    snprintf(via, sizeof(via), "%s", peer_header(invite, "Via"));
    for (unsigned i = 1; i <= 5; ++i) {
        peer_respond(invite, "422 Too Small", "A", "Min-SE: 100\r\n", NULL);
        peer_expect("ACK ");
        expect_copy("INVITE sip:a@");
        assert_int_equal(peer_count(invite, "X-Hook: once"), 1);
        assert_int_equal(peer_count(invite, "X-Changed: yes"), 1);
        assert_int_equal(cseq_of(invite), cseq_of(first) + (int)i);
        assert_string_not_equal(peer_header(invite, "Via"), via);
        assert_string_equal(strstr(invite, "\r\n\r\n"), strstr(first, "\r\n\r\n"));
    }
    peer_respond(invite, "422 Too Small", "A", "Min-SE: 100\r\n", NULL);
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 422);
    assert_int_equal(sdp_made, 1);
    assert_int_equal(peer_count(log_text, "retry?422"), 5);
}

static void test_retried_and_answered(void **state)
{
    (void)state;
    retry = 1;
    call();
    peer_respond(invite, "420 Bad Extension", "A", "Unsupported: x\r\n", NULL);
    expect_copy("INVITE sip:a@");
    peer_respond(invite, "481 Odd", "A", "", NULL); /* of an INVITE it means nothing special */
    expect_copy("INVITE sip:a@");
    peer_respond(invite, "200 OK", "B", contact, peer_offer);
    peer_expect("ACK ");
    peer_wait(peer_is_confirmed);
    hang_up();
}

static void test_not_retried(void **state)
{
    (void)state;
    call();
    peer_respond(invite, "422 Too Small", "A", "Min-SE: 100\r\n", NULL);
    peer_wait(peer_none_left);
    assert_string_equal(log_text, ">INVITE <422 retry?422 end/422 ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_branches),
        TEST(test_first_branch_wins),
        TEST(test_prack_of_each_branch),
        TEST(test_reliable_again),
        TEST(test_many_branches),
        TEST(test_many_changes_of_branch),
        TEST(test_cancel_before_anything_came),
        TEST(test_cancel_after_ringing),
        TEST(test_cancel_crosses_answer),
        TEST(test_no_answer_in_time),
        TEST(test_answer_in_time),
        TEST(test_never_sent),
        TEST(test_silence),
        TEST(test_not_followed),
        TEST(test_followed),
        TEST(test_loops_and_limits),
        TEST(test_global_failure_ends),
        TEST(test_silent_target),
        TEST(test_no_redirections),
        TEST(test_redirected_when_hung_up),
        TEST(test_retried),
        TEST(test_retried_and_answered),
        TEST(test_not_retried),
    };

    return cmocka_run_group_tests(tests, peer_group_start, peer_group_stop);
}
