/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: OPTIONS outside of a dialog: what we can do (RFC 3261 11.2). Within one it is the session's.
 */
#include <sipsession/log.h>

#include "res_sip/distributor/distributor.h"
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

/* RFC 3261 8.2.2.3: what is required and we do not have, for 420; NULL: nothing. */
static pjsip_hdr *unsupported(pjsip_rx_data *rdata)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    pjsip_unsupported_hdr *made = pjsip_unsupported_hdr_create(rdata->tp_info.pool);

    for (const pjsip_hdr *hdr = msg->hdr.next; hdr != &msg->hdr; hdr = hdr->next) {
        const pjsip_require_hdr *require = (const pjsip_require_hdr *)hdr;

        for (unsigned i = 0; hdr->type == PJSIP_H_REQUIRE && i < require->count; i++) {
            if (!pjsip_endpt_has_capability(sip_endpt, PJSIP_H_SUPPORTED, NULL,
                                            &require->values[i]) &&
                made->count < PJ_ARRAY_SIZE(made->values)) {
                made->values[made->count++] = require->values[i];
            }
        }
    }
    return made->count > 0 ? (pjsip_hdr *)made : NULL;
}

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    pj_pool_t *pool = rdata->tp_info.pool;
    pjsip_hdr list, *refused;

    if (rdata->msg_info.msg->line.req.method.id != PJSIP_OPTIONS_METHOD) {
        return PJ_FALSE;
    }
    pj_list_init(&list);
    refused = unsupported(rdata);
    if (refused) {
        pj_list_push_back(&list, refused);
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
