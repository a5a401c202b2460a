/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: `line` of registrations: a request that comes to the Contact which we registered names
 * its token, and is of the registration's endpoint. Nothing else is looked at.
 */
#include <string.h>

#include "res_sip/core.h"
#include "res_sip/registration/registration_request.h"

/* The value of `line` in a URI; empty: it has none. */
static pj_str_t line_of(const void *uri)
{
    const pj_str_t name = SIP_STR("line");
    const pjsip_param *param = NULL;
    pj_str_t none = {NULL, 0};

    if (uri && (PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri))) {
        const pjsip_sip_uri *sip = pjsip_uri_get_uri(uri);

        param = pjsip_param_find(&sip->other_param, &name);
    }
    return param ? param->value : none;
}

/* In the same time whatever the text is. */
static int is_token(const char *token, const pj_str_t *text)
{
    unsigned char differs = 0;

    if (!*token || text->slen != (pj_ssize_t)strlen(token)) {
        return 0;
    }
    for (pj_ssize_t i = 0; i < text->slen; i++) {
        differs |= (unsigned char)(token[i] ^ text->ptr[i]);
    }
    return !differs;
}

static struct ast_sip_endpoint *endpoint_of(const pj_str_t *text)
{
    const struct sip_registration *registration;

    for (registration = sip_registrations(); registration; registration = registration->next) {
        if (is_token(registration->line, text)) {
            return ast_sip_get_endpoint(registration->config->endpoint);
        }
    }
    return NULL;
}

/* The request URI is the Contact when the registrar does what RFC 3261 16.6 says; some write their
 * own there and leave it in To. */
static struct ast_sip_endpoint *identify(pjsip_rx_data *rdata)
{
    pj_str_t text = line_of(rdata->msg_info.msg->line.req.uri);

    if (text.slen == 0) {
        text = line_of(rdata->msg_info.to->uri);
    }
    return text.slen > 0 ? endpoint_of(&text) : NULL;
}

int sip_registration_line_start(void)
{
    static struct ast_sip_endpoint_identifier identifier = {.identify_endpoint = identify};

    return ast_sip_register_endpoint_identifier_with_name(&identifier, "line");
}
