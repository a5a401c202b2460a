/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the one authenticator that a module may register in the place of ours. What credentials
 * are is its business.
 */
#include <stddef.h>

#include <sipsession/log.h>

#include "res_sip/auth/auth.h"

static struct ast_sip_authenticator *registered;

int ast_sip_register_authenticator(struct ast_sip_authenticator *authenticator)
{
    base_assert_sip_thread();
    if (registered) {
        ast_error("res_sip: there is an authenticator already");
        return -1;
    }
    if (!authenticator->requires_authentication || !authenticator->check_authentication) {
        ast_error("res_sip: an authenticator needs both of its callbacks");
        return -1;
    }
    registered = authenticator;
    return 0;
}

void ast_sip_unregister_authenticator(struct ast_sip_authenticator *authenticator)
{
    base_assert_sip_thread();
    if (registered == authenticator) {
        registered = NULL;
    }
}

static struct ast_sip_authenticator *in_force(void)
{
    return registered ? registered : &sip_own_authenticator;
}

int ast_sip_requires_authentication(struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata)
{
    base_assert_sip_thread();
    return in_force()->requires_authentication(endpoint, rdata) ? 1 : 0;
}

enum ast_sip_check_auth_result ast_sip_check_authentication(struct ast_sip_endpoint *endpoint,
                                                            pjsip_rx_data *rdata,
                                                            pjsip_tx_data *tdata)
{
    base_assert_sip_thread();
    return in_force()->check_authentication(endpoint, rdata, tdata);
}
