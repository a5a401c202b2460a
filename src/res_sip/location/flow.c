/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: flows (RFC 5626 2): the connection, or the pair of UDP addresses, that a REGISTER came
 * over. Requests to its contact go the same way back, since no other may lead through a NAT. Which
 * contacts have one is the registrar's business.
 *
 * A flow's name is "SERIAL ADDRESS TRANSPORT". Serials distinguish connections, also those of
 * another run, so that one that comes from a place where another one was is not taken for it; 0 is
 * UDP, whose flows outlive us.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/location.h>

#include "res_sip/location/location.h"
#include "res_sip/transport/transport.h"

int ast_sip_flow_name(const pjsip_rx_data *rdata, char *name, size_t size, unsigned *timer)
{
    const pjsip_transport *transport = rdata->tp_info.transport;
    const struct sip_transport *ours = sip_transport_of(transport);
    const struct sip_connection *connection = NULL;
    char address[PJ_INET6_ADDRSTRLEN + 10];
    int length;

    base_assert_sip_thread();
    if (!(transport->flag & PJSIP_TRANSPORT_DATAGRAM)) {
        connection = sip_connection_of(transport);
        if (!connection) {
            return -1; /* it is being closed */
        }
    }
    if (!ours) {
        return -1;
    }
    length = snprintf(name, size, "%llu %s %s", connection ? connection->serial : 0,
                      pj_sockaddr_print(&rdata->pkt_info.src_addr, address, sizeof(address), 3),
                      ours->config->name);
    if (length < 0 || (size_t)length >= size) {
        return -1;
    }
    *timer = connection ? sip_get_config()->guard.idle_timeout : 0;
    return 0;
}

/* "192.0.2.1:5060" or "[2001:db8::1]:5060"; 0, -1. */
static int read_address(const char *text, size_t length, pj_sockaddr *address)
{
    const pj_str_t value = {(char *)text, (pj_ssize_t)length};

    return pj_sockaddr_parse(pj_AF_UNSPEC(), 0, &value, address) == PJ_SUCCESS &&
                   pj_sockaddr_get_port(address) != 0
               ? 0
               : -1;
}

/* The parts of a name. 0, -1. */
static int read_name(const char *name, unsigned long long *serial, pj_sockaddr *address,
                     const char **transport)
{
    char *at, *end;

    *serial = strtoull(name, &at, 10);
    if (*at != ' ' || !(end = strchr(at + 1, ' ')) ||
        read_address(at + 1, (size_t)(end - at - 1), address) != 0) {
        return -1;
    }
    *transport = end + 1;
    return 0;
}

int sip_flow_address(const char *name, pj_sockaddr *address)
{
    unsigned long long serial;
    const char *transport;
    pj_sockaddr found;

    if (read_name(name, &serial, &found, &transport) != 0) {
        return -1;
    }
    *address = found;
    return 0;
}

int sip_flow_find(const char *name, struct sip_flow *flow)
{
    unsigned long long serial;
    const char *transport;
    const struct sip_transport *ours;
    struct sip_connection *connection;
    struct sip_flow found;

    base_assert_sip_thread();
    if (read_name(name, &serial, &found.address, &transport) != 0) {
        return -1;
    }
    if (serial == 0) {
        ours = sip_transport_of_name(transport);
        found.transport = ours ? ours->udp : NULL;
    } else {
        connection = sip_connection_of_serial(serial);
        found.transport = connection ? connection->transport : NULL;
    }
    if (!found.transport || found.transport->is_shutdown ||
        found.transport->key.rem_addr.addr.sa_family != found.address.addr.sa_family) {
        return -1;
    }
    *flow = found;
    return 0;
}

void sip_flow_direct(const struct sip_flow *flow, pjsip_tx_data *tdata)
{
    const pjsip_tpselector selector = {.type = PJSIP_TPSELECTOR_TRANSPORT,
                                       .u.transport = flow->transport};

    pjsip_tx_data_set_transport(tdata, &selector);
    tdata->dest_info.cur_addr = 0;
    tdata->dest_info.addr.count = 1; /* so that no name is looked up */
    tdata->dest_info.addr.entry[0].type = flow->transport->key.type;
    tdata->dest_info.addr.entry[0].priority = 0;
    tdata->dest_info.addr.entry[0].weight = 0;
    tdata->dest_info.addr.entry[0].addr = flow->address;
    tdata->dest_info.addr.entry[0].addr_len = pj_sockaddr_get_len(&flow->address);
}
