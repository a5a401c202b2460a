/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: addresses of record as they are configured, and contacts as plain values. Which contacts
 * there are is location.c's.
 */
#include <stdlib.h>
#include <string.h>

#include <pj/hash.h>
#include <sipsession/location.h>

#include "res_sip/location/location.h"

/* ---- contacts ---- */

static int copy_text(char **out, const char *text)
{
    *out = text ? strdup(text) : NULL;
    return text && !*out ? -1 : 0;
}

void ast_sip_contacts_free(struct ast_sip_contact *contact)
{
    while (contact) {
        struct ast_sip_contact *next = contact->next;

        free(contact->uri);
        free(contact->path);
        free(contact->call_id);
        free(contact->branch);
        free(contact->instance);
        free(contact->flow);
        free(contact->user_agent);
        free(contact->transport);
        free(contact);
        contact = next;
    }
}

struct ast_sip_contact *ast_sip_contact_create(const char *uri)
{
    struct ast_sip_contact *contact = calloc(1, sizeof(*contact));

    if (contact && copy_text(&contact->uri, uri) != 0) {
        free(contact);
        return NULL;
    }
    if (contact) {
        contact->q = -1;
    }
    return contact;
}

struct ast_sip_contact *ast_sip_contact_copy(const struct ast_sip_contact *contact)
{
    struct ast_sip_contact *copy = malloc(sizeof(*copy));

    if (!copy) {
        return NULL;
    }
    *copy = *contact;
    copy->next = NULL;
    copy->uri = copy->path = copy->call_id = copy->branch = copy->user_agent = copy->transport =
        NULL;
    copy->instance = copy->flow = NULL;
    if (copy_text(&copy->uri, contact->uri) != 0 || copy_text(&copy->path, contact->path) != 0 ||
        copy_text(&copy->call_id, contact->call_id) != 0 ||
        copy_text(&copy->branch, contact->branch) != 0 ||
        copy_text(&copy->instance, contact->instance) != 0 ||
        copy_text(&copy->flow, contact->flow) != 0 ||
        copy_text(&copy->user_agent, contact->user_agent) != 0 ||
        copy_text(&copy->transport, contact->transport) != 0) {
        ast_sip_contacts_free(copy);
        return NULL;
    }
    return copy;
}

int ast_sip_contact_same_flow(const struct ast_sip_contact *contact, const char *instance,
                              unsigned reg_id)
{
    return contact->instance && instance && contact->reg_id == reg_id &&
           strcmp(contact->instance, instance) == 0;
}

/* ---- AORs ---- */

struct ast_sip_aor *ast_sip_aor_create(const char *name)
{
    struct ast_sip_aor *aor = calloc(1, sizeof(*aor));

    if (!aor || !(aor->name = strdup(name))) {
        free(aor);
        return NULL;
    }
    aor->refs = 1;
    aor->minimum_expiration = 60;
    aor->default_expiration = 3600;
    aor->maximum_expiration = 7200;
    aor->qualify_timeout = 3000;
    return aor;
}

struct ast_sip_aor *ast_sip_aor_ref(struct ast_sip_aor *aor)
{
    base_assert_sip_thread();
    base_assert(aor->refs > 0);
    aor->refs++;
    return aor;
}

void ast_sip_aor_unref(struct ast_sip_aor *aor)
{
    if (!aor) {
        return;
    }
    base_assert(aor->refs > 0);
    if (aor->refs >
        1) { /* else nobody else knows it: a reader of files may give it up on its own thread */
        base_assert_sip_thread();
    }
    if (--aor->refs == 0) {
        free(aor->name);
        free(aor->outbound_proxy);
        ast_sip_contacts_free(aor->contacts);
        free(aor);
    }
}

struct ast_sip_aor *ast_sip_get_aor(const char *name)
{
    const struct sip_config *config = sip_get_config();
    struct sip_aor_entry *entry;

    base_assert_sip_thread();
    for (entry = config ? config->aor_buckets[sip_aor_bucket(name)] : NULL; entry;
         entry = entry->same_bucket) {
        if (strcmp(entry->aor->name, name) == 0) {
            return ast_sip_aor_ref(entry->aor);
        }
    }
    return NULL;
}

unsigned sip_aor_bucket(const char *name)
{
    return pj_hash_calc(0, name, (unsigned)strlen(name)) % SIP_AOR_BUCKETS;
}

void sip_config_add_aor(struct sip_config *config, struct sip_aor_entry *entry)
{
    struct sip_aor_entry **bucket = &config->aor_buckets[sip_aor_bucket(entry->aor->name)];

    *config->aors_end = entry;
    config->aors_end = &entry->next;
    entry->same_bucket = *bucket;
    *bucket = entry;
}

void ast_sip_each_aor(int (*see)(const struct ast_sip_aor *aor, void *data), void *data)
{
    const struct sip_config *config = sip_get_config();
    const struct sip_aor_entry *entry = config ? config->aors : NULL;

    base_assert_sip_thread();
    while (entry && see(entry->aor, data) == 0) {
        entry = entry->next;
    }
}

int ast_sip_next_aor_name(const char **rest, char *name, size_t size)
{
    const char *at = *rest;
    size_t length;

    while (at && *(at += strspn(at, ", \t"))) {
        length = strcspn(at, ", \t");
        *rest = at + length;
        if (length < size) {
            memcpy(name, at, length);
            name[length] = '\0';
            return 1;
        }
        at += length;
    }
    *rest = at;
    return 0;
}

/* 1: the endpoint's list has this name. */
static int has_aor(const struct ast_sip_endpoint *endpoint, const char *aor)
{
    const char *rest = endpoint->aors;
    char name[256];

    while (ast_sip_next_aor_name(&rest, name, sizeof(name))) {
        if (strcmp(name, aor) == 0) {
            return 1;
        }
    }
    return 0;
}

struct ast_sip_endpoint *ast_sip_get_endpoint_of_aor(const char *aor)
{
    const struct sip_config *config = sip_get_config();
    struct sip_endpoint_entry *entry = config ? config->endpoints : NULL;
    struct ast_sip_endpoint *same = ast_sip_get_endpoint(aor); /* the usual case */

    base_assert_sip_thread();
    if (same && has_aor(same, aor)) {
        return same;
    }
    ast_sip_endpoint_unref(same);
    while (entry && !has_aor(entry->endpoint, aor)) {
        entry = entry->next;
    }
    return entry ? ast_sip_endpoint_ref(entry->endpoint) : NULL;
}
