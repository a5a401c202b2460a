/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: encoders and decoders, one direction of one stream each; G.711 and L16 themselves.
 */
#include <stdlib.h>

#include <pjmedia/alaw_ulaw.h>

#include "media/media.h"

struct media_coder {
    const struct media_coder_ops *ops;
    max_align_t state[];
};

struct media_coder *media_coder_create(const struct ast_codec *codec, unsigned ptime, bool encode)
{
    const struct media_coder_ops *ops = media_codec_ops(codec);
    struct media_coder *coder;

    if (!ops || !codec->can_transcode) {
        return NULL;
    }
    coder = calloc(1, sizeof(*coder) + ops->state_size);
    if (!coder) {
        return NULL;
    }
    coder->ops = ops;
    if (ops->create && ops->create(coder->state, codec, ptime, encode)) {
        free(coder);
        return NULL;
    }
    return coder;
}

void media_coder_destroy(struct media_coder *coder)
{
    if (coder && coder->ops->destroy) {
        coder->ops->destroy(coder->state);
    }
    free(coder);
}

int media_coder_encode(struct media_coder *coder, const short *samples, unsigned count,
                       uint8_t *out, unsigned size)
{
    return coder->ops->encode(coder->state, samples, count, out, size);
}

int media_coder_decode(struct media_coder *coder, const uint8_t *payload, unsigned length,
                       short *out, unsigned size)
{
    return coder->ops->decode(coder->state, payload, length, out, size);
}

/* ---- G.711: one octet a sample (RFC 3551 4.5.14) ---- */

static int ulaw_encode(void *state, const short *samples, unsigned count, uint8_t *out,
                       unsigned size)
{
    (void)state;
    if (count > size) {
        return -1;
    }
    for (unsigned i = 0; i < count; i++) {
        out[i] = (uint8_t)pjmedia_linear2ulaw(samples[i]);
    }
    return (int)count;
}

static int ulaw_decode(void *state, const uint8_t *payload, unsigned length, short *out,
                       unsigned size)
{
    (void)state;
    if (length > size) {
        return -1;
    }
    for (unsigned i = 0; i < length; i++) {
        out[i] = (short)pjmedia_ulaw2linear(payload[i]);
    }
    return (int)length;
}

static int alaw_encode(void *state, const short *samples, unsigned count, uint8_t *out,
                       unsigned size)
{
    (void)state;
    if (count > size) {
        return -1;
    }
    for (unsigned i = 0; i < count; i++) {
        out[i] = (uint8_t)pjmedia_linear2alaw(samples[i]);
    }
    return (int)count;
}

static int alaw_decode(void *state, const uint8_t *payload, unsigned length, short *out,
                       unsigned size)
{
    (void)state;
    if (length > size) {
        return -1;
    }
    for (unsigned i = 0; i < length; i++) {
        out[i] = (short)pjmedia_alaw2linear(payload[i]);
    }
    return (int)length;
}

const struct media_coder_ops media_coder_ulaw = {.encode = ulaw_encode, .decode = ulaw_decode};
const struct media_coder_ops media_coder_alaw = {.encode = alaw_encode, .decode = alaw_decode};

/* ---- L16: samples in network byte order (RFC 3551 4.5.11) ---- */

static int l16_encode(void *state, const short *samples, unsigned count, uint8_t *out,
                      unsigned size)
{
    (void)state;
    if (2 * count > size) {
        return -1;
    }
    for (unsigned i = 0; i < count; i++) {
        out[2 * (size_t)i] = (uint8_t)((unsigned short)samples[i] >> 8);
        out[2 * (size_t)i + 1] = (uint8_t)samples[i];
    }
    return (int)(2 * count);
}

static int l16_decode(void *state, const uint8_t *payload, unsigned length, short *out,
                      unsigned size)
{
    (void)state;
    if (length % 2 != 0 || length / 2 > size) {
        return -1;
    }
    for (unsigned i = 0; i < length / 2; i++) {
        out[i] = (short)(payload[2 * (size_t)i] << 8 | payload[2 * (size_t)i + 1]);
    }
    return (int)(length / 2);
}

const struct media_coder_ops media_coder_l16 = {.encode = l16_encode, .decode = l16_decode};
