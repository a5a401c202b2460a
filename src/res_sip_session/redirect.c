/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip_session: the targets that redirections name (RFC 3261 8.1.3.4, 19.1.4, 19.1.5). Pure: it
 * knows no session and sends nothing.
 *
 * Header fields that a Contact's URI asks for are left out: a peer may say where to call, not what
 * (RFC 3261 19.1.5 leaves that to us).
 */
#include "res_sip/transport/transport.h"
#include "res_sip_session/session.h"

/* More contacts than this are not kept. */
#define MAX_TARGETS 20

struct target {
    PJ_DECL_LIST_MEMBER(struct target);
    const pjsip_uri *uri;
    int q1000;
    int tried;
};

struct session_redirect {
    pj_pool_t *pool;
    struct target targets; /* the best first */
    unsigned count;
};

void redirect_destroy(struct session_redirect *redirect)
{
    if (redirect != NULL) {
        pj_pool_release(redirect->pool); /* it is in there itself */
    }
}

static struct target *target_add(struct session_redirect *redirect, const pjsip_uri *uri, int q1000)
{
    struct target *made = PJ_POOL_ZALLOC_T(redirect->pool, struct target);
    struct target *at = redirect->targets.next;

    while (at != &redirect->targets && at->q1000 >= q1000) {
        at = at->next;
    }
    made->uri = pjsip_uri_clone(redirect->pool, uri);
    made->q1000 = q1000;
    pj_list_insert_before(at, made);
    ++redirect->count;
    return made;
}

struct session_redirect *redirect_create(pj_pool_factory *factory, const pjsip_uri *first)
{
    pj_pool_t *pool = pj_pool_create(factory, "redirect", 2000, 2000, NULL);
    struct session_redirect *redirect;

    if (pool == NULL) {
        return NULL;
    }
    redirect = PJ_POOL_ZALLOC_T(pool, struct session_redirect);
    redirect->pool = pool;
    pj_list_init(&redirect->targets);
    target_add(redirect, pjsip_uri_get_uri((void *)first), 1000)->tried = 1;
    return redirect;
}

/* Whether an INVITE can be sent there: SIP over UDP, TCP, or TLS where we have that. */
static int can_call(const pjsip_uri *uri)
{
    const pjsip_sip_uri *sip = (const pjsip_sip_uri *)uri;
    int tls = sip_transport_of_type(PJSIP_TRANSPORT_TLS) != NULL ||
              sip_transport_of_type(PJSIP_TRANSPORT_TLS6) != NULL;

    return (PJSIP_URI_SCHEME_IS_SIP(uri) || (tls && PJSIP_URI_SCHEME_IS_SIPS(uri))) &&
           sip->host.slen > 0 &&
           (sip->transport_param.slen == 0 || pj_stricmp2(&sip->transport_param, "udp") == 0 ||
            pj_stricmp2(&sip->transport_param, "tcp") == 0 ||
            (tls && pj_stricmp2(&sip->transport_param, "tls") == 0)) &&
           (sip->method_param.slen == 0 || pj_strcmp2(&sip->method_param, "INVITE") == 0);
}

/* As a request URI has it (RFC 3261 19.1.1, table 1). */
static const pjsip_uri *to_request_uri(pj_pool_t *pool, const pjsip_uri *uri)
{
    pjsip_sip_uri *made = pjsip_uri_clone(pool, uri);

    made->method_param.slen = 0;
    pj_list_init(&made->header_param);
    return (const pjsip_uri *)made;
}

static int is_known(const struct session_redirect *redirect, const pjsip_uri *uri)
{
    for (const struct target *at = redirect->targets.next; at != &redirect->targets;
         at = at->next) {
        if (pjsip_uri_cmp(PJSIP_URI_IN_REQ_URI, at->uri, uri) == PJ_SUCCESS) {
            return 1;
        }
    }
    return 0;
}

unsigned redirect_add(struct session_redirect *redirect, const pjsip_msg *msg)
{
    const pjsip_contact_hdr *contact = pjsip_msg_find_hdr(msg, PJSIP_H_CONTACT, NULL);
    unsigned added = 0;

    while (contact != NULL && redirect->count < MAX_TARGETS) {
        const pjsip_uri *uri =
            contact->star || contact->uri == NULL ? NULL : pjsip_uri_get_uri(contact->uri);
        const void *next = contact->next;

        if (uri != NULL && can_call(uri)) {
            uri = to_request_uri(redirect->pool, uri);
            if (!is_known(redirect, uri)) { /* PJSIP cannot tell q=0 from none, which means 1 */
                target_add(redirect, uri, contact->q1000 > 0 ? contact->q1000 : 1000);
                ++added;
            }
        }
        contact = next != &msg->hdr ? pjsip_msg_find_hdr(msg, PJSIP_H_CONTACT, next) : NULL;
    }
    return added;
}

const pjsip_uri *redirect_next(struct session_redirect *redirect)
{
    for (struct target *at = redirect->targets.next; at != &redirect->targets; at = at->next) {
        if (!at->tried) {
            at->tried = 1;
            return at->uri;
        }
    }
    return NULL;
}
