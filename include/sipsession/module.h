/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A loadable module: a shared object with one descriptor, made by AST_SIP_MODULE. Modules use the
 * installed headers only. `pkg-config --cflags --libs sipsession` is all that a build needs:
 *
 *     cc -shared -fPIC -o hello.so hello.c $(pkg-config --cflags --libs sipsession)
 */
#ifndef SIPSESSION_MODULE_H
#define SIPSESSION_MODULE_H

#include <pjsip.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*! \brief Raised when a struct or a function that modules see changes its meaning */
#define AST_SIP_MODULE_ABI 2

/*!
 * \brief What a module and the library must have been compiled alike with
 *
 * PJSIP's structs depend on config_site.h. The loader refuses a module whose numbers differ from
 * the library's own, and says which one.
 */
struct ast_sip_module_abi {
    unsigned abi;              /*!< AST_SIP_MODULE_ABI */
    unsigned pjsip_max_module; /*!< PJSIP_MAX_MODULE */
    unsigned rx_data_size;     /*!< sizeof(pjsip_rx_data) */
    unsigned tx_data_size;     /*!< sizeof(pjsip_tx_data) */
    unsigned dialog_size;      /*!< sizeof(pjsip_dialog) */
};

/*! \brief The descriptor of a module; make it with AST_SIP_MODULE */
struct ast_sip_module {
    const char *name;        /*!< the name in `load = NAME`, and of the file NAME.so */
    const char *description; /*!< one line for `sipsession show modules` */
    const char
        *requires; /*!< names of modules that must be loaded before, separated by blanks; or NULL */
    /*!
     * \brief Start the module; on the SIP thread
     *
     * \retval 0 it runs
     * \retval -1 it is not loaded; what it logged is the reason. It must have undone what it did.
     */
    int (*init)(void);
    /*!
     * \brief End the module; on the SIP thread, before the shared object goes
     *
     * It unregisters all that init registered. Calls may be up; none of its callbacks runs
     * afterwards. When a reload takes the module away the shared object stays where it is until the
     * server ends, with its variables: init may be called again. May be NULL.
     */
    void (*close)(void);
    /*!
     * \brief How many calls, or the like, would lose something if the module ended now; on the SIP
     * thread
     *
     * As long as there are any, a reload whose configuration does not name the module leaves it
     * loaded, with a warning. What lives on well without the module does not count. May be NULL:
     * it may always go.
     */
    unsigned (*in_use)(void);
    struct ast_sip_module_abi abi; /*!< filled by AST_SIP_MODULE */
};

/*! \brief The symbol under which the loader finds the descriptor */
#define AST_SIP_MODULE_SYMBOL ast_sip_module_descriptor

/*! \brief The numbers of whoever compiles this line */
#define AST_SIP_MODULE_ABI_HERE                                                                    \
    {                                                                                              \
        AST_SIP_MODULE_ABI, PJSIP_MAX_MODULE, sizeof(pjsip_rx_data), sizeof(pjsip_tx_data),        \
            sizeof(pjsip_dialog)                                                                   \
    }

/*!
 * \brief Define the module's descriptor
 *
 *     AST_SIP_MODULE(.name = "hello", .description = "says hello", .init = hello_init, .close = hello_close);
 */
#define AST_SIP_MODULE(...)                                                                        \
    extern const struct ast_sip_module AST_SIP_MODULE_SYMBOL;                                      \
    __attribute__((visibility("default")))                                                         \
    const struct ast_sip_module AST_SIP_MODULE_SYMBOL = {__VA_ARGS__,                              \
                                                         .abi = AST_SIP_MODULE_ABI_HERE}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
