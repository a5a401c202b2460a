/* SPDX-License-Identifier: GPL-2.0-or-later */
/* message: whether octets are text. No SIP here. */
#ifndef MESSAGE_UTF8_H
#define MESSAGE_UTF8_H

#include <stddef.h>

/* 1: well-formed UTF-8 (RFC 3629 4) without NUL; 0. */
int utf8_is_text(const char *text, size_t length);

#endif
