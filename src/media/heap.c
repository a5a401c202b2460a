/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: the timers of a media thread: a binary heap of streams by their next deadline.
 */
#include <stdlib.h>

#include <sipsession/log.h>

#include "media/media.h"

static void place(struct media_thread *thread, unsigned at, struct ast_rtp *rtp)
{
    thread->heap[at] = rtp;
    rtp->stream.heap_index = (int)at;
}

static void sift_up(struct media_thread *thread, unsigned at, struct ast_rtp *rtp)
{
    while (at > 0) {
        struct ast_rtp *const parent = thread->heap[(at - 1) / 2];

        if (parent->stream.deadline <= rtp->stream.deadline) {
            break;
        }
        place(thread, at, parent);
        at = (at - 1) / 2;
    }
    place(thread, at, rtp);
}

static void sift_down(struct media_thread *thread, unsigned at, struct ast_rtp *rtp)
{
    for (;;) {
        unsigned child = 2 * at + 1;

        if (child >= thread->heap_count) {
            break;
        }
        if (child + 1 < thread->heap_count &&
            thread->heap[child + 1]->stream.deadline < thread->heap[child]->stream.deadline) {
            child++;
        }
        if (rtp->stream.deadline <= thread->heap[child]->stream.deadline) {
            break;
        }
        place(thread, at, thread->heap[child]);
        at = child;
    }
    place(thread, at, rtp);
}

static void move(struct media_thread *thread, unsigned at, struct ast_rtp *rtp)
{
    sift_up(thread, at, rtp);
    sift_down(thread, (unsigned)rtp->stream.heap_index, rtp);
}

static void take_out(struct media_thread *thread, struct ast_rtp *rtp)
{
    const unsigned at = (unsigned)rtp->stream.heap_index;
    struct ast_rtp *const last = thread->heap[--thread->heap_count];

    rtp->stream.heap_index = -1;
    if (last != rtp) {
        move(thread, at, last);
    }
}

static bool put_in(struct media_thread *thread, struct ast_rtp *rtp)
{
    if (thread->heap_count == thread->heap_size) {
        const unsigned size = thread->heap_size ? 2 * thread->heap_size : 64;
        struct ast_rtp **const heap = realloc(thread->heap, size * sizeof(*heap));

        if (!heap) {
            ast_error_limited("media: no memory for timers");
            return false;
        }
        thread->heap = heap;
        thread->heap_size = size;
    }
    sift_up(thread, thread->heap_count++, rtp);
    return true;
}

void media_heap_set(struct media_thread *thread, struct ast_rtp *rtp, uint64_t deadline)
{
    struct media_stream *const stream = &rtp->stream;

    if (deadline == 0) {
        if (stream->heap_index >= 0) {
            take_out(thread, rtp);
        }
        stream->deadline = 0;
    } else if (stream->heap_index < 0) {
        stream->deadline = deadline;
        if (!put_in(thread, rtp)) {
            stream->deadline = 0;
        }
    } else if (stream->deadline != deadline) {
        stream->deadline = deadline;
        move(thread, (unsigned)stream->heap_index, rtp);
    }
}

struct ast_rtp *media_heap_first(const struct media_thread *thread)
{
    return thread->heap_count ? thread->heap[0] : NULL;
}
