/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: option tables. What an option is stands in its table and nowhere else; this file reads tables and knows no
 * option by name.
 */
#include "base/base.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sipsession/log.h>

#define MAX_OPTIONS 256 /* of one table, for the nearest name */

static void *member_of(void *object, const struct base_option *option)
{
    return (char *)object + option->offset;
}

static const void *const_member_of(const void *object, const struct base_option *option)
{
    return (const char *)object + option->offset;
}

/* ---- values ---- */

int base_parse_bool(const char *text, int *value)
{
    static const char *const yes[] = {"yes", "true", "on", "1", "y", "t"};
    static const char *const no[] = {"no", "false", "off", "0", "n", "f"};
    size_t i;

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcasecmp(text, yes[i]) == 0) {
            *value = 1;
            return 0;
        }
        if (strcasecmp(text, no[i]) == 0) {
            *value = 0;
            return 0;
        }
    }
    return -1;
}

int base_parse_uint(const char *text, unsigned max, unsigned *value)
{
    unsigned long long number = 0;

    if (!*text) {
        return -1;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9') {
            return -1;
        }
        number = number * 10 + (unsigned)(*text - '0');
        if (number > max) {
            return -1;
        }
    }
    *value = (unsigned)number;
    return 0;
}

/* Seconds with up to 3 decimals, to milliseconds. */
static int parse_seconds(const char *text, unsigned *value)
{
    const char *point = strchr(text, '.');
    size_t whole_length = point ? (size_t)(point - text) : strlen(text);
    char whole[16];
    unsigned seconds, ms = 0, scale = 100;

    if (whole_length >= sizeof(whole)) {
        return -1;
    }
    memcpy(whole, text, whole_length);
    whole[whole_length] = '\0';
    if (base_parse_uint(whole, UINT_MAX / 1000 - 1, &seconds) != 0) {
        return -1;
    }
    if (point) {
        const char *digit;

        for (digit = point + 1; *digit; digit++) {
            if (*digit < '0' || *digit > '9' || scale == 0) {
                return -1;
            }
            ms += scale * (unsigned)(*digit - '0');
            scale /= 10;
        }
        if (digit == point + 1) {
            return -1;
        }
    }
    *value = seconds * 1000 + ms;
    return 0;
}

static int in_bounds(const struct base_option *option, unsigned value)
{
    return (option->min == 0 && option->max == 0) || (value >= option->min && value <= option->max);
}

static void put_seconds(char *out, size_t size, unsigned ms)
{
    if (ms % 1000 == 0) {
        snprintf(out, size, "%u", ms / 1000);
    } else {
        snprintf(out, size, "%u.%03u", ms / 1000, ms % 1000);
    }
}

/* ---- one kind each: 0; -1 with why; CUSTOM also 1 with why ---- */

static int set_bool(void *member, const char *value, char *why, size_t why_size)
{
    int on;

    if (base_parse_bool(value, &on) != 0) {
        snprintf(why, why_size, "expected yes or no");
        return -1;
    }
    *(int *)member = on;
    return 0;
}

static int set_uint(void *member, const struct base_option *option, const char *value, char *why,
                    size_t why_size)
{
    unsigned number;

    if (base_parse_uint(value, UINT_MAX, &number) != 0 || !in_bounds(option, number)) {
        if (option->min == 0 && option->max == 0) {
            snprintf(why, why_size, "expected a whole number");
        } else {
            snprintf(why, why_size, "expected a whole number from %u to %u", option->min,
                     option->max);
        }
        return -1;
    }
    *(unsigned *)member = number;
    return 0;
}

static int set_seconds(void *member, const struct base_option *option, const char *value, char *why,
                       size_t why_size)
{
    unsigned ms;

    if (parse_seconds(value, &ms) != 0 || !in_bounds(option, ms)) {
        if (option->min == 0 && option->max == 0) {
            snprintf(why, why_size, "expected seconds with at most 3 decimals");
        } else {
            char from[16], to[16];

            put_seconds(from, sizeof(from), option->min);
            put_seconds(to, sizeof(to), option->max);
            snprintf(why, why_size, "expected seconds from %s to %s with at most 3 decimals", from,
                     to);
        }
        return -1;
    }
    *(unsigned *)member = ms;
    return 0;
}

static int set_string(void *member, const char *value, char *why, size_t why_size)
{
    char *copy = strdup(value);

    if (!copy) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    free(*(char **)member);
    *(char **)member = copy;
    return 0;
}

/* Lists the names as "expected a, b or c", as far as they fit. */
static void expect_names(const char *const *names, char *why, size_t why_size)
{
    size_t used = (size_t)snprintf(why, why_size, "expected ");
    size_t i;

    for (i = 0; names[i] && used < why_size; i++) {
        const char *joint = i == 0 ? "" : names[i + 1] ? ", " : " or ";

        used += (size_t)snprintf(why + used, why_size - used, "%s%s", joint, names[i]);
    }
}

/* Index of value among the names, or -1. */
static int name_index(const char *const *names, const char *value)
{
    int on, i;

    for (i = 0; names[i]; i++) {
        if (strcasecmp(names[i], value) == 0) {
            return i;
        }
    }
    if (base_parse_bool(value, &on) == 0) {
        for (i = 0; names[i]; i++) {
            if (strcmp(names[i], on ? "yes" : "no") == 0) {
                return i;
            }
        }
    }
    return -1;
}

static int set_enum(void *member, const struct base_option *option, const char *value, char *why,
                    size_t why_size)
{
    int index = name_index(option->names, value);

    if (index < 0) {
        expect_names(option->names, why, why_size);
        return -1;
    }
    *(int *)member = index;
    return 0;
}

static int set_supported(const struct base_option *option, void *object, const char *value,
                         char *why, size_t why_size)
{
    void *member = member_of(object, option);

    switch (option->kind) {
    case BASE_OPTION_BOOL:
        return set_bool(member, value, why, why_size);
    case BASE_OPTION_UINT:
        return set_uint(member, option, value, why, why_size);
    case BASE_OPTION_SECONDS:
        return set_seconds(member, option, value, why, why_size);
    case BASE_OPTION_STRING:
        return set_string(member, value, why, why_size);
    case BASE_OPTION_ENUM:
        return set_enum(member, option, value, why, why_size);
    case BASE_OPTION_CUSTOM:
        return option->parse(object, option, value, why, why_size);
    case BASE_OPTION_UNSUPPORTED:
        break;
    }
    return 0;
}

/* Whether two texts mean the same value: words of BOOL, numbers ("3" and "3.0"), else the same letters. */
static int same_value(const char *a, const char *b)
{
    int a_on, b_on;
    unsigned a_ms, b_ms;

    if (strcasecmp(a, b) == 0) {
        return 1;
    }
    if (parse_seconds(a, &a_ms) == 0 && parse_seconds(b, &b_ms) == 0) {
        return a_ms == b_ms;
    }
    return base_parse_bool(a, &a_on) == 0 && base_parse_bool(b, &b_on) == 0 && a_on == b_on;
}

/* Whether a value of an option without effect asks for nothing that does not happen anyway. */
static int is_harmless(const struct base_option *option, const char *value)
{
    size_t i;

    if (same_value(value, option->fallback ? option->fallback : "")) {
        return 1;
    }
    for (i = 0; option->kind == BASE_OPTION_UNSUPPORTED && option->names && option->names[i]; i++) {
        if (same_value(value, option->names[i])) {
            return 1;
        }
    }
    return 0;
}

/* ---- tables ---- */

const struct base_option *base_options_find(const struct base_option_table *table, const char *name)
{
    const struct base_option *option;

    for (option = table->options; option->name; option++) {
        size_t length = strlen(option->name);

        if (strcasecmp(option->name, name) == 0 ||
            (option->name[length - 1] == '*' && strncasecmp(option->name, name, length - 1) == 0)) {
            return option;
        }
    }
    return NULL;
}

static const char *nearest_option(const struct base_option_table *table, const char *name)
{
    const char *names[MAX_OPTIONS];
    size_t count;

    for (count = 0; table->options[count].name; count++) {
        base_assert(count < MAX_OPTIONS);
        names[count] = table->options[count].name;
    }
    return base_nearest_name(name, names, count);
}

int base_options_init(const struct base_option_table *table, void *object)
{
    const struct base_option *option;
    char why[160] = "";

    for (option = table->options; option->name; option++) {
        if (option->kind == BASE_OPTION_UNSUPPORTED || !option->fallback) {
            continue;
        }
        if (set_supported(option, object, option->fallback, why, sizeof(why)) < 0) {
            ast_error("default '%s' of option '%s' of type '%s': %s", option->fallback,
                      option->name, table->type, why);
            return -1;
        }
    }
    return 0;
}

enum base_option_result base_options_set(const struct base_option_table *table, void *object,
                                         const char *name, const char *value, char *why,
                                         size_t why_size)
{
    const struct base_option *option = base_options_find(table, name);

    why[0] = '\0';
    if (!option) {
        const char *nearest = nearest_option(table, name);

        snprintf(why, why_size, "%s", nearest ? nearest : "");
        return BASE_OPTION_UNKNOWN;
    }
    if (option->kind != BASE_OPTION_UNSUPPORTED) {
        int result = set_supported(option, object, value, why, why_size);

        if (result < 0) {
            return BASE_OPTION_BAD_VALUE;
        }
        if (option->inert && !is_harmless(option, value)) {
            return BASE_OPTION_NOT_SUPPORTED;
        }
        return result == 0 ? BASE_OPTION_OK : BASE_OPTION_PARTLY;
    }
    if (is_harmless(option, value)) {
        return BASE_OPTION_OK;
    }
    if (option->refuse) {
        snprintf(why, why_size, "%s", option->help ? option->help : "");
        return BASE_OPTION_REFUSED;
    }
    return BASE_OPTION_NOT_SUPPORTED;
}

void base_options_free(const struct base_option_table *table, void *object)
{
    const struct base_option *option;

    for (option = table->options; option->name; option++) {
        if (option->kind == BASE_OPTION_STRING) {
            char **member = member_of(object, option);

            free(*member);
            *member = NULL;
        } else if (option->kind == BASE_OPTION_CUSTOM && option->release) {
            option->release(object, option);
        }
    }
}

int base_options_format(const struct base_option *option, const void *object, char *out,
                        size_t size)
{
    const void *member = const_member_of(object, option);
    char text[32];
    int length = snprintf(out, size, "%s = ", option->name);
    size_t used = length > 0 ? (size_t)length : 0;

    if (used >= size) {
        return -1;
    }
    out += used;
    size -= used;
    switch (option->kind) {
    case BASE_OPTION_BOOL:
        snprintf(out, size, "%s", *(const int *)member ? "yes" : "no");
        return 0;
    case BASE_OPTION_UINT:
        snprintf(out, size, "%u", *(const unsigned *)member);
        return 0;
    case BASE_OPTION_SECONDS:
        put_seconds(text, sizeof(text), *(const unsigned *)member);
        snprintf(out, size, "%s", text);
        return 0;
    case BASE_OPTION_STRING:
        if (!*(char *const *)member) {
            return -1;
        }
        snprintf(out, size, "%s", *(char *const *)member);
        return 0;
    case BASE_OPTION_ENUM:
        snprintf(out, size, "%s", option->names[*(const int *)member]);
        return 0;
    case BASE_OPTION_CUSTOM:
        if (!option->format) {
            return -1;
        }
        option->format(object, option, out, size);
        return 0;
    case BASE_OPTION_UNSUPPORTED:
        break;
    }
    return -1;
}
