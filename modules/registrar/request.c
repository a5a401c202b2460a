/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: between REGISTER messages (RFC 3261 10, RFC 3327) and the rules. Here nothing is
 * decided about bindings.
 */
#include "request.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include <sipsession/address.h>

#include "outbound.h"
#include "params.h"

#define MOST_CONTACTS   20
#define MOST_URI        512
#define MOST_PATH       1024
#define MOST_USER_AGENT 200
#define MOST_NAME       256

/* ---- whose it is ---- */

/* The names that To has in `aors`: its user, user@host, and that of the domain which host is an
 * alias of. */
struct names {
    char user[MOST_NAME], full[MOST_NAME], aliased[MOST_NAME];
};

/* 0; -1: there is no user, or it is too long. */
static int print_name(char *out, const pj_str_t *user, const pj_str_t *host)
{
    int length = snprintf(out, MOST_NAME, "%.*s@%.*s", (int)user->slen, user->ptr, (int)host->slen,
                          host->ptr);

    return user->slen == 0 || length < 0 || length >= MOST_NAME ? -1 : 0;
}

/* 0; -1: it has none. */
static int names_of(pjsip_rx_data *rdata, struct names *names)
{
    const pjsip_uri *uri = pjsip_uri_get_uri(rdata->msg_info.to->uri);
    const pjsip_sip_uri *sip;
    const char *domain;
    pj_str_t name, host;

    if (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri)) {
        return -1;
    }
    sip = (const pjsip_sip_uri *)uri;
    name = ast_sip_user_of(&sip->user);
    if (print_name(names->full, &name, &sip->host) != 0) {
        return -1;
    }
    domain = ast_sip_get_aliased_domain(&sip->host);
    host = domain ? pj_str((char *)domain) : sip->host;
    if (print_name(names->aliased, &name, &host) != 0) {
        return -1;
    }
    memcpy(names->user, name.ptr, (size_t)name.slen);
    names->user[name.slen] = '\0';
    return strlen(names->user) == (size_t)name.slen ? 0 : -1;
}

/* user@host: the case of the host does not count, that of the user does (RFC 3261 19.1.4). */
static int is_same_name(const char *one, const char *other)
{
    const char *at = strrchr(one, '@');
    size_t user = at ? (size_t)(at - one) : strlen(one);

    return strncmp(one, other, user) == 0 && strcasecmp(one + user, other + user) == 0;
}

static int is_one_of(const struct names *names, const char *name)
{
    return strcmp(name, names->user) == 0 || is_same_name(names->full, name) ||
           is_same_name(names->aliased, name);
}

static int exists(const char *name)
{
    struct ast_sip_aor *aor = ast_sip_get_aor(name);

    ast_sip_aor_unref(aor);
    return aor != NULL;
}

int request_find_aor(const struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata,
                     struct ast_sip_aor **aor)
{
    char name[MOST_NAME];
    struct names names;
    const char *rest = endpoint->aors;
    struct ast_sip_aor *found;

    if (!rest || !*rest) {
        return PJSIP_SC_FORBIDDEN;
    }
    if (names_of(rdata, &names) != 0) {
        return PJSIP_SC_NOT_FOUND;
    }
    while (ast_sip_next_aor_name(&rest, name, sizeof(name))) {
        if (!is_one_of(&names, name)) {
            continue;
        }
        found = ast_sip_get_aor(name);
        if (found && found->max_contacts > 0) {
            *aor = found;
            return PJSIP_SC_OK;
        }
        ast_sip_aor_unref(found);
        return found ? PJSIP_SC_FORBIDDEN : PJSIP_SC_NOT_FOUND;
    }
    return exists(names.user) || exists(names.full) || exists(names.aliased) ? PJSIP_SC_FORBIDDEN
                                                                             : PJSIP_SC_NOT_FOUND;
}

/* ---- what it asks for ---- */

/* 1: a list of option tags has this one. */
static int has_tag(const pjsip_msg *msg, pjsip_hdr_e type, const char *tag)
{
    const pjsip_generic_array_hdr *hdr = pjsip_msg_find_hdr(msg, type, NULL);

    for (; hdr; hdr = hdr->next == (const void *)&msg->hdr
                          ? NULL
                          : pjsip_msg_find_hdr(msg, type, hdr->next)) {
        for (unsigned i = 0; i < hdr->count; i++) {
            if (pj_stricmp2(&hdr->values[i], tag) == 0) {
                return 1;
            }
        }
    }
    return 0;
}

/* Adds the option tags of Require that we do not know to text, when it is not NULL. How long they
 * are. */
static size_t list_unknown_tags(const pjsip_msg *msg, int path, char *text)
{
    const pjsip_generic_array_hdr *hdr = pjsip_msg_find_hdr(msg, PJSIP_H_REQUIRE, NULL);
    size_t used = 0;

    for (; hdr; hdr = hdr->next == (const void *)&msg->hdr
                          ? NULL
                          : pjsip_msg_find_hdr(msg, PJSIP_H_REQUIRE, hdr->next)) {
        for (unsigned i = 0; i < hdr->count; i++) {
            const pj_str_t *tag = &hdr->values[i];

            if ((path && pj_stricmp2(tag, "path") == 0) || pj_stricmp2(tag, "outbound") == 0) {
                continue;
            }
            if (text) {
                memcpy(text + used, used ? ", " : "", used ? 2 : 0);
                memcpy(text + used + (used ? 2 : 0), tag->ptr, (size_t)tag->slen);
            }
            used += (used ? 2 : 0) + (size_t)tag->slen;
        }
    }
    return used;
}

/* Option tags of Require that we do not know, or NULL. */
static const char *unknown_tags(pj_pool_t *pool, const pjsip_msg *msg, int path)
{
    size_t length = list_unknown_tags(msg, path, NULL);
    char *text;

    if (length == 0) {
        return NULL;
    }
    text = pj_pool_alloc(pool, length + 1);
    list_unknown_tags(msg, path, text);
    text[length] = '\0';
    return text;
}

static char *copy_text(pj_pool_t *pool, const pj_str_t *text, size_t most)
{
    size_t length = (size_t)text->slen < most ? (size_t)text->slen : most;
    char *copy = pj_pool_alloc(pool, length + 1);

    memcpy(copy, text->ptr, length);
    copy[length] = '\0';
    return copy;
}

/* 1: every value of a list is an address. */
static int is_list(char *text)
{
    struct ast_sip_address address;
    pj_str_t rest = pj_str(text);
    int found;

    while ((found = ast_sip_address_next(&rest, &address)) > 0) {
    }
    return found == 0;
}

/* All Path headers as one list. 200, 400. NULL: there is none. */
static int read_path(pj_pool_t *pool, const pjsip_msg *msg, const char **path)
{
    static const pj_str_t name = {(char *)"Path", 4};
    const pjsip_generic_string_hdr *hdr = pjsip_msg_find_hdr_by_name(msg, &name, NULL);
    char text[MOST_PATH + 1];
    size_t used = 0;
    pj_str_t whole;

    *path = NULL;
    for (; hdr; hdr = hdr->next == (const void *)&msg->hdr
                          ? NULL
                          : pjsip_msg_find_hdr_by_name(msg, &name, hdr->next)) {
        if (used + (size_t)hdr->hvalue.slen + 3 > sizeof(text)) {
            return PJSIP_SC_BAD_REQUEST;
        }
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s", used ? ", " : "",
                                 (int)hdr->hvalue.slen, hdr->hvalue.ptr);
    }
    if (used == 0) {
        return PJSIP_SC_OK;
    }
    if (!is_list(text) || strpbrk(text, "\r\n")) {
        return PJSIP_SC_BAD_REQUEST;
    }
    whole = pj_str(text);
    *path = copy_text(pool, &whole, MOST_PATH);
    return PJSIP_SC_OK;
}

/* RFC 3327 5.3: a Path is kept when the AOR wants it and the phone knows of it. */
static int take_path(pj_pool_t *pool, const pjsip_msg *msg, const struct ast_sip_aor *aor,
                     struct rules_request *request)
{
    const char *path;
    int status = read_path(pool, msg, &path);

    if (status != PJSIP_SC_OK || !aor->support_path || !path) {
        return status;
    }
    if (!has_tag(msg, PJSIP_H_SUPPORTED, "path") && !has_tag(msg, PJSIP_H_REQUIRE, "path")) {
        return PJSIP_SC_EXTENSION_REQUIRED;
    }
    request->path = path;
    return PJSIP_SC_OK;
}

/* One Contact; 0, -1: we could not send to it. */
static int read_contact(pj_pool_t *pool, const pjsip_contact_hdr *hdr,
                        struct rules_contact *contact)
{
    const pjsip_uri *uri = hdr->uri ? pjsip_uri_get_uri(hdr->uri) : NULL;
    char text[MOST_URI + 1];
    pj_str_t printed;

    if (!uri || (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri))) {
        return -1;
    }
    uri = pjsip_uri_clone(pool, uri);
    /* Header fields that it asks for are left out: a phone says where it is, not what is in our
     * requests (RFC 3261 19.1.5). */
    pj_list_init(&((pjsip_sip_uri *)uri)->header_param);
    printed.ptr = text;
    printed.slen = pjsip_uri_print(PJSIP_URI_IN_CONTACT_HDR, uri, text, MOST_URI);
    if (printed.slen <= 0) {
        return -1;
    }
    text[printed.slen] = '\0';
    if (strlen(text) != (size_t)printed.slen || strpbrk(text, "\r\n<>")) {
        return -1;
    }
    contact->uri = copy_text(pool, &printed, MOST_URI);
    contact->q = hdr->q1000 > 0 && hdr->q1000 <= 1000 ? (int)hdr->q1000 : -1;
    contact->expires =
        hdr->expires == PJSIP_EXPIRES_NOT_SPECIFIED ? RULES_NO_EXPIRES : (long long)hdr->expires;
    outbound_read_contact(pool, hdr, contact);
    return 0;
}

static int read_contacts(pj_pool_t *pool, const pjsip_rx_data *rdata,
                         struct rules_contact *contacts, struct rules_request *request)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    struct params params[MOST_CONTACTS];
    const pjsip_contact_hdr *hdr = pjsip_msg_find_hdr(msg, PJSIP_H_CONTACT, NULL);

    for (; hdr; hdr = hdr->next == (const void *)&msg->hdr
                          ? NULL
                          : pjsip_msg_find_hdr(msg, PJSIP_H_CONTACT, hdr->next)) {
        if (hdr->star) {
            request->star = 1;
        } else if (request->count == MOST_CONTACTS ||
                   read_contact(pool, hdr, &contacts[request->count++]) != 0) {
            return PJSIP_SC_BAD_REQUEST;
        }
    }
    if (!request->star && params_read(rdata->msg_info.msg_buf, (size_t)rdata->msg_info.len, params,
                                      MOST_CONTACTS) == (int)request->count) {
        for (unsigned i = 0; i < request->count; i++) {
            contacts[i].expires = params[i].expires;
            contacts[i].q = params[i].q;
        }
    }
    request->contacts = contacts;
    return PJSIP_SC_OK;
}

/* An IPv6 address can be written in many ways, which are the same (RFC 5954 4.2): both get one. */
static void unify_hosts(const pjsip_uri *a, const pjsip_uri *b)
{
    pjsip_sip_uri *one, *other;
    pj_in6_addr first, second;

    if ((!PJSIP_URI_SCHEME_IS_SIP(a) && !PJSIP_URI_SCHEME_IS_SIPS(a)) ||
        (!PJSIP_URI_SCHEME_IS_SIP(b) && !PJSIP_URI_SCHEME_IS_SIPS(b))) {
        return;
    }
    one = (pjsip_sip_uri *)a;
    other = (pjsip_sip_uri *)b;
    if (pj_strchr(&one->host, ':') && pj_strchr(&other->host, ':') &&
        pj_inet_pton(PJ_AF_INET6, &one->host, &first) == PJ_SUCCESS &&
        pj_inet_pton(PJ_AF_INET6, &other->host, &second) == PJ_SUCCESS &&
        memcmp(&first, &second, sizeof(first)) == 0) {
        other->host = one->host;
    }
}

/* Both are parsed: case, escapes and the order of parameters do not count. */
static int same_uri(const char *one, const char *other)
{
    pj_pool_t *pool;
    pjsip_uri *a, *b;
    pj_str_t text;
    int result;

    if (strcmp(one, other) == 0) {
        return 1;
    }
    pool = pjsip_endpt_create_pool(ast_sip_get_pjsip_endpoint(), "uri", 1000, 1000);
    if (!pool) {
        return 0;
    }
    pj_strdup2_with_null(pool, &text, one);
    a = pjsip_parse_uri(pool, text.ptr, (pj_size_t)text.slen, 0);
    pj_strdup2_with_null(pool, &text, other);
    b = pjsip_parse_uri(pool, text.ptr, (pj_size_t)text.slen, 0);
    if (a && b) {
        a = pjsip_uri_get_uri(a);
        b = pjsip_uri_get_uri(b);
        unify_hosts(a, b);
    }
    result = a && b && pjsip_uri_cmp(PJSIP_URI_IN_CONTACT_HDR, a, b) == PJ_SUCCESS;
    pj_pool_release(pool);
    return result;
}

static void read_user_agent(pj_pool_t *pool, const pjsip_msg *msg, struct rules_request *request)
{
    char text[MOST_USER_AGENT + 1];
    pj_str_t value;

    if (ast_sip_get_header(msg, "User-Agent", text, sizeof(text)) == 0) {
        value = pj_str(text);
        request->user_agent = copy_text(pool, &value, MOST_USER_AGENT);
    }
}

int request_read(pj_pool_t *pool, pjsip_rx_data *rdata, const struct ast_sip_aor *aor,
                 struct rules_request *request, const char **unsupported)
{
    const pjsip_msg *msg = rdata->msg_info.msg;
    struct rules_contact *contacts = pj_pool_calloc(pool, MOST_CONTACTS, sizeof(*contacts));
    struct rules_request made = {.expires = RULES_NO_EXPIRES,
                                 .same = same_uri,
                                 .is_gone = outbound_is_gone};
    int status;

    *unsupported = unknown_tags(pool, msg, aor->support_path);
    if (*unsupported) {
        return PJSIP_SC_BAD_EXTENSION;
    }
    if (pjsip_msg_find_hdr(msg, PJSIP_H_EXPIRES, NULL)) {
        made.expires = params_read_expires(rdata->msg_info.msg_buf, (size_t)rdata->msg_info.len);
    }
    made.call_id = copy_text(pool, &rdata->msg_info.cid->id, MOST_URI);
    made.branch = copy_text(pool, &rdata->msg_info.via->branch_param, MOST_URI);
    made.cseq = (unsigned)rdata->msg_info.cseq->cseq;
    if (ast_sip_symmetric_transport(rdata)) { /* the name may be gone when the disk has it */
        pj_str_t name = pj_str((char *)ast_sip_symmetric_transport(rdata));

        made.transport = copy_text(pool, &name, MOST_NAME);
    }
    read_user_agent(pool, msg, &made);
    status = read_contacts(pool, rdata, contacts, &made);
    if (status == PJSIP_SC_OK) {
        status = take_path(pool, msg, aor, &made);
    }
    if (status == PJSIP_SC_OK) {
        status = outbound_decide(pool, rdata,
                                 has_tag(msg, PJSIP_H_SUPPORTED, "outbound") ||
                                     has_tag(msg, PJSIP_H_REQUIRE, "outbound"),
                                 aor, contacts, &made);
    }
    if (status == PJSIP_SC_OK) {
        outbound_take_connection(pool, rdata, aor, contacts, &made);
        *request = made;
    }
    return status;
}

/* ---- the answer ---- */

/* As a parameter like others: PJSIP prints 0.05 as 0.5, and no 0. */
static void add_q(pj_pool_t *pool, pjsip_contact_hdr *hdr, int q)
{
    pjsip_param *param;
    char text[16];

    if (q < 0) {
        return;
    }
    snprintf(text, sizeof(text), "%d.%03d", q / 1000, q % 1000);
    param = PJ_POOL_ZALLOC_T(pool, pjsip_param);
    param->name = pj_str("q");
    pj_strdup2(pool, &param->value, text);
    while (param->value.ptr[param->value.slen - 1] == '0' && param->value.slen > 3) {
        param->value.slen--;
    }
    pj_list_push_back(&hdr->other_param, param);
}

static void add_contact(pjsip_tx_data *tdata, const struct ast_sip_contact *contact, long long left)
{
    pjsip_contact_hdr *hdr;
    pjsip_uri *uri;
    pj_str_t text;

    pj_strdup2_with_null(tdata->pool, &text, contact->uri);
    uri = pjsip_parse_uri(tdata->pool, text.ptr, (pj_size_t)text.slen, PJSIP_PARSE_URI_AS_NAMEADDR);
    if (!uri) {
        return;
    }
    hdr = pjsip_contact_hdr_create(tdata->pool);
    hdr->uri = uri;
    add_q(tdata->pool, hdr, contact->q);
    hdr->expires = (pj_uint32_t)left;
    outbound_add_params(tdata->pool, contact, hdr);
    pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)hdr);
}

/* Phones without a clock take it from here (RFC 3261 10.3 step 8, 20.17). */
static void add_date(pjsip_tx_data *tdata, time_t now)
{
    char text[64];
    struct tm parts;

    if (gmtime_r(&now, &parts) &&
        strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0) {
        ast_sip_add_header(tdata, "Date", text);
    }
}

void request_list_bindings(pjsip_tx_data *tdata, const struct ast_sip_contact *contact,
                           const struct rules_request *request, long long now)
{
    for (; contact; contact = contact->next) {
        if (contact->expires > now) {
            add_contact(tdata, contact, contact->expires - now);
        }
    }
    outbound_add_headers(tdata, request);
    if (request->path) {
        ast_sip_add_header(tdata, "Path", request->path);
        ast_sip_add_header(tdata, "Supported", "path");
    }
    add_date(tdata, (time_t)now);
}
