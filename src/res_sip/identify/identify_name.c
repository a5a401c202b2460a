/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: host names in `match` of `type=identify`: they are looked up at the start, and again
 * when their time to live is over, without anybody waiting. What was found is kept until a name
 * server says something else: one that is silent takes nobody's calls away. Which endpoint an
 * address is then is identify_ip.c's.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/identify/identify.h"
#include "res_sip/resolve/resolve.h"

/* Seconds between lookups. */
#define LEAST       5
#define MOST        3600
#define LEAST_RETRY 5 /* doubled with each failure */
#define MOST_RETRY  60

struct name {
    struct name *next;
    const struct sip_identify_config *config;
    const char *host; /* the configuration's */
    struct sip_host_addresses found;
    pj_timer_entry timer; /* id 1: running */
    unsigned retry;       /* seconds */
    int asking;           /* a lookup will call back */
    int gone;             /* and nobody wants to know any more */
};

static struct name *names, *prepared;

static void ask(struct name *name);

static void on_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    (void)heap;
    entry->id = 0;
    ask(entry->user_data);
}

static void wait_for_next(struct name *name, unsigned seconds)
{
    const pj_time_val delay = {(long)seconds, 0};

    pj_timer_entry_init(&name->timer, 0, name, on_timer);
    name->timer.id = pjsip_endpt_schedule_timer(sip_endpt, &name->timer, &delay) == PJ_SUCCESS;
    if (!name->timer.id) {
        ast_error("identify '%s': %s is not looked up any more: no timer", name->config->name,
                  name->host);
    }
}

static unsigned between(unsigned least, unsigned value, unsigned most)
{
    return value < least ? least : value > most ? most : value;
}

static int has(const struct sip_host_addresses *list, const pj_sockaddr *address)
{
    unsigned i = 0;

    while (i < list->count && pj_sockaddr_cmp(&list->address[i], address) != 0) {
        i++;
    }
    return i < list->count;
}

/* Answers come in any order. */
static int is_same(const struct sip_host_addresses *one, const struct sip_host_addresses *other)
{
    unsigned i;

    for (i = 0; i < one->count; i++) {
        if (!has(other, &one->address[i])) {
            return 0;
        }
    }
    for (i = 0; i < other->count; i++) {
        if (!has(one, &other->address[i])) {
            return 0;
        }
    }
    return 1;
}

static void use_all(void)
{
    const struct name *name;

    sip_identify_ip_forget_names();
    for (name = names; name; name = name->next) {
        sip_identify_ip_add_name(name->config, name->found.address, name->found.count);
    }
}

static void tell(const struct name *name)
{
    unsigned i;

    for (i = 0; i < name->found.count; i++) {
        char text[PJ_INET6_ADDRSTRLEN + 10];

        ast_notice("identify '%s': %s is %s", name->config->name, name->host,
                   pj_sockaddr_print(&name->found.address[i], text, sizeof(text), 0));
    }
}

/* A lookup has ended. found NULL: we stop. */
static void on_found(void *data, const struct sip_host_addresses *found)
{
    struct name *name = data;

    name->asking = 0;
    if (name->gone) {
        free(name);
        return;
    }
    if (!found) {
        return;
    }
    /* What is not the whole truth takes nothing away. */
    if (!is_same(&name->found, found) && (!found->incomplete || name->found.count == 0)) {
        name->found = *found;
        use_all();
        tell(name);
    }
    if (found->count > 0) {
        name->retry = LEAST_RETRY;
        wait_for_next(name, between(LEAST, found->ttl, MOST));
        return;
    }
    ast_warning("identify '%s': no address for %s: %s", name->config->name, name->host,
                name->found.count > 0 ? "those of before hold" : "it matches nobody");
    wait_for_next(name, name->retry);
    name->retry = between(LEAST_RETRY, 2 * name->retry, MOST_RETRY);
}

static void ask(struct name *name)
{
    name->asking = 1;
    if (sip_resolve_host(name->host, name->config->srv_lookups, on_found, name) != 0) {
        name->asking = 0;
        ast_error("identify '%s': %s cannot be looked up", name->config->name, name->host);
    }
}

static int add(struct name **list, const struct sip_identify_config *config, const char *host)
{
    struct name *name = calloc(1, sizeof(*name));

    if (!name) {
        ast_error("identify '%s': no memory", config->name);
        return -1;
    }
    name->config = config;
    name->host = host;
    name->retry = LEAST_RETRY;
    name->next = *list;
    *list = name;
    wait_for_next(name, 0); /* when everything has started */
    return 0;
}

static int add_all(struct name **list, const struct sip_config *config)
{
    const struct sip_identify_config *one;
    unsigned i;

    for (one = config->identifies; one; one = one->next) {
        for (i = 0; i < one->name_count; i++) {
            if (add(list, one, one->names[i]) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

int sip_identify_name_start(const struct sip_config *config)
{
    return add_all(&names, config);
}

static void forget(struct name **list)
{
    while (*list) {
        struct name *name = *list;

        *list = name->next;
        if (name->timer.id && sip_endpt) {
            pjsip_endpt_cancel_timer(sip_endpt, &name->timer);
        }
        if (name->asking) {
            name->gone = 1;
        } else {
            free(name);
        }
    }
}

void sip_identify_name_stop(void)
{
    forget(&names);
}

/* ---- reload: what was found of a name holds until it is looked up again, which is at once ---- */

int sip_identify_name_prepare(const struct sip_config *config)
{
    return add_all(&prepared, config);
}

void sip_identify_name_abandon(void)
{
    forget(&prepared);
}

static const struct name *find(const struct name *wanted)
{
    const struct name *name = names;

    while (name && (strcmp(name->host, wanted->host) != 0 ||
                    name->config->srv_lookups != wanted->config->srv_lookups)) {
        name = name->next;
    }
    return name;
}

void sip_identify_name_commit(void)
{
    struct name *name;

    for (name = prepared; name; name = name->next) {
        const struct name *before = find(name);

        if (before) {
            name->found = before->found;
        }
    }
    forget(&names);
    names = prepared;
    prepared = NULL;
    use_all();
}
