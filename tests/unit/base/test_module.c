/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The module loader: order, faults of modules, unloading, no memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "failmalloc.h"
#include "logfile.h"

/* What the modules call: sample_module.c. */
__attribute__((visibility("default"))) void sample_event(const char *name, const char *event);
__attribute__((visibility("default"))) int sample_fails(const char *name);
__attribute__((visibility("default"))) unsigned sample_uses(void);

static unsigned use_count;
static char events[1024];
static const char *failing = "";

void sample_event(const char *name, const char *event)
{
    size_t used = strlen(events);

    snprintf(events + used, sizeof(events) - used, "%s%s %s", used ? ", " : "", name, event);
}

int sample_fails(const char *name)
{
    return strcmp(name, failing) == 0;
}

unsigned sample_uses(void)
{
    return use_count;
}

static struct base_module_list *list;

static int begin(void **state)
{
    (void)state;
    events[0] = '\0';
    failing = "";
    use_count = 0;
    list = base_module_list_create(SAMPLE_MODULES);
    logfile_begin();
    return list ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    base_module_list_destroy(list);
    list = NULL;
    logfile_end();
    return 0;
}

static int add(const char *name)
{
    return base_module_list_add(list, name);
}

static void see(const char *name, const char *description, void *data)
{
    char *out = data;

    strcat(out, name);
    strcat(out, ":");
    strcat(out, description ? description : "-");
    strcat(out, " ");
}

static void check_running(const char *expected)
{
    char seen[512] = "";

    base_module_list_each(list, see, seen);
    assert_string_equal(seen, expected);
}

static void check_logged(const char *text)
{
    if (!strstr(logfile_text(), text)) {
        fail_msg("not logged: %s\nbut: %s", text, logfile_text());
    }
}

static void test_order_of_requires(void **state)
{
    (void)state;
    assert_int_equal(add("needs_both"), 0);
    assert_int_equal(add("needs_one"), 0);
    assert_int_equal(add("plain"), 0);
    assert_int_equal(add("silent"), 0);
    assert_string_equal(events, "");
    assert_int_equal(base_module_list_start(list), 0);
    assert_string_equal(events, "plain init, needs_one init, needs_both init, silent init");
    check_running(
        "plain:module plain needs_one:module needs_one needs_both:module needs_both silent:module silent ");
    events[0] = '\0';
    base_module_list_destroy(list);
    list = NULL;
    assert_string_equal(events,
                        "needs_both close, needs_one close, plain close"); /* silent has none */
}

static void test_added_later(void **state)
{
    (void)state;
    assert_int_equal(add("plain"), 0);
    assert_int_equal(base_module_list_start(list), 0);
    assert_int_equal(add("needs_one"), 0);
    assert_int_equal(base_module_list_start(list), 0);
    assert_string_equal(events, "plain init, needs_one init");
    assert_int_equal(base_module_list_start(list), 0);
    assert_string_equal(events, "plain init, needs_one init");
}

static void test_missing_requirement(void **state)
{
    (void)state;
    assert_int_equal(add("needs_both"), 0); /* plain and needs_one */
    assert_int_equal(add("plain"), 0);
    assert_int_equal(base_module_list_start(list), -1);
    check_logged("module needs_both: it requires needs_one, which is not loaded");
    check_running("plain:module plain ");
}

static void test_circle(void **state)
{
    (void)state;
    assert_int_equal(add("circle_a"), 0);
    assert_int_equal(add("circle_b"), 0);
    assert_int_equal(add("plain"), 0);
    assert_int_equal(base_module_list_start(list), -1);
    assert_string_equal(events, "plain init");
    check_logged("module circle_a: it requires circle_b, which cannot start before it or at all");
    check_logged("module circle_b: it requires circle_a, which cannot start before it or at all");
}

static void test_init_fails(void **state)
{
    (void)state;
    failing = "plain";
    assert_int_equal(add("plain"), 0);
    assert_int_equal(add("needs_one"), 0);
    assert_int_equal(add("silent"), 0);
    assert_int_equal(base_module_list_start(list), -1);
    check_logged("module plain did not start");
    check_logged("module needs_one: it requires plain, which is not loaded");
    check_running("silent:module silent ");
    assert_string_equal(events, "plain init, silent init"); /* no close of what did not start */
    failing = "";
    assert_int_equal(add("plain"), 0); /* it may be tried again */
    assert_int_equal(base_module_list_start(list), 0);
}

static void test_faulty_ones(void **state)
{
    (void)state;
    assert_int_equal(add("nosuch"), -1);
    check_logged("module nosuch: ");
    assert_int_equal(add("other_abi"), -1);
    check_logged("it was built with other headers, PJSIP_MAX_MODULE is");
    assert_int_equal(add("without_init"), -1);
    check_logged("its descriptor has no name or no init");
    assert_int_equal(add("without_descriptor"), -1);
    check_logged("it has no ast_sip_module_descriptor, see AST_SIP_MODULE");
    assert_int_equal(add("misnamed"), -1);
    check_logged("it calls itself 'somebody', expected 'misnamed'");
    assert_int_equal(add("plain"), 0);
    assert_int_equal(add("plain"), -1);
    check_logged("module plain is loaded already");
    assert_int_equal(add(SAMPLE_MODULES "/plain.so"), -1);
    assert_int_equal(base_module_list_start(list), 0);
    assert_int_equal(add("plain"), -1);
    check_running("plain:module plain ");
}

static void test_by_path(void **state)
{
    (void)state;
    assert_int_equal(add(SAMPLE_MODULES "/plain.so"), 0);
    assert_int_equal(add(SAMPLE_MODULES "/misnamed.so"), 0); /* a path may have any name */
    assert_int_equal(base_module_list_start(list), 0);
    check_running("plain:module plain somebody:module somebody ");
}

/* ---- changes ---- */

static int change(const char *names)
{
    events[0] = '\0';
    return base_module_list_change(list, names);
}

static void start_with(const char *names)
{
    assert_int_equal(change(names), 0);
    base_module_list_change_commit(list);
    events[0] = '\0';
}

static void test_change(void **state)
{
    (void)state;
    start_with("plain silent");
    assert_int_equal(change("silent needs_one plain"), 0);
    assert_string_equal(events, "needs_one init");
    base_module_list_change_commit(list);
    check_running("plain:module plain silent:module silent needs_one:module needs_one ");
    assert_int_equal(change("silent"), 0);
    assert_string_equal(events, ""); /* not before the rest is in force */
    base_module_list_change_commit(list);
    assert_string_equal(events, "needs_one close, plain close");
    check_running("silent:module silent ");
    assert_int_equal(change("silent plain " SAMPLE_MODULES "/misnamed.so"), 0); /* again */
    base_module_list_change_commit(list);
    assert_string_equal(events, "plain init, somebody init");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(change("silent " SAMPLE_MODULES "/misnamed.so plain"), 0);
        base_module_list_change_commit(list);
        assert_string_equal(events, "");
    }
    assert_int_equal(change(""), 0);
    base_module_list_change_commit(list);
    assert_string_equal(events, "somebody close, plain close");
    check_running("");
}

static void check_unchanged(void)
{
    base_module_list_change_commit(list); /* nothing of it is left */
    check_running("plain:module plain needs_one:module needs_one ");
}

static void test_change_is_refused(void **state)
{
    (void)state;
    start_with("plain needs_one");
    assert_int_equal(change("plain needs_one silent nosuch"), -1);
    assert_string_equal(events, "");
    check_unchanged();
    failing = "needs_both";
    assert_int_equal(change("plain needs_one somewhere/else.so"), -1);
    assert_int_equal(change("silent plain needs_both needs_one"), -1);
    assert_string_equal(events, "silent init, needs_both init"); /* silent has no close */
    check_unchanged();
    failing = "needs_both";
    assert_int_equal(change(SAMPLE_MODULES "/misnamed.so plain needs_both needs_one"), -1);
    assert_string_equal(events, "somebody init, needs_both init, somebody close");
    check_unchanged();
    failing = "";
    assert_int_equal(change("needs_one"), -1);
    check_logged("module needs_one: it requires plain, which is not to be loaded any more");
    check_unchanged();
    assert_int_equal(change("plain needs_both"), -1);
    check_logged("module needs_both: it requires needs_one, which is not to be loaded any more");
    check_unchanged();
    assert_int_equal(change("plain needs_one circle_a"), -1);
    check_unchanged();
    assert_int_equal(change("plain needs_one " SAMPLE_MODULES "/plain.so"), -1);
    check_logged("module plain is loaded already");
    check_unchanged();
    assert_int_equal(change("plain needs_one silent"), 0);
    base_module_list_change_abandon(list); /* something else of the reload failed */
    check_unchanged();
}

static void test_change_of_what_is_in_use(void **state)
{
    (void)state;
    start_with("plain needs_one used");
    use_count = 2;
    assert_int_equal(change(""), 0);
    check_logged("module used stays: it is in use 2 times");
    check_logged("module needs_one stays: used requires it");
    check_logged("module plain stays: needs_one requires it");
    base_module_list_change_commit(list);
    assert_string_equal(events, "");
    use_count = 0;
    assert_int_equal(change(""), 0);
    base_module_list_change_commit(list);
    assert_string_equal(events, "used close, needs_one close, plain close");
}

static int change_and_back(void *data)
{
    struct base_module_list *other = base_module_list_create(SAMPLE_MODULES);
    int result = -1;

    (void)data;
    if (other && base_module_list_change(other, "plain") == 0) {
        base_module_list_change_commit(other);
        result = base_module_list_change(other, "plain needs_one");
        base_module_list_change_commit(other);
        if (base_module_list_change(other, "") != 0) {
            result = -1;
        }
        base_module_list_change_commit(other);
    }
    base_module_list_destroy(other);
    return result;
}

static void test_change_without_memory(void **state)
{
    (void)state;
    assert_true(failmalloc_each(change_and_back, NULL, 0) >= 10);
}

/* What it still has to tell is told before its code goes, and is not looked at afterwards. */
static void test_end_of_a_noisy_one(void **state)
{
    (void)state;
    add("noisy");
    assert_int_equal(base_module_list_start(list), 0);
    base_module_list_destroy(list);
    list = NULL;
    check_logged("ERROR ... and 4 more like \"no room in %s\"");
    assert_int_equal(base_log_tell(1), -1);
}

static void test_destroyed_before_start(void **state)
{
    (void)state;
    add("plain");
    base_module_list_destroy(list);
    list = NULL;
    assert_string_equal(events, "");
    base_module_list_destroy(NULL);
}

static int create_and_add(void *data)
{
    struct base_module_list *other = base_module_list_create(SAMPLE_MODULES);
    int result = -1;

    (void)data;
    if (other && base_module_list_add(other, "plain") == 0 &&
        base_module_list_add(other, SAMPLE_MODULES "/needs_one.so") == 0) {
        result = base_module_list_start(other);
    }
    base_module_list_destroy(other);
    return result;
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(failmalloc_each(create_and_add, NULL, 0), 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order_of_requires, begin, end),
        cmocka_unit_test_setup_teardown(test_added_later, begin, end),
        cmocka_unit_test_setup_teardown(test_missing_requirement, begin, end),
        cmocka_unit_test_setup_teardown(test_circle, begin, end),
        cmocka_unit_test_setup_teardown(test_init_fails, begin, end),
        cmocka_unit_test_setup_teardown(test_faulty_ones, begin, end),
        cmocka_unit_test_setup_teardown(test_by_path, begin, end),
        cmocka_unit_test_setup_teardown(test_change, begin, end),
        cmocka_unit_test_setup_teardown(test_change_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_change_of_what_is_in_use, begin, end),
        cmocka_unit_test_setup_teardown(test_change_without_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_end_of_a_noisy_one, begin, end),
        cmocka_unit_test_setup_teardown(test_destroyed_before_start, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
    };

    return cmocka_run_group_tests_name("module", tests, NULL, NULL);
}
