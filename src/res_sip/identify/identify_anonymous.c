/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: whoever nobody knows is the endpoint "anonymous@domain" or "anonymous", where the
 * configuration has one.
 */
#include <stdio.h>

#include "res_sip/identify/identify.h"

static struct ast_sip_endpoint *identify(pjsip_rx_data *rdata)
{
    const pjsip_uri *from = pjsip_uri_get_uri(rdata->msg_info.from->uri);
    struct ast_sip_endpoint *endpoint = NULL;
    char name[256];

    if (PJSIP_URI_SCHEME_IS_SIP(from) || PJSIP_URI_SCHEME_IS_SIPS(from)) {
        const pj_str_t *host = &((const pjsip_sip_uri *)from)->host;
        int length = snprintf(name, sizeof(name), "anonymous@%.*s", (int)host->slen, host->ptr);

        endpoint = length < (int)sizeof(name) ? ast_sip_get_endpoint(name) : NULL;
    }
    return endpoint ? endpoint : ast_sip_get_endpoint("anonymous");
}

static struct ast_sip_endpoint_identifier identifier = {.identify_endpoint = identify};

int sip_identify_anonymous_start(void)
{
    return ast_sip_register_endpoint_identifier_with_name(&identifier, "anonymous");
}
