/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: whom a text message goes to: destinations as message.h describes them. Nothing is sent
 * here.
 */
#include <string.h>
#include <strings.h>

#include <sipsession/address.h>
#include <sipsession/log.h>

#include "res_sip/text/text.h"

#define NAME_SIZE 256
#define URI_SIZE  1024

void sip_text_target_free(struct sip_text_target *target)
{
    ast_sip_endpoint_unref(target->endpoint);
    ast_sip_contacts_free(target->contacts);
    memset(target, 0, sizeof(*target));
}

static int begins_with(const char *text, const char *word)
{
    return strncasecmp(text, word, strlen(word)) == 0;
}

/* ---- URIs ---- */

static int is_sip_uri(const char *text)
{
    pj_pool_t *pool = pjsip_endpt_create_pool(sip_endpt, "text", 1000, 1000);
    pjsip_uri *uri = NULL;
    pj_str_t copy;

    if (pool) {
        pj_strdup2_with_null(pool, &copy, text);
        uri = pjsip_parse_uri(pool, copy.ptr, (pj_size_t)copy.slen, 0);
        uri = uri && (PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri)) ? uri : NULL;
        pj_pool_release(pool);
    }
    return uri != NULL;
}

/* The URI of a text that may be a name-addr, or lack its scheme. 0, -1. */
static int read_uri(const char *text, char *uri, size_t size)
{
    pj_str_t rest = {(char *)text, (pj_ssize_t)strlen(text)};
    struct ast_sip_address address = {.uri = rest};
    const char *scheme = "";
    int length;

    if (*text == '<' || *text == '"' || begins_with(text, "sip:") || begins_with(text, "sips:")) {
        if (*text == '<' || *text == '"') {
            if (ast_sip_address_next(&rest, &address) != 1 || rest.slen > 0) {
                return -1;
            }
        }
    } else if (strchr(text, ':') && !strpbrk(text, "@.[")) {
        return -1; /* another scheme: `tel:1` is no host with a port */
    } else {
        scheme = "sip:";
    }
    length = snprintf(uri, size, "%s%.*s", scheme, (int)address.uri.slen, address.uri.ptr);
    return length > 0 && (size_t)length < size && is_sip_uri(uri) ? 0 : -1;
}

/* Takes the endpoint. */
static enum ast_sip_message_result to_uri(struct ast_sip_endpoint *endpoint, const char *text,
                                          struct sip_text_target *target)
{
    char uri[URI_SIZE];

    if (read_uri(text, uri, sizeof(uri)) != 0) {
        ast_warning_limited("A message to '%s': expected a SIP URI", text);
        ast_sip_endpoint_unref(endpoint);
        return AST_SIP_MESSAGE_INVALID_DESTINATION;
    }
    target->contacts = ast_sip_contact_create(uri);
    if (!target->contacts) {
        ast_error_limited("No memory for a message to '%s'", uri);
        ast_sip_endpoint_unref(endpoint);
        return AST_SIP_MESSAGE_FAILED;
    }
    target->endpoint = endpoint;
    return AST_SIP_MESSAGE_SENT;
}

/* A URI of nobody in particular. */
static enum ast_sip_message_result by_default(const char *text, struct sip_text_target *target)
{
    const char *name = sip_get_config()->global.default_outbound_endpoint;
    struct ast_sip_endpoint *endpoint = ast_sip_get_endpoint(name);

    if (!endpoint) {
        ast_warning_limited(
            "A message to '%s': there is no endpoint for it, and none of the name '%s' "
            "(default_outbound_endpoint)",
            text, name);
        return AST_SIP_MESSAGE_INVALID_DESTINATION;
    }
    return to_uri(endpoint, text, target);
}

/* ---- contacts ---- */

static int quality(const struct ast_sip_contact *contact)
{
    return contact->q < 0 ? 1000 : contact->q;
}

/* Copies the contacts of an AOR that can be reached into a list, by q. 0; -1: no memory. */
static int add_contacts(struct ast_sip_contact **list, const char *aor)
{
    const struct ast_sip_contact *contact;

    for (contact = ast_sip_aor_contacts(aor); contact; contact = contact->next) {
        struct ast_sip_contact **at = list, *copy;

        if (contact->state == AST_SIP_CONTACT_UNREACHABLE || ast_sip_contact_expired(contact)) {
            continue;
        }
        copy = ast_sip_contact_copy(contact);
        if (!copy) {
            ast_error_limited("No memory for the contacts of '%s'", aor);
            return -1;
        }
        while (*at && quality(*at) >= quality(copy)) {
            at = &(*at)->next;
        }
        copy->next = *at;
        *at = copy;
    }
    return 0;
}

/* All AORs of the endpoint, or the one of this name. Takes the endpoint. */
static enum ast_sip_message_result to_aors(struct ast_sip_endpoint *endpoint, const char *only,
                                           struct sip_text_target *target)
{
    struct ast_sip_contact *list = NULL;
    const char *rest = endpoint->aors;
    char aor[NAME_SIZE];
    int result = 0;

    while (result == 0 && ast_sip_next_aor_name(&rest, aor, sizeof(aor))) {
        if (!only || strcmp(only, aor) == 0) {
            result = add_contacts(&list, aor);
        }
    }
    if (!list || result != 0) {
        if (result == 0) {
            ast_notice_limited("A message to endpoint '%s': it has no contact that can be reached",
                               endpoint->name);
        }
        ast_sip_contacts_free(list);
        ast_sip_endpoint_unref(endpoint);
        return AST_SIP_MESSAGE_FAILED;
    }
    target->endpoint = endpoint;
    target->contacts = list;
    return AST_SIP_MESSAGE_SENT;
}

static int has_aor(const struct ast_sip_endpoint *endpoint, const char *name)
{
    const char *rest = endpoint->aors;
    char aor[NAME_SIZE];

    while (ast_sip_next_aor_name(&rest, aor, sizeof(aor))) {
        if (strcmp(aor, name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* ---- destinations ---- */

/* The endpoint of a name, or of an AOR's name; a new reference, or NULL. */
static struct ast_sip_endpoint *find_endpoint(const char *text, size_t length)
{
    struct ast_sip_endpoint *endpoint;
    char name[NAME_SIZE];

    if (length == 0 || length >= sizeof(name)) {
        return NULL;
    }
    memcpy(name, text, length);
    name[length] = '\0';
    endpoint = ast_sip_get_endpoint(name);
    return endpoint ? endpoint : ast_sip_get_endpoint_of_aor(name);
}

/* The AOR that a destination names where it is no endpoint: its contacts alone. */
static const char *only_aor(const struct ast_sip_endpoint *endpoint, const char *text,
                            size_t length, char *name, size_t size)
{
    if (strlen(endpoint->name) == length && strncmp(endpoint->name, text, length) == 0) {
        return NULL;
    }
    snprintf(name, size, "%.*s", (int)length, text);
    return name;
}

/* What follows `pjsip:`. */
static enum ast_sip_message_result find_named(const char *text, struct sip_text_target *target)
{
    size_t length = strcspn(text, "/@");
    struct ast_sip_endpoint *endpoint;
    char aor[NAME_SIZE];

    if (begins_with(text, "sip:") || begins_with(text, "sips:") || *text == '<' || *text == '"') {
        return by_default(text, target);
    }
    endpoint = find_endpoint(text, length);
    if (!endpoint && text[length] == '@') {
        return by_default(text, target);
    }
    if (!endpoint) {
        ast_warning_limited("A message to '%s': there is no endpoint '%.*s'", text, (int)length,
                            text);
        return AST_SIP_MESSAGE_INVALID_DESTINATION;
    }
    if (text[length] != '/') {
        return to_aors(endpoint, only_aor(endpoint, text, length, aor, sizeof(aor)), target);
    }
    text += length + 1;
    return has_aor(endpoint, text) ? to_aors(endpoint, text, target)
                                   : to_uri(endpoint, text, target);
}

enum ast_sip_message_result sip_text_find(const char *destination, struct sip_text_target *target)
{
    if (begins_with(destination, "pjsip:")) {
        return find_named(destination + 6, target);
    }
    if (begins_with(destination, "sip:") || begins_with(destination, "sips:")) {
        return by_default(destination, target);
    }
    ast_warning_limited("A message to '%s': expected pjsip:ENDPOINT or sip:USER@HOST", destination);
    return AST_SIP_MESSAGE_INVALID_PROTOCOL;
}
