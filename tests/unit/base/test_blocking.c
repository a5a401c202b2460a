/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocking pool: where work and its end run, its own end, no memory, no threads. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <pj/os.h>

#include "base/base.h"
#include "failmalloc.h"
#include "logfile.h"

static struct base_task_queue *back;

static int begin(void **state)
{
    (void)state;
    back = base_task_queue_create();
    return back ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    base_task_queue_destroy(back);
    return 0;
}

struct job {
    pthread_t worked_on;
    int known_to_pj;
    int signals_blocked;
    int result;
    int done;
};

static int work(void *data)
{
    struct job *job = data;
    sigset_t mask;

    job->worked_on = pthread_self();
    job->known_to_pj = pj_thread_is_registered();
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    job->signals_blocked = sigismember(&mask, SIGTERM) == 1;
    return job->result;
}

static void done(void *data, int result)
{
    struct job *job = data;

    assert_int_equal(result, job->result);
    job->done++;
}

static void wait_for_tasks(unsigned count)
{
    struct pollfd poller = {.fd = base_task_queue_fd(back), .events = POLLIN};

    while (count > 0) {
        assert_int_equal(poll(&poller, 1, 10000), 1);
        count -= base_task_queue_run(back, count);
    }
}

static void test_work_off_the_thread_and_done_on_it(void **state)
{
    struct base_blocking_pool *pool = base_blocking_pool_create(2, back);
    struct job jobs[8] = {{0}};
    int i;

    (void)state;
    assert_non_null(pool);
    for (i = 0; i < 8; i++) {
        jobs[i].result = i - 4;
        assert_int_equal(base_blocking_pool_push(pool, work, done, &jobs[i]), 0);
    }
    wait_for_tasks(8);
    for (i = 0; i < 8; i++) {
        assert_int_equal(jobs[i].done, 1);
        assert_false(pthread_equal(jobs[i].worked_on, pthread_self()));
        assert_true(jobs[i].known_to_pj);
        assert_true(jobs[i].signals_blocked);
    }
    base_blocking_pool_destroy(pool);
}

static int slow_work(void *data)
{
    usleep(2000);
    atomic_fetch_add((atomic_int *)data, 1);
    return 0;
}

static void no_done(void *data, int result)
{
    (void)data;
    (void)result;
}

static void test_destroy_waits_for_all_work(void **state)
{
    struct base_blocking_pool *pool = base_blocking_pool_create(2, back);
    atomic_int worked = 0;
    int i;

    (void)state;
    for (i = 0; i < 20; i++) {
        assert_int_equal(base_blocking_pool_push(pool, slow_work, no_done, &worked), 0);
    }
    base_task_queue_close(back);
    base_blocking_pool_destroy(pool);
    assert_int_equal(worked, 20);
    assert_int_equal(base_task_queue_run(back, 100), 20); /* although it was closed */
    base_blocking_pool_destroy(NULL);
}

static atomic_int was_refused;

static int harmless_work(void *data)
{
    (void)data;
    return 0;
}

static int push_until_refused(void *data)
{
    while (base_blocking_pool_push(data, harmless_work, no_done, NULL) == 0) {
        usleep(1000);
    }
    was_refused = 1;
    return 0;
}

static void test_a_push_while_it_ends_is_refused(void **state)
{
    struct base_blocking_pool *pool = base_blocking_pool_create(1, back);

    (void)state;
    was_refused = 0;
    assert_int_equal(base_blocking_pool_push(pool, push_until_refused, no_done, pool), 0);
    base_blocking_pool_destroy(pool);
    assert_true(was_refused);
    while (base_task_queue_run(back, 100) > 0) { /* the ends of what was not refused */
    }
}

__attribute__((visibility("default"))) int __wrap_pthread_create(pthread_t *thread,
                                                                 const pthread_attr_t *attributes,
                                                                 void *(*run)(void *), void *data);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *data);
static int threads_left = -1; /* -1: no limit */

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *data)
{
    if (threads_left == 0) {
        return EAGAIN;
    }
    threads_left -= threads_left > 0;
    return __real_pthread_create(thread, attributes, run, data);
}

static void test_no_threads(void **state)
{
    sigset_t before, after;

    (void)state;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    logfile_begin();
    threads_left = 2;
    assert_null(base_blocking_pool_create(3, back));
    threads_left = -1;
    assert_non_null(strstr(logfile_text(), "no thread can be made"));
    logfile_end();
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
}

static int create_and_push(void *data)
{
    struct base_blocking_pool *pool = base_blocking_pool_create(1, back);
    struct job job = {0};
    int result;

    (void)data;
    if (!pool) {
        return -1;
    }
    result = base_blocking_pool_push(pool, work, done, &job);
    base_blocking_pool_destroy(pool);
    assert_int_equal(base_task_queue_run(back, 10), result == 0 ? 1 : 0);
    return result;
}

static void test_no_memory(void **state)
{
    (void)state;
    logfile_begin();
    assert_int_equal(failmalloc_each(create_and_push, NULL, 0), 2);
    logfile_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_work_off_the_thread_and_done_on_it, begin, end),
        cmocka_unit_test_setup_teardown(test_destroy_waits_for_all_work, begin, end),
        cmocka_unit_test_setup_teardown(test_a_push_while_it_ends_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_no_threads, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
    };
    int result;

    if (pj_init() != PJ_SUCCESS) {
        return 1;
    }
    result = cmocka_run_group_tests_name("blocking", tests, NULL, NULL);
    pj_shutdown();
    return result;
}
