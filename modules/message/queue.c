/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message: the messages that were accepted and are not through yet. Those of one sender run one
 * after the other, in the order in which they came; how many there may be is bounded, for each and
 * for all. What runs is channel.c's.
 */
#include <stdlib.h>
#include <string.h>

#include <pj/hash.h>
#include <sipsession/log.h>

#include "message.h"

#define MOST_OF_ALL    1000
#define MOST_OF_SENDER 50
#define BUCKETS        1024u

struct waiting {
    struct waiting *next;
    struct message_arrival arrival;
};

/* It lives as long as one of its messages runs or waits. */
struct message_sender {
    struct message_sender *next; /* of its bucket */
    struct waiting *first, **end;
    unsigned count; /* of its messages, the one that runs included */
    int runs;
    pj_timer_entry timer; /* id 1: the next one is due */
    char name[];
};

static struct message_sender *buckets[BUCKETS];
static unsigned total;
static int stopped;

static struct message_sender **find(const char *name)
{
    struct message_sender **at = &buckets[pj_hash_calc(0, name, (unsigned)strlen(name)) % BUCKETS];

    while (*at != NULL && strcmp((*at)->name, name) != 0) {
        at = &(*at)->next;
    }
    return at;
}

void message_arrival_free(struct message_arrival *arrival)
{
    message_destroy(arrival->message);
    ast_sip_endpoint_unref(arrival->endpoint);
    memset(arrival, 0, sizeof(*arrival));
}

int message_queue_has_room(const char *sender)
{
    const struct message_sender *its = *find(sender);

    return total < MOST_OF_ALL && (its == NULL || its->count < MOST_OF_SENDER);
}

static void on_timer(pj_timer_heap_t *heap, pj_timer_entry *entry);

static struct message_sender *get(const char *name)
{
    struct message_sender **at = find(name);
    size_t size = strlen(name) + 1;

    if (*at == NULL) {
        *at = calloc(1, sizeof(**at) + size);
        if (*at == NULL) {
            return NULL;
        }
        memcpy((*at)->name, name, size);
        (*at)->end = &(*at)->first;
        pj_timer_entry_init(&(*at)->timer, 0, *at, on_timer);
    }
    return *at;
}

static void free_sender(struct message_sender *sender)
{
    struct message_sender **at = find(sender->name);

    *at = sender->next;
    free(sender);
}

static struct waiting *take_first(struct message_sender *sender)
{
    struct waiting *waiting = sender->first;

    sender->first = waiting->next;
    if (sender->first == NULL) {
        sender->end = &sender->first;
    }
    return waiting;
}

/* One that was counted is through. */
static void forget_one(struct message_sender *sender)
{
    --sender->count;
    --total;
}

/* The next one begins; the last one takes its sender with it. */
static void advance(struct message_sender *sender)
{
    while (sender->first != NULL) {
        struct waiting *waiting = take_first(sender);
        struct message_arrival arrival = waiting->arrival;

        free(waiting);
        if (arrival.end != 0 && arrival.end <= time(NULL)) {
            ast_notice("A message of endpoint %s is not worth reading any more (Expires)",
                       arrival.endpoint->name);
            message_arrival_free(&arrival);
        } else {
            sender->runs = 1;
            if (message_channel_start(&arrival, sender) == 0) {
                return;
            }
            sender->runs = 0;
        }
        forget_one(sender);
    }
    free_sender(sender);
}

static void on_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    (void)heap;
    entry->id = 0;
    advance(entry->user_data);
}

/* Not at once: who tells is deep within the channel that ends, and the network has its turn. */
static void advance_soon(struct message_sender *sender)
{
    const pj_time_val now = {0, 0};

    sender->timer.id = 1;
    if (pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), &sender->timer, &now) !=
        PJ_SUCCESS) {
        sender->timer.id = 0;
        ast_error("message: no timer; what waits of a sender is dropped");
        while (sender->first != NULL) {
            struct waiting *waiting = take_first(sender);

            message_arrival_free(&waiting->arrival);
            free(waiting);
            forget_one(sender);
        }
        free_sender(sender);
    }
}

void message_queue_done(struct message_sender *sender)
{
    sender->runs = 0;
    forget_one(sender);
    if (stopped) {
        free_sender(sender);
    } else {
        advance_soon(sender);
    }
}

int message_queue_add(const char *name, struct message_arrival *arrival)
{
    struct message_sender *sender = get(name);
    struct waiting *waiting = sender != NULL ? malloc(sizeof(*waiting)) : NULL;

    stopped = 0;
    if (waiting == NULL) {
        ast_error("No memory for a message of endpoint %s", arrival->endpoint->name);
        message_arrival_free(arrival);
        if (sender != NULL && sender->count == 0 && sender->timer.id == 0) {
            free_sender(sender);
        }
        return -1;
    }
    *waiting = (struct waiting){.arrival = *arrival};
    *sender->end = waiting;
    sender->end = &waiting->next;
    ++sender->count;
    ++total;
    if (!sender->runs && sender->timer.id == 0) {
        advance(sender);
    }
    return 0;
}

void message_queue_stop(void)
{
    stopped = 1;
    for (unsigned i = 0; i < BUCKETS; ++i) {
        struct message_sender **at = &buckets[i];

        while (*at != NULL) {
            struct message_sender *sender = *at;

            while (sender->first != NULL) {
                struct waiting *waiting = take_first(sender);

                message_arrival_free(&waiting->arrival);
                free(waiting);
                forget_one(sender);
            }
            if (sender->timer.id != 0) {
                pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &sender->timer);
                sender->timer.id = 0;
            }
            if (sender->runs) {
                at = &sender->next;
            } else {
                *at = sender->next;
                free(sender);
            }
        }
    }
}
