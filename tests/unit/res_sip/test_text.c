/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text messages of ours: to one contact after the other; the callback comes once, with what became of it. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "res_sip/text/text.h"

#define PEERS 3

static int peers[PEERS], ports[PEERS]; /* UDP sockets that our requests go to */
static struct ast_sip_endpoint *endpoint;

struct job {
    const char *destination;
    struct ast_sip_message message;
    int forget;
    int result;
};

static struct job job;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned calls_so_far;
static int last_status;

static void open_peer(int i)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    struct timeval patience = {3, 0};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peers[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peers[i], (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(peers[i], (struct sockaddr *)&address, &length), 0);
    setsockopt(peers[i], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ports[i] = ntohs(address.sin_port);
}

/* An AOR whose contacts are the peers; the last one is the best. */
static void add_aor(struct sip_config *config)
{
    struct sip_aor_entry *entry = calloc(1, sizeof(*entry));
    struct ast_sip_contact **end;
    char uri[60];

    entry->aor = ast_sip_aor_create("place");
    end = &entry->aor->contacts;
    for (int i = 0; i < PEERS; i++) {
        open_peer(i);
        snprintf(uri, sizeof(uri), "sip:p%d@127.0.0.1:%d", i, ports[i]);
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
    calls_so_far = 0;
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
        close(peers[i]);
    }
    return 0;
}

static void on_end(void *token, int status)
{
    assert_ptr_equal(token, &job);
    pthread_mutex_lock(&lock);
    calls_so_far++;
    last_status = status;
    pthread_mutex_unlock(&lock);
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

static unsigned calls(void)
{
    unsigned value;

    pthread_mutex_lock(&lock);
    value = calls_so_far;
    pthread_mutex_unlock(&lock);
    return value;
}

static void expect_end(int status)
{
    for (unsigned i = 0; i < 500 && calls() == 0; i++) {
        usleep(10000);
    }
    assert_int_equal(calls(), 1);
    assert_int_equal(last_status, status);
}

static char request[4000];
static struct sockaddr_in requester;

static const char *receive(int i)
{
    socklen_t length = sizeof(requester);
    ssize_t size =
        recvfrom(peers[i], request, sizeof(request) - 1, 0, (struct sockaddr *)&requester, &length);

    assert_true(size > 0);
    request[size] = '\0';
    return request;
}

static void answer(int i, const char *status_line)
{
    char response[4000];

    test_make_answer(request, status_line, response, sizeof(response));
    assert_true(sendto(peers[i], response, strlen(response), 0, (struct sockaddr *)&requester,
                       sizeof(requester)) > 0);
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
    expect_end(202);
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
             ports[0], ports[1], ports[2], ports[2]);
    redirect(2, contacts);
    assert_memory_equal(receive(1), "MESSAGE sip:high@", 17);
    assert_null(strstr(request, "Subject"));
    redirect(1, contacts); /* all of them are known */
    expect_end(302);
}

static void test_redirected_to_nobody(void **state)
{
    char contacts[500];

    (void)state;
    endpoint->follow_redirect_methods = AST_SIP_FOLLOW_MESSAGE;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_SENT);
    receive(2);
    snprintf(contacts, sizeof(contacts), "<sip:a@127.0.0.1:%d>;q=0.1, <sip:b@127.0.0.1:%d>",
             ports[2], ports[2]);
    redirect(2, contacts);
    assert_memory_equal(receive(2), "MESSAGE sip:b@", 14);
    answer(2, "503 Service Unavailable");
    assert_memory_equal(receive(2), "MESSAGE sip:a@", 14);
    answer(2, "503 Service Unavailable");
    assert_memory_equal(receive(1), "MESSAGE sip:p1@", 15); /* those of before */
    answer(1, "200 OK");
    expect_end(200);
}

static void test_redirections_are_not_for_everybody(void **state)
{
    (void)state;
    endpoint->redirect_method = AST_SIP_REDIRECT_URI_PJSIP; /* that is for calls */
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_SENT);
    receive(2);
    redirect(2, "<sip:x@127.0.0.1>");
    expect_end(302);
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
             ports[1]);
    answer(2, status_line);
    expect_end(305);
}

/* However many it names, and however often: a peer keeps us busy with 20 and no more. */
static void test_redirected_without_end(void **state)
{
    struct pollfd ready = {.fd = peers[2], .events = POLLIN};
    unsigned asked = 0;

    (void)state;
    endpoint->follow_redirect_methods = AST_SIP_FOLLOW_MESSAGE;
    assert_int_equal(send_to("pjsip:peer"), AST_SIP_MESSAGE_SENT);
    while (asked < 100 && poll(&ready, 1, asked ? 500 : 5000) == 1) {
        char contacts[300];

        receive(2);
        asked++;
        snprintf(contacts, sizeof(contacts), "<sip:a%u@127.0.0.1:%d>, <sip:b%u@127.0.0.1:%d>",
                 asked, ports[2], asked, ports[2]);
        redirect(2, contacts);
    }
    expect_end(302);
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
    expect_end(408);
}

static void test_refusal(void **state)
{
    (void)state;
    assert_int_equal(send_to("pjsip:place@x"), AST_SIP_MESSAGE_SENT); /* by the AOR's name */
    receive(2);
    answer(2, "603 Decline");
    expect_end(603);
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
    usleep(50000);
    assert_int_equal(calls(), 0);
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
    expect_end(200);
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
    assert_int_equal(calls(), 0);
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
    assert_int_equal(calls(), 0);
    teardown(NULL);
    assert_int_equal(calls(), 1);
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
