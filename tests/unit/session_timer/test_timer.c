/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Session timers (RFC 4028) under simulated time: every rule, and 10,000 random sessions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "timer.h"

#define NO       AST_SIP_TIMERS_NO
#define YES      AST_SIP_TIMERS_YES
#define REQUIRED AST_SIP_TIMERS_REQUIRED
#define ALWAYS   AST_SIP_TIMERS_ALWAYS

#define NONE TIMER_REFRESHER_NONE
#define UAC  TIMER_REFRESHER_UAC
#define UAS  TIMER_REFRESHER_UAS

static struct timer timer;
static struct timer_headers out;

static void begin(enum ast_sip_timers mode, unsigned min_se, unsigned expires)
{
    timer_init(&timer, mode, min_se, expires);
}

static void check_headers(const struct timer_headers *have, int supported, int required,
                          unsigned expires, enum timer_refresher refresher, unsigned min_se)
{
    assert_int_equal(have->supported, supported);
    assert_int_equal(have->required, required);
    assert_int_equal(have->expires, expires);
    assert_int_equal(have->refresher, refresher);
    assert_int_equal(have->min_se, min_se);
}

static void answer(struct timer_headers request, uint64_t now)
{
    assert_int_equal(timer_check(&timer, &request), 0);
    timer_answer(&timer, &request, now, &out);
}

/* ---- the peer's requests ---- */

static void test_table_2(void **state)
{
    static const struct {
        int supported;
        enum timer_refresher asked, answered;
    } rows[] = {
        {0, NONE, UAS},                /* a proxy asked */
        {0, UAC, UAS},  {0, UAS, UAS}, /* that nobody may send */
        {1, NONE, UAC}, {1, UAC, UAC}, {1, UAS, UAS},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(YES, 90, 1800);
        answer((struct timer_headers){.supported = rows[i].supported,
                                      .expires = 1800,
                                      .refresher = rows[i].asked},
               0);
        check_headers(&out, 1, rows[i].supported, 1800, rows[i].answered, 0);
        assert_int_equal(timer.ours, rows[i].answered == UAS);
    }
}

static void test_interval_of_the_answer(void **state)
{
    (void)state;
    begin(YES, 90, 1800);
    answer((struct timer_headers){.supported = 1, .expires = 7200}, 0); /* made less */
    assert_int_equal(out.expires, 1800);
    begin(YES, 90, 1800);
    answer((struct timer_headers){.supported = 1, .expires = 7200, .min_se = 3600}, 0);
    assert_int_equal(out.expires, 3600); /* but not below its Min-SE */
    begin(YES, 90, 1800);
    answer((struct timer_headers){.supported = 1, .expires = 300}, 0);
    assert_int_equal(out.expires, 300); /* never made more */
    begin(YES, 600, 1800);
    answer((struct timer_headers){.expires = 300}, 0); /* a 422 would be lost on it */
    assert_int_equal(out.expires, 300);
}

static void test_who_did_not_ask(void **state)
{
    static const struct {
        enum ast_sip_timers mode;
        int supported;
        unsigned expires; /* of the answer */
        enum timer_refresher refresher;
    } rows[] = {
        {NO, 1, 0, NONE},        {YES, 0, 0, NONE},     {YES, 1, 0, NONE},
        {REQUIRED, 1, 700, UAS}, {ALWAYS, 0, 700, UAS}, {ALWAYS, 1, 700, UAS},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(rows[i].mode, 90, 700);
        answer((struct timer_headers){.supported = rows[i].supported}, 0);
        check_headers(&out, rows[i].mode != NO, rows[i].expires && rows[i].supported,
                      rows[i].expires, rows[i].refresher, 0);
        assert_int_equal(timer.interval, rows[i].expires);
    }
    begin(ALWAYS, 90, 700);
    answer((struct timer_headers){.supported = 1, .min_se = 900}, 0);
    assert_int_equal(out.expires, 900);
}

static void test_refusals(void **state)
{
    (void)state;
    begin(NO, 90, 1800);
    assert_int_equal(timer_check(&timer, &(struct timer_headers){.required = 1}), 420);
    assert_int_equal(timer_check(&timer, &(struct timer_headers){.expires = 1}), 0);
    begin(REQUIRED, 90, 1800);
    assert_int_equal(timer_check(&timer, &(struct timer_headers){.expires = 1800}), 421);
    assert_int_equal(timer_check(&timer, &(struct timer_headers){.required = 1}), 0);
    begin(YES, 120, 1800);
    assert_int_equal(timer_check(&timer, &(struct timer_headers){.supported = 1, .expires = 119}),
                     422);
    assert_int_equal(timer_check(&timer, &(struct timer_headers){.supported = 1, .expires = 120}),
                     0);
    assert_int_equal(timer_check(&timer, &(struct timer_headers){.expires = 119}), 0);
    assert_int_equal(
        timer_check(&timer, &(struct timer_headers){.supported = 1, .expires = 300, .min_se = 301}),
        422); /* at odds with itself */
    assert_int_equal(timer_least(&timer, &(struct timer_headers){.min_se = 301}), 301);
    assert_int_equal(timer_least(&timer, &(struct timer_headers){.min_se = 100}), 120);
    assert_int_equal(timer.heard_min_se, 0); /* what was refused taught nothing */
    begin(YES, 1, 1);
    assert_int_equal(timer.min_se, 90);
    assert_int_equal(timer.expires, 90);
}

static void test_a_proxys_interval_below_90_is_none(void **state)
{
    (void)state;
    begin(YES, 90, 1800);
    answer((struct timer_headers){.expires = 89}, 0);
    check_headers(&out, 1, 0, 0, NONE, 0);
    begin(ALWAYS, 90, 1800);
    answer((struct timer_headers){.expires = 89, .refresher = UAC}, 0);
    check_headers(&out, 1, 0, 1800, UAS, 0);
}

static void test_roles_stay(void **state)
{
    (void)state;
    begin(YES, 90, 1800);
    answer((struct timer_headers){.supported = 1, .expires = 400, .refresher = UAS}, 0);
    assert_true(timer.ours);
    answer((struct timer_headers){.supported = 1, .expires = 400}, 0); /* it does not say */
    assert_int_equal(out.refresher, UAS);
    answer((struct timer_headers){.supported = 1}, 0); /* a hold, with not a word of timers */
    check_headers(&out, 1, 1, 400, UAS, 0);
    timer_request(&timer, 0, &out);
    check_headers(&out, 1, 0, 400, UAC, 0);
    timer_answered(&timer, 0, &(struct timer_headers){.expires = 400, .refresher = UAC}, 0);
    assert_true(timer.ours);
    answer((struct timer_headers){.supported = 1, .expires = 400, .refresher = UAC}, 0);
    assert_false(timer.ours); /* the peer takes over */
    timer_request(&timer, 0, &out);
    check_headers(&out, 1, 0, 400, UAS, 0);
    timer_answered(&timer, 0, &(struct timer_headers){.expires = 400, .refresher = UAS}, 0);
    assert_false(timer.ours);
}

static void test_a_peer_that_forgot_timers(void **state)
{
    (void)state;
    begin(YES, 90, 1800);
    answer((struct timer_headers){.supported = 1, .expires = 400}, 0);
    answer((struct timer_headers){.supported = 0}, 0);
    check_headers(&out, 1, 0, 0, NONE, 0);
    assert_int_equal(timer.interval, 0);
}

/* ---- our requests ---- */

static void test_the_first_request(void **state)
{
    static const struct {
        enum ast_sip_timers mode;
        unsigned min_se, expires;
        struct timer_headers wanted;
    } rows[] = {
        {NO, 90, 1800, {0}},
        {YES, 90, 1800, {.supported = 1, .expires = 1800}},
        {YES, 200, 1800, {.supported = 1, .expires = 1800, .min_se = 200}},
        {REQUIRED, 90, 90, {.supported = 1, .required = 1, .expires = 90}},
        {ALWAYS, 90, 600, {.supported = 1, .expires = 600}},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(rows[i].mode, rows[i].min_se, rows[i].expires);
        timer_request(&timer, 1, &out);
        assert_memory_equal(&out, &rows[i].wanted, sizeof(out));
    }
}

static void test_answers_to_it(void **state)
{
    static const struct {
        enum ast_sip_timers mode;
        struct timer_headers answer;
        unsigned interval;
        int ours;
    } rows[] = {
        {NO, {.expires = 100, .refresher = UAC}, 0, 0}, /* we did not say that we know it */
        {YES, {.required = 1, .expires = 100, .refresher = UAC}, 100, 1},
        {YES, {.required = 1, .expires = 100, .refresher = UAS}, 100, 0},
        {YES, {.required = 1, .expires = 100}, 100, 1},
        {YES, {.required = 1, .expires = 30, .refresher = UAC}, 90, 1}, /* RFC 4028 4 */
        {YES, {.supported = 1}, 0, 0},
        {YES, {0}, 0, 0},
        {ALWAYS, {0}, 1800, 1}, /* RFC 4028 7.2: for our own benefit */
        {REQUIRED, {0}, 1800, 1},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(rows[i].mode, 90, 1800);
        timer_request(&timer, 1, &out);
        timer_answered(&timer, 1, &rows[i].answer, 0);
        assert_int_equal(timer.interval, rows[i].interval);
        assert_int_equal(timer.ours, rows[i].ours);
    }
}

static void test_422_to_ours(void **state)
{
    (void)state;
    begin(YES, 90, 200);
    assert_int_equal(timer_too_small(&timer, 300), 0); /* to what? */
    begin(YES, 90, 200);
    timer_request(&timer, 1, &out);
    assert_int_equal(timer_too_small(&timer, 0), 0);
    assert_int_equal(timer_too_small(&timer, 200), 0); /* that is what we asked for */
    assert_int_equal(timer_too_small(&timer, 300), 1);
    timer_request(&timer, 1, &out);
    check_headers(&out, 1, 0, 300, NONE, 300);
    assert_int_equal(timer_too_small(&timer, 250), 0);
    timer_request(&timer, 1, &out);
    check_headers(&out, 1, 0, 300, NONE, 300); /* the largest that was heard */
    timer_answered(&timer, 1, &(struct timer_headers){.expires = 300, .refresher = UAC}, 0);
    timer_request(&timer, 0, &out); /* RFC 4028 7.4: cleared with the dialog */
    check_headers(&out, 1, 0, 300, UAC, 0);
    assert_int_equal(timer_too_small(&timer, 500), 1);
    timer_request(&timer, 0, &out);
    check_headers(&out, 1, 0, 500, UAC, 500);
    timer_answered(&timer, 0, &(struct timer_headers){.expires = 500, .refresher = UAC}, 0);
    timer_request(&timer, 0, &out);
    check_headers(&out, 1, 0, 500, UAC, 500);
    begin(NO, 90, 200);
    timer_request(&timer, 1, &out);
    assert_int_equal(timer_too_small(&timer, 300), 0);
}

static void test_min_se_of_the_peers_request_is_kept(void **state)
{
    (void)state;
    begin(YES, 90, 1800);
    answer((struct timer_headers){.supported = 1, .expires = 400, .refresher = UAS, .min_se = 350},
           0);
    check_headers(&out, 1, 1, 400, UAS, 0);
    timer_request(&timer, 0, &out);
    check_headers(&out, 1, 0, 400, UAC, 350);
}

static void test_a_timer_can_be_turned_off(void **state)
{
    (void)state;
    begin(YES, 90, 1800);
    timer_request(&timer, 1, &out);
    timer_answered(&timer, 1, &(struct timer_headers){.expires = 1800, .refresher = UAC}, 0);
    timer_request(&timer, 0, &out);
    timer_answered(&timer, 0, &(struct timer_headers){.supported = 1}, 0);
    assert_int_equal(timer.interval, 0);
    timer_request(&timer, 0, &out);
    check_headers(&out, 1, 0, 0, NONE, 0); /* and stays off */
    begin(ALWAYS, 90, 1800);
    timer_request(&timer, 0, &out);
    check_headers(&out, 1, 0, 1800, NONE, 0);
}

/* ---- time ---- */

static void expect(enum timer_action action, uint64_t now, uint64_t until)
{
    uint64_t found = 0;

    assert_int_equal(timer_step(&timer, now, &found), action);
    if (action == TIMER_WAIT) {
        assert_true(found == until);
    }
}

static void test_time_of_the_refresher(void **state)
{
    (void)state;
    begin(YES, 90, 1800);
    expect(TIMER_NOTHING, 0, 0);
    timer_request(&timer, 1, &out);
    timer_answered(&timer, 1, &(struct timer_headers){.expires = 1800, .refresher = UAC}, 1000);
    expect(TIMER_WAIT, 1000, 901000);
    expect(TIMER_WAIT, 900999, 901000);
    expect(TIMER_REFRESH, 901000, 0);
    /* nothing comes of it: again after half of what is left, then in smaller and smaller steps */
    expect(TIMER_WAIT, 901000, 901000 + 434000);
    expect(TIMER_REFRESH, 1335000, 0);
    expect(TIMER_WAIT, 1335000, 1335000 + 217000);
    expect(TIMER_REFRESH, 1764999, 0);
    expect(TIMER_WAIT, 1764999, 1769000);
    expect(TIMER_WAIT, 1768999, 1769000); /* 32 s before the end (RFC 4028 10) */
    expect(TIMER_EXPIRED, 1769000, 0);
    expect(TIMER_NOTHING, 1769000, 0);
}

static void test_time_of_the_other(void **state)
{
    (void)state;
    begin(YES, 90, 1800);
    answer((struct timer_headers){.supported = 1, .expires = 90, .refresher = UAC}, 0);
    expect(TIMER_WAIT, 0, 60000); /* 90 less a third */
    answer((struct timer_headers){.supported = 1, .expires = 96, .refresher = UAC}, 50000);
    expect(TIMER_WAIT, 59000, 50000 + 64000);
    answer((struct timer_headers){.supported = 1, .expires = 97, .refresher = UAC}, 60000);
    expect(TIMER_WAIT, 60000, 60000 + 65000);
    expect(TIMER_EXPIRED, 125000, 0);
}

static void test_the_largest_interval(void **state)
{
    (void)state;
    begin(YES, 90, 1800);
    timer_request(&timer, 1, &out);
    timer_answered(&timer, 1, &(struct timer_headers){.expires = UINT32_MAX, .refresher = UAS}, 5);
    expect(TIMER_WAIT, 5, 5 + (uint64_t)(UINT32_MAX - 32) * 1000);
}

/* ---- 10,000 random sessions: two of us, or one of us and somebody without timers ---- */

static struct timer side[2];
static uint64_t seed, clock_ms, last_exchange;
static unsigned session;
static int lost; /* requests come to nothing from now on */

#define SEED 0x4028ULL

static unsigned below(unsigned limit)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (unsigned)((seed * 0x2545f4914f6cdd1dULL) >> 32) % limit;
}

static void check(int ok, const char *what)
{
    if (!ok) {
        fail_msg("session %u (seed %#llx + session) at %llu ms: %s", session, SEED,
                 (unsigned long long)clock_ms, what);
    }
}

static void check_answer(const struct timer *uas, const struct timer_headers *request,
                         const struct timer_headers *answered)
{
    if (answered->expires == 0) {
        check(answered->refresher == NONE && !answered->required, "a refresher of nothing");
        return;
    }
    check(answered->refresher != NONE, "no refresher");
    check(answered->expires >= 90, "less than 90");
    check(answered->expires >= request->min_se, "less than Min-SE");
    check(request->expires == 0 || answered->expires <= request->expires, "more than asked for");
    check(answered->refresher != UAC || (answered->required && request->supported),
          "the UAC is to refresh and does not know it");
    check(!answered->required || request->supported, "required of who does not know it");
    check(uas->ours == (answered->refresher == UAS), "not its own role");
}

/* 1: the exchange was completed */
static int exchange(int from, int initial)
{
    struct timer *uac = &side[from], *uas = &side[!from];
    struct timer_headers request, answered;
    unsigned tries;
    int code = 0;

    for (tries = 0; tries < 5; tries++) {
        timer_request(uac, initial, &request);
        check(request.min_se == 0 || request.expires >= request.min_se, "less than its Min-SE");
        if (lost) {
            return 0;
        }
        code = timer_check(uas, &request);
        if (code != 422) {
            break;
        }
        timer_too_small(uac, timer_least(uas, &request));
    }
    check(code != 422, "422 without end");
    if (code != 0) {
        check(code == (uas->mode == NO ? 420 : 421), "a wrong refusal");
        check(uas->mode == NO ? uac->mode == REQUIRED : uac->mode == NO, "a refusal without cause");
        return 0;
    }
    timer_answer(uas, &request, clock_ms, &answered);
    check_answer(uas, &request, &answered);
    clock_ms += below(200);
    timer_answered(uac, initial, &answered, clock_ms);
    last_exchange = clock_ms;
    if (uac->mode != NO && uas->mode != NO) {
        check(uac->interval == uas->interval, "two intervals");
        check(uac->interval == 0 || uac->ours != uas->ours, "none refreshes, or both do");
    }
    return 1;
}

/* The next thing that either side's timer asks for. 0: the session is over, or has no timer. */
static int next_turn(void)
{
    uint64_t next = UINT64_MAX, until;
    int i;

    for (i = 0; i < 2; i++) {
        switch (timer_step(&side[i], clock_ms, &until)) {
        case TIMER_EXPIRED:
            check(lost, "ended a session that works");
            check(clock_ms - last_exchange >= 60000 - 200, "ended too early");
            return 0;
        case TIMER_REFRESH:
            check(side[i].ours, "the other one is to refresh");
            check(clock_ms - last_exchange >= 45000 - 200, "refreshed too early");
            exchange(i, 0);
            return 1;
        case TIMER_WAIT:
            check(until > clock_ms, "a wait that is over");
            next = until < next ? until : next;
            break;
        case TIMER_NOTHING:
            break;
        }
    }
    if (next == UINT64_MAX) {
        return 0;
    }
    clock_ms = next;
    return 1;
}

static int is_quiet_until(uint64_t time)
{
    int i, quiet = 1;

    for (i = 0; i < 2; i++) {
        quiet &= side[i].interval == 0 ||
                 (time < side[i].expires_at && (!side[i].ours || time < side[i].refresh_at));
    }
    return quiet;
}

static void one_session(void)
{
    unsigned turns = below(40);
    int i;

    seed = SEED + session;
    for (i = 0; i < 8; i++) {
        below(2);
    }
    lost = 0;
    clock_ms = below(1000000);
    for (i = 0; i < 2; i++) {
        unsigned min_se = 90 + below(2) * below(2000);

        timer_init(&side[i], (enum ast_sip_timers)below(4), min_se,
                   min_se + below(2) * below(7200));
    }
    if (!exchange(0, 1)) {
        return;
    }
    for (; turns > 0; turns--) {
        if (below(4) == 0) { /* a change of the session for another reason, before a timer is due */
            uint64_t later = clock_ms + below(40000);

            if (is_quiet_until(later)) {
                clock_ms = later;
                exchange((int)below(2), 0);
            }
        } else if (!next_turn()) {
            break;
        }
    }
    lost = 1;
    for (turns = 0; turns < 100 && next_turn(); turns++) {
    }
    check(turns < 100, "a lost session that is never ended");
}

static void test_random_sessions(void **state)
{
    (void)state;
    for (session = 0; session < 10000; session++) {
        one_session();
    }
}

/* ---- text ---- */

static void test_session_expires(void **state)
{
    static const struct {
        const char *text;
        unsigned expires; /* 0: none */
        enum timer_refresher refresher;
    } rows[] = {
        {"1800", 1800, NONE},
        {" 1800 ", 1800, NONE},
        {"90;refresher=uac", 90, UAC},
        {"90 ; Refresher = UAS", 90, UAS},
        {"90;x;y=\"a;b\\\"c\";refresher=uas;z=1", 90, UAS},
        {"90;refresher=me", 90, NONE},
        {"90;refresher=uacuacuacuac", 90, NONE},
        {"90;refresher=\"uac\"", 90, NONE},
        {"90;refresherx=uac", 90, NONE},
        {"4294967295", 4294967295U, NONE},
        {"99999999999999999999999999", 4294967295U, NONE},
        {"0", 0, NONE},
        {"", 0, NONE},
        {"-5", 0, NONE},
        {"x", 0, NONE},
        {"90 x", 0, NONE},
        {"90x", 0, NONE},
        {"90;", 0, NONE},
        {"90;;refresher=uac", 0, NONE},
        {"90;refresher=", 0, NONE},
        {"90;a=\"b", 0, NONE},
        {"90;a=\"b\\", 0, NONE},
        {"90,100", 0, NONE},
        {"90;refresher=uac,100", 0, NONE},
    };
    enum timer_refresher refresher;
    unsigned i, expires;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expires = 7;
        refresher = NONE;
        assert_int_equal(timer_parse_expires(rows[i].text, &expires, &refresher),
                         rows[i].expires ? 0 : -1);
        assert_int_equal(expires, rows[i].expires ? rows[i].expires : 7);
        assert_int_equal(refresher, rows[i].refresher);
    }
}

static void test_min_se(void **state)
{
    unsigned min_se = 7;

    (void)state;
    assert_int_equal(timer_parse_min_se("", &min_se), -1);
    assert_int_equal(timer_parse_min_se("0", &min_se), -1);
    assert_int_equal(timer_parse_min_se("12 13", &min_se), -1);
    assert_int_equal(min_se, 7);
    assert_int_equal(timer_parse_min_se("120;x=y", &min_se), 0);
    assert_int_equal(min_se, 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_2),
        cmocka_unit_test(test_interval_of_the_answer),
        cmocka_unit_test(test_who_did_not_ask),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_proxys_interval_below_90_is_none),
        cmocka_unit_test(test_roles_stay),
        cmocka_unit_test(test_a_peer_that_forgot_timers),
        cmocka_unit_test(test_the_first_request),
        cmocka_unit_test(test_answers_to_it),
        cmocka_unit_test(test_422_to_ours),
        cmocka_unit_test(test_min_se_of_the_peers_request_is_kept),
        cmocka_unit_test(test_a_timer_can_be_turned_off),
        cmocka_unit_test(test_time_of_the_refresher),
        cmocka_unit_test(test_time_of_the_other),
        cmocka_unit_test(test_the_largest_interval),
        cmocka_unit_test(test_random_sessions),
        cmocka_unit_test(test_session_expires),
        cmocka_unit_test(test_min_se),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
