/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what arrives is looked at as text before PJSIP's parsers see it (transport/wire.c), bodies
 * before theirs (distributor/edge.c). Pure: here it is only said what is wrong.
 */
#ifndef RES_SIP_GUARD_H
#define RES_SIP_GUARD_H

#include "res_sip/core.h"

/* ---- guard.c, guard_sdp.c ---- */

enum sip_guard_header {
    SIP_GUARD_OTHER,
    SIP_GUARD_VIA,
    SIP_GUARD_RECORD_ROUTE,
    SIP_GUARD_ROUTE,
    SIP_GUARD_FROM,
    SIP_GUARD_TO,
    SIP_GUARD_CALL_ID,
    SIP_GUARD_CSEQ,
    SIP_GUARD_CONTACT,
    SIP_GUARD_REQUIRE,
    SIP_GUARD_SUPPORTED,
    SIP_GUARD_CONTENT_TYPE,
    SIP_GUARD_CONTENT_LENGTH,
    SIP_GUARD_CONTENT_ENCODING,
    SIP_GUARD_HEADERS
};

/* What a look at a message found. */
struct sip_guard_found {
    int code;             /* 0: nothing is wrong; else the status to refuse it with */
    const char *why;      /* static; NULL when nothing is wrong */
    size_t header_length; /* with the empty line; 0: the headers have no end yet (streams only) */
    size_t body_length;   /* what Content-Length says */
    int has_length;       /* there is one */
    int has_encoding;     /* there is a Content-Encoding */
    int lost;             /* of a stream: where the next message begins cannot be known */
};

/*
 * Looks at a message as text; returns found->code. is_datagram: the text is all there is (RFC
 * 3261 18.3); else it is the beginning of a stream's octets, which may hold less than a message, or
 * more.
 */
int sip_guard_message(const struct sip_guard_limits *limits, const char *text, size_t length,
                      int is_datagram, struct sip_guard_found *found);
/* Where the next line begins, or the end: lines end as PJSIP's parsers see it, with CRLF, LF or CR
 * alone. */
const char *sip_guard_next_line(const char *at, const char *end);
/* Where the header field behind this one begins: one may go on in further lines (RFC 3261 7.3.1).
 */
const char *sip_guard_next_field(const char *at, const char *end);
/* Which header a field is of; *value gets what stands behind the colon, if there is one. */
enum sip_guard_header sip_guard_field(const char *field, const char *end, const char **value);
/* Looks at an SDP: 0, or 488 and why (static). */
int sip_guard_sdp(const struct sip_guard_limits *limits, const char *text, size_t length,
                  const char **why);

/* ---- guard_refusal.c ---- */

struct sip_guard_span {
    const char *at;
    const char *end;
};

/* Of a header's value, what is before the first comma. */
struct sip_guard_span sip_guard_first(const char *value, const char *end);
/* A header parameter: 1 when it is there; *value gets what is behind its '=', empty when there is
 * none. */
int sip_guard_parameter(struct sip_guard_span field, const char *name,
                        struct sip_guard_span *value);

/* What an upstream that asks for it is told of our load (RFC 7339). */
struct sip_feedback {
    unsigned loss, validity; /* percent; ms */
    char sequence[32];       /* greater than all before */
};

/* What a refusal says. */
struct sip_guard_refusal {
    int code;
    const char *reason;
    const char *host; /* where the request came from */
    unsigned port;
    unsigned retry_after;                /* seconds; 0: it does not say */
    const struct sip_feedback *feedback; /* for an upstream that asks for it; or NULL */
};

/* Where a refusal goes, when not to where the request came from. */
struct sip_guard_reply {
    size_t length;
    unsigned port; /* of datagrams: where Via wants it (RFC 3261 18.2.2) */
};

/*
 * Writes the refusal of a request that is not to be parsed, out of its text: 1; 0: there is none,
 * since it is no request, is an ACK, or lacks what an answer repeats.
 */
int sip_guard_refusal(const char *text, size_t length, const struct sip_guard_refusal *refusal,
                      char *out, size_t size, struct sip_guard_reply *reply);

#endif
