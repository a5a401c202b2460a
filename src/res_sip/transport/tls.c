/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: listeners for TLS: their settings, made for PJSIP, and certificates that are renewed
 * while calls go on. TLS itself is OpenSSL's, behind PJSIP; whom a certificate is of is decided in
 * tls_verify.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <pjlib.h>

#include <sipsession/log.h>

#include "res_sip/transport/tls.h"

#define MOST_CIPHERS 64
#define LOOK_AFTER   2 /* seconds */

static pj_timer_entry timer;

/* ---- checks, with OpenSSL alone ---- */

/* The last of what OpenSSL noted says most, unless the system refused something. */
static int fail(char *why, size_t size, const char *what, const char *file)
{
    const char *reason = "OpenSSL does not say why";
    unsigned long code;
    int system = 0;

    while ((code = ERR_get_error()) != 0) {
        if (ERR_SYSTEM_ERROR(code)) {
            reason = strerror(ERR_GET_REASON(code));
            system = 1;
        } else if (!system && ERR_reason_error_string(code)) {
            reason = ERR_reason_error_string(code);
        }
    }
    snprintf(why, size, "%s '%s' cannot be used: %s", what, file, reason);
    return -1;
}

static int give_password(char *buffer, int size, int writing, void *data)
{
    const char *password = data;
    size_t length = password ? strlen(password) : 0;

    (void)writing;
    if (length > (size_t)size) {
        return 0;
    }
    memcpy(buffer, password ? password : "", length); /* never asked for at the terminal */
    return (int)length;
}

static const char *key_file(const struct sip_tls_config *config)
{
    return config->priv_key_file ? config->priv_key_file : config->cert_file;
}

/* Numbers of the ciphers that `cipher` names, as PJSIP wants them; their count; -1 and why. */
static int find_ciphers(SSL_CTX *ctx, const char *list, pj_ssl_cipher *ciphers, char *why,
                        size_t size)
{
    const STACK_OF(SSL_CIPHER) * known;
    int count = 0;

    SSL_CTX_set_cipher_list(ctx, "ALL:COMPLEMENTOFALL");
    known = SSL_CTX_get_ciphers(ctx);
    while (*list) {
        size_t length = strcspn(list, ",: ");
        int i = 0;

        if (length == 0) {
            list++;
            continue;
        }
        while (i < sk_SSL_CIPHER_num(known)) {
            const char *name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(known, i));

            if (strlen(name) == length && strncasecmp(name, list, length) == 0) {
                break;
            }
            i++;
        }
        if (i == sk_SSL_CIPHER_num(known) || count == MOST_CIPHERS) {
            snprintf(why, size, "there is no cipher '%.*s', expected names of `openssl ciphers`",
                     (int)length, list);
            return -1;
        }
        ciphers[count++] =
            (pj_ssl_cipher)(SSL_CIPHER_get_id(sk_SSL_CIPHER_value(known, i)) & 0x00ffffff);
        list += length;
    }
    return count;
}

static int check_files(SSL_CTX *ctx, const struct sip_tls_config *config, char *why, size_t size)
{
    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(ctx, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, config->password);
    if (SSL_CTX_use_certificate_chain_file(ctx, config->cert_file) != 1) {
        return fail(why, size, "the certificate", config->cert_file);
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file(config), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        return fail(why, size, "the private key", key_file(config));
    }
    if (config->ca_list_file && SSL_CTX_load_verify_file(ctx, config->ca_list_file) != 1) {
        return fail(why, size, "the list of authorities", config->ca_list_file);
    }
    if (config->ca_list_path && (access(config->ca_list_path, R_OK | X_OK) != 0 ||
                                 SSL_CTX_load_verify_dir(ctx, config->ca_list_path) != 1)) {
        snprintf(why, size, "the folder of authorities '%s' cannot be used: %s",
                 config->ca_list_path, strerror(errno));
        return -1;
    }
    return 0;
}

int sip_tls_check(const struct sip_tls_config *config, char *why, size_t size)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    pj_ssl_cipher ciphers[MOST_CIPHERS];
    int result = -1;

    if (!ctx) {
        snprintf(why, size, "out of memory");
        return -1;
    }
    if (check_files(ctx, config, why, size) == 0 &&
        (!config->cipher || find_ciphers(ctx, config->cipher, ciphers, why, size) >= 0)) {
        result = 0;
    }
    SSL_CTX_free(ctx);
    return result;
}

/* ---- settings for PJSIP ---- */

static unsigned protocols(int method)
{
    return method == SIP_TLS_1_2   ? PJ_SSL_SOCK_PROTO_TLS1_2
           : method == SIP_TLS_1_3 ? PJ_SSL_SOCK_PROTO_TLS1_3
                                   : PJ_SSL_SOCK_PROTO_TLS1_2 | PJ_SSL_SOCK_PROTO_TLS1_3;
}

static pj_str_t text_of(const char *text)
{
    return sip_str(text ? text : "");
}

static void on_accept_failed(const pjsip_tls_on_accept_fail_param *param)
{
    char name[PJ_INET6_ADDRSTRLEN + 10], error[PJ_ERR_MSG_SIZE];

    ast_debug("res_sip: TLS with %s failed: %s",
              param->remote_addr ? pj_sockaddr_print(param->remote_addr, name, sizeof(name), 3)
                                 : "somebody",
              sip_error(param->status, error, sizeof(error)));
}

/* 0; -1: a cipher is not known. ciphers has room for MOST_CIPHERS. */
static int set_ciphers(const struct sip_tls_config *config, pjsip_tls_setting *setting,
                       pj_ssl_cipher *ciphers)
{
    SSL_CTX *ctx = config->cipher ? SSL_CTX_new(TLS_method()) : NULL;
    char why[200];
    int count;

    if (!ctx) {
        return config->cipher ? -1 : 0;
    }
    count = find_ciphers(ctx, config->cipher, ciphers, why, sizeof(why));
    SSL_CTX_free(ctx);
    if (count < 0) {
        return -1;
    }
    setting->ciphers = ciphers;
    setting->ciphers_num = (unsigned)count;
    return 0;
}

/*
 * PJSIP is to verify nothing by itself: it would close without saying why, and its comparison of
 * names is not to be trusted. OpenSSL looks at each certificate all the same, and sip_tls_refuse at
 * what it found, before a connection is read or written.
 */
static int make_setting(struct sip_transport *transport, pjsip_tls_setting *setting,
                        pj_ssl_cipher *ciphers)
{
    const struct sip_tls_config *config = &transport->config->tls;

    pjsip_tls_setting_default(setting);
    setting->cert_file = text_of(config->cert_file);
    setting->privkey_file = text_of(key_file(config));
    setting->password = text_of(config->password);
    setting->ca_list_file = text_of(config->ca_list_file);
    setting->ca_list_path = text_of(config->ca_list_path);
    setting->proto = protocols(config->method);
    setting->verify_client = PJ_FALSE;
    setting->verify_server = PJ_FALSE;
    setting->require_client_cert = config->require_client_cert;
    setting->enable_renegotiation = PJ_FALSE;
    setting->timeout.sec = (long)sip_get_config()->guard.message_timeout; /* half-open ones */
    setting->initial_timeout = 0;                                         /* connection.c */
    setting->reuse_addr = PJ_TRUE;
    setting->on_accept_fail_cb = on_accept_failed;
    sip_transport_options(transport, &setting->sockopt_params, &setting->qos_params);
    return set_ciphers(config, setting, ciphers);
}

/* ---- listening ---- */

/*
 * Whether a listener could have this address now; errno says why not. PJSIP does not tell whether
 * its own listener got it (C5 of docs/pjsip.md).
 */
static int is_free(const pj_sockaddr *address)
{
    int fd = socket(address->addr.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, result;

    if (fd < 0) {
        return 0;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address->addr.sa_family == PJ_AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    result = bind(fd, (const struct sockaddr *)address, pj_sockaddr_get_len(address)) == 0 &&
             listen(fd, 1) == 0;
    on = errno;
    close(fd);
    errno = on;
    return result;
}

static unsigned long long mix(unsigned long long value, const char *file)
{
    struct stat info;

    if (!file || stat(file, &info) != 0) {
        return value * 31;
    }
    value = value * 31 + (unsigned long long)info.st_mtim.tv_sec;
    value = value * 31 + (unsigned long long)info.st_mtim.tv_nsec;
    value = value * 31 + (unsigned long long)info.st_size;
    return value * 31 + info.st_ino;
}

/* Another number when one of the files is another one. */
static unsigned long long sum_of(const struct sip_tls_config *config)
{
    return mix(mix(mix(1, config->cert_file), key_file(config)), config->ca_list_file);
}

static int failed(const struct sip_transport *transport, const char *why)
{
    char name[PJ_INET6_ADDRSTRLEN + 10];

    ast_error("res_sip: transport '%s': cannot bind TLS %s: %s", transport->config->name,
              pj_sockaddr_print(&transport->config->bind, name, sizeof(name), 3), why);
    return -1;
}

int sip_tls_start(struct sip_transport *transport)
{
    const struct sip_transport_config *config = transport->config;
    char published[PJ_INET6_ADDRSTRLEN], error[PJ_ERR_MSG_SIZE], why[300];
    pj_ssl_cipher ciphers[MOST_CIPHERS];
    pjsip_host_port name = {.host = {NULL, 0}, .port = 0};
    pjsip_tls_setting setting;
    pj_status_t status;

    if (!config->tls.cert_file) {
        return failed(transport, "it has no cert_file");
    }
    transport->tls.loaded = sum_of(&config->tls);
    if (sip_tls_check(&config->tls, why, sizeof(why)) != 0) {
        return failed(transport, why);
    }
    if (make_setting(transport, &setting, ciphers) != 0) {
        return failed(transport, "no memory");
    }
    if (!is_free(&config->bind)) {
        return failed(transport, strerror(errno));
    }
    sip_transport_publish(config, &name, published, sizeof(published));
    status =
        pjsip_tls_transport_start2(sip_endpt, &setting, &config->bind, &name, 1, &transport->tcp);
    if (status != PJ_SUCCESS) {
        return failed(transport, sip_error(status, error, sizeof(error)));
    }
    return 0;
}

/* ---- renewal ---- */

/*
 * PJSIP's listener closes its socket and opens it again with what the files hold now; connections
 * that it accepted are not its own any more and stay. Its pointer stays as well, which dialogs and
 * connections have. The files were tried before, so that nothing but the socket can fail.
 */
static void restart(struct sip_transport *transport)
{
    char published[PJ_INET6_ADDRSTRLEN], error[PJ_ERR_MSG_SIZE];
    pj_ssl_cipher ciphers[MOST_CIPHERS];
    pjsip_host_port name = {.host = {NULL, 0}, .port = 0};
    pjsip_tls_setting setting;
    pj_status_t status = PJ_ENOMEM;

    sip_transport_publish(transport->config, &name, published, sizeof(published));
    name.port = pj_sockaddr_get_port(&transport->address);
    if (make_setting(transport, &setting, ciphers) == 0) {
        status = pjsip_tls_transport_restart2(transport->tcp, &setting, &transport->address,
                                              name.host.slen ? &name : NULL);
    }
    transport->tls.broken = status != PJ_SUCCESS || is_free(&transport->address);
    if (transport->tls.broken) {
        ast_error("res_sip: transport '%s' does not listen any more, it is tried again: %s",
                  transport->config->name, sip_error(status, error, sizeof(error)));
    } else {
        ast_notice("transport '%s': the certificate was loaded anew", transport->config->name);
    }
}

static void renew(struct sip_transport *transport)
{
    const struct sip_tls_config *config = &transport->config->tls;
    unsigned long long sum = sum_of(config);
    char why[300];

    if (transport->tls.broken) {
        restart(transport);
    }
    if (sum == transport->tls.loaded || sum == transport->tls.looked_at) {
        return;
    }
    transport->tls.looked_at = sum;
    if (sip_tls_check(config, why, sizeof(why)) != 0) {
        ast_warning("transport '%s': its files have changed, and stay out of use: %s",
                    transport->config->name, why);
        return;
    }
    transport->tls.loaded = sum;
    restart(transport);
}

void sip_tls_renew(void)
{
    struct sip_transport *transport;

    base_assert_sip_thread();
    for (transport = sip_transports(); transport; transport = transport->next) {
        if (transport->config->protocol == SIP_TRANSPORT_TLS) {
            renew(transport);
        }
    }
}

void sip_tls_change(struct sip_transport *transport)
{
    transport->tls.loaded = sum_of(&transport->config->tls);
    restart(transport);
}

/* While there are listeners for TLS; timer.id 1: it runs. */
static void arm(void)
{
    const pj_time_val delay = {LOOK_AFTER, 0};

    if (timer.id == 0 && (sip_transport_of_type(PJSIP_TRANSPORT_TLS) ||
                          sip_transport_of_type(PJSIP_TRANSPORT_TLS6))) {
        timer.id = pjsip_endpt_schedule_timer(sip_endpt, &timer, &delay) == PJ_SUCCESS;
    }
}

static void look(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    (void)heap;
    entry->id = 0;
    sip_tls_renew();
    arm();
}

void sip_tls_watch(void)
{
    pj_timer_entry_init(&timer, 0, NULL, look);
    arm();
}

void sip_tls_reload(void)
{
    sip_tls_renew();
    arm();
}
