/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text messages of ours: to one contact after the other; the callback comes once, with what became of it. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "res_sip/text/text.h"

#define PEERS 3

static struct test_peer peers[PEERS];
static struct ast_sip_endpoint *endpoint;

struct job {
    const char *destination;
    struct ast_sip_message message;
    int forget;
    int result;
};

static struct job job;

/* An AOR whose contacts are the peers; the last one is the best. */
static void add_aor(struct sip_config *config)
{
    struct sip_aor_entry *entry = calloc(1, sizeof(*entry));
    struct ast_sip_contact **end;
    char uri[60];

    entry->aor = ast_sip_aor_create("place");
    end = &entry->aor->contacts;
    for (int i = 0; i < PEERS; i++) {
        test_peer_open(&peers[i]);
        snprintf(uri, sizeof(uri), "sip:p%d@127.0.0.1:%d", i, peers[i].port);
        *end = ast_sip_contact_create(uri);
        (*end)->q = 100 * (i + 1);
        end = &(*end)->next;
    }
    sip_config_add_aor(config, entry);
}

static int setup(void **state)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);

    (void)state;
    config->global.timer_t1 = 100;
    config->global.timer_b = 1000;
    endpoint = test_add_endpoint(config, "peer");
    endpoint->aors = strdup("nothing, place");
    add_aor(config);
    test_outcome_reset();
    memset(&job, 0, sizeof(job));
    ast_sip_message_init(&job.message);
    job.message.body = "hello";
    job.message.length = 5;
    test_start(config, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_stop();
    for (int i = 0; i < PEERS; i++) {
        close(peers[i].fd);
    }
    return 0;
}

static void on_end(void *token, int status)
{
    assert_ptr_equal(token, &job);
    test_outcome_note(status);
}

static void send_now(void *data)
{
    struct job *its = data;
    struct ast_sip_message_sending *sending = NULL;

    its->result = ast_sip_message_send(its->destination, &its->message, its, on_end, &sending);
    if (its->result == AST_SIP_MESSAGE_SENT && its->forget) {
        ast_sip_message_forget(sending);
    }
}

static int send_to(const char *destination)
{
    job.destination = destination;
    test_call(send_now, &job);
    return job.result;
}

static const char *request; /* the last one that a peer got */

static const char *receive(int i)
{
    request = test_peer_receive(&peers[i]);
    return request;
}

static void answer(int i, const char *status_line)
{
    test_peer_answer(&peers[i], status_line);
}

static void test_best_first(void **state)
{
    (void)state;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_SENT);
    assert_non_null(strstr(receive(2), "\r\n\r\nhello"));
    assert_non_null(strstr(request, "\r\nContent-Type: text/plain\r\n"));
    assert_null(strstr(request, "\r\nContact:"));
    answer(2, "503 Service Unavailable");
    receive(1);
    answer(1, "408 Request Timeout");
    receive(0);
    answer(0, "202 Accepted");
    test_outcome_expect(202);
}

static void redirect(int i, const char *contacts)
{
    char status_line[600];

    snprintf(status_line, sizeof(status_line), "302 Moved\r\nContact: %s", contacts);
    answer(i, status_line);
}

/* Where it leads to is asked before those that were left; nobody twice. */
static void test_redirected(void **state)
{
    char contacts[500];

    (void)state;
    endpoint->follow_redirect_methods = AST_SIP_FOLLOW_MESSAGE;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_SENT);
    receive(2);
    snprintf(contacts, sizeof(contacts),
             "<sip:low@127.0.0.1:%d>;q=0.2, <sip:high@127.0.0.1:%d?Subject=x>;q=0.7, <tel:1>, "
             "<sip:p2@127.0.0.1:%d>, <sip:no@127.0.0.1:%d;method=INVITE>",
             peers[0].port, peers[1].port, peers[2].port, peers[2].port);
    redirect(2, contacts);
    assert_memory_equal(receive(1), "MESSAGE sip:high@", 17);
    assert_null(strstr(request, "Subject"));
    redirect(1, contacts); /* all of them are known */
    test_outcome_expect(302);
}

static void test_redirected_to_nobody(void **state)
{
    char contacts[500];

    (void)state;
    endpoint->follow_redirect_methods = AST_SIP_FOLLOW_MESSAGE;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_SENT);
    receive(2);
    snprintf(contacts, sizeof(contacts), "<sip:a@127.0.0.1:%d>;q=0.1, <sip:b@127.0.0.1:%d>",
             peers[2].port, peers[2].port);
    redirect(2, contacts);
    assert_memory_equal(receive(2), "MESSAGE sip:b@", 14);
    answer(2, "503 Service Unavailable");
    assert_memory_equal(receive(2), "MESSAGE sip:a@", 14);
    answer(2, "503 Service Unavailable");
    assert_memory_equal(receive(1), "MESSAGE sip:p1@", 15); /* those of before */
    answer(1, "200 OK");
    test_outcome_expect(200);
}

static void test_redirections_are_not_for_everybody(void **state)
{
    (void)state;
    endpoint->redirect_method = AST_SIP_REDIRECT_URI_PJSIP; /* that is for calls */
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_SENT);
    receive(2);
    redirect(2, "<sip:x@127.0.0.1>");
    test_outcome_expect(302);
}

/* 305 and 380 are no contacts to go on to (RFC 3261 21.3). */
static void test_no_redirection(void **state)
{
    char status_line[200];

    (void)state;
    endpoint->follow_redirect_methods = AST_SIP_FOLLOW_MESSAGE;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_SENT);
    receive(2);
    snprintf(status_line, sizeof(status_line), "305 Use Proxy\r\nContact: <sip:x@127.0.0.1:%d>",
             peers[1].port);
    answer(2, status_line);
    test_outcome_expect(305);
}

/* However many it names, and however often: a peer keeps us busy with 20 and no more. */
static void test_redirected_without_end(void **state)
{
    struct pollfd ready = {.fd = peers[2].fd, .events = POLLIN};
    unsigned asked = 0;

    (void)state;
    endpoint->follow_redirect_methods = AST_SIP_FOLLOW_MESSAGE;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_SENT);
    while (asked < 100 && poll(&ready, 1, asked ? 500 : 5000) == 1) {
        char contacts[300];

        receive(2);
        asked++;
        snprintf(contacts, sizeof(contacts), "<sip:a%u@127.0.0.1:%d>, <sip:b%u@127.0.0.1:%d>",
                 asked, peers[2].port, asked, peers[2].port);
        redirect(2, contacts);
    }
    test_outcome_expect(302);
    assert_in_range(asked, 5, 20);
}

/* Who does not answer is passed over as well; the last one's word is what counts. */
static void test_silence(void **state)
{
    (void)state;
    assert_int_equal(send_to("pjsip:peer/place"), AST_SIP_MESSAGE_SENT);
    receive(2);
    receive(1); /* after timer B */
    answer(1, "503 Service Unavailable");
    receive(0);
    test_outcome_expect(408);
}

static void test_refusal(void **state)
{
    (void)state;
    assert_int_equal(send_to("pjsip:place@x"), AST_SIP_MESSAGE_SENT); /* by the AOR's name */
    receive(2);
    answer(2, "603 Decline");
    test_outcome_expect(603);
}

static void test_forgotten(void **state)
{
    (void)state;
    job.forget = 1;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_SENT);
    receive(2);
    answer(2, "503 Service Unavailable");
    receive(1); /* it goes on */
    answer(1, "200 OK");
    test_no_outcome();
}

static void test_what_cannot_be(void **state)
{
    struct ast_sip_variable header = {.name = (char *)"Via", .value = (char *)"x"};
    struct ast_party_id id = {.number = "a"};

    (void)state;
    assert_int_equal(send_to("mailto:x"), AST_SIP_MESSAGE_INVALID_PROTOCOL);
    assert_int_equal(send_to("pjsip:none"), AST_SIP_MESSAGE_INVALID_DESTINATION);
    assert_int_equal(send_to("sip:x@127.0.0.1"), AST_SIP_MESSAGE_INVALID_DESTINATION);
    assert_int_equal(send_to("pjsip:peer/tel:1"), AST_SIP_MESSAGE_INVALID_DESTINATION);
    job.message.headers = &header;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_FAILED);
    header.name = (char *)"Subject";
    header.value = (char *)"a\r\nVia: b";
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_FAILED);
    job.message.headers = NULL;
    for (unsigned i = 0; i < 5; i++) {
        static const char *const types[] = {"", "text", "text/", "text/plain\r\nVia: x", "/"};

        job.message.content_type = types[i];
        assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_FAILED);
    }
    job.message.content_type = "text/plain;charset=utf-8";
    job.message.from = &id;
    job.message.from_host = "a b";
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_FAILED);
    job.message.from_host = "a";
    job.message.to = "<sip:x>, <sip:y>";
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_FAILED);
    job.message.to = NULL;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_SENT);
    assert_non_null(strstr(receive(2), "\r\nContent-Type: text/plain;charset=utf-8\r\n"));
    answer(2, "200 OK");
    test_outcome_expect(200);
}

/* RFC 3428 8, and there is UDP only here. */
static void test_too_long(void **state)
{
    char body[8000], type[300], value[3000];
    struct ast_sip_variable headers[3] = {
        {.next = &headers[1], .name = (char *)"X-A", .value = value},
        {.next = &headers[2], .name = (char *)"X-B", .value = value},
        {.next = NULL, .name = (char *)"X-C", .value = value}};

    (void)state;
    memset(body, 'x', sizeof(body));
    job.message.body = body;
    job.message.length = 1200;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_FAILED);
    memset(type, 'y', sizeof(type));
    memcpy(type, "text/", 5);
    type[sizeof(type) - 1] = '\0';
    job.message.content_type = type;
    job.message.length = 5;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_FAILED);
    job.message.content_type = "text/plain";
    memset(value, 'v', sizeof(value));
    value[sizeof(value) - 1] = '\0';
    job.message.headers = headers;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_FAILED);
    job.message.headers = NULL;
    job.message.length = 8000;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_FAILED);
    assert_int_equal(test_outcome().calls, 0);
}

static void test_names(void **state)
{
    static const char *const good[] = {"Subject", "X-Y", "Date", "Expires", "In-Reply-To", "P-x"};
    static const char *const bad[] = {"",      "a b",     "a:",    "via",
                                      "V",     "l",       "Route", "contact",
                                      "M\r\n", "Require", "CSeq",  "Authorization"};

    (void)state;
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(good); i++) {
        assert_int_equal(ast_sip_message_header_allowed(good[i]), 1);
    }
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(bad); i++) {
        assert_int_equal(ast_sip_message_header_allowed(bad[i]), 0);
    }
}

/* What is on its way when the server ends is told, and asks nobody else. */
static void test_end(void **state)
{
    (void)state;
    setup(NULL);
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_SENT);
    receive(2);
    assert_int_equal(test_outcome().calls, 0);
    teardown(NULL);
    assert_int_equal(test_outcome().calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_best_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redirected, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redirected_to_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redirections_are_not_for_everybody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_redirection, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redirected_without_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silence, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
