/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Channels: one leg of a call as the dialplan sees it, and applications that run on them.
 *
 * Threads: the SIP thread only. An application is a state machine: it starts, gets events, and says
 * when it is done; it never waits.
 */
#ifndef SIPSESSION_CHANNEL_H
#define SIPSESSION_CHANNEL_H

#include <stddef.h>

#include <sipsession/party.h>

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* a struct and a function of one name, as in C */
extern "C" {
#endif
#pragma GCC visibility push(default)

/*! \brief A channel; opaque */
struct ast_channel;
struct ast_rtp;
struct ast_sip_session;
struct pjsip_rx_data;

/*! \brief The state of a channel */
enum ast_channel_state {
    AST_CHANNEL_DOWN,    /*!< nothing was said to the peer yet */
    AST_CHANNEL_RING,    /*!< incoming: the peer waits for an answer */
    AST_CHANNEL_RINGING, /*!< ringing was indicated by us or by the peer */
    AST_CHANNEL_UP,      /*!< answered */
    AST_CHANNEL_GONE     /*!< hung up; final */
};

/*! \brief Causes of hang-up: the values of ITU-T Q.850, as far as they are used */
enum ast_cause {
    AST_CAUSE_UNALLOCATED = 1,
    AST_CAUSE_NO_ROUTE_DESTINATION = 3,
    AST_CAUSE_NORMAL_CLEARING = 16,
    AST_CAUSE_USER_BUSY = 17,
    AST_CAUSE_NO_USER_RESPONSE = 18,
    AST_CAUSE_NO_ANSWER = 19,
    AST_CAUSE_CALL_REJECTED = 21,
    AST_CAUSE_NUMBER_CHANGED = 22,
    AST_CAUSE_ANSWERED_ELSEWHERE = 26,
    AST_CAUSE_DESTINATION_OUT_OF_ORDER = 27,
    AST_CAUSE_INVALID_NUMBER_FORMAT = 28,
    AST_CAUSE_FACILITY_REJECTED = 29,
    AST_CAUSE_NORMAL_UNSPECIFIED = 31,
    AST_CAUSE_NO_CIRCUIT = 34,
    AST_CAUSE_NETWORK_OUT_OF_ORDER = 38,
    AST_CAUSE_TEMPORARY_FAILURE = 41,
    AST_CAUSE_CONGESTION = 42,
    AST_CAUSE_BEARERCAPABILITY_NOTIMPL = 65,
    AST_CAUSE_INCOMPATIBLE_DESTINATION = 88,
    AST_CAUSE_RECOVERY_ON_TIMER_EXPIRE = 102,
    AST_CAUSE_INTERWORKING = 127
};

/*! \brief What a channel's peer can be told before the answer */
enum ast_control {
    AST_CONTROL_PROCEEDING, /*!< the call is being worked on (SIP 100) */
    AST_CONTROL_RINGING,    /*!< it rings (180) */
    AST_CONTROL_PROGRESS    /*!< early media flows (183 with SDP) */
};

/*!
 * \brief A channel driver: what makes a channel's wishes happen on its peer
 *
 * A callback that is NULL cannot be done (answer, indicate: -1) or has nothing to do (hangup).
 */
struct ast_channel_tech {
    const char *name; /*!< "PJSIP" */
    /*! Answer the peer's call. 0; -1 it cannot be answered (the driver hangs up). */
    int (*answer)(struct ast_channel *channel);
    /*! Tell the peer. 0; -1 it can not be told in this state. */
    int (*indicate)(struct ast_channel *channel, enum ast_control control);
    /*! End the peer's call; ast_channel_get_cause says why. Called once; the driver lets go of its
     * data. */
    void (*hangup)(struct ast_channel *channel);
    /*! What `CHANNEL(item)` is of this channel. 0; -1: there is no such item. May be NULL. */
    int (*read)(struct ast_channel *channel, const char *item, char *out, size_t size);
    int no_media; /*!< 1: its channels never have audio: nothing waits for it */
};

/*! \brief What a new channel is made of */
struct ast_channel_options {
    const struct ast_channel_tech *tech; /*!< the driver; must stay */
    void *tech_data;                     /*!< the driver's own */
    const char *name;                    /*!< "PJSIP/alice-00000001"; copied */
    enum ast_channel_state state;
    const char *context; /*!< where it enters the dialplan; copied */
    const char *exten;
    const struct ast_party_id *caller; /*!< who calls; copied; may be NULL */
};

/*! \brief Make a channel. A reference that the caller owns, or NULL: no memory. */
struct ast_channel *ast_channel_create(const struct ast_channel_options *options);
/*! \brief One more reference; returns its argument */
struct ast_channel *ast_channel_ref(struct ast_channel *channel);
/*! \brief One reference less; the last one frees. NULL is allowed. */
void ast_channel_unref(struct ast_channel *channel);

const char *ast_channel_get_name(const struct ast_channel *channel);
/*! \brief A number that no other channel of this process has or had: `${UNIQUEID}` */
const char *ast_channel_get_uniqueid(const struct ast_channel *channel);
enum ast_channel_state ast_channel_get_state(const struct ast_channel *channel);
void *ast_channel_get_tech_data(const struct ast_channel *channel);
void ast_channel_set_tech_data(struct ast_channel *channel, void *data);

/*! \brief Who is at the other end: the peer, as it or somebody who is trusted says. Borrowed. */
const struct ast_party_id *ast_channel_get_caller(const struct ast_channel *channel);
void ast_channel_set_caller(struct ast_channel *channel, const struct ast_party_id *caller);

/*!
 * \brief Whom the peer is shown to be connected with: RFC 4916's connected identity
 *
 * Empty before somebody set it. Borrowed; never NULL.
 */
const struct ast_party_id *ast_channel_get_connected(const struct ast_channel *channel);
/*!
 * \brief Set it
 *
 * \param connected Copied
 * \param update 1: observers are told, and so the peer is, as far as it can be now; 0: it sees it
 * in the next message that says such things
 * \retval 0 Success
 * \retval -1 No memory, logged: nothing changed
 */
int ast_channel_set_connected(struct ast_channel *channel, const struct ast_party_id *connected,
                              int update);

/*! \brief How the call was diverted before it came here; borrowed, never NULL. Its count is 0: not.
 */
const struct ast_party_redirecting *ast_channel_get_redirecting(const struct ast_channel *channel);
/*! \brief Set it; copied; NULL: it was not. 0; -1: no memory, nothing changed. */
int ast_channel_set_redirecting(struct ast_channel *channel,
                                const struct ast_party_redirecting *redirecting);

/*!
 * \brief Set or, with a NULL value, remove a variable of a channel
 *
 * \param name Without `${}`; case matters; copied
 * \param value Copied
 * \retval 0 Success
 * \retval -1 An empty name, or no memory
 */
int ast_channel_set_variable(struct ast_channel *channel, const char *name, const char *value);
/*! \brief The value of a variable; borrowed until it is set again; NULL: there is none */
const char *ast_channel_get_variable(const struct ast_channel *channel, const char *name);

/*!
 * \brief Set a variable or a function, as the application Set does: `NAME`, `FUNCTION(args)`
 *
 * \param name As written in a dialplan left of `=`
 * \param value Variables within it are not replaced
 * \retval 0 Success
 * \retval -1 There is no such function, or it refused; logged
 */
int ast_channel_write(struct ast_channel *channel, const char *name, const char *value);

/*! \brief A kind of cookie: data of a module on a channel; its address is its name */
struct ast_channel_cookie {
    const char *name;            /*!< for logs */
    void (*destroy)(void *data); /*!< may be NULL. When data is replaced, or the channel is freed:
                                    after the dialplan, `h` included, has let go of it */
};

/*!
 * \brief Set a channel's cookie; NULL removes it. What was there is destroyed.
 *
 * \retval 0 Success: data is the channel's
 * \retval -1 No memory, logged; data stays the caller's
 */
int ast_channel_set_cookie(struct ast_channel *channel, const struct ast_channel_cookie *cookie,
                           void *data);
/*! \brief A channel's cookie, borrowed; NULL: none */
void *ast_channel_get_cookie(const struct ast_channel *channel,
                             const struct ast_channel_cookie *cookie);
/*! \brief Destroy the cookies of a kind on all channels: before who registered them goes */
void ast_channel_drop_cookies(const struct ast_channel_cookie *cookie);

/*!
 * \brief A driver goes: its channels are hung up, and have none from now on
 *
 * What the dialplan still does on them (`h`) it does without calling the driver. Not within a
 * callback of a channel.
 */
void ast_channel_drop_driver(const struct ast_channel_tech *tech);

const char *ast_channel_get_context(const struct ast_channel *channel);
const char *ast_channel_get_exten(const struct ast_channel *channel);
int ast_channel_get_priority(const struct ast_channel *channel);

/*! \brief Why it was or will be hung up: enum ast_cause; 0: not said */
int ast_channel_get_cause(const struct ast_channel *channel);
/*!
 * \brief Say why it will be hung up, before it is: what the peer said, say
 *
 * A hang-up with a cause of its own overrules it. 0: not said.
 */
void ast_channel_set_cause(struct ast_channel *channel, int cause);
/*! \brief The cause of Q.850 for a SIP status (RFC 3398 8.2.6.1); below 300: normal clearing */
int ast_cause_from_sip(int status);

/*!
 * \brief The audio of a channel (media.h); NULL before the SDP handler made one
 *
 * Borrowed; valid until the channel's driver or SDP handler sets another one, which applications
 * are told.
 */
struct ast_rtp *ast_channel_get_rtp(const struct ast_channel *channel);
/*! \brief For SDP handlers: set the audio, or NULL before it is destroyed */
void ast_channel_set_rtp(struct ast_channel *channel, struct ast_rtp *rtp);

/* ---- what a channel can be asked to do ---- */

/*! \brief Answer. 0 (also when it is up already); -1: it is gone or cannot be answered. */
int ast_channel_answer(struct ast_channel *channel);
/*! \brief Tell the peer something before the answer. 0 (a channel that is up is told nothing); -1
 * gone or failed. */
int ast_channel_indicate(struct ast_channel *channel, enum ast_control control);
/*!
 * \brief Hang up: ends the peer's call, the running application and the dialplan (which runs `h`)
 *
 * Once is enough, more often does no harm. The caller keeps its reference.
 * \param cause enum ast_cause; 0: normal clearing
 */
void ast_channel_hangup(struct ast_channel *channel, int cause);

/*! \brief Somebody who wants to know when a channel hangs up; the caller's, in memory of its own */
struct ast_channel_watch {
    /*!
     * \brief The channel hangs up: the application has stopped, the driver is told next
     *
     * Told once; the watch is off by then and may be freed.
     */
    void (*gone)(struct ast_channel *channel, void *data);
    void *data;
    struct ast_channel_watch *next; /*!< the channel's */
};

/*! \brief Watch a channel that has not hung up; the watch must stay until it was told or taken off
 */
void ast_channel_watch(struct ast_channel *channel, struct ast_channel_watch *watch);
/*! \brief Take a watch off; one that is not on does no harm */
void ast_channel_unwatch(struct ast_channel *channel, struct ast_channel_watch *watch);

/* ---- what a driver tells its channel ---- */

/*! \brief The peer hung up (or the driver's session ended): as ast_channel_hangup, but tech->hangup
 * is not called */
void ast_channel_peer_hangup(struct ast_channel *channel, int cause);
/*! \brief The peer of an outgoing call rings, or answered */
void ast_channel_peer_state(struct ast_channel *channel, enum ast_channel_state state);
/*! \brief A DTMF digit came: one of 0-9 * # A-D */
void ast_channel_dtmf(struct ast_channel *channel, char digit, unsigned duration_ms);
/*!
 * \brief A text came: the running application is told, and `${RECEIVETEXTMESSAGE}` is it
 *
 * \param text UTF-8 without NUL; copied; what is longer than a variable is cut by who reads it
 */
void ast_channel_text(struct ast_channel *channel, const char *text);

/* ---- digits and texts that we send ---- */

/*!
 * \brief A way in which digits and texts travel beside the audio: INFO, MESSAGE; from modules
 *
 * Ways are asked in the order of their registration.
 */
struct ast_channel_sender {
    const char *name;
    /*!
     * \brief Send a digit; NULL: it sends none
     *
     * \retval 0 It is on its way
     * \retval 1 Not my channel, or not my kind: ask the next one
     * \retval -1 It cannot be sent, logged
     */
    int (*digit)(struct ast_channel *channel, char digit, unsigned duration_ms);
    /*! \brief Send a text, as digit; ast_channel_text_sent tells later what came of it */
    int (*text)(struct ast_channel *channel, const char *text);
    struct ast_channel_sender *next; /*!< the registry's */
};

/*! \brief Register a way of sending; it must stay. 0; -1: it is registered already. */
int ast_channel_register_sender(struct ast_channel_sender *sender);
void ast_channel_unregister_sender(struct ast_channel_sender *sender);

/*!
 * \brief Send a digit: as telephone-event (RFC 4733) unless a registered way takes it
 *
 * \param digit One of 0-9 * # A-D
 * \param duration_ms 40 to 5000
 * \retval 0 It is on its way
 * \retval -1 It cannot be sent, logged: no telephone-event was agreed on, and no other way has it
 */
int ast_channel_send_digit(struct ast_channel *channel, char digit, unsigned duration_ms);

/*! \brief Send a text (UTF-8). 0: ast_channel_text_sent will be called; 1: no way; -1: logged. */
int ast_channel_send_text(struct ast_channel *channel, const char *text);
/*! \brief For ways of sending: what came of the text. result 0: delivered; -1: not. */
void ast_channel_text_sent(struct ast_channel *channel, int result);

/*! \brief The peer turned out to be somebody else: as ast_channel_set_caller, and observers are
 * told */
void ast_channel_peer_identity(struct ast_channel *channel, const struct ast_party_id *caller);

/* ---- who wants to know of all channels ---- */

/*! \brief Told of changes of any channel; a callback may be NULL */
struct ast_channel_observer {
    /*! The connected party was set, and the peer should see it */
    void (*connected)(struct ast_channel *channel);
    /*! The peer is somebody else than before */
    void (*caller)(struct ast_channel *channel);
    struct ast_channel_observer *next; /*!< the library's */
};

/*! \brief Register an observer; it must stay. Not twice, and not within a callback of one. */
void ast_register_channel_observer(struct ast_channel_observer *observer);
/*! \brief Unregister it; not within a callback of one. */
void ast_unregister_channel_observer(struct ast_channel_observer *observer);

/* ---- dialplan ---- */

/*!
 * \brief Run the dialplan on a channel, from its context and extension, priority 1
 *
 * The dialplan takes a reference of its own and hangs up the channel at its end.
 * \retval 0 It runs
 * \retval -1 There is no such extension; nothing was done
 */
int ast_pbx_start(struct ast_channel *channel);
/*! \brief Whether an extension exists for a channel's context. 1 or 0. */
int ast_pbx_exists(const char *context, const char *exten);
/*! \brief The same for calls of this number; NULL or "": it has none */
int ast_pbx_exists_for(const char *context, const char *exten, const char *caller);
/*!
 * \brief The extension that a request asks for: its request URI's user, unescaped
 *
 * \param rdata The request
 * \param[out] exten Gets it: "s" when the URI has no user, "" for what can be none (too long, or
 * with control characters)
 * \param size Of exten, in octets
 */
void ast_pbx_request_exten(const struct pjsip_rx_data *rdata, char *exten, size_t size);
/*!
 * \brief Have a channel go on elsewhere, from outside of its application: a transfer, say
 *
 * The application that runs is stopped. What NULL means: as of ast_pbx_goto.
 * \retval 0 Success
 * \retval -1 There is no such place, or the channel runs no dialplan or has hung up; nothing was
 * done
 */
int ast_pbx_async_goto(struct ast_channel *channel, const char *context, const char *exten,
                       const char *label);

/* ---- applications ---- */

/*! \brief What start and the event callbacks of an application return */
enum ast_application_result {
    AST_APPLICATION_DONE,    /*!< go on with the next priority */
    AST_APPLICATION_RUNNING, /*!< it goes on; ast_application_done is called later */
    AST_APPLICATION_HANGUP,  /*!< end the call, with the channel's cause */
    AST_APPLICATION_JUMP     /*!< ast_pbx_goto was called: go on there */
};

/*!
 * \brief An application of the dialplan
 */
struct ast_application {
    const char *name;     /*!< as written in extensions.conf; case does not matter */
    const char *synopsis; /*!< one line */
    /*!
     * \brief Start
     *
     * \param args What stands between the parentheses, variables replaced; valid during the call
     * only
     */
    enum ast_application_result (*start)(struct ast_channel *channel, const char *args);
    /*!
     * \brief The end of a run: it is done, the channel is gone, or the dialplan goes elsewhere
     *
     * Called once for each start that returned RUNNING, on every way out. It stops what runs and
     * frees what ast_application_set_data holds. NULL for applications that never return RUNNING.
     */
    void (*stop)(struct ast_channel *channel);
    /*! \brief A digit came while it is RUNNING; may be NULL */
    enum ast_application_result (*dtmf)(struct ast_channel *channel, char digit);
    /*! \brief The channel's audio was set, exchanged or taken away while it is RUNNING; may be NULL
     */
    void (*rtp_changed)(struct ast_channel *channel);
    /*! \brief A text came while it is RUNNING; may be NULL */
    enum ast_application_result (*text)(struct ast_channel *channel, const char *text);
    /*! \brief The text that it sent was delivered (0) or not (-1); may be NULL */
    enum ast_application_result (*text_sent)(struct ast_channel *channel, int result);
};

/*! \brief Register an application; it must stay. 0; -1: the name is taken. */
int ast_register_application(const struct ast_application *application);
/*! \brief Unregister; channels that run it are hung up. */
void ast_unregister_application(const struct ast_application *application);
/*! \brief A RUNNING application is done; on the SIP thread. */
void ast_application_done(struct ast_channel *channel, enum ast_application_result result);
/*! \brief Data of the running application on its channel */
void ast_application_set_data(struct ast_channel *channel, void *data);
void *ast_application_get_data(const struct ast_channel *channel);
/*!
 * \brief Where the dialplan goes on after AST_APPLICATION_JUMP; NULL or 0: as it is
 *
 * \param label A priority's number or its label, as text; NULL: 1
 * \retval 0 Success
 * \retval -1 There is no such place, logged
 */
int ast_pbx_goto(struct ast_channel *channel, const char *context, const char *exten,
                 const char *label);

/* ---- functions ---- */

/*! \brief A function of the dialplan: `${NAME(args)}`, `Set(NAME(args)=value)` */
struct ast_function {
    const char *name; /*!< as written; case matters */
    /*!
     * \brief Read it
     *
     * \param args What stands between the parentheses, variables replaced
     * \param[out] out Gets the text; "" before the call
     * \param size Of out, in octets; what does not fit is cut
     * \retval 0 Success
     * \retval -1 The argument is none of its; the caller logs
     */
    int (*read)(struct ast_channel *channel, const char *args, char *out, size_t size);
    /*! \brief Set it; NULL: it cannot be. 0; -1: not to this value, the caller logs. */
    int (*write)(struct ast_channel *channel, const char *args, const char *value);
    struct ast_function *next; /*!< the registry's */
};

/*! \brief Register a function; it must stay. 0; -1: the name is taken, logged. */
int ast_register_function(struct ast_function *function);
/*! \brief Unregister it; texts that name it are read as "" from now on */
void ast_unregister_function(struct ast_function *function);

/* ---- the SIP driver ---- */

/*! \brief The session behind a channel, borrowed; NULL: it is no SIP channel, or its session ended
 */
struct ast_sip_session *ast_sip_channel_session(const struct ast_channel *channel);

/*!
 * \brief Give an outgoing session a channel, on which no dialplan runs
 *
 * It follows the peer: it rings, is up, and hangs up when the session ends. Hanging it up ends the
 * session. It becomes session->channel, which holds the one reference.
 * \retval 0 Success
 * \retval -1 The session has a channel or has ended, or no memory; logged
 */
int ast_sip_channel_create(struct ast_sip_session *session);

/*!
 * \brief Move a channel from one session to another: its peer is another one from now on
 *
 * For transfers (RFC 3515, RFC 3891). The application that runs goes on, and is told of the new
 * audio (rtp_changed); the dialplan sees nothing. `to` may have a channel of
 * ast_sip_channel_create, or a new one that runs no dialplan: it is dropped, its audio goes to the
 * channel that moves. `from` may have ended within its session_end; it has no channel afterwards,
 * and is not ended by this.
 *
 * A channel that is up stays up, also when `to` is not answered yet; any other one takes the state
 * of `to`. \retval 0 Success \retval -1 `from` has no SIP channel that lives, `to` has ended or has
 * a channel that runs a dialplan; nothing was done
 */
int ast_sip_channel_move(struct ast_sip_session *from, struct ast_sip_session *to);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif

#endif
