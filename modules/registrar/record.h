/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * registrar: the bindings of an AOR as the text that the store keeps, and back. Pure.
 */
#ifndef REGISTRAR_RECORD_H
#define REGISTRAR_RECORD_H

#include <sipsession/location.h>

/* The text of a list; malloc'ed. NULL: no memory. */
char *record_write(const struct ast_sip_contact *contacts);
/* The list of a text. 0; -1: the text is none, or there is no memory; the output is untouched. */
int record_read(const char *text, struct ast_sip_contact **contacts);

#endif
