/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: say what is wrong with a configuration. */
#include <getopt.h>
#include <stdio.h>

#include <sipsession/server.h>

#include "daemon.h"

static const char help[] =
    "Usage: sipsession check -c DIR\n\n"
    "  -c, --config DIR    the folder of pjsip.conf, extensions.conf and sipsession.conf\n\n"
    "Exit status: 0 no errors (there may be warnings), 1 errors, 2 wrong usage.\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

int daemon_check(int argc, char **argv)
{
    const char *folder = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (option == 'c') {
            folder = optarg;
        } else {
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? DAEMON_OK : DAEMON_USAGE;
        }
    }
    if (folder == NULL || optind < argc) {
        fputs(help, stderr);
        return DAEMON_USAGE;
    }
    return ast_server_check(folder, stdout) == 0 ? DAEMON_OK : DAEMON_FAILED;
}
