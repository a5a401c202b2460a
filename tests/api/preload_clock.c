/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock of a daemon that a test sets: seconds that are added to it, out of the file that
 * PRELOAD_CLOCK names (a long). For LD_PRELOAD; what does not go by the time of day is as it was.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#pragma GCC visibility push(default)

static long added(void)
{
    static volatile const long *seconds;
    const char *path = getenv("PRELOAD_CLOCK");

    if (!seconds && path) {
        int file = open(path, O_RDONLY);
        void *map = mmap(NULL, sizeof(*seconds), PROT_READ, MAP_SHARED, file, 0);

        close(file);
        seconds = map != MAP_FAILED ? map : NULL;
    }
    return seconds ? *seconds : 0;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    int result = (int)syscall(SYS_clock_gettime, id, out);

    if (result == 0 && id == CLOCK_REALTIME) {
        out->tv_sec += added();
    }
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (out) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict unused)
{
    struct timespec now;

    (void)unused;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
