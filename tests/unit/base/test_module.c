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

static struct base_module_list *list;

static int begin(void **state)
{
    (void)state;
    events[0] = '\0';
    failing = "";
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

static void test_unload(void **state)
{
    (void)state;
    add("plain");
    add("needs_one");
    assert_int_equal(base_module_list_start(list), 0);
    events[0] = '\0';
    assert_int_equal(base_module_list_unload(list, "plain"), -1);
    check_logged("module plain is required by needs_one");
    assert_int_equal(base_module_list_unload(list, "nosuch"), -1);
    check_logged("module nosuch is not loaded");
    assert_int_equal(base_module_list_unload(list, "needs_one"), 0);
    assert_int_equal(base_module_list_unload(list, "plain"), 0);
    assert_string_equal(events, "needs_one close, plain close");
    check_running("");
    assert_int_equal(add("plain"), 0);
    assert_int_equal(base_module_list_start(list), 0);
}

/* What it still has to tell is told before its code goes, and is not looked at afterwards. */
static void test_unload_of_a_noisy_one(void **state)
{
    (void)state;
    add("noisy");
    assert_int_equal(base_module_list_start(list), 0);
    assert_int_equal(base_module_list_unload(list, "noisy"), 0);
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
    assert_int_equal(failmalloc_each(create_and_add, NULL, 0), 6);
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
        cmocka_unit_test_setup_teardown(test_unload, begin, end),
        cmocka_unit_test_setup_teardown(test_unload_of_a_noisy_one, begin, end),
        cmocka_unit_test_setup_teardown(test_destroyed_before_start, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
    };

    return cmocka_run_group_tests_name("module", tests, NULL, NULL);
}
