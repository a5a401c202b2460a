/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history_info: see entry.h. Nothing here may touch a session or a message.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <pj/ctype.h>

#include "entry.h"

static void copy(char *out, size_t size, const char *text, size_t length)
{
    if (length >= size) {
        length = size - 1;
    }
    for (size_t i = 0; i < length;
         ++i) { /* nothing but what prints: it goes into logs and headers */
        out[i] = (unsigned char)text[i] > ' ' - 1 && (unsigned char)text[i] < 0x7f ? text[i] : '?';
    }
    out[length] = '\0';
}

/* 1*DIGIT *("." 1*DIGIT) */
static int is_index(const pj_str_t *text)
{
    int digit = 0;

    for (pj_ssize_t i = 0; i < text->slen; ++i) {
        if (pj_isdigit((unsigned char)text->ptr[i])) {
            digit = 1;
        } else if (text->ptr[i] == '.' && digit) {
            digit = 0;
        } else {
            return 0;
        }
    }
    return digit && text->slen < HISTORY_INDEX_SIZE;
}

/* RFC 3261 19.1.1: a header within a URI, %XX undone; empty: it has none. */
static void read_header(const pj_str_t *uri, const char *name, char *out, size_t size)
{
    const size_t length = strlen(name);
    const char *end = uri->ptr + uri->slen;
    const char *at = memchr(uri->ptr, '?', (size_t)uri->slen);
    char plain[256];
    size_t used = 0;

    out[0] = '\0';
    while (at != NULL) {
        const char *value = ++at + length;

        if (end - at > (pj_ssize_t)length && strncasecmp(at, name, length) == 0 && *value == '=') {
            break;
        }
        at = memchr(at, '&', (size_t)(end - at));
    }
    if (at == NULL) {
        return;
    }
    for (at += length + 1; at < end && *at != '&' && used < sizeof(plain); ++at) {
        if (*at == '%' && end - at > 2 && pj_isxdigit((unsigned char)at[1]) &&
            pj_isxdigit((unsigned char)at[2])) {
            plain[used++] = (char)(pj_hex_digit_to_val((unsigned char)at[1]) * 16 +
                                   pj_hex_digit_to_val((unsigned char)at[2]));
            at += 2;
        } else {
            plain[used++] = *at;
        }
    }
    copy(out, size, plain, used);
}

int history_read(const struct ast_sip_address *address, struct history_entry *out)
{
    static const char *const targets[] = {"rc", "mp", "np"};
    const char *question = memchr(address->uri.ptr, '?', (size_t)address->uri.slen);
    struct history_entry entry;
    pj_str_t text;

    if (!ast_sip_address_param(&address->params, "index", &text) || !is_index(&text)) {
        return -1;
    }
    memset(&entry, 0, sizeof(entry));
    copy(entry.index, sizeof(entry.index), text.ptr, (size_t)text.slen);
    copy(entry.uri, sizeof(entry.uri), address->uri.ptr,
         question != NULL ? (size_t)(question - address->uri.ptr) : (size_t)address->uri.slen);
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(targets); ++i) {
        if (ast_sip_address_param(&address->params, targets[i], &text) && is_index(&text)) {
            snprintf(entry.target, sizeof(entry.target), "%s=%.*s", targets[i], (int)text.slen,
                     text.ptr);
            break;
        }
    }
    read_header(&address->uri, "Reason", entry.reason, sizeof(entry.reason));
    read_header(&address->uri, "Privacy", entry.privacy, sizeof(entry.privacy));
    *out = entry;
    return 0;
}

static int is_printable(const pj_str_t *text)
{
    for (pj_ssize_t i = 0; i < text->slen; ++i) {
        if (text->ptr[i] < ' ' || text->ptr[i] > '~') {
            return 0;
        }
    }
    return 1;
}

int history_copy(const struct ast_sip_address *address, char *out, size_t size)
{
    int length;

    if (!is_printable(&address->uri) || !is_printable(&address->params)) {
        return -1;
    }
    length = snprintf(out, size, "<%.*s>%.*s", (int)address->uri.slen, address->uri.ptr,
                      (int)address->params.slen, address->params.ptr);
    return length > 0 && (size_t)length < size ? length : -1;
}

int history_is_for(const struct history_entry *entry, const char *uri)
{
    size_t length = strcspn(uri, ";?");

    return strcspn(entry->uri, ";?") == length && strncasecmp(entry->uri, uri, length) == 0;
}

/* RFC 4458 2: the status that stands for a reason; 0: none does. */
static int cause_of(const char *reason)
{
    static const struct {
        const char *reason;
        int cause;
    } causes[] = {{"unconditional", 302}, {"user-busy", 486},   {"no-answer", 408},
                  {"deflection", 480},    {"unavailable", 503}, {"do-not-disturb", 603}};

    for (unsigned i = 0; reason != NULL && i < PJ_ARRAY_SIZE(causes); ++i) {
        if (strcasecmp(causes[i].reason, reason) == 0) {
            return causes[i].cause;
        }
    }
    return 0;
}

int history_write(const struct history_hop *hop, char *out, size_t size)
{
    char headers[80] = "", mapped[HISTORY_INDEX_SIZE + 10] = "";
    int cause = cause_of(hop->reason);
    int length = 0;

    if (cause != 0) {
        length = snprintf(headers, sizeof(headers), "?Reason=SIP%%3Bcause%%3D%d", cause);
    }
    if (hop->hidden) {
        snprintf(headers + length, sizeof(headers) - (size_t)length, "%cPrivacy=history",
                 cause != 0 ? '&' : '?');
    }
    if (hop->mapped != NULL) {
        snprintf(mapped, sizeof(mapped), ";mp=%s", hop->mapped);
    }
    length = snprintf(out, size, "<%s%s>;index=%s%s", hop->uri, headers, hop->index, mapped);
    return length > 0 && (size_t)length < size ? length : -1;
}

/* The URI of a party, without its name; the anonymous one when it may not be told. */
static int party_uri(const struct ast_party_id *party, const char *host, int trusted, char *out,
                     size_t size)
{
    struct ast_party_id shown = {.presentation = party->presentation};
    char text[AST_SIP_ADDRESS_SIZE];
    int length;

    memcpy(shown.number, party->number, sizeof(shown.number));
    if (party->presentation != AST_PARTY_ALLOWED && !trusted) {
        strcpy(shown.number, "anonymous");
        host = "anonymous.invalid";
    }
    length = ast_sip_address_print(&shown, host, text, sizeof(text));
    if (length < 2 || (size_t)length - 1 > size) {
        return -1;
    }
    memcpy(out, text + 1, (size_t)length - 2); /* without the brackets */
    out[length - 2] = '\0';
    return 0;
}

/* What history_write_all has written so far. */
struct writer {
    char *out;
    size_t length;
    char index[HISTORY_INDEX_SIZE];  /* of the last entry; empty: there is none */
    char parent[HISTORY_INDEX_SIZE]; /* where that one came from */
};

/* The next entry, one level below the last one: what that one was called for is done by this one.
 */
static int add(struct writer *writer, struct history_hop *hop)
{
    size_t room = HISTORY_SIZE - writer->length;
    int first = writer->index[0] == '\0';
    int length;

    memcpy(writer->parent, writer->index, sizeof(writer->parent));
    if (first) {
        strcpy(writer->index, "1");
    } else {
        strcat(writer->index, ".1");
        if (room < 3) {
            return -1;
        }
        memcpy(writer->out + writer->length, ", ", 3);
        writer->length += 2;
        room -= 2;
        hop->mapped = writer->parent;
    }
    hop->index = writer->index;
    length = history_write(hop, writer->out + writer->length, room);
    if (length < 0) {
        return -1;
    }
    writer->length += (size_t)length;
    return 0;
}

int history_write_all(const struct ast_party_redirecting *redirecting, const char *host,
                      int trusted, const char *target, char out[HISTORY_SIZE])
{
    const struct ast_party_id *orig = &redirecting->orig, *from = &redirecting->from;
    int both = redirecting->count > 1 && orig->number[0] != '\0' && from->number[0] != '\0' &&
               strcmp(orig->number, from->number) != 0;
    struct history_hop hop = {.uri = target};
    struct writer writer = {.out = out};
    char uri[AST_SIP_ADDRESS_SIZE];

    if (redirecting->count > 0 && (both || from->number[0] == '\0') && orig->number[0] != '\0') {
        struct history_hop hop_orig = {.uri = uri,
                                       .reason = redirecting->orig_reason,
                                       .hidden = orig->presentation != AST_PARTY_ALLOWED};

        if (party_uri(orig, host, trusted, uri, sizeof(uri)) != 0 || add(&writer, &hop_orig) != 0) {
            return -1;
        }
    }
    if (redirecting->count > 0 && from->number[0] != '\0') {
        struct history_hop hop_from = {.uri = uri,
                                       .reason = redirecting->reason,
                                       .hidden = from->presentation != AST_PARTY_ALLOWED};

        if (party_uri(from, host, trusted, uri, sizeof(uri)) != 0 || add(&writer, &hop_from) != 0) {
            return -1;
        }
    }
    return add(&writer, &hop) == 0 ? (int)writer.length : -1;
}
