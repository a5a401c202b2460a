/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guards are pure: text in, verdict out. What an honest peer sends passes; each limit is tried
 * at its edge. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "res_sip/guard/guard.h"

static struct sip_guard_limits limits;
static struct sip_guard_found found; /* of the last message */

static int check(const char *text, int datagram)
{
    size_t length = strlen(text);
    char *copy = malloc(length ? length : 1); /* exactly as long, so that a read behind it shows */
    int code;

    assert_non_null(copy);
    memcpy(copy, text, length);
    code = sip_guard_message(&limits, copy, length, datagram, &found);
    assert_int_equal(code, found.code);
    assert_int_equal(code != 0, found.why != NULL);
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
    assert_int_equal(check("", 0), 0); /* more may come */
    assert_int_equal(check("OPTIONS", 0), 0);
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
    assert_int_equal(check("A b c\r\nRoute: ;hid", 1), 0);
    assert_int_equal(check("A b c\r\nRoute: ;", 1), 0);
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
    assert_int_equal(check("\nRoute: <sip:p;hide>\r\n\r\n", 1), 400);
    assert_int_equal(check("\n", 1), 400);
}

/* What is out of the ordinary is found wherever it stands: the guard looks at 16 octets at a time. */
static void test_odd_octets(void **state)
{
    static const char odd[] = {'\0', '%', '\r'};
    const char *plain = "A sip:x SIP/2.0\r\nX-Field: some value, some other\r\nTo: <sip:y>\r\n\r\n";
    size_t length = strlen(plain), i, o;
    char text[100];

    (void)state;
    assert_int_equal(check(plain, 1), 0);
    assert_int_equal(sip_guard_message(&limits, "A sip:x SIP/2.0\r\nX: \0\1\r\n", 24, 1, &found),
                     400);
    for (o = 0; o < sizeof(odd); o++) {
        for (i = 16; i < length; i++) {
            int in_uri =
                plain + i >= strstr(plain, "To:") + 4 && plain[i] != '\r' && plain[i] != '\n';

            memcpy(text, plain, length);
            text[i] = odd[o];
            sip_guard_message(&limits, text, length, 1, &found);
            if (odd[o] == '\0' && i + 2 < length && found.code != 400) {
                fail_msg("NUL at %zu: %d", i, found.code);
            }
            if (odd[o] == '%' && in_uri && found.code != 400) {
                fail_msg("'%%' at %zu: %d", i, found.code);
            }
        }
    }
}

static void test_escapes(void **state)
{
    (void)state;
    assert_int_equal(with("From: <sip:a%2@b>;tag=1\r\n"), 400);
    assert_int_equal(with("From: <sip:a%zz@b>;tag=1\r\n"), 400);
    /* PJSIP would print them as they are into what we send */
    assert_int_equal(with("Contact: <sip:a@b;user=x%0d%0aEvil:1>\r\n"), 400);
    assert_int_equal(with("Contact: <sip:a@b;maddr=%00>\r\n"), 400);
    assert_int_equal(with("Contact: <sip:a%7F@b>\r\n"), 400);
    assert_int_equal(with("Contact: <sip:a%20%41@b>\r\n"), 0);
    assert_int_equal(with("From: \"a \\\" 5%\" <sip:a%41@b>;tag=1\r\n"), 0);
    assert_int_equal(check("A sip:%4 SIP/2.0\r\nVia: x\r\n\r\n", 1), 400);
    assert_int_equal(check("A sip:%41 SIP/2.0\r\nVia: x\r\n\r\n", 1), 0);
    assert_int_equal(check("A sip:x SIP/2.0\r\nTo: %", 1), 400);
    assert_int_equal(check("A sip:x SIP/2.0\r\nTo: %4", 1), 400);
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

    (void)state;
    assert_int_equal(sip_guard_message(&limits, in_headers, sizeof(in_headers) - 1, 1, &found),
                     400);
    assert_int_equal(sip_guard_message(&limits, in_body, sizeof(in_body) - 1, 1, &found), 0);
}

static void test_sizes(void **state)
{
    char text[12000];

    (void)state;
    snprintf(text, sizeof(text), "A sip:%01008d SIP/2.0\r\nVia: x\r\n\r\n", 0); /* 1024 octets */
    assert_int_equal(check(text, 1), 0);
    snprintf(text, sizeof(text), "A sip:%01009d SIP/2.0\r\nVia: x\r\n\r\n", 0);
    assert_int_equal(check(text, 1), 414);
    assert_int_equal(check("A sip:x SIP/2.0\r\nContent-Length: 7000\r\n\r\n", 1), 400);
    snprintf(text, sizeof(text), "A sip:x SIP/2.0\r\nl: 7000\r\n\r\n%07000d", 0);
    assert_int_equal(check(text, 1), 0);
    snprintf(text, sizeof(text), "A sip:x SIP/2.0\r\nl: 7001\r\n\r\n%07001d", 0);
    assert_int_equal(check(text, 1), 413);
    snprintf(text, sizeof(text), "A sip:x SIP/2.0\r\nX: %01200d\r\nl: 7000\r\n\r\n%07000d", 0, 0);
    assert_int_equal(check(text, 1), 513);
}

static void test_header_fields(void **state)
{
    char text[12000] = "A sip:x SIP/2.0\r\n";
    size_t length = strlen(text);
    unsigned i;

    (void)state;
    for (i = 0; i < 200; i++, length += 4) {
        strcpy(text + length, "x:\r\n");
    }
    assert_int_equal(check(text, 1), 0);
    strcpy(text + length, "x:\r\n");
    assert_int_equal(check(text, 1), 400);
    strcpy(text + length, " x\r\n"); /* a line that a field goes on in is one, too */
    assert_int_equal(check(text, 1), 400);
}

/* ---- streams: where a message ends is beyond doubt, or the connection is given up ---- */

#define BEGIN "OPTIONS sip:a SIP/2.0\r\nVia: x\r\n"

static void expect_frame(const char *text, int code, size_t headers, size_t body, int lost)
{
    if (check(text, 0) != code || found.header_length != headers || found.body_length != body ||
        found.lost != lost) {
        fail_msg("'%s': %d, %zu+%zu, lost %d", text, found.code, found.header_length,
                 found.body_length, found.lost);
    }
}

static void test_stream(void **state)
{
    const size_t begin = strlen(BEGIN);

    (void)state;
    expect_frame(BEGIN, 0, 0, 0, 0);
    expect_frame(BEGIN "Content-Length: 4\r\n", 0, 0, 0, 0);
    expect_frame(BEGIN "Content-Length: 4\r\n\r\n", 0, begin + 21, 4, 0);
    expect_frame(BEGIN "Content-Length: 4\r\n\r\nbodyOPTIONS", 0, begin + 21, 4, 0);
    expect_frame(BEGIN "l:4\r\nContent-Length: 4\r\n\r\nbody", 0, begin + 26, 4, 0);
    expect_frame(BEGIN "\r\n", 400, begin + 2, 0, 1);
    expect_frame(BEGIN "l: 4\r\nl: 5\r\n\r\nbody5", 400, begin + 14, 4, 1);
    expect_frame(BEGIN "l: 4x\r\n\r\nbody", 400, begin + 9, 0, 1);
    expect_frame(BEGIN "l: -4\r\n\r\nbody", 400, begin + 9, 0, 1);
    /* a message that is refused for something else has an end all the same */
    expect_frame(BEGIN "Route: <sip:x;hide>\r\nl: 4\r\n\r\nbody", 400, begin + 29, 4, 0);
    expect_frame(BEGIN "Route: <sip:x;hide>\r\nl: 4\r\nl: 5\r\n\r\nb", 400, begin + 35, 4, 1);
    expect_frame(BEGIN "l: 900000\r\n\r\nbody", 413, begin + 13, 900000, 0);
}

/* The network cuts a stream where it likes, also between the CR and the LF of the empty line: what
 * is not all there yet has neither an end nor a fault. */
static void test_stream_cut(void **state)
{
    static const char text[] = BEGIN "X: 100% \001\r\n y\r\nl: 4\r\n\r\nbody";
    const size_t headers = sizeof(text) - 1 - 4;
    char cut[sizeof(text)];
    size_t length;

    (void)state;
    for (length = 1; length < headers; length++) {
        snprintf(cut, sizeof(cut), "%.*s", (int)length, text);
        expect_frame(cut, 0, 0, 0, 0);
    }
    for (; length < sizeof(text); length++) {
        snprintf(cut, sizeof(cut), "%.*s", (int)length, text);
        expect_frame(cut, 0, headers, 4, 0);
    }
}

/* PJSIP looks for another end of the headers and another Content-Length than its own parser does.
 */
static void test_stream_line_ends(void **state)
{
    const size_t begin = strlen(BEGIN);

    (void)state;
    expect_frame(BEGIN "l: 0\n\r\n", 400, begin + 7, 0, 1);
    expect_frame(BEGIN "l: 0\r\r\n", 400, begin + 7, 0, 1);
    expect_frame(BEGIN "l: 0\n\n", 400, begin + 6, 0, 1);
    expect_frame(BEGIN "X: a\rContent-Length: 9\r\nl: 0\r\n\r\n", 400, begin + 32, 9, 1);
    expect_frame(BEGIN "Content\rLength: 9\r\nl: 0\r\n\r\n", 400, begin + 27, 0, 1);
    expect_frame(BEGIN "X: a\r\n b\r\nl: 0\r\n\r\n", 0, begin + 18, 0, 0);
}

/* ---- refusals ---- */

static struct sip_guard_reply reply;
static char answer[9000];

static int refusal_into(size_t size, const char *text)
{
    size_t length = strlen(text);
    char *copy = malloc(length ? length : 1);
    const struct sip_guard_refusal refusal = {.code = 400,
                                              .reason = "Bad",
                                              .host = "192.0.2.9",
                                              .port = 4711};
    int result;

    assert_non_null(copy);
    memcpy(copy, text, length);
    result = sip_guard_refusal(copy, length, &refusal, answer, size, &reply);
    free(copy);
    if (result) {
        assert_true(reply.length < sizeof(answer));
        answer[reply.length] = '\0';
    }
    return result;
}

static int refusal(const char *text)
{
    return refusal_into(sizeof(answer) - 1, text);
}

static void test_refusal(void **state)
{
    (void)state;
    assert_int_equal(refusal(
                         "INVITE sip:a SIP/2.0\r\n"
                         "v: SIP/2.0/UDP a.invalid:5070;rport;branch=z9hG4bK1 , SIP/2.0/UDP b\r\n"
                         "Via: SIP/2.0/UDP c;branch=2\r\n"
                         "f: \"x;tag=9\" <sip:x;tag=8>;tag=7\r\nTo:\r\n <sip:y;tag=6>\r\n"
                         "i: 1@2\r\nCSeq: 5 INVITE\r\nRoute: <sip:p;hide>\r\n\r\nbody"),
                     1);
    assert_string_equal(
        answer, "SIP/2.0 400 Bad\r\n"
                "Via: SIP/2.0/UDP a.invalid:5070;rport=4711;branch=z9hG4bK1;received=192.0.2.9"
                ", SIP/2.0/UDP b\r\n"
                "Via: SIP/2.0/UDP c;branch=2\r\n"
                "From: \"x;tag=9\" <sip:x;tag=8>;tag=7\r\n"
                "To: <sip:y;tag=6>;tag=g087f40d3\r\n"
                "Call-ID: 1@2\r\nCSeq: 5 INVITE\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(reply.port, 4711);
}

#define REST "\r\nFrom: a\r\nTo: b;tag=1\r\nCall-ID: c\r\nCSeq: 1 X\r\n\r\n"

/* RFC 3261 18.2.2: to the port of sent-by, unless rport asks for that of the source. */
static void test_refusal_port(void **state)
{
    static const struct {
        const char *via;
        unsigned port;
    } cases[] = {
        {"SIP/2.0/UDP a:5070;branch=1", 5070},
        {"SIP/2.0/UDP a;branch=1", 5060},
        {"SIP/2.0/UDP [::1]:5071", 5071},
        {"SIP/2.0/UDP [::1]", 5060},
        {"SIP/2.0/UDP a : 5072 ; x", 5072},
        {"SIP/2.0/UDP a:99999", 5060},
        {"SIP/2.0/UDP a:0", 5060},
        {"SIP/2.0/UDP a:5070;rport=", 4711},
        {"SIP/2.0/UDP a:5070;rport=17", 4711},
        {"SIP/2.0/UDP a:5070;rportx", 5070},
        {"SIP/2.0/UDP a:123456789012345", 5060},
        {":1", 5060},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[300];

        snprintf(text, sizeof(text), "X sip:a SIP/2.0\r\nVia: %s" REST, cases[i].via);
        assert_int_equal(refusal(text), 1);
        if (reply.port != cases[i].port && !(i == 11 && reply.port == 1)) {
            fail_msg("%s: %u", cases[i].via, reply.port);
        }
    }
}

static void test_no_refusal(void **state)
{
    static const char *const texts[] = {
        "",
        "\r\n",
        "SIP/2.0 200 OK\r\nVia: v" REST,
        "ACK sip:a SIP/2.0\r\nVia: v" REST,
        "X\r\nVia: v" REST,
        "X sip:a SIP/2.0" REST,
        "X sip:a SIP/2.0\r\nVia:  " REST,
        "X sip:a SIP/2.0\r\nVia: v\r\nFrom: a\r\nTo: b\r\nCall-ID: c\r\n\r\nCSeq: 1 X\r\n",
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (refusal(texts[i])) {
            fail_msg("answered: %s", texts[i]);
        }
    }
}

/* It fits, or there is none; nothing is written beyond. */
static void test_refusal_size(void **state)
{
    const char *text = "X sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;rport" REST;
    size_t size, whole;

    (void)state;
    assert_int_equal(refusal(text), 1);
    whole = reply.length;
    for (size = 0; size <= whole; size++) {
        answer[size] = '#';
        assert_int_equal(refusal_into(size, text), size == whole);
        if (size < whole) {
            assert_int_equal(answer[size], '#');
        }
    }
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
    code = sip_guard_sdp(&limits, copy, length, &why);
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

static void test_sdp_nul(void **state)
{
    static const char nul[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=a\0b\r\nt=0 0\r\n";
    static const char *why;

    (void)state;
    assert_int_equal(sip_guard_sdp(&limits, nul, sizeof(nul) - 1, &why), 488);
    assert_string_equal(why, "A NUL in the SDP");
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
        cmocka_unit_test(test_odd_octets),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_content_type),
        cmocka_unit_test(test_content_length),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_header_fields),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_stream_cut),
        cmocka_unit_test(test_stream_line_ends),
        cmocka_unit_test(test_refusal),
        cmocka_unit_test(test_refusal_port),
        cmocka_unit_test(test_no_refusal),
        cmocka_unit_test(test_refusal_size),
        cmocka_unit_test(test_ordinary_sdp),
        cmocka_unit_test(test_sdp_version),
        cmocka_unit_test(test_sdp_counts),
        cmocka_unit_test(test_sdp_numbers),
        cmocka_unit_test(test_sdp_nul),
        cmocka_unit_test(test_sdp_connection),
    };

    sip_guard_defaults(&limits);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
