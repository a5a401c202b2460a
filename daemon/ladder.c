/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon: the ladder of `sipsession call`. What a peer sent is printed with its control
 * characters replaced. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sipsession/res_sip_session.h>

#include "ladder.h"

/* Columns of the arrow between us (left) and the peer (right). */
#define WIDTH 46

static struct timespec begin;

static double milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - begin.tv_sec) * 1e3 + (double)(now.tv_nsec - begin.tv_nsec) / 1e6;
}

/* Prints "label ------>" or "<------ label". */
static void print_step(const char *label, int outgoing, const char *media)
{
    char arrow[WIDTH + 1];
    char text[WIDTH - 4];
    int length;

    length = snprintf(text, sizeof(text), "%s", label);
    if (length >= (int)sizeof(text)) {
        length = (int)sizeof(text) - 1;
    }
    for (int i = 0; i < length; ++i) {
        if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] >= 0x7f) {
            text[i] = '?';
        }
    }
    memset(arrow, '-', WIDTH);
    arrow[WIDTH] = '\0';
    arrow[outgoing ? WIDTH - 1 : 0] = outgoing ? '>' : '<';
    memcpy(arrow + (WIDTH - length) / 2, text, (size_t)length);
    arrow[(WIDTH - length) / 2 - 1] = ' ';
    arrow[(WIDTH - length) / 2 + length] = ' ';
    printf("%9.1f ms  |%s|  %s\n", milliseconds(), arrow, media);
    fflush(stdout);
}

/* What the audio section of a message's SDP says, for the margin; "" without one. */
static void describe_media(const pjmedia_sdp_session *sdp, char *out, size_t size)
{
    const pjmedia_sdp_media *media = sdp != NULL && sdp->media_count > 0 ? sdp->media[0] : NULL;
    const pjmedia_sdp_conn *conn;
    size_t at;

    out[0] = '\0';
    if (media == NULL) {
        return;
    }
    conn = media->conn != NULL ? media->conn : sdp->conn;
    at = (size_t)snprintf(out, size, "%.*s %.*s:%u", (int)media->desc.media.slen,
                          media->desc.media.ptr, conn != NULL ? (int)conn->addr.slen : 1,
                          conn != NULL ? conn->addr.ptr : "?", media->desc.port);
    for (unsigned i = 0; i < media->desc.fmt_count && at < size; ++i) {
        const pjmedia_sdp_attr *attr =
            pjmedia_sdp_media_find_attr2(media, "rtpmap", &media->desc.fmt[i]);
        const char *name =
            attr != NULL ? memchr(attr->value.ptr, ' ', (size_t)attr->value.slen) : NULL;

        if (name != NULL) {
            at += (size_t)snprintf(out + at, size - at, " %.*s",
                                   (int)(attr->value.ptr + attr->value.slen - name - 1), name + 1);
        }
    }
    for (char *c = out; *c != '\0'; ++c) {
        if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f) {
            *c = '?';
        }
    }
}

static void print_message(const pjsip_msg *msg, int outgoing, const pjmedia_sdp_session *sdp)
{
    char label[100];
    char media[200];

    if (msg->type == PJSIP_REQUEST_MSG) {
        snprintf(label, sizeof(label), "%.*s", (int)msg->line.req.method.name.slen,
                 msg->line.req.method.name.ptr);
    } else {
        const pjsip_cseq_hdr *cseq = pjsip_msg_find_hdr(msg, PJSIP_H_CSEQ, NULL);

        snprintf(label, sizeof(label), "%d %.*s (%.*s)", msg->line.status.code,
                 (int)msg->line.status.reason.slen, msg->line.status.reason.ptr,
                 cseq != NULL ? (int)cseq->method.name.slen : 0,
                 cseq != NULL ? cseq->method.name.ptr : "");
    }
    describe_media(sdp, media, sizeof(media));
    print_step(label, outgoing, media);
}

static const pjmedia_sdp_session *received_sdp(pjsip_rx_data *rdata)
{
    return rdata->msg_info.msg->body != NULL ? pjsip_rdata_get_sdp_info(rdata)->sdp : NULL;
}

static int on_request(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    (void)session;
    print_message(rdata->msg_info.msg, 0, received_sdp(rdata));
    return AST_SIP_SESSION_CONTINUE;
}

static void on_response(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    (void)session;
    print_message(rdata->msg_info.msg, 0, received_sdp(rdata));
}

static void on_tx(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    (void)session;
    print_message(tdata->msg, 1,
                  pjsip_get_sdp_info(tdata->pool, tdata->msg->body, NULL, NULL)->sdp);
}

static struct ast_sip_session_extension extension = {
    .name = "ladder",
    .priority = AST_SIP_SESSION_PRIORITY_FIRST,
    .incoming_request = on_request,
    .incoming_response = on_response,
    .outgoing_request = on_tx,
    .outgoing_response = on_tx,
};

int ladder_start(void)
{
    clock_gettime(CLOCK_MONOTONIC, &begin);
    return ast_sip_session_register_extension(&extension);
}

void ladder_stop(void)
{
    ast_sip_session_unregister_extension(&extension);
}

void ladder_note(const char *format, ...)
{
    va_list args;

    printf("%9.1f ms  ", milliseconds());
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
}
