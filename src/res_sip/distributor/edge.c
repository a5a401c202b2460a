/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the first to see what PJSIP has parsed: what breaks RFC 3261, and bodies that the guard
 * refuses, are answered here, before transactions and before PJSIP's parsers of bodies, and
 * counted. Headers were looked at already (wire.c). Knows no endpoints.
 */
#include <string.h>
#include <strings.h>

#include <sipsession/log.h>

#include "res_sip/distributor/distributor.h"
#include "res_sip/guard/guard.h"
#include "res_sip/message/message.h"
#include "res_sip/transport/wire.h"

#define MISCELLANEOUS_WARNING 399 /* RFC 3261 20.43 */

static pj_bool_t on_request(pjsip_rx_data *rdata);
static pj_bool_t on_response(pjsip_rx_data *rdata);

static pjsip_module edge = {
    .name = SIP_STR("mod-sip-edge"),
    .id = -1,
    .priority = SIP_PRIORITY_EDGE,
    .on_rx_request = on_request,
    .on_rx_response = on_response,
};

static int is(const pj_str_t *text, const char *wanted, size_t length)
{
    return (size_t)text->slen == length && strncasecmp(text->ptr, wanted, length) == 0;
}

static int is_sdp(const pjsip_media_type *type)
{
    return is(&type->subtype, "sdp", 3) && is(&type->type, "application", 11);
}

/* RFC 3261 21.4.29, 23.2: S/MIME, for which there is no key. */
static int is_enciphered(const pjsip_media_type *type)
{
    return is(&type->subtype, "pkcs7-mime", 10) && is(&type->type, "application", 11);
}

/* A4: a multipart without parts is not to be had; and an SDP may be among the parts. */
static int check_multipart(const pjsip_msg_body *body, const char **why)
{
    const struct sip_guard_limits *limits = &sip_get_config()->guard;
    pjsip_multipart_part *part = pjsip_multipart_get_first_part(body);
    int code = 0;

    if (!part) {
        *why = "A multipart without parts";
        return PJSIP_SC_BAD_REQUEST;
    }
    for (; part && code == 0; part = pjsip_multipart_get_next_part(body, part)) {
        if (part->body && is_sdp(&part->body->content_type)) {
            code = sip_guard_sdp(limits, part->body->data, part->body->len, why);
        }
    }
    return code;
}

/* What is behind Content-Length in a datagram is no body (RFC 3261 18.3). */
static void cut_body(const pjsip_rx_data *rdata, pjsip_msg_body *body)
{
    if (rdata->msg_info.clen && rdata->msg_info.clen->len >= 0 &&
        (unsigned)rdata->msg_info.clen->len < body->len) {
        body->len = (unsigned)rdata->msg_info.clen->len;
    }
}

/* RFC 3261 8.2.3, 20.12: a body that is packed in a way that we cannot undo. */
static int is_encoded(const pjsip_msg *msg)
{
    const pj_str_t name = SIP_STR("Content-Encoding"), short_name = SIP_STR("e");
    const pjsip_generic_string_hdr *hdr;

    if (!sip_wire_has_encoding()) {
        return 0;
    }
    hdr = pjsip_msg_find_hdr_by_names(msg, &name, &short_name, NULL);
    return hdr && pj_stricmp2(&hdr->hvalue, "identity") != 0;
}

static int check_body(const pjsip_rx_data *rdata, const char **why)
{
    pjsip_msg_body *body = rdata->msg_info.msg->body;
    const pjsip_ctype_hdr *type = rdata->msg_info.ctype;

    if (type && is(&type->media.type, "multipart", 9)) {
        if (!body && rdata->msg_info.clen && rdata->msg_info.clen->len == 0) {
            return 0;
        }
        if (!body) {
            *why = "Bad multipart";
            return PJSIP_SC_BAD_REQUEST;
        }
        return check_multipart(body, why);
    }
    if (!body) {
        return 0;
    }
    if (is_encoded(rdata->msg_info.msg)) {
        *why = "Unknown Content-Encoding";
        return PJSIP_SC_UNSUPPORTED_MEDIA_TYPE;
    }
    if (is_enciphered(&body->content_type)) {
        *why = "Undecipherable";
        return PJSIP_SC_UNDECIPHERABLE;
    }
    cut_body(rdata, body);
    return body->len && is_sdp(&body->content_type)
               ? sip_guard_sdp(&sip_get_config()->guard, body->data, body->len, why)
               : 0;
}

/*
 * The refusal of a message does not repeat its Record-Route: no dialog comes of it, and the header
 * may be what it is refused for (B5: the printer asserts).
 */
static void forget_routes(pjsip_msg *msg)
{
    pjsip_hdr *header;

    while ((header = pjsip_msg_find_hdr(msg, PJSIP_H_RECORD_ROUTE, NULL))) {
        pj_list_erase(header);
    }
}

/*
 * 1: a method in other letters than its own: another method, which nobody has (RFC 3261 7.1). PJSIP
 * takes it for the one it knows.
 */
static int is_misspelt(const pjsip_rx_data *rdata)
{
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;

    return method->id != PJSIP_OTHER_METHOD && rdata->msg_info.len >= method->name.slen &&
           memcmp(rdata->msg_info.msg_buf, method->name.ptr, (size_t)method->name.slen) != 0;
}

static void refuse_method(pjsip_rx_data *rdata)
{
    pjsip_hdr list;

    pj_list_init(&list);
    sip_add_capability(rdata->tp_info.pool, &list, PJSIP_H_ALLOW);
    sip_respond(rdata, PJSIP_SC_NOT_IMPLEMENTED, NULL, &list);
}

static int concerns_body(int code)
{
    return code == PJSIP_SC_NOT_ACCEPTABLE_HERE || code == PJSIP_SC_UNDECIPHERABLE;
}

/*
 * Nobody can be told what is wrong with the SDP of an ACK or a response. Without its body it is one
 * that lacks the answer, which ends the call, rather than one that was lost.
 */
static void drop_body(pjsip_rx_data *rdata)
{
    rdata->msg_info.msg->body = NULL;
}

/* What a refusal says besides its code: what is taken (RFC 3261 21.4.13), or what is wrong with an
 * offer (13.3.1.3). */
static void refuse(pjsip_rx_data *rdata, int code, const char *why)
{
    const pj_str_t name = SIP_STR("Accept-Encoding"), value = SIP_STR("identity");
    const pj_str_t text = sip_str(why);
    pj_pool_t *pool = rdata->tp_info.pool;
    pjsip_hdr list;

    pj_list_init(&list);
    if (code == PJSIP_SC_UNSUPPORTED_MEDIA_TYPE) {
        pj_list_push_back(&list, pjsip_generic_string_hdr_create(pool, &name, &value));
    } else if (code == PJSIP_SC_NOT_ACCEPTABLE_HERE) {
        pj_list_push_back(&list, pjsip_warning_hdr_create(pool, MISCELLANEOUS_WARNING,
                                                          pjsip_endpt_name(sip_endpt), &text));
    }
    sip_respond(rdata, code, why, &list);
}

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    const char *why = NULL;
    int code;

    if (is_misspelt(rdata)) {
        sip_wire_count(&rdata->pkt_info.src_addr, "a method in small letters");
        forget_routes(rdata->msg_info.msg);
        refuse_method(rdata);
        return PJ_TRUE;
    }
    if (pjsip_method_cmp(&rdata->msg_info.msg->line.req.method, &rdata->msg_info.cseq->method) !=
        0) {
        why = "CSeq names another method"; /* RFC 3261 8.1.1.5 */
        code = PJSIP_SC_BAD_REQUEST;
    } else {
        code = check_body(rdata, &why);
    }
    if (code == 0) {
        return PJ_FALSE;
    }
    sip_wire_count(&rdata->pkt_info.src_addr, why);
    if (concerns_body(code) && rdata->msg_info.msg->line.req.method.id == PJSIP_ACK_METHOD) {
        drop_body(rdata);
        return PJ_FALSE;
    }
    forget_routes(rdata->msg_info.msg);
    refuse(rdata, code, why);
    return PJ_TRUE;
}

static pj_bool_t on_response(pjsip_rx_data *rdata)
{
    const char *why = NULL;
    int code = check_body(rdata, &why);

    if (code == 0) {
        return PJ_FALSE;
    }
    sip_wire_count(&rdata->pkt_info.src_addr, why);
    if (concerns_body(code)) {
        drop_body(rdata);
        return PJ_FALSE;
    }
    return PJ_TRUE;
}

int sip_edge_start(void)
{
    return sip_module_register(&edge);
}
