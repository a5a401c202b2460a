/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: type=identify of pjsip.conf: which addresses are whose.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

static int add_network(struct sip_identify_config *identify, const struct sip_network *network)
{
    struct sip_network *grown =
        realloc(identify->match, (identify->match_count + 1) * sizeof(*grown));

    if (!grown) {
        return -1;
    }
    grown[identify->match_count++] = *network;
    identify->match = grown;
    return 0;
}

/* Addresses and networks, separated by commas; every line adds to the ones before. */
static int parse_match(void *object, const struct base_option *option, const char *value, char *why,
                       size_t why_size)
{
    struct sip_identify_config *identify = object;
    unsigned before = identify->match_count;
    char *copy = strdup(value), *rest = copy, *text;

    (void)option;
    if (!copy) {
        goto no_memory;
    }
    while ((text = strsep(&rest, ","))) {
        struct sip_network network;

        text = config_trim(text);
        if (config_parse_network(text, &network) != 0) {
            snprintf(
                why, why_size,
                "expected IP addresses or networks, e.g. 192.0.2.0/24, not '%s'; names are not looked up",
                text);
            identify->match_count = before;
            free(copy);
            return -1;
        }
        if (add_network(identify, &network) != 0) {
            goto no_memory;
        }
    }
    free(copy);
    return 0;
no_memory:
    snprintf(why, why_size, "out of memory");
    identify->match_count = before;
    free(copy);
    return -1;
}

static void release_match(void *object, const struct base_option *option)
{
    struct sip_identify_config *identify = object;

    (void)option;
    free(identify->match);
    identify->match = NULL;
    identify->match_count = 0;
}

static void format_match(const void *object, const struct base_option *option, char *out,
                         size_t size)
{
    const struct sip_identify_config *identify = object;
    size_t used = 0;
    unsigned i;

    (void)option;
    out[0] = '\0';
    for (i = 0; i < identify->match_count && used < size; i++) {
        char text[PJ_INET6_ADDRSTRLEN + 10];

        pj_sockaddr_print(&identify->match[i].address, text, sizeof(text), 0);
        used += (size_t)snprintf(out + used, size - used, "%s%s/%u", i ? "," : "", text,
                                 identify->match[i].prefix);
    }
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
         "IP addresses and networks (`192.0.2.0/24`), separated by commas; may be given several times. The "
         "longest prefix wins. Names are not looked up."},
    CONFIG_LATER("match_header", NULL),
    CONFIG_LATER("match_request_uri", NULL),
    CONFIG_LATER_HERE("srv_lookups", "yes", ((const char *const[]){"no", NULL})),
    {.name = NULL},
};

static const struct base_option_table table = {
    .type = "identify",
    .help = "Which endpoint a request comes from, by the address that sent it.",
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
