/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: the one timer of a channel, for the application that runs on it. PJSIP's heap keeps the time; unit tests
 * put a simulated clock in its place.
 */
#include <sipsession/log.h>
#include <sipsession/res_sip.h>

#include "channel/channel.h"

static int heap_schedule(pj_timer_entry *entry, const pj_time_val *delay)
{
    return pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), entry, delay) == PJ_SUCCESS
               ? 0
               : -1;
}

static void heap_cancel(pj_timer_entry *entry)
{
    pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), entry);
}

static const struct chan_clock heap_clock = {heap_schedule, heap_cancel};

const struct chan_clock *chan_clock = &heap_clock;

enum { IDLE, ARMED };

static void on_fire(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct ast_channel *channel = entry->user_data;

    (void)heap;
    entry->id = IDLE;
    ast_channel_ref(channel);
    channel->timer_fire(channel);
    ast_channel_unref(channel);
}

int chan_timer_start(struct ast_channel *channel, unsigned milliseconds,
                     void (*fire)(struct ast_channel *channel))
{
    pj_time_val delay = {(long)(milliseconds / 1000), (long)(milliseconds % 1000)};

    chan_timer_stop(channel);
    pj_timer_entry_init(&channel->timer, IDLE, channel, on_fire);
    if (chan_clock->schedule(&channel->timer, &delay) != 0) {
        ast_error_limited("%s: no timer for %u ms", channel->name, milliseconds);
        return -1;
    }
    channel->timer_fire = fire;
    channel->timer.id = ARMED;
    return 0;
}

void chan_timer_stop(struct ast_channel *channel)
{
    if (channel->timer.id == ARMED) {
        chan_clock->cancel(&channel->timer);
        channel->timer.id = IDLE;
    }
}
