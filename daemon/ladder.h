/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: a call's ladder of messages on standard output, as it happens. An extension like any
 * other. */
#ifndef DAEMON_LADDER_H
#define DAEMON_LADDER_H

/* Prints every message of every session from now on; on the SIP thread. 0, -1. */
int ladder_start(void);
void ladder_stop(void);
/* Prints a line between the messages. */
void ladder_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
