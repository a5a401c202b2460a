/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: from lines to sections. Here are settings, directives and files; headers are in
 * section.c, includes in include.c. None knows an option or a section by name.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void *config_lexer_no_memory(struct config_lexer *lexer, const struct config_place *place)
{
    if (!lexer->out_of_memory) {
        config_error(lexer->report, place->file, place->line,
                     "the configuration is too large or memory is out");
    }
    lexer->out_of_memory = 1;
    return NULL;
}

const char *config_lexer_copy(struct config_lexer *lexer, const struct config_place *place,
                              const char *text)
{
    const char *result = config_arena_copy(lexer->file->arena, text, strlen(text));

    return result ? result : config_lexer_no_memory(lexer, place);
}

/* ---- lines of a section ---- */

void config_append_line(struct config_section *section, struct config_line *line)
{
    if (section->last) {
        section->last->next = line;
    } else {
        section->lines = line;
    }
    section->last = line;
}

static struct config_line *find_line(const struct config_section *section, const char *name)
{
    struct config_line *line, *found = NULL;

    for (line = section->lines; line; line = line->next) {
        if (strcasecmp(line->name, name) == 0) {
            found = line;
        }
    }
    return found;
}

const struct config_line *config_section_get(const struct config_section *section, const char *name)
{
    return find_line(section, name);
}

static void add_line(struct config_lexer *lexer, const struct config_place *place, const char *name,
                     const char *value, int arrow)
{
    struct config_line *line = config_arena_take(lexer->file->arena, sizeof(*line));

    if (!line) {
        config_lexer_no_memory(lexer, place);
        return;
    }
    line->name = config_lexer_copy(lexer, place, name);
    line->value = config_lexer_copy(lexer, place, value);
    line->file = place->file;
    line->line = place->line;
    line->arrow = arrow;
    if (line->name && line->value) {
        config_append_line(lexer->current, line);
    }
}

/* `name += text`: puts the text, with the blanks in front of it, behind the last value of that
 * name. */
static void extend_line(struct config_lexer *lexer, const struct config_place *place,
                        struct config_line *line, const char *text)
{
    size_t length = strlen(line->value), more = strlen(text);
    char *value;

    if (length + more >= CONFIG_VALUE_SIZE) {
        config_error(lexer->report, place->file, place->line,
                     "the value is too long, expected at most %u octets", CONFIG_VALUE_SIZE - 1);
        return;
    }
    value = config_arena_take(lexer->file->arena, length + more + 1);
    if (!value) {
        config_lexer_no_memory(lexer, place);
        return;
    }
    memcpy(value, line->value, length);
    memcpy(value + length, text, more);
    line->value = config_trim(value);
    line->file = place->file;
    line->line = place->line;
}

/* `name = value`, `name => value`, `name += value` */
static void lex_setting(struct config_lexer *lexer, const struct config_place *place, char *text)
{
    int escaped = text[0] == '\\'; /* a name that begins like a header or a directive */
    int append, arrow;
    char *name = text + escaped, *sign, *value;
    struct config_line *line;

    if (!lexer->current) {
        if (!lexer->skipping) {
            config_error(lexer->report, place->file, place->line,
                         "a line outside of any section, expected a [section] before it");
        }
        return;
    }
    sign = *name ? strchr(name + escaped, '=') : NULL;
    if (!sign) {
        config_error(lexer->report, place->file, place->line,
                     "no '=' in the line, expected name = value");
        return;
    }
    append = sign > name && sign[-1] == '+';
    arrow = !append && sign[1] == '>';
    sign[append ? -1 : 0] = '\0';
    value = sign + 1 + arrow;
    name = config_trim(name);
    if (!*name) {
        config_error(lexer->report, place->file, place->line,
                     "no name before '=', expected name = value");
        return;
    }
    line = append ? find_line(lexer->current, name) : NULL;
    if (line) {
        extend_line(lexer, place, line, value);
    } else {
        add_line(lexer, place, name, config_trim(value), arrow);
    }
}

/* ---- directives ---- */

static void lex_directive(struct config_lexer *lexer, const struct config_place *place, char *text)
{
    static const char *const known[] = {"include", "tryinclude"};
    char *argument = text + strcspn(text, " \t");
    const char *nearest;

    if (*argument) {
        *argument++ = '\0';
    }
    argument = config_trim(argument);
    if (strcasecmp(text, "#include") == 0) {
        config_lex_include(lexer, place, argument, 1);
    } else if (strcasecmp(text, "#tryinclude") == 0) {
        config_lex_include(lexer, place, argument, 0);
    } else if (strcasecmp(text, "#exec") == 0) {
        config_error(
            lexer->report, place->file, place->line,
            "#exec is not supported: a configuration runs no programs, expected #include of a file");
    } else {
        nearest = base_nearest_name(text + 1, known, sizeof(known) / sizeof(known[0]));
        config_error(lexer->report, place->file, place->line,
                     "unknown directive '%s', expected #%s", text,
                     nearest ? nearest : "include or #tryinclude");
    }
}

/* ---- files ---- */

void config_lex_file(struct config_lexer *lexer, const char *name, const char *text, size_t length)
{
    struct config_source *source = malloc(sizeof(*source));
    struct config_place place = {.file = name};
    char *line;

    if (!source) {
        config_lexer_no_memory(lexer, &place);
        return;
    }
    lexer->open_files[lexer->depth++] = name;
    config_source_init(source, text, length, name, lexer->report);
    while (!lexer->out_of_memory && (line = config_source_line(source))) {
        place.line = source->line;
        if (line[0] == '[') {
            config_lex_header(lexer, &place, line);
        } else if (line[0] == '#') {
            lex_directive(lexer, &place, line);
        } else {
            lex_setting(lexer, &place, line);
        }
    }
    lexer->depth--;
    free(source);
}

struct config_file *config_file_parse(const char *text, size_t length, const char *name,
                                      const char *folder, struct config_report *report)
{
    struct config_lexer lexer = {.report = report, .folder = folder};
    struct config_place place = {.file = name};
    const char *kept_name;

    lexer.file = calloc(1, sizeof(*lexer.file));
    if (lexer.file) {
        lexer.file->arena = config_arena_create();
    }
    if (!lexer.file || !lexer.file->arena) {
        config_lexer_no_memory(&lexer, &place);
        config_file_free(lexer.file);
        return NULL;
    }
    kept_name = config_lexer_copy(&lexer, &place, name);
    if (kept_name) {
        config_lex_file(&lexer, kept_name, text, length);
    }
    if (lexer.out_of_memory) {
        config_file_free(lexer.file);
        return NULL;
    }
    return lexer.file;
}

struct config_file *config_file_read(const char *path, struct config_report *report)
{
    const char *slash = strrchr(path, '/');
    struct config_file *file = NULL;
    char *folder, *text;
    size_t length;

    folder = !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!folder) {
        config_error(report, path, 0, "out of memory");
        return NULL;
    }
    text = config_source_read(path, &length, report, path, 0);
    if (text) {
        file = config_file_parse(text, length, path, folder, report);
    }
    free(text);
    free(folder);
    return file;
}

void config_file_free(struct config_file *file)
{
    if (file) {
        config_arena_free(file->arena);
        free(file);
    }
}
