/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overload: the share of what is let in, with a server under simulated time whose calls and refusals cost what the
 * test says; what a request is by its text.
 */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "res_sip/overload/overload.h"

#define MS     1000.0
#define SECOND 1e6
#define BATCH  16
#define MOST   (50 * MS)

/* A server with one queue, as ours: time in microseconds. */
static struct server {
    struct sip_admission admission;
    double now, call, refusal; /* what these cost */
    double looked, rest, busy;
    double next[SIP_ADMISSION_CLASSES], every[SIP_ADMISSION_CLASSES]; /* arrivals; 0: none */
    unsigned offered[SIP_ADMISSION_CLASSES], carried[SIP_ADMISSION_CLASSES];
    double longest; /* wait */
    unsigned begins, ends;
    int refused_emergencies;
} server;

static void start(double call, double refusal)
{
    memset(&server, 0, sizeof(server));
    sip_admission_init(&server.admission, (pj_uint64_t)MOST);
    server.now = server.looked = 1000 * SECOND;
    server.call = call;
    server.refusal = refusal;
}

static void offer(enum sip_admission_class class, double a_second)
{
    server.every[class] = a_second > 0 ? SECOND / a_second : 0;
    server.next[class] = server.now + server.every[class] / 2;
}

/* The class of the oldest message, or -1 when none is offered. */
static int oldest(void)
{
    int found = -1, i;

    for (i = 0; i < SIP_ADMISSION_CLASSES; i++) {
        if (server.every[i] > 0 && (found < 0 || server.next[i] < server.next[found])) {
            found = i;
        }
    }
    return found;
}

static void look(void)
{
    if (server.now - server.looked < 20 * MS) {
        return;
    }
    server.busy = server.rest > 0 ? 0 : server.busy + server.now - server.looked;
    server.looked = server.now;
    switch (sip_admission_turn(&server.admission, (pj_uint64_t)server.now, (pj_uint64_t)server.rest,
                               (pj_uint64_t)server.busy)) {
    case SIP_ADMISSION_BEGINS:
        server.begins++;
        break;
    case SIP_ADMISSION_ENDS:
        server.ends++;
        break;
    case SIP_ADMISSION_SAME:
        break;
    }
    server.rest = 0;
}

static void work(int class)
{
    server.offered[class]++;
    server.next[class] += server.every[class];
    if (sip_admission_take(&server.admission, (enum sip_admission_class) class)) {
        server.carried[class]++;
        server.now += server.call;
    } else {
        server.now += server.refusal;
    }
}

/* One turn of the loop: what has arrived, 16 at the most. */
static void turn(double end)
{
    double came = server.now, wait;
    unsigned count = 0;
    int class = oldest();

    if (class < 0 || server.next[class] > server.now) {
        double until = class < 0 || server.next[class] > end ? end : server.next[class];

        server.rest += until - server.now;
        server.now = until;
        look();
        return;
    }
    wait = server.now - server.next[class];
    server.longest = wait > server.longest ? wait : server.longest;
    while (count < BATCH && (class = oldest()) >= 0 && server.next[class] <= came) {
        work(class);
        count++;
    }
    sip_admission_waited(&server.admission, (pj_uint64_t)came, count, (pj_uint64_t)wait, 0);
    look();
}

static void run(double seconds)
{
    double end = server.now + seconds * SECOND;

    memset(server.offered, 0, sizeof(server.offered));
    memset(server.carried, 0, sizeof(server.carried));
    server.longest = 0;
    while (server.now < end) {
        turn(end);
    }
}

/* What it can carry and what it can refuse, at most, of one that costs call and is offered times as much. */
static double possible(double call, double refusal, double times)
{
    double offered = times / call;

    return (1 - offered * refusal) / (call - refusal);
}

static void test_load_that_it_can_carry(void **state)
{
    (void)state;
    start(1 * MS, 0.02 * MS);
    offer(SIP_ADMISSION_STRANGER, 900);
    run(20);
    assert_int_equal(server.begins, 0);
    assert_int_equal(server.carried[0], server.offered[0]);
}

/* Whatever a call costs, and however much is offered: nearly all that can be carried is, and waits stay short. */
static void test_overload(void **state)
{
    static const double calls[] = {0.1, 0.2, 1, 5, 20}, times[] = {1.5, 2, 5, 10, 20};

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        for (size_t j = 0; j < sizeof(times) / sizeof(times[0]); j++) {
            double call = calls[i] * MS, refusal = call / 40,
                   most = possible(call, refusal, times[j]);

            start(call, refusal);
            offer(SIP_ADMISSION_STRANGER, times[j] * SECOND / call);
            run(5);
            assert_int_equal(server.begins, 1);
            run(10);
            if (server.carried[0] < 10 * SECOND * most * 0.75 || server.longest > 600 * MS) {
                fail_msg(
                    "a call of %.1f ms, %.1f times: %.0f of %.0f carried, longest wait %.0f ms",
                    calls[i], times[j], (double)server.carried[0], 10 * SECOND * most,
                    server.longest / MS);
            }
        }
    }
}

/* When less is offered again, all of it comes in within half a second. */
static void test_recovery(void **state)
{
    (void)state;
    start(1 * MS, 0.02 * MS);
    offer(SIP_ADMISSION_STRANGER, 10000);
    run(10);
    offer(SIP_ADMISSION_STRANGER, 500);
    run(0.5);
    run(5);
    assert_int_equal(server.carried[0], server.offered[0]);
    assert_int_equal(server.ends, 1);
    assert_int_equal(sip_admission_loss(&server.admission), 0);
}

/* Silence is recovery, too. */
static void test_silence(void **state)
{
    (void)state;
    start(1 * MS, 0.02 * MS);
    offer(SIP_ADMISSION_STRANGER, 10000);
    run(10);
    assert_true(sip_admission_loss(&server.admission) > 80);
    offer(SIP_ADMISSION_STRANGER, 0);
    run(1);
    offer(SIP_ADMISSION_STRANGER, 100);
    run(5);
    assert_int_equal(server.carried[0], server.offered[0]);
}

/* Phones are let in before strangers, and emergencies before all. */
static void test_order(void **state)
{
    (void)state;
    start(1 * MS, 0.02 * MS);
    offer(SIP_ADMISSION_STRANGER, 8000);
    offer(SIP_ADMISSION_PHONE, 300);
    offer(SIP_ADMISSION_EMERGENCY, 20);
    run(10);
    run(10);
    assert_true(server.carried[SIP_ADMISSION_PHONE] >=
                server.offered[SIP_ADMISSION_PHONE] * 99 / 100);
    assert_int_equal(server.carried[SIP_ADMISSION_EMERGENCY],
                     server.offered[SIP_ADMISSION_EMERGENCY]);
    assert_true(server.carried[SIP_ADMISSION_STRANGER] > 2000);
    /* phones alone are too many */
    offer(SIP_ADMISSION_PHONE, 5000);
    run(10);
    run(10);
    assert_true(server.carried[SIP_ADMISSION_STRANGER] <
                server.offered[SIP_ADMISSION_STRANGER] / 100);
    assert_true(server.carried[SIP_ADMISSION_PHONE] > 5000);
    assert_int_equal(server.carried[SIP_ADMISSION_EMERGENCY],
                     server.offered[SIP_ADMISSION_EMERGENCY]);
}

/* A standstill of a second, and what piled up in it, is no overload. */
static void test_standstill(void **state)
{
    (void)state;
    start(0.2 * MS, 0.01 * MS);
    offer(SIP_ADMISSION_STRANGER, 500);
    run(5);
    server.now += 1 * SECOND;
    run(5);
    assert_int_equal(server.begins, 0);
    assert_int_equal(server.carried[0], server.offered[0]);
}

/* Losses and a thread that never rests are overload though no wait is long. */
static void test_other_signs(void **state)
{
    struct sip_admission admission;

    (void)state;
    sip_admission_init(&admission, 50000);
    sip_admission_waited(&admission, 1000000, 16, 100, 1);
    assert_int_equal(sip_admission_turn(&admission, 1020000, 0, 0), SIP_ADMISSION_BEGINS);
    sip_admission_init(&admission, 50000);
    assert_int_equal(sip_admission_turn(&admission, 1020000, 0, 120000), SIP_ADMISSION_SAME);
    assert_int_equal(sip_admission_turn(&admission, 1320000, 0, 420000), SIP_ADMISSION_BEGINS);
    sip_admission_init(&admission, 0); /* off */
    sip_admission_waited(&admission, 1000000, 1000, 1000000, 1);
    assert_int_equal(sip_admission_turn(&admission, 5020000, 0, 4120000), SIP_ADMISSION_SAME);
    assert_int_equal(sip_admission_take(&admission, SIP_ADMISSION_STRANGER), 1);
}

/* A reload that takes the limit away in the midst of overload lets everybody in again. */
static void test_limit_taken_away(void **state)
{
    (void)state;
    start(1 * MS, 0.02 * MS);
    offer(SIP_ADMISSION_STRANGER, 10000);
    run(5);
    assert_true(sip_admission_is_limited(&server.admission));
    sip_admission_set(&server.admission, (pj_uint64_t)MOST);
    assert_true(sip_admission_is_limited(&server.admission));
    sip_admission_set(&server.admission, 0);
    assert_false(sip_admission_is_limited(&server.admission));
    assert_int_equal(sip_admission_take(&server.admission, SIP_ADMISSION_STRANGER), 1);
}

/* ---- texts ---- */

static struct sip_overload_request request;

static enum sip_overload_kind read_with(const char *line, const char *to, const char *numbers)
{
    static char text[600];
    int length = snprintf(
        text, sizeof(text),
        "%s\r\nv: SIP/2.0/UDP a;rport ; branch = z9hG4bK1;x, SIP/2.0/UDP b;branch=z9hG4bK2\r\n"
        "Max-Forwards: 1\r\nt:\r\n <sip:u@h;tag=no>%s\r\n\r\n",
        line, to);

    sip_overload_read(text, (size_t)length, numbers, &request);
    return request.kind;
}

static void test_kinds(void **state)
{
    (void)state;
    assert_int_equal(read_with("INVITE sip:u@h SIP/2.0", "", NULL), SIP_OVERLOAD_INVITE);
    assert_int_equal(request.branch.slen, 8);
    assert_memory_equal(request.branch.ptr, "z9hG4bK1", 8);
    assert_int_equal(read_with("INVITE sip:u@h SIP/2.0", ";x;tag=a", NULL), SIP_OVERLOAD_GOES_ON);
    assert_int_equal(read_with("REGISTER sip:h SIP/2.0", "", NULL), SIP_OVERLOAD_OTHER);
    assert_int_equal(read_with("INFO sip:h SIP/2.0", ";tag=a", NULL), SIP_OVERLOAD_GOES_ON);
    assert_int_equal(read_with("CANCEL sip:h SIP/2.0", "", NULL), SIP_OVERLOAD_GOES_ON);
    assert_int_equal(read_with("SIP/2.0 200 OK", "", NULL), SIP_OVERLOAD_GOES_ON);
    assert_int_equal(read_with("ACK sip:h SIP/2.0", ";tag=g0123abcd", NULL), SIP_OVERLOAD_OUR_ACK);
    assert_int_equal(read_with("ACK sip:h SIP/2.0", ";tag=g0123abcde", NULL), SIP_OVERLOAD_GOES_ON);
    assert_int_equal(read_with("ACK sip:h SIP/2.0", "", NULL), SIP_OVERLOAD_GOES_ON);
    assert_int_equal(read_with("nonsense", "", NULL), SIP_OVERLOAD_GOES_ON);
}

static void test_emergencies(void **state)
{
    (void)state;
    assert_int_equal(read_with("INVITE urn:service:sos SIP/2.0", "", NULL), SIP_OVERLOAD_EMERGENCY);
    assert_int_equal(read_with("INVITE URN:Service:SOS.fire SIP/2.0", "", NULL),
                     SIP_OVERLOAD_EMERGENCY);
    assert_int_equal(read_with("INVITE urn:service:sosx SIP/2.0", "", NULL), SIP_OVERLOAD_INVITE);
    assert_int_equal(read_with("INVITE sip:112@h SIP/2.0", "", "911, 112"), SIP_OVERLOAD_EMERGENCY);
    assert_int_equal(read_with("INVITE tel:911;phone-context=x SIP/2.0", "", "911,112"),
                     SIP_OVERLOAD_EMERGENCY);
    assert_int_equal(read_with("INVITE sip:1123@h SIP/2.0", "", "911,112"), SIP_OVERLOAD_INVITE);
    assert_int_equal(read_with("INVITE sip:112@h SIP/2.0", "", NULL), SIP_OVERLOAD_INVITE);
    assert_int_equal(read_with("INVITE sip: SIP/2.0", "", "911,112"), SIP_OVERLOAD_INVITE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_that_it_can_carry),
        cmocka_unit_test(test_overload),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_standstill),
        cmocka_unit_test(test_other_signs),
        cmocka_unit_test(test_limit_taken_away),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_emergencies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
