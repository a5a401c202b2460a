/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read from a peer's SDP, what is chosen, and what is written: without a socket or a
 * session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sdp.h"
#include "sdp_text.h"

static struct sdp_remote remote;
static struct ast_sip_endpoint endpoint;
static struct sdp_choice choice;

static int parse(const char *body)
{
    const pjmedia_sdp_session *const sdp = text_parse(body);
    const char *why = NULL;
    int result;

    assert_non_null(sdp);
    result = sdp_parse(sdp, 0, &remote, &why);
    assert_int_equal(result == 0, why == NULL);
    return result;
}

static void allow(const char *names)
{
    char copy[200];
    char *rest = copy, *name;

    memset(&endpoint, 0, sizeof(endpoint));
    snprintf(copy, sizeof(copy), "%s", names);
    while ((name = strsep(&rest, ","))) {
        struct ast_sip_codec_pref *const pref = &endpoint.codecs.codec[endpoint.codecs.count++];
        char *const colon = strchr(name, ':');

        if (colon) {
            *colon = '\0';
            pref->ptime = (unsigned)atoi(colon + 1);
        }
        snprintf(pref->name, sizeof(pref->name), "%s", name);
    }
}

static const char *address_text(const pj_sockaddr *address)
{
    static char text[80];

    return pj_sockaddr_print(address, text, sizeof(text), 3);
}

/* ---- read ---- */

static void plain_offer(void **state)
{
    (void)state;
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 8 0 96 101\r\n"
                                  "a=rtpmap:96 opus/48000/2\r\n"
                                  "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
                                  "a=ptime:30\r\na=maxptime:60\r\na=sendonly\r\n"),
                     0);
    assert_string_equal(address_text(&remote.rtp), "192.0.2.7:4000");
    assert_string_equal(address_text(&remote.rtcp), "192.0.2.7:4001");
    assert_int_equal(remote.format_count, 3);
    assert_ptr_equal(remote.formats[0].codec, ast_codec_find("alaw"));
    assert_ptr_equal(remote.formats[1].codec, ast_codec_find("ulaw"));
    assert_ptr_equal(remote.formats[2].codec, ast_codec_find("opus"));
    assert_int_equal(remote.formats[2].payload_type, 96);
    assert_int_equal(remote.event_count, 1);
    assert_int_equal(remote.events[0].payload_type, 101);
    assert_int_equal(remote.ptime, 30);
    assert_int_equal(remote.maxptime, 60);
    assert_int_equal(remote.direction, AST_RTP_SENDONLY);
}

static void addresses(void **state)
{
    (void)state;
    assert_int_equal(parse("c=IN IP6 2001:db8::5\r\nm=audio 4000 RTP/AVP 0\r\n"), 0);
    assert_string_equal(address_text(&remote.rtp), "[2001:db8::5]:4000");
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.99\r\n"), 0);
    assert_string_equal(address_text(&remote.rtp), "192.0.2.99:4000"); /* the section's own */
    assert_int_equal(parse("c=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0\r\n"), 0);
    assert_false(pj_sockaddr_has_addr(&remote.rtp));
    assert_int_equal(parse("c=IN IP4 host.example.com\r\nm=audio 4000 RTP/AVP 0\r\n"), -1);
    assert_int_equal(parse("c=IN IP4 224.2.1.1/127\r\nm=audio 4000 RTP/AVP 0\r\n"), -1);
    assert_int_equal(parse("c=IN IP4 2001:db8::5\r\nm=audio 4000 RTP/AVP 0\r\n"), -1);
    assert_int_equal(parse("c=IN IP5 192.0.2.7\r\nm=audio 4000 RTP/AVP 0\r\n"), -1);
    assert_int_equal(parse("c=ATM IP4 192.0.2.7\r\nm=audio 4000 RTP/AVP 0\r\n"), -1);
    assert_int_equal(parse("m=audio 4000 RTP/AVP 0\r\n"), -1); /* none at all */
    assert_int_equal(parse("c=IN IP4 1111111111111111111111111111111111111111111111111111111111\r\n"
                           "m=audio 4000 RTP/AVP 0\r\n"),
                     -1);
}

static void rtcp_attribute(void **state)
{
    (void)state;
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=rtcp:53020\r\n"), 0);
    assert_string_equal(address_text(&remote.rtcp), "192.0.2.7:53020");
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=rtcp:53020 IN IP4 198.51.100.3\r\n"),
                     0);
    assert_string_equal(address_text(&remote.rtcp), "198.51.100.3:53020");
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=rtcp:53020 IN IP6 2001:db8::1\r\n"),
                     0);
    assert_string_equal(address_text(&remote.rtcp), "[2001:db8::1]:53020");
    /* what can not be used is none, and never something else */
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=rtcp:65536\r\n"), 0);
    assert_int_equal(remote.rtcp.addr.sa_family, 0);
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=rtcp:4294967297\r\n"), 0);
    assert_int_equal(remote.rtcp.addr.sa_family, 0);
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=rtcp:0\r\n"), 0);
    assert_int_equal(remote.rtcp.addr.sa_family, 0);
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=rtcp:5 IN IP4 example.com\r\n"), 0);
    assert_int_equal(remote.rtcp.addr.sa_family, 0);
    assert_int_equal(parse(SDP_C4 "m=audio 65535 RTP/AVP 0\r\n"), 0); /* there is no port behind */
    assert_int_equal(remote.rtcp.addr.sa_family, 0);
}

static void directions(void **state)
{
    (void)state;
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\n"), 0);
    assert_int_equal(remote.direction, AST_RTP_SENDRECV);
    assert_int_equal(parse(SDP_C4 "a=inactive\r\nm=audio 4000 RTP/AVP 0\r\n"), 0);
    assert_int_equal(remote.direction, AST_RTP_INACTIVE);
    assert_int_equal(parse(SDP_C4 "a=inactive\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n"), 0);
    assert_int_equal(remote.direction, AST_RTP_SENDRECV);
    assert_int_equal(parse(SDP_C4 "a=sendrecv\r\nm=audio 4000 RTP/AVP 0\r\na=recvonly\r\n"), 0);
    assert_int_equal(remote.direction, AST_RTP_RECVONLY);
    assert_int_equal(sdp_reverse(AST_RTP_SENDONLY), AST_RTP_RECVONLY);
    assert_int_equal(sdp_reverse(AST_RTP_RECVONLY), AST_RTP_SENDONLY);
    assert_int_equal(sdp_reverse(AST_RTP_SENDRECV), AST_RTP_SENDRECV);
    assert_int_equal(sdp_reverse(AST_RTP_INACTIVE), AST_RTP_INACTIVE);
}

static void transports(void **state)
{
    (void)state;
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/SAVP 0\r\n"), -1);
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVPF 0\r\n"), -1);
    assert_int_equal(parse(SDP_C4 "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n"), -1);
    assert_int_equal(parse(SDP_C4 "m=audio 0 RTP/AVP 0\r\n"), -1);
}

/* Numbers that are too large, maps that are none: skipped, and what is good beside them stays. */
static void odd_formats(void **state)
{
    (void)state;
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 128 256 4294967296 x 96 97 98 99 0\r\n"
                                  "a=rtpmap:96 opus/48000/2/3/4\r\n"
                                  "a=rtpmap:97 PCMU/4294975296\r\n" /* 8000 modulo 2^32 */
                                  "a=rtpmap:98 PCMU\r\n"
                                  "a=rtpmap:99 /8000\r\n"
                                  "a=rtpmap:4294967296 PCMA/8000\r\n"),
                     0);
    assert_int_equal(remote.format_count, 5);
    assert_ptr_equal(remote.formats[0].codec,
                     ast_codec_find("opus")); /* what is behind is not ours */
    assert_null(remote.formats[1].codec);
    assert_null(remote.formats[2].codec);
    assert_null(remote.formats[3].codec);
    assert_ptr_equal(remote.formats[4].codec, ast_codec_find("ulaw"));
    /* G.722's clock is 8000 by an old mistake that became the rule */
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 9 96\r\na=rtpmap:96 G722/16000\r\n"), 0);
    assert_ptr_equal(remote.formats[0].codec, ast_codec_find("g722"));
    assert_null(remote.formats[1].codec);
    /* a static number may be given another meaning */
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMA/8000\r\n"), 0);
    assert_ptr_equal(remote.formats[0].codec, ast_codec_find("alaw"));
    assert_int_equal(parse(SDP_C4
                           "m=audio 4000 RTP/AVP 0\r\na=ptime:99999999999\r\na=maxptime:x\r\n"),
                     0);
    assert_int_equal(remote.ptime, 0);
    assert_int_equal(remote.maxptime, 0);
    /* attributes without a value */
    assert_int_equal(parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=rtpmap\r\na=ptime\r\na=rtcp\r\n"),
                     0);
    assert_ptr_equal(remote.formats[0].codec, ast_codec_find("ulaw"));
}

/* ---- chosen ---- */

static void first_of_the_offer(void **state)
{
    (void)state;
    parse(SDP_C4 "m=audio 4000 RTP/AVP 18 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\n");
    allow("ulaw,alaw");
    assert_int_equal(sdp_choose_answer(&endpoint, &remote, &choice), 0);
    assert_ptr_equal(choice.codec, ast_codec_find("alaw")); /* the offer's order counts */
    assert_int_equal(choice.tx_payload_type, 8);
    assert_int_equal(choice.tx_event, 96);
    assert_int_equal(choice.rx_event, 96);
    assert_int_equal(choice.event_clock_rate, 8000);
    assert_int_equal(choice.direction, AST_RTP_SENDRECV);
    assert_false(choice.hold);
    endpoint.preferred_codec_only = 1;
    assert_int_equal(sdp_choose_answer(&endpoint, &remote, &choice), 0);
    assert_ptr_equal(choice.codec, ast_codec_find("ulaw")); /* ours does */
    allow("g722");
    assert_int_equal(sdp_choose_answer(&endpoint, &remote, &choice), -1);
    allow("ulaw,alaw");
    endpoint.dtmf_mode = AST_SIP_DTMF_INFO;
    assert_int_equal(sdp_choose_answer(&endpoint, &remote, &choice), 0);
    assert_int_equal(choice.tx_event, -1);
    assert_int_equal(choice.rx_event, -1);
}

static void dynamic_numbers_are_the_offers(void **state)
{
    (void)state;
    parse(SDP_C4 "m=audio 4000 RTP/AVP 120 121 122\r\na=rtpmap:120 OPUS/48000/2\r\n"
                 "a=rtpmap:121 telephone-event/8000\r\na=rtpmap:122 telephone-event/48000\r\n");
    allow("opus");
    assert_int_equal(sdp_choose_answer(&endpoint, &remote, &choice), 0);
    assert_int_equal(choice.tx_payload_type, 120);
    assert_int_equal(choice.rx_payload_type, 120);
    assert_int_equal(choice.tx_event, 122); /* on the codec's own clock */
    assert_int_equal(choice.event_clock_rate, 48000);
}

static void packet_times(void **state)
{
    (void)state;
    parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=ptime:40\r\na=maxptime:50\r\n");
    allow("ulaw");
    assert_int_equal(sdp_choose_answer(&endpoint, &remote, &choice), 0);
    assert_int_equal(choice.ptime, 20);
    assert_int_equal(choice.our_ptime, 20);
    endpoint.use_ptime = 1;
    assert_int_equal(sdp_choose_answer(&endpoint, &remote, &choice), 0);
    assert_int_equal(choice.ptime, 40);
    allow("ulaw:60");
    assert_int_equal(sdp_choose_answer(&endpoint, &remote, &choice), 0);
    assert_int_equal(choice.ptime, 50); /* no longer than the peer can */
    assert_int_equal(choice.our_ptime, 60);
    allow("ulaw:5000");
    assert_int_equal(sdp_our_ptime(&endpoint, ast_codec_find("ulaw")), 150);
}

static void holds(void **state)
{
    static const struct {
        const char *offer;
        int direction;
    } cases[] = {
        {SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n", AST_RTP_RECVONLY},
        {SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=recvonly\r\n", AST_RTP_SENDONLY},
        {SDP_C4 "m=audio 4000 RTP/AVP 0\r\na=inactive\r\n", AST_RTP_INACTIVE},
        {"c=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0\r\n", AST_RTP_RECVONLY},
        {"c=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n", AST_RTP_RECVONLY},
        {"c=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0\r\na=inactive\r\n", AST_RTP_INACTIVE},
        {"c=IN IP6 ::\r\nm=audio 4000 RTP/AVP 0\r\n", AST_RTP_RECVONLY},
    };

    (void)state;
    allow("ulaw");
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i].offer), 0);
        assert_int_equal(sdp_choose_answer(&endpoint, &remote, &choice), 0);
        assert_int_equal(choice.direction, cases[i].direction);
        assert_true(choice.hold);
        assert_int_equal(choice.rtcp.addr.sa_family != 0, strstr(cases[i].offer, "192") != NULL);
    }
}

/* ---- numbers ---- */

static void numbers_stay(void **state)
{
    struct sdp_numbers numbers;

    (void)state;
    memset(&numbers, 0, sizeof(numbers));
    assert_int_equal(sdp_number_of_codec(&numbers, ast_codec_find("ulaw")), 0);
    assert_int_equal(sdp_number_of_codec(&numbers, ast_codec_find("opus")), 107);
    assert_int_equal(sdp_number_of_event(&numbers, 8000), 101);
    assert_int_equal(sdp_number_of_event(&numbers, 48000), 102);
    assert_int_equal(sdp_number_of_codec(&numbers, ast_codec_find("opus")), 107);
    /* the peer used ours for other things: its meanings are kept, and ours go elsewhere */
    memset(&numbers, 0, sizeof(numbers));
    parse(SDP_C4 "m=audio 4000 RTP/AVP 101 107 96 97 98\r\na=rtpmap:101 opus/48000/2\r\n"
                 "a=rtpmap:107 telephone-event/8000\r\na=rtpmap:96 x/8000\r\n");
    sdp_learn_numbers(&numbers, &remote);
    assert_int_equal(sdp_number_of_codec(&numbers, ast_codec_find("opus")), 101);
    assert_int_equal(sdp_number_of_event(&numbers, 8000), 107);
    assert_int_equal(sdp_number_of_codec(&numbers, ast_codec_find("ilbc")), 99);
    assert_int_equal(sdp_number_of_codec(&numbers, ast_codec_find("slin16")), 118);
}

/* All codecs, at an address */
static pjmedia_sdp_media *offer_of(struct sdp_numbers *numbers, const struct ast_codec *first,
                                   int alone, unsigned port)
{
    const struct sdp_offer offer = {.first = first,
                                    .alone = alone,
                                    .direction = AST_RTP_SENDRECV,
                                    .address = &remote.rtp,
                                    .port = port};

    return sdp_write_offer(text_pool, &endpoint, numbers, &offer);
}

static void numbers_run_out(void **state)
{
    struct sdp_numbers numbers;

    (void)state;
    memset(&numbers, 255, sizeof(numbers));
    numbers.meaning[40] = 0;
    assert_int_equal(sdp_number_of_codec(&numbers, ast_codec_find("opus")), 40);
    assert_int_equal(sdp_number_of_codec(&numbers, ast_codec_find("ilbc")), -1);
    assert_int_equal(sdp_number_of_codec(&numbers, ast_codec_find("opus")), 40);
    allow("ilbc,ulaw"); /* what has no number is left out */
    const char *const text = text_of(offer_of(&numbers, NULL, 0, 4));

    assert_non_null(strstr(text, "m=audio 4 RTP/AVP 0\r\n"));
    assert_null(strstr(text, "iLBC"));
}

/* ---- written ---- */

static void answer_text(void **state)
{
    (void)state;
    parse(SDP_C4 "m=audio 4000 RTP/AVP 8 120 121\r\na=rtpmap:120 opus/48000/2\r\n"
                 "a=rtpmap:121 telephone-event/8000\r\na=sendonly\r\n");
    allow("opus");
    assert_int_equal(sdp_choose_answer(&endpoint, &remote, &choice), 0);
    assert_string_equal(text_of(sdp_write_answer(text_pool, &choice, &remote.rtp, 10002)),
                        "m=audio 10002 RTP/AVP 120 121\r\n"
                        "c=IN IP4 192.0.2.7\r\n"
                        "a=rtpmap:120 opus/48000/2\r\n"
                        "a=fmtp:120 useinbandfec=1\r\n"
                        "a=rtpmap:121 telephone-event/8000\r\n"
                        "a=fmtp:121 0-16\r\n"
                        "a=ptime:20\r\n"
                        "a=maxptime:60\r\n"
                        "a=recvonly\r\n");
}

static void offer_text(void **state)
{
    struct sdp_numbers numbers;

    (void)state;
    memset(&numbers, 0, sizeof(numbers));
    parse("c=IN IP6 2001:db8::5\r\nm=audio 4000 RTP/AVP 0\r\n");
    allow("alaw:30,opus,ulaw,alaw,nonsense");
    assert_string_equal(text_of(offer_of(&numbers, NULL, 0, 10004)),
                        "m=audio 10004 RTP/AVP 8 107 0 101 102\r\n"
                        "c=IN IP6 2001:db8::5\r\n"
                        "a=rtpmap:8 PCMA/8000\r\n"
                        "a=rtpmap:107 opus/48000/2\r\n"
                        "a=fmtp:107 useinbandfec=1\r\n"
                        "a=rtpmap:0 PCMU/8000\r\n"
                        "a=rtpmap:101 telephone-event/8000\r\n"
                        "a=fmtp:101 0-16\r\n"
                        "a=rtpmap:102 telephone-event/48000\r\n"
                        "a=fmtp:102 0-16\r\n"
                        "a=ptime:30\r\n"
                        "a=maxptime:60\r\n"
                        "a=sendrecv\r\n");
    endpoint.dtmf_mode = AST_SIP_DTMF_NONE;
    /* the codec in force goes first in a re-offer */
    assert_non_null(strstr(text_of(offer_of(&numbers, ast_codec_find("ulaw"), 0, 10004)),
                           "RTP/AVP 0 8 107\r\n"));
    assert_non_null(
        strstr(text_of(offer_of(&numbers, ast_codec_find("ulaw"), 1, 10004)), "RTP/AVP 0\r\n"));
    assert_non_null(strstr(text_of(offer_of(&numbers, NULL, 1, 10004)), "RTP/AVP 8\r\n"));
    allow("nonsense");
    assert_null(offer_of(&numbers, NULL, 0, 10004));
}

/* Our offer's numbers and theirs may differ. */
static void answered(void **state)
{
    struct sdp_numbers numbers;

    (void)state;
    memset(&numbers, 0, sizeof(numbers));
    parse(SDP_C4 "m=audio 4000 RTP/AVP 0\r\n");
    allow("opus,ulaw");
    offer_of(&numbers, NULL, 0, 10004);
    parse(SDP_C4 "m=audio 4000 RTP/AVP 8 98 0 99\r\na=rtpmap:98 opus/48000/2\r\n"
                 "a=rtpmap:99 telephone-event/8000\r\na=recvonly\r\n");
    assert_int_equal(sdp_choose_answered(&endpoint, NULL, &numbers, &remote, &choice), 0);
    assert_ptr_equal(choice.codec, ast_codec_find("opus"));
    assert_int_equal(choice.tx_payload_type, 98);
    assert_int_equal(choice.rx_payload_type, 107);
    assert_int_equal(choice.tx_event, 99);
    assert_int_equal(choice.rx_event, 101);
    assert_int_equal(choice.direction, AST_RTP_SENDONLY);
    parse(SDP_C4 "m=audio 4000 RTP/AVP 8 0\r\n");
    assert_int_equal(sdp_choose_answered(&endpoint, ast_codec_find("opus"), &numbers, &remote,
                                         &choice),
                     -1);
    assert_int_equal(sdp_choose_answered(&endpoint, ast_codec_find("ulaw"), &numbers, &remote,
                                         &choice),
                     0);
    assert_ptr_equal(choice.codec, ast_codec_find("ulaw"));
    parse(SDP_C4 "m=audio 4000 RTP/AVP 8\r\n"); /* what we did not offer */
    assert_int_equal(sdp_choose_answered(&endpoint, NULL, &numbers, &remote, &choice), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_offer),        cmocka_unit_test(addresses),
        cmocka_unit_test(rtcp_attribute),     cmocka_unit_test(directions),
        cmocka_unit_test(transports),         cmocka_unit_test(odd_formats),
        cmocka_unit_test(first_of_the_offer), cmocka_unit_test(dynamic_numbers_are_the_offers),
        cmocka_unit_test(packet_times),       cmocka_unit_test(holds),
        cmocka_unit_test(numbers_stay),       cmocka_unit_test(numbers_run_out),
        cmocka_unit_test(answer_text),        cmocka_unit_test(offer_text),
        cmocka_unit_test(answered),
    };

    return cmocka_run_group_tests(tests, text_begin, text_end);
}
