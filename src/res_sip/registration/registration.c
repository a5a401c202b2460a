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

/* A server that did not answer is asked last for as long, in ms. */
#define AVOID_MS (5 * 60 * 1000ull)

/* A stop waits as long for the registrars, in ms. */
#define STOP_MS 2000

static struct sip_registration *registrations;
static unsigned registration_count;
static unsigned long long stop_until; /* 0: nobody asked for a stop */

static void perform(struct sip_registration *registration,
                    const struct registration_action *action);

static unsigned long long now_ms(void)
{
    pj_time_val now;

    pj_gettickcount(&now);
    return 1 + (unsigned long long)now.sec * 1000 + (unsigned long long)now.msec; /* never 0 */
}

unsigned sip_registration_count(void)
{
    return registration_count;
}

const struct sip_registration *sip_registration_at(unsigned index)
{
    base_assert(index < registration_count);
    return &registrations[index];
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

static void on_answer(void *token, pjsip_event *event)
{
    struct sip_registration *registration = token;
    struct registration_answer answer;

    if (!registrations) { /* the end of everything */
        return;
    }
    if (event->body.tsx_state.tsx->cseq > registration->cseq) { /* with credentials */
        registration->cseq = event->body.tsx_state.tsx->cseq;
    }
    sip_registration_read(event, &answer);
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

    if (!registrations) {
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
    set_timer(registration, action->wake);
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
    action = registration_timer(&registration->machine, now_ms());
    perform(registration, &action);
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

static int begin(struct sip_registration *registration,
                 const struct sip_registration_config *config)
{
    const struct registration_rules rules = {
        .expiration = config->expiration,
        .retry_interval = config->retry_interval,
        .forbidden_retry_interval = config->forbidden_retry_interval,
        .fatal_retry_interval = config->fatal_retry_interval,
        .max_retries = config->max_retries,
        .auth_rejection_permanent = config->auth_rejection_permanent,
    };
    struct registration_action action;

    registration->config = config;
    pj_timer_entry_init(&registration->timer, 0, registration, on_timer);
    if (make_token(registration->call_id) != 0 ||
        (config->line && make_token(registration->line) != 0)) {
        return -1;
    }
    action = registration_init(&registration->machine, &rules, now_ms(),
                               random_delay(config->max_random_initial_delay));
    registration->told = registration->machine.state;
    perform(registration, &action);
    return 0;
}

int sip_registrations_start(const struct sip_config *config)
{
    const struct sip_registration_config *at;
    unsigned count = 0;

    for (at = config->registrations; at; at = at->next) {
        count++;
    }
    if (count == 0) {
        return 0;
    }
    registrations = calloc(count, sizeof(*registrations));
    if (!registrations) {
        ast_error("res_sip: no memory for %u registrations", count);
        return -1;
    }
    for (at = config->registrations; at; at = at->next) {
        if (begin(&registrations[registration_count++], at) != 0) {
            return -1;
        }
    }
    return sip_registration_line_start();
}

void sip_registrations_stop(void)
{
    base_assert_sip_thread();
    stop_until = now_ms() + STOP_MS;
    for (unsigned i = 0; i < registration_count; i++) {
        struct registration_action action = registration_stop(&registrations[i].machine, now_ms());

        if (registrations[i].machine.state == REGISTRATION_ENDED) {
            tell(&registrations[i], 0);
        }
        perform(&registrations[i], &action);
    }
}

int sip_registrations_busy(void)
{
    if (now_ms() >= stop_until) {
        return 0;
    }
    for (unsigned i = 0; i < registration_count; i++) {
        if (registrations[i].machine.state != REGISTRATION_ENDED) {
            return 1;
        }
    }
    return 0;
}

void sip_registrations_forget(void)
{
    struct sip_registration *gone = registrations;

    registrations = NULL; /* callbacks of lookups and requests on their way see that */
    for (unsigned i = 0; i < registration_count; i++) {
        if (gone[i].timer.id) {
            pjsip_endpt_cancel_timer(sip_endpt, &gone[i].timer);
        }
        if (gone[i].lookup) {
            pj_pool_release(gone[i].lookup);
        }
    }
    registration_count = 0;
    stop_until = 0;
    free(gone);
}
