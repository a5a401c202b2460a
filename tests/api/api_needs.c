/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A module that requires two others, one of which is loaded after it in the file: order follows `requires`.
 */
#include "api_record.h"

static int init(void)
{
    api_record("init api_needs");
    return 0;
}

static void done(void)
{
    api_record("close api_needs");
}

AST_SIP_MODULE(.name = "api_needs", .description = "Test: needs another module",
               .requires = "api_base", .init = init, .close = done);
