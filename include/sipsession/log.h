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

/*! \brief What one place in the code has logged lately; static, of AST_LOG_LIMIT */
struct ast_log_limit {
    int level;                /*!< enum ast_log_level of what is told of the others */
    unsigned lines;           /*!< that are written in a second */
    const char *format;       /*!< of these lines */
    unsigned long long state; /*!< this and what follows: the log's own */
    int queued;
    struct ast_log_limit *next;
};

/*! \brief How many lines a second one place writes */
#define AST_LOG_LINES 5

/*! \brief A static struct ast_log_limit */
#define AST_LOG_LIMIT(level, lines, format)                                                        \
    {                                                                                              \
        level, lines, format, 0, 0, 0                                                              \
    }

/*!
 * \brief Write one line, unless there are too many of its kind
 *
 * For every line that a peer can cause: whoever sends the same message again and again must not
 * fill a disk. Of the lines beyond those of a second the number is logged when it is over.
 *
 * \param limit What decides; borrowed for good: it must be static
 * \param level How much it matters; lines beyond the configured level are not counted
 * \param format As of ast_log
 */
void ast_log_limited(struct ast_log_limit *limit, enum ast_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

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
/* What a peer can cause; each place has a limit of its own. */
#define ast_error_limited(...)   AST_LOG_LIMITED_(AST_LOG_ERROR, __VA_ARGS__)
#define ast_warning_limited(...) AST_LOG_LIMITED_(AST_LOG_WARNING, __VA_ARGS__)
#define ast_notice_limited(...)  AST_LOG_LIMITED_(AST_LOG_NOTICE, __VA_ARGS__)
#define AST_LOG_LIMITED_(level, ...)                                                               \
    do {                                                                                           \
        static struct ast_log_limit ast_log_limit_ =                                               \
            AST_LOG_LIMIT(level, AST_LOG_LINES, AST_LOG_FIRST_(__VA_ARGS__, 0));                   \
        ast_log_limited(&ast_log_limit_, level, __VA_ARGS__);                                      \
    } while (0)
#define AST_LOG_FIRST_(first, ...) first
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
