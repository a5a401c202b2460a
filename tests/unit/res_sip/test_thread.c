/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks from other threads, the blocking pool, fairness between tasks and network, sleep when there is nothing. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

static int fd;

static int setup(void **state)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);

    (void)state;
    test_add_endpoint(config, "alice");
    test_start(config, NULL);
    fd = test_connect(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close(fd);
    test_stop();
    return 0;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static unsigned order_seen;
static int in_order = 1;

static int note_order(void *data)
{
    in_order &= (uintptr_t)data == order_seen++;
    in_order &= ast_sip_thread_is_sip();
    return 0;
}

static void get_count(void *data)
{
    *(unsigned *)data = order_seen;
}

static void test_tasks_in_order(void **state)
{
    unsigned i, count;

    (void)state;
    order_seen = 0;
    assert_int_equal(ast_sip_thread_is_sip(), 0);
    for (i = 0; i < 10000; i++) {
        assert_int_equal(ast_sip_push_task(note_order, (void *)(uintptr_t)i), 0);
    }
    test_call(get_count, &count);
    assert_int_equal(count, 10000);
    assert_true(in_order);
}

static atomic_int flooding;
static atomic_ullong flood_ran;

/* A task that pushes itself again: there is always one. */
static int flood_task(void *data)
{
    atomic_fetch_add(&flood_ran, 1);
    if (atomic_load(&flooding)) {
        ast_sip_push_task(flood_task, data);
    } else {
        atomic_fetch_sub((atomic_int *)data, 1);
    }
    return 0;
}

/* While tasks never end, an OPTIONS is answered at once. */
static void test_tasks_do_not_starve_network(void **state)
{
    atomic_int left = 1000;
    double worst = 0;
    unsigned i;

    (void)state;
    atomic_store(&flooding, 1);
    for (i = 0; i < 1000; i++) {
        assert_int_equal(ast_sip_push_task(flood_task, &left), 0);
    }
    for (i = 0; i < 50; i++) {
        char id[20];
        double start = now();

        snprintf(id, sizeof(id), "s%u", i);
        assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", id, NULL, NULL), NULL), 200);
        worst = now() - start > worst ? now() - start : worst;
    }
    atomic_store(&flooding, 0);
    while (atomic_load(&left) > 0) {
        usleep(1000);
    }
    assert_true(atomic_load(&flood_ran) > 1000);
    assert_true(worst < 0.5); /* a turn of 64 tasks takes microseconds; slow machines are slow */
}

static void *flood_network(void *data)
{
    const char *request = test_request("OPTIONS", "alice", "flood", NULL, NULL);
    int flood_fd = test_connect(0);

    while (atomic_load((atomic_int *)data)) {
        send(flood_fd, request, strlen(request), MSG_DONTWAIT);
    }
    close(flood_fd);
    return NULL;
}

static void nothing(void *data)
{
    (void)data;
}

/* While datagrams never end, a task runs at once. */
static void test_network_does_not_starve_tasks(void **state)
{
    atomic_int sending = 1;
    pthread_t thread;
    double worst = 0;
    unsigned i;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, flood_network, &sending), 0);
    usleep(50000);
    for (i = 0; i < 50; i++) {
        double start = now();

        test_call(nothing, NULL);
        worst = now() - start > worst ? now() - start : worst;
    }
    atomic_store(&sending, 0);
    pthread_join(thread, NULL);
    assert_true(worst < 0.5);
}

static void get_switches(void *data)
{
    struct rusage usage;

    getrusage(RUSAGE_THREAD, &usage);
    *(long *)data = usage.ru_nvcsw;
}

/* Nobody wakes the thread when there is nothing to do. */
static void test_sleeps(void **state)
{
    long before, after;

    (void)state;
    test_call(get_switches, &before);
    usleep(1000 * 1000);
    test_call(get_switches, &after);
    assert_true(after - before <= 3); /* the call itself is one */
}

static atomic_int worked;

static int work(void *data)
{
    (void)data;
    usleep(20000);
    return ast_sip_thread_is_sip() ? -1 : 7;
}

static void done(void *data, int result)
{
    if (result == 7 && ast_sip_thread_is_sip()) {
        atomic_fetch_add((atomic_int *)data, 1);
    }
}

static void push_work(void *data)
{
    unsigned i;

    for (i = 0; i < 20; i++) {
        assert_int_equal(ast_sip_push_blocking(work, done, data), 0);
    }
}

static void test_blocking(void **state)
{
    double start = now();
    unsigned i;

    (void)state;
    atomic_store(&worked, 0);
    test_call(push_work, &worked);
    assert_true(now() - start < 0.3); /* nobody waited for it */
    for (i = 0; i < 500 && atomic_load(&worked) < 20; i++) {
        usleep(10000);
    }
    assert_int_equal(atomic_load(&worked), 20);
}

/* What was pushed before the end runs, also the end of blocking work. */
static void test_end_drains(void **state)
{
    (void)state;
    setup(NULL);
    atomic_store(&worked, 0);
    test_call(push_work, &worked);
    teardown(NULL);
    assert_int_equal(atomic_load(&worked), 20);
}

static int timer_fired;

static void on_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    (void)heap;
    (void)entry;
    timer_fired = 1;
}

static pj_timer_entry timer;

static void start_timer(void *data)
{
    const pj_time_val delay = {0, 50};

    (void)data;
    timer_fired = 0;
    pj_timer_entry_init(&timer, 0, NULL, on_timer);
    assert_int_equal(pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), &timer, &delay),
                     PJ_SUCCESS);
}

static void get_fired(void *data)
{
    *(int *)data = timer_fired;
}

static void test_timer(void **state)
{
    int fired;

    (void)state;
    test_call(start_timer, NULL);
    test_call(get_fired, &fired);
    assert_int_equal(fired, 0);
    for (unsigned i = 0; i < 500 && !fired; i++) {
        usleep(10000);
        test_call(get_fired, &fired);
    }
    assert_int_equal(fired, 1);
}

/* Started and ended again and again: nothing is left over that the next start stumbles on. */
static void test_restart(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < 20; i++) {
        setup(NULL);
        assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "r", NULL, NULL), NULL),
                         200);
        teardown(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sleeps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tasks_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tasks_do_not_starve_network, setup, teardown),
        cmocka_unit_test_setup_teardown(test_network_does_not_starve_tasks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blocking, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timer, setup, teardown),
        cmocka_unit_test(test_end_drains),
        cmocka_unit_test(test_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
