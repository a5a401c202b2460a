/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: type=domain_alias of pjsip.conf: the section's name is another name of a domain.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

static const struct base_option options[] = {
    CONFIG_TYPE_OPTION,
    {.name = "domain",
     .kind = BASE_OPTION_CUSTOM,
     .offset = offsetof(struct sip_domain_alias, domain),
     .parse = config_parse_host,
     .release = config_release_text,
     .format = config_format_text,
     .help = "The domain that is meant. It must be given."},
    {.name = NULL},
};

static const struct base_option_table table = {
    .type = "domain_alias",
    .help =
        "The section's name is another name of a domain: From of a request names the endpoint, and To of a "
        "REGISTER the aor, `user@domain`, where there is one, when it names `user@alias`.",
    .options = options,
    .object_size = sizeof(struct sip_domain_alias),
};

static void add(struct config_reader *reader, const struct config_section *section)
{
    struct sip_domain_alias *made = calloc(1, sizeof(*made)), **end = &reader->sip->aliases;

    if (!made || !(made->alias = strdup(section->name))) {
        config_error(reader->report, section->file, section->line, "out of memory");
        free(made);
        return;
    }
    config_set_options(reader->report, &table, section, made);
    if (!made->domain) {
        config_error(reader->report, section->file, section->line,
                     "domain_alias '%s' names no domain, expected domain = NAME", section->name);
        free(made->alias);
        free(made);
        return;
    }
    while (*end) {
        end = &(*end)->next;
    }
    *end = made;
}

const struct config_type config_type_domain_alias = {.table = &table, .add = add};
