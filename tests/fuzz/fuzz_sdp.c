/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An SDP from the network: what the guard lets through is negotiated with an audio description of
 * ours, first as an offer, then as the answer to ours, then in a second round.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pjlib.h>
#include <pjmedia/errno.h>
#include <pjmedia/sdp.h>
#include <pjmedia/sdp_neg.h>

#include "res_sip/guard/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char OURS[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
                           "t=0 0\r\nm=audio 4000 RTP/AVP 0 8 9 96 101\r\n"
                           "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
                           "a=rtpmap:9 G722/8000\r\na=rtpmap:96 opus/48000/2\r\n"
                           "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n";

static pj_caching_pool caching;

static pjmedia_sdp_session *parse(pj_pool_t *pool, const char *text, size_t size)
{
    char *copy = pj_pool_alloc(pool, size + 1);
    pjmedia_sdp_session *sdp;

    memcpy(copy, text, size);
    copy[size] = '\0';
    if (pjmedia_sdp_parse(pool, copy, size, &sdp) != PJ_SUCCESS ||
        pjmedia_sdp_validate(sdp) != PJ_SUCCESS) {
        return NULL;
    }
    return sdp;
}

static void print(const pjmedia_sdp_session *sdp)
{
    static char out[8000];

    pjmedia_sdp_print(sdp, out, sizeof(out));
}

static void look_at_attributes(pj_pool_t *pool, const pjmedia_sdp_session *sdp)
{
    for (unsigned i = 0; i < sdp->media_count; i++) {
        const pjmedia_sdp_media *media = sdp->media[i];

        for (unsigned j = 0; j < media->attr_count; j++) {
            pjmedia_sdp_rtpmap *map;
            pjmedia_sdp_fmtp fmtp;
            pjmedia_sdp_rtcp_attr rtcp;

            if (pj_strcmp2(&media->attr[j]->name, "rtpmap") == 0) {
                pjmedia_sdp_attr_to_rtpmap(pool, media->attr[j], &map);
            } else if (pj_strcmp2(&media->attr[j]->name, "fmtp") == 0) {
                pjmedia_sdp_attr_get_fmtp(media->attr[j], &fmtp);
            } else if (pj_strcmp2(&media->attr[j]->name, "rtcp") == 0) {
                pjmedia_sdp_attr_get_rtcp(media->attr[j], &rtcp);
            }
        }
    }
}

static void negotiate(pj_pool_t *pool, const char *text, size_t size, int they_offer)
{
    pjmedia_sdp_session *ours = parse(pool, OURS, sizeof(OURS) - 1);
    pjmedia_sdp_session *theirs = parse(pool, text, size);
    const pjmedia_sdp_session *active;
    pjmedia_sdp_neg *neg = NULL;

    if (!theirs) {
        return;
    }
    print(theirs);
    look_at_attributes(pool, theirs);
    if (they_offer) {
        if (pjmedia_sdp_neg_create_w_remote_offer(pool, ours, theirs, &neg) != PJ_SUCCESS) {
            return;
        }
    } else if (pjmedia_sdp_neg_create_w_local_offer(pool, ours, &neg) != PJ_SUCCESS ||
               pjmedia_sdp_neg_set_remote_answer(pool, neg, theirs) != PJ_SUCCESS) {
        return;
    }
    if (pjmedia_sdp_neg_negotiate(pool, neg, 0) != PJ_SUCCESS ||
        pjmedia_sdp_neg_get_active_local(neg, &active) != PJ_SUCCESS) {
        return;
    }
    print(active);
    /* a re-INVITE of ours, answered likewise */
    if (pjmedia_sdp_neg_modify_local_offer2(pool, neg, 0,
                                            pjmedia_sdp_session_clone(pool, active)) ==
            PJ_SUCCESS &&
        pjmedia_sdp_neg_set_remote_answer(pool, neg, pjmedia_sdp_session_clone(pool, theirs)) ==
            PJ_SUCCESS &&
        pjmedia_sdp_neg_negotiate(pool, neg, 0) == PJ_SUCCESS &&
        pjmedia_sdp_neg_get_active_local(neg, &active) == PJ_SUCCESS) {
        print(active);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sip_guard_limits limits;
    const char *why;
    pj_pool_t *pool;
    char *text;

    if (!caching.factory.policy.block_alloc) {
        pj_log_set_level(0);
        if (pj_init() != PJ_SUCCESS) {
            abort();
        }
        pj_caching_pool_init(&caching, NULL, 0);
        sip_guard_defaults(&limits);
    }
    if (size == 0 || size > PJSIP_MAX_PKT_LEN) {
        return 0;
    }
    pool = pj_pool_create(&caching.factory, "fuzz", 4000, 4000, NULL);
    text = pj_pool_alloc(pool, size);
    memcpy(text, data, size);
    if (sip_guard_sdp(&limits, text, size, &why) == 0) {
        negotiate(pool, text, size, 1);
        negotiate(pool, text, size, 0);
    }
    pj_pool_release(pool);
    return 0;
}
