/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sdp_rtp: a peer's m= section as values (RFC 4566, RFC 3264, RFC 3605). Nothing is trusted:
 * numbers are bounded, names that would need a lookup are refused, what is not known is skipped.
 */
#include <string.h>

#include "sdp.h"

/* ---- text ---- */

struct cursor {
    const char *at, *end;
};

static struct cursor cursor_of(const pj_str_t *text)
{
    static const char none[] = "";

    /* An attribute without a value has no text at all. */
    return text->ptr && text->slen > 0 ? (struct cursor){text->ptr, text->ptr + text->slen}
                                       : (struct cursor){none, none};
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t')) {
        cursor->at++;
    }
}

/* A decimal number up to a bound; -1: there is none, or it is larger. */
static long take_number(struct cursor *cursor, long most)
{
    const char *const start = cursor->at;
    long value = 0;

    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') {
        value = value * 10 + (*cursor->at++ - '0');
        if (value > most) {
            return -1;
        }
    }
    return cursor->at > start ? value : -1;
}

static int take_char(struct cursor *cursor, char wanted)
{
    if (cursor->at == cursor->end || *cursor->at != wanted) {
        return 0;
    }
    cursor->at++;
    return 1;
}

/* A whole string as a number; -1 */
static long number_of(const pj_str_t *text, long most)
{
    struct cursor cursor = cursor_of(text);
    const long value = take_number(&cursor, most);

    return cursor.at == cursor.end ? value : -1;
}

/* The value of an attribute of the section, or of the session when the section has none */
static const pj_str_t *attribute(const pjmedia_sdp_session *sdp, const pjmedia_sdp_media *media,
                                 const char *name)
{
    const pjmedia_sdp_attr *found =
        pjmedia_sdp_attr_find2(media->attr_count, media->attr, name, NULL);

    if (!found && sdp) {
        found = pjmedia_sdp_attr_find2(sdp->attr_count, sdp->attr, name, NULL);
    }
    return found ? &found->value : NULL;
}

/* ---- addresses ---- */

/* A multicast group, or everybody: no peer of a call */
static int is_group(const pj_sockaddr *address)
{
    if (address->addr.sa_family == pj_AF_INET6()) {
        return ((const pj_uint8_t *)pj_sockaddr_get_addr(address))[0] == 0xff;
    }
    return pj_ntohl(address->ipv4.sin_addr.s_addr) >= 0xe0000000u;
}

static int set_address(pj_sockaddr *out, const pj_str_t *type, const pj_str_t *text, unsigned port)
{
    const int family = pj_stricmp2(type, "IP4") == 0   ? pj_AF_INET()
                       : pj_stricmp2(type, "IP6") == 0 ? pj_AF_INET6()
                                                       : 0;
    char copy[PJ_INET6_ADDRSTRLEN];
    pj_str_t whole = {copy, text->slen};
    pj_sockaddr address;

    /* Only numbers: a name would need a lookup. */
    if (!family || text->slen <= 0 || text->slen >= (pj_ssize_t)sizeof(copy)) {
        return -1;
    }
    memcpy(copy, text->ptr, (size_t)text->slen);
    copy[text->slen] = '\0';
    pj_bzero(&address, sizeof(address));
    if (pj_sockaddr_init(family, &address, NULL, (pj_uint16_t)port) != PJ_SUCCESS ||
        pj_inet_pton(family, &whole, pj_sockaddr_get_addr(&address)) != PJ_SUCCESS ||
        is_group(&address)) {
        return -1;
    }
    *out = address;
    return 0;
}

static int parse_address(const pjmedia_sdp_session *sdp, const pjmedia_sdp_media *media,
                         struct sdp_remote *remote)
{
    const pjmedia_sdp_conn *const conn = media->conn ? media->conn : sdp->conn;

    if (!conn || pj_stricmp2(&conn->net_type, "IN") != 0) {
        return -1;
    }
    return set_address(&remote->rtp, &conn->addr_type, &conn->addr, media->desc.port);
}

static pj_str_t take_word(struct cursor *cursor)
{
    pj_str_t word;

    skip_blanks(cursor);
    word.ptr = (char *)cursor->at;
    while (cursor->at < cursor->end && *cursor->at != ' ' && *cursor->at != '\t') {
        cursor->at++;
    }
    word.slen = cursor->at - word.ptr;
    return word;
}

/* a=rtcp (RFC 3605): a port, maybe with an address; else RTP's port and one (RFC 3550 11) */
static void parse_rtcp(const pjmedia_sdp_media *media, struct sdp_remote *remote)
{
    const pj_str_t *const value = attribute(NULL, media, "rtcp");
    unsigned port = media->desc.port + 1u;

    pj_bzero(&remote->rtcp, sizeof(remote->rtcp));
    if (value) {
        struct cursor cursor = cursor_of(value);
        const long number = take_number(&cursor, 65535);
        const pj_str_t net = take_word(&cursor), type = take_word(&cursor),
                       address = take_word(&cursor);

        if (number <= 0) {
            return;
        }
        port = (unsigned)number;
        if (net.slen > 0) {
            if (pj_stricmp2(&net, "IN") == 0) {
                (void)set_address(&remote->rtcp, &type, &address, port);
            }
            return;
        }
    }
    if (port <= 65535) {
        remote->rtcp = remote->rtp;
        pj_sockaddr_set_port(&remote->rtcp, (pj_uint16_t)port);
    }
}

/* ---- formats ---- */

struct rtpmap {
    pj_str_t encoding;
    unsigned clock_rate;
    unsigned channels;
};

/* "96 opus/48000/2" */
static int parse_rtpmap(const pj_str_t *value, long payload_type, struct rtpmap *map)
{
    struct cursor cursor = cursor_of(value);
    long clock, channels = 1;

    if (take_number(&cursor, 127) != payload_type) {
        return -1;
    }
    skip_blanks(&cursor);
    map->encoding.ptr = (char *)cursor.at;
    while (cursor.at < cursor.end && *cursor.at != '/') {
        cursor.at++;
    }
    map->encoding.slen = cursor.at - map->encoding.ptr;
    if (map->encoding.slen == 0 || !take_char(&cursor, '/') ||
        (clock = take_number(&cursor, 1000000)) <= 0 ||
        (take_char(&cursor, '/') && (channels = take_number(&cursor, 255)) <= 0)) {
        return -1;
    }
    map->clock_rate = (unsigned)clock;
    map->channels = (unsigned)channels;
    return 0;
}

/* 1: it has one */
static int find_rtpmap(const pjmedia_sdp_media *media, long payload_type, struct rtpmap *map)
{
    for (unsigned i = 0; i < media->attr_count; i++) {
        if (pj_stricmp2(&media->attr[i]->name, "rtpmap") == 0 &&
            parse_rtpmap(&media->attr[i]->value, payload_type, map) == 0) {
            return 1;
        }
    }
    return 0;
}

static const struct ast_codec *find_codec(const struct rtpmap *map)
{
    char name[24];

    if (map->encoding.slen >= (pj_ssize_t)sizeof(name)) {
        return NULL;
    }
    memcpy(name, map->encoding.ptr, (size_t)map->encoding.slen);
    name[map->encoding.slen] = '\0';
    return ast_codec_find_rtpmap(name, map->clock_rate, map->channels);
}

static void add_format(const pjmedia_sdp_media *media, long payload_type, struct sdp_remote *remote)
{
    const struct ast_codec *codec;
    struct rtpmap map;

    if (!find_rtpmap(media, payload_type, &map)) {
        codec = ast_codec_find_payload_type((int)payload_type);
    } else if (pj_stricmp2(&map.encoding, "telephone-event") == 0) {
        if (remote->event_count < SDP_MAX_EVENTS) {
            remote->events[remote->event_count++] =
                (struct sdp_event){(int)payload_type, map.clock_rate};
        }
        return;
    } else {
        codec = find_codec(&map);
    }
    remote->formats[remote->format_count++] = (struct sdp_format){(int)payload_type, codec};
}

static void parse_formats(const pjmedia_sdp_media *media, struct sdp_remote *remote)
{
    for (unsigned i = 0; i < media->desc.fmt_count && remote->format_count < SDP_MAX_FORMATS; i++) {
        const long payload_type = number_of(&media->desc.fmt[i], 127);

        if (payload_type >= 0) {
            add_format(media, payload_type, remote);
        }
    }
}

/* ---- the rest ---- */

static unsigned parse_time(const pjmedia_sdp_media *media, const char *name)
{
    const pj_str_t *const value = attribute(NULL, media, name);
    struct cursor cursor;
    long time;

    if (!value) {
        return 0;
    }
    cursor = cursor_of(value);
    skip_blanks(&cursor);
    time = take_number(&cursor, 10000); /* of "20.0" the whole part */
    return time > 0 ? (unsigned)time : 0;
}

static int parse_direction(const pjmedia_sdp_session *sdp, const pjmedia_sdp_media *media)
{
    static const struct {
        const char *name;
        int direction;
    } names[] = {{"sendrecv", AST_RTP_SENDRECV},
                 {"sendonly", AST_RTP_SENDONLY},
                 {"recvonly", AST_RTP_RECVONLY},
                 {"inactive", AST_RTP_INACTIVE}};

    /* The section's own word counts more than the session's, whichever it is (RFC 4566 6). */
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 4; i++) {
            if (round == 0 ? attribute(NULL, media, names[i].name) != NULL
                           : attribute(sdp, media, names[i].name) != NULL) {
                return names[i].direction;
            }
        }
    }
    return AST_RTP_SENDRECV;
}

int sdp_reverse(int direction)
{
    return (direction & AST_RTP_SENDONLY ? AST_RTP_RECVONLY : 0) |
           (direction & AST_RTP_RECVONLY ? AST_RTP_SENDONLY : 0);
}

int sdp_parse(const pjmedia_sdp_session *sdp, unsigned index, struct sdp_remote *remote,
              const char **why)
{
    const pjmedia_sdp_media *const media = index < sdp->media_count ? sdp->media[index] : NULL;
    struct sdp_remote found;

    pj_bzero(&found, sizeof(found));
    if (!media || media->desc.port == 0) {
        *why = "there is no stream";
        return -1;
    }
    if (pj_stricmp2(&media->desc.transport, "RTP/AVP") != 0) {
        *why = "its transport is not RTP/AVP";
        return -1;
    }
    if (parse_address(sdp, media, &found)) {
        *why = "its address is none that can be sent to";
        return -1;
    }
    parse_rtcp(media, &found);
    parse_formats(media, &found);
    found.ptime = parse_time(media, "ptime");
    found.maxptime = parse_time(media, "maxptime");
    found.direction = parse_direction(sdp, media);
    *remote = found;
    return 0;
}
