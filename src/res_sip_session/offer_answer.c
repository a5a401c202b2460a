/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: offer and answer (RFC 3264) between the SDP handlers and PJSIP's negotiator. A
 * session belongs to one handler of whole SDPs, or its SDP is put together here from the sections
 * of stream handlers. Either way the text that we last sent is kept: it is what leaves, and what
 * the next one is compared with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pj/rand.h>
#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* What an SDP is built in; one for the process, emptied at each use (the SIP thread is alone). */
static pj_pool_t *scratch;

static pj_pool_t *scratch_pool(void)
{
    if (scratch == NULL) {
        scratch = pjsip_endpt_create_pool(ast_sip_get_pjsip_endpoint(), "sdp", 4096, 4096);
    } else {
        pj_pool_reset(scratch);
    }
    return scratch;
}

void session_sdp_release_scratch(void)
{
    if (scratch != NULL) {
        pj_pool_release(scratch);
        scratch = NULL;
    }
}

static void copy_name(char *out, size_t size, const pj_str_t *name)
{
    base_copy_text(out, size, name->ptr, (size_t)name->slen);
}

/* A handler may have ended the session (the streams' memory stays): nobody is asked any more. */
static int is_over(const struct ast_sip_session *session)
{
    return session->priv->state == AST_SIP_SESSION_STATE_ENDED;
}

/* ---- what the peer sent ---- */

/* The handlers of the media type are asked in their order, for a stream that is nobody's yet. */
static void find_handler(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                         const pjmedia_sdp_session *remote)
{
    const pjmedia_sdp_media *media = remote->media[stream->index];
    const struct ast_sip_session_sdp_handler *handler;

    copy_name(stream->media, sizeof(stream->media), &media->desc.media);
    copy_name(stream->transport, sizeof(stream->transport), &media->desc.transport);
    for (unsigned i = 0; (handler = session_sdp_stream_handler(&media->desc.media, i)) != NULL;
         ++i) {
        int result = handler->stream_incoming(session, stream, remote, 1);

        if (result == 0) {
            stream->handler = handler;
        }
        if (is_over(session)) {
            session_stream_end(session, stream); /* it took the stream behind the end of all */
        }
        if (result <= 0 || is_over(session)) {
            return;
        }
    }
}

/* Nothing that is agreed ends here: the exchange may fail yet (RFC 3261 14.2). */
static void stream_offered(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                           const pjmedia_sdp_session *remote)
{
    const pjmedia_sdp_media *media = remote->media[stream->index];

    stream->refused = 0;
    if (media->desc.port == 0) {
        stream->refused = 1;
    } else if (stream->agreed) {
        stream->refused = pj_stricmp2(&media->desc.media, stream->media) != 0 ||
                          stream->handler->stream_incoming(session, stream, remote, 1) != 0;
    } else {
        session_stream_end(session, stream);
        find_handler(session, stream, remote);
    }
}

static int streams_offered(struct ast_sip_session *session, const pjmedia_sdp_session *remote)
{
    struct session_sdp *sdp = &session->priv->sdp;
    int wanted = 0;
    int taken = 0;

    if (remote->media_count < sdp->stream_count) {
        ast_warning_limited("An offer has %u streams, fewer than the %u before (RFC 3264 8)",
                            remote->media_count, sdp->stream_count);
        return -1;
    }
    for (unsigned i = 0; i < remote->media_count && i < SESSION_MAX_STREAMS; ++i) {
        struct ast_sip_session_stream *stream =
            i < sdp->stream_count ? sdp->streams[i] : session_stream_add(sdp);

        if (stream == NULL) {
            return -1;
        }
        stream_offered(session, stream, remote);
        if (is_over(session)) {
            return -1;
        }
        wanted += remote->media[i]->desc.port != 0;
        taken += stream->handler != NULL && !stream->refused;
    }
    return wanted > 0 && taken == 0 ? -1 : 0;
}

static int streams_answered(struct ast_sip_session *session, const pjmedia_sdp_session *remote)
{
    struct session_sdp *sdp = &session->priv->sdp;
    int taken = 0;

    if (remote->media_count != sdp->stream_count) {
        ast_warning_limited("An answer has %u streams, the offer had %u (RFC 3264 6)",
                            remote->media_count, sdp->stream_count);
        return -1;
    }
    for (unsigned i = 0; i < sdp->stream_count; ++i) {
        struct ast_sip_session_stream *stream = sdp->streams[i];

        if (stream->handler == NULL || remote->media[i]->desc.port == 0) {
            continue;
        }
        if (stream->handler->stream_incoming(session, stream, remote, 0) != 0 || is_over(session)) {
            return -1;
        }
        ++taken;
    }
    return taken > 0 || sdp->stream_count == 0 ? 0 : -1;
}

/* 1: a handler of whole SDPs takes it; 0: none does; -1: the one whose session it is can not. */
static int whole_incoming(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    struct session_sdp *sdp = &session->priv->sdp;
    const struct ast_sip_session_sdp_handler *handler;

    if (sdp->whole != NULL) {
        return sdp->whole->handle_incoming_sdp(session, rdata) == 0 && !is_over(session) ? 1 : -1;
    }
    if (sdp->stream_count > 0) {
        return 0;
    }
    for (unsigned i = 0; (handler = session_sdp_whole_handler(i)) != NULL; ++i) {
        int result = handler->handle_incoming_sdp(session, rdata);

        if (is_over(session)) {
            return -1;
        }
        if (result == 0) {
            sdp->whole = handler;
            return 1;
        }
        if (result < 0) {
            return -1;
        }
    }
    return 0;
}

int session_sdp_incoming(struct ast_sip_session *session, pjsip_rx_data *rdata,
                         const pjmedia_sdp_session *remote, int offer)
{
    int result;

    session->priv->sdp.bad_answer = 0; /* of an exchange before */
    if (remote->media_count == 0) {
        ast_warning_limited("An SDP without m= sections is refused");
        return -1;
    }
    result = whole_incoming(session, rdata);
    if (result > 0) {
        return 0;
    }
    if (result == 0) {
        result = offer ? streams_offered(session, remote) : streams_answered(session, remote);
    }
    if (result != 0) {
        session_sdp_rollback(session);
    }
    return result;
}

/* ---- what we send ---- */

static int add_offered_streams(struct session_sdp *sdp)
{
    const struct ast_sip_session_sdp_handler *handler;

    for (unsigned i = 0; (handler = session_sdp_offering_handler(i)) != NULL; ++i) {
        struct ast_sip_session_stream *stream = session_stream_add(sdp);

        if (stream == NULL) {
            return -1;
        }
        session_stream_own(stream, handler, handler->media);
    }
    return sdp->stream_count > 0 ? 0 : -1;
}

/* An m= section with port 0 keeps the place of a stream that is refused or gone. */
static pjmedia_sdp_media *dead_media(pj_pool_t *pool, const struct ast_sip_session_stream *stream,
                                     const pjmedia_sdp_media *remote)
{
    pjmedia_sdp_media *media = PJ_POOL_ZALLOC_T(pool, pjmedia_sdp_media);

    if (remote != NULL) {
        media->desc = remote->desc;
        media->desc.fmt_count = 1; /* RFC 4566 wants one */
    } else {
        media->desc.media = pj_str((char *)stream->media);
        media->desc.transport = pj_str((char *)stream->transport);
        media->desc.fmt[0] = pj_str("0");
        media->desc.fmt_count = 1;
    }
    media->desc.port = 0;
    media->desc.port_count = 0;
    return media;
}

/* One section for each of the peer's, or for each of ours when we offer. Returns how many are
 * alive. */
static unsigned fill_media(struct ast_sip_session *session, pj_pool_t *pool,
                           const pjmedia_sdp_session *remote, pjmedia_sdp_session *local)
{
    struct session_sdp *sdp = &session->priv->sdp;
    unsigned count = remote != NULL ? remote->media_count : sdp->stream_count;
    unsigned alive = 0;

    sdp->no_room = 0;
    for (unsigned i = 0; i < count; ++i) {
        const pjmedia_sdp_media *theirs = remote != NULL ? remote->media[i] : NULL;
        struct ast_sip_session_stream *stream = i < sdp->stream_count ? sdp->streams[i] : NULL;
        pjmedia_sdp_media *media = NULL;
        int result = 0;

        if (stream != NULL && stream->handler != NULL && !stream->refused && !stream->unwanted &&
            (result = stream->handler->stream_outgoing(session, stream, pool, &media)) != 0) {
            media = NULL;
            stream->refused = 1;
            sdp->no_room |= result == AST_SIP_SESSION_NO_ROOM;
        }
        if (is_over(session)) { /* and with it PJSIP's copy of the offer */
            return 0;
        }
        alive += media != NULL && media->desc.port != 0;
        local->media[local->media_count++] =
            media != NULL ? media : dead_media(pool, stream, theirs);
    }
    return alive;
}

static pjmedia_sdp_session *start_sdp(const struct ast_sip_session *session, pj_pool_t *pool)
{
    const struct session_sdp *sdp = &session->priv->sdp;
    pjmedia_sdp_session *local = PJ_POOL_ZALLOC_T(pool, pjmedia_sdp_session);
    char text[PJ_INET6_ADDRSTRLEN];
    pj_sockaddr address;

    if (ast_sip_session_media_address(session, &address) != 0) {
        return NULL;
    }
    pj_sockaddr_print(&address, text, sizeof(text), 0);
    local->origin.user = pj_str(session->endpoint->sdp_owner);
    local->origin.id = sdp->id;
    local->origin.version = sdp->version;
    local->origin.net_type = pj_str("IN");
    local->origin.addr_type = pj_str(address.addr.sa_family == pj_AF_INET6() ? "IP6" : "IP4");
    pj_strdup2(pool, &local->origin.addr, text);
    local->name = pj_str(session->endpoint->sdp_session);
    local->conn = PJ_POOL_ZALLOC_T(pool, pjmedia_sdp_conn);
    local->conn->net_type = local->origin.net_type;
    local->conn->addr_type = local->origin.addr_type;
    local->conn->addr = local->origin.addr;
    return local;
}

/* Keeps a text as what we say, with a version that goes up when it differs behind its o= line (RFC
 * 3264 8). */
static int keep_local(struct session_sdp *sdp, const char *text, size_t length)
{
    char *copy = malloc(length + 1);

    if (copy == NULL) {
        return -1;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    free(sdp->local);
    sdp->local = copy;
    sdp->local_length = length;
    sdp->local_agreed = 0;
    return 0;
}

static int print_local(const pjmedia_sdp_session *local, char *text, size_t size)
{
    int length = pjmedia_sdp_print(local, text, size);

    if (length <= 0) {
        ast_error_limited("Our SDP is longer than %d octets", SESSION_MAX_SDP);
        return -1;
    }
    return length;
}

static int same_text(const struct session_sdp *sdp, const char *text, int length)
{
    return sdp->local != NULL && sdp->local_length == (size_t)length &&
           memcmp(sdp->local, text, (size_t)length) == 0;
}

int session_sdp_refuse_all(struct ast_sip_session *session, const pjmedia_sdp_session *remote)
{
    struct session_sdp *sdp = &session->priv->sdp;
    pj_pool_t *pool = scratch_pool();
    pjmedia_sdp_session *local = pool != NULL ? start_sdp(session, pool) : NULL;
    char text[SESSION_MAX_SDP];
    int length;

    if (local == NULL) {
        return -1;
    }
    for (unsigned i = 0; i < remote->media_count; ++i) {
        local->media[local->media_count++] = dead_media(pool, NULL, remote->media[i]);
    }
    local->origin.version = ++sdp->version;
    length = print_local(local, text, sizeof(text));
    if (length <= 0 || keep_local(sdp, text, (size_t)length) != 0) {
        return -1;
    }
    sdp->refused_all = 1;
    return 0;
}

static int streams_outgoing(struct ast_sip_session *session, pj_pool_t *pool,
                            const pjmedia_sdp_session *remote, pjmedia_sdp_session **out)
{
    struct session_sdp *sdp = &session->priv->sdp;
    pjmedia_sdp_session *local;
    char text[SESSION_MAX_SDP];
    int length;

    if (sdp->id == 0) {
        sdp->id = sdp->version = ((pj_uint32_t)pj_rand() & 0x3fffffff) + 1;
    }
    if (remote == NULL && sdp->stream_count == 0 && add_offered_streams(sdp) != 0) {
        ast_warning_limited("No SDP handler makes an offer");
        return -1;
    }
    local = start_sdp(session, pool);
    if (local == NULL || fill_media(session, pool, remote, local) == 0) {
        return -1;
    }
    length = print_local(local, text, sizeof(text));
    if (length > 0 && sdp->local != NULL && !same_text(sdp, text, length)) {
        local->origin.version = ++sdp->version;
        length = print_local(local, text, sizeof(text));
    }
    if (length <= 0 ||
        (!same_text(sdp, text, length) && keep_local(sdp, text, (size_t)length) != 0)) {
        return -1;
    }
    *out = local;
    return 0;
}

/* The page's kind of handler puts a body into the message; its text is what leaves. */
static int whole_outgoing(struct ast_sip_session *session, pjsip_tx_data *tdata, pj_pool_t *pool,
                          pjmedia_sdp_session **out)
{
    struct session_sdp *sdp = &session->priv->sdp;
    pjmedia_sdp_session *parsed;
    char *text = pj_pool_alloc(pool, SESSION_MAX_SDP);
    int length;

    tdata->msg->body = NULL;
    sdp->whole->add_outgoing_sdp(session, tdata);
    if (is_over(session)) {
        return -1;
    }
    if (!session_sdp_has_body(tdata->msg)) {
        ast_warning_limited("The SDP handler added no SDP");
        return -1;
    }
    length = tdata->msg->body->print_body(tdata->msg->body, text, SESSION_MAX_SDP - 1);
    if (length <= 0) {
        ast_error_limited("The SDP handler's SDP is longer than %d octets", SESSION_MAX_SDP);
        return -1;
    }
    text[length] = '\0';
    if (keep_local(sdp, text, (size_t)length) != 0) {
        return -1;
    }
    if (pjmedia_sdp_parse(pool, text, (pj_size_t)length, &parsed) != PJ_SUCCESS ||
        pjmedia_sdp_validate(parsed) != PJ_SUCCESS) {
        ast_error_limited("The SDP handler added an SDP that breaks RFC 4566");
        return -1;
    }
    *out = parsed;
    return 0;
}

int session_sdp_outgoing(struct ast_sip_session *session, pjsip_tx_data *tdata,
                         const pjmedia_sdp_session *remote, pjmedia_sdp_session **out)
{
    struct session_sdp *sdp = &session->priv->sdp;
    pj_pool_t *pool = scratch_pool();

    if (pool == NULL) {
        return -1;
    }
    if (sdp->whole == NULL && sdp->stream_count == 0 && remote == NULL) {
        sdp->whole = session_sdp_whole_handler(0); /* we offer first */
    }
    if (sdp->whole != NULL) {
        return tdata != NULL ? whole_outgoing(session, tdata, pool, out) : -1;
    }
    return streams_outgoing(session, pool, remote, out);
}

int session_sdp_again(struct ast_sip_session *session, pjmedia_sdp_session **out)
{
    struct session_sdp *sdp = &session->priv->sdp;
    pj_pool_t *pool;
    pj_str_t text;

    if (sdp->local == NULL || !sdp->local_agreed || sdp->whole != NULL ||
        (pool = scratch_pool()) == NULL) {
        return -1;
    }
    pj_strdup2_with_null(pool, &text, sdp->local);
    return pjmedia_sdp_parse(pool, text.ptr, (pj_size_t)text.slen, out) == PJ_SUCCESS ? 0 : -1;
}

int session_sdp_has_body(const pjsip_msg *msg)
{
    return msg->body != NULL && pj_stricmp2(&msg->body->content_type.type, "application") == 0 &&
           pj_stricmp2(&msg->body->content_type.subtype, "sdp") == 0;
}

void session_sdp_set_body(const struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    const struct session_sdp *sdp = &session->priv->sdp;
    const pj_str_t type = {"application", 11};
    const pj_str_t subtype = {"sdp", 3};
    const pj_str_t text = {sdp->local, (pj_ssize_t)sdp->local_length};
    pjsip_msg *msg = tdata->msg;

    if (sdp->local == NULL || (msg->body != NULL && msg->body->len == sdp->local_length &&
                               memcmp(msg->body->data, sdp->local, sdp->local_length) == 0)) {
        return;
    }
    msg->body = pjsip_msg_body_create(tdata->pool, &type, &subtype, &text);
}

/* ---- the end of an exchange ---- */

/* What the exchange refused or removed ends before anything is applied: a channel has one audio. */
static void end_streams(struct ast_sip_session *session, const pjmedia_sdp_session *local,
                        const pjmedia_sdp_session *remote)
{
    struct session_sdp *sdp = &session->priv->sdp;

    for (unsigned i = 0; i < sdp->stream_count; ++i) {
        struct ast_sip_session_stream *stream = sdp->streams[i];

        if (stream->refused || i >= remote->media_count || remote->media[i]->desc.port == 0 ||
            i >= local->media_count || local->media[i]->desc.port == 0) {
            session_stream_end(session, stream);
        }
    }
}

void session_sdp_agreed(struct ast_sip_session *session, const pjmedia_sdp_session *local,
                        const pjmedia_sdp_session *remote)
{
    struct session_sdp *sdp = &session->priv->sdp;

    end_streams(session, local, remote);
    for (unsigned i = 0; i < sdp->stream_count; ++i) {
        struct ast_sip_session_stream *stream = sdp->streams[i];

        if (stream->handler != NULL) {
            stream->agreed = 1;
            if (stream->handler->stream_apply != NULL) {
                stream->handler->stream_apply(session, stream, local, remote);
            }
        }
    }
    sdp->local_agreed = 1;
    sdp->agreed_count = sdp->stream_count;
    sdp->agreed = 1;
}

void session_sdp_rollback(struct ast_sip_session *session)
{
    struct session_sdp *sdp = &session->priv->sdp;

    for (unsigned i = 0; i < sdp->stream_count; ++i) {
        struct ast_sip_session_stream *stream = sdp->streams[i];

        stream->refused = 0;
        stream->unwanted = 0;
        if (!stream->agreed) {
            session_stream_end(session, stream);
        } else if (stream->handler->stream_rollback != NULL) {
            stream->handler->stream_rollback(session, stream);
        }
    }
    while (sdp->stream_count > sdp->agreed_count) { /* their places were never agreed on */
        free(sdp->streams[--sdp->stream_count]);
    }
}

void session_sdp_end(struct ast_sip_session *session)
{
    struct session_sdp *sdp = &session->priv->sdp;

    for (unsigned i = 0; i < sdp->stream_count; ++i) {
        session_stream_end(session, sdp->streams[i]);
    }
    sdp->whole = NULL;
}

void session_sdp_destroy(struct session_sdp *sdp)
{
    for (unsigned i = 0; i < sdp->stream_count; ++i) {
        free(sdp->streams[i]);
    }
    free(sdp->local);
}

int session_sdp_warning(const pjmedia_sdp_session *offer)
{
    for (unsigned i = 0; i < offer->media_count; ++i) {
        if (offer->media[i]->desc.port != 0 &&
            session_sdp_stream_handler(&offer->media[i]->desc.media, 0) != NULL) {
            return 305;
        }
    }
    return 304;
}
