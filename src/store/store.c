/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store: changes on their way to the file. The SIP thread collects them; one batch at a time is
 * written by the blocking pool, and what comes meanwhile is the next batch. Only commit_batch runs
 * on another thread.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/res_sip.h>

#include "store/store.h"

/* A change with who waits for it; the change is first. */
struct waiting {
    struct store_change change;
    void (*done)(void *data, int result);
    void *data;
};

/* What is written in one transaction. */
struct batch {
    struct store_change *changes; /* of struct waiting */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    int finished; /* under the lock */
    int result;   /* likewise */
    int told;     /* SIP thread: those who wait have been called */
};

static struct {
    char *path; /* NULL: nothing is kept */
    struct store_file *file;
    struct store_change *first, **end; /* not yet in a batch */
    struct batch *writing;             /* NULL: the disk is at rest */
} store;

int store_start(const char *path)
{
    store.end = &store.first;
    if (path && !(store.path = strdup(path))) {
        ast_error("store: no memory");
        return -1;
    }
    return 0;
}

static int open_file(void)
{
    if (!store.file) {
        store.file = store_file_open(store.path);
    }
    return store.file ? 0 : -1;
}

static void free_waiting(struct store_change *change)
{
    free(change->kind);
    free(change->key);
    free(change->value);
    free(change);
}

/* Calls those who wait; they may put more. */
static void tell(struct store_change *change, int result)
{
    while (change) {
        struct store_change *next = change->next;
        struct waiting *waiting = (struct waiting *)change;

        if (waiting->done) {
            waiting->done(waiting->data, result);
        }
        free_waiting(change);
        change = next;
    }
}

/* ---- a batch ---- */

/* On a thread of the blocking pool. */
static int commit_batch(void *data)
{
    struct batch *batch = data;
    int result = 0;

    if (store.path) { /* neither changes while a batch is under way */
        result = open_file() == 0 ? store_file_commit(store.file, batch->changes) : -1;
    }
    pthread_mutex_lock(&batch->lock);
    batch->finished = 1;
    batch->result = result;
    pthread_cond_broadcast(&batch->ended);
    pthread_mutex_unlock(&batch->lock);
    return 0;
}

static void write_more(void);

/* The batch is written: unless a flush has done it, those who wait are told. */
static void finish_batch(struct batch *batch)
{
    struct store_change *changes = batch->changes;

    if (batch->told) {
        return;
    }
    batch->told = 1;
    batch->changes = NULL;
    store.writing = NULL;
    write_more();
    tell(changes, batch->result);
}

static void free_batch(struct batch *batch)
{
    pthread_cond_destroy(&batch->ended);
    pthread_mutex_destroy(&batch->lock);
    free(batch);
}

static void batch_done(void *data, int result)
{
    (void)result;
    finish_batch(data);
    free_batch(data);
}

/* Everything that waits as one batch; NULL: no memory. */
static struct batch *take_batch(void)
{
    struct batch *batch = calloc(1, sizeof(*batch));

    if (batch) {
        pthread_mutex_init(&batch->lock, NULL);
        pthread_cond_init(&batch->ended, NULL);
        batch->changes = store.first;
        store.first = NULL;
        store.end = &store.first;
    }
    return batch;
}

/* The pool takes no more work: the server is ending, and a flush will come. */
static void give_back(struct batch *batch)
{
    struct store_change **last = &batch->changes;

    while (*last) {
        last = &(*last)->next;
    }
    *last = store.first;
    if (!store.first) {
        store.end = last == &batch->changes ? &store.first : last;
    }
    store.first = batch->changes;
    free_batch(batch);
}

static void write_more(void)
{
    struct batch *batch;

    if (store.writing || !store.first || !(batch = take_batch())) {
        return;
    }
    store.writing = batch;
    if (ast_sip_push_blocking(commit_batch, batch_done, batch) != 0) {
        store.writing = NULL;
        give_back(batch);
    }
}

/* ---- the public functions ---- */

int ast_store_put(const char *kind, const char *key, const char *value,
                  void (*done)(void *data, int result), void *data)
{
    struct waiting *waiting;

    base_assert_sip_thread();
    waiting = calloc(1, sizeof(*waiting));
    if (!waiting || !(waiting->change.kind = strdup(kind)) ||
        !(waiting->change.key = strdup(key)) ||
        (value && !(waiting->change.value = strdup(value)))) {
        ast_error_limited("store: no memory for '%s' of '%s'", kind, key);
        if (waiting) {
            free_waiting(&waiting->change);
        }
        return -1;
    }
    waiting->done = done;
    waiting->data = data;
    *store.end = &waiting->change;
    store.end = &waiting->change.next;
    write_more();
    return 0;
}

int ast_store_each(const char *kind, int (*see)(const char *key, const char *value, void *data),
                   void *data)
{
    base_assert_sip_thread();
    if (!store.path) {
        return 0;
    }
    ast_store_flush(); /* nobody else uses the file now */
    return open_file() == 0 ? store_file_each(store.file, kind, see, data) : -1;
}

/* Waits for the batch that the pool has. */
static void wait_for(struct batch *batch)
{
    pthread_mutex_lock(&batch->lock);
    while (!batch->finished) {
        pthread_cond_wait(&batch->ended, &batch->lock);
    }
    pthread_mutex_unlock(&batch->lock);
}

void ast_store_flush(void)
{
    base_assert_sip_thread();
    while (store.writing || store.first) {
        struct batch *batch = store.writing;

        if (batch) { /* its task is queued or will be, and frees it */
            wait_for(batch);
            finish_batch(batch);
        } else if ((batch = take_batch())) {
            commit_batch(batch);
            finish_batch(batch);
            free_batch(batch);
        } else {
            struct store_change *changes = store.first;

            store.first = NULL;
            store.end = &store.first;
            tell(changes, -1);
        }
    }
}

void store_stop(void)
{
    ast_store_flush();
    store_file_close(store.file);
    free(store.path);
    memset(&store, 0, sizeof(store));
}
