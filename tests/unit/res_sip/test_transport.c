/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP and TCP on IPv4 and IPv6, where dialogs are reached, and what cannot be bound. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "res_sip/core.h"
#include "res_sip/transport/transport.h"

static struct sip_config *config_of(const char *address, int protocol)
{
    struct sip_config *config = test_config(address, protocol);

    test_add_endpoint(config, "alice");
    return config;
}

static void ask_over(const char *address, int protocol)
{
    int fd;

    test_start(config_of(address, protocol), NULL);
    fd = test_connect(0);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "a", NULL, NULL), NULL), 200);
    close(fd);
    test_stop();
}

static void test_each(void **state)
{
    (void)state;
    ask_over("127.0.0.1", SIP_TRANSPORT_UDP);
    ask_over("::1", SIP_TRANSPORT_UDP);
    ask_over("127.0.0.1", SIP_TRANSPORT_TCP);
    ask_over("::1", SIP_TRANSPORT_TCP);
}

/* A stream has no bounds: a message in pieces, two in one. */
static void test_tcp_framing(void **state)
{
    char both[4000], answer[8000] = "";
    const char *request;
    int fd, length = 0, i;

    (void)state;
    test_start(config_of("127.0.0.1", SIP_TRANSPORT_TCP), NULL);
    fd = test_connect(0);
    request = test_request("OPTIONS", "alice", "t1", NULL, NULL);
    snprintf(both, sizeof(both), "%s", request);
    snprintf(both + strlen(both), sizeof(both) - strlen(both), "\r\n%s",
             test_request("OPTIONS", "alice", "t2", NULL, NULL));
    test_send(fd, "\r\n");
    for (i = 0; both[i]; i += 100) {
        char piece[101];

        snprintf(piece, sizeof(piece), "%.100s", both + i);
        test_send(fd, piece);
        usleep(2000);
    }
    while (!strstr(answer, "z9hG4bK-t2") || !strstr(answer, "z9hG4bK-t1")) {
        int got = test_receive(fd, answer + length, sizeof(answer) - (size_t)length, 5000);

        assert_true(got > 0);
        length += got;
    }
    close(fd);
    test_stop();
}

/* RFC 5626 4.4.1: a double CRLF is answered with one, and what follows is read. */
static void test_tcp_keep_alive(void **state)
{
    char answer[1000];
    int fd;

    (void)state;
    test_start(config_of("127.0.0.1", SIP_TRANSPORT_TCP), NULL);
    fd = test_connect(0);
    test_send(fd, "\r\n\r\n");
    assert_int_equal(test_receive(fd, answer, sizeof(answer), 5000), 2);
    assert_string_equal(answer, "\r\n");
    test_send(fd, "\r\n"); /* one alone is nothing */
    assert_int_equal(test_receive(fd, answer, sizeof(answer), 100), -1);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "k", NULL, NULL), NULL), 200);
    test_send(fd, "\r\n\r\n");
    assert_int_equal(test_receive(fd, answer, sizeof(answer), 5000), 2);
    assert_int_equal(test_counters().malformed, 0);
    close(fd);
    test_stop();
}

/* An option of a socket of this process. */
static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof(value);

    assert_int_equal(getsockopt(fd, level, name, &value, &length), 0);
    return value;
}

/* The socket of this process whose own, or whose peer's, port is this one; not `but`. */
static int socket_with(int peer, int port, int but)
{
    for (int fd = 3; fd < 200; fd++) {
        struct sockaddr_in address = {0};
        socklen_t length = sizeof(address);

        if (fd != but &&
            (peer ? getpeername(fd, (struct sockaddr *)&address, &length)
                  : getsockname(fd, (struct sockaddr *)&address, &length)) == 0 &&
            address.sin_family == AF_INET && ntohs(address.sin_port) == port) {
            return fd;
        }
    }
    fail_msg("no socket with port %d", port);
    return -1;
}

static int local_port(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t length = sizeof(address);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static void test_options_of_sockets(void **state)
{
    struct sip_config *config = config_of("127.0.0.1", SIP_TRANSPORT_TCP);
    struct sip_transport_config *udp =
        test_add_transport(config, "udp", "127.0.0.1", SIP_TRANSPORT_UDP);
    int fd, socket;

    (void)state;
    config->transports->tcp_keepalive = 77;
    config->transports->tcp_keepalive_interval = 11;
    config->transports->tcp_keepalive_count = 4;
    config->transports->cos = 5;
    config->transports->tos = 0x60;
    udp->cos = 3;
    udp->tos = 0xb8; /* its own priority is not the last word */
    test_start(config, NULL);
    fd = test_connect(0);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "o1", NULL, NULL), NULL), 200);
    socket = socket_with(1, local_port(fd), fd);
    assert_int_equal(option_of(socket, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(socket, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    assert_int_equal(option_of(socket, IPPROTO_TCP, TCP_KEEPINTVL), 11);
    assert_int_equal(option_of(socket, IPPROTO_TCP, TCP_KEEPCNT), 4);
    assert_int_equal(option_of(socket, IPPROTO_TCP, TCP_USER_TIMEOUT), 128000);
    assert_int_equal(option_of(socket, IPPROTO_IP, IP_TOS), 0x60);
    assert_int_equal(option_of(socket, SOL_SOCKET, SO_PRIORITY), 5);
    socket = socket_with(0, test_port(1), -1);
    assert_int_equal(option_of(socket, IPPROTO_IP, IP_TOS), 0xb8);
    assert_int_equal(option_of(socket, SOL_SOCKET, SO_PRIORITY), 3);
    close(fd);
    test_stop();
}

static void test_tcp_peer_goes(void **state)
{
    int fd;

    (void)state;
    test_start(config_of("127.0.0.1", SIP_TRANSPORT_TCP), NULL);
    fd = test_connect(0);
    test_send(fd, "OPTIONS sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/T");
    close(fd);
    fd = test_connect(0);
    test_send(fd, test_request("OPTIONS", "alice", "g1", NULL, NULL));
    close(fd); /* before the answer */
    fd = test_connect(0);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "g2", NULL, NULL), NULL), 200);
    close(fd);
    test_stop();
}

static struct {
    char contact[600];
    char address[100];
    int selector;
} seen;

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    struct ast_sip_endpoint *endpoint = ast_pjsip_rdata_get_endpoint(rdata);
    pjsip_transport_type_e type;
    pjsip_tpselector selector;
    pj_sockaddr address;
    pj_str_t contact;

    if (sip_make_contact(rdata->tp_info.pool, rdata, endpoint, NULL, &contact) == 0) {
        snprintf(seen.contact, sizeof(seen.contact), "%s", contact.ptr);
    }
    if (sip_local_address(rdata, endpoint, NULL, &address, &type) == 0) {
        pj_sockaddr_print(&address, seen.address, sizeof(seen.address), 3);
    }
    if (sip_transport_selector(endpoint, &selector) == 0) {
        seen.selector = selector.type;
    }
    return PJ_FALSE;
}

static void register_watcher(void)
{
    test_watch(on_request);
}

/* Contact of an incoming dialog: where the request arrived. */
static void expect_contact(const char *bound, int protocol, const char *reached, const char *format)
{
    char contact[200];
    int fd;

    memset(&seen, 0, sizeof(seen));
    test_start(config_of(bound, protocol), register_watcher);
    fd = test_connect_to(0, reached);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "c", NULL, NULL), NULL), 200);
    snprintf(contact, sizeof(contact), format, test_port(0));
    assert_string_equal(seen.contact, contact);
    assert_non_null(strstr(contact, seen.address));
    assert_int_equal(seen.selector, PJSIP_TPSELECTOR_NONE);
    close(fd);
    test_stop();
}

static void test_contact_of_incoming(void **state)
{
    (void)state;
    expect_contact("127.0.0.1", SIP_TRANSPORT_UDP, "127.0.0.1", "<sip:100@127.0.0.1:%d>");
    expect_contact("127.0.0.3", SIP_TRANSPORT_UDP, "127.0.0.3", "<sip:100@127.0.0.3:%d>");
    expect_contact("0.0.0.0", SIP_TRANSPORT_UDP, "127.0.0.1", "<sip:100@127.0.0.1:%d>");
    expect_contact("0.0.0.0", SIP_TRANSPORT_UDP, "127.0.0.9", "<sip:100@127.0.0.9:%d>");
    expect_contact("0.0.0.0", SIP_TRANSPORT_TCP, "127.0.0.9",
                   "<sip:100@127.0.0.9:%d;transport=tcp>");
    expect_contact("::", SIP_TRANSPORT_UDP, "::1", "<sip:100@[::1]:%d>");
    expect_contact("::1", SIP_TRANSPORT_UDP, "::1", "<sip:100@[::1]:%d>");
    expect_contact("::1", SIP_TRANSPORT_TCP, "::1", "<sip:100@[::1]:%d;transport=tcp>");
}

/* What a call to a target would have; "" when there is no way. */
struct outgoing {
    struct ast_sip_endpoint *endpoint;
    const char *target;
    char contact[600];
};

static void make_outgoing(void *data)
{
    struct outgoing *outgoing = data;
    pj_pool_t *pool = pjsip_endpt_create_pool(sip_endpt, "test", 4000, 4000);
    char *target = strdup(outgoing->target);
    pjsip_uri *uri = pjsip_parse_uri(pool, target, strlen(target), 0);
    pj_str_t contact;

    outgoing->contact[0] = '\0';
    if (uri && sip_make_contact(pool, NULL, outgoing->endpoint, uri, &contact) == 0) {
        snprintf(outgoing->contact, sizeof(outgoing->contact), "%s", contact.ptr);
    }
    free(target);
    pj_pool_release(pool);
}

static const char *contact_towards(struct ast_sip_endpoint *endpoint, const char *target)
{
    static struct outgoing outgoing;

    outgoing.endpoint = endpoint;
    outgoing.target = target;
    test_call(make_outgoing, &outgoing);
    return outgoing.contact;
}

static const char *expected(const char *format, unsigned n)
{
    static char text[200];

    snprintf(text, sizeof(text), format, test_port(n));
    return text;
}

static void test_contact_of_outgoing(void **state)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);
    struct ast_sip_endpoint *plain = test_add_endpoint(config, "plain");
    struct ast_sip_endpoint *named = test_add_endpoint(config, "named");
    struct ast_sip_endpoint *proxied = test_add_endpoint(config, "proxied");
    struct ast_sip_endpoint *lost = test_add_endpoint(config, "lost");

    (void)state;
    test_add_transport(config, "six", "::1", SIP_TRANSPORT_TCP);
    test_add_transport(config, "wild", "0.0.0.0", SIP_TRANSPORT_TCP);
    named->transport = strdup("six");
    named->from_user = strdup("me");
    proxied->outbound_proxy = strdup("sip:[::1];transport=tcp");
    lost->transport = strdup("none");
    test_start(config, NULL);
    assert_string_equal(contact_towards(plain, "sip:x@127.0.0.1"),
                        expected("<sip:127.0.0.1:%d>", 0));
    assert_string_equal(contact_towards(NULL, "sip:x@127.0.0.1"),
                        expected("<sip:127.0.0.1:%d>", 0));
    assert_string_equal(contact_towards(plain, "sip:x@some.invalid"),
                        expected("<sip:127.0.0.1:%d>", 0));
    assert_string_equal(contact_towards(plain, "tel:+123"), expected("<sip:127.0.0.1:%d>", 0));
    assert_string_equal(contact_towards(plain, "sip:x@127.0.0.1;transport=tcp"),
                        expected("<sip:127.0.0.1:%d;transport=tcp>", 2));
    assert_string_equal(contact_towards(plain, "sip:x@[::1];transport=TCP"),
                        expected("<sip:[::1]:%d;transport=tcp>", 1));
    assert_string_equal(contact_towards(named, "sip:x@127.0.0.1"),
                        expected("<sip:me@[::1]:%d;transport=tcp>", 1));
    assert_string_equal(contact_towards(proxied, "sip:x@127.0.0.1"),
                        expected("<sip:[::1]:%d;transport=tcp>", 1));
    assert_string_equal(contact_towards(plain, "sip:x@[::1]"), ""); /* no UDP on IPv6 */
    assert_string_equal(contact_towards(lost, "sip:x@127.0.0.1"), "");
    test_stop();
}

static void test_contact_user(void **state)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);
    int fd;

    (void)state;
    test_add_endpoint(config, "alice")->contact_user = strdup("a b");
    test_start(config, register_watcher);
    fd = test_connect(0);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "c", NULL, NULL), NULL), 200);
    assert_string_equal(seen.contact, expected("<sip:a%%20b@127.0.0.1:%d>", 0));
    close(fd);
    test_stop();
}

static void test_named_transport(void **state)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);
    int fd;

    (void)state;
    test_add_transport(config, "stream", "127.0.0.1", SIP_TRANSPORT_TCP);
    test_add_endpoint(config, "alice")->transport = strdup("stream");
    test_add_endpoint(config, "bob")->transport = strdup("main");
    test_start(config, register_watcher);
    fd = test_connect(0);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "alice", "c1", NULL, NULL), NULL), 200);
    assert_int_equal(seen.selector, PJSIP_TPSELECTOR_LISTENER);
    assert_int_equal(test_ask(fd, test_request("OPTIONS", "bob", "c2", NULL, NULL), NULL), 200);
    assert_int_equal(seen.selector, PJSIP_TPSELECTOR_TRANSPORT);
    close(fd);
    test_stop();
}

/* Two of a kind on different addresses: each answers from its own. */
static void test_two_of_a_kind(void **state)
{
    struct sip_config *config = config_of("127.0.0.1", SIP_TRANSPORT_UDP);
    int one, two;

    (void)state;
    test_add_transport(config, "second", "127.0.0.2", SIP_TRANSPORT_UDP);
    test_start(config, register_watcher);
    one = test_connect(0);
    two = test_connect(1);
    assert_int_equal(test_ask(two, test_request("OPTIONS", "alice", "1", NULL, NULL), NULL), 200);
    assert_string_equal(seen.contact, expected("<sip:100@127.0.0.2:%d>", 1));
    assert_int_equal(test_ask(one, test_request("OPTIONS", "alice", "2", NULL, NULL), NULL), 200);
    assert_string_equal(seen.contact, expected("<sip:100@127.0.0.1:%d>", 0));
    close(one);
    close(two);
    test_stop();
}

/* 0.0.0.0 and :: on the same port, as people write it. */
static void test_both_families(void **state)
{
    struct sip_config *config = config_of("0.0.0.0", SIP_TRANSPORT_UDP);
    int port;

    (void)state;
    test_start(config, NULL);
    port = test_port(0);
    test_stop();
    config = config_of("0.0.0.0", SIP_TRANSPORT_UDP);
    test_add_transport(config, "udp6", "::", SIP_TRANSPORT_UDP);
    test_add_transport(config, "tcp", "0.0.0.0", SIP_TRANSPORT_TCP);
    test_add_transport(config, "tcp6", "::", SIP_TRANSPORT_TCP);
    for (struct sip_transport_config *one = config->transports; one; one = one->next) {
        pj_sockaddr_set_port(&one->bind, (pj_uint16_t)port);
    }
    test_start(config, NULL);
    test_stop();
}

static void test_cannot_bind(void **state)
{
    struct sip_config *config;
    int udp, tcp;

    (void)state;
    config = config_of("127.0.0.1", SIP_TRANSPORT_UDP);
    test_add_transport(config, "stream", "127.0.0.1", SIP_TRANSPORT_TCP);
    test_start(config, NULL);
    udp = test_port(0);
    tcp = test_port(1);
    test_stop();
    /* the same twice in one configuration: the second cannot be had, and all is undone */
    config = config_of("127.0.0.1", SIP_TRANSPORT_UDP);
    pj_sockaddr_set_port(&config->transports->bind, (pj_uint16_t)udp);
    pj_sockaddr_set_port(&test_add_transport(config, "again", "127.0.0.1", SIP_TRANSPORT_UDP)->bind,
                         (pj_uint16_t)udp);
    test_start_fails(config);
    config = config_of("127.0.0.1", SIP_TRANSPORT_TCP);
    pj_sockaddr_set_port(&config->transports->bind, (pj_uint16_t)tcp);
    pj_sockaddr_set_port(&test_add_transport(config, "again", "127.0.0.1", SIP_TRANSPORT_TCP)->bind,
                         (pj_uint16_t)tcp);
    test_start_fails(config);
    test_start_fails(config_of("192.0.2.77", SIP_TRANSPORT_UDP));
    test_start_fails(config_of("192.0.2.77", SIP_TRANSPORT_TCP));
    ask_over("127.0.0.1", SIP_TRANSPORT_UDP);
}

/* Of 1000 messages for one, 10000 are much for all: then 10 for one. */
static void test_unsent(void **state)
{
    (void)state;
    assert_false(sip_unsent_is_too_much(1000, 999, 999));
    assert_true(sip_unsent_is_too_much(1000, 1000, 1000));
    assert_false(sip_unsent_is_too_much(1000, 999, 9999));
    assert_true(sip_unsent_is_too_much(1000, 10, 10000));
    assert_false(sip_unsent_is_too_much(1000, 9, 20000));
    assert_false(sip_unsent_is_too_much(10, 0, 100000));
    assert_true(sip_unsent_is_too_much(10, 1, 100000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_tcp_framing),
        cmocka_unit_test(test_tcp_keep_alive),
        cmocka_unit_test(test_options_of_sockets),
        cmocka_unit_test(test_unsent),
        cmocka_unit_test(test_tcp_peer_goes),
        cmocka_unit_test(test_contact_of_incoming),
        cmocka_unit_test(test_contact_of_outgoing),
        cmocka_unit_test(test_contact_user),
        cmocka_unit_test(test_named_transport),
        cmocka_unit_test(test_two_of_a_kind),
        cmocka_unit_test(test_both_families),
        cmocka_unit_test(test_cannot_bind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
