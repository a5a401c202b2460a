/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replaces: reads the value of a Replaces header. See value.h. */
#include "value.h"

#include <string.h>
#include <strings.h>

/* RFC 3261 25.1: token */
static int is_token(char c)
{
    return c != '\0' && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || strchr("-.!%*_+`'~", c) != NULL);
}

/* RFC 3261 25.1: word, and the @ between the two of a callid */
static int is_call_id(char c)
{
    return is_token(c) || (c != '\0' && strchr("()<>:\\\"/[]?{}@", c) != NULL);
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* Takes characters of a kind. The place behind them; NULL: there is none, or out has no room. */
static const char *take(const char *at, int (*is)(char c), char *out, size_t size)
{
    size_t length = 0;

    while (is(at[length])) {
        ++length;
    }
    if (length == 0 || length >= size) {
        return NULL;
    }
    memcpy(out, at, length);
    out[length] = '\0';
    return at + length;
}

/* The value of a generic-param (RFC 3261 25.1): a token, a host or a quoted-string; it is not kept.
 */
static const char *skip_value(const char *at)
{
    if (*at != '"') {
        size_t length = 0;

        while (is_token(at[length]) || at[length] == '[' || at[length] == ']' ||
               at[length] == ':') {
            ++length;
        }
        return length > 0 ? at + length : NULL;
    }
    for (++at; *at != '"'; ++at) {
        if (*at == '\\' && at[1] != '\0') {
            ++at;
        }
        if ((unsigned char)*at < ' ') {
            return NULL;
        }
    }
    return at + 1;
}

/* to-tag or from-tag: each once, with a value. */
static const char *take_tag(const char *at, char *tag, size_t size)
{
    if (tag[0] != '\0' || *at != '=') {
        return NULL;
    }
    return take(skip_blanks(at + 1), is_token, tag, size);
}

static const char *take_parameter(const char *at, struct replaces_value *value)
{
    char name[32];

    at = take(skip_blanks(at), is_token, name, sizeof(name));
    if (at == NULL) {
        return NULL;
    }
    at = skip_blanks(at);
    if (strcasecmp(name, "to-tag") == 0) {
        return take_tag(at, value->to_tag, sizeof(value->to_tag));
    }
    if (strcasecmp(name, "from-tag") == 0) {
        return take_tag(at, value->from_tag, sizeof(value->from_tag));
    }
    if (strcasecmp(name, "early-only") == 0 && *at != '=') {
        value->early_only = 1;
        return at;
    }
    return *at == '=' ? skip_value(skip_blanks(at + 1)) : at;
}

int replaces_parse(const char *text, struct replaces_value *value)
{
    struct replaces_value found = {.early_only = 0};
    const char *at = take(skip_blanks(text), is_call_id, found.call_id, sizeof(found.call_id));

    while (at != NULL) {
        at = skip_blanks(at);
        if (*at == '\0') {
            break;
        }
        at = *at == ';' ? take_parameter(at + 1, &found) : NULL;
    }
    if (at == NULL || found.to_tag[0] == '\0' || found.from_tag[0] == '\0') {
        return -1;
    }
    *value = found;
    return 0;
}
