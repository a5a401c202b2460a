/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: names of servers (RFC 3263).
 */
#ifndef RES_SIP_RESOLVE_H
#define RES_SIP_RESOLVE_H

#include "res_sip/core.h"

/* After the transports; stop is safe without start. */
int sip_resolve_start(const struct sip_global_config *global);
void sip_resolve_stop(void);
int sip_resolve_prepare(struct sip_config *config); /* these three: reload.h */
void sip_resolve_abandon(void);
void sip_resolve_commit(struct sip_config *old, struct sip_config *config);

#define SIP_HOST_ADDRESSES 64    /* what is beyond is left out */
#define SIP_HOST_TTL       86400 /* seconds: the longest */

struct sip_host_addresses {
    unsigned count;
    pj_sockaddr address[SIP_HOST_ADDRESSES]; /* of port 0; one may be there twice */
    unsigned ttl;                            /* seconds: of the one that is soonest over */
    int incomplete; /* a name server did not answer, or could not: there may be others */
};

/*
 * host.c. Looks up all addresses of a host; services: of the servers that its SRV records name,
 * where there are some. done is called once, perhaps before this returns: with what was found
 * (borrowed), or with NULL when lookups are stopped. 0; -1: it will not be called: no memory, too
 * long a name, or lookups are not started.
 */
int sip_resolve_host(const char *host, int services,
                     void (*done)(void *data, const struct sip_host_addresses *found), void *data);

/* Within the folder: the channel, NULL when lookups are stopped; and to be called behind a question. */
struct ares_channeldata;
struct ares_channeldata *sip_resolve_channel(void);
void sip_resolve_arm(void);

#endif
