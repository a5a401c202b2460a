/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A module as one that was compiled with another config_site.h: the loader must refuse it.
 */
#include "api_record.h"

static int init(void)
{
    api_record("init api_wrong_abi");
    return 0;
}

extern const struct ast_sip_module AST_SIP_MODULE_SYMBOL;
__attribute__((visibility("default"))) const struct ast_sip_module AST_SIP_MODULE_SYMBOL = {
    .name = "api_wrong_abi",
    .description = "Test: compiled with another configuration",
    .init = init,
    .abi = {AST_SIP_MODULE_ABI, PJSIP_MAX_MODULE + 1, sizeof(pjsip_rx_data), sizeof(pjsip_tx_data),
            sizeof(pjsip_dialog)},
};
