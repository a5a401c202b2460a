/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The handler's callbacks as the core calls them, with real RTP streams below and a core and
 * channels of this file above: whole exchanges, re-offers, refusals, what the channel gets, and
 * that nothing is left.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <sipsession/channel.h>
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

#include "media/media.h"
#include "sdp_text.h"

/* ---- the core and the channels, as far as the handler asks them ---- */

struct ast_sip_session_stream {
    unsigned index;
    void *data;
};

struct ast_channel {
    struct ast_rtp *rtp;
    unsigned sets, hangups;
    int cause;
    char digit;
};

static const struct ast_sip_session_sdp_handler *handler;
static int terminated;

int ast_sip_session_register_sdp_handler(const struct ast_sip_session_sdp_handler *registered)
{
    handler = registered;
    return 0;
}

void ast_sip_session_unregister_sdp_handler(const struct ast_sip_session_sdp_handler *registered)
{
    assert_ptr_equal(registered, handler);
    handler = NULL;
}

unsigned ast_sip_session_stream_index(const struct ast_sip_session_stream *stream)
{
    return stream->index;
}

void ast_sip_session_stream_set_data(struct ast_sip_session_stream *stream, void *data)
{
    stream->data = data;
}

void *ast_sip_session_stream_get_data(const struct ast_sip_session_stream *stream)
{
    return stream->data;
}

static enum ast_sip_session_hold hold;

enum ast_sip_session_hold ast_sip_session_get_hold(const struct ast_sip_session *unused)
{
    (void)unused;
    return hold;
}

static int outgoing, in_response;
static struct ast_sip_global global;

int ast_sip_session_is_outgoing(const struct ast_sip_session *unused)
{
    (void)unused;
    return outgoing;
}

int ast_sip_session_offers_in_response(const struct ast_sip_session *unused)
{
    (void)unused;
    return in_response;
}

const struct ast_sip_global *ast_sip_get_global(void)
{
    return &global;
}

int ast_sip_session_media_address(const struct ast_sip_session *session, pj_sockaddr *address)
{
    pj_str_t text =
        pj_str(session->endpoint->media_address ? session->endpoint->media_address : "127.0.0.1");

    return pj_sockaddr_init(strchr(text.ptr, ':') ? pj_AF_INET6() : pj_AF_INET(), address, &text,
                            0);
}

void ast_sip_session_terminate(struct ast_sip_session *session, int response_code)
{
    (void)session;
    (void)response_code;
    terminated++;
}

struct ast_rtp *ast_channel_get_rtp(const struct ast_channel *channel)
{
    return channel->rtp;
}

void ast_channel_set_rtp(struct ast_channel *channel, struct ast_rtp *rtp)
{
    channel->rtp = rtp;
    channel->sets++;
}

const char *ast_channel_get_name(const struct ast_channel *channel)
{
    (void)channel;
    return "test";
}

void ast_channel_hangup(struct ast_channel *channel, int cause)
{
    channel->hangups++;
    channel->cause = cause;
}

void ast_channel_dtmf(struct ast_channel *channel, char digit, unsigned duration_ms)
{
    (void)duration_ms;
    channel->digit = digit;
}

/* ---- one session ---- */

extern const struct ast_sip_module AST_SIP_MODULE_SYMBOL;

static struct base_task_queue *tasks;
static struct ast_sip_endpoint endpoint;
static struct ast_channel channel;
static struct ast_sip_session session;
static struct ast_sip_session_stream stream;

static int push(int (*task)(void *data), void *data)
{
    return base_task_queue_push(tasks, task, data);
}

static int begin(void **state)
{
    struct media_config config;

    text_begin(state);
    tasks = base_task_queue_create();
    media_config_init(&config);
    config.port_start = 29200;
    config.port_end = 29299;
    memset(&endpoint, 0, sizeof(endpoint));
    endpoint.name = "alice";
    endpoint.max_audio_streams = 1;
    endpoint.codecs.count = 2;
    strcpy(endpoint.codecs.codec[0].name, "ulaw");
    strcpy(endpoint.codecs.codec[1].name, "opus");
    memset(&channel, 0, sizeof(channel));
    memset(&session, 0, sizeof(session));
    session.endpoint = &endpoint;
    session.channel = &channel;
    memset(&stream, 0, sizeof(stream));
    terminated = 0;
    return media_start(&config, push) || AST_SIP_MODULE_SYMBOL.init();
}

static int end(void **state)
{
    if (stream.data) {
        handler->stream_end(&session, &stream);
    }
    AST_SIP_MODULE_SYMBOL.close();
    assert_null(handler);
    media_stop();
    while (base_task_queue_length(tasks) > 0) {
        base_task_queue_run(tasks, 10);
    }
    base_task_queue_destroy(tasks);
    return text_end(state);
}

static void run_until(const unsigned *count)
{
    for (unsigned i = 0; i < 500 && *count == 0; i++) {
        usleep(10000);
        base_task_queue_run(tasks, 10);
    }
}

static int offered(const char *body)
{
    return handler->stream_incoming(&session, &stream, text_parse(body), 1);
}

static const char *ours(void)
{
    pjmedia_sdp_media *media = NULL;

    assert_int_equal(handler->stream_outgoing(&session, &stream, text_pool, &media), 0);
    assert_non_null(media);
    return text_of(media);
}

static void apply(void)
{
    handler->stream_apply(&session, &stream, NULL, NULL);
}

#define OFFER SDP_C4 "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"

/* ---- exchanges ---- */

static void offer_is_answered(void **state)
{
    const struct ast_rtp_params *params;
    char expected[64];

    (void)state;
    assert_string_equal(handler->media, "audio");
    assert_int_equal(offered(OFFER), 0);
    assert_null(channel.rtp);
    const char *const text = ours();

    assert_null(channel.rtp); /* nothing is in force yet */
    apply();
    assert_non_null(channel.rtp);
    params = ast_rtp_get_params(channel.rtp);
    assert_ptr_equal(params->codec, ast_codec_find("ulaw"));
    assert_int_equal(params->direction, AST_RTP_SENDRECV);
    assert_int_equal(params->tx_event_payload_type, 101);
    assert_int_equal(pj_sockaddr_get_port(&params->remote_rtp), 4000);
    assert_int_equal(pj_sockaddr_get_port(&params->remote_rtcp), 4001);
    assert_int_equal(params->timeout_ms, 0);
    snprintf(expected, sizeof(expected), "m=audio %u RTP/AVP 0 101\r\nc=IN IP4 127.0.0.1\r\n",
             ast_rtp_port(channel.rtp));
    assert_memory_equal(text, expected, strlen(expected));
    assert_string_equal(ours() + strlen(expected), ours() + strlen(expected));
    assert_int_equal(channel.sets, 1);
    handler->stream_end(&session, &stream);
    assert_null(channel.rtp);
    assert_null(stream.data);
    assert_int_equal(channel.sets, 2);
}

static void our_offer_is_answered(void **state)
{
    (void)state;
    assert_non_null(strstr(ours(), "RTP/AVP 0 107 101 102\r\n"));
    assert_int_equal(
        handler->stream_incoming(
            &session, &stream,
            text_parse(SDP_C4 "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"), 0),
        0);
    apply();
    const struct ast_rtp_params *const params = ast_rtp_get_params(channel.rtp);

    assert_int_equal(params->tx_payload_type, 96);
    assert_int_equal(params->rx_payload_type, 107);
    assert_int_equal(params->tx_event_payload_type, -1);
    /* a re-offer: same port, same numbers, the codec in force first */
    char first[40];

    snprintf(first, sizeof(first), "m=audio %u RTP/AVP 107 0 101 102\r\n",
             ast_rtp_port(channel.rtp));
    assert_memory_equal(ours(), first, strlen(first));
}

/* One codec is offered alone, and nothing else may be answered. */
static void offers_of_one_codec(void **state)
{
    (void)state;
    outgoing = 1;
    endpoint.outgoing_call_offer_pref = AST_SIP_OUTGOING_OFFER_LOCAL_FIRST;
    assert_non_null(strstr(ours(), "RTP/AVP 0 101\r\n"));
    assert_int_equal(
        handler->stream_incoming(
            &session, &stream,
            text_parse(SDP_C4 "m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"), 0),
        -1);
    outgoing = 0;
    assert_non_null(strstr(ours(), "RTP/AVP 0 107 101 102\r\n"));
    in_response = 1; /* nothing is in force yet: a call that begins so */
    assert_non_null(strstr(ours(), "RTP/AVP 0 107 101 102\r\n"));
    in_response = 0;
}

static void empty_reinvite(void **state)
{
    (void)state;
    assert_int_equal(offered(OFFER), 0);
    ours();
    apply();
    in_response = 1;
    assert_non_null(strstr(ours(), "RTP/AVP 0 101\r\n"));
    global.all_codecs_on_empty_reinvite = 1;
    assert_non_null(strstr(ours(), "RTP/AVP 0 107 101 102\r\n"));
    global.all_codecs_on_empty_reinvite = 0;
    in_response = 0;
    assert_non_null(strstr(ours(), "RTP/AVP 0 107 101 102\r\n"));
}

static void hold_and_resume(void **state)
{
    unsigned port;

    (void)state;
    endpoint.rtp_timeout = 30;
    endpoint.rtp_timeout_hold = 300;
    assert_int_equal(offered(OFFER), 0);
    ours();
    apply();
    port = ast_rtp_port(channel.rtp);
    assert_int_equal(ast_rtp_get_params(channel.rtp)->timeout_ms, 30000);
    assert_int_equal(offered(OFFER "a=sendonly\r\n"), 0);
    assert_non_null(strstr(ours(), "a=recvonly\r\n"));
    assert_int_equal(ast_rtp_get_params(channel.rtp)->direction, AST_RTP_SENDRECV); /* not yet */
    apply();
    assert_int_equal(ast_rtp_get_params(channel.rtp)->direction, AST_RTP_RECVONLY);
    assert_int_equal(ast_rtp_get_params(channel.rtp)->timeout_ms, 300000);
    assert_int_equal(offered(OFFER), 0);
    assert_non_null(strstr(ours(), "a=sendrecv\r\n"));
    apply();
    assert_int_equal(ast_rtp_get_params(channel.rtp)->direction, AST_RTP_SENDRECV);
    assert_int_equal(ast_rtp_port(channel.rtp), port);
    assert_int_equal(channel.sets, 1); /* it is the same stream all the time */
}

static void rollback_keeps_what_was(void **state)
{
    (void)state;
    assert_int_equal(offered(OFFER), 0);
    ours();
    apply();
    assert_int_equal(offered("c=IN IP4 192.0.2.8\r\nm=audio 5000 RTP/AVP 0\r\na=inactive\r\n"), 0);
    ours();
    handler->stream_rollback(&session, &stream);
    apply(); /* nothing is proposed: nothing changes */
    assert_int_equal(ast_rtp_get_params(channel.rtp)->direction, AST_RTP_SENDRECV);
    assert_int_equal(pj_sockaddr_get_port(&ast_rtp_get_params(channel.rtp)->remote_rtp), 4000);
    assert_non_null(strstr(ours(), "RTP/AVP 0 107 101 102\r\n")); /* and ours is an offer again */
    assert_int_equal(offered(SDP_C4 "m=audio 4000 RTP/AVP 8\r\n"), -1);
    assert_non_null(stream.data);
}

static void refused_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(offered(SDP_C4 "m=audio 4000 RTP/AVP 8 18\r\n"), -1);
    assert_null(stream.data);
    assert_int_equal(offered(SDP_C4 "m=audio 4000 RTP/SAVP 0\r\n"), -1);
    assert_null(stream.data);
    stream.index = 1; /* the second one, of one that is allowed */
    assert_int_equal(offered(OFFER "m=audio 4002 RTP/AVP 0\r\n"), -1);
    assert_int_equal(offered(SDP_C4 "m=video 4000 RTP/AVP 31\r\nm=audio 4002 RTP/AVP 0\r\n"), 0);
    endpoint.codecs.count = 0;
    handler->stream_end(&session, &stream);
    pjmedia_sdp_media *media = NULL;

    assert_int_equal(handler->stream_outgoing(&session, &stream, text_pool, &media), -1);
    assert_null(media);
}

static void named_and_bound_addresses(void **state)
{
    (void)state;
    endpoint.media_address = "198.51.100.77"; /* of a router in front of us: nothing to bind to */
    assert_int_equal(offered(OFFER), 0);
    assert_non_null(strstr(ours(), "c=IN IP4 198.51.100.77\r\n"));
    handler->stream_end(&session, &stream);
    endpoint.bind_rtp_to_media_address = 1;
    assert_int_equal(offered(OFFER), 0);
    pjmedia_sdp_media *media = NULL;

    assert_int_equal(handler->stream_outgoing(&session, &stream, text_pool, &media),
                     AST_SIP_SESSION_NO_ROOM);
}

/* Signalling by IPv4, media by IPv6 */
static void other_family(void **state)
{
    (void)state;
    assert_int_equal(offered("c=IN IP6 ::1\r\nm=audio 4000 RTP/AVP 0\r\n"), 0);
    assert_non_null(strstr(ours(), "c=IN IP6 ::1\r\n"));
}

/* ---- what RTP tells ---- */

static void call_ends_when_no_rtp_comes(void **state)
{
    (void)state;
    endpoint.rtp_timeout = 1;
    assert_int_equal(offered(OFFER), 0);
    ours();
    apply();
    run_until(&channel.hangups);
    assert_int_equal(channel.hangups, 1);
    assert_int_equal(channel.cause, AST_CAUSE_RECOVERY_ON_TIMER_EXPIRE);
    assert_int_equal(terminated, 0);
}

static void digits_come_to_the_channel(void **state)
{
    static const uint8_t packet[16] = {0x80, 101, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 11, 0x8a, 3, 0x20};
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(name);
    char body[200];
    unsigned heard = 0;

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&name, length), 0);
    getsockname(fd, (struct sockaddr *)&name, &length);
    snprintf(
        body, sizeof(body),
        "c=IN IP4 127.0.0.1\r\nm=audio %u RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        ntohs(name.sin_port));
    assert_int_equal(offered(body), 0);
    ours();
    apply();
    name.sin_port = htons((uint16_t)ast_rtp_port(channel.rtp));
    sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&name, length);
    for (unsigned i = 0; i < 200 && !heard; i++) {
        usleep(10000);
        base_task_queue_run(tasks, 10);
        heard = channel.digit != 0;
    }
    assert_int_equal(channel.digit, '#');
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(offer_is_answered, begin, end),
        cmocka_unit_test_setup_teardown(our_offer_is_answered, begin, end),
        cmocka_unit_test_setup_teardown(offers_of_one_codec, begin, end),
        cmocka_unit_test_setup_teardown(empty_reinvite, begin, end),
        cmocka_unit_test_setup_teardown(hold_and_resume, begin, end),
        cmocka_unit_test_setup_teardown(rollback_keeps_what_was, begin, end),
        cmocka_unit_test_setup_teardown(refused_leaves_nothing, begin, end),
        cmocka_unit_test_setup_teardown(named_and_bound_addresses, begin, end),
        cmocka_unit_test_setup_teardown(other_family, begin, end),
        cmocka_unit_test_setup_teardown(call_ends_when_no_rtp_comes, begin, end),
        cmocka_unit_test_setup_teardown(digits_come_to_the_channel, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
