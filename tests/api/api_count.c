/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of everything there is now, for bench/memory and bench/soak: the method COUNT, in any request, is answered
 * with it in the header X-Count, as words `name=number`. With `X-Do: trim` free memory goes back to the system first.
 */
#include "api_record.h"

#include <malloc.h>

/* AddressSanitizer's, where it is there: its allocator is not the C library's. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t sessions;

static void begin(struct ast_sip_session *session)
{
    PJ_UNUSED_ARG(session);
    sessions++;
}

static void end(struct ast_sip_session *session)
{
    PJ_UNUSED_ARG(session);
    sessions--;
}

static struct ast_sip_session_extension extension = {.name = "api_count",
                                                     .session_begin = begin,
                                                     .session_end = end};

static const pj_caching_pool *pools; /* NULL: this build's pools are made by malloc */

static size_t heap_in_use(void)
{
    struct mallinfo2 info;

    if (__sanitizer_get_current_allocated_bytes) {
        return __sanitizer_get_current_allocated_bytes();
    }
    info = mallinfo2();
    return info.uordblks + info.hblkhd + (pools ? pools->used_size : 0);
}

static size_t pools_in_use(void)
{
    return pools ? pools->used_count : 0;
}

static void find_pools(void)
{
    pj_pool_t *pool = pjsip_endpt_create_pool(ast_sip_get_pjsip_endpoint(), "count", 1000, 1000);

    pools = PJ_HAS_POOL_ALT_API ? NULL : (const pj_caching_pool *)pool->factory;
    pj_pool_release(pool);
}

static pj_bool_t on_rx_request(pjsip_rx_data *rdata)
{
    static const pj_str_t method = {(char *)"COUNT", 5}, name = {(char *)"X-Count", 7};
    char text[200], what[20];
    pj_str_t value;
    pjsip_hdr list;

    if (pj_strcmp(&rdata->msg_info.msg->line.req.method.name, &method) != 0) {
        return PJ_FALSE;
    }
    if (ast_sip_get_header(rdata->msg_info.msg, "X-Do", what, sizeof(what)) == 0 &&
        strcmp(what, "trim") == 0) {
        malloc_trim(0);
    }
    snprintf(text, sizeof(text), "heap=%zu pools=%zu transactions=%u dialogs=%u sessions=%zu",
             heap_in_use(), pools_in_use(), pjsip_tsx_layer_get_tsx_count(),
             pjsip_ua_get_dlg_set_count(), sessions);
    value = pj_str(text);
    pj_list_init(&list);
    pj_list_push_back(&list, pjsip_generic_string_hdr_create(rdata->tp_info.pool, &name, &value));
    pjsip_endpt_respond_stateless(ast_sip_get_pjsip_endpoint(), rdata, 200, NULL, &list, NULL);
    return PJ_TRUE;
}

static pjsip_module service = {
    .name = {(char *)"api-count", 9},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_TSX_LAYER - 1,
    .on_rx_request = on_rx_request,
};

static int init(void)
{
    find_pools();
    return ast_sip_session_register_extension(&extension) || ast_sip_register_service(&service) ? -1
                                                                                                : 0;
}

static void done(void)
{
    ast_sip_unregister_service(&service);
    ast_sip_session_unregister_extension(&extension);
}

AST_SIP_MODULE(.name = "api_count", .description = "Test: how much of everything there is",
               .init = init, .close = done);
