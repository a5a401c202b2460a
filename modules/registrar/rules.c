/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: the rules of RFC 3261 10.3. Pure: lists in, a list out; what it allocates belongs to
 * the result.
 */
#include "rules.h"

#include <stdlib.h>
#include <string.h>

#define ONE_HOUR 3600

int rules_purge(const struct ast_sip_contact *now, long long time, struct ast_sip_contact **result,
                int *changed)
{
    struct ast_sip_contact *list = NULL, **end = &list;
    int gone = 0;

    for (; now; now = now->next) {
        if (now->expires == 0) {
            continue; /* configured */
        }
        if (now->expires <= time) {
            gone = 1;
            continue;
        }
        *end = ast_sip_contact_copy(now);
        if (!*end) {
            ast_sip_contacts_free(list);
            return -1;
        }
        end = &(*end)->next;
    }
    *result = list;
    *changed = gone;
    return 0;
}

/*
 * The binding that a contact is about. One of a flow has its instance and reg-id, whatever its URI
 * (RFC 5626 6); others have their URI. A phone that begins to use outbound takes over the binding
 * that it made without.
 */
static struct ast_sip_contact **find(struct ast_sip_contact **list,
                                     const struct rules_request *request,
                                     const struct rules_contact *contact)
{
    struct ast_sip_contact **at;

    for (at = list; contact->instance && *at; at = &(*at)->next) {
        if (ast_sip_contact_same_flow(*at, contact->instance, contact->reg_id)) {
            return at;
        }
    }
    for (at = list; *at; at = &(*at)->next) {
        if (!(contact->instance && (*at)->instance) && request->same((*at)->uri, contact->uri)) {
            break;
        }
    }
    return at;
}

static void take_out(struct ast_sip_contact **at)
{
    struct ast_sip_contact *contact = *at;

    *at = contact->next;
    contact->next = NULL;
    ast_sip_contacts_free(contact);
}

/*
 * Requests of one Call-ID may overtake each other: an older one does not undo what a newer one did
 * (step 7). 1: it may change this binding. 0: it is out of order. -1: it is the very request that
 * made the binding, whose answer was lost with us.
 */
static int in_order(const struct ast_sip_contact *contact, const struct rules_request *request)
{
    if (!contact->call_id || strcmp(contact->call_id, request->call_id) != 0 ||
        request->cseq > contact->cseq) {
        return 1;
    }
    return request->cseq == contact->cseq && contact->branch &&
                   strcmp(contact->branch, request->branch) == 0
               ? -1
               : 0;
}

/* Contact: * with Expires: 0 removes all (step 6). */
static int remove_all(struct ast_sip_contact **list, const struct rules_request *request,
                      int *changed)
{
    const struct ast_sip_contact *contact;

    if (request->count != 0 || request->expires != 0) {
        return 400;
    }
    for (contact = *list; contact; contact = contact->next) {
        if (in_order(contact, request) != 1) {
            return 500;
        }
    }
    *changed |= *list != NULL;
    ast_sip_contacts_free(*list);
    *list = NULL;
    return 200;
}

/* How long a contact wants to stay; 0: it goes. -1: too short a time. */
static long long duration(const struct ast_sip_aor *aor, const struct rules_request *request,
                          const struct rules_contact *contact)
{
    long long wanted = contact->expires != RULES_NO_EXPIRES   ? contact->expires
                       : request->expires != RULES_NO_EXPIRES ? request->expires
                                                              : aor->default_expiration;

    /* an interval of an hour or more is never too brief (step 7), whatever is configured */
    if (wanted > 0 && wanted < aor->minimum_expiration && wanted < ONE_HOUR) {
        return -1;
    }
    return wanted > aor->maximum_expiration ? aor->maximum_expiration : wanted;
}

static int set_text(char **out, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy) {
        return -1;
    }
    free(*out);
    *out = copy;
    return 0;
}

/* Makes or refreshes a binding. */
static int bind_contact(struct ast_sip_contact **at, const struct rules_request *request,
                        const struct rules_contact *contact, long long until)
{
    if (!*at && !(*at = ast_sip_contact_create(contact->uri))) {
        return 500;
    }
    if (set_text(&(*at)->uri, contact->uri) != 0 ||
        set_text(&(*at)->call_id, request->call_id) != 0 ||
        set_text(&(*at)->branch, request->branch) != 0 ||
        set_text(&(*at)->path, request->path) != 0 ||
        set_text(&(*at)->instance, contact->instance) != 0 ||
        set_text(&(*at)->flow, contact->flow) != 0 ||
        set_text(&(*at)->user_agent, request->user_agent) != 0 ||
        set_text(&(*at)->transport, request->transport) != 0) {
        return 500;
    }
    (*at)->cseq = request->cseq;
    (*at)->q = contact->q;
    (*at)->reg_id = contact->reg_id;
    (*at)->expires = until;
    return 200;
}

static int apply_contact(const struct ast_sip_aor *aor, struct ast_sip_contact **list,
                         const struct rules_request *request, const struct rules_contact *contact,
                         long long time, int *changed)
{
    struct ast_sip_contact **at = find(list, request, contact);
    long long lasts = duration(aor, request, contact);
    int order = *at ? in_order(*at, request) : 1;

    if (lasts < 0) {
        return 423;
    }
    if (order < 0) {
        return 200; /* done already, or twice in one request */
    }
    if (order == 0) {
        return 500;
    }
    if (lasts == 0) {
        if (*at) {
            *changed = 1;
            take_out(at);
        }
        return 200;
    }
    *changed = 1;
    return bind_contact(at, request, contact, time + lasts);
}

/* ---- how many there may be ---- */

static unsigned count(const struct ast_sip_contact *list)
{
    unsigned found = 0;

    for (; list; list = list->next) {
        found++;
    }
    return found;
}

/* Whether the request at hand made or refreshed it: it stays. */
static int is_new(const struct ast_sip_contact *contact, const struct rules_request *request)
{
    return contact->call_id && strcmp(contact->call_id, request->call_id) == 0 &&
           contact->cseq == request->cseq;
}

/* What goes first: who does not answer or cannot be reached, then who expires soonest. NULL: nobody
 * may. */
static struct ast_sip_contact **victim(const struct ast_sip_aor *aor, struct ast_sip_contact **list,
                                       const struct rules_request *request)
{
    struct ast_sip_contact **best = NULL, **at;
    int best_gone = 0;

    for (at = list; *at; at = &(*at)->next) {
        int gone = request->is_gone(*at) ||
                   (aor->remove_unavailable && (*at)->state == AST_SIP_CONTACT_UNREACHABLE);

        if (is_new(*at, request) || (!gone && !aor->remove_existing)) {
            continue;
        }
        if (!best || gone > best_gone || (gone == best_gone && (*at)->expires < (*best)->expires)) {
            best = at;
            best_gone = gone;
        }
    }
    return best;
}

static int make_room(const struct ast_sip_aor *aor, struct ast_sip_contact **list,
                     const struct rules_request *request)
{
    unsigned left = count(*list);

    for (; left > aor->max_contacts; left--) {
        struct ast_sip_contact **at = victim(aor, list, request);

        if (!at) {
            return 403;
        }
        take_out(at);
    }
    return 200;
}

int rules_apply(const struct ast_sip_aor *aor, const struct ast_sip_contact *now,
                const struct rules_request *request, long long time,
                struct ast_sip_contact **result, int *changed)
{
    struct ast_sip_contact *list;
    int differs, status = 200, bound = 0;

    if (rules_purge(now, time, &list, &differs) != 0) {
        return 500;
    }
    if (request->star) {
        status = remove_all(&list, request, &differs);
    }
    for (unsigned i = 0; !request->star && i < request->count && status == 200; i++) {
        status = apply_contact(aor, &list, request, &request->contacts[i], time, &bound);
    }
    if (status == 200 && bound) {
        differs = 1;
        status = make_room(aor, &list, request);
    }
    if (status != 200) {
        ast_sip_contacts_free(list);
        return status;
    }
    *result = list;
    *changed = differs;
    return 200;
}
