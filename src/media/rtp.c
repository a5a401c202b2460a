/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: the handle of a stream, on the SIP thread. Each function writes down what is wanted and
 * queues the stream for its media thread; none waits. See media.h for who owns what.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "media/media.h"

static struct {
    struct media_thread *threads[MEDIA_MAX_THREADS];
    unsigned made;  /* of them */
    unsigned count; /* those that get new streams: the first ones */
    unsigned next;
    bool started;
    struct ast_rtp *alive; /* all handles that are not destroyed */
} room;

/* ---- start and stop ---- */

void media_config_init(struct media_config *config)
{
    memset(config, 0, sizeof(*config));
    config->threads = 1;
    config->port_start = 10000;
    config->port_end = 20000;
}

static int is_possible(const struct media_config *config)
{
    if (config->threads < 1 || config->threads > MEDIA_MAX_THREADS || config->port_start < 2 ||
        config->port_end > 65535 ||
        config->port_end < config->port_start + config->port_start % 2 + 1) {
        ast_error("media: %u threads with ports %u to %u can not be", config->threads,
                  config->port_start, config->port_end);
        return 0;
    }
    return 1;
}

/* 0; -1 logged: those that were made stay. */
static int make_threads(unsigned wanted)
{
    while (room.made < wanted) {
        room.threads[room.made] = media_thread_create();
        if (!room.threads[room.made]) {
            return -1;
        }
        room.made++;
    }
    return 0;
}

int media_start(const struct media_config *config, int (*push)(int (*task)(void *data), void *data))
{
    base_assert_sip_thread();
    base_assert(!room.started);
    if (!is_possible(config)) {
        return -1;
    }
    room.started = true;
    media_event_init(push);
    media_range_init(config->port_start, config->port_end, config->tos);
    if (media_g722_start()) {
        room.started = false;
        return -1;
    }
    if (make_threads(config->threads) != 0) {
        media_stop();
        return -1;
    }
    room.count = config->threads;
    return 0;
}

int media_reload_prepare(const struct media_config *config)
{
    base_assert_sip_thread();
    base_assert(room.started);
    return is_possible(config) ? make_threads(config->threads) : -1;
}

void media_reload_commit(const struct media_config *config)
{
    room.count = config->threads;
    media_range_change(config->port_start, config->port_end);
}

void media_stop(void)
{
    base_assert_sip_thread();
    if (!room.started) {
        return;
    }
    while (room.alive) {
        ast_warning("media: the stream on port %u is still in use at the end", room.alive->port);
        ast_rtp_destroy(room.alive);
    }
    for (unsigned i = 0; i < room.made; i++) {
        media_thread_stop(room.threads[i]); /* it has run its queue to the end */
    }
    for (unsigned i = 0; i < room.made; i++) {
        media_event_say_left(room.threads[i]);
        media_thread_destroy(room.threads[i]);
        room.threads[i] = NULL;
    }
    media_range_free_all();
    media_wav_forget_all();
    media_g722_stop();
    room.made = 0;
    room.count = 0;
    room.next = 0;
    room.started = false;
}

/* ---- made and destroyed ---- */

void ast_rtp_options_init(struct ast_rtp_options *options)
{
    memset(options, 0, sizeof(*options));
}

void ast_rtp_params_init(struct ast_rtp_params *params)
{
    memset(params, 0, sizeof(*params));
    params->tx_event_payload_type = -1;
    params->rx_event_payload_type = -1;
    params->direction = AST_RTP_SENDRECV;
}

/* One that has rested; else a new one; else one that has not rested; else one that is kept for
 * another range. */
static struct ast_rtp *find(struct media_range *range, int *error)
{
    const unsigned first = room.next++ % room.count;
    struct ast_rtp *rtp = NULL;

    for (unsigned i = 0; i < room.count && !rtp; i++) {
        rtp = media_pool_take(room.threads[(first + i) % room.count], range, false);
    }
    if (!rtp) {
        rtp = media_pool_open(room.threads[first], range, error);
    }
    for (unsigned i = 0; i < room.count && !rtp; i++) {
        rtp = media_pool_take(room.threads[(first + i) % room.count], range, true);
    }
    for (unsigned i = 0; i < room.made && !rtp; i++) {
        rtp = media_pool_take_other(room.threads[i], range);
    }
    return rtp;
}

static void enlist(struct ast_rtp *rtp)
{
    rtp->alive = true;
    rtp->before = NULL;
    rtp->behind = room.alive;
    if (room.alive) {
        room.alive->before = rtp;
    }
    room.alive = rtp;
}

static void delist(struct ast_rtp *rtp)
{
    rtp->alive = false;
    if (rtp->before) {
        rtp->before->behind = rtp->behind;
    } else {
        room.alive = rtp->behind;
    }
    if (rtp->behind) {
        rtp->behind->before = rtp->before;
    }
}

/* What the last call wanted of its sockets is not what this one wants. */
static void mark(struct ast_rtp *rtp, int tos, unsigned cos)
{
    const int fds[2] = {rtp->rtp.fd, rtp->rtcp.fd};

    if (rtp->tos != tos || rtp->cos != cos) {
        media_mark(fds, tos, cos);
        rtp->tos = tos;
        rtp->cos = cos;
    }
}

int ast_rtp_create(struct ast_rtp **rtp, const struct ast_rtp_options *options)
{
    union media_address address;
    struct media_range *range;
    struct ast_rtp *found;
    int error = 0;

    base_assert_sip_thread();
    base_assert(room.started);
    media_address_from_pj(&address, &options->address);
    if (address.any.sa_family == AF_UNSPEC) {
        ast_error_limited("media: a stream without an address");
        return -1;
    }
    range = media_range_get(&address, options->port_start, options->port_end);
    if (!range) {
        return -1;
    }
    found = find(range, &error);
    if (!found) {
        ast_error_limited("media: no ports for a stream: %s",
                          error == EADDRINUSE ? "all of the range are in use" : strerror(error));
        return -1;
    }
    enlist(found);
    mark(found, options->tos, options->cos);
    found->started = false;
    found->generation++;
    found->events = options->events;
    found->data = options->data;
    found->binding = NULL;
    memset(&found->want, 0, sizeof(found->want));
    found->want.generation = found->generation;
    found->want.symmetric = options->symmetric != 0;
    *rtp = found;
    return 0;
}

unsigned ast_rtp_port(const struct ast_rtp *rtp)
{
    return rtp->port;
}

/* The media thread never saw it: it goes back without a detour. Under the lock. */
static void take_back(struct ast_rtp *rtp)
{
    struct media_want *const want = &rtp->want;

    if (want->queued) {
        want->queued = false;
        pj_list_erase(rtp);
    }
    media_pool_put(rtp, media_now());
    media_thread_nudge(rtp->thread);
}

void ast_rtp_destroy(struct ast_rtp *rtp)
{
    struct media_thread *const thread = rtp->thread;
    struct media_want *const want = &rtp->want;
    struct media_binding *unseen = NULL;

    base_assert_sip_thread();
    base_assert(rtp->alive);
    delist(rtp);
    rtp->events = NULL;
    if (rtp->binding) {
        rtp->binding->replaced = true;
        rtp->binding = NULL;
    }
    pthread_mutex_lock(&thread->lock);
    if (!want->seen && !want->stats) {
        unseen = want->binding;
        want->binding = NULL;
        take_back(rtp);
    } else {
        want->destroy = true;
        media_thread_post(thread, rtp, false);
    }
    pthread_mutex_unlock(&thread->lock);
    if (unseen) {
        media_event_release(NULL, unseen);
    }
}

/* ---- started ---- */

void ast_rtp_start(struct ast_rtp *rtp, const struct ast_rtp_params *params)
{
    struct media_thread *const thread = rtp->thread;

    base_assert_sip_thread();
    base_assert(rtp->alive && params->codec);
    pthread_mutex_lock(&thread->lock);
    rtp->want.params = *params;
    rtp->want.params.ptime = media_codec_fit_ptime(params->codec, params->ptime);
    rtp->want.start = true;
    /* A source of audio waits for it; all else can wait for the next packet or timer. */
    media_thread_post(thread, rtp, rtp->binding && rtp->binding->audio->read);
    pthread_mutex_unlock(&thread->lock);
    rtp->started = true;
}

const struct ast_rtp_params *ast_rtp_get_params(const struct ast_rtp *rtp)
{
    /* Only this thread writes them: no lock is needed to read. */
    return rtp->started ? &rtp->want.params : NULL;
}

/* ---- what it does ---- */

static void set_mode(struct ast_rtp *rtp, enum media_mode mode, struct media_binding *binding)
{
    struct media_thread *const thread = rtp->thread;
    struct media_want *const want = &rtp->want;
    struct media_binding *unseen;

    base_assert_sip_thread();
    base_assert(rtp->alive);
    if (rtp->binding) {
        rtp->binding->replaced = true;
    }
    rtp->binding = binding;
    pthread_mutex_lock(&thread->lock);
    unseen = want->binding;
    want->set_mode = true;
    want->mode = (uint8_t)mode;
    want->binding = binding;
    media_thread_post(thread, rtp, binding && binding->audio->read);
    pthread_mutex_unlock(&thread->lock);
    if (unseen) {
        media_event_release(NULL, unseen);
    }
}

void ast_rtp_set_idle(struct ast_rtp *rtp)
{
    set_mode(rtp, MEDIA_IDLE, NULL);
}

void ast_rtp_set_echo(struct ast_rtp *rtp)
{
    set_mode(rtp, MEDIA_ECHO, NULL);
}

int ast_rtp_set_audio(struct ast_rtp *rtp, const struct ast_audio *audio, void *data)
{
    struct media_binding *binding;

    base_assert_sip_thread();
    if (rtp->started && !rtp->want.params.codec->can_transcode) {
        ast_warning_limited("media: %s can not be read or written here",
                            rtp->want.params.codec->name);
        return -1;
    }
    binding = calloc(1, sizeof(*binding));
    if (!binding) {
        ast_error_limited("media: no memory for audio");
        return -1;
    }
    binding->audio = audio;
    binding->data = data;
    set_mode(rtp, MEDIA_AUDIO, binding);
    return 0;
}

int ast_rtp_send_dtmf(struct ast_rtp *rtp, char digit, unsigned duration_ms)
{
    struct media_thread *const thread = rtp->thread;
    struct media_want *const want = &rtp->want;
    const int event = media_dtmf_event(digit);
    int result = -1;

    base_assert_sip_thread();
    if (event < 0 || !rtp->started || want->params.tx_event_payload_type < 0) {
        return -1;
    }
    pthread_mutex_lock(&thread->lock);
    if (want->digit_count < MEDIA_DTMF_QUEUE) {
        /* RFC 4733 2.5.2.3 leaves lengths to the sender; below 40 ms nobody hears a digit. */
        const unsigned length = duration_ms < 40 ? 40 : duration_ms > 5000 ? 5000 : duration_ms;

        want->digits[want->digit_count++] =
            (struct media_dtmf_queued){.event = (uint8_t)event, .duration_ms = (uint16_t)length};
        media_thread_post(thread, rtp, true);
        result = 0;
    }
    pthread_mutex_unlock(&thread->lock);
    return result;
}

int ast_rtp_get_stats(struct ast_rtp *rtp,
                      void (*told)(void *data, const struct ast_rtp_stats *stats), void *data)
{
    struct media_thread *const thread = rtp->thread;
    struct media_stats_request *const request = calloc(1, sizeof(*request));

    base_assert_sip_thread();
    if (!request) {
        ast_error_limited("media: no memory for statistics");
        return -1;
    }
    request->told = told;
    request->data = data;
    pthread_mutex_lock(&thread->lock);
    request->next = rtp->want.stats;
    rtp->want.stats = request;
    media_thread_post(thread, rtp, true);
    pthread_mutex_unlock(&thread->lock);
    return 0;
}
