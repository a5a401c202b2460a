/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: data of extensions on a session. Each kind of cookie has a slot, the same in
 * every session; a session has an array of as many places as it needs, and none before it holds the
 * first. Nothing of SIP here.
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip_session/session.h"

#define MOST_KINDS 64

/* By slot, which counts from 1. */
static struct ast_sip_session_cookie *kinds[MOST_KINDS + 1];

/* The sessions that hold any. */
static struct session_cookies holders = {.prev = &holders, .next = &holders};
static unsigned walks;

static int is_registered(const struct ast_sip_session_cookie *cookie)
{
    return cookie->slot >= 1 && cookie->slot <= MOST_KINDS && kinds[cookie->slot] == cookie;
}

int ast_sip_session_register_cookie(struct ast_sip_session_cookie *cookie)
{
    base_assert_sip_thread();
    if (is_registered(cookie)) {
        ast_error("The cookie %s is registered already", cookie->name);
        return -1;
    }
    for (unsigned slot = 1; slot <= MOST_KINDS; ++slot) {
        if (kinds[slot] == NULL) {
            kinds[slot] = cookie;
            cookie->slot = slot;
            return 0;
        }
    }
    ast_error("No room for the cookie %s: there are %d kinds", cookie->name, MOST_KINDS);
    return -1;
}

/* The place is empty before the destructor runs, which may look at the session. */
static void destroy(struct session_cookies *cookies, unsigned slot,
                    const struct ast_sip_session_cookie *cookie)
{
    void *data = slot <= cookies->count ? cookies->data[slot - 1] : NULL;

    if (data != NULL) {
        cookies->data[slot - 1] = NULL;
        if (cookie != NULL && cookie->destroy != NULL) {
            cookie->destroy(data);
        }
    }
}

void ast_sip_session_unregister_cookie(struct ast_sip_session_cookie *cookie)
{
    unsigned slot = cookie->slot;
    unsigned walk = ++walks;

    base_assert_sip_thread();
    if (!is_registered(cookie)) {
        return;
    }
    cookie->slot = 0; /* nobody can set or see it any more; the slot is free at the end */
    /*
     * A destructor may end sessions and unregister other cookies: so no place in the list is kept,
     * the holder that was seen goes to the end of it.
     */
    while (holders.next != &holders && holders.next->walk != walk) {
        struct session_cookies *holder = holders.next;

        pj_list_erase(holder);
        pj_list_push_back(&holders, holder);
        holder->walk = walk;
        destroy(holder, slot, cookie);
    }
    kinds[slot] = NULL;
}

/* Room for a slot. 0; -1: no memory. */
static int grow(struct session_cookies *cookies, unsigned slot)
{
    void **data;

    if (slot <= cookies->count) {
        return 0;
    }
    data = realloc(cookies->data, slot * sizeof(*data));
    if (data == NULL) {
        return -1;
    }
    memset(data + cookies->count, 0, (slot - cookies->count) * sizeof(*data));
    if (cookies->data == NULL) {
        pj_list_push_back(&holders, cookies);
    }
    cookies->data = data;
    cookies->count = slot;
    return 0;
}

int ast_sip_session_set_cookie(struct ast_sip_session *session,
                               const struct ast_sip_session_cookie *cookie, void *data)
{
    struct session_cookies *cookies = &session->priv->cookies;

    base_assert_sip_thread();
    if (!is_registered(cookie)) {
        ast_error_limited("The cookie %s is not registered", cookie->name);
        return -1;
    }
    if (session->priv->state == AST_SIP_SESSION_STATE_ENDED) {
        return -1;
    }
    if (data != NULL && grow(cookies, cookie->slot) != 0) {
        ast_error_limited("No memory for the cookie %s", cookie->name);
        return -1;
    }
    if (cookie->slot <= cookies->count && cookies->data[cookie->slot - 1] != data) {
        void *old = cookies->data[cookie->slot - 1];

        cookies->data[cookie->slot - 1] = data;
        if (old != NULL && cookie->destroy != NULL) {
            cookie->destroy(old);
        }
    }
    return 0;
}

void *ast_sip_session_get_cookie(const struct ast_sip_session *session,
                                 const struct ast_sip_session_cookie *cookie)
{
    const struct session_cookies *cookies = &session->priv->cookies;

    return cookie->slot >= 1 && cookie->slot <= cookies->count ? cookies->data[cookie->slot - 1]
                                                               : NULL;
}

void session_cookies_end(struct ast_sip_session *session)
{
    struct session_cookies *cookies = &session->priv->cookies;

    base_assert(session->priv->state == AST_SIP_SESSION_STATE_ENDED); /* none is set any more */
    for (unsigned slot = 1; slot <= cookies->count; ++slot) {
        destroy(cookies, slot, kinds[slot]);
    }
    if (cookies->data != NULL) {
        pj_list_erase(cookies);
        free(cookies->data);
        cookies->data = NULL;
        cookies->count = 0;
    }
}
