/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the streams of a session (m= sections, RFC 3264 6): their places, which last as
 * long as the session, and who owns them. What is said about them is offer_answer.c's business.
 */
#include <stdlib.h>

#include <sipsession/log.h>

#include "res_sip_session/session.h"

void session_stream_end(struct ast_sip_session *session, struct ast_sip_session_stream *stream)
{
    if (stream->handler != NULL && stream->handler->stream_end != NULL) {
        stream->handler->stream_end(session, stream);
    }
    stream->handler = NULL;
    stream->data = NULL;
    stream->agreed = 0;
    stream->refused = 0;
    stream->unwanted = 0;
}

struct ast_sip_session_stream *session_stream_add(struct session_sdp *sdp)
{
    struct ast_sip_session_stream *stream;

    if (sdp->stream_count == SESSION_MAX_STREAMS || (stream = calloc(1, sizeof(*stream))) == NULL) {
        return NULL;
    }
    stream->index = sdp->stream_count;
    sdp->streams[sdp->stream_count++] = stream;
    return stream;
}

void session_stream_own(struct ast_sip_session_stream *stream,
                        const struct ast_sip_session_sdp_handler *handler, const char *media)
{
    stream->handler = handler;
    pj_ansi_strxcpy(stream->media, media, sizeof(stream->media));
    pj_ansi_strxcpy(stream->transport, "RTP/AVP", sizeof(stream->transport));
}

unsigned ast_sip_session_stream_index(const struct ast_sip_session_stream *stream)
{
    return stream->index;
}

void ast_sip_session_stream_set_data(struct ast_sip_session_stream *stream, void *data)
{
    stream->data = data;
}

void *ast_sip_session_stream_get_data(const struct ast_sip_session_stream *stream)
{
    return stream->data;
}

/* The place of a dead stream, else a new one behind the last (RFC 3264 8.1). NULL: too many. */
static struct ast_sip_session_stream *free_place(struct session_sdp *sdp)
{
    for (unsigned i = 0; i < sdp->stream_count; ++i) {
        if (sdp->streams[i]->handler == NULL) {
            return sdp->streams[i];
        }
    }
    return session_stream_add(sdp);
}

int ast_sip_session_add_stream(struct ast_sip_session *session, const char *media)
{
    const struct ast_sip_session_sdp_handler *handler;
    struct session_sdp *sdp = &session->priv->sdp;
    struct ast_sip_session_stream *stream = NULL;
    pj_str_t name = pj_str((char *)media);

    base_assert_sip_thread();
    handler = session_sdp_stream_handler(&name, 0);
    if (handler != NULL && sdp->whole == NULL && sdp->agreed &&
        inv_offer_is_possible(session->inv_session)) {
        stream = free_place(sdp);
    }
    if (stream == NULL) {
        ast_warning_limited("Session %s cannot have one more stream of %s now",
                            session->priv->dlg->obj_name, media);
        return -1;
    }
    session_stream_own(stream, handler, media);
    return 0;
}

int ast_sip_session_remove_stream(struct ast_sip_session *session, unsigned index)
{
    struct session_sdp *sdp = &session->priv->sdp;

    base_assert_sip_thread();
    if (index >= sdp->stream_count || sdp->streams[index]->handler == NULL) {
        ast_warning_limited("Session %s has no stream %u", session->priv->dlg->obj_name, index);
        return -1;
    }
    sdp->streams[index]->unwanted = 1;
    return 0;
}
