/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: Proceeding: tells the caller (100) and goes on at once.
 */
#include "channel/channel.h"

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    (void)args;
    ast_channel_indicate(channel, AST_CONTROL_PROCEEDING);
    return ast_channel_get_state(channel) == AST_CHANNEL_GONE ? AST_APPLICATION_HANGUP
                                                              : AST_APPLICATION_DONE;
}

const struct ast_application app_proceeding = {.name = "Proceeding",
                                               .synopsis =
                                                   "Tell the caller that the call is worked on",
                                               .start = start};
