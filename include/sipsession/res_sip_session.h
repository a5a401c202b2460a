/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the core of SIP session operations.
 *
 * It registers with res_sip as a service and gets the messages of sessions: INVITE, and in their
 * dialogs re-INVITE, ACK, BYE, CANCEL, PRACK, UPDATE, INFO, REFER and whatever else a peer sends
 * there. Extensions hook into each of them; SDP handlers own the SDP.
 *
 * Threads: every function and every callback of this header runs on the SIP thread. Nothing blocks.
 *
 * Lifetime, in numbers:
 *  1. A session begins with its INVITE and ends once; session_end is told then. Its memory goes
 * when it has ended and the last reference is gone; PJSIP keeps the dialog for late
 * retransmissions, which nobody is shown.
 *  2. A session given to a callback is valid for the whole callback, whatever the callback does to
 * it.
 *  3. To keep a session longer, take a reference (ast_sip_session_ref). Calls on an ended session
 * fail with -1.
 *  4. session->endpoint and session->inv_session are the session's: borrow them, never free them.
 *  5. session->channel belongs to whoever set it (the SIP channel driver); the core never touches
 * it.
 *  6. rdata is PJSIP's and ends with the callback; tdata is PJSIP's, and what a hook adds to it is
 * allocated from tdata->pool.
 */
#ifndef SIPSESSION_RES_SIP_SESSION_H
#define SIPSESSION_RES_SIP_SESSION_H

#include <pjmedia/sdp.h>
#include <sipsession/channel.h>
#include <sipsession/res_sip.h>

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* a struct and a function of one name, as in C */
extern "C" {
#endif
#pragma GCC visibility push(default)

struct ast_sip_session_private;
struct ast_sip_session_stream;
struct ast_sip_session_deferred;

#define AST_SIP_SESSION_TAG_SIZE 80

/*!
 * \brief A structure describing a SIP session
 */
struct ast_sip_session {
    /*! The endpoint with which we are communicating */
    struct ast_sip_endpoint *endpoint;
    /*! The PJSIP details of the session, which includes the dialog */
    struct pjsip_inv_session *inv_session;
    /*! The channel associated with the session; NULL until a channel driver sets it */
    struct ast_channel *channel;
    /*! What the core keeps; nobody else looks into it */
    struct ast_sip_session_private *priv;
};

/*! \brief What an incoming_request callback may return */
enum ast_sip_session_result {
    AST_SIP_SESSION_CONTINUE = 0, /*!< go on with the next extension */
    /*! a final response was sent: stop. So does every non-zero value that is not named here. */
    AST_SIP_SESSION_STOP = 1,
    /*! ast_sip_session_defer was called: ast_sip_session_resume goes on later */
    AST_SIP_SESSION_PENDING = 2
};

/*! \brief How far an early dialog of a forked INVITE is (RFC 3261 12.1, 13.2.2.4) */
enum ast_sip_session_early_state {
    AST_SIP_SESSION_EARLY_ALIVE, /*!< a provisional response made it */
    AST_SIP_SESSION_EARLY_GONE,  /*!< 199 said that its branch has failed (RFC 6228) */
    AST_SIP_SESSION_EARLY_WON,   /*!< its 2xx was the first: it is the session's dialog */
    AST_SIP_SESSION_EARLY_LOST   /*!< another one won; a 2xx of its own gets ACK and BYE */
};

/*! \brief One early dialog of an outgoing session: a branch of the forked INVITE */
struct ast_sip_session_early_dialog {
    char tag[AST_SIP_SESSION_TAG_SIZE]; /*!< the branch's To tag; cut when longer */
    enum ast_sip_session_early_state state;
    int status; /*!< of its last response */
};

/*!
 * \brief An extension to SIP message processing
 *
 * These can be registered by any module in order to add processing to incoming and outgoing SIP
 * requests and responses.
 *
 * A method matches whole and case-sensitively (RFC 3261 7.1): "PRACK" never sees an ACK. A response
 * is matched by the method of its CSeq. Extensions are called in order of their priority, those of
 * the same priority in order of their registration.
 *
 * A struct that is zero behind the page's five members behaves as the page says.
 */
struct ast_sip_session_extension {
    /*! Method on which to call the callbacks. If NULL, call on all methods */
    const char *method;
    /*!
     * Called on incoming SIP request
     *
     * This method can indicate a failure in processing in its return. If there is a failure
     * (non-zero), it is required that this method sends a response to the request. No later
     * extension sees the request then, nor does the session. When no final response went out, the
     * core sends 500 and logs the extension's name.
     */
    int (*incoming_request)(struct ast_sip_session *session, struct pjsip_rx_data *rdata);
    /*! Called on an incoming SIP response */
    void (*incoming_response)(struct ast_sip_session *session, struct pjsip_rx_data *rdata);
    /*!
     * Called on an outgoing SIP request
     *
     * Once for each request, just before it leaves the first time: what it adds is in the request
     * exactly once, also in retransmissions and when the request is sent again with credentials.
     */
    void (*outgoing_request)(struct ast_sip_session *session, struct pjsip_tx_data *tdata);
    /*! Called on an outgoing SIP response; once for each, as above */
    void (*outgoing_response)(struct ast_sip_session *session, struct pjsip_tx_data *tdata);

    /* ---- beyond the page; zero means as the page says ---- */

    /*! The name that logs use; NULL: the method is named instead */
    const char *name;
    /*! Smaller values are called first; 0 for most. The channel driver uses the two ends. */
    int priority;
    /*!
     * A session began: its INVITE was received or is about to be sent. Regardless of method. Not
     * called for sessions that were up when the extension was registered.
     */
    void (*session_begin)(struct ast_sip_session *session);
    /*!
     * A session ended, for whatever reason; told once for every session that began, also one that
     * never got a channel. Regardless of method.
     */
    void (*session_end)(struct ast_sip_session *session);
    /*!
     * The INVITE transaction moved on: the session is answered and confirmed by ACK (RFC 3261 13).
     * Regardless of method.
     */
    void (*session_confirmed)(struct ast_sip_session *session);
    /*!
     * An early dialog of an outgoing session is new, or its state or status changed. Regardless of
     * method. After incoming_response of the message that did it.
     */
    void (*early_dialog)(struct ast_sip_session *session,
                         const struct ast_sip_session_early_dialog *early);
    /*!
     * The INVITE that began an outgoing session was refused: may it be sent again, changed?
     *
     * Not asked for challenges (401, 407) and redirections, which the core sees to. The first
     * extension that returns non-zero has it sent; that happens a few times at most.
     *
     * \param rdata The refusal
     * \param tdata The INVITE with everything that hooks added to it, which may be changed
     * \retval 0 Not by me
     * \retval 1 tdata was changed: send it again, with a new CSeq
     */
    int (*retry_invite)(struct ast_sip_session *session, struct pjsip_rx_data *rdata,
                        struct pjsip_tx_data *tdata);
};

/*!
 * \brief The priorities at the two ends, which the channel driver uses
 *
 * FIRST makes the channel, LAST runs the dialplan. An extension that finds out who calls comes
 * between FIRST and VARIABLES, where the endpoint's set_var is done: what that says is final.
 */
#define AST_SIP_SESSION_PRIORITY_FIRST     (-1000)
#define AST_SIP_SESSION_PRIORITY_IDENTITY  (-900)
#define AST_SIP_SESSION_PRIORITY_VARIABLES (-800)
#define AST_SIP_SESSION_PRIORITY_LAST      1000

/*! \brief What stream_outgoing of an SDP handler returns when there is no room for a stream */
#define AST_SIP_SESSION_NO_ROOM (-2)

/*!
 * \brief A handler for SDP in SIP INVITEs
 *
 * An SDP handler is registered by a module that is interested in being the responsible party for
 * all aspects SDP.
 *
 * With the page's two callbacks (media NULL) a handler owns whole SDPs: handle_incoming_sdp is
 * called for every message that carries SDP, add_outgoing_sdp whenever an outgoing message needs
 * one. What it puts into the message is what PJSIP's negotiator is given, and what leaves. The
 * handlers of whole SDPs are asked in order of their registration; the first that takes the first
 * SDP of a session keeps the session.
 *
 * With `media` set the handler owns streams of one media type, and the core makes the rest: it
 * keeps the order of streams, refuses (port 0) what nobody takes, writes o=, s=, t= and c=, and
 * raises the version in o= exactly when the SDP changes (RFC 3264 8). Handlers of streams are used
 * when no handler of whole SDPs took the session.
 */
struct ast_sip_session_sdp_handler {
    /*!
     * \brief Set session details based on an incoming SDP
     *
     * \retval 0 Success: this handler takes the SDP
     * \retval -1 It cannot cope with it: an offer is refused with 488, an answer ends the exchange
     * \retval 1 Not mine: ask the next handler (only before the handler took the session)
     */
    int (*handle_incoming_sdp)(struct ast_sip_session *session, struct pjsip_rx_data *rdata);
    /*!
     * \brief Create an SDP and add it to the outgoing request or response
     */
    void (*add_outgoing_sdp)(struct ast_sip_session *session, struct pjsip_tx_data *tdata);

    /* ---- beyond the page; zero means as the page says ---- */

    /*! The media type ("audio") whose streams this handler owns; NULL: whole SDPs, by the two
     * callbacks above */
    const char *media;
    /*!
     * \brief The peer offers a stream, or answers ours
     *
     * Work out what could be agreed and remember it as proposed; nothing may be applied yet.
     *
     * \param stream Ours: keep data on it with ast_sip_session_stream_set_data
     * \param remote The peer's whole SDP; stream's is
     * remote->media[ast_sip_session_stream_index(stream)] \param offer 1 it is an offer; 0 it is
     * the answer to ours \retval 0 Taken \retval 1 Not mine: the next handler of this media type is
     * asked; with none the stream is refused \retval -1 It cannot be done, logged: the stream is
     * refused
     */
    int (*stream_incoming)(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                           const struct pjmedia_sdp_session *remote, int offer);
    /*!
     * \brief Write our m= section: an offer, or the answer to what stream_incoming took
     *
     * \param pool Allocate the section from it; it is emptied when the next SDP is made, so keep
     *             nothing of it
     * \param[out] media The section, with a c= of its own
     * \retval 0 Success
     * \retval -1 It cannot be done, logged: the stream is refused, or not offered
     * \retval AST_SIP_SESSION_NO_ROOM The same, since there is no room for it now (ports, descriptors):
     *         a call of the peer's that has no other stream gets 503 with Retry-After instead of 488
     */
    int (*stream_outgoing)(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                           pj_pool_t *pool, struct pjmedia_sdp_media **media);
    /*! \brief Offer and answer are complete (RFC 3264): apply what was proposed. The stream's own
     * sections. */
    void (*stream_apply)(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                         const struct pjmedia_sdp_session *local,
                         const struct pjmedia_sdp_session *remote);
    /*! \brief The exchange failed: forget what was proposed; what was agreed before stays in force
     */
    void (*stream_rollback)(struct ast_sip_session *session, struct ast_sip_session_stream *stream);
    /*! \brief The stream is refused, removed, or its session ended: free what set_data holds. */
    void (*stream_end)(struct ast_sip_session *session, struct ast_sip_session_stream *stream);
};

/* ---- extensibility: the page's ---- */

/*!
 * \brief Register an SDP handler
 *
 * An SDP handler is responsible for parsing incoming SDPs and ensuring that we can cope with the
 * contents. Similarly, the SDP handler will be responsible for constructing outgoing SDPs.
 *
 * \param handler The SDP handler to register; must stay until it is unregistered
 * \retval 0 Success
 * \retval -1 Failure, logged: it is registered already, or lacks callbacks
 */
int ast_sip_session_register_sdp_handler(const struct ast_sip_session_sdp_handler *handler);

/*!
 * \brief Unregister an SDP handler
 *
 * Safe at any time. Its streams are ended; sessions that it owned cannot agree on media any more,
 * and stay up.
 *
 * \param handler The SDP handler to unregister
 */
void ast_sip_session_unregister_sdp_handler(const struct ast_sip_session_sdp_handler *handler);

/*!
 * \brief Register an extension to SIP session processing
 *
 * This allows for someone to insert themselves in the processing of SIP requests and responses.
 * This, for example could allow for a module to set channel data based on headers in an incoming
 * message. Similarly, a module could reject an incoming request if desired.
 *
 * \param extension The extension to register; must stay until it is unregistered
 * \retval 0 Success
 * \retval -1 Failure, logged: it is registered already, or its method is no token of RFC 3261
 */
int ast_sip_session_register_extension(struct ast_sip_session_extension *extension);

/*!
 * \brief Unregister an extension to SIP session processing
 *
 * Safe at any time, with sessions alive, and from within a callback of its own or of another
 * extension. None of its callbacks is called afterwards.
 *
 * \param extension The extension to unregister
 */
void ast_sip_session_unregister_extension(struct ast_sip_session_extension *extension);

/* ---- common SIP methods: the page's ---- */

/*!
 * \brief Retrieve identifying information from an incoming request
 *
 * This will retrieve identifying information and place it in the id parameter. The caller of the
 * function can then apply this to caller ID, connected line, or whatever else may be proper.
 *
 * P-Asserted-Identity (RFC 3325), then Remote-Party-ID, are believed when the endpoint that sent
 * the message has trust_id_inbound; else, and without them, it is From. Privacy (RFC 3323) "id",
 * "user" or "full", privacy of the Remote-Party-ID, and an anonymous From (RFC 3261 8.1.1.3) make
 * the presentation restricted. An endpoint's own `callerid` is not this function's business.
 *
 * \param rdata The incoming request or response
 * \param[out] id The collected identity information; untouched on failure
 * \retval 0 Successfully found identifying information
 * \retval -1 Identifying information could not be found
 */
int ast_sip_session_get_identity(struct pjsip_rx_data *rdata, struct ast_party_id *id);

/*!
 * \brief Send a reinvite on a session
 *
 * This method will inspect the session in order to construct an appropriate reinvite. As with any
 * outgoing request in res_sip_session, this will call into registered extensions in case they wish
 * to add anything. The reinvite offers what the SDP handlers want now (RFC 3261 14.1). It waits in
 * the session's queue while another exchange is under way, and is sent again after 491, 500 with
 * Retry-After and 422; any other refusal leaves the session as it was, save for 408 and 481, which
 * end it. The simple front of ast_sip_session_refresh.
 *
 * \param session The session on which the reinvite will be sent
 * \retval 0 Successfully sent reinvite, or queued it
 * \retval -1 Failure to send reinvite: the session is ending or has ended, its INVITE was not sent
 * yet, or there is no memory; logged
 */
int ast_sip_session_send_reinvite(struct ast_sip_session *session);

/*!
 * \brief Send a SIP response
 *
 * This will send a SIP response to the request specified in rdata. This will call into any
 * registered extensions' outgoing_response callback. A response to an INVITE that needs SDP (183
 * and every 2xx) gets it from the SDP handler.
 *
 * \param session The session to which the current transaction belongs
 * \param response_code The response code to send for this response, 100 to 699
 * \param rdata The request to which the response is being sent. NULL: the session's pending INVITE,
 * initial or re-INVITE, whenever it came. \retval 0 Success \retval -1 Failure, logged: no such
 * request is pending, or a 2xx found no agreement on media (the request is then refused with 488)
 */
int ast_sip_session_send_response(struct ast_sip_session *session, int response_code,
                                  struct pjsip_rx_data *rdata);

/* ---- beyond the page ---- */

/*! \brief One more reference to a session; returns its argument */
struct ast_sip_session *ast_sip_session_ref(struct ast_sip_session *session);

/*! \brief One reference less. NULL is allowed. */
void ast_sip_session_unref(struct ast_sip_session *session);

/*! \brief The state of a session */
enum ast_sip_session_state {
    AST_SIP_SESSION_STATE_NEW,      /*!< the INVITE is being looked at, or made */
    AST_SIP_SESSION_STATE_CALLING,  /*!< outgoing: sent, no answer with a tag yet */
    AST_SIP_SESSION_STATE_INCOMING, /*!< incoming: to be answered */
    AST_SIP_SESSION_STATE_EARLY,    /*!< a provisional response with a tag went by (RFC 3261 12) */
    AST_SIP_SESSION_STATE_CONNECTING, /*!< a 2xx went by, the ACK did not yet */
    AST_SIP_SESSION_STATE_CONFIRMED,  /*!< answered */
    AST_SIP_SESSION_STATE_ENDING,     /*!< BYE or CANCEL is on its way */
    AST_SIP_SESSION_STATE_ENDED       /*!< final */
};

/*! \brief The state of a session now */
enum ast_sip_session_state ast_sip_session_get_state(const struct ast_sip_session *session);

/*! \brief The name of a state, for logs; static */
const char *ast_sip_session_state_name(enum ast_sip_session_state state);

/*! \brief 1 when we sent the INVITE that began the session, 0 when we got it */
int ast_sip_session_is_outgoing(const struct ast_sip_session *session);

/*! \brief Within stream_outgoing: 1 it is our offer, in the answer to an INVITE without one */
int ast_sip_session_offers_in_response(const struct ast_sip_session *session);

/*!
 * \brief The SIP status with which the session ended or is ending; 0 before
 *
 * 200 for a BYE after a good call; else the final response that we or the peer sent, 408 for
 * silence.
 */
int ast_sip_session_get_end_status(const struct ast_sip_session *session);

/*!
 * \brief End a session: whatever its state asks for (a final response, CANCEL or BYE; RFC 3261 9
 * and 15)
 *
 * It overtakes everything else that waits. May be called in every state, in every callback and more
 * than once; the session's end is told by session_end, at once or later. Within outgoing_response it
 * comes right behind that response.
 *
 * \param session The session
 * \param response_code The final response when an incoming INVITE is not yet answered (400 to 699;
 * 0: 603)
 */
void ast_sip_session_terminate(struct ast_sip_session *session, int response_code);

/*! \brief Why a session ends, as a Reason header says it (RFC 3326) */
struct ast_sip_session_reason {
    char protocol[16]; /*!< "SIP" or "Q.850"; empty: there is none */
    int cause;         /*!< a status of SIP, or a cause of Q.850 (enum ast_cause) */
    char text[64];     /*!< for people; may be empty */
};

/*!
 * \brief End a session, as ast_sip_session_terminate, and say why
 *
 * The reason is kept for extensions that write it into BYE, CANCEL or a final response.
 *
 * \param session The session
 * \param response_code As of ast_sip_session_terminate
 * \param reason Copied
 */
void ast_sip_session_terminate_with_reason(struct ast_sip_session *session, int response_code,
                                           const struct ast_sip_session_reason *reason);

/*! \brief Why the session is ended from here; borrowed, valid with the session; NULL: not said */
const struct ast_sip_session_reason *ast_sip_session_get_reason(
    const struct ast_sip_session *session);

/*!
 * \brief Let a local hang-up wait: for the end of a transfer, say
 *
 * From now on ast_sip_session_terminate of a confirmed session is remembered only; it happens when
 * ast_sip_session_end_deferral is called, or the time is over. The peer's BYE ends the session as
 * ever.
 *
 * \param session The session
 * \param most_ms The longest that the end may wait, in ms
 * \retval 0 Success
 * \retval -1 The session is not confirmed, is ending, or its end is deferred already
 */
int ast_sip_session_defer_termination(struct ast_sip_session *session, unsigned most_ms);

/*! \brief The end need not wait any more: if it was asked for, it happens now. Else nothing does.
 */
void ast_sip_session_end_deferral(struct ast_sip_session *session);

/*! \brief Take back the hang-up that waits, if one does; the deferral is over. 1: one did; 0. */
int ast_sip_session_cancel_termination(struct ast_sip_session *session);

/*! \brief What an outgoing session is made of; zero it with ast_sip_session_outgoing_init */
struct ast_sip_session_outgoing {
    struct ast_sip_endpoint *endpoint; /*!< whom to call as; a reference is taken */
    /*! request URI and To (RFC 3261 19.1); NULL or empty: where the endpoint is to be found, by its
     * aors (ast_sip_endpoint_contact) */
    const char *uri;
    struct ast_party_id
        caller; /*!< goes into From; empty: the endpoint's callerid, then "anonymous" */
    struct ast_channel *channel; /*!< becomes session->channel; may be NULL */
    int without_offer;           /*!< 1: the INVITE has no SDP, the peer offers (RFC 3261 13.2.1) */
    /*! how many redirections (3xx) are followed, at most 10; 0: none, unless the endpoint's
     * redirect_method says so; -1: none at all */
    int redirections;
    /*! ms until an INVITE without a final response is given up, with CANCEL; 0: 3 minutes after
     * each provisional response */
    unsigned timeout_ms;
};

/*!
 * \brief Who we said that we are in an outgoing session: its `caller`, else the endpoint's callerid
 *
 * Borrowed, as long as the session. Empty in an incoming session.
 */
const struct ast_party_id *ast_sip_session_get_caller(const struct ast_sip_session *session);

/*!
 * \brief Be somebody else from now on: From of our requests in the session's dialog (RFC 4916 4.2)
 *
 * Only for a peer that supports "from-change". What a restricted identity, from_user and
 * from_domain mean for From holds here, too.
 *
 * \param tdata A request of ours in the dialog that has not left yet, which says it as well; or
 * NULL \param id Who we are; NULL: who we were at first \retval 0 Success \retval -1 The session
 * has ended, or no memory; nothing changed
 */
int ast_sip_session_set_from(struct ast_sip_session *session, struct pjsip_tx_data *tdata,
                             const struct ast_party_id *id);

/*!
 * \brief The peer is somebody else: From of its request is To of ours from now on (RFC 4916 4.4)
 *
 * \retval 1 Its URI or its name is another one than before
 * \retval 0 It is the same
 * \retval -1 It is no request of the session's dialog, or no memory
 */
int ast_sip_session_take_from(struct ast_sip_session *session, struct pjsip_rx_data *rdata);

/*!
 * \brief The host of identities that we tell a session's peer: from_domain, else our address
 *
 * \param[out] out A host of RFC 3261 25.1; untouched on failure
 * \retval 0 Success
 * \retval -1 It does not fit
 */
int ast_sip_session_identity_host(const struct ast_sip_session *session, char *out, size_t size);

/*! \brief Everything at its default */
void ast_sip_session_outgoing_init(struct ast_sip_session_outgoing *outgoing);

/*!
 * \brief Make an outgoing session; nothing is sent yet
 *
 * \return A reference that the caller owns, or NULL, logged (a URI that is none, no transport, no
 * memory). A session that is not wanted is ended with ast_sip_session_terminate.
 */
struct ast_sip_session *ast_sip_session_create_outgoing(
    const struct ast_sip_session_outgoing *outgoing);

/*!
 * \brief Send the INVITE of an outgoing session, with the offer of the SDP handlers
 *
 * \retval 0 On its way; the extensions see what comes back
 * \retval -1 Failure, logged; the session has ended
 */
int ast_sip_session_send_invite(struct ast_sip_session *session);

/*!
 * \brief Make a request in a session's dialog
 *
 * \param session The session; it must have a dialog
 * \param method A method other than INVITE, ACK, CANCEL, BYE, PRACK and UPDATE, which are the
 * core's \param[out] tdata The request, for ast_sip_session_send_request \retval 0 Success \retval
 * -1 Failure
 */
int ast_sip_session_create_request(struct ast_sip_session *session, const char *method,
                                   struct pjsip_tx_data **tdata);

/*! \brief Send what ast_sip_session_create_request made; takes tdata also on failure. 0, or -1
 * logged. */
int ast_sip_session_send_request(struct ast_sip_session *session, struct pjsip_tx_data *tdata);

/*!
 * \brief The early dialogs of an outgoing session, in the order of their first response
 *
 * \param session The session
 * \param index From 0
 * \return Borrowed, valid until the session sees another message; NULL behind the last
 */
const struct ast_sip_session_early_dialog *ast_sip_session_get_early_dialog(
    const struct ast_sip_session *session, unsigned index);

/* ---- changing a session: the refresh queue (RFC 3261 14, RFC 3311, RFC 6141) ---- */

/*! \brief How a session is refreshed */
enum ast_sip_session_refresh_method {
    AST_SIP_SESSION_REFRESH_AUTO, /*!< UPDATE without an offer or before the answer, where the peer
                                     allows it; else re-INVITE */
    AST_SIP_SESSION_REFRESH_INVITE,
    AST_SIP_SESSION_REFRESH_UPDATE /*!< where the peer allows it (RFC 3311 5.1), else re-INVITE */
};

/*! \brief What came of a refresh */
struct ast_sip_session_refresh_result {
    /*! 2xx: done. 300 to 699: refused for good, the session is as it was; 408 and 481 end it. 0: it
     * was never answered: cancelled, or the session ended. */
    int status;
    struct pjsip_rx_data *rdata; /*!< the final response, borrowed; NULL: none came */
};

/*! \brief A change of a session; zero it with ast_sip_session_refresh_init */
struct ast_sip_session_refresh {
    enum ast_sip_session_refresh_method method;
    /*! 1: without SDP. A re-INVITE then asks the peer for an offer; an UPDATE leaves the media
     * alone. */
    int without_offer;
    /*! The request was made and goes to the hooks next; each time that it is made. May be NULL. */
    void (*on_request)(struct ast_sip_session *session, struct pjsip_tx_data *tdata, void *data);
    /*! The offer is made and may be looked at. Non-zero: give the refresh up. May be NULL. */
    int (*on_offer)(struct ast_sip_session *session, const struct pjmedia_sdp_session *offer,
                    void *data);
    /*! It is over; called exactly once when ast_sip_session_refresh returned 0, never within that
     * call. May be NULL. */
    void (*on_result)(struct ast_sip_session *session,
                      const struct ast_sip_session_refresh_result *result, void *data);
    void *data; /*!< given to the callbacks; whose it is, is the caller's matter */
};

/*! \brief Everything at its default */
void ast_sip_session_refresh_init(struct ast_sip_session_refresh *refresh);

/*!
 * \brief Change a session: send a re-INVITE or UPDATE as soon as that is allowed
 *
 * One exchange is under way at a time; others wait in their order, save that an UPDATE without an
 * offer, which touches no media, may pass those that have to wait. 491 is tried again in the
 * windows of RFC 3261 14.1, 500 and 503 with Retry-After and 422 likewise, five times at most.
 *
 * \param session The session; before its answer a refresh waits until UPDATE is possible, or for
 * the answer
 * \param refresh What is wanted; copied
 * \param[out] id For ast_sip_session_refresh_cancel; never 0; may be NULL
 * \retval 0 It will be done: on_result tells
 * \retval -1 It will not: the session is ending or has ended, its INVITE was not sent yet, or no
 * memory; logged
 */
int ast_sip_session_refresh(struct ast_sip_session *session,
                            const struct ast_sip_session_refresh *refresh, unsigned *id);

/*!
 * \brief Give up a refresh: one that waits is dropped, a re-INVITE under way gets CANCEL (RFC 3261
 * 9)
 *
 * on_result is told, later; with 2xx when the answer was faster.
 * \retval 0 Success
 * \retval -1 There is no such refresh any more, or it is an UPDATE under way
 */
int ast_sip_session_refresh_cancel(struct ast_sip_session *session, unsigned id);

/*! \brief Our side's wish for the media of a session */
enum ast_sip_session_hold {
    AST_SIP_SESSION_HOLD_NONE,
    AST_SIP_SESSION_HOLD_SENDONLY, /*!< the peer is on hold and may be played something */
    AST_SIP_SESSION_HOLD_INACTIVE
};

/*!
 * \brief Put the peer on hold, or take it back (RFC 3264 8.4)
 *
 * SDP handlers ask for the wish (ast_sip_session_get_hold) in every SDP that they make from now on;
 * when it is a new one and the session is confirmed, a refresh is queued.
 * \retval 0 Success, also when that is the wish already
 * \retval -1 As of ast_sip_session_refresh
 */
int ast_sip_session_set_hold(struct ast_sip_session *session, enum ast_sip_session_hold hold);
enum ast_sip_session_hold ast_sip_session_get_hold(const struct ast_sip_session *session);

/*!
 * \brief Want one more stream, or one stream less, in our next offer (RFC 3264 8.1, 8.2)
 *
 * A new stream takes the place of a dead one of any media type, else one behind the last. The
 * caller sends the offer with ast_sip_session_refresh. If that fails, so does the wish.
 * \retval 0 Success
 * \retval -1 No handler has the media type, there is no such stream, or there are too many; logged
 */
int ast_sip_session_add_stream(struct ast_sip_session *session, const char *media);
int ast_sip_session_remove_stream(struct ast_sip_session *session, unsigned index);

/* ---- requests that wait ---- */

/*!
 * \brief Suspend an incoming request
 *
 * Within incoming_request, which then returns AST_SIP_SESSION_PENDING. No other extension sees the
 * request until ast_sip_session_resume; everything else goes on. An INVITE gets 100. BYE, CANCEL,
 * ACK and PRACK cannot wait.
 *
 * The transaction's time is kept: a request other than INVITE that was not resumed after 64*T1 less
 * two seconds is answered with 500, an INVITE after three minutes with 408. CANCEL, BYE and the end
 * of the session answer it, too. ast_sip_session_resume is owed in each case; it does nothing then.
 *
 * \return A handle that ast_sip_session_resume takes; NULL, logged: this request cannot wait
 */
struct ast_sip_session_deferred *ast_sip_session_defer(struct ast_sip_session *session,
                                                       struct pjsip_rx_data *rdata);

/*! \brief The request that waits: a copy, valid until the resume. For
 * ast_sip_session_send_response. */
struct pjsip_rx_data *ast_sip_session_deferred_rdata(struct ast_sip_session_deferred *deferred);

/*! \brief The session of a request that waits, borrowed; it may have ended */
struct ast_sip_session *ast_sip_session_deferred_session(struct ast_sip_session_deferred *deferred);

/*!
 * \brief Go on with a request that waits; takes the handle
 *
 * In a task, never within the callback that suspended it.
 * \param result What incoming_request would have returned: AST_SIP_SESSION_CONTINUE, or
 * AST_SIP_SESSION_STOP after a final response
 */
void ast_sip_session_resume(struct ast_sip_session_deferred *deferred, int result);

/* ---- data of an extension on a session ---- */

/*! \brief A kind of cookie: data of an extension on a session, found in constant time */
struct ast_sip_session_cookie {
    const char *name;            /*!< for logs */
    void (*destroy)(void *data); /*!< may be NULL. After session_end, and when data is replaced. */
    unsigned slot;               /*!< the core's; 0 until it is registered */
};

/*!
 * \brief Register a kind of cookie; it must stay until it is unregistered
 * \retval 0 Success
 * \retval -1 There are too many (64), or it is registered already; logged
 */
int ast_sip_session_register_cookie(struct ast_sip_session_cookie *cookie);

/*! \brief Unregister it: what sessions still hold of it is destroyed now */
void ast_sip_session_unregister_cookie(struct ast_sip_session_cookie *cookie);

/*!
 * \brief Set a session's cookie; NULL removes it. What was there is destroyed.
 * \retval 0 Success: data is the session's
 * \retval -1 The session has ended, or no memory; data stays the caller's
 */
int ast_sip_session_set_cookie(struct ast_sip_session *session,
                               const struct ast_sip_session_cookie *cookie, void *data);

/*! \brief A session's cookie, borrowed; NULL: none */
void *ast_sip_session_get_cookie(const struct ast_sip_session *session,
                                 const struct ast_sip_session_cookie *cookie);

/* ---- what we support ---- */

/*!
 * \brief Declare an option tag (RFC 3261 19.2): it is in Supported, and a peer may Require it
 *
 * "timer" and "100rel" are never put into Supported by this, only taken in Require: who sees to
 * them adds them where they hold.
 * \retval 0 Success; the same tag may be registered more than once
 * \retval -1 No token, too many, or no memory; logged
 */
int ast_sip_session_register_option_tag(const char *tag);
void ast_sip_session_unregister_option_tag(const char *tag);

/*!
 * \brief Declare a method that extensions take in sessions: it is in Allow (RFC 3261 20.5)
 *
 * INVITE, ACK, BYE, CANCEL, UPDATE, PRACK and OPTIONS are there always.
 * \retval 0 Success
 * \retval -1 As above
 */
int ast_sip_session_register_method(const char *method);
void ast_sip_session_unregister_method(const char *method);

/*! \brief A package of INFO (RFC 6086) that we are willing to receive */
struct ast_sip_info_package {
    const char *name; /*!< of Info-Package; compared as RFC 6086 9.2 says */
    /*!
     * \brief An INFO of this package came in a session
     * \return The status to answer with: 200, or 300 to 699; 0: it was answered or suspended
     */
    int (*incoming)(struct ast_sip_session *session, struct pjsip_rx_data *rdata);
};

/*!
 * \brief Register a package: Recv-Info names it from now on, and INFO of it is accepted (RFC 6086
 * 5)
 *
 * An INFO of a package that nobody registered gets 469 with Recv-Info. INFO without Info-Package
 * goes to the extensions.
 * \retval 0 Success
 * \retval -1 The name is taken or is no token, or no memory; logged
 */
int ast_sip_session_register_info_package(const struct ast_sip_info_package *package);
void ast_sip_session_unregister_info_package(const struct ast_sip_info_package *package);

/*! \brief Whether the peer said in Recv-Info that it takes a package. 1 or 0. */
int ast_sip_session_peer_takes_info_package(const struct ast_sip_session *session,
                                            const char *name);

/*! \brief Whether the peer's Allow named a method in this session (RFC 3261 20.5). 1 or 0. */
int ast_sip_session_peer_allows(const struct ast_sip_session *session, const char *method);

/*! \brief Whether the peer's Supported named an option tag in this session. 1 or 0. */
int ast_sip_session_peer_supports(const struct ast_sip_session *session, const char *tag);

/*! \brief The session of a dialog, by its ids (RFC 3261 12); borrowed; NULL: none that lives */
struct ast_sip_session *ast_sip_session_find(const char *call_id, const char *local_tag,
                                             const char *remote_tag);

/*! \brief How many sessions there are: not yet ended */
unsigned ast_sip_session_count(void);

/* ---- streams, for SDP handlers with `media` ---- */

/*! \brief The position of a stream: its m= section's index in every SDP of the session (RFC 3264 6)
 */
unsigned ast_sip_session_stream_index(const struct ast_sip_session_stream *stream);
/*! \brief The handler's own data; what it is and who frees it is the handler's */
void ast_sip_session_stream_set_data(struct ast_sip_session_stream *stream, void *data);
void *ast_sip_session_stream_get_data(const struct ast_sip_session_stream *stream);

/*!
 * \brief The local address that media of this session should use
 *
 * The endpoint's media_address, else the address of the transport that the session's messages use.
 *
 * \param[out] address Gets family and address; its port is 0
 * \retval 0 Success
 * \retval -1 No transport is known; address is untouched
 */
int ast_sip_session_media_address(const struct ast_sip_session *session, pj_sockaddr *address);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif

#endif
