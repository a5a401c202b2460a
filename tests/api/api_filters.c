/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An extension for each method filter: all four callbacks of each record what they saw, and the outgoing ones put
 * their name into the message, so that a test sees on the wire which ran, in which order and how often.
 */
#include "api_record.h"

static int seen_in(const char *who, const char *what, const struct ast_sip_session *session,
                   const pjsip_msg *msg)
{
    const pj_str_t *call = api_call_id(session), *method = api_method(msg);
    int status = msg->type == PJSIP_RESPONSE_MSG ? msg->line.status.code : 0;

    api_record("%s %s %.*s %d %.*s", who, what, (int)method->slen, method->ptr, status,
               (int)call->slen, call->ptr);
    return 0;
}

static void seen_out(const char *who, const char *what, const struct ast_sip_session *session,
                     pjsip_tx_data *tdata)
{
    seen_in(who, what, session, tdata->msg);
    ast_sip_add_header(tdata, "X-Hook", who);
}

#define FILTER(id, filter)                                                                         \
    static int id##_incoming_request(struct ast_sip_session *session, struct pjsip_rx_data *rdata) \
    {                                                                                              \
        return seen_in(#id, "incoming_request", session, rdata->msg_info.msg);                     \
    }                                                                                              \
    static void id##_incoming_response(struct ast_sip_session *session,                            \
                                       struct pjsip_rx_data *rdata)                                \
    {                                                                                              \
        seen_in(#id, "incoming_response", session, rdata->msg_info.msg);                           \
    }                                                                                              \
    static void id##_outgoing_request(struct ast_sip_session *session,                             \
                                      struct pjsip_tx_data *tdata)                                 \
    {                                                                                              \
        seen_out(#id, "outgoing_request", session, tdata);                                         \
    }                                                                                              \
    static void id##_outgoing_response(struct ast_sip_session *session,                            \
                                       struct pjsip_tx_data *tdata)                                \
    {                                                                                              \
        seen_out(#id, "outgoing_response", session, tdata);                                        \
    }                                                                                              \
    static struct ast_sip_session_extension id##_extension = {                                     \
        .method = (filter),                                                                        \
        .incoming_request = id##_incoming_request,                                                 \
        .incoming_response = id##_incoming_response,                                               \
        .outgoing_request = id##_outgoing_request,                                                 \
        .outgoing_response = id##_outgoing_response,                                               \
    }

FILTER(all, NULL);
FILTER(invite, "INVITE");
FILTER(ack, "ACK");
FILTER(bye, "BYE");
FILTER(prack, "PRACK");
FILTER(info, "INFO");
FILTER(update, "UPDATE");
FILTER(refer, "REFER");
FILTER(own, "FROBNICATE"); /* RFC 3261 25.1: any token is a method */
/* Never a match: part of a name, more than a name, another case (RFC 3261 7.1). */
FILTER(part, "ACK1");
FILTER(prefix, "INV");
FILTER(lower, "invite");

/* The second for INVITE: registered later, so called later. */
FILTER(invite_second, "INVITE");

static void begin(struct ast_sip_session *session)
{
    const pj_str_t *call = api_call_id(session);

    api_record("life session_begin - 0 %.*s", (int)call->slen, call->ptr);
}

static void confirmed(struct ast_sip_session *session)
{
    const pj_str_t *call = api_call_id(session);

    api_record("life session_confirmed - 0 %.*s", (int)call->slen, call->ptr);
}

static void end(struct ast_sip_session *session)
{
    const pj_str_t *call = api_call_id(session);

    api_record("life session_end - %d %.*s", ast_sip_session_get_end_status(session),
               (int)call->slen, call->ptr);
}

static struct ast_sip_session_extension life_extension = {.method = "NONE",
                                                          .session_begin = begin,
                                                          .session_confirmed = confirmed,
                                                          .session_end = end};

static struct ast_sip_session_extension *const extensions[] = {
    &all_extension,           &invite_extension, &ack_extension,    &bye_extension,
    &prack_extension,         &info_extension,   &update_extension, &refer_extension,
    &own_extension,           &part_extension,   &prefix_extension, &lower_extension,
    &invite_second_extension, &life_extension,
};

static int init(void)
{
    for (size_t i = 0; i < PJ_ARRAY_SIZE(extensions); i++) {
        if (ast_sip_session_register_extension(extensions[i])) {
            return -1;
        }
    }
    /* twice is refused and changes nothing */
    api_record("twice %d", ast_sip_session_register_extension(&all_extension));
    return 0;
}

static void done(void)
{
    for (size_t i = 0; i < PJ_ARRAY_SIZE(extensions); i++) {
        ast_sip_session_unregister_extension(extensions[i]);
    }
}

AST_SIP_MODULE(.name = "api_filters", .description = "Test: one extension for each method filter",
               .init = init, .close = done);
