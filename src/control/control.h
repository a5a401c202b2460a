/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control: requests of the operator to a server that runs, over a UNIX domain socket. It carries
 * lines and knows no request; nothing here knows SIP.
 *
 * One connection is one request. The client sends a line; the answer is any number of lines "-TEXT"
 * and a last one "=STATUS" with 0 for success; then the server closes. A connection that ends
 * without "=" had no answer.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stddef.h>
#include <stdio.h>

#define CONTROL_LINE_SIZE   1024u      /* octets of a request with its end */
#define CONTROL_ANSWER_SIZE (1u << 20) /* octets of an answer's text; the rest is left out */
#define CONTROL_CLIENTS     32u        /* at once; further ones wait in the socket's queue */
#define CONTROL_PATIENCE_MS 10000 /* until a request is whole, and between two reads of an answer */

/* A request that was not answered yet. */
struct control_request;

/*
 * Called on the control thread with a request's line, which has no control characters and lives
 * until it returns. Whoever takes the request answers it, later and on any thread, exactly once.
 */
typedef void (*control_handler)(struct control_request *request, const char *line, void *data);

/* ---- server.c ---- */

/*
 * Listens at a path, with a thread of its own; only the user of this process may connect (and
 * root). A socket that nobody listens at any more is replaced. 0; -1 logged, with errno: EADDRINUSE
 * when another server listens there, ENOTSOCK when another file is in the way.
 */
int control_start(const char *path, control_handler handler, void *data);
/* Waits for the thread to end; clients that have no answer get none. Safe without start. */
void control_stop(void);
/* Any thread, also after control_stop. text: lines with their ends; copied; may be empty. */
void control_answer(struct control_request *request, int status, const char *text);

/* ---- client.c: no thread, no PJLIB ---- */

/*
 * Sends a line and writes the text of the answer to out, line by line as it comes. Returns the
 * status; -1: there was none, and why says why (ENOENT, ECONNREFUSED: nobody listens).
 */
int control_ask(const char *path, const char *line, FILE *out, int *why);

/* ---- listen.c: sockets at paths of any length. Descriptors, or -1 and errno. ---- */

int control_listen(const char *path);
int control_connect(const char *path);
/* Removes a socket that nobody listens at. */
void control_unlink(const char *path);

#endif
