/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: whether somebody has set the clock of the machine. Pure: the times come in.
 */
#ifndef REGISTRAR_CLOCK_H
#define REGISTRAR_CLOCK_H

/* The last look; all 0 before the first one. */
struct clock_watch {
    long long wall, steady; /* ms */
};

/*
 * The seconds by which the clock was set, forward (> 0) or back, since the last look; 0: it was not,
 * or by less than two seconds, as for a leap second. steady never jumps, and counts while the
 * machine sleeps, too.
 */
long long clock_step(struct clock_watch *watch, long long wall, long long steady);

#endif
