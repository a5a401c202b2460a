/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue of messages that were accepted: order, bounds, what is too old. Channels and timers are made up here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "message.h"

/* ---- timers ---- */

#define MOST_TIMERS 2000

static pj_timer_entry *timers[MOST_TIMERS];
static unsigned timer_count, lost_timers;
static long longest;

pjsip_endpoint *ast_sip_get_pjsip_endpoint(void)
{
    return NULL;
}

#if PJ_TIMER_DEBUG
#undef pjsip_endpt_schedule_timer
pj_status_t pjsip_endpt_schedule_timer_dbg(pjsip_endpoint *endpt, pj_timer_entry *entry,
                                           const pj_time_val *delay, const char *file, int line)
{
    (void)file;
    (void)line;
#else
pj_status_t pjsip_endpt_schedule_timer(pjsip_endpoint *endpt, pj_timer_entry *entry,
                                       const pj_time_val *delay)
{
#endif
    (void)endpt;
    if (lost_timers > 0) {
        --lost_timers;
        return PJ_ENOMEM;
    }
    assert_true(timer_count < MOST_TIMERS);
    timers[timer_count++] = entry;
    longest = delay->sec > longest ? delay->sec : longest;
    return PJ_SUCCESS;
}

static void forget_timer(const pj_timer_entry *entry)
{
    for (unsigned i = 0; i < timer_count; ++i) {
        if (timers[i] == entry) {
            timers[i] = timers[--timer_count];
            return;
        }
    }
    fail_msg("no such timer");
}

void pjsip_endpt_cancel_timer(pjsip_endpoint *endpt, pj_timer_entry *entry)
{
    (void)endpt;
    forget_timer(entry);
}

/* Fires what is due at once (id 1), or after a long time (2). */
static void fire(int id)
{
    for (unsigned i = 0; i < timer_count;) {
        pj_timer_entry *entry = timers[i];

        if (entry->id == id) {
            forget_timer(entry);
            entry->cb(NULL, entry);
            i = 0;
        } else {
            ++i;
        }
    }
}

/* ---- channels ---- */

struct ast_channel {
    struct message *message;
    struct message_sender *sender;
};

#define MOST_RUNNING 2000

static struct ast_channel *running[MOST_RUNNING];
static unsigned running_count, no_channels;
static int at_once; /* dialplans end within their start */
static char order[4000];

static void end(struct ast_channel *channel)
{
    for (unsigned i = 0; i < running_count; ++i) {
        if (running[i] == channel) {
            running[i] = running[--running_count];
        }
    }
    message_destroy(channel->message);
    message_queue_done(channel->sender);
    free(channel);
}

struct ast_channel *message_channel_create(struct message_arrival *arrival,
                                           struct message_sender *sender)
{
    struct ast_channel *channel;

    if (no_channels > 0) {
        --no_channels;
        return NULL;
    }
    channel = calloc(1, sizeof(*channel));
    channel->message = arrival->message;
    channel->sender = sender;
    arrival->message = NULL;
    return channel;
}

void message_channel_run(struct ast_channel *channel)
{
    size_t length = strlen(order);

    snprintf(order + length, sizeof(order) - length, "%s ", channel->message->body);
    running[running_count++] = channel;
    if (at_once) {
        end(channel);
    }
}

const char *ast_channel_get_name(const struct ast_channel *channel)
{
    return channel->message->body;
}

void ast_channel_hangup(struct ast_channel *channel, int cause)
{
    (void)cause;
    end(channel);
}

void ast_sip_endpoint_unref(struct ast_sip_endpoint *endpoint)
{
    (void)endpoint;
}

/* ---- tests ---- */

static struct ast_sip_endpoint somebody;

static void add(const char *sender, const char *text, time_t worth_until)
{
    struct message_arrival arrival = {.message = message_create(),
                                      .endpoint = &somebody,
                                      .end = worth_until};

    message_set_text(&arrival.message->body, text);
    assert_int_equal(message_queue_has_room(sender), 1);
    assert_int_equal(message_queue_add(sender, &arrival), 0);
}

static int setup(void **state)
{
    (void)state;
    somebody.name = (char *)"somebody";
    order[0] = '\0';
    at_once = 0;
    longest = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    message_queue_stop();
    while (running_count > 0) {
        end(running[0]);
    }
    assert_int_equal(timer_count, 0);
    assert_int_equal(message_queue_has_room("anybody"), 1);
    return 0;
}

static void test_one_after_the_other(void **state)
{
    (void)state;
    add("a", "1", 0);
    add("a", "2", 0);
    add("b", "x", 0);
    add("a", "3", 0);
    assert_string_equal(order, "1 x ");
    fire(1);
    assert_string_equal(order, "1 x ");
    end(running[0]);  /* 1 */
    add("a", "4", 0); /* while the next one is due */
    assert_string_equal(order, "1 x ");
    fire(1);
    assert_string_equal(order, "1 x 2 ");
    at_once = 1;
    end(running[1]); /* 2 */
    fire(1);
    assert_string_equal(order, "1 x 2 3 4 ");
    add("a", "5", 0); /* its sender was forgotten meanwhile */
    assert_string_equal(order, "1 x 2 3 4 5 ");
    fire(1);
    assert_int_equal(running_count, 1); /* x */
}

static void test_too_many_of_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 50; ++i) {
        add("a", "m", 0);
    }
    assert_int_equal(message_queue_has_room("a"), 0);
    assert_int_equal(message_queue_has_room("b"), 1);
    end(running[0]);
    assert_int_equal(message_queue_has_room("a"), 1);
}

static void test_too_many_of_all(void **state)
{
    char name[16];

    (void)state;
    for (unsigned i = 0; i < 1000; ++i) {
        snprintf(name, sizeof(name), "s%u", i);
        add(name, "", 0);
    }
    assert_int_equal(message_queue_has_room("new"), 0);
    end(running[500]);
    assert_int_equal(message_queue_has_room("new"), 1);
}

static void test_too_old(void **state)
{
    (void)state;
    add("a", "1", 0);
    add("a", "old", time(NULL) - 1);
    add("a", "good", time(NULL) + 1000);
    end(running[0]);
    fire(1);
    assert_string_equal(order, "1 good ");
    add("b", "old", time(NULL));
    assert_string_equal(order, "1 good ");
}

static void test_one_that_never_ends(void **state)
{
    (void)state;
    add("a", "1", 0);
    add("a", "2", 0);
    assert_int_equal(longest, 600);
    fire(2);
    fire(1);
    assert_string_equal(order, "1 2 ");
}

static void test_no_channel_no_timer(void **state)
{
    (void)state;
    no_channels = 1;
    add("a", "lost", 0);
    add("a", "1", 0);
    add("a", "2", 0);
    assert_string_equal(order, "1 ");
    lost_timers = 1;
    end(running[0]); /* what waits is dropped, with its sender */
    add("a", "3", 0);
    assert_string_equal(order, "1 3 ");
    lost_timers = 1;
    add("b", "4", 0); /* it runs without a limit */
    assert_string_equal(order, "1 3 4 ");
}

static void test_stop(void **state)
{
    (void)state;
    add("a", "1", 0);
    add("a", "2", 0);
    add("b", "3", 0);
    end(running[1]); /* 3: the next one of b, which there is not, is due */
    message_queue_stop();
    assert_int_equal(timer_count, 0);
    end(running[0]);
    assert_string_equal(order, "1 3 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_after_the_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_of_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_of_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_that_never_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_channel_no_timer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
