/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of sessions: a SIP service in this process, and a peer of raw datagrams that talks to it.
 */
#ifndef PEER_H
#define PEER_H

#include "res_sip_session/session.h"

/* Starts res_sip on 127.0.0.1 with an endpoint that is anybody, and the sessions. */
void peer_start(void);
void peer_stop(void);
/* Messages from here on are of a new call, its first CSEQ. */
void peer_new_call(void);
void peer_next_cseq(void);
/*
 * Sends a message: its first line, further header lines (each ending with \n, may be empty) and a
 * body (may be NULL). Via, From, To, Call-ID, CSeq, Contact, Max-Forwards and Content-Length are
 * added.
 */
void peer_request(const char *method, const char *headers, const char *sdp);
/* The same in answer to the last request that came. */
void peer_response(const char *status_line, const char *headers, const char *sdp);
/* In answer to the last INVITE, when another request came since. */
void peer_response_to_invite(const char *status_line);
/*
 * In answer to any request (a copy of it), with a To tag of its own where the request has none; no
 * Contact is added.
 */
void peer_respond(const char *to_request, const char *status_line, const char *to_tag,
                  const char *headers, const char *sdp);
/* Runs the service until a message comes whose first line begins with `start`; others are passed
 * over. */
const char *peer_expect(const char *start);
/* Runs the service once; the next message that came, or NULL. */
const char *peer_receive(void);
/* Runs the service until it has been silent for so many ms; fails when a message comes. */
void peer_expect_silence(unsigned ms);
/* Runs the service until condition() or five seconds have passed. */
void peer_wait(int (*condition)(void));
/* The value of a header in a message, or "". */
const char *peer_header(const char *message, const char *name);
/* How often a text stands in a message. */
unsigned peer_count(const char *message, const char *text);
/* For peer_wait: every session has ended. */
int peer_none_left(void);
/* An SDP of the peer's, of one stream of audio. */
extern const char peer_offer[];
/* A handler of whole SDPs as the design page has it, which takes everything and says "o=us 7 7". */
extern const struct ast_sip_session_sdp_handler peer_page_handler;
/* A handler's stream_outgoing: audio at port 5000. */
int peer_write_audio(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                     pj_pool_t *pool, struct pjmedia_sdp_media **media);
unsigned peer_port(void);
unsigned peer_service_port(void);

/* ---- what most tests have in common ---- */

/* The session that a test looks at: a reference, or NULL. */
extern struct ast_sip_session *peer_held;
/* Takes a reference to another one instead. */
void peer_hold(struct ast_sip_session *session);
/* For peer_wait. */
int peer_is_confirmed(void);
/* An extension that holds the session of the first INVITE and answers it with this status. */
extern struct ast_sip_session_extension peer_answering;
extern int peer_answer;

/* For a group of tests: peer_start and peer_stop. */
int peer_group_start(void **state);
int peer_group_stop(void **state);
/* Set-up and tear-down of a test: a new call, with these registered (extension may be NULL); behind it no
 * session is left, and nothing is held. */
int peer_begin(const struct ast_sip_session_sdp_handler *handler,
               struct ast_sip_session_extension *extension);
int peer_end(const struct ast_sip_session_sdp_handler *handler,
             struct ast_sip_session_extension *extension);

/* The same with peer_page_handler and peer_answering. */
int peer_answering_begin(void **state);
int peer_answering_end(void **state);

/* INVITE, 200, ACK (answer may be NULL) until peer_held is confirmed; returns a copy of the 200. */
const char *peer_call_up(const char *headers, const char *sdp, const char *answer);
/* BYE, 200. */
void peer_hang_up(void);
/* As peer_expect, copied to where it stays. */
const char *peer_expect_copy(const char *start, char *copy, size_t size);

#endif
