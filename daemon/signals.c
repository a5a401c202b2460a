/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: signals, taken by a thread that waits for them, so that no handler ever interrupts
 * anything. */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include <sipsession/log.h>
#include <sipsession/server.h>

#include "daemon.h"

static sigset_t stop_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

void daemon_block_signals(void)
{
    sigset_t set = stop_signals();

    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void *wait_signals(void *unused)
{
    sigset_t set = stop_signals();
    int at_once = 0;
    int number;

    (void)unused;
    while (sigwait(&set, &number) == 0) {
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
