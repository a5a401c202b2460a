/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: files that a file includes: by name or by pattern, never in a circle, and not without
 * end.
 */
#include "config/config.h"

#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void include_one(struct config_lexer *lexer, const struct config_place *place,
                        const char *path)
{
    struct config_section *current = lexer->current;
    int skipping = lexer->skipping;
    size_t length;
    char *text;
    const char *name;
    unsigned i;

    for (i = 0; i < lexer->depth; i++) {
        if (strcmp(lexer->open_files[i], path) == 0) {
            config_error(lexer->report, place->file, place->line, "%s includes itself", path);
            return;
        }
    }
    if (lexer->depth > CONFIG_INCLUDE_DEPTH) {
        config_error(lexer->report, place->file, place->line,
                     "too many includes within each other, expected at most %u",
                     CONFIG_INCLUDE_DEPTH);
        return;
    }
    name = config_lexer_copy(lexer, place, path);
    text = name ? config_source_read(path, &length, lexer->report, place->file, place->line) : NULL;
    if (text) {
        config_lex_file(lexer, name, text, length);
        free(text);
    }
    /* The lines after an include belong to the section that was open before it. */
    lexer->current = current;
    lexer->skipping = skipping;
}

/* Includes all files that match; `must`: at least one has to. */
static void include_matching(struct config_lexer *lexer, const struct config_place *place,
                             const char *pattern, int must)
{
    glob_t found;
    size_t i;
    int result;

    if (access(pattern, F_OK) == 0) { /* a name may look like a pattern */
        include_one(lexer, place, pattern);
        return;
    }
    result = glob(pattern, 0, NULL, &found);
    if (result == GLOB_NOMATCH) {
        if (must) {
            config_error(lexer->report, place->file, place->line,
                         "no file %s, expected one; #tryinclude does without", pattern);
        }
        return;
    }
    if (result != 0) {
        config_error(lexer->report, place->file, place->line, "%s: %s", pattern,
                     result == GLOB_NOSPACE ? "out of memory" : "its folder cannot be read");
        return;
    }
    for (i = 0; i < found.gl_pathc && !lexer->out_of_memory; i++) {
        include_one(lexer, place, found.gl_pathv[i]);
    }
    globfree(&found);
}

/* "file", <file> or file */
static char *unquote(char *text)
{
    size_t length = strlen(text);
    char last = length > 1 ? text[length - 1] : '\0';

    if ((text[0] == '"' && last == '"') || (text[0] == '<' && last == '>')) {
        text[length - 1] = '\0';
        return config_trim(text + 1);
    }
    return text;
}

void config_lex_include(struct config_lexer *lexer, const struct config_place *place,
                        char *argument, int must)
{
    char path[PATH_MAX];
    const char *name = unquote(argument);
    int length;

    if (!*name) {
        config_error(lexer->report, place->file, place->line,
                     "no file after the directive, expected #include \"file\"");
        return;
    }
    if (!lexer->folder) {
        config_error(lexer->report, place->file, place->line, "no file can be included here");
        return;
    }
    if (name[0] == '/') {
        length = snprintf(path, sizeof(path), "%s", name);
    } else {
        length = snprintf(path, sizeof(path), "%s/%s", lexer->folder, name);
    }
    if (length < 0 || (size_t)length >= sizeof(path)) {
        config_error(lexer->report, place->file, place->line, "the file's name is too long");
        return;
    }
    include_matching(lexer, place, path, must);
}
