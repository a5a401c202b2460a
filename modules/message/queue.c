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
/* How long a dialplan may work on a message, in seconds: nobody is there who would hang up. */
#define PATIENCE 600

enum { TIMER_OFF, TIMER_NEXT, TIMER_PATIENCE };

struct waiting {
    struct waiting *next;
    struct message_arrival arrival;
};

/* It lives as long as one of its messages runs or waits. */
struct message_sender {
    struct message_sender *next; /* of its bucket */
    struct waiting *first, **end;
    unsigned count;           /* of its messages, the one that runs included */
    struct ast_channel *runs; /* borrowed until message_queue_done; NULL: none */
    pj_timer_entry timer;     /* its id says what for */
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

unsigned message_queue_total(void)
{
    return total;
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

static void set_timer(struct message_sender *sender, int what, long seconds)
{
    const pj_time_val delay = {seconds, 0};

    sender->timer.id = what;
    if (pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), &sender->timer, &delay) !=
        PJ_SUCCESS) {
        sender->timer.id = TIMER_OFF;
        ast_error_limited("message: no timer");
    }
}

static void stop_timer(struct message_sender *sender)
{
    if (sender->timer.id != TIMER_OFF) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &sender->timer);
        sender->timer.id = TIMER_OFF;
    }
}

static void drop_waiting(struct message_sender *sender)
{
    while (sender->first != NULL) {
        struct waiting *waiting = take_first(sender);

        message_arrival_free(&waiting->arrival);
        free(waiting);
        forget_one(sender);
    }
}

/* Runs a message. 0: it is counted until message_queue_done; -1: there was no channel for it. */
static int run(struct message_sender *sender, struct message_arrival *arrival)
{
    struct ast_channel *channel = message_channel_create(arrival, sender);

    message_arrival_free(arrival);
    if (channel == NULL) {
        return -1;
    }
    sender->runs = channel;
    set_timer(sender, TIMER_PATIENCE, PATIENCE);
    message_channel_run(channel);
    return 0;
}

/* The next one begins; the last one takes its sender with it. */
static void advance(struct message_sender *sender)
{
    while (sender->first != NULL) {
        struct waiting *waiting = take_first(sender);
        struct message_arrival arrival = waiting->arrival;

        free(waiting);
        if (arrival.end != 0 && arrival.end <= time(NULL)) {
            ast_notice_limited("A message of endpoint %s is not worth reading any more (Expires)",
                               arrival.endpoint->name);
            message_arrival_free(&arrival);
        } else if (run(sender, &arrival) == 0) {
            return;
        }
        forget_one(sender);
    }
    free_sender(sender);
}

static void on_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct message_sender *sender = entry->user_data;
    int what = entry->id;

    (void)heap;
    entry->id = TIMER_OFF;
    if (what == TIMER_NEXT) {
        advance(sender);
    } else {
        ast_warning_limited("%s: its dialplan works on a message for %d s: it is ended",
                            ast_channel_get_name(sender->runs), PATIENCE);
        ast_channel_hangup(sender->runs, 0);
    }
}

void message_queue_done(struct message_sender *sender)
{
    stop_timer(sender);
    sender->runs = NULL;
    forget_one(sender);
    if (stopped) {
        free_sender(sender);
        return;
    }
    /* Not at once: who tells is deep within the channel that ends, and the network has its turn. */
    set_timer(sender, TIMER_NEXT, 0);
    if (sender->timer.id == TIMER_OFF) {
        drop_waiting(sender);
        free_sender(sender);
    }
}

int message_queue_add(const char *name, struct message_arrival *arrival)
{
    struct message_sender *sender = get(name);
    struct waiting *waiting = sender != NULL ? malloc(sizeof(*waiting)) : NULL;

    stopped = 0;
    if (waiting == NULL) {
        ast_error_limited("No memory for a message of endpoint %s", arrival->endpoint->name);
        message_arrival_free(arrival);
        if (sender != NULL && sender->count == 0 && sender->timer.id == TIMER_OFF) {
            free_sender(sender);
        }
        return -1;
    }
    *waiting = (struct waiting){.arrival = *arrival};
    *sender->end = waiting;
    sender->end = &waiting->next;
    ++sender->count;
    ++total;
    if (sender->runs == NULL && sender->timer.id == TIMER_OFF) {
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

            drop_waiting(sender);
            stop_timer(sender);
            if (sender->runs != NULL) {
                at = &sender->next;
            } else {
                *at = sender->next;
                free(sender);
            }
        }
    }
}
