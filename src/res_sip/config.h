/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what the configuration fills: plain structs, of src/config or of a program's options.
 */
#ifndef RES_SIP_CONFIG_H
#define RES_SIP_CONFIG_H

#include <sipsession/location.h>
#include <sipsession/res_sip.h>

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

/* type=domain_alias */
struct sip_domain_alias {
    struct sip_domain_alias *next;
    char *alias;
    char *domain; /* never NULL */
};

/* type=transport */
struct sip_transport_config {
    struct sip_transport_config *next;
    char *name;
    int protocol;                    /* enum sip_transport_protocol */
    pj_sockaddr bind;                /* family, address, port; default port 5060, of TLS 5061 */
    unsigned tcp_keepalive;          /* seconds; 0: off */
    unsigned tcp_keepalive_interval; /* seconds between probes */
    unsigned tcp_keepalive_count;    /* of probes */
    int tos;                         /* DSCP << 2, or 0 */
    unsigned cos;     /* priority of its packets within the system (SO_PRIORITY), 0 to 7 */
    char *domain;     /* of users that come by it and name another one; or NULL */
    int symmetric;    /* requests to who came by it leave by it */
    int allow_reload; /* a reload may change it */
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
    unsigned name_count;
    char **names;       /* hosts whose addresses match, too */
    int srv_lookups;    /* those of the servers that their SRV records name, where there are some */
    char *match_header; /* "Name: value" or "Name: /regular expression/", or NULL */
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
    unsigned transactions; /* of one source at a time; 0: any */
    unsigned rate;         /* requests a second of one source; 0: any */
    unsigned burst;        /* how many may come at once */
    unsigned ban_failures; /* so many failures, ... 0: no bans */
    unsigned ban_period;   /* ... within so many seconds ... */
    unsigned ban_time;     /* ... ban a source for so many seconds */
    int ban_strangers;     /* a request of nobody is a failure */
    unsigned exempt_count;
    struct sip_network *exempt; /* nothing of this for these */
};

/* [overload] of sipsession.conf */
struct sip_overload_config {
    unsigned max_delay;        /* ms that messages may wait; 0: no matter */
    unsigned max_sessions;     /* 0: what descriptors allow */
    unsigned max_transactions; /* 0: what fits into a quarter of the memory */
    unsigned retry_after;      /* seconds, at most; at least 1 */
    char *emergency_numbers;   /* users of request URIs, separated by commas; or NULL */
};

/* type=global and type=system */
struct sip_global_config {
    char *user_agent;                /* never NULL; User-Agent and Server */
    char *default_realm;             /* of challenges; never NULL */
    char *endpoint_identifier_order; /* "ip,username,anonymous" */
    char *default_from_user;
    char *default_outbound_endpoint; /* of requests to URIs of nobody in particular; never NULL */
    char *nameservers;               /* "ADDRESS:PORT,..."; NULL: those of the system */
    unsigned max_forwards;           /* 70 */
    unsigned keep_alive_interval;    /* seconds */
    unsigned timer_t1;               /* ms */
    unsigned timer_b;                /* ms */
    int compact_headers;
    int disable_rport;
    int disable_tcp_switch;
    int debug;                    /* log every message */
    struct ast_sip_global shared; /* what modules see, too */
    int disable_multi_domain;
    int use_callerid_contact;
    unsigned unidentified_request_count;  /* more in a period are an event; 0: they are none */
    unsigned unidentified_request_period; /* seconds */
    unsigned uac_algorithm_count;         /* 0: all */
    int uac_algorithms[AST_SIP_DIGEST_ALGORITHMS]; /* that passwords of ours are used with */
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
    unsigned unsent;                /* messages that wait until a peer reads */
    unsigned message_timeout;       /* seconds that a message, or the first one, may take */
    unsigned idle_timeout;          /* seconds without an octet */
};

void sip_guard_defaults(struct sip_guard_limits *limits);

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
    struct sip_overload_config overload;
    struct sip_registration_config *registrations;
    /* Endpoints by name (sip_config_index): open addressing, a power of two of slots, at most half
     * of them used. */
    struct ast_sip_endpoint **slots;
    unsigned slot_mask;
    struct sip_domain_alias *aliases;
};

struct sip_config *sip_config_create(void); /* every option at its default; NULL: no memory */
void sip_config_destroy(struct sip_config *config);
/* Takes an entry whose AOR has a name that no other one has. */
void sip_config_add_aor(struct sip_config *config, struct sip_aor_entry *entry);
void sip_registration_config_free(struct sip_registration_config *registration); /* or NULL */
/* Frees what one has but for its name, and zeroes that. */
void sip_transport_config_release(struct sip_transport_config *transport);

/* ---- acl.c: pure ---- */

int sip_network_has(const struct sip_network *network, const pj_sockaddr *address);
/* The first of a list that keeps an address out; NULL: it is let in. */
const struct ast_sip_acl *sip_acl_refusing(const struct ast_sip_acl *list,
                                           const pj_sockaddr *address);
/* A new one at the list's end; NULL: no memory. */
struct ast_sip_acl *sip_acl_append(struct ast_sip_acl **list, const char *name);
int sip_acl_add(struct ast_sip_acl *acl, const struct sip_network *network, int permit);
void sip_acl_free(struct ast_sip_acl *acl);

#endif
