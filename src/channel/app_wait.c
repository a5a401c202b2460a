/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: Wait(seconds): waits; fractions are taken. It ends early when the call does.
 */
#include <sipsession/log.h>

#include "channel/channel.h"

static void on_time(struct ast_channel *channel)
{
    ast_application_done(channel, AST_APPLICATION_DONE);
}

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    long milliseconds = chan_parse_seconds(args);

    if (ast_channel_get_state(channel) == AST_CHANNEL_GONE) {
        return AST_APPLICATION_HANGUP;
    }
    if (milliseconds < 0) {
        ast_warning_limited("%s: Wait(%s): expected seconds", ast_channel_get_name(channel), args);
        return AST_APPLICATION_DONE;
    }
    if (milliseconds == 0) {
        return AST_APPLICATION_DONE;
    }
    if (chan_timer_start(channel, (unsigned)milliseconds, on_time) != 0) {
        return AST_APPLICATION_HANGUP;
    }
    return AST_APPLICATION_RUNNING;
}

const struct ast_application app_wait = {.name = "Wait",
                                         .synopsis = "Wait for some seconds",
                                         .start = start,
                                         .stop = chan_timer_stop};
