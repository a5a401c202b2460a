/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: ${VARIABLE}, ${FUNCTION(args)}, ${...:offset:length} and $[expression] in texts of the dialplan. A value
 * that was put in is never looked at again, so a peer's text can not make the dialplan read variables.
 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"

/* Each level has two buffers of PBX_TEXT_SIZE on the stack. */
#define MAX_DEPTH 8

/* Where variables come from. */
struct source {
    struct ast_channel *channel; /* or NULL */
    const struct chan_variables *globals;
};

struct output {
    char *out;
    size_t size, length;
    int cut;
};

static void put(struct output *output, const char *text, size_t length)
{
    size_t room = output->size - 1 - output->length;

    if (length > room) {
        output->cut = 1;
        length = room;
    }
    memcpy(output->out + output->length, text, length);
    output->length += length;
    output->out[output->length] = '\0';
}

/*
 * The bracket that ends what begins at text ("${" or "$["), or NULL. Brackets of the same kind count, those of the
 * other kind do not.
 */
static const char *find_end(const char *text)
{
    char open = text[1], close = open == '{' ? '}' : ']';
    unsigned depth = 0;

    for (++text; *text != '\0'; ++text) {
        if (*text == open) {
            ++depth;
        } else if (*text == close && --depth == 0) {
            return text;
        }
    }
    return NULL;
}

static int begins(const char *text)
{
    return text[0] == '$' && (text[1] == '{' || text[1] == '[');
}

static const char *find_begin(const char *text)
{
    while (*text != '\0' && !begins(text)) {
        ++text;
    }
    return text;
}

/* ---- one variable ---- */

/* Variables that every channel has; NULL: it is none of them. */
static const char *read_builtin(struct ast_channel *channel, const char *name, char *scratch,
                                size_t size)
{
    if (strcmp(name, "EXTEN") == 0) {
        return channel->exten;
    }
    if (strcmp(name, "CONTEXT") == 0) {
        return channel->context;
    }
    if (strcmp(name, "PRIORITY") == 0) {
        snprintf(scratch, size, "%d", channel->priority);
        return scratch;
    }
    if (strcmp(name, "CHANNEL") == 0) {
        return channel->name;
    }
    if (strcmp(name, "UNIQUEID") == 0) {
        return channel->uniqueid;
    }
    if (strcmp(name, "HANGUPCAUSE") == 0) {
        snprintf(scratch, size, "%d", channel->cause);
        return scratch;
    }
    return NULL;
}

static const char *read_variable(const struct source *source, const char *name, char *scratch,
                                 size_t size)
{
    const char *value = NULL;

    if (strcmp(name, "EPOCH") == 0) {
        snprintf(scratch, size, "%lld", (long long)time(NULL));
        return scratch;
    }
    if (source->channel != NULL) {
        value = read_builtin(source->channel, name, scratch, size);
        if (value == NULL) {
            value = chan_variables_get(&source->channel->variables, name);
        }
    }
    if (value == NULL) {
        value = chan_variables_get(source->globals, name);
    }
    return value != NULL ? value : "";
}

/* NAME(args), in place. */
static const char *read_function(struct ast_channel *channel, char *name, char *open, char *scratch,
                                 size_t size)
{
    size_t length = strlen(open);

    if (open[length - 1] == ')') {
        open[length - 1] = '\0';
    }
    *open = '\0';
    pbx_function_read(channel, name, open + 1, scratch, size);
    return scratch;
}

/* Where ":offset:length" begins in a variable's text, outside of parentheses; NULL: nowhere. */
static char *find_colon(char *text)
{
    unsigned depth = 0;

    for (; *text != '\0'; ++text) {
        if (*text == '(') {
            ++depth;
        } else if (*text == ')' && depth > 0) {
            --depth;
        } else if (*text == ':' && depth == 0) {
            return text;
        }
    }
    return NULL;
}

/* Puts the part of a value that offset and length ask for; negative ones count from its end. */
static void put_part(struct output *output, const char *value, long offset, long length)
{
    long whole = (long)strlen(value);
    long end;

    if (offset < 0) {
        offset = whole + offset > 0 ? whole + offset : 0;
    }
    if (offset > whole) {
        offset = whole;
    }
    if (length < 0) {
        end = whole + length > offset ? whole + length : offset;
    } else {
        end = length < whole - offset ? offset + length : whole;
    }
    put(output, value + offset, (size_t)(end - offset));
}

/* A bounded number: texts of more than a few digits mean no more than "all of it". */
static long read_number(const char *text, char **end)
{
    long number = strtol(text, end, 10);

    return number > INT_MAX ? INT_MAX : number < -INT_MAX ? -INT_MAX : number;
}

/* What stands between ${ and }, its own variables replaced. */
static void put_variable(struct output *output, const struct source *source, char *text)
{
    char scratch[PBX_TEXT_SIZE];
    char *colon = find_colon(text);
    const char *value;
    char *open;
    long offset = 0, length = INT_MAX;

    if (colon != NULL) {
        char *rest;

        *colon = '\0';
        offset = read_number(colon + 1, &rest);
        if (*rest == ':') {
            length = read_number(rest + 1, &rest);
        }
    }
    open = strchr(text, '(');
    value = open != NULL ? read_function(source->channel, text, open, scratch, sizeof(scratch))
                         : read_variable(source, text, scratch, sizeof(scratch));
    put_part(output, value, offset, length);
}

/* ---- texts ---- */

static void expand(struct output *output, const struct source *source, const char *text,
                   const char *end, unsigned depth);

/* What begins at text and ends at end, both brackets there. */
static void expand_one(struct output *output, const struct source *source, const char *text,
                       const char *end, unsigned depth)
{
    char inner[PBX_TEXT_SIZE], result[PBX_TEXT_SIZE];
    struct output inside = {.out = inner, .size = sizeof(inner)};

    if (depth >= MAX_DEPTH) {
        ast_warning_limited("\"%.80s\" is nested too deep", text);
        return;
    }
    inner[0] = '\0';
    expand(&inside, source, text + 2, end, depth + 1);
    output->cut |= inside.cut;
    if (text[1] == '{') {
        put_variable(output, source, inner);
    } else if (pbx_expr(inner, result, sizeof(result)) == 0) {
        put(output, result, strlen(result));
    }
}

static void expand(struct output *output, const struct source *source, const char *text,
                   const char *end, unsigned depth)
{
    while (text < end) {
        const char *begin = find_begin(text);
        const char *close;

        if (begin >= end) {
            begin = end;
        }
        put(output, text, (size_t)(begin - text));
        if (begin == end) {
            return;
        }
        close = find_end(begin);
        if (close == NULL || close >= end) { /* the reader refuses it; here it is plain text */
            put(output, begin, (size_t)(end - begin));
            return;
        }
        expand_one(output, source, begin, close, depth);
        text = close + 1;
    }
}

static char *substitute(const struct source *source, const char *text, char *out, size_t size)
{
    struct output output = {.out = out, .size = size};

    out[0] = '\0';
    expand(&output, source, text, text + strlen(text), 0);
    if (output.cut) {
        ast_warning_limited("\"%.80s\": the text is cut at %zu octets", text, size - 1);
    }
    return out;
}

char *pbx_substitute(struct ast_channel *channel, const char *text, char *out, size_t size)
{
    struct source source = {.channel = channel, .globals = &pbx_globals};

    return substitute(&source, text, out, size);
}

char *pbx_substitute_globals(const struct chan_variables *globals, const char *text, char *out,
                             size_t size)
{
    struct source source = {.globals = globals};

    return substitute(&source, text, out, size);
}

/* ---- for the checker ---- */

/* "(args)" and nothing behind it but ":offset:length". */
static int check_parentheses(const char *text, const char *end, char *why, size_t why_size)
{
    const char *at = text;
    unsigned depth = 0;

    do {
        depth += *at == '(';
        depth -= *at == ')';
        ++at;
    } while (at < end && depth > 0);
    if (depth > 0) {
        snprintf(why, why_size, "expected a ) for the ( at \"%.40s\"", text);
        return -1;
    }
    if (at < end && *at != ':') {
        snprintf(why, why_size, "expected a } at \"%.40s\"", at);
        return -1;
    }
    return 0;
}

/* A variable of a function is to be known, unless its name is made of variables. */
static int check_function(const char *text, const char *end, char *why, size_t why_size)
{
    const char *at = text;
    const char *nearest;
    char name[64];

    while (at < end && (isalnum((unsigned char)*at) || *at == '_')) {
        ++at;
    }
    if (at == end || *at != '(' || at == text) {
        return 0;
    }
    if (pbx_function_known(text, (size_t)(at - text))) {
        return check_parentheses(at, end, why, why_size);
    }
    base_copy_text(name, sizeof(name), text, (size_t)(at - text));
    nearest = pbx_function_nearest(name);
    snprintf(why, why_size, "there is no function %s here%s%s", name,
             nearest != NULL ? ", the nearest is " : "", nearest != NULL ? nearest : "");
    return -1;
}

static int check(const char *text, const char *end, unsigned depth, char *why, size_t why_size);

/* An expression with a number in the place of each variable. */
static int check_expression(const char *text, const char *end, char *why, size_t why_size)
{
    char inner[PBX_TEXT_SIZE], result[PBX_TEXT_SIZE];
    struct output inside = {.out = inner, .size = sizeof(inner)};

    inner[0] = '\0';
    while (text < end) {
        const char *begin = find_begin(text);

        if (begin >= end) {
            begin = end;
        }
        put(&inside, text, (size_t)(begin - text));
        if (begin == end) {
            break;
        }
        put(&inside, "1", 1);
        text = find_end(begin) + 1;
    }
    return pbx_expr_evaluate(inner, result, sizeof(result), why, why_size);
}

static int check_one(const char *text, const char *end, unsigned depth, char *why, size_t why_size)
{
    if (depth >= MAX_DEPTH) {
        snprintf(why, why_size, "\"%.40s\" is nested too deep", text);
        return -1;
    }
    if (check(text + 2, end, depth + 1, why, why_size) != 0) {
        return -1;
    }
    if (text[1] == '{' && text + 2 == end) {
        snprintf(why, why_size, "expected a variable's name between ${ and }");
        return -1;
    }
    return text[1] == '{' ? check_function(text + 2, end, why, why_size)
                          : check_expression(text + 2, end, why, why_size);
}

static int check(const char *text, const char *end, unsigned depth, char *why, size_t why_size)
{
    for (text = find_begin(text); text < end; text = find_begin(text)) {
        const char *close = find_end(text);

        if (close == NULL || close >= end) {
            snprintf(why, why_size, "expected a %c for the $%c at \"%.40s\"",
                     text[1] == '{' ? '}' : ']', text[1], text);
            return -1;
        }
        if (check_one(text, close, depth, why, why_size) != 0) {
            return -1;
        }
        text = close + 1;
    }
    return 0;
}

int pbx_check_text(const char *text, char *why, size_t why_size)
{
    return check(text, text + strlen(text), 0, why, why_size);
}
