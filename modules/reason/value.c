/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reason: values of a Reason header, read and written (RFC 3326 2):
 *
 *     reason-value = protocol *( ";" ( "cause=" 1*DIGIT / "text=" quoted-string / generic-param ) )
 *
 * The header comes from anybody: nothing is taken for granted.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "value.h"

#define MAX_CAUSE 999

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) {
        ++at;
    }
    return at;
}

/* Behind a token (RFC 3261 25.1). */
static const char *skip_token(const char *at, const char *end)
{
    while (at < end && *at != '\0' &&
           (isalnum((unsigned char)*at) || strchr("-.!%*_+`'~", *at) != NULL)) {
        ++at;
    }
    return at;
}

/* Behind a quoted string that begins here; `end` when it does not end. */
static const char *skip_quoted(const char *at, const char *end)
{
    for (++at; at < end && *at != '"'; ++at) {
        if (*at == '\\' && at + 1 < end) {
            ++at;
        }
    }
    return at < end ? at + 1 : end;
}

/* The comma that ends a value, or `end`. */
static const char *find_comma(const char *at, const char *end)
{
    while (at < end && *at != ',') {
        at = *at == '"' ? skip_quoted(at, end) : at + 1;
    }
    return at;
}

static void copy(char *out, size_t size, const char *at, const char *end)
{
    size_t length = (size_t)(end - at) < size ? (size_t)(end - at) : size - 1;

    memcpy(out, at, length);
    out[length] = '\0';
}

/* Control characters become blanks. */
static char printable(char octet)
{
    if ((unsigned char)octet < ' ' || octet == 0x7f) {
        return ' ';
    }
    return octet;
}

/* A quoted string without its quotes and backslashes. */
static void copy_quoted(char *out, size_t size, const char *at, const char *end)
{
    size_t used = 0;

    for (++at; at < end && *at != '"' && used + 1 < size; ++at) {
        if (*at == '\\' && at + 1 < end) {
            ++at;
        }
        out[used++] = printable(*at);
    }
    out[used] = '\0';
}

/* -1: no number up to 999. */
static int parse_cause(const char *at, const char *end)
{
    int value = 0;

    if (at == end) {
        return -1;
    }
    for (; at < end; ++at) {
        if (!isdigit((unsigned char)*at)) {
            return -1;
        }
        value = value * 10 + (*at - '0');
        if (value > MAX_CAUSE) {
            return -1;
        }
    }
    return value;
}

/* One parameter, behind its semicolon. Where it ends; NULL: it is broken. */
static const char *parse_param(const char *at, const char *end, struct reason_value *value)
{
    const char *name = skip_blanks(at, end), *name_end = skip_token(name, end);
    const char *from, *to;

    if (name == name_end) {
        return NULL;
    }
    at = skip_blanks(name_end, end);
    if (at == end || *at != '=') {
        return at; /* a flag */
    }
    from = skip_blanks(at + 1, end);
    to = from < end && *from == '"' ? skip_quoted(from, end) : skip_token(from, end);
    if (from == to) {
        return NULL;
    }
    if (name_end - name == 5 && strncasecmp(name, "cause", 5) == 0) {
        value->cause = parse_cause(from, to);
    } else if (name_end - name == 4 && strncasecmp(name, "text", 4) == 0) {
        if (*from == '"') {
            copy_quoted(value->text, sizeof(value->text), from, to);
        } else {
            copy(value->text, sizeof(value->text), from, to);
        }
    }
    return skip_blanks(to, end);
}

/* 0; -1: it is broken. */
static int parse(const char *at, const char *end, struct reason_value *value)
{
    const char *protocol = skip_blanks(at, end);

    at = skip_token(protocol, end);
    if (at == protocol) {
        return -1;
    }
    copy(value->protocol, sizeof(value->protocol), protocol, at);
    at = skip_blanks(at, end);
    while (at < end) {
        if (*at != ';') {
            return -1;
        }
        at = parse_param(at + 1, end, value);
        if (at == NULL) {
            return -1;
        }
    }
    return 0;
}

int reason_next(const char **at, const char *end, struct reason_value *value)
{
    while (*at < end) {
        struct reason_value found = {.cause = -1};
        const char *start = *at, *comma = find_comma(start, end);

        *at = comma < end ? comma + 1 : end;
        if (parse(start, comma, &found) == 0) {
            *value = found;
            return 1;
        }
    }
    return 0;
}

int reason_print(char *out, size_t size, const char *protocol, int cause, const char *text)
{
    int used = snprintf(out, size, "%s;cause=%d", protocol, cause);
    size_t at;

    if (used < 0 || (size_t)used >= size) {
        return -1;
    }
    if (text[0] == '\0') {
        return used;
    }
    at = (size_t)used;
    if (at + sizeof(";text=\"") > size) {
        return -1;
    }
    memcpy(out + at, ";text=\"", 7);
    at += 7;
    for (; *text != '\0'; ++text) {
        if (at + 4 > size) { /* a backslash, it, a quote, NUL */
            return -1;
        }
        if (*text == '"' || *text == '\\') {
            out[at++] = '\\';
        }
        out[at++] = printable(*text);
    }
    if (at + 2 > size) {
        return -1;
    }
    out[at++] = '"';
    out[at] = '\0';
    return (int)at;
}
