/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the user name of an Authorization header names an endpoint, as "user@realm" or as
 * "user", when the endpoint lets itself be found that way (`identify_by`). Whether the name is
 * rightly used is the authenticator's business, so an endpoint that need not authenticate is never
 * found here.
 */
#include <stdio.h>
#include <string.h>

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

static struct ast_sip_endpoint *identify(pjsip_rx_data *rdata)
{
    const pjsip_authorization_hdr *header =
        pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_AUTHORIZATION, NULL);
    const pj_str_t *user = header ? &header->credential.digest.username : NULL;
    const pj_str_t *realm = header ? &header->credential.digest.realm : NULL;
    struct ast_sip_endpoint *endpoint;
    char name[256];
    int length;

    if (!user || user->slen <= 0 || memchr(user->ptr, '\0', (size_t)user->slen)) {
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

static struct ast_sip_endpoint_identifier identifier = {.identify_endpoint = identify};

int sip_identify_auth_start(void)
{
    return ast_sip_register_endpoint_identifier_with_name(&identifier, "auth_username");
}
