/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * refer: transfers by REFER in both roles (RFC 3515, RFC 3892, RFC 4488). This file hooks the
 * others into the session core.
 */
#include <sipsession/module.h>

#include "refer.h"

static int on_refer(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    refer_on_refer(session, rdata);
    return AST_SIP_SESSION_STOP;
}

/* Other packages are other modules' matter; what reaches us behind them is nobody's (RFC
 * 6665 4.1.3, 4.2.1.1). */
static int refuse_package(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    refer_respond(session->inv_session->dlg, rdata, PJSIP_SC_BAD_EVENT, "Allow-Events", "refer");
    return AST_SIP_SESSION_STOP;
}

static int on_notify(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    pjsip_dialog *dlg = session->inv_session->dlg;

    return refer_on_notify(refer_dialog_find(dlg), dlg, rdata) ? AST_SIP_SESSION_STOP
                                                               : refuse_package(session, rdata);
}

static int on_subscribe(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    pjsip_dialog *dlg = session->inv_session->dlg;

    return refer_on_subscribe(refer_dialog_find(dlg), dlg, rdata) ? AST_SIP_SESSION_STOP
                                                                  : refuse_package(session, rdata);
}

static void on_session_confirmed(struct ast_sip_session *session)
{
    refer_transfer_confirmed(session);
    refer_application_confirmed(session);
}

static void on_session_end(struct ast_sip_session *session)
{
    struct refer_dialog *dialog = refer_dialog_find(session->inv_session->dlg);

    refer_transfer_end(session);
    refer_application_session_end(session);
    if (dialog != NULL) {
        refer_dialog_session_ended(dialog);
    }
}

/* Behind the modules of other packages. */
#define BEHIND_OTHERS 900

static struct ast_sip_session_extension extensions[] = {
    {.method = "REFER", .name = "refer", .incoming_request = on_refer},
    {.method = "NOTIFY",
     .name = "refer (NOTIFY)",
     .priority = BEHIND_OTHERS,
     .incoming_request = on_notify},
    {.method = "SUBSCRIBE",
     .name = "refer (SUBSCRIBE)",
     .priority = BEHIND_OTHERS,
     .incoming_request = on_subscribe},
    {.method = "INVITE",
     .name = "refer (INVITE)",
     .incoming_response = refer_transfer_response,
     .outgoing_request = refer_transfer_request,
     .outgoing_response = refer_application_response,
     .session_confirmed = on_session_confirmed,
     .session_end = on_session_end},
};

static const char *const methods[] = {"REFER", "NOTIFY", "SUBSCRIBE"};

static void unregister(unsigned extension_count, unsigned method_count)
{
    while (extension_count > 0) {
        ast_sip_session_unregister_extension(&extensions[--extension_count]);
    }
    while (method_count > 0) {
        ast_sip_session_unregister_method(methods[--method_count]);
    }
}

static int register_all(void)
{
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(methods); ++i) {
        if (ast_sip_session_register_method(methods[i]) != 0) {
            unregister(0, i);
            return -1;
        }
    }
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(extensions); ++i) {
        if (ast_sip_session_register_extension(&extensions[i]) != 0) {
            unregister(i, PJ_ARRAY_SIZE(methods));
            return -1;
        }
    }
    return 0;
}

static int says_norefersub;

/* As the configuration in force wants it. 0, -1. */
static int set_option_tag(int says)
{
    if (says && !says_norefersub && ast_sip_session_register_option_tag("norefersub") != 0) {
        return -1;
    }
    if (!says && says_norefersub) {
        ast_sip_session_unregister_option_tag("norefersub");
    }
    says_norefersub = says;
    return 0;
}

static void on_reloaded(void)
{
    set_option_tag(ast_sip_get_global()->norefersub);
}

static struct ast_sip_reload_observer observer = {.reloaded = on_reloaded};

static int refer_init(void)
{
    if (refer_dialogs_start() != 0) {
        return -1;
    }
    if (refer_application_start() != 0) {
        goto no_application;
    }
    if (set_option_tag(ast_sip_get_global()->norefersub) != 0) {
        goto no_option_tag;
    }
    if (register_all() == 0) {
        ast_sip_register_reload_observer(&observer);
        return 0;
    }
    set_option_tag(0);
no_option_tag:
    refer_application_stop();
no_application:
    refer_dialogs_stop();
    return -1;
}

static void refer_close(void)
{
    ast_sip_unregister_reload_observer(&observer);
    unregister(PJ_ARRAY_SIZE(extensions), PJ_ARRAY_SIZE(methods));
    set_option_tag(0);
    refer_application_stop();
    refer_transfers_stop();
    refer_subscriptions_stop();
    refer_dialogs_stop();
}

/* Whoever waits for the outcome of a transfer is told it before. */
static unsigned refer_in_use(void)
{
    return refer_subscriptions_count() + refer_transfers_count() + refer_application_count();
}

AST_SIP_MODULE(.name = "refer", .description = "transfers by REFER", .init = refer_init,
               .close = refer_close, .in_use = refer_in_use);
