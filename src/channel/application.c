/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: the registry of applications, and what several of them need to read their arguments.
 * What one does is its own file's business.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sipsession/log.h>

#include "channel/channel.h"

static const struct ast_application *const shipped[] = {
    &app_answer,      &app_busy,     &app_congestion, &app_echo,       &app_goto,     &app_gotoif,
    &app_hangup,      &app_noop,     &app_playback,   &app_proceeding, &app_progress, &app_ringing,
    &app_receivetext, &app_senddtmf, &app_sendtext,   &app_set,        &app_verbose,  &app_wait,
};

/* ---- what is always there: no registry is asked, so that any thread may read a dialplan ---- */

int chan_is_shipped(const char *name)
{
    for (size_t i = 0; i < PJ_ARRAY_SIZE(shipped); ++i) {
        if (strcasecmp(shipped[i]->name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

const char *chan_nearest_application(const char *name)
{
    const char *names[PJ_ARRAY_SIZE(shipped)];

    for (size_t i = 0; i < PJ_ARRAY_SIZE(shipped); ++i) {
        names[i] = shipped[i]->name;
    }
    return base_nearest_name(name, names, PJ_ARRAY_SIZE(shipped));
}

/* ---- the registry ---- */

/* Sorted by name, so that a step costs a few compares. */
static const struct ast_application **registry;
static unsigned registered;

static unsigned place(const char *name)
{
    unsigned low = 0, high = registered;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (strcasecmp(registry[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct ast_application *chan_find_application(const char *name)
{
    unsigned at = place(name);

    return at < registered && strcasecmp(registry[at]->name, name) == 0 ? registry[at] : NULL;
}

int ast_register_application(const struct ast_application *application)
{
    const struct ast_application **bigger;
    unsigned at;

    base_assert_sip_thread();
    if (chan_find_application(application->name) != NULL) {
        ast_error("There is an application %s already", application->name);
        return -1;
    }
    bigger = realloc(registry, (registered + 1) * sizeof(*registry));
    if (bigger == NULL) {
        ast_error("No memory for application %s", application->name);
        return -1;
    }
    registry = bigger;
    at = place(application->name);
    memmove(&registry[at + 1], &registry[at], (registered - at) * sizeof(*registry));
    registry[at] = application;
    ++registered;
    return 0;
}

void ast_unregister_application(const struct ast_application *application)
{
    unsigned at = place(application->name);

    base_assert_sip_thread();
    if (at == registered || registry[at] != application) {
        return;
    }
    memmove(&registry[at], &registry[at + 1], (registered - at - 1) * sizeof(*registry));
    --registered;
    if (registered == 0) {
        free(registry);
        registry = NULL;
    }
    pbx_exec_drop_application(application);
}

/* ---- arguments ---- */

/* Copies an argument onto itself without quotes, backslashes and the blanks around it. */
static char *tidy(char *text)
{
    char *start, *from, *to, *keep;

    while (*text == ' ' || *text == '\t') {
        ++text;
    }
    start = from = to = keep = text;
    for (; *from != '\0'; ++from) {
        if (*from == '"') {
            keep = to; /* blanks within quotes stay */
            continue;
        }
        if (*from == '\\' && from[1] != '\0') {
            ++from;
        }
        *to++ = *from;
        if (*from != ' ' && *from != '\t') {
            keep = to;
        }
    }
    *keep = '\0';
    return start;
}

/* The separator at the same level, or the end. */
static char *find_separator(char *text, char separator)
{
    unsigned depth = 0;
    int quoted = 0;

    for (; *text != '\0'; ++text) {
        if (*text == '\\' && text[1] != '\0') {
            ++text;
        } else if (*text == '"') {
            quoted = !quoted;
        } else if (quoted) {
            continue;
        } else if (*text == '(' || *text == '[') {
            ++depth;
        } else if ((*text == ')' || *text == ']') && depth > 0) {
            --depth;
        } else if (*text == separator && depth == 0) {
            return text;
        }
    }
    return text;
}

unsigned chan_split(char *text, char separator, char **args, unsigned most)
{
    unsigned count = 0;

    for (char *at = text; count < most;) {
        char *end = count + 1 < most ? find_separator(at, separator) : at + strlen(at);
        int last = *end == '\0';

        *end = '\0';
        args[count++] = tidy(at);
        if (last) {
            break;
        }
        at = end + 1;
    }
    for (unsigned i = count; i < most; ++i) {
        args[i] = text + strlen(text);
    }
    return count == 1 && args[0][0] == '\0' ? 0 : count;
}

int chan_goto_text(struct ast_channel *channel, char *text)
{
    char *args[3];
    unsigned count = chan_split(text, ',', args, 3);

    switch (count) {
    case 1:
        return pbx_exec_goto(channel, NULL, NULL, args[0]);
    case 2:
        return pbx_exec_goto(channel, NULL, args[0], args[1]);
    case 3:
        return pbx_exec_goto(channel, args[0], args[1], args[2]);
    default:
        ast_warning_limited("%s: expected [[context,]extension,]priority to go to", channel->name);
        return -1;
    }
}

long chan_parse_seconds(const char *text)
{
    long milliseconds = 0, unit = 1000;
    int digits = 0, dot = 0;

    text += strspn(text, " \t");
    for (; *text != '\0'; ++text) {
        if (*text == '.' && !dot) {
            dot = 1;
            continue;
        }
        if (!isdigit((unsigned char)*text)) {
            break; /* only blanks may follow */
        }
        ++digits;
        if (dot) {
            unit /= 10;
            milliseconds += (*text - '0') * unit;
        } else {
            milliseconds = milliseconds * 10 + (*text - '0') * 1000;
        }
        if (milliseconds > 86400000L * 365) { /* a year is for ever */
            return -1;
        }
    }
    return digits > 0 && text[strspn(text, " \t")] == '\0' ? milliseconds : -1;
}

/* ---- start and stop of the room ---- */

static void unregister_shipped(unsigned count)
{
    while (count > 0) {
        ast_unregister_application(shipped[--count]);
    }
}

int chan_register_applications(void)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(shipped); ++i) {
        if (ast_register_application(shipped[i]) != 0) {
            unregister_shipped(i);
            return -1;
        }
    }
    return 0;
}

void chan_unregister_applications(void)
{
    unregister_shipped(PJ_ARRAY_SIZE(shipped));
}

int chan_start(void)
{
    if (chan_register_applications() != 0) {
        return -1;
    }
    if (chan_sip_start() != 0) {
        chan_unregister_applications();
        return -1;
    }
    if (chan_options_start() != 0) {
        chan_sip_stop();
        chan_unregister_applications();
        return -1;
    }
    return 0;
}

void chan_stop(void)
{
    chan_hangup_all(AST_CAUSE_CONGESTION);
    chan_options_stop();
    chan_sip_stop();
    chan_unregister_applications();
    pbx_set(NULL);
    chan_set_sounds(NULL);
}
