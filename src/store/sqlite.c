/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store: the file, an SQLite database with a write-ahead log. Everything here blocks: never call it
 * on the SIP thread but at start and stop.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include <sipsession/log.h>

#include "store/store.h"

#define SCHEMA_VERSION 1
#define BUSY_MS        5000 /* an administrator's look into the file is waited for */

struct store_file {
    sqlite3 *db; /* NULL: it could not be opened again */
    sqlite3_stmt *put, *forget;
    char *path;
    dev_t device; /* what the path named when it was opened */
    ino_t inode;
};

static int failed(const struct store_file *file, const char *what)
{
    ast_error_limited("store: %s: %s: %s", file->path, what, sqlite3_errmsg(file->db));
    return -1;
}

static int run(struct store_file *file, const char *sql)
{
    return sqlite3_exec(file->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

/* The version of the file's schema, or -1. */
static int version_of(struct store_file *file)
{
    sqlite3_stmt *statement;
    int version = -1;

    if (sqlite3_prepare_v2(file->db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        version = sqlite3_column_int(statement, 0);
    }
    sqlite3_finalize(statement);
    return version;
}

/*
 * WAL with synchronous=FULL: a commit returns when the log is on the disk, and a process that is
 * killed at any moment leaves either all of a transaction or nothing.
 */
static int prepare(struct store_file *file)
{
    int version;

    sqlite3_busy_timeout(file->db, BUSY_MS);
    if (run(file, "PRAGMA journal_mode=WAL") != 0 || run(file, "PRAGMA synchronous=FULL") != 0 ||
        (version = version_of(file)) < 0) {
        return failed(file, "cannot be used");
    }
    if (version > SCHEMA_VERSION) {
        ast_error("store: %s is of a newer sipsession (version %d, we know %d)", file->path,
                  version, SCHEMA_VERSION);
        return -1;
    }
    if (run(file, "BEGIN IMMEDIATE;"
                  "CREATE TABLE IF NOT EXISTS store(kind TEXT NOT NULL, key TEXT NOT NULL,"
                  " value TEXT NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;"
                  "PRAGMA user_version=1;"
                  "COMMIT") != 0 ||
        sqlite3_prepare_v3(file->db, "INSERT OR REPLACE INTO store VALUES(?1, ?2, ?3)", -1,
                           SQLITE_PREPARE_PERSISTENT, &file->put, NULL) != SQLITE_OK ||
        sqlite3_prepare_v3(file->db, "DELETE FROM store WHERE kind=?1 AND key=?2", -1,
                           SQLITE_PREPARE_PERSISTENT, &file->forget, NULL) != SQLITE_OK) {
        return failed(file, "cannot be set up");
    }
    return 0;
}

static void close_database(struct store_file *file)
{
    sqlite3_finalize(file->put);
    sqlite3_finalize(file->forget);
    sqlite3_close(file->db);
    file->put = file->forget = NULL;
    file->db = NULL;
}

static int open_database(struct store_file *file)
{
    struct stat found;
    int result =
        sqlite3_open_v2(file->path, &file->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL);

    if (result != SQLITE_OK) {
        failed(file, "cannot be opened");
    } else {
        result = prepare(file);
    }
    if (result != 0) {
        close_database(file);
        return -1;
    }
    memset(&found, 0, sizeof(found));
    stat(file->path, &found);
    file->device = found.st_dev;
    file->inode = found.st_ino;
    return 0;
}

struct store_file *store_file_open(const char *path)
{
    struct store_file *file = calloc(1, sizeof(*file));

    if (!file || !(file->path = strdup(path))) {
        ast_error("store: no memory to open %s", path);
        free(file);
        return NULL;
    }
    if (open_database(file) != 0) {
        store_file_close(file);
        return NULL;
    }
    return file;
}

void store_file_close(struct store_file *file)
{
    if (!file) {
        return;
    }
    close_database(file);
    free(file->path);
    free(file);
}

/* A file that was removed or replaced takes what is written to it along, and says nothing. 0, -1. */
static int open_again_if_gone(struct store_file *file)
{
    struct stat found;

    if (file->db && stat(file->path, &found) == 0 && found.st_dev == file->device &&
        found.st_ino == file->inode) {
        return 0;
    }
    ast_warning("store: %s was removed or replaced: what was in it is forgotten", file->path);
    close_database(file);
    return open_database(file);
}

static int apply(struct store_file *file, const struct store_change *change)
{
    sqlite3_stmt *statement = change->value ? file->put : file->forget;
    int done;

    done = sqlite3_bind_text(statement, 1, change->kind, -1, SQLITE_STATIC) == SQLITE_OK &&
           sqlite3_bind_text(statement, 2, change->key, -1, SQLITE_STATIC) == SQLITE_OK &&
           (!change->value ||
            sqlite3_bind_text(statement, 3, change->value, -1, SQLITE_STATIC) == SQLITE_OK) &&
           sqlite3_step(statement) == SQLITE_DONE;
    if (!done) {
        failed(file, "cannot be written");
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return done ? 0 : -1;
}

int store_file_commit(struct store_file *file, const struct store_change *changes)
{
    if (open_again_if_gone(file) != 0) {
        return -1;
    }
    if (run(file, "BEGIN IMMEDIATE") != 0) {
        return failed(file, "cannot be written");
    }
    for (; changes; changes = changes->next) {
        if (apply(file, changes) != 0) {
            run(file, "ROLLBACK");
            return -1;
        }
    }
    if (run(file, "COMMIT") != 0) {
        failed(file, "cannot be written");
        run(file, "ROLLBACK");
        return -1;
    }
    return 0;
}

int store_file_each(struct store_file *file, const char *kind,
                    int (*see)(const char *key, const char *value, void *data), void *data)
{
    sqlite3_stmt *statement = NULL;
    int step = SQLITE_ERROR;

    if (sqlite3_prepare_v2(file->db, "SELECT key, value FROM store WHERE kind=?1", -1, &statement,
                           NULL) == SQLITE_OK &&
        sqlite3_bind_text(statement, 1, kind, -1, SQLITE_STATIC) == SQLITE_OK) {
        while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
            const char *key = (const char *)sqlite3_column_text(statement, 0);
            const char *value = (const char *)sqlite3_column_text(statement, 1);

            if (!key || !value) {
                step = SQLITE_NOMEM;
                break;
            }
            if (see(key, value, data) != 0) {
                step = SQLITE_DONE;
                break;
            }
        }
    }
    if (step != SQLITE_DONE) {
        failed(file, "cannot be read");
    }
    sqlite3_finalize(statement);
    return step == SQLITE_DONE ? 0 : -1;
}
