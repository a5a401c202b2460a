/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the last hand on an outgoing message: our name in it, and its text. Nothing is decided here.
 *
 * PJSIP would print into a buffer of PJSIP_MAX_PKT_LEN that lives as long as the message (a response is kept for half
 * a minute). We print into one buffer for all and keep what the text needs. The room behind the announced end, and the
 * check of the length, keep PJSIP's printers from writing outside (A0.2, A3, A4 of docs/pjsip.md).
 */
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/message/message.h"

/* What a datagram takes, and some room. */
#define MOST_REGISTER_ANSWER 64000

static pj_status_t on_tx(pjsip_tx_data *tdata);

static pjsip_module print = {
    .name = SIP_STR("mod-sip-print"),
    .id = -1,
    .priority = SIP_PRIORITY_EDGE,
    .on_tx_request = on_tx,
    .on_tx_response = on_tx,
};

static pjsip_generic_string_hdr user_agent; /* of requests (RFC 3261 20.41) */
static pjsip_generic_string_hdr server;     /* of responses (RFC 3261 20.35) */
static char *our_name, *next_name;          /* what both say */
static char scratch[MOST_REGISTER_ANSWER + 512];

/* 1 when the message names its sender already. */
static int is_named(const pjsip_msg *msg, const pj_str_t *name)
{
    const pjsip_hdr *header;

    for (header = msg->hdr.next; header != &msg->hdr; header = header->next) {
        if (header->name.slen == name->slen && pj_stricmp(&header->name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void name_sender(pjsip_tx_data *tdata)
{
    pjsip_generic_string_hdr *ours = tdata->msg->type == PJSIP_REQUEST_MSG ? &user_agent : &server;
    pjsip_generic_string_hdr *copy;

    if (ours->hvalue.slen == 0 || is_named(tdata->msg, &ours->name)) {
        return;
    }
    copy = pjsip_hdr_shallow_clone(tdata->pool, ours);
    pj_strdup(tdata->pool, &copy->hvalue, &ours->hvalue); /* a reload may come before it goes */
    pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)copy);
    pjsip_tx_data_invalidate_msg(tdata);
}

/* An answer to REGISTER has all bindings of an AOR (RFC 3261 10.3 step 8), however many there are. */
static pj_ssize_t most_of(const pjsip_msg *msg)
{
    const pjsip_cseq_hdr *cseq = PJSIP_MSG_CSEQ_HDR(msg);

    return msg->type == PJSIP_RESPONSE_MSG && cseq && cseq->method.id == PJSIP_REGISTER_METHOD
               ? MOST_REGISTER_ANSWER
               : PJSIP_MAX_PKT_LEN;
}

static pj_status_t print_text(pjsip_tx_data *tdata)
{
    const pj_ssize_t most = most_of(tdata->msg);
    pj_ssize_t size = pjsip_msg_print(tdata->msg, scratch, (pj_size_t)most);

    if (size <= 0 || size > most) {
        return PJSIP_EMSGTOOLONG;
    }
    if (!tdata->buf.start || tdata->buf.end - tdata->buf.start <= size) {
        tdata->buf.start = pj_pool_alloc(tdata->pool, (pj_size_t)size + 1);
        tdata->buf.end = tdata->buf.start + size + 1;
    }
    memcpy(tdata->buf.start, scratch, (size_t)size);
    tdata->buf.cur = tdata->buf.start + size;
    *tdata->buf.cur = '\0';
    return PJ_SUCCESS;
}

static pj_status_t on_tx(pjsip_tx_data *tdata)
{
    name_sender(tdata);
    return pjsip_tx_data_is_valid(tdata) ? PJ_SUCCESS : print_text(tdata);
}

int sip_print_prepare(struct sip_config *config)
{
    next_name = strdup(config->global.user_agent);
    if (!next_name) {
        ast_error_limited("res_sip: no memory");
    }
    return next_name ? 0 : -1;
}

void sip_print_abandon(void)
{
    free(next_name);
    next_name = NULL;
}

void sip_print_commit(struct sip_config *old, struct sip_config *config)
{
    pj_str_t user_agent_name = SIP_STR("User-Agent"), server_name = SIP_STR("Server");
    pj_str_t value = sip_str(next_name);

    (void)old;
    (void)config;
    pjsip_generic_string_hdr_init2(&user_agent, &user_agent_name, &value);
    pjsip_generic_string_hdr_init2(&server, &server_name, &value);
    free(our_name);
    our_name = next_name;
    next_name = NULL;
}

int sip_print_start(struct sip_config *config)
{
    if (sip_print_prepare(config) != 0) {
        return -1;
    }
    sip_print_commit(NULL, config);
    return sip_module_register(&print);
}

void sip_print_stop(void)
{
    free(our_name);
    our_name = NULL;
}
