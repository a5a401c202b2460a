/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pjsip.conf: types, objects, transport, global, system; what is said of what is wrong.
 */
#include "loaded.h"
#include "res_sip/transport/transport.h"

/* ---- types and objects ---- */

static void test_same_name_other_type(void **state)
{
    (void)state;
    check_good(TRANSPORT "[alice]\ntype=endpoint\nallow=ulaw\naors=alice\n"
                         "[alice]\ntype=aor\nmax_contacts=1\n"
                         "[alice]\ntype=auth\nusername=alice\npassword=x\n");
    assert_string_equal(sip->aors->aor->name, "alice");
    assert_null(sip->aors->next);
    assert_string_equal(sip->endpoints->endpoint->name, "alice");
    assert_null(sip->endpoints->next);
}

static void test_same_name_same_type(void **state)
{
    (void)state;
    check_bad(
        TRANSPORT "[a]\ntype=endpoint\nallow=ulaw\n[a]\ntype=endpoint\nallow=alaw\n",
        "p:7: error: there is this section of type 'endpoint' at p:4 already, expected one; [a](+) continues it\n");
    check_good(TRANSPORT "[a]\ntype=endpoint\nallow=ulaw\n[A]\ntype=endpoint\nallow=alaw\n");
    check_bad(
        TRANSPORT "[global]\n[other]\ntype=global\n",
        "p:5: error: there is a section of type 'global' at p:4 already, expected one; [global](+) continues "
        "it\n");
}

static void test_types(void **state)
{
    (void)state;
    check_bad(
        "[a]\nallow=ulaw\n" TRANSPORT,
        "p:1: error: section [a] has no type, expected e.g. type = endpoint, or [a](!) for a template\n");
    check_bad("[a]\ntype=endpiont\n" TRANSPORT,
              "p:2: error: unknown type 'endpiont', expected e.g. 'endpoint'\n");
    check_bad("[a]\ntype=xyzzy\n" TRANSPORT,
              "p:2: error: unknown type 'xyzzy', expected e.g. 'endpoint'\n");
    check_good(TRANSPORT "[a]\nTYPE=Endpoint\nallow=ulaw\n");
    check_good(TRANSPORT "[a]\ntype=aor\ntype=endpoint\nallow=ulaw\n"); /* the last one counts */
}

static void test_templates(void **state)
{
    (void)state;
    check_good(TRANSPORT
               "[t](!)\ntype=endpoint\nallow=ulaw\ncontext=in\n[a](t)\n[b](t)\ncontext=out\n");
    assert_string_equal(sip->endpoints->endpoint->name, "a");
    assert_string_equal(sip->endpoints->endpoint->context, "in");
    assert_string_equal(sip->endpoints->next->endpoint->context, "out");
    assert_null(sip->endpoints->next->next);
    /* What is wrong in a template is said once, where it is. */
    check_bad(TRANSPORT "[t](!)\ntype=endpoint\nallow=ulaw\ncontexxt=in\n[a](t)\n[b](t)\n",
              "p:7: error: endpoint has no option 'contexxt', expected e.g. 'context'\n");
}

static void test_unknown_options(void **state)
{
    (void)state;
    check_bad(TRANSPORT "[a]\ntype=endpoint\nallow=ulaw\nalow=alaw\nzzzzz=1\n",
              "p:7: error: endpoint has no option 'alow', expected e.g. 'allow'\n"
              "p:8: error: endpoint has no option 'zzzzz', expected one of its options\n");
    check_bad(TRANSPORT "[a]\ntype=aor\nmax_contact=1\n",
              "p:6: error: aor has no option 'max_contact', expected e.g. 'max_contacts'\n");
    check_warned(TRANSPORT "[a]\ntype=endpoint\nallow=ulaw\n@mine=1\n",
                 "p:7: warning: '@mine' has no effect here\n");
}

static void test_all_errors_are_told(void **state)
{
    (void)state;
    check_bad(
        "[a]\ntype=endpoint\ncontext=\nrtp_timeout=x\n[b]\ntype=nothing\n[c\n",
        "p:7: error: the section's name does not end, expected ']'\n"
        "p:3: error: wrong value '' of option 'context', expected text without blanks\n"
        "p:4: error: wrong value 'x' of option 'rtp_timeout', expected a whole number from 0 to 86400\n"
        "p:1: warning: endpoint 'a' has no codec: its calls are refused with 488, expected e.g. allow = "
        "ulaw,alaw\n"
        "p:6: error: unknown type 'nothing', expected e.g. 'endpoint'\n"
        "p: error: there is no transport, expected a section with type = transport\n");
    assert_int_equal(config_pjsip_load(files_path("nosuch"), NULL, report, &sip), -1);
    files_check("nosuch: error: No such file or directory\n");
}

static void test_wrong_syntax_alone_is_enough(void **state)
{
    (void)state;
    check_bad(TRANSPORT "nothing\n", "p:4: error: no '=' in the line, expected name = value\n");
}

static const char *const later_types[] = {"wizard",
                                          "contact",
                                          "resource_list",
                                          "subscription_persistence",
                                          "outbound-publish",
                                          "inbound-publication",
                                          "asterisk-publication",
                                          "phoneprov"};

static void test_types_of_the_field(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(later_types) / sizeof(later_types[0]); i++) {
        char text[200], warning[200];

        snprintf(text, sizeof(text), TRANSPORT "[x]\ntype=%s\n", later_types[i]);
        snprintf(warning, sizeof(warning),
                 "p:4: warning: type '%s' is not supported: 'x' has no effect\n", later_types[i]);
        check_warned(text, warning);
    }
    check_warned(TRANSPORT "[x]\ntype=wizard\nendpoint/allow=ulaw\n",
                 "p:4: warning: type 'wizard' is not supported: 'x' has no effect\n");
    check_bad(TRANSPORT "[x]\ntype=wizard\nendpont/allow=ulaw\n",
              "p:4: warning: type 'wizard' is not supported: 'x' has no effect\n"
              "p:6: error: wizard has no option 'endpont/allow', expected one of its options\n");
    check_warned(TRANSPORT "[x]\ntype=phoneprov\nwhatever=1\n",
                 "p:4: warning: type 'phoneprov' is not supported: 'x' has no effect\n");
}

/* ---- domain_alias ---- */

static void test_domain_alias(void **state)
{
    (void)state;
    check_good(TRANSPORT "[example.net]\ntype=domain_alias\ndomain=example.org\n"
                         "[x]\ntype=domain_alias\ndomain=y\n");
    assert_string_equal(sip->aliases->alias, "example.net");
    assert_string_equal(sip->aliases->domain, "example.org");
    assert_string_equal(sip->aliases->next->domain, "y");
    assert_null(sip->aliases->next->next);
    check_bad(TRANSPORT "[x]\ntype=domain_alias\n",
              "p:4: error: domain_alias 'x' names no domain, expected domain = NAME\n");
    check_bad(TRANSPORT "[x]\ntype=domain_alias\ndomain=a b\n",
              "p:6: error: wrong value 'a b' of option 'domain', expected a host name or an IP "
              "address\n"
              "p:4: error: domain_alias 'x' names no domain, expected domain = NAME\n");
}

/* What passwords of ours may be used with: by the section, else by the default. */
static void test_algorithms_of_passwords(void **state)
{
    const struct ast_sip_credential *credential;

    (void)state;
    check_good(TRANSPORT "[e]\ntype=endpoint\nallow=ulaw\noutbound_auth=a,b\n"
                         "[a]\ntype=auth\npassword=x\nsupported_algorithms_uac=SHA-256\n"
                         "[b]\ntype=auth\npassword=x\n");
    credential = sip->endpoints->endpoint->credentials;
    assert_int_equal(credential->algorithms, 1 << AST_SIP_DIGEST_SHA256);
    assert_int_equal(credential->next->algorithms, 0);
    check_good(TRANSPORT "[e]\ntype=endpoint\nallow=ulaw\noutbound_auth=a,b\n"
                         "[a]\ntype=auth\npassword=x\nsupported_algorithms_uac=SHA-256\n"
                         "[b]\ntype=auth\npassword=x\n"
                         "[global]\ndefault_auth_algorithms_uac=MD5,SHA-512-256\n");
    credential = sip->endpoints->endpoint->credentials;
    assert_int_equal(credential->algorithms, 1 << AST_SIP_DIGEST_SHA256);
    assert_int_equal(credential->next->algorithms,
                     1 << AST_SIP_DIGEST_MD5 | 1 << AST_SIP_DIGEST_SHA512_256);
    check_bad(TRANSPORT "[a]\ntype=auth\npassword=x\nsupported_algorithms_uac=MD6\n",
              "p:7: error: wrong value 'MD6' of option 'supported_algorithms_uac', expected a list "
              "of MD5, SHA-256, SHA-512-256, each once\n");
}

/* ---- aor ---- */

#define AOR TRANSPORT "[a]\ntype=aor\n"

static void test_aor(void **state)
{
    const struct ast_sip_aor *aor;

    (void)state;
    check_good(AOR);
    aor = sip->aors->aor;
    assert_int_equal(aor->max_contacts, 0);
    assert_int_equal(aor->minimum_expiration, 60);
    assert_int_equal(aor->default_expiration, 3600);
    assert_int_equal(aor->maximum_expiration, 7200);
    assert_int_equal(aor->qualify_frequency, 0);
    assert_int_equal(aor->qualify_timeout, 3000);
    assert_int_equal(aor->authenticate_qualify, 0);
    assert_null(aor->outbound_proxy);
    assert_null(aor->contacts);
    check_good(AOR "authenticate_qualify=yes\noutbound_proxy=sip:proxy.example\n");
    assert_int_equal(sip->aors->aor->authenticate_qualify, 1);
    assert_string_equal(sip->aors->aor->outbound_proxy, "sip:proxy.example");
    check_good(AOR "max_contacts=10\nremove_existing=yes\nremove_unavailable=yes\n"
                   "minimum_expiration=10\ndefault_expiration=20\nmaximum_expiration=30\n"
                   "support_path=yes\nqualify_frequency=60\nqualify_timeout=1.5\n"
                   "qualify_2xx_only=yes\ncontact=sip:a@h , sips:b@h\ncontact=SIP:c@h\n");
    aor = sip->aors->aor;
    assert_int_equal(aor->max_contacts, 10);
    assert_true(aor->remove_existing && aor->remove_unavailable && aor->support_path &&
                aor->qualify_2xx_only);
    assert_int_equal(aor->default_expiration, 20);
    assert_int_equal(aor->qualify_frequency, 60);
    assert_int_equal(aor->qualify_timeout, 1500);
    assert_string_equal(aor->contacts->uri, "sip:a@h");
    assert_string_equal(aor->contacts->next->uri, "sips:b@h");
    assert_string_equal(aor->contacts->next->next->uri, "SIP:c@h");
    assert_null(aor->contacts->next->next->next);
    check_good(AOR "maximum_expiration=600\n"); /* the default is no longer than what may be */
    assert_int_equal(sip->aors->aor->default_expiration, 600);
}

static void test_bad_aor(void **state)
{
    (void)state;
    check_bad(AOR "contact=sip:a@h,b@h\n",
              "p:6: error: wrong value 'sip:a@h,b@h' of option 'contact', expected SIP URIs, e.g. "
              "sip:192.0.2.1:5060\n");
    check_bad(AOR "contact=\n",
              "p:6: error: wrong value '' of option 'contact', expected SIP URIs, "
              "e.g. sip:192.0.2.1:5060\n");
    check_bad(AOR "minimum_expiration=100\nmaximum_expiration=90\n",
              "p:7: error: maximum_expiration (90) is less than minimum_expiration (100), expected "
              "at least as much\n");
    check_warned(TRANSPORT "[e]\ntype=endpoint\nallow=ulaw\naors=a, b\n[a]\ntype=aor\n",
                 "p:7: warning: there is no aor 'b', expected the name of a section of type=aor\n");
}

/* ---- auth ---- */

#define ALICE "[alice]\ntype=endpoint\nallow=ulaw\n"

static void check_credential(const struct ast_sip_credential *credential, int kind,
                             const char *realm, const char *username, const char *secret)
{
    assert_non_null(credential);
    assert_int_equal(credential->kind, kind);
    if (realm) {
        assert_string_equal(credential->realm, realm);
    } else {
        assert_null(credential->realm);
    }
    assert_string_equal(credential->username, username);
    assert_string_equal(credential->secret, secret);
}

static void test_auth(void **state)
{
    const struct ast_sip_credential *credential;

    (void)state;
    check_warned(TRANSPORT ALICE
                 "outbound_auth=carrier, alice\n"
                 "[alice]\ntype=auth\nauth_type=userpass\npassword=se;cret\n"
                 "[carrier]\ntype=auth\nusername=4711\nrealm=carrier.example\n"
                 "md5_cred=0123456789ABCDEF0123456789abcdef\n"
                 "password_digest=sha-256:"
                 "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n",
                 "");
    credential = sip->endpoints->endpoint->credentials;
    check_credential(credential, AST_SIP_CREDENTIAL_MD5, "carrier.example", "4711",
                     "0123456789abcdef0123456789abcdef");
    credential = credential->next;
    check_credential(credential, AST_SIP_CREDENTIAL_SHA256, "carrier.example", "4711",
                     "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    credential = credential->next;
    check_credential(credential, AST_SIP_CREDENTIAL_PASSWORD, NULL, "alice", "se");
    assert_null(credential->next);
}

static void test_wrong_auth(void **state)
{
    (void)state;
    check_bad(TRANSPORT ALICE "outbound_auth=bob\n",
              "p:7: error: there is no auth 'bob', expected the name of a section of type=auth\n");
    check_bad(TRANSPORT ALICE "outbound_auth=bob\n[bob]\ntype=auth\nusername=bob\n",
              "p:8: warning: auth 'bob' has no password: it gives no credentials\n"
              "p:7: error: auth 'bob' gives no credentials, expected username and password\n");
    check_bad(TRANSPORT "[bob]\ntype=auth\nmd5_cred=xyz\npassword=x\n",
              "p:6: error: wrong value 'xyz' of option 'md5_cred', expected 32 hex digits\n");
    check_bad(
        TRANSPORT "[bob]\ntype=auth\npassword_digest=SHA-256:12\npassword=x\n",
        "p:6: error: wrong value 'SHA-256:12' of option 'password_digest', expected MD5, SHA-256 or "
        "SHA-512-256, a colon and the digest in hex digits\n");
    check_bad(TRANSPORT ALICE "outbound_auth=bob\n[bob]\ntype=auth\nauth_type=md5\n"
                              "md5_cred=0123456789abcdef0123456789abcdef\n", /* no realm */
              "p:7: error: auth 'bob' gives no credentials, expected username and password\n");
    check_bad(
        TRANSPORT "[bob]\ntype=auth\nauth_type=google_oauth\n", /* nothing would be sent */
        "p:6: error: wrong value 'google_oauth' of option 'auth_type', expected digest, userpass or md5\n"
        "p:4: warning: auth 'bob' has no password: it gives no credentials\n");
}

/* ---- transport ---- */

static const char *bound(const struct sip_transport_config *transport)
{
    static char text[100];

    return pj_sockaddr_print(&transport->bind, text, sizeof(text), 3);
}

static void test_transports(void **state)
{
    const struct sip_transport_config *transport;

    (void)state;
    check_good(
        "[a]\ntype=transport\nbind=0.0.0.0\n"
        "[b]\ntype=transport\nprotocol=TCP\nbind=127.0.0.1:5070\ntos=false\ntos=cs3\ncos=no\ntcp_keepalive_enable=yes\n"
        "[c]\ntype=transport\nbind=[::1]:5080\nprotocol=udp\ntos=0xb8\ncos=6\n"
        "[d]\ntype=transport\nbind=::1\nprotocol=tcp\ntcp_keepalive_enable=yes\ntcp_keepalive_idle_time=7\n"
        "tcp_keepalive_interval_time=8\ntcp_keepalive_probe_count=9\n"
        "symmetric_transport=yes\ndomain=example.org\n");
    transport = sip->transports;
    assert_string_equal(transport->name, "a");
    assert_int_equal(transport->protocol, SIP_TRANSPORT_UDP);
    assert_string_equal(bound(transport), "0.0.0.0:5060");
    assert_int_equal(transport->tos, 0);
    assert_int_equal(transport->tcp_keepalive, 0);
    transport = transport->next;
    assert_int_equal(transport->protocol, SIP_TRANSPORT_TCP);
    assert_string_equal(bound(transport), "127.0.0.1:5070");
    assert_int_equal(transport->tos, 0x60);
    assert_int_equal(transport->tcp_keepalive, 30);
    assert_int_equal(transport->tcp_keepalive_interval, 10);
    assert_int_equal(transport->tcp_keepalive_count, 5);
    assert_int_equal(transport->symmetric, 0);
    assert_int_equal(transport->cos, 0);
    transport = transport->next;
    assert_string_equal(bound(transport), "[::1]:5080");
    assert_int_equal(transport->tos, 0xb8);
    assert_int_equal(transport->cos, 6);
    transport = transport->next;
    assert_string_equal(bound(transport), "[::1]:5060");
    assert_int_equal(transport->tcp_keepalive, 7);
    assert_int_equal(transport->tcp_keepalive_interval, 8);
    assert_int_equal(transport->tcp_keepalive_count, 9);
    assert_int_equal(transport->symmetric, 1);
    assert_string_equal(transport->domain, "example.org");
    assert_null(transport->next);
}

static void check_bad_transport(const char *line, const char *problem)
{
    char text[1000], expected[1000];

    snprintf(text, sizeof(text),
             TRANSPORT "[t]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1\n%s\n", line);
    snprintf(expected, sizeof(expected), "p:8: error: %s\n", problem);
    check_bad(text, expected);
}

static void test_wrong_transports(void **state)
{
    static const char *const protocols[] = {"ws", "wss", "flow"};
    static const char *const binds[] = {
        "",
        "localhost",
        "1.2.3",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:x",
        "[::1",
        "[::1]x",
        "[]",
        ":5060",
        "1.2.3.4:5:6",
        "1.2.3.4/24",
        "1111111111111111111111111111111111111111111111111111111111111111111"};
    static const char *const wrong_tos[] = {"", "x", "256", "3", "-4", "0xb8x", "ef1"};
    char text[300], problem[300];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        snprintf(text, sizeof(text), "protocol=%s", protocols[i]);
        snprintf(
            problem, sizeof(problem),
            "wrong value '%s' of option 'protocol', expected udp, tcp or tls: %s is not supported",
            protocols[i], protocols[i]);
        check_bad_transport(text, problem);
    }
    check_bad_transport("protocol=sctp",
                        "wrong value 'sctp' of option 'protocol', expected udp, tcp or tls");
    for (i = 0; i < sizeof(binds) / sizeof(binds[0]); i++) {
        snprintf(text, sizeof(text), "bind=%s", binds[i]);
        snprintf(
            problem, sizeof(problem),
            "wrong value '%s' of option 'bind', expected an IP address, e.g. 127.0.0.1, 0.0.0.0:5060 or "
            "[::1]:5060",
            binds[i]);
        check_bad_transport(text, problem);
    }
    for (i = 0; i < sizeof(wrong_tos) / sizeof(wrong_tos[0]); i++) {
        snprintf(text, sizeof(text), "tos=%s", wrong_tos[i]);
        snprintf(
            problem, sizeof(problem),
            "wrong value '%s' of option 'tos', expected a number from 0 to 252 in steps of 4, or a name, e.g. "
            "cs3 or ef",
            wrong_tos[i]);
        check_bad_transport(text, problem);
    }
    check_bad_transport(
        "tcp_keepalive_idle_time=0",
        "wrong value '0' of option 'tcp_keepalive_idle_time', expected a whole number from 1 to 32767");
    check_bad_transport("tcp_keepalive_probe_count=128",
                        "wrong value '128' of option 'tcp_keepalive_probe_count', expected a whole "
                        "number from 1 to 127");
    check_bad_transport("cos=8",
                        "wrong value '8' of option 'cos', expected a whole number from 0 to 7");
    check_bad_transport("cos=yes",
                        "wrong value 'yes' of option 'cos', expected a whole number from 0 to 7");
    check_bad_transport("method=tlsv1_1", "wrong value 'tlsv1_1' of option 'method', expected "
                                          "unspecified, tlsv1_2 or tlsv1_3");
    check_bad_transport("external_signaling_address=pbx.example.com",
                        "wrong value 'pbx.example.com' of option 'external_signaling_address', "
                        "expected an IP address");
    check_bad_transport("local_net=10.0.0.0/8, home",
                        "wrong value '10.0.0.0/8, home' of option 'local_net', expected networks, "
                        "e.g. 192.168.0.0/16, not 'home'");
}

static void test_tls_transports(void **state)
{
    static const char *const looking[] = {"verify_client", "verify_server", "require_client_cert"};
    char text[300];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(looking) / sizeof(looking[0]); i++) {
        snprintf(text, sizeof(text), "[t]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1\n%s=yes\n",
                 looking[i]);
        check_bad(text, "p:1: error: transport 't' has no certificates to look at, expected "
                        "protocol = tls\n");
    }
    check_bad("[t]\ntype=transport\nprotocol=tls\nbind=127.0.0.1\n",
              "p:1: error: transport 't' has no certificate, expected cert_file = FILE\n");
    check_bad("[t]\ntype=transport\nprotocol=tls\nbind=127.0.0.1\ncert_file=/nowhere/a.pem\n"
              "verify_server=yes\n",
              "p:1: error: transport 't' trusts nobody, expected ca_list_file = FILE\n"
              "p:5: error: the certificate '/nowhere/a.pem' cannot be used: No such file or "
              "directory\n");
}

static void test_external_addresses(void **state)
{
    const struct sip_external_config *external;
    pj_sockaddr peer;
    static const struct {
        const char *peer;
        int is_outside;
    } peers[] = {{"10.255.255.255", 0}, {"11.0.0.0", 1},   {"192.168.3.255", 0}, {"192.168.4.0", 1},
                 {"2001:db8::1", 0},    {"2001:db9::", 1}, {"203.0.113.7", 1}};
    size_t i;

    (void)state;
    check_good("[t]\ntype=transport\nbind=127.0.0.1\nexternal_signaling_address=203.0.113.5\n"
               "external_signaling_port=5070\nexternal_media_address=203.0.113.6\n"
               "external_signaling_hostname=pbx.example.com\n"
               "local_net=10.0.0.0/8, 192.168.0.0/255.255.252.0\nlocal_net=2001:db8::/32\n");
    external = &sip->transports->external;
    assert_string_equal(external->signaling_address, "203.0.113.5");
    assert_string_equal(external->signaling_hostname, "pbx.example.com");
    assert_string_equal(external->media_address, "203.0.113.6");
    assert_int_equal(external->signaling_port, 5070);
    assert_int_equal(external->local_count, 3);
    for (i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
        assert_int_equal(config_parse_address(peers[i].peer, 0, &peer), 0);
        assert_int_equal(sip_nat_is_outside(external, &peer), peers[i].is_outside);
    }
}

static void test_transports_as_a_whole(void **state)
{
    (void)state;
    check_bad("[a]\ntype=transport\n",
              "p:1: error: transport 'a' has no bind, expected e.g. bind = 127.0.0.1:5060\n"
              "p: error: there is no transport, expected a section with type = transport\n");
    check_bad(
        TRANSPORT "[b]\ntype=transport\nbind=127.0.0.1:5060\n",
        "p:4: error: transport 'b' has the protocol and the address of transport 'udp', expected others\n");
    check_good("[a]\ntype=transport\nbind=127.0.0.1:0\n[b]\ntype=transport\nbind=127.0.0.1:0\n");
    check_good(TRANSPORT "[b]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1:5060\n");
    check_good(
        "[a]\ntype=transport\nbind=127.0.0.1\nasync_operations=1\nallow_reload=false\ncos=no\n"
        "external_signaling_port=0\n"); /* defaults, in other words */
    check_warned(
        "[a]\ntype=transport\nbind=127.0.0.1\nlocal_net=10.0.0.0/8\nwebsocket_write_timeout=7\n",
        "p:5: warning: option 'websocket_write_timeout' is not supported: '7' has no effect\n");
}

/* ---- global and system ---- */

static void test_global(void **state)
{
    const struct sip_global_config *global;

    (void)state;
    check_good(TRANSPORT
               "[global]\nuser_agent=mine 1.0\ndefault_realm=example.com\n"
               "endpoint_identifier_order=username , ip\nmax_forwards=20\nkeep_alive_interval=0\n"
               "debug=yes\n");
    global = &sip->global;
    assert_string_equal(global->user_agent, "mine 1.0");
    assert_string_equal(global->default_realm, "example.com");
    assert_string_equal(global->endpoint_identifier_order, "username , ip");
    assert_int_equal(global->max_forwards, 20);
    assert_int_equal(global->keep_alive_interval, 0);
    assert_int_equal(global->debug, 1);
    assert_true(!global->use_callerid_contact && !global->disable_multi_domain &&
                !global->shared.allow_sending_180_after_183 &&
                !global->shared.ignore_uri_user_options && global->shared.norefersub);
    assert_int_equal(global->shared.max_initial_qualify_time, 0);
    assert_int_equal(global->unidentified_request_count, 5);
    assert_int_equal(global->unidentified_request_period, 5);
    assert_int_equal(global->shared.contact_expiration_check_interval, 30);
    check_good(TRANSPORT
               "[global]\nuse_callerid_contact=yes\ndisable_multi_domain=yes\n"
               "allow_sending_180_after_183=yes\nignore_uri_user_options=yes\nnorefersub=no\n"
               "max_initial_qualify_time=20\ncontact_expiration_check_interval=5\n"
               "unidentified_request_count=0\nunidentified_request_period=60\n"
               "all_codecs_on_empty_reinvite=yes\n");
    global = &sip->global;
    assert_true(global->use_callerid_contact && global->disable_multi_domain &&
                global->shared.allow_sending_180_after_183 &&
                global->shared.ignore_uri_user_options && !global->shared.norefersub);
    assert_int_equal(global->shared.max_initial_qualify_time, 20);
    assert_int_equal(global->unidentified_request_count, 0);
    assert_int_equal(global->unidentified_request_period, 60);
    assert_int_equal(global->shared.contact_expiration_check_interval, 5);
    check_good(TRANSPORT "[anything]\ntype=global\nuser_agent=x\n");
    assert_string_equal(sip->global.user_agent, "x");
}

static void test_wrong_global(void **state)
{
    (void)state;
    check_bad(
        TRANSPORT
        "[global]\nmax_forwards=0\nendpoint_identifier_order=ip,,username\nuser_agnet=x\n",
        "p:5: error: wrong value '0' of option 'max_forwards', expected a whole number from 1 to 255\n"
        "p:6: error: wrong value 'ip,,username' of option 'endpoint_identifier_order', expected names of "
        "identifiers, separated by commas\n"
        "p:7: error: global has no option 'user_agnet', expected e.g. 'user_agent'\n");
    check_good(
        TRANSPORT
        "[global]\nendpoint_identifier_order=auth_username,header,request_uri,ip,username\n");
    check_bad(
        TRANSPORT "[global]\ndefault_realm=a\"b\n",
        "p:5: error: wrong value 'a\"b' of option 'default_realm', expected text without quotes and "
        "backslashes\n");
    check_bad(
        TRANSPORT "[global]\ndefault_auth_algorithms_uas=MD5,md5\n",
        "p:5: error: wrong value 'MD5,md5' of option 'default_auth_algorithms_uas', expected a list of "
        "MD5, SHA-256, SHA-512-256, each once\n");
    check_warned(
        TRANSPORT "[global]\nendpoint_identifier_order=ip,usernam\n",
        "p:5: warning: endpoint_identifier_order: 'usernam' has an effect only when a module brings it; the "
        "nearest known name is 'username'\n");
    check_warned(
        TRANSPORT "[global]\nendpoint_identifier_order=ip,my_module\n",
        "p:5: warning: endpoint_identifier_order: 'my_module' has an effect only when a module brings it\n");
    assert_string_equal(sip->global.endpoint_identifier_order, "ip,my_module");
    check_good(TRANSPORT "[global]\ndefault_from_user=me\n");
    assert_string_equal(sip->global.default_from_user, "me");
    check_good(TRANSPORT "[global]\nregcontext=x\nnorefersub=true\n");
    assert_string_equal(sip->global.shared.regcontext, "x");
    check_warned(TRANSPORT "[global]\nmwi_tps_queue_high=7\n",
                 "p:5: warning: option 'mwi_tps_queue_high' is not supported: '7' has no effect\n");
}

static void test_system(void **state)
{
    (void)state;
    check_good(TRANSPORT
               "[system]\ntimer_t1=100\ntimer_b=6400\ncompact_headers=yes\ndisable_rport=yes\n"
               "disable_tcp_switch=no\nthreadpool_max_size=50\n");
    assert_int_equal(sip->global.timer_t1, 100);
    assert_int_equal(sip->global.timer_b, 6400);
    assert_int_equal(sip->global.compact_headers, 1);
    assert_int_equal(sip->global.disable_rport, 1);
    assert_int_equal(sip->global.disable_tcp_switch, 0);
    check_warned(
        TRANSPORT "[system]\ntimer_t1=600\n",
        "p:4: warning: timer_b (32000) is less than 64 times timer_t1 (600), expected at least 38400 (RFC "
        "3261 17.1.1.2)\n");
    check_warned(
        TRANSPORT "[system]\nthreadpool_max_size=10\n",
        "p:5: warning: option 'threadpool_max_size' is not supported: '10' has no effect\n");
    check_bad(
        TRANSPORT "[system]\ntimer_t1=99\n",
        "p:5: error: wrong value '99' of option 'timer_t1', expected a whole number from 100 to 10000\n");
}

/* The tables' defaults and those of the rooms that own the structs are the same. */
static void test_defaults(void **state)
{
    const struct base_option_table *tables[] = {config_type_global.table, config_type_system.table};
    struct sip_global_config ours;
    struct sip_config *theirs = sip_config_create();
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        const struct base_option *option;

        memset(&ours, 0, sizeof(ours));
        assert_int_equal(base_options_init(tables[i], &ours), 0);
        for (option = tables[i]->options; option->name; option++) {
            char our_text[200] = "", their_text[200] = "";

            base_options_format(option, &ours, our_text, sizeof(our_text));
            base_options_format(option, &theirs->global, their_text, sizeof(their_text));
            assert_string_equal(our_text, their_text);
        }
        base_options_free(tables[i], &ours);
    }
    sip_config_destroy(theirs);
}

/* ---- many, and none ---- */

static void test_many_objects(void **state)
{
    char *text = malloc(4 << 20);
    size_t used = (size_t)sprintf(text, TRANSPORT "[t](!)\ntype=endpoint\nallow=ulaw\n");
    const struct sip_endpoint_entry *entry;
    unsigned i;

    (void)state;
    for (i = 0; i < 10000; i++) {
        used += (size_t)
            sprintf(text + used,
                    "[e%u](t)\ntransport=udp\n[i%u]\ntype=identify\nendpoint=e%u\nmatch=10.%u.%u."
                    "1\n",
                    i, i, i, i / 256, i % 256);
    }
    check_good(text);
    for (i = 0, entry = sip->endpoints; entry; entry = entry->next, i++) {
        char name[20];

        snprintf(name, sizeof(name), "e%u", i);
        assert_string_equal(entry->endpoint->name, name);
    }
    assert_int_equal(i, 10000);
    free(text);
}

static void test_no_memory(void **state)
{
    (void)state;
    check_no_memory(TRANSPORT "[global]\nendpoint_identifier_order=ip\n"
                              "[a]\ntype=endpoint\ndisallow=all\nallow=ulaw\ncallerid=\"A\" <1>\n"
                              "set_var=A=B\nfrom_user=x\nidentify_by=ip\ntransport=udp\n"
                              "[i]\ntype=identify\nendpoint=a\nmatch=1.2.3.4,5.6.7.8,b.example\n",
                    20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_same_name_other_type),
        TEST(test_same_name_same_type),
        TEST(test_types),
        TEST(test_templates),
        TEST(test_unknown_options),
        TEST(test_all_errors_are_told),
        TEST(test_wrong_syntax_alone_is_enough),
        TEST(test_types_of_the_field),
        TEST(test_aor),
        TEST(test_bad_aor),
        TEST(test_auth),
        TEST(test_wrong_auth),
        TEST(test_transports),
        TEST(test_wrong_transports),
        TEST(test_tls_transports),
        TEST(test_external_addresses),
        TEST(test_transports_as_a_whole),
        TEST(test_algorithms_of_passwords),
        TEST(test_domain_alias),
        TEST(test_global),
        TEST(test_wrong_global),
        TEST(test_system),
        TEST(test_defaults),
        TEST(test_many_objects),
        TEST(test_no_memory),
    };

    return cmocka_run_group_tests_name("pjsip", tests, NULL, NULL);
}
