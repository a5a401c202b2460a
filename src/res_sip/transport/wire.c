/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: what arrives, before PJSIP's parsers see it: the guard looks at its text, and when there
 * is much to do the overload, too; what they refuse is answered out of that text, or dropped, and
 * counted. Nothing of a message is understood here beyond where it ends.
 */
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/guard/guard.h"
#include "res_sip/overload/overload.h"
#include "res_sip/transport/transport.h"
#include "res_sip/transport/wire.h"

#define REFUSAL_SIZE (PJSIP_MAX_PKT_LEN + 512) /* what a request's headers may grow by */

/* Where the datagram came from that PJSIP is working on; NULL: none. */
static const pj_sockaddr *source_now;

/* What the guard found in the message that PJSIP is working on. */
static int encoding_now;

int sip_wire_has_encoding(void)
{
    return encoding_now;
}

void sip_wire_count(const pj_sockaddr *source, const char *why)
{
    char name[PJ_INET6_ADDRSTRLEN + 10] = "somebody";

    sip_counters.malformed++;
    if (ast_log_enabled(AST_LOG_DEBUG)) {
        if (source) {
            pj_sockaddr_print(source, name, sizeof(name), 3);
        }
        ast_debug("res_sip: refused a message from %s: %s", name, why);
    }
}

static void send_raw(pjsip_transport *transport, const char *text, size_t length,
                     const pj_sockaddr *to)
{
    pjsip_tpselector selector = {.type = PJSIP_TPSELECTOR_TRANSPORT, .u.transport = transport};

    if (!transport->is_shutdown) {
        pjsip_tpmgr_send_raw(transport->tpmgr, transport->key.type, &selector, NULL, text, length,
                             to, pj_sockaddr_get_len(to), NULL, NULL);
    }
}

/* Answers out of a request's text what can be answered. */
static void answer(pjsip_transport *transport, const char *text, size_t length,
                   struct sip_guard_refusal *refusal, const pj_sockaddr *source)
{
    static char out[REFUSAL_SIZE];
    char host[PJ_INET6_ADDRSTRLEN];
    struct sip_feedback feedback;
    struct sip_guard_reply reply;
    pj_sockaddr to = *source;

    pj_sockaddr_print(source, host, sizeof(host), 0);
    sip_feedback_now(&feedback);
    refusal->host = host;
    refusal->port = pj_sockaddr_get_port(source);
    refusal->feedback = &feedback;
    if (!sip_guard_refusal(text, length, refusal, out, sizeof(out), &reply)) {
        return;
    }
    if (transport->flag & PJSIP_TRANSPORT_DATAGRAM) {
        pj_sockaddr_set_port(&to, (pj_uint16_t)reply.port);
    }
    send_raw(transport, out, reply.length, &to);
}

/* What the guard, or PJSIP's parser, does not take. */
static void refuse(pjsip_transport *transport, const char *text, size_t length, int code,
                   const char *why, const pj_sockaddr *source)
{
    struct sip_guard_refusal refusal = {.code = code, .reason = why};

    sip_wire_count(source, why);
    answer(transport, text, length, &refusal, source);
}

/* 1: there is too much to do for what the guard let pass: it was refused or dropped. */
static int is_too_much(pjsip_transport *transport, const char *text, size_t length,
                       const pj_sockaddr *source)
{
    struct sip_guard_refusal refusal = {.code = PJSIP_SC_SERVICE_UNAVAILABLE,
                                        .reason = "Service Unavailable"};
    enum sip_overload_verdict verdict = sip_overload_decide(text, length, source);

    if (verdict == SIP_OVERLOAD_REFUSE) {
        refusal.retry_after = sip_overload_retry_after();
        answer(transport, text, length, &refusal, source);
    }
    return verdict != SIP_OVERLOAD_LET_IN;
}

int sip_wire_datagram(pjsip_transport *transport, const char *data, size_t length, int whole,
                      const pj_sockaddr *source)
{
    const struct sip_guard_limits *limits = &sip_get_config()->guard;
    struct sip_guard_found found;

    while (length && (*data == '\r' || *data == '\n')) { /* RFC 3261 7.5; PJSIP does likewise */
        data++;
        length--;
    }
    if (length == 0) {
        return 0;
    }
    if (!whole) {
        found.code = PJSIP_SC_MESSAGE_TOO_LARGE;
        found.why = "Message too large";
    } else if (sip_guard_message(limits, data, length, 1, &found) == 0) {
        if (sip_overload_is_watching && is_too_much(transport, data, length, source)) {
            return 0;
        }
        source_now = source;
        encoding_now = found.has_encoding;
        return 1;
    }
    refuse(transport, data, length, found.code, found.why, source);
    return 0;
}

void sip_wire_done(void)
{
    source_now = NULL;
}

/* ---- streams ---- */

/* The octets of a refused message that are here; those that are to come follow in connection->skip.
 */
static size_t skip(struct sip_connection *connection, size_t length)
{
    size_t here = connection->skip < length ? connection->skip : length;

    if (connection->skip != SIP_SKIP_ALL) {
        connection->skip -= here;
    }
    sip_connection_heard(connection, connection->skip == 0);
    return here;
}

/* No message may be longer than PJSIP's buffer, and what is longer cannot be told from nonsense. */
static size_t refuse_endless(struct sip_connection *connection, const char *data, size_t length)
{
    refuse(connection->transport, data, length, PJSIP_SC_MESSAGE_TOO_LARGE, "Message too large",
           &connection->transport->key.rem_addr);
    sip_connection_lose(connection);
    return length;
}

/* How many of the octets are not for PJSIP. */
static size_t look(struct sip_connection *connection, const char *data, size_t length)
{
    const struct sip_guard_limits *limits = &sip_get_config()->guard;
    struct sip_guard_found found;
    size_t total;

    sip_guard_message(limits, data, length, 0, &found);
    /* headers that are too long are so wherever the network cuts them */
    if (found.header_length == 0 || found.header_length > limits->message_size) {
        sip_connection_heard(connection, 0);
        return length >= limits->message_size ? refuse_endless(connection, data, length) : 0;
    }
    total = found.header_length + found.body_length;
    if (found.code == 0) {
        sip_connection_heard(connection, total <= length);
        encoding_now = found.has_encoding;
        return total <= length && sip_overload_is_watching &&
                       is_too_much(connection->transport, data, found.header_length,
                                   &connection->transport->key.rem_addr)
                   ? total
                   : 0;
    }
    refuse(connection->transport, data, found.header_length, found.code, found.why,
           &connection->transport->key.rem_addr);
    if (found.lost) {
        sip_connection_lose(connection);
        return length;
    }
    connection->skip = total;
    return skip(connection, length);
}

/* PJSIP's hook: octets of a stream where a message begins. What is taken off data->len is passed
 * over. */
static pj_status_t on_stream(pjsip_tp_rx_data *data)
{
    struct sip_connection *connection = sip_connection_of(data->tp);

    if (!connection) {
        data->len = 0; /* it is being closed */
        return PJ_SUCCESS;
    }
    connection->keep_alive = 0;
    data->len -=
        connection->skip ? skip(connection, data->len) : look(connection, data->data, data->len);
    return PJ_SUCCESS;
}

/* ---- what PJSIP drops ---- */

/* Between messages they are keep-alives; of a refused message that is not whole yet they are part
 * of its body. */
static void on_line_ends(pjsip_transport *transport, const char *text, size_t length)
{
    struct sip_connection *connection = sip_connection_of(transport);
    size_t skipped;

    if (!connection) {
        return;
    }
    skipped = connection->skip ? skip(connection, length) : 0;
    if (skipped < length) {
        sip_connection_heard(connection, 1);
        sip_keep_alive_answer(transport, &connection->keep_alive, text + skipped, length - skipped);
    }
}

/*
 * What PJSIP dropped before any module saw it: line ends between messages; and what could not be
 * parsed, or lacks a header that must be there.
 */
static void on_dropped(pjsip_tp_dropped_data *data)
{
    int is_datagram = (data->tp->flag & PJSIP_TRANSPORT_DATAGRAM) != 0;
    const pj_sockaddr *source = is_datagram ? source_now : &data->tp->key.rem_addr;

    if (data->status == PJ_EIGNORED) {
        if (!is_datagram) {
            on_line_ends(data->tp, data->data, data->len);
        }
    } else if (data->data && source) {
        refuse(data->tp, data->data, data->len, PJSIP_SC_BAD_REQUEST, "Bad Request", source);
    } else {
        sip_wire_count(source, "it cannot be parsed");
    }
}

void sip_wire_start(void)
{
    pjsip_tpmgr *manager = pjsip_endpt_get_tpmgr(sip_endpt);

    source_now = NULL;
    pjsip_tpmgr_set_drop_data_cb(manager, on_dropped);
    pjsip_tpmgr_set_recv_data_cb(manager, on_stream);
}
