/* SPDX-License-Identifier: GPL-2.0-or-later */
/* message: what a MESSAGE may carry (RFC 3428 4, 7): text that a dialplan can hold. */
#include "message.h"
#include "utf8.h"

static int has_header(const pjsip_msg *msg, const char *name)
{
    const pj_str_t wanted = pj_str((char *)name);

    return pjsip_msg_find_hdr_by_name(msg, &wanted, NULL) != NULL;
}

/* RFC 3261 7.4.1: text without a charset is UTF-8, of which US-ASCII is a part. */
static int is_text(const pjsip_msg *msg, int only_plain)
{
    static const pj_str_t charset = {(char *)"charset", 7};
    const pjsip_msg_body *body = msg->body;
    const pjsip_param *param;
    pj_str_t value;

    if (pj_stricmp2(&body->content_type.type, "text") != 0 ||
        (only_plain && pj_stricmp2(&body->content_type.subtype, "plain") != 0) ||
        has_header(msg, "Content-Encoding")) {
        return 0;
    }
    param = pjsip_param_find(&body->content_type.param, &charset);
    if (param == NULL) {
        return 1;
    }
    value = param->value;
    if (value.slen >= 2 && value.ptr[0] == '"') { /* a quoted one */
        ++value.ptr;
        value.slen -= 2;
    }
    return pj_stricmp2(&value, "utf-8") == 0 || pj_stricmp2(&value, "us-ascii") == 0;
}

int message_check_content(const pjsip_msg *msg, int only_plain, unsigned most)
{
    const pjsip_msg_body *body = msg->body;

    if (body == NULL) {
        return PJSIP_SC_OK;
    }
    if (!is_text(msg, only_plain)) {
        return PJSIP_SC_UNSUPPORTED_MEDIA_TYPE;
    }
    if (body->len > most) {
        return PJSIP_SC_REQUEST_ENTITY_TOO_LARGE;
    }
    return utf8_is_text(body->data, body->len) ? PJSIP_SC_OK : PJSIP_SC_BAD_REQUEST;
}
