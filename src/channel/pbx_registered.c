/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * channel: the extensions of `regcontext`: one of the name of each AOR that has somebody registered, with NoOp at
 * priority 1. None is kept: whether one is there is asked when it is looked for. So nothing of a dialplan changes
 * while it is in force, and a channel may be within such an extension when its phone goes.
 */
#include <string.h>

#include <sipsession/location.h>

#include "channel/channel.h"

static struct pbx_step step = {.priority = 1,
                               .application = (char *)"NoOp",
                               .args = (char *)"",
                               .file = "pjsip.conf"};

/* All of them are this one. */
static const struct pbx_exten registered = {.name = (char *)"",
                                            .key = (char *)"",
                                            .steps = &step,
                                            .count = 1};

static int is_registered(const char *aor)
{
    const struct ast_sip_contact *contact = ast_sip_aor_contacts(aor);

    while (contact != NULL && (contact->expires == 0 || ast_sip_contact_expired(contact))) {
        contact = contact->next;
    }
    return contact != NULL;
}

const struct pbx_exten *pbx_registered_exten(const char *context, const char *exten)
{
    /* A dialplan that is only looked at, by `sipsession check`, is in nobody's force, and no options are. */
    const char *wanted = pbx_current() != NULL ? ast_sip_get_global()->regcontext : NULL;

    return wanted != NULL && strcmp(wanted, context) == 0 && is_registered(exten) ? &registered
                                                                                  : NULL;
}
