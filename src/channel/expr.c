/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: the expressions of $[...], as the field writes them: | & = == != < <= > >= + - * / % ! - ( ), loosest
 * first, all left to right. Text in, text out: no variables, no channel, no allocation. A text is peer input here,
 * since variables were put into it: depth and length are bounded.
 */
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"

#define MAX_DEPTH   64
#define NUMBER_SIZE 40

/*
 * A value is text until somebody counts with it: what nobody touched comes out as it was written. DIGITS is text
 * that is a number. Quotes are a part of the text, so "" is not empty, and "5" is not 5.
 */
enum kind { TEXT, DIGITS, NUMBER };

struct value {
    enum kind kind;
    const char *text; /* of TEXT and DIGITS, borrowed from the expression */
    size_t length;
    long double number; /* of NUMBER */
};

enum token {
    TOKEN_END,
    TOKEN_VALUE,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_OR,
    TOKEN_AND,
    TOKEN_EQUAL,
    TOKEN_UNEQUAL,
    TOKEN_LESS,
    TOKEN_AT_MOST,
    TOKEN_GREATER,
    TOKEN_AT_LEAST,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_TIMES,
    TOKEN_OVER,
    TOKEN_MODULO,
    TOKEN_NOT,
    TOKEN_BAD
};

struct parser {
    const char *at; /* behind the token */
    enum token token;
    struct value value; /* of TOKEN_VALUE */
    unsigned depth;
    int failed;
    char *why;
    size_t why_size;
};

static void fail(struct parser *parser, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The first failure is told. */
static void fail(struct parser *parser, const char *format, ...)
{
    va_list args;

    if (!parser->failed) {
        va_start(args, format);
        vsnprintf(parser->why, parser->why_size, format, args);
        va_end(args);
    }
    parser->failed = 1;
    parser->token = TOKEN_END;
}

/* ---- tokens ---- */

/* Digits with at most one dot; a number of so many digits that it is none any more is text. */
static int is_digits(const char *text, size_t length)
{
    size_t digits = 0, dots = 0;

    for (size_t i = 0; i < length; ++i) {
        digits += isdigit((unsigned char)text[i]) != 0;
        dots += text[i] == '.';
    }
    return digits > 0 && dots <= 1 && digits + dots == length && length < NUMBER_SIZE;
}

static void take_value(struct parser *parser, const char *text, size_t length)
{
    parser->token = TOKEN_VALUE;
    parser->value = (struct value){.kind = is_digits(text, length) ? DIGITS : TEXT,
                                   .text = text,
                                   .length = length};
    parser->at = text + length;
}

static const struct {
    char text[3];
    enum token token;
} operators[] = {
    /* The longer ones first. What only the field's own parser knows is named, so that it is refused by its name. */
    {"==", TOKEN_EQUAL}, {"!=", TOKEN_UNEQUAL}, {"<=", TOKEN_AT_MOST}, {">=", TOKEN_AT_LEAST},
    {"=~", TOKEN_BAD},   {"~~", TOKEN_BAD},     {"::", TOKEN_BAD},     {"|", TOKEN_OR},
    {"&", TOKEN_AND},    {"=", TOKEN_EQUAL},    {"<", TOKEN_LESS},     {">", TOKEN_GREATER},
    {"+", TOKEN_PLUS},   {"-", TOKEN_MINUS},    {"*", TOKEN_TIMES},    {"/", TOKEN_OVER},
    {"%", TOKEN_MODULO}, {"!", TOKEN_NOT},      {"(", TOKEN_OPEN},     {")", TOKEN_CLOSE},
    {":", TOKEN_BAD},    {"?", TOKEN_BAD},      {"~", TOKEN_BAD},
};

static int is_word(char c)
{
    return c != '\0' && !isspace((unsigned char)c) && strchr("|&=<>+-*/%!():?~\"", c) == NULL;
}

static void next(struct parser *parser)
{
    const char *at = parser->at;
    size_t length = 0;

    while (isspace((unsigned char)*at)) {
        ++at;
    }
    parser->at = at;
    if (*at == '\0') {
        parser->token = TOKEN_END;
        return;
    }
    if (*at == '"') {
        const char *end = strchr(at + 1, '"');

        if (end == NULL) {
            fail(parser, "expected a second \" behind %.40s", at);
            return;
        }
        take_value(parser, at, (size_t)(end - at) + 1);
        return;
    }
    for (size_t i = 0; i < PJ_ARRAY_SIZE(operators); ++i) {
        length = strlen(operators[i].text);
        if (strncmp(at, operators[i].text, length) == 0) {
            if (operators[i].token == TOKEN_BAD) {
                fail(parser, "the operator %s is not supported here", operators[i].text);
                return;
            }
            parser->token = operators[i].token;
            parser->at = at + length;
            return;
        }
    }
    for (length = 0; is_word(at[length]); ++length) {
    }
    take_value(parser, at, length);
}

/* ---- values ---- */

static struct value number(long double n)
{
    return (struct value){.kind = NUMBER, .number = n};
}

/* 1, and the value is a NUMBER now; 0: it is text. */
static int to_number(struct value *value)
{
    if (value->kind == DIGITS) {
        char digits[NUMBER_SIZE];

        memcpy(digits, value->text, value->length);
        digits[value->length] = '\0';
        *value = number(strtold(digits, NULL));
    }
    return value->kind == NUMBER;
}

/* Its text: that of a number is made in scratch. */
static const char *to_text(const struct value *value, char *scratch, size_t size, size_t *length)
{
    if (value->kind != NUMBER) {
        *length = value->length;
        return value->text;
    }
    snprintf(scratch, size, "%.18Lg", value->number);
    *length = strlen(scratch);
    return scratch;
}

static int is_null(struct value *value)
{
    return to_number(value) ? value->number == 0 : value->length == 0;
}

static int compare_text(const struct value *a, const struct value *b)
{
    char a_scratch[NUMBER_SIZE], b_scratch[NUMBER_SIZE];
    size_t a_length, b_length;
    const char *a_text = to_text(a, a_scratch, sizeof(a_scratch), &a_length);
    const char *b_text = to_text(b, b_scratch, sizeof(b_scratch), &b_length);
    int order = memcmp(a_text, b_text, a_length < b_length ? a_length : b_length);

    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

/* Numbers when both are, else text. -1, 0, 1; 2: not to be compared (what inf - inf makes). */
static int compare(struct value *a, struct value *b)
{
    int order;

    if (a->kind == TEXT || b->kind == TEXT) {
        order = compare_text(a, b);
        return (order > 0) - (order < 0);
    }
    to_number(a);
    to_number(b);
    if (isnan(a->number) || isnan(b->number)) {
        return 2;
    }
    return (a->number > b->number) - (a->number < b->number);
}

static struct value relation(enum token operator, struct value * a, struct value *b)
{
    int order = compare(a, b);

    switch (operator) {
    case TOKEN_EQUAL:
        return number(order == 0);
    case TOKEN_UNEQUAL:
        return number(order != 0);
    case TOKEN_LESS:
        return number(order == -1);
    case TOKEN_AT_MOST:
        return number(order == -1 || order == 0);
    case TOKEN_GREATER:
        return number(order == 1);
    default:
        return number(order == 1 || order == 0);
    }
}

/* Text does not count: a sum is of what does, a product of nothing is 0, and a division by 0 the largest int. */
static struct value arithmetic(enum token operator, struct value * a, struct value *b)
{
    int left = to_number(a), right = to_number(b);
    long double x = left ? a->number : 0, y = right ? b->number : 0;

    switch (operator) {
    case TOKEN_PLUS:
        return number(x + y);
    case TOKEN_MINUS:
        return number(x - y);
    case TOKEN_TIMES:
        return number(x * y);
    case TOKEN_OVER:
        return number(!left ? 0 : y == 0 ? (long double)INT_MAX : x / y);
    default:
        return number(!left || y == 0 ? 0 : fmodl(x, y));
    }
}

static struct value apply(enum token operator, struct value * a, struct value *b)
{
    switch (operator) {
    case TOKEN_OR:
        return is_null(a) ? *b : *a;
    case TOKEN_AND:
        return is_null(a) || is_null(b) ? number(0) : *a;
    case TOKEN_PLUS:
    case TOKEN_MINUS:
    case TOKEN_TIMES:
    case TOKEN_OVER:
    case TOKEN_MODULO:
        return arithmetic(operator, a, b);
    default:
        return relation(operator, a, b);
    }
}

/* ---- grammar ---- */

static int binding(enum token token)
{
    switch (token) {
    case TOKEN_OR:
        return 1;
    case TOKEN_AND:
        return 2;
    case TOKEN_EQUAL:
    case TOKEN_UNEQUAL:
    case TOKEN_LESS:
    case TOKEN_AT_MOST:
    case TOKEN_GREATER:
    case TOKEN_AT_LEAST:
        return 3;
    case TOKEN_PLUS:
    case TOKEN_MINUS:
        return 4;
    case TOKEN_TIMES:
    case TOKEN_OVER:
    case TOKEN_MODULO:
        return 5;
    default:
        return 0;
    }
}

static struct value parse(struct parser *parser, int loosest);

static struct value parse_operand(struct parser *parser)
{
    enum token token = parser->token;
    struct value value = number(0);

    switch (token) {
    case TOKEN_VALUE:
        value = parser->value;
        next(parser);
        return value;
    case TOKEN_OPEN:
        next(parser);
        value = parse(parser, 1);
        if (!parser->failed && parser->token != TOKEN_CLOSE) {
            fail(parser, "expected a )");
        } else {
            next(parser);
        }
        return value;
    case TOKEN_MINUS:
    case TOKEN_NOT:
        next(parser);
        value = parse(parser, 6);
        if (token == TOKEN_NOT) {
            return number(is_null(&value));
        }
        return number(to_number(&value) ? -value.number : 0);
    default:
        fail(parser, "expected a value%s%.40s", *parser->at != '\0' ? " before " : " at the end",
             parser->at);
        return value;
    }
}

/* Operators that bind at least as tight as `loosest`. */
static struct value parse(struct parser *parser, int loosest)
{
    struct value value = number(0);

    if (++parser->depth > MAX_DEPTH) {
        fail(parser, "it is nested too deep");
    }
    if (!parser->failed) {
        value = parse_operand(parser);
    }
    while (!parser->failed && binding(parser->token) >= loosest) {
        enum token operator= parser->token;
        struct value right;

        next(parser);
        right = parse(parser, binding(operator) + 1);
        value = apply(operator, & value, &right);
    }
    --parser->depth;
    return value;
}

int pbx_expr_evaluate(const char *text, char *out, size_t size, char *why, size_t why_size)
{
    struct parser parser = {.at = text, .why = why, .why_size = why_size};
    struct value value;
    char scratch[NUMBER_SIZE];
    size_t length;

    next(&parser);
    if (!parser.failed && parser.token == TOKEN_END) { /* $[]: the empty text */
        out[0] = '\0';
        return 0;
    }
    value = parse(&parser, 1);
    if (!parser.failed && parser.token != TOKEN_END) {
        fail(&parser, "expected an operator");
    }
    if (parser.failed) {
        return -1;
    }
    text = to_text(&value, scratch, sizeof(scratch), &length);
    base_copy_text(out, size, text, length);
    return 0;
}

int pbx_expr(const char *text, char *out, size_t size)
{
    char why[128];

    if (pbx_expr_evaluate(text, out, size, why, sizeof(why)) != 0) {
        ast_warning_limited("The expression $[%s] cannot be evaluated: %s", text, why);
        out[0] = '\0';
        return -1;
    }
    return 0;
}

int pbx_is_true(const char *text)
{
    const char *digits = text + (*text == '-' || *text == '+');

    while (*digits == '.') {
        ++digits;
    }
    if (isdigit((unsigned char)*digits)) {
        return strtold(text, NULL) != 0;
    }
    return *text != '\0';
}
