/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: how many of the transactions that there are each source has begun: one that asks and asks
 * takes its own part of what overload control shares out among all (overload.c), and no more. Who is
 * one source, is said in sources.c; what exists already is never refused.
 *
 * A request has no transaction yet when it is let in, and perhaps never gets one (a challenge has
 * none). So it is looked for when the next one comes.
 */
#include <stdlib.h>
#include <string.h>

#include <pj/hash.h>
#include <sipsession/log.h>

#include "res_sip/access/access.h"
#include "res_sip/message/message.h"
#include "res_sip/overload/overload.h"

#define BUCKETS    4096
#define KEY_SIZE   PJSIP_MAX_PKT_LEN /* what identifies a transaction is part of its request */
#define TELL_EVERY 10000000u         /* microseconds */

/* One that has some. */
struct holder {
    struct holder *next;
    struct sip_source_key key;
    unsigned count;
    pj_uint64_t told; /* when it was last said to have too many; 0: never */
};

static struct holder *holders[BUCKETS];

/* The request that was let in last, until its transaction was looked for. */
static struct {
    char text[KEY_SIZE];
    pj_ssize_t length; /* 0: none */
    struct sip_source_key source;
} last;

static struct holder **find(const struct sip_source_key *key)
{
    struct holder **place = &holders[pj_hash_calc(0, key, sizeof(*key)) % BUCKETS];

    while (*place && memcmp(&(*place)->key, key, sizeof(*key)) != 0) {
        place = &(*place)->next;
    }
    return place;
}

/* A transaction of it is gone. */
static void on_gone(void *holding)
{
    struct holder *holder = holding, **place = find(&holder->key);

    if (--holder->count == 0) {
        *place = holder->next;
        free(holder);
    }
}

/* NULL: no memory; then it is not counted. */
static struct holder *take(const struct sip_source_key *key)
{
    struct holder **place = find(key);

    if (!*place) {
        *place = calloc(1, sizeof(**place));
        if (!*place) {
            return NULL;
        }
        (*place)->key = *key;
    }
    (*place)->count++;
    return *place;
}

static void count_last(void)
{
    const pj_str_t key = {last.text, last.length};
    pjsip_transaction *tsx = last.length > 0 ? pjsip_tsx_layer_find_tsx2(&key, PJ_FALSE) : NULL;
    struct holder *holder = tsx ? take(&last.source) : NULL;

    last.length = 0;
    if (holder && pj_grp_lock_add_handler(tsx->grp_lock, NULL, holder, on_gone) != PJ_SUCCESS) {
        on_gone(holder);
    }
}

static void note(pjsip_rx_data *rdata, const struct sip_source_key *source)
{
    pj_str_t key;

    if (pjsip_tsx_create_key(rdata->tp_info.pool, &key, PJSIP_ROLE_UAS,
                             &rdata->msg_info.msg->line.req.method, rdata) == PJ_SUCCESS &&
        key.slen <= KEY_SIZE) {
        memcpy(last.text, key.ptr, (size_t)key.slen);
        last.length = key.slen;
        last.source = *source;
    }
}

static void refuse(pjsip_rx_data *rdata, struct holder *holder)
{
    pj_uint64_t now = sip_now();
    pjsip_hdr list;

    sip_counters.transactions_refused++;
    if (!holder->told || now - holder->told > TELL_EVERY) {
        holder->told = now;
        sip_access_event("event=transactions source=%s count=%u", rdata->pkt_info.src_name,
                         holder->count);
    }
    pj_list_init(&list);
    pj_list_push_back(&list, pjsip_retry_after_hdr_create(rdata->tp_info.pool,
                                                          (int)sip_overload_retry_after()));
    sip_respond(rdata, PJSIP_SC_SERVICE_UNAVAILABLE, NULL, &list);
}

int sip_transactions_check(pjsip_rx_data *rdata)
{
    unsigned most = sip_get_config()->access.transactions;
    struct sip_source_key source;
    struct holder *holder;

    if (most == 0) {
        last.length = 0;
        return 1;
    }
    count_last();
    sip_source_set_key(&source, &rdata->pkt_info.src_addr);
    holder = *find(&source);
    if (holder && holder->count >= most &&
        (holder->count > most + most / 10 || !sip_overload_is_emergency(rdata))) {
        refuse(rdata, holder);
        return 0;
    }
    note(rdata, &source);
    return 1;
}

/* Those of an earlier run; none of its transactions is there any more. */
void sip_transactions_start(void)
{
    unsigned i;

    last.length = 0;
    for (i = 0; i < BUCKETS; i++) {
        while (holders[i]) {
            struct holder *holder = holders[i];

            holders[i] = holder->next;
            free(holder);
        }
    }
}
