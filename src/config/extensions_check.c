/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: what can be known of a finished dialplan before a call comes: extensions that never
 * begin, and jumps to places that are not there. Only warnings: a place may come from another
 * context's include at run time.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "channel/channel.h"
#include "config/config.h"

struct checker {
    const struct pbx *pbx;
    struct config_report *report;
    const struct pbx_exten *seen; /* whose beginning was looked at */
    const char *regcontext;       /* or NULL */
};

/* A jump's target, as it stands in the arguments. */
struct target {
    const char *context, *exten, *priority;
};

static int priority_number(const char *text)
{
    int number = 0;

    for (; isdigit((unsigned char)*text) && number <= PBX_MAX_PRIORITY; ++text) {
        number = number * 10 + (*text - '0');
    }
    return *text == '\0' ? number : 0;
}

static int within_exten(const struct pbx_exten *exten, const char *priority)
{
    int number = priority_number(priority);

    for (unsigned i = 0; i < exten->count; ++i) {
        const struct pbx_step *step = &exten->steps[i];

        if (number > 0 ? step->priority == number
                       : step->label != NULL && strcmp(step->label, priority) == 0) {
            return 1;
        }
    }
    return 0;
}

/* 1: it is there, or it cannot be told. */
static int target_exists(const struct checker *checker, const struct pbx_context *context,
                         const struct pbx_exten *exten, const struct target *target)
{
    struct pbx_query query = {.context = target->context != NULL ? target->context : context->name,
                              .exten = target->exten};
    struct pbx_place place;

    if (target->priority[0] == '+' || target->priority[0] == '-') {
        return 1;
    }
    if (target->exten == NULL) {
        if (within_exten(exten, target->priority)) {
            return 1;
        }
        if (exten->pattern != NULL || exten->caller != NULL) {
            return 1; /* another extension may lend its priorities */
        }
        query.exten = exten->name;
    }
    if (pbx_find_context(checker->pbx, query.context) == NULL) {
        return 0;
    }
    query.priority = priority_number(target->priority);
    query.label = query.priority == 0 ? target->priority : NULL;
    return pbx_find(checker->pbx, &query, &place) == 0;
}

static void check_target(const struct checker *checker, const struct pbx_context *context,
                         const struct pbx_exten *exten, const struct pbx_step *step, char *text)
{
    struct target target = {NULL, NULL, NULL};
    char *args[3];

    if (strchr(text, '$') != NULL) {
        return;
    }
    switch (chan_split(text, ',', args, 3)) {
    case 1:
        target.priority = args[0];
        break;
    case 2:
        target.exten = args[0];
        target.priority = args[1];
        break;
    case 3:
        target.context = args[0];
        target.exten = args[1];
        target.priority = args[2];
        break;
    default:
        return;
    }
    if (!target_exists(checker, context, exten, &target)) {
        config_warning(checker->report, step->file, step->line,
                       "there is no priority %s of %s in %s to go to", target.priority,
                       target.exten != NULL ? target.exten : exten->name,
                       target.context != NULL ? target.context : context->name);
    }
}

/* Both places of GotoIf. */
static void check_branches(const struct checker *checker, const struct pbx_context *context,
                           const struct pbx_exten *exten, const struct pbx_step *step, char *text)
{
    char *places = strchr(text, '?');
    char *place;

    if (places == NULL) {
        config_error(checker->report, step->file, step->line,
                     "expected GotoIf(condition?place:place)");
        return;
    }
    if (strchr(++places, '$') != NULL) {
        return;
    }
    while ((place = strsep(&places, ":")) != NULL) {
        if (place[strspn(place, " \t")] != '\0') {
            check_target(checker, context, exten, step, place);
        }
    }
}

static void check_step(const struct pbx_context *context, const struct pbx_exten *exten,
                       const struct pbx_step *step, void *data)
{
    struct checker *checker = data;
    char text[PBX_TEXT_SIZE];

    if (strlen(step->args) >= sizeof(text)) {
        config_error(checker->report, step->file, step->line,
                     "the arguments are too long, expected at most %d octets", PBX_TEXT_SIZE - 1);
        return;
    }
    strcpy(text, step->args);
    if (strcasecmp(step->application, "Goto") == 0) {
        check_target(checker, context, exten, step, text);
    } else if (strcasecmp(step->application, "GotoIf") == 0) {
        check_branches(checker, context, exten, step, text);
    }
}

static void check_begin(const struct pbx_context *context, const struct pbx_exten *exten,
                        const struct pbx_step *step, void *data)
{
    struct checker *checker = data;

    if (checker->seen == exten) {
        return;
    }
    checker->seen = exten;
    if (step->priority != 1 &&
        (checker->regcontext == NULL || strcmp(checker->regcontext, context->name) != 0)) {
        config_warning(
            checker->report, step->file, step->line,
            "%s in %s has no priority 1, so no call begins there (n goes on from the line before)",
            exten->name, context->name);
    }
}

void config_extensions_check_begin(const struct pbx *pbx, const char *regcontext,
                                   struct config_report *report)
{
    struct checker checker = {.pbx = pbx, .report = report, .regcontext = regcontext};

    pbx_each(pbx, check_begin, &checker);
}

void config_extensions_check(const struct pbx *pbx, struct config_report *report)
{
    struct checker checker = {.pbx = pbx, .report = report};

    pbx_each(pbx, check_step, &checker);
}
