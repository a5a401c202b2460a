/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: type=registration of pjsip.conf: with whom we register. What is done about it is
 * res_sip's business.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#define REGISTRATION(member) .offset = offsetof(struct sip_registration_config, member)
#define TEXT(option_name, parser, default_value, text)                                             \
    {                                                                                              \
        .name = #option_name, .kind = BASE_OPTION_CUSTOM, REGISTRATION(option_name),               \
        .fallback = default_value, .parse = parser, .release = config_release_text,                \
        .format = config_format_text, .help = text                                                 \
    }
#define NUMBER(option_name, default_value, least, most, text)                                      \
    {                                                                                              \
        .name = #option_name, .kind = BASE_OPTION_UINT, REGISTRATION(option_name),                 \
        .fallback = default_value, .min = least, .max = most, .help = text                         \
    }
#define FLAG(option_name, default_value, text)                                                     \
    {                                                                                              \
        .name = #option_name, .kind = BASE_OPTION_BOOL, REGISTRATION(option_name),                 \
        .fallback = default_value, .help = text                                                    \
    }
#define DAY 86400

/* Header parameters, "a=b;c": nothing that could end the header or begin another Contact. */
static int parse_params(void *object, const struct base_option *option, const char *value,
                        char *why, size_t why_size)
{
    if (strlen(value) > 400 || strpbrk(value, ", \t\r\n")) {
        snprintf(why, why_size, "expected parameters, e.g. reg-id=1\\;q=0.5");
        return -1;
    }
    return config_parse_text(object, option, value, why, why_size);
}

static const struct base_option options[] = {
    CONFIG_TYPE_OPTION,
    TEXT(server_uri, config_parse_sip_uri, NULL,
         "SIP URI of the registrar, e.g. `sip:sip.example.com`. It must be given."),
    TEXT(client_uri, config_parse_sip_uri, NULL,
         "SIP URI that is registered, in From and To. It must be given."),
    TEXT(contact_user, config_parse_user, "s", "User part of the Contact that is registered."),
    TEXT(contact_header_params, parse_params, NULL,
         "Parameters of the Contact header, e.g. `reg-id=1`; separated by `\\;`."),
    {.name = "transport",
     .kind = BASE_OPTION_STRING,
     REGISTRATION(transport),
     .help = "The transport that it goes out by; without it, any that fits."},
    TEXT(outbound_proxy, config_parse_sip_uri, NULL, "SIP URI that it is sent through."),
    {.name = "outbound_auth",
     .kind = BASE_OPTION_STRING,
     REGISTRATION(outbound_auth),
     .help = "Sections of type `auth`, separated by commas, that challenges are answered with."},
    NUMBER(expiration, "3600", 1, 7 * DAY, "Seconds that a registration is asked to last."),
    NUMBER(retry_interval, "60", 0, DAY,
           "Seconds until the next try after a temporary failure; 0: there is none."),
    NUMBER(forbidden_retry_interval, "0", 0, DAY,
           "The same after a 403; 0: as `fatal_retry_interval` says."),
    NUMBER(fatal_retry_interval, "0", 0, DAY,
           "The same after a permanent failure; 0: there is none."),
    NUMBER(max_retries, "10", 0, 1000000, "How many further tries failures are followed by."),
    FLAG(auth_rejection_permanent, "yes",
         "A 401 or 407 that the credentials do not help against is a permanent failure."),
    NUMBER(max_random_initial_delay, "10", 0, DAY,
           "The first REGISTER goes out within as many seconds, by chance."),
    FLAG(line, "no",
         "The Contact gets a token, and requests that come for it are of `endpoint`; it needs "
         "`endpoint`."),
    {.name = "endpoint",
     .kind = BASE_OPTION_STRING,
     REGISTRATION(endpoint),
     .help = "The endpoint of requests that come by `line`."},
    FLAG(support_path, "no", "Say that Path is supported (RFC 3327)."),
    FLAG(support_outbound, "no",
         "Say that outbound is supported (RFC 5626); `reg-id` and `+sip.instance` are "
         "`contact_header_params`."),
    TEXT(user_agent, config_parse_text, NULL,
         "User-Agent of its requests; without it, that of `global`."),
    CONFIG_LATER("security_mechanisms", NULL,
                 "There is no agreement on security mechanisms (RFC 3329)."),
    CONFIG_LATER("security_negotiation", "no",
                 "There is no agreement on security mechanisms (RFC 3329)."),
    {.name = NULL},
};

static const struct base_option_table table = {
    .type = "registration",
    .help = "A registration with somebody else's registrar. See [registration](registration.md).",
    .options = options,
    .object_size = sizeof(struct sip_registration_config),
};

static void add(struct config_reader *reader, const struct config_section *section)
{
    struct sip_registration_config *made = calloc(1, sizeof(*made));
    static const char *const needed[] = {"server_uri", "client_uri"};

    if (!made || base_options_init(&table, made) != 0 || !(made->name = strdup(section->name))) {
        config_error(reader->report, section->file, section->line, "out of memory");
        if (made) {
            base_options_free(&table, made);
        }
        free(made);
        return;
    }
    config_set_options(reader->report, &table, section, made);
    for (size_t i = 0; i < 2; i++) {
        const struct config_line *line = config_section_get(section, needed[i]);

        if (!line || !*line->value) {
            config_error(reader->report, section->file, section->line,
                         "registration '%s' has no %s, expected %s = SIP URI", section->name,
                         needed[i], needed[i]);
        }
    }
    *reader->registrations_end = made;
    reader->registrations_end = &made->next;
}

/* ---- what it refers to ---- */

static void check_name(struct config_reader *reader, const struct config_section *section,
                       const char *option, const struct config_type *type)
{
    const struct config_line *line = config_section_get(section, option);

    if (line && !config_find_object(reader, line->value, type)) {
        config_error(reader->report, line->file, line->line,
                     "there is no %s '%s', expected the name of a section of type=%s", option,
                     line->value, option);
    }
}

static int copy(char **to, const char *from)
{
    return !from || (*to = strdup(from)) ? 0 : -1;
}

/* How the registrar is talked with. 0; -1: no memory. */
static int make_registrar(struct sip_registration_config *made)
{
    made->registrar = ast_sip_endpoint_create(made->name);
    return made->registrar && copy(&made->registrar->transport, made->transport) == 0 &&
                   copy(&made->registrar->contact_user, made->contact_user) == 0 &&
                   copy(&made->registrar->outbound_proxy, made->outbound_proxy) == 0
               ? 0
               : -1;
}

static void check(struct config_reader *reader, const struct config_section *section)
{
    const struct config_line *auth = config_section_get(section, "outbound_auth");
    struct sip_registration_config *made = reader->sip->registrations;

    while (made && strcmp(made->name, section->name) != 0) {
        made = made->next;
    }
    if (!made) { /* no memory, reported */
        return;
    }
    check_name(reader, section, "transport", &config_type_transport);
    check_name(reader, section, "endpoint", &config_type_endpoint);
    if (made->line && !made->endpoint) {
        config_error(reader->report, section->file, section->line,
                     "registration '%s' has a line for no endpoint, expected endpoint = NAME",
                     section->name);
    }
    if (make_registrar(made) != 0) {
        config_error(reader->report, section->file, section->line, "out of memory");
    } else if (auth) {
        config_take_credentials(reader, auth, made->registrar);
    }
}

const struct config_type config_type_registration = {.table = &table, .add = add, .check = check};
