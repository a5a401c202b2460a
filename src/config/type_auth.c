/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: type=auth of pjsip.conf: user names and passwords, for endpoints that name it in
 * outbound_auth. What is done with them is res_sip's business.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define AUTH(member) .offset = offsetof(struct auth, member)
#define MAX_DIGESTS  3

enum auth_type { AUTH_DIGEST, AUTH_USERPASS, AUTH_MD5 };

static const char *const auth_types[] = {"digest", "userpass", "md5", NULL};

/* A section, while it is read. */
struct auth {
    int auth_type;
    char *realm, *username, *password, *md5_cred;
    char *digests[MAX_DIGESTS]; /* by kind of credential, from AST_SIP_CREDENTIAL_MD5 */
};

static const char *const algorithms[MAX_DIGESTS] = {"MD5", "SHA-256", "SHA-512-256"};

static int is_hex(const char *text, size_t digits)
{
    return strlen(text) == digits && strspn(text, "0123456789abcdefABCDEF") == digits;
}

/* HA1 is hashed as it is written: in lower case (RFC 7616 3.4.2). */
static char *copy_hex(const char *text)
{
    char *copy = strdup(text);

    for (char *at = copy; at && *at; at++) {
        *at = (char)(*at >= 'A' && *at <= 'F' ? *at + ('a' - 'A') : *at);
    }
    return copy;
}

static int replace(char **member, char *made, char *why, size_t why_size)
{
    if (!made) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    free(*member);
    *member = made;
    return 0;
}

static int parse_md5(void *object, const struct base_option *option, const char *value, char *why,
                     size_t why_size)
{
    (void)option;
    if (!is_hex(value, 32)) {
        snprintf(why, why_size, "expected 32 hex digits");
        return -1;
    }
    return replace(&((struct auth *)object)->md5_cred, copy_hex(value), why, why_size);
}

static int parse_digest(void *object, const struct base_option *option, const char *value,
                        char *why, size_t why_size)
{
    const char *colon = strchr(value, ':');
    size_t i = 0;

    (void)option;
    while (colon && i < MAX_DIGESTS &&
           (strncasecmp(value, algorithms[i], (size_t)(colon - value)) != 0 ||
            strlen(algorithms[i]) != (size_t)(colon - value))) {
        i++;
    }
    if (!colon || i == MAX_DIGESTS || !is_hex(colon + 1, i == 0 ? 32 : 64)) {
        snprintf(why, why_size,
                 "expected MD5, SHA-256 or SHA-512-256, a colon and the digest in hex digits");
        return -1;
    }
    return replace(&((struct auth *)object)->digests[i], copy_hex(colon + 1), why, why_size);
}

static void release_auth(void *object, const struct base_option *option)
{
    struct auth *auth = object;

    (void)option;
    for (size_t i = 0; i < MAX_DIGESTS; i++) {
        free(auth->digests[i]);
        auth->digests[i] = NULL;
    }
}

static const struct base_option options[] = {
    CONFIG_TYPE_OPTION,
    {.name = "auth_type",
     .kind = BASE_OPTION_ENUM,
     AUTH(auth_type),
     .fallback = "digest",
     .names = auth_types,
     .help = "`userpass`: `password` is used; `md5`: `md5_cred`; `digest`: whatever is there."},
    {.name = "username",
     .kind = BASE_OPTION_STRING,
     AUTH(username),
     .help = "As the peer knows us; the section's name without it."},
    {.name = "password", .kind = BASE_OPTION_STRING, AUTH(password), .help = "The password."},
    {.name = "md5_cred",
     .kind = BASE_OPTION_CUSTOM,
     AUTH(md5_cred),
     .parse = parse_md5,
     .format = config_format_text,
     .release = config_release_text,
     .help = "MD5 of `username:realm:password`, instead of the password."},
    {.name = "password_digest",
     .kind = BASE_OPTION_CUSTOM,
     .parse = parse_digest,
     .release = release_auth,
     .help = "`MD5:`, `SHA-256:` or `SHA-512-256:` and that digest of `username:realm:password`; "
             "may be given several times."},
    {.name = "realm",
     .kind = BASE_OPTION_STRING,
     AUTH(realm),
     .help = "The realm that it is for; without it, every one that no other section names."},
    CONFIG_LATER("nonce_lifetime", "32"),
    CONFIG_LATER("oauth_clientid", NULL),
    CONFIG_LATER("oauth_secret", NULL),
    CONFIG_LATER("refresh_token", NULL),
    CONFIG_LATER("supported_algorithms_uac", NULL),
    CONFIG_LATER("supported_algorithms_uas", NULL),
    {.name = NULL},
};

static const struct base_option_table table = {
    .type = "auth",
    .help = "Credentials, for endpoints whose `outbound_auth` names it.",
    .options = options,
    .object_size = sizeof(struct auth),
};

/* An empty text is none. */
static const char *given(const char *text)
{
    return text && *text ? text : NULL;
}

/* Says what a section lacks. */
static void check_auth(struct config_reader *reader, const struct config_section *section,
                       const struct auth *auth)
{
    int digests = given(auth->md5_cred) || auth->digests[0] || auth->digests[1] || auth->digests[2];
    const char *wanted = NULL;

    if (auth->auth_type == AUTH_MD5 && !given(auth->md5_cred)) {
        wanted = "md5_cred";
    } else if (auth->auth_type == AUTH_USERPASS && !given(auth->password)) {
        wanted = "password";
    } else if (!given(auth->password) && !digests) {
        wanted = "password";
    } else if (!given(auth->realm) &&
               (auth->auth_type == AUTH_MD5 ||
                (auth->auth_type == AUTH_DIGEST && digests && !given(auth->password)))) {
        wanted = "realm"; /* which the digest was made of */
    }
    if (wanted) {
        config_warning(reader->report, section->file, section->line,
                       "auth '%s' has no %s: it gives no credentials", section->name, wanted);
    }
}

static void add(struct config_reader *reader, const struct config_section *section)
{
    struct auth auth = {0};

    if (base_options_init(&table, &auth) != 0) {
        config_error(reader->report, section->file, section->line, "out of memory");
        return;
    }
    config_set_options(reader->report, &table, section, &auth);
    check_auth(reader, section, &auth);
    base_options_free(&table, &auth);
}

/* The credentials that a section gives, behind those that the endpoint has. 0; -1 no memory. */
static int add_credentials(struct ast_sip_endpoint *endpoint, const char *name,
                           const struct auth *auth)
{
    const char *username = given(auth->username) ? auth->username : name;
    const char *realm = given(auth->realm);
    int result = 0;

    if (auth->auth_type != AUTH_MD5 && given(auth->password)) {
        result |= ast_sip_endpoint_add_credential(endpoint, AST_SIP_CREDENTIAL_PASSWORD, realm,
                                                  username, auth->password);
    }
    if (auth->auth_type != AUTH_USERPASS && given(auth->md5_cred) && realm) {
        result |= ast_sip_endpoint_add_credential(endpoint, AST_SIP_CREDENTIAL_MD5, realm, username,
                                                  auth->md5_cred);
    }
    for (int i = 0; auth->auth_type == AUTH_DIGEST && realm && i < MAX_DIGESTS; i++) {
        if (auth->digests[i]) {
            result |= ast_sip_endpoint_add_credential(endpoint,
                                                      (enum ast_sip_credential_kind)(
                                                          AST_SIP_CREDENTIAL_MD5 + i),
                                                      realm, username, auth->digests[i]);
        }
    }
    return result;
}

/* A section that was read before, and is known to be right. */
static int take_section(struct ast_sip_endpoint *endpoint, const struct config_section *section)
{
    const struct config_line *line;
    struct auth auth = {0};
    char why[256];
    int result;

    if (base_options_init(&table, &auth) != 0) {
        return -1;
    }
    for (line = section->lines; line; line = line->next) {
        base_options_set(&table, &auth, line->name, line->value, why, sizeof(why));
    }
    result = add_credentials(endpoint, section->name, &auth);
    base_options_free(&table, &auth);
    return result;
}

void config_take_credentials(struct config_reader *reader, const struct config_line *line,
                             struct ast_sip_endpoint *endpoint)
{
    char *names = strdup(line->value), *rest = names, *name;

    while (names && (name = strsep(&rest, ","))) {
        struct ast_sip_credential **end = &endpoint->credentials;
        const struct config_object *object;

        while (*end) {
            end = &(*end)->next;
        }
        name = config_trim(name);
        object = *name ? config_find_object(reader, name, &config_type_auth) : NULL;
        if (*name && !object) {
            config_error(reader->report, line->file, line->line,
                         "there is no auth '%s', expected the name of a section of type=auth",
                         name);
        } else if (object && take_section(endpoint, object->section) != 0) {
            config_error(reader->report, line->file, line->line, "out of memory");
        } else if (object && !*end) {
            config_error(reader->report, line->file, line->line,
                         "auth '%s' gives no credentials, expected username and password", name);
        }
    }
    free(names);
}

const struct config_type config_type_auth = {.table = &table, .add = add};
