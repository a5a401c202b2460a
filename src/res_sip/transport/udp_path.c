/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: a UDP socket that is bound to all addresses, and peers that know us by one of them: what is sent to a peer
 * leaves from the address that it used last (RFC 3581 4), which the system would not know. No socket is touched here.
 */
#include <string.h>

#include "res_sip/transport/transport.h"

#define PATHS 4096 /* a peer takes the place of another one whose hash is the same */

struct path {
    pj_sockaddr peer;
    pj_sockaddr local;
};

struct sip_paths {
    struct path path[PATHS];
};

struct sip_paths *sip_paths_create(pj_pool_t *pool)
{
    return PJ_POOL_ZALLOC_T(pool, struct sip_paths);
}

static struct path *slot_of(struct sip_paths *paths, const pj_sockaddr *peer)
{
    const unsigned char *address = pj_sockaddr_get_addr(peer);
    unsigned length = pj_sockaddr_get_addr_len(peer), i;
    unsigned value = 2166136261u ^ pj_sockaddr_get_port(peer);

    for (i = 0; i < length; i++) {
        value = (value ^ address[i]) * 16777619u;
    }
    return &paths->path[(value ^ (value >> 12)) % PATHS];
}

void sip_paths_note(struct sip_paths *paths, const pj_sockaddr *peer, const pj_sockaddr *local)
{
    struct path *path = slot_of(paths, peer);

    path->peer = *peer;
    path->local = *local;
}

const pj_sockaddr *sip_paths_find(struct sip_paths *paths, const pj_sockaddr *peer)
{
    const struct path *path = slot_of(paths, peer);

    if (path->peer.addr.sa_family != peer->addr.sa_family ||
        pj_sockaddr_cmp(&path->peer, peer) != 0) {
        return NULL;
    }
    return &path->local;
}
