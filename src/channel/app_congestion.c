/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: Congestion: ends the call, with 503 when it is not answered yet. No tone is played on an answered one.
 */
#include "channel/channel.h"

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    (void)args;
    ast_channel_set_cause(channel, AST_CAUSE_CONGESTION);
    return AST_APPLICATION_HANGUP;
}

const struct ast_application app_congestion = {.name = "Congestion",
                                               .synopsis = "End the call as congested",
                                               .start = start};
