/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guards are pure: text in, verdict out. What an honest peer sends passes; each limit is tried at its edge. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static int check(const char *text, int datagram)
{
    const char *why = "";
    size_t length = strlen(text);
    char *copy = malloc(length ? length : 1); /* exactly as long, so that a read behind it shows */
    int code;

    assert_non_null(copy);
    memcpy(copy, text, length);
    code = sip_guard_message(copy, length, datagram, &why);
    assert_int_equal(code != 0, *why != '\0');
    free(copy);
    return code;
}

/* A request with these header lines. */
static int with(const char *headers)
{
    static char text[20000];

    snprintf(text, sizeof(text),
             "INVITE sip:100@example.com SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n"
             "%s"
             "Content-Length: 4\r\n\r\nbody",
             headers);
    return check(text, 1);
}

static void test_ordinary(void **state)
{
    (void)state;
    assert_int_equal(with("From: \"100% me\" <sip:a%20b@c>;tag=1\r\nTo: sip:x@y\r\nCall-ID: 1\r\n"
                          "CSeq: 1 INVITE\r\nContact: <sip:a@b>\r\nk: timer, 100rel\r\n"),
                     0);
    assert_int_equal(with(""), 0);
    assert_int_equal(with("X-Percent: 100%\r\n"), 0);
    assert_int_equal(check("SIP/2.0 200 OK\nf: <sip:a@b>;tag=1\nl: 0\n\n", 1), 0);
}

static void test_shortest(void **state)
{
    const char *text = "OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n";
    size_t length;

    (void)state;
    assert_int_equal(check("", 1), 400);
    assert_int_equal(check("OPTIONS", 1), 400);
    for (length = strlen("OPTIONS sip:a SIP/2.0\r\n") + 1; length <= strlen(text); length++) {
        char cut[100];

        snprintf(cut, sizeof(cut), "%.*s", (int)length, text);
        assert_int_equal(check(cut, 1), 0); /* what is missing is PJSIP's to say */
    }
}

static void test_echoed_headers(void **state)
{
    char headers[6000];

    (void)state;
    snprintf(headers, sizeof(headers), "Record-Route: <sip:%02395d@p>\r\n", 0);
    assert_int_equal(with(headers), 0);
    snprintf(headers, sizeof(headers), "Record-Route: <sip:%02450d@p>\r\n", 0);
    assert_int_equal(with(headers), 513);
    snprintf(headers, sizeof(headers), "m: <sip:%02450d@p>\r\n", 0);
    assert_int_equal(with(headers), 513);
    snprintf(headers, sizeof(headers), "Subject: %02450d\r\n", 0);
    assert_int_equal(with(headers), 0);
    /* continuation lines count (RFC 3261 7.3.1) */
    snprintf(headers, sizeof(headers), "Call-ID: 1\r\n %02450d\r\n", 0);
    assert_int_equal(with(headers), 513);
}

static void test_option_tags(void **state)
{
    (void)state;
    assert_int_equal(with("Require: 1,2,3,4,5,6,7,8\r\nRequire: 9,10,11,12,13,14,15,16\r\n"), 0);
    assert_int_equal(with("Require: 1,2,3,4,5,6,7,8\r\nRequire: 9,10,11,12,13,14,15,16,17\r\n"),
                     400);
    assert_int_equal(with("k: 1,2,3,4,5,6,7,8\r\nSupported: 9,10,11,12,13,14,15,16,17\r\n"), 400);
    assert_int_equal(with("Accept: 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\r\n"), 0);
}

static void test_hide(void **state)
{
    (void)state;
    assert_int_equal(with("Route: <sip:p;lr;hide>\r\n"), 400);
    assert_int_equal(with("Record-Route: <sip:p;HIDE=1;lr>\r\n"), 400);
    assert_int_equal(with("Record-Route: <sip:p;lr>,\r\n <sip:q; hide ;lr>\r\n"), 400);
    assert_int_equal(with("Route: <sip:p;lr;hidden=1>\r\n"), 0);
    assert_int_equal(with("Contact: <sip:p;hide>\r\n"), 0);
    assert_int_equal(with("Route: <sip:hide@p;lr>\r\n"), 0);
    assert_int_equal(check("A b c\r\nRoute: ;hid", 0), 0);
    assert_int_equal(check("A b c\r\nRoute: ;", 0), 0);
}

/* Lines end as PJSIP sees it: CRLF, LF, or CR alone. */
static void test_line_ends(void **state)
{
    (void)state;
    assert_int_equal(with("X: y\rRoute: <sip:p;lr;hide>\r\n"), 400);
    assert_int_equal(with("X: y\nRoute: <sip:p;lr;hide>\r\n"), 400);
    assert_int_equal(with("X: y\r\rRoute: <sip:p;lr;hide>\r\n"), 0); /* that is the body */
    assert_int_equal(with("X: y\r Route: <sip:p;lr;hide>\r\n"), 0);  /* of X */
    assert_int_equal(check("A sip:x SIP/2.0\rRoute: <sip:p;hide>\r\r", 1), 400);
}

static void test_escapes(void **state)
{
    (void)state;
    assert_int_equal(with("From: <sip:a%2@b>;tag=1\r\n"), 400);
    assert_int_equal(with("From: <sip:a%zz@b>;tag=1\r\n"), 400);
    assert_int_equal(with("From: \"a \\\" 5%\" <sip:a%41@b>;tag=1\r\n"), 0);
    assert_int_equal(check("A sip:%4 SIP/2.0\r\nVia: x\r\n\r\n", 1), 400);
    assert_int_equal(check("A sip:%41 SIP/2.0\r\nVia: x\r\n\r\n", 1), 0);
    assert_int_equal(check("A sip:x SIP/2.0\r\nTo: %", 0), 400);
    assert_int_equal(check("A sip:x SIP/2.0\r\nTo: %4", 0), 400);
}

static void test_content_type(void **state)
{
    char headers[1000];

    (void)state;
    snprintf(headers, sizeof(headers), "Content-Type: application/%0200d\r\n", 0);
    assert_int_equal(with(headers), 0);
    snprintf(headers, sizeof(headers), "c: application/%0250d\r\n", 0);
    assert_int_equal(with(headers), 400);
}

static void test_content_length(void **state)
{
    const char *begin = "OPTIONS sip:a SIP/2.0\r\n";
    static const struct {
        const char *rest;
        int datagram, code;
    } cases[] = {
        {"Content-Length: 4\r\n\r\nbody", 1, 0},
        {"Content-Length: 3\r\n\r\nbody", 1, 0},
        {"Content-Length: 5\r\n\r\nbody", 1, 400},
        {"Content-Length: 5\r\n\r\nbody", 0, 0},
        {"Content-Length: -1\r\n\r\nbody", 1, 400},
        {"Content-Length: 4x\r\n\r\nbody", 1, 400},
        {"Content-Length: \r\n\r\nbody", 1, 400},
        {"Content-Length: 99999999999999999999\r\n\r\nbody", 1, 400},
        {"Content-Length : 4\r\n\r\nbody", 1, 0},
        {"l: 4\r\nContent-Length: 4\r\n\r\nbody", 1, 0},
        {"l: 3\r\nContent-Length: 4\r\n\r\nbody", 1, 400},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[200];

        snprintf(text, sizeof(text), "%s%s", begin, cases[i].rest);
        assert_int_equal(check(text, cases[i].datagram), cases[i].code);
    }
}

static void test_twice(void **state)
{
    (void)state;
    assert_int_equal(with("From: <sip:a>\r\nf: <sip:b>\r\n"), 400);
    assert_int_equal(with("To: <sip:a>\r\nTo: <sip:b>\r\n"), 400);
    assert_int_equal(with("Call-ID: a\r\ni: a\r\n"), 400);
    assert_int_equal(with("CSeq: 1 A\r\ncseq: 2 A\r\n"), 400);
    assert_int_equal(with("Contact: <sip:a>\r\nm: <sip:b>\r\n"), 0);
}

static void test_nul(void **state)
{
    static const char in_headers[] = "A sip:x SIP/2.0\r\nTo: a\0b\r\n\r\n";
    static const char in_body[] = "A sip:x SIP/2.0\r\nTo: a\r\n\r\na\0b";
    const char *why;

    (void)state;
    assert_int_equal(sip_guard_message(in_headers, sizeof(in_headers) - 1, 1, &why), 400);
    assert_int_equal(sip_guard_message(in_body, sizeof(in_body) - 1, 1, &why), 0);
}

/* ---- SDP ---- */

#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"

static int sdp(const char *text)
{
    const char *why = "";
    size_t length = strlen(text);
    char *copy = malloc(length ? length : 1);
    int code;

    assert_non_null(copy);
    memcpy(copy, text, length);
    code = sip_guard_sdp(copy, length, &why);
    assert_int_equal(code != 0, *why != '\0');
    free(copy);
    return code;
}

static int media(const char *lines)
{
    static char text[70000];

    snprintf(text, sizeof(text), HEAD "%s", lines);
    return sdp(text);
}

/* Appends `line` (with one %u) count times. */
static void repeat(char *text, size_t size, const char *line, unsigned count)
{
    size_t length = strlen(text);
    unsigned i;

    for (i = 0; i < count; i++) {
        const char *number = strstr(line, "%u");

        assert_non_null(number);
        length += (size_t)snprintf(text + length, size - length, "%.*s%u%s", (int)(number - line),
                                   line, i, number + 2);
    }
}

static void test_ordinary_sdp(void **state)
{
    (void)state;
    assert_int_equal(
        media("m=audio 4000 RTP/AVP 0 8 9 96 101\r\na=rtpmap:0 PCMU/8000\r\n"
              "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n"
              "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
              "a=rtcp:4001\r\na=ssrc:4294967295 cname:x\r\n"),
        0);
    assert_int_equal(media("m=video 4002/2 UDP/TLS/RTP/SAVPF 97\r\nm=application 9 UDP/DTLS/SCTP "
                           "webrtc-datachannel\r\nm=image 5000 udptl t38\r\na=fmtp:t38 x\r\n"),
                     0);
    assert_int_equal(sdp("v=0"), 0);
    assert_int_equal(sdp("v=0\r\n"), 0);
    assert_int_equal(media("m=audio 4000 RTP/AVP 0"), 0);
    assert_int_equal(media("m=audio 4000 RTP/AVP 0 \n"), 0);
}

/* RFC 4566 5.1: the first line, and the one version. */
static void test_sdp_version(void **state)
{
    (void)state;
    assert_int_equal(sdp(""), 488);
    assert_int_equal(sdp("v"), 488);
    assert_int_equal(sdp("v=1\r\n"), 488);
    assert_int_equal(sdp("\r\nv=0\r\n"), 488);
}

static void test_sdp_counts(void **state)
{
    char text[20000];

    (void)state;
    text[0] = '\0';
    repeat(text, sizeof(text), "m=audio %u RTP/AVP 0\r\n", 8);
    assert_int_equal(media(text), 0);
    repeat(text, sizeof(text), "m=audio %u RTP/AVP 0\r\n", 1);
    assert_int_equal(media(text), 488);

    strcpy(text, "m=audio 4000 RTP/AVP");
    repeat(text, sizeof(text), " %u", 30);
    assert_int_equal(media(text), 0);
    strcat(text, " 127");
    assert_int_equal(media(text), 488);

    strcpy(text, "m=audio 4000 RTP/AVP 0\r\n");
    repeat(text, sizeof(text), "a=x-%u\r\n", 60);
    assert_int_equal(media(text), 0);
    strcat(text, "a=sendrecv\r\n");
    assert_int_equal(media(text), 488);

    text[0] = '\0'; /* the session's own, too */
    repeat(text, sizeof(text), "a=x-%u\r\n", 61);
    assert_int_equal(media(text), 488);

    strcpy(text, "m=audio 4000 RTP/SAVP 0\r\n");
    repeat(text, sizeof(text), "a=crypto:%u AES_CM_128_HMAC_SHA1_80 inline:x\r\n", 8);
    assert_int_equal(media(text), 0);
    strcat(text, "a=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:x\r\n");
    assert_int_equal(media(text), 488);
    strcat(text, "m=audio 4000 RTP/SAVP 0\r\n");
    assert_int_equal(media(text), 488);
}

static void test_sdp_numbers(void **state)
{
    static const char *const bad[] = {
        "m=audio 4000 RTP/AVP 128\r\n",
        "m=audio 4000 RTP/AVP 00\r\n",
        "m=audio 4000 RTP/AVP 0 8 0\r\n",
        "m=audio 4000 RTP/AVP 0x\r\n",
        "m=audio 4000 RTP/AVP x\r\n",
        "m=audio 4000 RTP/AVP -1\r\n",
        "m=audio 4000 RTP/AVP\r\n",
        "m=audio 65536 RTP/AVP 0\r\n",
        "m=audio 4294967296 RTP/AVP 0\r\n",
        "a=x\rm=audio 4000 RTP/AVP 00\r\n",
        "m=audio -1 RTP/AVP 0\r\n",
        "m=audio x RTP/AVP 0\r\n",
        "m=audio\r\n",
        "m=audio 4000 RTP/AVP 0\r\na=rtpmap:65535 x/8000\r\n",
        "m=audio 4000 RTP/AVP 0\r\na=rtpmap:128 x/8000\r\n",
        "m=audio 4000 RTP/AVP 0\r\na=fmtp:128 x\r\n",
        "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/0\r\n",
        "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/4294975296\r\n",
        "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU\r\n",
        "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0\r\n",
        "m=audio 4000 RTP/AVP 0\r\na=rtcp:65536\r\n",
        "m=audio 4000 RTP/AVP 0\r\na=ssrc:4294967296 cname:x\r\n",
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (media(bad[i]) != 488) {
            fail_msg("passed: %s", bad[i]);
        }
    }
}

/* RFC 4566 5.7: an address for every stream. */
static void test_sdp_connection(void **state)
{
    const char *head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    char text[1000];

    (void)state;
    snprintf(text, sizeof(text), "%sm=audio 4000 RTP/AVP 0\r\nc=IN IP4 127.0.0.1\r\n", head);
    assert_int_equal(sdp(text), 0);
    strcat(text, "m=video 0 RTP/AVP 97\r\n");
    assert_int_equal(sdp(text), 488);
    strcat(text, "c=IN IP4 127.0.0.1\r\n");
    assert_int_equal(sdp(text), 0);
    snprintf(text, sizeof(text), "%sm=audio 0 RTP/AVP 0\r\nm=audio 4 RTP/AVP 0\r\nc=x\r\n", head);
    assert_int_equal(sdp(text), 488);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ordinary),
        cmocka_unit_test(test_shortest),
        cmocka_unit_test(test_echoed_headers),
        cmocka_unit_test(test_option_tags),
        cmocka_unit_test(test_hide),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_content_type),
        cmocka_unit_test(test_content_length),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_ordinary_sdp),
        cmocka_unit_test(test_sdp_version),
        cmocka_unit_test(test_sdp_counts),
        cmocka_unit_test(test_sdp_numbers),
        cmocka_unit_test(test_sdp_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
