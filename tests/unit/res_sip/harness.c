/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "harness.h"
#include "res_sip/transport/transport.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_TRANSPORTS 4

struct server {
    pthread_t thread;
    struct sip_config *config;
    void (*started)(void);
    int result;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int ready;
    pj_sockaddr address[MAX_TRANSPORTS];
    int protocol[MAX_TRANSPORTS];
};

static struct server server;

struct sip_transport_config *test_add_transport(struct sip_config *config, const char *name,
                                                const char *address, int protocol)
{
    struct sip_transport_config *transport = calloc(1, sizeof(*transport));
    struct sip_transport_config **last = &config->transports;
    pj_str_t host = {(char *)address, (pj_ssize_t)strlen(address)};

    assert_non_null(transport);
    transport->name = strdup(name);
    transport->protocol = protocol;
    if (pj_sockaddr_init(strchr(address, ':') ? PJ_AF_INET6 : PJ_AF_INET, &transport->bind, &host,
                         0) != PJ_SUCCESS) {
        fail_msg("bad address %s", address);
    }
    while (*last) {
        last = &(*last)->next;
    }
    *last = transport;
    return transport;
}

struct sip_config *test_config(const char *address, int protocol)
{
    struct sip_config *config = sip_config_create();

    assert_non_null(config);
    test_add_transport(config, "main", address, protocol);
    return config;
}

struct ast_sip_endpoint *test_add_endpoint(struct sip_config *config, const char *name)
{
    struct sip_endpoint_entry *entry = calloc(1, sizeof(*entry));

    assert_non_null(entry);
    entry->endpoint = ast_sip_endpoint_create(name);
    assert_non_null(entry->endpoint);
    entry->next = config->endpoints;
    config->endpoints = entry;
    return entry->endpoint;
}

void test_add_identify(struct sip_config *config, const char *endpoint, const char *network)
{
    struct sip_identify_config *identify = calloc(1, sizeof(*identify));
    char address[64];
    const char *slash = strchr(network, '/');
    pj_str_t host;

    assert_non_null(identify);
    assert_non_null(slash);
    identify->name = strdup(network);
    identify->endpoint = strdup(endpoint);
    identify->match = calloc(1, sizeof(identify->match[0]));
    identify->match_count = 1;
    snprintf(address, sizeof(address), "%.*s", (int)(slash - network), network);
    host.ptr = address;
    host.slen = (pj_ssize_t)strlen(address);
    assert_int_equal(pj_sockaddr_init(strchr(address, ':') ? PJ_AF_INET6 : PJ_AF_INET,
                                      &identify->match[0].address, &host, 0),
                     PJ_SUCCESS);
    identify->match[0].prefix = (unsigned)atoi(slash + 1);
    identify->next = config->identifies;
    config->identifies = identify;
}

static void note_addresses(void)
{
    const struct sip_transport *transport = sip_transports();
    unsigned i;

    for (i = 0; transport && i < MAX_TRANSPORTS; i++, transport = transport->next) {
        server.address[i] = transport->address;
        server.protocol[i] = transport->config->protocol;
    }
}

static void tell(int result)
{
    pthread_mutex_lock(&server.lock);
    server.result = result;
    server.ready = 1;
    pthread_cond_broadcast(&server.changed);
    pthread_mutex_unlock(&server.lock);
}

static void *sip_thread(void *data)
{
    int result = sip_start(server.config);

    (void)data;
    if (result != 0) {
        tell(-1);
        return NULL;
    }
    note_addresses();
    if (server.started) {
        server.started();
    }
    tell(0);
    sip_run();
    sip_destroy();
    return NULL;
}

static int start(struct sip_config *config, void (*started)(void))
{
    memset(&server, 0, sizeof(server));
    server.config = config;
    server.started = started;
    pthread_mutex_init(&server.lock, NULL);
    pthread_cond_init(&server.changed, NULL);
    assert_int_equal(pthread_create(&server.thread, NULL, sip_thread, NULL), 0);
    pthread_mutex_lock(&server.lock);
    while (!server.ready) {
        pthread_cond_wait(&server.changed, &server.lock);
    }
    pthread_mutex_unlock(&server.lock);
    return server.result;
}

void test_start(struct sip_config *config, void (*started)(void))
{
    assert_int_equal(start(config, started), 0);
}

void test_start_fails(struct sip_config *config)
{
    assert_int_equal(start(config, NULL), -1);
    pthread_join(server.thread, NULL);
}

static int stop_task(void *data)
{
    (void)data;
    sip_stop();
    return 0;
}

void test_stop(void)
{
    assert_int_equal(ast_sip_push_task(stop_task, NULL), 0);
    pthread_join(server.thread, NULL);
    assert_null(sip_tasks());
    assert_int_equal(ast_sip_push_task(stop_task, NULL), -1);
}

struct call {
    void (*function)(void *data);
    void *data;
    int done;
};

static int call_task(void *data)
{
    struct call *call = data;

    call->function(call->data);
    pthread_mutex_lock(&server.lock);
    call->done = 1;
    pthread_cond_broadcast(&server.changed);
    pthread_mutex_unlock(&server.lock);
    return 0;
}

void test_call(void (*function)(void *data), void *data)
{
    struct call call = {function, data, 0};

    assert_int_equal(ast_sip_push_task(call_task, &call), 0);
    pthread_mutex_lock(&server.lock);
    while (!call.done) {
        pthread_cond_wait(&server.changed, &server.lock);
    }
    pthread_mutex_unlock(&server.lock);
}

static void get_counters(void *data)
{
    *(struct sip_counters *)data = sip_counters;
}

struct sip_counters test_counters(void)
{
    struct sip_counters counters;

    test_call(get_counters, &counters);
    return counters;
}

int test_port(unsigned n)
{
    return pj_sockaddr_get_port(&server.address[n]);
}

static int connect_to(unsigned n, const pj_sockaddr *address)
{
    int type = server.protocol[n] == SIP_TRANSPORT_TCP ? SOCK_STREAM : SOCK_DGRAM;
    int fd = socket(address->addr.sa_family, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)address, pj_sockaddr_get_len(address)),
                     0);
    return fd;
}

int test_connect(unsigned n)
{
    return connect_to(n, &server.address[n]);
}

int test_connect_to(unsigned n, const char *address)
{
    pj_str_t host = {(char *)address, (pj_ssize_t)strlen(address)};
    pj_sockaddr to;

    assert_int_equal(pj_sockaddr_init(server.address[n].addr.sa_family, &to, &host,
                                      (pj_uint16_t)test_port(n)),
                     PJ_SUCCESS);
    return connect_to(n, &to);
}

void test_send(int fd, const char *text)
{
    size_t length = strlen(text);

    assert_int_equal(send(fd, text, length, MSG_NOSIGNAL), (int)length);
}

int test_receive(int fd, char *buffer, size_t size, int ms)
{
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    ssize_t length;

    if (poll(&waiting, 1, ms) <= 0) {
        return -1;
    }
    length = recv(fd, buffer, size - 1, 0);
    if (length < 0) {
        return -1;
    }
    buffer[length] = '\0';
    return (int)length;
}

const char *test_request(const char *method, const char *from, const char *id, const char *extra,
                         const char *body)
{
    static char text[70000];

    snprintf(text, sizeof(text),
             "%s sip:100@127.0.0.1 SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 127.0.0.1:5999;rport;branch=z9hG4bK-%s\r\n"
             "Max-Forwards: 70\r\n"
             "From: <sip:%s@example.com>;tag=f%s\r\n"
             "To: <sip:100@127.0.0.1>\r\n"
             "Call-ID: %s\r\n"
             "CSeq: 1 %.*s\r\n"
             "%s"
             "Content-Length: %zu\r\n\r\n%s",
             method, id, from, id, id, (int)strcspn(method, " "), method, extra ? extra : "",
             body ? strlen(body) : 0, body ? body : "");
    return text;
}

int test_ask(int fd, const char *request, const char **answer)
{
    static char buffer[70000];
    int status = -1;

    test_send(fd, request);
    if (test_receive(fd, buffer, sizeof(buffer), 5000) <= 0) {
        return -1;
    }
    assert_int_equal(sscanf(buffer, "SIP/2.0 %d ", &status), 1);
    if (answer) {
        *answer = buffer;
    }
    return status;
}

void test_make_answer(const char *request, const char *status_line, char *out, size_t size)
{
    static const char *const copied[] = {"\r\nVia: ", "\r\nFrom: ", "\r\nTo: ", "\r\nCall-ID: ",
                                         "\r\nCSeq: "};
    size_t used = (size_t)snprintf(out, size, "SIP/2.0 %s", status_line), i;

    for (i = 0; i < sizeof(copied) / sizeof(copied[0]); i++) {
        const char *header = strstr(request, copied[i]);

        assert_non_null(header);
        used += (size_t)snprintf(out + used, size - used, "\r\n%.*s",
                                 (int)strcspn(header + 2, "\r"), header + 2);
    }
    snprintf(out + used, size - used, "\r\nContent-Length: 0\r\n\r\n");
}

void test_watch(pj_bool_t (*on_request)(pjsip_rx_data *rdata))
{
    static pjsip_module watcher = {
        .name = {(char *)"watcher", 7},
        .id = -1,
        .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    };

    watcher.on_rx_request = on_request;
    assert_int_equal(ast_sip_register_service(&watcher), 0);
}

/* ---- requests of the server's ---- */

void test_peer_open(struct test_peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(peer->fd, (struct sockaddr *)&address, &length), 0);
    peer->port = ntohs(address.sin_port);
}

const char *test_peer_receive(struct test_peer *peer)
{
    struct pollfd waiting = {.fd = peer->fd, .events = POLLIN};
    socklen_t length = sizeof(peer->requester);
    ssize_t size;

    assert_int_equal(poll(&waiting, 1, 5000), 1);
    size = recvfrom(peer->fd, peer->request, sizeof(peer->request) - 1, 0,
                    (struct sockaddr *)&peer->requester, &length);
    assert_true(size > 0);
    peer->request[size] = '\0';
    return peer->request;
}

void test_peer_answer(const struct test_peer *peer, const char *status_line)
{
    char response[4000];

    test_make_answer(peer->request, status_line, response, sizeof(response));
    assert_true(sendto(peer->fd, response, strlen(response), 0,
                       (const struct sockaddr *)&peer->requester, sizeof(peer->requester)) > 0);
}

static struct test_outcome outcome; /* under server.lock while the server runs */

void test_outcome_reset(void)
{
    memset(&outcome, 0, sizeof(outcome));
}

void test_outcome_note(int status)
{
    pthread_mutex_lock(&server.lock);
    outcome.calls++;
    outcome.status = status;
    pthread_mutex_unlock(&server.lock);
}

struct test_outcome test_outcome(void)
{
    struct test_outcome copy;

    pthread_mutex_lock(&server.lock);
    copy = outcome;
    pthread_mutex_unlock(&server.lock);
    return copy;
}

void test_catch_up(void)
{
    static unsigned number;
    int fd = test_connect(0);
    char id[20];

    snprintf(id, sizeof(id), "behind%u", number++);
    assert_true(test_ask(fd, test_request("OPTIONS", "nobody", id, NULL, NULL), NULL) > 0);
    close(fd);
}

void test_outcome_expect(int status)
{
    for (unsigned i = 0; i < 1000 && test_outcome().calls == 0; i++) {
        usleep(10000);
    }
    test_catch_up();
    assert_int_equal(test_outcome().calls, 1);
    assert_int_equal(test_outcome().status, status);
}

void test_no_outcome(void)
{
    test_catch_up();
    assert_int_equal(test_outcome().calls, 0);
}
