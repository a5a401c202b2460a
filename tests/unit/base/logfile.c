/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log in a file: see logfile.h. */
#include "logfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"

static char path[64];
static char text[4 << 20];

void logfile_begin(void)
{
    int fd;

    strcpy(path, "/tmp/sipsession-unit-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(base_log_open(path), 0);
}

const char *logfile_text(void)
{
    FILE *file = fopen(path, "r");
    size_t length;

    assert_non_null(file);
    length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[length] = '\0';
    return text;
}

unsigned logfile_lines(void)
{
    unsigned lines = 0;
    const char *at;

    for (at = text; *at; at++) {
        lines += *at == '\n';
    }
    return lines;
}

void logfile_end(void)
{
    base_log_close();
    unlink(path);
}
