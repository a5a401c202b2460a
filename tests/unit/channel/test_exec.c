/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The executor: which step comes next, and what a hang-up does at every moment. */
#include "fake.h"

#include <stdio.h>
#include <string.h>

static int tear_down(void **state)
{
    (void)state;
    fake_answer_fails = 0;
    fake_on_answer = NULL;
    fake_push_fails = 0;
    fake_clean();
    return 0;
}

/* Starts a call; the caller owns a reference. */
static struct ast_channel *call(const char *dialplan, const char *exten)
{
    struct ast_channel *channel;

    fake_dialplan(dialplan);
    channel = fake_channel("demo", exten);
    assert_int_equal(ast_pbx_start(channel), 0);
    return channel;
}

static void assert_over(struct ast_channel *channel)
{
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_GONE);
    assert_null(channel->exec.pbx);
    assert_int_equal(channel->refs, 1);
    ast_channel_unref(channel);
}

static void test_steps(void **state)
{
    struct ast_channel *channel = call(
        "[demo]\n100,1,Note(one)\n100,2,Note(${EXTEN}:${PRIORITY})\n100,3,Hangup(17)\n100,4,Note(never)\n",
        "100");

    (void)state;
    assert_notes("one 100:2 hangup:17");
    assert_over(channel);
}

static void test_end(void **state)
{
    struct ast_channel *channel =
        call("[demo]\n100,1,Note(one)\n100,3,Note(three)\nh,1,Note(h:${EXTEN})\n", "100");

    (void)state;
    assert_notes("one hangup:16 h:h");
    assert_over(channel);
}

static void test_no_extension(void **state)
{
    struct ast_channel *channel;

    (void)state;
    channel = fake_channel("demo", "100");
    assert_int_equal(ast_pbx_start(channel), -1); /* no dialplan at all */
    fake_dialplan("[demo]\n100,2,Note(two)\n101,1,Note(one)\n");
    assert_int_equal(ast_pbx_start(channel), -1);
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_RING);
    assert_int_equal(channel->refs, 1);
    ast_channel_unref(channel);
}

static void test_start_twice(void **state)
{
    struct ast_channel *channel = call("[demo]\n100,1,Hold(x)\n", "100");

    (void)state;
    assert_int_equal(ast_pbx_start(channel), -1);
    ast_channel_hangup(channel, 0);
    assert_int_equal(ast_pbx_start(channel), -1);
    assert_notes("x stop hangup:16");
    assert_over(channel);
}

static void test_running(void **state)
{
    struct ast_channel *channel =
        call("[demo]\n100,1,Hold(a)\n100,2,Hold(b)\n100,3,Note(c)\n", "100");

    (void)state;
    assert_notes("a");
    assert_string_equal(chan_application_name(channel), "Hold");
    ast_application_done(channel, AST_APPLICATION_RUNNING); /* nothing new */
    assert_notes("");
    ast_application_done(channel, AST_APPLICATION_DONE);
    assert_notes("stop b");
    ast_application_done(channel, AST_APPLICATION_DONE);
    assert_notes("stop c hangup:16");
    ast_application_done(channel, AST_APPLICATION_DONE); /* nobody runs */
    assert_over(channel);
}

static void test_hangup_while_running(void **state)
{
    struct ast_channel *channel =
        call("[demo]\n100,1,Hold(a)\nh,1,Note(h${HANGUPCAUSE})\nh,2,Note(h2)\n", "100");

    (void)state;
    ast_channel_peer_hangup(channel, AST_CAUSE_USER_BUSY);
    assert_notes("a stop h17 h2");
    assert_over(channel);
}

static void test_our_hangup_while_running(void **state)
{
    struct ast_channel *channel = call("[demo]\n100,1,Hold(a)\nh,1,Note(h)\n", "100");

    (void)state;
    ast_channel_hangup(channel, AST_CAUSE_CALL_REJECTED);
    assert_notes("a stop hangup:21 h");
    assert_over(channel);
}

static void gone(struct ast_channel *channel)
{
    ast_channel_peer_hangup(channel, AST_CAUSE_NO_USER_RESPONSE);
}

/* The peer goes within a step: h runs after it, once. */
static void test_hangup_within_a_step(void **state)
{
    struct ast_channel *channel;

    (void)state;
    fake_on_answer = gone;
    channel = call("[demo]\n100,1,Answer()\n100,2,Note(never)\nh,1,Note(h)\n", "100");
    assert_notes("answer h");
    assert_over(channel);
}

static enum ast_application_result start_gone(struct ast_channel *channel, const char *args)
{
    (void)args;
    ast_channel_hangup(channel, 0);
    fake_note("after");
    return AST_APPLICATION_RUNNING;
}

static void stop_note(struct ast_channel *channel)
{
    (void)channel;
    fake_note("stopped");
}

/* It says RUNNING on a channel that has gone meanwhile: it is stopped, but not within its own
 * start. */
static void test_running_on_a_gone_channel(void **state)
{
    static const struct ast_application app = {.name = "GoneApp",
                                               .start = start_gone,
                                               .stop = stop_note};
    struct ast_channel *channel;

    (void)state;
    assert_int_equal(ast_register_application(&app), 0);
    channel = call("[demo]\n100,1,GoneApp()\nh,1,Note(h)\n", "100");
    assert_notes("hangup:16 after stopped h");
    assert_over(channel);
    ast_unregister_application(&app);
}

static enum ast_application_result start_early(struct ast_channel *channel, const char *args)
{
    ast_application_done(channel, AST_APPLICATION_DONE);
    fake_note("early%s", args);
    return AST_APPLICATION_RUNNING;
}

static void test_done_within_start(void **state)
{
    static const struct ast_application app = {.name = "Early",
                                               .start = start_early,
                                               .stop = stop_note};
    struct ast_channel *channel;

    (void)state;
    assert_int_equal(ast_register_application(&app), 0);
    channel = call("[demo]\n100,1,Early(1)\n100,2,Note(two)\n", "100");
    assert_notes("early1 stopped two hangup:16");
    assert_over(channel);
    ast_unregister_application(&app);
}

static void stop_and_hang_up(struct ast_channel *channel)
{
    fake_note("stopped");
    ast_application_done(channel, AST_APPLICATION_DONE); /* of no effect */
    ast_channel_hangup(channel, AST_CAUSE_CONGESTION);
}

/* A stop that hangs up, on the way out of every kind. */
static void test_hangup_within_stop(void **state)
{
    static const struct ast_application app = {.name = "Bad",
                                               .start = NULL,
                                               .stop = stop_and_hang_up};
    struct ast_application bad = app;
    struct ast_channel *channel;

    (void)state;
    bad.start = fake_app_hold.start;
    assert_int_equal(ast_register_application(&bad), 0);
    channel = call("[demo]\n100,1,Bad(x)\n100,2,Note(never)\nh,1,Note(h)\n", "100");
    ast_application_done(channel, AST_APPLICATION_DONE);
    assert_notes("x stopped hangup:42 h");
    assert_over(channel);
    channel = call("[demo]\n100,1,Bad(x)\nh,1,Hold(h)\nh,2,Note(h2)\n", "100");
    ast_channel_peer_hangup(channel, AST_CAUSE_USER_BUSY);
    assert_notes("x stopped hangup:42 h");
    ast_application_done(channel, AST_APPLICATION_DONE);
    assert_notes("stop h2");
    assert_over(channel);
    ast_unregister_application(&bad);
}

/* h may wait; nothing but its own end is waited for. */
static void test_h_runs(void **state)
{
    struct ast_channel *channel =
        call("[demo]\n100,1,Hangup()\nh,1,Hold(h)\nh,2,Note(h2)\n", "100");

    (void)state;
    assert_notes("hangup:16 h");
    ast_channel_hangup(channel, 0);
    assert_notes("");
    ast_application_done(channel, AST_APPLICATION_DONE);
    assert_notes("stop h2");
    assert_over(channel);
}

/* Patterns do not catch h. */
static void test_h_is_exact(void **state)
{
    struct ast_channel *channel =
        call("[demo]\n_.,1,Note(${EXTEN})\n>more\n[more]\nh,1,Goto(last,1)\n_l.,1,Note(last)\n",
             "s");

    (void)state;
    assert_notes("s hangup:16 last");
    assert_over(channel);
}

static void test_goto(void **state)
{
    struct ast_channel *channel =
        call("[demo]\n100,1,Goto(3)\n100,2,Note(never)\n100,3,Goto(there)\n100,9(there),Goto(200,"
             "two)\n200,1,Note(never)\n200,2(two),Note(200)\n200,3,Goto(other,300,1)\n"
             "[other]\n_3XX,1,Note(${CONTEXT})\n_3XX,2,Goto(+2)\n_3XX,3,Note(never)\n"
             "_3XX,4,Goto(-3)\n[x]\n1,1,Note(x)\n",
             "100");

    (void)state;
    /* +2 goes to 4, -3 to 1: for ever, so a task goes on, and the cap ends it */
    assert_int_equal(strncmp(fake_notes, "200 other other", 15), 0);
    assert_string_equal(ast_channel_get_context(channel), "other");
    fake_notes[0] = '\0';
    ast_channel_hangup(channel, 0);
    assert_notes("hangup:16");
    assert_int_equal(fake_run_tasks(), 1); /* of no effect any more */
    assert_notes("");
    assert_over(channel);
}

static void test_goto_wrong(void **state)
{
    struct ast_channel *channel;

    (void)state;
    channel = call("[demo]\n100,1,Goto(nolabel)\n100,2,Note(never)\n", "100");
    assert_notes("hangup:16");
    assert_over(channel);
    channel = call("[demo]\n100,1,Goto(200,1)\ni,1,Note(i:${INVALID_EXTEN})\n", "100");
    assert_notes("i:200 hangup:16");
    assert_over(channel);
    channel = call("[demo]\n100,1,Goto(200,1)\n", "100");
    assert_notes("hangup:16");
    assert_over(channel);
    channel = call("[demo]\n100,1,Goto(nowhere,100,1)\ni,1,Note(i)\n", "100");
    assert_notes("hangup:16");
    assert_over(channel);
    channel = call("[demo]\n100,1,Goto(100,7)\ni,1,Note(i)\n",
                   "100"); /* the extension is there: it is through */
    assert_notes("hangup:16");
    assert_over(channel);
    channel = call("[demo]\n100,1,Goto(200,nolabel)\ni,1,Note(i)\n", "100");
    assert_notes("hangup:16");
    assert_over(channel);
    channel = call("[demo]\n100,1,Goto()\n", "100");
    assert_notes("hangup:16");
    assert_over(channel);
    channel = call("[demo]\n100,1,Goto(0)\n", "100");
    assert_notes("hangup:16");
    assert_over(channel);
    channel = call("[demo]\n100,1,Goto(99999999999)\n", "100");
    assert_notes("hangup:16");
    assert_over(channel);
    /* i itself has no end of its own */
    channel = call("[demo]\n100,1,Goto(200,1)\ni,1,Note(i)\ni,2,Goto(300,1)\n", "100");
    fake_notes[1] = '\0';
    assert_notes("i");
    ast_channel_hangup(channel, 0);
    fake_run_tasks();
    fake_notes[0] = '\0';
    assert_over(channel);
}

/* A name too long for a channel is not cut into another one. */
static void test_goto_too_long(void **state)
{
    char plan[512] = "[demo]\n100,1,Goto(", name[CHAN_NAME_SIZE + 1];
    struct ast_channel *channel;

    (void)state;
    memset(name, '1', sizeof(name));
    name[CHAN_NAME_SIZE] = '\0';
    strcat(plan, name);
    strcat(plan, ",1)\n_1.,1,Note(never)\n");
    channel = call(plan, "100");
    assert_notes("hangup:16");
    assert_over(channel);
}

static void test_api_goto(void **state)
{
    struct ast_channel *channel = fake_channel("demo", "100");

    (void)state;
    fake_dialplan("[demo]\n100,1,Hold(a)\n200,1,Note(two)\n200,2(l),Note(label)\n");
    assert_int_equal(ast_pbx_goto(channel, NULL, "200", NULL), -1); /* it runs no dialplan */
    assert_int_equal(ast_pbx_start(channel), 0);
    assert_int_equal(ast_pbx_goto(channel, NULL, "300", NULL), -1);
    assert_int_equal(ast_pbx_goto(channel, NULL, "200", "3"), -1);
    assert_int_equal(ast_pbx_goto(channel, "x", "200", NULL), -1);
    assert_string_equal(ast_channel_get_exten(channel), "100");
    assert_int_equal(ast_pbx_goto(channel, NULL, "200", "l"), 0);
    ast_application_done(channel, AST_APPLICATION_JUMP);
    assert_notes("a stop label hangup:16");
    assert_over(channel);
}

static void test_jump_without_goto(void **state)
{
    struct ast_channel *channel = call("[demo]\n100,1,Hold(a)\n100,2,Note(never)\n", "100");

    (void)state;
    ast_application_done(channel, AST_APPLICATION_JUMP);
    assert_notes("a stop hangup:16");
    assert_over(channel);
}

static void test_unknown_application(void **state)
{
    struct ast_channel *channel =
        call("[demo]\n100,1,NoSuchThing(a)\n100,2,Note(never)\nh,1,Note(h)\n", "100");

    (void)state;
    assert_notes("hangup:16 h");
    assert_over(channel);
}

/* A dialplan in circles leaves the thread to others, and is ended at last. */
static void test_circles(void **state)
{
    struct ast_channel *channel =
        call("[demo]\n100,1,Set(N=$[${N} + 1])\n100,2,Goto(1)\nh,1,Note(h)\n", "100");
    unsigned turns = 0;

    (void)state;
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_RING);
    while (fake_run_tasks() == 1) {
        ++turns;
    }
    assert_in_range(turns, 100, 1000);
    assert_notes("hangup:16 h");
    assert_over(channel);
}

/* What waits in between may go on for ever. */
static void test_circles_with_waits(void **state)
{
    struct ast_channel *channel = call("[demo]\n100,1,Wait(0.01)\n100,2,Goto(1)\n", "100");

    (void)state;
    for (int i = 0; i < 30000; ++i) {
        fake_pass(10);
    }
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_RING);
    ast_channel_hangup(channel, 0);
    assert_notes("hangup:16");
    assert_over(channel);
}

/* Without tasks (the server ends) it goes on as far as it may. */
static void test_circles_without_tasks(void **state)
{
    struct ast_channel *channel;

    (void)state;
    fake_push_fails = 1;
    channel = call("[demo]\n100,1,Goto(1)\n", "100");
    assert_notes("hangup:16");
    assert_over(channel);
}

/* h in circles ends too. */
static void test_circles_in_h(void **state)
{
    struct ast_channel *channel = call("[demo]\n100,1,NoOp()\nh,1,Goto(1)\n", "100");

    (void)state;
    while (fake_run_tasks() == 1) {
    }
    assert_notes("hangup:16");
    assert_over(channel);
}

static enum ast_application_result on_digit(struct ast_channel *channel, char digit)
{
    fake_note("%c", digit);
    switch (digit) {
    case '1':
        return AST_APPLICATION_DONE;
    case '2':
        ast_application_done(channel, AST_APPLICATION_DONE); /* over already when it returns */
        return AST_APPLICATION_HANGUP;
    case '3':
        ast_channel_hangup(channel, 0);
        return AST_APPLICATION_DONE;
    case '4':
        ast_pbx_goto(channel, NULL, "200", NULL);
        return AST_APPLICATION_JUMP;
    default:
        return AST_APPLICATION_RUNNING;
    }
}

static void test_dtmf(void **state)
{
    struct ast_application app = {.name = "Digits", .dtmf = on_digit};
    const char *plan =
        "[demo]\n100,1,Digits(a)\n100,2,Digits(b)\n100,3,Hold(c)\n200,1,Note(200)\nh,1,Note(h)\n";
    struct ast_channel *channel;

    (void)state;
    app.start = fake_app_hold.start;
    app.stop = fake_app_hold.stop;
    assert_int_equal(ast_register_application(&app), 0);
    channel = call(plan, "100");
    ast_channel_dtmf(channel, '0', 100);
    ast_channel_dtmf(channel, 'x', 100);
    ast_channel_dtmf(channel, '\0', 100);
    assert_notes("a 0");
    ast_channel_dtmf(channel, '1', 100);
    assert_notes("1 stop b");
    ast_channel_dtmf(channel, '2', 100); /* the next run is not ended by what this one returns */
    assert_notes("2 stop c");
    ast_channel_dtmf(channel, '1', 100);
    assert_notes("");
    ast_channel_hangup(channel, 0);
    assert_notes("stop hangup:16 h");
    ast_channel_dtmf(channel, '1', 100);
    assert_over(channel);
    channel = call(plan, "100");
    ast_channel_dtmf(channel, '3', 100);
    assert_notes("a 3 stop hangup:16 h");
    assert_over(channel);
    channel = call(plan, "100");
    ast_channel_dtmf(channel, '4', 100);
    assert_notes("a 4 stop 200 hangup:16 h");
    assert_over(channel);
    ast_unregister_application(&app);
}

static void test_unregister(void **state)
{
    struct ast_application app = fake_app_hold;
    struct ast_channel *one, *two;

    (void)state;
    app.name = "Leaves";
    assert_int_equal(ast_register_application(&app), 0);
    one = call(
        "[demo]\n100,1,Leaves(a)\n100,2,Note(never)\n200,1,Hangup()\nh,1,Leaves(h)\nh,2,Note(never)\n",
        "100");
    two = fake_channel("demo", "200");
    assert_int_equal(ast_pbx_start(two), 0);
    assert_notes("a hangup:16 h");
    ast_unregister_application(&app);
    assert_notes("stop hangup:31 stop");
    assert_over(one);
    assert_over(two);
}

/* A call goes on with the dialplan that it began with. */
static void test_reload(void **state)
{
    struct ast_channel *channel = call("[demo]\n100,1,Hold(a)\n100,2,Note(old)\n", "100");

    (void)state;
    fake_dialplan("[demo]\n100,1,Note(new)\n");
    ast_application_done(channel, AST_APPLICATION_DONE);
    assert_notes("a stop old hangup:16");
    assert_over(channel);
    channel = call("[demo]\n100,1,Note(new)\n", "100");
    assert_notes("new hangup:16");
    assert_over(channel);
}

/* The caller lets go at once: the dialplan's own reference holds the channel. */
static void test_reference(void **state)
{
    struct ast_channel *channel = call("[demo]\n100,1,Wait(1)\n100,2,Note(two)\n", "100");

    (void)state;
    ast_channel_unref(channel);
    assert_int_equal(chan_count(), 1);
    fake_pass(1000);
    assert_notes("two hangup:16");
    assert_int_equal(chan_count(), 0);
}

static void test_caller_quirk(void **state)
{
    struct ast_channel *channel =
        call("[demo]\n100,1,Note(1)\n_1XX,2,Note(2)\n100,3,Note(3)\n100/999,1,Note(never)\n",
             "100");

    (void)state;
    assert_notes("1 2 3 hangup:16");
    assert_over(channel);
}

/* ---- elsewhere, from outside ---- */

static void test_async_goto(void **state)
{
    struct ast_channel *channel;

    (void)state;
    fake_dialplan("[demo]\n100,1,Hold(a)\n100,2,Note(never)\n200,1,Note(b)\n200,2(here),Hold(c)\n"
                  "h,1,Hold(h)\n[more]\n300,1,Hold(d)\n");
    channel = fake_channel("demo", "100");
    assert_int_equal(ast_pbx_async_goto(channel, NULL, "200", NULL), -1); /* no dialplan runs */
    assert_int_equal(ast_pbx_start(channel), 0);
    assert_notes("a");
    assert_int_equal(ast_pbx_async_goto(channel, NULL, "400", NULL), -1);
    assert_int_equal(ast_pbx_async_goto(channel, "none", "100", NULL), -1);
    assert_notes("");
    assert_int_equal(ast_pbx_async_goto(channel, NULL, "200", NULL), 0);
    assert_notes("stop b c");
    assert_int_equal(ast_pbx_async_goto(channel, "more", "300", "1"), 0);
    assert_notes("stop d");
    assert_string_equal(ast_channel_get_context(channel), "more");
    assert_int_equal(ast_pbx_async_goto(channel, "demo", "200", "here"), 0);
    assert_notes("stop c");
    ast_channel_hangup(channel, 0);
    fake_notes[0] = '\0';
    assert_int_equal(ast_pbx_async_goto(channel, "demo", "100", NULL), -1); /* h runs */
    ast_application_done(channel, AST_APPLICATION_DONE);
    fake_notes[0] = '\0';
    ast_channel_unref(channel);
}

/* Between two turns of a long dialplan nothing is RUNNING. */
static void test_async_goto_between_turns(void **state)
{
    struct ast_channel *channel;

    (void)state;
    fake_dialplan("[demo]\n100,1,NoOp()\n100,2,Goto(1)\n200,1,Hold(b)\n");
    channel = fake_channel("demo", "100");
    assert_int_equal(ast_pbx_start(channel), 0);
    assert_int_equal(ast_pbx_async_goto(channel, NULL, "200", NULL), 0);
    assert_notes("");
    fake_run_tasks();
    assert_notes("b");
    ast_channel_hangup(channel, 0);
    fake_notes[0] = '\0';
    ast_channel_unref(channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_async_goto, tear_down),
        cmocka_unit_test_teardown(test_async_goto_between_turns, tear_down),
        cmocka_unit_test_teardown(test_steps, tear_down),
        cmocka_unit_test_teardown(test_end, tear_down),
        cmocka_unit_test_teardown(test_no_extension, tear_down),
        cmocka_unit_test_teardown(test_start_twice, tear_down),
        cmocka_unit_test_teardown(test_running, tear_down),
        cmocka_unit_test_teardown(test_hangup_while_running, tear_down),
        cmocka_unit_test_teardown(test_our_hangup_while_running, tear_down),
        cmocka_unit_test_teardown(test_hangup_within_a_step, tear_down),
        cmocka_unit_test_teardown(test_running_on_a_gone_channel, tear_down),
        cmocka_unit_test_teardown(test_done_within_start, tear_down),
        cmocka_unit_test_teardown(test_hangup_within_stop, tear_down),
        cmocka_unit_test_teardown(test_h_runs, tear_down),
        cmocka_unit_test_teardown(test_h_is_exact, tear_down),
        cmocka_unit_test_teardown(test_goto, tear_down),
        cmocka_unit_test_teardown(test_goto_wrong, tear_down),
        cmocka_unit_test_teardown(test_goto_too_long, tear_down),
        cmocka_unit_test_teardown(test_api_goto, tear_down),
        cmocka_unit_test_teardown(test_jump_without_goto, tear_down),
        cmocka_unit_test_teardown(test_unknown_application, tear_down),
        cmocka_unit_test_teardown(test_circles, tear_down),
        cmocka_unit_test_teardown(test_circles_with_waits, tear_down),
        cmocka_unit_test_teardown(test_circles_without_tasks, tear_down),
        cmocka_unit_test_teardown(test_circles_in_h, tear_down),
        cmocka_unit_test_teardown(test_dtmf, tear_down),
        cmocka_unit_test_teardown(test_unregister, tear_down),
        cmocka_unit_test_teardown(test_reload, tear_down),
        cmocka_unit_test_teardown(test_reference, tear_down),
        cmocka_unit_test_teardown(test_caller_quirk, tear_down),
    };

    ast_log_set_level(AST_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
