/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another configuration while everything runs: what is told of contacts, what is refused, what a transport becomes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "res_sip/core.h"
#include "res_sip/location/location.h"
#include "res_sip/transport/transport.h"

static char events[600];

static void on_event(const char *aor, const struct ast_sip_contact *contact,
                     enum ast_sip_contact_event event)
{
    size_t used = strlen(events);

    snprintf(events + used, sizeof(events) - used, "%s%s %s|",
             event == AST_SIP_CONTACT_ADDED     ? "+"
             : event == AST_SIP_CONTACT_REMOVED ? "-"
                                                : "=",
             aor, contact->uri);
}

static struct ast_sip_contact_observer observer = {.event = on_event};

static void observe(void)
{
    events[0] = '\0';
    ast_sip_register_contact_observer(&observer);
}

/* contacts: URIs separated by blanks. */
static void add_aor(struct sip_config *config, const char *name, const char *contacts,
                    unsigned qualify)
{
    struct sip_aor_entry *entry = calloc(1, sizeof(*entry));
    struct ast_sip_contact **end;
    char *copy = strdup(contacts), *rest = copy, *uri;

    entry->aor = ast_sip_aor_create(name);
    entry->aor->qualify_frequency = qualify;
    end = &entry->aor->contacts;
    while ((uri = strsep(&rest, " ")) && *uri) {
        *end = ast_sip_contact_create(uri);
        end = &(*end)->next;
    }
    free(copy);
    sip_config_add_aor(config, entry);
}

static struct sip_config *main_config(void)
{
    return test_config("127.0.0.1", SIP_TRANSPORT_UDP);
}

/* Runs on the SIP thread; the events of it alone are in events. */
static void reload_now(void *config)
{
    events[0] = '\0';
    assert_int_equal(sip_reload_prepare(config), 0);
    assert_string_equal(events, "");
    sip_reload_commit();
    assert_ptr_equal(sip_get_config(), config);
}

static void check_events(struct sip_config *config, const char *expected)
{
    test_call(reload_now, config);
    assert_string_equal(events, expected);
}

static void set_registered(void *uri)
{
    struct ast_sip_contact *contact = uri ? ast_sip_contact_create(uri) : NULL;

    if (contact) {
        contact->expires = 4000000000ll;
    }
    ast_sip_location_set("a", contact);
    ast_sip_contact_set_state("a", uri ? uri : "", AST_SIP_CONTACT_REACHABLE, 5);
}

static void check_contacts(void *expected)
{
    const struct ast_sip_contact *contact = ast_sip_aor_contacts("a");
    char text[300] = "";

    for (; contact; contact = contact->next) {
        sprintf(text + strlen(text), "%s%s ", contact->uri,
                contact->state == AST_SIP_CONTACT_REACHABLE ? "!" : "");
    }
    assert_string_equal(text, expected);
}

static void test_contacts(void **state)
{
    struct sip_config *config = main_config();

    (void)state;
    add_aor(config, "a", "sip:1 sip:2", 0);
    test_start(config, observe);
    assert_string_equal(events, "+a sip:1|+a sip:2|");
    test_call(set_registered, (void *)"sip:9");

    config = main_config();
    add_aor(config, "a", "sip:1 sip:2", 0);
    check_events(config, "");
    test_call(check_contacts, (void *)"sip:1 sip:2 sip:9! ");

    config = main_config();
    add_aor(config, "a", "sip:3 sip:2 sip:9", 0); /* one is registered as well */
    add_aor(config, "b", "sip:4", 0);
    check_events(config, "+b sip:4|-a sip:1|+a sip:3|");
    test_call(check_contacts, (void *)"sip:3 sip:2 sip:9 sip:9! ");

    config = main_config(); /* their AORs are gone, what is registered is not */
    check_events(config, "-a sip:3|-a sip:2|-b sip:4|");
    test_call(check_contacts, (void *)"sip:9! ");

    config = main_config();
    add_aor(config, "a", "", 0);
    check_events(config, "");
    config = main_config(); /* it begins to be asked */
    add_aor(config, "a", "", 10);
    check_events(config, "+a sip:9|");
    config = main_config();
    add_aor(config, "a", "", 20);
    check_events(config, "");
    test_call(check_contacts, (void *)"sip:9! ");
    test_stop();
}

/* ---- what cannot be done is not done ---- */

static struct ast_sip_endpoint *kept;

static void keep_endpoint(void *name)
{
    kept = ast_sip_get_endpoint(name);
    assert_non_null(kept);
    assert_ptr_equal(sip_endpoint_now(kept), kept);
}

static void check_kept(void *name)
{
    struct ast_sip_endpoint *now = sip_endpoint_now(kept);

    if (name) {
        assert_ptr_not_equal(now, kept);
        assert_string_equal(now->context, name);
    } else {
        assert_ptr_equal(now, kept);
    }
}

static void drop_kept(void *unused)
{
    (void)unused;
    ast_sip_endpoint_unref(kept);
}

static struct sip_config *config_with(const char *name, const char *context)
{
    struct sip_config *config = main_config();
    struct ast_sip_endpoint *endpoint = test_add_endpoint(config, name);

    free(endpoint->context);
    endpoint->context = strdup(context);
    return config;
}

static void refuse_now(void *config)
{
    const struct sip_config *before = sip_get_config();
    struct sip_transport *first = sip_transports();

    assert_int_equal(sip_reload_prepare(config), -1);
    assert_ptr_equal(sip_get_config(), before);
    assert_ptr_equal(sip_transports(), first);
    assert_null(first->next);
    sip_config_destroy(config);
    assert_null(ast_sip_get_endpoint("new"));
    check_contacts((void *)"");
}

static void abandon_now(void *config)
{
    const struct sip_config *before = sip_get_config();

    assert_int_equal(sip_reload_prepare(config), 0);
    sip_reload_abandon();
    assert_ptr_equal(sip_get_config(), before);
    assert_null(sip_transports()->next);
    sip_config_destroy(config);
}

static void test_refusal(void **state)
{
    struct sip_config *config;

    (void)state;
    test_start(config_with("old", "first"), NULL);
    test_call(keep_endpoint, (void *)"old");
    for (int i = 0; i < 3; i++) {
        config = config_with("new", "other");
        test_add_identify(config, "new", "127.0.0.0/8");
        add_aor(config, "a", "sip:1", 5);
        config->access.rate = 5;
        config->global.debug = 1;
        test_add_transport(config, "fine", "127.0.0.2", SIP_TRANSPORT_UDP);
        test_add_transport(config, "stream", "127.0.0.2", SIP_TRANSPORT_TCP);
        test_add_transport(config, "nowhere", "192.0.2.1", SIP_TRANSPORT_UDP);
        test_call(refuse_now, config);

        config = config_with("new", "other");
        add_aor(config, "a", "sip:1", 5);
        config->global.debug = 1;
        test_add_transport(config, "fine", "127.0.0.2", SIP_TRANSPORT_UDP);
        test_add_transport(config, "stream", "127.0.0.2", SIP_TRANSPORT_TCP);
        test_call(abandon_now, config);
    }
    test_call(check_kept, NULL);
    test_call(reload_now, config_with("old", "second"));
    test_call(check_kept, (void *)"second");
    test_call(reload_now, config_with("new", "third"));
    test_call(check_kept, NULL); /* nothing has its name any more */
    test_call(drop_kept, NULL);
    test_stop();
}

/* ---- transports ---- */

static void check_main(void *tos)
{
    const struct sip_transport *transport = sip_transports();

    assert_string_equal(transport->config->name, "main");
    assert_int_equal(transport->config->tos, *(int *)tos);
    assert_ptr_equal(transport->config, sip_get_config()->transports);
    assert_null(sip_transports_retired());
}

static struct sip_config *config_with_tos(int tos, int allow)
{
    struct sip_config *config = main_config();

    config->transports->tos = tos;
    config->transports->allow_reload = allow;
    return config;
}

/* What is said to be in force is what is in force. */
static void test_a_transport_that_stays(void **state)
{
    int first = 0x20, second = 0x40;

    (void)state;
    test_start(config_with_tos(first, 0), NULL);
    test_call(check_main, &first);
    test_call(reload_now, config_with_tos(second, 0));
    test_call(check_main, &first);
    test_call(reload_now, config_with_tos(second, 0));
    test_call(check_main, &first);
    test_call(reload_now, config_with_tos(second, 1));
    test_call(check_main, &second);
    test_call(reload_now, config_with_tos(first, 1));
    test_call(check_main, &first);
    test_stop();
}

static void count_transports(void *count)
{
    const struct sip_config *config = sip_get_config();
    const struct sip_transport_config *one = config->transports;
    int configured = 0, open = 0;

    for (; one; one = one->next) {
        configured++;
    }
    for (const struct sip_transport *at = sip_transports(); at; at = at->next) {
        open++;
    }
    assert_int_equal(configured, *(int *)count);
    assert_int_equal(open, *(int *)count);
}

/* One that is not configured any more stays part of what is in force, or goes. */
static void test_a_transport_that_is_gone(void **state)
{
    struct sip_config *config;
    int one = 1, two = 2;

    (void)state;
    for (int protocol = SIP_TRANSPORT_UDP; protocol <= SIP_TRANSPORT_TCP; protocol++) {
        test_start(main_config(), NULL);
        config = main_config();
        test_add_transport(config, "more", "127.0.0.2", protocol);
        test_call(reload_now, config);
        test_call(count_transports, &two);
        test_call(reload_now, main_config());
        test_call(count_transports, &two);
        for (int i = 0; i < 3; i++) {
            config = main_config();
            test_add_transport(config, "more", "127.0.0.2", protocol)->allow_reload = 1;
            test_call(reload_now, config);
            test_call(count_transports, &two);
            test_call(reload_now, main_config());
            test_call(count_transports, &one);
        }
        test_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contacts),
        cmocka_unit_test(test_refusal),
        cmocka_unit_test(test_a_transport_that_stays),
        cmocka_unit_test(test_a_transport_that_is_gone),
    };

    return cmocka_run_group_tests_name("res_sip reload", tests, NULL, NULL);
}
