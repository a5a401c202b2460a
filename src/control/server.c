/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control: the answering side: one thread that waits for all clients at once, so that a slow one
 * keeps nobody waiting. What a request means is its handler's business.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <sipsession/log.h>

#include "base/base.h"
#include "control/control.h"

struct control_request {
    struct control_request *next; /* of those that are answered */
    unsigned long long client;    /* its number: it may be gone by then */
    char *text;                   /* what is to be sent; NULL: there was no memory */
    size_t length;
};

enum state { READING, WAITING, WRITING };

struct client {
    int fd; /* -1: the place is free */
    enum state state;
    unsigned long long number;
    long long deadline; /* ms; of READING and WRITING */
    char line[CONTROL_LINE_SIZE];
    size_t used;
    char *answer;
    size_t length, sent;
};

static struct {
    pthread_t thread;
    int running;
    int fd;
    char *path;
    control_handler handler;
    void *data;
    struct client clients[CONTROL_CLIENTS]; /* the thread's own */
    unsigned long long next_number;
} server = {.fd = -1};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards these three */
static struct control_request *answered;
static int wake_fd = -1; /* -1: no thread takes answers */
static int stopping;

static const char no_memory[] = "=1\n";

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* ---- answers ---- */

/* "-" before each line, and the status behind all. NULL: no memory. */
static char *make_answer(int status, const char *text, size_t *length)
{
    char *answer = NULL;
    FILE *out = open_memstream(&answer, length);
    size_t used = 0;

    if (!out) {
        return NULL;
    }
    while (*text && used < CONTROL_ANSWER_SIZE) {
        const char *end = strchrnul(text, '\n');
        size_t line = (size_t)(end - text);

        fputc('-', out);
        fwrite(text, 1, line, out);
        fputc('\n', out);
        used += line + 2;
        text = end + (*end == '\n');
    }
    if (*text) {
        fputs("-and more\n", out);
    }
    fprintf(out, "=%d\n", status & 0xff);
    if (fclose(out) != 0) {
        free(answer);
        return NULL;
    }
    return answer;
}

static void free_request(struct control_request *request)
{
    free(request->text);
    free(request);
}

void control_answer(struct control_request *request, int status, const char *text)
{
    const unsigned long long one = 1;

    request->text = make_answer(status, text, &request->length);
    pthread_mutex_lock(&lock);
    if (wake_fd < 0) {
        pthread_mutex_unlock(&lock);
        free_request(request);
        return;
    }
    request->next = answered;
    answered = request;
    if (write(wake_fd, &one, sizeof(one)) < 0) {
        ast_debug("control: %m"); /* it is awake already */
    }
    pthread_mutex_unlock(&lock);
}

/* ---- clients ---- */

static void drop(struct client *client)
{
    close(client->fd);
    free(client->answer);
    *client = (struct client){.fd = -1};
}

static void be_patient(struct client *client)
{
    client->deadline = now_ms() + CONTROL_PATIENCE_MS;
}

static struct client *free_place(void)
{
    for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
        if (server.clients[i].fd < 0) {
            return &server.clients[i];
        }
    }
    return NULL;
}

static void accept_clients(void)
{
    struct client *client;
    int fd;

    while ((client = free_place()) &&
           (fd = accept4(server.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        client->fd = fd;
        client->state = READING;
        client->number = ++server.next_number;
        be_patient(client);
    }
}

/* The answer, as far as the client reads it now. */
static void write_answer(struct client *client)
{
    const char *answer = client->answer ? client->answer : no_memory;

    while (client->sent < client->length) {
        ssize_t done = send(client->fd, answer + client->sent, client->length - client->sent,
                            MSG_NOSIGNAL | MSG_DONTWAIT);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0 && errno == EAGAIN) {
            return;
        }
        if (done < 0) {
            drop(client);
            return;
        }
        client->sent += (size_t)done;
        be_patient(client);
    }
    drop(client);
}

/* Takes over the text; NULL: there was no memory for it. */
static void begin_answer(struct client *client, char *text, size_t length)
{
    client->answer = text;
    client->length = text ? length : sizeof(no_memory) - 1;
    client->sent = 0;
    client->state = WRITING;
    be_patient(client);
    write_answer(client);
}

static void refuse(struct client *client, const char *why)
{
    size_t length = 0;
    char *text = make_answer(2, why, &length);

    begin_answer(client, text, length);
}

static int is_plain(const char *line)
{
    for (; *line; line++) {
        if ((unsigned char)*line < ' ' || *line == 0x7f) {
            return 0;
        }
    }
    return 1;
}

static void hand_over(struct client *client)
{
    struct control_request *request;

    if (!is_plain(client->line)) {
        refuse(client, "a request is one line of text\n");
        return;
    }
    request = calloc(1, sizeof(*request));
    if (!request) {
        begin_answer(client, NULL, 0);
        return;
    }
    request->client = client->number;
    client->state = WAITING;
    server.handler(request, client->line, server.data);
}

static void read_request(struct client *client)
{
    ssize_t length = recv(client->fd, client->line + client->used,
                          sizeof(client->line) - 1 - client->used, MSG_DONTWAIT);
    char *end;

    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (length <= 0) {
        drop(client);
        return;
    }
    client->used += (size_t)length;
    client->line[client->used] = '\0';
    end = memchr(client->line, '\n', client->used);
    if (end) {
        *end = '\0';
        hand_over(client);
    } else if (client->used == sizeof(client->line) - 1) {
        refuse(client, "the request is too long\n");
    }
}

static void on_ready(struct client *client, int events)
{
    if (client->state == WRITING) {
        write_answer(client);
    } else if (client->state == READING) {
        read_request(client);
    } else if (events & (POLLHUP | POLLERR)) { /* it does not wait any more */
        drop(client);
    }
}

/* ---- the thread ---- */

/* 0: it is to end. */
static int take_answers(void)
{
    struct control_request *list, *next;
    unsigned long long count;
    int go_on;

    pthread_mutex_lock(&lock);
    if (read(wake_fd, &count, sizeof(count)) < 0) {
        ast_debug("control: nothing to wake up for");
    }
    list = answered;
    answered = NULL;
    go_on = !stopping;
    pthread_mutex_unlock(&lock);
    for (; list; list = next) {
        next = list->next;
        for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
            struct client *client = &server.clients[i];

            if (client->fd >= 0 && client->number == list->client && client->state == WAITING) {
                begin_answer(client, list->text, list->length);
                list->text = NULL;
                break;
            }
        }
        free_request(list);
    }
    return go_on;
}

/* Closes those that took too long; ms until the next one does; -1: none is in a hurry. */
static int look_at_deadlines(void)
{
    const long long now = now_ms();
    long long first = -1;

    for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
        struct client *client = &server.clients[i];

        if (client->fd < 0 || client->state == WAITING) {
            continue;
        }
        if (client->deadline <= now) {
            drop(client);
        } else if (first < 0 || client->deadline - now < first) {
            first = client->deadline - now;
        }
    }
    return (int)first;
}

static void *thread_main(void *unused)
{
    struct pollfd fds[CONTROL_CLIENTS + 2];
    int go_on = 1;

    (void)unused;
    pthread_setname_np(pthread_self(), "control");
    while (go_on) {
        int wait = look_at_deadlines();

        fds[0] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = free_place() ? server.fd : -1, .events = POLLIN};
        for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
            const struct client *client = &server.clients[i];

            fds[i + 2] = (struct pollfd){.fd = client->fd,
                                         .events = client->state == WRITING   ? POLLOUT
                                                   : client->state == READING ? POLLIN
                                                                              : 0};
        }
        if (poll(fds, CONTROL_CLIENTS + 2, wait) < 0) {
            continue;
        }
        for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
            if (fds[i + 2].revents && server.clients[i].fd == fds[i + 2].fd) {
                on_ready(&server.clients[i], fds[i + 2].revents);
            }
        }
        if (fds[1].revents) {
            accept_clients();
        }
        if (fds[0].revents) {
            go_on = take_answers();
        }
    }
    return NULL;
}

/* Signals are for the main thread. */
static int start_thread(void)
{
    sigset_t everything, before;
    int result;

    sigfillset(&everything);
    pthread_sigmask(SIG_SETMASK, &everything, &before);
    result = pthread_create(&server.thread, NULL, thread_main, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static int failed(const char *path)
{
    const int saved = errno;

    ast_log(saved == EACCES || saved == EROFS || saved == EPERM ? AST_LOG_WARNING : AST_LOG_ERROR,
            "control: no socket %s: %s", path,
            saved == EADDRINUSE ? "another server listens there"
            : saved == ENOTSOCK ? "another file is in the way"
                                : strerror(saved));
    errno = saved;
    return -1;
}

int control_start(const char *path, control_handler handler, void *data)
{
    int fd = control_listen(path);

    if (fd < 0) {
        return failed(path);
    }
    server.fd = fd;
    server.path = strdup(path);
    server.handler = handler;
    server.data = data;
    server.next_number = 0;
    stopping = 0;
    for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
        server.clients[i].fd = -1;
    }
    wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    server.running = server.path && wake_fd >= 0 && (errno = start_thread()) == 0;
    if (!server.running) {
        failed(path);
        control_stop();
        return -1;
    }
    return 0;
}

void control_stop(void)
{
    const unsigned long long one = 1;
    struct control_request *list;
    int wake;

    pthread_mutex_lock(&lock);
    stopping = 1;
    if (wake_fd >= 0 && write(wake_fd, &one, sizeof(one)) < 0) {
        ast_debug("control: %m");
    }
    pthread_mutex_unlock(&lock);
    if (server.running) {
        pthread_join(server.thread, NULL);
        server.running = 0;
    }
    pthread_mutex_lock(&lock); /* answers are dropped from now on */
    wake = wake_fd;
    wake_fd = -1;
    list = answered;
    answered = NULL;
    pthread_mutex_unlock(&lock);
    while (list) {
        struct control_request *next = list->next;

        free_request(list);
        list = next;
    }
    if (wake >= 0) {
        close(wake);
    }
    for (unsigned i = 0; server.fd >= 0 && i < CONTROL_CLIENTS; i++) {
        if (server.clients[i].fd >= 0) {
            drop(&server.clients[i]);
        }
    }
    if (server.fd >= 0) {
        close(server.fd);
        server.fd = -1;
        if (server.path) {
            control_unlink(server.path);
        }
    }
    free(server.path);
    server.path = NULL;
}
