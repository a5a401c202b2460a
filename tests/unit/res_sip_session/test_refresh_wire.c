/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two refresh queues talk to each other over a wire that loses, delays and reorders, under
 * simulated time: 10,000 random calls. Around each queue stands as little of SIP as it takes: a
 * client transaction that is sent again until its final response, server transactions that answer
 * it again, 2xx sent again until ACK, CANCEL and BYE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "res_sip_session/refresh_queue.h"

#define CALLS         10000
#define MOST_MESSAGES 256
#define MOST_SERVED   256
#define MOST_ASKED    16
#define SEED          0x5155455545ULL
#define NEVER         UINT64_MAX
#define GIVE_UP_MS    32000 /* 64*T1 */
#define LONGEST_MS    (3600 * 1000)

enum kind { INVITE, UPDATE, CANCEL, FINAL, ACK, BYE };

struct message {
    uint64_t at;
    int to; /* 0, 1 */
    enum kind kind;
    unsigned cseq;
    int of_invite; /* FINAL */
    int offer;     /* carries an offer */
    int status, retry_after_s;
};

/* A request of ours without a final response */
struct client {
    int active, is_invite, offer, cancelled;
    unsigned cseq;
    uint64_t again, give_up, interval;
};

/* A request of the peer */
struct served {
    unsigned cseq;
    int is_invite, offer;
    int status, retry_after_s; /* 0: not finally answered */
    uint64_t answer_at;
    int unacked, our_offer; /* a 2xx to an INVITE */
    uint64_t again, interval, give_up;
};

struct party {
    struct refresh_queue queue;
    struct client client;
    struct served served[MOST_SERVED];
    unsigned served_count;
    unsigned cseq;
    int confirmed, initial_pending, initial_unacked, ended, caller;
    uint64_t wait;                                   /* the queue's, or NEVER */
    unsigned asked[MOST_ASKED], results[MOST_ASKED]; /* ids, and how often each got its result */
    unsigned asked_count;
};

static struct {
    struct party party[2];
    struct message wire[MOST_MESSAGES];
    unsigned message_count;
    uint64_t now, answer_at, confirm_at, ack_at;
    int loss_percent, longest_delay_ms, early_offer_ok;
    uint64_t random;
    unsigned call;
} sim;

static struct {
    unsigned glare, busy, cancel, ended, done, refused, tries, lost, unsent;
} seen;

static void check(int ok, const char *what)
{
    if (!ok) {
        fail_msg("call %u (seed %#llx + call), at %llu ms: %s", sim.call, SEED,
                 (unsigned long long)sim.now, what);
    }
}

/* xorshift64* */
static unsigned number(void *data)
{
    uint64_t x = sim.random;

    (void)data;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    sim.random = x;
    return (unsigned)((x * 0x2545f4914f6cdd1dULL) >> 32);
}

static unsigned below(unsigned limit)
{
    return number(NULL) % limit;
}

static struct refresh_view look(const struct party *party)
{
    struct refresh_view view = {0};
    unsigned i;

    view.confirmed = party->confirmed;
    view.early = !party->confirmed;
    view.our_invite = party->caller && party->initial_pending;
    view.their_invite = !party->caller && party->initial_pending;
    view.unacked = party->initial_unacked;
    view.early_offer_ok = sim.early_offer_ok;
    view.peer_takes_update = 1;
    if (party->client.active) {
        *(party->client.is_invite ? &view.our_invite : &view.our_update) = 1;
        view.our_offer = party->client.offer;
    }
    for (i = 0; i < party->served_count; i++) {
        const struct served *served = &party->served[i];

        view.unacked |= served->unacked;
        view.our_offer |= served->unacked && served->our_offer;
        if (served->status == 0) {
            *(served->is_invite ? &view.their_invite : &view.their_update) = 1;
            view.their_offer |= served->offer;
        }
    }
    return view;
}

static void put(const struct party *from, struct message message)
{
    if (message.kind != BYE && below(100) < (unsigned)sim.loss_percent) {
        seen.lost++;
        return;
    }
    check(sim.message_count < MOST_MESSAGES, "the wire is full");
    message.to = from == &sim.party[0];
    message.at = sim.now + 1 + below((unsigned)sim.longest_delay_ms);
    sim.wire[sim.message_count++] = message;
}

static void put_request(struct party *party)
{
    const struct client *client = &party->client;

    put(party, (struct message){.kind = client->is_invite ? INVITE : UPDATE,
                                .cseq = client->cseq,
                                .offer = client->offer});
    if (client->cancelled) {
        put(party, (struct message){.kind = CANCEL, .cseq = client->cseq});
    }
}

static void put_final(struct party *party, const struct served *served)
{
    put(party, (struct message){.kind = FINAL,
                                .cseq = served->cseq,
                                .of_invite = served->is_invite,
                                .offer = served->our_offer,
                                .status = served->status,
                                .retry_after_s = served->retry_after_s});
}

static void end(struct party *party, int tell)
{
    if (party->ended) {
        return;
    }
    party->ended = 1;
    party->client.active = 0;
    refresh_queue_ended(&party->queue);
    if (tell) {
        put(party, (struct message){.kind = BYE});
    }
}

static void send_new(struct party *party, const struct refresh_action *action)
{
    struct refresh_view view = look(party);
    struct client *client = &party->client;

    check(!client->active, "two requests under way");
    check(!party->ended, "a request after the end");
    check(!action->with_offer || (!view.our_offer && !view.their_offer), "a second offer");
    check(action->as_update || (view.confirmed && !view.their_invite && !view.unacked),
          "a re-INVITE too early");
    seen.tries++;
    if (below(100) < 2) {
        seen.unsent++;
        refresh_queue_sent(&party->queue, 0);
        return;
    }
    *client = (struct client){.active = 1,
                              .is_invite = !action->as_update,
                              .offer = action->with_offer,
                              .cseq = ++party->cseq,
                              .interval = 500,
                              .again = sim.now + 500,
                              .give_up = sim.now + GIVE_UP_MS};
    put_request(party);
    refresh_queue_sent(&party->queue, 1);
}

static void take_result(struct party *party, const struct refresh_action *action)
{
    unsigned i;

    for (i = 0; i < party->asked_count && party->asked[i] != action->id; i++) {
    }
    check(i < party->asked_count, "a result of nobody");
    party->results[i]++;
    check(party->results[i] == 1, "a second result");
    *(action->status / 100 == 2 ? &seen.done : &seen.refused) += 1;
}

static void act(struct party *party)
{
    for (;;) {
        struct refresh_action action;
        struct refresh_view view = look(party);

        refresh_queue_step(&party->queue, &view, sim.now, &action);
        switch (action.kind) {
        case REFRESH_ACTION_NONE:
            party->wait = NEVER;
            return;
        case REFRESH_ACTION_WAIT:
            check(action.until > sim.now && action.until <= sim.now + 32000, "a bad time");
            party->wait = action.until;
            return;
        case REFRESH_ACTION_SEND:
            send_new(party, &action);
            break;
        case REFRESH_ACTION_CANCEL:
            check(party->client.active && party->client.is_invite && !party->client.cancelled,
                  "CANCEL of nothing");
            party->client.cancelled = 1;
            seen.cancel++;
            put(party, (struct message){.kind = CANCEL, .cseq = party->client.cseq});
            break;
        case REFRESH_ACTION_RESULT:
            take_result(party, &action);
            break;
        case REFRESH_ACTION_END_SESSION:
            check(!party->ended, "the end of an ended session");
            seen.ended++;
            end(party, 1);
            break;
        }
    }
}

static void answer(struct party *party, struct served *served, int status, int retry_after_s)
{
    served->status = status;
    served->retry_after_s = retry_after_s;
    served->answer_at = NEVER;
    if (served->is_invite && status / 100 == 2) {
        served->unacked = 1;
        served->our_offer = !served->offer;
        served->interval = 500;
        served->again = sim.now + 500;
        served->give_up = sim.now + GIVE_UP_MS;
    }
    put_final(party, served);
}

static void answer_somehow(struct party *party, struct served *served)
{
    static const int refusals[] = {488, 500, 503, 422, 405, 403, 480, 488, 488, 491};

    if (below(100) < 75) {
        answer(party, served, 200, -1);
    } else if (below(100) < 2) {
        answer(party, served, 481, -1);
    } else {
        answer(party, served, refusals[below(10)], (int)below(12) - 1);
    }
}

static void on_request(struct party *party, const struct message *message)
{
    struct refresh_view view = look(party);
    int is_invite = message->kind == INVITE, verdict;
    struct served *served;
    unsigned i;

    for (i = 0; i < party->served_count; i++) {
        if (party->served[i].cseq == message->cseq) {
            if (party->served[i].status != 0) {
                put_final(party, &party->served[i]);
            }
            return;
        }
    }
    check(party->served_count < MOST_SERVED, "too many requests");
    verdict = refresh_verdict(&view, is_invite, message->offer);
    served = &party->served[party->served_count++];
    *served = (struct served){.cseq = message->cseq,
                              .is_invite = is_invite,
                              .offer = message->offer,
                              .answer_at = NEVER};
    if (party->ended) {
        answer(party, served, 481, -1);
    } else if (verdict != 0) {
        *(verdict == 491 ? &seen.glare : &seen.busy) += 1;
        answer(party, served, verdict, verdict == 500 ? (int)below(11) : -1);
    } else {
        served->answer_at = sim.now + (below(2) ? 0 : below(is_invite ? 4000 : 800));
    }
}

static void on_final(struct party *party, const struct message *message)
{
    struct client *client = &party->client;

    if (message->of_invite && message->status / 100 == 2) {
        put(party, (struct message){.kind = ACK, .cseq = message->cseq});
    }
    if (client->active && client->cseq == message->cseq) {
        client->active = 0;
        refresh_queue_final(&party->queue, message->status, message->retry_after_s, sim.now);
    }
}

static struct served *find_served(struct party *party, unsigned cseq)
{
    unsigned i;

    for (i = 0; i < party->served_count; i++) {
        if (party->served[i].cseq == cseq && party->served[i].is_invite) {
            return &party->served[i];
        }
    }
    return NULL;
}

static void deliver(const struct message *message)
{
    struct party *party = &sim.party[message->to];
    struct served *served = find_served(party, message->cseq);

    switch (message->kind) {
    case INVITE:
    case UPDATE:
        on_request(party, message);
        break;
    case CANCEL:
        if (served && served->status == 0) {
            answer(party, served, 487, -1);
        }
        break;
    case FINAL:
        on_final(party, message);
        break;
    case ACK:
        if (served) {
            served->unacked = 0;
        }
        break;
    case BYE:
        end(party, 0);
        break;
    }
}

/* Everything of one party whose time has come. */
static void on_time(struct party *party)
{
    struct client *client = &party->client;
    unsigned i;

    if (client->active && sim.now >= client->give_up) {
        client->active = 0;
        refresh_queue_final(&party->queue, 408, -1, sim.now);
    } else if (client->active && sim.now >= client->again) {
        client->interval = client->interval < 4000 ? client->interval * 2 : 4000;
        client->again = sim.now + client->interval;
        put_request(party);
    }
    for (i = 0; i < party->served_count; i++) {
        struct served *served = &party->served[i];

        if (served->status == 0 && sim.now >= served->answer_at) {
            answer_somehow(party, served);
        }
        if (served->unacked && party->ended) {
            served->unacked = 0;
        } else if (served->unacked && sim.now >= served->give_up) {
            served->unacked = 0;
            end(party, 1); /* RFC 3261 13.3.1.4 */
        } else if (served->unacked && sim.now >= served->again) {
            served->interval = served->interval < 4000 ? served->interval * 2 : 4000;
            served->again = sim.now + served->interval;
            put_final(party, served);
        }
    }
}

static void earlier(uint64_t *next, uint64_t at)
{
    if (at < *next) {
        *next = at;
    }
}

static uint64_t next_time(void)
{
    uint64_t next = NEVER;
    unsigned i, p;

    earlier(&next, sim.answer_at);
    earlier(&next, sim.confirm_at);
    earlier(&next, sim.ack_at);
    for (i = 0; i < sim.message_count; i++) {
        earlier(&next, sim.wire[i].at);
    }
    for (p = 0; p < 2; p++) {
        const struct party *party = &sim.party[p];

        if (party->client.active) {
            earlier(&next, party->client.again);
            earlier(&next, party->client.give_up);
        }
        earlier(&next, party->ended ? NEVER : party->wait);
        for (i = 0; i < party->served_count; i++) {
            earlier(&next, party->served[i].answer_at);
            earlier(&next, party->served[i].unacked ? party->served[i].again : NEVER);
        }
    }
    return next;
}

/* The initial INVITE is answered, its 2xx arrives, its ACK arrives. */
static void move_on(void)
{
    if (sim.now >= sim.answer_at) {
        sim.party[1].confirmed = sim.party[1].initial_unacked = 1;
        sim.party[1].initial_pending = 0;
        sim.answer_at = NEVER;
    }
    if (sim.now >= sim.confirm_at) {
        sim.party[0].confirmed = 1;
        sim.party[0].initial_pending = 0;
        sim.confirm_at = NEVER;
    }
    if (sim.now >= sim.ack_at) {
        sim.party[1].initial_unacked = 0;
        sim.ack_at = NEVER;
    }
}

static void run_until(uint64_t until)
{
    unsigned i, p;

    while (next_time() != NEVER && next_time() <= until) {
        sim.now = next_time();
        check(sim.now < LONGEST_MS, "it never comes to rest");
        move_on();
        for (i = 0; i < sim.message_count;) {
            if (sim.wire[i].at <= sim.now) {
                struct message message = sim.wire[i];

                sim.wire[i] = sim.wire[--sim.message_count];
                deliver(&message);
            } else {
                i++;
            }
        }
        for (p = 0; p < 2; p++) {
            on_time(&sim.party[p]);
            act(&sim.party[p]);
        }
        for (p = 0; p < 2; p++) {
            struct refresh_view view = look(&sim.party[p]);

            check(!view.our_offer || !view.their_offer, "two offers outstanding");
        }
    }
    sim.now = until == NEVER ? sim.now : until;
}

static void do_something(struct party *party)
{
    unsigned what = below(100);

    if (what < 70 && party->asked_count < MOST_ASKED) {
        struct ast_sip_session_refresh refresh = {.method =
                                                      (enum ast_sip_session_refresh_method)below(3),
                                                  .without_offer = below(3) == 0};
        unsigned id = refresh_queue_add(&party->queue, &refresh);

        check((id == 0) == party->ended, "not taken, or taken after the end");
        if (id != 0) {
            party->asked[party->asked_count++] = id;
        }
    } else if (what < 98 && party->asked_count > 0) {
        refresh_queue_cancel(&party->queue, party->asked[below(party->asked_count)]);
    } else if (what >= 98) {
        end(party, 1);
    }
    act(party);
}

static void begin_call(unsigned call)
{
    int early = 0;
    unsigned p;

    memset(&sim, 0, sizeof(sim));
    sim.call = call;
    sim.random = SEED + call;
    for (p = 0; p < 8; p++) {
        below(2);
    }
    sim.loss_percent = (int)below(4) * 10;
    sim.longest_delay_ms = below(2) ? 20 : 700;
    sim.early_offer_ok = below(2) == 0;
    sim.answer_at = sim.confirm_at = sim.ack_at = NEVER;
    early = below(2) == 0;
    if (early) {
        sim.answer_at = 1 + below(10000);
        sim.confirm_at = sim.answer_at + 1 + below(700);
        sim.ack_at = sim.confirm_at + 1 + below(700);
    }
    for (p = 0; p < 2; p++) {
        sim.party[p].caller = p == 0;
        sim.party[p].confirmed = !early;
        sim.party[p].initial_pending = early;
        sim.party[p].wait = NEVER;
        refresh_queue_init(&sim.party[p].queue, p == 0, number, NULL);
    }
}

static void end_call(void)
{
    unsigned i, p;

    for (p = 0; p < 2; p++) {
        struct party *party = &sim.party[p];

        check(party->queue.count == 0, "something waits for ever");
        for (i = 0; i < party->asked_count; i++) {
            check(party->results[i] == 1, "a refresh without a result");
        }
        refresh_queue_release(&party->queue);
    }
}

static void test_calls(void **state)
{
    unsigned call, events;

    (void)state;
    for (call = 0; call < CALLS; call++) {
        begin_call(call);
        for (events = 1 + below(20); events > 0; events--) {
            do_something(&sim.party[below(2)]);
            run_until(sim.now + below(below(2) ? 50 : 4000));
        }
        run_until(NEVER);
        end_call();
    }
    print_message("glare %u, busy %u, cancel %u, ended %u, done %u, refused %u, sent %u, lost %u, "
                  "unsent %u\n",
                  seen.glare, seen.busy, seen.cancel, seen.ended, seen.done, seen.refused,
                  seen.tries, seen.lost, seen.unsent);
    /* the calls did go where it hurts */
    assert_true(seen.glare > CALLS / 10);
    assert_int_equal(seen.busy, 0); /* no queue breaks in on an exchange of its own side */
    assert_true(seen.cancel > CALLS / 10);
    assert_true(seen.ended > CALLS / 100);
    assert_true(seen.done > CALLS && seen.refused > CALLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_calls)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
