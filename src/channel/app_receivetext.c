/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: ReceiveText([seconds]): waits until a text comes, which is in ${RECEIVETEXTMESSAGE}
 * then, as ever when one comes.
 */
#include <sipsession/log.h>

#include "channel/channel.h"

static void set_status(struct ast_channel *channel, const char *status)
{
    ast_channel_set_variable(channel, "RECEIVETEXTSTATUS", status);
}

static void on_time(struct ast_channel *channel)
{
    set_status(channel, "FAILURE");
    ast_application_done(channel, AST_APPLICATION_DONE);
}

static enum ast_application_result on_text(struct ast_channel *channel, const char *text)
{
    (void)text;
    set_status(channel, "SUCCESS");
    return AST_APPLICATION_DONE;
}

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    long milliseconds = args[0] != '\0' ? chan_parse_seconds(args) : 0;

    if (ast_channel_get_state(channel) == AST_CHANNEL_GONE) {
        return AST_APPLICATION_HANGUP;
    }
    if (milliseconds < 0) {
        ast_warning_limited("%s: ReceiveText(%s): expected seconds", ast_channel_get_name(channel),
                            args);
        set_status(channel, "FAILURE");
        return AST_APPLICATION_DONE;
    }
    /* Without a time it waits for as long as the call lasts. */
    if (milliseconds > 0 && chan_timer_start(channel, (unsigned)milliseconds, on_time) != 0) {
        return AST_APPLICATION_HANGUP;
    }
    return AST_APPLICATION_RUNNING;
}

const struct ast_application app_receivetext = {.name = "ReceiveText",
                                                .synopsis = "Wait for a text",
                                                .start = start,
                                                .stop = chan_timer_stop,
                                                .text = on_text};
