/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connected_line: see policy.h. Nothing here may touch a session or a message.
 */
#include <string.h>

#include "policy.h"

int line_is_same(const struct ast_party_id *left, const struct ast_party_id *right)
{
    return strcmp(left->name, right->name) == 0 && strcmp(left->number, right->number) == 0 &&
           left->presentation == right->presentation;
}

int line_can_tell(const struct ast_sip_endpoint *endpoint, const struct ast_party_id *id,
                  int from_change)
{
    int hidden = id->presentation != AST_PARTY_ALLOWED && !endpoint->trust_id_outbound;

    if (!endpoint->send_connected_line || (id->number[0] == '\0' && id->name[0] == '\0')) {
        return 0;
    }
    return from_change ||
           (!hidden && id->number[0] != '\0' && (endpoint->send_pai || endpoint->send_rpid));
}

void line_choose(int allows_update, struct ast_sip_session_refresh *refresh)
{
    /* A re-INVITE without SDP would ask the peer for an offer, for no reason. */
    refresh->method =
        allows_update ? AST_SIP_SESSION_REFRESH_UPDATE : AST_SIP_SESSION_REFRESH_INVITE;
    refresh->without_offer = allows_update;
}
