/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: a UDP socket as the configuration wants it, bound. It is read and written elsewhere.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sipsession/log.h>

#include "res_sip/transport/transport.h"

#define SOCKET_BUFFER (4 * 1024 * 1024) /* octets wanted: some thousand messages of a burst */

/* The larger the better; root may go beyond the system's limit. */
static void set_buffer(int fd, int force, int option)
{
    const int size = SOCKET_BUFFER;

    if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) != 0) {
        setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size));
    }
}

void sip_udp_set_qos(int fd, const struct sip_transport_config *config)
{
    const int priority = (int)config->cos;

    if (config->bind.addr.sa_family == PJ_AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &config->tos, sizeof(config->tos));
    } else {
        setsockopt(fd, IPPROTO_IP, IP_TOS, &config->tos, sizeof(config->tos));
    }
    /* behind IP_TOS, which sets one too */
    if (priority || config->bind.addr.sa_family == PJ_AF_INET6) {
        setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority));
    }
}

static void set_options(int fd, const struct sip_transport_config *config, int wildcard)
{
    const int on = 1;

    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    /* how long a datagram has waited, and how many were lost: of use, not of need */
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
    if (config->bind.addr.sa_family == PJ_AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        if (wildcard) {
            setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
        }
    } else {
        if (wildcard) {
            setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
        }
    }
    if (config->tos || config->cos) {
        sip_udp_set_qos(fd, config);
    }
}

int sip_udp_socket(const struct sip_transport_config *config)
{
    char name[PJ_INET6_ADDRSTRLEN + 10];
    int fd = socket(config->bind.addr.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        ast_error("res_sip: transport '%s': no UDP socket: %m", config->name);
        return -1;
    }
    set_options(fd, config, !pj_sockaddr_has_addr(&config->bind));
    if (bind(fd, (const struct sockaddr *)&config->bind, pj_sockaddr_get_len(&config->bind)) != 0) {
        ast_error("res_sip: transport '%s': cannot bind UDP %s: %m", config->name,
                  pj_sockaddr_print(&config->bind, name, sizeof(name), 3));
        close(fd);
        return -1;
    }
    return fd;
}
