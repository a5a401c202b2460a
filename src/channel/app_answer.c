/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: Answer([delay]): answers the call, then waits for so many milliseconds.
 */
#include <stdlib.h>

#include <sipsession/log.h>

#include "channel/channel.h"

#define MAX_DELAY 60000

static void on_time(struct ast_channel *channel)
{
    ast_application_done(channel, AST_APPLICATION_DONE);
}

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    unsigned long delay = strtoul(args, NULL, 10);

    if (ast_channel_answer(channel) != 0) {
        return AST_APPLICATION_HANGUP;
    }
    if (delay == 0) {
        return AST_APPLICATION_DONE;
    }
    if (chan_timer_start(channel, delay < MAX_DELAY ? (unsigned)delay : MAX_DELAY, on_time) != 0) {
        return AST_APPLICATION_HANGUP;
    }
    return AST_APPLICATION_RUNNING;
}

const struct ast_application app_answer = {.name = "Answer",
                                           .synopsis = "Answer the call",
                                           .start = start,
                                           .stop = chan_timer_stop};
