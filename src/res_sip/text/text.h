/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: text messages outside of calls (RFC 3428), as far as we send them.
 */
#ifndef RES_SIP_TEXT_H
#define RES_SIP_TEXT_H

#include <sipsession/message.h>

#include "res_sip/core.h"

/* RFC 3428 8: what goes over a transport without congestion control is no longer. */
#define TEXT_MAX_UDP 1300

/* Whom a message goes to. */
struct sip_text_target {
    struct ast_sip_endpoint *endpoint; /* a reference */
    struct ast_sip_contact *contacts;  /* owned; the best first; NULL: it cannot be reached */
};

/* ---- target.c ---- */

/* Reads a destination (message.h). The target is untouched unless SENT is returned. */
enum ast_sip_message_result sip_text_find(const char *destination, struct sip_text_target *target);
void sip_text_target_free(struct sip_text_target *target);

/* ---- redirect.c ---- */

/*
 * Puts the Contacts of a 3xx that are not in the list yet into it, the best first, before rest (one
 * of the list, or NULL: at its end). Returns the first of them; NULL: there are none.
 */
struct ast_sip_contact *sip_text_redirect(const pjsip_msg *msg, struct ast_sip_contact **list,
                                          const struct ast_sip_contact *rest);

/* ---- compose.c ---- */

/*
 * The request to a contact, by TCP if it is too long for UDP. 0; -1 logged, tdata untouched.
 */
int sip_text_compose(const struct ast_sip_endpoint *endpoint, const struct ast_sip_contact *contact,
                     const struct ast_sip_message *message, pjsip_tx_data **tdata);

#endif
