/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: G.722 at 64 kbit/s (RFC 3551 4.5.2), by PJMEDIA's codec. Frames of 10 ms: 160 samples are 80
 * octets. Its factory keeps what was used once, under a mutex of its own.
 */
#include <string.h>

#include <pjmedia-codec/g722.h>
#include <pjmedia/codec.h>
#include <pjmedia/endpoint.h>

#include <sipsession/log.h>

#include "media/media.h"

#define FRAME_SAMPLES 160
#define FRAME_OCTETS  80

static struct {
    pj_caching_pool caching_pool;
    pj_pool_t *pool;
    pjmedia_endpt *endpoint;
} g722;

struct state {
    pjmedia_codec *codec;
    bool decode;
};

int media_g722_start(void)
{
    pj_ioqueue_t *ioqueue; /* PJMEDIA would make one for thousands of sockets; it gets none */

    pj_caching_pool_init(&g722.caching_pool, &pj_pool_factory_default_policy, 0);
    g722.pool = pj_pool_create(&g722.caching_pool.factory, "media", 1000, 1000, NULL);
    if (!g722.pool || pj_ioqueue_create(g722.pool, 1, &ioqueue) != PJ_SUCCESS) {
        goto failed;
    }
    if (pjmedia_endpt_create2(&g722.caching_pool.factory, ioqueue, 0, &g722.endpoint) !=
        PJ_SUCCESS) {
        pj_ioqueue_destroy(ioqueue);
        goto failed;
    }
    if (pjmedia_codec_g722_init(g722.endpoint) != PJ_SUCCESS) {
        goto failed;
    }
    return 0;
failed:
    ast_error("media: PJMEDIA's codecs do not start");
    media_g722_stop();
    return -1;
}

void media_g722_stop(void)
{
    if (g722.endpoint) {
        pjmedia_codec_g722_deinit();
        pjmedia_endpt_destroy2(g722.endpoint);
    }
    if (g722.pool) {
        pj_pool_release(g722.pool);
    }
    pj_caching_pool_destroy(&g722.caching_pool);
    memset(&g722, 0, sizeof(g722));
}

static int create(void *data, const struct ast_codec *codec, unsigned ptime, bool encode)
{
    struct state *state = data;
    pjmedia_codec_mgr *manager;
    const pjmedia_codec_info *info;
    pjmedia_codec_param param;

    (void)codec;
    (void)ptime;
    (void)encode;
    if (!g722.endpoint) {
        return -1;
    }
    manager = pjmedia_endpt_get_codec_mgr(g722.endpoint);
    if (pjmedia_codec_mgr_get_codec_info(manager, PJMEDIA_RTP_PT_G722, &info) != PJ_SUCCESS ||
        pjmedia_codec_mgr_get_default_param(manager, info, &param) != PJ_SUCCESS ||
        pjmedia_codec_mgr_alloc_codec(manager, info, &state->codec) != PJ_SUCCESS) {
        return -1;
    }
    param.setting.vad = 0;
    param.setting.plc = 0;
    if (pjmedia_codec_init(state->codec, NULL) != PJ_SUCCESS ||
        pjmedia_codec_open(state->codec, &param) != PJ_SUCCESS) {
        pjmedia_codec_mgr_dealloc_codec(manager, state->codec);
        return -1;
    }
    return 0;
}

static void destroy(void *data)
{
    struct state *state = data;

    pjmedia_codec_mgr_dealloc_codec(pjmedia_endpt_get_codec_mgr(g722.endpoint), state->codec);
}

static int encode(void *data, const short *samples, unsigned count, uint8_t *out, unsigned size)
{
    struct state *state = data;
    unsigned written = 0;

    if (count % FRAME_SAMPLES != 0 || count / 2 > size) {
        return -1;
    }
    for (unsigned at = 0; at < count; at += FRAME_SAMPLES, written += FRAME_OCTETS) {
        short copy[FRAME_SAMPLES]; /* it scales its input in place */
        pjmedia_frame input = {.type = PJMEDIA_FRAME_TYPE_AUDIO, .buf = copy, .size = sizeof(copy)};
        pjmedia_frame output = {.buf = out + written, .size = FRAME_OCTETS};

        memcpy(copy, samples + at, sizeof(copy));
        if (pjmedia_codec_encode(state->codec, &input, FRAME_OCTETS, &output) != PJ_SUCCESS ||
            output.size != FRAME_OCTETS) {
            return -1;
        }
    }
    return (int)written;
}

static int decode(void *data, const uint8_t *payload, unsigned length, short *out, unsigned size)
{
    struct state *state = data;
    unsigned written = 0;

    if (length % FRAME_OCTETS != 0 || 2 * length > size) {
        return -1;
    }
    for (unsigned at = 0; at < length; at += FRAME_OCTETS, written += FRAME_SAMPLES) {
        uint8_t copy[FRAME_OCTETS];
        pjmedia_frame input = {.type = PJMEDIA_FRAME_TYPE_AUDIO, .buf = copy, .size = sizeof(copy)};
        pjmedia_frame output = {.buf = out + written, .size = FRAME_SAMPLES * sizeof(short)};

        memcpy(copy, payload + at, sizeof(copy));
        if (pjmedia_codec_decode(state->codec, &input, FRAME_SAMPLES * sizeof(short), &output) !=
            PJ_SUCCESS) {
            return -1;
        }
    }
    return (int)written;
}

const struct media_coder_ops media_coder_g722 = {.state_size = sizeof(struct state),
                                                 .create = create,
                                                 .destroy = destroy,
                                                 .encode = encode,
                                                 .decode = decode};
