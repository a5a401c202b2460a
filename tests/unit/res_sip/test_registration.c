/* SPDX-License-Identifier: GPL-2.0-or-later */
/* res_sip: the machine of an outbound registration, under simulated time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "res_sip/registration/registration_machine.h"

static const struct registration_rules usual = {.expiration = 3600,
                                                .retry_interval = 60,
                                                .max_retries = 10,
                                                .auth_rejection_permanent = 1};

static struct registration_machine machine;
static unsigned long long now;
static struct registration_action action;

/* The first REGISTER is on its way. */
static void begin(const struct registration_rules *rules)
{
    now = 1000;
    action = registration_init(&machine, rules, now, 0);
    assert_int_equal(machine.state, REGISTRATION_UNREGISTERED);
    action = registration_timer(&machine, now);
    assert_int_equal(action.send, REGISTRATION_REGISTER);
    assert_int_equal(action.expires, rules->expiration);
    assert_int_equal(machine.state, REGISTRATION_TRYING);
}

static void answer_as(struct registration_answer answer)
{
    action = registration_answered(&machine, now, &answer);
}

static void answer(int status)
{
    answer_as((struct registration_answer){.status = status, .expires = REGISTRATION_NOT_SAID});
}

/* Time passes to the next timer; returns how much, in ms. */
static unsigned long long pass(void)
{
    unsigned long long before = now;

    assert_true(action.wake >= now);
    now = action.wake;
    action = registration_timer(&machine, now);
    return now - before;
}

static void check_rejected(void)
{
    assert_int_equal(machine.state, REGISTRATION_REJECTED);
    assert_int_equal(action.send, REGISTRATION_NOTHING);
    assert_int_equal(action.wake, 0);
}

static void first_delay(void **state)
{
    (void)state;
    action = registration_init(&machine, &usual, 5, 700);
    assert_int_equal(action.wake, 705);
    action = registration_timer(&machine, 704); /* early: nothing */
    assert_int_equal(action.send, REGISTRATION_NOTHING);
    assert_int_equal(action.wake, 705);
    action = registration_timer(&machine, 705);
    assert_int_equal(action.send, REGISTRATION_REGISTER);
    action = registration_timer(&machine, 800); /* it is on its way */
    assert_int_equal(action.send, REGISTRATION_NOTHING);
}

static void refresh_before_expiry(void **state)
{
    static const struct {
        unsigned expires, refresh; /* seconds; ms */
    } times[] = {{3600, 3540000}, {86400, 86340000}, {300, 270000}, {60, 50000},
                 {30, 20000},     {20, 10000},       {10, 5000},    {1, 500}};

    (void)state;
    begin(&usual);
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        answer_as((struct registration_answer){.status = 200, .expires = times[i].expires});
        assert_int_equal(machine.state, REGISTRATION_REGISTERED);
        assert_int_equal(pass(), times[i].refresh);
        assert_int_equal(action.send, REGISTRATION_REGISTER);
        assert_int_equal(action.expires, 3600);
    }
    answer(200); /* it says nothing: what was asked for */
    assert_int_equal(pass(), 3540000);
    answer_as((struct registration_answer){.status = 200, .expires = 4000000000u});
    assert_int_equal(pass(), 7 * 86400000ull - 60000);
}

static void a_200_that_grants_nothing(void **state)
{
    (void)state;
    begin(&usual);
    answer_as((struct registration_answer){.status = 200, .expires = 0});
    assert_int_equal(machine.state, REGISTRATION_RETRYING);
    assert_int_equal(pass(), 60000);
}

static void min_expires(void **state)
{
    struct registration_answer brief = {.status = 423,
                                        .expires = REGISTRATION_NOT_SAID,
                                        .min_expires = 7200};

    (void)state;
    begin(&usual);
    answer_as(brief);
    assert_int_equal(action.send, REGISTRATION_REGISTER);
    assert_int_equal(action.expires, 7200);
    answer(200);
    assert_int_equal(pass(), 7140000);
    assert_int_equal(action.expires, 7200); /* it is remembered */
    answer_as(brief);                       /* and asked for already: a refusal */
    check_rejected();

    begin(&usual);
    for (unsigned i = 0; i < 3; i++) {
        brief.min_expires++;
        answer_as(brief);
        assert_int_equal(action.send, REGISTRATION_REGISTER);
    }
    brief.min_expires++;
    answer_as(brief); /* no end of it */
    check_rejected();

    begin(&usual);
    brief.min_expires = 4000000000u;
    answer_as(brief);
    check_rejected();
    begin(&usual);
    brief.min_expires = 0;
    answer_as(brief);
    check_rejected();
}

static void temporary_failures(void **state)
{
    static const int statuses[] = {408, 480, 500, 502, 503, 504};
    const struct registration_rules rules = {.expiration = 60,
                                             .retry_interval = 7,
                                             .max_retries = 1};

    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        begin(&rules);
        answer(statuses[i]);
        assert_int_equal(machine.state, REGISTRATION_RETRYING);
        assert_int_equal(pass(), 7000);
        assert_int_equal(action.send, REGISTRATION_REGISTER);
        answer(statuses[i]); /* max_retries */
        check_rejected();
    }
}

static void permanent_failures(void **state)
{
    static const int statuses[] = {301, 302, 400, 401, 403, 404, 407, 501, 505, 600, 603};
    const struct registration_rules later = {.expiration = 60,
                                             .fatal_retry_interval = 9,
                                             .max_retries = 1,
                                             .auth_rejection_permanent = 1};

    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        begin(&usual);
        answer(statuses[i]);
        check_rejected();
        begin(&later);
        answer(statuses[i]);
        assert_int_equal(pass(), 9000);
        answer(statuses[i]);
        check_rejected();
    }
}

static void forbidden(void **state)
{
    struct registration_rules rules = usual;

    (void)state;
    rules.forbidden_retry_interval = 300;
    rules.fatal_retry_interval = 900;
    begin(&rules);
    answer(403); /* has its own */
    assert_int_equal(pass(), 300000);
    answer(404);
    assert_int_equal(pass(), 900000);
    rules.forbidden_retry_interval = 0;
    begin(&rules);
    answer(403);
    assert_int_equal(pass(), 900000);
}

static void auth_rejection(void **state)
{
    struct registration_rules rules = usual;

    (void)state;
    rules.auth_rejection_permanent = 0;
    for (int status = 401; status <= 407; status += 6) {
        begin(&rules);
        answer(status);
        assert_int_equal(machine.state, REGISTRATION_RETRYING);
        assert_int_equal(pass(), 60000);
    }
}

static void retries_are_counted_until_a_success(void **state)
{
    struct registration_rules rules = usual;

    (void)state;
    rules.max_retries = 3;
    begin(&rules);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 3; i++) {
            answer(503);
            pass();
        }
        answer(200);
        pass();
    }
    for (unsigned i = 0; i < 3; i++) {
        answer(503);
        pass();
    }
    answer(503);
    check_rejected();
    rules.max_retries = 0;
    begin(&rules);
    answer(503);
    check_rejected();
    rules = usual;
    rules.retry_interval = 0;
    begin(&rules);
    answer(503);
    check_rejected();
}

static void retry_after(void **state)
{
    struct registration_answer busy = {.status = 503,
                                       .expires = REGISTRATION_NOT_SAID,
                                       .retry_after = 120};

    (void)state;
    begin(&usual);
    answer_as(busy);
    assert_int_equal(pass(), 120000);
    busy.retry_after = 3; /* we do not come more often than we want */
    answer_as(busy);
    assert_int_equal(pass(), 60000);
    busy.retry_after = 4000000000u; /* nobody sends us away for good */
    answer_as(busy);
    assert_int_equal(pass(), 3600000);
}

static void next_server(void **state)
{
    struct registration_answer silent = {.status = 408,
                                         .is_ours = 1,
                                         .more_servers = 1,
                                         .expires = REGISTRATION_NOT_SAID};
    struct registration_answer busy = {.status = 503,
                                       .more_servers = 1,
                                       .expires = REGISTRATION_NOT_SAID};
    struct registration_answer forbidden_there = {.status = 403,
                                                  .more_servers = 1,
                                                  .expires = REGISTRATION_NOT_SAID};

    (void)state;
    begin(&usual);
    answer_as(silent);
    assert_int_equal(action.send, REGISTRATION_NEXT);
    assert_int_equal(action.expires, 3600);
    answer_as(busy);
    assert_int_equal(action.send, REGISTRATION_NEXT);
    assert_int_equal(machine.retries, 0);
    silent.more_servers = 0;
    answer_as(silent); /* it was the last */
    assert_int_equal(machine.retries, 1);
    pass();
    assert_int_equal(action.send, REGISTRATION_REGISTER);
    answer_as(forbidden_there); /* an answer is an answer */
    check_rejected();
}

static void stop_when_registered(void **state)
{
    struct registration_answer silent = {.status = 408,
                                         .is_ours = 1,
                                         .more_servers = 1,
                                         .expires = REGISTRATION_NOT_SAID};

    (void)state;
    begin(&usual);
    answer(200);
    now += 100000;
    action = registration_stop(&machine, now);
    assert_int_equal(action.send, REGISTRATION_UNREGISTER);
    assert_int_equal(action.expires, 0);
    assert_int_equal(machine.state, REGISTRATION_UNREGISTERING);
    action = registration_timer(&machine, now + 3600000); /* the refresh is off */
    assert_int_equal(action.send, REGISTRATION_NOTHING);
    action = registration_stop(&machine, now);
    assert_int_equal(action.send, REGISTRATION_NOTHING);
    answer_as(silent);
    assert_int_equal(action.send, REGISTRATION_NEXT);
    assert_int_equal(action.expires, 0);
    answer(500);
    assert_int_equal(machine.state, REGISTRATION_ENDED);
    assert_int_equal(action.wake, 0);
}

static void stop_when_nothing_is_bound(void **state)
{
    (void)state;
    action = registration_init(&machine, &usual, 1, 1000);
    action = registration_stop(&machine, 2);
    assert_int_equal(machine.state, REGISTRATION_ENDED);
    assert_int_equal(action.wake, 0);
    begin(&usual);
    answer(403);
    action = registration_stop(&machine, now);
    assert_int_equal(action.send, REGISTRATION_NOTHING);
    assert_int_equal(machine.state, REGISTRATION_ENDED);
}

static void stop_while_trying(void **state)
{
    (void)state;
    begin(&usual);
    action = registration_stop(&machine, now);
    assert_int_equal(action.send, REGISTRATION_NOTHING);
    answer(200); /* it came about: it is undone */
    assert_int_equal(action.send, REGISTRATION_UNREGISTER);
    answer(200);
    assert_int_equal(machine.state, REGISTRATION_ENDED);

    begin(&usual);
    registration_stop(&machine, now);
    answer(403);
    assert_int_equal(action.send, REGISTRATION_NOTHING);
    assert_int_equal(machine.state, REGISTRATION_ENDED);

    begin(&usual); /* a refresh is refused, but the binding is still there */
    answer(200);
    pass();
    registration_stop(&machine, now);
    answer(503);
    assert_int_equal(action.send, REGISTRATION_UNREGISTER);
}

/* Whatever comes: one thing is on its way at a time, or a timer runs, or it is over. */
static void any_events(void **state)
{
    static const int statuses[] = {200, 200, 202, 302, 401, 403, 404, 408, 423, 500, 503, 600};
    unsigned seed = 1;

    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        struct registration_rules rules = usual;
        int sent, rest = 40;

        rules.fatal_retry_interval = round % 3 * 10;
        rules.max_retries = round % 7;
        now = 1;
        action = registration_init(&machine, &rules, now, round % 2 * 100);
        while (rest-- > 0) {
            seed = seed * 1103515245u + 12345u;
            sent = action.send != REGISTRATION_NOTHING || machine.state == REGISTRATION_TRYING;
            if (!machine.stopping && (seed >> 8) % 20 == 0) {
                struct registration_action stop = registration_stop(&machine, now);

                action = sent ? action : stop;
            } else if (sent) {
                answer_as((struct registration_answer){.status = statuses[(seed >> 12) % 12],
                                                       .is_ours = (seed >> 16) % 4 == 0,
                                                       .more_servers = (seed >> 18) % 3 == 0,
                                                       .expires = (seed >> 20) % 2
                                                                      ? REGISTRATION_NOT_SAID
                                                                      : (seed >> 21) % 100,
                                                       .min_expires = (seed >> 10) % 10000});
            } else if (action.wake) {
                pass();
            } else {
                break;
            }
        }
        if (rest > 0) {
            assert_true(machine.state == REGISTRATION_REJECTED ||
                        machine.state == REGISTRATION_ENDED);
        }
    }
}

/* A reload: due at once, with the same binding; the tries before do not count. */
static void change(void **state)
{
    struct registration_rules rules = usual;

    (void)state;
    rules.expiration = 700;
    begin(&usual);
    answer(200);
    now += 5000;
    action = registration_change(&machine, &rules, now);
    assert_int_equal(action.send, REGISTRATION_NOTHING);
    assert_int_equal(machine.state, REGISTRATION_REGISTERED);
    assert_int_equal(pass(), 0);
    assert_int_equal(action.send, REGISTRATION_REGISTER);
    assert_int_equal(action.expires, 700);

    begin(&usual);
    answer(404);
    check_rejected();
    action = registration_change(&machine, &rules, now);
    assert_int_equal(pass(), 0);
    assert_int_equal(action.send, REGISTRATION_REGISTER);
    answer(200);
    assert_int_equal(machine.state, REGISTRATION_REGISTERED);
}

/* The answer to what was asked before is waited for, whatever it is. */
static void change_while_trying(void **state)
{
    static const int statuses[] = {200, 404, 503, 423};
    struct registration_rules rules = usual;

    (void)state;
    rules.expiration = 700;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        begin(&usual);
        action = registration_change(&machine, &rules, now);
        assert_int_equal(action.send, REGISTRATION_NOTHING);
        assert_int_equal(action.wake, 0);
        answer(statuses[i]);
        assert_int_not_equal(machine.state, REGISTRATION_TRYING);
        assert_int_equal(machine.retries, 0);
        assert_int_equal(pass(), 0);
        assert_int_equal(action.send, REGISTRATION_REGISTER);
        assert_int_equal(action.expires, 700);
        answer(200);
        assert_int_equal(machine.state, REGISTRATION_REGISTERED);
        assert_true(action.wake > now);
    }
    /* and gone before it is asked again */
    begin(&usual);
    registration_change(&machine, &rules, now);
    answer(404);
    action = registration_stop(&machine, now);
    assert_int_equal(machine.state, REGISTRATION_ENDED);
}

/* RFC 5626 4.5: a connection that breaks again and again is not made again at once. */
static void test_lost_connections(void **state)
{
    static const unsigned delays[] = {1000,  2000,   4000,   8000,   16000, 32000,
                                      64000, 128000, 256000, 300000, 300000};

    (void)state;
    begin(&usual);
    answer(200);
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        now += 100;
        action = registration_lost(&machine, now);
        assert_int_equal(action.wake, now + delays[i]);
        assert_int_equal(pass(), delays[i]);
        assert_int_equal(action.send, REGISTRATION_REGISTER);
        answer(200);
    }
    now += 700000; /* it lasted */
    action = registration_lost(&machine, now);
    assert_int_equal(action.wake, now + 1000);
    now += 10; /* twice told: nothing is put off for ever */
    action = registration_lost(&machine, now);
    assert_int_equal(action.wake, now - 10 + 1000);

    begin(&usual); /* the answer decides */
    action = registration_lost(&machine, now);
    assert_int_equal(action.wake, 0);
    assert_int_equal(machine.state, REGISTRATION_TRYING);
    answer(404);
    action = registration_lost(&machine, now);
    check_rejected();
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(registration_state_name(REGISTRATION_UNREGISTERED), "unregistered");
    assert_string_equal(registration_state_name(REGISTRATION_ENDED), "ended");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_delay),
        cmocka_unit_test(refresh_before_expiry),
        cmocka_unit_test(a_200_that_grants_nothing),
        cmocka_unit_test(min_expires),
        cmocka_unit_test(temporary_failures),
        cmocka_unit_test(permanent_failures),
        cmocka_unit_test(forbidden),
        cmocka_unit_test(auth_rejection),
        cmocka_unit_test(retries_are_counted_until_a_success),
        cmocka_unit_test(retry_after),
        cmocka_unit_test(next_server),
        cmocka_unit_test(stop_when_registered),
        cmocka_unit_test(stop_when_nothing_is_bound),
        cmocka_unit_test(stop_while_trying),
        cmocka_unit_test(change),
        cmocka_unit_test(change_while_trying),
        cmocka_unit_test(test_lost_connections),
        cmocka_unit_test(any_events),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests_name("res_sip registration", tests, NULL, NULL);
}
