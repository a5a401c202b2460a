/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: functions of the dialplan, ${NAME(args)} and Set(NAME(args)=value). One table. Arguments
 * have their variables replaced already.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sipsession/log.h>

#include "channel/channel.h"

/* The first argument: what is meant. */
static int names(const char *args, const char *name)
{
    size_t length = strcspn(args, ",");

    return strlen(name) == length && strncasecmp(args, name, length) == 0;
}

/* ---- CHANNEL ---- */

static int channel_read(struct ast_channel *channel, const char *args, char *out, size_t size)
{
    if (names(args, "name")) {
        snprintf(out, size, "%s", channel->name);
    } else if (names(args, "state")) {
        snprintf(out, size, "%s", chan_state_name(channel->state));
    } else if (names(args, "uniqueid")) {
        snprintf(out, size, "%s", channel->uniqueid);
    } else if (names(args, "context")) {
        snprintf(out, size, "%s", channel->context);
    } else if (names(args, "exten")) {
        snprintf(out, size, "%s", channel->exten);
    } else if (names(args, "channeltype")) {
        snprintf(out, size, "%s", channel->tech->name);
    } else {
        return channel->tech->read != NULL ? channel->tech->read(channel, args, out, size) : -1;
    }
    return 0;
}

/* ---- text ---- */

static int len_read(struct ast_channel *channel, const char *args, char *out, size_t size)
{
    (void)channel;
    snprintf(out, size, "%zu", strlen(args));
    return 0;
}

static int isnull_read(struct ast_channel *channel, const char *args, char *out, size_t size)
{
    (void)channel;
    snprintf(out, size, "%d", args[0] == '\0');
    return 0;
}

static int exists_read(struct ast_channel *channel, const char *args, char *out, size_t size)
{
    (void)channel;
    snprintf(out, size, "%d", args[0] != '\0');
    return 0;
}

/* IF(condition?text[:text]) */
static int if_read(struct ast_channel *channel, const char *args, char *out, size_t size)
{
    char copy[PBX_TEXT_SIZE], *parts[2], *branches[2];

    (void)channel;
    snprintf(copy, sizeof(copy), "%s", args);
    if (chan_split(copy, '?', parts, 2) < 2) {
        return -1;
    }
    chan_split(parts[1], ':', branches, 2);
    snprintf(out, size, "%s", branches[pbx_is_true(parts[0]) ? 0 : 1]);
    return 0;
}

/* ---- GLOBAL ---- */

static int global_read(struct ast_channel *channel, const char *args, char *out, size_t size)
{
    const char *value = chan_variables_get(&pbx_globals, args);

    (void)channel;
    snprintf(out, size, "%s", value != NULL ? value : "");
    return 0;
}

static int global_write(struct ast_channel *channel, const char *args, const char *value)
{
    (void)channel;
    return chan_variables_set(&pbx_globals, args, value);
}

static const struct ast_function functions[] = {
    {.name = "CALLERID", .read = pbx_callerid_read, .write = pbx_callerid_write},
    {.name = "CHANNEL", .read = channel_read, .write = NULL},
    {.name = "CONNECTEDLINE", .read = pbx_connected_read, .write = pbx_connected_write},
    {.name = "EXISTS", .read = exists_read, .write = NULL},
    {.name = "GLOBAL", .read = global_read, .write = global_write},
    {.name = "IF", .read = if_read, .write = NULL},
    {.name = "ISNULL", .read = isnull_read, .write = NULL},
    {.name = "LEN", .read = len_read, .write = NULL},
    {.name = "REDIRECTING", .read = pbx_redirecting_read, .write = pbx_redirecting_write},
};

/* Those of modules. */
static struct ast_function *registered;

static const struct ast_function *find_own(const char *name, size_t length)
{
    for (size_t i = 0; i < PJ_ARRAY_SIZE(functions); ++i) {
        if (strlen(functions[i].name) == length && strncmp(functions[i].name, name, length) == 0) {
            return &functions[i];
        }
    }
    return NULL;
}

static const struct ast_function *find(const char *name, size_t length)
{
    const struct ast_function *own = find_own(name, length);

    if (own != NULL) {
        return own;
    }
    for (const struct ast_function *at = registered; at != NULL; at = at->next) {
        if (strlen(at->name) == length && strncmp(at->name, name, length) == 0) {
            return at;
        }
    }
    return NULL;
}

int ast_register_function(struct ast_function *function)
{
    base_assert_sip_thread();
    if (find(function->name, strlen(function->name)) != NULL) {
        ast_error("There is a function %s already", function->name);
        return -1;
    }
    function->next = registered;
    registered = function;
    return 0;
}

void ast_unregister_function(struct ast_function *function)
{
    struct ast_function **at = &registered;

    base_assert_sip_thread();
    while (*at != NULL && *at != function) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = function->next;
    }
}

/* Modules are loaded behind the dialplan: what they bring is known by its name. On the thread that
 * reads a dialplan, while others may come and go. */
int pbx_function_known(const char *name, size_t length)
{
    return find_own(name, length) != NULL || chan_function_module(name, length) != NULL;
}

const char *pbx_function_nearest(const char *name)
{
    const char *names_of_all[PJ_ARRAY_SIZE(functions)];

    for (size_t i = 0; i < PJ_ARRAY_SIZE(functions); ++i) {
        names_of_all[i] = functions[i].name;
    }
    return base_nearest_name(name, names_of_all, PJ_ARRAY_SIZE(functions));
}

int pbx_function_read(struct ast_channel *channel, const char *name, const char *args, char *out,
                      size_t size)
{
    const struct ast_function *function = find(name, strlen(name));

    out[0] = '\0';
    if (function == NULL) {
        ast_warning_limited("There is no function %s", name);
        return -1;
    }
    if (channel == NULL || function->read(channel, args, out, size) != 0) {
        out[0] = '\0';
        ast_warning_limited("%s(%s) cannot be read", name, args);
        return -1;
    }
    return 0;
}

int pbx_write(struct ast_channel *channel, const char *name, const char *value)
{
    const struct ast_function *function;
    const char *open = strchr(name, '(');
    char args[PBX_TEXT_SIZE];
    size_t length;

    if (open == NULL) {
        if (chan_variables_set(&channel->variables, name, value) != 0) {
            ast_warning_limited("%s: the variable \"%s\" cannot be set", channel->name, name);
            return -1;
        }
        return 0;
    }
    function = find(name, (size_t)(open - name));
    length = strlen(open + 1);
    if (function == NULL || function->write == NULL || length == 0 || open[length] != ')') {
        ast_warning_limited("%s: %s is no function that can be set", channel->name, name);
        return -1;
    }
    base_copy_text(args, sizeof(args), open + 1, length - 1);
    if (function->write(channel, args, value) != 0) {
        ast_warning_limited("%s: %s cannot be set to \"%s\"", channel->name, name, value);
        return -1;
    }
    return 0;
}

int ast_channel_write(struct ast_channel *channel, const char *name, const char *value)
{
    base_assert_sip_thread();
    return pbx_write(channel, name, value);
}
