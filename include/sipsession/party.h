/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is on a call: plain values without pointers, copied by assignment, freed by nobody.
 */
#ifndef SIPSESSION_PARTY_H
#define SIPSESSION_PARTY_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*! \brief Who may be shown an identity (RFC 3323, RFC 3325) */
enum ast_party_presentation {
    AST_PARTY_ALLOWED,    /*!< it may be shown */
    AST_PARTY_RESTRICTED, /*!< the party asked that it is not shown */
    AST_PARTY_UNAVAILABLE /*!< there is none */
};

#define AST_PARTY_TEXT_SIZE 128

/*! \brief An identity: a display name and a number (or the user part of an address), and who may be
 * shown it */
struct ast_party_id {
    char name[AST_PARTY_TEXT_SIZE]; /*!< UTF-8, ends with NUL; empty: none. Cut at a character when
                                       too long */
    char number[AST_PARTY_TEXT_SIZE]; /*!< likewise; unescaped user part of a SIP or tel URI */
    int presentation;                 /*!< enum ast_party_presentation */
};

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
