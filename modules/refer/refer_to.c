/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * refer: reads a Refer-To. A name-addr or addr-spec, whose URI may carry headers for the request
 * that it asks for; of those only Replaces is honoured (RFC 3261 19.1.5: the others could forge our
 * own).
 */
#include "refer_to.h"

#include <string.h>
#include <strings.h>

#include "../replaces/value.h"

#define BAD        PJSIP_SC_BAD_REQUEST
#define BAD_SCHEME PJSIP_SC_UNSUPPORTED_URI_SCHEME
#define DECLINE    PJSIP_SC_DECLINE

/* A part of the header's value. */
struct span {
    const char *at;
    size_t length;
};

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The end of a quoted-string that begins at `at`; NULL: it has none. */
static const char *end_of_quoted(const char *at)
{
    for (++at; *at != '"'; ++at) {
        if (*at == '\0' || (*at == '\\' && *++at == '\0')) {
            return NULL;
        }
    }
    return at + 1;
}

/* What may stand behind the URI: parameters of the header. A comma would be a second value. */
static int is_tail(const char *at)
{
    at = skip_blanks(at);
    if (*at != '\0' && *at != ';') {
        return 0;
    }
    while (*at != '\0') {
        if (*at == '"') {
            at = end_of_quoted(at);
            if (at == NULL) {
                return 0;
            }
        } else if (*at == ',' || *at == '<' || *at == '>') {
            return 0;
        } else {
            ++at;
        }
    }
    return 1;
}

/* The URI of a header's value, with or without angle brackets. 0, -1. */
static int find_uri(const char *value, struct span *uri)
{
    const char *at = skip_blanks(value);
    const char *end;

    if (*at == '"') {
        at = end_of_quoted(at);
        if (at == NULL || *(at = skip_blanks(at)) != '<') {
            return -1;
        }
    } else if (strchr(at, '<') != NULL) { /* a display name of tokens */
        size_t name = strcspn(at, "<");

        if (strcspn(at, ":;,\"@") < name) {
            return -1;
        }
        at += name;
    }
    if (*at == '<') {
        end = strchr(++at, '>');
        if (end == NULL || !is_tail(end + 1)) {
            return -1;
        }
    } else { /* RFC 3261 20.10: its parameters are the header's; ? and , need brackets */
        end = at + strcspn(at, "; \t");
        if (memchr(at, '?', (size_t)(end - at)) != NULL ||
            memchr(at, ',', (size_t)(end - at)) != NULL || !is_tail(end)) {
            return -1;
        }
    }
    uri->at = at;
    uri->length = (size_t)(end - at);
    return uri->length > 0 ? 0 : -1;
}

/* Only characters that a URI can have, and `%` before two digits only (a rule of docs/pjsip.md). */
static int is_clean(const struct span *uri)
{
    for (size_t i = 0; i < uri->length; ++i) {
        unsigned char c = (unsigned char)uri->at[i];

        if (c <= ' ' || c >= 0x7f || strchr("<>\"\\^`{|}", c) != NULL) {
            return 0;
        }
        if (c == '%' && (uri->length - i < 3 || hex_digit(uri->at[i + 1]) < 0 ||
                         hex_digit(uri->at[i + 2]) < 0)) {
            return 0;
        }
    }
    return 1;
}

/* Cuts the headers off: what is behind the ? that follows the host. */
static void split_headers(struct span *uri, struct span *headers)
{
    const char *end = uri->at + uri->length;
    const char *at = memchr(uri->at, '@', uri->length);
    const char *mark;

    if (at == NULL) {
        at = uri->at;
    }
    mark = memchr(at, '?', (size_t)(end - at));
    headers->at = mark != NULL ? mark + 1 : end;
    headers->length = (size_t)(end - headers->at);
    if (mark != NULL) {
        uri->length = (size_t)(mark - uri->at);
    }
}

/* Unescapes; 0, -1: it does not fit, or has control characters in it. */
static int unescape(const struct span *text, char *out, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < text->length; ++i) {
        char c = text->at[i];

        if (c == '%') {
            c = (char)(hex_digit(text->at[i + 1]) * 16 + hex_digit(text->at[i + 2]));
            i += 2;
        }
        if (length + 1 >= size || (unsigned char)c < ' ' || (unsigned char)c == 0x7f) {
            return -1;
        }
        out[length++] = c;
    }
    out[length] = '\0';
    return 0;
}

/* One `name=value` of the headers. 0, -1. */
static int take_header(const struct span *header, struct refer_target *target)
{
    const char *equals = memchr(header->at, '=', header->length);
    struct span name = {header->at, 0}, value;
    struct replaces_value read;
    char text[32];

    if (equals == NULL || equals == header->at) {
        return -1;
    }
    name.length = (size_t)(equals - header->at);
    value.at = equals + 1;
    value.length = header->length - name.length - 1;
    if (unescape(&name, text, sizeof(text)) != 0 || strcasecmp(text, "Replaces") != 0) {
        return 0;
    }
    /* RFC 3891 3: there is one at most */
    return target->replaces[0] == '\0' &&
                   unescape(&value, target->replaces, sizeof(target->replaces)) == 0 &&
                   replaces_parse(target->replaces, &read) == 0
               ? 0
               : -1;
}

static int take_headers(const struct span *headers, struct refer_target *target)
{
    const char *at = headers->at;
    const char *end = at + headers->length;

    while (at < end) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        struct span header = {at, (size_t)((next != NULL ? next : end) - at)};

        if (take_header(&header, target) != 0) {
            return -1;
        }
        at = next != NULL ? next + 1 : end;
    }
    return 0;
}

static int has_sip_scheme(const struct span *uri)
{
    return (uri->length >= 4 && strncasecmp(uri->at, "sip:", 4) == 0) ||
           (uri->length >= 5 && strncasecmp(uri->at, "sips:", 5) == 0);
}

static void copy(char *out, size_t size, const pj_str_t *text)
{
    out[0] = '\0';
    if (text->slen > 0 && (size_t)text->slen < size &&
        memchr(text->ptr, '\0', (size_t)text->slen) == NULL) {
        memcpy(out, text->ptr, (size_t)text->slen);
        out[text->slen] = '\0';
    }
}

/* A name or an address (RFC 3261 25.1); PJSIP takes more for one. */
static int is_good_host(const pj_str_t *host)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    static const char ipv6[] = "abcdefABCDEF0123456789:.";
    const char *allowed = pj_strchr(host, ':') != NULL ? ipv6 : name;

    for (pj_ssize_t i = 0; i < host->slen; ++i) {
        if (host->ptr[i] == '\0' || strchr(allowed, host->ptr[i]) == NULL) {
            return 0;
        }
    }
    return host->slen > 0;
}

/* A copy of the text, read. NULL: it is no URI of SIP. */
static pjsip_sip_uri *read_uri(pj_pool_t *pool, const char *at, size_t length)
{
    char *text = pj_pool_alloc(pool, length + 1);
    pjsip_uri *uri;

    memcpy(text, at, length);
    text[length] = '\0';
    uri = pjsip_parse_uri(pool, text, length, 0);
    return uri != NULL && (PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri))
               ? (pjsip_sip_uri *)uri
               : NULL;
}

/*
 * What PJSIP writes must be a URI that it reads and writes alike: it unescapes some parts and does
 * not escape them again, so that what is in them could end up in our INVITE as it is.
 */
static int is_stable(pj_pool_t *pool, const char *text)
{
    struct span span = {text, strlen(text)};
    char again[sizeof(((struct refer_target *)0)->uri)];
    pjsip_sip_uri *uri;
    int length;

    if (!is_clean(&span) || (uri = read_uri(pool, span.at, span.length)) == NULL) {
        return 0;
    }
    length = pjsip_uri_print(PJSIP_URI_IN_OTHER, uri, again, sizeof(again) - 1);
    return length == (int)span.length && memcmp(again, text, span.length) == 0;
}

static int take_uri(pj_pool_t *pool, const struct span *span, struct refer_target *target)
{
    pjsip_sip_uri *uri = read_uri(pool, span->at, span->length);
    int length;

    if (uri == NULL || !is_good_host(&uri->host) || uri->port < 0 || uri->port > 65535) {
        return BAD;
    }
    if (uri->method_param.slen > 0 && pj_strcmp2(&uri->method_param, "INVITE") != 0) {
        return DECLINE;
    }
    uri->method_param.slen = 0;
    length = pjsip_uri_print(PJSIP_URI_IN_OTHER, uri, target->uri, sizeof(target->uri) - 1);
    if (length <= 0) {
        return BAD;
    }
    target->uri[length] = '\0';
    if (!is_stable(pool, target->uri)) {
        return BAD;
    }
    target->port = uri->port;
    copy(target->user, sizeof(target->user), &uri->user);
    copy(target->host, sizeof(target->host), &uri->host);
    return 0;
}

int refer_to_parse(pj_pool_t *pool, const char *value, struct refer_target *target)
{
    struct refer_target found;
    struct span uri, headers;
    int status;

    memset(&found, 0, sizeof(found));
    if (find_uri(value, &uri) != 0 || !is_clean(&uri)) {
        return BAD;
    }
    if (!has_sip_scheme(&uri)) {
        return memchr(uri.at, ':', uri.length) != NULL ? BAD_SCHEME : BAD;
    }
    split_headers(&uri, &headers);
    status = take_uri(pool, &uri, &found);
    if (status != 0) {
        return status;
    }
    if (take_headers(&headers, &found) != 0) {
        return BAD;
    }
    *target = found;
    return 0;
}
