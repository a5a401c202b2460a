/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * refer: what the files of this module share. The way of a message: refer.c (hooks of the session
 * core, and the dialog usage when the session has ended) -> transfer.c (a peer's REFER) or
 * application.c (ours) -> subscription.c (NOTIFYs that we send) -> dialog.c (transactions and life
 * of the dialog). Everything runs on the SIP thread.
 *
 * Lifetimes, in numbers:
 *  1. A struct refer_dialog keeps PJSIP's dialog alive (one session count). It lives while the
 * session does, a subscription of either kind does, or a request of ours is under way: each is one
 * use. The last one frees it.
 *  2. A subscription ends with its last NOTIFY, a failure of one, or its time; each has a timer, so
 * none stays.
 *  3. A transfer holds references of both sessions and of the channel. It ends when the referred
 * call is answered (after the time that the peer has for its BYE) or has failed, or with the
 * module.
 *  4. Requests go in transactions of our own, not in the dialog's: PJSIP's invite usage would take
 * a 481 to a NOTIFY for the end of the call, which is the end of the subscription alone (RFC
 * 5057 5.1, C4 of docs/pjsip.md).
 */
#ifndef REFER_REFER_H
#define REFER_REFER_H

#include <pjsip.h>
#include <sipsession/res_sip_session.h>

#include "text.h"

/* How long the subscription of a REFER lasts without being refreshed, and at most when it is, in
 * seconds. */
#define REFER_EXPIRES      60
#define REFER_MOST_EXPIRES 300
/* How long a transferor has for its BYE behind a good transfer, in ms (RFC 5589 6.1). */
#define REFER_LINGER 5000
/* How long our hang-up waits for the answer to the last NOTIFY, in ms. */
#define REFER_DEFERRAL 3000

struct refer_dialog {
    PJ_DECL_LIST_MEMBER(struct refer_dialog);
    pjsip_dialog *dlg;
    struct ast_sip_session *session;   /* borrowed; NULL: it has ended */
    struct ast_sip_endpoint *endpoint; /* a reference */
    unsigned uses;
    unsigned received, sent; /* REFERs: the first one of each needs no id in Event */
};

/* ---- dialog.c ---- */

int refer_dialogs_start(void); /* registers both PJSIP modules. 0, -1 logged */
void refer_dialogs_stop(void);
/* Of a session's dialog, borrowed; made when there is none. NULL: no memory. */
struct refer_dialog *refer_dialog_of(struct ast_sip_session *session);
/* Borrowed; NULL: there is none. */
struct refer_dialog *refer_dialog_find(const pjsip_dialog *dlg);
void refer_dialog_use(struct refer_dialog *dialog);
void refer_dialog_release(struct refer_dialog *dialog);
/* The session ended: drops its use. */
void refer_dialog_session_ended(struct refer_dialog *dialog);

/*
 * Called once with the final response to a request. rdata NULL: none came. The dialog is valid
 * within. Not called when refer_send fails, nor after the owner was forgotten.
 */
typedef void refer_done(void *owner, int status, pjsip_rx_data *rdata);

/* Makes a request in the dialog, with Contact. 0; -1 logged. */
int refer_create_request(struct refer_dialog *dialog, const char *method, pjsip_tx_data **tdata);
/* Sends it; takes it also on failure. 0; -1 logged. */
int refer_send(struct refer_dialog *dialog, pjsip_tx_data *tdata, refer_done *done, void *owner);
/* Nobody waits for the owner's requests any more. */
void refer_forget(const void *owner);
/* Answers a request of the dialog; name NULL: no header more. 0; -1 logged. */
int refer_respond(pjsip_dialog *dlg, pjsip_rx_data *rdata, int code, const char *name,
                  const char *value);
/* How many headers of a name there are (compact may be NULL); the first one's value, cut, goes to
 * out. */
unsigned refer_header(const pjsip_msg *msg, const char *name, const char *compact, char *out,
                      size_t size);
/* A timer of PJSIP's heap, which is not running. 0; -1 logged. */
int refer_timer_start(pj_timer_entry *timer, unsigned milliseconds);
void refer_timer_stop(pj_timer_entry *timer);

/* ---- subscription.c: NOTIFYs that we send ---- */

struct refer_subscription;

/*
 * The implicit subscription of a REFER that was accepted. *holder gets it, and NULL when it has
 * ended. NULL: no memory.
 */
void refer_subscribe(struct refer_dialog *dialog, unsigned cseq,
                     struct refer_subscription **holder);
/* Tells how the referred call is. */
void refer_notify(struct refer_subscription *subscription, int code, const char *reason,
                  size_t length);
/* Tells how it came out; that is the end of the subscription, and of its holder's interest. */
void refer_notify_final(struct refer_subscription *subscription, int code, const char *reason,
                        size_t length);
/* The session's deferred end need not wait when the last NOTIFY is through. Before
 * refer_notify_final. */
void refer_subscription_defers(struct refer_subscription *subscription,
                               struct ast_sip_session *session);
/* The holder does not care any more; the subscription goes on until its time is over. */
void refer_subscription_leave(struct refer_subscription *subscription);
/* A SUBSCRIBE in the dialog: answers it. 0: not of package refer, nothing was done; 1. */
int refer_on_subscribe(struct refer_dialog *dialog, pjsip_dialog *dlg, pjsip_rx_data *rdata);
void refer_subscriptions_stop(void);
unsigned refer_subscriptions_count(void); /* those that have not ended */

/* ---- transfer.c: a peer's REFER ---- */

/* Answers it. */
void refer_on_refer(struct ast_sip_session *session, pjsip_rx_data *rdata);
void refer_transfer_response(struct ast_sip_session *session, pjsip_rx_data *rdata);
void refer_transfer_request(struct ast_sip_session *session, pjsip_tx_data *tdata);
void refer_transfer_confirmed(struct ast_sip_session *session);
void refer_transfer_end(struct ast_sip_session *session);
void refer_transfers_stop(void);
unsigned refer_transfers_count(void); /* those under way */

/* ---- application.c: our REFER ---- */

int refer_application_start(void); /* 0, -1 */
void refer_application_stop(void);
unsigned refer_application_count(void); /* REFERs of ours whose outcome is not known */
/* A NOTIFY in the dialog: answers it. 0: not of package refer, nothing was done; 1. */
int refer_on_notify(struct refer_dialog *dialog, pjsip_dialog *dlg, pjsip_rx_data *rdata);
/* Our 302 to a call that is transferred before its answer gets its Contact. */
void refer_application_response(struct ast_sip_session *session, pjsip_tx_data *tdata);
void refer_application_confirmed(struct ast_sip_session *session);
void refer_application_session_end(struct ast_sip_session *session);

#endif
