/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the user of From names an endpoint, as "user@domain" or as "user", when the endpoint
 * lets itself be found that way (`identify_by`).
 */
#include <stdio.h>
#include <string.h>

#include "res_sip/identify/identify.h"

static struct ast_sip_endpoint *find(const char *name)
{
    struct ast_sip_endpoint *endpoint = ast_sip_get_endpoint(name);

    if (endpoint && !(endpoint->identify_by & AST_SIP_IDENTIFY_BY_USERNAME)) {
        ast_sip_endpoint_unref(endpoint);
        return NULL;
    }
    return endpoint;
}

static struct ast_sip_endpoint *identify(pjsip_rx_data *rdata)
{
    const pjsip_uri *from = pjsip_uri_get_uri(rdata->msg_info.from->uri);
    struct ast_sip_endpoint *endpoint = NULL;
    const pjsip_sip_uri *uri;
    char name[256];
    int length;

    if (!PJSIP_URI_SCHEME_IS_SIP(from) && !PJSIP_URI_SCHEME_IS_SIPS(from)) {
        return NULL;
    }
    uri = (const pjsip_sip_uri *)from;
    if (memchr(uri->user.ptr ? uri->user.ptr : "", '\0', (size_t)uri->user.slen)) {
        return NULL; /* "%00": it would be another name to strcmp */
    }
    length = snprintf(name, sizeof(name), "%.*s@%.*s", (int)uri->user.slen, uri->user.ptr,
                      (int)uri->host.slen, uri->host.ptr);
    if (uri->user.slen == 0 || length >= (int)sizeof(name)) {
        return NULL;
    }
    endpoint = find(name);
    if (!endpoint) {
        name[uri->user.slen] = '\0';
        endpoint = find(name);
    }
    return endpoint;
}

static struct ast_sip_endpoint_identifier identifier = {.identify_endpoint = identify};

int sip_identify_username_start(void)
{
    return ast_sip_register_endpoint_identifier_with_name(&identifier, "username");
}
