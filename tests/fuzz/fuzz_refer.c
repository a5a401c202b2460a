/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The texts of transfers: the same input as Refer-To, Replaces, sipfrag, Event and
 * Subscription-State. What comes out of a Refer-To is read again: it must be a URI, and its
 * Replaces one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pjlib-util.h>
#include <pjsip.h>

#include "refer_to.h"
#include "text.h"
#include "value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static pj_caching_pool caching;
static pjsip_endpoint *endpoint;

static void start(void)
{
    pj_log_set_level(0);
    if (pj_init() != PJ_SUCCESS || pjlib_util_init() != PJ_SUCCESS) {
        abort();
    }
    pj_caching_pool_init(&caching, NULL, 0);
    if (pjsip_endpt_create(&caching.factory, "fuzz", &endpoint) != PJ_SUCCESS) {
        abort();
    }
}

static void try_refer_to(pj_pool_t *pool, const char *text)
{
    struct refer_target target, again;
    struct replaces_value replaces;
    char bracketed[sizeof(target.uri) + 3];

    if (refer_to_parse(pool, text, &target) != 0) {
        return;
    }
    bracketed[0] = '<';
    strcpy(bracketed + 1, target.uri);
    strcat(bracketed, ">");
    if (refer_to_parse(pool, bracketed, &again) != 0 || strcmp(again.user, target.user) != 0 ||
        strcmp(again.host, target.host) != 0 || again.replaces[0] != '\0') {
        abort();
    }
    if (target.replaces[0] != '\0' &&
        (replaces_parse(target.replaces, &replaces) != 0 || strpbrk(target.replaces, "\r\n"))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct replaces_value replaces;
    struct refer_status status;
    struct refer_event event;
    struct refer_state state;
    pj_pool_t *pool;

    if (text == NULL || size > 4000) {
        free(text);
        return 0;
    }
    if (endpoint == NULL) {
        start();
    }
    pool = pj_pool_create(&caching.factory, "fuzz", 4000, 4000, NULL);
    refer_sipfrag_parse((const char *)data, size, &status);
    memcpy(text, data, size);
    text[size] = '\0';
    try_refer_to(pool, text);
    replaces_parse(text, &replaces);
    refer_event_parse(text, &event);
    refer_state_parse(text, &state);
    refer_sub_parse(text);
    pj_pool_release(pool);
    free(text);
    return 0;
}
