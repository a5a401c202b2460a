/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: Goto([[context,]extension,]priority): goes on elsewhere.
 */
#include <stdio.h>

#include "channel/channel.h"

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    char text[PBX_TEXT_SIZE];

    snprintf(text, sizeof(text), "%s", args);
    return chan_goto_text(channel, text) == 0 ? AST_APPLICATION_JUMP : AST_APPLICATION_HANGUP;
}

const struct ast_application app_goto = {.name = "Goto",
                                         .synopsis = "Go on at another priority",
                                         .start = start};
