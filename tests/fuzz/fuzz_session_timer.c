/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of Session-Expires and Min-SE from the network: what is taken is a number, what is not
 * leaves nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "timer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum timer_refresher refresher = TIMER_REFRESHER_NONE;
    unsigned expires = 0, min_se = 0;
    char *text = malloc(size + 1);
    int result;

    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    result = timer_parse_expires(text, &expires, &refresher);
    require((result == 0) == (expires != 0));
    require(result == 0 || refresher == TIMER_REFRESHER_NONE);
    /* both have the same form */
    require(timer_parse_min_se(text, &min_se) == result && min_se == expires);
    free(text);
    return 0;
}
