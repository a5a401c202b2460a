/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: REGISTER (RFC 3261 10.3). The requests for one AOR are worked on one after the other:
 * one that changes something is answered when the change is on the disk, and those behind it wait.
 * The rules are in rules.c.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pj/hash.h>
#include <sipsession/log.h>
#include <sipsession/module.h>
#include <sipsession/store.h>

#include "clock.h"
#include "record.h"
#include "request.h"
#include "rules.h"

#define KIND         "contact"
#define MOST_WAITING 5000 /* requests at a time; then 503 */
#define MOST_IN_LINE 20   /* of them for one AOR */
#define BUCKETS      1024u
#define MOST_LISTED  60000 /* octets of the bindings of an AOR: a 200 lists all, in one datagram */

/* A request in its line, or, without a transaction, a look for expired bindings. */
struct job {
    struct job *next;
    pj_pool_t *pool;         /* it is made of it */
    struct ast_sip_aor *aor; /* a reference; NULL: a look */
    pjsip_transaction *tsx;  /* a reference of its group lock */
    pjsip_tx_data *tdata;    /* the answer */
    struct rules_request request;
    struct ast_sip_contact *made; /* on its way to the disk */
};

/* The line of an AOR; it exists as long as somebody is in it. */
struct line {
    struct line *next; /* of its bucket */
    char *aor;
    struct job *first, **end;
    unsigned length;
    int is_dated; /* what is on its way to the disk has times of before the clock was set */
};

static struct line *lines[BUCKETS];
static unsigned waiting;
static pj_timer_entry sweep_timer, clock_timer;
static struct clock_watch watch;
static int loaded; /* what the store has is known */

static struct line **find_line(const char *aor)
{
    struct line **line = &lines[pj_hash_calc(0, aor, (unsigned)strlen(aor)) % BUCKETS];

    while (*line && strcmp((*line)->aor, aor) != 0) {
        line = &(*line)->next;
    }
    return line;
}

static struct line *get_line(const char *aor)
{
    struct line **slot = find_line(aor), *line = *slot;

    if (line) {
        return line;
    }
    line = calloc(1, sizeof(*line));
    if (!line || !(line->aor = strdup(aor))) {
        free(line);
        return NULL;
    }
    line->end = &line->first;
    *slot = line;
    return line;
}

/* ---- jobs ---- */

static struct job *make_job(void)
{
    pj_pool_t *pool = pjsip_endpt_create_pool(ast_sip_get_pjsip_endpoint(), "register", 2000, 1000);
    struct job *job = pool ? PJ_POOL_ZALLOC_T(pool, struct job) : NULL;

    if (job) {
        job->pool = pool;
    }
    return job;
}

static void free_job(struct job *job)
{
    if (job->tdata) {
        pjsip_tx_data_dec_ref(job->tdata);
    }
    if (job->tsx) {
        pj_grp_lock_dec_ref(job->tsx->grp_lock);
    }
    ast_sip_contacts_free(job->made);
    ast_sip_aor_unref(job->aor);
    pj_pool_release(job->pool);
}

static void add_number(pjsip_tx_data *tdata, const char *name, unsigned number)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", number);
    ast_sip_add_header(tdata, name, text);
}

/* ---- the clock ---- */

/* What is registered goes to the disk again, and nobody waits for it. */
static void keep_again(const char *aor)
{
    const struct ast_sip_contact *contacts = ast_sip_aor_contacts(aor);
    char *text;

    while (contacts && contacts->expires == 0) {
        contacts = contacts->next; /* a configured one */
    }
    text = contacts ? record_write(contacts) : NULL;
    if (!contacts || text) {
        ast_store_put(KIND, aor, text, NULL, NULL);
    }
    free(text);
}

/* Once for each AOR that has registered contacts. A busy line does it when the disk has what it is
 * given, for it would be undone. */
static int see_shifted(const char *aor, const struct ast_sip_contact *contact, void *last)
{
    struct line *line;

    if (contact->expires == 0 || *(const char **)last == aor) {
        return 0;
    }
    *(const char **)last = aor;
    line = *find_line(aor);
    if (line) {
        line->is_dated = 1;
    } else {
        keep_again(aor);
    }
    return 0;
}

static void shift(long long seconds)
{
    const char *last = NULL;

    ast_notice("registrar: the clock was set by %lld s: bindings keep the time they have left",
               seconds);
    ast_sip_location_shift(seconds);
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (struct line *line = lines[i]; line; line = line->next) {
            struct ast_sip_contact *made = line->first ? line->first->made : NULL;

            line->is_dated = 1;
            for (; made; made = made->next) {
                made->expires += seconds;
            }
        }
    }
    ast_sip_each_contact(see_shifted, (void *)&last);
}

static long long now_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void check_clock(void)
{
    const long long step = clock_step(&watch, now_ms(CLOCK_REALTIME), now_ms(CLOCK_BOOTTIME));

    if (step != 0) {
        shift(step);
    }
}

static void on_clock(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    const pj_time_val delay = {1, 0};

    (void)heap;
    check_clock();
    entry->id =
        pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), entry, &delay) == PJ_SUCCESS;
}

/* ---- answers ---- */

/* What a 200 needs to list them, in octets. */
static size_t size_of(const struct ast_sip_contact *contact)
{
    size_t size = 0;

    for (; contact; contact = contact->next) {
        size += strlen(contact->uri) + (contact->instance ? strlen(contact->instance) + 40 : 0) +
                sizeof("Contact: <>;expires=4294967295;q=0.123\r\n");
    }
    return size;
}

/* Answers, with the bindings when it is 200. The connection may be gone meanwhile. */
static void answer(struct job *job, int status, const struct ast_sip_contact *contacts)
{
    pjsip_tx_data *tdata = job->tdata;

    if (!tdata || job->tsx->state >= PJSIP_TSX_STATE_COMPLETED) {
        return;
    }
    if (status == PJSIP_SC_OK && size_of(contacts) > MOST_LISTED) {
        status = PJSIP_SC_INTERNAL_SERVER_ERROR; /* PJSIP would send nothing */
    }
    tdata->msg->line.status.code = status;
    tdata->msg->line.status.reason = *pjsip_get_status_text(status);
    if (status == PJSIP_SC_OK) {
        request_list_bindings(tdata, contacts, &job->request, (long long)time(NULL));
    } else if (status == PJSIP_SC_INTERVAL_TOO_BRIEF) {
        add_number(tdata, "Min-Expires", job->aor->minimum_expiration);
    } else if (status == PJSIP_SC_SERVICE_UNAVAILABLE) {
        add_number(tdata, "Retry-After", 5);
    }
    job->tdata = NULL;
    if (pjsip_tsx_send_msg(job->tsx, tdata) != PJ_SUCCESS) {
        pjsip_tx_data_dec_ref(tdata);
    }
}

/* ---- the line ---- */

static void on_stored(void *data, int result);

/* Brings the job's bindings to the disk. 0: on_stored will come. */
static int keep(struct line *line, const struct ast_sip_contact *contacts)
{
    char *text = contacts ? record_write(contacts) : NULL;
    int result = -1;

    if (!contacts || text) {
        result = ast_store_put(KIND, line->aor, text, on_stored, line);
    }
    free(text);
    return result;
}

/* Nobody could be told of them any more; but a list that gets shorter is never too long. */
static int is_too_long(const struct ast_sip_contact *made, const struct ast_sip_contact *now)
{
    const size_t size = size_of(made);

    return size > MOST_LISTED && size > size_of(now);
}

/* 1: the job waits for the disk. 0: it is answered. */
static int work(struct line *line, struct job *job)
{
    const struct ast_sip_contact *now = ast_sip_aor_contacts(line->aor);
    struct ast_sip_contact *made = NULL;
    int changed = 0, status = PJSIP_SC_OK;
    long long seconds;

    check_clock();
    seconds = (long long)time(NULL);
    if (!job->aor) {
        status = rules_purge(now, seconds, &made, &changed) == 0 ? PJSIP_SC_OK
                                                                 : PJSIP_SC_INTERNAL_SERVER_ERROR;
    } else {
        status = rules_apply(job->aor, now, &job->request, seconds, &made, &changed);
    }
    if (status == PJSIP_SC_OK && changed && is_too_long(made, now)) {
        ast_warning_limited("registrar: no room for more contacts of '%s' in one answer",
                            line->aor);
        ast_sip_contacts_free(made);
        made = NULL;
        status = PJSIP_SC_FORBIDDEN;
    }
    if (status == PJSIP_SC_OK && changed) {
        job->made = made;
        if (keep(line, made) == 0) {
            return 1;
        }
        answer(job, PJSIP_SC_SERVICE_UNAVAILABLE, NULL);
        return 0; /* made goes with the job */
    }
    answer(job, status, made);
    ast_sip_contacts_free(made);
    return 0;
}

static void drop_first(struct line *line)
{
    struct job *job = line->first;

    line->first = job->next;
    if (!line->first) {
        line->end = &line->first;
    }
    line->length--;
    waiting -= job->aor != NULL;
    free_job(job);
}

/* Works until a job has to wait; an empty line goes. */
static void advance(struct line *line)
{
    struct line **slot;

    while (line->first && !work(line, line->first)) {
        drop_first(line);
    }
    if (!line->first) {
        if (line->is_dated) {
            keep_again(line->aor);
        }
        slot = find_line(line->aor);
        *slot = line->next;
        free(line->aor);
        free(line);
    }
}

static void on_stored(void *data, int result)
{
    struct line *line = data;
    struct job *job = line->first;
    struct ast_sip_contact *made = job->made;

    job->made = NULL;
    if (result != 0) {
        ast_sip_contacts_free(made);
    } else {
        result = ast_sip_location_set(line->aor, made);
    }
    if (line->is_dated) {
        line->is_dated = 0;
        keep_again(line->aor);
    }
    answer(job, result == 0 ? PJSIP_SC_OK : PJSIP_SC_INTERNAL_SERVER_ERROR,
           ast_sip_aor_contacts(line->aor));
    drop_first(line);
    advance(line);
}

static void enter(struct line *line, struct job *job)
{
    *line->end = job;
    line->end = &job->next;
    line->length++;
    waiting += job->aor != NULL; /* after a night many bindings end at once: phones come first */
    if (line->length == 1) {
        advance(line);
    }
}

/* ---- requests ---- */

static void refuse(pjsip_rx_data *rdata, int status, const char *header, const char *value)
{
    pj_str_t name = pj_str((char *)header), text = pj_str((char *)(value ? value : ""));
    pjsip_hdr list;

    pj_list_init(&list);
    if (value) {
        pj_list_push_back(&list,
                          pjsip_generic_string_hdr_create(rdata->tp_info.pool, &name, &text));
    }
    pjsip_endpt_respond_stateless(ast_sip_get_pjsip_endpoint(), rdata, status, NULL, &list, NULL);
}

/* The answer and its transaction, which takes retransmissions from here on. 0, -1. */
static int take_transaction(struct job *job, pjsip_rx_data *rdata)
{
    if (pjsip_endpt_create_response(ast_sip_get_pjsip_endpoint(), rdata, PJSIP_SC_OK, NULL,
                                    &job->tdata) != PJ_SUCCESS) {
        job->tdata = NULL;
        return -1;
    }
    if (pjsip_tsx_create_uas2(NULL, rdata, NULL, &job->tsx) != PJ_SUCCESS) {
        job->tsx = NULL;
        return -1;
    }
    pj_grp_lock_add_ref(job->tsx->grp_lock);
    pjsip_tsx_recv_msg(job->tsx, rdata);
    return 0;
}

/* Takes aor. */
static void on_register(struct ast_sip_aor *aor, pjsip_rx_data *rdata)
{
    struct line *line = *find_line(aor->name);
    const char *unsupported = NULL;
    struct job *job = NULL;
    int status = PJSIP_SC_SERVICE_UNAVAILABLE;

    if (waiting < MOST_WAITING && (!line || line->length < MOST_IN_LINE) && (job = make_job())) {
        job->aor = ast_sip_aor_ref(aor);
        status = request_read(job->pool, rdata, aor, &job->request, &unsupported);
    }
    if (status == PJSIP_SC_OK &&
        (!(line = get_line(aor->name)) || take_transaction(job, rdata) != 0)) {
        status = PJSIP_SC_SERVICE_UNAVAILABLE;
        if (line && !line->first) {
            advance(line); /* nobody is in it */
        }
    }
    if (status == PJSIP_SC_OK) {
        enter(line, job);
    } else {
        refuse(rdata, status,
               status == PJSIP_SC_BAD_EXTENSION        ? "Unsupported"
               : status == PJSIP_SC_EXTENSION_REQUIRED ? "Require"
                                                       : "Retry-After",
               status == PJSIP_SC_BAD_EXTENSION         ? unsupported
               : status == PJSIP_SC_EXTENSION_REQUIRED  ? "path"
               : status == PJSIP_SC_SERVICE_UNAVAILABLE ? "5"
                                                        : NULL);
        if (job) {
            free_job(job);
        }
    }
    ast_sip_aor_unref(aor);
}

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    const struct ast_sip_endpoint *endpoint;
    struct ast_sip_aor *aor;
    int status;

    if (rdata->msg_info.msg->line.req.method.id != PJSIP_REGISTER_METHOD) {
        return PJ_FALSE;
    }
    endpoint = ast_pjsip_rdata_get_endpoint(rdata);
    status = endpoint ? request_find_aor(endpoint, rdata, &aor) : PJSIP_SC_FORBIDDEN;
    if (status == PJSIP_SC_OK) {
        on_register(aor, rdata);
    } else {
        ast_notice_limited(
            "registrar: endpoint '%s' at %s:%d may not register what it asked for: %d",
            endpoint ? endpoint->name : "", rdata->pkt_info.src_name, rdata->pkt_info.src_port,
            status);
        refuse(rdata, status, "", NULL);
    }
    return PJ_TRUE;
}

/* ---- time goes by ---- */

static int look_at(const char *aor, const struct ast_sip_contact *contact, void *unused)
{
    struct line *line;
    struct job *job;

    (void)unused;
    if (!ast_sip_contact_expired(contact) || *find_line(aor)) {
        return 0; /* a busy line takes them out by itself */
    }
    job = make_job();
    line = job ? get_line(aor) : NULL;
    if (line) {
        enter(line, job); /* the contacts change later, in on_stored */
    } else if (job) {
        free_job(job);
    }
    return 0;
}

static void on_sweep(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    const pj_time_val delay = {(long)ast_sip_get_global()->contact_expiration_check_interval, 0};

    (void)heap;
    check_clock();
    ast_sip_each_contact(look_at, NULL);
    entry->id =
        pjsip_endpt_schedule_timer(ast_sip_get_pjsip_endpoint(), entry, &delay) == PJ_SUCCESS;
}

/* ---- the module ---- */

static int wants_registrations(const struct ast_sip_aor *aor, void *data)
{
    *(int *)data |= aor->max_contacts > 0;
    return 0;
}

static int load_one(const char *aor, const char *text, void *data)
{
    struct ast_sip_contact *contacts;

    if (record_read(text, &contacts) != 0) {
        ast_warning_limited("registrar: what the store has of '%s' cannot be read", aor);
        return 0;
    }
    *(int *)data = ast_sip_location_set(aor, contacts);
    return *(int *)data;
}

/* What was registered when we ended. Without AORs that take registrations no file is made: then it
 * is read when a reload brings one. */
static int load(void)
{
    int wanted = 0, result = 0;

    ast_sip_each_aor(wants_registrations, &wanted);
    if (!wanted || loaded) {
        return 0;
    }
    if (ast_store_each(KIND, load_one, &result) != 0 || result != 0) {
        ast_error("registrar: registrations cannot be kept: [store] file of sipsession.conf names "
                  "the file; an empty one keeps them in memory only");
        return -1;
    }
    loaded = 1;
    return 0;
}

static void on_reloaded(void)
{
    load(); /* no REGISTER comes before it */
}

static struct ast_sip_reload_observer observer = {.reloaded = on_reloaded};

static pjsip_module service = {
    .name = {(char *)"mod-registrar", 13},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    .on_rx_request = on_request,
};

static int init(void)
{
    loaded = 0;
    if (load() != 0 || ast_sip_register_service(&service) != 0) {
        return -1;
    }
    ast_sip_register_reload_observer(&observer);
    pj_timer_entry_init(&sweep_timer, 0, NULL, on_sweep);
    pj_timer_entry_init(&clock_timer, 0, NULL, on_clock);
    on_clock(NULL, &clock_timer);
    on_sweep(NULL, &sweep_timer);
    return 0;
}

static void end(void)
{
    ast_sip_unregister_reload_observer(&observer);
    ast_sip_unregister_service(&service);
    if (sweep_timer.id) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &sweep_timer);
    }
    if (clock_timer.id) {
        pjsip_endpt_cancel_timer(ast_sip_get_pjsip_endpoint(), &clock_timer);
    }
    ast_store_flush(); /* those who wait get their answer */
}

AST_SIP_MODULE(.name = "registrar", .description = "Keeps where phones are: REGISTER", .init = init,
               .close = end);
