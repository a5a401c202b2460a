/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: the clock, compared with one that nobody can set.
 */
#include "clock.h"

#define LEAST 2000 /* ms */

long long clock_step(struct clock_watch *watch, long long wall, long long steady)
{
    const long long step = (wall - watch->wall) - (steady - watch->steady);
    const int is_first = watch->wall == 0 && watch->steady == 0;

    watch->wall = wall;
    watch->steady = steady;
    if (is_first || (step > -LEAST && step < LEAST)) {
        return 0;
    }
    return (step + (step > 0 ? 500 : -500)) / 1000;
}
