/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server as a whole: start, stop, check. A program calls these from its main thread; everything
 * else of this library happens on the SIP thread that ast_server_start makes.
 */
#ifndef SIPSESSION_SERVER_H
#define SIPSESSION_SERVER_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*! \brief What a server is started with; zero it with ast_server_options_init */
struct ast_server_options {
    /*!
     * Folder of pjsip.conf, extensions.conf and sipsession.conf. NULL: no files; an endpoint
     * "anonymous" does not exist then, and the program makes its endpoints itself
     * (ast_sip_endpoint_create).
     */
    const char *config_dir;
    /*! Folder of loadable modules; NULL: the one that the library was installed with, or
     * $SIPSESSION_MODULES */
    const char *module_dir;
    /*! With no config_dir: address to bind UDP and TCP to, e.g. "127.0.0.1:0"; NULL: 127.0.0.1, any
     * free port */
    const char *bind;
    /*! With no config_dir: the modules to load, separated by blanks; NULL: the shipped defaults */
    const char *modules;
    /*!
     * The level of the log (enum ast_log_level of log.h) when it is more than what sipsession.conf says; 0: as the
     * file says
     */
    int log_level;
    /*! Called on the SIP thread when everything runs, before the first message; may be NULL.
     * Non-zero stops. */
    int (*started)(void *data);
    void *data;
};

void ast_server_options_init(struct ast_server_options *options);

/*!
 * \brief Start: read the configuration, make the SIP thread, load modules, open transports
 *
 * \retval 0 It runs
 * \retval -1 It does not, all is undone; what was wrong is logged with file and line
 */
int ast_server_start(const struct ast_server_options *options);

/*!
 * \brief Ask the server to stop; any thread, also in a signal handler's thread; returns at once
 *
 * \param at_once 0: end calls with BYE and wait for their end, 32 s at most. 1: now (a second
 * request).
 */
void ast_server_stop(int at_once);

/*!
 * \brief Read the configuration again and put it into force, without dropping a call; any thread, returns at once
 *
 * All of it comes into force, or nothing of it: then the one of before goes on. The file of the log is opened anew in
 * both cases. What a reload changes, and what needs a restart, is in docs/reload.md. A reload that is asked for while
 * another one reads its files comes behind it.
 *
 * \param done Called once with what came of it, on the SIP thread; may be NULL, the log has it in any case. result 0:
 *             in force; -1: refused. text: lines of what is wrong, as ast_server_check prints them, and what has
 *             changed; borrowed.
 * \param data For done
 * \retval 0 done will be called
 * \retval -1 There is no server, or it has stopped; done is not called
 */
int ast_server_reload(void (*done)(int result, const char *text, void *data), void *data);

/*!
 * \brief Send a request to the server that runs on a folder, perhaps in another process, and wait for the answer
 *
 * It is sent over the socket that `[control]` of sipsession.conf names. No server is started. Requests are lines;
 * there is "reload".
 *
 * \param config_dir The folder
 * \param socket Path of the socket, instead of the one that the folder's files name; or NULL
 * \param request The line, without its end
 * \param out Gets the lines of the answer as they come
 * \return 0: done; 1: it was not; 2: no such request; -1: no server answered, why is logged
 */
int ast_server_ask(const char *config_dir, const char *socket, const char *request, FILE *out);

/*! \brief Wait until the server has stopped, whoever asked for it; not on the SIP thread. All is
 * freed then. */
void ast_server_wait(void);

/*!
 * \brief Read a configuration and tell what is wrong with it, without starting anything
 *
 * \param config_dir The folder
 * \param out Gets a line for each error and warning, with file and line, and a summary
 * \return The number of errors
 */
int ast_server_check(const char *config_dir, FILE *out);

/*! \brief The version of the library: "0.1.0"; static */
const char *ast_server_version(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
