/* SPDX-License-Identifier: GPL-2.0-or-later */
/* type=endpoint of pjsip.conf: every option, its bounds, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "channel/channel.h"
#include "files.h"

#define BEFORE                                                                                     \
    "[udp]\ntype=transport\nbind=127.0.0.1\n[e]\ntype=endpoint\n" /* the options begin in line 6   \
                                                                   */

static struct sip_config *sip;
static struct ast_sip_endpoint *endpoint; /* of the last load */

static int end(void **state)
{
    sip_config_destroy(sip);
    sip = NULL;
    return files_end(state);
}

static int load(const char *options, const struct pbx *pbx)
{
    char text[10000];

    sip_config_destroy(sip);
    sip = NULL;
    snprintf(text, sizeof(text), BEFORE "%s\n", options);
    if (config_pjsip_load(files_write("p", text), pbx, report, &sip) != 0) {
        return -1;
    }
    endpoint = sip->endpoints->endpoint;
    return 0;
}

/* As check_good, for options that are read but have no effect: what is said of them is another
 * test's. */
static void check_taken(const char *options)
{
    char text[9000];

    snprintf(text, sizeof(text), "%s\nallow=ulaw", options);
    assert_int_equal(load(text, NULL), 0);
    files_forget();
}

/* Without codecs there would be a warning; these tests are of other options. */
static void check_good(const char *options)
{
    char text[9000];
    int result;

    snprintf(text, sizeof(text), "%s\nallow=ulaw", options);
    result = load(text, NULL);
    files_check("");
    assert_int_equal(result, 0);
}

static void check_warned(const char *options, const char *warning)
{
    char text[9000], expected[1000];
    int result;

    snprintf(text, sizeof(text), "%s\nallow=ulaw", options);
    snprintf(expected, sizeof(expected), "p:6: warning: %s\n", warning);
    result = load(text, NULL);
    files_check(expected);
    assert_int_equal(result, 0);
}

static void check_bad(const char *options, const char *error)
{
    char text[9000], expected[1000];

    snprintf(text, sizeof(text), "%s\nallow=ulaw", options);
    snprintf(expected, sizeof(expected), "p:6: error: %s\n", error);
    assert_int_equal(load(text, NULL), -1);
    files_check(expected);
}

static void check_bad_value(const char *option, const char *value, const char *expected)
{
    char line[1000], error[1000];

    snprintf(line, sizeof(line), "%s=%s", option, value);
    snprintf(error, sizeof(error), "wrong value '%s' of option '%s', expected %s", value, option,
             expected);
    check_bad(line, error);
}

static const struct base_option *option_of(const char *name)
{
    const struct base_option *option = base_options_find(config_type_endpoint.table, name);

    assert_non_null(option);
    return option;
}

/* What `show` would say of an option. */
static void check_shown(const char *name, const char *value)
{
    char text[1000], expected[1000];

    snprintf(expected, sizeof(expected), "%s = %s", name, value);
    assert_int_equal(base_options_format(option_of(name), endpoint, text, sizeof(text)), 0);
    assert_string_equal(text, expected);
}

/* ---- codecs ---- */

static void check_codecs(const char *options, const char *expected)
{
    assert_int_equal(load(options, NULL), 0);
    files_check("");
    check_shown("allow", expected);
}

static void test_codecs(void **state)
{
    (void)state;
    check_codecs("allow=ulaw", "ulaw");
    check_codecs("allow=ulaw,alaw\nallow=g722", "ulaw,alaw,g722");
    check_codecs("allow= alaw , ULAW ", "alaw,ulaw");
    check_codecs("allow=ulaw|alaw", "ulaw,alaw");
    check_codecs("disallow=all\nallow=alaw", "alaw");
    check_codecs("allow=!all,ulaw,g722:40", "ulaw,g722:40");
    check_codecs("allow=g722,!all,ulaw", "ulaw");
    check_codecs("allow=ulaw,alaw,g722\ndisallow=alaw", "ulaw,g722");
    check_codecs("allow=ulaw,alaw,!ulaw", "alaw");
    check_codecs("allow=ulaw,alaw,ulaw", "ulaw,alaw");
    check_codecs("allow=ulaw,alaw\nallow=ulaw:30", "ulaw:30,alaw");
    check_codecs("allow=ulaw\ndisallow=h264,gsm",
                 "ulaw"); /* not having a codec is what was asked for */
    check_codecs("disallow=!ulaw", "ulaw");
    check_codecs("allow=ulaw\nallow+=,gsm", "ulaw,gsm");
}

static void test_all_codecs(void **state)
{
    const struct ast_codec *codec;
    unsigned count;

    (void)state;
    assert_int_equal(load("allow=alaw:60\nallow=all", NULL), 0);
    files_check("");
    for (count = 0; (codec = ast_codec_at(count)); count++) {
    }
    assert_int_equal(endpoint->codecs.count, count);
    assert_string_equal(endpoint->codecs.codec[0].name, "alaw");
    assert_int_equal(endpoint->codecs.codec[0].ptime, 60);
    assert_int_equal(load("allow=all,!opus", NULL), 0);
    assert_int_equal(endpoint->codecs.count, count - 1);
}

static void test_wrong_codecs(void **state)
{
    (void)state;
    check_bad_value("allow", "ulw", "names of codecs: 'ulw' is none, the nearest is 'ulaw'");
    check_bad_value("allow", "xyzzy", "names of codecs: 'xyzzy' is none");
    check_bad_value("allow", "", "names of codecs: '' is none");
    check_bad_value("allow", "alaw,", "names of codecs: '' is none");
    check_bad_value("disallow", "ulw", "names of codecs: 'ulw' is none, the nearest is 'ulaw'");
    check_bad_value("allow", "ulaw:0",
                    "a packet time of 10 to 150 ms in steps of 10 after 'ulaw:', not '0'");
    check_bad_value("allow", "ulaw:15",
                    "a packet time of 10 to 150 ms in steps of 10 after 'ulaw:', not '15'");
    check_bad_value("allow", "ulaw:160",
                    "a packet time of 10 to 150 ms in steps of 10 after 'ulaw:', not '160'");
    check_bad_value("allow",
                    "ulaw:", "a packet time of 10 to 150 ms in steps of 10 after 'ulaw:', not ''");
    check_warned("allow=vp8,alaw", "allow: codec 'vp8' is not supported");
    check_shown("allow", "alaw,ulaw");
    assert_int_equal(load("context=x", NULL), 0);
    files_check(
        "p:4: warning: endpoint 'e' has no codec: its calls are refused with 488, expected e.g. allow = "
        "ulaw,alaw\n");
    assert_int_equal(endpoint->codecs.count, 0);
}

/* ---- identity ---- */

static void check_callerid(const char *value, const char *name, const char *number)
{
    char line[300];

    snprintf(line, sizeof(line), "callerid=%s", value);
    check_good(line);
    assert_string_equal(endpoint->callerid.name, name);
    assert_string_equal(endpoint->callerid.number, number);
    assert_int_equal(endpoint->callerid.presentation, AST_PARTY_ALLOWED);
}

static void test_callerid(void **state)
{
    (void)state;
    check_callerid("\"Alice A.\" <100>", "Alice A.", "100");
    check_callerid("Alice <100>", "Alice", "100");
    check_callerid("<100>", "", "100");
    check_callerid("+49 (30) 123-4", "", "+49 (30) 123-4");
    check_callerid("Alice", "Alice", "");
    check_callerid("\"100\" <200>", "100", "200");
    check_callerid("< 100 >", "", "100");
    check_good("rtp_timeout=0");
    assert_int_equal(endpoint->callerid.presentation, AST_PARTY_UNAVAILABLE);
    check_bad_value("callerid", "Alice <100", "\"Name\" <number>");
    check_bad_value("callerid", "Alice <100> x", "\"Name\" <number>");
}

static void test_long_callerid(void **state)
{
    char value[300], line[400];

    (void)state;
    memset(value, 'x', sizeof(value));
    value[128] = '\0';
    check_bad_value("callerid", value, "a name and a number of at most 127 octets each");
    value[127] = '\0';
    snprintf(line, sizeof(line), "callerid=%s", value);
    check_good(line);
    assert_string_equal(endpoint->callerid.name, value);
}

static void test_privacy(void **state)
{
    static const struct {
        const char *value;
        int presentation;
        int screened;
    } values[] = {{"allowed", AST_PARTY_ALLOWED, 0},
                  {"allowed_not_screened", AST_PARTY_ALLOWED, 0},
                  {"prohib", AST_PARTY_RESTRICTED, 0},
                  {"prohib_passed_screen", AST_PARTY_RESTRICTED, 1},
                  {"unavailable", AST_PARTY_UNAVAILABLE, 0}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char lines[200];

        snprintf(lines, sizeof(lines), "callerid=A <1>\ncallerid_privacy=%s", values[i].value);
        check_good(lines);
        assert_int_equal(endpoint->callerid.presentation, values[i].presentation);
        assert_int_equal(endpoint->callerid.screened, values[i].screened);
        snprintf(lines, sizeof(lines), "callerid_privacy=%s\ncallerid=A <1>", values[i].value);
        check_good(lines);
        assert_int_equal(endpoint->callerid.presentation, values[i].presentation);
    }
    check_bad_value("callerid_privacy", "secret", "allowed, prohib or unavailable");
}

/* ---- strings ---- */

static void test_strings(void **state)
{
    (void)state;
    check_taken(
        "context=in\ntransport=udp\naors=e\ncallerid_tag=t\naccountcode=c\nlanguage=de\n"
        "from_user=a%20b\nfrom_domain=example.com\ncontact_user=c\noutbound_proxy=sip:192.0.2.1\\;lr\n"
        "media_address=192.0.2.9\nsdp_owner=me\nsdp_session=my session");
    assert_string_equal(endpoint->name, "e");
    assert_string_equal(endpoint->context, "in");
    assert_string_equal(endpoint->transport, "udp");
    assert_string_equal(endpoint->aors, "e");
    assert_string_equal(endpoint->callerid_tag, "t");
    assert_string_equal(endpoint->accountcode, "c");
    assert_string_equal(endpoint->language, "de");
    assert_string_equal(endpoint->from_user, "a%20b");
    assert_string_equal(endpoint->from_domain, "example.com");
    assert_string_equal(endpoint->contact_user, "c");
    assert_string_equal(endpoint->outbound_proxy, "sip:192.0.2.1;lr");
    assert_string_equal(endpoint->media_address, "192.0.2.9");
    assert_string_equal(endpoint->sdp_owner, "me");
    assert_string_equal(endpoint->sdp_session, "my session");
    check_good("from_user=\nfrom_domain=\nmedia_address=\noutbound_proxy=\n"); /* empty: none */
    assert_null(endpoint->from_user);
    assert_null(endpoint->media_address);
    check_good("media_address=2001:db8::1");
}

/* What would end a URI or a line of SDP early never gets in. */
static void test_wrong_strings(void **state)
{
    static const char user[] = "the user part of a SIP URI, with other characters escaped as %XX";
    static const char uri[] = "a SIP URI, e.g. sip:192.0.2.1:5060\\;lr";

    (void)state;
    check_bad_value("context", "", "text without blanks");
    check_bad_value("context", "a b", "text without blanks");
    check_bad_value("from_user", "a b", user);
    check_bad_value("from_user", "a@b", user);
    check_bad_value("contact_user", "a>", user);
    check_bad_value("contact_user", "\"a\"", user);
    check_bad_value("from_domain", "a b", "a host name or an IP address");
    check_bad_value("from_domain", "a>", "a host name or an IP address");
    check_bad_value("outbound_proxy", "192.0.2.1", uri);
    check_bad_value("outbound_proxy", "<sip:192.0.2.1>", uri);
    check_bad_value("outbound_proxy", "sip:a b", uri);
    check_bad_value("media_address", "example.com", "an IP address");
    check_bad_value("media_address", "192.0.2.1:5000", "an IP address");
    check_bad_value("media_address", "192.0.2.1/24", "an IP address");
    check_bad_value("sdp_owner", "a b", "text without blanks");
    check_bad_value("sdp_owner", "", "text without blanks");
    check_bad_value("sdp_session", "", "text");
}

static void test_variables(void **state)
{
    (void)state;
    check_good("set_var=A=1\nset_var = B = x=y \nset_var=C=");
    assert_string_equal(endpoint->variables->name, "A");
    assert_string_equal(endpoint->variables->value, "1");
    assert_string_equal(endpoint->variables->next->name, "B");
    assert_string_equal(endpoint->variables->next->value, " x=y");
    assert_string_equal(endpoint->variables->next->next->name, "C");
    assert_string_equal(endpoint->variables->next->next->value, "");
    assert_null(endpoint->variables->next->next->next);
    check_shown("set_var", "A=1, B= x=y, C=");
    check_bad_value("set_var", "A", "NAME=VALUE");
    check_bad_value("set_var", "=1", "NAME=VALUE");
}

/* ---- numbers, flags, names ---- */

static void test_enums(void **state)
{
    static const char *const dtmf[] = {"rfc4733", "inband", "info", "auto", "auto_info", "none"};
    int i;

    (void)state;
    for (i = 0; i < 6; i++) {
        char line[40];

        snprintf(line, sizeof(line), "dtmf_mode=%s", dtmf[i]);
        check_taken(line);
        assert_int_equal(endpoint->dtmf_mode, i); /* in the order of enum ast_sip_dtmf_mode */
    }
    check_good("dtmf_mode=rfc4733\ndtmf_mode=none\ndtmf_mode=info\ndtmf_mode=auto_info");
    check_warned("dtmf_mode=inband", "dtmf_mode: tones in the audio are neither heard nor made");
    check_warned("dtmf_mode=auto",
                 "dtmf_mode: tones in the audio are neither heard nor made, telephone-event is");
    check_taken("100rel=no\ntimers=no");
    assert_int_equal(endpoint->rel100, AST_SIP_100REL_NO);
    assert_int_equal(endpoint->timers, AST_SIP_TIMERS_NO);
    check_taken("100rel=required\ntimers=required");
    assert_int_equal(endpoint->rel100, AST_SIP_100REL_REQUIRED);
    assert_int_equal(endpoint->timers, AST_SIP_TIMERS_REQUIRED);
    check_taken("100rel=peer_supported\ntimers=always");
    assert_int_equal(endpoint->rel100, AST_SIP_100REL_PEER_SUPPORTED);
    assert_int_equal(endpoint->timers, AST_SIP_TIMERS_ALWAYS);
    check_taken("100rel=true\ntimers=on");
    assert_int_equal(endpoint->rel100, AST_SIP_100REL_YES);
    assert_int_equal(endpoint->timers, AST_SIP_TIMERS_YES);
    check_bad_value("dtmf_mode", "rfc2833", "rfc4733, inband, info, auto, auto_info or none");
    check_bad_value("100rel", "maybe", "no, yes, required or peer_supported");
    check_bad_value("timers", "maybe", "no, yes, required or always");
    check_taken("connected_line_method=update");
    assert_int_equal(endpoint->connected_line_method, AST_SIP_CONNECTED_LINE_UPDATE);
    check_bad_value("connected_line_method", "info", "invite, reinvite or update");
    check_taken("incoming_call_offer_pref=local");
    assert_int_equal(endpoint->incoming_call_offer_pref, AST_SIP_OFFER_PREF_LOCAL);
    check_bad_value("incoming_call_offer_pref", "both",
                    "remote, remote_first, local or local_first");
    check_taken("outgoing_call_offer_pref=local_first");
    assert_int_equal(endpoint->outgoing_call_offer_pref, AST_SIP_OUTGOING_OFFER_LOCAL_FIRST);
    check_taken("");
    assert_int_equal(endpoint->outgoing_call_offer_pref, AST_SIP_OUTGOING_OFFER_REMOTE_MERGE);
    check_bad_value("outgoing_call_offer_pref", "both",
                    "remote_merge, remote, local, local_merge, remote_first or local_first");
}

static void test_flags(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
        int fallback;
    } flags[] = {
#define FLAG(name, fallback) {#name, offsetof(struct ast_sip_endpoint, name), fallback}
        FLAG(trust_id_inbound, 0),
        FLAG(trust_id_outbound, 0),
        FLAG(send_pai, 0),
        FLAG(send_rpid, 0),
        FLAG(send_diversion, 1),
        FLAG(send_history_info, 0),
        FLAG(send_connected_line, 1),
        FLAG(trust_connected_line, 1),
        FLAG(force_rport, 1),
        FLAG(rewrite_contact, 0),
        FLAG(rtp_symmetric, 0),
        FLAG(use_ptime, 0),
        FLAG(rtp_ipv6, 0),
        FLAG(inband_progress, 0),
        FLAG(allow_overlap, 1),
        FLAG(user_eq_phone, 0),
        FLAG(suppress_q850_reason_headers, 0),
        FLAG(preferred_codec_only, 0),
        FLAG(bind_rtp_to_media_address, 0)};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        char line[60];

        check_good("rtp_timeout=0");
        assert_int_equal(*(int *)((char *)endpoint + flags[i].offset), flags[i].fallback);
        snprintf(line, sizeof(line), "%s=%s", flags[i].name, flags[i].fallback ? "no" : "yes");
        check_taken(line);
        assert_int_equal(*(int *)((char *)endpoint + flags[i].offset), !flags[i].fallback);
        check_bad_value(flags[i].name, "perhaps", "yes or no");
    }
}

static void test_numbers(void **state)
{
    (void)state;
    check_taken(
        "timers_min_se=100\ntimers_sess_expires=200\nrtp_timeout=30\nrtp_timeout_hold=300\nrtp_keepalive=15");
    assert_int_equal(endpoint->timers_min_se, 100);
    assert_int_equal(endpoint->timers_sess_expires, 200);
    assert_int_equal(endpoint->rtp_timeout, 30);
    assert_int_equal(endpoint->rtp_timeout_hold, 300);
    assert_int_equal(endpoint->rtp_keepalive, 15);
    check_bad_value("timers_min_se", "89", "a whole number from 90 to 86400");
    check_bad_value("timers_sess_expires", "89", "a whole number from 90 to 86400");
    check_taken("rtp_port_start=20000\nrtp_port_end=20001\ntos_audio=ef\ncos_audio=5");
    assert_int_equal(endpoint->rtp_port_start, 20000);
    assert_int_equal(endpoint->rtp_port_end, 20001);
    assert_int_equal(endpoint->tos_audio, 0xb8);
    assert_int_equal(endpoint->cos_audio, 5);
    check_good("tos_audio=0\ncos_audio=0\nrtp_port_start=0");
    assert_int_equal(load("allow=ulaw\nrtp_port_start=20001\nrtp_port_end=20002", NULL), -1);
    files_check("p:8: error: ports 20001 to 20002 hold no pair for RTP and RTCP, expected both "
                "options, from 1024 on\n");
    check_bad_value("cos_audio", "8", "a whole number from 0 to 7");
    check_bad_value("tos_audio", "voice",
                    "a number from 0 to 252 in steps of 4, or a name, e.g. cs3 or ef");
    check_bad_value("rtp_timeout", "86401", "a whole number from 0 to 86400");
    check_bad_value("rtp_timeout_hold", "-1", "a whole number from 0 to 86400");
    check_bad_value("rtp_keepalive", "3601", "a whole number from 0 to 3600");
    assert_int_equal(load("timers_sess_expires=100\ntimers_min_se=101", NULL), -1);
    files_check_has(
        "p:6: error: timers_sess_expires (100) is less than timers_min_se (101), expected at least as much");
    files_forget();
    assert_int_equal(load("timers_min_se=1801", NULL), -1);
    files_check_has(
        "p:6: error: timers_sess_expires (1800) is less than timers_min_se (1801), expected at least as much");
}

static void test_follow_redirect_methods(void **state)
{
    (void)state;
    check_good("");
    assert_int_equal(endpoint->follow_redirect_methods, 0);
    check_good("follow_redirect_methods=MESSAGE");
    assert_int_equal(endpoint->follow_redirect_methods, AST_SIP_FOLLOW_MESSAGE);
    check_shown("follow_redirect_methods", "message");
    check_bad_value("follow_redirect_methods", "message,options",
                    "message, the only method for which they can be followed");
}

static void test_identify_by(void **state)
{
    (void)state;
    check_good("rtp_timeout=0");
    assert_int_equal(endpoint->identify_by, AST_SIP_IDENTIFY_BY_USERNAME | AST_SIP_IDENTIFY_BY_IP);
    check_shown("identify_by", "username,ip");
    check_good("identify_by=IP");
    assert_int_equal(endpoint->identify_by, AST_SIP_IDENTIFY_BY_IP);
    check_good("identify_by=ip, auth_username");
    assert_int_equal(endpoint->identify_by,
                     AST_SIP_IDENTIFY_BY_IP | AST_SIP_IDENTIFY_BY_AUTH_USERNAME);
    check_good("identify_by=header,request_uri");
    check_shown("identify_by", "header,request_uri");
    check_bad_value("identify_by", "ip,nose",
                    "a list of username, ip, auth_username, header, request_uri");
    check_bad_value("identify_by", "",
                    "a list of username, ip, auth_username, header, request_uri");
}

/* ---- references ---- */

static void test_references(void **state)
{
    struct pbx *pbx = pbx_create();

    (void)state;
    assert_non_null(pbx_add_context(pbx, "in"));
    check_bad("transport=tcp",
              "there is no transport 'tcp', expected the name of a section of type=transport");
    check_bad("transport=e",
              "there is no transport 'e', expected the name of a section of type=transport");
    check_good("transport=");
    assert_int_equal(load("allow=ulaw\ncontext=in", pbx), 0);
    files_check("");
    assert_int_equal(load("allow=ulaw\ncontext=out", pbx), 0);
    files_check(
        "p:7: warning: extensions.conf has no context 'out': calls of 'e' are refused with 404\n");
    assert_int_equal(load("allow=ulaw", pbx), 0);
    files_check(
        "p:4: warning: extensions.conf has no context 'default', the default of the option context: calls of "
        "'e' are refused with 404\n");
    pbx_unref(pbx);
}

/* ---- what is not supported ---- */

static void test_refused(void **state)
{
    static const struct {
        const char *line, *harmless;
    } lines[] = {{"media_encryption=sdes", "media_encryption=no"},
                 {"media_encryption=dtls", "media_encryption=off"},
                 {"media_encryption_optimistic=yes", "media_encryption_optimistic=no"},
                 {"security_negotiation=mediasec", "security_negotiation=no"},
                 {"webrtc=yes", "webrtc=no"},
                 {"stir_shaken=on", "stir_shaken=no"},
                 {"stir_shaken_profile=x", "stir_shaken_profile="}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[100];

        snprintf(text, sizeof(text), "allow=ulaw\n%s", lines[i].line);
        assert_int_equal(load(text, NULL), -1);
        files_check_has("cannot be left without effect: ");
        assert_int_equal(config_report_errors(report), 1);
        files_forget();
        check_good(lines[i].harmless);
    }
}

static void test_later(void **state)
{
    (void)state;
    check_warned("ice_support=yes", "option 'ice_support' is not supported: 'yes' has no effect");
    check_good("ice_support=no\nmoh_suggest=default\nsub_min_expiry=60\nredirect_method=user");
    check_good("direct_media=no\nallow_subscribe=no"); /* what happens here anyway */
    check_good("direct_media=yes\nallow_subscribe=yes");
    check_warned("direct_media_method=update",
                 "option 'direct_media_method' is not supported: 'update' has no effect");
}

static void test_inert(void **state)
{
    (void)state;
    check_warned("rtp_ipv6=yes", "option 'rtp_ipv6' is not supported: 'yes' has no effect");
    check_good("rtp_ipv6=no\nmax_audio_streams=1\ntimers=always\ntimers_min_se=120");
}

/* Every option of the field is known, and its default is silent. */
static void test_every_option_has_a_silent_default(void **state)
{
    const struct base_option *option;
    unsigned count = 0;

    (void)state;
    for (option = config_type_endpoint.table->options; option->name; option++) {
        count++;
        if ((option->kind == BASE_OPTION_UNSUPPORTED || option->inert) && option->fallback) {
            char line[200];

            snprintf(line, sizeof(line), "%s=%s", option->name, option->fallback);
            check_good(line);
        }
    }
    assert_int_equal(count, 146);
}

/* The table's defaults and those of ast_sip_endpoint_create are the same. */
static void test_defaults(void **state)
{
    struct ast_sip_endpoint *plain = ast_sip_endpoint_create("e");
    struct ast_sip_endpoint *ours = ast_sip_endpoint_create("e");
    const struct base_option *option;

    (void)state;
    assert_int_equal(base_options_init(config_type_endpoint.table, ours), 0);
    for (option = config_type_endpoint.table->options; option->name; option++) {
        char our_text[200] = "", plain_text[200] = "";

        base_options_format(option, ours, our_text, sizeof(our_text));
        base_options_format(option, plain, plain_text, sizeof(plain_text));
        assert_string_equal(our_text, plain_text);
    }
    ast_sip_endpoint_unref(plain);
    ast_sip_endpoint_unref(ours);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, files_begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_codecs),
        TEST(test_all_codecs),
        TEST(test_wrong_codecs),
        TEST(test_callerid),
        TEST(test_long_callerid),
        TEST(test_privacy),
        TEST(test_strings),
        TEST(test_wrong_strings),
        TEST(test_variables),
        TEST(test_enums),
        TEST(test_flags),
        TEST(test_numbers),
        TEST(test_identify_by),
        TEST(test_follow_redirect_methods),
        TEST(test_references),
        TEST(test_refused),
        TEST(test_later),
        TEST(test_inert),
        TEST(test_every_option_has_a_silent_default),
        TEST(test_defaults),
    };

    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
