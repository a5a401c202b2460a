/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: where our side of a dialog is reached: address, port and transport of Contact. No dialog
 * is made here.
 */
#include <string.h>

#include <pjlib.h>

#include <sipsession/log.h>

#include "res_sip/transport/transport.h"

#define CONTACT_SIZE 512

/* What a dialog is reached by. */
struct place {
    pjsip_transport_type_e type;
    pj_sockaddr address;
};

static int is_wildcard(const pj_sockaddr *address)
{
    return !pj_sockaddr_has_addr(address);
}

/* Our address towards a host; a name, or one that cannot be reached, counts as the default route.
 * 0, -1. */
static int route_to(int family, const pj_str_t *host, pj_sockaddr *address)
{
    pj_sockaddr route;

    if ((!host || pj_getipinterface(family, host, &route, PJ_FALSE, NULL) != PJ_SUCCESS) &&
        pj_getdefaultipinterface(family, &route) != PJ_SUCCESS) {
        ast_error_limited("res_sip: no address of ours is known: bind the transport to one");
        return -1;
    }
    pj_sockaddr_copy_addr(address, &route);
    return 0;
}

int sip_address_towards(const struct sip_transport *transport, const pj_sockaddr *peer,
                        pj_sockaddr *address)
{
    const pj_sockaddr *path = transport->udp ? sip_udp_path(transport->udp, peer) : NULL;
    char text[PJ_INET6_ADDRSTRLEN];
    pj_str_t host;

    if (path) {
        *address = *path;
        return 0;
    }
    host = sip_str(pj_sockaddr_print(peer, text, sizeof(text), 0));
    *address = transport->address;
    return route_to(transport->address.addr.sa_family, &host, address);
}

/* The port of a connection's listener: where a new one would be accepted, also when we connected.
 */
static pj_uint16_t listening_port(const pjsip_transport *connection)
{
    const struct sip_transport *transport = sip_transport_of(connection);

    return pj_sockaddr_get_port(transport ? &transport->address : &connection->local_addr);
}

static int place_of_message(const pjsip_rx_data *rdata, struct place *place)
{
    const pjsip_transport *transport = rdata->tp_info.transport;
    const pj_sockaddr *destination = sip_udp_destination(rdata);

    place->type = transport->key.type;
    place->address = destination ? *destination : transport->local_addr;
    if (!(transport->flag & PJSIP_TRANSPORT_DATAGRAM)) {
        pj_sockaddr_set_port(&place->address, listening_port(transport));
    }
    if (is_wildcard(&place->address)) {
        pj_str_t peer = sip_str(rdata->pkt_info.src_name);

        return route_to(place->address.addr.sa_family, &peer, &place->address);
    }
    return 0;
}

static int is_ipv6(const pj_str_t *host)
{
    pj_in6_addr address;

    return host && pj_inet_pton(PJ_AF_INET6, host, &address) == PJ_SUCCESS;
}

static int is_ipv4(const pj_str_t *host)
{
    pj_in_addr address;

    return host && pj_inet_pton(PJ_AF_INET, host, &address) == PJ_SUCCESS;
}

/* RFC 3261 26.2.2; `;transport=tls` is what many write. */
static pjsip_transport_type_e type_to(const pjsip_sip_uri *uri)
{
    if (!uri) {
        return PJSIP_TRANSPORT_UDP;
    }
    if (PJSIP_URI_SCHEME_IS_SIPS(uri) || pj_stricmp2(&uri->transport_param, "tls") == 0) {
        return PJSIP_TRANSPORT_TLS;
    }
    return pj_stricmp2(&uri->transport_param, "tcp") == 0 ? PJSIP_TRANSPORT_TCP
                                                          : PJSIP_TRANSPORT_UDP;
}

/* The transport that a request to uri leaves by when nothing else decides; as PJSIP chooses it. */
static const struct sip_transport *transport_to(const pjsip_sip_uri *uri)
{
    const pj_str_t *host = uri ? &uri->host : NULL;
    int ipv6 = is_ipv6(host);
    pjsip_transport_type_e type = type_to(uri);
    const struct sip_transport *found;

    found =
        sip_transport_of_type(ipv6 ? (pjsip_transport_type_e)(type | PJSIP_TRANSPORT_IPV6) : type);
    if (!found && !ipv6 && !is_ipv4(host)) { /* a name may have an IPv6 address */
        found = sip_transport_of_type((pjsip_transport_type_e)(type | PJSIP_TRANSPORT_IPV6));
    }
    return found;
}

static int place_towards_uri(const struct ast_sip_endpoint *endpoint, const pjsip_uri *target,
                             struct place *place)
{
    const pjsip_sip_uri *uri = NULL;
    const struct sip_transport *transport;

    if (target && (PJSIP_URI_SCHEME_IS_SIP(target) || PJSIP_URI_SCHEME_IS_SIPS(target))) {
        uri = (const pjsip_sip_uri *)pjsip_uri_get_uri(target);
    }
    if (endpoint && endpoint->transport) {
        transport = sip_transport_of_name(endpoint->transport);
    } else {
        transport = transport_to(uri);
    }
    if (!transport) {
        ast_error_limited("endpoint '%s': there is no transport for a call to it",
                          endpoint ? endpoint->name : "-");
        return -1;
    }
    place->type = transport->type;
    place->address = transport->address;
    if (is_wildcard(&place->address)) {
        return route_to(place->address.addr.sa_family, uri ? &uri->host : NULL, &place->address);
    }
    return 0;
}

/* The outbound proxy, where there is one, is where the request goes. */
static int place_towards(const struct ast_sip_endpoint *endpoint, const pjsip_uri *target,
                         struct place *place)
{
    pjsip_route_hdr routes;
    pj_pool_t *pool;
    int result = -1;

    if (!endpoint || !endpoint->outbound_proxy || !*endpoint->outbound_proxy) {
        return place_towards_uri(endpoint, target, place);
    }
    pool = pjsip_endpt_create_pool(sip_endpt, "route", 1000, 1000);
    if (pool && sip_outbound_route(pool, endpoint, &routes) == 0) {
        result = place_towards_uri(endpoint, routes.next->name_addr.uri, place);
    }
    if (pool) {
        pj_pool_release(pool);
    }
    return result;
}

static int find_place(const pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint,
                      const pjsip_uri *target, struct place *place)
{
    return rdata ? place_of_message(rdata, place) : place_towards(endpoint, target, place);
}

int sip_local_address(pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint,
                      const pjsip_uri *target, pj_sockaddr *address, pjsip_transport_type_e *type)
{
    struct place place;

    base_assert_sip_thread();
    if (find_place(rdata, endpoint, target, &place) != 0) {
        return -1;
    }
    *address = place.address;
    *type = place.type;
    return 0;
}

/* The user of the request URI that a peer sent. */
static pj_str_t requested_user(const pjsip_rx_data *rdata)
{
    const pjsip_uri *uri = rdata->msg_info.msg->line.req.uri;
    pj_str_t none = {NULL, 0};

    if (PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri)) {
        return ((const pjsip_sip_uri *)pjsip_uri_get_uri(uri))->user;
    }
    if (PJSIP_URI_SCHEME_IS_TEL(uri)) {
        return ((const pjsip_tel_uri *)pjsip_uri_get_uri(uri))->number;
    }
    return none;
}

static pj_str_t contact_user(const pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint)
{
    pj_str_t none = {NULL, 0};

    if (endpoint && endpoint->contact_user && *endpoint->contact_user) {
        return pj_str(endpoint->contact_user);
    }
    if (rdata) {
        return requested_user(rdata);
    }
    if (endpoint && endpoint->from_user && *endpoint->from_user) {
        return pj_str(endpoint->from_user);
    }
    return none;
}

/*
 * RFC 3261 8.1.1.8, 12.1.1: our Contact is a sips URI where the request's own, or its first route,
 * is one; it says so without a transport (RFC 5630 3.1.4).
 */
static int has_to_be_secure(const pjsip_rx_data *rdata, const pjsip_uri *target)
{
    const pjsip_uri *first = NULL;

    if (!rdata) {
        return target && PJSIP_URI_SCHEME_IS_SIPS(target);
    }
    if (rdata->msg_info.record_route) {
        first = (const pjsip_uri *)&rdata->msg_info.record_route->name_addr;
    }
    return PJSIP_URI_SCHEME_IS_SIPS(rdata->msg_info.msg->line.req.uri) ||
           (first && PJSIP_URI_SCHEME_IS_SIPS(first));
}

/* "<uri>" into text; its length, or -1: it does not fit. */
static int print_contact(const pjsip_sip_uri *uri, char *text, size_t size)
{
    int length = pjsip_uri_print(PJSIP_URI_IN_CONTACT_HDR, uri, text + 1, size - 3);

    if (length < 0) {
        return -1;
    }
    text[0] = '<';
    text[length + 1] = '>';
    return length + 2;
}

int sip_make_contact(pj_pool_t *pool, pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint,
                     const pjsip_uri *target, pj_str_t *contact)
{
    char text[CONTACT_SIZE], host[PJ_INET6_ADDRSTRLEN];
    struct place place;
    pjsip_sip_uri uri;
    pj_str_t result;
    int length, secure = has_to_be_secure(rdata, target);

    base_assert_sip_thread();
    if (find_place(rdata, endpoint, target, &place) != 0) {
        return -1;
    }
    pjsip_sip_uri_init(&uri, secure);
    uri.user = contact_user(rdata, endpoint);
    uri.host = sip_str(pj_sockaddr_print(&place.address, host, sizeof(host), 0));
    uri.port = pj_sockaddr_get_port(&place.address);
    if (!secure && sip_transport_parameter(place.type)) {
        uri.transport_param = sip_str(sip_transport_parameter(place.type));
    }
    length = print_contact(&uri, text, sizeof(text));
    if (length < 0) { /* an absurd user: we are reached without it as well */
        uri.user.slen = 0;
        length = print_contact(&uri, text, sizeof(text));
    }
    base_assert(length > 0);
    result.ptr = text;
    result.slen = length;
    pj_strdup_with_null(pool, contact, &result);
    return 0;
}
