/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: a look at a message's headers as text, for what no honest peer sends and what PJSIP does
 * not take well (docs/pjsip.md has the list). Pure: text in, verdict out; no memory, no state, no
 * PJSIP.
 */
#include <endian.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "res_sip/guard/guard.h"

#define MAX_CONTENT_TYPE 256     /* octets (A5) */
#define MAX_LENGTH       1000000 /* what Content-Length may say, so that it can be reckoned with */

struct scan {
    const struct sip_guard_limits *limits;
    struct sip_guard_found *found;
    size_t echoed;
    unsigned fields;
    unsigned seen[SIP_GUARD_HEADERS];
    unsigned tags[SIP_GUARD_HEADERS]; /* of SIP_GUARD_REQUIRE and SIP_GUARD_SUPPORTED */
    int has_percent;                  /* somewhere in the message */
    int is_stream;
    int has_bare_cr; /* somewhere in the message: lines end there, too */
};

void sip_guard_defaults(struct sip_guard_limits *limits)
{
    const struct sip_guard_limits defaults = {
        .message_size = 7999,
        .body_size = 7000,
        .uri_size = 1024,
        .echoed_size = 2500,
        .header_fields = 200,
        .option_tags = 16,
        .streams = 8,
        .formats = 30,
        .attributes = 60,
        .keys = 8,
        .connections = 4000,
        .connections_of_source = 0,
        .message_timeout = 20,
        .idle_timeout = 3700,
    };

    *limits = defaults;
}

static int refuse(const struct scan *scan, int code, const char *reason)
{
    scan->found->code = code;
    scan->found->why = reason;
    return code;
}

static enum sip_guard_header short_header(char name) /* RFC 3261 7.3.3 */
{
    switch (name | 0x20) {
    case 'v':
        return SIP_GUARD_VIA;
    case 'f':
        return SIP_GUARD_FROM;
    case 't':
        return SIP_GUARD_TO;
    case 'i':
        return SIP_GUARD_CALL_ID;
    case 'm':
        return SIP_GUARD_CONTACT;
    case 'k':
        return SIP_GUARD_SUPPORTED;
    case 'c':
        return SIP_GUARD_CONTENT_TYPE;
    case 'l':
        return SIP_GUARD_CONTENT_LENGTH;
    case 'e':
        return SIP_GUARD_CONTENT_ENCODING;
    default:
        return SIP_GUARD_OTHER;
    }
}

/* Letters of wanted are small ones, and name is as long; '-' has the bit that makes letters small.
 */
static inline int is(const char *name, const char *wanted)
{
    while (*wanted && (*name | 0x20) == *wanted) {
        name++;
        wanted++;
    }
    return *wanted == '\0';
}

/* By its length first: this is done for each header of each message. */
static inline enum sip_guard_header name_of(const char *name, size_t length)
{
    switch (length) {
    case 1:
        return short_header(*name);
    case 2:
        return is(name, "to") ? SIP_GUARD_TO : SIP_GUARD_OTHER;
    case 3:
        return is(name, "via") ? SIP_GUARD_VIA : SIP_GUARD_OTHER;
    case 4:
        return is(name, "from")   ? SIP_GUARD_FROM
               : is(name, "cseq") ? SIP_GUARD_CSEQ
                                  : SIP_GUARD_OTHER;
    case 5:
        return is(name, "route") ? SIP_GUARD_ROUTE : SIP_GUARD_OTHER;
    case 7:
        return is(name, "call-id")   ? SIP_GUARD_CALL_ID
               : is(name, "contact") ? SIP_GUARD_CONTACT
               : is(name, "require") ? SIP_GUARD_REQUIRE
                                     : SIP_GUARD_OTHER;
    case 9:
        return is(name, "supported") ? SIP_GUARD_SUPPORTED : SIP_GUARD_OTHER;
    case 12:
        return is(name, "record-route")   ? SIP_GUARD_RECORD_ROUTE
               : is(name, "content-type") ? SIP_GUARD_CONTENT_TYPE
                                          : SIP_GUARD_OTHER;
    case 14:
        return is(name, "content-length") ? SIP_GUARD_CONTENT_LENGTH : SIP_GUARD_OTHER;
    case 16:
        return is(name, "content-encoding") ? SIP_GUARD_CONTENT_ENCODING : SIP_GUARD_OTHER;
    default:
        return SIP_GUARD_OTHER;
    }
}

static inline const char *next_line(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *last = newline ? newline : end;
    const char *cr = memchr(at, '\r', (size_t)(last - at));

    if (cr && cr + 1 != newline) {
        return cr + 1;
    }
    return newline ? newline + 1 : end;
}

static inline const char *next_field(const char *at, const char *end)
{
    do {
        at = next_line(at, end);
    } while (at < end && (*at == ' ' || *at == '\t'));
    return at;
}

/* The same for a text without bare carriage returns. */
static inline const char *next_plain_field(const char *at, const char *end)
{
    do {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        at = newline ? newline + 1 : end;
    } while (at < end && (*at == ' ' || *at == '\t'));
    return at;
}

typedef unsigned char octets_t __attribute__((vector_size(16)));

/* 1: there is a CR that no LF follows; 16 octets at a time, since each message is looked at. */
static int has_bare_cr(const char *text, size_t length)
{
    octets_t found = {0}, here, next;
    uint64_t any[2];
    size_t i = 0;

    for (; i + sizeof(here) < length; i += sizeof(here)) {
        memcpy(&here, text + i, sizeof(here));
        memcpy(&next, text + i + 1, sizeof(next));
        found |= (octets_t)(here == '\r') & (octets_t)(next != '\n');
    }
    memcpy(any, &found, sizeof(any));
    for (; i < length; i++) {
        any[0] |= text[i] == '\r' && (i + 1 == length || text[i + 1] != '\n');
    }
    return (any[0] | any[1]) != 0;
}

const char *sip_guard_next_line(const char *at, const char *end)
{
    return next_line(at, end);
}

const char *sip_guard_next_field(const char *at, const char *end)
{
    return next_field(at, end);
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

/* %00 to %1f and %7f: PJSIP prints parameters of a URI unescaped, and a line end among them would be
 * one in what we send. */
static int is_control(const char *digits)
{
    return digits[0] == '0' || digits[0] == '1' ||
           (digits[0] == '7' && (digits[1] == 'f' || digits[1] == 'F'));
}

/* A11: '%' without two hex digits behind it, outside of quoted strings; or with those of a control
 * character. */
static int has_bad_escape(const char *at, const char *end)
{
    int quoted = 0;

    for (; at < end; at++) {
        if (quoted && *at == '\\') {
            at++;
        } else if (*at == '"') {
            quoted = !quoted;
        } else if (*at == '%' && !quoted &&
                   (end - at < 3 || !is_hex(at[1]) || !is_hex(at[2]) || is_control(&at[1]))) {
            return 1;
        }
    }
    return 0;
}

/* Digits only; 0, or -1: it is no number, or one that cannot be. */
static int parse_length(const char *at, const char *end, size_t *length)
{
    size_t value = 0;
    int digits = 0;

    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    for (; at < end && *at >= '0' && *at <= '9'; at++, digits++) {
        value = value * 10 + (size_t)(*at - '0');
        if (value > MAX_LENGTH) {
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

static int carries_uri(enum sip_guard_header header)
{
    return header == SIP_GUARD_FROM || header == SIP_GUARD_TO || header == SIP_GUARD_CONTACT ||
           header == SIP_GUARD_ROUTE || header == SIP_GUARD_RECORD_ROUTE;
}

/* On a stream it says where the next message begins: there may be no doubt about it (RFC
 * 3261 18.3). */
static void check_content_length(struct scan *scan, const char *value, const char *end)
{
    struct sip_guard_found *found = scan->found;
    size_t length = 0;
    const char *why = NULL;

    if (parse_length(value, end, &length) != 0) {
        why = "Bad Content-Length";
    } else if (found->has_length && length != found->body_length) {
        why = "Two Content-Lengths";
    } else {
        found->has_length = 1;
        found->body_length = length;
        return;
    }
    found->lost = scan->is_stream;
    if (!found->code) {
        refuse(scan, 400, why);
    }
}

static int check_content_type(struct scan *scan, size_t length)
{
    if (scan->seen[SIP_GUARD_CONTENT_TYPE] > 1) {
        return refuse(scan, 400, "A header that may be there once is twice");
    }
    return length > MAX_CONTENT_TYPE ? refuse(scan, 400, "Content-Type too long") : 0;
}

/* One header field; value is behind the colon, end behind its line end. */
static int check_field(struct scan *scan, enum sip_guard_header header, const char *field,
                       const char *value, const char *end)
{
    scan->seen[header]++;
    if (header == SIP_GUARD_VIA || header == SIP_GUARD_CALL_ID ||
        (carries_uri(header) && header != SIP_GUARD_ROUTE)) {
        scan->echoed += (size_t)(end - field);
    }
    if (scan->has_percent && carries_uri(header) && has_bad_escape(value, end)) {
        return refuse(scan, 400, "Bad escape in a URI");
    }
    switch (header) {
    case SIP_GUARD_ROUTE:
    case SIP_GUARD_RECORD_ROUTE:
        return has_hide(value, end) ? refuse(scan, 400, "Bad parameter in a route") : 0;
    case SIP_GUARD_REQUIRE:
    case SIP_GUARD_SUPPORTED:
        scan->tags[header] += count_values(value, end);
        return scan->tags[header] > scan->limits->option_tags
                   ? refuse(scan, 400, "Too many option tags")
                   : 0;
    case SIP_GUARD_CONTENT_ENCODING:
        scan->found->has_encoding = 1;
        return 0;
    case SIP_GUARD_CONTENT_TYPE:
        return check_content_type(scan, (size_t)(end - field));
    case SIP_GUARD_FROM:
    case SIP_GUARD_TO:
    case SIP_GUARD_CALL_ID:
    case SIP_GUARD_CSEQ:
        return scan->seen[header] > 1
                   ? refuse(scan, 400, "A header that may be there once is twice")
                   : 0;
    default:
        return 0;
    }
}

static inline enum sip_guard_header classify(const char *field, const char *end, const char **value)
{
    const char *colon = field, *name_end;

    while (colon < end && *colon != ':') {
        colon++;
    }
    if (colon == end) {
        return SIP_GUARD_OTHER; /* it is PJSIP's parser that refuses */
    }
    name_end = colon;
    while (name_end > field && (name_end[-1] == ' ' || name_end[-1] == '\t')) {
        name_end--;
    }
    *value = colon + 1;
    return name_end > field ? name_of(field, (size_t)(name_end - field)) : SIP_GUARD_OTHER;
}

/* Up to 8 octets of a name as a number, the first one lowest. */
#define WORD(name, length)                                                                         \
    ((uint64_t)(name)[0] | (uint64_t)(name)[1] << 8 | (uint64_t)(name)[2] << 16 |                  \
     (length > 3 ? (uint64_t)(name)[3] << 24 : 0) | (length > 4 ? (uint64_t)(name)[4] << 32 : 0) | \
     (length > 5 ? (uint64_t)(name)[5] << 40 : 0) | (length > 6 ? (uint64_t)(name)[6] << 48 : 0) | \
     (length > 7 ? (uint64_t)(name)[7] << 56 : 0))
#define BEGINS(word, name, length)                                                                 \
    (((word) & (~(uint64_t)0 >> (64 - 8 * length))) == WORD(name "        ", length))

/*
 * The same, faster for headers as they are usually written: this is done for each header of each
 * message. All letters of the word are made small; so is nothing else that counts, since ':' and
 * '-' have that bit.
 */
static inline uint64_t word_at(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    return le64toh(word) | 0x2020202020202020;
}

static inline enum sip_guard_header classify_fast(const char *field, const char *end,
                                                  const char **value)
{
    uint64_t word;

    if (end - field < 16) {
        return classify(field, end, value);
    }
    word = word_at(field);
    switch (word & 0xff) {
    case 'v':
        if (BEGINS(word, "via:", 4)) {
            *value = field + 4;
            return SIP_GUARD_VIA;
        }
        break;
    case 'f':
        if (BEGINS(word, "from:", 5)) {
            *value = field + 5;
            return SIP_GUARD_FROM;
        }
        break;
    case 't':
        if (BEGINS(word, "to:", 3)) {
            *value = field + 3;
            return SIP_GUARD_TO;
        }
        break;
    case 'c':
        if (BEGINS(word, "cseq:", 5)) {
            *value = field + 5;
            return SIP_GUARD_CSEQ;
        }
        if (BEGINS(word, "call-id:", 8) || BEGINS(word, "contact:", 8)) {
            *value = field + 8;
            return BEGINS(word, "call", 4) ? SIP_GUARD_CALL_ID : SIP_GUARD_CONTACT;
        }
        if (BEGINS(word, "content-", 8) && BEGINS(word_at(field + 7), "-length:", 8)) {
            *value = field + 15;
            return SIP_GUARD_CONTENT_LENGTH;
        }
        if (BEGINS(word, "content-", 8) && BEGINS(word_at(field + 5), "nt-type:", 8)) {
            *value = field + 13;
            return SIP_GUARD_CONTENT_TYPE;
        }
        break;
    case 'e': /* in their short form, or not of interest */
    case 'i':
    case 'm':
    case 'k':
    case 'l':
        if (field[1] != ':' && field[1] != ' ' && field[1] != '\t') {
            return SIP_GUARD_OTHER;
        }
        break;
    case 'r':
    case 's':
        break;
    default:
        return SIP_GUARD_OTHER;
    }
    return classify(field, end, value);
}

enum sip_guard_header sip_guard_field(const char *field, const char *end, const char **value)
{
    return classify(field, end, value);
}

/* Looks at all header fields; returns where they end: at the empty line, or at the text's end. */
static const char *check_fields(struct scan *scan, const char *at, const char *end)
{
    while (at < end && *at != '\r' && *at != '\n') {
        const char *next = scan->has_bare_cr ? next_field(at, end) : next_plain_field(at, end);
        const char *value = next;
        enum sip_guard_header header = classify_fast(at, next, &value);

        if (header == SIP_GUARD_CONTENT_LENGTH) {
            check_content_length(scan, value, next);
        }
        if (scan->found->code) { /* only where the message ends is of interest now */
            at = next;
            continue;
        }
        if (++scan->fields > scan->limits->header_fields) {
            refuse(scan, 400, "Too many header fields");
        } else if (header != SIP_GUARD_OTHER) {
            check_field(scan, header, at, value, next);
        }
        at = next;
    }
    return at;
}

/*
 * A stream's lines end with CRLF, and only so: whoever reads them otherwise sees other messages in
 * it than we do.
 */
static int has_bare_line_end(const char *at, const char *end)
{
    const char *line;

    for (line = at; (line = memchr(line, '\r', (size_t)(end - line))); line++) {
        if (line + 1 == end || line[1] != '\n') {
            return 1;
        }
    }
    for (line = at; (line = memchr(line, '\n', (size_t)(end - line))); line++) {
        if (line == at || line[-1] != '\r') {
            return 1;
        }
    }
    return 0;
}

/* What concerns the message as a whole, once the end of its headers (behind the empty line) is
 * known. */
static void check_whole(struct scan *scan, const char *text, const char *first_end,
                        const char *body)
{
    struct sip_guard_found *found = scan->found;
    size_t total = found->header_length + found->body_length;

    if (memchr(text, '\0', (size_t)(body - text))) {
        refuse(scan, 400, "A NUL in the headers");
    } else if (scan->has_percent && has_bad_escape(text, first_end)) {
        refuse(scan, 400, "Bad escape in a URI");
    } else if ((size_t)(first_end - text) > scan->limits->uri_size) {
        refuse(scan, 414, "Request-URI too long");
    } else if (scan->echoed > scan->limits->echoed_size) {
        refuse(scan, 513, "Headers too long");
    } else if (found->body_length > scan->limits->body_size) {
        refuse(scan, 413, "Body too large");
    } else if (total > scan->limits->message_size) {
        refuse(scan, 513, "Message too large");
    }
}

static void check_headers(struct scan *scan, const char *text, const char *end)
{
    const char *first_end = sip_guard_next_line(text, end);
    const char *at = check_fields(scan, first_end, end);
    struct sip_guard_found *found = scan->found;

    if (at == end && scan->is_stream) {
        memset(found, 0, sizeof(*found)); /* more is to come */
        return;
    }
    at += at < end && *at == '\r';
    at += at < end && *at == '\n';
    found->header_length = (size_t)(at - text);
    if (!found->code) {
        check_whole(scan, text, first_end, at);
    }
}

static void check_stream(struct scan *scan, const char *text)
{
    struct sip_guard_found *found = scan->found;

    if (has_bare_line_end(text, text + found->header_length)) {
        found->lost = 1;
        refuse(scan, 400, "A line that does not end with CRLF");
    } else if (!found->has_length && !found->lost) {
        found->lost = 1;
        refuse(scan, 400, "No Content-Length");
    }
}

int sip_guard_message(const struct sip_guard_limits *limits, const char *text, size_t length,
                      int is_datagram, struct sip_guard_found *found)
{
    const char *end = text + length;
    struct scan scan = {.limits = limits, .found = found, .is_stream = !is_datagram};

    memset(found, 0, sizeof(*found));
    if (sip_guard_next_line(text, end) == end) {
        return is_datagram ? refuse(&scan, 400, "No headers") : 0;
    }
    scan.has_percent = memchr(text, '%', length) != NULL;
    scan.has_bare_cr = has_bare_cr(text, length);
    check_headers(&scan, text, end);
    if (scan.is_stream && found->header_length) {
        check_stream(&scan, text);
    } else if (!scan.is_stream && !found->code &&
               found->body_length > length - found->header_length) {
        refuse(&scan, 400, "The body is shorter than Content-Length"); /* RFC 3261 18.3 */
    }
    return found->code;
}
