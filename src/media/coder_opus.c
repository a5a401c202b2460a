/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: Opus (RFC 6716, RFC 7587), by libopus itself: a packet is decoded as it came and never taken
 * apart. Mono at 48 kHz whatever the peer sends: the decoder mixes.
 */
#include <opus/opus.h>

#include "media/media.h"

#define RATE       48000
#define COMPLEXITY 5
#define BITRATE    32000

struct state {
    OpusEncoder *encoder;
    OpusDecoder *decoder;
};

static int create(void *data, const struct ast_codec *codec, unsigned ptime, bool encode)
{
    struct state *state = data;
    int error = OPUS_OK;

    (void)codec;
    (void)ptime;
    if (!encode) {
        state->decoder = opus_decoder_create(RATE, 1, &error);
        return state->decoder ? 0 : -1;
    }
    state->encoder = opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, &error);
    if (!state->encoder) {
        return -1;
    }
    opus_encoder_ctl(state->encoder, OPUS_SET_COMPLEXITY(COMPLEXITY));
    opus_encoder_ctl(state->encoder, OPUS_SET_BITRATE(BITRATE));
    return 0;
}

static void destroy(void *data)
{
    struct state *state = data;

    if (state->encoder) {
        opus_encoder_destroy(state->encoder);
    }
    if (state->decoder) {
        opus_decoder_destroy(state->decoder);
    }
}

static int encode(void *data, const short *samples, unsigned count, uint8_t *out, unsigned size)
{
    struct state *state = data;
    const int octets = opus_encode(state->encoder, samples, (int)count, out, (opus_int32)size);

    return octets < 0 ? -1 : octets;
}

static int decode(void *data, const uint8_t *payload, unsigned length, short *out, unsigned size)
{
    struct state *state = data;

    if (length == 0) {
        return -1; /* to libopus that would mean a lost packet */
    }
    const int count = opus_decode(state->decoder, payload, (opus_int32)length, out, (int)size, 0);

    return count < 0 ? -1 : count;
}

const struct media_coder_ops media_coder_opus = {.state_size = sizeof(struct state),
                                                 .create = create,
                                                 .destroy = destroy,
                                                 .encode = encode,
                                                 .decode = decode};
