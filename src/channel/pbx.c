/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: the dialplan as data: contexts, extensions, priorities, kept sorted in the order in which they are asked.
 * The reader builds it, then it does not change; nothing is executed here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"

struct file_name {
    struct file_name *next;
    char name[];
};

/* An array of pointers that grows. */
struct vector {
    void **items;
    unsigned count;
};

struct pbx_context {
    char *name;
    struct vector extens; /* struct pbx_exten: names by their key, then patterns; see exten_order */
    unsigned patterns;    /* where the patterns begin */
    struct vector includes; /* names, in the order of the file */
    struct vector
        search; /* struct pbx_context: itself, then what it includes, each once, depth first */
    unsigned visited; /* a mark of pbx_finish */
};

struct pbx {
    unsigned refs;
    struct vector contexts; /* struct pbx_context, by name */
    struct chan_variables globals;
    struct file_name *files;
    size_t search_total;
};

/* Entries of all search lists: contexts that include each other in long chains need the square of their number. */
#define MAX_SEARCH 4000000u

static struct pbx *current;

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
    struct file_name *next;

    if (pbx == NULL || --pbx->refs > 0) {
        return;
    }
    for (unsigned i = 0; i < pbx->contexts.count; ++i) {
        context_destroy(pbx->contexts.items[i]);
    }
    for (struct file_name *file = pbx->files; file != NULL; file = next) {
        next = file->next;
        free(file);
    }
    chan_variables_clear(&pbx->globals);
    free(pbx->contexts.items);
    free(pbx);
}

/* ---- sorted arrays ---- */

/* Puts an item at a place; the array grows by doubling. 0, -1. */
static int insert(struct vector *vector, unsigned at, void *item)
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

/*
 * The first place in [0, count) whose item does not come before what is sought; order(item, sought) < 0: it does.
 */
static unsigned lower_bound(const struct vector *vector, unsigned count,
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

static int key_order(const void *item, const void *key)
{
    return strcmp(((const struct pbx_exten *)item)->key, key);
}

static struct pbx_context *context_find(const struct pbx *pbx, const char *name)
{
    unsigned at = lower_bound(&pbx->contexts, pbx->contexts.count, context_order, name);

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
    struct pbx_context *context = context_find(pbx, name);

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
               lower_bound(&pbx->contexts, pbx->contexts.count, context_order, name),
               context) != 0) {
        context_destroy(context);
        return NULL;
    }
    return context;
}

/* The name without its dashes. */
static void copy_key(char *out, const char *name)
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
    copy_key(exten->key, name);
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
    at = lower_bound(&context->extens, context->extens.count, exten_order, exten);
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

static unsigned step_place(const struct pbx_exten *exten, int priority)
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
    unsigned at = step_place(exten, step->priority);
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
    struct file_name *made;

    for (struct file_name *at = pbx->files; at != NULL; at = at->next) {
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
            struct pbx_context *included = context_find(pbx, at->includes.items[i - 1]);

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

/* ---- finding ---- */

const struct pbx_context *pbx_find_context(const struct pbx *pbx, const char *name)
{
    return context_find(pbx, name);
}

const char *pbx_context_name(const struct pbx_context *context)
{
    return context->name;
}

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
        unsigned at = step_place(exten, query->priority);

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
    const struct vector *extens = &context->extens;

    for (unsigned i = lower_bound(extens, context->patterns, key_order, key);
         i < context->patterns && key_order(extens->items[i], key) == 0; ++i) {
        if (take(extens->items[i], query, first, place) == 0) {
            return 0;
        }
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
    copy_key(out, exten);
    return *out != '\0' ? 0 : -1;
}

int pbx_find(const struct pbx *pbx, const struct pbx_query *query, struct pbx_place *place)
{
    const struct pbx_context *context = context_find(pbx, query->context);
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
    const struct vector *extens = &context->extens;
    size_t length = strlen(key);

    for (unsigned i = lower_bound(extens, context->patterns, key_order, key); i < context->patterns;
         ++i) {
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
    const struct pbx_context *context = context_find(pbx, context_name);
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
    struct pbx_query query = {.context = context, .exten = exten, .priority = 1};
    struct pbx_place place;

    base_assert_sip_thread();
    return current != NULL && pbx_find(current, &query, &place) == 0;
}
