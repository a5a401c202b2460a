/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: a REGISTER message as the rules want it, and the answer's headers. It keeps nothing.
 */
#ifndef REGISTRAR_REQUEST_H
#define REGISTRAR_REQUEST_H

#include "rules.h"

/*
 * The AOR that a REGISTER is for, by its To and the endpoint's aors (RFC 3261 10.3 steps 3 to 5).
 * 200 and a new reference; 403, 404: aor is untouched.
 */
int request_find_aor(const struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata,
                     struct ast_sip_aor **aor);

/*
 * Reads a REGISTER; texts are allocated from pool. 200; 400: it is none; 439: see outbound.h; 420, 421: an extension is
 * asked for that is not here, or is needed and not asked for (RFC 3327 5.3); then request is
 * untouched, and *unsupported, unless NULL, is what goes under Unsupported.
 */
int request_read(pj_pool_t *pool, pjsip_rx_data *rdata, const struct ast_sip_aor *aor,
                 struct rules_request *request, const char **unsupported);

/* Contact for each binding that has not expired, with what is left of its time; Path, Require and
 * Flow-Timer as the request has them; Date. */
void request_list_bindings(pjsip_tx_data *tdata, const struct ast_sip_contact *contacts,
                           const struct rules_request *request, long long time);

#endif
