/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: the executor: a machine for each channel that runs the priorities of its extension, one
 * after the other, on the SIP thread. It never waits: an application that does says RUNNING, and
 * the machine goes on when it is done.
 *
 *  1. The loop runs steps until an application is RUNNING, a turn's worth of steps is done, or the
 * dialplan ends. It is on the stack of a channel once at most; what happens to the channel
 * meanwhile is seen by it afterwards.
 *  2. Between start (that returned RUNNING) and stop, exec.app is set and the loop is not on the
 * stack.
 *  3. At the end of the dialplan the channel is hung up; a channel that is hung up runs `h`, once,
 * and then ends.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/res_sip.h>

#include "channel/channel.h"

/* Steps in a row before the network has its turn again. */
#define STEPS_PER_TURN 64
/* Steps without any wait after which a dialplan is taken for one that goes in circles. */
#define MAX_IDLE_STEPS 20000

enum turn { TURN_GO_ON, TURN_END };

static void loop(struct ast_channel *channel, enum turn turn);

/* ---- where it is ---- */

/* Patterns never match the special extensions: `_.` is not meant to catch a hang-up. */
static int find(struct ast_channel *channel, const char *exten, int priority,
                struct pbx_place *place)
{
    struct pbx_query query = {.context = channel->context,
                              .exten = exten,
                              .caller = channel->caller.number,
                              .priority = priority,
                              .exact = strcmp(exten, "h") == 0 || strcmp(exten, "i") == 0};

    return pbx_find(channel->exec.pbx, &query, place);
}

static void set_exten(struct ast_channel *channel, const char *exten, int priority)
{
    base_copy_text(channel->exten, sizeof(channel->exten), exten, strlen(exten));
    channel->priority = priority;
}

/* The next priority: next door as a rule. */
static void advance(struct ast_channel *channel)
{
    struct pbx_place *place = &channel->exec.place;

    ++channel->priority;
    if (place->exten != NULL && place->first && place->index + 1 < place->exten->count &&
        place->exten->steps[place->index + 1].priority == channel->priority) {
        ++place->index;
    } else {
        place->exten = NULL;
    }
}

/* One of the special extensions. 0; -1: the context has none. */
static int enter_special(struct ast_channel *channel, const char *exten)
{
    struct pbx_place place;

    if (find(channel, exten, 1, &place) != 0) {
        return -1;
    }
    set_exten(channel, exten, 1);
    channel->exec.place = place;
    return 0;
}

/* There is no such priority: `i` when there is no such extension at all, else the extension is
 * through. */
static enum turn fall_through(struct ast_channel *channel)
{
    struct pbx_place place;

    if (channel->exec.in_h) {
        return TURN_END;
    }
    if (find(channel, channel->exten, 1, &place) == 0) {
        ast_verbose("%s: the end of %s@%s", channel->name, channel->exten, channel->context);
        return TURN_END;
    }
    chan_variables_set(&channel->variables, "INVALID_EXTEN", channel->exten);
    if (enter_special(channel, "i") == 0) {
        return TURN_GO_ON;
    }
    ast_warning_limited("%s: there is no extension %s in %s, and no i", channel->name,
                        channel->exten, channel->context);
    return TURN_END;
}

/* ---- steps ---- */

/* What an application's result means for the next step. */
static enum turn settle(struct ast_channel *channel, enum ast_application_result result)
{
    struct chan_exec *exec = &channel->exec;
    int jump = exec->jump;

    exec->jump = 0;
    if (result == AST_APPLICATION_HANGUP) {
        return TURN_END;
    }
    if (jump) {
        exec->place.exten = NULL;
        return TURN_GO_ON;
    }
    if (result == AST_APPLICATION_JUMP) {
        ast_error_limited("%s: an application jumped without saying where to", channel->name);
        return TURN_END;
    }
    advance(channel);
    return TURN_GO_ON;
}

void pbx_exec_stop_application(struct ast_channel *channel)
{
    struct chan_exec *exec = &channel->exec;
    const struct ast_application *app = exec->app;

    if (app == NULL ||
        exec->starting) { /* its start is on the stack: the loop stops it afterwards */
        return;
    }
    exec->app = NULL;
    if (app->stop != NULL) {
        app->stop(channel);
    }
    exec->app_data = NULL;
}

static enum ast_application_result start(struct ast_channel *channel,
                                         const struct ast_application *app, const char *args)
{
    struct chan_exec *exec = &channel->exec;
    enum ast_application_result result;

    exec->app = app;
    exec->app_data = NULL;
    ++exec->run;
    exec->early = 0;
    exec->jump = 0;
    exec->starting = 1;
    result = app->start(channel, args);
    exec->starting = 0;
    if (result != AST_APPLICATION_RUNNING) {
        exec->app = NULL;
        exec->app_data = NULL;
        return result;
    }
    if (exec->early != 0) {
        result = (enum ast_application_result)(exec->early - 1);
    } else if (channel->state == AST_CHANNEL_GONE && !exec->in_h) {
        result = AST_APPLICATION_HANGUP;
    }
    if (result != AST_APPLICATION_RUNNING) {
        pbx_exec_stop_application(channel);
    }
    return result;
}

static enum ast_application_result run_step(struct ast_channel *channel)
{
    const struct pbx_step *step = &channel->exec.place.exten->steps[channel->exec.place.index];
    const struct ast_application *app = chan_find_application(step->application);
    const char *args = step->args;
    char text[PBX_TEXT_SIZE];

    if (app == NULL) {
        ast_error_limited("%s:%u: there is no application %s; %s is hung up", step->file,
                          step->line, step->application, channel->name);
        return AST_APPLICATION_HANGUP;
    }
    if (strchr(args, '$') != NULL) {
        args = pbx_substitute(channel, args, text, sizeof(text));
    }
    ast_verbose("%s: [%s@%s:%d] %s(%s)", channel->name, channel->exten, channel->context,
                channel->priority, app->name, args);
    return start(channel, app, args);
}

/* ---- the loop ---- */

/* The dialplan lets go of the channel. */
static void finish(struct ast_channel *channel)
{
    struct chan_exec *exec = &channel->exec;

    exec->in_loop = 0;
    exec->queued = 0;
    exec->place.exten = NULL;
    pbx_unref(exec->pbx);
    exec->pbx = NULL;
    ast_channel_unref(channel);
}

static int go_on_later(void *data)
{
    struct ast_channel *channel = data;

    if (channel->exec.queued) {
        channel->exec.queued = 0;
        loop(channel, TURN_GO_ON);
    }
    ast_channel_unref(channel);
    return 0;
}

/* The network has its turn. 0; -1: no task can be pushed any more. */
static int pause_loop(struct ast_channel *channel)
{
    if (ast_sip_push_task(go_on_later, ast_channel_ref(channel)) != 0) {
        ast_channel_unref(channel);
        return -1;
    }
    channel->exec.queued = 1;
    return 0;
}

/* A step's worth of work. TURN_END: the dialplan is through; *wait: an application is RUNNING. */
static enum turn one_step(struct ast_channel *channel, int *wait)
{
    struct chan_exec *exec = &channel->exec;
    enum ast_application_result result;

    if (++exec->idle_steps > MAX_IDLE_STEPS) {
        ast_error_limited(
            "%s: %d steps without a wait, now at %s@%s:%d: the dialplan goes in circles, the call is ended",
            channel->name, MAX_IDLE_STEPS, channel->exten, channel->context, channel->priority);
        return TURN_END;
    }
    if (exec->place.exten == NULL &&
        find(channel, channel->exten, channel->priority, &exec->place) != 0) {
        exec->place.exten = NULL;
        return fall_through(channel);
    }
    result = run_step(channel);
    if (result == AST_APPLICATION_RUNNING) {
        exec->idle_steps = 0;
        *wait = 1;
        return TURN_GO_ON;
    }
    return settle(channel, result);
}

/* The end of the extension, or the channel is gone. 0: go on with `h`; -1: that was all. */
static int end_or_h(struct ast_channel *channel)
{
    struct chan_exec *exec = &channel->exec;

    if (exec->in_h) {
        return -1;
    }
    if (channel->state != AST_CHANNEL_GONE) {
        ast_channel_hangup(channel, 0);
    }
    exec->in_h = 1;
    exec->idle_steps = 0;
    exec->jump = 0;
    return enter_special(channel, "h");
}

static void loop(struct ast_channel *channel, enum turn turn)
{
    struct chan_exec *exec = &channel->exec;
    unsigned steps = 0;
    int wait = 0;

    ast_channel_ref(channel);
    exec->in_loop = 1;
    while (!wait) {
        if (turn == TURN_END || (channel->state == AST_CHANNEL_GONE && !exec->in_h)) {
            if (end_or_h(channel) != 0) {
                finish(channel);
                break;
            }
        }
        if (++steps > STEPS_PER_TURN && pause_loop(channel) == 0) {
            break;
        }
        turn = one_step(channel, &wait);
    }
    exec->in_loop = 0;
    ast_channel_unref(channel);
}

void pbx_exec_gone(struct ast_channel *channel)
{
    struct chan_exec *exec = &channel->exec;

    if (exec->pbx == NULL || exec->in_loop) {
        return;
    }
    exec->queued = 0;
    loop(channel, TURN_GO_ON);
}

/* The running application is over. */
static void complete(struct ast_channel *channel, enum ast_application_result result)
{
    ast_channel_ref(channel);
    channel->exec.in_loop = 1; /* a hang-up within stop is for the loop below */
    pbx_exec_stop_application(channel);
    loop(channel, settle(channel, result));
    ast_channel_unref(channel);
}

/* ---- what others call ---- */

int ast_pbx_start(struct ast_channel *channel)
{
    struct chan_exec *exec = &channel->exec;

    base_assert_sip_thread();
    if (pbx_current() == NULL || exec->pbx != NULL || channel->state == AST_CHANNEL_GONE) {
        return -1;
    }
    exec->pbx = pbx_ref(pbx_current());
    if (find(channel, channel->exten, 1, &exec->place) != 0) {
        pbx_unref(exec->pbx);
        exec->pbx = NULL;
        return -1;
    }
    channel->priority = 1;
    exec->in_h = 0;
    exec->idle_steps = 0;
    ast_channel_ref(channel);
    loop(channel, TURN_GO_ON);
    return 0;
}

void ast_application_done(struct ast_channel *channel, enum ast_application_result result)
{
    struct chan_exec *exec = &channel->exec;

    base_assert_sip_thread();
    if (exec->app == NULL || result == AST_APPLICATION_RUNNING) {
        return;
    }
    if (exec->starting) {
        exec->early = (int)result + 1;
        return;
    }
    complete(channel, result);
}

/* What comes from outside while an application is RUNNING. */
struct event {
    enum { EVENT_DIGIT, EVENT_TEXT, EVENT_TEXT_SENT } kind;
    char digit;
    const char *text;
    int result;
};

static int takes(const struct ast_application *app, const struct event *event)
{
    switch (event->kind) {
    case EVENT_DIGIT:
        return app->dtmf != NULL;
    case EVENT_TEXT:
        return app->text != NULL;
    default:
        return app->text_sent != NULL;
    }
}

static enum ast_application_result give(struct ast_channel *channel,
                                        const struct ast_application *app,
                                        const struct event *event)
{
    switch (event->kind) {
    case EVENT_DIGIT:
        return app->dtmf(channel, event->digit);
    case EVENT_TEXT:
        return app->text(channel, event->text);
    default:
        return app->text_sent(channel, event->result);
    }
}

static void tell(struct ast_channel *channel, const struct event *event)
{
    struct chan_exec *exec = &channel->exec;
    const struct ast_application *app = exec->app;
    enum ast_application_result result;
    unsigned run = exec->run;

    if (app == NULL || exec->starting || !takes(app, event)) {
        return;
    }
    ast_channel_ref(channel);
    result = give(channel, app, event);
    /* The callback may have ended this run of the application itself. */
    if (result != AST_APPLICATION_RUNNING && exec->app == app && exec->run == run) {
        complete(channel, result);
    }
    ast_channel_unref(channel);
}

void ast_channel_dtmf(struct ast_channel *channel, char digit, unsigned duration_ms)
{
    const struct event event = {.kind = EVENT_DIGIT, .digit = digit};

    base_assert_sip_thread();
    ast_debug("%s: digit %c, %u ms", channel->name, digit, duration_ms);
    if (digit != '\0' && strchr("0123456789*#ABCD", digit) != NULL) {
        tell(channel, &event);
    }
}

void ast_channel_text(struct ast_channel *channel, const char *text)
{
    const struct event event = {.kind = EVENT_TEXT, .text = text};

    base_assert_sip_thread();
    ast_channel_set_variable(channel, "RECEIVETEXTMESSAGE", text);
    tell(channel, &event);
}

void ast_channel_text_sent(struct ast_channel *channel, int result)
{
    const struct event event = {.kind = EVENT_TEXT_SENT, .result = result};

    base_assert_sip_thread();
    tell(channel, &event);
}

void ast_application_set_data(struct ast_channel *channel, void *data)
{
    base_assert_sip_thread();
    channel->exec.app_data = data;
}

void *ast_application_get_data(const struct ast_channel *channel)
{
    return channel->exec.app_data;
}

static void drop(struct ast_channel *channel, const void *data)
{
    const struct ast_application *application = data;

    if (channel->exec.app != application || channel->exec.starting) {
        return;
    }
    if (channel->state == AST_CHANNEL_GONE) {
        complete(channel, AST_APPLICATION_HANGUP); /* within h */
    } else {
        ast_warning("%s is hung up: its application %s goes", channel->name, application->name);
        ast_channel_hangup(channel, AST_CAUSE_NORMAL_UNSPECIFIED);
    }
}

void pbx_exec_drop_application(const struct ast_application *application)
{
    chan_for_all(drop, application);
}

/* ---- goto ---- */

/* A priority as Goto means it: a number, +n or -n from here, or a label (0 then). -1: no such
 * number. */
static int parse_priority(const struct ast_channel *channel, const char *text)
{
    int sign = text[0] == '+' ? 1 : text[0] == '-' ? -1 : 0;
    char *end;
    long number;

    if (!isdigit((unsigned char)text[sign != 0])) {
        return sign == 0 && text[0] != '\0' ? 0 : -1;
    }
    number = strtol(text + (sign != 0), &end, 10);
    if (*end != '\0') {
        return 0;
    }
    if (number > PBX_MAX_PRIORITY) {
        return -1;
    }
    number = sign == 0 ? number : channel->priority + sign * number;
    return number >= 1 && number <= PBX_MAX_PRIORITY ? (int)number : -1;
}

static int go(struct ast_channel *channel, const char *context, const char *exten,
              const char *label, int must_exist)
{
    struct pbx_query query = {.context = context != NULL ? context : channel->context,
                              .exten = exten != NULL ? exten : channel->exten,
                              .caller = channel->caller.number};
    struct pbx_place place;
    int found = -1;

    if (channel->exec.pbx == NULL) {
        ast_warning_limited("%s runs no dialplan", channel->name);
        return -1;
    }
    query.priority = label != NULL ? parse_priority(channel, label) : 1;
    if (query.priority >= 0) {
        query.label = query.priority == 0 ? label : NULL;
        found = pbx_find(channel->exec.pbx, &query, &place);
    }
    if (found != 0 && (must_exist || query.priority <= 0 || strlen(query.exten) >= CHAN_NAME_SIZE ||
                       strlen(query.context) >= CHAN_NAME_SIZE)) {
        ast_warning_limited("%s: there is no %s@%s:%s to go to", channel->name, query.exten,
                            query.context, label != NULL ? label : "1");
        return -1;
    }
    channel->priority = found == 0 ? place.exten->steps[place.index].priority : query.priority;
    base_copy_text(channel->context, sizeof(channel->context), query.context,
                   strlen(query.context));
    base_copy_text(channel->exten, sizeof(channel->exten), query.exten, strlen(query.exten));
    channel->exec.jump = 1;
    return 0;
}

int ast_pbx_goto(struct ast_channel *channel, const char *context, const char *exten,
                 const char *label)
{
    base_assert_sip_thread();
    return go(channel, context, exten, label, 1);
}

int ast_pbx_async_goto(struct ast_channel *channel, const char *context, const char *exten,
                       const char *label)
{
    struct chan_exec *exec = &channel->exec;

    base_assert_sip_thread();
    /* Within the loop an application jumps with ast_pbx_goto. */
    if (channel->state == AST_CHANNEL_GONE || exec->in_h || exec->in_loop ||
        go(channel, context, exten, label, 1) != 0) {
        return -1;
    }
    exec->idle_steps = 0;
    if (exec->app != NULL) {
        complete(channel, AST_APPLICATION_JUMP);
    } else { /* the network has its turn: go_on_later begins there */
        exec->jump = 0;
        exec->place.exten = NULL;
    }
    return 0;
}

int pbx_exec_goto(struct ast_channel *channel, const char *context, const char *exten,
                  const char *label)
{
    return go(channel, context, exten, label, 0);
}
