/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: a media thread: sleeps in epoll_wait, takes what the SIP thread queued, runs timers, hands
 * readable sockets on. Nothing here may block but epoll_wait, and the lock is held for a few
 * instructions only.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <sipsession/log.h>

#include "media/media.h"

#define EVENTS 64

/* ---- called by the SIP thread, under the lock ---- */

static void wake(struct media_thread *thread)
{
    const uint64_t one = 1;

    if (!thread->asleep || thread->woken) {
        return; /* it looks at its queue before it sleeps */
    }
    thread->woken = true;
    while (write(thread->event_fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

void media_thread_nudge(struct media_thread *thread)
{
    thread->posts++;
    if (!thread->napping) {
        wake(thread);
    }
}

void media_thread_post(struct media_thread *thread, struct ast_rtp *rtp, bool urgent)
{
    if (!rtp->want.queued) {
        rtp->want.queued = true;
        pj_list_push_back(&thread->queue, rtp);
    }
    media_thread_nudge(thread);
    if (urgent) {
        wake(thread);
    }
}

int media_thread_watch(struct media_thread *thread, struct media_socket *socket)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = socket};

    return epoll_ctl(thread->epoll_fd, EPOLL_CTL_ADD, socket->fd, &event);
}

/* ---- the thread ---- */

static void run_queue(struct media_thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    thread->asleep = false;
    while (!pj_list_empty(&thread->queue)) {
        struct ast_rtp *const rtp = thread->queue.next;

        pj_list_erase(rtp);
        pj_list_init(rtp);
        rtp->want.queued = false;
        rtp->want.seen = true;
        media_stream_apply(thread, rtp); /* lets go of the lock as soon as it has read the letter */
        pthread_mutex_lock(&thread->lock);
    }
    pthread_mutex_unlock(&thread->lock);
}

static void run_timers(struct media_thread *thread)
{
    struct ast_rtp *rtp;

    while ((rtp = media_heap_first(thread)) && rtp->stream.deadline <= thread->now) {
        media_stream_timers(thread, rtp);
        media_stream_schedule(thread, rtp);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How long to sleep, in ms; -1: until something comes. From here on the SIP thread takes it as asleep. */
static int fall_asleep(struct media_thread *thread)
{
    const struct ast_rtp *const first = media_heap_first(thread);
    const uint64_t now = thread->now;
    uint64_t until = first ? first->stream.deadline : UINT64_MAX;

    pthread_mutex_lock(&thread->lock);
    if (thread->posts != thread->posts_seen) {
        thread->posts_seen = thread->posts;
        thread->pooled = true;
        until = earlier(until, now + MEDIA_NAP);
    }
    if (thread->pooled) {
        until = earlier(until, thread->trim_at > now ? thread->trim_at : now + MEDIA_NAP);
    }
    if (!pj_list_empty(&thread->queue) || thread->stop) {
        until = now;
    }
    thread->asleep = true;
    thread->woken = false;
    thread->napping = until <= now + MEDIA_NAP;
    pthread_mutex_unlock(&thread->lock);
    if (until == UINT64_MAX) {
        return -1;
    }
    return until <= now ? 0 : (int)((until - now + 999999) / 1000000);
}

static void run_events(struct media_thread *thread, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        struct media_socket *const socket = events[i].data.ptr;

        if (socket) { /* the eventfd has none, and is not read: it tells of each write once */
            media_receive(thread, socket);
        }
    }
}

static bool stopping(struct media_thread *thread)
{
    bool stop;

    pthread_mutex_lock(&thread->lock);
    stop = thread->stop;
    pthread_mutex_unlock(&thread->lock);
    return stop;
}

static void *run(void *data)
{
    struct media_thread *const thread = data;
    struct epoll_event events[EVENTS];
    pj_thread_desc descriptor; /* PJLIB wants to know the threads that call it */
    pj_thread_t *unused;

    memset(descriptor, 0, sizeof(descriptor));
    pj_thread_register("media", descriptor, &unused);
    while (!stopping(thread)) {
        thread->now = media_now();
        run_timers(thread);
        media_pool_trim(thread, thread->now);
        const int count = epoll_wait(thread->epoll_fd, events, EVENTS, fall_asleep(thread));

        thread->now = media_now();
        run_queue(thread); /* first: what comes now comes to the streams as they are wanted now */
        run_events(thread, events, count);
    }
    run_queue(thread);
    return NULL;
}

/* ---- made and ended ---- */

static int start_thread(struct media_thread *thread)
{
    sigset_t every, before;
    int error;

    /* Signals are the main thread's. */
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    error = pthread_create(&thread->id, NULL, run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        ast_error("media: no thread: %s", strerror(error));
        return -1;
    }
    return 0;
}

static int open_descriptors(struct media_thread *thread)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};

    thread->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    thread->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (thread->epoll_fd < 0 || thread->event_fd < 0 ||
        epoll_ctl(thread->epoll_fd, EPOLL_CTL_ADD, thread->event_fd, &event)) {
        ast_error("media: no descriptors for a thread: %s", strerror(errno));
        return -1;
    }
    return 0;
}

static void free_thread(struct media_thread *thread)
{
    while (thread->pools) {
        struct media_pool *const pool = thread->pools;

        while (!pj_list_empty(&pool->ready)) {
            struct ast_rtp *const rtp = pool->ready.next;

            pj_list_erase(rtp);
            media_rtp_close(rtp);
        }
        thread->pools = pool->next;
        free(pool);
    }
    if (thread->event_fd >= 0) {
        close(thread->event_fd);
    }
    if (thread->epoll_fd >= 0) {
        close(thread->epoll_fd);
    }
    media_buffers_destroy(thread->buffers);
    free(thread->heap);
    pthread_mutex_destroy(&thread->lock);
    free(thread);
}

struct media_thread *media_thread_create(void)
{
    struct media_thread *const thread = calloc(1, sizeof(*thread));

    if (!thread) {
        ast_error("media: no memory for a thread");
        return NULL;
    }
    thread->epoll_fd = -1;
    thread->event_fd = -1;
    pj_list_init(&thread->queue);
    pthread_mutex_init(&thread->lock, NULL);
    thread->buffers = media_buffers_create();
    if (!thread->buffers || open_descriptors(thread) || start_thread(thread)) {
        free_thread(thread);
        return NULL;
    }
    return thread;
}

void media_thread_stop(struct media_thread *thread)
{
    pthread_mutex_lock(&thread->lock);
    thread->stop = true;
    wake(thread);
    pthread_mutex_unlock(&thread->lock);
    pthread_join(thread->id, NULL);
}

void media_thread_destroy(struct media_thread *thread)
{
    free_thread(thread);
}
