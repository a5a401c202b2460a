/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: type=identify of pjsip.conf: which addresses, headers and request URIs are whose.
 */
#include "config/config.h"
#include "res_sip/identify/identify.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* A host name (RFC 1123 2.1); what ends with figures is an address, or was to be one (RFC 3696 2).
 */
static int is_name(const char *text)
{
    const char *label = text;
    int figures = 1;

    if (strlen(text) > 253) {
        return 0;
    }
    for (; *text; text++) {
        if (*text == '.') {
            if (text == label || text[-1] == '-') {
                return 0;
            }
            label = text + 1;
            figures = 1;
        } else if (!isalnum((unsigned char)*text) && *text != '_' &&
                   (*text != '-' || text == label)) {
            return 0;
        } else {
            figures &= *text >= '0' && *text <= '9';
        }
    }
    return !figures && text[-1] != '-';
}

/* 0; -1 with why. */
static int add_name(struct sip_identify_config *identify, const char *name, char *why,
                    size_t why_size)
{
    char **grown = realloc(identify->names, (identify->name_count + 1) * sizeof(*grown));
    char *copy = strdup(name);

    if (grown) {
        identify->names = grown;
    }
    if (!grown || !copy) {
        free(copy);
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    identify->names[identify->name_count++] = copy;
    return 0;
}

static void drop_names(struct sip_identify_config *identify, unsigned left)
{
    while (identify->name_count > left) {
        free(identify->names[--identify->name_count]);
    }
}

static int add_match(struct sip_identify_config *identify, const char *text, char *why,
                     size_t why_size)
{
    struct sip_network network;

    if (is_name(text)) {
        return add_name(identify, text, why, why_size);
    }
    if (config_parse_network(text, &network) != 0) {
        snprintf(why, why_size,
                 "expected IP addresses, networks or host names, e.g. 192.0.2.0/24, not '%s'",
                 text);
        return -1;
    }
    return config_parse_networks(text, &identify->match, &identify->match_count, why, why_size);
}

/* Addresses, networks and names, separated by commas; every line adds to the ones before. */
static int parse_match(void *object, const struct base_option *option, const char *value, char *why,
                       size_t why_size)
{
    struct sip_identify_config *identify = object;
    unsigned networks = identify->match_count, names = identify->name_count;
    char *copy = strdup(value), *rest = copy, *text;
    int result = copy ? 0 : -1;

    (void)option;
    if (!copy) {
        snprintf(why, why_size, "out of memory");
    }
    while (result == 0 && (text = strsep(&rest, ","))) {
        result = add_match(identify, config_trim(text), why, why_size);
    }
    free(copy);
    if (result != 0) {
        identify->match_count = networks;
        drop_names(identify, names);
    }
    return result;
}

static void release_match(void *object, const struct base_option *option)
{
    struct sip_identify_config *identify = object;

    (void)option;
    drop_names(identify, 0);
    free(identify->names);
    identify->names = NULL;
    free(identify->match);
    identify->match = NULL;
    identify->match_count = 0;
}

static void format_match(const void *object, const struct base_option *option, char *out,
                         size_t size)
{
    const struct sip_identify_config *identify = object;
    size_t used;
    unsigned i;

    (void)option;
    config_format_networks(identify->match, identify->match_count, out, size);
    used = strlen(out);
    for (i = 0; i < identify->name_count && used < size; i++) {
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", used ? "," : "", identify->names[i]);
    }
}

/* A text to be the same, or a regular expression between slashes. 0; -1 with why. */
static int check_value(const char *value, char *why, size_t why_size)
{
    char text[2048], error[128];
    regex_t regex;
    int status;

    if (!sip_match_is_regex(value, text, sizeof(text))) {
        return 0;
    }
    status = regcomp(&regex, text, REG_EXTENDED | REG_NOSUB);
    if (status == 0) {
        regfree(&regex);
        return 0;
    }
    regerror(status, &regex, error, sizeof(error));
    snprintf(why, why_size, "expected a regular expression between the slashes: %s", error);
    return -1;
}

static int parse_header(void *object, const struct base_option *option, const char *value,
                        char *why, size_t why_size)
{
    const char *colon = strchr(value, ':');
    size_t length = colon ? (size_t)(colon - value) : 0;

    if (length == 0 || strcspn(value, " \t") < length - 1 || !colon[1 + strspn(colon + 1, " \t")]) {
        snprintf(why, why_size, "expected a header, a colon and a value, e.g. X-Trunk: berlin");
        return -1;
    }
    return check_value(colon + 1 + strspn(colon + 1, " \t"), why, why_size) == 0
               ? config_parse_text(object, option, value, why, why_size)
               : -1;
}

static int parse_request_uri(void *object, const struct base_option *option, const char *value,
                             char *why, size_t why_size)
{
    return check_value(value, why, why_size) == 0
               ? config_parse_text(object, option, value, why, why_size)
               : -1;
}

static const struct base_option options[] = {
    CONFIG_TYPE_OPTION,
    {.name = "endpoint",
     .kind = BASE_OPTION_STRING,
     .offset = offsetof(struct sip_identify_config, endpoint),
     .help = "The endpoint that requests from there come from. It must be given."},
    {.name = "match",
     .kind = BASE_OPTION_CUSTOM,
     .parse = parse_match,
     .release = release_match,
     .format = format_match,
     .help =
         "IP addresses, networks (`192.0.2.0/24`) and host names, separated by commas; may be given several "
         "times. The longest prefix wins. Names are looked up at the start, and again when their time to live "
         "is over; until then, and when there is no such name, they match nobody."},
    {.name = "srv_lookups",
     .kind = BASE_OPTION_BOOL,
     .offset = offsetof(struct sip_identify_config, srv_lookups),
     .fallback = "yes",
     .help =
         "Of a host name in `match`, the servers that its SRV records name match (those of "
         "`_sip._udp`, `_sip._tcp`, `_sips._tcp`); its own addresses only where there are none."},
    {.name = "match_header",
     .kind = BASE_OPTION_CUSTOM,
     .offset = offsetof(struct sip_identify_config, match_header),
     .parse = parse_header,
     .release = config_release_text,
     .format = config_format_text,
     .help =
         "`Name: value` of a header, or `Name: /regular expression/`; for the identifier `header`."},
    {.name = "match_request_uri",
     .kind = BASE_OPTION_CUSTOM,
     .offset = offsetof(struct sip_identify_config, match_request_uri),
     .parse = parse_request_uri,
     .release = config_release_text,
     .format = config_format_text,
     .help = "The request URI, or `/regular expression/`; for the identifier `request_uri`."},
    {.name = NULL},
};

static const struct base_option_table table = {
    .type = "identify",
    .help =
        "Which endpoint a request comes from, by the address that sent it, a header, or its request URI.",
    .options = options,
    .object_size = sizeof(struct sip_identify_config),
};

static void add(struct config_reader *reader, const struct config_section *section)
{
    struct sip_identify_config *identify = calloc(1, sizeof(*identify));

    if (!identify || base_options_init(&table, identify) != 0 ||
        !(identify->name = strdup(section->name))) {
        config_error(reader->report, section->file, section->line, "out of memory");
        free(identify);
        return;
    }
    config_set_options(reader->report, &table, section, identify);
    if (!config_section_get(section, "endpoint")) {
        config_error(reader->report, section->file, section->line,
                     "identify '%s' names no endpoint, expected endpoint = NAME", section->name);
    }
    if (!config_section_get(section, "match") && !config_section_get(section, "match_header") &&
        !config_section_get(section, "match_request_uri")) {
        config_error(reader->report, section->file, section->line,
                     "identify '%s' matches nothing, expected match = ADDRESS", section->name);
    }
    *reader->identifies_end = identify;
    reader->identifies_end = &identify->next;
}

static void check(struct config_reader *reader, const struct config_section *section)
{
    const struct config_line *line = config_section_get(section, "endpoint");

    if (line && !config_find_object(reader, line->value, &config_type_endpoint)) {
        config_error(reader->report, line->file, line->line,
                     "there is no endpoint '%s', expected the name of a section of type=endpoint",
                     line->value);
    }
}

const struct config_type config_type_identify = {.table = &table, .add = add, .check = check};
