/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which thread is the SIP thread, and what a broken invariant does. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "logfile.h"

static void *ask(void *data)
{
    *(int *)data = base_thread_is_sip();
    return NULL;
}

static int is_sip_elsewhere(void)
{
    pthread_t thread;
    int answer = -1;

    assert_int_equal(pthread_create(&thread, NULL, ask, &answer), 0);
    pthread_join(thread, NULL);
    return answer;
}

static void test_without_a_sip_thread_every_thread_may(void **state)
{
    (void)state;
    assert_true(base_thread_is_sip());
    assert_true(is_sip_elsewhere());
}

static void test_with_one_no_other_may(void **state)
{
    (void)state;
    base_thread_enter();
    assert_true(base_thread_is_sip());
    assert_false(is_sip_elsewhere());
    base_assert_sip_thread();
    base_thread_leave();
    assert_true(is_sip_elsewhere());
}

/* Runs it in a child; returns the signal that ended the child, or 0. */
static int signal_of(void (*run)(void))
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};

        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void enter_twice(void)
{
    base_thread_enter();
    base_thread_enter();
}

static void leave_unentered(void)
{
    base_thread_leave();
}

static void break_invariant(void)
{
    int two = 2;

    base_assert(two + two == 5);
}

static void keep_invariant(void)
{
    int two = 2;

    base_assert(two + two == 4);
}

static void test_a_broken_invariant_is_said_and_ends_the_process(void **state)
{
    (void)state;
    logfile_begin();
    assert_int_equal(signal_of(keep_invariant), 0);
    assert_string_equal(logfile_text(), "");
    assert_int_equal(signal_of(break_invariant), SIGABRT);
    assert_non_null(strstr(logfile_text(), "ERROR internal error: 'two + two == 5' does not hold"));
    assert_non_null(strstr(logfile_text(), "test_thread.c:"));
    assert_int_equal(signal_of(enter_twice), SIGABRT);
    assert_int_equal(signal_of(leave_unentered), SIGABRT);
    logfile_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_sip_thread_every_thread_may),
        cmocka_unit_test(test_with_one_no_other_may),
        cmocka_unit_test(test_a_broken_invariant_is_said_and_ends_the_process),
    };

    return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
