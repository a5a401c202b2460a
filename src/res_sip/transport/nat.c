/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: peers behind a NAT, and we behind one. `rewrite_contact`: a peer is reached where its
 * messages come from, not at the address that it believes to have. `external_signaling_address`:
 * peers outside of `local_net` are told that address of ours, in Via and Contact of what leaves. No
 * dialog is changed here, only messages.
 */
#include <string.h>

#include <pjlib.h>

#include <sipsession/log.h>

#include "res_sip/transport/transport.h"

#define OWN_ADDRESSES 32

static pj_bool_t on_response(pjsip_rx_data *rdata);
static pj_status_t on_sending(pjsip_tx_data *tdata);

/* Before transactions: dialogs see a response from within them. */
static pjsip_module nat = {
    .name = SIP_STR("mod-sip-nat"),
    .id = -1,
    .priority = SIP_PRIORITY_EDGE + 1,
    .on_rx_response = on_response,
    .on_tx_request = on_sending,
    .on_tx_response = on_sending,
};

static int wanted;          /* some dialog's endpoint has rewrite_contact */
static int external_wanted; /* some transport has an external address */

void sip_nat_expect(const struct ast_sip_endpoint *endpoint)
{
    wanted |= endpoint && endpoint->rewrite_contact;
}

void sip_nat_rewrite(pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint)
{
    static const pj_str_t path = SIP_STR("Path");
    pjsip_contact_hdr *contact;
    const char *parameter;
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
    parameter = sip_transport_parameter(rdata->tp_info.transport->key.type);
    if (parameter && !PJSIP_URI_SCHEME_IS_SIPS(contact->uri)) {
        uri->transport_param = sip_str(parameter);
    } else {
        uri->transport_param.slen = 0;
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

/* ---- peers outside of local_net ---- */

static int is_in(const struct sip_network *network, const pj_sockaddr *address)
{
    const unsigned char *a = pj_sockaddr_get_addr(&network->address);
    const unsigned char *b = pj_sockaddr_get_addr(address);
    unsigned octets = network->prefix / 8, bits = network->prefix % 8;

    if (network->address.addr.sa_family != address->addr.sa_family || memcmp(a, b, octets) != 0) {
        return 0;
    }
    return bits == 0 || ((a[octets] ^ b[octets]) & (0xff00u >> bits) & 0xffu) == 0;
}

int sip_nat_is_outside(const struct sip_external_config *external, const pj_sockaddr *peer)
{
    for (unsigned i = 0; i < external->local_count; i++) {
        if (is_in(&external->local[i], peer)) {
            return 0;
        }
    }
    return 1;
}

static int is_same_host(const pj_sockaddr *one, const pj_sockaddr *other)
{
    return one->addr.sa_family == other->addr.sa_family &&
           memcmp(pj_sockaddr_get_addr(one), pj_sockaddr_get_addr(other),
                  pj_sockaddr_get_addr_len(one)) == 0;
}

int sip_transport_has_address(const struct sip_transport *transport, const pj_sockaddr *address)
{
    pj_sockaddr all[OWN_ADDRESSES];
    unsigned count = PJ_ARRAY_SIZE(all);

    if (pj_sockaddr_has_addr(&transport->address)) {
        return is_same_host(address, &transport->address);
    }
    if (address->addr.sa_family != transport->address.addr.sa_family ||
        pj_enum_ip_interface(address->addr.sa_family, &count, all) != PJ_SUCCESS) {
        return 0;
    }
    while (count > 0 && !is_same_host(address, &all[count - 1])) {
        count--;
    }
    return count > 0;
}

static int is_own_host(const struct sip_transport *transport, const pj_str_t *host)
{
    pj_sockaddr address;

    return sip_parse_ip(host, &address) == 0 && sip_transport_has_address(transport, &address);
}

/* What peers outside know us by; NULL: by what we have. */
static const char *external_host(const struct sip_external_config *external)
{
    return external->signaling_hostname ? external->signaling_hostname
                                        : external->signaling_address;
}

static int is_external(const struct sip_external_config *external)
{
    return external_host(external) || external->media_address;
}

/* In the message's own memory: the configuration may go before it. */
static void set_host(pj_pool_t *pool, pj_str_t *host, const char *value)
{
    if (pj_strcmp2(host, value) != 0) {
        pj_strdup2(pool, host, value);
    }
}

/* A Via of ours that says where answers go: at every new transmission the same. */
static void rewrite_via(pjsip_tx_data *tdata, const struct sip_external_config *external)
{
    pjsip_via_hdr *via = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_VIA, NULL);

    if (via) {
        set_host(tdata->pool, &via->sent_by.host, external_host(external));
        if (external->signaling_port) {
            via->sent_by.port = (int)external->signaling_port;
        }
    }
}

/* Only a Contact that is ours: a registrar's answer and a redirection name others. */
static void rewrite_contact(pjsip_tx_data *tdata, const struct sip_transport *transport)
{
    const struct sip_external_config *external = &transport->config->external;
    pjsip_contact_hdr *contact = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CONTACT, NULL);
    pjsip_sip_uri *uri;

    if (!contact || contact->star || !contact->uri ||
        (!PJSIP_URI_SCHEME_IS_SIP(contact->uri) && !PJSIP_URI_SCHEME_IS_SIPS(contact->uri))) {
        return;
    }
    uri = pjsip_uri_get_uri(contact->uri);
    if (uri->port != pj_sockaddr_get_port(&transport->address) ||
        !is_own_host(transport, &uri->host)) {
        return;
    }
    contact->uri = pjsip_uri_clone(tdata->pool, contact->uri); /* the dialog has the same */
    uri = pjsip_uri_get_uri(contact->uri);
    set_host(tdata->pool, &uri->host, external_host(external));
    if (external->signaling_port) {
        uri->port = (int)external->signaling_port;
    }
}

/*
 * RFC 3261 18.1.1: on a socket that is bound to all addresses PJSIP has but one name for us; Via
 * names the address that the request leaves from.
 */
static void name_own_address(pjsip_tx_data *tdata, const struct sip_transport *transport)
{
    pjsip_via_hdr *via = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_VIA, NULL);
    char text[PJ_INET6_ADDRSTRLEN];
    pj_sockaddr address;

    if (via && sip_address_towards(transport, &tdata->tp_info.dst_addr, &address) == 0 &&
        pj_strcmp2(&via->sent_by.host, pj_sockaddr_print(&address, text, sizeof(text), 0)) != 0) {
        pj_strdup2(tdata->pool, &via->sent_by.host, text);
        pjsip_tx_data_invalidate_msg(tdata);
    }
}

/* PJSIP has chosen where it goes, and has not printed it yet. */
static pj_status_t on_sending(pjsip_tx_data *tdata)
{
    const struct sip_transport *transport;

    if (!tdata->tp_info.transport) {
        return PJ_SUCCESS;
    }
    transport = sip_transport_of(tdata->tp_info.transport);
    if (transport && transport->udp && tdata->msg->type == PJSIP_REQUEST_MSG &&
        !pj_sockaddr_has_addr(&transport->address)) {
        name_own_address(tdata, transport);
    }
    if (!external_wanted || !transport || !is_external(&transport->config->external) ||
        !sip_nat_is_outside(&transport->config->external, &tdata->tp_info.dst_addr)) {
        return PJ_SUCCESS;
    }
    if (external_host(&transport->config->external)) {
        if (tdata->msg->type == PJSIP_REQUEST_MSG) {
            rewrite_via(tdata, &transport->config->external);
        }
        rewrite_contact(tdata, transport);
    }
    if (transport->config->external.media_address) {
        sip_nat_rewrite_sdp(tdata, transport);
    }
    pjsip_tx_data_invalidate_msg(tdata);
    return PJ_SUCCESS;
}

static int has_external(const struct sip_config *config)
{
    const struct sip_transport_config *one = config->transports;

    while (one && !is_external(&one->external)) {
        one = one->next;
    }
    return one != NULL;
}

void sip_nat_reload(void)
{
    external_wanted = has_external(sip_get_config());
}

int sip_nat_start(void)
{
    wanted = 0;
    external_wanted = has_external(sip_get_config());
    return sip_module_register(&nat);
}
