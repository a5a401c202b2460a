/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: a look at an SDP as text, for what PJSIP's tables have no room for and what its
 * negotiator does not take well (docs/pjsip.md). Pure: text in, verdict out; no memory, no state,
 * no PJSIP.
 */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "res_sip/guard/guard.h"

#define MAX_PAYLOAD 127

/* One section: the session's own lines, or those of an m= line. */
struct section {
    unsigned attributes;
    unsigned cryptos;
    int has_connection;
    int is_media;
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

static int starts_with(const struct text *text, const char *prefix)
{
    size_t length = strlen(prefix);

    return (size_t)(text->end - text->at) >= length && strncasecmp(text->at, prefix, length) == 0;
}

/* 1: its formats are payload numbers (RFC 4566 5.14). */
static int is_rtp(const struct text *protocol)
{
    size_t length = (size_t)(protocol->end - protocol->at), i;

    for (i = 0; i + 4 <= length; i++) {
        if (strncasecmp(protocol->at + i, "RTP/", 4) == 0) {
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

static int check_attribute(const struct sip_guard_limits *limits, struct section *section,
                           struct text line, const char **why)
{
    struct text value = line;
    char first;

    if (++section->attributes > limits->attributes) {
        return refuse("Too many attributes", why);
    }
    while (value.at < value.end && *value.at != ':') {
        value.at++;
    }
    if (value.at == value.end) {
        return 0;
    }
    value.at++;
    first = (char)(*line.at | 0x20);
    if (first != 'r' && first != 'f' && first != 's' && first != 'c') {
        return 0; /* none of those below; most attributes end here */
    }
    if (starts_with(&line, "rtpmap:")) {
        return check_map(value, 1, why);
    }
    if (starts_with(&line, "fmtp:")) {
        return check_map(value, 0, why);
    }
    if (starts_with(&line, "rtcp:")) {
        return check_number(value, 65535, why);
    }
    if (starts_with(&line, "ssrc:")) {
        return check_number(value, UINT32_MAX, why);
    }
    if (starts_with(&line, "crypto:") && ++section->cryptos > limits->keys) {
        return refuse("Too many keys", why);
    }
    return 0;
}

/* B2: every stream has an address, its own or the session's (RFC 4566 5.7). */
static int check_end(const struct section *section, int session_has_connection, const char **why)
{
    if (section->is_media && !section->has_connection && !session_has_connection) {
        return refuse("A stream without an address", why);
    }
    return 0;
}

/* The next line without its end; at the text's end it is empty and text->at == text->end. */
static struct text next_line(struct text *text)
{
    struct text line = {text->at, sip_guard_next_line(text->at, text->end)};

    text->at = line.end;
    while (line.end > line.at &&
           (line.end[-1] == '\n' || line.end[-1] == '\r' || line.end[-1] == ' ')) {
        line.end--;
    }
    return line;
}

int sip_guard_sdp(const struct sip_guard_limits *limits, const char *body, size_t length,
                  const char **why)
{
    struct text text = {body, body + length};
    struct section section = {0};
    int session_has_connection = 0, code = 0;
    unsigned media = 0;

    if (memchr(body, '\0', length)) {
        return refuse("A NUL in the SDP", why);
    }
    if (!starts_with(&text, "v=0")) { /* RFC 4566 5.1: the first line, and the one version */
        return refuse("No v=0", why);
    }
    while (text.at < text.end && code == 0) {
        struct text line = next_line(&text);
        char type = '\0';

        if (line.end - line.at >= 2 && line.at[1] == '=') {
            type = *line.at;
            line.at += 2;
        }
        if (type == 'm') {
            code = check_end(&section, session_has_connection, why);
            memset(&section, 0, sizeof(section));
            section.is_media = 1;
            if (code == 0 && ++media > limits->streams) {
                code = refuse("Too many streams", why);
            } else if (code == 0) {
                code = check_media(limits, line, why);
            }
        } else if (type == 'c') {
            section.has_connection = 1;
            session_has_connection |= !section.is_media;
        } else if (type == 'a') {
            code = check_attribute(limits, &section, line, why);
        }
    }
    return code ? code : check_end(&section, session_has_connection, why);
}
