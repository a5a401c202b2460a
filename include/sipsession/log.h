/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logging. Every function of this file may be called on any thread at any time; none blocks on
 * anything but the write of one line to standard error (or to the file that sipsession.conf names).
 */
#ifndef SIPSESSION_LOG_H
#define SIPSESSION_LOG_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*! \brief How much a line matters; a smaller value matters more */
enum ast_log_level {
    AST_LOG_ERROR,   /*!< something that was asked for cannot be done */
    AST_LOG_WARNING, /*!< something is wrong, and the server goes on without it */
    AST_LOG_NOTICE,  /*!< what an operator wants to see of a healthy server */
    AST_LOG_VERBOSE, /*!< what calls do, a few lines a call */
    AST_LOG_DEBUG    /*!< what the code does */
};

/*!
 * \brief Write one line
 *
 * \param level How much it matters; lines beyond the configured level are dropped
 * \param format As of printf; without a newline. Control characters of the arguments are written
 * escaped, so that a peer's text can never forge a line.
 */
void ast_log(enum ast_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*!
 * \brief Whether lines of a level are written at all
 *
 * For callers whose line is dear to make.
 * \retval 1 they are written
 * \retval 0 they are dropped
 */
int ast_log_enabled(enum ast_log_level level);

/*!
 * \brief Set the level up to which lines are written (AST_LOG_NOTICE until told otherwise)
 */
void ast_log_set_level(enum ast_log_level level);

/* The arguments are not evaluated when the level is off. */
#define ast_error(...)   ast_log(AST_LOG_ERROR, __VA_ARGS__)
#define ast_warning(...) ast_log(AST_LOG_WARNING, __VA_ARGS__)
#define ast_notice(...)  ast_log(AST_LOG_NOTICE, __VA_ARGS__)
#define ast_verbose(...)                                                                           \
    do {                                                                                           \
        if (ast_log_enabled(AST_LOG_VERBOSE)) {                                                    \
            ast_log(AST_LOG_VERBOSE, __VA_ARGS__);                                                 \
        }                                                                                          \
    } while (0)
#define ast_debug(...)                                                                             \
    do {                                                                                           \
        if (ast_log_enabled(AST_LOG_DEBUG)) {                                                      \
            ast_log(AST_LOG_DEBUG, __VA_ARGS__);                                                   \
        }                                                                                          \
    } while (0)

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
