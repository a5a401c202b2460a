/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sdp_rtp: which codec, under which numbers, in which direction (RFC 3264 6 to 8). Pure.
 */
#include <string.h>
#include <strings.h>

#include "sdp.h"

/* ---- payload numbers ---- */

#define KEY_UNKNOWN     255
#define KEY_EVENT_8000  200
#define KEY_EVENT_48000 201
#define KEY_EVENT_OTHER 202

static int codec_index(const struct ast_codec *codec)
{
    const struct ast_codec *at;

    for (unsigned i = 0; (at = ast_codec_at(i)); i++) {
        if (at == codec) {
            return (int)i;
        }
    }
    return -1;
}

static unsigned char codec_key(const struct ast_codec *codec)
{
    return (unsigned char)(codec_index(codec) + 1);
}

static unsigned char event_key(unsigned clock_rate)
{
    return clock_rate == 8000    ? KEY_EVENT_8000
           : clock_rate == 48000 ? KEY_EVENT_48000
                                 : KEY_EVENT_OTHER;
}

/* The numbers that others use for the same: nobody needs them, but captures read better. */
static int usual_number(const struct ast_codec *codec)
{
    static const struct {
        const char *name;
        int number;
    } usual[] = {{"opus", 107}, {"ilbc", 97}, {"g726", 111}, {"slin16", 118}, {"slin", 119}};

    for (unsigned i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        if (strcmp(usual[i].name, codec->name) == 0) {
            return usual[i].number;
        }
    }
    return 96;
}

static int find_number(const struct sdp_numbers *numbers, unsigned char key)
{
    for (int i = 0; i < 128; i++) {
        if (numbers->meaning[i] == key) {
            return i;
        }
    }
    return -1;
}

static int number_of(struct sdp_numbers *numbers, unsigned char key, int wanted)
{
    const int known = find_number(numbers, key);

    if (known >= 0) {
        return known;
    }
    /* the usual one, then the dynamic range, then what RFC 3551 3 leaves for when that is full */
    for (int i = -1; i < 32 + 29; i++) {
        const int number = i < 0 ? wanted : i < 32 ? 96 + i : 35 + i - 32;

        if (numbers->meaning[number] == 0) {
            numbers->meaning[number] = key;
            return number;
        }
    }
    return -1;
}

int sdp_number_of_codec(struct sdp_numbers *numbers, const struct ast_codec *codec)
{
    if (codec->payload_type >= 0) {
        return codec->payload_type;
    }
    return number_of(numbers, codec_key(codec), usual_number(codec));
}

int sdp_number_of_event(struct sdp_numbers *numbers, unsigned clock_rate)
{
    return number_of(numbers, event_key(clock_rate), clock_rate == 8000 ? 101 : 102);
}

/*
 * The first meaning stays: a peer that breaks the rule is not followed in what we write. What has a
 * number of ours keeps it; the peer's other one is not used for anything else.
 */
static void learn(struct sdp_numbers *numbers, int number, unsigned char key)
{
    if (numbers->meaning[number] == 0 && number >= 35) {
        numbers->meaning[number] = find_number(numbers, key) >= 0 ? KEY_UNKNOWN : key;
    }
}

void sdp_learn_numbers(struct sdp_numbers *numbers, const struct sdp_remote *remote)
{
    for (unsigned i = 0; i < remote->format_count; i++) {
        const struct sdp_format *const format = &remote->formats[i];

        learn(numbers, format->payload_type,
              format->codec ? codec_key(format->codec) : KEY_UNKNOWN);
    }
    for (unsigned i = 0; i < remote->event_count; i++) {
        learn(numbers, remote->events[i].payload_type, event_key(remote->events[i].clock_rate));
    }
}

/* ---- what the endpoint says ---- */

static const struct ast_sip_codec_pref *find_pref(const struct ast_sip_endpoint *endpoint,
                                                  const struct ast_codec *codec)
{
    for (unsigned i = 0; codec && i < endpoint->codecs.count; i++) {
        if (strcasecmp(endpoint->codecs.codec[i].name, codec->name) == 0) {
            return &endpoint->codecs.codec[i];
        }
    }
    return NULL;
}

int sdp_uses_events(const struct ast_sip_endpoint *endpoint)
{
    return endpoint->dtmf_mode == AST_SIP_DTMF_RFC4733 ||
           endpoint->dtmf_mode == AST_SIP_DTMF_AUTO ||
           endpoint->dtmf_mode == AST_SIP_DTMF_AUTO_INFO;
}

unsigned sdp_our_ptime(const struct ast_sip_endpoint *endpoint, const struct ast_codec *codec)
{
    const struct ast_sip_codec_pref *const pref = find_pref(endpoint, codec);
    const unsigned ptime = pref && pref->ptime ? pref->ptime : codec->ptime;

    return ptime > codec->max_ptime ? codec->max_ptime : ptime;
}

/* ---- what both want ---- */

/* telephone-event on the clock of the codec, or on the usual one of 8 kHz; NULL: none */
static const struct sdp_event *find_event(const struct sdp_remote *remote,
                                          const struct ast_codec *codec)
{
    const struct sdp_event *usual = NULL;

    for (unsigned i = 0; i < remote->event_count; i++) {
        if (remote->events[i].clock_rate == codec->clock_rate) {
            return &remote->events[i];
        }
        if (remote->events[i].clock_rate == 8000) {
            usual = &remote->events[i];
        }
    }
    return usual;
}

static void set_times(const struct ast_sip_endpoint *endpoint, const struct sdp_remote *remote,
                      struct sdp_choice *choice)
{
    choice->our_ptime = sdp_our_ptime(endpoint, choice->codec);
    choice->ptime = endpoint->use_ptime && remote->ptime ? remote->ptime : choice->our_ptime;
    if (remote->maxptime && choice->ptime > remote->maxptime) {
        choice->ptime = remote->maxptime;
    }
}

static int is_unspecified(const pj_sockaddr *address)
{
    return !pj_sockaddr_has_addr(address);
}

static void set_direction(const struct sdp_remote *remote, struct sdp_choice *choice)
{
    choice->direction = sdp_reverse(remote->direction);
    choice->rtp = remote->rtp;
    choice->rtcp = remote->rtcp;
    /* c=0.0.0.0 was how RFC 2543 put a call on hold; neither RTP nor RTCP goes there (RFC
     * 3264 8.4). */
    if (is_unspecified(&remote->rtp)) {
        choice->direction &= ~AST_RTP_SENDONLY;
        pj_bzero(&choice->rtcp, sizeof(choice->rtcp));
    }
    choice->hold = choice->direction != AST_RTP_SENDRECV;
}

/* The peer's format that is used: by its order, or by ours; NULL: none that the endpoint allows */
static const struct sdp_format *find_common(const struct ast_sip_endpoint *endpoint,
                                            const struct sdp_remote *remote)
{
    const int ours = endpoint->preferred_codec_only ||
                     endpoint->incoming_call_offer_pref >= AST_SIP_OFFER_PREF_LOCAL;
    const struct sdp_format *best = NULL;
    const struct ast_sip_codec_pref *best_pref = NULL;

    for (unsigned i = 0; i < remote->format_count; i++) {
        const struct ast_sip_codec_pref *const pref = find_pref(endpoint, remote->formats[i].codec);

        if (pref && !ours) {
            return &remote->formats[i];
        }
        if (pref && (!best || pref < best_pref)) {
            best = &remote->formats[i];
            best_pref = pref;
        }
    }
    return best;
}

int sdp_choose_answer(const struct ast_sip_endpoint *endpoint, const struct sdp_remote *remote,
                      struct sdp_choice *choice)
{
    const struct sdp_format *const format = find_common(endpoint, remote);
    const struct sdp_event *event;

    if (!format) {
        return -1;
    }
    pj_bzero(choice, sizeof(*choice));
    choice->codec = format->codec;
    choice->tx_payload_type = format->payload_type;
    choice->rx_payload_type =
        format->payload_type; /* RFC 3264 6.1: the same number in the answer */
    event = sdp_uses_events(endpoint) ? find_event(remote, format->codec) : NULL;
    choice->tx_event = event ? event->payload_type : -1;
    choice->rx_event = choice->tx_event;
    choice->event_clock_rate = event ? event->clock_rate : 0;
    set_times(endpoint, remote, choice);
    set_direction(remote, choice);
    return 0;
}

int sdp_choose_answered(const struct ast_sip_endpoint *endpoint, const struct ast_codec *only,
                        struct sdp_numbers *numbers, const struct sdp_remote *remote,
                        struct sdp_choice *choice)
{
    const struct sdp_format *format = NULL;
    const struct sdp_event *event;

    for (unsigned i = 0; i < remote->format_count && !format; i++) {
        if (only ? remote->formats[i].codec == only
                 : find_pref(endpoint, remote->formats[i].codec) != NULL) {
            format = &remote->formats[i];
        }
    }
    if (!format) {
        return -1;
    }
    pj_bzero(choice, sizeof(*choice));
    choice->codec = format->codec;
    choice->tx_payload_type = format->payload_type;
    choice->rx_payload_type = sdp_number_of_codec(numbers, format->codec);
    event = sdp_uses_events(endpoint) ? find_event(remote, format->codec) : NULL;
    choice->tx_event = event ? event->payload_type : -1;
    choice->rx_event = event ? sdp_number_of_event(numbers, event->clock_rate) : -1;
    choice->event_clock_rate = event ? event->clock_rate : 0;
    set_times(endpoint, remote, choice);
    set_direction(remote, choice);
    return 0;
}
