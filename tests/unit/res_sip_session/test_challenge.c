/* SPDX-License-Identifier: GPL-2.0-or-later */
/* res_sip_session: challenges of our requests (RFC 3261 22, RFC 8760) in sessions of both kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"

static struct ast_sip_endpoint *endpoint;
static unsigned hooked;
static unsigned called; /* the callback of ast_sip_send_request, and the status it was told */
static int told;

static void on_tx_request(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    (void)session;
    ++hooked;
    ast_sip_add_header(tdata, "X-Hook", "once");
}

static int on_request(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    if (rdata->msg_info.msg->line.req.method.id == PJSIP_INVITE_METHOD) {
        peer_hold(session);
        assert_int_equal(ast_sip_session_send_response(session, 200, rdata), 0);
    }
    return 0;
}

static int hang_up_at; /* the session is ended when this status comes */

static void on_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    if (rdata->msg_info.msg->line.status.code == hang_up_at) {
        ast_sip_session_terminate(session, 0);
    }
}

static struct ast_sip_session_extension extension = {.incoming_response = on_response,
                                                     .name = "test",
                                                     .incoming_request = on_request,
                                                     .outgoing_request = on_tx_request};

static void on_answer(void *token, pjsip_event *event)
{
    (void)token;
    ++called;
    told = event->body.tsx_state.tsx->status_code;
}

static int was_called(void)
{
    return called > 0;
}

static int setup(void **state)
{
    (void)state;
    hooked = called = 0;
    hang_up_at = 0;
    told = 0;
    endpoint = ast_sip_endpoint_create("peer");
    assert_int_equal(ast_sip_endpoint_add_credential(endpoint, AST_SIP_CREDENTIAL_PASSWORD, NULL,
                                                     "me", "secret"),
                     0);
    return peer_begin(&peer_page_handler, &extension);
}

static int teardown(void **state)
{
    int result = peer_end(&peer_page_handler, &extension);

    (void)state;
    ast_sip_endpoint_unref(endpoint);
    return result;
}

static char request[8000];
static char contact[200];

static const char *expect(const char *start)
{
    return peer_expect_copy(start, request, sizeof(request));
}

static unsigned count(const char *what)
{
    return peer_count(request, what);
}

static const char *challenge(const char *header, const char *realm, const char *nonce,
                             const char *more)
{
    static char text[4][300];
    static unsigned next;

    next = (next + 1) % 4;
    snprintf(text[next], sizeof(text[next]),
             "%s: Digest realm=\"%s\", nonce=\"%s\", qop=\"auth\"%s\r\n", header, realm, nonce,
             more);
    return text[next];
}

static void refuse(const char *status_line, const char *headers)
{
    peer_respond(request, status_line, "X", headers, NULL);
}

static void call(void)
{
    struct ast_sip_session_outgoing options;
    char uri[100];

    ast_sip_session_outgoing_init(&options);
    snprintf(uri, sizeof(uri), "sip:a@127.0.0.1:%u", peer_port());
    snprintf(contact, sizeof(contact), "Contact: <sip:peer@127.0.0.1:%u>\r\n", peer_port());
    options.endpoint = endpoint;
    options.uri = uri;
    peer_held = ast_sip_session_create_outgoing(&options);
    assert_non_null(peer_held);
    assert_int_equal(ast_sip_session_send_invite(peer_held), 0);
    expect("INVITE ");
}

static void answer(void)
{
    peer_respond(request, "200 OK", "A", contact, peer_offer);
    expect("ACK ");
    peer_wait(peer_is_confirmed);
}

static void hang_up(void)
{
    ast_sip_session_terminate(peer_held, 0);
    expect("BYE ");
    peer_respond(request, "200 OK", "", "", NULL);
}

static void test_invite(void **state)
{
    int cseq;

    (void)state;
    call();
    cseq = atoi(peer_header(request, "CSeq"));
    assert_int_equal(count("uthorization: "), 0);
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n1", ""));
    peer_expect("ACK ");
    expect("INVITE ");
    assert_int_equal(count("\r\nAuthorization: "), 1);
    assert_int_equal(count("X-Hook: once"), 1);
    assert_int_equal(count("o=us 7 7"), 1);
    assert_int_equal(atoi(peer_header(request, "CSeq")), cseq + 1);
    assert_null(strstr(peer_header(request, "To"), "tag="));
    refuse("407 Proxy", challenge("Proxy-Authenticate", "p", "n2", ""));
    expect("INVITE ");
    assert_int_equal(count("\r\nAuthorization: "), 1);
    assert_int_equal(count("\r\nProxy-Authorization: "), 1);
    refuse("401 Stale", challenge("WWW-Authenticate", "r", "n3", ", stale=true"));
    expect("INVITE ");
    assert_int_equal(count("\r\nAuthorization: "), 1);
    assert_int_equal(count("nonce=\"n3\""), 1);
    assert_int_equal(count("nonce=\"n2\""), 1);
    assert_int_equal(hooked, 1);
    answer();
    assert_int_equal(count("\r\nAuthorization: "), 1); /* RFC 3261 13.2.2.4 */
    assert_int_equal(count("\r\nProxy-Authorization: "), 1);
    hang_up();
}

static void test_wrong_password(void **state)
{
    (void)state;
    call();
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n1", ""));
    expect("INVITE ");
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n1", ""));
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 401);
}

/* However the peer changes its challenges, it has to end. */
static void test_endless(void **state)
{
    unsigned invites = 1;

    (void)state;
    call();
    while (invites < 20 && ast_sip_session_count() > 0) {
        char realm[20];
        char nonce[20];

        snprintf(realm, sizeof(realm), "r%u", invites);
        snprintf(nonce, sizeof(nonce), "n%u", invites);
        refuse("401 Again", challenge("WWW-Authenticate", realm, nonce, ", stale=true"));
        peer_expect("ACK ");
        if (ast_sip_session_count() > 0) {
            expect("INVITE ");
            ++invites;
        }
    }
    assert_int_equal(invites, 6);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 401);
}

static void test_challenged_when_hung_up(void **state)
{
    (void)state;
    hang_up_at = 401;
    call();
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n1", ""));
    peer_expect("ACK ");
    peer_wait(peer_none_left);
    peer_expect_silence(30);
}

/* What a peer may write into its challenges. */
static void test_odd_challenges(void **state)
{
    static const char *const odd[] = {
        "",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess, qop=\"auth\"\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=AKAv1-MD5\r\n",
        "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=\"x\"\r\n",
    };

    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); ++i) {
        call();
        refuse("401 Unauthorized", odd[i]);
        peer_wait(peer_none_left);
        assert_int_equal(ast_sip_session_get_end_status(peer_held), 401);
        ast_sip_session_unref(peer_held);
        peer_held = NULL;
        peer_new_call();
    }
    (void)state;
}

static void test_many_realms(void **state)
{
    char headers[5000] = "";

    (void)state;
    call();
    for (unsigned i = 0; i < 30; ++i) {
        char realm[20];

        snprintf(realm, sizeof(realm), "r%u", i);
        strcat(headers, challenge("WWW-Authenticate", realm, "n", ""));
    }
    refuse("401 Unauthorized", headers);
    expect("INVITE ");
    assert_int_equal(count("\r\nAuthorization: "), 8);
    answer();
    hang_up();
}

/* A peer may not make us remember its realms without end, also where we have no credentials. */
static void test_realms_of_requests(void **state)
{
    (void)state;
    ast_sip_endpoint_unref(endpoint);
    endpoint = ast_sip_endpoint_create("peer");
    call();
    answer();
    for (unsigned i = 0; i < 20; ++i) {
        pjsip_tx_data *tdata;
        char realm[20];

        snprintf(realm, sizeof(realm), "r%u", i);
        called = 0;
        assert_int_equal(ast_sip_session_create_request(peer_held, "INFO", &tdata), 0);
        assert_int_equal(ast_sip_send_request(tdata, peer_held->inv_session->dlg, NULL, NULL,
                                              on_answer),
                         0);
        expect("INFO ");
        refuse("401 Unauthorized", challenge("WWW-Authenticate", realm, "n", ""));
        peer_wait(was_called);
        assert_int_equal(told, 401);
    }
    assert_int_equal(pj_list_size(&peer_held->inv_session->dlg->auth_sess.cached_auth), 8);
    hang_up();
}

static void test_no_credentials(void **state)
{
    (void)state;
    ast_sip_endpoint_unref(endpoint);
    endpoint = ast_sip_endpoint_create("peer");
    assert_int_equal(ast_sip_endpoint_add_credential(endpoint, AST_SIP_CREDENTIAL_PASSWORD, "mine",
                                                     "me", "secret"),
                     0);
    call();
    refuse("407 Proxy", challenge("Proxy-Authenticate", "other", "n1", ""));
    peer_wait(peer_none_left);
    assert_int_equal(ast_sip_session_get_end_status(peer_held), 407);
}

/* RFC 8760 2.4: the first that we can do, although each has a nonce of its own. */
static void test_algorithms(void **state)
{
    char headers[1000];

    (void)state;
    call();
    snprintf(headers, sizeof(headers), "%s%s%s%s",
             challenge("WWW-Authenticate", "r", "n0", ", algorithm=SHA-1024"),
             challenge("WWW-Authenticate", "r", "n1", ", algorithm=SHA-256"),
             challenge("WWW-Authenticate", "r", "n2", ", algorithm=MD5"),
             challenge("WWW-Authenticate", "s", "n3", ""));
    refuse("401 Unauthorized", headers);
    expect("INVITE ");
    assert_int_equal(count("\r\nAuthorization: "), 2);
    assert_int_equal(count("algorithm=SHA-256"), 1);
    assert_int_equal(count("nonce=\"n1\""), 1);
    assert_int_equal(count("nonce=\"n3\""), 1);
    answer();
    hang_up();
}

static void test_digests_fit_their_algorithm(void **state)
{
    char headers[1000];

    (void)state;
    ast_sip_endpoint_unref(endpoint);
    endpoint = ast_sip_endpoint_create("peer");
    assert_int_equal(ast_sip_endpoint_add_credential(endpoint, AST_SIP_CREDENTIAL_MD5, NULL, "me",
                                                     "0123456789abcdef0123456789abcdef"),
                     -1);
    assert_int_equal(ast_sip_endpoint_add_credential(endpoint, AST_SIP_CREDENTIAL_MD5, "r", "me",
                                                     "0123"),
                     -1);
    assert_int_equal(ast_sip_endpoint_add_credential(endpoint, AST_SIP_CREDENTIAL_MD5, "r", "me",
                                                     "0123456789abcdef0123456789abcdef"),
                     0);
    call();
    snprintf(headers, sizeof(headers), "%s%s",
             challenge("WWW-Authenticate", "r", "n1", ", algorithm=SHA-256"),
             challenge("WWW-Authenticate", "r", "n2", ", algorithm=MD5"));
    refuse("401 Unauthorized", headers);
    expect("INVITE ");
    assert_int_equal(count("nonce=\"n2\""), 1);
    answer();
    hang_up();
}

static void test_bye(void **state)
{
    (void)state;
    call();
    answer();
    ast_sip_session_terminate(peer_held, 0);
    expect("BYE ");
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n1", ""));
    expect("BYE ");
    assert_int_equal(count("\r\nAuthorization: "), 1);
    assert_int_equal(count("X-Hook: once"), 1);
    peer_respond(request, "200 OK", "", "", NULL);
}

static void test_reinvite(void **state)
{
    (void)state;
    call();
    answer();
    assert_int_equal(ast_sip_session_send_reinvite(peer_held), 0);
    expect("INVITE ");
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n1", ""));
    peer_expect("ACK ");
    expect("INVITE ");
    assert_int_equal(count("\r\nAuthorization: "), 1);
    assert_int_equal(count("X-Hook: once"), 1);
    assert_int_equal(count("o=us 7 7"), 1);
    peer_respond(request, "200 OK", "A", contact, peer_offer);
    expect("ACK ");
    assert_int_equal(count("\r\nAuthorization: "), 1);
    assert_true(peer_is_confirmed());
    hang_up();
}

static unsigned results;
static int result_status;

static void on_result(struct ast_sip_session *session,
                      const struct ast_sip_session_refresh_result *result, void *data)
{
    (void)session;
    (void)data;
    ++results;
    result_status = result->status;
}

static int has_result(void)
{
    return results > 0;
}

/* Who asked for it hears of the end, not of the challenge. */
static void check_refresh(enum ast_sip_session_refresh_method method, const char *start)
{
    struct ast_sip_session_refresh refresh;

    results = 0;
    ast_sip_session_refresh_init(&refresh);
    refresh.method = method;
    refresh.on_result = on_result;
    assert_int_equal(ast_sip_session_refresh(peer_held, &refresh, NULL), 0);
    expect(start);
    refuse("407 Proxy", challenge("Proxy-Authenticate", "p", "n1", ""));
    peer_expect("ACK ");
    expect(start);
    assert_int_equal(count("\r\nProxy-Authorization: "), 1);
    assert_int_equal(count("o=us 7 7"), 1);
    assert_int_equal(count("X-Hook: once"), 1);
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n2", ""));
    peer_expect("ACK ");
    expect(start);
    assert_int_equal(results, 0);
    peer_respond(request, "200 OK", "A", contact, peer_offer);
    peer_wait(has_result);
    assert_int_equal(results, 1);
    assert_int_equal(result_status, 200);
}

static void test_refresh(void **state)
{
    (void)state;
    call();
    snprintf(contact + strlen(contact), sizeof(contact) - strlen(contact),
             "Allow: INVITE, ACK, BYE, UPDATE\r\n");
    answer();
    check_refresh(AST_SIP_SESSION_REFRESH_INVITE, "INVITE ");
    peer_expect("ACK ");
    assert_true(peer_is_confirmed());
    hang_up();
}

static void test_update(void **state)
{
    struct ast_sip_session_refresh refresh;

    (void)state;
    call();
    snprintf(contact + strlen(contact), sizeof(contact) - strlen(contact),
             "Allow: INVITE, ACK, BYE, UPDATE\r\n");
    answer();
    results = 0;
    ast_sip_session_refresh_init(&refresh);
    refresh.method = AST_SIP_SESSION_REFRESH_UPDATE;
    refresh.on_result = on_result;
    assert_int_equal(ast_sip_session_refresh(peer_held, &refresh, NULL), 0);
    expect("UPDATE ");
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n1", ""));
    expect("UPDATE ");
    assert_int_equal(count("\r\nAuthorization: "), 1);
    assert_int_equal(count("o=us 7 7"), 1);
    assert_int_equal(results, 0);
    peer_respond(request, "200 OK", "A", contact, peer_offer);
    peer_wait(has_result);
    assert_int_equal(result_status, 200);

    results = 0; /* a wrong password leaves the session as it was */
    assert_int_equal(ast_sip_session_refresh(peer_held, &refresh, NULL), 0);
    expect("UPDATE ");
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n1", ""));
    expect("UPDATE ");
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n1", ""));
    peer_wait(has_result);
    assert_int_equal(result_status, 401);
    assert_true(peer_is_confirmed());
    hang_up();
}

static void test_prack(void **state)
{
    char invite[8000];

    (void)state;
    call();
    snprintf(invite, sizeof(invite), "%s", request);
    peer_respond(invite, "180 Ringing", "A", "Require: 100rel\r\nRSeq: 1\r\n", NULL);
    expect("PRACK ");
    refuse("407 Proxy", challenge("Proxy-Authenticate", "r", "n1", ""));
    expect("PRACK ");
    assert_int_equal(count("\r\nProxy-Authorization: "), 1);
    peer_respond(request, "200 OK", "", "", NULL);
    peer_respond(invite, "486 Busy", "A", "", NULL);
    peer_wait(peer_none_left);
}

/* The one who sent it hears of the end, not of the challenges before. */
static void test_request_in_session(void **state)
{
    pjsip_tx_data *tdata;

    (void)state;
    call();
    answer();
    assert_int_equal(ast_sip_session_create_request(peer_held, "INFO", &tdata), 0);
    assert_int_equal(ast_sip_send_request(tdata, peer_held->inv_session->dlg, NULL, NULL,
                                          on_answer),
                     0);
    expect("INFO ");
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n1", ""));
    expect("INFO ");
    refuse("407 Proxy", challenge("Proxy-Authenticate", "p", "n2", ""));
    expect("INFO ");
    assert_int_equal(called, 0);
    assert_int_equal(count("\r\nAuthorization: "), 1);
    assert_int_equal(count("X-Hook: once"), 1);
    peer_respond(request, "202 Accepted", "", "", NULL);
    peer_wait(was_called);
    assert_int_equal(told, 202);

    called = 0; /* and of a challenge that cannot be answered */
    assert_int_equal(ast_sip_session_create_request(peer_held, "INFO", &tdata), 0);
    assert_int_equal(ast_sip_send_request(tdata, peer_held->inv_session->dlg, NULL, NULL,
                                          on_answer),
                     0);
    expect("INFO ");
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "x", "n3", ", algorithm=X"));
    peer_wait(was_called);
    assert_int_equal(told, 401);
    assert_true(peer_is_confirmed());
    hang_up();
    assert_int_equal(called, 1);
}

static void test_request_alone(void **state)
{
    pj_str_t from = pj_str("<sip:me@127.0.0.1>");
    pj_str_t target;
    char uri[100];
    pjsip_tx_data *tdata;

    (void)state;
    snprintf(uri, sizeof(uri), "sip:a@127.0.0.1:%u", peer_port());
    target = pj_str(uri);
    assert_int_equal(pjsip_endpt_create_request(ast_sip_get_pjsip_endpoint(),
                                                pjsip_get_options_method(), &target, &from, &target,
                                                NULL, NULL, 7, NULL, &tdata),
                     PJ_SUCCESS);
    assert_int_equal(ast_sip_send_request(tdata, NULL, endpoint, NULL, on_answer), 0);
    expect("OPTIONS ");
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n1", ""));
    expect("OPTIONS ");
    assert_int_equal(atoi(peer_header(request, "CSeq")), 8);
    refuse("401 Unauthorized", challenge("WWW-Authenticate", "r", "n2", ", stale=true"));
    expect("OPTIONS ");
    assert_int_equal(count("\r\nAuthorization: "), 1);
    assert_int_equal(called, 0);
    peer_respond(request, "200 OK", "X", "", NULL);
    peer_wait(was_called);
    assert_int_equal(told, 200);
    assert_int_equal(called, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_invite),
        TEST(test_wrong_password),
        TEST(test_endless),
        TEST(test_challenged_when_hung_up),
        TEST(test_odd_challenges),
        TEST(test_many_realms),
        TEST(test_realms_of_requests),
        TEST(test_no_credentials),
        TEST(test_algorithms),
        TEST(test_digests_fit_their_algorithm),
        TEST(test_bye),
        TEST(test_reinvite),
        TEST(test_refresh),
        TEST(test_update),
        TEST(test_prack),
        TEST(test_request_in_session),
        TEST(test_request_alone),
    };

    return cmocka_run_group_tests(tests, peer_group_start, peer_group_stop);
}
