/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * diversion: see entry.h. Nothing here may touch a session or a message.
 */
#include <stdio.h>
#include <string.h>

#include <pj/ctype.h>

#include "entry.h"

static int is_token(const pj_str_t *text)
{
    for (pj_ssize_t i = 0; i < text->slen; ++i) {
        if (!pj_isalnum((unsigned char)text->ptr[i]) &&
            strchr("-.!%*_+`'~", text->ptr[i]) == NULL) {
            return 0;
        }
    }
    return text->slen > 0;
}

/* RFC 5806 4: 1*2DIGIT; 1 without one. What is none counts as once, too: it was diverted. */
static unsigned read_counter(const pj_str_t *params)
{
    unsigned count = 0;
    pj_str_t text;

    if (!ast_sip_address_param(params, "counter", &text) || text.slen == 0 || text.slen > 3) {
        return 1;
    }
    for (pj_ssize_t i = 0; i < text.slen; ++i) {
        if (!pj_isdigit((unsigned char)text.ptr[i])) {
            return 1;
        }
        count = count * 10 + (unsigned)(text.ptr[i] - '0');
    }
    return count > DIVERSION_MOST_COUNT ? DIVERSION_MOST_COUNT : count > 0 ? count : 1;
}

int diversion_read(const struct ast_sip_address *address, struct diversion_entry *out)
{
    struct diversion_entry entry;
    pj_str_t text;

    memset(&entry, 0, sizeof(entry));
    if (ast_sip_address_party(address, &entry.party) != 0) {
        return -1;
    }
    if (ast_sip_address_param(&address->params, "reason", &text) && is_token(&text) &&
        text.slen < (pj_ssize_t)sizeof(entry.reason)) {
        memcpy(entry.reason, text.ptr, (size_t)text.slen);
    }
    if (ast_sip_address_param(&address->params, "privacy", &text) &&
        pj_stricmp2(&text, "off") != 0) {
        entry.party.presentation = AST_PARTY_RESTRICTED;
    }
    entry.party.screened =
        ast_sip_address_param(&address->params, "screen", &text) && pj_stricmp2(&text, "yes") == 0;
    entry.count = read_counter(&address->params);
    *out = entry;
    return 0;
}

int diversion_read_all(const struct ast_sip_address *addresses, unsigned count,
                       struct ast_party_redirecting *out)
{
    struct ast_party_redirecting found;
    struct diversion_entry entry;

    memset(&found, 0, sizeof(found));
    for (unsigned i = 0; i < count; ++i) {
        if (diversion_read(&addresses[i], &entry) != 0) {
            continue;
        }
        if (found.count == 0) {
            found.from = entry.party;
            memcpy(found.reason, entry.reason, sizeof(found.reason));
        }
        found.orig = entry.party; /* the last of them is the first that was called */
        memcpy(found.orig_reason, entry.reason, sizeof(found.orig_reason));
        found.count += entry.count;
        if (found.count > DIVERSION_MOST_COUNT) {
            found.count = DIVERSION_MOST_COUNT;
        }
    }
    if (found.count == 0) {
        return -1;
    }
    *out = found;
    return 0;
}

static int is_there(const struct ast_party_id *party)
{
    return party->number[0] != '\0';
}

unsigned diversion_entries(const struct ast_party_redirecting *redirecting,
                           struct diversion_entry entries[2])
{
    int two = is_there(&redirecting->from) && is_there(&redirecting->orig) &&
              redirecting->count > 1 &&
              strcmp(redirecting->from.number, redirecting->orig.number) != 0;
    int last = is_there(&redirecting->from);

    if (!last && !is_there(&redirecting->orig)) {
        return 0;
    }
    memset(entries, 0, 2 * sizeof(*entries));
    entries[0].party = last ? redirecting->from : redirecting->orig;
    memcpy(entries[0].reason, last ? redirecting->reason : redirecting->orig_reason,
           sizeof(entries[0].reason));
    entries[0].count = redirecting->count > 1 ? redirecting->count - (unsigned)two : 1;
    if (two) {
        entries[1].party = redirecting->orig;
        memcpy(entries[1].reason, redirecting->orig_reason, sizeof(entries[1].reason));
        entries[1].count = 1;
    }
    return 1 + (unsigned)two;
}

int diversion_write(const struct diversion_entry *entry, const char *host, int trusted,
                    char out[DIVERSION_VALUE_SIZE])
{
    static const struct ast_party_id anonymous = {.name = "Anonymous", .number = "anonymous"};
    int restricted = entry->party.presentation != AST_PARTY_ALLOWED;
    char counter[30] = "";
    int length =
        restricted && !trusted
            ? ast_sip_address_print(&anonymous, "anonymous.invalid", out, AST_SIP_ADDRESS_SIZE)
            : ast_sip_address_print(&entry->party, host, out, AST_SIP_ADDRESS_SIZE);

    if (length < 0) {
        return -1;
    }
    if (entry->count > 1) {
        snprintf(counter, sizeof(counter), ";counter=%u", entry->count);
    }
    return length + snprintf(out + length, DIVERSION_VALUE_SIZE - (size_t)length,
                             ";reason=%s%s;privacy=%s;screen=%s",
                             entry->reason[0] != '\0' ? entry->reason : "unknown", counter,
                             restricted ? "full" : "off", entry->party.screened ? "yes" : "no");
}
