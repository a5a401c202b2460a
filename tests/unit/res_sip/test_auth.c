/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that authenticate themselves, or do not: what is let in, what is challenged again, and
 * that nobody learns from it who exists. With the real SIP thread; its clock is ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "res_sip/access/access.h"
#include "res_sip/auth/auth.h"

#define REALM  "sipsession"
#define TARGET "sip:100@127.0.0.1"

/* ---- the clock ---- */

static int seconds_ahead;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = __real_clock_gettime(clock, now);

    if (clock == CLOCK_MONOTONIC) {
        now->tv_sec += __atomic_load_n(&seconds_ahead, __ATOMIC_RELAXED);
    }
    return result;
}

static void later(int seconds)
{
    __atomic_add_fetch(&seconds_ahead, seconds, __ATOMIC_RELAXED);
}

/* ---- a server with some endpoints, and a client ---- */

static int fd;
static char answer[4000];

static struct ast_sip_endpoint *add(struct sip_config *config, const char *name, const char *realm,
                                    const char *username, int algorithm, const char *password)
{
    struct ast_sip_endpoint *endpoint = test_add_endpoint(config, name);
    const struct ast_sip_auth auth = {.algorithm = algorithm,
                                      .realm = (char *)realm,
                                      .username = (char *)username,
                                      .nonce_lifetime = 32};

    assert_int_equal(ast_sip_endpoint_add_auth(endpoint, &auth, AST_SIP_CREDENTIAL_PASSWORD,
                                               password),
                     0);
    return endpoint;
}

static void add_more(struct ast_sip_endpoint *endpoint, const char *realm, const char *username,
                     int algorithm, enum ast_sip_credential_kind kind, const char *secret)
{
    const struct ast_sip_auth auth = {.algorithm = algorithm,
                                      .realm = (char *)realm,
                                      .username = (char *)username,
                                      .nonce_lifetime = 32};

    assert_int_equal(ast_sip_endpoint_add_auth(endpoint, &auth, kind, secret), 0);
}

static struct sip_config *make_config(void)
{
    struct sip_config *config = test_config("127.0.0.1", SIP_TRANSPORT_UDP);
    struct ast_sip_endpoint *endpoint;
    char ha1[SIP_DIGEST_SIZE];

    test_add_endpoint(config, "open");
    add(config, "alice", REALM, "alice", AST_SIP_DIGEST_MD5, "secret");
    add(config, "alan", REALM, "alan", AST_SIP_DIGEST_MD5, "secret");
    add(config, "options", REALM, "options", AST_SIP_DIGEST_MD5, "secret")
        ->allow_unauthenticated_options = 1;
    endpoint = add(config, "many", REALM, "many", AST_SIP_DIGEST_SHA512_256, "secret");
    add_more(endpoint, REALM, "many", AST_SIP_DIGEST_SHA256, AST_SIP_CREDENTIAL_PASSWORD, "secret");
    add_more(endpoint, REALM, "other", AST_SIP_DIGEST_SHA256, AST_SIP_CREDENTIAL_PASSWORD, "its");
    assert_int_equal(sip_digest_ha1(AST_SIP_DIGEST_MD5, "many", "example.org", "hidden", ha1), 0);
    add_more(endpoint, "example.org", "many", AST_SIP_DIGEST_MD5, AST_SIP_CREDENTIAL_MD5, ha1);
    return config;
}

static int setup_with(struct sip_config *config)
{
    test_start(config, NULL);
    fd = test_connect(0);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_with(make_config());
}

static int teardown(void **state)
{
    (void)state;
    close(fd);
    test_stop();
    return 0;
}

static int ask(const char *method, const char *from, const char *headers)
{
    static unsigned number;
    const char *text;
    char id[20];
    int status;

    snprintf(id, sizeof(id), "a%u", number++);
    status = test_ask(fd, test_request(method, from, id, headers, NULL), &text);
    if (status > 0) {
        snprintf(answer, sizeof(answer), "%s", text);
    }
    return status;
}

/* What a client answers a challenge with, and everything of it that can be wrong. */
struct reply {
    const char *user, *password, *realm, *nonce, *uri, *nc, *cnonce, *qop, *method, *algorithm_name;
    int algorithm;
};

static const char *authorization(const struct reply *reply)
{
    static char text[1000];
    pjsip_digest_credential credential;
    const pj_str_t method = sip_str(reply->method);
    char ha1[SIP_DIGEST_SIZE], response[SIP_DIGEST_SIZE], qop[200] = "";

    memset(&credential, 0, sizeof(credential));
    credential.nonce = sip_str(reply->nonce);
    credential.uri = sip_str(reply->uri);
    credential.nc = sip_str(reply->nc);
    credential.cnonce = sip_str(reply->cnonce);
    credential.qop = sip_str(reply->qop);
    assert_int_equal(sip_digest_ha1(reply->algorithm, reply->user, reply->realm, reply->password,
                                    ha1),
                     0);
    assert_int_equal(sip_digest_response(reply->algorithm, ha1, &method, &credential, response), 0);
    if (*reply->qop) {
        snprintf(qop, sizeof(qop), ", qop=%s, nc=%s, cnonce=\"%s\"", reply->qop, reply->nc,
                 reply->cnonce);
    }
    snprintf(text, sizeof(text),
             "Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
             "response=\"%s\", algorithm=%s%s\r\n",
             reply->user, reply->realm, reply->nonce, reply->uri, response,
             reply->algorithm_name ? reply->algorithm_name : sip_digest_name(reply->algorithm),
             qop);
    return text;
}

/* The nonce of the last answer. */
static const char *nonce_of_answer(void)
{
    static char texts[2][100];
    static int next;
    const char *at = strstr(answer, "nonce=\"");

    next = !next;
    assert_non_null(at);
    assert_int_equal(sscanf(at, "nonce=\"%99[0-9a-f]\"", texts[next]), 1);
    return texts[next];
}

static struct reply reply_to(const char *user, const char *nonce)
{
    return (struct reply){.user = user,
                          .password = "secret",
                          .realm = REALM,
                          .nonce = nonce,
                          .uri = TARGET,
                          .nc = "00000001",
                          .cnonce = "abcd",
                          .qop = "auth",
                          .method = "OPTIONS"};
}

static const char *challenge(const char *from)
{
    assert_int_equal(ask("OPTIONS", from, NULL), 401);
    assert_null(strstr(answer, "stale"));
    return nonce_of_answer();
}

static int try(const char *from, const struct reply *reply)
{
    return ask("OPTIONS", from, authorization(reply));
}

/* ---- right credentials ---- */

static void test_right(void **state)
{
    struct reply reply;

    (void)state;
    assert_int_equal(ask("OPTIONS", "open", NULL), 200);
    reply = reply_to("alice", challenge("alice"));
    assert_non_null(strstr(answer, "WWW-Authenticate: Digest realm=\"" REALM "\",nonce=\""));
    assert_non_null(strstr(answer, "algorithm=MD5,qop=\"auth\"\r\n"));
    assert_int_equal(try("alice", &reply), 200);
    reply.nc = "00000002";
    assert_int_equal(try("alice", &reply), 200);
    reply.nc = "0000000A";
    assert_int_equal(try("alice", &reply), 200);
    reply.nc = "00000005";
    assert_int_equal(try("alice", &reply), 200);
    assert_int_equal(test_counters().auth_good, 4);
    assert_int_equal(test_counters().auth_challenged, 1);
}

static void test_methods(void **state)
{
    static const char *const methods[] = {"INVITE",    "REGISTER", "MESSAGE",
                                          "SUBSCRIBE", "REFER",    "PUBLISH"};
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct reply reply;

        assert_int_equal(ask(methods[i], "alice", NULL), 401);
        reply = reply_to("alice", nonce_of_answer());
        reply.method = methods[i];
        assert_int_equal(ask(methods[i], "alice", authorization(&reply)), 405); /* let in */
        reply.nc = "00000002";
        assert_int_equal(ask("OPTIONS", "alice", authorization(&reply)), 401); /* of another */
    }
}

/* RFC 8760 2.3: one challenge for each algorithm, in the order of preference; several realms. */
static void test_algorithms_and_realms(void **state)
{
    const char *first, *second, *third;
    struct reply reply;

    (void)state;
    reply = reply_to("many", challenge("many"));
    first = strstr(answer, "algorithm=SHA-512-256");
    second = strstr(answer, "algorithm=SHA-256");
    third = strstr(answer, "algorithm=MD5");
    assert_true(first && second && third && first < second && second < third);
    assert_null(strstr(third + 1, "WWW-Authenticate"));
    assert_non_null(strstr(second, "realm=\"example.org\""));

    reply.algorithm = AST_SIP_DIGEST_SHA512_256;
    assert_int_equal(try("many", &reply), 200);
    reply.algorithm = AST_SIP_DIGEST_SHA256;
    reply.nc = "00000002";
    assert_int_equal(try("many", &reply), 200);
    reply.algorithm = AST_SIP_DIGEST_MD5; /* not offered for this realm */
    reply.nc = "00000003";
    assert_int_equal(try("many", &reply), 401);
    reply.realm = "example.org";
    reply.password = "hidden";
    assert_int_equal(try("many", &reply), 200);
    reply = reply_to("other", reply.nonce);
    reply.nc = "00000004";
    reply.algorithm = AST_SIP_DIGEST_SHA256;
    reply.password = "its";
    assert_int_equal(try("many", &reply), 200);
}

/* Headers for other servers do not matter (RFC 3261 22.3). */
static void test_several_headers(void **state)
{
    struct reply reply = reply_to("alice", challenge("alice")), foreign = reply;
    char both[3000];

    (void)state;
    foreign.realm = "elsewhere";
    snprintf(both, sizeof(both), "%s", authorization(&foreign));
    strcat(both, authorization(&reply));
    assert_int_equal(ask("OPTIONS", "alice", both), 200);
}

static void test_unauthenticated_options(void **state)
{
    (void)state;
    assert_int_equal(ask("OPTIONS", "options", NULL), 200);
    assert_int_equal(ask("MESSAGE", "options", NULL), 401);
}

/* ---- wrong ones ---- */

static void test_wrong(void **state)
{
    struct reply right = reply_to("alice", challenge("alice")), wrong[12];
    unsigned i, count = 0;
    char nonce[100];

    (void)state;
    snprintf(nonce, sizeof(nonce), "%s", right.nonce);
    right.nonce = nonce;
    for (i = 0; i < 12; i++) {
        wrong[i] = right;
    }
    wrong[count++].password = "Secret";
    wrong[count++].user = "alan"; /* who exists, but is another endpoint's */
    wrong[count++].user = "Alice";
    wrong[count++].realm = "other";
    wrong[count++].uri = "sip:200@127.0.0.1";
    wrong[count++].uri = "sip:100@127.0.0.2";
    wrong[count++].uri = "nonsense";
    wrong[count++].qop = "auth-int";
    wrong[count++].qop = "";
    wrong[count++].nc = "00000000";
    wrong[count++].nc = "1";
    wrong[count++].algorithm_name = "MD5-sess";
    assert_int_equal(count, 12);
    for (i = 0; i < count; i++) {
        assert_int_equal(try("alice", &wrong[i]), 401);
        assert_null(strstr(answer, "stale"));
        assert_string_not_equal(nonce_of_answer(), right.nonce);
    }
    assert_int_equal(test_counters().auth_failed, count);
    assert_int_equal(try("alice", &right), 200); /* the nonce was not spent */
    assert_int_equal(test_counters().auth_good, 1);
}

/* None of them gets in, or ends the server. */
static void test_broken_headers(void **state)
{
    static const char *const headers[] = {
        "Authorization: Digest\r\n",
        "Authorization: Digest username=\"alice\"\r\n",
        "Authorization: Digest username=\"alice\", realm=\"" REALM "\", nonce=\"\", uri=\"\", "
        "response=\"\"\r\n",
        "Authorization: Basic YWxpY2U6c2VjcmV0\r\n",
        "Authorization: Bearer x\r\n",
        "Authorization: \r\n",
        "Authorization: Digest nc=99999999999999999999, qop=auth, cnonce=\"\", response=\"0\"\r\n",
        "Authorization: Digest username=\"a\\\"b\\\\\", realm=\"\xff\xfe\", qop=\"auth,auth-int\"\r\n"};
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        int status = ask("OPTIONS", "alice", headers[i]);

        assert_true(status == 401 || status == 400); /* 400: PJSIP cannot parse it */
    }
    assert_int_equal(test_counters().auth_good, 0);
}

/* ---- nonces ---- */

static void check_stale(const char *from, const struct reply *reply)
{
    struct reply fresh = *reply;

    assert_int_equal(try(from, reply), 401);
    assert_non_null(strstr(answer, ",stale=true"));
    fresh.nonce = nonce_of_answer();
    fresh.nc = "00000001";
    assert_int_equal(try(from, &fresh), 200);
}

static void test_expiry(void **state)
{
    struct reply reply;

    (void)state;
    reply = reply_to("alice", challenge("alice"));
    later(31);
    assert_int_equal(try("alice", &reply), 200);
    later(2);
    reply.nc = "00000002";
    check_stale("alice", &reply);
    reply.password = "wrong"; /* who does not know it is not told that the nonce is old */
    assert_int_equal(try("alice", &reply), 401);
    assert_null(strstr(answer, "stale"));
}

static void test_replay(void **state)
{
    struct reply reply;

    (void)state;
    reply = reply_to("alice", challenge("alice"));
    assert_int_equal(try("alice", &reply), 200);
    check_stale("alice", &reply);
    assert_int_equal(test_counters().auth_replayed, 1);
}

static void test_foreign_nonce(void **state)
{
    struct reply reply = reply_to("alice", "0123456789abcdef");
    char old[100];

    (void)state;
    check_stale("alice", &reply);
    snprintf(old, sizeof(old), "%s", challenge("alice"));
    teardown(state); /* a restart has another key */
    setup(state);
    reply.nonce = old;
    check_stale("alice", &reply);
}

/* ---- options ---- */

static int setup_lenient(void **state)
{
    struct sip_config *config = make_config();

    (void)state;
    config->authentication.without_qop = 1;
    config->authentication.check_uri = 0;
    return setup_with(config);
}

static void test_without_qop(void **state)
{
    struct reply reply;

    (void)state;
    reply = reply_to("alice", challenge("alice"));
    reply.qop = "";
    assert_int_equal(try("alice", &reply), 200);
    assert_int_equal(try("alice", &reply), 401); /* each nonce is good once */
    assert_non_null(strstr(answer, ",stale=true"));
    reply.nonce = nonce_of_answer();
    reply.uri = "sip:whatever";
    assert_int_equal(try("alice", &reply), 200);
}

/* ---- nobody learns who exists ---- */

/* What is left of an answer when all that differs anyway is gone. */
static const char *shape(void)
{
    static char texts[4][4000];
    static unsigned next;
    char *text = texts[next++ % 4], *at;

    snprintf(text, sizeof(texts[0]), "%s", answer);
    at = strstr(text, "nonce=\"");
    assert_non_null(at);
    memset(at + 7, 'n', strcspn(at + 7, "\""));
    while ((at = strstr(text, "Via:")) || (at = strstr(text, "From:")) ||
           (at = strstr(text, "To:")) || (at = strstr(text, "Call-ID:"))) {
        memmove(at, at + strcspn(at, "\n") + 1, strlen(at + strcspn(at, "\n")));
    }
    return text;
}

static void get_octets(void *data)
{
    *(unsigned long long *)data = sip_digest_octets;
}

/* A request of `from` with wrong credentials of `user`: the work that it costs, and the answer. */
static unsigned long long work_of(const char *from, const char *user, const char **seen)
{
    struct reply reply = reply_to(user, challenge(from));
    unsigned long long before, after;
    const char *text;

    reply.password = "wrong";
    text = authorization(&reply);
    test_call(get_octets, &before);
    assert_int_equal(ask("OPTIONS", from, text), 401);
    test_call(get_octets, &after);
    *seen = shape();
    return after - before;
}

static void test_no_enumeration(void **state)
{
    const char *known, *unknown, *wrong_user, *other;
    const char *first, *second;
    unsigned long long work;

    (void)state;
    work = work_of("alice", "alice", &known);
    assert_true(work > 60);
    assert_int_equal(work_of("bobby", "bobby", &unknown), work);    /* no such endpoint */
    assert_int_equal(work_of("alice", "bobby", &wrong_user), work); /* no such user */
    assert_int_equal(work_of("bobby", "alice", &other), work);
    assert_string_equal(known, unknown);
    assert_string_equal(known, wrong_user);
    assert_string_equal(known, other);
    assert_int_equal(ask("OPTIONS", "alice", NULL), 401);
    first = shape();
    assert_int_equal(ask("OPTIONS", "bobby", NULL), 401);
    second = shape();
    assert_string_equal(first, second);
}

/* Asks without rport, from another port than Via names. 1: an answer comes to where it came from.
 */
static int is_answered_here(const char *from)
{
    char text[2000];
    const char *rport, *request = test_request("OPTIONS", from, from, NULL, NULL);

    rport = strstr(request, ";rport");
    assert_non_null(rport);
    snprintf(text, sizeof(text), "%.*s%s", (int)(rport - request), request, rport + 6);
    return test_ask(fd, text, NULL) == 401;
}

/* Nor does the way that the answer takes tell them apart. */
static void test_no_enumeration_by_way(void **state)
{
    (void)state;
    assert_true(is_answered_here("alice"));
    assert_true(is_answered_here("bobby"));
}

static int is_good(struct ast_sip_endpoint *endpoint, pjsip_rx_data *rdata)
{
    (void)endpoint;
    (void)rdata;
    return 1;
}

static enum ast_sip_check_auth_result let_in(struct ast_sip_endpoint *endpoint,
                                             pjsip_rx_data *rdata, pjsip_tx_data *tdata)
{
    (void)endpoint;
    (void)rdata;
    (void)tdata;
    return AST_SIP_AUTHENTICATION_SUCCESS;
}

static struct ast_sip_authenticator friendly = {is_good, let_in};

static void register_friendly(void *data)
{
    (void)data;
    assert_int_equal(ast_sip_register_authenticator(&friendly), 0);
    assert_non_null(ast_sip_get_artificial_endpoint());
}

static void unregister_friendly(void *data)
{
    (void)data;
    ast_sip_unregister_authenticator(&friendly);
}

/* A module's authenticator is in the place of ours; strangers stay out whatever it says. */
static void test_replaced(void **state)
{
    (void)state;
    test_call(register_friendly, NULL);
    assert_int_equal(ask("OPTIONS", "alice", NULL), 200);
    assert_int_equal(ask("OPTIONS", "bobby", NULL), 401);
    assert_non_null(strstr(answer, "WWW-Authenticate: Digest realm=\"" REALM "\""));
    test_call(unregister_friendly, NULL);
    assert_int_equal(ask("OPTIONS", "alice", NULL), 401);
}

/* ---- access ---- */

static void keep_out(struct ast_sip_acl **list, const char *address, unsigned prefix)
{
    struct sip_network network = {.prefix = prefix};
    pj_str_t host = sip_str(address);

    assert_int_equal(pj_sockaddr_init(PJ_AF_INET, &network.address, &host, 0), PJ_SUCCESS);
    assert_int_equal(sip_acl_add(sip_acl_append(list, "test"), &network, 0), 0);
}

static int setup_acl(void **state)
{
    struct sip_config *config = make_config();

    (void)state;
    keep_out(&add(config, "out", REALM, "out", AST_SIP_DIGEST_MD5, "secret")->acl, "127.0.0.0", 8);
    keep_out(&add(config, "contact", REALM, "contact", AST_SIP_DIGEST_MD5, "secret")->contact_acl,
             "10.0.0.0", 8);
    return setup_with(config);
}

/* Who is kept out gets what a stranger gets, even with the right credentials. */
static void test_acl(void **state)
{
    struct reply reply;
    const char *first, *second;

    (void)state;
    reply = reply_to("out", challenge("out"));
    first = shape();
    assert_int_equal(try("out", &reply), 401);
    assert_null(strstr(answer, "stale"));
    assert_int_equal(ask("OPTIONS", "nobody", NULL), 401);
    second = shape();
    assert_string_equal(first, second);
    assert_int_equal(test_counters().acl_refused, 2);
    assert_int_equal(ask("OPTIONS", "open", NULL), 200);
}

static int with_contact(const char *contact)
{
    struct reply reply = reply_to("contact", challenge("contact"));
    char headers[2000];

    snprintf(headers, sizeof(headers), "%sContact: %s\r\n", authorization(&reply), contact);
    return ask("OPTIONS", "contact", headers);
}

static void test_contact_acl(void **state)
{
    (void)state;
    assert_int_equal(with_contact("<sip:a@192.0.2.1>"), 200);
    assert_int_equal(with_contact("<sip:a@10.1.2.3:5070>"), 403);
    assert_int_equal(with_contact("<sip:a@192.0.2.1;maddr=10.0.0.1>"), 403);
    assert_int_equal(with_contact("<sip:a@example.org>"), 403); /* it could mean any address */
    assert_int_equal(with_contact("<sip:a@192.0.2.1>, <sip:a@10.1.2.3>"), 403);
    assert_int_equal(with_contact("<sip:a@[2001:db8::1]>"), 200);
    assert_int_equal(with_contact("*"), 200);
    assert_int_equal(with_contact("<mailto:a@10.1.2.3>"), 200);
    assert_int_equal(test_counters().contact_refused, 4);
    assert_int_equal(ask("OPTIONS", "contact", "Contact: <sip:a@10.1.2.3>\r\n"), 401);
}

static int setup_ban(void **state)
{
    struct sip_config *config = make_config();

    (void)state;
    config->access.ban_failures = 3;
    config->access.ban_period = 60;
    config->access.ban_time = 600;
    return setup_with(config);
}

/* Only who answers a challenge that he got can be banned: others could write any source. */
static void test_ban(void **state)
{
    struct reply forged = reply_to("alice", "00"), wrong;
    char none[2000];
    unsigned i;

    (void)state;
    for (i = 0; i < 10; i++) {
        assert_int_equal(try("alice", &forged), 401);
    }
    wrong = reply_to("alice", challenge("alice"));
    wrong.password = "wrong";
    assert_int_equal(try("alice", &wrong), 401);
    assert_int_equal(try("alice", &wrong), 401);
    assert_int_equal(try("alice", &wrong), 401);
    assert_int_equal(test_counters().bans, 1);
    test_send(fd, test_request("OPTIONS", "open", "banned", NULL, NULL));
    while (test_counters().banned_requests == 0) {
        usleep(1000);
    }
    assert_int_equal(test_receive(fd, none, sizeof(none), 0), -1); /* no answer */
    later(601);
    assert_int_equal(ask("OPTIONS", "open", NULL), 200);
}

static int setup_rate(void **state)
{
    struct sip_config *config = make_config();

    (void)state;
    config->access.rate = 1;
    config->access.burst = 3;
    return setup_with(config);
}

static void test_rate(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < 3; i++) {
        assert_int_equal(ask("OPTIONS", "open", NULL), 200);
    }
    test_send(fd, test_request("OPTIONS", "open", "fast", NULL, NULL));
    while (test_counters().rate_limited == 0) {
    }
    later(10);
    assert_int_equal(ask("OPTIONS", "open", NULL), 200);
}

/* ---- identification ---- */

static int setup_identify(void **state)
{
    struct sip_config *config = make_config();
    struct sip_identify_config *match = calloc(1, sizeof(*match)), *uri = calloc(1, sizeof(*uri));

    (void)state;
    assert_true(match && uri);
    add(config, "auth", REALM, "auth", AST_SIP_DIGEST_MD5, "secret")->identify_by =
        AST_SIP_IDENTIFY_BY_AUTH_USERNAME;
    add(config, "deep@" REALM, REALM, "deep", AST_SIP_DIGEST_MD5, "secret")->identify_by =
        AST_SIP_IDENTIFY_BY_AUTH_USERNAME;
    test_add_endpoint(config, "header")->identify_by = AST_SIP_IDENTIFY_BY_HEADER;
    test_add_endpoint(config, "uri")->identify_by = AST_SIP_IDENTIFY_BY_REQUEST_URI;
    match->name = strdup("h");
    match->endpoint = strdup("header");
    match->match_header = strdup("X-Trunk : /^ber(lin|gen)$/");
    match->next = uri;
    uri->name = strdup("u");
    uri->endpoint = strdup("uri");
    uri->match_request_uri = strdup("/^sip:100@.*;line=7$/");
    config->identifies = match;
    /* an address that the endpoint does not want to be found by */
    test_add_endpoint(config, "noip")->identify_by = AST_SIP_IDENTIFY_BY_USERNAME;
    test_add_identify(config, "noip", "127.0.0.0/8");
    return setup_with(config);
}

static void test_auth_username(void **state)
{
    struct reply reply;

    (void)state;
    reply = reply_to("auth", challenge("whoever"));
    assert_int_equal(try("whoever", &reply), 200);
    reply = reply_to("deep", challenge("whoever"));
    assert_int_equal(try("whoever", &reply), 200);
    reply.password = "wrong";
    assert_int_equal(try("whoever", &reply), 401);
    reply = reply_to("alice", challenge("whoever")); /* may not be found by it */
    assert_int_equal(try("whoever", &reply), 401);
    assert_int_equal(ask("OPTIONS", "auth", NULL), 401);
}

static void test_match(void **state)
{
    (void)state;
    assert_int_equal(ask("OPTIONS", "whoever", "X-Trunk: berlin\r\n"), 200);
    assert_int_equal(ask("OPTIONS", "whoever", "X-Trunk: paris\r\nx-trunk: bergen\r\n"), 200);
    assert_int_equal(ask("OPTIONS", "whoever", "X-Trunk: berlin2\r\n"), 401);
    assert_int_equal(ask("OPTIONS", "header", NULL), 401);
    assert_int_equal(ask("OPTIONS " TARGET ";line=7 SIP/2.0\r\nX-Rest:", "whoever", NULL), 200);
    assert_int_equal(ask("OPTIONS " TARGET ";line=8 SIP/2.0\r\nX-Rest:", "whoever", NULL), 401);
}

#define TEST(function)        cmocka_unit_test_setup_teardown(function, setup, teardown)
#define WITH(function, begin) cmocka_unit_test_setup_teardown(function, begin, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_right),
        TEST(test_methods),
        TEST(test_algorithms_and_realms),
        TEST(test_several_headers),
        TEST(test_unauthenticated_options),
        TEST(test_wrong),
        TEST(test_broken_headers),
        TEST(test_expiry),
        TEST(test_replay),
        TEST(test_foreign_nonce),
        WITH(test_without_qop, setup_lenient),
        TEST(test_no_enumeration),
        TEST(test_no_enumeration_by_way),
        TEST(test_replaced),
        WITH(test_acl, setup_acl),
        WITH(test_contact_acl, setup_acl),
        WITH(test_ban, setup_ban),
        WITH(test_rate, setup_rate),
        WITH(test_auth_username, setup_identify),
        WITH(test_match, setup_identify),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
