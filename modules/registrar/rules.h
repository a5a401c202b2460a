/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: what a REGISTER does to the bindings of an AOR (RFC 3261 10.3), as a pure machine: no
 * clock, no message, no disk.
 */
#ifndef REGISTRAR_RULES_H
#define REGISTRAR_RULES_H

#include <sipsession/location.h>

#define RULES_NO_EXPIRES (-1)

/* One Contact of a REGISTER. */
struct rules_contact {
    const char *uri;
    int q;             /* thousandths; -1: none */
    long long expires; /* seconds, or RULES_NO_EXPIRES */
    /* RFC 5626: NULL and 0 where outbound is not used */
    const char *instance;
    unsigned reg_id;
    const char *flow; /* how it is reached; NULL: by its URI */
};

/* A REGISTER, for one AOR. */
struct rules_request {
    const char *call_id;
    const char *branch;
    const char *user_agent; /* may be NULL */
    const char *path;       /* to be kept; may be NULL */
    unsigned flow_timer;    /* seconds; 0: none */
    int outbound;           /* some contact has an instance */
    const char *transport;  /* to be kept; may be NULL */
    unsigned cseq;
    int star;          /* Contact: * */
    long long expires; /* of the Expires header, or RULES_NO_EXPIRES */
    unsigned count;
    const struct rules_contact *contacts;
    int (*same)(const char *uri, const char *other);       /* 1: the same URI (RFC 3261 19.1.4) */
    int (*is_gone)(const struct ast_sip_contact *contact); /* 1: nothing can reach it any more */
};

/*
 * Works out the bindings that a request leaves: those of `now` (a list; configured ones and expired
 * ones in it are left out) changed by it. The status to answer with; 200: result is the new list,
 * owned by the caller, and *changed says whether it differs from what is kept; else both are
 * untouched. A request without contacts changes nothing (10.3 step 6).
 */
int rules_apply(const struct ast_sip_aor *aor, const struct ast_sip_contact *now,
                const struct rules_request *request, long long time,
                struct ast_sip_contact **result, int *changed);

/* The bindings that have not expired; 0, -1 no memory. *changed: some had. */
int rules_purge(const struct ast_sip_contact *now, long long time, struct ast_sip_contact **result,
                int *changed);

#endif
