/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: tasks from any thread to one. No thread ever waits here for what another one does, a mutex held for a few
 * instructions apart; no task runs under it.
 */
#include "base/base.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <sipsession/log.h>

#define SPARE_NODES 256 /* nodes that are kept for the next pushes */

struct base_task_queue {
    pthread_mutex_t lock; /* guards all below but fd */
    struct base_task *first;
    struct base_task **last;
    size_t length;
    struct base_task *spare;
    unsigned spare_count;
    int closed;
    int woken; /* the eventfd was written, or is about to be, since the consumer last read it */
    int fd;
};

static void wake(struct base_task_queue *queue)
{
    const uint64_t one = 1;

    /* It fails only when the counter is full, and then it is readable. */
    while (write(queue->fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

static void free_nodes(struct base_task *node)
{
    while (node) {
        struct base_task *next = node->next;

        if (node->pooled) {
            free(node);
        }
        node = next;
    }
}

struct base_task_queue *base_task_queue_create(void)
{
    struct base_task_queue *queue = calloc(1, sizeof(*queue));

    if (!queue) {
        ast_error("task queue: out of memory");
        return NULL;
    }
    queue->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (queue->fd < 0) {
        ast_error("task queue: eventfd: %m");
        free(queue);
        return NULL;
    }
    pthread_mutex_init(&queue->lock, NULL);
    queue->last = &queue->first;
    return queue;
}

void base_task_queue_destroy(struct base_task_queue *queue)
{
    if (!queue) {
        return;
    }
    free_nodes(queue->first);
    free_nodes(queue->spare);
    close(queue->fd);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

/* With the lock held. Returns 1 when the consumer must be woken. */
static int append(struct base_task_queue *queue, struct base_task *node)
{
    int must_wake = !queue->woken;

    node->next = NULL;
    *queue->last = node;
    queue->last = &node->next;
    queue->length++;
    queue->woken = 1;
    return must_wake;
}

/* With the lock held. */
static struct base_task *take_spare(struct base_task_queue *queue)
{
    struct base_task *node = queue->spare;

    if (node) {
        queue->spare = node->next;
        queue->spare_count--;
    }
    return node;
}

int base_task_queue_push(struct base_task_queue *queue, base_task_fn task, void *data)
{
    struct base_task *node;
    int must_wake = 0, closed;

    pthread_mutex_lock(&queue->lock);
    node = queue->closed ? NULL : take_spare(queue);
    closed = queue->closed;
    if (!node && !closed) {
        /* malloc may take its time; nobody waits for it. */
        pthread_mutex_unlock(&queue->lock);
        node = malloc(sizeof(*node));
        if (!node) {
            return -1;
        }
        node->pooled = 1;
        pthread_mutex_lock(&queue->lock);
        closed = queue->closed;
    }
    if (node && !closed) {
        node->run = task;
        node->data = data;
        must_wake = append(queue, node);
        node = NULL;
    }
    pthread_mutex_unlock(&queue->lock);
    free(node);
    if (must_wake) {
        wake(queue);
    }
    return closed ? -1 : 0;
}

void base_task_queue_push_node(struct base_task_queue *queue, struct base_task *node)
{
    int must_wake;

    node->pooled = 0;
    pthread_mutex_lock(&queue->lock);
    must_wake = append(queue, node);
    pthread_mutex_unlock(&queue->lock);
    if (must_wake) {
        wake(queue);
    }
}

void base_task_queue_close(struct base_task_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = 1;
    pthread_mutex_unlock(&queue->lock);
}

int base_task_queue_fd(const struct base_task_queue *queue)
{
    return queue->fd;
}

/* With the lock held: the eventfd is no longer readable, and the next push wakes again. */
static void forget_wake(struct base_task_queue *queue)
{
    uint64_t count;

    while (read(queue->fd, &count, sizeof(count)) < 0 && errno == EINTR) {
    }
    queue->woken = 0;
}

/* With the lock held: takes the first task out, its node aside for another push. Returns 0 when there is none. */
static int take_first(struct base_task_queue *queue, base_task_fn *task, void **data)
{
    struct base_task *node = queue->first;

    if (!node) {
        return 0;
    }
    *task = node->run;
    *data = node->data;
    queue->first = node->next;
    if (!queue->first) {
        queue->last = &queue->first;
    }
    queue->length--;
    if (node->pooled) {
        if (queue->spare_count < SPARE_NODES) {
            node->next = queue->spare;
            queue->spare = node;
            queue->spare_count++;
        } else {
            free(node);
        }
    }
    return 1;
}

unsigned base_task_queue_run(struct base_task_queue *queue, unsigned most)
{
    unsigned ran = 0;
    size_t count;

    pthread_mutex_lock(&queue->lock);
    forget_wake(queue); /* always: a push may have written it after we took what it pushed */
    count = queue->length < most ? queue->length : most;
    while (ran < count) {
        base_task_fn task;
        void *data;
        int result;

        if (!take_first(queue, &task, &data)) {
            break;
        }
        pthread_mutex_unlock(&queue->lock);
        result = task(data);
        if (result != 0) {
            ast_debug("task %p returned %d", (void *)(uintptr_t)task, result);
        }
        ran++;
        pthread_mutex_lock(&queue->lock);
    }
    if (queue->length > 0 && !queue->woken) {
        queue->woken = 1;
        wake(queue);
    }
    pthread_mutex_unlock(&queue->lock);
    return ran;
}

size_t base_task_queue_length(struct base_task_queue *queue)
{
    size_t length;

    pthread_mutex_lock(&queue->lock);
    length = queue->length;
    pthread_mutex_unlock(&queue->lock);
    return length;
}
