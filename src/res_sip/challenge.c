/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the challenge that a stranger gets. It looks like that of a known name with a wrong password, so that
 * nothing can be learnt from it, and nothing satisfies it (RFC 3261 22.1, RFC 7616). No credentials here.
 */
#include <string.h>
#include <sys/random.h>

#include <sipsession/log.h>

#include "res_sip/sip.h"

#define NONCE_OCTETS 16

/* Random octets, fetched from the system a few hundred at a time. */
static void get_random(unsigned char *out, size_t size)
{
    static unsigned char store[256];
    static size_t left;

    if (left < size) {
        left = getrandom(store, sizeof(store), 0) == (ssize_t)sizeof(store) ? sizeof(store) : 0;
        base_assert(left > 0); /* 256 octets never come in part (getrandom(2)) */
    }
    left -= size;
    memcpy(out, store + left, size);
}

static void make_nonce(char out[2 * NONCE_OCTETS + 1])
{
    unsigned char octets[NONCE_OCTETS];
    size_t i;

    get_random(octets, sizeof(octets));
    for (i = 0; i < sizeof(octets); i++) {
        out[2 * i] = "0123456789abcdef"[octets[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[octets[i] & 15];
    }
    out[2 * i] = '\0';
}

void sip_challenge(pjsip_rx_data *rdata)
{
    pj_pool_t *pool = rdata->tp_info.pool;
    pjsip_www_authenticate_hdr *header = pjsip_www_authenticate_hdr_create(pool);
    char nonce[2 * NONCE_OCTETS + 1];
    pjsip_hdr list;

    make_nonce(nonce);
    header->scheme = sip_str("Digest");
    header->challenge.digest.realm = sip_str(sip_get_config()->global.default_realm);
    header->challenge.digest.nonce = sip_str(nonce);
    header->challenge.digest.algorithm = sip_str("MD5");
    header->challenge.digest.qop = sip_str("auth");
    pj_list_init(&list);
    pj_list_push_back(&list, header);
    sip_respond(rdata, PJSIP_SC_UNAUTHORIZED, NULL, &list);
}
