/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: the reader of extensions.conf: from lines to a dialplan (channel/channel.h). What can be
 * known of a dialplan before a call comes is checked here (and, of jumps, in extensions_check.c);
 * nothing is executed.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "channel/channel.h"
#include "config/config.h"

struct reader {
    struct config_report *report;
    struct pbx *pbx;
    struct pbx_context *context; /* of the section that is read */
    char exten[CHAN_NAME_SIZE *
               2]; /* of the last `exten` line of the section, for `same`; "": none yet */
    int priority;  /* of the last step of the section; 0: none yet */
    int out_of_memory;
};

static void no_memory(struct reader *reader, const struct config_line *line)
{
    if (!reader->out_of_memory) {
        config_error(reader->report, line->file, line->line, "memory is out");
    }
    reader->out_of_memory = 1;
}

/* ---- the parts of an exten line ---- */

/* One line, taken apart; the strings point into text. */
struct parts {
    char *name, *caller, *priority, *application, *args;
    char text[CONFIG_VALUE_SIZE];
};

/* Where a comma ends a name: not within [...] or ${...}. */
static char *find_comma(char *text)
{
    unsigned depth = 0;

    for (; *text != '\0'; ++text) {
        if (*text == '[' || *text == '{') {
            ++depth;
        } else if ((*text == ']' || *text == '}') && depth > 0) {
            --depth;
        } else if (*text == ',' && depth == 0) {
            return text;
        }
    }
    return NULL;
}

/* Cuts at a comma; what is behind it, or NULL: there is none. */
static char *cut(char *text, char *comma)
{
    (void)text;
    if (comma == NULL) {
        return NULL;
    }
    *comma = '\0';
    return comma + 1;
}

/* "Name(args)" or "Name": name and args; -1: reported. */
static int split_application(struct reader *reader, const struct config_line *line,
                             struct parts *parts, char *text)
{
    char *open = strchr(text, '(');
    char *close = strrchr(text, ')');

    parts->application = text;
    parts->args = text + strlen(text);
    if (open == NULL && close == NULL && strchr(text, ',') == NULL) {
        parts->application = config_trim(text);
    } else {
        if (open == NULL || close == NULL || close < open) {
            config_error(reader->report, line->file, line->line, "expected %s for the %s in \"%s\"",
                         open == NULL ? "a (" : "a )", open == NULL ? "arguments" : "(", text);
            return -1;
        }
        if (*config_trim(close + 1) != '\0') {
            config_error(reader->report, line->file, line->line,
                         "expected nothing behind the ) but got \"%s\"", config_trim(close + 1));
            return -1;
        }
        *open = '\0';
        *close = '\0';
        parts->args = open + 1;
        parts->application = config_trim(text);
    }
    if (*parts->application == '\0') {
        config_error(reader->report, line->file, line->line,
                     "expected an application behind the priority, as in 1,Answer()");
        return -1;
    }
    return 0;
}

/* "priority,application(args)", what `exten` has behind the name and `same` has alone. */
static int split_step(struct reader *reader, const struct config_line *line, struct parts *parts,
                      char *text)
{
    char *application = text != NULL ? cut(text, strchr(text, ',')) : NULL;

    if (application == NULL) {
        config_error(reader->report, line->file, line->line, "expected %s, as in %s",
                     "a priority and an application",
                     strcasecmp(line->name, "same") == 0 ? "same => n,Answer()"
                                                         : "exten => 100,1,Answer()");
        return -1;
    }
    parts->priority = config_trim(text);
    return split_application(reader, line, parts, application);
}

/* Blanks and punctuation of a written number: (0123) 456-78.9 */
static void shrink_number(char *text)
{
    char *to = text;

    if (*text == '_') {
        return;
    }
    for (; *text != '\0'; ++text) {
        if (strchr(" ()-.", *text) == NULL) {
            *to++ = *text;
        }
    }
    *to = '\0';
}

/* Puts global variables into the name, and parts it from the caller's number. 0; -1: reported. */
static int make_name(struct reader *reader, const struct config_line *line, struct parts *parts,
                     char *out, size_t size)
{
    char why[160];

    if (pbx_check_text(parts->name, why, sizeof(why)) != 0) {
        config_error(reader->report, line->file, line->line, "%s", why);
        return -1;
    }
    if (strlen(parts->name) >= size) {
        config_error(reader->report, line->file, line->line,
                     "the extension's name is too long, expected at most %d octets",
                     CHAN_NAME_SIZE - 1);
        return -1;
    }
    pbx_substitute_globals(&reader->pbx->globals, parts->name, out, size);
    parts->name = config_trim(out);
    parts->caller = strchr(parts->name, '/');
    if (parts->caller != NULL) {
        *parts->caller++ = '\0';
        parts->name = config_trim(parts->name);
        parts->caller = config_trim(parts->caller);
        shrink_number(parts->caller);
    }
    if (strlen(parts->name) >= CHAN_NAME_SIZE) {
        config_error(reader->report, line->file, line->line,
                     "the extension's name is too long, expected at most %d octets",
                     CHAN_NAME_SIZE - 1);
        return -1;
    }
    return 0;
}

/* ---- priorities ---- */

/* The number that a priority stands for; 0: a hint, which is passed over; -1: reported. */
static int parse_base(struct reader *reader, const struct config_line *line, const char *text)
{
    char *end;
    long number;

    if (strcasecmp(text, "hint") == 0) {
        config_warning(reader->report, line->file, line->line,
                       "hints are not supported here: nobody is told");
        return 0;
    }
    if (strcasecmp(text, "n") == 0 || strcasecmp(text, "next") == 0 || strcasecmp(text, "s") == 0 ||
        strcasecmp(text, "same") == 0) {
        if (reader->priority == 0) {
            config_error(reader->report, line->file, line->line,
                         "expected a number: there is no priority before this %s in the context",
                         text);
            return -1;
        }
        return reader->priority + (tolower((unsigned char)text[0]) == 'n');
    }
    number = strtol(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || number < 1 ||
        number > PBX_MAX_PRIORITY) {
        config_error(reader->report, line->file, line->line,
                     "\"%s\" is no priority, expected a number from 1, n, s or hint", text);
        return -1;
    }
    return (int)number;
}

/* "n+2(label)": the number, and the label or NULL. As parse_base. */
static int parse_priority(struct reader *reader, const struct config_line *line, char *text,
                          char **label)
{
    char *open = strchr(text, '(');
    char *plus;
    int priority;
    long offset = 0;

    *label = NULL;
    if (open != NULL) {
        char *close = strchr(open, ')');

        if (close == NULL || close[1] != '\0' || close == open + 1) {
            config_error(reader->report, line->file, line->line,
                         "expected a label between ( and ) behind the priority in \"%s\"", text);
            return -1;
        }
        *open = '\0';
        *close = '\0';
        *label = config_trim(open + 1);
    }
    plus = strchr(text, '+');
    if (plus != NULL) {
        char *end;

        *plus = '\0';
        offset = strtol(plus + 1, &end, 10);
        if (!isdigit((unsigned char)plus[1]) || *end != '\0' || offset > PBX_MAX_PRIORITY) {
            config_error(reader->report, line->file, line->line,
                         "expected a number behind the + of the priority");
            return -1;
        }
    }
    priority = parse_base(reader, line, config_trim(text));
    if (priority > 0 && priority + offset > PBX_MAX_PRIORITY) {
        config_error(reader->report, line->file, line->line, "the priority is beyond %d",
                     PBX_MAX_PRIORITY);
        return -1;
    }
    return priority > 0 ? priority + (int)offset : priority;
}

/* ---- steps ---- */

static void check_application(struct reader *reader, const struct config_line *line,
                              const struct parts *parts)
{
    char why[160];
    const char *nearest;

    if (pbx_check_text(parts->args, why, sizeof(why)) != 0) {
        config_error(reader->report, line->file, line->line, "%s", why);
    }
    if (chan_is_shipped(parts->application) ||
        chan_application_module(parts->application) != NULL) {
        return;
    }
    if (chan_foreign_application(parts->application)) {
        config_warning(reader->report, line->file, line->line,
                       "the application %s is not supported here: a call that comes to it is ended",
                       parts->application);
        return;
    }
    nearest = chan_nearest_application(parts->application);
    if (nearest != NULL) {
        config_error(reader->report, line->file, line->line,
                     "there is no application %s, the nearest is %s", parts->application, nearest);
    } else { /* modules are loaded later */
        config_warning(
            reader->report, line->file, line->line,
            "there is no application %s, unless a module has it: a call that comes to it is "
            "ended otherwise",
            parts->application);
    }
}

/* The line of a step of the extension that has this priority, or this label. 0: none has. */
static unsigned line_of(const struct pbx_exten *exten, int priority, const char *label)
{
    for (unsigned i = 0; i < exten->count; ++i) {
        const struct pbx_step *step = &exten->steps[i];

        if (label != NULL ? step->label != NULL && strcmp(step->label, label) == 0
                          : step->priority == priority) {
            return step->line;
        }
    }
    return 0;
}

static void add_step(struct reader *reader, const struct config_line *line, struct pbx_exten *exten,
                     struct pbx_step *step)
{
    unsigned before;

    if (step->label != NULL && (before = line_of(exten, 0, step->label)) != 0) {
        config_error(reader->report, line->file, line->line,
                     "the label %s of %s is in line %u already", step->label, exten->name, before);
        step->label = NULL;
    }
    step->line = line->line;
    step->file = pbx_add_file(reader->pbx, line->file);
    switch (step->file != NULL ? pbx_add_step(exten, step) : -1) {
    case 0:
        break;
    case 1:
        config_error(reader->report, line->file, line->line,
                     "priority %d of %s is in line %u already", step->priority, exten->name,
                     line_of(exten, step->priority, NULL));
        break;
    default:
        no_memory(reader, line);
        break;
    }
}

/* A step of the extension `name`, whose text is behind it in the line. */
static void read_step(struct reader *reader, const struct config_line *line, struct parts *parts,
                      char *text)
{
    char name[CHAN_NAME_SIZE * 2], why[160];
    struct pbx_step step;
    struct pbx_exten *exten;
    char *label;

    if (split_step(reader, line, parts, text) != 0 ||
        make_name(reader, line, parts, name, sizeof(name)) != 0) {
        return;
    }
    step.priority = parse_priority(reader, line, parts->priority, &label);
    if (step.priority <= 0) {
        return;
    }
    reader->priority = step.priority;
    check_application(reader, line, parts);
    exten = pbx_add_exten(reader->context, parts->name, parts->caller, why, sizeof(why));
    if (exten == NULL) {
        if (why[0] == '\0') {
            no_memory(reader, line);
        } else {
            config_error(reader->report, line->file, line->line, "%s", why);
        }
        return;
    }
    step.label = label;
    step.application = parts->application;
    step.args = parts->args;
    add_step(reader, line, exten, &step);
}

static void read_exten(struct reader *reader, const struct config_line *line)
{
    struct parts *parts = calloc(1, sizeof(*parts));
    char *rest;

    if (parts == NULL || strlen(line->value) >= sizeof(parts->text)) {
        no_memory(reader, line);
        free(parts);
        return;
    }
    strcpy(parts->text, line->value);
    rest = cut(parts->text, find_comma(parts->text));
    parts->name = config_trim(parts->text);
    base_copy_text(reader->exten, sizeof(reader->exten), parts->name, strlen(parts->name));
    read_step(reader, line, parts, rest);
    free(parts);
}

static void read_same(struct reader *reader, const struct config_line *line)
{
    struct parts *parts;
    char name[sizeof(reader->exten)];

    if (reader->exten[0] == '\0') {
        config_error(reader->report, line->file, line->line,
                     "expected an exten line before this same in the context");
        return;
    }
    parts = calloc(1, sizeof(*parts));
    if (parts == NULL || strlen(line->value) >= sizeof(parts->text)) {
        no_memory(reader, line);
        free(parts);
        return;
    }
    strcpy(parts->text, line->value);
    strcpy(name, reader->exten);
    parts->name = name;
    read_step(reader, line, parts, parts->text);
    free(parts);
}

/* ---- the other lines of a context ---- */

static void read_include(struct reader *reader, const struct config_line *line)
{
    if (strpbrk(line->value, ",|") != NULL) {
        config_error(reader->report, line->file, line->line,
                     "includes with times are not supported here, expected the name of a context");
    } else if (line->value[0] == '\0') {
        config_error(reader->report, line->file, line->line, "expected the name of a context");
    } else if (pbx_add_include(reader->context, line->value) != 0) {
        no_memory(reader, line);
    }
}

static void read_other(struct reader *reader, const struct config_line *line)
{
    static const char *const known[] = {"exten", "same", "include"};
    static const char *const foreign[] = {"switch", "lswitch", "eswitch", "ignorepat", "autohints"};
    const char *nearest;

    for (size_t i = 0; i < PJ_ARRAY_SIZE(foreign); ++i) {
        if (strcasecmp(line->name, foreign[i]) == 0) {
            config_warning(reader->report, line->file, line->line,
                           "%s is not supported here and has no effect", line->name);
            return;
        }
    }
    nearest = base_nearest_name(line->name, known, PJ_ARRAY_SIZE(known));
    config_error(reader->report, line->file, line->line,
                 "expected exten, same or include, not %s%s%s", line->name,
                 nearest != NULL ? ", the nearest is " : "", nearest != NULL ? nearest : "");
}

static void read_context(struct reader *reader, const struct config_section *section)
{
    reader->exten[0] = '\0';
    reader->priority = 0;
    if (strlen(section->name) >= CHAN_NAME_SIZE) {
        config_error(reader->report, section->file, section->line,
                     "the context's name is too long, expected at most %d octets",
                     CHAN_NAME_SIZE - 1);
        return;
    }
    reader->context = pbx_add_context(reader->pbx, section->name);
    if (reader->context == NULL) {
        config_error(reader->report, section->file, section->line, "memory is out");
        reader->out_of_memory = 1;
        return;
    }
    for (const struct config_line *line = section->lines; line != NULL && !reader->out_of_memory;
         line = line->next) {
        if (strcasecmp(line->name, "exten") == 0) {
            read_exten(reader, line);
        } else if (strcasecmp(line->name, "same") == 0) {
            read_same(reader, line);
        } else if (strcasecmp(line->name, "include") == 0) {
            read_include(reader, line);
        } else {
            read_other(reader, line);
        }
    }
}

/* ---- [general] and [globals] ---- */

static int is_false(const char *value)
{
    return strcasecmp(value, "no") == 0 || strcasecmp(value, "false") == 0 ||
           strcasecmp(value, "off") == 0 || strcmp(value, "0") == 0;
}

/* Most of its options are of the command line and the manager of a server that has them. */
static void read_general(struct reader *reader, const struct config_section *section)
{
    static const char *const known[] = {
        "static",          "writeprotect",         "autofallthrough",
        "clearglobalvars", "extenpatternmatchnew", "userscontext",
        "overrideswitch",  "priorityjumping"};

    for (const struct config_line *line = section->lines; line != NULL; line = line->next) {
        const char *nearest;
        size_t i = 0;

        while (i < PJ_ARRAY_SIZE(known) && strcasecmp(line->name, known[i]) != 0) {
            ++i;
        }
        if (i == PJ_ARRAY_SIZE(known)) {
            nearest = base_nearest_name(line->name, known, PJ_ARRAY_SIZE(known));
            config_error(reader->report, line->file, line->line,
                         "there is no option %s in [general]%s%s", line->name,
                         nearest != NULL ? ", the nearest is " : "",
                         nearest != NULL ? nearest : "");
        } else if ((strcasecmp(line->name, "autofallthrough") == 0 && is_false(line->value)) ||
                   (strcasecmp(line->name, "overrideswitch") == 0) ||
                   (strcasecmp(line->name, "priorityjumping") == 0 && !is_false(line->value))) {
            config_warning(reader->report, line->file, line->line,
                           "%s=%s is not supported here and has no effect", line->name,
                           line->value);
        }
    }
}

static void read_globals(struct reader *reader, const struct config_section *section)
{
    for (const struct config_line *line = section->lines; line != NULL; line = line->next) {
        char value[PBX_TEXT_SIZE], why[160];

        if (pbx_check_text(line->value, why, sizeof(why)) != 0) {
            config_error(reader->report, line->file, line->line, "%s", why);
            continue;
        }
        pbx_substitute_globals(&reader->pbx->globals, line->value, value, sizeof(value));
        if (pbx_add_global(reader->pbx, line->name, value) != 0) {
            config_error(reader->report, line->file, line->line,
                         "the variable %s cannot be set: expected a name, "
                         "and at most %d of them",
                         line->name, CHAN_MAX_VARIABLES);
        }
    }
}

/* ---- the file ---- */

/* Includes of contexts that are not there. */
static void check_includes(struct reader *reader, const struct config_file *file)
{
    for (const struct config_section *section = file->sections; section != NULL;
         section = section->next) {
        for (const struct config_line *line = section->lines; line != NULL && !section->is_template;
             line = line->next) {
            if (strcasecmp(line->name, "include") == 0 && line->value[0] != '\0' &&
                strpbrk(line->value, ",|") == NULL &&
                pbx_find_context(reader->pbx, line->value) == NULL) {
                config_warning(reader->report, line->file, line->line,
                               "there is no context %s to include", line->value);
            }
        }
    }
}

/* [globals] come first, wherever they stand: names of extensions may hold them. */
static void read_sections(struct reader *reader, const struct config_file *file)
{
    const struct config_section *section;

    for (section = file->sections; section != NULL; section = section->next) {
        if (!section->is_template && strcasecmp(section->name, "globals") == 0) {
            read_globals(reader, section);
        }
    }
    for (section = file->sections; section != NULL && !reader->out_of_memory;
         section = section->next) {
        if (section->is_template || strcasecmp(section->name, "globals") == 0) {
            continue;
        }
        if (strcasecmp(section->name, "general") == 0) {
            read_general(reader, section);
        } else {
            read_context(reader, section);
        }
    }
}

int config_extensions_read(const struct config_file *file, const char *name,
                           struct config_report *report, struct pbx **pbx)
{
    struct reader reader = {.report = report, .pbx = pbx_create()};
    unsigned errors = config_report_errors(report);

    if (reader.pbx == NULL) {
        config_error(report, name, 0, "memory is out");
        return -1;
    }
    read_sections(&reader, file);
    if (pbx_finish(reader.pbx) != 0) {
        config_error(report, name, 0, "memory is out, or contexts include each other too often");
    } else {
        check_includes(&reader, file);
        config_extensions_check(reader.pbx, report);
    }
    if (reader.out_of_memory || config_report_errors(report) > errors) {
        pbx_unref(reader.pbx);
        return -1;
    }
    *pbx = reader.pbx;
    return 0;
}

int config_extensions_load(const char *path, struct config_report *report, struct pbx **pbx)
{
    unsigned errors = config_report_errors(report);
    struct config_file *file = config_file_read(path, report);
    int result = -1;

    if (file != NULL) {
        struct pbx *made = NULL;

        result = config_extensions_read(file, path, report, &made);
        /* A line that the lexer left out is missing in the dialplan. */
        if (result == 0 && config_report_errors(report) > errors) {
            pbx_unref(made);
            result = -1;
        }
        if (result == 0) {
            *pbx = made;
        }
    }
    config_file_free(file);
    return result;
}
