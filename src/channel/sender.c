/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: what is sent beside the audio: digits, texts. Modules register ways; telephone-event,
 * which the audio itself carries, is the way of digits that nobody else takes. No SIP here.
 */
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/media.h>

#include "channel/channel.h"

static struct ast_channel_sender *first;

int ast_channel_register_sender(struct ast_channel_sender *sender)
{
    struct ast_channel_sender **at = &first;

    base_assert_sip_thread();
    for (; *at != NULL; at = &(*at)->next) {
        if (*at == sender) {
            ast_error("The way of sending %s is registered already", sender->name);
            return -1;
        }
    }
    sender->next = NULL;
    *at = sender;
    return 0;
}

void ast_channel_unregister_sender(struct ast_channel_sender *sender)
{
    struct ast_channel_sender **at = &first;

    base_assert_sip_thread();
    while (*at != NULL && *at != sender) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = sender->next;
    }
}

int ast_channel_send_digit(struct ast_channel *channel, char digit, unsigned duration_ms)
{
    base_assert_sip_thread();
    if (channel->state == AST_CHANNEL_GONE || digit == '\0' ||
        strchr("0123456789*#ABCD", digit) == NULL) {
        return -1;
    }
    for (struct ast_channel_sender *at = first; at != NULL; at = at->next) {
        int result = at->digit != NULL ? at->digit(channel, digit, duration_ms) : 1;

        if (result != 1) {
            return result;
        }
    }
    if (channel->rtp == NULL || ast_rtp_send_dtmf(channel->rtp, digit, duration_ms) != 0) {
        ast_warning_limited("%s: there is no way to send digit %c", channel->name, digit);
        return -1;
    }
    return 0;
}

int ast_channel_send_text(struct ast_channel *channel, const char *text)
{
    base_assert_sip_thread();
    if (channel->state == AST_CHANNEL_GONE) {
        return -1;
    }
    for (struct ast_channel_sender *at = first; at != NULL; at = at->next) {
        int result = at->text != NULL ? at->text(channel, text) : 1;

        if (result != 1) {
            return result;
        }
    }
    return 1;
}
