/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: PJLIB, the PJSIP endpoint and all of this folder, started and destroyed in order.
 */
#include <string.h>

#include <pjlib-util.h>

#include <sipsession/log.h>

#include "base/base.h"
#include "res_sip/access/access.h"
#include "res_sip/auth/auth.h"
#include "res_sip/distributor/distributor.h"
#include "res_sip/identify/identify.h"
#include "res_sip/location/location.h"
#include "res_sip/message/message.h"
#include "res_sip/overload/overload.h"
#include "res_sip/registration/registration.h"
#include "res_sip/request/request.h"
#include "res_sip/resolve/resolve.h"
#include "res_sip/start/reload.h"
#include "res_sip/transport/transport.h"
#include "res_sip/transport/wire.h"

#define NEVER (10L * 365 * 24 * 3600) /* seconds */

static int pjlib_started;
static int memory_started;

static int failed(const char *what, pj_status_t status)
{
    char error[PJ_ERR_MSG_SIZE];

    if (status == PJ_SUCCESS) {
        return 0;
    }
    ast_error("res_sip: %s: %s", what, sip_error(status, error, sizeof(error)));
    return -1;
}

static int start_pjlib(void)
{
    pj_log_set_level(0); /* what it is built of is nobody's news */
    if (failed("PJLIB", pj_init()) != 0) {
        return -1;
    }
    pjlib_started = 1;
    sip_pjlog_start();
    return failed("PJLIB-UTIL", pjlib_util_init());
}

/* Settings that PJSIP keeps for the whole process; before its endpoint is made, and at a reload. */
static void configure(const struct sip_global_config *global)
{
    pjsip_cfg_t *cfg = pjsip_cfg();

    cfg->endpt.use_compact_form = global->compact_headers;
    cfg->endpt.disable_rport = global->disable_rport;
    cfg->endpt.disable_tcp_switch = global->disable_tcp_switch;
    cfg->tsx.t1 = global->timer_t1;
    cfg->tsx.t2 = global->timer_t1 > PJSIP_T2_TIMEOUT ? global->timer_t1 : PJSIP_T2_TIMEOUT;
    cfg->tsx.td = global->timer_b; /* timers B, F, H and D (C2 of docs/pjsip.md) */
    cfg->tcp.keep_alive_interval = (long)global->keep_alive_interval;
    cfg->tls.keep_alive_interval = (long)global->keep_alive_interval;
}

/* Requests of ours begin with this many hops. */
static void set_max_forwards(unsigned hops)
{
    const pjsip_hdr *headers = pjsip_endpt_get_request_headers(sip_endpt);
    pjsip_hdr *header;

    for (header = headers->next; header != headers; header = header->next) {
        if (header->type == PJSIP_H_MAX_FORWARDS) {
            ((pjsip_max_fwd_hdr *)header)->ivalue = hops;
        }
    }
}

void sip_endpt_reload(const struct sip_global_config *global)
{
    configure(global);
    if (global->keep_alive_interval == 0) {
        /* Connections that have a timer would send without end: PJSIP looks only before it makes
         * one. */
        pjsip_cfg()->tcp.keep_alive_interval = NEVER;
        pjsip_cfg()->tls.keep_alive_interval = NEVER;
    }
    pjsip_tsx_initialize_timer_values(); /* of transactions to come */
    set_max_forwards(global->max_forwards);
}

static pjsip_dialog *(*fork_handler)(pjsip_dialog *first, pjsip_rx_data *rdata);

void sip_set_fork_handler(pjsip_dialog *(*handler)(pjsip_dialog *first, pjsip_rx_data *rdata))
{
    base_assert_sip_thread();
    fork_handler = handler;
}

static pjsip_dialog *on_forked(pjsip_dialog *first, pjsip_rx_data *rdata)
{
    return fork_handler ? fork_handler(first, rdata) : first;
}

static int start_pjsip(const struct sip_global_config *global)
{
    const pjsip_ua_init_param parameter = {.on_dlg_forked = on_forked};

    configure(global);
    sip_memory_start();
    memory_started = 1;
    if (failed("PJSIP", pjsip_endpt_create(sip_memory_factory(), "sipsession", &sip_endpt)) != 0) {
        sip_endpt = NULL;
        return -1;
    }
    set_max_forwards(global->max_forwards);
    if (failed("transactions", pjsip_tsx_layer_init_module(sip_endpt)) != 0) {
        return -1;
    }
    return failed("dialogs", pjsip_ua_init_module(sip_endpt, &parameter));
}

static int start_modules(struct sip_config *config)
{
    sip_wire_start();
    sip_connections_start();
    return sip_edge_start() == 0 && sip_print_start(config) == 0 &&
                   sip_trace_start(&config->global) == 0 && sip_distributor_start() == 0 &&
                   sip_options_start() == 0 && sip_fallback_start() == 0 &&
                   sip_send_request_start() == 0 && sip_nat_start() == 0
               ? 0
               : -1;
}

int sip_start(struct sip_config *config)
{
    base_thread_enter();
    sip_core_start();
    if (sip_config_use(config) != 0) {
        sip_config_destroy(config);
        base_thread_leave();
        return -1;
    }
    if (start_pjlib() != 0 || start_pjsip(&config->global) != 0 || sip_loop_create() != 0 ||
        sip_thread_create() != 0 || start_modules(config) != 0 || sip_identify_start(config) != 0 ||
        sip_authenticate_start(config) != 0 || sip_access_start(config) != 0 ||
        sip_overload_start(config) != 0 || sip_location_start(config) != 0 ||
        sip_transports_start(config) != 0 || sip_resolve_start(&config->global) != 0 ||
        sip_registrations_start(config) != 0) {
        sip_destroy();
        return -1;
    }
    return 0;
}

void sip_run(void)
{
    base_assert_sip_thread();
    while (sip_thread_is_running()) {
        sip_loop_turn(base_log_tell(0));
        sip_distributor_release();
        sip_overload_turn();
    }
}

/* In the opposite order; each part copes with not having been started. */
void sip_destroy(void)
{
    base_assert_sip_thread();
    sip_thread_drain();
    sip_distributor_release();
    if (sip_endpt) {
        sip_memory_stop();
        sip_registrations_forget();
        sip_resolve_stop();
        sip_transports_retire_stop();
        pjsip_endpt_destroy(sip_endpt); /* modules, transactions, transports */
        sip_core_stop();
        sip_send_request_stop();
        sip_connections_stop();
    }
    sip_transports_forget();
    sip_print_stop();
    sip_thread_destroy();
    sip_loop_destroy();
    sip_overload_stop();
    sip_access_stop();
    sip_authenticate_stop();
    sip_identify_stop();
    sip_location_stop();
    sip_config_use(NULL);
    if (memory_started) {
        sip_memory_destroy();
        memory_started = 0;
    }
    if (pjlib_started) {
        pj_shutdown();
        pjlib_started = 0;
    }
    base_thread_leave();
}
