/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what a reload does to transports. A new one is opened before anything is changed. One
 * that is there already is changed, or goes, only with its allow_reload; else it stays as it is,
 * and a warning says so. No socket is closed here.
 */
#include <stdlib.h>
#include <string.h>

#include <pjlib.h>

#include <sipsession/log.h>

#include "res_sip/transport/tls.h"
#include "res_sip/transport/transport.h"

enum what {
    OPEN,    /* it is new: made */
    KEEP,    /* the same, perhaps by another name */
    CHANGE,  /* other options of the same socket */
    REPLACE, /* another address or protocol: made, and the one of before goes */
    HOLD     /* it stays as it was configured before */
};

/* For each transport of the new configuration. */
struct plan {
    struct plan *next;
    enum what what;
    struct sip_transport_config *config; /* borrowed from the new configuration */
    struct sip_transport *now;           /* NULL: none */
    struct sip_transport *made;          /* open, in no list yet; owned */
};

static struct plan *plans;

/* ---- what is different ---- */

static int is_same_text(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static int has_same_socket(const struct sip_transport_config *one,
                           const struct sip_transport_config *other)
{
    return one->protocol == other->protocol && pj_sockaddr_cmp(&one->bind, &other->bind) == 0;
}

static int has_same_tls(const struct sip_tls_config *one, const struct sip_tls_config *other)
{
    return is_same_text(one->cert_file, other->cert_file) &&
           is_same_text(one->priv_key_file, other->priv_key_file) &&
           is_same_text(one->password, other->password) &&
           is_same_text(one->ca_list_file, other->ca_list_file) &&
           is_same_text(one->ca_list_path, other->ca_list_path) &&
           is_same_text(one->cipher, other->cipher) && one->method == other->method &&
           one->verify_client == other->verify_client &&
           one->verify_server == other->verify_server &&
           one->require_client_cert == other->require_client_cert &&
           one->allow_wildcard_certs == other->allow_wildcard_certs;
}

static int has_same_external(const struct sip_external_config *one,
                             const struct sip_external_config *other)
{
    unsigned i;

    if (!is_same_text(one->signaling_address, other->signaling_address) ||
        !is_same_text(one->signaling_hostname, other->signaling_hostname) ||
        !is_same_text(one->media_address, other->media_address) ||
        one->signaling_port != other->signaling_port || one->local_count != other->local_count) {
        return 0;
    }
    for (i = 0; i < one->local_count; i++) {
        if (one->local[i].prefix != other->local[i].prefix ||
            pj_sockaddr_cmp(&one->local[i].address, &other->local[i].address) != 0) {
            return 0;
        }
    }
    return 1;
}

static int has_same_sending(const struct sip_transport_config *one,
                            const struct sip_transport_config *other)
{
    return one->tos == other->tos && one->cos == other->cos &&
           one->tcp_keepalive == other->tcp_keepalive &&
           one->tcp_keepalive_interval == other->tcp_keepalive_interval &&
           one->tcp_keepalive_count == other->tcp_keepalive_count;
}

static int is_same(const struct sip_transport_config *one, const struct sip_transport_config *other)
{
    return has_same_socket(one, other) && has_same_sending(one, other) &&
           has_same_tls(&one->tls, &other->tls) &&
           has_same_external(&one->external, &other->external) &&
           is_same_text(one->domain, other->domain) && one->symmetric == other->symmetric;
}

/* ---- preparing ---- */

static int is_configured(const struct sip_config *config, const char *name)
{
    const struct sip_transport_config *at = config->transports;

    while (at && strcmp(at->name, name) != 0) {
        at = at->next;
    }
    return at != NULL;
}

/* The one of its name, else the one of its address whose name is gone; or NULL. */
static struct sip_transport *find_now(const struct sip_config *config,
                                      const struct sip_transport_config *wanted)
{
    struct sip_transport *at = sip_transports();

    while (at && strcmp(at->config->name, wanted->name) != 0) {
        at = at->next;
    }
    if (at) {
        return at;
    }
    at = sip_transports();
    while (at &&
           (!has_same_socket(at->config, wanted) || is_configured(config, at->config->name))) {
        at = at->next;
    }
    return at;
}

static enum what decide(const struct sip_transport *now, const struct sip_transport_config *config)
{
    if (!now) {
        return OPEN;
    }
    if (is_same(now->config, config)) {
        return KEEP;
    }
    if (!config->allow_reload) {
        ast_warning("transport '%s' stays as it was: other options of it need a restart, or "
                    "allow_reload = yes",
                    config->name);
        return HOLD;
    }
    if (!has_same_socket(now->config, config)) {
        return REPLACE;
    }
    return CHANGE;
}

static int plan_one(const struct sip_config *new_config, struct sip_transport_config *config)
{
    struct plan *plan = calloc(1, sizeof(*plan)), **end = &plans;

    if (!plan) {
        ast_error("res_sip: transport '%s': no memory", config->name);
        return -1;
    }
    while (*end) {
        end = &(*end)->next;
    }
    *end = plan;
    plan->config = config;
    plan->now = find_now(new_config, config);
    plan->what = decide(plan->now, config);
    if (plan->what == OPEN || plan->what == REPLACE) {
        plan->made = sip_transport_open(config);
        return plan->made ? 0 : -1;
    }
    return 0;
}

static int is_planned(const struct sip_transport *transport)
{
    const struct plan *plan = plans;

    while (plan && plan->now != transport) {
        plan = plan->next;
    }
    return plan != NULL;
}

int sip_transports_prepare(struct sip_config *config)
{
    struct sip_transport_config *one;
    const struct sip_transport *at;

    for (one = config->transports; one; one = one->next) {
        if (plan_one(config, one) != 0) {
            return -1;
        }
    }
    for (at = sip_transports(); at; at = at->next) {
        if (!is_planned(at) && !at->config->allow_reload) {
            ast_warning("transport '%s' stays: to take it away needs a restart, or allow_reload = "
                        "yes",
                        at->config->name);
        }
    }
    return 0;
}

int sip_transport_is_leaving(const void *transport)
{
    const struct sip_transport *at = sip_transports();
    const struct plan *plan = plans;

    while (at && (at->udp ? at->udp != transport : at->tcp != transport)) {
        at = at->next;
    }
    while (plan && plan->now != at) {
        plan = plan->next;
    }
    return at && (plan ? plan->what == REPLACE : at->config->allow_reload);
}

static void close_made(struct sip_transport *transport)
{
    if (transport->udp) {
        pjsip_transport_shutdown(transport->udp);
    } else {
        transport->tcp->destroy(transport->tcp);
    }
    free(transport);
}

void sip_transports_abandon(void)
{
    while (plans) {
        struct plan *plan = plans;

        plans = plan->next;
        if (plan->made) {
            close_made(plan->made);
        }
        free(plan);
    }
}

/* ---- switching ---- */

/* Takes one out of the configuration that goes. */
static struct sip_transport_config *take_config(struct sip_config *old,
                                                const struct sip_transport_config *config)
{
    struct sip_transport_config **at = &old->transports, *taken;

    while (*at != config) {
        at = &(*at)->next;
    }
    taken = *at;
    *at = taken->next;
    taken->next = NULL;
    return taken;
}

/* What a transport was configured with goes on to be what is in force; the other one goes with the
 * old configuration. */
static void hold(struct sip_transport *transport, struct sip_transport_config *config)
{
    struct sip_transport_config *before = (struct sip_transport_config *)transport->config;
    struct sip_transport_config content = *before;

    content.name = config->name; /* perhaps another one */
    config->name = before->name;
    content.next = config->next;
    config->next = before->next;
    *before = *config;
    *config = content;
    transport->config = config;
}

static void change(struct sip_transport *transport, const struct sip_transport_config *config)
{
    const struct sip_transport_config *before = transport->config;

    transport->config = config;
    if (transport->udp) {
        if (!has_same_sending(before, config)) {
            sip_udp_set_qos(sip_udp_fd(transport->udp), config);
        }
    } else if (config->protocol == SIP_TRANSPORT_TCP) {
        if (!has_same_sending(before, config)) {
            transport->is_marked = 1;
            sip_connections_mark(transport);
        }
    } else if (!(has_same_tls(&before->tls, &config->tls) && has_same_sending(before, config))) {
        sip_tls_change(transport);
    }
    ast_notice("transport '%s' was changed", config->name);
}

static void retire(struct sip_config *old, struct sip_transport *transport)
{
    sip_transport_take_out(transport);
    sip_transport_retire(transport, take_config(old, transport->config));
}

static void carry_out(struct sip_config *old, struct plan *plan)
{
    switch (plan->what) {
    case KEEP:
        plan->now->config = plan->config;
        break;
    case CHANGE:
        change(plan->now, plan->config);
        break;
    case HOLD:
        hold(plan->now, plan->config);
        break;
    case OPEN:
    case REPLACE:
        sip_transport_add(plan->made);
        plan->made = NULL;
        break;
    }
    if (plan->what == REPLACE) {
        retire(old, plan->now);
    }
}

/* Those that the new configuration does not name. */
static void remove_others(struct sip_config *old, struct sip_config *config)
{
    struct sip_transport *at, *next;

    for (at = sip_transports(); at; at = next) {
        struct sip_transport_config **end = &config->transports;

        next = at->next;
        if (is_planned(at)) {
            continue;
        }
        if (at->config->allow_reload) {
            ast_notice("transport '%s' was taken away", at->config->name);
            retire(old, at);
            continue;
        }
        while (*end) {
            end = &(*end)->next;
        }
        *end = take_config(old, at->config);
    }
}

void sip_transports_commit(struct sip_config *old, struct sip_config *config)
{
    /* before those are added that no plan has as its `now` */
    remove_others(old, config);
    for (struct plan *plan = plans; plan; plan = plan->next) {
        carry_out(old, plan);
    }
    sip_transports_abandon(); /* the plans: nothing is left in them */
    sip_transports_wait_for(&old->endpoints);
    sip_transports_check(config);
    sip_connections_reload(old);
    sip_nat_reload();
    sip_tls_reload();
}
