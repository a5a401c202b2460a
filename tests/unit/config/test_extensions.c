/* SPDX-License-Identifier: GPL-2.0-or-later */
/* extensions.conf: what becomes of its lines, and what is said of what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "channel/channel.h"
#include "failmalloc.h"
#include "files.h"

static struct pbx *pbx;

static int end(void **state)
{
    pbx_unref(pbx);
    pbx = NULL;
    return files_end(state);
}

static const char *regcontext;

static int load(const char *text)
{
    pbx_unref(pbx);
    pbx = NULL;
    if (config_extensions_load(files_write("extensions.conf", text), report, &pbx) != 0) {
        return -1;
    }
    config_extensions_check_begin(pbx, regcontext, report);
    return 0;
}

/* It can be used, and nothing is said of it. */
static void good(const char *text)
{
    int result = load(text);

    files_check("");
    assert_int_equal(result, 0);
    assert_non_null(pbx);
}

/* It can be used, with this report. */
static void warned(const char *text, const char *expected)
{
    int result = load(text);

    files_check(expected);
    assert_int_equal(result, 0);
}

static void refused(const char *text, const char *expected)
{
    int result = load(text);

    files_check(expected);
    assert_int_equal(result, -1);
    assert_null(pbx);
}

/* "Application(args)" of a step, or "-". */
static const char *step(const char *context, const char *exten, const char *caller, int priority,
                        const char *label)
{
    static char text[256];
    struct pbx_query query = {
        .context = context, .exten = exten, .caller = caller, .priority = priority, .label = label};
    struct pbx_place place;
    const struct pbx_step *found;

    if (pbx_find(pbx, &query, &place) != 0) {
        return "-";
    }
    found = &place.exten->steps[place.index];
    snprintf(text, sizeof(text), "%s(%s)", found->application, found->args);
    return text;
}

static void test_lines(void **state)
{
    (void)state;
    good("[demo]\n"
         "exten => 100,1,Answer\n"
         " same => n,Playback(hello&bye,noanswer)\n"
         "same = n(again),Wait( 1 )\n"
         "exten => 100,n+10(later),NoOp(a \\; b)\n"
         "same => 20, Verbose (1,(text) and, more)\n"
         "same => s+1,NoOp()\n"
         "exten = _2XX , 1 , Hangup ( )\n"
         "EXTEN => 300,1(x),Goto(100,again)\n");
    assert_string_equal(step("demo", "100", NULL, 1, NULL), "Answer()");
    assert_string_equal(step("demo", "100", NULL, 2, NULL), "Playback(hello&bye,noanswer)");
    assert_string_equal(step("demo", "100", NULL, 0, "again"), "Wait( 1 )");
    assert_string_equal(step("demo", "100", NULL, 14, NULL), "NoOp(a ; b)");
    assert_string_equal(step("demo", "100", NULL, 0, "later"), "NoOp(a ; b)");
    assert_string_equal(step("demo", "100", NULL, 20, NULL), "Verbose(1,(text) and, more)");
    assert_string_equal(step("demo", "100", NULL, 21, NULL), "NoOp()");
    assert_string_equal(step("demo", "212", NULL, 1, NULL), "Hangup( )");
    assert_string_equal(step("demo", "300", NULL, 1, NULL), "Goto(100,again)");
}

/* Contexts of one name are one; n goes on from the line before, whatever its extension. */
static void test_sections(void **state)
{
    (void)state;
    good("[a](!)\nexten => 1,1,NoOp(template)\n"
         "[demo](a)\nexten => 100,1,Answer()\nexten => 200,1,NoOp()\nexten => 100,n,Hangup()\n"
         "[other]\ninclude => demo\n"
         "[demo]\nexten => 101,1,NoOp(second)\nexten => 101,next,NoOp(third)\n");
    assert_string_equal(step("demo", "1", NULL, 1, NULL), "NoOp(template)");
    assert_string_equal(step("demo", "100", NULL, 2, NULL), "Hangup()");
    assert_string_equal(step("demo", "101", NULL, 2, NULL), "NoOp(third)");
    assert_string_equal(step("other", "101", NULL, 1, NULL), "NoOp(second)");
    assert_null(pbx_find_context(pbx, "a"));
}

static void test_callers(void **state)
{
    (void)state;
    good(
        "[demo]\nexten => 100,1,NoOp(any)\nexten => 100/(01) 2-3.4,1,NoOp(number)\nexten => 100/_9.,1,NoOp(pattern)\n"
        "same => n,NoOp(more)\nexten => 100/,1,NoOp(none)\n");
    assert_string_equal(step("demo", "100", "555", 1, NULL), "NoOp(any)");
    assert_string_equal(step("demo", "100", "01234", 1, NULL), "NoOp(number)");
    assert_string_equal(step("demo", "100", "91", 1, NULL), "NoOp(pattern)");
    assert_string_equal(step("demo", "100", "91", 2, NULL), "NoOp(more)");
    assert_string_equal(step("demo", "100", "", 1, NULL), "NoOp(none)");
}

static void test_globals(void **state)
{
    (void)state;
    good("[general]\nstatic=yes\nwriteprotect=no\nautofallthrough=yes\n"
         "[demo]\nexten => ${DESK}1,1,NoOp()\nexten => _${DESK}2X,1,NoOp(p)\nsame => n,NoOp(q)\n"
         "[globals]\nDESK=7\nBOTH = ${DESK}8 \n");
    assert_string_equal(step("demo", "71", NULL, 1, NULL), "NoOp()");
    assert_string_equal(step("demo", "725", NULL, 2, NULL), "NoOp(q)");
    pbx_set(pbx_ref(pbx));
    assert_string_equal(chan_variables_get(&pbx_globals, "BOTH"), "78");
    pbx_set(NULL);
}

static void test_steps_wrong(void **state)
{
    (void)state;
    refused(
        "[demo]\nexten => 100\n",
        "extensions.conf:2: error: expected a priority and an application, as in exten => 100,1,Answer()\n");
    refused(
        "[demo]\nexten => 100,1\n",
        "extensions.conf:2: error: expected a priority and an application, as in exten => 100,1,Answer()\n");
    refused(
        "[demo]\nexten => 100,1,\n",
        "extensions.conf:2: error: expected an application behind the priority, as in 1,Answer()\n");
    refused(
        "[demo]\nexten => 100,1,(x)\n",
        "extensions.conf:2: error: expected an application behind the priority, as in 1,Answer()\n");
    refused("[demo]\nexten => ,1,Answer()\n",
            "extensions.conf:2: error: expected the name of an extension\n");
    refused("[demo]\nexten => 100,1,Playback(hello\n",
            "extensions.conf:2: error: expected a ) for the ( in \"Playback(hello\"\n");
    refused("[demo]\nexten => 100,1,Playback hello)\n",
            "extensions.conf:2: error: expected a ( for the arguments in \"Playback hello)\"\n");
    refused("[demo]\nexten => 100,1,Playback,hello\n",
            "extensions.conf:2: error: expected a ( for the arguments in \"Playback,hello\"\n");
    refused("[demo]\nexten => 100,1,Answer() now\n",
            "extensions.conf:2: error: expected nothing behind the ) but got \"now\"\n");
    refused("[demo]\nsame => n,Answer()\n",
            "extensions.conf:2: error: expected an exten line before this same in the context\n");
    refused("[demo]\nexten => 1,1,NoOp()\n[other]\nsame => n,Answer()\n",
            "extensions.conf:4: error: expected an exten line before this same in the context\n");
    refused(
        "[demo]\nexten => 1,1,NoOp()\nsame => n\n",
        "extensions.conf:3: error: expected a priority and an application, as in same => n,Answer()\n");
}

static void test_priorities_wrong(void **state)
{
    (void)state;
    refused(
        "[demo]\nexten => 100,0,NoOp()\nexten => 100,x,NoOp()\nexten => 100,,NoOp()\nexten => 100,-1,NoOp()\n"
        "exten => 100,99999999999,NoOp()\n",
        "extensions.conf:2: error: \"0\" is no priority, expected a number from 1, n, s or hint\n"
        "extensions.conf:3: error: \"x\" is no priority, expected a number from 1, n, s or hint\n"
        "extensions.conf:4: error: \"\" is no priority, expected a number from 1, n, s or hint\n"
        "extensions.conf:5: error: \"-1\" is no priority, expected a number from 1, n, s or hint\n"
        "extensions.conf:6: error: \"99999999999\" is no priority, expected a number from 1, n, s or hint\n");
    refused("[demo]\nexten => 100,n,NoOp()\n",
            "extensions.conf:2: error: expected a number: there is no priority before "
            "this n in the context\n");
    refused(
        "[demo]\nexten => 100,1(a,NoOp()\n",
        "extensions.conf:2: error: expected a label between ( and ) behind the priority in \"1(a\"\n");
    refused(
        "[demo]\nexten => 100,1(),NoOp()\n",
        "extensions.conf:2: error: expected a label between ( and ) behind the priority in \"1()\"\n");
    refused("[demo]\nexten => 100,1+x,NoOp()\n",
            "extensions.conf:2: error: expected a number behind the + of the priority\n");
    refused("[demo]\nexten => 100,1,NoOp()\nexten => 100,n+1000000,NoOp()\n",
            "extensions.conf:3: error: the priority is beyond 1000000\n");
}

static void test_duplicates(void **state)
{
    (void)state;
    refused(
        "[demo]\nexten => 100,1,NoOp()\nexten => 1-00,1,Answer()\nexten => _9XX,1,NoOp()\nexten => _9-[0-9]x,1,NoOp()\n",
        "extensions.conf:3: error: priority 1 of 100 is in line 2 already\n"
        "extensions.conf:5: error: priority 1 of _9XX is in line 4 already\n");
    refused("[demo]\nexten => 100,1(a),NoOp()\nexten => 100,n(a),Answer()\n",
            "extensions.conf:3: error: the label a of 100 is in line 2 already\n");
    good(
        "[demo]\nexten => 100,1(a),NoOp()\nexten => 101,1(a),NoOp()\nexten => 100/5,1(a),Answer()\n");
}

static void test_names_wrong(void **state)
{
    char text[400] = "[demo]\nexten => ";

    (void)state;
    refused(
        "[demo]\nexten => _[12,1,NoOp()\n",
        "extensions.conf:2: error: expected a priority and an application, as in exten => 100,1,Answer()\n");
    refused(
        "[demo]\nexten => _1.2,1,NoOp()\nexten => _,1,NoOp()\nexten => _[9-1],1,NoOp()\nexten => 1/_[],1,NoOp()\n",
        "extensions.conf:2: error: expected nothing behind the .\n"
        "extensions.conf:3: error: expected a pattern behind the _\n"
        "extensions.conf:4: error: expected a range upwards, not 9-1\n"
        "extensions.conf:5: error: expected characters between [ and ]\n");
    refused("[demo]\nexten => ${X,1,NoOp()\n",
            "extensions.conf:2: error: expected a priority and an application, as in "
            "exten => 100,1,Answer()\n");
    memset(text + strlen(text), '1', CHAN_NAME_SIZE);
    strcat(text, ",1,NoOp()\n");
    refused(
        text,
        "extensions.conf:2: error: the extension's name is too long, expected at most 79 octets\n");
    strcpy(text, "[");
    memset(text + 1, 'c', CHAN_NAME_SIZE);
    strcpy(text + 1 + CHAN_NAME_SIZE, "]\nexten => 1,1,NoOp()\n");
    refused(
        text,
        "extensions.conf:1: error: the context's name is too long, expected at most 79 octets\n");
}

static void test_applications(void **state)
{
    (void)state;
    refused("[demo]\nexten => 100,1,Awnser()\n",
            "extensions.conf:2: error: there is no application Awnser, the nearest is Answer\n");
    warned(
        "[demo]\nexten => 100,1,VoiceMail(100@default,u)\nexten => 100,2,Qwertyuiop(x)\n",
        "extensions.conf:2: warning: the application VoiceMail is not supported here: a call that comes to it is "
        "ended\n"
        "extensions.conf:3: warning: there is no application Qwertyuiop, unless a module has it: a call that "
        "comes to it is ended otherwise\n");
    good("[demo]\nexten => 100,1,answer\nsame => n,PLAYBACK(x)\n");
}

static void test_texts(void **state)
{
    (void)state;
    refused(
        "[demo]\nexten => 100,1,NoOp(${EXTEN)\nsame => n,NoOp($[1 + 1)\nsame => n,Set(A=${CALERID(num)})\n"
        "same => n,GotoIf($[1 +]?1)\nsame => n,GotoIf(1)\n",
        "extensions.conf:2: error: expected a } for the ${ at \"${EXTEN\"\n"
        "extensions.conf:3: error: expected a ] for the $[ at \"$[1 + 1\"\n"
        "extensions.conf:4: error: there is no function CALERID here, the nearest is CALLERID\n"
        "extensions.conf:5: error: expected a value at the end\n"
        "extensions.conf:6: error: expected GotoIf(condition?place:place)\n");
    good("[demo]\nexten => 100,1,GotoIf($[\"${CALLERID(num):0:2}\" = \"01\"]?1:1)\n");
}

static void test_jumps(void **state)
{
    (void)state;
    warned(
        "[demo]\nexten => 100,1,Goto(200,1)\nsame => n,Goto(nolabel)\nsame => n,Goto(other,s,1)\nsame => n,Goto(5)\n"
        "same => n,GotoIf(${X}?6:there)\nsame => n,Goto(+1)\nsame => n,Goto(${EXTEN},1)\nsame => n,Goto(300,l)\n"
        "exten => _3XX,1(l),Goto(9)\n",
        "extensions.conf:2: warning: there is no priority 1 of 200 in demo to go to\n"
        "extensions.conf:3: warning: there is no priority nolabel of 100 in demo to go to\n"
        "extensions.conf:4: warning: there is no priority 1 of s in other to go to\n"
        "extensions.conf:6: warning: there is no priority there of 100 in demo to go to\n");
    warned(
        "[demo]\nexten => 100,1,NoOp()\nexten => 101,n,NoOp()\n",
        "extensions.conf:3: warning: 101 in demo has no priority 1, so no call begins there (n goes on from the line "
        "before)\n");
    regcontext = "demo"; /* calls begin there when somebody is registered */
    good("[demo]\nexten => 101,2,NoOp()\n");
    warned("[demo]\nexten => 101,2,NoOp()\n[other]\nexten => 1,2,NoOp()\n",
           "extensions.conf:4: warning: 1 in other has no priority 1, so no call begins there (n "
           "goes on from the line before)\n");
    regcontext = NULL;
}

static void test_other_lines(void **state)
{
    (void)state;
    refused(
        "[demo]\nextn => 100,1,NoOp()\ninclude => day,9:00-17:00,mon-fri,*,*\ninclude =>\nfoo=bar\n",
        "extensions.conf:2: error: expected exten, same or include, not extn, the nearest is exten\n"
        "extensions.conf:3: error: includes with times are not supported here, expected the name of a context\n"
        "extensions.conf:4: error: expected the name of a context\n"
        "extensions.conf:5: error: expected exten, same or include, not foo\n");
    warned(
        "[demo]\nexten => 100,1,NoOp()\nexten => 100,hint,PJSIP/alice\nswitch => Realtime/x@y\nignorepat => 9\n"
        "include => nowhere\n",
        "extensions.conf:3: warning: hints are not supported here: nobody is told\n"
        "extensions.conf:4: warning: switch is not supported here and has no effect\n"
        "extensions.conf:5: warning: ignorepat is not supported here and has no effect\n"
        "extensions.conf:6: warning: there is no context nowhere to include\n");
    warned(
        "[general]\nautofallthrough=no\n[demo]\n",
        "extensions.conf:2: warning: autofallthrough=no is not supported here and has no effect\n");
    refused(
        "[general]\nstatik=yes\n[globals]\nA=${B\n__=1\n",
        "extensions.conf:4: error: expected a } for the ${ at \"${B\"\n"
        "extensions.conf:5: error: the variable __ cannot be set: expected a name, and at most 1000 of them\n"
        "extensions.conf:2: error: there is no option statik in [general], the nearest is static\n");
}

static void test_files(void **state)
{
    const struct pbx_step *found;
    struct pbx_query query = {.context = "demo", .exten = "200", .priority = 1};
    struct pbx_place place;

    (void)state;
    files_write("more.conf", "exten => 200,1,NoOp()\n");
    good("[demo]\nexten => 100,1,NoOp()\n#include more.conf\n");
    assert_int_equal(pbx_find(pbx, &query, &place), 0);
    found = &place.exten->steps[place.index];
    assert_non_null(strstr(found->file, "more.conf"));
    assert_int_equal(found->line, 1);
    pbx_unref(pbx);
    pbx = NULL;
    assert_int_equal(config_extensions_load(files_path("missing.conf"), report, &pbx), -1);
    files_check_has("missing.conf");
    files_forget();
    /* a line that the lexer refuses */
    assert_int_equal(load("[demo]\nexten 100\n"), -1);
    assert_null(pbx);
    files_forget();
    good("");
}

static void count(const struct pbx_context *context, const struct pbx_exten *exten,
                  const struct pbx_step *found, void *data)
{
    (void)context;
    (void)exten;
    assert_non_null(found->args);
    ++*(unsigned *)data;
}

/* All of it, or nothing. */
static int attempt(void *data)
{
    struct config_report *its_own = config_report_create();
    struct pbx *made = NULL;
    int result;

    if (its_own == NULL) {
        return -1;
    }
    result = config_extensions_load(data, its_own, &made);
    assert_true((result == 0) == (made != NULL));
    assert_true((result == 0) == (config_report_errors(its_own) == 0));
    config_report_free(its_own);
    if (made != NULL) {
        unsigned steps = 0;

        pbx_each(made, count, &steps);
        assert_int_equal(steps, 4);
        pbx_unref(made);
    }
    return result;
}

static void test_memory(void **state)
{
    const char *path =
        files_write("extensions.conf",
                    "[globals]\nA=1\n[demo]\nexten => 100,1(l),Answer()\nsame => n,NoOp(${A})\n"
                    "exten => _1X/_2X,1,NoOp()\ninclude => b\n[b]\nexten => 1,1,NoOp()\n");
    char copy[256];

    (void)state;
    snprintf(copy, sizeof(copy), "%s", path);
    assert_true(failmalloc_each(attempt, copy, 1) > 20);
    files_forget();
}

static int start(void **state)
{
    (void)state;
    return chan_register_applications();
}

static int stop(void **state)
{
    (void)state;
    chan_unregister_applications();
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, files_begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines),      TEST(test_sections),    TEST(test_callers),
        TEST(test_globals),    TEST(test_steps_wrong), TEST(test_priorities_wrong),
        TEST(test_duplicates), TEST(test_names_wrong), TEST(test_applications),
        TEST(test_texts),      TEST(test_jumps),       TEST(test_other_lines),
        TEST(test_files),      TEST(test_memory),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
