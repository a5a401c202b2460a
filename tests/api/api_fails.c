/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A module whose init fails.
 */
#include "api_record.h"

static int init(void)
{
    ast_error("api_fails: it was told to fail");
    return -1;
}

AST_SIP_MODULE(.name = "api_fails", .description = "Test: does not start", .init = init);
