/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip, the part that no module sees: what the configuration fills, start and stop. Nothing here
 * knows of sessions, media, channels or files.
 */
#ifndef RES_SIP_SIP_H
#define RES_SIP_SIP_H

#include <sipsession/location.h>
#include <sipsession/res_sip.h>

#include "base/base.h"

/* ---- configuration: plain structs that src/config (or a program's options) fills ---- */

enum sip_transport_protocol { SIP_TRANSPORT_UDP, SIP_TRANSPORT_TCP, SIP_TRANSPORT_TLS };

/* An address and a prefix length */
struct sip_network {
    pj_sockaddr address;
    unsigned prefix;
};

enum sip_tls_method { SIP_TLS_ANY, SIP_TLS_1_2, SIP_TLS_1_3 }; /* any: both */

/* Of a transport with protocol=tls; NULL is "not given" */
struct sip_tls_config {
    char *cert_file;     /* PEM, ours first, then its chain */
    char *priv_key_file; /* NULL: in cert_file */
    char *password;      /* of the key */
    char *ca_list_file, *ca_list_path;
    char *cipher; /* names as OpenSSL has them, with commas; NULL: its own choice */
    int method;   /* enum sip_tls_method */
    int verify_client, verify_server, require_client_cert;
    int allow_wildcard_certs;
};

/* How peers reach us that are not in one of the local networks */
struct sip_external_config {
    char *signaling_address;  /* an IP address, or NULL */
    char *signaling_hostname; /* takes its place; or NULL */
    unsigned signaling_port;  /* 0: ours */
    char *media_address;      /* an IP address, or NULL */
    unsigned local_count;
    struct sip_network *local; /* none: all peers are outside */
};

/* type=transport */
struct sip_transport_config {
    struct sip_transport_config *next;
    char *name;
    int protocol;           /* enum sip_transport_protocol */
    pj_sockaddr bind;       /* family, address, port; default port 5060, of TLS 5061 */
    unsigned tcp_keepalive; /* seconds; 0: off */
    int tos;                /* DSCP << 2, or 0 */
    struct sip_tls_config tls;
    struct sip_external_config external;
};

/* type=identify */
struct sip_identify_config {
    struct sip_identify_config *next;
    char *name;
    char *endpoint; /* the endpoint's name */
    unsigned match_count;
    struct sip_network *match;
    char *match_header;      /* "Name: value" or "Name: /regular expression/", or NULL */
    char *match_request_uri; /* a URI or "/regular expression/", or NULL */
};

/* An access list: the last rule that knows an address decides; none: it is let in. */
struct sip_acl_rule {
    struct sip_network network;
    int permit;
};

struct ast_sip_acl {
    struct ast_sip_acl *next; /* all of a list must let in */
    char *name;               /* never NULL */
    unsigned count;
    struct sip_acl_rule *rules;
};

/* [authentication] of sipsession.conf */
struct sip_authentication_config {
    int in_dialog;   /* requests within dialogs must be authenticated, too */
    int without_qop; /* answers without qop are good (RFC 2069) */
    int check_uri;   /* the digest's URI must be the request's */
};

/* [access] of sipsession.conf */
struct sip_access_config {
    unsigned rate;         /* requests a second of one source; 0: any */
    unsigned burst;        /* how many may come at once */
    unsigned ban_failures; /* so many failures, ... 0: no bans */
    unsigned ban_period;   /* ... within so many seconds ... */
    unsigned ban_time;     /* ... ban a source for so many seconds */
    int ban_strangers;     /* a request of nobody is a failure */
    unsigned exempt_count;
    struct sip_network *exempt; /* neither rates nor bans for these */
};

/* type=global and type=system */
struct sip_global_config {
    char *user_agent;                /* never NULL; User-Agent and Server */
    char *default_realm;             /* of challenges; never NULL */
    char *endpoint_identifier_order; /* "ip,username,anonymous" */
    char *default_from_user;
    char *nameservers;            /* "ADDRESS:PORT,..."; NULL: those of the system */
    unsigned max_forwards;        /* 70 */
    unsigned keep_alive_interval; /* seconds */
    unsigned timer_t1;            /* ms */
    unsigned timer_b;             /* ms */
    int compact_headers;
    int disable_rport;
    int disable_tcp_switch;
    int debug; /* log every message */
    unsigned algorithm_count;
    int algorithms[AST_SIP_DIGEST_ALGORITHMS]; /* of challenges, where nothing else says them */
};

/* [guard] of sipsession.conf: what a peer may send (guard.c), and how many connections
 * (connection.c). */
struct sip_guard_limits {
    unsigned message_size; /* octets; below PJSIP_MAX_PKT_LEN */
    unsigned body_size;    /* octets */
    unsigned uri_size;     /* octets of the first line */
    unsigned
        echoed_size; /* octets of the headers that an answer repeats, and of Contact (A0.2, A3) */
    unsigned header_fields;         /* of one message */
    unsigned option_tags;           /* of Require, and of Supported (A3) */
    unsigned streams;               /* m= lines of an SDP (A1) */
    unsigned formats;               /* of one m= line (B15) */
    unsigned attributes;            /* a= lines of a section (A2) */
    unsigned keys;                  /* a=crypto lines of a section (A2, D1) */
    unsigned connections;           /* that peers made; below PJ_IOQUEUE_MAX_HANDLES (B14, D3) */
    unsigned connections_of_source; /* of one address; 0: as many as there are */
    unsigned message_timeout;       /* seconds that a message, or the first one, may take */
    unsigned idle_timeout;          /* seconds without an octet */
};

/* type=registration */
struct sip_registration_config {
    struct sip_registration_config *next;
    char *name;
    char *server_uri, *client_uri; /* never NULL */
    char *contact_user;            /* never NULL */
    char *contact_header_params;   /* "a=b;c"; NULL: none */
    char *transport, *outbound_proxy, *outbound_auth;
    char *endpoint;   /* of requests that come for its line */
    char *user_agent; /* NULL: that of type=global */
    int line, support_path, support_outbound;
    unsigned max_random_initial_delay; /* seconds, as all of these */
    unsigned expiration, retry_interval, forbidden_retry_interval, fatal_retry_interval;
    unsigned max_retries;
    int auth_rejection_permanent;
    /* How the registrar is talked with: transport, contact_user, outbound_proxy and credentials; a
     * reference, never one of the configured endpoints. */
    struct ast_sip_endpoint *registrar;
};

struct sip_endpoint_entry {
    struct sip_endpoint_entry *next;
    struct ast_sip_endpoint *endpoint; /* a reference */
};

/* type=aor */
struct sip_aor_entry {
    struct sip_aor_entry *next;
    struct sip_aor_entry *same_bucket;
    struct ast_sip_aor *aor; /* a reference */
};

#define SIP_AOR_BUCKETS 1024u

/* One whole configuration; sip_config_destroy frees it, strings and lists with it (all malloc'ed).
 */
struct sip_config {
    struct sip_global_config global;
    struct sip_guard_limits guard;
    struct sip_transport_config *transports; /* in the order of the file */
    struct sip_endpoint_entry *endpoints;
    struct sip_identify_config *identifies;
    struct sip_aor_entry *aors, **aors_end; /* sip_config_add_aor */
    struct sip_aor_entry *aor_buckets[SIP_AOR_BUCKETS];
    struct ast_sip_acl *acl;         /* permit and deny of type=acl: for every request */
    struct ast_sip_acl *contact_acl; /* contact_permit and contact_deny of type=acl */
    struct sip_authentication_config authentication;
    struct sip_access_config access;
    struct sip_registration_config *registrations;
};

struct sip_config *sip_config_create(void); /* every option at its default; NULL: no memory */
void sip_config_destroy(struct sip_config *config);
/* Takes an entry whose AOR has a name that no other one has. */
void sip_config_add_aor(struct sip_config *config, struct sip_aor_entry *entry);
/* Frees what one has but for its name, and zeroes that. */
void sip_transport_config_release(struct sip_transport_config *transport);

/* ---- the SIP thread and its PJSIP endpoint: thread.c, endpt.c ---- */

/*
 * Makes PJLIB, the PJSIP endpoint and its modules, and opens the transports; on the thread that
 * will be the SIP thread. Takes config (also on failure). 0; -1 logged, all undone.
 */
int sip_start(struct sip_config *config);
/* Polls timers, network and tasks until sip_stop was called. On the SIP thread. */
void sip_run(void);
/* Ends sip_run after the current round; the SIP thread. */
void sip_stop(void);
/* Destroys all that sip_start made; tasks that were pushed have run. On the SIP thread. */
void sip_destroy(void);

/* The one task queue and blocking pool; NULL before start. Any thread. */
struct base_task_queue *sip_tasks(void);

/* The configuration in force; never NULL between start and destroy. SIP thread. */
const struct sip_config *sip_get_config(void);

/* Refuse new dialogs and out-of-dialog requests with 503 from now on (SIGTERM). */
void sip_set_stopping(void);

/* 1 after sip_set_stopping. */
int sip_is_stopping(void);

/* The level of PJSIP's own log follows ast_log_set_level only when this is called after it. Any
 * thread. */
void sip_log_level_changed(void);

/* ---- transports, for whoever makes dialogs (transport.c, contact.c) ---- */

/*
 * The transport that an endpoint's `transport` names, as PJSIP wants it for a dialog or a message;
 * of type NONE when it names none. The selector borrows the transport, which lives until
 * sip_destroy. 0; -1 logged: no transport of that name; then the selector is untouched.
 */
int sip_transport_selector(const struct ast_sip_endpoint *endpoint, pjsip_tpselector *selector);

/*
 * Where the messages of a dialog reach us: the type of its transport, our address as the peer sees
 * it (the address where rdata arrived, or the one that routes to target when we are bound to all),
 * and the port that listens.
 *
 * rdata: the request that makes the dialog, or NULL for an outgoing one; then endpoint (may be
 * NULL) and target, the request URI, decide, and a host name in it that is no number counts as the
 * default route. 0; -1 logged: there is no such transport; then the output is untouched.
 */
int sip_local_address(pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint,
                      const pjsip_uri *target, pj_sockaddr *address, pjsip_transport_type_e *type);

/*
 * The same as a Contact in angle brackets, allocated from pool, e.g.
 * "<sip:100@192.0.2.1:5060;transport=tcp>". The user part is the endpoint's contact_user, else that
 * of the request URI for an incoming one, else the endpoint's from_user for an outgoing one, else
 * there is none. 0; -1 logged, the output untouched.
 */
int sip_make_contact(pj_pool_t *pool, pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint,
                     const pjsip_uri *target, pj_str_t *contact);

/*
 * The routes that requests to an endpoint begin with (its outbound_proxy), as a list made from
 * pool: empty when there are none. For pjsip_dlg_set_route_set. 0; -1 logged, the list untouched.
 */
int sip_outbound_route(pj_pool_t *pool, const struct ast_sip_endpoint *endpoint,
                       pjsip_route_hdr *list);

/*
 * Appends the routes of a contact's path (create_request.c) to a list that pj_list_init made or
 * that has routes already, made from pool. 0; -1 logged, the list untouched.
 */
int sip_contact_route(pj_pool_t *pool, const char *path, pjsip_route_hdr *list);

/* ---- outbound registrations (registration.c) ---- */

/* Unregisters: what is registered gets a REGISTER that says so. */
void sip_registrations_stop(void);
/* 1: an answer to that is still worth waiting for; never for long. */
int sip_registrations_busy(void);

/* ---- dialogs and endpoints (distributor.c) ---- */

/*
 * Requests within the dialog get this endpoint (ast_pjsip_rdata_get_endpoint) without being
 * identified again. It is borrowed: whoever calls this keeps a reference as long as the dialog
 * lives, or sets NULL.
 */
void sip_dialog_set_endpoint(pjsip_dialog *dlg, struct ast_sip_endpoint *endpoint);

/*
 * Who decides to which dialog a response to our INVITE belongs that has another To tag than all
 * before: first is the dialog that the INVITE made. NULL: that one. The handler returns NULL for a
 * response to be ignored.
 */
void sip_set_fork_handler(pjsip_dialog *(*handler)(pjsip_dialog *first, pjsip_rx_data *rdata));

/* ---- challenges of our requests: credentials.c ---- */

/*
 * A request of ours was answered with 401 or 407, and PJSIP is about to answer that with the
 * credentials of auth: leaves it one challenge for each realm, the first that we can satisfy (RFC
 * 8760 2.4), or none when the request was challenged too often. 1: it will answer; 0: the refusal
 * is final.
 */
int sip_auth_prepare(const pjsip_auth_clt_sess *auth, pjsip_tx_data *request, pjsip_rx_data *rdata);
/* Nobody is there any more who could answer the challenges of a response: PJSIP is not shown them.
 */
void sip_auth_ignore(pjsip_rx_data *rdata);
/* A request is going to somebody else: it loses the answers to challenges of before. */
void sip_auth_forget(pjsip_tx_data *request);
/* An ACK to a 2xx has the credentials of its INVITE (RFC 3261 13.2.2.4). */
void sip_auth_copy(pjsip_tx_data *ack, const pjsip_tx_data *invite);

/* ---- counters: what was dropped or refused, for `show` and tests ---- */

struct sip_counters {
    unsigned long long
        malformed; /* could not be parsed or broke RFC 3261: dropped or refused with 400 */
    unsigned long long unidentified;         /* challenged because nobody knows the sender */
    unsigned long long unsent;               /* datagrams that the system's full buffers lost */
    unsigned long long connections_refused;  /* beyond the limits of [guard] */
    unsigned long long connections_closed;   /* silent, stuck in a message, or idle for too long */
    unsigned long long certificates_refused; /* of peers, both ways */

    unsigned long long auth_challenged; /* 401 that were sent, whatever for */
    unsigned long long auth_good;       /* right credentials */
    unsigned long long auth_failed;     /* wrong ones */
    unsigned long long auth_stale;      /* right ones with a nonce that is too old or was used */
    unsigned long long auth_replayed;   /* of them, those that were used */
    unsigned long long acl_refused;     /* challenged because an access list keeps the source out */
    unsigned long long contact_refused; /* refused because an access list keeps a Contact out */
    unsigned long long rate_limited;    /* dropped or refused: too fast */
    unsigned long long bans;            /* sources that were banned */
    unsigned long long banned_requests; /* dropped while their source was banned */
};

extern struct sip_counters sip_counters;

/* ==== within this folder only ==== */

extern pjsip_endpoint *sip_endpt; /* NULL: not running */

/* PJLIB's strings are not const; nobody writes to these. */
#define SIP_STR(literal)                                                                           \
    {                                                                                              \
        (char *)(literal), sizeof(literal) - 1                                                     \
    }
static inline pj_str_t sip_str(const char *text)
{
    return pj_str((char *)text);
}

/* Priorities of our PJSIP modules: PJSIP prints at 8, transactions are 16, dialogs 32, services 64.
 */
#define SIP_PRIORITY_TRACE       7 /* sees what was printed, and what came before anyone touched it */
#define SIP_PRIORITY_EDGE        9   /* guard of what comes in; print of what goes out */
#define SIP_PRIORITY_DISTRIBUTOR 24  /* after retransmissions are gone, before dialogs */
#define SIP_PRIORITY_METHODS     128 /* what no service took: OPTIONS */
#define SIP_PRIORITY_LAST        1000

/* ---- config.c ---- */

/* Makes config the one in force (takes it) and indexes its endpoints; NULL: none any more. 0, -1 no
 * memory. */
int sip_config_use(struct sip_config *config);

/* ---- loop.c: epoll ---- */

struct sip_watch {
    int fd;
    void (*ready)(struct sip_watch *watch);
    int own_work; /* 1: not what came from the network */
};

int sip_loop_create(void);
void sip_loop_destroy(void);
/* Calls watch->ready as often as fd is readable. The watch is the caller's. 0, -1 logged. */
int sip_loop_watch(struct sip_watch *watch);
void sip_loop_unwatch(struct sip_watch *watch);
/* 1: a message that was received is being worked on. */
int sip_loop_in_network(void);
/* One turn: timers, then wait at most `most` ms (-1: as long as it takes) and call what is ready.
 */
void sip_loop_turn(int most);

/* ---- thread.c: the queue of tasks ---- */

int sip_thread_create(void);
/* Stops the blocking pool and runs what is queued. */
void sip_thread_drain(void);
void sip_thread_destroy(void);

/* ---- pjlog.c: PJSIP's log into ours ---- */

void sip_pjlog_start(void);
/* The text of a PJSIP status; returns buffer. */
const char *sip_error(pj_status_t status, char *buffer, size_t size);

/* ---- memory.c: pools, and giving memory back ---- */

void sip_memory_start(void);
pj_pool_factory *sip_memory_factory(void);
/* There is work: look after a while whether memory can go back. Cheap. */
void sip_memory_busy(void);
void sip_memory_stop(void);
void sip_memory_destroy(void);

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
        int on, idle;
    } options; /* of its sockets; PJSIP keeps pointers to them */
    struct {
        unsigned long long loaded, looked_at; /* what distinguishes the certificate's files */
        int broken;                           /* it does not listen */
    } tls;
};

/* Options of a listener and of each of its connections. */
void sip_transport_options(struct sip_transport *transport, pj_sockopt_params *params,
                           pj_qos_params *qos);
/* The address to be told to peers, when we are bound to all; else the name stays empty. text holds
 * it. */
void sip_transport_publish(const struct sip_transport_config *config, pjsip_host_port *name,
                           char *text, size_t size);

/* A bound socket (udp_socket.c), or -1 logged; one bound to all addresses tells where each datagram
 * was sent to. */
int sip_udp_socket(const struct sip_transport_config *config);
/* Binds and starts. 0; -1 logged. */
int sip_udp_start(const struct sip_transport_config *config, pjsip_transport **transport);
/* Where a datagram was sent to, or NULL when that is just the transport's own address. */
const pj_sockaddr *sip_udp_destination(const pjsip_rx_data *rdata);

int sip_transports_start(const struct sip_config *config);
/* Forgets them; PJSIP destroys them with its endpoint. */
void sip_transports_forget(void);
const struct sip_transport *sip_transports(void);
/* The first of a type, or NULL. */
const struct sip_transport *sip_transport_of_type(pjsip_transport_type_e type);
const struct sip_transport *sip_transport_of_name(const char *name);
/* The one whose socket, or whose connection, this is; or NULL. */
const struct sip_transport *sip_transport_of(const pjsip_transport *transport);
/* The value of a URI's transport parameter (a literal); NULL: none is needed. */
const char *sip_transport_parameter(pjsip_transport_type_e type);

/* ---- modules of PJSIP, one per file; each returns 0, or -1 logged ---- */

int sip_edge_start(void);
int sip_print_start(const struct sip_global_config *global);
int sip_trace_start(const struct sip_global_config *global);
int sip_distributor_start(void);
int sip_options_start(void);
int sip_fallback_start(void);
int sip_send_request_start(void);
int sip_nat_start(void);
/* resolve.c: names of servers. After the transports; stop is safe without start. */
int sip_resolve_start(const struct sip_global_config *global);
void sip_resolve_stop(void);
/* registration.c: after all that sends; the first REGISTER goes out when the loop runs. Forget is
 * safe without start; before names are no longer looked up. */
int sip_registrations_start(const struct sip_config *config);
void sip_registrations_forget(void);
/* Registers one of ours. 0, -1 logged. */
int sip_module_register(pjsip_module *module);

struct ast_sip_endpoint *sip_dialog_get_endpoint(const pjsip_dialog *dlg);
/* The endpoint of the message before is no longer needed. */
void sip_distributor_release(void);

/* ---- credentials.c, send_request.c ---- */

/* Kept on each request of ours that was challenged or is waited for; in tdata->pool. */
struct sip_sent {
    void *pending;       /* of send_request.c; NULL: nobody waits */
    unsigned challenges; /* how many it has met */
};
/* The one of a request; make: it is made when there is none yet. */
struct sip_sent *sip_sent_of(pjsip_tx_data *tdata, int make);

void sip_credentials_free(struct ast_sip_credential *credential);
/* Gives an auth session the credentials of an endpoint (may be NULL). */
void sip_auth_set(pjsip_auth_clt_sess *auth, const struct ast_sip_endpoint *endpoint);

/* ---- keep_alive.c ---- */

/*
 * Line ends came on a connection, outside of messages. state is the connection's own, 0 at its
 * beginning: how much of a double CRLF has come.
 */
void sip_keep_alive_answer(pjsip_transport *transport, unsigned *state, const char *data,
                           size_t length);

/* ---- wire.c: what arrives, before PJSIP's parsers ---- */

/*
 * A datagram that transport received; whole: it is all that was sent. 1: PJSIP may have it, and
 * sip_wire_done is to be called when it has; 0: it was refused or dropped, and counted.
 */
int sip_wire_datagram(pjsip_transport *transport, const char *data, size_t length, int whole,
                      const pj_sockaddr *source);
void sip_wire_done(void);
/* 1: the message that PJSIP is working on has a Content-Encoding. */
int sip_wire_has_encoding(void);
/* Hooks into PJSIP's transport manager. */
void sip_wire_start(void);
/* A message of this source was refused or dropped: counts, and says why to whoever debugs. */
void sip_wire_count(const pj_sockaddr *source, const char *why);

/* ---- connection.c: what there is to know of each connection ---- */

struct sip_connection {
    struct sip_connection *same_hash;
    struct sip_connection *next, *previous; /* of all */
    struct sip_source *source;              /* NULL: it is one that we made */
    pjsip_transport *transport;
    size_t skip;         /* octets that belong to a refused message */
    long heard;          /* seconds, monotonic: when the last octet came */
    long begun;          /* when the message began that is not whole yet; 0: none */
    unsigned keep_alive; /* state of keep_alive.c */
};

#define SIP_SKIP_ALL ((size_t)-1) /* the connection is lost: nothing more of it is read */

/* NULL: nothing is known of it. It is borrowed, until the next message. */
struct sip_connection *sip_connection_of(const pjsip_transport *transport);
/* Octets came, of a message that is whole, or not. */
void sip_connection_heard(struct sip_connection *connection, int is_whole);
/* Its octets make no sense: it is closed. */
void sip_connection_lose(struct sip_connection *connection);
void sip_connections_start(void);
/* Forgets them all; PJSIP's endpoint is gone. */
void sip_connections_stop(void);

/* ---- nat.c ---- */

/* A dialog with this endpoint begins: its responses may be of interest. NULL is allowed. */
void sip_nat_expect(const struct ast_sip_endpoint *endpoint);
/* A received message's Contact becomes where it came from, when the endpoint (may be NULL) asks for
 * it. */
void sip_nat_rewrite(pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint);
/* An address in figures, without port and brackets; a name is never looked up. 0; -1: it is none.
 */
int sip_parse_ip(const pj_str_t *text, pj_sockaddr *address);
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

/* ---- guard*.c: pure checks of what a peer sent ---- */

enum sip_guard_header {
    SIP_GUARD_OTHER,
    SIP_GUARD_VIA,
    SIP_GUARD_RECORD_ROUTE,
    SIP_GUARD_ROUTE,
    SIP_GUARD_FROM,
    SIP_GUARD_TO,
    SIP_GUARD_CALL_ID,
    SIP_GUARD_CSEQ,
    SIP_GUARD_CONTACT,
    SIP_GUARD_REQUIRE,
    SIP_GUARD_SUPPORTED,
    SIP_GUARD_CONTENT_TYPE,
    SIP_GUARD_CONTENT_LENGTH,
    SIP_GUARD_CONTENT_ENCODING,
    SIP_GUARD_HEADERS
};

/* What a look at a message found. */
struct sip_guard_found {
    int code;             /* 0: nothing is wrong; else the status to refuse it with */
    const char *why;      /* static; NULL when nothing is wrong */
    size_t header_length; /* with the empty line; 0: the headers have no end yet (streams only) */
    size_t body_length;   /* what Content-Length says */
    int has_length;       /* there is one */
    int has_encoding;     /* there is a Content-Encoding */
    int lost;             /* of a stream: where the next message begins cannot be known */
};

void sip_guard_defaults(struct sip_guard_limits *limits);

/*
 * Looks at a message as text; returns found->code. is_datagram: the text is all there is (RFC
 * 3261 18.3); else it is the beginning of a stream's octets, which may hold less than a message, or
 * more.
 */
int sip_guard_message(const struct sip_guard_limits *limits, const char *text, size_t length,
                      int is_datagram, struct sip_guard_found *found);
/* Where the next line begins, or the end: lines end as PJSIP's parsers see it, with CRLF, LF or CR
 * alone. */
const char *sip_guard_next_line(const char *at, const char *end);
/* Where the header field behind this one begins: one may go on in further lines (RFC 3261 7.3.1).
 */
const char *sip_guard_next_field(const char *at, const char *end);
/* Which header a field is of; *value gets what stands behind the colon, if there is one. */
enum sip_guard_header sip_guard_field(const char *field, const char *end, const char **value);
/* Looks at an SDP: 0, or 488 and why (static). */
int sip_guard_sdp(const struct sip_guard_limits *limits, const char *text, size_t length,
                  const char **why);

/* guard_refusal.c: where a refusal goes, when not to where the request came from. */
struct sip_guard_reply {
    size_t length;
    unsigned port; /* of datagrams: where Via wants it (RFC 3261 18.2.2) */
};

/*
 * Writes the refusal of a request that is not to be parsed, out of its text: 1; 0: there is none,
 * since it is no request, is an ACK, or lacks what an answer repeats.
 */
int sip_guard_refusal(const char *text, size_t length, int code, const char *reason,
                      const char *host, unsigned port, char *out, size_t size,
                      struct sip_guard_reply *reply);

/* ---- aor.c, location.c ---- */

unsigned sip_aor_bucket(const char *name);
/* The configured contacts. 0, -1 logged. */
int sip_location_start(const struct sip_config *config);
void sip_location_stop(void);

/* ---- identify*.c ---- */

int sip_identify_start(const struct sip_config *config);
void sip_identify_stop(void);
int sip_identify_ip_start(const struct sip_config *config);
void sip_identify_ip_stop(void);
int sip_identify_username_start(void);
int sip_identify_anonymous_start(void);
int sip_identify_auth_start(void);
/* 1: a value to match is a regular expression between slashes, which is in out then. */
int sip_match_is_regex(const char *value, char *out, size_t size);
int sip_identify_match_start(const struct sip_config *config);
void sip_identify_match_stop(void);

/* ---- challenge.c ---- */

/* One WWW-Authenticate for each realm and algorithm among auths. */
void sip_challenge_add(pjsip_tx_data *tdata, const struct ast_sip_auth *auths, const char *nonce,
                       int stale);

/* ---- digest.c: pure; any thread ---- */

#define SIP_DIGEST_SIZE 65 /* the longest digest in hex digits, and a NUL */

/* Octets that were hashed, for a test: as many for a name that exists as for another. */
extern unsigned long long sip_digest_octets;

const char *sip_digest_name(int algorithm);
unsigned sip_digest_length(int algorithm); /* in hex digits */
/* The algorithm of a name, in any case; an empty name is MD5; -1: none of ours. */
int sip_digest_find(const char *name, size_t length);
/* out: twice count hex digits and a NUL. */
void sip_hex(char *out, const unsigned char *octets, size_t count);
/* The hash of texts with colons between them. 0; -1: no memory, or OpenSSL lacks the algorithm. */
int sip_digest(int algorithm, const pj_str_t *texts, unsigned count, char out[SIP_DIGEST_SIZE]);
int sip_digest_ha1(int algorithm, const char *username, const char *realm, const char *password,
                   char out[SIP_DIGEST_SIZE]);
/* What the credential's `response` must be; its form is not looked at. */
int sip_digest_response(int algorithm, const char *ha1, const pj_str_t *method,
                        const pjsip_digest_credential *credential, char out[SIP_DIGEST_SIZE]);
/* 1 when two URIs as they are written have the same scheme, user and host. */
int sip_same_target(const pj_str_t *one, const pj_str_t *other);
/* 1 when they are the same, in a time that does not tell where they differ. */
int sip_same_secret(const char *one, const pj_str_t *other);

/* ---- nonce.c: pure; times in microseconds ---- */

#define SIP_NONCE_SIZE 57

struct sip_nonces;

struct sip_nonce {
    pj_uint64_t issued; /* no two nonces have the same */
    pj_uint64_t age;    /* microseconds */
    int same_source;    /* it was given to the address that asks */
};

enum sip_nonce_use {
    SIP_NONCE_GOOD,
    SIP_NONCE_REPLAYED, /* the nonce was used with this count, or with much higher ones */
    SIP_NONCE_FORGOTTEN /* it may have been used: too many others were since */
};

/* sets: a power of two; four used nonces are kept in each. NULL: logged. */
struct sip_nonces *sip_nonces_create(unsigned sets);
void sip_nonces_destroy(struct sip_nonces *nonces);
void sip_nonce_make(struct sip_nonces *nonces, pj_uint64_t now, const pj_sockaddr *source,
                    char out[SIP_NONCE_SIZE]);
/* 0; -1: it is none of ours. */
int sip_nonce_read(const struct sip_nonces *nonces, pj_uint64_t now, const pj_str_t *text,
                   const pj_sockaddr *source, struct sip_nonce *nonce);
/* Somebody has authenticated with it and this nonce count. */
enum sip_nonce_use sip_nonce_use(struct sip_nonces *nonces, pj_uint64_t issued, unsigned count);

/* ---- auth.c, authenticate.c ---- */

void sip_auths_free(struct ast_sip_auth *auth);
/* The authenticator of endpoints' auths, for when no other is registered. */
extern struct ast_sip_authenticator sip_own_authenticator;
int sip_authenticate_start(const struct sip_config *config);
void sip_authenticate_stop(void);
/* Microseconds, of no particular begin. */
pj_uint64_t sip_now(void);

/* ---- acl.c: pure ---- */

int sip_network_has(const struct sip_network *network, const pj_sockaddr *address);
/* The first of a list that keeps an address out; NULL: it is let in. */
const struct ast_sip_acl *sip_acl_refusing(const struct ast_sip_acl *list,
                                           const pj_sockaddr *address);
/* A new one at the list's end; NULL: no memory. */
struct ast_sip_acl *sip_acl_append(struct ast_sip_acl **list, const char *name);
int sip_acl_add(struct ast_sip_acl *acl, const struct sip_network *network, int permit);
/* Appends a copy of one. 0; -1 no memory, and the list may have a part of it. */
int sip_acl_copy(struct ast_sip_acl **list, const struct ast_sip_acl *acl);
void sip_acl_free(struct ast_sip_acl *acl);

/* ---- sources.c: pure; times in microseconds ---- */

enum sip_access {
    SIP_ACCESS_GOOD,
    SIP_ACCESS_FAST,     /* more than it may */
    SIP_ACCESS_FAST_NOW, /* the same, which has not been told for a while */
    SIP_ACCESS_BANNED
};

struct sip_sources;

/* sets: a power of two; eight sources are kept in each. NULL: logged. */
struct sip_sources *sip_sources_create(const struct sip_access_config *config, unsigned sets);
void sip_sources_destroy(struct sip_sources *sources);
enum sip_access sip_sources_request(struct sip_sources *sources, pj_uint64_t now,
                                    const pj_sockaddr *address);
/* 1: the source is banned from now on. */
int sip_sources_failed(struct sip_sources *sources, pj_uint64_t now, const pj_sockaddr *address);
void sip_sources_succeeded(struct sip_sources *sources, pj_uint64_t now,
                           const pj_sockaddr *address);

/* ---- access.c ---- */

int sip_access_start(const struct sip_config *config);
void sip_access_stop(void);
/* 0: the source is banned or too fast; what there is to answer was answered. */
int sip_access_check(pjsip_rx_data *rdata);
/* A request had wrong credentials, or right ones. */
void sip_access_failed(pjsip_rx_data *rdata);
void sip_access_succeeded(pjsip_rx_data *rdata);
/* 0: a list keeps the source out. endpoint: whom it says to be, or NULL. */
int sip_access_from(const struct ast_sip_acl *list, const struct ast_sip_endpoint *endpoint,
                    pjsip_rx_data *rdata);
/* 0: a list keeps one of its Contacts out. */
int sip_access_contacts(const struct ast_sip_acl *list, const struct ast_sip_endpoint *endpoint,
                        pjsip_rx_data *rdata);
/* One line of the log, "access: event=...", unless there are too many. */
void sip_access_event(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A peer's text as a word of such a line; returns out. */
const char *sip_event_text(const pj_str_t *text, char *out, size_t size);

/* ---- respond.c ---- */

/* Answers without a transaction, hdr may be NULL; never an ACK. */
void sip_respond(pjsip_rx_data *rdata, int code, const char *reason, const pjsip_hdr *headers);
/* Adds a copy of what we can do under that header (PJSIP_H_ALLOW ...) to the list, if there is any.
 */
void sip_add_capability(pj_pool_t *pool, pjsip_hdr *headers, int type);

#endif
