/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: Busy: ends the call, with 486 when it is not answered yet. No tone is played on an answered one.
 */
#include "channel/channel.h"

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    (void)args;
    ast_channel_set_cause(channel, AST_CAUSE_USER_BUSY);
    return AST_APPLICATION_HANGUP;
}

const struct ast_application app_busy = {.name = "Busy",
                                         .synopsis = "End the call as busy",
                                         .start = start};
