/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each application, on a driver that takes notes, under simulated time. */
#include "fake.h"

#include <stdio.h>
#include <string.h>

static struct fake_rtp rtp;

static int set_up(void **state)
{
    (void)state;
    memset(&rtp, 0, sizeof(rtp));
    fake_missing_file = NULL;
    assert_int_equal(chan_set_sounds("/s"), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_answer_fails = 0;
    fake_push_fails = 0;
    chan_set_sounds(NULL);
    fake_clean();
    return 0;
}

/* Runs one line, then Note(next); the channel has no audio yet. */
static struct ast_channel *run(const char *line)
{
    char plan[512];
    struct ast_channel *channel = fake_channel("demo", "100");

    snprintf(
        plan, sizeof(plan),
        "[demo]\n100,1,%s\n100,2,Note(next)\n100,3,Hold(-)\n200,1,Note(200)\n200,2(l),Note(l)\n",
        line);
    fake_dialplan(plan);
    assert_int_equal(ast_pbx_start(channel), 0);
    return channel;
}

static void end(struct ast_channel *channel)
{
    ast_channel_hangup(channel, 0);
    assert_null(channel->exec.pbx);
    assert_int_equal(channel->refs, 1);
    ast_channel_unref(channel);
    fake_run_blocking();
    fake_rtp_release(&rtp);
    fake_notes[0] = '\0';
}

/* What a line notes at once. */
static void assert_line(const char *line, const char *expected)
{
    struct ast_channel *channel = run(line);

    if (strcmp(fake_notes, expected) != 0) {
        fail_msg("%s: %s", line, fake_notes);
    }
    end(channel);
}

static void test_answer(void **state)
{
    struct ast_channel *channel;

    (void)state;
    assert_line("Answer()", "answer next -");
    assert_line("Answer(0)", "answer next -");
    channel = run("Answer(500)");
    assert_notes("answer");
    fake_pass(499);
    assert_notes("");
    fake_pass(1);
    assert_notes("next -");
    end(channel);
    channel = run("Answer(500)");
    end(channel); /* the timer goes with it */
    fake_answer_fails = 1;
    assert_line("Answer()", "answer hangup:16");
}

static void test_ends(void **state)
{
    (void)state;
    assert_line("Hangup()", "hangup:16");
    assert_line("Hangup(17)", "hangup:17");
    assert_line("Hangup(CALL_REJECTED)", "hangup:21");
    assert_line("Hangup( 17 )", "hangup:17");
    assert_line("Hangup(999)", "hangup:16");
    assert_line("Busy()", "hangup:17");
    assert_line("Busy(10)", "hangup:17");
    assert_line("Congestion()", "hangup:42");
}

static void test_indications(void **state)
{
    (void)state;
    assert_line("Ringing()", "ringing next -");
    assert_line("Progress()", "progress next -");
    assert_line("Proceeding()", "proceeding next -");
}

static void test_wait(void **state)
{
    struct ast_channel *channel = run("Wait(1.5)");

    (void)state;
    fake_pass(1499);
    assert_notes("");
    fake_pass(1);
    assert_notes("next -");
    end(channel);
    assert_line("Wait(0)", "next -");
    assert_line("Wait()", "next -");
    assert_line("Wait(x)", "next -");
    channel = run("Wait(3600)");
    ast_channel_peer_hangup(channel, 0);
    assert_int_equal(fake_timers(), 0);
    end(channel);
}

/* ---- digits and texts beside the audio ---- */

static int sender_result;

static int send_digit(struct ast_channel *channel, char digit, unsigned duration_ms)
{
    (void)channel;
    fake_note("digit:%c/%u", digit, duration_ms);
    return sender_result;
}

static struct ast_channel_sender sender = {.name = "test", .digit = send_digit};

static void test_senddtmf(void **state)
{
    struct ast_channel *channel = run("SendDTMF(1aw-#,100,80)");

    (void)state;
    ast_channel_set_rtp(channel, FAKE_RTP(&rtp));
    fake_pass(0);
    assert_notes("rtp:1/80");
    fake_pass(179);
    assert_notes("");
    fake_pass(1);
    assert_notes("rtp:A/80");
    fake_pass(180 + 499);
    assert_notes("");
    fake_pass(1);
    assert_notes("rtp:#/80");
    fake_pass(180);
    assert_notes("next -");
    ast_channel_set_rtp(channel, NULL);
    end(channel);

    channel = run("SendDTMF(12)"); /* no audio, no other way */
    fake_pass(0);
    assert_notes("next -");
    end(channel);

    assert_int_equal(ast_channel_register_sender(&sender), 0);
    assert_int_equal(ast_channel_register_sender(&sender), -1);
    channel = run("SendDTMF(12)");
    fake_pass(0);
    assert_notes("digit:1/100");
    fake_pass(350);
    assert_notes("digit:2/100");
    ast_channel_peer_hangup(channel, 0);
    assert_int_equal(fake_timers(), 0);
    end(channel);

    sender_result = 1; /* not its channel */
    channel = run("SendDTMF(3)");
    ast_channel_set_rtp(channel, FAKE_RTP(&rtp));
    fake_pass(0);
    assert_notes("digit:3/100 rtp:3/100");
    sender_result = -1;
    assert_int_equal(ast_channel_send_digit(channel, '4', 100), -1);
    assert_int_equal(ast_channel_send_digit(channel, 'x', 100), -1);
    assert_notes("digit:4/100");
    ast_channel_unregister_sender(&sender);
    ast_channel_unregister_sender(&sender);
    ast_channel_set_rtp(channel, NULL);
    end(channel);
    sender_result = 0;

    assert_line("SendDTMF()", "next -");
    assert_line("SendDTMF(1,x)", "next -");
    assert_line("SendDTMF(1,,10)", "next -");
}

static int send_text(struct ast_channel *channel, const char *text)
{
    (void)channel;
    fake_note("text:%s", text);
    return sender_result;
}

static struct ast_channel_sender texts = {.name = "texts", .text = send_text};

static void assert_variable(struct ast_channel *channel, const char *name, const char *value)
{
    const char *has = ast_channel_get_variable(channel, name);

    assert_string_equal(has != NULL ? has : "", value);
}

static void test_sendtext(void **state)
{
    struct ast_channel *channel = run("SendText(a)"); /* nobody sends texts */

    (void)state;
    assert_notes("next -");
    assert_variable(channel, "SENDTEXTSTATUS", "UNSUPPORTED");
    ast_channel_text_sent(channel, 0); /* nobody waits for it */
    end(channel);

    assert_int_equal(ast_channel_register_sender(&texts), 0);
    channel = run("SendText(\"hello, you\")");
    assert_notes("text:hello, you");
    ast_channel_text_sent(channel, 0);
    assert_notes("next -");
    assert_variable(channel, "SENDTEXTSTATUS", "SUCCESS");
    end(channel);

    channel = run("SendText(b)");
    fake_notes[0] = '\0';
    ast_channel_text_sent(channel, -1);
    assert_variable(channel, "SENDTEXTSTATUS", "FAILURE");
    assert_int_equal(fake_timers(), 0);
    end(channel);

    channel = run("SendText(c)"); /* never answered */
    fake_notes[0] = '\0';
    fake_pass(39999);
    assert_notes("");
    fake_pass(1);
    assert_notes("next -");
    assert_variable(channel, "SENDTEXTSTATUS", "FAILURE");
    end(channel);

    sender_result = -1;
    channel = run("SendText(d)");
    assert_notes("text:d next -");
    assert_variable(channel, "SENDTEXTSTATUS", "FAILURE");
    end(channel);
    sender_result = 0;

    channel = run("SendText(e)");
    fake_notes[0] = '\0';
    ast_channel_peer_hangup(channel, 0);
    assert_int_equal(fake_timers(), 0);
    end(channel);
    ast_channel_unregister_sender(&texts);
}

static void test_receivetext(void **state)
{
    struct ast_channel *channel = run("ReceiveText(2)");

    (void)state;
    ast_channel_dtmf(channel, '1', 100); /* not what it waits for */
    assert_notes("");
    ast_channel_text(channel, "hello ${X}");
    assert_notes("next -");
    assert_variable(channel, "RECEIVETEXTSTATUS", "SUCCESS");
    assert_variable(channel, "RECEIVETEXTMESSAGE", "hello ${X}");
    ast_channel_text(channel, "more"); /* nobody waits; it is there all the same */
    assert_variable(channel, "RECEIVETEXTMESSAGE", "more");
    assert_int_equal(fake_timers(), 0);
    end(channel);

    channel = run("ReceiveText(2)");
    fake_pass(2000);
    assert_notes("next -");
    assert_variable(channel, "RECEIVETEXTSTATUS", "FAILURE");
    end(channel);

    channel = run("ReceiveText()");
    assert_int_equal(fake_timers(), 0);
    fake_pass(3600000);
    assert_notes("");
    ast_channel_text(channel, "at last");
    assert_notes("next -");
    end(channel);
    assert_line("ReceiveText(x)", "next -");
}

static void test_set(void **state)
{
    struct ast_channel *channel;

    (void)state;
    assert_line("Set(A=1)", "next -");
    channel = run("Set( A = b, \"c\" = d)");
    assert_string_equal(ast_channel_get_variable(channel, "A"), " b, \"c\" = d");
    end(channel);
    channel = run("Set(CALLERID(num)=555)");
    assert_string_equal(ast_channel_get_caller(channel)->number, "555");
    end(channel);
    channel = run("Set(A=)");
    assert_string_equal(ast_channel_get_variable(channel, "A"), "");
    end(channel);
    assert_line("Set(A)", "next -");
    assert_line("Set()", "next -");
    assert_line("Set( =1)", "next -");
}

static void test_logs(void **state)
{
    (void)state;
    assert_line("NoOp(anything, at (all)", "next -");
    assert_line("Verbose(1,text, more)", "next -");
    assert_line("Verbose(text)", "next -");
    assert_line("Verbose()", "next -");
    assert_line("Verbose(3)", "next -");
    assert_line("Verbose(%s%n)", "next -");
}

static void test_goto(void **state)
{
    (void)state;
    assert_line("Goto(2)", "next -");
    assert_line("Goto(200,1)", "200 l hangup:16");
    assert_line("Goto(demo, 200, l)", "l hangup:16");
    assert_line("Goto(200,x)", "hangup:16");
}

static void test_gotoif(void **state)
{
    (void)state;
    assert_line("GotoIf(1?200,1:200,l)", "200 l hangup:16");
    assert_line("GotoIf(0?200,1:200,l)", "l hangup:16");
    assert_line("GotoIf(0?200,1)", "next -");
    assert_line("GotoIf(1?:200,1)", "next -");
    assert_line("GotoIf(0?200,1: )", "next -");
    assert_line("GotoIf(?200,1)", "next -");
    assert_line("GotoIf(yes?200,l)", "l hangup:16");
    assert_line("GotoIf($[${EXTEN} = 100]?200,l)", "l hangup:16");
    assert_line("GotoIf($[\"${CALLERID(name)}\" = \"Alice\" & ${LEN(${EXTEN})} = 3]?200,l)",
                "l hangup:16");
    assert_line("GotoIf(nothing)", "next -");
    assert_line("GotoIf(1?200,nolabel)", "hangup:16");
}

static void test_echo(void **state)
{
    struct ast_channel *channel = run("Echo()");

    (void)state;
    ast_channel_set_rtp(channel, FAKE_RTP(&rtp)); /* the audio comes later */
    assert_int_equal(rtp.mode, 'e');
    ast_channel_set_rtp(channel, NULL);
    rtp.mode = 0;
    ast_channel_set_rtp(channel, FAKE_RTP(&rtp));
    assert_int_equal(rtp.mode, 'e');
    ast_channel_dtmf(channel, '1', 100);
    assert_notes("");
    ast_channel_dtmf(channel, '#', 100);
    assert_notes("next -");
    assert_int_equal(rtp.mode, 'i');
    end(channel);
    channel = fake_channel("demo", "100");
    ast_channel_set_rtp(channel, FAKE_RTP(&rtp));
    assert_ptr_equal(ast_channel_get_rtp(channel), &rtp);
    assert_int_equal(ast_pbx_start(channel), 0);
    assert_int_equal(rtp.mode, 'e');
    ast_channel_peer_hangup(channel, 0);
    assert_int_equal(rtp.mode, 'i');
    end(channel);
}

/* ---- Playback ---- */

static struct ast_channel *play(const char *line)
{
    struct ast_channel *channel;
    char plan[512];

    snprintf(plan, sizeof(plan), "[demo]\n100,1,%s\n100,2,Note(${PLAYBACKSTATUS})\n100,3,Hold(-)\n",
             line);
    fake_dialplan(plan);
    channel = fake_channel("demo", "100");
    ast_channel_set_rtp(channel, FAKE_RTP(&rtp));
    assert_int_equal(ast_pbx_start(channel), 0);
    return channel;
}

static void test_playback(void **state)
{
    struct ast_channel *channel = play("Playback( one & two )");

    (void)state;
    assert_notes("answer");
    assert_int_equal(fake_run_blocking(), 1);
    assert_notes("load:/s/one.wav");
    assert_int_equal(rtp.mode, 'a');
    fake_rtp_finish(&rtp);
    assert_int_equal(fake_run_blocking(), 1);
    assert_notes("load:/s/two.wav");
    fake_rtp_finish(&rtp);
    assert_notes("SUCCESS -");
    assert_int_equal(rtp.mode, 'i');
    assert_int_equal(fake_wavs, 0);
    end(channel);
}

static void test_playback_options(void **state)
{
    struct ast_channel *channel = play("Playback(one,noanswer)");

    (void)state;
    assert_notes("progress");
    fake_run_blocking();
    assert_notes("load:/s/one.wav");
    fake_rtp_finish(&rtp);
    assert_notes("SUCCESS -");
    end(channel);
    channel = play("Playback(one,skip)");
    assert_notes("SUCCESS -");
    end(channel);
    channel = play("Playback(one,what)");
    assert_notes("answer");
    end(channel);
    channel = play("Playback(one,skip,noanswer)");
    assert_notes("SUCCESS -");
    end(channel);
}

static void test_playback_fails(void **state)
{
    struct ast_channel *channel;

    (void)state;
    fake_missing_file = "/s/one.wav";
    channel = play("Playback(one)");
    fake_run_blocking();
    assert_notes("answer load:/s/one.wav FAILED -");
    end(channel);
    channel = play("Playback(one&two)"); /* the others are played */
    fake_run_blocking();
    fake_run_blocking();
    assert_notes("answer load:/s/one.wav load:/s/two.wav");
    fake_rtp_finish(&rtp);
    assert_notes("FAILED -");
    end(channel);
    channel = play("Playback(../../etc/passwd)");
    assert_notes("answer FAILED -");
    end(channel);
    channel = play("Playback()");
    assert_notes("answer FAILED -");
    end(channel);
    rtp.refuses = 1;
    channel = play("Playback(two)");
    fake_run_blocking();
    assert_notes("answer load:/s/two.wav FAILED -");
    end(channel);
    rtp.refuses = 0;
    fake_push_fails = 1;
    channel = play("Playback(two)");
    assert_notes("answer FAILED -");
    fake_push_fails = 0;
    end(channel);
    fake_answer_fails = 1;
    channel = play("Playback(two)");
    assert_notes("answer hangup:16");
    end(channel);
}

static void test_playback_hangup(void **state)
{
    struct ast_channel *channel = play("Playback(one&two)");

    (void)state;
    ast_channel_peer_hangup(channel, 0); /* while it is loaded */
    assert_int_equal(fake_run_blocking(), 1);
    end(channel);
    assert_int_equal(fake_wavs, 0);
    channel = play("Playback(one&two)");
    fake_run_blocking();
    ast_channel_peer_hangup(channel, 0); /* while it is played */
    assert_int_equal(rtp.mode, 'i');
    assert_int_equal(fake_wavs, 0);
    end(channel);
    channel = play("Playback(one)");
    ast_channel_set_rtp(channel, NULL);
    fake_run_blocking();
    assert_int_equal(fake_timers(), 1);
    ast_channel_peer_hangup(channel, 0); /* while it waits for audio */
    assert_int_equal(fake_wavs, 0);
    end(channel);
}

/* The audio comes late, changes, or never comes. */
static void test_playback_audio(void **state)
{
    struct fake_rtp other = {0};
    struct ast_channel *channel = play("Playback(one)");

    (void)state;
    ast_channel_set_rtp(channel, NULL);
    fake_run_blocking();
    ast_channel_set_rtp(channel, FAKE_RTP(&rtp));
    assert_int_equal(rtp.mode, 'a');
    assert_int_equal(fake_timers(), 0);
    ast_channel_set_rtp(channel, FAKE_RTP(&other)); /* it begins again there */
    assert_int_equal(other.mode, 'a');
    fake_rtp_release(&rtp); /* the old stream goes */
    fake_rtp_finish(&other);
    assert_notes("answer load:/s/one.wav SUCCESS -");
    end(channel);
    channel = play("Playback(one&two)");
    ast_channel_set_rtp(channel, NULL);
    fake_run_blocking();
    fake_pass(10000);
    assert_notes("answer load:/s/one.wav FAILED -");
    end(channel);
    channel = play("Playback(one)");
    fake_run_blocking();
    fake_rtp_release(&rtp); /* somebody else takes the stream */
    assert_notes("answer load:/s/one.wav FAILED -");
    end(channel);
}

/* After the hang-up nothing that needs a call begins. */
static void test_in_h(void **state)
{
    static const char *const lines[] = {"Answer()", "Echo()", "Playback(one)", "Wait(1)",
                                        "Ringing()"};

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); ++i) {
        char plan[256];
        struct ast_channel *channel = fake_channel("demo", "100");

        snprintf(plan, sizeof(plan), "[demo]\n100,1,NoOp()\nh,1,Note(h)\nh,2,%s\nh,3,Note(never)\n",
                 lines[i]);
        fake_dialplan(plan);
        assert_int_equal(ast_pbx_start(channel), 0);
        assert_notes("hangup:16 h");
        assert_null(channel->exec.pbx);
        end(channel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_indications, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_senddtmf, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sendtext, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receivetext, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_logs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_goto, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gotoif, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_echo, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_playback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_playback_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_playback_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_playback_hangup, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_playback_audio, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_in_h, set_up, tear_down),
    };

    ast_log_set_level(AST_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
