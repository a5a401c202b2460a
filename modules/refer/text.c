/* SPDX-License-Identifier: GPL-2.0-or-later */
/* refer: sipfrag, Event, Subscription-State, Refer-Sub. See text.h. */
#include "text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void refer_status_set(struct refer_status *status, int code, const char *reason, size_t length)
{
    size_t at = 0;

    status->code = code;
    for (size_t i = 0; i < length && at + 1 < sizeof(status->reason); ++i) {
        if ((unsigned char)reason[i] >= ' ' && (unsigned char)reason[i] < 0x7f) {
            status->reason[at++] = reason[i];
        }
    }
    status->reason[at] = '\0';
}

int refer_sipfrag_parse(const char *body, size_t length, struct refer_status *status)
{
    static const char version[] = "SIP/2.0 ";
    const size_t prefix = sizeof(version) - 1;
    const char *end;
    int code;

    while (length > 0 && (*body == '\r' || *body == '\n')) {
        ++body;
        --length;
    }
    if (length < prefix + 3 || strncasecmp(body, version, prefix) != 0) {
        return -1;
    }
    body += prefix;
    length -= prefix;
    if (!isdigit((unsigned char)body[0]) || !isdigit((unsigned char)body[1]) ||
        !isdigit((unsigned char)body[2]) || (length > 3 && strchr(" \r\n", body[3]) == NULL)) {
        return -1;
    }
    code = (body[0] - '0') * 100 + (body[1] - '0') * 10 + (body[2] - '0');
    if (code < 100 || code > 699) {
        return -1;
    }
    body += 3;
    length -= 3;
    if (length > 0 && *body == ' ') {
        ++body;
        --length;
    }
    for (end = body; length > 0 && *end != '\r' && *end != '\n'; ++end) {
        --length;
    }
    refer_status_set(status, code, body, (size_t)(end - body));
    return 0;
}

/* ---- values with parameters ---- */

/* The token at the beginning; the place behind it and blanks. NULL: none, or it does not fit. */
static const char *take_token(const char *at, char *out, size_t size)
{
    size_t length;

    at += strspn(at, " \t");
    length = strcspn(at, " \t;=,\"<>");
    if (length == 0 || length >= size) {
        return NULL;
    }
    memcpy(out, at, length);
    out[length] = '\0';
    at += length;
    return at + strspn(at, " \t");
}

/*
 * The next parameter, at its semicolon. The place behind it; NULL: it is broken. A value that is
 * quoted or too long counts as "".
 */
static const char *take_parameter(const char *at, char *name, size_t name_size, char *value,
                                  size_t value_size)
{
    value[0] = '\0';
    if (*at != ';' || (at = take_token(at + 1, name, name_size)) == NULL) {
        return NULL;
    }
    if (*at != '=') {
        return at;
    }
    at += 1 + strspn(at + 1, " \t");
    if (*at != '"') {
        const char *behind = take_token(at, value, value_size);

        return behind != NULL ? behind : at + strcspn(at, ";,");
    }
    for (++at; *at != '"'; ++at) {
        if (*at == '\0' || (*at == '\\' && *++at == '\0')) {
            return NULL;
        }
    }
    ++at;
    return at + strspn(at, " \t");
}

int refer_number(const char *text, unsigned *number)
{
    unsigned found = 0;

    if (*text == '\0') {
        return -1;
    }
    for (; *text != '\0'; ++text) {
        if (!isdigit((unsigned char)*text)) {
            return -1;
        }
        found = found > 214748363 ? 2147483647 : found * 10 + (unsigned)(*text - '0');
    }
    *number = found;
    return 0;
}

int refer_event_parse(const char *value, struct refer_event *event)
{
    struct refer_event found = {0, 0};
    char package[32], name[32], text[64];
    const char *at = take_token(value, package, sizeof(package));

    if (at == NULL) {
        return *value != '\0' && strcspn(value, " \t;") >= sizeof(package) ? 1 : -1;
    }
    if (strcasecmp(package, "refer") != 0) {
        return 1;
    }
    while (*at != '\0') {
        at = take_parameter(at, name, sizeof(name), text, sizeof(text));
        if (at == NULL) {
            return -1;
        }
        if (strcasecmp(name, "id") == 0) {
            found.has_id = 1;
            if (refer_number(text, &found.id) != 0) {
                found.id = 0; /* no CSeq of ours: it matches nothing */
            }
        }
    }
    *event = found;
    return 0;
}

int refer_state_parse(const char *value, struct refer_state *state)
{
    struct refer_state found = {0, 0, 0};
    char name[32], text[64];
    const char *at = take_token(value, name, sizeof(name));

    if (at == NULL) {
        return -1;
    }
    found.terminated = strcasecmp(name, "terminated") == 0;
    while (*at != '\0') {
        at = take_parameter(at, name, sizeof(name), text, sizeof(text));
        if (at == NULL) {
            return -1;
        }
        if (strcasecmp(name, "expires") == 0 && refer_number(text, &found.expires) == 0) {
            found.has_expires = 1;
            found.expires = found.expires > 86400 ? 86400 : found.expires;
        }
    }
    *state = found;
    return 0;
}

int refer_sub_parse(const char *value)
{
    char word[8];
    const char *at = take_token(value, word, sizeof(word));

    if (at == NULL || (*at != '\0' && *at != ';')) {
        return -1;
    }
    if (strcasecmp(word, "true") == 0) {
        return 1;
    }
    return strcasecmp(word, "false") == 0 ? 0 : -1;
}
