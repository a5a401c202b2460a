/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See loaded.h. */
#include "loaded.h"

#include "failmalloc.h"

struct sip_config *sip;

static void forget(void)
{
    sip_config_destroy(sip);
    sip = NULL;
}

int loaded_end(void **state)
{
    forget();
    return files_end(state);
}

int load(const char *text)
{
    files_forget();
    forget();
    return config_pjsip_load(files_write("p", text), NULL, report, &sip);
}

void check_good(const char *text)
{
    int result = load(text);

    files_check("");
    assert_int_equal(result, 0);
    assert_non_null(sip);
}

void check_warned(const char *text, const char *problems)
{
    assert_int_equal(load(text), 0);
    files_check(problems);
}

void check_bad(const char *text, const char *problems)
{
    assert_int_equal(load(text), -1);
    files_check(problems);
    assert_null(sip);
}

static int load_whole(void *data)
{
    struct config_report *other = config_report_create();
    struct sip_config *made = NULL;
    int result = other ? config_pjsip_load(data, NULL, other, &made) : -1;

    assert_true(result == 0 ? made != NULL : made == NULL);
    sip_config_destroy(made);
    config_report_free(other);
    return result;
}

void check_no_memory(const char *text, unsigned most)
{
    char path[PATH_MAX];

    strcpy(path, files_write("p", text));
    assert_true(failmalloc_each(load_whole, path, 0) > most);
}
