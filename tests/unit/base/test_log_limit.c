/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines that strangers can cause, under simulated time: few are written, and those passed over are counted. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sipsession/log.h>

#include "base/base.h"
#include "logfile.h"

static unsigned now;

static unsigned simulated(void)
{
    return now;
}

static int begin(void **state)
{
    (void)state;
    ast_log_set_level(AST_LOG_NOTICE);
    base_log_limit_clock(simulated);
    now += 100;
    logfile_begin();
    return 0;
}

static int end(void **state)
{
    (void)state;
    logfile_end();
    base_log_limit_clock(NULL);
    return 0;
}

static void refuse(unsigned times, const char *who)
{
    while (times-- > 0) {
        ast_notice_limited("%s is refused: %d", who, 403);
    }
}

static unsigned count(const char *text)
{
    const char *at = logfile_text();
    unsigned found = 0;

    while ((at = strstr(at, text))) {
        found++;
        at += strlen(text);
    }
    return found;
}

static void test_few_are_written(void **state)
{
    (void)state;
    refuse(5, "alice");
    assert_int_equal(count(" NOTICE alice is refused: 403\n"), 5);
    assert_int_equal(base_log_tell(0), -1);
    now++;
    refuse(5, "alice");
    assert_int_equal(count(" NOTICE alice is refused: 403\n"), 10);
    assert_int_equal(base_log_tell(0), -1);
    assert_int_equal(logfile_lines(), 10);
}

/* By whoever looks after the second, once. */
static void test_the_others_are_told(void **state)
{
    (void)state;
    refuse(1239, "mallory");
    assert_int_equal(count(" NOTICE mallory is refused: 403\n"), 5);
    assert_int_equal(base_log_tell(0), 1000); /* the second is not over */
    assert_int_equal(count("more like"), 0);
    now++;
    assert_int_equal(base_log_tell(0), -1);
    assert_int_equal(count(" NOTICE ... and 1234 more like \"%s is refused: %d\"\n"), 1);
    now++;
    assert_int_equal(base_log_tell(0), -1);
    assert_int_equal(base_log_tell(1), -1);
    assert_int_equal(count("more like"), 1);
    refuse(6, "mallory");
    now++;
    base_log_tell(0);
    assert_int_equal(count(" NOTICE ... and 1 more like "), 1);
}

/* The next line of the same place tells, too, and before itself. */
static void test_told_by_the_next_one(void **state)
{
    const char *told, *next;

    (void)state;
    refuse(10, "mallory");
    now += 7;
    refuse(1, "bob");
    told = strstr(logfile_text(), "... and 5 more like ");
    next = strstr(logfile_text(), "bob is refused");
    assert_true(told && next && told < next);
    assert_int_equal(base_log_tell(0), -1); /* it waited for nothing */
    now++;
    assert_int_equal(base_log_tell(0), -1);
    assert_int_equal(count("more like"), 1);
}

/* A flood in one place takes nothing from the others. */
static void test_each_place_for_itself(void **state)
{
    (void)state;
    refuse(1000, "mallory");
    ast_warning_limited("the disk is full");
    ast_error_limited("alone");
    assert_int_equal(count(" WARNING the disk is full\n"), 1);
    assert_int_equal(count(" ERROR alone\n"), 1);
    for (unsigned i = 0; i < 8; i++) {
        ast_warning_limited("two of them");
    }
    now++;
    assert_int_equal(base_log_tell(0), -1);
    assert_int_equal(count(" NOTICE ... and 995 more like "), 1);
    assert_int_equal(count(" WARNING ... and 3 more like \"two of them\"\n"), 1);
}

/* An hour of a flood is some lines a second, and not one message is lost from the sum. */
static void test_a_long_flood(void **state)
{
    unsigned long written, told = 0;
    unsigned long wanted = 0;

    (void)state;
    for (unsigned second = 0; second < 3600; second++) {
        refuse(100 + second % 7, "mallory");
        wanted += 100 + second % 7;
        now++;
        base_log_tell(0);
    }
    written = count("mallory is refused");
    for (const char *at = logfile_text(); (at = strstr(at, "... and ")); at++) {
        told += strtoul(at + strlen("... and "), NULL, 10);
    }
    assert_int_equal(written, 3600 * 5);
    assert_int_equal(written + told, wanted);
}

static void test_another_number(void **state)
{
    static struct ast_log_limit limit = AST_LOG_LIMIT(AST_LOG_WARNING, 1, "event=...");

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        ast_log_limited(&limit, AST_LOG_NOTICE, "event=%s", "ban");
    }
    assert_int_equal(count("NOTICE event=ban\n"), 1);
    base_log_tell(1); /* the place goes */
    assert_int_equal(count("WARNING ... and 3 more like \"event=...\"\n"), 1);
}

/* What the level drops is neither counted nor told. */
static void test_levels(void **state)
{
    (void)state;
    ast_log_set_level(AST_LOG_ERROR);
    refuse(100, "mallory");
    now++;
    assert_int_equal(base_log_tell(0), -1);
    assert_string_equal(logfile_text(), "");
}

static void test_errno_stays(void **state)
{
    (void)state;
    errno = ENOSPC;
    ast_error_limited("disk: %m");
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(count("disk: No space left on device"), 1);
}

#define THREADS 4
#define EACH    20000

static void *flood(void *unused)
{
    (void)unused;
    refuse(EACH, "mallory");
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[THREADS];
    unsigned long told = 0;

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, flood, NULL), 0);
    }
    for (int i = 0; i < 1000; i++) {
        base_log_tell(0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    now++;
    assert_int_equal(base_log_tell(0), -1);
    for (const char *at = logfile_text(); (at = strstr(at, "... and ")); at++) {
        told += strtoul(at + strlen("... and "), NULL, 10);
    }
    assert_int_equal(count("mallory is refused"), 5);
    assert_int_equal(told, THREADS * EACH - 5);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_few_are_written),
        TEST(test_the_others_are_told),
        TEST(test_told_by_the_next_one),
        TEST(test_each_place_for_itself),
        TEST(test_a_long_flood),
        TEST(test_another_number),
        TEST(test_levels),
        TEST(test_errno_stays),
        TEST(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
