/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request from the network, given to what decides who sent it and whether it may: identifiers,
 * our authenticator, access lists of Contacts. Nobody gets in without the password; what is
 * answered can be written.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pjlib-util.h>
#include <pjlib.h>
#include <pjsip.h>
#include <pjsip_ua.h>

#include <sipsession/log.h>

#include "res_sip/access/access.h"
#include "res_sip/auth/auth.h"
#include "res_sip/guard/guard.h"
#include "res_sip/identify/identify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static pj_caching_pool caching;
static struct ast_sip_endpoint *endpoint; /* of all algorithms, and a list of Contacts */

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void add_endpoint(struct sip_config *config, const char *name, unsigned identify_by)
{
    struct sip_network network = {.address.addr.sa_family = PJ_AF_INET, .prefix = 1};
    struct sip_endpoint_entry *entry = calloc(1, sizeof(*entry));
    int i;

    endpoint = ast_sip_endpoint_create(name);
    require(entry && endpoint);
    for (i = 0; i < AST_SIP_DIGEST_ALGORITHMS; i++) {
        const struct ast_sip_auth auth = {.algorithm = i,
                                          .realm = (char *)"r",
                                          .username = (char *)"u",
                                          .nonce_lifetime = 32};

        require(ast_sip_endpoint_add_auth(endpoint, &auth, AST_SIP_CREDENTIAL_PASSWORD,
                                          "what nobody guesses") == 0);
    }
    require(sip_acl_add(sip_acl_append(&endpoint->contact_acl, "a"), &network, 0) == 0);
    endpoint->identify_by = identify_by;
    entry->endpoint = endpoint;
    entry->next = config->endpoints;
    config->endpoints = entry;
}

static void start(void)
{
    struct sip_config *config = sip_config_create();
    struct sip_identify_config *identify = calloc(1, sizeof(*identify));

    ast_log_set_level(AST_LOG_ERROR);
    pj_log_set_level(0);
    require(config && identify && pj_init() == PJ_SUCCESS && pjlib_util_init() == PJ_SUCCESS);
    pj_caching_pool_init(&caching, NULL, 0);
    require(pjsip_endpt_create(&caching.factory, "fuzz", &sip_endpt) == PJ_SUCCESS);
    require(pjsip_tsx_layer_init_module(sip_endpt) == PJ_SUCCESS);
    require(pjsip_ua_init_module(sip_endpt, NULL) == PJ_SUCCESS);
    add_endpoint(config, "h", AST_SIP_IDENTIFY_BY_HEADER | AST_SIP_IDENTIFY_BY_REQUEST_URI);
    add_endpoint(config, "u", AST_SIP_IDENTIFY_BY_AUTH_USERNAME | AST_SIP_IDENTIFY_BY_USERNAME);
    identify->name = strdup("i");
    identify->endpoint = strdup("h");
    identify->match_header = strdup("Contact: /^<(sip|sips):.*(a|b)+>/");
    identify->match_request_uri = strdup("/[0-9]{3,}@/");
    config->identifies = identify;
    config->authentication.without_qop = 1;
    require(sip_config_use(config) == 0 && sip_identify_start(config) == 0 &&
            sip_authenticate_start(config) == 0);
}

static void check(pjsip_rx_data *rdata, struct ast_sip_endpoint *of)
{
    pjsip_tx_data *tdata;

    if (pjsip_endpt_create_response(sip_endpt, rdata, 401, NULL, &tdata) != PJ_SUCCESS) {
        return;
    }
    require(ast_sip_check_authentication(of, rdata, tdata) != AST_SIP_AUTHENTICATION_SUCCESS);
    pjsip_tx_data_encode(tdata);
    pjsip_tx_data_dec_ref(tdata);
}

static void use(pjsip_rx_data *rdata)
{
    struct ast_sip_endpoint *found = ast_sip_identify_endpoint(rdata);

    ast_sip_endpoint_unref(found);
    check(rdata, endpoint);
    check(rdata, ast_sip_get_artificial_endpoint());
    sip_access_contacts(endpoint->contact_acl, endpoint, rdata);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char packet[PJSIP_MAX_PKT_LEN + 1];
    static pjsip_rx_data rdata;
    static struct sip_guard_limits limits;
    const pj_str_t source = SIP_STR("192.0.2.1");
    struct sip_guard_found found;
    pj_pool_t *pool;

    if (!sip_endpt) {
        start();
        sip_guard_defaults(&limits);
    }
    if (size == 0 || size > PJSIP_MAX_PKT_LEN) {
        return 0;
    }
    memcpy(packet, data, size);
    packet[size] = '\0';
    if (sip_guard_message(&limits, packet, size, 1, &found)) {
        return 0;
    }
    pool = pj_pool_create(&caching.factory, "fuzz", 4000, 4000, NULL);
    memset(&rdata, 0, sizeof(rdata));
    rdata.tp_info.pool = pool;
    rdata.pkt_info.src_port = 5060;
    strcpy(rdata.pkt_info.src_name, source.ptr);
    pj_sockaddr_init(PJ_AF_INET, &rdata.pkt_info.src_addr, &source, 5060);
    pj_list_init(&rdata.msg_info.parse_err);
    rdata.msg_info.msg_buf = packet;
    rdata.msg_info.len = (int)size;
    /* as PJSIP's transport manager does, before any module of ours sees it */
    if (pjsip_parse_rdata(packet, size, &rdata) && pj_list_empty(&rdata.msg_info.parse_err) &&
        rdata.msg_info.cid && rdata.msg_info.from && rdata.msg_info.to && rdata.msg_info.cseq &&
        rdata.msg_info.via && rdata.msg_info.msg->type == PJSIP_REQUEST_MSG) {
        use(&rdata);
    }
    pj_pool_release(pool);
    return 0;
}
