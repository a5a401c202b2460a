/* SPDX-License-Identifier: GPL-2.0-or-later */
/* session_timer: the headers of RFC 4028 in PJSIP's messages. No rules here: those are timer.c's.
 */
#include "headers.h"

#include <stdio.h>

#include <sipsession/log.h>
#include <sipsession/res_sip.h>

int headers_has_tag(const pjsip_msg *msg, pjsip_hdr_e type)
{
    const pjsip_generic_array_hdr *header = pjsip_msg_find_hdr(msg, type, NULL);
    unsigned i;

    for (; header != NULL; header = pjsip_msg_find_hdr(msg, type, header->next)) {
        for (i = 0; i < header->count; i++) {
            if (pj_stricmp2(&header->values[i], "timer") == 0) {
                return 1;
            }
        }
    }
    return 0;
}

void headers_read(const pjsip_msg *msg, struct timer_headers *headers)
{
    char text[128];

    pj_bzero(headers, sizeof(*headers));
    headers->supported = headers_has_tag(msg, PJSIP_H_SUPPORTED);
    headers->required = headers_has_tag(msg, PJSIP_H_REQUIRE);
    if ((ast_sip_get_header(msg, "Session-Expires", text, sizeof(text)) == 0 ||
         ast_sip_get_header(msg, "x", text, sizeof(text)) == 0) &&
        timer_parse_expires(text, &headers->expires, &headers->refresher) != 0) {
        ast_debug("session_timer: '%s' is no Session-Expires", text);
    }
    if (ast_sip_get_header(msg, "Min-SE", text, sizeof(text)) == 0 &&
        timer_parse_min_se(text, &headers->min_se) != 0) {
        ast_debug("session_timer: '%s' is no Min-SE", text);
    }
}

void headers_add_tag(pjsip_tx_data *tdata, pjsip_hdr_e type)
{
    pjsip_generic_array_hdr *header = pjsip_msg_find_hdr(tdata->msg, type, NULL);

    if (headers_has_tag(tdata->msg, type)) {
        return;
    }
    if (header == NULL || header->count == PJ_ARRAY_SIZE(header->values)) {
        ast_sip_add_header(tdata, type == PJSIP_H_SUPPORTED ? "Supported" : "Require", "timer");
        return;
    }
    pj_strdup2(tdata->pool, &header->values[header->count], "timer");
    header->count++;
}

void headers_remove(pjsip_msg *msg, const char *name)
{
    const pj_str_t wanted = pj_str((char *)name);
    pjsip_hdr *header;

    while ((header = pjsip_msg_find_hdr_by_name(msg, &wanted, NULL)) != NULL) {
        pj_list_erase(header);
    }
}

void headers_write(pjsip_tx_data *tdata, const struct timer_headers *headers)
{
    static const char *const refreshers[] = {"", ";refresher=uac", ";refresher=uas"};
    char text[64];

    if (headers->supported) {
        headers_add_tag(tdata, PJSIP_H_SUPPORTED);
    }
    if (headers->required) {
        headers_add_tag(tdata, PJSIP_H_REQUIRE);
    }
    if (headers->expires != 0) {
        snprintf(text, sizeof(text), "%u%s", headers->expires, refreshers[headers->refresher]);
        ast_sip_add_header(tdata, "Session-Expires", text);
    }
    if (headers->min_se != 0) {
        snprintf(text, sizeof(text), "%u", headers->min_se);
        ast_sip_add_header(tdata, "Min-SE", text);
    }
}
