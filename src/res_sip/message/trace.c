/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: `debug` of type=global: every message as lines of the log, at verbose. Looks only.
 */
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/message/message.h"

static pj_bool_t on_rx(pjsip_rx_data *rdata);
static pj_status_t on_tx(pjsip_tx_data *tdata);

static pjsip_module trace = {
    .name = SIP_STR("mod-sip-trace"),
    .id = -1,
    .priority = SIP_PRIORITY_TRACE,
    .on_rx_request = on_rx,
    .on_rx_response = on_rx,
    .on_tx_request = on_tx,
    .on_tx_response = on_tx,
};

static void write_lines(const char *text, size_t length)
{
    const char *end = text + length;

    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        const char *next = line_end ? line_end + 1 : end;

        if (!line_end) {
            line_end = end;
        }
        if (line_end > text && line_end[-1] == '\r') {
            line_end--;
        }
        ast_log(AST_LOG_VERBOSE, "    %.*s", (int)(line_end - text), text);
        text = next;
    }
}

static pj_bool_t on_rx(pjsip_rx_data *rdata)
{
    if (ast_log_enabled(AST_LOG_VERBOSE)) {
        ast_log(AST_LOG_VERBOSE, "<--- received %d octets by %s from %s port %d",
                rdata->msg_info.len, rdata->tp_info.transport->type_name, rdata->pkt_info.src_name,
                rdata->pkt_info.src_port);
        write_lines(rdata->msg_info.msg_buf, (size_t)rdata->msg_info.len);
    }
    return PJ_FALSE;
}

static pj_status_t on_tx(pjsip_tx_data *tdata)
{
    if (ast_log_enabled(AST_LOG_VERBOSE)) {
        ast_log(AST_LOG_VERBOSE, "---> sending %d octets by %s to %s port %d",
                (int)(tdata->buf.cur - tdata->buf.start), tdata->tp_info.transport->type_name,
                tdata->tp_info.dst_name, tdata->tp_info.dst_port);
        write_lines(tdata->buf.start, (size_t)(tdata->buf.cur - tdata->buf.start));
    }
    return PJ_SUCCESS;
}

static int is_registered(void)
{
    return trace.id >= 0;
}

static void unregister(void)
{
    if (is_registered()) {
        pjsip_endpt_unregister_module(sip_endpt, &trace);
    }
}

int sip_trace_start(const struct sip_global_config *global)
{
    trace.id = -1;
    return global->debug ? sip_module_register(&trace) : 0;
}

/* ---- reload: what can fail is the beginning ---- */

int sip_trace_prepare(struct sip_config *config)
{
    return config->global.debug && !is_registered() ? sip_module_register(&trace) : 0;
}

void sip_trace_abandon(void)
{
    if (!sip_get_config()->global.debug) {
        unregister();
    }
}

void sip_trace_commit(struct sip_config *old, struct sip_config *config)
{
    (void)old;
    if (!config->global.debug) {
        unregister();
    }
}
