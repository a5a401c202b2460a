/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: which sections of the files have changed, for whoever is told of a reload. Sections are
 * compared as they are written, templates resolved; what is made of them is not looked at.
 */
#include "config/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_NAMES 8 /* that a line names */

struct sum {
    const char *file; /* a literal */
    char *type, *name;
    unsigned long long value;
    size_t place; /* in the files */
};

struct config_sums {
    struct sum *list; /* sorted by file, type and name */
    size_t count, room;
};

/* FNV-1a: nobody is to be fooled but he who writes the files. */
static unsigned long long mix(unsigned long long value, const char *text)
{
    do {
        value = (value ^ (unsigned char)*text) * 1099511628211ull;
    } while (*text++);
    return value;
}

static unsigned long long sum_of(const struct config_section *section)
{
    unsigned long long value = 14695981039346656037ull;

    for (const struct config_line *line = section->lines; line; line = line->next) {
        value = mix(mix(value, line->name), line->value);
    }
    return value;
}

static int add(struct config_sums *sums, const char *file, const char *type,
               const struct config_section *section)
{
    struct sum made = {.file = file, .value = sum_of(section), .place = sums->count};

    if (sums->count == sums->room) {
        size_t room = sums->room ? 2 * sums->room : 64;
        struct sum *grown = realloc(sums->list, room * sizeof(*grown));

        if (!grown) {
            return -1;
        }
        sums->list = grown;
        sums->room = room;
    }
    made.type = strdup(type);
    made.name = strdup(section->name);
    if (!made.type || !made.name) {
        free(made.type);
        free(made.name);
        return -1;
    }
    sums->list[sums->count++] = made;
    return 0;
}

/* What a section is, in words: its type; of other files than pjsip.conf the word for all of them. */
static const char *type_of(const struct config_section *section, const char *word)
{
    const struct config_line *line = word ? NULL : config_section_get(section, "type");

    return word ? word : line ? line->value : section->name;
}

static int add_file(struct config_sums *sums, const char *dir, const char *name, const char *word)
{
    struct config_report *report = config_report_create();
    struct config_file *file = NULL;
    char path[PATH_MAX];
    int result = report ? 0 : -1;

    if (report && snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) &&
        access(path, F_OK) == 0) {
        file = config_file_read(path, report);
    }
    for (const struct config_section *at = file ? file->sections : NULL; at && result == 0;
         at = at->next) {
        if (!at->is_template) {
            result = add(sums, name, type_of(at, word), at);
        }
    }
    config_file_free(file);
    config_report_free(report);
    return result;
}

/* By what they are of; the place tells sections of one name apart. */
static int order(const struct sum *one, const struct sum *other)
{
    int result = strcmp(one->file, other->file);

    result = result ? result : strcasecmp(one->type, other->type);
    return result ? result : strcmp(one->name, other->name);
}

static int compare(const void *left, const void *right)
{
    const struct sum *one = left, *other = right;
    int result = order(one, other);

    return result ? result : one->place < other->place ? -1 : one->place > other->place;
}

/* Sections of one name are one. */
static void merge(struct config_sums *sums)
{
    size_t used = 0;

    for (size_t i = 0; i < sums->count; i++) {
        struct sum *last = used > 0 ? &sums->list[used - 1] : NULL;

        if (last && order(last, &sums->list[i]) == 0) {
            last->value = last->value * 1099511628211ull + sums->list[i].value;
            free(sums->list[i].type);
            free(sums->list[i].name);
        } else {
            sums->list[used++] = sums->list[i];
        }
    }
    sums->count = used;
}

struct config_sums *config_sums_read(const char *dir)
{
    struct config_sums *sums = calloc(1, sizeof(*sums));

    if (!sums || add_file(sums, dir, "pjsip.conf", NULL) != 0 ||
        add_file(sums, dir, "extensions.conf", "context") != 0 ||
        add_file(sums, dir, "sipsession.conf", "section") != 0) {
        config_sums_free(sums);
        return NULL;
    }
    if (sums->count > 0) {
        qsort(sums->list, sums->count, sizeof(sums->list[0]), compare);
    }
    merge(sums);
    return sums;
}

void config_sums_free(struct config_sums *sums)
{
    if (!sums) {
        return;
    }
    for (size_t i = 0; i < sums->count; i++) {
        free(sums->list[i].type);
        free(sums->list[i].name);
    }
    free(sums->list);
    free(sums);
}

/* ---- comparing ---- */

enum change { NEW, CHANGED, GONE, CHANGES };

/* What there is to say of one type. */
struct tally {
    const struct sum *type; /* NULL: none yet */
    unsigned counts[CHANGES];
    char names[CHANGES][300];
    unsigned lines;
};

static void put_line(struct tally *tally, FILE *out)
{
    static const char *const words[] = {"new", "changed", "gone"};
    char text[1200], plain[1400];
    const char *joint = "";
    size_t used = 0;

    if (!tally->type || tally->counts[NEW] + tally->counts[CHANGED] + tally->counts[GONE] == 0) {
        return;
    }
    for (int i = 0; i < CHANGES; i++) {
        if (tally->counts[i] > 0) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u %s (%s%s)", joint,
                                     tally->counts[i], words[i], tally->names[i],
                                     tally->counts[i] > MOST_NAMES ? ", ..." : "");
            joint = ", ";
        }
    }
    base_log_escape(plain, sizeof(plain), text);
    fprintf(out, "%s: %s: %s\n", tally->type->file, tally->type->type, plain);
    tally->lines++;
}

static void count(struct tally *tally, const struct sum *sum, enum change change, FILE *out)
{
    char *names = tally->names[change];
    size_t used;

    if (!tally->type || strcmp(tally->type->file, sum->file) != 0 ||
        strcasecmp(tally->type->type, sum->type) != 0) {
        put_line(tally, out);
        *tally = (struct tally){.type = sum, .lines = tally->lines};
    }
    if (tally->counts[change]++ < MOST_NAMES) {
        used = strlen(names);
        snprintf(names + used, sizeof(tally->names[0]) - used, "%s%.30s", used ? ", " : "",
                 sum->name);
    }
}

unsigned config_sums_compare(const struct config_sums *before, const struct config_sums *now,
                             FILE *out)
{
    struct tally tally = {.type = NULL};
    size_t i = 0, j = 0;

    while (i < before->count || j < now->count) {
        int result = i == before->count ? 1
                     : j == now->count  ? -1
                                        : order(&before->list[i], &now->list[j]);

        if (result < 0) {
            count(&tally, &before->list[i++], GONE, out);
        } else if (result > 0) {
            count(&tally, &now->list[j++], NEW, out);
        } else {
            if (before->list[i].value != now->list[j].value) {
                count(&tally, &now->list[j], CHANGED, out);
            }
            i++;
            j++;
        }
    }
    put_line(&tally, out);
    return tally.lines;
}
