/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: which thread is the SIP thread. Only said and asked here; who may do what is in the public headers.
 */
#include "base/base.h"

#include <stdatomic.h>

static atomic_int entered; /* 1 while some thread is the SIP thread */
static _Thread_local int this_thread_is_sip;

void base_thread_enter(void)
{
    int expected = 0;

    base_assert(
        atomic_compare_exchange_strong(&entered, &expected, 1)); /* there is one, and one only */
    this_thread_is_sip = 1;
}

void base_thread_leave(void)
{
    base_assert(this_thread_is_sip);
    this_thread_is_sip = 0;
    atomic_store(&entered, 0);
}

int base_thread_is_sip(void)
{
    return this_thread_is_sip || !atomic_load_explicit(&entered, memory_order_relaxed);
}
