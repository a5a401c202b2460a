/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qualify: asks the contacts of AORs by OPTIONS whether they are there (RFC 3261 11), as often as
 * `qualify_frequency` says. What follows from it is others' business.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pj/hash.h>
#include <pj/rand.h>
#include <sipsession/location.h>
#include <sipsession/log.h>
#include <sipsession/module.h>

#define BUCKETS 1024u

/* Of one contact. It lives as long as the contact, and as long as a request of it is under way. */
struct probe {
    struct probe *next; /* of its bucket */
    char *aor;
    char *uri;
    pj_timer_entry timer;    /* id 0: off, NEXT, TIMEOUT */
    unsigned asked;          /* number of the request that counts */
    unsigned under_way;      /* requests that will still call back */
    int gone;                /* the contact is */
    struct timespec sent_at; /* of the request that counts */
};

/* A request under way. */
struct question {
    struct probe *probe;
    unsigned number;
    int only_2xx;
};

enum { OFF, NEXT, TIMEOUT };

static struct probe *probes[BUCKETS];

static struct probe **find(const char *aor, const char *uri)
{
    unsigned hash = pj_hash_calc(0, aor, (unsigned)strlen(aor));
    struct probe **probe = &probes[pj_hash_calc(hash, uri, (unsigned)strlen(uri)) % BUCKETS];

    while (*probe && (strcmp((*probe)->uri, uri) != 0 || strcmp((*probe)->aor, aor) != 0)) {
        probe = &(*probe)->next;
    }
    return probe;
}

static void free_if_done(struct probe *probe)
{
    if (probe->gone && probe->under_way == 0) {
        free(probe->aor);
        free(probe->uri);
        free(probe);
    }
}

static void stop_timer(struct probe *probe)
{
    if (probe->timer.id != OFF) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &probe->timer);
        probe->timer.id = OFF;
    }
}

static void start_timer(struct probe *probe, int what, unsigned ms)
{
    const pj_time_val delay = {(long)(ms / 1000), (long)(ms % 1000)};

    stop_timer(probe);
    probe->timer.id = what;
    if (pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), &probe->timer, &delay) !=
        PJ_SUCCESS) {
        probe->timer.id = OFF;
        ast_error("qualify: '%s' of '%s' is not asked any more: no timer", probe->uri, probe->aor);
    }
}

/* ---- what comes of it ---- */

static void set_state(struct probe *probe, enum ast_sip_contact_state state, unsigned round_trip_us)
{
    ast_sip_contact_set_state(probe->aor, probe->uri, state, round_trip_us);
}

static unsigned microseconds_since(const struct timespec *then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned)((now.tv_sec - then->tv_sec) * 1000000 +
                      (now.tv_nsec - then->tv_nsec) / 1000) |
           1u; /* 0: there was none */
}

/* After an answer or the lack of one: the next question. */
static void wait_for_next(struct probe *probe)
{
    struct ast_sip_aor *aor = ast_sip_get_aor(probe->aor);

    if (aor && aor->qualify_frequency > 0) {
        start_timer(probe, NEXT, aor->qualify_frequency * 1000);
    }
    ast_sip_aor_unref(aor);
}

static void on_answer(void *token, pjsip_event *event)
{
    struct question *question = token;
    struct probe *probe = question->probe;
    const pjsip_transaction *tsx = event->body.tsx_state.tsx;
    int answered = event->body.tsx_state.type == PJSIP_EVENT_RX_MSG &&
                   (!question->only_2xx || tsx->status_code / 100 == 2);

    probe->under_way--;
    if (!probe->gone && question->number == probe->asked && probe->timer.id == TIMEOUT) {
        set_state(probe, answered ? AST_SIP_CONTACT_REACHABLE : AST_SIP_CONTACT_UNREACHABLE,
                  answered ? microseconds_since(&probe->sent_at) : 0);
        wait_for_next(probe);
    }
    free(question);
    free_if_done(probe);
}

/* ---- asking ---- */

/* NULL: it has expired. It may be there again before anybody has taken the old one away. */
static const struct ast_sip_contact *contact_of(const struct probe *probe)
{
    const struct ast_sip_contact *contact = ast_sip_aor_contacts(probe->aor);

    while (contact && (strcmp(contact->uri, probe->uri) != 0 || ast_sip_contact_expired(contact))) {
        contact = contact->next;
    }
    return contact;
}

static int send_question(struct question *question, const struct ast_sip_aor *aor,
                         const struct ast_sip_contact *contact)
{
    struct probe *probe = question->probe;
    int result;

    probe->under_way++;
    result = ast_sip_send_options(aor, contact, question, on_answer);
    if (result != 0) {
        probe->under_way--;
    }
    return result;
}

static void ask(struct probe *probe)
{
    const struct ast_sip_contact *contact = contact_of(probe);
    struct ast_sip_aor *aor = ast_sip_get_aor(probe->aor);
    struct question *question;

    if (!contact || !aor || aor->qualify_frequency == 0) {
        ast_sip_aor_unref(aor);
        wait_for_next(probe);
        return;
    }
    probe->asked++;
    question = malloc(sizeof(*question));
    if (question) {
        *question = (struct question){probe, probe->asked, aor->qualify_2xx_only};
    }
    clock_gettime(CLOCK_MONOTONIC, &probe->sent_at);
    start_timer(probe, TIMEOUT, aor->qualify_timeout);
    if (question && send_question(question, aor, contact) != 0) { /* nobody can be reached there */
        free(question);
        set_state(probe, AST_SIP_CONTACT_UNREACHABLE, 0);
        wait_for_next(probe);
    }
    ast_sip_aor_unref(aor);
}

static void on_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct probe *probe = entry->user_data;
    int what = entry->id;

    (void)heap;
    entry->id = OFF;
    if (what == TIMEOUT) {
        set_state(probe, AST_SIP_CONTACT_UNREACHABLE, 0);
        wait_for_next(probe);
    } else {
        ask(probe);
    }
}

/* ---- contacts come and go ---- */

/* When a contact is first asked: soon, but not all of them at once after a start; ms. */
static unsigned first_delay(unsigned frequency)
{
    unsigned most = ast_sip_get_global()->max_initial_qualify_time;

    if (most == 0) {
        most = frequency < 10 ? frequency * 100 : 1000;
    } else {
        most = 1000 * (most < frequency ? most : frequency);
    }
    return (unsigned)pj_rand() % most;
}

static void add(const char *aor_name, const char *uri)
{
    struct ast_sip_aor *aor = ast_sip_get_aor(aor_name);
    struct probe **slot = find(aor_name, uri), *probe;
    unsigned frequency = aor ? aor->qualify_frequency : 0;

    ast_sip_aor_unref(aor);
    if (frequency == 0) {
        return;
    }
    if (*slot) {
        if ((*slot)->timer.id == OFF) { /* it was not asked any more, until a reload */
            start_timer(*slot, NEXT, first_delay(frequency));
        }
        return;
    }
    probe = calloc(1, sizeof(*probe));
    if (!probe || !(probe->aor = strdup(aor_name)) || !(probe->uri = strdup(uri))) {
        ast_error_limited("qualify: no memory to ask '%s'", uri);
        if (probe) {
            free(probe->aor);
        }
        free(probe);
        return;
    }
    pj_timer_entry_init(&probe->timer, OFF, probe, on_timer);
    *slot = probe;
    start_timer(probe, NEXT, first_delay(frequency));
}

/* Who registers is there, whatever it did not answer before: it is not called until it answers. */
static void renew(struct probe *probe, const struct ast_sip_contact *contact)
{
    if (contact->state == AST_SIP_CONTACT_UNREACHABLE && probe && probe->timer.id == NEXT) {
        start_timer(probe, NEXT, 0);
    }
}

static void drop(struct probe **slot)
{
    struct probe *probe = *slot;

    *slot = probe->next;
    stop_timer(probe);
    probe->gone = 1;
    free_if_done(probe);
}

static const char *state_name(const struct ast_sip_contact *contact)
{
    return contact->state == AST_SIP_CONTACT_REACHABLE ? "reachable" : "unreachable";
}

static void on_event(const char *aor, const struct ast_sip_contact *contact,
                     enum ast_sip_contact_event event)
{
    struct probe **slot;

    if (event == AST_SIP_CONTACT_ADDED) {
        add(aor, contact->uri);
    } else if (event == AST_SIP_CONTACT_CHANGED) {
        ast_notice("Contact %s of '%s' is %s now (%u us)", contact->uri, aor, state_name(contact),
                   contact->round_trip_us);
    } else if (event == AST_SIP_CONTACT_RENEWED) {
        renew(*find(aor, contact->uri), contact);
    } else {
        slot = find(aor, contact->uri);
        if (*slot) {
            drop(slot);
        }
    }
}

static struct ast_sip_contact_observer observer = {.event = on_event};

static int init(void)
{
    ast_sip_register_contact_observer(&observer);
    return 0;
}

static void end(void)
{
    ast_sip_unregister_contact_observer(&observer);
    for (unsigned i = 0; i < BUCKETS; i++) {
        while (probes[i]) {
            drop(&probes[i]);
        }
    }
}

AST_SIP_MODULE(.name = "qualify", .description = "Asks contacts whether they are there: OPTIONS",
               .init = init, .close = end);
