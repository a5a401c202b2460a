/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: one outbound registration (RFC 3261 10.2), the part that is pure: events and the time
 * come in, what is to be done goes out. No message, no timer, no address here: registration.c.
 */
#ifndef RES_SIP_REGISTRATION_MACHINE_H
#define RES_SIP_REGISTRATION_MACHINE_H

/* What the options of the same names say; seconds. */
struct registration_rules {
    unsigned expiration;
    unsigned retry_interval;
    unsigned forbidden_retry_interval; /* 0: a 403 is final, unless fatal_retry_interval is set */
    unsigned fatal_retry_interval;     /* 0: a permanent refusal is final */
    unsigned max_retries;
    int auth_rejection_permanent;
};

enum registration_state {
    REGISTRATION_UNREGISTERED, /* nothing was sent yet */
    REGISTRATION_TRYING,       /* a REGISTER is on its way */
    REGISTRATION_REGISTERED,
    REGISTRATION_RETRYING, /* it failed, and is tried again */
    REGISTRATION_REJECTED, /* it failed, and is not tried again */
    REGISTRATION_UNREGISTERING,
    REGISTRATION_ENDED
};

/* What is to be sent */
enum registration_send {
    REGISTRATION_NOTHING,
    REGISTRATION_REGISTER,  /* to the first server */
    REGISTRATION_NEXT,      /* the same again, to the server behind the one that failed */
    REGISTRATION_UNREGISTER /* to the first server, with expires 0 */
};

#define REGISTRATION_NOT_SAID 0xffffffffu

/* How a REGISTER ended */
struct registration_answer {
    int status;           /* a time-out counts as 408, a transport error as 503 */
    int is_ours;          /* 1: no response came, the status is our own */
    int more_servers;     /* 1: there is a server that was not asked yet */
    unsigned expires;     /* seconds that our binding has, or REGISTRATION_NOT_SAID */
    unsigned min_expires; /* of a 423; 0: it has none */
    unsigned retry_after; /* seconds; 0: not said */
};

struct registration_action {
    enum registration_send send;
    unsigned expires;        /* to ask for, when something is sent; seconds */
    unsigned long long wake; /* when registration_timer is due; 0: never */
};

/* Times are in ms of any clock that does not go back. */
struct registration_machine {
    struct registration_rules rules;
    enum registration_state state;
    unsigned expires;               /* that is asked for: 423 raises it */
    unsigned raised;                /* how often a 423 did so since the last success */
    unsigned retries;               /* since the last success */
    unsigned long long wake;        /* 0: none */
    unsigned long long bound_until; /* the registrar has a binding of ours so long; 0: none */
    unsigned losses;                /* connections that broke, one soon after the other */
    unsigned long long lost_at;     /* the last one; 0: none */
    int stopping;
    int changed; /* while a REGISTER was on its way: it is sent once more */
};

/* The first REGISTER is due after delay ms. */
struct registration_action registration_init(struct registration_machine *machine,
                                             const struct registration_rules *rules,
                                             unsigned long long now, unsigned delay);
/* May come early or too often: then it does nothing. */
struct registration_action registration_timer(struct registration_machine *machine,
                                              unsigned long long now);
/* Exactly once for everything that was sent. */
struct registration_action registration_answered(struct registration_machine *machine,
                                                 unsigned long long now,
                                                 const struct registration_answer *answer);
/* Other rules, or other credentials: it registers at once, or when the answer has come that it waits
 * for. Not after registration_stop. */
struct registration_action registration_change(struct registration_machine *machine,
                                               const struct registration_rules *rules,
                                               unsigned long long now);
/* The connection of what is registered broke: calls may not reach us any more. */
struct registration_action registration_lost(struct registration_machine *machine,
                                             unsigned long long now);
/* Undo it: REGISTRATION_ENDED comes at once, or with an answer. */
struct registration_action registration_stop(struct registration_machine *machine,
                                             unsigned long long now);

const char *registration_state_name(enum registration_state state);

#endif
