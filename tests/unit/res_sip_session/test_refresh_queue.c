/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The refresh queue, rule by rule, under simulated time. Two of them: test_refresh_wire.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../base/failmalloc.h"
#include "res_sip_session/refresh_queue.h"

static struct refresh_queue queue;
static struct refresh_view view;
static struct refresh_action action;
static unsigned random_value;

static unsigned random_number(void *data)
{
    assert_ptr_equal(data, &random_value);
    return random_value;
}

/* A confirmed session whose peer takes UPDATE, and whose Call-ID is ours. */
static int setup(void **state)
{
    (void)state;
    refresh_queue_init(&queue, 1, random_number, &random_value);
    memset(&view, 0, sizeof(view));
    view.confirmed = 1;
    view.peer_takes_update = 1;
    random_value = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    refresh_queue_release(&queue);
    return 0;
}

static unsigned add(enum ast_sip_session_refresh_method method, int without_offer)
{
    struct ast_sip_session_refresh refresh = {.method = method, .without_offer = without_offer};
    unsigned id = refresh_queue_add(&queue, &refresh);

    assert_int_not_equal(id, 0);
    return id;
}

static void expect_nothing(uint64_t now)
{
    refresh_queue_step(&queue, &view, now, &action);
    assert_int_equal(action.kind, REFRESH_ACTION_NONE);
}

static void expect_wait(uint64_t now, uint64_t until)
{
    refresh_queue_step(&queue, &view, now, &action);
    assert_int_equal(action.kind, REFRESH_ACTION_WAIT);
    assert_true(action.until == until);
}

static void expect_made(uint64_t now, unsigned id, int as_update, int with_offer)
{
    refresh_queue_step(&queue, &view, now, &action);
    assert_int_equal(action.kind, REFRESH_ACTION_SEND);
    assert_int_equal(action.id, id);
    assert_int_equal(action.as_update, as_update);
    assert_int_equal(action.with_offer, with_offer);
}

static void expect_send(uint64_t now, unsigned id, int as_update, int with_offer)
{
    expect_made(now, id, as_update, with_offer);
    refresh_queue_sent(&queue, 1);
    assert_true(refresh_queue_is_busy(&queue));
}

static void expect_result(unsigned id, int status)
{
    refresh_queue_step(&queue, &view, 0, &action);
    assert_int_equal(action.kind, REFRESH_ACTION_RESULT);
    assert_int_equal(action.id, id);
    assert_int_equal(action.status, status);
}

static void expect_end(int status)
{
    refresh_queue_step(&queue, &view, 0, &action);
    assert_int_equal(action.kind, REFRESH_ACTION_END_SESSION);
    assert_int_equal(action.status, status);
}

#define AUTO   AST_SIP_SESSION_REFRESH_AUTO
#define INVITE AST_SIP_SESSION_REFRESH_INVITE
#define UPDATE AST_SIP_SESSION_REFRESH_UPDATE

static void test_form_when_confirmed(void **state)
{
    static const struct {
        enum ast_sip_session_refresh_method method;
        int without_offer, takes_update, as_update, with_offer;
    } rows[] = {
        {AUTO, 0, 1, 0, 1},   {AUTO, 0, 0, 0, 1},   {AUTO, 1, 1, 1, 0},   {AUTO, 1, 0, 0, 1},
        {INVITE, 0, 1, 0, 1}, {INVITE, 0, 0, 0, 1}, {INVITE, 1, 1, 0, 0}, {INVITE, 1, 0, 0, 0},
        {UPDATE, 0, 1, 1, 1}, {UPDATE, 0, 0, 0, 1}, {UPDATE, 1, 1, 1, 0}, {UPDATE, 1, 0, 0, 1},
    };
    unsigned i, id;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        id = add(rows[i].method, rows[i].without_offer);
        view.peer_takes_update = rows[i].takes_update;
        expect_send(0, id, rows[i].as_update, rows[i].with_offer);
        refresh_queue_final(&queue, 200, -1, 0);
        expect_result(id, 200);
        expect_nothing(0);
    }
}

static void test_before_the_answer(void **state)
{
    unsigned id;

    (void)state;
    view.confirmed = 0;
    view.their_invite = 1;
    id = add(AUTO, 0);
    expect_nothing(0); /* no dialog yet */
    view.early = 1;
    expect_nothing(0); /* its first offer and answer are not complete */
    view.early_offer_ok = 1;
    view.our_offer = 1;
    expect_nothing(0);
    view.our_offer = 0;
    view.their_offer = 1;
    expect_nothing(0);
    view.their_offer = 0;
    expect_send(0, id, 1, 1);
    refresh_queue_final(&queue, 200, -1, 0);
    expect_result(id, 200);
    id = add(AUTO, 0);
    view.peer_takes_update = 0;
    expect_nothing(0);
    view = (struct refresh_view){.confirmed = 1, .unacked = 1};
    expect_nothing(0);
    view.unacked = 0;
    expect_send(0, id, 0, 1);
}

static void test_update_without_offer_goes_in_any_dialog(void **state)
{
    unsigned id = add(AUTO, 1);

    (void)state;
    view = (struct refresh_view){
        .early = 1, .our_invite = 1, .our_offer = 1, .their_update = 1, .peer_takes_update = 1};
    view.our_update = 1; /* somebody else's, not the queue's */
    expect_nothing(0);
    view.our_update = 0;
    expect_send(0, id, 1, 0);
}

/* Each fact that alone keeps a request back. */
static void test_what_keeps_back(void **state)
{
    static const struct {
        struct refresh_view fact;
        int invite, offer_update;
    } rows[] = {
        {{.our_invite = 1}, 0, 0},
        {{.their_invite = 1}, 0, 0},
        {{.unacked = 1}, 0, 0},
        {{.our_offer = 1}, 0, 0},
        {{.their_offer = 1}, 0, 0},
        {{.our_update = 1}, 0, 0},
        {{.their_update = 1}, 1, 1},
        {{.our_invite = 1, .early_offer_ok = 1}, 0, 1},
        {{.unacked = 1, .early_offer_ok = 1}, 0, 0},
        {{0}, 1, 1},
    };
    unsigned i, id;
    int update;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (update = 0; update < 2; update++) {
            id = add(update ? UPDATE : INVITE, 0);
            view = rows[i].fact;
            view.confirmed = view.peer_takes_update = 1;
            refresh_queue_step(&queue, &view, 0, &action);
            assert_int_equal(action.kind == REFRESH_ACTION_SEND,
                             update ? rows[i].offer_update : rows[i].invite);
            refresh_queue_release(&queue);
            refresh_queue_init(&queue, 1, random_number, &random_value);
        }
        /* a re-INVITE without an offer asks for one, so that it waits as one that has it */
        id = add(INVITE, 1);
        refresh_queue_step(&queue, &view, 0, &action);
        assert_int_equal(action.kind == REFRESH_ACTION_SEND, rows[i].invite);
        assert_true(action.kind == REFRESH_ACTION_NONE || action.id == id);
        refresh_queue_release(&queue);
        refresh_queue_init(&queue, 1, random_number, &random_value);
    }
}

static void test_one_at_a_time_in_order(void **state)
{
    unsigned first = add(INVITE, 0), second = add(AUTO, 1), third = add(UPDATE, 0);

    (void)state;
    expect_made(0, first, 0, 1);
    expect_nothing(0); /* being sent */
    refresh_queue_sent(&queue, 1);
    expect_nothing(0);
    refresh_queue_final(&queue, 180, -1, 0); /* not final */
    expect_nothing(0);
    refresh_queue_final(&queue, 488, -1, 0);
    expect_result(first, 488);
    expect_send(0, second, 1, 0);
    refresh_queue_final(&queue, 202, -1, 0);
    refresh_queue_final(&queue, 500, -1, 0); /* nobody's */
    expect_result(second, 202);
    expect_send(0, third, 1, 1);
    refresh_queue_final(&queue, 200, -1, 0);
    expect_result(third, 200);
    expect_nothing(0);
}

static void test_update_without_offer_passes_who_waits(void **state)
{
    unsigned media = add(INVITE, 0), other = add(UPDATE, 0), plain = add(AUTO, 1);

    (void)state;
    expect_send(0, media, 0, 1);
    refresh_queue_final(&queue, 500, 10, 0);
    expect_send(0, plain, 1, 0);
    refresh_queue_final(&queue, 500, 3, 0);
    expect_wait(0, 3000);
    expect_send(3000, plain, 1, 0);
    refresh_queue_final(&queue, 200, -1, 3000);
    expect_result(plain, 200);
    expect_wait(3000, 10000); /* the other one has an offer: it does not pass */
    expect_send(10000, media, 0, 1);
    refresh_queue_final(&queue, 200, -1, 10000);
    expect_result(media, 200);
    expect_send(10000, other, 1, 1);
}

static void check_glare(int owner, unsigned random, unsigned wait)
{
    unsigned id;

    refresh_queue_release(&queue);
    refresh_queue_init(&queue, owner, random_number, &random_value);
    random_value = random;
    id = add(INVITE, 0);
    expect_send(1000, id, 0, 1);
    refresh_queue_final(&queue, 491, -1, 1000);
    if (wait > 0) {
        expect_wait(1000, 1000 + wait);
        expect_wait(1000 + wait - 1, 1000 + wait);
    }
    view.their_invite = 1;
    expect_nothing(1000 + wait); /* the time has come, but not the facts */
    view.their_invite = 0;
    expect_send(1000 + wait, id, 0, 1);
    refresh_queue_final(&queue, 200, -1, 1000 + wait);
    expect_result(id, 200);
}

static void test_glare_windows(void **state)
{
    unsigned random;

    (void)state;
    check_glare(1, 0, 2100);
    check_glare(1, 190, 4000);
    check_glare(1, 191, 2100);
    check_glare(0, 0, 0);
    check_glare(0, 1, 10);
    check_glare(0, 200, 2000);
    check_glare(0, 201, 0);
    for (random = 0; random < 1000; random += 7) {
        check_glare(1, random, 2100 + 10 * (random % 191));
        check_glare(0, random, 10 * (random % 201));
    }
    check_glare(0, 0xffffffffu, 10 * (0xffffffffu % 201));
}

static void test_retry_after(void **state)
{
    static const struct {
        int status, retry_after_s;
        unsigned wait_ms;
    } rows[] = {
        {500, 0, 0}, {500, 7, 7000}, {503, 5, 5000}, {500, 33, 32000}, {503, 2000000000, 32000}};
    unsigned i, id;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        id = add(UPDATE, 0);
        expect_send(50, id, 1, 1);
        refresh_queue_final(&queue, rows[i].status, rows[i].retry_after_s, 50);
        if (rows[i].wait_ms > 0) {
            expect_wait(50, 50 + rows[i].wait_ms);
        }
        expect_send(50 + rows[i].wait_ms, id, 1, 1);
        refresh_queue_final(&queue, 200, -1, 0);
        expect_result(id, 200);
    }
}

static void test_refusals_are_results(void **state)
{
    static const int status[] = {300, 302, 400, 401, 403, 404, 407, 415, 420, 480,
                                 486, 487, 488, 500, 503, 504, 580, 600, 603, 606};
    unsigned i, id;

    (void)state;
    for (i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
        id = add(i % 2 ? INVITE : UPDATE, 0);
        expect_send(0, id, !(i % 2), 1);
        refresh_queue_final(&queue, status[i], -1, 0);
        expect_result(id, status[i]);
        expect_nothing(0);
    }
}

static void test_five_tries(void **state)
{
    static const int mixed[] = {491, 422, 500, 503};
    unsigned id = add(AUTO, 0), i;
    uint64_t now = 0;

    (void)state;
    for (i = 0; i < 4; i++) {
        expect_send(now, id, 0, 1);
        refresh_queue_final(&queue, mixed[i], i < 2 ? -1 : 1, now);
        now += 5000;
    }
    expect_send(now, id, 0, 1);
    refresh_queue_final(&queue, 491, -1, now);
    expect_result(id, 491);
    expect_nothing(now);
}

static void test_422_goes_again_at_once(void **state)
{
    unsigned id = add(AUTO, 1);

    (void)state;
    expect_send(9, id, 1, 0);
    refresh_queue_final(&queue, 422, -1, 9);
    expect_send(9, id, 1, 0);
    refresh_queue_final(&queue, 200, -1, 9);
    expect_result(id, 200);
}

static void test_refused_update_becomes_reinvite(void **state)
{
    unsigned first = add(AUTO, 1), second = add(UPDATE, 0), third = add(INVITE, 0);

    (void)state;
    expect_send(0, first, 1, 0);
    refresh_queue_final(&queue, 501, -1, 0);
    expect_send(0, first, 0, 1); /* with the offer of what is agreed */
    refresh_queue_final(&queue, 200, -1, 0);
    expect_result(first, 200);
    expect_send(0, second, 0, 1);
    refresh_queue_final(&queue, 405, -1, 0); /* to an INVITE it is a refusal */
    expect_result(second, 405);
    expect_send(0, third, 0, 1);
    refresh_queue_final(&queue, 501, -1, 0);
    expect_result(third, 501);
}

static void test_refused_early_update_waits_for_the_answer(void **state)
{
    unsigned id = add(UPDATE, 1);

    (void)state;
    view = (struct refresh_view){.early = 1, .our_invite = 1, .peer_takes_update = 1};
    expect_send(0, id, 1, 0);
    refresh_queue_final(&queue, 405, -1, 0);
    expect_nothing(0);
    view = (struct refresh_view){.confirmed = 1, .peer_takes_update = 1};
    expect_send(0, id, 0, 1);
}

static void test_408_and_481_end(void **state)
{
    static const int status[] = {408, 481};
    unsigned i, first, second;

    for (i = 0; i < 2; i++) {
        first = add(i ? UPDATE : INVITE, 0);
        second = add(AUTO, 0);
        expect_send(0, first, (int)i, 1);
        refresh_queue_final(&queue, status[i], 5, 0);
        expect_result(first, status[i]);
        expect_end(status[i]);
        expect_result(second, 0);
        expect_nothing(0);
        assert_int_equal(refresh_queue_add(&queue, &(struct ast_sip_session_refresh){.data = NULL}),
                         0);
        refresh_queue_ended(&queue);
        expect_nothing(0);
        teardown(state);
        setup(state);
    }
}

static void test_cancel_of_one_that_waits(void **state)
{
    unsigned first = add(INVITE, 0), second = add(INVITE, 0);

    (void)state;
    assert_int_equal(refresh_queue_cancel(&queue, 0), -1);
    assert_int_equal(refresh_queue_cancel(&queue, 77), -1);
    assert_int_equal(refresh_queue_cancel(&queue, second), 0);
    assert_int_equal(refresh_queue_cancel(&queue, second), -1);
    expect_result(second, 0);
    expect_send(0, first, 0, 1);
    refresh_queue_final(&queue, 491, -1, 0);
    expect_wait(0, 2100);
    assert_int_equal(refresh_queue_cancel(&queue, first), 0);
    expect_result(first, 0);
    expect_nothing(0);
    assert_int_equal(refresh_queue_cancel(&queue, first), -1);
}

static void expect_cancel(unsigned id)
{
    refresh_queue_step(&queue, &view, 0, &action);
    assert_int_equal(action.kind, REFRESH_ACTION_CANCEL);
    assert_int_equal(action.id, id);
}

static void test_cancel_of_an_invite_under_way(void **state)
{
    static const int status[] = {200, 487, 491, 500, 422}; /* none is tried again */
    unsigned i, id;

    (void)state;
    for (i = 0; i < sizeof(status) / sizeof(status[0]); i++) {
        id = add(INVITE, 0);
        expect_made(0, id, 0, 1);
        if (i % 2) { /* from within on_request */
            assert_int_equal(refresh_queue_cancel(&queue, id), 0);
            expect_nothing(0);
        }
        refresh_queue_sent(&queue, 1);
        assert_int_equal(refresh_queue_cancel(&queue, id), 0);
        expect_cancel(id);
        assert_int_equal(refresh_queue_cancel(&queue, id), 0);
        expect_nothing(0); /* once */
        refresh_queue_final(&queue, status[i], 1, 0);
        assert_int_equal(refresh_queue_cancel(&queue, id), -1);
        expect_result(id, status[i]);
        expect_nothing(0);
    }
}

static void test_cancel_of_an_update_under_way(void **state)
{
    unsigned id = add(UPDATE, 0);

    (void)state;
    expect_made(0, id, 1, 1);
    assert_int_equal(refresh_queue_cancel(&queue, id), -1);
    refresh_queue_sent(&queue, 1);
    assert_int_equal(refresh_queue_cancel(&queue, id), -1);
    expect_nothing(0);
    refresh_queue_final(&queue, 491, -1, 0);
    assert_int_equal(refresh_queue_cancel(&queue, id), 0); /* it waits now */
    expect_result(id, 0);
}

static void test_what_could_not_be_sent(void **state)
{
    unsigned first = add(INVITE, 0), second = add(INVITE, 0);

    (void)state;
    expect_made(0, first, 0, 1);
    refresh_queue_sent(&queue, 0);
    expect_result(first, 0);
    expect_made(0, second, 0, 1);
    refresh_queue_final(&queue, 503, -1, 0); /* the transport failed within the sending */
    refresh_queue_sent(&queue, 1);
    expect_result(second, 503);
    expect_nothing(0);
}

static void test_the_session_ends(void **state)
{
    unsigned first = add(INVITE, 0), second = add(INVITE, 0), third;

    (void)state;
    expect_send(0, first, 0, 1);
    refresh_queue_final(&queue, 200, -1, 0);
    third = add(UPDATE, 1);
    expect_result(first, 200);
    expect_send(0, second, 0, 1);
    refresh_queue_ended(&queue);
    refresh_queue_final(&queue, 481, -1, 0); /* too late to matter */
    refresh_queue_sent(&queue, 0);
    assert_int_equal(refresh_queue_cancel(&queue, third), -1);
    expect_result(second, 0);
    expect_result(third, 0);
    expect_nothing(0);
}

static void test_the_result_carries_what_was_asked(void **state)
{
    struct ast_sip_session_refresh refresh;
    int mark;
    unsigned id;

    (void)state;
    memset(&refresh, 0, sizeof(refresh));
    refresh.data = &mark;
    refresh.method = UPDATE;
    id = refresh_queue_add(&queue, &refresh);
    refresh.data = NULL;
    expect_send(0, id, 1, 1);
    assert_ptr_equal(action.refresh.data, &mark);
    refresh_queue_final(&queue, 200, -1, 0);
    expect_result(id, 200);
    assert_ptr_equal(action.refresh.data, &mark);
    assert_int_equal(action.refresh.method, UPDATE);
}

static void test_too_many(void **state)
{
    struct ast_sip_session_refresh refresh = {.data = NULL};
    unsigned i;

    (void)state;
    for (i = 0; i < REFRESH_MOST_QUEUED; i++) {
        add(INVITE, 0);
    }
    assert_int_equal(refresh_queue_add(&queue, &refresh), 0);
    assert_int_equal(refresh_queue_cancel(&queue, 1), 0);
    expect_result(1, 0);
    queue.last_id = 0xffffffffu; /* ids start again, without 0 */
    assert_int_equal(add(INVITE, 0), 1);
}

static int add_twice(void *data)
{
    struct refresh_queue fresh;
    struct ast_sip_session_refresh refresh = {.data = data};
    int result;

    refresh_queue_init(&fresh, 0, random_number, &random_value);
    result = refresh_queue_add(&fresh, &refresh) && refresh_queue_add(&fresh, &refresh) ? 0 : -1;
    refresh_queue_release(&fresh);
    return result;
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(failmalloc_each(add_twice, NULL, 0), 2);
}

static void test_verdict(void **state)
{
    static const struct {
        struct refresh_view fact;
        int invite, invite_bare, update, update_bare;
    } rows[] = {
        {{0}, 0, 0, 0, 0},
        {{.their_invite = 1}, 500, 500, 0, 0},
        {{.our_invite = 1}, 491, 491, 0, 0},
        {{.our_invite = 1, .our_offer = 1}, 491, 491, 491, 0},
        {{.their_invite = 1, .their_offer = 1}, 500, 500, 500, 0},
        {{.their_invite = 1, .our_offer = 1}, 500, 500, 491, 0}, /* ours in a reliable 18x */
        {{.unacked = 1}, 0, 0, 0, 0},                            /* RFC 5407 3.1.4 */
        {{.unacked = 1, .our_offer = 1}, 491, 491, 491, 0},      /* RFC 5407 3.1.5 */
        {{.our_update = 1}, 0, 0, 0, 0},
        {{.our_update = 1, .our_offer = 1}, 491, 491, 491, 0},
        {{.their_update = 1}, 0, 0, 500, 500},
        {{.their_update = 1, .their_offer = 1}, 500, 500, 500, 500},
        {{.their_offer = 1}, 500, 500, 500, 0},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(refresh_verdict(&rows[i].fact, 1, 1), rows[i].invite);
        assert_int_equal(refresh_verdict(&rows[i].fact, 1, 0), rows[i].invite_bare);
        assert_int_equal(refresh_verdict(&rows[i].fact, 0, 1), rows[i].update);
        assert_int_equal(refresh_verdict(&rows[i].fact, 0, 0), rows[i].update_bare);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_form_when_confirmed),
        TEST(test_before_the_answer),
        TEST(test_update_without_offer_goes_in_any_dialog),
        TEST(test_what_keeps_back),
        TEST(test_one_at_a_time_in_order),
        TEST(test_update_without_offer_passes_who_waits),
        TEST(test_glare_windows),
        TEST(test_retry_after),
        TEST(test_refusals_are_results),
        TEST(test_five_tries),
        TEST(test_422_goes_again_at_once),
        TEST(test_refused_update_becomes_reinvite),
        TEST(test_refused_early_update_waits_for_the_answer),
        TEST(test_408_and_481_end),
        TEST(test_cancel_of_one_that_waits),
        TEST(test_cancel_of_an_invite_under_way),
        TEST(test_cancel_of_an_update_under_way),
        TEST(test_what_could_not_be_sent),
        TEST(test_the_session_ends),
        TEST(test_the_result_carries_what_was_asked),
        TEST(test_too_many),
        TEST(test_no_memory),
        TEST(test_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
