/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sdp_rtp: our m= section. Everything in it lives in the pool that is given, or is static.
 */
#include <stdio.h>
#include <string.h>

#include "sdp.h"

/* ---- lines ---- */

static void add_attribute(pj_pool_t *pool, pjmedia_sdp_media *media, const char *name,
                          const char *value)
{
    pj_str_t text = pj_str((char *)(value ? value : ""));

    (void)pjmedia_sdp_media_add_attr(media,
                                     pjmedia_sdp_attr_create(pool, name, value ? &text : NULL));
}

static void add_format(pj_pool_t *pool, pjmedia_sdp_media *media, int number, const char *rtpmap,
                       const char *fmtp)
{
    char text[96];

    if (number < 0 || media->desc.fmt_count == PJMEDIA_MAX_SDP_FMT) {
        return;
    }
    snprintf(text, sizeof(text), "%d", number);
    pj_strdup2(pool, &media->desc.fmt[media->desc.fmt_count++], text);
    snprintf(text, sizeof(text), "%d %s", number, rtpmap);
    add_attribute(pool, media, "rtpmap", text);
    if (fmtp) {
        snprintf(text, sizeof(text), "%d %s", number, fmtp);
        add_attribute(pool, media, "fmtp", text);
    }
}

/* Also for static numbers: RFC 3264 5.1 recommends it. */
static void add_codec(pj_pool_t *pool, pjmedia_sdp_media *media, int number,
                      const struct ast_codec *codec)
{
    char rtpmap[64];

    if (codec->channels > 1) {
        snprintf(rtpmap, sizeof(rtpmap), "%s/%u/%u", codec->encoding, codec->clock_rate,
                 codec->channels);
    } else {
        snprintf(rtpmap, sizeof(rtpmap), "%s/%u", codec->encoding, codec->clock_rate);
    }
    add_format(pool, media, number, rtpmap, codec->fmtp);
}

static void add_event(pj_pool_t *pool, pjmedia_sdp_media *media, int number, unsigned clock_rate)
{
    char rtpmap[64];

    snprintf(rtpmap, sizeof(rtpmap), "telephone-event/%u", clock_rate);
    add_format(pool, media, number, rtpmap, "0-16"); /* the digits, and flash */
}

static void add_time(pj_pool_t *pool, pjmedia_sdp_media *media, const char *name, unsigned ms)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", ms);
    add_attribute(pool, media, name, text);
}

static pjmedia_sdp_media *start(pj_pool_t *pool, const pj_sockaddr *address, unsigned port)
{
    pjmedia_sdp_media *const media = PJ_POOL_ZALLOC_T(pool, pjmedia_sdp_media);
    char text[PJ_INET6_ADDRSTRLEN];

    media->desc.media = pj_str("audio");
    media->desc.port = (pj_uint16_t)port;
    media->desc.port_count = 1;
    media->desc.transport = pj_str("RTP/AVP");
    media->conn = PJ_POOL_ZALLOC_T(pool, pjmedia_sdp_conn);
    media->conn->net_type = pj_str("IN");
    media->conn->addr_type = pj_str(address->addr.sa_family == pj_AF_INET6() ? "IP6" : "IP4");
    pj_strdup2(pool, &media->conn->addr, pj_sockaddr_print(address, text, sizeof(text), 0));
    return media;
}

static const char *direction_name(int direction)
{
    static const char *const names[] = {"inactive", "sendonly", "recvonly", "sendrecv"};

    return names[direction & AST_RTP_SENDRECV];
}

/* ---- whole sections ---- */

pjmedia_sdp_media *sdp_write_answer(pj_pool_t *pool, const struct sdp_choice *choice,
                                    const pj_sockaddr *address, unsigned port)
{
    pjmedia_sdp_media *const media = start(pool, address, port);

    add_codec(pool, media, choice->rx_payload_type, choice->codec);
    if (choice->rx_event >= 0) {
        add_event(pool, media, choice->rx_event, choice->event_clock_rate);
    }
    add_time(pool, media, "ptime", choice->our_ptime);
    add_time(pool, media, "maxptime", choice->codec->max_ptime);
    add_attribute(pool, media, direction_name(choice->direction), NULL);
    return media;
}

/* What an offer is made of: the codec in force, then the endpoint's in their order, each once */
static unsigned list_codecs(const struct ast_sip_endpoint *endpoint, const struct ast_codec *first,
                            const struct ast_codec **codecs)
{
    unsigned count = 0;

    if (first) {
        codecs[count++] = first;
    }
    for (unsigned i = 0; i < endpoint->codecs.count && i < AST_SIP_MAX_CODECS; i++) {
        const struct ast_codec *const codec = ast_codec_find(endpoint->codecs.codec[i].name);
        unsigned known = 0;

        while (known < count && codecs[known] != codec) {
            known++;
        }
        if (codec && known == count) {
            codecs[count++] = codec;
        }
    }
    return count;
}

static void add_events(pj_pool_t *pool, pjmedia_sdp_media *media, struct sdp_numbers *numbers,
                       const struct ast_codec *const *codecs, unsigned count)
{
    int wide = 0, narrow = 0;

    /* One for each clock of the codecs (RFC 4733 2.1); 8 kHz always, for those who know no other.
     */
    for (unsigned i = 0; i < count; i++) {
        wide |= codecs[i]->clock_rate == 48000;
        narrow |= codecs[i]->clock_rate != 48000;
    }
    if (narrow || wide) {
        add_event(pool, media, sdp_number_of_event(numbers, 8000), 8000);
    }
    if (wide) {
        add_event(pool, media, sdp_number_of_event(numbers, 48000), 48000);
    }
}

const struct ast_codec *sdp_first_offered(const struct ast_sip_endpoint *endpoint,
                                          const struct sdp_offer *offer)
{
    const struct ast_codec *codecs[AST_SIP_MAX_CODECS + 1];

    return list_codecs(endpoint, offer->first, codecs) > 0 ? codecs[0] : NULL;
}

pjmedia_sdp_media *sdp_write_offer(pj_pool_t *pool, const struct ast_sip_endpoint *endpoint,
                                   struct sdp_numbers *numbers, const struct sdp_offer *offer)
{
    const struct ast_codec *codecs[AST_SIP_MAX_CODECS + 1];
    unsigned count = list_codecs(endpoint, offer->first, codecs);
    pjmedia_sdp_media *media;
    unsigned max_ptime;

    if (count == 0) {
        return NULL;
    }
    count = offer->alone ? 1 : count;
    media = start(pool, offer->address, offer->port);
    max_ptime = codecs[0]->max_ptime;
    for (unsigned i = 0; i < count; i++) {
        add_codec(pool, media, sdp_number_of_codec(numbers, codecs[i]), codecs[i]);
        if (codecs[i]->max_ptime < max_ptime) {
            max_ptime = codecs[i]->max_ptime;
        }
    }
    if (sdp_uses_events(endpoint)) {
        add_events(pool, media, numbers, codecs, count);
    }
    add_time(pool, media, "ptime", sdp_our_ptime(endpoint, codecs[0]));
    add_time(pool, media, "maxptime", max_ptime);
    add_attribute(pool, media, direction_name(offer->direction), NULL);
    return media;
}
