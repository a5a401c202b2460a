/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: WAV files in memory (RIFF WAVE, mono, 16-bit PCM, 8 or 16 kHz), and a cache of those read
 * lately. Reading blocks: never on the SIP thread nor on a media thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sipsession/log.h>

#include "media/media.h"

#define FILE_MOST  (64u << 20) /* octets of one file: half an hour at 16 kHz */
#define CACHE_MOST (32u << 20) /* octets of all files that are kept for the next time */

/* ---- the format ---- */

#define FORMAT_PCM        1
#define FORMAT_EXTENSIBLE 0xfffe

static unsigned get16(const uint8_t *at)
{
    return (unsigned)at[0] | (unsigned)at[1] << 8;
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) | (uint32_t)get16(at + 2) << 16;
}

static int read_format(const uint8_t *chunk, uint32_t size, unsigned *rate, char *why,
                       size_t why_size)
{
    /* The first two octets of an extensible format's GUID are a format as above. */
    unsigned format = size >= 16 ? get16(chunk) : 0;

    if (format == FORMAT_EXTENSIBLE && size >= 40) {
        format = get16(chunk + 24);
    }
    if (format != FORMAT_PCM) {
        snprintf(why, why_size, "its format is %u, not PCM (1)", format);
        return -1;
    }
    if (get16(chunk + 2) != 1 || get16(chunk + 14) != 16 || get16(chunk + 12) != 2) {
        snprintf(why, why_size, "it has %u channels of %u bits, not 1 of 16", get16(chunk + 2),
                 get16(chunk + 14));
        return -1;
    }
    if (get32(chunk + 4) != 8000 && get32(chunk + 4) != 16000) {
        snprintf(why, why_size, "its rate is %u Hz, not 8000 or 16000", get32(chunk + 4));
        return -1;
    }
    *rate = get32(chunk + 4);
    return 0;
}

static int make(const uint8_t *data, size_t octets, unsigned rate, struct media_wav **wav,
                char *why, size_t why_size)
{
    const size_t count = octets / 2;
    struct media_wav *const made = calloc(1, sizeof(*made));
    short *const samples = malloc(count * sizeof(*samples));

    if (!made || !samples) {
        free(made);
        free(samples);
        snprintf(why, why_size, "no memory");
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        samples[i] = (short)get16(data + 2 * i);
    }
    atomic_init(&made->refs, 1);
    made->rate = rate;
    made->count = count;
    made->samples = samples;
    *wav = made;
    return 0;
}

int media_wav_parse(const uint8_t *file, size_t size, struct media_wav **wav, char *why,
                    size_t why_size)
{
    size_t at = 12;
    unsigned rate = 0;

    if (size < 12 || memcmp(file, "RIFF", 4) != 0 || memcmp(file + 8, "WAVE", 4) != 0) {
        snprintf(why, why_size, "it is no WAV file");
        return -1;
    }
    while (size - at >= 8) {
        const uint8_t *const chunk = file + at + 8;
        const uint32_t length = get32(file + at + 4);

        if (length > size - at - 8) {
            snprintf(why, why_size, "it is cut: a chunk of %u octets has only %zu", length,
                     size - at - 8);
            return -1;
        }
        if (memcmp(file + at, "fmt ", 4) == 0) {
            if (read_format(chunk, length, &rate, why, why_size)) {
                return -1;
            }
        } else if (memcmp(file + at, "data", 4) == 0) {
            if (rate == 0 || length < 2 || length % 2 != 0) {
                snprintf(why, why_size, rate ? "it has no whole samples" : "its format is missing");
                return -1;
            }
            return make(chunk, length, rate, wav, why, why_size);
        }
        at += 8 + (size_t)length;
        at += length % 2 && at < size; /* chunks begin at even places */
    }
    snprintf(why, why_size, "it has no data");
    return -1;
}

struct media_wav *media_wav_ref(struct media_wav *wav)
{
    atomic_fetch_add(&wav->refs, 1);
    return wav;
}

void media_wav_unref(struct media_wav *wav)
{
    if (wav && atomic_fetch_sub(&wav->refs, 1) == 1) {
        free(wav->samples);
        free(wav);
    }
}

/* ---- the cache: newest first ---- */

struct kept {
    struct kept *next;
    struct media_wav *wav; /* a reference */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    char path[];
};

static struct {
    pthread_mutex_t lock;
    struct kept *first;
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void free_kept(struct kept *kept)
{
    media_wav_unref(kept->wav);
    free(kept);
}

/* Takes an entry out of the list; NULL: there is none of the path. Under the lock. */
static struct kept *take_kept(const char *path)
{
    for (struct kept **at = &cache.first; *at; at = &(*at)->next) {
        if (strcmp((*at)->path, path) == 0) {
            struct kept *const kept = *at;

            *at = kept->next;
            return kept;
        }
    }
    return NULL;
}

static void put_first(struct kept *kept)
{
    kept->next = cache.first;
    cache.first = kept;
}

/* Frees the oldest beyond what may be kept. Under the lock. */
static void trim(void)
{
    size_t sum = 0;

    for (struct kept **at = &cache.first; *at;) {
        struct kept *const kept = *at;

        sum += kept->wav->count * sizeof(short);
        if (sum <= CACHE_MOST) {
            at = &kept->next;
            continue;
        }
        *at = kept->next;
        free_kept(kept);
    }
}

/* A reference, or NULL when it is not there or not any more the file that it was */
static struct media_wav *look_up(const char *path, const struct stat *now)
{
    struct media_wav *wav = NULL;
    struct kept *kept;

    pthread_mutex_lock(&cache.lock);
    kept = take_kept(path);
    if (kept && kept->device == now->st_dev && kept->inode == now->st_ino &&
        kept->size == now->st_size && kept->changed.tv_sec == now->st_mtim.tv_sec &&
        kept->changed.tv_nsec == now->st_mtim.tv_nsec) {
        wav = media_wav_ref(kept->wav);
        put_first(kept);
    } else if (kept) {
        free_kept(kept);
    }
    pthread_mutex_unlock(&cache.lock);
    return wav;
}

static void keep(const char *path, const struct stat *now, struct media_wav *wav)
{
    const size_t length = strlen(path) + 1;
    struct kept *const kept = malloc(sizeof(*kept) + length);
    struct kept *before;

    if (!kept) {
        return;
    }
    kept->wav = media_wav_ref(wav);
    kept->device = now->st_dev;
    kept->inode = now->st_ino;
    kept->size = now->st_size;
    kept->changed = now->st_mtim;
    memcpy(kept->path, path, length);
    pthread_mutex_lock(&cache.lock);
    before = take_kept(path);
    if (before) {
        free_kept(before);
    }
    put_first(kept);
    trim();
    pthread_mutex_unlock(&cache.lock);
}

void media_wav_forget_all(void)
{
    pthread_mutex_lock(&cache.lock);
    while (cache.first) {
        struct kept *const kept = cache.first;

        cache.first = kept->next;
        free_kept(kept);
    }
    pthread_mutex_unlock(&cache.lock);
}

/* ---- reading ---- */

static int read_all(int fd, uint8_t *out, size_t size)
{
    while (size > 0) {
        const ssize_t got = read(fd, out, size);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return -1;
        }
        out += got;
        size -= (size_t)got;
    }
    return 0;
}

static int read_file(int fd, const struct stat *info, struct media_wav **wav, char *why,
                     size_t why_size)
{
    const size_t size = (size_t)info->st_size;
    uint8_t *file;
    int result = -1;

    if (!S_ISREG(info->st_mode) || info->st_size > (off_t)FILE_MOST) {
        snprintf(why, why_size, S_ISREG(info->st_mode) ? "it is too big" : "it is no file");
        return -1;
    }
    file = malloc(size + 1);
    if (!file) {
        snprintf(why, why_size, "no memory");
    } else if (read_all(fd, file, size)) {
        snprintf(why, why_size, "it can not be read");
    } else {
        result = media_wav_parse(file, size, wav, why, why_size);
    }
    free(file);
    return result;
}

int media_wav_load(const char *path, struct media_wav **wav)
{
    const int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO has no say in how long */
    struct media_wav *found = NULL;
    struct stat info;
    char why[128];

    if (fd < 0 || fstat(fd, &info)) {
        snprintf(why, sizeof(why), "%s", strerror(errno));
    } else {
        found = look_up(path, &info);
        if (!found && read_file(fd, &info, &found, why, sizeof(why)) == 0) {
            keep(path, &info, found);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    if (!found) {
        ast_error_limited("%s can not be played: %s", path, why);
        return -1;
    }
    *wav = found;
    return 0;
}
