/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dialplan as data: which step a query finds. */
#include "fake.h"

#include <stdio.h>
#include <string.h>

/* "args of the step" of a query, or "-"; label NULL: the priority. */
static const char *find_label(struct pbx *pbx, const char *context, const char *exten,
                              const char *caller, int priority, const char *label)
{
    struct pbx_query query = {
        .context = context, .exten = exten, .caller = caller, .priority = priority, .label = label};
    struct pbx_place place;

    return pbx_find(pbx, &query, &place) == 0 ? place.exten->steps[place.index].args : "-";
}

static const char *find(struct pbx *pbx, const char *exten)
{
    return find_label(pbx, "c", exten, NULL, 1, NULL);
}

/* The table of what is asked first: a name, then patterns by what they allow, `.` and `!` last. */
static void test_order(void **state)
{
    struct pbx *pbx =
        fake_pbx("[c]\n_.,1,Note(dot)\n_!,1,Note(bang)\n_X.,1,Note(x-dot)\n_XXX,1,Note(xxx)\n"
                 "_NXX,1,Note(nxx)\n_2XX,1,Note(2xx)\n_2[12]X,1,Note(set)\n_20X,1,Note(20x)\n"
                 "200,1,Note(200)\nbob,1,Note(bob)\n");

    (void)state;
    assert_string_equal(find(pbx, "200"), "200");
    assert_string_equal(find(pbx, "2-0-0"), "200");
    assert_string_equal(find(pbx, "201"), "20x");
    assert_string_equal(find(pbx, "215"), "set");
    assert_string_equal(find(pbx, "231"), "2xx");
    assert_string_equal(find(pbx, "331"), "nxx");
    assert_string_equal(find(pbx, "131"), "xxx");
    assert_string_equal(find(pbx, "13"), "x-dot");
    assert_string_equal(find(pbx, "1"), "dot");
    assert_string_equal(find(pbx, "bob"), "bob");
    assert_string_equal(find(pbx, "Bob"), "dot");
    assert_string_equal(find(pbx, ""), "-");
    pbx_unref(pbx);
}

static void test_include(void **state)
{
    struct pbx *pbx = fake_pbx(
        "[c]\n_XXX,1,Note(c)\n>a\n>b\n>nowhere\n[a]\n100,1,Note(a)\n_2XXX,1,Note(a2)\n>deep\n"
        "[b]\n1234,1,Note(b)\n_X.,1,Note(bx)\n>c\n[deep]\n9999,1,Note(deep)\n1234,1,Note(deep "
        "1234)\n>deep\n[alone]\n1,1,Note(1)\n");

    (void)state;
    assert_string_equal(find(pbx, "100"), "c"); /* its own pattern before an included name */
    assert_string_equal(find(pbx, "2000"), "a2");
    assert_string_equal(find(pbx, "9999"), "deep"); /* depth first: before b's _X. */
    assert_string_equal(find(pbx, "1234"), "deep 1234");
    assert_string_equal(find(pbx, "77777"), "bx");
    assert_string_equal(find_label(pbx, "b", "100", NULL, 1, NULL), "bx");
    assert_string_equal(find_label(pbx, "deep", "100", NULL, 1, NULL), "-");
    assert_string_equal(find_label(pbx, "alone", "1", NULL, 1, NULL), "1");
    assert_string_equal(find_label(pbx, "nowhere", "1", NULL, 1, NULL), "-");
    pbx_unref(pbx);
}

static void test_caller(void **state)
{
    struct pbx *pbx = fake_pbx(
        "[c]\n100,1,Note(any)\n100/_1XX,1,Note(pattern)\n100/123,1,Note(123)\n100/,1,Note(none)\n"
        "_9X/55,1,Note(9 by 55)\n_9X,1,Note(9)\n200/5,1,Note(only 5)\n");

    (void)state;
    assert_string_equal(find_label(pbx, "c", "100", "999", 1, NULL), "any");
    assert_string_equal(find_label(pbx, "c", "100", "123", 1, NULL), "123");
    assert_string_equal(find_label(pbx, "c", "100", "1-2-3", 1, NULL), "123");
    assert_string_equal(find_label(pbx, "c", "100", "124", 1, NULL), "pattern");
    assert_string_equal(find_label(pbx, "c", "100", "", 1, NULL), "none");
    assert_string_equal(find_label(pbx, "c", "100", NULL, 1, NULL), "none");
    assert_string_equal(find_label(pbx, "c", "91", "55", 1, NULL), "9 by 55");
    assert_string_equal(find_label(pbx, "c", "91", "56", 1, NULL), "9");
    assert_string_equal(find_label(pbx, "c", "200", "6", 1, NULL), "-");
    pbx_unref(pbx);
}

/* A priority that the best extension lacks comes from the next one that matches. */
static void test_priorities(void **state)
{
    struct pbx *pbx = fake_pbx(
        "[c]\n100,1,Note(one)\n100,3(end),Note(three)\n_1XX,1,Note(p1)\n_1XX,2(two),Note(p2)\n"
        "_1XX,3,Note(p3)\n_1XX,10,Note(p10)\n");
    struct pbx_query query = {.context = "c", .exten = "100", .priority = 1};
    struct pbx_place place;

    (void)state;
    assert_string_equal(find_label(pbx, "c", "100", NULL, 2, NULL), "p2");
    assert_string_equal(find_label(pbx, "c", "100", NULL, 3, NULL), "three");
    assert_string_equal(find_label(pbx, "c", "100", NULL, 4, NULL), "-");
    assert_string_equal(find_label(pbx, "c", "100", NULL, 10, NULL), "p10");
    assert_string_equal(find_label(pbx, "c", "100", NULL, 0, "end"), "three");
    assert_string_equal(find_label(pbx, "c", "100", NULL, 0, "two"), "p2");
    assert_string_equal(find_label(pbx, "c", "101", NULL, 0, "end"), "-");
    assert_int_equal(pbx_find(pbx, &query, &place), 0);
    assert_true(place.first);
    query.priority = 2;
    assert_int_equal(pbx_find(pbx, &query, &place), 0);
    assert_false(place.first);
    pbx_unref(pbx);
}

static void test_can_match(void **state)
{
    struct pbx *pbx = fake_pbx(
        "[c]\nhello,1,Note(1)\n_2XX,1,Note(2)\n>d\n[d]\n_*9.,1,Note(d)\n600,2,Note(never)\n");

    (void)state;
    assert_int_equal(pbx_can_match(pbx, "c", "hel", NULL), 1);
    assert_int_equal(pbx_can_match(pbx, "c", "hello", NULL), 1);
    assert_int_equal(pbx_can_match(pbx, "c", "hellos", NULL), 0);
    assert_int_equal(pbx_can_match(pbx, "c", "21", NULL), 1);
    assert_int_equal(pbx_can_match(pbx, "c", "3", NULL), 0);
    assert_int_equal(pbx_can_match(pbx, "c", "*", NULL), 1);
    assert_int_equal(pbx_can_match(pbx, "c", "60", NULL), 0);
    assert_int_equal(pbx_can_match(pbx, "d", "2", NULL), 0);
    assert_int_equal(pbx_can_match(pbx, "x", "2", NULL), 0);
    pbx_unref(pbx);
}

static void test_long_names(void **state)
{
    struct pbx *pbx = fake_pbx("[c]\n_.,1,Note(dot)\n");
    char text[CHAN_NAME_SIZE + 1];

    (void)state;
    memset(text, '1', sizeof(text));
    text[CHAN_NAME_SIZE - 1] = '\0';
    assert_string_equal(find(pbx, text), "dot");
    text[CHAN_NAME_SIZE - 1] = '1';
    text[CHAN_NAME_SIZE] = '\0';
    assert_string_equal(find(pbx, text), "-");
    assert_int_equal(pbx_can_match(pbx, "c", text, NULL), 0);
    assert_string_equal(find(pbx, "---"), "-");
    pbx_unref(pbx);
}

static void test_many(void **state)
{
    struct pbx *pbx = pbx_create();
    struct pbx_context *context = pbx_add_context(pbx, "c");
    const char *file = pbx_add_file(pbx, "many");
    char name[16], args[16], why[160];

    (void)state;
    assert_ptr_equal(file, pbx_add_file(pbx, "many"));
    for (int i = 0; i < 3000; ++i) {
        struct pbx_step step = {.priority = 1,
                                .application = (char *)"Note",
                                .args = args,
                                .file = file};

        snprintf(name, sizeof(name), "%s%d", i % 3 == 0 ? "_1X" : "", (i * 7919) % 3000);
        snprintf(args, sizeof(args), "%s", name);
        assert_int_equal(pbx_add_step(pbx_add_exten(context, name, NULL, why, sizeof(why)), &step),
                         0);
        assert_int_equal(pbx_add_step(pbx_add_exten(context, name, NULL, why, sizeof(why)), &step),
                         1);
    }
    assert_int_equal(pbx_finish(pbx), 0);
    for (int i = 0; i < 3000; ++i) {
        int number = (i * 7919) % 3000;

        snprintf(name, sizeof(name), i % 3 == 0 ? "_1X%d" : "%d", number);
        snprintf(args, sizeof(args), i % 3 == 0 ? "1999%d" : "%d", number);
        if (i % 3 != 0) {
            assert_string_equal(find(pbx, args), name);
        }
    }
    pbx_unref(pbx);
}

static const char *find_step_of(struct pbx *pbx, const char *exten, int priority)
{
    return find_label(pbx, "c", exten, NULL, priority, NULL);
}

/* `regcontext`: priority 1 of who is registered, between what the file names and its patterns. */
static void test_registered(void **state)
{
    struct pbx *pbx = fake_pbx("[c]\n_X!,1,Note(pattern)\n_X!,2,Note(next)\n200,1,Note(own)\n"
                               "[other]\n>c\n[third]\n_X,1,Note(third)\n");
    struct pbx_query query = {.context = "c", .exten = "100", .priority = 1};
    struct pbx_place place;

    (void)state;
    fake_contact.expires = 2000;
    fake_aor = "100";
    fake_global.regcontext = (char *)"c";
    assert_string_equal(find(pbx, "100"), "pattern"); /* no dialplan is in force */
    pbx_set(pbx);
    assert_int_equal(pbx_find(pbx, &query, &place), 0);
    assert_string_equal(place.exten->steps[place.index].application, "NoOp");
    assert_string_equal(find(pbx, "100"), "");
    assert_string_equal(find_step_of(pbx, "100", 2), "next");
    assert_string_equal(find(pbx, "101"), "pattern");
    query.context = "other"; /* which includes it */
    assert_int_equal(pbx_find(pbx, &query, &place), 0);
    assert_string_equal(place.exten->steps[place.index].application, "NoOp");
    assert_string_equal(find_label(pbx, "third", "100", NULL, 1, NULL), "-");
    fake_aor = "200";
    assert_string_equal(find(pbx, "200"), "own");
    fake_aor = "bob";
    assert_string_equal(find(pbx, "bob"), "");
    assert_string_equal(find_step_of(pbx, "bob", 2), "-");
    fake_contact.expires = 999; /* its time is over */
    assert_string_equal(find(pbx, "bob"), "-");
    fake_contact.expires = 0; /* nobody registered: the file has it */
    assert_string_equal(find(pbx, "bob"), "-");
    fake_aor = NULL;
    assert_string_equal(find(pbx, "bob"), "-");
    fake_aor = "100";
    fake_contact.expires = 2000;
    fake_global.regcontext = NULL;
    assert_string_equal(find(pbx, "100"), "pattern");
    pbx_set(NULL);
}

static void test_current(void **state)
{
    struct pbx *pbx = fake_pbx("[c]\n100,1,Note(1)\n");

    (void)state;
    assert_int_equal(pbx_add_global(pbx, "G", "value"), 0);
    assert_int_equal(ast_pbx_exists("c", "100"), 0);
    pbx_set(pbx);
    assert_int_equal(ast_pbx_exists("c", "100"), 1);
    assert_int_equal(ast_pbx_exists("c", "101"), 0);
    assert_int_equal(ast_pbx_exists("d", "100"), 0);
    assert_string_equal(chan_variables_get(&pbx_globals, "G"), "value");
    pbx_set(fake_pbx("[d]\n100,1,Note(1)\n"));
    assert_int_equal(ast_pbx_exists("d", "100"), 1);
    pbx_set(NULL);
    assert_null(chan_variables_get(&pbx_globals, "G"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),     cmocka_unit_test(test_include),
        cmocka_unit_test(test_caller),    cmocka_unit_test(test_priorities),
        cmocka_unit_test(test_can_match), cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_many),      cmocka_unit_test(test_registered),
        cmocka_unit_test(test_current),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
