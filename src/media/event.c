/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: what the SIP thread is told, as tasks. Made on the media threads; the functions named *_task
 * run on the SIP thread, where a handle that was destroyed meanwhile is seen by its generation.
 */
#include <stdlib.h>

#include <sipsession/log.h>

#include "media/media.h"

/* A peer that sends digits faster than the SIP thread takes them loses some. */
#define MOST_UNDER_WAY 16

static int (*push)(int (*task)(void *data), void *data);

void media_event_init(int (*push_task)(int (*task)(void *data), void *data))
{
    push = push_task;
}

/* ---- of a stream: digits and time-outs ---- */

struct event {
    struct ast_rtp *rtp; /* a reference */
    uint32_t generation;
    char digit; /* 0: a time-out */
    unsigned duration_ms;
};

static int event_task(void *data)
{
    struct event *const event = data;
    struct ast_rtp *const rtp = event->rtp;
    const struct ast_rtp_events *const events = rtp->events;

    base_assert_sip_thread();
    if (rtp->alive && rtp->generation == event->generation && events) {
        if (event->digit && events->dtmf) {
            events->dtmf(rtp->data, event->digit, event->duration_ms);
        } else if (!event->digit && events->timeout) {
            events->timeout(rtp->data);
        }
    }
    media_rtp_unref(rtp);
    free(event);
    return 0;
}

static void tell(struct ast_rtp *rtp, char digit, unsigned duration_ms)
{
    struct event *event;

    if (atomic_load(&rtp->refs) > MOST_UNDER_WAY) {
        return;
    }
    event = malloc(sizeof(*event));
    if (!event) {
        ast_error_limited("media: no memory for an event");
        return;
    }
    atomic_fetch_add(&rtp->refs, 1);
    *event = (struct event){.rtp = rtp,
                            .generation = rtp->stream.generation,
                            .digit = digit,
                            .duration_ms = duration_ms};
    if (push(event_task, event)) {
        media_rtp_unref(rtp);
        free(event);
    }
}

void media_event_dtmf(struct ast_rtp *rtp, const struct media_dtmf_digit *digit)
{
    tell(rtp, digit->digit, digit->duration);
}

void media_event_timeout(struct ast_rtp *rtp)
{
    tell(rtp, 0, 0);
}

/* ---- of a source and sink ---- */

static int finished_task(void *data)
{
    struct media_binding *const binding = data;

    base_assert_sip_thread();
    if (!binding->replaced && binding->audio->finished) {
        binding->audio->finished(binding->data);
    }
    return 0;
}

void media_event_finished(struct media_binding *binding)
{
    /* The binding lives until its release, which is pushed behind this. */
    if (binding->audio->finished) {
        (void)push(finished_task, binding);
    }
}

static int release_task(void *data)
{
    struct media_binding *const binding = data;

    base_assert_sip_thread();
    if (binding->audio->released) {
        binding->audio->released(binding->data);
    }
    free(binding);
    return 0;
}

void media_event_release(struct media_thread *thread, struct media_binding *binding)
{
    if (push(release_task, binding) == 0) {
        return;
    }
    if (thread) {
        binding->next = thread->unreleased;
        thread->unreleased = binding;
    } else {
        release_task(binding);
    }
}

/* ---- statistics ---- */

static int told_task(void *data)
{
    struct media_stats_request *const request = data;

    base_assert_sip_thread();
    request->told(request->data, &request->stats);
    free(request);
    return 0;
}

void media_event_told(struct media_thread *thread, struct media_stats_request *request)
{
    if (push(told_task, request) == 0) {
        return;
    }
    if (thread) {
        request->next = thread->untold;
        thread->untold = request;
    } else {
        told_task(request);
    }
}

void media_event_say_left(struct media_thread *thread)
{
    while (thread->unreleased) {
        struct media_binding *const binding = thread->unreleased;

        thread->unreleased = binding->next;
        release_task(binding);
    }
    while (thread->untold) {
        struct media_stats_request *const request = thread->untold;

        thread->untold = request->next;
        told_task(request);
    }
}
