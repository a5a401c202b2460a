/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sdp_rtp: the SDP handler for audio over RTP: what the other files of this folder decide becomes
 * RTP streams, which channels get. On the SIP thread.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sipsession/channel.h>
#include <sipsession/log.h>
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

#include "sdp.h"

/* One audio stream of a session: the data of the core's stream */
struct audio {
    struct ast_sip_session *session; /* borrowed: the stream ends first */
    struct ast_rtp *rtp;             /* NULL: no section of ours was written yet */
    pj_sockaddr address;             /* what our c= says */
    struct sdp_numbers numbers;
    int proposed;  /* `choice` is of an exchange under way */
    int to_answer; /* ... and the peer's offer is what has to be answered */
    struct sdp_choice choice;
    const struct ast_codec *in_force; /* NULL: nothing was agreed yet */
    const struct ast_codec *only;     /* that our last offer had; NULL: all of `allow` */
};

static unsigned open_count; /* streams with RTP */

/* ---- RTP ---- */

static void on_dtmf(void *data, char digit, unsigned duration_ms)
{
    struct audio *const audio = data;

    if (audio->session->channel) {
        ast_channel_dtmf(audio->session->channel, digit, duration_ms);
    }
}

static void on_timeout(void *data)
{
    struct audio *const audio = data;
    struct ast_sip_session *const session = audio->session;

    ast_notice_limited("%s: no RTP comes any more: the call ends",
                       session->channel ? ast_channel_get_name(session->channel)
                                        : session->endpoint->name);
    if (session->channel) {
        ast_channel_hangup(session->channel, AST_CAUSE_RECOVERY_ON_TIMER_EXPIRE);
    } else {
        ast_sip_session_terminate(session, 0);
    }
}

static const struct ast_rtp_events events = {.dtmf = on_dtmf, .timeout = on_timeout};

/* Our address on the way to a peer whose family is not that of our signalling; 0, or -1 */
static int address_towards(const pj_sockaddr *remote, pj_sockaddr *address)
{
    const int fd = socket(remote->addr.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof(*address);
    int result = -1;

    if (fd >= 0 &&
        connect(fd, (const struct sockaddr *)remote, (socklen_t)pj_sockaddr_get_len(remote)) == 0 &&
        getsockname(fd, (struct sockaddr *)address, &length) == 0) {
        pj_sockaddr_set_port(address, 0);
        result = 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    return result;
}

/* The address that our SDP names, and the one to bind to: the same, but for a media_address that is
 * not ours */
static int choose_addresses(const struct audio *audio, pj_sockaddr *named, pj_sockaddr *bound)
{
    const struct ast_sip_endpoint *const endpoint = audio->session->endpoint;
    const pj_sockaddr *const remote = audio->proposed ? &audio->choice.rtp : NULL;

    pj_bzero(named, sizeof(*named));
    if (ast_sip_session_media_address(audio->session, named)) {
        return -1;
    }
    if (remote && remote->addr.sa_family != named->addr.sa_family &&
        (!pj_sockaddr_has_addr(remote) || address_towards(remote, named))) {
        return -1;
    }
    *bound = *named;
    if (endpoint->media_address && !endpoint->bind_rtp_to_media_address) {
        return pj_sockaddr_init(named->addr.sa_family, bound, NULL, 0) == PJ_SUCCESS ? 0 : -1;
    }
    return 0;
}

/* 0; -1 logged, or AST_SIP_SESSION_NO_ROOM. */
static int open_rtp(struct audio *audio)
{
    const struct ast_sip_endpoint *const endpoint = audio->session->endpoint;
    struct ast_rtp_options options;

    ast_rtp_options_init(&options);
    if (choose_addresses(audio, &audio->address, &options.address)) {
        ast_warning_limited("%s: no address of ours for the peer's media",
                            audio->session->endpoint->name);
        return -1;
    }
    options.symmetric = endpoint->rtp_symmetric;
    options.port_start = endpoint->rtp_port_start;
    options.port_end = endpoint->rtp_port_end;
    options.tos = endpoint->tos_audio;
    options.cos = endpoint->cos_audio;
    options.events = &events;
    options.data = audio;
    if (ast_rtp_create(&audio->rtp, &options) != 0) {
        return AST_SIP_SESSION_NO_ROOM;
    }
    ++open_count;
    return 0;
}

/* ---- the peer's section ---- */

static struct audio *get_audio(struct ast_sip_session *session,
                               struct ast_sip_session_stream *stream)
{
    struct audio *audio = ast_sip_session_stream_get_data(stream);

    if (!audio) {
        audio = calloc(1, sizeof(*audio));
        if (!audio) {
            ast_error_limited("sdp_rtp: no memory for a stream");
            return NULL;
        }
        audio->session = session;
        ast_sip_session_stream_set_data(stream, audio);
    }
    return audio;
}

/* How many streams of audio the peer offers before this one: max_audio_streams counts them all */
static unsigned audio_before(const pjmedia_sdp_session *remote, unsigned index)
{
    unsigned count = 0;

    for (unsigned i = 0; i < index && i < remote->media_count; i++) {
        count += remote->media[i]->desc.port != 0 &&
                 pj_stricmp2(&remote->media[i]->desc.media, "audio") == 0;
    }
    return count;
}

static int choose(const struct ast_sip_session *session, struct audio *audio,
                  const pjmedia_sdp_session *sdp, unsigned index, int offer,
                  struct sdp_remote *remote, struct sdp_choice *choice)
{
    const struct ast_sip_endpoint *const endpoint = session->endpoint;
    const char *why = "it has no codec that is allowed";

    if (offer && audio_before(sdp, index) >= endpoint->max_audio_streams) {
        why = "there are more than max_audio_streams";
    } else if (sdp_parse(sdp, index, remote, &why) == 0) {
        const int result =
            offer ? sdp_choose_answer(endpoint, remote, choice)
                  : sdp_choose_answered(endpoint, audio->only, &audio->numbers, remote, choice);

        if (result == 0) {
            return 0;
        }
    }
    ast_verbose("%s: an audio stream is refused: %s", endpoint->name, why);
    return -1;
}

/* What our side's hold leaves (RFC 3264 8.4) */
static int wanted_direction(const struct ast_sip_session *session)
{
    switch (ast_sip_session_get_hold(session)) {
    case AST_SIP_SESSION_HOLD_SENDONLY:
        return AST_RTP_SENDONLY;
    case AST_SIP_SESSION_HOLD_INACTIVE:
        return AST_RTP_INACTIVE;
    default:
        return AST_RTP_SENDRECV;
    }
}

static int stream_incoming(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                           const struct pjmedia_sdp_session *sdp, int offer)
{
    struct audio *audio = ast_sip_session_stream_get_data(stream);
    struct sdp_remote remote;
    struct sdp_choice choice;
    struct audio none;

    pj_bzero(&none, sizeof(none));
    /* Nothing is kept of what is refused. */
    if (choose(session, audio ? audio : &none, sdp, ast_sip_session_stream_index(stream), offer,
               &remote, &choice)) {
        return -1;
    }
    audio = get_audio(session, stream);
    if (!audio) {
        return -1;
    }
    sdp_learn_numbers(&audio->numbers, &remote);
    audio->choice = choice;
    if (!offer) {
        audio->choice.direction &= wanted_direction(session); /* no more than we offered */
    }
    audio->proposed = 1;
    audio->to_answer = offer;
    return 0;
}

/* ---- our section ---- */

/*
 * Whether our offer has one codec alone: that of `outgoing_call_offer_pref`, or the one in force in
 * the answer to a re-INVITE that has no offer.
 */
static int is_alone(const struct ast_sip_session *session, const struct audio *audio)
{
    if (audio->in_force && ast_sip_session_offers_in_response(session) &&
        !ast_sip_get_global()->all_codecs_on_empty_reinvite) {
        return 1;
    }
    return ast_sip_session_is_outgoing(session) &&
           session->endpoint->outgoing_call_offer_pref >= AST_SIP_OUTGOING_OFFER_REMOTE_FIRST;
}

static pjmedia_sdp_media *write_offer(const struct ast_sip_session *session, struct audio *audio,
                                      pj_pool_t *pool)
{
    const struct sdp_offer offer = {.first = audio->in_force,
                                    .alone = is_alone(session, audio),
                                    .direction = wanted_direction(session),
                                    .address = &audio->address,
                                    .port = ast_rtp_port(audio->rtp)};

    audio->only = offer.alone ? sdp_first_offered(session->endpoint, &offer) : NULL;
    return sdp_write_offer(pool, session->endpoint, &audio->numbers, &offer);
}

static int stream_outgoing(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                           pj_pool_t *pool, struct pjmedia_sdp_media **media)
{
    struct audio *const audio = get_audio(session, stream);
    pjmedia_sdp_media *written;
    int result;

    if (!audio) {
        return -1;
    }
    if (!audio->rtp && (result = open_rtp(audio)) != 0) {
        return result;
    }
    if (audio->to_answer) {
        audio->choice.direction &= wanted_direction(session);
        written = sdp_write_answer(pool, &audio->choice, &audio->address, ast_rtp_port(audio->rtp));
    } else {
        written = write_offer(session, audio, pool);
    }
    if (!written) {
        ast_warning_limited("%s: no codec to offer", session->endpoint->name);
        return -1;
    }
    *media = written;
    return 0;
}

/* ---- the end of an exchange ---- */

static void fill_params(const struct ast_sip_endpoint *endpoint, const struct sdp_choice *choice,
                        struct ast_rtp_params *params)
{
    ast_rtp_params_init(params);
    params->codec = choice->codec;
    params->tx_payload_type = choice->tx_payload_type;
    params->rx_payload_type = choice->rx_payload_type;
    params->tx_event_payload_type = choice->tx_event;
    params->rx_event_payload_type = choice->rx_event;
    params->event_clock_rate = choice->event_clock_rate;
    params->ptime = choice->ptime;
    params->direction = choice->direction;
    params->remote_rtp = choice->rtp;
    params->remote_rtcp = choice->rtcp;
    params->timeout_ms = 1000 * (choice->hold ? endpoint->rtp_timeout_hold : endpoint->rtp_timeout);
    params->keepalive_ms = 1000 * endpoint->rtp_keepalive;
}

static void stream_apply(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                         const struct pjmedia_sdp_session *local,
                         const struct pjmedia_sdp_session *remote)
{
    struct audio *const audio = ast_sip_session_stream_get_data(stream);
    struct ast_rtp_params params;

    (void)local;
    (void)remote;
    if (!audio || !audio->rtp || !audio->proposed) {
        return;
    }
    audio->proposed = 0;
    audio->to_answer = 0;
    audio->in_force = audio->choice.codec;
    fill_params(session->endpoint, &audio->choice, &params);
    ast_rtp_start(audio->rtp, &params);
    if (session->channel && !ast_channel_get_rtp(session->channel)) {
        ast_channel_set_rtp(session->channel, audio->rtp);
    }
}

static void stream_rollback(struct ast_sip_session *session, struct ast_sip_session_stream *stream)
{
    struct audio *const audio = ast_sip_session_stream_get_data(stream);

    (void)session;
    if (audio) {
        audio->proposed = 0;
        audio->to_answer = 0;
    }
}

static void stream_end(struct ast_sip_session *session, struct ast_sip_session_stream *stream)
{
    struct audio *const audio = ast_sip_session_stream_get_data(stream);

    if (!audio) {
        return;
    }
    ast_sip_session_stream_set_data(stream, NULL);
    if (audio->rtp) {
        if (session->channel && ast_channel_get_rtp(session->channel) == audio->rtp) {
            ast_channel_set_rtp(session->channel, NULL);
        }
        ast_rtp_destroy(audio->rtp);
        --open_count;
    }
    free(audio);
}

/* ---- the module ---- */

static const struct ast_sip_session_sdp_handler handler = {
    .media = "audio",
    .stream_incoming = stream_incoming,
    .stream_outgoing = stream_outgoing,
    .stream_apply = stream_apply,
    .stream_rollback = stream_rollback,
    .stream_end = stream_end,
};

static int sdp_rtp_init(void)
{
    return ast_sip_session_register_sdp_handler(&handler);
}

static void sdp_rtp_close(void)
{
    ast_sip_session_unregister_sdp_handler(&handler);
}

/* Calls would go on without a sound. */
static unsigned sdp_rtp_in_use(void)
{
    return open_count;
}

AST_SIP_MODULE(.name = "sdp_rtp", .description = "audio over RTP in SDP", .init = sdp_rtp_init,
               .close = sdp_rtp_close, .in_use = sdp_rtp_in_use);
