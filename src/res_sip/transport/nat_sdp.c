/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: `external_media_address`: the SDP of a message that leaves names that address where it
 * named ours. What the session and PJSIP's negotiator know stays as it is; an address that is not
 * ours (media that goes elsewhere, a media_address) stays too.
 */
#include <string.h>

#include "res_sip/transport/transport.h"

/* The address that a line names, in c=, o= and a=rtcp (RFC 4566 5.2, 5.7; RFC 3605); 0: none. */
static size_t find_address(const char *line, size_t length, size_t *begin)
{
    size_t at;

    if (strncmp(line, "c=", 2) != 0 && strncmp(line, "o=", 2) != 0 &&
        !(length > 7 && strncmp(line, "a=rtcp:", 7) == 0)) {
        return 0;
    }
    for (at = 4; at + 4 < length; at++) {
        if (strncmp(line + at, " IP4 ", 5) == 0 || strncmp(line + at, " IP6 ", 5) == 0) {
            size_t end = at + 5;

            while (end < length && line[end] > ' ' && line[end] != '/') {
                end++;
            }
            *begin = at + 5;
            return end - *begin;
        }
    }
    return 0;
}

static int is_ours(const struct sip_transport *transport, int family, const char *text,
                   size_t length)
{
    const pj_str_t host = {(char *)text, (pj_ssize_t)length};
    pj_sockaddr address;

    return sip_parse_ip(&host, &address) == 0 && address.addr.sa_family == family &&
           sip_transport_has_address(transport, &address);
}

size_t sip_nat_sdp(const struct sip_transport *transport, const char *sdp, size_t length, char *out,
                   size_t size)
{
    const char *external = transport->config->external.media_address;
    const int family = strchr(external, ':') ? pj_AF_INET6() : pj_AF_INET();
    const char *end = sdp + length;
    size_t used = 0, changed = 0;

    while (sdp < end) {
        const char *newline = memchr(sdp, '\n', (size_t)(end - sdp));
        size_t line = newline ? (size_t)(newline - sdp) + 1 : (size_t)(end - sdp);
        size_t begin = 0, found = find_address(sdp, line, &begin);

        if (found && is_ours(transport, family, sdp + begin, found)) {
            const size_t more = strlen(external);

            if (used + line - found + more >= size) {
                return 0;
            }
            memcpy(out + used, sdp, begin);
            memcpy(out + used + begin, external, more);
            memcpy(out + used + begin + more, sdp + begin + found, line - begin - found);
            used += line - found + more;
            changed = 1;
        } else {
            if (used + line >= size) {
                return 0;
            }
            memcpy(out + used, sdp, line);
            used += line;
        }
        sdp += line;
    }
    return changed ? used : 0;
}

void sip_nat_rewrite_sdp(pjsip_tx_data *tdata, const struct sip_transport *transport)
{
    static char before[PJSIP_MAX_PKT_LEN], after[PJSIP_MAX_PKT_LEN];
    pjsip_msg_body *body = tdata->msg->body;
    pj_str_t type, subtype, text;
    size_t length;
    int printed;

    if (!body || pj_stricmp2(&body->content_type.type, "application") != 0 ||
        pj_stricmp2(&body->content_type.subtype, "sdp") != 0) {
        return;
    }
    printed = body->print_body(body, before, sizeof(before));
    if (printed <= 0) {
        return;
    }
    length = sip_nat_sdp(transport, before, (size_t)printed, after, sizeof(after));
    if (length == 0) {
        return; /* also at each new transmission: it was done */
    }
    type = sip_str("application");
    subtype = sip_str("sdp");
    text.ptr = after;
    text.slen = (pj_ssize_t)length;
    body = pjsip_msg_body_create(tdata->pool, &type, &subtype, &text);
    if (body) {
        tdata->msg->body = body;
    }
}
