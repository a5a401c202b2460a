/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has changed between two readings of a folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "failmalloc.h"
#include "files.h"

/* What is said when pjsip.conf changes from one text to another. */
static void check(const char *before, const char *now, const char *expected)
{
    struct config_sums *old, *new;
    char *text = NULL;
    size_t length;
    FILE *out;
    unsigned lines = 0;

    files_write("pjsip.conf", before);
    old = config_sums_read(files_folder());
    files_write("pjsip.conf", now);
    new = config_sums_read(files_folder());
    assert_non_null(old);
    assert_non_null(new);
    out = open_memstream(&text, &length);
    lines = config_sums_compare(old, new, out);
    fclose(out);
    assert_string_equal(text, expected);
    while (*expected) {
        lines -= *expected++ == '\n';
    }
    assert_int_equal(lines, 0);
    free(text);
    config_sums_free(old);
    config_sums_free(new);
}

static void test_nothing(void **state)
{
    (void)state;
    check("", "", "");
    check("[a]\ntype=endpoint\n[b]\ntype=aor\n",
          "[b]\ntype = aor ; a comment\n\n[a]\ntype=endpoint\n", "");
    /* of the same name and type: one */
    check("[a]\ntype=aor\n[a]\ntype=endpoint\nallow=ulaw\n",
          "[a]\ntype=endpoint\nallow=ulaw\n[a]\ntype=aor\n", "");
}

static void test_changes(void **state)
{
    (void)state;
    check("[a]\ntype=endpoint\n[b]\ntype=endpoint\nx=1\n[global]\n",
          "[c]\ntype=endpoint\n[b]\ntype=endpoint\nx=2\n[a]\ntype=aor\n[global]\ny=1\n",
          "pjsip.conf: aor: 1 new (a)\n"
          "pjsip.conf: endpoint: 1 new (c), 1 changed (b), 1 gone (a)\n"
          "pjsip.conf: global: 1 changed (global)\n");
    check("[a]\ntype=aor\n", "", "pjsip.conf: aor: 1 gone (a)\n");
    check("", "[z]\ntype=aor\n", "pjsip.conf: aor: 1 new (z)\n");
}

/* A line of a template is one of each section that inherits it; the template is no section. */
static void test_templates(void **state)
{
    (void)state;
    check("[t](!)\nx=1\n[a](t)\ntype=aor\n[b]\ntype=aor\n",
          "[t](!)\nx=2\n[a](t)\ntype=aor\n[b]\ntype=aor\n", "pjsip.conf: aor: 1 changed (a)\n");
}

static void test_where_a_line_ends(void **state)
{
    (void)state;
    check("[a]\ntype=aor\nab=c\n", "[a]\ntype=aor\na=bc\n", "pjsip.conf: aor: 1 changed (a)\n");
}

static void test_many(void **state)
{
    char text[4000] = "";

    (void)state;
    for (int i = 0; i < 100; i++) {
        sprintf(text + strlen(text), "[n%02d]\ntype=aor\n", i);
    }
    check("", text, "pjsip.conf: aor: 100 new (n00, n01, n02, n03, n04, n05, n06, n07, ...)\n");
}

static void test_other_files(void **state)
{
    struct config_sums *old, *new;
    char text[300] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    (void)state;
    files_write("pjsip.conf", "");
    files_write("extensions.conf", "[a]\nexten = x,1,NoOp()\n");
    files_write("sipsession.conf", "[rtp]\nstart=10000\n");
    old = config_sums_read(files_folder());
    files_write("extensions.conf", "[a]\nexten = x,1,NoOp(1)\n[b]\n");
    files_write("sipsession.conf", "[rtp]\nstart=12000\n");
    new = config_sums_read(files_folder());
    assert_int_equal(config_sums_compare(old, new, out), 2);
    fclose(out);
    assert_string_equal(text, "extensions.conf: context: 1 new (b), 1 changed (a)\n"
                              "sipsession.conf: section: 1 changed (rtp)\n");
    config_sums_free(old);
    config_sums_free(new);
}

static void test_control_path(void **state)
{
    char path[4096], wanted[4096];

    (void)state;
    snprintf(wanted, sizeof(wanted), "%s/sipsession.sock", files_folder());
    assert_int_equal(config_control_path(files_folder(), path, sizeof(path)), 0);
    assert_string_equal(path, wanted);
    files_write("sipsession.conf",
                "[nonsense]\nsocket=no\n[control]\nno such option\nsocket = a/b\n");
    snprintf(wanted, sizeof(wanted), "%s/a/b", files_folder());
    assert_int_equal(config_control_path(files_folder(), path, sizeof(path)), 0);
    assert_string_equal(path, wanted);
    files_write("sipsession.conf", "[control]\nsocket = /run/x\n");
    assert_int_equal(config_control_path(files_folder(), path, sizeof(path)), 0);
    assert_string_equal(path, "/run/x");
    assert_int_equal(config_control_path(files_folder(), path, 6), -1);
    files_write("sipsession.conf", "[control]\nsocket =\n");
    assert_int_equal(config_control_path(files_folder(), path, sizeof(path)), -1);
}

static int read_whole(void *unused)
{
    struct config_sums *sums = config_sums_read(files_folder());

    (void)unused;
    config_sums_free(sums);
    return sums ? 0 : -1;
}

static void test_no_memory(void **state)
{
    (void)state;
    files_write("pjsip.conf", "[a]\ntype=aor\n[b]\ntype=endpoint\n");
    assert_true(failmalloc_each(read_whole, NULL, 1) > 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, files_begin, files_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing),           TEST(test_changes),   TEST(test_templates),
        TEST(test_where_a_line_ends), TEST(test_many),      TEST(test_other_files),
        TEST(test_control_path),      TEST(test_no_memory),
    };

    return cmocka_run_group_tests_name("sums", tests, NULL, NULL);
}
