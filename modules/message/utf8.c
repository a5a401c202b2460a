/* SPDX-License-Identifier: GPL-2.0-or-later */
/* message: well-formed UTF-8, as the table of RFC 3629 4 has it. */
#include "utf8.h"

/* How many octets follow a first one, and the range of the next; -1: it is no first one. */
static int follow(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first < 0x80) {
        return 0;
    }
    if (first < 0xc2) {
        return -1; /* the middle of one, or more octets than are needed */
    }
    if (first < 0xe0) {
        return 1;
    }
    if (first < 0xf0) {
        *low = first == 0xe0 ? 0xa0 : 0x80;  /* shortest form */
        *high = first == 0xed ? 0x9f : 0xbf; /* no surrogates */
        return 2;
    }
    if (first < 0xf5) {
        *low = first == 0xf0 ? 0x90 : 0x80;
        *high = first == 0xf4 ? 0x8f : 0xbf; /* up to U+10FFFF */
        return 3;
    }
    return -1;
}

int utf8_is_text(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + length;

    while (at < end) {
        unsigned char low, high;
        int more;

        if (*at == 0) {
            return 0;
        }
        more = follow(*at++, &low, &high);
        if (more < 0 || end - at < more) {
            return 0;
        }
        for (; more > 0; --more, ++at) {
            if (*at < low || *at > high) {
                return 0;
            }
            low = 0x80;
            high = 0xbf;
        }
    }
    return 1;
}
