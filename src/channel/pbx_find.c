/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: finding an extension's step in the dialplan, and the dialplan in force. Nothing is changed or executed here.
 */
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"

static struct pbx *current;

static int key_order(const void *item, const void *key)
{
    return strcmp(((const struct pbx_exten *)item)->key, key);
}

/* ---- finding ---- */

static int equal_without_dashes(const char *a, const char *b)
{
    for (;; ++a, ++b) {
        while (*a == '-') {
            ++a;
        }
        while (*b == '-') {
            ++b;
        }
        if (*a != *b) {
            return 0;
        }
        if (*a == '\0') {
            return 1;
        }
    }
}

/* An empty caller in the file means: no number. */
static int caller_fits(const struct pbx_exten *exten, const char *caller)
{
    if (exten->caller == NULL) {
        return 1;
    }
    if (caller == NULL || caller[0] == '\0' || exten->caller[0] == '\0') {
        return (caller == NULL || caller[0] == '\0') && exten->caller[0] == '\0';
    }
    if (exten->caller_pattern != NULL) {
        return pbx_pattern_match(exten->caller_pattern, caller, PBX_MATCH);
    }
    return equal_without_dashes(exten->caller, caller);
}

/* The index of a step; -1: the extension has none. */
static int find_step(const struct pbx_exten *exten, const struct pbx_query *query)
{
    if (query->label != NULL) {
        for (unsigned i = 0; i < exten->count; ++i) {
            if (exten->steps[i].label != NULL && strcmp(exten->steps[i].label, query->label) == 0) {
                return (int)i;
            }
        }
        return -1;
    }
    if (exten->count > 0) {
        unsigned at = pbx_step_place(exten, query->priority);

        if (at < exten->count && exten->steps[at].priority == query->priority) {
            return (int)at;
        }
    }
    return -1;
}

/* Looks whether an extension that matched has the step. *first: no better one has matched so far. */
static int take(const struct pbx_exten *exten, const struct pbx_query *query, int *first,
                struct pbx_place *place)
{
    int step;

    if (!caller_fits(exten, query->caller)) {
        return -1;
    }
    step = find_step(exten, query);
    if (step < 0) {
        *first = 0;
        return -1;
    }
    place->exten = exten;
    place->index = (unsigned)step;
    place->first = *first;
    return 0;
}

static int find_in(const struct pbx_context *context, const char *key,
                   const struct pbx_query *query, int *first, struct pbx_place *place)
{
    const struct pbx_vector *extens = &context->extens;
    const struct pbx_exten *registered;

    for (unsigned i = pbx_lower_bound(extens, context->patterns, key_order, key);
         i < context->patterns && key_order(extens->items[i], key) == 0; ++i) {
        if (take(extens->items[i], query, first, place) == 0) {
            return 0;
        }
    }
    registered = pbx_registered_exten(context->name, query->exten);
    if (registered != NULL && take(registered, query, first, place) == 0) {
        return 0;
    }
    for (unsigned i = context->patterns; i < extens->count && !query->exact; ++i) {
        const struct pbx_exten *exten = extens->items[i];

        if (pbx_pattern_match(exten->pattern, key, PBX_MATCH) &&
            take(exten, query, first, place) == 0) {
            return 0;
        }
    }
    return -1;
}

/* 0; -1: it is too long or empty, and so matches nothing. */
static int make_key(char *out, size_t size, const char *exten)
{
    if (strlen(exten) >= size) {
        return -1;
    }
    pbx_copy_key(out, exten);
    return *out != '\0' ? 0 : -1;
}

int pbx_find(const struct pbx *pbx, const struct pbx_query *query, struct pbx_place *place)
{
    const struct pbx_context *context = pbx_find_context(pbx, query->context);
    char key[CHAN_NAME_SIZE];
    int first = 1;

    if (context == NULL || make_key(key, sizeof(key), query->exten) != 0) {
        return -1;
    }
    for (unsigned i = 0; i < context->search.count; ++i) {
        if (find_in(context->search.items[i], key, query, &first, place) == 0) {
            return 0;
        }
    }
    return -1;
}

static int begins(const struct pbx_exten *exten)
{
    return exten->count > 0 && exten->steps[0].priority == 1;
}

static int can_match_in(const struct pbx_context *context, const char *key, const char *caller)
{
    const struct pbx_vector *extens = &context->extens;
    size_t length = strlen(key);

    for (unsigned i = pbx_lower_bound(extens, context->patterns, key_order, key);
         i < context->patterns; ++i) {
        const struct pbx_exten *exten = extens->items[i];

        if (strncmp(exten->key, key, length) != 0) {
            break;
        }
        if (begins(exten) && caller_fits(exten, caller)) {
            return 1;
        }
    }
    for (unsigned i = context->patterns; i < extens->count; ++i) {
        const struct pbx_exten *exten = extens->items[i];

        if (pbx_pattern_match(exten->pattern, key, PBX_CAN_MATCH) && begins(exten) &&
            caller_fits(exten, caller)) {
            return 1;
        }
    }
    return 0;
}

int pbx_can_match(const struct pbx *pbx, const char *context_name, const char *exten,
                  const char *caller)
{
    const struct pbx_context *context = pbx_find_context(pbx, context_name);
    char key[CHAN_NAME_SIZE];

    if (context == NULL || make_key(key, sizeof(key), exten) != 0) {
        return 0;
    }
    for (unsigned i = 0; i < context->search.count; ++i) {
        if (can_match_in(context->search.items[i], key, caller)) {
            return 1;
        }
    }
    return 0;
}

void pbx_each(const struct pbx *pbx,
              void (*see)(const struct pbx_context *context, const struct pbx_exten *exten,
                          const struct pbx_step *step, void *data),
              void *data)
{
    for (unsigned c = 0; c < pbx->contexts.count; ++c) {
        const struct pbx_context *context = pbx->contexts.items[c];

        for (unsigned e = 0; e < context->extens.count; ++e) {
            const struct pbx_exten *exten = context->extens.items[e];

            for (unsigned s = 0; s < exten->count; ++s) {
                see(context, exten, &exten->steps[s], data);
            }
        }
    }
}

/* ---- the one in force ---- */

struct pbx *pbx_current(void)
{
    return current;
}

void pbx_set(struct pbx *pbx)
{
    base_assert_sip_thread();
    pbx_unref(current);
    current = pbx;
    if (pbx == NULL) {
        chan_variables_clear(&pbx_globals);
        return;
    }
    for (const struct chan_variable *at = pbx->globals.first; at != NULL; at = at->next) {
        if (chan_variables_set(&pbx_globals, at->name, at->value) != 0) {
            ast_warning("The global variable %s could not be set", at->name);
        }
    }
}

int ast_pbx_exists(const char *context, const char *exten)
{
    return ast_pbx_exists_for(context, exten, NULL);
}

int ast_pbx_exists_for(const char *context, const char *exten, const char *caller)
{
    struct pbx_query query = {.context = context, .exten = exten, .caller = caller, .priority = 1};
    struct pbx_place place;

    base_assert_sip_thread();
    return current != NULL && pbx_find(current, &query, &place) == 0;
}
