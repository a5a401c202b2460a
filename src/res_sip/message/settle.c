/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: answers that are kept to be sent again. Nothing is sent here.
 *
 * Over UDP a transaction keeps its final answer for 32 s (RFC 3261 17.2.2 Timer J, 17.2.1 Timer H; RFC 6026 Timer L),
 * and with it all that it was made of. What a repeated request gets is the same text again (8.2.7, 17.2.2): so some
 * time after the answer was sent the transaction gets a message that has the text and nothing else. Modules that look
 * at what is sent see its status and CSeq then.
 */
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/message/message.h"

#define LOOK_AFTER 1 /* seconds */

/* A transaction that has no final answer yet, or had none when we looked; in its own memory, with a reference. */
struct waiting {
    struct waiting *next;
    pjsip_transaction *tsx;
};

static pj_bool_t on_request(pjsip_rx_data *rdata);

static pjsip_module settle = {
    .name =
        SIP_STR("mod-sip-settle"), /* its slots: who waits for a transaction; a message is text */
    .id = -1,
    .priority = SIP_PRIORITY_EDGE,
    .on_rx_request = on_request,
};

static const pjsip_rx_data *request; /* the one that is worked on */
static struct waiting *waiting;
static pj_timer_entry look_timer;
static int armed;

static void arm(void)
{
    const pj_time_val delay = {LOOK_AFTER, 0};

    armed = pjsip_endpt_schedule_timer(sip_endpt, &look_timer, &delay) == PJ_SUCCESS;
}

/* The text of a message, with what PJSIP needs to send it. NULL: no memory. */
static pjsip_tx_data *only_text(const pjsip_tx_data *full)
{
    const size_t size = (size_t)(full->buf.cur - full->buf.start);
    const pjsip_cseq_hdr *cseq = pjsip_msg_find_hdr(full->msg, PJSIP_H_CSEQ, NULL);
    pjsip_tx_data *made;

    if (!cseq || pjsip_endpt_create_tdata(sip_endpt, &made) != PJ_SUCCESS) {
        return NULL;
    }
    pjsip_tx_data_add_ref(made);
    made->msg = pjsip_msg_create(made->pool, PJSIP_RESPONSE_MSG);
    made->msg->line.status.code = full->msg->line.status.code;
    made->msg->line.status.reason = *pjsip_get_status_text(full->msg->line.status.code);
    pjsip_msg_add_hdr(made->msg, pjsip_hdr_clone(made->pool, cseq));
    made->buf.start = pj_pool_alloc(made->pool, size + 1);
    memcpy(made->buf.start, full->buf.start, size + 1);
    made->buf.cur = made->buf.start + size;
    made->buf.end = made->buf.cur + 1;
    made->tp_info = full->tp_info;
    made->mod_data[settle.id] = made;
    return made;
}

static void settle_one(pjsip_transaction *tsx)
{
    pjsip_tx_data *full = tsx->last_tx, *made;

    if (full && pjsip_tx_data_is_valid(full) && !full->is_pending && (made = only_text(full))) {
        tsx->last_tx = made;
        pjsip_tx_data_dec_ref(full);
    }
}

/* 1: there is nothing to wait for any more. */
static int is_done(pjsip_transaction *tsx)
{
    if (tsx->state == PJSIP_TSX_STATE_COMPLETED || tsx->state == PJSIP_TSX_STATE_CONFIRMED) {
        settle_one(tsx);
    }
    return tsx->state >= PJSIP_TSX_STATE_COMPLETED;
}

static void look(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct waiting **at = &waiting, *one;

    (void)heap;
    (void)entry;
    while ((one = *at)) {
        if (is_done(one->tsx)) {
            *at = one->next;
            pj_grp_lock_dec_ref(one->tsx->grp_lock);
        } else {
            at = &one->next;
        }
    }
    armed = 0;
    if (waiting) {
        arm();
    }
}

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    request = rdata;
    return PJ_FALSE;
}

/* The transaction that a request made, or NULL; PJSIP has forgotten by now which one it was. With a reference. */
static pjsip_transaction *find(pjsip_rx_data *rdata)
{
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;
    pj_str_t key;

    if (method->id == PJSIP_ACK_METHOD ||
        pjsip_tsx_create_key(rdata->tp_info.pool, &key, PJSIP_ROLE_UAS, method, rdata) !=
            PJ_SUCCESS) {
        return NULL;
    }
    return pjsip_tsx_layer_find_tsx2(&key, PJ_TRUE);
}

void sip_settle_later(pjsip_rx_data *rdata)
{
    /* of what came to no module nothing is known */
    pjsip_transaction *tsx = rdata == request ? find(rdata) : NULL;
    struct waiting *one;

    request = NULL;
    if (!tsx) {
        return;
    }
    if (tsx->mod_data[settle.id] || tsx->state >= PJSIP_TSX_STATE_TERMINATED) {
        pj_grp_lock_dec_ref(tsx->grp_lock);
        return;
    }
    one = PJ_POOL_ALLOC_T(tsx->pool, struct waiting);
    one->tsx = tsx;
    one->next = waiting;
    waiting = one;
    tsx->mod_data[settle.id] = one;
    if (!armed) {
        arm();
    }
}

int sip_is_settled(const pjsip_tx_data *tdata)
{
    return settle.id >= 0 && tdata->mod_data[settle.id] != NULL;
}

int sip_settle_start(void)
{
    pj_timer_entry_init(&look_timer, 0, NULL, look);
    waiting = NULL;
    armed = 0;
    return sip_module_register(&settle);
}

void sip_settle_stop(void)
{
    struct waiting *one;

    if (armed) {
        pjsip_endpt_cancel_timer(sip_endpt, &look_timer);
        armed = 0;
    }
    while ((one = waiting)) {
        waiting = one->next;
        pj_grp_lock_dec_ref(one->tsx->grp_lock);
    }
}
