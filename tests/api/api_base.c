/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The module that api_needs requires.
 */
#include "api_record.h"

static int init(void)
{
    api_record("init api_base");
    return 0;
}

static void done(void)
{
    api_record("close api_base");
}

AST_SIP_MODULE(.name = "api_base", .description = "Test: needed by another module", .init = init,
               .close = done);
