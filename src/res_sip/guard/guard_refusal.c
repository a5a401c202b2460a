/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the refusal of a request that PJSIP's parsers shall not see, written out of the
 * request's text (RFC 3261 8.2.6, 18.2.1). Pure: text in, text out; no memory, no state, no PJSIP.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "res_sip/guard/guard.h"

struct out {
    char *at;
    char *end; /* at == NULL: it did not fit */
};

/* Line ends within a field become blanks, and other control characters question marks. */
static void put(struct out *out, const char *text, size_t length)
{
    size_t i;

    if (!out->at || (size_t)(out->end - out->at) < length) {
        out->at = NULL;
        return;
    }
    for (i = 0; i < length; i++) {
        unsigned char octet = (unsigned char)text[i];

        *out->at++ = octet == '\r' || octet == '\n' || octet == '\t' ? ' '
                     : octet < ' ' || octet == 0x7f                  ? '?'
                                                                     : text[i];
    }
}

static void put_line_end(struct out *out)
{
    if (!out->at || out->end - out->at < 2) {
        out->at = NULL;
        return;
    }
    *out->at++ = '\r';
    *out->at++ = '\n';
}

static void put_string(struct out *out, const char *text)
{
    put(out, text, strlen(text));
}

static struct sip_guard_span trimmed(const char *at, const char *end)
{
    struct sip_guard_span span;

    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')) {
        at++;
    }
    while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r' || end[-1] == '\n')) {
        end--;
    }
    span.at = at;
    span.end = end;
    return span;
}

/* The first of a character outside of quoted strings and of angle brackets, or the end. */
static const char *find_outside(const char *at, const char *end, char wanted)
{
    int quoted = 0, nested = 0;

    for (; at < end; at++) {
        if (quoted && *at == '\\' && at + 1 < end) {
            at++;
        } else if (*at == '"') {
            quoted = !quoted;
        } else if (!quoted && *at == '<') {
            nested = 1;
        } else if (!quoted && *at == '>') {
            nested = 0;
        } else if (!quoted && !nested && *at == wanted) {
            return at;
        }
    }
    return end;
}

struct sip_guard_span sip_guard_first(const char *value, const char *end)
{
    return trimmed(value, find_outside(value, end, ','));
}

int sip_guard_parameter(struct sip_guard_span field, const char *name, struct sip_guard_span *value)
{
    size_t length = strlen(name);
    const char *at = field.at;

    while ((at = find_outside(at, field.end, ';')) < field.end) {
        const char *end = find_outside(at + 1, field.end, ';');
        struct sip_guard_span parameter = trimmed(at + 1, end);

        if ((size_t)(parameter.end - parameter.at) >= length &&
            strncasecmp(parameter.at, name, length) == 0) {
            struct sip_guard_span rest = trimmed(parameter.at + length, parameter.end);

            if (rest.at == rest.end || *rest.at == '=') {
                *value = rest.at == rest.end ? rest : trimmed(rest.at + 1, rest.end);
                return 1;
            }
        }
        at = end;
    }
    return 0;
}

/* The port of sent-by, behind "SIP/2.0/UDP host"; 5060 when it names none (RFC 3261 18.2.2). */
static unsigned sent_by_port(struct sip_guard_span via)
{
    struct sip_guard_span sent_by = trimmed(via.at, find_outside(via.at, via.end, ';'));
    const char *at = sent_by.end;
    unsigned port = 0, scale = 1;

    while (at > sent_by.at && at[-1] >= '0' && at[-1] <= '9' && scale <= 10000) {
        port += (unsigned)(*--at - '0') * scale;
        scale *= 10;
    }
    while (at > sent_by.at && (at[-1] == ' ' || at[-1] == '\t')) {
        at--;
    }
    return at > sent_by.at && at[-1] == ':' && port > 0 && port < 65536 ? port : 5060;
}

/* 1: a parameter has this name; in its case, too. */
static int is_named(struct sip_guard_span parameter, const char *name)
{
    size_t length = strlen(name);
    struct sip_guard_span rest;

    if ((size_t)(parameter.end - parameter.at) < length ||
        strncasecmp(parameter.at, name, length) != 0) {
        return 0;
    }
    rest = trimmed(parameter.at + length, parameter.end);
    return rest.at == rest.end || *rest.at == '=';
}

/* 1: the upstream wants to know how loaded we are, and knows what we tell (RFC 7339 4.1, 4.2). */
static int asks_for_feedback(struct sip_guard_span via)
{
    struct sip_guard_span value;
    const char *at;

    if (!sip_guard_parameter(via, "oc", &value) || value.at < value.end) {
        return 0;
    }
    if (!sip_guard_parameter(via, "oc-algo", &value)) {
        return 1;
    }
    for (at = value.at; value.end - at >= 4; at++) {
        if (strncasecmp(at, "loss", 4) == 0) {
            return 1;
        }
    }
    return 0;
}

static void put_feedback(struct out *out, const struct sip_feedback *feedback)
{
    char text[100];

    snprintf(text, sizeof(text), ";oc=%u;oc-validity=%u;oc-seq=%s;oc-algo=\"loss\"", feedback->loss,
             feedback->validity, feedback->sequence);
    put_string(out, text);
}

/* The first Via's parameters as they came, but for those that the answer fills in. */
static void put_parameters(struct out *out, struct sip_guard_span via, unsigned port,
                           int with_feedback)
{
    const char *at = find_outside(via.at, via.end, ';');
    char text[20];

    put(out, via.at, (size_t)(at - via.at));
    while (at < via.end) {
        const char *end = find_outside(at + 1, via.end, ';');
        struct sip_guard_span parameter = trimmed(at + 1, end);

        if (is_named(parameter, "rport") && !memchr(parameter.at, '=', (size_t)(end - at - 1))) {
            snprintf(text, sizeof(text), ";rport=%u", port);
            put_string(out, text);
        } else if (!with_feedback ||
                   (!is_named(parameter, "oc") && !is_named(parameter, "oc-algo"))) {
            put(out, at, (size_t)(end - at));
        }
        at = end;
    }
}

/* RFC 3261 18.2.1, RFC 3581 4: the topmost Via says where the request came from. */
static unsigned put_via(struct out *out, struct sip_guard_span field,
                        const struct sip_guard_refusal *refusal)
{
    const char *end = find_outside(field.at, field.end, ',');
    struct sip_guard_span first = trimmed(field.at, end), value;
    int with_feedback = refusal->feedback && asks_for_feedback(first);
    char text[100];

    put_string(out, "Via: ");
    put_parameters(out, first, refusal->port, with_feedback);
    if (!sip_guard_parameter(first, "received", &value)) {
        snprintf(text, sizeof(text), ";received=%s", refusal->host);
        put_string(out, text);
    }
    if (with_feedback) {
        put_feedback(out, refusal->feedback);
    }
    put(out, end, (size_t)(field.end - end));
    put_line_end(out);
    return sip_guard_parameter(first, "rport", &value) ? refusal->port : sent_by_port(first);
}

/* The same for the same request (RFC 3261 8.2.7). */
static uint32_t tag_of(struct sip_guard_span via)
{
    uint32_t value = 2166136261u;
    const char *at;

    for (at = via.at; at < via.end; at++) {
        value = (value ^ (unsigned char)*at) * 16777619u;
    }
    return value;
}

static void put_field(struct out *out, const char *name, struct sip_guard_span value)
{
    put_string(out, name);
    put_string(out, ": ");
    put(out, value.at, (size_t)(value.end - value.at));
}

/* Goes through the fields: all Vias are written, of the others the first is noted. */
static unsigned put_vias(struct out *out, struct sip_guard_span headers,
                         const struct sip_guard_refusal *refusal,
                         struct sip_guard_span found[SIP_GUARD_HEADERS])
{
    const char *at = headers.at;
    unsigned target = 0;

    while (at < headers.end && *at != '\r' && *at != '\n') {
        const char *next = sip_guard_next_field(at, headers.end), *value = next;
        enum sip_guard_header header = sip_guard_field(at, next, &value);
        struct sip_guard_span field = trimmed(value, next);

        if (header == SIP_GUARD_VIA && !found[header].at) {
            target = put_via(out, field, refusal);
        } else if (header == SIP_GUARD_VIA) {
            put_field(out, "Via", field);
            put_line_end(out);
        }
        if (!found[header].at && field.at < field.end) {
            found[header] = field;
        }
        at = next;
    }
    return target;
}

static int is_refusable(struct sip_guard_span line)
{
    return line.end - line.at > 4 && strncasecmp(line.at, "SIP/", 4) != 0 &&
           strncmp(line.at, "ACK ", 4) != 0 && memchr(line.at, ' ', (size_t)(line.end - line.at)) &&
           ((*line.at | 0x20) >= 'a' && (*line.at | 0x20) <= 'z');
}

static int is_complete(const struct sip_guard_span found[SIP_GUARD_HEADERS])
{
    return found[SIP_GUARD_VIA].at && found[SIP_GUARD_FROM].at && found[SIP_GUARD_TO].at &&
           found[SIP_GUARD_CALL_ID].at && found[SIP_GUARD_CSEQ].at;
}

int sip_guard_refusal(const char *text, size_t length, const struct sip_guard_refusal *refusal,
                      char *out_text, size_t size, struct sip_guard_reply *reply)
{
    const char *end = text + length, *first_end = sip_guard_next_line(text, end);
    struct sip_guard_span found[SIP_GUARD_HEADERS] = {{NULL, NULL}};
    struct out out = {out_text, out_text + size};
    struct sip_guard_span value;
    char line[100];
    unsigned target;

    if (!is_refusable(trimmed(text, first_end))) {
        return 0;
    }
    snprintf(line, sizeof(line), "SIP/2.0 %d %s", refusal->code, refusal->reason);
    put_string(&out, line);
    put_line_end(&out);
    target = put_vias(&out, (struct sip_guard_span){first_end, end}, refusal, found);
    if (!is_complete(found)) {
        return 0;
    }
    put_field(&out, "From", found[SIP_GUARD_FROM]);
    put_line_end(&out);
    put_field(&out, "To", found[SIP_GUARD_TO]);
    if (!sip_guard_parameter(found[SIP_GUARD_TO], "tag", &value)) {
        snprintf(line, sizeof(line), ";tag=g%08x", (unsigned)tag_of(found[SIP_GUARD_VIA]));
        put_string(&out, line);
    }
    put_line_end(&out);
    put_field(&out, "Call-ID", found[SIP_GUARD_CALL_ID]);
    put_line_end(&out);
    put_field(&out, "CSeq", found[SIP_GUARD_CSEQ]);
    put_line_end(&out);
    if (refusal->retry_after) {
        snprintf(line, sizeof(line), "Retry-After: %u", refusal->retry_after);
        put_string(&out, line);
        put_line_end(&out);
    }
    put_string(&out, "Content-Length: 0");
    put_line_end(&out);
    put_line_end(&out);
    if (!out.at) {
        return 0;
    }
    reply->length = (size_t)(out.at - out_text);
    reply->port = target;
    return 1;
}
