/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: which sources may ask at all, by access lists, rates, bans and what they have under way
 * (transactions.c), and what is told of those
 * that may not. Who they are and what they want is not known here.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/access/access.h"
#include "res_sip/message/message.h"

#define SOURCE_SETS       2048 /* of 8: some 1.6 MiB, of which pages without a source take none */
#define EVENTS_PER_SECOND 20

static struct sip_sources *sources; /* NULL: nothing is counted */
static struct sip_sources *prepared;

/* ---- events ---- */

void sip_access_event(const char *format, ...)
{
    static struct ast_log_limit limit =
        AST_LOG_LIMIT(AST_LOG_NOTICE, EVENTS_PER_SECOND, "access: event=...");
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    ast_log_limited(&limit, AST_LOG_NOTICE, "access: %s", text);
}

const char *sip_event_text(const pj_str_t *text, char *out, size_t size)
{
    size_t length = text->slen > 0 ? (size_t)text->slen : 0, i;

    length = length < size - 1 ? length : size - 1;
    for (i = 0; i < length; i++) {
        char octet = text->ptr[i];

        out[i] = (char)(octet <= ' ' || octet > '~' || octet == '"' || octet == '\\' ? '?' : octet);
    }
    out[length] = '\0';
    return out;
}

/* ---- rates and bans ---- */

static int is_exempt(const pj_sockaddr *address)
{
    const struct sip_access_config *config = &sip_get_config()->access;
    unsigned i;

    for (i = 0; i < config->exempt_count; i++) {
        if (sip_network_has(&config->exempt[i], address)) {
            return 1;
        }
    }
    return 0;
}

/* A datagram is lost, and comes again when there is time; on a connection nothing comes again. */
static void refuse_fast(pjsip_rx_data *rdata)
{
    pjsip_hdr list;

    if (rdata->tp_info.transport->flag & PJSIP_TRANSPORT_DATAGRAM) {
        return;
    }
    pj_list_init(&list);
    pj_list_push_back(&list, pjsip_retry_after_hdr_create(rdata->tp_info.pool, 1));
    sip_respond(rdata, PJSIP_SC_SERVICE_UNAVAILABLE, NULL, &list);
}

static int is_limited(const struct sip_access_config *config)
{
    return config->rate > 0 || config->ban_failures > 0;
}

/* 0: it is banned or too fast; what there is to answer was answered. */
static int check_rate(pjsip_rx_data *rdata)
{
    switch (sip_sources_request(sources, sip_now(), &rdata->pkt_info.src_addr)) {
    case SIP_ACCESS_GOOD:
        return 1;
    case SIP_ACCESS_BANNED:
        sip_counters.banned_requests++;
        return 0;
    case SIP_ACCESS_FAST_NOW:
        sip_access_event("event=rate_limit source=%s rate=%u", rdata->pkt_info.src_name,
                         sip_get_config()->access.rate);
        break;
    case SIP_ACCESS_FAST:
        break;
    }
    sip_counters.rate_limited++;
    refuse_fast(rdata);
    return 0;
}

int sip_access_check(pjsip_rx_data *rdata)
{
    return is_exempt(&rdata->pkt_info.src_addr) ||
           ((!sources || !is_limited(&sip_get_config()->access) || check_rate(rdata)) &&
            sip_transactions_check(rdata));
}

int sip_access_counts(const pjsip_rx_data *rdata)
{
    return sources && sip_get_config()->access.ban_failures > 0 &&
           !is_exempt(&rdata->pkt_info.src_addr);
}

void sip_access_failed(pjsip_rx_data *rdata)
{
    const struct sip_access_config *config = &sip_get_config()->access;

    if (sip_access_counts(rdata) &&
        sip_sources_failed(sources, sip_now(), &rdata->pkt_info.src_addr)) {
        sip_counters.bans++;
        sip_access_event("event=ban source=%s failures=%u seconds=%u", rdata->pkt_info.src_name,
                         config->ban_failures, config->ban_time);
    }
}

void sip_access_succeeded(pjsip_rx_data *rdata)
{
    if (sources) {
        sip_sources_succeeded(sources, sip_now(), &rdata->pkt_info.src_addr);
    }
}

void sip_access_unidentified(pjsip_rx_data *rdata)
{
    const struct sip_global_config *global = &sip_get_config()->global;

    if (sources && sip_sources_unidentified(sources, sip_now(), &rdata->pkt_info.src_addr,
                                            global->unidentified_request_count,
                                            global->unidentified_request_period)) {
        sip_counters.unidentified_sources++;
        sip_access_event("event=unidentified source=%s requests=%u seconds=%u",
                         rdata->pkt_info.src_name, global->unidentified_request_count + 1,
                         global->unidentified_request_period);
    }
}

/* ---- access lists ---- */

int sip_access_from(const struct ast_sip_acl *list, const struct ast_sip_endpoint *endpoint,
                    pjsip_rx_data *rdata)
{
    const struct ast_sip_acl *acl = sip_acl_refusing(list, &rdata->pkt_info.src_addr);

    if (!acl) {
        return 1;
    }
    sip_counters.acl_refused++;
    sip_access_event("event=acl source=%s:%d acl=%s endpoint=%s", rdata->pkt_info.src_name,
                     rdata->pkt_info.src_port, acl->name, endpoint ? endpoint->name : "-");
    return 0;
}

/* A Contact's address; -1: it is a name, which could mean any. */
static int address_of(const pjsip_sip_uri *uri, pj_sockaddr *address)
{
    const pj_str_t *host = uri->maddr_param.slen ? &uri->maddr_param : &uri->host;
    char text[PJ_INET6_ADDRSTRLEN];

    if (host->slen <= 0 || host->slen >= (pj_ssize_t)sizeof(text)) {
        return -1;
    }
    memcpy(text, host->ptr, (size_t)host->slen);
    text[host->slen] = '\0';
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, text, &address->ipv4.sin_addr) == 1) {
        address->addr.sa_family = PJ_AF_INET;
        return 0;
    }
    address->addr.sa_family = PJ_AF_INET6;
    return inet_pton(AF_INET6, text, &address->ipv6.sin6_addr) == 1 ? 0 : -1;
}

/* 1: a list refuses where requests to this Contact would go. */
static int is_refused(const struct ast_sip_acl *list, const pjsip_contact_hdr *contact,
                      const char **name)
{
    const struct ast_sip_acl *acl = list;
    pj_sockaddr address;

    if (contact->star || !contact->uri ||
        (!PJSIP_URI_SCHEME_IS_SIP(contact->uri) && !PJSIP_URI_SCHEME_IS_SIPS(contact->uri))) {
        return 0;
    }
    if (list && address_of(pjsip_uri_get_uri(contact->uri), &address) == 0) {
        acl = sip_acl_refusing(list, &address);
    }
    *name = acl ? acl->name : NULL;
    return acl != NULL;
}

int sip_access_contacts(const struct ast_sip_acl *list, const struct ast_sip_endpoint *endpoint,
                        pjsip_rx_data *rdata)
{
    const pjsip_hdr *header = &rdata->msg_info.msg->hdr;
    const char *name;

    while (list && (header = header->next) != &rdata->msg_info.msg->hdr) {
        if (header->type == PJSIP_H_CONTACT &&
            is_refused(list, (const pjsip_contact_hdr *)header, &name)) {
            sip_counters.contact_refused++;
            sip_access_event("event=contact_acl source=%s:%d acl=%s endpoint=%s",
                             rdata->pkt_info.src_name, rdata->pkt_info.src_port, name,
                             endpoint->name);
            return 0;
        }
    }
    return 1;
}

static int is_wanted(const struct sip_config *config)
{
    return is_limited(&config->access) || config->global.unidentified_request_count > 0;
}

int sip_access_start(const struct sip_config *config)
{
    sip_transactions_start();
    if (!is_wanted(config)) {
        return 0;
    }
    sources = sip_sources_create(&config->access, SOURCE_SETS);
    return sources ? 0 : -1;
}

void sip_access_stop(void)
{
    sip_sources_destroy(sources);
    sources = NULL;
}

/* ---- reload: bans stay, as long as there are bans ---- */

int sip_access_prepare(struct sip_config *config)
{
    if (!is_wanted(config) || sources) {
        return 0;
    }
    prepared = sip_sources_create(&config->access, SOURCE_SETS);
    return prepared ? 0 : -1;
}

void sip_access_abandon(void)
{
    sip_sources_destroy(prepared);
    prepared = NULL;
}

void sip_access_commit(struct sip_config *old, struct sip_config *config)
{
    (void)old;
    if (!is_wanted(config)) {
        sip_access_stop();
    } else if (sources) {
        sip_sources_configure(sources, &config->access);
    } else {
        sources = prepared;
        prepared = NULL;
    }
}
