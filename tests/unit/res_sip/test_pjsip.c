/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What our patches change in PJSIP (cmake/pjsip-patches), each where a peer's input would meet it:
 * docs/pjsip.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pjlib.h>

#include <pjmedia-codec.h>
#include <pjmedia.h>

#include "harness.h"

static pj_caching_pool caching;
static pj_pool_t *pool;

static int set_up(void **state)
{
    (void)state;
    pj_log_set_level(0);
    assert_int_equal(pj_init(), PJ_SUCCESS);
    pj_caching_pool_init(&caching, NULL, 0);
    pool = pj_pool_create(&caching.factory, "test", 4000, 4000, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pj_pool_release(pool);
    pj_caching_pool_destroy(&caching);
    pj_shutdown();
    return 0;
}

/* ---- B6: keyed-hash-tables ---- */

#define KEYS 1024

/* Different keys with the same value of pj_hash_calc: "Aa" and "BB" are worth the same with a
 * factor of 33 - 2. */
static void make_colliding(unsigned number, char *key)
{
    unsigned i;

    for (i = 0; i < 10; i++) { /* 'b' 'A' and 'a' 'b': 98 * 33 + 65 == 97 * 33 + 98 */
        memcpy(key + (size_t)2 * i, number >> i & 1 ? "bA" : "ab", 2);
    }
    key[20] = '\0';
}

static void test_hash_buckets(void **state)
{
    static char keys[KEYS][24];
    static unsigned char used[KEYS];
    pj_hash_table_t *table = pj_hash_create(pool, KEYS - 1);
    pj_hash_iterator_t place, *at;
    unsigned i, buckets = 0;

    (void)state;
    for (i = 0; i < KEYS; i++) {
        make_colliding(i, keys[i]);
        assert_int_equal(pj_hash_calc(0, keys[i], 20), pj_hash_calc(0, keys[0], 20));
        pj_hash_set(pool, table, keys[i], 20, 0, keys[i]);
    }
    for (at = pj_hash_first(table, &place); at; at = pj_hash_next(table, at)) {
        assert_true(at->index < KEYS);
        buckets += !used[at->index];
        used[at->index] = 1;
    }
    assert_int_equal(pj_hash_count(table), KEYS);
    assert_true(buckets > KEYS / 2); /* with a random function: 0.63 of them */
    for (i = 0; i < KEYS; i++) {
        assert_ptr_equal(pj_hash_get(table, keys[i], 20, NULL), keys[i]);
    }
}

/* Found again whatever the letters are, of whatever length, and with a hash value from before. */
static void test_hash_letters(void **state)
{
    static char keys[41][48];
    pj_hash_table_t *table = pj_hash_create(pool, 255);
    unsigned length, i;

    (void)state;
    for (length = 1; length <= 40; length++) {
        for (i = 0; i < length; i++) {
            keys[length][i] = (char)(i % 2 ? "AZ@[`{"[i % 6] : 'm');
        }
        pj_hash_set_lower(pool, table, keys[length], length, 0, keys[length]);
    }
    for (length = 1; length <= 40; length++) {
        char key[48];
        pj_uint32_t hash = 0;

        for (i = 0; i < length; i++) {
            char c = keys[length][i];

            key[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c == 'm' ? 'M' : c);
        }
        assert_ptr_equal(pj_hash_get_lower(table, key, length, &hash), keys[length]);
        assert_ptr_equal(pj_hash_get_lower(table, key, length, &hash), keys[length]);
        pj_hash_set_lower(NULL, table, key, length, hash, NULL);
        assert_null(pj_hash_get_lower(table, key, length, NULL));
    }
    assert_int_equal(pj_hash_count(table), 0);
}

/* ---- B14, D3: failed-registration ---- */

static void test_failed_registration(void **state)
{
    const pj_ioqueue_callback callback = {0};
    pj_ioqueue_key_t *first, *key;
    pj_ioqueue_t *queue;
    pj_sock_t used, other;
    unsigned i;

    (void)state;
    assert_int_equal(pj_ioqueue_create(pool, 4, &queue), PJ_SUCCESS);
    assert_int_equal(pj_sock_socket(pj_AF_INET(), pj_SOCK_DGRAM(), 0, &used), PJ_SUCCESS);
    assert_int_equal(pj_sock_socket(pj_AF_INET(), pj_SOCK_DGRAM(), 0, &other), PJ_SUCCESS);
    assert_int_equal(pj_ioqueue_register_sock(pool, queue, used, NULL, &callback, &first),
                     PJ_SUCCESS);
    for (i = 0; i < 20; i++) { /* the system has it already */
        assert_int_not_equal(pj_ioqueue_register_sock(pool, queue, used, NULL, &callback, &key),
                             PJ_SUCCESS);
    }
    assert_int_equal(pj_ioqueue_register_sock(pool, queue, other, NULL, &callback, &key),
                     PJ_SUCCESS);
    assert_int_equal(pj_ioqueue_lock_key(key), PJ_SUCCESS); /* the lock is there, too */
    assert_int_equal(pj_ioqueue_unlock_key(key), PJ_SUCCESS);
    assert_int_equal(pj_ioqueue_unregister(key), PJ_SUCCESS);
    assert_int_equal(pj_ioqueue_unregister(first), PJ_SUCCESS);
    assert_int_equal(pj_ioqueue_destroy(queue), PJ_SUCCESS);
}

/* ---- D3: accept-without-descriptors ---- */

static struct sip_config *tcp_config(void)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_TCP);

    test_add_endpoint(config, "alice");
    test_add_identify(config, "alice", "127.0.0.0/8");
    return config;
}

/* Takes all descriptors that there are; returns how many. */
static unsigned use_up(int *fds, unsigned most)
{
    unsigned count = 0;
    int fd;

    while (count < most && (fd = dup(0)) >= 0) {
        fds[count++] = fd;
    }
    return count;
}

static void test_accept_without_descriptors(void **state)
{
    static int fds[1000];
    struct rlimit before, low;
    int waiting[80], first, fd, status = 0;
    unsigned i, count;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 300;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    test_start(tcp_config(), NULL);
    first = test_connect(0); /* it stays, so that no descriptor becomes free */
    assert_int_equal(test_ask(first, test_request("OPTIONS", "alice", "w1", NULL, NULL), NULL),
                     200);
    for (i = 0; i < 80; i++) { /* more than PJSIP's 50 errors */
        waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_true(waiting[i] >= 0);
    }
    count = use_up(fds, 1000);
    for (i = 0; i < 80; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)test_port(0)),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        char octet;

        assert_int_equal(connect(waiting[i], (struct sockaddr *)&address, sizeof(address)), 0);
        assert_true(recv(waiting[i], &octet, 1, 0) <= 0); /* closed, rather than left to wait */
    }
    while (count) {
        close(fds[--count]);
    }
    for (i = 0; i < 80; i++) {
        close(waiting[i]);
    }
    for (i = 0; i < 5 && status != 200; i++) { /* the first may go with those that waited */
        fd = test_connect(0);
        status = test_ask(fd, test_request("OPTIONS", "alice", "w2", NULL, NULL), NULL);
        close(fd);
    }
    assert_int_equal(status, 200);
    close(first);
    test_stop();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* ---- other-authentication-schemes ---- */

static const char *const headers[] = {"Authorization", "Proxy-Authorization", "WWW-Authenticate",
                                      "Proxy-Authenticate"};

/* The text of a header of this name that was kept as text, or NULL. */
static const char *kept_as(const pjsip_msg *msg, const char *name)
{
    static char text[200];
    pj_str_t wanted = pj_str((char *)name);
    const pjsip_generic_string_hdr *hdr = pjsip_msg_find_hdr_by_name(msg, &wanted, NULL);

    if (!hdr || hdr->type != PJSIP_H_OTHER) {
        return NULL;
    }
    snprintf(text, sizeof(text), "%.*s", (int)hdr->hvalue.slen, hdr->hvalue.ptr);
    return text;
}

static void parse_schemes(void *data)
{
    static const struct {
        const char *value, *kept; /* NULL: a Digest, or nothing at all */
        int is_right;
    } cases[] = {
        {"Bearer abc.d-e_f~+/==", "Bearer abc.d-e_f~+/==", 1},
        {"Basic realm=\"x\"", "Basic realm=\"x\"", 1},
        {"NTLM", "NTLM", 1},
        {"PGP a=b", "PGP a=b", 1},
        {"\"Basic\" x", "\"Basic\" x", 1},
        {"Bearer\r\n a\r\n\tb", "Bearer a b", 1},
        {"Digest realm=\"r\", nonce=\"n\"", NULL, 1},
        {"digest realm=\"r\", nonce=\"n\"", NULL, 1},
        {"Digestive x", "Digestive x", 1},
        {"", NULL, 0},
        {"\"Basic", NULL, 0},
    };
    pj_pool_t *memory = pjsip_endpt_create_pool(ast_sip_get_pjsip_endpoint(), "test", 4000, 4000);
    unsigned h, i;

    for (h = 0; h < PJ_ARRAY_SIZE(headers); h++) {
        for (i = 0; i < PJ_ARRAY_SIZE(cases); i++) {
            char text[500];
            int length = snprintf(text, sizeof(text),
                                  "OPTIONS sip:a SIP/2.0\r\nTo: sip:b\r\n%s: %s\r\nX: y\r\n\r\n",
                                  headers[h], cases[i].value);
            pjsip_parser_err_report errors;
            const pjsip_msg *msg;
            const char *kept;

            pj_list_init(&errors);
            msg = pjsip_parse_msg(memory, text, (pj_size_t)length, &errors);
            kept = msg ? kept_as(msg, headers[h]) : NULL;
            if (pj_list_empty(&errors) != cases[i].is_right ||
                (kept == NULL) != (cases[i].kept == NULL) ||
                (kept && strcmp(kept_as(msg, headers[h]), cases[i].kept) != 0)) {
                *(int *)data = 1;
                print_error("%s: '%s': %s\n", headers[h], cases[i].value, kept ? kept : "-");
            }
        }
    }
    pjsip_endpt_release_pool(ast_sip_get_pjsip_endpoint(), memory);
}

/* RFC 3261 22.3, RFC 8898: each header is of a scheme of its own, and ours is one of them. */
static void test_other_schemes(void **state)
{
    int failed = 0;

    (void)state;
    test_start(test_config("127.0.0.1", SIP_TRANSPORT_UDP), NULL);
    test_call(parse_schemes, &failed);
    test_stop();
    assert_false(failed);
}

/* ---- settings ---- */

/* What config_site.h answers an entry with: whoever changes it changes this, and docs/pjsip.md. */
static void test_settings(void **state)
{
    (void)state;
    assert_int_equal(PJMEDIA_SDP_NEG_ANSWER_MULTIPLE_CODECS, 0);    /* A0.3 */
    assert_int_equal(PJMEDIA_SDP_NEG_MAINTAIN_REMOTE_PT_MAP, 0);    /* A6 */
    assert_int_equal(PJMEDIA_SDP_NEG_PREFER_REMOTE_CODEC_ORDER, 1); /* B4 */
    assert_in_range(PJMEDIA_MAX_SDP_MEDIA, 2 * 16, 100); /* A1: two SDPs of the most streams */
    assert_in_range(PJMEDIA_MAX_SDP_ATTR, 61, 64);       /* A2 */
    assert_in_range(PJMEDIA_MAX_SDP_FMT, 31, 32);        /* B15 */
    assert_int_equal(PJSIP_HAS_RESOLVER, 0);             /* A7, B8, D2, E9 */
    assert_int_equal(PJSIP_UNESCAPE_IN_PLACE, 0);        /* A11 */
    assert_int_equal(PJ_SSL_SOCK_IMP, PJ_SSL_SOCK_IMP_OPENSSL); /* A13 */
    assert_int_equal(PJMEDIA_HAS_VIDEO, 0);                     /* A15 */
    assert_int_equal(PJMEDIA_HAS_OPENCORE_AMRNB_CODEC, 0);      /* A9 */
    assert_int_equal(PJMEDIA_HAS_INTEL_IPP, 0);                 /* A9 */
    assert_in_range(PJSIP_MAX_PKT_LEN, 8000, 65535);            /* C9 */
    assert_in_range(PJ_MAX_SOCKOPT_PARAMS, 6, 64);              /* all that a listener may have */
    assert_in_range(PJMEDIA_MAX_MRU, 3000, 65535);              /* C13 */
    assert_int_equal(PJMEDIA_TRANSPORT_SWITCH_REMOTE_ADDR, 0);  /* B7, E2 */
    assert_in_range(PJSIP_MAX_TSX_COUNT, 32768, 65535);         /* C2: 1000 calls/s for 32 s */
    assert_in_range(PJSIP_MAX_DIALOG_COUNT, 32768, 65535);      /* C2 */
    assert_int_equal(PJ_TIMER_USE_LINKED_LIST, 0);
    assert_true(PJ_IOQUEUE_MAX_HANDLES >= 8192);               /* D3: above max_connections */
    assert_in_range(PJSIP_TCP_TRANSPORT_BACKLOG, 1024, 65535); /* all phones at once */
    assert_in_range(PJ_SOMAXCONN, 1024, 65535);
    assert_true(PJ_ACTIVESOCK_MAX_CONSECUTIVE_ACCEPT_ERROR >= 1000000); /* D3 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hash_buckets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hash_letters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failed_registration, set_up, tear_down),
        cmocka_unit_test(test_accept_without_descriptors),
        cmocka_unit_test(test_other_schemes),
        cmocka_unit_test(test_settings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
