/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: a few threads for what may block. Work runs there, its end comes back as a task. The threads are known to
 * PJLIB when it was initialised before the pool was made, so that work may use its pools and its log.
 */
#include "base/base.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <pj/os.h>

#include <sipsession/log.h>

struct job {
    struct base_task
        task; /* takes the job back; part of it, so that it needs no memory at the end */
    struct job *next;
    int (*work)(void *data);
    void (*done)(void *data, int result);
    void *data;
    int result;
};

struct base_blocking_pool {
    pthread_mutex_t lock; /* guards what follows, up to stopping */
    pthread_cond_t wake;
    struct job *first;
    struct job **last;
    int stopping;
    struct base_task_queue *back; /* borrowed */
    unsigned thread_count;
    pthread_t threads[];
};

/* On the consumer's thread. */
static int finish(void *data)
{
    struct job *job = data;

    job->done(job->data, job->result);
    free(job);
    return 0;
}

/* Waits for a job; NULL: stopping, and nothing is left to do. */
static struct job *next_job(struct base_blocking_pool *pool)
{
    struct job *job;

    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->stopping) {
        pthread_cond_wait(&pool->wake, &pool->lock);
    }
    job = pool->first;
    if (job) {
        pool->first = job->next;
        if (!pool->first) {
            pool->last = &pool->first;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}

static void *thread_main(void *data)
{
    struct base_blocking_pool *pool = data;
    pj_thread_desc description = {0}; /* lives as long as the thread */
    pj_thread_t *thread;
    struct job *job;

    if (pj_thread_register("blocking", description, &thread) != PJ_SUCCESS) {
        ast_debug("a blocking thread is unknown to PJLIB");
    }
    pthread_setname_np(pthread_self(), "blocking");
    while ((job = next_job(pool))) {
        job->result = job->work(job->data);
        job->task.run = finish;
        job->task.data = job;
        base_task_queue_push_node(pool->back, &job->task);
    }
    return NULL;
}

/* Signals are for the main thread: the new threads, which inherit the mask, see none. */
static int start_threads(struct base_blocking_pool *pool, unsigned threads)
{
    sigset_t all, before;
    int failed = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (!failed && pool->thread_count < threads) {
        failed = pthread_create(&pool->threads[pool->thread_count], NULL, thread_main, pool);
        if (!failed) {
            pool->thread_count++;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? -1 : 0;
}

struct base_blocking_pool *base_blocking_pool_create(unsigned threads, struct base_task_queue *back)
{
    struct base_blocking_pool *pool;

    base_assert(threads > 0 && back);
    pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->threads[0]));
    if (!pool) {
        ast_error("blocking pool: out of memory");
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->last = &pool->first;
    pool->back = back;
    if (start_threads(pool, threads) != 0) {
        ast_error("blocking pool: no thread can be made");
        base_blocking_pool_destroy(pool);
        return NULL;
    }
    return pool;
}

int base_blocking_pool_push(struct base_blocking_pool *pool, int (*work)(void *data),
                            void (*done)(void *data, int result), void *data)
{
    struct job *job = calloc(1, sizeof(*job));
    int stopping;

    if (!job) {
        return -1;
    }
    job->work = work;
    job->done = done;
    job->data = data;
    pthread_mutex_lock(&pool->lock);
    stopping = pool->stopping;
    if (!stopping) {
        *pool->last = job;
        pool->last = &job->next;
        pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
    if (stopping) {
        free(job);
        return -1;
    }
    return 0;
}

/* From here on pushes fail, and the threads end when the queue is empty. */
static void stop(struct base_blocking_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = 1;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

void base_blocking_pool_destroy(struct base_blocking_pool *pool)
{
    unsigned i;

    if (!pool) {
        return;
    }
    stop(pool);
    for (i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
