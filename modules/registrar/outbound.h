/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: phones that are reached over what they registered over (RFC 5626, or `rewrite_contact`
 * on a connection). It keeps nothing.
 */
#ifndef REGISTRAR_OUTBOUND_H
#define REGISTRAR_OUTBOUND_H

#include "rules.h"

/*
 * The instance and reg-id of a Contact, allocated from pool; of one without both, or with what they
 * may not be, none.
 */
void outbound_read_contact(pj_pool_t *pool, const pjsip_contact_hdr *hdr,
                           struct rules_contact *contact);

/*
 * Decides whether outbound is used for a REGISTER that is read (its contacts, its path): asked is
 * what its Supported says. Where it is not, contacts get no instance any more, and are what they
 * are without it. 200; 400: more than one Contact has a reg-id; 439: the first proxy does not know
 * of it (RFC 5626 6).
 */
int outbound_decide(pj_pool_t *pool, pjsip_rx_data *rdata, int asked, const struct ast_sip_aor *aor,
                    struct rules_contact *contacts, struct rules_request *request);

/*
 * The first Contact, of a phone without outbound, was replaced by where its connection comes from
 * (`rewrite_contact`): nobody can connect to that, so its flow is that connection.
 */
void outbound_take_connection(pj_pool_t *pool, pjsip_rx_data *rdata, const struct ast_sip_aor *aor,
                              struct rules_contact *contacts, struct rules_request *request);
/* 1: the connection that it is reached by is gone. */
int outbound_is_gone(const struct ast_sip_contact *contact);

/* +sip.instance and reg-id of a Contact that is listed. */
void outbound_add_params(pj_pool_t *pool, const struct ast_sip_contact *contact,
                         pjsip_contact_hdr *hdr);
/* Require and Flow-Timer of a 200. */
void outbound_add_headers(pjsip_tx_data *tdata, const struct rules_request *request);

#endif
