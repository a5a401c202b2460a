/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: a changed configuration takes the place of the one in force, or none of it does. Calls,
 * registrations and connections go on: who needs an endpoint or an AOR has a reference of it. What
 * each part does about it is in its own file.
 */
#include "res_sip/start/reload.h"

#include "res_sip/access/access.h"
#include "res_sip/auth/auth.h"
#include "res_sip/identify/identify.h"
#include "res_sip/location/location.h"
#include "res_sip/message/message.h"
#include "res_sip/overload/overload.h"
#include "res_sip/registration/registration.h"
#include "res_sip/resolve/resolve.h"
#include "res_sip/transport/transport.h"

static int prepare_nothing(struct sip_config *config)
{
    (void)config;
    return 0;
}

static void abandon_nothing(void) {}

static void commit_pjsip(struct sip_config *old, struct sip_config *config)
{
    (void)old;
    sip_endpt_reload(&config->global);
}

static void commit_overload(struct sip_config *old, struct sip_config *config)
{
    (void)old;
    sip_overload_reload(config);
}

/* In the order of their commits: who sends comes behind what it sends by. */
static const struct sip_reload_part parts[] = {
    {"pjsip", prepare_nothing, abandon_nothing, commit_pjsip},
    {"print", sip_print_prepare, sip_print_abandon, sip_print_commit},
    {"trace", sip_trace_prepare, sip_trace_abandon, sip_trace_commit},
    {"identify", sip_identify_prepare, sip_identify_abandon, sip_identify_commit},
    {"authenticate", sip_authenticate_prepare, sip_authenticate_abandon, sip_authenticate_commit},
    {"access", sip_access_prepare, sip_access_abandon, sip_access_commit},
    {"overload", prepare_nothing, abandon_nothing, commit_overload},
    {"resolve", sip_resolve_prepare, sip_resolve_abandon, sip_resolve_commit},
    {"transports", sip_transports_prepare, sip_transports_abandon, sip_transports_commit},
    {"location", sip_location_prepare, sip_location_abandon, sip_location_commit},
    {"registrations", sip_registrations_prepare, sip_registrations_abandon,
     sip_registrations_commit},
};

static struct ast_sip_reload_observer *observers;
static struct sip_config *prepared; /* the caller's, until it is committed */

static void abandon(unsigned count)
{
    while (count > 0) {
        parts[--count].abandon();
    }
    prepared = NULL;
}

int sip_reload_prepare(struct sip_config *config)
{
    base_assert_sip_thread();
    base_assert(!prepared && sip_get_config());
    if (sip_config_index(config) != 0) {
        return -1;
    }
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(parts); i++) {
        if (parts[i].prepare(config) != 0) {
            abandon(i + 1);
            return -1;
        }
    }
    prepared = config;
    return 0;
}

void sip_reload_abandon(void)
{
    base_assert(prepared);
    abandon(PJ_ARRAY_SIZE(parts));
}

void sip_reload_commit(void)
{
    struct sip_config *config = prepared, *old;

    base_assert(config);
    prepared = NULL;
    old = sip_config_replace(config);
    for (unsigned i = 0; i < PJ_ARRAY_SIZE(parts); i++) {
        parts[i].commit(old, config);
    }
    sip_config_destroy(old);
}

/* ---- observers ---- */

void ast_sip_register_reload_observer(struct ast_sip_reload_observer *observer)
{
    base_assert_sip_thread();
    observer->next = observers;
    observers = observer;
}

void ast_sip_unregister_reload_observer(struct ast_sip_reload_observer *observer)
{
    struct ast_sip_reload_observer **at = &observers;

    base_assert_sip_thread();
    while (*at && *at != observer) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = observer->next;
    }
}

void sip_reload_tell(void)
{
    struct ast_sip_reload_observer *observer = observers, *next;

    for (; observer; observer = next) {
        next = observer->next; /* it may go */
        observer->reloaded();
    }
}
