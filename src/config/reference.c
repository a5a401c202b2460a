/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: the reference page's tables, out of the option tables that the readers use. Nothing of
 * them is written anywhere else.
 */
#include "config/config.h"

#include <string.h>

static void write_values(const struct base_option *option, FILE *out)
{
    size_t i;

    switch (option->kind) {
    case BASE_OPTION_BOOL:
        fputs("`yes`, `no`", out);
        return;
    case BASE_OPTION_UINT:
        if (option->min == 0 && option->max == 0) {
            fputs("number", out);
        } else {
            fprintf(out, "%u to %u", option->min, option->max);
        }
        return;
    case BASE_OPTION_SECONDS:
        fputs("seconds", out);
        return;
    case BASE_OPTION_ENUM:
        for (i = 0; option->names[i]; i++) {
            fprintf(out, "%s`%s`", i ? ", " : "", option->names[i]);
        }
        return;
    default:
        fputs("text", out);
        return;
    }
}

static void write_supported(const struct base_option_table *table, FILE *out)
{
    const struct base_option *option;

    fputs("\n| option | values | default | meaning |\n|---|---|---|---|\n", out);
    for (option = table->options; option->name; option++) {
        if (option->kind == BASE_OPTION_UNSUPPORTED || option->inert) {
            continue;
        }
        fprintf(out, "| `%s` | ", option->name);
        write_values(option, out);
        if (option->fallback) {
            fprintf(out, " | `%s` | ", option->fallback);
        } else {
            fputs(" | | ", out);
        }
        fprintf(out, "%s |\n", option->help);
    }
}

static void write_refused(const struct base_option_table *table, FILE *out)
{
    const struct base_option *option;
    const char *begin = "\nErrors, because leaving them without effect would not be safe:\n\n";

    for (option = table->options; option->name; option++) {
        if (option->kind == BASE_OPTION_UNSUPPORTED && option->refuse) {
            fprintf(out, "%s- `%s`: %s\n", begin, option->name, option->help);
            begin = "";
        }
    }
}

/* Those that are known and have no effect; `type` is no option of its own. */
static void write_later(const struct base_option_table *table, FILE *out)
{
    const struct base_option *option;
    const char *joint = "\nKnown, without effect: ";

    for (option = table->options; option->name; option++) {
        if (option->inert || (option->kind == BASE_OPTION_UNSUPPORTED && !option->refuse &&
                              strcmp(option->name, "type") != 0)) {
            fprintf(out, "%s`%s`", joint, option->name);
            joint = ", ";
        }
    }
    if (*joint == ',') {
        fputs(".\n", out);
    }
}

static void write_table(const char *title, const struct base_option_table *table, FILE *out)
{
    fprintf(out, "\n### %s\n\n%s\n", title, table->help);
    write_supported(table, out);
    write_refused(table, out);
    write_later(table, out);
}

void config_write_reference(FILE *out)
{
    const struct base_option_table *table;
    char title[64];
    size_t i;

    for (i = 0; (table = config_settings_table(i)); i++) {
        snprintf(title, sizeof(title), "[%s]", table->type);
        write_table(title, table, out);
    }
    fputs("\n", out);
}

/* ---- pjsip.conf: every option that Asterisk has, supported or not ---- */

static int is_supported(const struct base_option *option)
{
    return option->kind != BASE_OPTION_UNSUPPORTED && !option->inert;
}

/* `type` is no option of its own. */
static int is_listed(const struct base_option *option)
{
    return strcmp(option->name, "type") != 0;
}

static void write_default(const struct base_option *option, FILE *out)
{
    if (option->fallback && *option->fallback) {
        fprintf(out, "`%s`", option->fallback);
    }
    if (option->elsewhere) {
        fprintf(out, "%sAsterisk: `%s`", option->fallback && *option->fallback ? "; " : "",
                option->elsewhere);
    }
}

static void write_row(const struct base_option *option, FILE *out)
{
    fprintf(out, "| `%s` | %s | ", option->name,
            is_supported(option) ? "yes"
            : option->refuse     ? "no, an error"
                                 : "no");
    if (is_supported(option)) {
        write_values(option, out);
    }
    fputs(" | ", out);
    write_default(option, out);
    fprintf(out, " | %s |\n", option->help ? option->help : "");
}

static void write_full_table(const struct base_option_table *table, FILE *out)
{
    const struct base_option *option;
    unsigned count = 0, supported = 0;

    for (option = table->options; option->name; option++) {
        count += (unsigned)is_listed(option);
        supported += (unsigned)(is_listed(option) && is_supported(option));
    }
    fprintf(out, "\n## type = %s\n\n%s\n\n%u of %u options are supported.\n\n", table->type,
            table->help, supported, count);
    fputs("| option | supported | values | default | what it does here |\n|---|---|---|---|---|\n",
          out);
    for (option = table->options; option->name; option++) {
        if (is_listed(option) && is_supported(option)) {
            write_row(option, out);
        }
    }
    for (option = table->options; option->name; option++) {
        if (is_listed(option) && !is_supported(option)) {
            write_row(option, out);
        }
    }
}

void config_write_pjsip_reference(FILE *out)
{
    const struct base_option_table *table;
    size_t i;

    for (i = 0; (table = config_pjsip_table(i)); i++) {
        write_full_table(table, out);
    }
    fputs("\n", out);
}
