/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip, the part that other rooms see and no module: start and stop, and what makers of dialogs need.
 * Nothing here knows of sessions, media, channels or files.
 */
#ifndef RES_SIP_SIP_H
#define RES_SIP_SIP_H

#include "base/base.h"
#include "res_sip/config.h"

/* ---- the SIP thread and its PJSIP endpoint: thread.c, start.c ---- */

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

/* The configuration in force; never NULL between start and destroy. SIP thread. It is borrowed for
 * the current turn: a reload (reload.c) puts another one in its place. */
const struct sip_config *sip_get_config(void);

/*
 * Another configuration while everything runs; within one task. Prepare does all that can fail: 0;
 * -1 logged, nothing has changed, and config is the caller's. Then either of: abandon, and config
 * is the caller's; commit, which takes it and cannot fail.
 */
int sip_reload_prepare(struct sip_config *config);
void sip_reload_abandon(void);
void sip_reload_commit(void);
/* Behind all that the server changes: tells the observers. */
void sip_reload_tell(void);

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
 * The endpoint as it is reached by the transport that one of its contacts registered over
 * (symmetric.c): a copy of it with that transport, or the endpoint itself when it names one of its
 * own, when there is none of that name, or when the target's host is a name. endpoint, transport and
 * target may be NULL. The copy borrows all that it has, and is nobody's reference.
 */
const struct ast_sip_endpoint *sip_symmetric_endpoint(const struct ast_sip_endpoint *endpoint,
                                                      const char *transport,
                                                      const pjsip_uri *target,
                                                      struct ast_sip_endpoint *copy);
/* The selector for requests in a dialog that rdata begins: 1; 0: it came by no such transport, or
 * the endpoint names another one; then the selector is untouched. */
int sip_symmetric_selector(const pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint,
                           pjsip_tpselector *selector);

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

/* ---- flows (location/flow.c) ---- */

struct sip_flow {
    pjsip_transport *transport; /* borrowed, until the next event */
    pj_sockaddr address;        /* the peer's */
};

/* The flow of a name that ast_sip_flow_name wrote. 0; -1: it is gone; the output is untouched. */
int sip_flow_find(const char *name, struct sip_flow *flow);
/* The peer's address of it, whether it is there or not. 0; -1: it is no flow's name. */
int sip_flow_address(const char *name, pj_sockaddr *address);
/*
 * Of the contacts of an endpoint with this instance (RFC 5626 7) the one that is called next, as
 * ast_sip_endpoint_contact says, but none of the reg-ids that were tried. Borrowed; NULL: none.
 */
const struct ast_sip_contact *sip_location_next_flow(const struct ast_sip_endpoint *endpoint,
                                                     const char *instance, const unsigned *tried,
                                                     unsigned count);
/* A request leaves by this flow, whatever its URI and routes say. */
void sip_flow_direct(const struct sip_flow *flow, pjsip_tx_data *tdata);

/* ---- outbound registrations (registration.c) ---- */

/* Unregisters: what is registered gets a REGISTER that says so. */
void sip_registrations_stop(void);
/* A connection is gone: what is registered over it registers again. */
void sip_registrations_lost(unsigned long long connection);
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
/* A dialog was forked: PJSIP's copy of the credentials has lost what passwords may be used with. */
void sip_auth_fork(pjsip_auth_clt_sess *made, const pjsip_auth_clt_sess *first);
/* An ACK to a 2xx has the credentials of its INVITE (RFC 3261 13.2.2.4). */
void sip_auth_copy(pjsip_tx_data *ack, const pjsip_tx_data *invite);

/* ---- overload ---- */

/* There is one session more (1) or less (-1). */
void sip_overload_session(int change);
/* Seconds for the Retry-After of a 503: not the same for all. */
unsigned sip_overload_retry_after(void);

/* ---- counters: what was dropped or refused, for `show` and tests ---- */

struct sip_counters {
    unsigned long long
        malformed; /* could not be parsed or broke RFC 3261: dropped or refused with 400 */
    unsigned long long unidentified;        /* challenged because nobody knows the sender */
    unsigned long long unsent;              /* datagrams that the system's full buffers lost */
    unsigned long long stun_answered;       /* Binding requests, with whatever answer */
    unsigned long long connections_refused; /* beyond the limits of [guard] */
    unsigned long long
        connections_closed; /* silent, stuck in a message, not reading, or idle for too long */
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
    unsigned long long transactions_refused; /* with 503: their source has too many */
    unsigned long long unidentified_sources; /* that sent too many of `unidentified` in a period */

    unsigned long long overload_refused; /* with 503, since there was too much */
};

extern struct sip_counters sip_counters;

#endif
