/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: NoOp(text): does nothing; the text is in the log where steps are logged.
 */
#include "channel/channel.h"

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    (void)channel;
    (void)args;
    return AST_APPLICATION_DONE;
}

const struct ast_application app_noop = {.name = "NoOp", .synopsis = "Do nothing", .start = start};
