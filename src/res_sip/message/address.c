/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: addresses between text and identities. Pure: no message is changed, nothing allocated,
 * and every text may be hostile: nothing here trusts a length or an encoding.
 */
#include <string.h>

#include <pj/ctype.h>
#include <sipsession/address.h>

#include "res_sip/core.h"

/* No URI of a peer that means well is longer. */
#define MAX_URI 1000

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(pj_str_t *text)
{
    while (text->slen > 0 && is_blank(text->ptr[0])) {
        ++text->ptr;
        --text->slen;
    }
    while (text->slen > 0 && is_blank(text->ptr[text->slen - 1])) {
        --text->slen;
    }
}

static pj_str_t part(char *begin, const char *end)
{
    pj_str_t text = {begin, end - begin};

    trim(&text);
    return text;
}

/* The end of a quoted string that begins at text: its closing quote, or NULL (RFC 3261 25.1). */
static char *quoted_end(char *text, const char *end)
{
    for (++text; text < end; ++text) {
        if (*text == '\\') {
            ++text;
        } else if (*text == '"') {
            return text;
        }
    }
    return NULL;
}

/* Where a value of the list ends: a comma outside of quotes and angle brackets, or the end. broken:
 * it has a quote that nothing closes. */
static char *value_end(char *text, const char *end, int *broken)
{
    int bracketed = 0;

    for (; text < end; ++text) {
        if (*text == '"' && !bracketed) {
            char *close = quoted_end(text, end);

            if (close == NULL) { /* nothing behind it can be told apart */
                *broken = 1;
                return (char *)end;
            }
            text = close;
        } else if (*text == '<') {
            bracketed = 1;
        } else if (*text == '>') {
            bracketed = 0;
        } else if (*text == ',' && !bracketed) {
            break;
        }
    }
    return text;
}

/* Of a URI nothing is asked here but that it is one word, of a scheme. */
static int is_uri(const pj_str_t *uri)
{
    int scheme = 0;

    if (uri->slen < 3 || uri->slen > MAX_URI || !pj_isalpha((unsigned char)uri->ptr[0])) {
        return 0;
    }
    for (pj_ssize_t i = 0; i < uri->slen; ++i) {
        unsigned char c = (unsigned char)uri->ptr[i];

        if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"') {
            return 0;
        }
        scheme |= c == ':';
    }
    return scheme;
}

/* `"display" <uri>;params`, `words <uri>;params` or `uri;params` */
static int split(char *text, const char *end, struct ast_sip_address *address)
{
    struct ast_sip_address made = {{text, 0}, {text, 0}, {text, 0}};
    int quoted = *text == '"';
    char *open, *close;

    if (quoted) {
        close = quoted_end(text, end);
        if (close == NULL) {
            return -1;
        }
        made.display.ptr = text + 1;
        made.display.slen = close - text - 1;
        text = close + 1;
    }
    open = memchr(text, '<', (size_t)(end - text));
    if (open != NULL) {
        pj_str_t words = part(text, open);

        close = memchr(open, '>', (size_t)(end - open));
        if (close == NULL || (quoted ? words.slen > 0 : pj_strchr(&words, '"') != NULL)) {
            return -1;
        }
        if (!quoted) {
            made.display = words;
        }
        made.uri = part(open + 1, close);
        made.params = part(close + 1, end);
    } else if (!quoted) {
        open = memchr(text, ';', (size_t)(end - text));
        made.uri = part(text, open != NULL ? open : end);
        made.params = part(open != NULL ? open : (char *)end, end);
    }
    if (!is_uri(&made.uri) || (made.params.slen > 0 && made.params.ptr[0] != ';')) {
        return -1;
    }
    *address = made;
    return 0;
}

int ast_sip_address_next(pj_str_t *rest, struct ast_sip_address *address)
{
    const char *end;
    char *stop;
    pj_str_t value;
    int broken = 0;

    trim(rest);
    if (rest->slen <= 0) {
        return 0;
    }
    end = rest->ptr + rest->slen;
    stop = value_end(rest->ptr, end, &broken);
    value = part(rest->ptr, stop);
    rest->ptr = stop < end ? stop + 1 : stop;
    rest->slen = end - rest->ptr;
    return !broken && value.slen > 0 && split(value.ptr, value.ptr + value.slen, address) == 0 ? 1
                                                                                               : -1;
}

unsigned ast_sip_addresses_of(const pjsip_msg *msg, const char *name,
                              struct ast_sip_address *addresses, unsigned most)
{
    const pj_str_t wanted = sip_str(name);
    const pjsip_generic_string_hdr *hdr;
    const void *from = NULL;
    unsigned count = 0;

    while (count < most && (hdr = pjsip_msg_find_hdr_by_name(msg, &wanted, from)) != NULL) {
        pj_str_t rest = hdr->hvalue;
        int result;

        while (count < most && (result = ast_sip_address_next(&rest, &addresses[count])) != 0) {
            count += result == 1;
        }
        from = hdr->next;
        if (from == &msg->hdr) { /* it was the last header: PJSIP would begin again */
            break;
        }
    }
    return count;
}

int ast_sip_address_param(const pj_str_t *params, const char *name, pj_str_t *value)
{
    char *at = params->ptr, *end = params->ptr + params->slen;

    while (at < end && *at == ';') {
        char *stop = at + 1, *sign = NULL;
        pj_str_t key;

        for (; stop < end && *stop != ';'; ++stop) {
            if (*stop == '"') {
                stop = quoted_end(stop, end);
                if (stop == NULL) {
                    return 0;
                }
            } else if (*stop == '=' && sign == NULL) {
                sign = stop;
            }
        }
        key = part(at + 1, sign != NULL ? sign : stop);
        if (pj_stricmp2(&key, name) == 0) {
            *value = sign != NULL ? part(sign + 1, stop) : part(stop, stop);
            if (value->slen > 1 && value->ptr[0] == '"') {
                ++value->ptr;
                value->slen -= 2;
            }
            return 1;
        }
        at = stop;
    }
    return 0;
}

/* ---- identities ---- */

static int hex(char c)
{
    return pj_isxdigit((unsigned char)c) ? (int)pj_hex_digit_to_val((unsigned char)c) : -1;
}

/* How many octets a character of UTF-8 has (RFC 3629 4); 0: it is none. */
static size_t utf8_length(const unsigned char *text, size_t room)
{
    size_t length = text[0] < 0x80                      ? 1
                    : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
                    : (text[0] & 0xf0) == 0xe0          ? 3
                    : text[0] >= 0xf0 && text[0] < 0xf5 ? 4
                                                        : 0;

    if (length == 0 || length > room) {
        return 0;
    }
    for (size_t i = 1; i < length; ++i) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f)) {
        return 0;
    }
    return length;
}

/* What is shown to people and sent to others: UTF-8 without control characters. */
static void clean(unsigned char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t octets = utf8_length(text + i, length - i);

        if (octets == 0 || text[i] < ' ' || text[i] == 0x7f) {
            text[i] = '?';
            octets = 1;
        }
        i += octets;
    }
}

/* Undoes %XX (escape '%') or \X (escape '\\') on the way; more than fits is cut by the caller. */
static size_t unescape(const pj_str_t *from, char escape, char *out, size_t size)
{
    size_t length = 0;

    for (pj_ssize_t i = 0; i < from->slen && length < size; ++i) {
        char c = from->ptr[i];

        if (c == escape && c == '\\' && i + 1 < from->slen) {
            c = from->ptr[++i];
        } else if (c == escape && c == '%' && i + 2 < from->slen && hex(from->ptr[i + 1]) >= 0 &&
                   hex(from->ptr[i + 2]) >= 0) {
            c = (char)(hex(from->ptr[i + 1]) * 16 + hex(from->ptr[i + 2]));
            i += 2;
        }
        out[length++] = c;
    }
    return length;
}

static void copy(char out[AST_PARTY_TEXT_SIZE], const pj_str_t *from, char escape)
{
    char plain[2 * AST_PARTY_TEXT_SIZE]; /* more than fits, so that it is cut at a character */
    size_t length = unescape(from, escape, plain, sizeof(plain));

    if (length == sizeof(plain)) { /* the character at the end may be half of one */
        while (length > sizeof(plain) - 4 && ((unsigned char)plain[length - 1] & 0xc0) == 0x80) {
            --length;
        }
        --length;
    }
    clean((unsigned char *)plain, length);
    base_copy_text(out, AST_PARTY_TEXT_SIZE, plain, length);
}

static int begins_with(const pj_str_t *text, const char *word)
{
    const pj_ssize_t length = (pj_ssize_t)strlen(word);
    pj_str_t begin = {text->ptr, length};

    return text->slen >= length && pj_stricmp2(&begin, word) == 0;
}

/* The user of a URI, and its host. 0; -1: another scheme. */
static int split_uri(const pj_str_t *uri, pj_str_t *user, pj_str_t *host)
{
    char *end = uri->ptr + uri->slen, *at, *stop;

    *user = *host = part(end, end);
    if (begins_with(uri, "tel:")) {
        at = uri->ptr + 4;
        for (stop = at; stop < end && *stop != ';'; ++stop) {
        }
        *user = part(at, stop);
        return 0;
    }
    if (!begins_with(uri, "sip:") && !begins_with(uri, "sips:")) {
        return -1;
    }
    at = (char *)memchr(uri->ptr, ':', (size_t)uri->slen) + 1;
    stop = memchr(at, '@', (size_t)(end - at));
    if (stop != NULL) {
        char *colon = memchr(at, ':', (size_t)(stop - at)); /* a password */

        *user = part(at, colon != NULL ? colon : stop);
        at = stop + 1;
    }
    for (stop = at; stop < end && *stop != ';' && *stop != '?'; ++stop) {
    }
    *host = part(at, stop);
    return 0;
}

int ast_sip_address_party(const struct ast_sip_address *address, struct ast_party_id *id)
{
    struct ast_party_id found;
    pj_str_t user, host;

    if (split_uri(&address->uri, &user, &host) != 0) {
        return -1;
    }
    memset(&found, 0, sizeof(found));
    copy(found.name, &address->display, '\\');
    copy(found.number, &user, '%');
    if (found.name[0] == '\0' && found.number[0] == '\0') {
        return -1;
    }
    if (begins_with(&host, "anonymous.invalid") || pj_stricmp2(&user, "anonymous") == 0) {
        found.presentation = AST_PARTY_RESTRICTED;
    }
    *id = found;
    return 0;
}

/* RFC 3261 25.1: quoted-string; control characters have no place in it. */
static size_t print_quoted(char *out, size_t at, const char *name)
{
    out[at++] = '"';
    for (; *name != '\0'; ++name) {
        if ((unsigned char)*name < ' ' || *name == 0x7f) {
            continue;
        }
        if (*name == '"' || *name == '\\') {
            out[at++] = '\\';
        }
        out[at++] = *name;
    }
    out[at++] = '"';
    out[at++] = ' ';
    return at;
}

/* RFC 3261 25.1: user */
static size_t print_user(char *out, size_t at, const char *user)
{
    static const char unescaped[] = "-_.!~*'()&=+$,;?/";
    static const char digits[] = "0123456789ABCDEF";

    for (; *user != '\0'; ++user) {
        unsigned char c = (unsigned char)*user;

        if (pj_isalnum(c) || strchr(unescaped, c) != NULL) {
            out[at++] = *user;
        } else {
            out[at++] = '%';
            out[at++] = digits[c >> 4];
            out[at++] = digits[c & 15];
        }
    }
    return at;
}

int ast_sip_address_print(const struct ast_party_id *id, const char *host, char *out, size_t size)
{
    char text[AST_SIP_ADDRESS_SIZE];
    size_t at = 0, length = strlen(host);

    if (length > 255) {
        return -1;
    }
    if (id->name[0] != '\0') {
        at = print_quoted(text, at, id->name);
    }
    memcpy(text + at, "<sip:", 5);
    at += 5;
    if (id->number[0] != '\0') {
        at = print_user(text, at, id->number);
        text[at++] = '@';
    }
    memcpy(text + at, host, length);
    at += length;
    text[at++] = '>';
    text[at++] = '\0';
    if (at > size) {
        return -1;
    }
    memcpy(out, text, at);
    return (int)at - 1;
}
