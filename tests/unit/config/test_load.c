/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder as a whole: load and check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "files.h"

#define PJSIP      "[udp]\ntype=transport\nbind=127.0.0.1\n[e]\ntype=endpoint\nallow=ulaw\ncontext=in\n"
#define EXTENSIONS "[in]\nexten => 1,1,NoOp()\n"

static int begin(void **state)
{
    return files_begin(state) == 0 ? chan_register_applications() : -1;
}

static int end(void **state)
{
    chan_unregister_applications();
    return files_end(state);
}

static void test_load(void **state)
{
    struct config config;

    (void)state;
    files_write("pjsip.conf", PJSIP);
    files_write("extensions.conf", EXTENSIONS);
    files_write("sipsession.conf", "[media]\nthreads=2\n");
    assert_int_equal(config_load(files_folder(), report, &config), 0);
    files_check("");
    assert_non_null(config.sip->transports);
    assert_non_null(pbx_find_context(config.pbx, "in"));
    assert_int_equal(config.settings.media.threads, 2);
    config_release(&config);
    assert_null(config.sip);
}

static void test_the_least_that_is_a_configuration(void **state)
{
    struct config config;

    (void)state;
    files_write("pjsip.conf", PJSIP);
    assert_int_equal(config_load(files_folder(), report, &config), 0);
    files_check(
        "extensions.conf: warning: there is no such file: every call is refused with 404\n");
    assert_null(config.pbx);
    assert_string_equal(config.settings.modules, CONFIG_DEFAULT_MODULES);
    config_release(&config);
}

static void test_no_folder(void **state)
{
    struct config config = {.pbx = NULL};
    char long_path[5000];

    (void)state;
    assert_int_equal(config_load(files_path("nosuch"), report, &config), -1);
    files_check(
        "nosuch/extensions.conf: warning: there is no such file: every call is refused with 404\n"
        "nosuch/pjsip.conf: error: No such file or directory\n");
    assert_null(config.sip);
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    assert_int_equal(config_load(long_path, report, &config), -1);
    assert_int_equal(config_report_errors(report), 4);
}

static void test_context_that_is_not_in_the_dialplan(void **state)
{
    struct config config;

    (void)state;
    files_write("pjsip.conf", PJSIP);
    files_write("extensions.conf", "[out]\nexten => 1,1,NoOp()\n");
    assert_int_equal(config_load(files_folder(), report, &config), 0);
    files_check(
        "pjsip.conf:7: warning: extensions.conf has no context 'in': calls of 'e' are refused with 404\n");
    config_release(&config);
}

static void test_wizard(void **state)
{
    struct config config;

    (void)state;
    files_write("pjsip.conf", PJSIP);
    files_write("extensions.conf", EXTENSIONS);
    files_write("pjsip_wizard.conf", "");
    assert_int_equal(config_load(files_folder(), report, &config), 0);
    files_check(
        "pjsip_wizard.conf: warning: pjsip_wizard.conf is not supported: nothing of it has an effect\n");
    config_release(&config);
}

static void test_errors_of_every_file(void **state)
{
    struct config config;

    (void)state;
    files_write("pjsip.conf", PJSIP "rtp_timeout=x\n");
    files_write("extensions.conf", "[in]\nexten => 1,1,Answr()\n");
    files_write("sipsession.conf", "[medai]\n");
    assert_int_equal(config_load(files_folder(), report, &config), -1);
    files_check_has("sipsession.conf:1: error: unknown section [medai], expected e.g. [media]");
    files_check_has("extensions.conf:2: error: ");
    files_check_has("pjsip.conf:8: error: wrong value 'x' of option 'rtp_timeout'");
}

/* What config_check prints, without the folder's name; returns what it returned. */
static int check(char *text, size_t size)
{
    FILE *file = fmemopen(text, size, "w");
    size_t prefix = strlen(files_folder());
    char *at;
    int errors;

    assert_non_null(file);
    errors = config_check(files_folder(), file);
    fputc('\0', file);
    fclose(file);
    while ((at = strstr(text, files_folder()))) {
        memmove(at, at + prefix, strlen(at + prefix) + 1);
    }
    return errors;
}

static void test_check(void **state)
{
    char text[2000];

    (void)state;
    files_write("pjsip.conf", PJSIP);
    files_write("extensions.conf", EXTENSIONS);
    assert_int_equal(check(text, sizeof(text)), 0);
    assert_string_equal(text, ": 0 errors, 0 warnings\n");
    files_write("pjsip.conf", PJSIP "ice_support=yes\nalow=x\nauth=e\n");
    assert_int_equal(check(text, sizeof(text)), 2);
    assert_string_equal(
        text, "/pjsip.conf:8: warning: option 'ice_support' is not supported: 'yes' has no effect\n"
              "/pjsip.conf:9: error: endpoint has no option 'alow', expected e.g. 'allow'\n"
              "/pjsip.conf:10: error: there is no auth 'e', expected the name of a section of "
              "type=auth\n"
              ": 2 errors, 1 warning\n");
}

/* What a newcomer starts with says nothing that he would have to understand first. */
static void test_the_quick_start_is_silent(void **state)
{
    struct config config;

    (void)state;
    assert_int_equal(config_load(SIPSESSION_SOURCE_DIR "/examples/quickstart", report, &config), 0);
    files_check("");
    config_release(&config);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_load),      TEST(test_the_least_that_is_a_configuration),
        TEST(test_no_folder), TEST(test_context_that_is_not_in_the_dialplan),
        TEST(test_wizard),    TEST(test_errors_of_every_file),
        TEST(test_check),     TEST(test_the_quick_start_is_silent),
    };

    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
