/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: an endpoint's life. Who it is and how one talks with it is set by whoever makes it;
 * nothing here reads a file or a message.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "res_sip/core.h"

void sip_credentials_free(struct ast_sip_credential *credential)
{
    while (credential) {
        struct ast_sip_credential *next = credential->next;

        if (credential->secret) {
            explicit_bzero(credential->secret, strlen(credential->secret));
        }
        free(credential->realm);
        free(credential->username);
        free(credential->secret);
        free(credential);
        credential = next;
    }
}

void sip_auths_free(struct ast_sip_auth *auth)
{
    while (auth) {
        struct ast_sip_auth *next = auth->next;

        OPENSSL_cleanse(auth->ha1, sizeof(auth->ha1));
        free(auth->realm);
        free(auth->username);
        free(auth);
        auth = next;
    }
}

static void free_variables(struct ast_sip_variable *variable)
{
    while (variable) {
        struct ast_sip_variable *next = variable->next;

        free(variable->name);
        free(variable->value);
        free(variable);
        variable = next;
    }
}

static void destroy(struct ast_sip_endpoint *endpoint)
{
    free(endpoint->name);
    free(endpoint->context);
    free(endpoint->message_context);
    free(endpoint->transport);
    free(endpoint->aors);
    free(endpoint->callerid_tag);
    free(endpoint->accountcode);
    free(endpoint->language);
    free(endpoint->from_user);
    free(endpoint->from_domain);
    free(endpoint->contact_user);
    free(endpoint->outbound_proxy);
    free(endpoint->media_address);
    free(endpoint->sdp_owner);
    free(endpoint->sdp_session);
    free(endpoint->overlap_context);
    free(endpoint->tenantid);
    free(endpoint->tone_zone);
    free(endpoint->outbound_auth);
    sip_credentials_free(endpoint->credentials);
    free(endpoint->auth);
    sip_auths_free(endpoint->auths);
    sip_acl_free(endpoint->acl);
    sip_acl_free(endpoint->contact_acl);
    free_variables(endpoint->variables);
    free(endpoint);
}

struct ast_sip_endpoint *ast_sip_endpoint_create(const char *name)
{
    struct ast_sip_endpoint *endpoint = calloc(1, sizeof(*endpoint));

    if (!endpoint) {
        return NULL;
    }
    endpoint->refs = 1;
    endpoint->name = strdup(name);
    endpoint->context = strdup("default");
    endpoint->sdp_owner = strdup("-");
    endpoint->sdp_session = strdup("sipsession");
    if (!endpoint->name || !endpoint->context || !endpoint->sdp_owner || !endpoint->sdp_session) {
        destroy(endpoint);
        return NULL;
    }
    endpoint->callerid.presentation = AST_PARTY_UNAVAILABLE;
    endpoint->dtmf_mode = AST_SIP_DTMF_RFC4733;
    endpoint->rel100 = AST_SIP_100REL_YES;
    endpoint->timers = AST_SIP_TIMERS_YES;
    endpoint->timers_min_se = 90;
    endpoint->timers_sess_expires = 1800;
    endpoint->force_rport = 1;
    endpoint->allow_overlap = 1;
    endpoint->identify_by = AST_SIP_IDENTIFY_BY_USERNAME | AST_SIP_IDENTIFY_BY_IP;
    endpoint->max_audio_streams = 1;
    endpoint->allow_transfer = 1;
    endpoint->refer_blind_progress = 1;
    endpoint->send_diversion = 1;
    endpoint->send_connected_line = 1;
    endpoint->trust_connected_line = 1;
    return endpoint;
}

struct ast_sip_endpoint *ast_sip_endpoint_ref(struct ast_sip_endpoint *endpoint)
{
    base_assert_sip_thread();
    base_assert(endpoint->refs > 0);
    endpoint->refs++;
    return endpoint;
}

void ast_sip_endpoint_unref(struct ast_sip_endpoint *endpoint)
{
    if (!endpoint) {
        return;
    }
    base_assert(endpoint->refs > 0);
    if (endpoint->refs >
        1) { /* else nobody else knows it: a reader of files may give it up on its own thread */
        base_assert_sip_thread();
    }
    if (--endpoint->refs == 0) {
        destroy(endpoint);
    }
}
