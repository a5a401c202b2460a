/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: who sent a message: P-Asserted-Identity (RFC 3325), Remote-Party-ID, From;
 * Privacy (RFC 3323).
 */
#include <string.h>

#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* A longer value is not looked at; no honest peer sends one. */
#define MAX_VALUE 1000

/* The first of several values that commas separate, outside of quotes and angle brackets (RFC
 * 3261 7.3.1). */
static size_t first_value(const char *text, size_t length)
{
    int quoted = 0;
    int bracketed = 0;

    for (size_t i = 0; i < length; ++i) {
        if (text[i] == '\\' && quoted) {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && (text[i] == '<' || text[i] == '>')) {
            bracketed = text[i] == '<';
        } else if (!quoted && !bracketed && text[i] == ',') {
            return i;
        }
    }
    return length;
}

/* Copies a display name as a person reads it: \" and \\ of a quoted string undone. */
static void copy_display(char *out, size_t size, const pj_str_t *display)
{
    char plain[MAX_VALUE];
    size_t length = 0;

    for (pj_ssize_t i = 0; i < display->slen && length < sizeof(plain); ++i) {
        if (display->ptr[i] == '\\' && i + 1 < display->slen) {
            ++i;
        }
        plain[length++] = display->ptr[i];
    }
    base_copy_text(out, size, plain, length);
}

/* Fills id from a name-addr or addr-spec. 0; -1: it names nobody. */
static int from_uri(const pjsip_uri *uri, struct ast_party_id *id)
{
    const pjsip_name_addr *name_addr = (const pjsip_name_addr *)uri;
    const void *address = pjsip_uri_get_uri((pjsip_uri *)uri);
    pj_str_t user;

    if (PJSIP_URI_SCHEME_IS_SIP(address) || PJSIP_URI_SCHEME_IS_SIPS(address)) {
        user = ((const pjsip_sip_uri *)address)->user;
    } else if (PJSIP_URI_SCHEME_IS_TEL(address)) {
        user = ((const pjsip_tel_uri *)address)->number;
    } else {
        return -1;
    }
    memset(id, 0, sizeof(*id));
    base_copy_text(id->number, sizeof(id->number), user.ptr, (size_t)user.slen);
    if (uri != address) {
        copy_display(id->name, sizeof(id->name), &name_addr->display);
    }
    return id->name[0] != '\0' || id->number[0] != '\0' ? 0 : -1;
}

static int param_is(const pjsip_param *params, const char *name, const char *value)
{
    const pj_str_t key = pj_str((char *)name);
    const pjsip_param *param = pjsip_param_find(params, &key);

    return param != NULL && pj_stricmp2(&param->value, value) == 0;
}

/* Parses the first value of a header as PJSIP parses From. NULL: there is none, or it is broken. */
static const pjsip_fromto_hdr *parse_identity(pjsip_rx_data *rdata, const char *name)
{
    const pj_str_t wanted = pj_str((char *)name);
    const pj_str_t as = pj_str("From");
    const pjsip_generic_string_hdr *hdr;
    size_t length;
    char *copy;

    hdr = pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &wanted, NULL);
    if (hdr == NULL || hdr->hvalue.slen <= 0 || hdr->hvalue.slen > MAX_VALUE) {
        return NULL;
    }
    length = first_value(hdr->hvalue.ptr, (size_t)hdr->hvalue.slen);
    copy = pj_pool_alloc(rdata->tp_info.pool, length + 1);
    memcpy(copy, hdr->hvalue.ptr, length);
    copy[length] = '\0';
    return pjsip_parse_hdr(rdata->tp_info.pool, &as, copy, length, NULL);
}

/* RFC 3323 4.2, RFC 3325 9.3: the priv-values that hide who calls. */
static int wants_privacy(pjsip_rx_data *rdata)
{
    static const char *const hiding[] = {"id", "user", "header", "full"};
    const pj_str_t name = pj_str("Privacy");
    const pjsip_generic_string_hdr *hdr =
        pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &name, NULL);
    const char *at = hdr != NULL ? hdr->hvalue.ptr : NULL;
    const char *end = hdr != NULL ? at + hdr->hvalue.slen : NULL;

    while (at != NULL && at < end) {
        pj_str_t word;
        const char *stop = at;

        while (stop < end && *stop != ';' && *stop != ',') {
            ++stop;
        }
        pj_strset3(&word, (char *)at, (char *)stop);
        pj_strtrim(&word);
        for (unsigned i = 0; i < PJ_ARRAY_SIZE(hiding); ++i) {
            if (pj_stricmp2(&word, hiding[i]) == 0) {
                return 1;
            }
        }
        at = stop + 1;
    }
    return 0;
}

/* RFC 3261 8.1.1.3: "Anonymous" <sip:anonymous@anonymous.invalid> */
static int is_anonymous(const pjsip_uri *uri)
{
    const pjsip_sip_uri *address = pjsip_uri_get_uri((pjsip_uri *)uri);

    return (PJSIP_URI_SCHEME_IS_SIP(address) || PJSIP_URI_SCHEME_IS_SIPS(address)) &&
           (pj_stricmp2(&address->host, "anonymous.invalid") == 0 ||
            pj_stricmp2(&address->user, "anonymous") == 0);
}

/* What a trusted peer says. 0; -1: nothing. */
static int trusted_identity(pjsip_rx_data *rdata, struct ast_party_id *id)
{
    const pjsip_fromto_hdr *hdr = parse_identity(rdata, "P-Asserted-Identity");

    if (hdr != NULL && from_uri(hdr->uri, id) == 0) {
        return 0;
    }
    hdr = parse_identity(rdata, "Remote-Party-ID");
    if (hdr == NULL || from_uri(hdr->uri, id) != 0) {
        return -1;
    }
    if (param_is(&hdr->other_param, "privacy", "full") ||
        param_is(&hdr->other_param, "privacy", "name") ||
        param_is(&hdr->other_param, "privacy", "uri")) {
        id->presentation = AST_PARTY_RESTRICTED;
    }
    return 0;
}

int ast_sip_session_get_identity(struct pjsip_rx_data *rdata, struct ast_party_id *id)
{
    const struct ast_sip_endpoint *endpoint;
    struct ast_sip_session *session;
    struct ast_party_id found;

    base_assert_sip_thread();
    if (rdata == NULL || id == NULL) {
        return -1;
    }
    endpoint = ast_pjsip_rdata_get_endpoint(rdata);
    session = session_of_dialog(pjsip_rdata_get_dlg(rdata));
    if (endpoint == NULL && session != NULL) {
        endpoint = session->endpoint; /* a response */
    }
    if (endpoint == NULL || !endpoint->trust_id_inbound || trusted_identity(rdata, &found) != 0) {
        const pjsip_fromto_hdr *party = rdata->msg_info.msg->type == PJSIP_REQUEST_MSG
                                            ? rdata->msg_info.from
                                            : rdata->msg_info.to;

        if (party == NULL || from_uri(party->uri, &found) != 0) {
            return -1;
        }
        if (is_anonymous(party->uri)) {
            found.presentation = AST_PARTY_RESTRICTED;
        }
    }
    if (wants_privacy(rdata)) {
        found.presentation = AST_PARTY_RESTRICTED;
    }
    *id = found;
    return 0;
}
