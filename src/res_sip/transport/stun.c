/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: STUN Binding requests on a SIP port: the keep-alive of phones that register over UDP, by
 * which they also see that their NAT has given them another address (RFC 5626 3.5.2, 8; RFC 5389).
 * Pure: octets in, octets out, nothing is kept. An answer is never much longer than its request.
 */
#include <string.h>

#include "res_sip/transport/transport.h"

#define HEADER             20
#define COOKIE             0x2112a442u
#define BINDING_REQUEST    0x0001u
#define BINDING_SUCCESS    0x0101u
#define BINDING_ERROR      0x0111u
#define ERROR_CODE         0x0009u
#define UNKNOWN_ATTRIBUTES 0x000au
#define XOR_MAPPED_ADDRESS 0x0020u
#define MOST_UNKNOWN       4 /* that an answer names */

static unsigned read_16(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static unsigned char *write_16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
    return at + 2;
}

/* RFC 5389 6: what distinguishes a Binding request from anything else that comes to this port. */
static int is_request(const unsigned char *data, size_t length)
{
    static const unsigned char cookie[] = {COOKIE >> 24, COOKIE >> 16 & 0xff, COOKIE >> 8 & 0xff,
                                           COOKIE & 0xff};

    return length >= HEADER && length % 4 == 0 && read_16(data) == BINDING_REQUEST &&
           read_16(data + 2) == length - HEADER && memcmp(data + 4, cookie, sizeof(cookie)) == 0;
}

/* The attributes that have to be understood and that a keep-alive may have: RFC 5389 18.2. */
static int is_known(unsigned type)
{
    return type >= 0x8000 || type == 0x0001 || type == 0x0006 || type == 0x0008 ||
           (type >= 0x0009 && type <= 0x000a) || type == 0x0014 || type == 0x0015 || type == 0x0020;
}

/* How many are not known, up to MOST_UNKNOWN of them in types; -1: they are not well-formed. */
static int look_at_attributes(const unsigned char *data, size_t length, unsigned *types)
{
    size_t at = HEADER;
    int unknown = 0;

    while (at < length) {
        size_t size;

        if (length - at < 4) {
            return -1;
        }
        size = (read_16(data + at + 2) + 3u) / 4 * 4; /* each is padded (RFC 5389 15) */
        if (size > length - at - 4) {
            return -1;
        }
        if (!is_known(read_16(data + at)) && unknown < MOST_UNKNOWN) {
            types[unknown++] = read_16(data + at);
        }
        at += 4 + size;
    }
    return unknown;
}

/* RFC 5389 15.2: address and port are XORed with what stands in the header, since some NATs rewrite
 * an address of theirs wherever they see it. */
static unsigned char *write_address(unsigned char *at, const unsigned char *header,
                                    const pj_sockaddr *source)
{
    const unsigned char *octets = pj_sockaddr_get_addr(source);
    unsigned size = pj_sockaddr_get_addr_len(source), i;

    at = write_16(at, XOR_MAPPED_ADDRESS);
    at = write_16(at, 4 + size);
    at = write_16(at, source->addr.sa_family == PJ_AF_INET6 ? 2 : 1);
    at = write_16(at, pj_sockaddr_get_port(source) ^ COOKIE >> 16);
    for (i = 0; i < size; i++) {
        *at++ = octets[i] ^ header[4 + i]; /* the cookie, then the transaction's id */
    }
    return at;
}

/* 420 without a reason phrase, and what it is for (RFC 5389 7.3.1, 15.6, 15.9). */
static unsigned char *write_error(unsigned char *at, const unsigned *types, int count)
{
    int i;

    at = write_16(at, ERROR_CODE);
    at = write_16(at, 4);
    at = write_16(at, 0);
    at = write_16(at, 4 << 8 | 20);
    at = write_16(at, UNKNOWN_ATTRIBUTES);
    at = write_16(at, 2 * (unsigned)count);
    for (i = 0; i < (count + 1) / 2 * 2; i++) {
        at = write_16(at, i < count ? types[i] : 0);
    }
    return at;
}

size_t sip_stun_answer(const char *data, size_t length, const pj_sockaddr *source,
                       char out[SIP_STUN_ANSWER])
{
    const unsigned char *request = (const unsigned char *)data;
    unsigned char *answer = (unsigned char *)out, *end;
    unsigned types[MOST_UNKNOWN];
    int unknown;

    if (!is_request(request, length)) {
        return 0;
    }
    unknown = look_at_attributes(request, length, types);
    if (unknown < 0) {
        return 0;
    }
    memcpy(answer, request, HEADER);
    write_16(answer, unknown ? BINDING_ERROR : BINDING_SUCCESS);
    end = unknown ? write_error(answer + HEADER, types, unknown)
                  : write_address(answer + HEADER, answer, source);
    write_16(answer + 2, (unsigned)(end - answer) - HEADER);
    return (size_t)(end - answer);
}
