/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server: what a reload does with settings of sipsession.conf that are of no room which can be
 * told while it runs: applied here, or left for a restart. No file is read here.
 */
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"
#include "res_sip/sip.h"
#include "server/server.h"

static int is_same(const char *one, const char *other)
{
    return one != NULL && other != NULL ? strcmp(one, other) == 0 : one == other;
}

static void warn(const char *option)
{
    ast_warning("sipsession.conf: %s needs a restart: what is in force stays", option);
}

/* A text that stays as it is: the two are exchanged, so that each is freed with its own. */
static void hold(const char *option, char *const *now, char **next)
{
    char **before = (char **)now;
    char *text = *next;

    if (!is_same(*now, *next)) {
        warn(option);
        *next = *before;
        *before = text;
    }
}

int server_settings_prepare(const struct config_settings *now, struct config_settings *next)
{
    /* the last of all that can fail; and harmless when it was for nothing */
    if (is_same(now->log_file, next->log_file)) {
        return 0;
    }
    return next->log_file != NULL ? base_log_open(next->log_file) : base_log_to_stderr();
}

void server_settings_commit(const struct config_settings *now, struct config_settings *next)
{
    hold("[store] file", &now->store_file, &next->store_file);
    hold("[control] socket", &now->control_socket, &next->control_socket);
    if (!is_same(now->sounds, next->sounds) && chan_set_sounds(next->sounds) != 0) {
        hold("[dialplan] sounds", &now->sounds, &next->sounds);
    }
    chan_options_need_extension(next->options_need_extension);
    if (now->log_level != next->log_level) {
        ast_log_set_level((enum ast_log_level)next->log_level);
        sip_log_level_changed();
    }
}
