/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the user of From names an endpoint, as "user@domain" or as "user", when the endpoint
 * lets itself be found that way (`identify_by`). A domain may have other names (`domain_alias`,
 * `domain` of a transport).
 */
#include <stdio.h>
#include <string.h>

#include "res_sip/identify/identify.h"
#include "res_sip/transport/transport.h"

static struct ast_sip_endpoint *find(const char *name)
{
    struct ast_sip_endpoint *endpoint = ast_sip_get_endpoint(name);

    if (endpoint && !(endpoint->identify_by & AST_SIP_IDENTIFY_BY_USERNAME)) {
        ast_sip_endpoint_unref(endpoint);
        return NULL;
    }
    return endpoint;
}

/* "user@domain"; NULL: there is none. */
static struct ast_sip_endpoint *find_in(const pj_str_t *user, const pj_str_t *domain)
{
    char name[256];
    int length = snprintf(name, sizeof(name), "%.*s@%.*s", (int)user->slen, user->ptr,
                          (int)domain->slen, domain->ptr);

    return length < (int)sizeof(name) ? find(name) : NULL;
}

/* By the domain that From names, the one that this is an alias of, and that of the transport. */
static struct ast_sip_endpoint *find_by_domain(const pjsip_rx_data *rdata, const pj_str_t *user,
                                               const pj_str_t *host)
{
    const struct sip_transport *transport = sip_transport_of(rdata->tp_info.transport);
    const char *others[] = {ast_sip_get_aliased_domain(host),
                            transport ? transport->config->domain : NULL};
    struct ast_sip_endpoint *endpoint = find_in(user, host);

    for (unsigned i = 0; i < PJ_ARRAY_SIZE(others) && !endpoint; i++) {
        if (others[i]) {
            const pj_str_t domain = sip_str(others[i]);

            endpoint = find_in(user, &domain);
        }
    }
    return endpoint;
}

static struct ast_sip_endpoint *identify(pjsip_rx_data *rdata)
{
    const pjsip_uri *from = pjsip_uri_get_uri(rdata->msg_info.from->uri);
    struct ast_sip_endpoint *endpoint = NULL;
    const pjsip_sip_uri *uri;
    char name[256];
    pj_str_t user;

    if (!PJSIP_URI_SCHEME_IS_SIP(from) && !PJSIP_URI_SCHEME_IS_SIPS(from)) {
        return NULL;
    }
    uri = (const pjsip_sip_uri *)from;
    user = ast_sip_user_of(&uri->user);
    if (user.slen <= 0 || user.slen >= (pj_ssize_t)sizeof(name) ||
        memchr(user.ptr, '\0', (size_t)user.slen)) {
        return NULL; /* "%00": it would be another name to strcmp */
    }
    if (!sip_get_config()->global.disable_multi_domain) {
        endpoint = find_by_domain(rdata, &user, &uri->host);
    }
    if (!endpoint) {
        memcpy(name, user.ptr, (size_t)user.slen);
        name[user.slen] = '\0';
        endpoint = find(name);
    }
    return endpoint;
}

static struct ast_sip_endpoint_identifier identifier = {.identify_endpoint = identify};

int sip_identify_username_start(void)
{
    return ast_sip_register_endpoint_identifier_with_name(&identifier, "username");
}
