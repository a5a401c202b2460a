/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server as a whole, private: it alone knows every room, and in which order they start. Nothing
 * includes this but the files of this folder and their tests.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <sipsession/server.h>

#include "channel/channel.h"
#include "media/media.h"
#include "res_sip/sip.h"

/* How long a stop waits for calls to end: the 32 s of a BYE that nobody answers (64*T1, RFC 3261
 * 17). */
#define SERVER_STOP_SECONDS 33

/* What the rooms are started with: out of files, or of a program's options. */
struct server_setup {
    struct sip_config *sip; /* owned until res_sip takes it */
    struct pbx *pbx;        /* a reference until the channels take it; may be NULL */
    struct media_config media;
    char *modules; /* names separated by blanks; owned */
    char *sounds;  /* folder of sound files; owned */
};

/* Reads and checks; 0, or -1 with everything that is wrong logged and setup zeroed. */
int server_setup_read(const struct ast_server_options *options, struct server_setup *setup);
void server_setup_free(struct server_setup *setup);

#endif
