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
    fprintf(out, "\n#### %s\n\n%s\n", title, table->help);
    write_supported(table, out);
    write_refused(table, out);
    write_later(table, out);
}

static void write_other_types(FILE *out)
{
    const struct config_type *type;
    const char *joint = "";

    fputs("\n#### Other types\n\nKnown, without effect: ", out);
    for (type = config_other_types; type->table; type++) {
        fprintf(out, "%s`%s`", joint, type->table->type);
        joint = ", ";
    }
    fputs(".\n", out);
}

void config_write_reference(FILE *out)
{
    static const struct config_type *const types[] = {
        &config_type_global,   &config_type_system,   &config_type_transport,
        &config_type_endpoint, &config_type_identify, &config_type_auth,
        &config_type_acl,      &config_type_aor,      &config_type_registration};
    const struct base_option_table *table;
    char title[64];
    size_t i;

    fputs("\n### pjsip.conf\n", out);
    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        snprintf(title, sizeof(title), "type = %s", types[i]->table->type);
        write_table(title, types[i]->table, out);
    }
    write_other_types(out);
    fputs("\n### sipsession.conf\n", out);
    for (i = 0; (table = config_settings_table(i)); i++) {
        snprintf(title, sizeof(title), "[%s]", table->type);
        write_table(title, table, out);
    }
    fputs("\n", out);
}
