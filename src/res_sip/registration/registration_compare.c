/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what a reload has changed of an outbound registration. Nothing is acted upon here.
 */
#include <string.h>

#include "res_sip/registration/registration_request.h"

static int is_same_text(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

int sip_registration_is_same_binding(const struct sip_registration_config *one,
                                     const struct sip_registration_config *other)
{
    return is_same_text(one->server_uri, other->server_uri) &&
           is_same_text(one->client_uri, other->client_uri) &&
           is_same_text(one->contact_user, other->contact_user) &&
           is_same_text(one->transport, other->transport) && one->line == other->line;
}

static int has_same_credentials(const struct ast_sip_endpoint *one,
                                const struct ast_sip_endpoint *other)
{
    const struct ast_sip_credential *a = one->credentials, *b = other->credentials;

    while (a && b && a->kind == b->kind && is_same_text(a->realm, b->realm) &&
           is_same_text(a->username, b->username) && is_same_text(a->secret, b->secret)) {
        a = a->next;
        b = b->next;
    }
    return !a && !b;
}

static int has_same_texts(const struct sip_registration_config *one,
                          const struct sip_registration_config *other)
{
    return is_same_text(one->contact_header_params, other->contact_header_params) &&
           is_same_text(one->outbound_proxy, other->outbound_proxy) &&
           is_same_text(one->user_agent, other->user_agent);
}

/* max_random_initial_delay is over, and endpoint is looked at when a request comes. */
static int has_same_rules(const struct sip_registration_config *one,
                          const struct sip_registration_config *other)
{
    return one->support_path == other->support_path &&
           one->support_outbound == other->support_outbound &&
           one->expiration == other->expiration && one->retry_interval == other->retry_interval &&
           one->forbidden_retry_interval == other->forbidden_retry_interval &&
           one->fatal_retry_interval == other->fatal_retry_interval &&
           one->max_retries == other->max_retries &&
           one->auth_rejection_permanent == other->auth_rejection_permanent;
}

int sip_registration_is_same(const struct sip_registration_config *one,
                             const struct sip_registration_config *other)
{
    return sip_registration_is_same_binding(one, other) && has_same_texts(one, other) &&
           has_same_rules(one, other) && has_same_credentials(one->registrar, other->registrar);
}
