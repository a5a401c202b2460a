/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option tables: every kind of option, what is refused and with which words, no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "failmalloc.h"
#include "logfile.h"

struct thing {
    int flag;
    unsigned count;
    unsigned any_count;
    unsigned timeout;
    unsigned any_timeout;
    char *name;
    char *nickname;
    int mode;
    char *list[4];
    unsigned list_count;
};

static const char *const modes[] = {"no", "required", "yes", NULL};
static const char *const few_modes[] = {"one", NULL};
static const char *const anyway[] = {"2", "also", NULL};

static int parse_list(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size)
{
    struct thing *thing = object;

    (void)option;
    if (strcmp(value, "half") == 0) {
        snprintf(why, why_size, "the other half has no effect");
        return 1;
    }
    if (strcmp(value, "bad") == 0) {
        snprintf(why, why_size, "expected something good");
        return -1;
    }
    thing->list[thing->list_count] = strdup(value);
    if (!thing->list[thing->list_count]) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    thing->list_count++;
    return 0;
}

static void release_list(void *object, const struct base_option *option)
{
    struct thing *thing = object;

    (void)option;
    while (thing->list_count > 0) {
        free(thing->list[--thing->list_count]);
    }
}

static void format_list(const void *object, const struct base_option *option, char *out,
                        size_t size)
{
    const struct thing *thing = object;

    (void)option;
    snprintf(out, size, "%u things", thing->list_count);
}

#define AT(member) .offset = offsetof(struct thing, member)

static const struct base_option options[] = {
    {.name = "flag", .kind = BASE_OPTION_BOOL, AT(flag), .fallback = "yes"},
    {.name = "count", .kind = BASE_OPTION_UINT, AT(count), .fallback = "7", .min = 1, .max = 100},
    {.name = "any_count", .kind = BASE_OPTION_UINT, AT(any_count)},
    {.name = "timeout",
     .kind = BASE_OPTION_SECONDS,
     AT(timeout),
     .fallback = "3.0",
     .min = 500,
     .max = 10000},
    {.name = "any_timeout", .kind = BASE_OPTION_SECONDS, AT(any_timeout)},
    {.name = "name", .kind = BASE_OPTION_STRING, AT(name), .fallback = "nobody"},
    {.name = "nickname", .kind = BASE_OPTION_STRING, AT(nickname)},
    {.name = "mode", .kind = BASE_OPTION_ENUM, AT(mode), .fallback = "required", .names = modes},
    {.name = "few", .kind = BASE_OPTION_ENUM, AT(mode), .names = few_modes},
    {.name = "list",
     .kind = BASE_OPTION_CUSTOM,
     .parse = parse_list,
     .release = release_list,
     .format = format_list,
     .fallback = "first"},
    {.name = "inert",
     .kind = BASE_OPTION_ENUM,
     AT(mode),
     .fallback = "required",
     .names = modes,
     .inert = 1},
    {.name = "hidden", .kind = BASE_OPTION_CUSTOM, .parse = parse_list},
    {.name = "later", .kind = BASE_OPTION_UNSUPPORTED, .fallback = "no"},
    {.name = "later_number", .kind = BASE_OPTION_UNSUPPORTED, .fallback = "3.0", .names = anyway},
    {.name = "later_text", .kind = BASE_OPTION_UNSUPPORTED},
    {.name = "guard",
     .kind = BASE_OPTION_UNSUPPORTED,
     .fallback = "no",
     .refuse = 1,
     .help = "nobody guards"},
    {.name = NULL},
};

static const struct base_option_table table = {.type = "thing",
                                               .options = options,
                                               .object_size = sizeof(struct thing)};

static const struct base_option wrong_options[] = {
    {.name = "flag", .kind = BASE_OPTION_BOOL, AT(flag), .fallback = "perhaps"},
    {.name = NULL},
};
static const struct base_option_table wrong_table = {.type = "thing",
                                                     .options = wrong_options,
                                                     .object_size = sizeof(struct thing)};

static struct thing thing;
static char why[200];

static int begin(void **state)
{
    (void)state;
    memset(&thing, 0, sizeof(thing));
    return base_options_init(&table, &thing);
}

static int end(void **state)
{
    (void)state;
    base_options_free(&table, &thing);
    return 0;
}

static enum base_option_result set(const char *name, const char *value)
{
    return base_options_set(&table, &thing, name, value, why, sizeof(why));
}

static void check_bad(const char *name, const char *value, const char *reason)
{
    struct thing before = thing;

    assert_int_equal(set(name, value), BASE_OPTION_BAD_VALUE);
    assert_string_equal(why, reason);
    assert_memory_equal(&thing, &before, sizeof(thing));
}

static void test_defaults(void **state)
{
    (void)state;
    assert_int_equal(thing.flag, 1);
    assert_int_equal(thing.count, 7);
    assert_int_equal(thing.timeout, 3000);
    assert_string_equal(thing.name, "nobody");
    assert_null(thing.nickname);
    assert_int_equal(thing.mode, 1);
    assert_int_equal(thing.list_count, 1);
    assert_string_equal(thing.list[0], "first");
}

static void test_a_default_that_is_wrong_is_a_defect(void **state)
{
    (void)state;
    logfile_begin();
    assert_int_equal(base_options_init(&wrong_table, &thing), -1);
    assert_non_null(strstr(logfile_text(), "default 'perhaps' of option 'flag' of type 'thing'"));
    logfile_end();
}

static void test_bool(void **state)
{
    static const char *const yes[] = {"yes", "YES", "true", "on", "1", "y", "t"};
    static const char *const no[] = {"no", "No", "false", "off", "0", "n", "f"};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        thing.flag = 5;
        assert_int_equal(set("flag", yes[i]), BASE_OPTION_OK);
        assert_int_equal(thing.flag, 1);
        assert_int_equal(set("flag", no[i]), BASE_OPTION_OK);
        assert_int_equal(thing.flag, 0);
    }
    check_bad("flag", "", "expected yes or no");
    check_bad("flag", "yess", "expected yes or no");
    check_bad("flag", "2", "expected yes or no");
}

static void test_uint(void **state)
{
    (void)state;
    assert_int_equal(set("count", "1"), BASE_OPTION_OK);
    assert_int_equal(thing.count, 1);
    assert_int_equal(set("COUNT", "100"), BASE_OPTION_OK);
    assert_int_equal(thing.count, 100);
    check_bad("count", "0", "expected a whole number from 1 to 100");
    check_bad("count", "101", "expected a whole number from 1 to 100");
    check_bad("count", "-1", "expected a whole number from 1 to 100");
    check_bad("count", "+1", "expected a whole number from 1 to 100");
    check_bad("count", " 1", "expected a whole number from 1 to 100");
    check_bad("count", "1x", "expected a whole number from 1 to 100");
    check_bad("count", "0x10", "expected a whole number from 1 to 100");
    check_bad("any_count", "", "expected a whole number");
    check_bad("any_count", "4294967296", "expected a whole number");
    check_bad("any_count", "99999999999999999999999999", "expected a whole number");
    assert_int_equal(set("any_count", "4294967295"), BASE_OPTION_OK);
    assert_int_equal(thing.any_count, 4294967295u);
}

static void test_seconds(void **state)
{
    static const char range[] = "expected seconds from 0.500 to 10 with at most 3 decimals";
    static const char any[] = "expected seconds with at most 3 decimals";

    (void)state;
    assert_int_equal(set("timeout", "10"), BASE_OPTION_OK);
    assert_int_equal(thing.timeout, 10000);
    assert_int_equal(set("timeout", "0.5"), BASE_OPTION_OK);
    assert_int_equal(thing.timeout, 500);
    assert_int_equal(set("timeout", "1.234"), BASE_OPTION_OK);
    assert_int_equal(thing.timeout, 1234);
    assert_int_equal(set("timeout", "1.02"), BASE_OPTION_OK);
    assert_int_equal(thing.timeout, 1020);
    check_bad("timeout", "0.499", range);
    check_bad("timeout", "10.001", range);
    check_bad("timeout", "1.2345", range);
    check_bad("timeout", "1.", range);
    check_bad("timeout", ".5", range);
    check_bad("timeout", "1.2.3", range);
    check_bad("timeout", "-1", range);
    check_bad("any_timeout", "5000000", any); /* more than fits in milliseconds */
    check_bad("any_timeout", "00000000000000000001", any);
    assert_int_equal(set("any_timeout", "4294960"), BASE_OPTION_OK);
    assert_int_equal(thing.any_timeout, 4294960000u);
}

static void test_string(void **state)
{
    (void)state;
    assert_int_equal(set("name", "alice"), BASE_OPTION_OK);
    assert_string_equal(thing.name, "alice");
    assert_int_equal(set("name", ""), BASE_OPTION_OK);
    assert_string_equal(thing.name, "");
}

static void test_enum(void **state)
{
    (void)state;
    assert_int_equal(set("mode", "yes"), BASE_OPTION_OK);
    assert_int_equal(thing.mode, 2);
    assert_int_equal(set("mode", "REQUIRED"), BASE_OPTION_OK);
    assert_int_equal(thing.mode, 1);
    assert_int_equal(set("mode", "off"), BASE_OPTION_OK);
    assert_int_equal(thing.mode, 0);
    assert_int_equal(set("mode", "1"), BASE_OPTION_OK);
    assert_int_equal(thing.mode, 2);
    check_bad("mode", "often", "expected no, required or yes");
    check_bad("few", "yes", "expected one");
}

static void test_custom(void **state)
{
    (void)state;
    assert_int_equal(set("list", "second"), BASE_OPTION_OK);
    assert_int_equal(thing.list_count, 2);
    check_bad("list", "bad", "expected something good");
    assert_int_equal(set("list", "half"), BASE_OPTION_PARTLY);
    assert_string_equal(why, "the other half has no effect");
}

static void test_unsupported(void **state)
{
    (void)state;
    assert_int_equal(set("later", "yes"), BASE_OPTION_NOT_SUPPORTED);
    assert_int_equal(set("later", "no"), BASE_OPTION_OK);
    assert_int_equal(set("later", "False"), BASE_OPTION_OK); /* the default in another word */
    assert_int_equal(set("later", "maybe"), BASE_OPTION_NOT_SUPPORTED);
    assert_int_equal(set("later_number", "3"), BASE_OPTION_OK);
    assert_int_equal(set("later_number", "2.0"), BASE_OPTION_OK); /* what happens anyway */
    assert_int_equal(set("later_number", "ALSO"), BASE_OPTION_OK);
    assert_int_equal(set("later_number", "4"), BASE_OPTION_NOT_SUPPORTED);
    assert_int_equal(set("later_text", ""), BASE_OPTION_OK);
    assert_int_equal(set("later_text", "x"), BASE_OPTION_NOT_SUPPORTED);
}

static void test_inert(void **state)
{
    (void)state;
    assert_int_equal(set("inert", "yes"), BASE_OPTION_NOT_SUPPORTED);
    assert_int_equal(thing.mode, 2); /* it is set all the same */
    assert_int_equal(set("inert", "required"), BASE_OPTION_OK);
    check_bad("inert", "often", "expected no, required or yes");
}

static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(set("guard", "yes"), BASE_OPTION_REFUSED);
    assert_string_equal(why, "nobody guards");
    assert_int_equal(set("guard", "no"), BASE_OPTION_OK);
}

static void test_unknown(void **state)
{
    (void)state;
    assert_int_equal(set("nikname", "x"), BASE_OPTION_UNKNOWN);
    assert_string_equal(why, "nickname");
    assert_int_equal(set("zzzzzz", "x"), BASE_OPTION_UNKNOWN);
    assert_string_equal(why, "");
}

static void check_format(const char *name, const char *expected)
{
    char out[64] = "untouched";
    const struct base_option *option = base_options_find(&table, name);

    assert_non_null(option);
    assert_int_equal(base_options_format(option, &thing, out, sizeof(out)), expected ? 0 : -1);
    if (expected) {
        assert_string_equal(out, expected);
    }
}

static void test_format(void **state)
{
    char tiny[4];

    (void)state;
    check_format("flag", "flag = yes");
    check_format("count", "count = 7");
    check_format("timeout", "timeout = 3");
    set("timeout", "0.75");
    check_format("timeout", "timeout = 0.750");
    check_format("name", "name = nobody");
    check_format("nickname", NULL);
    check_format("mode", "mode = required");
    check_format("list", "list = 1 things");
    check_format("hidden", NULL);
    check_format("later", NULL);
    assert_null(base_options_find(&table, "nosuch"));
    assert_int_equal(base_options_format(&options[0], &thing, tiny, sizeof(tiny)), -1);
}

static void test_why_fits_at_every_size(void **state)
{
    size_t size;

    (void)state;
    for (size = 1; size < sizeof(why); size++) {
        memset(why, '#', sizeof(why));
        base_options_set(&table, &thing, "mode", "often", why, size);
        assert_true(strlen(why) < size);
        assert_int_equal(why[size], '#');
    }
}

static int fill(void *data)
{
    struct thing other = {0};
    int result = base_options_init(&table, &other);

    (void)data;
    if (result == 0 &&
        base_options_set(&table, &other, "name", "x", why, sizeof(why)) != BASE_OPTION_OK) {
        assert_string_equal(other.name, "nobody");
        assert_string_equal(why, "out of memory");
        result = -1;
    }
    base_options_free(&table, &other);
    assert_null(other.name);
    return result;
}

static void test_no_memory(void **state)
{
    (void)state;
    logfile_begin();
    assert_int_equal(failmalloc_each(fill, NULL, 0), 3);
    logfile_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, begin, end),
        cmocka_unit_test_setup_teardown(test_a_default_that_is_wrong_is_a_defect, begin, end),
        cmocka_unit_test_setup_teardown(test_bool, begin, end),
        cmocka_unit_test_setup_teardown(test_uint, begin, end),
        cmocka_unit_test_setup_teardown(test_seconds, begin, end),
        cmocka_unit_test_setup_teardown(test_string, begin, end),
        cmocka_unit_test_setup_teardown(test_enum, begin, end),
        cmocka_unit_test_setup_teardown(test_custom, begin, end),
        cmocka_unit_test_setup_teardown(test_unsupported, begin, end),
        cmocka_unit_test_setup_teardown(test_inert, begin, end),
        cmocka_unit_test_setup_teardown(test_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_unknown, begin, end),
        cmocka_unit_test_setup_teardown(test_format, begin, end),
        cmocka_unit_test_setup_teardown(test_why_fits_at_every_size, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
    };

    return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
