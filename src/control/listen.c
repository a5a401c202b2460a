/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control: UNIX domain sockets by their paths. What is said on them is not known here.
 *
 * The system's address of a socket has room for 107 octets, folders have longer names: the folder is
 * opened, and the socket named within it through /proc.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/control.h"

#define BACKLOG 16

/* The address of a path, good while the folder's descriptor is open. The descriptor; -1 and errno. */
static int make_address(const char *path, struct sockaddr_un *address)
{
    char copy[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    int folder, length;

    if (strlen(path) >= sizeof(copy)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(copy, path);
    folder = open(dirname(copy), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return -1;
    }
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    length =
        snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", folder, name);
    if (*name == '\0' || length >= (int)sizeof(address->sun_path)) {
        close(folder);
        errno = *name ? ENAMETOOLONG : EINVAL;
        return -1;
    }
    return folder;
}

/* Closes descriptors and keeps errno. */
static int fail(int one, int other)
{
    const int saved = errno;

    if (one >= 0) {
        close(one);
    }
    if (other >= 0) {
        close(other);
    }
    errno = saved;
    return -1;
}

int control_connect(const char *path)
{
    struct sockaddr_un address;
    int folder = make_address(path, &address);
    int fd = folder >= 0 ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;

    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        return fail(fd, folder);
    }
    close(folder);
    return fd;
}

/* 0: the path is free now. -1 and errno: it is not. */
static int make_room(const char *path)
{
    struct stat info;
    int fd;

    if (lstat(path, &info) != 0) {
        return errno == ENOENT ? 0 : -1;
    }
    if (!S_ISSOCK(info.st_mode)) {
        errno = ENOTSOCK;
        return -1;
    }
    fd = control_connect(path);
    if (fd >= 0) { /* somebody is there */
        close(fd);
        errno = EADDRINUSE;
        return -1;
    }
    return errno == ECONNREFUSED ? unlink(path) : -1;
}

int control_listen(const char *path)
{
    struct sockaddr_un address;
    int folder, fd;

    if (make_room(path) != 0) {
        return -1;
    }
    folder = make_address(path, &address);
    fd = folder >= 0 ? socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    /* the mode before there is a name: nobody else can connect in between */
    if (fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR) != 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(fd, BACKLOG) != 0) {
        return fail(fd, folder);
    }
    close(folder);
    return fd;
}

void control_unlink(const char *path)
{
    struct stat info;
    int fd = control_connect(path);

    if (fd >= 0) { /* another server has taken the place */
        close(fd);
    } else if (errno == ECONNREFUSED && lstat(path, &info) == 0 && S_ISSOCK(info.st_mode)) {
        unlink(path);
    }
}
