/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every allocation fails in turn: nothing is half-done, and nothing is left behind (the address
 * sanitizer looks). */
#include "fake.h"

#include <stdio.h>
#include <string.h>

#include "failmalloc.h"

/* Runs work with its first allocation failing, then the second, until none does. */
static void each(void (*work)(void))
{
    unsigned at;

    for (at = 1; at < 10000; ++at) {
        int fired;

        failmalloc_set(at);
        work();
        fired = failmalloc_fired();
        failmalloc_set(0);
        if (!fired) {
            break;
        }
    }
    assert_in_range(at, 2, 9999);
    fake_notes[0] = '\0';
}

static void build(void)
{
    struct pbx *pbx = fake_pbx(
        "[a]\n100,1(l),Note(x)\n_1XX/_9X,1,Note(y)\n100/5,1,Note(z)\n>b\n>a\n[b]\n200,1,Note(x)\n"
        "200,2,Note(x)\n>a\n");

    if (pbx != NULL) {
        pbx_add_global(pbx, "A", "1");
        pbx_add_global(pbx, "A", "2");
        pbx_unref(pbx);
    }
}

static void test_pbx(void **state)
{
    (void)state;
    each(build);
}

static struct fake_rtp rtp;

static void run_call(void)
{
    struct ast_channel *channel = fake_channel("demo", "100");

    if (channel == NULL) {
        return;
    }
    ast_channel_set_rtp(channel, FAKE_RTP(&rtp));
    assert_int_equal(ast_pbx_start(channel), 0);
    fake_run_blocking();
    if (rtp.audio != NULL) {
        ast_channel_set_rtp(channel, NULL);
        ast_channel_set_rtp(channel, FAKE_RTP(&rtp));
    }
    while (ast_channel_get_state(channel) != AST_CHANNEL_GONE && rtp.audio != NULL) {
        fake_rtp_finish(&rtp);
        fake_run_blocking();
    }
    ast_channel_hangup(channel, 0);
    assert_int_equal(channel->refs, 1);
    ast_channel_unref(channel);
    fake_rtp_release(&rtp);
    fake_run_blocking();
    assert_int_equal(fake_wavs, 0);
}

static void test_call(void **state)
{
    (void)state;
    fake_dialplan(
        "[demo]\n100,1,Set(A=${EXTEN})\n100,2,Set(B=1)\n100,3,Set(A=2)\n100,4,Playback(one&two)\n"
        "100,5,Goto(300,1)\ni,1,Set(C=1)\nh,1,Set(D=1)\n");
    chan_set_sounds("/s");
    each(run_call);
    chan_set_sounds(NULL);
    fake_clean();
}

static void registry(void)
{
    if (chan_register_applications() == 0) {
        chan_nearest_application("Answr");
        chan_unregister_applications();
    }
    chan_set_sounds("/s");
    chan_set_sounds(NULL);
}

static void test_registry(void **state)
{
    (void)state;
    each(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pbx),
        cmocka_unit_test(test_call),
        cmocka_unit_test(test_registry),
    };

    ast_log_set_level((enum ast_log_level) - 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
