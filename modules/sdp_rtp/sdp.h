/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sdp_rtp: the SDP handler for audio over RTP. parse.c, choose.c and write.c decide without
 * sockets, sessions or memory of their own; sdp_rtp.c does what they decided. Installed headers
 * only.
 */
#ifndef SDP_RTP_SDP_H
#define SDP_RTP_SDP_H

#include <pjmedia/sdp.h>

#include <sipsession/media.h>
#include <sipsession/res_sip.h>

#define SDP_MAX_FORMATS 32
#define SDP_MAX_EVENTS  4

/* ---- what the peer's m= section says (parse.c) ---- */

struct sdp_format {
    int payload_type;
    const struct ast_codec *codec; /* NULL: one that is not known here */
};

struct sdp_event { /* telephone-event, RFC 4733 */
    int payload_type;
    unsigned clock_rate;
};

struct sdp_remote {
    pj_sockaddr rtp; /* its address is the unspecified one when the peer wants no media (0.0.0.0) */
    pj_sockaddr rtcp;         /* family 0: none */
    int direction;            /* enum ast_rtp_direction, as seen from the peer */
    unsigned ptime, maxptime; /* ms; 0: not said */
    unsigned format_count;
    struct sdp_format formats[SDP_MAX_FORMATS]; /* in the peer's order, without telephone-event */
    unsigned event_count;
    struct sdp_event events[SDP_MAX_EVENTS];
};

/* 0; -1: nothing that we speak; `why` says in a few words what is wrong. Untouched on failure. */
int sdp_parse(const pjmedia_sdp_session *sdp, unsigned index, struct sdp_remote *remote,
              const char **why);
/* The direction of the other side's view */
int sdp_reverse(int direction);

/* ---- payload numbers (choose.c) ---- */

/*
 * What each payload type number of a stream means; once it means something it does for the life of
 * the stream, in either direction (RFC 3264 8.3.2). Zeroed at first.
 */
struct sdp_numbers {
    unsigned char meaning[128]; /* 0: free; else of sdp_codec_key, sdp_event_key, or 255: unknown */
};

/* The number of a codec, or of telephone-event of a clock rate, in what we write; -1: none is left
 */
int sdp_number_of_codec(struct sdp_numbers *numbers, const struct ast_codec *codec);
int sdp_number_of_event(struct sdp_numbers *numbers, unsigned clock_rate);
/* All numbers that the peer used */
void sdp_learn_numbers(struct sdp_numbers *numbers, const struct sdp_remote *remote);

/* ---- what comes of it (choose.c) ---- */

/* What would be agreed; goes into struct ast_rtp_params when it is. */
struct sdp_choice {
    const struct ast_codec *codec;
    int tx_payload_type, rx_payload_type;
    int tx_event, rx_event; /* -1: none */
    unsigned event_clock_rate;
    unsigned ptime;     /* of what we send */
    unsigned our_ptime; /* what our a=ptime asks for */
    int direction;      /* as seen from here */
    int hold;           /* the peer does not want to hear us, or says nothing */
    pj_sockaddr rtp, rtcp;
};

/*
 * The peer offers: the first of its codecs that the endpoint allows (with preferred_codec_only: the
 * first of ours that it has), under the peer's numbers. 0; -1: there is none in common.
 */
int sdp_choose_answer(const struct ast_sip_endpoint *endpoint, const struct sdp_remote *remote,
                      struct sdp_choice *choice);
/*
 * The peer answers our offer: the first of its codecs that we offered; it sends with our numbers,
 * we with its. only: the one codec that we offered; NULL: all of `allow`. 0; -1: it answered with
 * something else.
 */
int sdp_choose_answered(const struct ast_sip_endpoint *endpoint, const struct ast_codec *only,
                        struct sdp_numbers *numbers, const struct sdp_remote *remote,
                        struct sdp_choice *choice);
/* Whether the endpoint's dtmf_mode uses telephone-event */
int sdp_uses_events(const struct ast_sip_endpoint *endpoint);
/* What our a=ptime says for a codec: `allow=ulaw:40`, or the codec's own */
unsigned sdp_our_ptime(const struct ast_sip_endpoint *endpoint, const struct ast_codec *codec);

/* ---- our m= section (write.c) ---- */

/* NULL: no memory, or no codec that could be offered */
pjmedia_sdp_media *sdp_write_answer(pj_pool_t *pool, const struct sdp_choice *choice,
                                    const pj_sockaddr *address, unsigned port);
struct sdp_offer {
    const struct ast_codec *first; /* put first: the one in force; NULL: as the endpoint has them */
    int alone;                     /* nothing but the first one */
    int direction;
    const pj_sockaddr *address;
    unsigned port;
};

/* All that the endpoint allows, unless it is offered alone */
pjmedia_sdp_media *sdp_write_offer(pj_pool_t *pool, const struct ast_sip_endpoint *endpoint,
                                   struct sdp_numbers *numbers, const struct sdp_offer *offer);
/* The codec that such an offer begins with; NULL: there is none */
const struct ast_codec *sdp_first_offered(const struct ast_sip_endpoint *endpoint,
                                          const struct sdp_offer *offer);

#endif
