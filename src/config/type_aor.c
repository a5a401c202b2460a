/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: type=aor of pjsip.conf: where endpoints can be reached, and who may say so. What becomes
 * of it is res_sip's and the registrar's.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sipsession/location.h>

#define AOR(member)   .offset = offsetof(struct ast_sip_aor, member)
#define MOST_CONTACTS 1000
#define LONGEST       (7 * 24 * 3600) /* seconds */

/* One URI of `contact`; 0, -1 with why. */
static int add_contact(struct ast_sip_contact **list, const char *uri, char *why, size_t why_size)
{
    struct ast_sip_contact *contact;

    if ((strncasecmp(uri, "sip:", 4) != 0 && strncasecmp(uri, "sips:", 5) != 0) ||
        !uri[strcspn(uri, ":") + 1] || strpbrk(uri, " \t<>\"")) {
        snprintf(why, why_size, "expected SIP URIs, e.g. sip:192.0.2.1:5060");
        return -1;
    }
    contact = ast_sip_contact_create(uri);
    if (!contact) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    while (*list) {
        list = &(*list)->next;
    }
    *list = contact;
    return 0;
}

/* URIs separated by commas; every line adds to the ones before. */
static int parse_contact(void *object, const struct base_option *option, const char *value,
                         char *why, size_t why_size)
{
    struct ast_sip_aor *aor = object;
    struct ast_sip_contact *made = NULL, **end = &aor->contacts;
    char *copy = strdup(value), *rest = copy, *text;
    int result = copy ? 0 : -1;

    (void)option;
    if (!copy) {
        snprintf(why, why_size, "out of memory");
    }
    while (result == 0 && (text = strsep(&rest, ","))) {
        result = add_contact(&made, config_trim(text), why, why_size);
    }
    free(copy);
    if (result != 0) {
        ast_sip_contacts_free(made);
        return -1;
    }
    while (*end) {
        end = &(*end)->next;
    }
    *end = made;
    return 0;
}

static void release_contact(void *object, const struct base_option *option)
{
    struct ast_sip_aor *aor = object;

    (void)option;
    ast_sip_contacts_free(aor->contacts);
    aor->contacts = NULL;
}

static void format_contact(const void *object, const struct base_option *option, char *out,
                           size_t size)
{
    const struct ast_sip_aor *aor = object;
    const struct ast_sip_contact *contact;
    size_t used = 0;

    (void)option;
    out[0] = '\0';
    for (contact = aor->contacts; contact && used < size; contact = contact->next) {
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "," : "", contact->uri);
    }
}

#define SECONDS(option_name, member, default_value, text)                                          \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_UINT, AOR(member), .fallback = default_value,     \
        .min = 1, .max = LONGEST, .help = text                                                     \
    }
#define FLAG(option_name, member, text)                                                            \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_BOOL, AOR(member), .fallback = "no", .help = text \
    }

static const struct base_option options[] = {
    CONFIG_TYPE_OPTION,
    {.name = "contact",
     .kind = BASE_OPTION_CUSTOM,
     .parse = parse_contact,
     .release = release_contact,
     .format = format_contact,
     .help = "SIP URIs that are always there, separated by commas; may be given several times."},
    {.name = "max_contacts",
     .kind = BASE_OPTION_UINT,
     AOR(max_contacts),
     .fallback = "0",
     .min = 0,
     .max = MOST_CONTACTS,
     .help = "How many contacts can be registered at a time; 0: nobody can register."},
    FLAG("remove_existing", remove_existing,
         "A registration that would be one too many takes the place of the contact that expires "
         "soonest; without it, it is refused with 403."),
    FLAG("remove_unavailable", remove_unavailable,
         "Contacts that do not answer (`qualify_frequency`) make room for a new one, and do so "
         "first."),
    SECONDS("minimum_expiration", minimum_expiration, "60",
            "A shorter registration is refused with 423, in s."),
    SECONDS("default_expiration", default_expiration, "3600",
            "How long a registration lasts that does not say so, in s."),
    SECONDS("maximum_expiration", maximum_expiration, "7200",
            "How long a registration lasts at most, in s; one that wants more gets this."),
    FLAG("support_path", support_path,
         "Requests to a registered contact take the Path that it registered with (RFC 3327)."),
    {.name = "qualify_frequency",
     .kind = BASE_OPTION_UINT,
     AOR(qualify_frequency),
     .fallback = "0",
     .min = 0,
     .max = 86400,
     .help = "Each contact is asked by OPTIONS as often, in s; 0: not."},
    {.name = "qualify_timeout",
     .kind = BASE_OPTION_SECONDS,
     AOR(qualify_timeout),
     .fallback = "3.0",
     .min = 1,
     .max = 32000,
     .help = "A contact that takes longer to answer is unreachable, in s."},
    FLAG("qualify_2xx_only", qualify_2xx_only,
         "Only a 2xx says that a contact is reachable; without it, any answer does."),
    FLAG(
        "authenticate_qualify", authenticate_qualify,
        "Challenges of a contact that is asked are answered with `outbound_auth` of its endpoint; without it, a "
        "challenge is an answer."),
    {.name = "outbound_proxy",
     .kind = BASE_OPTION_CUSTOM,
     AOR(outbound_proxy),
     .parse = config_parse_sip_uri,
     .release = config_release_text,
     .format = config_format_text,
     .help =
         "SIP URI that contacts are asked through, in place of the endpoint's `outbound_proxy`; calls take that of "
         "the endpoint."},
    CONFIG_LATER("mailboxes", NULL, "There is no message waiting indication (RFC 3842)."),
    CONFIG_LATER("voicemail_extension", NULL, "There is no message waiting indication (RFC 3842)."),
    {.name = NULL},
};

static const struct base_option_table table = {
    .type = "aor",
    .help = "An address of record: where endpoints that name it in `aors` can be reached.",
    .options = options,
    .object_size = sizeof(struct ast_sip_aor),
};

static void check_times(struct config_reader *reader, const struct config_section *section,
                        struct ast_sip_aor *aor)
{
    const struct config_line *line = config_section_get(section, "maximum_expiration");

    line = line ? line : config_section_get(section, "minimum_expiration");
    if (aor->maximum_expiration < aor->minimum_expiration && line) {
        config_error(reader->report, line->file, line->line,
                     "maximum_expiration (%u) is less than minimum_expiration (%u), expected at "
                     "least as much",
                     aor->maximum_expiration, aor->minimum_expiration);
        return;
    }
    if (aor->default_expiration > aor->maximum_expiration) {
        aor->default_expiration = aor->maximum_expiration;
    }
    if (aor->default_expiration < aor->minimum_expiration) {
        aor->default_expiration = aor->minimum_expiration;
    }
}

static void add(struct config_reader *reader, const struct config_section *section)
{
    struct sip_aor_entry *entry = calloc(1, sizeof(*entry));
    struct ast_sip_aor *aor = entry ? ast_sip_aor_create(section->name) : NULL;

    if (!aor || base_options_init(&table, aor) != 0) {
        config_error(reader->report, section->file, section->line, "out of memory");
        ast_sip_aor_unref(aor);
        free(entry);
        return;
    }
    config_set_options(reader->report, &table, section, aor);
    check_times(reader, section, aor);
    entry->aor = aor;
    sip_config_add_aor(reader->sip, entry);
}

void config_check_aors(struct config_reader *reader, const struct config_section *section)
{
    const struct config_line *line = config_section_get(section, "aors");
    const char *rest = line ? line->value : NULL;
    char name[256];

    while (ast_sip_next_aor_name(&rest, name, sizeof(name))) {
        if (!config_find_object(reader, name, &config_type_aor)) {
            config_warning(reader->report, line->file, line->line,
                           "there is no aor '%s', expected the name of a section of type=aor",
                           name);
        }
    }
}

const struct config_type config_type_aor = {.table = &table, .add = add};
