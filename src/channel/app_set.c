/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: Set(name=value), also of functions: Set(CALLERID(num)=100). What stands behind the first = is the value as it
 * is, quotes and commas too.
 */
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    char name[PBX_TEXT_SIZE];
    const char *equals = strchr(args, '=');
    size_t length;

    if (equals == NULL) {
        ast_warning_limited("%s: Set(%s): expected name=value", ast_channel_get_name(channel),
                            args);
        return AST_APPLICATION_DONE;
    }
    args += strspn(args, " \t");
    length = (size_t)(equals - args);
    while (length > 0 && (args[length - 1] == ' ' || args[length - 1] == '\t')) {
        --length;
    }
    base_copy_text(name, sizeof(name), args, length);
    pbx_write(channel, name, equals + 1);
    return AST_APPLICATION_DONE;
}

const struct ast_application app_set = {.name = "Set",
                                        .synopsis = "Set a variable or a function",
                                        .start = start};
