/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: loads modules, starts them in the order of their `requires` and ends them in reverse. It knows no module by
 * name. On the SIP thread.
 */
#include "base/module_list.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/module.h>

#define STRING_OF(name)     #name
#define SYMBOL_STRING(name) STRING_OF(name)

struct module *base_module_find(struct module *first, const char *name, size_t length)
{
    struct module *module;

    for (module = first; module; module = module->next) {
        if (strlen(module->descriptor->name) == length &&
            strncmp(module->descriptor->name, name, length) == 0) {
            return module;
        }
    }
    return NULL;
}

void base_module_append(struct module **first, struct module *module)
{
    while (*first) {
        first = &(*first)->next;
    }
    module->next = NULL;
    *first = module;
}

void base_module_unlink(struct module **first, struct module *module)
{
    while (*first != module) {
        first = &(*first)->next;
    }
    *first = module->next;
    module->next = NULL;
}

void base_module_free(struct module *module)
{
    base_log_tell(1); /* its places in the code go with it */
    dlclose(module->handle);
    free(module->asked);
    free(module);
}

/* ---- requires: names separated by blanks ---- */

/* The next name at *text, its length in *length; NULL: no more. *text moves on. */
static const char *next_name(const char **text, size_t *length)
{
    const char *name = *text ? *text + strspn(*text, " ,") : "";

    if (!*name) {
        return NULL;
    }
    *length = strcspn(name, " ,");
    *text = name + *length;
    return name;
}

int base_module_requires(const struct module *module, const char *name)
{
    const char *rest = module->descriptor->requires, *required;
    size_t length;

    while ((required = next_name(&rest, &length))) {
        if (strlen(name) == length && strncmp(required, name, length) == 0) {
            return 1;
        }
    }
    return 0;
}

static int may_start(const struct base_module_list *list, const struct module *module)
{
    const char *rest = module->descriptor->requires, *required;
    size_t length;

    while ((required = next_name(&rest, &length))) {
        if (!base_module_find(list->running, required, length)) {
            return 0;
        }
    }
    return 1;
}

/* Says why a module could not be started once nothing more can be. */
static void log_missing(const struct base_module_list *list, const struct module *module)
{
    const char *rest = module->descriptor->requires, *required;
    size_t length;

    while ((required = next_name(&rest, &length))) {
        if (base_module_find(list->running, required, length)) {
            continue;
        }
        if (base_module_find(list->added, required, length)) {
            ast_error("module %s: it requires %.*s, which cannot start before it or at all",
                      module->descriptor->name, (int)length, required);
        } else {
            ast_error("module %s: it requires %.*s, which is not loaded", module->descriptor->name,
                      (int)length, required);
        }
    }
}

/* ---- opening ---- */

static int abi_fits(const char *path, const struct ast_sip_module_abi *its)
{
    static const struct ast_sip_module_abi ours = AST_SIP_MODULE_ABI_HERE;
    const struct {
        const char *what;
        unsigned its, ours;
    } numbers[] = {
        {"AST_SIP_MODULE_ABI", its->abi, ours.abi},
        {"PJSIP_MAX_MODULE", its->pjsip_max_module, ours.pjsip_max_module},
        {"the size of pjsip_rx_data", its->rx_data_size, ours.rx_data_size},
        {"the size of pjsip_tx_data", its->tx_data_size, ours.tx_data_size},
        {"the size of pjsip_dialog", its->dialog_size, ours.dialog_size},
    };
    size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].its != numbers[i].ours) {
            ast_error(
                "module %s: it was built with other headers, %s is %u there and %u here; build it again",
                path, numbers[i].what, numbers[i].its, numbers[i].ours);
            return 0;
        }
    }
    return 1;
}

/* Looks whether the descriptor may be used. `name` is what it must be called; NULL: anything. */
static int descriptor_fits(const char *path, const char *name,
                           const struct ast_sip_module *descriptor)
{
    if (!descriptor) {
        ast_error("module %s: it has no " SYMBOL_STRING(
                      AST_SIP_MODULE_SYMBOL) ", see AST_SIP_MODULE",
                  path);
        return 0;
    }
    if (!abi_fits(path,
                  &descriptor->abi)) { /* first: the rest may lie elsewhere in a foreign one */
        return 0;
    }
    if (!descriptor->name || !*descriptor->name || !descriptor->init) {
        ast_error("module %s: its descriptor has no name or no init", path);
        return 0;
    }
    if (name && strcmp(name, descriptor->name) != 0) {
        ast_error("module %s: it calls itself '%s', expected '%s'", path, descriptor->name, name);
        return 0;
    }
    return 1;
}

/* Path of the shared object; malloc'ed, NULL without memory. */
static char *path_of(const struct base_module_list *list, const char *name)
{
    char *path;

    if (strchr(name, '/')) {
        return strdup(name);
    }
    return asprintf(&path, "%s/%s.so", list->folder, name) < 0 ? NULL : path;
}

void base_module_stat(struct module *module, const char *path)
{
    struct stat info;

    if (stat(path, &info) == 0) {
        module->changed = info.st_mtim;
        module->file = info.st_ino;
    }
}

struct base_module_list *base_module_list_create(const char *folder)
{
    struct base_module_list *list = calloc(1, sizeof(*list));

    if (list) {
        list->folder = strdup(folder);
    }
    if (!list || !list->folder) {
        ast_error("modules: out of memory");
        free(list);
        return NULL;
    }
    return list;
}

int base_module_list_add(struct base_module_list *list, const char *name)
{
    struct module *module = calloc(1, sizeof(*module));
    char *path = path_of(list, name);
    int result = -1;

    if (!module || !path) {
        ast_error("module %s: out of memory", name);
        goto out;
    }
    /* All symbols now, so that a missing one is an error here and not a crash in a call. */
    module->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module->handle) {
        ast_error("module %s: %s", name, dlerror());
        goto out;
    }
    module->asked = strdup(name);
    base_module_stat(module, path);
    module->descriptor = dlsym(module->handle, SYMBOL_STRING(AST_SIP_MODULE_SYMBOL));
    if (!module->asked ||
        !descriptor_fits(path, strchr(name, '/') ? NULL : name, module->descriptor)) {
        goto out;
    }
    name = module->descriptor->name;
    if (base_module_find(list->added, name, strlen(name)) ||
        base_module_find(list->running, name, strlen(name))) {
        ast_error("module %s is loaded already", name);
        goto out;
    }
    base_module_append(&list->added, module);
    module = NULL;
    result = 0;
out:
    if (module && module->handle) {
        base_module_free(module);
    } else {
        free(module);
    }
    free(path);
    return result;
}

/* ---- start and end ---- */

/* Starts one that may; it leaves the list of the added in any case. */
static int start_one(struct base_module_list *list, struct module *module)
{
    base_module_unlink(&list->added, module);
    if (module->descriptor->init() != 0) {
        ast_error("module %s did not start", module->descriptor->name);
        base_module_free(module);
        return -1;
    }
    base_module_append(&list->running, module);
    ast_debug("module %s runs", module->descriptor->name);
    return 0;
}

void base_module_drop_added(struct base_module_list *list)
{
    struct module *module;

    while ((module = list->added)) {
        base_module_unlink(&list->added, module);
        base_module_free(module);
    }
}

static struct module *first_startable(const struct base_module_list *list)
{
    struct module *module;

    for (module = list->added; module; module = module->next) {
        if (may_start(list, module)) {
            return module;
        }
    }
    return NULL;
}

int base_module_list_start(struct base_module_list *list)
{
    struct module *module;
    int result = 0;

    while ((module = first_startable(list))) {
        if (start_one(list, module) != 0) {
            result = -1;
        }
    }
    for (module = list->added; module; module = module->next) {
        log_missing(list, module);
        result = -1;
    }
    base_module_drop_added(list);
    return result;
}

static void end_one(struct base_module_list *list, struct module *module)
{
    base_module_unlink(&list->running, module);
    if (module->descriptor->close) {
        module->descriptor->close();
    }
    base_module_free(module);
}

void base_module_list_each(const struct base_module_list *list,
                           void (*see)(const char *name, const char *description, void *data),
                           void *data)
{
    const struct module *module;

    for (module = list->running; module; module = module->next) {
        see(module->descriptor->name, module->descriptor->description, data);
    }
}

void base_module_list_destroy(struct base_module_list *list)
{
    struct module *module;

    if (!list) {
        return;
    }
    base_module_drop_added(list);
    while ((module = list->running)) {
        while (module->next) {
            module = module->next;
        }
        end_one(list, module);
    }
    while ((module = list->ended)) {
        base_module_unlink(&list->ended, module);
        base_module_free(module);
    }
    free(list->folder);
    free(list);
}
