/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media: pairs of ports out of a range on one address, RTP even and RTCP the next (RFC 3550 11). A bit
 * for each pair that is open; the search begins at a random pair, so that nobody can guess who gets
 * which, and goes 64 pairs a step. Ranges are made on the SIP thread; bits are cleared by any thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sipsession/log.h>

#include "media/media.h"

struct media_range {
    struct media_range *next;
    union media_address address; /* its port is 0 */
    unsigned first;              /* even */
    unsigned pairs;
    pthread_mutex_t lock; /* of what follows */
    unsigned used;
    uint64_t taken[];
};

static struct {
    unsigned port_start, port_end;
    int tos;
    struct media_range *ranges;
} all;

void media_range_init(unsigned port_start, unsigned port_end, int tos)
{
    all.port_start = port_start;
    all.port_end = port_end;
    all.tos = tos;
}

void media_range_change(unsigned port_start, unsigned port_end)
{
    all.port_start = port_start;
    all.port_end = port_end;
}

void media_range_free_all(void)
{
    while (all.ranges) {
        struct media_range *range = all.ranges;

        all.ranges = range->next;
        pthread_mutex_destroy(&range->lock);
        free(range);
    }
}

static struct media_range *make_range(const union media_address *address, unsigned first,
                                      unsigned pairs)
{
    const size_t words = (pairs + 63) / 64;
    struct media_range *range = calloc(1, sizeof(*range) + words * sizeof(range->taken[0]));

    if (!range) {
        ast_error_limited("media: no memory for a range of ports");
        return NULL;
    }
    range->address = *address;
    range->address.v4.sin_port = 0;
    range->first = first;
    range->pairs = pairs;
    pthread_mutex_init(&range->lock, NULL);
    if (pairs % 64 != 0) { /* those behind the end are never free */
        range->taken[words - 1] = ~0ull << (pairs % 64);
    }
    range->next = all.ranges;
    all.ranges = range;
    return range;
}

struct media_range *media_range_get(const union media_address *address, unsigned port_start,
                                    unsigned port_end)
{
    unsigned pairs;

    if (port_start == 0) {
        port_start = all.port_start;
        port_end = all.port_end;
    }
    port_start += port_start % 2;
    if (port_end > 65535 || port_start < 2 || port_end < port_start + 1) {
        ast_error_limited("media: no pair of ports in the range %u to %u", port_start, port_end);
        return NULL;
    }
    pairs = (port_end + 1 - port_start) / 2;
    for (struct media_range *range = all.ranges; range; range = range->next) {
        if (range->first == port_start && range->pairs == pairs &&
            media_address_same_host(&range->address, address)) {
            return range;
        }
    }
    return make_range(address, port_start, pairs);
}

/* Takes a pair that is free at or behind `from`, round the end; its index, or -1. */
static int take(struct media_range *range, unsigned from)
{
    const unsigned words = (range->pairs + 63) / 64;
    int found = -1;

    pthread_mutex_lock(&range->lock);
    for (unsigned step = 0; step <= words && found < 0; step++) {
        const unsigned word = (from / 64 + step) % words;
        uint64_t free_bits = ~range->taken[word];

        if (step == 0) {
            free_bits &= ~0ull << (from % 64);
        }
        if (free_bits) {
            found = (int)(word * 64) + __builtin_ctzll(free_bits);
            range->taken[word] |= free_bits & (0 - free_bits);
            range->used++;
        }
    }
    pthread_mutex_unlock(&range->lock);
    return found;
}

static void give_back(struct media_range *range, unsigned pair)
{
    pthread_mutex_lock(&range->lock);
    base_assert(range->taken[pair / 64] & 1ull << (pair % 64));
    range->taken[pair / 64] &= ~(1ull << (pair % 64));
    range->used--;
    pthread_mutex_unlock(&range->lock);
}

static void set_tos(int fd, int family, int tos)
{
    if (family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos))
                           : setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos))) {
        ast_debug("media: the type of service can not be set: %s", strerror(errno));
    }
}

void media_mark(const int fds[2], int tos, unsigned cos)
{
    const int priority = (int)cos;

    for (int i = 0; i < 2; i++) {
        int family = AF_INET;
        socklen_t length = sizeof(family);

        getsockopt(fds[i], SOL_SOCKET, SO_DOMAIN, &family, &length);
        set_tos(fds[i], family, tos ? tos : all.tos);
        /* behind the type of service, which of IPv4 sets one too */
        if ((cos || family == AF_INET6) &&
            setsockopt(fds[i], SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority))) {
            ast_debug("media: the priority can not be set: %s", strerror(errno));
        }
    }
}

/* 0, or an errno */
static int open_socket(const union media_address *address, unsigned port, int *fd)
{
    union media_address local = *address;
    const int on = 1;
    const int new_fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (new_fd < 0) {
        return errno;
    }
    local.v4.sin_port = htons((uint16_t)port);
    if ((address->any.sa_family == AF_INET6 &&
         setsockopt(new_fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))) ||
        bind(new_fd, &local.any, media_address_length(&local))) {
        error = errno;
        close(new_fd);
        return error;
    }
    if (all.tos) {
        set_tos(new_fd, address->any.sa_family, all.tos);
    }
    *fd = new_fd;
    return 0;
}

static int open_pair(const struct media_range *range, unsigned port, int fds[2])
{
    int pair[2] = {-1, -1};
    int error = open_socket(&range->address, port, &pair[0]);

    if (error) {
        return error;
    }
    error = open_socket(&range->address, port + 1, &pair[1]);
    if (error) {
        close(pair[0]);
        return error;
    }
    memcpy(fds, pair, sizeof(pair));
    return 0;
}

unsigned media_range_bind(struct media_range *range, int fds[2], int *error)
{
    unsigned from = media_random32() % range->pairs;
    int result = EADDRINUSE;

    /* Ports that somebody else on this machine has are passed over. */
    for (unsigned tries = 0; tries < range->pairs && result == EADDRINUSE; tries++) {
        const int pair = take(range, from);

        if (pair < 0) {
            break;
        }
        const unsigned port = range->first + 2 * (unsigned)pair;

        result = open_pair(range, port, fds);
        if (result == 0) {
            return port;
        }
        give_back(range, (unsigned)pair);
        from = ((unsigned)pair + 1) % range->pairs;
    }
    *error = result;
    return 0;
}

void media_range_release(struct media_range *range, unsigned port)
{
    give_back(range, (port - range->first) / 2);
}

bool media_range_has(const struct media_range *range, const struct media_range *other,
                     unsigned port)
{
    return media_address_same_host(&range->address, &other->address) && port >= range->first &&
           port < range->first + 2 * range->pairs && (port - range->first) % 2 == 0;
}

unsigned media_range_free_pairs(struct media_range *range)
{
    unsigned count;

    pthread_mutex_lock(&range->lock);
    count = range->pairs - range->used;
    pthread_mutex_unlock(&range->lock);
    return count;
}
