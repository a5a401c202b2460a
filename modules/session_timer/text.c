/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session_timer, the pure part: the text of Session-Expires and Min-SE. It comes from the peer. */
#include "timer.h"

#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* delta-seconds. NULL: none; what no 32 bits hold is as good as the largest of them. */
static const char *parse_seconds(const char *at, unsigned *seconds)
{
    uint64_t value = 0;
    size_t digits = strspn(at, "0123456789");

    if (digits == 0) {
        return NULL;
    }
    for (; digits > 0; digits--, at++) {
        value = value * 10 + (unsigned)(*at - '0');
        value = value > UINT32_MAX ? UINT32_MAX : value;
    }
    *seconds = (unsigned)value;
    return skip_blanks(at);
}

/* From a ';' (or the end) to the end of a quoted or plain value. NULL: it is not written well. */
static const char *skip_value(const char *at)
{
    if (*at != '"') {
        return at + strcspn(at, "; \t\r\n,");
    }
    for (at++; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1]) {
            at++;
        }
    }
    return *at ? at + 1 : NULL;
}

/*
 * Walks the parameters; that of the name, if any, is copied to value. 0; -1: what is behind the
 * seconds are no parameters.
 */
static int find_parameter(const char *at, const char *name, char *value, size_t size)
{
    while (*at == ';') {
        const char *begin = skip_blanks(at + 1);
        size_t length = strcspn(begin, "=; \t\r\n,\"");
        const char *text;

        at = skip_blanks(begin + length);
        if (length == 0) {
            return -1;
        }
        if (*at != '=') {
            continue;
        }
        text = skip_blanks(at + 1);
        at = skip_value(text);
        if (at == NULL || at == text) {
            return -1;
        }
        if (length == strlen(name) && strncasecmp(begin, name, length) == 0 &&
            (size_t)(at - text) < size) {
            memcpy(value, text, (size_t)(at - text));
            value[at - text] = '\0';
        }
        at = skip_blanks(at);
    }
    return *at ? -1 : 0;
}

int timer_parse_expires(const char *text, unsigned *expires, enum timer_refresher *refresher)
{
    char value[8] = "";
    unsigned seconds;

    text = parse_seconds(skip_blanks(text), &seconds);
    if (text == NULL || seconds == 0 ||
        find_parameter(text, "refresher", value, sizeof(value)) != 0) {
        return -1;
    }
    *expires = seconds;
    if (strcasecmp(value, "uac") == 0) {
        *refresher = TIMER_REFRESHER_UAC;
    } else if (strcasecmp(value, "uas") == 0) {
        *refresher = TIMER_REFRESHER_UAS;
    } else {
        *refresher = TIMER_REFRESHER_NONE;
    }
    return 0;
}

int timer_parse_min_se(const char *text, unsigned *min_se)
{
    char unused[1];
    unsigned seconds;

    text = parse_seconds(skip_blanks(text), &seconds);
    if (text == NULL || seconds == 0 || find_parameter(text, "", unused, sizeof(unused)) != 0) {
        return -1;
    }
    *min_se = seconds;
    return 0;
}
