/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: finds the subcommand. */
#include <stdio.h>
#include <string.h>

#include <sipsession/server.h>

#include "daemon.h"

static int print_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("sipsession %s\n", ast_server_version());
    return DAEMON_OK;
}

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"run", daemon_run, "run -c DIR          run the server on the configuration files in DIR"},
    {"check", daemon_check,
     "check -c DIR        say what is wrong with the configuration files in DIR"},
    {"reload", daemon_reload,
     "reload -c DIR       tell the server that runs on DIR to read its configuration again"},
    {"call", daemon_call,
     "call URI            call somebody, send a tone, say whether it came back"},
    {"version", print_version, "version             print the version"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
    fprintf(out, "Usage: sipsession COMMAND [OPTION ...]\n\n");
    for (size_t i = 0; i < COMMANDS; ++i) {
        fprintf(out, "  %s\n", commands[i].help);
    }
    fprintf(out, "\n'sipsession COMMAND --help' tells more of one. See also sipsession(1).\n");
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        usage(stdout);
        return DAEMON_OK;
    }
    if (strcmp(name, "--version") == 0) {
        name = "version";
    }
    for (size_t i = 0; i < COMMANDS; ++i) {
        if (strcmp(name, commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    if (argc > 1) {
        fprintf(stderr, "sipsession: there is no command '%s'\n\n", name);
    }
    usage(stderr);
    return DAEMON_USAGE;
}
