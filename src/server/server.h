/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server as a whole, private: it alone knows every room, and in which order they start. Nothing
 * includes this but the files of this folder and their tests.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <sipsession/server.h>

#include "config/config.h"
#include "control/control.h"

/* How long a stop waits for calls to end: the 32 s of a BYE that nobody answers (64*T1, RFC 3261
 * 17). */
#define SERVER_STOP_SECONDS 33

/*
 * Reads the files, or makes the same of a program's options. 0, or -1 with everything that is wrong
 * logged; then config is untouched. Release with config_release.
 */
int server_setup(const struct ast_server_options *options, struct config *config);

/* ---- reload.c, SIP thread ---- */

/* The folder of the files, NULL: there are none; the least level of the log; what may be changed.
 * 0; -1 no memory. */
int server_reload_start(const char *folder, int log_level, struct config *in_force,
                        struct base_module_list *modules);
/* No reload comes into force from now on; those that wait are told when their task runs. */
void server_reload_stop(void);
/* Behind everything. */
void server_reload_forget(void);

/* ---- reload_settings.c: what sipsession.conf says of the server ---- */

/* What can fail. 0; -1 logged, nothing changed. */
int server_settings_prepare(const struct config_settings *now, struct config_settings *next);
/* Puts next into force; what needs a restart stays in it as it is now, with a warning for each. */
void server_settings_commit(const struct config_settings *now, struct config_settings *next);

/* ---- requests.c: what an operator asks for ---- */

/* control_handler. */
void server_request(struct control_request *request, const char *line, void *unused);

#endif
