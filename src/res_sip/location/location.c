/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: which contacts there are now, by the names of their AORs. It is memory only: who
 * registers and what is on a disk are the registrar's, who answers is qualify's.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pj/hash.h>
#include <sipsession/location.h>
#include <sipsession/log.h>

#include "res_sip/location/location.h"

/* An AOR that has contacts. */
struct place {
    struct place *next; /* of its bucket */
    char *aor;
    struct ast_sip_contact *contacts; /* the configured ones first */
};

#define BUCKETS 4096u

static struct place *buckets[BUCKETS];
static struct ast_sip_contact_observer *observers;

/* The configured contacts that a reload is about to give an AOR. */
struct change {
    struct change *next;
    struct place *place;
    struct ast_sip_contact *contacts;
};

static struct change *changes;

static struct place **find(const char *aor)
{
    struct place **place = &buckets[pj_hash_calc(0, aor, (unsigned)strlen(aor)) % BUCKETS];

    while (*place && strcmp((*place)->aor, aor) != 0) {
        place = &(*place)->next;
    }
    return place;
}

/* Makes it when it is not there; NULL: no memory. */
static struct place *get(const char *aor)
{
    struct place **slot = find(aor);

    if (!*slot && (*slot = calloc(1, sizeof(**slot)))) {
        (*slot)->aor = strdup(aor);
        if (!(*slot)->aor) {
            free(*slot);
            *slot = NULL;
        }
    }
    return *slot;
}

static void drop_if_empty(const char *aor)
{
    struct place **slot = find(aor), *place = *slot;

    if (place && !place->contacts) {
        *slot = place->next;
        free(place->aor);
        free(place);
    }
}

static void tell(const char *aor, const struct ast_sip_contact *contact,
                 enum ast_sip_contact_event event)
{
    struct ast_sip_contact_observer *observer;

    for (observer = observers; observer; observer = observer->next) {
        observer->event(aor, contact, event);
    }
}

static struct ast_sip_contact *find_uri(struct ast_sip_contact *contact, const char *uri)
{
    while (contact && strcmp(contact->uri, uri) != 0) {
        contact = contact->next;
    }
    return contact;
}

/* ---- changes ---- */

static int is_same_text(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

/* What is known of a contact of the same URI and flow goes over to the new ones: over another flow
 * it may well answer. */
static void carry_over(const struct ast_sip_contact *old, struct ast_sip_contact *made)
{
    for (; made; made = made->next) {
        const struct ast_sip_contact *same = old;

        while (same &&
               (strcmp(same->uri, made->uri) != 0 || !is_same_text(same->flow, made->flow))) {
            same = same->next;
        }
        if (same) {
            made->state = same->state;
            made->round_trip_us = same->round_trip_us;
        }
    }
}

/* Those of one list whose URI the other one has not; once for several flows of one URI. */
static void tell_difference(const char *aor, struct ast_sip_contact *list,
                            struct ast_sip_contact *other, enum ast_sip_contact_event event)
{
    struct ast_sip_contact *first = list;

    for (; list; list = list->next) {
        if (!find_uri(other, list->uri) && find_uri(first, list->uri) == list) {
            tell(aor, list, event);
        }
    }
}

/* 1: another REGISTER than before has made it. */
static int is_renewed(const struct ast_sip_contact *old, const struct ast_sip_contact *made)
{
    return old->cseq != made->cseq || !is_same_text(old->call_id, made->call_id) ||
           !is_same_text(old->branch, made->branch);
}

static void tell_of_renewed(const char *aor, struct ast_sip_contact *old,
                            struct ast_sip_contact *made)
{
    for (; made; made = made->next) {
        const struct ast_sip_contact *before = find_uri(old, made->uri);

        if (before && is_renewed(before, made)) {
            tell(aor, made, AST_SIP_CONTACT_RENEWED);
        }
    }
}

int ast_sip_location_set(const char *aor, struct ast_sip_contact *contacts)
{
    struct ast_sip_contact **registered, *old;
    struct place *place;

    base_assert_sip_thread();
    place = get(aor);
    if (!place) {
        ast_error_limited("No memory for the contacts of '%s'", aor);
        ast_sip_contacts_free(contacts);
        return -1;
    }
    registered = &place->contacts;
    while (*registered && (*registered)->expires == 0) {
        registered = &(*registered)->next;
    }
    old = *registered;
    carry_over(old, contacts);
    *registered = contacts;
    tell_difference(aor, old, contacts, AST_SIP_CONTACT_REMOVED);
    tell_difference(aor, contacts, old, AST_SIP_CONTACT_ADDED);
    tell_of_renewed(aor, old, contacts);
    ast_sip_contacts_free(old);
    drop_if_empty(aor);
    return 0;
}

void ast_sip_contact_set_state(const char *aor, const char *uri, enum ast_sip_contact_state state,
                               unsigned round_trip_us)
{
    struct place *place;
    struct ast_sip_contact *contact;
    int before;

    base_assert_sip_thread();
    place = *find(aor);
    contact = place ? find_uri(place->contacts, uri) : NULL;
    if (!contact) {
        return;
    }
    before = contact->state;
    contact->state = state;
    contact->round_trip_us = round_trip_us;
    if (before != (int)state) {
        tell(aor, contact, AST_SIP_CONTACT_CHANGED);
    }
}

static void shift(struct place *place, long long seconds)
{
    struct ast_sip_aor *aor = ast_sip_get_aor(place->aor);
    const long long most = (long long)time(NULL) + (aor ? aor->maximum_expiration : 7200);

    for (struct ast_sip_contact *at = place->contacts; at; at = at->next) {
        if (at->expires != 0) {
            at->expires += seconds;
            at->expires = at->expires < 1 ? 1 : at->expires > most ? most : at->expires;
        }
    }
    ast_sip_aor_unref(aor);
}

void ast_sip_location_shift(long long seconds)
{
    base_assert_sip_thread();
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct place *place = buckets[i]; place; place = place->next) {
            shift(place, seconds);
        }
    }
}

/* ---- looking ---- */

const struct ast_sip_contact *ast_sip_aor_contacts(const char *aor)
{
    const struct place *place;

    base_assert_sip_thread();
    place = *find(aor);
    return place ? place->contacts : NULL;
}

int ast_sip_contact_expired(const struct ast_sip_contact *contact)
{
    return contact->expires != 0 && contact->expires <= (long long)time(NULL);
}

int ast_sip_contact_has_way(const struct ast_sip_contact *contact)
{
    struct sip_flow flow;

    base_assert_sip_thread();
    return !contact->flow || sip_flow_find(contact->flow, &flow) == 0;
}

static int quality(const struct ast_sip_contact *contact)
{
    return contact->q < 0 ? 1000 : contact->q;
}

/* Which contacts are looked for. */
struct wanted {
    const char *instance; /* NULL: any */
    const unsigned *tried;
    unsigned count;
};

static int is_wanted(const struct ast_sip_contact *contact, const struct wanted *wanted)
{
    if (!wanted->instance) {
        return 1;
    }
    for (unsigned i = 0; i < wanted->count; i++) {
        if (contact->reg_id == wanted->tried[i]) {
            return 0;
        }
    }
    return contact->instance && strcmp(contact->instance, wanted->instance) == 0;
}

static const struct ast_sip_contact *find_best(const struct ast_sip_endpoint *endpoint,
                                               const struct wanted *wanted)
{
    const struct ast_sip_contact *best = NULL, *contact;
    const char *rest = endpoint->aors;
    char name[256];

    base_assert_sip_thread();
    while (ast_sip_next_aor_name(&rest, name, sizeof(name))) {
        for (contact = ast_sip_aor_contacts(name); contact; contact = contact->next) {
            if (contact->state != AST_SIP_CONTACT_UNREACHABLE &&
                !ast_sip_contact_expired(contact) && is_wanted(contact, wanted) &&
                (!best || quality(contact) > quality(best)) && ast_sip_contact_has_way(contact)) {
                best = contact;
            }
        }
    }
    return best;
}

const struct ast_sip_contact *ast_sip_endpoint_contact(const struct ast_sip_endpoint *endpoint)
{
    return find_best(endpoint, &(struct wanted){.instance = NULL});
}

const struct ast_sip_contact *sip_location_next_flow(const struct ast_sip_endpoint *endpoint,
                                                     const char *instance, const unsigned *tried,
                                                     unsigned count)
{
    return find_best(endpoint, &(struct wanted){instance, tried, count});
}

void ast_sip_each_contact(int (*see)(const char *aor, const struct ast_sip_contact *contact,
                                     void *data),
                          void *data)
{
    base_assert_sip_thread();
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (const struct place *place = buckets[i]; place; place = place->next) {
            for (const struct ast_sip_contact *contact = place->contacts; contact;
                 contact = contact->next) {
                if (see(place->aor, contact, data) != 0) {
                    return;
                }
            }
        }
    }
}

static int tell_one(const char *aor, const struct ast_sip_contact *contact, void *data)
{
    ((struct ast_sip_contact_observer *)data)->event(aor, contact, AST_SIP_CONTACT_ADDED);
    return 0;
}

void ast_sip_register_contact_observer(struct ast_sip_contact_observer *observer)
{
    base_assert_sip_thread();
    observer->next = observers;
    observers = observer;
    ast_sip_each_contact(tell_one, observer);
}

void ast_sip_unregister_contact_observer(struct ast_sip_contact_observer *observer)
{
    struct ast_sip_contact_observer **at = &observers;

    base_assert_sip_thread();
    while (*at && *at != observer) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = observer->next;
    }
}

/* ---- start and stop ---- */

/* Copies of the contacts that an AOR is configured with; empty on failure. 0; -1 logged. */
static int copy_configured(const struct ast_sip_aor *aor, struct ast_sip_contact **list)
{
    const struct ast_sip_contact *contact;
    struct ast_sip_contact **end = list;

    *list = NULL;
    for (contact = aor->contacts; contact; contact = contact->next) {
        *end = ast_sip_contact_copy(contact);
        if (!*end) {
            ast_error_limited("No memory for the contacts of '%s'", aor->name);
            ast_sip_contacts_free(*list);
            *list = NULL;
            return -1;
        }
        end = &(*end)->next;
    }
    return 0;
}

static int add_configured(const struct ast_sip_aor *aor)
{
    struct place *place;

    if (!aor->contacts) {
        return 0;
    }
    place = get(aor->name);
    if (!place) {
        ast_error_limited("No memory for the contacts of '%s'", aor->name);
        return -1;
    }
    return copy_configured(aor, &place->contacts);
}

int sip_location_start(const struct sip_config *config)
{
    const struct sip_aor_entry *entry;

    for (entry = config->aors; entry; entry = entry->next) {
        if (add_configured(entry->aor) != 0) {
            return -1;
        }
    }
    return 0;
}

void sip_location_stop(void)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        while (buckets[i]) {
            struct place *place = buckets[i];

            buckets[i] = place->next;
            ast_sip_contacts_free(place->contacts);
            free(place->aor);
            free(place);
        }
    }
    observers = NULL;
}

/* ---- reload: what is registered stays, also of an AOR that is not configured any more ---- */

static int prepare_one(const struct ast_sip_aor *aor)
{
    struct change *change = calloc(1, sizeof(*change));

    if (!change || !(change->place = get(aor->name))) {
        ast_error_limited("No memory for the contacts of '%s'", aor->name);
        free(change);
        return -1;
    }
    change->next = changes;
    changes = change;
    return copy_configured(aor, &change->contacts);
}

int sip_location_prepare(struct sip_config *config)
{
    const struct sip_aor_entry *entry;

    for (entry = config->aors; entry; entry = entry->next) {
        if (prepare_one(entry->aor) != 0) {
            return -1;
        }
    }
    return 0;
}

static struct change *next_change(void)
{
    struct change *change = changes;

    if (change) {
        changes = change->next;
    }
    return change;
}

void sip_location_abandon(void)
{
    struct change *change;

    while ((change = next_change())) {
        ast_sip_contacts_free(change->contacts);
        drop_if_empty(change->place->aor);
        free(change);
    }
}

/* The configured contacts come first: they are exchanged, and observers are told of those that
 * came and went. */
static void exchange(struct place *place, struct ast_sip_contact *contacts)
{
    struct ast_sip_contact *old = place->contacts, **end = &old, *registered, *at;

    while (*end && (*end)->expires == 0) {
        end = &(*end)->next;
    }
    registered = *end;
    *end = NULL;
    carry_over(old, contacts);
    place->contacts = contacts;
    for (end = &place->contacts; *end; end = &(*end)->next) {
    }
    *end = registered;
    tell_difference(place->aor, old, place->contacts, AST_SIP_CONTACT_REMOVED);
    for (at = place->contacts; at != registered; at = at->next) {
        if (!find_uri(old, at->uri) && !find_uri(registered, at->uri)) {
            tell(place->aor, at, AST_SIP_CONTACT_ADDED);
        }
    }
    ast_sip_contacts_free(old);
}

static const struct ast_sip_aor *find_aor(const struct sip_config *config, const char *name)
{
    const struct sip_aor_entry *entry = config->aor_buckets[sip_aor_bucket(name)];

    while (entry && strcmp(entry->aor->name, name) != 0) {
        entry = entry->same_bucket;
    }
    return entry ? entry->aor : NULL;
}

/* Contacts that begin to be asked whether they are there are told of again. */
static void tell_of_qualify(const struct sip_config *old, const struct ast_sip_aor *aor,
                            const struct place *place)
{
    const struct ast_sip_aor *before = find_aor(old, aor->name);

    if (aor->qualify_frequency == 0 || (before && before->qualify_frequency > 0)) {
        return;
    }
    for (const struct ast_sip_contact *at = place->contacts; at; at = at->next) {
        tell(aor->name, at, AST_SIP_CONTACT_ADDED);
    }
}

static void take_away(const struct sip_config *old, const struct sip_config *config)
{
    for (const struct sip_aor_entry *entry = old->aors; entry; entry = entry->next) {
        struct place *place = *find(entry->aor->name);

        if (place && entry->aor->contacts && !find_aor(config, entry->aor->name)) {
            exchange(place, NULL);
            drop_if_empty(entry->aor->name);
        }
    }
}

void sip_location_commit(struct sip_config *old, struct sip_config *config)
{
    struct change *change;

    take_away(old, config);
    while ((change = next_change())) {
        exchange(change->place, change->contacts);
        tell_of_qualify(old, find_aor(config, change->place->aor), change->place);
        drop_if_empty(change->place->aor);
        free(change);
    }
}
