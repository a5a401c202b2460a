/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server as a whole, private: it alone knows every room, and in which order they start. Nothing
 * includes this but the files of this folder and their tests.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <sipsession/server.h>

#include "config/config.h"

/* How long a stop waits for calls to end: the 32 s of a BYE that nobody answers (64*T1, RFC 3261
 * 17). */
#define SERVER_STOP_SECONDS 33

/*
 * Reads the files, or makes the same of a program's options. 0, or -1 with everything that is wrong
 * logged; then config is untouched. Release with config_release.
 */
int server_setup(const struct ast_server_options *options, struct config *config);

#endif
