/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: `sipsession call URI`. An outgoing session of the library, as a program would make
 * one: an extension that prints the ladder, a channel that carries the audio, a tone probe that
 * says whether it came back.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/media.h>
#include <sipsession/res_sip_session.h>
#include <sipsession/server.h>
#include <sipsession/tone.h>

#include "daemon.h"
#include "ladder.h"

static const char help[] =
    "Usage: sipsession call [OPTION ...] URI\n\n"
    "Calls URI (sip:user@host), sends a tone and says whether it came back.\n\n"
    "  -t, --time SECONDS      how long the tone is sent (3)\n"
    "  -w, --wait SECONDS      how long to wait for an answer (30)\n"
    "  -b, --bind ADDRESS      the address, and port, to call from (127.0.0.1, or ::1 for an IPv6 URI)\n"
    "  -f, --from NUMBER       who calls (anonymous)\n"
    "  -C, --codecs LIST       codecs to offer, e.g. ulaw,g722 (ulaw,alaw,g722)\n"
    "  -v, --verbose           log what the library does\n\n"
    "Exit status: 0 the tone came back, 1 it did not or the call failed, 2 wrong usage.\n";

static const struct option options[] = {
    {"time", required_argument, NULL, 't'},   {"wait", required_argument, NULL, 'w'},
    {"bind", required_argument, NULL, 'b'},   {"from", required_argument, NULL, 'f'},
    {"codecs", required_argument, NULL, 'C'}, {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
};

/* The one call of this process. On the SIP thread but for `options` and `result`. */
static struct call {
    const char *uri;
    const char *bind;
    const char *from;
    const char *codecs;
    unsigned tone_seconds;
    unsigned wait_seconds;
    int verbose;

    struct ast_sip_session *session; /* a reference */
    struct ast_channel *channel;     /* a reference */
    struct ast_tone_probe *probe;
    pj_timer_entry timer;
    int heard; /* there was a response, so that a CANCEL may be sent (RFC 3261 9.1) */
    int answered;
    int result; /* read after the server has stopped */
} call = {.codecs = "ulaw,alaw,g722",
          .tone_seconds = 3,
          .wait_seconds = 30,
          .result = DAEMON_FAILED};

/* ---- the end ---- */

static void report_tone(void)
{
    struct ast_tone_result result;

    ast_tone_probe_result(call.probe, &result);
    if (result.heard) {
        ladder_note("tone came back: %.1f dBm0, round trip %u ms", result.level_dbm0,
                    result.delay_ms);
        call.result = DAEMON_OK;
    } else {
        ladder_note("the tone did not come back");
    }
}

static void on_time(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    (void)heap;
    entry->id = 0;
    if (call.answered) {
        report_tone();
    } else {
        ladder_note("no answer within %u s", call.wait_seconds);
    }
    ast_sip_session_terminate(call.session, 0);
    if (!call.heard) {
        ast_server_stop(1); /* nobody is there who could be told that we have gone */
    }
}

static void set_timer(unsigned seconds)
{
    const pj_time_val delay = {(long)seconds, 0};

    if (call.timer.id != 0) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &call.timer);
    }
    pj_timer_entry_init(&call.timer, 1, NULL, on_time);
    if (pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), &call.timer, &delay) !=
        PJ_SUCCESS) {
        call.timer.id = 0;
    }
}

static void release(void)
{
    ast_tone_probe_destroy(call.probe);
    ast_channel_unref(call.channel);
    ast_sip_session_unref(call.session);
    call.probe = NULL;
    call.channel = NULL;
    call.session = NULL;
}

static void on_end(struct ast_sip_session *session)
{
    int status = ast_sip_session_get_end_status(session);

    if (call.timer.id != 0) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &call.timer);
        call.timer.id = 0;
        ladder_note(call.answered ? "the other side hung up before the tone was over"
                                  : "the call failed: %d %s",
                    status, pjsip_get_status_text(status)->ptr);
    }
    ast_channel_set_rtp(call.channel, NULL); /* it goes with the session */
    ast_channel_peer_hangup(call.channel, 0);
    session->channel = NULL;
    release();
    ast_server_stop(0);
}

/* ---- the call ---- */

static void on_confirmed(struct ast_sip_session *session)
{
    struct ast_rtp *rtp = ast_channel_get_rtp(call.channel);

    (void)session;
    call.answered = 1;
    if (rtp == NULL || ast_tone_probe_attach(call.probe, rtp) != 0) {
        ladder_note("the call has no audio that a tone could be sent in");
        ast_sip_session_terminate(call.session, 0);
        return;
    }
    ladder_note("answered: sending a tone for %u s", call.tone_seconds);
    set_timer(call.tone_seconds);
}

static void on_response(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    (void)session;
    (void)rdata;
    call.heard = 1;
}

static struct ast_sip_session_extension extension = {
    .name = "call",
    .incoming_response = on_response,
    .session_confirmed = on_confirmed,
    .session_end = on_end,
};

/* Our end of the call has nobody who would answer or hang up but this program. */
static const struct ast_channel_tech tech = {.name = "call"};

static struct ast_sip_endpoint *make_endpoint(void)
{
    struct ast_sip_endpoint *endpoint = ast_sip_endpoint_create("call");
    char *copy = strdup(call.codecs);
    char *rest = copy;
    char *name;

    if (endpoint == NULL || copy == NULL) {
        ast_sip_endpoint_unref(endpoint);
        free(copy);
        return NULL;
    }
    endpoint->codecs.count = 0;
    while ((name = strsep(&rest, ",")) != NULL && endpoint->codecs.count < AST_SIP_MAX_CODECS) {
        const struct ast_codec *codec = ast_codec_find(name);

        if (codec == NULL) {
            ast_error("There is no codec '%s'", name);
            ast_sip_endpoint_unref(endpoint);
            endpoint = NULL;
            break;
        }
        snprintf(endpoint->codecs.codec[endpoint->codecs.count].name,
                 sizeof(endpoint->codecs.codec[0].name), "%s", codec->name);
        ++endpoint->codecs.count;
    }
    free(copy);
    return endpoint;
}

static int place_call(void *unused)
{
    struct ast_sip_session_outgoing outgoing;
    const struct ast_channel_options channel = {.tech = &tech,
                                                .name = "call",
                                                .context = "",
                                                .exten = ""};
    int result = -1;

    (void)unused;
    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = make_endpoint();
    call.channel = ast_channel_create(&channel);
    call.probe = ast_tone_probe_create();
    if (outgoing.endpoint == NULL || call.channel == NULL || call.probe == NULL ||
        ladder_start() != 0 || ast_sip_session_register_extension(&extension) != 0) {
        goto out;
    }
    outgoing.uri = call.uri;
    outgoing.channel = call.channel;
    if (call.from != NULL) {
        snprintf(outgoing.caller.number, sizeof(outgoing.caller.number), "%s", call.from);
    }
    call.session = ast_sip_session_create_outgoing(&outgoing);
    if (call.session != NULL) {
        set_timer(call.wait_seconds);
        result = ast_sip_session_send_invite(call.session);
    }
out:
    ast_sip_endpoint_unref(outgoing.endpoint);
    if (result != 0) {
        release();
    }
    return result;
}

/* ---- the command line ---- */

static int parse_seconds(const char *text, unsigned *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value < 1 || value > 86400) {
        fprintf(stderr, "sipsession call: '%s' is no number of seconds from 1 to 86400\n", text);
        return -1;
    }
    *out = (unsigned)value;
    return 0;
}

static int parse_options(int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "t:w:b:f:C:vh", options, NULL)) != -1) {
        switch (option) {
        case 't':
            if (parse_seconds(optarg, &call.tone_seconds) != 0) {
                return DAEMON_USAGE;
            }
            break;
        case 'w':
            if (parse_seconds(optarg, &call.wait_seconds) != 0) {
                return DAEMON_USAGE;
            }
            break;
        case 'b':
            call.bind = optarg;
            break;
        case 'f':
            call.from = optarg;
            break;
        case 'C':
            call.codecs = optarg;
            break;
        case 'v':
            call.verbose = 1;
            break;
        case 'h':
            fputs(help, stdout);
            exit(DAEMON_OK);
        default:
            fputs(help, stderr);
            return DAEMON_USAGE;
        }
    }
    if (optind + 1 != argc) {
        fputs(help, stderr);
        return DAEMON_USAGE;
    }
    call.uri = argv[optind];
    return DAEMON_OK;
}

int daemon_call(int argc, char **argv)
{
    struct ast_server_options server;
    int result = parse_options(argc, argv);

    if (result != DAEMON_OK) {
        return result;
    }
    if (call.bind == NULL) {
        call.bind = strstr(call.uri, "@[") != NULL || strstr(call.uri, ":[") != NULL ? "[::1]"
                                                                                     : "127.0.0.1";
    }
    ast_server_options_init(&server);
    server.bind = call.bind;
    server.started = place_call;
    server.log_level = call.verbose ? AST_LOG_DEBUG : AST_LOG_WARNING;
    daemon_block_signals(0);
    if (ast_server_start(&server) != 0) {
        return DAEMON_FAILED;
    }
    if (daemon_stop_on_signals() != 0) {
        ast_server_stop(1);
    }
    ast_server_wait();
    return call.result;
}
