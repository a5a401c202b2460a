/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: type=transport of pjsip.conf. What a transport does is res_sip's; here is only how it is
 * written.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What the options fill; made into a struct sip_transport_config at the end of the section. */
struct transport {
    struct sip_transport_config config;
    int has_bind;
    int keepalive;
    unsigned keepalive_idle;
};

static int parse_protocol(void *object, const struct base_option *option, const char *value,
                          char *why, size_t why_size)
{
    static const char *const later[] = {"tls", "ws", "wss", "flow"};
    struct transport *transport = object;
    size_t i;

    (void)option;
    if (strcasecmp(value, "udp") == 0) {
        transport->config.protocol = SIP_TRANSPORT_UDP;
        return 0;
    }
    if (strcasecmp(value, "tcp") == 0) {
        transport->config.protocol = SIP_TRANSPORT_TCP;
        return 0;
    }
    for (i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        if (strcasecmp(value, later[i]) ==
            0) { /* in the clear instead would not be what was asked for */
            snprintf(why, why_size, "expected udp or tcp: %s is not supported", later[i]);
            return -1;
        }
    }
    snprintf(why, why_size, "expected udp or tcp");
    return -1;
}

static void format_protocol(const void *object, const struct base_option *option, char *out,
                            size_t size)
{
    const struct transport *transport = object;

    (void)option;
    snprintf(out, size, "%s", transport->config.protocol == SIP_TRANSPORT_TCP ? "tcp" : "udp");
}

static int parse_bind(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size)
{
    struct transport *transport = object;

    (void)option;
    if (config_parse_address(value, 5060, &transport->config.bind) != 0) {
        snprintf(why, why_size,
                 "expected an IP address, e.g. 127.0.0.1, 0.0.0.0:5060 or [::1]:5060");
        return -1;
    }
    transport->has_bind = 1;
    return 0;
}

static void format_bind(const void *object, const struct base_option *option, char *out,
                        size_t size)
{
    const struct transport *transport = object;
    char text[PJ_INET6_ADDRSTRLEN + 10];

    (void)option;
    out[0] = '\0';
    if (transport->has_bind) {
        pj_sockaddr_print(&transport->config.bind, text, sizeof(text), 3);
        snprintf(out, size, "%s", text);
    }
}

/* "0xb8", "184", or a name of RFC 2474 and RFC 3246 as Asterisk writes them. */
static int parse_tos(void *object, const struct base_option *option, const char *value, char *why,
                     size_t why_size)
{
    static const struct {
        const char *name;
        int tos;
    } names[] = {{"CS0", 0x00},  {"CS1", 0x20},  {"CS2", 0x40},  {"CS3", 0x60},  {"CS4", 0x80},
                 {"CS5", 0xa0},  {"CS6", 0xc0},  {"CS7", 0xe0},  {"AF11", 0x28}, {"AF12", 0x30},
                 {"AF13", 0x38}, {"AF21", 0x48}, {"AF22", 0x50}, {"AF23", 0x58}, {"AF31", 0x68},
                 {"AF32", 0x70}, {"AF33", 0x78}, {"AF41", 0x88}, {"AF42", 0x90}, {"AF43", 0x98},
                 {"EF", 0xb8}};
    struct transport *transport = object;
    char *end;
    unsigned long number;
    int on;
    size_t i;

    (void)option;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcasecmp(value, names[i].name) == 0) {
            transport->config.tos = names[i].tos;
            return 0;
        }
    }
    if (base_parse_bool(value, &on) == 0 && !on) { /* the field's default is "false" */
        transport->config.tos = 0;
        return 0;
    }
    number = strtoul(value, &end, 0);
    if (value[0] < '0' || value[0] > '9' || *end || number > 0xff || number % 4 != 0) {
        snprintf(why, why_size,
                 "expected a number from 0 to 252 in steps of 4, or a name, e.g. cs3 or ef");
        return -1;
    }
    transport->config.tos = (int)number;
    return 0;
}

static void format_tos(const void *object, const struct base_option *option, char *out, size_t size)
{
    const struct transport *transport = object;

    (void)option;
    snprintf(out, size, "%d", transport->config.tos);
}

static const char *const no[] = {"no", NULL};

static const struct base_option options[] = {
    CONFIG_TYPE_OPTION,
    {.name = "protocol",
     .kind = BASE_OPTION_CUSTOM,
     .fallback = "udp",
     .parse = parse_protocol,
     .format = format_protocol,
     .help = "`udp` or `tcp`."},
    {.name = "bind",
     .kind = BASE_OPTION_CUSTOM,
     .parse = parse_bind,
     .format = format_bind,
     .help = "The IP address, with or without a port (5060), to listen on. It must be given."},
    {.name = "tos",
     .kind = BASE_OPTION_CUSTOM,
     .fallback = "0",
     .parse = parse_tos,
     .format = format_tos,
     .help = "Type of service of what is sent: a number, or a name like `cs3`."},
    {.name = "tcp_keepalive_enable",
     .kind = BASE_OPTION_BOOL,
     .offset = offsetof(struct transport, keepalive),
     .fallback = "no",
     .help = "The system looks now and then whether idle TCP connections still live."},
    {.name = "tcp_keepalive_idle_time",
     .kind = BASE_OPTION_UINT,
     .offset = offsetof(struct transport, keepalive_idle),
     .fallback = "30",
     .min = 1,
     .max = 32767,
     .help = "After how many idle seconds it does so."},
    CONFIG_LATER("tcp_keepalive_interval_time", "10"),
    CONFIG_LATER("tcp_keepalive_probe_count", "5"),
    CONFIG_LATER("allow_reload", "no"),
    CONFIG_LATER("allow_wildcard_certs", "no"),
    CONFIG_LATER("async_operations", "1"),
    CONFIG_LATER("ca_list_file", NULL),
    CONFIG_LATER("ca_list_path", NULL),
    CONFIG_LATER("cert_file", NULL),
    CONFIG_LATER("cipher", NULL),
    CONFIG_LATER_HERE("cos", "0", no),
    CONFIG_LATER("domain", NULL),
    CONFIG_LATER("external_media_address", NULL),
    CONFIG_LATER("external_signaling_address", NULL),
    CONFIG_LATER("external_signaling_hostname", NULL),
    CONFIG_LATER("external_signaling_port", "0"),
    CONFIG_LATER("local_net", NULL),
    CONFIG_LATER("method", NULL),
    CONFIG_LATER("password", NULL),
    CONFIG_LATER("priv_key_file", NULL),
    CONFIG_REFUSED("require_client_cert", "no",
                   "TLS is not supported: no certificate would be asked for"),
    CONFIG_LATER("symmetric_transport", "no"),
    CONFIG_REFUSED("verify_client", "no",
                   "TLS is not supported: no certificate would be looked at"),
    CONFIG_REFUSED("verify_server", "no",
                   "TLS is not supported: no certificate would be looked at"),
    CONFIG_LATER("websocket_write_timeout", "100"),
    {.name = NULL},
};

static const struct base_option_table table = {
    .type = "transport",
    .help = "An address to send from and to listen on.",
    .options = options,
    .object_size = sizeof(struct transport),
};

static const struct sip_transport_config *same_address(const struct sip_config *config,
                                                       const struct sip_transport_config *transport)
{
    const struct sip_transport_config *other;

    for (other = config->transports; other; other = other->next) {
        if (other->protocol == transport->protocol && pj_sockaddr_get_port(&transport->bind) != 0 &&
            pj_sockaddr_cmp(&other->bind, &transport->bind) == 0) {
            return other;
        }
    }
    return NULL;
}

static void add(struct config_reader *reader, const struct config_section *section)
{
    struct transport transport;
    struct sip_transport_config *made = calloc(1, sizeof(*made));
    const struct sip_transport_config *other;

    memset(&transport, 0, sizeof(transport));
    if (!made || base_options_init(&table, &transport) != 0) {
        goto no_memory;
    }
    config_set_options(reader->report, &table, section, &transport);
    if (!transport.has_bind) {
        if (!config_section_get(section, "bind")) {
            config_error(reader->report, section->file, section->line,
                         "transport '%s' has no bind, expected e.g. bind = 127.0.0.1:5060",
                         section->name);
        }
        free(made);
        return;
    }
    other = same_address(reader->sip, &transport.config);
    if (other) {
        config_error(
            reader->report, section->file, section->line,
            "transport '%s' has the protocol and the address of transport '%s', expected others",
            section->name, other->name);
    }
    *made = transport.config;
    made->tcp_keepalive = transport.keepalive ? transport.keepalive_idle : 0;
    made->name = strdup(section->name);
    if (!made->name) {
        goto no_memory;
    }
    *reader->transports_end = made;
    reader->transports_end = &made->next;
    return;
no_memory:
    config_error(reader->report, section->file, section->line, "out of memory");
    free(made);
}

const struct config_type config_type_transport = {.table = &table, .add = add};
