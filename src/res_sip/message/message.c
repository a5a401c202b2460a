/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: headers and bodies of messages as text, for those who do not want PJSIP's types. Sends nothing.
 */
#include <ctype.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/core.h"

#define MAX_HEADER_TEXT 4096 /* octets of one header; our messages hold twice as much */

/* token of RFC 3261 25.1 */
static int is_token(const char *text)
{
    const char *at = text;

    while (*at && (isalnum((unsigned char)*at) || strchr("-.!%*_+`'~", *at))) {
        at++;
    }
    return at != text && *at == '\0';
}

/* One line, without what would end it or start another; HTAB is the one control character of RFC 3261's TEXT. */
static int is_value(const char *text)
{
    for (; *text; text++) {
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f) {
            return 0;
        }
    }
    return 1;
}

int ast_sip_add_header(pjsip_tx_data *tdata, const char *name, const char *value)
{
    const pj_str_t header_name = sip_str(name), header_value = sip_str(value);
    pjsip_generic_string_hdr *header;

    base_assert_sip_thread();
    if (!is_token(name) || !is_value(value)) {
        ast_error_limited("header '%s: %s' is none", name, value);
        return -1;
    }
    header = pjsip_generic_string_hdr_create(tdata->pool, &header_name, &header_value);
    if (!header) {
        return -1;
    }
    pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)header);
    pjsip_tx_data_invalidate_msg(tdata);
    return 0;
}

int ast_sip_add_body(pjsip_tx_data *tdata, const struct ast_sip_body *body)
{
    pjsip_msg_body *made;
    pj_str_t type, subtype, text;

    base_assert_sip_thread();
    if (!body->type || !body->subtype || !body->body_text || !is_token(body->type) ||
        !is_token(body->subtype)) {
        ast_error_limited("a body needs a type, a subtype and a text");
        return -1;
    }
    type = sip_str(body->type);
    subtype = sip_str(body->subtype);
    text = sip_str(body->body_text);
    made = pjsip_msg_body_create(tdata->pool, &type, &subtype, &text);
    if (!made) {
        return -1;
    }
    tdata->msg->body = made;
    pjsip_tx_data_invalidate_msg(tdata);
    return 0;
}

int ast_sip_append_body(pjsip_tx_data *tdata, const char *body_text)
{
    pjsip_msg_body *body = tdata->msg->body;
    size_t more = strlen(body_text);
    char *text;

    base_assert_sip_thread();
    if (!body || body->print_body != pjsip_print_text_body) {
        ast_error_limited("there is no body of text to append to");
        return -1;
    }
    text = pj_pool_alloc(tdata->pool, body->len + more + 1);
    if (!text) {
        return -1;
    }
    memcpy(text, body->data, body->len);
    memcpy(text + body->len, body_text, more + 1);
    body->data = text;
    body->len += (unsigned)more;
    pjsip_tx_data_invalidate_msg(tdata);
    return 0;
}

int ast_sip_get_header(const pjsip_msg *msg, const char *name, char *out, size_t size)
{
    const pj_str_t wanted = sip_str(name);
    char text[MAX_HEADER_TEXT];
    const char *value;
    void *header;
    int length;

    base_assert_sip_thread();
    header = pjsip_msg_find_hdr_by_name(msg, &wanted, NULL);
    if (!header || size == 0) {
        return -1;
    }
    length = pjsip_hdr_print_on(header, text, sizeof(text) - 1);
    if (length <= 0 || length >= (int)sizeof(text)) {
        return -1;
    }
    text[length] = '\0';
    value = strchr(text, ':');
    base_assert(value);
    value += 1 + strspn(value + 1, " \t");
    base_copy_text(out, size, value, strlen(value));
    return 0;
}
