/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A module as a user writes it: install.sh builds it from the installed files alone.
 */
#include <sipsession/log.h>
#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

static void outgoing_request(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    ast_debug("outside: %p sends a request, %d octets so far", (void *)session->inv_session,
              (int)(tdata->buf.cur - tdata->buf.start));
}

static struct ast_sip_session_extension extension = {
    .method = "INVITE",
    .outgoing_request = outgoing_request,
};

static int init(void)
{
    if (ast_sip_session_register_extension(&extension) != 0) {
        return -1;
    }
    ast_notice("outside: loaded");
    return 0;
}

static void finish(void)
{
    ast_sip_session_unregister_extension(&extension);
}

AST_SIP_MODULE(.name = "outside", .description = "was built out of the tree", .init = init,
               .close = finish);
