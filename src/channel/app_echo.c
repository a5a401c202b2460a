/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: Echo: sends the caller what comes from it, until it hangs up or sends #. Packets are turned round on the media
 * thread, without decoding.
 */
#include <sipsession/media.h>

#include "channel/channel.h"

static void echo(struct ast_channel *channel)
{
    if (ast_channel_get_rtp(channel) != NULL) {
        ast_rtp_set_echo(ast_channel_get_rtp(channel));
    }
}

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    (void)args;
    if (ast_channel_get_state(channel) == AST_CHANNEL_GONE) {
        return AST_APPLICATION_HANGUP;
    }
    if (channel->tech->no_media) {
        return AST_APPLICATION_DONE;
    }
    echo(channel); /* without audio yet: rtp_changed comes */
    return AST_APPLICATION_RUNNING;
}

static void stop(struct ast_channel *channel)
{
    if (ast_channel_get_rtp(channel) != NULL) {
        ast_rtp_set_idle(ast_channel_get_rtp(channel));
    }
}

static enum ast_application_result dtmf(struct ast_channel *channel, char digit)
{
    (void)channel;
    return digit == '#' ? AST_APPLICATION_DONE : AST_APPLICATION_RUNNING;
}

const struct ast_application app_echo = {.name = "Echo",
                                         .synopsis = "Send the audio back until #",
                                         .start = start,
                                         .stop = stop,
                                         .dtmf = dtmf,
                                         .rtp_changed = echo};
