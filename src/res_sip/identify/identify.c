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

#define NAME_SIZE 64

struct entry {
    struct ast_sip_endpoint_identifier *identifier;
    char name[NAME_SIZE]; /* empty: it has none */
    unsigned rank;        /* its place in endpoint_identifier_order; UNNAMED behind all */
    unsigned number;      /* among those of a rank, the first that came is asked first */
};

#define UNNAMED ((unsigned)-1)

/* A token that only our registrar was told says more than an address or a name: it is asked first.
 */
#define LINE "line"

static struct entry entries[MAX_IDENTIFIERS]; /* in the order in which they are asked */
static unsigned entry_count;
static unsigned next_number;
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

/* There is room. */
static void insert(const struct entry *made)
{
    unsigned i;

    for (i = entry_count;
         i > 0 && (entries[i - 1].rank > made->rank ||
                   (entries[i - 1].rank == made->rank && entries[i - 1].number > made->number));
         i--) {
        entries[i] = entries[i - 1];
    }
    entries[i] = *made;
    entry_count++;
}

int ast_sip_register_endpoint_identifier_with_name(struct ast_sip_endpoint_identifier *identifier,
                                                   const char *name)
{
    struct entry made = {.identifier = identifier, .rank = rank_of(name)};

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
    base_copy_text(made.name, sizeof(made.name), name ? name : "", name ? strlen(name) : 0);
    made.number = next_number++;
    insert(&made);
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

/* ---- reload ---- */

int sip_identify_prepare(struct sip_config *config)
{
    if (sip_identify_ip_prepare(config) == 0 && sip_identify_match_prepare(config) == 0) {
        return 0;
    }
    sip_identify_abandon();
    return -1;
}

void sip_identify_abandon(void)
{
    sip_identify_ip_abandon();
    sip_identify_match_abandon();
}

void sip_identify_commit(struct sip_config *old, struct sip_config *config)
{
    struct entry kept[MAX_IDENTIFIERS];
    unsigned count = entry_count, i;

    (void)old;
    sip_identify_ip_commit();
    sip_identify_match_commit();
    order = config->global.endpoint_identifier_order;
    memcpy(kept, entries, count * sizeof(kept[0]));
    entry_count = 0;
    for (i = 0; i < count; i++) {
        kept[i].rank = rank_of(kept[i].name[0] ? kept[i].name : NULL);
        insert(&kept[i]);
    }
}
