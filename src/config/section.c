/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: headers of sections: `[name](!)`, `[name](a,b)`, `[name](+)`, and what they inherit.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* The first section of a name that passes; how many there are in *count. Case counts only when it
 * decides. */
static struct config_section *find_section(const struct config_lexer *lexer, const char *name,
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

static void inherit(struct config_lexer *lexer, const struct config_place *place,
                    struct config_section *section, const char *base)
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
            config_lexer_no_memory(lexer, place);
            return;
        }
        *copied = *line; /* the strings live as long */
        copied->next = NULL;
        config_append_line(section, copied);
        if (line == last) { /* a section may inherit from itself with (+,x) */
            break;
        }
    }
}

/* The section that `[name](+)` continues, or NULL. */
static struct config_section *find_continued(struct config_lexer *lexer,
                                             const struct config_place *place, const char *name,
                                             const char *filter)
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

static struct config_section *add_section(struct config_lexer *lexer,
                                          const struct config_place *place, const char *name)
{
    struct config_section *section = config_arena_take(lexer->file->arena, sizeof(*section));

    if (!section) {
        return config_lexer_no_memory(lexer, place);
    }
    section->name = config_lexer_copy(lexer, place, name);
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

static void append_section(struct config_lexer *lexer, struct config_section *section)
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

/* What stands between the parentheses of a header: `!`, `+`, `+type=x`, names, separated by commas.
 */
static void lex_header_options(struct config_lexer *lexer, const struct config_place *place,
                               const char *name, char *options)
{
    struct config_section *section = NULL;
    char *option, *rest = options, *copied;
    int template = 0;

    copied = strdup(options); /* `+` decides which section it is, wherever it stands */
    if (!copied) {
        config_lexer_no_memory(lexer, place);
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
void config_lex_header(struct config_lexer *lexer, const struct config_place *place, char *text)
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
