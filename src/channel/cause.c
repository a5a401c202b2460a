/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: causes of ITU-T Q.850 and the SIP statuses that stand for them, both ways, as RFC 3398 maps them. One
 * table; numbers only, no state.
 */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "channel/channel.h"

struct cause {
    int number;
    int status; /* RFC 3398 7.2.4.1 */
    const char *name;
};

/* 16 before the answer is a refusal by somebody: RFC 3398 does not map it, and 603 is what the field sends. */
static const struct cause causes[] = {
    {1, 404, "UNALLOCATED"},
    {2, 404, "NO_ROUTE_TRANSIT_NET"},
    {3, 404, "NO_ROUTE_DESTINATION"},
    {16, 603, "NORMAL_CLEARING"},
    {17, 486, "USER_BUSY"},
    {18, 408, "NO_USER_RESPONSE"},
    {19, 480, "NO_ANSWER"},
    {20, 480, "SUBSCRIBER_ABSENT"},
    {21, 403, "CALL_REJECTED"},
    {22, 410, "NUMBER_CHANGED"},
    {23, 410, "REDIRECTED_TO_NEW_DESTINATION"},
    {26, 404, "ANSWERED_ELSEWHERE"},
    {27, 502, "DESTINATION_OUT_OF_ORDER"},
    {28, 484, "INVALID_NUMBER_FORMAT"},
    {29, 501, "FACILITY_REJECTED"},
    {31, 480, "NORMAL_UNSPECIFIED"},
    {34, 503, "NORMAL_CIRCUIT_CONGESTION"},
    {38, 503, "NETWORK_OUT_OF_ORDER"},
    {41, 503, "NORMAL_TEMPORARY_FAILURE"},
    {42, 503, "SWITCH_CONGESTION"},
    {47, 503, "RESOURCE_UNAVAILABLE"},
    {55, 403, "INCOMING_CALL_BARRED_WITHIN_CUG"},
    {57, 403, "BEARERCAPABILITY_NOTAUTH"},
    {58, 503, "BEARERCAPABILITY_NOTAVAIL"},
    {65, 488, "BEARERCAPABILITY_NOTIMPL"},
    {70, 488, "ONLY_RESTRICTED_DIGITAL"},
    {79, 501, "SERVICE_NOT_IMPLEMENTED"},
    {87, 403, "USER_NOT_MEMBER_OF_CUG"},
    {88, 503, "INCOMPATIBLE_DESTINATION"},
    {102, 504, "RECOVERY_ON_TIMER_EXPIRE"},
    {111, 500, "PROTOCOL_ERROR"},
    {127, 500, "INTERWORKING"},
};

/* RFC 3398 8.2.6.1; 487 is a caller's CANCEL, which 8.2.7 (7.2.3) clears normally. */
static const struct {
    short status;
    short cause;
} statuses[] = {
    {400, 41},  {401, 21}, {402, 21},  {403, 21},  {404, 1},  {405, 63},  {406, 79},  {407, 21},
    {408, 102}, {410, 22}, {413, 127}, {414, 127}, {415, 79}, {416, 127}, {420, 127}, {421, 127},
    {423, 127}, {480, 18}, {481, 41},  {482, 25},  {483, 25}, {484, 28},  {485, 1},   {486, 17},
    {487, 16},  {488, 65}, {500, 41},  {501, 79},  {502, 38}, {503, 41},  {504, 102}, {505, 127},
    {513, 127}, {600, 17}, {603, 21},  {604, 1},   {606, 65},
};

int chan_cause_to_status(int cause)
{
    for (size_t i = 0; i < PJ_ARRAY_SIZE(causes); ++i) {
        if (causes[i].number == cause) {
            return causes[i].status;
        }
    }
    /* RFC 3398 7.2.4.1: an unknown cause is that of its class; the field refuses instead. */
    return 603;
}

int ast_cause_from_sip(int status)
{
    if (status < 300) {
        return AST_CAUSE_NORMAL_CLEARING;
    }
    for (size_t i = 0; i < PJ_ARRAY_SIZE(statuses); ++i) {
        if (statuses[i].status == status) {
            return statuses[i].cause;
        }
    }
    return status >= 500 && status < 600 ? AST_CAUSE_TEMPORARY_FAILURE : AST_CAUSE_INTERWORKING;
}

int chan_cause_parse(const char *text)
{
    if (isdigit((unsigned char)text[0])) {
        char *end;
        long number = strtol(text, &end, 10);

        return *end == '\0' && number >= 1 && number <= 127 ? (int)number : -1;
    }
    for (size_t i = 0; i < PJ_ARRAY_SIZE(causes); ++i) {
        if (strcasecmp(causes[i].name, text) == 0) {
            return causes[i].number;
        }
    }
    if (strcasecmp(text, "BUSY") == 0) {
        return AST_CAUSE_USER_BUSY;
    }
    return strcasecmp(text, "CONGESTION") == 0 ? AST_CAUSE_NO_CIRCUIT : -1;
}
