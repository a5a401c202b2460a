/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: keep-alives of peers on connections: a double CRLF is answered with a single one (RFC
 * 5626 4.4.1), else the peer takes the connection for dead. PJSIP 2.17 swallows them (C1 of
 * docs/pjsip.md). Ours are PJSIP's.
 */
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/transport/transport.h"

#define MOST 8 /* answers to one read: nobody sends more before it has one */

/* How many double CRLFs these octets complete; *state: octets of one that have come. */
static unsigned count(unsigned *state, const char *data, size_t length)
{
    unsigned found = 0;
    size_t i;

    for (i = 0; i < length; i++) {
        char wanted = *state % 2 ? '\n' : '\r';

        if (data[i] == wanted) {
            ++*state;
        } else {
            *state = data[i] == '\r';
        }
        if (*state == 4) {
            *state = 0;
            found++;
        }
    }
    return found;
}

void sip_keep_alive_answer(pjsip_transport *transport, unsigned *state, const char *data,
                           size_t length)
{
    pjsip_tpselector selector = {.type = PJSIP_TPSELECTOR_TRANSPORT, .u.transport = transport};
    unsigned pings = count(state, data, length), i;
    char answer[2 * MOST];

    if (pings == 0 || transport->is_shutdown) {
        return;
    }
    pings = pings < MOST ? pings : MOST;
    for (i = 0; i < pings; i++) {
        memcpy(answer + (size_t)2 * i, "\r\n", 2);
    }
    pjsip_tpmgr_send_raw(transport->tpmgr, transport->key.type, &selector, NULL, answer,
                         (pj_size_t)2 * pings, &transport->key.rem_addr, transport->addr_len, NULL,
                         NULL);
}
