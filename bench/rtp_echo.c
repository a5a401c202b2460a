/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench: how many packets a second and core our media thread echoes, beside a bare loop of recvmmsg and
 * sendmmsg that looks at nothing. Counted is CPU time of the echoing thread alone, so that what sends
 * the packets does not matter.
 *
 *   rtp_echo [STREAMS [PACKETS_AT_ONCE [SECONDS]]]     1 stream, 32 packets, 3 s
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "media/media.h"

#define BATCH   32
#define PAYLOAD 160

static unsigned streams = 1, at_once = 32, seconds = 3;

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- what is compared with ---- */

static struct {
    pthread_t id;
    int epoll_fd;
    int *fds;
    unsigned *ports;
    atomic_bool stop;
} bare;

static struct mmsghdr bare_messages[BATCH];
static struct iovec bare_data[BATCH];
static struct sockaddr_in bare_from[BATCH];
static uint8_t bare_octets[BATCH][1600];

static void *run_bare(void *unused)
{
    struct epoll_event events[64];

    (void)unused;
    for (unsigned i = 0; i < BATCH; i++) {
        bare_data[i].iov_base = bare_octets[i];
        bare_messages[i].msg_hdr.msg_iov = &bare_data[i];
        bare_messages[i].msg_hdr.msg_iovlen = 1;
        bare_messages[i].msg_hdr.msg_name = &bare_from[i];
    }
    while (!atomic_load(&bare.stop)) {
        const int ready = epoll_wait(bare.epoll_fd, events, 64, 100);

        for (int e = 0; e < ready; e++) {
            for (unsigned i = 0; i < BATCH; i++) {
                bare_data[i].iov_len = sizeof(bare_octets[i]);
                bare_messages[i].msg_hdr.msg_namelen = sizeof(bare_from[i]);
            }
            const int count = recvmmsg(events[e].data.fd, bare_messages, BATCH, MSG_DONTWAIT, NULL);

            for (int i = 0; i < count; i++) {
                bare_data[i].iov_len = bare_messages[i].msg_len;
            }
            if (count > 0) {
                (void)sendmmsg(events[e].data.fd, bare_messages, (unsigned)count, MSG_DONTWAIT);
            }
        }
    }
    return NULL;
}

static void start_bare(void)
{
    bare.epoll_fd = epoll_create1(0);
    bare.fds = calloc(streams, sizeof(*bare.fds));
    bare.ports = calloc(streams, sizeof(*bare.ports));
    for (unsigned i = 0; i < streams; i++) {
        struct sockaddr_in name = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        struct epoll_event event = {.events = EPOLLIN};
        socklen_t length = sizeof(name);

        bare.fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        event.data.fd = bare.fds[i];
        if (bind(bare.fds[i], (struct sockaddr *)&name, length) ||
            getsockname(bare.fds[i], (struct sockaddr *)&name, &length) ||
            epoll_ctl(bare.epoll_fd, EPOLL_CTL_ADD, bare.fds[i], &event)) {
            perror("rtp_echo");
            exit(1);
        }
        bare.ports[i] = ntohs(name.sin_port);
    }
    pthread_create(&bare.id, NULL, run_bare, NULL);
}

static void stop_bare(void)
{
    atomic_store(&bare.stop, true);
    pthread_join(bare.id, NULL);
    for (unsigned i = 0; i < streams; i++) {
        close(bare.fds[i]);
    }
    close(bare.epoll_fd);
    free(bare.fds);
    free(bare.ports);
}

/* ---- the load: sends rounds of packets, and waits for each round to come back ---- */

static struct {
    int fd;
    struct sockaddr_in name;
    uint16_t *sequences;
} load;

static void start_load(void)
{
    const int size = 4 << 20;
    socklen_t length = sizeof(load.name);

    load.fd = socket(AF_INET, SOCK_DGRAM, 0);
    load.name =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(load.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    if (bind(load.fd, (struct sockaddr *)&load.name, length) ||
        getsockname(load.fd, (struct sockaddr *)&load.name, &length)) {
        perror("rtp_echo");
        exit(1);
    }
    load.sequences = calloc(streams, sizeof(*load.sequences));
}

static void send_round(unsigned stream, unsigned port)
{
    static uint8_t octets[BATCH][MEDIA_RTP_HEADER + PAYLOAD];
    static struct mmsghdr messages[BATCH];
    static struct iovec data[BATCH];
    struct sockaddr_in to = load.name;

    to.sin_port = htons((uint16_t)port);
    for (unsigned i = 0; i < at_once; i++) {
        const uint16_t sequence = load.sequences[stream]++;
        const struct media_packet packet = {.sequence = sequence,
                                            .timestamp = 160u * sequence,
                                            .ssrc = stream + 1};

        media_packet_write(octets[i], &packet);
        data[i] = (struct iovec){octets[i], sizeof(octets[i])};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &to,
                                              .msg_namelen = sizeof(to),
                                              .msg_iov = &data[i],
                                              .msg_iovlen = 1};
    }
    (void)sendmmsg(load.fd, messages, at_once, 0);
}

static unsigned receive_round(unsigned expected)
{
    static uint8_t octets[BATCH][256];
    static struct mmsghdr messages[BATCH];
    static struct iovec data[BATCH];
    struct timeval wait = {0, 20000};
    unsigned got = 0;

    setsockopt(load.fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    for (unsigned i = 0; i < BATCH; i++) {
        data[i] = (struct iovec){octets[i], sizeof(octets[i])};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &data[i], .msg_iovlen = 1};
    }
    while (got < expected) {
        const int count = recvmmsg(load.fd, messages, BATCH, MSG_WAITFORONE, NULL);

        if (count <= 0) {
            break;
        }
        got += (unsigned)count;
    }
    return got;
}

/* Packets a second of the thread's CPU time */
static double measure(const char *name, pthread_t thread, const unsigned *ports)
{
    clockid_t clock;
    unsigned long long echoed = 0, sent = 0;
    double cpu, wall;

    pthread_getcpuclockid(thread, &clock);
    cpu = seconds_of(clock);
    wall = seconds_of(CLOCK_MONOTONIC);
    while (seconds_of(CLOCK_MONOTONIC) - wall < seconds) {
        for (unsigned stream = 0; stream < streams;) {
            const unsigned last = stream + 32 < streams ? stream + 32 : streams;
            unsigned expected = 0;

            for (; stream < last; stream++, expected += at_once) {
                send_round(stream, ports[stream]);
            }
            sent += expected;
            echoed += receive_round(expected);
        }
    }
    cpu = seconds_of(clock) - cpu;
    wall = seconds_of(CLOCK_MONOTONIC) - wall;
    printf("%-12s %10.0f packets/s of CPU, %8.0f packets/s, %.2f us each, %.2f%% lost\n", name,
           (double)echoed / cpu, (double)echoed / wall, cpu / (double)echoed * 1e6,
           100.0 * (double)(sent - echoed) / (double)sent);
    return (double)echoed / cpu;
}

/* ---- ours ---- */

static int push(int (*task)(void *data), void *data)
{
    (void)task;
    (void)data;
    return -1;
}

static double measure_ours(void)
{
    struct ast_rtp **const rtp = calloc(streams, sizeof(struct ast_rtp *));
    unsigned *const ports = calloc(streams, sizeof(*ports));
    struct media_config config;
    struct ast_rtp_options options;
    struct ast_rtp_params params;
    double result;

    media_config_init(&config);
    if (media_start(&config, push)) {
        exit(1);
    }
    ast_rtp_options_init(&options);
    ast_rtp_params_init(&params);
    pj_sockaddr_init(pj_AF_INET(), &options.address, NULL, 0);
    options.address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    params.codec = ast_codec_find("ulaw");
    params.remote_rtp = options.address;
    params.remote_rtp.ipv4.sin_port = load.name.sin_port;
    for (unsigned i = 0; i < streams; i++) {
        if (ast_rtp_create(&rtp[i], &options)) {
            exit(1);
        }
        ast_rtp_start(rtp[i], &params);
        ast_rtp_set_echo(rtp[i]);
        ports[i] = ast_rtp_port(rtp[i]);
    }
    result = measure("sipsession", rtp[0]->thread->id, ports);
    for (unsigned i = 0; i < streams; i++) {
        ast_rtp_destroy(rtp[i]);
    }
    media_stop();
    free(rtp);
    free(ports);
    return result;
}

int main(int argc, char **argv)
{
    double ours, theirs;

    streams = argc > 1 ? (unsigned)atoi(argv[1]) : streams;
    at_once = argc > 2 ? (unsigned)atoi(argv[2]) : at_once;
    seconds = argc > 3 ? (unsigned)atoi(argv[3]) : seconds;
    if (streams < 1 || streams > 4000 || at_once < 1 || at_once > BATCH || seconds < 1) {
        fprintf(stderr, "rtp_echo [STREAMS [PACKETS_AT_ONCE [SECONDS]]]\n");
        return 2;
    }
    pj_log_set_level(1);
    pj_init();
    printf("%u streams, %u packets at once, %u s each\n", streams, at_once, seconds);
    start_load();
    start_bare();
    theirs = measure("bare loop", bare.id, bare.ports);
    stop_bare();
    memset(load.sequences, 0, streams * sizeof(*load.sequences));
    ours = measure_ours();
    printf("ratio %.2f\n", ours / theirs);
    free(load.sequences);
    close(load.fd);
    pj_shutdown();
    return 0;
}
