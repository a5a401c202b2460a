/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The task queue: order, fairness, its eventfd, its end, many threads, no memory. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include <sipsession/log.h>

#include "base/base.h"
#include "failmalloc.h"
#include "logfile.h"

static struct base_task_queue *queue;
static int seen[16];
static unsigned seen_count;

static int begin(void **state)
{
    (void)state;
    seen_count = 0;
    queue = base_task_queue_create();
    return queue ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    base_task_queue_destroy(queue);
    return 0;
}

static int note(void *data)
{
    if (seen_count < 16) {
        seen[seen_count] = (int)(intptr_t)data;
    }
    seen_count++;
    return 0;
}

static void *number(int n)
{
    return (void *)(intptr_t)n;
}

static int readable(void)
{
    struct pollfd poller = {.fd = base_task_queue_fd(queue), .events = POLLIN};

    return poll(&poller, 1, 0) == 1;
}

static void test_tasks_run_in_order(void **state)
{
    int i;

    (void)state;
    assert_false(readable());
    for (i = 0; i < 5; i++) {
        assert_int_equal(base_task_queue_push(queue, note, number(i)), 0);
    }
    assert_true(readable());
    assert_int_equal(base_task_queue_length(queue), 5);
    assert_int_equal(base_task_queue_run(queue, 100), 5);
    for (i = 0; i < 5; i++) {
        assert_int_equal(seen[i], i);
    }
    assert_false(readable());
    assert_int_equal(base_task_queue_run(queue, 100), 0);
}

static void test_what_is_left_keeps_the_descriptor_readable(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 5; i++) {
        base_task_queue_push(queue, note, number(i));
    }
    assert_int_equal(base_task_queue_run(queue, 3), 3);
    assert_int_equal(base_task_queue_length(queue), 2);
    assert_true(readable());
    assert_int_equal(base_task_queue_run(queue, 3), 2);
    assert_false(readable());
    base_task_queue_push(queue, note, number(9));
    assert_true(readable());
    assert_int_equal(base_task_queue_run(queue, 0), 0);
    assert_true(readable());
}

static int push_itself(void *data)
{
    ++*(int *)data;
    return base_task_queue_push(queue, push_itself, data);
}

static void test_a_task_that_pushes_itself_lets_others_in(void **state)
{
    int rounds = 0;

    (void)state;
    base_task_queue_push(queue, push_itself, &rounds);
    assert_int_equal(base_task_queue_run(queue, 1000), 1); /* not the one that it pushed */
    assert_int_equal(rounds, 1);
    assert_true(readable());
    base_task_queue_push(queue, note, number(7));
    assert_int_equal(base_task_queue_run(queue, 1000), 2);
    assert_int_equal(rounds, 2);
    assert_int_equal(seen[0], 7);
}

static void test_closed(void **state)
{
    struct base_task node = {.run = note, .data = (void *)(intptr_t)2};

    (void)state;
    base_task_queue_push(queue, note, number(1));
    base_task_queue_close(queue);
    assert_int_equal(base_task_queue_push(queue, note, number(3)), -1);
    base_task_queue_push_node(queue, &node);
    assert_int_equal(base_task_queue_run(queue, 100), 2);
    assert_int_equal(seen_count, 2);
    assert_int_equal(seen[0], 1);
    assert_int_equal(seen[1], 2);
}

static int free_task(void *data)
{
    free(data);
    return 0;
}

static void test_a_node_is_the_callers_when_it_runs(void **state)
{
    struct base_task *node = calloc(1, sizeof(*node));

    (void)state;
    node->run = free_task;
    node->data = node;
    base_task_queue_push_node(queue, node);
    assert_true(readable());
    assert_int_equal(base_task_queue_run(queue, 100), 1);
}

static int fail_task(void *data)
{
    (void)data;
    return -3;
}

static void test_a_failing_task_is_told_at_debug_level(void **state)
{
    (void)state;
    ast_log_set_level(AST_LOG_DEBUG);
    logfile_begin();
    base_task_queue_push(queue, fail_task, NULL);
    assert_int_equal(base_task_queue_run(queue, 100), 1);
    assert_non_null(strstr(logfile_text(), "returned -3\n"));
    logfile_end();
    ast_log_set_level(AST_LOG_NOTICE);
}

static void test_destroyed_with_tasks(void **state)
{
    struct base_task_queue *other = base_task_queue_create();
    struct base_task node = {.run = note};
    int i;

    (void)state;
    for (i = 0; i < 1000; i++) {
        base_task_queue_push(other, note, NULL);
    }
    base_task_queue_push_node(other, &node);
    base_task_queue_destroy(other);
    base_task_queue_destroy(NULL);
    assert_int_equal(seen_count, 0);
}

static void test_nodes_are_used_again(void **state)
{
    int i;

    (void)state;
    for (i = 0; i < 300; i++) {
        base_task_queue_push(queue, note, NULL);
    }
    base_task_queue_run(queue, 300);
    failmalloc_set(1); /* 256 are spare: none of these needs memory */
    for (i = 0; i < 256; i++) {
        assert_int_equal(base_task_queue_push(queue, note, NULL), 0);
    }
    assert_false(failmalloc_fired());
    assert_int_equal(base_task_queue_push(queue, note, NULL), -1);
    assert_true(failmalloc_fired());
    assert_int_equal(base_task_queue_run(queue, 1000), 256);
}

static int create_and_push(void *data)
{
    struct base_task_queue *other = base_task_queue_create();
    int result;

    (void)data;
    if (!other) {
        return -1;
    }
    result = base_task_queue_push(other, note, NULL);
    if (result != 0) {
        assert_int_equal(base_task_queue_length(other), 0);
    }
    base_task_queue_destroy(other);
    return result;
}

static void test_no_memory(void **state)
{
    (void)state;
    logfile_begin();
    assert_int_equal(failmalloc_each(create_and_push, NULL, 0), 2);
    logfile_end();
}

__attribute__((visibility("default"))) int __wrap_eventfd(unsigned count, int flags);
int __real_eventfd(unsigned count, int flags);
static int no_eventfd;

int __wrap_eventfd(unsigned count, int flags)
{
    return no_eventfd ? -1 : __real_eventfd(count, flags);
}

static void test_no_descriptor(void **state)
{
    (void)state;
    logfile_begin();
    no_eventfd = 1;
    assert_null(base_task_queue_create());
    no_eventfd = 0;
    assert_non_null(strstr(logfile_text(), "eventfd"));
    logfile_end();
}

/* ---- many threads ---- */

#define PRODUCERS 4
#define EACH      20000

static unsigned next_of[PRODUCERS], wrong_order, total;

static int count_in_order(void *data)
{
    unsigned value = (unsigned)(uintptr_t)data;

    wrong_order += next_of[value / EACH]++ != value % EACH;
    total++;
    return 0;
}

static void *produce(void *data)
{
    unsigned first = (unsigned)(uintptr_t)data * EACH, i;

    for (i = 0; i < EACH; i++) {
        while (base_task_queue_push(queue, count_in_order, (void *)(uintptr_t)(first + i)) != 0) {
        }
    }
    return NULL;
}

static void test_threads_push_and_none_is_lost(void **state)
{
    struct pollfd poller = {.fd = base_task_queue_fd(queue), .events = POLLIN};
    pthread_t threads[PRODUCERS];
    int i;

    (void)state;
    for (i = 0; i < PRODUCERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, produce, (void *)(intptr_t)i), 0);
    }
    /* A wake-up that gets lost shows as a poll that waits for ever. */
    while (total < PRODUCERS * EACH) {
        assert_int_equal(poll(&poller, 1, 10000), 1);
        assert_true(base_task_queue_run(queue, 100) <= 100);
    }
    for (i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(wrong_order, 0);
    assert_int_equal(total, PRODUCERS * EACH);
    base_task_queue_run(queue, 1);
    assert_false(readable());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tasks_run_in_order, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_left_keeps_the_descriptor_readable, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_a_task_that_pushes_itself_lets_others_in, begin, end),
        cmocka_unit_test_setup_teardown(test_closed, begin, end),
        cmocka_unit_test_setup_teardown(test_a_node_is_the_callers_when_it_runs, begin, end),
        cmocka_unit_test_setup_teardown(test_a_failing_task_is_told_at_debug_level, begin, end),
        cmocka_unit_test_setup_teardown(test_destroyed_with_tasks, begin, end),
        cmocka_unit_test_setup_teardown(test_nodes_are_used_again, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_no_descriptor, begin, end),
        cmocka_unit_test_setup_teardown(test_threads_push_and_none_is_lost, begin, end),
    };

    return cmocka_run_group_tests_name("task", tests, NULL, NULL);
}
