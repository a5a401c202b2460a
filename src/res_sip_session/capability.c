/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: what we support, as extensions and modules declare it: option tags and methods.
 * They stand in PJSIP's own capability headers, which it and we put into messages; PJSIP can only
 * add to these, so what goes is taken out of the header here.
 */
#include <string.h>

#include <sipsession/log.h>

#include "res_sip_session/session.h"

/* The two headers have room for 32 each. Names that are gone keep their entry: messages that were
 * made borrow the text. */
#define MOST_NAMES 64
#define NAME_SIZE  64

struct name {
    int type; /* PJSIP_H_SUPPORTED or PJSIP_H_ALLOW */
    pj_str_t text;
    char storage[NAME_SIZE];
    unsigned registrations;
    int ours; /* in PJSIP's header by us */
};

static struct name names[MOST_NAMES];
static unsigned name_count;

/* The header of ours, or NULL: nobody added anything yet. PJSIP copies it into each message. */
static pjsip_generic_array_hdr *header_of(int type)
{
    return (pjsip_generic_array_hdr *)pjsip_endpt_get_capability(ast_sip_get_pjsip_endpoint(), type,
                                                                 NULL);
}

/* Methods compare with their case, option tags without (RFC 3261 7.1, 7.3.1). */
static int is_same(int type, const pj_str_t *left, const pj_str_t *right)
{
    return (type == PJSIP_H_ALLOW ? pj_strcmp(left, right) : pj_stricmp(left, right)) == 0;
}

/* Its index in a header; the header's count: it is not there. */
static unsigned find_in(const pjsip_generic_array_hdr *header, int type, const pj_str_t *text)
{
    unsigned i = 0;

    while (i < header->count && !is_same(type, &header->values[i], text)) {
        ++i;
    }
    return i;
}

static struct name *find(int type, const pj_str_t *text)
{
    for (unsigned i = 0; i < name_count; ++i) {
        if (names[i].type == type && is_same(type, &names[i].text, text)) {
            return &names[i];
        }
    }
    return NULL;
}

/* Those that hold for a session or not, which who sees to them knows (the header). */
static int is_hidden(const struct name *name)
{
    return name->type == PJSIP_H_SUPPORTED &&
           (pj_stricmp2(&name->text, "timer") == 0 || pj_stricmp2(&name->text, "100rel") == 0);
}

/* 0; -1: no room in the header. */
static int show(struct name *name)
{
    pjsip_generic_array_hdr *header = header_of(name->type);

    if (is_hidden(name) ||
        (header != NULL && find_in(header, name->type, &name->text) < header->count)) {
        return 0;
    }
    if (header == NULL) {
        name->ours = pjsip_endpt_add_capability(ast_sip_get_pjsip_endpoint(), NULL, name->type,
                                                NULL, 1, &name->text) == PJ_SUCCESS;
        return name->ours ? 0 : -1;
    }
    if (header->count == PJ_ARRAY_SIZE(header->values)) {
        return -1;
    }
    header->values[header->count++] = name->text;
    name->ours = 1;
    return 0;
}

static void hide(struct name *name)
{
    pjsip_generic_array_hdr *header = header_of(name->type);
    unsigned at;

    if (!name->ours || header == NULL) {
        return;
    }
    name->ours = 0;
    at = find_in(header, name->type, &name->text);
    if (at < header->count) {
        --header->count;
        memmove(&header->values[at], &header->values[at + 1],
                (header->count - at) * sizeof(header->values[0]));
    }
}

static struct name *add(int type, const char *text)
{
    struct name *name;

    if (name_count == MOST_NAMES || strlen(text) >= NAME_SIZE) {
        return NULL;
    }
    name = &names[name_count++];
    memset(name, 0, sizeof(*name));
    name->type = type;
    strcpy(name->storage, text);
    name->text = pj_str(name->storage);
    return name;
}

static int register_name(int type, const char *text)
{
    const char *what = type == PJSIP_H_ALLOW ? "method" : "option tag";
    struct name *name;
    pj_str_t wanted;

    base_assert_sip_thread();
    if (text == NULL || !session_is_token(text)) {
        ast_error("'%s' is no %s: it must be a token of RFC 3261", text != NULL ? text : "", what);
        return -1;
    }
    wanted = pj_str((char *)text);
    name = find(type, &wanted);
    if (name == NULL) {
        name = add(type, text);
    }
    if (name == NULL || (name->registrations == 0 && show(name) != 0)) {
        ast_error("No room for the %s %s", what, text);
        return -1;
    }
    ++name->registrations;
    return 0;
}

static void unregister_name(int type, const char *text)
{
    const pj_str_t wanted = pj_str((char *)text);
    struct name *name = find(type, &wanted);

    base_assert_sip_thread();
    if (name != NULL && name->registrations > 0 && --name->registrations == 0) {
        hide(name);
    }
}

int ast_sip_session_register_option_tag(const char *tag)
{
    return register_name(PJSIP_H_SUPPORTED, tag);
}

void ast_sip_session_unregister_option_tag(const char *tag)
{
    unregister_name(PJSIP_H_SUPPORTED, tag);
}

int ast_sip_session_register_method(const char *method)
{
    return register_name(PJSIP_H_ALLOW, method);
}

void ast_sip_session_unregister_method(const char *method)
{
    unregister_name(PJSIP_H_ALLOW, method);
}

int session_takes_option_tag(const pj_str_t *tag)
{
    const pjsip_generic_array_hdr *header = header_of(PJSIP_H_SUPPORTED);
    const struct name *name = find(PJSIP_H_SUPPORTED, tag);

    return (name != NULL && name->registrations > 0) ||
           (header != NULL && find_in(header, PJSIP_H_SUPPORTED, tag) < header->count);
}

int session_refuse_required(struct ast_sip_session *session, pjsip_transaction *tsx,
                            pjsip_rx_data *rdata)
{
    const pjsip_require_hdr *require =
        pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_REQUIRE, NULL);
    pjsip_unsupported_hdr *unsupported = NULL;
    pjsip_tx_data *tdata;

    for (; require != NULL;
         require = pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_REQUIRE, require->next)) {
        for (unsigned i = 0; i < require->count; ++i) {
            if (session_takes_option_tag(&require->values[i])) {
                continue;
            }
            if (unsupported == NULL) {
                unsupported = pjsip_unsupported_hdr_create(rdata->tp_info.pool);
            }
            if (unsupported->count < PJ_ARRAY_SIZE(unsupported->values)) {
                unsupported->values[unsupported->count++] = require->values[i];
            }
        }
    }
    if (unsupported == NULL) {
        return 0;
    }
    if (pjsip_dlg_create_response(session->priv->dlg, rdata, PJSIP_SC_BAD_EXTENSION, NULL,
                                  &tdata) == PJ_SUCCESS) {
        pjsip_msg_add_hdr(tdata->msg, pjsip_hdr_clone(tdata->pool, unsupported));
        pjsip_dlg_send_response(session->priv->dlg, tsx, tdata);
    }
    return 1;
}

void session_capabilities_destroy(void)
{
    for (unsigned i = 0; i < name_count; ++i) {
        hide(&names[i]);
    }
    name_count = 0;
}
