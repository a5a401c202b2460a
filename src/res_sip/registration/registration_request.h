/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: an outbound registration with all that surrounds its machine, for the files
 * registration*.c only.
 */
#ifndef RES_SIP_REGISTRATION_REQUEST_H
#define RES_SIP_REGISTRATION_REQUEST_H

#include "res_sip/config.h"
#include "res_sip/registration/registration_machine.h"

#define REGISTRATION_AVOIDED 8

/* A server that did not answer is asked last for a while. */
struct registration_avoided {
    pj_sockaddr address;
    unsigned long long until; /* ms */
};

struct sip_registration {
    struct sip_registration *next;
    const struct sip_registration_config *config; /* borrowed from the one in force, or `own` */
    struct sip_registration_config
        *own; /* of one that is not configured any more and ends; owned */
    struct registration_machine machine;
    enum registration_state told;
    pj_timer_entry timer;
    char line[33];           /* the token of our Contact; empty: it has none */
    char call_id[33];        /* RFC 3261 10.2: one for all its requests */
    char *contact;           /* of it, NULL: none was; owned */
    const void *by;          /* what it is registered by, never looked into: a transport of UDP, a
                              * listener; NULL: it is not */
    int cseq;                /* of the request that was sent last */
    unsigned expires;        /* that is being asked for */
    pj_pool_t *lookup;       /* while the servers are being located */
    pjsip_host_info located; /* of this; in lookup */
    pjsip_server_addresses servers;
    unsigned at;                   /* the one that is asked */
    unsigned long long connection; /* that it registered over, its serial; 0: it was none */
    struct registration_avoided avoided[REGISTRATION_AVOIDED];
};

/* ---- registration.c ---- */

/* The first of all, those that end included. */
const struct sip_registration *sip_registrations(void);

/* ---- registration_compare.c ---- */

/* 1: they make the same binding with the same registrar: the one may go on as the other. */
int sip_registration_is_same_binding(const struct sip_registration_config *one,
                                     const struct sip_registration_config *other);
/* 1: and nothing else is different, the credentials included. */
int sip_registration_is_same(const struct sip_registration_config *one,
                             const struct sip_registration_config *other);

/* ---- registration_request.c ---- */

/* Whom a REGISTER goes to: the outbound proxy, else the server; out borrows from pool. 0; -1
 * logged. */
int sip_registration_target(const struct sip_registration *registration, pj_pool_t *pool,
                            pjsip_host_info *out);
/* Sends a REGISTER to the server that is its turn; callback as of ast_sip_send_request. 0; -1
 * logged. */
int sip_registration_send(struct sip_registration *registration,
                          void (*callback)(void *token, pjsip_event *event));
/* What came of it. more_servers is left out. */
void sip_registration_read(const pjsip_event *event, struct registration_answer *answer);

/* ---- registration_line.c ---- */

/* Finds the endpoint by the token of our Contact. 0, -1 logged. */
int sip_registration_line_start(void);

#endif
