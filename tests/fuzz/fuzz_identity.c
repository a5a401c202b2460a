/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diversion and History-Info from the network, given to the modules' readers and writers: what they
 * write of it fits, and is read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "diversion/entry.h"
#include "history_info/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
    if (!holds) {
        abort();
    }
}

static void check_diversion(const struct ast_sip_address *addresses, unsigned count)
{
    char value[DIVERSION_VALUE_SIZE], history[HISTORY_SIZE];
    struct ast_party_redirecting redirecting;
    struct diversion_entry entries[2], back;
    struct ast_sip_address address;
    unsigned written;

    if (diversion_read_all(addresses, count, &redirecting) != 0) {
        return;
    }
    require(redirecting.count >= 1 && redirecting.count <= DIVERSION_MOST_COUNT);
    written = diversion_entries(&redirecting, entries);
    for (unsigned i = 0; i < written; ++i) {
        pj_str_t rest = {value, diversion_write(&entries[i], "example.invalid", 1, value)};

        require(rest.slen > 0 && ast_sip_address_next(&rest, &address) == 1 && rest.slen == 0);
        require(diversion_read(&address, &back) == 0 && back.count == entries[i].count);
        require(strcmp(back.party.number, entries[i].party.number) == 0);
    }
    history_write_all(&redirecting, "example.invalid", 1, "sip:a@b", history);
}

static void check_history(const struct ast_sip_address *addresses, unsigned count)
{
    char text[HISTORY_ENTRY_SIZE];
    struct history_entry entry, back;
    struct ast_sip_address address;

    for (unsigned i = 0; i < count; ++i) {
        pj_str_t rest = {text, 0};

        if (history_read(&addresses[i], &entry) != 0 ||
            (rest.slen = history_copy(&addresses[i], text, sizeof(text))) < 0) {
            continue;
        }
        require(ast_sip_address_next(&rest, &address) == 1);
        require(history_read(&address, &back) == 0 && strcmp(back.index, entry.index) == 0);
        history_is_for(&entry, "sip:a@b");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ast_sip_address addresses[HISTORY_MOST];
    char *text = malloc(size);
    pj_str_t rest = {text, (pj_ssize_t)size};
    unsigned count = 0;
    int result;

    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    while (count < HISTORY_MOST && (result = ast_sip_address_next(&rest, &addresses[count])) != 0) {
        count += result == 1;
    }
    check_diversion(addresses, count);
    check_history(addresses, count);
    free(text);
    return 0;
}
