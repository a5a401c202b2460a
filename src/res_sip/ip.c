/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: addresses as they are written in messages.
 */
#include <pjlib.h>

#include "res_sip/core.h"

int sip_parse_ip(const pj_str_t *text, pj_sockaddr *address)
{
    pj_sockaddr result;

    pj_bzero(&result, sizeof(result));
    if (text->slen <= 0 || text->slen >= PJ_INET6_ADDRSTRLEN) {
        return -1;
    }
    if (pj_inet_pton(pj_AF_INET(), text, &result.ipv4.sin_addr) == PJ_SUCCESS) {
        result.addr.sa_family = PJ_AF_INET;
    } else if (pj_inet_pton(pj_AF_INET6(), text, &result.ipv6.sin6_addr) == PJ_SUCCESS) {
        result.addr.sa_family = PJ_AF_INET6;
    } else {
        return -1;
    }
    *address = result;
    return 0;
}
