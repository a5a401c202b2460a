/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store: batches, their order, and who is told what when; the pool and the file are the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sipsession/res_sip.h>

#include "store/store.h"

/* ---- the pool: one job at a time, which the test lets run ---- */

static int (*pool_work)(void *data);
static void (*pool_done)(void *data, int result);
static void *pool_data;
static int pool_closed;

int ast_sip_push_blocking(int (*work)(void *data), void (*done)(void *data, int result), void *data)
{
    if (pool_closed) {
        return -1;
    }
    assert_null(pool_work);
    pool_work = work;
    pool_done = done;
    pool_data = data;
    return 0;
}

static void run_pool(void)
{
    void (*done)(void *data, int result) = pool_done;
    void *data = pool_data;
    int result;

    assert_non_null(pool_work);
    result = pool_work(data);
    pool_work = NULL;
    done(data, result);
}

/* ---- the file ---- */

static char written[1024];
static int disk_fails;
static int opened;

struct store_file *store_file_open(const char *path)
{
    assert_string_equal(path, "/p");
    opened++;
    return (struct store_file *)&opened;
}

void store_file_close(struct store_file *file)
{
    opened -= file != NULL;
}

int store_file_commit(struct store_file *file, const struct store_change *change)
{
    assert_ptr_equal(file, &opened);
    if (disk_fails) {
        return -1;
    }
    for (; change; change = change->next) {
        size_t used = strlen(written);

        snprintf(written + used, sizeof(written) - used, "%s%s", change->key,
                 change->value ? "" : "-");
    }
    strcat(written, "|");
    return 0;
}

int store_file_each(struct store_file *file, const char *kind,
                    int (*see)(const char *key, const char *value, void *data), void *data)
{
    (void)file;
    return see(kind, "v", data);
}

/* ---- who waits ---- */

static char told[1024];

static void note(void *data, int result)
{
    size_t used = strlen(told);

    snprintf(told + used, sizeof(told) - used, "%s%s", (char *)data, result == 0 ? "" : "!");
}

static void note_and_put(void *data, int result)
{
    note(data, result);
    assert_int_equal(ast_store_put("k", "z", "1", note, (void *)"Z"), 0);
}

static int begin(void **state)
{
    (void)state;
    written[0] = told[0] = '\0';
    disk_fails = pool_closed = 0;
    return store_start("/p");
}

static int end(void **state)
{
    (void)state;
    store_stop();
    return opened;
}

static void put(const char *key, const char *who)
{
    assert_int_equal(ast_store_put("k", key, "1", note, (void *)who), 0);
}

/* What comes while the disk is busy goes together, in order. */
static void test_batches(void **state)
{
    (void)state;
    put("a", "A");
    put("b", "B");
    assert_int_equal(ast_store_put("k", "c", NULL, note, (void *)"C"), 0);
    assert_string_equal(told, "");
    run_pool();
    assert_string_equal(written, "a|");
    assert_string_equal(told, "A");
    put("d", "D");
    run_pool();
    assert_string_equal(written, "a|bc-|");
    assert_string_equal(told, "ABC");
    run_pool();
    assert_string_equal(written, "a|bc-|d|");
    assert_string_equal(told, "ABCD");
    assert_null(pool_work);
}

static void test_failing_disk(void **state)
{
    (void)state;
    disk_fails = 1;
    put("a", "A");
    put("b", "B");
    run_pool();
    disk_fails = 0;
    run_pool();
    assert_string_equal(told, "A!B");
    assert_string_equal(written, "b|");
}

static void test_put_while_told(void **state)
{
    (void)state;
    assert_int_equal(ast_store_put("k", "a", "1", note_and_put, (void *)"A"), 0);
    run_pool();
    assert_string_equal(told, "A");
    run_pool();
    assert_string_equal(told, "AZ");
}

/* A flush does what is queued itself, and the pool's callback comes too late to tell again. */
static void test_flush(void **state)
{
    (void)state;
    put("a", "A");
    pool_work(pool_data); /* written, its task is on the way */
    assert_int_equal(ast_store_put("k", "b", "1", note_and_put, (void *)"B"), 0);
    pool_closed = 1;
    ast_store_flush();
    assert_string_equal(told, "ABZ");
    assert_string_equal(written, "a|b|z|");
    pool_work = NULL;
    pool_done(pool_data, 0);
    assert_string_equal(told, "ABZ");
    put("c", "C"); /* the pool takes no more */
    put("d", "D");
    ast_store_flush();
    assert_string_equal(told, "ABZCD");
    assert_string_equal(written, "a|b|z|cd|");
}

static int count(const char *key, const char *value, void *data)
{
    assert_string_equal(key, "k");
    assert_string_equal(value, "v");
    ++*(int *)data;
    return 0;
}

static void test_without_a_file(void **state)
{
    int seen = 0;

    (void)state;
    assert_int_equal(ast_store_each("k", count, &seen), 0);
    assert_int_equal(seen, 1);
    store_stop();
    assert_int_equal(store_start(NULL), 0);
    assert_int_equal(ast_store_each("k", count, &seen), 0);
    assert_int_equal(seen, 1);
    put("a", "A");
    run_pool();
    assert_string_equal(told, "A");
    assert_string_equal(written, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_batches, begin, end),
        cmocka_unit_test_setup_teardown(test_failing_disk, begin, end),
        cmocka_unit_test_setup_teardown(test_put_while_told, begin, end),
        cmocka_unit_test_setup_teardown(test_flush, begin, end),
        cmocka_unit_test_setup_teardown(test_without_a_file, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
