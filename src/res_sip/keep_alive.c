/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: keep-alives of peers on connections: a double CRLF is answered with a single one (RFC 5626 4.4.1), else the
 * peer takes the connection for dead. PJSIP 2.17 swallows them (C1 of docs/pjsip.md). Ours are PJSIP's.
 */
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/sip.h"

/* One for each run of line ends: nobody sends the next before it has its answer. */
void sip_keep_alive_answer(pjsip_transport *transport, const char *data, size_t length)
{
    pjsip_tpselector selector = {.type = PJSIP_TPSELECTOR_TRANSPORT, .u.transport = transport};

    if (length < 4 || memcmp(data, "\r\n\r\n", 4) != 0 || transport->is_shutdown) {
        return;
    }
    pjsip_tpmgr_send_raw(transport->tpmgr, transport->key.type, &selector, NULL, "\r\n", 2,
                         &transport->key.rem_addr, transport->addr_len, NULL, NULL);
}
