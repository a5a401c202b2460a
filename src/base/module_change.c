/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: what is loaded becomes another list, all of it or nothing: first what is new starts, which
 * may fail; what is wanted no more ends when the rest of a reload has come into force. On the SIP
 * thread.
 *
 * The shared object of a module that ended this way stays where it is until the list goes: messages
 * and transactions under way may still have a name or a function of it, which does nothing any more.
 */
#include "base/module_list.h"

#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

static const char *name_of(const struct module *module)
{
    return module->descriptor->name;
}

/* The one that runs and is asked for by this word; or NULL. */
static struct module *find_asked(const struct base_module_list *list, const char *word)
{
    for (struct module *module = list->running; module; module = module->next) {
        if (strcmp(module->asked, word) == 0 || strcmp(name_of(module), word) == 0) {
            return module;
        }
    }
    return NULL;
}

/* A module that ended and is wanted again is what it was, also when its file is another one now. */
static void check_file(const struct base_module_list *list, const struct module *module)
{
    const struct module *old = list->ended;

    while (old && old->handle != module->handle) {
        old = old->next;
    }
    if (old && (old->file != module->file || old->changed.tv_sec != module->changed.tv_sec ||
                old->changed.tv_nsec != module->changed.tv_nsec)) {
        ast_warning("module %s: its file has changed, which needs a restart: it is what it was",
                    name_of(module));
    }
}

/* Marks what runs and is wanted, and opens what is not there. 0; -1 logged. */
static int open_wanted(struct base_module_list *list, const char *names)
{
    char *copy = strdup(names), *rest = copy, *word;
    int result = copy ? 0 : -1;

    for (struct module *module = list->running; module; module = module->next) {
        module->fate = MODULE_GOES;
    }
    while (copy && (word = strsep(&rest, " \t\n"))) {
        struct module *module = find_asked(list, word);

        if (module) {
            module->fate = MODULE_WANTED;
        } else if (*word && base_module_list_add(list, word) != 0) {
            result = -1;
        }
    }
    free(copy);
    for (const struct module *module = list->added; module; module = module->next) {
        check_file(list, module);
    }
    return result;
}

/* ---- what goes ---- */

/* The module that stays and requires this one; or NULL. */
static const struct module *who_requires(const struct base_module_list *list,
                                         const struct module *wanted, enum module_fate fate)
{
    const struct module *module = list->running;

    while (module && (module->fate != fate || !base_module_requires(module, name_of(wanted)))) {
        module = module->next;
    }
    return module;
}

/* What calls have stays with what it requires. What is started later requires what is before it. */
static void keep_used(struct base_module_list *list)
{
    int again = 0;

    do {
        again = 0;
        for (struct module *module = list->running; module; module = module->next) {
            const struct module *other =
                module->fate == MODULE_GOES ? who_requires(list, module, MODULE_STAYS) : NULL;
            unsigned uses = 0;

            if (module->fate != MODULE_GOES) {
                continue;
            }
            if (!other && module->descriptor->in_use) {
                uses = module->descriptor->in_use();
            }
            if (other) {
                ast_warning("module %s stays: %s requires it", name_of(module), name_of(other));
            } else if (uses > 0) {
                ast_warning("module %s stays: it is in use %u time%s; a reload takes it away when "
                            "it is not, or a restart",
                            name_of(module), uses, uses == 1 ? "" : "s");
            } else {
                continue;
            }
            module->fate = MODULE_STAYS;
            again = 1;
        }
    } while (again);
}

/* 0; -1 logged: what is wanted requires what goes. */
static int check_required(const struct base_module_list *list)
{
    int result = 0;

    for (const struct module *gone = list->running; gone; gone = gone->next) {
        const struct module *other =
            gone->fate == MODULE_GOES ? who_requires(list, gone, MODULE_WANTED) : NULL;

        for (const struct module *added = list->added; added && gone->fate == MODULE_GOES && !other;
             added = added->next) {
            if (base_module_requires(added, name_of(gone))) {
                other = added;
            }
        }
        if (other) {
            ast_error("module %s: it requires %s, which is not to be loaded any more",
                      name_of(other), name_of(gone));
            result = -1;
        }
    }
    return result;
}

/* ---- ends ---- */

static void end_one(struct base_module_list *list, struct module *module)
{
    const struct module *old = list->ended;

    base_module_unlink(&list->running, module);
    if (module->descriptor->close) {
        module->descriptor->close();
    }
    if (module->settled) {
        ast_notice("module %s was taken away", name_of(module));
    }
    while (old && old->handle != module->handle) {
        old = old->next;
    }
    if (old) { /* once is enough */
        base_module_free(module);
    } else {
        base_module_append(&list->ended, module);
    }
}

/* The last one first. */
static void end_all(struct base_module_list *list, int (*is_to_end)(const struct module *module))
{
    for (;;) {
        struct module *last = NULL;

        for (struct module *module = list->running; module; module = module->next) {
            last = is_to_end(module) ? module : last;
        }
        if (!last) {
            return;
        }
        end_one(list, last);
    }
}

static int is_new(const struct module *module)
{
    return !module->settled;
}

static int is_leaving(const struct module *module)
{
    return module->settled && module->fate == MODULE_GOES;
}

/* ---- the change ---- */

/* All that was there is to stay. -1. */
static int refuse(struct base_module_list *list)
{
    base_module_drop_added(list);
    end_all(list, is_new);
    for (struct module *module = list->running; module; module = module->next) {
        module->fate = MODULE_WANTED;
    }
    return -1;
}

int base_module_list_change(struct base_module_list *list, const char *names)
{
    for (struct module *module = list->running; module; module = module->next) {
        module->settled = 1;
    }
    if (open_wanted(list, names) != 0) {
        return refuse(list);
    }
    keep_used(list);
    if (check_required(list) != 0 || base_module_list_start(list) != 0) {
        return refuse(list);
    }
    return 0;
}

void base_module_list_change_abandon(struct base_module_list *list)
{
    refuse(list);
}

void base_module_list_change_commit(struct base_module_list *list)
{
    end_all(list, is_leaving);
    for (struct module *module = list->running; module; module = module->next) {
        if (!module->settled) {
            ast_notice("module %s was loaded", name_of(module));
        }
        module->settled = 1;
    }
}
