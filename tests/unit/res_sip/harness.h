/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of res_sip: a real SIP thread, and raw sockets on loopback that talk with it.
 */
#ifndef TEST_RES_SIP_HARNESS_H
#define TEST_RES_SIP_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "res_sip/sip.h"

/* A configuration with one transport on a free port of the address ("127.0.0.1", "::1", "0.0.0.0"). */
struct sip_config *test_config(const char *address, int protocol);
struct sip_transport_config *test_add_transport(struct sip_config *config, const char *name,
                                                const char *address, int protocol);
struct ast_sip_endpoint *test_add_endpoint(struct sip_config *config, const char *name);
/* network: "127.0.0.0/8" */
void test_add_identify(struct sip_config *config, const char *endpoint, const char *network);

/* Starts the SIP thread; takes config. `started` (may be NULL) runs on it before the first message. */
void test_start(struct sip_config *config, void (*started)(void));
void test_stop(void);
/* The same, of which the start is to fail. */
void test_start_fails(struct sip_config *config);

/* Runs a function on the SIP thread and waits for its end. */
void test_call(void (*function)(void *data), void *data);

/* The counters, as the SIP thread sees them. */
struct sip_counters test_counters(void);

/* The port of the n-th transport. */
int test_port(unsigned n);

/* A socket connected with the n-th transport at its address. */
int test_connect(unsigned n);
int test_connect_to(unsigned n, const char *address);
void test_send(int fd, const char *text);
/* Waits up to ms for a message; its length, 0 at a connection's end, -1: none came. */
int test_receive(int fd, char *buffer, size_t size, int ms);

/*
 * A request of method, "extra" headers and a body (both may be NULL; extra lines end with CRLF), with the branch and
 * Call-ID of `id`. It is in one static buffer.
 */
const char *test_request(const char *method, const char *from, const char *id, const char *extra,
                         const char *body);
/* Sends it and returns the status of the answer, which is in *answer when not NULL; -1: none within 5 s. */
int test_ask(int fd, const char *request, const char **answer);

/* All that came by the first transport, of UDP, has been worked on, and what it is answered with is here. */
void test_catch_up(void);

/* A PJSIP module that sees what no other one took; for `started`. */
void test_watch(pj_bool_t (*on_request)(pjsip_rx_data *rdata));

/* ---- requests of the server's ---- */

/* A UDP socket on loopback that they go to. */
struct test_peer {
    int fd, port;
    char request[4000]; /* the last one */
    struct sockaddr_in requester;
};

void test_peer_open(struct test_peer *peer);
/* Waits for a request; it is in peer->request. */
const char *test_peer_receive(struct test_peer *peer);
/* Answers it, e.g. with "200 OK"; may be called more than once. */
void test_peer_answer(const struct test_peer *peer, const char *status_line);

/* How often a callback came, and with which status the last time. */
struct test_outcome {
    unsigned calls;
    int status;
};

void test_outcome_reset(void);
/* It came; on the SIP thread. */
void test_outcome_note(int status);
struct test_outcome test_outcome(void);
/* Waits until it came, exactly once, with this status. */
void test_outcome_expect(int status);
/* It has not come when all that arrived has been worked on. */
void test_no_outcome(void);

/* The answer to a request that came to us, e.g. "200 OK". */
void test_make_answer(const char *request, const char *status_line, char *out, size_t size);

#endif
