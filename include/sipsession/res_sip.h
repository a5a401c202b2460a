/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the SIP service that everything above PJSIP registers with.
 *
 * Threads: one SIP thread runs PJSIP's event loop, its timers and every callback above it. Every
 * function of this header must be called on it, with the one exception of ast_sip_push_task (any
 * thread) and of those that say "any thread". Nothing here waits for the SIP thread, and code above
 * PJSIP takes no lock.
 *
 * Modules and programs start from ast_server_start (server.h); at a module's init everything here
 * works.
 */
#ifndef SIPSESSION_RES_SIP_H
#define SIPSESSION_RES_SIP_H

#include <pjsip.h>
#include <pjsip_ua.h>

#include <sipsession/party.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- endpoints ---- */

/*! \brief A codec of an endpoint's `allow` list */
struct ast_sip_codec_pref {
    char name[16];  /*!< the name of pjsip.conf: "ulaw", "g722", "opus" ... */
    unsigned ptime; /*!< packet time to ask for, in ms (`ulaw:40`); 0: the codec's own */
};

#define AST_SIP_MAX_CODECS 24

/*! \brief The codecs of an endpoint in order of preference */
struct ast_sip_codec_prefs {
    unsigned count;
    struct ast_sip_codec_pref codec[AST_SIP_MAX_CODECS];
};

/*! \brief How DTMF travels (`dtmf_mode`) */
enum ast_sip_dtmf_mode {
    AST_SIP_DTMF_RFC4733,   /*!< telephone-event; the default */
    AST_SIP_DTMF_INBAND,    /*!< tones in the audio */
    AST_SIP_DTMF_INFO,      /*!< INFO requests */
    AST_SIP_DTMF_AUTO,      /*!< telephone-event when the peer has it, else inband */
    AST_SIP_DTMF_AUTO_INFO, /*!< telephone-event when the peer has it, else INFO */
    AST_SIP_DTMF_NONE
};

/*! \brief `100rel` of RFC 3262 */
enum ast_sip_100rel {
    AST_SIP_100REL_NO,
    AST_SIP_100REL_YES,
    AST_SIP_100REL_REQUIRED,
    AST_SIP_100REL_PEER_SUPPORTED
};

/*! \brief `timers` of RFC 4028 */
enum ast_sip_timers {
    AST_SIP_TIMERS_NO,
    AST_SIP_TIMERS_YES,
    AST_SIP_TIMERS_REQUIRED,
    AST_SIP_TIMERS_ALWAYS
};

/*! \brief How a peer is told in a call whom it is connected with (`connected_line_method`) */
enum ast_sip_connected_line_method {
    AST_SIP_CONNECTED_LINE_INVITE,   /*!< UPDATE where the peer allows it, else re-INVITE */
    AST_SIP_CONNECTED_LINE_REINVITE, /*!< the same, as in the field */
    AST_SIP_CONNECTED_LINE_UPDATE
};

/*! \brief A variable that is set on every channel of an endpoint (`set_var`) */
struct ast_sip_variable {
    struct ast_sip_variable *next;
    char *name;
    char *value;
};

/*! \brief What a challenge is answered with (RFC 3261 22, RFC 8760) */
enum ast_sip_credential_kind {
    AST_SIP_CREDENTIAL_PASSWORD, /*!< the password itself: fits every algorithm */
    AST_SIP_CREDENTIAL_MD5,      /*!< the digest of "username:realm:password", in hex digits */
    AST_SIP_CREDENTIAL_SHA256,
    AST_SIP_CREDENTIAL_SHA512_256
};

/*! \brief Credentials for challenges of a realm (`outbound_auth`) */
struct ast_sip_credential {
    struct ast_sip_credential *next;
    int kind;            /*!< enum ast_sip_credential_kind */
    char *realm;         /*!< NULL: every realm that no other credential names */
    char *username;      /*!< never NULL */
    char *secret;        /*!< never NULL */
    unsigned algorithms; /*!< that a password may be used with: bits, 1 << enum
                              ast_sip_digest_algorithm; 0: all */
};

/*! \brief Hashes of digest authentication (RFC 7616, RFC 8760) */
enum ast_sip_digest_algorithm {
    AST_SIP_DIGEST_MD5,
    AST_SIP_DIGEST_SHA256,
    AST_SIP_DIGEST_SHA512_256,
    AST_SIP_DIGEST_ALGORITHMS /*!< how many there are */
};

/*! \brief What a request of an endpoint may authenticate itself with (`auth`) */
struct ast_sip_auth {
    struct ast_sip_auth *next;
    int algorithm;           /*!< enum ast_sip_digest_algorithm */
    char *realm;             /*!< never NULL */
    char *username;          /*!< never NULL */
    unsigned nonce_lifetime; /*!< seconds */
    char ha1[65];            /*!< hash of "username:realm:password", in hex digits */
};

/*! \brief Which addresses are let in; opaque */
struct ast_sip_acl;

/*! \brief Whose order of codecs decides which one an answer has (`incoming_call_offer_pref`) */
enum ast_sip_offer_pref {
    AST_SIP_OFFER_PREF_REMOTE, /*!< that of the peer's offer (RFC 3264 6.1) */
    AST_SIP_OFFER_PREF_REMOTE_FIRST,
    AST_SIP_OFFER_PREF_LOCAL, /*!< that of `allow` */
    AST_SIP_OFFER_PREF_LOCAL_FIRST
};

/*!
 * \brief What our offer to an endpoint that we call has (`outgoing_call_offer_pref`)
 *
 * The remote list would be that of the call that this one is made for, and there is none that is
 * bridged with it: `allow` is all there is to offer.
 */
enum ast_sip_outgoing_offer_pref {
    AST_SIP_OUTGOING_OFFER_REMOTE_MERGE, /*!< all of `allow`; the next three mean the same */
    AST_SIP_OUTGOING_OFFER_REMOTE,
    AST_SIP_OUTGOING_OFFER_LOCAL,
    AST_SIP_OUTGOING_OFFER_LOCAL_MERGE,
    AST_SIP_OUTGOING_OFFER_REMOTE_FIRST, /*!< the first of `allow`; so the next one */
    AST_SIP_OUTGOING_OFFER_LOCAL_FIRST
};

/*! \brief What is done with a redirection (`redirect_method`) */
enum ast_sip_redirect_method {
    AST_SIP_REDIRECT_USER,     /*!< the call ends with the 3xx */
    AST_SIP_REDIRECT_URI_CORE, /*!< as above */
    AST_SIP_REDIRECT_URI_PJSIP /*!< it is followed (RFC 3261 8.1.3.4) */
};

/*!
 * \brief A SIP endpoint: whom we talk with, and how
 *
 * Made from `type=endpoint` of pjsip.conf, or by a program with ast_sip_endpoint_create. It does
 * not change while anybody holds it: a reload makes new ones. Members are added at the end only;
 * who reads it uses a pointer. Unless said otherwise a string may be NULL, and each member is the
 * option of the same name.
 */
struct ast_sip_endpoint {
    char *name;      /*!< the section's name; never NULL */
    unsigned refs;   /*!< use ast_sip_endpoint_ref and _unref */
    char *context;   /*!< where its calls enter the dialplan; never NULL */
    char *transport; /*!< name of the transport of calls to it; NULL: any that fits */
    char *aors;
    struct ast_sip_codec_prefs codecs; /*!< allow and disallow, worked out */
    struct ast_party_id callerid;      /*!< callerid and callerid_privacy */
    char *callerid_tag;
    char *accountcode;
    char *language;
    char *from_user;
    char *from_domain;
    char *contact_user;
    char *outbound_proxy;
    char *media_address; /*!< the address our SDP names instead of the transport's own */
    char *sdp_owner;     /*!< username of o=; never NULL, "-" by default */
    char *sdp_session;   /*!< s=; never NULL */
    struct ast_sip_variable *variables;
    int dtmf_mode;                /*!< enum ast_sip_dtmf_mode */
    int rel100;                   /*!< `100rel`: enum ast_sip_100rel */
    int timers;                   /*!< enum ast_sip_timers */
    unsigned timers_min_se;       /*!< seconds */
    unsigned timers_sess_expires; /*!< seconds */
    int trust_id_inbound;
    int trust_id_outbound;
    int send_pai;
    int send_rpid;
    int force_rport;
    int rewrite_contact;
    int rtp_symmetric;
    int use_ptime;
    int preferred_codec_only;
    int rtp_ipv6;
    int bind_rtp_to_media_address;
    int inband_progress;
    int allow_overlap;
    unsigned rtp_timeout;      /*!< seconds without RTP until a call ends; 0: never */
    unsigned rtp_timeout_hold; /*!< the same for a call on hold */
    unsigned rtp_keepalive;    /*!< seconds; 0: none */
    unsigned identify_by;      /*!< bits of enum ast_sip_identify_by */
    unsigned max_audio_streams;
    int allow_transfer;
    int refer_blind_progress;
    int send_diversion;
    int send_history_info;
    int send_connected_line;
    int trust_connected_line;
    int connected_line_method;              /*!< enum ast_sip_connected_line_method */
    char *outbound_auth;                    /*!< names of sections of type=auth, as written */
    struct ast_sip_credential *credentials; /*!< outbound_auth, worked out; owned */
    int redirect_method;                    /*!< enum ast_sip_redirect_method */
    char *auth;                             /*!< names of sections of type=auth, as written */
    struct ast_sip_auth *auths; /*!< auth, worked out; owned. NULL: it need not authenticate */
    int allow_unauthenticated_options;
    struct ast_sip_acl *acl; /*!< acl, permit, deny: where its requests may come from; owned */
    struct ast_sip_acl *contact_acl; /*!< contact_acl ...: what its Contacts may name; owned */
    char *overlap_context;           /*!< NULL: context */
    int user_eq_phone;
    int suppress_q850_reason_headers;
    int incoming_call_offer_pref; /*!< enum ast_sip_offer_pref */
    char *tenantid;
    char *tone_zone;
    unsigned rtp_port_start; /*!< 0: the range of all */
    unsigned rtp_port_end;
    int tos_audio; /*!< DSCP << 2; 0: as the system does */
    unsigned cos_audio;
    char *message_context;            /*!< where its messages enter the dialplan; NULL: context */
    unsigned follow_redirect_methods; /*!< bits of enum ast_sip_follow_redirect */
    int outgoing_call_offer_pref;     /*!< enum ast_sip_outgoing_offer_pref */
};

/*! \brief Requests outside of calls that follow a redirection (`follow_redirect_methods`) */
enum ast_sip_follow_redirect { AST_SIP_FOLLOW_MESSAGE = 1 };

/*! \brief Ways by which an endpoint lets itself be found (`identify_by`) */
enum ast_sip_identify_by {
    AST_SIP_IDENTIFY_BY_USERNAME = 1,
    AST_SIP_IDENTIFY_BY_AUTH_USERNAME = 2,
    AST_SIP_IDENTIFY_BY_IP = 4,
    AST_SIP_IDENTIFY_BY_HEADER = 8,
    AST_SIP_IDENTIFY_BY_REQUEST_URI = 16
};

/*!
 * \brief Make an endpoint with every option at its default
 *
 * \param name Its name; copied
 * \return A new reference that the caller owns, or NULL when there is no memory
 */
struct ast_sip_endpoint *ast_sip_endpoint_create(const char *name);

/*!
 * \brief Give an endpoint credentials for challenges of its peer, behind those that it has
 *
 * Before anybody else holds the endpoint: it does not change later.
 *
 * \param kind Of secret
 * \param realm NULL: every realm that no other credential of it names; only of a password, since a
 *              digest holds for its realm alone
 * \param username As the peer knows it
 * \param secret The password, or the digest in hex digits; copied like the others
 * \retval 0 Success
 * \retval -1 No memory, or a digest without a realm or of a wrong length; logged
 */
int ast_sip_endpoint_add_credential(struct ast_sip_endpoint *endpoint,
                                    enum ast_sip_credential_kind kind, const char *realm,
                                    const char *username, const char *secret);

/*!
 * \brief Let requests of an endpoint authenticate themselves with this, too
 *
 * Before anybody else holds the endpoint: it does not change later. From the first one on its
 * requests must be authenticated. Challenges name realms and algorithms in the order in which they
 * were added, so the one preferred comes first (RFC 8760 2.3).
 *
 * \param auth Realm, user name, algorithm and nonce_lifetime; the other members do not matter.
 *             Copied
 * \param kind Of secret: a password, or the digest of the same algorithm as auth's
 * \param secret The password, of which only the hash is kept, or the digest in hex digits
 * \retval 0 Success
 * \retval -1 No memory, no such algorithm, or a digest that does not fit; logged
 */
int ast_sip_endpoint_add_auth(struct ast_sip_endpoint *endpoint, const struct ast_sip_auth *auth,
                              enum ast_sip_credential_kind kind, const char *secret);

/*! \brief One more reference; returns its argument */
struct ast_sip_endpoint *ast_sip_endpoint_ref(struct ast_sip_endpoint *endpoint);

/*! \brief One reference less; the last one frees. NULL is allowed. */
void ast_sip_endpoint_unref(struct ast_sip_endpoint *endpoint);

/*!
 * \brief The configured endpoint of a name
 *
 * \return A new reference that the caller owns, or NULL
 */
struct ast_sip_endpoint *ast_sip_get_endpoint(const char *name);

/*!
 * \brief What `type=global` says that modules look at
 *
 * Each member is the option of the same name. Members are added at the end only.
 */
struct ast_sip_global {
    unsigned max_initial_qualify_time;          /*!< seconds; 0: as qualify thinks best */
    unsigned contact_expiration_check_interval; /*!< seconds */
    int norefersub;
    int ignore_uri_user_options;
    int allow_sending_180_after_183;
    int all_codecs_on_empty_reinvite;
    char *regcontext; /*!< NULL: none */
};

/*! \brief The options in force; borrowed, until the caller returns to the event loop */
const struct ast_sip_global *ast_sip_get_global(void);

/*!
 * \brief The domain that another one is an alias of (`type=domain_alias`)
 *
 * \param host As in a URI; case does not count
 * \return Borrowed from the configuration; NULL: host is no alias
 */
const char *ast_sip_get_aliased_domain(const pj_str_t *host);

/*!
 * \brief What names somebody in the user part of a URI
 *
 * \return The user, or what stands before its options ("100;phone-context=x") with
 *         `ignore_uri_user_options`; it borrows the same text
 */
pj_str_t ast_sip_user_of(const pj_str_t *user);

/* ---- the SIP thread ---- */

/*!
 * \brief Run a task on the SIP thread; any thread
 *
 * Tasks run in the order they were pushed. A task pushed by a task runs after the network had its
 * turn.
 *
 * \param task Called with data; what it returns is for its own use: non-zero is logged at debug
 * level \param data Given to the task; whoever pushes decides who owns it \retval 0 it will run
 * \retval -1 it never will (the server is ending, or there is no memory); data stays the caller's
 */
int ast_sip_push_task(int (*task)(void *data), void *data);

/*! \brief Whether the calling thread is the SIP thread; any thread. 1 or 0. */
int ast_sip_thread_is_sip(void);

/*!
 * \brief Do what may block (a file, a database) off the SIP thread
 *
 * \param work Runs on a thread of the blocking pool; it must not call anything of this library but
 * the log \param done Runs on the SIP thread afterwards with work's result \param data Given to
 * both; it must live until done has run \retval 0 both will run \retval -1 neither will (ending, or
 * no memory); data stays the caller's
 */
int ast_sip_push_blocking(int (*work)(void *data), void (*done)(void *data, int result),
                          void *data);

/*! \brief The PJSIP endpoint, for timers, pools and messages of one's own. Never NULL while the
 * server runs. */
pjsip_endpoint *ast_sip_get_pjsip_endpoint(void);

/*! \brief Wants to know when another configuration is in force (docs/reload.md) */
struct ast_sip_reload_observer {
    struct ast_sip_reload_observer *next; /*!< the list's */
    /*!
     * \brief A reload has come into force, all of it
     *
     * Who keeps something that depends on the configuration makes it anew here. It may unregister
     * itself. Not called for a reload that was refused.
     */
    void (*reloaded)(void);
};

/*! \brief Register an observer, which must stay until it is unregistered */
void ast_sip_register_reload_observer(struct ast_sip_reload_observer *observer);
void ast_sip_unregister_reload_observer(struct ast_sip_reload_observer *observer);

/* ---- services ---- */

/*!
 * \brief Register a SIP service
 *
 * A service is a PJSIP module whose callbacks PJSIP calls on the SIP thread. Requests reach it with
 * the endpoint that sent them known (ast_pjsip_rdata_get_endpoint) and, when the endpoint asks for
 * it, authenticated.
 *
 * Not within a callback of a received message (PJSIP holds its list of modules then): in a module's
 * init, or in a task. With traffic going on, the first time takes PJSIP 0.1 s.
 *
 * \param module The module; must stay until it is unregistered. Its id must be -1.
 * \retval 0 Success
 * \retval -1 Failure, logged
 */
int ast_sip_register_service(pjsip_module *module);

/*! \brief Unregister a service; not within a callback of a received message, as above */
void ast_sip_unregister_service(pjsip_module *module);

/* ---- identification ---- */

/*! \brief Finds the endpoint that sent a request */
struct ast_sip_endpoint_identifier {
    /*!
     * \brief Identify the sender of a request
     * \param rdata The request
     * \return A new reference, or NULL when this identifier does not know the sender
     */
    struct ast_sip_endpoint *(*identify_endpoint)(pjsip_rx_data *rdata);
};

/*!
 * \brief Register an identifier
 *
 * \param identifier Must stay until it is unregistered
 * \param name Its name in `endpoint_identifier_order`; those that the option does not name come
 * last, in the order of their registration. NULL: no name. Not copied. \retval 0 Success \retval -1
 * Failure
 */
int ast_sip_register_endpoint_identifier_with_name(struct ast_sip_endpoint_identifier *identifier,
                                                   const char *name);

/*! \brief As ast_sip_register_endpoint_identifier_with_name without a name */
int ast_sip_register_endpoint_identifier(struct ast_sip_endpoint_identifier *identifier);

void ast_sip_unregister_endpoint_identifier(struct ast_sip_endpoint_identifier *identifier);

/*!
 * \brief Ask the identifiers in their order who sent a request
 *
 * \return A new reference that the caller owns, or NULL when nobody knows
 */
struct ast_sip_endpoint *ast_sip_identify_endpoint(pjsip_rx_data *rdata);

/*!
 * \brief The endpoint that the distributor found for a request before any service saw it
 *
 * \return Borrowed: valid as long as rdata; or NULL (a response, or an ACK or CANCEL of a stranger)
 */
struct ast_sip_endpoint *ast_pjsip_rdata_get_endpoint(pjsip_rx_data *rdata);

/* ---- authentication ---- */

enum ast_sip_check_auth_result {
    AST_SIP_AUTHENTICATION_CHALLENGE, /*!< tdata was made the challenge: send it */
    AST_SIP_AUTHENTICATION_SUCCESS,
    AST_SIP_AUTHENTICATION_FAILED, /*!< tdata was made the refusal: send it */
    AST_SIP_AUTHENTICATION_ERROR   /*!< it could not be checked: 500 */
};

/*!
 * \brief Checks the credentials of requests
 *
 * Without one that is registered, requests of endpoints with `auths` are checked here.
 */
struct ast_sip_authenticator {
    /*! \brief 1: requests of this endpoint need credentials; 0: not */
    int (*requires_authentication)(struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata);
    /*!
     * \brief Check them; tdata is a 401 response that it completes when it challenges
     *
     * It is also asked for requests of nobody, with the endpoint of
     * ast_sip_get_artificial_endpoint: its challenge should look like that of everybody, and
     * whatever it answers, they do not get in.
     */
    enum ast_sip_check_auth_result (*check_authentication)(struct ast_sip_endpoint *endpoint,
                                                           pjsip_rx_data *rdata,
                                                           pjsip_tx_data *tdata);
};

/*!
 * \brief Register the authenticator; there is one at a time
 *
 * \retval 0 Success
 * \retval -1 There is one already
 */
int ast_sip_register_authenticator(struct ast_sip_authenticator *authenticator);
void ast_sip_unregister_authenticator(struct ast_sip_authenticator *authenticator);

/*!
 * \brief Whether a request of an endpoint must be authenticated
 *
 * \retval 1 It must: what the registered authenticator says; without one, the endpoint has `auths`
 * \retval 0 It need not
 */
int ast_sip_requires_authentication(struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata);

/*!
 * \brief Check a request's credentials (RFC 3261 22, RFC 8760)
 *
 * \param endpoint Whom the request claims to be from
 * \param rdata The request
 * \param tdata A 401 response to it, completed when the result is a challenge or a refusal
 */
enum ast_sip_check_auth_result ast_sip_check_authentication(struct ast_sip_endpoint *endpoint,
                                                            pjsip_rx_data *rdata,
                                                            pjsip_tx_data *tdata);

/*!
 * \brief The endpoint that stands for senders that nobody knows
 *
 * Its realm and its algorithms are the defaults of the configuration, and no credentials are good
 * for it: a stranger's request is checked as everybody's is, with as much work.
 *
 * \return Borrowed; never NULL while the server runs
 */
struct ast_sip_endpoint *ast_sip_get_artificial_endpoint(void);

/* ---- common SIP methods ---- */

/*!
 * \brief Send a request
 *
 * \param tdata The request; its reference is taken, also on failure
 * \param dlg The dialog it belongs to, or NULL for one outside of any
 * \param endpoint Whom it goes to; may be NULL
 * \param token Given to the callback
 * \param callback Called once with the final response, a time-out or a transport error, unless NULL
 * or the return is -1. A challenge is answered first where the endpoint has outbound credentials.
 * \retval 0 it is on its way
 * \retval -1 it is not, logged
 */
int ast_sip_send_request(pjsip_tx_data *tdata, pjsip_dialog *dlg, struct ast_sip_endpoint *endpoint,
                         void *token, void (*callback)(void *token, pjsip_event *event));

/*!
 * \brief Append a header to a message
 *
 * \param tdata The message
 * \param name A header field name, token of RFC 3261 25.1
 * \param value Its text; copied. Line ends are refused.
 * \retval 0 Success
 * \retval -1 Bad name or value, or no memory
 */
int ast_sip_add_header(pjsip_tx_data *tdata, const char *name, const char *value);

/*! \brief A message body */
struct ast_sip_body {
    const char *type;      /*!< "application" */
    const char *subtype;   /*!< "sdp" */
    const char *body_text; /*!< the text, ends with NUL; copied */
};

/*!
 * \brief Give a message its body; one that is there is replaced
 *
 * \retval 0 Success
 * \retval -1 Failure
 */
int ast_sip_add_body(pjsip_tx_data *tdata, const struct ast_sip_body *body);

/*!
 * \brief Append text to a message's text body
 *
 * \retval 0 Success
 * \retval -1 There is no body of text, or no memory
 */
int ast_sip_append_body(pjsip_tx_data *tdata, const char *body_text);

/*!
 * \brief Look up the value of a header as text
 *
 * \param msg A received or an outgoing message
 * \param name A header field name; case does not matter (RFC 3261 7.3.1)
 * \param[out] out Gets the value, cut to size; untouched on failure
 * \param size Of out, in octets
 * \retval 0 Found
 * \retval -1 There is none
 */
int ast_sip_get_header(const pjsip_msg *msg, const char *name, char *out, size_t size);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
