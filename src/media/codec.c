/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: the table of codecs. Names are those of pjsip.conf, encodings those of the RTP payload
 * registry (RFC 3551, RFC 3952 iLBC, RFC 7587 Opus). Order is the order of preference.
 */
#include <string.h>
#include <strings.h>

#include "media/media.h"

struct entry {
    struct ast_codec codec;
    unsigned quantum; /* packet times are multiples of it, ms */
    const struct media_coder_ops *ops;
};

/* Longest packets stay below what Ethernet carries in one piece. */
static const struct entry table[] = {
    {{"opus", "opus", 48000, 48000, 2, -1, 20, 60, "useinbandfec=1", 1}, 10, &media_coder_opus},
    {{"g722", "G722", 8000, 16000, 1, 9, 20, 150, NULL, 1}, 10, &media_coder_g722},
    {{"ulaw", "PCMU", 8000, 8000, 1, 0, 20, 150, NULL, 1}, 10, &media_coder_ulaw},
    {{"alaw", "PCMA", 8000, 8000, 1, 8, 20, 150, NULL, 1}, 10, &media_coder_alaw},
    {{"gsm", "GSM", 8000, 8000, 1, 3, 20, 300, NULL, 1}, 20, &media_coder_gsm},
    {{"slin", "L16", 8000, 8000, 1, -1, 20, 80, NULL, 1}, 10, &media_coder_l16},
    {{"slin16", "L16", 16000, 16000, 1, -1, 20, 40, NULL, 1}, 10, &media_coder_l16},
    {{"g729", "G729", 8000, 8000, 1, 18, 20, 230, "annexb=no", 0}, 10, NULL},
    {{"ilbc", "iLBC", 8000, 8000, 1, -1, 30, 300, "mode=30", 0}, 30, NULL},
    {{"g723", "G723", 8000, 8000, 1, 4, 30, 300, "annexa=no", 0}, 30, NULL},
    {{"g726", "G726-32", 8000, 8000, 1, -1, 20, 300, NULL, 0}, 10, NULL},
};

#define TABLE_COUNT (sizeof(table) / sizeof(table[0]))

const struct ast_codec *ast_codec_at(unsigned index)
{
    return index < TABLE_COUNT ? &table[index].codec : NULL;
}

const struct ast_codec *ast_codec_find(const char *name)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (strcasecmp(table[i].codec.name, name) == 0) {
            return &table[i].codec;
        }
    }
    return NULL;
}

const struct ast_codec *ast_codec_find_rtpmap(const char *encoding, unsigned clock_rate,
                                              unsigned channels)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        const struct ast_codec *codec = &table[i].codec;

        if (strcasecmp(codec->encoding, encoding) == 0 && codec->clock_rate == clock_rate &&
            codec->channels == channels) {
            return codec;
        }
    }
    return NULL;
}

const struct ast_codec *ast_codec_find_payload_type(int payload_type)
{
    for (size_t i = 0; payload_type >= 0 && i < TABLE_COUNT; i++) {
        if (table[i].codec.payload_type == payload_type) {
            return &table[i].codec;
        }
    }
    return NULL;
}

/* All of them are of the table: nobody else makes one. */
static const struct entry *entry_of(const struct ast_codec *codec)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (codec == &table[i].codec) {
            return &table[i];
        }
    }
    return NULL;
}

const struct media_coder_ops *media_codec_ops(const struct ast_codec *codec)
{
    const struct entry *entry = entry_of(codec);

    return entry ? entry->ops : NULL;
}

unsigned media_codec_fit_ptime(const struct ast_codec *codec, unsigned wanted)
{
    const struct entry *entry = entry_of(codec);

    if (!entry || wanted == 0) {
        return codec->ptime;
    }
    if (wanted > codec->max_ptime) {
        wanted = codec->max_ptime;
    }
    wanted -= wanted % entry->quantum;
    if (entry->ops == &media_coder_opus && wanted == 30) {
        return 20; /* frames of Opus last 10, 20, 40 or 60 ms (RFC 6716 2.1.4) */
    }
    if (entry->ops == &media_coder_opus && wanted == 50) {
        return 40;
    }
    return wanted ? wanted : entry->quantum;
}
