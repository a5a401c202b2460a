/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: functions of the dialplan that read and write who is on a call: CALLERID (the peer),
 * CONNECTEDLINE (whom the peer is shown to be connected with), REDIRECTING (how the call was
 * diverted). Nothing here knows a protocol.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sipsession/log.h>

#include "channel/channel.h"

static const char *const presentations[] = {"allowed", "prohib", "unavailable"};

/* The first argument: what is meant. */
static int names(const char *args, const char *name)
{
    size_t length = strcspn(args, ",");

    return strlen(name) == length && strncasecmp(args, name, length) == 0;
}

static int names_presentation(const char *args)
{
    return names(args, "pres") || names(args, "num-pres") || names(args, "name-pres");
}

static int party_read(const struct ast_party_id *party, const char *args, char *out, size_t size)
{
    if (names(args, "num") || names(args, "number")) {
        snprintf(out, size, "%s", party->number);
    } else if (names(args, "name")) {
        snprintf(out, size, "%s", party->name);
    } else if (names(args, "tag")) {
        snprintf(out, size, "%s", party->tag);
    } else if (names(args, "all")) {
        snprintf(out, size, "\"%s\" <%s>", party->name, party->number);
    } else if (names_presentation(args)) {
        unsigned at = (unsigned)party->presentation;

        snprintf(out, size, "%s", presentations[at < 3 ? at : 2]);
    } else {
        return -1;
    }
    return 0;
}

static void copy_text(char out[AST_PARTY_TEXT_SIZE], const char *text, size_t length)
{
    while (length > 0 && (*text == ' ' || *text == '\t')) {
        ++text;
        --length;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        --length;
    }
    if (length > 1 && text[0] == '"' && text[length - 1] == '"') {
        ++text;
        length -= 2;
    }
    base_copy_text(out, AST_PARTY_TEXT_SIZE, text, length);
}

/* `"Name" <number>`, `<number>`, `number` or `"Name"` */
static void split_party(struct ast_party_id *party, const char *text)
{
    const char *open = strrchr(text, '<');
    const char *close = open != NULL ? strchr(open, '>') : NULL;

    if (close != NULL) {
        copy_text(party->name, text, (size_t)(open - text));
        copy_text(party->number, open + 1, (size_t)(close - open - 1));
        return;
    }
    party->name[0] = '\0';
    party->number[0] = '\0';
    if (text[0] == '"') {
        copy_text(party->name, text, strlen(text));
    } else {
        copy_text(party->number, text, strlen(text));
    }
}

/* "prohib" and what the field says of screening: "prohib_passed_screen" */
static int write_presentation(struct ast_party_id *party, const char *value)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(presentations); ++i) {
        size_t length = strlen(presentations[i]);

        if (strncasecmp(value, presentations[i], length) == 0) {
            party->presentation = (int)i;
            party->screened = strcasecmp(value + length, "_passed_screen") == 0;
            return 0;
        }
    }
    return -1;
}

static int party_write(struct ast_party_id *party, const char *args, const char *value)
{
    if (names_presentation(args)) {
        return write_presentation(party, value);
    }
    if (names(args, "tag")) {
        base_copy_text(party->tag, sizeof(party->tag), value, strlen(value));
        return 0;
    }
    if (names(args, "num") || names(args, "number")) {
        copy_text(party->number, value, strlen(value));
    } else if (names(args, "name")) {
        copy_text(party->name, value, strlen(value));
    } else if (names(args, "all")) {
        split_party(party, value);
    } else {
        return -1;
    }
    if (party->presentation == AST_PARTY_UNAVAILABLE) {
        party->presentation = AST_PARTY_ALLOWED;
    }
    return 0;
}

/* ---- CALLERID ---- */

int pbx_callerid_read(struct ast_channel *channel, const char *args, char *out, size_t size)
{
    return party_read(&channel->caller, args, out, size);
}

int pbx_callerid_write(struct ast_channel *channel, const char *args, const char *value)
{
    return party_write(&channel->caller, args, value);
}

/* ---- CONNECTEDLINE ---- */

int pbx_connected_read(struct ast_channel *channel, const char *args, char *out, size_t size)
{
    return party_read(ast_channel_get_connected(channel), args, out, size);
}

/* CONNECTEDLINE(what,i): with i the peer is not told. */
int pbx_connected_write(struct ast_channel *channel, const char *args, const char *value)
{
    const char *options = args + strcspn(args, ",");
    struct ast_party_id connected = *ast_channel_get_connected(channel);

    if (party_write(&connected, args, value) != 0) {
        return -1;
    }
    return ast_channel_set_connected(channel, &connected, strchr(options, 'i') == NULL);
}

/* ---- REDIRECTING ---- */

/* Why a call was diverted: the field's names, and those of RFC 5806 4. */
static const char *const reasons[][2] = {
    {"unknown", "unknown"},     {"cfb", "user-busy"},
    {"cfnr", "no-answer"},      {"unavailable", "unavailable"},
    {"cfu", "unconditional"},   {"time_of_day", "time-of-day"},
    {"dnd", "do-not-disturb"},  {"deflection", "deflection"},
    {"follow_me", "follow-me"}, {"out_of_order", "out-of-service"},
    {"away", "away"},
};

/* The same reason as the other one names it; a reason that has no other name is itself. */
static const char *translate_reason(const char *reason, unsigned from)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(reasons); ++i) {
        if (strcasecmp(reasons[i][from], reason) == 0) {
            return reasons[i][1 - from];
        }
    }
    return reason;
}

/* The party that an argument begins with, as in "from-num"; part gets what follows it. NULL: none.
 */
static struct ast_party_id *find_party(struct ast_party_redirecting *redirecting, const char *args,
                                       const char **part)
{
    const struct {
        const char *name;
        struct ast_party_id *party;
    } parties[] = {{"from-", &redirecting->from},
                   {"to-", &redirecting->to},
                   {"orig-", &redirecting->orig}};

    for (unsigned i = 0; i < PJ_ARRAY_SIZE(parties); ++i) {
        size_t length = strlen(parties[i].name);

        if (strncasecmp(args, parties[i].name, length) == 0) {
            *part = args + length;
            return parties[i].party;
        }
    }
    return NULL;
}

int pbx_redirecting_read(struct ast_channel *channel, const char *args, char *out, size_t size)
{
    struct ast_party_redirecting redirecting = *ast_channel_get_redirecting(channel);
    const struct ast_party_id *party;
    const char *part;

    if (names(args, "reason") || names(args, "orig-reason")) {
        const char *reason = names(args, "reason") ? redirecting.reason : redirecting.orig_reason;

        snprintf(out, size, "%s", reason[0] != '\0' ? translate_reason(reason, 1) : "unknown");
        return 0;
    }
    if (names(args, "count")) {
        snprintf(out, size, "%u", redirecting.count);
        return 0;
    }
    party = find_party(&redirecting, args, &part);
    return party != NULL ? party_read(party, part, out, size) : -1;
}

/* RFC 3261 25.1: a token; what is longer than there is room for is none of ours. */
static int write_reason(char out[AST_PARTY_REASON_SIZE], const char *value)
{
    const char *reason = translate_reason(value, 0);

    if (*reason == '\0' || strlen(reason) >= AST_PARTY_REASON_SIZE ||
        reason[strspn(reason,
                      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")] !=
            '\0') {
        return -1;
    }
    strcpy(out, reason);
    return 0;
}

int pbx_redirecting_write(struct ast_channel *channel, const char *args, const char *value)
{
    struct ast_party_redirecting redirecting = *ast_channel_get_redirecting(channel);
    struct ast_party_id *party;
    const char *part;
    int result = -1;

    if (names(args, "reason")) {
        result = write_reason(redirecting.reason, value);
    } else if (names(args, "orig-reason")) {
        result = write_reason(redirecting.orig_reason, value);
    } else if (names(args, "count")) {
        result = base_parse_uint(value, 100, &redirecting.count);
    } else if ((party = find_party(&redirecting, args, &part)) != NULL) {
        result = party_write(party, part, value);
        if (redirecting.count == 0) {
            redirecting.count = 1; /* who names a party says that the call was diverted */
        }
    }
    return result == 0 ? ast_channel_set_redirecting(channel, &redirecting) : -1;
}
