/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: type=transport of pjsip.conf. What a transport does is res_sip's; here is only how it is
 * written.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "res_sip/transport/tls.h"

/* What the options fill; made into a struct sip_transport_config at the end of the section. */
struct transport {
    struct sip_transport_config config;
    int has_bind, has_port;
    int keepalive;
    unsigned keepalive_idle, keepalive_interval, keepalive_count;
};

static int parse_protocol(void *object, const struct base_option *option, const char *value,
                          char *why, size_t why_size)
{
    static const char *const later[] = {"ws", "wss", "flow"};
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
    if (strcasecmp(value, "tls") == 0) {
        transport->config.protocol = SIP_TRANSPORT_TLS;
        return 0;
    }
    for (i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        if (strcasecmp(value, later[i]) ==
            0) { /* in the clear instead would not be what was asked for */
            snprintf(why, why_size, "expected udp, tcp or tls: %s is not supported", later[i]);
            return -1;
        }
    }
    snprintf(why, why_size, "expected udp, tcp or tls");
    return -1;
}

static void format_protocol(const void *object, const struct base_option *option, char *out,
                            size_t size)
{
    static const char *const names[] = {"udp", "tcp", "tls"};
    const struct transport *transport = object;

    (void)option;
    snprintf(out, size, "%s", names[transport->config.protocol]);
}

static int parse_bind(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size)
{
    struct transport *transport = object;
    pj_sockaddr other;

    (void)option;
    if (config_parse_address(value, 5060, &transport->config.bind) != 0) {
        snprintf(why, why_size,
                 "expected an IP address, e.g. 127.0.0.1, 0.0.0.0:5060 or [::1]:5060");
        return -1;
    }
    config_parse_address(value, 5061, &other);
    transport->has_bind = 1;
    transport->has_port = pj_sockaddr_get_port(&other) != 5061 ||
                          pj_sockaddr_get_port(&transport->config.bind) == 5061;
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

/* Networks, separated by commas; every line adds to the ones before. */
static int parse_local_net(void *object, const struct base_option *option, const char *value,
                           char *why, size_t why_size)
{
    struct sip_external_config *external = &((struct transport *)object)->config.external;
    unsigned count = external->local_count;
    char *copy = strdup(value), *rest = copy, *text;

    (void)option;
    snprintf(why, why_size, "out of memory");
    while (copy && (text = strsep(&rest, ","))) {
        struct sip_network network, *grown;

        text = config_trim(text);
        if (config_parse_network(text, &network) != 0) {
            snprintf(why, why_size, "expected networks, e.g. 192.168.0.0/16, not '%s'", text);
            free(copy);
            return -1;
        }
        grown = realloc(external->local, (count + 1) * sizeof(*grown));
        if (!grown) {
            free(copy);
            return -1;
        }
        grown[count++] = network;
        external->local = grown;
    }
    if (!copy) {
        return -1;
    }
    external->local_count = count;
    free(copy);
    return 0;
}

static void release_local_net(void *object, const struct base_option *option)
{
    struct sip_external_config *external = &((struct transport *)object)->config.external;

    (void)option;
    free(external->local);
    external->local = NULL;
    external->local_count = 0;
}

static void format_local_net(const void *object, const struct base_option *option, char *out,
                             size_t size)
{
    const struct sip_external_config *external =
        &((const struct transport *)object)->config.external;
    size_t used = 0;
    unsigned i;

    (void)option;
    out[0] = '\0';
    for (i = 0; i < external->local_count && used < size; i++) {
        char text[PJ_INET6_ADDRSTRLEN + 10];

        pj_sockaddr_print(&external->local[i].address, text, sizeof(text), 0);
        used += (size_t)snprintf(out + used, size - used, "%s%s/%u", i ? "," : "", text,
                                 external->local[i].prefix);
    }
}

static const char *const methods[] = {"unspecified", "tlsv1_2", "tlsv1_3", NULL};

#define TLS_TEXT(option_name, member, text)                                                        \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_STRING,                                           \
        .offset = offsetof(struct transport, config.tls.member), .help = text                      \
    }
#define TLS_BOOL(option_name, member, text)                                                        \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_BOOL,                                             \
        .offset = offsetof(struct transport, config.tls.member), .fallback = "no", .help = text    \
    }
#define EXTERNAL_TEXT(option_name, member, parser, text)                                           \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_CUSTOM,                                           \
        .offset = offsetof(struct transport, config.external.member), .parse = parser,             \
        .release = config_release_text, .format = config_format_text, .help = text                 \
    }

static const struct base_option options[] = {
    CONFIG_TYPE_OPTION,
    {.name = "protocol",
     .kind = BASE_OPTION_CUSTOM,
     .fallback = "udp",
     .parse = parse_protocol,
     .format = format_protocol,
     .help = "`udp`, `tcp` or `tls`."},
    {.name = "bind",
     .kind = BASE_OPTION_CUSTOM,
     .parse = parse_bind,
     .format = format_bind,
     .help =
         "The IP address, with or without a port (5060; of TLS 5061), to listen on. It must be given."},
    {.name = "tos",
     .kind = BASE_OPTION_CUSTOM,
     .fallback = "0",
     .offset = offsetof(struct transport, config.tos),
     .parse = config_parse_tos,
     .format = config_format_tos,
     .help = "Type of service of what is sent: a number, or a name like `cs3`."},
    {.name = "cos",
     .kind = BASE_OPTION_CUSTOM,
     .fallback = "0",
     .offset = offsetof(struct transport, config.cos),
     .parse = config_parse_cos,
     .format = config_format_cos,
     .help = "Priority of its packets within the system, 0 to 7 (`SO_PRIORITY`), which a VLAN's "
             "device may map to that of 802.1p."},
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
    {.name = "tcp_keepalive_interval_time",
     .kind = BASE_OPTION_UINT,
     .offset = offsetof(struct transport, keepalive_interval),
     .fallback = "10",
     .min = 1,
     .max = 32767,
     .help = "How many seconds it waits for a sign of life before it asks again."},
    {.name = "tcp_keepalive_probe_count",
     .kind = BASE_OPTION_UINT,
     .offset = offsetof(struct transport, keepalive_count),
     .fallback = "5",
     .min = 1,
     .max = 127,
     .help = "After how many questions without an answer the connection is given up."},
    TLS_TEXT("cert_file", cert_file,
             "PEM file of our certificate, with the chain behind it. TLS needs it. A file that "
             "changes is loaded anew; calls go on."),
    TLS_TEXT("priv_key_file", priv_key_file, "PEM file of its key, when not in `cert_file`."),
    TLS_TEXT("password", password, "What the key is enciphered with."),
    TLS_TEXT("ca_list_file", ca_list_file, "PEM file of the authorities that we trust."),
    TLS_TEXT("ca_list_path", ca_list_path,
             "Folder of authorities that we trust, named as `openssl rehash` does."),
    TLS_BOOL("verify_server", verify_server,
             "Servers that we connect to must have a certificate that we trust, of the name in the "
             "URI (RFC 5922)."),
    TLS_BOOL("verify_client", verify_client,
             "The certificate of a peer that connects, if it has one, must be one that we trust."),
    TLS_BOOL("require_client_cert", require_client_cert,
             "A peer that connects must have a certificate."),
    TLS_BOOL("allow_wildcard_certs", allow_wildcard_certs,
             "With `verify_server`: `*.example.com` stands for one name below it, which RFC 5922 "
             "forbids."),
    {.name = "method",
     .kind = BASE_OPTION_ENUM,
     .offset = offsetof(struct transport, config.tls.method),
     .fallback = "unspecified",
     .names = methods,
     .help =
         "The one version of TLS: `tlsv1_2` or `tlsv1_3`; `unspecified`: both. What is older is "
         "forbidden (RFC 8996)."},
    TLS_TEXT("cipher", cipher,
             "Ciphers, as `openssl ciphers` names them, separated by commas. Those of TLS 1.3 stay "
             "as they are unless all that is named is of TLS 1.3."),
    EXTERNAL_TEXT("external_signaling_address", signaling_address, config_parse_ip,
                  "The IP address that peers outside `local_net` reach us at: in Via and Contact."),
    EXTERNAL_TEXT("external_signaling_hostname", signaling_hostname, config_parse_host,
                  "A name that stands there in its place."),
    {.name = "external_signaling_port",
     .kind = BASE_OPTION_UINT,
     .offset = offsetof(struct transport, config.external.signaling_port),
     .fallback = "0",
     .max = 65535,
     .help = "The port beside it; 0: the one that we listen on."},
    EXTERNAL_TEXT("external_media_address", media_address, config_parse_ip,
                  "The IP address that the SDP names to peers outside `local_net`."),
    {.name = "local_net",
     .kind = BASE_OPTION_CUSTOM,
     .parse = parse_local_net,
     .release = release_local_net,
     .format = format_local_net,
     .help = "Networks whose peers are told our own addresses, separated by commas; may be given "
             "several times. Without one all peers are outside."},
    {.name = "allow_reload",
     .kind = BASE_OPTION_BOOL,
     .offset = offsetof(struct transport, config.allow_reload),
     .fallback = "no",
     .help =
         "A reload may change this transport, or take it away; without it, that needs a restart."},
    {.name = "domain",
     .kind = BASE_OPTION_CUSTOM,
     .offset = offsetof(struct transport, config.domain),
     .parse = config_parse_host,
     .release = config_release_text,
     .format = config_format_text,
     .help =
         "The identifier `username` also looks for an endpoint of this domain, `user@domain`, when a request "
         "comes by it."},
    {.name = "symmetric_transport",
     .kind = BASE_OPTION_BOOL,
     .offset = offsetof(struct transport, config.symmetric),
     .fallback = "no",
     .help = "Contacts that registered over it are reached by it, and so is who called over it; "
             "not where the endpoint has a `transport`, or the contact's host is a name."},
    CONFIG_LATER("async_operations", "1", "One thread reads all sockets; there is nothing to set."),
    CONFIG_LATER("websocket_write_timeout", "100", "There are no WebSockets."),
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

static unsigned line_of(const struct config_section *section, const char *option)
{
    const struct config_line *line = config_section_get(section, option);

    return line ? line->line : section->line;
}

/* What TLS needs; and without TLS nobody shall believe that certificates are looked at. */
static void check_tls(struct config_reader *reader, const struct config_section *section,
                      const struct sip_transport_config *config)
{
    const struct sip_tls_config *tls = &config->tls;
    char why[300];

    if (config->protocol != SIP_TRANSPORT_TLS) {
        if (tls->verify_client || tls->verify_server || tls->require_client_cert) {
            config_error(reader->report, section->file, section->line,
                         "transport '%s' has no certificates to look at, expected protocol = tls",
                         section->name);
        }
        return;
    }
    if (!tls->cert_file) {
        config_error(reader->report, section->file, section->line,
                     "transport '%s' has no certificate, expected cert_file = FILE", section->name);
        return;
    }
    if ((tls->verify_client || tls->verify_server) && !tls->ca_list_file && !tls->ca_list_path) {
        config_error(reader->report, section->file, section->line,
                     "transport '%s' trusts nobody, expected ca_list_file = FILE", section->name);
    }
    if (tls->require_client_cert && !tls->verify_client) {
        config_warning(reader->report, section->file, line_of(section, "require_client_cert"),
                       "transport '%s' takes any certificate, also one that its owner made, "
                       "expected verify_client = yes",
                       section->name);
    }
    if (sip_tls_check(tls, why, sizeof(why)) != 0) {
        config_error(reader->report, section->file, line_of(section, "cert_file"), "%s", why);
    }
}

static void check_whole(struct config_reader *reader, const struct config_section *section,
                        struct transport *transport)
{
    const struct sip_transport_config *other;

    if (transport->config.protocol == SIP_TRANSPORT_TLS && !transport->has_port) {
        pj_sockaddr_set_port(&transport->config.bind, 5061);
    }
    other = same_address(reader->sip, &transport->config);
    if (other) {
        config_error(
            reader->report, section->file, section->line,
            "transport '%s' has the protocol and the address of transport '%s', expected others",
            section->name, other->name);
    }
    check_tls(reader, section, &transport->config);
}

static void add(struct config_reader *reader, const struct config_section *section)
{
    struct transport transport;
    struct sip_transport_config *made = calloc(1, sizeof(*made));

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
        goto out;
    }
    check_whole(reader, section, &transport);
    made->name = strdup(section->name);
    if (!made->name) {
        goto no_memory;
    }
    transport.config.name = made->name;
    *made = transport.config; /* takes its texts */
    made->tcp_keepalive = transport.keepalive ? transport.keepalive_idle : 0;
    made->tcp_keepalive_interval = transport.keepalive_interval;
    made->tcp_keepalive_count = transport.keepalive_count;
    *reader->transports_end = made;
    reader->transports_end = &made->next;
    return;
no_memory:
    config_error(reader->report, section->file, section->line, "out of memory");
out:
    base_options_free(&table, &transport);
    free(made);
}

const struct config_type config_type_transport = {.table = &table, .add = add};
