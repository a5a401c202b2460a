/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: how much of what is new is let in. Pure: waits and times come in, shares go out; no
 * message, no clock, no log here.
 *
 * The measure is how long messages wait for us, not how many there are: it needs no knowledge of
 * what one costs. There is overload when every message has waited longer than it may, for a while (a
 * single one says only that we were busy, or were not given a processor); when the system has lost
 * messages; or when the thread has had no moment of rest for long, which is all that can be seen of
 * what waits on connections.
 *
 * From then on, in periods of 20 ms: messages still late: the share of the lowest class shrinks by a
 * fifth, or by half when they are very late; time was left over: it grows by as much; neither: it is
 * right as it is. So the work stays at what can be done, whatever is offered, and what waits stays
 * short for calls that exist. When all is let in again it is over.
 */
#include <string.h>

#include "res_sip/overload/overload.h"

#define PERIOD     20000u /* microseconds, as all of these */
#define LATE_FOR   200000u
#define BUSY_FOR   400000u
#define LATE_COUNT 20 /* so few messages are no overload */
#define LEAST      50 /* a smaller share is none; the next class has to shrink */

void sip_admission_init(struct sip_admission *admission, pj_uint64_t most)
{
    unsigned i;

    memset(admission, 0, sizeof(*admission));
    admission->most = most;
    for (i = 0; i < SIP_ADMISSION_CLASSES; i++) {
        admission->share[i] = SIP_ADMISSION_ALL;
    }
}

void sip_admission_set(struct sip_admission *admission, pj_uint64_t most)
{
    if (most) {
        admission->most = most;
    } else {
        sip_admission_init(admission, 0); /* nothing would ever let more in again */
    }
}

int sip_admission_is_limited(const struct sip_admission *admission)
{
    return admission->share[SIP_ADMISSION_STRANGER] < SIP_ADMISSION_ALL;
}

void sip_admission_waited(struct sip_admission *admission, pj_uint64_t now, unsigned count,
                          pj_uint64_t wait, int lost)
{
    if (wait <= admission->most) {
        admission->late_since = 0;
        admission->late_count = 0;
    } else {
        if (!admission->late_since) {
            admission->late_since = now;
        }
        admission->late_count += count;
    }
    if (!admission->waits || wait < admission->least) {
        admission->least = wait;
    }
    admission->waits++;
    admission->lost |= lost;
}

static int begins(const struct sip_admission *admission, pj_uint64_t now, pj_uint64_t busy)
{
    if (admission->lost || busy > BUSY_FOR) {
        return 1;
    }
    return admission->late_since && now - admission->late_since > LATE_FOR &&
           admission->late_count > LATE_COUNT;
}

static void shrink(struct sip_admission *admission)
{
    unsigned i = SIP_ADMISSION_STRANGER;

    while (i < SIP_ADMISSION_EMERGENCY && admission->share[i] < LEAST) {
        i++;
    }
    /* far behind: in large steps */
    admission->share[i] -=
        admission->share[i] / (admission->waits && admission->least > 4 * admission->most ? 2 : 5);
}

/* The highest class that is not let in as a whole grows by the part of the time that was left over. */
static void grow(struct sip_admission *admission, unsigned percent)
{
    unsigned i = SIP_ADMISSION_EMERGENCY, share;

    while (i > SIP_ADMISSION_STRANGER && admission->share[i] == SIP_ADMISSION_ALL) {
        i--;
    }
    share = admission->share[i];
    share += share * percent / 100 + LEAST;
    admission->share[i] = share < SIP_ADMISSION_ALL ? share : SIP_ADMISSION_ALL;
}

/* A long rest counts for all the periods that it lasted. */
static void grow_by_rest(struct sip_admission *admission, pj_uint64_t passed, pj_uint64_t rest)
{
    unsigned percent = (unsigned)(rest < passed ? rest * 100 / passed : 100);
    pj_uint64_t periods = passed / PERIOD;

    do {
        grow(admission, percent);
    } while (periods-- > 1 && sip_admission_is_limited(admission));
}

static int is_late(const struct sip_admission *admission, pj_uint64_t busy)
{
    return admission->lost || (admission->waits && admission->least > admission->most) ||
           busy > BUSY_FOR;
}

enum sip_admission_change sip_admission_turn(struct sip_admission *admission, pj_uint64_t now,
                                             pj_uint64_t rest, pj_uint64_t busy)
{
    int was_limited = sip_admission_is_limited(admission);
    int is_limited;

    if (!admission->most || (now >= admission->period && now - admission->period < PERIOD)) {
        return SIP_ADMISSION_SAME;
    }
    if (!was_limited) {
        if (begins(admission, now, busy)) {
            shrink(admission);
        }
    } else if (is_late(admission, busy)) {
        shrink(admission);
    } else if (rest) {
        grow_by_rest(admission, now - admission->period, rest);
    }
    admission->period = now;
    admission->waits = 0;
    admission->lost = 0;
    is_limited = sip_admission_is_limited(admission);
    if (was_limited == is_limited) {
        return SIP_ADMISSION_SAME;
    }
    memset(admission->carry, 0, sizeof(admission->carry));
    admission->late_since = 0;
    admission->late_count = 0;
    return is_limited ? SIP_ADMISSION_BEGINS : SIP_ADMISSION_ENDS;
}

/* Evenly, not by chance: of a share of a third, every third is let in. */
int sip_admission_take(struct sip_admission *admission, enum sip_admission_class class)
{
    admission->carry[class] += admission->share[class];
    if (admission->carry[class] < SIP_ADMISSION_ALL) {
        return 0;
    }
    admission->carry[class] -= SIP_ADMISSION_ALL;
    return 1;
}

unsigned sip_admission_loss(const struct sip_admission *admission)
{
    return (SIP_ADMISSION_ALL - admission->share[SIP_ADMISSION_STRANGER]) * 100 / SIP_ADMISSION_ALL;
}
