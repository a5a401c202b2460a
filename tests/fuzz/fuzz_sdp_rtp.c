/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An SDP from the network, given to the audio handler's decisions: what it reads is in bounds, and
 * what it writes in answer, and as the next offer, is an SDP that PJMEDIA reads again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pjlib.h>

#include "sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static pj_caching_pool caching;

static pjmedia_sdp_session *parse(pj_pool_t *pool, const uint8_t *data, size_t size)
{
    char *const copy = pj_pool_alloc(pool, size + 1);
    pjmedia_sdp_session *sdp;

    memcpy(copy, data, size);
    copy[size] = '\0';
    return pjmedia_sdp_parse(pool, copy, size, &sdp) == PJ_SUCCESS ? sdp : NULL;
}

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check_remote(const struct sdp_remote *remote)
{
    require(remote->format_count <= SDP_MAX_FORMATS && remote->event_count <= SDP_MAX_EVENTS);
    for (unsigned i = 0; i < remote->format_count; i++) {
        require(remote->formats[i].payload_type >= 0 && remote->formats[i].payload_type <= 127);
    }
    for (unsigned i = 0; i < remote->event_count; i++) {
        require(remote->events[i].payload_type >= 0 && remote->events[i].payload_type <= 127);
        require(remote->events[i].clock_rate > 0);
    }
    require(pj_sockaddr_get_port(&remote->rtp) != 0);
    require(remote->direction >= AST_RTP_INACTIVE && remote->direction <= AST_RTP_SENDRECV);
}

static void check_written(pj_pool_t *pool, const pjmedia_sdp_media *media)
{
    static const char head[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    char text[4000];
    int length;
    const pjmedia_sdp_session *again;

    if (!media) {
        return;
    }
    memcpy(text, head, sizeof(head) - 1);
    length = pjmedia_sdp_media_print(media, text + sizeof(head) - 1, sizeof(text) - sizeof(head));
    require(length > 0);
    again = parse(pool, (const uint8_t *)text, sizeof(head) - 1 + (size_t)length);
    require(again && pjmedia_sdp_validate(again) == PJ_SUCCESS && again->media_count == 1);
}

static void exchange(pj_pool_t *pool, const struct ast_sip_endpoint *endpoint,
                     const struct sdp_remote *remote)
{
    struct sdp_numbers numbers;
    struct sdp_choice choice;
    pj_sockaddr ours;
    struct sdp_offer offer = {.direction = AST_RTP_SENDRECV, .address = &ours, .port = 10000};

    pj_bzero(&numbers, sizeof(numbers));
    pj_sockaddr_init(pj_AF_INET(), &ours, NULL, 0);
    sdp_learn_numbers(&numbers, remote);
    if (sdp_choose_answer(endpoint, remote, &choice) == 0) {
        check_written(pool, sdp_write_answer(pool, &choice, &ours, 10000));
    }
    check_written(pool, sdp_write_offer(pool, endpoint, &numbers, &offer));
    if (sdp_choose_answered(endpoint, NULL, &numbers, remote, &choice) == 0) {
        offer.first = choice.codec;
        check_written(pool, sdp_write_offer(pool, endpoint, &numbers, &offer));
        require(sdp_choose_answered(endpoint, choice.codec, &numbers, remote, &choice) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ast_sip_endpoint endpoint;
    const struct ast_codec *codec;
    const pjmedia_sdp_session *sdp;
    const char *why;
    pj_pool_t *pool;

    if (endpoint.codecs.count == 0) {
        pj_log_set_level(0);
        pj_init();
        pj_caching_pool_init(&caching, &pj_pool_factory_default_policy, 0);
        while ((codec = ast_codec_at(endpoint.codecs.count))) {
            strcpy(endpoint.codecs.codec[endpoint.codecs.count++].name, codec->name);
        }
    }
    pool = pj_pool_create(&caching.factory, "fuzz", 4000, 4000, NULL);
    sdp = parse(pool, data, size);
    for (unsigned i = 0; sdp && i < sdp->media_count; i++) {
        struct sdp_remote remote;

        if (sdp_parse(sdp, i, &remote, &why) == 0) {
            check_remote(&remote);
            exchange(pool, &endpoint, &remote);
        }
    }
    pj_pool_release(pool);
    return 0;
}
