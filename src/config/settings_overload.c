/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: [overload] of sipsession.conf. What it does is res_sip's business.
 */
#include "config/config.h"

#define SETTING(member) .offset = offsetof(struct config_settings, overload.member)

const struct base_option config_overload_options[] = {
    {.name = "max_delay",
     .kind = BASE_OPTION_UINT,
     SETTING(max_delay),
     .fallback = "50",
     .min = 0,
     .max = 400,
     .help =
         "Milliseconds that messages may wait until they are read. When all wait longer, new calls are "
         "refused with 503 and Retry-After, as many as it takes. 0: they may wait."},
    {.name = "max_sessions",
     .kind = BASE_OPTION_UINT,
     SETTING(max_sessions),
     .fallback = "0",
     .min = 0,
     .max = 10000000,
     .help =
         "Sessions: beyond, new calls are refused; registered phones may go a twentieth beyond it, "
         "emergency calls a tenth. 0: what the descriptors of the process allow."},
    {.name = "max_transactions",
     .kind = BASE_OPTION_UINT,
     SETTING(max_transactions),
     .fallback = "0",
     .min = 0,
     .max = 10000000,
     .help =
         "Transactions, in the same manner; an answered INVITE counts for 32 s. 0: what a quarter of "
         "the memory has room for."},
    {.name = "retry_after",
     .kind = BASE_OPTION_UINT,
     SETTING(retry_after),
     .fallback = "5",
     .min = 1,
     .max = 3600,
     .help = "Seconds of Retry-After, at most: each refusal says a number between 1 and this."},
    {.name = "emergency_numbers",
     .kind = BASE_OPTION_STRING,
     SETTING(emergency_numbers),
     .help =
         "Users of request URIs, such as 112 and 911, separated by commas, whose calls are emergency "
         "calls, like those to urn:service:sos (RFC 5031): they are refused last."},
    {.name = NULL},
};
