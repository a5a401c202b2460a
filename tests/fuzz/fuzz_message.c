/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SIP message from the network, as a datagram and as the beginning of a stream: the guard looks
 * at it, and writes the refusal of what it refuses; PJSIP parses what it lets through, and our code
 * prints, copies and answers that.
 */
#include <stdint.h>
#include <string.h>

#include <pjlib.h>
#include <pjsip.h>
#include <pjsip_ua.h>

#include "res_sip/guard/guard.h"
#include "res_sip/overload/overload.h"

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

/* The refusal of a message is one that PJSIP can read, when it is there and the message was not too
 * strange. */
static void refuse(const char *text, size_t length, const struct sip_guard_found *found)
{
    static char out[PJSIP_MAX_PKT_LEN + 512];
    const struct sip_feedback feedback = {20, 500, "1.002"};
    const struct sip_guard_refusal refusal = {.code = found->code,
                                              .reason = found->why,
                                              .host = "192.0.2.1",
                                              .port = 5060,
                                              .retry_after = 3,
                                              .feedback = &feedback};
    struct sip_guard_reply reply;

    if (sip_guard_refusal(text, length, &refusal, out, sizeof(out), &reply)) {
        if (reply.length > sizeof(out) || memcmp(out, "SIP/2.0 ", 8) != 0 ||
            memcmp(out + reply.length - 4, "\r\n\r\n", 4) != 0) {
            abort();
        }
    }
}

/* What the guard lets through it does not refuse while the network has brought only a part of it.
 * Cut at its end, where the CRLFs are, and somewhere. */
static void look_at_parts(const struct sip_guard_limits *limits, const char *text,
                          const struct sip_guard_found *whole)
{
    const size_t length = whole->header_length;
    const size_t cuts[] = {length - 1, length - 2, length - 3, length - 4, length * 7 / 11};
    struct sip_guard_found found;
    size_t i;

    for (i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        if (cuts[i] &&
            (sip_guard_message(limits, text, cuts[i], 0, &found) || found.header_length)) {
            abort();
        }
    }
}

/* Guard and PJSIP see the same message in a stream, or the guard refuses it. */
static void look_at_stream(const struct sip_guard_limits *limits, const char *text, size_t length)
{
    struct sip_guard_found found;
    pj_size_t its_size = 0;

    if (sip_guard_message(limits, text, length, 0, &found)) {
        refuse(text, length, &found);
        return;
    }
    if (found.header_length == 0) {
        if (pjsip_find_msg(text, length, PJ_FALSE, &its_size) == PJ_SUCCESS) {
            abort();
        }
        return;
    }
    look_at_parts(limits, text, &found);
    if (found.header_length + found.body_length <= length) {
        if (pjsip_find_msg(text, length, PJ_FALSE, &its_size) != PJ_SUCCESS ||
            its_size != found.header_length + found.body_length) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char packet[PJSIP_MAX_PKT_LEN + 1];
    static pjsip_rx_data rdata;
    static struct sip_guard_limits limits;
    struct sip_guard_found found;
    pj_pool_t *pool;

    if (!endpoint) {
        start();
        sip_guard_defaults(&limits);
    }
    while (size && (*data == '\r' || *data == '\n')) { /* as wire.c and PJSIP do */
        data++;
        size--;
    }
    if (size == 0 || size > PJSIP_MAX_PKT_LEN) {
        return 0;
    }
    memcpy(packet, data, size);
    packet[size] = '\0';
    look_at_stream(&limits, packet, size);
    if (sip_guard_message(&limits, packet, size, 1, &found)) {
        refuse(packet, size, &found);
        return 0;
    }
    pool = pj_pool_create(&caching.factory, "fuzz", 4000, 4000, NULL);
    memset(&rdata, 0, sizeof(rdata));
    rdata.tp_info.pool = pool;
    rdata.pkt_info.src_port = 5060;
    pj_list_init(&rdata.msg_info.parse_err);
    rdata.msg_info.msg_buf = packet;
    rdata.msg_info.len = (int)size;
    /* as PJSIP's transport manager does, before any module of ours sees it */
    if (pjsip_parse_rdata(packet, size, &rdata) && pj_list_empty(&rdata.msg_info.parse_err) &&
        rdata.msg_info.cid && rdata.msg_info.from && rdata.msg_info.to && rdata.msg_info.cseq &&
        rdata.msg_info.via) {
        use(pool, &rdata);
    }
    pj_pool_release(pool);
    return 0;
}
