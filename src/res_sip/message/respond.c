/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: answers that need no transaction: the same request gets the same answer again (RFC 3261 8.2.7).
 */
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/message/message.h"

void sip_respond(pjsip_rx_data *rdata, int code, const char *reason, const pjsip_hdr *headers)
{
    char error[PJ_ERR_MSG_SIZE];
    pj_str_t text;
    pj_status_t status;

    if (rdata->msg_info.msg->line.req.method.id == PJSIP_ACK_METHOD) {
        return; /* it is never answered (RFC 3261 17.1.1.3) */
    }
    text = sip_str(reason ? reason : "");
    status =
        pjsip_endpt_respond_stateless(sip_endpt, rdata, code, reason ? &text : NULL, headers, NULL);
    if (status != PJ_SUCCESS) {
        ast_debug("res_sip: %d to %s:%d could not be sent: %s", code, rdata->pkt_info.src_name,
                  rdata->pkt_info.src_port, sip_error(status, error, sizeof(error)));
    }
}

void sip_add_capability(pj_pool_t *pool, pjsip_hdr *headers, int type)
{
    const pjsip_hdr *header = pjsip_endpt_get_capability(sip_endpt, type, NULL);

    if (header) {
        pj_list_push_back(headers, pjsip_hdr_shallow_clone(pool, header));
    }
}
