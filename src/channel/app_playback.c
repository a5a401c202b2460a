/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: Playback(file[&file...][,skip|noanswer]): plays sound files, one after the other. Files are read by the
 * blocking pool and played by the media thread; this file only says which is next.
 *
 * A piece is one playing of one file. It outlives the application when that is stopped, until whoever has it (the
 * pool, or the stream) says that it is done: then it has no owner any more, and frees itself.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sipsession/log.h>
#include <sipsession/res_sip.h>

#include "channel/channel.h"
#include "media/media.h"

/* How long an answered call may stay without agreed audio (a late offer's ACK takes no longer). */
#define AUDIO_PATIENCE_MS 10000

enum piece_state {
    PIECE_LOADING, /* the blocking pool has it */
    PIECE_WAITING, /* for the channel's audio */
    PIECE_PLAYING  /* the stream has it */
};

struct piece {
    struct playback *owner; /* NULL: nobody waits for it */
    enum piece_state state;
    struct media_wav *wav; /* a reference, when loaded */
    char path[];
};

struct playback {
    struct ast_channel *channel; /* whose application data this is */
    struct piece *piece;         /* the one that is played; or NULL */
    char *rest;                  /* the names still to be played, separated by &; or NULL */
    int failed;
    char names[];
};

static void piece_destroy(struct piece *piece)
{
    if (piece->wav != NULL) {
        media_wav_unref(piece->wav);
    }
    free(piece);
}

static struct piece *piece_create(struct playback *owner, const char *path)
{
    size_t size = strlen(path) + 1;
    struct piece *piece = calloc(1, sizeof(*piece) + size);

    if (piece != NULL) {
        memcpy(piece->path, path, size);
        piece->owner = owner;
    }
    return piece;
}

static void go_on(struct playback *playback);

/* ---- what the stream says ---- */

static void on_finished(void *data)
{
    struct piece *piece = data;

    if (piece->owner != NULL) {
        struct playback *playback = piece->owner;

        piece->owner = NULL; /* released comes when the stream gets something else to do */
        playback->piece = NULL;
        go_on(playback);
    }
}

static void on_released(void *data)
{
    struct piece *piece = data;
    struct playback *playback = piece->owner;

    piece_destroy(piece);
    if (playback != NULL) { /* somebody else took the stream before the end */
        playback->piece = NULL;
        playback->failed = 1;
        go_on(playback);
    }
}

static const struct ast_audio piece_events = {.finished = on_finished, .released = on_released};

/* ---- playing ---- */

static void on_no_audio(struct ast_channel *channel)
{
    struct playback *playback = ast_application_get_data(channel);

    ast_warning_limited("%s: no audio was agreed on, nothing is played",
                        ast_channel_get_name(channel));
    playback->failed = 1;
    playback->rest = NULL;
    piece_destroy(playback->piece);
    playback->piece = NULL;
    go_on(playback);
}

/* Gives the loaded piece to the stream, or waits for one. 0; -1: it cannot be played. */
static int play(struct playback *playback)
{
    struct piece *piece = playback->piece;
    struct ast_rtp *rtp = ast_channel_get_rtp(playback->channel);
    struct media_wav_player *player;

    piece->state = PIECE_WAITING;
    if (rtp == NULL) {
        return chan_timer_start(playback->channel, AUDIO_PATIENCE_MS, on_no_audio);
    }
    player = media_wav_player_create(piece->wav, &piece_events, piece);
    if (player == NULL) {
        return -1;
    }
    if (ast_rtp_set_audio(rtp, &media_wav_player_audio, player) != 0) {
        media_wav_player_destroy(player);
        return -1;
    }
    piece->state = PIECE_PLAYING;
    return 0;
}

/* The piece cannot be played. */
static void give_up(struct playback *playback)
{
    playback->failed = 1;
    piece_destroy(playback->piece);
    playback->piece = NULL;
}

/* ---- loading ---- */

static int load(void *data)
{
    struct piece *piece = data;

    return media_wav_load(piece->path, &piece->wav);
}

static void on_loaded(void *data, int result)
{
    struct piece *piece = data;
    struct playback *playback = piece->owner;

    if (playback == NULL) {
        piece_destroy(piece);
        return;
    }
    if (result != 0 || play(playback) != 0) {
        give_up(playback);
        go_on(playback);
    }
}

/* Takes a name off the list, without the blanks around it; NULL: there is none left. */
static const char *next_name(struct playback *playback)
{
    char *name = strsep(&playback->rest, "&");

    if (name != NULL) {
        chan_split(name, '\0', &name, 1);
    }
    return name;
}

/* Takes the next name that can be tried. 0: it is being loaded; -1: there is none left. */
static int next(struct playback *playback)
{
    char path[PATH_MAX];
    const char *name;

    while ((name = next_name(playback)) != NULL) {
        if (chan_sound_path(name, path, sizeof(path)) != 0) {
            playback->failed = 1;
            continue;
        }
        playback->piece = piece_create(playback, path);
        if (playback->piece != NULL &&
            ast_sip_push_blocking(load, on_loaded, playback->piece) == 0) {
            return 0;
        }
        ast_error_limited("%s: %s cannot be loaded", ast_channel_get_name(playback->channel), path);
        free(playback->piece);
        playback->piece = NULL;
        playback->failed = 1;
    }
    return -1;
}

static void set_status(struct ast_channel *channel, int failed)
{
    ast_channel_set_variable(channel, "PLAYBACKSTATUS", failed ? "FAILED" : "SUCCESS");
}

/* The next file, or the end. */
static void go_on(struct playback *playback)
{
    if (next(playback) != 0) {
        set_status(playback->channel, playback->failed);
        ast_application_done(playback->channel, AST_APPLICATION_DONE);
    }
}

/* ---- the application ---- */

struct options {
    int skip, noanswer;
};

static void read_options(struct ast_channel *channel, char *text, struct options *options)
{
    char *names[4];
    unsigned count = chan_split(text, ',', names, PJ_ARRAY_SIZE(names));

    for (unsigned i = 0; i < count; ++i) {
        if (strcasecmp(names[i], "skip") == 0) {
            options->skip = 1;
        } else if (strcasecmp(names[i], "noanswer") == 0) {
            options->noanswer = 1;
        } else if (names[i][0] != '\0') {
            ast_warning_limited("%s: Playback has no option \"%s\"", ast_channel_get_name(channel),
                                names[i]);
        }
    }
}

/* The caller can hear us now, or soon. 0; -1: the call is over; 1: nothing is to be played. */
static int open_audio(struct ast_channel *channel, const struct options *options)
{
    if (ast_channel_get_state(channel) == AST_CHANNEL_GONE) {
        return -1;
    }
    if (ast_channel_get_state(channel) == AST_CHANNEL_UP) {
        return 0;
    }
    if (options->skip) {
        return 1;
    }
    if (options->noanswer) {
        ast_channel_indicate(channel, AST_CONTROL_PROGRESS);
        return ast_channel_get_state(channel) == AST_CHANNEL_GONE ? -1 : 0;
    }
    return ast_channel_answer(channel);
}

static struct playback *create(struct ast_channel *channel, const char *args,
                               struct options *options)
{
    size_t size = strlen(args) + 1;
    struct playback *playback = calloc(1, sizeof(*playback) + size);
    char *parts[2];

    if (playback == NULL) {
        return NULL;
    }
    memcpy(playback->names, args, size);
    chan_split(playback->names, ',', parts, 2);
    read_options(channel, parts[1], options);
    playback->rest = parts[0];
    playback->channel = channel;
    return playback;
}

static enum ast_application_result start(struct ast_channel *channel, const char *args)
{
    struct options options = {0};
    struct playback *playback = create(channel, args, &options);
    int open;

    if (playback == NULL) {
        ast_error_limited("%s: no memory for Playback", ast_channel_get_name(channel));
        return AST_APPLICATION_HANGUP;
    }
    open = open_audio(channel, &options);
    if (open == 0 && next(playback) == 0) {
        ast_application_set_data(channel, playback);
        return AST_APPLICATION_RUNNING;
    }
    set_status(channel, playback->failed);
    free(playback);
    return open < 0 ? AST_APPLICATION_HANGUP : AST_APPLICATION_DONE;
}

static void stop(struct ast_channel *channel)
{
    struct playback *playback = ast_application_get_data(channel);
    struct piece *piece = playback->piece;

    chan_timer_stop(channel);
    if (piece != NULL) {
        piece->owner = NULL;
        if (piece->state == PIECE_WAITING) {
            piece_destroy(piece);
        }
    }
    if (ast_channel_get_rtp(channel) != NULL) {
        ast_rtp_set_idle(ast_channel_get_rtp(channel));
    }
    free(playback);
}

/* Another stream: what was being played begins again there. */
static void rtp_changed(struct ast_channel *channel)
{
    struct playback *playback = ast_application_get_data(channel);
    struct piece *old = playback->piece;

    if (old == NULL || old->state == PIECE_LOADING) {
        return;
    }
    chan_timer_stop(channel);
    if (old->state == PIECE_PLAYING) {
        struct piece *again = piece_create(playback, old->path);

        old->owner = NULL;
        playback->piece = again;
        if (again == NULL) {
            playback->failed = 1;
            go_on(playback);
            return;
        }
        again->wav = media_wav_ref(old->wav);
    }
    if (play(playback) != 0) {
        give_up(playback);
        go_on(playback);
    }
}

const struct ast_application app_playback = {.name = "Playback",
                                             .synopsis = "Play sound files",
                                             .start = start,
                                             .stop = stop,
                                             .rtp_changed = rtp_changed};
