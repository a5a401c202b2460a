/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: how often each address has asked and failed, in a table of fixed size: how fast it may
 * go on, and whether it is banned. Pure: the time is given; nothing is logged or answered here.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <sipsession/log.h>

#include "res_sip/access/access.h"

#define WAYS 8

struct source {
    struct sip_source_key key; /* of family 0: a free place */
    pj_uint64_t seen;          /* when it asked last */
    pj_uint64_t full;          /* when all its tokens are there again */
    pj_uint64_t told;          /* when it was last said to be too fast; 0: never */
    pj_uint64_t first_fail;    /* of those that are counted */
    pj_uint64_t banned;        /* until then */
    pj_uint64_t first_lost;    /* of the requests of nobody we know that are counted */
    unsigned failures;
    unsigned lost;
};

struct sip_sources {
    struct sip_access_config config; /* exempt is not looked at */
    pj_uint64_t seed;
    unsigned mask;
    struct source *slots; /* (mask + 1) sets of WAYS */
};

struct sip_sources *sip_sources_create(const struct sip_access_config *config, unsigned sets)
{
    struct sip_sources *sources = calloc(1, sizeof(*sources));

    base_assert(sets > 0 && (sets & (sets - 1)) == 0);
    if (!sources || !(sources->slots = calloc((size_t)sets * WAYS, sizeof(sources->slots[0])))) {
        ast_error("res_sip: no memory for the sources of requests");
        free(sources);
        return NULL;
    }
    /* what peers cannot guess, so that they do not meet in one set; less random is no defect */
    if (getrandom(&sources->seed, sizeof(sources->seed), 0) < 0) {
        sources->seed = (pj_uint64_t)(size_t)sources;
    }
    sources->config = *config;
    sources->mask = sets - 1;
    return sources;
}

void sip_sources_configure(struct sip_sources *sources, const struct sip_access_config *config)
{
    sources->config = *config;
}

void sip_sources_destroy(struct sip_sources *sources)
{
    if (sources) {
        free(sources->slots);
        free(sources);
    }
}

void sip_source_set_key(struct sip_source_key *key, const pj_sockaddr *address)
{
    memset(key, 0, sizeof(*key));
    if (address->addr.sa_family == PJ_AF_INET6) {
        const unsigned char *octets = pj_sockaddr_get_addr(address);
        static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

        if (memcmp(octets, mapped, sizeof(mapped)) != 0) {
            key->family = 6;
            memcpy(key->address, octets, 8);
            return;
        }
        memcpy(key->address, octets + sizeof(mapped), 4);
    } else {
        memcpy(key->address, &address->ipv4.sin_addr, 4);
    }
    key->family = 4;
}

static struct source *find_set(const struct sip_sources *sources, const struct sip_source_key *key)
{
    pj_uint64_t value = sources->seed ^ key->family, word;
    unsigned i;

    for (i = 0; i < 2; i++) {
        memcpy(&word, key->address + 8 * i, sizeof(word));
        value = (value ^ word) * 0x9e3779b97f4a7c15u;
        value ^= value >> 29;
    }
    return &sources->slots[(size_t)(value & sources->mask) * WAYS];
}

/* 1: it is rather given up than the other: those that are banned stay, then those seen last. */
static int is_less(const struct source *one, const struct source *other, pj_uint64_t now)
{
    int banned = one->banned > now, other_banned = other->banned > now;

    if (banned != other_banned) {
        return other_banned;
    }
    return banned ? one->banned < other->banned : one->seen < other->seen;
}

/* The source's place, made when it has none. */
static struct source *get(struct sip_sources *sources, pj_uint64_t now, const pj_sockaddr *address)
{
    struct source *set, *least;
    struct sip_source_key key;
    unsigned i;

    sip_source_set_key(&key, address);
    set = find_set(sources, &key);
    least = set;
    for (i = 0; i < WAYS; i++) {
        if (memcmp(&set[i].key, &key, sizeof(key)) == 0) {
            set[i].seen = now;
            return &set[i];
        }
        if (is_less(&set[i], least, now)) {
            least = &set[i];
        }
    }
    *least = (struct source){.key = key, .seen = now};
    return least;
}

enum sip_access sip_sources_request(struct sip_sources *sources, pj_uint64_t now,
                                    const pj_sockaddr *address)
{
    const struct sip_access_config *config = &sources->config;
    struct source *source = get(sources, now, address);
    pj_uint64_t each;

    if (source->banned > now) {
        return SIP_ACCESS_BANNED;
    }
    if (config->rate == 0) {
        return SIP_ACCESS_GOOD;
    }
    /* a bucket of `burst` tokens, of which `rate` come back each second */
    each = 1000000 / config->rate;
    if (source->full < now) {
        source->full = now;
    }
    if (source->full + each > now + each * config->burst) {
        if (source->told && now - source->told < 10 * 1000000u) {
            return SIP_ACCESS_FAST;
        }
        source->told = now;
        return SIP_ACCESS_FAST_NOW;
    }
    source->full += each;
    return SIP_ACCESS_GOOD;
}

int sip_sources_failed(struct sip_sources *sources, pj_uint64_t now, const pj_sockaddr *address)
{
    const struct sip_access_config *config = &sources->config;
    struct source *source;

    if (config->ban_failures == 0) {
        return 0;
    }
    source = get(sources, now, address);
    if (source->failures == 0 ||
        now - source->first_fail > (pj_uint64_t)config->ban_period * 1000000) {
        source->first_fail = now;
        source->failures = 0;
    }
    if (++source->failures < config->ban_failures) {
        return 0;
    }
    source->failures = 0;
    source->banned = now + (pj_uint64_t)config->ban_time * 1000000;
    return 1;
}

void sip_sources_succeeded(struct sip_sources *sources, pj_uint64_t now, const pj_sockaddr *address)
{
    if (sources->config.ban_failures) {
        get(sources, now, address)->failures = 0;
    }
}

int sip_sources_unidentified(struct sip_sources *sources, pj_uint64_t now,
                             const pj_sockaddr *address, unsigned count, unsigned period)
{
    struct source *source;

    if (count == 0) {
        return 0;
    }
    source = get(sources, now, address);
    if (source->lost == 0 || now - source->first_lost > (pj_uint64_t)period * 1000000) {
        source->first_lost = now;
        source->lost = 0;
    }
    if (source->lost > count) { /* it was told in this period */
        return 0;
    }
    return ++source->lost > count;
}
