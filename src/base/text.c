/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: small helpers for text that came from elsewhere. No allocation here.
 */
#include "base/base.h"

#include <string.h>

/* How many octets a UTF-8 character takes that begins with this one; 1 for what begins none (RFC 3629 4). */
static size_t utf8_length(unsigned char first)
{
    if (first >= 0xc2 && first <= 0xdf) {
        return 2;
    }
    if (first >= 0xe0 && first <= 0xef) {
        return 3;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        return 4;
    }
    return 1;
}

/* Where to cut text that does not fit: before the character that the cut would split. */
static size_t cut_at_character(const char *text, size_t most)
{
    size_t back;

    for (back = 1; back <= 3 && back <= most; back++) {
        unsigned char octet = (unsigned char)text[most - back];

        if ((octet & 0xc0) != 0x80) {
            return utf8_length(octet) > back ? most - back : most;
        }
    }
    return most;
}

char *base_copy_text(char *out, size_t size, const char *text, size_t length)
{
    if (size == 0) {
        return out;
    }
    if (length > size - 1) {
        length = cut_at_character(text, size - 1);
    }
    if (length > 0) {
        memmove(out, text, length);
    }
    out[length] = '\0';
    return out;
}
