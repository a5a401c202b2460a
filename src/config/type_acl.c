/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: access lists: type=acl of pjsip.conf, permit and deny of whatever has them, and the
 * lists of acl.conf that others name. Who is let in is res_sip's business.
 */
#include "config/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* ---- permit and deny ---- */

/* One of a list, "10.0.0.0/8" or "!10.0.0.0/8". 0, -1: it is none. */
static int parse_rule(const char *text, int permit, struct sip_acl_rule *rule)
{
    if (*text == '!') {
        permit = !permit;
        text++;
    }
    rule->permit = permit;
    return config_parse_network(text, &rule->network);
}

/* Adds the rules of a text. 0; -1 with why, and the list as it was. */
static int add_rules(struct ast_sip_acl *acl, int permit, const char *value, char *why,
                     size_t why_size)
{
    unsigned before = acl->count;
    char *copy = strdup(value), *rest = copy, *text;
    int result = copy ? 0 : -1;

    snprintf(why, why_size, "out of memory");
    while (result == 0 && (text = strsep(&rest, ","))) {
        struct sip_acl_rule rule;

        text = config_trim(text);
        if (parse_rule(text, permit, &rule) != 0) {
            snprintf(
                why, why_size,
                "expected IP addresses or networks, e.g. 192.0.2.0/24, not '%s'; names are not "
                "looked up",
                text);
            result = -1;
        } else {
            result = sip_acl_add(acl, &rule.network, rule.permit);
        }
    }
    free(copy);
    if (result != 0) {
        acl->count = before;
    }
    return result;
}

int config_parse_rules(void *object, const struct base_option *option, const char *value, char *why,
                       size_t why_size)
{
    struct ast_sip_acl **list = (struct ast_sip_acl **)(void *)((char *)object + option->offset);
    int permit = strstr(option->name, "permit") != NULL;

    if (!*value) {
        return 0; /* an empty line adds nothing */
    }
    if (!*list && !sip_acl_append(list, "own")) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    return add_rules(*list, permit, value, why, why_size);
}

/* All rules; those of the option's own sense first in the mind, the others with `!`. */
void config_format_rules(const void *object, const struct base_option *option, char *out,
                         size_t size)
{
    const struct ast_sip_acl *acl =
        *(struct ast_sip_acl *const *)(const void *)((const char *)object + option->offset);
    int permit = strstr(option->name, "permit") != NULL;
    size_t used = 0;
    unsigned i;

    out[0] = '\0';
    for (i = 0; acl && i < acl->count && used < size; i++) {
        char text[PJ_INET6_ADDRSTRLEN + 10];

        pj_sockaddr_print(&acl->rules[i].network.address, text, sizeof(text), 0);
        used += (size_t)snprintf(out + used, size - used, "%s%s%s/%u", used ? "," : "",
                                 acl->rules[i].permit == permit ? "" : "!", text,
                                 acl->rules[i].network.prefix);
    }
}

void config_release_rules(void *object, const struct base_option *option)
{
    struct ast_sip_acl **list = (struct ast_sip_acl **)(void *)((char *)object + option->offset);

    sip_acl_free(*list);
    *list = NULL;
}

/* ---- acl.conf ---- */

/* acl.conf beside the file that is read; NULL: there is none, or it is wrong, reported. */
static const struct config_file *named_acls(struct config_reader *reader)
{
    const char *slash = strrchr(reader->path, '/');
    char path[PATH_MAX];

    if (!reader->named_acls && slash &&
        snprintf(path, sizeof(path), "%.*s/acl.conf", (int)(slash - reader->path), reader->path) <
            (int)sizeof(path) &&
        access(path, F_OK) == 0) {
        reader->named_acls = config_file_read(path, reader->report);
    }
    return reader->named_acls;
}

/* Appends what a section of acl.conf says. */
static void take_named(struct config_reader *reader, const struct config_section *section,
                       struct ast_sip_acl **list)
{
    struct ast_sip_acl *acl = sip_acl_append(list, section->name);
    const struct config_line *line;

    if (!acl) {
        config_error(reader->report, section->file, section->line, "out of memory");
        return;
    }
    for (line = section->lines; line; line = line->next) {
        int permit = strcasecmp(line->name, "permit") == 0;
        char why[256];

        if (!permit && strcasecmp(line->name, "deny") != 0) {
            config_error(reader->report, line->file, line->line,
                         "an access list has no option '%s', expected permit or deny", line->name);
        } else if (add_rules(acl, permit, line->value, why, sizeof(why)) != 0) {
            config_error(reader->report, line->file, line->line,
                         "wrong value '%s' of option '%s', %s", line->value, line->name, why);
        }
    }
}

static const struct config_section *find_named(struct config_reader *reader, const char *name)
{
    const struct config_file *file = named_acls(reader);
    const struct config_section *section = file ? file->sections : NULL;

    while (section && (section->is_template || strcmp(section->name, name) != 0)) {
        section = section->next;
    }
    return section;
}

/* By default everybody is let in: a list that only permits does nothing. */
static void warn_of_useless(struct config_reader *reader, const struct config_section *section,
                            const struct ast_sip_acl *list)
{
    for (; list; list = list->next) {
        unsigned i = 0;

        while (i < list->count && list->rules[i].permit) {
            i++;
        }
        if (i == list->count) {
            config_warning(
                reader->report, section->file, section->line,
                "the access list '%s' of '%s' keeps nobody out, expected a deny, e.g. deny = "
                "0.0.0.0/0,::/0 before what it permits",
                list->name, section->name);
        }
    }
}

void config_take_acls(struct config_reader *reader, const struct config_section *section,
                      const char *option, struct ast_sip_acl **list)
{
    const struct config_line *line = config_section_get(section, option);
    char *names = line ? strdup(line->value) : NULL, *rest = names, *name;

    if (line && !names) {
        config_error(reader->report, line->file, line->line, "out of memory");
    }
    while (names && (name = strsep(&rest, ","))) {
        const struct config_section *found;

        name = config_trim(name);
        found = *name ? find_named(reader, name) : NULL;
        if (found) {
            take_named(reader, found, list);
        } else if (*name) {
            config_error(reader->report, line->file, line->line,
                         "there is no access list '%s', expected the name of a section of acl.conf",
                         name);
        }
    }
    free(names);
    warn_of_useless(reader, section, *list);
}

int config_parse_names(void *object, const struct base_option *option, const char *value, char *why,
                       size_t why_size)
{
    (void)object;
    (void)option;
    (void)value;
    (void)why;
    (void)why_size;
    return 0; /* config_take_acls looks at the line when all sections are read */
}

/* ---- type=acl ---- */

#define RULES(option_name, member, text)                                                           \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_CUSTOM, .offset = offsetof(struct lists, member), \
        .parse = config_parse_rules, .format = config_format_rules,                                \
        .release = config_release_rules, .help = text                                              \
    }
#define NAMES(option_name, text)                                                                   \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_CUSTOM, .parse = config_parse_names, .help = text \
    }

/* A section, while it is read. */
struct lists {
    struct ast_sip_acl *acl, *contact_acl;
};

static const struct base_option options[] = {
    CONFIG_TYPE_OPTION,
    RULES("permit", acl,
          "Addresses and networks that requests may come from, separated by commas; may be "
          "given several times. Of `permit` and `deny` the last that matches wins; none: "
          "permitted. `!` before a network turns the meaning."),
    RULES("deny", acl, "Addresses and networks that requests may not come from."),
    NAMES("acl", "Sections of `acl.conf` with `permit` and `deny`, separated by commas."),
    RULES("contact_permit", contact_acl,
          "The same of the addresses in Contacts; a name is no address, and "
          "not permitted where there are such lines."),
    RULES("contact_deny", contact_acl, "The same."),
    NAMES("contact_acl", "Sections of `acl.conf` for the addresses in Contacts."),
    {.name = NULL},
};

static const struct base_option_table table = {
    .type = "acl",
    .help =
        "Where requests may come from, whoever sends them, and what their Contacts may name. With "
        "several sections, all must permit.",
    .options = options,
    .object_size = sizeof(struct lists),
};

/* Puts a list at the end of another; it has the section's name from now on. */
static void give(struct config_reader *reader, const struct config_section *section,
                 struct ast_sip_acl *made, struct ast_sip_acl **list)
{
    char *name = made ? strdup(section->name) : NULL;

    if (made && !name) {
        config_error(reader->report, section->file, section->line, "out of memory");
    } else if (made) {
        free(made->name);
        made->name = name;
    }
    while (*list) {
        list = &(*list)->next;
    }
    *list = made;
}

static void add(struct config_reader *reader, const struct config_section *section)
{
    struct lists lists = {NULL, NULL};

    config_set_options(reader->report, &table, section, &lists);
    warn_of_useless(reader, section, lists.acl);
    warn_of_useless(reader, section, lists.contact_acl);
    give(reader, section, lists.acl, &reader->sip->acl);
    give(reader, section, lists.contact_acl, &reader->sip->contact_acl);
}

static void check(struct config_reader *reader, const struct config_section *section)
{
    struct ast_sip_acl *named = NULL, *contacts = NULL, **end = &reader->sip->acl;

    config_take_acls(reader, section, "acl", &named);
    config_take_acls(reader, section, "contact_acl", &contacts);
    while (*end) {
        end = &(*end)->next;
    }
    *end = named;
    end = &reader->sip->contact_acl;
    while (*end) {
        end = &(*end)->next;
    }
    *end = contacts;
}

const struct config_type config_type_acl = {.table = &table, .add = add, .check = check};
