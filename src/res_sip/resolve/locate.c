/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: locating SIP servers (RFC 3263), the pure part (see locate.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "res_sip/resolve/locate.h"

enum locate_question locate_first_question(int has_transport, int has_port)
{
    if (has_port) {
        return LOCATE_ADDRESS;
    }
    return has_transport ? LOCATE_SRV : LOCATE_NAPTR;
}

int locate_naptr_protocol(const char *service, const char *flags, const char *regexp, int allowed)
{
    static const struct {
        const char *service;
        enum locate_protocol protocol;
    } known[] = {{"SIP+D2U", LOCATE_UDP}, {"SIP+D2T", LOCATE_TCP}, {"SIPS+D2T", LOCATE_TLS}};

    if (strcasecmp(flags, "s") != 0 || regexp[0] != '\0') {
        return 0;
    }
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(known); i++) {
        if (strcasecmp(service, known[i].service) == 0) {
            return known[i].protocol & allowed;
        }
    }
    return 0;
}

static int compare_naptr(const void *left, const void *right)
{
    const struct locate_naptr *a = left, *b = right;

    if (a->order != b->order) {
        return a->order < b->order ? -1 : 1;
    }
    return a->preference < b->preference ? -1 : a->preference > b->preference;
}

void locate_sort_naptr(struct locate_naptr *records, unsigned count)
{
    qsort(records, count, sizeof(*records), compare_naptr);
}

/* Those of weight 0 come first within a priority, so that they are chosen seldom, but are (RFC
 * 2782). */
static int compare_srv(const void *left, const void *right)
{
    const struct locate_srv *a = left, *b = right;

    if (a->priority != b->priority) {
        return a->priority < b->priority ? -1 : 1;
    }
    return (a->weight != 0) - (b->weight != 0);
}

/* Brings one of the first `count` to the front, by chance; they have one priority. */
static void choose_one(struct locate_srv *records, unsigned count, unsigned random)
{
    unsigned sum = 0, at = 0, running = 0, wanted;
    struct locate_srv chosen;

    for (unsigned i = 0; i < count; i++) {
        sum += records[i].weight;
    }
    wanted = random % (sum + 1);
    while (at + 1 < count && (running += records[at].weight) < wanted) {
        at++;
    }
    chosen = records[at];
    memmove(&records[1], &records[0], at * sizeof(*records));
    records[0] = chosen;
}

void locate_sort_srv(struct locate_srv *records, unsigned *count, unsigned (*random)(void *data),
                     void *data)
{
    unsigned first = 0;

    if (*count == 1 && (records[0].target[0] == '\0' || strcmp(records[0].target, ".") == 0)) {
        *count = 0;
        return;
    }
    if (*count > 0) {
        qsort(records, *count, sizeof(*records), compare_srv);
    }
    while (first < *count) {
        unsigned last = first;

        while (last < *count && records[last].priority == records[first].priority) {
            last++;
        }
        for (; first < last; first++) {
            choose_one(&records[first], last - first, random(data));
        }
    }
}

int locate_srv_name(enum locate_protocol protocol, const char *domain, char *name, size_t size)
{
    const char *prefix = protocol == LOCATE_UDP   ? "_sip._udp."
                         : protocol == LOCATE_TCP ? "_sip._tcp."
                                                  : "_sips._tcp.";
    int length = snprintf(name, size, "%s%s", prefix, domain);

    return length > 0 && (size_t)length < size ? 0 : -1;
}
