/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses as headers list them: `"Name" <sip:user@host>;param=value, ...` (name-addr and
 * addr-spec, RFC 3261 20.10, 25.1), between text and identities.
 *
 * Threads: any; nothing here keeps anything. What a parser gives are parts of the text that it was
 * given, with that text's life.
 */
#ifndef SIPSESSION_ADDRESS_H
#define SIPSESSION_ADDRESS_H

#include <pjsip.h>
#include <sipsession/party.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*! \brief One address of a header; borrowed parts of its text */
struct ast_sip_address {
    pj_str_t display; /*!< of a quoted string what is between its quotes, escapes not undone */
    pj_str_t uri;     /*!< without angle brackets */
    pj_str_t params;  /*!< what follows it: empty, or begins with its first ';' */
};

/*!
 * \brief Take the next address off a list that commas separate (RFC 3261 7.3.1)
 *
 * \param[in,out] rest The list; goes on behind what was taken
 * \param[out] address Filled when 1 is returned, else untouched
 * \retval 1 An address
 * \retval 0 There is none any more
 * \retval -1 What stood there is no address; the list goes on behind it
 */
int ast_sip_address_next(pj_str_t *rest, struct ast_sip_address *address);

/*!
 * \brief The addresses of all headers of a name in a received message, in their order
 *
 * What is no address is passed over.
 * \return How many there were, at most `most`
 */
unsigned ast_sip_addresses_of(const pjsip_msg *msg, const char *name,
                              struct ast_sip_address *addresses, unsigned most);

/*!
 * \brief A parameter of an address, or of what is written alike (`;name=value;name="value"`)
 *
 * \param params As of struct ast_sip_address
 * \param name Case does not matter
 * \param[out] value Its value without quotes, empty when it has none; untouched when it is not
 * there \retval 1 It is there \retval 0 It is not
 */
int ast_sip_address_param(const pj_str_t *params, const char *name, pj_str_t *value);

/*!
 * \brief Whom an address names: its display name and the user of its sip, sips or tel URI,
 * unescaped
 *
 * Octets that are no UTF-8 and control characters become '?'. The presentation is
 * AST_PARTY_ALLOWED, unless the address is anonymous (RFC 3323 4.1.1.3: then AST_PARTY_RESTRICTED).
 * \retval 0 Success
 * \retval -1 It names nobody; id is untouched
 */
int ast_sip_address_party(const struct ast_sip_address *address, struct ast_party_id *id);

/*!
 * \brief Write an identity as a name-addr: `"Name" <sip:number@host>`
 *
 * \param id Its name may be empty. With no number the URI has no user.
 * \param host A host of RFC 3261 25.1, with its port if it has one
 * \param[out] out The text; untouched on failure
 * \retval >0 Its length
 * \retval -1 It does not fit
 */
int ast_sip_address_print(const struct ast_party_id *id, const char *host, char *out, size_t size);

/*! \brief The room that ast_sip_address_print needs at most, for a host of up to 255 octets */
#define AST_SIP_ADDRESS_SIZE (5 * AST_PARTY_TEXT_SIZE + 300)

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
