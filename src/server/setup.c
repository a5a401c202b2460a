/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server: what it is started with, read from configuration files or made from a program's
 * options. Nothing is started here.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "config/config.h"
#include "server/server.h"

/* One more transport at the end of the list. The port of TCP is that of UDP, unless it is any. */
static int add_transport(struct sip_config *config, const char *name, int protocol,
                         const pj_sockaddr *bind)
{
    struct sip_transport_config **end = &config->transports;
    struct sip_transport_config *transport = calloc(1, sizeof(*transport));

    if (transport == NULL || (transport->name = strdup(name)) == NULL) {
        free(transport);
        return -1;
    }
    while (*end != NULL) {
        end = &(*end)->next;
    }
    transport->protocol = protocol;
    transport->bind = *bind;
    *end = transport;
    return 0;
}

static int setup_from_options(const struct ast_server_options *options, struct server_setup *setup)
{
    pj_str_t bind = pj_str((char *)(options->bind != NULL ? options->bind : "127.0.0.1"));
    pj_sockaddr address;

    if (pj_sockaddr_parse(pj_AF_UNSPEC(), 0, &bind, &address) != PJ_SUCCESS) {
        ast_error("'%s' is no address to bind to: expected ADDRESS or ADDRESS:PORT", bind.ptr);
        return -1;
    }
    media_config_init(&setup->media);
    setup->sip = sip_config_create();
    setup->modules = strdup(options->modules != NULL ? options->modules : CONFIG_DEFAULT_MODULES);
    if (setup->sip == NULL || setup->modules == NULL ||
        add_transport(setup->sip, "udp", SIP_TRANSPORT_UDP, &address) != 0 ||
        add_transport(setup->sip, "tcp", SIP_TRANSPORT_TCP, &address) != 0) {
        ast_error("No memory for the server's set-up");
        return -1;
    }
    return 0;
}
