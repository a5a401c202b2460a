/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what a request is that the guard has let pass, by its text alone, for the decision
 * whether it may come in. Pure.
 */
#include <string.h>
#include <strings.h>

#include "res_sip/overload/overload.h"

#define OUR_TAG_LENGTH 9 /* of guard_refusal.c: g and eight digits; PJSIP's are longer */

static int begins_with(const char *at, const char *end, const char *word)
{
    size_t length = strlen(word);

    return (size_t)(end - at) >= length && strncasecmp(at, word, length) == 0;
}

/* RFC 5031: urn:service:sos and what is below it. */
static int is_sos(const char *uri, const char *end)
{
    static const char sos[] = "urn:service:sos";
    const char *behind = uri + sizeof(sos) - 1;

    return begins_with(uri, end, sos) && (behind == end || *behind == '.');
}

static int has_number(const char *numbers, const char *user, size_t length)
{
    while (numbers && *(numbers += strspn(numbers, ", "))) {
        size_t its_length = strcspn(numbers, ", ");

        if (its_length == length && memcmp(numbers, user, length) == 0) {
            return 1;
        }
        numbers += its_length;
    }
    return 0;
}

/* The user of "sip:user@host", or the number of "tel:number;...". */
static int is_emergency(const char *uri, const char *end, const char *numbers)
{
    const char *user, *stop;

    if (is_sos(uri, end)) {
        return 1;
    }
    user = memchr(uri, ':', (size_t)(end - uri));
    if (!numbers || !user) {
        return 0;
    }
    user++;
    for (stop = user; stop < end && *stop != '@' && *stop != ';' && *stop != ':'; stop++) {
    }
    return has_number(numbers, user, (size_t)(stop - user));
}

/* What begins something; of a method that only goes on with something, the answer does not matter. */
static enum sip_overload_kind kind_of(const char *line, const char *end, const char *numbers)
{
    const char *uri = memchr(line, ' ', (size_t)(end - line)), *stop;

    if (!uri || begins_with(line, end, "SIP/") || begins_with(line, end, "CANCEL ") ||
        begins_with(line, end, "BYE ") || begins_with(line, end, "PRACK ")) {
        return SIP_OVERLOAD_GOES_ON;
    }
    if (strncmp(line, "ACK ", 4) == 0) {
        return SIP_OVERLOAD_OUR_ACK;
    }
    if (strncmp(line, "INVITE ", 7) != 0) {
        return SIP_OVERLOAD_OTHER;
    }
    uri++;
    stop = memchr(uri, ' ', (size_t)(end - uri));
    return is_emergency(uri, stop ? stop : end, numbers) ? SIP_OVERLOAD_EMERGENCY
                                                         : SIP_OVERLOAD_INVITE;
}

void sip_overload_read(const char *text, size_t length, const char *numbers,
                       struct sip_overload_request *request)
{
    const char *end = text + length, *at = sip_guard_next_line(text, end);
    const char *method_end = memchr(text, ' ', (size_t)(at - text));
    struct sip_guard_span tag = {NULL, NULL}, branch = {NULL, NULL};
    int has_via = 0, has_to = 0;

    memset(request, 0, sizeof(*request));
    request->kind = kind_of(text, at, numbers);
    if (method_end) {
        pj_strset3(&request->method, (char *)text, (char *)method_end);
    }
    while (request->kind != SIP_OVERLOAD_GOES_ON && at < end && *at != '\r' && *at != '\n' &&
           (!has_via || !has_to)) {
        const char *next = sip_guard_next_field(at, end), *value = next;
        enum sip_guard_header header = sip_guard_field(at, next, &value);

        if (header == SIP_GUARD_VIA && !has_via) {
            has_via = 1;
            sip_guard_parameter(sip_guard_first(value, next), "branch", &branch);
        } else if (header == SIP_GUARD_TO) {
            has_to = 1;
            sip_guard_parameter((struct sip_guard_span){value, next}, "tag", &tag);
        }
        at = next;
    }
    if (branch.at) {
        pj_strset3(&request->branch, (char *)branch.at, (char *)branch.end);
    }
    if (request->kind == SIP_OVERLOAD_OUR_ACK
            ? !tag.at || tag.end - tag.at != OUR_TAG_LENGTH || *tag.at != 'g'
            : tag.at != NULL) {
        request->kind = SIP_OVERLOAD_GOES_ON;
    }
}
