/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: outbound registrations: each machine (registration_machine.c) with its timer and the
 * servers that it may ask. What is decided is decided there; how the request looks is in
 * registration_request.c.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <pjlib.h>

#include <sipsession/log.h>

#include "res_sip/registration/registration.h"
#include "res_sip/registration/registration_request.h"
#include "res_sip/transport/transport.h"

/* A server that did not answer is asked last for as long, in ms. */
#define AVOID_MS (5 * 60 * 1000ull)

/* A stop waits as long for the registrars, in ms. */
#define STOP_MS 2000

static struct sip_registration *registrations, **registrations_end = &registrations;
static int is_running;
static unsigned long long stop_until; /* 0: nobody asked for a stop */

static void perform(struct sip_registration *registration,
                    const struct registration_action *action);
static void drop(struct sip_registration *registration);

static unsigned long long now_ms(void)
{
    pj_time_val now;

    pj_gettickcount(&now);
    return 1 + (unsigned long long)now.sec * 1000 + (unsigned long long)now.msec; /* never 0 */
}

const struct sip_registration *sip_registrations(void)
{
    return registrations;
}

/* ---- what is said ---- */

static const char *server_name(const struct sip_registration *registration, char *out, int size)
{
    return registration->at < registration->servers.count
               ? pj_sockaddr_print(&registration->servers.entry[registration->at].addr, out, size,
                                   3)
               : "-";
}

static unsigned seconds_until(unsigned long long when, unsigned long long now)
{
    return when > now ? (unsigned)((when - now + 999) / 1000) : 0;
}

/* One line for each change of state, for people and programs; a refresh is no change. */
static void tell(struct sip_registration *registration, int status)
{
    const struct registration_machine *machine = &registration->machine;
    const unsigned long long now = now_ms();
    char server[PJ_INET6_ADDRSTRLEN + 10];
    enum ast_log_level level = AST_LOG_NOTICE;

    if (machine->state == registration->told && machine->state == REGISTRATION_REGISTERED) {
        level = AST_LOG_VERBOSE;
    } else if (machine->state == REGISTRATION_REJECTED || machine->state == REGISTRATION_RETRYING) {
        level = AST_LOG_WARNING;
    }
    registration->told = machine->state;
    ast_log(level,
            "event=registration name=%s state=%s server=%s status=%d expires=%u next=%u retries=%u",
            registration->config->name, registration_state_name(machine->state),
            server_name(registration, server, sizeof(server)), status,
            seconds_until(machine->bound_until, now), seconds_until(machine->wake, now),
            machine->retries);
}

/* ---- the servers ---- */

static struct registration_avoided *find_avoided(struct sip_registration *registration,
                                                 const pj_sockaddr *address)
{
    struct registration_avoided *avoided = registration->avoided;

    for (unsigned i = 0; i < REGISTRATION_AVOIDED; i++) {
        if (avoided[i].until && pj_sockaddr_cmp(&avoided[i].address, address) == 0) {
            return &avoided[i];
        }
    }
    return NULL;
}

/* The one that was asked did not answer; the oldest note makes room. */
static void avoid(struct sip_registration *registration)
{
    const pj_sockaddr *address = &registration->servers.entry[registration->at].addr;
    struct registration_avoided *note = find_avoided(registration, address);

    for (unsigned i = 0; !note && i < REGISTRATION_AVOIDED; i++) {
        if (registration->avoided[i].until <= now_ms()) {
            note = &registration->avoided[i];
        }
    }
    note = note ? note : &registration->avoided[0];
    note->address = *address;
    note->until = now_ms() + AVOID_MS;
}

static int is_avoided(struct sip_registration *registration, const pj_sockaddr *address)
{
    const struct registration_avoided *note = find_avoided(registration, address);

    return note && note->until > now_ms();
}

/* In the order of RFC 3263, but those behind that did not answer of late. */
static void take_servers(struct sip_registration *registration, const pjsip_server_addresses *found)
{
    pjsip_server_addresses *servers = &registration->servers;

    servers->count = 0;
    for (int late = 0; late <= 1; late++) {
        for (unsigned i = 0; i < found->count; i++) {
            if (is_avoided(registration, &found->entry[i].addr) == late) {
                servers->entry[servers->count] = found->entry[i];
                servers->entry[servers->count++].name.slen = 0; /* it is the lookup's */
            }
        }
    }
    registration->at = 0;
}

/* ---- a REGISTER and its end ---- */

static void ended(struct sip_registration *registration, struct registration_answer *answer)
{
    struct registration_action action;

    answer->more_servers = registration->at + 1 < registration->servers.count;
    if (registration->at < registration->servers.count &&
        (answer->is_ours || answer->status == PJSIP_SC_SERVICE_UNAVAILABLE)) {
        avoid(registration);
    }
    action = registration_answered(&registration->machine, now_ms(), answer);
    if (action.send == REGISTRATION_NOTHING) {
        tell(registration, answer->status);
    } else {
        ast_verbose("registration '%s': %d, another REGISTER", registration->config->name,
                    answer->status);
    }
    perform(registration, &action);
}

static void failed(struct sip_registration *registration, int status)
{
    struct registration_answer answer = {.status = status,
                                         .is_ours = 1,
                                         .expires = REGISTRATION_NOT_SAID};

    ended(registration, &answer);
}

static void note_connection(struct sip_registration *registration, const pjsip_transaction *tsx)
{
    const pjsip_transport *transport = tsx->transport;
    const struct sip_connection *connection =
        transport && !(transport->flag & PJSIP_TRANSPORT_DATAGRAM) ? sip_connection_of(transport)
                                                                   : NULL;

    registration->connection = connection ? connection->serial : 0;
}

static void on_answer(void *token, pjsip_event *event)
{
    struct sip_registration *registration = token;
    struct registration_answer answer;

    if (!is_running) { /* the end of everything */
        return;
    }
    if (event->body.tsx_state.tsx->cseq > registration->cseq) { /* with credentials */
        registration->cseq = event->body.tsx_state.tsx->cseq;
    }
    sip_registration_read(event, &answer);
    if (answer.status / 100 == 2) {
        const pjsip_transport *by = event->body.tsx_state.tsx->transport;

        registration->by = by && by->factory ? (const void *)by->factory : by;
    }
    note_connection(registration, event->body.tsx_state.tsx);
    ended(registration, &answer);
}

static void ask(struct sip_registration *registration)
{
    if (sip_registration_send(registration, on_answer) != 0) {
        failed(registration, PJSIP_SC_SERVICE_UNAVAILABLE);
    }
}

static void on_located(pj_status_t status, void *token, const pjsip_server_addresses *found)
{
    struct sip_registration *registration = token;

    if (!is_running) {
        return;
    }
    pj_pool_release(registration->lookup);
    registration->lookup = NULL;
    registration->servers.count = registration->at = 0;
    if (status != PJ_SUCCESS || !found || found->count == 0) {
        failed(registration, PJSIP_SC_SERVICE_UNAVAILABLE);
        return;
    }
    take_servers(registration, found);
    ask(registration);
}

/* The servers are located anew for each registration: DNS decides, not we. */
static void locate(struct sip_registration *registration)
{
    pj_pool_t *pool = pjsip_endpt_create_pool(sip_endpt, "registrar", 1000, 1000);

    base_assert(!registration->lookup);
    registration->servers.count = registration->at = 0;
    if (!pool || sip_registration_target(registration, pool, &registration->located) != 0) {
        if (pool) {
            pj_pool_release(pool);
        }
        failed(registration, PJSIP_SC_SERVICE_UNAVAILABLE);
        return;
    }
    registration->lookup = pool;
    pjsip_endpt_resolve(sip_endpt, pool, &registration->located, registration, on_located);
}

/* ---- what the machine says ---- */

/* 1: it is not configured any more, and nothing of it is under way. */
static int is_over(const struct sip_registration *registration)
{
    return registration->own && registration->machine.state == REGISTRATION_ENDED;
}

static void set_timer(struct sip_registration *registration, unsigned long long wake)
{
    const unsigned long long now = now_ms();
    const unsigned long long left = wake > now ? wake - now : 0;
    const pj_time_val delay = {.sec = (long)(left / 1000), .msec = (long)(left % 1000)};

    if (registration->timer.id) {
        pjsip_endpt_cancel_timer(sip_endpt, &registration->timer);
        registration->timer.id = 0;
    }
    if (wake == 0) {
        return;
    }
    registration->timer.id = 1;
    if (pjsip_endpt_schedule_timer(sip_endpt, &registration->timer, &delay) != PJ_SUCCESS) {
        registration->timer.id = 0;
        ast_error("registration '%s': no timer: it ends", registration->config->name);
    }
}

static void perform(struct sip_registration *registration, const struct registration_action *action)
{
    /* one that is over is dropped from outside of all this */
    set_timer(registration, is_over(registration) ? now_ms() : action->wake);
    if (action->send == REGISTRATION_NOTHING) {
        return;
    }
    registration->expires = action->expires;
    if (action->send == REGISTRATION_NEXT) {
        registration->at++;
        ask(registration);
    } else {
        locate(registration);
    }
}

static void on_timer(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct sip_registration *registration = entry->user_data;
    struct registration_action action;

    (void)heap;
    entry->id = 0;
    if (is_over(registration)) {
        drop(registration);
        return;
    }
    action = registration_timer(&registration->machine, now_ms());
    perform(registration, &action);
}

/* What comes to our Contact may need that very connection: through a NAT there is no other way. */
void sip_registrations_lost(unsigned long long connection)
{
    struct registration_action action;

    for (struct sip_registration *at = registrations; at; at = at->next) {
        if (at->connection == connection) {
            at->connection = 0;
            action = registration_lost(&at->machine, now_ms());
            ast_notice_limited("registration '%s': its connection is gone: next REGISTER in %u s",
                               at->config->name, seconds_until(action.wake, now_ms()));
            set_timer(at, is_over(at) ? now_ms() : action.wake);
        }
    }
}

/* ---- start and stop ---- */

/* 128 bits that nobody can guess: who knows the token is taken for the line's endpoint. */
static int make_token(char out[33])
{
    unsigned char bits[16];

    if (getrandom(bits, sizeof(bits), 0) != (ssize_t)sizeof(bits)) {
        ast_error("res_sip: no random bits");
        return -1;
    }
    for (size_t i = 0; i < sizeof(bits); i++) {
        pj_val_to_hex_digit(bits[i], out + 2 * i);
    }
    out[32] = '\0';
    return 0;
}

/* Not all at once after a start; ms. */
static unsigned random_delay(unsigned seconds)
{
    unsigned bits = 0;

    return seconds && getrandom(&bits, sizeof(bits), 0) == (ssize_t)sizeof(bits)
               ? bits % (seconds * 1000)
               : 0;
}

static struct registration_rules rules_of(const struct sip_registration_config *config)
{
    return (struct registration_rules){
        .expiration = config->expiration,
        .retry_interval = config->retry_interval,
        .forbidden_retry_interval = config->forbidden_retry_interval,
        .fatal_retry_interval = config->fatal_retry_interval,
        .max_retries = config->max_retries,
        .auth_rejection_permanent = config->auth_rejection_permanent,
    };
}

/* NULL: no memory or no random bits, logged. */
static struct sip_registration *create(const struct sip_registration_config *config)
{
    struct sip_registration *registration = calloc(1, sizeof(*registration));

    if (!registration) {
        ast_error("registration '%s': no memory", config->name);
        return NULL;
    }
    registration->config = config;
    pj_timer_entry_init(&registration->timer, 0, registration, on_timer);
    if (make_token(registration->call_id) != 0 ||
        (config->line && make_token(registration->line) != 0)) {
        free(registration);
        return NULL;
    }
    return registration;
}

static void begin(struct sip_registration *registration)
{
    const struct sip_registration_config *config = registration->config;
    const struct registration_rules rules = rules_of(config);
    struct registration_action action;

    *registrations_end = registration;
    registrations_end = &registration->next;
    action = registration_init(&registration->machine, &rules, now_ms(),
                               random_delay(config->max_random_initial_delay));
    registration->told = registration->machine.state;
    perform(registration, &action);
}

int sip_registrations_start(const struct sip_config *config)
{
    const struct sip_registration_config *at;

    is_running = 1;
    for (at = config->registrations; at; at = at->next) {
        struct sip_registration *registration = create(at);

        if (!registration) {
            return -1;
        }
        begin(registration);
    }
    return sip_registration_line_start();
}

static void stop(struct sip_registration *registration)
{
    struct registration_action action = registration_stop(&registration->machine, now_ms());

    if (registration->machine.state == REGISTRATION_ENDED) {
        tell(registration, 0);
    }
    perform(registration, &action);
}

void sip_registrations_stop(void)
{
    struct sip_registration *at, *next;

    base_assert_sip_thread();
    stop_until = now_ms() + STOP_MS;
    for (at = registrations; at; at = next) {
        next = at->next; /* it may end at once */
        stop(at);
    }
}

int sip_registrations_busy(void)
{
    if (now_ms() >= stop_until) {
        return 0;
    }
    for (const struct sip_registration *at = registrations; at; at = at->next) {
        if (at->machine.state != REGISTRATION_ENDED) {
            return 1;
        }
    }
    return 0;
}

static void destroy(struct sip_registration *registration)
{
    if (registration->timer.id) {
        pjsip_endpt_cancel_timer(sip_endpt, &registration->timer);
    }
    if (registration->lookup) {
        pj_pool_release(registration->lookup);
    }
    sip_registration_config_free(registration->own);
    free(registration->contact);
    free(registration);
}

void sip_registrations_forget(void)
{
    is_running = 0; /* callbacks of lookups and requests on their way see that */
    while (registrations) {
        struct sip_registration *next = registrations->next;

        destroy(registrations);
        registrations = next;
    }
    registrations_end = &registrations;
    stop_until = 0;
}

static void drop(struct sip_registration *registration)
{
    struct sip_registration **at = &registrations;

    while (*at != registration) {
        at = &(*at)->next;
    }
    *at = registration->next;
    if (registrations_end == &registration->next) {
        registrations_end = at;
    }
    destroy(registration);
}

/* ---- reload ---- */

/* What a reload is about to begin, and is in no list yet. */
static struct sip_registration *prepared;

static struct sip_registration *find(const char *name)
{
    struct sip_registration *at = registrations;

    while (at && (at->own || strcmp(at->config->name, name) != 0)) {
        at = at->next;
    }
    return at;
}

static struct sip_registration_config *find_config(const struct sip_config *config,
                                                   const char *name)
{
    struct sip_registration_config *at = config->registrations;

    while (at && strcmp(at->name, name) != 0) {
        at = at->next;
    }
    return at;
}

int sip_registrations_prepare(struct sip_config *config)
{
    const struct sip_registration_config *at;

    for (at = config->registrations; at; at = at->next) {
        const struct sip_registration *now = find(at->name);
        struct sip_registration *made;

        if (now && sip_registration_is_same_binding(now->config, at) &&
            !sip_transport_is_leaving(now->by)) {
            continue;
        }
        made = create(at);
        if (!made) {
            return -1;
        }
        made->next = prepared;
        prepared = made;
    }
    return 0;
}

void sip_registrations_abandon(void)
{
    while (prepared) {
        struct sip_registration *next = prepared->next;

        destroy(prepared);
        prepared = next;
    }
}

/* Takes one out of the configuration that goes. */
static struct sip_registration_config *take_config(struct sip_config *config, const char *name)
{
    struct sip_registration_config **at = &config->registrations, *taken;

    while (strcmp((*at)->name, name) != 0) {
        at = &(*at)->next;
    }
    taken = *at;
    *at = taken->next;
    taken->next = NULL;
    return taken;
}

static void change(struct sip_registration *registration,
                   const struct sip_registration_config *config)
{
    const int is_same = sip_registration_is_same(registration->config, config);
    const struct registration_rules rules = rules_of(config);
    struct registration_action action;

    registration->config = config;
    if (!is_same) {
        action = registration_change(&registration->machine, &rules, now_ms());
        perform(registration, &action);
    }
}

static int is_prepared(const struct sip_registration_config *config)
{
    const struct sip_registration *at = prepared;

    while (at && at->config != config) {
        at = at->next;
    }
    return at != NULL;
}

/* What it was to go by is not there any more: it goes by what there is. */
static void forget_transport(struct sip_registration_config *config)
{
    if (config->transport && !sip_transport_of_name(config->transport)) {
        free(config->transport);
        config->transport = NULL;
        free(config->registrar->transport);
        config->registrar->transport = NULL;
    }
}

void sip_registrations_commit(struct sip_config *old, struct sip_config *config)
{
    struct sip_registration *at, *next;

    for (at = registrations; at; at = next) {
        const struct sip_registration_config *now = find_config(config, at->config->name);

        next = at->next;
        if (at->own) {
            continue;
        }
        if (now && !is_prepared(now)) {
            change(at, now);
        } else { /* another one of its name is another one */
            at->own = take_config(old, at->config->name);
            forget_transport(at->own);
            stop(at);
        }
    }
    while ((at = prepared)) {
        prepared = at->next;
        at->next = NULL;
        begin(at);
    }
}
