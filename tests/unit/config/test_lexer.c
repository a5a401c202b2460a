/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lexer: every rule of the syntax, every error, limits, includes, no memory. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "failmalloc.h"
#include "files.h"

static char dumped[1 << 20];

/* "[section] a=1 b=2" for each section, templates with (!). */
static const char *dump(const struct config_file *file)
{
    const struct config_section *section;
    const struct config_line *line;
    size_t used = 0;

    dumped[0] = '\0';
    for (section = file->sections; section; section = section->next) {
        used += (size_t)snprintf(dumped + used, sizeof(dumped) - used, "%s[%s]%s", used ? " " : "",
                                 section->name, section->is_template ? "(!)" : "");
        for (line = section->lines; line; line = line->next) {
            used += (size_t)snprintf(dumped + used, sizeof(dumped) - used, " %s=%s", line->name,
                                     line->value);
        }
    }
    return dumped;
}

static struct config_file *parse(const char *text)
{
    struct config_file *file = config_file_parse(text, strlen(text), "t", NULL, report);

    assert_non_null(file);
    return file;
}

/* A text gives these sections, and nothing is wrong with it. */
static void check(const char *text, const char *expected)
{
    struct config_file *file = parse(text);

    files_check("");
    assert_string_equal(dump(file), expected);
    config_file_free(file);
}

/* A text gives these problems, and what is right in it these sections. */
static void check_wrong(const char *text, const char *problems, const char *expected)
{
    struct config_file *file = parse(text);

    files_check(problems);
    assert_string_equal(dump(file), expected);
    config_file_free(file);
}

static void test_sections_and_settings(void **state)
{
    (void)state;
    check("", "");
    check("[a]", "[a]");
    check("[a]\nx=1\ny = 2\n  z\t=\t3  \n", "[a] x=1 y=2 z=3");
    check("[a]\r\nx=1\r\n", "[a] x=1");
    check("  [ a b ]  \nx=1", "[a b] x=1");
    check("[a]\nx=\ny= \n", "[a] x= y=");
    check("[a]\nx=1\nx=2\n[a]\nx=3", "[a] x=1 x=2 [a] x=3");
    check("[a]\nset_var=A=B\n", "[a] set_var=A=B");
    check("\xef\xbb\xbf[a]\nx=1", "[a] x=1");
    check("[a]\nx=J\xc3\xbcrgen", "[a] x=J\xc3\xbcrgen");
}

static void test_arrow(void **state)
{
    struct config_file *file = parse("[a]\nexten => 1,1,NoOp()\nx=1\ny=>\nz = > 2");
    const struct config_line *line = file->sections->lines;

    (void)state;
    assert_string_equal(dump(file), "[a] exten=1,1,NoOp() x=1 y= z=> 2");
    assert_true(line->arrow);
    assert_false(line->next->arrow);
    assert_true(line->next->next->arrow);
    config_file_free(file);
}

static void test_comments(void **state)
{
    (void)state;
    check("; c\n[a] ; c\nx=1;c\n;y=2\n   ; c\n", "[a] x=1");
    check("[a]\nx=1\\;2\\;;3\n", "[a] x=1;2;");
    check("[a]\nx=a\\b\n", "[a] x=a\\b");
    check("[a]\n;-- x=1\ny=2\n--;\nz=3", "[a] z=3");
    check("[a]\nx=1 ;-- c --; 2\n", "[a] x=1  2");
    check("[a]\n;-- c --;x=1", "[a] x=1");
    check("[a]\n;--\n;-- inner\n--;\nx=1\n--;\ny=2", "[a] y=2");
    check("[a]\n;--- a ruler ---\nx=1\n;-----\ny=2", "[a] x=1 y=2");
    check("[a]\n;--\n---;\nx=1", "[a] x=1");
    check("[a]\n;--;\nx=1\n--;\ny=2", "[a] y=2"); /* the dashes of the beginning do not end it */
    check("[a]\nx=1 --; c\ny=2", "[a] x=1 -- y=2");
    check("[a]\n;--\n\x01\x02\n--;\nx=1", "[a] x=1"); /* what is commented out needs not be text */
}

static void test_open_comment_is_an_error(void **state)
{
    (void)state;
    check_wrong(
        "[a]\nx=1\n;-- begins\ny=2\n",
        "t:3: error: the block comment that begins here does not end, expected --; before the end of the file\n",
        "[a] x=1");
}

static void test_templates(void **state)
{
    (void)state;
    check("[t](!)\nx=1\ny=2\n[a](t)\nx=3", "[t](!) x=1 y=2 [a] x=1 y=2 x=3");
    check("[t](!)\nx=1\n[u](!)\ny=2\n[a](t,u)\n[b](u, t)\n[c]",
          "[t](!) x=1 [u](!) y=2 [a] x=1 y=2 [b] y=2 x=1 [c]");
    check("[t](!)\nx=1\n[u](!,t)\ny=2\n[a](u)", "[t](!) x=1 [u](!) x=1 y=2 [a] x=1 y=2");
    check("[a]\nx=1\n[b](a)\n", "[a] x=1 [b] x=1"); /* no need to be a template */
    check("[T](!)\nx=1\n[a](t)\n", "[T](!) x=1 [a] x=1");
    check("[T](!)\nx=1\n[t](!)\nx=2\n[a](t)\n[b](T)", "[T](!) x=1 [t](!) x=2 [a] x=2 [b] x=1");
    check("[a] (!)\nx=1", "[a](!) x=1");
}

static void test_inherited_lines_know_where_they_are_from(void **state)
{
    struct config_file *file = parse("[t](!)\nx=1\n\n[a](t)\ny=2\n");
    const struct config_section *section = file->sections->next;

    (void)state;
    assert_int_equal(section->line, 4);
    assert_string_equal(section->file, "t");
    assert_int_equal(section->lines->line, 2);
    assert_int_equal(section->lines->next->line, 5);
    assert_string_equal(config_section_get(section, "X")->value, "1");
    assert_null(config_section_get(section, "z"));
    config_file_free(file);
}

static void test_what_a_template_gets_later_is_not_inherited(void **state)
{
    (void)state;
    check("[t](!)\nx=1\n[a](t)\n[t](+)\ny=2\n[b](t)", "[t](!) x=1 y=2 [a] x=1 [b] x=1 y=2");
}

static void test_plus(void **state)
{
    (void)state;
    check("[a]\nx=1\n[b]\n[a](+)\ny=2", "[a] x=1 y=2 [b]");
    check("[t](!)\nz=3\n[a]\nx=1\n[a](+,t)\ny=2", "[t](!) z=3 [a] x=1 z=3 y=2");
    check("[t](!)\nz=3\n[a]\nx=1\n[a](t,+)\ny=2", "[t](!) z=3 [a] x=1 z=3 y=2");
    check("[a]\nx=1\n[a](+,a)\n", "[a] x=1 x=1");
    check("[a]\ntype=auth\n[a]\ntype=aor\n[a](+type=aor)\nx=1\n[a](+Type=AUTH&type=auth)\ny=2",
          "[a] type=auth y=2 [a] type=aor x=1");
    check_wrong("[a](+)\nx=1\n[b]",
                "t:1: error: there is no section [a] to append to, expected it further up\n",
                "[b]");
    check_wrong(
        "[a]\ntype=x\n[a](+type=y)\nx=1\n[b]",
        "t:3: error: there is no section [a] with type=y to append to, expected it further up\n",
        "[a] type=x [b]");
    check_wrong(
        "[a]\n[a]\n[a](+)\nx=1\n",
        "t:3: warning: 2 sections are called [a]: this appends to the one of t:1, expected e.g. "
        "[a](+type=...)\n",
        "[a] x=1 [a]");
    check_wrong(
        "[a]\n[a](+type)\n",
        "t:2: error: there is no section [a] with type to append to, expected it further up\n",
        "[a]");
}

static void test_append_to_a_value(void **state)
{
    (void)state;
    check("[a]\nallow=ulaw\nallow+=,alaw\n", "[a] allow=ulaw,alaw");
    check("[a]\nx=1\ny=2\nx += 3  \n", "[a] x=1 3 y=2");
    check("[a]\nx=1\nx=2\nX+=3", "[a] x=1 x=23");
    check("[a]\nx+=1\n", "[a] x=1");
    check("[t](!)\nx=1\n[a](t)\nx+=2\n[b](t)", "[t](!) x=1 [a] x=12 [b] x=1");
    check("[a]\nx=\nx += 2", "[a] x=2");
}

static void test_escaped_names(void **state)
{
    (void)state;
    check("[a]\n\\[b]=1\n\\#c=2\n\\=d=3\n", "[a] [b]=1 #c=2 =d=3");
    check_wrong("[a]\n\\\n\\=\n",
                "t:2: error: no '=' in the line, expected name = value\n"
                "t:3: error: no '=' in the line, expected name = value\n",
                "[a]");
}

static void test_wrong_lines(void **state)
{
    (void)state;
    check_wrong("x=1\ny=2\n[a]\nz=3",
                "t:1: error: a line outside of any section, expected a [section] before it\n"
                "t:2: error: a line outside of any section, expected a [section] before it\n",
                "[a] z=3");
    check_wrong("[a]\nnothing\nx=1", "t:2: error: no '=' in the line, expected name = value\n",
                "[a] x=1");
    check_wrong("[a]\n=1\n += 2\nx=1",
                "t:2: error: no name before '=', expected name = value\n"
                "t:3: error: no name before '=', expected name = value\n",
                "[a] x=1");
}

static void test_wrong_headers(void **state)
{
    (void)state;
    /* The lines of a section whose header is wrong are passed over without a word. */
    check_wrong("[a\nx=1\n[b]\ny=2", "t:1: error: the section's name does not end, expected ']'\n",
                "[b] y=2");
    check_wrong("[]\nx=1\n[ ]\ny=2",
                "t:1: error: the section has no name, expected [name]\n"
                "t:3: error: the section has no name, expected [name]\n",
                "");
    check_wrong(
        "[a] b\nx=1\n",
        "t:1: error: 'b' after the section's name, expected nothing or (!), (+) or names of sections\n",
        "");
    check_wrong(
        "[a](b\n",
        "t:1: error: '(b' after the section's name, expected nothing or (!), (+) or names of sections\n",
        "");
    check_wrong(
        "[a](!)x\n",
        "t:1: error: '(!)x' after the section's name, expected nothing or (!), (+) or names of sections\n",
        "");
    check_wrong("[a](t)\nx=1\n",
                "t:1: error: there is no section [t] to inherit from, expected it further up\n",
                "[a] x=1");
    check_wrong("[a](a)\n", "", "[a]"); /* inherits what it has: nothing */
    check_wrong(
        "[a]()\n",
        "t:1: error: an empty name between the parentheses, expected (!), (+) or names of sections\n",
        "[a]");
    check_wrong(
        "[t](!)\n[a](t,)\n",
        "t:2: error: an empty name between the parentheses, expected (!), (+) or names of sections\n",
        "[t](!) [a]");
}

static void test_control_characters(void **state)
{
    const char nul[] = "[a]\nx=1\0002\ny=2\n";
    struct config_file *file;

    (void)state;
    check_wrong("[a]\nx=\x01\ny=2\rz\nw=\x7f\nv=\t1",
                "t:2: error: control character 0x01, expected text\n"
                "t:3: error: control character 0x0d, expected text\n"
                "t:4: error: control character 0x7f, expected text\n",
                "[a] v=1");
    file = config_file_parse(nul, sizeof(nul) - 1, "t", NULL, report);
    files_check("t:2: error: control character 0x00, expected text\n");
    assert_string_equal(dump(file), "[a] y=2");
    config_file_free(file);
}

static void test_directives(void **state)
{
    (void)state;
    check_wrong("#inclde \"x\"\n", "t:1: error: unknown directive '#inclde', expected #include\n",
                "");
    check_wrong("#if x\n",
                "t:1: error: unknown directive '#if', expected #include or #tryinclude\n", "");
    check_wrong("#\n", "t:1: error: unknown directive '#', expected #include or #tryinclude\n", "");
    check_wrong(
        "#exec /bin/true\n",
        "t:1: error: #exec is not supported: a configuration runs no programs, expected #include of a file\n",
        "");
    check_wrong("#include\n#tryinclude \"\"\n",
                "t:1: error: no file after the directive, expected #include \"file\"\n"
                "t:2: error: no file after the directive, expected #include \"file\"\n",
                "");
    check_wrong("#include x\n", "t:1: error: no file can be included here\n", "");
}

/* ---- limits ---- */

static char *filled(size_t length, const char *begin)
{
    char *text = malloc(length + 1);

    assert_non_null(text);
    memset(text, 'x', length);
    memcpy(text, begin, strlen(begin));
    text[length] = '\0';
    return text;
}

static void test_long_lines(void **state)
{
    char *text = filled(4 + CONFIG_LINE_SIZE - 2, "[a]\nv="), *more;
    struct config_file *file = parse(text);

    (void)state;
    files_check("");
    assert_int_equal(strlen(file->sections->lines->value), CONFIG_LINE_SIZE - 4);
    config_file_free(file);
    free(text);
    text = filled(4 + CONFIG_LINE_SIZE - 1, "[a]\nv=");
    check_wrong(text, "t:2: error: the line is too long, expected at most 8190 octets\n", "[a]");
    free(text);
    text = filled(3000000, "[a]\nv=");
    assert_true(asprintf(&more, "%s\ny=1", text) > 0);
    check_wrong(more, "t:2: error: the line is too long, expected at most 8190 octets\n",
                "[a] y=1");
    free(text);
    free(more);
}

static void test_long_values(void **state)
{
    char *line = filled(8000, "x+="), *text = malloc(10 * 8010);
    size_t used = (size_t)sprintf(text, "[a]\n");
    struct config_file *file;
    int i;

    (void)state;
    for (i = 0; i < 9; i++) {
        used += (size_t)sprintf(text + used, "%s\n", line);
    }
    file = parse(text);
    files_check("t:10: error: the value is too long, expected at most 65535 octets\n");
    assert_int_equal(strlen(file->sections->lines->value), 8 * 7997);
    config_file_free(file);
    free(text);
    free(line);
}

static void test_nested_comments(void **state)
{
    char text[2000] = "[a]\n";
    int i;

    (void)state;
    for (i = 0; i < 129; i++) {
        strcat(text, ";--");
    }
    strcat(text, "\n");
    for (i = 0; i < 128; i++) {
        strcat(text, "--;");
    }
    strcat(text, "\nx=1\n");
    check_wrong(text,
                "t:2: error: too many block comments within each other, expected at most 128\n",
                "[a] x=1");
}

static void test_endless_growth_ends(void **state)
{
    char text[1000] = "[a]\nx=1\n";
    int i;

    (void)state;
    for (i = 0; i < 60; i++) {
        strcat(text, "[a](+,a)\n");
    }
    assert_null(config_file_parse(text, strlen(text), "t", NULL, report));
    assert_int_equal(config_report_errors(report), 1);
    files_check_has("error: the configuration is too large or memory is out");
}

/* ---- files ---- */

static void check_file(const char *name, const char *problems, const char *expected)
{
    struct config_file *file = config_file_read(files_path(name), report);

    files_check(problems);
    if (expected) {
        assert_non_null(file);
        assert_string_equal(dump(file), expected);
    } else {
        assert_null(file);
    }
    config_file_free(file);
}

static void test_include(void **state)
{
    struct config_file *file;

    (void)state;
    files_write("main", "[a]\nx=1\n#include \"sub/one\"\ny=2\n#include <two>\n#include two\n");
    files_write("sub/one", "in=a\n[b]\nz=3\n#include \"sub/three\"\n");
    files_write("sub/three", "w=4\n");
    files_write("two", "q=5");
    /* A file goes on with the section that was open; what follows the directive belongs to that
     * section too. */
    check_file("main", "", "[a] x=1 in=a y=2 q=5 q=5 [b] z=3 w=4");
    file = config_file_read(files_path("main"), report);
    assert_string_equal(file->sections->next->file, files_path("sub/one"));
    assert_int_equal(file->sections->next->line, 2);
    assert_int_equal(file->sections->next->lines->line, 3);
    config_file_free(file);
}

static void test_include_by_absolute_path(void **state)
{
    char text[200];

    (void)state;
    snprintf(text, sizeof(text), "#include \"%s\"\n", files_write("other", "[b]\ny=1"));
    files_write("main", text);
    check_file("main", "", "[b] y=1");
}

static void test_include_pattern(void **state)
{
    (void)state;
    files_write("main", "#include \"d/*.conf\"\n[z]");
    files_write("d/b.conf", "[b]");
    files_write("d/a.conf", "[a]");
    files_write("d/c.other", "[c]");
    check_file("main", "", "[a] [b] [z]");
    files_write("none", "#include \"d/*.none\"\n[z]");
    check_file("none", "none:1: error: no file d/*.none, expected one; #tryinclude does without\n",
               "[z]");
    files_write("try", "#tryinclude \"d/*.none\"\n#tryinclude nothing\n[z]");
    check_file("try", "", "[z]");
}

static void test_include_of_nothing(void **state)
{
    (void)state;
    files_write("main", "[a]\n#include \"nosuch\"\nx=1\n");
    check_file("main", "main:2: error: no file nosuch, expected one; #tryinclude does without\n",
               "[a] x=1");
    files_write("folder", "[a]\n#include \"d\"\n");
    files_write("d/x", "");
    check_file("folder", "folder:2: error: d: this is not a regular file\n", "[a]");
}

static void test_include_in_a_circle(void **state)
{
    (void)state;
    files_write("main", "[a]\n#include \"main\"\nx=1");
    check_file("main", "main:2: error: main includes itself\n", "[a] x=1");
    files_write("one", "[a]\n#include \"two\"\n");
    files_write("two", "[b]\n#include \"one\"\n");
    check_file("one", "two:2: error: one includes itself\n", "[a] [b]");
}

static void test_include_depth(void **state)
{
    char name[20], text[40];
    int i;

    (void)state;
    for (i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        snprintf(text, sizeof(text), "[s%d]\n#include \"f%d\"\n", i, i + 1);
        files_write(name, text);
    }
    check_file("f0", "f10:2: error: too many includes within each other, expected at most 10\n",
               "[s0] [s1] [s2] [s3] [s4] [s5] [s6] [s7] [s8] [s9] [s10]");
}

static void test_errors_in_an_included_file(void **state)
{
    (void)state;
    files_write("main", "#include \"one\"\nx=2\n[b]\ny=3");
    files_write("one", "[a\nx=1\n;-- open\n");
    /* A wrong header or an open comment ends with its file. */
    check_file(
        "main",
        "one:1: error: the section's name does not end, expected ']'\n"
        "one:3: error: the block comment that begins here does not end, expected --; before the end of the file\n"
        "main:2: error: a line outside of any section, expected a [section] before it\n",
        "[b] y=3");
}

static void test_unreadable_files(void **state)
{
    (void)state;
    check_file("nosuch", "nosuch: error: No such file or directory\n", NULL);
    mkdir(files_path("folder"), 0700);
    check_file("folder", "folder: error: this is not a regular file\n", NULL);
    assert_int_equal(mkfifo(files_path("fifo"), 0600), 0);
    check_file("fifo", "fifo: error: this is not a regular file\n", NULL);
    files_write("big", "");
    assert_int_equal(truncate(files_path("big"), (16 << 20) + 1), 0);
    check_file("big", "big: error: the file is too large, expected at most 16 MiB\n", NULL);
}

static void test_relative_to_the_working_directory(void **state)
{
    char before[PATH_MAX];
    struct config_file *file;

    (void)state;
    files_write("main", "#include \"one\"\n");
    files_write("one", "[a]");
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(files_folder()), 0);
    file = config_file_read("main", report);
    assert_int_equal(chdir(before), 0);
    assert_non_null(file);
    assert_string_equal(dump(file), "[a]");
    config_file_free(file);
}

/* ---- anything at all ---- */

static const char everything[] =
    "; c\n[t](!)\nx = 1 ;-- b --; 2\n[a](t,!) ; d\ny => \\;3\nx += 4\n[a](+x=1&y=2)\n"
    "[a](+)\n#include \"q\"\n\\#z=1\n#tryinclude <w>\n;--\n;-- e\n--;\n--;\nq=1\r\n[b](a)\n";

static void test_every_cut_and_every_changed_octet(void **state)
{
    static const char octets[] = {'\0', '\n', '[',  ']', '(', ')', ';', '-',
                                  '=',  '+',  '\\', '#', ',', '"', ' ', '\xff'};
    char text[sizeof(everything)];
    size_t length, i;

    (void)state;
    for (length = 0; length < sizeof(everything); length++) {
        config_file_free(config_file_parse(everything, length, "t", NULL, report));
        for (i = 0; i < sizeof(octets); i++) {
            memcpy(text, everything, sizeof(text));
            text[length] = octets[i];
            config_file_free(config_file_parse(text, sizeof(text) - 1, "t", NULL, report));
        }
        files_forget();
    }
}

static int read_whole(void *data)
{
    struct config_report *other = config_report_create();
    struct config_file *file;
    int result;

    if (!other) {
        return -1;
    }
    file = config_file_read(data, other);
    result = file && config_report_errors(other) == 0 ? 0 : -1;
    config_file_free(file);
    config_report_free(other);
    return result;
}

static void test_no_memory(void **state)
{
    char path[PATH_MAX];

    (void)state;
    files_write("one", "[b]\nx=1\n[b](+)\ny=1\n");
    strcpy(path, files_write("main", "[t](!)\nx=1\nx+=2\n[a](t)\ny=2\n#include \"one\"\n"));
    assert_true(failmalloc_each(read_whole, path, 0) > 8);
    config_file_free(NULL);
}

/* What somebody does to the file that is read, while it is read. */
static void (*meanwhile)(const char *path);
static char meanwhile_path[PATH_MAX];

size_t __real_fread(void *out, size_t size, size_t count, FILE *file);
size_t __wrap_fread(void *out, size_t size, size_t count, FILE *file);

size_t __wrap_fread(void *out, size_t size, size_t count, FILE *file)
{
    if (meanwhile) {
        meanwhile(meanwhile_path);
    }
    return __real_fread(out, size, count, file);
}

static void write_text(const char *path, const char *mode, const char *text)
{
    FILE *file = fopen(path, mode);

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void write_more(const char *path)
{
    write_text(path, "a", "[c]\nz=3\n");
}

static void write_less(const char *path)
{
    write_text(path, "w", "[a]\n");
}

static void write_as_much(const char *path)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = 1}};

    write_text(path, "w", "[b]\nx=2\n");
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* A part of a file, or parts of two, is no configuration. */
static void test_a_file_that_is_being_written(void **state)
{
    static void (*const writers[])(const char *path) = {write_more, write_less, write_as_much};

    (void)state;
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        struct config_file *file;

        snprintf(meanwhile_path, sizeof(meanwhile_path), "%s",
                 files_write("main.conf", "[a]\nx=1\n"));
        meanwhile = writers[i];
        file = config_file_read(meanwhile_path, report);
        meanwhile = NULL;
        assert_null(file);
        files_check("main.conf: error: the file has changed while it was read\n");
        file = config_file_read(meanwhile_path, report);
        assert_non_null(file);
        files_check("");
        config_file_free(file);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, files_begin, files_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sections_and_settings),
        TEST(test_arrow),
        TEST(test_comments),
        TEST(test_open_comment_is_an_error),
        TEST(test_templates),
        TEST(test_inherited_lines_know_where_they_are_from),
        TEST(test_what_a_template_gets_later_is_not_inherited),
        TEST(test_plus),
        TEST(test_append_to_a_value),
        TEST(test_escaped_names),
        TEST(test_wrong_lines),
        TEST(test_wrong_headers),
        TEST(test_control_characters),
        TEST(test_directives),
        TEST(test_long_lines),
        TEST(test_long_values),
        TEST(test_nested_comments),
        TEST(test_endless_growth_ends),
        TEST(test_include),
        TEST(test_include_by_absolute_path),
        TEST(test_include_pattern),
        TEST(test_include_of_nothing),
        TEST(test_include_in_a_circle),
        TEST(test_include_depth),
        TEST(test_errors_in_an_included_file),
        TEST(test_unreadable_files),
        TEST(test_a_file_that_is_being_written),
        TEST(test_relative_to_the_working_directory),
        TEST(test_every_cut_and_every_changed_octet),
        TEST(test_no_memory),
    };

    return cmocka_run_group_tests_name("lexer", tests, NULL, NULL);
}
