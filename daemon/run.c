/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: run the server until a signal says stop. */
#include <getopt.h>
#include <stdio.h>
#include <sys/resource.h>

#include <sipsession/log.h>
#include <sipsession/server.h>

#include "daemon.h"

static const char help[] =
    "Usage: sipsession run -c DIR [-m DIR] [-v] [-d]\n\n"
    "  -c, --config DIR    the folder of pjsip.conf, extensions.conf and sipsession.conf\n"
    "  -m, --modules DIR   the folder of loadable modules\n"
    "  -v, --verbose       log what calls do\n"
    "  -d, --debug         log what the code does\n";

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'}, {"modules", required_argument, NULL, 'm'},
    {"verbose", no_argument, NULL, 'v'},      {"debug", no_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
};

/* A call holds two descriptors for its RTP: the usual soft limit of 1024 would end at 500 calls. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int daemon_run(int argc, char **argv)
{
    struct ast_server_options server;
    int option;

    ast_server_options_init(&server);
    while ((option = getopt_long(argc, argv, "c:m:vdh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            server.config_dir = optarg;
            break;
        case 'm':
            server.module_dir = optarg;
            break;
        case 'v':
            server.log_level = AST_LOG_VERBOSE;
            break;
        case 'd':
            server.log_level = AST_LOG_DEBUG;
            break;
        case 'h':
            fputs(help, stdout);
            return DAEMON_OK;
        default:
            fputs(help, stderr);
            return DAEMON_USAGE;
        }
    }
    if (server.config_dir == NULL || optind < argc) {
        fputs(help, stderr);
        return DAEMON_USAGE;
    }
    raise_descriptors();
    daemon_block_signals(1);
    if (ast_server_start(&server) != 0) {
        return DAEMON_FAILED;
    }
    if (daemon_stop_on_signals() != 0) {
        ast_server_stop(1);
    }
    ast_server_wait();
    return DAEMON_OK;
}
