/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server: the requests that come over the control socket, on the control's thread; each is a row
 * here, and is done elsewhere.
 */
#include <string.h>

#include <sipsession/log.h>

#include "server/server.h"

static void on_reloaded(int result, const char *text, void *data)
{
    control_answer(data, result == 0 ? 0 : 1, text);
}

static void reload(struct control_request *request)
{
    ast_notice("A reload was asked for");
    if (ast_server_reload(on_reloaded, request) != 0) {
        control_answer(request, 1, "The server stops\n");
    }
}

static const struct {
    const char *name;
    void (*run)(struct control_request *request);
} requests[] = {
    {"reload", reload},
};

void server_request(struct control_request *request, const char *line, void *unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); ++i) {
        if (strcmp(requests[i].name, line) == 0) {
            requests[i].run(request);
            return;
        }
    }
    control_answer(request, 2, "There is no such request\n");
}
