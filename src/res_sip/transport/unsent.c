/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: messages that wait on a connection until their peer reads. PJSIP keeps without limit what
 * a socket does not take: who sends requests and never reads the answers would have all our memory.
 * Here PJSIP has one message of a connection at a time, the others wait in our queue. A connection
 * with too many of them is lost, and nothing more is sent on it.
 *
 * PJSIP's TLS, when a connection breaks, tells only the first of those that wait in its own queue; the
 * others, and with them the connection, would stay for ever (D6 of docs/pjsip.md).
 *
 * What waits is counted in messages: what one costs (its pool) hardly depends on its length.
 */
#include <stddef.h>
#include <sys/socket.h>

#include <pjlib.h>

#include <sipsession/log.h>

#include "res_sip/transport/transport.h"

#define ALL_TOGETHER   10  /* so many times the limit of one are much for all connections; */
#define SHARE_OF_LIMIT 100 /* then each may have this part of its own */

/* In the pool of its message, which whoever sends it keeps until he is called back. */
struct sip_waiting {
    struct sip_waiting *next;
    pjsip_tx_data *tdata;
    ptrdiff_t size;
    pj_sockaddr address;
    int length; /* of the address */
    void *token;
    pjsip_transport_callback callback;
};

static unsigned long all; /* that wait, on all connections */

int sip_unsent_is_too_much(unsigned most, unsigned of_one, unsigned long of_all)
{
    return of_one >= most ||
           (of_all / ALL_TOGETHER >= most && of_one > 0 && of_one >= most / SHARE_OF_LIMIT);
}

static void put(struct sip_connection *connection, struct sip_waiting *waiting)
{
    waiting->tdata->op_key.tdata = waiting->tdata; /* as PJSIP marks what it has */
    *connection->last_waiting = waiting;
    connection->last_waiting = &waiting->next;
    if (connection->unsent++ == 0) {
        ast_debug("res_sip: messages wait on %s", connection->transport->info);
    }
    all++;
}

/* NULL: there is none. */
static struct sip_waiting *take(struct sip_connection *connection)
{
    struct sip_waiting *waiting = connection->waiting;

    if (waiting) {
        connection->waiting = waiting->next;
        if (!connection->waiting) {
            connection->last_waiting = &connection->waiting;
        }
        waiting->tdata->op_key.tdata = NULL;
        connection->unsent--;
        all--;
    }
    return waiting;
}

/* What waits cannot be sent any more. */
static void fail_all(struct sip_connection *connection)
{
    struct sip_waiting *waiting;

    while ((waiting = take(connection))) {
        waiting->callback(connection->transport, waiting->token, -PJ_ECANCELLED);
    }
}

static void on_sent(pjsip_transport *transport, void *token, pj_ssize_t result);

static pj_status_t send_now(struct sip_connection *connection, pjsip_tx_data *tdata,
                            const pj_sockaddr_t *address, int length, void *token,
                            pjsip_transport_callback callback)
{
    pj_status_t status =
        connection->send(connection->transport, tdata, address, length, NULL, on_sent);

    if (status == PJ_EPENDING) {
        connection->is_sending = 1;
        connection->sending_token = token;
        connection->sending_callback = callback;
    }
    return status;
}

/* The next ones, until the socket takes no more. */
static void send_waiting(struct sip_connection *connection)
{
    struct sip_waiting *waiting;

    while (!connection->is_sending && (waiting = take(connection))) {
        pj_status_t status;

        if (!pjsip_tx_data_is_valid(waiting->tdata)) { /* its text is still there */
            waiting->tdata->buf.cur = waiting->tdata->buf.start + waiting->size;
        }
        status = send_now(connection, waiting->tdata, &waiting->address, waiting->length,
                          waiting->token, waiting->callback);
        if (status != PJ_EPENDING) {
            waiting->callback(connection->transport, waiting->token,
                              status == PJ_SUCCESS ? waiting->size : -status);
        }
    }
}

/* PJSIP has sent what it had, or cannot. */
static void on_sent(pjsip_transport *transport, void *token, pj_ssize_t result)
{
    struct sip_connection *connection = sip_connection_of(transport);

    (void)token;
    if (!connection || !connection->is_sending) {
        return;
    }
    connection->is_sending = 0;
    connection->is_stuck |= result <= 0;
    connection->sending_callback(transport, connection->sending_token, result);
    if (result > 0) {
        send_waiting(connection);
    } else {
        fail_all(connection);
    }
}

/* In the place of PJSIP's function. */
static pj_status_t send_or_wait(pjsip_transport *transport, pjsip_tx_data *tdata,
                                const pj_sockaddr_t *address, int length, void *token,
                                pjsip_transport_callback callback)
{
    struct sip_connection *connection = sip_connection_of(transport);
    struct sip_waiting *waiting;

    if (!connection || connection->is_stuck) {
        return PJ_EGONE;
    }
    if (tdata->op_key.tdata) {
        return PJSIP_EPENDINGTX;
    }
    if (!connection->is_sending && !connection->waiting) {
        return send_now(connection, tdata, address, length, token, callback);
    }
    if (sip_unsent_is_too_much(sip_get_config()->guard.unsent, connection->unsent, all)) {
        connection->is_stuck = 1;
        sip_connection_lose(connection);
        return PJ_ETOOMANY;
    }
    waiting = pj_pool_zalloc(tdata->pool, sizeof(*waiting));
    *waiting = (struct sip_waiting){.tdata = tdata,
                                    .size = tdata->buf.cur - tdata->buf.start,
                                    .length = length,
                                    .token = token,
                                    .callback = callback};
    pj_memcpy(&waiting->address, address, (pj_size_t)length);
    put(connection, waiting);
    return PJ_EPENDING;
}

void sip_unsent_watch(struct sip_connection *connection)
{
    connection->last_waiting = &connection->waiting;
    connection->send = connection->transport->send_msg;
    connection->transport->send_msg = send_or_wait;
}

void sip_unsent_drop(struct sip_connection *connection)
{
    connection->is_stuck = 1;
    fail_all(connection);
    if (connection->is_sending && !(connection->transport->flag & PJSIP_TRANSPORT_SECURE)) {
        /* PJSIP would wait for it; where TLS is, TCP_USER_TIMEOUT ends it */
        shutdown((int)pjsip_tcp_transport_get_socket(connection->transport), SHUT_RDWR);
    }
}

void sip_unsent_forget(const struct sip_connection *connection)
{
    all -= connection->unsent;
}
