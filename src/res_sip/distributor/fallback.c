/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the end of the chain: a request that no service took gets its refusal, never silence.
 */
#include <sipsession/log.h>

#include "res_sip/distributor/distributor.h"
#include "res_sip/message/message.h"

static pj_bool_t on_request(pjsip_rx_data *rdata);

static pjsip_module fallback = {
    .name = SIP_STR("mod-sip-fallback"),
    .id = -1,
    .priority = SIP_PRIORITY_LAST,
    .on_rx_request = on_request,
};

/* Methods that exist only within a dialog (RFC 3261 15.1.2, RFC 3262, 3311, 6086, 6665). */
static const char *const within_dialog[] = {"BYE", "PRACK", "UPDATE", "INFO", "NOTIFY"};

/* Methods that others have and that are not for us. */
static const char *const known[] = {"INVITE",    "OPTIONS", "REGISTER", "MESSAGE",
                                    "SUBSCRIBE", "PUBLISH", "REFER"};

static int is_one_of(const pj_str_t *method, const char *const *names, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (pj_strcmp2(method, names[i]) == 0) { /* case matters (RFC 3261 7.1) */
            return 1;
        }
    }
    return 0;
}

/* RFC 3261 8.2.1 and 21.5: 403 for what is only allowed within a session, 405 for what is known but
 * not allowed, 501 for what is not known. */
static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    const pj_str_t *method = &rdata->msg_info.msg->line.req.method.name;
    pjsip_hdr list;

    if (is_one_of(method, within_dialog, PJ_ARRAY_SIZE(within_dialog))) {
        sip_respond(rdata, PJSIP_SC_CALL_TSX_DOES_NOT_EXIST, NULL, NULL);
        return PJ_TRUE;
    }
    pj_list_init(&list);
    sip_add_capability(rdata->tp_info.pool, &list, PJSIP_H_ALLOW);
    if (pjsip_endpt_has_capability(sip_endpt, PJSIP_H_ALLOW, NULL, method)) {
        /* It is in Allow, as somebody takes it within sessions: this one is not wanted. */
        sip_respond(rdata, PJSIP_SC_FORBIDDEN, NULL, NULL);
    } else if (is_one_of(method, known, PJ_ARRAY_SIZE(known))) {
        sip_respond(rdata, PJSIP_SC_METHOD_NOT_ALLOWED, NULL, &list);
    } else {
        sip_respond(rdata, PJSIP_SC_NOT_IMPLEMENTED, NULL, &list);
    }
    return PJ_TRUE;
}

int sip_fallback_start(void)
{
    return sip_module_register(&fallback);
}
