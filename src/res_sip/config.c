/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the configuration in force, and its endpoints by name. Plain memory: no file is read
 * here, and nothing of it changes while it is in force; a reload puts another one in its place.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/core.h"

static struct sip_config *current;
static int was_replaced; /* dialogs may have an endpoint of before */

static void set_defaults(struct sip_global_config *global)
{
    global->user_agent = strdup("sipsession");
    global->default_realm = strdup("sipsession");
    global->endpoint_identifier_order = strdup("ip,username,anonymous");
    global->default_from_user = strdup("sipsession");
    global->default_outbound_endpoint = strdup("default_outbound_endpoint");
    global->max_forwards = 70;
    global->keep_alive_interval = 90;
    global->unidentified_request_count = 5;
    global->unidentified_request_period = 5;
    global->shared.all_codecs_on_empty_reinvite = 1;
    global->timer_t1 = 500;
    global->timer_b = 32000;
    global->disable_tcp_switch = 1;
    global->shared.contact_expiration_check_interval = 30;
    global->shared.norefersub = 1;
    global->algorithm_count = 1;
    global->algorithms[0] = AST_SIP_DIGEST_MD5;
}

void sip_guard_defaults(struct sip_guard_limits *limits)
{
    const struct sip_guard_limits defaults = {
        .message_size = 7999,
        .body_size = 7000,
        .uri_size = 1024,
        .echoed_size = 2500,
        .header_fields = 200,
        .option_tags = 16,
        .streams = 8,
        .formats = 30,
        .attributes = 60,
        .keys = 8,
        .connections = 4000,
        .connections_of_source = 0,
        .unsent = 4000,
        .message_timeout = 20,
        .idle_timeout = 3700,
    };

    *limits = defaults;
}

struct sip_config *sip_config_create(void)
{
    struct sip_config *config = calloc(1, sizeof(*config));

    if (!config) {
        return NULL;
    }
    config->aors_end = &config->aors;
    set_defaults(&config->global);
    sip_guard_defaults(&config->guard);
    config->authentication.check_uri = 1;
    config->overload.max_delay = 50; /* as settings_overload.c says */
    config->overload.retry_after = 5;
    if (!config->global.user_agent || !config->global.default_realm ||
        !config->global.endpoint_identifier_order || !config->global.default_from_user ||
        !config->global.default_outbound_endpoint) {
        sip_config_destroy(config);
        return NULL;
    }
    return config;
}

void sip_transport_config_release(struct sip_transport_config *transport)
{
    struct sip_tls_config *tls = &transport->tls;
    struct sip_external_config *external = &transport->external;

    free(transport->domain);
    transport->domain = NULL;
    free(tls->cert_file);
    free(tls->priv_key_file);
    free(tls->password);
    free(tls->ca_list_file);
    free(tls->ca_list_path);
    free(tls->cipher);
    memset(tls, 0, sizeof(*tls));
    free(external->signaling_address);
    free(external->signaling_hostname);
    free(external->media_address);
    free(external->local);
    memset(external, 0, sizeof(*external));
}

static void free_transports(struct sip_transport_config *transport)
{
    while (transport) {
        struct sip_transport_config *next = transport->next;

        sip_transport_config_release(transport);
        free(transport->name);
        free(transport);
        transport = next;
    }
}

static void free_aliases(struct sip_domain_alias *alias)
{
    while (alias) {
        struct sip_domain_alias *next = alias->next;

        free(alias->alias);
        free(alias->domain);
        free(alias);
        alias = next;
    }
}

static void free_identifies(struct sip_identify_config *identify)
{
    while (identify) {
        struct sip_identify_config *next = identify->next;

        free(identify->name);
        free(identify->endpoint);
        free(identify->match);
        while (identify->name_count > 0) {
            free(identify->names[--identify->name_count]);
        }
        free(identify->names);
        free(identify->match_header);
        free(identify->match_request_uri);
        free(identify);
        identify = next;
    }
}

void sip_registration_config_free(struct sip_registration_config *registration)
{
    if (registration) {
        free(registration->name);
        free(registration->server_uri);
        free(registration->client_uri);
        free(registration->contact_user);
        free(registration->contact_header_params);
        free(registration->transport);
        free(registration->outbound_proxy);
        free(registration->outbound_auth);
        free(registration->endpoint);
        free(registration->user_agent);
        ast_sip_endpoint_unref(registration->registrar);
        free(registration);
    }
}

static void free_registrations(struct sip_registration_config *registration)
{
    while (registration) {
        struct sip_registration_config *next = registration->next;

        sip_registration_config_free(registration);
        registration = next;
    }
}

static void free_endpoints(struct sip_endpoint_entry *entry)
{
    while (entry) {
        struct sip_endpoint_entry *next = entry->next;

        ast_sip_endpoint_unref(entry->endpoint);
        free(entry);
        entry = next;
    }
}

static void free_aors(struct sip_aor_entry *entry)
{
    while (entry) {
        struct sip_aor_entry *next = entry->next;

        ast_sip_aor_unref(entry->aor);
        free(entry);
        entry = next;
    }
}

void sip_config_destroy(struct sip_config *config)
{
    if (!config) {
        return;
    }
    free(config->global.user_agent);
    free(config->global.default_realm);
    free(config->global.endpoint_identifier_order);
    free(config->global.default_from_user);
    free(config->global.default_outbound_endpoint);
    free(config->global.shared.regcontext);
    free(config->global.nameservers);
    free(config->overload.emergency_numbers);
    free_transports(config->transports);
    free_endpoints(config->endpoints);
    free_aliases(config->aliases);
    free_identifies(config->identifies);
    free_aors(config->aors);
    sip_acl_free(config->acl);
    sip_acl_free(config->contact_acl);
    free(config->access.exempt);
    free_registrations(config->registrations);
    free(config->slots);
    free(config);
}

static unsigned hash(const char *name)
{
    unsigned value = 2166136261u;

    while (*name) {
        value = (value ^ (unsigned char)*name++) * 16777619u;
    }
    return value;
}

/* The slot of a name: the endpoint's own, or the empty one where it would go. */
static struct ast_sip_endpoint **find_slot(struct ast_sip_endpoint **table, unsigned mask,
                                           const char *name)
{
    unsigned i = hash(name) & mask;

    while (table[i] && strcmp(table[i]->name, name) != 0) {
        i = (i + 1) & mask;
    }
    return &table[i];
}

int sip_config_index(struct sip_config *config)
{
    const struct sip_endpoint_entry *entry;
    unsigned count = 0, size = 8;

    for (entry = config->endpoints; entry; entry = entry->next) {
        count++;
    }
    while (size < 2 * count) {
        size *= 2;
    }
    free(config->slots);
    config->slots = calloc(size, sizeof(struct ast_sip_endpoint *));
    if (!config->slots) {
        ast_error("res_sip: no memory for %u endpoints", count);
        return -1;
    }
    config->slot_mask = size - 1;
    for (entry = config->endpoints; entry; entry = entry->next) {
        struct ast_sip_endpoint **slot =
            find_slot(config->slots, config->slot_mask, entry->endpoint->name);

        if (*slot) {
            ast_warning("res_sip: two endpoints are named '%s'; the first is used",
                        entry->endpoint->name);
        } else {
            *slot = entry->endpoint;
        }
    }
    return 0;
}

struct ast_sip_endpoint *sip_config_endpoint(const struct sip_config *config, const char *name)
{
    return config->slots ? *find_slot(config->slots, config->slot_mask, name) : NULL;
}

int sip_config_use(struct sip_config *config)
{
    if (config && sip_config_index(config) != 0) {
        return -1;
    }
    sip_config_destroy(current);
    current = config;
    was_replaced = 0;
    return 0;
}

struct sip_config *sip_config_replace(struct sip_config *config)
{
    struct sip_config *old = current;

    base_assert_sip_thread();
    base_assert(config->slots && old);
    current = config;
    was_replaced = 1;
    return old;
}

const struct sip_config *sip_get_config(void)
{
    return current;
}

struct ast_sip_endpoint *ast_sip_get_endpoint(const char *name)
{
    struct ast_sip_endpoint *endpoint;

    base_assert_sip_thread();
    endpoint = current ? sip_config_endpoint(current, name) : NULL;
    return endpoint ? ast_sip_endpoint_ref(endpoint) : NULL;
}

struct ast_sip_endpoint *sip_endpoint_now(struct ast_sip_endpoint *endpoint)
{
    struct ast_sip_endpoint *now =
        was_replaced ? sip_config_endpoint(current, endpoint->name) : NULL;

    return now ? now : endpoint;
}

const struct ast_sip_global *ast_sip_get_global(void)
{
    base_assert_sip_thread();
    return &sip_get_config()->global.shared;
}

const char *ast_sip_get_aliased_domain(const pj_str_t *host)
{
    const struct sip_domain_alias *alias;

    base_assert_sip_thread();
    for (alias = sip_get_config()->aliases; alias; alias = alias->next) {
        if (pj_stricmp2(host, alias->alias) == 0) {
            return alias->domain;
        }
    }
    return NULL;
}

pj_str_t ast_sip_user_of(const pj_str_t *user)
{
    const char *options = user->slen > 0 && sip_get_config()->global.shared.ignore_uri_user_options
                              ? memchr(user->ptr, ';', (size_t)user->slen)
                              : NULL;
    pj_str_t result = *user;

    if (options) {
        result.slen = options - user->ptr;
    }
    return result;
}
