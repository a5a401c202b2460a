/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One pjsip.conf after the other, read from a folder of files.h: what it makes, and what is said of it. */
#ifndef LOADED_H
#define LOADED_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "files.h"

#define TRANSPORT "[udp]\ntype=transport\nbind=127.0.0.1\n" /* lines 1 to 3 */

extern struct sip_config *sip; /* of the last load; NULL: it failed */

/* A test of this kind, and its tear-down. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, files_begin, loaded_end)
int loaded_end(void **state);

/* Reads the text in the place of the one before, whose problems are forgotten. 0, -1. */
int load(const char *text);
/* The text is right, and says nothing that deserves a word. */
void check_good(const char *text);
/* It is taken, with these problems; it is refused with them. */
void check_warned(const char *text, const char *problems);
void check_bad(const char *text, const char *problems);
/* With each allocation failing once it is refused, or taken whole; there are more than so many. */
void check_no_memory(const char *text, unsigned most);

#endif
