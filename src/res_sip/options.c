/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: OPTIONS outside of a dialog: what we can do (RFC 3261 11.2). Within one it is the session's.
 */
#include <sipsession/log.h>

#include "res_sip/message/message.h"

static pj_bool_t on_request(pjsip_rx_data *rdata);

static pjsip_module options = {
    .name = SIP_STR("mod-sip-options"),
    .id = -1,
    .priority = SIP_PRIORITY_METHODS,
    .on_rx_request = on_request,
};

static void add(pj_pool_t *pool, pjsip_hdr *list, const char *name, const char *value)
{
    const pj_str_t header_name = sip_str(name), header_value = sip_str(value);

    pj_list_push_back(list, pjsip_generic_string_hdr_create(pool, &header_name, &header_value));
}

/* Unsupported with the option tags of Require that we do not have, or NULL: there are none. */
static pjsip_hdr *find_unsupported(pj_pool_t *pool, const pjsip_msg *msg)
{
    const pjsip_require_hdr *hdr = pjsip_msg_find_hdr(msg, PJSIP_H_REQUIRE, NULL);
    pjsip_unsupported_hdr *found = NULL;

    for (; hdr; hdr = hdr->next == (const void *)&msg->hdr
                          ? NULL
                          : pjsip_msg_find_hdr(msg, PJSIP_H_REQUIRE, hdr->next)) {
        for (unsigned i = 0; i < hdr->count; i++) {
            if (pjsip_endpt_has_capability(sip_endpt, PJSIP_H_SUPPORTED, NULL, &hdr->values[i])) {
                continue;
            }
            if (!found) {
                found = pjsip_unsupported_hdr_create(pool);
            }
            if (found->count < PJ_ARRAY_SIZE(found->values)) {
                found->values[found->count++] = hdr->values[i];
            }
        }
    }
    return (pjsip_hdr *)found;
}

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    pj_pool_t *pool = rdata->tp_info.pool;
    pjsip_hdr list, *unsupported;

    if (rdata->msg_info.msg->line.req.method.id != PJSIP_OPTIONS_METHOD) {
        return PJ_FALSE;
    }
    pj_list_init(&list);
    unsupported = find_unsupported(pool, rdata->msg_info.msg);
    if (unsupported) { /* RFC 3261 8.2.2.3 */
        pj_list_push_back(&list, unsupported);
        sip_respond(rdata, PJSIP_SC_BAD_EXTENSION, NULL, &list);
        return PJ_TRUE;
    }
    sip_add_capability(pool, &list, PJSIP_H_ALLOW);
    sip_add_capability(pool, &list, PJSIP_H_SUPPORTED);
    sip_add_capability(pool, &list, PJSIP_H_ACCEPT);
    add(pool, &list, "Accept-Encoding", "identity");
    add(pool, &list, "Accept-Language", "en");
    sip_respond(rdata, PJSIP_SC_OK, NULL, &list);
    return PJ_TRUE;
}

int sip_options_start(void)
{
    const pj_str_t name = SIP_STR("OPTIONS");

    if (sip_module_register(&options) != 0) {
        return -1;
    }
    pjsip_endpt_add_capability(sip_endpt, &options, PJSIP_H_ALLOW, NULL, 1, &name);
    return 0;
}
