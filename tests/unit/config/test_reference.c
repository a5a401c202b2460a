/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reference pages, which are what the tables say; and the tables of pjsip.conf, which know what
 * Asterisk 22 has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "config/config.h"

/* ---- the pages ---- */

/* With SIPSESSION_UPDATE_DOCS set, the page is written anew: the tables are the truth. */
static void write_page(const char *path, const char *before, size_t before_length,
                       const char *tables, const char *after)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file, "%.*s%s%s", (int)before_length, before, tables, after);
    fclose(file);
}

/* What stands between the marks of a page is what `write` writes. */
static void compare(const char *path, const char *name, void (*write)(FILE *out))
{
    static char page[1 << 18], tables[1 << 18];
    char begin_mark[128], end_mark[128], *begin, *end;
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
    fclose(file);
    file = fmemopen(tables, sizeof(tables), "w");
    assert_non_null(file);
    write(file);
    fputc('\0', file);
    assert_true((size_t)ftell(file) < sizeof(tables));
    fclose(file);
    snprintf(begin_mark, sizeof(begin_mark), "<!-- begin of what %s writes -->\n", name);
    snprintf(end_mark, sizeof(end_mark), "<!-- end of what %s writes -->\n", name);
    begin = strstr(page, begin_mark);
    end = strstr(page, end_mark);
    assert_non_null(begin);
    assert_non_null(end);
    begin += strlen(begin_mark);
    if (getenv("SIPSESSION_UPDATE_DOCS")) {
        write_page(path, page, (size_t)(begin - page), tables, end);
        return;
    }
    *end = '\0';
    assert_string_equal(begin, tables);
}

static void test_the_page_of_sipsession_conf(void **state)
{
    (void)state;
    compare(SIPSESSION_SOURCE_DIR "/docs/configuration.md", "config_write_reference",
            config_write_reference);
}

static void test_the_page_of_pjsip_conf(void **state)
{
    (void)state;
    compare(SIPSESSION_SOURCE_DIR "/docs/pjsip-conf.md", "config_write_pjsip_reference",
            config_write_pjsip_reference);
}

/* ---- what Asterisk has ---- */

#define FACTS SIPSESSION_SOURCE_DIR "/tests/unit/config/pjsip-conf-options.txt"

/* See the file: one option; `fallback` is NULL where the reference gives no default. */
struct fact {
    char type[64], name[64];
    char *fallback; /* within `line` */
    char line[256];
};

/* The next fact of the file; 0: there is none. fact->type is kept from call to call. */
static int next_fact(FILE *file, struct fact *fact)
{
    while (fgets(fact->line, sizeof(fact->line), file)) {
        char *sign;

        fact->line[strcspn(fact->line, "\n")] = '\0';
        if (sscanf(fact->line, "[%63[^]]]", fact->type) == 1 || fact->line[0] == '#' ||
            !fact->line[0]) {
            continue;
        }
        sign = strstr(fact->line, " =");
        fact->fallback = sign ? sign + 2 + (sign[2] == ' ') : NULL;
        if (sign) {
            *sign = '\0';
        }
        assert_true(strlen(fact->line) < sizeof(fact->name));
        strcpy(fact->name, fact->line);
        return 1;
    }
    return 0;
}

static const struct base_option_table *table_of(const char *type)
{
    const struct base_option_table *table = NULL;
    size_t i;

    for (i = 0; (table = config_pjsip_table(i)) && strcmp(table->type, type) != 0; i++) {
    }
    return table;
}

/* The option of exactly this name, or NULL. */
static const struct base_option *option_of(const struct fact *fact)
{
    const struct base_option_table *table = table_of(fact->type);
    const struct base_option *option = table ? table->options : NULL;

    while (option && option->name && strcmp(option->name, fact->name) != 0) {
        option++;
    }
    return option && option->name ? option : NULL;
}

/* As users write them: false is no, and 3 is 3.0. */
static int same_default(const char *a, const char *b)
{
    int a_on, b_on;
    char *a_end, *b_end;

    if (strcasecmp(a, b) == 0) {
        return 1;
    }
    if (base_parse_bool(a, &a_on) == 0 && base_parse_bool(b, &b_on) == 0) {
        return a_on == b_on;
    }
    return *a && *b && strtod(a, &a_end) == strtod(b, &b_end) && !*a_end && !*b_end;
}

static void test_every_option_is_known(void **state)
{
    FILE *file = fopen(FACTS, "r");
    struct fact fact;
    unsigned seen = 0, unknown = 0;

    (void)state;
    assert_non_null(file);
    for (; next_fact(file, &fact); seen++) {
        if (!option_of(&fact)) {
            print_error("type=%s has no option %s\n", fact.type, fact.name);
            unknown++;
        }
    }
    fclose(file);
    assert_int_equal(unknown, 0);
    assert_int_equal(seen, 372);
}

/* The first one would be the one that counts. */
static void test_no_option_is_there_twice(void **state)
{
    const struct base_option_table *table;
    const struct base_option *option, *other;
    unsigned twice = 0;
    size_t i;

    (void)state;
    for (i = 0; (table = config_pjsip_table(i)); i++) {
        for (option = table->options; option->name; option++) {
            for (other = option + 1; other->name; other++) {
                if (strcasecmp(option->name, other->name) == 0) {
                    print_error("type=%s has %s twice\n", table->type, option->name);
                    twice++;
                }
            }
        }
    }
    assert_int_equal(twice, 0);
}

/* No option of ours has a name that Asterisk does not know: there are other files for those. */
static void test_no_option_is_invented(void **state)
{
    const struct base_option_table *table;
    const struct base_option *option;
    unsigned invented = 0;
    size_t i;

    (void)state;
    for (i = 0; (table = config_pjsip_table(i)); i++) {
        for (option = table->options; option->name; option++) {
            FILE *file = fopen(FACTS, "r");
            struct fact fact;
            int found = strcmp(option->name, "type") == 0;

            assert_non_null(file);
            while (!found && next_fact(file, &fact)) {
                found = strcmp(fact.type, table->type) == 0 && strcmp(fact.name, option->name) == 0;
            }
            fclose(file);
            if (!found) {
                print_error("Asterisk's type=%s has no option %s\n", table->type, option->name);
                invented++;
            }
        }
    }
    assert_int_equal(invented, 0);
}

/* A default is Asterisk's, or the table says which one Asterisk has. */
static void test_defaults(void **state)
{
    FILE *file = fopen(FACTS, "r");
    struct fact fact;
    unsigned wrong = 0;

    (void)state;
    assert_non_null(file);
    while (next_fact(file, &fact)) {
        const struct base_option *option = option_of(&fact);
        const char *ours = option && option->fallback ? option->fallback : "";

        if (!option || !fact.fallback) {
            continue;
        }
        if (!same_default(option->elsewhere ? option->elsewhere : ours, fact.fallback)) {
            print_error("type=%s, %s: '%s', where Asterisk has '%s'\n", fact.type, fact.name, ours,
                        fact.fallback);
            wrong++;
        }
        if (option->elsewhere && same_default(option->elsewhere, ours)) {
            print_error("type=%s, %s: '%s' is no difference\n", fact.type, fact.name, ours);
            wrong++;
        }
    }
    fclose(file);
    assert_int_equal(wrong, 0);
}

/* Whoever has an option that does nothing wants to know why. */
static void test_every_option_says_something(void **state)
{
    const struct base_option_table *table;
    const struct base_option *option;
    unsigned silent = 0;
    size_t i;

    (void)state;
    for (i = 0; (table = config_pjsip_table(i)); i++) {
        assert_non_null(table->help);
        for (option = table->options; option->name; option++) {
            /* Of a type that is not there the type's sentence is enough. */
            if (!option->help && table->object_size > 0) {
                print_error("type=%s, %s says nothing\n", table->type, option->name);
                silent++;
            }
        }
    }
    assert_int_equal(silent, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_page_of_sipsession_conf),
        cmocka_unit_test(test_the_page_of_pjsip_conf),
        cmocka_unit_test(test_every_option_is_known),
        cmocka_unit_test(test_no_option_is_there_twice),
        cmocka_unit_test(test_no_option_is_invented),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_option_says_something),
    };

    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
