/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: [authentication] and [access] of sipsession.conf. What they do is res_sip's business.
 */
#include "config/config.h"

#include <stdlib.h>

#define SETTING(member) .offset = offsetof(struct config_settings, member)

const struct base_option config_authentication_options[] = {
    {.name = "in_dialog",
     .kind = BASE_OPTION_BOOL,
     SETTING(authentication.in_dialog),
     .fallback = "no",
     .help =
         "Requests within a call must authenticate themselves too, but for ACK and CANCEL; otherwise who "
         "knows the call's tags takes part in it."},
    {.name = "check_uri",
     .kind = BASE_OPTION_BOOL,
     SETTING(authentication.check_uri),
     .fallback = "yes",
     .help =
         "User and host of the URI in Authorization must be those of the request (RFC 7616 3.4.6). A proxy "
         "in between that changes the request URI needs `no`."},
    {.name = "without_qop",
     .kind = BASE_OPTION_BOOL,
     SETTING(authentication.without_qop),
     .fallback = "no",
     .help =
         "Take answers without `qop`, as very old clients make them (RFC 2069); each challenge is then "
         "good for one request."},
    {.name = NULL},
};

static int parse_exempt(void *object, const struct base_option *option, const char *value,
                        char *why, size_t why_size)
{
    struct sip_access_config *access = &((struct config_settings *)object)->access;

    (void)option;
    return config_parse_networks(value, &access->exempt, &access->exempt_count, why, why_size);
}

static void release_exempt(void *object, const struct base_option *option)
{
    struct sip_access_config *access = &((struct config_settings *)object)->access;

    (void)option;
    free(access->exempt);
    access->exempt = NULL;
    access->exempt_count = 0;
}

static void format_exempt(const void *object, const struct base_option *option, char *out,
                          size_t size)
{
    const struct sip_access_config *access = &((const struct config_settings *)object)->access;

    (void)option;
    config_format_networks(access->exempt, access->exempt_count, out, size);
}

#define NUMBER(option_name, member, default_value, least, most, text)                              \
    {                                                                                              \
        .name = option_name, .kind = BASE_OPTION_UINT, SETTING(access.member),                     \
        .fallback = default_value, .min = least, .max = most, .help = text                         \
    }

const struct base_option config_access_options[] = {
    NUMBER(
        "rate", rate, "0", 0, 100000,
        "Requests a second, outside of calls, of one address (of IPv6: one /64); what is beyond is "
        "dropped, on connections refused with 503. 0: any."),
    NUMBER("max_transactions_per_source", transactions, "0", 0, 1000000,
           "Transactions that one address may have begun at a time; further requests outside of "
           "calls are refused with 503. One of an answered INVITE lives 32 seconds. 0: any."),
    NUMBER("burst", burst, "50", 1, 100000, "How many of them may come at once."),
    NUMBER("ban_failures", ban_failures, "0", 0, 1000,
           "After so many wrong credentials an address is not answered any more; 0: never."),
    NUMBER("ban_period", ban_period, "60", 1, 86400, "Seconds within which they are counted."),
    NUMBER("ban_time", ban_time, "600", 1, 2592000, "Seconds that a ban lasts."),
    {.name = "ban_strangers",
     .kind = BASE_OPTION_BOOL,
     SETTING(access.ban_strangers),
     .fallback = "no",
     .help =
         "Requests of nobody we know count as well. Over UDP anybody can send them in anybody's name."},
    {.name = "exempt",
     .kind = BASE_OPTION_CUSTOM,
     .parse = parse_exempt,
     .release = release_exempt,
     .format = format_exempt,
     .help =
         "Addresses and networks for which all this does not count, separated by commas; may be given several times."},
    {.name = NULL},
};
