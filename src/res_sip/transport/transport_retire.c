/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: transports that a reload took away: what has begun by them goes on, nothing new begins.
 * Which ones those are is decided in transport_reload.c.
 *
 * A connection does not need its listener, whose socket is closed at once. Peers of a call over UDP
 * go on sending to the socket that they know: it stays as long as a session has an endpoint of
 * before.
 */
#include <stdlib.h>
#include <string.h>

#include <pjlib.h>

#include <sipsession/log.h>

#include "res_sip/transport/transport.h"

#define LOOK_AFTER 1 /* seconds */

/* As long a connection may be on its way that PJSIP began by a listener. */
#define LISTENER_LOOKS 120

/* Endpoints that a reload has replaced, and sessions have. */
struct batch {
    struct batch *next;
    struct sip_endpoint_entry *endpoints; /* each with a reference of ours */
    unsigned number;
};

static struct sip_transport *retired;
static struct batch *batches;
static unsigned next_number = 1;
static pj_timer_entry timer;

struct sip_transport *sip_transports_retired(void)
{
    return retired;
}

/* ---- who may still need them ---- */

/* Gives up those that nobody has but we. */
static void drop_unused(struct sip_endpoint_entry **at)
{
    while (*at) {
        struct sip_endpoint_entry *entry = *at;

        if (entry->endpoint->refs > 1) {
            at = &entry->next;
            continue;
        }
        *at = entry->next;
        ast_sip_endpoint_unref(entry->endpoint);
        free(entry);
    }
}

static void drop_unused_batches(void)
{
    struct batch **at = &batches;

    while (*at) {
        struct batch *batch = *at;

        drop_unused(&batch->endpoints);
        if (batch->endpoints) {
            at = &batch->next;
        } else {
            *at = batch->next;
            free(batch);
        }
    }
}

static void drop_all_batches(void)
{
    while (batches) {
        struct batch *batch = batches;

        batches = batch->next;
        while (batch->endpoints) {
            struct sip_endpoint_entry *entry = batch->endpoints;

            batch->endpoints = entry->next;
            ast_sip_endpoint_unref(entry->endpoint);
            free(entry);
        }
        free(batch);
    }
}

static int is_needed(const struct sip_transport *transport)
{
    const struct batch *batch = batches;

    while (batch && batch->number > transport->retired) {
        batch = batch->next;
    }
    if (batch) {
        return 1;
    }
    return transport->tcp &&
           (transport->looks < LISTENER_LOOKS || sip_connections_of(transport->tcp));
}

/* ---- closing ---- */

/*
 * PJSIP has no function that closes a listener's socket and leaves what its connections point to.
 * A restart does that first, and then cannot bind to an address of the other family. The listener
 * of TLS is said to be registered all the same (C5 of docs/pjsip.md).
 */
static void close_listener(struct sip_transport *transport)
{
    const int family = transport->address.addr.sa_family == PJ_AF_INET ? PJ_AF_INET6 : PJ_AF_INET;
    const pj_str_t nowhere = pj_str((char *)(family == PJ_AF_INET ? "127.0.0.1" : "::1"));
    pj_sockaddr address;

    pj_sockaddr_init(family, &address, &nowhere, 0);
    if (transport->config->protocol != SIP_TRANSPORT_TLS) {
        pjsip_tcp_transport_restart(transport->tcp, &address, NULL);
    } else if (pjsip_tls_transport_restart2(transport->tcp, NULL, &address, NULL) == PJ_SUCCESS) {
        transport->is_hidden = 1;
        pjsip_tpmgr_unregister_tpfactory(pjsip_endpt_get_tpmgr(sip_endpt), transport->tcp);
    }
}

static void destroy_listener(struct sip_transport *transport)
{
    if (transport->is_hidden) { /* it takes itself out */
        pjsip_tpmgr_register_tpfactory(pjsip_endpt_get_tpmgr(sip_endpt), transport->tcp);
    }
    transport->tcp->destroy(transport->tcp);
}

/* Closes it for good; out of the list. */
static void destroy(struct sip_transport *transport)
{
    if (transport->udp) {
        pjsip_transport_dec_ref(transport->udp); /* the last transaction closes it */
    } else {
        destroy_listener(transport);
    }
    ast_debug("transport '%s' is not needed any more", transport->config->name);
    sip_transport_config_release(transport->own);
    free(transport->own->name);
    free(transport->own);
    free(transport);
}

static void arm(void)
{
    const pj_time_val delay = {LOOK_AFTER, 0};

    if ((retired || batches) && timer.id == 0) {
        timer.id = pjsip_endpt_schedule_timer(sip_endpt, &timer, &delay) == PJ_SUCCESS;
    }
}

static void close_unneeded(void)
{
    struct sip_transport **at = &retired;

    drop_unused_batches();
    while (*at) {
        struct sip_transport *transport = *at;

        transport->looks++;
        if (is_needed(transport)) {
            at = &transport->next;
        } else {
            *at = transport->next;
            destroy(transport);
        }
    }
}

static void look(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    (void)heap;
    entry->id = 0;
    close_unneeded();
    arm();
}

/* ---- retiring ---- */

void sip_transport_retire(struct sip_transport *transport, struct sip_transport_config *config)
{
    transport->own = config;
    transport->config = config;
    transport->retired = next_number;
    transport->looks = 0;
    if (transport->udp) {
        pjsip_transport_add_ref(transport->udp);  /* until destroy */
        pjsip_transport_shutdown(transport->udp); /* PJSIP does not choose it by itself any more */
    } else {
        close_listener(transport);
    }
    transport->next = retired;
    retired = transport;
}

void sip_transports_wait_for(struct sip_endpoint_entry **endpoints)
{
    struct batch *batch = calloc(1, sizeof(*batch));

    if (batch) {
        *batch = (struct batch){.next = batches, .endpoints = *endpoints, .number = next_number++};
        *endpoints = NULL;
        batches = batch;
    } else {
        ast_warning("res_sip: no memory: calls may lose a transport that a reload takes away");
    }
    close_unneeded(); /* what nobody has is not waited for */
    arm();
}

void sip_transports_retire_start(void)
{
    pj_timer_entry_init(&timer, 0, NULL, look);
}

void sip_transports_retire_stop(void)
{
    while (retired) {
        struct sip_transport *transport = retired;

        retired = transport->next;
        destroy(transport);
    }
    drop_all_batches();
    if (timer.id) {
        pjsip_endpt_cancel_timer(sip_endpt, &timer);
        timer.id = 0;
    }
}
