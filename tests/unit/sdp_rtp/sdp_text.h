/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDPs as text, for the tests of this folder: read by PJMEDIA, written by PJMEDIA. */
#ifndef SDP_TEXT_H
#define SDP_TEXT_H

#include <stdio.h>
#include <string.h>

#include <pjmedia/sdp.h>

#define SDP_HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define SDP_C4   "c=IN IP4 192.0.2.7\r\n"

static pj_caching_pool text_pools;
static pj_pool_t *text_pool;

static inline int text_begin(void **state)
{
    (void)state;
    pj_log_set_level(1);
    pj_init();
    pj_caching_pool_init(&text_pools, &pj_pool_factory_default_policy, 0);
    text_pool = pj_pool_create(&text_pools.factory, "text", 4000, 4000, NULL);
    return text_pool ? 0 : -1;
}

static inline int text_end(void **state)
{
    (void)state;
    pj_pool_release(text_pool);
    pj_caching_pool_destroy(&text_pools);
    pj_shutdown();
    return 0;
}

/* The head is put before it. */
static inline pjmedia_sdp_session *text_parse(const char *body)
{
    char *const text = pj_pool_alloc(text_pool, 8000);
    pjmedia_sdp_session *sdp = NULL;
    const int length = snprintf(text, 8000, SDP_HEAD "%s", body);

    if (pjmedia_sdp_parse(text_pool, text, (pj_size_t)length, &sdp) != PJ_SUCCESS) {
        return NULL;
    }
    return sdp;
}

static inline const char *text_of(const pjmedia_sdp_media *media)
{
    static char text[4000];
    const int length = pjmedia_sdp_media_print(media, text, sizeof(text) - 1);

    text[length > 0 ? length : 0] = '\0';
    return text;
}

#endif
