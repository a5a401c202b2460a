/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: patterns of extensions, compiled once. A pattern is a row of sets of characters, with an optional wildcard
 * at its end. No state, and nothing of contexts.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel/channel.h"

/* The characters that a position allows. */
struct set {
    unsigned char bits[32];
    unsigned short size;
};

/* What may follow the positions: the rank decides which pattern is asked first, as it does for positions. */
enum tail { TAIL_DOT = 1, TAIL_BANG = 2, TAIL_NONE = 3 };

struct pbx_pattern {
    enum tail tail;
    unsigned count;
    struct set sets[];
};

static int set_has(const struct set *set, unsigned char c)
{
    return (set->bits[c / 8] >> (c % 8)) & 1;
}

static void set_add(struct set *set, unsigned from, unsigned to)
{
    for (unsigned c = from; c <= to; ++c) {
        if (!set_has(set, (unsigned char)c)) {
            set->bits[c / 8] |= (unsigned char)(1u << (c % 8));
            ++set->size;
        }
    }
}

static int refuse(char *why, size_t why_size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(char *why, size_t why_size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, why_size, format, args);
    va_end(args);
    return -1;
}

/* Reads "[...]" at *text and moves behind it. */
static int parse_set(const char **text, struct set *set, char *why, size_t why_size)
{
    const char *at = *text + 1;
    const char *end = strchr(at, ']');

    if (end == NULL) {
        return refuse(why, why_size, "expected a ] for the [ at \"%s\"", *text);
    }
    if (at == end) {
        return refuse(why, why_size, "expected characters between [ and ]");
    }
    while (at < end) {
        unsigned char from = (unsigned char)at[0], to = from;

        if (at + 2 < end && at[1] == '-') {
            to = (unsigned char)at[2];
            at += 2;
        }
        if (to < from) {
            return refuse(why, why_size, "expected a range upwards, not %c-%c", from, to);
        }
        set_add(set, from, to);
        ++at;
    }
    *text = end + 1;
    return 0;
}

/* Reads one position at *text and moves behind it. 0; 1: it is the tail; -1: why. */
static int parse_position(const char **text, struct set *set, enum tail *tail, char *why,
                          size_t why_size)
{
    unsigned char c = (unsigned char)**text;

    switch (toupper(c)) {
    case '[':
        return parse_set(text, set, why, why_size);
    case ']':
        return refuse(why, why_size, "expected a [ before the ]");
    case 'X':
        set_add(set, '0', '9');
        break;
    case 'Z':
        set_add(set, '1', '9');
        break;
    case 'N':
        set_add(set, '2', '9');
        break;
    case '.':
    case '!':
        *tail = c == '.' ? TAIL_DOT : TAIL_BANG;
        if ((*text)[1] != '\0') {
            return refuse(why, why_size, "expected nothing behind the %c", c);
        }
        return 1;
    default:
        set_add(set, c, c);
        break;
    }
    ++*text;
    return 0;
}

struct pbx_pattern *pbx_pattern_create(const char *text, char *why, size_t why_size)
{
    /* Each position takes at least one character, so this is room enough. */
    struct pbx_pattern *pattern = calloc(1, sizeof(*pattern) + strlen(text) * sizeof(struct set));
    struct pbx_pattern *fitted;
    int result = 0;

    *why = '\0';
    if (pattern == NULL) {
        return NULL;
    }
    pattern->tail = TAIL_NONE;
    while (*text != '\0' && result == 0) {
        if (*text == '-') { /* eye candy: NXX-XXXX */
            ++text;
            continue;
        }
        result =
            parse_position(&text, &pattern->sets[pattern->count], &pattern->tail, why, why_size);
        if (result == 0) {
            ++pattern->count;
        }
    }
    if (result >= 0 && pattern->count == 0 && pattern->tail == TAIL_NONE) {
        result = refuse(why, why_size, "expected a pattern behind the _");
    }
    if (result < 0) {
        free(pattern);
        return NULL;
    }
    fitted = realloc(pattern, sizeof(*pattern) + pattern->count * sizeof(struct set));
    return fitted != NULL ? fitted : pattern;
}

void pbx_pattern_destroy(struct pbx_pattern *pattern)
{
    free(pattern);
}

int pbx_pattern_match(const struct pbx_pattern *pattern, const char *digits, enum pbx_match mode)
{
    unsigned at = 0;

    for (;; ++digits) {
        while (*digits == '-') {
            ++digits;
        }
        if (*digits == '\0' || at == pattern->count) {
            break;
        }
        if (!set_has(&pattern->sets[at], (unsigned char)*digits)) {
            return 0;
        }
        ++at;
    }
    if (at < pattern->count) { /* the digits ended first */
        return mode == PBX_CAN_MATCH;
    }
    switch (pattern->tail) {
    case TAIL_DOT:
        return *digits != '\0' || mode == PBX_CAN_MATCH;
    case TAIL_BANG:
        return 1;
    default:
        return *digits == '\0';
    }
}

/* The first character of a set; 256 when it is empty. */
static unsigned set_first(const struct set *set)
{
    unsigned c = 0;

    while (c < 256 && !set_has(set, (unsigned char)c)) {
        ++c;
    }
    return c;
}

/* Fewer characters first, then the lower first character, then the lower ones throughout. */
static int set_compare(const struct set *a, const struct set *b)
{
    if (a->size != b->size) {
        return (int)a->size - (int)b->size;
    }
    if (memcmp(a->bits, b->bits, sizeof(a->bits)) == 0) {
        return 0;
    }
    if (set_first(a) != set_first(b)) {
        return (int)set_first(a) - (int)set_first(b);
    }
    for (unsigned c = 0; c < 256; ++c) {
        int in_a = set_has(a, (unsigned char)c);

        if (in_a != set_has(b, (unsigned char)c)) {
            return in_a ? -1 : 1;
        }
    }
    return 0;
}

int pbx_pattern_compare(const struct pbx_pattern *a, const struct pbx_pattern *b)
{
    for (unsigned i = 0; i < a->count && i < b->count; ++i) {
        int order = set_compare(&a->sets[i], &b->sets[i]);

        if (order != 0) {
            return order;
        }
    }
    if (a->count != b->count) {
        /* A position is more specific than any tail, also than the end of the pattern. */
        return a->count > b->count ? -1 : 1;
    }
    return (int)a->tail - (int)b->tail;
}
