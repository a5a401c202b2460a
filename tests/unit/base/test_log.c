/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log: levels, escaping, whole lines from several threads, files. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sipsession/log.h>

#include "base/base.h"
#include "logfile.h"

static int begin(void **state)
{
    (void)state;
    ast_log_set_level(AST_LOG_NOTICE);
    logfile_begin();
    return 0;
}

static int end(void **state)
{
    (void)state;
    logfile_end();
    return 0;
}

static void test_line_has_time_level_text(void **state)
{
    int year, month, day, hour, minute, second, ms, end_of_text = 0;
    char level[16];

    (void)state;
    ast_warning("%d bottles of %s", 99, "beer");
    assert_int_equal(sscanf(logfile_text(), "%4d-%2d-%2d %2d:%2d:%2d.%3d %15s 99 bottles of beer%n",
                            &year, &month, &day, &hour, &minute, &second, &ms, level, &end_of_text),
                     8);
    assert_true(year >= 2024 && month >= 1 && month <= 12);
    assert_string_equal(level, "WARNING");
    assert_string_equal(logfile_text() + end_of_text, "\n");
}

static void test_levels_select(void **state)
{
    const char *text;

    (void)state;
    ast_verbose("unseen");
    ast_debug("unseen");
    ast_log(AST_LOG_DEBUG, "unseen");
    assert_string_equal(logfile_text(), "");
    ast_log_set_level(AST_LOG_DEBUG);
    ast_debug("d");
    ast_verbose("v");
    ast_notice("n");
    ast_error("e");
    text = logfile_text();
    assert_int_equal(logfile_lines(), 4);
    assert_non_null(strstr(text, " DEBUG d\n"));
    assert_non_null(strstr(text, " VERBOSE v\n"));
    assert_non_null(strstr(text, " NOTICE n\n"));
    assert_non_null(strstr(text, " ERROR e\n"));
    ast_log_set_level(AST_LOG_ERROR);
    assert_true(ast_log_enabled(AST_LOG_ERROR));
    assert_false(ast_log_enabled(AST_LOG_WARNING));
    assert_false(ast_log_enabled((enum ast_log_level)77));
}

static int evaluated(int *count)
{
    return ++*count;
}

static void test_dear_arguments_are_left_alone(void **state)
{
    int count = 0;

    (void)state;
    ast_debug("%d", evaluated(&count));
    ast_verbose("%d", evaluated(&count));
    assert_int_equal(count, 0);
}

static void test_a_peer_cannot_forge_a_line(void **state)
{
    (void)state;
    ast_notice("From: %s", "eve\r\n2030-01-01 00:00:00.000 ERROR forged\t\033[31m\x7f\x01");
    assert_non_null(
        strstr(logfile_text(),
               "From: eve\\r\\n2030-01-01 00:00:00.000 ERROR forged\\t\\x1b[31m\\x7f\\x01\n"));
    assert_int_equal(logfile_lines(), 1);
}

static void check_escape(const char *in, const char *expected)
{
    char out[256];

    assert_int_equal(base_log_escape(out, sizeof(out), in), strlen(expected));
    assert_string_equal(out, expected);
}

static void test_utf8_stays_and_what_is_none_is_escaped(void **state)
{
    (void)state;
    check_escape("J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x98\x80",
                 "J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x98\x80");
    check_escape("\xff\xc0\xaf", "\\xff\\xc0\\xaf");
    check_escape("\xc3", "\\xc3");                       /* cut off */
    check_escape("\xe2\x82", "\\xe2\\x82");              /* cut off */
    check_escape("\xf0\x9f\x98", "\\xf0\\x9f\\x98");     /* cut off */
    check_escape("\xc2\x9b[31m", "\\xc2\\x9b[31m");      /* CSI of 8 bits */
    check_escape("a\xe2\x80\xa8z", "a\\xe2\\x80\\xa8z"); /* line separator */
    check_escape("", "");
}

static void test_escape_fits_at_every_size(void **state)
{
    const char *text = "a\xc3\xbc\n\xe2\x82\xac"
                       "b\x01"
                       "cdefgh";
    char whole[64], out[64];
    size_t length = base_log_escape(whole, sizeof(whole), text), size;

    (void)state;
    for (size = 4; size <= length + 1; size++) {
        size_t used;

        memset(out, '#', sizeof(out));
        used = base_log_escape(out, size, text);
        assert_true(used < size);
        assert_int_equal(out[used], '\0');
        assert_int_equal(out[size], '#');
        if (size == length + 1) {
            assert_string_equal(out, whole);
        } else {
            assert_string_equal(out + used - 3, "...");
            assert_memory_equal(out, whole, used - 3);
        }
    }
}

static void test_a_long_line_is_cut_to_one_write(void **state)
{
    static char text[20000];
    const char *line;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    ast_notice("%s", text);
    ast_notice("next");
    line = logfile_text();
    assert_int_equal(logfile_lines(), 2);
    assert_int_equal(strcspn(line, "\n"), 4095);
    assert_memory_equal(strchr(line, '\n') - 3, "...", 3);
    memset(text, '\n', sizeof(text) - 1);
    ast_notice("%s", text);
    logfile_text();
    assert_int_equal(logfile_lines(), 3);
}

static void test_errno_goes_in_and_stays(void **state)
{
    (void)state;
    errno = ENOENT;
    ast_error("open: %m");
    assert_int_equal(errno, ENOENT);
    assert_non_null(strstr(logfile_text(), "open: No such file or directory\n"));
    assert_int_equal(base_log_open("/dev/full"), 0);
    errno = ENOENT;
    ast_error("cannot be written");
    assert_int_equal(errno, ENOENT);
}

static void test_rotation(void **state)
{
    char first[] = "/tmp/sipsession-unit-a-XXXXXX", second[] = "/tmp/sipsession-unit-b-XXXXXX";
    char line[128] = "";
    int fd = mkstemp(second);
    FILE *file;

    (void)state;
    close(mkstemp(first));
    assert_int_equal(write(fd, "before\n", 7), 7);
    close(fd);
    assert_int_equal(base_log_open(first), 0);
    assert_int_equal(base_log_open(second), 0);
    ast_notice("to the second");
    assert_int_equal(base_log_open("/nonexistent/folder/log"), -1); /* is said where the log was */
    file = fopen(first, "r");
    assert_null(fgets(line, sizeof(line), file));
    fclose(file);
    file = fopen(second, "r");
    assert_non_null(fgets(line, sizeof(line), file));
    assert_string_equal(line, "before\n"); /* what was there stays */
    assert_non_null(fgets(line, sizeof(line), file));
    assert_non_null(strstr(line, "to the second\n"));
    assert_non_null(fgets(line, sizeof(line), file));
    assert_non_null(strstr(line, "/nonexistent/folder/log: No such file"));
    fclose(file);
    unlink(first);
    unlink(second);
}

#define THREADS 4
#define LINES   2000

static void *write_lines(void *data)
{
    int i;

    for (i = 0; i < LINES; i++) {
        ast_notice("thread %d line %d end", (int)(intptr_t)data, i);
    }
    return NULL;
}

static void test_threads_write_whole_lines(void **state)
{
    pthread_t threads[THREADS];
    int next[THREADS] = {0}, i;
    const char *line;

    (void)state;
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, (void *)(intptr_t)i), 0);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (line = logfile_text(); *line; line = strchr(line, '\n') + 1) {
        int thread, number, length = 0;

        assert_int_equal(sscanf(line, "%*s %*s NOTICE thread %d line %d end%n", &thread, &number,
                                &length),
                         2);
        assert_int_equal(line[length], '\n');
        assert_in_range(thread, 0, THREADS - 1);
        assert_int_equal(number, next[thread]++);
    }
    assert_int_equal(logfile_lines(), THREADS * LINES);
}

static char shown[300];

static void show(int level, const char *text, void *data)
{
    assert_ptr_equal(data, shown);
    snprintf(shown + strlen(shown), sizeof(shown) - strlen(shown), "%d %s|", level, text);
}

/* Whoever asks is shown what his thread logs, also what the level leaves out. */
static void test_a_copy(void **state)
{
    (void)state;
    shown[0] = '\0';
    ast_log_set_level(AST_LOG_ERROR);
    base_log_copy(show, shown);
    ast_warning("one\n");
    ast_error("two");
    ast_notice("three");
    ast_log(AST_LOG_DEBUG, "four");
    base_log_copy(NULL, NULL);
    ast_error("five");
    logfile_text();
    assert_string_equal(shown, "1 one\\n|0 two|2 three|");
    assert_int_equal(logfile_lines(), 2);
    ast_log_set_level(AST_LOG_NOTICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_line_has_time_level_text, begin, end),
        cmocka_unit_test_setup_teardown(test_levels_select, begin, end),
        cmocka_unit_test_setup_teardown(test_dear_arguments_are_left_alone, begin, end),
        cmocka_unit_test_setup_teardown(test_a_peer_cannot_forge_a_line, begin, end),
        cmocka_unit_test(test_utf8_stays_and_what_is_none_is_escaped),
        cmocka_unit_test(test_escape_fits_at_every_size),
        cmocka_unit_test_setup_teardown(test_a_long_line_is_cut_to_one_write, begin, end),
        cmocka_unit_test_setup_teardown(test_errno_goes_in_and_stays, begin, end),
        cmocka_unit_test_setup_teardown(test_rotation, begin, end),
        cmocka_unit_test_setup_teardown(test_a_copy, begin, end),
        cmocka_unit_test_setup_teardown(test_threads_write_whole_lines, begin, end),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
