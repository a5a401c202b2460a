/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program as a user writes it, built from the installed files alone: looks at modules (given by
 * path) as the daemon's loader does, every symbol resolved.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/module.h>

int main(int argc, char **argv)
{
    const struct ast_sip_module_abi here = AST_SIP_MODULE_ABI_HERE;

    /* a function of PJSIP and one of the library: both shared objects are in place */
    if (pj_init() != PJ_SUCCESS) {
        return 1;
    }
    ast_log_set_level(AST_LOG_WARNING);
    for (int i = 1; i < argc; i++) {
        void *handle = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
        const struct ast_sip_module *module;

        if (!handle) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        module = dlsym(handle, "ast_sip_module_descriptor");
        if (!module || !module->name || !module->init) {
            fprintf(stderr, "%s: no descriptor\n", argv[i]);
            return 1;
        }
        if (memcmp(&module->abi, &here, sizeof(here)) != 0) {
            fprintf(stderr, "%s: compiled with other settings than this program\n", argv[i]);
            return 1;
        }
        printf("%s: %s\n", module->name, module->description);
    }
    pj_shutdown();
    return argc > 1 ? 0 : 1;
}
