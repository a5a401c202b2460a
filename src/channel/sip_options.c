/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: OPTIONS for an extension that does not exist is answered as an INVITE would be (RFC
 * 3261 11.2); all others go on to res_sip's answer.
 */
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/res_sip.h>
#include <sipsession/res_sip_session.h>

#include "channel/channel.h"

static int need_extension = 1;

void chan_options_need_extension(int need)
{
    need_extension = need;
}

/* Of an extension that an INVITE would not find: 404, or 484 as the driver says it; else 0. */
static int refusal(const struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata)
{
    char exten[CHAN_NAME_SIZE];
    struct ast_party_id caller;
    const char *number = endpoint->callerid.number, *overlap = endpoint->overlap_context;

    ast_pbx_request_exten(rdata, exten, sizeof(exten));
    if (number[0] == '\0' && ast_sip_session_get_identity(rdata, &caller) == 0) {
        number = caller.number;
    }
    if (strcmp(exten, "s") == 0 || ast_pbx_exists_for(endpoint->context, exten, number)) {
        return 0;
    }
    return endpoint->allow_overlap &&
                   pbx_can_match(pbx_current(), overlap != NULL ? overlap : endpoint->context,
                                 exten, number)
               ? PJSIP_SC_ADDRESS_INCOMPLETE
               : PJSIP_SC_NOT_FOUND;
}

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    const struct ast_sip_endpoint *endpoint;
    int status;

    if (rdata->msg_info.msg->line.req.method.id != PJSIP_OPTIONS_METHOD || !need_extension ||
        pbx_current() == NULL || pjsip_rdata_get_dlg(rdata) != NULL) {
        return PJ_FALSE;
    }
    endpoint = ast_pjsip_rdata_get_endpoint(rdata);
    status = endpoint != NULL ? refusal(endpoint, rdata) : 0;
    if (status == 0) {
        return PJ_FALSE;
    }
    pjsip_endpt_respond_stateless(ast_sip_get_pjsip_endpoint(), rdata, status, NULL, NULL, NULL);
    return PJ_TRUE;
}

static pjsip_module module = {
    .name = {(char *)"mod-channel-options", 19},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    .on_rx_request = on_request,
};

int chan_options_start(void)
{
    return ast_sip_register_service(&module);
}

void chan_options_stop(void)
{
    ast_sip_unregister_service(&module);
}
