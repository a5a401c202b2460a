/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: addresses of packets. Nothing here resolves names.
 */
#include <string.h>

#include "media/media.h"

bool media_address_same_host(const union media_address *a, const union media_address *b)
{
    if (a->any.sa_family != b->any.sa_family) {
        return false;
    }
    if (a->any.sa_family == AF_INET) {
        return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
    }
    /* A scope that one side does not name (an SDP never does) is any scope. */
    return a->any.sa_family == AF_INET6 &&
           memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0 &&
           (a->v6.sin6_scope_id == b->v6.sin6_scope_id || !a->v6.sin6_scope_id ||
            !b->v6.sin6_scope_id);
}

bool media_address_equal(const union media_address *a, const union media_address *b)
{
    /* The port is at the same place in both families (RFC 3493 3.3). */
    return media_address_same_host(a, b) && a->v4.sin_port == b->v4.sin_port;
}

socklen_t media_address_length(const union media_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

bool media_address_usable(const union media_address *address)
{
    if (address->any.sa_family == AF_INET) {
        return address->v4.sin_port && address->v4.sin_addr.s_addr != htonl(INADDR_ANY);
    }
    return address->any.sa_family == AF_INET6 && address->v6.sin6_port &&
           !IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
}

void media_address_from_pj(union media_address *out, const pj_sockaddr *address)
{
    memset(out, 0, sizeof(*out));
    if (address->addr.sa_family == pj_AF_INET()) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = address->ipv4.sin_port;
        out->v4.sin_addr.s_addr = address->ipv4.sin_addr.s_addr;
    } else if (address->addr.sa_family == pj_AF_INET6()) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = address->ipv6.sin6_port;
        out->v6.sin6_scope_id = address->ipv6.sin6_scope_id;
        memcpy(&out->v6.sin6_addr, &address->ipv6.sin6_addr, sizeof(out->v6.sin6_addr));
    }
}
