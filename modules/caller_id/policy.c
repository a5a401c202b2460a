/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * caller_id: see policy.h. Nothing here may touch a session or a message.
 */
#include <stdio.h>
#include <string.h>

#include "policy.h"

void caller_choose(const struct ast_sip_endpoint *endpoint, const struct ast_party_id *found,
                   int asserted, struct ast_party_id *caller)
{
    const struct ast_party_id *own = &endpoint->callerid;
    int wants_privacy = found != NULL && found->presentation == AST_PARTY_RESTRICTED;

    if (found != NULL && (asserted || own->number[0] == '\0')) {
        *caller = *found;
        /* A callerid without a number lends its name to a caller that has none. */
        if (own->number[0] == '\0' && caller->name[0] == '\0' && !wants_privacy) {
            memcpy(caller->name, own->name, sizeof(caller->name));
        }
    } else {
        *caller = *own;
        if (own->number[0] == '\0') {
            caller->presentation = AST_PARTY_UNAVAILABLE;
        } else if (wants_privacy) { /* RFC 3323 4.2: the caller asks for it, whoever it is */
            caller->presentation = AST_PARTY_RESTRICTED;
        }
    }
    if (endpoint->callerid_tag != NULL) {
        snprintf(caller->tag, sizeof(caller->tag), "%s", endpoint->callerid_tag);
    }
}

void caller_write(const struct caller_shown *shown, struct caller_headers *headers)
{
    const struct ast_sip_endpoint *endpoint = shown->endpoint;
    const struct ast_party_id *id = shown->id;
    int restricted = id->presentation != AST_PARTY_ALLOWED;
    int length;

    memset(headers, 0, sizeof(*headers));
    if (id->number[0] == '\0' || (restricted && !endpoint->trust_id_outbound)) {
        return; /* RFC 3325 7: nobody outside of the trust domain learns it */
    }
    if (endpoint->send_pai) {
        ast_sip_address_print(id, shown->host, headers->pai, sizeof(headers->pai));
    }
    if (endpoint->send_rpid) {
        length = ast_sip_address_print(id, shown->host, headers->rpid, AST_SIP_ADDRESS_SIZE);
        if (length > 0) {
            snprintf(headers->rpid + length, sizeof(headers->rpid) - (size_t)length,
                     ";party=%s;privacy=%s;screen=%s", shown->calling ? "calling" : "called",
                     restricted ? "full" : "off", id->screened ? "yes" : "no");
        }
    }
    if (!restricted) {
        return;
    }
    if (endpoint->send_pai || endpoint->send_rpid) {
        headers->privacy = "id"; /* RFC 3325 9.3 */
    } else if (shown->in_from) {
        headers->privacy = "user;id"; /* RFC 3323 4.2: From has it, too */
    }
}
