/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: streams that nobody uses, with their sockets open and watched: the next call takes one without
 * a system call. What still comes for the last call is dropped, as from every stream that is not
 * started. A stream rests for POOL_REST before it is taken again, and is closed when nobody took it
 * for POOL_KEEP.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "media/media.h"

#define POOL_REST  (1 * MEDIA_NS)
#define POOL_KEEP  (4 * MEDIA_NS)
#define TRIM_EVERY (1 * MEDIA_NS)
#define TRIM_MOST  128 /* at a time: closing takes its time */

/* Under the thread's lock. NULL: there is none. */
static struct media_pool *find(struct media_thread *thread, const struct media_range *range)
{
    struct media_pool *pool = thread->pools;

    while (pool && pool->range != range) {
        pool = pool->next;
    }
    return pool;
}

struct ast_rtp *media_pool_take(struct media_thread *thread, struct media_range *range, bool any)
{
    const uint64_t now = media_now();
    struct ast_rtp *rtp = NULL;

    pthread_mutex_lock(&thread->lock);
    struct media_pool *const pool = find(thread, range);

    if (pool && !pj_list_empty(&pool->ready) &&
        (any || now - pool->ready.next->free_since >= POOL_REST)) {
        rtp = pool->ready.next;
        pj_list_erase(rtp);
    }
    pthread_mutex_unlock(&thread->lock);
    return rtp;
}

/* Under the thread's lock. NULL: there is none. */
static struct ast_rtp *find_port(struct media_pool *pool, const struct media_range *range)
{
    struct ast_rtp *rtp = pool->ready.next;

    while (rtp != &pool->ready && !media_range_has(range, pool->range, rtp->port)) {
        rtp = rtp->next;
    }
    return rtp != &pool->ready ? rtp : NULL;
}

struct ast_rtp *media_pool_take_other(struct media_thread *thread, const struct media_range *range)
{
    struct ast_rtp *rtp = NULL;

    pthread_mutex_lock(&thread->lock);
    for (struct media_pool *pool = thread->pools; pool && !rtp; pool = pool->next) {
        rtp = pool->range != range ? find_port(pool, range) : NULL;
    }
    if (rtp) {
        pj_list_erase(rtp);
    }
    pthread_mutex_unlock(&thread->lock);
    return rtp;
}

void media_pool_put(struct ast_rtp *rtp, uint64_t now)
{
    rtp->free_since = now;
    pj_list_push_back(&rtp->pool->ready, rtp);
}

static struct media_pool *get_pool(struct media_thread *thread, struct media_range *range)
{
    struct media_pool *pool;

    pthread_mutex_lock(&thread->lock);
    pool = find(thread, range);
    if (!pool && (pool = calloc(1, sizeof(*pool)))) {
        pj_list_init(&pool->ready);
        pool->range = range;
        pool->thread = thread;
        pool->next = thread->pools;
        thread->pools = pool;
    }
    pthread_mutex_unlock(&thread->lock);
    return pool;
}

/* 0, or an errno */
static int open_and_watch(struct media_thread *thread, struct ast_rtp *rtp)
{
    int fds[2];
    int error = 0;
    const unsigned port = media_range_bind(rtp->pool->range, fds, &error);

    if (!port) {
        return error;
    }
    rtp->port = port;
    rtp->rtp = (struct media_socket){.fd = fds[0], .rtp = rtp};
    rtp->rtcp = (struct media_socket){.fd = fds[1], .is_rtcp = true, .rtp = rtp};
    if (media_thread_watch(thread, &rtp->rtp) || media_thread_watch(thread, &rtp->rtcp)) {
        error = errno;
        close(fds[0]);
        close(fds[1]);
        media_range_release(rtp->pool->range, port);
    }
    return error;
}

struct ast_rtp *media_pool_open(struct media_thread *thread, struct media_range *range, int *error)
{
    struct media_pool *const pool = get_pool(thread, range);
    struct ast_rtp *const rtp = pool ? calloc(1, sizeof(*rtp)) : NULL;

    if (!rtp) {
        *error = ENOMEM;
        return NULL;
    }
    pj_list_init(rtp);
    rtp->thread = thread;
    rtp->pool = pool;
    atomic_init(&rtp->refs, 1);
    media_stream_init(&rtp->stream);
    const int result = open_and_watch(thread, rtp);

    if (result) {
        *error = result;
        free(rtp);
        return NULL;
    }
    return rtp;
}

void media_rtp_unref(struct ast_rtp *rtp)
{
    if (atomic_fetch_sub(&rtp->refs, 1) == 1) {
        free(rtp);
    }
}

void media_rtp_close(struct ast_rtp *rtp)
{
    /* Closing takes them out of the epoll set: nobody else has these descriptors. */
    close(rtp->rtp.fd);
    close(rtp->rtcp.fd);
    media_range_release(rtp->pool->range, rtp->port);
    media_rtp_unref(rtp);
}

/* Moves what has rested too long to a list; whether any are left. Under the lock. */
static bool pick_old(struct media_pool *pool, uint64_t now, struct ast_rtp *old, unsigned most)
{
    while (most-- > 0 && !pj_list_empty(&pool->ready) &&
           now - pool->ready.next->free_since >= POOL_KEEP) {
        struct ast_rtp *const rtp = pool->ready.next;

        pj_list_erase(rtp);
        pj_list_push_back(old, rtp);
    }
    return !pj_list_empty(&pool->ready);
}

bool media_pool_trim(struct media_thread *thread, uint64_t now)
{
    struct ast_rtp old;
    bool left = false;

    if (now < thread->trim_at) {
        return thread->pooled;
    }
    thread->trim_at = now + TRIM_EVERY;
    pj_list_init(&old);
    pthread_mutex_lock(&thread->lock);
    for (struct media_pool *pool = thread->pools; pool; pool = pool->next) {
        left |= pick_old(pool, now, &old, TRIM_MOST);
    }
    pthread_mutex_unlock(&thread->lock);
    while (!pj_list_empty(&old)) {
        struct ast_rtp *const rtp = old.next;

        pj_list_erase(rtp);
        media_rtp_close(rtp);
    }
    thread->pooled = left;
    return left;
}
