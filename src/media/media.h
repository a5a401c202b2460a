/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: RTP and RTCP, codecs, files of audio. No SIP and no SDP here, and no header of pjsip.
 *
 * Who runs what. A struct ast_rtp has three parts: one is the SIP thread's, one belongs to the media
 * thread that owns the sockets, and one (`want`) is the letterbox between them, under that thread's
 * lock. The SIP thread writes down what it wants and queues the stream; the media thread looks at
 * its queue whenever it wakes, before it looks at any packet. So nothing has to wake it as long as
 * nothing has to happen: an eventfd is written only for what can not wait for the next packet, and
 * what a stream was told several times meanwhile is one change.
 *
 * Streams are recycled with their sockets bound: a call that comes and goes without a packet costs
 * no system call. See docs/media.md.
 */
#ifndef MEDIA_MEDIA_H
#define MEDIA_MEDIA_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <sipsession/media.h>

#include "base/base.h"

/* ==== for other rooms ======================================================================= */

struct media_config {
    unsigned threads;    /* 1 to MEDIA_MAX_THREADS */
    unsigned port_start; /* of streams that name no range; even */
    unsigned port_end;
    int tos; /* of what is sent: DSCP << 2; 0: as the system does */
};

#define MEDIA_MAX_THREADS 16

/* 1 thread, ports 10000 to 20000 */
void media_config_init(struct media_config *config);

/*
 * Start the media threads; on the SIP thread. `push` queues a task for the SIP thread, or returns -1
 * when that thread takes no more. 0; -1: a bad configuration, no memory, no descriptors; logged.
 */
int media_start(const struct media_config *config,
                int (*push)(int (*task)(void *data), void *data));

/*
 * Another configuration, for streams that are made from now on; those that are there keep their
 * ports and their threads. Prepare makes the threads that are wanted more, which may fail: 0; -1
 * logged. Threads that are wanted no more sleep until the end.
 */
int media_reload_prepare(const struct media_config *config);
void media_reload_commit(const struct media_config *config);

/*
 * Stop them; on the SIP thread. All streams should be destroyed (one that is not is, with a warning).
 * What streams had left to say is pushed, or called before this returns when it can not be pushed;
 * so call it while pushes still work and run the tasks afterwards, or when none is queued any more.
 */
void media_stop(void);

/*
 * A WAV file in memory: mono, 16 bits, 8000 or 16000 Hz. It does not change and is shared: any
 * thread may hold and release one.
 */
struct media_wav {
    atomic_uint refs;
    unsigned rate;
    size_t count;
    short *samples;
};

/*
 * Read a file; it blocks: for the blocking pool. A file that was read lately and has not changed
 * since comes from a cache. 0; -1: not a file as above, or it can not be read; logged with the reason.
 */
int media_wav_load(const char *path, struct media_wav **wav);
struct media_wav *media_wav_ref(struct media_wav *wav);
void media_wav_unref(struct media_wav *wav);
/* What is in a WAV file's octets; the pure part of media_wav_load. `why` gets the reason of -1. */
int media_wav_parse(const uint8_t *file, size_t size, struct media_wav **wav, char *why,
                    size_t why_size);
void media_wav_forget_all(void); /* empties the cache */

/*
 * One playing of a file: give `media_wav_player_audio` to ast_rtp_set_audio with the player as its
 * data. Any rate of a codec is made from the file's. `events` (may be NULL) are asked for `finished`
 * and `released` only, both with `data`. Holds a reference to the file. NULL: no memory.
 */
struct media_wav_player;
struct media_wav_player *media_wav_player_create(struct media_wav *wav,
                                                 const struct ast_audio *events, void *data);
extern const struct ast_audio media_wav_player_audio;
/* Only for a player that was never given to a stream: the stream frees it otherwise. */
void media_wav_player_destroy(struct media_wav_player *player);

/* ==== of this room ========================================================================== */

#define MEDIA_NS 1000000000ull

uint64_t media_now(void);                         /* ns of the monotonic clock */
uint64_t media_ntp(uint64_t now);                 /* the same moment as an NTP timestamp */
uint32_t media_units(uint64_t ns, unsigned rate); /* RTP time units, modulo 2^32 */
void media_random(void *out, size_t size);        /* unpredictable; any thread */
uint32_t media_random32(void);

/* ---- addresses (address.c) ---- */

union media_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

bool media_address_equal(const union media_address *a, const union media_address *b);
bool media_address_same_host(const union media_address *a, const union media_address *b);
socklen_t media_address_length(const union media_address *address);
/* Whether a packet can be sent there: a known family, not the unspecified address, a port */
bool media_address_usable(const union media_address *address);
void media_address_from_pj(union media_address *out, const pj_sockaddr *address);

/* ---- codecs (codec.c, coder.c, coder_*.c) ---- */

#define MEDIA_MAX_SAMPLES 5760 /* 120 ms at 48 kHz: the longest frame */
#define MEDIA_MAX_PAYLOAD 1460

struct media_coder;

/* How one codec makes octets of samples and back. State is whatever create made; may be NULL. */
struct media_coder_ops {
    size_t state_size; /* of state that is zeroed at first; create may be NULL then */
    int (*create)(void *state, const struct ast_codec *codec, unsigned ptime, bool encode);
    void (*destroy)(void *state);
    /* Octets written, or -1 */
    int (*encode)(void *state, const short *samples, unsigned count, uint8_t *out, unsigned size);
    /* Samples written, or -1 */
    int (*decode)(void *state, const uint8_t *payload, unsigned length, short *out, unsigned size);
};

extern const struct media_coder_ops media_coder_ulaw, media_coder_alaw, media_coder_l16,
    media_coder_gsm, media_coder_g722, media_coder_opus;

const struct media_coder_ops *media_codec_ops(const struct ast_codec *codec); /* NULL: none */
/* The packet time nearest to the wanted one, from below, that the codec can do; 0: its default */
unsigned media_codec_fit_ptime(const struct ast_codec *codec, unsigned wanted);

/* One direction of one stream. NULL: no memory, or the codec can not be transcoded. */
struct media_coder *media_coder_create(const struct ast_codec *codec, unsigned ptime, bool encode);
void media_coder_destroy(struct media_coder *coder);
int media_coder_encode(struct media_coder *coder, const short *samples, unsigned count,
                       uint8_t *out, unsigned size);
int media_coder_decode(struct media_coder *coder, const uint8_t *payload, unsigned length,
                       short *out, unsigned size);
/* G.722 is PJMEDIA's, which wants to be started: on the thread that starts this room. */
int media_g722_start(void);
void media_g722_stop(void);

/* ---- RTP packets (packet.c) ---- */

#define MEDIA_RTP_HEADER 12

struct media_packet {
    uint8_t payload_type;
    bool marker;
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    unsigned offset; /* of the payload in the packet */
    unsigned length; /* of the payload, without padding */
};

/* 0; -1: it is no RTP packet (RFC 3550 A.1) */
int media_packet_parse(const uint8_t *data, size_t size, struct media_packet *packet);
/* Writes MEDIA_RTP_HEADER octets; no CSRC, extension or padding */
void media_packet_write(uint8_t *out, const struct media_packet *packet);

/* ---- who sends to us: sequence, loss, jitter (source.c) ---- */

struct media_source {
    bool known;
    uint16_t max_sequence;
    uint32_t ssrc;
    uint32_t cycles; /* sequence cycles, shifted by 16 */
    uint32_t base_sequence;
    uint32_t bad_sequence;
    uint32_t received;
    uint32_t expected_prior;
    uint32_t received_prior;
    uint32_t transit;
    uint32_t jitter; /* times 16, in RTP units */
    bool has_transit;
};

enum media_source_result {
    MEDIA_SOURCE_NEXT,    /* newer than all before */
    MEDIA_SOURCE_OLD,     /* late or twice */
    MEDIA_SOURCE_RESTART, /* a new source, or it began anew */
    MEDIA_SOURCE_BAD      /* a wild sequence number: not counted, to be dropped */
};

enum media_source_result media_source_update(struct media_source *source,
                                             const struct media_packet *packet);
/* Interarrival jitter (RFC 3550 A.8); arrival in RTP units */
void media_source_arrival(struct media_source *source, uint32_t timestamp, uint32_t arrival);
uint32_t media_source_extended_max(const struct media_source *source);
int32_t media_source_lost(
    const struct media_source *source); /* may be negative: packets came twice */
uint8_t media_source_fraction_lost(struct media_source *source); /* since the last call */

/* ---- where it may come from (learn.c) ---- */

enum media_learn_state { MEDIA_LEARN_OPEN, MEDIA_LEARN_LOCKED };

struct media_learn {
    uint8_t state;                /* enum media_learn_state */
    uint8_t count;                /* packets in a row from the candidate */
    uint16_t sequence;            /* of the candidate's last one */
    union media_address expected; /* what the SDP said */
    union media_address locked;
    union media_address candidate;
    uint64_t since; /* of the last reset */
    uint64_t heard; /* from the locked source */
};

void media_learn_reset(struct media_learn *learn, const union media_address *expected,
                       uint64_t now);
/*
 * Whether a packet from an address is taken. `continues`: it fits into the sequence of the source that
 * was locked, SSRC and all.
 */
bool media_learn_accept(struct media_learn *learn, const union media_address *from,
                        uint16_t sequence, bool continues, uint64_t now);

/* ---- what we send: one SSRC, one sequence, one clock (sender.c) ---- */

struct media_sender {
    bool started;      /* SSRC and the starts of sequence and clock were drawn */
    bool sent;         /* anything */
    uint16_t sequence; /* of the next new packet */
    uint32_t ssrc;
    uint32_t timestamp; /* of a moment ... */
    uint64_t moment;    /* ... this one */
    unsigned clock_rate;
    uint32_t packets, octets; /* modulo 2^32, as in SR */
};

void media_sender_start(struct media_sender *sender, unsigned clock_rate, uint64_t now);
/* The RTP timestamp of a moment */
uint32_t media_sender_timestamp(const struct media_sender *sender, uint64_t now);
/* Something with this timestamp was sent now: the clock goes on from there */
void media_sender_note(struct media_sender *sender, uint32_t timestamp, uint64_t now,
                       unsigned octets);

/* ---- echo: the peer's numbers to ours (relay.c) ---- */

struct media_relay {
    bool mapped;
    uint16_t sequence_offset;
    uint16_t first; /* the oldest sequence number of theirs that may still pass */
    uint16_t newest;
    uint32_t timestamp_offset;
    uint32_t ssrc;
};

/*
 * Give a packet our numbers. Loss and reordering stay visible; a new source goes on where the last one
 * ended. `restart`: the peer began anew. false: too late to be sent.
 */
bool media_relay_map(struct media_relay *relay, struct media_sender *sender,
                     struct media_packet *packet, bool restart, uint64_t now);
/* We sent a packet of our own in between */
void media_relay_inserted(struct media_relay *relay);

/* ---- telephone-event (RFC 4733), dtmf.c ---- */

struct media_dtmf_rx {
    bool active;   /* an event is being heard */
    bool reported; /* `timestamp` is of one that was reported */
    uint8_t event;
    uint32_t timestamp; /* of its first segment */
    uint32_t segment;   /* of its current segment */
    uint32_t duration;  /* all in all, of the event clock */
    uint32_t before;    /* of it in earlier segments */
    uint64_t heard;
};

/* A digit that ended */
struct media_dtmf_digit {
    char digit;
    unsigned duration; /* of the event clock */
};

/* How long no packet comes until an event counts as ended: all of its end packets are lost */
#define MEDIA_DTMF_LOST (250 * 1000000ull)

/* Up to two digits may end with one packet: one whose end was lost, and this one. How many did. */
unsigned media_dtmf_receive(struct media_dtmf_rx *rx, const uint8_t *payload, unsigned length,
                            uint32_t timestamp, uint64_t now, struct media_dtmf_digit digits[2]);
/* Time passed. 1: a digit ended. */
unsigned media_dtmf_expire(struct media_dtmf_rx *rx, uint64_t now, struct media_dtmf_digit *digit);

#define MEDIA_DTMF_QUEUE 16

struct media_dtmf_queued {
    uint8_t event;
    uint16_t duration_ms;
};

struct media_dtmf_tx {
    bool active;
    uint8_t event;
    uint8_t ends;  /* end packets sent */
    uint8_t pause; /* packet times of silence left after an event */
    uint32_t timestamp;
    uint32_t duration; /* so far */
    uint32_t total;
};

/* The event code of a digit, or -1 */
int media_dtmf_event(char digit);
void media_dtmf_begin(struct media_dtmf_tx *tx, const struct media_dtmf_queued *digit,
                      unsigned clock_rate, uint32_t timestamp);
/*
 * The next packet time of an event: writes 4 octets of payload and sets marker. false: nothing is to
 * be sent this time (the pause after an event); tx->active says whether it is over.
 */
bool media_dtmf_next(struct media_dtmf_tx *tx, unsigned units, uint8_t payload[4], bool *marker);

/* ---- RTCP packets (rtcp_packet.c) ---- */

struct media_rtcp_block { /* a report about one source */
    uint32_t ssrc;
    uint8_t fraction_lost;
    int32_t lost;
    uint32_t max_sequence;
    uint32_t jitter;
    uint32_t lsr, dlsr;
};

struct media_rtcp_report { /* what a compound packet of ours says, or what we want of a peer's */
    uint32_t ssrc;         /* of who reports */
    bool sender;           /* SR, not RR */
    uint64_t ntp;
    uint32_t timestamp;
    uint32_t packets, octets;
    bool has_block;
    struct media_rtcp_block block; /* about us; about the peer */
    bool bye;
    const char *cname; /* ours only */
};

#define MEDIA_RTCP_SIZE 160

/* Octets written: SR or RR, SDES with CNAME, and BYE when it says so */
unsigned media_rtcp_write(uint8_t out[MEDIA_RTCP_SIZE], const struct media_rtcp_report *report);
/*
 * Check a compound packet (RFC 3550 A.2) and take from it what concerns us: the sender's report, and
 * its block about `about`. 0; -1: it is no valid compound packet.
 */
int media_rtcp_parse(const uint8_t *data, size_t size, uint32_t about,
                     struct media_rtcp_report *report);

/* ---- streams ---- */

#define MEDIA_CNAME_SIZE 17

struct media_rtcp {
    char cname[MEDIA_CNAME_SIZE]; /* RFC 7022: random for each stream */
    bool sent;                    /* anything: a BYE may be said (RFC 3550 6.3.7) */
    uint32_t remote_ssrc;         /* of the last SR */
    uint32_t last_sr;             /* middle of its NTP time; 0: none came */
    uint64_t last_sr_at;
    uint32_t packets_before; /* sent, at the last two reports of ours */
    uint32_t packets_before_that;
    uint32_t rtt_us;
};

enum media_mode { MEDIA_IDLE, MEDIA_ECHO, MEDIA_AUDIO };

/*
 * A source and sink given to a stream. Made on the SIP thread; goes to the media thread with the want,
 * and back to the SIP thread to be released.
 */
struct media_binding {
    const struct ast_audio *audio;
    void *data;
    bool replaced;              /* SIP thread: `finished` is not wanted any more */
    struct media_binding *next; /* of the list of those that could not be pushed */
};

struct media_stats_request {
    void (*told)(void *data, const struct ast_rtp_stats *stats);
    void *data;
    struct ast_rtp_stats stats;
    struct media_stats_request *next;
};

/* The media thread's part of a stream */
struct media_stream {
    bool started;
    bool ended_reading; /* of the binding: `finished` was told */
    bool timed_out;
    bool talking; /* the last packet time had audio: no marker */
    bool symmetric;
    uint8_t mode; /* enum media_mode */
    uint32_t generation;
    int heap_index;    /* -1: not in the heap */
    uint64_t deadline; /* the earliest of those below; 0: none */
    uint64_t tick_at, rtcp_at, timeout_at, keepalive_at, dtmf_at, dtmf_lost_at;
    uint64_t heard; /* RTP, by the monotonic clock */
    uint64_t spoke;
    struct ast_rtp_params params;
    uint32_t next_timestamp;                 /* of audio, while talking */
    union media_address send_rtp, send_rtcp; /* where to */
    union media_address remote_rtcp;         /* what the SDP said */
    struct media_binding *binding;
    struct media_coder *encoder, *decoder;
    struct media_sender sender;
    struct media_relay relay;
    struct media_source source;
    struct media_learn learn;
    struct media_rtcp rtcp;
    struct media_dtmf_rx dtmf_rx;
    struct media_dtmf_tx dtmf_tx;
    uint64_t tx_packets, tx_octets, rx_packets, rx_octets;
    uint32_t discarded;
};

/* What the SIP thread wants; under the thread's lock */
struct media_want {
    bool queued; /* in the thread's queue */
    bool seen;   /* by the media thread, since it was made */
    bool start, set_mode, destroy;
    bool symmetric;
    uint8_t mode; /* enum media_mode */
    uint8_t digit_count;
    uint32_t generation;
    struct media_binding *binding; /* of a set_mode that the media thread did not take yet */
    struct media_stats_request *stats;
    struct media_dtmf_queued digits[MEDIA_DTMF_QUEUE];
    struct ast_rtp_params params;
};

/* What epoll knows of a socket */
struct media_socket {
    int fd;
    bool is_rtcp;
    struct ast_rtp *rtp;
};

struct ast_rtp {
    PJ_DECL_LIST_MEMBER(
        struct ast_rtp); /* the thread's queue, or a pool's list of the ready; its lock */

    /* does not change while the sockets are open */
    struct media_thread *thread;
    struct media_pool *pool;
    struct media_socket rtp, rtcp;
    unsigned port;

    /* the SIP thread's */
    struct ast_rtp *before, *behind; /* of the list of handles */
    bool alive;
    bool started;
    int tos;             /* of its sockets; 0: as they were opened */
    unsigned cos;        /* likewise */
    uint32_t generation; /* of the handle: one more for each time it is handed out */
    const struct ast_rtp_events *events;
    void *data;
    struct media_binding *binding; /* the one in force, as seen from the SIP thread */

    uint64_t free_since; /* under the lock */
    atomic_uint
        refs; /* one while its sockets are open, one for each event under way to the SIP thread */

    struct media_want want;
    struct media_stream stream;
};

/* ---- ports (port.c) ---- */

/* The pairs of a range of ports on one address. Made on the SIP thread, never freed before the stop. */
struct media_range;

void media_range_init(unsigned port_start, unsigned port_end, int tos);
/* Marks what a pair of sockets sends: 0 is what the whole process does. */
void media_mark(const int fds[2], int tos, unsigned cos);
void media_range_free_all(void);
/* Streams that name no range have this one from now on. */
void media_range_change(unsigned port_start, unsigned port_end);
/* The range of an address; port_start 0: the configured one. NULL: nonsense or no memory, logged. */
struct media_range *media_range_get(const union media_address *address, unsigned port_start,
                                    unsigned port_end);
/* Bind a pair that is free. The port; 0: none is free or no descriptors: `error` is the errno. */
unsigned media_range_bind(struct media_range *range, int fds[2], int *error);
/* The pair's sockets are closed; any thread */
void media_range_release(struct media_range *range, unsigned port);
unsigned media_range_free_pairs(struct media_range *range);
/* Whether a port of another range is one of this range, too. */
bool media_range_has(const struct media_range *range, const struct media_range *other,
                     unsigned port);

/* ---- threads (thread.c) and pools of streams that are ready (pool.c) ---- */

#define MEDIA_BATCH       32
#define MEDIA_PACKET_SIZE 1600
/* What an idle thread that expects work sleeps at most; what was queued without a wake waits so long. */
#define MEDIA_NAP (200 * 1000000ull)

/* Streams of one range and thread that are closed for their users, with sockets open; thread's lock. */
struct media_pool {
    struct media_pool *next;
    struct media_range *range;
    struct media_thread *thread;
    struct ast_rtp ready; /* list head: oldest first */
};

struct media_buffers; /* receive.c */

struct media_thread {
    pthread_t id;
    int epoll_fd;
    int event_fd;

    pthread_mutex_t lock;
    struct ast_rtp queue; /* list head */
    struct media_pool *pools;
    bool asleep;  /* in epoll_wait, or about to be ... */
    bool napping; /* ... for no longer than MEDIA_NAP */
    bool woken;   /* the eventfd was written since */
    bool stop;
    unsigned posts; /* how often the SIP thread came by */

    /* the thread's own */
    unsigned posts_seen;
    bool pooled;  /* there may be streams in its pools */
    uint64_t now; /* of this round */
    uint64_t trim_at;
    struct ast_rtp **heap;
    unsigned heap_count, heap_size;
    struct media_buffers *buffers;
    /* What could not be pushed, for media_stop to say; after the thread ended the SIP thread's */
    struct media_binding *unreleased;
    struct media_stats_request *untold;
};

struct media_thread *media_thread_create(void); /* runs; NULL: logged */
/* Ends it, and waits: only media_stop may. What it owned belongs to the caller then. */
void media_thread_stop(struct media_thread *thread);
/* Frees it with all that is in its pools */
void media_thread_destroy(struct media_thread *thread);
/* Queue a stream; under the lock. urgent: the thread is woken when it sleeps. */
void media_thread_post(struct media_thread *thread, struct ast_rtp *rtp, bool urgent);
/* Something was done that the thread should look at within MEDIA_NAP or so; under the lock */
void media_thread_nudge(struct media_thread *thread);
int media_thread_watch(struct media_thread *thread, struct media_socket *socket);

/* SIP thread: a stream that is ready, or NULL. any: also one that was in use just now. */
struct ast_rtp *media_pool_take(struct media_thread *thread, struct media_range *range, bool any);
/* SIP thread: one of another range (of before a reload, of an endpoint) that has a port of this
 * one, or NULL. It goes back to where it was. */
struct ast_rtp *media_pool_take_other(struct media_thread *thread, const struct media_range *range);
/* SIP thread: a new one. NULL: no port (EADDRINUSE), descriptor or memory: error is the errno. */
struct ast_rtp *media_pool_open(struct media_thread *thread, struct media_range *range, int *error);
/* Back into its pool; under the lock */
void media_pool_put(struct ast_rtp *rtp, uint64_t now);
/* Closes some of those that nobody needed; the media thread. Returns whether any are left. */
bool media_pool_trim(struct media_thread *thread, uint64_t now);
/* Closes its sockets and gives up their reference; on its media thread, or when that has ended. */
void media_rtp_close(struct ast_rtp *rtp);
void media_rtp_unref(struct ast_rtp *rtp); /* any thread */

/* The thread's timers (heap.c): each stream is in at most once, at its deadline. */
void media_heap_set(struct media_thread *thread, struct ast_rtp *rtp,
                    uint64_t deadline); /* 0: out */
struct ast_rtp *media_heap_first(const struct media_thread *thread);

/* ---- the media thread at work ---- */

/* stream.c: what was wanted becomes so. */
void media_stream_init(struct media_stream *stream);
/* Called with the thread's lock held, returns without it */
void media_stream_apply(struct media_thread *thread, struct ast_rtp *rtp);
void media_stream_timers(struct media_thread *thread, struct ast_rtp *rtp);
/* Looks at its deadlines again */
void media_stream_schedule(struct media_thread *thread, struct ast_rtp *rtp);
void media_stream_stats(const struct media_stream *stream, struct ast_rtp_stats *stats);
bool media_stream_may_send(const struct media_stream *stream);

/* receive.c */
struct media_buffers *media_buffers_create(void);
void media_buffers_destroy(struct media_buffers *buffers);
short *media_buffers_samples(struct media_buffers *buffers); /* MEDIA_MAX_SAMPLES */
void media_receive(struct media_thread *thread, struct media_socket *socket);

/* send.c: buffer has room for the header before packet->length octets of payload */
void media_send(struct ast_rtp *rtp, uint8_t *buffer, struct media_packet *packet, uint64_t now);
void media_send_keepalive(struct media_thread *thread, struct ast_rtp *rtp);
void media_dtmf_start(struct media_thread *thread,
                      struct ast_rtp *rtp); /* the next digit, if any */
void media_dtmf_tick(struct media_thread *thread, struct ast_rtp *rtp);
void media_dtmf_heard(struct media_thread *thread, struct ast_rtp *rtp, const uint8_t *payload,
                      const struct media_packet *packet);
void media_dtmf_check_lost(struct media_thread *thread, struct ast_rtp *rtp);

/* audio.c: a packet time of a stream that has something to say; a received payload for a sink */
void media_audio_tick(struct media_thread *thread, struct ast_rtp *rtp);
void media_audio_write(struct media_thread *thread, struct ast_rtp *rtp, const uint8_t *payload,
                       unsigned length);
bool media_audio_wants_tick(const struct media_stream *stream);
void media_audio_drop_coders(struct media_stream *stream);

/* rtcp.c */
void media_rtcp_start(struct media_stream *stream);
void media_rtcp_send(struct ast_rtp *rtp, bool bye, uint64_t now);
uint64_t media_rtcp_interval(bool first);
void media_rtcp_received(struct ast_rtp *rtp, const uint8_t *data, size_t size,
                         const union media_address *from, uint64_t now);

/* event.c: what the SIP thread is told */
void media_event_init(int (*push)(int (*task)(void *data), void *data));
void media_event_dtmf(struct ast_rtp *rtp, const struct media_dtmf_digit *digit);
void media_event_timeout(struct ast_rtp *rtp);
void media_event_finished(struct media_binding *binding);
/* thread NULL: on the SIP thread */
void media_event_release(struct media_thread *thread, struct media_binding *binding);
void media_event_told(struct media_thread *thread, struct media_stats_request *request);
/* SIP thread: says what could not be pushed */
void media_event_say_left(struct media_thread *thread);

#endif
