/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * res_sip: a header of a request, or its request URI, names an endpoint, by `type=identify` with
 * match_header or match_request_uri. The first section that matches wins. A text between slashes is
 * a regular expression (POSIX, extended), of the operator's making: nothing that a peer sends is
 * compiled.
 */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include <sipsession/log.h>

#include "res_sip/identify/identify.h"

#define MAX_TEXT 2048 /* a longer header or URI matches nothing */

struct match {
    struct match *next;
    const char *endpoint; /* the configuration's */
    const char *name;     /* of a section, for what is logged */
    char *header;         /* NULL: the request URI */
    char *value;          /* NULL: the regular expression */
    regex_t regex;
};

static struct match *matches, *prepared;

int sip_match_is_regex(const char *value, char *out, size_t size)
{
    size_t length = strlen(value);

    if (length < 2 || value[0] != '/' || value[length - 1] != '/' || length - 1 > size) {
        return 0;
    }
    memcpy(out, value + 1, length - 2);
    out[length - 2] = '\0';
    return 1;
}

static void free_match(struct match *match)
{
    if (!match->value) {
        regfree(&match->regex);
    }
    free(match->header);
    free(match->value);
    free(match);
}

/* 0; -1 logged. */
static int set_value(struct match *match, const char *value)
{
    char regex[MAX_TEXT];

    if (!sip_match_is_regex(value, regex, sizeof(regex))) {
        match->value = strdup(value);
        return match->value ? 0 : -1;
    }
    if (regcomp(&match->regex, regex, REG_EXTENDED | REG_NOSUB) != 0) {
        match->value = strdup(""); /* there is nothing to free */
        return -1;
    }
    return 0;
}

/* 0; -1 logged. header_length 0: of the request URI. */
static int add(struct match **end, const struct sip_identify_config *config, const char *header,
               size_t header_length, const char *value)
{
    struct match *match = calloc(1, sizeof(*match));

    if (!match) {
        goto failed;
    }
    match->endpoint = config->endpoint;
    match->name = config->name;
    if (set_value(match, value) != 0 ||
        (header_length && !(match->header = strndup(header, header_length)))) {
        goto failed;
    }
    while (*end) {
        end = &(*end)->next;
    }
    *end = match;
    return 0;
failed:
    ast_error("identify '%s': no memory, or no regular expression: %s", config->name, value);
    if (match) {
        free_match(match);
    }
    return -1;
}

static int is_match(const struct match *match, const char *text)
{
    return match->value ? strcmp(match->value, text) == 0
                        : regexec(&match->regex, text, 0, NULL, 0) == 0;
}

/* 1: one of the headers of the match's name has the value. */
static int has_header(const struct match *match, const pjsip_msg *msg)
{
    const pj_str_t name = sip_str(match->header);
    char text[MAX_TEXT];
    const pjsip_hdr *header;

    for (header = msg->hdr.next; header != &msg->hdr; header = header->next) {
        char line[MAX_TEXT + 300];
        const char *value;
        int length;

        if (pj_stricmp(&header->name, &name) != 0) {
            continue;
        }
        length = pjsip_hdr_print_on((void *)header, line, sizeof(line) - 1);
        if (length <= 0) {
            continue;
        }
        line[length] = '\0';
        value = strchr(line, ':');
        if (!value) {
            continue;
        }
        value += 1 + strspn(value + 1, " \t");
        base_copy_text(text, sizeof(text), value, strlen(value));
        if (is_match(match, text)) {
            return 1;
        }
    }
    return 0;
}

static int has_request_uri(const struct match *match, const pjsip_msg *msg)
{
    char text[MAX_TEXT];
    int length = pjsip_uri_print(PJSIP_URI_IN_REQ_URI, msg->line.req.uri, text, sizeof(text) - 1);

    if (length <= 0) {
        return 0;
    }
    text[length] = '\0';
    return is_match(match, text);
}

/* A new reference, or NULL. */
static struct ast_sip_endpoint *find(pjsip_rx_data *rdata, int by_header, unsigned way)
{
    const struct match *match;

    for (match = matches; match; match = match->next) {
        struct ast_sip_endpoint *endpoint;

        if ((match->header != NULL) != by_header ||
            !(by_header ? has_header(match, rdata->msg_info.msg)
                        : has_request_uri(match, rdata->msg_info.msg))) {
            continue;
        }
        endpoint = ast_sip_get_endpoint(match->endpoint);
        if (endpoint && (endpoint->identify_by & way)) {
            return endpoint;
        }
        ast_sip_endpoint_unref(endpoint);
    }
    return NULL;
}

static struct ast_sip_endpoint *identify_header(pjsip_rx_data *rdata)
{
    return find(rdata, 1, AST_SIP_IDENTIFY_BY_HEADER);
}

static struct ast_sip_endpoint *identify_request_uri(pjsip_rx_data *rdata)
{
    return find(rdata, 0, AST_SIP_IDENTIFY_BY_REQUEST_URI);
}

static struct ast_sip_endpoint_identifier by_header = {.identify_endpoint = identify_header};
static struct ast_sip_endpoint_identifier by_request_uri = {.identify_endpoint =
                                                                identify_request_uri};

static void free_list(struct match **list)
{
    while (*list) {
        struct match *next = (*list)->next;

        free_match(*list);
        *list = next;
    }
}

/* 0; -1 logged, with a part of it made. */
static int make_list(const struct sip_config *config, struct match **list)
{
    const struct sip_identify_config *one;

    for (one = config->identifies; one; one = one->next) {
        const char *colon = one->match_header ? strchr(one->match_header, ':') : NULL;

        if (colon) {
            size_t length = (size_t)(colon - one->match_header);

            while (length > 0 && one->match_header[length - 1] == ' ') {
                length--;
            }
            if (length == 0 || add(list, one, one->match_header, length,
                                   colon + 1 + strspn(colon + 1, " \t")) != 0) {
                return -1;
            }
        }
        if (one->match_request_uri && add(list, one, NULL, 0, one->match_request_uri) != 0) {
            return -1;
        }
    }
    return 0;
}

int sip_identify_match_start(const struct sip_config *config)
{
    return make_list(config, &matches) == 0 &&
                   ast_sip_register_endpoint_identifier_with_name(&by_header, "header") == 0 &&
                   ast_sip_register_endpoint_identifier_with_name(&by_request_uri, "request_uri") ==
                       0
               ? 0
               : -1;
}

void sip_identify_match_stop(void)
{
    free_list(&matches);
}

int sip_identify_match_prepare(const struct sip_config *config)
{
    return make_list(config, &prepared);
}

void sip_identify_match_abandon(void)
{
    free_list(&prepared);
}

void sip_identify_match_commit(void)
{
    free_list(&matches);
    matches = prepared;
    prepared = NULL;
}
