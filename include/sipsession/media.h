/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Audio over RTP (RFC 3550, RFC 3551): what SDP handlers and applications use.
 *
 * Threads: every function is called on the SIP thread and does not wait. A struct ast_rtp is the SIP
 * thread's handle; the stream behind it is polled and destroyed on the one media thread that owns
 * it. What is wanted is written down here and looked at there, at the latest with the next packet:
 * several calls in a row may take effect as one. Callbacks of struct ast_audio run on that media
 * thread: they must not block and may call nothing of this library but ast_sip_push_task and the
 * log. Events come back on the SIP thread.
 */
#ifndef SIPSESSION_MEDIA_H
#define SIPSESSION_MEDIA_H

#include <pjlib.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- codecs ---- */

/*! \brief What a codec is: static data */
struct ast_codec {
    const char *name;     /*!< as in pjsip.conf: "ulaw" */
    const char *encoding; /*!< as in a=rtpmap: "PCMU" */
    unsigned clock_rate;  /*!< of RTP timestamps, Hz; 8000 for G722, too (RFC 3551 4.5.2) */
    unsigned sample_rate; /*!< of the audio, Hz */
    unsigned channels;    /*!< what a=rtpmap says: 2 for opus (RFC 7587) */
    int payload_type;     /*!< the static one of RFC 3551; -1: dynamic */
    unsigned ptime;       /*!< default packet time, ms */
    unsigned max_ptime;   /*!< ms */
    const char *fmtp;     /*!< what we say in a=fmtp; NULL: nothing */
    int can_transcode; /*!< 1: audio can be read and written here; 0: packets are passed on only */
};

/*! \brief A codec by the name of pjsip.conf, case does not matter; NULL: unknown */
const struct ast_codec *ast_codec_find(const char *name);
/*! \brief A codec by its a=rtpmap; NULL: unknown */
const struct ast_codec *ast_codec_find_rtpmap(const char *encoding, unsigned clock_rate,
                                              unsigned channels);
/*! \brief A codec by its static payload type; NULL: none */
const struct ast_codec *ast_codec_find_payload_type(int payload_type);
/*! \brief The codec at a position, in order of a default preference; NULL behind the last */
const struct ast_codec *ast_codec_at(unsigned index);

/* ---- RTP ---- */

/*! \brief The SIP thread's handle of one RTP stream and its RTCP; opaque */
struct ast_rtp;

/*! \brief What is told of a stream; on the SIP thread, never after ast_rtp_destroy */
struct ast_rtp_events {
    /*! A telephone-event (RFC 4733) ended: one of 0-9 * # A-D, with its duration. May be NULL. */
    void (*dtmf)(void *data, char digit, unsigned duration_ms);
    /*! No RTP for as long as ast_rtp_params.timeout_ms said. Told once until RTP comes again. May
     * be NULL. */
    void (*timeout)(void *data);
};

/*! \brief What a new stream is made of; zero it with ast_rtp_options_init */
struct ast_rtp_options {
    pj_sockaddr address; /*!< where to bind; its port does not matter */
    unsigned port_start; /*!< first port of the range, even; 0: the configured range */
    unsigned port_end;   /*!< last port */
    /*!
     * Send to where RTP comes from (RFC 4961, rtp_symmetric), once it is known. Whether or not it
     * is set, RTP is taken from one source only: at once from the address of the peer's SDP, or
     * from another one when that sent four packets in a row before the former sent any.
     */
    int symmetric;
    const struct ast_rtp_events *events; /*!< may be NULL */
    void *data;                          /*!< of the events */
    int tos;      /*!< type of service of what is sent, DSCP << 2; 0: the configured one */
    unsigned cos; /*!< its priority within the system (SO_PRIORITY); 0: as the system does */
};

void ast_rtp_options_init(struct ast_rtp_options *options);

/*! \brief Directions, as seen from here (RFC 3264) */
enum ast_rtp_direction {
    AST_RTP_INACTIVE = 0,
    AST_RTP_SENDONLY = 1,
    AST_RTP_RECVONLY = 2,
    AST_RTP_SENDRECV = 3
};

/*! \brief What was agreed for a stream */
struct ast_rtp_params {
    const struct ast_codec *codec;
    int tx_payload_type;       /*!< what we send: the number of the peer's SDP */
    int rx_payload_type;       /*!< what we get: the number of our SDP */
    int tx_event_payload_type; /*!< telephone-event (RFC 4733); -1: none */
    int rx_event_payload_type; /*!< likewise */
    unsigned event_clock_rate; /*!< of telephone-event durations, Hz; 0: the codec's clock rate */
    unsigned ptime; /*!< of what we send, ms; 0: the codec's; rounded to what the codec can do */
    int direction;  /*!< enum ast_rtp_direction */
    pj_sockaddr remote_rtp;
    pj_sockaddr remote_rtcp; /*!< family 0: no RTCP */
    unsigned timeout_ms;     /*!< without RTP until the timeout event; 0: never */
    unsigned keepalive_ms;   /*!< send a packet after so long without one (RFC 6263); 0: never */
};

/*! \brief Everything at zero, but for telephone-event (none: -1) and the direction (sendrecv) */
void ast_rtp_params_init(struct ast_rtp_params *params);

/*!
 * \brief Open a pair of ports (RTP even, RTCP next) and make the stream
 *
 * What comes is dropped until it is started. Ports are handed out again a second after their last
 * stream ended, sooner when there is no other.
 *
 * \param[out] rtp The handle, the caller's to destroy; untouched on failure
 * \retval 0 Success
 * \retval -1 No port is free in the range, or no descriptor or memory; logged
 */
int ast_rtp_create(struct ast_rtp **rtp, const struct ast_rtp_options *options);

/*! \brief The RTP port that is bound */
unsigned ast_rtp_port(const struct ast_rtp *rtp);

/*! \brief Start the stream, or change what was agreed (also the direction); SSRC and sequence go on.
 * The parameters are copied. */
void ast_rtp_start(struct ast_rtp *rtp, const struct ast_rtp_params *params);

/*! \brief Close; sends RTCP BYE when anything was sent before (RFC 3550 6.3.7). The handle is gone; no
 * event comes any more. */
void ast_rtp_destroy(struct ast_rtp *rtp);

/*! \brief Whether ast_rtp_start was called; the parameters in force, or NULL */
const struct ast_rtp_params *ast_rtp_get_params(const struct ast_rtp *rtp);

/* ---- what a stream does with its audio: one of these at a time; the last call wins ---- */

/*! \brief Nothing: what comes is dropped, nothing is sent */
void ast_rtp_set_idle(struct ast_rtp *rtp);

/*! \brief Send every packet back as it came, telephone-events too, without decoding; under an SSRC and
 * numbers of our own, in which gaps and order stay what they were */
void ast_rtp_set_echo(struct ast_rtp *rtp);

/*!
 * \brief A source and sink of audio: mono, 16 bit, host byte order
 *
 * All callbacks but released run on the stream's media thread.
 */
struct ast_audio {
    /*!
     * \brief Fill a frame to be sent; called once a packet time
     *
     * \param samples To be filled
     * \param count How many samples
     * \param rate Their rate, Hz
     * \return How many were filled; the rest is silence; fewer than count is the end: read is not
     *         called again, and `finished` is called on the SIP thread. May be NULL: nothing is sent.
     */
    unsigned (*read)(void *data, short *samples, unsigned count, unsigned rate);
    /*! \brief A received frame, decoded; in order of arrival. May be NULL. */
    void (*write)(void *data, const short *samples, unsigned count, unsigned rate);
    /*! \brief read came to its end; on the SIP thread. May be NULL. */
    void (*finished)(void *data);
    /*!
     * \brief Neither read nor write will be called again: free data. On the SIP thread, always,
     * once; `finished` is never called after it. May be NULL.
     */
    void (*released)(void *data);
};

/*!
 * \brief Give the stream a source and sink
 *
 * The stream need not be started yet: it begins when it is.
 * \param audio Must stay until released was called
 * \param data Given to the callbacks
 * \retval 0 Success
 * \retval -1 The codec cannot be read or written here, or no memory; nothing was changed, released
 *            is not called
 */
int ast_rtp_set_audio(struct ast_rtp *rtp, const struct ast_audio *audio, void *data);

/*! \brief Send a DTMF digit as telephone-event (RFC 4733), 40 to 5000 ms long, behind those that wait.
 * 0; -1: no telephone-event was agreed, not a digit, or 16 wait already. */
int ast_rtp_send_dtmf(struct ast_rtp *rtp, char digit, unsigned duration_ms);

/*! \brief Counters of a stream (RFC 3550 6.4) */
struct ast_rtp_stats {
    unsigned long long tx_packets, tx_octets, rx_packets, rx_octets;
    unsigned rx_lost, rx_discarded;
    unsigned jitter_us;
    unsigned rtt_us; /*!< from RTCP; 0: not known */
};

/*! \brief Ask for the counters; `told` is called on the SIP thread, also when the handle is destroyed
 * meanwhile. 0; -1: no memory. */
int ast_rtp_get_stats(struct ast_rtp *rtp,
                      void (*told)(void *data, const struct ast_rtp_stats *stats), void *data);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
