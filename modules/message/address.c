/* SPDX-License-Identifier: GPL-2.0-or-later */
/* message: arguments of MessageSend and MESSAGE(from): addresses as people write them. */
#include <stdio.h>
#include <string.h>

#include <sipsession/address.h>

#include "message.h"

/* The host of a sip or sips URI, with its port. 0; -1: it does not fit. */
static int copy_host(const pj_str_t *uri, char *host, size_t size)
{
    const char *at = memchr(uri->ptr, ':', (size_t)uri->slen), *end = uri->ptr + uri->slen;
    const char *user;
    size_t length = 0;

    host[0] = '\0';
    if (at == NULL || pj_strnicmp2(uri, "sip", 3) != 0) {
        return 0; /* tel */
    }
    ++at;
    user = memchr(at, '@', (size_t)(end - at));
    at = user != NULL ? user + 1 : at;
    while (at + length < end && strchr(";?", at[length]) == NULL) {
        ++length;
    }
    if (length >= size) {
        return -1;
    }
    memcpy(host, at, length);
    host[length] = '\0';
    return 0;
}

/* A user alone. */
static int is_user(const char *text)
{
    return text[0] != '\0' && strlen(text) < AST_PARTY_TEXT_SIZE &&
           strpbrk(text, " \t\r\n<>\"@:;,") == NULL;
}

int message_parse_from(const char *text, struct ast_party_id *id, char *host, size_t size)
{
    pj_str_t rest = {(char *)text, (pj_ssize_t)strlen(text)};
    struct ast_sip_address address;
    struct ast_party_id found;
    char found_host[MESSAGE_HOST_SIZE];

    if (is_user(text)) {
        memset(id, 0, sizeof(*id));
        memcpy(id->number, text, strlen(text) + 1);
        host[0] = '\0';
        return 0;
    }
    if (ast_sip_address_next(&rest, &address) != 1 || rest.slen > 0 ||
        ast_sip_address_party(&address, &found) != 0 ||
        copy_host(&address.uri, found_host, sizeof(found_host)) != 0 ||
        strlen(found_host) >= size) {
        return -1;
    }
    *id = found;
    memcpy(host, found_host, strlen(found_host) + 1);
    return 0;
}

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, " \t");
    length = strlen(text);
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        text[--length] = '\0';
    }
    return text;
}

/* The comma that ends a part, or the end. */
static char *part_end(char *text)
{
    int quoted = 0, bracketed = 0;

    for (; *text != '\0'; ++text) {
        if (quoted && *text == '\\' && text[1] != '\0') {
            ++text;
        } else if (*text == '"') {
            quoted = !quoted;
        } else if (!quoted && (*text == '<' || *text == '>')) {
            bracketed = *text == '<';
        } else if (*text == ',' && !quoted && !bracketed) {
            return text;
        }
    }
    return text;
}

int message_split(char *text, char **parts, unsigned most)
{
    for (unsigned i = 0; i < most; ++i) {
        char *end = part_end(text);
        int last = *end == '\0';

        *end = '\0';
        parts[i] = trim(text);
        text = last ? end : end + 1;
    }
    return *text == '\0' ? 0 : -1;
}
