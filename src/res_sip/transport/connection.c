/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what there is to know of each connection (TCP, TLS), and how many there may be, of all
 * peers and of one. One that stays silent, gets stuck in a message or is idle for too long is
 * closed. No message is read here.
 *
 * Only connections that peers made are limited, and closed when silent or idle; PJSIP closes ours
 * when nothing uses them any more.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <pjlib.h>

#include <sipsession/log.h>

#include "res_sip/transport/tls.h"
#include "res_sip/transport/transport.h"

#define BUCKETS        4096
#define RESERVED       128 /* handles of PJSIP's queue that are not for peers' connections */
#define SHARE_OF_FILES 2   /* one in so many descriptors, at most, is a peer's connection */
#define LOOK_AFTER     1   /* seconds */
#define PING_TIME      4   /* seconds: line ends further apart are two pongs, and no ping */

struct sip_source {
    struct sip_source *same_hash;
    pj_sockaddr address; /* without port */
    unsigned connections;
};

static struct sip_connection *by_transport[BUCKETS];
static struct sip_source *by_address[BUCKETS];
static struct sip_connection *by_serial[BUCKETS];
static unsigned long long last_serial;
static struct sip_connection *all; /* the newest first */
static unsigned incoming;          /* how many of them peers made */
static unsigned most;              /* of those */
static pj_timer_entry timer;
static int armed;

static long now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return time.tv_sec;
}

static struct sip_connection **bucket_of(const pjsip_transport *transport)
{
    return &by_transport[((size_t)transport >> 6) * 2654435761u % BUCKETS];
}

int sip_connections_of(const pjsip_tpfactory *listener)
{
    const struct sip_connection *connection = all;

    while (connection && connection->transport->factory != listener) {
        connection = connection->next;
    }
    return connection != NULL;
}

struct sip_connection *sip_connection_of(const pjsip_transport *transport)
{
    struct sip_connection *connection = *bucket_of(transport);

    while (connection && connection->transport != transport) {
        connection = connection->same_hash;
    }
    return connection;
}

struct sip_connection *sip_connection_of_serial(unsigned long long serial)
{
    struct sip_connection *connection = by_serial[serial % BUCKETS];

    while (connection && connection->serial != serial) {
        connection = connection->same_serial_hash;
    }
    return connection;
}

/* ---- sources ---- */

static struct sip_source **find_source(const pj_sockaddr *address)
{
    const unsigned char *octets = pj_sockaddr_get_addr(address);
    unsigned length = pj_sockaddr_get_addr_len(address), i, value = 2166136261u;
    struct sip_source **source;

    for (i = 0; i < length; i++) {
        value = (value ^ octets[i]) * 16777619u;
    }
    source = &by_address[(value ^ (value >> 12)) % BUCKETS];
    while (*source && ((*source)->address.addr.sa_family != address->addr.sa_family ||
                       memcmp(pj_sockaddr_get_addr(&(*source)->address), octets, length) != 0)) {
        source = &(*source)->same_hash;
    }
    return source;
}

/* NULL: no memory. */
static struct sip_source *take_source(const pj_sockaddr *address)
{
    struct sip_source **place = find_source(address);

    if (!*place) {
        *place = calloc(1, sizeof(**place));
        if (*place) {
            (*place)->address = *address;
        }
    }
    if (*place) {
        (*place)->connections++;
    }
    return *place;
}

static void release_source(struct sip_source *source)
{
    struct sip_source **place = find_source(&source->address);

    if (--source->connections == 0) {
        *place = source->same_hash;
        free(source);
    }
}

/* ---- closing ---- */

/* At the next look: closed at once, with octets unread, it would take our answer with it (RFC
 * 1122 4.2.2.13). */
void sip_connection_lose(struct sip_connection *connection)
{
    connection->skip = SIP_SKIP_ALL;
}

void sip_connection_heard(struct sip_connection *connection, int is_whole)
{
    const long time = now();

    if (time - connection->heard > PING_TIME) {
        connection->keep_alive = 0;
    }
    connection->heard = time;
    if (is_whole) {
        connection->begun = 0;
    } else if (!connection->begun) {
        connection->begun = connection->heard;
    }
}

/* Why a connection is to be closed; NULL: it is not. */
static const char *reason_to_close(const struct sip_connection *connection, long time)
{
    const struct sip_guard_limits *limits = &sip_get_config()->guard;

    if (connection->transport->is_shutdown) {
        return NULL;
    }
    if (connection->is_stuck) {
        return "its peer does not read";
    }
    if (connection->skip == SIP_SKIP_ALL) {
        return "it makes no sense";
    }
    if (connection->begun && time - connection->begun > (long)limits->message_timeout) {
        return "its message does not end";
    }
    if (connection->source && time - connection->heard > (long)limits->idle_timeout &&
        pj_atomic_get(connection->transport->ref_cnt) == 0) {
        return "it is idle";
    }
    return NULL;
}

static void arm(void)
{
    const pj_time_val delay = {LOOK_AFTER, 0};

    armed = pjsip_endpt_schedule_timer(sip_endpt, &timer, &delay) == PJ_SUCCESS;
}

static void look(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct sip_connection *connection;
    long time = now();

    (void)heap;
    (void)entry;
    for (connection = all; connection; connection = connection->next) {
        const char *why = reason_to_close(connection, time);

        if (why) {
            sip_counters.connections_closed++;
            ast_debug("res_sip: closing %s: %s", connection->transport->info, why);
            connection->skip = SIP_SKIP_ALL;
            /* it stays in the list until PJSIP's timers run */
            pjsip_transport_shutdown2(connection->transport, PJ_TRUE);
            sip_unsent_drop(connection);
        }
    }
    armed = 0;
    if (all) {
        arm();
    }
}

/* ---- coming and going ---- */

static int is_one_too_many(const pj_sockaddr *peer)
{
    unsigned most_of_source = sip_get_config()->guard.connections_of_source;
    struct sip_source *source = *find_source(peer);

    return incoming >= most || (most_of_source && source && source->connections >= most_of_source);
}

/* PJSIP's hook: a connection counts before its TLS handshake, and is counted anew behind it. */
static pj_bool_t on_handshake(const pj_sockaddr_t *address, int change)
{
    const pj_sockaddr *peer = address;
    char name[PJ_INET6_ADDRSTRLEN + 10];

    if (change < 0) {
        incoming--;
        release_source(*find_source(peer));
        return PJ_TRUE;
    }
    if (is_one_too_many(peer) || !take_source(peer)) {
        sip_counters.connections_refused++;
        ast_debug("res_sip: one connection too many: TLS with %s",
                  pj_sockaddr_print(peer, name, sizeof(name), 3));
        return PJ_FALSE;
    }
    incoming++;
    return PJ_TRUE;
}

static void link_in(struct sip_connection *connection)
{
    struct sip_connection **bucket = bucket_of(connection->transport);

    connection->same_hash = *bucket;
    *bucket = connection;
    connection->serial = ++last_serial;
    bucket = &by_serial[connection->serial % BUCKETS];
    connection->same_serial_hash = *bucket;
    *bucket = connection;
    connection->next = all;
    if (all) {
        all->previous = connection;
    }
    all = connection;
}

/* NULL: no memory. */
static struct sip_connection *add(pjsip_transport *transport)
{
    struct sip_connection *connection = calloc(1, sizeof(*connection));

    if (!connection) {
        return NULL;
    }
    connection->transport = transport;
    connection->heard = now();
    if (transport->dir == PJSIP_TP_DIR_INCOMING) {
        connection->source = take_source(&transport->key.rem_addr);
        if (!connection->source) {
            free(connection);
            return NULL;
        }
        connection->begun = connection->heard; /* its first message */
        incoming++;
    }
    link_in(connection);
    sip_unsent_watch(connection);
    if (!armed) {
        arm();
    }
    return connection;
}

/* PJSIP gave it the options that its listener began with. */
static void mark(pjsip_transport *transport)
{
    const struct sip_transport *listener = sip_transport_of(transport);

    if (listener && listener->is_marked) {
        sip_transport_mark(listener, transport);
    }
}

void sip_connections_mark(const struct sip_transport *transport)
{
    for (struct sip_connection *at = all; at; at = at->next) {
        if (at->transport->factory == transport->tcp) {
            sip_transport_mark(transport, at->transport);
        }
    }
}

static void on_connected(pjsip_transport *transport)
{
    if (sip_connection_of(transport)) {
        return;
    }
    if (transport->dir == PJSIP_TP_DIR_INCOMING && is_one_too_many(&transport->key.rem_addr)) {
        sip_counters.connections_refused++;
        ast_debug("res_sip: one connection too many: %s", transport->info);
        pjsip_transport_shutdown2(transport, PJ_TRUE);
    } else if (!add(transport)) {
        pjsip_transport_shutdown2(transport, PJ_TRUE);
    } else {
        mark(transport);
    }
}

static void forget(struct sip_connection *connection)
{
    struct sip_connection **place = bucket_of(connection->transport);

    while (*place != connection) {
        place = &(*place)->same_hash;
    }
    *place = connection->same_hash;
    place = &by_serial[connection->serial % BUCKETS];
    while (*place != connection) {
        place = &(*place)->same_serial_hash;
    }
    *place = connection->same_serial_hash;
    if (connection->next) {
        connection->next->previous = connection->previous;
    }
    if (connection->previous) {
        connection->previous->next = connection->next;
    } else {
        all = connection->next;
    }
    if (connection->source) {
        release_source(connection->source);
        incoming--;
    }
    sip_unsent_forget(connection);
    free(connection);
}

/* 1: its certificate was looked at and is not good enough: nothing is read or sent. */
static int is_refused(pjsip_transport *transport, const pjsip_transport_state_info *info)
{
    char text[300];
    const char *why = sip_tls_refuse(transport, info, text, sizeof(text));

    if (!why) {
        return 0;
    }
    sip_counters.certificates_refused++;
    ast_warning_limited("res_sip: TLS connection %s: refused: %s", transport->info, why);
    pjsip_transport_shutdown2(transport, transport->dir == PJSIP_TP_DIR_INCOMING);
    return 1;
}

/* PJSIP's own hook, which ours takes the place of: its transactions hear of a connection that broke
 * by it. */
static pjsip_tp_state_callback tell_transactions;

/* PJSIP's hook. */
static void on_state(pjsip_transport *transport, pjsip_transport_state state,
                     const pjsip_transport_state_info *info)
{
    struct sip_connection *connection;

    if (tell_transactions) {
        tell_transactions(transport, state, info);
    }
    if (transport->flag & PJSIP_TRANSPORT_DATAGRAM) {
        return;
    }
    if (state == PJSIP_TP_STATE_CONNECTED) {
        if (is_refused(transport, info)) {
            return;
        }
        on_connected(transport);
        return;
    }
    connection = sip_connection_of(transport);
    if (connection) {
        sip_registrations_lost(connection->serial);
    }
    if (connection && state == PJSIP_TP_STATE_DESTROY) {
        forget(connection);
    }
}

/* Connections shall use up neither PJSIP's queue nor the descriptors, which media needs too (B14,
 * D3). */
static unsigned work_out_most(unsigned wanted)
{
    struct rlimit files;
    unsigned result = wanted;

    if (result > PJ_IOQUEUE_MAX_HANDLES - RESERVED) {
        result = PJ_IOQUEUE_MAX_HANDLES - RESERVED;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && result > files.rlim_cur / SHARE_OF_FILES) {
        result = (unsigned)(files.rlim_cur / SHARE_OF_FILES);
    }
    if (result < wanted) {
        ast_notice("at most %u connections of peers instead of %u, for want of descriptors", result,
                   wanted);
    }
    return result;
}

void sip_connections_start(void)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time); /* beyond those of an earlier run */
    last_serial =
        (unsigned long long)time.tv_sec * 1000000000ULL + (unsigned long long)time.tv_nsec;
    most = work_out_most(sip_get_config()->guard.connections);
    pj_timer_entry_init(&timer, 0, NULL, look);
    armed = 0;
    tell_transactions = pjsip_tpmgr_get_state_cb(pjsip_endpt_get_tpmgr(sip_endpt));
    pjsip_tpmgr_set_state_cb(pjsip_endpt_get_tpmgr(sip_endpt), on_state);
    pj_ssl_sock_on_handshake = on_handshake;
}

void sip_connections_reload(const struct sip_config *old)
{
    const unsigned wanted = sip_get_config()->guard.connections;

    if (wanted != old->guard.connections) {
        most = work_out_most(wanted);
    }
}

void sip_connections_stop(void)
{
    unsigned i;

    pj_ssl_sock_on_handshake = NULL;
    while (all) {
        forget(all);
    }
    for (i = 0; i < BUCKETS; i++) { /* of handshakes that were under way */
        while (by_address[i]) {
            struct sip_source *source = by_address[i];

            by_address[i] = source->same_hash;
            free(source);
        }
    }
    incoming = 0;
}
