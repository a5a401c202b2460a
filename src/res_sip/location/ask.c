/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: a contact is asked by OPTIONS whether it is there (RFC 3261 11), as its AOR wants it:
 * through whose proxy, and whether a challenge is answered. When it is asked is the business of who
 * asks.
 */
#include <sipsession/location.h>

#include "res_sip/location/location.h"

int ast_sip_send_options(const struct ast_sip_aor *aor, const struct ast_sip_contact *contact,
                         void *token, void (*callback)(void *token, pjsip_event *event))
{
    struct ast_sip_endpoint *endpoint = ast_sip_get_endpoint_of_aor(aor->name);
    struct ast_sip_endpoint asked = {.name = (char *)""};
    pjsip_tx_data *tdata;
    int result;

    base_assert_sip_thread();
    if (endpoint) {
        asked = *endpoint; /* borrows all that it has, until this returns */
    }
    if (!aor->authenticate_qualify) {
        asked.credentials = NULL;
    }
    if (aor->outbound_proxy && *aor->outbound_proxy) {
        asked.outbound_proxy = aor->outbound_proxy;
    }
    result = ast_sip_create_request("OPTIONS", &asked, NULL, contact, &tdata);
    if (result == 0) {
        /* Who answers challenges has to stay; the routes are in the request. */
        result = ast_sip_send_request(tdata, NULL, asked.credentials ? endpoint : &asked, token,
                                      callback);
    }
    ast_sip_endpoint_unref(endpoint);
    return result;
}
