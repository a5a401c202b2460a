/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: the dialplan as data: contexts, extensions, priorities, kept sorted in the order in which they are asked.
 * The reader builds it, then it does not change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"

/* Entries of all search lists: contexts that include each other in long chains need the square of their number. */
#define MAX_SEARCH 4000000u

/* ---- freeing ---- */

static void exten_destroy(struct pbx_exten *exten)
{
    for (unsigned i = 0; i < exten->count; ++i) {
        free(exten->steps[i].label);
        free(exten->steps[i].application);
        free(exten->steps[i].args);
    }
    free(exten->steps);
    pbx_pattern_destroy(exten->pattern);
    pbx_pattern_destroy(exten->caller_pattern);
    free(exten->name);
    free(exten->key);
    free(exten->caller);
    free(exten);
}

static void context_destroy(struct pbx_context *context)
{
    for (unsigned i = 0; i < context->extens.count; ++i) {
        exten_destroy(context->extens.items[i]);
    }
    for (unsigned i = 0; i < context->includes.count; ++i) {
        free(context->includes.items[i]);
    }
    free(context->extens.items);
    free(context->includes.items);
    free(context->search.items);
    free(context->name);
    free(context);
}

struct pbx *pbx_ref(struct pbx *pbx)
{
    ++pbx->refs;
    return pbx;
}

void pbx_unref(struct pbx *pbx)
{
    struct pbx_file *next;

    if (pbx == NULL || --pbx->refs > 0) {
        return;
    }
    for (unsigned i = 0; i < pbx->contexts.count; ++i) {
        context_destroy(pbx->contexts.items[i]);
    }
    for (struct pbx_file *file = pbx->files; file != NULL; file = next) {
        next = file->next;
        free(file);
    }
    chan_variables_clear(&pbx->globals);
    free(pbx->contexts.items);
    free(pbx);
}

/* ---- sorted arrays ---- */

/* Puts an item at a place; the array grows by doubling. 0, -1. */
static int insert(struct pbx_vector *vector, unsigned at, void *item)
{
    unsigned count = vector->count;

    if ((count & (count - 1)) == 0) { /* 0 or a power of two: it is full */
        void **items =
            realloc(vector->items, (count == 0 ? 1 : (size_t)count * 2) * sizeof(*items));

        if (items == NULL) {
            return -1;
        }
        vector->items = items;
    }
    memmove(&vector->items[at + 1], &vector->items[at], (count - at) * sizeof(*vector->items));
    vector->items[at] = item;
    ++vector->count;
    return 0;
}

unsigned pbx_lower_bound(const struct pbx_vector *vector, unsigned count,
                         int (*order)(const void *item, const void *sought), const void *sought)
{
    unsigned low = 0, high = count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (order(vector->items[middle], sought) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int context_order(const void *item, const void *name)
{
    return strcmp(((const struct pbx_context *)item)->name, name);
}

struct pbx_context *pbx_find_context(const struct pbx *pbx, const char *name)
{
    unsigned at = pbx_lower_bound(&pbx->contexts, pbx->contexts.count, context_order, name);

    return at < pbx->contexts.count && context_order(pbx->contexts.items[at], name) == 0
               ? pbx->contexts.items[at]
               : NULL;
}

/* Those with a caller before the one for any caller; names before patterns. */
static int caller_compare(const struct pbx_exten *a, const struct pbx_exten *b)
{
    if (a->caller == NULL || b->caller == NULL) {
        return (a->caller == NULL) - (b->caller == NULL);
    }
    if (a->caller_pattern == NULL || b->caller_pattern == NULL) {
        return a->caller_pattern == NULL && b->caller_pattern == NULL
                   ? strcmp(a->caller, b->caller)
                   : (a->caller_pattern != NULL) - (b->caller_pattern != NULL);
    }
    return pbx_pattern_compare(a->caller_pattern, b->caller_pattern);
}

/* The order in which the extensions of a context are asked. */
static int exten_order(const void *item, const void *sought)
{
    const struct pbx_exten *a = item, *b = sought;
    int order;

    if (a->pattern == NULL || b->pattern == NULL) {
        order = a->pattern == NULL && b->pattern == NULL
                    ? strcmp(a->key, b->key)
                    : (a->pattern != NULL) - (b->pattern != NULL);
    } else {
        order = pbx_pattern_compare(a->pattern, b->pattern);
    }
    return order != 0 ? order : caller_compare(a, b);
}

/* ---- building ---- */

struct pbx *pbx_create(void)
{
    struct pbx *pbx = calloc(1, sizeof(*pbx));

    if (pbx != NULL) {
        pbx->refs = 1;
    }
    return pbx;
}

struct pbx_context *pbx_add_context(struct pbx *pbx, const char *name)
{
    struct pbx_context *context = pbx_find_context(pbx, name);

    if (context != NULL) {
        return context;
    }
    context = calloc(1, sizeof(*context));
    if (context == NULL) {
        return NULL;
    }
    context->name = strdup(name);
    if (context->name == NULL ||
        insert(&pbx->contexts,
               pbx_lower_bound(&pbx->contexts, pbx->contexts.count, context_order, name),
               context) != 0) {
        context_destroy(context);
        return NULL;
    }
    return context;
}

void pbx_copy_key(char *out, const char *name)
{
    for (; *name != '\0'; ++name) {
        if (*name != '-') {
            *out++ = *name;
        }
    }
    *out = '\0';
}

static struct pbx_exten *exten_create(const char *name, const char *caller, char *why,
                                      size_t why_size)
{
    struct pbx_exten *exten = calloc(1, sizeof(*exten));

    *why = '\0';
    if (exten == NULL) {
        return NULL;
    }
    exten->name = strdup(name);
    exten->key = malloc(strlen(name) + 1);
    exten->caller = caller != NULL ? strdup(caller) : NULL;
    if (exten->name == NULL || exten->key == NULL || (caller != NULL && exten->caller == NULL)) {
        goto out;
    }
    pbx_copy_key(exten->key, name);
    if (name[0] == '_') {
        exten->pattern = pbx_pattern_create(name + 1, why, why_size);
        if (exten->pattern == NULL) {
            goto out;
        }
    } else if (exten->key[0] == '\0') {
        snprintf(why, why_size, "expected the name of an extension");
        goto out;
    }
    if (caller != NULL && caller[0] == '_') {
        exten->caller_pattern = pbx_pattern_create(caller + 1, why, why_size);
        if (exten->caller_pattern == NULL) {
            goto out;
        }
    }
    return exten;
out:
    exten_destroy(exten);
    return NULL;
}

struct pbx_exten *pbx_add_exten(struct pbx_context *context, const char *name, const char *caller,
                                char *why, size_t why_size)
{
    struct pbx_exten *exten = exten_create(name, caller, why, why_size);
    unsigned at;

    if (exten == NULL) {
        return NULL;
    }
    at = pbx_lower_bound(&context->extens, context->extens.count, exten_order, exten);
    if (at < context->extens.count && exten_order(context->extens.items[at], exten) == 0) {
        exten_destroy(exten);
        return context->extens.items[at];
    }
    if (insert(&context->extens, at, exten) != 0) {
        exten_destroy(exten);
        return NULL;
    }
    context->patterns += exten->pattern == NULL;
    return exten;
}

unsigned pbx_step_place(const struct pbx_exten *exten, int priority)
{
    unsigned low = 0, high = exten->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (exten->steps[middle].priority < priority) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int pbx_add_step(struct pbx_exten *exten, const struct pbx_step *step)
{
    unsigned at = pbx_step_place(exten, step->priority);
    struct pbx_step copy = *step;
    struct pbx_step *steps;

    if (at < exten->count && exten->steps[at].priority == step->priority) {
        return 1;
    }
    copy.label = step->label != NULL ? strdup(step->label) : NULL;
    copy.application = strdup(step->application);
    copy.args = strdup(step->args);
    steps = realloc(exten->steps, (exten->count + 1) * sizeof(*steps));
    if (steps != NULL) {
        exten->steps = steps;
    }
    if (steps == NULL || copy.application == NULL || copy.args == NULL ||
        (step->label != NULL && copy.label == NULL)) {
        free(copy.label);
        free(copy.application);
        free(copy.args);
        return -1;
    }
    memmove(&steps[at + 1], &steps[at], (exten->count - at) * sizeof(*steps));
    steps[at] = copy;
    ++exten->count;
    return 0;
}

const char *pbx_add_file(struct pbx *pbx, const char *file)
{
    struct pbx_file *made;

    for (struct pbx_file *at = pbx->files; at != NULL; at = at->next) {
        if (strcmp(at->name, file) == 0) {
            return at->name;
        }
    }
    made = malloc(sizeof(*made) + strlen(file) + 1);
    if (made == NULL) {
        return NULL;
    }
    memcpy(made->name, file, strlen(file) + 1);
    made->next = pbx->files;
    pbx->files = made;
    return made->name;
}

int pbx_add_include(struct pbx_context *context, const char *name)
{
    char *copy = strdup(name);

    if (copy == NULL || insert(&context->includes, context->includes.count, copy) != 0) {
        free(copy);
        return -1;
    }
    return 0;
}

int pbx_add_global(struct pbx *pbx, const char *name, const char *value)
{
    return chan_variables_set(&pbx->globals, name, value);
}

/*
 * Lists what a search in a context walks through, each context once, as a walk that goes down at every include
 * would. Its stack is its own, since includes may be nested as deep as a file likes.
 */
static int work_out_search(struct pbx *pbx, struct pbx_context *context, unsigned mark,
                           struct pbx_context **stack)
{
    unsigned depth = 0;

    stack[depth++] = context;
    while (depth > 0) {
        struct pbx_context *at = stack[--depth];

        if (at->visited == mark) {
            continue;
        }
        at->visited = mark;
        if (++pbx->search_total > MAX_SEARCH ||
            insert(&context->search, context->search.count, at) != 0) {
            return -1;
        }
        for (unsigned i = at->includes.count; i > 0; --i) {
            struct pbx_context *included = pbx_find_context(pbx, at->includes.items[i - 1]);

            if (included != NULL) {
                stack[depth++] = included;
            }
        }
    }
    return 0;
}

int pbx_finish(struct pbx *pbx)
{
    size_t deepest = 1;
    struct pbx_context **stack;
    int result = 0;

    for (unsigned i = 0; i < pbx->contexts.count; ++i) {
        deepest += ((struct pbx_context *)pbx->contexts.items[i])->includes.count;
    }
    stack = malloc(deepest * sizeof(struct pbx_context *));
    if (stack == NULL) {
        return -1;
    }
    for (unsigned i = 0; i < pbx->contexts.count && result == 0; ++i) {
        result = work_out_search(pbx, pbx->contexts.items[i], i + 1, stack);
    }
    free(stack);
    return result;
}
