/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: options of an endpoint that have a form of their own: lists, variables, and texts that
 * become part of a URI or of SDP.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int config_parse_variable(void *object, const struct base_option *option, const char *value,
                          char *why, size_t why_size)
{
    struct ast_sip_endpoint *endpoint = object;
    struct ast_sip_variable **end = &endpoint->variables;
    struct ast_sip_variable *variable;
    const char *sign = strchr(value, '=');

    (void)option;
    if (!sign || sign == value) {
        snprintf(why, why_size, "expected NAME=VALUE");
        return -1;
    }
    variable = calloc(1, sizeof(*variable));
    if (variable) {
        variable->name = strndup(value, (size_t)(sign - value));
        variable->value = strdup(sign + 1);
    }
    if (!variable || !variable->name || !variable->value) {
        snprintf(why, why_size, "out of memory");
        if (variable) {
            free(variable->name);
            free(variable->value);
            free(variable);
        }
        return -1;
    }
    config_trim(variable->name);
    while (*end) {
        end = &(*end)->next;
    }
    *end = variable;
    return 0;
}

void config_format_variables(const void *object, const struct base_option *option, char *out,
                             size_t size)
{
    const struct ast_sip_variable *variable = ((const struct ast_sip_endpoint *)object)->variables;
    size_t used = 0;

    (void)option;
    out[0] = '\0';
    for (; variable && used < size; variable = variable->next) {
        used += (size_t)snprintf(out + used, size - used, "%s%s=%s", used ? ", " : "",
                                 variable->name, variable->value);
    }
}

/* In the order of enum ast_sip_dtmf_mode; and what of it does not happen. */
static const struct {
    const char *name, *missing;
} dtmf_modes[] = {{"rfc4733", NULL},
                  {"inband", "tones in the audio are neither heard nor made"},
                  {"info", NULL},
                  {"auto", "tones in the audio are neither heard nor made, telephone-event is"},
                  {"auto_info", NULL},
                  {"none", NULL}};
#define DTMF_MODES (sizeof(dtmf_modes) / sizeof(dtmf_modes[0]))

int config_parse_dtmf(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size)
{
    struct ast_sip_endpoint *endpoint = object;
    size_t i;

    (void)option;
    for (i = 0; i < DTMF_MODES && strcasecmp(dtmf_modes[i].name, value) != 0; i++) {
    }
    if (i == DTMF_MODES) {
        snprintf(why, why_size, "expected rfc4733, inband, info, auto, auto_info or none");
        return -1;
    }
    endpoint->dtmf_mode = (int)i;
    if (dtmf_modes[i].missing) {
        snprintf(why, why_size, "%s", dtmf_modes[i].missing);
        return 1;
    }
    return 0;
}

void config_format_dtmf(const void *object, const struct base_option *option, char *out,
                        size_t size)
{
    const struct ast_sip_endpoint *endpoint = object;

    (void)option;
    snprintf(out, size, "%s", dtmf_modes[endpoint->dtmf_mode].name);
}

static const struct {
    const char *name;
    unsigned bit;
} identify_ways[] = {{"username", AST_SIP_IDENTIFY_BY_USERNAME},
                     {"ip", AST_SIP_IDENTIFY_BY_IP},
                     {"auth_username", AST_SIP_IDENTIFY_BY_AUTH_USERNAME},
                     {"header", AST_SIP_IDENTIFY_BY_HEADER},
                     {"request_uri", AST_SIP_IDENTIFY_BY_REQUEST_URI}};
#define WAYS (sizeof(identify_ways) / sizeof(identify_ways[0]))

int config_parse_identify_by(void *object, const struct base_option *option, const char *value,
                             char *why, size_t why_size)
{
    struct ast_sip_endpoint *endpoint = object;
    char *copy = strdup(value), *rest = copy, *text;
    unsigned ways = 0;

    (void)option;
    if (!copy) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    while ((text = strsep(&rest, ","))) {
        size_t i;

        text = config_trim(text);
        for (i = 0; i < WAYS && strcasecmp(identify_ways[i].name, text) != 0; i++) {
        }
        if (i == WAYS) {
            snprintf(why, why_size,
                     "expected a list of username, ip, auth_username, header, request_uri");
            free(copy);
            return -1;
        }
        ways |= identify_ways[i].bit;
    }
    free(copy);
    endpoint->identify_by = ways;
    return 0;
}

void config_format_identify_by(const void *object, const struct base_option *option, char *out,
                               size_t size)
{
    const struct ast_sip_endpoint *endpoint = object;
    size_t used = 0, i;

    (void)option;
    out[0] = '\0';
    for (i = 0; i < WAYS && used < size; i++) {
        if (endpoint->identify_by & identify_ways[i].bit) {
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "," : "",
                                     identify_ways[i].name);
        }
    }
}

/* Nothing else that we send outside of calls follows a redirection: OPTIONS asks whether the contact
 * is there, and REGISTER's registrar is who was configured. */
int config_parse_follow(void *object, const struct base_option *option, const char *value,
                        char *why, size_t why_size)
{
    struct ast_sip_endpoint *endpoint = object;

    (void)option;
    if (*value && strcasecmp(value, "message") != 0) {
        snprintf(why, why_size, "expected message, the only method for which they can be followed");
        return -1;
    }
    endpoint->follow_redirect_methods = *value ? AST_SIP_FOLLOW_MESSAGE : 0;
    return 0;
}

void config_format_follow(const void *object, const struct base_option *option, char *out,
                          size_t size)
{
    const struct ast_sip_endpoint *endpoint = object;

    (void)option;
    snprintf(out, size, "%s", endpoint->follow_redirect_methods ? "message" : "");
}

/* A string that becomes part of a URI or of SDP: what would end it there is refused (RFC 3261 25.1,
 * RFC 4566 9). */
static int set_checked(void *object, const struct base_option *option, const char *value, int good,
                       const char *expected, char *why, size_t why_size)
{
    char **member = (char **)((char *)object + option->offset);
    char *copy;

    if (!good) {
        snprintf(why, why_size, "expected %s", expected);
        return -1;
    }
    copy = *value ? strdup(value) : NULL; /* an empty one is none */
    if (*value && !copy) {
        snprintf(why, why_size, "out of memory");
        return -1;
    }
    free(*member);
    *member = copy;
    return 0;
}

static const char user_octets[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,;?/%";
static const char host_octets[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";

int config_parse_user(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size)
{
    return set_checked(object, option, value, value[strspn(value, user_octets)] == '\0',
                       "the user part of a SIP URI, with other characters escaped as %XX", why,
                       why_size);
}

int config_parse_host(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size)
{
    return set_checked(object, option, value, value[strspn(value, host_octets)] == '\0',
                       "a host name or an IP address", why, why_size);
}

int config_parse_ip(void *object, const struct base_option *option, const char *value, char *why,
                    size_t why_size)
{
    struct sip_network network;
    int good = !*value || (!strchr(value, '/') && config_parse_network(value, &network) == 0);

    return set_checked(object, option, value, good, "an IP address", why, why_size);
}

int config_parse_word(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size)
{
    return set_checked(object, option, value, *value && !strpbrk(value, " \t"),
                       "text without blanks", why, why_size);
}

int config_parse_text(void *object, const struct base_option *option, const char *value, char *why,
                      size_t why_size)
{
    return set_checked(object, option, value, *value != '\0', "text", why, why_size);
}

int config_parse_sip_uri(void *object, const struct base_option *option, const char *value,
                         char *why, size_t why_size)
{
    int good =
        !*value || ((strncasecmp(value, "sip:", 4) == 0 || strncasecmp(value, "sips:", 5) == 0) &&
                    !strpbrk(value, " \t<>\""));

    return set_checked(object, option, value, good, "a SIP URI, e.g. sip:192.0.2.1:5060\\;lr", why,
                       why_size);
}

void config_format_text(const void *object, const struct base_option *option, char *out,
                        size_t size)
{
    const char *text = *(char *const *)((const char *)object + option->offset);

    snprintf(out, size, "%s", text ? text : "");
}

void config_release_text(void *object, const struct base_option *option)
{
    char **member = (char **)((char *)object + option->offset);

    free(*member);
    *member = NULL;
}
