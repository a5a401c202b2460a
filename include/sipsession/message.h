/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text messages outside of calls (RFC 3428), the sending side: a MESSAGE to an endpoint, wherever it
 * is. Those that come are requests like others: a service sees them (ast_sip_register_service), and
 * the module `message` takes them into the dialplan; one that wants to see them before registers
 * with a priority below PJSIP_MOD_PRIORITY_APPLICATION.
 *
 * Threads: the SIP thread.
 */
#ifndef SIPSESSION_MESSAGE_H
#define SIPSESSION_MESSAGE_H

#include <sipsession/res_sip.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*! \brief A message to send; all of it is borrowed. Begin with ast_sip_message_init. */
struct ast_sip_message {
    /*!
     * Who it is from; NULL: the endpoint's own From. `from_user` and `from_domain` of the endpoint
     * overrule it. One whose presentation is restricted is anonymous (RFC 3323 4.1.1.3), unless the
     * endpoint has trust_id_outbound: then it is named, with `Privacy: id` (RFC 3325). `send_pai`
     * adds P-Asserted-Identity.
     */
    const struct ast_party_id *from;
    const char *from_host;    /*!< host of From, with its port if any; NULL: ours */
    const char *to;           /*!< To, a URI or a name-addr; NULL: the URI that it goes to */
    const char *content_type; /*!< never NULL; "text/plain" to begin with */
    const char *body;         /*!< never NULL; any octets */
    size_t length;            /*!< of the body, in octets */
    const struct ast_sip_variable *headers; /*!< further header fields; NULL: none */
};

/*! \brief A message on its way; opaque */
struct ast_sip_message_sending;

/*! \brief What ast_sip_message_send returns */
enum ast_sip_message_result {
    AST_SIP_MESSAGE_SENT = 0,         /*!< it is on its way: the callback will be called */
    AST_SIP_MESSAGE_FAILED,           /*!< it cannot be sent; logged */
    AST_SIP_MESSAGE_INVALID_PROTOCOL, /*!< the destination's scheme is none that we have; logged */
    AST_SIP_MESSAGE_INVALID_DESTINATION /*!< no endpoint, or no SIP URI; logged */
};

/*! \brief An empty text/plain from the endpoint's own From */
void ast_sip_message_init(struct ast_sip_message *message);

/*!
 * \brief Send a MESSAGE outside of any dialog (RFC 3428 4)
 *
 * The destination is `pjsip:` and one of
 *  - `endpoint` or `endpoint@domain`: the contacts of its AORs, the best q first. The next one is
 *    asked when one does not answer, cannot be reached, or says 408 or 503; redirections (3xx) are
 *    followed with `follow_redirect_methods = message`. The name of an AOR
 *    stands for its endpoint, too. The domain does not matter.
 *  - `endpoint/aor`: the contacts of this AOR of it
 *  - `endpoint/sip:user@host`, also as a name-addr or without `sip:`: this URI
 *  - `user@host` whose user is no endpoint, or a SIP URI: this URI, with the settings of
 *    `default_outbound_endpoint`
 * or a SIP URI without `pjsip:` before it, which means the last one. The endpoint's outbound_proxy,
 * outbound_auth and transport hold. RFC 3428 8: a request of more than 1300 octets goes by TCP
 * where it would go by UDP.
 *
 * \param destination See above
 * \param message Copied
 * \param token Given to the callback
 * \param callback Called once, never before this has returned: with the final status, 408 when there
 *                 was no answer, 503 when nobody could be reached. It may be NULL.
 * \param[out] sending Gets the message on its way, borrowed: valid until the callback has begun, for
 *                     ast_sip_message_forget. May be NULL; untouched on failure.
 * \return enum ast_sip_message_result
 */
enum ast_sip_message_result ast_sip_message_send(const char *destination,
                                                 const struct ast_sip_message *message, void *token,
                                                 void (*callback)(void *token, int status),
                                                 struct ast_sip_message_sending **sending);

/*! \brief Nobody wants to know any more what comes of it: the callback is not called. It goes on. */
void ast_sip_message_forget(struct ast_sip_message_sending *sending);

/*!
 * \brief Whether a message may be given this header field
 *
 * \retval 1 It may
 * \retval 0 It is no header field name (RFC 3261 25.1), or one that the stack sees to: addresses,
 *           routes, credentials, sizes, what is required. Content-Type is content_type's.
 */
int ast_sip_message_header_allowed(const char *name);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
