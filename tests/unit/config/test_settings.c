/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sipsession.conf: defaults, every section, modules, what is wrong. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sipsession/log.h>

#include "failmalloc.h"
#include "files.h"
#include "res_sip/guard/guard.h"

static struct config_settings settings;

static int end(void **state)
{
    config_settings_release(&settings);
    return files_end(state);
}

static int load(const char *text)
{
    config_settings_release(&settings);
    return config_settings_load(files_write("s", text), report, &settings);
}

static void check_good(const char *text)
{
    int result = load(text);

    files_check("");
    assert_int_equal(result, 0);
}

static void check_bad(const char *text, const char *problems)
{
    assert_int_equal(load(text), -1);
    files_check(problems);
    assert_null(settings.modules);
}

static void check_defaults(void)
{
    struct sip_guard_limits guard;
    struct media_config media;

    sip_guard_defaults(&guard);
    assert_memory_equal(&settings.guard, &guard, sizeof(guard));
    media_config_init(&media);
    assert_string_equal(settings.modules, CONFIG_DEFAULT_MODULES);
    assert_memory_equal(&settings.media, &media, sizeof(media));
    assert_int_equal(settings.media.port_start, 10000);
    assert_int_equal(settings.media.port_end, 20000);
    assert_int_equal(settings.log_level, AST_LOG_NOTICE);
    assert_null(settings.log_file);
    assert_null(settings.sounds);
    assert_string_equal(settings.store_file + strlen(settings.store_file) - 14, "/sipsession.db");
}

static void test_defaults(void **state)
{
    (void)state;
    assert_int_equal(config_settings_load(files_path("nosuch"), report, &settings), 0);
    files_check("");
    check_defaults();
    check_good("");
    check_defaults();
    check_good("[modules]\n[rtp]\n[media]\n[log]\n[dialplan]\n");
    check_defaults();
}

static void test_everything(void **state)
{
    (void)state;
    check_good(
        "[RTP]\nstart=30000\nend=30100\n[media]\nthreads=2\n[log]\nlevel=debug\nfile=/var/log/x\n"
        "[dialplan]\nsounds=/usr/share/sounds\n[modules]\nload=b\nload=/p/a.so\n"
        "[store]\nfile=/var/lib/s.db\n");
    assert_int_equal(settings.media.port_start, 30000);
    assert_int_equal(settings.media.port_end, 30100);
    assert_int_equal(settings.media.threads, 2);
    assert_int_equal(settings.log_level, AST_LOG_DEBUG);
    assert_string_equal(settings.log_file, "/var/log/x");
    assert_string_equal(settings.sounds, "/usr/share/sounds");
    assert_string_equal(settings.modules, "b /p/a.so");
    assert_string_equal(settings.store_file, "/var/lib/s.db");
    check_good("[store]\nfile=\n");
    assert_null(settings.store_file);
}

static void test_levels(void **state)
{
    static const char *const levels[] = {"error", "warning", "notice", "verbose", "debug"};
    int i;

    (void)state;
    for (i = 0; i < 5; i++) {
        char text[40];

        snprintf(text, sizeof(text), "[log]\nlevel=%s\n", levels[i]);
        check_good(text);
        assert_int_equal(settings.log_level, i); /* in the order of enum ast_log_level */
    }
    check_bad("[log]\nlevel=loud\n",
              "s:2: error: wrong value 'loud' of option 'level', expected error, warning, notice, "
              "verbose or debug\n");
}

static void test_modules(void **state)
{
    (void)state;
    check_good("[modules]\nload=a\nload=b\nnoload=a\n");
    assert_string_equal(settings.modules, "b");
    check_good("[modules]\nnoload=sdp_rtp\n");
    assert_string_equal(settings.modules, &CONFIG_DEFAULT_MODULES[sizeof("sdp_rtp")]);
    check_good("[modules]\nnoload=other\n");
    assert_string_equal(settings.modules, CONFIG_DEFAULT_MODULES);
    check_good("[modules]\nload=ab\nnoload=a\n"); /* whole names */
    assert_string_equal(settings.modules, "ab");
    check_good("[modules]\nload=a\nnoload=ab\n");
    assert_string_equal(settings.modules, "a");
    assert_int_equal(load("[modules]\nload=a\nload=a\n"), 0);
    files_check("s:3: warning: load: 'a' is there already\n");
    assert_string_equal(settings.modules, "a");
    check_bad(
        "[modules]\nload=a b\nload=\nnoload=a,b\n",
        "s:2: error: wrong value 'a b' of option 'load', expected the name of one module, or its path\n"
        "s:3: error: wrong value '' of option 'load', expected the name of one module, or its path\n"
        "s:4: error: wrong value 'a,b' of option 'noload', expected the name of one module, or its path\n");
}

static void test_paths(void **state)
{
    (void)state;
    check_good("[log]\nfile=x.log\n[dialplan]\nsounds=sounds/en\n");
    assert_string_equal(settings.log_file, files_path("x.log"));
    assert_string_equal(settings.sounds, files_path("sounds/en"));
    check_good("[log]\nfile=\n[dialplan]\nsounds=\n");
    assert_null(settings.log_file);
    assert_null(settings.sounds);
}

static void test_ports(void **state)
{
    (void)state;
    check_bad(
        "[rtp]\nstart=10001\n",
        "s:2: error: RTP ports 10001 to 20000, expected start to be even and end to be higher\n");
    check_bad(
        "[rtp]\nend=9999\n",
        "s:2: error: RTP ports 10000 to 9999, expected start to be even and end to be higher\n");
    check_bad(
        "[rtp]\nstart=1022\nend=65536\n",
        "s:2: error: wrong value '1022' of option 'start', expected a whole number from 1024 to 65534\n"
        "s:3: error: wrong value '65536' of option 'end', expected a whole number from 1025 to 65535\n");
    check_bad(
        "[media]\nthreads=0\n",
        "s:2: error: wrong value '0' of option 'threads', expected a whole number from 1 to 16\n");
}

static void test_unknown(void **state)
{
    (void)state;
    check_bad("[rpt]\nstart=1\n", "s:1: error: unknown section [rpt], expected e.g. [rtp]\n");
    check_bad("[xyzzy]\n", "s:1: error: unknown section [xyzzy], expected e.g. [modules]\n");
    check_bad("[rtp]\nstat=10000\n",
              "s:2: error: rtp has no option 'stat', expected e.g. 'start'\n");
    check_bad("[rtp]\nnothing\n", "s:2: error: no '=' in the line, expected name = value\n");
    check_good("[t](!)\nstart=12000\n[rtp](t)\n");
    assert_int_equal(settings.media.port_start, 12000);
}

static int load_whole(void *data)
{
    struct config_report *other = config_report_create();
    struct config_settings made;
    int result = other ? config_settings_load(data, other, &made) : -1;

    if (result == 0) {
        config_settings_release(&made);
    }
    config_report_free(other);
    return result;
}

static void test_no_memory(void **state)
{
    char path[PATH_MAX];

    (void)state;
    strcpy(path,
           files_write(
               "s", "[modules]\nload=a\nload=b\nnoload=c\n[log]\nfile=x\n[dialplan]\nsounds=y\n"));
    assert_true(failmalloc_each(load_whole, path, 0) > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, files_begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults), TEST(test_everything), TEST(test_levels),  TEST(test_modules),
        TEST(test_paths),    TEST(test_ports),      TEST(test_unknown), TEST(test_no_memory),
    };

    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
