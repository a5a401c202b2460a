/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: the channels themselves: birth, state, hang-up, and the list of all. What runs on them
 * is pbx_exec.c's business, what happens on the wire their driver's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"

static pj_list channels = {&channels, &channels};
static unsigned count;

static void destroy(struct ast_channel *channel)
{
    base_assert(channel->exec.pbx == NULL);
    pj_list_erase(channel);
    --count;
    chan_cookies_clear(channel);
    chan_variables_clear(&channel->variables);
    free(channel->connected);
    free(channel->redirecting);
    free(channel);
}

static void set_uniqueid(struct ast_channel *channel)
{
    static unsigned long long last;

    channel->created = time(NULL);
    snprintf(channel->uniqueid, sizeof(channel->uniqueid), "%lld.%llu", (long long)channel->created,
             last++);
}

struct ast_channel *ast_channel_create(const struct ast_channel_options *options)
{
    size_t name_size = strlen(options->name) + 1;
    struct ast_channel *channel;

    base_assert_sip_thread();
    channel = calloc(1, sizeof(*channel) + name_size);
    if (channel == NULL) {
        ast_error_limited("No memory for channel %s", options->name);
        return NULL;
    }
    channel->refs = 1;
    channel->state = (short)options->state;
    channel->tech = options->tech;
    channel->tech_data = options->tech_data;
    channel->priority = 1;
    memcpy(channel->name, options->name, name_size);
    base_copy_text(channel->context, sizeof(channel->context), options->context,
                   strlen(options->context));
    base_copy_text(channel->exten, sizeof(channel->exten), options->exten, strlen(options->exten));
    if (options->caller != NULL) {
        channel->caller = *options->caller;
    } else {
        channel->caller.presentation = AST_PARTY_UNAVAILABLE;
    }
    set_uniqueid(channel);
    pj_list_push_back(&channels, channel);
    ++count;
    return channel;
}

struct ast_channel *ast_channel_ref(struct ast_channel *channel)
{
    base_assert_sip_thread();
    ++channel->refs;
    return channel;
}

void ast_channel_unref(struct ast_channel *channel)
{
    base_assert_sip_thread();
    if (channel == NULL) {
        return;
    }
    base_assert(channel->refs > 0);
    if (--channel->refs == 0) {
        destroy(channel);
    }
}

/* ---- what it is ---- */

const char *ast_channel_get_name(const struct ast_channel *channel)
{
    return channel->name;
}

const char *ast_channel_get_uniqueid(const struct ast_channel *channel)
{
    return channel->uniqueid;
}

enum ast_channel_state ast_channel_get_state(const struct ast_channel *channel)
{
    return (enum ast_channel_state)channel->state;
}

void *ast_channel_get_tech_data(const struct ast_channel *channel)
{
    return channel->tech_data;
}

void ast_channel_set_tech_data(struct ast_channel *channel, void *data)
{
    channel->tech_data = data;
}

const struct ast_party_id *ast_channel_get_caller(const struct ast_channel *channel)
{
    return &channel->caller;
}

void ast_channel_set_caller(struct ast_channel *channel, const struct ast_party_id *caller)
{
    base_assert_sip_thread();
    channel->caller = *caller;
}

/* ---- whom it is connected with ---- */

static struct ast_channel_observer *observers;

void ast_register_channel_observer(struct ast_channel_observer *observer)
{
    base_assert_sip_thread();
    observer->next = observers;
    observers = observer;
}

void ast_unregister_channel_observer(struct ast_channel_observer *observer)
{
    struct ast_channel_observer **at = &observers;

    base_assert_sip_thread();
    while (*at != NULL && *at != observer) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = observer->next;
    }
}

const struct ast_party_id *ast_channel_get_connected(const struct ast_channel *channel)
{
    static const struct ast_party_id none;

    return channel->connected != NULL ? channel->connected : &none;
}

int ast_channel_set_connected(struct ast_channel *channel, const struct ast_party_id *connected,
                              int update)
{
    base_assert_sip_thread();
    if (channel->connected == NULL) {
        channel->connected = malloc(sizeof(*connected));
        if (channel->connected == NULL) {
            ast_error_limited("%s: no memory", channel->name);
            return -1;
        }
    }
    *channel->connected = *connected;
    if (!update || channel->state == AST_CHANNEL_GONE) {
        return 0;
    }
    ast_channel_ref(channel);
    for (const struct ast_channel_observer *at = observers; at != NULL; at = at->next) {
        if (at->connected != NULL) {
            at->connected(channel);
        }
    }
    ast_channel_unref(channel);
    return 0;
}

void ast_channel_peer_identity(struct ast_channel *channel, const struct ast_party_id *caller)
{
    ast_channel_set_caller(channel, caller);
    if (channel->state == AST_CHANNEL_GONE) {
        return;
    }
    ast_channel_ref(channel);
    for (const struct ast_channel_observer *at = observers; at != NULL; at = at->next) {
        if (at->caller != NULL) {
            at->caller(channel);
        }
    }
    ast_channel_unref(channel);
}

const struct ast_party_redirecting *ast_channel_get_redirecting(const struct ast_channel *channel)
{
    static const struct ast_party_redirecting none;

    return channel->redirecting != NULL ? channel->redirecting : &none;
}

int ast_channel_set_redirecting(struct ast_channel *channel,
                                const struct ast_party_redirecting *redirecting)
{
    base_assert_sip_thread();
    if (redirecting == NULL) {
        free(channel->redirecting);
        channel->redirecting = NULL;
        return 0;
    }
    if (channel->redirecting == NULL) {
        channel->redirecting = malloc(sizeof(*redirecting));
        if (channel->redirecting == NULL) {
            ast_error_limited("%s: no memory", channel->name);
            return -1;
        }
    }
    *channel->redirecting = *redirecting;
    return 0;
}

int ast_channel_set_variable(struct ast_channel *channel, const char *name, const char *value)
{
    base_assert_sip_thread();
    return chan_variables_set(&channel->variables, name, value);
}

const char *ast_channel_get_variable(const struct ast_channel *channel, const char *name)
{
    base_assert_sip_thread();
    return chan_variables_get(&channel->variables, name);
}

const char *ast_channel_get_context(const struct ast_channel *channel)
{
    return channel->context;
}

const char *ast_channel_get_exten(const struct ast_channel *channel)
{
    return channel->exten;
}

int ast_channel_get_priority(const struct ast_channel *channel)
{
    return channel->priority;
}

int ast_channel_get_cause(const struct ast_channel *channel)
{
    return channel->cause;
}

void ast_channel_set_cause(struct ast_channel *channel, int cause)
{
    base_assert_sip_thread();
    channel->cause = (short)cause;
}

/* ---- what it does ---- */

int ast_channel_answer(struct ast_channel *channel)
{
    int result;

    base_assert_sip_thread();
    if (channel->state == AST_CHANNEL_GONE) {
        return -1;
    }
    if (channel->state == AST_CHANNEL_UP) {
        return 0;
    }
    ast_channel_ref(channel);
    result = channel->tech->answer != NULL ? channel->tech->answer(channel) : -1;
    if (result == 0 && channel->state != AST_CHANNEL_GONE) {
        channel->state = AST_CHANNEL_UP;
    } else {
        result = -1;
    }
    ast_channel_unref(channel);
    return result;
}

int ast_channel_indicate(struct ast_channel *channel, enum ast_control control)
{
    int result;

    base_assert_sip_thread();
    if (channel->state == AST_CHANNEL_GONE) {
        return -1;
    }
    if (channel->state == AST_CHANNEL_UP) {
        return 0;
    }
    ast_channel_ref(channel);
    result = channel->tech->indicate != NULL ? channel->tech->indicate(channel, control) : -1;
    if (channel->state == AST_CHANNEL_GONE) {
        result = -1;
    } else if (result == 0) {
        channel->told |= 1u << control;
        if (control == AST_CONTROL_RINGING) {
            channel->state = AST_CHANNEL_RINGING;
        }
    }
    ast_channel_unref(channel);
    return result;
}

void ast_channel_watch(struct ast_channel *channel, struct ast_channel_watch *watch)
{
    base_assert_sip_thread();
    watch->next = channel->watches;
    channel->watches = watch;
}

void ast_channel_unwatch(struct ast_channel *channel, struct ast_channel_watch *watch)
{
    struct ast_channel_watch **at = &channel->watches;

    base_assert_sip_thread();
    while (*at != NULL && *at != watch) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = watch->next;
    }
}

static void tell_watches(struct ast_channel *channel)
{
    struct ast_channel_watch *watch;

    while ((watch = channel->watches) != NULL) {
        channel->watches = watch->next;
        watch->gone(channel, watch->data);
    }
}

/* The one way to the state GONE; the driver is told when the peer did not start it. */
static void gone(struct ast_channel *channel, int cause, int tell_driver)
{
    base_assert_sip_thread();
    if (channel->state == AST_CHANNEL_GONE) {
        return;
    }
    ast_channel_ref(channel);
    if (cause != 0) {
        channel->cause = (short)cause;
    } else if (channel->cause == 0) {
        channel->cause = AST_CAUSE_NORMAL_CLEARING;
    }
    pbx_exec_stop_application(channel);
    if (channel->state != AST_CHANNEL_GONE) { /* a stop may hang up as well */
        channel->state = AST_CHANNEL_GONE;
        tell_watches(channel);
        if (tell_driver && channel->tech->hangup != NULL) {
            channel->tech->hangup(channel);
        }
        pbx_exec_gone(channel);
    }
    ast_channel_unref(channel);
}

void ast_channel_hangup(struct ast_channel *channel, int cause)
{
    gone(channel, cause, 1);
}

void ast_channel_peer_hangup(struct ast_channel *channel, int cause)
{
    gone(channel, cause, 0);
}

void ast_channel_peer_state(struct ast_channel *channel, enum ast_channel_state state)
{
    base_assert_sip_thread();
    if (channel->state != AST_CHANNEL_GONE && state != AST_CHANNEL_GONE) {
        channel->state = (short)state;
    }
}

struct ast_rtp *ast_channel_get_rtp(const struct ast_channel *channel)
{
    return channel->rtp;
}

void ast_channel_set_rtp(struct ast_channel *channel, struct ast_rtp *rtp)
{
    const struct ast_application *app = channel->exec.app;

    base_assert_sip_thread();
    if (channel->rtp == rtp) {
        return;
    }
    channel->rtp = rtp;
    /* Within its own start an application looks at the audio when it comes to it. */
    if (app != NULL && !channel->exec.starting && app->rtp_changed != NULL) {
        ast_channel_ref(channel);
        app->rtp_changed(channel);
        ast_channel_unref(channel);
    }
}

/* ---- all of them ---- */

unsigned chan_count(void)
{
    return count;
}

void chan_each(void (*see)(const struct ast_channel *channel, void *data), void *data)
{
    for (struct ast_channel *at = channels.next; (pj_list *)at != &channels; at = at->next) {
        see(at, data);
    }
}

void chan_for_all(void (*see)(struct ast_channel *channel, const void *data), const void *data)
{
    struct ast_channel *next;

    for (struct ast_channel *at = channels.next; (pj_list *)at != &channels; at = next) {
        ast_channel_ref(at); /* so that it stays in the list until its successor is known */
        see(at, data);
        next = at->next;
        ast_channel_unref(at);
    }
}

static void hangup_one(struct ast_channel *channel, const void *cause)
{
    ast_channel_hangup(channel, *(const int *)cause);
}

void chan_hangup_all(int cause)
{
    chan_for_all(hangup_one, &cause);
}

static const struct ast_channel_tech no_driver = {.name = "None"};

static void drop_driver(struct ast_channel *channel, const void *tech)
{
    if (channel->tech == tech) {
        ast_channel_hangup(channel, 0);
        channel->tech = &no_driver;
        channel->tech_data = NULL;
    }
}

void ast_channel_drop_driver(const struct ast_channel_tech *tech)
{
    base_assert_sip_thread();
    chan_for_all(drop_driver, tech);
}

const char *chan_state_name(int state)
{
    static const char *const names[] = {"Down", "Ring", "Ringing", "Up", "Gone"};

    return (unsigned)state < PJ_ARRAY_SIZE(names) ? names[state] : "?";
}

const char *chan_application_name(const struct ast_channel *channel)
{
    return channel->exec.app != NULL ? channel->exec.app->name : "";
}
