/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An SDP handler with the two callbacks of the simple kind. Media is elsewhere: every call with one stream of PCMU is
 * told to send its audio to a machine that this server does not touch, say a recorder. docs/sdp-handler.md explains it.
 */
#include <stdio.h>

#include <sipsession/module.h>
#include <sipsession/res_sip_session.h>

#define ELSEWHERE      "127.0.0.1"
#define ELSEWHERE_PORT 4000

/* The peer's SDP, an offer or the answer to ours: 0 takes it, -1 refuses it, 1 leaves it to the next handler. */
static int on_sdp(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    const pjmedia_sdp_session *sdp = pjsip_rdata_get_sdp_info(rdata)->sdp;
    const pjmedia_sdp_media *media = sdp->media[0];

    (void)session;
    if (sdp->media_count != 1 || media->desc.port == 0 ||
        pj_stricmp2(&media->desc.media, "audio") != 0 ||
        pj_stricmp2(&media->desc.transport, "RTP/AVP") != 0) {
        return 1;
    }
    for (unsigned i = 0; i < media->desc.fmt_count; ++i) {
        if (pj_strcmp2(&media->desc.fmt[i], "0") == 0) {
            return 0;
        }
    }
    return 1;
}

/* Ours, an offer or the answer to the peer's. It is always the same, so its o= line never changes. */
static void add_sdp(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    struct ast_sip_body body = {"application", "sdp", NULL};
    char text[300];

    (void)session;
    snprintf(text, sizeof(text),
             "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
             "m=audio %u RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n",
             ELSEWHERE, ELSEWHERE, ELSEWHERE_PORT);
    body.body_text = text; /* copied */
    ast_sip_add_body(tdata, &body);
}

static const struct ast_sip_session_sdp_handler handler = {.handle_incoming_sdp = on_sdp,
                                                           .add_outgoing_sdp = add_sdp};

static int elsewhere_init(void)
{
    return ast_sip_session_register_sdp_handler(&handler);
}

static void elsewhere_close(void)
{
    ast_sip_session_unregister_sdp_handler(&handler);
}

AST_SIP_MODULE(.name = "elsewhere", .description = "media is elsewhere", .init = elsewhere_init,
               .close = elsewhere_close);
