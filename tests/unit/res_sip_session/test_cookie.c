/* SPDX-License-Identifier: GPL-2.0-or-later */
/* res_sip_session: cookies: found, replaced, destroyed once, and gone with their kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../base/failmalloc.h"
#include "res_sip_session/session.h"

/* Sessions without a dialog: cookies need none. */
static struct ast_sip_session sessions[3];
static struct ast_sip_session_private privs[3];

static char destroyed[100]; /* what was, one letter each */
static struct ast_sip_session_cookie *leaving;

static void note(void *data)
{
    size_t length = strlen(destroyed);

    assert_true(length + 1 < sizeof(destroyed));
    destroyed[length] = *(char *)data;
    destroyed[length + 1] = '\0';
}

static void end(struct ast_sip_session *session)
{
    session->priv->state = AST_SIP_SESSION_STATE_ENDED;
    session_cookies_end(session);
}

/* A destructor that does the worst: another session ends, and another kind goes. */
static void note_and_more(void *data)
{
    note(data);
    if (leaving != NULL) {
        struct ast_sip_session_cookie *cookie = leaving;

        leaving = NULL;
        ast_sip_session_unregister_cookie(cookie);
        end(&sessions[1]);
    }
}

static struct ast_sip_session_cookie first = {.name = "first", .destroy = note};
static struct ast_sip_session_cookie second = {.name = "second", .destroy = note_and_more};
static struct ast_sip_session_cookie plain = {.name = "plain"};

static int setup(void **state)
{
    (void)state;
    destroyed[0] = '\0';
    memset(sessions, 0, sizeof(sessions));
    memset(privs, 0, sizeof(privs));
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(sessions); ++i) {
        sessions[i].priv = &privs[i];
    }
    return ast_sip_session_register_cookie(&first) != 0 ||
                   ast_sip_session_register_cookie(&second) != 0 ||
                   ast_sip_session_register_cookie(&plain) != 0
               ? -1
               : 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(sessions); ++i) {
        end(&sessions[i]);
    }
    ast_sip_session_unregister_cookie(&first);
    ast_sip_session_unregister_cookie(&second);
    ast_sip_session_unregister_cookie(&plain);
    return 0;
}

static void test_set_and_get(void **state)
{
    (void)state;
    assert_null(ast_sip_session_get_cookie(&sessions[0], &first));
    assert_null(privs[0].cookies.data); /* nothing is taken before the first */
    assert_int_equal(ast_sip_session_set_cookie(&sessions[0], &second, "b"), 0);
    assert_null(ast_sip_session_get_cookie(&sessions[0], &first));
    assert_null(ast_sip_session_get_cookie(&sessions[0], &plain));
    assert_int_equal(ast_sip_session_set_cookie(&sessions[0], &plain, "p"), 0);
    assert_string_equal(ast_sip_session_get_cookie(&sessions[0], &second), "b");
    assert_string_equal(ast_sip_session_get_cookie(&sessions[0], &plain), "p");
    assert_null(ast_sip_session_get_cookie(&sessions[1], &plain));
    assert_string_equal(destroyed, "");
}

static void test_replace(void **state)
{
    char data[] = "a";

    (void)state;
    assert_int_equal(ast_sip_session_set_cookie(&sessions[0], &first, data), 0);
    assert_int_equal(ast_sip_session_set_cookie(&sessions[0], &first, data), 0);
    assert_string_equal(destroyed, ""); /* the same again */
    assert_int_equal(ast_sip_session_set_cookie(&sessions[0], &first, "A"), 0);
    assert_string_equal(destroyed, "a");
    assert_int_equal(ast_sip_session_set_cookie(&sessions[0], &first, NULL), 0);
    assert_string_equal(destroyed, "aA");
    assert_null(ast_sip_session_get_cookie(&sessions[0], &first));
    assert_int_equal(ast_sip_session_set_cookie(&sessions[0], &first, NULL), 0);
    assert_string_equal(destroyed, "aA");
}

static void test_end(void **state)
{
    (void)state;
    ast_sip_session_set_cookie(&sessions[0], &first, "a");
    ast_sip_session_set_cookie(&sessions[0], &second, "b");
    ast_sip_session_set_cookie(&sessions[0], &plain, "p");
    end(&sessions[0]);
    assert_string_equal(destroyed, "ab");
    assert_null(ast_sip_session_get_cookie(&sessions[0], &first));
    assert_int_equal(ast_sip_session_set_cookie(&sessions[0], &first, "x"), -1);
    end(&sessions[0]);
    assert_string_equal(destroyed, "ab");
}

static void test_unregister(void **state)
{
    (void)state;
    ast_sip_session_set_cookie(&sessions[0], &first, "a");
    ast_sip_session_set_cookie(&sessions[0], &plain, "p");
    ast_sip_session_set_cookie(&sessions[1], &plain, "q");
    ast_sip_session_set_cookie(&sessions[2], &first, "c");
    ast_sip_session_unregister_cookie(&first);
    assert_string_equal(destroyed, "ac");
    ast_sip_session_unregister_cookie(&first);
    assert_null(ast_sip_session_get_cookie(&sessions[0], &first));
    assert_int_equal(ast_sip_session_set_cookie(&sessions[0], &first, "x"), -1);
    assert_string_equal(ast_sip_session_get_cookie(&sessions[1], &plain), "q");

    /* Its slot is taken by the next kind, which must not find anything there. */
    assert_int_equal(ast_sip_session_register_cookie(&first), 0);
    assert_null(ast_sip_session_get_cookie(&sessions[0], &first));
    assert_string_equal(destroyed, "ac");
}

static void test_destructors_that_do_more(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(sessions); ++i) {
        ast_sip_session_set_cookie(&sessions[i], &first, "a");
        ast_sip_session_set_cookie(&sessions[i], &second, "b");
    }
    leaving = &first;
    ast_sip_session_unregister_cookie(&second);
    /* b of the first, then all a's, then the rest of b. */
    assert_string_equal(destroyed, "baaabb");
    assert_int_equal(privs[1].cookies.count, 0);
}

static int set_and_replace(void *data)
{
    (void)data;
    return ast_sip_session_set_cookie(&sessions[2], &plain, "p");
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(failmalloc_each(set_and_replace, NULL, 0), 1);
    assert_string_equal(ast_sip_session_get_cookie(&sessions[2], &plain), "p");
    assert_string_equal(destroyed, "");
    failmalloc_set(1); /* what has its place needs none */
    assert_int_equal(ast_sip_session_set_cookie(&sessions[2], &first, "a"), 0);
    assert_false(failmalloc_fired());
    failmalloc_set(0);
}

static void test_registration(void **state)
{
    static struct ast_sip_session_cookie many[62];

    (void)state;
    assert_int_equal(ast_sip_session_register_cookie(&first), -1);
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(many); ++i) {
        many[i].name = "many";
        assert_int_equal(ast_sip_session_register_cookie(&many[i]), i < 61 ? 0 : -1);
    }
    assert_int_equal(ast_sip_session_set_cookie(&sessions[0], &many[60], "z"), 0);
    assert_string_equal(ast_sip_session_get_cookie(&sessions[0], &many[60]), "z");
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(many); ++i) {
        ast_sip_session_unregister_cookie(&many[i]);
    }
    assert_null(ast_sip_session_get_cookie(&sessions[0], &many[60]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_set_and_get, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unregister, setup, teardown),
        cmocka_unit_test_setup_teardown(test_destructors_that_do_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_registration, setup, teardown),
    };

    pj_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
