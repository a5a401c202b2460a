/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SIP channel driver on sessions without SIP: what it makes of an INVITE, and who holds whom to
 * the end. */
#include "fake.h"

#include <stdio.h>
#include <string.h>

#include <pjlib-util.h>

#include "failmalloc.h"

static pj_caching_pool caching;
static pjsip_endpoint *endpoint;
static pj_pool_t *pool;
static struct fake_session fake;
static pjsip_rx_data rdata;

static int start_pjsip(void **state)
{
    (void)state;
    pj_log_set_level(0);
    if (pj_init() != PJ_SUCCESS || pjlib_util_init() != PJ_SUCCESS) {
        return -1;
    }
    pj_caching_pool_init(&caching, NULL, 0);
    return pjsip_endpt_create(&caching.factory, "test", &endpoint) == PJ_SUCCESS ? 0 : -1;
}

static int stop_pjsip(void **state)
{
    (void)state;
    pjsip_endpt_destroy(endpoint);
    pj_caching_pool_destroy(&caching);
    pj_shutdown();
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    pool = pj_pool_create(&caching.factory, "test", 4000, 4000, NULL);
    fake_session_init(&fake);
    return chan_sip_start();
}

static int tear_down(void **state)
{
    (void)state;
    fake_session_end(&fake, 487);
    assert_int_equal(fake.refs, 0);
    assert_null(fake.session.channel);
    chan_sip_stop();
    assert_int_equal(fake_extensions(), 0);
    pj_pool_release(pool);
    fake_clean();
    return 0;
}

/* Parses a request to a URI; more: header lines. */
static void request(const char *method, const char *uri, const char *to_tag, const char *more)
{
    char *text = pj_pool_alloc(pool, 2000);
    int length = snprintf(
        text, 2000,
        "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:c@d>%s\r\nCall-ID: x\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
        method, uri, to_tag, method, more);

    memset(&rdata, 0, sizeof(rdata));
    rdata.msg_info.msg = pjsip_parse_msg(pool, text, (pj_size_t)length, NULL);
    assert_non_null(rdata.msg_info.msg);
    rdata.msg_info.to = pjsip_msg_find_hdr(rdata.msg_info.msg, PJSIP_H_TO, NULL);
    rdata.endpt_info.mod_data[0] = &fake;
}

static int invite(const char *uri, const char *more)
{
    request("INVITE", uri, "", more);
    return fake_session_request(&fake, "INVITE", &rdata);
}

#define HOLD_ALL "[demo]\n_.,1,Hold(${EXTEN})\ns,1,Hold(s!)\n"

static void test_call(void **state)
{
    (void)state;
    fake_dialplan(
        "[demo]\n100,1,Ringing()\n100,2,Ringing()\n100,3,Answer()\n100,4,Hold(up)\nh,1,Note(h)\n");
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    assert_notes("180 200 up");
    assert_int_equal(fake.refs, 1);
    assert_int_equal(chan_count(), 1);
    assert_int_equal(strncmp(ast_channel_get_name(fake.session.channel), "PJSIP/alice-", 12), 0);
    assert_string_equal(ast_channel_get_variable(fake.session.channel, "SIPDOMAIN"), "127.0.0.1");
    fake_session_end(&fake, 200);
    assert_notes("stop h");
    assert_int_equal(chan_count(), 0);
}

static void test_our_hangup(void **state)
{
    (void)state;
    fake_dialplan("[demo]\n100,1,Hangup(17)\n200,1,Answer()\n200,2,Wait(1)\nh,1,Note(h)\n");
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    assert_notes("486 h");
    assert_int_equal(chan_count(), 0);
    fake_session_init(&fake);
    assert_int_equal(invite("sip:200@127.0.0.1", ""), 0);
    fake_pass(1000);
    assert_notes("200 bye h");
    assert_int_equal(chan_count(), 0);
}

static void test_indications(void **state)
{
    (void)state;
    fake_dialplan(
        "[demo]\n100,1,Proceeding()\n100,2,Progress()\n100,3,Progress()\n100,4,Ringing()\n100,5,Proceeding()\n100,6,Hold(x)\n");
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    assert_notes("100 183 x"); /* no 180 behind 183, no 100 behind anything */
}

static void test_refusals(void **state)
{
    static const struct {
        const char *uri;
        int overlap;
        const char *notes;
    } table[] = {
        {"sip:nobody@127.0.0.1", 1, "404"}, {"sip:10@127.0.0.1", 1, "484"},
        {"sip:10@127.0.0.1", 0, "404"},     {"sip:1000@127.0.0.1", 1, "404"},
        {"sip:127.0.0.1", 1, "404"},        {"sip:h%00@127.0.0.1", 1, "404"},
        {"sip:1%0a0@127.0.0.1", 1, "404"},
    };

    (void)state;
    fake_dialplan("[demo]\n100,1,Hold(100)\n");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        fake_session_init(&fake);
        fake.endpoint.allow_overlap = table[i].overlap;
        assert_int_equal(invite(table[i].uri, ""), 1);
        if (strcmp(fake_notes, table[i].notes) != 0) {
            fail_msg("%s: %s", table[i].uri, fake_notes);
        }
        fake_notes[0] = '\0';
        assert_int_equal(chan_count(), 0);
        assert_int_equal(fake.refs, 0);
    }
    pbx_set(NULL);
    fake_session_init(&fake);
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 1);
    assert_notes("404");
}

static void test_extensions(void **state)
{
    static const char *const table[][2] = {
        {"sip:100@127.0.0.1", "100"},         {"sip:127.0.0.1", "s!"},
        {"sips:b%6fb@127.0.0.1", "bob"},      {"sip:a:pw@127.0.0.1", "a"},
        {"tel:+4930123", "+4930123"},         {"sip:1;x=y@127.0.0.1", "1;x=y"},
        {"sip:%c3%a4@127.0.0.1", "\xc3\xa4"},
    };
    char uri[200] = "sip:";

    (void)state;
    fake_dialplan(HOLD_ALL);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        assert_int_equal(invite(table[i][0], ""), 0);
        assert_notes(table[i][1]);
        fake_session_end(&fake, 487);
        fake_notes[0] = '\0';
        fake_session_init(&fake);
    }
    memset(uri + 4, '1', CHAN_NAME_SIZE);
    strcpy(uri + 4 + CHAN_NAME_SIZE, "@h");
    assert_int_equal(invite(uri, ""), 1);
    assert_notes("404");
    fake_session_init(&fake);
    memmove(uri + 4, uri + 5, strlen(uri) - 4);
    assert_int_equal(invite(uri, ""), 0);
    assert_int_equal(strlen(fake_notes), CHAN_NAME_SIZE - 1);
    fake_notes[0] = '\0';
    fake_session_end(&fake, 487);
    assert_notes("stop");
}

static void assert_caller(const char *more, const char *name, const char *number, int presentation)
{
    const struct ast_party_id *caller;

    fake.state = AST_SIP_SESSION_STATE_INCOMING;
    assert_int_equal(invite("sip:100@127.0.0.1", more), 0);
    caller = ast_channel_get_caller(fake.session.channel);
    assert_string_equal(caller->name, name);
    assert_string_equal(caller->number, number);
    assert_int_equal(caller->presentation, presentation);
    fake_session_end(&fake, 487);
    fake_notes[0] = '\0';
}

static void test_caller(void **state)
{
    (void)state;
    fake_dialplan(HOLD_ALL);
    assert_caller("", "", "", AST_PARTY_UNAVAILABLE);
    fake.has_identity = 1;
    fake.identity = (struct ast_party_id){.name = "Peer", .number = "111"};
    assert_caller("", "Peer", "111", AST_PARTY_ALLOWED);
    fake.endpoint.callerid = (struct ast_party_id){.name = "Name", .number = "222"};
    assert_caller("", "Peer", "111", AST_PARTY_ALLOWED); /* a module's business */
}

static void test_variables(void **state)
{
    struct ast_sip_variable second = {NULL, (char *)"CALLERID(name)", (char *)"Set"};
    struct ast_sip_variable first = {&second, (char *)"COLOUR", (char *)"red"};

    (void)state;
    fake_dialplan("[demo]\n100,1,Hold(${COLOUR} ${CALLERID(name)})\n");
    fake.endpoint.variables = &first;
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    assert_notes("red Set");
}

static int refuse(struct ast_sip_session *session, pjsip_rx_data *data)
{
    assert_non_null(session->channel);
    ast_sip_session_send_response(session, 603, data);
    return AST_SIP_SESSION_STOP;
}

static int take(struct ast_sip_session *session, pjsip_rx_data *data)
{
    ast_sip_session_send_response(session, 200, data);
    return AST_SIP_SESSION_CONTINUE;
}

/* Another extension refuses the call, or answers it itself: the dialplan does not begin. */
static void test_other_extensions(void **state)
{
    struct ast_sip_session_extension other = {.method = "INVITE", .incoming_request = refuse};

    (void)state;
    fake_dialplan(HOLD_ALL);
    ast_sip_session_register_extension(&other);
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 1);
    assert_notes("603");
    assert_int_equal(chan_count(), 0);
    fake_session_init(&fake);
    other.incoming_request = take;
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    assert_notes("200");
    assert_int_equal(chan_count(), 1);
    fake_session_end(&fake, 200);
    assert_int_equal(chan_count(), 0);
    ast_sip_session_unregister_extension(&other);
}

static void test_reinvite(void **state)
{
    struct ast_channel *channel;

    (void)state;
    fake_dialplan("[demo]\n100,1,Answer()\n100,2,Hold(up)\n");
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    channel = fake.session.channel;
    assert_notes("200 up");
    fake.state = AST_SIP_SESSION_STATE_CONFIRMED;
    request("INVITE", "sip:100@127.0.0.1", ";tag=2", "");
    assert_int_equal(fake_session_request(&fake, "INVITE", &rdata), 0);
    assert_notes("");
    assert_ptr_equal(fake.session.channel, channel);
    fake_session_end(&fake, 200);
    fake_notes[0] = '\0';
    /* an outgoing session has no channel of ours */
    fake_session_init(&fake);
    fake.outgoing = 1;
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    assert_null(fake.session.channel);
}

static void test_cause(void **state)
{
    (void)state;
    fake_dialplan("[demo]\n100,1,Hold(x)\nh,1,Note(${HANGUPCAUSE})\n");
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    ast_channel_set_cause(fake.session.channel, AST_CAUSE_ANSWERED_ELSEWHERE);
    fake_session_end(&fake, 487);
    assert_notes("x stop 26");
    fake_session_init(&fake);
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    fake_session_end(&fake, 408);
    assert_notes("x stop 102");
}

/* The stream goes before its handler destroys it. */
static void test_audio(void **state)
{
    struct fake_rtp rtp = {0};

    (void)state;
    fake_dialplan("[demo]\n100,1,Answer()\n100,2,Echo()\n");
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    ast_channel_set_rtp(fake.session.channel, FAKE_RTP(&rtp));
    assert_int_equal(rtp.mode, 'e');
    ast_channel_ref(fake.session.channel);
    struct ast_channel *channel = fake.session.channel;
    fake_session_end(&fake, 200);
    assert_int_equal(rtp.mode, 'i');
    assert_null(ast_channel_get_rtp(channel));
    assert_null(ast_channel_get_tech_data(channel));
    /* the channel outlives its session */
    assert_int_equal(fake.refs, 0);
    ast_channel_hangup(channel, 0);
    ast_channel_unref(channel);
}

/* ---- a channel goes from one session to another ---- */

static struct fake_session other;

static void other_call(enum ast_sip_session_state state)
{
    fake_session_init(&other);
    other.endpoint.name = (char *)"bob";
    other.outgoing = 1;
    other.state = state;
}

static void test_move(void **state)
{
    struct fake_rtp rtp = {0}, other_rtp = {0};
    struct ast_channel *channel;

    (void)state;
    fake_dialplan("[demo]\n100,1,Answer()\n100,2,Echo()\nh,1,Note(h${HANGUPCAUSE})\n");
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    assert_notes("200");
    channel = fake.session.channel;
    ast_channel_set_rtp(channel, FAKE_RTP(&rtp));
    assert_int_equal(rtp.mode, 'e');

    other_call(AST_SIP_SESSION_STATE_CALLING);
    assert_int_equal(ast_sip_channel_create(&other.session), 0);
    assert_int_equal(ast_sip_channel_create(&other.session), -1);
    assert_int_equal(chan_count(), 2);
    assert_ptr_equal(ast_sip_channel_session(other.session.channel), &other.session);
    ast_channel_set_rtp(other.session.channel, FAKE_RTP(&other_rtp));
    other.state = AST_SIP_SESSION_STATE_CONFIRMED;

    assert_int_equal(ast_sip_channel_move(&fake.session, &other.session), 0);
    assert_int_equal(chan_count(), 1);
    assert_ptr_equal(other.session.channel, channel);
    assert_null(fake.session.channel);
    assert_ptr_equal(ast_sip_channel_session(channel), &other.session);
    assert_ptr_equal(ast_channel_get_rtp(channel), FAKE_RTP(&other_rtp));
    assert_int_equal(rtp.mode, 'i');
    assert_int_equal(other_rtp.mode, 'e');
    assert_int_equal(fake.refs, 0);
    assert_int_equal(other.refs, 1);
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_UP);
    /* the old session's end is not the channel's, the new one's is */
    fake_session_end(&fake, 200);
    assert_notes("");
    fake_session_end(&other, 503);
    assert_notes("h41");
    assert_int_equal(other.refs, 0);
}

/* The peer of the old session has gone before the new one is answered. */
static void test_move_before_the_answer(void **state)
{
    struct fake_rtp rtp = {0};
    struct ast_channel *channel;

    (void)state;
    fake_dialplan("[demo]\n100,1,Answer()\n100,2,Echo()\n");
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    channel = fake.session.channel;
    ast_channel_set_rtp(channel, FAKE_RTP(&rtp));
    other_call(AST_SIP_SESSION_STATE_EARLY);
    assert_int_equal(ast_sip_channel_create(&other.session), 0);
    fake.state = AST_SIP_SESSION_STATE_ENDED; /* within session_end */
    assert_int_equal(ast_sip_channel_move(&fake.session, &other.session), 0);
    fake.state = AST_SIP_SESSION_STATE_CONFIRMED;
    fake_session_end(&fake, 200);
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_UP);
    assert_null(ast_channel_get_rtp(channel));
    fake_notes[0] = '\0';
    ast_channel_hangup(channel, AST_CAUSE_NORMAL_CLEARING); /* ends the new session */
    assert_int_equal(other.refs, 0);
    assert_int_equal(chan_count(), 0);
    assert_int_equal(other.state, AST_SIP_SESSION_STATE_ENDED);
}

static void respond(int code)
{
    char *text = pj_pool_alloc(pool, 2000);
    int length = snprintf(text, 2000,
                          "SIP/2.0 %d x\r\nVia: SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bK1\r\n"
                          "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\n"
                          "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
                          code);

    memset(&rdata, 0, sizeof(rdata));
    rdata.msg_info.msg = pjsip_parse_msg(pool, text, (pj_size_t)length, NULL);
    assert_non_null(rdata.msg_info.msg);
    fake_session_response(&other, "INVITE", &rdata);
}

static void test_states_of_an_outgoing_channel(void **state)
{
    (void)state;
    other_call(AST_SIP_SESSION_STATE_CALLING);
    assert_int_equal(ast_sip_channel_create(&other.session), 0);
    assert_int_equal(ast_channel_get_state(other.session.channel), AST_CHANNEL_DOWN);
    respond(100);
    assert_int_equal(ast_channel_get_state(other.session.channel), AST_CHANNEL_DOWN);
    respond(180);
    assert_int_equal(ast_channel_get_state(other.session.channel), AST_CHANNEL_RINGING);
    respond(200);
    assert_int_equal(ast_channel_get_state(other.session.channel), AST_CHANNEL_UP);
    fake_session_end(&other, 200);
    assert_int_equal(chan_count(), 0);
    assert_int_equal(ast_sip_channel_create(&other.session), -1);
}

static void test_moves_that_cannot_be(void **state)
{
    (void)state;
    fake_dialplan(HOLD_ALL);
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    other_call(AST_SIP_SESSION_STATE_CONFIRMED);
    assert_int_equal(ast_sip_channel_move(&other.session, &fake.session), -1); /* no channel */
    assert_int_equal(ast_sip_channel_move(&fake.session, &fake.session), -1);
    other.state = AST_SIP_SESSION_STATE_ENDED;
    assert_int_equal(ast_sip_channel_move(&fake.session, &other.session), -1);
    /* one that runs a dialplan is not dropped */
    other_call(AST_SIP_SESSION_STATE_CALLING);
    assert_int_equal(ast_sip_channel_create(&other.session), 0);
    assert_int_equal(ast_sip_channel_move(&other.session, &fake.session), -1);
    /* one that was not up takes the state of its new session */
    assert_int_equal(ast_sip_channel_move(&fake.session, &other.session), 0);
    assert_int_equal(ast_channel_get_state(other.session.channel), AST_CHANNEL_DOWN);
    fake_session_end(&fake, 487);
    fake_notes[0] = '\0';
    fake_session_end(&other, 487);
    assert_notes("stop");
    assert_null(ast_sip_channel_session(NULL));
}

static void note_gone(struct ast_channel *channel, void *data)
{
    (void)channel;
    fake_note("gone%s", (const char *)data);
}

/* Watches are told before the driver is. */
static void test_watches(void **state)
{
    struct ast_channel_watch one = {.gone = note_gone, .data = (char *)"1"}, two = one, three = one;

    (void)state;
    two.data = (char *)"2";
    fake_dialplan("[demo]\n100,1,Hold(x)\nh,1,Note(h)\n");
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    ast_channel_watch(fake.session.channel, &one);
    ast_channel_watch(fake.session.channel, &three);
    ast_channel_watch(fake.session.channel, &two);
    ast_channel_unwatch(fake.session.channel, &three);
    ast_channel_unwatch(fake.session.channel, &three);
    ast_channel_hangup(fake.session.channel, AST_CAUSE_USER_BUSY);
    assert_notes("x stop gone2 gone1 486 h");
}

/* The server stops with calls up. */
static void test_stop(void **state)
{
    (void)state;
    fake_dialplan(HOLD_ALL);
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    chan_hangup_all(AST_CAUSE_CONGESTION);
    assert_notes("100 stop 503");
    fake_session_init(&fake);
    assert_int_equal(invite("sip:100@127.0.0.1", ""), 0);
    chan_sip_stop(); /* without its end being told */
    assert_int_equal(fake.refs, 0);
    assert_null(fake.session.channel);
    fake_notes[0] = '\0';
    assert_int_equal(chan_sip_start(), 0);
}

static void test_registration_fails(void **state)
{
    unsigned all = fake_extensions();

    (void)state;
    chan_sip_stop();
    for (unsigned i = 1; i <= all; ++i) {
        fake_register_fails_at = (int)i;
        assert_int_equal(chan_sip_start(), -1);
        assert_int_equal(fake_extensions(), 0);
        assert_int_equal(chan_start(), -1);
        assert_null(chan_find_application("Answer"));
    }
    fake_register_fails_at = 0;
    assert_int_equal(chan_start(), 0);
    chan_stop();
    assert_int_equal(fake_extensions(), 0);
    assert_int_equal(chan_sip_start(), 0);
}

/* No memory for a channel: 500, and nothing is left. */
static void test_no_memory(void **state)
{
    unsigned at = 0;
    int fired = 1;

    (void)state;
    fake_dialplan("[demo]\n100,1,Hangup(17)\n");
    while (fired) {
        fake_session_init(&fake);
        request("INVITE", "sip:100@127.0.0.1", "", "");
        failmalloc_set(++at);
        fake_session_request(&fake, "INVITE", &rdata);
        fired = failmalloc_fired();
        failmalloc_set(0);
        fake_session_end(&fake, 487);
        assert_int_equal(chan_count(), 0);
        assert_int_equal(fake.refs, 0);
        if (at == 1) {
            assert_notes("500");
        } else {
            assert_notes("486");
        }
    }
    assert_in_range(at, 2, 4); /* a call costs no more than a few */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_our_hangup, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_indications, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_extensions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_caller, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_variables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_extensions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reinvite, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cause, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_audio, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_move, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_move_before_the_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_states_of_an_outgoing_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_moves_that_cannot_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_watches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_registration_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
    };

    ast_log_set_level(AST_LOG_ERROR);
    return cmocka_run_group_tests(tests, start_pjsip, stop_pjsip);
}
