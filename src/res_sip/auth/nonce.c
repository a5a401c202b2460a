/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: nonces of our challenges (RFC 7616 3.3, 5.4). A nonce says by itself when it was made,
 * and that we made it: giving one away costs no memory. Only those that somebody has authenticated
 * with are kept, in a table of fixed size, so that no request is good twice. Pure: the time is
 * given.
 *
 * A nonce is, in hex: its time (8 octets: microseconds, no two the same, counted from a secret
 * begin), a keyed hash of whom it was given to (4), and a keyed hash of these (16).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <sipsession/log.h>

#include "res_sip/auth/auth.h"

#define TIME_OCTETS 8
#define TAG_OCTETS  4
#define MAC_OCTETS  16
#define OCTETS      (TIME_OCTETS + TAG_OCTETS + MAC_OCTETS)
#define KEY_OCTETS  32
#define WAYS        4
#define WINDOW      64 /* counts that may come in another order */

/* A nonce that was used. */
struct use {
    pj_uint64_t issued; /* its time; 0: a free place */
    pj_uint64_t window; /* bit n: the count highest - n was there */
    unsigned highest;
};

/*
 * When a set is full, its oldest nonce goes, and no nonce as old or older can begin in this set any
 * more: forgetting one is not the same as never having seen it.
 */
struct set {
    pj_uint64_t floor;
    struct use uses[WAYS];
};

struct sip_nonces {
    unsigned char key[KEY_OCTETS];
    pj_uint64_t begin; /* what the time 0 is in a nonce */
    pj_uint64_t last;  /* of the latest nonce */
    unsigned mask;
    struct set *sets;
};

static int get_random(void *out, size_t size)
{
    return getrandom(out, size, 0) == (ssize_t)size ? 0 : -1; /* up to 256 octets come whole */
}

struct sip_nonces *sip_nonces_create(unsigned sets)
{
    struct sip_nonces *nonces = calloc(1, sizeof(*nonces));

    base_assert(sets > 0 && (sets & (sets - 1)) == 0);
    if (!nonces || !(nonces->sets = calloc(sets, sizeof(nonces->sets[0])))) {
        ast_error("res_sip: no memory for nonces");
        free(nonces);
        return NULL;
    }
    if (get_random(nonces->key, sizeof(nonces->key)) != 0 ||
        get_random(&nonces->begin, sizeof(nonces->begin)) != 0) {
        ast_error("res_sip: no random numbers: %m");
        sip_nonces_destroy(nonces);
        return NULL;
    }
    nonces->begin = (nonces->begin >> 16) + 1;
    nonces->mask = sets - 1;
    return nonces;
}

void sip_nonces_destroy(struct sip_nonces *nonces)
{
    if (nonces) {
        OPENSSL_cleanse(nonces->key, sizeof(nonces->key));
        free(nonces->sets);
        free(nonces);
    }
}

/* The keyed hash of a purpose and data, cut to count octets. 0; -1 no memory: then it is zeros. */
static int keyed_hash(const struct sip_nonces *nonces, char purpose, const void *data, size_t size,
                      unsigned char *out, size_t count)
{
    unsigned char text[64], hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    base_assert(size < sizeof(text));
    text[0] = (unsigned char)purpose;
    memcpy(text + 1, data, size);
    if (!HMAC(EVP_sha256(), nonces->key, KEY_OCTETS, text, size + 1, hash, &length) ||
        length < count) {
        memset(out, 0, count);
        return -1;
    }
    memcpy(out, hash, count);
    return 0;
}

/* Whom a nonce is given to: an address without its port, which a NAT may change any time. */
static void make_tag(const struct sip_nonces *nonces, const unsigned char *time,
                     const pj_sockaddr *source, unsigned char *tag)
{
    unsigned char data[TIME_OCTETS + 16];
    unsigned length = pj_sockaddr_get_addr_len(source);

    memcpy(data, time, TIME_OCTETS);
    memcpy(data + TIME_OCTETS, pj_sockaddr_get_addr(source), length);
    keyed_hash(nonces, 'A', data, TIME_OCTETS + length, tag, TAG_OCTETS);
}

void sip_nonce_make(struct sip_nonces *nonces, pj_uint64_t now, const pj_sockaddr *source,
                    char out[SIP_NONCE_SIZE])
{
    pj_uint64_t issued = nonces->begin + now;
    unsigned char octets[OCTETS];
    unsigned i;

    if (issued <= nonces->last) {
        issued = nonces->last + 1;
    }
    nonces->last = issued;
    for (i = 0; i < TIME_OCTETS; i++) {
        octets[i] = (unsigned char)(issued >> (56 - 8 * i));
    }
    make_tag(nonces, octets, source, octets + TIME_OCTETS);
    keyed_hash(nonces, 'N', octets, TIME_OCTETS + TAG_OCTETS, octets + TIME_OCTETS + TAG_OCTETS,
               MAC_OCTETS);
    sip_hex(out, octets, sizeof(octets));
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* 0; -1: not that many octets in small hex digits. */
static int read_hex(const pj_str_t *text, unsigned char *octets, size_t count)
{
    size_t i;

    if (text->slen != (pj_ssize_t)(2 * count)) {
        return -1;
    }
    for (i = 0; i < count; i++) {
        int high = hex_digit(text->ptr[2 * i]), low = hex_digit(text->ptr[2 * i + 1]);

        if (high < 0 || low < 0) {
            return -1;
        }
        octets[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

int sip_nonce_read(const struct sip_nonces *nonces, pj_uint64_t now, const pj_str_t *text,
                   const pj_sockaddr *source, struct sip_nonce *nonce)
{
    unsigned char octets[OCTETS], mac[MAC_OCTETS], tag[TAG_OCTETS];
    pj_uint64_t issued = 0;
    unsigned i;

    if (read_hex(text, octets, sizeof(octets)) != 0) {
        return -1;
    }
    if (keyed_hash(nonces, 'N', octets, TIME_OCTETS + TAG_OCTETS, mac, sizeof(mac)) != 0 ||
        CRYPTO_memcmp(mac, octets + TIME_OCTETS + TAG_OCTETS, sizeof(mac)) != 0) {
        return -1;
    }
    make_tag(nonces, octets, source, tag);
    for (i = 0; i < TIME_OCTETS; i++) {
        issued = issued << 8 | octets[i];
    }
    nonce->issued = issued;
    nonce->age = nonces->begin + now > issued ? nonces->begin + now - issued : 0;
    nonce->same_source = CRYPTO_memcmp(tag, octets + TIME_OCTETS, TAG_OCTETS) == 0;
    return 0;
}

/* The count of a known nonce: 1 when it was not there before. */
static int take_count(struct use *use, unsigned count)
{
    unsigned behind;

    if (count > use->highest) {
        unsigned ahead = count - use->highest;

        use->window = ahead < WINDOW ? use->window << ahead | 1 : 1;
        use->highest = count;
        return 1;
    }
    behind = use->highest - count;
    if (behind >= WINDOW || (use->window >> behind & 1)) {
        return 0;
    }
    use->window |= (pj_uint64_t)1 << behind;
    return 1;
}

enum sip_nonce_use sip_nonce_use(struct sip_nonces *nonces, pj_uint64_t issued, unsigned count)
{
    struct set *set = &nonces->sets[(issued * 0x9e3779b97f4a7c15u >> 40) & nonces->mask];
    struct use *oldest = &set->uses[0];
    unsigned i;

    if (count == 0) {
        return SIP_NONCE_REPLAYED; /* the first request says 1 (RFC 7616 3.4) */
    }
    for (i = 0; i < WAYS; i++) {
        struct use *use = &set->uses[i];

        if (use->issued == issued) {
            return take_count(use, count) ? SIP_NONCE_GOOD : SIP_NONCE_REPLAYED;
        }
        if (use->issued < oldest->issued) {
            oldest = use;
        }
    }
    if (issued <= set->floor || (oldest->issued && issued < oldest->issued)) {
        return SIP_NONCE_FORGOTTEN;
    }
    if (oldest->issued) {
        set->floor = oldest->issued;
    }
    *oldest = (struct use){.issued = issued, .window = 1, .highest = count};
    return SIP_NONCE_GOOD;
}
