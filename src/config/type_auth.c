/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: type=auth of pjsip.conf: user names and passwords, for endpoints that name it in auth or
 * outbound_auth. What is done with them is res_sip's business.
 */
#include "config/config.h"
#include "res_sip/auth/auth.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define AUTH(member)   .offset = offsetof(struct auth, member)
#define MAX_DIGESTS    AST_SIP_DIGEST_ALGORITHMS
#define MAX_CHALLENGES 8 /* of one response: it must fit into a datagram */

enum auth_type { AUTH_DIGEST, AUTH_USERPASS, AUTH_MD5 };

static const char *const auth_types[] = {"digest", "userpass", "md5", NULL};

/* A section, while it is read. */
struct auth {
    int auth_type;
    char *realm, *username, *password, *md5_cred;
    char *digests[MAX_DIGESTS]; /* by algorithm */
    unsigned nonce_lifetime;
    unsigned algorithm_count; /* supported_algorithms_uas; 0: it says nothing */
    int algorithms[AST_SIP_DIGEST_ALGORITHMS];
    unsigned uac_algorithm_count; /* supported_algorithms_uac; likewise */
    int uac_algorithms[AST_SIP_DIGEST_ALGORITHMS];
};

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
    int i = colon && colon > value ? sip_digest_find(value, (size_t)(colon - value)) : -1;

    (void)option;
    if (i < 0 || !is_hex(colon + 1, sip_digest_length(i))) {
        snprintf(why, why_size,
                 "expected MD5, SHA-256 or SHA-512-256, a colon and the digest in hex digits");
        return -1;
    }
    return replace(&((struct auth *)object)->digests[i], copy_hex(colon + 1), why, why_size);
}

int config_parse_algorithms(const char *text, int algorithms[AST_SIP_DIGEST_ALGORITHMS],
                            unsigned *count, char *why, size_t why_size)
{
    int found[AST_SIP_DIGEST_ALGORITHMS];
    unsigned used = 0, i;

    while (*text) {
        size_t length;
        int algorithm;

        text += strspn(text, " \t");
        length = strcspn(text, ", \t");
        algorithm = length ? sip_digest_find(text, length) : -1;
        for (i = 0; i < used && found[i] != algorithm; i++) {
        }
        if (algorithm < 0 || i < used) {
            snprintf(why, why_size, "expected a list of MD5, SHA-256, SHA-512-256, each once");
            return -1;
        }
        found[used++] = algorithm;
        text += length;
        text += strspn(text, " \t");
        if (*text == ',') {
            text++;
        } else if (*text) {
            snprintf(why, why_size, "expected commas between the algorithms");
            return -1;
        }
    }
    if (used == 0) {
        snprintf(why, why_size, "expected a list of MD5, SHA-256, SHA-512-256");
        return -1;
    }
    memcpy(algorithms, found, used * sizeof(found[0]));
    *count = used;
    return 0;
}

void config_format_algorithms(const int *algorithms, unsigned count, char *out, size_t size)
{
    size_t used = 0;
    unsigned i;

    out[0] = '\0';
    for (i = 0; i < count && used < size; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? "," : "",
                                 sip_digest_name(algorithms[i]));
    }
}

int config_parse_realm(void *object, const struct base_option *option, const char *value, char *why,
                       size_t why_size)
{
    if (strpbrk(value, "\"\\")) {
        snprintf(why, why_size, "expected text without quotes and backslashes");
        return -1;
    }
    return config_parse_text(object, option, value, why, why_size);
}

/* What stands in quotes in Authorization: PJSIP neither writes nor reads an escaped one. */
static int parse_quoted(void *object, const struct base_option *option, const char *value,
                        char *why, size_t why_size)
{
    return *value ? config_parse_realm(object, option, value, why, why_size) : 0;
}

static int parse_supported(void *object, const struct base_option *option, const char *value,
                           char *why, size_t why_size)
{
    struct auth *auth = object;

    (void)option;
    return *value ? config_parse_algorithms(value, auth->algorithms, &auth->algorithm_count, why,
                                            why_size)
                  : 0;
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

static int parse_uac_algorithms(void *object, const struct base_option *option, const char *value,
                                char *why, size_t why_size)
{
    struct auth *auth = object;

    (void)option;
    return *value ? config_parse_algorithms(value, auth->uac_algorithms, &auth->uac_algorithm_count,
                                            why, why_size)
                  : 0;
}

static void format_uac_algorithms(const void *object, const struct base_option *option, char *out,
                                  size_t size)
{
    const struct auth *auth = object;

    (void)option;
    config_format_algorithms(auth->uac_algorithms, auth->uac_algorithm_count, out, size);
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
     .kind = BASE_OPTION_CUSTOM,
     AUTH(username),
     .parse = parse_quoted,
     .format = config_format_text,
     .release = config_release_text,
     .help = "As the peer knows us, or we know the peer; the section's name without it."},
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
     .kind = BASE_OPTION_CUSTOM,
     AUTH(realm),
     .parse = parse_quoted,
     .format = config_format_text,
     .release = config_release_text,
     .help =
         "The realm that it is for. Without it: of `outbound_auth`, every one that no other section names; "
         "of `auth`, the `default_realm`."},
    {.name = "nonce_lifetime",
     .kind = BASE_OPTION_UINT,
     AUTH(nonce_lifetime),
     .fallback = "32",
     .min = 1,
     .max = 86400,
     .help = "Seconds that a challenge of ours may be answered with; then there is another one."},
    {.name = "supported_algorithms_uas",
     .kind = BASE_OPTION_CUSTOM,
     .parse = parse_supported,
     .help =
         "What our challenges offer, the preferred one first: of `MD5`, `SHA-256` and `SHA-512-256`. Without "
         "it, `default_auth_algorithms_uas`, or those that there are digests of."},
    {.name = "supported_algorithms_uac",
     .kind = BASE_OPTION_CUSTOM,
     .parse = parse_uac_algorithms,
     .format = format_uac_algorithms,
     .help =
         "What the password is used with when challenges are answered, of `MD5`, `SHA-256` and `SHA-512-256`; a digest "
         "is of its own algorithm. Without it, `default_auth_algorithms_uac`."},
    CONFIG_LATER("oauth_clientid", NULL, "There is no OAuth."),
    CONFIG_LATER("oauth_secret", NULL, "There is no OAuth."),
    CONFIG_LATER("refresh_token", NULL, "There is no OAuth."),
    {.name = NULL},
};

static const struct base_option_table table = {
    .type = "auth",
    .help =
        "Credentials, for endpoints whose `auth` (of their requests) or `outbound_auth` (of ours) names it.",
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

/* Reads a section once more. 0; -1 no memory, or it is wrong, which was reported when it was read
 * first. */
static int read_again(struct auth *auth, const struct config_section *section)
{
    const struct config_line *line;
    char why[256];

    if (base_options_init(&table, auth) != 0) {
        return -1;
    }
    for (line = section->lines; line; line = line->next) {
        if (base_options_set(&table, auth, line->name, line->value, why, sizeof(why)) ==
            BASE_OPTION_BAD_VALUE) {
            base_options_free(&table, auth);
            return -1;
        }
    }
    return 0;
}

/* The algorithms that a list names, as bits; 0: it names none. */
static unsigned bits_of(const int *algorithms, unsigned count)
{
    unsigned bits = 0;

    while (count > 0) {
        bits |= 1u << algorithms[--count];
    }
    return bits;
}

static int take_section(const struct sip_global_config *global, struct ast_sip_endpoint *endpoint,
                        const struct config_section *section)
{
    struct ast_sip_credential **end = &endpoint->credentials, *made;
    struct auth auth = {0};
    int result = read_again(&auth, section);

    while (*end) {
        end = &(*end)->next;
    }
    if (result == 0) {
        result = add_credentials(endpoint, section->name, &auth);
        for (made = *end; made; made = made->next) {
            made->algorithms = auth.uac_algorithm_count > 0
                                   ? bits_of(auth.uac_algorithms, auth.uac_algorithm_count)
                                   : bits_of(global->uac_algorithms, global->uac_algorithm_count);
        }
        base_options_free(&table, &auth);
    }
    return result;
}

/* ---- of requests that come in ---- */

/* What a request by an algorithm is checked with; NULL: there is nothing. */
static const char *secret_for(const struct auth *auth, int algorithm,
                              enum ast_sip_credential_kind *kind)
{
    const char *digest = auth->auth_type == AUTH_DIGEST ? given(auth->digests[algorithm]) : NULL;

    if (!digest && algorithm == AST_SIP_DIGEST_MD5 && auth->auth_type != AUTH_USERPASS) {
        digest = given(auth->md5_cred);
    }
    if (digest) {
        *kind = (enum ast_sip_credential_kind)(AST_SIP_CREDENTIAL_MD5 + algorithm);
        return digest;
    }
    *kind = AST_SIP_CREDENTIAL_PASSWORD;
    return auth->auth_type != AUTH_MD5 ? given(auth->password) : NULL;
}

/* 1: a section has what each of the default's algorithms needs. */
static int fits_default(const struct sip_global_config *global, const struct auth *auth)
{
    enum ast_sip_credential_kind kind;
    unsigned i = 0;

    while (i < global->algorithm_count && secret_for(auth, global->algorithms[i], &kind)) {
        i++;
    }
    return i == global->algorithm_count;
}

/* The algorithms that a section offers: it says, or the default says, or its digests say. */
static void choose_algorithms(const struct sip_global_config *global, struct auth *auth)
{
    enum ast_sip_credential_kind kind;
    int i;

    if (auth->algorithm_count > 0) {
        return;
    }
    if (fits_default(global, auth)) {
        memcpy(auth->algorithms, global->algorithms, sizeof(auth->algorithms));
        auth->algorithm_count = global->algorithm_count;
        return;
    }
    for (i = AST_SIP_DIGEST_ALGORITHMS - 1; i >= 0; i--) {
        if (secret_for(auth, i, &kind)) {
            auth->algorithms[auth->algorithm_count++] = i;
        }
    }
}

/* What requests may authenticate themselves with by a section, behind what the endpoint has. */
static void add_auths(struct config_reader *reader, const struct config_line *line,
                      struct ast_sip_endpoint *endpoint, const char *name, struct auth *auth)
{
    const struct sip_global_config *global = &reader->sip->global;
    unsigned i;

    choose_algorithms(global, auth);
    for (i = 0; i < auth->algorithm_count; i++) {
        const struct ast_sip_auth made = {.algorithm = auth->algorithms[i],
                                          .realm = given(auth->realm) ? auth->realm
                                                                      : global->default_realm,
                                          .username =
                                              given(auth->username) ? auth->username : (char *)name,
                                          .nonce_lifetime = auth->nonce_lifetime};
        enum ast_sip_credential_kind kind;
        const char *secret = secret_for(auth, made.algorithm, &kind);

        if (!secret) {
            config_error(reader->report, line->file, line->line,
                         "auth '%s' has neither a password nor a digest for %s, which it offers",
                         name, sip_digest_name(made.algorithm));
        } else if (ast_sip_endpoint_add_auth(endpoint, &made, kind, secret) != 0) {
            config_error(reader->report, line->file, line->line, "out of memory");
        }
    }
}

/* How many challenges there are at most in one response. */
static unsigned count_auths(const struct ast_sip_endpoint *endpoint)
{
    const struct ast_sip_auth *auth;
    unsigned count = 0;

    for (auth = endpoint->auths; auth; auth = auth->next) {
        const struct ast_sip_auth *other = endpoint->auths;

        while (other != auth &&
               (other->algorithm != auth->algorithm || strcmp(other->realm, auth->realm) != 0)) {
            other = other->next;
        }
        count += other == auth;
    }
    return count;
}

static void take_auth(struct config_reader *reader, const struct config_line *line,
                      struct ast_sip_endpoint *endpoint, const char *name)
{
    const struct config_object *object = config_find_object(reader, name, &config_type_auth);
    const struct ast_sip_auth *before = endpoint->auths;
    struct auth auth = {0};

    if (!object) {
        config_error(reader->report, line->file, line->line,
                     "there is no auth '%s', expected the name of a section of type=auth", name);
        return;
    }
    while (before && before->next) {
        before = before->next;
    }
    if (read_again(&auth, object->section) != 0) {
        if (config_report_errors(reader->report) == 0) { /* then it was not wrong */
            config_error(reader->report, line->file, line->line, "out of memory");
        }
        return;
    }
    add_auths(reader, line, endpoint, name, &auth);
    base_options_free(&table, &auth);
    if (before ? !before->next : !endpoint->auths) {
        config_error(reader->report, line->file, line->line,
                     "auth '%s' lets nobody in, expected a password or a digest", name);
    }
}

void config_take_auths(struct config_reader *reader, const struct config_line *line,
                       struct ast_sip_endpoint *endpoint)
{
    char *names = strdup(line->value), *rest = names, *name;

    if (!names) {
        config_error(reader->report, line->file, line->line, "out of memory");
    }
    while (names && (name = strsep(&rest, ","))) {
        name = config_trim(name);
        if (*name) {
            take_auth(reader, line, endpoint, name);
        }
    }
    if (*line->value && names && !endpoint->auths && config_report_errors(reader->report) == 0) {
        config_error(reader->report, line->file, line->line,
                     "'%s' names no section, expected names separated by commas", line->value);
    }
    free(names);
    if (count_auths(endpoint) > MAX_CHALLENGES) {
        config_error(reader->report, line->file, line->line,
                     "%u realms and algorithms, expected at most %d: they would not fit into a "
                     "datagram",
                     count_auths(endpoint), MAX_CHALLENGES);
    }
}

/* ---- of requests of ours ---- */

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
        } else if (object && take_section(&reader->sip->global, endpoint, object->section) != 0) {
            if (config_report_errors(reader->report) == 0) { /* then it was not wrong */
                config_error(reader->report, line->file, line->line, "out of memory");
            }
        } else if (object && !*end) {
            config_error(reader->report, line->file, line->line,
                         "auth '%s' gives no credentials, expected username and password", name);
        }
    }
    free(names);
}

const struct config_type config_type_auth = {.table = &table, .add = add};
