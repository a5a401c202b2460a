/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message: the channel on which the dialplan works on a message: nobody is at its other end, so it
 * has no audio and cannot be answered. Any other channel may have a message, too: one to send.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "message.h"

/* What a channel keeps: its message, and who waits for its end. */
struct kept {
    struct message *message;
    struct message_sender *sender; /* NULL: nobody */
};

static void destroy(void *data)
{
    struct kept *kept = data;

    message_destroy(kept->message);
    if (kept->sender != NULL) {
        message_queue_done(kept->sender);
    }
    free(kept);
}

static const struct ast_channel_tech tech = {.name = "Message", .no_media = 1};
static const struct ast_channel_cookie cookie = {.name = "message", .destroy = destroy};

/* Takes message unless it fails. */
static int keep(struct ast_channel *channel, struct message *message, struct message_sender *sender)
{
    struct kept *kept = malloc(sizeof(*kept));

    if (kept == NULL) {
        ast_error_limited("%s: no memory for a message", ast_channel_get_name(channel));
        return -1;
    }
    *kept = (struct kept){message, sender};
    if (ast_channel_set_cookie(channel, &cookie, kept) != 0) {
        free(kept);
        return -1;
    }
    return 0;
}

struct message *message_of(struct ast_channel *channel, int make)
{
    const struct kept *kept = ast_channel_get_cookie(channel, &cookie);
    struct message *message;

    if (kept != NULL || !make) {
        return kept != NULL ? kept->message : NULL;
    }
    message = message_create();
    if (message != NULL && keep(channel, message, NULL) != 0) {
        message_destroy(message);
        return NULL;
    }
    return message;
}

struct ast_channel *message_channel_create(struct message_arrival *arrival,
                                           struct message_sender *sender)
{
    static unsigned last;
    struct ast_channel_options options = {.tech = &tech,
                                          .state = AST_CHANNEL_UP,
                                          .context = arrival->context,
                                          .exten = arrival->exten,
                                          .caller = &arrival->caller};
    const struct ast_sip_variable *at;
    struct ast_channel *channel;
    char name[128];

    snprintf(name, sizeof(name), "Message/%.100s-%08x", arrival->endpoint->name, last++);
    options.name = name;
    channel = ast_channel_create(&options);
    if (channel == NULL || keep(channel, arrival->message, sender) != 0) {
        ast_channel_unref(channel);
        return NULL;
    }
    arrival->message = NULL; /* the channel's now, and so is the sender's turn */
    for (at = arrival->endpoint->variables; at != NULL; at = at->next) {
        ast_channel_write(channel, at->name, at->value);
    }
    return channel;
}

void message_channel_run(struct ast_channel *channel)
{
    if (ast_pbx_start(channel) != 0) {
        ast_notice_limited("%s: a message to %s, which is no extension of %s any more",
                           ast_channel_get_name(channel), ast_channel_get_exten(channel),
                           ast_channel_get_context(channel));
        ast_channel_hangup(channel, AST_CAUSE_UNALLOCATED);
    }
    ast_channel_unref(channel);
}

void message_channels_stop(void)
{
    ast_channel_drop_driver(&tech);
    ast_channel_drop_cookies(&cookie);
}
