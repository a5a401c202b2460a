/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: `symmetric_transport`: what came in by such a transport is answered for by it: requests
 * to a contact that registered over it, and those within a call that came over it. Without it any
 * transport of the right kind is good enough, which is wrong where several lead to different
 * networks.
 */
#include <string.h>

#include "res_sip/transport/transport.h"

const char *ast_sip_symmetric_transport(const pjsip_rx_data *rdata)
{
    const struct sip_transport *transport;

    base_assert_sip_thread();
    transport = sip_transport_of(rdata->tp_info.transport);
    return transport && transport->config->symmetric ? transport->config->name : NULL;
}

/* The host of a URI is an address: only then it is known that the transport leads there. */
static int is_in_figures(const pjsip_uri *target)
{
    pj_sockaddr address;

    return target && (PJSIP_URI_SCHEME_IS_SIP(target) || PJSIP_URI_SCHEME_IS_SIPS(target)) &&
           sip_parse_ip(&((const pjsip_sip_uri *)pjsip_uri_get_uri(target))->host, &address) == 0;
}

const struct ast_sip_endpoint *sip_symmetric_endpoint(const struct ast_sip_endpoint *endpoint,
                                                      const char *transport,
                                                      const pjsip_uri *target,
                                                      struct ast_sip_endpoint *copy)
{
    if (!transport || !sip_transport_of_name(transport) || !is_in_figures(target) ||
        (endpoint && endpoint->transport && *endpoint->transport)) {
        return endpoint;
    }
    if (endpoint) {
        *copy = *endpoint;
    } else {
        memset(copy, 0, sizeof(*copy));
        copy->name = (char *)"";
    }
    copy->transport = (char *)transport;
    return copy;
}

int sip_symmetric_selector(const pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint,
                           pjsip_tpselector *selector)
{
    const char *transport = ast_sip_symmetric_transport(rdata);
    struct ast_sip_endpoint copy = {.name = (char *)"", .transport = (char *)transport};

    if (!transport || (endpoint && endpoint->transport && *endpoint->transport)) {
        return 0;
    }
    return sip_transport_selector(&copy, selector) == 0;
}
