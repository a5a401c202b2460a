/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: how the guard reads text: lines, names of header fields, octets that are out of the
 * ordinary. All of it is inline: it is done for each line of each message, and the whole guard has
 * a budget (docs/pjsip.md).
 */
#ifndef RES_SIP_GUARD_TEXT_H
#define RES_SIP_GUARD_TEXT_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "res_sip/guard/guard.h"

typedef unsigned char guard_octets_t __attribute__((vector_size(16)));

#define GUARD_PLAIN_MAX 4000 /* of so many octets the sums below do not overflow */

/* 255 for each control character of 16 octets; *percents gets what is not 0 for each '%'. */
static inline guard_octets_t guard_look(const char *text, guard_octets_t *percents)
{
    guard_octets_t here;

    memcpy(&here, text, sizeof(here));
    *percents |= (guard_octets_t)(here == '%');
    return (guard_octets_t)((here & 0xe0) == 0);
}

static inline unsigned guard_sum(guard_octets_t octets)
{
    const uint64_t even = 0x00ff00ff00ff00ff;
    uint64_t half[2], sum;

    memcpy(half, &octets, sizeof(half));
    sum = (half[0] & even) + (half[0] >> 8 & even) + (half[1] & even) + (half[1] >> 8 & even);
    return (unsigned)(sum * 0x0001000100010001 >> 48);
}

/*
 * 1: a text is plain: it has no '%', and no control characters but the two that end each of its
 * lines, which whoever asks has seen there. Most texts are, and can be read in a simpler way; this is
 * how to know, 16 octets in a step. 0 as well for what is very short or very long.
 */
static inline int guard_is_plain(const char *text, size_t length, unsigned lines)
{
    static const unsigned char last_ones[32] = {[16] = 255, 255, 255, 255, 255, 255, 255, 255,
                                                255,        255, 255, 255, 255, 255, 255, 255};
    guard_octets_t controls = {0}, percents = {0}, last;
    uint64_t any[2];
    size_t i = 0;

    if (length < 16 || length > GUARD_PLAIN_MAX) {
        return 0;
    }
    for (; i + 32 <= length; i += 32) { /* 255 is -1 */
        controls -= guard_look(text + i, &percents) + guard_look(text + i + 16, &percents);
    }
    if (i + 16 <= length) {
        controls -= guard_look(text + i, &percents);
        i += 16;
    }
    memcpy(&last, last_ones + (length - i), sizeof(last)); /* those of the last 16 not seen yet */
    controls -= guard_look(text + length - 16, &percents) & last;
    memcpy(any, &percents, sizeof(any));
    return (any[0] | any[1]) == 0 && guard_sum(controls) == 2 * lines;
}

/* Where the next line begins, or the end: lines end as PJSIP's parsers see it, with CRLF, LF, or CR
 * alone. */
static inline const char *guard_next_line(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *last = newline ? newline : end;
    const char *cr = memchr(at, '\r', (size_t)(last - at));

    if (cr && cr + 1 != newline) {
        return cr + 1;
    }
    return newline ? newline + 1 : end;
}

/* The same of a plain text; *odd is set when its end shows that it is none. A first line has a first
 * octet that is no LF. */
static inline const char *guard_next_plain_line(const char *at, const char *end, int *odd)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));

    if (!newline || newline[-1] != '\r') {
        *odd = 1;
        return newline ? newline + 1 : end;
    }
    return newline + 1;
}

/* Letters of wanted are small ones, and text is as long. Control characters have no small ones. */
static inline int guard_is(const char *text, const char *wanted)
{
    while (*wanted && (*text | 0x20) == *wanted && *text >= ' ') {
        text++;
        wanted++;
    }
    return *wanted == '\0';
}

/* Up to 8 octets of a name as a number, the first one lowest. */
#define GUARD_WORD(name, length)                                                                   \
    ((uint64_t)(name)[0] | (uint64_t)(name)[1] << 8 |                                              \
     (length > 2 ? (uint64_t)(name)[2] << 16 : 0) | (length > 3 ? (uint64_t)(name)[3] << 24 : 0) | \
     (length > 4 ? (uint64_t)(name)[4] << 32 : 0) | (length > 5 ? (uint64_t)(name)[5] << 40 : 0) | \
     (length > 6 ? (uint64_t)(name)[6] << 48 : 0) | (length > 7 ? (uint64_t)(name)[7] << 56 : 0))
#define GUARD_BEGINS(word, name, length)                                                           \
    (((word) & (~(uint64_t)0 >> (64 - 8 * length))) == GUARD_WORD(name "        ", length))

/* 8 octets as such a number, their letters made small. */
static inline uint64_t guard_word_at(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    return le64toh(word) | 0x2020202020202020;
}

/* How a field as it is usually written begins; length is that of the name and its colon, 1 for what
 * is of no interest, or 0: the name is to be read octet by octet. */
struct guard_name {
    enum sip_guard_header header;
    unsigned length;
};

static inline struct guard_name guard_name_in_c(const char *field, uint64_t word)
{
    if (GUARD_BEGINS(word, "cseq:", 5)) {
        return (struct guard_name){SIP_GUARD_CSEQ, 5};
    }
    if (GUARD_BEGINS(word, "call-id:", 8)) {
        return (struct guard_name){SIP_GUARD_CALL_ID, 8};
    }
    if (GUARD_BEGINS(word, "contact:", 8)) {
        return (struct guard_name){SIP_GUARD_CONTACT, 8};
    }
    if (GUARD_BEGINS(word, "content-", 8)) {
        if (GUARD_BEGINS(guard_word_at(field + 7), "-length:", 8)) {
            return (struct guard_name){SIP_GUARD_CONTENT_LENGTH, 15};
        }
        if (GUARD_BEGINS(guard_word_at(field + 5), "nt-type:", 8)) {
            return (struct guard_name){SIP_GUARD_CONTENT_TYPE, 13};
        }
    }
    return (struct guard_name){SIP_GUARD_OTHER, 0};
}

/*
 * Which header a field of a plain text is of, by its first letters; there are 16 octets or more. Some
 * control characters are taken for ':' and '-': a plain text has none of them.
 */
static inline struct guard_name guard_guess_name(const char *field)
{
    const struct guard_name other = {SIP_GUARD_OTHER, 1}, unclear = {SIP_GUARD_OTHER, 0};
    uint64_t word = guard_word_at(field);

    switch (word & 0xff) {
    case 'v':
        return GUARD_BEGINS(word, "via:", 4) ? (struct guard_name){SIP_GUARD_VIA, 4} : unclear;
    case 'f':
        return GUARD_BEGINS(word, "from:", 5) ? (struct guard_name){SIP_GUARD_FROM, 5} : unclear;
    case 't':
        return GUARD_BEGINS(word, "to:", 3) ? (struct guard_name){SIP_GUARD_TO, 3} : unclear;
    case 'c':
        return guard_name_in_c(field, word);
    case 'e': /* in their short form, or not of interest */
    case 'i':
    case 'm':
    case 'k':
    case 'l':
        return field[1] == ':' || field[1] == ' ' || field[1] == '\t' ? unclear : other;
    case 'r':
        return GUARD_BEGINS(word, "ro", 2) || GUARD_BEGINS(word, "rec", 3) ||
                       GUARD_BEGINS(word, "req", 3)
                   ? unclear
                   : other;
    case 's':
        return GUARD_BEGINS(word, "supp", 4) ? unclear : other;
    default:
        return other;
    }
}

#endif
