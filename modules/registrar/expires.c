/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: the expires parameters of Contacts as they were written. Nothing here trusts a length.
 */
#include "expires.h"

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

/* The value of a Contact line; 0: it is another one. */
static int is_contact(const char *line, const char *end, pj_str_t *value)
{
    const char *colon = memchr(line, ':', (size_t)(end - line));
    size_t name;

    if (!colon) {
        return 0;
    }
    for (name = (size_t)(colon - line);
         name > 0 && (line[name - 1] == ' ' || line[name - 1] == '\t'); name--) {
    }
    if (!(name == 1 && (*line == 'm' || *line == 'M')) &&
        !(name == 7 && strncasecmp(line, "Contact", 7) == 0)) {
        return 0;
    }
    value->ptr = (char *)colon + 1;
    value->slen = end - value->ptr;
    return 1;
}

static long long seconds(const pj_str_t *params)
{
    pj_str_t text;
    long long value = 0;

    if (!ast_sip_address_param(params, "expires", &text)) {
        return RULES_NO_EXPIRES;
    }
    for (pj_ssize_t i = 0; i < text.slen; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return MALFORMED;
        }
        value = value * 10 + (text.ptr[i] - '0');
        value = value > LONGEST ? LONGEST : value;
    }
    return text.slen > 0 ? value : MALFORMED;
}

int expires_read(const char *text, size_t length, long long *expires, unsigned most)
{
    const char *at = text, *end = text + length, *next;
    struct ast_sip_address address;
    unsigned count = 0;
    pj_str_t value;
    int found;

    for (; at < end && *at != '\r' && *at != '\n'; at = next) {
        next = line_end(at, end);
        if (!is_contact(at, next, &value)) {
            continue;
        }
        while ((found = ast_sip_address_next(&value, &address)) > 0) {
            if (count == most) {
                return -1;
            }
            expires[count++] = seconds(&address.params);
        }
        if (found < 0) {
            return -1;
        }
    }
    return (int)count;
}
