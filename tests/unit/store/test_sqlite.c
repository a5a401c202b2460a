/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store: the file: what is kept, what is not, and a disk that is full. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/store.h"

static char folder[] = "/tmp/store-test.XXXXXX";
static char path[64];
static char found[4096];

static int begin(void **state)
{
    (void)state;
    if (!strchr(folder, '\0') || (access(folder, F_OK) != 0 && !mkdtemp(folder))) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/db", folder);
    return 0;
}

static int end(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[80];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        unlink(name);
    }
    return 0;
}

static int collect(const char *key, const char *value, void *data)
{
    size_t used = strlen(found);

    snprintf(found + used, sizeof(found) - used, "%s=%.20s;", key, value);
    return data && strcmp(key, data) == 0;
}

static const char *all(struct store_file *file, const char *kind)
{
    found[0] = '\0';
    assert_int_equal(store_file_each(file, kind, collect, NULL), 0);
    return found;
}

static int put(struct store_file *file, const char *kind, const char *key, const char *value)
{
    struct store_change change = {.kind = (char *)kind, .key = (char *)key, .value = (char *)value};

    return store_file_commit(file, &change);
}

static struct store_file *open_file(void)
{
    struct store_file *file = store_file_open(path);

    assert_non_null(file);
    return file;
}

static void test_kept(void **state)
{
    struct store_file *file = open_file();
    struct store_change second = {.kind = (char *)"k", .key = (char *)"b", .value = (char *)"2"};
    struct store_change first = {&second, (char *)"k", (char *)"a", (char *)"1'; --"};

    (void)state;
    assert_string_equal(all(file, "k"), "");
    assert_int_equal(store_file_commit(file, &first), 0);
    assert_int_equal(put(file, "other", "a", "3"), 0);
    assert_string_equal(all(file, "k"), "a=1'; --;b=2;");
    assert_int_equal(put(file, "k", "b", "4"), 0);
    assert_int_equal(put(file, "k", "a", NULL), 0);
    assert_int_equal(put(file, "k", "nosuch", NULL), 0);
    store_file_close(file);
    file = open_file();
    assert_string_equal(all(file, "k"), "b=4;");
    assert_string_equal(all(file, "other"), "a=3;");
    assert_int_equal(put(file, "k", "c", "5"), 0);
    found[0] = '\0';
    assert_int_equal(store_file_each(file, "k", collect, (void *)"b"), 0);
    assert_string_equal(found, "b=4;"); /* enough */
    store_file_close(file);
}

/* A process that ends without a word has its commits on the disk. */
static void test_killed(void **state)
{
    struct store_file *file;
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0) {
        file = store_file_open(path);
        if (file && put(file, "k", "a", "1") == 0) {
            kill(getpid(), SIGKILL);
        }
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    file = open_file();
    assert_string_equal(all(file, "k"), "a=1;");
    store_file_close(file);
}

/* A transaction that does not fit changes nothing, and the file can be used when there is room
 * again. */
static void test_full_disk(void **state)
{
    struct store_file *file = open_file();
    struct rlimit before, less;
    char *large = malloc(300001);
    struct store_change second, first;

    (void)state;
    memset(large, 'x', 300000);
    large[300000] = '\0';
    second = (struct store_change){NULL, (char *)"k", (char *)"b", large};
    first = (struct store_change){&second, (char *)"k", (char *)"a", (char *)"2"};
    assert_int_equal(put(file, "k", "a", "1"), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    less = before;
    less.rlim_cur = 100000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
    assert_int_equal(store_file_commit(file, &first), -1);
    assert_string_equal(all(file, "k"), "a=1;");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(store_file_commit(file, &first), 0);
    assert_string_equal(all(file, "k"), "a=2;b=xxxxxxxxxxxxxxxxxxxx;");
    store_file_close(file);
    free(large);
}

static void test_unusable(void **state)
{
    FILE *other;
    sqlite3 *db;

    (void)state;
    assert_null(store_file_open("/nosuchfolder/db"));
    assert_null(store_file_open(folder));
    other = fopen(path, "w");
    assert_non_null(other);
    fputs("this is no database, and it is long enough to be told from an empty one", other);
    fclose(other);
    assert_null(store_file_open(path));
    unlink(path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK); /* of a version to come */
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=2", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_null(store_file_open(path));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept, begin, end),
        cmocka_unit_test_setup_teardown(test_killed, begin, end),
        cmocka_unit_test_setup_teardown(test_full_disk, begin, end),
        cmocka_unit_test_setup_teardown(test_unusable, begin, end),
    };
    int result = cmocka_run_group_tests(tests, NULL, NULL);

    rmdir(folder);
    return result;
}
