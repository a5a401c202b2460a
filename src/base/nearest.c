/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: which name was meant by a misspelt one. Only for messages to people: nothing acts on its guess.
 */
#include "base/base.h"

#include <string.h>

#define NEAREST_LENGTH 64 /* longer names are nobody's option */

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned least_of_two = a < b ? a : b;

    return least_of_two < c ? least_of_two : c;
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Edits (one character in, out, replaced, or two neighbours swapped) that lead from a to b. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][NEAREST_LENGTH + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    size_t i, j;

    for (j = 0; j <= b_length; j++) {
        above[j] = (unsigned)j;
    }
    for (i = 1; i <= a_length; i++) {
        unsigned *oldest = before;

        row[0] = (unsigned)i;
        for (j = 1; j <= b_length; j++) {
            unsigned change = fold(a[i - 1]) == fold(b[j - 1]) ? 0 : 1;

            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + change);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1])) {
                row[j] = least(row[j], before[j - 2] + 1, row[j]);
            }
        }
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_length];
}

const char *base_nearest_name(const char *name, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t length = strlen(name), i;
    unsigned best;

    if (length == 0 || length > NEAREST_LENGTH) {
        return NULL;
    }
    /* One edit in three characters is a slip of the finger; more is another word. */
    best = (unsigned)(length + 2) / 3 + 1;
    for (i = 0; i < count; i++) {
        size_t other = strlen(names[i]);
        unsigned edits;

        if (other > NEAREST_LENGTH || other > length + best || length > other + best) {
            continue;
        }
        edits = distance(name, length, names[i], other);
        if (edits < best && edits < other) {
            best = edits;
            nearest = names[i];
        }
    }
    return nearest;
}
