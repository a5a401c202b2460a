/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: SendText(text): sends a text by the way that the channel has for them, waits for what
 * becomes of it, and says so in ${SENDTEXTSTATUS}.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"

/* Longer than a request of SIP can be without an answer (RFC 3261 17.1.2.2: 32 s). */
#define PATIENCE_MS 40000

static void set_status(struct ast_channel *channel, const char *status)
{
    ast_channel_set_variable(channel, "SENDTEXTSTATUS", status);
}

static void on_time(struct ast_channel *channel)
{
    set_status(channel, "FAILURE");
    ast_application_done(channel, AST_APPLICATION_DONE);
}

static enum ast_application_result on_sent(struct ast_channel *channel, int result)
{
    set_status(channel, result == 0 ? "SUCCESS" : "FAILURE");
    return AST_APPLICATION_DONE;
}

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    char *text, *parts[1];
    int result;

    if (ast_channel_get_state(channel) == AST_CHANNEL_GONE) {
        return AST_APPLICATION_HANGUP;
    }
    text = strdup(args);
    if (text == NULL) {
        ast_error_limited("%s: no memory for SendText", ast_channel_get_name(channel));
        return AST_APPLICATION_HANGUP;
    }
    chan_split(text, '\0', parts, 1); /* one argument: a comma is a comma; takes quotes away */
    result = ast_channel_send_text(channel, parts[0]);
    free(text);
    if (ast_channel_get_state(channel) == AST_CHANNEL_GONE) {
        return AST_APPLICATION_HANGUP;
    }
    if (result == 0 && chan_timer_start(channel, PATIENCE_MS, on_time) == 0) {
        return AST_APPLICATION_RUNNING;
    }
    set_status(channel, result == 1 ? "UNSUPPORTED" : "FAILURE");
    return AST_APPLICATION_DONE;
}

const struct ast_application app_sendtext = {.name = "SendText",
                                             .synopsis = "Send a text",
                                             .start = start,
                                             .stop = chan_timer_stop,
                                             .text_sent = on_sent};
