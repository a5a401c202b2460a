/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what is kept on requests of ours until their end. Nothing is sent here.
 */
#include "res_sip/message/message.h"

static int kept = -1;

void sip_sent_keep(int slot)
{
    kept = slot;
}

struct sip_sent *sip_sent_of(pjsip_tx_data *tdata, int make)
{
    struct sip_sent *sent = kept < 0 ? NULL : tdata->mod_data[kept];

    if (!sent && make) {
        base_assert(kept >= 0);
        sent = PJ_POOL_ZALLOC_T(tdata->pool, struct sip_sent);
        tdata->mod_data[kept] = sent;
    }
    return sent;
}
