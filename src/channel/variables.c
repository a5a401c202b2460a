/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: variables. A channel has few, so a list with one allocation for each is the fastest. No text is
 * interpreted here.
 */
#include <stdlib.h>
#include <string.h>

#include "channel/channel.h"

struct chan_variables pbx_globals;

static struct chan_variable **find(struct chan_variables *variables, const char *name)
{
    struct chan_variable **at = &variables->first;

    while (*at != NULL && strcmp((*at)->name, name) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static struct chan_variable *create(const char *name, const char *value, unsigned inherit)
{
    size_t name_size = strlen(name) + 1;
    size_t value_size = strlen(value) + 1;
    struct chan_variable *variable = malloc(sizeof(*variable) + name_size + value_size);

    if (variable == NULL) {
        return NULL;
    }
    memcpy(variable->name, name, name_size);
    memcpy(variable->name + name_size, value, value_size);
    variable->value = variable->name + name_size;
    variable->inherit = (unsigned char)inherit;
    return variable;
}

int chan_variables_set(struct chan_variables *variables, const char *name, const char *value)
{
    struct chan_variable **at;
    struct chan_variable *old, *made;
    unsigned inherit = 0;

    while (inherit < 2 && *name == '_') {
        ++inherit;
        ++name;
    }
    if (*name == '\0') {
        return -1;
    }
    at = find(variables, name);
    old = *at;
    if (value == NULL) {
        if (old != NULL) {
            *at = old->next;
            --variables->count;
            free(old);
        }
        return 0;
    }
    if (old == NULL && variables->count >= CHAN_MAX_VARIABLES) {
        return -1;
    }
    /* Made before the old one goes: value may point into it. */
    made = create(name, value, inherit);
    if (made == NULL) {
        return -1;
    }
    if (old != NULL) {
        made->next = old->next;
        *at = made;
        free(old);
    } else {
        made->next = variables->first;
        variables->first = made;
        ++variables->count;
    }
    return 0;
}

const char *chan_variables_get(const struct chan_variables *variables, const char *name)
{
    for (const struct chan_variable *at = variables->first; at != NULL; at = at->next) {
        if (strcmp(at->name, name) == 0) {
            return at->value;
        }
    }
    return NULL;
}

void chan_variables_clear(struct chan_variables *variables)
{
    struct chan_variable *next;

    for (struct chan_variable *at = variables->first; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
    variables->first = NULL;
    variables->count = 0;
}
