/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: a look at a message's headers as text, for what no honest peer sends and what PJSIP does
 * not take well (docs/pjsip.md has the list). Pure: text in, verdict out; no memory, no state, no
 * PJSIP.
 */
#include <string.h>
#include <strings.h>

#include "res_sip/guard/guard_text.h"

#define MAX_CONTENT_TYPE 256     /* octets (A5) */
#define MAX_LENGTH       1000000 /* what Content-Length may say, so that it can be reckoned with */

#define BIT(header) (1U << SIP_GUARD_##header)

/* What an answer repeats (RFC 3261 8.2.6.2, 12.1.1), and Contact, which is often repeated. */
#define ECHOED (BIT(VIA) | BIT(RECORD_ROUTE) | BIT(FROM) | BIT(TO) | BIT(CALL_ID) | BIT(CONTACT))
#define ONCE   (BIT(FROM) | BIT(TO) | BIT(CALL_ID) | BIT(CSEQ) | BIT(CONTENT_TYPE))
#define URIS   (BIT(FROM) | BIT(TO) | BIT(CONTACT) | BIT(ROUTE) | BIT(RECORD_ROUTE))
#define CHECKED                                                                                    \
    (BIT(ROUTE) | BIT(RECORD_ROUTE) | BIT(REQUIRE) | BIT(SUPPORTED) | BIT(CONTENT_TYPE) |          \
     BIT(CONTENT_LENGTH) | BIT(CONTENT_ENCODING))

struct scan {
    const struct sip_guard_limits *limits;
    struct sip_guard_found *found;
    size_t echoed;
    unsigned lines;     /* of header fields */
    unsigned line_ends; /* of all lines, CRLF each */
    unsigned checked;   /* bits of headers whose value is of interest */
    unsigned required;
    unsigned supported;
    int is_stream;
    int is_plain; /* it is read as if it were plain (guard_text.h) */
    int odd;      /* it turned out not to be */
};

/* The first reason is the one that is told. */
static void refuse(const struct scan *scan, int code, const char *reason)
{
    if (!scan->found->code) {
        scan->found->code = code;
        scan->found->why = reason;
    }
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

/* By its length first. */
static enum sip_guard_header name_of(const char *name, size_t length)
{
    switch (length) {
    case 1:
        return short_header(*name);
    case 2:
        return guard_is(name, "to") ? SIP_GUARD_TO : SIP_GUARD_OTHER;
    case 3:
        return guard_is(name, "via") ? SIP_GUARD_VIA : SIP_GUARD_OTHER;
    case 4:
        return guard_is(name, "from")   ? SIP_GUARD_FROM
               : guard_is(name, "cseq") ? SIP_GUARD_CSEQ
                                        : SIP_GUARD_OTHER;
    case 5:
        return guard_is(name, "route") ? SIP_GUARD_ROUTE : SIP_GUARD_OTHER;
    case 7:
        return guard_is(name, "call-id")   ? SIP_GUARD_CALL_ID
               : guard_is(name, "contact") ? SIP_GUARD_CONTACT
               : guard_is(name, "require") ? SIP_GUARD_REQUIRE
                                           : SIP_GUARD_OTHER;
    case 9:
        return guard_is(name, "supported") ? SIP_GUARD_SUPPORTED : SIP_GUARD_OTHER;
    case 12:
        return guard_is(name, "record-route")   ? SIP_GUARD_RECORD_ROUTE
               : guard_is(name, "content-type") ? SIP_GUARD_CONTENT_TYPE
                                                : SIP_GUARD_OTHER;
    case 14:
        return guard_is(name, "content-length") ? SIP_GUARD_CONTENT_LENGTH : SIP_GUARD_OTHER;
    case 16:
        return guard_is(name, "content-encoding") ? SIP_GUARD_CONTENT_ENCODING : SIP_GUARD_OTHER;
    default:
        return SIP_GUARD_OTHER;
    }
}

const char *sip_guard_next_line(const char *at, const char *end)
{
    return guard_next_line(at, end);
}

const char *sip_guard_next_field(const char *at, const char *end)
{
    do {
        at = guard_next_line(at, end);
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
    refuse(scan, 400, why);
}

/* Of a header whose value is of interest, with this bit; value is behind the colon, end behind the
 * line end. */
static void check_value(struct scan *scan, unsigned bit, const char *field, const char *value,
                        const char *end)
{
    if ((bit & URIS) && !scan->is_plain && has_bad_escape(value, end)) {
        refuse(scan, 400, "Bad escape in a URI");
    }
    if ((bit & (BIT(ROUTE) | BIT(RECORD_ROUTE))) && has_hide(value, end)) {
        refuse(scan, 400, "Bad parameter in a route");
    }
    if (bit & BIT(CONTENT_LENGTH)) {
        check_content_length(scan, value, end);
    } else if (bit & BIT(CONTENT_TYPE) && end - field > MAX_CONTENT_TYPE) {
        refuse(scan, 400, "Content-Type too long");
    } else if (bit & BIT(CONTENT_ENCODING)) {
        scan->found->has_encoding = 1;
    } else if (bit & BIT(REQUIRE)) {
        scan->required += count_values(value, end);
    } else if (bit & BIT(SUPPORTED)) {
        scan->supported += count_values(value, end);
    }
}

/* Most lines begin with a letter: one comparison is enough for them. */
static inline int is_line_end(char c)
{
    return (unsigned char)c <= ' ' && (c == '\r' || c == '\n');
}

static inline int is_blank(char c)
{
    return (unsigned char)c <= ' ' && (c == ' ' || c == '\t');
}

/* The name octet by octet, as it may be written: short, or with blanks before the colon. */
static enum sip_guard_header read_name(const char *field, const char *end, const char **value)
{
    const char *colon = memchr(field, ':', (size_t)(end - field)), *name_end = colon;

    if (!colon) {
        return SIP_GUARD_OTHER; /* it is PJSIP's parser that refuses */
    }
    while (name_end > field && (name_end[-1] == ' ' || name_end[-1] == '\t')) {
        name_end--;
    }
    *value = colon + 1;
    return name_end > field ? name_of(field, (size_t)(name_end - field)) : SIP_GUARD_OTHER;
}

/* The same, faster for names as they are usually written, in a plain text. */
static inline enum sip_guard_header read_plain_name(const char *field, const char *end,
                                                    const char *text_end, const char **value)
{
    struct guard_name name;

    if (field + 16 > text_end) {
        return read_name(field, end, value);
    }
    name = guard_guess_name(field);
    *value = field + name.length;
    return name.length ? name.header : read_name(field, end, value);
}

enum sip_guard_header sip_guard_field(const char *field, const char *end, const char **value)
{
    return read_name(field, end, value);
}

/*
 * Looks at all header fields; returns where they end: at the empty line, or at the text's end. What
 * changes with each of them is in variables of this function: it is the one that costs.
 */
static const char *check_fields(struct scan *scan, const char *at, const char *end)
{
    const int is_plain = scan->is_plain;
    const unsigned checked = scan->checked;
    unsigned lines = 0, seen = 0;
    size_t echoed = 0;

    while (at < end && !is_line_end(*at)) {
        const char *next = at, *value;
        unsigned bit;

        do {
            next = is_plain ? guard_next_plain_line(next, end, &scan->odd)
                            : guard_next_line(next, end);
            lines++;
        } while (next < end && is_blank(*next)); /* RFC 3261 7.3.1 */
        bit =
            1U << (is_plain ? read_plain_name(at, next, end, &value) : read_name(at, next, &value));
        if (bit & ECHOED) {
            echoed += (size_t)(next - at);
        }
        if (seen & bit & ONCE) {
            refuse(scan, 400, "A header that may be there once is twice");
        }
        if (bit & checked) {
            check_value(scan, bit, at, value, next);
        }
        seen |= bit;
        at = next;
    }
    scan->lines = lines;
    scan->echoed = echoed;
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
    const struct sip_guard_limits *limits = scan->limits;
    struct sip_guard_found *found = scan->found;

    if (scan->lines > limits->header_fields) {
        refuse(scan, 400, "Too many header fields");
    } else if (scan->required > limits->option_tags || scan->supported > limits->option_tags) {
        refuse(scan, 400, "Too many option tags");
    } else if (!scan->is_plain && memchr(text, '\0', (size_t)(body - text))) {
        refuse(scan, 400, "A NUL in the headers");
    } else if (!scan->is_plain && has_bad_escape(text, first_end)) {
        refuse(scan, 400, "Bad escape in a URI");
    } else if ((size_t)(first_end - text) > limits->uri_size) {
        refuse(scan, 414, "Request-URI too long");
    } else if (scan->echoed > limits->echoed_size) {
        refuse(scan, 513, "Headers too long");
    } else if (found->body_length > limits->body_size) {
        refuse(scan, 413, "Body too large");
    } else if (found->header_length + found->body_length > limits->message_size) {
        refuse(scan, 513, "Message too large");
    }
}

/* A stream's octets end before the headers do: within a line, or within the CRLF of the empty one. */
static int is_cut_off(const char *at, const char *end)
{
    return at == end || (*at == '\r' && at + 1 == end);
}

static void check_headers(struct scan *scan, const char *text, const char *end)
{
    const char *first_end =
        scan->is_plain ? guard_next_plain_line(text, end, &scan->odd) : guard_next_line(text, end);
    const char *at = check_fields(scan, first_end, end), *empty;
    struct sip_guard_found *found = scan->found;

    if (scan->is_stream && is_cut_off(at, end)) {
        memset(found, 0, sizeof(*found)); /* more is to come */
        return;
    }
    if (first_end == end) {
        refuse(scan, 400, "No headers");
    }
    empty = at;
    at += at < end && *at == '\r';
    at += at < end && *at == '\n';
    scan->line_ends = scan->lines + 1 + (at - empty == 2); /* the first line, and the empty one */
    found->header_length = (size_t)(at - text);
    check_whole(scan, text, first_end, at);
}

/*
 * First as if they were plain, which headers mostly are: 1. 0: they turned out not to be, and were
 * read once more, with an eye on what they have.
 */
static int read_headers(const struct sip_guard_limits *limits, const char *text, const char *end,
                        int is_stream, struct sip_guard_found *found)
{
    struct scan scan = {.limits = limits,
                        .found = found,
                        .checked = CHECKED,
                        .is_stream = is_stream,
                        .is_plain = 1};

    memset(found, 0, sizeof(*found));
    if (text < end && *text != '\n') {
        check_headers(&scan, text, end);
        if (!scan.odd && found->header_length &&
            guard_is_plain(text, found->header_length, scan.line_ends)) {
            return 1;
        }
    }
    scan = (struct scan){.limits = limits,
                         .found = found,
                         .checked = CHECKED | URIS,
                         .is_stream = is_stream};
    memset(found, 0, sizeof(*found));
    check_headers(&scan, text, end);
    return 0;
}

int sip_guard_message(const struct sip_guard_limits *limits, const char *text, size_t length,
                      int is_datagram, struct sip_guard_found *found)
{
    const struct scan scan = {.found = found};
    int is_plain = read_headers(limits, text, text + length, !is_datagram, found);

    if (is_datagram && found->body_length > length - found->header_length) {
        refuse(&scan, 400, "The body is shorter than Content-Length"); /* RFC 3261 18.3 */
    } else if (!is_datagram && found->header_length && !found->has_length && !found->lost) {
        found->lost = 1;
        refuse(&scan, 400, "No Content-Length");
    }
    if (!is_datagram && !is_plain && has_bare_line_end(text, text + found->header_length)) {
        found->lost = 1;
        refuse(&scan, 400, "A line that does not end with CRLF");
    }
    return found->code;
}
