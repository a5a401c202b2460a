/* SPDX-License-Identifier: GPL-2.0-or-later */
/* refer: where a Refer-To leads (RFC 3515 2.1). Text in, values out; of PJSIP only its reader of
 * URIs. */
#ifndef REFER_REFER_TO_H
#define REFER_REFER_TO_H

#include <pjsip.h>

struct refer_target {
    char uri[512]; /* to call: without `method`, without headers */
    char user[80]; /* of the URI, unescaped; "" none, or one that no extension can have */
    char host[256];
    int port;           /* 0: the scheme's own */
    char replaces[512]; /* of an embedded Replaces, unescaped and read; "" none */
};

/*
 * Reads the value of a Refer-To header. 0; else the status to refuse it with: 400 it is broken, 416
 * no URI of SIP, 603 it asks for another method than INVITE. The pool is for what does not last.
 */
int refer_to_parse(pj_pool_t *pool, const char *value, struct refer_target *target);

#endif
