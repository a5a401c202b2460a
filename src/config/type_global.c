/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: type=global and type=system of pjsip.conf. Both fill the one struct sip_global_config,
 * which sip_config_create has put at its defaults.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define GLOBAL(member) .offset = offsetof(struct sip_global_config, member)

/* Identifiers that res_sip has itself; a module may bring others. */
static int parse_uac_algorithms(void *object, const struct base_option *option, const char *value,
                                char *why, size_t why_size)
{
    struct sip_global_config *global = object;

    (void)option;
    return config_parse_algorithms(value, global->uac_algorithms, &global->uac_algorithm_count, why,
                                   why_size);
}

static void format_uac_algorithms(const void *object, const struct base_option *option, char *out,
                                  size_t size)
{
    const struct sip_global_config *global = object;

    (void)option;
    config_format_algorithms(global->uac_algorithms, global->uac_algorithm_count, out, size);
}

static const char *const identifiers[] = {"ip",     "username",      "anonymous",
                                          "header", "auth_username", "request_uri"};
#define IDENTIFIERS (sizeof(identifiers) / sizeof(identifiers[0]))

static int is_one_of(const char *const *names, size_t count, const char *name)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (strcasecmp(names[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* 1 with why: a name of the list is no identifier of ours. -1: the list is none. */
static int look_at_order(char *list, char *why, size_t why_size)
{
    char *name;
    int result = 0;

    while ((name = strsep(&list, ","))) {
        name = config_trim(name);
        if (!*name || strpbrk(name, " \t")) {
            snprintf(why, why_size, "expected names of identifiers, separated by commas");
            return -1;
        }
        if (!is_one_of(identifiers, IDENTIFIERS, name)) {
            const char *nearest = base_nearest_name(name, identifiers, IDENTIFIERS);

            snprintf(why, why_size, "'%s' has an effect only when a module brings it%s%s%s", name,
                     nearest ? "; the nearest known name is '" : "", nearest ? nearest : "",
                     nearest ? "'" : "");
            result = 1;
        }
    }
    return result;
}

static int parse_order(void *object, const struct base_option *option, const char *value, char *why,
                       size_t why_size)
{
    struct sip_global_config *global = object;
    char *copy = strdup(value), *scratch = strdup(value);
    int result;

    (void)option;
    if (!copy || !scratch) {
        snprintf(why, why_size, "out of memory");
        result = -1;
    } else {
        result = look_at_order(scratch, why, why_size);
    }
    free(scratch);
    if (result < 0) {
        free(copy);
        return -1;
    }
    free(global->endpoint_identifier_order);
    global->endpoint_identifier_order = copy;
    return result;
}

static void format_order(const void *object, const struct base_option *option, char *out,
                         size_t size)
{
    const struct sip_global_config *global = object;

    (void)option;
    snprintf(out, size, "%s", global->endpoint_identifier_order);
}

static void release_order(void *object, const struct base_option *option)
{
    struct sip_global_config *global = object;

    (void)option;
    free(global->endpoint_identifier_order);
    global->endpoint_identifier_order = NULL;
}

static int parse_algorithms(void *object, const struct base_option *option, const char *value,
                            char *why, size_t why_size)
{
    struct sip_global_config *global = object;

    (void)option;
    return config_parse_algorithms(value, global->algorithms, &global->algorithm_count, why,
                                   why_size);
}

static void format_algorithms(const void *object, const struct base_option *option, char *out,
                              size_t size)
{
    const struct sip_global_config *global = object;

    (void)option;
    config_format_algorithms(global->algorithms, global->algorithm_count, out, size);
}

#define FLAG(option_name, member, default_value, text)                                             \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_BOOL, GLOBAL(member), .fallback = default_value,  \
        .help = text                                                                               \
    }
#define SECONDS(option_name, member, default_value, text)                                          \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_UINT, GLOBAL(member), .fallback = default_value,  \
        .max = 86400, .help = text                                                                 \
    }

static const struct base_option global_options[] = {
    CONFIG_TYPE_OPTION,
    {.name = "user_agent",
     .kind = BASE_OPTION_STRING,
     GLOBAL(user_agent),
     .fallback = "sipsession",
     .elsewhere = "Asterisk <Asterisk Version>",
     .help = "What User-Agent and Server say; empty: neither is sent."},
    {.name = "default_realm",
     .kind = BASE_OPTION_CUSTOM,
     GLOBAL(default_realm),
     .fallback = "sipsession",
     .elsewhere = "asterisk",
     .parse = config_parse_realm,
     .format = config_format_text,
     .release = config_release_text,
     .help = "The realm of challenges, where a section of type `auth` says no other."},
    {.name = "default_auth_algorithms_uas",
     .kind = BASE_OPTION_CUSTOM,
     .fallback = "MD5",
     .elsewhere = "no",
     .parse = parse_algorithms,
     .format = format_algorithms,
     .help =
         "What challenges offer where a section of type `auth` says nothing else: of `MD5`, `SHA-256` "
         "and `SHA-512-256`, the preferred one first (RFC 8760)."},
    {.name = "default_auth_algorithms_uac",
     .kind = BASE_OPTION_CUSTOM,
     .elsewhere = "no",
     .parse = parse_uac_algorithms,
     .format = format_uac_algorithms,
     .help =
         "What passwords of `outbound_auth` are used with, where a section of type `auth` says nothing else: of `MD5`, "
         "`SHA-256` and `SHA-512-256`. Without it, all; of a response's challenges the first is answered (RFC 8760)."},
    {.name = "default_from_user",
     .kind = BASE_OPTION_STRING,
     GLOBAL(default_from_user),
     .fallback = "sipsession",
     .elsewhere = "asterisk",
     .help = "User part of From in requests outside of calls, where the endpoint has no "
             "`from_user`."},
    {.name = "default_outbound_endpoint",
     .kind = BASE_OPTION_STRING,
     GLOBAL(default_outbound_endpoint),
     .fallback = "default_outbound_endpoint",
     .help = "The endpoint whose settings hold for messages to URIs of nobody in particular. See "
             "[message](modules/message.md)."},
    {.name = "endpoint_identifier_order",
     .kind = BASE_OPTION_CUSTOM,
     GLOBAL(endpoint_identifier_order),
     .fallback = "ip,username,anonymous",
     .parse = parse_order,
     .release = release_order,
     .format = format_order,
     .help =
         "Who is asked first which endpoint a request comes from, of `ip`, `username`, `auth_username`, `header`, "
         "`request_uri`, `anonymous`; those that are not named come last."},
    {.name = "max_forwards",
     .kind = BASE_OPTION_UINT,
     GLOBAL(max_forwards),
     .fallback = "70",
     .min = 1,
     .max = 255,
     .help = "Max-Forwards of our requests."},
    {.name = "keep_alive_interval",
     .kind = BASE_OPTION_UINT,
     GLOBAL(keep_alive_interval),
     .fallback = "90",
     .min = 0,
     .max = 86400,
     .help = "Seconds between keep-alives on TCP connections; 0: none."},
    {.name = "debug",
     .kind = BASE_OPTION_BOOL,
     GLOBAL(debug),
     .fallback = "no",
     .help = "Log every SIP message."},
    FLAG(
        "ignore_uri_user_options", shared.ignore_uri_user_options, "no",
        "In the user part of a URI, what follows a `;` (`100;phone-context=x`) is no part of the name of an "
        "extension, an endpoint or an aor."),
    FLAG(
        "use_callerid_contact", use_callerid_contact, "no",
        "The Contact of calls that we make has the caller's number as its user part, where the endpoint has no "
        "`contact_user`."),
    FLAG(
        "allow_sending_180_after_183", shared.allow_sending_180_after_183, "no",
        "`Ringing()` after `Progress()` sends 180, which takes early media away again; without it, it is not sent."),
    FLAG(
        "disable_multi_domain", disable_multi_domain, "no",
        "The identifier `username` does not look for an endpoint `user@domain` first, nor for a `domain_alias`."),
    FLAG(
        "norefersub", shared.norefersub, "yes",
        "Say in Supported that a REFER without a subscription is understood (`norefersub`, RFC 4488)."),
    SECONDS(
        "max_initial_qualify_time", shared.max_initial_qualify_time, "0",
        "Contacts are first qualified within so many seconds, by chance, and within `qualify_frequency`; 0: within "
        "one."),
    {.name = "contact_expiration_check_interval",
     .kind = BASE_OPTION_UINT,
     GLOBAL(shared.contact_expiration_check_interval),
     .fallback = "30",
     .min = 1,
     .max = 86400,
     .help =
         "How often contacts that have expired are taken off the disk, in s; nobody is called by them in between."},
    {.name = "unidentified_request_count",
     .kind = BASE_OPTION_UINT,
     GLOBAL(unidentified_request_count),
     .fallback = "5",
     .max = 1000000,
     .help = "How many requests of nobody we know one address may send within "
             "`unidentified_request_period`; the next one is told as an event. 0: none is. See "
             "[security](security.md)."},
    {.name = "unidentified_request_period",
     .kind = BASE_OPTION_UINT,
     GLOBAL(unidentified_request_period),
     .fallback = "5",
     .min = 1,
     .max = 86400,
     .help = "Seconds that they are counted for."},
    {.name = "regcontext",
     .kind = BASE_OPTION_STRING,
     GLOBAL(shared.regcontext),
     .help =
         "A context of `extensions.conf` in which there is an extension of the name of each aor that "
         "somebody is registered for: `NoOp` at priority 1, where the file has nothing better; the "
         "next priorities are the file's. No 484 comes of it (`allow_overlap`)."},
    {.name = "all_codecs_on_empty_reinvite",
     .kind = BASE_OPTION_BOOL,
     GLOBAL(shared.all_codecs_on_empty_reinvite),
     .fallback = "yes",
     .elsewhere = "no",
     .help =
         "The offer in the answer to a re-INVITE without one has all codecs of `allow`, the one in use "
         "first (RFC 3261 14.2); `no`: the one in use alone."},
    CONFIG_LATER("default_voicemail_extension", NULL,
                 "There is no message waiting indication (RFC 3842)."),
    CONFIG_LATER("mwi_disable_initial_unsolicited", "no",
                 "There is no message waiting indication (RFC 3842)."),
    CONFIG_LATER("mwi_tps_queue_high", "500", "There is no message waiting indication (RFC 3842)."),
    CONFIG_LATER("mwi_tps_queue_low", "-1", "There is no message waiting indication (RFC 3842)."),
    CONFIG_LATER("send_contact_status_on_update_registration", "no",
                 "There are no manager events; the log says what becomes of contacts."),
    CONFIG_LATER("taskprocessor_overload_trigger", "global",
                 "There is one SIP thread, and nothing to tune about it."),
    CONFIG_LATER(
        "unidentified_request_prune_interval", "30",
        "Sources are counted in a table of fixed size that forgets the oldest: there is nothing to prune."),
    {.name = NULL},
};

static const struct base_option_table global_table = {
    .type = "global",
    .help = "What concerns all of SIP.",
    .options = global_options,
    .object_size = sizeof(struct sip_global_config),
};

static const struct base_option system_options[] = {
    CONFIG_TYPE_OPTION,
    {.name = "timer_t1",
     .kind = BASE_OPTION_UINT,
     GLOBAL(timer_t1),
     .fallback = "500",
     .min = 100,
     .max = 10000,
     .help = "T1 of RFC 3261 17 in ms: how long a round trip is thought to take."},
    {.name = "timer_b",
     .kind = BASE_OPTION_UINT,
     GLOBAL(timer_b),
     .fallback = "32000",
     .min = 1000,
     .max = 600000,
     .help = "Timer B in ms: how long a request waits for an answer. 64 times `timer_t1` or more."},
    {.name = "compact_headers",
     .kind = BASE_OPTION_BOOL,
     GLOBAL(compact_headers),
     .fallback = "no",
     .help = "Write header names in their short form (RFC 3261 7.3.3)."},
    {.name = "disable_rport",
     .kind = BASE_OPTION_BOOL,
     GLOBAL(disable_rport),
     .fallback = "no",
     .help = "Do not ask for the port that our requests came from (RFC 3581)."},
    {.name = "disable_tcp_switch",
     .kind = BASE_OPTION_BOOL,
     GLOBAL(disable_tcp_switch),
     .fallback = "yes",
     .help = "Send long requests over UDP too (RFC 3261 18.1.1 asks for TCP)."},
    CONFIG_LATER("accept_multiple_sdp_answers", "no",
                 "Each fork of a call has an early dialog of its own, with its own SDP."),
    CONFIG_LATER("follow_early_media_fork", "yes",
                 "Each fork of a call has an early dialog of its own, with its own SDP."),
    /* There is one SIP thread, and nothing to tune about it. */
    CONFIG_LATER("taskpool_auto_increment", "1",
                 "There is one SIP thread, and nothing to tune about it."),
    CONFIG_LATER("taskpool_idle_timeout", "60",
                 "There is one SIP thread, and nothing to tune about it."),
    CONFIG_LATER("taskpool_initial_size", "4",
                 "There is one SIP thread, and nothing to tune about it."),
    CONFIG_LATER("taskpool_max_size", "50",
                 "There is one SIP thread, and nothing to tune about it."),
    CONFIG_LATER("taskpool_minimum_size", "4",
                 "There is one SIP thread, and nothing to tune about it."),
    CONFIG_LATER("threadpool_auto_increment", "1",
                 "There is one SIP thread, and nothing to tune about it."),
    CONFIG_LATER("threadpool_idle_timeout", "60",
                 "There is one SIP thread, and nothing to tune about it."),
    CONFIG_LATER("threadpool_initial_size", "4",
                 "There is one SIP thread, and nothing to tune about it."),
    CONFIG_LATER("threadpool_max_size", "50",
                 "There is one SIP thread, and nothing to tune about it."),
    {.name = NULL},
};

static const struct base_option_table system_table = {
    .type = "system",
    .help = "What concerns the stack below.",
    .options = system_options,
    .object_size = sizeof(struct sip_global_config),
};

static void add_global(struct config_reader *reader, const struct config_section *section)
{
    config_set_options(reader->report, &global_table, section, &reader->sip->global);
}

static void add_system(struct config_reader *reader, const struct config_section *section)
{
    const struct sip_global_config *global = &reader->sip->global;

    config_set_options(reader->report, &system_table, section, &reader->sip->global);
    if (global->timer_b < 64 * global->timer_t1) {
        config_warning(
            reader->report, section->file, section->line,
            "timer_b (%u) is less than 64 times timer_t1 (%u), expected at least %u (RFC 3261 17.1.1.2)",
            global->timer_b, global->timer_t1, 64 * global->timer_t1);
    }
}

static void check_global(struct config_reader *reader, const struct config_section *section)
{
    const struct config_line *line = config_section_get(section, "regcontext");

    if (line && *line->value && reader->pbx && !pbx_find_context(reader->pbx, line->value)) {
        config_warning(reader->report, line->file, line->line,
                       "extensions.conf has no context '%s': nobody finds what is in it",
                       line->value);
    }
}

const struct config_type config_type_global = {.table = &global_table,
                                               .implied_by = "global",
                                               .add = add_global,
                                               .check = check_global,
                                               .single = 1};
const struct config_type config_type_system = {.table = &system_table,
                                               .implied_by = "system",
                                               .add = add_system,
                                               .single = 1};
