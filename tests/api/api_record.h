/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the test modules share: a line in the file that $SIPSESSION_API_LOG names, and the words of a header. Like
 * every module they use the installed headers only.
 */
#ifndef API_RECORD_H
#define API_RECORD_H

#include <sipsession/log.h>
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 1, 2))) static inline void api_record(const char *format, ...)
{
    const char *path = getenv("SIPSESSION_API_LOG");
    FILE *file = path ? fopen(path, "a") : NULL;
    va_list arguments;

    if (!file) {
        return;
    }
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fputc('\n', file);
    fclose(file);
}

/* The Call-ID of a session, for "%.*s". */
static inline const pj_str_t *api_call_id(const struct ast_sip_session *session)
{
    static char dash[] = "-";
    static const pj_str_t none = {dash, 1};

    return session->inv_session && session->inv_session->dlg
               ? &session->inv_session->dlg->call_id->id
               : &none;
}

/* The method of a request, or of a response by its CSeq. */
static inline const pj_str_t *api_method(const pjsip_msg *msg)
{
    const pjsip_cseq_hdr *cseq;

    if (msg->type == PJSIP_REQUEST_MSG) {
        return &msg->line.req.method.name;
    }
    cseq = pjsip_msg_find_hdr(msg, PJSIP_H_CSEQ, NULL);
    return cseq ? &cseq->method.name : &msg->line.status.reason;
}

/* 1 when a message has a header with exactly this value. */
static inline int api_has(const pjsip_msg *msg, const char *name, const char *value)
{
    char text[256];

    return ast_sip_get_header(msg, name, text, sizeof(text)) == 0 && strcmp(text, value) == 0;
}

#endif
