/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: peers behind a NAT. `rewrite_contact`: a peer is reached where its messages come from,
 * not at the address that it believes to have. Only the Contact of received messages is changed,
 * before dialogs read it.
 */
#include <sipsession/log.h>

#include "res_sip/sip.h"

static pj_bool_t on_response(pjsip_rx_data *rdata);

/* Before transactions: dialogs see a response from within them. */
static pjsip_module nat = {
    .name = SIP_STR("mod-sip-nat"),
    .id = -1,
    .priority = SIP_PRIORITY_EDGE + 1,
    .on_rx_response = on_response,
};

static int wanted; /* some dialog's endpoint has rewrite_contact */

void sip_nat_expect(const struct ast_sip_endpoint *endpoint)
{
    wanted |= endpoint && endpoint->rewrite_contact;
}

void sip_nat_rewrite(pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint)
{
    static const pj_str_t path = SIP_STR("Path");
    pjsip_contact_hdr *contact;
    pjsip_sip_uri *uri;

    if (!endpoint || !endpoint->rewrite_contact || rdata->msg_info.record_route ||
        pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &path, NULL)) {
        return; /* behind a proxy that stays in the path it is the proxy that we reach */
    }
    contact = pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_CONTACT, NULL);
    if (!contact || contact->star || !contact->uri ||
        (!PJSIP_URI_SCHEME_IS_SIP(contact->uri) && !PJSIP_URI_SCHEME_IS_SIPS(contact->uri))) {
        return;
    }
    uri = pjsip_uri_get_uri(contact->uri);
    pj_strdup2(rdata->tp_info.pool, &uri->host, rdata->pkt_info.src_name);
    uri->port = rdata->pkt_info.src_port;
    uri->maddr_param.slen = 0;
    if (rdata->tp_info.transport->flag & PJSIP_TRANSPORT_DATAGRAM) {
        uri->transport_param.slen = 0;
    } else {
        uri->transport_param = sip_str("tcp");
    }
}

/* The endpoint of the dialog whose request a response answers; NULL: there is none. */
static const struct ast_sip_endpoint *endpoint_of(pjsip_rx_data *rdata)
{
    pjsip_transaction *tsx;
    pjsip_dialog *dlg;
    pj_str_t key;

    if (pjsip_tsx_create_key(rdata->tp_info.pool, &key, PJSIP_ROLE_UAC,
                             &rdata->msg_info.cseq->method, rdata) != PJ_SUCCESS) {
        return NULL;
    }
    tsx = pjsip_tsx_layer_find_tsx2(&key, PJ_FALSE);
    dlg = tsx ? pjsip_tsx_get_dlg(tsx) : NULL;
    return dlg ? sip_dialog_get_endpoint(dlg) : NULL;
}

static pj_bool_t on_response(pjsip_rx_data *rdata)
{
    if (wanted) {
        sip_nat_rewrite(rdata, endpoint_of(rdata));
    }
    return PJ_FALSE;
}

int sip_nat_start(void)
{
    wanted = 0;
    return sip_module_register(&nat);
}
