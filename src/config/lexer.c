/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: from lines to sections: headers with templates, settings, includes. It knows no option and no section by
 * name.
 */
#include "config/config.h"

#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct lexer {
    struct config_file *file;
    struct config_report *report;
    const char *folder; /* of relative includes; NULL: there are none */
    struct config_section
        *current; /* of the lines that follow; NULL: before the first, or after a wrong header */
    int skipping; /* the last header was wrong: lines are left out without a word */
    int out_of_memory;
    const char *open_files[CONFIG_INCLUDE_DEPTH + 1]; /* those that include the present one */
    unsigned depth;
    struct config_section *buckets[CONFIG_BUCKETS]; /* sections by name, the oldest first */
};

/* Where the lexer is, for what it says. */
struct place {
    const char *file;
    unsigned line;
};

static void lex_file(struct lexer *lexer, const char *name, const char *text, size_t length);

static void *no_memory(struct lexer *lexer, const struct place *place)
{
    if (!lexer->out_of_memory) {
        config_error(lexer->report, place->file, place->line,
                     "the configuration is too large or memory is out");
    }
    lexer->out_of_memory = 1;
    return NULL;
}

static const char *copy(struct lexer *lexer, const struct place *place, const char *text)
{
    const char *result = config_arena_copy(lexer->file->arena, text, strlen(text));

    return result ? result : no_memory(lexer, place);
}

/* ---- lines of a section ---- */

static void append_line(struct config_section *section, struct config_line *line)
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

static void add_line(struct lexer *lexer, const struct place *place, const char *name,
                     const char *value, int arrow)
{
    struct config_line *line = config_arena_take(lexer->file->arena, sizeof(*line));

    if (!line) {
        no_memory(lexer, place);
        return;
    }
    line->name = copy(lexer, place, name);
    line->value = copy(lexer, place, value);
    line->file = place->file;
    line->line = place->line;
    line->arrow = arrow;
    if (line->name && line->value) {
        append_line(lexer->current, line);
    }
}

/* `name += text`: puts the text, with the blanks in front of it, behind the last value of that name. */
static void extend_line(struct lexer *lexer, const struct place *place, struct config_line *line,
                        const char *text)
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
        no_memory(lexer, place);
        return;
    }
    memcpy(value, line->value, length);
    memcpy(value + length, text, more);
    line->value = config_trim(value);
    line->file = place->file;
    line->line = place->line;
}

/* `name = value`, `name => value`, `name += value` */
static void lex_setting(struct lexer *lexer, const struct place *place, char *text)
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

/* ---- headers ---- */

/* Whether a section has every `name=value` of a filter, separated by '&'. */
static int passes(const struct config_section *section, const char *filter)
{
    while (filter && *filter) {
        size_t length = strcspn(filter, "&");
        const char *sign = memchr(filter, '=', length);
        const struct config_line *line;
        int found = 0;

        for (line = section->lines; line && sign && !found; line = line->next) {
            size_t name_length = (size_t)(sign - filter), value_length = length - name_length - 1;

            found = strlen(line->name) == name_length &&
                    strncasecmp(line->name, filter, name_length) == 0 &&
                    strlen(line->value) == value_length &&
                    strncasecmp(line->value, sign + 1, value_length) == 0;
        }
        if (!found) {
            return 0;
        }
        filter += length + (filter[length] == '&');
    }
    return 1;
}

/* The first section of a name that passes; how many there are in *count. Case counts only when it decides. */
static struct config_section *find_section(const struct lexer *lexer, const char *name,
                                           const char *filter, unsigned *count)
{
    struct config_section *section, *exact = NULL, *other = NULL;
    unsigned exact_count = 0, other_count = 0;

    section = lexer->buckets[config_hash(name)];
    for (; section; section = section->same_hash) {
        if (strcasecmp(section->name, name) != 0 || !passes(section, filter)) {
            continue;
        }
        if (strcmp(section->name, name) == 0) {
            exact = exact ? exact : section;
            exact_count++;
        } else {
            other = other ? other : section;
            other_count++;
        }
    }
    *count = exact ? exact_count : other_count;
    return exact ? exact : other;
}

static void inherit(struct lexer *lexer, const struct place *place, struct config_section *section,
                    const char *base)
{
    unsigned count;
    const struct config_section *from = find_section(lexer, base, NULL, &count);
    const struct config_line *line, *last = from ? from->last : NULL;

    if (!from) {
        config_error(lexer->report, place->file, place->line,
                     "there is no section [%s] to inherit from, expected it further up", base);
        return;
    }
    for (line = from->lines; line; line = line->next) {
        struct config_line *copied = config_arena_take(lexer->file->arena, sizeof(*copied));

        if (!copied) {
            no_memory(lexer, place);
            return;
        }
        *copied = *line; /* the strings live as long */
        copied->next = NULL;
        append_line(section, copied);
        if (line == last) { /* a section may inherit from itself with (+,x) */
            break;
        }
    }
}

/* The section that `[name](+)` continues, or NULL. */
static struct config_section *find_continued(struct lexer *lexer, const struct place *place,
                                             const char *name, const char *filter)
{
    unsigned count;
    struct config_section *section = find_section(lexer, name, filter, &count);

    if (!section) {
        config_error(lexer->report, place->file, place->line,
                     "there is no section [%s]%s%s to append to, expected it further up", name,
                     *filter ? " with " : "", filter);
    } else if (count > 1) {
        config_warning(
            lexer->report, place->file, place->line,
            "%u sections are called [%s]: this appends to the one of %s:%u, expected e.g. [%s](+type=...)",
            count, name, section->file, section->line, name);
    }
    return section;
}

static struct config_section *add_section(struct lexer *lexer, const struct place *place,
                                          const char *name)
{
    struct config_section *section = config_arena_take(lexer->file->arena, sizeof(*section));

    if (!section) {
        return no_memory(lexer, place);
    }
    section->name = copy(lexer, place, name);
    section->file = place->file;
    section->line = place->line;
    if (!section->name) {
        return NULL;
    }
    return section;
}

unsigned config_hash(const char *name)
{
    unsigned hash = 5381;

    for (; *name; name++) {
        unsigned char octet = (unsigned char)*name;

        hash = hash * 33u ^ (octet >= 'A' && octet <= 'Z' ? octet + 32u : octet);
    }
    return hash % CONFIG_BUCKETS;
}

static void append_section(struct lexer *lexer, struct config_section *section)
{
    struct config_section **end = &lexer->buckets[config_hash(section->name)];

    while (*end) {
        end = &(*end)->same_hash;
    }
    *end = section;
    if (lexer->file->last) {
        lexer->file->last->next = section;
    } else {
        lexer->file->sections = section;
    }
    lexer->file->last = section;
}

/* What stands between the parentheses of a header: `!`, `+`, `+type=x`, names, separated by commas. */
static void lex_header_options(struct lexer *lexer, const struct place *place, const char *name,
                               char *options)
{
    struct config_section *section = NULL;
    char *option, *rest = options, *copied;
    int template = 0;

    copied = strdup(options); /* `+` decides which section it is, wherever it stands */
    if (!copied) {
        no_memory(lexer, place);
        return;
    }
    while ((option = strsep(&rest, ","))) {
        option = config_trim(option);
        if (*option == '+') {
            section = find_continued(lexer, place, name, option + 1);
            if (!section) {
                free(copied);
                return;
            }
        } else if (strcmp(option, "!") == 0) {
            template = 1;
        }
    }
    if (!section) {
        section = add_section(lexer, place, name);
        if (section) {
            append_section(lexer, section);
        }
    }
    rest = copied;
    while (section && (option = strsep(&rest, ","))) {
        option = config_trim(option);
        if (!*option) {
            config_error(
                lexer->report, place->file, place->line,
                "an empty name between the parentheses, expected (!), (+) or names of sections");
        } else if (*option != '+' && strcmp(option, "!") != 0) {
            inherit(lexer, place, section, option);
        }
    }
    if (section && template) {
        section->is_template = 1;
    }
    lexer->current = section;
    free(copied);
}

/* `[name]`, `[name](options)` */
static void lex_header(struct lexer *lexer, const struct place *place, char *text)
{
    char *name, *options, *end = strchr(text, ']');

    lexer->current = NULL;
    lexer->skipping = 1;
    if (!end) {
        config_error(lexer->report, place->file, place->line,
                     "the section's name does not end, expected ']'");
        return;
    }
    *end = '\0';
    name = config_trim(text + 1);
    if (!*name) {
        config_error(lexer->report, place->file, place->line,
                     "the section has no name, expected [name]");
        return;
    }
    options = config_trim(end + 1);
    if (!*options) {
        lexer->current = add_section(lexer, place, name);
        if (lexer->current) {
            append_section(lexer, lexer->current);
        }
        return;
    }
    end = strchr(options, ')');
    if (*options != '(' || !end || end[1] != '\0') {
        config_error(
            lexer->report, place->file, place->line,
            "'%s' after the section's name, expected nothing or (!), (+) or names of sections",
            options);
        return;
    }
    *end = '\0';
    lex_header_options(lexer, place, name, options + 1);
}

/* ---- includes ---- */

static void include_one(struct lexer *lexer, const struct place *place, const char *path)
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
    name = copy(lexer, place, path);
    text = name ? config_source_read(path, &length, lexer->report, place->file, place->line) : NULL;
    if (text) {
        lex_file(lexer, name, text, length);
        free(text);
    }
    /* The lines after an include belong to the section that was open before it. */
    lexer->current = current;
    lexer->skipping = skipping;
}

/* Includes all files that match; `must`: at least one has to. */
static void include_matching(struct lexer *lexer, const struct place *place, const char *pattern,
                             int must)
{
    glob_t found;
    size_t i;
    int result = glob(pattern, 0, NULL, &found);

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

static void lex_include(struct lexer *lexer, const struct place *place, char *argument, int must)
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

static void lex_directive(struct lexer *lexer, const struct place *place, char *text)
{
    static const char *const known[] = {"include", "tryinclude"};
    char *argument = text + strcspn(text, " \t");
    const char *nearest;

    if (*argument) {
        *argument++ = '\0';
    }
    argument = config_trim(argument);
    if (strcasecmp(text, "#include") == 0) {
        lex_include(lexer, place, argument, 1);
    } else if (strcasecmp(text, "#tryinclude") == 0) {
        lex_include(lexer, place, argument, 0);
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

static void lex_file(struct lexer *lexer, const char *name, const char *text, size_t length)
{
    struct config_source *source = malloc(sizeof(*source));
    struct place place = {.file = name};
    char *line;

    if (!source) {
        no_memory(lexer, &place);
        return;
    }
    lexer->open_files[lexer->depth++] = name;
    config_source_init(source, text, length, name, lexer->report);
    while (!lexer->out_of_memory && (line = config_source_line(source))) {
        place.line = source->line;
        if (line[0] == '[') {
            lex_header(lexer, &place, line);
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
    struct lexer lexer = {.report = report, .folder = folder};
    struct place place = {.file = name};
    const char *kept_name;

    lexer.file = calloc(1, sizeof(*lexer.file));
    if (lexer.file) {
        lexer.file->arena = config_arena_create();
    }
    if (!lexer.file || !lexer.file->arena) {
        no_memory(&lexer, &place);
        config_file_free(lexer.file);
        return NULL;
    }
    kept_name = copy(&lexer, &place, name);
    if (kept_name) {
        lex_file(&lexer, kept_name, text, length);
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
