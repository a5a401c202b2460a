/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the way of requests to an endpoint: through its `outbound_proxy` (RFC 3261 8.1.2). Nothing is sent here.
 */
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/message/message.h"

int sip_outbound_route(pj_pool_t *pool, const struct ast_sip_endpoint *endpoint,
                       pjsip_route_hdr *list)
{
    pjsip_route_hdr *route;
    pj_str_t text;
    pjsip_uri *uri;

    base_assert_sip_thread();
    if (!endpoint || !endpoint->outbound_proxy || !*endpoint->outbound_proxy) {
        pj_list_init(list);
        return 0;
    }
    pj_strdup2_with_null(pool, &text, endpoint->outbound_proxy);
    uri = pjsip_parse_uri(pool, text.ptr, (pj_size_t)text.slen, 0);
    if (!uri || (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri))) {
        ast_error_limited("endpoint '%s': outbound_proxy '%s' is no SIP URI", endpoint->name,
                          endpoint->outbound_proxy);
        return -1;
    }
    route = pjsip_route_hdr_create(pool);
    route->name_addr.uri = pjsip_uri_get_uri(uri);
    ((pjsip_sip_uri *)route->name_addr.uri)->lr_param = 1; /* strict routers are gone */
    pj_list_init(list);
    pj_list_push_back(list, route);
    return 0;
}

int sip_add_outbound_route(pjsip_tx_data *tdata, const struct ast_sip_endpoint *endpoint)
{
    pjsip_route_hdr list;

    if (pjsip_msg_find_hdr(tdata->msg, PJSIP_H_ROUTE, NULL)) {
        return 0;
    }
    if (sip_outbound_route(tdata->pool, endpoint, &list) != 0) {
        return -1;
    }
    if (!pj_list_empty(&list)) {
        pjsip_route_hdr *route = list.next;

        pj_list_erase(route);
        pjsip_msg_insert_first_hdr(tdata->msg, (pjsip_hdr *)route);
    }
    return 0;
}
