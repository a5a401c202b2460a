/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server: what it is started with, read from configuration files or made from a program's
 * options. Nothing is started here.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "channel/channel.h"
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

static int from_options(const struct ast_server_options *options, struct config *config)
{
    const char *bind = options->bind != NULL ? options->bind : "127.0.0.1";
    const char *modules = options->modules != NULL ? options->modules : CONFIG_DEFAULT_MODULES;
    pj_sockaddr address;

    if (config_parse_address(bind, 0, &address) != 0) {
        ast_error("'%s' is no address to bind to: expected ADDRESS or ADDRESS:PORT", bind);
        return -1;
    }
    media_config_init(&config->settings.media);
    config->settings.log_level = AST_LOG_NOTICE;
    config->settings.modules = strdup(modules);
    config->sip = sip_config_create();
    if (config->sip == NULL || config->settings.modules == NULL ||
        add_transport(config->sip, "udp", SIP_TRANSPORT_UDP, &address) != 0 ||
        add_transport(config->sip, "tcp", SIP_TRANSPORT_TCP, &address) != 0) {
        ast_error("No memory for the server's set-up");
        return -1;
    }
    return 0;
}

static int from_files(const char *folder, struct config *config)
{
    struct config_report *report = config_report_create();
    int result;

    if (report == NULL) {
        ast_error("No memory to read the configuration");
        return -1;
    }
    result = config_load(folder, report, config);
    config_report_log(report);
    config_report_free(report);
    return result;
}

int server_setup(const struct ast_server_options *options, struct config *config)
{
    struct config made;
    int result;

    memset(&made, 0, sizeof(made));
    result = options->config_dir != NULL ? from_files(options->config_dir, &made)
                                         : from_options(options, &made);
    if (result != 0) {
        config_release(&made);
        return -1;
    }
    if (options->log_level > made.settings.log_level || options->config_dir == NULL) {
        made.settings.log_level = options->log_level;
    }
    *config = made;
    return 0;
}

int ast_server_check(const char *config_dir, FILE *out)
{
    return config_check(config_dir, out);
}
