/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: an INVITE of ours was forked, and another branch answers, too (RFC
 * 3261 13.2.2.4). The first 2xx has the session; each later one gets its ACK, and a BYE in a dialog
 * of its own.
 */
#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* Takes the session count of the dialog. */
static int end_fork(void *data)
{
    pjsip_dialog *dlg = data;
    pjsip_tx_data *bye;

    if (pjsip_dlg_create_request(dlg, pjsip_get_bye_method(), -1, &bye) != PJ_SUCCESS ||
        pjsip_dlg_send_request(dlg, bye, -1, NULL) != PJ_SUCCESS) {
        ast_warning("Cannot end the other answer of a forked INVITE");
    }
    pjsip_dlg_dec_session(dlg, &session_usage);
    return 0;
}

pjsip_dialog *session_on_fork(pjsip_dialog *first, pjsip_rx_data *rdata)
{
    pjsip_dialog *dlg;

    if (rdata->msg_info.msg->line.status.code / 100 != 2 || !first->uac_has_2xx) {
        return first; /* PJSIP follows the branch that spoke last, until one has answered */
    }
    if (pjsip_dlg_fork(first, rdata, &dlg) != PJ_SUCCESS) {
        ast_warning("A later answer of a forked INVITE makes no dialog");
        return NULL;
    }
    pjsip_dlg_inc_session(dlg, &session_usage);
    if (ast_sip_push_task(end_fork, dlg) != 0) { /* behind the ACK, which PJSIP sends now */
        pjsip_dlg_dec_session(dlg, &session_usage);
        return NULL;
    }
    return dlg;
}
