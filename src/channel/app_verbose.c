/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: Verbose([level,]text): writes a line to the log; level 0 is always shown.
 */
#include <ctype.h>
#include <stdlib.h>

#include <sipsession/log.h>

#include "channel/channel.h"

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    char *end = NULL;
    unsigned long level = isdigit((unsigned char)args[0]) ? strtoul(args, &end, 10) : 1;

    if (end != NULL && *end == ',') {
        args = end + 1;
    } else {
        level = 1;
    }
    ast_log(level == 0 ? AST_LOG_NOTICE : AST_LOG_VERBOSE, "%s: %s", ast_channel_get_name(channel),
            args);
    return AST_APPLICATION_DONE;
}

const struct ast_application app_verbose = {.name = "Verbose",
                                            .synopsis = "Write a line to the log",
                                            .start = start};
