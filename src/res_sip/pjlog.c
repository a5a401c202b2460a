/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: PJSIP's log as lines of ours. Called on any thread; no message is looked at here but the log's own.
 */
#include <string.h>

#include <pj/log.h>

#include <sipsession/log.h>

#include "res_sip/core.h"

#define LINES_PER_SECOND 10 /* warnings and errors of PJSIP's; many of them a peer can provoke */

/* What PJSIP calls an error but is a peer's fault, which the counters tell. */
static int is_peers_fault(const char *text)
{
    static const char *const beginnings[] = {
        "sip_endpoint.c Error processing packet",
        "sip_transport.c Dropping ",
        "sip_parser.c Error parsing ",
        "sip_inv.c Error parsing/validating SDP body",
    };
    size_t i;

    for (i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (strncmp(text, beginnings[i], strlen(beginnings[i])) == 0) {
            return 1;
        }
    }
    return 0;
}

static enum ast_log_level our_level(int level, const char *text)
{
    if (level >= 4) {
        return AST_LOG_DEBUG;
    }
    if (level == 3) {
        return AST_LOG_VERBOSE;
    }
    if (is_peers_fault(text)) {
        return AST_LOG_DEBUG;
    }
    return level == 2 ? AST_LOG_WARNING : AST_LOG_ERROR;
}

static void write_line(int level, const char *data, int length)
{
    static struct ast_log_limit limit =
        AST_LOG_LIMIT(AST_LOG_WARNING, LINES_PER_SECOND, "pjsip: ...");
    enum ast_log_level to;

    while (length > 0 && *data == ' ') { /* the sender is aligned to the right */
        data++;
        length--;
    }
    to = our_level(level, data);
    if (to <= AST_LOG_WARNING) {
        ast_log_limited(&limit, to, "pjsip: %.*s", length, data);
    } else {
        ast_log(to, "pjsip: %.*s", length, data);
    }
}

void sip_log_level_changed(void)
{
    int level = 2;

    if (ast_log_enabled(AST_LOG_DEBUG)) {
        level = 5;
    } else if (ast_log_enabled(AST_LOG_VERBOSE)) {
        level = 3;
    }
    pj_log_set_level(level);
}

void sip_pjlog_start(void)
{
    pj_log_set_decor(PJ_LOG_HAS_SENDER);
    pj_log_set_log_func(write_line);
    sip_log_level_changed();
}

const char *sip_error(pj_status_t status, char *buffer, size_t size)
{
    pj_strerror(status, buffer, size);
    return buffer;
}
