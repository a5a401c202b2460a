/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: signals, taken by a thread that waits for them, so that no handler ever interrupts
 * anything. */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include <sipsession/log.h>
#include <sipsession/server.h>

#include "daemon.h"

static int reloads;

static sigset_t awaited(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (reloads) {
        sigaddset(&set, SIGHUP);
    }
    return set;
}

void daemon_block_signals(int with_reload)
{
    sigset_t set;

    reloads = with_reload;
    set = awaited();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void *wait_signals(void *unused)
{
    sigset_t set = awaited();
    int at_once = 0;
    int number;

    (void)unused;
    while (sigwait(&set, &number) == 0) {
        if (number == SIGHUP) {
            ast_notice("Signal %d: reloading", number);
            if (ast_server_reload(NULL, NULL) != 0) {
                ast_error("There is no server to reload any more");
            }
            continue;
        }
        ast_notice("Signal %d: stopping%s", number,
                   at_once ? " at once" : " when calls have ended");
        ast_server_stop(at_once);
        at_once = 1;
    }
    return NULL;
}

int daemon_stop_on_signals(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, wait_signals, NULL) != 0) {
        ast_error("Cannot make a thread for signals");
        return -1;
    }
    pthread_detach(thread);
    return 0;
}
