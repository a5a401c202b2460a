/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session, private: what the files of this folder share. Nobody outside of it includes this
 * but the server's start and stop (the last section). Everything runs on the SIP thread.
 *
 * The way of an incoming message: service.c (PJSIP calls us) -> incoming.c (a new INVITE) or
 * dialog.c (in a dialog) -> extension.c (hooks) -> exchange.c (the SDP of responses and ACK),
 * modify.c (re-INVITE, UPDATE, PRACK) -> offer_answer.c (SDP handlers) -> response.c. Only inv*.c
 * touch pjsip_inv_session's members.
 */
#ifndef RES_SIP_SESSION_SESSION_H
#define RES_SIP_SESSION_SESSION_H

#include <pj/hash.h>
#include <sipsession/res_sip_session.h>

#include "base/base.h"
#include "res_sip/sip.h"
#include "res_sip_session/refresh_queue.h"

/* More m= sections than this are refused one by one (port 0): a cap below PJMEDIA_MAX_SDP_MEDIA. */
#define SESSION_MAX_STREAMS 8

/* The largest SDP that we send, in octets; it must fit a UDP datagram with its headers. */
#define SESSION_MAX_SDP 4000

/* One m= section of a session; it keeps its index as long as the session lives (RFC 3264 6). */
struct ast_sip_session_stream {
    unsigned index;
    const struct ast_sip_session_sdp_handler
        *handler;       /* borrowed; NULL: nobody's, refused or removed */
    void *data;         /* the handler's */
    int agreed;         /* stream_apply was called for what is in force */
    int refused;        /* by the exchange under way; ended when that is complete */
    int unwanted;       /* we take it back in the next offer */
    char media[16];     /* "audio" */
    char transport[16]; /* "RTP/AVP": for the place-holder of a dead stream */
};

/* The message that carries our outstanding offer; its answer is due in that one's answer. */
enum session_offer_in {
    SESSION_OFFER_NONE,
    SESSION_OFFER_INVITE,
    SESSION_OFFER_RESPONSE, /* to an INVITE: the answer comes in ACK, or in PRACK */
    SESSION_OFFER_UPDATE,
    SESSION_OFFER_PRACK
};

/* An answer to the offer in our INVITE, or the offer that it asked for, by one branch of it
 * (exchange.c). */
struct session_answer {
    struct session_answer *next;
    char *tag;
    char *text;
    int reliable; /* final, or acknowledged by PRACK: it cannot change any more */
};

/* Offer and answer of a session (offer_answer.c). */
struct session_sdp {
    const struct ast_sip_session_sdp_handler
        *whole; /* the page's kind of handler that owns this session, or NULL */
    struct ast_sip_session_stream *streams[SESSION_MAX_STREAMS]; /* owned */
    unsigned stream_count;
    unsigned agreed_count; /* of them, when offer and answer were last complete */
    pj_uint32_t id;        /* of o=; 0: not chosen yet */
    pj_uint32_t version;   /* of o=; goes up exactly when the text behind o= changes */
    char *local;           /* our last SDP as text, owned; NULL: none yet */
    size_t local_length;
    int local_agreed; /* that text is in force */
    int agreed;       /* offer and answer were complete at least once */
    int no_room;      /* a stream of the SDP that was made last was refused for lack of room */
    int bad_answer;   /* the peer's answer was refused: end the session when PJSIP is done with the
                         message */
    enum session_offer_in offer_in; /* of our outstanding offer */
    int making_response;            /* ... which is being made, and goes into a response */
    int answer_due;                 /* our next ACK or PRACK carries our answer */
    /* exchange.c, of our pending or last INVITE: */
    int invite_offered;             /* it carried our offer */
    int refused_all;                /* our last answer refused every stream: the session ends */
    struct session_answer *answers; /* owned; the one in force is first */
    enum ast_sip_session_hold hold; /* our side's wish */
};

/* INVITEs of the peer, before the last one, whose 2xx waits for its ACK (RFC 5407 3.1.4). */
#define SESSION_MAX_UNACKED 3
/* What extensions keep on a session (cookie.c). */
struct session_cookies {
    PJ_DECL_LIST_MEMBER(struct session_cookies); /* of those that hold any */
    unsigned count;
    void **data; /* by slot less one; NULL: none was ever set */
    unsigned walk;
};

/* What the peer said last about itself (peer.c): names between commas, owned; NULL: nothing yet. */
struct session_peer {
    char *allow;
    char *supported;
    char *packages;
    pj_uint32_t tag;        /* a hash of the tag of who said it */
    int packages_in_invite; /* its last INVITE, or UPDATE, had Recv-Info */
    int packages_in_update;
};

/* The URI of one side of a dialog, when it is not the first one any more (party.c). */
struct session_party {
    pj_pool_t *pool;  /* of the URI in force; NULL: it is the first one */
    pjsip_uri *first; /* the dialog's own */
};

/* The Contact that the peer has now, when it is not the dialog's first (target.c). */
struct session_target {
    pj_pool_t *pool; /* of the Contact; NULL: the dialog's own is in force */
    pjsip_contact_hdr *contact;
};

/* next_flow.c: the flows of the phone that is called which were tried. */
struct session_flows {
    const char *instance; /* in the dialog's pool; NULL: it has no flows */
    unsigned tried[8];    /* reg-ids */
    unsigned count;
};

struct ast_sip_session_private {
    PJ_DECL_LIST_MEMBER(struct ast_sip_session_private);
    struct ast_sip_session *session;
    pjsip_dialog *dlg; /* one session count of it is ours until the last reference goes */
    unsigned refs;
    enum ast_sip_session_state state;
    int outgoing;
    int begun;  /* extensions were told of the begin */
    int ending; /* ast_sip_session_terminate was called */
    int end_status;
    int response_code; /* the last that we sent to the pending INVITE; 0: none */
    int sdp_made;      /* our SDP for the pending INVITE was made, and PJSIP's negotiator has it */
    pj_sockaddr address;   /* ours as the peer's messages reach it; port 0 */
    pjsip_rx_data *invite; /* the INVITE while it is on the stack, else NULL; borrowed */
    /*
     * Our first answer to the pending INVITE, which is never sent: each response is a clone of it,
     * so that what the hooks add to one is not in the next. A reference; NULL: none made yet.
     */
    pjsip_tx_data *base_answer;
    struct session_sdp sdp;
    struct ast_party_id caller; /* identity.c: who we said that we are, in an outgoing session */
    struct session_party local, remote; /* party.c */
    struct session_target target;
    int is_by_call_id; /* merged.c finds it */
    /* outgoing.c, early.c, retry.c */
    struct session_early *early;       /* the branches of our INVITE; NULL: none yet */
    struct session_redirect *redirect; /* where 3xx sent us; NULL: nowhere yet */
    pj_timer_entry invite_timer;       /* runs when its id is not 0 */
    pj_sockaddr flow;                  /* where the INVITE goes; family 0: where its URI says */
    struct session_flows flows;
    unsigned invite_timeout_ms;  /* 0: as long as the peer says something */
    unsigned retries;            /* how often extensions had the INVITE sent again */
    unsigned branch_changes;     /* how often another branch spoke than before */
    unsigned char redirections;  /* how many may be followed */
    unsigned char without_offer; /* the INVITE has no SDP */
    pj_hash_entry_buf call_id_entry;
    int hidden; /* PJSIP's invite session does not see the transaction that is worked on */

    /* modify.c */
    pjsip_transaction *unacked[SESSION_MAX_UNACKED]; /* borrowed until they terminate; NULL: free */
    pj_uint32_t rseq;     /* of the last reliable response that no PRACK came for; 0: none */
    pj_int32_t rseq_cseq; /* the CSeq of its INVITE */

    /* refresh.c */
    struct refresh_queue refreshes;
    pjsip_transaction *refresh_tsx; /* of the one under way; borrowed until it ends */
    int refresh_starts;             /* its transaction is about to be made */
    int refresh_kicked;             /* a task will look at the queue */
    pj_timer_entry refresh_timer;

    /* deferred.c */
    struct ast_sip_session_deferred *deferred;  /* the first of those that wait; borrowed */
    struct ast_sip_session_deferred *deferring; /* made by the hook that runs; borrowed */

    /* deadline.c, termination.c */
    uint64_t begun_at;          /* ms of pj_gettickcount */
    uint64_t deadline_at;       /* of the state; 0: none */
    uint64_t deadline_armed_at; /* when the timer fires, if it is armed */
    pj_timer_entry deadline;
    pj_timer_entry deferral;  /* a hang-up waits at most until this fires */
    int termination_deferred; /* it is to wait */
    int termination_asked;    /* it waits */
    int termination_code;     /* with this */
    int responding;           /* hooks of a response that leaves are on the stack */
    int end_pushed, end_code; /* one of them ends the session: a task will */
    struct ast_sip_session_reason reason;

    struct session_cookies cookies;
    struct session_peer peer;
};

/* ---- session.c: life and death ---- */

/*
 * Makes a session for a dialog and its inv session, with one reference that session_ended drops.
 * Takes a reference of endpoint. NULL: no memory, logged.
 */
struct ast_sip_session *session_create(struct ast_sip_endpoint *endpoint, pjsip_dialog *dlg,
                                       pjsip_inv_session *inv, int outgoing);
/* The session of a dialog, borrowed; NULL: none, or it has ended. */
struct ast_sip_session *session_of_dialog(pjsip_dialog *dlg);
void session_set_state(struct ast_sip_session *session, enum ast_sip_session_state state);
/* Tells the extensions that it begins; once. */
void session_begin(struct ast_sip_session *session);
/* Ends it: tells the extensions, ends its streams, drops the core's reference. Only the first call
 * does anything. */
void session_ended(struct ast_sip_session *session, int status);

/* ---- service.c: what PJSIP calls ---- */

/* The dialog usage whose id finds a session in its dialog. */
extern pjsip_module session_usage;
/* The usage that is called behind PJSIP's invite session. */
extern pjsip_module session_after_usage;

/* ---- incoming.c ---- */

/* A new INVITE from an identified endpoint. Always answers it, now or later. */
void session_on_new_invite(pjsip_rx_data *rdata);

/* ---- merged.c: the same INVITE by two ways ---- */

int session_merged_start(void); /* 0, -1 */
void session_merged_stop(void);
void session_merged_add(struct ast_sip_session *session);
void session_merged_remove(struct ast_sip_session *session);
/* 1: an INVITE without a To tag is one that a session was made of already. */
int session_is_merged(const pjsip_rx_data *rdata);

/* ---- dialog.c: requests and responses within a dialog, before PJSIP's invite usage sees them ----
 */

/* A request that made a transaction: hooks, then what the core does with it. */
void session_on_request(struct ast_sip_session *session, pjsip_transaction *tsx,
                        pjsip_rx_data *rdata);
/* The same once the hooks are through: the core's own part. */
void session_handle_request(struct ast_sip_session *session, pjsip_transaction *tsx,
                            pjsip_rx_data *rdata);
int session_is_update(const pjsip_method *method);
int session_is_prack(const pjsip_method *method);
/* Methods that are the core's own. */
int session_is_core_method(const pjsip_method *method);
/* The ACK of a 2xx: hooks, and the answer it may carry. */
void session_on_ack(struct ast_sip_session *session, pjsip_rx_data *rdata);
/* A response, the first time it is seen: hooks, and the SDP it may carry. */
void session_on_response(struct ast_sip_session *session, pjsip_rx_data *rdata);
/* Our 2xx to a re-INVITE was never acknowledged. */
void session_on_lost_ack(struct ast_sip_session *session);
/* A message that is about to be sent, maybe not for the first time: our SDP, then hooks, once. */
void session_on_tx(struct ast_sip_session *session, pjsip_tx_data *tdata);
/* A copy of a request whose hooks ran: they do not run for it. */
void session_mark_sent(pjsip_tx_data *copy);

/* ---- early.c: the branches of our INVITE ---- */

/* A response to the INVITE that begins a session of ours, after its hooks: tells of the branch. */
void session_early_response(struct ast_sip_session *session, pjsip_rx_data *rdata);
/* 1: a reliable response that came before, or out of its order: it is discarded (RFC 3262 4). */
int session_early_is_repeat(const struct ast_sip_session *session, pjsip_rx_data *rdata);
/* A branch answered with 2xx after another one had won. */
void session_early_lost(struct ast_sip_session *session, const pjsip_rx_data *rdata);
/* The INVITE was finally refused, with what it begins: no branch is left (RFC 3261 12.3). */
void session_early_over(struct ast_sip_session *session);
/* 1: there are so many that a further one is not listened to. */
int session_early_is_full(const struct ast_sip_session *session, const pj_str_t *tag);
void session_early_destroy(struct ast_sip_session *session);

/* ---- redirect.c: the targets of redirections (RFC 3261 8.1.3.4); pure ---- */

/* NULL: no memory. first is where the INVITE went, and counts as tried. */
struct session_redirect *redirect_create(pj_pool_factory *factory, const pjsip_uri *first);
void redirect_destroy(struct session_redirect *redirect); /* NULL is allowed */
/* Adds the contacts of a 3xx that we can call and that are new, by their q. How many. */
unsigned redirect_add(struct session_redirect *redirect, const pjsip_msg *msg);
/* The best one that was not tried; it counts as tried then. Borrowed; NULL: none is left. */
const pjsip_uri *redirect_next(struct session_redirect *redirect);

/* ---- retry.c: a request of ours that was refused is sent again ---- */

/*
 * A request of ours has its final response, or none will come; before PJSIP's invite usage sees
 * that. 1: it was sent again, or PJSIP will do that with credentials: it has not failed.
 */
int session_try_again(struct ast_sip_session *session, pjsip_transaction *tsx,
                      const pjsip_event *event);

/* ---- next_flow.c: the flows of a phone, one after the other (RFC 5626 7) ---- */

/* An INVITE goes to this contact (NULL: to none of ours): by which of its flows. */
void session_take_flow(struct ast_sip_session *session, const struct ast_sip_contact *contact);
/* The flow failed, as the INVITE's transaction says (rdata: by this response, or NULL). 1: it is on
 * its way over another one of the same phone. */
int session_try_next_flow(struct ast_sip_session *session, pjsip_transaction *tsx,
                          const pjsip_rx_data *rdata);

/* ---- fork.c: answers to an INVITE of ours that are not wanted ---- */

/* A transaction changed: an INVITE that is refused is remembered for a while on each transport. */
void session_await_late_answer(pjsip_transaction *tsx);
int session_fork_start(void); /* 0, -1 */
void session_fork_stop(void);

/* ---- outgoing.c ---- */

/* Stops the time of an INVITE that nobody has answered. */
void session_stop_invite_timer(struct ast_sip_session *session);
/* The flow to a contact (may be NULL), which has none when flow->transport is NULL; 0, -1: gone. */
int session_find_flow(const struct ast_sip_contact *contact, struct sip_flow *flow);
/* The routes to a contact (may be NULL), for pjsip_dlg_set_route_set. 0, -1 logged. */
int session_routes_to(const struct ast_sip_endpoint *endpoint,
                      const struct ast_sip_contact *contact, pj_pool_t *pool,
                      pjsip_route_hdr *routes);
/* What is sent from now on goes where its URI says, not by the flow to a contact. */
void session_leave_flow(struct ast_sip_session *session);

/* ---- exchange.c: offers and answers in responses, ACK and PRACK of our INVITEs and theirs ---- */

/* The SDP of a message, or NULL: there is none. */
const pjmedia_sdp_session *session_sdp_of(pjsip_rx_data *rdata);
/* 1: the message has a body that is no SDP and must be understood (RFC 3261 20.11). */
int session_has_foreign_body(pjsip_rx_data *rdata);
/* 1: a body that is not of a session and need not be understood (RFC 3261 20.11). */
int session_has_idle_body(pjsip_rx_data *rdata);
/* A new INVITE of ours goes out: what was said to the one before is forgotten. */
void session_exchange_start(struct ast_sip_session *session, int with_offer);
/* The same INVITE goes out again: what was answered in its early dialogs counts no more. */
void session_exchange_restart(struct ast_sip_session *session);
/* SDP in a response of ours was seen: takes the answer or offer, and hides the body from PJSIP. */
void session_exchange_on_response(struct ast_sip_session *session, pjsip_rx_data *rdata);
void session_exchange_on_ack(struct ast_sip_session *session, pjsip_rx_data *rdata);
/* The answer to our offer that waits came; -1: it is no good, and all is as it was before. */
int session_take_answer(struct ast_sip_session *session, pjsip_rx_data *rdata,
                        const pjmedia_sdp_session *answer);
/*
 * The peer's offer came: our answer is made and agreed on; tdata is the message that will carry
 * it, or NULL for an ACK or PRACK that is yet to be made. 0; -1: it cannot be answered, and all is
 * as it was before.
 */
int session_answer_offer(struct ast_sip_session *session, pjsip_rx_data *rdata,
                         const pjmedia_sdp_session *offer, pjsip_tx_data *tdata);
/* Our offer that waits will not be answered. */
void session_offer_failed(struct ast_sip_session *session);
void session_exchange_destroy(struct ast_sip_session *session);

/* ---- modify.c: the peer changes the session ---- */

/* Each answers, now or later. */
void session_on_reinvite(struct ast_sip_session *session, pjsip_transaction *tsx,
                         pjsip_rx_data *rdata);
void session_on_update(struct ast_sip_session *session, pjsip_transaction *tsx,
                       pjsip_rx_data *rdata);
void session_on_prack(struct ast_sip_session *session, pjsip_transaction *tsx,
                      pjsip_rx_data *rdata);
/* A reliable provisional response leaves (RFC 3262). */
void session_note_reliable(struct ast_sip_session *session, const pjsip_msg *msg);
/* An ACK of an INVITE before the last. 1: it was one; 0. */
int session_is_late_ack(struct ast_sip_session *session, const pjsip_rx_data *rdata);
/* A transaction is gone. 1: it was an INVITE of the peer whose 2xx was never acknowledged. */
int session_forget_unacked(struct ast_sip_session *session, const pjsip_transaction *tsx);
/* BYE, or our own end: a re-INVITE that waits gets its final response (RFC 3261 15.1.2). */
void session_refuse_pending(struct ast_sip_session *session);

/* ---- refresh.c: we change the session ---- */

void session_refresh_start(struct ast_sip_session *session);
/* What the queue needs to know, now. */
void session_refresh_view(const struct ast_sip_session *session, struct refresh_view *view);
/* Something changed: a task sees whether the queue can go on. Cheap when it is empty. */
void session_refresh_kick(struct ast_sip_session *session);
/* A client transaction of a method that refreshes begins, or is through; before PJSIP looks. */
void session_refresh_on_start(struct ast_sip_session *session, pjsip_transaction *tsx);
/* ... after PJSIP has looked: it may have sent the request again, with credentials. */
void session_refresh_on_final(struct ast_sip_session *session, pjsip_transaction *tsx,
                              const pjsip_event *event);
/* A PRACK of ours is about to leave: a refresh that waits may put its offer there. */
void session_refresh_in_prack(struct ast_sip_session *session, pjsip_tx_data *tdata);
void session_refresh_end(struct ast_sip_session *session);

/* ---- deferred.c: requests that wait ---- */

struct session_hooks; /* where the hooks of a request go on */

/* The hook that ran returned a result: 1: the request waits from here on; 0: it does not. */
int session_deferred_keep(struct ast_sip_session *session, int result, struct session_hooks *at);
/* 1: a re-INVITE (or else an UPDATE) waits. */
int session_deferred_has(const struct ast_sip_session *session, int is_invite);
/* CANCEL of a re-INVITE that may wait: 487. */
void session_deferred_cancel(struct ast_sip_session *session, pj_int32_t cseq);
/* The session ended: what waits is answered with 487 (RFC 3261 15.1.2). */
void session_deferred_end(struct ast_sip_session *session);

/* ---- deadline.c: every state has one ---- */

/* In ms; tests shorten them. */
struct session_deadlines {
    unsigned unsent_ms;      /* an outgoing session whose INVITE is not sent */
    unsigned provisional_ms; /* of an outgoing one, after each response */
    unsigned repeat_ms; /* an unanswered incoming one says that it goes on (RFC 3261 13.3.1.1) */
    unsigned answer_ms; /* until it is refused */
};
extern struct session_deadlines session_deadlines;

/* session_set_state calls these. */
void session_deadline_start(struct ast_sip_session *session);
void session_deadline_renew(struct ast_sip_session *session);
void session_deadline_stop(struct ast_sip_session *session);

/* ---- termination.c ---- */

/* The deferral ends with the session. */
void session_termination_stop(struct ast_sip_session *session);

/* ---- response.c ---- */

/* Answers the pending INVITE. As ast_sip_session_send_response. */
int session_answer_invite(struct ast_sip_session *session, int code);
/* Sends 100 when nothing was sent to the INVITE on the stack yet, so that later answers need no
 * rdata. */
void session_answer_trying(struct ast_sip_session *session);
/* 1 when a final response went to the request, or the session has ended. */
int session_is_answered(const struct ast_sip_session *session, pjsip_rx_data *rdata);
/* Refuses a request other than the pending INVITE, with the headers that the code asks for. */
void session_refuse_request(struct ast_sip_session *session, int code, pjsip_rx_data *rdata);
/* Refuses the pending INVITE with 488 and a Warning (RFC 3261 20.43). */
void session_refuse_media(struct ast_sip_session *session);
/* Lets go of the answer made for an INVITE that is over. */
void session_forget_answer(struct ast_sip_session *session);

/* ---- extension.c: registry and dispatch ---- */

enum session_hook {
    SESSION_INCOMING_REQUEST,
    SESSION_INCOMING_RESPONSE,
    SESSION_OUTGOING_REQUEST,
    SESSION_OUTGOING_RESPONSE,
    SESSION_HOOKS
};

/*
 * Calls incoming_request of each extension of the method until one returns non-zero. 0; 1: one
 * stopped. When that one sent no final response (and the method is not ACK), 500 was sent and the
 * extension's name logged.
 */
int session_hook_request(struct ast_sip_session *session, pjsip_rx_data *rdata);
/* Goes on behind the hook that suspended the request; takes at. As session_hook_request. */
int session_hook_resume(struct ast_sip_session *session, pjsip_rx_data *rdata,
                        struct session_hooks *at);
void session_hooks_free(struct session_hooks *at);
/* Calls one of the other three hooks; message is rdata or tdata. */
void session_hook(enum session_hook hook, const pjsip_method *method,
                  struct ast_sip_session *session, void *message);
void session_hook_begin(struct ast_sip_session *session);
void session_hook_confirmed(struct ast_sip_session *session);
void session_hook_end(struct ast_sip_session *session);
void session_hook_early(struct ast_sip_session *session,
                        const struct ast_sip_session_early_dialog *early);
/* 1: an extension wants the INVITE sent again, and has changed it. */
int session_hook_retry(struct ast_sip_session *session, pjsip_rx_data *rdata, pjsip_tx_data *tdata);
void session_extensions_destroy(void);
int session_is_token(const char *text); /* RFC 3261 25.1 */

/* ---- sdp_handler.c: registry of SDP handlers ---- */

/* The handlers of whole SDPs, or of streams of a media type, in order of registration; NULL behind
 * the last. */
const struct ast_sip_session_sdp_handler *session_sdp_whole_handler(unsigned index);
const struct ast_sip_session_sdp_handler *session_sdp_stream_handler(const pj_str_t *media,
                                                                     unsigned index);
/* The first handler of each media type, for our own offers; NULL behind the last. */
const struct ast_sip_session_sdp_handler *session_sdp_offering_handler(unsigned index);

/* ---- stream.c ---- */

/* A new place behind the last, nobody's yet; NULL: no memory, or too many. */
struct ast_sip_session_stream *session_stream_add(struct session_sdp *sdp);
/* It is our wish: a handler's. */
void session_stream_own(struct ast_sip_session_stream *stream,
                        const struct ast_sip_session_sdp_handler *handler, const char *media);
/* It is nobody's any more; its handler is told. */
void session_stream_end(struct ast_sip_session *session, struct ast_sip_session_stream *stream);

/* ---- offer_answer.c ---- */

/*
 * The peer's SDP came in rdata: the handlers take it as proposed. 0; -1: they cannot cope with it;
 * then nothing is proposed any more.
 */
int session_sdp_incoming(struct ast_sip_session *session, pjsip_rx_data *rdata,
                         const pjmedia_sdp_session *remote, int offer);
/*
 * Makes our SDP for tdata: an offer (remote NULL) or the answer to remote. On success the session
 * keeps its text, and sdp is for PJSIP's negotiator, valid until the next call of this function. 0;
 * -1: no handler made one.
 */
int session_sdp_outgoing(struct ast_sip_session *session, pjsip_tx_data *tdata,
                         const pjmedia_sdp_session *remote, pjmedia_sdp_session **sdp);
/* Our SDP that is in force, once more as an offer, as text and all. 0; -1: make a new one. */
int session_sdp_again(struct ast_sip_session *session, pjmedia_sdp_session **sdp);
/* Our answer to an offer that cannot be accepted and has to be answered: every stream refused. It
 * is kept as our text; the negotiator is not told. 0; -1 no memory. */
int session_sdp_refuse_all(struct ast_sip_session *session, const pjmedia_sdp_session *remote);
/* Makes the session's own SDP text the body of a message, whatever it has. */
void session_sdp_set_body(const struct ast_sip_session *session, pjsip_tx_data *tdata);
/* 1 when the message has a body of application/sdp. */
int session_sdp_has_body(const pjsip_msg *msg);
/* PJSIP's negotiator is done: apply what was proposed, or roll back. */
void session_sdp_agreed(struct ast_sip_session *session, const pjmedia_sdp_session *local,
                        const pjmedia_sdp_session *remote);
void session_sdp_rollback(struct ast_sip_session *session);
/* The session ended: ends its streams. Their memory stays, for who is in a callback of theirs. */
void session_sdp_end(struct ast_sip_session *session);
void session_sdp_destroy(struct session_sdp *sdp);
/* A handler goes: its streams in every session end. */
void session_sdp_forget_handler(const struct ast_sip_session_sdp_handler *handler);
/* The Warning code of RFC 3261 20.43 for an offer that was refused: 304 or 305. */
int session_sdp_warning(const pjmedia_sdp_session *offer);
void session_sdp_release_scratch(void);

/* ---- inv.c: the glue to pjsip_inv_session; no other file reads or writes its members ---- */

int inv_start(pjsip_endpoint *endpt);
void inv_log_failure(const char *what, pj_status_t status);
/* What an endpoint's options mean for a new inv session. */
unsigned inv_options(const struct ast_sip_endpoint *endpoint);
/* ... and what they mean for the INVITE of this peer, besides. */
unsigned inv_wishes(const struct ast_sip_endpoint *endpoint, const pjsip_rx_data *rdata);
/* 1: there is an INVITE of the peer to be answered. */
int inv_can_answer(const pjsip_inv_session *inv);
/* 1: an INVITE of ours has no final response yet. */
int inv_has_our_invite(const pjsip_inv_session *inv);
/* 1: our 2xx waits for its ACK. */
int inv_has_unacked(const pjsip_inv_session *inv);
int inv_is_confirmed(const pjsip_inv_session *inv);
/* 1: there is a dialog, and the INVITE has no answer yet (or its ACK is on the way). */
int inv_has_early_dialog(const pjsip_inv_session *inv);
/* 1: a transaction is that of the INVITE that the inv session works on. */
int inv_has_taken(const pjsip_inv_session *inv, const pjsip_transaction *tsx);
/* The transaction of the INVITE that is under way or unacknowledged, or NULL. */
pjsip_transaction *inv_invite_tsx(const pjsip_inv_session *inv);
/* 1: a CSeq is the one of the INVITE whose ACK is awaited. */
int inv_awaits_ack(const pjsip_inv_session *inv, pj_int32_t cseq);
/* The inv session works on the peer's re-INVITE from here on; the one before must be finished. */
void inv_take_reinvite(pjsip_inv_session *inv, pjsip_transaction *tsx);
/*
 * Makes a response to the pending INVITE as a clone of base (or from rdata when base is NULL),
 * without SDP. 0 and a reference in tdata that inv_send takes; -1 logged.
 */
int inv_make_answer(pjsip_inv_session *inv, pjsip_rx_data *rdata, pjsip_tx_data *base, int code,
                    pjsip_tx_data **tdata);
/* Makes the initial INVITE, a re-INVITE or an UPDATE, without SDP. 0 and a reference that inv_send
 * takes; -1 logged. */
int inv_make_invite(pjsip_inv_session *inv, pjsip_tx_data **tdata);
int inv_make_update(pjsip_inv_session *inv, pjsip_tx_data **tdata);
/* Sends CANCEL for our re-INVITE, at once or after the first provisional response. 0, -1. */
int inv_cancel_reinvite(pjsip_inv_session *inv);
/*
 * Ends what there is: a final response of the code, CANCEL or BYE, as the state asks for. What has
 * not even begun is just dropped. 0: the end is on its way, or has come; -1 logged.
 */
int inv_end(pjsip_inv_session *inv, int code);
/* Cuts it off, without a message. */
void inv_drop(pjsip_inv_session *inv, int code);
/* Sends; takes the reference. 0, -1 logged. */
int inv_send(pjsip_inv_session *inv, pjsip_tx_data *tdata);
/* 1: provisional responses are sent reliably (RFC 3262). */
int inv_is_reliable(const pjsip_inv_session *inv);
/* A PRACK of the last reliable response came: the next one goes out. 0, -1. */
int inv_on_prack(pjsip_inv_session *inv, pjsip_rx_data *rdata);
/* 1: neither side has offered anything yet. */
int inv_knows_no_sdp(const pjsip_inv_session *inv);
/* PJSIP's invite session does not see the transaction state that is being told; then it does again.
 */
void inv_hide(pjsip_dialog *dlg, struct ast_sip_session *session);
void inv_show(pjsip_dialog *dlg, struct ast_sip_session *session);

/* ---- inv_offer.c: the negotiator ---- */

/* The peer's offer that waits for our answer, or NULL. */
const pjmedia_sdp_session *inv_pending_offer(const pjsip_inv_session *inv);
/* 1: our offer waits for the peer's answer. */
int inv_has_local_offer(const pjsip_inv_session *inv);
/* 1: no offer waits, ours or theirs. */
int inv_offer_is_possible(const pjsip_inv_session *inv);
/* Our offer; the peer's offer. 0; -1 logged: one is waiting. */
int inv_set_offer(pjsip_inv_session *inv, const pjmedia_sdp_session *sdp);
int inv_take_offer(pjsip_inv_session *inv, const pjmedia_sdp_session *sdp);
/* The answer to what waits: the exchange is over, and the handlers are told. 0; -1 logged: nothing
 * was agreed on. */
int inv_set_answer(struct ast_sip_session *session, const pjmedia_sdp_session *sdp);
int inv_take_answer(struct ast_sip_session *session, const pjmedia_sdp_session *sdp);
/* No offer waits any more. */
void inv_cancel_offer(pjsip_inv_session *inv);

/* ---- cookie.c, capability.c, peer.c ---- */

/* After the notice of the end: destroys what the session holds, and its room. */
void session_cookies_end(struct ast_sip_session *session);
/* 1: a peer may Require this option tag (RFC 3261 8.2.2.3); also "timer" and "100rel". */
int session_takes_option_tag(const pj_str_t *tag);
/* 1: it Requires what we do not have, and got 420 with Unsupported (RFC 3261 8.2.2.3). */
int session_refuse_required(struct ast_sip_session *session, pjsip_transaction *tsx,
                            pjsip_rx_data *rdata);
void session_capabilities_destroy(void);
/* A message of the peer: takes from it what it says of the peer. */
void session_peer_learn(struct ast_sip_session *session, const pjsip_rx_data *rdata);
void session_peer_forget(struct ast_sip_session *session);

/* ---- party.c ---- */

/* Gives the dialog its first URIs back. */
void session_parties_release(struct ast_sip_session *session);

/* ---- target.c ---- */

/* They take a peer's new Contact before PJSIP does. */
extern pjsip_module session_target_requests, session_target_responses;
/* The dialog keeps the last one by itself from here on. */
void session_target_release(struct ast_sip_session *session);

/* ---- identity.c ---- */

/* Writes From of an outgoing call, as caller, trust_id_outbound, from_user and from_domain want it.
 * Its length; -1: no room. */
int session_print_from(const struct ast_sip_endpoint *endpoint, const struct ast_party_id *caller,
                       const pj_sockaddr *address, char *out, size_t size);
/* outgoing.c. The endpoint as our Contact is made for it: with use_callerid_contact the copy, whose
 * contact_user is the caller's number, which it borrows. */
const struct ast_sip_endpoint *session_endpoint_for_contact(const struct ast_sip_endpoint *endpoint,
                                                            const struct ast_party_id *caller,
                                                            struct ast_sip_endpoint *copy);

/* ---- info_package.c ---- */

int session_info_packages_start(void); /* 0, -1 logged */
void session_info_packages_stop(void);

/* ---- inv_uac.c: the INVITE that begins a session of ours, sent more than once ---- */

/* 1: the transaction is that of the INVITE that begins a session, and no 2xx has come. */
int inv_is_first_invite(const pjsip_inv_session *inv, const pjsip_transaction *tsx);
/* Where an INVITE goes when it is sent again. */
struct inv_way {
    const pjsip_uri *uri;
    const pj_str_t *contact;       /* ours, for there */
    const pjsip_route_hdr *routes; /* in place of those it had; NULL: they stay */
    const struct sip_flow *flow;   /* NULL: where the routes and the URI say */
};
/*
 * Sends the INVITE of a transaction that failed again, to where way says (NULL: where it went), with
 * a new CSeq and branch; within the notice of its failure, before PJSIP's invite usage has seen
 * that. 0; -1 logged: it is not on its way.
 */
int inv_send_again(pjsip_inv_session *inv, pjsip_transaction *tsx, const struct inv_way *way);
/* The name that the INVITE goes to has further addresses (RFC 3263 4.3). 1, 0. */
int inv_has_next_server(const pjsip_inv_session *inv);
/* As inv_send_again, to the next of them, which there is. */
int inv_send_to_next_server(pjsip_inv_session *inv, pjsip_transaction *tsx);
/* Gives an ACK the credentials of the INVITE that it acknowledges. */
void inv_add_credentials(pjsip_inv_session *inv, pjsip_tx_data *ack);
/* 1: the INVITE that begins a session has its final refusal, which is being worked on. */
int inv_was_refused(const pjsip_inv_session *inv);
/* The INVITE that began a session of ours, as last sent; borrowed; NULL: none was. */
pjsip_tx_data *inv_invite_request(const pjsip_inv_session *inv);

/* ---- for the server ---- */

/* Registers with res_sip as a service. 0; -1 logged. */
int session_start(void);
/* All sessions are gone or cut off; unregisters. */
void session_stop(void);
/* Ends every session: BYE, CANCEL, 503. */
void session_terminate_all(void);
/* Cuts every session off, without a message; all have ended then. */
void session_drop_all(void);

#endif
