/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dtmf_info: the bodies. No standard describes them: `Signal` is a digit or the number of its event
 * (RFC 4733 3.2: 10 is *, 11 is #, 12 to 15 are A to D, 16 is a flash); names have no case, blanks
 * may stand anywhere.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "body.h"

/* A piece of text that does not end with NUL. */
struct piece {
    const char *at;
    size_t length;
};

static struct piece trim(const char *at, size_t length)
{
    while (length > 0 && isspace((unsigned char)*at)) {
        ++at;
        --length;
    }
    while (length > 0 && isspace((unsigned char)at[length - 1])) {
        --length;
    }
    return (struct piece){at, length};
}

/* -1: no number below 10,000,000. */
static long number(struct piece text)
{
    long value = 0;

    if (text.length == 0 || text.length > 7) {
        return -1;
    }
    for (size_t i = 0; i < text.length; ++i) {
        if (!isdigit((unsigned char)text.at[i])) {
            return -1;
        }
        value = value * 10 + (text.at[i] - '0');
    }
    return value;
}

/* '\0': it is none. */
static char signal_of(struct piece text)
{
    static const char events[] = "0123456789*#ABCD!";
    long event = number(text);

    if (event >= (long)sizeof(events) - 1) {
        return '\0';
    }
    if (event >= 0) {
        return events[event];
    }
    if (text.length == 1 && strchr("*#ABCDabcd!", text.at[0]) != NULL && text.at[0] != '\0') {
        return (char)toupper((unsigned char)text.at[0]);
    }
    return text.length == 5 && strncasecmp(text.at, "flash", 5) == 0 ? '!' : '\0';
}

static int is_named(struct piece text, const char *name)
{
    return text.length == strlen(name) && strncasecmp(text.at, name, text.length) == 0;
}

/* One line `name=value`; names that are not known say nothing. */
static int parse_line(struct piece line, struct dtmf_info_digit *digit)
{
    const char *equals = memchr(line.at, '=', line.length);
    struct piece name, value;

    if (line.length == 0) {
        return 0;
    }
    if (equals == NULL) {
        return -1;
    }
    name = trim(line.at, (size_t)(equals - line.at));
    value = trim(equals + 1, line.length - (size_t)(equals + 1 - line.at));
    if (is_named(name, "Signal")) {
        digit->digit = signal_of(value);
        return digit->digit != '\0' ? 0 : -1;
    }
    if (is_named(name, "Duration")) {
        long duration = number(value);

        if (duration < 0) {
            return -1;
        }
        if (duration > 0) {
            digit->duration_ms =
                duration > DTMF_INFO_MAX_MS ? DTMF_INFO_MAX_MS : (unsigned)duration;
        }
    }
    return 0;
}

int dtmf_info_parse_relay(const char *text, size_t length, struct dtmf_info_digit *digit)
{
    struct dtmf_info_digit found = {'\0', DTMF_INFO_DEFAULT_MS};
    const char *end = text + length;

    while (text < end) {
        const char *line = text;

        while (text < end && *text != '\r' && *text != '\n') {
            ++text;
        }
        if (parse_line(trim(line, (size_t)(text - line)), &found) != 0) {
            return -1;
        }
        ++text;
    }
    if (found.digit == '\0') {
        return -1;
    }
    *digit = found;
    return 0;
}

int dtmf_info_parse_plain(const char *text, size_t length, struct dtmf_info_digit *digit)
{
    char found = signal_of(trim(text, length));

    if (found == '\0') {
        return -1;
    }
    digit->digit = found;
    digit->duration_ms = DTMF_INFO_DEFAULT_MS;
    return 0;
}
