/* SPDX-License-Identifier: GPL-2.0-or-later */
/* res_sip_session: the registry of extensions: who is called for what, in which order, and never
 * after it left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "res_sip_session/session.h"

static char calls[100]; /* the letters of those that were called, in order */

static void note(char letter)
{
    size_t length = strlen(calls);

    assert_true(length + 1 < sizeof(calls));
    calls[length] = letter;
    calls[length + 1] = '\0';
}

static struct ast_sip_session_extension *leaving; /* unregistered by the next call of leave */

#define EXTENSION_CALLS(letter)                                                                    \
    static int request_##letter(struct ast_sip_session *session, struct pjsip_rx_data *rdata)      \
    {                                                                                              \
        (void)session;                                                                             \
        (void)rdata;                                                                               \
        note(#letter[0]);                                                                          \
        return 0;                                                                                  \
    }                                                                                              \
    static void tx_##letter(struct ast_sip_session *session, struct pjsip_tx_data *tdata)          \
    {                                                                                              \
        (void)session;                                                                             \
        (void)tdata;                                                                               \
        note(#letter[0]);                                                                          \
    }

EXTENSION_CALLS(a)
EXTENSION_CALLS(b)
EXTENSION_CALLS(c)

static struct ast_sip_session_private fake_private;
static struct ast_sip_session fake_session = {.priv = &fake_private};

static void begin_a(struct ast_sip_session *session)
{
    (void)session;
    note('a');
}

static void begin_b(struct ast_sip_session *session)
{
    (void)session;
    note('b');
}

static int leave(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    (void)session;
    (void)rdata;
    note('!');
    ast_sip_session_unregister_extension(leaving);
    return 0;
}

static void receive(const char *method)
{
    pj_str_t name = pj_str((char *)method);
    pjsip_rx_data rdata;
    pjsip_msg msg;

    memset(&rdata, 0, sizeof(rdata));
    memset(&msg, 0, sizeof(msg));
    msg.type = PJSIP_REQUEST_MSG;
    pjsip_method_init_np(&msg.line.req.method, &name);
    rdata.msg_info.msg = &msg;
    calls[0] = '\0';
    session_hook_request(&fake_session, &rdata);
}

static void send_response(const char *method)
{
    pj_str_t name = pj_str((char *)method);
    pjsip_method parsed;

    pjsip_method_init_np(&parsed, &name);
    calls[0] = '\0';
    session_hook(SESSION_OUTGOING_RESPONSE, &parsed, NULL, NULL);
}

static void test_methods_match_whole_and_case_sensitively(void **state)
{
    struct ast_sip_session_extension all = {.incoming_request = request_a};
    struct ast_sip_session_extension invite = {.method = "INVITE", .incoming_request = request_b};
    struct ast_sip_session_extension prack = {.method = "PRACK", .incoming_request = request_c};

    (void)state;
    assert_int_equal(ast_sip_session_register_extension(&all), 0);
    assert_int_equal(ast_sip_session_register_extension(&invite), 0);
    assert_int_equal(ast_sip_session_register_extension(&prack), 0);
    receive("INVITE");
    assert_string_equal(calls, "ab");
    receive("PRACK");
    assert_string_equal(calls, "ac");
    receive("ACK");
    assert_string_equal(calls, "a");
    receive("PRACKS");
    assert_string_equal(calls, "a");
    receive("prack");
    assert_string_equal(calls, "a");
    receive("X");
    assert_string_equal(calls, "a");
    send_response("INVITE"); /* none of them wants it */
    assert_string_equal(calls, "");
    ast_sip_session_unregister_extension(&all);
    receive("PRACK");
    assert_string_equal(calls, "c");
    ast_sip_session_unregister_extension(&invite);
    ast_sip_session_unregister_extension(&prack);
    receive("INVITE");
    assert_string_equal(calls, "");
}

static void test_order_is_priority_then_registration(void **state)
{
    struct ast_sip_session_extension last = {.outgoing_response = tx_c,
                                             .priority = AST_SIP_SESSION_PRIORITY_LAST};
    struct ast_sip_session_extension second = {.method = "BYE", .outgoing_response = tx_a};
    struct ast_sip_session_extension third = {.outgoing_response = tx_b};
    struct ast_sip_session_extension first = {.method = "BYE",
                                              .outgoing_response = tx_c,
                                              .priority = AST_SIP_SESSION_PRIORITY_FIRST};

    (void)state;
    ast_sip_session_register_extension(&last);
    ast_sip_session_register_extension(&second);
    ast_sip_session_register_extension(&third);
    ast_sip_session_register_extension(&first);
    send_response("BYE");
    assert_string_equal(calls, "cabc");
    ast_sip_session_unregister_extension(&second);
    ast_sip_session_register_extension(&second);
    send_response("BYE");
    assert_string_equal(calls, "cbac");
    ast_sip_session_unregister_extension(&last);
    ast_sip_session_unregister_extension(&second);
    ast_sip_session_unregister_extension(&third);
    ast_sip_session_unregister_extension(&first);
}

static void test_unregistering_within_a_callback(void **state)
{
    struct ast_sip_session_extension before = {.incoming_request = request_a};
    struct ast_sip_session_extension leaver = {.incoming_request = leave};
    struct ast_sip_session_extension behind = {.incoming_request = request_b};

    (void)state;
    ast_sip_session_register_extension(&before);
    ast_sip_session_register_extension(&leaver);
    ast_sip_session_register_extension(&behind);
    leaving = &behind; /* another one, which would be next */
    receive("INFO");
    assert_string_equal(calls, "a!");
    ast_sip_session_register_extension(&behind);
    leaving = &leaver; /* itself */
    receive("INFO");
    assert_string_equal(calls, "a!b");
    receive("INFO");
    assert_string_equal(calls, "ab");
    ast_sip_session_unregister_extension(&before);
    ast_sip_session_unregister_extension(&behind);
}

static void test_notices_know_no_method(void **state)
{
    struct ast_sip_session_extension info = {.method = "INFO", .session_begin = begin_a};
    struct ast_sip_session_extension all = {.session_begin = begin_b};

    (void)state;
    ast_sip_session_register_extension(&info);
    ast_sip_session_register_extension(&all);
    calls[0] = '\0';
    session_hook_begin(NULL);
    assert_string_equal(calls, "ab");
    calls[0] = '\0';
    session_hook_end(NULL);
    assert_string_equal(calls, "");
    ast_sip_session_unregister_extension(&info);
    ast_sip_session_unregister_extension(&all);
}

static void test_bad_registrations(void **state)
{
    struct ast_sip_session_extension empty = {.method = ""};
    struct ast_sip_session_extension blank = {.method = "IN VITE"};
    struct ast_sip_session_extension odd = {.method = "x-A.b!%*_+`'~",
                                            .incoming_request = request_a};

    (void)state;
    assert_int_equal(ast_sip_session_register_extension(NULL), -1);
    assert_int_equal(ast_sip_session_register_extension(&empty), -1);
    assert_int_equal(ast_sip_session_register_extension(&blank), -1);
    assert_int_equal(ast_sip_session_register_extension(&odd), 0);
    assert_int_equal(ast_sip_session_register_extension(&odd), -1);
    receive("x-A.b!%*_+`'~");
    assert_string_equal(calls, "a");
    ast_sip_session_unregister_extension(&odd);
    ast_sip_session_unregister_extension(&odd);
    ast_sip_session_unregister_extension(NULL);
}

static void test_handlers_need_their_callbacks(void **state)
{
    struct ast_sip_session_sdp_handler nothing = {0};
    struct ast_sip_session_sdp_handler streams = {.media = "audio"};

    (void)state;
    assert_int_equal(ast_sip_session_register_sdp_handler(NULL), -1);
    assert_int_equal(ast_sip_session_register_sdp_handler(&nothing), -1);
    assert_int_equal(ast_sip_session_register_sdp_handler(&streams), -1);
    ast_sip_session_unregister_sdp_handler(&nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods_match_whole_and_case_sensitively),
        cmocka_unit_test(test_order_is_priority_then_registration),
        cmocka_unit_test(test_unregistering_within_a_callback),
        cmocka_unit_test(test_notices_know_no_method),
        cmocka_unit_test(test_bad_registrations),
        cmocka_unit_test(test_handlers_need_their_callbacks),
    };
    int result;

    pj_init();
    result = cmocka_run_group_tests(tests, NULL, NULL);
    session_extensions_destroy();
    return result;
}
