/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests of ours: each callback comes once, with what became of it; and never when sending failed. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "res_sip/core.h"

static int peer; /* a UDP socket that our requests go to */
static int peer_port;

struct result {
    const char *target;
    struct ast_sip_endpoint *endpoint; /* borrowed */
    int sent;
    unsigned calls;
    int status;
};

static struct result result;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void open_peer(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    struct timeval patience = {3, 0};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(peer, (struct sockaddr *)&address, &length), 0);
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    peer_port = ntohs(address.sin_port);
}

static struct ast_sip_endpoint *endpoint;

static int setup(void **state)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);

    (void)state;
    config->global.timer_t1 = 100;
    config->global.timer_b = 1000;
    endpoint = test_add_endpoint(config, "peer");
    open_peer();
    memset(&result, 0, sizeof(result));
    test_start(config, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_stop();
    close(peer);
    return 0;
}

static void on_answer(void *token, pjsip_event *event)
{
    struct result *to = token;

    pthread_mutex_lock(&lock);
    to->calls++;
    to->status = event->body.tsx_state.tsx->status_code;
    pthread_mutex_unlock(&lock);
}

static void send_one(void *data)
{
    struct result *to = data;
    pj_str_t target = sip_str(to->target), from = SIP_STR("<sip:me@127.0.0.1>");
    pjsip_tx_data *tdata;

    if (pjsip_endpt_create_request(sip_endpt, pjsip_get_options_method(), &target, &from, &target,
                                   NULL, NULL, -1, NULL, &tdata) != PJ_SUCCESS) {
        abort();
    }
    to->sent = ast_sip_send_request(tdata, NULL, to->endpoint, to, on_answer);
}

static void send_to(const char *target)
{
    result.target = target;
    test_call(send_one, &result);
}

static unsigned calls(void)
{
    unsigned value;

    pthread_mutex_lock(&lock);
    value = result.calls;
    pthread_mutex_unlock(&lock);
    return value;
}

static void wait_for_call(void)
{
    unsigned i;

    for (i = 0; i < 300 && calls() == 0; i++) {
        usleep(10000);
    }
}

static const char *target_of_peer(const char *parameters)
{
    static char target[100];

    snprintf(target, sizeof(target), "sip:x@127.0.0.1:%d%s", peer_port, parameters);
    return target;
}

static char request[4000];
static struct sockaddr_in requester;

/* Waits for a request. */
static const char *receive(void)
{
    socklen_t length = sizeof(requester);
    ssize_t size =
        recvfrom(peer, request, sizeof(request) - 1, 0, (struct sockaddr *)&requester, &length);

    assert_true(size > 0);
    request[size] = '\0';
    return request;
}

/* Answers it; may be called more than once. */
static void answer(const char *status_line)
{
    char response[4000];

    test_make_answer(request, status_line, response, sizeof(response));
    assert_true(sendto(peer, response, strlen(response), 0, (struct sockaddr *)&requester,
                       sizeof(requester)) > 0);
}

static void test_answered(void **state)
{
    (void)state;
    send_to(target_of_peer(""));
    assert_int_equal(result.sent, 0);
    assert_non_null(strstr(receive(), "\r\nUser-Agent: sipsession\r\n"));
    assert_null(strstr(request, "\r\nRoute: "));
    answer("100 Trying");
    answer("200 OK");
    answer("200 OK");
    wait_for_call();
    usleep(50000);
    assert_int_equal(calls(), 1);
    assert_int_equal(result.status, 200);
}

static void test_refused(void **state)
{
    (void)state;
    send_to(target_of_peer(""));
    receive();
    answer("486 Busy Here");
    wait_for_call();
    assert_int_equal(calls(), 1);
    assert_int_equal(result.status, 486);
}

static void test_time_out(void **state)
{
    (void)state;
    send_to(target_of_peer(""));
    assert_int_equal(result.sent, 0);
    wait_for_call();
    assert_int_equal(calls(), 1);
    assert_int_equal(result.status, 408);
}

/* Nobody listens on that TCP port: the callback comes, or -1, not both. */
static void test_no_transport(void **state)
{
    (void)state;
    send_to(target_of_peer(";transport=tcp"));
    if (result.sent == 0) {
        wait_for_call();
        assert_int_equal(calls(), 1);
        assert_true(result.status >= 400);
    } else {
        usleep(100000);
        assert_int_equal(calls(), 0);
    }
}

static void test_unknown_transport(void **state)
{
    (void)state;
    endpoint->transport = strdup("none");
    result.endpoint = endpoint;
    send_to(target_of_peer(""));
    assert_int_equal(result.sent, -1);
    usleep(50000);
    assert_int_equal(calls(), 0);
}

static void test_outbound_proxy(void **state)
{
    char proxy[60];

    (void)state;
    snprintf(proxy, sizeof(proxy), "sip:127.0.0.1:%d", peer_port);
    endpoint->outbound_proxy = strdup(proxy);
    result.endpoint = endpoint;
    send_to("sip:far@192.0.2.1");
    assert_int_equal(result.sent, 0);
    receive();
    answer("200 OK");
    assert_int_equal(strncmp(request, "OPTIONS sip:far@192.0.2.1 SIP/2.0\r\n", 35), 0);
    assert_non_null(strstr(request, "\r\nRoute: <sip:127.0.0.1:"));
    assert_non_null(strstr(request, ";lr>"));
    wait_for_call();
    assert_int_equal(result.status, 200);
}

/* What is on its way when the server ends is told too. */
static void test_end(void **state)
{
    (void)state;
    setup(NULL);
    send_to(target_of_peer(""));
    assert_int_equal(calls(), 0);
    teardown(NULL);
    assert_int_equal(calls(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_time_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_transport, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_transport, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outbound_proxy, setup, teardown),
        cmocka_unit_test(test_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
