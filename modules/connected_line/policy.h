/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connected_line: who is told what, and by which request. Plain functions: no session, no message.
 */
#ifndef CONNECTED_LINE_POLICY_H
#define CONNECTED_LINE_POLICY_H

#include <sipsession/res_sip.h>
#include <sipsession/res_sip_session.h>

/* 1: the two are shown as the same. */
int line_is_same(const struct ast_party_id *left, const struct ast_party_id *right);

/*
 * 1: a peer would learn something of an identity: by P-Asserted-Identity or Remote-Party-ID when it
 * gets them, by From when both sides can change that.
 */
int line_can_tell(const struct ast_sip_endpoint *endpoint, const struct ast_party_id *id,
                  int from_change);

/*
 * The request that tells it: UPDATE without SDP where the peer allows that, else a re-INVITE with
 * it; all values of connected_line_method mean this.
 */
void line_choose(int allows_update, struct ast_sip_session_refresh *refresh);

#endif
