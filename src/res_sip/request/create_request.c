/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: requests outside of dialogs: who they are from, and the routes to a contact. Sending
 * them is send_request.c's.
 */
#include <string.h>

#include <sipsession/location.h>
#include <sipsession/log.h>

#include "res_sip/core.h"

#define MAX_FROM 512

int sip_contact_route(pj_pool_t *pool, const char *path, pjsip_route_hdr *list)
{
    static const pj_str_t name = {(char *)"Route", 5};
    pjsip_route_hdr *routes;
    pj_str_t text;
    int length;

    pj_strdup2_with_null(pool, &text, path);
    routes = pjsip_parse_hdr(pool, &name, text.ptr, (pj_size_t)text.slen, &length);
    if (!routes || routes->type != PJSIP_H_ROUTE) {
        ast_error_limited("'%s' is no list of routes", path);
        return -1;
    }
    pj_list_insert_nodes_before(list, routes); /* each value is a header of its own */
    return 0;
}

/* "<sip:user@domain>"; 0, -1 logged. */
static int print_from(const struct ast_sip_endpoint *endpoint, const pj_sockaddr *address,
                      char *out, size_t size)
{
    const char *user = endpoint && endpoint->from_user && *endpoint->from_user
                           ? endpoint->from_user
                           : sip_get_config()->global.default_from_user;
    char host[PJ_INET6_ADDRSTRLEN + 10];
    int length;

    pj_sockaddr_print(address, host, sizeof(host), 2);
    length =
        snprintf(out, size, "<sip:%s@%s>", user,
                 endpoint && endpoint->from_domain && *endpoint->from_domain ? endpoint->from_domain
                                                                             : host);
    if (length < 0 || (size_t)length >= size) {
        ast_error_limited("res_sip: the From of endpoint %s is too long",
                          endpoint ? endpoint->name : "");
        return -1;
    }
    return 0;
}

/* Puts the routes in front of the message's headers. */
static void add_routes(pjsip_tx_data *tdata, pjsip_route_hdr *list)
{
    while (!pj_list_empty(list)) {
        pjsip_route_hdr *last = list->prev;

        pj_list_erase(last);
        pjsip_msg_insert_first_hdr(tdata->msg, (pjsip_hdr *)last);
    }
}

/* To of a URI with parameters is in angle brackets (RFC 3261 20.10). */
static pj_str_t bracketed(pj_pool_t *pool, const char *uri)
{
    size_t size = strlen(uri) + 3;
    char *text = pj_pool_alloc(pool, size);

    snprintf(text, size, "<%s>", uri);
    return pj_str(text);
}

static int make(pj_pool_t *pool, const char *method, const struct ast_sip_endpoint *endpoint,
                const char *target, const struct ast_sip_contact *to, pjsip_tx_data **tdata)
{
    const char *path = to ? to->path : NULL;
    const struct ast_sip_endpoint *by;
    struct ast_sip_endpoint copy;
    pjsip_tpselector selector;
    const pj_str_t method_name = sip_str(method);
    pjsip_transport_type_e type;
    char from[MAX_FROM];
    pjsip_route_hdr routes;
    pjsip_method parsed;
    pj_sockaddr address;
    pjsip_uri *uri;
    pj_str_t text, contact, from_text, to_text;
    pjsip_tx_data *made;

    pj_list_init(&routes);
    pj_strdup2_with_null(pool, &text, target);
    uri = pjsip_parse_uri(pool, text.ptr, (pj_size_t)text.slen, 0);
    if (!uri || (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri))) {
        ast_error_limited("'%s' is not a SIP URI: expected sip:user@host", target);
        return -1;
    }
    uri = pjsip_uri_get_uri(uri);
    by = sip_symmetric_endpoint(endpoint, to ? to->transport : NULL, uri, &copy);
    if (sip_local_address(NULL, by, uri, &address, &type) != 0 ||
        sip_make_contact(pool, NULL, by, uri, &contact) != 0 ||
        sip_transport_selector(by, &selector) != 0 ||
        print_from(endpoint, &address, from, sizeof(from)) != 0) {
        return -1;
    }
    from_text = pj_str(from);
    text = sip_str(target);
    to_text = bracketed(pool, target);
    pjsip_method_init_np(&parsed, (pj_str_t *)&method_name);
    if (pjsip_endpt_create_request(sip_endpt, &parsed, &text, &from_text, &to_text, &contact, NULL,
                                   -1, NULL, &made) != PJ_SUCCESS) {
        ast_error_limited("Cannot make %s to %s", method, target);
        return -1;
    }
    if (path && (sip_outbound_route(made->pool, endpoint, &routes) != 0 ||
                 sip_contact_route(made->pool, path, &routes) != 0)) {
        pjsip_tx_data_dec_ref(made);
        return -1;
    }
    add_routes(made, &routes);
    if (by == &copy) {
        pjsip_tx_data_set_transport(made, &selector);
    }
    *tdata = made;
    return 0;
}

int ast_sip_create_request(const char *method, const struct ast_sip_endpoint *endpoint,
                           const char *uri, const struct ast_sip_contact *contact,
                           pjsip_tx_data **tdata)
{
    struct sip_flow flow;
    pj_pool_t *pool;
    int result;

    base_assert_sip_thread();
    if (!uri && !contact) {
        ast_error_limited("%s needs a URI or a contact to go to", method);
        return -1;
    }
    pool = pjsip_endpt_create_pool(sip_endpt, "request", 1000, 1000);
    if (!pool) {
        return -1;
    }
    if (contact && contact->flow && sip_flow_find(contact->flow, &flow) != 0) {
        ast_debug("%s: the flow to %s is gone", method, contact->uri);
        pj_pool_release(pool);
        return -1;
    }
    result = make(pool, method, endpoint, uri ? uri : contact->uri, contact, tdata);
    if (result == 0 && contact && contact->flow) {
        sip_flow_direct(&flow, *tdata);
    }
    pj_pool_release(pool);
    return result;
}
