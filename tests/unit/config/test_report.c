/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report: counts, order, repetition, what it shows, no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "failmalloc.h"
#include "files.h"
#include "logfile.h"

static void test_counts_and_order(void **state)
{
    (void)state;
    config_error(report, "a.conf", 3, "wrong %d", 1);
    config_warning(report, "b.conf", 0, "odd");
    config_error(report, "a.conf", 1, "wrong %d", 2);
    assert_int_equal(config_report_errors(report), 2);
    assert_int_equal(config_report_warnings(report), 1);
    assert_string_equal(config_report_first(report)->text, "wrong 1");
    assert_string_equal(config_report_first(report)->next->file, "b.conf");
    files_check("a.conf:3: error: wrong 1\nb.conf: warning: odd\na.conf:1: error: wrong 2\n");
}

static void test_the_same_is_said_once(void **state)
{
    (void)state;
    config_error(report, "a.conf", 3, "wrong");
    config_error(report, "a.conf", 3, "wrong");
    config_warning(report, "a.conf", 3, "wrong");
    config_error(report, "a.conf", 4, "wrong");
    config_error(report, "b.conf", 3, "wrong");
    config_error(report, "a.conf", 3, "more");
    assert_int_equal(config_report_errors(report), 4);
    assert_int_equal(config_report_warnings(report), 1);
}

static void test_text_of_the_file_is_escaped(void **state)
{
    (void)state;
    config_error(report, "a\n.conf", 3, "'%s'", "\033[31m\nforged");
    files_check("a\\n.conf:3: error: '\\x1b[31m\\nforged'\n");
}

static void test_long_text_is_cut(void **state)
{
    static char text[100000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    config_error(report, "a.conf", 1, "%s", text);
    assert_int_equal(strlen(config_report_first(report)->text), 1023);
    files_check_has("xxx");
}

static void test_there_is_an_end(void **state)
{
    unsigned i;

    (void)state;
    for (i = 1; i <= 6000; i++) {
        config_error(report, "a.conf", i, "wrong");
    }
    assert_int_equal(config_report_errors(report), 6000);
    files_check_has("\nand 1000 more\n");
}

static void test_logged(void **state)
{
    (void)state;
    config_error(report, "a.conf", 3, "wrong");
    config_warning(report, "b.conf", 0, "odd");
    logfile_begin();
    config_report_log(report);
    assert_non_null(strstr(logfile_text(), " ERROR a.conf:3: wrong\n"));
    assert_non_null(strstr(logfile_text(), " WARNING b.conf: odd\n"));
    assert_int_equal(logfile_lines(), 2);
    logfile_end();
}

static int create_and_add(void *data)
{
    struct config_report *other = config_report_create();
    int result;

    (void)data;
    if (!other) {
        return -1;
    }
    config_error(other, "a.conf", 3, "wrong");
    assert_int_equal(config_report_errors(other), 1); /* it counts in any case */
    result = config_report_first(other) ? 0 : -1;
    config_report_free(other);
    return result;
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(failmalloc_each(create_and_add, NULL, 0), 4);
    config_report_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counts_and_order, files_begin, files_end),
        cmocka_unit_test_setup_teardown(test_the_same_is_said_once, files_begin, files_end),
        cmocka_unit_test_setup_teardown(test_text_of_the_file_is_escaped, files_begin, files_end),
        cmocka_unit_test_setup_teardown(test_long_text_is_cut, files_begin, files_end),
        cmocka_unit_test_setup_teardown(test_there_is_an_end, files_begin, files_end),
        cmocka_unit_test_setup_teardown(test_logged, files_begin, files_end),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
