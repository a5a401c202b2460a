/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: when memory goes back to the system after a load. Knows no messages.
 *
 * What is free is given back when the load has gone, told by the number of pools in use: every few seconds while there
 * is work, and once more when there is none. An idle server has no timer running.
 */
#include <malloc.h>

#include <sipsession/log.h>

#include "res_sip/blocks.h"
#include "res_sip/core.h"

#define LOOK_AFTER 5   /* seconds */
#define WORTH_IT   256 /* pools fewer than at the peak, for a trim to pay */

static pj_timer_entry look_timer;
static int armed;
static int busy;            /* there was work since we looked */
static size_t pools_before; /* in use when we looked */
static size_t pools_peak;   /* the most since the last trim */

static void arm(void)
{
    const pj_time_val delay = {LOOK_AFTER, 0};

    armed = pjsip_endpt_schedule_timer(sip_endpt, &look_timer, &delay) == PJ_SUCCESS;
}

static void look(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    size_t pools = sip_pools_count();
    /* A transaction of a call that is over holds its memory for half a minute, without a sound. */
    int quiet = !busy && pools == pools_before && pjsip_tsx_layer_get_tsx_count() == 0;

    (void)heap;
    (void)entry;
    armed = 0;
    if (pools > pools_peak) {
        pools_peak = pools;
    }
    if (pools_peak - pools >= WORTH_IT && (quiet || pools < pools_peak / 2)) {
        ast_debug("res_sip: %zu of %zu pools are left: memory goes back", pools, pools_peak);
        sip_blocks_trim();
        malloc_trim(0);
        pools_peak = pools;
    }
    pools_before = pools;
    busy = 0;
    if (!quiet) {
        arm();
    }
}

void sip_memory_start(void)
{
    sip_pools_start();
    pj_timer_entry_init(&look_timer, 0, NULL, look);
    armed = 0;
    busy = 0;
    pools_before = 0;
    pools_peak = 0;
}

void sip_memory_busy(void)
{
    busy = 1;
    if (sip_pools_count() > pools_peak) {
        pools_peak = sip_pools_count();
    }
    if (!armed) {
        arm();
    }
}

void sip_memory_stop(void)
{
    if (armed) {
        pjsip_endpt_cancel_timer(sip_endpt, &look_timer);
        armed = 0;
    }
}

void sip_memory_destroy(void)
{
    sip_pools_destroy();
    sip_blocks_trim();
}
