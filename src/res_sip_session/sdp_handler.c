/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the registry of SDP handlers, of whole SDPs and of streams. What they are asked
 * for, and when, is offer_answer.c's.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip_session/session.h"

#define MAX_HANDLERS 32

static const struct ast_sip_session_sdp_handler
    *handlers[MAX_HANDLERS]; /* in order of registration */
static unsigned handler_count;

static int is_registered(const struct ast_sip_session_sdp_handler *handler)
{
    for (unsigned i = 0; i < handler_count; ++i) {
        if (handlers[i] == handler) {
            return 1;
        }
    }
    return 0;
}

static int is_complete(const struct ast_sip_session_sdp_handler *handler)
{
    if (handler->media == NULL) {
        return handler->handle_incoming_sdp != NULL && handler->add_outgoing_sdp != NULL;
    }
    return handler->stream_incoming != NULL && handler->stream_outgoing != NULL &&
           strlen(handler->media) < sizeof(((struct ast_sip_session_stream *)NULL)->media);
}

int ast_sip_session_register_sdp_handler(const struct ast_sip_session_sdp_handler *handler)
{
    base_assert_sip_thread();
    if (handler == NULL || !is_complete(handler)) {
        ast_error(
            "An SDP handler needs both callbacks: of whole SDPs, or with a media type those of streams");
        return -1;
    }
    if (is_registered(handler) || handler_count == MAX_HANDLERS) {
        ast_error("The SDP handler is registered already, or there are %d of them", MAX_HANDLERS);
        return -1;
    }
    handlers[handler_count++] = handler;
    return 0;
}

void ast_sip_session_unregister_sdp_handler(const struct ast_sip_session_sdp_handler *handler)
{
    unsigned kept = 0;

    base_assert_sip_thread();
    if (!is_registered(handler)) {
        return;
    }
    for (unsigned i = 0; i < handler_count; ++i) {
        if (handlers[i] != handler) {
            handlers[kept++] = handlers[i];
        }
    }
    handler_count = kept;
    session_sdp_forget_handler(handler);
}

const struct ast_sip_session_sdp_handler *session_sdp_whole_handler(unsigned index)
{
    for (unsigned i = 0; i < handler_count; ++i) {
        if (handlers[i]->media == NULL && index-- == 0) {
            return handlers[i];
        }
    }
    return NULL;
}

const struct ast_sip_session_sdp_handler *session_sdp_stream_handler(const pj_str_t *media,
                                                                     unsigned index)
{
    for (unsigned i = 0; i < handler_count; ++i) {
        if (handlers[i]->media != NULL && pj_stricmp2(media, handlers[i]->media) == 0 &&
            index-- == 0) {
            return handlers[i];
        }
    }
    return NULL;
}

const struct ast_sip_session_sdp_handler *session_sdp_offering_handler(unsigned index)
{
    for (unsigned i = 0; i < handler_count; ++i) {
        int first = handlers[i]->media != NULL;

        for (unsigned j = 0; first && j < i; ++j) {
            first = handlers[j]->media == NULL ||
                    pj_ansi_stricmp(handlers[i]->media, handlers[j]->media) != 0;
        }
        if (first && index-- == 0) {
            return handlers[i];
        }
    }
    return NULL;
}
