/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: transports, connections, and what peers beyond a NAT are told.
 */
#ifndef RES_SIP_TRANSPORT_H
#define RES_SIP_TRANSPORT_H

#include "res_sip/core.h"

/* ---- udp.c, transport.c ---- */

/* udp_path.c: from which of our addresses a peer is answered */
struct sip_paths;
struct sip_paths *sip_paths_create(pj_pool_t *pool);
void sip_paths_note(struct sip_paths *paths, const pj_sockaddr *peer, const pj_sockaddr *local);
/* NULL: not known. */
const pj_sockaddr *sip_paths_find(struct sip_paths *paths, const pj_sockaddr *peer);

struct sip_transport {
    struct sip_transport *next;
    const struct sip_transport_config *config;
    pjsip_transport_type_e type;
    pjsip_transport *udp; /* of UDP */
    pjsip_tpfactory *tcp; /* of TCP and TLS */
    pj_sockaddr address;  /* what it is bound to, with its port */
    struct {
        int on, idle, interval, count, unread, attempts;
    } options; /* of its sockets; PJSIP keeps pointers to them */
    struct {
        unsigned long long loaded, looked_at; /* what distinguishes the certificate's files */
        int broken;                           /* it does not listen */
    } tls;
    struct sip_transport_config *own; /* of one that is retired (transport_retire.c); owned */
    unsigned retired;                 /* by which reload */
    unsigned looks;                   /* seconds since */
    int is_hidden;                    /* PJSIP does not know its listener any more */
    int is_marked;                    /* a reload gave it other options */
};

/* Options of a listener and of each of its connections. */
void sip_transport_options(struct sip_transport *transport, pj_sockopt_params *params,
                           pj_qos_params *qos);
/* Gives a connection of TCP what its listener is configured with now: PJSIP has what it began with. */
void sip_transport_mark(const struct sip_transport *transport, pjsip_transport *connection);
/* The address to be told to peers, when we are bound to all; else the name stays empty. text holds
 * it. */
void sip_transport_publish(const struct sip_transport_config *config, pjsip_host_port *name,
                           char *text, size_t size);

/* A bound socket (udp_socket.c), or -1 logged; one bound to all addresses tells where each datagram
 * was sent to. */
int sip_udp_socket(const struct sip_transport_config *config);
/* The type of service and the priority of what it sends. */
void sip_udp_set_qos(int fd, const struct sip_transport_config *config);
int sip_udp_fd(const pjsip_transport *transport);
/* Binds and starts. 0; -1 logged. */
int sip_udp_start(const struct sip_transport_config *config, pjsip_transport **transport);
/* Where a datagram was sent to, or NULL when that is just the transport's own address. */
const pj_sockaddr *sip_udp_destination(const pjsip_rx_data *rdata);
/* Which of our addresses a peer is known to use, on a socket that is bound to all; NULL: not known.
 */
const pj_sockaddr *sip_udp_path(const pjsip_transport *transport, const pj_sockaddr *peer);
/* contact.c: the address of ours that a peer sees, on a socket that is bound to all. 0; -1 logged. */
int sip_address_towards(const struct sip_transport *transport, const pj_sockaddr *peer,
                        pj_sockaddr *address);

int sip_transports_start(const struct sip_config *config);
/* Forgets them; PJSIP destroys them with its endpoint. */
void sip_transports_forget(void);
struct sip_transport *sip_transports(void);
/* One that is open and in no list; NULL: logged. */
struct sip_transport *sip_transport_open(const struct sip_transport_config *config);
void sip_transport_add(struct sip_transport *transport);
void sip_transport_take_out(struct sip_transport *transport);
/* C14 of docs/pjsip.md: a request too large for UDP goes by TCP only where there is TCP: a warning
 * where there is none. */
void sip_transports_check(const struct sip_config *config);
/* The first of a type, or NULL. */
const struct sip_transport *sip_transport_of_type(pjsip_transport_type_e type);
const struct sip_transport *sip_transport_of_name(const char *name);
/* The one whose socket, or whose connection, this is; or NULL. */
const struct sip_transport *sip_transport_of(const pjsip_transport *transport);
/* ---- transport_retire.c: those that are configured no more ---- */

/*
 * Takes it (in no list), with its configuration: nothing new begins by it. A UDP socket stays as
 * long as a session needs it (sip_transports_wait_for); connections stay, the listener does not.
 */
void sip_transport_retire(struct sip_transport *transport, struct sip_transport_config *config);
/* Endpoints that sessions may have which began before; takes them. At every reload, behind those
 * that it retires. */
void sip_transports_wait_for(struct sip_endpoint_entry **endpoints);
void sip_transports_retire_start(void);
/* Closes them all; before PJSIP's endpoint goes. */
void sip_transports_retire_stop(void);
struct sip_transport *sip_transports_retired(void);
/* 1: nothing may begin by it. */
int sip_transport_is_retired(const pjsip_transport *transport);

/* ---- transport_reload.c ---- */

int sip_transports_prepare(struct sip_config *config); /* these three: reload.h */
void sip_transports_abandon(void);
/* Between the two: 1: the reload that is prepared takes this transport of UDP, or this listener, away
 * or to another address. */
int sip_transport_is_leaving(const void *transport);
void sip_transports_commit(struct sip_config *old, struct sip_config *config);

/* The value of a URI's transport parameter (a literal); NULL: none is needed. */
const char *sip_transport_parameter(pjsip_transport_type_e type);

/* ---- keep_alive.c ---- */

/*
 * Line ends came on a connection, outside of messages. state is the connection's own, 0 at its
 * beginning: how much of a double CRLF has come.
 */
void sip_keep_alive_answer(pjsip_transport *transport, unsigned *state, const char *data,
                           size_t length);

/* ---- stun.c ---- */

#define SIP_STUN_ANSWER 64
/*
 * Writes the answer to a datagram that is a STUN Binding request of source: its length; 0: it is
 * none, or malformed.
 */
size_t sip_stun_answer(const char *data, size_t length, const pj_sockaddr *source,
                       char out[SIP_STUN_ANSWER]);

/* ---- connection.c: what there is to know of each connection ---- */

struct sip_connection {
    struct sip_connection *same_hash, *same_serial_hash;
    unsigned long long serial;              /* no other one has it, in this run or another one */
    struct sip_connection *next, *previous; /* of all */
    struct sip_source *source;              /* NULL: it is one that we made */
    pjsip_transport *transport;
    size_t skip;         /* octets that belong to a refused message */
    long heard;          /* seconds, monotonic: when the last octet came */
    long begun;          /* when the message began that is not whole yet; 0: none */
    unsigned keep_alive; /* state of keep_alive.c */
    /* of unsent.c */
    pj_status_t (*send)(pjsip_transport *, pjsip_tx_data *, const pj_sockaddr_t *, int, void *,
                        pjsip_transport_callback); /* PJSIP's */
    struct sip_waiting *waiting, **last_waiting;   /* behind the one that PJSIP has, */
    unsigned unsent;                               /* and how many there are */
    int is_sending;                                /* PJSIP has one: */
    void *sending_token;
    pjsip_transport_callback sending_callback;
    int is_stuck; /* nothing more can be sent */
};

#define SIP_SKIP_ALL ((size_t)-1) /* the connection is lost: nothing more of it is read */

/* The listener of TCP has other options: its connections get them. */
void sip_connections_mark(const struct sip_transport *transport);
/* 1: there is a connection of this listener. */
int sip_connections_of(const pjsip_tpfactory *listener);
/* NULL: nothing is known of it. It is borrowed, until the next message. */
struct sip_connection *sip_connection_of(const pjsip_transport *transport);
/* Likewise. */
struct sip_connection *sip_connection_of_serial(unsigned long long serial);
/* Octets came, of a message that is whole, or not. */
void sip_connection_heard(struct sip_connection *connection, int is_whole);
/* Its octets make no sense: it is closed. */
void sip_connection_lose(struct sip_connection *connection);
void sip_connections_start(void);
/* The configuration in force is another one. */
void sip_connections_reload(const struct sip_config *old);
/* Forgets them all; PJSIP's endpoint is gone. */
void sip_connections_stop(void);

/* ---- unsent.c: what peers do not read ---- */

/* 1: of at most so many messages too many wait on one connection, when so many wait on all. */
int sip_unsent_is_too_much(unsigned most, unsigned of_one, unsigned long of_all);
/* Keeps from now on what waits on it. */
void sip_unsent_watch(struct sip_connection *connection);
/* PJSIP's transport is gone. */
void sip_unsent_forget(const struct sip_connection *connection);
/* It is closed: what waits on it is not sent any more. */
void sip_unsent_drop(struct sip_connection *connection);

/* ---- nat.c ---- */

/* A dialog with this endpoint begins: its responses may be of interest. NULL is allowed. */
void sip_nat_expect(const struct ast_sip_endpoint *endpoint);
/* A received message's Contact becomes where it came from, when the endpoint (may be NULL) asks for
 * it. */
void sip_nat_rewrite(pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint);
/* 1: a peer is in none of the local networks. */
int sip_nat_is_outside(const struct sip_external_config *external, const pj_sockaddr *peer);
/* 1: the address, whatever its port, is one of those that the transport is bound to. */
int sip_transport_has_address(const struct sip_transport *transport, const pj_sockaddr *address);
/*
 * nat_sdp.c. Copies an SDP with the transport's external_media_address in place of our own
 * addresses: the length of what is in out; 0: there is none to replace, or no room.
 */
size_t sip_nat_sdp(const struct sip_transport *transport, const char *sdp, size_t length, char *out,
                   size_t size);
/* Does that to the body of a message. */
void sip_nat_rewrite_sdp(pjsip_tx_data *tdata, const struct sip_transport *transport);

int sip_nat_start(void);
/* The configuration in force is another one. */
void sip_nat_reload(void);

#endif
