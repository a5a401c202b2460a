/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Reason header from the network: the reader comes to its end within its text, and what it took,
 * written again, is read as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check_again(const struct reason_value *value)
{
    struct reason_value again;
    const char *at;
    char text[256];
    int length = reason_print(text, sizeof(text), value->protocol, value->cause, value->text);

    require(length > 0);
    at = text;
    require(reason_next(&at, text + length, &again) == 1 && at == text + length);
    require(again.cause == value->cause && strcmp(again.protocol, value->protocol) == 0 &&
            strcmp(again.text, value->text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    struct reason_value value;
    size_t values = 0;

    while (reason_next(&at, end, &value)) {
        require(++values <= size && at <= end);
        require(value.cause >= -1 && value.cause <= 999);
        if (value.cause >= 0) {
            check_again(&value);
        }
    }
    require(at == end);
    return 0;
}
