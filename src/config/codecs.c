/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: lists of codecs, "!all,ulaw,g722:40". Which codecs there are is the media room's to say.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Names that such files may hold, of codecs that we do not have. */
static const char *const foreign[] = {
    "none",   "g726aal2", "adpcm",   "lpc10",   "speex",  "speex16", "speex32", "siren7", "siren14",
    "g719",   "silk8",    "silk12",  "silk16",  "silk24", "slin12",  "slin24",  "slin32", "slin44",
    "slin48", "slin96",   "slin192", "testlaw", "codec2", "jpeg",    "png",     "h261",   "h263",
    "h263p",  "h264",     "h265",    "mpeg4",   "vp8",    "vp9",     "av1",     "t38",    "red",
    "t140",   "t140red",  "amr",     "amrwb",   "evs",    "silk"};
#define FOREIGN_COUNT (sizeof(foreign) / sizeof(foreign[0]))

#define MAX_NAMES 128

static int is_foreign(const char *name)
{
    size_t i;

    for (i = 0; i < FOREIGN_COUNT; i++) {
        if (strcasecmp(foreign[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *nearest_codec(const char *name)
{
    const char *names[MAX_NAMES];
    const struct ast_codec *codec;
    unsigned count = 0;
    size_t i;

    for (count = 0; (codec = ast_codec_at(count)) && count < MAX_NAMES - FOREIGN_COUNT; count++) {
        names[count] = codec->name;
    }
    for (i = 0; i < FOREIGN_COUNT; i++) {
        names[count++] = foreign[i];
    }
    return base_nearest_name(name, names, count);
}

static unsigned find_codec(const struct ast_sip_codec_prefs *prefs, const char *name)
{
    unsigned i;

    for (i = 0; i < prefs->count && strcmp(prefs->codec[i].name, name) != 0; i++) {
    }
    return i;
}

static void remove_codec(struct ast_sip_codec_prefs *prefs, const char *name)
{
    unsigned at = find_codec(prefs, name);

    if (at < prefs->count) {
        prefs->count--;
        memmove(&prefs->codec[at], &prefs->codec[at + 1],
                (prefs->count - at) * sizeof(prefs->codec[0]));
    }
}

/* A codec that is there keeps its place. */
static void add_codec(struct ast_sip_codec_prefs *prefs, const struct ast_codec *codec,
                      unsigned ptime)
{
    unsigned at = find_codec(prefs, codec->name);

    if (at == AST_SIP_MAX_CODECS) {
        return; /* more than there are */
    }
    if (at == prefs->count) {
        memset(&prefs->codec[at], 0, sizeof(prefs->codec[at]));
        base_copy_text(prefs->codec[at].name, sizeof(prefs->codec[at].name), codec->name,
                       strlen(codec->name));
        prefs->count++;
    }
    prefs->codec[at].ptime = ptime;
}

static void add_or_remove_all(struct ast_sip_codec_prefs *prefs, int add)
{
    const struct ast_codec *codec;
    unsigned i;

    if (!add) {
        prefs->count = 0;
        return;
    }
    for (i = 0; (codec = ast_codec_at(i)); i++) {
        if (find_codec(prefs, codec->name) == prefs->count) {
            add_codec(prefs, codec, 0);
        }
    }
}

static int parse_ptime(const struct ast_codec *codec, const char *text, unsigned *ptime, char *why,
                       size_t why_size)
{
    unsigned value;

    if (base_parse_uint(text, codec->max_ptime, &value) != 0 || value == 0 || value % 10 != 0) {
        snprintf(why, why_size,
                 "expected a packet time of 10 to %u ms in steps of 10 after '%s:', not '%s'",
                 codec->max_ptime, codec->name, text);
        return -1;
    }
    *ptime = value;
    return 0;
}

/* One name of the list. 0; 1: it is a codec that we do not have; -1. */
static int parse_one(struct ast_sip_codec_prefs *prefs, char *text, int add, char *why,
                     size_t why_size)
{
    const struct ast_codec *codec;
    const char *nearest;
    unsigned ptime = 0;
    char *ptime_text;

    if (*text == '!') {
        add = !add;
        text++;
    }
    ptime_text = strchr(text, ':');
    if (ptime_text) {
        *ptime_text++ = '\0';
    }
    text = config_trim(text);
    if (strcasecmp(text, "all") == 0 && !ptime_text) {
        add_or_remove_all(prefs, add);
        return 0;
    }
    codec = ast_codec_find(text);
    if (!codec && is_foreign(text)) {
        snprintf(why, why_size, "codec '%s' is not supported", text);
        return add ? 1 : 0;
    }
    if (!codec) {
        nearest = nearest_codec(text);
        snprintf(why, why_size, "expected names of codecs: '%s' is none%s%s%s", text,
                 nearest ? ", the nearest is '" : "", nearest ? nearest : "", nearest ? "'" : "");
        return -1;
    }
    if (ptime_text && parse_ptime(codec, config_trim(ptime_text), &ptime, why, why_size) != 0) {
        return -1;
    }
    if (add) {
        add_codec(prefs, codec, ptime);
    } else {
        remove_codec(prefs, codec->name);
    }
    return 0;
}

static int parse_list(struct ast_sip_codec_prefs *prefs, const char *value, int add, char *why,
                      size_t why_size)
{
    struct ast_sip_codec_prefs result = *prefs;
    char *copy = strdup(value), *rest = copy, *text;
    int partly = 0;

    if (!copy) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    while ((text = strsep(&rest, ",|"))) {
        int one = parse_one(&result, config_trim(text), add, why, why_size);

        if (one < 0) {
            free(copy);
            return -1;
        }
        partly |= one;
    }
    free(copy);
    *prefs = result;
    return partly;
}

static struct ast_sip_codec_prefs *prefs_of(void *object, const struct base_option *option)
{
    return (struct ast_sip_codec_prefs *)((char *)object + option->offset);
}

int config_parse_allow(void *object, const struct base_option *option, const char *value, char *why,
                       size_t why_size)
{
    return parse_list(prefs_of(object, option), value, 1, why, why_size);
}

int config_parse_disallow(void *object, const struct base_option *option, const char *value,
                          char *why, size_t why_size)
{
    return parse_list(prefs_of(object, option), value, 0, why, why_size);
}

void config_format_codecs(const void *object, const struct base_option *option, char *out,
                          size_t size)
{
    const struct ast_sip_codec_prefs *prefs =
        (const struct ast_sip_codec_prefs *)((const char *)object + option->offset);
    size_t used = 0;
    unsigned i;

    out[0] = '\0';
    for (i = 0; i < prefs->count && used < size; i++) {
        const struct ast_sip_codec_pref *codec = &prefs->codec[i];
        const char *comma = i ? "," : "";

        if (codec->ptime) {
            used += (size_t)snprintf(out + used, size - used, "%s%s:%u", comma, codec->name,
                                     codec->ptime);
        } else {
            used += (size_t)snprintf(out + used, size - used, "%s%s", comma, codec->name);
        }
    }
}
