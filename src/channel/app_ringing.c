/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: Ringing: tells the caller (180) and goes on at once.
 */
#include "channel/channel.h"

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    (void)args;
    ast_channel_indicate(channel, AST_CONTROL_RINGING);
    return ast_channel_get_state(channel) == AST_CHANNEL_GONE ? AST_APPLICATION_HANGUP
                                                              : AST_APPLICATION_DONE;
}

const struct ast_application app_ringing = {.name = "Ringing",
                                            .synopsis = "Tell the caller that it rings",
                                            .start = start};
