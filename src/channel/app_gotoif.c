/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: GotoIf(condition?[place][:place]): goes on elsewhere when the condition is true, or when it is not. A place that
 * is empty is the next priority.
 */
#include <stdio.h>
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    char text[PBX_TEXT_SIZE];
    char *condition = text, *places = text, *place;

    snprintf(text, sizeof(text), "%s", args);
    strsep(&places, "?");
    if (places == NULL) {
        ast_warning_limited("%s: GotoIf(%s): expected condition?place:place",
                            ast_channel_get_name(channel), args);
        return AST_APPLICATION_DONE;
    }
    place = strsep(&places, ":");
    if (!pbx_is_true(condition)) {
        place = places;
    }
    if (place == NULL || place[strspn(place, " \t")] == '\0') {
        return AST_APPLICATION_DONE;
    }
    return chan_goto_text(channel, place) == 0 ? AST_APPLICATION_JUMP : AST_APPLICATION_HANGUP;
}

const struct ast_application app_gotoif = {.name = "GotoIf",
                                           .synopsis = "Go on elsewhere on a condition",
                                           .start = start};
