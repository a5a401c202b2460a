/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: overload, the glue: what there is too much of (admission.c: time; here: sessions and
 * transactions), and what is let in by its text, before PJSIP has any work with it; wire.c refuses.
 * When nothing is scarce, a message costs one look at a flag here.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <pj/rand.h>

#include <sipsession/log.h>

#include "res_sip/overload/overload.h"

#define LOOK_EVERY        20000u    /* microseconds */
#define LEARN_EVERY       2000000u  /* of phones, while there is overload */
#define ACKS_COME_FOR     33000000u /* 64*T1 and more: ACKs of refusals are dropped that long */
#define OTHER_DESCRIPTORS 64        /* than those of connections and of media */
#define OF_A_SESSION      2         /* descriptors: RTP and RTCP */
#define OF_A_TRANSACTION  16384     /* octets, with its dialog; a quarter of the memory is theirs */

int sip_overload_is_watching;

static struct sip_overload_config config;
static struct sip_admission admission;
static unsigned sessions;
static struct {
    pj_uint64_t looked;  /* when it was looked at time the last time */
    long rests;          /* how often the thread has rested, as the system counts */
    pj_uint64_t worked;  /* the processor's time that it has had */
    pj_uint64_t busy;    /* of that, since it rested last */
    pj_uint64_t learned; /* phones */
    pj_uint64_t refused; /* the last time */
    pj_uint64_t began;
    unsigned long long refused_before; /* sip_counters.overload_refused at its beginning */
    int full;                          /* transactions */
} state;

/* ---- what is scarce ---- */

static void watch(pj_uint64_t now)
{
    sip_overload_is_watching = sip_admission_is_limited(&admission) || state.full ||
                               (config.max_sessions && sessions >= config.max_sessions) ||
                               (state.refused && now - state.refused < ACKS_COME_FOR);
}

void sip_overload_session(int change)
{
    base_assert_sip_thread();
    sessions += (unsigned)change;
    if (config.max_sessions && sessions >= config.max_sessions) {
        sip_overload_is_watching = 1;
    }
}

unsigned sip_overload_retry_after(void)
{
    return 1 + (unsigned)pj_rand() % config.retry_after;
}

/* A limit of ordinary calls: phones may go a twentieth beyond it, emergencies a tenth. */
static int has_room(unsigned used, unsigned most, enum sip_admission_class class)
{
    return most == 0 || used < most + most / 20 * (unsigned)class;
}

static int is_let_in(enum sip_overload_kind kind, enum sip_admission_class class)
{
    return (kind == SIP_OVERLOAD_OTHER || has_room(sessions, config.max_sessions, class)) &&
           has_room(pjsip_tsx_layer_get_tsx_count(), config.max_transactions, class) &&
           sip_admission_take(&admission, class);
}

static void tell(enum sip_admission_change change, pj_uint64_t now)
{
    if (change == SIP_ADMISSION_BEGINS) {
        state.began = now;
        state.refused_before = sip_counters.overload_refused;
        ast_warning("overload: event=begin sessions=%u transactions=%u", sessions,
                    pjsip_tsx_layer_get_tsx_count());
    } else if (change == SIP_ADMISSION_ENDS) {
        ast_notice("overload: event=end seconds=%.1f refused=%llu",
                   (double)(now - state.began) / 1e6,
                   sip_counters.overload_refused - state.refused_before);
    }
}

/* ---- time ---- */

void sip_overload_waited(unsigned count, pj_uint64_t wait, unsigned drops, unsigned *drops_before)
{
    int lost = drops != *drops_before;

    *drops_before = drops;
    if (wait <= admission.most && !lost && !admission.late_since &&
        !sip_admission_is_limited(&admission)) {
        return; /* all is well, as nearly always */
    }
    sip_admission_waited(&admission, sip_now(), count, wait, lost);
}

static pj_uint64_t microseconds(const struct timeval *time)
{
    return (pj_uint64_t)time->tv_sec * 1000000 + (pj_uint64_t)time->tv_usec;
}

/*
 * How long the thread has slept since the last look; 0: it did not, by its own will. Time that the
 * system gave to others is neither rest nor work.
 */
static pj_uint64_t rest_until(pj_uint64_t now)
{
    pj_uint64_t all, worked, passed = now - state.looked, result = 0;
    struct rusage usage;

    if (getrusage(RUSAGE_THREAD, &usage) != 0) {
        return passed;
    }
    all = microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime);
    worked = all - state.worked;
    state.busy += worked;
    if (usage.ru_nvcsw != state.rests) {
        state.busy = 0;
        result = passed > worked ? passed - worked : 1;
    }
    state.rests = usage.ru_nvcsw;
    state.worked = all;
    return result;
}

static void look(pj_uint64_t now)
{
    pj_uint64_t rest = rest_until(now);

    state.looked = now;
    tell(sip_admission_turn(&admission, now, rest, state.busy), now);
    state.full =
        config.max_transactions && pjsip_tsx_layer_get_tsx_count() >= config.max_transactions;
    watch(now);
}

void sip_overload_turn(void)
{
    struct timespec coarse; /* costs next to nothing, and is never ahead of sip_now */
    pj_uint64_t now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &coarse);
    now = (pj_uint64_t)coarse.tv_sec * 1000000 + (pj_uint64_t)coarse.tv_nsec / 1000;
    if (now > state.looked + LOOK_EVERY) {
        look(sip_now());
    }
}

unsigned sip_overload_loss(void)
{
    return config.max_sessions && sessions >= config.max_sessions ? 100
                                                                  : sip_admission_loss(&admission);
}

/* ---- decisions ---- */

/* A request that was let in comes again (RFC 3261 17.1): its transaction answers. The key is PJSIP's,
 * of transactions of a server (RFC 3261 17.2.3). */
static int has_transaction(const struct sip_overload_request *request)
{
    const int is_invite = pj_strcmp2(&request->method, "INVITE") == 0;
    char text[300];
    int length;
    pj_str_t key;

    if (request->branch.slen == 0) {
        return 0;
    }
    length = snprintf(text, sizeof(text), "s$%.*s%s%.*s", is_invite ? 0 : (int)request->method.slen,
                      request->method.ptr, is_invite ? "" : "$", (int)request->branch.slen,
                      request->branch.ptr);
    if (length >= (int)sizeof(text)) {
        return 0;
    }
    pj_strset(&key, text, length);
    return pjsip_tsx_layer_find_tsx2(&key, PJ_FALSE) != NULL;
}

static int is_phone(const pj_sockaddr *source)
{
    pj_uint64_t now = sip_now();

    if (now - state.learned > LEARN_EVERY) {
        state.learned = now;
        sip_overload_learn_phones();
    }
    return sip_overload_is_phone(source);
}

static enum sip_admission_class class_of(enum sip_overload_kind kind, const pj_sockaddr *source)
{
    if (kind == SIP_OVERLOAD_EMERGENCY) {
        return SIP_ADMISSION_EMERGENCY;
    }
    return kind == SIP_OVERLOAD_OTHER || is_phone(source) ? SIP_ADMISSION_PHONE
                                                          : SIP_ADMISSION_STRANGER;
}

int sip_overload_is_emergency(const pjsip_rx_data *rdata)
{
    struct sip_overload_request request;

    sip_overload_read(rdata->msg_info.msg_buf, (size_t)rdata->msg_info.len,
                      config.emergency_numbers, &request);
    return request.kind == SIP_OVERLOAD_EMERGENCY;
}

enum sip_overload_verdict sip_overload_decide(const char *text, size_t length,
                                              const pj_sockaddr *source)
{
    struct sip_overload_request request;

    sip_overload_read(text, length, config.emergency_numbers, &request);
    if (request.kind == SIP_OVERLOAD_GOES_ON) {
        return SIP_OVERLOAD_LET_IN;
    }
    if (request.kind == SIP_OVERLOAD_OUR_ACK) {
        return SIP_OVERLOAD_DROP;
    }
    if (has_transaction(&request)) {
        return SIP_OVERLOAD_LET_IN;
    }
    if (is_let_in(request.kind, class_of(request.kind, source))) {
        return SIP_OVERLOAD_LET_IN;
    }
    sip_counters.overload_refused++;
    state.refused = sip_now();
    return SIP_OVERLOAD_REFUSE;
}

/* ---- start and stop ---- */

/* What descriptors allow, without those of connections, and what fits into a part of the memory. */
static void set_limits(const struct sip_config *from)
{
    pj_uint64_t memory = (pj_uint64_t)sysconf(_SC_PHYS_PAGES) * (pj_uint64_t)sysconf(_SC_PAGESIZE);
    struct rlimit files;
    unsigned half;

    config = from->overload;
    if (config.max_transactions == 0) {
        memory /= (pj_uint64_t)4 * OF_A_TRANSACTION;
        config.max_transactions = memory < 10000000 ? (unsigned)memory : 10000000;
    }
    if (config.max_sessions == 0 && getrlimit(RLIMIT_NOFILE, &files) == 0 &&
        files.rlim_cur != RLIM_INFINITY) {
        half = (unsigned)(files.rlim_cur / 2);
        config.max_sessions = half > 2 * OTHER_DESCRIPTORS
                                  ? (half - OTHER_DESCRIPTORS) / OF_A_SESSION
                                  : half / (2 * OF_A_SESSION) + 1;
    }
}

int sip_overload_start(const struct sip_config *from)
{
    memset(&state, 0, sizeof(state));
    sip_overload_is_watching = 0;
    sessions = 0;
    set_limits(from);
    sip_admission_init(&admission, (pj_uint64_t)config.max_delay * 1000);
    state.looked = sip_now();
    rest_until(state.looked);
    return sip_feedback_start();
}

void sip_overload_reload(const struct sip_config *from)
{
    set_limits(from);
    sip_admission_set(&admission, (pj_uint64_t)config.max_delay * 1000);
    watch(sip_now());
}

void sip_overload_stop(void)
{
    sip_overload_forget_phones();
    sip_overload_is_watching = 0;
}
