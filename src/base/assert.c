/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base: what happens when an internal invariant is broken. It is said in the log, and the process ends with a
 * core: going on with a state that cannot be would harm other calls. Never reached by what a peer sends.
 */
#include "base/base.h"

#include <stdlib.h>

#include <sipsession/log.h>

void base_assert_failed(const char *expr, const char *file, int line)
{
    ast_error("internal error: '%s' does not hold (%s:%d)", expr, file, line);
    abort();
}
