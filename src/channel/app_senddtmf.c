/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: SendDTMF(digits[,pause[,duration]]): sends digits one after the other, by the way that
 * the channel has for them. The channel's timer is the pace.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"

#define DEFAULT_PAUSE_MS    250
#define DEFAULT_DURATION_MS 100
#define MAX_PAUSE_MS        60000

struct digits {
    const char *next;
    unsigned pause_ms;
    unsigned duration_ms;
    char text[];
};

/* The next digit goes; or the end. */
static void send_next(struct ast_channel *channel)
{
    struct digits *digits = ast_application_get_data(channel);
    char digit = (char)toupper((unsigned char)*digits->next);
    unsigned wait = 0;
    int result = 0;

    if (digit == '\0') {
        ast_application_done(channel, AST_APPLICATION_DONE);
        return;
    }
    ++digits->next;
    if (digit == 'W') { /* w: half a second; W: a second */
        wait = digits->next[-1] == 'w' ? 500 : 1000;
    } else if (strchr("0123456789*#ABCD", digit) != NULL) {
        wait = digits->duration_ms + digits->pause_ms;
        result = ast_channel_send_digit(channel, digit, digits->duration_ms);
    }
    if (ast_channel_get_state(channel) == AST_CHANNEL_GONE) {
        return; /* sending ended the call, and this run with it */
    }
    if (result != 0) {
        ast_application_done(channel, AST_APPLICATION_DONE); /* nor would the others go */
    } else if (chan_timer_start(channel, wait, send_next) != 0) {
        ast_application_done(channel, AST_APPLICATION_HANGUP);
    }
}

/* A number of milliseconds; `otherwise` without one; -1: it is none. */
static long milliseconds(const char *text, long least, long most, long otherwise)
{
    char *end;
    long value;

    if (text[0] == '\0') {
        return otherwise;
    }
    value = strtol(text, &end, 10);
    return *end == '\0' && value >= least && value <= most ? value : -1;
}

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    size_t size = strlen(args) + 1;
    long pause, duration;
    struct digits *digits;
    char *parts[4];

    if (ast_channel_get_state(channel) == AST_CHANNEL_GONE) {
        return AST_APPLICATION_HANGUP;
    }
    digits = calloc(1, sizeof(*digits) + size);
    if (digits == NULL) {
        ast_error_limited("%s: no memory for SendDTMF", ast_channel_get_name(channel));
        return AST_APPLICATION_HANGUP;
    }
    memcpy(digits->text, args, size);
    chan_split(digits->text, ',', parts, PJ_ARRAY_SIZE(parts));
    pause = milliseconds(parts[1], 0, MAX_PAUSE_MS, DEFAULT_PAUSE_MS);
    duration = milliseconds(parts[2], 40, 5000, DEFAULT_DURATION_MS);
    if (parts[0][0] == '\0' || pause < 0 || duration < 0 || parts[3][0] != '\0') {
        ast_warning_limited(
            "%s: SendDTMF(%s): expected digits[,pause in ms[,duration in ms, 40 to 5000]]",
            ast_channel_get_name(channel), args);
        free(digits);
        return AST_APPLICATION_DONE;
    }
    digits->next = parts[0];
    digits->pause_ms = (unsigned)pause;
    digits->duration_ms = (unsigned)duration;
    ast_application_set_data(channel, digits);
    if (chan_timer_start(channel, 0, send_next) != 0) {
        free(digits);
        ast_application_set_data(channel, NULL);
        return AST_APPLICATION_HANGUP;
    }
    return AST_APPLICATION_RUNNING;
}

static void stop(struct ast_channel *channel)
{
    chan_timer_stop(channel);
    free(ast_application_get_data(channel));
}

const struct ast_application app_senddtmf = {.name = "SendDTMF",
                                             .synopsis = "Send digits",
                                             .start = start,
                                             .stop = stop};
