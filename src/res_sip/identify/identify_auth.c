/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the user name of an Authorization header names an endpoint, as "user@realm" or as
 * "user", when the endpoint lets itself be found that way (`identify_by`). Of several headers (RFC
 * 3261 22.3) one counts whose realm is the endpoint's, before one for another server. Whether the name is
 * rightly used is the authenticator's business, so an endpoint that need not authenticate is never
 * found here.
 */
#include <stdio.h>
#include <string.h>

#include "res_sip/auth/auth.h"
#include "res_sip/identify/identify.h"

static struct ast_sip_endpoint *find(pjsip_rx_data *rdata, const char *name)
{
    struct ast_sip_endpoint *endpoint = ast_sip_get_endpoint(name);

    if (endpoint && (!(endpoint->identify_by & AST_SIP_IDENTIFY_BY_AUTH_USERNAME) ||
                     !(endpoint->auths || ast_sip_requires_authentication(endpoint, rdata)))) {
        ast_sip_endpoint_unref(endpoint);
        return NULL;
    }
    return endpoint;
}

/* The endpoint that a header names; a new reference, or NULL. */
static struct ast_sip_endpoint *named_by(pjsip_rx_data *rdata,
                                         const pjsip_authorization_hdr *header)
{
    const pj_str_t *user = &header->credential.digest.username;
    const pj_str_t *realm = &header->credential.digest.realm;
    struct ast_sip_endpoint *endpoint;
    char name[256];
    int length;

    if (user->slen <= 0 || memchr(user->ptr, '\0', (size_t)user->slen)) {
        return NULL;
    }
    length = snprintf(name, sizeof(name), "%.*s@%.*s", (int)user->slen, user->ptr, (int)realm->slen,
                      realm->ptr ? realm->ptr : "");
    if (length >= (int)sizeof(name)) {
        return NULL;
    }
    endpoint = find(rdata, name);
    if (!endpoint) {
        name[user->slen] = '\0';
        endpoint = find(rdata, name);
    }
    return endpoint;
}

static int has_realm(const struct ast_sip_endpoint *endpoint, const pj_str_t *realm)
{
    const struct ast_sip_auth *auth = endpoint->auths;

    while (auth && pj_strcmp2(realm, auth->realm) != 0) {
        auth = auth->next;
    }
    return auth != NULL;
}

static struct ast_sip_endpoint *identify(pjsip_rx_data *rdata)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    struct ast_sip_endpoint *found = NULL;
    const pjsip_hdr *header;
    unsigned count = 0;

    for (header = msg->hdr.next; header != &msg->hdr && count < SIP_MAX_AUTHORIZATIONS;
         header = header->next) {
        const pjsip_authorization_hdr *one = (const pjsip_authorization_hdr *)header;
        struct ast_sip_endpoint *endpoint;

        if (header->type != PJSIP_H_AUTHORIZATION) {
            continue;
        }
        count++;
        endpoint = named_by(rdata, one);
        if (endpoint && has_realm(endpoint, &one->credential.digest.realm)) {
            ast_sip_endpoint_unref(found);
            return endpoint;
        }
        if (found) {
            ast_sip_endpoint_unref(endpoint);
        } else {
            found = endpoint; /* what its realm is, a registered authenticator knows */
        }
    }
    return found;
}

static struct ast_sip_endpoint_identifier identifier = {.identify_endpoint = identify};

int sip_identify_auth_start(void)
{
    return ast_sip_register_endpoint_identifier_with_name(&identifier, "auth_username");
}
