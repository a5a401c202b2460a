/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each INVITE that begins a session costs as much time of the SIP thread as $SIPSESSION_API_SLOW says, in ms: so a
 * test knows how many calls the daemon can carry, whatever the machine.
 */
#include "api_record.h"

#include <stdlib.h>
#include <time.h>

static long slow_ms;

static long now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void begin(struct ast_sip_session *session)
{
    long end = now_ms() + slow_ms;

    PJ_UNUSED_ARG(session);
    while (now_ms() < end) {
    }
}

static struct ast_sip_session_extension extension = {.name = "api_slow", .session_begin = begin};

static int init(void)
{
    const char *ms = getenv("SIPSESSION_API_SLOW");

    slow_ms = ms != NULL ? atol(ms) : 0;
    return ast_sip_session_register_extension(&extension);
}

static void close_module(void)
{
    ast_sip_session_unregister_extension(&extension);
}

AST_SIP_MODULE(.name = "api_slow", .description = "makes calls cost time", .init = init,
               .close = close_module);
