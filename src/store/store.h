/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store: texts that outlive a restart. store.c queues changes on the SIP thread; a backend
 * (sqlite.c) writes them off it. Nothing here knows what the texts mean.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <sipsession/store.h>

#include "base/base.h"

/* ---- store.c: SIP thread ---- */

/* Where the store is, or NULL for none; it is opened when it is used first. 0, -1 no memory. */
int store_start(const char *path);
/* Flushes, and closes the file. */
void store_stop(void);

/* ---- sqlite.c: the file. Any thread, one at a time; everything here blocks. ---- */

struct store_file;

struct store_change {
    struct store_change *next;
    char *kind;
    char *key;
    char *value; /* NULL: forget */
};

/* NULL: logged. */
struct store_file *store_file_open(const char *path);
void store_file_close(struct store_file *file);
/* All of the list, or nothing: 0 when it is on the disk; -1 logged. */
int store_file_commit(struct store_file *file, const struct store_change *changes);
/* As ast_store_each. */
int store_file_each(struct store_file *file, const char *kind,
                    int (*see)(const char *key, const char *value, void *data), void *data);

#endif
