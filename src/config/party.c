/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: an endpoint's identity as people write it: `"Name" <number>` and who may be shown it.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct ast_party_id *party_of(void *object, const struct base_option *option)
{
    return (struct ast_party_id *)((char *)object + option->offset);
}

static const struct ast_party_id *const_party_of(const void *object,
                                                 const struct base_option *option)
{
    return (const struct ast_party_id *)((const char *)object + option->offset);
}

/* Numbers are digits with signs between them: everything else is a name. */
static int is_number(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789*#+-. ()")] == '\0';
}

static char *unquote(char *text)
{
    size_t length = strlen(text);

    if (length > 1 && text[0] == '"' && text[length - 1] == '"') {
        text[length - 1] = '\0';
        return config_trim(text + 1);
    }
    return text;
}

int config_parse_callerid(void *object, const struct base_option *option, const char *value,
                          char *why, size_t why_size)
{
    struct ast_party_id *party = party_of(object, option);
    struct ast_party_id result = *party;
    char *copy = strdup(value), *name = copy, *number, *end;

    if (!copy) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    number = strrchr(copy, '<');
    if (number) {
        *number++ = '\0';
        end = strchr(number, '>');
        if (!end || end[1] != '\0') {
            snprintf(why, why_size, "expected \"Name\" <number>");
            free(copy);
            return -1;
        }
        *end = '\0';
        number = config_trim(number);
    } else if (is_number(copy)) {
        number = copy;
        name = copy + strlen(copy);
    }
    name = unquote(config_trim(name));
    if (strlen(name) >= sizeof(result.name) ||
        (number && strlen(number) >= sizeof(result.number))) {
        snprintf(why, why_size, "expected a name and a number of at most %d octets each",
                 AST_PARTY_TEXT_SIZE - 1);
        free(copy);
        return -1;
    }
    base_copy_text(result.name, sizeof(result.name), name, strlen(name));
    base_copy_text(result.number, sizeof(result.number), number ? number : "",
                   number ? strlen(number) : 0);
    *party = result;
    free(copy);
    return 0;
}

void config_format_callerid(const void *object, const struct base_option *option, char *out,
                            size_t size)
{
    const struct ast_party_id *party = const_party_of(object, option);

    out[0] = '\0';
    if (*party->name) {
        snprintf(out, size, "\"%s\" <%s>", party->name, party->number);
    } else if (*party->number) {
        snprintf(out, size, "%s", party->number);
    }
}

/* The names of the field. */
static const struct {
    const char *name;
    int presentation;
} privacies[] = {
    {"allowed_not_screened", AST_PARTY_ALLOWED},    {"allowed_passed_screen", AST_PARTY_ALLOWED},
    {"allowed_failed_screen", AST_PARTY_ALLOWED},   {"allowed", AST_PARTY_ALLOWED},
    {"prohib_not_screened", AST_PARTY_RESTRICTED},  {"prohib_passed_screen", AST_PARTY_RESTRICTED},
    {"prohib_failed_screen", AST_PARTY_RESTRICTED}, {"prohib", AST_PARTY_RESTRICTED},
    {"unavailable", AST_PARTY_UNAVAILABLE}};

int config_parse_privacy(void *object, const struct base_option *option, const char *value,
                         char *why, size_t why_size)
{
    size_t i;

    for (i = 0; i < sizeof(privacies) / sizeof(privacies[0]); i++) {
        if (strcasecmp(privacies[i].name, value) == 0) {
            party_of(object, option)->presentation = privacies[i].presentation;
            party_of(object, option)->screened = strstr(privacies[i].name, "passed") != NULL;
            return 0;
        }
    }
    snprintf(why, why_size, "expected allowed, prohib or unavailable");
    return -1;
}

void config_format_privacy(const void *object, const struct base_option *option, char *out,
                           size_t size)
{
    static const char *const names[] = {"allowed", "prohib", "unavailable"};

    snprintf(out, size, "%s", names[const_party_of(object, option)->presentation]);
}
