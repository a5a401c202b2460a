/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * history_info: the entries of History-Info (RFC 7044), read and written. Plain functions: no
 * session, no message.
 */
#ifndef HISTORY_INFO_ENTRY_H
#define HISTORY_INFO_ENTRY_H

#include <sipsession/address.h>

/* Entries of a message that are looked at. */
#define HISTORY_MOST 20
/* Octets of one entry; a longer one is left out. */
#define HISTORY_ENTRY_SIZE 1100
/* Octets of the entries of one message: it must fit a datagram with everything else. */
#define HISTORY_SIZE       1500
#define HISTORY_INDEX_SIZE 40

/* What an entry says; texts end with NUL and are cut when longer. */
struct history_entry {
    char uri[256]; /* hi-targeted-to-uri, without the headers that stand in it */
    char index[HISTORY_INDEX_SIZE];
    char target[60];  /* how it came to this one: "rc=1", "mp=1.1", "np=1"; empty: not said */
    char reason[120]; /* Reason (RFC 3326), as in a header of its own */
    char privacy[40]; /* Privacy: "history" */
};

/* 0; -1: it has no index, or a wrong one (RFC 7044 5), and out is untouched. */
int history_read(const struct ast_sip_address *address, struct history_entry *out);

/* An entry as text, as it came: for the response. Its length; -1: it does not fit, or has what does
 * not print. */
int history_copy(const struct ast_sip_address *address, char *out, size_t size);

/* 1: an entry is for this URI, headers and parameters apart. */
int history_is_for(const struct history_entry *entry, const char *uri);

/* An entry of ours. */
struct history_hop {
    const char *uri; /* "sip:..." */
    const char *index;
    const char *mapped; /* of mp: the index of the entry that it was sent on from; NULL: none */
    const char *reason; /* of RFC 5806: why it was sent on; NULL: it was not, or it is not known */
    int hidden;         /* 1: Privacy=history */
};

/* Its length; -1: it does not fit. */
int history_write(const struct history_hop *hop, char *out, size_t size);

/* The entries of an INVITE to `target` that was diverted, or not (count 0), separated by commas.
 * Its length; -1. */
int history_write_all(const struct ast_party_redirecting *redirecting, const char *host,
                      int trusted, const char *target, char out[HISTORY_SIZE]);

#endif
