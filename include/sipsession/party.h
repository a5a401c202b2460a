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

#define AST_PARTY_TAG_SIZE    64
#define AST_PARTY_REASON_SIZE 32

/*! \brief An identity: a display name and a number (or the user part of an address), and who may be
 * shown it */
struct ast_party_id {
    char name[AST_PARTY_TEXT_SIZE]; /*!< UTF-8, ends with NUL; empty: none. Cut at a character when
                                       too long */
    char number[AST_PARTY_TEXT_SIZE]; /*!< likewise; unescaped user part of a SIP or tel URI */
    int presentation;                 /*!< enum ast_party_presentation */
    /*! 1: somebody who is trusted vouches for the number (screen=yes of Remote-Party-ID) */
    int screened;
    char tag[AST_PARTY_TAG_SIZE]; /*!< opaque (`callerid_tag`); never leaves this server */
};

/*! \brief How a call was diverted before it came here (RFC 5806) */
struct ast_party_redirecting {
    struct ast_party_id orig; /*!< who was called first */
    struct ast_party_id from; /*!< who diverted last */
    struct ast_party_id to;   /*!< where that one sent it */
    /*! Why, as RFC 5806 writes it: "user-busy", "no-answer", "unconditional" ...; empty: unknown */
    char reason[AST_PARTY_REASON_SIZE];
    char orig_reason[AST_PARTY_REASON_SIZE]; /*!< why the first one diverted it */
    unsigned count;                          /*!< how often it was diverted; 0: never */
};

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
