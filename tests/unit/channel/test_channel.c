/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Channels: life, state, variables, causes. */
#include "fake.h"

#include <stdio.h>
#include <string.h>

static int tear_down(void **state)
{
    (void)state;
    fake_answer_fails = 0;
    fake_on_answer = NULL;
    fake_clean();
    return 0;
}

static void test_life(void **state)
{
    struct ast_channel *a = fake_channel("demo", "100"), *b = fake_channel("demo", "200");

    (void)state;
    assert_int_equal(chan_count(), 2);
    assert_string_not_equal(ast_channel_get_uniqueid(a), ast_channel_get_uniqueid(b));
    assert_string_equal(ast_channel_get_name(a), "Fake/alice-00000001");
    assert_string_equal(ast_channel_get_context(a), "demo");
    assert_string_equal(ast_channel_get_exten(b), "200");
    assert_int_equal(ast_channel_get_priority(a), 1);
    assert_int_equal(ast_channel_get_state(a), AST_CHANNEL_RING);
    assert_string_equal(ast_channel_get_caller(a)->number, "100");
    assert_ptr_equal(ast_channel_ref(a), a);
    ast_channel_unref(a);
    ast_channel_unref(a);
    ast_channel_unref(NULL);
    assert_int_equal(chan_count(), 1);
    ast_channel_unref(b);
    assert_true(sizeof(struct ast_channel) <= 1024);
}

static unsigned told_connected, told_caller;

static void on_connected(struct ast_channel *channel)
{
    assert_string_equal(ast_channel_get_connected(channel)->number, "300");
    ++told_connected;
}

static void on_caller(struct ast_channel *channel)
{
    assert_string_equal(ast_channel_get_caller(channel)->number, "400");
    ++told_caller;
}

static void test_parties(void **state)
{
    struct ast_channel_observer observer = {.connected = on_connected, .caller = on_caller};
    struct ast_channel_observer deaf = {.connected = NULL};
    const struct ast_party_id connected = {.number = "300"}, peer = {.number = "400"};
    struct ast_party_redirecting redirecting = {.count = 2};
    struct ast_channel *channel = fake_channel("demo", "200");

    (void)state;
    ast_register_channel_observer(&observer);
    ast_register_channel_observer(&deaf);
    assert_string_equal(ast_channel_get_connected(channel)->number, "");
    assert_int_equal(ast_channel_set_connected(channel, &connected, 0), 0);
    assert_int_equal(told_connected, 0);
    assert_int_equal(ast_channel_set_connected(channel, &connected, 1), 0);
    assert_int_equal(told_connected, 1);
    ast_channel_peer_identity(channel, &peer);
    assert_int_equal(told_caller, 1);
    assert_int_equal(ast_channel_get_redirecting(channel)->count, 0);
    assert_int_equal(ast_channel_set_redirecting(channel, &redirecting), 0);
    assert_int_equal(ast_channel_get_redirecting(channel)->count, 2);
    assert_int_equal(ast_channel_set_redirecting(channel, NULL), 0);
    assert_int_equal(ast_channel_get_redirecting(channel)->count, 0);
    assert_int_equal(ast_channel_set_redirecting(channel, &redirecting), 0);
    ast_channel_hangup(channel, 0);
    fake_notes[0] = '\0';
    assert_int_equal(ast_channel_set_connected(channel, &connected, 1), 0);
    ast_channel_peer_identity(channel, &peer);
    assert_int_equal(told_connected, 1); /* nobody is told of what is gone */
    assert_int_equal(told_caller, 1);
    ast_unregister_channel_observer(&observer);
    ast_unregister_channel_observer(&observer);
    ast_unregister_channel_observer(&deaf);
    ast_channel_unref(channel);
}

static void test_long_names(void **state)
{
    char text[300];
    struct ast_channel_options options = {.tech = &fake_tech,
                                          .name = text,
                                          .context = text,
                                          .exten = text};
    struct ast_channel *channel;

    (void)state;
    memset(text, 'n', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    channel = ast_channel_create(&options);
    assert_string_equal(ast_channel_get_name(channel), text);
    assert_int_equal(strlen(ast_channel_get_context(channel)), CHAN_NAME_SIZE - 1);
    assert_int_equal(ast_channel_get_caller(channel)->presentation, AST_PARTY_UNAVAILABLE);
    ast_channel_unref(channel);
}

static void test_variables(void **state)
{
    struct ast_channel *channel = fake_channel("demo", "100");
    char name[32];

    (void)state;
    assert_null(ast_channel_get_variable(channel, "A"));
    assert_int_equal(ast_channel_set_variable(channel, "A", "1"), 0);
    assert_int_equal(ast_channel_set_variable(channel, "B", "2"), 0);
    assert_int_equal(ast_channel_set_variable(channel, "A", "3"), 0);
    assert_string_equal(ast_channel_get_variable(channel, "A"), "3");
    assert_string_equal(ast_channel_get_variable(channel, "B"), "2");
    assert_null(ast_channel_get_variable(channel, "a"));
    /* its own value, and one in a part of it */
    assert_int_equal(ast_channel_set_variable(channel, "C", "abc"), 0);
    assert_int_equal(ast_channel_set_variable(channel, "C",
                                              ast_channel_get_variable(channel, "C") + 1),
                     0);
    assert_string_equal(ast_channel_get_variable(channel, "C"), "bc");
    assert_int_equal(ast_channel_set_variable(channel, "A", NULL), 0);
    assert_int_equal(ast_channel_set_variable(channel, "A", NULL), 0);
    assert_null(ast_channel_get_variable(channel, "A"));
    assert_int_equal(ast_channel_set_variable(channel, "", "1"), -1);
    assert_int_equal(ast_channel_set_variable(channel, "__", "1"), -1);
    assert_int_equal(ast_channel_set_variable(channel, "__D", "4"), 0);
    assert_string_equal(ast_channel_get_variable(channel, "D"), "4");
    for (int i = 0; i < CHAN_MAX_VARIABLES + 10; ++i) {
        snprintf(name, sizeof(name), "V%d", i);
        assert_int_equal(ast_channel_set_variable(channel, name, "1"),
                         i < CHAN_MAX_VARIABLES - 3 ? 0 : -1);
    }
    assert_int_equal(ast_channel_set_variable(channel, "V1", "still"), 0);
    ast_channel_unref(channel);
}

static void test_answer(void **state)
{
    struct ast_channel *channel = fake_channel("demo", "100");

    (void)state;
    assert_int_equal(ast_channel_indicate(channel, AST_CONTROL_PROCEEDING), 0);
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_RING);
    assert_int_equal(ast_channel_indicate(channel, AST_CONTROL_RINGING), 0);
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_RINGING);
    assert_int_equal(ast_channel_answer(channel), 0);
    assert_int_equal(ast_channel_answer(channel), 0);
    assert_int_equal(ast_channel_indicate(channel, AST_CONTROL_RINGING), 0);
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_UP);
    assert_notes("proceeding ringing answer");
    ast_channel_hangup(channel, 0);
    ast_channel_hangup(channel, AST_CAUSE_USER_BUSY);
    ast_channel_peer_hangup(channel, AST_CAUSE_USER_BUSY);
    assert_notes("hangup:16");
    assert_int_equal(ast_channel_get_cause(channel), AST_CAUSE_NORMAL_CLEARING);
    assert_int_equal(ast_channel_answer(channel), -1);
    assert_int_equal(ast_channel_indicate(channel, AST_CONTROL_RINGING), -1);
    ast_channel_peer_state(channel, AST_CHANNEL_UP);
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_GONE);
    ast_channel_unref(channel);
}

static void hang_up(struct ast_channel *channel)
{
    ast_channel_peer_hangup(channel, AST_CAUSE_NO_ANSWER);
}

static void test_answer_fails(void **state)
{
    struct ast_channel *channel = fake_channel("demo", "100");

    (void)state;
    fake_answer_fails = 1;
    assert_int_equal(ast_channel_answer(channel), -1);
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_RING);
    fake_answer_fails = 0;
    fake_on_answer = hang_up; /* the peer goes while it is answered */
    assert_int_equal(ast_channel_answer(channel), -1);
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_GONE);
    assert_int_equal(ast_channel_get_cause(channel), AST_CAUSE_NO_ANSWER);
    assert_notes("answer answer");
    ast_channel_unref(channel);
}

static void test_peer(void **state)
{
    struct ast_channel *channel = fake_channel("demo", "100");
    int data;

    (void)state;
    ast_channel_set_tech_data(channel, &data);
    assert_ptr_equal(ast_channel_get_tech_data(channel), &data);
    ast_channel_peer_state(channel, AST_CHANNEL_RINGING);
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_RINGING);
    ast_channel_peer_state(channel, AST_CHANNEL_GONE); /* not this way */
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_RINGING);
    ast_channel_peer_hangup(channel, AST_CAUSE_USER_BUSY);
    assert_notes("");
    assert_int_equal(ast_channel_get_cause(channel), AST_CAUSE_USER_BUSY);
    ast_channel_unref(channel);
}

static void test_driver_without_callbacks(void **state)
{
    static const struct ast_channel_tech bare = {.name = "bare"};
    struct ast_channel_options options = {.tech = &bare,
                                          .name = "bare",
                                          .context = "c",
                                          .exten = "s"};
    struct ast_channel *channel = ast_channel_create(&options);

    (void)state;
    assert_int_equal(ast_channel_answer(channel), -1);
    assert_int_equal(ast_channel_indicate(channel, AST_CONTROL_RINGING), -1);
    ast_channel_hangup(channel, 0);
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_GONE);
    ast_channel_unref(channel);
}

static void count_one(const struct ast_channel *channel, void *data)
{
    (void)channel;
    ++*(int *)data;
}

static void test_all(void **state)
{
    struct ast_channel *a = fake_channel("demo", "100"), *b = fake_channel("demo", "200");
    int seen = 0;

    (void)state;
    chan_each(count_one, &seen);
    assert_int_equal(seen, 2);
    chan_hangup_all(AST_CAUSE_CONGESTION);
    assert_notes("hangup:42 hangup:42");
    assert_string_equal(chan_application_name(a), "");
    ast_channel_unref(a);
    ast_channel_unref(b);
}

static void test_causes(void **state)
{
    (void)state;
    assert_int_equal(chan_cause_to_status(AST_CAUSE_USER_BUSY), 486);
    assert_int_equal(chan_cause_to_status(AST_CAUSE_CONGESTION), 503);
    assert_int_equal(chan_cause_to_status(AST_CAUSE_UNALLOCATED), 404);
    assert_int_equal(chan_cause_to_status(AST_CAUSE_NO_ANSWER), 480);
    assert_int_equal(chan_cause_to_status(AST_CAUSE_CALL_REJECTED), 403);
    assert_int_equal(chan_cause_to_status(AST_CAUSE_NORMAL_CLEARING), 603);
    assert_int_equal(chan_cause_to_status(0), 603);
    assert_int_equal(chan_cause_to_status(99), 603);
    for (int cause = -1; cause < 200; ++cause) {
        int status = chan_cause_to_status(cause);

        assert_in_range(status, 400, 699);
    }
    for (int status = 0; status < 800; ++status) {
        assert_in_range(ast_cause_from_sip(status), 1, 127);
    }
    assert_int_equal(ast_cause_from_sip(200), AST_CAUSE_NORMAL_CLEARING);
    assert_int_equal(ast_cause_from_sip(487), AST_CAUSE_NORMAL_CLEARING);
    assert_int_equal(ast_cause_from_sip(486), AST_CAUSE_USER_BUSY);
    assert_int_equal(ast_cause_from_sip(404), AST_CAUSE_UNALLOCATED);
    assert_int_equal(ast_cause_from_sip(408), AST_CAUSE_RECOVERY_ON_TIMER_EXPIRE);
    assert_int_equal(chan_cause_parse("17"), 17);
    assert_int_equal(chan_cause_parse("user_busy"), 17);
    assert_int_equal(chan_cause_parse("BUSY"), 17);
    assert_int_equal(chan_cause_parse("CONGESTION"), 34);
    assert_int_equal(chan_cause_parse("0"), -1);
    assert_int_equal(chan_cause_parse("128"), -1);
    assert_int_equal(chan_cause_parse("17x"), -1);
    assert_int_equal(chan_cause_parse(""), -1);
    assert_int_equal(chan_cause_parse("what"), -1);
}

static void test_split(void **state)
{
    static const struct {
        const char *text;
        unsigned most, count;
        const char *args[4];
    } table[] = {
        {"", 3, 0, {"", "", ""}},
        {"a", 3, 1, {"a", "", ""}},
        {"a,b,c", 3, 3, {"a", "b", "c"}},
        {"a,b,c,d", 3, 3, {"a", "b", "c,d"}},
        {" a , b ", 2, 2, {"a", "b"}},
        {"a,", 3, 2, {"a", "", ""}},
        {",,c", 3, 3, {"", "", "c"}},
        {"\"a,b\",c", 3, 2, {"a,b", "c", ""}},
        {"\" a \",c", 3, 2, {" a ", "c", ""}},
        {"f(a,b),c", 3, 2, {"f(a,b)", "c", ""}},
        {"[a,b],c", 3, 2, {"[a,b]", "c", ""}},
        {"a\\,b,c", 3, 2, {"a,b", "c", ""}},
        {"(a,b", 3, 1, {"(a,b", "", ""}},
        {"a),b", 3, 2, {"a)", "b", ""}},
        {"\"a,b", 3, 1, {"a,b", "", ""}},
        {"a\\", 1, 1, {"a\\"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); ++i) {
        char text[64], *args[4];
        unsigned count;

        snprintf(text, sizeof(text), "%s", table[i].text);
        count = chan_split(text, ',', args, table[i].most);
        if (count != table[i].count) {
            fail_msg("%s: %u", table[i].text, count);
        }
        for (unsigned a = 0; a < table[i].most; ++a) {
            assert_string_equal(args[a], table[i].args[a]);
        }
    }
}

static void test_seconds(void **state)
{
    (void)state;
    assert_int_equal(chan_parse_seconds("1"), 1000);
    assert_int_equal(chan_parse_seconds("0.5"), 500);
    assert_int_equal(chan_parse_seconds(".25"), 250);
    assert_int_equal(chan_parse_seconds("1.2345"), 1234);
    assert_int_equal(chan_parse_seconds("0"), 0);
    assert_int_equal(chan_parse_seconds("2."), 2000);
    assert_int_equal(chan_parse_seconds(" 1 "), 1000);
    assert_int_equal(chan_parse_seconds("1 2"), -1);
    assert_int_equal(chan_parse_seconds(""), -1);
    assert_int_equal(chan_parse_seconds("."), -1);
    assert_int_equal(chan_parse_seconds("-1"), -1);
    assert_int_equal(chan_parse_seconds("1s"), -1);
    assert_int_equal(chan_parse_seconds("1.2.3"), -1);
    assert_int_equal(chan_parse_seconds("99999999999999999999"), -1);
}

static void test_sounds(void **state)
{
    static const char *const wrong[] = {"",   "/etc/passwd", "../x", "a/../b", "a/./b", "a//b",
                                        "a/", ".hidden",     "a/.b", "a\nb",   "a\\b",  ".."};
    char path[64], tiny[8];

    (void)state;
    assert_int_equal(chan_sound_path("hello", path, sizeof(path)), -1);
    assert_int_equal(chan_set_sounds("/sounds"), 0);
    assert_int_equal(chan_sound_path("hello", path, sizeof(path)), 0);
    assert_string_equal(path, "/sounds/hello.wav");
    assert_int_equal(chan_sound_path("en/vm-goodbye..x", path, sizeof(path)), 0);
    assert_string_equal(path, "/sounds/en/vm-goodbye..x.wav");
    assert_int_equal(chan_sound_path("hello", tiny, sizeof(tiny)), -1);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i) {
        if (chan_sound_path(wrong[i], path, sizeof(path)) != -1) {
            fail_msg("%s", wrong[i]);
        }
    }
    chan_set_sounds(NULL);
}

static void test_registry(void **state)
{
    static const struct ast_application same = {.name = "nOTE"};

    (void)state;
    fake_dialplan("");
    assert_ptr_equal(chan_find_application("note"), &fake_app_note);
    assert_ptr_equal(chan_find_application("ANSWER"), &app_answer);
    assert_null(chan_find_application("Answe"));
    assert_int_equal(ast_register_application(&same), -1);
    ast_unregister_application(&same); /* not that one */
    assert_ptr_equal(chan_find_application("note"), &fake_app_note);
    assert_string_equal(chan_nearest_application("Awnser"), "Answer");
    assert_string_equal(chan_nearest_application("playbak"), "Playback");
    assert_int_equal(chan_foreign_application("dial"), 1);
    assert_int_equal(chan_foreign_application("Answer"), 0);
    assert_int_equal(chan_foreign_application("Dail"), 0);
}

static unsigned destroyed;

static void on_destroy(void *data)
{
    ++destroyed;
    assert_non_null(data);
}

static void test_cookies(void **state)
{
    static const struct ast_channel_cookie one = {.name = "one", .destroy = on_destroy};
    static const struct ast_channel_cookie two = {.name = "two"};
    struct ast_channel *a = fake_channel("demo", "100"), *b = fake_channel("demo", "200");
    int first, second;

    (void)state;
    destroyed = 0;
    assert_null(ast_channel_get_cookie(a, &one));
    assert_int_equal(ast_channel_set_cookie(a, &one, &first), 0);
    assert_int_equal(ast_channel_set_cookie(a, &two, &second), 0);
    assert_int_equal(ast_channel_set_cookie(b, &one, &first), 0);
    assert_ptr_equal(ast_channel_get_cookie(a, &one), &first);
    assert_ptr_equal(ast_channel_get_cookie(a, &two), &second);
    assert_int_equal(ast_channel_set_cookie(a, &one, &second), 0); /* in its place */
    assert_int_equal(destroyed, 1);
    assert_ptr_equal(ast_channel_get_cookie(a, &one), &second);
    ast_channel_hangup(a, 0);
    assert_int_equal(destroyed, 1);
    ast_channel_unref(a);
    assert_int_equal(destroyed, 2);
    ast_channel_drop_cookies(&one);
    assert_int_equal(destroyed, 3);
    assert_null(ast_channel_get_cookie(b, &one));
    assert_int_equal(ast_channel_set_cookie(b, &one, &first), 0);
    assert_int_equal(ast_channel_set_cookie(b, &one, NULL), 0);
    assert_int_equal(destroyed, 4);
    ast_channel_unref(b);
    assert_int_equal(destroyed, 4);
}

static void test_a_driver_goes(void **state)
{
    struct ast_channel *channel = fake_channel("demo", "100");
    const struct ast_channel_tech *tech = channel->tech;

    (void)state;
    ast_channel_drop_driver(tech);
    assert_int_equal(ast_channel_get_state(channel), AST_CHANNEL_GONE);
    assert_ptr_not_equal(channel->tech, tech);
    assert_null(channel->tech->hangup);
    ast_channel_unref(channel);
}

static int read_twice(struct ast_channel *channel, const char *args, char *out, size_t size)
{
    (void)channel;
    snprintf(out, size, "%s%s", args, args);
    return strcmp(args, "no") == 0 ? -1 : 0;
}

static int write_variable(struct ast_channel *channel, const char *args, const char *value)
{
    return ast_channel_set_variable(channel, args, value);
}

static void test_functions_of_modules(void **state)
{
    struct ast_function twice = {.name = "TWICE", .read = read_twice, .write = write_variable};
    struct ast_function taken = {.name = "LEN", .read = read_twice}, again = twice;
    struct ast_channel *channel = fake_channel("demo", "100");
    char out[32];

    (void)state;
    assert_int_equal(ast_register_function(&twice), 0);
    assert_int_equal(ast_register_function(&again), -1);
    assert_int_equal(ast_register_function(&taken), -1);
    assert_string_equal(pbx_substitute(channel, "${TWICE(ab)}${TWICE(no)}", out, sizeof(out)),
                        "abab");
    assert_int_equal(ast_channel_write(channel, "TWICE(X)", "1"), 0);
    assert_int_equal(ast_channel_write(channel, "Y", "2"), 0);
    assert_int_equal(ast_channel_write(channel, "NONE(X)", "1"), -1);
    assert_int_equal(ast_channel_write(channel, "TWICE", "a name like any other"), 0);
    assert_string_equal(ast_channel_get_variable(channel, "X"), "1");
    assert_string_equal(ast_channel_get_variable(channel, "Y"), "2");
    assert_int_equal(pbx_function_known("TWICE", 5), 0); /* who reads a dialplan sees no registry */
    assert_int_equal(pbx_function_known("MESSAGE", 7), 1); /* a module's, not loaded */
    ast_unregister_function(&again);                       /* not that one */
    ast_unregister_function(&twice);
    assert_string_equal(pbx_substitute(channel, "${TWICE(ab)}", out, sizeof(out)), "");
    ast_channel_unref(channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_life, tear_down),
        cmocka_unit_test_teardown(test_parties, tear_down),
        cmocka_unit_test_teardown(test_long_names, tear_down),
        cmocka_unit_test_teardown(test_variables, tear_down),
        cmocka_unit_test_teardown(test_answer, tear_down),
        cmocka_unit_test_teardown(test_answer_fails, tear_down),
        cmocka_unit_test_teardown(test_peer, tear_down),
        cmocka_unit_test_teardown(test_driver_without_callbacks, tear_down),
        cmocka_unit_test_teardown(test_all, tear_down),
        cmocka_unit_test_teardown(test_causes, tear_down),
        cmocka_unit_test_teardown(test_split, tear_down),
        cmocka_unit_test_teardown(test_seconds, tear_down),
        cmocka_unit_test_teardown(test_sounds, tear_down),
        cmocka_unit_test_teardown(test_registry, tear_down),
        cmocka_unit_test_teardown(test_cookies, tear_down),
        cmocka_unit_test_teardown(test_a_driver_goes, tear_down),
        cmocka_unit_test_teardown(test_functions_of_modules, tear_down),
    };

    ast_log_set_level(AST_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
