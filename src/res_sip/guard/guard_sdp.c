/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: a look at an SDP as text, for what PJSIP's tables have no room for and what its
 * negotiator does not take well (docs/pjsip.md). Pure: text in, verdict out; no memory, no state,
 * no PJSIP.
 */
#include <stdint.h>
#include <string.h>

#include "res_sip/guard/guard_text.h"

#define MAX_PAYLOAD 127

/* One section: the session's own lines, or those of an m= line. */
struct section {
    unsigned attributes;
    unsigned cryptos;
    int has_connection;
    int is_media;
};

struct description {
    struct section section; /* the one that is being read */
    unsigned media;         /* m= lines */
    int has_connection;     /* the session has an address */
};

struct text {
    const char *at;
    const char *end;
};

static int refuse(const char *reason, const char **why)
{
    *why = reason;
    return 488;
}

/* The next word of a line; empty at its end. */
static struct text next_word(struct text *line)
{
    struct text word;

    while (line->at < line->end && *line->at == ' ') {
        line->at++;
    }
    word.at = line->at;
    while (line->at < line->end && *line->at != ' ') {
        line->at++;
    }
    word.end = line->at;
    return word;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * The digits at the beginning of a text, which they leave. 0; -1: there are none, or more than a
 * 32-bit number (C7: PJSIP would take what is left of it).
 */
static int take_number(struct text *text, uint32_t *number)
{
    uint64_t value = 0;
    const char *start = text->at;

    while (text->at < text->end && is_digit(*text->at)) {
        value = value * 10 + (uint64_t)(*text->at++ - '0');
        if (value > UINT32_MAX) {
            return -1;
        }
    }
    *number = (uint32_t)value;
    return text->at == start ? -1 : 0;
}

/* Of prefix, letters are small ones. */
static inline int starts_with(const struct text *text, const char *prefix)
{
    return (size_t)(text->end - text->at) >= strlen(prefix) && guard_is(text->at, prefix);
}

/* 1: its formats are payload numbers (RFC 4566 5.14). */
static int is_rtp(const struct text *protocol)
{
    size_t length = (size_t)(protocol->end - protocol->at), i;

    for (i = 0; i + 4 <= length; i++) {
        if (guard_is(protocol->at + i, "rtp/")) {
            return 1;
        }
    }
    return 0;
}

/* B4 and A0.3: written one way only, and once. */
static int check_payload(struct text word, unsigned char seen[MAX_PAYLOAD + 1], const char **why)
{
    int leading_zero = word.end - word.at > 1 && *word.at == '0';
    uint32_t number;

    if (take_number(&word, &number) != 0 || word.at != word.end || number > MAX_PAYLOAD ||
        leading_zero) {
        return refuse("Bad payload number", why);
    }
    if (seen[number]) {
        return refuse("A payload number twice", why);
    }
    seen[number] = 1;
    return 0;
}

static int check_formats(const struct sip_guard_limits *limits, struct text *line, int rtp,
                         const char **why)
{
    unsigned char seen[MAX_PAYLOAD + 1] = {0};
    unsigned count = 0;
    struct text word;

    for (word = next_word(line); word.at < word.end; word = next_word(line)) {
        if (++count > limits->formats) { /* B15 */
            return refuse("Too many formats", why);
        }
        if (rtp && check_payload(word, seen, why) != 0) {
            return 488;
        }
    }
    return count ? 0 : refuse("A media line without formats", why);
}

/* "audio 4000/2 RTP/AVP 0 8 101" */
static int check_media(const struct sip_guard_limits *limits, struct text line, const char **why)
{
    struct text media = next_word(&line), port = next_word(&line), protocol = next_word(&line);
    uint32_t number;

    if (media.at == media.end || protocol.at == protocol.end) {
        return refuse("Bad media line", why);
    }
    if (take_number(&port, &number) != 0 || number > 65535 ||
        (port.at < port.end && *port.at != '/')) {
        return refuse("Bad port", why);
    }
    return check_formats(limits, &line, is_rtp(&protocol), why);
}

/* "rtpmap:96 opus/48000/2", "fmtp:96 ...": the number indexes tables (A6), the clock divides. */
static int check_map(struct text value, int has_clock, const char **why)
{
    struct text number_text = next_word(&value), name;
    uint32_t number;

    if (number_text.at == number_text.end || !is_digit(*number_text.at)) {
        return 0; /* a format that is no number */
    }
    if (take_number(&number_text, &number) != 0 || number > MAX_PAYLOAD) {
        return refuse("Bad payload number", why);
    }
    if (!has_clock) {
        return 0;
    }
    name = next_word(&value);
    while (name.at < name.end && *name.at != '/') {
        name.at++;
    }
    if (name.at == name.end) {
        return refuse("Bad rtpmap", why);
    }
    name.at++;
    if (take_number(&name, &number) != 0 || number == 0) {
        return refuse("Bad clock rate", why);
    }
    return 0;
}

static int check_number(struct text value, uint32_t most, const char **why)
{
    uint32_t number;

    if (take_number(&value, &number) != 0 || number > most) {
        return refuse("Bad number in an attribute", why);
    }
    return 0;
}

static struct text behind(struct text line, size_t length)
{
    line.at += length;
    return line;
}

static int check_attribute(const struct sip_guard_limits *limits, struct section *section,
                           struct text line, const char **why)
{
    if (++section->attributes > limits->attributes) {
        return refuse("Too many attributes", why);
    }
    if (line.at == line.end) {
        return 0;
    }
    switch (*line.at | 0x20) { /* most attributes are none of these */
    case 'r':
        if (starts_with(&line, "rtpmap:")) {
            return check_map(behind(line, 7), 1, why);
        }
        return starts_with(&line, "rtcp:") ? check_number(behind(line, 5), 65535, why) : 0;
    case 'f':
        return starts_with(&line, "fmtp:") ? check_map(behind(line, 5), 0, why) : 0;
    case 's':
        return starts_with(&line, "ssrc:") ? check_number(behind(line, 5), UINT32_MAX, why) : 0;
    case 'c':
        return starts_with(&line, "crypto:") && ++section->cryptos > limits->keys
                   ? refuse("Too many keys", why)
                   : 0;
    default:
        return 0;
    }
}

/* B2: every stream has an address, its own or the session's (RFC 4566 5.7). */
static int check_end(const struct description *sdp, const char **why)
{
    if (sdp->section.is_media && !sdp->section.has_connection && !sdp->has_connection) {
        return refuse("A stream without an address", why);
    }
    return 0;
}

/* A line without its end and blanks before it; next: where the one behind it begins. */
static struct text trimmed(const char *at, const char *next)
{
    struct text line = {at, next};

    while (line.end > line.at &&
           (line.end[-1] == '\n' || line.end[-1] == '\r' || line.end[-1] == ' ')) {
        line.end--;
    }
    return line;
}

/* An m= line: the section before it is over, and another begins. */
static int begin_media(const struct sip_guard_limits *limits, struct description *sdp,
                       struct text line, const char **why)
{
    if (check_end(sdp, why) != 0) {
        return 488;
    }
    memset(&sdp->section, 0, sizeof(sdp->section));
    sdp->section.is_media = 1;
    if (++sdp->media > limits->streams) {
        return refuse("Too many streams", why);
    }
    return check_media(limits, line, why);
}

static int check_line(const struct sip_guard_limits *limits, struct description *sdp,
                      const char *at, const char *next, const char **why)
{
    if (next - at < 2 || at[1] != '=') {
        return 0;
    }
    switch (*at) {
    case 'm':
        return begin_media(limits, sdp, trimmed(at + 2, next), why);
    case 'c':
        sdp->section.has_connection = 1;
        sdp->has_connection |= !sdp->section.is_media;
        return 0;
    case 'a':
        return check_attribute(limits, &sdp->section, trimmed(at + 2, next), why);
    default:
        return 0;
    }
}

/* Line by line; *code gets 0, or 488 and *why. 0: it was to be read as plain, and is not: neither
 * counts. */
static int read_lines(const struct sip_guard_limits *limits, const char *body, const char *end,
                      int as_plain, int *code, const char **why)
{
    struct description sdp = {0};
    const char *at = body;
    unsigned lines = 0;
    int odd = 0;

    for (*code = 0; at < end && *code == 0; lines++) {
        const char *next =
            as_plain ? guard_next_plain_line(at, end, &odd) : guard_next_line(at, end);

        *code = check_line(limits, &sdp, at, next, why);
        at = next;
    }
    if (*code == 0) {
        *code = check_end(&sdp, why);
    }
    return !as_plain || (!odd && guard_is_plain(body, (size_t)(at - body), lines));
}

int sip_guard_sdp(const struct sip_guard_limits *limits, const char *body, size_t length,
                  const char **why)
{
    const char *end = body + length, *reason = NULL;
    const struct text text = {body, end};
    int code = 0;

    if (!starts_with(&text, "v=0")) { /* RFC 4566 5.1: the first line, and the one version */
        code = refuse("No v=0", &reason);
    } else if (!read_lines(limits, body, end, 1, &code, &reason)) {
        read_lines(limits, body, end, 0, &code, &reason);
        if (memchr(body, '\0', length)) {
            code = refuse("A NUL in the SDP", &reason);
        }
    }
    if (code) {
        *why = reason;
    }
    return code;
}
