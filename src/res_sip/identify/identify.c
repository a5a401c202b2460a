/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: the registry of identifiers and their order. How one identifies is in its own file or
 * module.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sipsession/log.h>

#include "res_sip/identify/identify.h"

#define MAX_IDENTIFIERS 32

struct entry {
    struct ast_sip_endpoint_identifier *identifier;
    unsigned rank; /* its place in endpoint_identifier_order; UNNAMED behind all */
};

#define UNNAMED ((unsigned)-1)

/* A token that only our registrar was told says more than an address or a name: it is asked first.
 */
#define LINE "line"

static struct entry entries[MAX_IDENTIFIERS]; /* in the order in which they are asked */
static unsigned entry_count;
static const char *order = ""; /* of the configuration in force */

/* The place of a name in the order, "ip, username": blanks do not matter. */
static unsigned rank_of(const char *name)
{
    const char *at = order;
    unsigned rank;

    for (rank = 1; name && *at; rank++) {
        size_t length;

        at += strspn(at, " \t");
        length = strcspn(at, ", \t");
        if (length == strlen(name) && strncasecmp(at, name, length) == 0) {
            return rank;
        }
        at += strcspn(at, ",");
        at += *at == ',';
    }
    return name && strcmp(name, LINE) == 0 ? 0 : UNNAMED;
}

static unsigned index_of(const struct ast_sip_endpoint_identifier *identifier)
{
    unsigned i;

    for (i = 0; i < entry_count && entries[i].identifier != identifier; i++) {
    }
    return i;
}

int ast_sip_register_endpoint_identifier_with_name(struct ast_sip_endpoint_identifier *identifier,
                                                   const char *name)
{
    unsigned i, rank = rank_of(name);

    base_assert_sip_thread();
    if (!identifier->identify_endpoint || index_of(identifier) < entry_count) {
        ast_error("res_sip: identifier '%s' has no callback, or is registered already",
                  name ? name : "-");
        return -1;
    }
    if (entry_count == MAX_IDENTIFIERS) {
        ast_error("res_sip: identifier '%s' is one too many", name ? name : "-");
        return -1;
    }
    for (i = entry_count; i > 0 && entries[i - 1].rank > rank; i--) {
        entries[i] = entries[i - 1];
    }
    entries[i].identifier = identifier;
    entries[i].rank = rank;
    entry_count++;
    return 0;
}

int ast_sip_register_endpoint_identifier(struct ast_sip_endpoint_identifier *identifier)
{
    return ast_sip_register_endpoint_identifier_with_name(identifier, NULL);
}

void ast_sip_unregister_endpoint_identifier(struct ast_sip_endpoint_identifier *identifier)
{
    unsigned i = index_of(identifier);

    base_assert_sip_thread();
    if (i == entry_count) {
        return;
    }
    entry_count--;
    memmove(&entries[i], &entries[i + 1], (entry_count - i) * sizeof(entries[0]));
}

struct ast_sip_endpoint *ast_sip_identify_endpoint(pjsip_rx_data *rdata)
{
    unsigned i;

    base_assert_sip_thread();
    for (i = 0; i < entry_count; i++) {
        struct ast_sip_endpoint *endpoint = entries[i].identifier->identify_endpoint(rdata);

        if (endpoint) {
            return endpoint;
        }
    }
    return NULL;
}

int sip_identify_start(const struct sip_config *config)
{
    order = config->global.endpoint_identifier_order;
    if (!order) {
        order = "";
    }
    return sip_identify_ip_start(config) == 0 && sip_identify_username_start() == 0 &&
                   sip_identify_anonymous_start() == 0 && sip_identify_auth_start() == 0 &&
                   sip_identify_match_start(config) == 0
               ? 0
               : -1;
}

void sip_identify_stop(void)
{
    sip_identify_ip_stop();
    sip_identify_match_stop();
    entry_count = 0;
    order = "";
}
