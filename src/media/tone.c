/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: the tone probe of <sipsession/tone.h>. It sends a steady tone in which a chirp of 50 ms takes
 * the tone's place once a second, and looks for the chirp with a matched filter: a sweep keeps its
 * shape through every codec and its correlation has one sharp peak, so that the moment of its return
 * is known to a fraction of a millisecond. All that is heard is brought to 8 kHz first.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/tone.h>

#include "media/media.h"

#define TONE_HZ     1004.0
#define LEVEL_DBM0  (-13.0)
#define FULL_DBM0   3.14 /* of a sine that just does not clip (ITU-T G.711) */
#define CHIRP_FROM  600.0
#define CHIRP_TO    2800.0
#define CHIRP_TIME  0.05
#define PERIOD      1.0
#define FIRST_PART  4 /* of a second: the first chirp, when the peer has learnt whence we send */
#define HEAR_RATE   8000
#define CHIRP_COUNT 400 /* CHIRP_TIME at HEAR_RATE */
#define BLOCK       800 /* of the level's measure: 100 ms */
#define LEVELS      15  /* blocks whose median is the level: chirps and starts do not count */
#define SURE        0.5 /* correlation that is no accident: the tone itself gives 0.1 */
#define PEAK_WITHIN 160 /* the peak is the largest of 20 ms */
#define DELAY_MOST  (900 * 1000000ull)
#define AMPLITUDE   (32768.0 * pow(10.0, (LEVEL_DBM0 - FULL_DBM0) / 20.0))

struct listener {
    float window[CHIRP_COUNT]; /* what was heard last, a ring */
    unsigned at;
    unsigned folded; /* samples of a higher rate that wait for the rest of theirs */
    float fold;
    double energy;
    double best; /* of the peak that is passing; 0: none is */
    uint64_t best_at;
    unsigned since_best;
    double coefficient, s1, s2; /* Goertzel's filter */
    unsigned block;
    unsigned measured;     /* blocks that were not silent */
    double levels[LEVELS]; /* of the last of them, mean squares */
};

struct ast_tone_probe {
    atomic_uint refs;
    pthread_mutex_t lock; /* of all below but templates */
    bool attached;
    unsigned rate;               /* of what is sent */
    unsigned long long position; /* of the next sample that is sent */
    double phase;
    uint64_t marker_at; /* when the last marker left */
    bool waiting;       /* for it */
    unsigned sent, heard;
    uint64_t delay; /* shortest, ns */
    struct listener listener;
    float cosine[CHIRP_COUNT], sine[CHIRP_COUNT]; /* templates of energy 1 */
};

static double chirp_phase(double time)
{
    return 2 * M_PI *
           (CHIRP_FROM * time + (CHIRP_TO - CHIRP_FROM) / (2 * CHIRP_TIME) * time * time);
}

/* ---- made and freed ---- */

struct ast_tone_probe *ast_tone_probe_create(void)
{
    struct ast_tone_probe *const probe = calloc(1, sizeof(*probe));
    const float scale = (float)sqrt(2.0 / CHIRP_COUNT);

    if (!probe) {
        return NULL;
    }
    atomic_init(&probe->refs, 1);
    pthread_mutex_init(&probe->lock, NULL);
    for (unsigned i = 0; i < CHIRP_COUNT; i++) {
        probe->cosine[i] = scale * (float)cos(chirp_phase((double)i / HEAR_RATE));
        probe->sine[i] = scale * (float)sin(chirp_phase((double)i / HEAR_RATE));
    }
    probe->listener.coefficient = 2 * cos(2 * M_PI * TONE_HZ / HEAR_RATE);
    return probe;
}

void ast_tone_probe_destroy(struct ast_tone_probe *probe)
{
    if (probe && atomic_fetch_sub(&probe->refs, 1) == 1) {
        pthread_mutex_destroy(&probe->lock);
        free(probe);
    }
}

/* ---- sent ---- */

static short next_sample(struct ast_tone_probe *probe, uint64_t now, unsigned ahead)
{
    const unsigned rate = probe->rate;
    const unsigned first = rate / FIRST_PART;
    const unsigned long long position = probe->position++;
    const unsigned in_period = (unsigned)((position - first) % rate); /* the period is one second */

    if (position < first || in_period >= rate * CHIRP_TIME) {
        probe->phase = fmod(probe->phase + 2 * M_PI * TONE_HZ / rate, 2 * M_PI);
        return (short)lrint(AMPLITUDE * sin(probe->phase));
    }
    if (in_period == 0) {
        probe->marker_at = now + (uint64_t)ahead * MEDIA_NS / rate;
        probe->waiting = true;
        probe->sent++;
    }
    return (short)lrint(AMPLITUDE * sin(chirp_phase((double)in_period / rate)));
}

static unsigned read_probe(void *data, short *samples, unsigned count, unsigned rate)
{
    struct ast_tone_probe *const probe = data;
    const uint64_t now = media_now();

    pthread_mutex_lock(&probe->lock);
    if (probe->rate != rate) { /* the same moment of the same signal at another rate */
        probe->position = probe->rate ? probe->position * rate / probe->rate : 0;
        probe->rate = rate;
    }
    for (unsigned i = 0; i < count; i++) {
        samples[i] = next_sample(probe, now, i);
    }
    pthread_mutex_unlock(&probe->lock);
    return count;
}

/* ---- heard ---- */

static double correlation(const struct ast_tone_probe *probe)
{
    const struct listener *const listener = &probe->listener;
    float in_phase = 0, quadrature = 0;
    unsigned from = listener->at;

    if (listener->energy < CHIRP_COUNT * 10.0 * 10.0) { /* silence */
        return 0;
    }
    for (unsigned i = 0; i < CHIRP_COUNT; i++) {
        in_phase += listener->window[from] * probe->cosine[i];
        quadrature += listener->window[from] * probe->sine[i];
        from = from + 1 == CHIRP_COUNT ? 0 : from + 1;
    }
    return sqrt(((double)in_phase * in_phase + (double)quadrature * quadrature) / listener->energy);
}

static void marker_heard(struct ast_tone_probe *probe, uint64_t at)
{
    const uint64_t delay = at > probe->marker_at ? at - probe->marker_at : 0;

    if (!probe->waiting || delay > DELAY_MOST) {
        return;
    }
    probe->waiting = false;
    if (probe->heard == 0 || delay < probe->delay) {
        probe->delay = delay;
    }
    probe->heard++;
}

static void measure_level(struct listener *listener, float sample)
{
    const double s0 = sample + listener->coefficient * listener->s1 - listener->s2;

    listener->s2 = listener->s1;
    listener->s1 = s0;
    if (++listener->block == BLOCK) {
        const double power = listener->s1 * listener->s1 + listener->s2 * listener->s2 -
                             listener->coefficient * listener->s1 * listener->s2;
        const double mean_square = 2 * power / ((double)BLOCK * BLOCK);

        if (mean_square > 1) {
            listener->levels[listener->measured++ % LEVELS] = mean_square;
        }
        listener->block = 0;
        listener->s1 = 0;
        listener->s2 = 0;
    }
}

/* One sample at 8 kHz; `at` is its moment */
static void hear(struct ast_tone_probe *probe, float sample, uint64_t at)
{
    struct listener *const listener = &probe->listener;
    const float leaves = listener->window[listener->at];
    double match;

    listener->energy += (double)sample * sample - (double)leaves * leaves;
    listener->window[listener->at] = sample;
    listener->at = listener->at + 1 == CHIRP_COUNT ? 0 : listener->at + 1;
    measure_level(listener, sample);
    match = correlation(probe);
    if (match > SURE && match > listener->best) {
        listener->best = match;
        listener->best_at = at - (uint64_t)(CHIRP_COUNT - 1) * MEDIA_NS / HEAR_RATE;
        listener->since_best = 0;
    } else if (listener->best > 0 && ++listener->since_best == PEAK_WITHIN) {
        marker_heard(probe, listener->best_at);
        listener->best = 0;
    }
}

static void write_probe(void *data, const short *samples, unsigned count, unsigned rate)
{
    struct ast_tone_probe *const probe = data;
    struct listener *const listener = &probe->listener;
    const unsigned factor = rate / HEAR_RATE;
    const uint64_t now = media_now();

    pthread_mutex_lock(&probe->lock);
    for (unsigned i = 0; i < count; i++) {
        listener->fold += samples[i];
        if (++listener->folded >= factor) { /* the mean is low-pass enough for what is looked for */
            hear(probe, listener->fold / (float)listener->folded,
                 now + (uint64_t)i * MEDIA_NS / rate);
            listener->fold = 0;
            listener->folded = 0;
        }
    }
    pthread_mutex_unlock(&probe->lock);
}

static void released(void *data)
{
    ast_tone_probe_destroy(data);
}

static const struct ast_audio probe_audio = {.read = read_probe,
                                             .write = write_probe,
                                             .released = released};

/* ---- asked ---- */

int ast_tone_probe_attach(struct ast_tone_probe *probe, struct ast_rtp *rtp)
{
    base_assert_sip_thread();
    if (probe->attached) {
        return -1;
    }
    atomic_fetch_add(&probe->refs, 1);
    if (ast_rtp_set_audio(rtp, &probe_audio, probe)) {
        atomic_fetch_sub(&probe->refs, 1);
        return -1;
    }
    probe->attached = true;
    return 0;
}

static double median_level(const struct listener *listener)
{
    const unsigned count = listener->measured < LEVELS ? listener->measured : LEVELS;
    double sorted[LEVELS + 1] = {0};

    for (unsigned i = 0; i < count; i++) {
        unsigned at = i;

        for (; at > 0 && sorted[at - 1] > listener->levels[i]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = listener->levels[i];
    }
    return sorted[count / 2];
}

void ast_tone_probe_result(struct ast_tone_probe *probe, struct ast_tone_result *result)
{
    memset(result, 0, sizeof(*result));
    pthread_mutex_lock(&probe->lock);
    result->markers_sent = probe->sent;
    result->markers_heard = probe->heard;
    if (probe->heard > 0) {
        result->heard = 1;
        result->delay_ms = (unsigned)((probe->delay + 500000) / 1000000);
        /* mean square of a full sine is half of its amplitude's square */
        result->level_dbm0 =
            FULL_DBM0 +
            10 * log10(2 * median_level(&probe->listener) / (32768.0 * 32768.0) + 1e-12);
    }
    pthread_mutex_unlock(&probe->lock);
}
