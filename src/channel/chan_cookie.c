/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: cookies: what modules keep on a channel. A few at most: a list.
 */
#include <stdlib.h>

#include <sipsession/log.h>

#include "channel/channel.h"

struct chan_cookie {
    struct chan_cookie *next;
    const struct ast_channel_cookie *kind;
    void *data;
};

static struct chan_cookie **find(struct ast_channel *channel, const struct ast_channel_cookie *kind)
{
    struct chan_cookie **at = &channel->cookies;

    while (*at != NULL && (*at)->kind != kind) {
        at = &(*at)->next;
    }
    return at;
}

/* Off the list first: destroy may look at the channel. */
static void drop(struct chan_cookie **at)
{
    struct chan_cookie *cookie = *at;

    *at = cookie->next;
    if (cookie->kind->destroy != NULL) {
        cookie->kind->destroy(cookie->data);
    }
    free(cookie);
}

int ast_channel_set_cookie(struct ast_channel *channel, const struct ast_channel_cookie *cookie,
                           void *data)
{
    struct chan_cookie **at, *made = NULL;

    base_assert_sip_thread();
    if (data != NULL) {
        made = malloc(sizeof(*made));
        if (made == NULL) {
            ast_error_limited("%s: no memory for %s", channel->name, cookie->name);
            return -1;
        }
        *made = (struct chan_cookie){.kind = cookie, .data = data};
    }
    at = find(channel, cookie);
    if (*at != NULL) {
        drop(at);
    }
    if (made != NULL) {
        made->next = channel->cookies;
        channel->cookies = made;
    }
    return 0;
}

void *ast_channel_get_cookie(const struct ast_channel *channel,
                             const struct ast_channel_cookie *cookie)
{
    const struct chan_cookie *at = channel->cookies;

    base_assert_sip_thread();
    while (at != NULL && at->kind != cookie) {
        at = at->next;
    }
    return at != NULL ? at->data : NULL;
}

void chan_cookies_clear(struct ast_channel *channel)
{
    while (channel->cookies != NULL) {
        drop(&channel->cookies);
    }
}

static void drop_kind(struct ast_channel *channel, const void *kind)
{
    struct chan_cookie **at = find(channel, kind);

    if (*at != NULL) {
        drop(at);
    }
}

void ast_channel_drop_cookies(const struct ast_channel_cookie *cookie)
{
    base_assert_sip_thread();
    chan_for_all(drop_kind, cookie);
}
