/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control: the asking side, for a program of its own. It waits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/control.h"

static int send_line(int fd, const char *line)
{
    char text[CONTROL_LINE_SIZE];
    int length = snprintf(text, sizeof(text), "%s\n", line), sent = 0;

    if (length >= (int)sizeof(text)) {
        errno = EMSGSIZE;
        return -1;
    }
    while (sent < length) {
        ssize_t done = send(fd, text + sent, (size_t)(length - sent), MSG_NOSIGNAL);

        if (done < 0 && errno != EINTR) {
            return -1;
        }
        sent += done > 0 ? (int)done : 0;
    }
    return 0;
}

/* The status; -1 and errno: the answer has no end. */
static int read_answer(FILE *in, FILE *out)
{
    char *line = NULL;
    size_t size = 0;
    int status = -1;

    errno = 0;
    while (status < 0 && getline(&line, &size, in) > 0) {
        if (line[0] == '-') {
            fputs(line + 1, out);
        } else if (line[0] == '=') {
            status = atoi(line + 1) & 0xff;
        }
    }
    if (status < 0 && errno == 0) {
        errno = ECONNRESET;
    }
    free(line);
    return status;
}

int control_ask(const char *path, const char *line, FILE *out, int *why)
{
    int fd = control_connect(path), status = -1;
    FILE *in = NULL;

    if (fd >= 0 && send_line(fd, line) == 0 && (in = fdopen(fd, "r"))) {
        status = read_answer(in, out);
    }
    *why = errno;
    if (in) {
        fclose(in);
    } else if (fd >= 0) {
        close(fd);
    }
    return status;
}
