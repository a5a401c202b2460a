/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The allocations that fail on demand: see failmalloc.h. */
#include "failmalloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Default visibility: the sanitizers' libraries refer to malloc too, and the linker then wants to see these. */
#pragma GCC visibility push(default)
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t most);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);
int __wrap_asprintf(char **out, const char *format, ...);
#pragma GCC visibility pop

static atomic_uint left; /* allocations until the one that fails; 0: none will */
static atomic_int fired;

void failmalloc_set(unsigned nth)
{
    atomic_store(&fired, 0);
    atomic_store(&left, nth);
}

int failmalloc_fired(void)
{
    return atomic_load(&fired);
}

static int must_fail(void)
{
    unsigned now = atomic_load(&left);

    while (now > 0 && !atomic_compare_exchange_weak(&left, &now, now - 1)) {
    }
    if (now != 1) {
        return 0;
    }
    atomic_store(&fired, 1);
    errno = ENOMEM;
    return 1;
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return must_fail() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return must_fail() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t most)
{
    return must_fail() ? NULL : __real_strndup(text, most);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list args;
    int length;

    if (must_fail()) {
        return -1;
    }
    va_start(args, format);
    length = vasprintf(out, format, args);
    va_end(args);
    return length;
}

unsigned failmalloc_each(int (*attempt)(void *data), void *data, int may_live)
{
    unsigned nth;

    for (nth = 1; nth < 100000; nth++) {
        int result, did_fire;

        failmalloc_set(nth);
        result = attempt(data);
        did_fire = failmalloc_fired();
        failmalloc_set(0);
        if (!did_fire) {
            assert_int_equal(result, 0);
            return nth - 1;
        }
        if (!may_live || result != 0) {
            assert_int_equal(result, -1);
        }
    }
    fail_msg("it allocates without end");
    return 0;
}
