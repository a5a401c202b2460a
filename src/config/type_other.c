/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: types of pjsip.conf that are known but not supported. Their option names are here to tell
 * a misspelt one, and for the reference page.
 */
#include "config/config.h"

#define NAME(option_name, default_value) CONFIG_LATER(option_name, default_value, NULL)

static const struct base_option contact_options[] = {
    CONFIG_TYPE_OPTION,
    NAME("authenticate_qualify", NULL),
    NAME("call_id", NULL),
    NAME("endpoint", NULL),
    NAME("expiration_time", NULL),
    NAME("outbound_proxy", NULL),
    NAME("path", NULL),
    NAME("prune_on_boot", NULL),
    NAME("qualify_2xx_only", NULL),
    NAME("qualify_frequency", "0"),
    NAME("qualify_timeout", "3.0"),
    NAME("reg_server", NULL),
    NAME("uri", NULL),
    NAME("user_agent", NULL),
    NAME("via_addr", NULL),
    NAME("via_port", NULL),
    {.name = NULL},
};

static const struct base_option_table contact_table = {
    .type = "contact",
    .help =
        "What is kept of a registration. Here it is in the file of `[store]` of `sipsession.conf`, and not configured; `contact` of an aor says contacts that are always there.",
    .options = contact_options,
};

static const struct base_option resource_list_options[] = {
    CONFIG_TYPE_OPTION,
    NAME("event", NULL),
    NAME("full_state", "no"),
    NAME("list_item", NULL),
    NAME("notification_batch_interval", "0"),
    NAME("resource_display_name", "no"),
    {.name = NULL},
};

static const struct base_option_table resource_list_table = {
    .type = "resource_list",
    .help =
        "Lists of states that can be subscribed to together (RFC 4662). There are no subscriptions.",
    .options = resource_list_options,
};

static const struct base_option subscription_persistence_options[] = {
    CONFIG_TYPE_OPTION,          NAME("contact_uri", NULL),   NAME("cseq", NULL),
    NAME("endpoint", NULL),      NAME("expires", NULL),       NAME("generator_data", NULL),
    NAME("local_name", NULL),    NAME("local_port", NULL),    NAME("packet", NULL),
    NAME("prune_on_boot", NULL), NAME("src_name", NULL),      NAME("src_port", NULL),
    NAME("tag", NULL),           NAME("transport_key", NULL), {.name = NULL},
};

static const struct base_option_table subscription_persistence_table = {
    .type = "subscription_persistence",
    .help = "What is kept of a subscription. There are no subscriptions.",
    .options = subscription_persistence_options,
};

static const struct base_option outbound_publish_options[] = {
    CONFIG_TYPE_OPTION,
    NAME("event", NULL),
    NAME("expiration", "3600"),
    NAME("from_uri", NULL),
    NAME("max_auth_attempts", "5"),
    NAME("multi_user", "no"),
    NAME("outbound_auth", NULL),
    NAME("outbound_proxy", NULL),
    NAME("server_uri", NULL),
    NAME("to_uri", NULL),
    NAME("transport", NULL),
    {.name = NULL},
};

static const struct base_option_table outbound_publish_table = {
    .type = "outbound-publish",
    .help = "States that are published to somebody else (RFC 3903). Nothing is published.",
    .options = outbound_publish_options,
};

static const struct base_option inbound_publication_options[] = {
    CONFIG_TYPE_OPTION,
    NAME("endpoint", NULL),
    {.name = NULL},
};

static const struct base_option_table inbound_publication_table = {
    .type = "inbound-publication",
    .help = "States that others publish to us (RFC 3903). PUBLISH is refused.",
    .options = inbound_publication_options,
};

static const struct base_option asterisk_publication_options[] = {
    CONFIG_TYPE_OPTION,
    NAME("device_state", "no"),
    NAME("device_state_filter", NULL),
    NAME("devicestate_publish", NULL),
    NAME("mailbox_state", "no"),
    NAME("mailbox_state_filter", NULL),
    NAME("mailboxstate_publish", NULL),
    {.name = NULL},
};

static const struct base_option_table asterisk_publication_table = {
    .type = "asterisk-publication",
    .help = "States of devices and mailboxes among servers. There are none.",
    .options = asterisk_publication_options,
};

/* The name "*" is every name. */
static const struct base_option phoneprov_options[] = {
    CONFIG_TYPE_OPTION,    NAME("*", NULL),        NAME("MAC", NULL),
    NAME("PROFILE", NULL), NAME("endpoint", NULL), {.name = NULL},
};

static const struct base_option_table phoneprov_table = {
    .type = "phoneprov",
    .help =
        "Files that phones fetch over HTTP to configure themselves. There is no HTTP; it may hold any option.",
    .options = phoneprov_options,
};

static const struct base_option wizard_options[] = {
    CONFIG_TYPE_OPTION,
    NAME("accepts_auth", "no"),
    NAME("accepts_registrations", "no"),
    NAME("aor/*", NULL),
    NAME("client_uri_pattern", "sip:${USERNAME}@${REMOTE_HOST}"),
    NAME("contact_pattern", "sip:${REMOTE_HOST}"),
    NAME("endpoint/*", NULL),
    NAME("has_hint", "no"),
    NAME("has_phoneprov", "no"),
    NAME("hint_application", NULL),
    NAME("hint_context", "endpoint/context or 'default'"),
    NAME("hint_exten", NULL),
    NAME("identify/*", NULL),
    NAME("inbound_auth/*", NULL),
    NAME("outbound_auth/*", NULL),
    NAME("outbound_proxy", NULL),
    NAME("phoneprov/*", NULL),
    NAME("registration/*", NULL),
    NAME("remote_hosts", NULL),
    NAME("sends_auth", "no"),
    NAME("sends_line_with_registrations", "no"),
    NAME("sends_registrations", "no"),
    NAME("server_uri_pattern", "sip:${REMOTE_HOST}"),
    NAME("transport", NULL),
    {.name = NULL},
};

static const struct base_option_table wizard_table = {
    .type = "wizard",
    .help =
        "Makes endpoint, aor, auth, identify and registration out of one section, in the file `pjsip_wizard.conf`. Write them as sections of their own; a template `[name](!)` holds what they have in common.",
    .options = wizard_options,
};

const struct config_type config_other_types[] = {
    {.table = &contact_table},
    {.table = &resource_list_table},
    {.table = &subscription_persistence_table},
    {.table = &outbound_publish_table},
    {.table = &inbound_publication_table},
    {.table = &asterisk_publication_table},
    {.table = &phoneprov_table},
    {.table = &wizard_table},
    {.table = NULL},
};
