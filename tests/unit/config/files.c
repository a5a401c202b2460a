/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder with configuration files: see files.h. */
#include "files.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct config_report *report;

static char folder[64];
static char text[1 << 20];

int files_begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/sipsession-unit-XXXXXX");
    report = config_report_create();
    return report && mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *ftw)
{
    (void)status;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int files_end(void **state)
{
    (void)state;
    config_report_free(report);
    report = NULL;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *files_folder(void)
{
    return folder;
}

const char *files_path(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

const char *files_write(const char *name, const char *content)
{
    const char *path = files_path(name);
    const char *slash = strchr(name, '/');
    FILE *file;

    if (slash) {
        char sub[PATH_MAX];

        snprintf(sub, sizeof(sub), "%s/%.*s", folder, (int)(slash - name), name);
        mkdir(sub, 0700);
    }
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    return path;
}

/* The report as text, without the folder's name. */
static void print_report(void)
{
    size_t prefix = strlen(folder) + 1;
    FILE *file = fmemopen(text, sizeof(text), "w");
    char *at;

    assert_non_null(file);
    config_report_print(report, file);
    fputc('\0', file);
    fclose(file);
    while ((at = strstr(text, folder))) {
        size_t length = at[prefix - 1] == '/' ? prefix : prefix - 1;

        memmove(at, at + length, strlen(at + length) + 1);
    }
}

void files_forget(void)
{
    config_report_free(report);
    report = config_report_create();
    assert_non_null(report);
}

void files_check(const char *expected)
{
    print_report();
    assert_string_equal(text, expected);
    files_forget();
}

void files_check_has(const char *part)
{
    print_report();
    if (!strstr(text, part)) {
        fail_msg("not reported: %s\nbut: %s", part, text);
    }
}
