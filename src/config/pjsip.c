/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: pjsip.conf, from sections to objects by the tables of their types. It knows no option but
 * `type`.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct config_type *const types[] = {
    &config_type_global,      &config_type_system,   &config_type_transport,
    &config_type_endpoint,    &config_type_identify, &config_type_auth,
    &config_type_acl,         &config_type_aor,      &config_type_registration,
    &config_type_domain_alias};
#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))
#define MAX_TYPES  64

const struct base_option_table *config_pjsip_table(size_t index)
{
    size_t i;

    if (index < TYPE_COUNT) {
        return types[index]->table;
    }
    for (i = TYPE_COUNT; i < index && config_other_types[i - TYPE_COUNT].table; i++) {
    }
    return config_other_types[i - TYPE_COUNT].table;
}

static const struct config_type *find_type(const char *name)
{
    const struct config_type *other;
    size_t i;

    for (i = 0; i < TYPE_COUNT; i++) {
        if (strcasecmp(types[i]->table->type, name) == 0) {
            return types[i];
        }
    }
    for (other = config_other_types; other->table; other++) {
        if (strcasecmp(other->table->type, name) == 0) {
            return other;
        }
    }
    return NULL;
}

static const char *nearest_type(const char *name)
{
    const struct config_type *other;
    const char *names[MAX_TYPES];
    size_t count;

    for (count = 0; count < TYPE_COUNT; count++) {
        names[count] = types[count]->table->type;
    }
    for (other = config_other_types; other->table; other++) {
        base_assert(count < MAX_TYPES);
        names[count++] = other->table->type;
    }
    return base_nearest_name(name, names, count);
}

/* The type that a section has by its name alone, [global]; or NULL. */
static const struct config_type *implied_type(const struct config_section *section)
{
    size_t i;

    for (i = 0; i < TYPE_COUNT; i++) {
        if (types[i]->implied_by && strcasecmp(types[i]->implied_by, section->name) == 0) {
            return types[i];
        }
    }
    return NULL;
}

/* ---- options ---- */

static void say_unknown(struct config_report *report, const struct base_option_table *table,
                        const struct config_line *line, const char *nearest)
{
    if (*nearest) {
        config_error(report, line->file, line->line, "%s has no option '%s', expected e.g. '%s'",
                     table->type, line->name, nearest);
    } else {
        config_error(report, line->file, line->line,
                     "%s has no option '%s', expected one of its options", table->type, line->name);
    }
}

static void set_option(struct config_report *report, const struct base_option_table *table,
                       const struct config_line *line, void *object)
{
    char why[256];

    switch (base_options_set(table, object, line->name, line->value, why, sizeof(why))) {
    case BASE_OPTION_OK:
        break;
    case BASE_OPTION_PARTLY:
        config_warning(report, line->file, line->line, "%s: %s", line->name, why);
        break;
    case BASE_OPTION_BAD_VALUE:
        config_error(report, line->file, line->line, "wrong value '%s' of option '%s', %s",
                     line->value, line->name, why);
        break;
    case BASE_OPTION_NOT_SUPPORTED:
        config_warning(report, line->file, line->line,
                       "option '%s' is not supported: '%s' has no effect", line->name, line->value);
        break;
    case BASE_OPTION_REFUSED:
        config_error(report, line->file, line->line,
                     "option '%s' cannot be left without effect: %s", line->name, why);
        break;
    case BASE_OPTION_UNKNOWN:
        say_unknown(report, table, line, why);
        break;
    }
}

void config_set_options(struct config_report *report, const struct base_option_table *table,
                        const struct config_section *section, void *object)
{
    const struct config_line *line;

    for (line = section->lines; line; line = line->next) {
        if (line->name[0] == '@') { /* a value that somebody keeps for himself */
            config_warning(report, line->file, line->line, "'%s' has no effect here", line->name);
        } else if (strcasecmp(line->name, "type") != 0) {
            set_option(report, table, line, object);
        }
    }
}

/* ---- objects ---- */

/* An object of a type that is not supported: said once, and its options' names are looked at. */
static void pass_over(struct config_reader *reader, const struct config_type *type,
                      const struct config_section *section)
{
    const struct config_line *line;
    char why[256];

    config_warning(reader->report, section->file, section->line,
                   "type '%s' is not supported: '%s' has no effect", type->table->type,
                   section->name);
    for (line = section->lines; line; line = line->next) {
        if (line->name[0] != '@' && !base_options_find(type->table, line->name)) {
            base_options_set(type->table, NULL, line->name, "", why, sizeof(why));
            say_unknown(reader->report, type->table, line, why);
        }
    }
}

/* The type of a section; NULL: there is none, reported. */
static const struct config_type *type_of(struct config_reader *reader,
                                         const struct config_section *section)
{
    const struct config_line *line = config_section_get(section, "type");
    const struct config_type *type = line ? find_type(line->value) : implied_type(section);
    const char *nearest;

    if (type) {
        return type;
    }
    if (line) {
        nearest = nearest_type(line->value);
        config_error(reader->report, line->file, line->line,
                     "unknown type '%s', expected e.g. '%s'", line->value,
                     nearest ? nearest : "endpoint");
    } else {
        config_error(
            reader->report, section->file, section->line,
            "section [%s] has no type, expected e.g. type = endpoint, or [%s](!) for a template",
            section->name, section->name);
    }
    return NULL;
}

const struct config_object *config_find_object(const struct config_reader *reader, const char *name,
                                               const struct config_type *type)
{
    const struct config_object *object = reader->buckets[config_hash(name)];

    while (object && (object->type != type || strcmp(object->section->name, name) != 0)) {
        object = object->same_hash;
    }
    return object;
}

/* An object that this one may not stand beside; NULL: none. */
static const struct config_object *find_same(const struct config_reader *reader,
                                             const struct config_type *type, const char *name)
{
    const struct config_object *object = reader->objects;

    if (!type->single) {
        return config_find_object(reader, name, type);
    }
    while (object && object->type != type) {
        object = object->next;
    }
    return object;
}

static void add_object(struct config_reader *reader, const struct config_section *section)
{
    const struct config_type *type = type_of(reader, section);
    const struct config_object *other;
    struct config_object *object, **bucket;

    if (!type) {
        return;
    }
    other = find_same(reader, type, section->name);
    if (other) {
        config_error(
            reader->report, section->file, section->line,
            "there is %s of type '%s' at %s:%u already, expected one; [%s](+) continues it",
            type->single ? "a section" : "this section", type->table->type, other->section->file,
            other->section->line, other->section->name);
        return;
    }
    object = malloc(sizeof(*object));
    if (!object) {
        config_error(reader->report, section->file, section->line, "out of memory");
        return;
    }
    bucket = &reader->buckets[config_hash(section->name)];
    *object = (struct config_object){.section = section, .type = type, .same_hash = *bucket};
    *bucket = object;
    *reader->objects_end = object;
    reader->objects_end = &object->next;
    if (type->add) {
        type->add(reader, section);
    } else {
        pass_over(reader, type, section);
    }
}

static void check_objects(struct config_reader *reader)
{
    const struct config_object *object;

    for (object = reader->objects; object; object = object->next) {
        if (object->type->check) {
            object->type->check(reader, object->section);
        }
    }
}

static void free_objects(struct config_reader *reader)
{
    struct config_object *object, *next;

    for (object = reader->objects; object; object = next) {
        next = object->next;
        free(object);
    }
}

/* Makes all objects of a file. What is wrong is in the report. */
static void read_objects(struct config_reader *reader, const struct config_file *file,
                         const char *path)
{
    const struct config_section *section;

    reader->objects_end = &reader->objects;
    reader->transports_end = &reader->sip->transports;
    reader->endpoints_end = &reader->sip->endpoints;
    reader->identifies_end = &reader->sip->identifies;
    reader->registrations_end = &reader->sip->registrations;
    for (section = file->sections; section; section = section->next) {
        if (!section->is_template) {
            add_object(reader, section);
        }
    }
    check_objects(reader);
    free_objects(reader);
    config_file_free(reader->named_acls);
    if (!reader->sip->transports) {
        config_error(reader->report, path, 0,
                     "there is no transport, expected a section with type = transport");
    }
}

int config_pjsip_make(const struct config_file *file, const char *path, const struct pbx *pbx,
                      struct config_report *report, struct sip_config **sip)
{
    struct config_reader reader = {.report = report, .path = path, .pbx = pbx};
    unsigned errors_before = config_report_errors(report);

    reader.sip = sip_config_create();
    if (reader.sip) {
        read_objects(&reader, file, path);
    } else {
        config_error(report, path, 0, "out of memory");
    }
    if (config_report_errors(report) > errors_before) {
        sip_config_destroy(reader.sip);
        return -1;
    }
    *sip = reader.sip;
    return 0;
}

int config_pjsip_load(const char *path, const struct pbx *pbx, struct config_report *report,
                      struct sip_config **sip)
{
    unsigned errors_before = config_report_errors(report);
    struct config_file *file = config_file_read(path, report);
    struct sip_config *made = NULL;
    int result = file ? config_pjsip_make(file, path, pbx, report, &made) : -1;

    config_file_free(file);
    if (result == 0 && config_report_errors(report) > errors_before) { /* the file's syntax */
        sip_config_destroy(made);
        result = -1;
    }
    if (result == 0) {
        *sip = made;
    }
    return result;
}
