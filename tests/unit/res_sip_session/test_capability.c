/* SPDX-License-Identifier: GPL-2.0-or-later */
/* res_sip_session: what we say that we support, what the peer says of itself, and how a session is
 * found by the ids of its dialog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "peer.h"
#include "res_sip/core.h"

static void hang_up(void)
{
    peer_hang_up();
    peer_wait(peer_none_left);
}

/* How often a name stands in a header's list. */
static unsigned count(const char *message, const char *header, const char *name)
{
    char list[1000];
    unsigned found = 0;
    char *rest = list;
    char *at;

    snprintf(list, sizeof(list), "%s", peer_header(message, header));
    while ((at = strsep(&rest, ", ")) != NULL) {
        found += strcmp(at, name) == 0;
    }
    return found;
}

static const char *options(void)
{
    peer_next_cseq();
    peer_request("OPTIONS", "", NULL);
    return peer_expect("SIP/2.0 200");
}

static void test_methods(void **state)
{
    const char *message;

    (void)state;
    peer_call_up("", peer_offer, NULL);
    assert_int_equal(count(options(), "Allow", "INFO"), 0);
    assert_int_equal(ast_sip_session_register_method("INFO"), 0);
    assert_int_equal(ast_sip_session_register_method("INFO"), 0);
    assert_int_equal(ast_sip_session_register_method("info"), 0); /* another method: case matters */
    assert_int_equal(ast_sip_session_register_method("BYE"), 0);
    message = options();
    assert_int_equal(count(message, "Allow", "INFO"), 1);
    assert_int_equal(count(message, "Allow", "info"), 1);
    assert_int_equal(count(message, "Allow", "BYE"), 1);
    ast_sip_session_unregister_method("INFO");
    ast_sip_session_unregister_method("info");
    ast_sip_session_unregister_method("BYE");
    ast_sip_session_unregister_method("BYE");
    message = options();
    assert_int_equal(count(message, "Allow", "INFO"), 1);
    assert_int_equal(count(message, "Allow", "info"), 0);
    assert_int_equal(count(message, "Allow", "BYE"), 1);

    peer_next_cseq();
    peer_request("REFER", "", NULL);
    message = peer_expect("SIP/2.0 405");
    assert_int_equal(count(message, "Allow", "INFO"), 1);
    assert_int_equal(count(message, "Allow", "INVITE"), 1);
    assert_int_equal(count(message, "Allow", "REFER"), 0);
    ast_sip_session_unregister_method("INFO");
    assert_int_equal(count(options(), "Allow", "INFO"), 0);
    hang_up();
}

static void test_option_tags(void **state)
{
    static const pj_str_t timer = {(char *)"timer", 5}, x = {(char *)"X-Tag", 5};
    const char *message;

    (void)state;
    assert_int_equal(ast_sip_session_register_option_tag("x-tag"), 0);
    assert_int_equal(ast_sip_session_register_option_tag("X-TAG"), 0);
    assert_int_equal(session_takes_option_tag(&timer), 0);
    assert_int_equal(ast_sip_session_register_option_tag("timer"), 0);
    assert_int_equal(session_takes_option_tag(&timer), 1);
    assert_int_equal(session_takes_option_tag(&x), 1);
    peer_call_up("Require: x-tag\r\n", peer_offer, NULL);
    message = options();
    assert_int_equal(count(message, "Supported", "x-tag"), 1);
    assert_int_equal(count(message, "Supported", "X-TAG"), 0);
    assert_int_equal(count(message, "Supported", "timer"), 0);
    hang_up();
    ast_sip_session_unregister_option_tag("x-tag");
    ast_sip_session_unregister_option_tag("x-tag");
    ast_sip_session_unregister_option_tag("x-tag");
    ast_sip_session_unregister_option_tag("timer");
    assert_int_equal(session_takes_option_tag(&x), 0);
    assert_int_equal(session_takes_option_tag(&timer), 0);

    peer_new_call();
    peer_request("INVITE", "Require: x-tag\r\n", peer_offer);
    message = peer_expect("SIP/2.0 420");
    assert_string_equal(peer_header(message, "Unsupported"), "x-tag");
    peer_request("ACK", "", NULL);
}

static void test_bad_names(void **state)
{
    char name[16];

    (void)state;
    assert_int_equal(ast_sip_session_register_method("a b"), -1);
    assert_int_equal(ast_sip_session_register_method(""), -1);
    assert_int_equal(ast_sip_session_register_method(NULL), -1);
    assert_int_equal(ast_sip_session_register_option_tag("a,b"), -1);
    assert_int_equal(ast_sip_session_register_option_tag(
                         "0123456789012345678901234567890123456789012345678901234567890123456789"),
                     -1);
    /* PJSIP's header takes 32, and writes behind its end with more. */
    for (int i = 0; i < 40; ++i) {
        snprintf(name, sizeof(name), "tag%d", i);
        assert_int_equal(ast_sip_session_register_option_tag(name), i < 31 ? 0 : -1);
    }
    for (int i = 0; i < 40; ++i) {
        snprintf(name, sizeof(name), "tag%d", i);
        ast_sip_session_unregister_option_tag(name);
    }
    assert_int_equal(ast_sip_session_register_option_tag("tag1"), 0); /* its entry is there yet */
    ast_sip_session_unregister_option_tag("tag1");
}

static void test_what_the_peer_says(void **state)
{
    (void)state;
    peer_call_up("Allow: INVITE, ACK,BYE\r\nAllow: REFER\r\nSupported: timer, Replaces\r\n"
                 "Recv-Info: one;q=\"a, two;\\\" b\" , three\r\nRecv-Info: four\r\n",
                 peer_offer, NULL);
    assert_int_equal(ast_sip_session_peer_allows(peer_held, "INVITE"), 1);
    assert_int_equal(ast_sip_session_peer_allows(peer_held, "BYE"), 1);
    assert_int_equal(ast_sip_session_peer_allows(peer_held, "REFER"), 1);
    assert_int_equal(ast_sip_session_peer_allows(peer_held, "refer"), 0);
    assert_int_equal(ast_sip_session_peer_allows(peer_held, "INV"), 0);
    assert_int_equal(ast_sip_session_peer_allows(peer_held, ""), 0);
    assert_int_equal(ast_sip_session_peer_allows(peer_held, "UPDATE"), 0);
    assert_int_equal(ast_sip_session_peer_supports(peer_held, "replaces"), 1);
    assert_int_equal(ast_sip_session_peer_supports(peer_held, "TIMER"), 1);
    assert_int_equal(ast_sip_session_peer_supports(peer_held, "timer,replaces"), 0);
    assert_int_equal(ast_sip_session_peer_takes_info_package(peer_held, "one"), 1);
    assert_int_equal(ast_sip_session_peer_takes_info_package(peer_held, "two"), 0);
    assert_int_equal(ast_sip_session_peer_takes_info_package(peer_held, "three"), 1);
    assert_int_equal(ast_sip_session_peer_takes_info_package(peer_held, "FOUR"), 1);
    assert_int_equal(ast_sip_session_peer_takes_info_package(peer_held, "q"), 0);

    /* Nothing said: as it was. Then another list, and an empty one. */
    peer_next_cseq();
    peer_request("UPDATE", "", NULL);
    peer_expect("SIP/2.0 200");
    assert_int_equal(ast_sip_session_peer_allows(peer_held, "REFER"), 1);
    peer_next_cseq();
    peer_request("UPDATE", "Allow: UPDATE\r\nSupported:\r\nRecv-Info:\r\n", NULL);
    peer_expect("SIP/2.0 200");
    assert_int_equal(ast_sip_session_peer_allows(peer_held, "REFER"), 0);
    assert_int_equal(ast_sip_session_peer_allows(peer_held, "UPDATE"), 1);
    assert_int_equal(ast_sip_session_peer_supports(peer_held, "replaces"), 0);
    assert_int_equal(ast_sip_session_peer_takes_info_package(peer_held, "one"), 0);

    /* Other methods do not count. */
    peer_next_cseq();
    peer_request("OPTIONS", "Allow: REFER\r\n", NULL);
    peer_expect("SIP/2.0 200");
    assert_int_equal(ast_sip_session_peer_allows(peer_held, "REFER"), 0);
    hang_up();
    assert_int_equal(ast_sip_session_peer_allows(peer_held, "UPDATE"), 0);
}

static void test_much_said(void **state)
{
    char headers[4000];
    size_t at = 0;

    (void)state;
    for (int i = 0; i < 60; ++i) {
        at += (size_t)snprintf(headers + at, sizeof(headers) - at,
                               "Recv-Info: a-package-with-a-long-name-%d\r\n", i);
    }
    peer_call_up(headers, peer_offer, NULL);
    assert_int_equal(ast_sip_session_peer_takes_info_package(peer_held,
                                                             "a-package-with-a-long-name-1"),
                     1);
    assert_true(strlen(peer_held->priv->peer.packages) < 1024);
    hang_up();
}

static void test_what_the_called_says(void **state)
{
    struct ast_sip_session_outgoing outgoing;
    struct ast_sip_session *session;
    char uri[64];

    (void)state;
    ast_sip_session_outgoing_init(&outgoing);
    outgoing.endpoint = ast_sip_get_endpoint("anonymous");
    snprintf(uri, sizeof(uri), "sip:peer@127.0.0.1:%u", peer_port());
    outgoing.uri = uri;
    session = ast_sip_session_create_outgoing(&outgoing);
    assert_non_null(session);
    assert_int_equal(ast_sip_session_send_invite(session), 0);
    peer_held = session;
    peer_expect("INVITE");
    peer_response("180 Ringing", "Allow: INVITE, UPDATE\r\n", NULL);
    while (!ast_sip_session_peer_allows(session, "UPDATE")) {
        sip_loop_turn(5);
    }
    peer_response("200 OK", "Supported: norefersub\r\n", peer_offer);
    peer_expect("ACK");
    assert_int_equal(ast_sip_session_peer_allows(session, "UPDATE"), 1);
    assert_int_equal(ast_sip_session_peer_supports(session, "norefersub"), 1);
    ast_sip_session_terminate(session, 0);
    peer_expect("BYE");
    peer_response("200 OK", "", NULL);
    peer_wait(peer_none_left);
    ast_sip_endpoint_unref(outgoing.endpoint);
}

static void copy(char *out, size_t size, const pj_str_t *text)
{
    snprintf(out, size, "%.*s", (int)text->slen, text->ptr);
}

static void test_find(void **state)
{
    char call_id[128], local[128], remote[128];

    (void)state;
    peer_call_up("", peer_offer, NULL);
    copy(call_id, sizeof(call_id), &peer_held->priv->dlg->call_id->id);
    copy(local, sizeof(local), &peer_held->priv->dlg->local.info->tag);
    copy(remote, sizeof(remote), &peer_held->priv->dlg->remote.info->tag);
    assert_ptr_equal(ast_sip_session_find(call_id, local, remote), peer_held);
    assert_null(ast_sip_session_find(call_id, remote, local));
    assert_null(ast_sip_session_find(call_id, local, "0"));
    assert_null(ast_sip_session_find(call_id, local, ""));
    assert_null(ast_sip_session_find(call_id, local, NULL));
    assert_null(ast_sip_session_find(call_id, "", remote));
    assert_null(ast_sip_session_find("other", local, remote));
    remote[0] = 'P'; /* tags have no case */
    assert_ptr_equal(ast_sip_session_find(call_id, local, remote), peer_held);
    hang_up();
    assert_null(ast_sip_session_find(call_id, local, remote));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, peer_answering_begin, peer_answering_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_methods),   TEST(test_option_tags),
        TEST(test_bad_names), TEST(test_what_the_peer_says),
        TEST(test_much_said), TEST(test_what_the_called_says),
        TEST(test_find),
    };

    return cmocka_run_group_tests(tests, peer_group_start, peer_group_stop);
}
