/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: phones that keep flows to us open (RFC 5626): they are known by their instance, not by
 * their address, and are called over the flow that they registered over.
 */
#include "outbound.h"

#include <string.h>

#include <sipsession/address.h>

#include "params.h"

#define MOST_INSTANCE 256
#define MOST_FLOW     256
#define MOST_REG_ID   2147483647L /* RFC 5626 4.2 */

static const pjsip_param *find_param(const pjsip_param *list, const char *name)
{
    const pjsip_param *param = list->next;

    while (param != list && pj_stricmp2(&param->name, name) != 0) {
        param = param->next;
    }
    return param == list ? NULL : param;
}

/* 0: it is none. */
static unsigned read_reg_id(const pj_str_t *text)
{
    long value = 0;

    for (pj_ssize_t i = 0; i < text->slen; i++) {
        if (text->ptr[i] < '0' || text->ptr[i] > '9') {
            return 0;
        }
        value = value * 10 + (text->ptr[i] - '0');
        if (value > MOST_REG_ID) {
            return 0;
        }
    }
    return (unsigned)value;
}

/* What stands in the quotes of `"<urn:uuid:...>"`; what would need escapes is none. */
static const char *read_instance(pj_pool_t *pool, const pj_str_t *text)
{
    size_t length = (size_t)text->slen;
    char *copy;

    if (length < 3 || length > MOST_INSTANCE || text->ptr[0] != '"' ||
        text->ptr[length - 1] != '"') {
        return NULL;
    }
    copy = pj_pool_alloc(pool, length - 1);
    memcpy(copy, text->ptr + 1, length - 2);
    copy[length - 2] = '\0';
    return strlen(copy) == length - 2 && !strpbrk(copy, "\"\\\r\n") ? copy : NULL;
}

void outbound_read_contact(pj_pool_t *pool, const pjsip_contact_hdr *hdr,
                           struct rules_contact *contact)
{
    const pjsip_param *instance = find_param(&hdr->other_param, "+sip.instance");
    const pjsip_param *reg_id = find_param(&hdr->other_param, "reg-id");
    unsigned number = reg_id ? read_reg_id(&reg_id->value) : 0;

    contact->instance = number && instance ? read_instance(pool, &instance->value) : NULL;
    contact->reg_id = contact->instance ? number : 0;
}

/* ---- whether it is used ---- */

/* How many contacts are bound by a flow. */
static unsigned count(const struct rules_contact *contacts, const struct rules_request *request)
{
    unsigned found = 0;

    for (unsigned i = 0; i < request->count; i++) {
        long long expires =
            contacts[i].expires != RULES_NO_EXPIRES ? contacts[i].expires : request->expires;

        found += contacts[i].instance && expires != 0;
    }
    return found;
}

static int has_some(const struct rules_contact *contacts, const struct rules_request *request)
{
    unsigned i = 0;

    while (i < request->count && !contacts[i].instance) {
        i++;
    }
    return i < request->count;
}

static int without(struct rules_contact *contacts, const struct rules_request *request)
{
    for (unsigned i = 0; i < request->count; i++) {
        contacts[i].instance = NULL;
        contacts[i].reg_id = 0;
    }
    return PJSIP_SC_OK;
}

static int came_through_proxy(const pjsip_rx_data *rdata)
{
    return pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_VIA, rdata->msg_info.via->next) != NULL;
}

/* The proxy next to the phone is the last of Path; it says by `ob` that it keeps the flow. */
static int first_proxy_keeps_flow(const char *path)
{
    struct ast_sip_address address, last = {.uri = {NULL, 0}};
    pj_str_t rest = pj_str((char *)path), params, value;
    const char *at;

    while (ast_sip_address_next(&rest, &address) > 0) {
        last = address;
    }
    at = last.uri.slen > 0 ? memchr(last.uri.ptr, '@', (size_t)last.uri.slen) : NULL;
    params.ptr = at ? (char *)at : last.uri.ptr; /* a user may have parameters of its own */
    params.slen = last.uri.slen - (params.ptr - last.uri.ptr);
    at = params.slen > 0 ? memchr(params.ptr, ';', (size_t)params.slen) : NULL;
    if (!at) {
        return 0;
    }
    params.slen -= at - params.ptr;
    params.ptr = (char *)at;
    return ast_sip_address_param(&params, "ob", &value);
}

/* The flow that it came over; NULL: requests to it go another way. */
static const char *flow_of(pj_pool_t *pool, const pjsip_rx_data *rdata,
                           const struct ast_sip_aor *aor, unsigned *timer)
{
    const struct ast_sip_endpoint *endpoint = ast_pjsip_rdata_get_endpoint((pjsip_rx_data *)rdata);
    char name[MOST_FLOW], *copy;

    if ((endpoint && endpoint->outbound_proxy && *endpoint->outbound_proxy) ||
        (aor->outbound_proxy && *aor->outbound_proxy) ||
        ast_sip_flow_name(rdata, name, sizeof(name), timer) != 0) {
        return NULL;
    }
    copy = pj_pool_alloc(pool, strlen(name) + 1);
    return strcpy(copy, name);
}

/* Where we are next to the phone the flow is ours to keep. */
static int take_flow(pj_pool_t *pool, const pjsip_rx_data *rdata, const struct ast_sip_aor *aor,
                     struct rules_contact *contacts, struct rules_request *request)
{
    const char *flow = flow_of(pool, rdata, aor, &request->flow_timer);

    for (unsigned i = 0; flow && i < request->count; i++) {
        contacts[i].flow = contacts[i].instance ? flow : NULL;
    }
    return flow ? 0 : -1;
}

int outbound_decide(pj_pool_t *pool, pjsip_rx_data *rdata, int asked, const struct ast_sip_aor *aor,
                    struct rules_contact *contacts, struct rules_request *request)
{
    if (!asked || !has_some(contacts, request)) {
        return without(contacts, request);
    }
    if (count(contacts, request) > 1) {
        return PJSIP_SC_BAD_REQUEST;
    }
    if (came_through_proxy(rdata) || request->path) {
        if (!aor->support_path) {
            return without(contacts, request); /* nobody knows what the proxy does */
        }
        if (!request->path || !first_proxy_keeps_flow(request->path)) {
            return PJSIP_SC_FIRST_HOP_LACKS_OUTBOUND_SUPPORT;
        }
    } else if (take_flow(pool, rdata, aor, contacts, request) != 0) {
        return without(contacts, request);
    }
    request->outbound = 1;
    return PJSIP_SC_OK;
}

/* ---- rewrite_contact over a connection ---- */

/* The first Contact as it was written, before its host and port were replaced: its port, or 0. */
static int written_port(pj_pool_t *pool, const pjsip_rx_data *rdata)
{
    pj_str_t written, text;
    pjsip_uri *uri;

    if (params_first_uri(rdata->msg_info.msg_buf, (size_t)rdata->msg_info.len, &written) != 0) {
        return 0;
    }
    pj_strdup_with_null(pool, &text, &written);
    uri = pjsip_parse_uri(pool, text.ptr, (pj_size_t)text.slen, 0);
    return uri && (PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri))
               ? ((pjsip_sip_uri *)pjsip_uri_get_uri(uri))->port
               : 0;
}

void outbound_take_connection(pj_pool_t *pool, pjsip_rx_data *rdata, const struct ast_sip_aor *aor,
                              struct rules_contact *contacts, struct rules_request *request)
{
    static const pj_str_t path = {(char *)"Path", 4};
    const struct ast_sip_endpoint *endpoint = ast_pjsip_rdata_get_endpoint(rdata);
    unsigned unused;

    if (!endpoint || !endpoint->rewrite_contact || request->count == 0 || contacts[0].instance ||
        (rdata->tp_info.transport->flag & PJSIP_TRANSPORT_DATAGRAM) ||
        pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &path, NULL) ||
        rdata->msg_info.record_route ||
        written_port(pool, rdata) == rdata->pkt_info.src_port) { /* it listens there */
        return;
    }
    contacts[0].flow = flow_of(pool, rdata, aor, &unused);
}

int outbound_is_gone(const struct ast_sip_contact *contact)
{
    return !ast_sip_contact_has_way(contact);
}

/* ---- the answer ---- */

static void add_param(pj_pool_t *pool, pjsip_contact_hdr *hdr, const char *name, const char *value)
{
    pjsip_param *param = PJ_POOL_ZALLOC_T(pool, pjsip_param);

    param->name = pj_str((char *)name);
    pj_strdup2(pool, &param->value, value);
    pj_list_push_back(&hdr->other_param, param);
}

void outbound_add_params(pj_pool_t *pool, const struct ast_sip_contact *contact,
                         pjsip_contact_hdr *hdr)
{
    char text[MOST_INSTANCE + 16];

    if (!contact->instance ||
        snprintf(text, sizeof(text), "\"%s\"", contact->instance) >= (int)sizeof(text)) {
        return;
    }
    add_param(pool, hdr, "+sip.instance", text);
    snprintf(text, sizeof(text), "%u", contact->reg_id);
    add_param(pool, hdr, "reg-id", text);
}

void outbound_add_headers(pjsip_tx_data *tdata, const struct rules_request *request)
{
    char text[16];

    if (!request->outbound) {
        return;
    }
    ast_sip_add_header(tdata, "Require", "outbound");
    if (request->flow_timer) {
        snprintf(text, sizeof(text), "%u", request->flow_timer);
        ast_sip_add_header(tdata, "Flow-Timer", text);
    }
}
