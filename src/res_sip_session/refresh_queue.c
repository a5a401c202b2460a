/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the refresh queue, a pure machine (see refresh_queue.h). No call of PJSIP, no
 * clock and no I/O may come in here.
 *
 * At most one request of ours is under way. The others wait in their order; only an UPDATE without
 * an offer, which cannot collide with anything, may pass one that has to wait.
 */
#include "res_sip_session/refresh_queue.h"

#include <stdlib.h>
#include <string.h>

/* How an entry would be sent now */
struct form {
    int update;
    int offer;
};

void refresh_queue_init(struct refresh_queue *queue, int owns_call_id,
                        unsigned (*random)(void *data), void *random_data)
{
    memset(queue, 0, sizeof(*queue));
    pj_list_init(&queue->entries);
    queue->owns_call_id = owns_call_id;
    queue->random = random;
    queue->random_data = random_data;
}

void refresh_queue_release(struct refresh_queue *queue)
{
    struct refresh_entry *entry = queue->entries.next, *next;

    for (; entry != &queue->entries; entry = next) {
        next = entry->next;
        free(entry);
    }
    pj_list_init(&queue->entries);
    queue->count = 0;
    queue->over = 1;
}

unsigned refresh_queue_add(struct refresh_queue *queue,
                           const struct ast_sip_session_refresh *refresh)
{
    struct refresh_entry *entry;

    if (queue->over || queue->count >= REFRESH_MOST_QUEUED) {
        return 0;
    }
    entry = calloc(1, sizeof(*entry));
    if (!entry) {
        return 0;
    }
    entry->refresh = *refresh;
    if (++queue->last_id == 0) {
        queue->last_id = 1;
    }
    entry->id = queue->last_id;
    pj_list_push_back(&queue->entries, entry);
    queue->count++;
    return entry->id;
}

static void done(struct refresh_entry *entry, int status)
{
    entry->state = REFRESH_DONE;
    entry->status = status;
}

/* The one that was sent or is being sent, or NULL. */
static struct refresh_entry *busy_entry(const struct refresh_queue *queue)
{
    struct refresh_entry *entry;

    for (entry = queue->entries.next; entry != &queue->entries; entry = entry->next) {
        if (entry->state == REFRESH_SENDING || entry->state == REFRESH_UNDER_WAY) {
            return entry;
        }
    }
    return NULL;
}

int refresh_queue_is_busy(const struct refresh_queue *queue)
{
    return busy_entry(queue) != NULL;
}

int refresh_queue_cancel(struct refresh_queue *queue, unsigned id)
{
    struct refresh_entry *entry = queue->entries.next;

    while (entry != &queue->entries && entry->id != id) {
        entry = entry->next;
    }
    if (entry == &queue->entries || entry->state == REFRESH_DONE) {
        return -1;
    }
    if (entry->state == REFRESH_WAITING) {
        done(entry, 0);
        return 0;
    }
    if (entry->as_update) { /* RFC 3311 5.1: there is no CANCEL of UPDATE */
        return -1;
    }
    entry->cancelled = 1;
    return 0;
}

static struct form choose_form(const struct refresh_queue *queue, const struct refresh_view *view,
                               const struct ast_sip_session_refresh *refresh)
{
    struct form form = {0, !refresh->without_offer};
    int takes_update = view->peer_takes_update && !queue->no_update;

    switch (refresh->method) {
    case AST_SIP_SESSION_REFRESH_INVITE:
        return form; /* without an offer it asks for the peer's */
    case AST_SIP_SESSION_REFRESH_UPDATE:
        form.update = takes_update;
        break;
    case AST_SIP_SESSION_REFRESH_AUTO:
        form.update = takes_update && (refresh->without_offer || !view->confirmed);
        break;
    }
    /* What was to leave the media alone does so as a re-INVITE by offering what is agreed. */
    form.offer |= !form.update;
    return form;
}

static int may_send(const struct refresh_view *view, struct form form)
{
    int offer_outstanding = view->our_offer || view->their_offer;
    int invite_pending = view->our_invite || view->their_invite;

    if ((!view->confirmed && !view->early) || view->our_update) {
        return 0;
    }
    if (!form.update) { /* RFC 3261 14.1; and one without an offer asks for one (RFC 6337 4.3) */
        return view->confirmed && !invite_pending && !view->unacked && !offer_outstanding;
    }
    if (!form.offer) {
        return 1;
    }
    /* RFC 3311 5.1; before the ACK the peer may not have our answer yet */
    return !offer_outstanding && !view->unacked &&
           (invite_pending ? view->early_offer_ok : view->confirmed);
}

/*
 * The first that may go now, with its form; NULL: none. until: when the earliest of those that
 * wait for a time may go, 0 when none does.
 */
static struct refresh_entry *next_to_send(const struct refresh_queue *queue,
                                          const struct refresh_view *view, uint64_t now_ms,
                                          struct form *form, uint64_t *until)
{
    struct refresh_entry *entry;
    int blocked[2] = {0, 0}; /* of [1] are UPDATEs without an offer, of [0] all else */

    *until = 0;
    for (entry = queue->entries.next; entry != &queue->entries; entry = entry->next) {
        struct form now = choose_form(queue, view, &entry->refresh);
        int lane = now.update && !now.offer;

        if (blocked[lane]) {
            continue;
        }
        if (entry->not_before > now_ms) {
            blocked[lane] = 1;
            if (*until == 0 || entry->not_before < *until) {
                *until = entry->not_before;
            }
        } else if (!may_send(view, now)) {
            blocked[lane] = 1;
        } else {
            *form = now;
            return entry;
        }
    }
    return NULL;
}

static void act_on(struct refresh_action *action, enum refresh_action_kind kind,
                   const struct refresh_entry *entry)
{
    action->kind = kind;
    action->id = entry->id;
    action->refresh = entry->refresh;
}

static void drop(struct refresh_queue *queue, struct refresh_entry *entry)
{
    pj_list_erase(entry);
    queue->count--;
    free(entry);
}

/* 1: a result, or the session's end, was handed out. */
static int step_results(struct refresh_queue *queue, struct refresh_action *action)
{
    struct refresh_entry *entry;

    for (entry = queue->entries.next; entry != &queue->entries; entry = entry->next) {
        if (entry->state == REFRESH_DONE) {
            act_on(action, REFRESH_ACTION_RESULT, entry);
            action->status = entry->status;
            drop(queue, entry);
            return 1;
        }
    }
    if (queue->end_status != 0) {
        action->kind = REFRESH_ACTION_END_SESSION;
        action->status = queue->end_status;
        refresh_queue_ended(queue);
        return 1;
    }
    return 0;
}

void refresh_queue_step(struct refresh_queue *queue, const struct refresh_view *view,
                        uint64_t now_ms, struct refresh_action *action)
{
    struct refresh_entry *entry;
    struct form form;

    memset(action, 0, sizeof(*action));
    if (step_results(queue, action)) {
        return;
    }
    entry = busy_entry(queue);
    if (entry) {
        if (entry->state == REFRESH_UNDER_WAY && entry->cancelled && !entry->cancel_done) {
            entry->cancel_done = 1;
            act_on(action, REFRESH_ACTION_CANCEL, entry);
        }
        return;
    }
    entry = next_to_send(queue, view, now_ms, &form, &action->until);
    if (entry) {
        entry->state = REFRESH_SENDING;
        entry->as_update = form.update;
        entry->tries++;
        act_on(action, REFRESH_ACTION_SEND, entry);
        action->as_update = form.update;
        action->with_offer = form.offer;
        action->until = 0;
    } else if (action->until != 0) {
        action->kind = REFRESH_ACTION_WAIT;
    }
}

void refresh_queue_sent(struct refresh_queue *queue, int ok)
{
    struct refresh_entry *entry = busy_entry(queue);

    if (!entry || entry->state != REFRESH_SENDING) {
        return; /* its final response, or the session's end, was faster */
    }
    if (ok) {
        entry->state = REFRESH_UNDER_WAY;
    } else {
        done(entry, 0);
    }
}

/* RFC 3261 14.1: 2.1 to 4 s for the owner of the Call-ID, else 0 to 2 s, in units of 10 ms */
static unsigned glare_wait_ms(const struct refresh_queue *queue)
{
    unsigned random = queue->random(queue->random_data);

    return queue->owns_call_id ? 2100 + 10 * (random % 191) : 10 * (random % 201);
}

/* Whether a refusal is one after which the request is sent again; not_before is when. */
static int is_to_retry(struct refresh_queue *queue, const struct refresh_entry *entry, int status,
                       int retry_after_s, uint64_t now_ms, uint64_t *not_before)
{
    *not_before = now_ms;
    switch (status) {
    case 491:
        *not_before += glare_wait_ms(queue);
        return 1;
    case 422: /* RFC 4028 7.4: with the peer's Min-SE, which a hook sees to */
        return 1;
    case 500:
    case 503: /* RFC 3261 14.2, 21.5.4 */
        if (retry_after_s < 0) {
            return 0;
        }
        if (retry_after_s > REFRESH_MOST_RETRY_AFTER_S) {
            retry_after_s = REFRESH_MOST_RETRY_AFTER_S;
        }
        *not_before += (uint64_t)retry_after_s * 1000;
        return 1;
    case 405:
    case 501: /* its Allow was wrong, or is not for this dialog */
        queue->no_update |= entry->as_update;
        return entry->as_update;
    default:
        return 0;
    }
}

void refresh_queue_final(struct refresh_queue *queue, int status, int retry_after_s,
                         uint64_t now_ms)
{
    struct refresh_entry *entry = busy_entry(queue);
    uint64_t not_before;

    if (!entry || status < 200) {
        return;
    }
    if (is_to_retry(queue, entry, status, retry_after_s, now_ms, &not_before) &&
        !entry->cancelled && entry->tries < REFRESH_MOST_TRIES) {
        entry->not_before = not_before;
        entry->state = REFRESH_WAITING;
        return;
    }
    done(entry, status);
    if (status == 408 || status == 481) {
        queue->end_status = status;
    }
}

void refresh_queue_ended(struct refresh_queue *queue)
{
    struct refresh_entry *entry;

    queue->over = 1;
    queue->end_status = 0;
    for (entry = queue->entries.next; entry != &queue->entries; entry = entry->next) {
        if (entry->state != REFRESH_DONE) {
            done(entry, 0);
        }
    }
}

int refresh_verdict(const struct refresh_view *view, int is_invite, int has_offer)
{
    if (is_invite) {
        if (view->their_invite) {
            return 500;
        }
        /*
         * While an offer of ours is out, a re-INVITE can neither offer nor ask for an offer (RFC
         * 6337 4.3); that may be the one in our 2xx, before its ACK (RFC 5407 3.1.5). A 2xx whose
         * offer and answer are complete does not keep it out (RFC 5407 3.1.4).
         */
        if (view->our_invite || view->our_offer) {
            return 491;
        }
        return view->their_offer ? 500 : 0;
    }
    if (view->their_update) {
        return 500;
    }
    if (has_offer && view->our_offer) {
        return 491;
    }
    return has_offer && view->their_offer ? 500 : 0;
}
