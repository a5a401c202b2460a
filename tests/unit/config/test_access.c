/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who gets in, as pjsip.conf, acl.conf and sipsession.conf say it: auth, access lists, rates. */
#include "loaded.h"
#include "res_sip/auth/auth.h"

#define ALICE "[alice]\ntype=endpoint\nallow=ulaw\n" /* lines 4 to 6 */

/* ---- auth ---- */

/* "realm user algorithm lifetime ha1;..." of the first endpoint */
static const char *auths(void)
{
    static char text[2000];
    const struct ast_sip_auth *auth = sip->endpoints->endpoint->auths;
    size_t used = 0;

    text[0] = '\0';
    for (; auth; auth = auth->next) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s %s %u %.6s;", auth->realm,
                                 auth->username, sip_digest_name(auth->algorithm),
                                 auth->nonce_lifetime, auth->ha1);
    }
    return text;
}

static void test_auth(void **state)
{
    (void)state;
    /* echo -n alice:sipsession:secret | md5sum */
    check_good(TRANSPORT ALICE "auth=alice\n[alice]\ntype=auth\npassword=secret\n");
    assert_string_equal(auths(), "sipsession alice MD5 32 35d21f;");
    check_good(TRANSPORT ALICE
               "auth=a,b\n"
               "[a]\ntype=auth\nusername=u\nrealm=r\npassword=p\nnonce_lifetime=5\n"
               "supported_algorithms_uas=SHA-512-256, sha-256,MD5\n"
               "[b]\ntype=auth\npassword=q\n"
               "[global]\ndefault_realm=here\ndefault_auth_algorithms_uas=SHA-256\n");
    assert_string_equal(auths(), "r u SHA-512-256 5 d5e8e7;r u SHA-256 5 dcb021;"
                                 "r u MD5 5 44add2;here b SHA-256 32 e78b46;");
    check_good(TRANSPORT ALICE "auth=\n");
    assert_null(sip->endpoints->endpoint->auths);
}

#define HEX32 "0123456789abcdef0123456789ABCDEF"

static void test_digests(void **state)
{
    (void)state;
    check_good(TRANSPORT ALICE "auth=a\n[a]\ntype=auth\nauth_type=md5\nmd5_cred=" HEX32
                               "\npassword=ignored\n");
    assert_string_equal(auths(), "sipsession a MD5 32 012345;");
    /* the digest there is decides what is offered; the best first */
    check_good(TRANSPORT ALICE "auth=a\n[a]\ntype=auth\npassword_digest=SHA-256:" HEX32 HEX32
                               "\npassword_digest=SHA-512-256:" HEX32 HEX32 "\n");
    assert_string_equal(auths(),
                        "sipsession a SHA-512-256 32 012345;sipsession a SHA-256 32 012345;");
}

static void test_wrong_auth(void **state)
{
    (void)state;
    check_bad(TRANSPORT ALICE "auth=bob\n",
              "p:7: error: there is no auth 'bob', expected the name of a section of type=auth\n");
    check_bad(TRANSPORT ALICE "auth=b\n[b]\ntype=auth\nusername=bob\n",
              "p:8: warning: auth 'b' has no password: it gives no credentials\n"
              "p:7: error: auth 'b' lets nobody in, expected a password or a digest\n");
    check_bad(
        TRANSPORT ALICE "auth=b\n[b]\ntype=auth\nmd5_cred=" HEX32
                        "\nsupported_algorithms_uas=MD5,SHA-256\n",
        "p:7: error: auth 'b' has neither a password nor a digest for SHA-256, which it offers\n");
    check_bad(
        TRANSPORT "[b]\ntype=auth\npassword=x\nsupported_algorithms_uas=MD4\n",
        "p:7: error: wrong value 'MD4' of option 'supported_algorithms_uas', expected a list of MD5, "
        "SHA-256, SHA-512-256, each once\n");
    check_bad(
        TRANSPORT "[b]\ntype=auth\npassword=x\nsupported_algorithms_uas=MD5 SHA-256\n",
        "p:7: error: wrong value 'MD5 SHA-256' of option 'supported_algorithms_uas', expected commas "
        "between the algorithms\n");
    check_bad(
        TRANSPORT "[b]\ntype=auth\npassword=x\nrealm=a\"b\nnonce_lifetime=0\n",
        "p:7: error: wrong value 'a\"b' of option 'realm', expected text without quotes and "
        "backslashes\n"
        "p:8: error: wrong value '0' of option 'nonce_lifetime', expected a whole number from 1 to "
        "86400\n");
    check_bad(
        TRANSPORT "[b]\ntype=auth\npassword=x\"\\\nusername=a\\b\n", /* the password is not sent */
        "p:7: error: wrong value 'a\\b' of option 'username', expected text without quotes and "
        "backslashes\n");
    check_bad(TRANSPORT ALICE "auth=b\n[b]\ntype=auth\nmd5_cred=x\n", /* it is said once */
              "p:10: error: wrong value 'x' of option 'md5_cred', expected 32 hex digits\n"
              "p:8: warning: auth 'b' has no password: it gives no credentials\n");
    check_bad(TRANSPORT ALICE "auth=,\n",
              "p:7: error: ',' names no section, expected names separated by commas\n");
}

static void test_too_many_challenges(void **state)
{
    (void)state;
    check_bad(
        TRANSPORT
        "[global]\ndefault_auth_algorithms_uas=MD5,SHA-256,SHA-512-256\n"
        "[a](!)\ntype=auth\npassword=x\n[a1](a)\nrealm=1\n[a2](a)\nrealm=2\n[a3](a)\nrealm=3\n" ALICE
        "auth=a1,a2,a3\n",
        "p:18: error: 9 realms and algorithms, expected at most 8: they would not fit into a "
        "datagram\n");
}

/* ---- access lists ---- */

/* "name permit/deny ...;..." */
static const char *rules(const struct ast_sip_acl *acl)
{
    static char text[2000];
    size_t used = 0;

    text[0] = '\0';
    for (; acl; acl = acl->next) {
        unsigned i;

        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", acl->name);
        for (i = 0; i < acl->count; i++) {
            char address[80];

            pj_sockaddr_print(&acl->rules[i].network.address, address, sizeof(address), 0);
            used += (size_t)snprintf(text + used, sizeof(text) - used, " %c%s/%u",
                                     acl->rules[i].permit ? '+' : '-', address,
                                     acl->rules[i].network.prefix);
        }
        used += (size_t)snprintf(text + used, sizeof(text) - used, ";");
    }
    return text;
}

static void test_acl(void **state)
{
    (void)state;
    check_good(TRANSPORT "[x]\ntype=acl\ndeny=0.0.0.0/0,::/0\npermit=10.0.0.0/8, !10.1.0.0/16\n"
                         "deny=!192.0.2.1\ncontact_deny=::1\n" ALICE
                         "permit=\ncontact_deny=10.0.0.0/255.0.0.0\n");
    assert_string_equal(rules(sip->acl),
                        "x -0.0.0.0/0 -::/0 +10.0.0.0/8 -10.1.0.0/16 +192.0.2.1/32;");
    assert_string_equal(rules(sip->contact_acl), "x -::1/128;");
    assert_null(sip->endpoints->endpoint->acl);
    assert_string_equal(rules(sip->endpoints->endpoint->contact_acl), "own -10.0.0.0/8;");
}

static void test_named_acls(void **state)
{
    (void)state;
    files_write("acl.conf", "[all](!)\ndeny=0.0.0.0/0\n[office](all)\npermit=192.0.2.0/24\n"
                            "[home]\ndeny=::/0\n");
    check_good(TRANSPORT ALICE "acl=office,home\ncontact_acl=home\ndeny=10.0.0.0/8\n"
                               "[x]\ntype=acl\nacl=home\ncontact_acl=office\n");
    assert_string_equal(rules(sip->endpoints->endpoint->acl),
                        "own -10.0.0.0/8;office -0.0.0.0/0 +192.0.2.0/24;home -::/0;");
    assert_string_equal(rules(sip->endpoints->endpoint->contact_acl), "home -::/0;");
    assert_string_equal(rules(sip->acl), "home -::/0;");
    assert_string_equal(rules(sip->contact_acl), "office -0.0.0.0/0 +192.0.2.0/24;");
    check_bad(
        TRANSPORT ALICE "acl=offic,all\n",
        "p:7: error: there is no access list 'offic', expected the name of a section of acl.conf\n"
        "p:7: error: there is no access list 'all', expected the name of a section of acl.conf\n");
    files_write("acl.conf", "[office]\npermt=1\ndeny=x\n");
    check_bad(
        TRANSPORT ALICE "acl=office\n",
        "acl.conf:2: error: an access list has no option 'permt', expected permit or deny\n"
        "acl.conf:3: error: wrong value 'x' of option 'deny', expected IP addresses or networks, e.g. "
        "192.0.2.0/24, not 'x'; names are not looked up\n"
        "p:4: warning: the access list 'office' of 'alice' keeps nobody out, expected a deny, e.g. "
        "deny = 0.0.0.0/0,::/0 before what it permits\n");
}

static void test_wrong_acl(void **state)
{
    (void)state;
    check_bad(
        TRANSPORT "[x]\ntype=acl\ndeny=1.2.3.4,example.org\n",
        "p:6: error: wrong value '1.2.3.4,example.org' of option 'deny', expected IP addresses or "
        "networks, e.g. 192.0.2.0/24, not 'example.org'; names are not looked up\n"
        "p:4: warning: the access list 'own' of 'x' keeps nobody out, expected a deny, e.g. deny = "
        "0.0.0.0/0,::/0 before what it permits\n");
    check_warned(
        TRANSPORT ALICE "permit=10.0.0.0/8\n",
        "p:4: warning: the access list 'own' of 'alice' keeps nobody out, expected a deny, e.g. "
        "deny = 0.0.0.0/0,::/0 before what it permits\n");
    check_bad(TRANSPORT "[x]\ntype=acl\ndney=::/0\n",
              "p:6: error: acl has no option 'dney', expected e.g. 'deny'\n");
}

static void test_shown(void **state)
{
    const struct base_option *option = base_options_find(config_type_endpoint.table, "deny");
    char text[200];

    (void)state;
    check_good(TRANSPORT ALICE "deny=10.0.0.0/8\npermit=10.1.0.0/16\nauth=\n");
    assert_int_equal(base_options_format(option, sip->endpoints->endpoint, text, sizeof(text)), 0);
    assert_string_equal(text, "deny = 10.0.0.0/8,!10.1.0.0/16");
}

/* ---- sipsession.conf ---- */

static void test_settings(void **state)
{
    struct config_settings settings;

    (void)state;
    files_forget();
    assert_int_equal(config_settings_load(files_write("s", ""), report, &settings), 0);
    files_check("");
    assert_int_equal(settings.authentication.check_uri, 1);
    assert_int_equal(settings.authentication.in_dialog, 0);
    assert_int_equal(settings.authentication.without_qop, 0);
    assert_int_equal(settings.access.rate, 0);
    assert_int_equal(settings.access.ban_failures, 0);
    config_settings_release(&settings);
    assert_int_equal(
        config_settings_load(
            files_write("s", "[authentication]\nin_dialog=yes\ncheck_uri=no\nwithout_qop=yes\n"
                             "[access]\nrate=5\nburst=7\nban_failures=3\nban_period=4\nban_time=9\n"
                             "ban_strangers=yes\nexempt=10.0.0.0/8\nexempt=::1,192.0.2.1\n"),
            report, &settings),
        0);
    files_check("");
    assert_int_equal(settings.authentication.check_uri, 0);
    assert_int_equal(settings.authentication.in_dialog, 1);
    assert_int_equal(settings.authentication.without_qop, 1);
    assert_int_equal(settings.access.rate, 5);
    assert_int_equal(settings.access.burst, 7);
    assert_int_equal(settings.access.ban_failures, 3);
    assert_int_equal(settings.access.ban_period, 4);
    assert_int_equal(settings.access.ban_time, 9);
    assert_int_equal(settings.access.ban_strangers, 1);
    assert_int_equal(settings.access.exempt_count, 3);
    config_settings_release(&settings);
    assert_int_equal(config_settings_load(files_write("s", "[access]\nburst=0\nexempt=x\n"), report,
                                          &settings),
                     -1);
    files_forget();
}

/* The folder as a whole: what sipsession.conf says comes to where it has its effect. */
static void test_folder(void **state)
{
    struct config config;
    char folder[PATH_MAX];

    (void)state;
    files_forget();
    strcpy(folder, files_write("pjsip.conf", TRANSPORT ALICE));
    files_write("sipsession.conf",
                "[access]\nrate=5\nexempt=::1\n[authentication]\nin_dialog=on\n");
    *strrchr(folder, '/') = '\0';
    assert_int_equal(config_load(folder, report, &config), 0);
    files_forget();
    assert_int_equal(config.sip->access.rate, 5);
    assert_int_equal(config.sip->access.exempt_count, 1);
    assert_int_equal(config.sip->authentication.in_dialog, 1);
    config_release(&config);
}

/* ---- memory ---- */

static void test_no_memory(void **state)
{
    (void)state;
    files_forget();
    files_write("acl.conf", "[n]\ndeny=0.0.0.0/0\n");
    check_no_memory(TRANSPORT "[global]\ndefault_realm=r\ndefault_auth_algorithms_uas=SHA-256\n"
                              "[a]\ntype=endpoint\nallow=ulaw\nauth=b\nacl=n\npermit=10.0.0.0/8\n"
                              "deny=11.0.0.0/8\n"
                              "[b]\ntype=auth\nusername=u\npassword=p\nrealm=q\n"
                              "supported_algorithms_uas=MD5,SHA-256\npassword_digest=MD5:" HEX32
                              "\n"
                              "[i]\ntype=identify\nendpoint=a\nmatch_header=X: y\n"
                              "match_request_uri=/x/\n"
                              "[x]\ntype=acl\ndeny=1.2.3.4\nacl=n\n",
                    30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_auth),       TEST(test_digests),
        TEST(test_wrong_auth), TEST(test_too_many_challenges),
        TEST(test_acl),        TEST(test_named_acls),
        TEST(test_wrong_acl),  TEST(test_shown),
        TEST(test_settings),   TEST(test_folder),
        TEST(test_no_memory),
    };

    return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
