/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: what module.c, which loads and ends modules, and module_change.c, which changes what is
 * loaded, have in common. Nobody else includes it.
 */
#ifndef BASE_MODULE_LIST_H
#define BASE_MODULE_LIST_H

#include "base/base.h"

#include <sys/stat.h>

#include <sipsession/module.h>

enum module_fate {
    MODULE_GOES,   /* it is wanted no more */
    MODULE_WANTED, /* the list of the change names it */
    MODULE_STAYS   /* it does not, but calls need it, or such a module does */
};

struct module {
    struct module
        *next; /* in the order of adding; of those that run, in the order of their start */
    void *handle;
    const struct ast_sip_module *descriptor; /* within the shared object */
    char *asked;                             /* the name or path that it was asked for by */
    struct timespec changed;                 /* its file, when it was opened */
    ino_t file;
    int settled;           /* 0: it was started by the change under way */
    enum module_fate fate; /* during a change */
};

struct base_module_list {
    char *folder;
    struct module *added; /* not started */
    struct module *running;
    struct module *ended; /* by a change: their shared objects stay */
};

struct module *base_module_find(struct module *first, const char *name, size_t length);
void base_module_append(struct module **first, struct module *module);
void base_module_unlink(struct module **first, struct module *module);
/* In no list; its shared object goes. */
void base_module_free(struct module *module);
int base_module_requires(const struct module *module, const char *name);
/* What tells its file from another one of the same name. */
void base_module_stat(struct module *module, const char *path);
/* Those that were not started go. */
void base_module_drop_added(struct base_module_list *list);

#endif
