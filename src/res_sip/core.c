/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what all of its folders see of the server as a whole: PJSIP's endpoint, the counters,
 * whether it stops, and where messages and dialogs keep their endpoint. Nothing is decided here.
 */
#include <string.h>

#include "res_sip/core.h"

pjsip_endpoint *sip_endpt;
struct sip_counters sip_counters;
int sip_endpoint_slot = -1;

static int stopping;

void sip_core_start(void)
{
    memset(&sip_counters, 0, sizeof(sip_counters));
    stopping = 0;
}

void sip_core_stop(void)
{
    sip_endpt = NULL;
    sip_endpoint_slot = -1;
}

void sip_set_stopping(void)
{
    base_assert_sip_thread();
    stopping = 1;
}

int sip_is_stopping(void)
{
    base_assert_sip_thread();
    return stopping;
}

struct ast_sip_endpoint *ast_pjsip_rdata_get_endpoint(pjsip_rx_data *rdata)
{
    base_assert_sip_thread();
    return sip_endpoint_slot < 0 ? NULL : rdata->endpt_info.mod_data[sip_endpoint_slot];
}

struct ast_sip_endpoint *sip_dialog_get_endpoint(const pjsip_dialog *dlg)
{
    return sip_endpoint_slot < 0 ? NULL : dlg->mod_data[sip_endpoint_slot];
}
