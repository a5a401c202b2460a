/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: overload. What is new is refused with 503, out of its text, when there is more than we
 * can carry; what exists goes on. See docs/overload.md.
 */
#ifndef RES_SIP_OVERLOAD_H
#define RES_SIP_OVERLOAD_H

#include "res_sip/guard/guard.h"

/* ---- admission.c: how much of what is new is let in; pure, times in microseconds ---- */

/* Who goes first, the last one first. */
enum sip_admission_class {
    SIP_ADMISSION_STRANGER,  /* INVITEs of trunks and others */
    SIP_ADMISSION_PHONE,     /* INVITEs of registered phones; what is new and no INVITE */
    SIP_ADMISSION_EMERGENCY, /* RFC 5031 */
    SIP_ADMISSION_CLASSES
};

#define SIP_ADMISSION_ALL 10000u /* the share of a class when all of it is let in */

enum sip_admission_change {
    SIP_ADMISSION_SAME,
    SIP_ADMISSION_BEGINS, /* there is overload from now on */
    SIP_ADMISSION_ENDS
};

struct sip_admission {
    pj_uint64_t most; /* how long a message may wait; 0: as long as it likes */
    unsigned share[SIP_ADMISSION_CLASSES];
    unsigned carry[SIP_ADMISSION_CLASSES]; /* what of the shares has not become a request yet */
    pj_uint64_t late_since;                /* all have waited too long since; 0: they have not */
    unsigned late_count;                   /* how many have since */
    pj_uint64_t period;                    /* when this one began */
    pj_uint64_t least;                     /* the shortest wait in it */
    unsigned waits;                        /* how many there were in it */
    int lost;                              /* the system lost some in it */
};

void sip_admission_init(struct sip_admission *admission, pj_uint64_t most);
/* Another limit from now on; without one all is let in. */
void sip_admission_set(struct sip_admission *admission, pj_uint64_t most);
/* So many messages were read, of which the oldest had waited so long; lost: the system had no room
 * for some before. */
void sip_admission_waited(struct sip_admission *admission, pj_uint64_t now, unsigned count,
                          pj_uint64_t wait, int lost);
/*
 * Is called often; how long the thread had nothing to do since the last time (0: it never had), and
 * how long it has worked since it had nothing to do.
 */
enum sip_admission_change sip_admission_turn(struct sip_admission *admission, pj_uint64_t now,
                                             pj_uint64_t rest, pj_uint64_t busy);
/* 1: there is overload. */
int sip_admission_is_limited(const struct sip_admission *admission);
/* 1: the next of a class is let in. */
int sip_admission_take(struct sip_admission *admission, enum sip_admission_class class);
/* How many of a hundred of the lowest class an upstream should keep to itself (RFC 7339). */
unsigned sip_admission_loss(const struct sip_admission *admission);

/* ---- text.c: what a request is, by its text; pure ---- */

enum sip_overload_kind {
    SIP_OVERLOAD_GOES_ON, /* of something that exists, or nothing that we know */
    SIP_OVERLOAD_OUR_ACK, /* it ends a refusal that was written out of text */
    SIP_OVERLOAD_INVITE,
    SIP_OVERLOAD_EMERGENCY,
    SIP_OVERLOAD_OTHER /* new, and no INVITE */
};

struct sip_overload_request {
    enum sip_overload_kind kind;
    pj_str_t method;
    pj_str_t branch; /* of the topmost Via; empty: none */
};

/* numbers: users of request URIs that are emergencies, separated by commas; or NULL. */
void sip_overload_read(const char *text, size_t length, const char *numbers,
                       struct sip_overload_request *request);

/* ---- phones.c: where registered phones are ---- */

/* Looks at all contacts; a time that grows with their number. */
void sip_overload_learn_phones(void);
/* 1: a phone was registered there when they were looked at. */
int sip_overload_is_phone(const pj_sockaddr *address);
void sip_overload_forget_phones(void);

/* ---- feedback.c: RFC 7339, module of PJSIP ---- */

/* What the topmost Via of an answer says. */
void sip_feedback_now(struct sip_feedback *feedback);
int sip_feedback_start(void);

/* ---- overload.c ---- */

/* Something may have to be refused. Read before sip_overload_decide is called, which costs more. */
extern int sip_overload_is_watching;

/* 1: a request for an emergency service (RFC 5031), or one of our emergency_numbers. */
int sip_overload_is_emergency(const pjsip_rx_data *rdata);

enum sip_overload_verdict {
    SIP_OVERLOAD_LET_IN, /* PJSIP may have it */
    SIP_OVERLOAD_DROP,
    SIP_OVERLOAD_REFUSE /* with 503; counted */
};

/* What becomes of a message that the guard let pass. */
enum sip_overload_verdict sip_overload_decide(const char *text, size_t length,
                                              const pj_sockaddr *source);
/* Of so many datagrams the oldest had waited so long, in microseconds, until it was read; drops: how
 * many the system has lost on its socket so far. */
void sip_overload_waited(unsigned count, pj_uint64_t wait, unsigned drops, unsigned *drops_before);
/* At the end of each turn of the loop. */
void sip_overload_turn(void);
/* Of what is new, this share in percent is refused. */
unsigned sip_overload_loss(void);
int sip_overload_start(const struct sip_config *config);
void sip_overload_stop(void);
/* The configuration in force is another one; what is known of the load stays. */
void sip_overload_reload(const struct sip_config *config);

#endif
