/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip, private: TLS (tls.c, tls_verify.c), for the transports and for the reader of their
 * configuration.
 */
#ifndef RES_SIP_TLS_H
#define RES_SIP_TLS_H

#include "res_sip/transport/transport.h"

/*
 * Whether these files and names can be used: 0; -1 and why. Needs neither PJLIB nor the SIP thread.
 */
int sip_tls_check(const struct sip_tls_config *config, char *why, size_t why_size);
/* Listens. 0; -1 logged. */
int sip_tls_start(struct sip_transport *transport);
/* Looks now and then whether certificates were renewed; after the transports. */
void sip_tls_watch(void);
/* Listens anew as its configuration says now, at the same address. */
void sip_tls_change(struct sip_transport *transport);
/* Looks at once, and begins to look now and then when there is a first listener. */
void sip_tls_reload(void);
/* Takes renewed certificates into use now, and leaves connections as they are. SIP thread. */
void sip_tls_renew(void);
/*
 * A connection is there (TLS or not): may it be used? NULL: yes; else why not, in buffer. info is
 * PJSIP's.
 */
const char *sip_tls_refuse(const pjsip_transport *transport, const pjsip_transport_state_info *info,
                           char *buffer, size_t size);
struct x509_st;
/* 1: the certificate is one of that host (RFC 5922 7.1, 7.2; a name or an address). */
int sip_tls_is_of(struct x509_st *certificate, const char *host, int allow_wildcards);

#endif
