/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services and what reaches them: the endpoint, authentication, dialogs, CANCEL, peers behind a
 * NAT. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "res_sip/core.h"

static int fd;
static unsigned seen;                            /* requests that reached the service */
static char endpoint_seen[64];                   /* the endpoint of the last */
static char contact_seen[200];                   /* and its Contact */
static struct ast_sip_endpoint *dialog_endpoint; /* a reference */
static pjsip_dialog *dialog;

static pj_bool_t on_request(pjsip_rx_data *rdata);

static pjsip_module service = {
    .name = SIP_STR("test-service"),
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    .on_rx_request = on_request,
};

/* The dialog's user: requests within it come here. */
static pj_bool_t on_dialog_request(pjsip_rx_data *rdata);
static void on_tsx_state(pjsip_transaction *tsx, pjsip_event *event);

static pjsip_module usage = {
    .name = SIP_STR("test-usage"),
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_DIALOG_USAGE,
    .on_rx_request = on_dialog_request,
    .on_tsx_state = on_tsx_state,
};

static void note(pjsip_rx_data *rdata)
{
    struct ast_sip_endpoint *endpoint = ast_pjsip_rdata_get_endpoint(rdata);
    pjsip_contact_hdr *contact = pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_CONTACT, NULL);

    seen++;
    snprintf(endpoint_seen, sizeof(endpoint_seen), "%s", endpoint ? endpoint->name : "(none)");
    contact_seen[0] = '\0';
    if (contact) {
        int length = pjsip_uri_print(PJSIP_URI_IN_CONTACT_HDR, pjsip_uri_get_uri(contact->uri),
                                     contact_seen, sizeof(contact_seen) - 1);

        contact_seen[length > 0 ? length : 0] = '\0';
    }
}

static pj_bool_t on_dialog_request(pjsip_rx_data *rdata)
{
    if (!pjsip_rdata_get_dlg(rdata)) {
        return PJ_FALSE;
    }
    note(rdata);
    return PJ_TRUE;
}

/* Answers what came in the dialog. */
static void on_tsx_state(pjsip_transaction *tsx, pjsip_event *event)
{
    if (tsx->role == PJSIP_ROLE_UAS && tsx->state == PJSIP_TSX_STATE_TRYING &&
        tsx->method.id != PJSIP_INVITE_METHOD &&
        pjsip_dlg_respond(dialog, event->body.tsx_state.src.rdata, 299, NULL, NULL, NULL) !=
            PJ_SUCCESS) {
        abort();
    }
}

/* A dialog that answers its INVITE with 200. */
static void make_dialog(pjsip_rx_data *rdata)
{
    pjsip_tx_data *tdata;
    pj_str_t contact;

    if (sip_make_contact(rdata->tp_info.pool, rdata, NULL, NULL, &contact) != 0 ||
        pjsip_dlg_create_uas_and_inc_lock(pjsip_ua_instance(), rdata, &contact, &dialog) !=
            PJ_SUCCESS) {
        abort();
    }
    dialog_endpoint = ast_sip_endpoint_ref(ast_pjsip_rdata_get_endpoint(rdata));
    sip_dialog_set_endpoint(dialog, dialog_endpoint);
    if (pjsip_dlg_add_usage(dialog, &usage, NULL) != PJ_SUCCESS ||
        pjsip_dlg_inc_session(dialog, &usage) != PJ_SUCCESS ||
        pjsip_dlg_create_response(dialog, rdata, 200, NULL, &tdata) != PJ_SUCCESS ||
        pjsip_dlg_send_response(dialog, pjsip_rdata_get_tsx(rdata), tdata) != PJ_SUCCESS) {
        abort();
    }
    pjsip_dlg_dec_lock(dialog);
}

static pjsip_module late = {.name = SIP_STR("test-late"),
                            .id = -1,
                            .priority = PJSIP_MOD_PRIORITY_APPLICATION};
static int late_result;

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;

    note(rdata);
    if (strstr(rdata->msg_info.msg_buf, "X-Register")) {
        late_result = ast_sip_register_service(&late);
    }
    if (method->id == PJSIP_INVITE_METHOD) {
        if (strstr(rdata->msg_info.msg_buf, "X-Refuse")) {
            pjsip_endpt_respond(sip_endpt, NULL, rdata, 404, NULL, NULL, NULL, NULL);
        } else {
            make_dialog(rdata);
        }
        return PJ_TRUE;
    }
    return PJ_FALSE;
}

static int registered;

static void register_all(void)
{
    registered = ast_sip_register_service(&service) == 0 && ast_sip_register_service(&usage) == 0;
}

static int setup(void **state)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);

    (void)state;
    config->global.timer_b = 2000; /* old transactions go soon */
    config->global.timer_t1 = 100;
    test_add_endpoint(config, "alice");
    test_add_endpoint(config, "natted")->rewrite_contact = 1;
    test_add_endpoint(config, "plain")->force_rport = 0;
    seen = 0;
    dialog = NULL;
    dialog_endpoint = NULL;
    test_start(config, register_all);
    assert_true(registered);
    fd = test_connect(0);
    return 0;
}

static void drop_dialog(void *data)
{
    (void)data;
    if (dialog) {
        sip_dialog_set_endpoint(dialog, NULL);
        pjsip_dlg_dec_session(dialog, &usage);
        dialog = NULL;
    }
    ast_sip_endpoint_unref(dialog_endpoint);
}

static int teardown(void **state)
{
    (void)state;
    test_call(drop_dialog, NULL);
    close(fd);
    test_stop();
    return 0;
}

static void test_endpoint_is_known(void **state)
{
    (void)state;
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "e1", NULL, NULL), NULL), 200);
    assert_int_equal(seen, 1);
    assert_string_equal(endpoint_seen, "alice");
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "mallory", "e2", NULL, NULL), NULL), 401);
    assert_int_equal(seen, 1);
}

static void unregister(void *data)
{
    ast_sip_unregister_service(&service);
    ast_sip_unregister_service(&service);
    *(int *)data = service.id;
}

static void register_again(void *data)
{
    *(int *)data = ast_sip_register_service(&service);
}

static void test_unregister(void **state)
{
    int result;

    (void)state;
    test_call(register_again, &result);
    assert_int_equal(result, -1); /* it is registered */
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "u1", NULL, NULL), NULL), 200);
    test_call(unregister, &result);
    assert_int_equal(result, -1);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "u2", NULL, NULL), NULL), 200);
    assert_int_equal(seen, 1);
    test_call(register_again, &result);
    assert_int_equal(result, 0);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "u3", NULL, NULL), NULL), 200);
    assert_int_equal(seen, 2);
}

/* Within a callback PJSIP would wait for itself: refused. */
static void test_register_in_callback(void **state)
{
    (void)state;
    late_result = 0;
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "z1", "X-Register: 1\r\n", NULL),
                              NULL),
                     200);
    assert_int_equal(late_result, -1);
    assert_int_equal(late.id, -1);
}

/* ---- authentication ---- */

static int checked;

static int requires_authentication(struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata)
{
    (void)rdata;
    return strcmp(endpoint->name, "alice") == 0;
}

/* The header X-Result of the request says what comes of it. */
static enum ast_sip_check_auth_result check_authentication(struct ast_sip_endpoint *endpoint,
                                                           pjsip_rx_data *rdata,
                                                           pjsip_tx_data *tdata)
{
    char result[20] = "";

    (void)endpoint;
    checked++;
    ast_sip_get_header(rdata->msg_info.msg, "x-result", result, sizeof(result));
    if (strcmp(result, "good") == 0) {
        return AST_SIP_AUTHENTICATION_SUCCESS;
    }
    if (strcmp(result, "error") == 0) {
        return AST_SIP_AUTHENTICATION_ERROR;
    }
    if (strcmp(result, "failed") == 0) {
        tdata->msg->line.status.code = 403;
        return AST_SIP_AUTHENTICATION_FAILED;
    }
    ast_sip_add_header(tdata, "WWW-Authenticate", "Digest realm=\"test\"");
    return AST_SIP_AUTHENTICATION_CHALLENGE;
}

static struct ast_sip_authenticator authenticator = {requires_authentication, check_authentication};
static struct ast_sip_authenticator another = {requires_authentication, check_authentication};

static void register_authenticator(void *data)
{
    *(int *)data = ast_sip_register_authenticator(&authenticator) == 0 &&
                   ast_sip_register_authenticator(&another) == -1;
}

static void unregister_authenticator(void *data)
{
    (void)data;
    ast_sip_unregister_authenticator(&another); /* which is not the one */
    ast_sip_unregister_authenticator(&authenticator);
}

static int ask_with(const char *from, const char *id, const char *header, const char **answer)
{
    return test_ask(fd, test_request("OPTIONS", from, id, header, NULL), answer);
}

static void test_authenticator(void **state)
{
    const char *answer;
    int good;

    (void)state;
    test_call(register_authenticator, &good);
    assert_true(good);
    checked = 0;
    assert_int_equal(ask_with("alice", "h1", NULL, &answer), 401);
    assert_non_null(strstr(answer, "WWW-Authenticate: Digest realm=\"test\"\r\n"));
    assert_int_equal(seen, 0);
    assert_int_equal(ask_with("alice", "h2", "X-Result: failed\r\n", NULL), 403);
    assert_int_equal(ask_with("alice", "h3", "X-Result: error\r\n", NULL), 500);
    assert_int_equal(seen, 0);
    assert_int_equal(ask_with("alice", "h4", "X-Result: good\r\n", NULL), 200);
    assert_int_equal(seen, 1);
    assert_int_equal(checked, 4);
    assert_int_equal(ask_with("plain", "h5", NULL, NULL), 200); /* needs none */
    assert_int_equal(checked, 4);
    /* CANCEL is never challenged (RFC 3261 22.1) */
    assert_int_equal(test_ask(fd, test_request("CANCEL", "alice", "h6", NULL, NULL), NULL), 481);
    test_call(unregister_authenticator, NULL);
    assert_int_equal(ask_with("alice", "h7", NULL, NULL), 200);
    assert_int_equal(checked, 4);
}

/* ---- dialogs ---- */

static char to_tag[100];

/* Opens the dialog as `from` and acknowledges. */
static void open_dialog(const char *from, const char *id)
{
    const char *answer, *tag;

    assert_int_equal(test_ask(fd,
                              test_request("INVITE", from, id,
                                           "Contact: <sip:me@10.9.8.7:1234;transport=tls>\r\n",
                                           NULL),
                              &answer),
                     200);
    tag = strstr(strstr(answer, "\r\nTo: "), ";tag=");
    assert_non_null(tag);
    snprintf(to_tag, sizeof(to_tag), "%.*s", (int)strcspn(tag + 5, "\r\n;"), tag + 5);
}

/* A request within the dialog `id`, with a branch of its own. */
static const char *within(const char *method, const char *from, const char *id, const char *branch,
                          const char *tag)
{
    static char text[2000];

    snprintf(text, sizeof(text),
             "%s sip:100@127.0.0.1 SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 127.0.0.1:5999;rport;branch=z9hG4bK-%s\r\n"
             "Max-Forwards: 70\r\n"
             "From: <sip:%s@example.com>;tag=f%s\r\n"
             "To: <sip:100@127.0.0.1>;tag=%s\r\n"
             "Call-ID: %s\r\nCSeq: %d %s\r\nContent-Length: 0\r\n\r\n",
             method, branch, from, id, tag, id, strcmp(method, "ACK") == 0 ? 1 : 2, method);
    return text;
}

static void test_in_dialog(void **state)
{
    (void)state;
    open_dialog("alice", "d1");
    assert_int_equal(seen, 1);
    test_send(fd, within("ACK", "alice", "d1", "ack", to_tag));
    assert_int_equal(test_ask(fd, within("INFO", "alice", "d1", "i1", to_tag), NULL), 299);
    assert_int_equal(seen, 3);
    assert_string_equal(endpoint_seen, "alice");
    /* who knows the dialog's ids is in it, by whatever name */
    assert_int_equal(test_ask(fd, within("INFO", "mallory", "d1", "i2", to_tag), NULL), 500);
    assert_int_equal(seen, 3); /* CSeq is not higher (RFC 3261 12.2.2) */
    /* and who does not is a stranger */
    assert_int_equal(test_ask(fd, within("INFO", "mallory", "d1", "i3", "guess"), NULL), 401);
    assert_int_equal(test_ask(fd, within("INFO", "alice", "d1", "i4", "guess"), NULL), 481);
    assert_int_equal(test_ask(fd, within("INFO", "mallory", "d2", "i5", to_tag), NULL), 401);
    assert_int_equal(seen, 3);
}

/* The endpoint of a dialog is told for CANCEL too, and CANCEL meets its INVITE. */
static void test_cancel(void **state)
{
    (void)state;
    assert_int_equal(test_ask(fd, test_request("INVITE", "alice", "c1", "X-Refuse: 1\r\n", NULL),
                              NULL),
                     404);
    assert_int_equal(test_ask(fd, test_request("CANCEL", "alice", "c1", NULL, NULL), NULL), 200);
    assert_int_equal(seen, 1);
}

/* A retransmission ends in the transaction: it is answered, and nobody sees it again. */
static void test_retransmission(void **state)
{
    (void)state;
    assert_int_equal(test_ask(fd, test_request("INVITE", "alice", "r1", "X-Refuse: 1\r\n", NULL),
                              NULL),
                     404);
    assert_int_equal(test_ask(fd, test_request("INVITE", "alice", "r1", "X-Refuse: 1\r\n", NULL),
                              NULL),
                     404);
    assert_int_equal(seen, 1);
}

/*
 * However often a peer repeats itself, our own repeats stay T2 apart once they are (RFC
 * 3261 17.2.1): between 0.3 s and 1.3 s after the last there is none. PJSIP 2.17 begins anew at T1
 * after 31 (a patch of ours).
 */
static void test_retransmission_interval(void **state)
{
    char invite[2000], answer[2000];
    unsigned i;

    (void)state;
    snprintf(invite, sizeof(invite), "%s",
             test_request("INVITE", "alice", "v1", "X-Refuse: 1\r\n", NULL));
    for (i = 0; i < 32; i++) {
        test_send(fd, invite);
    }
    test_catch_up();
    usleep(300000); /* T1 is 100 ms: the first repeat of ours is among them, and the count is 32 */
    while (test_receive(fd, answer, sizeof(answer), 0) > 0) {
    }
    assert_int_equal(test_receive(fd, answer, sizeof(answer), 1000), -1);
}

/* ---- behind a NAT ---- */

static int own_port(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static void test_rewrite_contact(void **state)
{
    char expected[100];

    (void)state;
    open_dialog("natted", "n1");
    snprintf(expected, sizeof(expected), "sip:me@127.0.0.1:%d", own_port());
    assert_string_equal(contact_seen, expected);
    test_call(drop_dialog, NULL);
    dialog_endpoint = NULL;
    open_dialog("alice", "n2");
    assert_string_equal(contact_seen, "sip:me@10.9.8.7:1234;transport=tls");
}

/* ---- requests of ours in a dialog ---- */

static unsigned answers;
static int answer_status;

static void on_answer(void *token, pjsip_event *event)
{
    if (token == &answers) {
        answers++;
        answer_status = event->body.tsx_state.tsx->status_code;
    }
}

static void send_info(void *data)
{
    const pj_str_t name = SIP_STR("INFO");
    pjsip_method method;
    pjsip_tx_data *tdata;

    pjsip_method_init_np(&method, (pj_str_t *)&name);
    if (pjsip_dlg_create_request(dialog, &method, -1, &tdata) != PJ_SUCCESS) {
        abort();
    }
    *(int *)data = ast_sip_send_request(tdata, dialog, dialog_endpoint, &answers, on_answer);
}

static void get_answers(void *data)
{
    *(unsigned *)data = answers;
}

/* It goes to where the peer's messages come from, and its answer to the callback, once. */
static void test_send_in_dialog(void **state)
{
    static const char *const final[] = {"200 OK", "488 Not Acceptable Here"};
    unsigned i, count;

    (void)state;
    open_dialog("natted", "s1");
    test_send(fd, within("ACK", "natted", "s1", "ack", to_tag));
    answers = 0;
    for (i = 0; i < 2; i++) {
        char request[4000], answer[4000];
        int result;

        test_call(send_info, &result);
        assert_int_equal(result, 0);
        assert_true(test_receive(fd, request, sizeof(request), 5000) > 0);
        assert_int_equal(strncmp(request, "INFO sip:me@127.0.0.1:", 22), 0);
        test_make_answer(request, final[i], answer, sizeof(answer));
        test_send(fd, answer);
        test_send(fd, answer);
        test_catch_up();
        test_call(get_answers, &count);
        assert_int_equal(count, i + 1);
        assert_int_equal(answer_status, atoi(final[i]));
    }
}

/* Behind a proxy that stays in the path the Contact is the proxy's business. */
static void test_no_rewrite_behind_proxy(void **state)
{
    (void)state;
    assert_int_equal(test_ask(fd,
                              test_request("OPTIONS", "natted", "n3",
                                           "Contact: <sip:me@10.9.8.7:1234>\r\n"
                                           "Record-Route: <sip:10.0.0.1;lr>\r\n",
                                           NULL),
                              NULL),
                     200);
    assert_string_equal(contact_seen, "sip:me@10.9.8.7:1234");
}

/* Without rport in Via an answer goes to the port of Via, unless the endpoint says otherwise. */
static void test_force_rport(void **state)
{
    const char *request, *answer;
    char text[2000];
    char *rport;

    (void)state;
    request = test_request("OPTIONS", "alice", "p1", NULL, NULL);
    snprintf(text, sizeof(text), "%s", request);
    rport = strstr(text, ";rport");
    memmove(rport, rport + 6, strlen(rport + 6) + 1);
    assert_int_equal(test_ask(fd, text, NULL), 200);
    request = test_request("OPTIONS", "plain", "p2", NULL, NULL);
    snprintf(text, sizeof(text), "%s", request);
    rport = strstr(text, ";rport");
    memmove(rport, rport + 6, strlen(rport + 6) + 1);
    test_send(fd, text);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "plain", "p3", NULL, NULL), &answer),
                     200);
    assert_non_null(strstr(answer, "\r\nCall-ID: p3\r\n")); /* the other one did not come here */
}

/* ---- bodies ---- */

#define SDP(rest) "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nt=0 0\r\n" rest

static int ask_body(const char *id, const char *type, const char *body)
{
    char header[100];

    snprintf(header, sizeof(header), "Content-Type: %s\r\n", type);
    return test_ask(fd, test_request("OPTIONS", "alice", id, header, body), NULL);
}

static void test_bodies(void **state)
{
    (void)state;
    assert_int_equal(ask_body("b1", "application/sdp", SDP("m=audio 4000 RTP/AVP 0\r\n")), 200);
    assert_int_equal(ask_body("b2", "Application/SDP", SDP("m=audio 4000 RTP/AVP 00\r\n")), 488);
    assert_int_equal(ask_body("b3", "multipart/mixed;boundary=b", "--b--"), 400);
    assert_int_equal(ask_body("b4", "multipart/mixed;boundary=b", "\r\n--b--\r\n"), 400);
    assert_int_equal(ask_body("b5", "multipart/mixed;boundary=b",
                              "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP(
                                  "m=audio 4000 RTP/AVP 0 0\r\n") "\r\n--b--\r\n"),
                     488);
    assert_int_equal(ask_body("b6", "multipart/mixed;boundary=b",
                              "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP(
                                  "m=audio 4000 RTP/AVP 0\r\n") "\r\n--b--\r\n"),
                     200);
    assert_int_equal(ask_body("b7", "text/plain", "m=audio"), 200);
    assert_int_equal(ask_body("b8", "application/sdp", ""), 200);
}

/* B5: refused, and the refusal does not repeat what it is refused for. */
static void test_hide(void **state)
{
    const char *answer;

    (void)state;
    assert_int_equal(test_ask(fd,
                              test_request("INVITE", "alice", "y1",
                                           "Record-Route: <sip:p1;lr>, <sip:p2;hide>\r\n", NULL),
                              &answer),
                     400);
    assert_null(strstr(answer, "Record-Route"));
    assert_int_equal(
        test_ask(fd, test_request("invite", "alice", "y2", "Record-Route: <sip:p2;lr>\r\n", NULL),
                 NULL),
        501);
    assert_int_equal(
        test_ask(fd, test_request("invite", "alice", "y3", "Record-Route: <sip:p2;hide>\r\n", NULL),
                 NULL),
        400);
    assert_int_equal(seen, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_endpoint_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unregister, setup, teardown),
        cmocka_unit_test_setup_teardown(test_register_in_callback, setup, teardown),
        cmocka_unit_test_setup_teardown(test_authenticator, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_dialog, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retransmission, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retransmission_interval, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rewrite_contact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_send_in_dialog, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_rewrite_behind_proxy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_force_rport, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hide, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bodies, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
