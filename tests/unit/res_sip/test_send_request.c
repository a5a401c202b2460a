/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests of ours: each callback comes once, with what became of it; and never when sending failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "res_sip/core.h"

static struct test_peer peer;

struct job {
    const char *target;
    struct ast_sip_endpoint *endpoint; /* borrowed */
    int sent;
};

static struct job job;

static struct ast_sip_endpoint *endpoint;

static int setup(void **state)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);

    (void)state;
    config->global.timer_t1 = 100;
    config->global.timer_b = 1000;
    endpoint = test_add_endpoint(config, "peer");
    test_peer_open(&peer);
    memset(&job, 0, sizeof(job));
    test_outcome_reset();
    test_start(config, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_stop();
    close(peer.fd);
    return 0;
}

static void on_answer(void *token, pjsip_event *event)
{
    assert_ptr_equal(token, &job);
    test_outcome_note(event->body.tsx_state.tsx->status_code);
}

static void send_one(void *data)
{
    struct job *to = data;
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
    job.target = target;
    test_call(send_one, &job);
}

static const char *target_of_peer(const char *parameters)
{
    static char target[100];

    snprintf(target, sizeof(target), "sip:x@127.0.0.1:%d%s", peer.port, parameters);
    return target;
}

static void test_answered(void **state)
{
    (void)state;
    send_to(target_of_peer(""));
    assert_int_equal(job.sent, 0);
    assert_non_null(strstr(test_peer_receive(&peer), "\r\nUser-Agent: sipsession\r\n"));
    assert_null(strstr(peer.request, "\r\nRoute: "));
    test_peer_answer(&peer, "100 Trying");
    test_peer_answer(&peer, "200 OK");
    test_peer_answer(&peer, "200 OK");
    test_outcome_expect(200);
}

static void test_refused(void **state)
{
    (void)state;
    send_to(target_of_peer(""));
    test_peer_receive(&peer);
    test_peer_answer(&peer, "486 Busy Here");
    test_outcome_expect(486);
}

static void test_time_out(void **state)
{
    (void)state;
    send_to(target_of_peer(""));
    assert_int_equal(job.sent, 0);
    test_outcome_expect(408);
}

/* Nobody listens on that TCP port: the callback comes, or -1, not both. */
static void test_no_transport(void **state)
{
    (void)state;
    send_to(target_of_peer(";transport=tcp"));
    if (job.sent == 0) {
        test_outcome_expect(503);
    } else {
        test_no_outcome();
    }
}

static void test_unknown_transport(void **state)
{
    (void)state;
    endpoint->transport = strdup("none");
    job.endpoint = endpoint;
    send_to(target_of_peer(""));
    assert_int_equal(job.sent, -1);
    test_no_outcome();
}

static void test_outbound_proxy(void **state)
{
    char proxy[60];

    (void)state;
    snprintf(proxy, sizeof(proxy), "sip:127.0.0.1:%d", peer.port);
    endpoint->outbound_proxy = strdup(proxy);
    job.endpoint = endpoint;
    send_to("sip:far@192.0.2.1");
    assert_int_equal(job.sent, 0);
    test_peer_receive(&peer);
    test_peer_answer(&peer, "200 OK");
    assert_int_equal(strncmp(peer.request, "OPTIONS sip:far@192.0.2.1 SIP/2.0\r\n", 35), 0);
    assert_non_null(strstr(peer.request, "\r\nRoute: <sip:127.0.0.1:"));
    assert_non_null(strstr(peer.request, ";lr>"));
    test_outcome_expect(200);
}

/* What is on its way when the server ends is told too. */
static void test_end(void **state)
{
    (void)state;
    setup(NULL);
    send_to(target_of_peer(""));
    assert_int_equal(test_outcome().calls, 0);
    teardown(NULL);
    assert_int_equal(test_outcome().calls, 1);
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
