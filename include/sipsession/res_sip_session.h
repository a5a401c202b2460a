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
 *  1. A session begins with its INVITE and ends once; session_end is told then. Its memory goes when
 *     it has ended and the last reference is gone; PJSIP keeps the dialog for late retransmissions,
 *     which nobody is shown.
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
extern "C" {
#endif
#pragma GCC visibility push(default)

struct ast_sip_session_private;
struct ast_sip_session_stream;

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
    AST_SIP_SESSION_STOP =
        1 /*!< a final response was sent: stop. So does every other non-zero value. */
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
};

/*! \brief The priorities at the two ends, which the channel driver uses */
#define AST_SIP_SESSION_PRIORITY_FIRST (-1000)
#define AST_SIP_SESSION_PRIORITY_LAST  1000

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
 * to add anything. The reinvite offers what the SDP handlers want now (RFC 3261 14.1); a refusal
 * leaves the session as it was, save for 408 and 481, which end it.
 *
 * \param session The session on which the reinvite will be sent
 * \retval 0 Successfully sent reinvite
 * \retval -1 Failure to send reinvite: the session is not confirmed or has ended, or an INVITE is
 * pending
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
 * It overtakes everything else that waits. May be called in every state and more than once; the
 * session's end is told by session_end, at once or later.
 *
 * \param session The session
 * \param response_code The final response when an incoming INVITE is not yet answered (400 to 699;
 * 0: 603)
 */
void ast_sip_session_terminate(struct ast_sip_session *session, int response_code);

/*! \brief What an outgoing session is made of; zero it with ast_sip_session_outgoing_init */
struct ast_sip_session_outgoing {
    struct ast_sip_endpoint *endpoint; /*!< whom to call as; a reference is taken */
    const char *uri;                   /*!< request URI and To; RFC 3261 19.1 */
    struct ast_party_id
        caller; /*!< goes into From; empty: the endpoint's callerid, then "anonymous" */
    struct ast_channel *channel; /*!< becomes session->channel; may be NULL */
};

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
#endif

#endif
