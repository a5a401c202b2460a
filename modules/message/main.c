/* SPDX-License-Identifier: GPL-2.0-or-later */
/* message: MESSAGE requests (RFC 3428), within calls and outside of them: begin and end. */
#include <sipsession/log.h>
#include <sipsession/module.h>

#include "message.h"

static const struct {
    int (*start)(void);
    void (*stop)(void);
} parts[] = {
    {message_functions_start, message_functions_stop},
    {message_send_start, message_send_stop},
    {message_inside_start, message_inside_stop},
    {message_outside_start, message_outside_stop},
};

static void stop(unsigned count)
{
    while (count > 0) {
        parts[--count].stop();
    }
}

static int init(void)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(parts); ++i) {
        if (parts[i].start() != 0) {
            stop(i);
            return -1;
        }
    }
    return 0;
}

static void end(void)
{
    stop(PJ_ARRAY_SIZE(parts));
}

AST_SIP_MODULE(.name = "message", .description = "Texts within calls and outside of them: MESSAGE",
               .init = init, .close = end, .in_use = message_queue_total);
