/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what the SIP thread is given to do by others: tasks, and the ends of blocking work. Only
 * ast_sip_push_task and ast_sip_thread_is_sip may be called on other threads.
 */
#include <pthread.h>
#include <time.h>

#include <sipsession/log.h>

#include "res_sip/core.h"

#define TASKS_PER_TURN   64 /* the network has its turn after as many */
#define BLOCKING_THREADS 4

/* Guards `tasks` against a push while it goes; the queue itself has its own lock. */
static pthread_mutex_t tasks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct base_task_queue *tasks;
static struct sip_watch task_watch;
static struct base_blocking_pool *blocking; /* NULL until somebody needs it */
static int running;

static void run_tasks(struct sip_watch *watch)
{
    (void)watch;
    base_task_queue_run(tasks, TASKS_PER_TURN);
}

static void set_tasks(struct base_task_queue *queue)
{
    pthread_mutex_lock(&tasks_lock);
    tasks = queue;
    pthread_mutex_unlock(&tasks_lock);
}

int sip_thread_create(void)
{
    struct base_task_queue *queue = base_task_queue_create();

    if (!queue) {
        return -1;
    }
    task_watch.fd = base_task_queue_fd(queue);
    task_watch.ready = run_tasks;
    task_watch.own_work = 1;
    if (sip_loop_watch(&task_watch) != 0) {
        base_task_queue_destroy(queue);
        return -1;
    }
    set_tasks(queue);
    running = 1;
    return 0;
}

void sip_thread_drain(void)
{
    if (!tasks) {
        return;
    }
    base_blocking_pool_destroy(blocking); /* what it had done is a task now */
    blocking = NULL;
    base_task_queue_close(tasks);
    while (base_task_queue_length(tasks) > 0) {
        base_task_queue_run(tasks, TASKS_PER_TURN);
    }
}

void sip_thread_destroy(void)
{
    struct base_task_queue *queue = tasks;

    if (!queue) {
        return;
    }
    set_tasks(NULL);
    sip_loop_unwatch(&task_watch);
    base_task_queue_destroy(queue);
}

struct base_task_queue *sip_tasks(void)
{
    struct base_task_queue *queue;

    pthread_mutex_lock(&tasks_lock);
    queue = tasks;
    pthread_mutex_unlock(&tasks_lock);
    return queue;
}

int ast_sip_push_task(int (*task)(void *data), void *data)
{
    int result = -1;

    pthread_mutex_lock(&tasks_lock);
    if (tasks) {
        result = base_task_queue_push(tasks, task, data);
    }
    pthread_mutex_unlock(&tasks_lock);
    return result;
}

int ast_sip_thread_is_sip(void)
{
    return base_thread_is_sip();
}

int ast_sip_push_blocking(int (*work)(void *data), void (*done)(void *data, int result), void *data)
{
    base_assert_sip_thread();
    if (!tasks || !running) {
        return -1;
    }
    if (!blocking) {
        blocking = base_blocking_pool_create(BLOCKING_THREADS, tasks);
    }
    return blocking ? base_blocking_pool_push(blocking, work, done, data) : -1;
}

int sip_thread_is_running(void)
{
    return running;
}

pj_uint64_t sip_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (pj_uint64_t)now.tv_sec * 1000000 + (pj_uint64_t)now.tv_nsec / 1000;
}

static int wake(void *unused)
{
    (void)unused;
    return 0;
}

void sip_stop(void)
{
    base_assert_sip_thread();
    running = 0;
    /* a timer's callback may ask: the turn goes on to wait for the network, as long as until the next timer */
    ast_sip_push_task(wake, NULL);
}
