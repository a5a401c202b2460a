/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: OPTIONS for an extension that does not exist is answered as an INVITE would be (RFC
 * 3261 11.2); all others go on to res_sip's answer.
 */
#include <string.h>

#include <sipsession/log.h>
#include <sipsession/res_sip.h>

#include "channel/channel.h"

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    const struct ast_sip_endpoint *endpoint;
    char exten[CHAN_NAME_SIZE];

    if (rdata->msg_info.msg->line.req.method.id != PJSIP_OPTIONS_METHOD || pbx_current() == NULL ||
        pjsip_rdata_get_dlg(rdata) != NULL) {
        return PJ_FALSE;
    }
    endpoint = ast_pjsip_rdata_get_endpoint(rdata);
    ast_pbx_request_exten(rdata, exten, sizeof(exten));
    if (endpoint == NULL || strcmp(exten, "s") == 0 || ast_pbx_exists(endpoint->context, exten)) {
        return PJ_FALSE;
    }
    pjsip_endpt_respond_stateless(ast_sip_get_pjsip_endpoint(), rdata, PJSIP_SC_NOT_FOUND, NULL,
                                  NULL, NULL);
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
