/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SIP message from the network: PJSIP parses it, the guard looks at it; what the guard lets
 * through is what our code may print, copy and answer.
 */
#include <stdint.h>
#include <string.h>

#include <pjlib.h>
#include <pjsip.h>
#include <pjsip_ua.h>

#include "res_sip/sip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static pj_caching_pool caching;
static pjsip_endpoint *endpoint;

static void start(void)
{
    pj_log_set_level(0);
    if (pj_init() != PJ_SUCCESS) {
        abort();
    }
    pj_caching_pool_init(&caching, NULL, 0);
    if (pjsip_endpt_create(&caching.factory, "fuzz", &endpoint) != PJ_SUCCESS ||
        pjsip_tsx_layer_init_module(endpoint) != PJ_SUCCESS ||
        pjsip_ua_init_module(endpoint, NULL) != PJ_SUCCESS ||
        pjsip_timer_init_module(endpoint) != PJ_SUCCESS ||
        pjsip_100rel_init_module(endpoint) != PJ_SUCCESS ||
        pjsip_replaces_init_module(endpoint) != PJ_SUCCESS) {
        abort();
    }
}

/* What an answer repeats, and what a B2BUA or a log does with a message. */
static void use(pj_pool_t *pool, pjsip_rx_data *rdata)
{
    static char out[PJSIP_MAX_PKT_LEN];
    pjsip_msg *copy = pjsip_msg_clone(pool, rdata->msg_info.msg);
    pjsip_tx_data *tdata;

    copy->body = NULL; /* a received body is never sent on in parsed form */
    pjsip_msg_print(copy, out, sizeof(out));
    if (rdata->msg_info.msg->type == PJSIP_REQUEST_MSG &&
        pjsip_endpt_create_response(endpoint, rdata, 420, NULL, &tdata) == PJ_SUCCESS) {
        pjsip_require_hdr *require = pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_REQUIRE, NULL);

        if (require) {
            pjsip_unsupported_hdr *unsupported = pjsip_unsupported_hdr_create(tdata->pool);

            unsupported->count = require->count;
            memcpy(unsupported->values, require->values, sizeof(require->values));
            pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)unsupported);
        }
        pjsip_tx_data_encode(tdata);
        pjsip_tx_data_dec_ref(tdata);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char packet[PJSIP_MAX_PKT_LEN + 1];
    static pjsip_rx_data rdata;
    const char *why;
    pj_pool_t *pool;

    if (!endpoint) {
        start();
    }
    if (size == 0 || size > PJSIP_MAX_PKT_LEN) {
        return 0;
    }
    pool = pj_pool_create(&caching.factory, "fuzz", 4000, 4000, NULL);
    memcpy(packet, data, size);
    packet[size] = '\0';
    memset(&rdata, 0, sizeof(rdata));
    rdata.tp_info.pool = pool;
    rdata.pkt_info.src_port = 5060;
    pj_list_init(&rdata.msg_info.parse_err);
    rdata.msg_info.msg_buf = packet;
    rdata.msg_info.len = (int)size;
    /* as PJSIP's transport manager does, before any module of ours sees it */
    if (pjsip_parse_rdata(packet, size, &rdata) && pj_list_empty(&rdata.msg_info.parse_err) &&
        rdata.msg_info.cid && rdata.msg_info.from && rdata.msg_info.to && rdata.msg_info.cseq &&
        rdata.msg_info.via && sip_guard_message(packet, size, 1, &why) == 0) {
        use(pool, &rdata);
    }
    pj_pool_release(pool);
    return 0;
}
