/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: from the octets of a file to its lines, without comments. It knows nothing of sections or
 * options.
 */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_SIZE (16u << 20) /* octets of one file at most */

/* A file that is the configuration itself (line 0) needs not be named twice. */
static void complain(struct config_report *report, const char *from, unsigned line,
                     const char *path, const char *text)
{
    if (line) {
        config_error(report, from, line, "%s: %s", path, text);
    } else {
        config_error(report, path, 0, "%s", text);
    }
}

/* Whether it is what it was when stat() was asked: somebody may be writing it. */
static int is_same(FILE *file, const struct stat *before)
{
    struct stat now;

    return fstat(fileno(file), &now) == 0 && now.st_ino == before->st_ino &&
           now.st_size == before->st_size && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/* Reads what stat() promised; malloc'ed, or NULL with errno; 0: it has changed meanwhile. */
static char *read_all(const char *path, const struct stat *status, size_t *length)
{
    const size_t size = (size_t)status->st_size;
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(size + 1) : NULL;

    if (text) {
        *length = fread(text, 1, size, file);
        text[*length] = '\0';
        if (ferror(file) || *length != size || !is_same(file, status)) {
            errno = ferror(file) ? errno : 0;
            free(text);
            text = NULL;
        }
    }
    if (file) {
        int saved_errno = errno;

        fclose(file);
        errno = saved_errno;
    }
    return text;
}

char *config_source_read(const char *path, size_t *length, struct config_report *report,
                         const char *from, unsigned line)
{
    struct stat status;
    char *text;

    if (stat(path, &status) != 0) {
        complain(report, from, line, path, strerror(errno));
        return NULL;
    }
    if (!S_ISREG(status.st_mode)) { /* a FIFO would make us wait */
        complain(report, from, line, path, "this is not a regular file");
        return NULL;
    }
    if (status.st_size > (off_t)FILE_SIZE) {
        complain(report, from, line, path, "the file is too large, expected at most 16 MiB");
        return NULL;
    }
    text = read_all(path, &status, length);
    if (!text) {
        complain(report, from, line, path,
                 errno ? strerror(errno) : "the file has changed while it was read");
    }
    return text;
}

void config_source_init(struct config_source *source, const char *text, size_t length,
                        const char *name, struct config_report *report)
{
    static const char mark[] = "\xef\xbb\xbf"; /* that some editors put in front of UTF-8 */

    memset(source, 0, sizeof(*source));
    source->name = name;
    source->report = report;
    source->rest = text;
    source->end = text + length;
    if (length >= 3 && memcmp(text, mark, 3) == 0) {
        source->rest += 3;
    }
}

/* ---- comments ---- */

/* Where a line is read from and written to. */
struct strip {
    const char *line;
    size_t length, at;
    size_t run; /* where the present stretch of comment or of text begins */
    char *out;
    size_t used;
};

/* Whether `;--` begins a block comment at `at`. A longer row of dashes is a plain comment, drawn as
 * a ruler. */
static int opens_block(const struct strip *strip)
{
    const char *here = strip->line + strip->at;
    size_t left = strip->length - strip->at;

    return left >= 3 && here[0] == ';' && here[1] == '-' && here[2] == '-' &&
           (left == 3 || here[3] != '-');
}

static int closes_block(const struct strip *strip)
{
    const char *here = strip->line + strip->at;

    return here[0] == ';' && strip->at >= strip->run + 2 && here[-1] == '-' && here[-2] == '-';
}

static void open_block(struct config_source *source, struct strip *strip)
{
    if (source->comments == CONFIG_COMMENT_DEPTH) {
        config_error(source->report, source->name, source->line,
                     "too many block comments within each other, expected at most %u",
                     CONFIG_COMMENT_DEPTH);
    } else {
        source->comment_lines[source->comments++] = source->line;
    }
    strip->at += 3;
    strip->run = strip->at;
}

static void step_in_comment(struct config_source *source, struct strip *strip)
{
    if (closes_block(strip)) {
        source->comments--;
        strip->run = ++strip->at;
    } else if (opens_block(strip)) {
        open_block(source, strip);
    } else {
        strip->at++;
    }
}

/* 0: a comment takes the rest of the line. */
static int step_in_text(struct config_source *source, struct strip *strip)
{
    char octet = strip->line[strip->at];

    if (octet != ';') {
        strip->out[strip->used++] = octet;
        strip->at++;
        return 1;
    }
    if (strip->at > strip->run && strip->line[strip->at - 1] == '\\') {
        strip->out[strip->used - 1] = ';'; /* `\;` */
        strip->at++;
        return 1;
    }
    if (opens_block(strip)) {
        open_block(source, strip);
        return 1;
    }
    return 0;
}

/* Copies a line without its comments; out holds at least length + 1. */
static size_t strip_comments(struct config_source *source, const char *line, size_t length,
                             char *out)
{
    struct strip strip = {.line = line, .length = length, .out = out};

    while (strip.at < strip.length) {
        if (source->comments) {
            step_in_comment(source, &strip);
        } else if (!step_in_text(source, &strip)) {
            break;
        }
    }
    out[strip.used] = '\0';
    return strip.used;
}

/* ---- lines ---- */

static int is_blank(char octet)
{
    return octet == ' ' || octet == '\t' || octet == '\r';
}

char *config_trim(char *text)
{
    size_t length;

    while (is_blank(*text)) {
        text++;
    }
    length = strlen(text);
    while (length > 0 && is_blank(text[length - 1])) {
        length--;
    }
    text[length] = '\0';
    return text;
}

/* Control characters would travel into SIP messages and logs. */
static int is_text(struct config_source *source, const char *line, size_t length)
{
    size_t i;

    for (i = 0; i < length; i++) {
        unsigned char octet = (unsigned char)line[i];

        if ((octet < 0x20 && octet != '\t' && !(octet == '\r' && i == length - 1)) ||
            octet == 0x7f) {
            config_error(source->report, source->name, source->line,
                         "control character 0x%02x, expected text", octet);
            return 0;
        }
    }
    return 1;
}

char *config_source_line(struct config_source *source)
{
    while (source->rest < source->end) {
        const char *line = source->rest;
        const char *newline = memchr(line, '\n', (size_t)(source->end - line));
        size_t length = (size_t)((newline ? newline : source->end) - line);
        char *text;

        source->rest = newline ? newline + 1 : source->end;
        source->line++;
        if (length > CONFIG_LINE_SIZE - 2) {
            config_error(source->report, source->name, source->line,
                         "the line is too long, expected at most %u octets", CONFIG_LINE_SIZE - 2);
            continue;
        }
        length = strip_comments(source, line, length, source->buffer);
        if (!is_text(source, source->buffer, length)) {
            continue;
        }
        text = config_trim(source->buffer);
        if (*text) {
            return text;
        }
    }
    if (source->comments) {
        config_error(
            source->report, source->name, source->comment_lines[source->comments - 1],
            "the block comment that begins here does not end, expected --; before the end of the file");
        source->comments = 0;
    }
    return NULL;
}
