/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: Hangup([cause]): ends the call; the cause of Q.850, by number or name, decides the SIP status of a call that
 * was not answered (RFC 3398 7.2.4.1).
 */
#include <stdio.h>

#include <sipsession/log.h>

#include "channel/channel.h"

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    char text[64], *name;

    snprintf(text, sizeof(text), "%s", args);
    if (chan_split(text, ',', &name, 1) > 0) {
        int cause = chan_cause_parse(name);

        if (cause > 0) {
            ast_channel_set_cause(channel, cause);
        } else {
            ast_warning_limited("%s: Hangup(%s): expected a cause of Q.850",
                                ast_channel_get_name(channel), args);
        }
    }
    return AST_APPLICATION_HANGUP;
}

const struct ast_application app_hangup = {.name = "Hangup",
                                           .synopsis = "End the call",
                                           .start = start};
