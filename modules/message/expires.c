/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * message: Expires and Date of a MESSAGE (RFC 3428 4): an hour later nobody wants to read that
 * lunch is ready. No SIP here.
 */
#include <stdlib.h>
#include <string.h>

#include "message.h"

/* SIP-date (RFC 3261 20.17): "Sat, 13 Nov 2010 23:29:00 GMT". 0: it is none. */
static time_t parse_date(const char *text)
{
    struct tm parts;
    const char *end;

    memset(&parts, 0, sizeof(parts));
    end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return end != NULL && *end == '\0' && parts.tm_year >= 70 ? timegm(&parts) : 0;
}

time_t message_end(const char *expires, const char *date, time_t arrived)
{
    time_t begin = date != NULL ? parse_date(date) : 0;
    unsigned long seconds;
    char *end;

    if (expires == NULL || expires[0] < '0' || expires[0] > '9') {
        return 0;
    }
    seconds = strtoul(expires, &end, 10);
    if (*end != '\0' || seconds == 0 || seconds > 0xffffffffUL) { /* 0 says nothing of it */
        return 0;
    }
    if (begin <= 0 || begin > arrived) { /* another clock may be ahead of ours */
        begin = arrived;
    }
    return begin + (time_t)seconds;
}
