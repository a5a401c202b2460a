/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config: types of pjsip.conf that are known but not supported. Their option names are here to tell
 * a misspelt one.
 */
#include "config/config.h"

#define NAME(option_name) CONFIG_LATER(option_name, NULL)
#define TABLE(table_name, type_name)                                                               \
    static const struct base_option_table table_name##_table = {.type = type_name,                 \
                                                                .options = table_name##_options}

static const struct base_option domain_alias_options[] = {CONFIG_TYPE_OPTION,
                                                          NAME("domain"),
                                                          {.name = NULL}};
TABLE(domain_alias, "domain_alias");

static const struct base_option contact_options[] = {CONFIG_TYPE_OPTION,
                                                     NAME("authenticate_qualify"),
                                                     NAME("call_id"),
                                                     NAME("endpoint"),
                                                     NAME("expiration_time"),
                                                     NAME("outbound_proxy"),
                                                     NAME("path"),
                                                     NAME("prune_on_boot"),
                                                     NAME("qualify_2xx_only"),
                                                     NAME("qualify_frequency"),
                                                     NAME("qualify_timeout"),
                                                     NAME("reg_server"),
                                                     NAME("uri"),
                                                     NAME("user_agent"),
                                                     NAME("via_addr"),
                                                     NAME("via_port"),
                                                     {.name = NULL}};
TABLE(contact, "contact");

static const struct base_option resource_list_options[] = {CONFIG_TYPE_OPTION,
                                                           NAME("event"),
                                                           NAME("full_state"),
                                                           NAME("list_item"),
                                                           NAME("notification_batch_interval"),
                                                           NAME("resource_display_name"),
                                                           {.name = NULL}};
TABLE(resource_list, "resource_list");

static const struct base_option subscription_options[] = {
    CONFIG_TYPE_OPTION, NAME("contact_uri"),    NAME("cseq"),       NAME("endpoint"),
    NAME("expires"),    NAME("generator_data"), NAME("local_name"), NAME("local_port"),
    NAME("packet"),     NAME("prune_on_boot"),  NAME("src_name"),   NAME("src_port"),
    NAME("tag"),        NAME("transport_key"),  {.name = NULL}};
TABLE(subscription, "subscription_persistence");

static const struct base_option outbound_publish_options[] = {
    CONFIG_TYPE_OPTION,        NAME("event"),      NAME("expiration"),    NAME("from_uri"),
    NAME("max_auth_attempts"), NAME("multi_user"), NAME("outbound_auth"), NAME("outbound_proxy"),
    NAME("server_uri"),        NAME("to_uri"),     NAME("transport"),     {.name = NULL}};
TABLE(outbound_publish, "outbound-publish");

static const struct base_option inbound_publication_options[] = {CONFIG_TYPE_OPTION,
                                                                 NAME("endpoint"),
                                                                 {.name = NULL}};
TABLE(inbound_publication, "inbound-publication");

static const struct base_option asterisk_publication_options[] = {
    CONFIG_TYPE_OPTION,           NAME("device_state"),  NAME("device_state_filter"),
    NAME("devicestate_publish"),  NAME("mailbox_state"), NAME("mailbox_state_filter"),
    NAME("mailboxstate_publish"), {.name = NULL}};
TABLE(asterisk_publication, "asterisk-publication");

/* It may hold any option: NULL says that they are not looked at. */
static const struct base_option_table phoneprov_table = {.type = "phoneprov"};

const struct config_type config_other_types[] = {
    {.table = &domain_alias_table},
    {.table = &contact_table},
    {.table = &resource_list_table},
    {.table = &subscription_table},
    {.table = &outbound_publish_table},
    {.table = &inbound_publication_table},
    {.table = &asterisk_publication_table},
    {.table = &phoneprov_table},
    {.table = NULL},
};
