/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: main and its subcommands, each a short file on the library's public headers. Nothing
 * here knows what is inside the library.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

/* The exit statuses of every subcommand. */
enum daemon_exit {
    DAEMON_OK = 0,
    DAEMON_FAILED = 1, /* it could not be done; the reason was said */
    DAEMON_USAGE = 2   /* the command line was wrong */
};

/* Each gets its own name as argv[0]. Returns an enum daemon_exit. */
int daemon_run(int argc, char **argv);
int daemon_check(int argc, char **argv);
int daemon_call(int argc, char **argv);
int daemon_reload(int argc, char **argv);

/* Blocks the signals that are waited for; before any thread is made. with_reload: SIGHUP is one. */
void daemon_block_signals(int with_reload);
/*
 * Makes SIGINT and SIGTERM stop the server: the first ends calls in good order, the second at once;
 * and SIGHUP, when it is blocked, reload its configuration. On a thread of its own, which goes with
 * the process. 0, -1.
 */
int daemon_stop_on_signals(void);

#endif
