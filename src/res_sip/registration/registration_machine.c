/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: one outbound registration (RFC 3261 10.2), pure: see registration.h. No I/O, no clock,
 * no memory.
 */
#include "res_sip/registration/registration_machine.h"

#include "base/base.h"

/* Nobody means more than a week; a peer that says so may not stop us from coming back. */
#define MAX_EXPIRES (7u * 86400u)

/* A registrar that asks for more time again and again is refused in the end. */
#define MAX_RAISED 3

/* The longest Retry-After that is obeyed, in seconds */
#define MAX_RETRY_AFTER 3600u

/* A refresh goes out a tenth of the time before the end, within these: a server that does not
 * answer (32 s) and the next one fit into it. In ms. */
#define LEAST_LEAD 10000u
#define MOST_LEAD  60000u

/* Behind a connection that broke, as RFC 5626 4.5 has it: at first soon, then twice as late each
 * time, for a registrar that breaks all of them; one that lasted is the first again. In ms. */
#define FIRST_RETURN 1000u
#define MOST_RETURN  300000u

static struct registration_action wait_until(struct registration_machine *machine,
                                             enum registration_state state, unsigned long long when)
{
    machine->state = state;
    machine->wake = when;
    return (struct registration_action){.wake = when};
}

static struct registration_action send(struct registration_machine *machine,
                                       enum registration_send what)
{
    const int undo = machine->state == REGISTRATION_UNREGISTERING;

    machine->wake = 0;
    return (struct registration_action){.send = what, .expires = undo ? 0 : machine->expires};
}

static struct registration_action end(struct registration_machine *machine)
{
    machine->bound_until = 0;
    return wait_until(machine, REGISTRATION_ENDED, 0);
}

static struct registration_action undo(struct registration_machine *machine, unsigned long long now)
{
    if (machine->bound_until <= now) {
        return end(machine);
    }
    machine->state = REGISTRATION_UNREGISTERING;
    return send(machine, REGISTRATION_UNREGISTER);
}

struct registration_action registration_init(struct registration_machine *machine,
                                             const struct registration_rules *rules,
                                             unsigned long long now, unsigned delay)
{
    *machine = (struct registration_machine){.rules = *rules, .expires = rules->expiration};
    return wait_until(machine, REGISTRATION_UNREGISTERED, now + delay);
}

struct registration_action registration_timer(struct registration_machine *machine,
                                              unsigned long long now)
{
    if (machine->wake == 0 || now < machine->wake) {
        return (struct registration_action){.wake = machine->wake};
    }
    machine->state = REGISTRATION_TRYING;
    return send(machine, REGISTRATION_REGISTER);
}

/* ---- answers ---- */

static unsigned long long lead_of(unsigned long long lifetime)
{
    unsigned long long lead = lifetime / 10;

    lead = lead < LEAST_LEAD ? LEAST_LEAD : lead > MOST_LEAD ? MOST_LEAD : lead;
    return lead < lifetime / 2 ? lead : lifetime / 2;
}

static struct registration_action succeed(struct registration_machine *machine,
                                          unsigned long long now, unsigned expires)
{
    const unsigned long long lifetime = expires * 1000ull;

    machine->retries = machine->raised = 0;
    machine->bound_until = now + lifetime;
    return wait_until(machine, REGISTRATION_REGISTERED, now + lifetime - lead_of(lifetime));
}

/* Once more after an interval, in seconds, unless it was tried often enough; 0: never. */
static struct registration_action try_again(struct registration_machine *machine,
                                            unsigned long long now, unsigned interval,
                                            unsigned retry_after)
{
    if (interval == 0 || machine->retries >= machine->rules.max_retries) {
        return wait_until(machine, REGISTRATION_REJECTED, 0);
    }
    ++machine->retries;
    retry_after = retry_after < MAX_RETRY_AFTER ? retry_after : MAX_RETRY_AFTER;
    return wait_until(machine, REGISTRATION_RETRYING,
                      now + 1000ull * (interval > retry_after ? interval : retry_after));
}

/* Another try may fare better (RFC 3261 21.4, 21.5). */
static int is_temporary(const struct registration_machine *machine,
                        const struct registration_answer *answer)
{
    switch (answer->status) {
    case 401:
    case 407:
        return !machine->rules.auth_rejection_permanent;
    case 408:
    case 480:
    case 500:
    case 502:
    case 503:
    case 504:
        return 1;
    default:
        return answer->is_ours || answer->status / 100 == 2; /* a 2xx that grants nothing */
    }
}

static struct registration_action fail(struct registration_machine *machine, unsigned long long now,
                                       const struct registration_answer *answer)
{
    const struct registration_rules *rules = &machine->rules;
    unsigned interval = rules->fatal_retry_interval;

    if (is_temporary(machine, answer)) {
        interval = rules->retry_interval;
    } else if (answer->status == 403 && rules->forbidden_retry_interval > 0) {
        interval = rules->forbidden_retry_interval;
    }
    return try_again(machine, now, interval, answer->retry_after);
}

/* RFC 3263 4.3: no response, or 503: the next server may do it. */
static int is_for_next_server(const struct registration_answer *answer)
{
    return answer->more_servers && (answer->is_ours || answer->status == 503);
}

static int raises_expiry(const struct registration_machine *machine,
                         const struct registration_answer *answer)
{
    return answer->status == 423 && answer->min_expires > machine->expires &&
           answer->min_expires <= MAX_EXPIRES && machine->raised < MAX_RAISED;
}

static unsigned granted(const struct registration_machine *machine,
                        const struct registration_answer *answer)
{
    const unsigned expires =
        answer->expires == REGISTRATION_NOT_SAID ? machine->expires : answer->expires;

    return expires < MAX_EXPIRES ? expires : MAX_EXPIRES;
}

/* Due at once, with all tries before it. */
static struct registration_action register_now(struct registration_machine *machine,
                                               unsigned long long now)
{
    machine->changed = 0;
    machine->retries = machine->raised = 0;
    machine->expires = machine->rules.expiration;
    return wait_until(machine,
                      machine->state == REGISTRATION_TRYING ? REGISTRATION_RETRYING
                                                            : machine->state,
                      now);
}

struct registration_action registration_answered(struct registration_machine *machine,
                                                 unsigned long long now,
                                                 const struct registration_answer *answer)
{
    const int good = answer->status / 100 == 2;

    base_assert(machine->state == REGISTRATION_TRYING ||
                machine->state == REGISTRATION_UNREGISTERING);
    if (is_for_next_server(answer)) {
        return send(machine, REGISTRATION_NEXT);
    }
    if (machine->state == REGISTRATION_UNREGISTERING) {
        return end(machine);
    }
    if (machine->stopping) {
        if (good && granted(machine, answer) > 0) {
            machine->bound_until = now + 1000ull * granted(machine, answer);
        }
        return undo(machine, now);
    }
    if (good && granted(machine, answer) > 0) {
        struct registration_action action = succeed(machine, now, granted(machine, answer));

        return machine->changed ? register_now(machine, now) : action;
    }
    if (machine->changed) { /* what was refused is not what would be asked for now */
        return register_now(machine, now);
    }
    if (raises_expiry(machine, answer)) { /* RFC 3261 10.2.8 */
        ++machine->raised;
        machine->expires = answer->min_expires;
        return send(machine, REGISTRATION_REGISTER);
    }
    return fail(machine, now, answer);
}

struct registration_action registration_change(struct registration_machine *machine,
                                               const struct registration_rules *rules,
                                               unsigned long long now)
{
    base_assert(!machine->stopping);
    machine->rules = *rules;
    if (machine->state == REGISTRATION_TRYING) {
        machine->changed = 1;
        return (struct registration_action){.wake = 0};
    }
    return register_now(machine, now);
}

struct registration_action registration_lost(struct registration_machine *machine,
                                             unsigned long long now)
{
    unsigned long long delay;

    if (machine->state != REGISTRATION_REGISTERED || machine->stopping) {
        return (struct registration_action){.wake = machine->wake};
    }
    if (machine->lost_at == 0 || now - machine->lost_at > 2 * MOST_RETURN) {
        machine->losses = 0;
    }
    delay = (unsigned long long)FIRST_RETURN << machine->losses;
    if (delay < MOST_RETURN) {
        ++machine->losses;
    } else {
        delay = MOST_RETURN;
    }
    machine->lost_at = now;
    return wait_until(machine, REGISTRATION_REGISTERED,
                      machine->wake < now + delay ? machine->wake : now + delay);
}

struct registration_action registration_stop(struct registration_machine *machine,
                                             unsigned long long now)
{
    if (machine->stopping) {
        return (struct registration_action){.wake = machine->wake};
    }
    machine->stopping = 1;
    if (machine->state == REGISTRATION_TRYING) { /* what comes of it is undone then */
        return (struct registration_action){.wake = 0};
    }
    return undo(machine, now);
}

const char *registration_state_name(enum registration_state state)
{
    static const char *const names[] = {"unregistered", "trying",        "registered", "retrying",
                                        "rejected",     "unregistering", "ended"};

    return names[state];
}
