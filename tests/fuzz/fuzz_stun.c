/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A datagram that may be a STUN Binding request: whatever it is, the answer is bounded, is an answer
 * to it and says how long it is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "res_sip/transport/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check(const uint8_t *data, size_t size, int family)
{
    char answer[SIP_STUN_ANSWER];
    pj_sockaddr source;
    size_t length;

    pj_sockaddr_init(family, &source, NULL, 5060);
    length = sip_stun_answer((const char *)data, size, &source, answer);
    if (length == 0) {
        return;
    }
    require(size >= 20 && length >= 20 && length <= sizeof(answer) && length <= size + 24);
    require(memcmp(answer + 4, data + 4, 16) == 0); /* cookie and transaction */
    require((size_t)((unsigned char)answer[2] << 8 | (unsigned char)answer[3]) + 20 == length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(data, size, pj_AF_INET());
    check(data, size, pj_AF_INET6());
    return 0;
}
