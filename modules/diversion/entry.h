/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diversion: the entries of Diversion (RFC 5806), read and written. Plain functions: no session, no
 * message.
 */
#ifndef DIVERSION_ENTRY_H
#define DIVERSION_ENTRY_H

#include <sipsession/address.h>

/* Entries of a message that are looked at; a call that was diverted more often is somebody's loop.
 */
#define DIVERSION_MOST 10
/* What counters may add up to. */
#define DIVERSION_MOST_COUNT 100

#define DIVERSION_VALUE_SIZE (AST_SIP_ADDRESS_SIZE + 100)

/* One entry. */
struct diversion_entry {
    struct ast_party_id party;
    char reason[AST_PARTY_REASON_SIZE]; /* a token; empty: unknown */
    unsigned count;
};

/* 0; -1: the address names nobody, and out is untouched. */
int diversion_read(const struct ast_sip_address *address, struct diversion_entry *out);

/*
 * What a list of entries, the last diversion first, says of a call; to is left empty. 0; -1: none
 * of them names anybody, and out is untouched.
 */
int diversion_read_all(const struct ast_sip_address *addresses, unsigned count,
                       struct ast_party_redirecting *out);

/*
 * The entries that tell of a diverted call, the last diversion first; returns how many: 0 to 2.
 */
unsigned diversion_entries(const struct ast_party_redirecting *redirecting,
                           struct diversion_entry entries[2]);

/*
 * Writes the value of a header. trusted: who asked not to be shown is, with privacy=full. Its
 * length; -1: it does not fit.
 */
int diversion_write(const struct diversion_entry *entry, const char *host, int trusted,
                    char out[DIVERSION_VALUE_SIZE]);

#endif
