/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: a look at a message's headers as text, for what no honest peer sends and what PJSIP does not take well
 * (docs/pjsip.md has the list). Pure: text in, verdict out; no memory, no state, no PJSIP.
 */
#include <string.h>
#include <strings.h>

#include "res_sip/sip.h"

#define MAX_ECHOED       2500 /* octets of the headers that an answer repeats, and of Contact */
#define MAX_OPTION_TAGS  16   /* of Require and of Supported */
#define MAX_CONTENT_TYPE 256  /* octets */

enum header {
    OTHER,
    VIA,
    RECORD_ROUTE,
    ROUTE,
    FROM,
    TO,
    CALL_ID,
    CSEQ,
    CONTACT,
    REQUIRE,
    SUPPORTED,
    CONTENT_TYPE,
    CONTENT_LENGTH,
    HEADERS
};

struct scan {
    size_t echoed;
    unsigned seen[HEADERS];
    unsigned tags[HEADERS]; /* of REQUIRE and SUPPORTED */
    unsigned long content_length;
    int has_percent; /* somewhere in the headers */
};

static int refuse(int code, const char *reason, const char **why)
{
    *why = reason;
    return code;
}

static enum header short_header(char name) /* RFC 3261 7.3.3 */
{
    switch (name | 0x20) {
    case 'v':
        return VIA;
    case 'f':
        return FROM;
    case 't':
        return TO;
    case 'i':
        return CALL_ID;
    case 'm':
        return CONTACT;
    case 'k':
        return SUPPORTED;
    case 'c':
        return CONTENT_TYPE;
    case 'l':
        return CONTENT_LENGTH;
    default:
        return OTHER;
    }
}

/* Letters of wanted are small ones, and name is as long; '-' has the bit that makes letters small. */
static int is(const char *name, const char *wanted)
{
    while (*wanted && (*name | 0x20) == *wanted) {
        name++;
        wanted++;
    }
    return *wanted == '\0';
}

/* By its length first: this is done for each header of each message. */
static enum header header_of(const char *name, size_t length)
{
    switch (length) {
    case 1:
        return short_header(*name);
    case 2:
        return is(name, "to") ? TO : OTHER;
    case 3:
        return is(name, "via") ? VIA : OTHER;
    case 4:
        return is(name, "from") ? FROM : is(name, "cseq") ? CSEQ : OTHER;
    case 5:
        return is(name, "route") ? ROUTE : OTHER;
    case 7:
        return is(name, "call-id")   ? CALL_ID
               : is(name, "contact") ? CONTACT
               : is(name, "require") ? REQUIRE
                                     : OTHER;
    case 9:
        return is(name, "supported") ? SUPPORTED : OTHER;
    case 12:
        return is(name, "record-route")   ? RECORD_ROUTE
               : is(name, "content-type") ? CONTENT_TYPE
                                          : OTHER;
    case 14:
        return is(name, "content-length") ? CONTENT_LENGTH : OTHER;
    default:
        return OTHER;
    }
}

const char *sip_guard_next_line(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *last = newline ? newline : end;
    const char *cr = memchr(at, '\r', (size_t)(last - at));

    if (cr && cr + 1 != newline) {
        return cr + 1;
    }
    return newline ? newline + 1 : end;
}

/* The end of a header field with its continuation lines (RFC 3261 7.3.1), behind its line end. */
static const char *end_of_field(const char *at, const char *end)
{
    do {
        at = sip_guard_next_line(at, end);
    } while (at < end && (*at == ' ' || *at == '\t'));
    return at;
}

static unsigned count_values(const char *at, const char *end)
{
    unsigned count = 1;

    while ((at = memchr(at, ',', (size_t)(end - at)))) {
        count++;
        at++;
    }
    return count;
}

/* B5: the parameter makes PJSIP leave the route out of what it sends. */
static int has_hide(const char *at, const char *end)
{
    while ((at = memchr(at, ';', (size_t)(end - at)))) {
        at++;
        while (at < end && (*at == ' ' || *at == '\t')) {
            at++;
        }
        if (end - at >= 5 && strncasecmp(at, "hide", 4) == 0 && !strchr("-_.!%*+`'~", at[4]) &&
            !((at[4] | 0x20) >= 'a' && (at[4] | 0x20) <= 'z') && !(at[4] >= '0' && at[4] <= '9')) {
            return 1;
        }
    }
    return 0;
}

static int is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* A11: '%' without two hex digits behind it, outside of quoted strings. */
static int has_bad_escape(const char *at, const char *end)
{
    int quoted = 0;

    for (; at < end; at++) {
        if (quoted && *at == '\\') {
            at++;
        } else if (*at == '"') {
            quoted = !quoted;
        } else if (*at == '%' && !quoted && (end - at < 3 || !is_hex(at[1]) || !is_hex(at[2]))) {
            return 1;
        }
    }
    return 0;
}

/* Digits only; 0, or -1: it is no number, or one that cannot be. */
static int parse_length(const char *at, const char *end, unsigned long *length)
{
    unsigned long value = 0;
    int digits = 0;

    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    for (; at < end && *at >= '0' && *at <= '9'; at++, digits++) {
        value = value * 10 + (unsigned long)(*at - '0');
        if (value > 1000000) {
            return -1;
        }
    }
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) {
        at++;
    }
    if (digits == 0 || at != end) {
        return -1;
    }
    *length = value;
    return 0;
}

static int carries_uri(enum header header)
{
    return header == FROM || header == TO || header == CONTACT || header == ROUTE ||
           header == RECORD_ROUTE;
}

static int check_content_length(struct scan *scan, const char *value, const char *end,
                                const char **why)
{
    unsigned long length;

    if (parse_length(value, end, &length) != 0) {
        return refuse(400, "Bad Content-Length", why);
    }
    if (scan->seen[CONTENT_LENGTH] > 1 && length != scan->content_length) {
        return refuse(400, "Two Content-Lengths", why);
    }
    scan->content_length = length;
    return 0;
}

/* One header field; value is behind the colon, end behind its line end. */
static int check_field(struct scan *scan, enum header header, const char *field, const char *value,
                       const char *end, const char **why)
{
    scan->seen[header]++;
    if (header == VIA || header == CALL_ID || carries_uri(header)) {
        if (header != ROUTE) {
            scan->echoed += (size_t)(end - field);
        }
    }
    if (scan->has_percent && carries_uri(header) && has_bad_escape(value, end)) {
        return refuse(400, "Bad escape in a URI", why);
    }
    switch (header) {
    case ROUTE:
    case RECORD_ROUTE:
        return has_hide(value, end) ? refuse(400, "Bad parameter in a route", why) : 0;
    case REQUIRE:
    case SUPPORTED:
        scan->tags[header] += count_values(value, end);
        return scan->tags[header] > MAX_OPTION_TAGS ? refuse(400, "Too many option tags", why) : 0;
    case CONTENT_TYPE:
        return end - field > MAX_CONTENT_TYPE ? refuse(400, "Content-Type too long", why) : 0;
    case CONTENT_LENGTH:
        return check_content_length(scan, value, end, why);
    case FROM:
    case TO:
    case CALL_ID:
    case CSEQ:
        return scan->seen[header] > 1 ? refuse(400, "A header that may be there once is twice", why)
                                      : 0;
    default:
        return 0;
    }
}

/* All header fields; *body gets where the body begins. */
static int check_fields(struct scan *scan, const char *at, const char *end, const char **body,
                        const char **why)
{
    int code = 0;

    while (at < end && *at != '\r' && *at != '\n' && code == 0) {
        const char *next = end_of_field(at, end);
        const char *colon = memchr(at, ':', (size_t)(next - at));
        const char *name_end = colon;

        if (colon) { /* without one it is PJSIP's parser that refuses */
            while (name_end > at && (name_end[-1] == ' ' || name_end[-1] == '\t')) {
                name_end--;
            }
            if (name_end > at) {
                code = check_field(scan, header_of(at, (size_t)(name_end - at)), at, colon + 1,
                                   next, why);
            }
        }
        at = next;
    }
    at += at < end && *at == '\r';
    at += at < end && *at == '\n';
    *body = at;
    return code;
}

int sip_guard_message(const char *text, size_t length, int datagram, const char **why)
{
    const char *end = text + length, *body = end;
    const char *first_end = sip_guard_next_line(text, end);
    struct scan scan;
    int code;

    if (first_end == end) {
        return refuse(400, "No headers", why);
    }
    memset(&scan, 0, sizeof(scan));
    scan.has_percent = memchr(text, '%', length) != NULL;
    code = check_fields(&scan, first_end, end, &body, why);
    if (code) {
        return code;
    }
    if (memchr(text, '\0', (size_t)(body - text))) {
        return refuse(400, "A NUL in the headers", why);
    }
    if (scan.has_percent && has_bad_escape(text, first_end)) {
        return refuse(400, "Bad escape in a URI", why);
    }
    if (scan.echoed > MAX_ECHOED) {
        return refuse(513, "Headers too long", why);
    }
    if (datagram && scan.content_length > (size_t)(end - body)) {
        return refuse(400, "The body is shorter than Content-Length", why); /* RFC 3261 18.3 */
    }
    return 0;
}
