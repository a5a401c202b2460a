/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: whose certificate it is that a TLS peer showed, decided by OpenSSL itself on the
 * connection's own handle: PJSIP's comparison of names stops at an octet 0 (B9 of docs/pjsip.md).
 * Nothing is closed or sent here.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "res_sip/transport/tls.h"

/* The host of a URI that is just "sip:HOST": its octets, which the certificate counts. 0; -1: it is
 * none. */
static int host_of_uri(const ASN1_IA5STRING *uri, pj_str_t *host)
{
    const char *text = (const char *)ASN1_STRING_get0_data(uri);
    const pj_ssize_t length = ASN1_STRING_length(uri);

    if (length <= 4 || strncasecmp(text, "sip:", 4) != 0 || memchr(text, '@', (size_t)length)) {
        return -1;
    }
    host->ptr = (char *)text + 4;
    host->slen = length - 4;
    return 0;
}

/* RFC 5922 7.1: if there are such URIs in subjectAltName, only they count. 1: one is of the host, 0:
 * none is; -1: there are none. */
static int look_at_uris(const GENERAL_NAMES *names, const pj_str_t *host)
{
    int result = -1;

    for (int i = 0; i < sk_GENERAL_NAME_num(names) && result != 1; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        pj_str_t its;

        if (name->type == GEN_URI && host_of_uri(name->d.uniformResourceIdentifier, &its) == 0) {
            result = pj_stricmp(&its, host) == 0;
        }
    }
    return result;
}

int sip_tls_is_of(X509 *certificate, const char *host, int allow_wildcards)
{
    unsigned flags =
        allow_wildcards ? X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS : X509_CHECK_FLAG_NO_WILDCARDS;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    const pj_str_t text = sip_str(host);
    int by_uri = names ? look_at_uris(names, &text) : -1;
    pj_sockaddr address;

    if (names || X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) >= 0) {
        flags |= X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
    }
    GENERAL_NAMES_free(names);
    if (text.slen == 0 || by_uri >= 0) {
        return text.slen > 0 && by_uri;
    }
    return sip_parse_ip(&text, &address) == 0
               ? X509_check_ip_asc(certificate, host, 0) == 1
               : X509_check_host(certificate, host, 0, flags, NULL) == 1;
}

/* NULL: it is signed by one whom we trust, and valid today. */
static const char *look_at_chain(const SSL *ssl, const pj_ssl_sock_info *info)
{
    long result = SSL_get_verify_result(ssl);

    if (result != X509_V_OK) {
        return X509_verify_cert_error_string(result);
    }
    return info->verify_status & ~(pj_uint32_t)PJ_SSL_CERT_EIDENTITY_NOT_MATCH
               ? "its certificate is not to be trusted"
               : NULL;
}

/* RFC 5922 7.1: the server is the one that the URI named, whatever DNS said. */
static const char *look_at_server(const pjsip_transport *transport,
                                  const struct sip_tls_config *config, X509 *certificate,
                                  char *buffer, size_t size)
{
    const pj_str_t *name = &transport->remote_name.host;
    char host[PJ_MAX_HOSTNAME];

    base_copy_text(host, sizeof(host), name->ptr, (size_t)name->slen);
    if ((size_t)name->slen < sizeof(host) &&
        sip_tls_is_of(certificate, host, config->allow_wildcard_certs)) {
        return NULL;
    }
    snprintf(buffer, size, "its certificate is not one of %s", host);
    return buffer;
}

/*
 * 34 KiB of OpenSSL's buffers go after each message: most connections are silent most of the time. And a listener does
 * not remember the sessions of 20,480 connections, 2 KiB each: who comes back has a ticket (RFC 8446 2.2, RFC 5077).
 */
static void keep_little(SSL *ssl)
{
    SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(SSL_get_SSL_CTX(ssl), SSL_SESS_CACHE_OFF);
}

const char *sip_tls_refuse(const pjsip_transport *transport, const pjsip_transport_state_info *info,
                           char *buffer, size_t size)
{
    const struct sip_transport *own = sip_transport_of(transport);
    const pjsip_tls_state_info *state = info ? info->ext_info : NULL;
    const pj_ssl_sock_info *socket_info;
    int is_server = transport->dir == PJSIP_TP_DIR_INCOMING;
    const char *why = NULL;
    X509 *certificate;

    if (!(transport->flag & PJSIP_TRANSPORT_SECURE)) {
        return NULL;
    }
    if (!own || !state || !state->ssl_sock_info || !state->ssl_sock_info->native_ssl) {
        return "nothing is known of it";
    }
    keep_little(state->ssl_sock_info->native_ssl);
    if (!(is_server ? own->config->tls.verify_client : own->config->tls.verify_server)) {
        return NULL;
    }
    socket_info = state->ssl_sock_info;
    certificate = SSL_get1_peer_certificate(socket_info->native_ssl);
    if (!certificate) { /* require_client_cert was looked at in the handshake */
        return is_server ? NULL : "it has no certificate";
    }
    why = look_at_chain(socket_info->native_ssl, socket_info);
    if (!why && !is_server) {
        why = look_at_server(transport, &own->config->tls, certificate, buffer, size);
    }
    X509_free(certificate);
    return why;
}
