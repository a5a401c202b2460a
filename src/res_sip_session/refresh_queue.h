/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the refresh queue of a session, a pure machine: events in, actions out. It knows
 * no PJSIP function, no clock and no I/O: time is given to it in ms, facts about the session in a
 * struct. refresh.c does what it says.
 *
 * Use: after every event (an entry added or cancelled, a final response, the time of a WAIT, any
 * message that may have changed the facts) call refresh_queue_step in a loop until it says NONE or
 * WAIT.
 */
#ifndef RES_SIP_SESSION_REFRESH_QUEUE_H
#define RES_SIP_SESSION_REFRESH_QUEUE_H

#include <pj/list.h>
#include <sipsession/res_sip_session.h>
#include <stdint.h>

#define REFRESH_MOST_TRIES         5
#define REFRESH_MOST_QUEUED        32
#define REFRESH_MOST_RETRY_AFTER_S 32

/* Facts about a session now. All are 0 or 1. */
struct refresh_view {
    int confirmed;         /* a 2xx to its INVITE went by */
    int early;             /* a dialog exists, before that */
    int our_invite;        /* an INVITE of ours has no final response yet */
    int their_invite;      /* an INVITE of the peer that we have not finally answered */
    int unacked;           /* our 2xx to an INVITE waits for its ACK */
    int our_offer;         /* an offer of ours, in whatever message, waits for its answer */
    int their_offer;       /* an offer of the peer that we have not answered */
    int our_update;        /* an UPDATE of ours has no final response yet */
    int their_update;      /* an UPDATE of the peer that we have not finally answered */
    int peer_takes_update; /* its Allow says so */
    /*
     * While an INVITE is pending: its offer and answer are complete in reliable messages, so that
     * an UPDATE may carry another offer (RFC 3311 5.1, RFC 3262 5)
     */
    int early_offer_ok;
};

enum refresh_state {
    REFRESH_WAITING,   /* for its turn, for the facts, or until not_before */
    REFRESH_SENDING,   /* SEND was handed out, refresh_queue_sent not called yet */
    REFRESH_UNDER_WAY, /* sent, without a final response */
    REFRESH_DONE       /* RESULT is to be handed out */
};

struct refresh_entry {
    PJ_DECL_LIST_MEMBER(struct refresh_entry);
    unsigned id;
    struct ast_sip_session_refresh refresh;
    enum refresh_state state;
    int as_update; /* the form in which it was sent last */
    unsigned tries;
    uint64_t not_before;
    int cancelled;   /* asked for */
    int cancel_done; /* CANCEL was handed out */
    int status;      /* when done */
};

struct refresh_queue {
    struct refresh_entry entries; /* the list's head */
    unsigned count;
    unsigned last_id;
    int owns_call_id;
    unsigned (*random)(void *data);
    void *random_data;
    int no_update;  /* the peer refused the method */
    int end_status; /* END_SESSION is to be handed out with it */
    int over;       /* nothing is sent any more */
};

enum refresh_action_kind {
    REFRESH_ACTION_NONE, /* until the next event */
    /* until the next event, and at `until` at the latest; replaces an earlier WAIT */
    REFRESH_ACTION_WAIT,
    REFRESH_ACTION_SEND,   /* the entry, in the form said; then call refresh_queue_sent */
    REFRESH_ACTION_CANCEL, /* the re-INVITE under way (RFC 3261 9.1) */
    /* It is over, with the status; it has left the queue, and what it was is in `refresh`. */
    REFRESH_ACTION_RESULT,
    REFRESH_ACTION_END_SESSION /* status is 408 or 481 (RFC 3261 12.2.1.2, 14.1) */
};

struct refresh_action {
    enum refresh_action_kind kind;
    unsigned id;                            /* of SEND, CANCEL and RESULT */
    struct ast_sip_session_refresh refresh; /* a copy; of SEND, CANCEL and RESULT */
    int as_update;                          /* of SEND: UPDATE, not re-INVITE */
    int with_offer;                         /* of SEND */
    int status;                             /* of RESULT and END_SESSION */
    uint64_t until;                         /* of WAIT, in ms */
};

/* owns_call_id: we made the dialog's Call-ID (RFC 3261 14.1). random gives any 32 bits. */
void refresh_queue_init(struct refresh_queue *queue, int owns_call_id,
                        unsigned (*random)(void *data), void *random_data);
/* Frees what is queued; results that were not handed out are lost. */
void refresh_queue_release(struct refresh_queue *queue);
/* The id, never 0; 0: no memory, too many, or the session is over. refresh is copied. */
unsigned refresh_queue_add(struct refresh_queue *queue,
                           const struct ast_sip_session_refresh *refresh);
/* 0: RESULT follows, at once or after CANCEL; -1: no such entry, or an UPDATE under way. */
int refresh_queue_cancel(struct refresh_queue *queue, unsigned id);
/* The next thing to do. Always fills action. */
void refresh_queue_step(struct refresh_queue *queue, const struct refresh_view *view,
                        uint64_t now_ms, struct refresh_action *action);
/* What SEND handed out has left (ok), or could not be made: then its result is 0. */
void refresh_queue_sent(struct refresh_queue *queue, int ok);
/*
 * The final response to the one under way; 408 for silence. retry_after_s: of its Retry-After; -1:
 * none. Ignored when none is under way.
 */
void refresh_queue_final(struct refresh_queue *queue, int status, int retry_after_s,
                         uint64_t now_ms);
/* The session is ending: whatever is queued gets its RESULT with 0. */
void refresh_queue_ended(struct refresh_queue *queue);
/* 1: one of ours was sent, or is being sent, and has no final response. */
int refresh_queue_is_busy(const struct refresh_queue *queue);

/*
 * What the peer's re-INVITE (is_invite) or UPDATE gets: 0 take it; 491; 500, to which the caller
 * adds Retry-After of 0 to 10 s. The facts are those before the request. RFC 3261 14.2, RFC 3311
 * 5.2, RFC 5407 3.1.4 and 3.1.5, RFC 6141, RFC 6337 4.3.
 */
int refresh_verdict(const struct refresh_view *view, int is_invite, int has_offer);

#endif
