/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of sessions: the peer. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "peer.h"
#include "res_sip/transport/transport.h"

static int sock = -1;
static struct sockaddr_in service;
static unsigned own_port;
static unsigned call_number;
static unsigned cseq;
static char tag[128];        /* the service's, of this call */
static char received[65536]; /* the last message */
static char request[65536];  /* the last request that came */
static char invite[65536];   /* the last INVITE that came */
static char value[1000];

static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void open_socket(void)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(own);

    sock = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(sock >= 0);
    assert_int_equal(bind(sock, (struct sockaddr *)&own, sizeof(own)), 0);
    assert_int_equal(getsockname(sock, (struct sockaddr *)&own, &size), 0);
    own_port = ntohs(own.sin_port);
}

void peer_start(void)
{
    struct sip_config *config = sip_config_create();
    struct sip_transport_config *transport = calloc(1, sizeof(*transport));
    struct sip_endpoint_entry *entry = calloc(1, sizeof(*entry));
    const pj_str_t loopback = pj_str("127.0.0.1");

    open_socket();
    assert_int_equal(pj_init(), PJ_SUCCESS);
    assert_non_null(config);
    transport->name = strdup("udp");
    transport->protocol = SIP_TRANSPORT_UDP;
    pj_sockaddr_init(pj_AF_INET(), &transport->bind, &loopback, 0);
    config->transports = transport;
    entry->endpoint = ast_sip_endpoint_create("anonymous");
    config->endpoints = entry;
    assert_int_equal(sip_start(config), 0);
    assert_int_equal(session_start(), 0);
    service.sin_family = AF_INET;
    service.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    service.sin_port = htons(pj_sockaddr_get_port(&sip_transports()->address));
}

void peer_stop(void)
{
    session_drop_all();
    session_stop();
    sip_destroy();
    close(sock);
}

unsigned peer_port(void)
{
    return own_port;
}

unsigned peer_service_port(void)
{
    return ntohs(service.sin_port);
}

void peer_next_cseq(void)
{
    ++cseq;
}

static void send_text(const char *text)
{
    assert_int_equal(sendto(sock, text, strlen(text), 0, (struct sockaddr *)&service,
                            sizeof(service)),
                     strlen(text));
}

void peer_request(const char *method, const char *headers, const char *sdp)
{
    char text[8000];
    const char *reused =
        strcmp(method, "CANCEL") == 0 ? "INVITE" : method; /* CANCEL has its INVITE's branch */

    snprintf(
        text, sizeof(text),
        "%s sip:test@127.0.0.1:%u SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK-%u-%u-%s;rport\r\n"
        "From: \"Peer\" <sip:peer@127.0.0.1>;tag=peer%u\r\n"
        "To: <sip:test@127.0.0.1>%s%s\r\n"
        "Call-ID: call-%u@peer\r\nCSeq: %u %s\r\nContact: <sip:peer@127.0.0.1:%u>\r\nMax-Forwards: 70\r\n"
        "%s%sContent-Length: %zu\r\n\r\n%s",
        method, peer_service_port(), own_port, call_number, cseq, reused, call_number,
        tag[0] != '\0' && strcmp(method, "CANCEL") != 0 ? ";tag=" : "",
        strcmp(method, "CANCEL") != 0 ? tag : "", call_number, cseq, method, own_port, headers,
        sdp != NULL ? "Content-Type: application/sdp\r\n" : "", sdp != NULL ? strlen(sdp) : 0,
        sdp != NULL ? sdp : "");
    send_text(text);
}

static int copy_header(char *text, size_t at, size_t size, const char *name, const char *more)
{
    return snprintf(text + at, size - at, "%s: %s%s\r\n", name, peer_header(request, name), more);
}

void peer_response(const char *status_line, const char *headers, const char *sdp)
{
    char text[8000];
    int at = snprintf(text, sizeof(text), "SIP/2.0 %s\r\n", status_line);

    at += copy_header(text, (size_t)at, sizeof(text), "Via", "");
    at += copy_header(text, (size_t)at, sizeof(text), "From", "");
    at += copy_header(text, (size_t)at, sizeof(text), "To",
                      strstr(peer_header(request, "To"), "tag=") != NULL ? "" : ";tag=peer");
    at += copy_header(text, (size_t)at, sizeof(text), "Call-ID", "");
    at += copy_header(text, (size_t)at, sizeof(text), "CSeq", "");
    snprintf(text + at, sizeof(text) - (size_t)at,
             "Contact: <sip:peer@127.0.0.1:%u>\r\n%s%sContent-Length: %zu\r\n\r\n%s", own_port,
             headers, sdp != NULL ? "Content-Type: application/sdp\r\n" : "",
             sdp != NULL ? strlen(sdp) : 0, sdp != NULL ? sdp : "");
    send_text(text);
}

void peer_respond(const char *to_request, const char *status_line, const char *to_tag,
                  const char *headers, const char *sdp)
{
    static const char *const copied[] = {"Via", "From", "Call-ID", "CSeq"};
    char text[8000];
    int at = snprintf(text, sizeof(text), "SIP/2.0 %s\r\n", status_line);

    for (unsigned i = 0; i < 4; ++i) {
        at += snprintf(text + at, sizeof(text) - (size_t)at, "%s: %s\r\n", copied[i],
                       peer_header(to_request, copied[i]));
    }
    at += snprintf(text + at, sizeof(text) - (size_t)at, "To: %s%s%s\r\n",
                   peer_header(to_request, "To"), to_tag[0] != '\0' ? ";tag=" : "", to_tag);
    snprintf(text + at, sizeof(text) - (size_t)at, "%s%sContent-Length: %zu\r\n\r\n%s", headers,
             sdp != NULL ? "Content-Type: application/sdp\r\n" : "", sdp != NULL ? strlen(sdp) : 0,
             sdp != NULL ? sdp : "");
    send_text(text);
}

void peer_response_to_invite(const char *status_line)
{
    strcpy(request, invite);
    peer_response(status_line, "", NULL);
}

const char *peer_header(const char *message, const char *name)
{
    char start[64];
    const char *line;

    snprintf(start, sizeof(start), "\r\n%s: ", name);
    line = strstr(message, start);
    if (line == NULL) {
        return "";
    }
    line += strlen(start);
    snprintf(value, sizeof(value), "%.*s", (int)strcspn(line, "\r"), line);
    return value;
}

static int receive(void)
{
    ssize_t size = recv(sock, received, sizeof(received) - 1, MSG_DONTWAIT);
    const char *to;

    if (size <= 0) {
        return 0;
    }
    received[size] = '\0';
    if (strncmp(received, "SIP/2.0", 7) != 0) {
        strcpy(request, received);
        if (strncmp(received, "INVITE ", 7) == 0) {
            strcpy(invite, received);
        }
        return 1;
    }
    to = strstr(peer_header(received, "To"), ";tag=");
    if (to != NULL) {
        snprintf(tag, sizeof(tag), "%s", to + 5);
    }
    return 1;
}

void peer_new_call(void)
{
    while (receive()) { /* retransmissions of the call before */
    }
    ++call_number;
    cseq = 1;
    tag[0] = '\0';
}

const char *peer_receive(void)
{
    sip_loop_turn(1);
    return receive() ? received : NULL;
}

const char *peer_expect(const char *start)
{
    long end = now_ms() + 5000;

    while (now_ms() < end) {
        while (receive()) {
            if (strncmp(received, start, strlen(start)) == 0) {
                return received;
            }
        }
        sip_loop_turn(5);
    }
    fail_msg("'%s' did not come within 5 s; the last was:\n%s", start, received);
    return NULL;
}

void peer_expect_silence(unsigned ms)
{
    long end = now_ms() + (long)ms;

    while (now_ms() < end) {
        if (receive()) {
            fail_msg("nothing should have come, but:\n%s", received);
        }
        sip_loop_turn(5);
    }
}

void peer_wait(int (*condition)(void))
{
    long end = now_ms() + 5000;

    while (!condition() && now_ms() < end) {
        sip_loop_turn(5);
    }
    assert_true(condition());
}

unsigned peer_count(const char *message, const char *text)
{
    unsigned found = 0;

    for (const char *at = message; (at = strstr(at, text)) != NULL; at += strlen(text)) {
        ++found;
    }
    return found;
}

int peer_none_left(void)
{
    return ast_sip_session_count() == 0;
}

/* ---- SDP ---- */

const char peer_offer[] =
    "v=0\r\no=peer 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

static int take_sdp(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    (void)session;
    (void)rdata;
    return 0;
}

static void add_sdp(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    struct ast_sip_body body = {
        .type = "application",
        .subtype = "sdp",
        .body_text = "v=0\r\no=us 7 7 IN IP4 127.0.0.1\r\ns=page\r\nc=IN IP4 127.0.0.1\r\n"
                     "t=0 0\r\nm=audio 5000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"};

    (void)session;
    assert_int_equal(ast_sip_add_body(tdata, &body), 0);
}

const struct ast_sip_session_sdp_handler peer_page_handler = {.handle_incoming_sdp = take_sdp,
                                                              .add_outgoing_sdp = add_sdp};

int peer_write_audio(struct ast_sip_session *session, struct ast_sip_session_stream *stream,
                     pj_pool_t *pool, struct pjmedia_sdp_media **media)
{
    pjmedia_sdp_media *made = PJ_POOL_ZALLOC_T(pool, pjmedia_sdp_media);

    (void)session;
    (void)stream;
    made->desc.media = pj_str("audio");
    made->desc.port = 5000;
    made->desc.transport = pj_str("RTP/AVP");
    made->desc.fmt[made->desc.fmt_count++] = pj_str("0");
    *media = made;
    return 0;
}

/* ---- what most tests have in common ---- */

struct ast_sip_session *peer_held;
int peer_answer = 200;

void peer_hold(struct ast_sip_session *session)
{
    ast_sip_session_unref(peer_held);
    peer_held = ast_sip_session_ref(session);
}

int peer_is_confirmed(void)
{
    return ast_sip_session_get_state(peer_held) == AST_SIP_SESSION_STATE_CONFIRMED;
}

static int on_invite(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    if (peer_held == NULL) {
        peer_hold(session);
        ast_sip_session_send_response(session, peer_answer, rdata);
    }
    return 0;
}

struct ast_sip_session_extension peer_answering = {.method = "INVITE",
                                                   .name = "test",
                                                   .incoming_request = on_invite};

int peer_group_start(void **state)
{
    (void)state;
    peer_start();
    return 0;
}

int peer_group_stop(void **state)
{
    (void)state;
    peer_stop();
    return 0;
}

int peer_begin(const struct ast_sip_session_sdp_handler *handler,
               struct ast_sip_session_extension *extension)
{
    peer_new_call();
    assert_int_equal(ast_sip_session_register_sdp_handler(handler), 0);
    return extension != NULL ? ast_sip_session_register_extension(extension) : 0;
}

int peer_end(const struct ast_sip_session_sdp_handler *handler,
             struct ast_sip_session_extension *extension)
{
    peer_wait(peer_none_left);
    ast_sip_session_unref(peer_held);
    peer_held = NULL;
    if (extension != NULL) {
        ast_sip_session_unregister_extension(extension);
    }
    ast_sip_session_unregister_sdp_handler(handler);
    return 0;
}

int peer_answering_begin(void **state)
{
    (void)state;
    return peer_begin(&peer_page_handler, &peer_answering);
}

int peer_answering_end(void **state)
{
    (void)state;
    return peer_end(&peer_page_handler, &peer_answering);
}

const char *peer_expect_copy(const char *start, char *copy, size_t size)
{
    snprintf(copy, size, "%s", peer_expect(start));
    return copy;
}

const char *peer_call_up(const char *headers, const char *sdp, const char *answer)
{
    static char copy[8000];

    peer_request("INVITE", headers, sdp);
    peer_expect_copy("SIP/2.0 200", copy, sizeof(copy));
    peer_request("ACK", "", answer);
    peer_wait(peer_is_confirmed);
    return copy;
}

void peer_hang_up(void)
{
    peer_next_cseq();
    peer_request("BYE", "", NULL);
    peer_expect("SIP/2.0 200");
}
