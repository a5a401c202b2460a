/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests over a socket: answers at once and later, sockets that are in the way, clients that go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/control.h"

static char folder[300], path[400];
static struct control_request *kept; /* a request that the handler has not answered */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void handle(struct control_request *request, const char *line, void *data)
{
    assert_ptr_equal(data, folder);
    if (strcmp(line, "twice") == 0) {
        control_answer(request, 0, "one\ntwo");
    } else if (strcmp(line, "nothing") == 0) {
        control_answer(request, 7, "");
    } else if (strcmp(line, "much") == 0) {
        char *text = malloc(2 * CONTROL_ANSWER_SIZE + 1);

        memset(text, 'x', 2 * CONTROL_ANSWER_SIZE);
        for (size_t i = 99; i < 2 * CONTROL_ANSWER_SIZE; i += 100) {
            text[i] = '\n';
        }
        text[2 * CONTROL_ANSWER_SIZE] = '\0';
        control_answer(request, 0, text);
        free(text);
    } else {
        pthread_mutex_lock(&lock);
        kept = request;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
}

static int begin(void **state)
{
    char base[] = "/tmp/control-XXXXXX";

    (void)state;
    kept = NULL;
    /* longer than the system's address of a socket */
    snprintf(folder, sizeof(folder), "%s", mkdtemp(base));
    for (int i = 0; i < 4; i++) {
        strcat(folder, "/a-folder-with-a-long-name-of-some-length");
        assert_int_equal(mkdir(folder, 0700), 0);
    }
    snprintf(path, sizeof(path), "%s/socket", folder);
    assert_true(strlen(path) > 120);
    return 0;
}

static int end(void **state)
{
    (void)state;
    control_stop();
    unlink(path);
    while (strcmp(folder, "/tmp") != 0) {
        assert_int_equal(rmdir(folder), 0);
        *strrchr(folder, '/') = '\0';
    }
    return 0;
}

/* What is answered; the status is the result. */
static int ask(const char *line, char *out, size_t size)
{
    FILE *file = fmemopen(out, size, "w");
    int why, status;

    memset(out, 0, size);
    status = control_ask(path, line, file, &why);
    fclose(file);
    return status;
}

static void check(const char *line, int status, const char *expected)
{
    char text[300];

    assert_int_equal(ask(line, text, sizeof(text)), status);
    assert_string_equal(text, expected);
}

static struct control_request *wait_for_request(void)
{
    struct control_request *request;

    pthread_mutex_lock(&lock);
    while (!kept) {
        pthread_cond_wait(&changed, &lock);
    }
    request = kept;
    kept = NULL;
    pthread_mutex_unlock(&lock);
    return request;
}

static void test_answers(void **state)
{
    char line[CONTROL_LINE_SIZE + 10];

    (void)state;
    assert_int_equal(control_start(path, handle, folder), 0);
    check("twice", 0, "one\ntwo\n");
    check("nothing", 7, "");
    check("a\tb", 2, "a request is one line of text\n");
    memset(line, 'a', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    check(line, -1, ""); /* it was not sent */
    for (int i = 0; i < 200; i++) {
        check("twice", 0, "one\ntwo\n");
    }
}

static void test_a_long_answer_is_cut(void **state)
{
    const size_t size = 2 * CONTROL_ANSWER_SIZE;
    char *text = malloc(size);
    size_t length;

    (void)state;
    assert_int_equal(control_start(path, handle, folder), 0);
    assert_int_equal(ask("much", text, size), 0);
    length = strlen(text);
    assert_in_range(length, CONTROL_ANSWER_SIZE - 30000, CONTROL_ANSWER_SIZE);
    assert_string_equal(text + length - 10, "\nand more\n");
    free(text);
}

static void *answer_later(void *unused)
{
    struct control_request *request = wait_for_request();

    (void)unused;
    control_answer(request, 3, "late\n");
    return NULL;
}

static void test_an_answer_of_another_thread(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(control_start(path, handle, folder), 0);
    assert_int_equal(pthread_create(&thread, NULL, answer_later, NULL), 0);
    check("later", 3, "late\n");
    pthread_join(thread, NULL);
}

/* The client has gone when its answer comes; the number of its place is another one's by then. */
static void test_a_client_that_goes(void **state)
{
    struct control_request *request;
    char text[100] = "";
    size_t used = 0;
    ssize_t length;
    int fd;

    (void)state;
    assert_int_equal(control_start(path, handle, folder), 0);
    fd = control_connect(path);
    assert_int_equal(send(fd, "later\n", 6, MSG_NOSIGNAL), 6);
    request = wait_for_request();
    close(fd);
    check("twice", 0, "one\ntwo\n");
    fd = control_connect(path);
    assert_int_equal(send(fd, "later\n", 6, MSG_NOSIGNAL), 6);
    control_answer(request, 0, "for nobody\n");
    control_answer(wait_for_request(), 0, "for you\n");
    while ((length = recv(fd, text + used, sizeof(text) - 1 - used, 0)) > 0) {
        used += (size_t)length;
    }
    assert_string_equal(text, "-for you\n=0\n");
    close(fd);
}

static void test_a_stop_without_an_answer(void **state)
{
    struct control_request *request;
    char text[100] = "";
    int fd;

    (void)state;
    assert_int_equal(control_start(path, handle, folder), 0);
    fd = control_connect(path);
    assert_int_equal(send(fd, "later\n", 6, MSG_NOSIGNAL), 6);
    request = wait_for_request();
    control_stop();
    assert_int_equal(recv(fd, text, sizeof(text), 0), 0);
    close(fd);
    assert_int_equal(access(path, F_OK), -1);
    check("twice", -1, "");
    control_answer(request, 0, "too late\n");
    control_stop(); /* harmless */
}

static void test_what_is_in_the_way(void **state)
{
    struct stat info;
    int fd, why;
    FILE *file;

    (void)state;
    fd = control_listen(path);
    assert_true(fd >= 0);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(control_start(path, handle, folder), -1);
    assert_int_equal(errno, EADDRINUSE);
    close(fd); /* nobody listens any more, the socket is left */
    assert_int_equal(control_ask(path, "twice", stderr, &why), -1);
    assert_int_equal(why, ECONNREFUSED);
    assert_int_equal(control_start(path, handle, folder), 0);
    check("twice", 0, "one\ntwo\n");
    control_stop();
    assert_int_equal(control_ask(path, "twice", stderr, &why), -1);
    assert_int_equal(why, ENOENT);
    file = fopen(path, "w");
    fputs("precious", file);
    fclose(file);
    assert_int_equal(control_start(path, handle, folder), -1);
    assert_int_equal(errno, ENOTSOCK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 8);
    assert_int_equal(control_start("/nonexistent/folder/socket", handle, folder), -1);
    assert_int_equal(errno, ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_answers),
        TEST(test_a_long_answer_is_cut),
        TEST(test_an_answer_of_another_thread),
        TEST(test_a_client_that_goes),
        TEST(test_a_stop_without_an_answer),
        TEST(test_what_is_in_the_way),
    };

    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
