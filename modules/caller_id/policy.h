/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * caller_id: who a caller is taken for, and what a peer is told of an identity. Plain functions: no
 * session, no message.
 */
#ifndef CALLER_ID_POLICY_H
#define CALLER_ID_POLICY_H

#include <sipsession/address.h>
#include <sipsession/res_sip.h>

/*
 * Who calls: what a trusted peer asserts, else the endpoint's callerid, else From. found: what the
 * message says (NULL: nothing); asserted: a trusted header said it.
 */
void caller_choose(const struct ast_sip_endpoint *endpoint, const struct ast_party_id *found,
                   int asserted, struct ast_party_id *caller);

#define CALLER_VALUE_SIZE (AST_SIP_ADDRESS_SIZE + 60)

/* Values of headers; empty: the header is not sent. */
struct caller_headers {
    char pai[CALLER_VALUE_SIZE];  /* P-Asserted-Identity */
    char rpid[CALLER_VALUE_SIZE]; /* Remote-Party-ID */
    const char *privacy;          /* Privacy; NULL: none */
};

/* What is said of an identity, and where. */
struct caller_shown {
    const struct ast_sip_endpoint *endpoint; /* to whom */
    const struct ast_party_id *id;
    const char *host; /* of its URI */
    int calling;      /* 1: it is who placed the call; 0: who answers it */
    int in_from;      /* 1: the message's From may carry it */
};

void caller_write(const struct caller_shown *shown, struct caller_headers *headers);

#endif
