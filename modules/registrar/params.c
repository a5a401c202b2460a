/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: the parameters of Contacts as they were written. Nothing here trusts a length.
 */
#include "params.h"

#include <string.h>
#include <strings.h>

#include <sipsession/address.h>

#include "rules.h"

#define LONGEST   4294967295LL
#define MALFORMED 3600

/* Behind the line that begins here, with those that continue it (RFC 3261 7.3.1). */
static const char *line_end(const char *at, const char *end)
{
    while (at < end) {
        char c = *at++;

        if (c != '\n' && c != '\r') {
            continue;
        }
        if (c == '\r' && at < end && *at == '\n') {
            at++;
        }
        if (at == end || (*at != ' ' && *at != '\t')) {
            return at;
        }
    }
    return end;
}

/* The value of a line of this header field (its compact form, or 0); 0: it is another one. */
static int is_header(const char *line, const char *end, const char *wanted, char compact,
                     pj_str_t *value)
{
    const char *colon = memchr(line, ':', (size_t)(end - line));
    size_t name;

    if (!colon) {
        return 0;
    }
    for (name = (size_t)(colon - line);
         name > 0 && (line[name - 1] == ' ' || line[name - 1] == '\t'); name--) {
    }
    if (!(name == 1 && compact && (*line | 0x20) == compact) &&
        !(name == strlen(wanted) && strncasecmp(line, wanted, name) == 0)) {
        return 0;
    }
    value->ptr = (char *)colon + 1;
    value->slen = end - value->ptr;
    return 1;
}

static long long to_seconds(const pj_str_t *text)
{
    long long value = 0;

    for (pj_ssize_t i = 0; i < text->slen; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9') {
            return MALFORMED;
        }
        value = value * 10 + (text->ptr[i] - '0');
        value = value > LONGEST ? LONGEST : value;
    }
    return text->slen > 0 ? value : MALFORMED;
}

/* qvalue (RFC 3261 25.1): 0 or 1, and up to three digits behind a dot. */
static int to_thousandths(const pj_str_t *text)
{
    int value = 0, unit = 1000;

    if (text->slen < 1 || text->slen > 5 || (text->slen > 1 && text->ptr[1] != '.')) {
        return -1;
    }
    for (pj_ssize_t i = 0; i < text->slen; i += i == 0 ? 2 : 1) { /* over the dot */
        if (text->ptr[i] < '0' || text->ptr[i] > '9') {
            return -1;
        }
        value += (text->ptr[i] - '0') * unit;
        unit /= 10;
    }
    return value <= 1000 ? value : -1;
}

static struct params params_of(const pj_str_t *params)
{
    struct params made = {RULES_NO_EXPIRES, -1};
    pj_str_t text;

    if (ast_sip_address_param(params, "expires", &text)) {
        made.expires = to_seconds(&text);
    }
    if (ast_sip_address_param(params, "q", &text)) {
        made.q = to_thousandths(&text);
    }
    return made;
}

int params_read(const char *text, size_t length, struct params *params, unsigned most)
{
    const char *at = text, *end = text + length, *next;
    struct ast_sip_address address;
    unsigned count = 0;
    pj_str_t value;
    int found;

    for (; at < end && *at != '\r' && *at != '\n'; at = next) {
        next = line_end(at, end);
        if (!is_header(at, next, "Contact", 'm', &value)) {
            continue;
        }
        while ((found = ast_sip_address_next(&value, &address)) > 0) {
            if (count == most) {
                return -1;
            }
            params[count++] = params_of(&address.params);
        }
        if (found < 0) {
            return -1;
        }
    }
    return (int)count;
}

int params_first_uri(const char *text, size_t length, pj_str_t *uri)
{
    const char *at = text, *end = text + length, *next;
    struct ast_sip_address address;
    pj_str_t value;

    for (; at < end && *at != '\r' && *at != '\n'; at = next) {
        next = line_end(at, end);
        if (is_header(at, next, "Contact", 'm', &value)) {
            if (ast_sip_address_next(&value, &address) != 1) {
                return -1;
            }
            *uri = address.uri;
            return 0;
        }
    }
    return -1;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

long long params_read_expires(const char *text, size_t length)
{
    const char *at = text, *end = text + length, *next;
    pj_str_t value;

    for (; at < end && *at != '\r' && *at != '\n'; at = next) {
        next = line_end(at, end);
        if (!is_header(at, next, "Expires", 0, &value)) {
            continue;
        }
        for (; value.slen > 0 && is_blank(*value.ptr); value.slen--) {
            value.ptr++;
        }
        while (value.slen > 0 && is_blank(value.ptr[value.slen - 1])) {
            value.slen--;
        }
        return to_seconds(&value);
    }
    return RULES_NO_EXPIRES;
}
