/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: a phone that keeps several flows to us open, itself or through edge proxies, is
 * called over one of them at a time; when that has failed, over the next one (RFC 5626 7). Which
 * contacts there are is location's, how an INVITE goes out again is inv_uac.c's.
 */
#include <string.h>

#include <sipsession/location.h>
#include <sipsession/log.h>

#include "res_sip_session/session.h"

void session_take_flow(struct ast_sip_session *session, const struct ast_sip_contact *contact)
{
    struct session_flows *flows = &session->priv->flows;
    pj_str_t text;

    if (contact == NULL || contact->instance == NULL) {
        return;
    }
    if (flows->instance == NULL) {
        pj_strdup2_with_null(session->priv->dlg->pool, &text, contact->instance);
        flows->instance = text.ptr;
    }
    flows->tried[flows->count++] = contact->reg_id;
}

/* 430 of the edge proxy that has lost it (5.3), or nothing comes over it; every other answer is the
 * phone's. */
static int has_failed(const pjsip_transaction *tsx, const pjsip_rx_data *rdata)
{
    return rdata == NULL || tsx->status_code == PJSIP_SC_FLOW_FAILED ||
           tsx->status_code == PJSIP_SC_REQUEST_TIMEOUT;
}

static const struct ast_sip_contact *next_contact(const struct ast_sip_session *session)
{
    const struct session_flows *flows = &session->priv->flows;

    return flows->instance == NULL || flows->count == PJ_ARRAY_SIZE(flows->tried)
               ? NULL
               : sip_location_next_flow(session->endpoint, flows->instance, flows->tried,
                                        flows->count);
}

/* The dialog goes over the flow, or, of a contact behind an edge proxy, over any transport. 0, -1. */
static int choose_transport(struct ast_sip_session *session,
                            const struct ast_sip_endpoint *endpoint, const struct sip_flow *flow)
{
    pjsip_tpselector selector = {.type = PJSIP_TPSELECTOR_TRANSPORT,
                                 .u.transport = flow->transport};

    if (flow->transport == NULL && sip_transport_selector(endpoint, &selector) != 0) {
        return -1;
    }
    if (pjsip_dlg_set_transport(session->priv->dlg, &selector) != PJ_SUCCESS) {
        return -1;
    }
    session->priv->flow.addr.sa_family = 0;
    if (flow->transport != NULL) {
        session->priv->flow = flow->address;
    }
    return 0;
}

/* 0: the INVITE is on its way to the contact; -1. */
static int send_to(struct ast_sip_session *session, pjsip_transaction *tsx,
                   const struct ast_sip_contact *to, pj_pool_t *pool)
{
    struct ast_sip_endpoint copy, contact_copy;
    const struct ast_sip_endpoint *endpoint;
    struct sip_flow flow;
    pjsip_route_hdr routes;
    pj_str_t text, contact;
    pjsip_uri *uri;

    pj_strdup2_with_null(pool, &text, to->uri);
    uri = pjsip_parse_uri(pool, text.ptr, (pj_size_t)text.slen, 0);
    if (uri == NULL) {
        return -1;
    }
    uri = pjsip_uri_get_uri(uri);
    endpoint = sip_symmetric_endpoint(session->endpoint, to->transport, uri, &copy);
    if (session_find_flow(to, &flow) != 0 ||
        sip_make_contact(pool, NULL,
                         session_endpoint_for_contact(endpoint, &session->priv->caller,
                                                      &contact_copy),
                         uri, &contact) != 0 ||
        session_routes_to(session->endpoint, to, pool, &routes) != 0 ||
        choose_transport(session, endpoint, &flow) != 0) {
        return -1;
    }
    session_exchange_restart(session);
    return inv_send_again(session->inv_session, tsx,
                          &(struct inv_way){.uri = uri,
                                            .contact = &contact,
                                            .routes = &routes,
                                            .flow = flow.transport != NULL ? &flow : NULL});
}

int session_try_next_flow(struct ast_sip_session *session, pjsip_transaction *tsx,
                          const pjsip_rx_data *rdata)
{
    const struct ast_sip_contact *to;
    pj_pool_t *pool;
    int sent = 0;

    if (!has_failed(tsx, rdata)) {
        return 0;
    }
    pool = pjsip_endpt_create_pool(session->priv->dlg->endpt, "flow", 1000, 1000);
    while (pool != NULL && !sent && inv_is_first_invite(session->inv_session, tsx) &&
           (to = next_contact(session)) != NULL) {
        ast_notice_limited("Session %s: the flow to %s failed (%d): another one, reg-id %u",
                           session->priv->dlg->obj_name, session->endpoint->name, tsx->status_code,
                           to->reg_id);
        session_take_flow(session, to);
        sent = send_to(session, tsx, to, pool) == 0;
    }
    if (pool != NULL) {
        pj_pool_release(pool);
    }
    return sent;
}
