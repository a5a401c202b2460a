/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: tell the server that runs on a folder to read its configuration again. */
#include <getopt.h>
#include <stdio.h>

#include <sipsession/server.h>

#include "daemon.h"

static const char help[] =
    "Usage: sipsession reload -c DIR [-s SOCKET]\n\n"
    "  -c, --config DIR     the folder that the server runs on\n"
    "  -s, --socket SOCKET  the server's socket, when its sipsession.conf does not name it any more\n\n"
    "Prints what is wrong with the configuration, and what has changed.\n"
    "Exit status: 0 it is in force, 1 it was refused and the one of before stays, or no server\n"
    "answered, 2 wrong usage.\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"socket", required_argument, NULL, 's'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

int daemon_reload(int argc, char **argv)
{
    const char *folder = NULL, *path = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "c:s:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            folder = optarg;
            break;
        case 's':
            path = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            return DAEMON_OK;
        default:
            fputs(help, stderr);
            return DAEMON_USAGE;
        }
    }
    if (folder == NULL || optind < argc) {
        fputs(help, stderr);
        return DAEMON_USAGE;
    }
    return ast_server_ask(folder, path, "reload", stdout) == 0 ? DAEMON_OK : DAEMON_FAILED;
}
