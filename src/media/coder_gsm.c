/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: GSM 06.10 full rate (RFC 3551 4.5.8), by libgsm: 160 samples are 33 octets.
 */
#include <gsm.h>

#include "media/media.h"

#define FRAME_SAMPLES 160
#define FRAME_OCTETS  33

struct state {
    gsm handle;
};

static int create(void *data, const struct ast_codec *codec, unsigned ptime, bool encode)
{
    struct state *state = data;

    (void)codec;
    (void)ptime;
    (void)encode;
    state->handle = gsm_create();
    return state->handle ? 0 : -1;
}

static void destroy(void *data)
{
    struct state *state = data;

    gsm_destroy(state->handle);
}

static int encode(void *data, const short *samples, unsigned count, uint8_t *out, unsigned size)
{
    struct state *state = data;
    const unsigned frames = count / FRAME_SAMPLES;
    gsm_signal frame[FRAME_SAMPLES];

    if (count % FRAME_SAMPLES != 0 || frames * FRAME_OCTETS > size) {
        return -1;
    }
    for (unsigned i = 0; i < frames; i++) {
        for (unsigned s = 0; s < FRAME_SAMPLES; s++) {
            frame[s] = samples[i * FRAME_SAMPLES + s];
        }
        gsm_encode(state->handle, frame, out + (size_t)i * FRAME_OCTETS);
    }
    return (int)(frames * FRAME_OCTETS);
}

static int decode(void *data, const uint8_t *payload, unsigned length, short *out, unsigned size)
{
    struct state *state = data;
    const unsigned frames = length / FRAME_OCTETS;
    gsm_frame frame;

    if (length % FRAME_OCTETS != 0 || frames * FRAME_SAMPLES > size) {
        return -1;
    }
    for (unsigned i = 0; i < frames; i++) {
        for (unsigned b = 0; b < FRAME_OCTETS; b++) {
            frame[b] = payload[i * FRAME_OCTETS + b];
        }
        if (gsm_decode(state->handle, frame, out + (size_t)i * FRAME_SAMPLES)) {
            return -1; /* its signature is not there */
        }
    }
    return (int)(frames * FRAME_SAMPLES);
}

const struct media_coder_ops media_coder_gsm = {.state_size = sizeof(struct state),
                                                .create = create,
                                                .destroy = destroy,
                                                .encode = encode,
                                                .decode = decode};
