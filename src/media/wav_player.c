/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: a WAV file as a source of audio. Made on the SIP thread, read on the media thread, at the rate
 * of whatever codec is in force; nothing here touches a file.
 */
#include <stdlib.h>
#include <string.h>

#include <speex/speex_resampler.h>

#include <sipsession/log.h>

#include "media/media.h"

#define QUALITY 5

struct media_wav_player {
    struct media_wav *wav; /* a reference */
    const struct ast_audio *events;
    void *data;
    size_t at;                      /* the next sample of the file */
    unsigned rate;                  /* what the resampler makes */
    SpeexResamplerState *resampler; /* NULL: none is needed */
    unsigned tail; /* samples of silence that push the last of the file out of the filter */
};

struct media_wav_player *media_wav_player_create(struct media_wav *wav,
                                                 const struct ast_audio *events, void *data)
{
    struct media_wav_player *const player = calloc(1, sizeof(*player));

    if (!player) {
        ast_error_limited("media: no memory for a player");
        return NULL;
    }
    player->wav = media_wav_ref(wav);
    player->events = events;
    player->data = data;
    return player;
}

void media_wav_player_destroy(struct media_wav_player *player)
{
    if (player->resampler) {
        speex_resampler_destroy(player->resampler);
    }
    media_wav_unref(player->wav);
    free(player);
}

/* The rate of what is wanted changed, or is told for the first time. 0; -1: no memory. */
static int set_rate(struct media_wav_player *player, unsigned rate)
{
    int error = RESAMPLER_ERR_SUCCESS;

    if (player->resampler) {
        speex_resampler_destroy(player->resampler);
        player->resampler = NULL;
    }
    player->rate = rate;
    player->tail = 0;
    if (rate == player->wav->rate) {
        return 0;
    }
    player->resampler = speex_resampler_init(1, player->wav->rate, rate, QUALITY, &error);
    if (!player->resampler) {
        ast_error_limited("media: no resampler: %s", speex_resampler_strerror(error));
        return -1;
    }
    speex_resampler_skip_zeros(player->resampler);
    player->tail = (unsigned)speex_resampler_get_input_latency(player->resampler);
    return 0;
}

static unsigned copy(struct media_wav_player *player, short *samples, unsigned count)
{
    const size_t left = player->wav->count - player->at;
    const unsigned take = left < count ? (unsigned)left : count;

    memcpy(samples, player->wav->samples + player->at, take * sizeof(*samples));
    player->at += take;
    return take;
}

static unsigned resample(struct media_wav_player *player, short *samples, unsigned count)
{
    static const short silence[256];
    unsigned made = 0;

    while (made < count) {
        const size_t left = player->wav->count - player->at;
        const short *const from = left ? player->wav->samples + player->at : silence;
        const size_t have = left ? left : player->tail;
        spx_uint32_t in = have > 256 ? 256 : (spx_uint32_t)have;
        spx_uint32_t out = count - made;

        if (have == 0) {
            break;
        }
        speex_resampler_process_int(player->resampler, 0, from, &in, samples + made, &out);
        made += out;
        if (left) {
            player->at += in;
        } else {
            player->tail -= in;
        }
        if (in == 0 && out == 0) {
            break;
        }
    }
    return made;
}

static unsigned read_player(void *data, short *samples, unsigned count, unsigned rate)
{
    struct media_wav_player *const player = data;

    if (rate != player->rate && set_rate(player, rate)) {
        return 0;
    }
    return player->resampler ? resample(player, samples, count) : copy(player, samples, count);
}

static void finished(void *data)
{
    struct media_wav_player *const player = data;

    if (player->events && player->events->finished) {
        player->events->finished(player->data);
    }
}

static void released(void *data)
{
    struct media_wav_player *const player = data;

    if (player->events && player->events->released) {
        player->events->released(player->data);
    }
    media_wav_player_destroy(player);
}

const struct ast_audio media_wav_player_audio = {.read = read_player,
                                                 .finished = finished,
                                                 .released = released};
