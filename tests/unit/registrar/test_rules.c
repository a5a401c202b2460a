/* SPDX-License-Identifier: GPL-2.0-or-later */
/* registrar: RFC 3261 10.3 in simulated time, and the text that the store keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "params.h"
#include "record.h"
#include "rules.h"

static struct ast_sip_aor aor;
static struct ast_sip_contact *now;
static long long time_now;
static unsigned cseq;
static char text[1024];

static int begin(void **state)
{
    (void)state;
    aor = (struct ast_sip_aor){.name = (char *)"a",
                               .max_contacts = 3,
                               .minimum_expiration = 60,
                               .default_expiration = 300,
                               .maximum_expiration = 7200};
    now = NULL;
    time_now = 1000000;
    cseq = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    ast_sip_contacts_free(now);
    return 0;
}

static int same(const char *one, const char *other)
{
    return strcmp(one, other) == 0;
}

static int is_gone(const struct ast_sip_contact *contact)
{
    return strncmp(contact->uri, "gone", 4) == 0;
}

/* "a=100 b a!phone.2": contacts with and without expires, of an instance and reg-id; "*": the star. */
static int send_register(const char *contacts, long long expires, const char *call_id,
                         unsigned number, const char *branch)
{
    struct rules_contact list[10] = {{.uri = NULL}};
    struct rules_request request = {.call_id = call_id,
                                    .branch = branch,
                                    .cseq = number,
                                    .expires = expires,
                                    .contacts = list,
                                    .same = same,
                                    .is_gone = is_gone};
    struct ast_sip_contact *result = NULL;
    char copy[256], *rest = copy, *word;
    int changed = -1, status;

    snprintf(copy, sizeof(copy), "%s", contacts);
    while ((word = strsep(&rest, " "))) {
        char *equals = strchr(word, '=');

        if (strcmp(word, "*") == 0) {
            request.star = 1;
        } else if (*word) {
            list[request.count].expires = equals ? atoll(equals + 1) : RULES_NO_EXPIRES;
            list[request.count].q = -1;
            if (equals) {
                *equals = '\0';
            }
            if (strchr(word, '!')) {
                char *instance = strchr(word, '!'), *reg_id = strchr(instance, '.');

                *instance = *reg_id = '\0';
                list[request.count].instance = instance + 1;
                list[request.count].reg_id = (unsigned)atoi(reg_id + 1);
                list[request.count].flow = "1 192.0.2.1:5060 udp";
            }
            list[request.count++].uri = word;
        }
    }
    status = rules_apply(&aor, now, &request, time_now, &result, &changed);
    if (status == 200) {
        assert_true(changed == 0 || changed == 1);
        if (changed) {
            ast_sip_contacts_free(now);
            now = result;
        } else {
            ast_sip_contacts_free(result);
        }
    } else {
        assert_null(result);
        assert_int_equal(changed, -1);
    }
    return status;
}

static int registers(const char *contacts)
{
    char branch[20];

    snprintf(branch, sizeof(branch), "b%u", ++cseq);
    return send_register(contacts, RULES_NO_EXPIRES, "c", cseq, branch);
}

/* "a=100 b=50": what is there and for how long. */
static const char *there(void)
{
    text[0] = '\0';
    for (const struct ast_sip_contact *contact = now; contact; contact = contact->next) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof(text) - used, "%s%s=%lld", used ? " " : "", contact->uri,
                 contact->expires - time_now);
    }
    return text;
}

static void test_times(void **state)
{
    (void)state;
    assert_int_equal(registers("a b=60 c=99999999"), 200);
    assert_string_equal(there(), "a=300 b=60 c=7200");
    time_now += 10;
    assert_int_equal(registers("b=100"), 200);
    assert_string_equal(there(), "a=290 b=100 c=7190");
    assert_int_equal(registers("a=59"), 423);
    assert_int_equal(registers("a=0 c=0"), 200);
    assert_string_equal(there(), "b=100");
    assert_int_equal(send_register("b c=70", 200, "c", ++cseq, "x"), 200);
    assert_string_equal(there(), "b=200 c=70");
    time_now += 70; /* the last second is over */
    assert_int_equal(registers("b"), 200);
    assert_string_equal(there(), "b=300");
    assert_int_equal(send_register("b", 0, "c", ++cseq, "y"), 200);
    assert_null(now);
}

/* RFC 3261 10.3: an interval of an hour is never too brief. */
static void test_hour(void **state)
{
    (void)state;
    aor.minimum_expiration = 5000;
    assert_int_equal(registers("a=3599"), 423);
    assert_int_equal(registers("a=3600"), 200);
    assert_string_equal(there(), "a=3600");
}

static void test_all_or_nothing(void **state)
{
    (void)state;
    assert_int_equal(registers("a b"), 200);
    assert_int_equal(registers("a=0 c b=1"), 423);
    assert_int_equal(registers("c d"), 403);
    assert_string_equal(there(), "a=300 b=300");
    assert_int_equal(registers("a=0 c d"), 200);
    assert_string_equal(there(), "b=300 c=300 d=300");
}

static void test_star(void **state)
{
    (void)state;
    assert_int_equal(registers("a b"), 200);
    assert_int_equal(registers("*"), 400);
    assert_int_equal(send_register("*", 1, "c", ++cseq, "x"), 400);
    assert_int_equal(send_register("* a", 0, "c", ++cseq, "x"), 400);
    assert_int_equal(send_register("*", 0, "c", 1, "x"), 500);
    assert_string_equal(there(), "a=300 b=300");
    assert_int_equal(send_register("*", 0, "other", 1, "x"), 200);
    assert_null(now);
    assert_int_equal(send_register("*", 0, "other", 1, "x"), 200);
}

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(send_register("a", 100, "c", 5, "five"), 200);
    assert_int_equal(send_register("a", 0, "c", 4, "four"), 500);
    assert_int_equal(send_register("a", 0, "c", 5, "another"), 500);
    time_now += 10;
    /* the request that made it, whose answer was lost: nothing changes, and it is answered */
    assert_int_equal(send_register("a", 100, "c", 5, "five"), 200);
    assert_string_equal(there(), "a=90");
    assert_int_equal(send_register("b", 100, "c", 2, "two"), 200); /* of another binding */
    assert_int_equal(send_register("a", 0, "new", 1, "one"), 200);
    assert_string_equal(there(), "b=100");
}

static void test_remove_existing(void **state)
{
    (void)state;
    aor.remove_existing = 1;
    assert_int_equal(registers("a=300 b=100 c=200"), 200);
    assert_int_equal(registers("d=400"), 200);
    assert_string_equal(there(), "a=300 c=200 d=400");
    assert_int_equal(registers("e f"), 200);
    assert_string_equal(there(), "d=400 e=300 f=300");
    assert_int_equal(registers("g h i j"), 403); /* more than there may be, of itself */
    assert_string_equal(there(), "d=400 e=300 f=300");
    aor.max_contacts = 1;
    assert_int_equal(registers("d=500"), 200); /* fewer than before may be there */
    assert_string_equal(there(), "d=500");
}

static void test_remove_unavailable(void **state)
{
    (void)state;
    aor.remove_unavailable = 1;
    assert_int_equal(registers("a=100 b=200 c=300"), 200);
    assert_int_equal(registers("d"), 403);
    now->next->state = AST_SIP_CONTACT_UNREACHABLE;
    assert_int_equal(registers("d"), 200);
    assert_string_equal(there(), "a=100 c=300 d=300");
    aor.remove_existing = 1;
    now->next->state = AST_SIP_CONTACT_UNREACHABLE;
    assert_int_equal(registers("e"),
                     200); /* c, which does not answer, not a, which expires first */
    assert_string_equal(there(), "a=100 d=300 e=300");
    assert_int_equal(registers("f"), 200);
    assert_string_equal(there(), "d=300 e=300 f=300");
}

static void test_fetch(void **state)
{
    struct ast_sip_contact *configured = ast_sip_contact_create("fixed");

    (void)state;
    assert_int_equal(registers(""), 200);
    assert_null(now);
    assert_int_equal(registers("a"), 200);
    configured->next = now; /* it is not the registrar's */
    now = configured;
    assert_int_equal(registers("b"), 200);
    assert_string_equal(there(), "a=300 b=300");
}

/* A contact that nothing can reach makes room, whatever is configured. */
static void test_gone(void **state)
{
    (void)state;
    assert_int_equal(registers("a=100"), 200);
    assert_int_equal(registers("gone1=300 gone2=200"), 200);
    assert_int_equal(registers("b=400"), 200);
    assert_string_equal(there(), "a=100 gone1=300 b=400");
    assert_int_equal(registers("c=400"), 200);
    assert_string_equal(there(), "a=100 b=400 c=400");
    assert_int_equal(registers("d=400"), 403);
}

/* RFC 5626 6: instance and reg-id are the binding; who has none is his URI. */
static void test_outbound(void **state)
{
    (void)state;
    assert_int_equal(registers("a=100"), 200);
    assert_null(now->flow);
    assert_int_equal(registers("a!phone.1=200"), 200); /* takes over what it made without */
    assert_string_equal(there(), "a=200");
    assert_string_equal(now->instance, "phone");
    assert_string_equal(now->flow, "1 192.0.2.1:5060 udp");
    assert_int_equal(registers("b!phone.1=300"), 200); /* from elsewhere */
    assert_string_equal(there(), "b=300");
    assert_int_equal(registers("b!phone.2=400"), 200); /* another flow */
    assert_int_equal(registers("b!other.1=500"), 200);
    assert_string_equal(there(), "b=300 b=400 b=500");
    assert_int_equal(registers("c!phone.3"), 403); /* max_contacts counts flows */
    assert_int_equal(registers("x!phone.2=0"), 200);
    assert_string_equal(there(), "b=300 b=500");
    assert_int_equal(registers("b=100"), 200); /* a phone that does not use it any more */
    assert_string_equal(there(), "b=100 b=500");
    assert_null(now->instance);
    assert_null(now->flow);
    assert_int_equal(now->reg_id, 0);
}

static void test_purge(void **state)
{
    struct ast_sip_contact *left;
    int changed;

    (void)state;
    assert_int_equal(registers("a=100 b=200"), 200);
    assert_int_equal(rules_purge(now, time_now, &left, &changed), 0);
    assert_int_equal(changed, 0);
    ast_sip_contacts_free(left);
    assert_int_equal(rules_purge(now, time_now + 100, &left, &changed), 0);
    assert_int_equal(changed, 1);
    assert_string_equal(left->uri, "b");
    assert_null(left->next);
    ast_sip_contacts_free(left);
}

/* ---- the text ---- */

static void test_record(void **state)
{
    struct ast_sip_contact *read = NULL, *contact = ast_sip_contact_create("sip:a@h;x=y: z");
    char *written;

    (void)state;
    contact->expires = 4000000000LL;
    contact->cseq = 4294967295u;
    contact->q = 500;
    contact->call_id = strdup("c\"1: 2");
    contact->branch = strdup("z9hG4bK1");
    contact->path = strdup("<sip:p;lr>, <sip:q;lr>");
    contact->transport = strdup("second");
    contact->user_agent = strdup("evil\ncontact: sip:evil@h");
    contact->instance = strdup("<urn:uuid:1>");
    contact->reg_id = 2147483647;
    contact->flow = strdup("17 [2001:db8::1]:5060 my transport");
    contact->next = ast_sip_contact_create("sip:b@h");
    contact->next->expires = 1;
    written = record_write(contact);
    assert_int_equal(record_read(written, &read), 0);
    free(written);
    assert_string_equal(read->uri, contact->uri);
    assert_int_equal(read->expires, contact->expires);
    assert_int_equal(read->cseq, contact->cseq);
    assert_int_equal(read->q, 500);
    assert_string_equal(read->call_id, contact->call_id);
    assert_string_equal(read->branch, contact->branch);
    assert_string_equal(read->path, contact->path);
    assert_string_equal(read->transport, "second");
    assert_null(read->user_agent);
    assert_string_equal(read->instance, contact->instance);
    assert_int_equal(read->reg_id, contact->reg_id);
    assert_string_equal(read->flow, contact->flow);
    assert_null(read->next->instance);
    assert_null(read->next->flow);
    assert_string_equal(read->next->uri, "sip:b@h");
    assert_int_equal(read->next->q, -1);
    assert_null(read->next->call_id);
    assert_null(read->next->next);
    ast_sip_contacts_free(read);
    ast_sip_contacts_free(contact);
}

static void test_broken_record(void **state)
{
    static const char *const broken[] = {
        "contact: a\n",
        "contact: a\nexpires: x\n",
        "contact: a\nexpires: -1\n",
        "contact: a\nexpires: 99999999999999999999\n",
        "contact: a\nexpires: 5\ncseq: 4294967296\n",
        "contact: a\nexpires: 5\nq: 1001\n",
        "expires: 5\ncontact: a\n",
        "contact: a\nexpires: 5\nnonsense\n",
        "contact: a\nexpires: 5\ncontact: b\n",
    };
    struct ast_sip_contact *read = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        if (record_read(broken[i], &read) != -1 || read) {
            fail_msg("text %zu was read", i);
        }
    }
    assert_int_equal(record_read("contact: a\nfrom-the-future: 1\nexpires: 5\n", &read), 0);
    assert_string_equal(read->uri, "a");
    ast_sip_contacts_free(read);
    read = NULL;
    assert_int_equal(record_read("", &read), 0);
    assert_null(read);
}

/* ---- parameters of Contacts ---- */

static char *exact_message(const char *headers, size_t *length)
{
    char message[600], *exact;

    snprintf(message, sizeof(message),
             "REGISTER sip:h SIP/2.0\r\nTo: <sip:a@h>;expires=1;q=0.1\r\n%s\r\n\r\n"
             "Contact: <sip:body@h>\r\nExpires: 77",
             headers);
    *length = strlen(message);
    exact = malloc(*length); /* without a NUL */
    memcpy(exact, message, *length);
    return exact;
}

static void check_params(const char *headers, int count, const struct params *expected)
{
    struct params found[4] = {{-9, -9}, {-9, -9}, {-9, -9}, {-9, -9}};
    size_t length;
    char *exact = exact_message(headers, &length);

    assert_int_equal(params_read(exact, length, found, 4), count);
    free(exact);
    for (int i = 0; i < count; i++) {
        assert_true(found[i].expires == expected[i].expires);
        assert_int_equal(found[i].q, expected[i].q);
    }
}

static void test_expires(void **state)
{
    static const struct params none[] = {{RULES_NO_EXPIRES, -1}}, hour[] = {{3600, -1}};
    static const struct params most[] = {{4294967295LL, -1}};
    static const struct params several[] = {{5, -1}, {0, 1000}, {RULES_NO_EXPIRES, -1}, {7, -1}};

    (void)state;
    check_params("Contact: <sip:a@h;expires=4>", 1, none);
    check_params("m : sip:a@h;expires=soon", 1, hour);
    check_params("CONTACT: \"a, b;expires=3\" <sip:a@h>;expires=", 1, hour);
    check_params("Contact: <sip:a@h>;expires=-1", 1, hour);
    check_params("Contact: <sip:a@h>;expires=4294967296", 1, most);
    check_params("Contact: <sip:a@h>;expires=99999999999999999999999999", 1, most);
    check_params("Contact: <sip:a@h>;Expires=5,\r\n <sip:b@h>;q=1;expires=0\r\nX: y\r\n"
                 "m: <sip:c@h> ,\r\n\t<sip:d@h>\r\n ;expires=7",
                 4, several);
    check_params("Contact: <sip:a@h>,<sip:a@h>,<sip:a@h>,<sip:a@h>,<sip:a@h>", -1, NULL);
    check_params("Contact: *", -1, NULL);
    check_params("X: y", 0, NULL);
}

static void test_q(void **state)
{
    static const struct {
        const char *text;
        int q;
    } values[] = {{"0", 0},     {"0.0", 0},   {"1", 1000},    {"1.000", 1000}, {"0.5", 500},
                  {"0.05", 50}, {"0.005", 5}, {"0.", 0},      {"1.001", -1},   {"1.5", -1},
                  {"2", -1},    {".5", -1},   {"0.1234", -1}, {"x", -1},       {"", -1},
                  {"-1", -1},   {"0.x", -1},  {"0,5", -1},    {"00.5", -1}};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        const struct params expected[] = {{RULES_NO_EXPIRES, values[i].q}};
        char line[80];

        snprintf(line, sizeof(line), "Contact: <sip:a@h>;q=\"%s\"", values[i].text);
        check_params(line, 1, expected);
    }
}

static void test_expires_header(void **state)
{
    static const struct {
        const char *headers;
        long long seconds;
    } values[] = {{"X: y", RULES_NO_EXPIRES},
                  {"Expires: 0", 0},
                  {"eXPIRES :\r\n 60 ", 60},
                  {"Expires: 4294967296", 4294967295LL},
                  {"Expires: 5\r\nExpires: 6", 5},
                  {"Expires: soon", 3600},
                  {"Expires:", 3600}};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        size_t length;
        char *exact = exact_message(values[i].headers, &length);

        assert_true(params_read_expires(exact, length) == values[i].seconds);
        free(exact);
    }
}

/* ---- the clock ---- */

static void test_clock(void **state)
{
    struct clock_watch watch = {0, 0};

    (void)state;
    assert_true(clock_step(&watch, 1700000000000LL, 5000) == 0); /* the first look */
    assert_true(clock_step(&watch, 1700000030000LL, 35000) == 0);
    assert_true(clock_step(&watch, 1700000031999LL, 35000) == 0); /* a little, time and again */
    assert_true(clock_step(&watch, 1700000033998LL, 35000) == 0);
    assert_true(clock_step(&watch, 1700003634100LL, 35100) == 3600);
    assert_true(clock_step(&watch, 1700003634200LL, 35200) == 0); /* once */
    assert_true(clock_step(&watch, 1700000000000LL, 36000) == -3635);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_times),
        TEST(test_hour),
        TEST(test_all_or_nothing),
        TEST(test_star),
        TEST(test_order),
        TEST(test_remove_existing),
        TEST(test_remove_unavailable),
        TEST(test_fetch),
        TEST(test_gone),
        TEST(test_outbound),
        TEST(test_purge),
        TEST(test_record),
        TEST(test_broken_record),
        TEST(test_expires),
        TEST(test_q),
        TEST(test_expires_header),
        TEST(test_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
