/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: addresses and networks as people write them. Names are not looked up here.
 */
#include "config/config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ADDRESS 64 /* longer text is no address */

/* An IPv4 or IPv6 address of `length` characters, port 0. */
static int parse_ip(const char *text, size_t length, pj_sockaddr *address)
{
    char copy[MAX_ADDRESS];
    unsigned char octets[sizeof(struct in6_addr)];
    pj_sockaddr result;

    if (length >= sizeof(copy)) {
        return -1;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET, copy, octets) == 1) {
        pj_sockaddr_init(pj_AF_INET(), &result, NULL, 0);
    } else if (inet_pton(AF_INET6, copy, octets) == 1) {
        pj_sockaddr_init(pj_AF_INET6(), &result, NULL, 0);
    } else {
        return -1;
    }
    memcpy(pj_sockaddr_get_addr(&result), octets, pj_sockaddr_get_addr_len(&result));
    *address = result;
    return 0;
}

int config_parse_address(const char *text, unsigned default_port, pj_sockaddr *address)
{
    const char *end, *port_text = NULL;
    unsigned port = default_port;
    pj_sockaddr result;

    if (text[0] == '[') { /* [::1]:5060 */
        end = strchr(++text, ']');
        if (!end || (end[1] != '\0' && end[1] != ':')) {
            return -1;
        }
        port_text = end[1] == ':' ? end + 2 : NULL;
    } else {
        end = strchr(text, ':');
        if (end && !strchr(end + 1, ':')) { /* two colons: IPv6 without a port */
            port_text = end + 1;
        } else {
            end = text + strlen(text);
        }
    }
    if (port_text && base_parse_uint(port_text, 65535, &port) != 0) {
        return -1;
    }
    if (parse_ip(text, (size_t)(end - text), &result) != 0) {
        return -1;
    }
    pj_sockaddr_set_port(&result, (pj_uint16_t)port);
    *address = result;
    return 0;
}

/* How many bits a mask like 255.255.0.0 has; -1: it is none, or has holes. */
static int prefix_of_mask(const char *text)
{
    struct in_addr mask;
    unsigned bits, prefix = 0;

    if (inet_pton(AF_INET, text, &mask) != 1) {
        return -1;
    }
    bits = ntohl(mask.s_addr);
    while (bits & 0x80000000u) {
        prefix++;
        bits <<= 1;
    }
    return bits == 0 ? (int)prefix : -1;
}

/* Takes away what the prefix does not cover. */
static void clear_host_bits(struct sip_network *network)
{
    unsigned char *octets = pj_sockaddr_get_addr(&network->address);
    unsigned length = pj_sockaddr_get_addr_len(&network->address), i;

    for (i = 0; i < length; i++) {
        unsigned kept = network->prefix > i * 8 ? network->prefix - i * 8 : 0;

        if (kept < 8) {
            octets[i] &= (unsigned char)(0xff00u >> kept);
        }
    }
}

int config_parse_network(const char *text, struct sip_network *network)
{
    const char *slash = strchr(text, '/');
    struct sip_network result;
    unsigned most;

    memset(&result, 0, sizeof(result));
    if (parse_ip(text, slash ? (size_t)(slash - text) : strlen(text), &result.address) != 0) {
        return -1;
    }
    most = pj_sockaddr_get_addr_len(&result.address) * 8;
    result.prefix = most;
    if (slash && base_parse_uint(slash + 1, most, &result.prefix) != 0) {
        int prefix = most == 32 ? prefix_of_mask(slash + 1) : -1;

        if (prefix < 0) {
            return -1;
        }
        result.prefix = (unsigned)prefix;
    }
    clear_host_bits(&result);
    *network = result;
    return 0;
}

static int add_network(struct sip_network **networks, unsigned *count,
                       const struct sip_network *network)
{
    struct sip_network *grown = realloc(*networks, (*count + 1) * sizeof(*grown));

    if (!grown) {
        return -1;
    }
    grown[(*count)++] = *network;
    *networks = grown;
    return 0;
}

int config_parse_networks(const char *text, struct sip_network **networks, unsigned *count,
                          char *why, size_t why_size)
{
    char *copy = strdup(text), *rest = copy, *one;
    unsigned before = *count;
    int result = copy ? 0 : -1;

    snprintf(why, why_size, "out of memory");
    while (result == 0 && (one = strsep(&rest, ","))) {
        struct sip_network network;

        one = config_trim(one);
        if (config_parse_network(one, &network) != 0) {
            snprintf(
                why, why_size,
                "expected IP addresses or networks, e.g. 192.0.2.0/24, not '%s'; names are not looked up",
                one);
            result = -1;
        } else {
            result = add_network(networks, count, &network);
        }
    }
    free(copy);
    if (result != 0) {
        *count = before;
    }
    return result;
}

void config_format_networks(const struct sip_network *networks, unsigned count, char *out,
                            size_t size)
{
    size_t used = 0;
    unsigned i;

    out[0] = '\0';
    for (i = 0; i < count && used < size; i++) {
        char text[PJ_INET6_ADDRSTRLEN + 10];

        pj_sockaddr_print(&networks[i].address, text, sizeof(text), 0);
        used += (size_t)snprintf(out + used, size - used, "%s%s/%u", used ? "," : "", text,
                                 networks[i].prefix);
    }
}
