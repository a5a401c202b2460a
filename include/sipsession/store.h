/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store: what outlives a restart, as texts under a kind and a key. sipsession.conf's [store]
 * says where it is; without a file nothing outlives the process, and everything here works the
 * same.
 *
 * Threads: the SIP thread. Nothing here waits for a disk but what says so.
 */
#ifndef SIPSESSION_STORE_H
#define SIPSESSION_STORE_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*!
 * \brief Keep a text, or forget one
 *
 * Changes reach the disk in the order of their calls; those that come while the disk is busy go to
 * it together, in one transaction. done runs, in the same order, when the change is on the disk:
 * what it is told survives the end of the process and of the machine.
 *
 * \param kind Who keeps it, e.g. "contact"; copied like the others
 * \param key Which one of that kind
 * \param value The text; NULL: forget it
 * \param done Called once on the SIP thread, later, with 0, or with -1 when nothing was changed
 *             (logged); NULL: nobody waits
 * \param data Given to done
 * \retval 0 done will be called
 * \retval -1 It will not: no memory, or the server is ending; logged
 */
int ast_store_put(const char *kind, const char *key, const char *value,
                  void (*done)(void *data, int result), void *data);

/*!
 * \brief Look at all texts of a kind; it waits for the disk, so: in a module's init
 *
 * \param see Called for each, in no order; the strings are valid during the call. Non-zero: enough.
 * \retval 0 All were seen, or enough
 * \retval -1 The store cannot be read; logged
 */
int ast_store_each(const char *kind, int (*see)(const char *key, const char *value, void *data),
                   void *data);

/*!
 * \brief Wait until every change is on the disk, and call what waits for it; for a module's close
 *
 * What done callbacks put meanwhile is waited for, too.
 */
void ast_store_flush(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
