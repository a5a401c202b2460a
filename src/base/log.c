/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: the log. One line is one write(2) of at most PIPE_BUF octets, so that lines of several threads never mix,
 * and no lock is taken. What is written can hold no control character: a peer's text cannot forge a line.
 */
#include <sipsession/log.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

#define LINE_SIZE 4096 /* PIPE_BUF of Linux */
_Static_assert(LINE_SIZE <= PIPE_BUF, "a line must be written in one piece");

static atomic_int log_level = AST_LOG_NOTICE;
static atomic_int log_fd = STDERR_FILENO;

/* Who else is shown what this thread logs; see NULL: nobody. */
static _Thread_local struct {
    void (*see)(int level, const char *text, void *data);
    void *data;
} copy;

static const char *const level_names[] = {"ERROR", "WARNING", "NOTICE", "VERBOSE", "DEBUG"};

/* "2030-01-31 12:00:00.123 "; the part that changes once a second is kept for each thread. */
static size_t put_time(char *out, size_t size)
{
    static _Thread_local time_t kept_second = -1;
    static _Thread_local char kept[24];
    struct timespec now;
    int length;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != kept_second) {
        struct tm local;

        if (!localtime_r(&now.tv_sec, &local) ||
            strftime(kept, sizeof(kept), "%F %T", &local) == 0) {
            kept[0] = '\0';
        }
        kept_second = now.tv_sec;
    }
    length = snprintf(out, size, "%s.%03ld ", kept, now.tv_nsec / 1000000);
    return length > 0 ? (size_t)length : 0;
}

/* Octets of the UTF-8 character at text that may stand in a line as it is; 0: the first octet needs escaping. */
static size_t plain_length(const unsigned char *text)
{
    size_t length, i;

    if (text[0] < 0x80) {
        return text[0] >= 0x20 && text[0] != 0x7f ? 1 : 0;
    }
    if (text[0] >= 0xc2 && text[0] <= 0xdf) {
        length = 2;
    } else if ((text[0] & 0xf0) == 0xe0) {
        length = 3;
    } else if (text[0] >= 0xf0 && text[0] <= 0xf4) {
        length = 4;
    } else {
        return 0;
    }
    for (i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) { /* the NUL at the end as well */
            return 0;
        }
    }
    /* Terminals obey U+0080..U+009F, and show a line separator (U+2028, U+2029) as a new line. */
    if ((text[0] == 0xc2 && text[1] < 0xa0) ||
        (text[0] == 0xe2 && text[1] == 0x80 && (text[2] == 0xa8 || text[2] == 0xa9))) {
        return 0;
    }
    return length;
}

static size_t put_escaped(char *out, unsigned char octet)
{
    static const char hex[] = "0123456789abcdef";

    out[0] = '\\';
    switch (octet) {
    case '\n':
        out[1] = 'n';
        return 2;
    case '\r':
        out[1] = 'r';
        return 2;
    case '\t':
        out[1] = 't';
        return 2;
    default:
        out[1] = 'x';
        out[2] = hex[octet >> 4];
        out[3] = hex[octet & 0xf];
        return 4;
    }
}

size_t base_log_escape(char *out, size_t size, const char *text)
{
    static const char cut[] = "...";
    const unsigned char *in = (const unsigned char *)text;
    size_t used = 0, fits = 0; /* fits: how much leaves room for the mark of a cut */

    base_assert(size >= sizeof(cut));
    while (*in) {
        char piece[4];
        size_t length = plain_length(in);
        size_t taken = length ? length : 1;

        if (length) {
            memcpy(piece, in, length);
        } else {
            length = put_escaped(piece, *in);
        }
        if (used + length > size - 1) {
            memcpy(out + fits, cut, sizeof(cut));
            return fits + sizeof(cut) - 1;
        }
        memcpy(out + used, piece, length);
        used += length;
        in += taken;
        if (used <= size - sizeof(cut)) {
            fits = used;
        }
    }
    out[used] = '\0';
    return used;
}

static void write_line(const char *line, size_t length)
{
    int fd = atomic_load_explicit(&log_fd, memory_order_relaxed);

    /* What cannot be written is lost: nothing may wait for a log. */
    while (length > 0) {
        ssize_t done = write(fd, line, length);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return;
        }
        line += done;
        length -= (size_t)done;
    }
}

void base_log_copy(void (*see)(int level, const char *text, void *data), void *data)
{
    copy.see = see;
    copy.data = data;
}

void base_log_line(int level, const char *format, va_list args)
{
    char text[LINE_SIZE], line[LINE_SIZE];
    int is_shown = copy.see && level <= AST_LOG_NOTICE;
    int saved_errno = errno;
    size_t used, begin;
    int length;

    if (!is_shown && !ast_log_enabled((enum ast_log_level)level)) {
        return;
    }
    length = vsnprintf(text, sizeof(text), format, args); /* errno is the caller's, for %m */
    if (length < 0) {
        text[0] = '\0';
    }
    used = put_time(line, sizeof(line));
    used += (size_t)snprintf(line + used, sizeof(line) - used, "%s ", level_names[level]);
    begin = used;
    used += base_log_escape(line + used, sizeof(line) - used,
                            text); /* its NUL makes room for the newline */
    if (is_shown) {
        copy.see(level, line + begin, copy.data);
    }
    line[used++] = '\n';
    if (ast_log_enabled((enum ast_log_level)level)) {
        write_line(line, used);
    }
    errno = saved_errno;
}

void ast_log(enum ast_log_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    base_log_line((int)level, format, args);
    va_end(args);
}

int ast_log_enabled(enum ast_log_level level)
{
    return (int)level >= AST_LOG_ERROR && (int)level <= AST_LOG_DEBUG &&
           (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

void ast_log_set_level(enum ast_log_level level)
{
    atomic_store(&log_level, (int)level);
}

int base_log_open(const char *path)
{
    int old = atomic_load(&log_fd);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);

    if (fd < 0) {
        ast_error("log file %s: %m", path);
        return -1;
    }
    if (old == STDERR_FILENO) {
        atomic_store(&log_fd, fd);
        return 0;
    }
    /* The number stays while what it means changes at once: another thread may be about to write to it. */
    if (dup3(fd, old, O_CLOEXEC) < 0) {
        ast_error("log file %s: %m", path);
        close(fd);
        return -1;
    }
    close(fd);
    return 0;
}

int base_log_to_stderr(void)
{
    int old = atomic_load(&log_fd);

    /* as in base_log_open: the number stays */
    if (old != STDERR_FILENO && dup3(STDERR_FILENO, old, O_CLOEXEC) < 0) {
        ast_error("log: standard error: %m");
        return -1;
    }
    return 0;
}

void base_log_close(void)
{
    int old;

    base_log_tell(1);
    old = atomic_exchange(&log_fd, STDERR_FILENO);
    if (old != STDERR_FILENO) {
        close(old);
    }
}
